//! The bodies of the fuzz targets, as plain functions.
#![forbid(unsafe_code)]

mod capture;
mod chance;
mod checksum;
mod config;
mod control;
pub mod differential;
mod engine;
mod glbp;
mod hsrp;
mod script;
pub mod seeds;
pub mod targets;
mod vrrp;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use capture::decode_file;
pub use chance::Chance;
pub use config::config;
pub use control::control;
pub use engine::engine;
pub use glbp::decode_glbp;
pub use hsrp::decode_hsrp;
pub use script::script;
pub use vrrp::decode_vrrp;

const SOURCE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const SOURCE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
