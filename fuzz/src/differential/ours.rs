//! What the codec makes of packets, as `fhrpd decode` shows it.

use fhrpd::decode::{Format, decode_capture};
use serde_json::Value;

use super::{Said, Verdict};

/// In the order of `packets`.
pub(super) fn verdicts(packets: &[Vec<u8>]) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Foreign; packets.len()];
    let mut out = Vec::new();
    let file = crate::seeds::pcap(1, packets);
    decode_capture(&file[..], None, Format::Json, &mut out).expect("a capture file");
    for line in String::from_utf8(out).expect("text").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let place = line["frame"].as_u64().and_then(|number| usize::try_from(number).ok());
        let Some(place) = place.filter(|_| line["protocol"].is_string()) else { continue };
        verdicts[place - 1] = verdict(&line);
    }
    verdicts
}

fn verdict(line: &Value) -> Verdict {
    if let Some(error) = line["error"].as_str() {
        return Verdict::Broken(error.to_owned());
    }
    let mut said = Said::new();
    let fields = &line["fields"];
    match line["protocol"].as_str().unwrap_or_default() {
        "vrrp" => vrrp(fields, &mut said),
        "hsrp" => hsrp(fields, &mut said),
        _ => glbp(fields, &mut said),
    }
    said.retain(|_, value| !value.is_empty());
    Verdict::Sound(said)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        Value::Number(_) | Value::Bool(_) | Value::Object(_) => value.to_string(),
    }
}

/// Milliseconds in units of `unit` of them.
fn time(value: &Value, unit: f64) -> String {
    value.as_f64().map_or_else(String::new, |milliseconds| format!("{}", milliseconds / unit))
}

fn vrrp(fields: &Value, said: &mut Said) {
    let version = text(&fields["version"]);
    let addresses = fields["addresses"].as_array().map_or(0, Vec::len);
    said.insert("vrrp.virt_rtr_id", text(&fields["vrid"]));
    said.insert("vrrp.prio", text(&fields["priority"]));
    said.insert("vrrp.addr_count", addresses.to_string());
    let (name, unit) =
        if version == "2" { ("vrrp.adver_int", 1000.0) } else { ("vrrp.short_adver_int", 10.0) };
    said.insert(name, time(&fields["advertisement_interval_ms"], unit));
    said.insert("vrrp.version", version);
    said.insert("addresses", text(&fields["addresses"]));
    let form = if text(&fields["checksum"]) == "rfc9568" { "message" } else { "1" };
    said.insert("vrrp.checksum.status", form.to_owned());
}

fn hsrp(fields: &Value, said: &mut Said) {
    let first = text(&fields["version"]) == "1";
    if !fields["active_groups"].is_null() {
        let names = if first {
            ["hsrp.adv.activegrp", "hsrp.adv.passivegrp"]
        } else {
            ["hsrp2.active_groups", "hsrp2.passive_groups"]
        };
        if first {
            // RFC 2281 has no such message; in those of Cisco it is opcode 3.
            said.insert("hsrp.opcode", "3".to_owned());
        }
        said.insert(names[0], text(&fields["active_groups"]));
        said.insert(names[1], text(&fields["passive_groups"]));
        return;
    }
    let opcode = ["hello", "coup", "resign"].iter().position(|name| fields["opcode"] == *name);
    let states = ["disabled", "initial", "learn", "listen", "speak", "standby", "active"];
    let state = states.iter().position(|name| fields["state"] == *name).unwrap_or_default();
    let priority =
        if fields["sent_priority"].is_null() { &fields["priority"] } else { &fields["sent_priority"] };
    let unit = if first { 1000.0 } else { 1.0 };
    // RFC 2281 §5.1: 0, 1, 2, 4, 8, 16 from Initial on.
    let state = if first { [0, 0, 1, 2, 4, 8, 16][state] } else { state };
    let names = if first { HSRP } else { HSRP2 };
    let values = [
        opcode.unwrap_or_default().to_string(),
        state.to_string(),
        text(priority),
        text(&fields["group"]),
        time(&fields["hello_time_ms"], unit),
        time(&fields["hold_time_ms"], unit),
        text(&fields["address"]),
        text(&fields["identifier"]),
    ];
    said.extend(names.into_iter().zip(values));
    if !fields["timers"].is_null() || fields["hello_time_ms"].is_null() {
        // What was sent is not what counts.
        said.retain(|name, _| !name.ends_with("time"));
        said.insert(super::REPLACED, "yes".to_owned());
    }
}

const HSRP: [&str; 8] = [
    "hsrp.opcode",
    "hsrp.state",
    "hsrp.priority",
    "hsrp.group",
    "hsrp.hellotime",
    "hsrp.holdtime",
    "addresses",
    "hsrp.identifier",
];
const HSRP2: [&str; 8] = [
    "hsrp2.opcode",
    "hsrp2.state",
    "hsrp2.priority",
    "hsrp2.group",
    "hsrp2.hellotime",
    "hsrp2.holdtime",
    "addresses",
    "hsrp2.identifier",
];

fn glbp(fields: &Value, said: &mut Said) {
    said.insert("glbp.group", text(&fields["group"]));
    said.insert("glbp.ownerid", text(&fields["owner"]));
    said.insert("glbp.reqresp.forwarder", text(&fields["assigned"]));
    let gateway = &fields["gateway"];
    if gateway.is_object() {
        let states = [("listen", 4), ("speak", 8), ("standby", 16), ("active", 32)];
        let state =
            states.iter().find(|(name, _)| gateway["state"] == *name).map_or(0, |(_, number)| *number);
        said.insert("glbp.hello.vgstate", state.to_string());
        said.insert("glbp.hello.priority", text(&gateway["priority"]));
        said.insert("glbp.hello.helloint", time(&gateway["hello_time_ms"], 1.0));
        said.insert("glbp.hello.holdint", time(&gateway["hold_time_ms"], 1.0));
        said.insert("glbp.hello.redirect", text(&gateway["redirect_seconds"]));
        said.insert("glbp.hello.timeout", text(&gateway["timeout_seconds"]));
        said.insert("addresses", text(&gateway["address"]));
    }
    let Some(forwarders) = fields["forwarders"].as_array().filter(|list| !list.is_empty()) else { return };
    let mut list: Vec<&Value> = forwarders.iter().collect();
    list.sort_by_key(|forwarder| forwarder["number"].as_u64());
    let column = |name: &str| list.iter().map(|each| text(&each[name])).collect::<Vec<_>>().join(",");
    said.insert("glbp.reqresp.forwarder", column("number"));
    said.insert("glbp.reqresp.priority", column("priority"));
    said.insert("glbp.reqresp.weight", column("weight"));
    said.insert("glbp.reqresp.virtualmac", column("mac"));
}
