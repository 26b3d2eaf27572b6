use fhrp_wire::{Family, MacAddr};

use super::*;
use crate::{
    capture::Port,
    frame::{Advertisement, Kind},
};

const INTERVAL: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000 + millis * 1_000_000)
}

fn address() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

fn event(node: &str, millis: u64, kind: Kind) -> Event {
    Event {
        at: at(millis),
        node: node.into(),
        port: Port::Lan(0),
        source_mac: MacAddr::ZERO,
        destination_mac: MacAddr::ZERO,
        kind,
        frame: Vec::new(),
    }
}

fn advert(node: &str, millis: u64, priority: u8) -> Event {
    let advertisement = Advertisement {
        family: Family::V4,
        version: 3,
        vrid: 1,
        priority,
        interval: INTERVAL,
        source: "192.0.2.11".parse().unwrap(),
    };
    event(node, millis, Kind::Advertisement(advertisement))
}

fn observer() -> Observer {
    Observer::new(["r1", "r2"].map(str::to_owned), 1, address(), INTERVAL)
}

fn states(events: &[LabEvent]) -> Vec<(u64, &str, RouterState)> {
    let state = |event: &'_ LabEvent| matches!(event, LabEvent::RouterState { .. });
    events
        .iter()
        .filter(|event| state(event))
        .filter_map(|event| {
            if let LabEvent::RouterState { at, router, state } = event {
                Some(((at.as_nanos() - 1_000_000_000) / 1_000_000, router.as_str(), *state))
            } else {
                None
            }
        })
        .collect()
}

#[test]
fn the_first_to_advertise_is_active_and_the_others_are_backups() {
    let mut observer = observer();
    observer.observe(&advert("r1", 0, 200));
    let events = observer.drain();
    assert_eq!(states(&events), [(0, "r1", RouterState::Active), (0, "r2", RouterState::Backup)]);
    assert_eq!(observer.drain(), []);
}

#[test]
fn a_router_is_alone_after_three_intervals_of_its_own() {
    let mut observer = observer();
    observer.observe(&advert("r2", 0, 150));
    for (millis, alone) in [(10, false), (110, false), (210, false), (310, true)] {
        observer.observe(&advert("r1", millis, 200));
        assert_eq!(observer.alone("r1"), alone, "{millis}");
    }
    observer.observe(&advert("r2", 320, 150));
    assert!(!observer.alone("r1"));
}

#[test]
fn a_killed_router_is_down_once_it_is_silent() {
    let mut observer = observer();
    observer.observe(&advert("r1", 0, 200));
    observer.drain();
    observer.hit("r1", at(50));
    observer.tick(at(299));
    assert_eq!(observer.drain(), []);
    observer.observe(&advert("r2", 341, 150));
    observer.tick(at(341));
    assert_eq!(observer.successor("r1"), Some("r2"));
    let events = observer.drain();
    assert_eq!(states(&events), [(341, "r2", RouterState::Active), (341, "r1", RouterState::Down)]);
}

#[test]
fn resigning_and_announcing_are_lines_of_the_timeline() {
    let mut observer = observer();
    observer.observe(&advert("r1", 0, 200));
    observer.drain();
    observer.hit("r1", at(10));
    observer.observe(&advert("r1", 11, 0));
    observer.observe(&advert("r2", 52, 150));
    let arp = Kind::Arp {
        operation: 1,
        sender_mac: MacAddr::ZERO,
        sender: "192.0.2.1".parse().unwrap(),
        target: "192.0.2.1".parse().unwrap(),
    };
    observer.observe(&event("r2", 53, arp));
    observer.observe(&event("r2", 54, arp));
    let lines: Vec<_> = observer
        .drain()
        .into_iter()
        .filter_map(
            |event| if let LabEvent::Timeline { entry, .. } = event { Some(entry.to_string()) } else { None },
        )
        .collect();
    assert_eq!(
        lines,
        ["r1 resigns (priority 0)", "r2 advertises, priority 150", "r2 announces the virtual address"]
    );
}

#[test]
fn a_takeover_runs_from_the_last_advertisement_to_the_first() {
    let events = [advert("r1", 0, 200), advert("r1", 100, 200), advert("r2", 441, 150)];
    let expected = Takeover { last: at(100), first: at(441), resigned: false };
    assert_eq!(takeover(&events, 1, "r1", (at(150), None)), Some(expected));
    assert_eq!(expected.duration(), Duration::from_millis(341));
    assert_eq!(takeover(&events, 2, "r1", (at(150), None)), None);
    assert_eq!(takeover(&events[..2], 1, "r1", (at(150), None)), None);
}

#[test]
fn a_takeover_after_priority_0_runs_from_the_first_such_advertisement() {
    let events = [advert("r1", 100, 200), advert("r1", 151, 0), advert("r1", 152, 0), advert("r2", 192, 150)];
    let expected = Takeover { last: at(151), first: at(192), resigned: true };
    assert_eq!(takeover(&events, 1, "r1", (at(150), None)), Some(expected));
}

#[test]
fn what_nobody_hears_does_not_count() {
    let events =
        [advert("r1", 100, 200), advert("r1", 200, 200), advert("r1", 300, 200), advert("r2", 441, 150)];
    let expected = Takeover { last: at(100), first: at(441), resigned: false };
    assert_eq!(takeover(&events, 1, "r1", (at(150), Some(at(155)))), Some(expected));
}
