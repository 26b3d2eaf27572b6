//! RFC 9568 §6, requirement by requirement. Addresses: this router is 10.0.0.2. Times are microseconds.

use std::time::Duration;

use fhrp_election::{Advert, Candidacy, Cause, Claim, Effect, Preempt, Rank, Rules, State};

use crate::router::{Router, active, advert, candidate, rank};

fn moved(from: State, to: State, cause: Cause) -> Effect {
    Effect::Moved { from, to, cause }
}

#[test]
fn rfc9568_6_4_1_owner_starts_active() {
    let mut owner = Router::v3(255);
    let expected = [moved(State::Init, State::Active, Cause::OwnerStartup), Effect::Advertise];
    assert_eq!(owner.start(0), expected);
    assert_eq!(owner.deadline(), Some(1_000_000));

    let flagged = Candidacy { owner: true, ..candidate(100, 2) };
    assert_eq!(Router::new(Rules::VRRP_V3, flagged).start(0), expected);
}

#[test]
fn rfc9568_6_4_1_others_start_as_backup() {
    let mut router = Router::v3(254);
    assert_eq!(router.start(500), [moved(State::Init, State::Listen, Cause::Startup)]);
    assert_eq!(router.deadline(), Some(500 + 3_007_812));
    assert_eq!(router.election.learned_interval(), Duration::from_secs(1));
    assert_eq!(router.start(600), []);
    assert_eq!(router.deadline(), Some(500 + 3_007_812));
}

#[test]
fn rfc9568_6_4_2_backup_stops_without_a_packet() {
    let mut router = Router::v3(100);
    router.start(0);
    assert_eq!(router.stop(1_000), [moved(State::Listen, State::Init, Cause::Shutdown)]);
    assert_eq!(router.deadline(), None);
    assert_eq!(router.stop(2_000), []);
}

#[test]
fn rfc9568_6_4_2_backup_takes_over_when_its_timer_fires() {
    let mut router = Router::v3(100);
    router.start(0);
    assert_eq!(router.timeout(3_609_374), []);
    assert_eq!(
        router.timeout(3_609_375),
        [moved(State::Listen, State::Active, Cause::ActiveSilent), Effect::Advertise]
    );
    assert_eq!(router.deadline(), Some(4_609_375));
}

#[test]
fn rfc9568_6_4_2_priority_zero_leaves_a_skew() {
    let mut router = Router::v3(100);
    router.start(0);
    router.hear(1_000_000, active(200, 3));
    assert_eq!(router.hear(2_000_000, advert(Claim::Resign, 0, 3)), []);
    assert_eq!(router.deadline(), Some(2_609_375));
    assert_eq!(router.election.active(), None);
    assert_eq!(
        router.timeout(2_609_375),
        [moved(State::Listen, State::Active, Cause::ActiveResigned), Effect::Advertise]
    );
}

#[test]
fn rfc9568_6_4_2_the_skew_after_priority_zero_is_of_the_learned_interval() {
    let mut router = Router::v3(100);
    router.start(0);
    router.hear(0, Advert { hello: Duration::from_millis(100), ..active(200, 3) });
    router.hear(1_000, advert(Claim::Resign, 0, 3));
    assert_eq!(router.deadline(), Some(1_000 + 60_937));
    router.hear(2_000, advert(Claim::Resign, 0, 3));
    assert_eq!(
        router.deadline(),
        Some(2_000 + 60_937),
        "a second resignation gives a skew again, and no more"
    );
}

#[test]
fn rfc9568_6_4_2_an_advert_after_priority_zero_is_believed() {
    let mut router = Router::v3(100);
    router.start(0);
    router.hear(1_000_000, advert(Claim::Resign, 0, 3));
    router.hear(1_100_000, active(200, 4));
    assert_eq!(
        router.timeout(1_100_000 + 3_609_375),
        [
            moved(
                State::Listen,
                State::Active,
                Cause::ActiveLost { lost: rank(200, 4), silent: Duration::from_micros(3_609_375) }
            ),
            Effect::Advertise
        ]
    );
}

#[test]
fn rfc9568_6_4_2_backup_learns_from_the_advert_it_accepts() {
    let mut router = Router::v3(100);
    router.start(0);
    assert_eq!(router.hear(1_000_000, Advert { hello: Duration::from_secs(2), ..active(100, 1) }), []);
    assert_eq!(router.election.learned_interval(), Duration::from_secs(2));
    assert_eq!(router.election.skew(), Duration::from_micros(1_218_750));
    assert_eq!(router.election.active_down_interval(), Duration::from_micros(7_218_750));
    assert_eq!(router.deadline(), Some(8_218_750));
    let heard = router.election.active().unwrap();
    assert_eq!((heard.rank, heard.at.as_micros()), (rank(100, 1), 1_000_000));
}

#[test]
fn rfc9568_6_4_2_preempting_backup_discards_lower() {
    let mut router = Router::v3(100);
    router.start(0);
    assert_eq!(router.hear(1_000_000, Advert { hello: Duration::from_secs(2), ..active(99, 3) }), []);
    assert_eq!(router.deadline(), Some(3_609_375));
    assert_eq!(router.election.learned_interval(), Duration::from_secs(1));
    assert_eq!(router.election.active().unwrap().rank, rank(99, 3), "but it is known to be active");
    let cause = Cause::LowerActiveOutlasted { lower: rank(99, 3) };
    assert_eq!(router.timeout(3_609_375), [moved(State::Listen, State::Active, cause), Effect::Advertise]);
    assert_eq!(router.election.active(), None);
}

#[test]
fn rfc9568_6_4_2_backup_without_preemption_accepts_lower() {
    let mut router = Router::new(Rules::VRRP_V3, Candidacy { preempt: Preempt::Never, ..candidate(100, 2) });
    router.start(0);
    router.hear(1_000_000, active(1, 3));
    assert_eq!(router.deadline(), Some(4_609_375));
}

#[test]
fn rfc9568_6_4_3_active_resigns_when_stopped() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.stop(5_000_000), [Effect::Resign, moved(State::Active, State::Init, Cause::Shutdown)]);
    assert_eq!(router.deadline(), None);
}

#[test]
fn rfc9568_6_4_3_adverts_do_not_drift() {
    let mut router = Router::v3(100);
    router.start(0);
    router.timeout(3_609_375);
    for n in 1..=100 {
        let due = 3_609_375 + n * 1_000_000;
        assert_eq!(router.deadline(), Some(due));
        assert_eq!(router.timeout(due + 400), [Effect::Advertise], "0.4 ms late, each time");
    }
}

#[test]
fn rfc9568_6_4_3_missed_adverts_are_not_made_up_for() {
    let mut router = Router::v3(255);
    router.start(0);
    assert_eq!(router.timeout(1_999_999), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(2_000_000));
    assert_eq!(router.timeout(7_500_000), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(8_500_000));
    assert_eq!(router.timeout(9_500_000), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(10_500_000), "a whole interval late is as late as more");
}

#[test]
fn rfc9568_6_4_3_active_answers_priority_zero_and_resets_its_timer() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.deadline(), Some(5_000_000));
    assert_eq!(router.hear(4_600_000, advert(Claim::Resign, 0, 3)), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(5_600_000));
}

#[test]
fn rfc9568_6_4_3_two_priority_zero_an_interval_are_all_answered() {
    let mut router = Router::v3_active(100);
    let answered = (0..16).filter(|n| {
        let jitter = if n % 2 == 0 { 0 } else { 30_000 };
        !router.hear(5_000_000 + n * 500_000 - jitter, advert(Claim::Resign, 0, 3)).is_empty()
    });
    assert_eq!(answered.count(), 16);
}

#[test]
fn rfc9568_6_4_3_a_storm_of_priority_zero_gets_four_answers_an_interval() {
    let mut router = Router::v3_active(100);
    let answered =
        (0..1_000).filter(|n| !router.hear(4_000_000 + n * 1_000, advert(Claim::Resign, 0, 3)).is_empty());
    assert_eq!(answered.count(), 4);
}

#[test]
fn rfc9568_6_4_3_active_yields_to_higher() {
    let mut router = Router::v3_active(100);
    let higher = Advert { hello: Duration::from_secs(2), ..active(101, 1) };
    let cause = Cause::Outranked { by: rank(101, 1) };
    assert_eq!(router.hear(4_500_000, higher), [moved(State::Active, State::Listen, cause)]);
    assert_eq!(router.election.learned_interval(), Duration::from_secs(2));
    assert_eq!(router.deadline(), Some(4_500_000 + 7_218_750), "the hello timer is gone");
}

#[test]
fn rfc9568_6_4_3_ties_break_by_unsigned_address() {
    let cases = [
        ("9.0.0.1", "200.0.0.1", true),
        ("200.0.0.1", "9.0.0.1", false),
        ("127.255.255.255", "128.0.0.0", true),
        ("fe80::7fff:ffff:ffff:ffff", "fe80::8000:0:0:1", true),
        ("fe80::8000:0:0:1", "fe80::1", false),
        ("10.0.0.2", "10.0.0.2", false),
    ];
    for (own, other, yields) in cases {
        let me =
            Candidacy { rank: Rank { priority: 100, address: own.parse().unwrap() }, ..candidate(100, 2) };
        let mut router = Router::new(Rules::VRRP_V3, me);
        router.start(0);
        router.timeout(4_000_000);
        let from = Rank { priority: 100, address: other.parse().unwrap() };
        router.hear(4_100_000, Advert { from, ..active(100, 1) });
        let expected = if yields { State::Listen } else { State::Active };
        assert_eq!(router.election.state(), expected, "{own} hears {other}");
    }
}

#[test]
fn rfc9568_6_4_3_a_losing_advert_is_answered_at_once() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.hear(4_100_000, active(99, 3)), [Effect::Advertise]);
    assert_eq!(router.deadline(), Some(5_000_000), "the hello timer is left running");
    assert_eq!(router.hear(4_599_999, active(99, 3)), [], "half an interval has not passed");
    assert_eq!(router.hear(4_600_000, active(99, 3)), [Effect::Advertise]);
}

#[test]
fn rfc9568_6_4_3_an_answer_that_could_not_be_given_is_not_counted() {
    let mut router = Router::v3_active(100);
    assert_eq!(router.hear(4_100_000, active(99, 3)), [Effect::Advertise]);
    router.election.withdraw_answer();
    assert_eq!(router.hear(4_100_001, active(99, 3)), [Effect::Advertise]);
    assert_eq!(router.hear(4_100_002, active(99, 3)), [], "this one was given");
}

#[test]
fn rfc9568_6_1_owner_preempts_whatever_its_setting() {
    let me = Candidacy { owner: true, preempt: Preempt::Never, ..candidate(255, 2) };
    let mut router = Router::new(Rules::VRRP_V3, me);
    router.start(0);
    router.hear(100_000, active(255, 3));
    assert_eq!(router.election.state(), State::Listen);
    router.hear(1_100_000, active(254, 3));
    assert_eq!(router.deadline(), Some(100_000 + 3_003_906), "the lower advert has not given it more time");
}

#[test]
fn rfc9568_6_1_preempt_mode_is_not_asked_while_active() {
    let mut router = Router::new(Rules::VRRP_V3, Candidacy { preempt: Preempt::Never, ..candidate(100, 2) });
    router.start(0);
    router.timeout(4_000_000);
    assert_eq!(router.hear(4_100_000, active(99, 3)), [Effect::Advertise]);
    router.hear(4_200_000, active(101, 3));
    assert_eq!(router.election.state(), State::Listen);
}

#[test]
fn rfc9568_6_1_skew_and_down_interval() {
    let cases = [
        (1, 996_093, 3_996_093),
        (100, 609_375, 3_609_375),
        (128, 500_000, 3_500_000),
        (200, 218_750, 3_218_750),
        (254, 7_812, 3_007_812),
        (255, 3_906, 3_003_906),
    ];
    for (priority, skew, down) in cases {
        let election = Router::v3(priority).election;
        assert_eq!(election.skew(), Duration::from_micros(skew), "priority {priority}");
        assert_eq!(election.active_down_interval(), Duration::from_micros(down), "priority {priority}");
    }
}

#[test]
fn rfc9568_6_1_close_priorities_differ_at_ten_milliseconds() {
    let skew = |priority| {
        let me = Candidacy { hello: Duration::from_millis(10), ..candidate(priority, 2) };
        Router::new(Rules::VRRP_V3, me).election.skew()
    };
    assert_eq!(skew(200), Duration::from_micros(2_187));
    assert_eq!(skew(201), Duration::from_micros(2_148));
}

#[test]
fn rfc9568_8_3_2_of_two_owners_the_higher_address_stays() {
    let mut low = Router::new(Rules::VRRP_V3, candidate(255, 1));
    let mut high = Router::new(Rules::VRRP_V3, candidate(255, 2));
    low.start(0);
    high.start(0);
    assert_eq!(high.hear(100, active(255, 1)), [Effect::Advertise]);
    let cause = Cause::Outranked { by: rank(255, 2) };
    assert_eq!(low.hear(100, active(255, 2)), [moved(State::Active, State::Listen, cause)]);
}

#[test]
fn rfc9568_8_4_2_backup_times_out_on_the_announced_rate() {
    let me = Candidacy { hello: Duration::from_millis(100), ..candidate(100, 2) };
    let mut router = Router::new(Rules::VRRP_V3, me);
    router.start(0);
    router.hear(0, Advert { hello: Duration::from_secs(1), ..active(200, 3) });
    assert_eq!(router.deadline(), Some(3_609_375));
}

#[test]
fn a_packet_may_be_older_than_the_timeout_before_it() {
    let mut router = Router::v3_active(100);
    router.timeout(5_000_000);
    assert_eq!(router.hear(4_999_000, active(99, 3)), [Effect::Advertise]);
    router.hear(4_999_500, active(101, 3));
    assert_eq!(router.deadline(), Some(4_999_500 + 3_609_375));
}

#[test]
fn causes_read_as_sentences() {
    let lower = rank(99, 3);
    assert_eq!(Cause::ActiveSilent.to_string(), "no active router was heard");
    assert_eq!(
        Cause::ActiveLost { lost: lower, silent: Duration::from_micros(3_609_375) }.to_string(),
        "the active router 10.0.0.3 (priority 99) was silent for 3.609375s"
    );
    assert_eq!(
        Cause::LowerActiveOutlasted { lower }.to_string(),
        "it outranks the active router 10.0.0.3 (priority 99), now outlasted"
    );
}
