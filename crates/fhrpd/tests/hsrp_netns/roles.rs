//! Who is Active by more than priorities: groups that follow another one, and objects that are tracked.

use std::{net::IpAddr, process::Command, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, Event, HsrpGroup, HsrpOpcode, HsrpVersion, Lab, LabOptions, Node, SpeakerState,
    world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, await_hello, await_state, fhrpd, groups_of, start_pair, wait_for, words};

/// A group of this number that follows the usual one.
fn follower(family: Family, number: u16, address: IpAddr) -> HsrpGroup {
    HsrpGroup {
        group: number,
        addresses: vec![address],
        preempt: false,
        extra: vec!["follow = \"hsrp-lan0-1\"".to_owned()],
        ..HsrpGroup::new(HsrpVersion::V2, family, 100)
    }
}

#[test]
fn followers_stand_where_their_leader_does_and_say_nothing_but_where_their_mac_is() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let over_ipv4 = follower(Family::V4, 2, [192, 0, 2, 2].into());
    let over_ipv6 = follower(Family::V6, 3, HsrpGroup::usual_address(Family::V6, 3));
    let groups = [HsrpGroup::new(HsrpVersion::V2, Family::V4, 100), over_ipv4.clone(), over_ipv6.clone()];
    let _processes = start_pair(&lab, &groups);
    let followers =
        [(&over_ipv4, MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 2])), (&over_ipv6, MacAddr([0, 5, 0x73, 0xa0, 0, 3]))];
    let host = lab.host(1).unwrap();
    let served_by = |router: &str| {
        for (follower, mac) in followers {
            let (mark, address) = (capture.mark(), follower.addresses[0]);
            let answers = host.ask(0, address, Duration::from_millis(300)).unwrap();
            let told: Vec<_> = answers.iter().map(|answer| (answer.ethernet_source, answer.told)).collect();
            assert_eq!(told, [(mac, Some(mac))], "{address}");
            assert!(host.pings(address).unwrap(), "{address}");
            let speakers = |events: &[Event]| {
                let from = events.iter().filter(|event| event.source_mac == mac);
                from.map(|event| event.node.to_string()).collect::<Vec<_>>()
            };
            let speakers = capture.look(mark, speakers);
            assert!(
                !speakers.is_empty() && speakers.iter().all(|name| name == router),
                "{address}: {speakers:?}"
            );
        }
    };
    served_by("r1");
    // The MAC refresh: the second repetition is the first that comes of it.
    let refreshed = |events: &[Event]| {
        let own =
            events.iter().filter(|event| &*event.node == "r1" && event.kind.announces([192, 0, 2, 2].into()));
        let all: Vec<_> =
            own.filter(|event| event.destination_mac == MacAddr::BROADCAST).map(|event| event.at).collect();
        (all.len() >= 3).then(|| all[2].since(all[1]))
    };
    let period = capture.wait_for(0, SOON, refreshed).expect("a refresh");
    assert!((9_900..11_000).contains(&period.as_millis()), "{period:?}");

    lab.take_carrier(lab.router(1).unwrap(), 0).unwrap();
    await_state(lab.router(2).unwrap(), "active", groups.len());
    served_by("r2");
    for router in ["r1", "r2"] {
        for (follower, _) in followers {
            assert_eq!(capture.look(0, |events| words(events, router, follower).count()), 0, "{router}");
        }
    }
    let reported: Vec<_> =
        groups_of(lab.router(1).unwrap()).iter().map(|group| group["state"].clone()).collect();
    assert_eq!(reported, ["initial"; 3]);
}

/// Priorities 150 and 100; the first tracks an object that is set by hand, and its uplink.
struct Tracking {
    lab: Lab,
    capture: Capture,
    groups: [HsrpGroup; 2],
}

impl Tracking {
    fn first(&self) -> &Node {
        self.lab.router(1).unwrap()
    }

    fn configuration(&self, priority: u8, extra: &[&str]) -> String {
        let extra: Vec<_> = extra.iter().map(|line| (*line).to_owned()).collect();
        let groups = self.groups.clone().map(|group| HsrpGroup { priority, extra: extra.clone(), ..group });
        fhrpd().configuration(&groups, &self.first().work_dir())
    }

    /// The two change places when this is done to the first; its priority is then said to be this.
    fn after(&self, what: &str, done: impl FnOnce(), states: [&str; 2], priority: u8) {
        let mark = self.capture.mark();
        done();
        for (router, state) in self.lab.routers().iter().zip(states) {
            await_state(router, state, self.groups.len());
        }
        let winner = if states[0] == "active" { "r1" } else { "r2" };
        for group in &self.groups {
            await_hello(&self.capture, mark, winner, group, SpeakerState::Active);
            let coups = |events: &[Event]| {
                words(events, winner, group).filter(|(_, said)| said.opcode == HsrpOpcode::Coup).count()
            };
            assert_ne!(self.capture.look(mark, coups), 0, "{what}: nobody preempted");
            let says = |events: &[Event]| words(events, "r1", group).last().map(|(_, said)| said.priority);
            wait_for(what, || (self.capture.look(mark, says) == Some(priority)).then_some(()));
        }
        for report in groups_of(self.first()) {
            assert_eq!(report["effective_priority"], priority, "{what}: {report}");
        }
    }

    fn track(&self, state: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
        let socket = self.first().work_dir().join("fhrpd.sock");
        let output = command.args(["track", "exit", state, "--socket"]).arg(socket).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn uplink(&self, state: &str) {
        self.lab.switch().ip([format!("link set dev r1-up0 {state}")]).unwrap();
    }
}

#[test]
fn an_object_that_fails_lowers_the_priority_and_the_other_router_preempts() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let groups = [Family::V4, Family::V6].map(|family| HsrpGroup::new(HsrpVersion::V2, family, 100));
    let stage = Tracking { lab, capture, groups };
    let tracks = "track = [{ name = \"exit\", decrement = 60 }, { name = \"uplink\", decrement = 70 }]";
    let objects = "\n[[track]]\nname = \"exit\"\n\n[[track]]\nname = \"uplink\"\ninterface = \"up0\"\n";
    let text = stage.configuration(150, &[tracks]) + objects;
    let _first = fhrpd().start_with(stage.first(), &text).unwrap();
    let other = stage.groups.clone();
    let _second = fhrpd().start(stage.lab.router(2).unwrap(), &other).unwrap();
    for (router, state) in stage.lab.routers().iter().zip(["active", "standby"]) {
        await_state(router, state, stage.groups.len());
    }

    let (ours, theirs) = (["active", "standby"], ["standby", "active"]);
    stage.after("an object set down", || stage.track("down"), theirs, 90);
    stage.after("an object set up", || stage.track("up"), ours, 150);
    stage.after("an uplink without carrier", || stage.uplink("down"), theirs, 80);
    stage.after("an uplink that is back", || stage.uplink("up"), ours, 150);
}
