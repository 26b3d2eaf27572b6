//! A story as a picture: lanes of routers in the colours of their states, what the script did above them, what hosts felt
//! below. One SVG file without anything from elsewhere; colours are those of Okabe and Ito, told apart by everybody.

mod draw;

use std::collections::BTreeSet;

use super::story::{GroupStory, HostStory, MemberStory, StateStory, Story, Window, WindowKind};
use draw::{Anchor, Bar, Picture};

const WIDTH: f64 = 1000.0;
/// Names stand to the left of where time begins, which is between these.
const LEFT_LEAST: f64 = 140.0;
const LEFT_MOST: f64 = 400.0;
const RIGHT: f64 = WIDTH - 20.0;
/// The height of a line of text, and of a lane with the space below it.
const LINE: f64 = 16.0;
const LANE: f64 = 24.0;
const THIN: f64 = 14.0;
/// How much wider bold letters are.
const BOLD: f64 = 1.15;
/// What is below a lane.
const GAP: f64 = 4.0;

/// The legend: class of the colour, and what it says.
const LEGEND: [(&str, &str); 9] = [
    ("active", "active"),
    ("standby", "backup, standby"),
    ("speak", "speak"),
    ("listen", "listen"),
    ("idle", "not taking part"),
    ("down", "not running"),
    ("none", "none active"),
    ("two", "two active"),
    ("outage", "host without gateway"),
];

/// The whole picture.
pub(super) fn render(story: &Story) -> String {
    let mut picture = Picture::new(WIDTH, Scale { left: left(story), end: story.end_seconds });
    let mut y = heading(&mut picture, story);
    y = faults(&mut picture, story, y);
    let top = y;
    for group in &story.groups {
        y = block(&mut picture, story, group, y);
    }
    axis(&mut picture, (top, y));
    let end = story.end_seconds;
    let marks = story.faults.iter().map(|fault| {
        let until = if fault.lasts { fault.until_seconds.unwrap_or(end) } else { fault.from_seconds };
        (fault.from_seconds, until)
    });
    picture.bands(marks, (top, y));
    picture.finish(y + LINE * 2.0, &story.title())
}

/// Where a time is.
#[derive(Clone, Copy, Debug)]
struct Scale {
    left: f64,
    end: f64,
}

impl Scale {
    fn x(self, seconds: f64) -> f64 {
        self.left + (RIGHT - self.left) * (seconds / self.end.max(1e-6)).clamp(0.0, 1.0)
    }
}

/// As much room as the longest name needs.
fn left(story: &Story) -> f64 {
    let members = story.groups.iter().flat_map(|group| &group.routers).map(member_name);
    let hosts = story.hosts.iter().map(|host| host_name(host, gateways_of(story, host)));
    let widest = members.chain(hosts).map(|name| draw::width_of(&name)).fold(LEFT_LEAST, f64::max);
    (widest + 16.0).min(LEFT_MOST)
}

impl Story {
    fn title(&self) -> String {
        let groups: Vec<&str> = self.groups.iter().take(3).map(|group| group.title.as_str()).collect();
        let more = if self.groups.len() > groups.len() { ", …" } else { "" };
        format!("{}{more}", groups.join(", "))
    }
}

fn heading(picture: &mut Picture, story: &Story) -> f64 {
    let mut y = 24.0;
    picture.text((20.0, y), Anchor::Start, "title", &story.title());
    let about = format!("{:.1} s simulated, seed {}", story.end_seconds, story.seed);
    picture.text((RIGHT, y), Anchor::End, "quiet", &about);
    y += 14.0;
    let mut x = 20.0;
    for (class, says) in LEGEND {
        let width = 20.0 + draw::width_of(says) + 14.0;
        if x + width > RIGHT {
            (x, y) = (20.0, y + LINE);
        }
        picture.bar(&Bar { x, y, width: 14.0, height: 10.0, class, title: says });
        picture.text((x + 19.0, y + 9.0), Anchor::Start, "small", says);
        x += width;
    }
    y + LINE + 14.0
}

/// What the script says, each above its time, in as many rows as that takes.
fn faults(picture: &mut Picture, story: &Story, top: f64) -> f64 {
    let mut rows: Vec<f64> = Vec::new();
    let mut labels = Vec::new();
    for fault in &story.faults {
        let x = picture.scale().x(fault.from_seconds);
        let width = draw::width_of(&fault.text) * BOLD + 8.0;
        // Near the right edge it is written to the left of its time.
        let from = if x + width > RIGHT { x - width } else { x };
        let row = rows.iter().position(|taken| *taken <= from).unwrap_or(rows.len());
        if row == rows.len() {
            rows.push(0.0);
        }
        if let Some(taken) = rows.get_mut(row) {
            *taken = x.max(from + width);
        }
        labels.push((x, from, row, fault));
    }
    let height = f64::from(u16::try_from(rows.len()).unwrap_or(u16::MAX)) * LINE;
    for (x, from, row, fault) in labels {
        let y = top + f64::from(u16::try_from(row).unwrap_or(0)) * LINE;
        let anchor = if from < x { Anchor::End } else { Anchor::Start };
        let shift = if from < x { -4.0 } else { 4.0 };
        picture.text((x + shift, y), anchor, "fault", &fault.text);
        picture.stem(x, (y - 10.0, top + height));
    }
    top + height
}

/// A group: its routers, its forwarders, its windows and its hosts.
fn block(picture: &mut Picture, story: &Story, group: &GroupStory, top: f64) -> f64 {
    let addresses: Vec<String> = group.addresses.iter().map(ToString::to_string).collect();
    let mut y = top + LINE;
    let heading = format!("{}: {}", group.title, addresses.join(" "));
    picture.text((20.0, y), Anchor::Start, "group", &heading);
    y += 8.0;
    for member in &group.routers {
        lane_name(picture, &member_name(member), (y, LANE));
        states(picture, &member.states, (y, &member.router));
        y += LANE;
    }
    for (forwarder, actives) in forwarders(group) {
        lane_name(picture, &format!("forwarder {forwarder}"), (y, LANE));
        for (router, state) in actives {
            let title = format!("{router} has forwarder {forwarder}: {}", times(state));
            span(picture, (state.from_seconds, state.until_seconds), (y, LANE), ("active", &title));
            picture.inside((state.from_seconds, state.until_seconds), (y, LANE), ("on-dark", router));
        }
        for window in group.windows.iter().filter(|window| window.forwarder == Some(forwarder)) {
            show_window(picture, window, ((y, LANE), story.end_seconds));
        }
        y += LANE;
    }
    let windows = || group.windows.iter().filter(|window| window.forwarder.is_none());
    if windows().next().is_some() {
        lane_name(picture, "none or two active", (y, THIN));
        windows().for_each(|window| show_window(picture, window, ((y, THIN), story.end_seconds)));
        y += THIN;
    }
    let ours = |host: &&HostStory| host.lan == group.lan && host.group == group.title;
    for host in story.hosts.iter().filter(ours) {
        lane_name(picture, &host_name(host, gateways_of(story, host)), (y, THIN));
        show_host(picture, host, (y, story.end_seconds));
        y += THIN;
    }
    y + 8.0
}

fn lane_name(picture: &mut Picture, name: &str, (y, height): (f64, f64)) {
    picture.text((picture.scale().left - 8.0, y + (height - GAP) / 2.0 + 4.0), Anchor::End, "lane", name);
}

fn states(picture: &mut Picture, states: &[StateStory], (y, router): (f64, &str)) {
    for state in states {
        let (class, ink) = match state.state.as_str() {
            "active" => ("active", "on-dark"),
            "backup" | "standby" => ("standby", "on-light"),
            "speak" => ("speak", "on-light"),
            "listen" => ("listen", "on-light"),
            "down" => ("down", "on-dark"),
            _ => ("idle", "on-light"),
        };
        let title = format!("{router} {}: {}", state.state, times(state));
        let between = (state.from_seconds, state.until_seconds);
        span(picture, between, (y, LANE), (class, &title));
        picture.inside(between, (y, LANE), (ink, &state.state));
    }
}

/// Who had which forwarder when.
fn forwarders(group: &GroupStory) -> Vec<(u8, Vec<(&str, &StateStory)>)> {
    let numbers: BTreeSet<u8> =
        group.routers.iter().flat_map(|member| member.forwarders.keys().copied()).collect();
    let actives = |number: u8| {
        let members = group
            .routers
            .iter()
            .filter_map(move |member| Some((member.router.as_str(), member.forwarders.get(&number)?)));
        let active = members.flat_map(|(router, states)| states.iter().map(move |state| (router, state)));
        active.filter(|(_, state)| state.state == "active").collect()
    };
    numbers.into_iter().map(|number| (number, actives(number))).collect()
}

fn show_window(picture: &mut Picture, window: &Window, (lane, end): ((f64, f64), f64)) {
    let (class, what) = match window.kind {
        WindowKind::NoneActive => ("none", "none active".to_owned()),
        WindowKind::TwoActive => ("two", format!("two active ({})", window.routers.join(", "))),
    };
    let forwarder = window.forwarder.map_or_else(String::new, |number| format!("forwarder {number}: "));
    let title = format!("{forwarder}{what} for {:.3} s from {:.3} s", window.seconds, window.from_seconds);
    let between = (window.from_seconds, window.until_seconds.unwrap_or(end));
    span(picture, between, lane, (class, &title));
    picture.inside(between, lane, ("on-light", &format!("{:.2} s", window.seconds)));
}

/// Whether it has to be said which gateway a host asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gateway {
    Known,
    Named,
}

fn gateways_of(story: &Story, host: &HostStory) -> Gateway {
    let beside = |other: &&HostStory| other.lan == host.lan && other.group == host.group;
    let mut others = story.hosts.iter().filter(beside);
    if others.all(|other| other.address == host.address) { Gateway::Known } else { Gateway::Named }
}

fn member_name(member: &MemberStory) -> String {
    format!("{}, priority {}", member.router, member.priority)
}

fn host_name(host: &HostStory, gateway: Gateway) -> String {
    let mut name = host.host.clone();
    if gateway == Gateway::Named {
        name.push_str(&format!(" to {}", host.address));
    }
    if !host.beside.is_empty() {
        name.push_str(&format!(" beside {}", host.beside.join(" ")));
    }
    name
}

fn show_host(picture: &mut Picture, host: &HostStory, (y, end): (f64, f64)) {
    if let Some(from) = host.served_from_seconds {
        let title = format!("{} reaches {} from {from:.3} s on", host.host, host.address);
        picture.thread((from, end), y + (THIN - GAP) / 2.0, &title);
    }
    let few = host.outages.len() <= 8;
    for outage in &host.outages {
        let title = format!(
            "{} without gateway for {:.3} s from {:.3} s: {} probes lost",
            host.host, outage.seconds, outage.from_seconds, outage.lost
        );
        let between = (outage.from_seconds, outage.until_seconds.unwrap_or(end));
        span(picture, between, (y, THIN), ("outage", &title));
        if host.served_from_seconds.is_none() {
            picture.inside(between, (y, THIN), ("on-dark", "never served"));
        } else if few {
            picture.beside(between, (y, THIN), &format!("{:.2} s", outage.seconds));
        }
    }
}

fn span(
    picture: &mut Picture,
    (from, until): (f64, f64),
    (y, height): (f64, f64),
    (class, title): (&str, &str),
) {
    let (x, end) = (picture.scale().x(from), picture.scale().x(until));
    picture.bar(&Bar { x, y, width: (end - x).max(1.0), height: height - GAP, class, title });
}

fn times(state: &StateStory) -> String {
    format!("{:.3} s to {:.3} s", state.from_seconds, state.until_seconds)
}

/// Ticks at round times.
fn axis(picture: &mut Picture, (top, bottom): (f64, f64)) {
    let end = picture.scale().end;
    let steps = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0];
    let step = steps.into_iter().find(|step| end / step <= 12.0).unwrap_or(1200.0);
    let mut count = 0_u16;
    while f64::from(count) * step <= end + 1e-9 {
        let at = f64::from(count) * step;
        let x = picture.scale().x(at);
        picture.tick(x, (top, bottom + 4.0));
        let label = if step < 1.0 { format!("{at:.1} s") } else { format!("{at:.0} s") };
        picture.text((x, bottom + LINE), Anchor::Middle, "small", &label);
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_from_left_to_right() {
        let scale = Scale { left: 200.0, end: 10.0 };
        assert_eq!([0.0, 5.0, 10.0, 11.0].map(|at| scale.x(at)), [200.0, 590.0, 980.0, 980.0]);
        assert_eq!(Scale { left: 200.0, end: 0.0 }.x(0.0), 200.0);
    }
}
