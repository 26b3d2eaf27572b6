//! Delays, changes at run time, links and dataplanes that fail, tracked objects.

use fhrp::GroupState::{Active, Initial, Listen, Speak, Standby};
use fhrp::{
    Gate, HsrpSettings, LinkEvent, MacAddr, NoticeKind, Track, TrackEffect, TrackName, TrackState, Waiting,
};
use fhrp_wire::hsrp::{State, Variant};

use super::lan::*;
use super::peer::{hello, resign};

fn preempting(variant: Variant, minimum: u64, reload: u64) -> HsrpSettings {
    HsrpSettings {
        priority: 110,
        preempt: true,
        preempt_delay_minimum: secs(minimum),
        preempt_delay_reload: secs(reload),
        preempt_delay_sync: secs(60),
        ..settings(variant)
    }
}

fn active(settings: HsrpSettings) -> Lan {
    let mut lan = Lan::with(2, settings);
    lan.until(21_000);
    assert_eq!(lan.state(0), Active);
    lan.forget();
    lan
}

/// Hellos of a lower Active router each 3 s from `from` on; when the first Coup came.
fn coup_against(lan: &mut Lan, variant: Variant, from: u64) -> u64 {
    lan.forget();
    for step in 0..30 {
        lan.until(from + step * 3_000);
        lan.hear(&hello(variant, State::Active, 100).frame());
        let coup = lan.sent().into_iter().find(|line| line.contains("Coup"));
        if let Some(coup) = coup {
            return coup.split(' ').next().unwrap().parse().unwrap();
        }
    }
    panic!("no Coup")
}

/// Counted from the first moment at which it would preempt; the one after a reload only until it was Active.
#[test]
fn preemption_waits_for_its_delays() {
    for variant in VARIANTS {
        for (minimum, reload, first) in [(0, 0, 1_000), (5, 0, 7_000), (5, 20, 22_000), (20, 5, 22_000)] {
            let mut lan = Lan::with(2, preempting(variant, minimum, reload));
            assert_eq!(coup_against(&mut lan, variant, 1_000), first, "{minimum} {reload}");
            lan.hear(&hello(variant, State::Active, 200).frame());
            assert_eq!(lan.state(0), Speak);
            let again = if minimum == 0 { 100_000 } else { 100_000 + minimum.div_ceil(3) * 3_000 };
            lan.until(99_000);
            lan.hear(&hello(variant, State::Active, 200).frame());
            assert_eq!(coup_against(&mut lan, variant, 100_000), again, "{minimum} {reload}");
        }
    }
}

/// The delay does not keep it from replacing a router that is gone.
#[test]
fn a_preempt_delay_holds_up_no_takeover() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, preempting(variant, 3_600, 3_600));
        for second in 0..10 {
            lan.until(second * 3_000);
            lan.hear(&hello(variant, State::Active, 100).frame());
        }
        assert_eq!(lan.state(0), Standby);
        lan.hear(&resign(variant, State::Initial).frame());
        assert_eq!(lan.state(0), Active);
    }
}

#[test]
fn the_start_up_delay_keeps_groups_in_initial() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, HsrpSettings { startup_delay: secs(7), ..settings(variant) });
        lan.until(6_999);
        assert_eq!((lan.state(0), lan.status(0).waiting), (Initial, Some(Waiting::StartupDelay)));
        assert!(lan.sent().is_empty());
        lan.until(30_000);
        assert_eq!(
            lan.moves(),
            [(7_000, 2, Listen), (17_000, 2, Speak), (27_000, 2, Standby), (27_000, 2, Active)]
        );
        lan.link(0, |link| link.up = false);
        lan.link(0, |_| {});
        lan.forget().until(37_500);
        assert_eq!(lan.moves(), [(37_000, 2, Listen)], "each time the interface comes up");
    }
}

#[test]
fn a_link_that_fails_ends_the_role_without_a_word() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        lan.link(0, |link| link.up = false);
        assert_eq!((lan.state(0), lan.gate(0)), (Initial, Some(Gate::Closed)));
        assert!(lan.sent().is_empty());
        lan.link(0, |_| {});
        lan.until(45_000);
        assert_eq!(lan.state(0), Active);
        lan.tell(0, |engine, now| engine.handle_link(now, LinkEvent::Gone(ETH0)));
        assert_eq!((lan.state(0), lan.status(0).waiting), (Initial, Some(Waiting::InterfaceMissing)));
        assert_eq!(lan.wish(0), None);
    }
}

#[test]
fn without_a_primary_address_the_group_waits() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        lan.link(0, |link| (link.ipv4, link.ipv6) = (vec![], vec!["2001:db8::2".parse().unwrap()]));
        assert_eq!((lan.state(0), lan.status(0).waiting), (Initial, Some(Waiting::NoPrimaryAddress)));
    }
}

#[test]
fn another_primary_address_is_the_source_from_then_on() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        lan.link(0, |link| {
            (link.ipv4, link.ipv6) = (vec![[192, 0, 2, 77].into()], vec!["fe80::4d".parse().unwrap()]);
        });
        lan.until(24_100);
        let frame = lan.frames(0)[0].1.clone();
        match variant {
            Variant::V1 | Variant::V2Ipv4 => assert_eq!(frame[26..30], [192, 0, 2, 77]),
            Variant::V2Ipv6 => assert_eq!((frame[22..24].to_vec(), frame[37]), (vec![0xfe, 0x80], 0x4d)),
        }
        assert_eq!(lan.state(0), Active);
    }
}

#[test]
fn a_dataplane_that_fails_makes_it_resign_and_try_again() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(19_999);
        lan.routers[0].dataplane = Dataplane::Fails;
        lan.forget().until(20_500);
        assert_eq!(lan.moves(), [(20_000, 2, Standby), (20_000, 2, Active), (20_000, 2, Initial)]);
        assert!(lan.said(0).contains(&"Resign Initial 100 own".to_owned()));
        assert_eq!(lan.status(0).waiting, Some(Waiting::ProgramFault("no".into())));
        assert!(lan.said(0).iter().all(|line| !line.starts_with("garp") && !line.starts_with("na")));
        lan.routers[0].dataplane = Dataplane::After(secs(0));
        lan.until(50_000);
        assert_eq!((lan.state(0), lan.status(0).programmed), (Active, true));
        assert!(lan.notices(0).contains(&NoticeKind::Programmed));
    }
}

#[test]
fn a_group_that_is_removed_resigns_and_takes_its_addresses_back() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        let id = lan.status(0).id;
        lan.tell(0, |engine, now| engine.remove(now, &id).unwrap());
        assert_eq!(lan.said(0), ["Resign Initial 100 own"]);
        assert_eq!(lan.wish(0), None);
        lan.forget().until(100_000);
        assert!(lan.sent().is_empty() && lan.statuses(0).is_empty());
        assert_eq!(lan.routers[0].engine.next_deadline(), None);
    }
}

#[test]
fn a_change_of_priority_keeps_the_state_and_is_said_next() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        lan.update(0, HsrpSettings { priority: 70, ..settings(variant) });
        lan.until(24_100);
        assert_eq!(lan.moves(), []);
        assert!(lan.said(0).contains(&"Hello Active 70 virtual".to_owned()));
    }
}

/// Another version or MAC begins anew; the old one resigns in its own terms.
#[test]
fn another_version_begins_anew() {
    let mut lan = active(settings(Variant::V1));
    lan.update(0, settings(Variant::V2Ipv4));
    assert_eq!(lan.moves(), [(21_000, 2, Initial), (21_000, 2, Listen)]);
    let frames = lan.frames(0);
    assert_eq!(frames[0].1[30..34], [224, 0, 0, 2], "Resign in version 1");
    lan.until(42_000);
    assert_eq!(lan.wish(0).unwrap().mac, Some(MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 1])));
    assert_eq!(lan.state(0), Active);
    let mut lan = active(settings(Variant::V1));
    lan.update(0, HsrpSettings { virtual_mac: false, ..settings(Variant::V1) });
    assert_eq!(lan.moves(), [(21_000, 2, Initial), (21_000, 2, Listen)]);
}

#[test]
fn a_configured_address_can_be_given_up_for_a_learned_one_and_back() {
    let variant = Variant::V2Ipv4;
    let mut lan = active(settings(variant));
    lan.update(0, HsrpSettings { addresses: vec![], family: Some(fhrp::Family::V4), ..settings(variant) });
    assert_eq!(lan.status(0).waiting, Some(Waiting::AddressUnknown));
    assert_eq!(lan.said(0)[0], "Resign Initial 100 own");
    lan.update(0, settings(variant));
    assert_eq!((lan.state(0), lan.status(0).waiting), (Listen, None));
}

/// Versions, families and numbers side by side.
#[test]
fn groups_of_one_interface_do_not_disturb_each_other() {
    let mut lan = Lan::with(2, settings(Variant::V2Ipv4));
    lan.add(0, settings(Variant::V2Ipv6));
    for group in [2, 4_095] {
        let addresses = vec![[192, 0, 2, 200].into()];
        lan.add(0, HsrpSettings { group, addresses, ..settings(Variant::V2Ipv4) });
    }
    for second in 0..12 {
        lan.until(second * 2_000);
        let mut busy = hello(Variant::V2Ipv4, State::Active, 200);
        (busy.group, busy.address) = (4_095, Some([192, 0, 2, 200].into()));
        lan.hear(&busy.frame());
    }
    let states: Vec<_> =
        lan.statuses(0).iter().map(|status| (status.id.family, status.id.number, status.state)).collect();
    let (v4, v6) = (fhrp::Family::V4, fhrp::Family::V6);
    assert_eq!(states, [(v4, 1, Active), (v4, 2, Active), (v4, 4_095, Standby), (v6, 1, Active)]);
}

fn tracked(variant: Variant, effects: &[TrackEffect]) -> HsrpSettings {
    let track = |(number, effect): (usize, &TrackEffect)| Track {
        name: TrackName::new(&format!("object {number}")),
        effect: *effect,
    };
    HsrpSettings { track: effects.iter().enumerate().map(track).collect(), ..settings(variant) }
}

fn set(lan: &mut Lan, number: usize, state: TrackState) {
    lan.tell(0, |engine, now| engine.set_track(now, &TrackName::new(&format!("object {number}")), state));
}

#[test]
fn failed_objects_take_off_the_priority_together() {
    for variant in VARIANTS {
        let by = TrackEffect::Decrement;
        let mut lan = active(tracked(variant, &[by(10), by(25), by(255)]));
        let mut seen = Vec::new();
        let (down, up) = (TrackState::Down, TrackState::Up);
        for (number, state) in [(0, down), (1, down), (2, down), (2, up), (0, up), (1, up), (9, down)] {
            set(&mut lan, number, state);
            seen.push(lan.status(0).effective_priority);
        }
        assert_eq!(seen, [90, 65, 0, 65, 75, 100, 100]);
        assert_eq!((lan.state(0), lan.status(0).priority), (Active, 100));
        let name = TrackName::new("object 0");
        assert!(lan.notices(0).contains(&NoticeKind::Tracked { name, state: down }));
        set(&mut lan, 1, down);
        lan.until(24_100);
        assert!(lan.said(0).contains(&"Hello Active 75 virtual".to_owned()));
    }
}

#[test]
fn a_failed_uplink_hands_over_to_a_preempting_standby_router() {
    for variant in VARIANTS {
        let mut lan =
            Lan::with(2, HsrpSettings { priority: 110, ..tracked(variant, &[TrackEffect::Decrement(20)]) });
        lan.join(3, HsrpSettings { preempt: true, ..settings(variant) });
        lan.until(45_000);
        assert_eq!(lan.states(), [Active, Standby]);
        set(&mut lan, 0, TrackState::Down);
        lan.until(48_100);
        assert_eq!(lan.states(), [Speak, Active], "at its next Hello");
    }
}

#[test]
fn a_shutdown_object_stops_the_group_while_it_is_down() {
    for variant in VARIANTS {
        let mut lan = active(tracked(variant, &[TrackEffect::Shutdown]));
        set(&mut lan, 0, TrackState::Down);
        assert_eq!(lan.said(0)[0], "Resign Initial 100 own");
        let name = TrackName::new("object 0");
        assert_eq!((lan.state(0), lan.status(0).waiting), (Initial, Some(Waiting::Tracked(name))));
        lan.forget().until(100_000);
        assert!(lan.sent().is_empty());
        set(&mut lan, 0, TrackState::Up);
        assert_eq!((lan.state(0), lan.status(0).waiting), (Listen, None));
        set(&mut lan, 0, TrackState::Down);
        lan.update(0, settings(variant));
        assert_eq!(lan.state(0), Listen, "no longer tracked");
    }
}

#[test]
fn objects_may_be_down_before_anybody_tracks_them() {
    let mut lan = Lan::with(2, settings(Variant::V1));
    set(&mut lan, 0, TrackState::Down);
    lan.update(0, tracked(Variant::V1, &[TrackEffect::Decrement(30)]));
    assert_eq!(lan.status(0).effective_priority, 70);
}

#[test]
fn after_a_stop_nothing_is_done() {
    for variant in VARIANTS {
        let mut lan = active(tracked(variant, &[TrackEffect::Shutdown]));
        lan.tell(0, fhrp::Engine::stop);
        lan.forget().tell(0, fhrp::Engine::handle_timeout);
        set(&mut lan, 0, TrackState::Down);
        set(&mut lan, 0, TrackState::Up);
        lan.hear(&hello(variant, State::Active, 50).frame_around(&[0xff]));
        lan.hear(&hello(variant, State::Active, 50).frame());
        lan.until(200_000);
        assert_eq!(lan.sent(), Vec::<String>::new());
        assert_eq!(lan.moves(), []);
        let mut lan = Lan::with(2, settings(variant));
        lan.until(1_000);
        lan.tell(0, fhrp::Engine::stop);
        assert_eq!(lan.routers[0].engine.next_deadline(), None, "nor its interface's state");
    }
}
