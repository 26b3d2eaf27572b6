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
