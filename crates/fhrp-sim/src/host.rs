//! A host: it knows its gateway by ARP or ND, sends, and counts what comes back.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{Instant, MacAddr};

use crate::lan::{Body, Frame};
use crate::plan::HostPlan;
use crate::record::{Felt, Outage};

/// One probe.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    pub(crate) at: Instant,
    pub(crate) answers: u32,
}

/// One question for the gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) at: Instant,
    /// Or who it knew.
    pub(crate) everybody: bool,
    pub(crate) answers: u32,
}

/// One host.
#[derive(Debug)]
pub(crate) struct Host {
    plan: HostPlan,
    gateway: IpAddr,
    neighbour: Option<MacAddr>,
    /// How many probes it had sent when it was told last.
    told: usize,
    pub(crate) probes: Vec<Probe>,
    pub(crate) asks: Vec<Ask>,
}

impl Host {
    pub(crate) fn new(plan: HostPlan, gateway: IpAddr) -> Self {
        Self { plan, gateway, neighbour: None, told: 0, probes: Vec::new(), asks: Vec::new() }
    }

    pub(crate) fn plan(&self) -> &HostPlan {
        &self.plan
    }

    /// The gateway's MAC, as far as it is known.
    pub(crate) fn neighbour(&self) -> Option<MacAddr> {
        self.neighbour
    }

    /// What it sends when its time has come; `place` is its own number among the hosts.
    pub(crate) fn send(&mut self, now: Instant, place: usize) -> Frame {
        let since = self.probes.get(self.told..).unwrap_or_default();
        let lately = since.iter().rev().take(self.plan.patience);
        let doubts = since.len() >= self.plan.patience && lately.clone().all(|probe| probe.answers == 0);
        let number = self.probes.len();
        self.probes.push(Probe { at: now, answers: 0 });
        match self.neighbour.filter(|_| !doubts) {
            Some(mac) => self.frame(mac, Body::Probe { host: place, number }),
            None => self.frame(MacAddr::BROADCAST, Body::Solicit { address: self.gateway }),
        }
    }

    /// What it sends when it asks who its gateway is, though it may know: everybody, and in turn who it knows.
    pub(crate) fn ask(&mut self, now: Instant) -> Frame {
        let everybody = self.asks.len().is_multiple_of(2);
        let known = self.neighbour.filter(|_| !everybody);
        self.asks.push(Ask { at: now, everybody: known.is_none(), answers: 0 });
        self.frame(known.unwrap_or(MacAddr::BROADCAST), Body::Solicit { address: self.gateway })
    }

    fn frame(&self, destination: MacAddr, body: Body) -> Frame {
        Frame { source: self.plan.mac, destination, body }
    }

    /// Learns where its gateway is; from what is not an answer only if it knew one before.
    pub(crate) fn learn(&mut self, frame: &Frame, address: IpAddr, mac: MacAddr) {
        let asked = frame.destination == self.plan.mac;
        if address == self.gateway && (asked || self.neighbour.is_some()) {
            self.neighbour = Some(mac);
            if let Some(ask) = self.asks.last_mut().filter(|_| asked) {
                ask.answers += 1;
            }
            self.told = if asked { self.probes.len() } else { self.told };
        }
    }

    /// The upstream's answer is there.
    pub(crate) fn hear(&mut self, number: usize) {
        if let Some(probe) = self.probes.get_mut(number) {
            probe.answers += 1;
        }
    }

    /// What it felt, from its probes sent before `until`.
    pub(crate) fn felt(&self, until: Instant) -> Felt {
        let probes = || self.probes.iter().filter(|probe| probe.at < until);
        let served_from = probes().find(|probe| probe.answers > 0).map(|probe| probe.at);
        let mut felt = Felt { served_from, ..Felt::default() };
        let mut outage: Option<Outage> = None;
        for probe in probes().skip_while(|probe| served_from.is_some_and(|from| probe.at < from)) {
            felt.sent += 1;
            felt.duplicates += u64::from(probe.answers.saturating_sub(1));
            if probe.answers == 0 {
                felt.lost += 1;
                let outage = outage.get_or_insert(Outage { from: probe.at, until: None, lost: 0 });
                outage.lost += 1;
            } else if let Some(over) = outage.take() {
                felt.outages.push(Outage { until: Some(probe.at), ..over });
            }
        }
        felt.outages.extend(outage);
        felt
    }

    /// The longest time between two probes that were answered.
    pub(crate) fn outage(&self) -> Duration {
        let answered = || self.probes.iter().filter(|probe| probe.answers > 0);
        let gaps = answered().zip(answered().skip(1));
        let gap = gaps.map(|(one, two)| two.at.saturating_duration_since(one.at)).max();
        gap.unwrap_or_default().saturating_sub(self.plan.period)
    }
}
