//! A laboratory for gateways: routers, hosts and switches in network namespaces, real daemons in them, and
//! instruments that measure what a failover costs. It is what stands behind `fhrpd lab` and the namespace tests.
//!
//! What it knows: Linux namespaces, `ip`, `bridge` and `nft`, frames as they are on the wire, and how to start fhrpd,
//! keepalived and FRR. What it deliberately does not know: elections, the netlink backend, fhrpd's control socket.
//! Who is Active is judged from the wire alone, by a few lines of its own, so that no daemon is asked how it fares.
//! Only a [`soak`] asks, as an operator would, to compare the answer with the wire and the kernel.
//!
//! # A failover
//!
//! ```no_run
//! use fhrp_lab::{Daemon, Entry, FailoverPlan, Fault, LabEvent, run_failover};
//!
//! fn main() -> Result<(), fhrp_lab::LabError> {
//!     // Needs no root where user namespaces are allowed; must be the first thing that the program does.
//!     let world = match fhrp_lab::world::enter()? {
//!         Entry::Inside(world) => world,
//!         Entry::Ended(status) => std::process::exit(status.code().unwrap_or(1)),
//!     };
//!     let mut plan = FailoverPlan::new(vec![Daemon::keepalived(), Daemon::keepalived()]);
//!     plan.fault = Fault::Silent;
//!     let failover = run_failover(world, &plan, |event| {
//!         if let LabEvent::Timeline { at, entry } = event {
//!             eprintln!("{at} {entry}");
//!         }
//!     })?;
//!     println!("{:?}", failover.report);
//!     Ok(())
//! }
//! ```
//!
//! # A test
//!
//! [`world!`] gives a test function a world of its own, as root or not, and skips loudly where that is impossible
//! (see [`testing`]). Everything else is built from parts:
//!
//! ```no_run
//! use std::time::Duration;
//! use fhrp_lab::{Capture, CaptureScope, Daemon, Lab, LabOptions, VrrpGroup, virtual_address, world};
//! use fhrp_wire::Family;
//!
//! #[test]
//! fn the_active_router_answers() {
//!     let Some(world) = world!(Keepalived) else { return };
//!     let lab = Lab::build(world, &LabOptions::default()).unwrap();
//!     let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
//!     let router = lab.router(1).unwrap();
//!     let _daemon = Daemon::keepalived().start(router, &[VrrpGroup::new(Family::V4, 200)]).unwrap();
//!     let advertised = capture.wait_for(0, Duration::from_secs(5), |events| {
//!         events.iter().find(|event| event.kind.advertisement().is_some()).cloned()
//!     });
//!     assert_eq!(&*advertised.unwrap().node, "r1");
//!     let virtual_address = virtual_address(0, Family::V4, 1);
//!     let answers = lab.host(1).unwrap().ask(0, virtual_address, Duration::from_millis(600)).unwrap();
//!     assert_eq!(answers.len(), 1);
//! }
//! ```
//!
//! Names are short, because the world is private: namespaces `sw`, `up`, `r1`, `h1`; interfaces `lan0`, `up0`,
//! `oob0`; switch ports `r1-lan0`. Addresses are those for documentation: router `rN` has .1N and host `hN` .10N of
//! 192.0.2.0/24 (and the same number below `2001:db8:1::`), the virtual address is .1. Daemons keep their files in
//! `/run/lab/rN`, which vanishes with the world; so does anything else that is written below `/run`.
#![forbid(unsafe_code)]

mod capture;
pub mod capture_file;
mod clock;
mod daemon;
mod error;
mod fault;
mod forge;
mod frame;
mod group;
mod journal;
mod namespace;
mod packet_socket;
mod probe;
mod process;
mod reach;
mod ready;
mod replay;
pub mod scenario;
pub mod soak;
pub mod testing;
mod topology;
pub mod world;

pub use capture::{Capture, CaptureScope, Event, Port};
pub use clock::{Stamp, millis};
pub use daemon::Daemon;
pub use error::{LabError, Result};
pub use fault::Fault;
pub use forge::HsrpForgery;
pub use frame::{
    Advertisement, GlbpForwarder, GlbpGateway, GlbpOpcode, GlbpPacket, HsrpMessage, HsrpOpcode, Kind,
    SpeakerState, address_announcement, arp_request, ethernet, neighbor_solicitation,
};
pub use group::{
    Authentication, GlbpGroup, Group, HsrpGroup, HsrpVersion, LoadBalancing, Timers, VrrpGroup, VrrpVersion,
};
pub use namespace::{Inventory, Namespace};
pub use probe::{Arrival, Outage, Probe, ProbeCounters, ProbeRecord};
pub use process::RouterProcess;
pub use reach::{Answer, Injector};
pub use replay::{Recorded, Replay, Speaker};
pub use scenario::{
    Failover, FailoverPlan, FailoverReport, HostReport, LabEvent, PeerSide, Protocol, RouterReport,
    RouterState, Target, TimelineEntry, run_failover,
};
pub use topology::{
    Lab, LabOptions, Node, ReversePathFilter, UPSTREAM_INTERFACE, lan_address, lan_interface, lan_port,
    upstream_address, upstream_prefix, virtual_address,
};
pub use world::{Entry, World};
