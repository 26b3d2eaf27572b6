//! Flaws that show within a few runs are caught; `fhrp-sim --flaws` tries all of them.

use fhrp_sim::{Checker, Flaw, Protocol, Trial, Watch, caught};

#[test]
fn flaws_that_show_early_are_caught() {
    let early = [
        Flaw::AnnouncesEarly,
        Flaw::TakesOverSilently,
        Flaw::AnnouncementMissing,
        Flaw::GateOpenAsBackup,
        Flaw::BusyLoop,
        Flaw::Storm,
        Flaw::PreemptOnIgnored,
    ];
    for protocol in [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp] {
        for flaw in early {
            let trial = Trial { flaw: Some(flaw), watch: Watch::All };
            assert!(caught(protocol, trial, 30).is_some(), "{protocol} {}", flaw.name());
        }
    }
}

#[test]
fn flaws_of_forwarders_are_caught_by_the_checkers_that_are_for_them() {
    for (flaw, checker) in [
        (Flaw::OwnerIgnored, Checker::Ownership),
        (Flaw::TimeoutEndless, Checker::Lifetimes),
        (Flaw::OwnNotListed, Checker::Lists),
        (Flaw::AssignsTaken, Checker::Assigns),
        (Flaw::TellsUnserved, Checker::HandsOut),
        (Flaw::StandbyAnswers, Checker::Answers),
        (Flaw::Unfair, Checker::Balances),
        (Flaw::ForwarderNeverYields, Checker::OneForwarder),
    ] {
        let trial = Trial { flaw: Some(flaw), watch: Watch::Only(checker) };
        let seen = caught(Protocol::Glbp, trial, 30).map(|(_, checker)| checker);
        assert_eq!(seen, Some(checker), "{}", flaw.name());
    }
}

#[test]
fn a_checker_that_looks_alone_sees_what_others_would_have_seen_before() {
    let trial = |watch| Trial { flaw: Some(Flaw::PreemptOnIgnored), watch };
    let seen = |watch| caught(Protocol::Vrrp, trial(watch), 30).map(|(_, checker)| checker);
    assert_ne!(seen(Watch::All), Some(Checker::Preempts));
    assert_eq!(seen(Watch::Only(Checker::Preempts)), Some(Checker::Preempts));
}
