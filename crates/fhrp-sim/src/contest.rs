//! What one router has to do in one group, whatever the protocol: one match each, and nothing else here.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GroupState, Instant, MacAddr, Track, TrackEffect};

use crate::check::Checker;
use crate::group::Settings;
use crate::pace::Pace;
use crate::said::Said;
use crate::{glbp, hsrp, vrrp};

/// What a router stands on: its addresses on the LAN, if it is fit to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fitness {
    pub(crate) mac: MacAddr,
    pub(crate) source: IpAddr,
    pub(crate) own: Vec<IpAddr>,
}

/// An expectation that does not hold.
pub(crate) type Fault = (Checker, String);

/// Expectations of one router in one group.
#[derive(Clone, Debug)]
pub(crate) enum Contest {
    Vrrp(Box<vrrp::Contest>),
    Hsrp(Box<hsrp::Contest>),
    Glbp(Box<glbp::Contest>),
}

/// Whether a group takes part.
pub(crate) fn runs(state: GroupState) -> bool {
    match state {
        GroupState::Initialize | GroupState::Initial | GroupState::Disabled | GroupState::Learn => false,
        GroupState::Listen
        | GroupState::Speak
        | GroupState::Standby
        | GroupState::Backup
        | GroupState::Active => true,
    }
}

/// What the failure of what is tracked takes off a priority; `None` if it stops the group.
pub(crate) fn burden(tracks: &[Track], down: bool) -> Option<u8> {
    let mut sum = 0_u8;
    for track in tracks.iter().filter(|_| down) {
        match track.effect {
            TrackEffect::Decrement(by) => sum = sum.saturating_add(by),
            TrackEffect::Shutdown => return None,
        }
    }
    Some(sum)
}

impl Contest {
    pub(crate) fn new(settings: Settings) -> Self {
        match settings {
            Settings::Vrrp(settings) => Self::Vrrp(Box::new(vrrp::Contest::new(settings))),
            Settings::Hsrp(settings) => Self::Hsrp(Box::new(hsrp::Contest::new(settings))),
            Settings::Glbp(settings) => Self::Glbp(Box::new(glbp::Contest::new(settings))),
        }
    }

    /// Takes other settings; whether the group starts anew by them.
    pub(crate) fn reconfigure(&mut self, settings: Settings) -> bool {
        let anew = self.settings().starts_anew(&settings);
        match (self, settings) {
            (Self::Vrrp(contest), Settings::Vrrp(settings)) => contest.settings = settings,
            (Self::Hsrp(contest), Settings::Hsrp(settings)) => contest.reconfigure(settings),
            (Self::Glbp(contest), Settings::Glbp(settings)) => contest.reconfigure(settings),
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => {}
        }
        anew
    }

    pub(crate) fn settings(&self) -> Settings {
        match self {
            Self::Vrrp(contest) => Settings::Vrrp(contest.settings.clone()),
            Self::Hsrp(contest) => Settings::Hsrp(contest.settings.clone()),
            Self::Glbp(contest) => Settings::Glbp(contest.settings.clone()),
        }
    }

    pub(crate) fn state(&self) -> GroupState {
        match self {
            Self::Vrrp(contest) => contest.state,
            Self::Hsrp(contest) => contest.candidate.state,
            Self::Glbp(contest) => contest.candidate.state,
        }
    }

    /// The group starts anew.
    pub(crate) fn restart(&mut self) {
        match self {
            Self::Vrrp(contest) => contest.restart(),
            Self::Hsrp(contest) => contest.restart(),
            // No setting makes it start anew.
            Self::Glbp(_) => {}
        }
    }

    /// What is tracked is down, or is not.
    pub(crate) fn track(&mut self, down: bool) {
        match self {
            Self::Vrrp(contest) => contest.tracked_down = down,
            Self::Hsrp(contest) => contest.tracked_down = down,
            Self::Glbp(contest) => contest.tracked_down = down,
        }
    }

    /// Whether a tracked object stops the group.
    pub(crate) fn shut(&self) -> bool {
        match self {
            Self::Vrrp(contest) => burden(&contest.settings.track, contest.tracked_down).is_none(),
            Self::Hsrp(contest) => burden(&contest.settings.track, contest.tracked_down).is_none(),
            Self::Glbp(_) => false,
        }
    }

    /// Whether another group decides for this one.
    pub(crate) fn follows(&self) -> bool {
        match self {
            Self::Vrrp(_) | Self::Glbp(_) => false,
            Self::Hsrp(contest) => contest.settings.follow.is_some(),
        }
    }

    /// Its rank: priority, then address.
    pub(crate) fn rank(&self, fit: &Fitness) -> (u8, IpAddr) {
        match self {
            Self::Vrrp(contest) => (contest.priority(Some(fit)), fit.source),
            Self::Hsrp(contest) => (contest.priority(), fit.source),
            Self::Glbp(contest) => (contest.settings.priority, fit.source),
        }
    }

    /// Whether it has a right to take over from an Active router of rank `holder`.
    pub(crate) fn may_replace(&self, holder: (u8, IpAddr), fit: &Fitness) -> bool {
        match self {
            Self::Vrrp(contest) => {
                let may = contest.settings.preempt || contest.owner(Some(fit));
                may && contest.priority(Some(fit)) > holder.0
            }
            Self::Hsrp(contest) => {
                contest.settings.follow.is_none() && contest.settings.preempt && self.rank(fit) > holder
            }
            Self::Glbp(contest) => contest.settings.preempt && self.rank(fit) > holder,
        }
    }

    /// Whether what `speaker` says counts here, however it is configured and wherever it stands.
    pub(crate) fn would_hear(&self, speaker: &Self, fit: Option<&Fitness>) -> bool {
        match (self, speaker) {
            (Self::Vrrp(contest), Self::Vrrp(speaker)) => contest.would_hear(speaker, fit),
            (Self::Hsrp(contest), Self::Hsrp(_)) => contest.settings.follow.is_none(),
            (Self::Glbp(_), Self::Glbp(_)) => true,
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => false,
        }
    }

    /// How long other Active routers may not hear of this one at most, when all that it says arrives.
    pub(crate) fn interval(&self) -> Duration {
        match self {
            Self::Vrrp(contest) => contest.settings.advertisement_interval,
            Self::Hsrp(contest) => contest.hello(),
            Self::Glbp(contest) => contest.hello(),
        }
    }

    /// How long what a version 2 router says may not count after it spoke version 3 (RFC 9568 §8.4).
    pub(crate) fn coexistence(&self) -> Duration {
        match self {
            Self::Vrrp(contest) if contest.settings.coexist_with_v2 => {
                contest.settings.advertisement_interval * 4 + Duration::from_secs(1)
            }
            Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_) => Duration::ZERO,
        }
    }

    /// Frames that one advertisement takes.
    pub(crate) fn frames_each(&self) -> u32 {
        match self {
            Self::Vrrp(contest) => {
                let versions = if contest.settings.coexist_with_v2 { 2 } else { 1 };
                versions * u32::try_from(contest.settings.unicast_peers.len().max(1)).unwrap_or(1)
            }
            Self::Hsrp(_) | Self::Glbp(_) => 1,
        }
    }

    /// How many contests there are in it.
    pub(crate) fn contests(&self) -> u64 {
        match self {
            Self::Vrrp(_) | Self::Hsrp(_) => 1,
            Self::Glbp(contest) => 1 + u64::try_from(contest.forwarders.len()).unwrap_or(0),
        }
    }

    /// As a Backup: the frame that it follows, and its Skew_Time.
    pub(crate) fn following(&self, fit: Option<&Fitness>) -> Option<(u64, Duration)> {
        match self {
            Self::Vrrp(contest) => {
                let followed = contest.followed.filter(|_| contest.state == GroupState::Backup)?;
                Some((followed, contest.skew(fit)))
            }
            Self::Hsrp(_) | Self::Glbp(_) => None,
        }
    }

    /// How long it takes after the resignation of an Active router that it follows.
    pub(crate) fn succeeds_in(&self, fit: Option<&Fitness>) -> Option<Duration> {
        match self {
            Self::Vrrp(contest) => (contest.state == GroupState::Backup).then(|| contest.skew(fit)),
            Self::Hsrp(contest) => (contest.candidate.state == GroupState::Standby).then_some(Duration::ZERO),
            Self::Glbp(contest) => (contest.candidate.state == GroupState::Standby).then_some(Duration::ZERO),
        }
    }

    /// When it said last that it is there.
    pub(crate) fn last_said(&self) -> Option<Instant> {
        match self {
            Self::Vrrp(contest) => contest.pace.last,
            Self::Hsrp(contest) => contest.pace.last,
            Self::Glbp(contest) => contest.pace.last,
        }
    }

    /// Whether a router that stops while it is Active waits for its successor, if it waits for `linger` at most.
    pub(crate) fn is_waited_for(&self, linger: Duration) -> bool {
        match self {
            Self::Vrrp(contest) => contest.settings.advertisement_interval * 4 / 5 <= linger,
            Self::Hsrp(_) | Self::Glbp(_) => true,
        }
    }

    /// Whether what it sent is so. GLBP looks at its Hellos itself.
    pub(crate) fn says(&self, said: &Said, fit: Option<&Fitness>) -> Result<(), Fault> {
        match (self, said) {
            (Self::Vrrp(contest), Said::Vrrp(said)) => contest.says(said, fit),
            (Self::Hsrp(contest), Said::Hsrp(said)) => contest.says(said),
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => Ok(()),
        }
    }

    /// Something was received at `at`, in frame `frame`; the state is `after` since then.
    pub(crate) fn hear(
        &mut self,
        (at, frame): (Instant, u64),
        said: &Said,
        fit: Option<&Fitness>,
        after: GroupState,
    ) -> Result<(), Fault> {
        match (self, said) {
            (Self::Vrrp(contest), Said::Vrrp(said)) => contest.hear((at, frame), said, fit, after),
            (Self::Hsrp(contest), Said::Hsrp(said)) => contest.hear(at, said, fit, after),
            (Self::Glbp(contest), Said::Glbp(said)) => contest.hear(at, said, fit, after),
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => Ok(()),
        }
    }

    /// Time was served at `now`; the state is `after` since then.
    pub(crate) fn tick(&mut self, now: Instant, after: GroupState) -> Result<(), Fault> {
        match self {
            Self::Vrrp(contest) => contest.tick(now, after),
            Self::Hsrp(contest) => contest.tick(now, after),
            Self::Glbp(contest) => contest.tick(now, after),
        }
    }

    /// The engine shows the state `to`; whatever explained it has been looked at.
    pub(crate) fn enter(&mut self, now: Instant, to: GroupState, fit: Option<&Fitness>) -> Result<(), Fault> {
        match self {
            Self::Vrrp(contest) => contest.enter(now, to, fit),
            Self::Hsrp(contest) => contest.enter(now, to),
            Self::Glbp(contest) => contest.enter(now, to, fit),
        }
    }

    fn pace(&mut self) -> &mut Pace {
        match self {
            Self::Vrrp(contest) => &mut contest.pace,
            Self::Hsrp(contest) => &mut contest.pace,
            Self::Glbp(contest) => &mut contest.pace,
        }
    }

    /// An advertisement was sent at `now`.
    pub(crate) fn advertised(&mut self, now: Instant) {
        self.pace().last = Some(now);
    }

    /// An advertisement other than that of a new state was sent at `now`.
    pub(crate) fn counts(&mut self, now: Instant) -> Result<(), Fault> {
        let interval = self.interval();
        self.pace().counts(now, interval)
    }

    /// The engine asks to be called at `next`.
    pub(crate) fn plans(&self, next: Option<Instant>) -> Result<(), Fault> {
        match self {
            Self::Vrrp(contest) => contest.plans(next),
            Self::Hsrp(contest) => contest.plans(next),
            Self::Glbp(contest) => contest.plans(next),
        }
    }
}
