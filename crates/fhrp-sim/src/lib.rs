//! A virtual LAN around the production engine: routers, hosts with neighbour caches, switches with MAC tables and an
//! upstream, in virtual time, with faults. One seed decides everything; checkers look at every call of every engine, at
//! the world after it, and at how it ends.
//!
//! ```text
//!   seed ──► Scenario ──► run ──► Outcome: hash, violation, what hosts felt
//!                │                   │
//!                └── shrink ◄────────┘   the fewest faults with which it still fails, and a timeline of them
//! ```
//!
//! What it knows of a protocol is in one folder (`vrrp/`, `hsrp/`, `glbp/`): which groups there are, what a frame says,
//! and what one router has to do in one group; what HSRP and the gateways of GLBP have in common there is in
//! `candidate.rs`. Everything else is the same for all protocols. The engine is used through its public interface only;
//! [`Flaw`]s are put around it, never into it.
#![forbid(unsafe_code)]
#![allow(
    clippy::indexing_slicing,
    reason = "places of routers, groups and hosts are made and used here alone"
)]
#![allow(clippy::wildcard_enum_match_arm, reason = "faults and flaws are looked for one kind at a time")]

mod campaign;
mod candidate;
mod check;
mod clock;
mod contest;
mod dataplane;
mod explore;
mod fault;
mod flaw;
mod glbp;
mod group;
mod hash;
mod host;
mod hsrp;
mod lan;
mod monitor;
mod pace;
mod plan;
mod question;
mod record;
mod replay;
mod rng;
mod said;
mod subject;
mod timeline;
mod vrrp;
mod world;

pub use campaign::{Campaign, Failure, Tally, caught, shrink, trials};
pub use check::{Checker, Violation, Watch};
pub use clock::Clock;
pub use explore::{Explored, Member, Small, explore};
pub use fault::{Fault, Kind, Path};
pub use fhrp::Instant;
pub use flaw::Flaw;
pub use group::{Change, GroupPlan, Settings};
pub use plan::{HostPlan, Protocol, RouterPlan, Scenario};
pub use record::{Felt, Outage, Record, What};
pub use replay::{keep, kept};
pub use rng::Rng;
pub use timeline::Timeline;
pub use world::{Outcome, Probes, Recording, Trial, run};
