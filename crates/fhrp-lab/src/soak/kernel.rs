//! What a router's kernel holds, read from `ip` and `nft`.

use std::{collections::BTreeMap, net::IpAddr};

use fhrp_wire::MacAddr;
use serde::Deserialize;

use crate::{
    error::{LabError, Result},
    namespace::{Inventory, Namespace},
};

/// A link as `ip -json -details address` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Link {
    pub(super) ifname: String,
    #[serde(default)]
    pub(super) address: String,
    /// The link below a macvlan.
    #[serde(default)]
    pub(super) link: Option<String>,
    #[serde(default)]
    pub(super) mtu: u32,
    #[serde(default)]
    linkinfo: LinkInfo,
    #[serde(default)]
    pub(super) addr_info: Vec<Address>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct LinkInfo {
    info_kind: Option<String>,
}

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Address {
    pub(super) local: Option<IpAddr>,
    pub(super) prefixlen: u8,
}

impl Link {
    pub(super) fn is_macvlan(&self) -> bool {
        self.linkinfo.info_kind.as_deref() == Some("macvlan")
    }

    pub(super) fn mac(&self) -> Option<MacAddr> {
        self.address.parse().ok()
    }

    /// The prefix length with which it holds an address.
    pub(super) fn holds(&self, address: IpAddr) -> Option<u8> {
        self.addr_info.iter().find(|held| held.local == Some(address)).map(|held| held.prefixlen)
    }
}

/// The links of a namespace with their addresses.
///
/// # Errors
/// [`LabError::Command`] if `ip` fails or prints something else.
pub(super) fn links(namespace: &Namespace) -> Result<Vec<Link>> {
    let text = namespace.query("ip", &["-json", "-details", "address"])?;
    serde_json::from_str(&text).map_err(|error| LabError::Command {
        command: "ip -json -details address".to_owned(),
        stderr: format!("cannot be read: {error}"),
    })
}

/// How many things of each kind a namespace holds, besides those that belong to its macvlans.
pub(super) fn counts(inventory: &Inventory, links: &[Link]) -> BTreeMap<String, usize> {
    let devices: Vec<_> = links.iter().filter(|link| link.is_macvlan()).map(|link| &link.ifname).collect();
    let mut counts = BTreeMap::new();
    for line in inventory.lines() {
        let words = || line.split([' ', '@', '"', ',', '\\']);
        if devices.iter().any(|device| words().any(|word| word == **device)) {
            continue;
        }
        // A line begins with its kind.
        let kind = line.split(' ').next().unwrap_or_default();
        *counts.entry(kind.to_owned()).or_insert(0) += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_macvlan_with_an_address() {
        let text = r#"[{"ifindex":1,"ifname":"lo","addr_info":[]},
            {"ifname":"hs4-2-5","address":"00:00:0c:9f:f0:05","mtu":1500,"linkinfo":{"info_kind":"macvlan"},
             "addr_info":[{"family":"inet","local":"192.0.2.5","prefixlen":32}]}]"#;
        let links: Vec<Link> = serde_json::from_str(text).unwrap();
        assert_eq!(links.iter().map(Link::is_macvlan).collect::<Vec<_>>(), [false, true]);
        assert_eq!(links[1].holds("192.0.2.5".parse().unwrap()), Some(32));
        assert_eq!(links[1].mac(), Some(MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 5])));
    }
}
