//! A router whose backend the test drives by hand, in a laboratory with one host and one upstream host.

use std::collections::VecDeque;
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fhrp::driver::{Backend, BackendEvent};
use fhrp::{
    Acceptance, Binding, Family, Gate, GroupId, IfIndex, InterfaceName, LinkEvent, LinkState, MacAddr,
    ProgramFault, Protocol, Responder, Revision, SeatId,
};
use fhrp_lab::{Lab, LabOptions, Namespace, Node, World};
use fhrp_netlink::{NetlinkBackend, NetlinkOptions};
use tokio::runtime::Runtime;

pub(crate) const BASE: &str = "lan0";
/// Only an endless wait comes to this.
const PATIENCE: Duration = Duration::from_secs(20);

/// A backend and the runtime that it is driven with.
pub(crate) struct Driven {
    pub(crate) backend: NetlinkBackend,
    runtime: Runtime,
    revision: u64,
    /// Events that came while another was waited for.
    kept: VecDeque<BackendEvent>,
}

pub(crate) fn state_dir(router: &Node) -> PathBuf {
    router.work_dir().join("state")
}

/// Runs a test in the namespace of the only router of a laboratory.
pub(crate) fn in_router(world: World, body: impl FnOnce(&Lab, &Node) + Send) {
    in_router_of(world, &LabOptions { routers: 1, ..LabOptions::default() }, body);
}

pub(crate) fn in_router_of(world: World, options: &LabOptions, body: impl FnOnce(&Lab, &Node) + Send) {
    let lab = Lab::build(world, options).unwrap();
    let router = lab.router(1).unwrap();
    settle(router, options.lans);
    router.namespace().run(|| body(&lab, router)).unwrap();
}

/// Waits until the kernel has joined the groups of its own addresses, some moments after these were given.
fn settle(router: &Node, lans: u8) {
    let joined = || {
        let groups = router.namespace().query("ip", &["-6", "maddress"]).unwrap();
        groups.matches("ff02::1:ff00:b users 2").count() > usize::from(lans)
    };
    while !joined() {
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Driven {
    /// A backend of the calling thread's namespace.
    pub(crate) fn start(router: &Node) -> Self {
        Self::with_options(&NetlinkOptions { state_dir: state_dir(router), realtime_priority: None })
    }

    pub(crate) fn with_options(options: &NetlinkOptions) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let backend = NetlinkBackend::new(options).unwrap();
        Self { backend, runtime, revision: 0, kept: VecDeque::new() }
    }

    fn next(&mut self, what: &str) -> BackendEvent {
        let event = self.backend.next_event();
        self.runtime
            .block_on(async { tokio::time::timeout(PATIENCE, event).await })
            .unwrap_or_else(|_| panic!("no {what} came; came: {:?}", self.kept))
    }

    /// Waits for the first event that `pick` likes, in the order in which they came.
    pub(crate) fn wait_for<T>(&mut self, what: &str, mut pick: impl FnMut(&BackendEvent) -> Option<T>) -> T {
        let place = self.kept.iter().position(|event| pick(event).is_some());
        if let Some(event) = place.and_then(|place| self.kept.remove(place)) {
            return pick(&event).unwrap();
        }
        loop {
            let event = self.next(what);
            match pick(&event) {
                Some(found) => return found,
                None => self.kept.push_back(event),
            }
        }
    }

    /// Waits until an interface is reported as the test wants it. What was reported of it before is history then, and
    /// does not fit a later wish.
    pub(crate) fn link(&mut self, name: &str, fits: impl Fn(&LinkState) -> bool) -> LinkState {
        let mut last = String::from("none before");
        loop {
            let what = format!("fitting report of {name} ({last})");
            let state = self.wait_for(&what, |event| match event {
                BackendEvent::Link(LinkEvent::Present(state)) if state.name.as_str() == name => {
                    Some(state.clone())
                }
                BackendEvent::Link(_) | BackendEvent::Programmed { .. } | BackendEvent::Mended { .. } => None,
            });
            if fits(&state) {
                return state;
            }
            last = format!("{state:?} before");
        }
    }

    pub(crate) fn base(&mut self) -> IfIndex {
        self.link(BASE, |state| state.up).index
    }

    /// Wishes, and waits for the answer.
    pub(crate) fn program(&mut self, seat: u32, wanted: Option<Binding>) -> Result<(), ProgramFault> {
        let revision = self.wish(seat, wanted);
        self.answer(seat, revision)
    }

    pub(crate) fn wish(&mut self, seat: u32, wanted: Option<Binding>) -> Revision {
        self.revision += 1;
        let revision = Revision(self.revision);
        self.backend.program(SeatId::from_raw(seat), revision, wanted);
        revision
    }

    pub(crate) fn answer(&mut self, seat: u32, wanted: Revision) -> Result<(), ProgramFault> {
        self.wait_for("answer", |event| match event {
            BackendEvent::Programmed { seat: whose, revision, result }
                if *whose == SeatId::from_raw(seat) && *revision == wanted =>
            {
                Some(result.clone())
            }
            BackendEvent::Programmed { .. } | BackendEvent::Link(_) | BackendEvent::Mended { .. } => None,
        })
    }

    pub(crate) fn mended(&mut self, seat: u32) -> String {
        self.wait_for("mending", |event| match event {
            BackendEvent::Mended { seat: whose, what } if *whose == SeatId::from_raw(seat) => {
                Some(what.to_string())
            }
            BackendEvent::Programmed { .. } | BackendEvent::Link(_) | BackendEvent::Mended { .. } => None,
        })
    }

    /// What has been mended so far and was not asked for.
    pub(crate) fn mendings(&self) -> Vec<String> {
        let mended = |event: &BackendEvent| match event {
            BackendEvent::Mended { what, .. } => Some(what.to_string()),
            BackendEvent::Programmed { .. } | BackendEvent::Link(_) => None,
        };
        self.kept.iter().filter_map(mended).collect()
    }

    /// The interfaces told of so far and not asked for.
    pub(crate) fn names_told(&self) -> Vec<String> {
        let name = |event: &BackendEvent| match event {
            BackendEvent::Link(LinkEvent::Present(state)) => Some(state.name.to_string()),
            BackendEvent::Link(LinkEvent::Gone(_))
            | BackendEvent::Programmed { .. }
            | BackendEvent::Mended { .. } => None,
        };
        self.kept.iter().filter_map(name).collect()
    }

    pub(crate) fn shutdown(mut self) {
        self.runtime.block_on(self.backend.shutdown());
    }
}

/// Everything in the router's namespace. The kernel finds out some moments late that a new link is operational.
pub(crate) fn inventory(router: &Node) -> Vec<String> {
    let inventory = router.namespace().inventory().unwrap();
    inventory.lines().iter().map(|line| line.replace("UNKNOWN", "UP")).collect()
}

/// A VRRP group of the family of its first address, closed, accepting.
pub(crate) fn binding(base: IfIndex, vrid: u8, addresses: &[&str]) -> Binding {
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let family = Family::of(&addresses[0]);
    let group = GroupId {
        interface: InterfaceName::new(BASE),
        protocol: Protocol::Vrrp,
        family,
        number: vrid.into(),
    };
    Binding {
        group,
        interface: base,
        mac: Some(virtual_mac(family, vrid)),
        addresses: addresses.into(),
        owned: Arc::new([]),
        gate: Gate::Closed,
        acceptance: Acceptance::Allow,
        responder: Responder::Kernel,
    }
}

/// An HSRP group with this virtual MAC, closed.
pub(crate) fn hsrp(base: IfIndex, number: u16, mac: &str, addresses: &[&str]) -> Binding {
    let mut binding = Binding { mac: Some(mac.parse().unwrap()), ..binding(base, 0, addresses) };
    (binding.group.protocol, binding.group.number) = (Protocol::Hsrp, number);
    binding
}

/// A forwarder of GLBP group 10, closed. The engine answers hosts.
pub(crate) fn forwarder(base: IfIndex, number: u8, addresses: &[&str]) -> Binding {
    let mut binding = binding(base, 0, addresses);
    (binding.group.protocol, binding.group.number) = (Protocol::Glbp, 10);
    Binding { mac: Some(forwarder_mac(number)), responder: Responder::Engine, ..binding }
}

pub(crate) fn forwarder_mac(number: u8) -> MacAddr {
    MacAddr([0x00, 0x07, 0xb4, 0x00, 0x0a, number])
}

pub(crate) fn open(binding: &Binding) -> Binding {
    Binding { gate: Gate::Open, ..binding.clone() }
}

pub(crate) fn virtual_mac(family: Family, vrid: u8) -> MacAddr {
    let number = if family == Family::V4 { 1 } else { 2 };
    MacAddr([0, 0, 0x5e, 0, number, vrid])
}

/// Whether one ping is answered; what was learned or not found before is forgotten first.
pub(crate) fn reaches(from: &Namespace, address: &str) -> bool {
    from.ip([format!("neigh flush dev {BASE}")]).unwrap();
    let target = if address.starts_with("fe80") { format!("{address}%{BASE}") } else { address.to_owned() };
    let mut ping = std::process::Command::new("ping");
    let output = from.output(ping.args(["-n", "-c", "1", "-W", "1", &target])).unwrap();
    output.status.success()
}

/// Whether one ping is answered that a host sends to an address by this MAC, whatever it would resolve to.
pub(crate) fn reaches_by(from: &Namespace, address: &str, mac: MacAddr) -> bool {
    from.ip([format!("neigh replace {address} lladdr {mac} dev {BASE} nud permanent")]).unwrap();
    let reached = reaches(from, address);
    from.ip([format!("neigh del {address} dev {BASE}")]).unwrap();
    reached
}

/// Has a host ask the holder of a MAC whether it still has an address, as hosts do that have known it for a while.
pub(crate) fn ask_again(from: &Namespace, address: &str, mac: MacAddr) {
    from.ip([format!("neigh replace {address} lladdr {mac} dev {BASE} nud probe")]).unwrap();
}

/// The hardware address that a namespace has learned for an address.
pub(crate) fn neighbor(of: &Namespace, address: &str) -> String {
    of.query("ip", &["neigh", "show", "to", address]).unwrap()
}

/// Everything that an interface of a namespace hears and says.
pub(crate) struct Ears {
    socket: socket2::Socket,
}

impl Ears {
    pub(crate) fn of(namespace: &Namespace) -> Self {
        const ALL_PROTOCOLS: i32 = 0x0300;
        let open = || {
            let kind = socket2::Type::RAW.nonblocking();
            socket2::Socket::new(socket2::Domain::PACKET, kind, Some(ALL_PROTOCOLS.into())).unwrap()
        };
        Self { socket: namespace.run(open).unwrap() }
    }

    /// All frames since the last call, after a time in which late ones may come.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        std::thread::sleep(Duration::from_millis(400));
        let mut frames = Vec::new();
        let mut frame = [0; 2048];
        while let Ok(length) = (&self.socket).read(&mut frame) {
            frames.push(frame[..length].to_vec());
        }
        frames
    }
}

pub(crate) fn source(frame: &[u8]) -> MacAddr {
    MacAddr(frame[6..12].try_into().unwrap())
}

/// The hardware addresses that ARP replies or neighbour advertisements give for an address, each once: who is slow to
/// hear an answer asks again.
pub(crate) fn answers(frames: &[Vec<u8>], address: &str) -> Vec<MacAddr> {
    let mac = |octets: &[u8]| MacAddr(octets.try_into().unwrap());
    let answer = |frame: &Vec<u8>| match address.parse().unwrap() {
        IpAddr::V4(address) => {
            let reply =
                frame[12..14] == [8, 6] && frame[20..22] == [0, 2] && frame[28..32] == address.octets();
            reply.then(|| mac(&frame[22..28]))
        }
        IpAddr::V6(address) => {
            let advertisement = frame.len() >= 78 && frame[12..14] == [0x86, 0xdd] && frame[54] == 136;
            // Who was asked himself need not say what his address is.
            let named = || frame.get(80..86).map_or_else(|| source(frame), mac);
            (advertisement && frame[62..78] == address.octets()).then(named)
        }
    };
    let mut given: Vec<_> = frames.iter().filter_map(answer).collect();
    given.sort_unstable();
    given.dedup();
    given
}

/// Frames that carry a virtual MAC as their source.
pub(crate) fn from_mac(frames: &[Vec<u8>], mac: MacAddr) -> Vec<&Vec<u8>> {
    frames.iter().filter(|frame| source(frame) == mac).collect()
}

/// Whether a router forwards what the host sends to a MAC, whoever has the address of the next hop.
pub(crate) fn forwards(lab: &Lab, mac: MacAddr, family: Family) -> bool {
    let host = lab.host(1).unwrap().namespace();
    let (next_hop, upstream) = match family {
        Family::V4 => ("192.0.2.250", "198.51.100.254"),
        Family::V6 => ("2001:db8:1::fa", "2001:db8:2::fe"),
    };
    host.ip([
        format!("neigh replace {next_hop} lladdr {mac} dev {BASE} nud permanent"),
        format!("route replace {upstream} via {next_hop} dev {BASE}"),
    ])
    .unwrap();
    let mut ping = std::process::Command::new("ping");
    host.output(ping.args(["-n", "-c", "1", "-W", "1", upstream])).unwrap().status.success()
}
