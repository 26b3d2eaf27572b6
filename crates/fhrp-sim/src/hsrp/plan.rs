//! Groups by chance.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{Family, HsrpAuthentication, HsrpSettings, InterfaceName};
use fhrp_wire::hsrp::{KeyBytes, TextKey};

use crate::group::{Change, GroupPlan, Settings};
use crate::plan::{INTERFACE, REFRESH, RouterPlan, draw_tracks};
use crate::rng::Rng;

const PRIORITIES: [u8; 10] = [1, 50, 99, 100, 100, 100, 101, 150, 200, 255];
/// Hello and hold times in milliseconds, for version 2.
const TIMERS: [(u64, u64); 8] =
    [(15, 50), (100, 300), (250, 750), (250, 900), (500, 1500), (1000, 3000), (1000, 3500), (3000, 10_000)];
/// The same for version 1, which says whole seconds.
const WHOLE_TIMERS: [(u64, u64); 5] =
    [(1000, 3000), (1000, 3000), (1000, 4000), (2000, 7000), (3000, 10_000)];

/// How timers are configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timing {
    /// All alike.
    Same,
    /// Each its own, some none.
    Own,
    /// Nobody any.
    Learned,
}

/// The groups of a run: one or two, with all routers in each. The second may follow the first.
pub(crate) fn draw_groups(rng: &mut Rng, routers: &[RouterPlan]) -> Vec<GroupPlan> {
    let mut groups = vec![draw_group(rng, 0, routers.len())];
    if rng.chance(35) {
        let mut second = draw_group(rng, 1, routers.len());
        if rng.chance(40) {
            follow(&mut second, &groups[0]);
        }
        groups.push(second);
    }
    groups
}

fn follow(group: &mut GroupPlan, leader: &GroupPlan) {
    let suffix = if leader.ipv6 { "-V6" } else { "" };
    let name = format!("hsrp-{INTERFACE}-{}{suffix}", leader.number);
    for member in &mut group.members {
        let Some(Settings::Hsrp(settings)) = member else { continue };
        settings.follow = Some(name.clone().into());
        settings.preempt = false;
        (settings.preempt_delay_minimum, settings.preempt_delay_reload) = (Duration::ZERO, Duration::ZERO);
        settings.track.clear();
        if settings.addresses.is_empty() {
            settings.addresses = vec![group.gateway];
        }
    }
}

fn draw_group(rng: &mut Rng, place: u16, routers: usize) -> GroupPlan {
    let ipv6 = rng.chance(30);
    let number = 10 + place;
    let learners = rng.chance(25);
    let addresses: Vec<IpAddr> = (0..rng.between(1, 3))
        .map(|count| virtual_address((ipv6, learners), place, u16::try_from(count).unwrap_or(0)))
        .collect();
    let mut common = HsrpSettings::new(InterfaceName::new(INTERFACE), number, addresses.clone());
    common.family = Some(if ipv6 { Family::V6 } else { Family::V4 });
    common.version = if ipv6 || rng.chance(65) { 2 } else { 1 };
    // Over IPv6 a link-local is made of the virtual MAC where none is configured.
    common.virtual_mac = rng.chance(85) || (ipv6 && !learners);
    common.announce.refresh = rng.chance(30).then_some(REFRESH);
    common.authentication = draw_authentication(rng);
    common.router_advertisement = None;
    let timing =
        rng.pick(&[Timing::Same, Timing::Same, Timing::Same, Timing::Own, Timing::Own, Timing::Learned]);
    let timers = draw_timers(rng, common.version);
    let members = (0..routers)
        .map(|router| {
            let mut settings = common.clone();
            settings.priority = rng.pick(&PRIORITIES);
            settings.timers = match timing {
                Timing::Same => Some(timers),
                Timing::Own => rng.chance(70).then(|| draw_timers(rng, common.version)),
                Timing::Learned => None,
            };
            draw_preemption(rng, &mut settings);
            settings.track = draw_tracks(rng);
            if learners && router > 0 && rng.chance(60) {
                settings.addresses.clear();
            }
            Some(Settings::Hsrp(settings))
        })
        .collect();
    GroupPlan { number, ipv6, gateway: addresses[0], members }
}

/// Only one address is learned, over IPv6 a link-local: hosts use that then.
fn virtual_address((ipv6, learned): (bool, bool), group: u16, number: u16) -> IpAddr {
    let last = 100 + group * 10 + number + 1;
    match (ipv6, learned && number == 0) {
        (false, _) => Ipv4Addr::from([192, 0, 2, u8::try_from(last).unwrap_or(1)]).into(),
        (true, true) => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last).into(),
        (true, false) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into(),
    }
}

fn draw_timers(rng: &mut Rng, version: u8) -> (Duration, Duration) {
    let (hello, hold) = if version == 1 { rng.pick(&WHOLE_TIMERS) } else { rng.pick(&TIMERS) };
    (Duration::from_millis(hello), Duration::from_millis(hold))
}

fn draw_authentication(rng: &mut Rng) -> HsrpAuthentication {
    match rng.below(20) {
        0 => HsrpAuthentication::None,
        1 | 2 => TextKey::new("secret").map_or(HsrpAuthentication::None, HsrpAuthentication::Text),
        3..=5 => KeyBytes::new(*b"password12345").map_or(HsrpAuthentication::None, HsrpAuthentication::Md5),
        _ => HsrpAuthentication::default(),
    }
}

fn draw_preemption(rng: &mut Rng, settings: &mut HsrpSettings) {
    settings.preempt = rng.chance(65);
    if settings.preempt && rng.chance(40) {
        settings.preempt_delay_minimum = Duration::from_millis(rng.between(0, 80) * 100);
        settings.preempt_delay_reload = Duration::from_millis(rng.between(0, 80) * 100);
    }
}

/// Another configuration for a member of `group`, for a while.
pub(crate) fn draw_change(rng: &mut Rng, settings: &HsrpSettings) -> Change {
    match rng.below(6) {
        0..=2 => Change::Priority(rng.pick(&PRIORITIES)),
        3 => Change::Timers(rng.chance(70).then(|| draw_timers(rng, settings.version))),
        4 => Change::Preempt(rng.chance(60).then(|| Duration::from_millis(rng.below(40) * 100))),
        _ => Change::VirtualMac(!settings.virtual_mac),
    }
}
