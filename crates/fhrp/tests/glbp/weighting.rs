//! Weighting: tracked objects, thresholds with hysteresis, and what others hear of it.

use fhrp::{GlbpConfig, GlbpSettings, GroupState, NoticeKind, Track, TrackEffect, TrackName, TrackState};
use fhrp_wire::glbp::{Body, ForwarderPriority as Rank, VfState};

use super::lan::*;

fn uplink() -> TrackName {
    TrackName::new("uplink")
}

fn spare() -> TrackName {
    TrackName::new("spare")
}

/// 110, lower 95, upper 105; the objects take off 20 and 10.
fn weighted() -> GlbpSettings {
    let track = |name, by| Track { name, effect: TrackEffect::Decrement(by) };
    GlbpSettings {
        weighting: 110,
        weighting_lower: Some(95),
        weighting_upper: Some(105),
        track: vec![track(uplink(), 20), track(spare(), 10)],
        ..settings()
    }
}

/// Router 1 is the AVG and serves forwarder 1.
fn two() -> Lan {
    let mut lan = Lan::new([GlbpSettings { priority: 200, ..weighted() }, settings()]);
    lan.start(1);
    lan.start(2);
    lan.until(100_000);
    assert_eq!((lan.reaches(vmac(1)), lan.reaches(vmac(2))), (Some(1), Some(2)));
    lan.forget_sent();
    lan
}

fn track(lan: &mut Lan, name: &TrackName, state: TrackState) {
    lan.act(1, |engine, now| engine.set_track(now, name, state));
}

/// What router 1 said of forwarder 1 since, alone or in a Hello.
fn said(lan: &Lan) -> Vec<(bool, Rank, u8, VfState)> {
    let said = lan.sent_by(1).filter_map(|sent| match sent.body()? {
        Body::Announcement { hello, forwarders } => {
            let one = forwarders.iter().find(|said| said.number.get() == 1)?;
            Some((hello.is_none(), one.priority, one.weight, one.state))
        }
        _ => None,
    });
    said.collect()
}

#[test]
fn below_the_lower_threshold_others_take_the_forwarders_and_the_avg_stays() {
    let mut lan = two();
    track(&mut lan, &uplink(), TrackState::Down);
    assert_eq!(said(&lan), [(true, Rank::PRIMARY_RESIGNING, 90, VfState::Active)], "at once");
    lan.until(100_005);
    assert_eq!(lan.reaches(vmac(1)), Some(2));
    assert_eq!(lan.state(1), GroupState::Active, "still the AVG");
    assert!(lan.resolve(1).is_some() && lan.resolve(2).is_some());
    let known = lan.router(1).glbp();
    assert!(known.weighting.low && known.weighting.current == 90);
    assert_eq!(lan.router(1).forwarder(1).unwrap().state, GroupState::Listen);
    lan.forget_sent();
    lan.until(120_000);
    assert!(said(&lan).iter().all(|line| *line == (false, Rank::PRIMARY_INELIGIBLE, 90, VfState::Listen)));
    assert!(!said(&lan).is_empty());
}

/// 90 is low, 100 is not enough, 105 would be.
#[test]
fn it_forwards_again_from_the_upper_threshold_on() {
    let mut lan = two();
    track(&mut lan, &spare(), TrackState::Down);
    track(&mut lan, &uplink(), TrackState::Down);
    lan.until(110_000);
    track(&mut lan, &uplink(), TrackState::Up);
    lan.until(200_000);
    assert_eq!(lan.router(1).glbp().weighting.current, 100);
    assert_eq!(lan.reaches(vmac(1)), Some(2), "100 is not 105");
    track(&mut lan, &spare(), TrackState::Up);
    lan.until(229_000);
    assert_eq!(lan.reaches(vmac(1)), Some(2), "the preempt delay");
    lan.until(236_000);
    assert_eq!(lan.reaches(vmac(1)), Some(1));
}

#[test]
fn a_router_whose_weight_is_low_takes_over_nothing() {
    let mut lan = two();
    track(&mut lan, &uplink(), TrackState::Down);
    lan.until(110_000);
    lan.kill(2);
    lan.until(150_000);
    assert_eq!((lan.reaches(vmac(1)), lan.reaches(vmac(2))), (None, None));
    assert_eq!(lan.resolve(1), None, "no forwarder can be used");
    assert_eq!(lan.router(1).counters().resolve_unanswered, 1);
    let said = lan.router(1).notices.iter().filter(|(_, kind)| *kind == NoticeKind::Unserved).count();
    assert!((1..=2).contains(&said), "once in half a minute: {said}");
    assert!(lan.router(1).glbp().unserved);
    track(&mut lan, &uplink(), TrackState::Up);
    lan.until(161_000);
    assert_eq!((lan.reaches(vmac(1)), lan.reaches(vmac(2))), (Some(1), Some(1)));
    lan.until(164_000);
    assert!(!lan.router(1).glbp().unserved);
}

#[test]
fn a_threshold_that_is_crossed_is_said_both_ways() {
    let mut lan = two();
    let story = [
        (spare(), TrackState::Down, None),
        (uplink(), TrackState::Down, Some(NoticeKind::WeightingLow { weight: 80, lower: 95 })),
        (uplink(), TrackState::Up, None),
        (spare(), TrackState::Up, Some(NoticeKind::WeightingEnough { weight: 110, upper: 105 })),
    ];
    for (object, state, expected) in story {
        let before = lan.router(1).notices.len();
        track(&mut lan, &object, state);
        let said: Vec<_> = lan.router(1).notices[before..].iter().map(|(_, kind)| kind.clone()).collect();
        let tracked = NoticeKind::Tracked { name: object, state };
        let said: Vec<_> = said.into_iter().filter(|kind| *kind != tracked).collect();
        assert_eq!(said.first(), expected.as_ref(), "{said:?}");
    }
}

/// Nobody has a weighting to serve with from the beginning. Where one has, an ordinary start says nothing.
#[test]
fn an_avg_that_has_no_forwarder_to_tell_says_so() {
    for low in [true, false] {
        let mut lan = Lan::new([weighted(), weighted()]);
        for n in [1, 2].into_iter().filter(|_| low) {
            lan.act(n, |engine, now| engine.set_track(now, &uplink(), TrackState::Down));
        }
        (1..=2).for_each(|n| lan.start(n));
        lan.until(60_000);
        assert_eq!(lan.resolve(1).is_none(), low);
        let avg = [1, 2].into_iter().find(|n| lan.state(*n) == GroupState::Active).unwrap();
        for n in [1, 2] {
            assert_eq!(lan.router(n).glbp().unserved, low && n == avg);
            let said = lan.router(n).notices.iter().filter(|(_, kind)| *kind == NoticeKind::Unserved).count();
            assert_eq!(said > 0, low && n == avg, "router {n}: {said}");
        }
    }
}

/// Without anyone to take over, hosts would lose their router.
#[test]
fn alone_it_goes_on_and_says_how_low_it_is() {
    let mut lan = Lan::new([weighted(), settings()]);
    lan.start(1);
    lan.until(50_000);
    lan.forget_sent();
    track(&mut lan, &uplink(), TrackState::Down);
    lan.until(80_000);
    assert_eq!(lan.reaches(vmac(1)), Some(1));
    assert_eq!(said(&lan)[1..].first(), Some(&(false, Rank::PRIMARY_INELIGIBLE, 90, VfState::Active)));
    // One that comes later takes over after its preempt delay.
    lan.start(2);
    lan.until(150_000);
    assert_eq!(lan.reaches(vmac(1)), Some(2));
}

#[test]
fn a_weight_that_starts_low_owns_nothing_yet() {
    let mut lan = Lan::new([weighted()]);
    track(&mut lan, &uplink(), TrackState::Down);
    lan.start(1);
    lan.until(40_000);
    assert_eq!(lan.state(1), GroupState::Active);
    assert!(lan.router(1).glbp().forwarders.is_empty());
    track(&mut lan, &uplink(), TrackState::Up);
    lan.until(50_010);
    assert_eq!(lan.reaches(vmac(1)), Some(1));
}

#[test]
fn new_thresholds_count_at_once() {
    let mut lan = two();
    let stricter = GlbpSettings { priority: 200, weighting: 90, ..settings() };
    let stricter = GlbpSettings { weighting_lower: Some(80), weighting_upper: Some(85), ..stricter };
    lan.act(1, |engine, now| engine.update(now, GlbpConfig::new(stricter).unwrap()).unwrap());
    lan.until(103_000);
    assert_eq!(said(&lan).last().unwrap().2, 90);
    assert_eq!(lan.reaches(vmac(1)), Some(1));
    assert_eq!(lan.router(1).status().tracks, []);
}
