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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_operators_write_them() {
        for (printed, expected) in [
            (Family::V4.to_string(), "IPv4"),
            (Family::V6.to_string(), "IPv6"),
            (vrrp::Vrid::new(255).unwrap().to_string(), "255"),
            (vrrp::Version::V3.to_string(), "3"),
            (vrrp::Centiseconds::new(100).unwrap().to_string(), "100cs"),
            (vrrp::Seconds::new(1).unwrap().to_string(), "1s"),
            (hsrp::Version::V1.to_string(), "1"),
            (hsrp::Group::new(hsrp::Variant::V2Ipv4, 4095).unwrap().to_string(), "4095"),
            (glbp::GroupNumber::new(1023).unwrap().to_string(), "1023"),
            (glbp::ForwarderNumber::new(4).unwrap().to_string(), "4"),
            (glbp::Milliseconds::new(3000).unwrap().to_string(), "3000ms"),
            (glbp::Seconds::ZERO.to_string(), "0s"),
        ] {
            assert_eq!(printed, expected);
        }
    }
}
