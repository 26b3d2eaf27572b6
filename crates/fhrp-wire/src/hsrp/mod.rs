//! HSRP version 1 (RFC 2281) and version 2 (no public specification; after what Cisco routers send).
//!
//! [`parse`] applies the rules that octets alone decide and names the first one broken. Whether the group is
//! configured, the authentication the expected one, the timers and the address equal to ours: that is for the
//! caller, with the help of [`Received::verify_text`] and [`Received::verify_md5`].
//!
//! ```text
//! version 1:  20 octets | MD5 block                     UDP 1985, 224.0.0.2
//!             16 octets: Advertise
//! version 2:  Group State TLV | text or MD5 TLV         UDP 1985, 224.0.0.102; UDP 2029, ff02::66
//!             Interface State TLV
//! ```

mod auth;
mod emit;
mod error;
#[cfg(feature = "envelope")]
mod frame;
mod group;
mod interface_state;
mod message;
mod parse;
mod timers;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Family, MacAddr};

pub use crate::key::{InvalidKey, KeyBytes, TextKey};
pub use crate::mac::virtual_link_local;
pub use auth::{Auth, Credentials, default_text};
pub use error::{DecodeError, InvalidMessage, InvalidTimers};
#[cfg(feature = "envelope")]
pub use frame::{Origin, frame};
pub use group::{Group, is_virtual_mac};
pub use interface_state::{InterfaceActivity, InterfaceState};
pub use message::{Message, Opcode, Parts, State};
pub use parse::{Parsed, Received, Remarks, TimersSeen, parse, peek_group};
pub use timers::Timers;

/// UDP port over IPv4, source and destination (RFC 2281 §5).
pub const PORT_V4: u16 = 1985;
/// UDP port over IPv6, source and destination.
pub const PORT_V6: u16 = 2029;
/// Where version 1 goes (RFC 2281 §5): all routers.
pub const GROUP_V1: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
/// Where version 2 goes over IPv4; GLBP goes there too.
pub const GROUP_V2_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 102);
/// Where version 2 goes over IPv6; GLBP goes there too.
pub const GROUP_V2_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x66);
/// Ethernet address of [`GROUP_V1`].
pub const GROUP_V1_MAC: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0x02]);
/// Ethernet address of [`GROUP_V2_V4`].
pub const GROUP_V2_V4_MAC: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0x66]);
/// Ethernet address of [`GROUP_V2_V6`].
pub const GROUP_V2_V6_MAC: MacAddr = MacAddr([0x33, 0x33, 0x00, 0x00, 0x00, 0x66]);
/// Where Cisco routers send every gratuitous ARP a second time: their switches listen there.
pub const SWITCHES_MAC: MacAddr = MacAddr([0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd]);

/// Version of the protocol. A router that speaks one does not hear the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Version 1, IPv4 only (RFC 2281).
    V1,
    /// Version 2.
    V2,
}

impl Version {
    /// The number that operators use. On the wire version 1 is 0.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// A version over a family: all there are, for version 1 knows IPv4 only. Port, addresses and the layout of
/// messages follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Version 1.
    V1,
    /// Version 2 over IPv4.
    V2Ipv4,
    /// Version 2 over IPv6.
    V2Ipv6,
}

impl Variant {
    /// `None` for version 1 over IPv6.
    #[must_use]
    pub const fn new(version: Version, family: Family) -> Option<Self> {
        match (version, family) {
            (Version::V1, Family::V4) => Some(Self::V1),
            (Version::V1, Family::V6) => None,
            (Version::V2, Family::V4) => Some(Self::V2Ipv4),
            (Version::V2, Family::V6) => Some(Self::V2Ipv6),
        }
    }

    /// The variant that a datagram to `port` of `destination` belongs to; `None` if it is not HSRP. HSRP is never
    /// sent to one router alone.
    #[must_use]
    pub fn of_destination(destination: IpAddr, port: u16) -> Option<Self> {
        [Self::V1, Self::V2Ipv4, Self::V2Ipv6]
            .into_iter()
            .find(|variant| (variant.destination(), variant.port()) == (destination, port))
    }

    /// Version of the protocol.
    #[must_use]
    pub const fn version(self) -> Version {
        match self {
            Self::V1 => Version::V1,
            Self::V2Ipv4 | Self::V2Ipv6 => Version::V2,
        }
    }

    /// Family of the virtual address and of the packets.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::V1 | Self::V2Ipv4 => Family::V4,
            Self::V2Ipv6 => Family::V6,
        }
    }

    /// UDP port, source and destination.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::V1 | Self::V2Ipv4 => PORT_V4,
            Self::V2Ipv6 => PORT_V6,
        }
    }

    /// The multicast group that messages go to.
    #[must_use]
    pub const fn destination(self) -> IpAddr {
        match self {
            Self::V1 => IpAddr::V4(GROUP_V1),
            Self::V2Ipv4 => IpAddr::V4(GROUP_V2_V4),
            Self::V2Ipv6 => IpAddr::V6(GROUP_V2_V6),
        }
    }

    /// Ethernet address of [`Variant::destination`].
    #[must_use]
    pub const fn destination_mac(self) -> MacAddr {
        match self {
            Self::V1 => GROUP_V1_MAC,
            Self::V2Ipv4 => GROUP_V2_V4_MAC,
            Self::V2Ipv6 => GROUP_V2_V6_MAC,
        }
    }

    /// TTL or hop limit to send (version 1: RFC 2281 §5). Receivers accept any: 1, 2 and 255 are all in use.
    #[must_use]
    pub const fn hop_limit(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2Ipv4 | Self::V2Ipv6 => 255,
        }
    }

    /// Type of service CS6 or traffic class CS7, as Cisco routers send.
    #[must_use]
    pub const fn traffic_class(self) -> u8 {
        match self {
            Self::V1 | Self::V2Ipv4 => 0xc0,
            Self::V2Ipv6 => 0xe0,
        }
    }

    /// The highest group number.
    #[must_use]
    pub const fn max_group(self) -> u16 {
        match self {
            Self::V1 => 255,
            Self::V2Ipv4 | Self::V2Ipv6 => 4095,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Variant; 3] = [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6];

    #[test]
    fn group_macs_follow_from_the_groups() {
        for variant in ALL {
            assert_eq!(MacAddr::of_group(variant.destination()), Some(variant.destination_mac()));
        }
    }

    #[test]
    fn destinations_tell_the_variants_apart() {
        for variant in ALL {
            assert_eq!(Variant::of_destination(variant.destination(), variant.port()), Some(variant));
            assert_eq!(Variant::of_destination(variant.destination(), 3222), None, "GLBP");
            assert_eq!(Variant::new(variant.version(), variant.family()), Some(variant));
        }
        assert_eq!(Variant::of_destination("10.0.0.1".parse().unwrap(), 1985), None);
        assert_eq!(Variant::of_destination(GROUP_V2_V6.into(), 1985), None);
        assert_eq!(Variant::new(Version::V1, Family::V6), None);
    }
}
