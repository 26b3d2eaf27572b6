//! RFC 9568 §6.4.3, §8: what an Active router owes to hosts.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GroupState, RouterAdvertisement};
use fhrp_wire::envelope::{self, Packet, nd};

use super::router::*;

#[test]
fn announcements_are_repeated_after_one_and_five_seconds() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    assert_eq!(router.acknowledge(ms(3610), &seen).announced(), 1);
    assert_eq!(router.until(us(4_609_999)).announced(), 0);
    assert_eq!(router.until(ms(4610)).announced(), 1);
    assert_eq!(router.until(us(8_609_999)).announced(), 0);
    assert_eq!(router.until(ms(8610)).announced(), 1);
    assert_eq!(router.until(ms(100_000)).announced(), 0);
}

#[test]
fn many_addresses_are_announced_at_a_pace_and_adverts_go_first() {
    let mut many = settings();
    many.addresses = (1..=200).map(|n| IpAddr::from([198, 51, 100, n])).collect();
    let mut router = Router::new(many).0;
    let seen = router.until(us(3_609_375));
    let at_once = router.acknowledge(us(3_609_400), &seen).announced();
    assert_eq!(at_once, 17);
    let rest = router.until(us(3_609_400 + 183 * 50)).announced();
    assert_eq!(at_once + rest, 200, "one each 50 us");
}

#[test]
fn nothing_is_announced_after_the_role_is_lost() {
    let mut router = Router::active();
    router.hear(ms(3700), &says(200).frame());
    assert_eq!(router.until(ms(6000)).announced(), 0);
    assert_eq!(router.state(), GroupState::Backup);
}

#[test]
fn what_was_mended_is_announced_again() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    let seat = seen.programs[0].0;
    router.acknowledge(ms(3610), &seen);
    router.0.handle_mended(ms(60_000), seat, "address deleted".into());
    assert_eq!((router.see().announced(), router.status().counters.mended), (1, 1));
}

fn ipv6(router_advertisement: Option<RouterAdvertisement>) -> Router {
    let mut settings = settings();
    settings.addresses = vec![ip("fe80::1"), ip("2001:db8::1")];
    settings.router_advertisement = router_advertisement;
    Router::new(settings).0
}

fn nd_types(seen: &Seen) -> Vec<&'static str> {
    let kind = |frame: &bytes::Bytes| {
        let frame = envelope::parse(frame).unwrap();
        assert_eq!(frame.source.octets()[..5], [0, 0, 0x5e, 0, 2], "the virtual MAC (RFC 9568 §8.2.2)");
        let Packet::Ipv6(ip) = frame.packet else { panic!("not IPv6") };
        match nd::parse(&ip).unwrap_or(None) {
            Some(nd::Nd::NeighborAdvertisement { flags, .. }) => {
                assert!(flags.router && flags.overrides && !flags.solicited);
                Some("na")
            }
            Some(nd::Nd::RouterAdvertisement { .. }) => Some("ra"),
            _ => None,
        }
    };
    seen.frames.iter().filter_map(kind).collect()
}

#[test]
fn rfc9568_6_4_2_ipv6_announces_by_unsolicited_na() {
    let mut router = ipv6(None);
    let seen = router.until(us(3_609_375));
    assert_eq!((seen.priorities(), nd_types(&seen).len()), (vec![100], 0));
    assert_eq!(nd_types(&router.acknowledge(ms(3610), &seen)), ["na", "na"]);
    assert!(!nd_types(&router.until(ms(1_000_000))).contains(&"ra"), "off by default");
}

#[test]
fn rfc9568_6_4_3_only_the_active_router_sends_router_advertisements() {
    let mut router =
        ipv6(Some(RouterAdvertisement { interval: Duration::from_secs(10), ..Default::default() }));
    let seen = router.until(us(3_609_375));
    router.acknowledge(ms(3610), &seen);
    let count = |seen: &Seen| nd_types(seen).iter().filter(|kind| **kind == "ra").count();
    assert_eq!(count(&router.until(ms(3610))), 1, "at once");
    assert_eq!(count(&router.until(ms(43_609))), 3, "each 10 s");
    let higher =
        Says { source: ip("fe80::3"), addresses: vec![ip("fe80::1"), ip("2001:db8::1")], ..says(200) };
    router.hear(ms(43_700), &higher.frame());
    assert_eq!(count(&router.until(ms(46_000))), 0);
}
