//! What is saved and printed when something does not hold.

use std::{fs, path::Path};

use crate::{
    capture::Event,
    error::{LabError, Result},
    frame::Kind,
};

use super::{bench::Bench, wire::Wire};

/// Lines of the wire that are printed.
const EXCERPT: usize = 40;

/// Saves everything that may help to understand a violation, and gives the lines that are printed: what routers said
/// last, what their daemons show, and what their kernels hold.
///
/// # Errors
/// [`LabError::Io`] with the file's name.
pub(super) fn save(folder: &Path, bench: &mut Bench, wire: &Wire, history: &[String]) -> Result<Vec<String>> {
    fs::create_dir_all(folder).map_err(LabError::io(format!("making {}", folder.display())))?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(LabError::io(format!("writing {}", path.display())))
    };
    put("history.txt", &history.join("\n"))?;
    put("claims.txt", &wire.history().join("\n"))?;
    bench.capture.save(&folder.join("capture.pcap"))?;
    // A daemon that says nothing is a violation that is known by now.
    let shown = bench.show_all()?;
    for (router, (_, text)) in bench.lab.routers().iter().zip(shown) {
        let name = router.name();
        put(&format!("{name}-show.json"), &text)?;
        put(&format!("{name}-ip.txt"), &router.namespace().query("ip", &["-details", "address"])?)?;
        put(&format!("{name}-kernel.txt"), &router.namespace().inventory()?.lines().join("\n"))?;
    }
    for (number, process) in bench.processes() {
        put(&format!("r{number}-fhrpd.log"), &process.log())?;
    }
    for host in bench.lab.hosts() {
        put(&format!("{}-neighbours.txt", host.name()), &host.namespace().query("ip", &["neigh"])?)?;
    }
    let switch = bench.lab.switch().query("bridge", &["fdb", "show"])?;
    put("switch.txt", &switch)?;
    let mut lines = bench.capture.look(0, excerpt);
    for router in bench.lab.routers() {
        lines.push(format!("--- {}: fhrpd show; ip -brief address", router.name()));
        // A daemon that does not answer is no reason to print less.
        let shown = bench.show_text(router).unwrap_or_else(|error| error.to_string());
        lines.extend([shown, router.addresses()?].iter().flat_map(|text| text.lines()).map(str::to_owned));
    }
    put("printed.txt", &lines.join("\n"))?;
    Ok(lines)
}

/// The latest words of routers that are more than a repetition.
fn excerpt(events: &[Event]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut said: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    for event in events.iter().filter(|event| event.node.starts_with('r')) {
        let Some((who, what)) = words(event) else { continue };
        if said.insert(who, what.clone()).as_ref() != Some(&what) {
            lines.push(format!("{} {} {:?} {what}", event.at, event.node, event.port));
        }
    }
    lines.split_off(lines.len().saturating_sub(EXCERPT))
}

/// Who speaks of what, and what it says.
fn words(event: &Event) -> Option<(String, String)> {
    let node = &event.node;
    match &event.kind {
        Kind::Advertisement(said) => {
            let what = format!("VRRPv{} {} priority {}", said.version, said.vrid, said.priority);
            Some((format!("{node} vrrp {}", said.vrid), what))
        }
        Kind::Hsrp(said) => {
            let what =
                format!("HSRP {} {:?} {:?} priority {}", said.group, said.opcode, said.state, said.priority);
            Some((format!("{node} hsrp {}", said.group), what))
        }
        Kind::Glbp(said) => {
            let gateway = said.gateway.map(|gateway| (gateway.state, gateway.priority));
            let forwarders: Vec<_> =
                said.forwarders.iter().flatten().map(|one| (one.number, one.state, one.priority)).collect();
            let what = format!("GLBP {} {:?} {gateway:?} {forwarders:?}", said.group, said.opcode);
            Some((format!("{node} glbp {}", said.group), what))
        }
        Kind::HsrpInterface { .. }
        | Kind::Arp { .. }
        | Kind::NeighborSolicitation { .. }
        | Kind::NeighborAdvertisement { .. }
        | Kind::RouterAdvertisement { .. }
        | Kind::Probe { .. }
        | Kind::Other => None,
    }
}
