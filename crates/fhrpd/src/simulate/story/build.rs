//! From records to a story.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GroupId, GroupState, Instant, Notice, NoticeKind, Protocol, Waiting};
use fhrp_sim::{Felt, Outcome, Record, What};
use tracing::Level;

use super::windows::{Contest, Found, Span, seconds};
use super::{
    AddressStory, Complaint, EventKind, EventStory, FaultStory, GroupStory, HostStory, LanStory, MemberStory,
    OutageStory, PortStory, StateStory, Story,
};
use crate::report::{counters, millis};
use crate::run::notices;
use crate::simulate::network::{Lan, Network};
use crate::simulate::plan::{Plan, Run};

/// Tells what came of each LAN's run.
pub(in crate::simulate) fn tell(network: &Network, plan: &Plan, outcomes: &[Outcome], seed: u64) -> Story {
    let mut story = Story {
        seed,
        end_seconds: seconds(plan.end),
        remarks: plan.remarks.clone(),
        lans: network.lans.iter().map(|lan| lan_story(network, lan)).collect(),
        faults: fault_stories(network, plan),
        groups: Vec::new(),
        disputed: Vec::new(),
        hosts: Vec::new(),
        complaints: Vec::new(),
        events: fault_events(plan),
    };
    for (place, ((lan, run), outcome)) in network.lans.iter().zip(&plan.runs).zip(outcomes).enumerate() {
        let teller = Teller { network, plan, place, lan, run, outcome };
        let events = teller.events(&mut story.complaints);
        story.events.extend(events);
        story.groups.extend(teller.groups());
        story.disputed.extend(teller.disputed());
        let hosts = teller.hosts(story.hosts.len());
        story.hosts.extend(hosts);
    }
    story.events.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    story
}

fn lan_story(network: &Network, lan: &Lan) -> LanStory {
    let ports = lan.ports.iter().filter_map(|port| {
        let router = network.routers.get(port.router)?;
        Some(PortStory {
            router: router.name.clone(),
            file: router.file.clone(),
            interface: port.interface.to_string(),
            ipv4: port.ipv4.into(),
            ipv6: port.ipv6.into(),
        })
    });
    LanStory { lan: lan.name.clone(), routers: ports.collect() }
}

fn fault_stories(network: &Network, plan: &Plan) -> Vec<FaultStory> {
    let name = |lan: &usize| network.lans.get(*lan).map(|lan| lan.name.clone());
    let story = |said: &crate::simulate::faults::Said| FaultStory {
        text: said.text.clone(),
        from_seconds: millis(said.from) / 1000.0,
        until_seconds: said.until.map(|until| millis(until) / 1000.0),
        lasts: said.lasts,
        lans: said.lans.iter().filter_map(name).collect(),
    };
    plan.statements.iter().map(story).collect()
}

fn fault_events(plan: &Plan) -> Vec<EventStory> {
    let event = |at: Duration, text: String| EventStory {
        seconds: millis(at) / 1000.0,
        kind: EventKind::Fault,
        router: None,
        lan: None,
        text,
        again: false,
    };
    let mut events = Vec::new();
    for said in &plan.statements {
        events.push(event(said.from, said.text.clone()));
        let over = said.until.filter(|until| said.timed && Instant::default() + *until < plan.end);
        events.extend(over.map(|until| event(until, format!("over: {}", said.text))));
    }
    events
}

/// One LAN.
struct Teller<'a> {
    network: &'a Network,
    plan: &'a Plan,
    place: usize,
    lan: &'a Lan,
    run: &'a Run,
    outcome: &'a Outcome,
}

/// What has states: a router in a group, or with a forwarder of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seat {
    group: usize,
    forwarder: Option<u8>,
    port: usize,
}

/// `None` while the daemon does not run.
type State = Option<GroupState>;

/// The states that a seat went through, and the last one with its beginning.
#[derive(Default)]
struct History {
    past: Vec<(State, Instant, Instant)>,
    now: State,
    since: Instant,
}

impl History {
    fn enter(&mut self, at: Instant, state: State) {
        if self.now == state {
            return;
        }
        if self.since < at {
            self.past.push((self.now, self.since, at));
        }
        (self.now, self.since) = (state, at);
    }
}

impl Teller<'_> {
    fn name(&self, port: usize) -> String {
        let port = self.lan.ports.get(port).and_then(|port| self.network.routers.get(port.router));
        port.map(|router| router.name.clone()).unwrap_or_default()
    }

    fn group_of(&self, id: &GroupId) -> Option<usize> {
        let is = |group: &crate::simulate::network::Group| {
            (group.protocol, group.number, group.family) == (id.protocol, id.number, id.family)
        };
        self.lan.groups.iter().position(is)
    }

    fn events(&self, complaints: &mut Vec<Complaint>) -> Vec<EventStory> {
        let event = |record: &Record, kind: EventKind, text: String| EventStory {
            seconds: seconds(record.at),
            kind,
            router: Some(self.name(record.router)),
            lan: Some(self.lan.name.clone()),
            text,
            again: false,
        };
        let mut events = Vec::new();
        for record in &self.outcome.records {
            events.push(match &record.what {
                What::Started => event(record, EventKind::Daemon, "the daemon starts".to_owned()),
                What::Ended => event(record, EventKind::Daemon, "the daemon is gone".to_owned()),
                What::Call(text) => event(record, EventKind::Frame, text.clone()),
                What::Notice(notice) => {
                    let (level, text) = notices::describe(notice);
                    let mut event = event(record, kind_of(notice), text);
                    event.again = !is_asked_for(notice) && self.complain(complaints, level, &event);
                    event
                }
            });
        }
        events
    }

    /// Counts a warning or error; whether it was said before.
    fn complain(&self, complaints: &mut Vec<Complaint>, level: Level, event: &EventStory) -> bool {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            _ => return false,
        };
        let router = event.router.clone().unwrap_or_default();
        let same = |known: &&mut Complaint| known.router == router && known.text == event.text;
        match complaints.iter_mut().find(same) {
            Some(known) => {
                known.count += 1;
                true
            }
            None => {
                let (text, level) = (event.text.clone(), level.to_owned());
                complaints.push(Complaint { router, level, text, first_seconds: event.seconds, count: 1 });
                false
            }
        }
    }

    fn groups(&self) -> Vec<GroupStory> {
        let histories = self.histories();
        let mut groups = Vec::new();
        for (place, group) in self.lan.groups.iter().enumerate() {
            let plan = self.run.scenario.groups.get(place);
            let Some(plan) = plan.filter(|plan| plan.members.iter().any(Option::is_some)) else { continue };
            let mut story = GroupStory {
                protocol: group.protocol.to_string(),
                lan: self.lan.name.clone(),
                family: if plan.ipv6 { 6 } else { 4 },
                group: group.number,
                addresses: group.addresses().into_iter().collect(),
                routers: Vec::new(),
                windows: Vec::new(),
                title: group.title(&self.lan.name),
            };
            for (port, settings) in plan.members.iter().enumerate() {
                let config = group.configs.get(port).and_then(Option::as_ref);
                let (Some(settings), Some(config)) = (settings, config) else { continue };
                let mut member = self.member(port, config.id(), &histories, place);
                member.settings = settings.to_string();
                story.routers.push(member);
            }
            let forwarders: BTreeSet<Option<u8>> =
                histories.keys().filter(|seat| seat.group == place).map(|seat| seat.forwarder).collect();
            for forwarder in forwarders {
                let contest = Contest {
                    plan,
                    forwarder,
                    spans: self.spans(&histories, (place, forwarder)),
                    end: self.plan.end,
                };
                story.windows.extend(contest.windows().into_iter().map(|found| self.named(found)));
            }
            groups.push(story);
        }
        groups
    }

    /// Addresses that are in several groups: when did nobody have them, when two?
    fn disputed(&self) -> Vec<AddressStory> {
        let mut holders: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
        for (place, group) in self.lan.groups.iter().enumerate() {
            for address in group.addresses() {
                holders.entry(address).or_default().push(place);
            }
        }
        let histories = self.histories();
        let told =
            holders.into_iter().filter(|(_, groups)| groups.len() > 1).filter_map(|(address, groups)| {
                let plan = self.run.scenario.groups.get(*groups.first()?)?;
                let mut spans: BTreeMap<usize, Vec<Span>> = BTreeMap::new();
                for group in &groups {
                    for (port, found) in self.spans(&histories, (*group, None)) {
                        spans.entry(port).or_default().extend(found);
                    }
                }
                let contest = Contest { plan, forwarder: None, spans, end: self.plan.end };
                let titles = groups.iter().filter_map(|group| self.lan.groups.get(*group));
                Some(AddressStory {
                    lan: self.lan.name.clone(),
                    address,
                    groups: titles.map(|group| group.title(&self.lan.name)).collect(),
                    windows: contest.windows().into_iter().map(|found| self.named(found)).collect(),
                })
            });
        told.collect()
    }

    fn member(
        &self,
        port: usize,
        id: &GroupId,
        histories: &BTreeMap<Seat, History>,
        group: usize,
    ) -> MemberStory {
        let statuses = self.outcome.status.get(port).into_iter().flatten();
        let status = statuses.into_iter().find(|status| status.id == *id);
        let lived = |forwarder: Option<u8>| {
            let history = histories.get(&Seat { group, forwarder, port });
            history.map(|history| self.states(history)).unwrap_or_default()
        };
        let forwarders = histories.keys().filter(|seat| (seat.group, seat.port) == (group, port));
        let forwarders = forwarders.filter_map(|seat| seat.forwarder);
        let config = self
            .network
            .lans
            .get(self.place)
            .and_then(|lan| lan.groups.get(group)?.configs.get(port)?.as_ref());
        MemberStory {
            router: self.name(port),
            settings: String::new(),
            priority: config.map_or(0, priority),
            effective_priority: status.map(|status| status.effective_priority),
            states: lived(None),
            forwarders: forwarders.map(|forwarder| (forwarder, lived(Some(forwarder)))).collect(),
            counters: status
                .map(counters)
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect(),
        }
    }

    fn histories(&self) -> BTreeMap<Seat, History> {
        let mut histories: BTreeMap<Seat, History> = BTreeMap::new();
        for (group, plan) in self.run.scenario.groups.iter().enumerate() {
            for (port, settings) in plan.members.iter().enumerate() {
                if settings.is_some() {
                    histories.insert(Seat { group, forwarder: None, port }, History::default());
                }
            }
        }
        for record in &self.outcome.records {
            match &record.what {
                What::Started | What::Ended => self.turn(&mut histories, record),
                What::Notice(notice) => {
                    let Some(group) = self.group_of(&notice.group) else { continue };
                    let Some((forwarder, to)) = moved(notice) else { continue };
                    let seat = Seat { group, forwarder, port: record.router };
                    histories.entry(seat).or_default().enter(record.at, Some(to));
                }
                What::Call(_) => {}
            }
        }
        histories
    }

    /// A daemon starts or ends, and with it all that it has.
    fn turn(&self, histories: &mut BTreeMap<Seat, History>, record: &Record) {
        for (seat, history) in histories.iter_mut().filter(|(seat, _)| seat.port == record.router) {
            let protocol = self.lan.groups.get(seat.group).map(|group| group.protocol);
            let first = match (protocol, seat.forwarder) {
                (_, Some(_)) => GroupState::Disabled,
                (Some(Protocol::Vrrp) | None, None) => GroupState::Initialize,
                (Some(Protocol::Hsrp | Protocol::Glbp), None) => GroupState::Initial,
            };
            let runs = matches!(record.what, What::Started);
            history.enter(record.at, runs.then_some(first));
        }
    }

    fn all<'h>(&self, history: &'h History) -> impl Iterator<Item = (State, Instant, Instant)> + 'h {
        let last = (history.now, history.since, self.plan.end);
        history.past.iter().copied().chain([last]).filter(|(_, from, until)| from < until)
    }

    fn states(&self, history: &History) -> Vec<StateStory> {
        let story = |(state, from, until): (State, Instant, Instant)| StateStory {
            state: state.map_or_else(|| "down".to_owned(), |state| state.to_string()),
            from_seconds: seconds(from),
            until_seconds: seconds(until),
        };
        self.all(history).map(story).collect()
    }

    fn spans(
        &self,
        histories: &BTreeMap<Seat, History>,
        (group, forwarder): (usize, Option<u8>),
    ) -> BTreeMap<usize, Vec<Span>> {
        let ours = histories.iter().filter(|(seat, _)| (seat.group, seat.forwarder) == (group, forwarder));
        let span = |(state, from, until): (State, Instant, Instant)| Span {
            active: state == Some(GroupState::Active),
            known: state.is_some_and(|state| state != GroupState::Disabled),
            from,
            until,
        };
        ours.map(|(seat, history)| (seat.port, self.all(history).map(span).collect())).collect()
    }

    fn named(&self, found: Found) -> super::Window {
        let mut window = found.window;
        window.routers = found.routers.iter().map(|port| self.name(*port)).collect();
        let (from, until) = (found.from, found.until);
        let felt = |said: &&crate::simulate::faults::Said| {
            let (begun, over) =
                (Instant::default() + said.from, said.until.map(|until| Instant::default() + until));
            said.lans.contains(&self.place) && begun < until && over.is_none_or(|over| over > from)
        };
        window.faults = self.plan.statements.iter().filter(felt).map(|said| said.text.clone()).collect();
        window
    }

    /// `before` counts the hosts of other LANs.
    fn hosts(&self, before: usize) -> Vec<HostStory> {
        let told = self.run.hosts.iter().zip(&self.outcome.hosts).enumerate();
        let story = |(place, (host, felt)): (usize, (&crate::simulate::plan::Host, &Felt))| {
            let outages: Vec<OutageStory> = felt
                .outages
                .iter()
                .map(|outage| OutageStory {
                    from_seconds: seconds(outage.from),
                    until_seconds: outage.until.map(seconds),
                    seconds: millis(outage.length(self.plan.end)) / 1000.0,
                    lost: outage.lost,
                })
                .collect();
            let all: Duration = felt.outages.iter().map(|outage| outage.length(self.plan.end)).sum();
            HostStory {
                host: format!("host{}", before + place + 1),
                lan: self.lan.name.clone(),
                address: host.address,
                group: self
                    .lan
                    .groups
                    .get(host.group)
                    .map(|group| group.title(&self.lan.name))
                    .unwrap_or_default(),
                beside: host.beside.iter().map(|port| self.name(*port)).collect(),
                served_from_seconds: felt.served_from.map(seconds),
                sent: felt.sent,
                lost: felt.lost,
                duplicates: felt.duplicates,
                outage_seconds: millis(all) / 1000.0,
                outages,
            }
        };
        told.map(story).collect()
    }
}

fn kind_of(notice: &Notice) -> EventKind {
    if moved(notice).is_some() { EventKind::State } else { EventKind::Notice }
}

/// The forwarder that changed its state, if it is one, and the state.
fn moved(notice: &Notice) -> Option<(Option<u8>, GroupState)> {
    if let NoticeKind::ForwarderMoved { forwarder, to, .. } = notice.kind {
        return Some((Some(forwarder), to));
    }
    if let NoticeKind::Moved { to, .. } = notice.kind { Some((None, to)) } else { None }
}

/// Whether the script made it so: then it is no news that a router complains.
fn is_asked_for(notice: &Notice) -> bool {
    matches!(
        notice.kind,
        NoticeKind::Tracked { .. } | NoticeKind::Waits(Waiting::InterfaceDown | Waiting::Tracked(_))
    )
}

/// As configured.
fn priority(config: &fhrp::GroupConfig) -> u8 {
    match config {
        fhrp::GroupConfig::Vrrp(config) => config.settings().priority,
        fhrp::GroupConfig::Hsrp(config) => config.settings().priority,
        fhrp::GroupConfig::Glbp(config) => config.settings().priority,
    }
}
