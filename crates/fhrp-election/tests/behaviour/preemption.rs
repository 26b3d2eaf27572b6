//! When a lower-ranked active router is pushed aside, and from when a delay counts. Times are microseconds.

use std::time::Duration;

use fhrp_election::{Candidacy, Cause, Claim, Effect, Preempt, Rules, State};

use crate::router::{Router, active, advert, candidate, rank};

const SECOND: u64 = 1_000_000;

fn delayed(rules: Rules, seconds: u64) -> Router {
    let preempt = Preempt::After(Duration::from_secs(seconds));
    let mut router = Router::new(rules, Candidacy { preempt, ..candidate(100, 2) });
    router.start(0);
    router
}

#[test]
fn outlasting_begins_when_the_delay_is_over() {
    let mut router = delayed(Rules::VRRP_V3, 5);
    for second in 1..=5 {
        router.hear(second * SECOND, active(50, 3));
        assert_eq!(router.deadline(), Some(second * SECOND + 3_609_375), "followed like any other");
    }
    for second in 6..=8 {
        assert_eq!(router.hear(second * SECOND, active(50, 3)), [], "counted from the first one, at 1 s");
        assert_eq!(router.deadline(), Some(8_609_375), "given no more time");
    }
    let cause = Cause::LowerActiveOutlasted { lower: rank(50, 3) };
    let moved = Effect::Moved { from: State::Listen, to: State::Active, cause };
    assert_eq!(router.timeout(8_609_375), [moved, Effect::Advertise]);
}

#[test]
fn a_better_active_router_cancels_the_delay() {
    for better in [active(101, 4), active(100, 1)] {
        let mut router = delayed(Rules::VRRP_V3, 5);
        router.hear(SECOND, active(50, 3));
        router.hear(2 * SECOND, better);
        router.hear(4 * SECOND, active(50, 3));
        router.hear(7 * SECOND, active(50, 3));
        assert_eq!(router.deadline(), Some(7 * SECOND + 3_609_375), "counted from 4 s, not from 1 s");
        router.hear(9 * SECOND, active(50, 3));
        assert_eq!(router.deadline(), Some(7 * SECOND + 3_609_375));
    }
}

#[test]
fn a_lost_active_router_cancels_the_delay() {
    let mut router = delayed(Rules::VRRP_V3, 5);
    router.hear(SECOND, active(50, 3));
    router.timeout(SECOND + 3_609_375);
    router.hear(5 * SECOND, active(200, 4));
    router.hear(7 * SECOND, active(50, 3));
    assert_eq!(router.deadline(), Some(7 * SECOND + 3_609_375));
}

#[test]
fn a_delay_does_not_hold_back_the_first_takeover() {
    let mut router = delayed(Rules::VRRP_V3, 300);
    assert_eq!(router.deadline(), Some(3_609_375));
    router.timeout(3_609_375);
    assert_eq!(router.election.state(), State::Active);
}

#[test]
fn rfc2281_event_h_coups_at_the_first_hello_after_the_delay() {
    let mut router = delayed(Rules::HSRP, 30);
    for second in (1..=28).step_by(3) {
        assert_eq!(router.hear(second * SECOND, active(90, 3)), []);
        router.timeout(second * SECOND);
        router.hear(second * SECOND, advert(Claim::Standby, 110, 4));
    }
    let cause = Cause::LowerActiveChallenged { lower: rank(90, 3) };
    let moved = Effect::Moved { from: State::Listen, to: State::Active, cause };
    assert_eq!(router.hear(31 * SECOND, active(90, 3)), [Effect::Coup, moved, Effect::Advertise]);
}

#[test]
fn rfc2281_event_h_without_preemption_follows() {
    let mut router = Router::new(Rules::HSRP, Candidacy { preempt: Preempt::Never, ..candidate(100, 2) });
    router.start(0);
    assert_eq!(router.hear(SECOND, active(90, 3)), []);
    assert_eq!(router.election.timers().active.map(|at| at.as_micros()), Some(11 * SECOND));
}

#[test]
fn a_listener_without_a_coup_message_speaks_first() {
    let mut router = delayed(Rules::GLBP_GATEWAY, 0);
    let cause = Cause::LowerActiveChallenged { lower: rank(90, 3) };
    let speaks = Effect::Moved { from: State::Listen, to: State::Speak, cause };
    assert_eq!(router.hear(SECOND, active(90, 3)), [speaks, Effect::Advertise]);
    let claims = Effect::Moved { from: State::Speak, to: State::Active, cause };
    assert_eq!(router.hear(4 * SECOND, active(90, 3)), [claims, Effect::Advertise]);
}

/// A better standby router that does not preempt sends the challenger back to Listen each time: whether it claimed was a
/// matter of who spoke next.
#[test]
fn a_better_standby_router_holds_up_no_challenger() {
    let mut router = delayed(Rules::GLBP_GATEWAY, 0);
    router.hear(SECOND, active(90, 3));
    assert_eq!(router.election.state(), State::Speak);
    router.hear(2 * SECOND, advert(Claim::Standby, 200, 4));
    assert_eq!(router.election.state(), State::Listen);
    let cause = Cause::LowerActiveChallenged { lower: rank(90, 3) };
    let claims = Effect::Moved { from: State::Listen, to: State::Active, cause };
    assert_eq!(router.hear(4 * SECOND, active(90, 3)), [claims, Effect::Advertise]);
}

#[test]
fn equal_priority_preempts_by_address_only_where_the_rank_is_compared() {
    for (rules, state) in [
        (Rules::VRRP_V2, State::Listen),
        (Rules::VRRP_V3, State::Listen),
        (Rules::GLBP_FORWARDER, State::Listen),
        (Rules::GLBP_GATEWAY, State::Speak),
        (Rules::HSRP, State::Active),
    ] {
        let mut router = delayed(rules, 0);
        router.hear(SECOND, active(100, 1));
        assert_eq!(router.election.state(), state, "{rules:?}");
    }
}

#[test]
fn preemption_can_be_turned_on_while_following() {
    let mut router = Router::new(Rules::VRRP_V3, Candidacy { preempt: Preempt::Never, ..candidate(100, 2) });
    router.start(0);
    router.hear(SECOND, active(50, 3));
    router.retune(SECOND, candidate(100, 2));
    router.hear(2 * SECOND, active(50, 3));
    assert_eq!(router.deadline(), Some(SECOND + 3_609_375));
}
