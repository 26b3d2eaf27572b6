//! What `show` shows, as the daemon sends it and as `--json` prints it.

mod glbp;
mod hello;
mod hsrp;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{
    Cause, Detail, Family, GroupStatus, Instant, InterfaceName, InterfaceStats, PeerStatus, Track,
    TrackEffect, TrackState, VrrpStatus,
};
use fhrp_wire::vrrp::ChecksumForm;
use serde::{Deserialize, Serialize};

pub use glbp::{
    ClientCacheReport, ClientReport, ForwarderReport, GlbpReport, MemberReport, ServerReport, WeightingReport,
};
pub use hello::HelloReport;
pub use hsrp::HsrpReport;

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The groups, by interface, family and number.
    pub groups: Vec<GroupReport>,
    /// Interfaces that groups run on.
    pub interfaces: Vec<InterfaceReport>,
}

/// One group. Times are milliseconds or seconds as the names say, exact to the microsecond.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// `vrrp`, `hsrp` or `glbp`.
    pub protocol: String,
    /// Where.
    pub interface: String,
    /// VRRP: the VRID.
    pub group: u16,
    /// 4 or 6.
    pub family: u8,
    /// VRRP: `initialize`, `backup` or `active`. HSRP: `initial`, `learn`, `listen`, `speak`, `standby` or `active`. GLBP:
    /// the same of its gateway, but `disabled` instead of `learn`.
    pub state: String,
    /// As configured.
    pub priority: u8,
    /// As in use.
    pub effective_priority: u8,
    /// The Active router, as far as known.
    pub active: Option<IpAddr>,
    /// The Standby router; VRRP has none.
    pub standby: Option<IpAddr>,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// The virtual MAC, where one is used.
    pub virtual_mac: Option<String>,
    /// The interface's own MAC.
    pub interface_mac: Option<String>,
    /// Counters with the names of RFC 8347 where it has one.
    pub counters: BTreeMap<String, u64>,
    /// VRRP: 2 or 3. HSRP: 1 or 2. GLBP: 1.
    pub version: u8,
    /// Why it does not run.
    pub waiting: Option<String>,
    /// Preempt_Mode.
    pub preempt: bool,
    /// Preempt delay.
    pub preempt_delay_ms: f64,
    /// The Active router's priority.
    pub active_priority: Option<u8>,
    /// The address that advertisements come from.
    pub primary_address: Option<IpAddr>,
    /// Whether the dataplane is as wished.
    pub programmed: bool,
    /// Since it runs.
    pub up_seconds: Option<f64>,
    /// How often the state has changed.
    pub state_changes: u64,
    /// The last change of state.
    pub last_transition: Option<TransitionReport>,
    /// Tracked objects.
    pub tracks: Vec<TrackReport>,
    /// Routers heard.
    pub peers: Vec<PeerReport>,
    /// What only VRRP has.
    #[serde(flatten)]
    pub vrrp: Option<VrrpReport>,
    /// What HSRP and GLBP have.
    #[serde(flatten)]
    pub hello: Option<HelloReport>,
    /// What only HSRP has. None of these parts has a name that another has, or they would not read back.
    #[serde(flatten)]
    pub hsrp: Option<HsrpReport>,
    /// What only GLBP has.
    #[serde(flatten)]
    pub glbp: Option<GlbpReport>,
}

/// What only a group of VRRP has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VrrpReport {
    /// Whether this router owns a virtual address.
    pub owner: bool,
    /// Accept_Mode.
    pub accept_mode: bool,
    /// Advertisement_Interval.
    pub advertisement_interval_ms: f64,
    /// Active_Adver_Interval.
    pub active_adver_interval_ms: f64,
    /// Skew_Time.
    pub skew_time_ms: f64,
    /// Active_Down_Interval.
    pub active_down_interval_ms: f64,
    /// The checksum form being sent, where there are two.
    pub checksum: Option<String>,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitionReport {
    /// Why.
    pub cause: String,
    /// How long ago.
    pub seconds_ago: f64,
}

/// A tracked object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackReport {
    /// Which.
    pub name: String,
    /// `up` or `down`.
    pub state: String,
    /// What its failure takes off the priority; none: it stops the group.
    pub decrement: Option<u8>,
}

/// A router heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Its address.
    pub address: IpAddr,
    /// Its priority.
    pub priority: u8,
    /// The version it speaks.
    pub version: u8,
    /// Its interval; HSRP and GLBP: its hello time.
    pub advertisement_interval_ms: f64,
    /// HSRP and GLBP: its hold time.
    pub hold_time_ms: Option<f64>,
    /// HSRP and GLBP: the state that it says.
    pub state: Option<String>,
    /// HSRP version 2 and GLBP: its interface's MAC.
    pub mac: Option<String>,
    /// Its checksum form, where there are two and they differ.
    pub checksum: Option<String>,
    /// When it was last heard.
    pub heard_seconds_ago: f64,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InterfaceReport {
    /// Its name.
    pub interface: String,
    /// What cannot be laid at a group's door.
    pub counters: BTreeMap<String, u64>,
}

/// A snapshot taken at `now` as the JSON text of a [`Report`]. Made group by group: with thousands of groups the whole
/// report would take many times the memory of its text.
///
/// # Errors
/// None that the types allow; serde's, should they change.
pub fn json(
    now: Instant,
    groups: &[GroupStatus],
    interfaces: &[(InterfaceName, InterfaceStats)],
) -> serde_json::Result<String> {
    let mut groups: Vec<&GroupStatus> = groups.iter().collect();
    groups.sort_by_key(|group| (group.id.interface.as_str(), group.id.number, group.id.family));
    let groups = groups.into_iter().map(|group| serde_json::to_string(&GroupReport::new(now, group)));
    let interfaces = interfaces.iter().map(|(name, stats)| {
        serde_json::to_string(&InterfaceReport { interface: name.to_string(), counters: named(stats.iter()) })
    });
    let mut out = String::from("{\"groups\":");
    list(&mut out, groups)?;
    out.push_str(",\"interfaces\":");
    list(&mut out, interfaces)?;
    out.push('}');
    Ok(out)
}

fn list(out: &mut String, items: impl Iterator<Item = serde_json::Result<String>>) -> serde_json::Result<()> {
    out.push('[');
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&item?);
    }
    out.push(']');
    Ok(())
}

impl GroupReport {
    fn new(now: Instant, group: &GroupStatus) -> Self {
        let ago = |at: Instant| seconds_between(at, now);
        Self {
            protocol: group.id.protocol.to_string(),
            interface: group.id.interface.to_string(),
            group: group.id.number,
            family: match group.id.family {
                Family::V4 => 4,
                Family::V6 => 6,
            },
            state: group.state.to_string(),
            priority: group.priority,
            effective_priority: group.effective_priority,
            active: group.active,
            standby: match &group.detail {
                Detail::Vrrp(_) => None,
                Detail::Hsrp(status) => status.standby,
                Detail::Glbp(status) => status.standby,
            },
            addresses: group.addresses.to_vec(),
            virtual_mac: group.virtual_mac.map(|mac| mac.to_string()),
            interface_mac: group.interface_mac.map(|mac| mac.to_string()),
            counters: counters(group),
            version: group.version,
            waiting: group.waiting.as_ref().map(ToString::to_string),
            preempt: group.preempt,
            preempt_delay_ms: millis(group.preempt_delay),
            active_priority: group.active_priority,
            primary_address: group.primary_address,
            programmed: group.programmed,
            up_seconds: group.up_since.map(ago),
            state_changes: group.state_changes,
            last_transition: group.last_transition.as_ref().map(|last| TransitionReport::new(now, last)),
            tracks: group.tracks.iter().map(TrackReport::new).collect(),
            peers: group.peers.iter().map(|peer| PeerReport::new(now, peer)).collect(),
            vrrp: group.vrrp().map(VrrpReport::new),
            hello: HelloReport::new(now, &group.detail),
            hsrp: group.hsrp().map(HsrpReport::new),
            glbp: group.glbp().map(|status| GlbpReport::new(now, status)),
        }
    }
}

impl TransitionReport {
    fn new(now: Instant, (at, cause): &(Instant, Cause)) -> Self {
        Self { cause: cause.to_string(), seconds_ago: seconds_between(*at, now) }
    }
}

impl TrackReport {
    fn new((track, state): &(Track, TrackState)) -> Self {
        Self {
            name: track.name.to_string(),
            state: match state {
                TrackState::Up => "up".to_owned(),
                TrackState::Down => "down".to_owned(),
            },
            decrement: match track.effect {
                TrackEffect::Decrement(by) => Some(by),
                TrackEffect::Shutdown => None,
            },
        }
    }
}

impl PeerReport {
    fn new(now: Instant, peer: &PeerStatus) -> Self {
        Self {
            address: peer.address,
            priority: peer.priority,
            version: peer.version,
            advertisement_interval_ms: millis(peer.interval),
            hold_time_ms: peer.hold.map(millis),
            state: peer.state.map(|state| state.to_string()),
            mac: peer.mac.map(|mac| mac.to_string()),
            checksum: peer.checksum.map(form),
            heard_seconds_ago: seconds_between(peer.heard, now),
        }
    }
}

impl VrrpReport {
    fn new(status: &VrrpStatus) -> Self {
        Self {
            owner: status.owner,
            accept_mode: status.accept_mode,
            advertisement_interval_ms: millis(status.advertisement_interval),
            active_adver_interval_ms: millis(status.active_adver_interval),
            skew_time_ms: millis(status.skew_time),
            active_down_interval_ms: millis(status.active_down_interval),
            checksum: status.checksum.map(form),
        }
    }
}

/// Those of its life and those of its protocol.
pub(crate) fn counters(group: &GroupStatus) -> BTreeMap<String, u64> {
    match &group.detail {
        Detail::Vrrp(status) => named(group.counters.iter().chain(status.counters.iter())),
        Detail::Hsrp(status) => named(group.counters.iter().chain(status.counters.iter())),
        Detail::Glbp(status) => named(group.counters.iter().chain(status.counters.iter())),
    }
}

fn named(counters: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<String, u64> {
    counters.map(|(name, count)| (name.replace('_', "-"), count)).collect()
}

/// As the configuration writes it.
pub(crate) fn form(form: ChecksumForm) -> String {
    match form {
        ChecksumForm::Rfc9568 => "rfc9568".to_owned(),
        ChecksumForm::Rfc5798 => "rfc5798".to_owned(),
    }
}

/// Milliseconds, exact to the microsecond.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// From `earlier` to `later`, and 0 the other way round; exact to the microsecond, for floating point adds below.
fn seconds_between(earlier: Instant, later: Instant) -> f64 {
    (later.saturating_duration_since(earlier).as_secs_f64() * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fhrp::{GroupId, GroupState, GroupStats, PeerStatus, Protocol, VrrpStats};

    use super::*;

    fn status(interface: &str, number: u16) -> GroupStatus {
        let millis = Duration::from_millis;
        let peer = PeerStatus {
            address: "192.0.2.3".parse().unwrap(),
            priority: 200,
            version: 3,
            interval: millis(100),
            hold: None,
            state: None,
            mac: None,
            checksum: Some(ChecksumForm::Rfc5798),
            heard: Instant::from_millis(9_950),
        };
        GroupStatus {
            id: GroupId {
                interface: InterfaceName::new(interface),
                protocol: Protocol::Vrrp,
                family: Family::V4,
                number,
            },
            version: 3,
            state: GroupState::Backup,
            waiting: None,
            priority: 100,
            effective_priority: 100,
            preempt: true,
            preempt_delay: Duration::ZERO,
            active: Some("192.0.2.3".parse().unwrap()),
            active_priority: Some(200),
            addresses: Arc::from(["192.0.2.1".parse().unwrap()]),
            virtual_mac: Some(fhrp::MacAddr([0, 0, 0x5e, 0, 1, 10])),
            interface_mac: Some(fhrp::MacAddr([2, 0, 0, 0, 0, 2])),
            primary_address: Some("192.0.2.2".parse().unwrap()),
            programmed: true,
            up_since: Some(Instant::from_millis(1_000)),
            state_changes: 1,
            tracks: Vec::new(),
            last_transition: Some((Instant::from_millis(2_000), Cause::Startup)),
            peers: vec![peer],
            counters: GroupStats::default(),
            detail: Detail::Vrrp(Box::new(VrrpStatus {
                owner: false,
                accept_mode: false,
                advertisement_interval: millis(100),
                active_adver_interval: millis(100),
                skew_time: Duration::from_micros(60_937),
                active_down_interval: Duration::from_micros(360_937),
                checksum: Some(ChecksumForm::Rfc5798),
                counters: VrrpStats { advertisement_rcvd: 7, ..VrrpStats::default() },
            })),
        }
    }

    #[test]
    fn the_text_reads_back_in_order() {
        let interface =
            (InterfaceName::new("eth0"), InterfaceStats { vrid_errors: 2, ..InterfaceStats::default() });
        let groups = [status("eth1", 1), status("eth0", 20), status("eth0", 3)];
        let text = json(Instant::from_millis(10_000), &groups, &[interface]).unwrap();
        let report: Report = serde_json::from_str(&text).unwrap();
        let order: Vec<_> =
            report.groups.iter().map(|group| (group.interface.as_str(), group.group)).collect();
        assert_eq!(order, [("eth0", 3), ("eth0", 20), ("eth1", 1)]);
        let group = &report.groups[0];
        assert_eq!(
            (group.state.as_str(), group.vrrp.as_ref().map(|vrrp| vrrp.skew_time_ms), group.up_seconds),
            ("backup", Some(60.937), Some(9.0))
        );
        assert_eq!(group.counters["advertisement-rcvd"], 7);
        assert_eq!(
            (group.peers[0].heard_seconds_ago, group.peers[0].checksum.as_deref()),
            (0.05, Some("rfc5798"))
        );
        assert_eq!(report.interfaces[0].counters["vrid-errors"], 2);
        assert!(text.contains("\"standby\":null"), "{text}");
    }

    #[test]
    fn nothing_is_an_empty_report() {
        assert_eq!(json(Instant::default(), &[], &[]).unwrap(), "{\"groups\":[],\"interfaces\":[]}");
    }
}
