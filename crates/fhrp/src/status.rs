//! What `show` shows.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::Cause;
use fhrp_wire::MacAddr;
use fhrp_wire::vrrp::ChecksumForm;

use crate::{
    ClientCache, GlbpAuthentication, GlbpStats, GroupId, GroupStats, HsrpAuthentication, HsrpStats, Instant,
    LoadBalancing, Track, TrackName, TrackState, VrrpStats,
};

/// The state of a group in its protocol's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum GroupState {
    /// VRRP: not running (RFC 9568 §6.4.1).
    Initialize,
    /// GLBP: the virtual address is not known yet; of a forwarder: nobody has it.
    Disabled,
    /// HSRP, GLBP: not running (RFC 2281 §5).
    Initial,
    /// HSRP: the virtual address is not known yet.
    Learn,
    /// HSRP, GLBP: neither Active nor Standby.
    Listen,
    /// HSRP, GLBP: stands for the standby role.
    Speak,
    /// HSRP, GLBP: takes over when the Active router is lost.
    Standby,
    /// VRRP: standing by (RFC 9568 §6.4.2).
    Backup,
    /// Forwarding for the virtual addresses (RFC 9568 §6.4.3, RFC 2281 §5).
    Active,
}

impl std::fmt::Display for GroupState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Initialize => "initialize",
            Self::Disabled => "disabled",
            Self::Initial => "initial",
            Self::Learn => "learn",
            Self::Listen => "listen",
            Self::Speak => "speak",
            Self::Standby => "standby",
            Self::Backup => "backup",
            Self::Active => "active",
        })
    }
}

/// Why a group does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// No interface of that name.
    InterfaceMissing,
    /// It is down or has no carrier.
    InterfaceDown,
    /// It has no IPv4 address, or no usable IPv6 link-local, to send from.
    NoPrimaryAddress,
    /// It has no MAC of its own.
    NotEthernet,
    /// The dataplane could not be programmed; tried again later.
    ProgramFault(Arc<str>),
    /// Its interface came up a short while ago.
    StartupDelay,
    /// A tracked object is down that stops it.
    Tracked(TrackName),
    /// The group that it follows does not exist.
    LeaderMissing(Arc<str>),
    /// The virtual address has to be learned, and nobody has said it yet.
    AddressUnknown,
    /// The interface has the virtual address itself: its kernel would answer for it, with another MAC.
    OwnAddress(IpAddr),
    /// No key of its chain has begun: nobody would hear what it sends.
    NoSendingKey,
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::InterfaceMissing => f.write_str("interface does not exist"),
            Self::InterfaceDown => f.write_str("interface is down"),
            Self::NoPrimaryAddress => f.write_str("interface has no address to send from"),
            Self::NotEthernet => f.write_str("interface has no MAC address"),
            Self::ProgramFault(why) => write!(f, "dataplane: {why}"),
            Self::StartupDelay => f.write_str("start-up delay"),
            Self::Tracked(name) => write!(f, "tracked object {name} is down"),
            Self::LeaderMissing(name) => write!(f, "there is no group {name} to follow"),
            Self::AddressUnknown => f.write_str("no Active router has said the virtual address yet"),
            Self::NoSendingKey => f.write_str("no key of its chain may be used to send now"),
            Self::OwnAddress(address) => write!(f, "the virtual address {address} is the interface's own"),
        }
    }
}

/// A router heard in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its address.
    pub address: IpAddr,
    /// The priority of its last advertisement.
    pub priority: u8,
    /// The protocol version that it speaks.
    pub version: u8,
    /// Its interval between adverts.
    pub interval: Duration,
    /// HSRP: how long it is to be believed.
    pub hold: Option<Duration>,
    /// HSRP: the state that it says.
    pub state: Option<GroupState>,
    /// HSRP: its interface's MAC, as far as it says so.
    pub mac: Option<MacAddr>,
    /// Version 3 over IPv4: which checksum it sends; `None` where both forms agree or there is only one.
    pub checksum: Option<ChecksumForm>,
    /// When it was last heard.
    pub heard: Instant,
}

/// A snapshot of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupStatus {
    /// Which.
    pub id: GroupId,
    /// 2 or 3.
    pub version: u8,
    /// Its state.
    pub state: GroupState,
    /// Why it is in Initialize.
    pub waiting: Option<Waiting>,
    /// The priority as configured.
    pub priority: u8,
    /// The priority in use (owner and tracking considered).
    pub effective_priority: u8,
    /// Preempt_Mode.
    pub preempt: bool,
    /// Preempt delay.
    pub preempt_delay: Duration,
    /// The Active router as far as known; ourselves when we are.
    pub active: Option<IpAddr>,
    /// Its priority.
    pub active_priority: Option<u8>,
    /// The virtual addresses.
    pub addresses: Arc<[IpAddr]>,
    /// The virtual MAC; `None` without one.
    pub virtual_mac: Option<MacAddr>,
    /// The interface's own MAC; `None` while it does not exist.
    pub interface_mac: Option<MacAddr>,
    /// The address that we advertise from.
    pub primary_address: Option<IpAddr>,
    /// Whether the dataplane has acknowledged the present wish.
    pub programmed: bool,
    /// When it left Initialize.
    pub up_since: Option<Instant>,
    /// How often the state has changed.
    pub state_changes: u64,
    /// Tracked objects, in the order of the configuration.
    pub tracks: Vec<(Track, TrackState)>,
    /// The last transition: when and why.
    pub last_transition: Option<(Instant, Cause)>,
    /// Routers heard, at most 16.
    pub peers: Vec<PeerStatus>,
    /// Counters that every protocol has.
    pub counters: GroupStats,
    /// What only its protocol has.
    pub detail: Detail,
}

impl GroupStatus {
    /// What only VRRP has, if it is a group of VRRP.
    #[must_use]
    pub fn vrrp(&self) -> Option<&VrrpStatus> {
        match &self.detail {
            Detail::Vrrp(status) => Some(status),
            Detail::Hsrp(_) | Detail::Glbp(_) => None,
        }
    }

    /// What only HSRP has, if it is a group of HSRP.
    #[must_use]
    pub fn hsrp(&self) -> Option<&HsrpStatus> {
        match &self.detail {
            Detail::Vrrp(_) | Detail::Glbp(_) => None,
            Detail::Hsrp(status) => Some(status),
        }
    }

    /// What only GLBP has, if it is a group of GLBP.
    #[must_use]
    pub fn glbp(&self) -> Option<&GlbpStatus> {
        match &self.detail {
            Detail::Vrrp(_) | Detail::Hsrp(_) => None,
            Detail::Glbp(status) => Some(status),
        }
    }
}

/// What only one protocol has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Of VRRP.
    Vrrp(Box<VrrpStatus>),
    /// Of HSRP.
    Hsrp(Box<HsrpStatus>),
    /// Of GLBP.
    Glbp(Box<GlbpStatus>),
}

/// What only GLBP has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlbpStatus {
    /// What others call it.
    pub name: Arc<str>,
    /// Whether this router, as the AVG, had no forwarder to tell hosts of at its last Hello: they get no answer.
    pub unserved: bool,
    /// Whether the virtual address was learned.
    pub learned_address: bool,
    /// The hello time in use.
    pub hello_time: Duration,
    /// The hold time in use.
    pub hold_time: Duration,
    /// Both as configured.
    pub configured_timers: (Duration, Duration),
    /// When the next Hello is due, while any are sent.
    pub next_hello: Option<Instant>,
    /// The redirect time in use.
    pub redirect: Duration,
    /// The forwarder timeout in use.
    pub timeout: Duration,
    /// When the AVG counts as lost; `None` while this router is it.
    pub active_expires: Option<Instant>,
    /// The Standby router as far as known; ourselves when we are.
    pub standby: Option<IpAddr>,
    /// Its priority.
    pub standby_priority: Option<u8>,
    /// When the Standby router counts as lost.
    pub standby_expires: Option<Instant>,
    /// How packets are authenticated.
    pub authentication: GlbpAuthentication,
    /// What this router can carry.
    pub weighting: GlbpWeighting,
    /// Which forwarder a host is told.
    pub load_balancing: LoadBalancing,
    /// This router's owner id: the MAC of its interface.
    pub owner: Option<MacAddr>,
    /// Other routers heard, at most 32, by owner id.
    pub members: Vec<GlbpMember>,
    /// Whether a lower-ranked AVF is pushed aside.
    pub forwarder_preempt: bool,
    /// After how long.
    pub forwarder_preempt_delay: Duration,
    /// The forwarders that anybody has, by number.
    pub forwarders: Vec<GlbpForwarder>,
    /// The bounds of the client cache, where there is one.
    pub client_cache: Option<ClientCache>,
    /// Hosts and what they were told, by MAC; on the AVG only.
    pub clients: Vec<GlbpClient>,
    /// Its counters.
    pub counters: GlbpStats,
}

/// What a router can carry, and when that is enough to forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpWeighting {
    /// The current one.
    pub current: u8,
    /// Whether it is too low to forward.
    pub low: bool,
    /// The configured maximum.
    pub configured: u8,
    /// Below this it is too low.
    pub lower: u8,
    /// From this on it is enough again.
    pub upper: u8,
}

/// Another router of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpMember {
    /// The MAC of its interface.
    pub owner: MacAddr,
    /// Its address.
    pub address: IpAddr,
    /// The state of its gateway, as last said.
    pub state: Option<GroupState>,
    /// Its priority, likewise.
    pub priority: Option<u8>,
    /// Whether it proved that its packets are not old ones: it lists a recent nonce of ours.
    pub authenticated: bool,
    /// When it was last heard.
    pub heard: Instant,
    /// When it is taken to be gone.
    pub expires: Instant,
}

/// One forwarder, as this router sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpForwarder {
    /// 1–4.
    pub number: u8,
    /// Where this router stands: Disabled, Initial, Listen or Active.
    pub state: GroupState,
    /// How often that has changed.
    pub state_changes: u64,
    /// When the contest last moved, and why.
    pub last_transition: Option<(Instant, Cause)>,
    /// Its virtual MAC.
    pub mac: MacAddr,
    /// Whether this router owns it.
    pub primary: bool,
    /// The owner id of whoever owns it, as far as known.
    pub owner: Option<MacAddr>,
    /// Until when its MAC is handed out if its owner is not heard; `None` where this router owns it.
    pub redirect_ends: Option<Instant>,
    /// Until when it lives, likewise.
    pub timeout_ends: Option<Instant>,
    /// The other router that serves it, as last heard; `None` while this one does.
    pub server: Option<GlbpServer>,
    /// Whether the dataplane has acknowledged the present wish.
    pub programmed: bool,
    /// How often a host was told its MAC by this router.
    pub selections: u64,
}

/// Another router that serves a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpServer {
    /// Its address.
    pub address: IpAddr,
    /// Whether it owns the forwarder.
    pub primary: bool,
    /// Its current weighting.
    pub weighting: u8,
    /// When it is no longer believed.
    pub expires: Instant,
}

/// A host that the AVG told a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpClient {
    /// Its MAC.
    pub mac: MacAddr,
    /// Its address.
    pub address: Option<IpAddr>,
    /// What it was told last, 1–4.
    pub forwarder: u8,
    /// When it first asked.
    pub first: Instant,
    /// When it last asked.
    pub last: Instant,
    /// How often it was answered.
    pub answers: u64,
}

/// What only HSRP has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HsrpStatus {
    /// What other groups call it.
    pub name: Arc<str>,
    /// The hello time in use.
    pub hello_time: Duration,
    /// The hold time in use.
    pub hold_time: Duration,
    /// Both as configured, where they are.
    pub configured_timers: Option<(Duration, Duration)>,
    /// When the next Hello is due, while any are sent.
    pub next_hello: Option<Instant>,
    /// When the Active router counts as lost.
    pub active_expires: Option<Instant>,
    /// When the Standby router counts as lost.
    pub standby_expires: Option<Instant>,
    /// The Standby router as far as known; ourselves when we are.
    pub standby: Option<IpAddr>,
    /// Its priority.
    pub standby_priority: Option<u8>,
    /// The preempt delay after a reload.
    pub preempt_delay_reload: Duration,
    /// The preempt delay for clients of the group.
    pub preempt_delay_sync: Duration,
    /// How messages are authenticated.
    pub authentication: HsrpAuthentication,
    /// Whether the virtual address was learned.
    pub learned_address: bool,
    /// The group that it follows.
    pub follow: Option<Arc<str>>,
    /// Its counters.
    pub counters: HsrpStats,
}

/// What only VRRP has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpStatus {
    /// Whether this router owns a virtual address.
    pub owner: bool,
    /// Accept_Mode.
    pub accept_mode: bool,
    /// Advertisement_Interval as configured.
    pub advertisement_interval: Duration,
    /// Active_Adver_Interval as learned.
    pub active_adver_interval: Duration,
    /// Skew_Time.
    pub skew_time: Duration,
    /// Active_Down_Interval.
    pub active_down_interval: Duration,
    /// The checksum form being sent (version 3 over IPv4).
    pub checksum: Option<ChecksumForm>,
    /// Its counters.
    pub counters: VrrpStats,
}

/// Families as numbers, as operators write them.
#[cfg(feature = "serde")]
pub(crate) fn family_number<S: serde::Serializer>(
    family: &fhrp_wire::Family,
    to: S,
) -> Result<S::Ok, S::Error> {
    to.serialize_u8(match family {
        fhrp_wire::Family::V4 => 4,
        fhrp_wire::Family::V6 => 6,
    })
}
