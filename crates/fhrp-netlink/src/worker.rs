//! The thread that makes the kernel look like the wishes, and knows what it looks like.
//!
//! It alone holds the state; nothing is shared. Wishes and the kernel's own news come through one queue. All wishes
//! that wait are carried out together, and before any news is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fhrp::driver::BackendEvent;
use fhrp::{Acceptance, Binding, Gate, ProgramFault, Revision, SeatId};
use tokio::sync::{mpsc, oneshot};

use crate::bases::Bases;
use crate::device::{Device, Failure, Workshop};
use crate::facts::AddressFacts;
use crate::host::Host;
use crate::links::Links;
use crate::monitor::News;
use crate::names::is_virtual;
use crate::nft::Filter;
use crate::plan::{Need, Plan, Shape};
use crate::requests::{Holder, delete_address, delete_bridge_entry, delete_group};
use crate::socket::KernelSocket;

/// How long a macvlan that nobody wants is kept: deleting it holds a lock of the kernel for milliseconds, and it may
/// be wanted again at once.
const KEEP: Duration = Duration::from_millis(500);

/// What the worker is asked to do.
#[derive(Debug)]
pub(crate) enum Job {
    /// A seat's wish.
    Wish { seat: SeatId, revision: Revision, wanted: Option<Binding> },
    /// The kernel said something.
    News(Vec<News>),
    /// Remove everything, tell when it is done, and end.
    Shutdown(oneshot::Sender<()>),
}

/// A seat and what it has.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) binding: Binding,
    pub(crate) revision: Revision,
    /// What is in the kernel.
    pub(crate) shape: Shape,
    pub(crate) device: Option<Device>,
    /// The base that the seat is counted for, and what it needs there.
    pub(crate) counted: (u32, Vec<Need>),
    /// The last wish failed: the engine will ask again, also for a removal, and nothing is mended until then.
    pub(crate) failed: bool,
    /// Its last wish was to hold nothing.
    pub(crate) leaving: bool,
}

/// A macvlan of ours, closed, that no seat has.
#[derive(Clone, Debug)]
pub(crate) struct Idle {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) base: u32,
    pub(crate) mac: fhrp::MacAddr,
}

/// One seat on its way from what it has to what it shall have.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) seat: SeatId,
    pub(crate) plan: Plan,
    pub(crate) wanted: Shape,
    pub(crate) reply: Reply,
    pub(crate) failure: Option<Failure>,
    /// Something was really done, not only found done.
    pub(crate) effective: bool,
}

/// What is told at the end of a task.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A wish was carried out.
    Programmed,
    /// A wish was carried out, and it was the seat's last.
    Removed,
    /// Something was put back.
    Mended(Arc<str>),
}

/// The worker's whole world.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) route: KernelSocket,
    pub(crate) workshop: Workshop,
    pub(crate) links: Links,
    pub(crate) listed: bool,
    /// Boxed: numbers of seats ascend, which leaves the map's nodes half empty.
    pub(crate) seats: BTreeMap<SeatId, Box<Seat>>,
    pub(crate) by_device: BTreeMap<u32, SeatId>,
    pub(crate) idle: Vec<Idle>,
    pub(crate) bases: Bases,
    pub(crate) filter: Filter,
    /// The filter could not be brought up to date: to be tried again with the next wish, whatever that is.
    pub(crate) filter_stale: bool,
    /// As `filter_stale`, of the macvlans where the kernel must not answer.
    pub(crate) silence_stale: bool,
    pub(crate) host: Host,
    pub(crate) events: mpsc::UnboundedSender<BackendEvent>,
    /// When to remove what nobody wants.
    pub(crate) prune_at: Option<Instant>,
}

/// A wish that waits.
type Wish = (SeatId, Revision, Option<Binding>);

impl Worker {
    /// Works until told to shut down, or until the backend is dropped (then everything stays as it is).
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        self.prune_at = Some(now() + KEEP);
        loop {
            let first = match self.next(jobs) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.prune();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut wishes = Vec::new();
            let mut news = Vec::new();
            let mut shutdown = None;
            for job in std::iter::once(first).chain(jobs.try_iter()) {
                match job {
                    Job::Wish { seat, revision, wanted } => wishes.push((seat, revision, wanted)),
                    Job::News(more) => news.extend(more),
                    Job::Shutdown(done) => shutdown = Some(done),
                }
            }
            if let Some(done) = shutdown {
                self.shut_down();
                // Whoever asked may have stopped waiting.
                let _ = done.send(());
                return;
            }
            self.carry_out(wishes);
            self.digest(news);
        }
    }

    fn next(&self, jobs: &Receiver<Job>) -> Result<Job, RecvTimeoutError> {
        match self.prune_at {
            None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => jobs.recv_timeout(at.saturating_duration_since(now())),
        }
    }

    /// Carries out the latest wish of each seat.
    fn carry_out(&mut self, wishes: Vec<Wish>) {
        if wishes.is_empty() {
            return;
        }
        let mut filter_changes = self.filter_stale;
        let mut tasks = Vec::with_capacity(wishes.len());
        for (seat, revision, wanted) in latest(wishes) {
            filter_changes |= self.concerns_filter(seat, wanted.as_ref());
            tasks.extend(match wanted {
                Some(binding) => Some(self.place(seat, revision, binding)),
                None => self.unplace(seat, revision),
            });
        }
        if filter_changes && let Err(text) = self.refresh_filter() {
            self.refuse_denied(&mut tasks, &text);
        }
        self.run_tasks(tasks);
    }

    fn place(&mut self, id: SeatId, revision: Revision, binding: Binding) -> Task {
        let wanted = Shape::of(&binding, &self.links);
        self.host.check(&wanted, &binding);
        self.inherit(id, &binding);
        let seat = self.seats.entry(id).or_insert_with(|| {
            Box::new(Seat {
                binding: binding.clone(),
                revision,
                shape: Shape::default(),
                device: None,
                counted: (0, Vec::new()),
                failed: false,
                leaving: false,
            })
        });
        (seat.binding, seat.revision, seat.failed, seat.leaving) = (binding, revision, false, false);
        let plan = Plan::between(&seat.shape, &wanted);
        Task { seat: id, plan, wanted, reply: Reply::Programmed, failure: None, effective: false }
    }

    /// A group comes back before what it left could be removed: that is its new seat's from now on. Both would have the
    /// same macvlan or addresses, and the old seat would take them from the new one as soon as it can.
    fn inherit(&mut self, id: SeatId, binding: &Binding) {
        if self.seats.contains_key(&id) {
            return;
        }
        let mut seats = self.seats.iter();
        let old = seats.find(|(_, seat)| leaves_to(seat, binding)).map(|(old, _)| *old);
        let Some(seat) = old.and_then(|old| self.seats.remove(&old)) else { return };
        if let Some(device) = &seat.device {
            self.by_device.insert(device.index, id);
        }
        self.seats.insert(id, seat);
    }

    fn unplace(&mut self, id: SeatId, revision: Revision) -> Option<Task> {
        let Some(seat) = self.seats.get_mut(&id) else {
            self.tell(BackendEvent::Programmed { seat: id, revision, result: Ok(()) });
            return None;
        };
        (seat.revision, seat.failed, seat.leaving) = (revision, false, true);
        // From now on the filter does not count it.
        (seat.binding.addresses, seat.binding.owned) = (Arc::new([]), Arc::new([]));
        let wanted = Shape::default();
        let plan = Plan::between(&seat.shape, &wanted);
        Some(Task { seat: id, plan, wanted, reply: Reply::Removed, failure: None, effective: false })
    }

    /// Whether a wish is about other addresses or another Accept_Mode than the seat's last one. A mere opening or
    /// closing is not: taking over does not touch the filter.
    fn concerns_filter(&self, id: SeatId, wanted: Option<&Binding>) -> bool {
        let Some(seat) = self.seats.get(&id) else { return true };
        wanted.is_none_or(|wanted| {
            let known = &seat.binding;
            (known.acceptance, &known.addresses, &known.owned, known.mac, known.interface)
                != (wanted.acceptance, &wanted.addresses, &wanted.owned, wanted.mac, wanted.interface)
        })
    }

    /// Where the filter cannot be had, a group that must not accept packets holds no address.
    fn refuse_denied(&mut self, tasks: &mut [Task], text: &str) {
        for task in tasks {
            let Some(seat) = self.seats.get(&task.seat) else { continue };
            if matches!(task.reply, Reply::Removed) || seat.binding.acceptance == Acceptance::Allow {
                continue;
            }
            let closed = Binding { gate: Gate::Closed, ..seat.binding.clone() };
            task.wanted = Shape::of(&closed, &self.links);
            task.plan = Plan::between(&seat.shape, &task.wanted);
            task.failure = Some(Failure::text(text.to_owned()));
        }
    }

    /// Denies what no group accepts and what is no address of the host's own.
    pub(crate) fn refresh_filter(&mut self) -> Result<(), String> {
        let mut denied = BTreeSet::new();
        let mut accepted = BTreeSet::new();
        for binding in self.seats.values().map(|seat| &seat.binding) {
            match binding.acceptance {
                Acceptance::Deny => denied.extend(binding.addresses.iter().copied()),
                Acceptance::Allow => accepted.extend(binding.addresses.iter().copied()),
            }
            accepted.extend(binding.owned.iter().copied());
        }
        if denied.is_empty() && self.filter.denies_nothing() {
            self.filter_stale = false;
            return Ok(());
        }
        let interfaces = self.links.all().filter(|link| !is_virtual(link));
        for facts in interfaces.flat_map(|link| self.links.addresses(link.index)) {
            if denied.contains(&facts.address) && !self.is_ours(facts) {
                accepted.insert(facts.address);
            }
        }
        denied.retain(|address| !accepted.contains(address));
        let outcome = self.filter.deny(denied);
        self.filter_stale = outcome.is_err();
        outcome
    }

    /// Whether an address on an interface is a virtual one that we put there.
    pub(crate) fn is_ours(&self, facts: &AddressFacts) -> bool {
        facts.tagged
            || self.seats.values().any(|seat| {
                let shape = &seat.shape;
                shape.device.is_none()
                    && shape.base == facts.index
                    && shape.addresses.contains(&facts.address)
            })
    }

    /// Ends a task.
    pub(crate) fn answer(&mut self, task: Task) {
        let Some(seat) = self.seats.get_mut(&task.seat) else { return };
        let revision = seat.revision;
        let lost_base = task.failure.as_ref().is_some_and(|failure| failure.absent);
        let fault = task
            .failure
            .map(|failure| ProgramFault(format!("{}: {}", seat.binding.group, failure.text).into()));
        seat.failed = fault.is_some();
        let event = match (task.reply, fault) {
            // The interface went away under it; the kernel's report of that is on its way.
            (Reply::Mended(_), Some(_)) if lost_base => return,
            (Reply::Programmed | Reply::Removed | Reply::Mended(_), Some(fault)) => {
                BackendEvent::Programmed { seat: task.seat, revision, result: Err(fault) }
            }
            (Reply::Programmed, None) => {
                BackendEvent::Programmed { seat: task.seat, revision, result: Ok(()) }
            }
            (Reply::Removed, None) => {
                self.seats.remove(&task.seat);
                BackendEvent::Programmed { seat: task.seat, revision, result: Ok(()) }
            }
            (Reply::Mended(_), None) if !task.effective => return,
            (Reply::Mended(what), None) => BackendEvent::Mended { seat: task.seat, what },
        };
        self.tell(event);
    }

    pub(crate) fn tell(&self, event: BackendEvent) {
        // Nobody listens any more only while the backend is being dropped.
        let _ = self.events.send(event);
    }

    /// Removes macvlans that nobody wants, and puts interfaces back that no group uses.
    fn prune(&mut self) {
        self.prune_at = None;
        let indexes: Vec<_> = std::mem::take(&mut self.idle).iter().map(|idle| idle.index).collect();
        let spare = self.links.unused_group();
        Workshop::delete(&mut self.route, &indexes, spare);
        for base in self.bases.touched() {
            if let Err(refusal) = self.bases.settle(base, &mut self.route) {
                tracing::warn!(base, %refusal, "the settings of an interface could not be restored");
            }
        }
    }

    /// Removes everything.
    fn shut_down(&mut self) {
        let mut requests = Vec::new();
        for shape in self.seats.values().map(|seat| &seat.shape) {
            if shape.bridge_entry
                && let Some(device) = shape.device
            {
                requests.push(delete_bridge_entry(shape.base, device.mac));
            }
            if shape.device.is_none() {
                let addresses = shape.addresses.iter();
                let holder = Holder::Base(self.workshop.instance.mark());
                requests.extend(addresses.map(|address| delete_address(shape.base, *address, holder)));
            }
        }
        requests.extend(self.remove_devices());
        for refusal in self.route.exchange(&requests).into_iter().filter_map(Result::err) {
            if !refusal.is_absence() {
                tracing::warn!(%refusal, "something of ours could not be removed");
            }
        }
        if let Err(error) = self.filter.remove() {
            tracing::warn!(%error, "the nftables table could not be removed");
        }
        self.bases.restore(&mut self.route);
    }

    /// All our macvlans form one link group, unless somebody put another link into it.
    fn remove_devices(&mut self) -> Vec<crate::socket::Request> {
        let own: BTreeSet<u32> =
            self.by_device.keys().copied().chain(self.idle.iter().map(|idle| idle.index)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let group = self.workshop.group;
        let foreign = self.links.all().any(|link| link.group == group && !own.contains(&link.index));
        let adopted = self.idle.iter().map(|idle| idle.index);
        let (group, moved): (u32, Vec<u32>) = if foreign {
            (self.links.unused_group(), own.iter().copied().collect())
        } else {
            (group, adopted.collect())
        };
        let mut requests: Vec<_> =
            moved.into_iter().map(|index| crate::requests::set_group(index, group)).collect();
        requests.push(delete_group(group));
        requests
    }

    /// Something may be idle now.
    pub(crate) fn prune_later(&mut self) {
        self.prune_at.get_or_insert_with(|| now() + KEEP);
    }
}

/// Whether the seat could not be removed, and holds what this binding of the same group is to have.
fn leaves_to(seat: &Seat, binding: &Binding) -> bool {
    let place = |binding: &Binding| (binding.interface, binding.mac);
    seat.leaving
        && seat.failed
        && seat.binding.group == binding.group
        && place(&seat.binding) == place(binding)
}

/// The last wish of each seat, in the order in which those came.
fn latest(wishes: Vec<Wish>) -> Vec<Wish> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<_> = wishes.into_iter().rev().filter(|(seat, ..)| seen.insert(*seat)).collect();
    kept.reverse();
    kept
}

#[expect(clippy::disallowed_methods, reason = "the edge of the system: housekeeping, no protocol timer")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_wish_wins_and_order_is_kept() {
        let wish = |seat, revision| (SeatId::from_raw(seat), Revision(revision), None);
        let kept = latest(vec![wish(1, 1), wish(2, 2), wish(1, 3), wish(3, 4)]);
        assert_eq!(kept, [wish(2, 2), wish(1, 3), wish(3, 4)]);
    }

    #[test]
    fn what_could_not_be_removed_is_left_to_the_same_group_at_the_same_place() {
        let group = fhrp::GroupId {
            interface: fhrp::InterfaceName::new("eth0"),
            protocol: fhrp::Protocol::Vrrp,
            family: fhrp::Family::V4,
            number: 1,
        };
        let binding = Binding {
            group: group.clone(),
            interface: fhrp::IfIndex(2),
            mac: None,
            addresses: Arc::new([[192, 0, 2, 1].into()]),
            owned: Arc::new([]),
            gate: Gate::Open,
            acceptance: Acceptance::Allow,
            responder: fhrp::Responder::Kernel,
        };
        let seat = |failed, leaving| Seat {
            binding: Binding { addresses: Arc::new([]), ..binding.clone() },
            revision: Revision(2),
            shape: Shape::default(),
            device: None,
            counted: (0, Vec::new()),
            failed,
            leaving,
        };
        assert!(leaves_to(&seat(true, true), &binding));
        assert!(!leaves_to(&seat(false, true), &binding), "it is just being removed");
        assert!(!leaves_to(&seat(true, false), &binding), "it is tried again");
        let others = [
            Binding { group: fhrp::GroupId { number: 2, ..group }, ..binding.clone() },
            Binding { interface: fhrp::IfIndex(3), ..binding.clone() },
            Binding { mac: Some(fhrp::MacAddr([0, 0, 0x5e, 0, 1, 1])), ..binding.clone() },
        ];
        assert!(!others.iter().any(|other| leaves_to(&seat(true, true), other)));
    }
}
