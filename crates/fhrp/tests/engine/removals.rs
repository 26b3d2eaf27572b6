//! Groups that are gone, and a dataplane that does not let go of them.

use fhrp::{
    Binding, Engine, Family, Gate, GroupId, GroupState, InterfaceName, LinkEvent, NoticeKind, ProgramFault,
    Protocol, Revision, SeatId, VrrpConfig,
};
use fhrp_election::Instant;

use super::router::*;

fn id() -> GroupId {
    let interface = InterfaceName::new("eth0");
    GroupId { interface, protocol: Protocol::Vrrp, family: Family::V4, number: 10 }
}

fn config() -> VrrpConfig {
    VrrpConfig::new(settings()).unwrap()
}

fn fulfil(router: &mut Router, now: Instant, (seat, revision): (SeatId, Revision)) -> Seen {
    router.0.handle_programmed(now, seat, revision, Ok(()));
    router.see()
}

fn refuse(router: &mut Router, now: Instant, (seat, revision): (SeatId, Revision)) -> Seen {
    router.0.handle_programmed(now, seat, revision, Err(ProgramFault("no".into())));
    router.see()
}

fn removal(seen: &Seen) -> (SeatId, Revision) {
    let [(seat, revision, None)] = seen.programs[..] else { panic!("{:?}", seen.programs) };
    (seat, revision)
}

fn refusal() -> NoticeKind {
    NoticeKind::ProgramFault("removing the group: no".into())
}

/// Removed while it is Active, at 4 s.
fn removed() -> (Router, (SeatId, Revision)) {
    let mut router = Router::active();
    router.0.remove(ms(4000), &id()).unwrap();
    let wish = removal(&router.see());
    (router, wish)
}

/// Found in review: the address stayed beside the new Active router for as long as the daemon lived.
#[test]
fn a_removal_that_is_refused_is_asked_for_until_it_is_done() {
    let (mut router, mut wish) = removed();
    assert_eq!(router.0.next_deadline(), None, "an answer is waited for, not a time");
    let mut now = ms(4000);
    for (delay, wait) in [(10, 1000), (10, 2000), (10, 4000)] {
        now = now + std::time::Duration::from_millis(delay);
        assert_eq!(refuse(&mut router, now, wish).notices, [refusal()]);
        let twice = refuse(&mut router, now, wish);
        assert_eq!((twice.notices.len(), twice.programs.len()), (0, 0), "told once");
        now = now + std::time::Duration::from_millis(wait);
        assert_eq!(router.0.next_deadline(), Some(now));
        let again = removal(&router.until(now));
        assert!(again.0 == wish.0 && again.1 > wish.1, "a wish of its own");
        assert_eq!(fulfil(&mut router, now, wish).notices, [], "an answer to an older wish says nothing");
        wish = again;
    }
    assert_eq!(fulfil(&mut router, now, wish).notices, [NoticeKind::Programmed]);
    assert_eq!((router.0.next_deadline(), router.0.status().count()), (None, 0));
    assert_eq!(refuse(&mut router, now, wish).notices, [], "nobody asks any more");
}

#[test]
fn a_removal_that_is_done_is_not_spoken_of() {
    let (mut router, wish) = removed();
    assert_eq!(fulfil(&mut router, ms(4010), wish).notices, []);
    assert_eq!(refuse(&mut router, ms(4020), wish).notices, []);
    assert_eq!(router.0.next_deadline(), None);
}

/// It has a seat of its own, which the other one's removal does not touch.
#[test]
fn the_group_can_come_back_before_what_it_left_is_gone() {
    let (mut router, wish) = removed();
    refuse(&mut router, ms(4010), wish);
    router.0.add(ms(4020), config()).unwrap();
    let seen = router.see();
    let [(seat, revision, Some(Binding { gate: Gate::Closed, .. }))] = seen.programs[..] else {
        panic!("{:?}", seen.programs)
    };
    assert_ne!(seat, wish.0);
    fulfil(&mut router, ms(4030), (seat, revision));
    let again = removal(&router.until(ms(5010)));
    assert_eq!((again.0, router.state()), (wish.0, GroupState::Backup));
    assert_eq!(refuse(&mut router, ms(5020), again).notices, [refusal()]);
    assert_eq!(router.state(), GroupState::Backup, "that is the old group's affair");
    let all = router.until(ms(7019));
    assert!(all.programs.is_empty() && router.status().programmed);
    let last = removal(&router.until(ms(7020)));
    assert_eq!(fulfil(&mut router, ms(7030), last).notices, [NoticeKind::Programmed]);
    router.until(ms(8000));
    assert_eq!(router.state(), GroupState::Active);
}

/// Of a group that waits for its interface nothing should be held either.
#[test]
fn what_was_refused_before_the_group_went_is_asked_for_as_it_goes() {
    for refused in [false, true] {
        let mut router = Router::active();
        router.0.handle_link(ms(4000), LinkEvent::Gone(ETH0));
        let wish = removal(&router.see());
        let answer = if refused { refuse } else { fulfil };
        answer(&mut router, ms(4010), wish);
        router.0.remove(ms(5000), &id()).unwrap();
        let seen = router.see();
        if !refused {
            assert_eq!(seen.programs, [], "all is said and done");
            continue;
        }
        let again = removal(&seen);
        assert!(again.0 == wish.0 && again.1 > wish.1);
        assert_eq!(refuse(&mut router, ms(5010), again).notices, [refusal()]);
        assert_eq!(router.0.next_deadline(), Some(ms(6010)));
    }
}

#[test]
fn a_group_that_never_wished_for_anything_leaves_nothing() {
    let mut router = Router(Engine::new());
    router.0.add(ms(0), config()).unwrap();
    router.0.remove(ms(1), &id()).unwrap();
    let seen = router.see();
    assert_eq!((seen.programs, router.0.next_deadline()), (vec![], None));
}

/// Who stops clears the dataplane as a whole.
#[test]
fn a_router_that_stops_asks_no_more() {
    let (mut router, wish) = removed();
    refuse(&mut router, ms(4010), wish);
    router.0.stop(ms(4100));
    assert_eq!(router.0.next_deadline(), None);
    assert_eq!(router.until(ms(9000)).programs, []);
}
