//! A short search with every change; the long one is the program's.

use fhrp_sim::{Campaign, Fault, Flaw, Instant, Kind, Protocol, Recording, Scenario, run, shrink};

#[test]
fn a_few_hundred_seeds_are_clean() {
    let seeds = Campaign {
        protocol: Protocol::Vrrp,
        from: 0,
        seeds: 300,
        repeat: 10,
        flaw: None,
        threads: 2,
        stop: false,
    };
    let tally = seeds.run();
    let found: Vec<String> = tally
        .failures
        .iter()
        .map(|failure| format!("seed {}: {}", failure.seed, failure.violation))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(tally.seeds, 300);
    assert!(tally.calls > 100_000 && tally.probes.answered > 10_000, "{tally:?}");
}

#[test]
fn a_run_twice_is_one_run() {
    for seed in 0..20 {
        let scenario = Scenario::draw(Protocol::Vrrp, seed);
        let hashes = [(); 2].map(|()| run(&scenario, None, Recording::Off).hash);
        assert_eq!(hashes[0], hashes[1], "seed {seed}");
        assert_eq!(run(&scenario, None, Recording::Frames).hash, hashes[0], "drawing changes nothing");
    }
}

#[test]
fn different_seeds_are_different_runs() {
    let hash = |seed| run(&Scenario::draw(Protocol::Vrrp, seed), None, Recording::Off).hash;
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_failing_seed_shrinks_to_the_fault_that_matters() {
    let whole = (0..1000)
        .map(|seed| Scenario::draw(Protocol::Vrrp, seed))
        .filter(|scenario| scenario.faults.len() > 3)
        .find_map(|scenario| {
            let violation = run(&scenario, Some(Flaw::ResignNotSent), Recording::Off).violation?;
            Some((scenario, violation.checker))
        });
    let (whole, checker) = whole.expect("a thousand seeds show it");
    let least = shrink(&whole, Some(Flaw::ResignNotSent), checker);
    assert_eq!(least.faults.len(), 1, "{:?}", least.faults);
    assert!(least.faults[0].kind.victim().is_some(), "{:?}", least.faults);
}

#[test]
fn a_timeline_shows_who_was_active_when() {
    let mut scenario = Scenario::draw(Protocol::Vrrp, 1);
    let cut = Fault {
        at: Instant::from_millis(20_000),
        until: Instant::from_millis(30_000),
        kind: Kind::PowerLoss(0),
    };
    scenario = scenario.with_faults(vec![cut]);
    let outcome = run(&scenario, None, Recording::Events);
    let text = outcome.timeline.expect("it was asked for").to_string();
    assert!(text.contains("20.000000") && text.contains("r1 without power"), "{text}");
    assert!(outcome.violation.is_none(), "{text}");
}
