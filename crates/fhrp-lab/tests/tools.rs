//! The laboratory's instruments: capture, probes, questions, faults, and processes that end.
#![allow(clippy::unwrap_used, reason = "a test program")]

use std::{fs, net::IpAddr, path::Path, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, Daemon, Event, Kind, Lab, LabOptions, Outage, Port, Probe, Stamp, VrrpGroup,
    arp_request, upstream_address, virtual_address, world,
};
use fhrp_wire::{Family, MacAddr};

const SOON: Duration = Duration::from_secs(5);

fn lab(world: fhrp_lab::World) -> Lab {
    Lab::build(world, &LabOptions::default()).unwrap()
}

#[test]
fn probes_pass_a_router_and_stop_where_the_port_is_silent() {
    let Some(world) = world!() else { return };
    let lab = lab(world);
    let router = lab.router(1).unwrap();
    lab.use_gateway(router.lan_address(0, Family::V6), 0).unwrap();
    let capture = Capture::start(&lab, CaptureScope::ControlAndProbes).unwrap();
    let probe = Probe::start(&lab, lab.host(1).unwrap(), Family::V6, Duration::from_millis(1)).unwrap();
    assert!(probe.wait_flowing(Stamp::default(), 100, SOON));
    let silenced = Stamp::now();
    lab.silence(router, 0).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    lab.unsilence(router, 0).unwrap();
    assert!(probe.wait_flowing(Stamp::now(), 50, SOON));
    let counters = probe.counters();
    assert!(
        counters.sent > counters.received && counters.longest_gap >= Duration::from_millis(90),
        "{counters:?}"
    );
    let record = probe.finish();
    let end = record.arrivals.last().unwrap().at;
    let Outage { lasted: gap, begin: start, .. } =
        record.outage(silenced.before(Duration::from_millis(10)), end);
    assert!(gap >= Duration::from_millis(100) && gap < Duration::from_millis(400), "{gap:?}");
    assert!(start >= silenced.before(Duration::from_millis(10)));
    let lost = record.lost(silenced, end);
    assert!((80..400).contains(&lost), "{lost}");
    assert_eq!(record.duplicated(record.sent[0], end), 0);
    let passed = capture.look(0, |events| {
        let upstream = events.iter().filter(|event| event.port == Port::Upstream && &*event.node == "r1");
        upstream.filter(|event| matches!(event.kind, Kind::Probe { host: 1, .. })).count()
    });
    assert!(passed >= record.arrivals.len(), "{passed} handed on, {} arrived", record.arrivals.len());
    assert_eq!(capture.dropped(), 0);
}

#[test]
fn every_answer_is_collected_with_both_addresses() {
    let Some(world) = world!() else { return };
    let lab = lab(world);
    let (host, router) = (lab.host(1).unwrap(), lab.router(2).unwrap());
    for address in [router.lan_address(0, Family::V4), IpAddr::V6(router.link_local())] {
        let answers = host.ask(0, address, Duration::from_millis(200)).unwrap();
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert_eq!(answers[0].ethernet_source, router.lan_mac(0));
        assert_eq!(answers[0].told, Some(router.lan_mac(0)));
        assert!(host.pings(address).unwrap());
    }
    let nobody = virtual_address(0, Family::V4, 1);
    assert_eq!(host.ask(0, nobody, Duration::from_millis(100)).unwrap(), []);
    assert!(!host.pings(nobody).unwrap());
}

#[test]
fn neighbours_and_the_switch_table_show_the_way() {
    let Some(world) = world!() else { return };
    let lab = lab(world);
    let (host, router) = (lab.host(1).unwrap(), lab.router(1).unwrap());
    let gateway = router.lan_address(0, Family::V4);
    assert_eq!(host.neighbor("lan0", gateway).unwrap(), None);
    lab.use_gateway(gateway, 0).unwrap();
    assert!(host.pings(upstream_address(Family::V4)).unwrap());
    assert_eq!(host.neighbor("lan0", gateway).unwrap(), Some(router.lan_mac(0)));
    assert_eq!(lab.carrier_of(host, 0, gateway).unwrap().as_deref(), Some("r1"));
    lab.forget_port(router, 0).unwrap();
    assert_eq!(lab.port_of(0, router.lan_mac(0)).unwrap(), None);
    let link_local = IpAddr::V6(router.link_local());
    assert!(host.pings(link_local).unwrap());
    assert_eq!(host.neighbor("lan0", link_local).unwrap(), Some(router.lan_mac(0)));
    host.flush_neighbors().unwrap();
    assert_eq!(host.neighbor("lan0", gateway).unwrap(), None);
    assert_eq!(host.neighbor("lan0", link_local).unwrap(), None);
}

#[test]
fn an_injected_frame_is_captured_as_sent() {
    let Some(world) = world!() else { return };
    let lab = lab(world);
    let host = lab.host(1).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let frame = arp_request(MacAddr([2, 9, 9, 9, 9, 9]), [192, 0, 2, 77].into(), [192, 0, 2, 78].into());
    host.injector("lan0").unwrap().send(&frame).unwrap();
    let seen = capture
        .wait_for(0, SOON, |events| events.iter().find(|event| event.frame == frame).cloned())
        .unwrap();
    assert_eq!((&*seen.node, seen.port), ("h1", Port::Lan(0)));
    let file = host.work_dir().join("lan.pcap");
    capture.save(&file).unwrap();
    let saved = fs::read(&file).unwrap();
    assert!(saved.windows(frame.len()).any(|window| window == frame));
}

#[test]
fn a_port_loses_what_it_is_told_to_lose() {
    let Some(world) = world!(Nft) else { return };
    let lab = lab(world);
    let (host, router) = (lab.host(1).unwrap(), lab.router(1).unwrap());
    lab.lose(router, 0, 1000).unwrap();
    assert!(!host.pings(router.lan_address(0, Family::V4)).unwrap());
    lab.lose(router, 0, 0).unwrap();
    // The question that was lost is asked again only after a second, as long as the ping waits.
    host.flush_neighbors().unwrap();
    assert!(host.pings(router.lan_address(0, Family::V4)).unwrap());
}

#[test]
fn a_link_without_carrier_is_seen_at_the_router() {
    let Some(world) = world!() else { return };
    let lab = lab(world);
    let router = lab.router(1).unwrap();
    lab.take_carrier(router, 0).unwrap();
    let port = || router.namespace().query("ip", &["-brief", "link", "show", "dev", "lan0"]).unwrap();
    assert!(port().contains("NO-CARRIER"), "{}", port());
    lab.give_carrier(router, 0).unwrap();
    assert!(lab.host(1).unwrap().pings(router.lan_address(0, Family::V4)).unwrap());
    assert!(!port().contains("NO-CARRIER"), "{}", port());
}

#[test]
fn a_stopped_daemon_leaves_nothing_and_a_killed_one_no_process() {
    let Some(world) = world!(Keepalived) else { return };
    let lab = lab(world);
    let router = lab.router(1).unwrap();
    let inventory = || router.namespace().inventory().unwrap();
    let before = inventory();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let group = VrrpGroup { priority: 255, ..VrrpGroup::new(Family::V4, 200) };
    let start = || {
        let mark = capture.mark();
        let process = Daemon::keepalived().start(router, std::slice::from_ref(&group)).unwrap();
        let advertised = |events: &[Event]| events.iter().any(|event| event.kind.advertisement().is_some());
        let active = capture.wait_for(mark, SOON, |events| advertised(events).then_some(()));
        active.unwrap_or_else(|| panic!("{}", process.log_tail()));
        process
    };
    let mut process = start();
    process.stop();
    assert!(process.wait(SOON).unwrap().success());
    // keepalived 2.2.7 does not restore arp_filter and arp_ignore of the interface.
    let mut left = inventory().changes_since(&before);
    left.retain(|line| !line.contains(" lan0 arp_"));
    assert_eq!(left, Vec::<String>::new());

    let mut process = start();
    let tree = process.tree();
    assert!(process.alive() && tree.len() > 1);
    process.kill();
    assert!(!tree.iter().any(|pid| Path::new(&format!("/proc/{pid}")).exists()), "{tree:?}");
    let left = inventory().changes_since(&before);
    assert!(left.iter().any(|line| line.starts_with("+ address ka4-lan0-1")), "{left:?}");
}
