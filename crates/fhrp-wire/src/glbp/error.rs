use std::net::IpAddr;

use thiserror::Error;

use super::ForwarderNumber;
use crate::{Family, MacAddr};

/// The first rule that a received payload breaks. One variant per rule: those of the header first, then those of
/// the TLVs in the order of the packet, last those on all TLVs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// Not even the header.
    #[error("{actual} octets are too few for a GLBP header of 12")]
    TooShort {
        /// Octets received.
        actual: usize,
    },
    /// Not version 1.
    #[error("unknown GLBP version {0}")]
    Version(u8),
    /// Neither announcement, request nor response.
    #[error("unknown GLBP opcode {0}")]
    Opcode(u8),
    /// Groups have ten bits.
    #[error("group {0} is above 1023")]
    Group(u16),
    /// No interface has this address.
    #[error("the owner id {0} is not the address of an interface")]
    OwnerId(MacAddr),
    /// The length includes the two octets of type and length.
    #[error("a TLV of length {0} is shorter than its head")]
    TlvLength(u8),
    /// The packet ends within a TLV.
    #[error("a TLV of {announced} octets where {left} are left")]
    TlvPastEnd {
        /// Its length, or 2 where not even that is left.
        announced: usize,
        /// Octets left, its head included.
        left: usize,
    },
    /// Authentication, nonces and hello come once.
    #[error("a second TLV of type {0}")]
    DuplicateTlv(u8),
    /// Authentication: lengths that do not fit each other or the type.
    #[error("malformed authentication of type {auth_type:?} in {actual} octets")]
    AuthLayout {
        /// `None` if it is too short for a type.
        auth_type: Option<u8>,
        /// Octets of the TLV.
        actual: usize,
    },
    /// Authentication: none of the types 0 to 3.
    #[error("unknown authentication type {0}")]
    AuthType(u8),
    /// Nonces: the TLV is not as long as its count of peers demands.
    #[error("{actual} octets for the nonces of {count} peers")]
    NonceLength {
        /// Peers announced, 0 if it is too short for a count.
        count: u8,
        /// Octets of the TLV.
        actual: usize,
    },
    /// Hello: neither 28 octets with an IPv4 address nor 40 with an IPv6 one.
    #[error("a hello of {actual} octets")]
    HelloLength {
        /// Octets of the TLV.
        actual: usize,
    },
    /// Hello: the virtual address is neither of type 1, IPv4, nor of type 2, IPv6.
    #[error("unknown address type {0}")]
    AddressType(u8),
    /// Hello: the length of the virtual address is not that of its type.
    #[error("an {family} address of {actual} octets")]
    AddressLength {
        /// The address type.
        family: Family,
        /// Octets announced.
        actual: u8,
    },
    /// Hello: the virtual address is not of the family of the packet around it.
    #[error("an {0} virtual address in a packet of the other family")]
    AddressFamily(Family),
    /// Hello: none of Listen, Speak, Standby, Active.
    #[error("unknown state {0:#04x} of a virtual gateway")]
    VgState(u8),
    /// Hello: a router that sends without a pause.
    #[error("the hello time is 0")]
    HelloTimeZero,
    /// Hello: a router that is given up before it can speak again.
    #[error("a hold time of {hold}ms does not exceed the hello time of {hello}ms")]
    HoldTime {
        /// In milliseconds.
        hello: u32,
        /// In milliseconds.
        hold: u32,
    },
    /// Hello: unspecified, loopback, multicast or broadcast.
    #[error("the virtual address {0} cannot be a gateway's")]
    VirtualAddress(IpAddr),
    /// Forwarder: not 20 octets.
    #[error("a forwarder of {actual} octets")]
    ForwarderLength {
        /// Octets of the TLV.
        actual: usize,
    },
    /// Forwarder: not 1 to 4; in a request, not 0.
    #[error("forwarder number {0}")]
    ForwarderNumber(u8),
    /// Forwarder: the virtual MAC is not the one of this group and number.
    #[error("{mac} is not the virtual MAC of forwarder {number} of this group")]
    ForwarderMac {
        /// The forwarder's number.
        number: ForwarderNumber,
        /// The address received.
        mac: MacAddr,
    },
    /// An announcement of nothing but forwarders that are neither Listen nor Active.
    #[error("unknown state {0:#04x} of a virtual forwarder")]
    VfState(u8),
    /// Forwarder: two say something about the same one.
    #[error("forwarder {0} is there twice")]
    DuplicateForwarder(ForwarderNumber),
    /// A request or response without exactly one forwarder.
    #[error("a request or response with {actual} forwarders")]
    ForwarderCount {
        /// How many.
        actual: usize,
    },
    /// An announcement without hello and forwarder.
    #[error("an announcement that says nothing")]
    Empty,
}

/// These parts do not make a legal packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPacket {
    /// The owner id is the address of an interface.
    #[error("the owner id {0} is not the address of an interface")]
    OwnerId(MacAddr),
    /// An announcement needs a hello or a forwarder.
    #[error("an announcement without hello and forwarder")]
    Empty,
    /// A router must be heard within its hold time.
    #[error("a hold time of {hold}ms does not exceed the hello time of {hello}ms")]
    HoldTime {
        /// In milliseconds.
        hello: u32,
        /// In milliseconds.
        hold: u32,
    },
    /// Unspecified, loopback, multicast or broadcast.
    #[error("the virtual address {0} cannot be a gateway's")]
    VirtualAddress(IpAddr),
    /// One packet says one thing about a forwarder.
    #[error("forwarder {0} is there twice")]
    DuplicateForwarder(ForwarderNumber),
    /// The length of a TLV has one octet.
    #[error("a packet holds the nonces of at most 20 peers, not {count}")]
    TooManyPeers {
        /// Peers given.
        count: usize,
    },
}

/// The virtual address and the source of the IP header are of different families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the virtual address and the packet's source are of different families")]
pub struct FamilyMismatch;
