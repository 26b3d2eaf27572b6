//! Which forwarder a host is told.

use fhrp_wire::MacAddr;
use fhrp_wire::glbp::ForwarderNumber;

use crate::LoadBalancing;

const COUNT: usize = ForwarderNumber::COUNT;

/// For each forwarder that may be handed out, the weighting of the router that serves it.
pub(crate) type Offers = [Option<u8>; COUNT];

/// What was handed out so far, as far as the next choice depends on it.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    /// The place after the one that was chosen last.
    next: usize,
    /// What each is owed, in shares of a turn.
    credits: [i32; COUNT],
}

impl Balancer {
    /// The place of the forwarder for `host`; `own` is that of this router's own. `None` if none may be handed out.
    pub(crate) fn choose(
        &mut self,
        mode: LoadBalancing,
        host: MacAddr,
        offers: &Offers,
        own: Option<usize>,
    ) -> Option<usize> {
        match mode {
            LoadBalancing::RoundRobin => self.next_in_turn(offers),
            LoadBalancing::Weighted => self.most_owed(offers),
            LoadBalancing::HostDependent => highest_draw(host, offers),
            LoadBalancing::None => {
                let own = own.filter(|own| offers.get(*own).is_some_and(Option::is_some));
                own.or_else(|| first(offers))
            }
        }
    }

    fn next_in_turn(&mut self, offers: &Offers) -> Option<usize> {
        let turn = (0..COUNT).map(|step| (self.next + step) % COUNT);
        let chosen = turn.into_iter().find(|at| offers.get(*at).is_some_and(Option::is_some))?;
        self.next = (chosen + 1) % COUNT;
        Some(chosen)
    }

    /// Smooth weighted round-robin: everyone is credited its weight, the one with the most pays the whole turn. In
    /// any run of as many choices as the weights add up to, each has its exact share, and evenly spread.
    fn most_owed(&mut self, offers: &Offers) -> Option<usize> {
        if offers.iter().flatten().all(|weight| *weight == 0) {
            return self.next_in_turn(offers);
        }
        let turn: i32 = offers.iter().flatten().map(|weight| i32::from(*weight)).sum();
        let mut best = None::<(i32, usize)>;
        for (at, (offer, credit)) in offers.iter().zip(&mut self.credits).enumerate() {
            let Some(weight) = offer.map(i32::from) else {
                *credit = 0;
                continue;
            };
            // What was owed by greater weights is worth a turn now at most.
            *credit = (*credit).clamp(-turn, turn) + weight;
            if weight > 0 && best.is_none_or(|(most, _)| *credit > most) {
                best = Some((*credit, at));
            }
        }
        let (_, chosen) = best?;
        if let Some(credit) = self.credits.get_mut(chosen) {
            *credit -= turn;
        }
        Some(chosen)
    }
}

/// The first that may be handed out.
pub(crate) fn first(offers: &Offers) -> Option<usize> {
    offers.iter().position(Option::is_some)
}

/// Rendezvous hashing: host and forwarder draw a number together, the highest wins. A forwarder that comes or goes
/// moves only the hosts that it wins or had won, where a remainder of division would move most of them; and every
/// router draws the same numbers, so that a new AVG tells hosts what the old one told them.
fn highest_draw(host: MacAddr, offers: &Offers) -> Option<usize> {
    let usable = offers.iter().enumerate().filter(|(_, offer)| offer.is_some()).map(|(at, _)| at);
    usable.max_by_key(|at| draw(host, *at))
}

fn draw(host: MacAddr, forwarder: usize) -> u64 {
    let [a, b, c, d, e, f] = host.octets();
    let forwarder = u8::try_from(forwarder).unwrap_or(u8::MAX);
    super::scatter(u64::from_be_bytes([a, b, c, d, e, f, 0, forwarder]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Offers = [Some(100); COUNT];

    fn host(number: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, 1, number])
    }

    fn shares(mode: LoadBalancing, offers: &Offers, hosts: u8) -> [u32; COUNT] {
        let (mut balancer, mut shares) = (Balancer::default(), [0; COUNT]);
        for number in 0..hosts {
            shares[balancer.choose(mode, host(number), offers, Some(1)).unwrap()] += 1;
        }
        shares
    }

    #[test]
    fn in_turn() {
        assert_eq!(shares(LoadBalancing::RoundRobin, &ALL, 10), [3, 3, 2, 2]);
        assert_eq!(shares(LoadBalancing::RoundRobin, &[Some(1), None, Some(9), None], 9), [5, 0, 4, 0]);
    }

    #[test]
    fn by_weight_exactly_and_evenly_spread() {
        let offers = [Some(60), Some(30), Some(10), None];
        assert_eq!(shares(LoadBalancing::Weighted, &offers, 100), [60, 30, 10, 0]);
        assert_eq!(shares(LoadBalancing::Weighted, &offers, 10), [6, 3, 1, 0]);
        let mut balancer = Balancer::default();
        let five: Vec<_> = (0..5)
            .map(|_| balancer.choose(LoadBalancing::Weighted, host(0), &[Some(3), Some(2), None, None], None))
            .collect();
        assert_eq!(five, [0, 1, 0, 1, 0].map(Some));
        assert_eq!(shares(LoadBalancing::Weighted, &[Some(0), Some(5), None, None], 7), [0, 7, 0, 0]);
        assert_eq!(shares(LoadBalancing::Weighted, &[Some(0), Some(0), None, None], 4), [2, 2, 0, 0]);
    }

    #[test]
    fn greater_weights_of_before_do_not_count_for_long() {
        let mut balancer = Balancer::default();
        let mut of = |weight| {
            let offers = [Some(weight), Some(weight), None, None];
            balancer.choose(LoadBalancing::Weighted, host(0), &offers, None).unwrap()
        };
        assert_eq!(of(254), 0);
        let first = (0..10).filter(|_| of(1) == 0).count();
        assert!((4..=6).contains(&first), "{first} of 10");
    }

    #[test]
    fn by_host_a_lost_forwarder_moves_its_own_hosts_only() {
        let mut balancer = Balancer::default();
        let mut of = |number, offers: &Offers| {
            balancer.choose(LoadBalancing::HostDependent, host(number), offers, None).unwrap()
        };
        let three = [Some(1), Some(1), None, Some(1)];
        for number in 0..=255 {
            let before = of(number, &ALL);
            assert_eq!(of(number, &ALL), before);
            let after = of(number, &three);
            assert!(after == before || before == 2, "host {number}: {before} -> {after}");
        }
        let spread = shares(LoadBalancing::HostDependent, &ALL, 255);
        assert!(spread.iter().all(|share| (40..90).contains(share)), "{spread:?}");
    }

    #[test]
    fn without_balancing_the_own_one() {
        assert_eq!(shares(LoadBalancing::None, &ALL, 9), [0, 9, 0, 0]);
        assert_eq!(shares(LoadBalancing::None, &[None, None, Some(1), Some(1)], 3), [0, 0, 3, 0]);
    }

    #[test]
    fn without_forwarders_nobody_is_told_anything() {
        for mode in [
            LoadBalancing::RoundRobin,
            LoadBalancing::Weighted,
            LoadBalancing::HostDependent,
            LoadBalancing::None,
        ] {
            assert_eq!(Balancer::default().choose(mode, host(1), &[None; COUNT], Some(0)), None);
        }
    }
}
