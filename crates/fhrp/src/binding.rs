//! What a group wants of the dataplane.

use std::net::IpAddr;
use std::sync::Arc;

use fhrp_wire::{Family, MacAddr};

use crate::{GroupId, IfIndex};

/// The whole wish of one seat, never a change to it: a backend makes the kernel look like this, whatever it looked
/// like before. A pure function of the group's configuration and state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Whose wish it is; for names and messages.
    pub group: GroupId,
    /// The interface that faces the hosts.
    pub interface: IfIndex,
    /// The virtual MAC; `None` puts the addresses on the interface itself.
    pub mac: Option<MacAddr>,
    /// The virtual addresses, all of one family; an IPv6 list begins with the virtual link-local (RFC 9568 §5.2.9).
    pub addresses: Arc<[IpAddr]>,
    /// Those of `addresses` that the interface has of its own: this router is their owner.
    pub owned: Arc<[IpAddr]>,
    /// Whether frames to the virtual MAC are routed and the addresses are held.
    pub gate: Gate,
    /// Whether packets to the virtual addresses are accepted.
    pub acceptance: Acceptance,
    /// Who answers ARP and ND for the addresses.
    pub responder: Responder,
}

impl Binding {
    /// The family of the addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        self.group.family
    }
}

/// The gate in front of a virtual MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everything is prepared; no address is held, no frame to the virtual MAC is routed (RFC 9568 §6.4.2).
    Closed,
    /// This router is Active: addresses held, frames to the virtual MAC routed (RFC 9568 §6.4.3).
    Open,
}

/// Accept_Mode, with the owner's duty to accept folded in (RFC 9568 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Packets to the virtual addresses are dropped, ND excepted.
    Deny,
    /// They are delivered to this router.
    Allow,
}

/// Who answers hosts that resolve a virtual address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responder {
    /// The kernel, with the virtual MAC.
    Kernel,
    /// The engine; the kernel must stay silent.
    Engine,
}

/// Counts the wishes of a seat, so that a late acknowledgement of an older wish is known as such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// Why a wish could not be carried out; text for the operator, made by the backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProgramFault(pub Arc<str>);
