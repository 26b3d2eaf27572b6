use std::net::IpAddr;

use super::{Group, InvalidMessage, Timers, Version};
use crate::{Family, MacAddr};

/// What one router says about one group. Always legal: [`Message::new`] and [`parse`](super::parse) are the only
/// ways to make one.
///
/// ```text
/// version 1 (RFC 2281 §5.1)
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |   version 0   |    opcode     |     state     |   hello, s    |
/// |    hold, s    |   priority    |     group     |   reserved    |
/// |             authentication text, 8 octets                     |
/// |                    virtual IPv4 address                       |
///
/// version 2, Group State TLV
/// |    type 1     |   length 40   |   version 2   |    opcode     |
/// |     state     |   4 or 6      |             group             |
/// |              identifier, 6 octets             |
/// |           priority            |    (32 bits each)
/// |           hello, ms           |
/// |           hold, ms            |
/// |    virtual address, 16 octets; IPv4: the first four           |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    group: Group,
    opcode: Opcode,
    state: State,
    priority: u8,
    timers: Option<Timers>,
    identifier: Option<MacAddr>,
    address: Option<IpAddr>,
}

/// The purpose of a message (RFC 2281 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opcode {
    /// The sender runs and can become Active or Standby.
    Hello,
    /// The sender wants to become Active.
    Coup,
    /// The sender no longer wants to be Active.
    Resign,
}

/// State of the sender (RFC 2281 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Version 2 only: the group does not run. Version 1 has one number for this and [`State::Initial`].
    Disabled,
    /// The group begins, or its interface is down.
    Initial,
    /// The virtual address is not known yet.
    Learn,
    /// Neither Active nor Standby, and not asking.
    Listen,
    /// Takes part in the election.
    Speak,
    /// Next to become Active.
    Standby,
    /// Serves the virtual address.
    Active,
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// What it is about.
    pub group: Group,
    /// Its purpose.
    pub opcode: Opcode,
    /// State of the sender.
    pub state: State,
    /// Priority of the sender.
    pub priority: u8,
    /// The sender's timers, in the units of the group's version.
    pub timers: Timers,
    /// The sender's interface MAC; version 1 does not send it.
    pub identifier: MacAddr,
    /// The virtual address, of the group's family; `None` while it is unknown.
    pub address: Option<IpAddr>,
}

impl Message {
    /// The unspecified address means that the address is unknown.
    ///
    /// # Errors
    /// [`InvalidMessage`].
    pub fn new(parts: Parts) -> Result<Self, InvalidMessage> {
        let Parts { group, opcode, state, priority, timers, identifier, address } = parts;
        let (version, family) = (group.variant().version(), group.variant().family());
        if timers.version() != version {
            return Err(InvalidMessage::TimersVersion(version));
        }
        if address.is_some_and(|address| Family::of(&address) != family) {
            return Err(InvalidMessage::AddressFamily(family));
        }
        let (state, identifier) = match version {
            Version::V1 if state == State::Disabled => (State::Initial, None),
            Version::V1 => (state, None),
            Version::V2 => (state, Some(identifier)),
        };
        let address = address.filter(|address| !address.is_unspecified());
        Ok(Self { group, opcode, state, priority, timers: Some(timers), identifier, address })
    }

    /// A received message. The parser has checked that its fields fit together.
    pub(super) const fn received(parts: ReceivedParts) -> Self {
        let ReceivedParts { group, opcode, state, priority, timers, identifier, address } = parts;
        Self { group, opcode, state, priority, timers, identifier, address }
    }

    /// What it is about.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// Its purpose.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// State of the sender. Resign tells the state that it has entered, Coup the one that it leaves.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// Priority of the sender.
    #[must_use]
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// The sender's timers; `None` only in a received message whose hello time is 0.
    #[must_use]
    pub const fn timers(&self) -> Option<Timers> {
        self.timers
    }

    /// The sender's interface MAC; `None` in version 1.
    #[must_use]
    pub const fn identifier(&self) -> Option<MacAddr> {
        self.identifier
    }

    /// The virtual address, of the group's family; `None` while the sender does not know it.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

/// As [`Parts`], with what only received messages can lack.
pub(super) struct ReceivedParts {
    pub(super) group: Group,
    pub(super) opcode: Opcode,
    pub(super) state: State,
    pub(super) priority: u8,
    pub(super) timers: Option<Timers>,
    pub(super) identifier: Option<MacAddr>,
    pub(super) address: Option<IpAddr>,
}

impl Opcode {
    /// The number on the wire, the same in both versions.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Hello => 0,
            Self::Coup => 1,
            Self::Resign => 2,
        }
    }

    pub(super) fn of_wire(number: u8) -> Option<Self> {
        [Self::Hello, Self::Coup, Self::Resign].into_iter().find(|opcode| opcode.get() == number)
    }
}

impl State {
    const ALL: [Self; 7] =
        [Self::Disabled, Self::Initial, Self::Learn, Self::Listen, Self::Speak, Self::Standby, Self::Active];

    /// The number on the wire.
    pub(super) const fn to_wire(self, version: Version) -> u8 {
        match (version, self) {
            (Version::V1 | Version::V2, Self::Disabled) | (Version::V1, Self::Initial) => 0,
            (Version::V1, Self::Learn) | (Version::V2, Self::Initial) => 1,
            (Version::V1, Self::Listen) | (Version::V2, Self::Learn) => 2,
            (Version::V2, Self::Listen) => 3,
            (Version::V1 | Version::V2, Self::Speak) => 4,
            (Version::V2, Self::Standby) => 5,
            (Version::V2, Self::Active) => 6,
            (Version::V1, Self::Standby) => 8,
            (Version::V1, Self::Active) => 16,
        }
    }

    pub(super) fn of_wire(version: Version, number: u8) -> Option<Self> {
        let found = Self::ALL.into_iter().find(|state| state.to_wire(version) == number)?;
        match (version, found) {
            (Version::V1, Self::Disabled) => Some(Self::Initial),
            (Version::V1 | Version::V2, found) => Some(found),
        }
    }
}
