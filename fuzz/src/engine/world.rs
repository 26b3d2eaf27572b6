//! Two routers on one LAN, and the time.

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::Bytes;
use fhrp::{
    Action, GroupConfig, GroupId, GroupStatus, IfIndex, Instant, InterfaceName, LinkEvent, LinkState,
    MacAddr, TrackName,
};

use super::settings::{self, INTERFACES, flag, octet};
use super::watch::Router;

pub(super) const ROUTERS: usize = 2;
/// What one input may cost.
const WAKES_MAX: u32 = 500;
/// A frame that leads to frames that lead to frames, all in no time: nobody needs so many.
const FRAMES_AT_ONCE_MAX: u32 = 1000;
/// Frames that can be sent again.
const HEARD_MAX: usize = 16;
const ROUNDS_AFTER_THE_END_MAX: u32 = 64;
const GROUPS_MAX: usize = 12;
/// The highest index that one of the routers' own interfaces has.
const INTERFACE_MAX: u32 = 4;
const STRANGER: IfIndex = IfIndex(100);

/// What happens without being said: else every answer and every frame is a step of its own.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    /// The dataplane carries out every wish at once.
    pub(super) answers: bool,
    /// The LAN delivers every frame at once.
    pub(super) delivers: bool,
}

/// How interfaces come and go that nobody asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// Each goes before the next one comes.
    OneByOne,
    /// There is one only, which has many names, one after the other.
    Renamed,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) routers: Vec<Router>,
    pub(super) habits: Habits,
    /// The last frames that were sent: by whom, where.
    pub(super) heard: VecDeque<(usize, IfIndex, Bytes)>,
    /// How many interfaces have passed by.
    strangers: u32,
    wakes: u32,
    log: Vec<(usize, Action)>,
}

impl World {
    /// Both routers, with what the input says they begin with.
    pub(super) fn new(input: &mut Unstructured<'_>) -> Self {
        let habits = Habits { answers: !flag(input), delivers: !flag(input) };
        let now = Instant::from_millis(1000);
        let routers = (0..ROUTERS).map(|_| Router::default()).collect();
        let (heard, log) = (VecDeque::new(), Vec::new());
        let mut world = Self { now, routers, habits, heard, strangers: 0, wakes: 0, log };
        for router in 0..ROUTERS {
            world.call(router, |engine| engine.set_wall_clock(now, Duration::from_secs(999_990)));
            for (at, _) in INTERFACES.iter().enumerate() {
                let link = link(router, at);
                world.call(router, |engine| engine.handle_link(now, LinkEvent::Present(link)));
            }
        }
        for _ in 0..1 + octet(input) % 4 {
            // Both have it, or one.
            let to = octet(input) % 8;
            if let Some(group) = settings::group(input) {
                (0..ROUTERS).filter(|router| to != u8::try_from(*router).unwrap_or(0)).for_each(|router| {
                    world.add(router, group.clone());
                });
            }
        }
        world
    }

    /// Whether more can happen within what one input may cost.
    pub(super) fn goes_on(&self) -> bool {
        self.wakes < WAKES_MAX
    }

    pub(super) fn log(&self) -> &[(usize, Action)] {
        &self.log
    }

    pub(super) fn status(&self) -> Vec<GroupStatus> {
        self.routers.iter().flat_map(|router| router.engine.status()).collect()
    }

    pub(super) fn add(&mut self, router: usize, group: GroupConfig) {
        let now = self.now;
        if self.routers[router].engine.status().count() < GROUPS_MAX {
            self.call(router, |engine| {
                let _ = engine.add(now, group);
            });
        }
    }

    /// Calls one engine, looks at what it does, and lets the others have it.
    pub(super) fn call(&mut self, router: usize, act: impl FnOnce(&mut fhrp::Engine)) {
        act(&mut self.routers[router].engine);
        self.settle(router);
    }

    /// The time of `router` has come; the same call once more has nothing left to do.
    pub(super) fn wake(&mut self, router: usize) {
        let now = self.now;
        self.wakes += 1;
        self.routers[router].count_wake(now);
        self.routers[router].engine.handle_timeout(now);
        let actions = self.routers[router].drain();
        let next = self.routers[router].engine.next_deadline();
        assert!(next.is_none_or(|next| next > now), "busy loop: called at {now:?}, wants {next:?}");
        self.routers[router].engine.handle_timeout(now);
        let again = self.routers[router].drain();
        assert!(again.is_empty(), "called again at {now:?}, and does {again:?}");
        assert_eq!(self.routers[router].engine.next_deadline(), next);
        self.spread(router, actions);
    }

    /// Lets time pass: everybody is called when it is time.
    pub(super) fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        while let Some((due, router)) = self.next_due().filter(|(due, _)| *due <= until) {
            self.now = self.now.max(due);
            self.wake(router);
            if !self.goes_on() {
                return;
            }
        }
        self.now = until;
    }

    pub(super) fn next_due(&self) -> Option<(Instant, usize)> {
        let due = |(at, router): (usize, &Router)| Some((router.engine.next_deadline()?, at));
        self.routers.iter().enumerate().filter_map(due).min()
    }

    /// `count` interfaces come and go, each with a name that there never was.
    pub(super) fn pass_by(&mut self, router: usize, count: u8, passage: Passage) {
        let (now, gone) = (self.now, LinkEvent::Gone(STRANGER));
        for _ in 0..count {
            self.strangers += 1;
            let name = InterfaceName::new(&format!("veth{}", self.strangers));
            let stranger = LinkState { name, index: STRANGER, ..link(router, 0) };
            self.call(router, |engine| engine.handle_link(now, LinkEvent::Present(stranger)));
            if passage == Passage::OneByOne {
                self.call(router, |engine| engine.handle_link(now, gone.clone()));
            }
        }
        self.call(router, |engine| engine.handle_link(now, gone));
    }

    /// Takes everything away and looks whether anything is left.
    pub(super) fn close(&mut self) {
        self.habits = Habits { answers: true, delivers: false };
        for router in 0..ROUTERS {
            self.routers[router].check_size();
            let ids: Vec<GroupId> = self.routers[router].engine.status().map(|status| status.id).collect();
            let now = self.now;
            for id in ids {
                self.call(router, |engine| engine.remove(now, &id).expect("it is there"));
            }
            self.routers[router].check_cleared();
            for _ in 0..ROUNDS_AFTER_THE_END_MAX {
                if let Some(next) = self.routers[router].engine.next_deadline() {
                    self.now = self.now.max(next);
                    self.wake(router);
                }
            }
            let next = self.routers[router].engine.next_deadline();
            assert!(next.is_none(), "without groups there is nothing to wait for, but {next:?}");
            self.routers[router].check_removed();
            self.clear(router);
            self.routers[router].check_empty();
        }
    }

    /// No object is tracked any more, and there are no interfaces.
    fn clear(&mut self, router: usize) {
        let now = self.now;
        for name in settings::TRACKS.map(TrackName::new) {
            self.call(router, |engine| engine.forget_track(now, &name));
        }
        for index in 2..=INTERFACE_MAX {
            self.call(router, |engine| engine.handle_link(now, LinkEvent::Gone(IfIndex(index))));
        }
    }

    fn settle(&mut self, router: usize) {
        let actions = self.routers[router].drain();
        self.spread(router, actions);
    }

    /// Carries out what a router did, and what comes of that.
    fn spread(&mut self, router: usize, actions: Vec<Action>) {
        let mut waiting: VecDeque<(usize, Action)> =
            actions.into_iter().map(|action| (router, action)).collect();
        let (now, mut frames) = (self.now, 0);
        while let Some((router, action)) = waiting.pop_front() {
            self.log.push((router, action.clone()));
            match action {
                Action::Program { seat, revision, .. } if self.habits.answers => {
                    self.routers[router].wishes.retain(|wish| *wish != (seat, revision));
                    self.routers[router].engine.handle_programmed(now, seat, revision, Ok(()));
                    let more = self.routers[router].drain();
                    waiting.extend(more.into_iter().map(|action| (router, action)));
                }
                Action::Transmit { interface, frame } => {
                    self.remember((router, interface, frame.clone()));
                    if !self.habits.delivers {
                        continue;
                    }
                    frames += 1;
                    assert!(frames < FRAMES_AT_ONCE_MAX, "the routers answer each other for ever");
                    let other = ROUTERS - 1 - router;
                    self.routers[other].engine.handle_frame(now, interface, &frame);
                    let more = self.routers[other].drain();
                    waiting.extend(more.into_iter().map(|action| (other, action)));
                }
                Action::Program { .. }
                | Action::Attach { .. }
                | Action::Detach(_)
                | Action::Unicast { .. }
                | Action::Notify(_) => {}
            }
        }
    }

    fn remember(&mut self, sent: (usize, IfIndex, Bytes)) {
        if self.heard.len() == HEARD_MAX {
            self.heard.pop_front();
        }
        self.heard.push_back(sent);
    }
}

/// An interface of a router as it is when all is well.
pub(super) fn link(router: usize, at: usize) -> LinkState {
    let (router, number) = (u8::try_from(router).unwrap_or(0) + 1, u8::try_from(at).unwrap_or(0));
    let low = u16::from(router);
    LinkState {
        name: InterfaceName::new(INTERFACES[at]),
        index: IfIndex(u32::from(number) + 2),
        mac: MacAddr([2, 0, 0, 0, router, number + 1]),
        up: true,
        mtu: 1500,
        ipv4: vec![[10, number, 0, router].into()],
        ipv6: vec![[0xfe80, 0, 0, 0, 0, 0, u16::from(number), low].into()],
    }
}
