//! What hosts see of the virtual router: one answer, and never the physical MAC address behind it.

use std::{net::IpAddr, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, GroupSpec, Kind, Lab, LabOptions, Port, Probe, ReversePathFilter, RouterProcess,
    Stamp, World, virtual_address, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, fhrpd, start_pair};

const VIRTUAL_MAC: MacAddr = MacAddr([0, 0, 0x5e, 0, 1, 1]);
const LISTEN: Duration = Duration::from_millis(300);

struct Stage {
    _processes: [RouterProcess; 2],
    capture: Capture,
    lab: Lab,
    address: IpAddr,
}

fn stage(world: World, rp_filter: ReversePathFilter, group: &GroupSpec) -> Stage {
    let lab = Lab::build(world, &LabOptions { rp_filter, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::ControlAndProbes).unwrap();
    let processes = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], group);
    Stage { _processes: processes, capture, lab, address: virtual_address(0, Family::V4, 1) }
}

#[test]
fn one_answer_under_every_reverse_path_filter_and_no_leak() {
    let Some(world) = world!() else { return };
    let group = GroupSpec { accept: true, ..GroupSpec::new(Family::V4, 200) };
    for rp_filter in [ReversePathFilter::Off, ReversePathFilter::Strict, ReversePathFilter::Loose] {
        let stage = stage(world, rp_filter, &group);
        let (host, router) = (stage.lab.host(1).unwrap(), stage.lab.router(1).unwrap());
        let mark = stage.capture.mark();
        let answers = host.ask(0, stage.address, LISTEN).unwrap();
        assert_eq!(answers.len(), 1, "{rp_filter:?}: {answers:?}");
        assert_eq!((answers[0].ethernet_source, answers[0].told), (VIRTUAL_MAC, Some(VIRTUAL_MAC)));
        router.flush_neighbors().unwrap();
        assert!(host.pings(stage.address).unwrap(), "{rp_filter:?}");
        let neighbor = host.neighbor("lan0", stage.address).unwrap();
        assert_eq!(neighbor, Some(VIRTUAL_MAC), "{rp_filter:?}");
        let told: Vec<_> = stage.capture.look(mark, |events| {
            let arps = events.iter().filter_map(|event| {
                if let Kind::Arp { sender, sender_mac, operation, .. } = event.kind {
                    return Some((event.node.to_string(), operation, sender, sender_mac));
                }
                None
            });
            arps.collect()
        });
        let asked = |(node, operation, ..): &(String, u16, _, _)| node == "r1" && *operation == 1;
        assert!(told.iter().any(asked), "the router had to ask for the host: {told:?}");
        for (node, _, sender, mac) in &told {
            if IpAddr::V4(*sender) == stage.address {
                assert_eq!((node.as_str(), *mac), ("r1", VIRTUAL_MAC), "{rp_filter:?}: {told:?}");
            }
        }
    }
}

#[test]
fn an_address_that_is_not_accepted_resolves_but_does_not_answer() {
    let Some(world) = world!() else { return };
    let stage = stage(world, ReversePathFilter::Off, &GroupSpec::new(Family::V4, 200));
    let host = stage.lab.host(1).unwrap();
    assert!(!host.pings(stage.address).unwrap());
    assert_eq!(host.neighbor("lan0", stage.address).unwrap(), Some(VIRTUAL_MAC));
}

#[test]
fn flooded_frames_arrive_once() {
    let Some(world) = world!() else { return };
    let stage = stage(world, ReversePathFilter::Off, &GroupSpec::new(Family::V4, 200));
    stage.lab.use_gateway(stage.address, 0).unwrap();
    let host = stage.lab.host(1).unwrap();
    let probe = Probe::start(&stage.lab, host, Family::V4, Duration::from_millis(1)).unwrap();
    assert!(probe.wait_flowing(Stamp::default(), 50, SOON));
    // A switch that learns nothing sends every frame to both routers.
    stage.lab.switch().ip(["link set dev lan0 type bridge ageing_time 0"]).unwrap();
    stage.lab.forget_port(stage.lab.router(1).unwrap(), 0).unwrap();
    let flooding = Stamp::now();
    assert!(probe.wait_flowing(flooding, 200, SOON));
    let record = probe.finish();
    assert_eq!(record.duplicated(record.sent[0], record.arrivals.last().unwrap().at), 0);
    let passed = |router: &str| {
        stage.capture.look(0, |events| {
            let up = events.iter().filter(|event| event.port == Port::Upstream && &*event.node == router);
            up.filter(|event| matches!(event.kind, Kind::Probe { .. })).count()
        })
    };
    assert!(passed("r1") >= 200);
    assert_eq!(passed("r2"), 0, "a Backup routed frames to the virtual MAC address");
}
