//! What tshark makes of packets.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use super::{Said, Verdict};

/// What is asked for, besides the values that are compared.
const VERDICT: [&str; 9] = [
    "frame.protocols",
    "_ws.malformed",
    "ip.checksum.status",
    "udp.checksum.status",
    "icmpv6.checksum.status",
    "glbp.ipv4_wrong_length",
    "glbp.ipv6_wrong_length",
    "glbp.tlv_length_too_small",
    "glbp.tlv_invalid_bytes_used",
];
const VRRP: [&str; 8] = [
    "vrrp.version",
    "vrrp.virt_rtr_id",
    "vrrp.prio",
    "vrrp.addr_count",
    "vrrp.short_adver_int",
    "vrrp.checksum.status",
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
];
const HSRP: [&str; 21] = [
    "vrrp.adver_int",
    "hsrp.opcode",
    "hsrp.state",
    "hsrp.hellotime",
    "hsrp.holdtime",
    "hsrp.priority",
    "hsrp.group",
    "hsrp.virt_ip",
    "hsrp.adv.activegrp",
    "hsrp.adv.passivegrp",
    "hsrp2.opcode",
    "hsrp2.state",
    "hsrp2.group",
    "hsrp2.identifier",
    "hsrp2.hellotime",
    "hsrp2.holdtime",
    "hsrp2.priority",
    "hsrp2.virt_ip",
    "hsrp2.virt_ip_v6",
    "hsrp2.active_groups",
    "hsrp2.passive_groups",
];
const GLBP: [&str; 17] = [
    "glbp.length",
    "glbp.reqresp.vfstate",
    "glbp.unknown1",
    "glbp.group",
    "glbp.ownerid",
    "glbp.hello.vgstate",
    "glbp.hello.priority",
    "glbp.hello.helloint",
    "glbp.hello.holdint",
    "glbp.hello.redirect",
    "glbp.hello.timeout",
    "glbp.hello.virtualipv4",
    "glbp.hello.virtualipv6",
    "glbp.reqresp.forwarder",
    "glbp.reqresp.priority",
    "glbp.reqresp.weight",
    "glbp.reqresp.virtualmac",
];
/// Where tshark has a name for each family.
const ADDRESSES: [&str; 7] = [
    "vrrp.ip_addr",
    "vrrp.ipv6_addr",
    "hsrp.virt_ip",
    "hsrp2.virt_ip",
    "hsrp2.virt_ip_v6",
    "glbp.hello.virtualipv4",
    "glbp.hello.virtualipv6",
];

/// One for each packet of `file`.
pub(super) fn verdicts(file: &Path) -> Result<Vec<Verdict>, String> {
    let names: Vec<&'static str> = [&VERDICT[..], &VRRP, &HSRP, &GLBP].concat();
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
    command.args(["-T", "fields", "-E", "separator=/t", "-r"]).arg(file);
    let output = command.args(names.iter().flat_map(|name| ["-e", name])).output();
    let output = output.map_err(|why| format!("tshark: {why}"))?;
    if !output.status.success() {
        return Err(format!("tshark: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| verdict(&names.iter().copied().zip(line.split('\t')).collect())).collect())
}

fn verdict(row: &BTreeMap<&'static str, &str>) -> Verdict {
    let shown = |name: &str| row.get(name).copied().unwrap_or_default();
    let protocols = shown("frame.protocols");
    let ours = ["vrrp", "hsrp", "glbp"].iter().any(|name| protocols.split(':').any(|each| each == *name));
    let bad_sum =
        |name: &&str| name.ends_with("checksum.status") && shown(name).split(',').any(|it| it == "0");
    let marked = |name: &&str| !name.ends_with("checksum.status") && !shown(name).is_empty();
    let broken = VERDICT[1..].iter().find(|name| bad_sum(name) || marked(name));
    match (broken, ours) {
        (Some(name), _) => Verdict::Broken((*name).to_owned()),
        (None, false) => Verdict::Foreign,
        (None, true) => said(row),
    }
}

fn said(row: &BTreeMap<&'static str, &str>) -> Verdict {
    if row.get("glbp.length").is_some_and(|lengths| lengths.split(',').any(|length| length == "2")) {
        return Verdict::Broken("glbp.length".to_owned());
    }
    let mut said = Said::new();
    for (name, value) in row.iter().filter(|(name, value)| !VERDICT.contains(name) && !value.is_empty()) {
        let name = if ADDRESSES.contains(name) { "addresses" } else { name };
        said.insert(name, number(value));
    }
    // HSRP: an address that is not known is no address.
    let vrrp = said.contains_key("vrrp.version");
    said.retain(|name, value| *name != "addresses" || vrrp || !["0.0.0.0", "::"].contains(&value.as_str()));
    said.remove("glbp.length");
    forwarders(&mut said);
    Verdict::Sound(said)
}

/// The octet that tshark has no name for is the opcode. A request says nothing of forwarders, a response a number.
fn forwarders(said: &mut Said) {
    let opcode = said.remove("glbp.unknown1").unwrap_or_default();
    let states = said.remove("glbp.reqresp.vfstate").unwrap_or_default();
    if ["1", "2"].contains(&opcode.as_str()) {
        let is_number = |name: &str| opcode == "2" && name.ends_with("forwarder");
        said.retain(|name, _| !name.starts_with("glbp.reqresp") || is_number(name));
        return;
    }
    for (_, column) in said.iter_mut().filter(|(name, _)| name.starts_with("glbp.reqresp")) {
        *column = in_a_known_state(column, &states);
    }
    said.retain(|_, value| !value.is_empty());
}

/// The forwarders that say a state that there is, Listen (4) or Active (32); others are passed over.
fn in_a_known_state(column: &str, states: &str) -> String {
    let pairs = column.split(',').zip(states.split(','));
    let known = pairs.filter(|(_, state)| ["4", "32"].contains(state)).map(|(value, _)| value);
    known.collect::<Vec<_>>().join(",")
}

/// Numbers in decimal, whatever the base that tshark shows them in.
fn number(value: &str) -> String {
    let decimal = |word: &str| match word.parse::<std::net::IpAddr>() {
        // There are several ways to write one.
        Ok(address) => address.to_string(),
        Err(_) => hexadecimal(word),
    };
    value.split(',').map(decimal).collect::<Vec<_>>().join(",")
}

fn hexadecimal(word: &str) -> String {
    match word.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16)) {
        Some(Ok(number)) => number.to_string(),
        Some(Err(_)) | None => word.to_owned(),
    }
}
