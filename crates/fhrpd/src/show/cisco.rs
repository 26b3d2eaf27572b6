//! HSRP and GLBP in the words of Cisco routers, so that programs which read those read fhrpd too: the public parsers of
//! ntc-templates and genie. What they insist on is said where it shows.
//!
//! Groups of HSRP come first; as the parsers read one command each, `--protocol` chooses. ntc-templates has no word for
//! IPv6 groups of HSRP; `--family 4` leaves them out. For the paragraphs of GLBP there is no parser.

mod glbp;

use std::fmt::Write as _;
use std::net::IpAddr;

use fhrp_wire::hsrp::{Group, Variant, Version, virtual_link_local};
use fhrp_wire::{Family, MacAddr};

use super::columns;
use crate::report::{GroupReport, HelloReport, HsrpReport, Report, TrackReport, TransitionReport};

/// `show standby` and `show glbp`: a paragraph a group.
pub(super) fn full(report: &Report) -> String {
    let standby: String = hsrp(report).map(|(group, hello, hsrp)| paragraph(group, hello, hsrp)).collect();
    standby + &glbp::full(report)
}

/// `show standby brief` and `show glbp brief`: a table each, a line a group.
pub(super) fn brief(report: &Report) -> String {
    let tables = [standby_brief(report), glbp::brief(report)];
    tables.into_iter().filter(|table| !table.is_empty()).collect::<Vec<_>>().join("\n")
}

fn standby_brief(report: &Report) -> String {
    let headings = ["Interface", "Grp", "Pri", "P", "State", "Active", "Standby", "Virtual IP"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    rows.extend(hsrp(report).flat_map(|(group, ..)| lines(group)));
    if rows.len() == 1 { String::new() } else { columns(&rows) }
}

fn hsrp(report: &Report) -> impl Iterator<Item = (&GroupReport, &HelloReport, &HsrpReport)> {
    report.groups.iter().filter_map(|group| Some((group, group.hello.as_ref()?, group.hsrp.as_ref()?)))
}

fn paragraph(group: &GroupReport, hello: &HelloReport, hsrp: &HsrpReport) -> String {
    let version = if group.version == 1 { String::new() } else { format!(" (version {})", group.version) };
    let mut out = format!("{} - Group {}{version}\n", group.interface, group.group);
    let mut line = |indent: usize, text: String| {
        let _ = writeln!(out, "{:indent$}{text}", "");
    };
    line(2, format!("State is {}{}", word(&group.state), remark(group, hsrp)));
    line(4, changes(group.state_changes, group.last_transition.as_ref()));
    for address in addresses(group, hello) {
        line(2, address);
    }
    macs(group, &mut line);
    timers(hello, &mut line);
    if let Some(authentication) = authentication(hello) {
        line(2, authentication);
    }
    line(2, preemption(group, hsrp));
    let [active, standby] = routers(group, hello);
    line(2, format!("Active router is {active}"));
    let known = group.peers.iter().find(|peer| group.state != "active" && Some(peer.address) == group.active);
    if let Some(mac) = known.and_then(|peer| peer.mac.as_deref()).and_then(dotted) {
        line(4, format!("MAC address is {mac}"));
    }
    line(2, format!("Standby router is {standby}"));
    let origin = if group.priority == 100 { "default" } else { "configured" };
    line(2, format!("Priority {} ({origin} {})", group.effective_priority, group.priority));
    for track in &group.tracks {
        line(4, tracked(track));
    }
    let family = if group.family == 4 { "" } else { "-V6" };
    let usual = format!("hsrp-{}-{}{family}", group.interface, group.group);
    let origin = if hello.name == usual { "default" } else { "cfgd" };
    line(2, format!("Group name is \"{}\" ({origin})", hello.name));
    out
}

fn changes(count: u64, last: Option<&TransitionReport>) -> String {
    let since = last.map_or_else(|| "never".to_owned(), |last| age(last.seconds_ago));
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} state change{plural}, last state change {since}")
}

/// Why it does not run, or whose state it has. genie has a line of its own for groups that follow, at which
/// ntc-templates gives up; both read this.
fn remark(group: &GroupReport, hsrp: &HsrpReport) -> String {
    match (&group.waiting, &hsrp.follow) {
        (Some(why), _) => format!(" ({why})"),
        (None, Some(leader)) => format!(" (following \"{leader}\")"),
        (None, None) => String::new(),
    }
}

fn addresses(group: &GroupReport, hello: &HelloReport) -> Vec<String> {
    let learned = if hello.learned_address { " (learnt)" } else { "" };
    let Some((primary, others)) = group.addresses.split_first() else {
        return vec![match group.family {
            4 => "Virtual IP address is unknown".to_owned(),
            _ => "Virtual IPv6 address is unknown".to_owned(),
        }];
    };
    let first = match primary {
        IpAddr::V4(address) => format!("Virtual IP address is {address}{learned}"),
        // genie wants to be told where a link-local address comes from.
        IpAddr::V6(address) => {
            let made = group.virtual_mac.as_deref().and_then(|mac| mac.parse().ok()).map(virtual_link_local);
            let origin = match made {
                _ if hello.learned_address => "learnt",
                Some(made) if made == *address => "conf auto EUI64",
                Some(_) | None => "conf",
            };
            format!("Link-Local Virtual IPv6 address is {} ({origin})", upper(primary))
        }
    };
    let other = |address: &IpAddr| match address {
        IpAddr::V4(_) => format!("Secondary virtual IP address {address}"),
        IpAddr::V6(_) => format!("Virtual IPv6 address is {}", upper(address)),
    };
    [first].into_iter().chain(others.iter().map(other)).collect()
}

fn macs(group: &GroupReport, line: &mut impl FnMut(usize, String)) {
    let own = group.virtual_mac.as_deref().and_then(dotted);
    // With use_bia there is none, and each Active router has its own.
    let local = own.clone().or_else(|| group.interface_mac.as_deref().and_then(dotted));
    let others = || {
        group.peers.iter().find(|peer| Some(peer.address) == group.active)?.mac.as_deref().and_then(dotted)
    };
    let active = match (group.state == "active", group.active) {
        (true, _) => local.clone(),
        (false, Some(_)) => own.or_else(others),
        (false, None) => None,
    };
    let unknown = || "unknown".to_owned();
    let used = if group.state == "active" { "MAC In Use" } else { "MAC Not In Use" };
    line(2, format!("Active virtual MAC address is {} ({used})", active.unwrap_or_else(unknown)));
    let origin = match (&group.virtual_mac, usual_mac(group)) {
        (None, _) => "bia".to_owned(),
        (Some(mac), Some(usual)) if *mac == usual.to_string() => format!("v{} default", group.version),
        (Some(_), _) => "cfgd".to_owned(),
    };
    line(4, format!("Local virtual MAC address is {} ({origin})", local.unwrap_or_else(unknown)));
}

/// The virtual MAC that follows from the group's number.
fn usual_mac(group: &GroupReport) -> Option<MacAddr> {
    let version = if group.version == 1 { Version::V1 } else { Version::V2 };
    let family = if group.family == 4 { Family::V4 } else { Family::V6 };
    Group::new(Variant::new(version, family)?, group.group).map(Group::virtual_mac)
}

fn timers(hello: &HelloReport, line: &mut impl FnMut(usize, String)) {
    let every = time(hello.hello_time_ms, hello.configured_hello_time_ms);
    let hold = time(hello.hold_time_ms, hello.configured_hold_time_ms);
    line(2, format!("Hello time {every}, hold time {hold}"));
    if let Some(left) = hello.next_hello_seconds {
        line(4, format!("Next hello sent in {left:.3} secs"));
    }
}

/// Configured times are in milliseconds: the only form of them that genie reads.
fn time(millis: f64, configured: Option<f64>) -> String {
    let seconds = millis / 1000.0;
    let used = if seconds.fract() == 0.0 { format!("{seconds} sec") } else { format!("{millis:.0} msec") };
    match configured.map(|configured| format!("{configured:.0}")) {
        Some(configured) if configured != format!("{millis:.0}") => {
            format!("{used} (cfgd {configured} msec)")
        }
        Some(_) | None => used,
    }
}

/// genie reads all three delays or none.
fn preemption(group: &GroupReport, hsrp: &HsrpReport) -> String {
    let delays = [group.preempt_delay_ms, hsrp.preempt_delay_reload_ms, hsrp.preempt_delay_sync_ms];
    let [minimum, reload, sync] = delays.map(|millis| (millis / 1000.0).ceil());
    match (group.preempt, minimum + reload + sync > 0.0) {
        (false, _) => "Preemption disabled".to_owned(),
        (true, false) => "Preemption enabled".to_owned(),
        (true, true) => {
            format!("Preemption enabled, delay min {minimum} secs, reload {reload} secs, sync {sync} secs")
        }
    }
}

/// The Active and the Standby router.
fn routers(group: &GroupReport, hello: &HelloReport) -> [String; 2] {
    let role = |who: Option<IpAddr>, state: &str, priority: Option<u8>, expires: Option<f64>| match who {
        _ if group.state == state => "local".to_owned(),
        None => "unknown".to_owned(),
        Some(address) => {
            let priority = priority.map_or_else(String::new, |priority| format!(", priority {priority}"));
            let expires = expires.map_or_else(String::new, |left| format!(" (expires in {left:.3} sec)"));
            format!("{}{priority}{expires}", upper(&address))
        }
    };
    [
        role(group.active, "active", group.active_priority, hello.active_expires_seconds),
        role(group.standby, "standby", hello.standby_priority, hello.standby_expires_seconds),
    ]
}

/// `None` while it is that of routers on which nothing is configured.
fn authentication(hello: &HelloReport) -> Option<String> {
    let kind = hello.authentication.as_ref()?;
    Some(match &hello.key_chain {
        Some(chain) => format!("Authentication MD5, key-chain \"{chain}\""),
        None if kind == "md5" => "Authentication MD5, key-string".to_owned(),
        None => format!("Authentication {kind}"),
    })
}

fn tracked(track: &TrackReport) -> String {
    let state = word(&track.state);
    match track.decrement {
        Some(by) => format!("Track object {} state {state} decrement {by}", track.name),
        None => format!("Track object {} state {state} shutdown", track.name),
    }
}

/// A group's line. Of IPv6 two, broken where genie expects it: behind the first router that is an address. It misreads
/// a group that preempts and knows another router as Active, and one in which neither router is an address; those are
/// broken before both, and it passes over them.
fn lines(group: &GroupReport) -> Vec<Vec<String>> {
    let mut first = row(group);
    if group.family == 4 {
        return vec![first];
    }
    let is_address = |at: usize| first.get(at).is_some_and(|cell| cell.contains(':'));
    let columns = match (is_address(ACTIVE), is_address(STANDBY)) {
        (true, _) if !group.preempt => ACTIVE + 1,
        (false, true) => STANDBY + 1,
        (true | false, _) => ACTIVE,
    };
    let rest = first.split_off(columns);
    let second = vec![String::new(); columns].into_iter().chain(rest).collect();
    vec![first, second]
}

/// Columns of [`row`].
const ACTIVE: usize = 5;
const STANDBY: usize = 6;

fn row(group: &GroupReport) -> Vec<String> {
    vec![
        group.interface.clone(),
        group.group.to_string(),
        group.effective_priority.to_string(),
        if group.preempt { "P" } else { "" }.to_owned(),
        word(&group.state),
        who(group.active, group.state == "active"),
        who(group.standby, group.state == "standby"),
        group.addresses.first().map_or_else(|| "unknown".to_owned(), upper),
    ]
}

fn who(known: Option<IpAddr>, this_router: bool) -> String {
    match known {
        _ if this_router => "local".to_owned(),
        None => "unknown".to_owned(),
        Some(address) => upper(&address),
    }
}

/// `Init`, `Standby`, `Up`.
fn word(state: &str) -> String {
    let state = if state == "initial" { "init" } else { state };
    let (first, rest) = state.split_at_checked(1).unwrap_or((state, ""));
    first.to_uppercase() + rest
}

/// `00:12:07`, `3d05h`, `2w4d`.
fn age(seconds: f64) -> String {
    let seconds = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days / 7, days) {
        (0, 0) => format!("{hours:02}:{:02}:{:02}", minutes % 60, seconds % 60),
        (0, _) => format!("{days}d{:02}h", hours % 24),
        (weeks, _) => format!("{weeks}w{}d", days % 7),
    }
}

/// IPv6 addresses in capitals.
fn upper(address: &IpAddr) -> String {
    address.to_string().to_uppercase()
}

/// `0000.0c07.ac01`.
fn dotted(mac: &str) -> Option<String> {
    let [a, b, c, d, e, f] = mac.parse::<MacAddr>().ok()?.octets();
    Some(format!("{a:02x}{b:02x}.{c:02x}{d:02x}.{e:02x}{f:02x}"))
}
