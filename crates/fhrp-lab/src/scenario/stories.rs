//! Elections of real routers, out of capture files, as the observers see them.

use std::{fs::File, path::PathBuf, time::Duration};

use crate::{
    capture::{Event, Port},
    capture_file::packets,
    clock::Stamp,
    frame::{HsrpOpcode, Kind, destination_of, source_of},
    group::{GlbpGroup, Group, HsrpGroup, HsrpVersion},
    test_name,
    testing::{Need, captures, require},
};
use fhrp_wire::Family;

use super::{
    LabEvent, RouterState,
    contest::Contest,
    forwarders::Forwarders,
    observer::{Observer, takeover},
};

/// The packets of a file as if a laboratory had captured them; a router's name is its address.
fn events(file: &str) -> Vec<Event> {
    let path: PathBuf = captures().unwrap().join(file);
    let mut events = Vec::new();
    let read = packets(File::open(path).unwrap(), |captured| {
        let kind = Kind::of(captured.octets);
        let source = kind.hsrp().map(|said| said.source).or(kind.glbp().map(|said| said.source));
        let Some(source) = source else { return };
        events.push(Event {
            at: Stamp::default().after(Duration::from_secs_f64(captured.time.unwrap())),
            node: source.to_string().into(),
            port: Port::Lan(0),
            source_mac: source_of(captured.octets),
            destination_mac: destination_of(captured.octets),
            kind,
            frame: captured.octets.to_vec(),
        });
    });
    read.unwrap();
    events
}

/// Changes of state: seconds since the first packet, router, new state.
fn states(file: &str, group: &Group, routers: [&str; 3]) -> Vec<(u64, String, RouterState)> {
    let events = events(file);
    let begin = events[0].at;
    let hello = Duration::from_secs(3);
    let mut observer =
        Observer::new(routers.map(str::to_owned), Contest::of(group), group.addresses()[0], hello);
    let mut told = Vec::new();
    for event in &events {
        observer.tick(event.at);
        observer.observe(event);
        for event in observer.drain() {
            if let LabEvent::RouterState { at, router, state } = event {
                told.push((at.since(begin).as_secs(), router, state));
            }
        }
    }
    told
}

#[test]
fn hsrp_routers_elect_one_active_and_one_standby() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let group = HsrpGroup::new(HsrpVersion::V1, Family::V4, 100).into();
    let [first, second, third] = ["192.168.0.10", "192.168.0.20", "192.168.0.30"];
    let told = states("hsrpv1-election.cap", &group, [first, second, third]);
    let last = |router: &str| told.iter().rev().find(|(_, name, _)| name == router).unwrap().2;
    assert_eq!((last(first), last(third)), (RouterState::Active, RouterState::Standby));
    assert_eq!(last(second), RouterState::Listen);
    let active = told.iter().position(|(_, name, state)| name == first && *state == RouterState::Active);
    let before: Vec<_> =
        told[..active.unwrap()].iter().filter(|(_, name, _)| name == first).map(|told| told.2).collect();
    assert_eq!(before, [RouterState::Speak, RouterState::Standby]);
}

#[test]
fn an_hsrp_router_takes_over_by_a_coup() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let events = events("hsrpv1-coup-resign-old-ios.pcap");
    let is_coup = |event: &&Event| event.kind.hsrp().is_some_and(|said| said.opcode == HsrpOpcode::Coup);
    let coup = events.iter().find(is_coup).unwrap().at;
    let group: Group = HsrpGroup::new(HsrpVersion::V1, Family::V4, 100).into();
    let fault = coup.before(Duration::from_millis(1));
    let found = takeover(&events, Contest::of(&group), "192.168.23.2", (fault, None)).unwrap();
    assert!(found.first >= coup && found.first.since(coup) < Duration::from_millis(100), "{found:?}");
    assert!(!found.resigned, "the Resign came after the Coup");
}

#[test]
fn glbp_routers_serve_one_forwarder_each() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let group: Group = GlbpGroup::new(Family::V4, 100).into();
    let mut forwarders = Forwarders::of(&group);
    let mut told = Vec::new();
    for event in events("glbp-election-3routers.cap") {
        for event in forwarders.observe(&event) {
            if let LabEvent::Timeline { entry, .. } = event {
                told.push(entry.to_string());
            }
        }
    }
    let expected = [
        "192.168.0.10 serves forwarder 1",
        "192.168.0.30 serves forwarder 2",
        "192.168.0.20 serves forwarder 3",
    ];
    assert_eq!(told, expected);
}
