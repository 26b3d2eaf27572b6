//! What changes at run time, and what goes on undisturbed. Times are microseconds.

use std::time::Duration;

use fhrp_election::{Candidacy, Effect, State};

use crate::router::{Router, active, candidate};

fn every(millis: u64) -> Candidacy {
    Candidacy { hello: Duration::from_millis(millis), ..candidate(100, 2) }
}

#[test]
fn a_changed_priority_changes_the_skew_but_no_running_timer() {
    let mut router = Router::v3(100);
    router.start(0);
    assert_eq!(router.retune(1_000, candidate(200, 2)), []);
    assert_eq!(router.deadline(), Some(3_609_375));
    assert_eq!(router.election.skew(), Duration::from_micros(218_750));
    router.hear(1_000_000, active(220, 3));
    assert_eq!(router.deadline(), Some(1_000_000 + 3_218_750));
}

#[test]
fn an_active_router_counts_a_changed_interval_from_its_last_advert() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.retune(4_100_000, every(300)), []);
    assert_eq!(router.deadline(), Some(4_300_000));
    assert_eq!(router.retune(4_200_000, every(2_000)), []);
    assert_eq!(router.deadline(), Some(6_000_000));
}

#[test]
fn an_advert_that_is_overdue_by_the_new_interval_goes_at_once() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.retune(4_500_000, every(100)), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(4_600_000));
}

#[test]
fn an_active_router_is_not_deposed_by_its_own_lower_priority() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.retune(4_100_000, candidate(10, 2)), []);
    assert_eq!(router.election.state(), State::Active);
    router.hear(4_200_000, active(11, 1));
    assert_eq!(router.election.state(), State::Listen);
}

#[test]
fn a_changed_address_decides_the_next_tie() {
    let mut router = Router::v3_active(100);
    router.retune(4_100_000, candidate(100, 9));
    assert_eq!(router.hear(4_200_000, active(100, 5)), [Effect::Advertise]);
    assert_eq!(router.election.candidacy().rank.address, candidate(100, 9).rank.address);
}

#[test]
fn the_own_interval_counts_until_one_is_learned() {
    let mut router = Router::v3(100);
    router.start(0);
    router.retune(0, every(2_000));
    assert_eq!(router.election.learned_interval(), Duration::from_secs(2));
    router.hear(0, active(200, 3));
    assert_eq!(router.election.learned_interval(), Duration::from_secs(1));
}
