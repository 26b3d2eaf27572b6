//! The life of one group: what it stands on, its contest, its wish of the dataplane, and what follows from them.

mod following;
mod hsrp;
mod status;
mod tracking;
mod underlay;
mod vrrp;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Cause, Effect, Election, Instant, State};
use fhrp_wire::MacAddr;

use crate::announce::Beacon;
use crate::config::WallClock;
use crate::flapping::Flapping;
use crate::limiter::{Limiter, Topic};
use crate::seat::{Reply, Seat};
use crate::speaker::{Frames, Saying, Speaker, Standing, Underlay};
use crate::{
    Acceptance, Action, Binding, Family, Gate, GroupConfig, GroupId, GroupStats, LinkState, Notice,
    NoticeKind, ProgramFault, Responder, Revision, SeatId, Waiting,
};

pub(crate) use following::Lead;
pub(crate) use hsrp::Leadership;
pub(crate) use tracking::Load;

/// Where a group's methods leave what is to be done.
pub(crate) struct Out<'a> {
    pub(crate) actions: &'a mut VecDeque<Action>,
    /// Scratch, so that no call allocates.
    pub(crate) effects: &'a mut Vec<Effect>,
    /// Changes whenever everything that was to be done has been handed out.
    pub(crate) round: u64,
    /// Seats of groups whose moves mean something to other groups.
    pub(crate) moved: &'a mut Vec<SeatId>,
}

/// One group with one seat: a Virtual Router of VRRP, a group of HSRP.
#[derive(Debug)]
pub(crate) struct Group {
    speaker: Speaker,
    election: Election,
    /// Of a group that follows another: what that one is.
    lead: Lead,
    load: Load,
    /// The state that messages show: that of the election, except while its effects are carried out one by one.
    shown: State,
    /// Present while the group can run.
    underlay: Option<Underlay>,
    waiting: Option<Waiting>,
    /// Since when its interface is up.
    link_up_since: Option<Instant>,
    link: Option<Arc<LinkState>>,
    /// The advertisement as it is sent now; rendered anew after any change.
    frames: Option<Frames>,
    /// The round in which it was last said, as it is now.
    said_in: Option<u64>,
    /// The round in which a rival was last answered with a Coup.
    couped_in: Option<u64>,
    /// When a rival was last answered by announcing the addresses anew, and in which round.
    reclaimed: Option<(Instant, u64)>,
    seat: Seat,
    beacon: Beacon,
    limiter: Limiter,
    stats: GroupStats,
    up_since: Option<Instant>,
    last_transition: Option<(Instant, Cause)>,
    flapping: Flapping,
    state_changes: u64,
    /// How many of them the wish of the dataplane knows.
    wished_after: u64,
    /// What it was last counted as.
    role: Role,
}

impl Group {
    pub(crate) fn new(seat: SeatId, speaker: Speaker) -> Self {
        // Until there is an address to send from, the rank's address is that of nobody.
        let nobody = match speaker.id().family {
            Family::V4 => IpAddr::from([0, 0, 0, 0]),
            Family::V6 => IpAddr::from([0_u16; 8]),
        };
        let standing = Standing { source: nobody, owner: false, state: State::Init, decrement: 0 };
        let election = Election::new(speaker.rules(), speaker.candidacy(&standing));
        Self {
            speaker,
            election,
            lead: Lead::default(),
            load: Load::default(),
            shown: State::Init,
            underlay: None,
            waiting: Some(Waiting::InterfaceMissing),
            link_up_since: None,
            link: None,
            frames: None,
            said_in: None,
            couped_in: None,
            reclaimed: None,
            seat: Seat::new(seat),
            beacon: Beacon::default(),
            limiter: Limiter::default(),
            stats: GroupStats::default(),
            up_since: None,
            last_transition: None,
            flapping: Flapping::default(),
            state_changes: 0,
            wished_after: 0,
            role: Role::default(),
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        self.speaker.id()
    }

    pub(crate) fn speaker(&self) -> &Speaker {
        &self.speaker
    }

    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(crate) fn seat_mut(&mut self) -> &mut Seat {
        &mut self.seat
    }

    pub(crate) fn underlay(&self) -> Option<&Underlay> {
        self.underlay.as_ref()
    }

    /// When [`Group::handle_timeout`] wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        [self.election.next_deadline(), self.seat.next_deadline(), self.beacon.next(), self.wait_ends()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The notices that belong to the birth of a group.
    pub(crate) fn introduce(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some(address) = self.speaker.added_link_local() {
            self.notify(now, NoticeKind::LinkLocalAdded(address), out);
        }
    }

    /// The interface is like this now, or does not exist.
    pub(crate) fn handle_link(&mut self, now: Instant, link: Option<Arc<LinkState>>, out: &mut Out<'_>) {
        let up = link.as_deref().is_some_and(|link| link.up);
        self.link_up_since = if up { self.link_up_since.or(Some(now)) } else { None };
        self.link = link;
        self.reconsider(now, out);
    }

    /// How the engine's time and the calendar go together.
    pub(crate) fn handle_wall_clock(&mut self, now: Instant, clock: WallClock, out: &mut Out<'_>) {
        self.speaker.set_wall_clock(clock);
        self.frames = None;
        self.reconsider(now, out);
    }

    /// A new configuration that does not have to start anew.
    pub(crate) fn reconfigure(&mut self, now: Instant, config: GroupConfig, out: &mut Out<'_>) {
        let before = self.speaker.addresses().clone();
        let posed = self.speaker.poses_as_owner();
        self.speaker.reconfigure(config);
        self.retune(now, out);
        self.reconsider(now, out);
        self.retime_beacon(now);
        let owner = self.underlay.as_ref().map(|underlay| underlay.owner);
        if let Some(owner) = owner.filter(|_| !posed && self.speaker.poses_as_owner()) {
            self.tell_ownership(now, owner, out);
        }
        if before != *self.speaker.addresses() {
            self.introduce(now, out);
        }
    }

    /// The role when this was asked last, and now; `None` if they are the same.
    pub(crate) fn take_role_change(&mut self) -> Option<(Role, Role)> {
        let now = match self.state() {
            State::Init => Role::Out,
            State::Listen | State::Speak | State::Standby => Role::Passive,
            State::Active => Role::Active,
        };
        let before = std::mem::replace(&mut self.role, now);
        (before != now).then_some((before, now))
    }

    /// Tells the election of this router's own values as they are now.
    fn retune(&mut self, now: Instant, out: &mut Out<'_>) {
        self.frames = None;
        if let Some(underlay) = &self.underlay {
            let candidacy = self.speaker.candidacy(&self.standing(underlay.source, underlay.owner));
            self.election.retune(now, candidacy, out.effects);
            self.carry_out(now, out);
        }
    }

    /// Does so if they are others than it knows.
    fn retune_if_changed(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        let candidacy = self.speaker.candidacy(&self.standing(underlay.source, underlay.owner));
        if candidacy != *self.election.candidacy() {
            self.retune(now, out);
        }
    }

    fn standing(&self, source: IpAddr, owner: bool) -> Standing {
        Standing { source, owner, state: self.state(), decrement: self.load.decrement }
    }

    /// Where this router stands: by its own contest, or by that of the group that it follows.
    fn state(&self) -> State {
        match (self.speaker.leader(), &self.underlay) {
            (None, _) => self.election.state(),
            (Some(_), Some(_)) => self.lead.state(),
            (Some(_), None) => State::Init,
        }
    }

    /// Router advertisements begin and end with their setting.
    fn retime_beacon(&mut self, now: Instant) {
        match (self.speaker.router_advertisement(), self.beacon.next()) {
            (None, _) => self.beacon.stop(),
            (Some(_), None) if self.seat.serves() => self.beacon.start(now),
            (Some(_), _) => {}
        }
    }

    /// Stops for good, or until [`Group::handle_link`]: an Active router resigns.
    pub(crate) fn stop(&mut self, now: Instant, out: &mut Out<'_>) {
        self.halt(now, out);
        self.lead_on(now, Lead::default(), out);
    }

    /// How long a successor may take after a resignation; `None` for one that serves nobody.
    pub(crate) fn succession_time(&self) -> Option<Duration> {
        self.seat.serves().then(|| self.speaker.succession_time(&self.election))
    }

    /// Takes back everything that was programmed.
    pub(crate) fn withdraw(&mut self, out: &mut Out<'_>) {
        self.link = None;
        self.underlay = None;
        self.refresh_wish(out);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Out<'_>) -> Announce {
        if self.seat.retries(now) {
            self.seat.retry();
            self.reconsider(now, out);
        }
        if self.wait_ends().is_some_and(|at| at <= now) {
            self.reconsider(now, out);
        }
        if self.election.next_deadline().is_some_and(|at| at <= now) {
            self.election.handle_timeout(now, out.effects);
            self.carry_out(now, out);
            self.retune_if_changed(now, out);
            self.refresh_moved_wish(out);
        }
        let due = self.seat.take_announcement(now, self.speaker.announce_schedule());
        if due { Announce::Now } else { Announce::Nothing }
    }

    /// Whether a router advertisement is due.
    pub(crate) fn take_beacon(&mut self, now: Instant) -> bool {
        let settings = self.speaker.router_advertisement();
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
        match self.seat.acknowledge(revision, result) {
            Reply::Stale => Announce::Nothing,
            Reply::Done => self.announce_if_serving(now),
            Reply::Recovered => {
                self.notify(now, NoticeKind::Programmed, out);
                self.announce_if_serving(now)
            }
            Reply::Failed(text) => {
                self.fail(now, text, out);
                Announce::Nothing
            }
        }
    }

    /// Something of ours had been removed and is back: hosts and switches may have learned otherwise meanwhile.
    pub(crate) fn handle_mended(&mut self, now: Instant, what: Arc<str>, out: &mut Out<'_>) -> Announce {
        self.stats.mended += 1;
        self.notify_limited(Topic::Mended, now, || NoticeKind::Mended(what), out);
        self.announce_if_serving(now)
    }

    /// Another router claims the role in vain: hosts and switches may have believed it, so they are told again, now, in a
    /// moment, and after it has fallen silent. Of many claims heard in one round, one is answered.
    fn reclaim(&mut self, now: Instant, round: u64) -> Announce {
        if self.state() != State::Active {
            return Announce::Nothing;
        }
        if !self.seat.serves() {
            self.seat.announce_again(now);
            return Announce::Nothing;
        }
        self.seat.start_announcing(now, self.speaker.announce_schedule());
        let pause = self.election.candidacy().hello;
        if self.reclaimed.is_some_and(|(last, in_round)| now < last + pause || in_round == round) {
            return Announce::Nothing;
        }
        self.reclaimed = Some((now, round));
        self.seat.announce_again(now);
        Announce::Now
    }

    fn announce_if_serving(&mut self, now: Instant) -> Announce {
        if !self.seat.serves() {
            return Announce::Nothing;
        }
        self.seat.start_announcing(now, self.speaker.announce_schedule());
        if self.speaker.router_advertisement().is_some() {
            self.beacon.start(now);
        }
        Announce::Now
    }

    /// A router that cannot forward gives way to one that can.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>, out: &mut Out<'_>) {
        self.stats.program_faults += 1;
        self.seat.fail(now, text.clone());
        self.notify(now, NoticeKind::ProgramFault(text), out);
        self.reconsider(now, out);
    }

    /// Does what the election asked for.
    fn carry_out(&mut self, now: Instant, out: &mut Out<'_>) {
        let mut effects = std::mem::take(out.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Advertise => self.advertise(now, out),
                Effect::Coup => self.coup(now, out),
                Effect::Resign => self.say(now, Saying::Resign, out),
                Effect::Moved { from, to, cause } => self.moved(now, (from, to), cause, out),
            }
        }
        *out.effects = effects;
    }

    fn advertise(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        // What still waits to be sent need not be said twice: a router that was held up hears many things at once.
        if self.frames.is_some() && self.said_in == Some(out.round) {
            return;
        }
        self.said_in = Some(out.round);
        let frames = match self.frames.take().filter(|frames| frames.expire.is_none_or(|at| now < at)) {
            Some(frames) => self.frames.insert(frames),
            None => {
                let frames = self.speaker.render(Saying::Advert, self.shown, underlay, now);
                self.frames.insert(Frames { expire: self.speaker.frames_expire(now), ..frames })
            }
        };
        let before = out.actions.len();
        out.actions.extend(frames.actions(underlay));
        if out.actions.len() > before {
            self.speaker.count_sent(Saying::Advert);
        }
        if let Some(expired) = self.speaker.expired_key(now) {
            self.notify_limited(Topic::KeysExpired, now, || expired, out);
        }
    }

    /// As with adverts, of many claims heard in one round the Active router answers one.
    fn coup(&mut self, now: Instant, out: &mut Out<'_>) {
        let answered = self.couped_in == Some(out.round);
        if self.shown != State::Active || !answered {
            self.couped_in = Some(out.round);
            self.say(now, Saying::Coup, out);
        }
    }

    fn say(&mut self, now: Instant, saying: Saying, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        let before = out.actions.len();
        out.actions.extend(self.speaker.render(saying, self.shown, underlay, now).actions(underlay));
        if out.actions.len() > before {
            self.speaker.count_sent(saying);
        }
    }

    fn moved(&mut self, now: Instant, (from, to): (State, State), cause: Cause, out: &mut Out<'_>) {
        self.shown = to;
        self.frames = None;
        self.couped_in = None;
        self.speaker.entered(to);
        self.state_changes += 1;
        self.last_transition = Some((now, cause));
        if to == State::Active {
            self.stats.active_transitions += 1;
        } else {
            self.seat.stop_announcing();
            self.beacon.stop();
        }
        let (from, to) = (self.speaker.word(from), self.speaker.word(to));
        self.notify(now, NoticeKind::Moved { from, to, cause }, out);
        if self.speaker.name().is_some() {
            out.moved.push(self.seat.id());
        }
        if let Some(transitions) = self.flapping.note(now, (from, to)) {
            self.notify_limited(Topic::Flapping, now, || NoticeKind::Flapping { transitions }, out);
        }
    }

    /// Says what the dataplane should look like, if that is new.
    fn refresh_wish(&mut self, out: &mut Out<'_>) {
        self.wished_after = self.state_changes;
        let link = self.link.as_deref().filter(|link| link.is_ethernet());
        let wish = link.map(|link| self.binding(link));
        self.seat.wish(wish, out.actions);
    }

    /// The same where nothing but the state can have changed. Spares each advert sent or heard the making of a wish.
    fn refresh_moved_wish(&mut self, out: &mut Out<'_>) {
        if self.wished_after != self.state_changes {
            self.refresh_wish(out);
        }
    }

    /// The wish: a function of configuration, link and state, and of nothing else.
    fn binding(&self, link: &LinkState) -> Binding {
        let owned: Arc<[IpAddr]> = self.owned(link).collect();
        let accepts = self.speaker.accepts() || !owned.is_empty();
        Binding {
            group: self.id().clone(),
            interface: link.index,
            mac: self.speaker.virtual_mac(),
            addresses: self.speaker.addresses().clone(),
            owned,
            gate: if self.state() == State::Active { Gate::Open } else { Gate::Closed },
            acceptance: if accepts { Acceptance::Allow } else { Acceptance::Deny },
            responder: Responder::Kernel,
        }
    }

    /// A frame from our own address that is not ours was sent by somebody else: none of our MACs is on it, or the virtual
    /// one while we are not Active.
    fn suspect_duplicate(&mut self, (at, address, mac): (Instant, IpAddr, MacAddr), out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        let ours = mac == underlay.physical || (mac == underlay.mac && self.state() == State::Active);
        if !ours {
            let kind = || NoticeKind::DuplicateAddress { address, mac };
            self.notify_limited(Topic::DuplicateAddress, at, kind, out);
        }
    }

    fn notify(&self, at: Instant, kind: NoticeKind, out: &mut Out<'_>) {
        out.actions.push_back(Action::Notify(Notice { at, group: self.id().clone(), kind }));
    }

    /// The same, unless `topic` spoke a short while ago.
    fn notify_limited(
        &mut self,
        topic: Topic,
        at: Instant,
        kind: impl FnOnce() -> NoticeKind,
        out: &mut Out<'_>,
    ) {
        if self.limiter.allows(topic, at) {
            self.notify(at, kind(), out);
        }
    }
}

/// What a group is to those who count the groups of an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// It does not run.
    #[default]
    Out,
    /// It runs and is not Active.
    Passive,
    /// It is Active.
    Active,
}

/// Whether the virtual addresses are to be announced after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announce {
    Nothing,
    Now,
}
