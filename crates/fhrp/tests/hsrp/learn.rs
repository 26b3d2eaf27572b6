//! RFC 2281 §5.1: what is learned, from whom, and by whom not.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::GroupState::{Active, Learn, Listen, Standby};
use fhrp::{HsrpSettings, NoticeKind, Waiting};
use fhrp_wire::hsrp::{Opcode, State, TextKey, Variant};

use super::lan::*;
use super::peer::{Proof, Says, hello};

fn learner(variant: Variant) -> HsrpSettings {
    HsrpSettings { addresses: Vec::new(), family: Some(variant.family()), ..settings(variant) }
}

fn timed(variant: Variant, hello: u64, hold: u64) -> HsrpSettings {
    HsrpSettings { timers: Some((secs(hello), secs(hold))), ..settings(variant) }
}

fn active(variant: Variant) -> Says {
    hello(variant, State::Active, 200)
}

fn in_use(lan: &Lan) -> (u64, u64) {
    let status = lan.hsrp(0);
    (status.hello_time.as_millis().try_into().unwrap(), status.hold_time.as_millis().try_into().unwrap())
}

#[test]
fn a_group_without_an_address_waits_in_learn_and_says_nothing() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, learner(variant));
        lan.until(100_000);
        assert_eq!((lan.state(0), lan.status(0).waiting), (Learn, Some(Waiting::AddressUnknown)));
        assert_eq!(lan.sent(), Vec::<String>::new());
        assert_eq!(lan.wish(0).map(|wish| wish.addresses.len()), Some(0));
    }
}

#[test]
fn the_address_is_learned_from_an_active_router() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, learner(variant));
        lan.until(5_000);
        lan.hear(&active(variant).frame());
        assert_eq!(lan.state(0), Listen);
        let (peer, address) = (address(variant, 3), gateway(variant));
        assert!(lan.notices(0).contains(&NoticeKind::AddressLearned { peer, address }));
        assert_eq!((lan.status(0).addresses.to_vec(), lan.hsrp(0).learned_address), (vec![address], true));
        assert_eq!(lan.wish(0).unwrap().addresses.to_vec(), [address]);
        assert_eq!(lan.hsrp(0).active_expires, Some(ms(15_000)));
        assert_eq!(lan.counters(0).address_errors, 0);
    }
}

#[test]
fn nothing_is_learned_from_others() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, learner(variant));
        for state in [State::Initial, State::Learn, State::Listen, State::Speak, State::Standby] {
            lan.hear(&Says { hello: secs(1), hold: secs(4), ..hello(variant, state, 200) }.frame());
        }
        for opcode in [Opcode::Coup, Opcode::Resign] {
            lan.hear(&Says { opcode, hello: secs(1), hold: secs(4), ..active(variant) }.frame());
        }
        let proof = Proof::Text(TextKey::new("wrong").unwrap());
        lan.hear(&Says { proof, hello: secs(1), hold: secs(4), ..active(variant) }.frame());
        assert_eq!((lan.state(0), in_use(&lan)), (Learn, (3_000, 10_000)));
        assert_eq!((lan.counters(0).hello_rcvd, lan.counters(0).address_errors), (5, 0));
    }
}

#[test]
fn the_active_routers_timers_hold_for_all_but_itself() {
    for variant in VARIANTS {
        for settings in [settings(variant), timed(variant, 2, 7)] {
            let mut lan = Lan::with(2, settings);
            lan.hear(&Says { hello: secs(5), hold: secs(15), ..active(variant) }.frame());
            assert_eq!(in_use(&lan), (5_000, 15_000), "both together");
            lan.hear(&Says { hello: secs(1), hold: secs(4), ..hello(variant, State::Standby, 150) }.frame());
            assert_eq!(in_use(&lan), (5_000, 15_000));
        }
    }
}

#[test]
fn an_active_router_uses_its_own_and_learns_none() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, timed(variant, 2, 7));
        lan.hear(&Says { hello: secs(5), hold: secs(15), ..active(variant) }.frame());
        lan.until(15_000 + 10_000 + 7_000);
        assert_eq!((lan.state(0), in_use(&lan)), (Active, (2_000, 7_000)));
        lan.hear(&Says { hello: secs(5), hold: secs(15), ..hello(variant, State::Active, 50) }.frame());
        assert_eq!((lan.state(0), in_use(&lan)), (Active, (2_000, 7_000)));
        lan.forget().until(60_000);
        let times: Vec<u64> = lan.frames(0).iter().map(|(at, _)| at.as_micros() / 1000).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 2_000), "{times:?}");
    }
}

#[test]
fn version_2_learns_milliseconds() {
    for variant in [Variant::V2Ipv4, Variant::V2Ipv6] {
        let mut lan = Lan::with(2, settings(variant));
        let (hello, hold) = (Duration::from_millis(250), Duration::from_millis(750));
        lan.hear(&Says { hello, hold, ..active(variant) }.frame());
        assert_eq!(in_use(&lan), (250, 750));
        assert_eq!(lan.hsrp(0).active_expires, Some(ms(750)));
    }
}

/// A version 1 router with timers below a second says 0: then the own hold time counts.
#[test]
fn version_1_says_nothing_below_a_second() {
    let mut lan = Lan::with(2, timed(Variant::V1, 2, 7));
    let mut payload = active(Variant::V1).payload();
    payload[3] = 0;
    payload[4] = 0;
    lan.hear(&active(Variant::V1).frame_around(&payload));
    assert_eq!(in_use(&lan), (2_000, 7_000));
    assert_eq!(lan.hsrp(0).active_expires, Some(ms(7_000)));
    assert_eq!(lan.counters(0).timer_errors, 1);
}

/// A hold time that is not longer than the hello time is taken for three of these.
#[test]
fn a_hold_time_that_is_too_short_is_counted_and_mended() {
    let mut lan = Lan::with(2, settings(Variant::V1));
    let mut payload = active(Variant::V1).payload();
    payload[4] = 2;
    lan.hear(&active(Variant::V1).frame_around(&payload));
    assert_eq!((in_use(&lan), lan.hsrp(0).active_expires), ((3_000, 9_000), Some(ms(9_000))));
    assert_eq!(lan.counters(0).timer_errors, 1);
}

/// Nobody could configure them; a hello time of a millisecond would make a storm.
#[test]
fn timers_beyond_all_ranges_are_not_learned() {
    for (hello, hold) in [(1, 2), (14, 60), (20, 49), (3_000, 255_001), (255_000, 4_000_000_000)] {
        let mut lan = Lan::with(2, settings(Variant::V2Ipv4));
        let (hello, hold) = (Duration::from_millis(hello), Duration::from_millis(hold));
        lan.hear(&Says { hello, hold, ..active(Variant::V2Ipv4) }.frame());
        assert_eq!(in_use(&lan), (3_000, 10_000), "{hello:?} {hold:?}");
    }
}

#[test]
fn addresses_that_no_gateway_can_have_are_not_learned() {
    let v4 = ["0.0.0.1", "127.0.0.1", "224.0.0.2", "239.1.2.3", "240.0.0.1", "255.255.255.255"];
    let v6 = ["::1", "2001:db8::1", "ff02::66", "fec0::1", "::ffff:192.0.2.1"];
    let all = v4.map(|text| (Variant::V1, text)).into_iter();
    let all = all.chain(v4.map(|text| (Variant::V2Ipv4, text))).chain(v6.map(|text| (Variant::V2Ipv6, text)));
    for (variant, text) in all {
        let theirs: IpAddr = text.parse().unwrap();
        let mut lan = Lan::with(2, learner(variant));
        lan.hear(&Says { address: Some(theirs), ..active(variant) }.frame());
        assert_eq!((lan.state(0), lan.counters(0).address_errors), (Learn, 1), "{text}");
        let peer = address(variant, 3);
        assert!(lan.notices(0).contains(&NoticeKind::AddressMismatch { peer, theirs }));
    }
    let mut lan = Lan::with(2, learner(Variant::V1));
    lan.hear(&Says { address: None, ..active(Variant::V1) }.frame());
    assert_eq!((lan.state(0), lan.counters(0).address_errors), (Learn, 0), "unknown to it as well");
}

#[test]
fn a_learned_address_changes_with_the_active_routers() {
    let variant = Variant::V2Ipv4;
    let mut lan = Lan::with(2, learner(variant));
    for second in 0..12 {
        lan.until(second * 2_000);
        lan.hear(&active(variant).frame());
    }
    assert_eq!(lan.state(0), Standby);
    let other: IpAddr = "192.0.2.99".parse().unwrap();
    lan.forget().hear(&Says { address: Some(other), ..active(variant) }.frame());
    assert_eq!((lan.state(0), lan.counters(0).address_errors), (Standby, 0));
    assert_eq!(lan.wish(0).unwrap().addresses.to_vec(), [other]);
    lan.until(25_000);
    let hello = &lan.frames(0)[0].1;
    assert_eq!(hello[68..72], [192, 0, 2, 99], "in the next Hello");
}

#[test]
fn a_configured_address_stays_and_another_one_is_said() {
    for variant in VARIANTS {
        let theirs = address(variant, 77);
        let mut lan = Lan::with(2, settings(variant));
        for _ in 0..50 {
            lan.hear(&Says { address: Some(theirs), ..active(variant) }.frame());
        }
        assert_eq!(lan.status(0).addresses.to_vec(), [gateway(variant)]);
        assert_eq!(lan.counters(0).address_errors, 50);
        let peer = address(variant, 3);
        let notices = lan.notices(0);
        let said = notices.iter().filter(|kind| **kind == NoticeKind::AddressMismatch { peer, theirs });
        assert_eq!(said.count(), 1);
    }
}

#[test]
fn what_was_learned_is_forgotten_with_the_interface() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, learner(variant));
        lan.hear(&Says { hello: secs(5), hold: secs(15), ..active(variant) }.frame());
        lan.link(0, |link| link.up = false);
        lan.link(0, |_| {});
        assert_eq!((lan.state(0), in_use(&lan)), (Learn, (3_000, 10_000)));
    }
}

#[test]
fn a_learned_address_is_served_once_active() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, learner(variant));
        lan.hear(&active(variant).frame());
        lan.until(30_000);
        assert_eq!(lan.state(0), Active);
        assert_eq!(lan.status(0).addresses.to_vec(), [gateway(variant)]);
    }
}
