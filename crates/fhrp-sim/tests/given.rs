//! Runs that nobody drew: what came of them, as data.
#![allow(clippy::wildcard_enum_match_arm, reason = "one kind of record is looked for")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{GroupState, InterfaceName, MacAddr, NoticeKind, Track, TrackEffect, TrackName, VrrpSettings};
use fhrp_sim::{
    Clock, Fault, GroupPlan, HostPlan, Instant, Kind, Outcome, Recording, RouterPlan, Scenario, Settings,
    Trial, Watch, What, run,
};

const LOOKED_AT: Trial = Trial { flaw: None, watch: Watch::Nobody };

fn router(number: u8, interface: &str) -> RouterPlan {
    RouterPlan {
        interface: InterfaceName::new(interface),
        ipv4: Ipv4Addr::new(192, 0, 2, number),
        ipv6: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number.into()),
        owned: Vec::new(),
        mac: MacAddr([2, 0, 0, 0, 0, number]),
        switch: 0,
        starts: Instant::default(),
        clock: Clock::default(),
        lateness: Duration::ZERO,
        programming: Duration::from_millis(2),
        thorough: false,
        stop_linger: fhrp::Engine::STOP_LINGER,
    }
}

fn group(vrid: u8, members: &[Option<(u8, &str)>]) -> GroupPlan {
    let gateway = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 100 + vrid));
    let member = |(priority, interface): (u8, &str)| {
        let mut settings = VrrpSettings::new(InterfaceName::new(interface), vrid, vec![gateway]);
        settings.priority = priority;
        let track = |name| Track { name: TrackName::new(name), effect: TrackEffect::Decrement(30) };
        settings.track = vec![track("one"), track("two")];
        Settings::Vrrp(settings)
    };
    let members = members.iter().map(|one| one.map(member)).collect();
    GroupPlan { number: vrid.into(), ipv6: false, gateway, members }
}

/// Three routers whose interfaces have different names; the third is in the second group alone.
fn scenario(faults: Vec<(u64, u64, Kind)>) -> Scenario {
    let routers = vec![router(2, "eth0"), router(3, "ens3"), router(4, "lan")];
    let first = group(10, &[Some((150, "eth0")), Some((100, "ens3")), None]);
    let second = group(20, &[None, None, Some((100, "lan"))]);
    let host = |place, group| HostPlan {
        mac: MacAddr([2, 0, 0, 0, 1, place]),
        switch: 0,
        group,
        gateway: None,
        period: Duration::from_millis(20),
        patience: 3,
        asks: None,
    };
    let mut scenario = Scenario::new(1, routers, vec![first, second], vec![host(0, 0)]);
    let time = Instant::from_millis;
    let fault = |(at, until, kind)| Fault { at: time(at), until: time(until), kind };
    scenario.faults = faults.into_iter().map(fault).collect();
    (scenario.settled, scenario.end) = (time(30_000), time(30_000));
    scenario
}

/// When which router entered which state in the group of `vrid`.
fn moves(outcome: &Outcome, vrid: u16) -> Vec<(u64, usize, GroupState)> {
    let moved = |record: &fhrp_sim::Record| match &record.what {
        What::Notice(notice) if notice.group.number == vrid => match notice.kind {
            NoticeKind::Moved { to, .. } => Some((record.at.as_micros() / 1000, record.router, to)),
            _ => None,
        },
        _ => None,
    };
    outcome.records.iter().filter_map(moved).collect()
}

/// RFC 9568 §6.1: Active_Down_Interval is 3.414 s with priority 150, and 3.609 s with 100.
#[test]
fn a_loss_of_power_is_recorded_with_what_it_cost() {
    use GroupState::{Active, Backup};
    let outcome = run(&scenario(vec![(10_000, 40_000, Kind::PowerLoss(0))]), LOOKED_AT, Recording::Events);
    assert_eq!(
        moves(&outcome, 10),
        [(0, 0, Backup), (0, 1, Backup), (3_414, 0, Active), (13_023, 1, Active)]
    );
    assert_eq!(moves(&outcome, 20), [(0, 2, Backup), (3_609, 2, Active)]);
    let ended: Vec<_> = outcome.records.iter().filter(|record| matches!(record.what, What::Ended)).collect();
    assert!(matches!(ended.as_slice(), [one] if one.router == 0), "{ended:?}");
    let host = &outcome.hosts[0];
    let [outage] = host.outages.as_slice() else { panic!("{host:?}") };
    let length = outage.length(Instant::from_millis(30_000));
    assert!((3_000..3_100).contains(&length.as_millis()), "{outage:?}");
    assert_eq!((host.lost, host.duplicates), (outage.lost, 0));
    assert!(host.served_from.is_some_and(|from| from > Instant::from_millis(3_414)), "{host:?}");
}

#[test]
fn objects_are_tracked_each_by_its_name() {
    let down = |name| Kind::TrackDown(0, TrackName::new(name));
    let faults = vec![(8_000, 40_000, down("one")), (12_000, 20_000, down("two"))];
    let outcome = run(&scenario(faults), LOOKED_AT, Recording::Events);
    // 150 - 30 is still the best, 150 - 60 is not.
    let active = |(at, router, state)| (state == GroupState::Active).then_some((at / 1000, router));
    let active: Vec<_> = moves(&outcome, 10).into_iter().filter_map(active).collect();
    assert_eq!(active.first(), Some(&(3, 0)));
    assert!(matches!(active[1..], [(12..=16, 1), (20..=24, 0)]), "{active:?}");
    assert_eq!(outcome.status[0][0].effective_priority, 120);
}

#[test]
fn nobody_judges_what_would_be_a_violation() {
    let mut apart = scenario(Vec::new());
    if let Some(Settings::Vrrp(settings)) = &mut apart.groups[0].members[1] {
        settings.version = 2;
    }
    let outcome = run(&apart, LOOKED_AT, Recording::Events);
    assert_eq!(outcome.violation, None);
    let states: Vec<GroupState> = outcome.status.iter().map(|groups| groups[0].state).collect();
    assert_eq!(states, [GroupState::Active; 3]);
}
