//! Looks at every call of every engine: what went in, what came out, what the engine shows then.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{
    Action, Binding, Gate, GroupId, GroupState, GroupStatus, Instant, LinkState, Revision, SeatId, VrrpConfig,
};
use fhrp_wire::{Family, MacAddr};

use crate::check::{Checker, Violation};
use crate::dataplane::Dataplane;
use crate::fault::Place;
use crate::flaw::announced;
use crate::plan::GroupPlan;
use crate::subject::Input;
use crate::vrrp::{Contest, Fitness, Said, advertisement_in};

const ACTIONS_MOST: usize = 64;
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
}

/// The last wish of a seat, and what was answered.
#[derive(Debug)]
struct Wish {
    group: usize,
    revision: Revision,
    binding: Option<Binding>,
    done: bool,
}

/// What is known of one router.
#[derive(Debug, Default)]
struct Watched {
    contests: BTreeMap<usize, Contest>,
    wishes: BTreeMap<SeatId, Wish>,
    wakes_from: Instant,
    wakes: u64,
}

/// All routers.
#[derive(Debug)]
pub(crate) struct Monitor {
    groups: Vec<GroupPlan>,
    routers: Vec<Watched>,
}

/// What a call sent about one group.
#[derive(Debug, Default)]
struct Voice {
    advertised: u32,
    resigned: bool,
    announced: Vec<IpAddr>,
    from_virtual_mac: bool,
}

/// What of a call concerns one group.
struct Part<'a> {
    place: usize,
    status: Option<&'a GroupStatus>,
    heard: Option<&'a Said>,
    voice: Voice,
    /// The group has just started anew.
    restarted: bool,
}

/// What does not hold, of which router.
type Found = Result<(), (Checker, String)>;

impl Monitor {
    pub(crate) fn new(groups: &[GroupPlan], routers: usize) -> Self {
        let routers = std::iter::repeat_with(Watched::default).take(routers).collect();
        Self { groups: groups.to_vec(), routers }
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
        self.count(step)?;
        self.record_wishes(step);
        let said = match step.input {
            Input::Frame { octets, .. } => advertisement_in(octets),
            _ => None,
        };
        let restarted = self.reconfigure(step);
        for place in 0..self.groups.len() {
            let part = Part {
                place,
                status: step.after.iter().find(|status| names(&status.id, &self.groups[place])),
                heard: said.as_ref().filter(|said| said.concerns(&self.groups[place])),
                voice: voice_of(&self.groups[place], step),
                restarted: restarted == Some(place),
            };
            self.follow(step, &part)?;
        }
        Ok(())
    }

    /// Checkers `bounded` and `busy-loop`.
    fn count(&mut self, step: &Step<'_>) -> Found {
        if step.actions.len() > ACTIONS_MOST {
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
            (watched.wakes_from, watched.wakes) = (step.now, 0);
        }
        watched.wakes += 1;
        let explained = |contest: &Contest| {
            let interval = contest.settings.advertisement_interval.as_micros().max(1);
            u64::try_from(2_000_000 / interval).unwrap_or(0) + WAKES_BESIDES
        };
        let most: u64 = watched.contests.values().map(explained).sum();
        if watched.wakes > most.max(WAKES_BESIDES) {
            return Err((Checker::BusyLoop, format!("{} wake-ups in a second", watched.wakes)));
        }
        Ok(())
    }

    fn record_wishes(&mut self, step: &Step<'_>) {
        let groups = &self.groups;
        let watched = &mut self.routers[step.router];
        if let Input::Programmed { seat, revision, result } = step.input
            && let Some(wish) = watched.wishes.get_mut(seat).filter(|wish| wish.revision == *revision)
        {
            wish.done = result.is_ok();
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
        let watched = &mut self.routers[step.router];
        (watched.wakes_from, watched.wakes) = (step.now, 0);
        let contests = &mut watched.contests;
        let settings = config.settings().clone();
        let Some(contest) = contests.get_mut(&place) else {
            contests.insert(place, Contest::new(settings));
            return None;
        };
        let anew = starts_anew(&contest.settings, config);
        contest.settings = settings;
        anew.then_some(place)
    }

    fn follow(&mut self, step: &Step<'_>, part: &Part<'_>) -> Found {
        let Part { place, voice, restarted, .. } = part;
        let (place, restarted) = (*place, *restarted);
        let fit = fitness(step.link, self.groups[place].ipv6);
        let watched = &mut self.routers[step.router];
        let Some(contest) = watched.contests.get_mut(&place) else { return Ok(()) };
        let before = contest.state;
        let after = part.status.map_or(GroupState::Initialize, |status| status.state);
        let stops = before == GroupState::Active && (after == GroupState::Initialize || restarted);
        if stops && fit.is_some() && !voice.resigned {
            return Err((Checker::Resigns, "stops being Active and says nothing".to_owned()));
        }
        let Some(status) = part.status else {
            watched.contests.remove(&place);
            (watched.wakes_from, watched.wakes) = (step.now, 0);
            return Ok(());
        };
        if restarted {
            contest.restart();
            contest.state = GroupState::Initialize;
        }
        match (step.input, part.heard) {
            (Input::Frame { at, frame, .. }, Some(said)) => {
                contest.hear((*at, *frame), said, fit.as_ref(), after)?;
            }
            (Input::Timeout, _) => contest.tick(step.now, after)?,
            _ => {}
        }
        if fit.is_none() && after != GroupState::Initialize {
            return Err((Checker::FitToRun, format!("is {after} without a link to be so on")));
        }
        contest.enter(step.now, after, fit.as_ref())?;
        // An answer belongs to the time of what it answers, also when that is read late.
        let counted_at = match step.input {
            Input::Frame { at, .. } => *at,
            _ => step.now,
        };
        let won = before != GroupState::Active && after == GroupState::Active;
        for _ in u32::from(won)..voice.advertised.div_ceil(frames_each(contest)) {
            contest.answers(counted_at)?;
        }
        if voice.advertised > 0 {
            contest.advertised(step.now);
        }
        let active = [before, after].contains(&GroupState::Active);
        if (voice.from_virtual_mac || voice.advertised > 0) && !active {
            return Err((Checker::VirtualMac, format!("speaks for the group and is {after}")));
        }
        if matches!(step.input, Input::Stop) {
            return Ok(());
        }
        contest.plans(step.next)?;
        check_wish(
            watched.wishes.values().find(|wish| wish.group == place && wish.binding.is_some()),
            status,
        )?;
        check_answer(step, &watched.wishes, place, status, voice)?;
        check_announced(step, voice)?;
        if status.peers.len() > PEERS_MOST {
            return Err((Checker::Bounded, format!("{} peers remembered", status.peers.len())));
        }
        Ok(())
    }
}

/// Frames that one advertisement takes.
fn frames_each(contest: &Contest) -> u32 {
    let versions = if contest.settings.coexist_with_v2 { 2 } else { 1 };
    versions * u32::try_from(contest.settings.unicast_peers.len().max(1)).unwrap_or(1)
}

/// What decides whether an update keeps the state.
fn starts_anew(before: &fhrp::VrrpSettings, after: &VrrpConfig) -> bool {
    before.version != after.settings().version || before.virtual_mac != after.settings().virtual_mac
}

fn check_wish(wish: Option<&Wish>, status: &GroupStatus) -> Found {
    let open = |binding: &Binding| binding.gate == Gate::Open;
    let opened = wish.and_then(|wish| wish.binding.as_ref()).is_some_and(open);
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
        return match status.state != GroupState::Initialize && newest {
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
    id.number == u16::from(group.vrid) && (id.family == Family::V6) == group.ipv6
}

/// What a router stands on, as far as it knows.
pub(crate) fn fitness(link: Option<&LinkState>, ipv6: bool) -> Option<Fitness> {
    let link = link.filter(|link| link.up)?;
    let source = if ipv6 { link.link_local()?.into() } else { link.primary_ipv4()?.into() };
    let own = link.ipv4.iter().map(|ip| IpAddr::V4(*ip)).chain(link.ipv6.iter().map(|ip| IpAddr::V6(*ip)));
    Some(Fitness { source, own: own.collect() })
}

fn voice_of(group: &GroupPlan, step: &Step<'_>) -> Voice {
    let mut voice = Voice::default();
    let mac = fhrp_wire::vrrp::Vrid::new(group.vrid).map(|vrid| {
        let family = if group.ipv6 { Family::V6 } else { Family::V4 };
        fhrp_wire::vrrp::virtual_mac(family, vrid)
    });
    let status = step.after.iter().find(|status| names(&status.id, group));
    for action in step.actions {
        match action {
            Action::Transmit { frame, .. } => {
                let source = frame.get(6..12);
                voice.from_virtual_mac |= mac.is_some_and(|mac| source == Some(mac.0.as_slice()));
                let announced = announced(frame).map(|(address, _)| address);
                let ours = |address: &IpAddr| status.is_some_and(|s| s.addresses.contains(address));
                voice.announced.extend(announced.filter(ours));
                if let Some(said) = advertisement_in(frame).filter(|said| said.concerns(group)) {
                    voice.count(said.priority);
                }
            }
            Action::Unicast { payload, source, .. } => {
                let family = source.is_ipv6() == group.ipv6;
                if family && payload.get(1) == Some(&group.vrid) {
                    voice.count(payload.get(2).copied().unwrap_or(0));
                }
            }
            Action::Attach { .. } | Action::Detach(_) | Action::Program { .. } | Action::Notify(_) => {}
        }
    }
    voice
}

impl Voice {
    fn count(&mut self, priority: u8) {
        if priority == 0 {
            self.resigned = true;
        } else {
            self.advertised += 1;
        }
    }
}
