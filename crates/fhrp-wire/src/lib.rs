//! Bytes to values and back: VRRP, and the Ethernet, IP, ARP and ND envelopes around it.
//!
//! What is here: value types that cannot hold an illegal packet, a parser that names the first rule a packet
//! breaks, and writers that append to a buffer of the caller's. Parsing borrows from the frame and allocates
//! nothing.
//!
//! What is deliberately not here: configuration (is this VRID ours, is this the expected authentication type),
//! time, sockets, logging. No octets can make this crate panic.
//!
//! ```text
//! frame --envelope::parse--> Frame { Packet::Ipv4 { source, destination, payload, .. }, .. }
//!                                                   |
//!                                     vrrp::parse --+--> Parsed { advertisement, checksum }
//! ```
//!
//! Feature `envelope` (default) adds the frame builders, which use pnet's packet types.
#![forbid(unsafe_code)]

mod checksum;
pub mod envelope;
mod family;
pub mod glbp;
mod key;
mod keyed_md5;
mod mac;
mod reader;
pub mod vrrp;

pub use family::Family;
pub use key::{InvalidKey, KeyBytes, TextKey};
pub use mac::{InvalidMac, MacAddr, virtual_link_local};
