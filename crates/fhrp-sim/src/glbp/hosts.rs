//! What hosts are told: by whom, and of which forwarder.

use std::collections::BTreeMap;

use bytes::Bytes;
use fhrp::{GroupState, Instant, LoadBalancing, MacAddr};
use fhrp_wire::envelope::{self, ArpOperation, Packet, nd};

use super::{Contest, FORWARDERS, virtual_macs};
use crate::check::Checker;
use crate::contest::{Fault, Fitness};

/// For each forwarder that may be handed out, the weighting of the router that serves it.
pub(super) type Offers = [Option<u8>; FORWARDERS];

/// What was handed out since the offers were last others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handed {
    mode: Option<LoadBalancing>,
    offers: Offers,
    counts: [u32; FORWARDERS],
    /// What a host was told while these were offered.
    told: BTreeMap<(MacAddr, Vec<usize>), usize>,
}

/// A host asks who has an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub(super) host: MacAddr,
    pub(super) destination: MacAddr,
    pub(super) target: std::net::IpAddr,
}

/// The question in a frame, if there is one.
pub(super) fn question_in(frame: &[u8]) -> Option<Question> {
    let parsed = envelope::parse(frame).ok()?;
    let destination = parsed.destination;
    match parsed.packet {
        Packet::Arp(arp) => matches!(arp.operation, ArpOperation::Request).then_some(Question {
            host: arp.sender_mac,
            destination,
            target: arp.target_address.into(),
        }),
        Packet::Ipv6(ip) => match nd::parse(&ip).ok()?? {
            nd::Nd::NeighborSolicitation { target, source_mac } => {
                Some(Question { host: source_mac?, destination, target: target.into() })
            }
            nd::Nd::RouterSolicitation { .. }
            | nd::Nd::RouterAdvertisement { .. }
            | nd::Nd::NeighborAdvertisement { .. } => None,
        },
        Packet::Ipv4(_) | Packet::Other(_) => None,
    }
}

impl Contest {
    /// Forgets what was handed out: what was in between is not known.
    pub(super) fn forget_handed(&mut self) {
        self.handed = Handed::default();
    }

    /// A host asked at `at` and was given `answers`: frames.
    pub(super) fn answered(
        &mut self,
        at: Instant,
        question: &Question,
        answers: &[Bytes],
        fit: &Fitness,
    ) -> Vec<Fault> {
        let macs = virtual_macs(self.settings.group);
        let mut faults = Vec::new();
        let own = self.weight();
        let offers: Offers = std::array::from_fn(|number| {
            self.forwarders[number].offer(at, self.serves(number).then_some(own))
        });
        let avg = self.candidate.state == GroupState::Active;
        let asks_all = question.destination.is_multicast() || question.destination == fit.mac;
        let asked = macs.iter().position(|mac| *mac == question.destination);
        let expected = match (asks_all, asked) {
            (true, _) => avg && offers.iter().any(Option::is_some),
            (false, Some(number)) => self.serves(number),
            (false, None) => false,
        };
        let told: Vec<Option<MacAddr>> =
            answers.iter().map(|frame| crate::flaw::announced(frame).map(|(_, mac)| mac)).collect();
        if told.len() != usize::from(expected) {
            let text = format!("gives {} answers to a host, and is {}", told.len(), self.candidate.state);
            faults.push((Checker::Answers, text));
        }
        for (frame, mac) in answers.iter().zip(told) {
            let from = frame.get(6..12) == Some(fit.mac.0.as_slice());
            let to = frame.get(0..6) == Some(question.host.0.as_slice());
            if !from || !to {
                faults.push((Checker::Answers, "answers from another MAC, or not to who asked".to_owned()));
            }
            let number = macs.iter().position(|known| Some(*known) == mac);
            match number.filter(|number| !asks_all || offers[*number].is_some()) {
                None => {
                    faults.push((Checker::HandsOut, format!("tells a host of {mac:?}, offers {offers:?}")))
                }
                Some(number) if asks_all => faults.extend(self.hand(number, question.host, &offers)),
                Some(number) if asked != Some(number) => {
                    faults.push((Checker::Answers, format!("asked for {asked:?}, answers with {number}")));
                }
                Some(_) => {}
            }
        }
        faults
    }

    /// Checker `balances`.
    fn hand(&mut self, number: usize, host: MacAddr, offers: &Offers) -> Option<Fault> {
        let mode = self.settings.load_balancing;
        let own = self.forwarders.iter().position(|one| one.role == super::forwarder::Role::Primary);
        let handed = &mut self.handed;
        let same = match mode {
            LoadBalancing::Weighted => handed.offers == *offers,
            LoadBalancing::RoundRobin | LoadBalancing::HostDependent | LoadBalancing::None => {
                handed.offers.map(|offer| offer.is_some()) == offers.map(|offer| offer.is_some())
            }
        };
        if handed.mode != Some(mode) {
            handed.told.clear();
        }
        if handed.mode != Some(mode) || !same {
            (handed.mode, handed.offers, handed.counts) = (Some(mode), *offers, [0; FORWARDERS]);
        }
        handed.counts[number] += 1;
        let usable: Vec<usize> = (0..FORWARDERS).filter(|at| offers[*at].is_some()).collect();
        let first = *handed.told.entry((host, usable.clone())).or_insert(number);
        let fair = match mode {
            LoadBalancing::RoundRobin => even(&handed.counts, &usable),
            LoadBalancing::Weighted if offers.iter().flatten().all(|weight| *weight == 0) => true,
            LoadBalancing::Weighted => in_proportion(&handed.counts, offers),
            LoadBalancing::HostDependent => first == number,
            LoadBalancing::None => {
                let own = own.filter(|own| offers[*own].is_some());
                own.or(usable.first().copied()) == Some(number)
            }
        };
        let text = || format!("{mode:?} of {offers:?} gives {:?}, now {}", self.handed.counts, number + 1);
        (!fair).then(|| (Checker::Balances, text()))
    }
}

/// Within one of each other.
fn even(counts: &[u32; FORWARDERS], usable: &[usize]) -> bool {
    let of = usable.iter().map(|at| counts[*at]);
    of.clone().max().unwrap_or(0) <= of.min().unwrap_or(0) + 1
}

/// Within two of each one's share.
fn in_proportion(counts: &[u32; FORWARDERS], offers: &Offers) -> bool {
    let total: u32 = counts.iter().sum();
    let turn: u32 = offers.iter().flatten().map(|weight| u32::from(*weight)).sum();
    counts.iter().zip(offers).all(|(count, offer)| {
        let share = total * offer.map_or(0, u32::from);
        (count * turn).abs_diff(share) <= 2 * turn
    })
}
