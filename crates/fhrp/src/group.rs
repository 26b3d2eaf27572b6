//! The life of one group: what it stands on, its contest, its wish of the dataplane, and what follows from them.

mod report;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Cause, Effect, Election, Instant, State};
use fhrp_wire::MacAddr;

use crate::announce::{Announcer, Beacon};
use crate::limiter::{Limiter, Topic};
use crate::vrrp::{Frames, Router, Underlay};
use crate::{
    Acceptance, Action, Binding, Family, Gate, GroupId, GroupState, GroupStats, LinkState, Notice,
    NoticeKind, ProgramFault, Responder, Revision, SeatId, VrrpConfig, Waiting,
};

/// After a dataplane fault the group waits this long, and twice as long each time, up to a minute.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// This many transitions within a minute are worth a warning (RFC 9568 §2.5).
const FLAPPING_TRANSITIONS: usize = 6;
const FLAPPING_WINDOW: Duration = Duration::from_secs(60);

/// Where a group's methods leave what is to be done.
pub(crate) struct Out<'a> {
    pub(crate) actions: &'a mut VecDeque<Action>,
    /// Scratch, so that no call allocates.
    pub(crate) effects: &'a mut Vec<Effect>,
}

/// A failed wish.
#[derive(Debug)]
struct Fault {
    text: Arc<str>,
    retry_at: Option<Instant>,
    backoff: Duration,
}

/// One group, for VRRP a Virtual Router.
#[derive(Debug)]
pub(crate) struct Group {
    seat: SeatId,
    router: Router,
    election: Election,
    /// Present while the group can run.
    underlay: Option<Underlay>,
    waiting: Option<Waiting>,
    link: Option<Arc<LinkState>>,
    /// The advertisement as it is sent now; rendered anew after any change.
    frames: Option<Frames>,
    wish: Option<Binding>,
    revision: Revision,
    programmed: bool,
    fault: Option<Fault>,
    announcer: Announcer,
    beacon: Beacon,
    limiter: Limiter,
    stats: GroupStats,
    up_since: Option<Instant>,
    last_transition: Option<(Instant, Cause)>,
    recent: VecDeque<Instant>,
    /// Addresses whose announcement waits in the interface's pacer.
    pub(crate) announcements_queued: usize,
}

impl Group {
    pub(crate) fn new(seat: SeatId, config: VrrpConfig) -> Self {
        let router = Router::new(config);
        // Until there is an address to send from, the rank's address is that of nobody.
        let nobody = match router.config().id().family {
            Family::V4 => IpAddr::from([0, 0, 0, 0]),
            Family::V6 => IpAddr::from([0_u16; 8]),
        };
        let election = Election::new(router.rules(), router.candidacy(nobody, false));
        Self {
            seat,
            router,
            election,
            underlay: None,
            waiting: Some(Waiting::InterfaceMissing),
            link: None,
            frames: None,
            wish: None,
            revision: Revision::default(),
            programmed: false,
            fault: None,
            announcer: Announcer::default(),
            beacon: Beacon::default(),
            limiter: Limiter::default(),
            stats: GroupStats::default(),
            up_since: None,
            last_transition: None,
            recent: VecDeque::with_capacity(FLAPPING_TRANSITIONS),
            announcements_queued: 0,
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        self.router.config().id()
    }

    pub(crate) fn config(&self) -> &VrrpConfig {
        self.router.config()
    }

    pub(crate) fn seat(&self) -> SeatId {
        self.seat
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    pub(crate) fn underlay(&self) -> Option<&Underlay> {
        self.underlay.as_ref()
    }

    /// When [`Group::handle_timeout`] wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let retry = self.fault.as_ref().and_then(|fault| fault.retry_at);
        [self.election.next_deadline(), self.announcer.next(), self.beacon.next(), retry]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the virtual addresses are held and may be announced.
    pub(crate) fn serves(&self) -> bool {
        self.programmed && self.wish.as_ref().is_some_and(|wish| wish.gate == Gate::Open)
    }

    /// The notices that belong to the birth of a group.
    pub(crate) fn introduce(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some(address) = self.config().added_link_local() {
            self.notify(now, NoticeKind::LinkLocalAdded(address), out);
        }
    }

    /// The interface is like this now, or does not exist.
    pub(crate) fn handle_link(&mut self, now: Instant, link: Option<Arc<LinkState>>, out: &mut Out<'_>) {
        self.link = link;
        self.reconsider(now, out);
    }

    /// A new configuration of the same version and with the same kind of MAC: the group goes on.
    pub(crate) fn reconfigure(&mut self, now: Instant, config: VrrpConfig, out: &mut Out<'_>) {
        let addresses_changed = config.addresses() != self.config().addresses();
        self.router.reconfigure(config);
        self.frames = None;
        if let Some(underlay) = &self.underlay {
            let candidacy = self.router.candidacy(underlay.source, underlay.owner);
            self.election.retune(now, candidacy, out.effects);
            self.carry_out(now, out);
        }
        self.reconsider(now, out);
        if addresses_changed {
            self.introduce(now, out);
        }
    }

    /// Stops for good, or until [`Group::handle_link`]: an Active router resigns.
    pub(crate) fn stop(&mut self, now: Instant, out: &mut Out<'_>) {
        self.election.stop(now, out.effects);
        self.carry_out(now, out);
        self.announcer.stop();
        self.beacon.stop();
    }

    /// Takes back everything that was programmed.
    pub(crate) fn withdraw(&mut self, out: &mut Out<'_>) {
        self.link = None;
        self.underlay = None;
        self.refresh_wish(out);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Out<'_>) -> Announce {
        if self.retries(now) {
            self.retry(now, out);
        }
        if self.election.next_deadline().is_some_and(|at| at <= now) {
            self.election.handle_timeout(now, out.effects);
            self.carry_out(now, out);
            self.refresh_wish(out);
        }
        let schedule = &self.router.config().settings().announce;
        if self.announcer.take_due(now, schedule) { Announce::Now } else { Announce::Nothing }
    }

    /// Whether a router advertisement is due.
    pub(crate) fn take_beacon(&mut self, now: Instant) -> bool {
        let settings = self.router.config().settings().router_advertisement.as_ref();
        settings.is_some_and(|settings| self.beacon.take_due(now, settings))
    }

    /// A host asks for routers.
    pub(crate) fn solicit(&mut self, now: Instant) {
        self.beacon.solicit(now);
    }

    /// The dataplane answers. Late answers to older wishes say nothing.
    pub(crate) fn handle_programmed(
        &mut self,
        now: Instant,
        revision: Revision,
        result: Result<(), ProgramFault>,
        out: &mut Out<'_>,
    ) -> Announce {
        if revision != self.revision || self.wish.is_none() {
            return Announce::Nothing;
        }
        match result {
            Ok(()) => self.succeed(now, out),
            Err(fault) => {
                self.fail(now, fault.0, out);
                Announce::Nothing
            }
        }
    }

    /// Something of ours had been removed and is back: hosts and switches may have learned otherwise meanwhile.
    pub(crate) fn handle_mended(&mut self, now: Instant, what: Arc<str>, out: &mut Out<'_>) -> Announce {
        self.stats.mended += 1;
        if self.limiter.allows(Topic::Mended, now) {
            self.notify(now, NoticeKind::Mended(what), out);
        }
        self.announce_if_serving(now)
    }

    fn succeed(&mut self, now: Instant, out: &mut Out<'_>) -> Announce {
        self.programmed = true;
        if self.fault.as_ref().is_some_and(|fault| fault.retry_at.is_none()) {
            self.fault = None;
            self.notify(now, NoticeKind::Programmed, out);
        }
        self.announce_if_serving(now)
    }

    fn announce_if_serving(&mut self, now: Instant) -> Announce {
        if !self.serves() {
            return Announce::Nothing;
        }
        let settings = self.router.config().settings();
        self.announcer.start(now, &settings.announce);
        if settings.router_advertisement.is_some() {
            self.beacon.start(now);
        }
        Announce::Now
    }

    /// Whether a fault has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        self.fault.as_ref().and_then(|fault| fault.retry_at).is_some_and(|at| at <= now)
    }

    /// A router that cannot forward gives way to one that can.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>, out: &mut Out<'_>) {
        self.stats.program_faults += 1;
        self.programmed = false;
        let backoff = self.fault.as_ref().map_or(BACKOFF_FIRST, |fault| (fault.backoff * 2).min(BACKOFF_MAX));
        let retry_at = Some(now + backoff);
        self.fault = Some(Fault { text: text.clone(), retry_at, backoff });
        self.notify(now, NoticeKind::ProgramFault(text), out);
        self.reconsider(now, out);
    }

    /// The fault stays in mind, for its backoff, until a wish succeeds.
    fn retry(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some(fault) = &mut self.fault {
            fault.retry_at = None;
        }
        self.wish = None;
        self.reconsider(now, out);
    }

    /// Compares what the group stands on with what it stood on, and starts, stops or goes on accordingly.
    fn reconsider(&mut self, now: Instant, out: &mut Out<'_>) {
        let (underlay, waiting) = match self.find_underlay() {
            Ok(underlay) => (Some(underlay), None),
            Err(waiting) => (None, Some(waiting)),
        };
        if waiting != self.waiting {
            self.waiting.clone_from(&waiting);
            // A dataplane fault has had its own notice.
            if let Some(why) = waiting.filter(|why| !matches!(why, Waiting::ProgramFault(_))) {
                self.notify(now, NoticeKind::Waits(why), out);
            }
        }
        if underlay != self.underlay {
            self.change_underlay(now, underlay, out);
        }
        self.refresh_wish(out);
    }

    fn change_underlay(&mut self, now: Instant, underlay: Option<Underlay>, out: &mut Out<'_>) {
        self.frames = None;
        match (&self.underlay, &underlay) {
            (_, None) => {
                // With a dataplane fault the way out is still there: resign through it. Without an interface or an
                // address there is none.
                if self.fault.is_none() {
                    self.underlay = None;
                }
                self.stop(now, out);
                self.underlay = None;
                self.up_since = None;
            }
            (None, Some(new)) => {
                self.tell_ownership(now, new.owner, out);
                self.election.retune(now, self.router.candidacy(new.source, new.owner), out.effects);
                self.underlay = underlay;
                self.up_since = Some(now);
                self.election.start(now, out.effects);
                self.carry_out(now, out);
            }
            (Some(old), Some(new)) => {
                if old.owner != new.owner {
                    self.tell_ownership(now, new.owner, out);
                }
                self.election.retune(now, self.router.candidacy(new.source, new.owner), out.effects);
                self.underlay = underlay;
                self.carry_out(now, out);
            }
        }
    }

    fn tell_ownership(&mut self, now: Instant, owner: bool, out: &mut Out<'_>) {
        let owned = self.link.as_deref().and_then(|link| self.owned(link).next());
        match (owner, owned) {
            (true, Some(address)) => self.notify(now, NoticeKind::Owns(address), out),
            (true | false, _) if self.config().settings().priority == 255 => {
                self.notify(now, NoticeKind::NotOwner, out);
            }
            (true | false, _) => {}
        }
    }

    fn find_underlay(&self) -> Result<Underlay, Waiting> {
        let link = self.link.as_deref().ok_or(Waiting::InterfaceMissing)?;
        if let Some(fault) = self.fault.as_ref().filter(|fault| fault.retry_at.is_some()) {
            return Err(Waiting::ProgramFault(fault.text.clone()));
        }
        if !link.up {
            return Err(Waiting::InterfaceDown);
        }
        let source = match self.id().family {
            Family::V4 => link.primary_ipv4().map(IpAddr::V4),
            Family::V6 => link.link_local().map(IpAddr::V6),
        };
        Ok(Underlay {
            interface: link.index,
            mac: self.config().virtual_mac().unwrap_or(link.mac),
            source: source.ok_or(Waiting::NoPrimaryAddress)?,
            owner: self.owned(link).next().is_some(),
        })
    }

    /// The virtual addresses that the interface has of its own.
    fn owned<'a>(&'a self, link: &'a LinkState) -> impl Iterator<Item = IpAddr> + 'a {
        self.config().addresses().iter().copied().filter(|address| link.has(*address))
    }

    /// Does what the election asked for.
    fn carry_out(&mut self, now: Instant, out: &mut Out<'_>) {
        let mut effects = std::mem::take(out.effects);
        for effect in effects.drain(..) {
            match effect {
                // Coups belong to other rule tables; the nearest that VRRP has is to advertise.
                Effect::Advertise | Effect::Coup => self.advertise(out),
                Effect::Resign => self.resign(out),
                Effect::Moved { from, to, cause } => self.moved(now, (from, to), cause, out),
            }
        }
        *out.effects = effects;
    }

    fn advertise(&mut self, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        let priority = self.router.effective_priority(underlay.owner);
        let frames = self.frames.get_or_insert_with(|| self.router.render(underlay, priority));
        out.actions.extend(frames.actions(underlay));
        self.stats.advertisement_sent += 1;
    }

    fn resign(&mut self, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        out.actions.extend(self.router.render(underlay, 0).actions(underlay));
        self.stats.advertisement_sent += 1;
        self.stats.priority_zero_pkts_sent += 1;
    }

    fn moved(&mut self, now: Instant, (from, to): (State, State), cause: Cause, out: &mut Out<'_>) {
        self.last_transition = Some((now, cause));
        if to == State::Active {
            self.stats.active_transitions += 1;
        } else {
            self.announcer.stop();
            self.beacon.stop();
        }
        let kind = NoticeKind::Moved { from: project(from), to: project(to), cause };
        self.notify(now, kind, out);
        self.watch_flapping(now, out);
    }

    fn watch_flapping(&mut self, now: Instant, out: &mut Out<'_>) {
        if self.recent.len() == FLAPPING_TRANSITIONS {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        let full = self.recent.len() == FLAPPING_TRANSITIONS;
        let within = self.recent.front().is_some_and(|first| now <= *first + FLAPPING_WINDOW);
        if full && within && self.limiter.allows(Topic::Flapping, now) {
            let transitions = u32::try_from(FLAPPING_TRANSITIONS).unwrap_or(u32::MAX);
            self.notify(now, NoticeKind::Flapping { transitions }, out);
        }
    }

    /// Says what the dataplane should look like, if that is new.
    pub(crate) fn refresh_wish(&mut self, out: &mut Out<'_>) {
        let wish = self.link.as_deref().map(|link| self.binding(link));
        if wish == self.wish {
            return;
        }
        self.revision.0 += 1;
        self.programmed = false;
        self.wish.clone_from(&wish);
        out.actions.push_back(Action::Program { seat: self.seat, revision: self.revision, binding: wish });
    }

    /// The wish: a function of configuration, link and state, and of nothing else.
    fn binding(&self, link: &LinkState) -> Binding {
        let owned: Arc<[IpAddr]> = self.owned(link).collect();
        let accepts = self.config().settings().accept_mode || !owned.is_empty();
        Binding {
            group: self.id().clone(),
            interface: link.index,
            mac: self.config().virtual_mac(),
            addresses: self.config().addresses().clone(),
            owned,
            gate: if self.election.state() == State::Active { Gate::Open } else { Gate::Closed },
            acceptance: if accepts { Acceptance::Allow } else { Acceptance::Deny },
            responder: Responder::Kernel,
        }
    }

    /// The MAC that announcements carry.
    pub(crate) fn announced_mac(&self) -> Option<MacAddr> {
        self.underlay.as_ref().map(|underlay| underlay.mac)
    }
}

/// Whether the virtual addresses are to be announced after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announce {
    Nothing,
    Now,
}

/// RFC 9568's word for a state of the election.
fn project(state: State) -> GroupState {
    match state {
        State::Init => GroupState::Initialize,
        State::Listen | State::Speak | State::Standby => GroupState::Backup,
        State::Active => GroupState::Active,
    }
}

impl Group {
    fn notify(&self, at: Instant, kind: NoticeKind, out: &mut Out<'_>) {
        out.actions.push_back(Action::Notify(Notice { at, group: self.id().clone(), kind }));
    }
}
