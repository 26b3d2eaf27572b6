//! Every flaw is caught: a checker that catches nothing is a defect.

use fhrp_sim::{Campaign, Checker, Flaw, Protocol};

/// The first seed, out of a thousand, that shows a flaw, and the checker that saw it.
fn caught(flaw: Flaw) -> Option<(u64, Checker)> {
    let seeds = Campaign {
        protocol: Protocol::Vrrp,
        from: 0,
        seeds: 1000,
        repeat: 10,
        flaw: Some(flaw),
        threads: 1,
        stop: true,
    };
    seeds.run().failures.first().map(|failure| (failure.seed, failure.violation.checker))
}

#[test]
fn every_flaw_is_caught_within_a_thousand_seeds() {
    let mut missed = Vec::new();
    for flaw in Flaw::ALL {
        match caught(*flaw) {
            Some((seed, checker)) => println!("{:28} seed {seed:4}  {checker}", flaw.name()),
            None => missed.push(flaw.name()),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:?}");
}
