//! Works out the figures of a failover.

use std::{net::IpAddr, time::Duration};

use fhrp_wire::{Family, MacAddr};

use super::{
    FailoverPlan, FailoverReport, HostReport, LabEvent, Protocol, RouterReport, TimelineEntry,
    observer::{Takeover, line, takeover},
    run::Strike,
};
use crate::{
    capture::Capture,
    clock::{Stamp, millis},
    error::{LabError, Result},
    probe::{Outage, ProbeRecord},
    topology::{Lab, Node, UPSTREAM_INTERFACE, lan_interface},
};

/// Counted before the fault, so that a loss at its very begin is seen.
const LEAD: Duration = Duration::from_millis(10);
/// A silence shorter than this is no line of the timeline.
const NOTEWORTHY: Duration = Duration::from_millis(5);

/// Which way a host's packets go.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    pub(super) router: Option<String>,
    /// What the host has for the gateway.
    pub(super) mac: Option<MacAddr>,
}

impl Carrier {
    pub(super) fn of(lab: &Lab, host: &Node, gateway: IpAddr) -> Result<Self> {
        let router = lab.carrier_of(host, 0, gateway)?.map(|router| router.to_string());
        Ok(Self { router, mac: host.neighbor(&lan_interface(0), gateway)? })
    }
}

/// What was seen before the fault; lists are in the order of the routers, or of the hosts.
pub(super) struct Before {
    /// Who carries each host's packets.
    pub(super) carriers: Vec<Carrier>,
    /// What each router serves.
    pub(super) forwarders: Vec<Vec<u8>>,
    /// What each router had sent upstream when the watch began.
    pub(super) start: Vec<u64>,
    /// What each router had sent upstream just before the fault.
    pub(super) octets: Vec<u64>,
}

impl Before {
    /// What each router carried.
    pub(super) fn carried(&self) -> Vec<u64> {
        self.octets.iter().zip(&self.start).map(|(end, start)| end.saturating_sub(*start)).collect()
    }
}

/// Everything that the figures are made of.
pub(super) struct Account<'a> {
    pub(super) plan: &'a FailoverPlan,
    pub(super) lab: &'a Lab,
    pub(super) capture: &'a Capture,
    pub(super) gateway: IpAddr,
    pub(super) strike: &'a Strike,
    pub(super) before: Before,
    /// What each router serves now.
    pub(super) forwarders: Vec<Vec<u8>>,
}

impl Account<'_> {
    /// The outages worth a line of the timeline.
    pub(super) fn outages(&self, records: &[ProbeRecord]) -> Vec<LabEvent> {
        let mut ends = Vec::new();
        for record in records {
            let (from, to) = self.span(record);
            let Outage { end, lasted, .. } = record.outage(from, to);
            if lasted > NOTEWORTHY {
                let silent_us = u64::try_from(lasted.as_micros()).unwrap_or(u64::MAX);
                let entry = TimelineEntry::Recovered { host: record.host.clone(), silent_us };
                ends.push((end, entry));
            }
        }
        ends.sort_by_key(|(at, _)| *at);
        ends.into_iter().map(|(at, entry)| line(at, entry)).collect()
    }

    pub(super) fn report(&self, records: &[ProbeRecord]) -> Result<FailoverReport> {
        let takeovers = self.takeovers();
        let mut hosts = Vec::new();
        for ((host, record), before) in self.lab.hosts().iter().zip(records).zip(&self.before.carriers) {
            hosts.push(self.host(host, record, before.clone())?);
        }
        if self.capture.dropped() > 0 {
            let what =
                format!("{} frames were not captured; the figures would be void", self.capture.dropped());
            return Err(LabError::Timeout { what, waited_ms: 0, detail: String::new() });
        }
        Ok(FailoverReport {
            protocol: self.plan.protocol.name(),
            version: self.plan.protocol.version(),
            family: match self.plan.family {
                Family::V4 => 4,
                Family::V6 => 6,
            },
            fault: self.plan.fault.to_string(),
            target: self.plan.target.to_string(),
            hit: self.strike.hit.iter().map(|number| format!("r{number}")).collect(),
            outage_ms: hosts.iter().map(|host| host.outage_ms).fold(0.0, f64::max),
            bound_ms: millis(self.bound(&takeovers)),
            takeover_ms: takeovers.iter().map(Takeover::duration).max().map(millis),
            hosts,
            routers: self.routers()?,
        })
    }

    /// The takeover of each thing that the fault took away.
    fn takeovers(&self) -> Vec<Takeover> {
        let Strike { begin, unheard, lost, .. } = self.strike;
        let of = |events: &[_]| {
            let all =
                lost.iter().filter_map(|(contest, old)| takeover(events, *contest, old, (*begin, *unheard)));
            all.collect()
        };
        self.capture.look(0, of)
    }

    /// What the protocol allows the next in line.
    fn bound(&self, takeovers: &[Takeover]) -> Duration {
        let next = self.plan.group(2);
        let resigned = !takeovers.is_empty() && takeovers.iter().all(|takeover| takeover.resigned);
        if resigned { next.patience_after_resignation() } else { next.patience() }
    }

    fn span(&self, record: &ProbeRecord) -> (Stamp, Stamp) {
        let from = self.strike.begin.before(LEAD);
        (from, record.sent.last().copied().unwrap_or(from))
    }

    fn host(&self, host: &Node, record: &ProbeRecord, before: Carrier) -> Result<HostReport> {
        let (from, to) = self.span(record);
        let now = Carrier::of(self.lab, host, self.gateway)?;
        let text = |mac: Option<MacAddr>| mac.map(|mac| mac.to_string());
        Ok(HostReport {
            name: record.host.clone(),
            router_before: before.router,
            router: now.router,
            mac_before: text(before.mac),
            mac: text(now.mac),
            lost: record.lost(from, to),
            outage_ms: millis(record.outage(from, to).lasted),
            sender_gap_ms: millis(record.sender_gap(from, to)),
        })
    }

    fn routers(&self) -> Result<Vec<RouterReport>> {
        match self.plan.protocol {
            Protocol::Vrrp { .. } | Protocol::Hsrp { .. } => return Ok(Vec::new()),
            Protocol::Glbp { .. } => {}
        }
        let before = self.before.forwarders.iter().zip(self.before.carried()).zip(&self.before.octets);
        let mut reports = Vec::new();
        for ((router, forwarders), ((forwarders_before, octets_before), then)) in
            self.lab.routers().iter().zip(&self.forwarders).zip(before)
        {
            reports.push(RouterReport {
                name: router.name().to_owned(),
                forwarders_before: forwarders_before.clone(),
                forwarders: forwarders.clone(),
                octets_before,
                octets: router.octets_sent(UPSTREAM_INTERFACE)?.saturating_sub(*then),
            });
        }
        Ok(reports)
    }
}
