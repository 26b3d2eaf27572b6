//! `fhrpd show`: the daemon's report, for people and for programs.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::report::{GroupReport, InterfaceReport, Report, VrrpReport};

/// How the report is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line a group.
    #[default]
    Text,
    /// Everything there is.
    Detail,
    /// One JSON document.
    Json,
}

/// Which groups are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this interface.
    pub interface: Option<String>,
    /// Only this number.
    pub group: Option<u16>,
}

impl Filter {
    /// Leaves in `report` what passes.
    #[must_use]
    pub fn apply(&self, mut report: Report) -> Report {
        let on = |name: &str| self.interface.as_deref().is_none_or(|wanted| wanted == name);
        report
            .groups
            .retain(|group| on(&group.interface) && self.group.is_none_or(|wanted| wanted == group.group));
        report.interfaces.retain(|interface| on(&interface.interface));
        report
    }
}

/// The report as text, ending in a newline.
#[must_use]
pub fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Json => serde_json::to_string(report).unwrap_or_default() + "\n",
        Format::Text if report.groups.is_empty() => "no group\n".to_owned(),
        Format::Detail if report.groups.is_empty() => "no group\n".to_owned(),
        Format::Text => table(report),
        Format::Detail => detail(report),
    }
}

const HEADINGS: [&str; 8] =
    ["INTERFACE", "FAMILY", "GROUP", "STATE", "PRIORITY", "ACTIVE ROUTER", "SINCE", "ADDRESSES"];

fn table(report: &Report) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(report.groups.iter().map(row));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for group in report.groups.iter().filter(|group| group.waiting.is_some() || !group.programmed) {
        let _ = writeln!(out, "{}: {}", title(group), trouble(group));
    }
    out
}

fn row(group: &GroupReport) -> [String; 8] {
    let priority = if group.priority == group.effective_priority {
        group.priority.to_string()
    } else {
        format!("{}/{}", group.priority, group.effective_priority)
    };
    [
        group.interface.clone(),
        family(group).to_owned(),
        group.group.to_string(),
        group.state.clone(),
        priority,
        active(group),
        group.last_transition.as_ref().map_or_else(|| "-".to_owned(), |last| span(last.seconds_ago)),
        list(&group.addresses),
    ]
}

fn family(group: &GroupReport) -> &'static str {
    if group.family == 4 { "ipv4" } else { "ipv6" }
}

fn title(group: &GroupReport) -> String {
    format!("{} {} {} {}", group.protocol, group.interface, family(group), group.group)
}

fn active(group: &GroupReport) -> String {
    match group.active {
        _ if group.state == "active" => "this router".to_owned(),
        Some(address) => address.to_string(),
        None => "-".to_owned(),
    }
}

fn trouble(group: &GroupReport) -> String {
    match &group.waiting {
        Some(why) => format!("waits: {why}"),
        None => "the dataplane is not as wished yet".to_owned(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// `3.2s`, `12m05s`, `3h20m`, `9d04h`.
fn span(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1}s");
    }
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86_400);
    match (days, hours, minutes) {
        (0, 0, _) => format!("{minutes}m{:02}s", whole % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        (_, _, _) => format!("{days}d{:02}h", hours % 24),
    }
}

/// `100ms`, `1s`, `3.609375s`.
pub(crate) fn interval(millis: f64) -> String {
    if millis < 1000.0 { format!("{millis}ms") } else { format!("{}s", millis / 1000.0) }
}

fn detail(report: &Report) -> String {
    let mut out = String::new();
    for group in &report.groups {
        detail_group(&mut out, group);
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

fn detail_group(out: &mut String, group: &GroupReport) {
    let _ = writeln!(out, "{}", title(group));
    let mut line = |name: &str, text: String| {
        let _ = writeln!(out, "  {name:<24}{text}");
    };
    let mut state = group.state.clone();
    if let Some(last) = &group.last_transition {
        let _ = write!(state, ", since {}: {}", span(last.seconds_ago), last.cause);
    }
    line("state", state);
    if group.waiting.is_some() || !group.programmed {
        line("trouble", trouble(group));
    }
    line("version", group.version.to_string());
    line(
        "active router",
        match group.active_priority.filter(|_| group.state != "active") {
            Some(priority) => format!("{}, priority {priority}", active(group)),
            None => active(group),
        },
    );
    let owner =
        if group.vrrp.as_ref().is_some_and(|vrrp| vrrp.owner) { ", owner of the address" } else { "" };
    line("priority", format!("{} (effective {}{owner})", group.priority, group.effective_priority));
    line(
        "preempt",
        match (group.preempt, group.preempt_delay_ms > 0.0) {
            (true, true) => format!("yes, after {}", interval(group.preempt_delay_ms)),
            (true, false) => "yes".to_owned(),
            (false, _) => "no".to_owned(),
        },
    );
    line("addresses", list(&group.addresses));
    line("virtual mac", group.virtual_mac.clone().unwrap_or_else(|| "none".to_owned()));
    line(
        "advertises from",
        group.primary_address.map_or_else(|| "-".to_owned(), |address| address.to_string()),
    );
    if let Some(vrrp) = &group.vrrp {
        vrrp_lines(vrrp, &mut line);
    }
    if let Some(up) = group.up_seconds {
        line("up", span(up));
    }
    for peer in &group.peers {
        let form = peer.checksum.as_ref().map_or_else(String::new, |form| format!(", checksum {form}"));
        let (every, heard) = (interval(peer.advertisement_interval_ms), span(peer.heard_seconds_ago));
        let who =
            format!("{}, priority {}, version {}, every {every}", peer.address, peer.priority, peer.version);
        line("peer", format!("{who}{form}, heard {heard} ago"));
    }
    counters_to(out, group.counters.iter());
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

/// Zeros are left out: what is left is what happened.
fn counters_to<'a>(out: &mut String, counters: impl Iterator<Item = (&'a String, &'a u64)>) {
    let mut none = true;
    for (name, count) in counters.filter(|(_, count)| **count > 0) {
        let heading = if std::mem::take(&mut none) { "counters" } else { "" };
        let _ = writeln!(out, "  {heading:<24}{name} {count}");
    }
}
