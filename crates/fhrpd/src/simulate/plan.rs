//! From a network and a script to runs: one for each LAN, for what happens on one touches another only by what befalls a
//! whole router, and by interfaces that are tracked.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{Family, HsrpConfig, Instant, MacAddr, Protocol};
use fhrp_sim::{Clock, GroupPlan, HostPlan, Kind, RouterPlan, Scenario, Settings};

use super::faults::{Faults, Part, Statements};
use super::network::{Group, Lan, Network, Port};
use super::script::{Action, Statement, problem};
use crate::config::Problem;

/// How often a host sends, where there are few of them.
const PROBES: Duration = Duration::from_millis(20);
/// So many hosts send that often; more of them send less often.
const HOSTS_FEW: usize = 50;
/// So many hosts ask a group of GLBP for its address: one for each forwarder that there may be.
const SHARERS: usize = 4;
/// How often they ask again: the first forwarder gets all that ask before there are others.
const ASKS: Duration = Duration::from_secs(10);
/// A host that hears nothing asks again who its gateway is: Linux after 5 s (`delay_first_probe_time`) and three
/// questions to whom it knew (`ucast_solicit`, `retrans_time`).
const PATIENCE: Duration = Duration::from_secs(8);
/// Timers are served at most so late, a dataplane takes at most so long.
const LATENESS: Duration = Duration::from_micros(50);
const PROGRAMMING: Duration = Duration::from_millis(2);
/// What is looked at after everything should have settled.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// What is about to be run.
#[derive(Debug)]
pub(super) struct Plan {
    /// One for each LAN.
    pub(super) runs: Vec<Run>,
    /// What the script says, in the order of time.
    pub(super) statements: Statements,
    pub(super) end: Instant,
    /// What the operator should know before looking at the rest.
    pub(super) remarks: Vec<String>,
}

/// One LAN's run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) scenario: Scenario,
    /// One for each host of the scenario.
    pub(super) hosts: Vec<Host>,
}

/// A host, and whom it asks.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// The group, by its place on the LAN.
    pub(super) group: usize,
    pub(super) address: IpAddr,
    /// Where the LAN is split: the routers on its side of it.
    pub(super) beside: Vec<usize>,
}

/// What the operator chose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) seed: u64,
    pub(super) duration: Option<Duration>,
    /// What the calendar shows in the beginning, since 1970.
    pub(super) date: Option<Duration>,
}

/// Plans the runs.
///
/// # Errors
/// What of the script does not fit the network.
pub(super) fn plan(network: &Network, script: &[Statement], choice: Choice) -> Result<Plan, Vec<Problem>> {
    let mut remarks = Vec::new();
    let groups: Vec<Vec<GroupPlan>> =
        network.lans.iter().map(|lan| group_plans(network, lan, &mut remarks)).collect();
    remarks.extend(network.lans.iter().flat_map(|lan| compare(network, lan)));
    let faults = Faults::of(network, script)?;
    let end = end_of(script, &groups, choice.duration)?;
    let mut runs = Vec::new();
    for (place, (lan, groups)) in network.lans.iter().zip(groups).enumerate() {
        let mut run = Run::new(lan, groups, faults.sides(place), choice.seed);
        let ours = faults.parts.iter().filter(|part| part.lan == place);
        run.scenario.faults = ours.map(|part| part.fault(end)).collect();
        (run.scenario.settled, run.scenario.end) = (end, end);
        run.scenario.calendar = choice.date;
        runs.push(run);
    }
    Ok(Plan { runs, statements: faults.statements, end, remarks })
}

/// When to stop looking: as said, or when all should have settled.
fn end_of(
    script: &[Statement],
    groups: &[Vec<GroupPlan>],
    duration: Option<Duration>,
) -> Result<Instant, Vec<Problem>> {
    let said = script.iter().find(|statement| statement.action == Action::End);
    let members = || groups.iter().flatten().flat_map(|group| group.members.iter().flatten());
    let slowest = members().map(Settings::pace).max().unwrap_or_default();
    let settles = |settings: &Settings| settings.silence(slowest) + settings.preempt_delay();
    let told = members().map(Settings::speaks_every).max().unwrap_or_default() * 2;
    let settling = members().map(settles).max().unwrap_or_default() + told + AFTERWARDS;
    let last = script.iter().map(|statement| statement.at + statement.lasts.unwrap_or_default()).max();
    let end = said.map(|statement| statement.at).or(duration);
    let end = end.unwrap_or_else(|| last.unwrap_or_default() + settling);
    let late = |statement: &&Statement| statement.at >= end && statement.action != Action::End;
    let late: Vec<Problem> = script
        .iter()
        .filter(late)
        .map(|statement| {
            let title = format!("nothing is looked at any more at {:?}", statement.at);
            let remedy = format!("let it end later than {end:?}");
            *problem(title, statement.place.clone(), remedy)
        })
        .collect();
    if late.is_empty() { Ok(Instant::default() + end) } else { Err(late) }
}

impl Run {
    /// `sides` says which ports are on the far side of a split, if there is one.
    fn new(lan: &Lan, groups: Vec<GroupPlan>, sides: Option<BTreeSet<usize>>, seed: u64) -> Self {
        let switch = |place: usize| usize::from(sides.as_ref().is_some_and(|far| far.contains(&place)));
        let routers = lan.ports.iter().enumerate().map(|(place, port)| router_plan(port, switch(place)));
        let routers: Vec<RouterPlan> = routers.collect();
        let mut hosts = Vec::new();
        let mut plans = Vec::new();
        let switches = if sides.is_some() { 0..2 } else { 0..1 };
        let runs = |(place, _): &(usize, &Group)| {
            groups.get(*place).is_some_and(|plan| plan.members.iter().any(Option::is_some))
        };
        for (group, known) in lan.groups.iter().enumerate().filter(runs) {
            let each = if known.protocol == Protocol::Glbp { SHARERS } else { 1 };
            let gateways = gateways(known);
            let asked = gateways.iter().flat_map(|address| std::iter::repeat_n(*address, each));
            for (address, side) in asked.flat_map(|address| switches.clone().map(move |side| (address, side)))
            {
                let beside = (0..lan.ports.len()).filter(|port| switch(*port) == side);
                let beside = if sides.is_some() { beside.collect() } else { Vec::new() };
                let [high, low] = u16::try_from(hosts.len() + 1).unwrap_or(u16::MAX).to_be_bytes();
                let mac = MacAddr([2, 0, 1, 0, high, low]);
                let (gateway, period) = (Some(address), PROBES);
                let asks = (known.protocol == Protocol::Glbp).then_some(ASKS);
                let switch = side;
                plans.push(HostPlan { mac, switch, group, gateway, period, patience: usize::MAX, asks });
                hosts.push(Host { group, address, beside });
            }
        }
        let crowd = u32::try_from(plans.len() / HOSTS_FEW + 1).unwrap_or(u32::MAX);
        for plan in &mut plans {
            plan.period = PROBES * crowd;
            let probes = PATIENCE.as_millis() / plan.period.as_millis().max(1);
            plan.patience = usize::try_from(probes).unwrap_or(usize::MAX);
        }
        Self { scenario: Scenario::new(seed, routers, groups, plans), hosts }
    }
}

fn router_plan(port: &Port, switch: usize) -> RouterPlan {
    RouterPlan {
        interface: port.interface.clone(),
        ipv4: port.ipv4,
        ipv6: port.ipv6,
        owned: port.owned.clone(),
        mac: port.mac,
        switch,
        starts: Instant::default(),
        clock: Clock::default(),
        lateness: LATENESS,
        programming: PROGRAMMING,
        thorough: false,
        stop_linger: port.stop_linger,
    }
}

/// What hosts may have been told: the first address of each router, and those that not all routers have.
fn gateways(group: &Group) -> BTreeSet<IpAddr> {
    let lists = || group.configs.iter().flatten().map(fhrp::GroupConfig::addresses);
    let everywhere =
        |address: &IpAddr| lists().filter(|list| !list.is_empty()).all(|list| list.contains(address));
    let firsts = lists().filter_map(|list| list.first().copied());
    let disputed = lists().flat_map(|list| list.iter().copied()).filter(|address| !everywhere(address));
    firsts.chain(disputed).collect()
}

fn group_plans(network: &Network, lan: &Lan, remarks: &mut Vec<String>) -> Vec<GroupPlan> {
    let mut plans = Vec::new();
    for group in &lan.groups {
        let mut members = Vec::new();
        for (port, config) in lan.ports.iter().zip(&group.configs) {
            let router = network.routers.get(port.router);
            let apart = config.as_ref().and_then(|config| config.hsrp()).and_then(|hsrp| {
                let others = router.into_iter().flat_map(|router| router.config.groups.values());
                led_from_elsewhere(hsrp, others.filter_map(|other| other.hsrp()))
            });
            let mut settings = config.as_ref().and_then(Settings::of);
            let name = router.map(|router| router.name.as_str()).unwrap_or_default();
            if let (Some(config), Some(leader)) = (config, &apart) {
                remarks.push(format!(
                    "{name} {}: left out: it follows {leader} of another LAN, and each LAN is simulated by itself",
                    config.id()
                ));
            }
            if let Some(Settings::Glbp(glbp)) = &mut settings {
                // A daemon draws it when it starts; here nothing is left to chance.
                glbp.nonce_seed = [1, u64::try_from(port.router + 1).unwrap_or(0)];
            }
            members.push(settings.filter(|_| apart.is_none()));
        }
        let gateway = gateways(group).first().copied();
        let nobody = IpAddr::from([0, 0, 0, 0]);
        plans.push(GroupPlan {
            number: group.number,
            ipv6: group.family == Family::V6,
            gateway: gateway.unwrap_or(nobody),
            members,
        });
    }
    plans
}

/// The name of the group that `group` follows, if that one is on another interface.
fn led_from_elsewhere<'a>(
    group: &HsrpConfig,
    mut others: impl Iterator<Item = &'a HsrpConfig>,
) -> Option<String> {
    let leader = group.settings().follow.as_ref()?;
    let leader = others.find(|other| other.name() == leader)?;
    (leader.id().interface != group.id().interface).then(|| leader.id().to_string())
}

/// What configurations, looked at side by side, have wrong that no router can see.
fn compare(network: &Network, lan: &Lan) -> Vec<String> {
    let mut remarks = Vec::new();
    let name = |port: &Port| network.routers.get(port.router).map_or("?", |router| router.name.as_str());
    let members = |group: &Group| -> Vec<&str> {
        let ports = lan.ports.iter().zip(&group.configs).filter(|(_, config)| config.is_some());
        ports.map(|(port, _)| name(port)).collect()
    };
    for (place, group) in lan.groups.iter().enumerate() {
        if let [only] = members(group).as_slice()
            && lan.ports.len() > 1
        {
            remarks.push(format!("{} has one router only: {only}", group.title(&lan.name)));
        }
        for other in lan.groups.iter().skip(place + 1) {
            for address in group.addresses().intersection(&other.addresses()) {
                remarks.push(format!(
                    "{address} is in two groups: {} ({}) and {} ({}): they do not hear each other",
                    group.title(&lan.name),
                    members(group).join(", "),
                    other.title(&lan.name),
                    members(other).join(", ")
                ));
            }
        }
    }
    remarks
}

impl Group {
    /// As logs call it, with the LAN in place of the interface.
    pub(super) fn title(&self, lan: &str) -> String {
        let family = if self.family == Family::V6 { "ipv6" } else { "ipv4" };
        format!("{} {lan} {family} {}", self.protocol, self.number)
    }

    /// All virtual addresses that anybody has.
    pub(super) fn addresses(&self) -> BTreeSet<IpAddr> {
        self.configs.iter().flatten().flat_map(|config| config.addresses().iter().copied()).collect()
    }
}

impl Part {
    fn fault(&self, end: Instant) -> fhrp_sim::Fault {
        let after = end + Duration::from_secs(1);
        let until = self.until.map_or(after, |until| Instant::default() + until);
        let kind: Kind = self.kind.clone();
        fhrp_sim::Fault { at: Instant::default() + self.from, until: until.min(after), kind }
    }
}
