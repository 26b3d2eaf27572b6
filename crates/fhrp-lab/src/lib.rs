//! A laboratory for gateways.
#![forbid(unsafe_code)]

mod clock;
mod error;
mod namespace;
pub mod testing;
mod topology;
pub mod world;

pub use clock::{Stamp, millis};
pub use error::{LabError, Result};
pub use namespace::Namespace;
pub use topology::{
    Lab, LabOptions, Node, ReversePathFilter, UPSTREAM_INTERFACE, lan_address, lan_interface, lan_port,
    upstream_address, upstream_prefix, virtual_address,
};
pub use world::{Entry, World};
