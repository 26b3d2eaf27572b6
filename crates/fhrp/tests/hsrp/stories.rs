//! What captures of Cisco routers show, played again by engines on a LAN, in both versions and families.

use fhrp::GroupState::{Active, Initial, Listen, Speak, Standby};
use fhrp::{Gate, HsrpAuthentication, HsrpSettings, NoticeKind};
use fhrp_wire::hsrp::{State, TextKey, Variant};

use super::lan::*;
use super::peer::{coup, hello, resign};

fn ranked(variant: Variant, priority: u8) -> HsrpSettings {
    HsrpSettings { priority, ..settings(variant) }
}

fn preempting(variant: Variant, priority: u8) -> HsrpSettings {
    HsrpSettings { preempt: true, ..ranked(variant, priority) }
}

/// .2 Active with 100, .3 Standby with `standby`, for a while.
fn pair(variant: Variant, standby: HsrpSettings) -> Lan {
    let mut lan = Lan::with(2, settings(variant));
    lan.until(21_000);
    lan.join(3, standby);
    lan.until(60_000);
    assert_eq!(lan.states(), [Active, Standby]);
    lan.forget();
    lan
}

/// Consecutive repetitions said once.
fn once(mut lines: Vec<String>) -> Vec<String> {
    lines.dedup();
    lines
}

#[test]
fn a_cold_start_listens_and_speaks_for_one_hold_time_each() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(20_000);
        assert_eq!(
            lan.moves(),
            [(0, 2, Listen), (10_000, 2, Speak), (20_000, 2, Standby), (20_000, 2, Active)]
        );
        let said = once(lan.said(0));
        assert_eq!(
            said,
            [
                "Interface 0/1 own",
                "Hello Speak 100 own",
                "Hello Standby 100 own",
                "Hello Active 100 virtual",
                "Interface 1/0 own"
            ],
            "{variant:?}"
        );
        assert_eq!(lan.gate(0), Some(Gate::Open));
    }
}

#[test]
fn each_change_is_followed_by_a_hello_at_once() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(20_000);
        let sent = lan.sent();
        for hello in [
            "10000 .2 Hello Speak 100 own",
            "20000 .2 Hello Standby 100 own",
            "20000 .2 Hello Active 100 virtual",
        ] {
            assert!(sent.iter().any(|line| line == hello), "{hello}: {sent:?}");
        }
    }
}

/// Behind the Hello that triggers it: Coup in the old state from the own MAC, Hello from the virtual one, interface state, announcement; the
/// old Active answers with Resign and Hello in Speak.
#[test]
fn a_coup_takes_the_role_within_a_millisecond() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        lan.join(3, preempting(variant, 110));
        lan.forget().until(24_999);
        let moves = lan.moves();
        let at = moves[0].0;
        assert_eq!(moves, [(at, 3, Active), (at, 2, Speak)]);
        let announced: &[&str] = match variant {
            Variant::V1 | Variant::V2Ipv4 => &[".3 garp broadcast virtual", ".3 garp switches virtual"],
            Variant::V2Ipv6 => &[".3 na virtual", ".3 ra virtual"],
        };
        let mut story = vec![
            ".3 Coup Listen 110 own",
            ".3 Hello Active 110 virtual",
            ".3 Interface 1/0 own",
            ".2 Resign Speak 100 own",
            ".2 Hello Speak 100 own",
            ".2 Interface 0/1 own",
        ];
        story.extend(announced);
        let begin = lan.log.iter().position(|event| event.router == 1).unwrap();
        lan.log.drain(..begin);
        let sent = lan.sent();
        let prefix = format!("{at} ");
        let then: Vec<&str> = sent.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        assert_eq!(then, story, "{variant:?}");
    }
}

#[test]
fn a_coup_from_standby_says_standby() {
    for variant in VARIANTS {
        let mut lan = pair(variant, ranked(variant, 90));
        lan.update(1, preempting(variant, 150));
        lan.until(63_100);
        let coups: Vec<String> = lan.said(1).into_iter().filter(|line| line.starts_with("Coup")).collect();
        assert_eq!(coups, ["Coup Standby 150 own"]);
        assert_eq!(lan.states(), [Speak, Active]);
    }
}

#[test]
fn without_preemption_a_better_router_stands_by() {
    for variant in VARIANTS {
        let lan = pair(variant, ranked(variant, 200));
        assert_eq!(lan.counters(1).coup_sent, 0);
    }
}

/// The state that a Resign says is that already entered after a lost contest, Initial when HSRP is being stopped.
#[test]
fn both_forms_of_a_resignation_are_accepted() {
    for variant in VARIANTS {
        for state in [State::Speak, State::Initial, State::Disabled] {
            let mut lan = Lan::with(2, settings(variant));
            lan.hear(&hello(variant, State::Active, 200).frame());
            lan.until(9_000);
            lan.hear(&hello(variant, State::Active, 200).frame());
            lan.until(18_000);
            lan.hear(&hello(variant, State::Active, 200).frame());
            lan.until(21_000);
            assert_eq!(lan.state(0), Standby);
            lan.forget().hear(&resign(variant, state).frame());
            assert_eq!(lan.moves(), [(21_000, 2, Active)], "{variant:?} {state:?}");
            assert_eq!(lan.said(0)[0], "Hello Active 100 virtual");
        }
    }
}

#[test]
fn a_router_that_is_stopped_hands_over_at_once() {
    for variant in VARIANTS {
        let mut lan = pair(variant, ranked(variant, 90));
        lan.stop(0);
        lan.until(60_001);
        assert_eq!(lan.moves(), [(60_000, 2, Initial), (60_000, 3, Active)]);
        assert_eq!(lan.said(0), ["Resign Initial 100 own"]);
    }
}

/// Frames are looked at until others have taken over. What was due when it stopped is not said then.
#[test]
fn a_stopped_router_says_nothing_more_whatever_it_hears() {
    for (variant, another) in VARIANTS.into_iter().zip(VARIANTS.into_iter().cycle().skip(1)) {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        lan.hear(&hello(variant, State::Standby, 90).frame());
        // A router that is Active nowhere in a variant says so again and again.
        let passive = HsrpSettings { addresses: vec![address(another, 102)], ..settings(another) };
        lan.add(0, HsrpSettings { group: 2, ..passive });
        assert_eq!(lan.said(0).last().unwrap(), "Interface 0/1 own");
        lan.tell(0, |engine, now| {
            engine.set_stop_linger(secs(3600));
            engine.stop(now);
        });
        assert!(lan.routers[0].engine.handover_deadline().is_some());
        lan.forget().now += 1_000_000_000;
        let bad = hello(variant, State::Active, 201).frame_around(&[]);
        for frame in [bad, hello(variant, State::Active, 90).frame(), coup(variant, 200).frame()] {
            lan.hear(&frame);
        }
        assert_eq!(lan.sent(), [""; 0], "{variant:?}");
    }
}

/// Version 1 has 0 for Initial, version 2 has 1.
#[test]
fn the_state_octet_of_the_last_resignation() {
    for (variant, offset, octet) in [(Variant::V1, 44, 0), (Variant::V2Ipv4, 46, 1), (Variant::V2Ipv6, 66, 1)]
    {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        lan.forget().stop(0);
        let frame = lan.frames(0)[0].1.clone();
        assert_eq!((frame[offset - 1], frame[offset]), (2, octet), "opcode and state");
    }
}

/// Event g: two routers are Active after a partition; the lower one resigns.
#[test]
fn two_active_routers_become_one_when_they_hear_each_other() {
    for variant in VARIANTS {
        let mut lan = pair(variant, ranked(variant, 90));
        lan.routers[1].reachable = false;
        lan.until(90_000);
        assert_eq!((lan.state(0), lan.state(1)), (Active, Active));
        lan.routers[1].reachable = true;
        lan.forget().until(103_500);
        assert_eq!(lan.states(), [Active, Standby]);
        let said = once(lan.said(1));
        let lost = said.iter().position(|line| line == "Resign Speak 90 own").unwrap();
        assert_eq!(said[lost + 1], "Hello Speak 90 own");
        assert_eq!(said[lost + 2], "Interface 0/1 own");
        assert_eq!(lan.gate(1), Some(Gate::Closed));
    }
}

/// Event h in Active: the winner answers from the virtual MAC, and twice an interval at most.
#[test]
fn the_winner_answers_a_lower_active_router_with_a_coup() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        lan.forget().hear(&hello(variant, State::Active, 90).frame());
        assert_eq!(lan.said(0)[0], "Coup Active 100 virtual");
        assert!(lan.said(0)[1..].iter().all(|said| !said.starts_with("Coup")), "{:?}", lan.said(0));
        lan.hear(&hello(variant, State::Active, 90).frame());
        assert_eq!(lan.counters(0).coup_sent, 1);
        assert_eq!(lan.state(0), Active);
    }
}

/// A router that was held up hears many claims at once; one Coup is enough.
#[test]
fn a_backlog_of_claims_gets_one_coup() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(40_000);
        lan.forget();
        let claim = hello(variant, State::Active, 90).frame();
        let index = link(2).index;
        lan.tell(0, |engine, _| {
            for at in [31_000, 34_000, 37_000] {
                engine.handle_frame(ms(at), index, &claim);
            }
        });
        let said = lan.said(0);
        assert_eq!(said.iter().filter(|said| said.starts_with("Coup")).count(), 1, "{said:?}");
    }
}

#[test]
fn a_lower_coup_moves_nobody_and_a_higher_one_moves_the_active_router() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        lan.forget().hear(&coup(variant, 99).frame());
        assert_eq!((lan.state(0), lan.said(0).len()), (Active, 0));
        lan.hear(&coup(variant, 101).frame());
        assert_eq!(
            lan.said(0),
            [
                "Resign Speak 101 own".replace("101", "100"),
                "Hello Speak 100 own".into(),
                "Interface 0/1 own".into()
            ]
        );
    }
}

#[test]
fn of_equal_priorities_the_higher_address_wins() {
    for variant in VARIANTS {
        let mut lan = Lan::default();
        for number in [7, 9, 8] {
            lan.join(number, settings(variant));
        }
        lan.until(41_000);
        assert_eq!(lan.states(), [Listen, Active, Standby], "{variant:?}");
    }
}

/// Three routers from a cold start, priorities 200, 100, 100: the second round makes the higher address Standby, the
/// third one says nothing but its interface's state.
#[test]
fn three_routers_settle_in_two_rounds() {
    for variant in VARIANTS {
        let mut lan = Lan::default();
        lan.join(10, ranked(variant, 200));
        lan.join(20, settings(variant));
        lan.join(30, settings(variant));
        lan.until(41_000);
        assert_eq!(lan.states(), [Active, Listen, Standby]);
        lan.forget().until(130_000);
        assert_eq!(lan.moves(), []);
        assert_eq!(once(lan.said(1)), ["Interface 0/1 own"]);
        assert!((3..=4).contains(&lan.said(1).len()), "24 to 30 s apart");
        assert!(
            lan.said(0).iter().all(|line| line == "Hello Active 200 virtual"),
            "no Interface State while Active"
        );
    }
}

#[test]
fn a_silent_active_router_is_replaced_when_its_hold_time_is_over() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, ranked(variant, 120));
        lan.join(3, ranked(variant, 110));
        lan.join(4, ranked(variant, 100));
        lan.until(60_000);
        assert_eq!(lan.states(), [Active, Standby, Listen]);
        let last = lan.frames(0).last().unwrap().0;
        lan.kill(0);
        lan.forget().until(90_000);
        let moves = lan
            .log
            .iter()
            .find(|event| matches!(event.deed, Deed::Said(NoticeKind::Moved { to: Active, .. })));
        assert_eq!(moves.unwrap().at.as_micros(), last.as_micros() + 10_000_100, "sent, 100 us, 10 s");
        assert_eq!(lan.states(), [Active, Standby]);
    }
}

#[test]
fn a_lost_standby_router_is_replaced() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, ranked(variant, 120));
        lan.join(3, ranked(variant, 110));
        lan.join(4, ranked(variant, 100));
        lan.until(60_000);
        let last = lan.frames(1).last().unwrap().0;
        lan.kill(1);
        lan.forget().until(90_000);
        let millis = (last.as_micros() + 10_000_100) / 1000;
        assert_eq!(lan.moves(), [(millis, 4, Speak), (millis + 10_000, 4, Standby)]);
        assert_eq!(lan.status(0).state, Active);
        assert_eq!(lan.hsrp(0).standby, Some(address(variant, 4)));
    }
}

#[test]
fn routers_that_do_not_authenticate_each_other_are_both_active_until_they_do() {
    for variant in VARIANTS {
        let other = HsrpAuthentication::Text(TextKey::new("other").unwrap());
        let mut lan = Lan::with(2, settings(variant));
        lan.join(3, HsrpSettings { authentication: other, ..ranked(variant, 110) });
        lan.until(40_000);
        assert_eq!(lan.states(), [Active, Active]);
        let alarms = |lan: &Lan, router| {
            let bad = |kind: &NoticeKind| matches!(kind, NoticeKind::BadAuthentication { .. });
            lan.notices(router).into_iter().filter(bad).count()
        };
        assert_eq!([alarms(&lan, 0), alarms(&lan, 1)], [1, 1], "one each 30 s, from 10 s on");
        assert!(lan.counters(0).auth_failures > 8);
        lan.update(1, ranked(variant, 110));
        lan.until(60_000);
        assert_eq!(lan.states(), [Standby, Active]);
    }
}

/// Event k and l: who speaks or stands by gives way to a higher one, and takes the place of a lower one.
#[test]
fn the_standby_role_goes_to_the_higher_router() {
    for variant in VARIANTS {
        let mut lan = pair(variant, ranked(variant, 90));
        lan.join(4, ranked(variant, 95));
        lan.until(75_000);
        assert_eq!(lan.states(), [Active, Listen, Standby]);
        assert_eq!(lan.hsrp(0).standby, Some(address(variant, 4)));
    }
}
