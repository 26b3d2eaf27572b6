//! What the configuration files say together: which interfaces are on one LAN, which groups are there, who is in them.
//!
//! A configuration names neither the LAN nor the router's own address. LANs are found by what interfaces have in common,
//! addresses are made up beside the virtual ones.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{Family, GroupConfig, GroupId, InterfaceName, MacAddr, Protocol};

use crate::config::Config;

/// One router: its configuration, and what people call it.
#[derive(Clone, Debug)]
pub(super) struct Router {
    pub(super) name: String,
    pub(super) file: String,
    pub(super) config: Config,
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) routers: Vec<Router>,
    pub(super) lans: Vec<Lan>,
}

/// One LAN.
#[derive(Clone, Debug)]
pub(super) struct Lan {
    pub(super) name: String,
    /// In the order of the routers.
    pub(super) ports: Vec<Port>,
    pub(super) groups: Vec<Group>,
}

/// An interface on it.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// The router's place.
    pub(super) router: usize,
    pub(super) interface: InterfaceName,
    pub(super) ipv4: Ipv4Addr,
    pub(super) ipv6: Ipv6Addr,
    /// Virtual addresses that are its own.
    pub(super) owned: Vec<IpAddr>,
    pub(super) mac: MacAddr,
    /// How long the router's daemon waits for its successors when it stops.
    pub(super) stop_linger: Duration,
}

/// A group on it.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) protocol: Protocol,
    pub(super) family: Family,
    pub(super) number: u16,
    /// One for each port of the LAN; `None` for a router that is not in it.
    pub(super) configs: Vec<Option<GroupConfig>>,
}

/// What the operator says besides the files.
#[derive(Clone, Debug, Default)]
pub(super) struct Wiring {
    /// LANs with the interfaces on them, each a router's name and an interface.
    pub(super) lans: Vec<(String, Vec<(String, String)>)>,
    /// Addresses of interfaces.
    pub(super) addresses: Vec<((String, String), IpAddr)>,
}

/// Interfaces that are on one LAN: of each router at most one.
type Wired = BTreeMap<usize, InterfaceName>;

impl Network {
    /// Finds the LANs.
    ///
    /// # Errors
    /// What of `wiring` does not fit, or what has to be said in it.
    pub(super) fn of(routers: Vec<Router>, wiring: &Wiring) -> Result<Self, String> {
        for ((router, interface), _) in &wiring.addresses {
            find_port(&routers, router, interface)?;
        }
        let mut wired = named_lans(&routers, wiring)?;
        for (place, router) in routers.iter().enumerate() {
            connect(&routers, place, interfaces(&router.config), &mut wired);
        }
        let wired: Vec<(Option<String>, Wired)> =
            wired.into_iter().filter(|(_, ports)| !ports.is_empty()).collect();
        let names = names_of(&wired);
        let mut lans = Vec::new();
        for (place, (name, (_, ports))) in names.into_iter().zip(wired).enumerate() {
            lans.push(Lan::new(&routers, (place, name), ports, wiring)?);
        }
        Ok(Self { routers, lans })
    }

    pub(super) fn router(&self, name: &str) -> Option<usize> {
        self.routers.iter().position(|router| router.name == name)
    }

    /// The LANs that a router is on, each with the place of its port.
    pub(super) fn ports_of(&self, router: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let on = move |lan: &Lan| lan.ports.iter().position(|port| port.router == router);
        self.lans.iter().enumerate().filter_map(move |(place, lan)| Some((place, on(lan)?)))
    }
}

/// The LANs that the operator named.
fn named_lans(routers: &[Router], wiring: &Wiring) -> Result<Vec<(Option<String>, Wired)>, String> {
    let mut lans = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, ports) in &wiring.lans {
        let mut wired = Wired::new();
        for (router, interface) in ports {
            let (place, interface) = find_port(routers, router, interface)?;
            if !seen.insert((place, interface.clone())) {
                return Err(format!("{router}:{interface} is on two LANs; name it once"));
            }
            if let Some(other) = wired.insert(place, interface.clone()) {
                return Err(format!(
                    "{router} is on LAN {name} by both {other} and {interface}; leave one of them out"
                ));
            }
        }
        lans.push((Some(name.clone()), wired));
    }
    Ok(lans)
}

fn find_port(routers: &[Router], router: &str, interface: &str) -> Result<(usize, InterfaceName), String> {
    let names = || routers.iter().map(|router| router.name.as_str()).collect::<Vec<_>>().join(", ");
    let place = routers.iter().position(|known| known.name == router);
    let place = place.ok_or_else(|| format!("there is no router {router}; there are: {}", names()))?;
    let known = routers.get(place).map(|router| interfaces(&router.config)).unwrap_or_default();
    let shown = || known.iter().map(InterfaceName::as_str).collect::<Vec<_>>().join(", ");
    let found = known.iter().find(|known| known.as_str() == interface).cloned();
    let missing = || format!("{router} has no group on {interface}; it has groups on: {}", shown());
    found.map(|found| (place, found)).ok_or_else(missing)
}

/// The interfaces that a configuration has groups on.
fn interfaces(config: &Config) -> BTreeSet<InterfaceName> {
    config.groups.keys().map(|id| id.interface.clone()).collect()
}

/// Puts each interface of a router onto the LAN that it has most in common with, or onto a new one.
fn connect(
    routers: &[Router],
    place: usize,
    mut interfaces: BTreeSet<InterfaceName>,
    lans: &mut Vec<(Option<String>, Wired)>,
) {
    interfaces.retain(|name| lans.iter().all(|(_, ports)| ports.get(&place) != Some(name)));
    let mut pairs = Vec::new();
    for (at, interface) in interfaces.iter().enumerate() {
        for (lan, (_, ports)) in lans.iter().enumerate() {
            let best = ports.iter().filter(|(router, _)| **router != place);
            let best = best.map(|port| affinity(routers, (place, interface), (*port.0, port.1))).max();
            pairs.extend(best.filter(|best| *best > 0).map(|best| (best, at, lan, interface.clone())));
        }
    }
    // The strongest first; of equals those that come first in the files.
    pairs.sort_by_key(|(strength, at, lan, _)| (std::cmp::Reverse(*strength), *at, *lan));
    for (_, _, lan, interface) in pairs {
        let Some((_, ports)) = lans.get_mut(lan) else { continue };
        if interfaces.contains(&interface) && !ports.contains_key(&place) {
            interfaces.remove(&interface);
            ports.insert(place, interface);
        }
    }
    lans.extend(interfaces.into_iter().map(|interface| (None, Wired::from([(place, interface)]))));
}

/// How much speaks for two interfaces being on one LAN: virtual addresses that both have, then groups, then a subnet,
/// then the name.
fn affinity(routers: &[Router], one: (usize, &InterfaceName), other: (usize, &InterfaceName)) -> usize {
    let groups = |(place, interface): (usize, &InterfaceName)| -> Vec<&GroupConfig> {
        let groups = routers.get(place).into_iter().flat_map(|router| &router.config.groups);
        let on = |id: &GroupId| id.interface == *interface;
        groups.filter(|(id, _)| on(id)).map(|(_, config)| config).collect()
    };
    let (ours, theirs) = (groups(one), groups(other));
    let global = |address: &&IpAddr| match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    };
    let addresses = |groups: &[&GroupConfig]| -> BTreeSet<IpAddr> {
        groups.iter().flat_map(|group| group.addresses().iter()).filter(global).copied().collect()
    };
    let keys = |groups: &[&GroupConfig]| -> BTreeSet<(Protocol, Family, u16)> {
        groups.iter().map(|group| group.id()).map(|id| (id.protocol, id.family, id.number)).collect()
    };
    let subnets = |groups: &[&GroupConfig]| -> BTreeSet<Vec<u8>> {
        addresses(groups).into_iter().map(subnet).collect()
    };
    let common = addresses(&ours).intersection(&addresses(&theirs)).count();
    let shared = keys(&ours).intersection(&keys(&theirs)).count();
    let near = subnets(&ours).intersection(&subnets(&theirs)).count();
    common * 1_000_000 + shared * 1_000 + near * 10 + usize::from(one.1 == other.1)
}

/// The usual subnet of an address: /24 or /64.
fn subnet(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().iter().take(3).copied().collect(),
        IpAddr::V6(address) => address.octets().iter().take(8).copied().collect(),
    }
}

/// A LAN is called as the operator says, or as all its interfaces are; else by a number.
fn names_of(lans: &[(Option<String>, Wired)]) -> Vec<String> {
    let common = |ports: &Wired| {
        let names: BTreeSet<&InterfaceName> = ports.values().collect();
        let only = names.iter().next().filter(|_| names.len() == 1);
        only.map(|name| name.to_string())
    };
    let wishes: Vec<Option<String>> =
        lans.iter().map(|(name, ports)| name.clone().or_else(|| common(ports))).collect();
    let unique = |name: &String| wishes.iter().flatten().filter(|wish| *wish == name).count() == 1;
    let numbered =
        |place: usize| if lans.len() == 1 { "lan".to_owned() } else { format!("lan{}", place + 1) };
    let name = |(place, wish): (usize, &Option<String>)| {
        wish.clone().filter(unique).unwrap_or_else(|| numbered(place))
    };
    wishes.iter().enumerate().map(name).collect()
}

impl Lan {
    fn new(
        routers: &[Router],
        (place, name): (usize, String),
        wired: Wired,
        wiring: &Wiring,
    ) -> Result<Self, String> {
        let of = |(router, interface): (&usize, &InterfaceName)| -> Vec<GroupConfig> {
            let groups = routers.get(*router).into_iter().flat_map(|router| &router.config.groups);
            let on = |id: &GroupId| id.interface == *interface;
            groups.filter(|(id, _)| on(id)).map(|(_, config)| config.clone()).collect()
        };
        let configs: Vec<Vec<GroupConfig>> = wired.iter().map(of).collect();
        let ids = configs.iter().flatten().map(GroupConfig::id);
        let keys: BTreeSet<(Protocol, u16, Family)> =
            ids.map(|id| (id.protocol, id.number, id.family)).collect();
        let group = |(protocol, number, family): (Protocol, u16, Family)| {
            let same = |config: &&GroupConfig| {
                let id = config.id();
                (id.protocol, id.number, id.family) == (protocol, number, family)
            };
            let configs = configs.iter().map(|port| port.iter().find(same).cloned()).collect();
            Group { protocol, family, number, configs }
        };
        let groups: Vec<Group> = keys.into_iter().map(group).collect();
        let here = |((name, on), _): &&((String, String), IpAddr)| {
            let port = routers.iter().position(|router| router.name == *name);
            port.and_then(|port| wired.get(&port)).is_some_and(|interface| interface.as_str() == on)
        };
        let said: Vec<_> = wiring.addresses.iter().filter(here).cloned().collect();
        let mut addressing = Addressing::new(&configs, place);
        addressing.taken.extend(said.iter().map(|(_, address)| *address));
        let mut ports = Vec::new();
        for (at, (router, interface)) in wired.into_iter().enumerate() {
            let (known, stop_linger) = routers
                .get(router)
                .map(|router| (router.name.as_str(), router.config.daemon.stop_linger))
                .unwrap_or_default();
            let ours = said.iter().filter(|((name, _), _)| name == known);
            let ours: Vec<IpAddr> = ours.map(|(_, address)| *address).collect();
            let named = format!("{known}:{interface}");
            let (ipv4, ipv6) = (addressing.ipv4(at, &ours, &named)?, addressing.ipv6(at, &ours, &named)?);
            let owned = configs.get(at).map(|configs| owned(configs)).unwrap_or_default();
            let mac = addressing.mac(at);
            ports.push(Port { router, interface, ipv4, ipv6, owned, mac, stop_linger });
        }
        Ok(Self { name, ports, groups })
    }

    /// The place of the port of a router.
    pub(super) fn port_of(&self, router: usize) -> Option<usize> {
        self.ports.iter().position(|port| port.router == router)
    }
}

/// RFC 9568 §5.2.4: priority 255 is the owner's, whose own addresses the virtual ones are.
fn owned(configs: &[GroupConfig]) -> Vec<IpAddr> {
    let owner = |config: &&GroupConfig| config.vrrp().is_some_and(|vrrp| vrrp.settings().priority == 255);
    configs.iter().filter(owner).flat_map(|config| config.addresses().iter().copied()).collect()
}

/// Gives routers addresses beside the virtual ones, in the order of the files.
struct Addressing {
    lan: usize,
    /// The subnet of the first virtual IPv4 address.
    base: Ipv4Addr,
    taken: BTreeSet<IpAddr>,
    /// The peers that each router names.
    peers: Vec<BTreeSet<IpAddr>>,
}

impl Addressing {
    fn new(configs: &[Vec<GroupConfig>], lan: usize) -> Self {
        let taken: BTreeSet<IpAddr> =
            configs.iter().flatten().flat_map(|config| config.addresses().iter().copied()).collect();
        let mut virtual_ipv4 = taken.iter().filter_map(|address| match address {
            IpAddr::V4(address) => Some(*address),
            IpAddr::V6(_) => None,
        });
        let peers = |configs: &Vec<GroupConfig>| {
            let vrrp = configs.iter().filter_map(GroupConfig::vrrp);
            vrrp.flat_map(|vrrp| vrrp.settings().unicast_peers.iter().copied()).collect()
        };
        let base = virtual_ipv4.next().unwrap_or(Ipv4Addr::new(192, 0, 2, 1));
        Self { lan, base, peers: configs.iter().map(peers).collect(), taken }
    }

    fn ipv4(&mut self, port: usize, said: &[IpAddr], named: &str) -> Result<Ipv4Addr, String> {
        let said = said.iter().copied().find(IpAddr::is_ipv4);
        let [a, b, c, _] = self.base.octets();
        let free = (2..=254_u8).map(|last| IpAddr::from([a, b, c, last]));
        match self.take(port, said, free, (Family::V4, named))? {
            IpAddr::V4(address) => Ok(address),
            IpAddr::V6(_) => Err(format!("{named} has no IPv4 address")),
        }
    }

    fn ipv6(&mut self, port: usize, said: &[IpAddr], named: &str) -> Result<Ipv6Addr, String> {
        let said = said.iter().copied().find(IpAddr::is_ipv6);
        let free = (2..=u16::MAX).map(|last| IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, last]));
        match self.take(port, said, free, (Family::V6, named))? {
            IpAddr::V6(address) => Ok(address),
            IpAddr::V4(_) => Err(format!("{named} has no IPv6 address")),
        }
    }

    /// What was said, what the others call it, or the first that is free.
    fn take(
        &mut self,
        port: usize,
        said: Option<IpAddr>,
        mut free: impl Iterator<Item = IpAddr>,
        (family, named): (Family, &str),
    ) -> Result<IpAddr, String> {
        if let Some(said) = said {
            return Ok(said);
        }
        let address = match self.called(port, family).as_slice() {
            [] => free.find(|address| !self.taken.contains(address)),
            [one] => Some(*one),
            [_, _, ..] => {
                return Err(format!(
                    "unicast_peers leave open what the address of {named} is; say --address {named}=ADDRESS"
                ));
            }
        };
        let address = address.ok_or_else(|| format!("the subnet has no address left for {named}"))?;
        self.taken.insert(address);
        Ok(address)
    }

    /// What other routers may call the one of `port`: peers of theirs that are neither its own peers nor somebody else.
    fn called(&self, port: usize, family: Family) -> Vec<IpAddr> {
        let own = self.peers.get(port).cloned().unwrap_or_default();
        let others = self.peers.iter().enumerate().filter(|(place, _)| *place != port);
        let named: BTreeSet<IpAddr> = others.flat_map(|(_, peers)| peers.iter().copied()).collect();
        let fits = |address: &IpAddr| {
            Family::of(address) == family && !own.contains(address) && !self.taken.contains(address)
        };
        named.into_iter().filter(fits).collect()
    }

    fn mac(&self, port: usize) -> MacAddr {
        let octet = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        MacAddr([2, 0, 0, octet(self.lan), 0, octet(port + 1)])
    }
}
