//! A LAN where nothing happens but what is chosen.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use fhrp::{
    Action, GlbpForwarder, GroupState, GroupStatus, IfIndex, Instant, InterfaceName, LinkEvent, LinkState,
    MacAddr,
};

use crate::check::{Checker, Violation, Watch};
use crate::dataplane::Dataplane;
use crate::fault::Place;
use crate::group::{GroupPlan, Settings};
use crate::monitor::{Monitor, Round, Step, fitness};
use crate::plan::{INTERFACE, Protocol};
use crate::said::Said;
use crate::subject::{Input, Subject};
use crate::timeline;

use super::small::{ADDRESS, Small};

/// Timers that are due within this time of each other are served in any order.
const TIMERS_APART: Duration = Duration::from_millis(250);
/// A frame is on its way no longer than this, unless it is lost.
const TRANSIT_MOST: Duration = Duration::from_millis(250);

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
pub(super) struct Flight {
    pub(super) to: usize,
    pub(super) sent: Instant,
    pub(super) octets: Bytes,
}

#[derive(Debug)]
pub(super) struct Node {
    link: LinkState,
    subject: Option<Subject>,
    dataplane: Dataplane,
    /// When it last advertised because of what it heard: the engine holds back further answers for half an interval.
    pub(super) answered: Option<Instant>,
}

/// A small world as it is after some choices.
#[derive(Debug)]
pub(super) struct Lan<'a> {
    pub(super) small: &'a Small,
    group: GroupPlan,
    pub(super) now: Instant,
    pub(super) nodes: Vec<Node>,
    pub(super) flights: Vec<Flight>,
    pub(super) monitor: Monitor,
    pub(super) lost: u8,
    pub(super) crashed: u8,
    pub(super) stopped: u8,
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
        let letter = |router| timeline::letter(self.status(router).map(|status| status.state));
        (0..self.nodes.len()).map(letter).collect()
    }

    pub(super) fn status(&self, router: usize) -> Option<GroupStatus> {
        self.nodes[router].subject.as_ref()?.status().next()
    }

    pub(super) fn deadline(&self, router: usize) -> Option<Instant> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_letter_of_its_own() {
        let settled = |protocol| {
            let small = Small::all(protocol).remove(2);
            let mut lan = Lan::at(&small, &[]).unwrap();
            let begins = lan.states();
            lan.settle().unwrap();
            (begins, lan.states())
        };
        assert_eq!(settled(Protocol::Vrrp), ("bbb".to_owned(), "Abb".to_owned()));
        assert_eq!(settled(Protocol::Hsrp), ("lll".to_owned(), "lsA".to_owned()));
    }
}
