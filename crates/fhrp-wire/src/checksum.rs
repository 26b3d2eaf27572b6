//! The Internet checksum (RFC 1071): one's complement sums over 16-bit words.

use std::net::IpAddr;

/// A running one's complement sum. Octets of odd number count as padded with one zero octet, so only the last
/// piece added may have an odd length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum(u16);

impl Sum {
    /// The sum of a message whose checksum field was filled in correctly.
    pub(crate) const VALID: Self = Self(0xffff);

    pub(crate) fn of(octets: &[u8]) -> Self {
        Self::default().add(octets)
    }

    /// The pseudo-header of IPv6 (RFC 8200 §8.1), or its IPv4 counterpart (RFC 768). Both reduce to the same
    /// sum: addresses, upper-layer length, protocol; zero octets do not matter.
    pub(crate) fn of_pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: u32) -> Self {
        Self::default()
            .add_address(source)
            .add_address(destination)
            .add(&length.to_be_bytes())
            .add(&u16::from(protocol).to_be_bytes())
    }

    #[must_use]
    pub(crate) fn add(self, octets: &[u8]) -> Self {
        let (words, odd) = octets.as_chunks::<2>();
        let sum = words.iter().fold(self, |sum, word| sum.add_word(u16::from_be_bytes(*word)));
        match odd.first() {
            Some(last) => sum.add_word(u16::from_be_bytes([*last, 0])),
            None => sum,
        }
    }

    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        self.add_word(other.0)
    }

    /// What goes into the checksum field, when the field itself was summed as zero.
    #[must_use]
    pub(crate) const fn complement(self) -> [u8; 2] {
        (!self.0).to_be_bytes()
    }

    fn add_address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.add(&address.octets()),
            IpAddr::V6(address) => self.add(&address.octets()),
        }
    }

    const fn add_word(self, word: u16) -> Self {
        let (sum, carry) = self.0.overflowing_add(word);
        // After a carry the sum is at most 0xfffe, so this never wraps.
        Self(if carry { sum.wrapping_add(1) } else { sum })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071 §3: the sum of these four words is ddf2, the checksum 220d.
    #[test]
    fn rfc_1071_example() {
        let sum = Sum::of(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum, Sum(0xddf2));
        assert_eq!(sum.complement(), [0x22, 0x0d]);
        assert_eq!(sum.add(&sum.complement()), Sum::VALID);
    }

    #[test]
    fn odd_octet_is_padded_on_the_right() {
        assert_eq!(Sum::of(&[0x12]), Sum(0x1200));
        assert_eq!(Sum::of(&[0xff, 0xff, 0x00, 0x01]), Sum(0x0001));
    }

    /// 10.0.0.1 + 224.0.0.18 + 12 + 112: 0a00 + 0001 + e000 + 0012 + 000c + 0070 = ea8f.
    #[test]
    fn pseudo_header() {
        let sum = Sum::of_pseudo_header("10.0.0.1".parse().unwrap(), "224.0.0.18".parse().unwrap(), 112, 12);
        assert_eq!(sum, Sum(0xea8f));
        assert_eq!(Sum(0xea8f).plus(Sum(0x1571)), Sum(0x0001));
    }
}
