//! A story to be read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::story::{EventKind, EventStory, GroupStory, HostStory, Story, Window, WindowKind};
use crate::show::columns;

/// Windows shorter than this belong to every hand-over: they are counted.
const SHORT: f64 = 0.001;

/// The whole of it.
pub(super) fn render(story: &Story) -> String {
    // Writing into a text cannot fail.
    let mut out = String::new();
    who(&mut out, story);
    for remark in &story.remarks {
        let _ = writeln!(out, "note: {remark}");
    }
    out.push('\n');
    timeline(&mut out, story);
    out.push('\n');
    windows(&mut out, story);
    out.push('\n');
    hosts(&mut out, story);
    complaints(&mut out, story);
    out
}

fn who(out: &mut String, story: &Story) {
    for lan in &story.lans {
        let mut rows: Vec<Vec<String>> = Vec::new();
        for port in &lan.routers {
            let has_ipv6 = story.groups.iter().any(|group| group.lan == lan.lan && group.family == 6);
            let has_ipv4 = story.groups.iter().any(|group| group.lan == lan.lan && group.family == 4);
            let mut addresses = Vec::new();
            addresses.extend(has_ipv4.then(|| port.ipv4.to_string()));
            addresses.extend(has_ipv6.then(|| port.ipv6.to_string()));
            let (router, interface) = (format!("  {}", port.router), port.interface.clone());
            rows.push(vec![router, interface, addresses.join(" "), port.file.clone()]);
        }
        let _ = write!(out, "LAN {}\n{}", lan.lan, columns(&rows));
        for group in story.groups.iter().filter(|group| group.lan == lan.lan) {
            let addresses: Vec<String> = group.addresses.iter().map(ToString::to_string).collect();
            let addresses = if addresses.is_empty() { "no address".to_owned() } else { addresses.join(" ") };
            let _ = writeln!(out, "{}: {addresses}", group.title);
            let row = |member: &super::story::MemberStory| {
                vec![format!("  {}", member.router), member.settings.clone()]
            };
            out.push_str(&columns(&group.routers.iter().map(row).collect::<Vec<_>>()));
        }
    }
}

fn timeline(out: &mut String, story: &Story) {
    let width = story.lans.iter().flat_map(|lan| &lan.routers).map(|port| port.router.chars().count()).max();
    let width = width.unwrap_or_default();
    let shown = |event: &&EventStory| event.kind != EventKind::Daemon && !event.again;
    for event in story.events.iter().filter(shown) {
        let at = time(event.seconds);
        let _ = match &event.router {
            Some(router) => writeln!(out, "{at:>10}  {router:width$}  {}", event.text),
            None => writeln!(out, "{at:>10}  {:-<width$}  {}", "", event.text),
        };
    }
    let _ = writeln!(out, "{:>10}  {:width$}  end", time(story.end_seconds), "");
    let ends = story.groups.iter().map(|group| (group, actives_in_the_end(group)));
    for (group, actives) in ends {
        let who = if actives.is_empty() { "nobody".to_owned() } else { actives.join(" and ") };
        let _ = writeln!(out, "{:>10}  {:width$}  {}: active: {who}", "", "", group.title);
    }
}

fn actives_in_the_end(group: &GroupStory) -> Vec<&str> {
    let active =
        |member: &&super::story::MemberStory| member.states.last().is_some_and(|last| last.state == "active");
    group.routers.iter().filter(active).map(|member| member.router.as_str()).collect()
}

fn windows(out: &mut String, story: &Story) {
    let mut rows = vec![headings(&["GROUP", "WINDOW", "FROM", "TO", "LENGTH", "BOUND", "REMARK"])];
    let mut short = 0;
    for group in &story.groups {
        for window in &group.windows {
            if window.seconds < SHORT {
                short += 1;
                continue;
            }
            rows.push(window_row(&group.title, window));
        }
    }
    for address in &story.disputed {
        let title = format!("{} of {} groups", address.address, address.groups.len());
        let long = address.windows.iter().filter(|window| window.seconds >= SHORT);
        rows.extend(long.map(|window| window_row(&title, window)));
    }
    if rows.len() == 1 {
        out.push_str("every group had exactly one active router all the time\n");
    } else {
        out.push_str(&columns(&rows));
    }
    if short > 0 {
        let plural = if short == 1 { "window" } else { "windows" };
        let _ = writeln!(out, "and {short} {plural} shorter than 1 ms, as there are at every hand-over");
    }
}

fn window_row(title: &str, window: &Window) -> Vec<String> {
    let forwarder = window.forwarder.map_or_else(String::new, |number| format!(" forwarder {number}"));
    let kind = match window.kind {
        WindowKind::NoneActive => "none active".to_owned(),
        WindowKind::TwoActive => format!("two active: {}", window.routers.join(", ")),
    };
    let mut remarks = Vec::new();
    if window.startup {
        remarks.push("start".to_owned());
    }
    if !window.within_bound {
        remarks.push("longer than the bound".to_owned());
    }
    let faults: BTreeSet<&String> = window.faults.iter().collect();
    if !faults.is_empty() {
        let faults: Vec<&str> = faults.into_iter().map(String::as_str).collect();
        remarks.push(format!("during: {}", faults.join("; ")));
    }
    vec![
        format!("{title}{forwarder}"),
        kind,
        time(window.from_seconds),
        window.until_seconds.map_or_else(|| "the end".to_owned(), time),
        length(window.seconds),
        length(window.bound_seconds),
        remarks.join(", "),
    ]
}

fn hosts(out: &mut String, story: &Story) {
    let apart = story.hosts.iter().any(|host| !host.beside.is_empty());
    let mut titles = vec!["HOST", "GATEWAY", "SERVED FROM", "PROBES", "LOST", "TWICE", "OUTAGE", "LONGEST"];
    titles.extend(apart.then_some("ON THE SIDE OF"));
    let mut rows = vec![headings(&titles)];
    for host in &story.hosts {
        let mut row = host_row(host);
        row.extend(apart.then(|| host.beside.join(" ")));
        rows.push(row);
    }
    out.push_str(&columns(&rows));
}

fn host_row(host: &HostStory) -> Vec<String> {
    let longest = host.outages.iter().max_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let longest =
        longest.map(|outage| format!("{} from {}", length(outage.seconds), time(outage.from_seconds)));
    let count = host.outages.len();
    let outage = match count {
        _ if host.served_from_seconds.is_none() => "the whole time".to_owned(),
        0 => "none".to_owned(),
        1 => length(host.outage_seconds),
        _ => format!("{} in {count} parts", length(host.outage_seconds)),
    };
    vec![
        host.host.clone(),
        host.address.to_string(),
        host.served_from_seconds.map_or_else(|| "never".to_owned(), time),
        host.sent.to_string(),
        host.lost.to_string(),
        host.duplicates.to_string(),
        outage,
        longest.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn complaints(out: &mut String, story: &Story) {
    if story.complaints.is_empty() {
        return;
    }
    out.push_str("\nwhat the routers complain of\n");
    let row = |complaint: &super::story::Complaint| {
        let times =
            if complaint.count == 1 { "once".to_owned() } else { format!("{} times", complaint.count) };
        vec![format!("  {}", complaint.router), complaint.level.clone(), times, complaint.text.clone()]
    };
    out.push_str(&columns(&story.complaints.iter().map(row).collect::<Vec<_>>()));
}

fn headings(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

/// `3.414`: to the millisecond.
fn time(seconds: f64) -> String {
    format!("{seconds:.3}")
}

fn length(seconds: f64) -> String {
    format!("{seconds:.3} s")
}
