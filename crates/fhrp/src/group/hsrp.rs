//! What a group of HSRP hears from its peers.

use std::net::IpAddr;

use fhrp_election::{Advert, Claim, State};
use fhrp_wire::hsrp::{Message, Opcode};

use super::{Announce, Group, Out};
use crate::hsrp::{Packet, Reason, Remark, Router};
use crate::limiter::Topic;
use crate::speaker::Speaker;
use crate::{GroupState, NoticeKind, PeerStatus, hsrp};

/// Whether another router was found to be Active than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leadership {
    Same,
    Another,
}

impl Group {
    /// A message that counts.
    pub(crate) fn hear_hsrp(
        &mut self,
        packet: &Packet<'_>,
        (advert, message): (&Advert, &Message),
        remarks: &[Option<Remark>],
        out: &mut Out<'_>,
    ) -> (Leadership, Announce) {
        let before = self.followed();
        self.count_hsrp(packet, advert, message);
        if advert.claim == Claim::Active && self.state() != State::Active {
            self.learn_from_active(packet, message, out);
        }
        for remark in remarks.iter().flatten() {
            self.remark_hsrp(packet, *remark, advert.claim, out);
        }
        self.election.handle_advert(packet.at, advert, out.effects);
        self.carry_out(packet.at, out);
        self.retune_if_changed(packet.at, out);
        self.refresh_moved_wish(out);
        let after = self.followed();
        let another = after.is_some() && after != before;
        let leadership = if another { Leadership::Another } else { Leadership::Same };
        let rival = advert.claim == Claim::Active;
        (leadership, if rival { self.reclaim(packet.at, out.round) } else { Announce::Nothing })
    }

    /// A message that does not: a counter, now and then a word, and nothing else.
    pub(crate) fn discard_hsrp(&mut self, packet: &Packet<'_>, reason: Reason, out: &mut Out<'_>) {
        let Some(router) = self.hsrp_mut() else { return };
        reason.count_group(&mut router.stats);
        let peer = packet.source;
        match reason {
            Reason::Looped => self.suspect_duplicate((packet.at, packet.source, packet.ethernet_source), out),
            Reason::Version => {
                let version = packet.variant.version().get();
                let kind = || NoticeKind::OtherVersion { peer, version };
                self.notify_limited(Topic::OtherVersion, packet.at, kind, out);
            }
            reason if reason.is_authentication() => {
                let kind = || NoticeKind::BadAuthentication { peer, reason: reason.text().into() };
                self.notify_limited(Topic::BadAuthentication, packet.at, kind, out);
            }
            Reason::Malformed(_)
            | Reason::Group
            | Reason::AuthType
            | Reason::AuthKey
            | Reason::AuthFailure => {
                let kind = || NoticeKind::Discarded { peer, reason: reason.text().into() };
                self.notify_limited(Topic::Discarded, packet.at, kind, out);
            }
        }
    }

    /// The Active router's timers and address hold for those who have none (RFC 2281 §5.1).
    fn learn_from_active(&mut self, packet: &Packet<'_>, message: &Message, out: &mut Out<'_>) {
        let Some(router) = self.hsrp_mut() else { return };
        let new = router.learn(message.timers(), message.address());
        if let (true, Some(address)) = (new, message.address()) {
            self.notify(packet.at, NoticeKind::AddressLearned { peer: packet.source, address }, out);
        }
        self.retune_if_changed(packet.at, out);
        if new {
            self.frames = None;
            self.reconsider(packet.at, out);
        }
    }

    fn count_hsrp(&mut self, packet: &Packet<'_>, advert: &Advert, message: &Message) {
        let Some(router) = self.hsrp_mut() else { return };
        match message.opcode() {
            Opcode::Hello => router.stats.hello_rcvd += 1,
            Opcode::Coup => router.stats.coup_rcvd += 1,
            Opcode::Resign => router.stats.resign_rcvd += 1,
        }
        router.peers.hear(PeerStatus {
            address: packet.source,
            priority: message.priority(),
            version: packet.variant.version().get(),
            interval: advert.hello,
            hold: Some(advert.hold),
            state: Some(said_state(message)),
            mac: message.identifier(),
            checksum: None,
            heard: packet.at,
        });
    }

    fn remark_hsrp(&mut self, packet: &Packet<'_>, remark: Remark, claim: Claim, out: &mut Out<'_>) {
        let peer = packet.source;
        let Some(router) = self.hsrp_mut() else { return };
        match remark {
            Remark::Address(theirs) => {
                let ours = router.addresses().first();
                // Who has none yet learns it from the Active router; if not, it is not one to be used.
                let mismatch = ours.map_or(claim == Claim::Active, |ours| *ours != theirs);
                if mismatch {
                    router.stats.address_errors += 1;
                    let kind = || NoticeKind::AddressMismatch { peer, theirs };
                    self.notify_limited(Topic::AddressListMismatch, packet.at, kind, out);
                }
            }
            Remark::Timers(_) => router.stats.timer_errors += 1,
            Remark::Priority => router.stats.priority_errors += 1,
        }
    }

    /// The other router that is Active, as far as is known.
    fn followed(&self) -> Option<IpAddr> {
        self.election.active().map(|heard| heard.rank.address)
    }

    fn hsrp_mut(&mut self) -> Option<&mut Router> {
        match &mut self.speaker {
            Speaker::Vrrp(_) => None,
            Speaker::Hsrp(router) => Some(router),
        }
    }
}

/// The state that a message says, in words for the operator.
fn said_state(message: &Message) -> GroupState {
    use fhrp_wire::hsrp::State as Said;
    match message.state() {
        Said::Disabled | Said::Initial => GroupState::Initial,
        Said::Learn => GroupState::Learn,
        Said::Listen => hsrp::word(State::Listen),
        Said::Speak => hsrp::word(State::Speak),
        Said::Standby => hsrp::word(State::Standby),
        Said::Active => hsrp::word(State::Active),
    }
}
