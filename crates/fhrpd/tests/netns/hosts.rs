//! What hosts see of the virtual router: one answer, and never the physical MAC address behind it.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use fhrp_lab::{
    Capture, CaptureScope, Event, Kind, Lab, LabOptions, Node, Port, Probe, ReversePathFilter, RouterProcess,
    Stamp, VrrpGroup, World, virtual_address, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, await_state, fhrpd, start_pair};

const LISTEN: Duration = Duration::from_millis(300);

struct Stage {
    _processes: [RouterProcess; 2],
    capture: Capture,
    lab: Lab,
    address: IpAddr,
    virtual_mac: MacAddr,
}

fn stage(world: World, rp_filter: ReversePathFilter, group: &VrrpGroup) -> Stage {
    let lab = Lab::build(world, &LabOptions { rp_filter, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::ControlAndProbes).unwrap();
    let processes = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], std::slice::from_ref(group));
    await_state(lab.router(1).unwrap(), "active", 1);
    await_state(lab.router(2).unwrap(), "backup", 1);
    let family = group.family();
    let virtual_mac = match family {
        Family::V4 => MacAddr([0, 0, 0x5e, 0, 1, 1]),
        Family::V6 => MacAddr([0, 0, 0x5e, 0, 2, 1]),
    };
    Stage { _processes: processes, capture, lab, address: virtual_address(0, family, 1), virtual_mac }
}

/// Whom a frame says that an address belongs to.
fn told(event: &Event) -> Option<(IpAddr, MacAddr)> {
    if let Kind::Arp { sender, sender_mac, .. } = event.kind {
        return Some((sender.into(), sender_mac));
    }
    if let Kind::NeighborAdvertisement { target, target_mac, .. } = event.kind {
        return Some((target.into(), target_mac.unwrap_or(event.source_mac)));
    }
    if let Kind::NeighborSolicitation { .. } = event.kind {
        let source: [u8; 16] = event.frame[22..38].try_into().unwrap();
        // RFC 4861 §4.3: the source link-layer address option.
        let mac = match event.frame.get(78..86) {
            Some([1, 1, mac @ ..]) => MacAddr(mac.try_into().unwrap()),
            _ => event.source_mac,
        };
        return Some((Ipv6Addr::from(source).into(), mac));
    }
    None
}

/// Whether a frame asks who has an address.
fn asks(event: &Event) -> bool {
    matches!(event.kind, Kind::Arp { operation: 1, .. } | Kind::NeighborSolicitation { .. })
}

/// The host knows the gateway, which must ask for the host: in whose name?
fn make_the_router_ask(stage: &Stage, host: &Node, router: &Node) {
    let (address, mac) = (stage.address, stage.virtual_mac);
    host.namespace().ip([format!("neigh replace {address} lladdr {mac} dev lan0 nud permanent")]).unwrap();
    router.flush_neighbors().unwrap();
    assert!(host.pings(address).unwrap());
    host.namespace().ip([format!("neigh del {address} dev lan0")]).unwrap();
}

fn answers_once_and_leaks_nothing(world: World, family: Family, rp_filter: ReversePathFilter) {
    let group = VrrpGroup { accept: true, ..VrrpGroup::new(family, 200) };
    let stage = stage(world, rp_filter, &group);
    let (host, router) = (stage.lab.host(1).unwrap(), stage.lab.router(1).unwrap());
    let mark = stage.capture.mark();
    let answers = host.ask(0, stage.address, LISTEN).unwrap();
    assert_eq!(answers.len(), 1, "{rp_filter:?}: {answers:?}");
    assert_eq!((answers[0].ethernet_source, answers[0].told), (stage.virtual_mac, Some(stage.virtual_mac)));
    make_the_router_ask(&stage, host, router);
    assert!(host.pings(stage.address).unwrap(), "{rp_filter:?}");
    assert_eq!(host.neighbor("lan0", stage.address).unwrap(), Some(stage.virtual_mac), "{rp_filter:?}");
    let events = stage.capture.since(mark);
    let asked = events.iter().any(|event| &*event.node == "r1" && asks(event));
    assert!(asked, "the router had to ask for the host: {events:?}");
    for event in &events {
        if let Some((address, mac)) = told(event).filter(|(address, _)| *address == stage.address) {
            let who = (&*event.node, mac);
            assert_eq!(who, ("r1", stage.virtual_mac), "{rp_filter:?}: {address} in {event:?}");
        }
    }
}

#[test]
fn one_answer_under_every_reverse_path_filter_and_no_leak() {
    let Some(world) = world!() else { return };
    for rp_filter in [ReversePathFilter::Off, ReversePathFilter::Strict, ReversePathFilter::Loose] {
        answers_once_and_leaks_nothing(world, Family::V4, rp_filter);
    }
}

#[test]
fn one_answer_and_no_leak_over_ipv6() {
    let Some(world) = world!() else { return };
    answers_once_and_leaks_nothing(world, Family::V6, ReversePathFilter::Off);
}

#[test]
fn an_address_that_is_not_accepted_resolves_but_does_not_answer() {
    let Some(world) = world!() else { return };
    for family in [Family::V4, Family::V6] {
        let stage = stage(world, ReversePathFilter::Off, &VrrpGroup::new(family, 200));
        let host = stage.lab.host(1).unwrap();
        assert!(!host.pings(stage.address).unwrap());
        assert_eq!(host.neighbor("lan0", stage.address).unwrap(), Some(stage.virtual_mac));
    }
}

/// Packets that have arrived at an interface.
pub(crate) fn received(node: &Node, interface: &str) -> u64 {
    let text = node.namespace().query("ip", &["-json", "-stats", "link", "show", "dev", interface]).unwrap();
    let links: serde_json::Value = serde_json::from_str(&text).unwrap();
    links[0]["stats64"]["rx"]["packets"].as_u64().unwrap()
}

fn flooded_frames_arrive_once(world: World, family: Family) {
    const FLOODED: usize = 200;
    let stage = stage(world, ReversePathFilter::Off, &VrrpGroup::new(family, 200));
    stage.lab.use_gateway(stage.address, 0).unwrap();
    let host = stage.lab.host(1).unwrap();
    let probe = Probe::start(&stage.lab, host, family, Duration::from_millis(1)).unwrap();
    assert!(probe.wait_flowing(Stamp::default(), 50, SOON));
    // A switch that learns nothing sends every frame to both routers.
    stage.lab.switch().ip(["link set dev lan0 type bridge ageing_time 0"]).unwrap();
    stage.lab.forget_port(stage.lab.router(1).unwrap(), 0).unwrap();
    let backup = stage.lab.router(2).unwrap();
    let (before, flooding) = (received(backup, "lan0"), Stamp::now());
    assert!(probe.wait_flowing(flooding, FLOODED, SOON));
    let flooded = received(backup, "lan0") - before;
    let record = probe.finish();
    assert_eq!(record.duplicated(record.sent[0], record.arrivals.last().unwrap().at), 0);
    // All but those that were on their way when the Backup's were counted.
    assert!(flooded >= 190, "the flood did not reach the Backup: {flooded} frames");
    let passed = |router: &str| {
        stage.capture.look(0, |events| {
            let up = events.iter().filter(|event| event.port == Port::Upstream && &*event.node == router);
            up.filter(|event| matches!(event.kind, Kind::Probe { .. })).count()
        })
    };
    assert!(passed("r1") >= FLOODED);
    assert_eq!(passed("r2"), 0, "a Backup routed frames to the virtual MAC address");
}

#[test]
fn flooded_frames_arrive_once_over_ipv4() {
    let Some(world) = world!() else { return };
    flooded_frames_arrive_once(world, Family::V4);
}

#[test]
fn flooded_frames_arrive_once_over_ipv6() {
    let Some(world) = world!() else { return };
    flooded_frames_arrive_once(world, Family::V6);
}
