//! Everything there is, a paragraph a group.

use std::fmt::Write as _;

use super::{active, interval, list, span, standby, title, trouble};
use crate::report::{GroupReport, HsrpReport, InterfaceReport, PeerReport, Report, TrackReport, VrrpReport};

/// The groups, and the interfaces on which something was counted.
pub(super) fn detail(report: &Report) -> String {
    let mut out = String::new();
    for group in &report.groups {
        paragraph(&mut out, group);
        out.push('\n');
    }
    for InterfaceReport { interface, counters } in &report.interfaces {
        if counters.values().all(|count| *count == 0) {
            continue;
        }
        let _ = writeln!(out, "interface {interface}");
        counters_to(&mut out, counters.iter());
    }
    out
}

fn paragraph(out: &mut String, group: &GroupReport) {
    let _ = writeln!(out, "{}", title(group));
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<24}{text}");
    };
    let mut state = group.state.clone();
    if let Some(last) = &group.last_transition {
        let _ = write!(state, ", since {}: {}", span(last.seconds_ago), last.cause);
    }
    line("state", state);
    line("state changes", group.state_changes.to_string());
    if group.waiting.is_some() || !group.programmed {
        line("trouble", trouble(group));
    }
    line("version", group.version.to_string());
    roles(group, &mut line);
    let owner =
        if group.vrrp.as_ref().is_some_and(|vrrp| vrrp.owner) { ", owner of the address" } else { "" };
    line("priority", format!("{} (effective {}{owner})", group.priority, group.effective_priority));
    for track in &group.tracks {
        line("track", tracked(track));
    }
    line("preempt", preempt(group));
    line("addresses", addresses(group));
    line("virtual mac", group.virtual_mac.clone().unwrap_or_else(|| "none".to_owned()));
    line(
        "advertises from",
        group.primary_address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
    );
    if let Some(vrrp) = &group.vrrp {
        vrrp_lines(vrrp, &mut line);
    }
    if let Some(hsrp) = &group.hsrp {
        hsrp_lines(hsrp, &mut line);
    }
    if let Some(up) = group.up_seconds {
        line("up", span(up));
    }
    for peer in &group.peers {
        line("peer", heard(peer));
    }
    counters_to(out, group.counters.iter());
}

/// The Active router, and the Standby router where the protocol has one.
fn roles(group: &GroupReport, line: &mut impl FnMut(&str, String)) {
    let role = |who: String, priority: Option<u8>, expires: Option<f64>| {
        let priority = priority.map_or_else(String::new, |priority| format!(", priority {priority}"));
        let expires = expires.map_or_else(String::new, |left| format!(", expires in {}", span(left)));
        format!("{who}{priority}{expires}")
    };
    let other = group.state != "active";
    let expires = group.hsrp.as_ref().and_then(|hsrp| hsrp.active_expires_seconds);
    let (priority, expires) = (group.active_priority.filter(|_| other), expires.filter(|_| other));
    line("active router", role(active(group), priority, expires));
    if let Some(hsrp) = &group.hsrp {
        let other = group.state != "standby";
        let priority = hsrp.standby_priority.filter(|_| other);
        let expires = hsrp.standby_expires_seconds.filter(|_| other);
        line("standby router", role(standby(group), priority, expires));
    }
}

fn tracked(track: &TrackReport) -> String {
    let TrackReport { name, state, decrement } = track;
    match decrement {
        Some(by) => format!("{name} is {state}, decrement {by}"),
        None => format!("{name} is {state}, stops the group when down"),
    }
}

fn preempt(group: &GroupReport) -> String {
    if !group.preempt {
        return "no".to_owned();
    }
    let delay = |words: &str, millis: f64| (millis > 0.0).then(|| format!("{words} {}", interval(millis)));
    let (reload, sync) = group
        .hsrp
        .as_ref()
        .map_or((0.0, 0.0), |hsrp| (hsrp.preempt_delay_reload_ms, hsrp.preempt_delay_sync_ms));
    let delays = [
        delay("after", group.preempt_delay_ms),
        delay("after a reload", reload),
        delay("clients have", sync),
    ];
    let delays: String = delays.into_iter().flatten().map(|delay| format!(", {delay}")).collect();
    format!("yes{delays}")
}

fn addresses(group: &GroupReport) -> String {
    let learned = group.hsrp.as_ref().is_some_and(|hsrp| hsrp.learned_address);
    match group.addresses.as_slice() {
        [] => "to be learned".to_owned(),
        known if learned => format!("{} (learned)", list(known)),
        known => list(known),
    }
}

fn heard(peer: &PeerReport) -> String {
    let state = peer.state.as_ref().map_or_else(String::new, |state| format!(", {state}"));
    let hold = peer.hold_time_ms.map_or_else(String::new, |hold| format!(", good for {}", interval(hold)));
    let mac = peer.mac.as_ref().map_or_else(String::new, |mac| format!(", on {mac}"));
    let form = peer.checksum.as_ref().map_or_else(String::new, |form| format!(", checksum {form}"));
    let (every, ago) = (interval(peer.advertisement_interval_ms), span(peer.heard_seconds_ago));
    let PeerReport { address, priority, version, .. } = peer;
    format!(
        "{address}{state}, priority {priority}, version {version}, every {every}{hold}{mac}{form}, heard {ago} ago"
    )
}

fn vrrp_lines(group: &VrrpReport, line: &mut impl FnMut(&str, String)) {
    line("accept mode", if group.accept_mode { "yes" } else { "no" }.to_owned());
    if let Some(form) = &group.checksum {
        line("checksum sent", form.clone());
    }
    line("advertisement interval", interval(group.advertisement_interval_ms));
    line("active adver interval", interval(group.active_adver_interval_ms));
    line("skew time", interval(group.skew_time_ms));
    line("active down interval", interval(group.active_down_interval_ms));
}

fn hsrp_lines(group: &HsrpReport, line: &mut impl FnMut(&str, String)) {
    line("name", group.name.clone());
    if let Some(leader) = &group.follow {
        line("follows", leader.clone());
    }
    if let Some(kind) = &group.authentication {
        let chain = group.key_chain.as_ref().map_or_else(String::new, |name| format!(", key chain {name}"));
        line("authentication", format!("{kind}{chain}"));
    }
    let next = group.next_hello_seconds.map_or_else(String::new, |left| format!(", next in {}", span(left)));
    line("hello time", format!("{}{next}", in_use(group.hello_time_ms, group.configured_hello_time_ms)));
    line("hold time", in_use(group.hold_time_ms, group.configured_hold_time_ms));
}

/// A time, and the configured one where it is another.
fn in_use(millis: f64, configured: Option<f64>) -> String {
    match configured {
        Some(configured) if interval(configured) != interval(millis) => {
            format!("{} (configured {})", interval(millis), interval(configured))
        }
        Some(_) | None => interval(millis),
    }
}

/// Zeros are left out: what is left is what happened.
fn counters_to<'a>(out: &mut String, counters: impl Iterator<Item = (&'a String, &'a u64)>) {
    let mut none = true;
    for (name, count) in counters.filter(|(_, count)| **count > 0) {
        let heading = if std::mem::take(&mut none) { "counters" } else { "" };
        let _ = writeln!(out, "  {heading:<24}{name} {count}");
    }
}
