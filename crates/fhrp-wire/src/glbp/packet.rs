use super::{ForwarderNumber, Forwarders, GroupNumber, Hello, InvalidPacket};
use crate::{Family, MacAddr};

/// What one router says, to its group or to one peer. Always legal: [`Packet::new`] and
/// [`parse`](super::parse) are the only ways to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    group: GroupNumber,
    owner: MacAddr,
    body: Body,
}

/// What kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opcode {
    /// To everyone in the group, periodically and at changes.
    Announcement,
    /// To the AVG: a router without a forwarder asks for one.
    Request,
    /// From the AVG, in answer.
    Response,
}

impl Opcode {
    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Announcement => 0,
            Self::Request => 1,
            Self::Response => 2,
        }
    }

    /// `None` above 2.
    pub(super) const fn read(octet: u8) -> Option<Self> {
        match octet {
            0 => Some(Self::Announcement),
            1 => Some(Self::Request),
            2 => Some(Self::Response),
            _ => None,
        }
    }
}

/// What the packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// By multicast. Not empty.
    Announcement {
        /// About the virtual gateway; absent when a change of forwarders is announced.
        hello: Option<Hello>,
        /// Those that the sender serves, or owns.
        forwarders: Forwarders,
    },
    /// By unicast to the AVG.
    Request,
    /// By unicast to who asked: the forwarder that it owns from now on.
    Response(ForwarderNumber),
}

impl Body {
    /// What kind of packet it makes.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Announcement { .. } => Opcode::Announcement,
            Self::Request => Opcode::Request,
            Self::Response(_) => Opcode::Response,
        }
    }
}

impl Packet {
    /// `owner` names the sender: it is the MAC address of its interface.
    ///
    /// # Errors
    /// [`InvalidPacket::OwnerId`], [`InvalidPacket::Empty`].
    pub fn new(group: GroupNumber, owner: MacAddr, body: Body) -> Result<Self, InvalidPacket> {
        if !is_owner_id(owner) {
            return Err(InvalidPacket::OwnerId(owner));
        }
        match &body {
            Body::Announcement { hello: None, forwarders } if forwarders.is_empty() => {
                Err(InvalidPacket::Empty)
            }
            Body::Announcement { .. } | Body::Request | Body::Response(_) => Ok(Self { group, owner, body }),
        }
    }

    /// Which group.
    #[must_use]
    pub const fn group(&self) -> GroupNumber {
        self.group
    }

    /// Who speaks: the MAC address of the sender's interface, wherever the frame came from.
    #[must_use]
    pub const fn owner(&self) -> MacAddr {
        self.owner
    }

    /// What it says.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// What kind of packet.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        self.body.opcode()
    }

    /// Family of the virtual address, where there is one.
    #[must_use]
    pub const fn family(&self) -> Option<Family> {
        match &self.body {
            Body::Announcement { hello: Some(hello), .. } => Some(hello.family()),
            Body::Announcement { hello: None, .. } | Body::Request | Body::Response(_) => None,
        }
    }
}

/// Responses are sent to it: neither a group nor nobody.
pub(super) fn is_owner_id(owner: MacAddr) -> bool {
    !owner.is_multicast() && owner != MacAddr::ZERO
}
