//! The laboratory of a soak: routers with their daemons, and the hand that breaks and mends.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, thread, time::Duration};

use fhrp_sim::Rng;
use fhrp_wire::{Family, MacAddr};

use crate::{
    capture::{Capture, CaptureScope, Event, Port},
    clock::Stamp,
    daemon::Daemon,
    error::{LabError, Result},
    frame::Kind,
    namespace::Inventory,
    process::RouterProcess,
    topology::{Lab, LabOptions, Node, lan_interface},
    world::World,
};

use super::{
    check::{Checker, Findings},
    fault::{Fault, PortFault, Way},
    kernel,
    noise::{Flood, spoilt},
    parties::{LANS, Party, ROUTERS, TRACKED, Variation, configuration, parties},
    show::{Shown, show},
    wire::{Deaf, Stopped, Trouble},
};

/// How long a daemon may take to answer, from its start or otherwise.
const ANSWERS: Duration = Duration::from_secs(5);
/// How long a daemon may take to stop.
const STOPS: Duration = Duration::from_secs(10);
/// How long after a fault was mended its traces may hinder hearing.
const RECOVERY: Duration = Duration::from_secs(1);
/// Between two looks at something that tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(50);
/// The MTU of LANs, and the smaller one.
const MTUS: (u16, u16) = (1500, 1400);
/// Added to a router's host part while it is renumbered.
const RENUMBERED: u8 = 50;

/// A router's daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Stalled,
    /// Dead or stopping.
    Down,
}

/// What is known of a router and not seen from outside.
#[derive(Debug)]
struct Router {
    process: RouterProcess,
    state: State,
    variation: Variation,
    /// What its kernel held before its daemon ran first.
    idle: Inventory,
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct Bench {
    flood: Option<Flood>,
    routers: Vec<Router>,
    pub(super) capture: Capture,
    pub(super) parties: Vec<Party>,
    daemon: Daemon,
    binary: String,
    rng: Rng,
    pub(super) deaf: Vec<Deaf>,
    pub(super) stopped: Vec<Stopped>,
    pub(super) troubles: Vec<Trouble>,
    pub(super) findings: Findings,
    pub(super) lab: Lab,
}

/// What became of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Yes,
    /// There was nothing to break, and why.
    InVain(String),
}

impl Bench {
    /// Builds the laboratory and starts every daemon.
    ///
    /// # Errors
    /// What went wrong.
    pub(super) fn build(world: World, binary: &PathBuf, seed: u64) -> Result<Self> {
        let parties = parties();
        let hosts = parties.iter().map(|party| party.hosts).sum::<u8>();
        // One more host, which floods.
        let options = LabOptions { routers: ROUTERS, hosts: hosts + 1, lans: LANS, ..LabOptions::default() };
        let lab = Lab::build(world, &options)?;
        let capture = Capture::start(&lab, CaptureScope::Control)?;
        let daemon = Daemon::fhrpd(binary);
        let mut bench = Self {
            flood: None,
            routers: Vec::new(),
            capture,
            parties,
            daemon,
            binary: binary.display().to_string(),
            rng: Rng::keyed(seed, &[u64::MAX]),
            deaf: Vec::new(),
            troubles: Vec::new(),
            stopped: Vec::new(),
            findings: Findings::default(),
            lab,
        };
        bench.point_hosts()?;
        for number in 1..=ROUTERS {
            let router = bench.lab.router(number)?;
            let idle = router.namespace().inventory()?;
            let variation = Variation::Ordinary;
            let text = configuration(&bench.daemon, router, variation);
            let process = bench.daemon.start_with(router, &text)?;
            bench.routers.push(Router { process, state: State::Running, variation, idle });
        }
        for number in 1..=ROUTERS {
            bench.await_answer(number)?;
        }
        Ok(bench)
    }

    /// The party whose gateway each host uses, in the hosts' order.
    pub(super) fn gateways(&self) -> Vec<&Party> {
        let parties = self.parties.iter();
        parties.flat_map(|party| std::iter::repeat_n(party, usize::from(party.hosts))).collect()
    }

    fn point_hosts(&self) -> Result<()> {
        for (host, party) in self.lab.hosts().iter().zip(self.gateways()) {
            let (via, interface) = (party.address(), lan_interface(party.lan));
            host.namespace().ip([format!("route replace default via {via} dev {interface}")])?;
        }
        Ok(())
    }

    fn known(&mut self, number: u8) -> Result<&mut Router> {
        let place = usize::from(number.saturating_sub(1));
        self.routers.get_mut(place).ok_or_else(|| LabError::NoSuch(format!("router r{number}")))
    }

    /// The process of every daemon, by the number of its router.
    pub(super) fn processes(&self) -> impl Iterator<Item = (u8, &RouterProcess)> {
        (1..).zip(self.routers.iter().map(|router| &router.process))
    }

    /// What the daemon of a router says; waits for it. It is a violation if it says nothing.
    fn await_answer(&mut self, number: u8) -> Result<Option<(Shown, String)>> {
        let end = Stamp::now().after(ANSWERS);
        loop {
            let error = match show(&self.binary, self.lab.router(number)?) {
                Ok(answer) => {
                    self.findings.look(Checker::Lives, None);
                    return Ok(Some(answer));
                }
                Err(error) => error,
            };
            let alive = self.known(number)?.process.alive();
            if !alive || Stamp::now() >= end {
                let how = if alive { "does not answer" } else { "has ended" };
                self.findings.look(Checker::Lives, Some(format!("the daemon of r{number} {how}: {error}")));
                return Ok(None);
            }
            thread::sleep(LOOK);
        }
    }

    /// What every daemon says, as values and as text; of one that says nothing, nothing.
    ///
    /// # Errors
    /// None but those of the laboratory itself.
    pub(super) fn show_all(&mut self) -> Result<Vec<(Shown, String)>> {
        (1..=ROUTERS).map(|number| Ok(self.await_answer(number)?.unwrap_or_default())).collect()
    }

    /// What a daemon shows people.
    ///
    /// # Errors
    /// [`LabError::Command`] if it does not answer.
    pub(super) fn show_text(&self, router: &Node) -> Result<String> {
        let socket = router.work_dir().join("fhrpd.sock").display().to_string();
        router.namespace().query(&self.binary, &["show", "--socket", &socket])
    }

    /// The router to whose port the switch of each LAN sends a MAC, as far as it knows.
    ///
    /// # Errors
    /// Those of the laboratory itself.
    pub(super) fn switches(&self) -> Result<BTreeMap<(u8, MacAddr), String>> {
        let mut ports = BTreeMap::new();
        for lan in 0..LANS {
            let bridge = lan_interface(lan);
            let table = self.lab.switch().query("bridge", &["fdb", "show", "br", &bridge])?;
            for line in table.lines().filter(|line| !line.contains("permanent")) {
                let mut words = line.split_whitespace();
                let mac = words.next().and_then(|mac| mac.parse().ok());
                let port = words.skip_while(|word| *word != "dev").nth(1);
                let node = port.and_then(|port| port.split_once('-')).map(|(node, _)| node.to_owned());
                ports.extend(mac.zip(node).map(|(mac, node)| ((lan, mac), node)));
            }
        }
        Ok(ports)
    }

    /// Breaks something.
    ///
    /// # Errors
    /// Those of the laboratory itself.
    pub(super) fn strike(&mut self, fault: Fault) -> Result<Done> {
        let (from, to) = (Stamp::now(), Stamp::from_nanos(u64::MAX));
        self.troubles.push(Trouble { fault, from, to });
        for lan in (0..LANS).filter(|lan| fault.deafens(fault.router(), *lan)) {
            self.deaf.push(Deaf { router: fault.router(), lan, from, to, by: fault.class() });
        }
        match fault {
            Fault::Kill { router } | Fault::KillAndCleanUp { router } => {
                let known = self.known(router)?;
                known.process.kill();
                known.state = State::Down;
            }
            Fault::Stop { router } => {
                let known = self.known(router)?;
                known.state = State::Down;
                known.process.stop();
                self.stopped.push(Stopped { router, at: from });
            }
            Fault::Stall { router } => {
                let known = self.known(router)?;
                known.state = State::Stalled;
                known.process.stall();
            }
            Fault::Port { router, lan, what } => self.break_port(router, lan, what)?,
            Fault::AddressDeleted { router, party } => return self.delete_address(router, party),
            Fault::DeviceDeleted { router, party } => return self.delete_device(router, party),
            Fault::Renumbered { router, lan } => self.renumber(router, lan, (0, RENUMBERED))?,
            Fault::Mtu { router, lan } => self.set_mtu(router, lan, MTUS.1)?,
            Fault::Reload { router, to } => self.reload(router, to)?,
            Fault::Track { router } => return self.track(router, "down"),
            Fault::Flood { lan, rate } => return self.flood(lan, rate),
        }
        Ok(Done::Yes)
    }

    /// Makes it good again.
    ///
    /// # Errors
    /// Those of the laboratory itself.
    pub(super) fn mend(&mut self, fault: Fault, alone: Alone) -> Result<Done> {
        let done = self.undo(fault, alone)?;
        let to = Stamp::now().after(RECOVERY);
        for deaf in self.deaf.iter_mut().filter(|deaf| deaf.by == fault.class()) {
            if fault.deafens(deaf.router, deaf.lan) {
                deaf.to = to;
            }
        }
        for trouble in self.troubles.iter_mut().filter(|trouble| trouble.fault == fault) {
            trouble.to = to;
        }
        Ok(done)
    }

    fn undo(&mut self, fault: Fault, alone: Alone) -> Result<Done> {
        match fault {
            Fault::Kill { router } => self.start(router)?,
            Fault::KillAndCleanUp { router } => {
                self.clean_up(router)?;
                self.judge_leftovers(router, alone)?;
                self.start(router)?;
            }
            Fault::Stop { router } => {
                self.await_stop(router)?;
                self.judge_leftovers(router, alone)?;
                self.start(router)?;
            }
            Fault::Stall { router } => {
                let known = self.known(router)?;
                known.process.resume();
                known.state = State::Running;
            }
            Fault::Port { router, lan, what } => self.mend_port(router, lan, what)?,
            // The daemon is to mend it.
            Fault::AddressDeleted { .. } | Fault::DeviceDeleted { .. } => {}
            Fault::Renumbered { router, lan } => self.renumber(router, lan, (RENUMBERED, 0))?,
            Fault::Mtu { router, lan } => self.set_mtu(router, lan, MTUS.0)?,
            Fault::Reload { router, .. } => self.reload(router, Variation::Ordinary)?,
            Fault::Track { router } => return self.track(router, "up"),
            Fault::Flood { .. } => {
                let sent = self.flood.take().map_or(0, |flood| flood.sent());
                if sent == 0 {
                    return Ok(Done::InVain("no frame was sent".to_owned()));
                }
            }
        }
        Ok(Done::Yes)
    }

    fn break_port(&self, router: u8, lan: u8, what: PortFault) -> Result<()> {
        let router = self.lab.router(router)?;
        match what {
            PortFault::Carrier => self.lab.take_carrier(router, lan),
            PortFault::Down => router.namespace().ip([format!("link set dev {} down", lan_interface(lan))]),
            PortFault::Silent => self.lab.silence(router, lan),
            PortFault::Loss { permille, way } => self.set_loss(router, lan, (permille, way)),
        }
    }

    fn mend_port(&self, router: u8, lan: u8, what: PortFault) -> Result<()> {
        let router = self.lab.router(router)?;
        match what {
            PortFault::Carrier => self.lab.give_carrier(router, lan),
            PortFault::Down => {
                let interface = lan_interface(lan);
                // The kernel has taken the addresses of IPv6 away.
                router.namespace().ip([
                    format!("link set dev {interface} up"),
                    format!("addr replace {}/64 dev {interface} nodad", router.link_local()),
                    format!("addr replace {}/64 dev {interface} nodad", router.lan_address(lan, Family::V6)),
                ])
            }
            PortFault::Silent => self.lab.unsilence(router, lan),
            PortFault::Loss { way, .. } => self.set_loss(router, lan, (0, way)),
        }
    }

    fn set_loss(&self, router: &Node, lan: u8, (permille, way): (u16, Way)) -> Result<()> {
        match way {
            Way::Out => self.lab.lose(router, lan, permille),
            Way::In => self.lab.lose_to(router, lan, permille),
            Way::Both => {
                self.lab.lose(router, lan, permille)?;
                self.lab.lose_to(router, lan, permille)
            }
        }
    }

    fn delete_address(&self, router: u8, party: usize) -> Result<Done> {
        let Some(address) = self.parties.get(party).map(Party::address) else { return Ok(absent("group")) };
        let namespace = self.lab.router(router)?.namespace();
        let links = kernel::links(namespace)?;
        let held = links.iter().find_map(|link| Some((link, link.holds(address)?)));
        let Some((link, length)) = held else { return Ok(absent("address")) };
        Ok(attempt(namespace.ip([format!("addr del {address}/{length} dev {}", link.ifname)])))
    }

    fn delete_device(&self, router: u8, party: usize) -> Result<Done> {
        let Some(party) = self.parties.get(party) else { return Ok(absent("group")) };
        let macs: Vec<_> =
            [None, Some(1), Some(2), Some(3), Some(4)].map(|number| party.virtual_mac(number)).to_vec();
        let namespace = self.lab.router(router)?.namespace();
        let links = kernel::links(namespace)?;
        let ours =
            |link: &&kernel::Link| link.is_macvlan() && link.mac().is_some() && macs.contains(&link.mac());
        let Some(link) = links.iter().find(ours) else { return Ok(absent("macvlan")) };
        Ok(attempt(namespace.ip([format!("link del dev {}", link.ifname)])))
    }

    /// From an address to another one, both told by what they add to the router's host part.
    fn renumber(&self, router: u8, lan: u8, (from, to): (u8, u8)) -> Result<()> {
        let router = self.lab.router(router)?;
        let interface = lan_interface(lan);
        let moved = |by: u8| match router.lan_address(lan, Family::V4) {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                format!("{a}.{b}.{c}.{}", d + by)
            }
            IpAddr::V6(address) => address.to_string(),
        };
        router.namespace().ip([
            format!("addr del {}/24 dev {interface}", moved(from)),
            format!("addr add {}/24 dev {interface}", moved(to)),
        ])
    }

    fn set_mtu(&self, router: u8, lan: u8, mtu: u16) -> Result<()> {
        self.lab.router(router)?.namespace().ip([format!("link set dev {} mtu {mtu}", lan_interface(lan))])
    }

    fn reload(&mut self, number: u8, variation: Variation) -> Result<()> {
        let router = self.lab.router(number)?;
        let text = configuration(&self.daemon, router, variation);
        self.daemon.write_configuration(router, &text)?;
        let known = self.known(number)?;
        known.variation = variation;
        match known.state {
            State::Running | State::Stalled => known.process.reload(),
            // It reads the file when it starts.
            State::Down => {}
        }
        Ok(())
    }

    fn track(&mut self, number: u8, state: &str) -> Result<Done> {
        match self.known(number)?.state {
            State::Running => {}
            State::Stalled | State::Down => return Ok(Done::InVain("the daemon does not run".to_owned())),
        }
        let router = self.lab.router(number)?;
        let socket = router.work_dir().join("fhrpd.sock").display().to_string();
        let told = router.namespace().query(&self.binary, &["track", TRACKED, state, "--socket", &socket]);
        Ok(attempt(told.map(|_| ())))
    }

    /// Starts the flood with what routers last sent in a LAN.
    fn flood(&mut self, lan: u8, rate: u16) -> Result<Done> {
        let number = u8::try_from(self.lab.hosts().len()).unwrap_or(1);
        let host = self.lab.host(number)?;
        let samples = self.capture.look(0, |events| samples(events, lan));
        let mut frames = Vec::new();
        for sample in &samples {
            frames.extend(spoilt(sample, host.lan_mac(lan), &mut self.rng));
        }
        if frames.is_empty() {
            return Ok(absent("frame to spoil"));
        }
        self.rng.shuffle(&mut frames);
        self.flood = Some(Flood::start(host.injector(&lan_interface(lan))?, frames, rate)?);
        Ok(Done::Yes)
    }

    fn start(&mut self, number: u8) -> Result<()> {
        let router = self.lab.router(number)?;
        let variation = self.routers.get(usize::from(number.saturating_sub(1))).map(|known| known.variation);
        let text = configuration(&self.daemon, router, variation.unwrap_or_default());
        let process = self.daemon.start_with(router, &text)?;
        let known = self.known(number)?;
        known.process = process;
        known.state = State::Running;
        // A signal that comes before the daemon is ready for it would end it.
        self.await_answer(number).map(|_| ())
    }

    fn await_stop(&mut self, number: u8) -> Result<()> {
        let ended = self.known(number)?.process.wait(STOPS);
        let wrong = match ended {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("the daemon of r{number} was stopped and ended with {status}")),
            Err(error) => Some(format!("r{number}: {error}")),
        };
        self.findings.look(Checker::Lives, wrong);
        Ok(())
    }

    fn clean_up(&mut self, number: u8) -> Result<()> {
        let router = self.lab.router(number)?;
        let file = self.daemon.configuration_path(router).display().to_string();
        let cleaned = router.namespace().query(&self.binary, &["cleanup", "--config", &file]);
        let wrong = cleaned.err().map(|error| format!("r{number}: cleanup failed: {error}"));
        self.findings.look(Checker::Leftovers, wrong);
        Ok(())
    }

    /// Nothing of a daemon that has ended may be there.
    fn judge_leftovers(&mut self, number: u8, alone: Alone) -> Result<()> {
        let namespace = self.lab.router(number)?.namespace().clone();
        let now = namespace.inventory()?;
        let addresses: Vec<_> = self.parties.iter().map(|party| party.address().to_string()).collect();
        let known = self.known(number)?;
        let left = leftovers(&now.changes_since(&known.idle), &addresses, alone);
        let wrong = (!left.is_empty()).then(|| format!("r{number}: {}", left.join("; ")));
        self.findings.look(Checker::Leftovers, wrong);
        Ok(())
    }
}

/// Whether nothing else befell the router lately, so that all has to be as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alone {
    Yes,
    No,
}

/// Of what has changed since the daemon first ran, what it should not have left.
fn leftovers(changes: &[String], addresses: &[String], alone: Alone) -> Vec<String> {
    let made = |line: &&String| {
        let ours = line.contains("fhrpd_") || addresses.iter().any(|held| line.contains(&format!("{held}/")));
        let device = ["vr4-", "vr6-", "hs4-", "hs6-", "gl4-", "gl6-"].iter().any(|name| line.contains(name));
        line.starts_with('+') && (ours || device)
    };
    match alone {
        Alone::Yes => changes.to_vec(),
        Alone::No => changes.iter().filter(made).cloned().collect(),
    }
}

fn absent(what: &str) -> Done {
    Done::InVain(format!("no such {what} there"))
}

/// What is gone in the meantime cannot be deleted.
fn attempt(tried: Result<()>) -> Done {
    tried.map_or_else(|error| Done::InVain(error.to_string()), |()| Done::Yes)
}

/// The latest frames that routers sent in a LAN, one for each kind of sender and length.
fn samples(events: &[Event], lan: u8) -> Vec<Vec<u8>> {
    let mut found: Vec<&Event> = Vec::new();
    for event in
        events.iter().rev().filter(|event| event.port == Port::Lan(lan) && event.node.starts_with('r'))
    {
        let speaks = match event.kind {
            Kind::Advertisement(_) | Kind::Hsrp(_) | Kind::Glbp(_) => true,
            Kind::HsrpInterface { .. }
            | Kind::Arp { .. }
            | Kind::NeighborSolicitation { .. }
            | Kind::NeighborAdvertisement { .. }
            | Kind::RouterAdvertisement { .. }
            | Kind::Probe { .. }
            | Kind::Other => false,
        };
        let known = found.iter().any(|other| {
            (&other.node, other.frame.len(), other.source_mac)
                == (&event.node, event.frame.len(), event.source_mac)
        });
        if speaks && !known {
            found.push(event);
        }
    }
    found.into_iter().map(|event| event.frame.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_daemon_leaves_is_told_from_what_others_changed() {
        let addresses = vec!["192.0.2.3".to_owned()];
        let changes = [
            "+ link vr4-2-3@lan0 UP",
            "+ address lan0 UP 192.0.2.11/24 192.0.2.3/32",
            "+ nft table inet fhrpd_0a0b0c0d {",
            "+ link lan0@if4 DOWN",
            "- link lan0@if4 UP",
            "+ address lan0 UP 192.0.2.31/24",
        ]
        .map(str::to_owned);
        assert_eq!(leftovers(&changes, &addresses, Alone::No), changes[..3]);
        assert_eq!(leftovers(&changes, &addresses, Alone::Yes), changes);
        assert_eq!(leftovers(&[], &addresses, Alone::Yes), Vec::<String>::new());
    }
}
