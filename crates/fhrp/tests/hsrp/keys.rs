//! Key chains and the calendar.

use std::time::Duration;

use fhrp::GroupState::{Active, Standby};
use fhrp::{ChainKey, HsrpAuthentication, HsrpSettings, KeyChain, Lifetime, NoticeKind, WallTime};
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

/// No key has begun yet: the router is mute, and counts nothing as sent.
#[test]
fn without_a_key_nothing_is_sent() {
    let key = |id| {
        let later = lifetime(Some(1_000), None);
        ChainKey { id, key: KeyBytes::new("later").unwrap(), accept: later, send: later }
    };
    let later = HsrpAuthentication::Chain(KeyChain::new("lan", vec![key(1)]).unwrap());
    let mut lan = pair(Variant::V1, &later, [0, 0]);
    lan.until(60_000);
    assert_eq!((signed(&lan, 0).len(), lan.counters(0).hello_sent), (0, 0));
    lan.until(1_030_000);
    assert_eq!((lan.states(), errors(&lan)), (vec![Active, Standby], vec![0, 0]));
}

/// The forgotten end of the last key splits no group in two on the sender's side.
#[test]
fn the_last_key_goes_on_sending() {
    let ends = ChainKey {
        id: 1,
        key: KeyBytes::new("last").unwrap(),
        accept: Lifetime::default(),
        send: lifetime(None, Some(50)),
    };
    let chain = HsrpAuthentication::Chain(KeyChain::new("lan", vec![ends]).unwrap());
    let mut lan = pair(Variant::V2Ipv6, &chain, [0, 0]);
    lan.until(200_000);
    assert_eq!((lan.states(), errors(&lan)), (vec![Active, Standby], vec![0, 0]));
}
