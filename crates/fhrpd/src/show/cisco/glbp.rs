//! GLBP.

use std::fmt::Write as _;

use super::{
    addresses, authentication, changes, columns, dotted, routers, timers, tracked, upper, who, word,
};
use crate::report::{ForwarderReport, GlbpReport, GroupReport, HelloReport, Report};

/// `show glbp`: a paragraph a group.
pub(super) fn full(report: &Report) -> String {
    glbp(report).map(|(group, hello, glbp)| paragraph(group, hello, glbp)).collect()
}

/// `show glbp brief`: a line for the gateway, and one a forwarder.
pub(super) fn brief(report: &Report) -> String {
    let headings = ["Interface", "Grp", "Fwd", "Pri", "State", "Address", "Active router", "Standby router"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    for (group, _, glbp) in glbp(report) {
        rows.push(gateway_row(group));
        rows.extend(glbp.forwarders.iter().map(|one| forwarder_row(group, one)));
    }
    if rows.len() == 1 { String::new() } else { columns(&rows) }
}

fn glbp(report: &Report) -> impl Iterator<Item = (&GroupReport, &HelloReport, &GlbpReport)> {
    report.groups.iter().filter_map(|group| Some((group, group.hello.as_ref()?, group.glbp.as_ref()?)))
}

fn paragraph(group: &GroupReport, hello: &HelloReport, glbp: &GlbpReport) -> String {
    let mut out = format!("{} - Group {}\n", group.interface, group.group);
    let mut line = |indent: usize, text: String| {
        let _ = writeln!(out, "{:indent$}{text}", "");
    };
    let why = group.waiting.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
    line(2, format!("State is {}{why}", word(&group.state)));
    line(4, changes(group.state_changes, group.last_transition.as_ref()));
    for address in addresses(group, hello) {
        line(2, address);
    }
    timers(hello, &mut line);
    let (redirect, timeout) = (glbp.redirect_seconds, glbp.timeout_seconds);
    line(2, format!("Redirect time {redirect:.0} sec, forwarder timeout {timeout:.0} sec"));
    if let Some(authentication) = authentication(hello) {
        line(2, authentication);
    }
    line(2, preemption(group.preempt.then_some(group.preempt_delay_ms)));
    let [active, standby] = routers(group, hello);
    line(2, format!("Active is {active}"));
    line(2, format!("Standby is {standby}"));
    let origin = if group.priority == 100 { "default" } else { "configured" };
    line(2, format!("Priority {} ({origin})", group.priority));
    line(2, weighting(glbp));
    for track in &group.tracks {
        line(4, tracked(track));
    }
    line(2, format!("Load balancing: {}", glbp.load_balancing));
    line(2, "Group members:".to_owned());
    for member in members(group, glbp) {
        line(4, member);
    }
    let serving = glbp.forwarders.iter().filter(|one| one.state == "active").count();
    line(2, format!("There are {} forwarders ({serving} active)", glbp.forwarders.len()));
    for forwarder in &glbp.forwarders {
        line(2, format!("Forwarder {}", forwarder.number));
        for (indent, text) in stands(group, glbp, forwarder) {
            line(indent, text);
        }
    }
    out
}

/// Given the delay, where it is on.
fn preemption(delay_ms: Option<f64>) -> String {
    match delay_ms {
        Some(millis) => format!("Preemption enabled, min delay {} sec", (millis / 1000.0).ceil()),
        None => "Preemption disabled".to_owned(),
    }
}

fn weighting(glbp: &GlbpReport) -> String {
    let weighting = &glbp.weighting;
    let low = if weighting.low { ", low" } else { "" };
    let origin = if weighting.configured == 100 { "default" } else { "configured" };
    let (current, configured) = (weighting.current, weighting.configured);
    let (lower, upper) = (weighting.lower, weighting.upper);
    format!("Weighting {current}{low} ({origin} {configured}), thresholds: lower {lower}, upper {upper}")
}

/// This router and the others.
fn members(group: &GroupReport, glbp: &GlbpReport) -> Vec<String> {
    let mac = |mac: &str| dotted(mac).unwrap_or_default();
    let ourselves = glbp.owner_id.as_deref().zip(group.primary_address);
    let ourselves = ourselves.map(|(owner, address)| format!("{} ({}) local", mac(owner), upper(&address)));
    let others = glbp.members.iter().map(|member| {
        let proved = if member.authenticated { " authenticated" } else { "" };
        format!("{} ({}){proved}", mac(&member.owner_id), upper(&member.address))
    });
    ourselves.into_iter().chain(others).collect()
}

/// Where this router stands with a forwarder; what only the AVG knows is left out elsewhere.
fn stands(group: &GroupReport, glbp: &GlbpReport, forwarder: &ForwarderReport) -> Vec<(usize, String)> {
    let avg = group.state == "active";
    let mac = |mac: &str| dotted(mac).unwrap_or_default();
    let origin = if forwarder.primary { "default" } else { "learnt" };
    let owner = forwarder.owner_id.as_deref().map_or_else(|| "unknown".to_owned(), mac);
    let mut lines = vec![
        (4, format!("State is {}", word(&forwarder.state))),
        (6, changes(forwarder.state_changes, forwarder.last_transition.as_ref())),
        (4, format!("MAC address is {} ({origin})", mac(&forwarder.mac))),
        (4, format!("Owner ID is {owner}")),
    ];
    if avg {
        lines.push((4, redirection(glbp, forwarder)));
    }
    if let Some(left) = forwarder.timeout_left_seconds {
        lines.push((4, format!("Time to live: {left:.3} sec (maximum {:.0} sec)", glbp.timeout_seconds)));
    }
    let delay = glbp.forwarder_preempt.then_some(glbp.forwarder_preempt_delay_ms);
    lines.push((4, preemption(delay)));
    lines.push((4, format!("Active is {}", server(glbp, forwarder))));
    if avg {
        lines.push((6, format!("Client selection count: {}", forwarder.selections)));
    }
    lines
}

fn redirection(glbp: &GlbpReport, forwarder: &ForwarderReport) -> String {
    match forwarder.redirect_left_seconds {
        None => "Redirection enabled".to_owned(),
        Some(left) if left > 0.0 => {
            format!("Redirection enabled, {left:.3} sec remaining (maximum {:.0} sec)", glbp.redirect_seconds)
        }
        Some(_) => "Redirection disabled".to_owned(),
    }
}

fn server(glbp: &GlbpReport, forwarder: &ForwarderReport) -> String {
    match &forwarder.server {
        _ if forwarder.state == "active" => format!("local, weighting {}", glbp.weighting.current),
        None => "unknown".to_owned(),
        Some(server) => {
            let rank = if server.primary { "primary" } else { "secondary" };
            let (address, weighting, left) =
                (upper(&server.address), server.weighting, server.expires_seconds);
            format!("{address} ({rank}), weighting {weighting} (expires in {left:.3} sec)")
        }
    }
}

fn gateway_row(group: &GroupReport) -> Vec<String> {
    vec![
        group.interface.clone(),
        group.group.to_string(),
        "-".to_owned(),
        group.priority.to_string(),
        word(&group.state),
        group.addresses.first().map_or_else(|| "unknown".to_owned(), upper),
        who(group.active, group.state == "active"),
        who(group.standby, group.state == "standby"),
    ]
}

fn forwarder_row(group: &GroupReport, forwarder: &ForwarderReport) -> Vec<String> {
    vec![
        group.interface.clone(),
        group.group.to_string(),
        forwarder.number.to_string(),
        "-".to_owned(),
        word(&forwarder.state),
        dotted(&forwarder.mac).unwrap_or_default(),
        who(forwarder.server.as_ref().map(|server| server.address), forwarder.state == "active"),
        "-".to_owned(),
    ]
}
