//! A line a group.

use std::fmt::Write as _;

use super::{active, columns, family, list, span, standby, title, trouble};
use crate::report::{GroupReport, Report};

/// The groups, and below them what is wrong with which.
pub(super) fn table(report: &Report) -> String {
    let standby = Standby::of(report);
    let mut rows = vec![headings(standby)];
    rows.extend(report.groups.iter().map(|group| row(group, standby)));
    let mut out = columns(&rows);
    for group in &report.groups {
        if let Some(trouble) = trouble(group) {
            let _ = writeln!(out, "{}: {trouble}", title(group));
        }
    }
    out
}

/// Whether there is a column for the Standby router, which VRRP does not know.
#[derive(Clone, Copy)]
enum Standby {
    Shown,
    LeftOut,
}

impl Standby {
    fn of(report: &Report) -> Self {
        let known = report.groups.iter().any(|group| group.vrrp.is_none());
        if known { Self::Shown } else { Self::LeftOut }
    }

    fn column(self, text: impl FnOnce() -> String) -> Vec<String> {
        match self {
            Self::Shown => vec![text()],
            Self::LeftOut => vec![],
        }
    }
}

fn headings(standby: Standby) -> Vec<String> {
    let mut headings = ["PROTOCOL", "INTERFACE", "FAMILY", "GROUP", "STATE", "PRIORITY", "ACTIVE ROUTER"]
        .map(str::to_owned)
        .to_vec();
    headings.extend(standby.column(|| "STANDBY ROUTER".to_owned()));
    headings.extend(["SINCE", "ADDRESSES"].map(str::to_owned));
    headings
}

fn row(group: &GroupReport, with: Standby) -> Vec<String> {
    let priority = if group.priority == group.effective_priority {
        group.priority.to_string()
    } else {
        format!("{}/{}", group.priority, group.effective_priority)
    };
    let mut row = vec![
        group.protocol.clone(),
        group.interface.clone(),
        family(group).to_owned(),
        group.group.to_string(),
        group.state.clone(),
        priority,
        active(group),
    ];
    row.extend(with.column(|| standby(group)));
    row.push(group.last_transition.as_ref().map_or_else(|| "-".to_owned(), |last| span(last.seconds_ago)));
    row.push(if group.addresses.is_empty() { "-".to_owned() } else { list(&group.addresses) });
    row
}
