//! What hosts are told, and where their frames go.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use fhrp::{ClientCache, GlbpSettings, GroupState, LoadBalancing, MacAddr, NoticeKind};

use super::lan::*;

const NOBODY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

/// Four routers with these settings; 1 is the AVG and each serves one forwarder.
fn four(change: impl Fn(u8, &mut GlbpSettings)) -> Lan {
    let settings = (1..=4).map(|n| {
        let mut settings = GlbpSettings { priority: if n == 1 { 200 } else { 100 }, ..settings() };
        change(n, &mut settings);
        settings
    });
    let mut lan = Lan::new(settings);
    (1..=4).for_each(|n| lan.start(n));
    lan.until(100_000);
    assert_eq!(lan.state(1), GroupState::Active);
    lan.forget_sent();
    lan
}

fn shares(told: impl IntoIterator<Item = Option<MacAddr>>) -> BTreeMap<MacAddr, usize> {
    let mut shares = BTreeMap::new();
    for mac in told {
        *shares.entry(mac.unwrap()).or_default() += 1;
    }
    shares
}

#[test]
fn in_turn_each_forwarder_gets_the_same_share_within_one() {
    let mut lan = four(|_, _| {});
    let told: Vec<_> = (0..10).map(|host| lan.resolve(host)).collect();
    let shares = shares(told);
    assert_eq!(shares.len(), 4);
    assert!(shares.values().all(|share| (2..=3).contains(share)), "{shares:?}");
    for (mac, share) in shares {
        assert!(lan.reaches(mac).is_some());
        let selections: Vec<_> = lan
            .router(1)
            .glbp()
            .forwarders
            .into_iter()
            .filter(|known| known.mac == mac)
            .map(|known| known.selections)
            .collect();
        assert_eq!(selections, [u64::try_from(share).unwrap()]);
    }
}

#[test]
fn by_weight_each_forwarder_gets_the_share_of_who_serves_it() {
    let weights = [60, 30, 20, 10];
    let mut lan = four(|n, settings| {
        settings.weighting = weights[usize::from(n) - 1];
        settings.load_balancing = LoadBalancing::Weighted;
    });
    let told: Vec<_> = (0..120).map(|host| lan.resolve(host)).collect();
    let shares = shares(told);
    for (n, weight) in (1..=4).zip(weights) {
        let served: Vec<_> = shares.iter().filter(|(mac, _)| lan.reaches(**mac) == Some(n)).collect();
        assert_eq!(served.iter().map(|(_, share)| **share).sum::<usize>(), usize::from(weight), "router {n}");
    }
}

#[test]
fn by_host_everyone_keeps_its_forwarder_also_with_another_avg() {
    let mut lan = four(|_, settings| settings.load_balancing = LoadBalancing::HostDependent);
    let before: Vec<_> = (0..50).map(|host| lan.resolve(host).unwrap()).collect();
    let again: Vec<_> = (0..50).map(|host| lan.resolve(host).unwrap()).collect();
    assert_eq!(before, again);
    lan.kill(1);
    lan.until(130_000);
    let after: Vec<_> = (0..50).map(|host| lan.resolve(host).unwrap()).collect();
    assert_eq!(before, after, "its MAC is redirected meanwhile");
}

#[test]
fn without_balancing_the_avg_takes_all() {
    let mut lan = four(|_, settings| settings.load_balancing = LoadBalancing::None);
    let told: Vec<_> = (0..10).map(|host| lan.resolve(host)).collect();
    let shares = shares(told);
    let (mac, share) = shares.first_key_value().unwrap();
    assert_eq!((lan.reaches(*mac), *share), (Some(1), 10));
}

/// 6.1: only the AVG, from its own MAC, to the host.
#[test]
fn an_answer_comes_from_the_interface_of_the_avg() {
    let mut lan = four(|_, _| {});
    let answers = lan.ask(&arp_request(7, VIP, MacAddr::BROADCAST));
    let [answer] = answers.as_slice() else { panic!("{answers:?}") };
    let (told, source, destination) = arp_reply(answer);
    assert_eq!((source, destination), (mac(1), host_mac(7)));
    assert_eq!(told.octets()[..5], [0, 7, 0xb4, 0, 1]);
    assert_eq!(&answer[28..32], [10, 0, 0, 254]);
    assert_eq!(
        (&answer[32..38], &answer[38..42]),
        (&host_mac(7).octets()[..], &host_address(7).octets()[..])
    );
    assert!(lan.ask(&arp_request(7, "10.0.0.253", MacAddr::BROADCAST)).is_empty(), "another address");
}

#[test]
fn who_asks_its_forwarder_is_answered_by_it_and_no_turn_is_used() {
    let mut lan = four(|_, _| {});
    for _ in 0..3 {
        for n in 1..=4 {
            let answers = lan.ask(&arp_request(7, VIP, vmac(n)));
            let [answer] = answers.as_slice() else { panic!("{answers:?}") };
            let (told, source, _) = arp_reply(answer);
            assert_eq!((told, Some(source)), (vmac(n), lan.reaches(vmac(n)).map(mac)));
        }
    }
    assert!(lan.router(1).glbp().forwarders.iter().all(|known| known.selections == 0));
    assert!(lan.ask(&arp_request(7, VIP, mac(2))).is_empty(), "not the AVG");
    assert_eq!(lan.ask(&arp_request(7, VIP, mac(1))).len(), 1);
}

/// RFC 5227 §2.1.1: an answer tells a prober that the address is taken.
#[test]
fn probes_are_answered_and_use_no_turn() {
    let mut lan = four(|_, _| {});
    for _ in 0..5 {
        let probe = arp(host_mac(7), NOBODY, VIP.parse().unwrap(), MacAddr::BROADCAST);
        assert_eq!(lan.ask(&probe).len(), 1);
    }
    let counters = lan.router(1).counters();
    assert_eq!((counters.resolve_probes_answered, counters.resolve_answered), (5, 0));
    assert!(lan.router(1).glbp().forwarders.iter().all(|known| known.selections == 0));
}

#[test]
fn a_host_that_claims_the_address_is_not_answered_and_told_of() {
    let mut lan = four(|_, _| {});
    let vip: Ipv4Addr = VIP.parse().unwrap();
    for _ in 0..5 {
        assert!(lan.ask(&arp(host_mac(7), vip, vip, MacAddr::BROADCAST)).is_empty());
    }
    let words = lan
        .router(1)
        .notices
        .iter()
        .filter(|(_, kind)| *kind == NoticeKind::DuplicateAddress { address: ip(VIP), mac: host_mac(7) });
    assert_eq!(words.count(), 1);
    assert_eq!(lan.router(1).counters().resolve_gratuitous, 5);
    let mut reply = arp(host_mac(7), vip, vip, MacAddr::BROADCAST);
    reply[21] = 2;
    assert!(lan.ask(&reply).is_empty());
    assert_eq!(lan.router(1).counters().resolve_gratuitous, 6, "by a reply as well");
    let mut of_a_router = arp(vmac(2), vip, host_address(7), MacAddr::BROADCAST);
    of_a_router[21] = 2;
    assert!(lan.ask(&of_a_router).is_empty());
    assert_eq!(lan.router(1).counters().resolve_rcvd, 6, "what an AVG answers is no claim");
    let mut answer = arp(host_mac(7), host_address(7), vip, MacAddr::BROADCAST);
    answer[21] = 2;
    assert!(lan.ask(&answer).is_empty());
    assert_eq!(lan.router(1).counters().resolve_rcvd, 6, "not of the virtual address");
    for odd in [MacAddr::BROADCAST, MacAddr::ZERO, mac(1)] {
        assert!(lan.ask(&arp(odd, host_address(1), vip, MacAddr::BROADCAST)).is_empty(), "{odd}");
    }
}

/// No gratuitous ARP for the virtual address, ever: it would pull all hosts to one MAC.
#[test]
fn nothing_but_answers_tells_hosts_of_a_mac() {
    let mut lan = Lan::running(3, 100_000);
    lan.kill(3);
    lan.until(200_000);
    assert!(lan.sent.iter().all(|sent| sent.body().is_some()));
}

/// The death of the AVG costs hosts of other forwarders nothing: their MAC reaches the same router all the time.
#[test]
fn the_death_of_the_avg_leaves_the_other_forwarders_alone() {
    let mut lan = four(|_, _| {});
    let before: Vec<_> = (1..=4).map(|n| lan.reaches(vmac(n)).unwrap()).collect();
    lan.kill(1);
    let mut waited = None;
    for step in 1..=13_000 {
        lan.until(100_000 + step);
        for n in 1..=4 {
            match before[usize::from(n) - 1] {
                1 => waited = waited.or(lan.reaches(vmac(n)).map(|_| step)),
                other => assert_eq!(lan.reaches(vmac(n)), Some(other)),
            }
        }
    }
    assert!(waited.is_some_and(|waited| waited <= 10_010), "its own forwarder after a hold time: {waited:?}");
    assert!((2..=4).any(|n| lan.state(n) == GroupState::Active));
    assert!(lan.resolve(9).is_some());
}

#[test]
fn a_graceful_stop_costs_nobody_more_than_ten_milliseconds() {
    let mut lan = four(|_, _| {});
    let macs: Vec<_> = (1..=4).map(vmac).collect();
    lan.stop(1);
    lan.until(100_010);
    assert!(macs.iter().all(|mac| lan.reaches(*mac).is_some_and(|n| n != 1)));
    assert!(lan.resolve(9).is_some(), "somebody answers hosts");
}

#[test]
fn the_client_cache_remembers_as_many_as_it_may() {
    let cache = ClientCache { maximum: 8, timeout: None };
    let mut lan = four(|_, settings| settings.client_cache = Some(cache));
    for host in 0..20 {
        lan.resolve(host);
    }
    lan.resolve(19);
    let known = lan.router(1).glbp();
    let macs: Vec<_> = known.clients.iter().map(|client| client.mac).collect();
    assert_eq!(macs, (12..20).map(host_mac).collect::<Vec<_>>());
    let last = known.clients.last().unwrap();
    assert_eq!((last.answers, last.address), (2, Some(host_address(19).into())));
    assert_eq!(known.counters.clients_evicted, 12);
    assert!(lan.router(2).glbp().clients.is_empty());
}

/// A hundred thousand requests in a second: each is answered at a cost of its own, and Hellos are on time.
#[test]
fn a_flood_of_requests_holds_up_no_hello() {
    let cache = ClientCache { maximum: 8, timeout: None };
    let mut lan = four(|_, settings| settings.client_cache = Some(cache));
    let start = lan.now;
    let engine = &mut lan.router(1).engine;
    let (mut hellos, mut answers, mut due) = (Vec::new(), 0, engine.next_deadline());
    for step in 0..100_000_u32 {
        let now = start + std::time::Duration::from_micros(u64::from(step) * 30);
        let [_, b, c, d] = step.to_be_bytes();
        let request = arp(
            MacAddr([2, 1, 1, b, c, d]),
            Ipv4Addr::new(11, b, c, d),
            VIP.parse().unwrap(),
            MacAddr::BROADCAST,
        );
        engine.handle_frame(now, ETH0, &request);
        while due.is_some_and(|at| at <= now) {
            engine.handle_timeout(now);
            due = engine.next_deadline();
        }
        while let Some(action) = engine.poll_action() {
            match action {
                fhrp::Action::Transmit { frame, .. } if frame[12..14] == [8, 6] => answers += 1,
                fhrp::Action::Transmit { .. } => hellos.push(now),
                _ => {}
            }
        }
    }
    assert_eq!(answers, 100_000);
    assert!(!hellos.is_empty() && hellos.windows(2).all(|pair| pair[1] <= pair[0] + secs(3)), "{hellos:?}");
    assert_eq!(lan.router(1).glbp().clients.len(), 8);
}
