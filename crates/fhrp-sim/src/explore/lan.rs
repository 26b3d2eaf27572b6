//! A LAN where nothing happens but what is chosen.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use fhrp::{
    Action, GlbpForwarder, GlbpSettings, GlbpStatus, GroupState, GroupStatus, HsrpSettings, IfIndex, Instant,
    InterfaceName, LinkEvent, LinkState, MacAddr, VrrpSettings,
};

use crate::check::{Checker, Violation, Watch};
use crate::contest::Contest;
use crate::dataplane::Dataplane;
use crate::fault::Place;
use crate::flaw::Flaw;
use crate::group::{GroupPlan, Settings};
use crate::hash::Hash;
use crate::monitor::{Monitor, Round, Step, fitness};
use crate::plan::{INTERFACE, Protocol};
use crate::said::Said;
use crate::subject::{Input, Subject};

/// Timers that are due within this time of each other are served in any order.
const TIMERS_APART: Duration = Duration::from_millis(250);
/// A frame is on its way no longer than this, unless it is lost.
const TRANSIT_MOST: Duration = Duration::from_millis(250);
const VRID: u8 = 10;
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 101);

/// One router of a small world.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its priority; over VRRP 255 makes it the owner.
    pub priority: u8,
    /// Whether it preempts, at once.
    pub preempt: bool,
    /// Its interval; over HSRP its hello time, and a third of its hold time.
    pub interval: Duration,
}

/// A small world.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its name.
    pub name: &'static str,
    /// What is spoken.
    pub protocol: Protocol,
    /// The version of it.
    pub version: u8,
    /// Its routers; a later one has a higher address.
    pub members: Vec<Member>,
    /// How many frames may be lost.
    pub losses: u8,
    /// How often a router may lose its power; it starts again at any time.
    pub crashes: u8,
    /// How often a router may be shut down; it starts again at any time.
    pub stops: u8,
    /// So long all goes well before the first choice.
    pub calm: Duration,
    /// GLBP: redirect time and timeout.
    pub lifetimes: (Duration, Duration),
    /// What is wrong with the engines, if anything.
    pub flaw: Option<Flaw>,
}

impl Small {
    /// The worlds of a protocol that are searched.
    #[must_use]
    pub fn all(protocol: Protocol) -> Vec<Self> {
        let second = Duration::from_secs(1);
        let member = |priority, preempt| Member { priority, preempt, interval: second };
        let world = |name, version, members| Self {
            name,
            protocol,
            version,
            members,
            losses: 2,
            crashes: 1,
            stops: 1,
            calm: Duration::ZERO,
            lifetimes: (second * 600, second * 14_400),
            flaw: None,
        };
        let slow = Member { priority: 200, preempt: true, interval: second * 2 };
        let mut worlds = vec![
            world("two, preempting", 2, vec![member(100, true), member(200, true)]),
            world("two, not preempting", 2, vec![member(100, false), member(200, false)]),
            world("three alike", 2, vec![member(100, true), member(100, true), member(100, true)]),
            world(
                "three apart, not preempting",
                2,
                vec![member(200, false), member(150, false), member(100, false)],
            ),
            world("three with two intervals", 2, vec![slow, member(150, true), member(100, false)]),
        ];
        match protocol {
            Protocol::Vrrp => {
                worlds.iter_mut().for_each(|world| world.version = 3);
                worlds.push(world("two of version 2", 2, vec![member(100, true), member(200, true)]));
                let owned = vec![member(255, true), member(100, true), member(254, false)];
                worlds.push(world("an owner and two", 3, owned));
            }
            Protocol::Hsrp => {
                worlds.push(world("two of version 1", 1, vec![member(100, true), member(200, true)]));
            }
            Protocol::Glbp => {
                // Until everybody has a forwarder.
                worlds.iter_mut().for_each(|world| world.calm = second * 12);
                worlds.push(Self { calm: Duration::ZERO, name: "two, from the start", ..worlds[0].clone() });
                let fleeting = (second, second * 4);
                worlds.push(Self { lifetimes: fleeting, name: "two, soon forgotten", ..worlds[0].clone() });
                worlds.push(Self { lifetimes: fleeting, name: "three, soon forgotten", ..worlds[2].clone() });
            }
        }
        worlds
    }

    fn group(&self) -> GroupPlan {
        let members = self.members.iter().map(|member| Some(self.settings(member))).collect();
        GroupPlan { number: VRID.into(), ipv6: false, gateway: ADDRESS.into(), members }
    }

    /// Repeated announcements would be timers of no interest here.
    fn settings(&self, member: &Member) -> Settings {
        let (name, addresses) = (InterfaceName::new(INTERFACE), vec![IpAddr::V4(ADDRESS)]);
        match self.protocol {
            Protocol::Vrrp => {
                let mut settings = VrrpSettings::new(name, VRID, addresses);
                settings.version = self.version;
                settings.priority = member.priority;
                settings.preempt = member.preempt;
                settings.advertisement_interval = member.interval;
                settings.announce.repeats = [].into();
                Settings::Vrrp(settings)
            }
            Protocol::Hsrp => {
                let mut settings = HsrpSettings::new(name, VRID.into(), addresses);
                settings.version = self.version;
                settings.priority = member.priority;
                settings.preempt = member.preempt;
                settings.timers = Some((member.interval, member.interval * 3));
                settings.announce.repeats = [].into();
                Settings::Hsrp(settings)
            }
            Protocol::Glbp => {
                let mut settings = GlbpSettings::new(name, VRID.into(), addresses);
                settings.priority = member.priority;
                (settings.preempt, settings.forwarder_preempt) = (member.preempt, member.preempt);
                settings.forwarder_preempt_delay = Duration::ZERO;
                (settings.hello_time, settings.hold_time) = (member.interval, member.interval * 3);
                (settings.redirect, settings.timeout) = self.lifetimes;
                Settings::Glbp(settings)
            }
        }
    }

    /// How long it takes at most until there is an Active router.
    fn silence(&self) -> Duration {
        let settings = || self.members.iter().map(|member| self.settings(member));
        let slowest = settings().map(|settings| settings.pace()).max().unwrap_or_default();
        settings().map(|settings| settings.silence(slowest)).max().unwrap_or_default()
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The frame of this place arrives.
    Deliver(usize),
    /// The frame of this place is lost.
    Lose(usize),
    /// This router's timer is served; time goes on to when it is due.
    Fire(usize),
    /// This router loses its power.
    Crash(usize),
    /// This router's daemon is stopped.
    Stop(usize),
    /// This router starts again.
    Start(usize),
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver(flight) => write!(f, "frame {flight} arrives"),
            Self::Lose(flight) => write!(f, "frame {flight} is lost"),
            Self::Fire(router) => write!(f, "{}'s timer", Place(*router)),
            Self::Crash(router) => write!(f, "{} loses power", Place(*router)),
            Self::Stop(router) => write!(f, "{} is stopped", Place(*router)),
            Self::Start(router) => write!(f, "{} starts", Place(*router)),
        }
    }
}

/// A frame on its way to one router.
#[derive(Debug)]
struct Flight {
    to: usize,
    sent: Instant,
    octets: Bytes,
}

#[derive(Debug)]
struct Node {
    link: LinkState,
    subject: Option<Subject>,
    dataplane: Dataplane,
    /// When it last advertised because of what it heard: the engine holds back further answers for half an interval.
    answered: Option<Instant>,
}

/// A small world as it is after some choices.
#[derive(Debug)]
pub(super) struct Lan<'a> {
    small: &'a Small,
    group: GroupPlan,
    now: Instant,
    nodes: Vec<Node>,
    flights: Vec<Flight>,
    monitor: Monitor,
    lost: u8,
    crashed: u8,
    stopped: u8,
    frames: u64,
}

impl<'a> Lan<'a> {
    /// The world after `path`.
    pub(super) fn at(small: &'a Small, path: &[Choice]) -> Result<Self, Violation> {
        let group = small.group();
        let mut lan = Self {
            small,
            now: Instant::default(),
            nodes: (0..small.members.len()).map(|place| Node::new(small, place)).collect(),
            flights: Vec::new(),
            monitor: Monitor::new(std::slice::from_ref(&group), small.members.len(), Watch::All),
            group,
            lost: 0,
            crashed: 0,
            stopped: 0,
            frames: 0,
        };
        for router in 0..small.members.len() {
            lan.start(router)?;
        }
        lan.run_until(Instant::default() + small.calm)?;
        for choice in path {
            lan.choose(*choice)?;
        }
        Ok(lan)
    }

    /// A path to be read: each choice, and how the routers stand after it.
    pub(super) fn tell(small: &Small, path: &[Choice]) -> Vec<String> {
        let line = |taken: usize| match Lan::at(small, &path[..taken]) {
            Ok(lan) => format!("{} {} {}", lan.now, lan.states(), path[taken - 1]),
            Err(violation) => format!("{} {violation}", path[taken - 1]),
        };
        (1..=path.len()).map(line).collect()
    }

    fn states(&self) -> String {
        let letter = |router| match self.status(router).map(|status| status.state) {
            None => 'x',
            Some(GroupState::Active) => 'A',
            Some(GroupState::Backup) => 'b',
            Some(_) => 'i',
        };
        (0..self.nodes.len()).map(letter).collect()
    }

    fn status(&self, router: usize) -> Option<GroupStatus> {
        self.nodes[router].subject.as_ref()?.status().next()
    }

    fn deadline(&self, router: usize) -> Option<Instant> {
        self.nodes[router].subject.as_ref()?.next_deadline()
    }

    /// Everything that can happen next.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = (0..self.flights.len()).map(Choice::Deliver).collect();
        if self.lost < self.small.losses {
            choices.extend((0..self.flights.len()).map(Choice::Lose));
        }
        let places = 0..self.nodes.len();
        let soonest = places.clone().filter_map(|router| self.deadline(router)).min();
        let oldest = self.flights.iter().map(|flight| flight.sent).min();
        choices.extend(places.clone().map(Choice::Fire).filter(|choice| {
            let Choice::Fire(router) = choice else { return false };
            let (Some(due), Some(soonest)) = (self.deadline(*router), soonest) else { return false };
            due <= soonest + TIMERS_APART && oldest.is_none_or(|sent| due <= sent + TRANSIT_MOST)
        }));
        for router in places {
            if self.nodes[router].subject.is_none() {
                choices.push(Choice::Start(router));
                continue;
            }
            if self.crashed < self.small.crashes {
                choices.push(Choice::Crash(router));
            }
            if self.stopped < self.small.stops {
                choices.push(Choice::Stop(router));
            }
        }
        choices
    }

    fn choose(&mut self, choice: Choice) -> Result<(), Violation> {
        match choice {
            Choice::Deliver(flight) => self.deliver(flight),
            Choice::Lose(flight) => {
                self.lost += 1;
                self.flights.remove(flight);
                Ok(())
            }
            Choice::Fire(router) => self.fire(router),
            Choice::Crash(router) => {
                self.crashed += 1;
                self.end(router);
                Ok(())
            }
            Choice::Stop(router) => {
                self.stopped += 1;
                self.call(router, Input::Stop)?;
                self.end(router);
                Ok(())
            }
            Choice::Start(router) => self.start(router),
        }
    }

    fn start(&mut self, router: usize) -> Result<(), Violation> {
        let flaw = self.small.flaw;
        let node = &mut self.nodes[router];
        node.subject = Some(Subject::new(flaw));
        let link = node.link.clone();
        self.call(router, Input::Link(LinkEvent::Present(link)))?;
        match self.group.member(router).and_then(Settings::config) {
            Some(config) => self.call(router, Input::Add(config)),
            None => Ok(()),
        }
    }

    fn end(&mut self, router: usize) {
        let node = &mut self.nodes[router];
        node.subject = None;
        node.answered = None;
        node.dataplane = Dataplane::default();
        self.flights.retain(|flight| flight.to != router);
        self.monitor.forget(router);
    }

    fn fire(&mut self, router: usize) -> Result<(), Violation> {
        self.now = self.now.max(self.deadline(router).unwrap_or(self.now));
        self.call(router, Input::Timeout)
    }

    fn deliver(&mut self, flight: usize) -> Result<(), Violation> {
        let Flight { to, octets, .. } = self.flights.remove(flight);
        self.frames += 1;
        let input = Input::Frame { at: self.now, interface: IfIndex(2), frame: self.frames, octets };
        self.call(to, input)
    }

    /// Calls an engine; its dataplane does at once what it is told.
    fn call(&mut self, router: usize, input: Input) -> Result<(), Violation> {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let node = &mut self.nodes[router];
            let Some(subject) = node.subject.as_mut() else { return Ok(()) };
            subject.call(self.now, &input);
            subject.hand_out();
            let actions: Vec<Action> = std::iter::from_fn(|| subject.poll_action()).collect();
            let after: Vec<GroupStatus> = subject.status().collect();
            self.monitor.observe(&Step {
                world: self.now,
                now: self.now,
                router,
                input: &input,
                actions: &actions,
                after: &after,
                next: subject.next_deadline(),
                link: Some(&node.link),
                dataplane: &node.dataplane,
                wired: true,
                round: Round::Ends,
            })?;
            for action in actions {
                match action {
                    Action::Transmit { frame, .. } => {
                        self.transmit(router, frame, matches!(input, Input::Frame { .. }));
                    }
                    Action::Program { seat, revision, binding } => {
                        self.nodes[router].dataplane.install(seat, binding);
                        inputs.push(Input::Programmed { seat, revision, result: Ok(()) });
                    }
                    Action::Attach { .. }
                    | Action::Detach(_)
                    | Action::Unicast { .. }
                    | Action::Notify(_) => {}
                }
            }
        }
        Ok(())
    }

    fn transmit(&mut self, router: usize, octets: Bytes, answer: bool) {
        if Said::in_frame(&octets).is_none() {
            return;
        }
        if answer {
            self.nodes[router].answered = Some(self.now);
        }
        let others = (0..self.nodes.len()).filter(|to| *to != router);
        let unicast = octets.first().is_some_and(|octet| octet & 1 == 0);
        let reached = |to: &usize| !unicast || octets.starts_with(&self.nodes[*to].link.mac.0);
        let alive = others.filter(reached).filter(|to| self.nodes[*to].subject.is_some());
        let flights: Vec<Flight> =
            alive.map(|to| Flight { to, sent: self.now, octets: octets.clone() }).collect();
        self.flights.extend(flights);
    }

    /// What this state looks like, with times relative to now.
    pub(super) fn key(&self) -> u64 {
        let mut hash = Hash::default();
        let since = |at: Instant| self.now.saturating_duration_since(at).as_micros();
        let ahead = |at: Instant| at.saturating_duration_since(self.now).as_micros();
        let mut number = |number: u128| hash.number(u64::try_from(number).unwrap_or(u64::MAX));
        for counted in [self.lost, self.crashed, self.stopped] {
            number(counted.into());
        }
        for (router, node) in self.nodes.iter().enumerate() {
            let Some(status) = self.status(router) else {
                number(u128::MAX);
                continue;
            };
            let due = self.deadline(router).map(ahead);
            let overdue = self.deadline(router).map(since);
            let interval = self.small.members[router].interval;
            let answered = node.answered.map(|at| since(at).min(interval.as_micros() / 2));
            let known = status.active.map(|address| match address {
                IpAddr::V4(ip) => u128::from(ip.to_bits()),
                IpAddr::V6(ip) => ip.to_bits(),
            });
            let learned = status.vrrp().map(|vrrp| vrrp.active_adver_interval.as_micros());
            let timers = status.hsrp().map_or([None; 3], |hsrp| {
                [hsrp.next_hello, hsrp.active_expires, hsrp.standby_expires].map(|at| at.map(ahead))
            });
            number(state_number(status.state));
            let shown = [due, overdue, answered, known, status.active_priority.map(u128::from), learned];
            let shared = status.glbp().map_or_else(Vec::new, |glbp| self.forwarders_key(router, glbp));
            for value in shown.into_iter().chain(timers).chain(shared) {
                number(value.unwrap_or(u128::MAX));
            }
        }
        let mut flights: Vec<(usize, u128, &[u8])> =
            self.flights.iter().map(|flight| (flight.to, since(flight.sent), &*flight.octets)).collect();
        flights.sort_unstable();
        for (to, age, octets) in flights {
            hash.number(u64::try_from(to).unwrap_or(0));
            hash.number(u64::try_from(age).unwrap_or(0));
            hash.octets(octets);
        }
        hash.value()
    }

    /// What forwarders look like.
    fn forwarders_key(&self, router: usize, glbp: &GlbpStatus) -> Vec<Option<u128>> {
        let ahead = |at: Instant| at.saturating_duration_since(self.now).as_micros();
        let mac = |mac: MacAddr| mac.0.iter().fold(0, |sum, octet| (sum << 8) | u128::from(*octet));
        let mut key: Vec<Option<u128>> =
            [glbp.next_hello, glbp.active_expires, glbp.standby_expires].map(|at| at.map(ahead)).to_vec();
        key.push(Some(glbp.hello_time.as_micros()));
        for one in &glbp.forwarders {
            key.push(Some(u128::from(one.number) << 8 | state_number(one.state)));
            key.push(one.owner.map(mac));
            key.extend([one.redirect_ends, one.timeout_ends].map(|at| at.map(ahead)));
            key.push(one.server.map(|server| (u128::from(server.primary) << 64) | ahead(server.expires)));
        }
        if let Some(Contest::Glbp(contest)) = self.monitor.contest(router, 0) {
            key.extend(contest.forwarder_timers().into_iter().map(|at| at.map(ahead)));
        }
        key
    }

    /// From here on all goes well: everything arrives, who is down starts, and after three of the longest waits there
    /// is one Active router that nobody has a right to replace.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        for router in 0..self.nodes.len() {
            if self.nodes[router].subject.is_none() {
                self.start(router)?;
            }
        }
        self.run_until(self.now + self.small.silence() * 3)?;
        self.judge()
    }

    /// Everything arrives, and timers are served in order.
    fn run_until(&mut self, until: Instant) -> Result<(), Violation> {
        loop {
            while !self.flights.is_empty() {
                self.deliver(0)?;
            }
            let due = |router| self.deadline(router).map(|at| (at, router));
            match (0..self.nodes.len()).filter_map(due).min() {
                Some((at, router)) if at <= until => self.fire(router)?,
                _ => return Ok(()),
            }
        }
    }

    fn judge(&self) -> Result<(), Violation> {
        let wrong = |checker, text| Err(Violation { at: self.now, checker, text });
        let active: Vec<usize> = (0..self.nodes.len())
            .filter(|router| self.status(*router).is_some_and(|status| status.state == GroupState::Active))
            .collect();
        let [active] = active.as_slice() else {
            return wrong(Checker::Converges, format!("settles as {}", self.states()));
        };
        let rank = |router: usize| {
            let contest = self.monitor.contest(router, 0)?;
            Some((contest, fitness(Some(&self.nodes[router].link), false)?))
        };
        let Some(holder) = rank(*active).map(|(contest, fit)| contest.rank(&fit)) else { return Ok(()) };
        let entitled =
            |router: &usize| rank(*router).is_some_and(|(contest, fit)| contest.may_replace(holder, &fit));
        match (0..self.nodes.len()).find(entitled) {
            Some(router) => wrong(Checker::Preempts, format!("{} waits", Place(router))),
            None => self.judge_forwarders(),
        }
    }

    /// Everybody has a forwarder, and each is served once: by its owner, if it may take it.
    fn judge_forwarders(&self) -> Result<(), Violation> {
        let wrong = |checker, text| Err(Violation { at: self.now, checker, text });
        let known = |router: usize| -> Vec<GlbpForwarder> {
            let status = self.status(router);
            status.and_then(|status| status.glbp().map(|glbp| glbp.forwarders.clone())).unwrap_or_default()
        };
        let routers = 0..self.nodes.len();
        for router in routers.clone().filter(|_| self.small.protocol == Protocol::Glbp) {
            let own = known(router).iter().filter(|one| one.primary).count();
            if own != 1 {
                return wrong(Checker::Converges, format!("{} owns {own} forwarders", Place(router)));
            }
            // What nobody ever served no host can know.
            for one in known(router).into_iter().filter(|one| one.state != GroupState::Initial) {
                let serves = |other: &usize| {
                    let mut theirs = known(*other).into_iter().filter(|theirs| theirs.number == one.number);
                    theirs.any(|theirs| theirs.state == GroupState::Active)
                };
                let servers = routers.clone().filter(serves).count();
                if servers != 1 {
                    let text = format!("{servers} routers serve forwarder {}", one.number);
                    return wrong(Checker::Converges, text);
                }
                if one.primary && self.small.members[router].preempt && one.state != GroupState::Active {
                    return wrong(
                        Checker::Preempts,
                        format!("{} serves not its own forwarder", Place(router)),
                    );
                }
            }
        }
        Ok(())
    }
}

fn state_number(state: GroupState) -> u128 {
    match state {
        GroupState::Initialize | GroupState::Initial | GroupState::Disabled => 0,
        GroupState::Learn => 1,
        GroupState::Listen => 2,
        GroupState::Speak => 3,
        GroupState::Standby | GroupState::Backup => 4,
        GroupState::Active => 5,
    }
}

impl Node {
    fn new(small: &Small, place: usize) -> Self {
        let number = u8::try_from(place).unwrap_or(0) + 2;
        let owns = small.protocol == Protocol::Vrrp && small.members[place].priority == 255;
        let owned = owns.then_some(ADDRESS);
        let link = LinkState {
            name: InterfaceName::new(INTERFACE),
            index: IfIndex(2),
            mac: MacAddr([2, 0, 0, 0, 0, number]),
            up: true,
            mtu: 1500,
            ipv4: std::iter::once(Ipv4Addr::new(192, 0, 2, number)).chain(owned).collect(),
            ipv6: vec![Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into())],
        };
        Self { link, subject: None, dataplane: Dataplane::default(), answered: None }
    }
}
