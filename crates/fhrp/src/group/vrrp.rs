//! What a Virtual Router of VRRP hears from its peers.

use fhrp_election::Claim;

use super::{Announce, Group, Out};
use crate::limiter::Topic;
use crate::speaker::Speaker;
use crate::vrrp::{Accepted, Packet, Reason, Remark, Router};
use crate::{NoticeKind, PeerStatus};

impl Group {
    /// A packet that counts.
    pub(crate) fn hear_vrrp(&mut self, packet: &Packet<'_>, heard: &Accepted, out: &mut Out<'_>) -> Announce {
        let Some(router) = self.vrrp_mut() else { return Announce::Nothing };
        router.stats.advertisement_rcvd += 1;
        if heard.advert.from.priority == 0 {
            router.stats.priority_zero_pkts_rcvd += 1;
        }
        self.learn_checksum(packet, heard, out);
        for remark in heard.remarks.iter().flatten() {
            self.remark(packet, *remark, out);
        }
        let Some(router) = self.vrrp_mut() else { return Announce::Nothing };
        if !heard.remarks.contains(&Some(Remark::EqualPriority)) {
            router.forget_equal(packet.source);
        }
        router.peers.hear(PeerStatus {
            address: packet.source,
            priority: heard.advert.from.priority,
            version: heard.version.get(),
            interval: heard.advert.hello,
            hold: None,
            state: None,
            mac: None,
            checksum: heard.checksum,
            heard: packet.at,
        });
        self.election.handle_advert(packet.at, &heard.advert, out.effects);
        self.carry_out(packet.at, out);
        self.refresh_moved_wish(out);
        if heard.advert.claim == Claim::Active {
            self.reclaim(packet.at, out.round)
        } else {
            Announce::Nothing
        }
    }

    /// A packet that does not: a counter, now and then a word, and nothing else.
    pub(crate) fn discard_vrrp(&mut self, packet: &Packet<'_>, reason: Reason, out: &mut Out<'_>) {
        let Some(router) = self.vrrp_mut() else { return };
        reason.count_group(&mut router.stats);
        if reason == Reason::Looped {
            self.suspect_duplicate((packet.at, packet.source, packet.ethernet_source), out);
        } else {
            let config = router.config().clone();
            let kind = || NoticeKind::Discarded {
                peer: packet.source,
                reason: reason.explain(packet, &config).into(),
            };
            self.notify_limited(Topic::Discarded, packet.at, kind, out);
        }
    }

    fn vrrp_mut(&mut self) -> Option<&mut Router> {
        match &mut self.speaker {
            Speaker::Vrrp(router) => Some(router),
            Speaker::Hsrp(_) => None,
        }
    }

    fn learn_checksum(&mut self, packet: &Packet<'_>, heard: &Accepted, out: &mut Out<'_>) {
        let Some(form) = heard.checksum else { return };
        if self.vrrp_mut().is_some_and(|router| router.learn_checksum(form)) {
            self.frames = None;
            self.notify(packet.at, NoticeKind::ChecksumForm { peer: packet.source, form }, out);
        }
    }

    fn remark(&mut self, packet: &Packet<'_>, remark: Remark, out: &mut Out<'_>) {
        let peer = packet.source;
        let Some(router) = self.vrrp_mut() else { return };
        let ours = router.config().settings().advertisement_interval;
        match remark {
            Remark::Interval(theirs) => {
                router.stats.interval_errors += 1;
                let kind = || NoticeKind::IntervalMismatch { peer, theirs, ours };
                self.notify_limited(Topic::IntervalMismatch, packet.at, kind, out);
            }
            Remark::AddressList => {
                router.stats.address_list_errors += 1;
                let kind = || NoticeKind::AddressListMismatch { peer, theirs: packet.addresses() };
                self.notify_limited(Topic::AddressListMismatch, packet.at, kind, out);
            }
            Remark::OwnerConflict => {
                router.stats.owner_conflicts += 1;
                self.notify_limited(
                    Topic::OwnerConflict,
                    packet.at,
                    || NoticeKind::OwnerConflict { peer },
                    out,
                );
            }
            Remark::EqualPriority => self.tell_equal(packet, out),
        }
    }

    /// Once of each peer, and again when it had another priority meanwhile; many peers at once by and by.
    fn tell_equal(&mut self, packet: &Packet<'_>, out: &mut Out<'_>) {
        let peer = packet.source;
        let told = self.vrrp_mut().is_none_or(|router| router.is_told_equal(peer));
        if !told && self.limiter.allows(Topic::EqualPriority, packet.at) {
            self.notify(packet.at, NoticeKind::EqualPriority { peer }, out);
            if let Some(router) = self.vrrp_mut() {
                router.note_equal(peer);
            }
        }
    }
}
