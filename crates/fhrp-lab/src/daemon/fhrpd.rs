//! fhrpd's TOML.

use std::{fmt::Write, path::Path};

use crate::group::{GroupSpec, VrrpVersion};

pub(super) fn configuration(groups: &[GroupSpec], folder: &Path) -> String {
    let folder = folder.display();
    let mut text =
        format!("[daemon]\ncontrol_socket = \"{folder}/fhrpd.sock\"\nstate_dir = \"{folder}/state\"\n");
    for group in groups {
        // Writing to a string does not fail.
        let _ = write_group(&mut text, group);
    }
    text
}

fn write_group(text: &mut String, group: &GroupSpec) -> std::fmt::Result {
    let version = match group.version {
        VrrpVersion::V2 => 2,
        VrrpVersion::V3 => 3,
    };
    writeln!(text, "\n[[vrrp]]\ninterface = \"{}\"\nvrid = {}", group.interface, group.vrid)?;
    writeln!(text, "version = {version}\naddresses = {}", list(&group.addresses))?;
    writeln!(text, "priority = {}", group.priority)?;
    writeln!(text, "advertisement_interval = \"{}ms\"", group.advertisement_interval.as_millis())?;
    writeln!(text, "preempt = {}\naccept_mode = {}", group.preempt, group.accept)?;
    writeln!(text, "virtual_mac = {}", group.virtual_mac)?;
    if let Some(key) = &group.text_key {
        writeln!(text, "authentication = \"text\"\nkey = \"{key}\"")?;
    }
    if let Some(checksum) = group.checksum {
        writeln!(text, "checksum = \"{checksum}\"")?;
    }
    if !group.unicast_peers.is_empty() {
        writeln!(text, "unicast_peers = {}", list(&group.unicast_peers))?;
    }
    group.extra.iter().try_for_each(|line| writeln!(text, "{line}"))
}

fn list(addresses: &[std::net::IpAddr]) -> String {
    let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
