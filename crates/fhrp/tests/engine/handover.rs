//! A router that stops leaves its dataplane in place until another has taken over.

use std::time::Duration;

use fhrp::VrrpSettings;

use super::router::*;

/// Active, serving, and stopped at 10 s.
fn stopped(interval: Duration) -> Router {
    stopped_with(interval, None)
}

/// The same with a patience of its own.
fn stopped_with(interval: Duration, patience: Option<Duration>) -> Router {
    let settings = VrrpSettings { advertisement_interval: interval, ..settings() };
    let mut router = Router::new(settings).0;
    let seen = router.until(ms(5000));
    router.acknowledge(ms(5000), &seen);
    if let Some(patience) = patience {
        router.0.set_stop_linger(patience);
    }
    router.0.stop(ms(10_000));
    router.see();
    router
}

#[test]
fn short_intervals_are_waited_for() {
    assert_eq!(stopped(Duration::from_millis(100)).0.handover_deadline(), Some(ms(10_080)));
    assert_eq!(stopped(Duration::from_millis(10)).0.handover_deadline(), Some(ms(10_080)));
}

#[test]
fn long_ones_are_not_unless_that_is_wished() {
    let second = Duration::from_secs(1);
    assert_eq!(stopped(second).0.handover_deadline(), None);
    assert_eq!(stopped_with(second, Some(second)).0.handover_deadline(), Some(ms(11_000)));
}

#[test]
fn none_are_where_that_is_wished() {
    let patience = Some(Duration::ZERO);
    assert_eq!(stopped_with(Duration::from_millis(100), patience).0.handover_deadline(), None);
}

#[test]
fn a_router_that_serves_nobody_ends_at_once() {
    let settings = VrrpSettings { advertisement_interval: Duration::from_millis(100), ..settings() };
    let mut router = Router::new(settings).0;
    router.hear(ms(10), &says(200).frame());
    router.0.stop(ms(20));
    assert_eq!(router.0.handover_deadline(), None);
}

#[test]
fn the_successor_s_advert_shortens_the_wait_and_nothing_else_does() {
    let mut router = stopped(Duration::from_millis(100));
    assert_eq!(router.hear(ms(10_010), &says(0).frame()).frames.len(), 0);
    assert_eq!(router.0.handover_deadline(), Some(ms(10_080)), "one that resigns succeeds nobody");
    let mut other = says(200);
    other.vrid += 1;
    router.hear(ms(10_020), &other.frame());
    assert_eq!(router.0.handover_deadline(), Some(ms(10_080)), "another group's");
    let seen = router.hear(ms(10_061), &says(100).frame());
    assert_eq!(router.0.handover_deadline(), Some(ms(10_071)), "a moment for its kernel");
    assert_eq!(
        (seen.frames.len(), seen.programs.len(), seen.notices.len()),
        (0, 0, 0),
        "nothing else happens"
    );
}
