//! Looks at what the kernel says, tells the engine, and puts back what somebody else took away.
//!
//! The kernel also reports what we did ourselves, later and with no mark on it. So news never changes what we believe;
//! it only says where to look, and the look decides.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fhrp::SeatId;
use fhrp::driver::BackendEvent;

use crate::facts::{AddressFacts, LinkFacts};
use crate::monitor::News;
use crate::plan::{Plan, Shape};
use crate::requests::{set_mtu, set_up};
use crate::sysctl::Gate;
use crate::worker::{Reply, Task, Worker};

/// What may be wrong with a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suspicion {
    /// Its addresses may be gone, or its gate moved.
    Content,
    /// Its macvlan may be gone, down or renamed.
    Device,
}

/// Who has to be looked at, and for what at worst.
type Suspects = BTreeMap<SeatId, Suspicion>;

impl Worker {
    /// Takes in news.
    pub(crate) fn digest(&mut self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let mut suspects = Suspects::new();
        let mut own_addresses_changed = false;
        for item in news {
            own_addresses_changed |= matches!(&item, News::Address(facts) | News::AddressGone(facts)
                if !self.by_device.contains_key(&facts.index));
            self.take_in(item, &mut suspects);
        }
        if self.listed {
            self.tell_links();
        }
        if own_addresses_changed && let Err(text) = self.refresh_filter() {
            tracing::warn!("{text}");
        }
        self.examine(suspects);
    }

    fn take_in(&mut self, news: News, suspects: &mut Suspects) {
        match news {
            News::Link(facts) => self.take_link(facts, suspects),
            News::LinkGone(index) => self.lose_link(index, suspects),
            News::Address(facts) => self.links.put_address(facts),
            News::AddressGone(facts) => {
                self.links.remove_address(&facts);
                self.suspect_holder(&facts, suspects);
            }
            News::GateMoved(index) => {
                if let Some(seat) = self.by_device.get(&index) {
                    suspects.entry(*seat).or_insert(Suspicion::Content);
                }
            }
            News::HostForwarding(family, false) => self.host.forwarding_is_off(family),
            News::HostForwarding(_, true) => {}
            News::ListingBegins => self.links.begin_listing(),
            News::ListingEnds => {
                for index in self.links.end_listing() {
                    self.lose_link(index, suspects);
                }
                if self.listed {
                    suspects.extend(self.seats.keys().map(|seat| (*seat, Suspicion::Device)));
                }
                self.listed = true;
            }
        }
    }

    fn take_link(&mut self, facts: LinkFacts, suspects: &mut Suspects) {
        let (index, enabled, mtu) = (facts.index, facts.enabled, facts.mtu);
        if let Some(id) = self.by_device.get(&index) {
            let device = self.seats.get(id).and_then(|seat| seat.device.as_ref());
            if !enabled || device.is_some_and(|device| device.name != facts.name) {
                suspects.insert(*id, Suspicion::Device);
            }
        }
        let before = self.links.put_link(facts);
        if before.is_some_and(|before| before.mtu < mtu) {
            self.follow_mtu(index, mtu);
        }
    }

    /// The kernel shrinks macvlans with their base, but does not let them grow with it.
    fn follow_mtu(&mut self, base: u32, mtu: u32) {
        let small: Vec<_> = self
            .by_device
            .iter()
            .filter(|(index, _)| {
                self.links.link(**index).is_some_and(|link| link.parent == Some(base) && link.mtu != mtu)
            })
            .map(|(index, seat)| (*index, *seat))
            .collect();
        let requests: Vec<_> = small.iter().map(|(index, _)| set_mtu(*index, mtu)).collect();
        for (outcome, (_, seat)) in self.route.exchange(&requests).into_iter().zip(small) {
            match outcome {
                Ok(()) => {
                    self.tell(BackendEvent::Mended { seat, what: format!("MTU raised to {mtu}").into() })
                }
                Err(refusal) => tracing::warn!(%refusal, "a macvlan keeps a smaller MTU than its interface"),
            }
        }
    }

    fn lose_link(&mut self, index: u32, suspects: &mut Suspects) {
        self.links.remove_link(index);
        self.idle.retain(|idle| idle.index != index && idle.base != index);
        if let Some(seat) = self.by_device.get(&index) {
            suspects.insert(*seat, Suspicion::Device);
        }
        self.bases.forget(index);
        for seat in self.seats.values_mut().filter(|seat| seat.shape.base == index) {
            if let Some(device) = seat.device.take() {
                self.by_device.remove(&device.index);
            }
            // The engine sends a wish with the new number when the interface is back.
            seat.shape = Shape::default();
            seat.counted = (0, Vec::new());
            seat.failed = true;
        }
    }

    fn suspect_holder(&self, facts: &AddressFacts, suspects: &mut Suspects) {
        let holds = |id: &SeatId| {
            self.seats.get(id).is_some_and(|seat| seat.shape.addresses.contains(&facts.address))
        };
        if let Some(id) = self.by_device.get(&facts.index) {
            if holds(id) {
                suspects.entry(*id).or_insert(Suspicion::Content);
            }
            return;
        }
        let on_base = self.seats.iter().filter(|(_, seat)| {
            seat.device.is_none()
                && seat.shape.base == facts.index
                && seat.shape.addresses.contains(&facts.address)
        });
        for (id, _) in on_base {
            suspects.entry(*id).or_insert(Suspicion::Content);
        }
    }

    fn tell_links(&mut self) {
        let mut links = std::mem::take(&mut self.links);
        for event in links.news(|facts| self.is_ours(facts)) {
            self.tell(BackendEvent::Link(event));
        }
        self.links = links;
    }

    fn examine(&mut self, suspects: Suspects) {
        let tasks: Vec<_> =
            suspects.into_iter().filter_map(|(seat, suspicion)| self.examine_seat(seat, suspicion)).collect();
        self.run_tasks(tasks);
    }

    /// Corrects what we believe of a seat, and makes the task that brings it back.
    fn examine_seat(&mut self, id: SeatId, suspicion: Suspicion) -> Option<Task> {
        let seat = self.seats.get(&id).filter(|seat| !seat.failed)?;
        self.links.link(seat.binding.interface.0)?;
        let device = match suspicion {
            Suspicion::Device => self.examine_device(id),
            Suspicion::Content => None,
        };
        let content = self.examine_content(id);
        let seat = self.seats.get(&id)?;
        let wanted = Shape::of(&seat.binding, &self.links);
        let plan = Plan::between(&seat.shape, &wanted);
        // Whether its content was really lost is seen when it is added again; about the device there is no doubt.
        let effective = device.is_some();
        let what = device.or(content.filter(|_| plan != Plan::default()))?.into();
        Some(Task { seat: id, plan, wanted, reply: Reply::Mended(what), failure: None, effective })
    }

    fn examine_device(&mut self, id: SeatId) -> Option<String> {
        let seat = self.seats.get_mut(&id)?;
        let device = seat.device.as_mut()?;
        let name = device.name.clone();
        let Some(facts) = LinkFacts::of(&mut self.route, device.index).ok()? else {
            self.by_device.remove(&device.index);
            seat.device = None;
            seat.shape = Shape { base: seat.shape.base, ..Shape::default() };
            return Some(format!("{name} had been deleted"));
        };
        let mut what = None;
        if facts.name != name {
            // The settings moved to other files with the name.
            device.gate = Gate::of(device.shape.family, &facts.name).ok()?;
            device.name.clone_from(&facts.name);
        }
        if !facts.enabled && self.route.execute(set_up(device.index)).is_ok() {
            what = Some(format!("{name} had been set down"));
        }
        // Setting a link down takes the routes with it; adding what is there does no harm.
        seat.shape.routes.clear();
        what
    }

    /// What is really held is found out by adding it all again.
    fn examine_content(&mut self, id: SeatId) -> Option<String> {
        let seat = self.seats.get_mut(&id)?;
        if let Some(device) = &seat.device {
            let open = device.gate.is_open().ok()?;
            if open != seat.shape.open {
                seat.shape.open = open;
                seat.shape.addresses.clear();
                let how = if open { "opened" } else { "closed" };
                return Some(format!("{} had been {how}", device.name));
            }
        }
        let lost: Vec<IpAddr> = std::mem::take(&mut seat.shape.addresses);
        let names: Vec<_> = lost.iter().map(ToString::to_string).collect();
        Some(format!("{} had been removed", names.join(", ")))
    }
}
