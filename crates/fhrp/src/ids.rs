//! Names of things: interfaces, groups, seats.

use std::fmt;
use std::sync::Arc;

use fhrp_wire::Family;

/// The kernel's number of an interface; changes when the interface is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct IfIndex(pub u32);

/// The name of an interface, as configured; stays when the interface is made anew. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct InterfaceName(Arc<str>);

impl InterfaceName {
    /// Takes any text: whether an interface of that name exists is found out at run time.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for InterfaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A first-hop redundancy protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Protocol {
    /// VRRP, both versions (RFC 9568, RFC 3768).
    Vrrp,
    /// HSRP, both versions (RFC 2281).
    Hsrp,
    /// GLBP.
    Glbp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vrrp => "vrrp",
            Self::Hsrp => "hsrp",
            Self::Glbp => "glbp",
        })
    }
}

/// A set of protocols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Protocols(u8);

impl Protocols {
    /// The set with `protocol` in it.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        Self(self.0 | Self::bit(protocol))
    }

    /// Whether `protocol` is in it.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.0 & Self::bit(protocol) != 0
    }

    /// Whether none is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    const fn bit(protocol: Protocol) -> u8 {
        match protocol {
            Protocol::Vrrp => 1,
            Protocol::Hsrp => 2,
            Protocol::Glbp => 4,
        }
    }
}

impl FromIterator<Protocol> for Protocols {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        protocols.into_iter().fold(Self::default(), Self::with)
    }
}

/// One group: for VRRP a Virtual Router. IPv4 and IPv6 with the same number are two groups (RFC 9568 §1.7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct GroupId {
    /// Where it runs.
    pub interface: InterfaceName,
    /// What it speaks.
    pub protocol: Protocol,
    /// The family of its virtual addresses.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::status::family_number"))]
    pub family: Family,
    /// VRRP: the VRID, 1–255. HSRP: the group, 0–255 in version 1, 0–4095 in version 2. GLBP: the group, 0–1023.
    pub number: u16,
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.family {
            Family::V4 => "ipv4",
            Family::V6 => "ipv6",
        };
        write!(f, "{} {} {family} {}", self.protocol, self.interface, self.number)
    }
}

/// One thing that can be active: a group, or later one of a group's forwarders. Given out by the engine, never used
/// again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeatId(pub(crate) u32);

impl SeatId {
    /// A seat for tests of backends; the engine makes its own.
    #[must_use]
    pub fn from_raw(number: u32) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let all = [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp];
        assert!(Protocols::default().is_empty());
        for (at, one) in all.into_iter().enumerate() {
            let only = Protocols::default().with(one);
            assert!(!only.is_empty());
            assert_eq!(only.with(one), only, "twice is once");
            for (other_at, other) in all.into_iter().enumerate() {
                assert_eq!(only.contains(other), at == other_at, "{one} {other}");
                let others: Protocols = all.into_iter().filter(|another| *another != other).collect();
                assert_eq!(others.contains(one), at != other_at, "{one} {other}");
            }
        }
    }

    #[test]
    fn ids_print_as_logs_show_them() {
        let interface = InterfaceName::new("eth0");
        let id = |protocol, family| GroupId { interface: interface.clone(), protocol, family, number: 10 };
        for (id, text) in [
            (id(Protocol::Vrrp, Family::V4), "vrrp eth0 ipv4 10"),
            (id(Protocol::Hsrp, Family::V6), "hsrp eth0 ipv6 10"),
            (id(Protocol::Glbp, Family::V4), "glbp eth0 ipv4 10"),
        ] {
            assert_eq!(id.to_string(), text);
        }
    }
}
