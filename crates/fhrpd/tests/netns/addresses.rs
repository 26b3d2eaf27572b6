//! The addresses of the virtual router on the link that carries its MAC address, while it is Active and while it is not.

use std::{
    net::{IpAddr, Ipv6Addr},
    thread,
    time::Duration,
};

use fhrp_lab::{
    Capture, CaptureScope, Event, Kind, Lab, LabOptions, Node, RouterProcess, Stamp, VrrpGroup, World, world,
};
use fhrp_wire::{Family, MacAddr};
use serde_json::Value;

use crate::{
    LOOK, SOON, advertised, advertisements, await_state, fhrpd, frames::icmpv6_to_all, start_pair, state,
    wait_for,
};

const VIRTUAL_MAC: MacAddr = MacAddr([0, 0, 0x5e, 0, 2, 1]);
/// RFC 4862 §5.4: after this, detection of a duplicate has come to an end.
const DETECTED: Duration = Duration::from_millis(2500);

/// A link-local and a global address.
fn group(priority: u8) -> VrrpGroup {
    let addresses = ["fe80::5e00:2:1", "2001:db8:1::1"].map(|address| address.parse().unwrap());
    VrrpGroup { addresses: addresses.to_vec(), ..VrrpGroup::new(Family::V6, priority) }
}

/// An IPv6 address that a link has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    address: IpAddr,
    /// Detection of a duplicate goes on, or has found one.
    doubtful: bool,
}

/// What `ip -json` prints, a list of objects.
fn list(router: &Node, arguments: &str) -> Vec<Value> {
    let arguments: Vec<_> = ["-json"].into_iter().chain(arguments.split(' ')).collect();
    let text = router.namespace().query("ip", &arguments).unwrap();
    serde_json::from_str(text.trim()).unwrap_or_default()
}

/// The macvlan with the virtual MAC address.
fn device(router: &Node) -> Option<String> {
    let wanted = VIRTUAL_MAC.to_string();
    let links = list(router, "link show");
    let link = links.iter().find(|link| link["address"] == wanted.as_str())?;
    Some(link["ifname"].as_str().unwrap().to_owned())
}

fn held(router: &Node, device: &str) -> Vec<Held> {
    let links = list(router, &format!("-6 address show dev {device}"));
    let addresses = links.iter().filter_map(|link| link["addr_info"].as_array()).flatten();
    let mut held: Vec<_> = addresses
        .map(|address| Held {
            address: address["local"].as_str().unwrap().parse().unwrap(),
            doubtful: ["tentative", "dadfailed"].iter().any(|flag| address[flag] == true),
        })
        .collect();
    held.sort();
    held
}

/// The virtual addresses, beyond doubt.
fn configured() -> Vec<Held> {
    let mut held: Vec<_> =
        group(0).addresses.into_iter().map(|address| Held { address, doubtful: false }).collect();
    held.sort();
    held
}

fn await_configured(router: &Node) {
    wait_for("the virtual addresses", || (held(router, &device(router)?) == configured()).then_some(()));
}

/// The IPv6 groups that a link has joined.
fn joined(router: &Node, device: &str) -> Vec<String> {
    let links = list(router, &format!("-6 maddress show dev {device}"));
    let groups = links.iter().filter_map(|link| link["maddr"].as_array()).flatten();
    groups.filter_map(|group| Some(group["address"].as_str()?.to_owned())).collect()
}

/// RFC 4861 §4.2, §4.6.2: no default router, but a prefix from which everybody is to make addresses.
fn prefix_advertisement(host: &Node, prefix: Ipv6Addr) -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let lifetime = 3600_u32.to_be_bytes();
    message.extend([3, 4, 64, 0xc0]);
    message.extend([lifetime, lifetime, [0; 4]].concat());
    message.extend(prefix.octets());
    icmpv6_to_all((host.lan_mac(0), host.link_local()), message)
}

/// Two routers, in the second of which every new link makes addresses of its own where it can.
struct Talkative {
    lab: Lab,
    capture: Capture,
}

impl Talkative {
    fn build(world: World) -> Self {
        let lab = Lab::build(world, &LabOptions::default()).unwrap();
        let router = lab.router(2).unwrap().namespace();
        // 2: also in a router.
        for (setting, value) in [("accept_ra", "2"), ("autoconf", "1"), ("addr_gen_mode", "0")] {
            router.set(&format!("ipv6/conf/default/{setting}"), value).unwrap();
        }
        router
            .ip(["link add name other0 link lan0 type macvlan mode bridge", "link set dev other0 up"])
            .unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        Self { lab, capture }
    }

    fn start(&self, number: u8, priority: u8) -> RouterProcess {
        fhrpd().start(self.lab.router(number).unwrap(), &[group(priority)]).unwrap()
    }

    /// What the macvlan has after a prefix was advertised from which another link has made an address.
    fn after_an_advertisement(&self, number: u16) -> Vec<Held> {
        let (host, router) = (self.lab.host(1).unwrap(), self.lab.router(2).unwrap());
        let prefix = Ipv6Addr::new(0x2001, 0xdb8, 0x77, number, 0, 0, 0, 0);
        host.injector("lan0").unwrap().send(&prefix_advertisement(host, prefix)).unwrap();
        let made = |held: &Held| matches!(held.address, IpAddr::V6(made) if made.segments()[..4] == prefix.segments()[..4]);
        wait_for("an address on the other link", || held(router, "other0").iter().any(made).then_some(()));
        held(router, &device(router).unwrap())
    }
}

#[test]
fn none_is_made_from_the_virtual_mac_before_or_while_or_after_a_router_is_active() {
    let Some(world) = world!() else { return };
    let stage = Talkative::build(world);
    let router = stage.lab.router(2).unwrap();
    let mut first = stage.start(1, 200);
    assert!(advertised(&stage.capture, 0, "r1", &group(200), 3), "{}", first.log_tail());
    let second = stage.start(2, 150);
    await_state(router, "backup", 1);
    assert_eq!(stage.after_an_advertisement(1), [], "{}", second.log_tail());

    first.kill();
    await_state(router, "active", 1);
    assert_eq!(stage.after_an_advertisement(2), configured(), "{}", second.log_tail());

    let _first = stage.start(1, 200);
    await_state(router, "backup", 1);
    assert_eq!(stage.after_an_advertisement(3), [], "{}", second.log_tail());
}

#[test]
fn none_is_tentative_when_a_better_router_takes_over_from_a_live_one() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let router = lab.router(1).unwrap();
    for scope in ["all", "default"] {
        router.namespace().set(&format!("ipv6/conf/{scope}/accept_dad"), "1").unwrap();
    }
    let second = fhrpd().start(lab.router(2).unwrap(), &[group(150)]).unwrap();
    assert!(advertised(&capture, 0, "r2", &group(150), 3), "{}", second.log_tail());
    await_configured(lab.router(2).unwrap());

    let mark = capture.mark();
    let first = fhrpd().start(router, &[group(200)]).unwrap();
    let active = wait_for("a takeover", || {
        look_for_doubt(router);
        advertised_yet(&capture, mark)
    });
    while Stamp::now().since(active) < DETECTED {
        look_for_doubt(router);
        thread::sleep(LOOK);
    }
    assert_eq!(held(router, &device(router).unwrap()), configured(), "{}", first.log_tail());
    // Here detection is what it is everywhere, and would have been seen.
    router.namespace().ip(["address add 2001:db8:1::77/64 dev lan0"]).unwrap();
    assert!(held(router, "lan0").iter().any(|held| held.doubtful));
}

fn look_for_doubt(router: &Node) {
    let held = device(router).map(|device| held(router, &device)).unwrap_or_default();
    assert!(held.iter().all(|held| !held.doubtful), "{held:?}");
}

/// When `r1` advertised first.
fn advertised_yet(capture: &Capture, mark: usize) -> Option<Stamp> {
    capture.look(mark, |events| advertisements(events, "r1", &group(200)).next().map(|event| event.at))
}

#[test]
fn their_solicited_node_groups_are_joined_while_active_and_a_switch_knows() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    lab.switch().ip(["link set dev lan0 type bridge mcast_snooping 1"]).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let [mut first, second] = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], &[group(200)]);
    let (active, backup) = (lab.router(1).unwrap(), lab.router(2).unwrap());
    await_state(active, "active", 1);
    await_state(backup, "backup", 1);
    let wanted = ["ff02::1:ff02:1", "ff02::1:ff00:1"];
    assert_membership(active, &wanted, true);
    assert_membership(backup, &wanted, false);
    for group in wanted {
        await_snooped(&lab, group, "r1-lan0");
    }

    first.kill();
    await_state(backup, "active", 1);
    assert_membership(backup, &wanted, true);
    for group in wanted {
        await_snooped(&lab, group, "r2-lan0");
    }
    drop(second);
}

fn assert_membership(router: &Node, groups: &[&str], member: bool) {
    let joined = joined(router, &device(router).unwrap());
    for group in groups {
        assert_eq!(
            joined.iter().any(|joined| joined == group),
            member,
            "{}: {group} in {joined:?}",
            router.name()
        );
    }
}

/// Waits until the switch has heard of a member behind a port.
fn await_snooped(lab: &Lab, group: &str, port: &str) {
    wait_for(&format!("{group} at {port}"), || {
        let members = lab.switch().query("bridge", &["mdb", "show"]).unwrap();
        let wanted = format!("port {port} grp {group} ");
        members.lines().any(|line| format!("{line} ").contains(&wanted)).then_some(())
    });
}

#[test]
fn the_kernel_s_answer_to_a_solicitation_says_router() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let router = lab.router(1).unwrap();
    // A new link does not forward on its own.
    router.namespace().set("ipv6/conf/default/forwarding", "0").unwrap();
    let _process = fhrpd().start(router, &[group(200)]).unwrap();
    await_state(router, "active", 1);
    for virtual_address in group(200).addresses {
        let mark = capture.mark();
        lab.host(1).unwrap().ask(0, virtual_address, Duration::ZERO).unwrap();
        let answer = capture
            .wait_for(mark, SOON, |events| events.iter().find_map(|event| solicited(event, virtual_address)));
        let (flags, told, source) = answer.expect("an answer");
        assert_eq!((flags & 0x80, told, source), (0x80, Some(VIRTUAL_MAC), VIRTUAL_MAC), "{virtual_address}");
    }
}

/// The flags of an answer to a solicitation for `address`, the MAC address that it tells, and that of its frame.
fn solicited(event: &Event, address: IpAddr) -> Option<(u8, Option<MacAddr>, MacAddr)> {
    let Kind::NeighborAdvertisement { target, flags, target_mac } = event.kind else { return None };
    let answers = IpAddr::V6(target) == address && flags & 0x40 != 0;
    answers.then_some((flags, target_mac, event.source_mac))
}

#[test]
fn unsolicited_advertisements_of_hosts_are_believed_by_active_and_backup() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let _processes = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], &[group(200)]);
    let host = lab.host(1).unwrap();
    let IpAddr::V6(address) = host.lan_address(0, Family::V6) else { unreachable!("asked for IPv6") };
    let (old, new) = (MacAddr([2, 0, 0, 0, 0, 0x99]), host.lan_mac(0));
    for router in lab.routers() {
        let entry = format!("neigh replace {address} lladdr {old} dev lan0 nud stale");
        router.namespace().ip([entry]).unwrap();
        assert_eq!(router.neighbor("lan0", address.into()).unwrap(), Some(old));
    }
    // RFC 4861 §4.4: override, and nothing else.
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(address.octets());
    message.extend([2, 1]);
    message.extend(new.octets());
    host.injector("lan0").unwrap().send(&icmpv6_to_all((new, address), message)).unwrap();
    for (router, wanted) in lab.routers().iter().zip(["active", "backup"]) {
        wait_for("the new MAC address", || {
            (router.neighbor("lan0", address.into()).unwrap() == Some(new)).then_some(())
        });
        assert_eq!(state(router, Family::V6).as_deref(), Some(wanted), "{}", router.name());
    }
}
