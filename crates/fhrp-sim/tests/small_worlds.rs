//! All orders of events in small worlds, to a depth that a test has time for; the program goes deeper.

use fhrp_sim::{Checker, Flaw, Protocol, Small, explore};

/// States are counted so that a search that sees nothing is noticed; the floors are far below what is seen.
#[test]
fn no_order_of_events_breaks_a_small_world() {
    for protocol in [Protocol::Vrrp, Protocol::Hsrp] {
        for small in Small::all(protocol) {
            let found = explore(&small, 6, 400, 2);
            assert!(found.violation.is_none(), "{protocol} {}: {:#?}", found.name, found.violation);
            assert!(found.states > 100 && found.transitions > 200, "{protocol} {found:?}");
        }
    }
}

/// Every path begins with twelve seconds in which everybody gets a forwarder.
#[test]
fn no_order_of_events_breaks_a_small_world_of_forwarders() {
    for small in Small::all(Protocol::Glbp) {
        let found = explore(&small, 3, 30, 2);
        assert!(found.violation.is_none(), "{}: {:#?}", found.name, found.violation);
        assert!(found.states > 20 && found.transitions > 40, "{found:?}");
    }
}

/// Two routers of equal priority have to be Active at once: a frame is lost, or timers run together.
#[test]
fn a_reversed_tie_break_is_found_by_a_shortest_path() {
    let mut small = Small::all(Protocol::Vrrp).remove(2);
    small.flaw = Some(Flaw::TieBreakReversed);
    let (violation, path) = explore(&small, 5, 1_000, 1).violation.expect("it is found");
    assert_eq!(violation.checker, Checker::Yields);
    assert_eq!(path.len(), 2, "{path:#?}");
}

/// Before the first choice everybody starts, and in worlds of forwarders twelve seconds go by.
#[test]
fn a_world_that_does_not_begin_well_is_no_empty_one() {
    let begins = |protocol, place: usize, flaw| {
        let mut small = Small::all(protocol).remove(place);
        small.flaw = Some(flaw);
        let (violation, path) = explore(&small, 6, 1_000, 1).violation.expect("it is found");
        assert_eq!(path, [""; 0], "{protocol} {}", small.name);
        violation.checker
    };
    assert_eq!(begins(Protocol::Vrrp, 6, Flaw::AnnouncementMissing), Checker::Announces);
    assert_eq!(begins(Protocol::Glbp, 0, Flaw::OwnNotListed), Checker::Lists);
    for flaw in [Flaw::RequestsIgnored, Flaw::AssignsTaken, Flaw::ForwarderNeverYields] {
        assert_eq!(begins(Protocol::Glbp, 0, flaw), Checker::Assigns);
    }
}

/// Of a search without any choice the first level is the deepest.
#[test]
fn the_deepest_level_has_to_settle_too() {
    let settles = |protocol, place: usize, flaw, depth| {
        let mut small = Small::all(protocol).remove(place);
        small.flaw = flaw;
        let found = explore(&small, depth, 1_000, 2);
        assert_eq!(found.depth, depth, "{found:?}");
        found.violation.map(|(violation, path)| (violation.checker, path.len(), violation.text))
    };
    assert_eq!(settles(Protocol::Vrrp, 4, None, 0), None);
    let (checker, choices, text) =
        settles(Protocol::Vrrp, 4, Some(Flaw::NeverYields), 0).expect("it is found");
    assert_eq!((checker, choices), (Checker::Yields, 0));
    assert!(text.contains("after the choices"), "{text}");
    let (checker, ..) = settles(Protocol::Hsrp, 2, Some(Flaw::TieBreakReversed), 0).expect("it is found");
    assert_eq!(checker, Checker::Succession);
}

#[test]
fn threads_change_nothing() {
    let small = &Small::all(Protocol::Vrrp)[0];
    let [one, two] = [1, 2].map(|threads| explore(small, 8, 10_000, threads));
    assert_eq!((one.states, one.transitions), (two.states, two.transitions));
}
