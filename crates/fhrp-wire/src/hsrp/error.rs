use std::time::Duration;

use thiserror::Error;

use super::Version;
use crate::Family;

/// The first rule that a received HSRP payload breaks. One variant per rule.
///
/// Two oddities are no errors but [`Remarks`](super::Remarks): a router that sends them must still be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum DecodeError {
    /// Version 1: not even the fixed part of the message.
    #[error("{actual} octets are too few for an HSRP version 1 message")]
    TooShort {
        /// Octets received.
        actual: usize,
    },
    /// Not the version that belongs to the destination address: 0 for version 1 (RFC 2281 §5.1), 2 for version 2.
    #[error("unknown HSRP version {0}")]
    Version(u8),
    /// Neither Hello, Coup nor Resign, nor the Advertise of version 1.
    #[error("unknown HSRP opcode {0}")]
    Opcode(u8),
    /// No state has this number.
    #[error("unknown HSRP state {0}")]
    State(u8),
    /// Version 1, Advertise: not about the interface state.
    #[error("unknown HSRP advertisement type {0}")]
    AdvertiseType(u16),
    /// Version 1, Advertise: not 14.
    #[error("HSRP advertisement length {0} instead of 14")]
    AdvertiseLength(u16),
    /// Version 1, Advertise: neither dormant, passive nor active.
    #[error("unknown HSRP interface state {0}")]
    InterfaceState(u8),
    /// The message ends inside a TLV.
    #[error("the message is too short for its TLVs")]
    TlvTooShort,
    /// A known TLV of another length than its own.
    #[error("length {length} of TLV {kind}")]
    TlvLength {
        /// Type of the TLV.
        kind: u8,
        /// What its length octet says.
        length: u8,
    },
    /// A known TLV for the second time.
    #[error("TLV {0} is repeated")]
    TlvRepeated(u8),
    /// Both text and MD5 authentication TLVs.
    #[error("two kinds of authentication")]
    TwoAuthentications,
    /// The MD5 authentication TLV names another algorithm or flags.
    #[error("malformed MD5 authentication")]
    Md5Block,
    /// Version 2: neither a Group State nor an Interface State TLV.
    #[error("neither a group state nor an interface state")]
    NoState,
    /// Version 2: the IP version field is not that of the carrying packet.
    #[error("IP version {0} is not that of the packet")]
    IpVersion(u8),
    /// Version 2: above 4095.
    #[error("group {0} is above 4095")]
    Group(u16),
}

/// These timers cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTimers {
    /// 0, or more than the field can hold: 255 s in version 1, 2^32 - 1 ms in version 2.
    #[error("HSRP version {version} cannot express {duration:?}")]
    Range {
        /// The version.
        version: Version,
        /// Hello or hold time.
        duration: Duration,
    },
    /// Version 1 has whole seconds, version 2 whole milliseconds.
    #[error("HSRP version {version} cannot express the fraction in {duration:?}")]
    Fraction {
        /// The version.
        version: Version,
        /// Hello or hold time.
        duration: Duration,
    },
    /// The hold time must be longer than the hello time (RFC 2281 §5.1).
    #[error("a hold time of {hold:?} is not longer than a hello time of {hello:?}")]
    HoldNotLonger {
        /// The hello time.
        hello: Duration,
        /// The hold time.
        hold: Duration,
    },
}

/// These parts do not make a legal message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidMessage {
    /// The virtual address is of another family than the group.
    #[error("the virtual address is not of the group's family, {0}")]
    AddressFamily(Family),
    /// The timers are those of the other version.
    #[error("timers for a group of HSRP version {0} in the units of the other version")]
    TimersVersion(Version),
}
