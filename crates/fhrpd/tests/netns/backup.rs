//! Packets to the virtual address and through it: what is not accepted goes nowhere, and no redirect is sent.

use std::net::IpAddr;

use fhrp_lab::{
    Capture, CaptureScope, Lab, LabOptions, Node, RouterProcess, VrrpGroup, World, lan_address,
    virtual_address, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{advertisements, await_state, fhrpd, frames::Sample, hosts::received, start_pair};

/// Packets that a router has forwarded and redirects that it has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Passed {
    forwarded: u64,
    redirected: u64,
}

fn passed(router: &Node, family: Family) -> Passed {
    // The files show the namespace of the reading thread.
    let read = |file: &str| {
        let path = format!("/proc/thread-self/net/{file}");
        router.namespace().run(|| std::fs::read_to_string(path)).unwrap().unwrap()
    };
    match family {
        Family::V4 => {
            let text = read("snmp");
            let count = |table: &str, name: &str| in_table(&text, table, name).unwrap();
            Passed { forwarded: count("Ip:", "ForwDatagrams"), redirected: count("Icmp:", "OutRedirects") }
        }
        Family::V6 => {
            let text = read("snmp6");
            let count = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                line.trim().parse().unwrap()
            };
            Passed { forwarded: count("Ip6OutForwDatagrams"), redirected: count("Icmp6OutRedirects") }
        }
    }
}

/// A line of names, and one of numbers in the same places.
fn in_table(text: &str, table: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(table));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|found| found == name)?;
    numbers.split_whitespace().nth(place)?.parse().ok()
}

/// A virtual address that is no link-local one.
fn address(family: Family) -> IpAddr {
    lan_address(0, family, 1)
}

fn group(family: Family) -> VrrpGroup {
    let addresses = match family {
        Family::V4 => vec![address(family)],
        Family::V6 => vec![virtual_address(0, family, 1), address(family)],
    };
    VrrpGroup { addresses, ..VrrpGroup::new(family, 200) }
}

fn virtual_mac(family: Family) -> MacAddr {
    match family {
        Family::V4 => MacAddr([0, 0, 0x5e, 0, 1, 1]),
        Family::V6 => MacAddr([0, 0, 0x5e, 0, 2, 1]),
    }
}

struct Stage {
    _processes: [RouterProcess; 2],
    capture: Capture,
    lab: Lab,
    group: VrrpGroup,
}

impl Stage {
    /// An Active router, a Backup, and a host that needs not ask for the virtual address.
    fn set(world: World, group: VrrpGroup) -> Self {
        let lab = Lab::build(world, &LabOptions::default()).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let processes = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], std::slice::from_ref(&group));
        await_state(lab.router(1).unwrap(), "active", 1);
        await_state(lab.router(2).unwrap(), "backup", 1);
        let stage = Self { _processes: processes, capture, lab, group };
        let family = stage.group.family();
        let (address, mac) = (address(family), virtual_mac(family));
        let entry = format!("neigh replace {address} lladdr {mac} dev lan0 nud permanent");
        stage.host().namespace().ip([entry]).unwrap();
        stage
    }

    fn host(&self) -> &Node {
        self.lab.host(1).unwrap()
    }

    /// A better router, played by the host, advertises once and will be waited for for two minutes.
    fn make_both_backups(&self) {
        let own = |events: &[_]| Sample::of(&advertisements(events, "r1", &self.group).next().unwrap().frame);
        let (host, family) = (self.host(), self.group.family());
        let source = match family {
            Family::V4 => host.lan_address(0, family),
            Family::V6 => host.link_local().into(),
        };
        let better = self.capture.look(0, own).said_by(source, 254).every(4000).sealed();
        host.injector("lan0").unwrap().send(&better).unwrap();
        for router in self.lab.routers() {
            await_state(router, "backup", 1);
        }
    }

    /// A ping of the virtual address reaches these routers, and that is its end.
    fn a_ping_ends_in(&self, routers: &[Node]) {
        let family = self.group.family();
        let look = || {
            let all = self.lab.routers().iter();
            all.map(|router| (received(router, "lan0"), passed(router, family))).collect::<Vec<_>>()
        };
        let before = look();
        assert!(!self.host().pings(address(family)).unwrap());
        for (router, ((heard, was), (hears, is))) in
            self.lab.routers().iter().zip(before.into_iter().zip(look()))
        {
            let reached = routers.iter().any(|wanted| wanted.name() == router.name());
            assert!(!reached || hears > heard, "{} got no packet", router.name());
            assert_eq!(is, was, "{}", router.name());
        }
    }
}

fn to_backups(world: World, family: Family) {
    let stage = Stage::set(world, VrrpGroup { accept: true, ..group(family) });
    assert!(stage.host().pings(address(family)).unwrap());
    stage.make_both_backups();
    // A switch that learns nothing sends every frame to both.
    stage.lab.switch().ip(["link set dev lan0 type bridge ageing_time 0"]).unwrap();
    // The host, too, has just spoken from the virtual MAC.
    for node in stage.lab.routers().iter().chain([stage.host()]) {
        stage.lab.forget_port(node, 0).unwrap();
    }
    stage.a_ping_ends_in(stage.lab.routers());
    for router in stage.lab.routers() {
        await_state(router, "backup", 1);
    }
}

#[test]
fn backups_neither_answer_nor_forward_what_is_sent_to_the_virtual_address_over_ipv4() {
    let Some(world) = world!() else { return };
    to_backups(world, Family::V4);
}

#[test]
fn backups_neither_answer_nor_forward_what_is_sent_to_the_virtual_address_over_ipv6() {
    let Some(world) = world!() else { return };
    to_backups(world, Family::V6);
}

#[test]
fn an_active_router_that_does_not_accept_does_not_forward_it_either() {
    let Some(world) = world!() else { return };
    for family in [Family::V4, Family::V6] {
        let stage = Stage::set(world, group(family));
        stage.a_ping_ends_in(&stage.lab.routers()[..1]);
    }
}

/// A network behind the second router, which the hosts could reach without the first.
fn detour(lab: &Lab, family: Family) -> (&'static str, IpAddr) {
    let [first, second] = [1, 2].map(|number| lab.router(number).unwrap());
    // RFC 4861 §8.2: of IPv6, only a link-local address is ever redirected to.
    let (network, target, next) = match family {
        Family::V4 => ("198.18.99.0/24", IpAddr::from([198, 18, 99, 1]), second.lan_address(0, family)),
        Family::V6 => ("2001:db8:99::/64", "2001:db8:99::1".parse().unwrap(), second.link_local().into()),
    };
    first.namespace().ip([format!("route add {network} via {next} dev lan0")]).unwrap();
    second.namespace().ip([format!("route add blackhole {network}")]).unwrap();
    (network, target)
}

fn redirects(world: World, family: Family) {
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let router = lab.router(1).unwrap();
    for scope in ["all", "default", "lan0"] {
        router.namespace().set(&format!("ipv4/conf/{scope}/send_redirects"), "1").unwrap();
    }
    let _process = fhrpd().start(router, &[group(family)]).unwrap();
    await_state(router, "active", 1);
    let (host, (network, target)) = (lab.host(1).unwrap(), detour(&lab, family));
    let through = |gateway: IpAddr| {
        let before = passed(router, family);
        host.namespace().ip([format!("route replace {network} via {gateway} dev lan0")]).unwrap();
        assert!(!host.pings(target).unwrap());
        let after = passed(router, family);
        assert_eq!(after.forwarded - before.forwarded, 1, "through {gateway}");
        after.redirected - before.redirected
    };
    assert_eq!(through(address(family)), 0);
    // Through the router's own address there is a better way, and the host is told.
    assert_eq!(through(router.lan_address(0, family)), 1);
}

#[test]
fn no_redirect_is_sent_to_who_uses_the_virtual_address_over_ipv4() {
    let Some(world) = world!() else { return };
    redirects(world, Family::V4);
}

#[test]
fn no_redirect_is_sent_to_who_uses_the_virtual_address_over_ipv6() {
    let Some(world) = world!() else { return };
    redirects(world, Family::V6);
}
