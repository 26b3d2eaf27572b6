use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// A 48-bit Ethernet address, in transmission order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// `00:00:00:00:00:00`: no address.
    pub const ZERO: Self = Self([0; 6]);

    /// The six octets.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// Whether the group bit is set; true for the broadcast address too.
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }

    /// The Ethernet address of an IP multicast group (RFC 1112 §6.4, RFC 2464 §7); `None` for a unicast address.
    #[must_use]
    pub fn of_group(group: IpAddr) -> Option<Self> {
        match group {
            IpAddr::V4(group) => group.is_multicast().then(|| Self::of_group_v4(group)),
            IpAddr::V6(group) => group.is_multicast().then(|| Self::of_group_v6(group)),
        }
    }

    const fn of_group_v4(group: Ipv4Addr) -> Self {
        let [_, b, c, d] = group.octets();
        Self([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    pub(crate) const fn of_group_v6(group: Ipv6Addr) -> Self {
        let [.., a, b, c, d] = group.octets();
        Self([0x33, 0x33, a, b, c, d])
    }
}

/// The link-local address that Cisco's protocols make from a virtual MAC: fe80::/64 and the EUI-64, its
/// universal bit **not** inverted, unlike RFC 4291 appendix A.
#[must_use]
pub const fn virtual_link_local(mac: MacAddr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = mac.0;
    Ipv6Addr::from_octets([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f])
}

impl From<[u8; 6]> for MacAddr {
    fn from(octets: [u8; 6]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not six two-digit hexadecimal octets separated by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an Ethernet address: expected six octets such as 00:00:5e:00:01:0a")]
pub struct InvalidMac;

impl FromStr for MacAddr {
    type Err = InvalidMac;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut octets = [0; 6];
        for octet in &mut octets {
            *octet = parts.next().and_then(hex_octet).ok_or(InvalidMac)?;
        }
        match parts.next() {
            None => Ok(Self(octets)),
            Some(_) => Err(InvalidMac),
        }
    }
}

/// `from_str_radix` alone would accept a sign.
fn hex_octet(text: &str) -> Option<u8> {
    let two_digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    two_digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_both_ways() {
        let mac = MacAddr([0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a]);
        assert_eq!(mac.to_string(), "00:00:5e:00:01:0a");
        assert_eq!("00:00:5E:00:01:0a".parse(), Ok(mac));
    }

    #[test]
    fn bad_text_is_refused() {
        for text in [
            "",
            "00",
            "00:00:5e:00:01",
            "00:00:5e:00:01:0a:00",
            "0:0:5e:0:1:a",
            "+0:00:5e:00:01:0a",
            "gg:00:5e:00:01:0a",
        ] {
            assert_eq!(text.parse::<MacAddr>(), Err(InvalidMac), "{text}");
        }
    }

    /// HSRP group 16 and GLBP group 46, as Cisco routers have them.
    #[test]
    fn the_universal_bit_stays() {
        let address = |mac: &str| virtual_link_local(mac.parse().unwrap()).to_string();
        assert_eq!(address("00:05:73:a0:00:10"), "fe80::5:73ff:fea0:10");
        assert_eq!(address("00:07:b4:00:2e:00"), "fe80::7:b4ff:fe00:2e00");
    }

    #[test]
    fn group_addresses() {
        assert!(MacAddr::BROADCAST.is_multicast());
        assert!(!MacAddr::ZERO.is_multicast());
        let mac = |text: &str| MacAddr::of_group(text.parse().unwrap()).map(|mac| mac.to_string());
        assert_eq!(mac("224.0.0.18").as_deref(), Some("01:00:5e:00:00:12"));
        assert_eq!(mac("239.129.2.3").as_deref(), Some("01:00:5e:01:02:03"));
        assert_eq!(mac("ff02::12").as_deref(), Some("33:33:00:00:00:12"));
        assert_eq!(mac("192.0.2.1"), None);
        assert_eq!(mac("fe80::1"), None);
    }
}
