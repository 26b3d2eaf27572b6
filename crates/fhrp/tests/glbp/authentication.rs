//! Text, MD5 with a key and with a chain of keys, and nonces.

use std::time::Duration;

use fhrp::{
    ChainKey, GlbpAuthentication, GlbpSettings, GroupState, KeyChain, Lifetime, NoticeKind, Waiting, WallTime,
};
use fhrp_wire::glbp::{
    AuthData, AuthText, Credentials, Destination, ForwarderPriority, KeyBytes, Nonce, NonceSequence, Nonces,
    PeerNonce, Peers, VgState,
};

use super::gateway::{alone, hear};
use super::lan::*;
use super::packets::*;

fn text(word: &str) -> GlbpAuthentication {
    GlbpAuthentication::Text(AuthText::new(word).unwrap())
}

fn key(word: &str) -> KeyBytes {
    KeyBytes::new(word).unwrap()
}

fn md5(word: &str) -> GlbpAuthentication {
    GlbpAuthentication::Md5(key(word))
}

/// Keys 1 and 2, of which 2 follows 1 at 1000 s; both are accepted ten seconds longer.
fn chain() -> GlbpAuthentication {
    let time = |from: Option<u64>, until: Option<u64>| Lifetime {
        from: from.map(WallTime),
        until: until.map(WallTime),
    };
    let keys = vec![
        ChainKey { id: 1, key: key("one"), accept: time(None, Some(1010)), send: time(None, Some(1000)) },
        ChainKey { id: 2, key: key("two"), accept: time(Some(990), None), send: time(Some(1000), None) },
    ];
    GlbpAuthentication::Chain(KeyChain::new("lan", keys).unwrap())
}

fn with(authentication: GlbpAuthentication, n: u64) -> GlbpSettings {
    GlbpSettings { authentication, nonce_seed: [n, 99], ..settings() }
}

#[test]
fn routers_with_the_same_key_are_one_group() {
    for same in [text("word"), md5("word"), chain()] {
        let mut lan = Lan::new((1..=3).map(|n| with(same.clone(), n)));
        (1..=3).for_each(|n| lan.start(n));
        lan.until(100_000);
        let active = lan.states().into_iter().filter(|state| *state == GroupState::Active);
        assert_eq!(active.count(), 1, "{same:?}");
        assert!((1..=3).all(|n| lan.reaches(vmac(n)).is_some()), "{same:?}");
        let counters = lan.router(1).counters();
        assert_eq!((counters.auth_failures, counters.auth_type_mismatch, counters.stale_nonces), (0, 0, 0));
    }
}

/// As seen on the wire: both claim to be the AVG, and every forwarder.
#[test]
fn routers_that_do_not_share_a_key_do_not_hear_one_another() {
    let odd = [
        (text("word"), text("other"), "failure"),
        (md5("word"), md5("other"), "failure"),
        (md5("word"), text("word"), "type"),
        (GlbpAuthentication::None, md5("word"), "type"),
        (chain(), md5("one"), "type"),
    ];
    for (one, other, why) in odd {
        let mut lan = Lan::new([with(one.clone(), 1), with(other.clone(), 2)]);
        (1..=2).for_each(|n| lan.start(n));
        lan.until(60_000);
        assert_eq!(lan.states(), [GroupState::Active; 2], "{one:?}");
        let counters = lan.router(1).counters();
        let counted = if why == "type" { counters.auth_type_mismatch } else { counters.auth_failures };
        assert!(counted > 15, "{one:?} {other:?}: {counters:?}");
        let words = |kind: &NoticeKind| matches!(kind, NoticeKind::BadAuthentication { peer, .. } if *peer == ip("10.0.0.2"));
        let words = lan.router(1).notices.iter().filter(|(_, kind)| words(kind)).count();
        assert!((1..=2).contains(&words), "one in half a minute: {words}");
        assert!(lan.router(1).glbp().members.is_empty());
    }
}

#[test]
fn a_failed_authentication_moves_no_state_and_no_timer() {
    let mut lan = alone(with(md5("word"), 1), 15_000);
    let (before, due) = (lan.router(1).status(), lan.router(1).engine.next_deadline());
    lan.forget_sent();
    let forged = says(2, VgState::Active, 255);
    let peers = Peers::new(&[]).unwrap();
    let nonces = Nonces { sequence: NonceSequence(0), own: Nonce(7), peers };
    for (key_id, word) in [(None, "wrong"), (Some(1), "word")] {
        let credentials = Credentials::Md5 { key: &key(word), key_id, nonces };
        let frame = forged.frame_with(forged.body(), credentials, Destination::Group);
        hear(&mut lan, 15_000, &frame);
    }
    hear(&mut lan, 15_000, &forged.frame());
    let after = lan.router(1).status();
    assert_eq!(lan.router(1).engine.next_deadline(), due);
    assert_eq!((after.state, after.active, lan.sent.len()), (before.state, before.active, 0));
    let counters = lan.router(1).counters();
    assert_eq!((counters.auth_failures, counters.auth_type_mismatch), (1, 2));
}

/// The nonces that router `n` sent: when, how often renewed, which, and what it echoes.
fn nonces(lan: &Lan, n: u8) -> Vec<(u64, u8, u32, Vec<PeerNonce>)> {
    let read = |sent: &Sent| {
        let at = sent.at.as_micros() / 1000;
        sent.glbp(|parsed| match parsed.auth {
            AuthData::Md5 { nonces: Some(nonces), .. } => {
                (at, nonces.sequence.0, nonces.own.0, nonces.peers.iter().collect())
            }
            other => panic!("{other:?}"),
        })
    };
    lan.sent_by(n).filter_map(read).collect()
}

/// 3.4: renewed about once in a hold time, at a Hello; the latest of every peer is echoed.
#[test]
fn nonces_are_renewed_and_echoed() {
    let mut lan = Lan::new((1..=3).map(|n| with(md5("word"), n)));
    (1..=3).for_each(|n| lan.start(n));
    lan.until(200_000);
    let ours = nonces(&lan, 1);
    let renewals: Vec<_> =
        ours.windows(2).filter(|pair| pair[0].2 != pair[1].2).map(|pair| (pair[1].0, pair[1].1)).collect();
    assert!((14..=20).contains(&renewals.len()), "{renewals:?}");
    assert!(renewals.windows(2).all(|pair| pair[1].1 == pair[0].1.wrapping_add(1)));
    assert!(
        renewals.windows(2).all(|pair| (10_000..13_001).contains(&(pair[1].0 - pair[0].0))),
        "{renewals:?}"
    );
    for (at, _, _, echoed) in nonces(&lan, 2).iter().filter(|(at, ..)| *at > 10_000) {
        assert_eq!(echoed.iter().map(|peer| peer.owner).collect::<Vec<_>>(), [mac(1), mac(3)]);
        let latest = ours.iter().rfind(|(then, ..)| then < at).unwrap();
        assert_eq!(echoed[0].nonce.0, latest.2, "at {at}");
    }
    assert!(lan.router(1).glbp().members.iter().all(|member| member.authenticated));
    lan.kill(3);
    lan.until(220_000);
    assert_eq!(nonces(&lan, 2).last().unwrap().3.len(), 1, "one that is gone is not echoed");
    assert_ne!(ours[0].2, nonces(&lan, 2)[0].2, "each has a seed of its own");
}

#[test]
fn who_lists_an_old_nonce_is_heard_and_not_called_authenticated() {
    let mut lan = alone(with(md5("word"), 1), 100);
    let mut tell = |at, echo: Option<u32>| {
        let list: Vec<_> =
            echo.map(|nonce| PeerNonce { owner: mac(1), nonce: Nonce(nonce) }).into_iter().collect();
        let nonces = Nonces { sequence: NonceSequence(0), own: Nonce(7), peers: Peers::new(&list).unwrap() };
        let credentials = Credentials::Md5 { key: &key("word"), key_id: None, nonces };
        let peer = says(2, VgState::Listen, 100);
        hear(&mut lan, at, &peer.frame_with(peer.body(), credentials, Destination::Group));
        let known = lan.router(1).glbp();
        (known.members[0].authenticated, known.counters.stale_nonces, known.counters.hello_rcvd)
    };
    assert_eq!(tell(200, None), (false, 0, 1));
    assert_eq!(tell(300, Some(1)), (false, 1, 2));
}

/// One that was recorded takes nothing from anyone; one of a peer that lists the nonce of now, or none, does.
#[test]
fn a_resignation_that_lists_an_old_nonce_is_not_believed() {
    for (old, believed) in [(Some(true), false), (Some(false), true), (None, true)] {
        let mut lan = alone(with(md5("word"), 1), 4000);
        let now = nonces(&lan, 1)[0].2;
        let nonce = |old: bool| Nonce(if old { now ^ 1 } else { now });
        let mut tell = |at, peer: &Says, old: Option<bool>| {
            let list: Vec<_> =
                old.map(|old| PeerNonce { owner: mac(1), nonce: nonce(old) }).into_iter().collect();
            let peers = Peers::new(&list).unwrap();
            let nonces = Nonces { sequence: NonceSequence(0), own: Nonce(7), peers };
            let credentials = Credentials::Md5 { key: &key("word"), key_id: None, nonces };
            hear(&mut lan, at, &peer.frame_with(peer.body(), credentials, Destination::Group));
        };
        let avg = says(2, VgState::Active, 200).with(&[active(2, ForwarderPriority::PRIMARY)]);
        tell(4200, &avg, Some(true));
        let gone = [active(2, ForwarderPriority::PRIMARY_RESIGNING)];
        tell(4300, &says(2, VgState::Active, 0).with(&gone), old);
        let (status, known) = (lan.router(1).status(), lan.router(1).glbp());
        assert_eq!(known.counters.resign_rcvd, u64::from(believed), "{old:?}");
        let taken = lan.router(1).forwarder(2).unwrap().state == GroupState::Active;
        assert_eq!((status.active.is_none(), taken), (believed, believed), "{old:?}");
    }
}

/// Each sends with the key of the time, and hears the other one a little longer.
#[test]
fn a_chain_changes_its_key_without_a_gap() {
    let mut lan = Lan::new((1..=2).map(|n| with(chain(), n)));
    for (n, unix) in [(1, 900), (2, 895)] {
        lan.act(n, |engine, now| engine.set_wall_clock(now, Duration::from_secs(unix)));
        lan.start(n);
    }
    lan.until(99_000);
    let key_id = |lan: &Lan, n| {
        lan.sent_by(n).last().unwrap().glbp(|parsed| match parsed.auth {
            AuthData::Md5 { key_id, .. } => key_id.unwrap(),
            other => panic!("{other:?}"),
        })
    };
    assert_eq!((key_id(&lan, 1), key_id(&lan, 2)), (Some(1), Some(1)));
    lan.until(104_500);
    assert_eq!((key_id(&lan, 1), key_id(&lan, 2)), (Some(2), Some(1)), "their clocks differ by 5 s");
    lan.until(150_000);
    assert_eq!((key_id(&lan, 1), key_id(&lan, 2)), (Some(2), Some(2)));
    for n in 1..=2 {
        let counters = lan.router(n).counters();
        assert_eq!((counters.auth_key_errors, counters.auth_failures), (0, 0));
    }
    let active = lan.states().into_iter().filter(|state| *state == GroupState::Active);
    assert_eq!(active.count(), 1);
}

/// One key, good in both directions.
fn single(times: Lifetime) -> GlbpAuthentication {
    let keys = vec![ChainKey { id: 1, key: key("one"), accept: times, send: times }];
    GlbpAuthentication::Chain(KeyChain::new("lan", keys).unwrap())
}

fn said(lan: &mut Lan, n: u8, kind: &NoticeKind) -> usize {
    lan.router(n).notices.iter().filter(|(_, said)| said == kind).count()
}

/// What is not signed nobody would hear.
#[test]
fn without_a_key_nothing_is_sent_and_nothing_counted_as_sent() {
    let later = Lifetime { from: Some(WallTime(9000)), until: None };
    let mut lan = Lan::new([with(single(later), 1)]);
    lan.act(1, |engine, now| engine.set_wall_clock(now, Duration::from_secs(2000)));
    lan.start(1);
    lan.until(60_000);
    lan.act(1, |engine, now| engine.stop(now));
    assert!(lan.sent.is_empty());
    let counters = lan.router(1).counters();
    assert_eq!(counters.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>(), []);
}

/// Whom nobody can hear must not be the AVG beside the one that all others hear.
#[test]
fn a_router_without_a_key_to_send_with_stays_out_until_it_has_one() {
    let later = Lifetime { from: Some(WallTime(9000)), until: None };
    let mut lan = Lan::new([with(single(later), 1), with(single(Lifetime::default()), 2)]);
    for n in 1..=2 {
        lan.act(n, |engine, now| engine.set_wall_clock(now, Duration::new(8000, 123_456_789)));
        lan.start(n);
    }
    lan.until(990_000);
    let mute = Some(Waiting::NoSendingKey);
    assert_eq!(
        (lan.states(), lan.router(1).status().waiting),
        (vec![GroupState::Initial, GroupState::Active], mute)
    );
    assert_eq!(
        (lan.sent_by(1).count(), said(&mut lan, 1, &NoticeKind::Waits(Waiting::NoSendingKey))),
        (0, 1)
    );
    lan.until(1_060_000);
    assert_eq!(lan.states(), [GroupState::Standby, GroupState::Active]);
    lan.act(1, |engine, now| engine.set_wall_clock(now, Duration::ZERO));
    assert_eq!(lan.state(1), GroupState::Initial, "1970");
    lan.act(1, |engine, now| engine.set_wall_clock(now, Duration::from_secs(9500)));
    assert_eq!(lan.state(1), GroupState::Listen);
}

/// A forgotten date splits no group in two: the key that goes on is heard, and that is said.
#[test]
fn the_last_key_goes_on_and_is_accepted() {
    let past = Lifetime { from: None, until: Some(WallTime(9000)) };
    let mut lan = Lan::new((1..=2).map(|n| with(single(past), n)));
    for n in 1..=2 {
        lan.act(n, |engine, now| engine.set_wall_clock(now, Duration::from_secs(8960)));
        lan.start(n);
    }
    lan.until(600_000);
    assert_eq!(lan.states().iter().filter(|state| **state == GroupState::Active).count(), 1);
    for n in 1..=2 {
        let counters = lan.router(n).counters();
        assert_eq!((counters.auth_key_errors, counters.auth_failures), (0, 0));
        assert_eq!(said(&mut lan, n, &NoticeKind::KeysExpired { chain: "lan".into(), key: 1 }), 1);
    }
}

#[test]
fn a_key_whose_time_is_over_is_not_accepted() {
    let mut lan = Lan::new([with(chain(), 1), with(chain(), 2)]);
    lan.act(1, |engine, now| engine.set_wall_clock(now, Duration::from_secs(2000)));
    lan.act(2, |engine, now| engine.set_wall_clock(now, Duration::from_secs(500)));
    (1..=2).for_each(|n| lan.start(n));
    lan.until(30_000);
    assert!(lan.router(1).counters().auth_key_errors > 5);
    assert_eq!(lan.states(), [GroupState::Active; 2]);
}
