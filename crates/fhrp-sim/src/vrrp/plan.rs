//! Groups by chance.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{Authentication, ChecksumPolicy, InterfaceName, VrrpSettings};
use fhrp_wire::vrrp::TextKey;

use crate::group::{Change, GroupPlan, Settings};
use crate::plan::{INTERFACE, REFRESH, RouterPlan, draw_tracks};
use crate::rng::Rng;

const PRIORITIES: [u8; 10] = [1, 50, 99, 100, 100, 100, 101, 150, 200, 254];
const INTERVALS: [u64; 12] = [20, 100, 100, 300, 300, 500, 1000, 1000, 1000, 1000, 2000, 4000];

/// What versions a group speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    V2,
    V3,
    /// Some version 3 that coexists, some version 2.
    Mixed,
}

/// The groups of a run: one or two, with all routers in each. An owner's address is added to its router.
pub(crate) fn draw_groups(rng: &mut Rng, routers: &mut [RouterPlan]) -> Vec<GroupPlan> {
    let count = if rng.chance(30) { 2 } else { 1 };
    (0..count).map(|place| draw_group(rng, place, routers)).collect()
}

fn draw_group(rng: &mut Rng, place: u8, routers: &mut [RouterPlan]) -> GroupPlan {
    let ipv6 = rng.chance(30);
    let speech = match rng.below(10) {
        _ if ipv6 => Speech::V3,
        0 | 1 => Speech::V2,
        2 | 3 => Speech::Mixed,
        _ => Speech::V3,
    };
    let vrid = 10 + place;
    let addresses: Vec<IpAddr> =
        (0..rng.between(1, 3)).map(|number| virtual_address(ipv6, place, number)).collect();
    let owner = rng.chance(12).then(|| rng.index(routers.len()));
    if let (Some(owner), Some(IpAddr::V4(address))) = (owner, addresses.first()) {
        routers[owner].owned.push(IpAddr::V4(*address));
    }
    let gateway = addresses[0];
    let mut common = VrrpSettings::new(InterfaceName::new(INTERFACE), vrid, addresses);
    common.virtual_mac = rng.chance(85);
    common.announce.refresh = rng.chance(30).then_some(REFRESH);
    let interval = draw_interval(rng, speech);
    let intervals_differ = speech == Speech::V3 && rng.chance(25);
    let unicast = speech != Speech::Mixed && rng.chance(12);
    if speech == Speech::V2 && rng.chance(40) {
        common.authentication = TextKey::new("secret").map_or(Authentication::None, Authentication::Text);
    }
    let members = (0..routers.len())
        .map(|router| {
            let mut settings = common.clone();
            settings.priority = if owner == Some(router) && !ipv6 { 255 } else { rng.pick(&PRIORITIES) };
            settings.advertisement_interval =
                if intervals_differ { draw_interval(rng, speech) } else { interval };
            draw_preemption(rng, &mut settings);
            draw_version(rng, &mut settings, speech, ipv6);
            if unicast {
                settings.unicast_peers = peers(ipv6, router, routers);
            }
            settings.track = draw_tracks(rng);
            Some(Settings::Vrrp(settings))
        })
        .collect();
    GroupPlan { number: vrid.into(), ipv6, gateway, members }
}

fn virtual_address(ipv6: bool, group: u8, number: u64) -> IpAddr {
    let last = 100 + u16::from(group) * 10 + u16::try_from(number).unwrap_or(0) + 1;
    if ipv6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into()
    } else {
        Ipv4Addr::from([192, 0, 2, u8::try_from(last).unwrap_or(1)]).into()
    }
}

fn draw_interval(rng: &mut Rng, speech: Speech) -> Duration {
    match speech {
        Speech::V2 => Duration::from_secs(rng.between(1, 2)),
        Speech::Mixed => Duration::from_secs(1),
        Speech::V3 => Duration::from_millis(rng.pick(&INTERVALS)),
    }
}

fn draw_preemption(rng: &mut Rng, settings: &mut VrrpSettings) {
    settings.preempt = rng.chance(75);
    if settings.preempt && rng.chance(40) {
        settings.preempt_delay = Duration::from_millis(rng.between(1, 80) * 100);
    }
}

fn draw_version(rng: &mut Rng, settings: &mut VrrpSettings, speech: Speech, ipv6: bool) {
    settings.version = match speech {
        Speech::V2 => 2,
        Speech::V3 => 3,
        Speech::Mixed => rng.pick(&[2, 3, 3]),
    };
    if settings.version == 3 {
        settings.accept_mode = rng.chance(30);
        settings.coexist_with_v2 = speech == Speech::Mixed;
    }
    if settings.version == 3 && !ipv6 {
        settings.checksum =
            rng.pick(&[ChecksumPolicy::Auto, ChecksumPolicy::Rfc9568, ChecksumPolicy::Rfc5798]);
    }
}

fn peers(ipv6: bool, router: usize, routers: &[RouterPlan]) -> Vec<IpAddr> {
    let others = routers.iter().enumerate().filter(|(place, _)| *place != router);
    others.map(|(_, plan)| if ipv6 { plan.ipv6.into() } else { plan.ipv4.into() }).collect()
}

/// Another configuration for a member of `group`, for a while.
pub(crate) fn draw_change(rng: &mut Rng, settings: &VrrpSettings) -> Change {
    match rng.below(8) {
        0..=2 if settings.priority != 255 => Change::Priority(rng.pick(&PRIORITIES)),
        3 if settings.version == 3 && !settings.coexist_with_v2 => {
            Change::Interval(Duration::from_millis(rng.pick(&INTERVALS)))
        }
        4 => Change::Preempt(rng.chance(60).then(|| Duration::from_millis(rng.below(40) * 100))),
        5 => Change::Version(5 - settings.version),
        6 => Change::VirtualMac(!settings.virtual_mac),
        _ => Change::AcceptMode(!settings.accept_mode),
    }
}
