//! Macvlans: made many at a time, closed, and kept up while nobody is Active, because setting one up or down or
//! deleting it costs milliseconds that a take-over does not have.

use std::path::Path;

use fhrp::{Family, Responder};

use crate::facts::LinkFacts;
use crate::names::Instance;
use crate::plan::DeviceShape;
use crate::requests::{
    HostIpv6, Inet, Marks, NewDevice, configure_macvlan, create_macvlan, delete_group, delete_link,
    set_group, set_up,
};
use crate::socket::{BATCH, KernelSocket, Refusal};
use crate::sysctl::{self, Gate};

/// A macvlan of ours, and its gate.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) base: u32,
    pub(crate) shape: DeviceShape,
    pub(crate) gate: Gate,
}

/// A macvlan that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) name: String,
    pub(crate) alias: String,
    pub(crate) base: u32,
    pub(crate) vrf: Option<u32>,
    pub(crate) shape: DeviceShape,
    /// One that is there already and only needs its settings.
    pub(crate) existing: Option<u32>,
}

/// Makes macvlans.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) instance: Instance,
    /// The link group of everything that is made: deleting the group deletes them all.
    pub(crate) group: u32,
    ipv6: HostIpv6,
}

/// A failure, and whether the base itself was missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) absent: bool,
}

/// A link that is there, still without its settings.
#[derive(Clone, Debug)]
struct Spot {
    index: u32,
    name: String,
}

impl Failure {
    pub(crate) fn text(text: String) -> Self {
        Self { text, absent: false }
    }

    fn refused(doing: &str, name: &str, refusal: &Refusal) -> Self {
        Self { text: format!("{doing} {name}: {refusal}"), absent: refusal.is_absence() }
    }
}

impl Workshop {
    pub(crate) fn new(instance: Instance, group: u32) -> Self {
        let present = Path::new("/proc/sys/net/ipv6/conf/all").exists();
        let ipv6 = if present { HostIpv6::Present } else { HostIpv6::Absent };
        Self { instance, group, ipv6 }
    }

    /// Makes all of them, closed and up; one result for each.
    pub(crate) fn make(&self, route: &mut KernelSocket, orders: &[Order]) -> Vec<Result<Device, Failure>> {
        orders.chunks(BATCH).flat_map(|orders| self.make_batch(route, orders)).collect()
    }

    fn make_batch(&self, route: &mut KernelSocket, orders: &[Order]) -> Vec<Result<Device, Failure>> {
        let spots = self.create(route, orders);
        let devices = self.configure(route, orders, &spots);
        let devices = set_all_up(route, devices);
        let half_made = spots.iter().zip(&devices).filter(|(_, device)| device.is_err());
        let half_made: Vec<_> = half_made.filter_map(|(spot, _)| Some(spot.as_ref().ok()?.index)).collect();
        for index in half_made {
            Self::delete(route, &[index], self.group);
        }
        devices
    }

    /// Step one: the links, down. An order for one that exists is checked, never overwritten.
    fn create(&self, route: &mut KernelSocket, orders: &[Order]) -> Vec<Result<Spot, Failure>> {
        let found: Vec<_> = orders.iter().map(|order| self.existing(route, order)).collect();
        let new = found.iter().zip(orders).filter(|(found, _)| matches!(found, Ok(None)));
        let requests: Vec<_> = new
            .map(|(_, order)| {
                let (name, mac) = (order.name.as_str(), order.shape.mac);
                create_macvlan(&NewDevice {
                    name,
                    parent: order.base,
                    mac,
                    group: self.group,
                    vrf: order.vrf,
                })
            })
            .collect();
        let mut outcomes = route.exchange(&requests).into_iter();
        let spots = found.into_iter().zip(orders).map(|(found, order)| {
            if let Some(spot) = found? {
                return Ok(spot);
            }
            let outcome = outcomes.next().unwrap_or(Ok(()));
            outcome.map_err(|refusal| Failure::refused("creating", &order.name, &refusal))?;
            let index = route.index_of(&order.name);
            let index = index.ok_or_else(|| Failure::text(format!("{} vanished", order.name)))?;
            Ok(Spot { index, name: order.name.clone() })
        });
        spots.collect()
    }

    /// The link that an order can use instead of a new one.
    fn existing(&self, route: &mut KernelSocket, order: &Order) -> Result<Option<Spot>, Failure> {
        let candidates = [order.existing, route.index_of(&order.name)];
        for index in candidates.into_iter().flatten() {
            let found = LinkFacts::of(route, index);
            let found = found.map_err(|refusal| Failure::refused("looking at", &order.name, &refusal))?;
            let Some(facts) = found else { continue };
            let same = facts.parent == Some(order.base) && facts.mac == Some(order.shape.mac);
            if same && self.instance.owns(&facts) {
                return Ok(Some(Spot { index, name: facts.name }));
            }
            if facts.name == order.name {
                return Err(Failure::text(format!(
                    "creating {}: a link of that name exists and is not ours",
                    order.name
                )));
            }
        }
        Ok(None)
    }

    /// Step two: marks and settings, while the link is still down and cannot send anything.
    fn configure(
        &self,
        route: &mut KernelSocket,
        orders: &[Order],
        spots: &[Result<Spot, Failure>],
    ) -> Vec<Result<Device, Failure>> {
        let there = spots.iter().zip(orders).filter_map(|(spot, order)| Some((spot.as_ref().ok()?, order)));
        let requests: Vec<_> = there
            .map(|(spot, order)| {
                let marks = Marks { alias: &order.alias, group: self.group, ipv6: self.ipv6 };
                configure_macvlan(spot.index, &marks, &inet_settings(order.shape))
            })
            .collect();
        let mut outcomes = route.exchange(&requests).into_iter();
        let devices = spots.iter().zip(orders).map(|(spot, order)| {
            let spot = spot.clone()?;
            let outcome = outcomes.next().unwrap_or(Ok(()));
            outcome.map_err(|refusal| Failure::refused("configuring", &spot.name, &refusal))?;
            self.furnish(spot, order)
        });
        devices.collect()
    }

    /// The settings that only files can change.
    fn furnish(&self, spot: Spot, order: &Order) -> Result<Device, Failure> {
        let trouble = |error: std::io::Error| Failure::text(explain(&error));
        let Spot { index, name } = spot;
        let Order { base, shape, .. } = order;
        let gate = Gate::of(shape.family, &name).map_err(trouble)?;
        gate.close().map_err(trouble)?;
        if self.ipv6 == HostIpv6::Present {
            for (setting, value) in inet6_settings(shape.family) {
                sysctl::write(Family::V6, &name, setting, *value).map_err(trouble)?;
            }
        }
        Ok(Device { name, index, base: *base, shape: *shape, gate })
    }

    /// Gives a device that is in use the settings of another shape.
    pub(crate) fn adjust(
        &self,
        route: &mut KernelSocket,
        device: &Device,
        to: DeviceShape,
    ) -> Result<(), Failure> {
        let settings: Vec<_> =
            inet_settings(to).into_iter().filter(|(setting, _)| *setting != Inet::Forwarding).collect();
        let outcome = route.execute(crate::requests::set_inet(device.index, &settings));
        outcome.map_err(|refusal| Failure::refused("configuring", &device.name, &refusal))
    }

    /// Deletes links of ours. Many together take the time of one, if they form a group: `spare` is a group number
    /// that nobody uses.
    pub(crate) fn delete(route: &mut KernelSocket, indexes: &[u32], spare: u32) {
        let requests: Vec<_> = match indexes {
            [] => return,
            [one] => vec![delete_link(*one)],
            many => {
                let regroup = many.iter().map(|index| set_group(*index, spare));
                regroup.chain([delete_group(spare)]).collect()
            }
        };
        for refusal in route.exchange(&requests).into_iter().filter_map(Result::err) {
            if !refusal.is_absence() {
                tracing::warn!(%refusal, "a macvlan could not be deleted");
            }
        }
    }
}

/// Step three: up, all closed.
fn set_all_up(
    route: &mut KernelSocket,
    devices: Vec<Result<Device, Failure>>,
) -> Vec<Result<Device, Failure>> {
    let requests: Vec<_> = devices.iter().flatten().map(|device| set_up(device.index)).collect();
    let mut outcomes = route.exchange(&requests).into_iter();
    let devices = devices.into_iter().map(|device| {
        let device = device?;
        let outcome = outcomes.next().unwrap_or(Ok(()));
        outcome.map_err(|refusal| Failure::refused("setting up", &device.name, &refusal))?;
        Ok(device)
    });
    devices.collect()
}

/// What a macvlan has of IPv4. An IPv6 one must not answer ARP: it would with the wrong virtual MAC.
fn inet_settings(shape: DeviceShape) -> Vec<(Inet, u32)> {
    const ONLY_OWN_ADDRESSES: u32 = 1;
    const NEVER: u32 = 8;
    let arp_ignore = match (shape.family, shape.responder) {
        (Family::V4, Responder::Kernel) => ONLY_OWN_ADDRESSES,
        (Family::V4, Responder::Engine) | (Family::V6, Responder::Kernel | Responder::Engine) => NEVER,
    };
    vec![
        (Inet::Forwarding, 0),
        (Inet::ArpIgnore, arp_ignore),
        (Inet::ArpAnnounce, 2),
        (Inet::ArpFilter, 0),
        // Frames come in here, but the route to their sender leads over the base.
        (Inet::RpFilter, 2),
        (Inet::AcceptLocal, 0),
        (Inet::ProxyArp, 0),
        (Inet::SendRedirects, 0),
        (Inet::AcceptRedirects, 0),
        (Inet::PromoteSecondaries, 1),
    ]
}

/// What a macvlan has of IPv6, beside its gate. On one for IPv4 there is none, which also keeps MLD silent.
fn inet6_settings(family: Family) -> &'static [(&'static str, i32)] {
    match family {
        Family::V4 => &[("disable_ipv6", 1)],
        Family::V6 => &[
            // Per device: the Router flag of the kernel's advertisements.
            ("forwarding", 1),
            ("accept_ra", 0),
            ("autoconf", 0),
            ("accept_dad", 0),
            ("dad_transmits", 0),
            ("keep_addr_on_down", 0),
            ("accept_redirects", 0),
        ],
    }
}

/// Adds the capability that is missing, where one is.
pub(crate) fn explain(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return format!("{error}; the capability CAP_NET_ADMIN is needed");
    }
    error.to_string()
}
