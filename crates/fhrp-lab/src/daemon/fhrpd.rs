//! fhrpd's TOML.

use std::{
    collections::BTreeMap,
    fmt::{Result, Write},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use crate::group::{
    Authentication, GlbpGroup, Group, HsrpGroup, HsrpVersion, Timers, VrrpGroup, VrrpVersion,
};

pub(super) fn configuration(groups: &[Group], folder: &Path) -> String {
    let folder = folder.display();
    let mut text =
        format!("[daemon]\ncontrol_socket = \"{folder}/fhrpd.sock\"\nstate_dir = \"{folder}/state\"\n");
    // Writing to a string does not fail.
    let _ = write_key_chains(&mut text, groups);
    for group in groups {
        let _ = match group {
            Group::Vrrp(group) => write_vrrp(&mut text, group),
            Group::Hsrp(group) => write_hsrp(&mut text, group),
            Group::Glbp(group) => write_glbp(&mut text, group),
        };
    }
    text
}

fn write_vrrp(text: &mut String, group: &VrrpGroup) -> Result {
    let version = match group.version {
        VrrpVersion::V2 => 2,
        VrrpVersion::V3 => 3,
    };
    writeln!(text, "\n[[vrrp]]\ninterface = \"{}\"\nvrid = {}", group.interface, group.vrid)?;
    writeln!(text, "version = {version}\naddresses = {}", list(&group.addresses))?;
    writeln!(text, "priority = {}", group.priority)?;
    writeln!(text, "advertisement_interval = \"{}\"", exactly(group.advertisement_interval))?;
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
    write_extra(text, &group.extra)
}

fn write_hsrp(text: &mut String, group: &HsrpGroup) -> Result {
    let version = match group.version {
        HsrpVersion::V1 => 1,
        HsrpVersion::V2 => 2,
    };
    writeln!(text, "\n[[hsrp]]\ninterface = \"{}\"\ngroup = {}", group.interface, group.group)?;
    writeln!(text, "version = {version}\naddresses = {}", list(&group.addresses))?;
    writeln!(text, "priority = {}\npreempt = {}", group.priority, group.preempt)?;
    write_timers(text, group.timers)?;
    writeln!(text, "virtual_mac = {}", group.virtual_mac)?;
    write_authentication(text, &group.authentication)?;
    write_extra(text, &group.extra)
}

fn write_glbp(text: &mut String, group: &GlbpGroup) -> Result {
    writeln!(text, "\n[[glbp]]\ninterface = \"{}\"\ngroup = {}", group.interface, group.group)?;
    writeln!(text, "addresses = {}", list(&group.addresses))?;
    writeln!(text, "priority = {}\npreempt = {}", group.priority, group.preempt)?;
    write_timers(text, group.timers)?;
    if let Some(delay) = group.forwarder_preempt_delay {
        writeln!(text, "forwarder_preempt_delay = \"{}\"", exactly(delay))?;
    }
    if let Some(weight) = group.weighting {
        writeln!(text, "weighting = {weight}")?;
    }
    writeln!(text, "load_balancing = \"{}\"", group.load_balancing)?;
    write_authentication(text, &group.authentication)?;
    write_extra(text, &group.extra)
}

fn write_timers(text: &mut String, timers: Timers) -> Result {
    let Timers { hello, hold } = timers;
    writeln!(text, "hello_time = \"{}\"\nhold_time = \"{}\"", exactly(hello), exactly(hold))
}

/// A time as the file takes it. What the daemon would refuse is left to it.
fn exactly(time: Duration) -> String {
    let nanos = time.as_nanos();
    if nanos.is_multiple_of(1_000_000) { format!("{}ms", nanos / 1_000_000) } else { format!("{nanos}ns") }
}

fn write_authentication(text: &mut String, authentication: &Authentication) -> Result {
    match authentication {
        Authentication::Unsaid => Ok(()),
        Authentication::Text(key) => writeln!(text, "authentication = \"text\"\nkey = \"{key}\""),
        Authentication::Md5(key) => writeln!(text, "authentication = \"md5\"\nkey = \"{key}\""),
        Authentication::KeyChain { name, .. } => {
            writeln!(text, "authentication = \"md5\"\nkey_chain = \"{name}\"")
        }
    }
}

/// Each chain once, however many groups use it.
fn write_key_chains(text: &mut String, groups: &[Group]) -> Result {
    let mut chains = BTreeMap::new();
    for group in groups {
        let authentication = match group {
            Group::Vrrp(_) => continue,
            Group::Hsrp(group) => &group.authentication,
            Group::Glbp(group) => &group.authentication,
        };
        if let Authentication::KeyChain { name, keys } = authentication {
            chains.insert(name, keys);
        }
    }
    for (name, keys) in chains {
        let keys: Vec<_> = keys.iter().map(|(id, key)| format!("{{ id = {id}, key = \"{key}\" }}")).collect();
        writeln!(text, "\n[[key_chain]]\nname = \"{name}\"\nkeys = [{}]", keys.join(", "))?;
    }
    Ok(())
}

fn write_extra(text: &mut String, lines: &[String]) -> Result {
    lines.iter().try_for_each(|line| writeln!(text, "{line}"))
}

fn list(addresses: &[IpAddr]) -> String {
    let quoted: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
    format!("[{}]", quoted.join(", "))
}
