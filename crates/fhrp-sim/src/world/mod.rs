//! The world: virtual time, and everything that happens in it.

mod conditions;
mod forwarders;
mod handover;
mod network;
mod verdicts;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use fhrp::{
    Action, GlbpForwarder, GroupState, GroupStatus, IfIndex, Instant, LinkState, ProgramFault, TrackName,
};

use crate::check::{Violation, Watch};
use crate::dataplane::{Dataplane, Wish};
use crate::fault::{Kind, Place};
use crate::flaw::Flaw;
use crate::group::{GroupPlan, Settings};
use crate::hash::Hash;
use crate::host::Host;
use crate::lan::{Frame, Switches};
use crate::monitor::{Monitor, Round, Step, fitness, names};
use crate::plan::{HostPlan, RouterPlan, Scenario};
use crate::record::{Felt, Record, What};
use crate::rng::Rng;
use crate::subject::{Input, Subject};
use crate::timeline::{self, Timeline};

use conditions::Condition;
use handover::Handover;

/// Purposes of chance, for [`Rng::keyed`].
const WAKING: u64 = 1;
const PROGRAMMING: u64 = 2;
const TRAVEL: u64 = 3;
const SENDING: u64 = 4;
const ASKING: u64 = 5;

/// What happens.
#[derive(Debug)]
enum Event {
    /// A router's timer, if it still is.
    Wake(usize),
    /// A frame is there. `number` is the world's count of frames.
    Arrive { to: usize, number: u64, frame: Frame },
    /// A dataplane is done with a wish.
    Programmed { router: usize, life: u64 },
    /// A router's daemon may start.
    Start(usize),
    /// A fault begins or ends.
    Fault(usize),
    /// A host sends.
    Send(usize),
    /// A host asks who its gateway is.
    Ask(usize),
    /// A daemon that was shut down waits no longer for its successors.
    Left { router: usize, life: u64 },
    /// Everything has to have settled.
    Settled,
}

/// A router, as it stands in the world.
#[derive(Debug)]
struct Router {
    plan: RouterPlan,
    subject: Option<Subject>,
    /// A daemon that was shut down and waits for its successors.
    leaving: Option<Subject>,
    /// Counts its daemons.
    life: u64,
    condition: Condition,
    /// What the daemon was told of its interface.
    told: Option<LinkState>,
    index: u32,
    attached: Option<IfIndex>,
    /// What waits while the daemon does not run.
    inbox: Vec<Input>,
    answers: Vec<Input>,
    /// What the daemon was told of each group.
    settings: Vec<Option<Settings>>,
    /// The tracked objects that it was told are down.
    down: BTreeSet<TrackName>,
    dataplane: Dataplane,
    wake_at: Option<Instant>,
    states: Vec<Option<GroupState>>,
    /// How its groups stand with forwarders, where they have some.
    forwarders: Vec<Vec<GlbpForwarder>>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Over all actions of all engines, and when.
    pub hash: u64,
    /// What does not hold, if anything; the run ends there.
    pub violation: Option<Violation>,
    /// Microseconds that routers lived through.
    pub router_micros: u64,
    /// Calls of engines.
    pub calls: u64,
    /// What was probed.
    pub probes: Probes,
    /// What each host felt.
    pub hosts: Vec<Felt>,
    /// What was drawn, if that was asked for.
    pub timeline: Option<Timeline>,
    /// The same as data; empty where nothing was drawn.
    pub records: Vec<Record>,
    /// How the groups of each router stand in the end: empty where its daemon does not run, or nothing was drawn.
    pub status: Vec<Vec<GroupStatus>>,
}

/// What hosts felt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Probes {
    /// Probes sent.
    pub sent: u64,
    /// Probes answered.
    pub answered: u64,
    /// Answers too many.
    pub duplicates: u64,
    /// The longest time that a host had no gateway.
    pub outage: Duration,
}

/// What is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// What is wrong with the engines, if anything.
    pub flaw: Option<Flaw>,
    /// Who looks.
    pub watch: Watch,
}

/// Whether a timeline is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// Only the outcome counts.
    Off,
    /// State changes, faults and what hosts feel.
    Events,
    /// Every frame too.
    Frames,
}

/// Since when two routers have served one forwarder, and how long that may last.
#[derive(Clone, Copy, Debug)]
struct Side {
    since: Instant,
    bound: Duration,
}

/// A run under way.
pub(crate) struct World<'a> {
    scenario: &'a Scenario,
    trial: Trial,
    now: Instant,
    queue: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    /// What the queue's numbers stand for; places are used again.
    events: Vec<Option<Event>>,
    free: Vec<usize>,
    queued: u64,
    routers: Vec<Router>,
    hosts: Vec<Host>,
    switches: Switches,
    /// Faults under way.
    faults: Vec<usize>,
    monitor: Monitor,
    /// Since when two routers have both been Active though the first reaches the second.
    rivals: BTreeMap<(usize, usize, usize), Instant>,
    /// The same of each forwarder of each group, where both serve it.
    servers: BTreeMap<(usize, usize, usize, usize), Side>,
    handovers: Vec<Handover>,
    frames: u64,
    calls: u64,
    hash: Hash,
    timeline: Timeline,
    records: Vec<Record>,
}

/// Runs `scenario` with production engines, or with engines that have a flaw.
#[must_use]
pub fn run(scenario: &Scenario, trial: Trial, recording: Recording) -> Outcome {
    let mut world = World::new(scenario, trial, recording);
    let violation = world.live().err();
    if let Some(violation) = &violation {
        let states = world.lanes();
        world.timeline.note(violation.at, &states, format!("VIOLATION {violation}"));
    }
    let lived = u64::try_from(scenario.routers.len()).unwrap_or(0) * world.now.as_micros();
    Outcome {
        hash: world.hash.value(),
        violation,
        router_micros: lived,
        calls: world.calls,
        probes: world.probes(),
        hosts: world.felt(),
        status: world.status(),
        timeline: (recording != Recording::Off).then_some(world.timeline),
        records: world.records,
    }
}

impl<'a> World<'a> {
    fn new(scenario: &'a Scenario, trial: Trial, recording: Recording) -> Self {
        let groups = scenario.groups.len();
        let routers = scenario.routers.iter().map(|plan| Router::new(plan, groups)).collect();
        let gateway = |plan: &HostPlan| plan.gateway.unwrap_or(scenario.groups[plan.group].gateway);
        let host = |plan: &HostPlan| Host::new(plan.clone(), gateway(plan));
        let places = scenario.routers.iter().map(|router| router.switch);
        let places = places.chain(scenario.hosts.iter().map(|host| host.switch)).collect();
        Self {
            scenario,
            trial,
            now: Instant::default(),
            queue: BinaryHeap::new(),
            events: Vec::new(),
            free: Vec::new(),
            queued: 0,
            routers,
            hosts: scenario.hosts.iter().map(host).collect(),
            switches: Switches::new(places),
            faults: Vec::new(),
            monitor: Monitor::new(&scenario.groups, scenario.routers.len(), trial.watch),
            rivals: BTreeMap::new(),
            servers: BTreeMap::new(),
            handovers: Vec::new(),
            frames: 0,
            calls: 0,
            hash: Hash::default(),
            timeline: Timeline::new(recording, scenario.routers.len()),
            records: Vec::new(),
        }
    }

    fn push(&mut self, at: Instant, event: Event) {
        let place = self.free.pop().unwrap_or(self.events.len());
        if place == self.events.len() {
            self.events.push(Some(event));
        } else {
            self.events[place] = Some(event);
        }
        self.queued += 1;
        self.queue.push(Reverse((at, self.queued, place)));
    }

    fn live(&mut self) -> Result<(), Violation> {
        for (place, router) in self.scenario.routers.iter().enumerate() {
            self.push(router.starts, Event::Start(place));
        }
        for (place, fault) in self.scenario.faults.iter().enumerate() {
            self.push(fault.at, Event::Fault(place));
            self.push(fault.until, Event::Fault(place));
        }
        for place in 0..self.hosts.len() {
            self.push(Instant::from_millis(500), Event::Send(place));
            if self.hosts[place].plan().asks.is_some() {
                self.push(Instant::from_millis(600), Event::Ask(place));
            }
        }
        self.push(self.scenario.settled, Event::Settled);
        while let Some(Reverse((at, _, place))) = self.queue.pop() {
            if at > self.scenario.end {
                break;
            }
            self.now = at;
            self.free.push(place);
            self.mind(self.check_rivals())?;
            self.mind(self.check_servers())?;
            if let Some(event) = self.events[place].take() {
                self.handle(event)?;
            }
        }
        self.now = self.scenario.end;
        self.judge_end()
    }

    /// What was found, if its checker is heeded.
    fn mind(&self, found: Result<(), Violation>) -> Result<(), Violation> {
        match found {
            Err(violation) if !self.trial.watch.heeds(violation.checker) => Ok(()),
            found => found,
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Wake(router) => self.wake(router),
            Event::Arrive { to, number, frame } => self.arrive(to, number, frame),
            Event::Programmed { router, life } => self.programmed(router, life),
            Event::Start(router) => self.refresh(router),
            Event::Fault(fault) => self.turn(fault),
            Event::Send(host) => {
                self.host_sends(host);
                Ok(())
            }
            Event::Ask(host) => {
                self.host_asks(host);
                Ok(())
            }
            Event::Left { router, life } => {
                if self.routers[router].life == life {
                    self.leave(router);
                }
                Ok(())
            }
            Event::Settled => self.settle(),
        }
    }

    fn wake(&mut self, router: usize) -> Result<(), Violation> {
        if self.routers[router].wake_at != Some(self.now) {
            return Ok(());
        }
        self.routers[router].wake_at = None;
        self.serve(router)?;
        self.arm(router);
        Ok(())
    }

    /// Calls the engine if a deadline is over.
    fn serve(&mut self, router: usize) -> Result<(), Violation> {
        let node = &self.routers[router];
        let now = node.plan.clock.local(self.now);
        let subject = node.subject.as_ref().filter(|_| !node.condition.stalled);
        if subject.and_then(Subject::next_deadline).is_some_and(|next| next <= now) {
            self.call(router, Input::Timeout)?;
        }
        Ok(())
    }

    /// Plans to wake the router when its engine asks for it, a little late.
    fn arm(&mut self, router: usize) {
        let node = &self.routers[router];
        let subject = node.subject.as_ref().filter(|_| !node.condition.stalled);
        let Some(next) = subject.and_then(Subject::next_deadline) else { return };
        let lateness = u64::try_from(node.plan.lateness.as_micros()).unwrap_or(0);
        let keys = [WAKING, u64::try_from(router).unwrap_or(0), next.as_micros()];
        let late = Rng::keyed(self.scenario.seed, &keys).between(0, lateness);
        let at = node.plan.clock.world(next).max(self.now) + Duration::from_micros(late);
        if node.wake_at.is_none_or(|planned| at < planned) {
            self.routers[router].wake_at = Some(at);
            self.push(at, Event::Wake(router));
        }
    }

    /// Gives something to an engine, looks at what comes of it, and does it.
    fn call(&mut self, router: usize, input: Input) -> Result<(), Violation> {
        self.give(router, input, Round::Ends)
    }

    fn give(&mut self, router: usize, input: Input, round: Round) -> Result<(), Violation> {
        let node = &mut self.routers[router];
        let now = node.plan.clock.local(self.now);
        let Some(subject) = node.subject.as_mut() else { return Ok(()) };
        self.calls += 1;
        let backups = backups(&self.monitor, router, node.told.as_ref(), &self.scenario.groups);
        subject.call(now, &input);
        if round == Round::Ends {
            subject.hand_out();
        }
        let mut actions = Vec::new();
        while let Some(action) = subject.poll_action() {
            actions.push(action);
        }
        let after: Vec<GroupStatus> = subject.status().collect();
        let next = subject.next_deadline();
        self.hash.call(router, now, &actions);
        if let Input::Link(event) = &input {
            node.told = match event {
                fhrp::LinkEvent::Present(link) => Some(link.clone()),
                fhrp::LinkEvent::Gone(_) => None,
            };
        }
        let step = Step {
            world: self.now,
            now,
            router,
            input: &input,
            actions: &actions,
            after: &after,
            next,
            link: node.told.as_ref(),
            dataplane: &node.dataplane,
            wired: node.wired(),
            round,
        };
        let verdict = match self.trial.watch {
            Watch::Nobody => Ok(()),
            Watch::All | Watch::Only(_) => self.monitor.observe(&step),
        };
        self.note_call(router, &input, &actions, &after);
        verdict?;
        self.mind(self.check_order(router, &backups))?;
        self.perform(router, now, actions);
        self.compare();
        Ok(())
    }

    /// Frames go out before the dataplane is given anything to do.
    fn perform(&mut self, router: usize, now: Instant, actions: Vec<Action>) {
        let wired = self.routers[router].wired();
        for action in actions {
            match action {
                Action::Transmit { .. } | Action::Unicast { .. } if !wired => {}
                Action::Attach { interface, .. } => self.routers[router].attached = Some(interface),
                Action::Detach(_) => self.routers[router].attached = None,
                Action::Transmit { frame, .. } => self.transmit_octets(router, frame),
                Action::Unicast { source, peer, payload, .. } => {
                    self.transmit_packet(router, source, peer, &payload);
                }
                Action::Program { seat, revision, binding } => {
                    self.routers[router].dataplane.wish(Wish { seat, revision, binding });
                }
                Action::Notify(notice) => self.record(router, What::Notice(notice)),
            }
        }
        self.program_next(router, now);
    }

    /// The dataplane turns to the next wish, if it has time for one.
    fn program_next(&mut self, router: usize, now: Instant) {
        let node = &mut self.routers[router];
        let Some(revision) = node.dataplane.begin() else { return };
        let keys = [PROGRAMMING, u64::try_from(router).unwrap_or(0), now.as_micros(), revision.0];
        let most = u64::try_from(node.condition.programming.as_micros()).unwrap_or(0);
        let takes = Rng::keyed(self.scenario.seed, &keys).between(most / 2, most);
        let life = node.life;
        self.push(self.now + Duration::from_micros(takes), Event::Programmed { router, life });
    }

    fn programmed(&mut self, router: usize, life: u64) -> Result<(), Violation> {
        let node = &mut self.routers[router];
        if node.life != life || node.subject.is_none() {
            return Ok(());
        }
        let (wish, now) = (node.dataplane.finish(), node.plan.clock.local(self.now));
        self.program_next(router, now);
        let Some(Wish { seat, revision, binding }) = wish else { return Ok(()) };
        let node = &mut self.routers[router];
        let result = if node.condition.failing {
            Err(ProgramFault("the dataplane fails".into()))
        } else {
            node.dataplane.install(seat, binding);
            Ok(())
        };
        self.note_serving(router);
        let node = &mut self.routers[router];
        let input = Input::Programmed { seat, revision, result };
        if node.condition.stalled {
            node.answers.push(input);
            return Ok(());
        }
        self.call(router, input)?;
        self.arm(router);
        Ok(())
    }

    /// Draws a call, as far as that is wanted, and takes over the new states.
    fn note_call(&mut self, router: usize, input: &Input, actions: &[Action], after: &[GroupStatus]) {
        let groups = &self.scenario.groups;
        let mut moved = Vec::new();
        for (place, group) in groups.iter().enumerate() {
            let status = after.iter().find(|status| names(&status.id, group));
            let state = status.map(|status| status.state);
            let forwarders = status.and_then(GroupStatus::glbp).map(|glbp| glbp.forwarders.clone());
            self.routers[router].forwarders[place] = forwarders.unwrap_or_default();
            let before = std::mem::replace(&mut self.routers[router].states[place], state);
            if before != state {
                let cause = status.and_then(|status| status.last_transition.map(|(_, cause)| cause));
                moved.push((place, state, cause));
            }
        }
        self.note_winners(router);
        if !self.timeline.records() {
            return;
        }
        let lanes = self.lanes();
        if let Some(text) = self.timeline.describe(input, actions) {
            self.timeline.note(self.now, &lanes, format!("{} {text}", Place(router)));
            self.record(router, What::Call(text));
        }
        for (place, state, cause) in moved {
            let state = state.map_or_else(|| "gone".to_owned(), |state| state.to_string());
            let because = cause.map_or_else(String::new, |cause| format!(": {cause}"));
            let text = format!("{} group {place} is {state}{because}", Place(router));
            self.timeline.note(self.now, &lanes, text);
        }
    }

    fn record(&mut self, router: usize, what: What) {
        if self.timeline.records() {
            self.records.push(Record { at: self.now, router, what });
        }
    }

    /// How the groups stand.
    fn status(&self) -> Vec<Vec<GroupStatus>> {
        let routers = self.routers.iter().filter(|_| self.timeline.records());
        routers.map(|node| node.subject.iter().flat_map(Subject::status).collect()).collect()
    }

    /// How each router stands in each group, in a letter each.
    fn lanes(&self) -> Vec<String> {
        let letter = |node: &Router, state: &Option<GroupState>| match state {
            _ if node.subject.is_none() => timeline::letter(None),
            _ if node.condition.stalled => 'z',
            None => '.',
            Some(state) => timeline::letter(Some(*state)),
        };
        let lane = |node: &Router| node.states.iter().map(|state| letter(node, state)).collect();
        self.routers.iter().map(lane).collect()
    }

    fn active_kinds(&self) -> impl Iterator<Item = &Kind> {
        self.faults.iter().map(|fault| &self.scenario.faults[*fault].kind)
    }
}

/// What each group's Backup follows, and its Skew_Time, before a call.
type Following = Vec<Option<(u64, Duration)>>;

fn backups(monitor: &Monitor, router: usize, link: Option<&LinkState>, groups: &[GroupPlan]) -> Following {
    let following = |(place, group): (usize, &GroupPlan)| {
        monitor.contest(router, place)?.following(fitness(link, group.ipv6).as_ref())
    };
    groups.iter().enumerate().map(following).collect()
}

impl Router {
    /// Whether the interface that the daemon knows is still there; it may have been made anew while the daemon slept.
    fn wired(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.index == IfIndex(self.index))
    }

    fn new(plan: &RouterPlan, groups: usize) -> Self {
        Self {
            plan: plan.clone(),
            subject: None,
            leaving: None,
            life: 0,
            condition: Condition::before(plan),
            told: None,
            index: 2,
            attached: None,
            inbox: Vec::new(),
            answers: Vec::new(),
            settings: vec![None; groups],
            down: BTreeSet::new(),
            dataplane: if plan.thorough { Dataplane::thorough() } else { Dataplane::default() },
            wake_at: None,
            states: vec![None; groups],
            forwarders: vec![Vec::new(); groups],
        }
    }
}
