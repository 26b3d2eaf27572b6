//! What `fhrpd show --json` prints, as far as it is judged.

use std::{net::IpAddr, path::PathBuf};

use fhrp_wire::MacAddr;
use serde::Deserialize;

use crate::{
    error::{LabError, Result},
    topology::Node,
};

/// A daemon's groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Shown {
    pub(super) groups: Vec<ShownGroup>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ShownGroup {
    pub(super) protocol: String,
    pub(super) group: u16,
    pub(super) state: String,
    pub(super) priority: u8,
    pub(super) effective_priority: u8,
    pub(super) active: Option<IpAddr>,
    pub(super) programmed: bool,
    pub(super) state_changes: u64,
    pub(super) virtual_mac: Option<String>,
    /// GLBP's.
    #[serde(default)]
    pub(super) forwarders: Vec<ShownForwarder>,
}

/// A forwarder of GLBP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct ShownForwarder {
    pub(super) number: u8,
    pub(super) state: String,
    pub(super) state_changes: u64,
    pub(super) mac: String,
    pub(super) primary: bool,
    pub(super) programmed: bool,
}

impl ShownGroup {
    pub(super) fn is_active(&self) -> bool {
        self.state == "active"
    }

    /// The virtual MACs for which frames are taken in now.
    pub(super) fn open(&self) -> Vec<MacAddr> {
        let own = self.virtual_mac.iter().filter(|_| self.is_active() && self.protocol != "glbp");
        let forwarders = self.forwarders.iter().filter(|forwarder| forwarder.is_active());
        own.chain(forwarders.map(|forwarder| &forwarder.mac)).filter_map(|mac| mac.parse().ok()).collect()
    }

    /// Changes of state of it and its forwarders.
    pub(super) fn changes(&self) -> u64 {
        self.state_changes + self.forwarders.iter().map(|forwarder| forwarder.state_changes).sum::<u64>()
    }
}

impl ShownForwarder {
    pub(super) fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// Asks the daemon in `router`, as an operator would. Gives the text, too.
///
/// # Errors
/// [`LabError::Command`] if it does not answer, or not so that it can be read.
pub(super) fn show(binary: &str, router: &Node) -> Result<(Shown, String)> {
    let socket: PathBuf = router.work_dir().join("fhrpd.sock");
    let socket = socket.display().to_string();
    let text = router.namespace().query(binary, &["show", "--json", "--socket", &socket])?;
    let shown = serde_json::from_str(&text).map_err(|error| LabError::Command {
        command: format!("{binary} show --json"),
        stderr: format!("cannot be read: {error}"),
    })?;
    Ok((shown, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_macs_are_those_of_what_is_active() {
        let text = r#"{"groups":[
            {"protocol":"hsrp","group":5,"state":"active","priority":1,"effective_priority":1,"active":"192.0.2.11",
             "programmed":true,"state_changes":2,"virtual_mac":"00:00:0c:9f:f0:05","hello_ms":1.5},
            {"protocol":"glbp","group":7,"state":"active","priority":1,"effective_priority":1,"active":null,
             "programmed":true,"state_changes":1,"virtual_mac":null,"forwarders":[
              {"number":1,"state":"active","state_changes":3,"mac":"00:07:b4:00:07:01","primary":true,"programmed":true},
              {"number":2,"state":"listen","state_changes":4,"mac":"00:07:b4:00:07:02","primary":false,"programmed":true}]}
            ],"interfaces":[]}"#;
        let shown: Shown = serde_json::from_str(text).unwrap();
        let open: Vec<_> = shown.groups.iter().map(ShownGroup::open).collect();
        assert_eq!(open, [[MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 5])], [MacAddr([0, 7, 0xb4, 0, 7, 1])]]);
        assert_eq!(shown.groups[1].changes(), 8);
    }
}
