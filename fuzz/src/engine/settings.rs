//! Groups out of an input: few numbers, so that what is said about them concerns them, and values at the edges.

use std::net::IpAddr;
use std::time::Duration;

use arbitrary::Unstructured;
use fhrp::{
    AnnounceSchedule, Authentication, ChainKey, ChecksumPolicy, ClientCache, Family, GlbpAuthentication,
    GlbpConfig, GlbpSettings, GroupConfig, HsrpAuthentication, HsrpConfig, HsrpSettings, InterfaceName,
    KeyChain, Lifetime, LoadBalancing, MacAddr, RouterAdvertisement, Track, TrackEffect, TrackName,
    VrrpConfig, VrrpSettings, WallTime,
};
use fhrp_wire::glbp::AuthText;
use fhrp_wire::{KeyBytes, TextKey};

use super::frames::KEY;

pub(super) const INTERFACES: [&str; 2] = ["eth0", "eth1"];
pub(super) const TRACKS: [&str; 2] = ["uplink", "peer"];

const DELAYS: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(30),
    Duration::from_secs(3600),
];

/// One of `from`; the first where the input has ended.
pub(super) fn one<T: Clone>(input: &mut Unstructured<'_>, from: &[T]) -> T {
    input.choose(from).expect("not empty").clone()
}

pub(super) fn octet(input: &mut Unstructured<'_>) -> u8 {
    input.arbitrary().unwrap_or_default()
}

pub(super) fn flag(input: &mut Unstructured<'_>) -> bool {
    octet(input) & 1 == 1
}

pub(super) fn interface(input: &mut Unstructured<'_>) -> InterfaceName {
    InterfaceName::new(if octet(input).is_multiple_of(8) { INTERFACES[1] } else { INTERFACES[0] })
}

pub(super) fn track(input: &mut Unstructured<'_>) -> TrackName {
    TrackName::new(one(input, &TRACKS))
}

/// A group that can run; `None` where the settings cannot be.
pub(super) fn group(input: &mut Unstructured<'_>) -> Option<GroupConfig> {
    match octet(input) % 3 {
        0 => VrrpConfig::new(vrrp(input)).ok().map(GroupConfig::from),
        1 => HsrpConfig::new(hsrp(input)).ok().map(GroupConfig::from),
        _ => GlbpConfig::new(glbp(input)).ok().map(GroupConfig::from),
    }
}

fn addresses(input: &mut Unstructured<'_>) -> Vec<IpAddr> {
    let lists: [&[&str]; 8] = [
        &["10.0.0.254"],
        &["10.0.0.254", "10.0.0.253"],
        &["10.0.0.1"],
        &["fe80::254"],
        &["fd00::254"],
        &["fe80::254", "fd00::254", "fd00::253"],
        &["fe80::1"],
        &[],
    ];
    one(input, &lists).iter().map(|text| text.parse().expect("an address")).collect()
}

fn tracks(input: &mut Unstructured<'_>) -> Vec<Track> {
    let bits = octet(input);
    let effects = [TrackEffect::Decrement(10), TrackEffect::Decrement(255), TrackEffect::Shutdown];
    let tracked = TRACKS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
    tracked.map(|(_, name)| Track { name: TrackName::new(name), effect: one(input, &effects) }).collect()
}

fn router_advertisement(input: &mut Unstructured<'_>) -> Option<RouterAdvertisement> {
    let usual = RouterAdvertisement::default();
    let often = RouterAdvertisement { interval: Duration::from_secs(4), ..usual.clone() };
    one(input, &[None, Some(usual), Some(often)])
}

fn announce(input: &mut Unstructured<'_>) -> AnnounceSchedule {
    let none = AnnounceSchedule { repeats: [].into(), refresh: None };
    let refresh = AnnounceSchedule { refresh: Some(Duration::from_secs(1)), ..none.clone() };
    one(input, &[AnnounceSchedule::default(), none, refresh])
}

fn vrrp(input: &mut Unstructured<'_>) -> VrrpSettings {
    let (vrid, addresses) = (one(input, &[1, 2, 3]), addresses(input));
    let intervals = [1000, 10, 100, 2000, 40_950].map(Duration::from_millis);
    let bits = octet(input);
    let base = VrrpSettings::new(interface(input), vrid, addresses);
    let ipv6 = base.addresses.first().is_some_and(IpAddr::is_ipv6);
    let version = one(input, &[3, 2]);
    VrrpSettings {
        version,
        priority: octet(input).max(1),
        advertisement_interval: one(input, &intervals),
        preempt: bits & 1 == 0,
        preempt_delay: one(input, &DELAYS),
        accept_mode: bits & 2 != 0,
        virtual_mac: bits & 4 == 0,
        checksum: one(input, &[ChecksumPolicy::Auto, ChecksumPolicy::Rfc9568, ChecksumPolicy::Rfc5798]),
        authentication: if version == 2 { vrrp_authentication(input) } else { Authentication::None },
        unicast_peers: if bits & 0x30 == 0x30 && !ipv6 { vec![IpAddr::from([10, 0, 0, 2])] } else { vec![] },
        coexist_with_v2: bits & 8 != 0 && version == 3 && !ipv6,
        router_advertisement: if ipv6 { router_advertisement(input) } else { None },
        announce: announce(input),
        track: tracks(input),
        ..base
    }
}

fn vrrp_authentication(input: &mut Unstructured<'_>) -> Authentication {
    match octet(input) % 3 {
        0 => Authentication::None,
        1 => Authentication::Text(text()),
        _ => Authentication::CiscoMd5(key()),
    }
}

fn hsrp(input: &mut Unstructured<'_>) -> HsrpSettings {
    let (number, addresses) = (one(input, &[0, 1, 2, 255, 4095]), addresses(input));
    let bits = octet(input);
    let base = HsrpSettings::new(interface(input), number, addresses);
    let timers = [None, Some((3000, 10_000)), Some((1000, 3000)), Some((15, 50)), Some((254_000, 255_000))];
    let timers = one(input, &timers);
    HsrpSettings {
        version: one(input, &[2, 1]),
        family: (base.addresses.is_empty()).then(|| one(input, &[Family::V4, Family::V6])),
        priority: octet(input).max(1),
        preempt: bits & 1 != 0,
        preempt_delay_minimum: one(input, &DELAYS),
        preempt_delay_reload: one(input, &DELAYS),
        timers: timers.map(|(hello, hold)| (Duration::from_millis(hello), Duration::from_millis(hold))),
        authentication: hsrp_authentication(input),
        virtual_mac: bits & 2 == 0,
        mac_address: (bits & 12 == 12).then_some(MacAddr([2, 0xab, 0, 0, 0, 1])),
        follow: (bits & 0x70 == 0x70).then(|| one(input, &["hsrp-eth0-1".into(), "hsrp-eth0-2".into()])),
        startup_delay: one(input, &DELAYS),
        router_advertisement: base.router_advertisement.as_ref().and_then(|_| router_advertisement(input)),
        announce: announce(input),
        track: tracks(input),
        ..base
    }
}

fn hsrp_authentication(input: &mut Unstructured<'_>) -> HsrpAuthentication {
    match octet(input) % 4 {
        0 => HsrpAuthentication::default(),
        1 => HsrpAuthentication::None,
        2 => HsrpAuthentication::Md5(key()),
        _ => HsrpAuthentication::Chain(chain()),
    }
}

fn glbp(input: &mut Unstructured<'_>) -> GlbpSettings {
    let (number, addresses) = (one(input, &[1, 2, 1023]), addresses(input));
    let bits = octet(input);
    let base = GlbpSettings::new(interface(input), number, addresses);
    let (hello, hold) = one(input, &[(3000, 10_000), (1000, 3000), (50, 70), (60_000, 180_000)]);
    let (redirect, timeout) = one(input, &[(600, 14_400), (0, 1), (5, 20), (3600, 64_800)]);
    let balancing = [
        LoadBalancing::RoundRobin,
        LoadBalancing::Weighted,
        LoadBalancing::HostDependent,
        LoadBalancing::None,
    ];
    let cache = ClientCache { maximum: 8, timeout: Some(Duration::from_secs(60)) };
    let weighting = octet(input).clamp(1, 254);
    GlbpSettings {
        family: (base.addresses.is_empty()).then(|| one(input, &[Family::V4, Family::V6])),
        priority: octet(input).max(1),
        preempt: bits & 1 != 0,
        preempt_delay: one(input, &DELAYS),
        forwarder_preempt: bits & 2 == 0,
        forwarder_preempt_delay: one(input, &DELAYS),
        hello_time: Duration::from_millis(hello),
        hold_time: Duration::from_millis(hold),
        redirect: Duration::from_secs(redirect),
        timeout: Duration::from_secs(timeout),
        weighting,
        weighting_lower: (bits & 4 != 0).then_some(weighting / 2),
        load_balancing: one(input, &balancing),
        authentication: glbp_authentication(input),
        client_cache: (bits & 8 != 0).then_some(cache),
        track: tracks(input),
        router_advertisement: base
            .addresses
            .first()
            .filter(|address| address.is_ipv6())
            .and_then(|_| router_advertisement(input)),
        nonce_seed: [u64::from(bits), 7],
        ..base
    }
}

fn glbp_authentication(input: &mut Unstructured<'_>) -> GlbpAuthentication {
    match octet(input) % 4 {
        0 => GlbpAuthentication::None,
        1 => GlbpAuthentication::Text(auth_text()),
        2 => GlbpAuthentication::Md5(key()),
        _ => GlbpAuthentication::Chain(chain()),
    }
}

pub(super) fn key() -> KeyBytes {
    KeyBytes::new(KEY).expect("not empty")
}

pub(super) fn text() -> TextKey {
    TextKey::new(KEY).expect("short")
}

pub(super) fn auth_text() -> AuthText {
    AuthText::new(KEY).expect("short, and does not end in zero")
}

/// Two keys, of which the first ends when the second begins.
fn chain() -> KeyChain {
    let change = Some(WallTime(1_000_000));
    let first = Lifetime { from: None, until: change };
    let second = Lifetime { from: change, until: None };
    let keys = [(1, first), (2, second)];
    let keys = keys.map(|(id, time)| ChainKey { id, key: key(), accept: time, send: time });
    KeyChain::new("keys", keys.into()).expect("two numbers")
}
