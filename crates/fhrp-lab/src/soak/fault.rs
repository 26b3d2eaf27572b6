//! The faults of a soak, as data.

use std::{fmt, time::Duration};

use super::parties::{Variation, name_of};

/// What befalls router `rN`, or a LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The daemon is killed, and started again over what it left.
    Kill { router: u8 },
    /// The same, but `fhrpd cleanup` runs in between.
    KillAndCleanUp { router: u8 },
    /// The daemon is asked to stop, and started again.
    Stop { router: u8 },
    /// The daemon gets no processor time.
    Stall { router: u8 },
    /// Its port in a LAN does not work.
    Port { router: u8, lan: u8, what: PortFault },
    /// Somebody deletes the virtual address of a group, by its place.
    AddressDeleted { router: u8, party: usize },
    /// Somebody deletes the macvlan of a group, by its place.
    DeviceDeleted { router: u8, party: usize },
    /// The interface has another IPv4 address.
    Renumbered { router: u8, lan: u8 },
    /// The interface has a smaller MTU.
    Mtu { router: u8, lan: u8 },
    /// The daemon is told to read another configuration.
    Reload { router: u8, to: Variation },
    /// A script says that the tracked object is down.
    Track { router: u8 },
    /// A host sends frames that are no good, so many a second.
    Flood { lan: u8, rate: u16 },
}

/// What can be wrong with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortFault {
    /// The link has no carrier: its switch side is down.
    Carrier,
    /// The interface is set down.
    Down,
    /// The switch does not forward; carrier stays.
    Silent,
    /// Frames are lost.
    Loss { permille: u16, way: Way },
}

/// Which frames of a port are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Those that the router sends.
    Out,
    /// Those that it is sent.
    In,
    /// All.
    Both,
}

/// Of the faults of a round, a router has one of each class: they would undo each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Process,
    Port(u8),
    Kernel,
    Configuration,
    Flood,
}

/// A fault, from the beginning of its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strike {
    /// When it begins.
    pub(super) at: Duration,
    /// When it is mended.
    pub(super) until: Duration,
    pub(super) fault: Fault,
}

impl Fault {
    /// The router that it befalls; 0 is none.
    pub(super) const fn router(self) -> u8 {
        match self {
            Self::Kill { router }
            | Self::KillAndCleanUp { router }
            | Self::Stop { router }
            | Self::Stall { router }
            | Self::Port { router, .. }
            | Self::AddressDeleted { router, .. }
            | Self::DeviceDeleted { router, .. }
            | Self::Renumbered { router, .. }
            | Self::Mtu { router, .. }
            | Self::Reload { router, .. }
            | Self::Track { router } => router,
            Self::Flood { .. } => 0,
        }
    }

    pub(super) const fn class(self) -> Class {
        match self {
            Self::Kill { .. } | Self::KillAndCleanUp { .. } | Self::Stop { .. } | Self::Stall { .. } => {
                Class::Process
            }
            Self::Port { lan, .. } => Class::Port(lan),
            Self::AddressDeleted { .. }
            | Self::DeviceDeleted { .. }
            | Self::Renumbered { .. }
            | Self::Mtu { .. } => Class::Kernel,
            Self::Reload { .. } | Self::Track { .. } => Class::Configuration,
            Self::Flood { .. } => Class::Flood,
        }
    }

    /// Whether the others may not hear the router in a LAN, or it not them, while it lasts.
    pub(super) fn deafens(self, router: u8, lan: u8) -> bool {
        self.router() == router
            && match self.class() {
                Class::Process => true,
                Class::Port(port) => port == lan,
                Class::Kernel | Class::Configuration | Class::Flood => false,
            }
    }

    /// Whether from then on nothing is heard of the router in a LAN.
    pub(super) fn silences(self, lan: u8) -> bool {
        match self {
            Self::Kill { .. } | Self::KillAndCleanUp { .. } => true,
            Self::Port { lan: port, what: PortFault::Carrier, .. } => port == lan,
            Self::Port { what: PortFault::Down | PortFault::Silent | PortFault::Loss { .. }, .. }
            | Self::Stop { .. }
            | Self::Stall { .. }
            | Self::AddressDeleted { .. }
            | Self::DeviceDeleted { .. }
            | Self::Renumbered { .. }
            | Self::Mtu { .. }
            | Self::Reload { .. }
            | Self::Track { .. }
            | Self::Flood { .. } => false,
        }
    }

    /// Whether it may change who succeeds whom in a LAN, and when.
    pub(super) fn touches(self, lan: u8) -> bool {
        match self.class() {
            Class::Port(port) => port == lan,
            Class::Process | Class::Kernel | Class::Configuration | Class::Flood => true,
        }
    }

    /// Its kind, for counting.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Kill { .. } => "kill",
            Self::KillAndCleanUp { .. } => "kill-cleanup",
            Self::Stop { .. } => "stop",
            Self::Stall { .. } => "stall",
            Self::Port { what, .. } => match what {
                PortFault::Carrier => "carrier",
                PortFault::Down => "interface",
                PortFault::Silent => "silent",
                PortFault::Loss { .. } => "loss",
            },
            Self::AddressDeleted { .. } => "address-deleted",
            Self::DeviceDeleted { .. } => "device-deleted",
            Self::Renumbered { .. } => "renumbered",
            Self::Mtu { .. } => "mtu",
            Self::Reload { to, .. } => match to {
                Variation::Ordinary => "reload",
                Variation::Priority { .. } => "priority",
                Variation::Without { .. } => "withdrawn",
                Variation::More => "added",
            },
            Self::Track { .. } => "track",
            Self::Flood { .. } => "flood",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Kill { router } => write!(f, "r{router} daemon killed, restarted over its leftovers"),
            Self::KillAndCleanUp { router } => {
                write!(f, "r{router} daemon killed, cleaned up after, restarted")
            }
            Self::Stop { router } => write!(f, "r{router} daemon stopped, restarted"),
            Self::Stall { router } => write!(f, "r{router} daemon stalled"),
            Self::Port { router, lan, what } => write!(f, "r{router} lan{lan} {what}"),
            Self::AddressDeleted { router, party } => {
                write!(f, "r{router} {}: virtual address deleted", name_of(party))
            }
            Self::DeviceDeleted { router, party } => {
                write!(f, "r{router} {}: macvlan deleted", name_of(party))
            }
            Self::Renumbered { router, lan } => write!(f, "r{router} lan{lan} has another IPv4 address"),
            Self::Mtu { router, lan } => write!(f, "r{router} lan{lan} has a smaller MTU"),
            Self::Reload { router, to } => write!(f, "r{router} reloaded {to}"),
            Self::Track { router } => write!(f, "r{router} tracked object down"),
            Self::Flood { lan, rate } => write!(f, "lan{lan} {rate} bad frames a second"),
        }
    }
}

impl fmt::Display for PortFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Carrier => f.write_str("without carrier"),
            Self::Down => f.write_str("set down"),
            Self::Silent => f.write_str("switch port forwards nothing"),
            Self::Loss { permille, way } => {
                let way = match way {
                    Way::Out => "sends",
                    Way::In => "is sent",
                    Way::Both => "sends and is sent",
                };
                write!(f, "loses {permille} of 1000 frames that it {way}")
            }
        }
    }
}
