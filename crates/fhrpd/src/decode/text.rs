//! A line a frame.

use std::net::IpAddr;

use fhrp::Protocol;

use super::{
    Fields, ForwarderFields, GatewayFields, GlbpFields, HsrpFields, InterfaceStateFields, Malformed, Said,
    VrrpFields,
};
use crate::show::interval;

/// Of which protocol a frame is.
pub(super) fn protocol(result: &Result<Fields, Malformed>) -> Protocol {
    match result {
        Err(bad) => bad.protocol,
        Ok(fields) => match fields.said {
            Said::Vrrp(_) => Protocol::Vrrp,
            Said::Hsrp(_) | Said::HsrpInterface(_) => Protocol::Hsrp,
            Said::Glbp(_) => Protocol::Glbp,
        },
    }
}

/// Number, time, from whom to whom, and what it says.
pub(super) fn line(frame: u64, time: Option<f64>, result: &Result<Fields, Malformed>) -> String {
    let time = time.map_or_else(String::new, |time| format!(" {time:.6}"));
    let (source, destination) = match result {
        Ok(fields) => (fields.source, fields.destination),
        Err(bad) => (bad.source, bad.destination),
    };
    let route = match (source, destination) {
        (Some(source), Some(destination)) => format!(" {source} > {destination}"),
        (Some(_) | None, _) => String::new(),
    };
    let said = match result {
        Err(bad) => format!("MALFORMED: {}", bad.error),
        Ok(fields) => {
            let vlan = fields.vlan.map_or_else(String::new, |vlan| format!(" vlan {vlan}"));
            format!("{}{vlan}", describe(&fields.said))
        }
    };
    format!("{frame:>5}{time}{route}  {} {said}", protocol(result))
}

fn describe(said: &Said) -> String {
    match said {
        Said::Vrrp(fields) => vrrp(fields),
        Said::Hsrp(fields) => hsrp(fields),
        Said::HsrpInterface(fields) => interface(fields),
        Said::Glbp(fields) => glbp(fields),
    }
}

fn vrrp(fields: &VrrpFields) -> String {
    let VrrpFields { version, vrid, priority, checksum, .. } = fields;
    let addresses: Vec<String> = fields.addresses.iter().map(ToString::to_string).collect();
    let how = fields.authentication.as_deref();
    let authentication = how.map_or_else(String::new, |how| authentication(how, fields.verified));
    let checksum = match *checksum {
        "valid" => String::new(),
        form => format!(" checksum {form}"),
    };
    let interval = interval(fields.advertisement_interval_ms);
    let resigns = resigns(*priority);
    format!(
        "v{version} vrid {vrid} priority {priority}{resigns} interval {interval} addresses {}{checksum}{authentication}",
        addresses.join(" ")
    )
}

fn resigns(priority: u8) -> &'static str {
    if priority == 0 { " (resigns)" } else { "" }
}

/// Nothing where there is none.
fn authentication(how: &str, verified: Option<bool>) -> String {
    let verdict = match verified {
        None => "",
        Some(true) => ", by the key",
        Some(false) => ", NOT by the key",
    };
    if how == "none" { String::new() } else { format!(" authentication {how}{verdict}") }
}

fn hsrp(fields: &HsrpFields) -> String {
    let HsrpFields { version, group, opcode, state, priority, .. } = fields;
    let sent = fields.sent_priority.map_or_else(String::new, |sent| format!(" (sent as {sent})"));
    let time = |name: &str, millis: Option<f64>| {
        millis.map_or_else(String::new, |millis| format!(" {name} {}", interval(millis)))
    };
    let (hello, hold) = (time("hello", fields.hello_time_ms), time("hold", fields.hold_time_ms));
    let odd = fields.timers.map_or_else(String::new, |why| format!(" ({why})"));
    let address = known(fields.address);
    let identifier = fields.identifier.as_ref().map_or_else(String::new, |mac| format!(" identifier {mac}"));
    let authentication = authentication(&fields.authentication, fields.verified);
    format!(
        "v{version} group {group} {opcode} state {state} priority {priority}{sent}{hello}{hold}{odd} address {address}{identifier}{authentication}"
    )
}

fn known(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
}

fn interface(fields: &InterfaceStateFields) -> String {
    let InterfaceStateFields { version, opcode, active_groups, passive_groups, .. } = fields;
    let activity = fields.activity.map_or_else(String::new, |activity| format!(" {activity}"));
    let opcode = opcode.replace('-', " ");
    format!("v{version} {opcode}{activity} groups: active {active_groups} passive {passive_groups}")
}

fn glbp(fields: &GlbpFields) -> String {
    let GlbpFields { group, opcode, owner, .. } = fields;
    let gateway = fields.gateway.as_ref().map_or_else(String::new, gateway);
    let forwarders: String = fields.forwarders.iter().map(forwarder).collect();
    let assigned = fields.assigned.map_or_else(String::new, |number| format!(" assigns forwarder {number}"));
    let nonces = fields.nonces.as_ref().map_or_else(String::new, |nonces| {
        format!(" nonce {:08x} number {} peers {}", nonces.own, nonces.sequence, nonces.peers.len())
    });
    let authentication = authentication(&fields.authentication, fields.verified);
    format!("group {group} {opcode} of {owner}{gateway}{forwarders}{assigned}{authentication}{nonces}")
}

fn gateway(fields: &GatewayFields) -> String {
    let GatewayFields { state, priority, redirect_seconds, timeout_seconds, address, .. } = fields;
    let (hello, hold) = (interval(fields.hello_time_ms), interval(fields.hold_time_ms));
    let resigns = resigns(*priority);
    format!(
        "; gateway {state} priority {priority}{resigns} hello {hello} hold {hold} redirect {redirect_seconds}s timeout {timeout_seconds}s address {address}"
    )
}

fn forwarder(fields: &ForwarderFields) -> String {
    let ForwarderFields { number, state, priority, weight, .. } = fields;
    let rank = if fields.primary { "primary" } else { "secondary" };
    let unfit = if fields.eligible { "" } else { ", weight too low" };
    let resigns = if fields.resigning { ", resigns" } else { "" };
    let (timeout, redirect) = (fields.timeout_left_seconds, fields.redirect_left_seconds);
    format!(
        "; forwarder {number} {state} priority {priority} ({rank}{unfit}{resigns}) weight {weight} redirect {redirect}s timeout {timeout}s"
    )
}
