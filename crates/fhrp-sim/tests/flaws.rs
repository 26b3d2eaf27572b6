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
    for protocol in [Protocol::Vrrp, Protocol::Hsrp] {
        for flaw in early {
            let trial = Trial { flaw: Some(flaw), watch: Watch::All };
            assert!(caught(protocol, trial, 30).is_some(), "{protocol} {}", flaw.name());
        }
    }
}

#[test]
fn a_checker_that_looks_alone_sees_what_others_would_have_seen_before() {
    let trial = |watch| Trial { flaw: Some(Flaw::PreemptOnIgnored), watch };
    let seen = |watch| caught(Protocol::Vrrp, trial(watch), 30).map(|(_, checker)| checker);
    assert_ne!(seen(Watch::All), Some(Checker::Preempts));
    assert_eq!(seen(Watch::Only(Checker::Preempts)), Some(Checker::Preempts));
}
