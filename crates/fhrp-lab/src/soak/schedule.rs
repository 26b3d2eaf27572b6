//! Which faults a round has: a function of the seed and the round's number, and of nothing else.

use std::{collections::BTreeSet, time::Duration};

use fhrp_sim::Rng;

use super::{
    fault::{Fault, PortFault, Strike, Way},
    parties::{LANS, Party, ROUTERS, Variation, parties},
};

/// Routers whose daemons may die. That of the last one lives as long as the run: its memory and descriptors tell
/// whether anything grows.
const MORTAL: u64 = 2;
/// Strikes of a round at most.
const STRIKES_MAX: u64 = 5;
/// Strikes begin within this time, in milliseconds, so that some overlap.
const BEGINNINGS_MS: u64 = 6_000;
/// How long they last, in milliseconds.
const LENGTHS_MS: (u64, u64) = (300, 5_000);

/// The strikes of round number `round`, by their beginning.
pub(super) fn strikes(seed: u64, round: u64) -> Vec<Strike> {
    let mut rng = Rng::keyed(seed, &[round]);
    let count = rng.between(1, STRIKES_MAX);
    let mut taken = BTreeSet::new();
    let mut strikes = Vec::new();
    while strikes.len() < usize::try_from(count).unwrap_or(1) {
        let fault = fault(&mut rng);
        let at = rng.below(BEGINNINGS_MS);
        let until = at + rng.between(LENGTHS_MS.0, LENGTHS_MS.1);
        // Drawn in any case, so that a collision costs no more than itself.
        if taken.insert((fault.router(), fault.class())) {
            let [at, until] = [at, until].map(Duration::from_millis);
            strikes.push(Strike { at, until, fault });
        }
    }
    strikes.sort_by_key(|strike| strike.at);
    strikes
}

fn fault(rng: &mut Rng) -> Fault {
    let router = number(rng.between(1, ROUTERS.into()));
    let mortal = number(rng.between(1, MORTAL));
    let lan = number(rng.below(LANS.into()));
    let all = parties();
    let party = rng.index(all.len());
    let detail = rng.below(1000);
    // Who is Active has more to lose.
    let first = all.get(party).map_or(router, Party::first_choice);
    let holder = if detail < 750 { first } else { router };
    match rng.below(20) {
        0 => Fault::Kill { router: mortal },
        1 => Fault::KillAndCleanUp { router: mortal },
        2 | 3 => Fault::Stop { router: mortal },
        4 => Fault::Stall { router },
        5 | 6 => Fault::Port { router, lan, what: PortFault::Carrier },
        7 => Fault::Port { router, lan, what: PortFault::Down },
        8 => Fault::Port { router, lan, what: PortFault::Silent },
        9 | 10 => Fault::Port { router, lan, what: loss(detail) },
        11 => Fault::AddressDeleted { router: holder, party },
        12 => Fault::DeviceDeleted { router: holder, party },
        13 => Fault::Renumbered { router, lan },
        14 => Fault::Mtu { router, lan },
        15 | 16 => {
            Fault::Reload { router, to: Variation::Priority { party, priority: number(1 + detail % 254) } }
        }
        17 if detail < 500 => Fault::Reload { router, to: Variation::Without { party } },
        17 => Fault::Reload { router, to: Variation::More },
        18 => Fault::Track { router },
        _ => Fault::Flood { lan, rate: 200 + u16::from(number(detail % 200)) * 10 },
    }
}

/// From a twentieth of the frames to all of them.
fn loss(detail: u64) -> PortFault {
    let permille = match detail % 4 {
        0 => 50,
        1 => 300,
        2 => 700,
        _ => 1000,
    };
    let way = match detail / 4 % 3 {
        0 => Way::Out,
        1 => Way::In,
        _ => Way::Both,
    };
    PortFault::Loss { permille, way }
}

fn number(drawn: u64) -> u8 {
    u8::try_from(drawn).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_one_schedule() {
        let all = |seed| (0..50).map(|round| strikes(seed, round)).collect::<Vec<_>>();
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        assert_ne!(strikes(7, 0), strikes(7, 1));
    }

    /// A change of this line is a change of every schedule: old seeds then mean something else.
    #[test]
    fn the_first_round_of_seed_1_is_this() {
        let said: Vec<_> = strikes(1, 0)
            .iter()
            .map(|strike| format!("{:?}-{:?} {}", strike.at, strike.until, strike.fault))
            .collect();
        let expected =
            ["1.481s-2.612s r3 vrrp3-v4: macvlan deleted", "2.133s-7.05s r1 lan1 has a smaller MTU"];
        assert_eq!(said, expected);
    }

    #[test]
    fn every_kind_comes_up_and_strikes_overlap_but_undo_no_other() {
        let mut kinds = BTreeSet::new();
        let mut overlaps = 0;
        for round in 0..200 {
            let strikes = strikes(3, round);
            let classes: BTreeSet<_> =
                strikes.iter().map(|strike| (strike.fault.router(), strike.fault.class())).collect();
            assert_eq!(classes.len(), strikes.len());
            assert!(strikes.iter().all(|strike| strike.at < strike.until));
            kinds.extend(strikes.iter().map(|strike| strike.fault.kind()));
            let pairs = strikes.iter().zip(strikes.iter().skip(1));
            overlaps += pairs.filter(|(earlier, later)| later.at < earlier.until).count();
        }
        assert_eq!(kinds.len(), 17, "{kinds:?}");
        assert!(overlaps > 100, "{overlaps}");
    }

    #[test]
    fn the_last_routers_daemon_is_spared() {
        let dies = |fault: Fault| {
            matches!(fault, Fault::Kill { .. } | Fault::KillAndCleanUp { .. } | Fault::Stop { .. })
        };
        for strike in (0..500).flat_map(|round| strikes(9, round)) {
            assert!(!(dies(strike.fault) && strike.fault.router() == ROUTERS), "{strike:?}");
        }
    }
}
