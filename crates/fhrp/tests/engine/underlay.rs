//! RFC 9568 §5.2.3, §6.4, §7.1, §7.2, §8.1.2: interfaces, families and addresses that come, differ and change.

use std::net::{IpAddr, Ipv6Addr};

use fhrp::{
    Action, Binding, Engine, Gate, GroupState, IfIndex, InterfaceName, LinkEvent, LinkState, SeatId,
    VrrpConfig, VrrpSettings,
};
use fhrp_wire::envelope::{self, Packet, nd};

use super::router::*;

const ETH1: IfIndex = IfIndex(3);

fn config(settings: VrrpSettings) -> VrrpConfig {
    VrrpConfig::new(settings).unwrap()
}

/// The source addresses of the advertisements among the frames.
fn sources(seen: &Seen) -> Vec<IpAddr> {
    let source = |frame: &bytes::Bytes| match envelope::parse(frame).unwrap().packet {
        Packet::Ipv4(ip) => Some(IpAddr::V4(ip.source)),
        Packet::Ipv6(ip) if ip.next_header == 112 => Some(IpAddr::V6(ip.source)),
        _ => None,
    };
    seen.frames.iter().filter_map(source).collect()
}

/// The addresses that gratuitous ARP or unsolicited NA among the frames are about.
fn announced(seen: &Seen) -> Vec<IpAddr> {
    let target = |frame: &bytes::Bytes| match envelope::parse(frame).unwrap().packet {
        Packet::Arp(arp) => Some(IpAddr::V4(arp.target_address)),
        Packet::Ipv6(ip) => match nd::parse(&ip).unwrap_or(None) {
            Some(nd::Nd::NeighborAdvertisement { target, .. }) => Some(IpAddr::V6(target)),
            _ => None,
        },
        _ => None,
    };
    seen.frames.iter().filter_map(target).collect()
}

#[test]
fn rfc9568_7_2_another_primary_address_is_the_source_from_then_on() {
    let mut router = Router::active();
    assert_eq!(sources(&router.until(us(4_609_375))), [ip(OURS)]);
    let mut moved = link();
    moved.ipv4 = vec!["192.0.2.9".parse().unwrap(), OURS.parse().unwrap()];
    router.0.handle_link(ms(5000), LinkEvent::Present(moved));
    let seen = router.see();
    assert!(seen.order.is_empty() && seen.notices.is_empty(), "the group goes on");
    assert_eq!(sources(&router.until(us(5_609_375))), [ip("192.0.2.9")]);
    assert_eq!(router.status().primary_address, Some(ip("192.0.2.9")));
    // 192.0.2.3 was the higher address of two equals before, and is the lower one now.
    assert_eq!(router.hear(ms(6000), &says(100).frame()).priorities(), [100]);
    assert_eq!(router.state(), GroupState::Active);
    router.0.stop(ms(7000));
    assert_eq!(sources(&router.see()), [ip("192.0.2.9")], "the last word too");
}

#[test]
fn rfc9568_7_2_ipv6_advertisements_come_from_the_link_local() {
    let mut router = Router(Engine::new());
    let ipv6 = ["2001:db8::2", "fe80::2", "fe80::22"].map(|address| address.parse::<Ipv6Addr>().unwrap());
    router.0.handle_link(ms(0), LinkEvent::Present(LinkState { ipv6: ipv6.to_vec(), ..link() }));
    router.0.add(ms(0), config(VrrpSettings { addresses: vec![ip("fe80::1")], ..settings() })).unwrap();
    let seen = router.until(us(3_609_375));
    let frame = &seen.frames[0];
    // To 33:33:00:00:00:12 from the virtual MAC; hop limit 255; from fe80::2 to ff02::12.
    assert_eq!(frame[..14], [0x33, 0x33, 0, 0, 0, 0x12, 0, 0, 0x5e, 0, 2, 10, 0x86, 0xdd]);
    assert_eq!((frame[20], frame[21]), (112, 255));
    assert_eq!(frame[22..38], [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    assert_eq!(frame[38..54], [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12]);
    let mut moved = link();
    moved.ipv6 = vec!["fe80::99".parse().unwrap()];
    router.0.handle_link(ms(4000), LinkEvent::Present(moved));
    assert_eq!(sources(&router.until(us(4_609_375))), [ip("fe80::99")]);
}

#[test]
fn an_ipv6_group_without_a_link_local_waits() {
    let mut router = Router(Engine::new());
    let global = vec!["2001:db8::2".parse().unwrap()];
    router.0.handle_link(ms(0), LinkEvent::Present(LinkState { ipv6: global, ..link() }));
    router.0.add(ms(0), config(VrrpSettings { addresses: vec![ip("fe80::1")], ..settings() })).unwrap();
    let seen = router.until(ms(10_000));
    assert!(seen.frames.is_empty());
    assert_eq!(router.status().waiting, Some(fhrp::Waiting::NoPrimaryAddress));
}

#[test]
fn rfc9568_8_1_2_an_address_added_at_run_time_is_announced_once_it_is_held() {
    for (before, added) in [("192.0.2.1", "192.0.2.5"), ("fe80::1", "2001:db8::1")] {
        let only = VrrpSettings { addresses: vec![ip(before)], ..settings() };
        let mut router = Router::new(only.clone()).0;
        let seen = router.until(us(3_609_375));
        assert_eq!(announced(&router.acknowledge(us(3_609_375), &seen)), [ip(before)]);
        router.until(ms(20_000));
        let both = VrrpSettings { addresses: vec![ip(before), ip(added)], ..only };
        router.0.update(ms(20_000), config(both)).unwrap();
        let seen = router.see();
        assert_eq!((seen.programs.len(), announced(&seen)), (1, vec![]));
        assert_eq!(announced(&router.until(ms(20_500))), [] as [IpAddr; 0], "not before it is held");
        let held = router.acknowledge(ms(20_500), &seen);
        assert_eq!(announced(&held), [ip(before), ip(added)]);
        assert_eq!(announced(&router.until(ms(21_500))), [ip(before), ip(added)], "and a second later");
    }
}

#[test]
fn rfc9568_8_1_2_an_address_taken_away_is_announced_no_more() {
    let both = VrrpSettings { addresses: vec![ip("192.0.2.1"), ip("192.0.2.5")], ..settings() };
    let mut router = Router::new(both).0;
    let seen = router.until(us(3_609_375));
    assert_eq!(router.acknowledge(us(3_609_375), &seen).announced(), 2);
    router.0.update(ms(4000), config(settings())).unwrap();
    let seen = router.see();
    assert_eq!(announced(&router.acknowledge(ms(4001), &seen)), [ip("192.0.2.1")]);
    assert!(!announced(&router.until(ms(20_000))).contains(&ip("192.0.2.5")));
}

/// The advertisements that counted, group by group.
fn received(engine: &Engine) -> Vec<u64> {
    engine.status().map(|status| status.vrrp().unwrap().counters.advertisement_rcvd).collect()
}

/// Two interfaces, told apart by what goes out of them.
struct TwoLans(Engine);

impl TwoLans {
    fn new(groups: [VrrpSettings; 2]) -> Self {
        let mut engine = Engine::new();
        engine.handle_link(ms(0), LinkEvent::Present(link()));
        let second = LinkState {
            name: InterfaceName::new("eth1"),
            index: ETH1,
            ipv4: vec!["198.51.100.2".parse().unwrap()],
            ..link()
        };
        engine.handle_link(ms(0), LinkEvent::Present(second));
        for group in groups {
            engine.add(ms(0), config(group)).unwrap();
        }
        Self(engine)
    }

    fn states(&self) -> Vec<GroupState> {
        self.0.status().map(|status| status.state).collect()
    }

    /// The interfaces that something was sent on.
    fn sent_on(&mut self) -> Vec<IfIndex> {
        let actions = std::iter::from_fn(|| self.0.poll_action());
        let transmitted = actions.filter_map(|action| match action {
            Action::Transmit { interface, .. } => Some(interface),
            _ => None,
        });
        transmitted.collect()
    }
}

/// VRID `vrid` on eth1.
fn on_eth1(vrid: u8) -> VrrpSettings {
    VrrpSettings::new(InterfaceName::new("eth1"), vrid, vec![ip("198.51.100.1")])
}

#[test]
fn rfc9568_7_1_a_vrid_is_that_of_the_receiving_interface() {
    let mut lans = TwoLans::new([settings(), on_eth1(10)]);
    lans.0.handle_timeout(us(3_609_375));
    assert_eq!(lans.states(), [GroupState::Active; 2]);
    assert_eq!(lans.sent_on(), [ETH0, ETH1]);
    lans.0.handle_frame(ms(4000), ETH1, &says(200).frame());
    assert_eq!(lans.states(), [GroupState::Active, GroupState::Backup]);
    assert_eq!((received(&lans.0), lans.sent_on()), (vec![0, 1], vec![]));
    lans.0.handle_timeout(us(4_609_375));
    assert_eq!(lans.sent_on(), [ETH0]);
}

#[test]
fn rfc9568_7_1_a_vrid_of_another_interface_is_none_of_this_one() {
    let mut lans = TwoLans::new([settings(), on_eth1(11)]);
    lans.0.handle_timeout(us(3_609_375));
    lans.sent_on();
    lans.0.handle_frame(ms(4000), ETH1, &says(200).frame());
    assert_eq!((lans.states(), lans.sent_on()), (vec![GroupState::Active; 2], vec![]));
    let counted: Vec<_> =
        lans.0.interfaces().map(|(name, stats)| (name.to_string(), stats.vrid_errors)).collect();
    assert_eq!(counted, [("eth0".to_owned(), 0), ("eth1".to_owned(), 1)]);
    assert_eq!(received(&lans.0), [0, 0]);
}

#[test]
fn an_interface_without_groups_is_let_go_and_the_others_are_not() {
    let mut lans = TwoLans::new([settings(), on_eth1(10)]);
    lans.sent_on();
    let id = config(on_eth1(10)).id().clone();
    lans.0.remove(ms(1000), &id).unwrap();
    let detached = std::iter::from_fn(|| lans.0.poll_action()).filter_map(|action| match action {
        Action::Detach(interface) => Some(interface),
        _ => None,
    });
    assert_eq!(Vec::from_iter(detached), [ETH1]);
}

#[test]
fn rfc9568_5_2_3_one_vrid_in_two_families_is_two_virtual_routers() {
    let mut router = Router::new(settings()).0;
    let ipv6 = VrrpSettings { addresses: vec![ip("fe80::1")], priority: 200, ..settings() };
    router.0.add(ms(0), config(ipv6)).unwrap();
    let states = |router: &Router| router.0.status().map(|status| status.state).collect::<Vec<_>>();
    // 3 x 1 s + (256 - 200) / 256 x 1 s
    assert_eq!(router.until(us(3_218_750)).priorities(), [200]);
    assert_eq!(states(&router), [GroupState::Backup, GroupState::Active]);
    assert_eq!(router.until(us(3_609_375)).priorities(), [100]);
    assert_eq!(states(&router), [GroupState::Active, GroupState::Active]);
    let higher = Says { source: ip("fe80::3"), addresses: vec![ip("fe80::1")], ..says(201) };
    let seen = router.hear(ms(4000), &higher.frame());
    assert_eq!(states(&router), [GroupState::Active, GroupState::Backup]);
    let seats: Vec<SeatId> = seen.programs.iter().map(|(seat, ..)| *seat).collect();
    let ipv6_seat = SeatId::from_raw(2);
    assert_eq!((seats, seen.gate()), (vec![ipv6_seat], Some(Gate::Closed)));
    assert_eq!(sources(&router.until(us(5_609_375))), [ip(OURS), ip(OURS)]);
    assert_eq!(received(&router.0), [0, 1]);
}

/// What a group went through, as chance has it: frames of peers, the link, the dataplane, time.
#[test]
fn rfc9568_6_4_the_gate_is_open_in_active_and_in_no_other_state() {
    let mut router = Router(Engine::new());
    router.0.add(ms(0), config(settings())).unwrap();
    let (mut dice, mut seen_open, mut seen_closed) = (7_u32, 0, 0);
    let mut wish: Option<Binding> = None;
    for step in 0..5000_u64 {
        // Numerical Recipes' generator: the run is the same each time.
        dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let now = ms(step * 500);
        let mut seen = router.until(now);
        let next = match dice >> 24 {
            0..=7 => router.hear(now, &says(200).frame()),
            8..=23 => router.hear(now, &says(50).frame()),
            24..=31 => router.hear(now, &says(0).frame()),
            kind @ 32..=47 => {
                router.0.handle_link(now, LinkEvent::Present(LinkState { up: kind < 34, ..link() }));
                router.see()
            }
            48..=79 => {
                router.0.handle_link(now, LinkEvent::Present(link()));
                router.see()
            }
            80..=143 if !seen.programs.is_empty() => router.refuse(now, &seen),
            _ => Seen::default(),
        };
        seen.programs.extend(next.programs);
        if let Some((_, _, last)) = seen.programs.pop() {
            wish = last;
        }
        let open = wish.as_ref().is_some_and(|wish| wish.gate == Gate::Open);
        assert_eq!(open, router.state() == GroupState::Active, "step {step}");
        (seen_open, seen_closed) =
            if open { (seen_open + 1, seen_closed) } else { (seen_open, seen_closed + 1) };
    }
    assert!(seen_open > 500 && seen_closed > 500, "{seen_open} open, {seen_closed} closed");
    let faults = router.status().counters.program_faults;
    assert!(faults > 3, "{faults} faults");
}

/// Tunnels and the like can be tracked, but no group can run there.
#[test]
fn an_interface_without_a_mac_is_waited_for_and_nothing_is_programmed() {
    let (mut router, _) = Router::new(settings());
    let bare = LinkState { mac: fhrp::MacAddr::ZERO, ..link() };
    router.0.handle_link(ms(10), LinkEvent::Present(bare));
    assert_eq!(router.status().waiting, Some(fhrp::Waiting::NotEthernet));
    let wish = router.see().programs.pop().map(|(_, _, binding)| binding);
    assert_eq!(wish, Some(None), "what was wished before is taken back");
}
