//! A laboratory for gateways.
#![forbid(unsafe_code)]

mod capture;
mod clock;
mod daemon;
mod error;
mod fault;
mod frame;
mod group;
mod journal;
mod namespace;
mod packet_socket;
mod probe;
mod process;
mod reach;
pub mod testing;
mod topology;
pub mod world;

pub use capture::{Capture, CaptureScope, Event, Port};
pub use clock::{Stamp, millis};
pub use daemon::Daemon;
pub use error::{LabError, Result};
pub use fault::Fault;
pub use frame::{Advertisement, Kind, arp_request, ethernet, neighbor_solicitation};
pub use group::{GroupSpec, VrrpVersion};
pub use namespace::Namespace;
pub use probe::{Arrival, Probe, ProbeCounters, ProbeRecord};
pub use process::RouterProcess;
pub use reach::{Answer, Injector};
pub use topology::{
    Lab, LabOptions, Node, ReversePathFilter, UPSTREAM_INTERFACE, lan_address, lan_interface, lan_port,
    upstream_address, upstream_prefix, virtual_address,
};
pub use world::{Entry, World};
