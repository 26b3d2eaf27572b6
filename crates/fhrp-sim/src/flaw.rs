//! Flaws: what a broken engine would do, made from outside by changing what goes in and what comes out. They prove that
//! the checkers see something. The engine knows nothing of them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{Action, Binding, Family, Gate, GroupState, GroupStatus, MacAddr, VrrpConfig};
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::vrrp::{
    Addresses, Advertisement, AdvertisementFrame, AuthData, Body, Centiseconds, ChecksumForm, Destination,
    Seconds, Vrid,
};

use crate::vrrp::{Said, advertisement_in};

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
    /// Two runs differ.
    Unsteady = "unsteady",
}

/// The part of a flaw that changes what passes.
#[derive(Debug)]
pub(crate) struct Rewriter {
    flaw: Option<Flaw>,
    advertisements: u64,
    was_active: Vec<Vec<IpAddr>>,
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

    /// Whether a frame is an advertisement about `group`.
    pub(crate) fn concerns(&self, group: &GroupStatus, octets: &[u8]) -> bool {
        self.flaw.is_some()
            && advertisement_in(octets).is_some_and(|said| {
                group.id.number == u16::from(said.vrid) && group.id.family == Family::of(&said.source)
            })
    }

    /// What the engine is told of its group.
    pub(crate) fn config(&self, config: &VrrpConfig) -> VrrpConfig {
        let mut settings = config.settings().clone();
        match self.flaw {
            Some(Flaw::PreemptDelayIgnored) => settings.preempt_delay = Duration::ZERO,
            Some(Flaw::PreemptOffIgnored) => settings.preempt = true,
            Some(Flaw::PreemptOnIgnored) => {
                settings.preempt = false;
                settings.preempt_delay = Duration::ZERO;
            }
            _ => {}
        }
        VrrpConfig::new(settings).unwrap_or_else(|_| config.clone())
    }

    /// What the engine hears of a frame that is about `group`.
    pub(crate) fn frame_in(&self, group: Option<&GroupStatus>, octets: &Bytes) -> Option<Bytes> {
        let unchanged = Some(octets.clone());
        let (Some(group), Some(mut said)) = (group, advertisement_in(octets)) else { return unchanged };
        let active = group.state == GroupState::Active;
        let own = group.primary_address.unwrap_or(said.source);
        match self.flaw {
            Some(Flaw::ResignIgnored) if said.priority == 0 => return None,
            Some(Flaw::NeverYields) if active && said.priority > 0 => return None,
            Some(Flaw::YieldsToLower) if active && said.priority > 0 => said.priority = 255,
            Some(Flaw::IntervalNotLearned) => {
                said.interval = group.vrrp().map_or(said.interval, |vrrp| vrrp.advertisement_interval);
            }
            Some(Flaw::TieBreakReversed) if said.priority == group.effective_priority => {
                said.source = beside(own, said.source > own);
            }
            Some(Flaw::TtlIgnored) => said.ttl = 255,
            _ => return unchanged,
        }
        render(&said, octets).or(unchanged)
    }

    /// What becomes of an action; `groups` are as they are after the call that gave it.
    pub(crate) fn action_out(&mut self, action: Action, groups: &[GroupStatus]) -> Vec<Action> {
        match action {
            Action::Transmit { interface, frame } => {
                let copies = self.copies(&frame, groups);
                vec![Action::Transmit { interface, frame }; copies]
            }
            Action::Unicast { .. } if self.flaw == Some(Flaw::UnicastMissing) => Vec::new(),
            Action::Program { seat, revision, binding } => {
                let binding = binding.map(|binding| self.gate(binding));
                vec![Action::Program { seat, revision, binding }]
            }
            other => vec![other],
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
        let Some(said) = advertisement_in(frame) else {
            return usize::from(self.flaw != Some(Flaw::AnnouncementMissing));
        };
        self.advertisements += 1;
        let fresh = !self.was_active.contains(&said.addresses);
        if said.priority == 0 {
            self.was_active.retain(|addresses| *addresses != said.addresses);
        } else if fresh {
            self.was_active.push(said.addresses.clone());
        }
        for group in groups.iter().filter(|group| group.state == GroupState::Backup) {
            self.was_active.retain(|addresses| **addresses != *group.addresses);
        }
        match self.flaw {
            Some(Flaw::ResignNotSent) if said.priority == 0 => 0,
            Some(Flaw::TakesOverSilently) if fresh && said.priority > 0 => 0,
            Some(Flaw::SkipsAdvertisements) if self.advertisements.is_multiple_of(10) => 0,
            Some(Flaw::Storm) => 12,
            _ => 1,
        }
    }
}

/// An address next to `own`, below it or above it.
fn beside(own: IpAddr, below: bool) -> IpAddr {
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
fn render(said: &Said, octets: &[u8]) -> Option<Bytes> {
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
