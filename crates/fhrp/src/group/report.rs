//! What a group hears of its peers, and what it shows of itself.

use fhrp_election::State;

use super::{Group, Out, project};
use crate::limiter::Topic;
use crate::vrrp::{Accepted, Packet, Reason, Remark};
use crate::{GroupStatus, NoticeKind, PeerStatus};

impl Group {
    /// A packet that counts.
    pub(crate) fn hear(&mut self, packet: &Packet<'_>, heard: &Accepted, out: &mut Out<'_>) {
        self.stats.advertisement_rcvd += 1;
        if heard.advert.from.priority == 0 {
            self.stats.priority_zero_pkts_rcvd += 1;
        }
        self.learn(packet, heard, out);
        for remark in heard.remarks.iter().flatten() {
            self.remark(packet, *remark, out);
        }
        self.router.peers.hear(PeerStatus {
            address: packet.source,
            priority: heard.advert.from.priority,
            version: heard.version.get(),
            interval: heard.advert.hello,
            checksum: heard.checksum,
            heard: packet.at,
        });
        self.election.handle_advert(packet.at, &heard.advert, out.effects);
        self.carry_out(packet.at, out);
        self.refresh_wish(out);
    }

    /// A packet that does not: a counter, now and then a word, and nothing else.
    pub(crate) fn discard(&mut self, packet: &Packet<'_>, reason: Reason, out: &mut Out<'_>) {
        reason.count_group(&mut self.stats);
        if reason == Reason::Looped {
            self.suspect_duplicate(packet, out);
        } else if self.limiter.allows(Topic::Discarded, packet.at) {
            let kind = NoticeKind::Discarded { peer: packet.source, reason: reason.text().into() };
            self.notify(packet.at, kind, out);
        }
    }

    /// A packet from our own address that carries neither of our MACs was sent by somebody else.
    fn suspect_duplicate(&mut self, packet: &Packet<'_>, out: &mut Out<'_>) {
        let mac = packet.ethernet_source;
        let physical = self.link.as_deref().map(|link| link.mac);
        let ours = physical == Some(mac) || self.announced_mac() == Some(mac);
        if !ours && self.limiter.allows(Topic::DuplicateAddress, packet.at) {
            self.notify(packet.at, NoticeKind::DuplicateAddress { address: packet.source, mac }, out);
        }
    }

    fn learn(&mut self, packet: &Packet<'_>, heard: &Accepted, out: &mut Out<'_>) {
        let Some(form) = heard.checksum.filter(|_| self.router.has_checksum_forms()) else { return };
        if self.router.learn_checksum(form) {
            self.frames = None;
            self.notify(packet.at, NoticeKind::ChecksumForm { peer: packet.source, form }, out);
        }
    }

    fn remark(&mut self, packet: &Packet<'_>, remark: Remark, out: &mut Out<'_>) {
        let peer = packet.source;
        let (topic, kind) = match remark {
            Remark::Interval(theirs) => {
                self.stats.interval_errors += 1;
                let ours = self.config().settings().advertisement_interval;
                (Topic::IntervalMismatch, NoticeKind::IntervalMismatch { peer, theirs, ours })
            }
            Remark::AddressList => {
                self.stats.address_list_errors += 1;
                (Topic::AddressListMismatch, NoticeKind::AddressListMismatch { peer })
            }
            Remark::OwnerConflict => {
                self.stats.owner_conflicts += 1;
                (Topic::OwnerConflict, NoticeKind::OwnerConflict { peer })
            }
            Remark::EqualPriority => (Topic::EqualPriority, NoticeKind::EqualPriority { peer }),
        };
        if self.limiter.allows(topic, packet.at) {
            self.notify(packet.at, kind, out);
        }
    }

    /// A snapshot.
    pub(crate) fn status(&self) -> GroupStatus {
        let settings = self.config().settings();
        let owner = self.underlay.as_ref().is_some_and(|underlay| underlay.owner);
        let ourselves = self.election.candidacy().rank;
        let active = match self.election.state() {
            State::Active => Some(ourselves),
            State::Init | State::Listen | State::Speak | State::Standby => {
                self.election.active().map(|heard| heard.rank)
            }
        };
        GroupStatus {
            id: self.id().clone(),
            version: self.config().version().get(),
            state: project(self.election.state()),
            waiting: self.waiting.clone(),
            priority: settings.priority,
            effective_priority: self.router.effective_priority(owner),
            owner,
            preempt: settings.preempt,
            preempt_delay: settings.preempt_delay,
            accept_mode: settings.accept_mode,
            active: active.map(|rank| rank.address),
            active_priority: active.map(|rank| rank.priority),
            addresses: self.config().addresses().clone(),
            virtual_mac: self.config().virtual_mac(),
            primary_address: self.underlay.as_ref().map(|underlay| underlay.source),
            advertisement_interval: settings.advertisement_interval,
            active_adver_interval: self.election.learned_interval(),
            skew_time: self.election.skew(),
            active_down_interval: self.election.active_down_interval(),
            checksum: self.router.has_checksum_forms().then(|| self.router.checksum_form()),
            programmed: self.programmed,
            up_since: self.up_since,
            last_transition: self.last_transition,
            peers: self.router.peers.status(),
            counters: self.stats.clone(),
        }
    }
}
