//! No redirect tells a host the address of a router behind the gateway.

use std::net::IpAddr;

use fhrp_lab::{HsrpGroup, HsrpVersion, Lab, LabOptions, Node, World, lan_address, world};
use fhrp_wire::Family;

use crate::{SOON, await_state, fhrpd};

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

/// How many redirects a host gets for one packet through the virtual address, and through the router's own after the
/// daemon has stopped.
fn redirected(world: World, family: Family, virtual_mac: bool) -> (u64, u64) {
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let router = lab.router(1).unwrap();
    for scope in ["default", "lan0"] {
        router.namespace().set(&format!("ipv4/conf/{scope}/send_redirects"), "1").unwrap();
    }
    router.namespace().set("ipv4/conf/all/send_redirects", "0").unwrap();
    let gateway = lan_address(0, family, 1);
    let addresses = match family {
        Family::V4 => vec![gateway],
        Family::V6 => vec![HsrpGroup::usual_address(family, 1), gateway],
    };
    let group = HsrpGroup { addresses, virtual_mac, ..HsrpGroup::new(HsrpVersion::V2, family, 200) };
    let mut process = fhrpd().start(router, &[group]).unwrap();
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
    let while_it_runs = through(gateway);
    process.stop();
    assert!(process.wait(SOON).unwrap().success());
    (while_it_runs, through(router.lan_address(0, family)))
}

#[test]
fn none_is_sent_to_who_uses_the_virtual_address_over_ipv4() {
    let Some(world) = world!() else { return };
    assert_eq!(redirected(world, Family::V4, true), (0, 1));
}

#[test]
fn none_is_sent_where_the_interfaces_own_mac_is_used() {
    let Some(world) = world!() else { return };
    assert_eq!(redirected(world, Family::V4, false), (0, 1));
}

#[test]
fn none_is_sent_to_who_uses_the_virtual_address_over_ipv6() {
    let Some(world) = world!() else { return };
    assert_eq!(redirected(world, Family::V6, true), (0, 1));
}
