//! Key chains and the calendar.

use std::time::Duration;

use fhrp::GroupState::{Active, Standby};
use fhrp::{
    ChainKey, GroupState, HsrpAuthentication, HsrpSettings, KeyChain, Lifetime, NoticeKind, Waiting, WallTime,
};
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::hsrp::{self, Auth, KeyBytes, Parsed, State, Variant};

use super::lan::*;
use super::peer::{Proof, Says, hello};

/// 2027-01-15 08:00 UTC.
const MORNING: u64 = 1_800_000_000;

fn lifetime(from: Option<u64>, until: Option<u64>) -> Lifetime {
    let moment = |after: Option<u64>| after.map(|after| WallTime(MORNING + after));
    Lifetime { from: moment(from), until: moment(until) }
}

/// Key 1 sends until `change` seconds after the morning, key 2 from then on; both are accepted `around` longer.
fn chain(change: u64, around: u64) -> HsrpAuthentication {
    let key = |id: u32, accept, send| ChainKey {
        id,
        key: KeyBytes::new(format!("key {id}")).unwrap(),
        accept,
        send,
    };
    let keys = vec![
        key(1, lifetime(None, Some(change + around)), lifetime(None, Some(change))),
        key(2, lifetime(Some(change - around), None), lifetime(Some(change), None)),
    ];
    HsrpAuthentication::Chain(KeyChain::new("lan", keys).unwrap())
}

fn chained(variant: Variant, priority: u8, authentication: HsrpAuthentication) -> HsrpSettings {
    HsrpSettings { priority, authentication, ..settings(variant) }
}

/// Milliseconds and key number of everything that is signed.
fn signed(lan: &Lan, router: usize) -> Vec<(u64, u32)> {
    let key = |(at, frame): &(fhrp::Instant, bytes::Bytes)| {
        let parsed = envelope::parse(frame).unwrap();
        let datagram = udp::parse(&parsed.packet).ok()??;
        let variant = hsrp::Variant::of_destination(datagram.destination, datagram.destination_port)?;
        match hsrp::parse(variant, datagram.payload).ok()? {
            Parsed::Message(received) => match received.auth() {
                Auth::Md5 { key_id, .. } => Some((at.as_micros() / 1000, *key_id)),
                _ => panic!("not signed"),
            },
            Parsed::InterfaceState(_) => None,
        }
    };
    lan.frames(router).iter().filter_map(key).collect()
}

fn errors(lan: &Lan) -> Vec<u64> {
    let all = (0..lan.routers.len()).map(|router| lan.counters(router));
    all.map(|counters| counters.auth_failures + counters.auth_key_errors + counters.auth_type_mismatch)
        .collect()
}

fn pair(variant: Variant, authentication: &HsrpAuthentication, clocks: [u64; 2]) -> Lan {
    let mut lan = Lan::with(2, chained(variant, 120, authentication.clone()));
    lan.join(3, chained(variant, 100, authentication.clone()));
    for (router, clock) in clocks.into_iter().enumerate() {
        lan.tell(router, |engine, now| engine.set_wall_clock(now, Duration::from_secs(MORNING + clock)));
    }
    lan
}

/// Key 2 is first used in the first Hello after the change, by both, and nobody ever disagrees.
#[test]
fn keys_roll_over_without_a_moment_of_disagreement() {
    for variant in VARIANTS {
        let mut lan = pair(variant, &chain(100, 5), [0, 0]);
        lan.until(200_000);
        assert_eq!((lan.states(), errors(&lan)), (vec![Active, Standby], vec![0, 0]));
        assert_eq!(lan.moves().last().unwrap().0, 40_000, "no move since the election");
        for router in [0, 1] {
            let signed = signed(&lan, router);
            assert!(signed.iter().all(|(at, key)| (*key == 1) == (*at < 100_000)), "{signed:?}");
            assert!(signed.iter().any(|(_, key)| *key == 2));
        }
    }
}

#[test]
fn clocks_may_differ_as_much_as_keys_overlap() {
    for variant in VARIANTS {
        let mut lan = pair(variant, &chain(100, 5), [0, 4]);
        lan.until(200_000);
        assert_eq!((lan.states(), errors(&lan)), (vec![Active, Standby], vec![0, 0]));
    }
}

#[test]
fn clocks_that_differ_more_are_alarmed() {
    let mut lan = pair(Variant::V2Ipv4, &chain(100, 5), [0, 60]);
    lan.until(99_000);
    let reason = "a key that is not accepted now (auth-key-errors)".into();
    let alarm = NoticeKind::BadAuthentication { peer: address(Variant::V2Ipv4, 2), reason };
    assert!(lan.notices(1).contains(&alarm), "{:?}", lan.notices(1));
    assert!(errors(&lan)[0] > 3);
    lan.until(200_000);
    assert_eq!(lan.states(), [Active, Standby], "together again once both use key 2");
}

/// Somebody sets the clock: the next Hello uses the key of the new time.
#[test]
fn a_clock_that_is_set_changes_the_key() {
    let mut lan = pair(Variant::V1, &chain(1_000, 5), [0, 0]);
    lan.until(50_000);
    for router in [0, 1] {
        lan.tell(router, |engine, now| engine.set_wall_clock(now, Duration::from_secs(MORNING + 2_000)));
    }
    lan.forget().until(60_000);
    assert!(signed(&lan, 0).iter().all(|(_, key)| *key == 2));
    assert_eq!(errors(&lan), [0, 0]);
}

#[test]
fn without_a_calendar_every_key_is_good_and_the_lowest_sends() {
    let mut lan = Lan::with(2, chained(Variant::V2Ipv4, 100, chain(100, 5)));
    lan.until(11_000);
    assert!(signed(&lan, 0).iter().all(|(_, key)| *key == 1));
    let proof = Proof::Md5(2, KeyBytes::new("key 2").unwrap());
    lan.hear(&Says { proof, ..hello(Variant::V2Ipv4, State::Active, 200) }.frame());
    assert_eq!((lan.counters(0).hello_rcvd, lan.status(0).active), (1, Some(address(Variant::V2Ipv4, 3))));
}

#[test]
fn keys_that_are_unknown_or_wrong_are_refused() {
    for (id, text, counters) in [(3, "key 3", (1, 0)), (1, "key 2", (0, 1)), (2, "key 2", (1, 0))] {
        let mut lan = pair(Variant::V2Ipv4, &chain(100, 5), [0, 0]);
        let proof = Proof::Md5(id, KeyBytes::new(text).unwrap());
        lan.hear(&Says { proof, ..hello(Variant::V2Ipv4, State::Active, 200) }.frame());
        let seen = lan.counters(0);
        assert_eq!((seen.auth_key_errors, seen.auth_failures), counters, "{id} {text}");
        assert_eq!((seen.hello_rcvd, lan.status(0).active), (0, None));
    }
}

/// One key, good in both directions.
fn single(times: Lifetime) -> HsrpAuthentication {
    let key = ChainKey { id: 1, key: KeyBytes::new("only").unwrap(), accept: times, send: times };
    HsrpAuthentication::Chain(KeyChain::new("lan", vec![key]).unwrap())
}

fn said(lan: &Lan, router: usize, kind: &NoticeKind) -> usize {
    lan.notices(router).iter().filter(|said| *said == kind).count()
}

const MUTE: NoticeKind = NoticeKind::Waits(Waiting::NoSendingKey);

/// No key has begun yet: whom nobody can hear must not serve, and goes on by itself when the time comes.
#[test]
fn a_router_without_a_key_to_send_with_stays_out_until_it_has_one() {
    for variant in VARIANTS {
        let later = single(lifetime(Some(1_000), None));
        let mut lan = Lan::with(2, chained(variant, 120, later));
        lan.join(3, chained(variant, 100, single(Lifetime::default())));
        // A fraction of a second: the deadline is the moment at which the key begins.
        let odd = Duration::new(MORNING, 123_456_789);
        for router in [0, 1] {
            lan.tell(router, |engine, now| engine.set_wall_clock(now, odd));
        }
        lan.until(999_000);
        assert_eq!(lan.states(), [GroupState::Initial, Active], "{variant:?}");
        assert_eq!(lan.status(0).waiting, Some(Waiting::NoSendingKey));
        assert_eq!((signed(&lan, 0).len(), lan.counters(0).hello_sent), (0, 0));
        assert_eq!(said(&lan, 0, &MUTE), 1, "once");
        lan.until(1_060_000);
        assert_eq!((lan.states(), lan.status(0).waiting), (vec![Standby, Active], None));
    }
}

/// A router that boots before it knows the time believes it is 1970.
#[test]
fn a_clock_that_is_set_gives_and_takes_the_key() {
    let times = single(lifetime(Some(0), None));
    let mut lan = pair(Variant::V2Ipv4, &times, [0, 0]);
    lan.until(50_000);
    lan.tell(0, |engine, now| engine.set_wall_clock(now, Duration::ZERO));
    assert_eq!(lan.status(0).waiting, Some(Waiting::NoSendingKey), "it runs, and has no key any more");
    lan.until(100_000);
    assert_eq!(lan.states(), [GroupState::Initial, Active]);
    lan.tell(0, |engine, now| engine.set_wall_clock(now, Duration::from_secs(MORNING + 100)));
    lan.until(150_000);
    assert_eq!((lan.states(), said(&lan, 0, &MUTE)), (vec![Standby, Active], 1));
}

/// A group that follows another one says nothing, and needs no key for that.
#[test]
fn one_that_follows_needs_no_key() {
    let named = HsrpSettings { name: Some("leader".into()), ..settings(Variant::V2Ipv4) };
    let mut lan = Lan::with(2, named);
    let mut follower = chained(Variant::V2Ipv4, 100, single(lifetime(Some(1_000), None)));
    (follower.group, follower.addresses) = (2, vec!["192.0.2.7".parse().unwrap()]);
    follower.follow = Some("leader".into());
    lan.add(0, follower);
    lan.tell(0, |engine, now| engine.set_wall_clock(now, Duration::from_secs(MORNING)));
    lan.until(50_000);
    let states: Vec<_> = lan.routers[0].engine.status().map(|group| group.state).collect();
    assert_eq!(states, [Active, Active]);
}

/// A forgotten date splits no group in two: the key that goes on is heard, and that is said.
#[test]
fn the_last_key_goes_on_and_is_accepted() {
    for clocks in [[0, 0], [500, 500]] {
        let mut lan = pair(Variant::V2Ipv6, &single(lifetime(None, Some(50))), clocks);
        lan.until(1_000_000);
        assert_eq!((lan.states(), errors(&lan)), (vec![Active, Standby], vec![0, 0]));
        let expired = NoticeKind::KeysExpired { chain: "lan".into(), key: 1 };
        assert_eq!([0, 1].map(|router| said(&lan, router, &expired)), [1, 1]);
        lan.until(4_000_000);
        assert_eq!(said(&lan, 0, &expired), 2, "again in an hour");
    }
}
