use fhrp_wire::{Family, MacAddr};

use super::*;
use crate::{
    frame::{Advertisement, HsrpMessage, HsrpOpcode, Kind, SpeakerState},
    scenario::testing::{at, event},
};

const VRID_1: Contest = Contest::Vrrp { vrid: 1 };
const GROUP_1: Contest = Contest::Hsrp { group: 1 };
const INTERVAL: Duration = Duration::from_millis(100);

fn address() -> IpAddr {
    "192.0.2.1".parse().unwrap()
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
    Observer::new(["r1", "r2"].map(str::to_owned), VRID_1, address(), INTERVAL)
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
    assert_eq!(observer.active(), Some("r2"));
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
    assert_eq!(lines, ["r1 resigns", "r2 advertises, priority 150", "r2 announces the virtual address"]);
}

#[test]
fn a_takeover_runs_from_the_last_advertisement_to_the_first() {
    let events = [advert("r1", 0, 200), advert("r1", 100, 200), advert("r2", 441, 150)];
    let expected = Takeover { last: at(100), first: at(441), resigned: false };
    assert_eq!(takeover(&events, VRID_1, "r1", (at(150), None)), Some(expected));
    assert_eq!(expected.duration(), Duration::from_millis(341));
    assert_eq!(takeover(&events, Contest::Vrrp { vrid: 2 }, "r1", (at(150), None)), None);
    assert_eq!(takeover(&events[..2], VRID_1, "r1", (at(150), None)), None);
}

#[test]
fn a_takeover_after_priority_0_runs_from_the_first_such_advertisement() {
    let events = [advert("r1", 100, 200), advert("r1", 151, 0), advert("r1", 152, 0), advert("r2", 192, 150)];
    let expected = Takeover { last: at(151), first: at(192), resigned: true };
    assert_eq!(takeover(&events, VRID_1, "r1", (at(150), None)), Some(expected));
}

#[test]
fn what_nobody_hears_does_not_count() {
    let events =
        [advert("r1", 100, 200), advert("r1", 200, 200), advert("r1", 300, 200), advert("r2", 441, 150)];
    let expected = Takeover { last: at(100), first: at(441), resigned: false };
    assert_eq!(takeover(&events, VRID_1, "r1", (at(150), Some(at(155)))), Some(expected));
}

fn hsrp(node: &str, millis: u64, opcode: HsrpOpcode, state: SpeakerState) -> Event {
    let message = HsrpMessage {
        family: Family::V4,
        version: 2,
        group: 1,
        opcode,
        state,
        priority: 150,
        hello: INTERVAL,
        hold: INTERVAL * 3,
        address: address(),
        source: "192.0.2.12".parse().unwrap(),
    };
    event(node, millis, Kind::Hsrp(message))
}

fn hello(node: &str, millis: u64, state: SpeakerState) -> Event {
    hsrp(node, millis, HsrpOpcode::Hello, state)
}

#[test]
fn hsrp_routers_are_what_they_say_they_are() {
    let mut observer = Observer::new(["r1", "r2", "r3"].map(str::to_owned), GROUP_1, address(), INTERVAL);
    assert!(!observer.has_next());
    observer.observe(&hello("r2", 0, SpeakerState::Active));
    observer.observe(&hsrp("r1", 5, HsrpOpcode::Coup, SpeakerState::Listen));
    observer.observe(&hello("r1", 6, SpeakerState::Active));
    observer.observe(&hello("r2", 7, SpeakerState::Speak));
    observer.observe(&hello("r2", 307, SpeakerState::Standby));
    observer.observe(&hello("r2", 400, SpeakerState::Standby));
    assert!(observer.has_next());
    assert_eq!((observer.active(), observer.standby()), (Some("r1"), Some("r2")));
    let expected = [
        (0, "r2", RouterState::Active),
        (0, "r1", RouterState::Listen),
        (0, "r3", RouterState::Listen),
        (6, "r1", RouterState::Active),
        (7, "r2", RouterState::Speak),
        (307, "r2", RouterState::Standby),
    ];
    let events = observer.drain();
    assert_eq!(states(&events), expected);
    let stands_by =
        |event: &&LabEvent| matches!(event, LabEvent::Timeline { entry: TimelineEntry::StandsBy { .. }, .. });
    let stands_by: Vec<_> = events.iter().filter(stands_by).cloned().collect();
    assert_eq!(stands_by, [line(at(307), TimelineEntry::StandsBy { router: "r2".to_owned() })]);
}

#[test]
fn a_silent_standby_is_none() {
    let mut observer = Observer::new(["r1", "r2"].map(str::to_owned), GROUP_1, address(), INTERVAL);
    observer.observe(&hello("r2", 0, SpeakerState::Standby));
    observer.tick(at(301));
    assert_eq!(observer.standby(), None);
    let expected = [(0, "r2", RouterState::Standby), (301, "r2", RouterState::Listen)];
    assert_eq!(states(&observer.drain()), expected);
}

#[test]
fn a_takeover_in_hsrp_runs_between_hellos_of_active_routers() {
    let events = [
        hello("r1", 100, SpeakerState::Active),
        hello("r2", 180, SpeakerState::Standby),
        hello("r1", 200, SpeakerState::Active),
        hsrp("r2", 499, HsrpOpcode::Coup, SpeakerState::Standby),
        hello("r2", 500, SpeakerState::Active),
    ];
    let expected = Takeover { last: at(200), first: at(500), resigned: false };
    assert_eq!(takeover(&events, GROUP_1, "r1", (at(210), None)), Some(expected));
    let events = [
        hello("r1", 200, SpeakerState::Active),
        hsrp("r1", 211, HsrpOpcode::Resign, SpeakerState::Initial),
        hello("r2", 212, SpeakerState::Active),
    ];
    let expected = Takeover { last: at(211), first: at(212), resigned: true };
    assert_eq!(takeover(&events, GROUP_1, "r1", (at(210), None)), Some(expected));
}
