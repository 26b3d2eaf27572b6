use thiserror::Error;

use super::Version;
use crate::Family;

/// The first rule that a received VRRP payload breaks. One variant per rule, in the order of checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// Source and destination of the carrying IP header are of two families.
    #[error("source and destination address are of different families")]
    MixedFamilies,
    /// Not even the fixed part of the header.
    #[error("{actual} octets are too few for a VRRP header of 8")]
    TooShort {
        /// Octets received.
        actual: usize,
    },
    /// CARP, which shares protocol 112 and the first octet of VRRPv2.
    #[error("a CARP packet, not VRRP")]
    Carp,
    /// Neither version 2 nor version 3 (RFC 9568 §7.1).
    #[error("unknown VRRP version {0}")]
    Version(u8),
    /// Version 2 knows IPv4 only (RFC 3768 §1).
    #[error("VRRP version {0} is not defined over {1}")]
    VersionNotForFamily(Version, Family),
    /// Not an advertisement, the only type (RFC 9568 §5.2.2).
    #[error("unknown VRRP packet type {0}")]
    Type(u8),
    /// The payload is not as long as its count of addresses demands (RFC 9568 §7.1).
    #[error("{actual} octets where the header announces {expected}")]
    Length {
        /// Octets that version, address count and authentication type add up to.
        expected: usize,
        /// Octets received.
        actual: usize,
    },
    /// The checksum is wrong in every form (RFC 9568 §5.2.8).
    #[error("wrong checksum")]
    Checksum,
    /// VRID 0 names no Virtual Router (RFC 9568 §5.2.3).
    #[error("virtual router identifier 0")]
    VridZero,
    /// No address (RFC 9568 §5.2.5, erratum 8299).
    #[error("the advertisement carries no address")]
    CountZero,
    /// Interval 0 (RFC 9568 §5.2.7, erratum 8301).
    #[error("the advertisement interval is 0")]
    IntervalZero,
    /// Version 2, authentication type 254: the block after the message has another shape than Cisco's.
    #[error("malformed MD5 authentication block")]
    Md5Block,
    /// The first IPv6 address is not in fe80::/10 (RFC 9568 §5.2.9, erratum 8300).
    #[error("the first IPv6 address is not link-local")]
    FirstAddressNotLinkLocal,
}

/// These parts do not make a legal advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidAdvertisement {
    /// At least one address is needed (RFC 9568 §5.2.5).
    #[error("an advertisement needs at least one address")]
    NoAddress,
    /// The count has one octet.
    #[error("an advertisement holds at most 255 addresses, not {count}")]
    TooManyAddresses {
        /// Addresses given.
        count: usize,
    },
    /// A Virtual Router has one family (RFC 9568 §5.2.9).
    #[error("the addresses are of different families")]
    MixedFamilies,
    /// The first IPv6 address must be link-local (RFC 9568 §5.2.9, erratum 8300).
    #[error("the first IPv6 address is not link-local")]
    FirstAddressNotLinkLocal,
    /// Version 2 knows IPv4 only.
    #[error("VRRP version 2 is not defined over IPv6")]
    Version2OverIpv6,
}

/// The addresses in the advertisement and those of the IP header are of different families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the addresses of the packet and of the advertisement are of different families")]
pub struct FamilyMismatch;
