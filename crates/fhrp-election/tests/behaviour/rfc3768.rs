//! Where RFC 3768 differs from RFC 9568. Times are microseconds.

use std::time::Duration;

use fhrp_election::{Advert, Candidacy, Effect, Rules, State};

use crate::router::{Router, active, candidate};

fn v2(priority: u8, seconds: u64) -> Router {
    let me = Candidacy { hello: Duration::from_secs(seconds), ..candidate(priority, 2) };
    Router::new(Rules::VRRP_V2, me)
}

#[test]
fn rfc3768_6_1_skew_is_of_a_second_whatever_the_interval() {
    let election = v2(100, 5).election;
    assert_eq!(election.skew(), Duration::from_micros(609_375));
    assert_eq!(election.active_down_interval(), Duration::from_micros(15_609_375));
}

#[test]
fn rfc3768_6_4_2_no_interval_is_learned() {
    let mut router = v2(100, 1);
    router.start(0);
    router.hear(0, Advert { hello: Duration::from_secs(9), ..active(200, 3) });
    assert_eq!(router.election.learned_interval(), Duration::from_secs(1));
    assert_eq!(router.deadline(), Some(3_609_375));
}

#[test]
fn rfc3768_6_4_3_a_losing_advert_is_only_discarded() {
    let mut router = v2(100, 1);
    router.start(0);
    router.timeout(4_000_000);
    assert_eq!(router.hear(4_100_000, active(99, 3)), []);
    assert_eq!(router.hear(4_200_000, active(100, 1)), []);
    assert_eq!(router.deadline(), Some(5_000_000));
}

#[test]
fn rfc3768_6_4_3_priority_zero_is_answered() {
    let mut router = v2(100, 1);
    router.start(0);
    router.timeout(4_000_000);
    let resign = Advert { claim: fhrp_election::Claim::Resign, ..active(0, 3) };
    assert_eq!(router.hear(4_100_000, resign), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(5_100_000));
    assert_eq!(router.election.state(), State::Active);
}
