//! Groups as the engine tells of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp::{
    Cause, ClientCache, Detail, Family, GlbpAuthentication, GlbpClient, GlbpForwarder, GlbpMember,
    GlbpServer, GlbpStats, GlbpStatus, GlbpWeighting, GroupId, GroupState, GroupStats, GroupStatus,
    HsrpAuthentication, HsrpStats, HsrpStatus, Instant, InterfaceName, LoadBalancing, MacAddr, PeerStatus,
    Protocol, VrrpStats, VrrpStatus, Waiting,
};
use fhrp_wire::hsrp::{Group, KeyBytes, Variant};
use fhrpd::report::{Report, json};

/// When all the groups here are looked at.
pub(crate) const NOW: Instant = Instant::from_millis(100_000);

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// So many milliseconds from now, or ago where negative.
pub(crate) fn at(millis: i64) -> Instant {
    Instant::from_millis(u64::try_from(100_000 + millis).unwrap())
}

/// What the daemon would send of these.
pub(crate) fn report(groups: &[GroupStatus]) -> Report {
    serde_json::from_str(&json(NOW, groups, &[]).unwrap()).unwrap()
}

/// A group of HSRP, Active since 5 s with a Standby router, 192.0.2.3 or fe80::3.
pub(crate) fn hsrp(interface: &str, variant: Variant, number: u16) -> GroupStatus {
    let family = variant.family();
    let [address, ours, theirs] = match family {
        Family::V4 => [ip("192.0.2.1"), ip("192.0.2.2"), ip("192.0.2.3")],
        Family::V6 => [ip("fe80::5:73ff:fea0:10"), ip("fe80::2"), ip("fe80::3")],
    };
    let version = variant.version().get();
    GroupStatus {
        id: GroupId { interface: InterfaceName::new(interface), protocol: Protocol::Hsrp, family, number },
        version,
        state: GroupState::Active,
        waiting: None,
        priority: 110,
        effective_priority: 110,
        preempt: true,
        preempt_delay: Duration::ZERO,
        active: Some(ours),
        active_priority: Some(110),
        addresses: Arc::from([address]),
        virtual_mac: Group::new(variant, number).map(Group::virtual_mac),
        interface_mac: Some(MacAddr([2, 0, 0, 0, 0, 2])),
        primary_address: Some(ours),
        programmed: true,
        up_since: Some(at(-60_000)),
        state_changes: 4,
        tracks: Vec::new(),
        last_transition: Some((at(-5_000), Cause::ActiveSilent)),
        peers: vec![PeerStatus {
            address: theirs,
            priority: 100,
            version,
            interval: seconds(3),
            hold: Some(seconds(10)),
            state: Some(GroupState::Standby),
            mac: (version == 2).then_some(MacAddr([0x02, 0, 0, 0, 0, 3])),
            checksum: None,
            heard: at(-1_500),
        }],
        counters: GroupStats { active_transitions: 1, ..GroupStats::default() },
        detail: Detail::Hsrp(Box::new(HsrpStatus {
            name: match family {
                Family::V4 => format!("hsrp-{interface}-{number}").into(),
                Family::V6 => format!("hsrp-{interface}-{number}-V6").into(),
            },
            hello_time: seconds(3),
            hold_time: seconds(10),
            configured_timers: None,
            next_hello: Some(at(1_250)),
            active_expires: None,
            standby_expires: Some(at(8_500)),
            standby: Some(theirs),
            standby_priority: Some(100),
            preempt_delay_reload: Duration::ZERO,
            preempt_delay_sync: Duration::ZERO,
            authentication: HsrpAuthentication::default(),
            learned_address: false,
            follow: None,
            counters: HsrpStats { hello_rcvd: 7, ..HsrpStats::default() },
        })),
    }
}

/// What only HSRP has of `group`.
pub(crate) fn detail(group: &mut GroupStatus) -> &mut HsrpStatus {
    match &mut group.detail {
        Detail::Hsrp(status) => status,
        Detail::Vrrp(_) | Detail::Glbp(_) => panic!("a group of HSRP"),
    }
}

/// The same group behind an Active router of priority 120, which is the peer.
pub(crate) fn in_state(mut group: GroupStatus, state: GroupState) -> GroupStatus {
    let ours = group.active;
    let theirs = group.peers[0].address;
    group.state = state;
    (group.active, group.active_priority) = (Some(theirs), Some(120));
    group.peers[0].state = Some(GroupState::Active);
    group.peers[0].priority = 120;
    let detail = detail(&mut group);
    detail.active_expires = Some(at(9_125));
    let stands_by = state == GroupState::Standby;
    detail.standby = ours.filter(|_| stands_by);
    detail.standby_priority = stands_by.then_some(110);
    detail.standby_expires = None;
    if matches!(state, GroupState::Listen | GroupState::Learn | GroupState::Initial) {
        detail.next_hello = None;
    }
    group
}

/// A group that does not run, of which nothing is known.
pub(crate) fn stopped(group: GroupStatus, state: GroupState, why: Waiting) -> GroupStatus {
    let mut group = in_state(group, state);
    (group.active, group.active_priority, group.waiting) = (None, None, Some(why));
    group.peers.clear();
    detail(&mut group).active_expires = None;
    group
}

/// A group of GLBP, 192.0.2.2, that is the AVG and serves forwarder 1; 192.0.2.3 owns 2 and serves 3 as well, whose
/// owner is gone. A host was told 2.
pub(crate) fn glbp(interface: &str, number: u16) -> GroupStatus {
    let mut group = hsrp(interface, Variant::V2Ipv4, number);
    group.id.protocol = Protocol::Glbp;
    (group.version, group.virtual_mac) = (1, None);
    let theirs = ip("192.0.2.3");
    group.detail = Detail::Glbp(Box::new(GlbpStatus {
        unserved: false,
        name: format!("glbp-{interface}-{number}").into(),
        learned_address: false,
        hello_time: seconds(3),
        hold_time: seconds(10),
        configured_timers: (seconds(3), seconds(10)),
        next_hello: Some(at(1_250)),
        redirect: seconds(600),
        timeout: seconds(14_400),
        active_expires: None,
        standby: Some(theirs),
        standby_priority: Some(100),
        standby_expires: Some(at(8_500)),
        authentication: GlbpAuthentication::Md5(KeyBytes::new("geheim").unwrap()),
        weighting: GlbpWeighting { current: 100, low: false, configured: 100, lower: 1, upper: 100 },
        load_balancing: LoadBalancing::RoundRobin,
        owner: Some(owner(2)),
        members: vec![GlbpMember {
            owner: owner(3),
            address: theirs,
            state: Some(GroupState::Standby),
            priority: Some(100),
            authenticated: true,
            heard: at(-1_500),
            expires: at(8_500),
        }],
        forwarder_preempt: true,
        forwarder_preempt_delay: seconds(30),
        forwarders: forwarders(number),
        client_cache: Some(ClientCache { maximum: 1000, timeout: Some(seconds(3600)) }),
        clients: vec![GlbpClient {
            mac: owner(0x50),
            address: Some(ip("192.0.2.50")),
            forwarder: 2,
            first: at(-50_000),
            last: at(-20_000),
            answers: 2,
        }],
        counters: GlbpStats::default(),
    }));
    group
}

const fn owner(last: u8) -> MacAddr {
    MacAddr([0x02, 0, 0, 0, 0, last])
}

fn forwarders(group: u16) -> Vec<GlbpForwarder> {
    let [high, low] = group.to_be_bytes();
    let theirs = ip("192.0.2.3");
    let forwarder = |number: u8| GlbpForwarder {
        number,
        state: GroupState::Listen,
        state_changes: 1,
        last_transition: Some((at(-60_000), Cause::Startup)),
        mac: MacAddr([0, 7, 0xb4, high, low, number]),
        primary: false,
        owner: Some(owner(3)),
        redirect_ends: Some(at(600_000)),
        timeout_ends: Some(at(14_400_000)),
        server: Some(GlbpServer { address: theirs, primary: true, weighting: 90, expires: at(8_500) }),
        programmed: true,
        selections: 0,
    };
    let ours = GlbpForwarder {
        state: GroupState::Active,
        primary: true,
        owner: Some(owner(2)),
        redirect_ends: None,
        timeout_ends: None,
        server: None,
        ..forwarder(1)
    };
    let orphan = GlbpForwarder {
        owner: Some(owner(4)),
        redirect_ends: Some(at(-1_000)),
        timeout_ends: Some(at(13_700_500)),
        server: Some(GlbpServer { address: theirs, primary: false, weighting: 90, expires: at(8_500) }),
        ..forwarder(3)
    };
    vec![ours, GlbpForwarder { selections: 5, ..forwarder(2) }, orphan]
}

/// A Backup.
pub(crate) fn vrrp(interface: &str, number: u16) -> GroupStatus {
    let status = VrrpStatus {
        owner: false,
        accept_mode: false,
        advertisement_interval: seconds(1),
        active_adver_interval: seconds(1),
        skew_time: Duration::from_micros(609_375),
        active_down_interval: Duration::from_micros(3_609_375),
        checksum: None,
        counters: VrrpStats::default(),
    };
    let mut group = in_state(hsrp(interface, Variant::V2Ipv4, number), GroupState::Backup);
    group.id.protocol = Protocol::Vrrp;
    group.version = 3;
    group.virtual_mac = Some(MacAddr([0, 0, 0x5e, 0, 1, number.to_be_bytes()[1]]));
    group.peers.clear();
    group.detail = Detail::Vrrp(Box::new(status));
    group
}
