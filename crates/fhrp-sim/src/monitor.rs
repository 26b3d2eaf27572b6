//! Looks at every call of every engine: what went in, what came out, what the engine shows then.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{
    Action, Binding, Gate, GroupId, GroupState, GroupStatus, Instant, LinkState, Revision, SeatId, TrackState,
};
use fhrp_wire::{Family, MacAddr};

use crate::check::{Checker, Violation, Watch};
use crate::contest::{Contest, Fitness, runs};
use crate::dataplane::Dataplane;
use crate::fault::Place;
use crate::flaw::announced;
use crate::group::{GroupPlan, Settings};
use crate::said::Said;
use crate::subject::Input;

const ACTIONS_MOST: usize = 64;
/// A router that was held up and hears old claims lives through each of them.
const ACTIONS_EACH_MOVE: usize = 8;
const PEERS_MOST: usize = 16;
/// Wake-ups in a second that a group may need besides two for each advertisement.
const WAKES_BESIDES: u64 = 40;

/// One call.
pub(crate) struct Step<'a> {
    pub(crate) world: Instant,
    /// By the router's clock.
    pub(crate) now: Instant,
    pub(crate) router: usize,
    pub(crate) input: &'a Input,
    pub(crate) actions: &'a [Action],
    pub(crate) after: &'a [GroupStatus],
    pub(crate) next: Option<Instant>,
    /// What the engine has been told of its interface.
    pub(crate) link: Option<&'a LinkState>,
    pub(crate) dataplane: &'a Dataplane,
    /// Whether frames sent to the interface that the engine knows leave the router.
    pub(crate) wired: bool,
    /// Whether what the engine wants has been asked for.
    pub(crate) round: Round,
}

/// A daemon that was held up hands in all that it finds before it asks what is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    /// There is more to hand in.
    GoesOn,
    /// The actions are all that this round gave.
    Ends,
}

/// The last wish of a seat, and what was answered.
#[derive(Debug)]
pub(crate) struct Wish {
    group: usize,
    revision: Revision,
    pub(crate) binding: Option<Binding>,
    pub(crate) done: bool,
}

/// What is known of one router.
#[derive(Debug, Default)]
struct Watched {
    contests: BTreeMap<usize, Contest>,
    wishes: BTreeMap<SeatId, Wish>,
    /// The wish that is answered by this call, and of which group.
    answered: Option<(usize, Binding)>,
    wakes_from: Instant,
    wakes: u64,
    wakes_explained: u64,
    /// Groups that were Active at any time in this round.
    active_in_round: BTreeSet<usize>,
    /// How often the state of each group had changed when the last round ended.
    changes: BTreeMap<usize, u64>,
    /// Whether what groups track is down.
    tracked_down: bool,
    /// What was handed in last in a round that still goes on.
    round: Option<Round>,
    /// Groups whose last wish was refused, and that have not been tried again since.
    refused: BTreeSet<usize>,
}

/// All routers.
#[derive(Debug)]
pub(crate) struct Monitor {
    watch: Watch,
    groups: Vec<GroupPlan>,
    routers: Vec<Watched>,
}

/// What a call sent about one group.
#[derive(Debug, Default)]
struct Voice {
    advertised: u32,
    claimed: bool,
    resigned: bool,
    announced: Vec<IpAddr>,
    from_virtual_mac: bool,
    said: Vec<Said>,
}

/// What of a call concerns one group.
struct Part<'a> {
    place: usize,
    status: Option<&'a GroupStatus>,
    heard: Option<&'a Said>,
    voice: Voice,
    /// The group has just started anew.
    restarted: bool,
    /// Where the group that it follows stands, if it follows one that is there.
    lead: Option<GroupState>,
}

/// What does not hold, of which router.
type Found = Result<(), (Checker, String)>;

impl Monitor {
    pub(crate) fn new(groups: &[GroupPlan], routers: usize, watch: Watch) -> Self {
        let routers = std::iter::repeat_with(Watched::default).take(routers).collect();
        Self { watch, groups: groups.to_vec(), routers }
    }

    /// The router's daemon starts or ends.
    pub(crate) fn forget(&mut self, router: usize) {
        self.routers[router] = Watched::default();
    }

    pub(crate) fn contest(&self, router: usize, group: usize) -> Option<&Contest> {
        self.routers[router].contests.get(&group)
    }

    /// Looks at a call.
    pub(crate) fn observe(&mut self, step: &Step<'_>) -> Result<(), Violation> {
        self.look(step).map_err(|(checker, text)| Violation {
            at: step.world,
            checker,
            text: format!("{}: {text}", Place(step.router)),
        })
    }

    fn look(&mut self, step: &Step<'_>) -> Found {
        let counted = self.count(step);
        self.watch.mind(counted)?;
        self.record_wishes(step);
        let programs = step.actions.iter().any(|action| matches!(action, Action::Program { .. }));
        if programs && matches!(step.input, Input::Stop) {
            self.watch.mind(Err((Checker::HandsOver, "programs as it stops".to_owned())))?;
        }
        if let Input::Track(_, state) = step.input {
            let watched = &mut self.routers[step.router];
            watched.tracked_down = *state == TrackState::Down;
            watched.contests.values_mut().for_each(|contest| contest.track(*state == TrackState::Down));
        }
        let said = match step.input {
            Input::Frame { octets, .. } => Said::in_frame(octets),
            _ => None,
        };
        let restarted = self.reconfigure(step);
        for place in 0..self.groups.len() {
            let status =
                |place: usize| step.after.iter().find(|status| names(&status.id, &self.groups[place]));
            let part = Part {
                place,
                status: status(place),
                heard: said.as_ref().filter(|said| said.concerns(&self.groups[place])),
                voice: voice_of(&self.groups[place], step),
                restarted: restarted == Some(place),
                lead: status(0).map(|status| status.state),
            };
            self.follow(step, &part)?;
        }
        self.routers[step.router].round = match step.round {
            Round::GoesOn => Some(Round::GoesOn),
            Round::Ends => None,
        };
        Ok(())
    }

    /// Checkers `bounded` and `busy-loop`.
    fn count(&mut self, step: &Step<'_>) -> Found {
        let moves = |action: &&Action| match action {
            Action::Notify(notice) => matches!(notice.kind, fhrp::NoticeKind::Moved { .. }),
            Action::Attach { .. }
            | Action::Detach(_)
            | Action::Transmit { .. }
            | Action::Unicast { .. }
            | Action::Program { .. } => false,
        };
        let moves = step.actions.iter().filter(moves).count();
        // A host that asks is answered.
        let answers = step.actions.iter().filter(|action| answers(action)).count();
        if step.actions.len() - answers > ACTIONS_MOST + moves * ACTIONS_EACH_MOVE {
            return Err((Checker::Bounded, format!("{} actions in one call", step.actions.len())));
        }
        if !matches!(step.input, Input::Timeout) {
            return Ok(());
        }
        if step.next.is_some_and(|next| next <= step.now) {
            return Err((Checker::BusyLoop, format!("asks to be called again at once, at {}", step.now)));
        }
        let watched = &mut self.routers[step.router];
        if step.now >= watched.wakes_from + Duration::from_secs(1) {
            (watched.wakes_from, watched.wakes, watched.wakes_explained) = (step.now, 0, WAKES_BESIDES);
        }
        watched.wakes += 1;
        let explained = |contest: &Contest| {
            let interval = contest.interval().as_micros().max(1);
            u64::try_from(2_000_000 / interval).unwrap_or(0) * contest.contests() + WAKES_BESIDES
        };
        // Intervals may be learned anew within the second: the shortest counts.
        let most: u64 = watched.contests.values().map(explained).sum();
        watched.wakes_explained = watched.wakes_explained.max(most).max(WAKES_BESIDES);
        if watched.wakes > watched.wakes_explained {
            return Err((Checker::BusyLoop, format!("{} wake-ups in a second", watched.wakes)));
        }
        Ok(())
    }

    fn record_wishes(&mut self, step: &Step<'_>) {
        let groups = &self.groups;
        let watched = &mut self.routers[step.router];
        watched.answered = None;
        if let Input::Programmed { seat, revision, result } = step.input
            && let Some(wish) = watched.wishes.get_mut(seat).filter(|wish| wish.revision == *revision)
        {
            wish.done = result.is_ok();
            if result.is_err() {
                watched.refused.insert(wish.group);
            }
            watched.answered = wish.binding.clone().map(|binding| (wish.group, binding));
        }
        for action in step.actions {
            let Action::Program { seat, revision, binding } = action else { continue };
            let named = binding
                .as_ref()
                .and_then(|binding| groups.iter().position(|group| names(&binding.group, group)));
            let known = watched.wishes.get(seat).map(|wish| wish.group);
            let Some(group) = named.or(known) else { continue };
            let wish = Wish { group, revision: *revision, binding: binding.clone(), done: false };
            watched.wishes.insert(*seat, wish);
        }
    }

    /// Takes over a new configuration; the group that starts anew by it.
    fn reconfigure(&mut self, step: &Step<'_>) -> Option<usize> {
        let (Input::Add(config) | Input::Update(config)) = step.input else { return None };
        let place = self.groups.iter().position(|group| names(config.id(), group))?;
        let settings = Settings::of(config)?;
        let watched = &mut self.routers[step.router];
        (watched.wakes_from, watched.wakes) = (step.now, 0);
        let tracked_down = watched.tracked_down;
        let Some(contest) = watched.contests.get_mut(&place) else {
            let mut contest = Contest::new(settings);
            contest.track(tracked_down);
            watched.contests.insert(place, contest);
            return None;
        };
        contest.reconfigure(settings).then_some(place)
    }

    fn follow(&mut self, step: &Step<'_>, part: &Part<'_>) -> Found {
        let Part { place, voice, restarted, .. } = part;
        let (place, restarted, watch) = (*place, *restarted, self.watch);
        let fit = fitness(step.link, self.groups[place].ipv6);
        let watched = &mut self.routers[step.router];
        let Some(contest) = watched.contests.get_mut(&place) else { return Ok(()) };
        let before = contest.state();
        let after = part.status.map_or(GroupState::Initialize, |status| status.state);
        let stops = before == GroupState::Active && (!runs(after) || restarted);
        if stops && fit.is_some() && !voice.resigned && !contest.follows() {
            watch.mind(Err((Checker::Resigns, "stops being Active and says nothing".to_owned())))?;
        }
        if part.status.is_none() {
            if let Contest::Glbp(contest) = contest
                && fit.is_some()
            {
                mind_all(watch, contest.check_gone(step, &self.groups[place]))?;
            }
            watched.contests.remove(&place);
            (watched.wakes_from, watched.wakes) = (step.now, 0);
            return Ok(());
        }
        if restarted {
            contest.restart();
        }
        if let (Contest::Glbp(contest), Some(status)) =
            (&mut *contest, part.status.and_then(GroupStatus::glbp))
        {
            let answered = watched.answered.as_ref().filter(|(group, _)| *group == place);
            contest.prepare(step, status, answered.map(|(_, binding)| binding), watched.round);
        }
        watch.mind(expect(contest, step, part, fit.as_ref()))?;
        if (fit.is_none() || contest.shut()) && runs(after) {
            watch.mind(Err((Checker::FitToRun, format!("is {after} without what it needs to be so"))))?;
        }
        if runs(after) {
            watched.refused.remove(&place);
        }
        // Who has no address yet waits for it; so does who follows a group that does not run.
        let idle = matches!(after, GroupState::Initialize | GroupState::Initial) && !contest.follows();
        let waits = watched.refused.contains(&place) || contest.shut() || matches!(step.input, Input::Stop);
        if idle && !waits && fit.is_some() {
            watch.mind(Err((Checker::FitToRun, format!("is {after} and has all that it needs"))))?;
        }
        watch.mind(contest.enter(step.now, after, fit.as_ref()))?;
        if let Contest::Glbp(contest) = contest {
            mind_all(watch, contest.compare())?;
        }
        if [before, after].contains(&GroupState::Active) {
            watched.active_in_round.insert(place);
        }
        match step.round {
            Round::GoesOn => Ok(()),
            Round::Ends => self.close(step, part),
        }
    }

    /// Looks at what a round came to.
    fn close(&mut self, step: &Step<'_>, part: &Part<'_>) -> Found {
        let Part { place, voice, .. } = part;
        let watch = self.watch;
        let watched = &mut self.routers[step.router];
        let active = watched.active_in_round.remove(place);
        let (Some(contest), Some(status)) = (watched.contests.get_mut(place), part.status) else {
            return Ok(());
        };
        let known = watched.changes.insert(*place, status.state_changes).unwrap_or_default();
        // A group that started anew counts anew.
        let moves = status.state_changes.checked_sub(known).unwrap_or(status.state_changes);
        let moves = u32::try_from(moves).unwrap_or(u32::MAX);
        for _ in moves..voice.advertised.div_ceil(contest.frames_each()) {
            watch.mind(contest.counts(step.now))?;
        }
        if voice.advertised > 0 {
            contest.advertised(step.now);
        }
        let alone = watched.round.is_none();
        // Whoever gave way in this very call has nothing to say any more but that.
        let was = active && !(alone && status.state != GroupState::Active && !voice.resigned);
        if (voice.from_virtual_mac || voice.claimed) && !was {
            watch
                .mind(Err((Checker::VirtualMac, format!("speaks for the group and is {}", status.state))))?;
        }
        // Other calls may change what it is after it has spoken.
        if alone && matches!(step.input, Input::Timeout | Input::Frame { .. }) {
            let fit = fitness(step.link, self.groups[*place].ipv6);
            for said in &voice.said {
                watch.mind(contest.says(said, fit.as_ref()))?;
            }
        }
        if let Contest::Glbp(contest) = contest {
            let wishes = watched.wishes.values().filter(|wish| wish.group == *place);
            let group = &self.groups[*place];
            mind_all(watch, contest.inspect(step, group, status, wishes))?;
        }
        if matches!(step.input, Input::Stop) {
            return Ok(());
        }
        watch.mind(contest.plans(step.next))?;
        if status.peers.len() > PEERS_MOST {
            watch.mind(Err((Checker::Bounded, format!("{} peers remembered", status.peers.len()))))?;
        }
        if matches!(contest, Contest::Glbp(_)) {
            return Ok(());
        }
        let lead = part.lead.filter(|lead| contest.follows() && runs(status.state) && *lead != status.state);
        if let Some(lead) = lead {
            let text = format!("is {} and follows a group that is {lead}", status.state);
            watch.mind(Err((Checker::Succession, text)))?;
        }
        let wish = watched.wishes.values().find(|wish| wish.group == *place && wish.binding.is_some());
        watch.mind(check_wish(wish, status))?;
        watch.mind(check_answer(step, &watched.wishes, *place, status, voice))?;
        watch.mind(check_announced(step, voice))
    }
}

/// Whether it tells one host where an address is.
fn answers(action: &Action) -> bool {
    match action {
        Action::Transmit { frame, .. } => {
            frame.first().is_some_and(|octet| octet & 1 == 0) && announced(frame).is_some()
        }
        _ => false,
    }
}

/// The first of several that counts.
fn mind_all(watch: Watch, faults: Vec<(Checker, String)>) -> Found {
    faults.into_iter().try_for_each(|fault| watch.mind(Err(fault)))
}

/// Compares what a call did with what the protocol says.
fn expect(contest: &mut Contest, step: &Step<'_>, part: &Part<'_>, fit: Option<&Fitness>) -> Found {
    let after = part.status.map_or(GroupState::Initialize, |status| status.state);
    match (step.input, part.heard) {
        (Input::Frame { at, frame, .. }, Some(said)) => contest.hear((*at, *frame), said, fit, after),
        (Input::Timeout, _) => contest.tick(step.now, after),
        _ => Ok(()),
    }
}

fn check_wish(wish: Option<&Wish>, status: &GroupStatus) -> Found {
    let open = |binding: &Binding| binding.gate == Gate::Open;
    let opened = wish.and_then(|wish| wish.binding.as_ref()).is_some_and(open);
    if wish.is_none() && runs(status.state) {
        return Err((Checker::Binding, format!("is {} and wants nothing of the dataplane", status.state)));
    }
    if opened != (status.state == GroupState::Active) {
        let gate = if opened { "open" } else { "closed" };
        return Err((Checker::Binding, format!("is {} and wants the gate {gate}", status.state)));
    }
    let done = wish.is_some_and(|wish| wish.done);
    if done != status.programmed {
        let text = format!("counts as programmed: {}, was acknowledged: {done}", status.programmed);
        return Err((Checker::Binding, text));
    }
    Ok(())
}

/// A refused wish ends the claim; an acknowledged open gate is announced.
fn check_answer(
    step: &Step<'_>,
    wishes: &BTreeMap<SeatId, Wish>,
    place: usize,
    status: &GroupStatus,
    voice: &Voice,
) -> Found {
    let Input::Programmed { seat, revision, result } = step.input else { return Ok(()) };
    let Some(wish) = wishes.get(seat).filter(|wish| wish.group == place) else { return Ok(()) };
    if result.is_err() {
        let newest = wish.revision == *revision && wish.binding.is_some();
        return match runs(status.state) && newest {
            true => Err((Checker::Binding, format!("is {} though its wish was refused", status.state))),
            false => Ok(()),
        };
    }
    let open = wish.binding.as_ref().is_some_and(|binding| binding.gate == Gate::Open);
    let missing = status.addresses.iter().find(|address| !voice.announced.contains(address));
    match missing.filter(|_| open && wish.revision == *revision) {
        Some(address) => Err((Checker::Announces, format!("{address} is live and not announced"))),
        None => Ok(()),
    }
}

fn check_announced(step: &Step<'_>, voice: &Voice) -> Found {
    let live = |address: &&IpAddr| step.dataplane.answers(**address, MacAddr::ZERO).is_some();
    match voice.announced.iter().find(|address| step.wired && !live(address)) {
        Some(address) => {
            Err((Checker::LiveBeforeAnnounced, format!("announces {address}, which is not live")))
        }
        None => Ok(()),
    }
}

/// Whether `id` is the group.
pub(crate) fn names(id: &GroupId, group: &GroupPlan) -> bool {
    id.number == group.number
        && (id.family == Family::V6) == group.ipv6
        && group.any().is_some_and(|settings| settings.protocol() == id.protocol)
}

/// What a router stands on, as far as it knows.
pub(crate) fn fitness(link: Option<&LinkState>, ipv6: bool) -> Option<Fitness> {
    let link = link.filter(|link| link.up)?;
    let source = if ipv6 { link.link_local()?.into() } else { link.primary_ipv4()?.into() };
    let own = link.ipv4.iter().map(|ip| IpAddr::V4(*ip)).chain(link.ipv6.iter().map(|ip| IpAddr::V6(*ip)));
    Some(Fitness { mac: link.mac, source, own: own.collect() })
}

fn voice_of(group: &GroupPlan, step: &Step<'_>) -> Voice {
    let mut voice = Voice::default();
    let mac = group.virtual_mac();
    let status = step.after.iter().find(|status| names(&status.id, group));
    for action in step.actions {
        match action {
            Action::Transmit { frame, .. } => {
                let source = frame.get(6..12);
                voice.from_virtual_mac |= mac.is_some_and(|mac| source == Some(mac.0.as_slice()));
                let announced = announced(frame).map(|(address, _)| address);
                let ours = |address: &IpAddr| status.is_some_and(|s| s.addresses.contains(address));
                voice.announced.extend(announced.filter(ours));
                if let Some(said) = Said::in_frame(frame).filter(|said| said.concerns(group)) {
                    voice.resigned |= said.resigns();
                    voice.claimed |= said.claims();
                    voice.advertised += u32::from(said.regular());
                    voice.said.push(said);
                }
            }
            // Only VRRP has peers: VRID and priority are its second and third octet.
            Action::Unicast { payload, source, .. } => {
                let vrid = payload.get(1).copied().map(u16::from);
                if source.is_ipv6() == group.ipv6 && vrid == Some(group.number) {
                    let resigns = payload.get(2) == Some(&0);
                    voice.resigned |= resigns;
                    voice.claimed |= !resigns;
                    voice.advertised += u32::from(!resigns);
                }
            }
            Action::Attach { .. } | Action::Detach(_) | Action::Program { .. } | Action::Notify(_) => {}
        }
    }
    voice
}
