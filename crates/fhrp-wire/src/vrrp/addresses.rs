use std::fmt;
use std::net::IpAddr;
use std::slice;

use super::InvalidAdvertisement;
use crate::Family;

/// The virtual addresses of one advertisement: 1 to 255 of one family, the first IPv6 one link-local.
///
/// A view: either of a configured list or of the octets of a received packet.
#[derive(Clone, Copy)]
pub struct Addresses<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    List(Family, &'a [IpAddr]),
    WireV4(&'a [[u8; 4]]),
    WireV6(&'a [[u8; 16]]),
}

impl<'a> Addresses<'a> {
    /// A view of `list`, in the order it will be sent.
    ///
    /// # Errors
    /// Every variant of [`InvalidAdvertisement`] that is about addresses.
    pub fn new(list: &'a [IpAddr]) -> Result<Self, InvalidAdvertisement> {
        let first = list.first().ok_or(InvalidAdvertisement::NoAddress)?;
        let family = Family::of(first);
        if list.iter().any(|address| Family::of(address) != family) {
            return Err(InvalidAdvertisement::MixedFamilies);
        }
        if list.len() > usize::from(u8::MAX) {
            return Err(InvalidAdvertisement::TooManyAddresses { count: list.len() });
        }
        let addresses = Self(Repr::List(family, list));
        if addresses.breaks_link_local_rule() {
            return Err(InvalidAdvertisement::FirstAddressNotLinkLocal);
        }
        Ok(addresses)
    }

    /// A view of received octets. The parser checks what [`Addresses::new`] checks, in the order of the protocol.
    pub(super) fn from_wire(family: Family, octets: &'a [u8]) -> Self {
        Self(match family {
            Family::V4 => Repr::WireV4(octets.as_chunks().0),
            Family::V6 => Repr::WireV6(octets.as_chunks().0),
        })
    }

    /// RFC 9568 §5.2.9, erratum 8300.
    pub(super) fn breaks_link_local_rule(self) -> bool {
        match self.iter().next() {
            Some(IpAddr::V6(first)) => !first.is_unicast_link_local(),
            Some(IpAddr::V4(_)) | None => false,
        }
    }

    /// The family of all of them.
    #[must_use]
    pub const fn family(self) -> Family {
        match self.0 {
            Repr::List(family, _) => family,
            Repr::WireV4(_) => Family::V4,
            Repr::WireV6(_) => Family::V6,
        }
    }

    /// How many, 1 to 255.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub const fn len(self) -> usize {
        match self.0 {
            Repr::List(_, list) => list.len(),
            Repr::WireV4(list) => list.len(),
            Repr::WireV6(list) => list.len(),
        }
    }

    /// In the order of the packet.
    #[must_use]
    pub fn iter(self) -> AddressIter<'a> {
        AddressIter(match self.0 {
            Repr::List(_, list) => Iter::List(list.iter()),
            Repr::WireV4(list) => Iter::WireV4(list.iter()),
            Repr::WireV6(list) => Iter::WireV6(list.iter()),
        })
    }

    /// Whether these are the `configured` addresses, in whatever order: implementations sort differently.
    #[must_use]
    pub fn matches(self, configured: &[IpAddr]) -> bool {
        if self.len() != configured.len() {
            return false;
        }
        self.iter().eq(configured.iter().copied())
            || (self.iter().all(|address| configured.contains(&address))
                && configured.iter().all(|address| self.iter().any(|ours| ours == *address)))
    }
}

impl PartialEq for Addresses<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Addresses<'_> {}

impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for Addresses<'a> {
    type Item = IpAddr;
    type IntoIter = AddressIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The addresses one by one.
#[derive(Clone, Debug)]
pub struct AddressIter<'a>(Iter<'a>);

#[derive(Clone, Debug)]
enum Iter<'a> {
    List(slice::Iter<'a, IpAddr>),
    WireV4(slice::Iter<'a, [u8; 4]>),
    WireV6(slice::Iter<'a, [u8; 16]>),
}

impl Iterator for AddressIter<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        match &mut self.0 {
            Iter::List(list) => list.next().copied(),
            Iter::WireV4(list) => list.next().map(|octets| IpAddr::from(*octets)),
            Iter::WireV6(list) => list.next().map(|octets| IpAddr::from(*octets)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &[&str]) -> Vec<IpAddr> {
        text.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn illegal_lists_are_refused() {
        let error = |text: &[&str]| Addresses::new(&list(text)).map(Addresses::len).unwrap_err();
        assert_eq!(error(&[]), InvalidAdvertisement::NoAddress);
        assert_eq!(error(&["10.0.0.1", "fe80::1"]), InvalidAdvertisement::MixedFamilies);
        assert_eq!(error(&["fd00::1", "fe80::1"]), InvalidAdvertisement::FirstAddressNotLinkLocal);
        assert_eq!(error(&["10.0.0.1"; 256]), InvalidAdvertisement::TooManyAddresses { count: 256 });
    }

    #[test]
    fn the_longest_list_is_accepted() {
        assert_eq!(Addresses::new(&list(&["10.0.0.1"; 255])).unwrap().len(), 255);
    }

    #[test]
    fn link_local_is_a_prefix_of_ten_bits() {
        for (first, legal) in
            [("fe80::", true), ("febf:ffff::1", true), ("fec0::1", false), ("fe7f::1", false)]
        {
            assert_eq!(Addresses::new(&list(&[first])).is_ok(), legal, "{first}");
        }
    }

    #[test]
    fn order_does_not_matter_but_number_does() {
        let configured = list(&["10.0.0.1", "10.0.0.2"]);
        let matches = |octets: &[u8]| Addresses::from_wire(Family::V4, octets).matches(&configured);
        assert!(matches(&[10, 0, 0, 1, 10, 0, 0, 2]));
        assert!(matches(&[10, 0, 0, 2, 10, 0, 0, 1]));
        assert!(!matches(&[10, 0, 0, 1, 10, 0, 0, 1]));
        assert!(!matches(&[10, 0, 0, 1]));
        assert!(!matches(&[10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 2]));
        let repeated = list(&["10.0.0.1", "10.0.0.1"]);
        assert!(!Addresses::from_wire(Family::V4, &[10, 0, 0, 1, 10, 0, 0, 2]).matches(&repeated));
    }

    #[test]
    fn both_views_are_equal() {
        let configured = list(&["fe80::1", "fd00::2"]);
        let mut octets = Vec::new();
        for address in &configured {
            let IpAddr::V6(address) = address else { panic!("IPv6 only") };
            octets.extend_from_slice(&address.octets());
        }
        let wire = Addresses::from_wire(Family::V6, &octets);
        assert_eq!(wire, Addresses::new(&configured).unwrap());
        assert_eq!(wire.family(), Family::V6);
        assert_eq!(format!("{wire:?}"), "[fe80::1, fd00::2]");
    }
}
