//! Everything there is, a paragraph a group.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::{active, interval, list, span, standby, title, trouble};
use crate::report::{
    ClientReport, ForwarderReport, GlbpReport, GroupReport, HelloReport, InterfaceReport, MemberReport,
    PeerReport, Report, TrackReport, VrrpReport,
};

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
    if let Some(trouble) = trouble(group) {
        line("trouble", trouble);
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
    if group.glbp.is_none() {
        line("virtual mac", group.virtual_mac.clone().unwrap_or_else(|| "none".to_owned()));
    }
    line(
        "advertises from",
        group.primary_address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
    );
    if let Some(vrrp) = &group.vrrp {
        vrrp_lines(vrrp, &mut line);
    }
    if let Some(hello) = &group.hello {
        hello_lines(hello, &mut line);
    }
    if let Some(leader) = group.hsrp.as_ref().and_then(|hsrp| hsrp.follow.as_ref()) {
        line("follows", leader.clone());
    }
    if let Some(glbp) = &group.glbp {
        glbp_lines(glbp, &mut line);
    }
    if let Some(up) = group.up_seconds {
        line("up", span(up));
    }
    // Members of GLBP are more than peers.
    for peer in group.peers.iter().filter(|_| group.glbp.is_none()) {
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
    // The timer also runs while nobody is known.
    let other = |known: Option<IpAddr>, state: &str| known.is_some() && group.state != state;
    let is_other = other(group.active, "active");
    let expires = group.hello.as_ref().and_then(|hello| hello.active_expires_seconds);
    let (priority, expires) = (group.active_priority.filter(|_| is_other), expires.filter(|_| is_other));
    line("active router", role(active(group), priority, expires));
    if let Some(hello) = &group.hello {
        let is_other = other(group.standby, "standby");
        let priority = hello.standby_priority.filter(|_| is_other);
        let expires = hello.standby_expires_seconds.filter(|_| is_other);
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
    let learned = group.hello.as_ref().is_some_and(|hello| hello.learned_address);
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

fn hello_lines(group: &HelloReport, line: &mut impl FnMut(&str, String)) {
    line("name", group.name.clone());
    if let Some(kind) = &group.authentication {
        let chain = group.key_chain.as_ref().map_or_else(String::new, |name| format!(", key chain {name}"));
        line("authentication", format!("{kind}{chain}"));
    }
    let next = group.next_hello_seconds.map_or_else(String::new, |left| format!(", next in {}", span(left)));
    line("hello time", format!("{}{next}", in_use(group.hello_time_ms, group.configured_hello_time_ms)));
    line("hold time", in_use(group.hold_time_ms, group.configured_hold_time_ms));
}

fn glbp_lines(group: &GlbpReport, line: &mut impl FnMut(&str, String)) {
    line("redirect time", interval(group.redirect_seconds * 1000.0));
    line("forwarder timeout", interval(group.timeout_seconds * 1000.0));
    line("load balancing", group.load_balancing.clone());
    let weighting = &group.weighting;
    let low = if weighting.low { ", too low to forward" } else { "" };
    let (current, configured) = (weighting.current, weighting.configured);
    let (lower, upper) = (weighting.lower, weighting.upper);
    line("weighting", format!("{current} of {configured}{low} (lower {lower}, upper {upper})"));
    line(
        "forwarder preempt",
        match (group.forwarder_preempt, group.forwarder_preempt_delay_ms > 0.0) {
            (true, true) => format!("yes, after {}", interval(group.forwarder_preempt_delay_ms)),
            (true, false) => "yes".to_owned(),
            (false, _) => "no".to_owned(),
        },
    );
    line("owner id", group.owner_id.clone().unwrap_or_else(|| "-".to_owned()));
    for member in &group.members {
        line("member", belongs(member));
    }
    for forwarder in &group.forwarders {
        line(&format!("forwarder {}", forwarder.number), serves(forwarder));
    }
    if let Some(cache) = &group.client_cache {
        let forgotten =
            cache.timeout_seconds.map_or_else(String::new, |after| format!(", for {}", span(after)));
        line("clients", format!("{} of at most {}{forgotten}", group.clients.len(), cache.maximum));
    }
    for client in &group.clients {
        line("client", told(client));
    }
}

fn belongs(member: &MemberReport) -> String {
    let state = member.state.as_ref().map_or_else(String::new, |state| format!(", {state}"));
    let priority = member.priority.map_or_else(String::new, |priority| format!(", priority {priority}"));
    let fresh = if member.authenticated { ", authenticated" } else { "" };
    let (heard, expires) = (span(member.heard_seconds_ago), span(member.expires_seconds));
    format!(
        "{}{state}{priority}, owner id {}{fresh}, heard {heard} ago, expires in {expires}",
        member.address, member.owner_id
    )
}

fn serves(forwarder: &ForwarderReport) -> String {
    let ForwarderReport { state, mac, .. } = forwarder;
    let since = forwarder
        .last_transition
        .as_ref()
        .map_or_else(String::new, |last| format!(", since {}: {}", span(last.seconds_ago), last.cause));
    let owner = match (forwarder.primary, &forwarder.owner_id) {
        (true, _) => "owned".to_owned(),
        (false, Some(owner)) => format!("of {owner}"),
        (false, None) => "of an unknown owner".to_owned(),
    };
    let server = forwarder.server.as_ref().map_or_else(String::new, |server| {
        let rank = if server.primary { "primary" } else { "secondary" };
        let (address, weighting, expires) = (server.address, server.weighting, span(server.expires_seconds));
        format!(", served by {address} ({rank}, weighting {weighting}, expires in {expires})")
    });
    let redirect = match forwarder.redirect_left_seconds {
        None => String::new(),
        Some(left) if left > 0.0 => format!(", handed out for {}", span(left)),
        Some(_) => ", no longer handed out".to_owned(),
    };
    let timeout = forwarder
        .timeout_left_seconds
        .map_or_else(String::new, |left| format!(", forgotten in {}", span(left)));
    let told = match forwarder.selections {
        0 => String::new(),
        times => format!(", told to hosts {times} times"),
    };
    format!("{state}, {mac}, {owner}{server}{redirect}{timeout}{told}{since}")
}

fn told(client: &ClientReport) -> String {
    let address = client.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    let (first, last) = (span(client.first_seconds_ago), span(client.last_seconds_ago));
    let ClientReport { mac, forwarder, answers, .. } = client;
    format!(
        "{address} on {mac}: forwarder {forwarder}, {answers} answers, last {last} ago, first {first} ago"
    )
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
