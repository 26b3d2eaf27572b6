//! Carries out plans of many seats together, in stages: first all that must fall silent, then those that need only be
//! opened, then those that must be made.

use std::net::IpAddr;

use fhrp::{Family, Responder, SeatId};

use crate::device::{Device, Failure, Order, Workshop, explain};
use crate::names::device_name;
use crate::plan::{Plan, Shape};
use crate::requests::{
    Holder, OwnerRoute, add_address, add_bridge_entry, add_route, delete_address, delete_bridge_entry,
    delete_route,
};
use crate::socket::{BATCH, Outcome, Request};
use crate::worker::{Idle, Reply, Task, Worker};

/// What a request achieves for its seat.
#[derive(Clone, Copy, Debug)]
enum Effect {
    Address(IpAddr),
    NoAddress(IpAddr),
    Route(OwnerRoute),
    NoRoute(OwnerRoute),
    BridgeEntry,
    NoBridgeEntry,
}

/// Requests that wait to go out together.
#[derive(Debug, Default)]
struct Pending {
    requests: Vec<Request>,
    /// For each request: the task, by its place in the list, and the effect.
    effects: Vec<(usize, Effect)>,
}

impl Pending {
    fn push(&mut self, task: usize, effect: Effect, request: Request) {
        self.requests.push(request);
        self.effects.push((task, effect));
    }
}

impl Worker {
    /// Carries out all tasks and answers each as soon as it is done.
    pub(crate) fn run_tasks(&mut self, mut tasks: Vec<Task>) {
        if tasks.is_empty() {
            return;
        }
        let bases = self.count_needs(&tasks);
        self.silence(&mut tasks);
        for base in bases {
            if let Err(refusal) = self.bases.settle(base, &mut self.route) {
                let text = format!("changing settings of {}: {refusal}", self.links.name(base));
                for task in tasks.iter_mut().filter(|task| task.wanted.base == base && task.plan.make) {
                    task.failure.get_or_insert_with(|| Failure::text(text.clone()));
                }
            }
        }
        let (made, mut ready): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| task.plan.make);
        self.hush(&mut ready);
        let vanished = self.open(ready);
        let mut made: Vec<_> = made.into_iter().chain(vanished).collect();
        self.prepare(&mut made);
        self.hush(&mut made);
        for lost in self.open(made) {
            self.answer(lost);
        }
    }

    /// Notes what seats need of their bases; returns the bases for which that changes.
    fn count_needs(&mut self, tasks: &[Task]) -> Vec<u32> {
        let mut bases = Vec::new();
        for task in tasks {
            let Some(seat) = self.seats.get_mut(&task.seat) else { continue };
            let wanted = (task.wanted.base, task.wanted.needs.clone());
            if seat.counted == wanted {
                continue;
            }
            self.bases.enter(wanted.0, &wanted.1);
            self.bases.leave(seat.counted.0, &seat.counted.1);
            bases.extend([seat.counted.0, wanted.0]);
            seat.counted = wanted;
        }
        bases.sort_unstable();
        bases.dedup();
        bases.retain(|base| *base != 0);
        bases
    }

    /// Stage one. A seat that only closes is done after it.
    fn silence(&mut self, tasks: &mut [Task]) {
        let mut pending = Pending::default();
        for (place, task) in tasks.iter_mut().enumerate() {
            self.close_gate(task);
            self.queue_removals(place, task, &mut pending);
        }
        self.flush(pending, tasks);
        for task in tasks.iter_mut().filter(|task| task.plan.retire) {
            self.retire(task.seat);
        }
        for task in tasks {
            if let Some(seat) = self.seats.get_mut(&task.seat)
                && task.failure.is_none()
            {
                seat.shape.base = task.wanted.base;
                // Without a macvlan there is no gate: closed means that no address is held.
                seat.shape.open &= task.wanted.open;
            }
        }
    }

    fn close_gate(&mut self, task: &mut Task) {
        let Some(seat) = self.seats.get_mut(&task.seat).filter(|_| task.plan.close_gate) else { return };
        let Some(device) = &seat.device else { return };
        match device.gate.close() {
            Ok(()) => task.effective = true,
            // The device is gone, and what it let through with it.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                task.failure = Some(Failure::text(format!("closing {}: {}", device.name, explain(&error))));
                return;
            }
        }
        seat.shape.open = false;
        if device.shape.family == Family::V6 {
            seat.shape.addresses.clear();
        }
    }

    fn queue_removals(&self, place: usize, task: &Task, pending: &mut Pending) {
        let Some(seat) = self.seats.get(&task.seat) else { return };
        let shape = &seat.shape;
        let (index, holder) = self.target(seat.device.as_ref(), shape);
        for address in &task.plan.remove_addresses {
            pending.push(place, Effect::NoAddress(*address), delete_address(index, *address, holder));
        }
        for route in &task.plan.remove_routes {
            pending.push(place, Effect::NoRoute(*route), delete_route(index, route));
        }
        if let Some(device) = shape.device.filter(|_| task.plan.remove_bridge_entry) {
            pending.push(place, Effect::NoBridgeEntry, delete_bridge_entry(shape.base, device.mac));
        }
    }

    /// A macvlan loses its seat. It stays, closed, until somebody wants it or it is pruned.
    pub(crate) fn retire(&mut self, id: SeatId) {
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if let Some(device) = seat.device.take() {
            self.by_device.remove(&device.index);
            let Device { name, index, base, shape, .. } = device;
            self.idle.push(Idle { index, name, base, mac: shape.mac });
        }
        seat.shape = Shape { base: seat.shape.base, ..Shape::default() };
        self.prune_later();
    }

    /// Stage two: macvlans.
    fn prepare(&mut self, tasks: &mut [Task]) {
        let wanted: Vec<_> = tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.failure.is_none())
            .filter_map(|(place, task)| Some((place, self.order(task)?)))
            .collect();
        let (places, orders): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        self.clear_the_way(&orders);
        let devices = self.workshop.make(&mut self.route, &orders);
        for (place, device) in places.into_iter().zip(devices) {
            let Some(task) = tasks.get_mut(place) else { continue };
            match (device, self.seats.get_mut(&task.seat)) {
                (Ok(device), Some(seat)) => {
                    self.by_device.insert(device.index, task.seat);
                    seat.shape.device = Some(device.shape);
                    seat.device = Some(device);
                    task.effective = true;
                }
                (Err(failure), _) => task.failure = Some(failure),
                (Ok(_), None) => {}
            }
        }
    }

    fn order(&mut self, task: &Task) -> Option<Order> {
        let shape = task.wanted.device?;
        let base = task.wanted.base;
        let group = &self.seats.get(&task.seat)?.binding.group;
        let name = device_name(group, base, shape.mac);
        let fits = |idle: &Idle| idle.base == base && idle.mac == shape.mac && idle.name == name;
        let existing = self.idle.iter().position(fits);
        Some(Order {
            alias: self.workshop.instance.alias(group, shape.mac),
            base,
            vrf: self.links.link(base).and_then(|link| link.vrf),
            shape,
            existing: existing.map(|place| self.idle.swap_remove(place).index),
            name,
        })
    }

    /// Deletes macvlans that nobody wants any more where a new one needs their name or their MAC: of a group that was
    /// given another MAC, or of two that changed theirs.
    fn clear_the_way(&mut self, orders: &[Order]) {
        let blocks = |idle: &mut Idle| {
            orders.iter().any(|order| {
                idle.name == order.name || (idle.base == order.base && idle.mac == order.shape.mac)
            })
        };
        let blocking: Vec<_> = self.idle.extract_if(.., blocks).map(|idle| idle.index).collect();
        if !blocking.is_empty() {
            Workshop::delete(&mut self.route, &blocking, self.links.unused_group());
        }
    }

    /// Before anything opens: where the engine answers neighbour solicitations, the kernel must not. Where that cannot be
    /// had, no address is held. What only opens and closes is not concerned: taking over does not touch the filter.
    fn hush(&mut self, tasks: &mut [Task]) {
        let changes = |task: &Task| task.plan.make || task.plan.configure || task.plan.retire;
        if !self.silence_stale && !tasks.iter().any(changes) {
            return;
        }
        let devices = self.by_device.iter();
        let silent = devices.filter(|(_, id)| self.is_silent(**id)).map(|(index, _)| *index).collect();
        let outcome = self.filter.hush(silent);
        self.silence_stale = outcome.is_err();
        let Err(text) = outcome else { return };
        for task in tasks {
            if task.wanted.device.is_some() && self.is_silent(task.seat) {
                task.failure.get_or_insert_with(|| Failure::text(text.clone()));
            }
        }
    }

    /// Whether the kernel must be kept from answering neighbour solicitations for a seat's addresses. That for ARP is a
    /// setting of the macvlan.
    fn is_silent(&self, id: SeatId) -> bool {
        self.seats.get(&id).is_some_and(|seat| match (seat.binding.family(), seat.binding.responder) {
            (Family::V6, Responder::Engine) => seat.binding.mac.is_some(),
            (Family::V4, Responder::Engine) | (Family::V4 | Family::V6, Responder::Kernel) => false,
        })
    }

    /// Stage three: gates and addresses, a datagram's worth at a time, each answered at once. Returns those whose
    /// macvlan turns out to be gone.
    fn open(&mut self, tasks: Vec<Task>) -> Vec<Task> {
        let mut vanished = Vec::new();
        let mut chunk = Vec::new();
        let mut pending = Pending::default();
        for mut task in tasks {
            if task.failure.is_none() && !self.open_gate(&mut task) {
                vanished.push(task);
                continue;
            }
            if task.failure.is_none() {
                self.queue_additions(chunk.len(), &task, &mut pending);
            }
            chunk.push(task);
            if pending.requests.len() >= BATCH {
                self.finish(std::mem::take(&mut chunk), std::mem::take(&mut pending));
            }
        }
        self.finish(chunk, pending);
        vanished
    }

    fn finish(&mut self, mut tasks: Vec<Task>, pending: Pending) {
        self.flush(pending, &mut tasks);
        for task in tasks {
            let task = self.complete(task);
            self.answer(task);
        }
    }

    /// `false` when the macvlan is gone; the task then asks for a new one.
    fn open_gate(&mut self, task: &mut Task) -> bool {
        let Some(seat) = self.seats.get_mut(&task.seat) else { return true };
        let Some(device) = &seat.device else { return true };
        if task.plan.configure
            && let Some(shape) = task.wanted.device
        {
            match self.workshop.adjust(&mut self.route, device, shape) {
                Ok(()) => seat.shape.device = Some(shape),
                Err(failure) => task.failure = Some(failure),
            }
        }
        if !task.plan.open_gate {
            return true;
        }
        match device.gate.open() {
            Ok(()) => {
                task.effective = true;
                seat.shape.open = true;
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.retire(task.seat);
                task.plan = Plan::between(&Shape::default(), &task.wanted);
                false
            }
            Err(error) => {
                task.failure = Some(Failure::text(format!("opening {}: {}", device.name, explain(&error))));
                true
            }
        }
    }

    fn queue_additions(&self, place: usize, task: &Task, pending: &mut Pending) {
        let Some(seat) = self.seats.get(&task.seat) else { return };
        let (index, holder) = self.target(seat.device.as_ref(), &task.wanted);
        for address in &task.plan.add_addresses {
            pending.push(place, Effect::Address(*address), add_address(index, *address, holder));
        }
        for route in &task.plan.add_routes {
            pending.push(place, Effect::Route(*route), add_route(index, route));
        }
        if let Some(device) = task.wanted.device.filter(|_| task.plan.add_bridge_entry) {
            pending.push(place, Effect::BridgeEntry, add_bridge_entry(task.wanted.base, device.mac));
        }
    }

    /// Sends what is pending and notes what came of it.
    fn flush(&mut self, pending: Pending, tasks: &mut [Task]) {
        if pending.requests.is_empty() {
            return;
        }
        let outcomes = self.route.exchange(&pending.requests);
        for (outcome, (place, effect)) in outcomes.into_iter().zip(pending.effects) {
            if let Some(task) = tasks.get_mut(place) {
                self.note(task, effect, outcome);
            }
        }
    }

    fn note(&mut self, task: &mut Task, effect: Effect, outcome: Outcome) {
        let Some(seat) = self.seats.get_mut(&task.seat) else { return };
        let exists = matches!(&outcome, Err(refusal) if refusal.errno == libc::EEXIST);
        let absent = matches!(&outcome, Err(refusal) if refusal.is_absence());
        let adds = matches!(effect, Effect::Address(_) | Effect::Route(_) | Effect::BridgeEntry);
        match outcome {
            Ok(()) => task.effective = true,
            Err(_) if (adds && exists) || (!adds && absent) => {}
            Err(refusal) => {
                let place = seat
                    .device
                    .as_ref()
                    .map_or_else(|| self.links.name(seat.shape.base), |device| device.name.clone());
                let text = format!("{} {place}: {refusal}", describe(effect));
                task.failure.get_or_insert(Failure { text, absent });
                return;
            }
        }
        let shape = &mut seat.shape;
        match effect {
            // On the interface itself, what was there before the wish is not ours and not for us to remove.
            Effect::Address(_)
                if exists && shape.device.is_none() && matches!(task.reply, Reply::Programmed) => {}
            Effect::Address(address) => shape.addresses.push(address),
            Effect::NoAddress(address) => shape.addresses.retain(|held| *held != address),
            Effect::Route(route) => shape.routes.push(route),
            Effect::NoRoute(route) => shape.routes.retain(|held| *held != route),
            Effect::BridgeEntry => shape.bridge_entry = true,
            Effect::NoBridgeEntry => shape.bridge_entry = false,
        }
    }

    /// The link that holds the addresses of a shape.
    fn target(&self, device: Option<&Device>, shape: &Shape) -> (u32, Holder) {
        match device {
            Some(device) => (device.index, Holder::Device),
            None => (shape.base, Holder::Base(self.workshop.instance.mark())),
        }
    }

    /// Either whole or closed: a seat that could not be opened completely is closed again.
    fn complete(&mut self, mut task: Task) -> Task {
        let Some(seat) = self.seats.get_mut(&task.seat) else { return task };
        if task.failure.is_none() {
            seat.shape.open = task.wanted.open;
            return task;
        }
        let closed = Shape {
            open: false,
            addresses: Vec::new(),
            routes: Vec::new(),
            bridge_entry: false,
            ..seat.shape.clone()
        };
        let plan = Plan::between(&seat.shape, &closed);
        let undo = Task {
            seat: task.seat,
            plan,
            wanted: closed,
            reply: Reply::Programmed,
            failure: None,
            effective: false,
        };
        let mut undo = [undo];
        self.silence(&mut undo);
        let [undo] = undo;
        task.failure = task.failure.or(undo.failure);
        task
    }
}

fn describe(effect: Effect) -> String {
    match effect {
        Effect::Address(address) => format!("adding {address} to"),
        Effect::NoAddress(address) => format!("removing {address} from"),
        Effect::Route(route) => format!("adding a route to {}/{} over", route.network, route.prefix_length),
        Effect::NoRoute(route) => {
            format!("removing the route to {}/{} over", route.network, route.prefix_length)
        }
        Effect::BridgeEntry => "telling the bridge about".to_owned(),
        Effect::NoBridgeEntry => "removing the bridge's entry for".to_owned(),
    }
}
