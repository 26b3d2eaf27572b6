//! A router's kernel: what is programmed, and how long that takes.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use fhrp::{Binding, Gate, GroupId, MacAddr, Responder, Revision, SeatId};

/// What a seat's place in the kernel is called: a group has one for each of its virtual MACs.
type Device = (GroupId, Option<MacAddr>);

/// What the engine wants of a seat.
#[derive(Debug)]
pub(crate) struct Wish {
    pub(crate) seat: SeatId,
    pub(crate) revision: Revision,
    pub(crate) binding: Option<Binding>,
}

/// What the kernel holds, and what waits to be carried out, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Dataplane {
    /// Outlives the daemon.
    installed: BTreeMap<Device, Binding>,
    /// Whether every wish is carried out and answered; else one that is overtaken by a newer is not.
    thorough: bool,
    waiting: VecDeque<Wish>,
    work: Work,
    devices: BTreeMap<SeatId, Device>,
}

/// What is being done.
#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Wish(Wish),
    /// A wish that a newer has overtaken; its time is spent.
    Overtaken,
}

impl Dataplane {
    /// A kernel that carries out every wish.
    pub(crate) fn thorough() -> Self {
        Self { thorough: true, ..Self::default() }
    }

    /// Takes a wish.
    pub(crate) fn wish(&mut self, wish: Wish) {
        self.note_device(wish.seat, wish.binding.as_ref());
        if !self.thorough {
            self.waiting.retain(|waiting| waiting.seat != wish.seat);
            if matches!(&self.work, Work::Wish(under_way) if under_way.seat == wish.seat) {
                self.work = Work::Overtaken;
            }
        }
        self.waiting.push_back(wish);
    }

    /// Begins with the next wish, if there is one and nothing else is being done.
    pub(crate) fn begin(&mut self) -> Option<Revision> {
        if !matches!(self.work, Work::None) {
            return None;
        }
        let wish = self.waiting.pop_front()?;
        let revision = wish.revision;
        self.work = Work::Wish(wish);
        Some(revision)
    }

    /// What was being done is done: the wish, unless it was overtaken.
    pub(crate) fn finish(&mut self) -> Option<Wish> {
        match std::mem::take(&mut self.work) {
            Work::Wish(wish) => Some(wish),
            Work::Overtaken | Work::None => None,
        }
    }

    /// Carries a wish out.
    pub(crate) fn install(&mut self, seat: SeatId, binding: Option<Binding>) {
        self.note_device(seat, binding.as_ref());
        match (binding, self.devices.get(&seat)) {
            (Some(binding), Some(device)) => {
                self.installed.insert(device.clone(), binding);
            }
            (None, Some(device)) => {
                self.installed.remove(device);
            }
            (_, None) => {}
        }
    }

    /// What is to be removed later lies where it was put, unless another seat has taken the place over: a group that comes
    /// again while its removal is still refused.
    fn note_device(&mut self, seat: SeatId, binding: Option<&Binding>) {
        if let Some(binding) = binding {
            let device = device(binding);
            self.devices.retain(|_, known| *known != device);
            self.devices.insert(seat, device);
        }
    }

    /// The daemon is gone, and with it what waited.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.work = Work::None;
        self.devices.clear();
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
