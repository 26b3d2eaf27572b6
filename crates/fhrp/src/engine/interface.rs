//! One interface: its state, which group each VRID names, its counters, its announcements.

use std::sync::Arc;

use fhrp_wire::Family;

use crate::pacer::Pacer;
use crate::{IfIndex, InterfaceStats, LinkState};

/// No group.
const NONE: u32 = u32::MAX;

/// VRID -> slot, for one family; found without a search.
#[derive(Debug)]
struct Directory(Box<[u32; 256]>);

impl Default for Directory {
    fn default() -> Self {
        Self(Box::new([NONE; 256]))
    }
}

/// An announcement that waits for its turn: the slot of a group, and which of its addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announcement {
    pub(super) slot: usize,
    pub(super) address: usize,
}

#[derive(Debug, Default)]
pub(super) struct Interface {
    /// `None` while it does not exist.
    pub(super) link: Option<Arc<LinkState>>,
    pub(super) stats: InterfaceStats,
    pub(super) pacer: Pacer<Announcement>,
    /// Frames cannot be received; tried again with the first group that tries again.
    pub(super) attach_failed: bool,
    ipv4: Directory,
    ipv6: Directory,
    groups: usize,
}

impl Interface {
    /// Enters a group; the index to attach to if it is the first.
    pub(super) fn enlist(&mut self, family: Family, number: u16, slot: usize) -> Option<IfIndex> {
        if let Some(entry) = self.entry(family, number) {
            *entry = u32::try_from(slot).unwrap_or(NONE);
        }
        self.groups += 1;
        self.link.as_ref().filter(|_| self.groups == 1).map(|link| link.index)
    }

    /// Strikes a group; the index to detach from if it was the last.
    pub(super) fn dismiss(&mut self, family: Family, number: u16) -> Option<IfIndex> {
        if let Some(entry) = self.entry(family, number) {
            *entry = NONE;
        }
        self.groups = self.groups.saturating_sub(1);
        self.link.as_ref().filter(|_| self.groups == 0).map(|link| link.index)
    }

    pub(super) fn has_groups(&self) -> bool {
        self.groups > 0
    }

    /// The slot of the group with this number.
    pub(super) fn find(&self, family: Family, number: u8) -> Option<usize> {
        let directory = match family {
            Family::V4 => &self.ipv4,
            Family::V6 => &self.ipv6,
        };
        directory.0.get(usize::from(number)).copied().filter(|slot| *slot != NONE)?.try_into().ok()
    }

    /// The slots of all groups here.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        let both = self.ipv4.0.iter().chain(self.ipv6.0.iter());
        both.filter(|slot| **slot != NONE).filter_map(|slot| usize::try_from(*slot).ok())
    }

    fn entry(&mut self, family: Family, number: u16) -> Option<&mut u32> {
        let directory = match family {
            Family::V4 => &mut self.ipv4,
            Family::V6 => &mut self.ipv6,
        };
        directory.0.get_mut(usize::from(number))
    }
}
