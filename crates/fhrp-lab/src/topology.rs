//! The topology: routers, hosts, switches and the cables between them.
//!
//! ```text
//! h1 ─┐ lan0                       ┌─ r1 ─┐ up0
//! h2 ─┴── [bridge lan0 in sw] ─────┼─ r2 ─┼── [bridge up0 in sw] ── up
//!      │                           └─ r3 ─┘                         │
//!      └──────────── [bridge oob0 in sw]: the way back only ────────┘
//! ```
//!
//! What a host sends to the upstream host goes through the virtual gateway; what comes back takes the out-of-band
//! link, so that a probe measures the gateway's direction alone. Bridge ports are named `r1-lan0`, `h1-lan0`, …

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use fhrp_wire::{Family, MacAddr};

use crate::{
    error::{LabError, Result},
    namespace::Namespace,
    ready::await_ready,
    world::World,
};

/// The router's interface towards the upstream host.
pub const UPSTREAM_INTERFACE: &str = "up0";

/// Value of `net.ipv4.conf.all.rp_filter` in the routers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReversePathFilter {
    /// 0: none. What a new namespace has.
    #[default]
    Off,
    /// 1: the source must be reachable through the arriving interface.
    Strict,
    /// 2: the source must be reachable at all.
    Loose,
}

impl ReversePathFilter {
    const fn value(self) -> &'static str {
        match self {
            Self::Off => "0",
            Self::Strict => "1",
            Self::Loose => "2",
        }
    }
}

/// What to build.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// Number of routers, 1 to 64: `r1`, `r2`, …
    pub routers: u8,
    /// Number of hosts, 0 to 64: `h1`, `h2`, …
    pub hosts: u8,
    /// Number of LANs, 1 to 64; every router and host has a port in each: `lan0`, `lan1`, …
    pub lans: u8,
    /// Reverse path filter in the routers.
    pub rp_filter: ReversePathFilter,
    /// MTU of the LANs in bytes.
    pub mtu: u16,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self { routers: 2, hosts: 1, lans: 1, rp_filter: ReversePathFilter::Off, mtu: 1500 }
    }
}

/// A router or a host.
#[derive(Clone, Debug)]
pub struct Node {
    namespace: Namespace,
    kind: NodeKind,
    number: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeKind {
    Router,
    Host,
    Upstream,
}

impl NodeKind {
    /// First number of the nodes' host parts: r1 is .11, h1 is .101, the upstream host is .254.
    const fn host_part(self, number: u8) -> u8 {
        match self {
            Self::Router => 10 + number,
            Self::Host => 100 + number,
            Self::Upstream => 254,
        }
    }
}

impl Node {
    /// `r1`, `h1`, `up`, …
    #[must_use]
    pub fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Its namespace.
    #[must_use]
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    const fn host_part(&self) -> u8 {
        self.kind.host_part(self.number)
    }

    /// Its address in a LAN; not for the upstream host.
    #[must_use]
    pub fn lan_address(&self, lan: u8, family: Family) -> IpAddr {
        lan_address(lan, family, self.host_part())
    }

    /// Its link-local address in a LAN: `fe80::` and the host part.
    #[must_use]
    pub fn link_local(&self) -> Ipv6Addr {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from(self.host_part()))
    }

    /// MAC address of its port in a LAN.
    #[must_use]
    pub const fn lan_mac(&self, lan: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, lan, self.host_part()])
    }

    /// The folder where its daemons keep configuration, sockets, state and logs. It stays over restarts.
    #[must_use]
    pub fn work_dir(&self) -> PathBuf {
        World::work_root().join(self.name())
    }

    /// The addresses and links as `ip -brief address` prints them.
    ///
    /// # Errors
    /// [`LabError::Command`] if `ip` fails.
    pub fn addresses(&self) -> Result<String> {
        self.namespace.query("ip", &["-brief", "address"])
    }
}

/// An address of a LAN: 192.0.2.0/24 and `2001:db8:1::/64` for LAN 0, 198.18.N.0/24 and `2001:db8:1:N::/64` for the others.
#[must_use]
pub fn lan_address(lan: u8, family: Family, host: u8) -> IpAddr {
    match (family, lan) {
        (Family::V4, 0) => Ipv4Addr::new(192, 0, 2, host).into(),
        (Family::V4, _) => Ipv4Addr::new(198, 18, lan, host).into(),
        (Family::V6, _) => Ipv6Addr::new(0x2001, 0xdb8, 1, u16::from(lan), 0, 0, 0, u16::from(host)).into(),
    }
}

/// The usual virtual address of a group: .1 of the LAN over IPv4, `fe80::5e00:2:VRID` over IPv6.
#[must_use]
pub fn virtual_address(lan: u8, family: Family, vrid: u8) -> IpAddr {
    match family {
        Family::V4 => lan_address(lan, family, 1),
        Family::V6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5e00, 2, u16::from(vrid)).into(),
    }
}

/// The upstream host's address: the destination of all probes.
#[must_use]
pub fn upstream_address(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(198, 51, 100, 254).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 254).into(),
    }
}

/// The prefix behind the gateway.
#[must_use]
pub const fn upstream_prefix(family: Family) -> &'static str {
    match family {
        Family::V4 => "198.51.100.0/24",
        Family::V6 => "2001:db8:2::/64",
    }
}

/// Name of a LAN's interface in every router and host, and of its bridge in the switch namespace.
#[must_use]
pub fn lan_interface(lan: u8) -> String {
    format!("lan{lan}")
}

/// Name of a node's switch port in a LAN.
#[must_use]
pub fn lan_port(node: &str, lan: u8) -> String {
    format!("{node}-lan{lan}")
}

/// A built topology. Dropping it removes its namespaces; stop the daemons first, or drop them.
#[derive(Debug)]
pub struct Lab {
    world: World,
    switch: Namespace,
    upstream: Node,
    routers: Vec<Node>,
    hosts: Vec<Node>,
    lans: u8,
}

impl Lab {
    /// Builds the topology, and waits until all of it can be used. One at a time in a world: the names are fixed.
    ///
    /// # Errors
    /// [`LabError::Command`] or [`LabError::Io`] with the step that failed; [`LabError::Timeout`] if an interface does not
    /// come up.
    pub fn build(world: World, options: &LabOptions) -> Result<Self> {
        let routers: Vec<_> = (1..=options.routers).map(|number| format!("r{number}")).collect();
        let hosts: Vec<_> = (1..=options.hosts).map(|number| format!("h{number}")).collect();
        let names: Vec<&str> =
            ["sw", "up"].into_iter().chain(routers.iter().chain(&hosts).map(String::as_str)).collect();
        let mut namespaces = Namespace::create(world, &names)?.into_iter();
        let (Some(switch), Some(upstream)) = (namespaces.next(), namespaces.next()) else {
            return Err(LabError::NoSuch("switch".to_owned()));
        };
        let mut lab = Self {
            world,
            switch,
            upstream: Node { namespace: upstream, kind: NodeKind::Upstream, number: 1 },
            routers: numbered(namespaces.by_ref().take(routers.len()), NodeKind::Router),
            hosts: Vec::new(),
            lans: options.lans,
        };
        lab.hosts = numbered(namespaces, NodeKind::Host);
        lab.prepare_nodes(options)?;
        lab.switch_on(options)?;
        lab.cable_up(options)?;
        lab.nodes().try_for_each(|node| await_ready(&node.namespace))?;
        Ok(lab)
    }

    /// Settings that must stand before the first interface appears.
    fn prepare_nodes(&self, options: &LabOptions) -> Result<()> {
        for setting in ["arp", "ip", "ip6"] {
            // Present only with br_netfilter, which would otherwise swallow malformed packets in the bridge.
            let _ = self.switch.set(&format!("bridge/bridge-nf-call-{setting}tables"), "0");
        }
        self.switch.set("ipv6/conf/default/disable_ipv6", "1")?;
        for node in self.nodes() {
            let namespace = node.namespace();
            let filter = match node.kind {
                NodeKind::Router => options.rp_filter,
                NodeKind::Host | NodeKind::Upstream => ReversePathFilter::Off,
            };
            for scope in ["all", "default"] {
                namespace.set(&format!("ipv4/conf/{scope}/rp_filter"), filter.value())?;
                namespace.set(&format!("ipv6/conf/{scope}/accept_dad"), "0")?;
                if node.kind == NodeKind::Router {
                    namespace.set(&format!("ipv4/conf/{scope}/forwarding"), "1")?;
                    namespace.set(&format!("ipv6/conf/{scope}/forwarding"), "1")?;
                }
            }
            fs::create_dir_all(node.work_dir()).map_err(LabError::io("creating a work folder"))?;
        }
        Ok(())
    }

    /// Makes the bridges.
    fn switch_on(&self, options: &LabOptions) -> Result<()> {
        let bridges = (0..self.lans).map(|lan| (lan_interface(lan), options.mtu));
        let bridges = bridges.chain([(UPSTREAM_INTERFACE.to_owned(), 1500), ("oob0".to_owned(), 1500)]);
        let lines = bridges.flat_map(|(bridge, mtu)| {
            [
                format!(
                    "link add name {bridge} mtu {mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
                ),
                format!("link set dev {bridge} up"),
            ]
        });
        self.switch.ip(lines)
    }

    /// Lays every cable and sets addresses and routes.
    fn cable_up(&self, options: &LabOptions) -> Result<()> {
        let mut cables = Vec::new();
        for node in self.routers.iter().chain(&self.hosts) {
            for lan in 0..self.lans {
                cables.push(Cable::to_lan(node, lan, options.mtu));
            }
        }
        cables.extend(self.routers.iter().map(Cable::to_upstream));
        cables.push(Cable::to_upstream(&self.upstream));
        cables.extend(self.hosts.iter().chain([&self.upstream]).map(Cable::out_of_band));
        self.switch.ip(cables.iter().flat_map(Cable::switch_side))?;
        for node in self.nodes() {
            let own = cables.iter().filter(|cable| cable.node.name() == node.name());
            node.namespace.ip(own.flat_map(Cable::node_side))?;
        }
        self.upstream.namespace.ip(self.hosts.iter().flat_map(|host| self.way_back(host)))
    }

    /// The upstream host's routes to a host's LAN addresses.
    fn way_back<'a>(&'a self, host: &'a Node) -> impl Iterator<Item = String> + 'a {
        (0..self.lans).flat_map(move |lan| {
            [Family::V4, Family::V6].map(|family| {
                let via = out_of_band_address(host, family);
                format!("route add {} via {via} dev oob0", host.lan_address(lan, family))
            })
        })
    }

    fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.routers.iter().chain(&self.hosts).chain([&self.upstream])
    }

    /// The world that it stands in.
    #[must_use]
    pub const fn world(&self) -> World {
        self.world
    }

    /// The switch's namespace: all bridges and their ports.
    #[must_use]
    pub const fn switch(&self) -> &Namespace {
        &self.switch
    }

    /// The routers, `r1` first.
    #[must_use]
    pub fn routers(&self) -> &[Node] {
        &self.routers
    }

    /// The hosts, `h1` first.
    #[must_use]
    pub fn hosts(&self) -> &[Node] {
        &self.hosts
    }

    /// The upstream host.
    #[must_use]
    pub const fn upstream(&self) -> &Node {
        &self.upstream
    }

    /// Number of LANs.
    #[must_use]
    pub const fn lans(&self) -> u8 {
        self.lans
    }

    /// Router `rN`, numbered from 1.
    ///
    /// # Errors
    /// [`LabError::NoSuch`].
    pub fn router(&self, number: u8) -> Result<&Node> {
        pick(&self.routers, number).ok_or_else(|| LabError::NoSuch(format!("router r{number}")))
    }

    /// Host `hN`, numbered from 1.
    ///
    /// # Errors
    /// [`LabError::NoSuch`].
    pub fn host(&self, number: u8) -> Result<&Node> {
        pick(&self.hosts, number).ok_or_else(|| LabError::NoSuch(format!("host h{number}")))
    }

    /// Points every host's default route at a gateway address in a LAN.
    ///
    /// # Errors
    /// [`LabError::Command`] if `ip` refuses.
    pub fn use_gateway(&self, gateway: IpAddr, lan: u8) -> Result<()> {
        let interface = lan_interface(lan);
        self.hosts.iter().try_for_each(|host| {
            host.namespace.ip([format!("route replace default via {gateway} dev {interface}")])
        })
    }

    /// Shell commands that explore the running laboratory from another terminal.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let entering = self.world.entering_command();
        let first = self.routers.first().map_or("r1", Node::name);
        [
            "ip netns list".to_owned(),
            format!("ip netns exec {first} ip -brief address"),
            format!("ip netns exec {first} ls {}", World::work_root().join(first).display()),
            "ip netns exec sw bridge fdb show br lan0".to_owned(),
        ]
        .map(|command| format!("{entering} {command}"))
        .to_vec()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in self.nodes().map(Node::namespace).chain([&self.switch]) {
            // The world's end removes what this could not.
            let _ = namespace.delete();
        }
        for node in self.nodes() {
            let _ = fs::remove_dir_all(node.work_dir());
        }
    }
}

fn numbered(namespaces: impl Iterator<Item = Namespace>, kind: NodeKind) -> Vec<Node> {
    (1..).zip(namespaces).map(|(number, namespace)| Node { namespace, kind, number }).collect()
}

fn pick(nodes: &[Node], number: u8) -> Option<&Node> {
    nodes.get(usize::from(number.checked_sub(1)?))
}

/// A node's address on the out-of-band link, 203.0.113.0/24 and `2001:db8:3::/64`.
fn out_of_band_address(node: &Node, family: Family) -> IpAddr {
    let host = node.host_part();
    match family {
        Family::V4 => Ipv4Addr::new(203, 0, 113, host).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 3, 0, 0, 0, 0, u16::from(host)).into(),
    }
}

/// One veth pair between a node and a bridge of the switch.
struct Cable<'a> {
    node: &'a Node,
    interface: String,
    mac: MacAddr,
    mtu: u16,
    addresses: [IpAddr; 2],
}

impl<'a> Cable<'a> {
    fn to_lan(node: &'a Node, lan: u8, mtu: u16) -> Self {
        let addresses = [Family::V4, Family::V6].map(|family| node.lan_address(lan, family));
        Self { node, interface: lan_interface(lan), mac: node.lan_mac(lan), mtu, addresses }
    }

    fn to_upstream(node: &'a Node) -> Self {
        let host = node.host_part();
        let addresses = [
            Ipv4Addr::new(198, 51, 100, host).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, u16::from(host)).into(),
        ];
        let mac = MacAddr([2, 0, 0, 1, 0, host]);
        Self { node, interface: UPSTREAM_INTERFACE.to_owned(), mac, mtu: 1500, addresses }
    }

    fn out_of_band(node: &'a Node) -> Self {
        let addresses = [Family::V4, Family::V6].map(|family| out_of_band_address(node, family));
        let mac = MacAddr([2, 0, 0, 2, 0, node.host_part()]);
        Self { node, interface: "oob0".to_owned(), mac, mtu: 1500, addresses }
    }

    fn switch_side(&self) -> [String; 3] {
        let (node, interface, mtu) = (self.node.name(), &self.interface, self.mtu);
        let port = port_of(node, interface);
        [
            format!(
                "link add name {port} mtu {mtu} type veth peer name {interface} mtu {mtu} address {} netns {node}",
                self.mac
            ),
            format!("link set dev {port} master {interface}"),
            format!("link set dev {port} up"),
        ]
    }

    /// Addresses are known beforehand, so that tie-breaks are repeatable: no addresses from the kernel's own making.
    fn node_side(&self) -> [String; 5] {
        let (interface, [v4, v6]) = (&self.interface, self.addresses);
        [
            format!("link set dev {interface} addrgenmode none"),
            format!("link set dev {interface} up"),
            format!("addr add {v4}/24 dev {interface}"),
            format!("addr add {}/64 dev {interface} nodad", self.node.link_local()),
            format!("addr add {v6}/64 dev {interface} nodad"),
        ]
    }
}

fn port_of(node: &str, interface: &str) -> String {
    format!("{node}-{interface}")
}
