use std::fmt;

use super::Variant;
use crate::MacAddr;

/// A group: its number, 0 to 255 in version 1 and 0 to 4095 in version 2, and the variant it is a group of.
///
/// Groups of different variants have nothing to do with each other, whatever their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    variant: Variant,
    number: u16,
}

impl Group {
    /// `None` above [`Variant::max_group`].
    #[must_use]
    pub const fn new(variant: Variant, number: u16) -> Option<Self> {
        if number <= variant.max_group() { Some(Self { variant, number }) } else { None }
    }

    /// Version and family.
    #[must_use]
    pub const fn variant(self) -> Variant {
        self.variant
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// The group's Ethernet address: `00-00-0C-07-AC-xx` in version 1 (RFC 2281 §5.4), `00-00-0C-9F-Fx-xx` in
    /// version 2, `00-05-73-A0-0x-xx` in version 2 over IPv6.
    #[must_use]
    pub const fn virtual_mac(self) -> MacAddr {
        let [high, low] = self.number.to_be_bytes();
        match self.variant {
            Variant::V1 => MacAddr([0x00, 0x00, 0x0c, 0x07, 0xac, low]),
            Variant::V2Ipv4 => MacAddr([0x00, 0x00, 0x0c, 0x9f, 0xf0 | high, low]),
            Variant::V2Ipv6 => MacAddr([0x00, 0x05, 0x73, 0xa0, high, low]),
        }
    }

    /// The group whose virtual MAC this is.
    #[must_use]
    pub const fn of_virtual_mac(mac: MacAddr) -> Option<Self> {
        match mac.octets() {
            [0x00, 0x00, 0x0c, 0x07, 0xac, low] => Self::new(Variant::V1, u16::from_be_bytes([0, low])),
            [0x00, 0x00, 0x0c, 0x9f, high @ 0xf0..=0xff, low] => {
                Self::new(Variant::V2Ipv4, u16::from_be_bytes([high & 0x0f, low]))
            }
            [0x00, 0x05, 0x73, 0xa0, high, low] => {
                Self::new(Variant::V2Ipv6, u16::from_be_bytes([high, low]))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number, f)
    }
}

/// Whether this is the virtual MAC of some HSRP group.
#[must_use]
pub const fn is_virtual_mac(mac: MacAddr) -> bool {
    Group::of_virtual_mac(mac).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(variant: Variant, number: u16) -> String {
        Group::new(variant, number).unwrap().virtual_mac().to_string()
    }

    #[test]
    fn virtual_macs() {
        assert_eq!(mac(Variant::V1, 0), "00:00:0c:07:ac:00");
        assert_eq!(mac(Variant::V1, 255), "00:00:0c:07:ac:ff");
        assert_eq!(mac(Variant::V2Ipv4, 103), "00:00:0c:9f:f0:67");
        assert_eq!(mac(Variant::V2Ipv4, 4095), "00:00:0c:9f:ff:ff");
        assert_eq!(mac(Variant::V2Ipv6, 16), "00:05:73:a0:00:10");
        assert_eq!(mac(Variant::V2Ipv6, 4095), "00:05:73:a0:0f:ff");
    }

    #[test]
    fn numbers_end_where_the_macs_do() {
        assert_eq!(Group::new(Variant::V1, 256), None);
        assert_eq!(Group::new(Variant::V2Ipv4, 4096), None);
        assert_eq!(Group::new(Variant::V2Ipv6, 4096), None);
    }

    #[test]
    fn every_virtual_mac_names_its_group() {
        for variant in [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6] {
            for number in 0..=variant.max_group() {
                let group = Group::new(variant, number).unwrap();
                assert_eq!(Group::of_virtual_mac(group.virtual_mac()), Some(group));
                assert!(is_virtual_mac(group.virtual_mac()));
            }
        }
        for other in ["00:00:0c:07:ab:01", "00:00:0c:9f:ef:01", "00:05:73:a0:10:00", "00:00:5e:00:01:01"] {
            assert!(!is_virtual_mac(other.parse().unwrap()), "{other}");
        }
    }
}
