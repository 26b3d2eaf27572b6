//! GLBP in network namespaces: what hosts are told and keep, what they lose when a router dies or stops, what real
//! routers hear, and what is left in the system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test program")]

mod answers;
mod dissected;
mod failover;
mod flood;
mod leftovers;
mod replayed;
mod shares;

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, Daemon, Event, GlbpGroup, Lab, LabOptions, Node, RouterProcess, Stamp, World,
    testing::wait_for,
};
use fhrp_wire::MacAddr;
use fhrpd::{
    control,
    report::{GlbpReport, GroupReport, Report},
};

/// More than any wait should take.
const SOON: Duration = Duration::from_secs(40);

fn fhrpd() -> Daemon {
    Daemon::fhrpd(env!("CARGO_BIN_EXE_fhrpd"))
}

/// The virtual MAC of a forwarder of group 1.
const fn virtual_mac(forwarder: u8) -> MacAddr {
    MacAddr([0, 7, 0xb4, 0, 1, forwarder])
}

/// Routers of one group, `r1` the AVG and `r2` the Standby, each of which serves the forwarder that it owns.
struct Stage {
    processes: Vec<RouterProcess>,
    capture: Capture,
    lab: Lab,
    group: GlbpGroup,
}

impl Stage {
    /// All routers run `group`, but for the priority.
    fn build(world: World, options: &LabOptions, group: &GlbpGroup) -> Self {
        let groups = vec![group.clone(); options.routers.into()];
        let lab = Lab::build(world, options).unwrap();
        let mut stage = Self::idle(lab, group);
        stage.start(&groups);
        stage.settle();
        stage
    }

    /// No router runs yet.
    fn idle(lab: Lab, group: &GlbpGroup) -> Self {
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        Self { processes: Vec::new(), capture, lab, group: group.clone() }
    }

    /// Starts the next routers, each with a lower priority than the one before.
    fn start(&mut self, groups: &[GlbpGroup]) {
        let priorities = (0_u8..).map(|place| 200 - 20 * place);
        let routers = self.lab.routers().iter().zip(priorities).skip(self.processes.len());
        for ((router, priority), group) in routers.zip(groups) {
            let group = GlbpGroup { priority, ..group.clone() };
            self.processes.push(fhrpd().start(router, &[group]).unwrap());
        }
    }

    /// Waits until every router that was started serves its own forwarder, and the AVG knows.
    fn settle(&self) {
        let running = &self.lab.routers()[..self.processes.len()];
        for (place, router) in running.iter().enumerate() {
            let wanted = ["active", "standby", "listen"][place.min(2)];
            wait_for(&format!("{}: {wanted} and its own forwarder", router.name()), || {
                let group = group_of(router)?;
                own_forwarder(&group)?;
                (group.state == wanted && group.programmed).then_some(())
            });
        }
        wait_for("the AVG to know all forwarders", || {
            let served = |report: &GlbpReport| {
                let known = report.forwarders.iter();
                known.filter(|known| known.state == "active" || known.server.is_some()).count()
            };
            (served(&group_of(&running[0])?.glbp?) == running.len()).then_some(())
        });
    }

    fn address(&self) -> IpAddr {
        self.group.addresses[0]
    }

    /// The router that owns each virtual MAC.
    fn owners(&self) -> BTreeMap<MacAddr, String> {
        let running = self.lab.routers().iter().zip(&self.processes);
        let owned = running.map(|(router, _)| {
            let forwarder = own_forwarder(&group_of(router).unwrap()).unwrap();
            (virtual_mac(forwarder), router.name().to_owned())
        });
        owned.collect()
    }

    /// What `host` believes the virtual address's MAC to be.
    fn believed(&self, host: &Node) -> Option<MacAddr> {
        host.neighbor("lan0", self.address()).unwrap()
    }

    /// What every host believes, in their order.
    fn beliefs(&self) -> Vec<MacAddr> {
        let believed = |host| self.believed(host).unwrap_or_else(|| panic!("{host:?} knows no gateway"));
        self.lab.hosts().iter().map(believed).collect()
    }

    /// Has every host look for the gateway, one after another in the order given, and gives what they were told in
    /// the order of the hosts.
    fn resolve_all<'a>(&'a self, hosts: impl Iterator<Item = &'a Node>) -> Vec<MacAddr> {
        for host in hosts {
            host.flush_neighbors().unwrap();
            assert!(host.pings(self.address()).unwrap(), "{} gets no answer", host.name());
        }
        self.beliefs()
    }

    /// Waits until a router other than `dead` says that it serves a forwarder; gives which, and when.
    fn await_server(&self, mark: usize, forwarder: u8, dead: &str) -> (String, Stamp) {
        let serves = |event: &Event| event.kind.glbp().is_some_and(|said| said.serves(forwarder));
        let found = self.capture.wait_for(mark, SOON, |events| {
            let event = events.iter().find(|event| &*event.node != dead && serves(event))?;
            Some((event.node.to_string(), event.at))
        });
        found.unwrap_or_else(|| panic!("nobody serves forwarder {forwarder} now{}", self.log_tails()))
    }

    fn log_tails(&self) -> String {
        self.processes.iter().map(RouterProcess::log_tail).collect()
    }
}

/// The number of the forwarder that a router owns and serves.
fn own_forwarder(group: &GroupReport) -> Option<u8> {
    let mut forwarders = group.glbp.as_ref()?.forwarders.iter();
    forwarders
        .find(|known| known.primary && known.state == "active" && known.programmed)
        .map(|own| own.number)
}

/// What `fhrpd show --json` prints of the daemon in `router`, if one answers.
fn show(router: &Node) -> Option<Report> {
    let answer = control::ask(&router.work_dir().join("fhrpd.sock"), "show").ok()?;
    Some(serde_json::from_value(answer).unwrap())
}

/// The only group of a router.
fn group_of(router: &Node) -> Option<GroupReport> {
    show(router)?.groups.pop()
}
