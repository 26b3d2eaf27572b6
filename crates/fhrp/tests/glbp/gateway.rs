//! The contest for the gateway from outside: one engine and what its peers say.

use fhrp::{GlbpConfig, GlbpSettings, GroupState, NoticeKind, Waiting};
use fhrp_wire::glbp::{Body, ForwarderPriority, VgState};

use super::lan::*;
use super::packets::*;

/// One router with these settings, running for `millis`.
pub(crate) fn alone(settings: GlbpSettings, millis: u64) -> Lan {
    let mut lan = Lan::new([settings]);
    lan.start(1);
    lan.until(millis);
    lan
}

/// Hands in a frame at `millis`.
pub(crate) fn hear(lan: &mut Lan, millis: u64, frame: &[u8]) {
    lan.until(millis);
    lan.act(1, |engine, now| engine.handle_frame(now, ETH0, frame));
}

/// States and priorities of the Hellos that router 1 sent.
fn hellos(lan: &Lan) -> Vec<(u64, VgState, u8)> {
    let said = lan.sent_by(1).filter_map(|sent| match sent.body()? {
        Body::Announcement { hello: Some(hello), .. } => {
            Some((sent.at.as_micros() / 1000, hello.state(), hello.priority()))
        }
        _ => None,
    });
    said.collect()
}

#[test]
fn a_lone_router_speaks_in_every_state_and_becomes_the_avg_after_twenty_seconds() {
    let lan = alone(settings(), 21_000);
    assert_eq!(
        lan.story[..4],
        [
            "0 r1 initial -> listen",
            "10000 r1 listen -> speak",
            "20000 r1 speak -> standby",
            "20000 r1 standby -> active"
        ]
    );
    let said = hellos(&lan);
    for state in [VgState::Listen, VgState::Speak, VgState::Standby, VgState::Active] {
        assert!(said.iter().any(|(_, found, _)| *found == state), "{state:?}");
    }
    let gaps: Vec<_> = said.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps.iter().all(|gap| *gap <= 3000), "{gaps:?}");
    assert!(gaps.iter().any(|gap| (2400..2999).contains(gap)), "between four fifths and the whole: {gaps:?}");
}

/// Captured: with a priority of 200 and forwarder 1 served, byte for byte.
#[test]
fn hello_and_request_are_the_captured_octets() {
    let address = "192.168.0.1".parse().unwrap();
    let cisco = GlbpSettings { priority: 200, addresses: vec![address], ..settings() };
    let lan = alone(cisco, 40_000);
    let last = lan.sent_by(1).filter(|sent| !sent.is_alone()).last().unwrap();
    let mut expected =
        hex("010000010000c2007cb80000011c002000c8000000000bb8000027100258384000000104c0a80001\
         0214012000a764003840025800000007b4000101");
    expected[6..12].copy_from_slice(&mac(1).octets());
    assert_eq!(payload(&last.octets), expected);
    assert_eq!(last.source(), vmac(1));

    let mut lan = alone(settings(), 500);
    hear(&mut lan, 600, &says(2, VgState::Active, 200).frame());
    lan.until(4000);
    let request = lan.sent_by(1).find(|sent| sent.body() == Some(Body::Request)).unwrap();
    let mut expected = hex("010100010000c2027cca00000214000000000000000000000000000000000000");
    expected[6..12].copy_from_slice(&mac(1).octets());
    assert_eq!(payload(&request.octets), expected);
    assert_eq!(request.octets[..6], mac(2).octets(), "to the interface of the AVG");
    assert_eq!(request.octets[30..34], [10, 0, 0, 2]);
}

#[test]
fn the_times_of_the_avg_are_learned_and_the_own_ones_come_back() {
    let mut lan = alone(GlbpSettings { hello_time: secs(1), hold_time: secs(4), ..settings() }, 100);
    let theirs = Says { timers: (2000, 7000, 300, 900), ..says(2, VgState::Active, 200) };
    hear(&mut lan, 200, &theirs.frame());
    let known = lan.router(1).glbp();
    assert_eq!((known.hello_time, known.hold_time), (secs(2), secs(7)));
    assert_eq!((known.redirect, known.timeout), (secs(300), secs(900)));
    assert_eq!(known.configured_timers, (secs(1), secs(4)));
    assert_eq!(known.active_expires, Some(ms(7200)));
    let said = lan.sent.len();
    lan.until(6000);
    let Some(Body::Announcement { hello: Some(hello), .. }) = lan.sent[said..].last().unwrap().body() else {
        panic!("no Hello")
    };
    assert_eq!((hello.timers().hello().get(), hello.timers().redirect().get()), (2000, 300), "in use");
    lan.until(40_000);
    assert_eq!(lan.state(1), GroupState::Active);
    let known = lan.router(1).glbp();
    assert_eq!((known.hello_time, known.hold_time, known.redirect), (secs(1), secs(4), secs(600)));
}

#[test]
fn a_forged_pace_is_not_followed() {
    let mut lan = alone(settings(), 100);
    let forged = Says { timers: (1, u32::MAX, 600, 14_400), ..says(2, VgState::Active, 200) };
    hear(&mut lan, 200, &forged.frame());
    let known = lan.router(1).glbp();
    assert_eq!(known.hello_time, std::time::Duration::from_millis(50));
    assert_eq!(known.active_expires, Some(ms(180_200)));
    assert_eq!(known.counters.timer_errors, 1);
    hear(&mut lan, 300, &says(2, VgState::Active, 200).frame());
    assert_eq!(lan.router(1).counters().timer_errors, 1);
    let lasting = Says { timers: (3000, 10_000, 3601, u16::MAX), ..says(2, VgState::Active, 200) };
    hear(&mut lan, 400, &lasting.frame());
    let known = lan.router(1).glbp();
    assert_eq!((known.redirect, known.timeout, known.counters.timer_errors), (secs(3600), secs(64_800), 2));
}

#[test]
fn the_virtual_address_is_learned_from_the_avg() {
    let learns = GlbpSettings { addresses: vec![], family: Some(fhrp::Family::V4), ..settings() };
    let mut lan = alone(learns, 30_000);
    let status = lan.router(1).status();
    assert_eq!((status.state, status.waiting), (GroupState::Disabled, Some(Waiting::AddressUnknown)));
    assert!(lan.sent.is_empty() && lan.router(1).reception.as_ref().unwrap().resolves.is_empty());
    hear(&mut lan, 30_000, &says(2, VgState::Standby, 200).frame());
    assert_eq!(lan.state(1), GroupState::Disabled, "only the AVG is believed");
    hear(&mut lan, 30_100, &says(2, VgState::Active, 200).frame());
    let status = lan.router(1).status();
    assert_eq!((status.state, &*status.addresses), (GroupState::Listen, &[ip(VIP)][..]));
    assert!(status.glbp().unwrap().learned_address);
    assert_eq!(&*lan.router(1).reception.as_ref().unwrap().resolves, [ip(VIP)]);
    assert_eq!(lan.router(1).glbp().active_expires, Some(ms(40_100)), "the same Hello counts");
}

#[test]
fn another_virtual_address_is_worth_a_word_and_the_own_one_stays() {
    let mut lan = alone(settings(), 100);
    let other = Says { address: ip("10.0.0.253"), ..says(2, VgState::Active, 200) };
    for step in 0..10 {
        hear(&mut lan, 200 + step, &other.frame());
    }
    assert_eq!(lan.router(1).counters().address_errors, 10);
    let words = lan.router(1).notices.iter().filter(|(_, kind)| {
        *kind == NoticeKind::AddressMismatch { peer: ip("10.0.0.2"), theirs: ip("10.0.0.253") }
    });
    assert_eq!(words.count(), 1);
    assert_eq!(&*lan.router(1).status().addresses, [ip(VIP)]);
}

#[test]
fn the_avg_resigns_with_priority_0_and_a_standby_takes_over_at_once() {
    let mut lan = alone(GlbpSettings { preempt: true, ..settings() }, 15_000);
    hear(&mut lan, 15_000, &says(2, VgState::Active, 200).frame());
    lan.until(21_000);
    assert_eq!(lan.state(1), GroupState::Standby);
    hear(&mut lan, 21_500, &says(2, VgState::Active, 0).frame());
    assert_eq!((lan.state(1), lan.router(1).counters().resign_rcvd), (GroupState::Active, 1));
}

/// There is no Coup: a listener that outranks the AVG speaks at its first Hello and claims at the next.
#[test]
fn a_preempting_listener_speaks_first() {
    let mut lan = alone(GlbpSettings { priority: 150, preempt: true, ..settings() }, 1000);
    hear(&mut lan, 1000, &says(2, VgState::Active, 100).frame());
    assert_eq!(lan.state(1), GroupState::Speak);
    hear(&mut lan, 4000, &says(2, VgState::Active, 100).frame());
    assert_eq!(lan.state(1), GroupState::Active);
    let mut patient = alone(GlbpSettings { priority: 150, ..settings() }, 1000);
    for step in 0..20 {
        hear(&mut patient, 1000 + 3000 * step, &says(2, VgState::Active, 100).frame());
    }
    assert_eq!(patient.router(1).glbp().standby, Some(ip("10.0.0.1")), "not without preemption");
}

#[test]
fn an_avg_gives_way_to_a_higher_one_and_answers_a_lower_one() {
    let mut lan = alone(settings(), 25_000);
    lan.forget_sent();
    hear(&mut lan, 25_000, &says(2, VgState::Active, 90).frame());
    assert_eq!((lan.state(1), hellos(&lan).len()), (GroupState::Active, 1));
    hear(&mut lan, 25_100, &says(2, VgState::Active, 101).frame());
    assert_eq!(lan.state(1), GroupState::Speak);
    assert_eq!(hellos(&lan).last().unwrap().1, VgState::Speak, "and says so at once");
}

#[test]
fn one_number_is_one_group_whatever_its_family() {
    let mut lan = alone(settings(), 100);
    let ipv6 = GlbpSettings { addresses: vec![ip(VIP6)], ..settings() };
    let config = GlbpConfig::new(ipv6).unwrap();
    lan.act(1, |engine, now| {
        let refused = engine.add(now, config).unwrap_err();
        assert_eq!(refused.to_string(), "there is already a group glbp eth0 ipv4 1");
    });
}

#[test]
fn a_new_configuration_takes_hold_without_a_restart() {
    let mut lan = alone(settings(), 35_000);
    let other =
        GlbpSettings { priority: 120, hello_time: secs(1), addresses: vec![ip("10.0.0.250")], ..settings() };
    let config = GlbpConfig::new(other).unwrap();
    lan.forget_sent();
    lan.act(1, |engine, now| engine.update(now, config).unwrap());
    lan.until(40_000);
    assert_eq!(lan.story, [] as [&str; 0]);
    assert_eq!(&*lan.router(1).reception.as_ref().unwrap().resolves, [ip("10.0.0.250")]);
    let Some(Body::Announcement { hello: Some(hello), .. }) = lan.sent.last().unwrap().body() else {
        panic!()
    };
    assert_eq!((hello.priority(), hello.address()), (120, ip("10.0.0.250")));
    assert_eq!(hello.timers().hello().get(), 1000);
}

#[test]
fn a_link_that_goes_down_ends_every_claim_and_one_that_comes_back_begins_anew() {
    let mut lan = alone(settings(), 35_000);
    let down = fhrp::LinkState { up: false, ..link(1) };
    lan.forget_sent();
    lan.act(1, |engine, now| engine.handle_link(now, fhrp::LinkEvent::Present(down)));
    assert_eq!((lan.state(1), lan.sent.len()), (GroupState::Initial, 0));
    assert_eq!(lan.reaches(vmac(1)), None);
    assert_eq!(lan.router(1).forwarder(1).unwrap().state, GroupState::Initial);
    lan.until(36_000);
    lan.start(1);
    assert_eq!(lan.router(1).forwarder(1).unwrap().state, GroupState::Listen, "still its own");
    lan.until(60_000);
    assert_eq!(lan.reaches(vmac(1)), Some(1));
}

/// How often router 1 said this.
fn said(lan: &mut Lan, wanted: &NoticeKind) -> usize {
    lan.router(1).notices.iter().filter(|(_, kind)| kind == wanted).count()
}

#[test]
fn flapping_of_the_gateway_is_said_once() {
    let mut lan = alone(GlbpSettings { priority: 150, preempt: true, ..settings() }, 100_000);
    for round in 0..12 {
        let at = 100_000 + round * 4000;
        hear(&mut lan, at, &says(9, VgState::Active, 200).frame());
        assert_eq!(lan.state(1), GroupState::Speak);
        hear(&mut lan, at + 2000, &says(9, VgState::Active, 50).frame());
        assert_eq!(lan.state(1), GroupState::Active);
    }
    let flaps = NoticeKind::Flapping { transitions: 6 };
    assert_eq!(said(&mut lan, &flaps), 2, "24 transitions in 48 s, and a silence of 30 s");
}

#[test]
fn flapping_of_a_forwarder_is_said_once() {
    let mut lan = alone(settings(), 100_000);
    for round in 0..12 {
        let at = 100_000 + round * 4000;
        for (later, priority) in
            [(0, ForwarderPriority::PRIMARY), (2000, ForwarderPriority::PRIMARY_RESIGNING)]
        {
            hear(&mut lan, at + later, &says(9, VgState::Listen, 50).with(&[active(2, priority)]).alone());
        }
    }
    lan.until(149_000);
    assert_eq!(lan.router(1).forwarder(2).unwrap().state, GroupState::Active);
    for (forwarder, expected) in [(1, 0), (2, 2)] {
        let flaps = NoticeKind::ForwarderFlapping { forwarder, transitions: 6 };
        assert_eq!(said(&mut lan, &flaps), expected, "forwarder {forwarder}");
    }
    assert_eq!(said(&mut lan, &NoticeKind::Flapping { transitions: 6 }), 0, "the gateway stands");
}
