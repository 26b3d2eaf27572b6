//! Flaws: what a broken engine would do, made from outside by changing what goes in and what comes out. They prove that
//! the checkers see something. The engine knows nothing of them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{Action, Binding, Gate, GroupConfig, GroupState, GroupStatus, Instant, MacAddr};
use fhrp_wire::envelope::{self, Packet};

use fhrp_wire::vrrp::{
    Addresses, Advertisement, AdvertisementFrame, AuthData, Body, Centiseconds, ChecksumForm, Destination,
    Seconds, Vrid,
};

use crate::contest::runs;
use crate::glbp;
use crate::group::{Preemption, Settings};
use crate::hsrp;
use crate::plan::Protocol;
use crate::said::Said;
use crate::vrrp;

macro_rules! flaws {
    ($($(#[$doc:meta])* $flaw:ident = $name:literal),* $(,)?) => {
        /// What is wrong with a broken engine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flaw { $($(#[$doc])* $flaw),* }

        impl Flaw {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$flaw),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$flaw => $name),* }
            }
        }
    };
}

flaws! {
    /// A Backup does not wait its Skew_Time.
    SkewDropped = "skew-dropped",
    /// Of equal priorities the lower address wins.
    TieBreakReversed = "tie-break-reversed",
    /// A resignation is not heard.
    ResignIgnored = "resign-ignored",
    /// A resignation is not sent.
    ResignNotSent = "resign-not-sent",
    /// The preempt delay is taken for zero.
    PreemptDelayIgnored = "preempt-delay-ignored",
    /// Everybody preempts.
    PreemptOffIgnored = "preempt-off-ignored",
    /// Nobody preempts.
    PreemptOnIgnored = "preempt-on-ignored",
    /// The open gate counts as programmed as soon as it is wished.
    AnnouncesEarly = "announces-before-programmed",
    /// The first advertisement after taking over is left out.
    TakesOverSilently = "takes-over-silently",
    /// Every tenth advertisement is left out.
    SkipsAdvertisements = "skips-advertisements",
    /// The interval of the Active router is not learned.
    IntervalNotLearned = "interval-not-learned",
    /// Timers of a Backup are served 20 ms late.
    LateTimer = "late-timer",
    /// No gratuitous ARP and no unsolicited NA.
    AnnouncementMissing = "announcement-missing",
    /// The gate stands open from the start.
    GateOpenAsBackup = "gate-open-as-backup",
    /// The gate is not closed again.
    GateNotClosed = "gate-not-closed",
    /// An answer to an older wish counts for the present one.
    AnyAnswerCounts = "any-answer-counts",
    /// A refusal of the dataplane counts as done.
    FaultIgnored = "fault-ignored",
    /// Wants to be called at once, always.
    BusyLoop = "busy-loop",
    /// Wants to be called every millisecond.
    Restless = "restless",
    /// An Active router yields to a lesser one.
    YieldsToLower = "yields-to-lower",
    /// An Active router does not yield.
    NeverYields = "never-yields",
    /// Every advertisement is sent twelve times.
    Storm = "storm",
    /// A Backup advertises too.
    BackupSpeaks = "backup-speaks",
    /// Loss of carrier is not noticed.
    CarrierIgnored = "carrier-ignored",
    /// After a stall it claims before it listens.
    ClaimsFirst = "claims-before-listening",
    /// The time of reading is taken for the time of arrival.
    StampsLate = "stamps-late",
    /// TTL and hop limit are not looked at.
    TtlIgnored = "ttl-ignored",
    /// Nothing is sent to unicast peers.
    UnicastMissing = "unicast-missing",
    /// The dataplane is cleared as soon as the daemon is stopped.
    LeavesAtOnce = "leaves-at-once",
    /// Coups are not heard.
    CoupIgnored = "coup-ignored",
    /// Hellos of routers that want to be Standby are not heard.
    SpeakersIgnored = "speakers-ignored",
    /// What is tracked is not taken off the priority that is said.
    SaysOtherPriority = "says-other-priority",
    /// Twice the interval, or hold time, is said.
    SaysOtherInterval = "says-other-interval",
    /// The last virtual address is left out.
    LeavesOutAddress = "leaves-out-address",
    /// One more advertisement after giving way.
    LastWord = "last-word",
    /// The gate is not closed at the start: what a crash left open stays open.
    KeepsLeftovers = "keeps-leftovers",
    /// A group that was removed does not come again.
    NeverComesAgain = "never-comes-again",
    /// The carrier's return is noticed 5 s late.
    CarrierLate = "carrier-late",
    /// A daemon that is stopped takes its gates away.
    ClosesAsItStops = "closes-as-it-stops",
    /// A forwarder's owner counts as anyone else.
    OwnerIgnored = "owner-ignored",
    /// Forwarders 1 and 2 are taken for each other.
    NumbersMistaken = "numbers-mistaken",
    /// A router that serves a forwarder does not hear others that do.
    ForwarderNeverYields = "forwarder-never-yields",
    /// The preempt delay of forwarders is taken for zero.
    ForwarderDelayIgnored = "forwarder-delay-ignored",
    /// Forwarders preempt where they must not, and do not where they should.
    ForwarderPreemptIgnored = "forwarder-preempt-ignored",
    /// Forwarders that are given up are not resigned.
    ForwarderResignMissing = "forwarder-resign-missing",
    /// The own forwarder is not listed while it listens.
    OwnNotListed = "own-not-listed",
    /// Hellos come from the virtual MAC of a forwarder that another router serves.
    SpeaksAsAnother = "speaks-as-another",
    /// MACs are handed out though their redirect time is over.
    RedirectEndless = "redirect-endless",
    /// Forwarders without owner are never forgotten.
    TimeoutEndless = "timeout-endless",
    /// The thresholds of the weighting are not looked at.
    ThresholdsIgnored = "thresholds-ignored",
    /// Members that ask for a forwarder are not heard.
    RequestsIgnored = "requests-ignored",
    /// Everybody who asks is given the first forwarder.
    AssignsTaken = "assigns-taken",
    /// Hosts are told a MAC that nobody serves.
    TellsUnserved = "tells-unserved",
    /// Hosts are told the MAC of the AVG's interface.
    TellsOwnMac = "tells-own-mac",
    /// All hosts are told one forwarder for a while, and then another one.
    Unfair = "unfair",
    /// The Standby router answers hosts too.
    StandbyAnswers = "standby-answers",
    /// Two runs differ.
    Unsteady = "unsteady",
}

impl Flaw {
    /// Whether an engine that speaks `protocol` can have it.
    #[must_use]
    pub fn concerns(self, protocol: Protocol) -> bool {
        let shared = matches!(protocol, Protocol::Glbp);
        match (self, protocol) {
            (
                Self::OwnerIgnored
                | Self::NumbersMistaken
                | Self::ForwarderNeverYields
                | Self::ForwarderDelayIgnored
                | Self::ForwarderPreemptIgnored
                | Self::ForwarderResignMissing
                | Self::OwnNotListed
                | Self::SpeaksAsAnother
                | Self::RedirectEndless
                | Self::TimeoutEndless
                | Self::ThresholdsIgnored
                | Self::RequestsIgnored
                | Self::AssignsTaken
                | Self::TellsUnserved
                | Self::TellsOwnMac
                | Self::Unfair
                | Self::StandbyAnswers,
                _,
            ) => shared,
            (
                Self::CoupIgnored
                | Self::SaysOtherPriority
                | Self::SaysOtherInterval
                | Self::KeepsLeftovers
                | Self::LastWord,
                Protocol::Glbp,
            ) => false,
            (Self::LeavesOutAddress, Protocol::Hsrp | Protocol::Glbp) => false,
            (
                Self::SkewDropped | Self::TtlIgnored | Self::UnicastMissing,
                Protocol::Hsrp | Protocol::Glbp,
            ) => false,
            // A Standby router takes over at once: nobody notices that it was not waited for.
            (Self::LeavesAtOnce, Protocol::Hsrp) => false,
            (Self::CoupIgnored | Self::SpeakersIgnored, Protocol::Vrrp) => false,
            (_, Protocol::Vrrp | Protocol::Hsrp | Protocol::Glbp) => true,
        }
    }
}

/// The part of a flaw that changes what passes.
#[derive(Debug)]
pub(crate) struct Rewriter {
    flaw: Option<Flaw>,
    advertisements: u64,
    /// Groups by number and family.
    was_active: Vec<(u16, bool)>,
    opened: bool,
}

impl Rewriter {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self { flaw, advertisements: 0, was_active: Vec::new(), opened: false }
    }

    /// Not the same in two runs.
    pub(crate) fn whim(&self) -> Duration {
        Duration::from_micros(RandomState::new().hash_one(self.advertisements) % 1_000)
    }

    /// Whether a frame says something about `group`.
    pub(crate) fn concerns(&self, group: &GroupStatus, octets: &[u8]) -> bool {
        self.flaw.is_some()
            && Said::in_frame(octets).is_some_and(|said| {
                let ipv6 = group.id.family == fhrp::Family::V6;
                group.id.number == said.number() && ipv6 == said.source().is_ipv6()
            })
    }

    /// What the engine is told of its group.
    pub(crate) fn config(&self, config: &GroupConfig) -> GroupConfig {
        let Some(mut settings) = Settings::of(config) else { return config.clone() };
        if let (Settings::Glbp(told), Some(flaw)) = (&settings, self.flaw)
            && let Some(told) = glbp::told(flaw, told)
        {
            return Settings::Glbp(told).config().unwrap_or_else(|| config.clone());
        }
        settings.set_preemption(match self.flaw {
            Some(Flaw::PreemptDelayIgnored) if settings.preempts() => Preemption::AtOnce,
            Some(Flaw::PreemptOffIgnored) => Preemption::Delayed,
            Some(Flaw::PreemptOnIgnored) => Preemption::Off,
            _ => return config.clone(),
        });
        settings.config().unwrap_or_else(|| config.clone())
    }

    /// What the engine hears of a frame that is about `group`.
    pub(crate) fn frame_in(&self, group: Option<&GroupStatus>, octets: &Bytes) -> Option<Bytes> {
        let unchanged = Some(octets.clone());
        let (Some(group), Some(said)) = (group, Said::in_frame(octets)) else { return unchanged };
        let active = group.state == GroupState::Active;
        match (self.flaw, &said) {
            (Some(Flaw::ResignIgnored), Said::Vrrp(_) | Said::Hsrp(_)) if said.resigns() => None,
            (Some(Flaw::NeverYields), _) if active && (said.claims() || said.coups()) => None,
            (Some(Flaw::CoupIgnored), _) if said.coups() => None,
            (Some(Flaw::SpeakersIgnored), Said::Hsrp(said)) if said.stands_for_standby() => None,
            (_, Said::Vrrp(said)) => self.vrrp_in(group, said, octets).or(unchanged),
            (_, Said::Hsrp(said)) => self.hsrp_in(group, said, octets).or(unchanged),
            (Some(flaw), Said::Glbp(said)) if glbp::is_deaf(flaw, said) => None,
            (Some(flaw), Said::Glbp(said)) => {
                glbp::heard(flaw, group, said).or(unchanged).filter(|heard| !heard.is_empty())
            }
            (None, Said::Glbp(_)) => unchanged,
        }
    }

    fn vrrp_in(&self, group: &GroupStatus, said: &vrrp::Said, octets: &[u8]) -> Option<Bytes> {
        let mut said = said.clone();
        let own = group.primary_address.unwrap_or(said.source);
        match self.flaw {
            Some(Flaw::YieldsToLower) if group.state == GroupState::Active && said.priority > 0 => {
                said.priority = 255;
            }
            Some(Flaw::IntervalNotLearned) => said.interval = group.vrrp()?.advertisement_interval,
            Some(Flaw::TieBreakReversed) if said.priority == group.effective_priority => {
                said.source = beside(own, said.source > own);
            }
            Some(Flaw::TtlIgnored) => said.ttl = 255,
            _ => return None,
        }
        render(&said, octets)
    }

    fn hsrp_in(&self, group: &GroupStatus, said: &hsrp::Said, octets: &[u8]) -> Option<Bytes> {
        let mut said = said.clone();
        let status = group.hsrp()?;
        let own = group.primary_address.unwrap_or(said.source);
        match self.flaw {
            Some(Flaw::YieldsToLower) if group.state == GroupState::Active && said.claims() => {
                said.priority = 255;
            }
            Some(Flaw::IntervalNotLearned) => said.timers = status.configured_timers.or(said.timers),
            Some(Flaw::TieBreakReversed) if said.priority == group.effective_priority => {
                said.source = beside(own, said.source > own);
            }
            _ => return None,
        }
        hsrp::render(&said, octets, &status.authentication)
    }

    /// What becomes of an action; `groups` are as they are after the call that gave it.
    pub(crate) fn action_out(&mut self, now: Instant, action: Action, groups: &[GroupStatus]) -> Vec<Action> {
        match action {
            Action::Transmit { interface, frame } => {
                let other = self.flaw.and_then(|flaw| glbp::sent(flaw, now, &frame, groups));
                let other = other.or_else(|| self.misstated(&frame, groups));
                let frame = other.unwrap_or(frame);
                if frame.is_empty() {
                    return Vec::new();
                }
                let copies = self.copies(&frame, groups);
                vec![Action::Transmit { interface, frame }; copies]
            }
            Action::Unicast { .. } if self.flaw == Some(Flaw::UnicastMissing) => Vec::new(),
            Action::Program { seat, revision, binding } => {
                let binding = binding.map(|binding| self.gate(binding));
                let kept = self.flaw == Some(Flaw::KeepsLeftovers) && !self.opened && binding.is_some();
                if kept { Vec::new() } else { vec![Action::Program { seat, revision, binding }] }
            }
            other => vec![other],
        }
    }

    /// A regular advertisement that says something else than what is so.
    fn misstated(&self, frame: &[u8], groups: &[GroupStatus]) -> Option<Bytes> {
        let said = Said::in_frame(frame).filter(Said::regular)?;
        let group = groups.iter().find(|group| self.concerns(group, frame))?;
        match (self.flaw?, said) {
            (Flaw::SaysOtherPriority, Said::Vrrp(said)) if said.priority != 255 => {
                render(&vrrp::Said { priority: group.priority, ..said }, frame)
            }
            (Flaw::SaysOtherInterval, Said::Vrrp(said)) => {
                render(&vrrp::Said { interval: said.interval * 2, ..said }, frame)
            }
            (Flaw::LeavesOutAddress, Said::Vrrp(mut said)) if said.addresses.len() > 1 => {
                said.addresses.pop();
                render(&said, frame)
            }
            (Flaw::SaysOtherPriority, Said::Hsrp(mut said)) => {
                said.priority = group.priority;
                hsrp::render(&said, frame, &group.hsrp()?.authentication)
            }
            (Flaw::SaysOtherInterval, Said::Hsrp(mut said)) => {
                said.timers = said.timers.map(|(hello, hold)| (hello, hold * 2));
                hsrp::render(&said, frame, &group.hsrp()?.authentication)
            }
            _ => None,
        }
    }

    fn gate(&mut self, mut binding: Binding) -> Binding {
        self.opened |= binding.gate == Gate::Open;
        match self.flaw {
            Some(Flaw::GateOpenAsBackup) => binding.gate = Gate::Open,
            Some(Flaw::GateNotClosed) if self.opened => binding.gate = Gate::Open,
            _ => {}
        }
        binding
    }

    /// How often a frame is sent instead of once.
    fn copies(&mut self, frame: &[u8], groups: &[GroupStatus]) -> usize {
        let Some(said) = Said::in_frame(frame) else {
            let announces = announced(frame).is_some();
            return usize::from(!(announces && self.flaw == Some(Flaw::AnnouncementMissing)));
        };
        let key = (said.number(), said.source().is_ipv6());
        self.advertisements += u64::from(said.regular());
        let fresh = said.claims() && !self.was_active.contains(&key);
        if said.resigns() {
            self.was_active.retain(|known| *known != key);
        } else if fresh {
            self.was_active.push(key);
        }
        for group in groups.iter().filter(|group| runs(group.state) && group.state != GroupState::Active) {
            let ipv6 = group.id.family == fhrp::Family::V6;
            self.was_active.retain(|known| *known != (group.id.number, ipv6));
        }
        match self.flaw {
            Some(Flaw::ResignNotSent) if said.resigns() => 0,
            Some(Flaw::TakesOverSilently) if fresh => 0,
            Some(Flaw::SkipsAdvertisements) if said.regular() && self.advertisements.is_multiple_of(10) => 0,
            Some(Flaw::Storm) => 12,
            _ => 1,
        }
    }
}

/// An address next to `own`, below it or above it.
pub(crate) fn beside(own: IpAddr, below: bool) -> IpAddr {
    match own {
        IpAddr::V4(ip) => {
            let bits = ip.to_bits();
            IpAddr::V4(if below { bits - 1 } else { bits + 1 }.into())
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            IpAddr::V6(if below { bits - 1 } else { bits + 1 }.into())
        }
    }
}

/// A frame that says `said`; multicast only.
fn render(said: &vrrp::Said, octets: &[u8]) -> Option<Bytes> {
    let source_mac = envelope::parse(octets).ok()?.source;
    let addresses = Addresses::new(&said.addresses).ok()?;
    let body = if said.version == 2 {
        let auth = said.password.map_or(AuthData::None, AuthData::Text);
        Body::V2 { interval: Seconds::from_duration(said.interval).ok()?, auth }
    } else {
        Body::V3 { interval: Centiseconds::from_duration(said.interval).ok()? }
    };
    let frame = AdvertisementFrame {
        advertisement: Advertisement::new(Vrid::new(said.vrid)?, said.priority, addresses, body).ok()?,
        source_mac,
        source: said.source,
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    let mut out = BytesMut::new();
    fhrp_wire::vrrp::advertisement_frame(&mut out, &frame).ok()?;
    Some(out.freeze())
}

/// Where a frame goes and comes from, and what it announces, if it announces an address.
pub(crate) fn announced(frame: &[u8]) -> Option<(IpAddr, MacAddr)> {
    match envelope::parse(frame).ok()?.packet {
        Packet::Arp(arp) => Some((IpAddr::V4(arp.sender_address), arp.sender_mac)),
        Packet::Ipv6(ip) => match envelope::nd::parse(&ip).ok()?? {
            envelope::nd::Nd::NeighborAdvertisement { target, target_mac, .. } => {
                Some((IpAddr::V6(target), target_mac?))
            }
            envelope::nd::Nd::RouterSolicitation { .. }
            | envelope::nd::Nd::RouterAdvertisement { .. }
            | envelope::nd::Nd::NeighborSolicitation { .. } => None,
        },
        Packet::Ipv4(_) | Packet::Other(_) => None,
    }
}
