//! A short search with every change; the long one is the program's.

use fhrp_sim::{Campaign, Fault, Flaw, Instant, Kind, Protocol, Recording, Scenario, Trial, run, shrink};

const SOUND: Trial = Trial { flaw: None, watch: fhrp_sim::Watch::All };
const PROTOCOLS: [Protocol; 3] = [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp];

/// A run of GLBP, with its five contests, takes as long as several others.
fn seeds_of(protocol: Protocol) -> u64 {
    match protocol {
        Protocol::Vrrp | Protocol::Hsrp => 60,
        Protocol::Glbp => 20,
    }
}

#[test]
fn the_first_seeds_are_clean() {
    for protocol in PROTOCOLS {
        let seeds = seeds_of(protocol);
        let campaign =
            Campaign { protocol, from: 0, seeds, repeat: 10, trial: SOUND, threads: 2, stop: false };
        let tally = campaign.run();
        let found: Vec<String> = tally
            .failures
            .iter()
            .map(|failure| format!("{protocol} seed {}: {}", failure.seed, failure.violation))
            .collect();
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(tally.seeds, seeds);
        assert!(tally.calls > 20_000 && tally.probes.answered > 2_000, "{tally:?}");
    }
}

#[test]
fn a_run_twice_is_one_run() {
    for protocol in PROTOCOLS {
        for seed in 0..5 {
            let scenario = Scenario::draw(protocol, seed);
            let hashes = [(); 2].map(|()| run(&scenario, SOUND, Recording::Off).hash);
            assert_eq!(hashes[0], hashes[1], "{protocol} seed {seed}");
            assert_eq!(run(&scenario, SOUND, Recording::Frames).hash, hashes[0], "drawing changes nothing");
        }
    }
}

#[test]
fn different_seeds_are_different_runs() {
    let hash = |seed| run(&Scenario::draw(Protocol::Vrrp, seed), SOUND, Recording::Off).hash;
    assert_ne!(hash(1), hash(2));
}

#[test]
fn a_failing_seed_shrinks_to_the_fault_that_matters() {
    let flawed = Trial { flaw: Some(Flaw::ResignNotSent), ..SOUND };
    let whole = (0..1000)
        .map(|seed| Scenario::draw(Protocol::Vrrp, seed))
        .filter(|scenario| scenario.faults.len() > 3)
        .find_map(|scenario| {
            let violation = run(&scenario, flawed, Recording::Off).violation?;
            Some((scenario, violation.checker))
        });
    let (whole, checker) = whole.expect("a thousand seeds show it");
    let least = shrink(&whole, flawed, checker);
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
    let outcome = run(&scenario, SOUND, Recording::Events);
    let text = outcome.timeline.expect("it was asked for").to_string();
    assert!(text.contains("20.000000") && text.contains("r1 without power"), "{text}");
    assert!(outcome.violation.is_none(), "{text}");
}
