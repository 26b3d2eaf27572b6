//! GLBP: hellos, forwarder announcements, requests and responses; IPv4 and IPv6.
//!
//! There is no public specification. Field layouts are those of captured Cisco traffic; where something was
//! inferred and not seen, the item says so.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |   version 1   |    opcode     |            group              |
//! |         reserved, 0           |                               |
//! |                      owner id, a MAC address                  |
//! |  TLVs: [3 authentication] [4 nonces] [1 hello] [2 forwarder]* |
//! ```
//!
//! The length of a TLV includes its two octets of type and length. TLVs are written in the order above and read
//! in any; those of unknown types are skipped. Reserved fields are written as zeros and not read: some releases
//! send uninitialised memory in them. The digest covers them as received.
//!
//! [`parse`] applies the rules that octets alone decide and names the first one broken. Whether the group is
//! configured and the authentication the expected one is for the caller, with the help of
//! [`Parsed::verify_text`] and [`Parsed::verify_md5`].

mod auth;
mod emit;
mod error;
mod forwarder;
#[cfg(feature = "envelope")]
mod frame;
mod hello;
mod interval;
mod nonce;
mod packet;
mod parse;
mod tlv;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::MacAddr;

#[cfg(feature = "envelope")]
pub use crate::envelope::build::Destination;
pub use crate::key::{InvalidKey, KeyBytes};
pub use auth::{AuthData, AuthText, Credentials, InvalidAuthText, Signature, TextField};
pub use error::{DecodeError, FamilyMismatch, InvalidPacket};
pub use forwarder::{Forwarder, ForwarderPriority, Forwarders, VfState};
#[cfg(feature = "envelope")]
pub use frame::{PacketFrame, packet_frame};
pub use hello::{Hello, Timers, VgState};
pub use interval::{InvalidInterval, Milliseconds, Seconds};
pub use nonce::{Nonce, NonceSequence, Nonces, PeerIter, PeerNonce, Peers};
pub use packet::{Body, Opcode, Packet};
pub use parse::{Parsed, parse, peek_group};

/// UDP port, of source and destination.
pub const PORT: u16 = 3222;
/// Where announcements go over IPv4. HSRP version 2 has the same group and another port.
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 102);
/// Where announcements go over IPv6.
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x66);
/// Ethernet address of [`GROUP_V4`].
pub const GROUP_V4_MAC: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0x66]);
/// Ethernet address of [`GROUP_V6`].
pub const GROUP_V6_MAC: MacAddr = MacAddr([0x33, 0x33, 0x00, 0x00, 0x00, 0x66]);
/// TTL or hop limit of every packet, unicast ones too.
pub const TTL: u8 = 255;
/// Type of service over IPv4.
pub const TRAFFIC_CLASS_V4: u8 = 0xc0;
/// Traffic class over IPv6.
pub const TRAFFIC_CLASS_V6: u8 = 0xe0;
/// The only version there is.
pub const VERSION: u8 = 1;

/// What every virtual MAC begins with.
const MAC_PREFIX: [u8; 3] = [0x00, 0x07, 0xb4];

/// Number of a group, 0 to 1023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupNumber(u16);

impl GroupNumber {
    /// The highest: ten bits in the virtual MAC.
    pub const MAX: u16 = 1023;

    /// `None` above 1023.
    #[must_use]
    pub const fn new(group: u16) -> Option<Self> {
        if group <= Self::MAX { Some(Self(group)) } else { None }
    }

    /// The number, 0 to 1023.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for GroupNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Number of a virtual forwarder in its group, 1 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForwarderNumber(u8);

impl ForwarderNumber {
    /// How many there can be in a group.
    pub const COUNT: usize = 4;
    /// All of them, ascending.
    pub const ALL: [Self; Self::COUNT] = [Self(1), Self(2), Self(3), Self(4)];

    /// `None` for 0 and above 4.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if 1 <= number && number <= 4 { Some(Self(number)) } else { None }
    }

    /// The number, 1 to 4.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for ForwarderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The Ethernet address of a virtual forwarder, for both families: `00:07:b4`, the group in 16 bits, the number.
#[must_use]
pub const fn virtual_mac(group: GroupNumber, forwarder: ForwarderNumber) -> MacAddr {
    mac_of(group, forwarder.0)
}

const fn mac_of(group: GroupNumber, last: u8) -> MacAddr {
    let [a, b, c] = MAC_PREFIX;
    let [high, low] = group.0.to_be_bytes();
    MacAddr([a, b, c, high, low, last])
}

/// Whose address `mac` is; `None` if it is no forwarder's.
#[must_use]
pub fn forwarder_of(mac: MacAddr) -> Option<(GroupNumber, ForwarderNumber)> {
    let [a, b, c, high, low, last] = mac.octets();
    if [a, b, c] != MAC_PREFIX {
        return None;
    }
    GroupNumber::new(u16::from_be_bytes([high, low])).zip(ForwarderNumber::new(last))
}

/// Whether `mac` is the address of some virtual forwarder.
#[must_use]
pub fn is_virtual_mac(mac: MacAddr) -> bool {
    forwarder_of(mac).is_some()
}

/// The virtual IPv6 address of a group that configures it automatically: `fe80::/64` and the EUI-64 form of the
/// virtual MAC with forwarder number 0. Unlike in RFC 4291 the universal/local bit is not inverted (captured).
#[must_use]
pub const fn virtual_link_local(group: GroupNumber) -> Ipv6Addr {
    crate::virtual_link_local(mac_of(group, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(group: u16, forwarder: u8) -> String {
        virtual_mac(GroupNumber::new(group).unwrap(), ForwarderNumber::new(forwarder).unwrap()).to_string()
    }

    /// Captured, but for group 1021: that one is from a router's debug output.
    #[test]
    fn virtual_macs() {
        assert_eq!(mac(1, 2), "00:07:b4:00:01:02");
        assert_eq!(mac(40, 1), "00:07:b4:00:28:01");
        assert_eq!(mac(46, 2), "00:07:b4:00:2e:02");
        assert_eq!(mac(1021, 1), "00:07:b4:03:fd:01");
    }

    #[test]
    fn virtual_macs_name_their_forwarder() {
        let of = |text: &str| forwarder_of(text.parse().unwrap()).map(|(group, n)| (group.get(), n.get()));
        assert_eq!(of("00:07:b4:03:fd:04"), Some((1021, 4)));
        assert_eq!(of("00:07:b4:00:00:01"), Some((0, 1)));
        for other in [
            "00:07:b4:00:01:00",
            "00:07:b4:00:01:05",
            "00:07:b4:04:00:01",
            "00:07:b5:00:01:01",
            "01:07:b4:00:01:01",
        ] {
            assert_eq!(of(other), None, "{other}");
            assert!(!is_virtual_mac(other.parse().unwrap()), "{other}");
        }
        assert!(is_virtual_mac("00:07:b4:03:ff:04".parse().unwrap()));
    }

    /// Group 46: captured.
    #[test]
    fn automatic_addresses() {
        let of = |group| virtual_link_local(GroupNumber::new(group).unwrap()).to_string();
        assert_eq!(of(46), "fe80::7:b4ff:fe00:2e00");
        assert_eq!(of(1023), "fe80::7:b4ff:fe03:ff00");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(GroupNumber::new(1024), None);
        assert_eq!(GroupNumber::new(1023).map(GroupNumber::get), Some(1023));
        assert_eq!(ForwarderNumber::new(0), None);
        assert_eq!(ForwarderNumber::new(5), None);
        assert_eq!(ForwarderNumber::ALL.map(ForwarderNumber::get), [1, 2, 3, 4]);
    }

    #[test]
    fn group_macs_follow_from_the_groups() {
        assert_eq!(MacAddr::of_group(GROUP_V4.into()), Some(GROUP_V4_MAC));
        assert_eq!(MacAddr::of_group(GROUP_V6.into()), Some(GROUP_V6_MAC));
    }
}
