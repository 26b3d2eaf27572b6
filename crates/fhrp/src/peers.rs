//! Routers heard in a group.

use std::net::IpAddr;
use std::time::Duration;

use fhrp_wire::vrrp::Version;

use crate::{Instant, PeerStatus};

/// More than any LAN has routers; a sender of forged addresses fills no more than this.
const PEERS_REMEMBERED: usize = 16;

/// A bounded memory: the one heard longest ago makes room.
#[derive(Debug, Default)]
pub(crate) struct Peers(Vec<PeerStatus>);

impl Peers {
    /// Records an accepted advertisement.
    pub(crate) fn hear(&mut self, news: PeerStatus) {
        if let Some(known) = self.0.iter_mut().find(|peer| peer.address == news.address) {
            let checksum = news.checksum.or(known.checksum);
            *known = PeerStatus { checksum, ..news };
        } else if self.0.len() < PEERS_REMEMBERED {
            self.0.reserve_exact(1);
            self.0.push(news);
        } else if let Some(oldest) = self.0.iter_mut().min_by_key(|peer| peer.heard) {
            *oldest = news;
        }
    }

    /// Whether `address` spoke version 3 lately: within three of its intervals and a second.
    pub(crate) fn speaks_v3(&self, address: IpAddr, now: Instant) -> bool {
        self.0.iter().any(|peer| {
            let lately = peer.heard + peer.interval * 3 + Duration::from_secs(1);
            peer.address == address && peer.version == Version::V3.get() && now <= lately
        })
    }

    pub(crate) fn status(&self) -> Vec<PeerStatus> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use fhrp_wire::vrrp::ChecksumForm;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// 10.0.0.`octet`, heard at `millis`.
    fn peer(octet: u8, version: Version, millis: u64) -> PeerStatus {
        PeerStatus {
            address: [10, 0, 0, octet].into(),
            priority: 100,
            version: version.get(),
            interval: SECOND,
            hold: None,
            state: None,
            mac: None,
            checksum: None,
            heard: Instant::from_millis(millis),
        }
    }

    #[test]
    fn the_last_word_of_each_is_remembered() {
        let mut peers = Peers::default();
        peers.hear(peer(1, Version::V3, 1_000));
        peers.hear(peer(2, Version::V3, 1_500));
        peers.hear(PeerStatus { priority: 90, ..peer(1, Version::V3, 2_000) });
        let expected =
            [PeerStatus { priority: 90, ..peer(1, Version::V3, 2_000) }, peer(2, Version::V3, 1_500)];
        assert_eq!(peers.status(), expected);
    }

    /// An advertisement whose two forms of checksum agree does not say which its sender uses.
    #[test]
    fn the_checksum_once_seen_is_remembered() {
        let mut peers = Peers::default();
        let forms = [None, Some(ChecksumForm::Rfc5798), None, Some(ChecksumForm::Rfc9568), None];
        let known = forms.map(|checksum| {
            peers.hear(PeerStatus { checksum, ..peer(1, Version::V3, 1_000) });
            peers.status()[0].checksum
        });
        let (old, new) = (Some(ChecksumForm::Rfc5798), Some(ChecksumForm::Rfc9568));
        assert_eq!(known, [None, old, old, new, new]);
    }

    /// RFC 9568 §8.4 leaves open for how long a router is taken to speak version 3.
    #[test]
    fn version_3_is_spoken_for_three_intervals_and_a_second() {
        let mut peers = Peers::default();
        peers.hear(peer(1, Version::V3, 10_000));
        peers.hear(peer(2, Version::V2, 10_000));
        let speaks =
            |octet: u8, micros| peers.speaks_v3([10, 0, 0, octet].into(), Instant::from_micros(micros));
        assert!(speaks(1, 10_000_000) && speaks(1, 14_000_000));
        assert!(!speaks(1, 14_000_001), "three intervals of one second, and one");
        assert!(!speaks(2, 10_000_000), "version 2");
        assert!(!speaks(3, 10_000_000), "never heard");
    }

    #[test]
    fn who_was_heard_longest_ago_makes_room() {
        let mut peers = Peers::default();
        (1..=16).for_each(|octet| peers.hear(peer(octet, Version::V3, 1_000 - u64::from(octet))));
        peers.hear(peer(99, Version::V3, 2_000));
        let known: Vec<_> = peers.status().iter().map(|peer| peer.address).collect();
        assert_eq!(known.len(), 16);
        assert!(
            known.contains(&[10, 0, 0, 99].into()) && !known.contains(&[10, 0, 0, 16].into()),
            "{known:?}"
        );
    }
}
