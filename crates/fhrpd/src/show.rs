//! `fhrpd show`: the daemon's report, for people and for programs.

mod cisco;
mod detail;
mod table;

use std::net::IpAddr;

use crate::report::{GroupReport, Report};

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
    /// HSRP and GLBP as programs read them from `show standby` and `show glbp` of Cisco routers.
    Cisco,
    /// The same, a line a group: `show standby brief` and `show glbp brief`.
    CiscoBrief,
}

/// Which groups are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this protocol, as [`GroupReport::protocol`] has it.
    pub protocol: Option<String>,
    /// Only this family, 4 or 6.
    pub family: Option<u8>,
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
        report.groups.retain(|group| {
            on(&group.interface)
                && self.protocol.as_ref().is_none_or(|wanted| *wanted == group.protocol)
                && self.family.is_none_or(|wanted| wanted == group.family)
                && self.group.is_none_or(|wanted| wanted == group.group)
        });
        report.interfaces.retain(|interface| on(&interface.interface));
        report
    }
}

/// The report as text, ending in a newline; nothing at all where the format has no form for any of the groups.
#[must_use]
pub fn render(report: &Report, format: Format) -> String {
    match format {
        Format::Json => serde_json::to_string(report).unwrap_or_default() + "\n",
        Format::Cisco => cisco::full(report),
        Format::CiscoBrief => cisco::brief(report),
        Format::Text | Format::Detail if report.groups.is_empty() => "no group\n".to_owned(),
        Format::Text => table::table(report),
        Format::Detail => detail::detail(report),
    }
}

fn family(group: &GroupReport) -> &'static str {
    if group.family == 4 { "ipv4" } else { "ipv6" }
}

fn title(group: &GroupReport) -> String {
    format!("{} {} {} {}", group.protocol, group.interface, family(group), group.group)
}

fn active(group: &GroupReport) -> String {
    router(group.active, group.state == "active")
}

fn standby(group: &GroupReport) -> String {
    router(group.standby, group.state == "standby")
}

/// Who has a role, as far as known.
fn router(known: Option<IpAddr>, this_router: bool) -> String {
    match known {
        _ if this_router => "this router".to_owned(),
        Some(address) => address.to_string(),
        None => "-".to_owned(),
    }
}

/// What is wrong with the group, if anything is.
fn trouble(group: &GroupReport) -> Option<String> {
    let unserved = group.glbp.as_ref().is_some_and(|glbp| glbp.unserved);
    match &group.waiting {
        Some(why) => Some(format!("waits: {why}")),
        None if !group.programmed => Some("the dataplane is not as wished yet".to_owned()),
        None if unserved => Some("no forwarder can be used: hosts get no answer".to_owned()),
        None => None,
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

/// Columns as wide as their widest cell, two spaces between them.
pub(crate) fn columns(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..rows.first().map_or(0, Vec::len)).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
