//! Groups by chance.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{
    Family, GlbpAuthentication, GlbpSettings, InterfaceName, LoadBalancing, Track, TrackEffect, TrackName,
};
use fhrp_wire::glbp::{AuthText, KeyBytes};

use crate::group::{Change, GroupPlan, Settings};
use crate::plan::{INTERFACE, RouterPlan, UPLINK};
use crate::rng::Rng;

const PRIORITIES: [u8; 10] = [1, 50, 99, 100, 100, 100, 101, 150, 200, 255];
/// Hello and hold times in milliseconds.
const TIMERS: [(u64, u64); 8] =
    [(50, 150), (250, 750), (250, 900), (500, 1500), (500, 1600), (1000, 3000), (1000, 3500), (3000, 10_000)];
/// Redirect times and timeouts in seconds: most are over within a run.
const LIFETIMES: [(u64, u64); 6] = [(0, 1), (1, 3), (3, 8), (8, 20), (600, 14_400), (600, 14_400)];
const WEIGHTINGS: [u8; 6] = [100, 100, 100, 10, 50, 254];
const BALANCINGS: [LoadBalancing; 5] = [
    LoadBalancing::RoundRobin,
    LoadBalancing::RoundRobin,
    LoadBalancing::Weighted,
    LoadBalancing::HostDependent,
    LoadBalancing::None,
];

/// The groups of a run: one or two, with all routers in each.
pub(crate) fn draw_groups(rng: &mut Rng, routers: &[RouterPlan]) -> Vec<GroupPlan> {
    let count = if rng.chance(25) { 2 } else { 1 };
    (0..count).map(|place| draw_group(rng, place, routers.len())).collect()
}

fn draw_group(rng: &mut Rng, place: u16, routers: usize) -> GroupPlan {
    let ipv6 = rng.chance(35);
    let number = 10 + place;
    let learners = rng.chance(20);
    let gateway = virtual_address(ipv6, place);
    let mut common = GlbpSettings::new(InterfaceName::new(INTERFACE), number, vec![gateway]);
    common.family = Some(if ipv6 { Family::V6 } else { Family::V4 });
    common.authentication = draw_authentication(rng);
    common.load_balancing = rng.pick(&BALANCINGS);
    let apart = rng.chance(25);
    draw_times(rng, &mut common);
    let members = (0..routers)
        .map(|router| {
            let mut settings = common.clone();
            settings.priority = rng.pick(&PRIORITIES);
            if apart {
                draw_times(rng, &mut settings);
            }
            draw_preemption(rng, &mut settings);
            draw_weighting(rng, &mut settings);
            if learners && router > 0 && rng.chance(60) {
                settings.addresses.clear();
            }
            Some(Settings::Glbp(settings))
        })
        .collect();
    GroupPlan { number, ipv6, gateway, members }
}

/// Over IPv6 a link-local: no other one is on the wire.
fn virtual_address(ipv6: bool, group: u16) -> IpAddr {
    let last = 101 + group * 10;
    if ipv6 {
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last).into()
    } else {
        Ipv4Addr::from([192, 0, 2, u8::try_from(last).unwrap_or(1)]).into()
    }
}

fn draw_times(rng: &mut Rng, settings: &mut GlbpSettings) {
    let (hello, hold) = draw_timers(rng);
    (settings.hello_time, settings.hold_time) = (hello, hold);
    let (redirect, timeout) = rng.pick(&LIFETIMES);
    (settings.redirect, settings.timeout) = (Duration::from_secs(redirect), Duration::from_secs(timeout));
}

fn draw_timers(rng: &mut Rng) -> (Duration, Duration) {
    let (hello, hold) = rng.pick(&TIMERS);
    (Duration::from_millis(hello), Duration::from_millis(hold))
}

fn draw_authentication(rng: &mut Rng) -> GlbpAuthentication {
    match rng.below(20) {
        0..=2 => AuthText::new(*b"secret").map_or(GlbpAuthentication::None, GlbpAuthentication::Text),
        3..=7 => KeyBytes::new(*b"password12345").map_or(GlbpAuthentication::None, GlbpAuthentication::Md5),
        _ => GlbpAuthentication::None,
    }
}

fn draw_preemption(rng: &mut Rng, settings: &mut GlbpSettings) {
    settings.preempt = rng.chance(65);
    if settings.preempt && rng.chance(40) {
        settings.preempt_delay = Duration::from_millis(rng.between(0, 80) * 100);
    }
    settings.forwarder_preempt = rng.chance(85);
    let delayed = rng.chance(60);
    settings.forwarder_preempt_delay =
        Duration::from_millis(if delayed { rng.between(0, 80) * 100 } else { 0 });
}

fn draw_weighting(rng: &mut Rng, settings: &mut GlbpSettings) {
    settings.weighting = rng.pick(&WEIGHTINGS);
    if rng.chance(60) {
        let lower = rng.between(1, u64::from(settings.weighting) - 1);
        let upper = rng.between(lower, u64::from(settings.weighting));
        settings.weighting_lower = u8::try_from(lower).ok();
        settings.weighting_upper = u8::try_from(upper).ok().filter(|_| rng.chance(60));
    }
    if rng.chance(60) {
        let effect = TrackEffect::Decrement(rng.pick(&[5, 10, 60, 200]));
        settings.track = vec![Track { name: TrackName::new(UPLINK), effect }];
    }
}

/// How often a host asks who its gateway is, besides what it has to.
pub(crate) fn draw_asks(rng: &mut Rng) -> Option<Duration> {
    rng.chance(80).then(|| Duration::from_millis(rng.pick(&[200, 300, 700, 2000])))
}

/// Another configuration for a member of a group, for a while.
pub(crate) fn draw_change(rng: &mut Rng, settings: &GlbpSettings) -> Change {
    let delay = |rng: &mut Rng| rng.chance(60).then(|| Duration::from_millis(rng.below(40) * 100));
    match rng.below(8) {
        0 | 1 => Change::Priority(rng.pick(&PRIORITIES)),
        2 => Change::Timers(Some(draw_timers(rng))),
        3 => Change::Preempt(delay(rng)),
        4 => Change::ForwarderPreempt(delay(rng)),
        5 => Change::Balancing(rng.pick(&BALANCINGS)),
        _ => {
            let maximum = rng.pick(&WEIGHTINGS);
            let burdened = settings.track.is_empty();
            let lower = if burdened { 1 } else { rng.between(1, u64::from(maximum) - 1) };
            Change::Weighting { maximum, lower: u8::try_from(lower).unwrap_or(1) }
        }
    }
}
