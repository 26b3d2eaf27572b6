//! VRRP version 2 (RFC 3768, RFC 2338 authentication) and version 3 (RFC 9568): advertisements.
//!
//! [`parse`] applies the rules that octets alone decide, in a fixed order, and names the first one broken.
//! Whether the Virtual Router is configured, the authentication expected, the interval or the list equal to
//! ours: that is for the caller, with the help of [`AuthData`] and [`Addresses::matches`].

mod addresses;
mod advertisement;
mod auth;
mod emit;
mod error;
#[cfg(feature = "envelope")]
mod frame;
mod interval;
mod parse;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::{Family, MacAddr};

#[cfg(feature = "envelope")]
pub use crate::envelope::build::Destination;
pub use crate::key::{InvalidKey, KeyBytes, TextKey};
pub use addresses::{AddressIter, Addresses};
pub use advertisement::{Advertisement, Body};
pub use auth::AuthData;
pub use error::{DecodeError, FamilyMismatch, InvalidAdvertisement};
#[cfg(feature = "envelope")]
pub use frame::{AdvertisementFrame, advertisement_frame};
pub use interval::{Centiseconds, InvalidInterval, Seconds};
pub use parse::{ChecksumSeen, Parsed, authenticates_vrrp, parse, peek_vrid};

/// IP protocol, or IPv6 next header, of VRRP (RFC 9568 §5.1.1.4, §5.1.2.4).
pub const PROTOCOL: u8 = 112;
/// IP protocol of the Authentication Header, which carries VRRPv2 with authentication type 2 (RFC 2338 §5.3.6).
pub const PROTOCOL_AH: u8 = 51;
/// Where advertisements go over IPv4 (RFC 9568 §5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// Where advertisements go over IPv6 (RFC 9568 §5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// Ethernet address of [`GROUP_V4`].
pub const GROUP_V4_MAC: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0x12]);
/// Ethernet address of [`GROUP_V6`].
pub const GROUP_V6_MAC: MacAddr = MacAddr([0x33, 0x33, 0x00, 0x00, 0x00, 0x12]);
/// TTL or hop limit sent, and the only one accepted (RFC 9568 §5.1.1.3, §5.1.2.3).
pub const TTL: u8 = 255;

/// Virtual Router Identifier, 1 to 255 (RFC 9568 §5.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrid(u8);

impl Vrid {
    /// `None` for 0.
    #[must_use]
    pub const fn new(vrid: u8) -> Option<Self> {
        if vrid == 0 { None } else { Some(Self(vrid)) }
    }

    /// The number, never 0.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// Version 2, IPv4 only (RFC 3768).
    V2,
    /// Version 3 (RFC 9568).
    V3,
}

impl Version {
    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// What the checksum of version 3 over IPv4 covers. Other packets have one form only.
///
/// The two differ by a constant for given addresses and length, so a packet matches both only where that
/// constant is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChecksumForm {
    /// The VRRP message alone (RFC 9568 §5.2.8).
    #[default]
    Rfc9568,
    /// The message and an IPv4 pseudo-header: RFC 5798 §5.2.8 as keepalived and FRR read it.
    Rfc5798,
}

/// The virtual router's Ethernet address: `00-00-5E-00-01-VRID` for IPv4, `00-00-5E-00-02-VRID` for IPv6
/// (RFC 9568 §7.3).
#[must_use]
pub const fn virtual_mac(family: Family, vrid: Vrid) -> MacAddr {
    let block = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    MacAddr([0x00, 0x00, 0x5e, 0x00, block, vrid.get()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_macs() {
        let vrid = Vrid::new(10).unwrap();
        assert_eq!(virtual_mac(Family::V4, vrid).to_string(), "00:00:5e:00:01:0a");
        assert_eq!(virtual_mac(Family::V6, vrid).to_string(), "00:00:5e:00:02:0a");
        assert_eq!(Vrid::new(0), None);
    }

    #[test]
    fn group_macs_follow_from_the_groups() {
        assert_eq!(MacAddr::of_group(GROUP_V4.into()), Some(GROUP_V4_MAC));
        assert_eq!(MacAddr::of_group(GROUP_V6.into()), Some(GROUP_V6_MAC));
    }
}
