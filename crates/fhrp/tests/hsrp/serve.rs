//! What an Active router owes to hosts and switches: addresses, MACs, announcements; and what it says of its interface.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::GroupState::{Active, Listen};
use fhrp::{Gate, GroupState, HsrpConfig, HsrpSettings, MacAddr, NoticeKind, Waiting};
use fhrp_wire::hsrp::{State, Variant};

use super::lan::*;
use super::peer::{Says, hello};

fn active(settings: HsrpSettings) -> Lan {
    let mut lan = Lan::with(2, settings);
    lan.until(21_000);
    assert_eq!(lan.state(0), Active);
    lan
}

/// Milliseconds at which something was sent.
fn times(lan: &Lan, what: &str) -> Vec<u64> {
    let sent = lan.sent();
    let line = |line: &String| line.contains(what).then(|| line.split(' ').next().unwrap().parse().unwrap());
    sent.iter().filter_map(line).collect()
}

/// Captured: both copies at once, that to all hosts again 3 s later.
#[test]
fn gratuitous_arp_is_a_reply_to_all_and_to_the_switches() {
    let mut lan = active(settings(Variant::V1));
    lan.until(100_000);
    assert_eq!(times(&lan, "garp broadcast"), [20_000, 23_000]);
    assert_eq!(times(&lan, "garp switches"), [20_000]);
    let frames = lan.frames(0);
    let arps: Vec<_> = frames.iter().filter(|(_, frame)| frame[12..14] == [8, 6]).collect();
    for (arp, to) in arps.iter().zip([[0xff; 6], [0x01, 0, 0x0c, 0xcd, 0xcd, 0xcd], [0xff; 6]]) {
        let mac = [0, 0, 0x0c, 0x07, 0xac, 1];
        let wanted = [
            &to[..],
            &mac[..],
            &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2],
            &mac[..],
            &[192, 0, 2, 1],
            &to[..],
            &[192, 0, 2, 1],
        ];
        assert_eq!(arp.1[..], wanted.concat());
    }
}

#[test]
fn announcements_wait_for_the_dataplane() {
    let mut lan = Lan::with(2, settings(Variant::V2Ipv4));
    lan.routers[0].dataplane = Dataplane::After(Duration::from_millis(700));
    lan.until(100_000);
    assert_eq!(times(&lan, "garp broadcast"), [20_700, 23_700]);
    let mut lan = Lan::with(2, settings(Variant::V2Ipv4));
    lan.routers[0].dataplane = Dataplane::Mute;
    lan.until(100_000);
    assert_eq!(times(&lan, "garp"), [0_u64; 0]);
}

/// Captured: an NA and behind it an RA from the virtual link-local address.
#[test]
fn over_ipv6_an_na_and_an_ra_are_sent() {
    let mut lan = active(settings(Variant::V2Ipv6));
    let said = lan.said(0);
    let na = said.iter().position(|line| line == "na virtual").unwrap();
    assert_eq!(said[na + 1], "ra virtual");
    lan.until(230_000);
    assert_eq!(times(&lan, "na virtual"), [20_000, 23_000]);
    assert_eq!(times(&lan, "ra virtual"), [20_000, 220_000]);
    let frames = lan.frames(0);
    let ra = frames.iter().find(|(_, frame)| frame.len() > 54 && frame[54] == 134).unwrap();
    assert_eq!(ra.1[22..38], "fe80::5:73ff:fea0:1".parse::<std::net::Ipv6Addr>().unwrap().octets());
}

/// Group 16 of a captured router.
#[test]
fn the_virtual_link_local_comes_from_the_virtual_mac() {
    let made = |mac_address| {
        let addresses = vec!["2001:db8::1".parse().unwrap()];
        let settings = HsrpSettings { group: 16, addresses, mac_address, ..settings(Variant::V2Ipv6) };
        let config = HsrpConfig::new(settings).unwrap();
        (config.addresses()[0].to_string(), config.addresses().len(), config.added_link_local().is_some())
    };
    assert_eq!(made(None), ("fe80::5:73ff:fea0:10".to_owned(), 2, true));
    let own = Some(MacAddr([2, 0, 0, 0, 0, 0x77]));
    assert_eq!(made(own), ("fe80::200:ff:fe00:77".to_owned(), 2, true), "the universal bit stays");
}

#[test]
fn further_addresses_stay_local() {
    for (variant, further) in [(Variant::V1, "192.0.2.100"), (Variant::V2Ipv6, "2001:db8::1")] {
        let further: IpAddr = further.parse().unwrap();
        let mut with_two = settings(variant);
        with_two.addresses.push(further);
        let lan = active(with_two);
        assert_eq!(lan.wish(0).unwrap().addresses.to_vec(), [gateway(variant), further]);
        let announced = if variant == Variant::V1 { "garp broadcast" } else { "na virtual" };
        assert_eq!(times(&lan, announced), [20_000, 20_000]);
        let octets = match further {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let names = |frame: &[u8]| frame.windows(octets.len()).any(|window| window == octets);
        let frames = lan.frames(0);
        let said: Vec<_> = frames.iter().filter(|(_, frame)| names(frame)).collect();
        assert!(said.iter().all(|(_, frame)| frame[12..14] == [8, 6] || frame[20] == 58), "ARP and ND only");
    }
}

#[test]
fn with_the_interfaces_own_mac_nothing_comes_from_a_virtual_one() {
    for variant in VARIANTS {
        let lan = active(HsrpSettings { virtual_mac: false, ..settings(variant) });
        assert_eq!(lan.wish(0).unwrap().mac, None);
        assert!(lan.said(0).contains(&"Hello Active 100 own".to_owned()));
        assert!(lan.said(0).iter().all(|line| line.ends_with(" own")), "{:?}", lan.said(0));
    }
}

#[test]
fn a_configured_mac_is_the_virtual_one() {
    for variant in VARIANTS {
        let chosen = MacAddr([2, 0, 0x5e, 0, 0, 0x99]);
        let lan = active(HsrpSettings { mac_address: Some(chosen), ..settings(variant) });
        assert_eq!(lan.wish(0).unwrap().mac, Some(chosen));
        assert!(lan.said(0).contains(&"Hello Active 100 02:00:5e:00:00:99".to_owned()));
        assert!(lan.said(0).contains(&"Hello Standby 100 own".to_owned()));
    }
}

#[test]
fn the_gate_is_open_in_active_and_in_no_other_state() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(19_999);
        assert_eq!(lan.gate(0), Some(Gate::Closed));
        lan.until(20_000);
        assert_eq!(lan.gate(0), Some(Gate::Open));
        lan.hear(&hello(variant, State::Active, 101).frame());
        assert_eq!(lan.gate(0), Some(Gate::Closed));
        lan.forget().until(24_000);
        assert!(times(&lan, "garp").is_empty() && times(&lan, "na ").is_empty(), "no repetition");
    }
}

/// Captured: 2.40 to 3.07 s with a hello time of 3 s.
#[test]
fn hellos_are_jittered() {
    for variant in VARIANTS {
        let mut lan = active(settings(variant));
        lan.until(600_000);
        let times = times(&lan, "Hello Active");
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (2_399..=3_000).contains(gap)), "{gaps:?}");
        assert!(gaps.iter().max().unwrap() - gaps.iter().min().unwrap() > 400);
    }
}

/// Captured: about each 24 to 30 s while no group is Active.
#[test]
fn a_passive_interface_is_repeated() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        for second in 0..100 {
            lan.until(second * 3_000);
            lan.hear(&hello(variant, State::Active, 200).frame());
            lan.hear(&hello(variant, State::Standby, 150).frame());
        }
        let times = times(&lan, "Interface 0/1");
        let gaps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.len() >= 9 && gaps.iter().all(|gap| (24_000..=30_000).contains(gap)), "{gaps:?}");
        let mut lan = active(settings(variant));
        lan.forget().until(200_000);
        assert!(self::times(&lan, "Interface").is_empty(), "not while Active");
    }
}

#[test]
fn another_active_router_is_answered_once_a_second() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(5_000);
        let one = hello(variant, State::Active, 200);
        lan.forget().hear(&one.frame());
        assert_eq!(times(&lan, "Interface 0/1"), [5_000]);
        for step in 0..100 {
            lan.until(5_010 + step * 10);
            let other = Says { source: address(variant, 4), mac: mac(4), ..one.clone() };
            lan.hear(&(if step % 2 == 0 { other } else { one.clone() }).frame());
        }
        assert_eq!(times(&lan, "Interface 0/1"), [5_000, 6_000]);
        assert_eq!(lan.state(0), Listen);
    }
}

/// Version 1 says in one octet what it comes to: passive 2, active 3.
#[test]
fn all_groups_of_an_interface_are_counted() {
    let mut lan = Lan::default();
    lan.join(2, settings(Variant::V1));
    for group in 2..5 {
        let addresses = vec![[192, 0, 2, 100 + u8::try_from(group).unwrap()].into()];
        lan.add(0, HsrpSettings { group, addresses, ..settings(Variant::V1) });
    }
    lan.until(19_000);
    lan.hear(&Says { group: 3, address: None, ..hello(Variant::V1, State::Active, 200) }.frame());
    lan.until(21_000);
    let interface: Vec<String> =
        lan.said(0).into_iter().filter(|line| line.starts_with("Interface")).collect();
    assert_eq!(interface.last().map(String::as_str), Some("Interface 3/1 own"));
    let frames = lan.frames(0);
    let of_them: Vec<_> =
        frames.iter().filter(|(_, frame)| frame.len() == 58 && frame[42..44] == [0, 3]).collect();
    assert_eq!(of_them[0].1[42..], [0, 3, 0, 1, 0, 14, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(of_them.last().unwrap().1[42..], [0, 3, 0, 1, 0, 14, 3, 0, 0, 3, 0, 1, 0, 0, 0, 0]);
    assert_eq!(lan.interface(0).hsrp_interface_states_sent, u64::try_from(of_them.len()).unwrap());
}

/// HSRP knows no owner: its kernel would answer hosts with the interface's MAC while another router is Active.
#[test]
fn a_group_whose_address_is_the_interfaces_own_waits() {
    for variant in VARIANTS {
        let own = address(variant, 2);
        let mut lan = Lan::with(2, HsrpSettings { addresses: vec![own], priority: 200, ..settings(variant) });
        lan.join(3, HsrpSettings { addresses: vec![own], ..settings(variant) });
        lan.until(60_000);
        assert_eq!(lan.states(), [GroupState::Initial, Active], "{variant:?}");
        assert_eq!(lan.status(0).waiting, Some(Waiting::OwnAddress(own)));
        assert_eq!(lan.notices(0), [NoticeKind::Waits(Waiting::OwnAddress(own))], "no word of an owner");
        assert!(lan.frames(0).is_empty());
        lan.update(0, settings(variant));
        assert_eq!((lan.states()[0], lan.status(0).waiting), (Listen, None));
    }
}

/// Hosts have its MAC; to close it would cut them off.
#[test]
fn a_group_that_runs_goes_on_when_its_address_appears_on_the_interface_and_says_so() {
    let mut lan = active(settings(Variant::V2Ipv4));
    for _ in 0..3 {
        lan.link(0, |link| link.ipv4.push([192, 0, 2, 1].into()));
    }
    assert_eq!((lan.states(), lan.gate(0)), (vec![Active], Some(Gate::Open)));
    let said = NoticeKind::DuplicateAddress { address: gateway(Variant::V2Ipv4), mac: mac(2) };
    assert_eq!(lan.notices(0).iter().filter(|kind| **kind == said).count(), 1);
    assert!(!lan.notices(0).iter().any(|kind| matches!(kind, NoticeKind::Owns(_))));
}
