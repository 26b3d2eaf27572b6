/// What a router says about an interface: version 1's Advertise, or the Interface State TLV of version 2.
///
/// For information only: some routers count otherwise than described here. Never authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceState {
    /// Version 1.
    V1 {
        /// The sum of it.
        activity: InterfaceActivity,
        /// Groups in which the sender is Active.
        active: u16,
        /// All its other groups on the interface.
        passive: u16,
    },
    /// Version 2.
    V2 {
        /// Groups in which the sender is Active.
        active: u16,
        /// All its other groups on the interface.
        passive: u16,
    },
}

/// Version 1: what the groups of an interface come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceActivity {
    /// No group runs.
    Dormant,
    /// Groups run, none is Active.
    Passive,
    /// Some group is Active.
    Active,
}

impl InterfaceActivity {
    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Dormant => 1,
            Self::Passive => 2,
            Self::Active => 3,
        }
    }

    pub(super) fn of_wire(number: u8) -> Option<Self> {
        [Self::Dormant, Self::Passive, Self::Active].into_iter().find(|activity| activity.get() == number)
    }
}
