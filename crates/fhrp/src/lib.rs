//! First-hop redundancy as a library.
//!
//! Hosts have one default gateway. A first-hop redundancy protocol lets several routers stand behind one virtual
//! address. This crate is the protocol part: [`Engine`] takes frames, link events, acknowledgements of the dataplane
//! and time, and gives back [`Action`]s and the next deadline. It knows no socket, no clock, no thread and no operating
//! system: the same inputs give the same outputs, bit for bit.
//!
//! An embedder chooses a level:
//!
//! * [`Engine`] in a loop of one's own (`examples/embed_engine.rs`);
//! * [`driver::Driver`] (feature `driver`) with one's own [`driver::Backend`] (`examples/custom_backend.rs`);
//! * everything, with the Linux backend of the crate `fhrp-netlink`.
#![forbid(unsafe_code)]

mod action;
mod announce;
mod binding;
mod config;
mod deadlines;
mod engine;
mod flapping;
mod glbp;
mod group;
mod hsrp;
mod ids;
mod limiter;
mod link;
mod notice;
mod pacer;
mod peers;
mod seat;
mod slot;
mod speaker;
mod stats;
mod status;
mod vrrp;

#[cfg(feature = "driver")]
pub mod driver;

pub use action::{Action, Reception};
pub use binding::{Acceptance, Binding, Gate, ProgramFault, Responder, Revision};
pub use config::{
    AdvertisementInterval, AnnounceSchedule, Authentication, ChainKey, ChecksumPolicy, ClientCache,
    ConfigError, ConfigField, GlbpAuthentication, GlbpConfig, GlbpSettings, GroupConfig, HsrpAuthentication,
    HsrpConfig, HsrpSettings, InvalidKeyChain, KeyChain, Lifetime, LoadBalancing, Prefix,
    RouterAdvertisement, Track, TrackEffect, TrackName, TrackState, VrrpConfig, VrrpSettings, WallTime,
};
pub use engine::{DuplicateGroup, Engine, UnknownGroup};
pub use fhrp_election::{Cause, Instant, Rank};
pub use fhrp_wire::{Family, MacAddr};
pub use ids::{GroupId, IfIndex, InterfaceName, Protocol, Protocols, SeatId};
pub use link::{LinkEvent, LinkState};
pub use notice::{Notice, NoticeKind};
pub use stats::{GlbpStats, GroupStats, HsrpStats, InterfaceStats, Stats, VrrpStats};
pub use status::{
    Detail, GlbpClient, GlbpForwarder, GlbpMember, GlbpServer, GlbpStatus, GlbpWeighting, GroupState,
    GroupStatus, HsrpStatus, PeerStatus, VrrpStatus, Waiting,
};
