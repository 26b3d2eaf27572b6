//! Bytes to values and back: VRRP, HSRP, GLBP, and the Ethernet, IP, UDP, ARP and ND envelopes around them.
//!
//! What is here: value types that cannot hold an illegal packet, a parser that names the first rule a packet
//! breaks, and writers that append to a buffer of the caller's. Parsing borrows from the frame and allocates
//! nothing.
//!
//! What is deliberately not here: configuration (is this group ours, is this the expected authentication type),
//! time, sockets, logging. No octets can make this crate panic.
//!
//! ```text
//! frame --envelope::parse--> Frame { packet, .. }
//!                                      |
//!      protocol 112:     vrrp::parse --+--> Parsed { advertisement, checksum }
//!      17:      envelope::udp::parse --+--> Datagram { destination_port, payload, .. }
//!                                                                           |
//!                                         1985, 2029:        hsrp::parse --+
//!                                         3222:              glbp::parse --+
//! ```
//!
//! Feature `envelope` (default) adds the frame builders, which use pnet's packet types.
#![forbid(unsafe_code)]

mod checksum;
pub mod envelope;
mod family;
pub mod glbp;
pub mod hsrp;
mod key;
mod keyed_md5;
mod mac;
mod reader;
pub mod vrrp;

pub use family::Family;
pub use key::{InvalidKey, KeyBytes, TextKey};
pub use mac::{InvalidMac, MacAddr, virtual_link_local};
