//! A router's kernel: what is programmed, and how long that takes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{Binding, Gate, GroupId, Instant, MacAddr, Revision, SeatId};

/// What the kernel holds, and what waits to be carried out, in order.
#[derive(Debug, Default)]
pub(crate) struct Dataplane {
    /// Outlives the daemon.
    installed: BTreeMap<GroupId, Binding>,
    /// The newest wish of each seat; an older one that still waits is never carried out.
    waiting: BTreeMap<SeatId, (Revision, Option<Binding>)>,
    groups: BTreeMap<SeatId, GroupId>,
    busy_until: Instant,
}

impl Dataplane {
    /// Takes a wish; when it will have been carried out.
    pub(crate) fn wish(
        &mut self,
        now: Instant,
        takes: Duration,
        (seat, revision): (SeatId, Revision),
        binding: Option<Binding>,
    ) -> Instant {
        if let Some(binding) = &binding {
            self.groups.insert(seat, binding.group.clone());
        }
        self.waiting.insert(seat, (revision, binding));
        self.busy_until = self.busy_until.max(now) + takes;
        self.busy_until
    }

    /// Whether a wish is still the newest; if so it no longer waits.
    pub(crate) fn take(&mut self, seat: SeatId, revision: Revision) -> Option<Option<Binding>> {
        let newest = self.waiting.get(&seat).is_some_and(|(waiting, _)| *waiting == revision);
        newest.then(|| self.waiting.remove(&seat)).flatten().map(|(_, binding)| binding)
    }

    /// Carries a wish out.
    pub(crate) fn install(&mut self, seat: SeatId, binding: Option<Binding>) {
        match (binding, self.groups.get(&seat)) {
            (Some(binding), _) => {
                self.installed.insert(binding.group.clone(), binding);
            }
            (None, Some(group)) => {
                self.installed.remove(group);
            }
            (None, None) => {}
        }
    }

    /// The daemon is gone, and with it what waited.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.waiting.clear();
        self.groups.clear();
        self.busy_until = now;
    }

    /// Everything is gone.
    pub(crate) fn clear(&mut self) {
        self.installed.clear();
    }

    fn open(&self) -> impl Iterator<Item = &Binding> {
        self.installed.values().filter(|binding| binding.gate == Gate::Open)
    }

    /// Whether an address is held: the MAC that it is answered with, `own` where there is no virtual one.
    pub(crate) fn answers(&self, address: IpAddr, own: MacAddr) -> Option<MacAddr> {
        let holds = |binding: &&Binding| binding.addresses.contains(&address);
        self.open().find(holds).map(|binding| binding.mac.unwrap_or(own))
    }

    /// Whether frames to `mac` are forwarded.
    pub(crate) fn forwards(&self, mac: MacAddr) -> bool {
        self.open().any(|binding| binding.mac == Some(mac))
    }
}
