//! Three routers on a LAN: they start, the best one is killed, comes back, and resigns. The times were computed by
//! hand from the specifications; a packet takes 1 ms.

use std::time::Duration;

use fhrp_election::{Candidacy, Preempt, Rules};

use crate::lan::Lan;
use crate::router::candidate;

fn paced(hello: u64, me: Candidacy) -> Candidacy {
    Candidacy { hello: Duration::from_secs(hello), ..me }
}

/// Preempts only where that is the default of the protocol or asked for.
fn patient(me: Candidacy) -> Candidacy {
    Candidacy { preempt: Preempt::Never, ..me }
}

/// Down intervals: 3 s + 56/256 s = 3218.750 ms for 200, 3609.375 ms for 100, 3 s + 166/256 s = 3648.437 ms for 90.
#[test]
fn vrrp_v3_one_second() {
    let mut lan = Lan::new(Rules::VRRP_V3, &[candidate(200, 1), candidate(100, 2), candidate(90, 3)]);
    for router in 1..=3 {
        lan.start(0, router);
    }
    lan.kill(10_000, 1);
    lan.start(20_000, 1);
    lan.stop(30_000, 1);
    let expected = [
        "0 r1 Init -> Listen (Startup)",
        "0 r2 Init -> Listen (Startup)",
        "0 r3 Init -> Listen (Startup)",
        "3218.750 r1 Listen -> Active (ActiveSilent)",
        "10000 r1 killed",
        "12829.125 r2 Listen -> Active (ActiveLost)",
        "20000 r1 Init -> Listen (Startup)",
        "23218.750 r1 Listen -> Active (LowerActiveOutlasted)",
        "23219.750 r2 Active -> Listen (Outranked)",
        "30000 r1 Active -> Init (Shutdown)",
        "30610.375 r2 Listen -> Active (ActiveResigned)",
    ];
    assert_eq!(lan.story(40_000), expected);
}

/// Down intervals: 6 s and a part of one second, not of two: 6218.750 ms, 6609.375 ms.
#[test]
fn vrrp_v2_two_seconds() {
    let routers = [candidate(200, 1), candidate(100, 2), candidate(90, 3)].map(|me| paced(2, me));
    let mut lan = Lan::new(Rules::VRRP_V2, &routers);
    for router in 1..=3 {
        lan.start(0, router);
    }
    lan.kill(20_000, 1);
    lan.start(30_000, 1);
    lan.stop(40_000, 1);
    let expected = [
        "0 r1 Init -> Listen (Startup)",
        "0 r2 Init -> Listen (Startup)",
        "0 r3 Init -> Listen (Startup)",
        "6218.750 r1 Listen -> Active (ActiveSilent)",
        "20000 r1 killed",
        "24829.125 r2 Listen -> Active (ActiveLost)",
        "30000 r1 Init -> Listen (Startup)",
        "36218.750 r1 Listen -> Active (LowerActiveOutlasted)",
        "36219.750 r2 Active -> Listen (Outranked)",
        "40000 r1 Active -> Init (Shutdown)",
        "40610.375 r2 Listen -> Active (ActiveResigned)",
    ];
    assert_eq!(lan.story(50_000), expected);
}

/// 110 with preemption, two of 100 of which the higher address leads; Hello every 3 s, hold time 10 s.
#[test]
fn hsrp_three_and_ten_seconds() {
    let routers = [candidate(110, 1), patient(candidate(100, 2)), patient(candidate(100, 3))];
    let mut lan = Lan::new(Rules::HSRP, &routers.map(|me| paced(3, me)));
    for router in 1..=3 {
        lan.start(0, router);
    }
    lan.kill(60_000, 1);
    lan.start(120_000, 1);
    lan.stop(180_000, 1);
    let expected = [
        "0 r1 Init -> Listen (Startup)",
        "0 r2 Init -> Listen (Startup)",
        "0 r3 Init -> Listen (Startup)",
        "10000 r1 Listen -> Speak (ActiveSilent)",
        "10000 r2 Listen -> Speak (ActiveSilent)",
        "10000 r3 Listen -> Speak (ActiveSilent)",
        "10001 r2 Speak -> Listen (HigherContender)",
        "10001 r3 Speak -> Listen (HigherContender)",
        "20000 r1 Speak -> Standby (StandbySilent)",
        "20000 r1 Standby -> Active (ActiveSilent)",
        "20000 r2 Listen -> Speak (ActiveSilent)",
        "20000 r3 Listen -> Speak (ActiveSilent)",
        "20001 r2 Speak -> Listen (HigherContender)",
        "20001 r3 Speak -> Listen (HigherContender)",
        "30001 r2 Listen -> Speak (StandbySilent)",
        "30001 r3 Listen -> Speak (StandbySilent)",
        "30002 r2 Speak -> Listen (HigherContender)",
        "40001 r3 Speak -> Standby (StandbySilent)",
        "60000 r1 killed",
        "69031.087 r2 Listen -> Speak (ActiveLost)",
        "69031.087 r3 Standby -> Active (ActiveLost)",
        "79031.087 r2 Speak -> Standby (StandbySilent)",
        "120000 r1 Init -> Listen (Startup)",
        "120374.051 r1 Listen -> Speak (LowerStandby)",
        "120375.051 r2 Standby -> Listen (HigherContender)",
        "122146.148 r1 Speak -> Active (LowerActiveChallenged)",
        "122147.148 r3 Active -> Speak (Couped)",
        "130375.051 r2 Listen -> Speak (StandbySilent)",
        "130665.160 r2 Speak -> Listen (HigherContender)",
        "132147.148 r3 Speak -> Standby (StandbySilent)",
        "180000 r1 Active -> Init (Shutdown)",
        "180001 r2 Listen -> Speak (ActiveResigned)",
        "180001 r3 Standby -> Active (ActiveResigned)",
        "190001 r2 Speak -> Standby (StandbySilent)",
    ];
    assert_eq!(lan.story(200_000), expected);
}

/// 110 with preemption, 100, 90; Hello every 3 s, hold time 10 s.
#[test]
fn glbp_gateway_three_and_ten_seconds() {
    let routers = [candidate(110, 1), patient(candidate(100, 2)), patient(candidate(90, 3))];
    let mut lan = Lan::new(Rules::GLBP_GATEWAY, &routers.map(|me| paced(3, me)));
    for router in 1..=3 {
        lan.start(0, router);
    }
    lan.kill(60_000, 1);
    lan.start(120_000, 1);
    lan.stop(180_000, 1);
    let expected = [
        "0 r1 Init -> Listen (Startup)",
        "0 r2 Init -> Listen (Startup)",
        "0 r3 Init -> Listen (Startup)",
        "10000 r1 Listen -> Speak (ActiveSilent)",
        "10000 r2 Listen -> Speak (ActiveSilent)",
        "10000 r3 Listen -> Speak (ActiveSilent)",
        "10001 r2 Speak -> Listen (HigherContender)",
        "10001 r3 Speak -> Listen (HigherContender)",
        "20000 r1 Speak -> Standby (StandbySilent)",
        "20000 r1 Standby -> Active (ActiveSilent)",
        "20000 r2 Listen -> Speak (ActiveSilent)",
        "20000 r3 Listen -> Speak (ActiveSilent)",
        "20001 r2 Speak -> Listen (HigherContender)",
        "20001 r3 Speak -> Listen (HigherContender)",
        "30001 r2 Listen -> Speak (StandbySilent)",
        "30001 r3 Listen -> Speak (StandbySilent)",
        "30002 r3 Speak -> Listen (HigherContender)",
        "40001 r2 Speak -> Standby (StandbySilent)",
        "60000 r1 killed",
        "69031.087 r2 Standby -> Active (ActiveLost)",
        "69031.087 r3 Listen -> Speak (ActiveLost)",
        "79031.087 r3 Speak -> Standby (StandbySilent)",
        "120000 r1 Init -> Listen (Startup)",
        "120317.489 r1 Listen -> Speak (LowerActiveChallenged)",
        "120318.489 r3 Standby -> Listen (HigherContender)",
        "122987.266 r1 Speak -> Active (LowerActiveChallenged)",
        "122988.266 r2 Active -> Speak (Outranked)",
        "130318.489 r3 Listen -> Speak (StandbySilent)",
        "131084.752 r3 Speak -> Listen (HigherContender)",
        "132988.266 r2 Speak -> Standby (StandbySilent)",
        "180000 r1 Active -> Init (Shutdown)",
        "180001 r2 Standby -> Active (ActiveResigned)",
        "180001 r3 Listen -> Speak (ActiveResigned)",
        "190001 r3 Speak -> Standby (StandbySilent)",
    ];
    assert_eq!(lan.story(200_000), expected);
}

/// A primary (167) and two secondaries (135) that learn of the forwarder from it; preemption after 30 s.
#[test]
fn glbp_forwarder_thirty_seconds_delay() {
    let preempt = Preempt::After(Duration::from_secs(30));
    let routers = [candidate(167, 1), candidate(135, 2), candidate(135, 3)];
    let mut lan = Lan::new(Rules::GLBP_FORWARDER, &routers.map(|me| paced(3, Candidacy { preempt, ..me })));
    lan.start(0, 1);
    lan.start(11_000, 2);
    lan.start(11_000, 3);
    lan.kill(60_000, 1);
    lan.start(120_000, 1);
    lan.stop(180_000, 1);
    let expected = [
        "0 r1 Init -> Listen (Startup)",
        "10000 r1 Listen -> Active (ActiveSilent)",
        "11000 r2 Init -> Listen (Startup)",
        "11000 r3 Init -> Listen (Startup)",
        "60000 r1 killed",
        "68001 r2 Listen -> Active (ActiveLost)",
        "68001 r3 Listen -> Active (ActiveLost)",
        "68002 r2 Active -> Listen (Outranked)",
        "120000 r1 Init -> Listen (Startup)",
        "152002 r1 Listen -> Active (LowerActiveChallenged)",
        "152003 r3 Active -> Listen (Outranked)",
        "180000 r1 Active -> Init (Shutdown)",
        "180001 r2 Listen -> Active (ActiveResigned)",
        "180001 r3 Listen -> Active (ActiveResigned)",
        "180002 r2 Active -> Listen (Outranked)",
    ];
    assert_eq!(lan.story(200_000), expected);
}
