//! Answers to hosts that resolve the virtual address. This is the hot path: a choice costs a few comparisons and no
//! allocation, but for the client cache where one is configured.

use std::net::IpAddr;

use fhrp_election::Instant;
use fhrp_wire::MacAddr;

use super::Group;
use super::balancer::{self, Offers};
use crate::NoticeKind;
use crate::group::Out;
use crate::limiter::Topic;

/// An ARP request or neighbour solicitation for a virtual address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) at: Instant,
    /// The host's MAC.
    pub(crate) host: MacAddr,
    /// Its address; `None` while it only checks that nobody has the address it asks for (RFC 5227 §2.1.1, RFC 4862
    /// §5.4.2).
    pub(crate) address: Option<IpAddr>,
    /// Where the frame went.
    pub(crate) destination: MacAddr,
    /// The address that is asked for.
    pub(crate) target: IpAddr,
}

impl Group {
    /// The virtual MAC that the host is told; `None` leaves it without an answer.
    pub(crate) fn answer(&mut self, question: &Question, out: &mut Out<'_>) -> Option<MacAddr> {
        self.counters.resolve_rcvd += 1;
        let physical = self.underlay?.mac;
        if question.host == physical {
            self.counters.looped += 1;
            return None;
        }
        if question.address == Some(question.target) {
            self.hear_claimant(question.at, (question.target, question.host), out);
            return None;
        }
        let chosen = if question.destination.is_multicast() || question.destination == physical {
            self.answer_as_avg(question)
        } else {
            self.confirm(question)
        };
        match (chosen, question.address) {
            (None, _) if self.is_avg() => self.counters.resolve_unanswered += 1,
            (None, _) => {}
            (Some(_), None) => self.counters.resolve_probes_answered += 1,
            (Some(_), Some(_)) => self.counters.resolve_answered += 1,
        }
        chosen
    }

    /// A host that asks again asks the forwarder that it uses, which answers for itself.
    fn confirm(&self, question: &Question) -> Option<MacAddr> {
        let served = self.forwarders.iter().filter(|forwarder| forwarder.serves());
        served.map(|forwarder| forwarder.mac).find(|mac| *mac == question.destination)
    }

    /// Only the AVG tells a host which forwarder to use.
    fn answer_as_avg(&mut self, question: &Question) -> Option<MacAddr> {
        if !self.is_avg() {
            return None;
        }
        let offers = self.offers(question.at);
        let Some(address) = question.address else {
            // It is told that the address is taken, and will not use it: nobody's turn.
            return balancer::first(&offers).and_then(|at| self.forwarders.get(at)).map(|found| found.mac);
        };
        let mode = self.config.settings().load_balancing;
        let at = self.balancer.choose(mode, question.host, &offers, self.own())?;
        let forwarder = self.forwarders.get_mut(at)?;
        forwarder.selections += 1;
        let (mac, number) = (forwarder.mac, forwarder.number.get());
        if let Some(clients) = &mut self.clients
            && clients.record(question.at, question.host, (Some(address), number))
        {
            self.counters.clients_evicted += 1;
        }
        Some(mac)
    }

    /// The forwarders that hosts may be told.
    fn offers(&self, now: Instant) -> Offers {
        let weight = self.weight.current();
        self.forwarders.each_ref().map(|forwarder| forwarder.offer(now, weight))
    }

    /// The AVG that has none to tell, once it had the time to hear of them, is of no use to hosts. Where its own weight is
    /// not too low it serves one within a hold time.
    pub(super) fn watch_service(&mut self, now: Instant, out: &mut Out<'_>) {
        self.unserved =
            self.is_avg() && self.has_listened(now) && balancer::first(&self.offers(now)).is_none();
        if self.unserved && self.weight.is_low() {
            self.notify_limited(Topic::Unserved, now, || NoticeKind::Unserved, out);
        }
    }

    /// Somebody says that the virtual address is at a MAC. Another router's answer to a host is none of ours, though a
    /// switch may bring it here.
    pub(crate) fn hear_claim(&mut self, at: Instant, (address, mac): (IpAddr, MacAddr), out: &mut Out<'_>) {
        if self.is_virtual(mac) {
            return;
        }
        self.counters.resolve_rcvd += 1;
        if self.underlay.is_some_and(|underlay| underlay.mac == mac) {
            self.counters.looped += 1;
        } else {
            self.hear_claimant(at, (address, mac), out);
        }
    }

    /// Somebody announces the virtual address as its own: nothing to answer.
    fn hear_claimant(&mut self, at: Instant, (address, mac): (IpAddr, MacAddr), out: &mut Out<'_>) {
        self.counters.resolve_gratuitous += 1;
        if !self.is_virtual(mac) {
            let kind = || NoticeKind::DuplicateAddress { address, mac };
            self.notify_limited(Topic::DuplicateAddress, at, kind, out);
        }
    }

    fn is_virtual(&self, mac: MacAddr) -> bool {
        self.forwarders.iter().any(|forwarder| forwarder.mac == mac)
    }
}
