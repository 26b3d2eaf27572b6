//! Every flaw is caught: a checker that catches nothing is a defect.

use fhrp_sim::{Campaign, Checker, Flaw, Protocol, Trial, Watch};

/// The first seed, out of a thousand, that shows a flaw, and the checker that saw it.
fn caught(protocol: Protocol, flaw: Flaw, watch: Watch) -> Option<(u64, Checker)> {
    let seeds = Campaign {
        protocol,
        from: 0,
        seeds: 1000,
        repeat: 10,
        trial: Trial { flaw: Some(flaw), watch },
        threads: 1,
        stop: true,
    };
    seeds.run().failures.first().map(|failure| (failure.seed, failure.violation.checker))
}

fn missed(protocol: Protocol) -> Vec<&'static str> {
    let flaws = Flaw::ALL.iter().copied().filter(|flaw| flaw.concerns(protocol));
    let mut missed = Vec::new();
    for flaw in flaws {
        match caught(protocol, flaw, Watch::All) {
            Some((seed, checker)) => println!("{:28} seed {seed:4}  {checker}", flaw.name()),
            None => missed.push(flaw.name()),
        }
    }
    missed
}

#[test]
fn every_flaw_of_vrrp_is_caught_within_a_thousand_seeds() {
    assert_eq!(missed(Protocol::Vrrp), [""; 0]);
}

#[test]
fn every_flaw_of_hsrp_is_caught_within_a_thousand_seeds() {
    assert_eq!(missed(Protocol::Hsrp), [""; 0]);
}

/// Checkers of the world are slower than those that look at every call. Alone, each of them sees something all the same.
#[test]
fn checkers_that_are_never_the_first_catch_something_alone() {
    let alone = [
        (Checker::OneActive, Flaw::NeverYields),
        (Checker::SkewOrder, Flaw::SkewDropped),
        (Checker::Converges, Flaw::NeverYields),
        (Checker::Preempts, Flaw::PreemptOnIgnored),
        (Checker::Reaches, Flaw::FaultIgnored),
        (Checker::Tables, Flaw::AnnouncementMissing),
        (Checker::Determinism, Flaw::Unsteady),
    ];
    for (checker, flaw) in alone {
        let seen = caught(Protocol::Vrrp, flaw, Watch::Only(checker));
        assert_eq!(seen.map(|(_, by)| by), Some(checker), "{}", flaw.name());
    }
}
