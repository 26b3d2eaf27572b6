//! Which host was told which forwarder: the client cache of the AVG, for display.

use std::collections::BTreeMap;
use std::net::IpAddr;

use fhrp_election::Instant;
use fhrp_wire::MacAddr;

use crate::{ClientCache, GlbpClient};

/// A bounded memory by MAC. The host that asked longest ago makes room; all steps take logarithmic time, and a flood
/// of invented hosts fills no more than the configured number of places.
#[derive(Debug)]
pub(crate) struct Clients {
    bounds: ClientCache,
    by_mac: BTreeMap<MacAddr, (u64, GlbpClient)>,
    /// Turn of the last question -> who asked, the one longest ago first.
    by_turn: BTreeMap<u64, MacAddr>,
    turn: u64,
}

impl Clients {
    pub(crate) fn new(bounds: ClientCache) -> Self {
        Self { bounds, by_mac: BTreeMap::new(), by_turn: BTreeMap::new(), turn: 0 }
    }

    pub(crate) fn bounds(&self) -> ClientCache {
        self.bounds
    }

    /// `host` at `address` was told `forwarder`. Whether another host had to make room.
    pub(crate) fn record(&mut self, at: Instant, host: MacAddr, told: (Option<IpAddr>, u8)) -> bool {
        let (address, forwarder) = told;
        self.forget_old(at);
        self.turn += 1;
        let fresh = GlbpClient { mac: host, address, forwarder, first: at, last: at, answers: 1 };
        let client = match self.by_mac.get(&host) {
            Some((turn, known)) => {
                self.by_turn.remove(turn);
                let address = address.or(known.address);
                GlbpClient { address, first: known.first, answers: known.answers.saturating_add(1), ..fresh }
            }
            None => fresh,
        };
        self.by_mac.insert(host, (self.turn, client));
        self.by_turn.insert(self.turn, host);
        let full = self.by_mac.len() > usize::from(self.bounds.maximum);
        if full && let Some((_, oldest)) = self.by_turn.pop_first() {
            self.by_mac.remove(&oldest);
        }
        full
    }

    /// Forgets those who have not asked for too long.
    fn forget_old(&mut self, now: Instant) {
        let Some(timeout) = self.bounds.timeout else { return };
        while let Some(entry) = self.by_turn.first_entry() {
            let old = self.by_mac.get(entry.get()).is_none_or(|(_, client)| now >= client.last + timeout);
            if !old {
                break;
            }
            let host = entry.remove();
            self.by_mac.remove(&host);
        }
    }

    /// By MAC. Those whose time is over are forgotten with the next question only.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &GlbpClient> {
        self.by_mac.values().map(|(_, client)| client)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn host(number: u16) -> MacAddr {
        let [high, low] = number.to_be_bytes();
        MacAddr([2, 0, 0, 1, high, low])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    fn cache(minutes: Option<u64>) -> Clients {
        Clients::new(ClientCache {
            maximum: 8,
            timeout: minutes.map(|minutes| Duration::from_secs(minutes * 60)),
        })
    }

    #[test]
    fn the_one_that_asked_longest_ago_makes_room() {
        let mut clients = cache(None);
        for number in 0..8 {
            assert!(!clients.record(at(number.into()), host(number), (None, 1)));
        }
        assert!(!clients.record(at(8), host(0), (None, 2)));
        assert!(clients.record(at(9), host(8), (None, 1)));
        let held: Vec<_> = clients.iter().map(|client| client.mac).collect();
        assert_eq!(held, [0, 2, 3, 4, 5, 6, 7, 8].map(host));
        let first = clients.iter().next().unwrap();
        assert_eq!((first.forwarder, first.answers, first.first, first.last), (2, 2, at(0), at(8)));
    }

    /// A host without an address checks that it has none twice.
    #[test]
    fn an_address_once_known_stays_until_another_is_heard() {
        let mut clients = cache(None);
        let ours = |octet| Some(IpAddr::from([10, 0, 0, octet]));
        for (asks_from, known) in
            [(None, None), (ours(7), ours(7)), (None, ours(7)), (ours(8), ours(8)), (None, ours(8))]
        {
            clients.record(at(1), host(1), (asks_from, 1));
            assert_eq!(clients.iter().map(|client| client.address).collect::<Vec<_>>(), [known]);
        }
    }

    #[test]
    fn a_flood_fills_no_more_than_its_places() {
        let mut clients = cache(None);
        for number in 0..=u16::MAX {
            clients.record(at(1), host(number), (None, 1));
        }
        assert_eq!((clients.iter().count(), clients.by_turn.len()), (8, 8));
    }

    #[test]
    fn who_does_not_ask_again_is_forgotten() {
        let mut clients = cache(Some(1));
        clients.record(at(0), host(1), (None, 1));
        clients.record(at(59), host(2), (None, 1));
        assert_eq!(clients.iter().count(), 2);
        clients.record(at(60), host(3), (None, 1));
        assert_eq!(clients.iter().map(|client| client.mac).collect::<Vec<_>>(), [host(2), host(3)]);
    }
}
