//! What the transition table of RFC 2281 does not show: who is known to hold which role. Times are microseconds.

use fhrp_election::{Cause, Claim, Effect, Rank, Rules, State};

use crate::router::{Router, active, advert, candidate, rank};

const SECOND: u64 = 1_000_000;

fn listener() -> Router {
    let mut router = Router::new(Rules::HSRP, candidate(100, 2));
    router.start(0);
    router.hear(SECOND, active(150, 3));
    router.hear(SECOND, advert(Claim::Standby, 140, 4));
    router
}

fn active_rank(router: &Router) -> Option<Rank> {
    router.election.active().map(|heard| heard.rank)
}

fn standby_rank(router: &Router) -> Option<Rank> {
    router.election.standby().map(|heard| heard.rank)
}

#[test]
fn a_standby_router_that_becomes_active_is_standby_no_more() {
    let mut router = listener();
    assert_eq!((active_rank(&router), standby_rank(&router)), (Some(rank(150, 3)), Some(rank(140, 4))));
    router.hear(2 * SECOND, active(140, 4));
    assert_eq!((active_rank(&router), standby_rank(&router)), (Some(rank(140, 4)), None));
    assert_eq!(router.election.timers().standby.map(|at| at.as_micros()), Some(11 * SECOND), "still awaited");
}

#[test]
fn an_active_router_knows_its_standby_router_until_that_falls_silent() {
    let mut router = Router::new(Rules::HSRP, candidate(100, 2));
    router.start(0);
    router.timeout(10 * SECOND);
    router.timeout(20 * SECOND);
    assert_eq!(router.election.state(), State::Active);
    router.hear(21 * SECOND, advert(Claim::Standby, 90, 4));
    router.timeout(30 * SECOND);
    assert_eq!(standby_rank(&router), Some(rank(90, 4)));
    router.timeout(31 * SECOND);
    assert_eq!((standby_rank(&router), router.election.state()), (None, State::Active));
}

#[test]
fn a_listener_that_coups_still_knows_the_standby_router() {
    let mut router = listener();
    let effects = router.hear(2 * SECOND, active(90, 3));
    assert_eq!(effects.first(), Some(&Effect::Coup));
    assert_eq!((active_rank(&router), standby_rank(&router)), (None, Some(rank(140, 4))));
}

#[test]
fn a_resignation_counts_only_from_the_router_that_is_followed() {
    let mut router = listener();
    assert_eq!(router.hear(2 * SECOND, advert(Claim::Resign, 100, 9)), []);
    let cause = Cause::ActiveResigned;
    let speaks = Effect::Moved { from: State::Listen, to: State::Speak, cause };
    assert_eq!(router.hear(3 * SECOND, advert(Claim::Resign, 100, 3)), [speaks, Effect::Advertise]);
    assert_eq!(active_rank(&router), None);
}

#[test]
fn defending_coups_are_limited_to_two_an_interval() {
    let mut router = Router::new(Rules::HSRP, candidate(100, 2));
    router.start(0);
    router.timeout(10 * SECOND);
    router.timeout(20 * SECOND);
    assert_eq!(router.hear(20 * SECOND + 1, active(90, 3)), [Effect::Coup]);
    assert_eq!(router.hear(20 * SECOND + 400_000, active(90, 3)), []);
    assert_eq!(router.hear(20 * SECOND + 500_001, active(90, 3)), [Effect::Coup]);
}

/// One that is active since 20 s; its hello time is 1 s.
fn active_router() -> Router {
    let mut router = Router::new(Rules::HSRP, candidate(100, 2));
    router.start(0);
    router.timeout(10 * SECOND);
    router.timeout(20 * SECOND);
    router
}

/// Captures: intervals of 2.40 to 3.07 s with a hello time of 3 s, all over that range.
#[test]
fn hellos_come_after_four_fifths_to_the_whole_of_the_hello_time() {
    let mut router = active_router();
    let mut intervals = Vec::new();
    for _ in 0..1000 {
        let due = router.deadline().unwrap();
        assert_eq!(router.timeout(due), [Effect::Advertise]);
        intervals.push(router.deadline().unwrap() - due);
    }
    let (shortest, longest) = (intervals.iter().min().unwrap(), intervals.iter().max().unwrap());
    assert!((800_000..802_000).contains(shortest), "{shortest}");
    assert!((998_000..=SECOND).contains(longest), "{longest}");
}

/// Captures: an active router that hears a higher one resigns, and says that it speaks.
#[test]
fn an_active_router_that_is_outranked_resigns() {
    let mut router = active_router();
    let effects = router.hear(21 * SECOND, active(200, 3));
    assert!(
        matches!(
            effects.as_slice(),
            [Effect::Moved { to: State::Speak, .. }, Effect::Resign, Effect::Advertise]
        ),
        "{effects:?}"
    );
}

/// RFC 2281 §5: events f and j ask for a higher router, h and l for a lower one. One of equal rank, which has this one's
/// address by mistake, is neither: no role is taken from a twin.
#[test]
fn a_router_of_equal_rank_is_neither_higher_nor_lower() {
    let twin = |claim| advert(claim, 100, 2);
    let mut listening = listener();
    assert_eq!(listening.hear(2 * SECOND, twin(Claim::Active)), []);
    assert_eq!(listening.hear(2 * SECOND, twin(Claim::Standby)), []);
    assert_eq!(listening.election.state(), State::Listen);

    let mut speaking = Router::new(Rules::HSRP, candidate(100, 2));
    speaking.start(0);
    speaking.timeout(10 * SECOND);
    assert_eq!(speaking.election.state(), State::Speak);
    assert_eq!(speaking.hear(11 * SECOND, twin(Claim::Speak)), [], "neither gives way");
    speaking.hear(11 * SECOND, twin(Claim::Standby));
    assert_eq!(speaking.election.state(), State::Listen, "the role is taken");

    let mut active = active_router();
    assert_eq!(active.hear(21 * SECOND, twin(Claim::Coup)), []);
    assert_eq!(active.election.state(), State::Active);
}
