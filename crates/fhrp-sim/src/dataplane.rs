//! A router's kernel: what is programmed, and how long that takes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{Binding, Gate, GroupId, Instant, MacAddr, Responder, Revision, SeatId};

/// What a seat's place in the kernel is called: a group has one for each of its virtual MACs.
type Device = (GroupId, Option<MacAddr>);

/// What the kernel holds, and what waits to be carried out, in order.
#[derive(Debug, Default)]
pub(crate) struct Dataplane {
    /// Outlives the daemon.
    installed: BTreeMap<Device, Binding>,
    /// Whether every wish is carried out and answered; else one that is overtaken by a newer is skipped.
    thorough: bool,
    waiting: BTreeMap<(SeatId, Revision), Option<Binding>>,
    devices: BTreeMap<SeatId, Device>,
    busy_until: Instant,
}

impl Dataplane {
    /// A kernel that carries out every wish.
    pub(crate) fn thorough() -> Self {
        Self { thorough: true, ..Self::default() }
    }

    /// Takes a wish; when it will have been carried out.
    pub(crate) fn wish(
        &mut self,
        now: Instant,
        takes: Duration,
        (seat, revision): (SeatId, Revision),
        binding: Option<Binding>,
    ) -> Instant {
        if let Some(binding) = &binding {
            self.devices.insert(seat, device(binding));
        }
        if !self.thorough {
            self.waiting.retain(|(waiting, _), _| *waiting != seat);
        }
        self.waiting.insert((seat, revision), binding);
        self.busy_until = self.busy_until.max(now) + takes;
        self.busy_until
    }

    /// A wish that still waits to be carried out; it waits no longer.
    pub(crate) fn take(&mut self, seat: SeatId, revision: Revision) -> Option<Option<Binding>> {
        self.waiting.remove(&(seat, revision))
    }

    /// Carries a wish out.
    pub(crate) fn install(&mut self, seat: SeatId, binding: Option<Binding>) {
        match (binding, self.devices.get(&seat)) {
            (Some(binding), _) => {
                self.installed.insert(device(&binding), binding);
            }
            (None, Some(device)) => {
                self.installed.remove(device);
            }
            (None, None) => {}
        }
    }

    /// The daemon is gone, and with it what waited.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.waiting.clear();
        self.devices.clear();
        self.busy_until = now;
    }

    /// A daemon starts: forwarders that an earlier one left serve nobody any more.
    pub(crate) fn silence(&mut self) {
        let forwarders = self.installed.values_mut();
        for binding in forwarders.filter(|binding| binding.responder == Responder::Engine) {
            binding.gate = Gate::Closed;
        }
    }

    /// Everything is gone.
    pub(crate) fn clear(&mut self) {
        self.installed.clear();
    }

    fn open(&self) -> impl Iterator<Item = &Binding> {
        self.installed.values().filter(|binding| binding.gate == Gate::Open)
    }

    /// Whether the kernel answers for an address: the MAC that it says, `own` where there is no virtual one.
    pub(crate) fn answers(&self, address: IpAddr, own: MacAddr) -> Option<MacAddr> {
        let kernel = |binding: &&Binding| binding.responder == Responder::Kernel;
        let holds = |binding: &&Binding| kernel(binding) && binding.addresses.contains(&address);
        self.open().find(holds).map(|binding| binding.mac.unwrap_or(own))
    }

    /// Whether frames to `mac` are forwarded.
    pub(crate) fn forwards(&self, mac: MacAddr) -> bool {
        self.open().any(|binding| binding.mac == Some(mac))
    }
}

/// VRRP and HSRP have one device for each group, whether it has a virtual MAC or not.
fn device(binding: &Binding) -> Device {
    let many = binding.responder == Responder::Engine;
    (binding.group.clone(), binding.mac.filter(|_| many))
}
