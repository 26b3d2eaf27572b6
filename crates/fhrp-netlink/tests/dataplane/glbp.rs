//! Several forwarders of one group: one address behind several virtual MACs, and the engine answers hosts.

use fhrp::{Acceptance, Binding, Family, Gate, MacAddr};
use fhrp_lab::{Lab, LabOptions, Namespace, Node, ReversePathFilter, World};

use crate::support::{
    BASE, Driven, Ears, answers, ask_again, binding, forwarder, forwarder_mac, forwards, from_mac, in_router,
    in_router_of, inventory, open, reaches, reaches_by,
};

const IPV4: &[&str] = &["192.0.2.1"];
const IPV6: &[&str] = &["fe80::7:b4ff:fe00:a00", "2001:db8:1::1"];

/// What a host gets from the kernel when it resolves the addresses, and when it asks the forwarders again: nothing.
fn assert_kernel_is_silent(host: &Namespace, ears: &Ears, addresses: &[&str]) {
    for address in addresses {
        ears.heard();
        assert!(!reaches(host, address), "{address} was resolved");
        for number in 1..=4 {
            ask_again(host, address, forwarder_mac(number));
        }
        assert_eq!(answers(&ears.heard(), address), [], "{address}");
    }
}

fn assert_serves(lab: &Lab, mac: MacAddr, addresses: &[&str]) {
    let host = lab.host(1).unwrap().namespace();
    for address in addresses {
        // On a busy machine resolving the host may take longer than one ping waits.
        assert!((0..3).any(|_| reaches_by(host, address, mac)), "{address} by {mac}");
        assert!(forwards(lab, mac, Family::of(&address.parse().unwrap())), "{address} by {mac}");
    }
}

fn assert_closed(lab: &Lab, mac: MacAddr, addresses: &[&str]) {
    let host = lab.host(1).unwrap().namespace();
    for address in addresses {
        assert!(!reaches_by(host, address, mac), "{address} by {mac}");
        assert!(!forwards(lab, mac, Family::of(&address.parse().unwrap())), "{address} by {mac}");
    }
}

/// Forwarders 1 and 4 of a group on one router, opened and closed one after the other.
fn life(world: World, rp_filter: ReversePathFilter, addresses: &'static [&'static str]) {
    let options = LabOptions { routers: 1, rp_filter, ..LabOptions::default() };
    in_router_of(world, &options, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let before = inventory(router);
        let mut driven = Driven::start(router);
        let base = driven.base();
        let ears = Ears::of(host);
        for number in [1, 4] {
            driven.program(number.into(), Some(forwarder(base, number, addresses))).unwrap();
            assert_closed(lab, forwarder_mac(number), addresses);
        }
        let steps: [(u8, Gate, &[u8]); 4] = [
            (1, Gate::Open, &[1]),
            (4, Gate::Open, &[1, 4]),
            (1, Gate::Closed, &[4]),
            (1, Gate::Open, &[1, 4]),
        ];
        for (number, gate, serving) in steps {
            let wanted = Binding { gate, ..forwarder(base, number, addresses) };
            driven.program(number.into(), Some(wanted)).unwrap();
            for number in [1, 4] {
                if serving.contains(&number) {
                    assert_serves(lab, forwarder_mac(number), addresses);
                } else {
                    assert_closed(lab, forwarder_mac(number), addresses);
                }
            }
            assert_kernel_is_silent(host, &ears, addresses);
        }
        driven.program(4, None).unwrap();
        assert_serves(lab, forwarder_mac(1), addresses);
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn ipv4() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Off, IPV4);
}

#[test]
fn ipv4_with_strict_reverse_path_filter() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Strict, IPV4);
}

#[test]
fn ipv4_with_loose_reverse_path_filter() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Loose, IPV4);
}

#[test]
fn ipv6() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    life(world, ReversePathFilter::Off, IPV6);
}

#[test]
fn a_closed_forwarder_says_nothing_and_its_kernel_never_asks_in_the_name_of_the_address() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let ears = Ears::of(host);
        for (number, addresses) in [(1, IPV4), (2, IPV4), (3, IPV6), (4, IPV6)] {
            driven.program(number.into(), Some(forwarder(base, number, addresses))).unwrap();
        }
        assert_eq!(ears.heard().iter().filter(|frame| frame[6..9] == [0x00, 0x07, 0xb4]).count(), 0);
        driven.program(1, Some(open(&forwarder(base, 1, IPV4)))).unwrap();
        router.namespace().ip([format!("neigh flush dev {BASE}")]).unwrap();
        assert!(reaches_by(host, IPV4[0], forwarder_mac(1)));
        let heard = ears.heard();
        let asks = |frame: &&Vec<u8>| frame[12..14] == [8, 6] && frame[28..32] == [192, 0, 2, 1];
        assert_eq!(heard.iter().filter(asks).count(), 0, "asked for the host with the virtual address");
        for number in [2, 3, 4] {
            assert_eq!(from_mac(&heard, forwarder_mac(number)), Vec::<&Vec<u8>>::new());
        }
        driven.shutdown();
    });
}

#[test]
fn the_same_address_on_another_interface_is_still_answered_for_there() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    let options = LabOptions { routers: 1, lans: 2, ..LabOptions::default() };
    in_router_of(world, &options, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let other = driven.link("lan1", |state| state.up).index;
        driven.program(1, Some(open(&forwarder(base, 1, &["fe80::1"])))).unwrap();
        driven.program(2, Some(open(&binding(other, 10, &["fe80::1"])))).unwrap();
        let ears = Ears::of(host);
        assert!(!reaches(host, "fe80::1"));
        assert_eq!(answers(&ears.heard(), "fe80::1"), []);
        let mut ping = std::process::Command::new("ping");
        let output = host.output(ping.args(["-n", "-c", "1", "-W", "1", "fe80::1%lan1"])).unwrap();
        assert!(output.status.success());
        driven.shutdown();
    });
}

#[test]
fn a_kernel_that_is_to_answer_does_so_also_when_it_is_asked_again() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let ears = Ears::of(host);
        for (seat, address) in [(1, "192.0.2.1"), (2, "fe80::1")] {
            let wanted = open(&binding(base, 10, &[address]));
            let mac = wanted.mac.unwrap();
            driven.program(seat, Some(wanted)).unwrap();
            ears.heard();
            ask_again(host, address, mac);
            assert_eq!(answers(&ears.heard(), address), [mac]);
        }
        driven.shutdown();
    });
}

fn ruleset(router: &Node) -> String {
    router.namespace().query("nft", &["list", "ruleset"]).unwrap()
}

#[test]
fn the_kernel_is_silenced_before_a_gate_opens_and_opening_changes_nothing() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(forwarder(base, 1, IPV4))).unwrap();
        assert_eq!(ruleset(router), "", "for ARP a setting does it");
        let closed = forwarder(base, 3, IPV6);
        driven.program(3, Some(closed.clone())).unwrap();
        driven.program(4, Some(forwarder(base, 4, IPV6))).unwrap();
        let rules = ruleset(router);
        for part in [
            format!("\"gl6-{:x}-10-3\"", base.0),
            format!("\"gl6-{:x}-10-4\"", base.0),
            "type iface_index".to_owned(),
            "iif @silent icmpv6 type nd-neighbor-solicit drop".to_owned(),
        ] {
            assert!(rules.contains(&part), "{part} is not in:\n{rules}");
        }
        assert!(!rules.contains("gl4-"), "{rules}");
        driven.program(3, Some(open(&closed))).unwrap();
        assert_eq!(ruleset(router), rules);
        driven.program(3, Some(closed)).unwrap();
        assert_eq!(ruleset(router), rules);
        driven.program(3, None).unwrap();
        assert!(!ruleset(router).contains("-10-3"), "{}", ruleset(router));
        driven.shutdown();
        assert_eq!(ruleset(router), "");
    });
}

#[test]
fn where_the_kernel_cannot_be_silenced_no_address_is_held() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(3, Some(forwarder(base, 3, IPV6))).unwrap();
        let tables = router.namespace().query("nft", &["list", "tables"]).unwrap();
        let table = tables.split_whitespace().last().unwrap().to_owned();
        driven.shutdown();
        // Something in the way that cannot be made into what we need.
        let mut driven = Driven::start(router);
        let base = driven.base();
        router.namespace().query("nft", &["add", "table", "inet", &table]).unwrap();
        router.namespace().query("nft", &["add", "chain", "inet", &table, "input"]).unwrap();
        let closed = forwarder(base, 3, IPV6);
        for wanted in [closed.clone(), open(&closed), closed.clone(), open(&closed)] {
            let fault = driven.program(3, Some(wanted)).unwrap_err();
            assert!(fault.to_string().contains("needs nftables"), "{fault}");
        }
        driven.program(1, Some(open(&forwarder(base, 1, IPV4)))).unwrap();
        assert!(reaches_by(lab.host(1).unwrap().namespace(), IPV4[0], forwarder_mac(1)));
        assert!(!reaches_by(lab.host(1).unwrap().namespace(), IPV6[0], forwarder_mac(3)));
        router.namespace().query("nft", &["delete", "table", "inet", &table]).unwrap();
        driven.program(3, Some(open(&closed))).unwrap();
        assert_serves(lab, forwarder_mac(3), IPV6);
        driven.shutdown();
    });
}

#[test]
fn a_forwarder_made_anew_is_silent_again() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&forwarder(base, 1, IPV6)))).unwrap();
        driven.program(2, Some(open(&forwarder(base, 2, IPV6)))).unwrap();
        let name = format!("gl6-{:x}-10-1", base.0);
        router.namespace().ip([format!("link del {name}")]).unwrap();
        assert_eq!(driven.mended(1), format!("{name} had been deleted"));
        assert_serves(lab, forwarder_mac(1), IPV6);
        assert_kernel_is_silent(host, &Ears::of(host), IPV6);
        router.namespace().ip([format!("addr del {}/128 dev gl6-{:x}-10-2", IPV6[1], base.0)]).unwrap();
        driven.mended(2);
        assert_serves(lab, forwarder_mac(2), IPV6);
        driven.shutdown();
    });
}

#[test]
fn packets_to_the_address_are_dropped_where_it_is_not_to_accept() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let ears = Ears::of(host);
        for (seats, addresses) in [([1, 2], IPV4), ([3, 4], IPV6)] {
            for number in seats {
                let closed = Binding { acceptance: Acceptance::Deny, ..forwarder(base, number, addresses) };
                driven.program(number.into(), Some(closed.clone())).unwrap();
                driven.program(number.into(), Some(open(&closed))).unwrap();
                for address in addresses {
                    assert!(!reaches_by(host, address, forwarder_mac(number)), "{address}");
                    assert!(forwards(lab, forwarder_mac(number), Family::of(&address.parse().unwrap())));
                }
            }
            assert_kernel_is_silent(host, &ears, addresses);
        }
        driven.shutdown();
    });
}
