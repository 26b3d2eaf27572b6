//! Accept_Mode false.

use fhrp::{Acceptance, Binding, Family, IfIndex};
use fhrp_lab::Namespace;

use crate::support::{Driven, Ears, answers, binding, forwards, in_router, open, reaches, virtual_mac};

fn deny(base: IfIndex, vrid: u8, addresses: &[&str]) -> Binding {
    Binding { acceptance: Acceptance::Deny, ..binding(base, vrid, addresses) }
}

fn ruleset(namespace: &Namespace) -> String {
    namespace.query("nft", &["list", "ruleset"]).unwrap()
}

#[test]
fn packets_to_the_address_are_dropped_and_it_is_still_resolved() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        for (seat, addresses) in [(1, ["192.0.2.1"].as_slice()), (2, &["fe80::5e00:2:a", "2001:db8:1::1"])] {
            let closed = deny(base, 10, addresses);
            let mac = closed.mac.unwrap();
            driven.program(seat, Some(closed.clone())).unwrap();
            driven.program(seat, Some(open(&closed))).unwrap();
            for address in addresses {
                let ears = Ears::of(host);
                assert!(!reaches(host, address), "{address}");
                assert_eq!(answers(&ears.heard(), address), [mac], "{address}");
            }
            assert!(forwards(lab, mac, closed.family()));
        }
        assert!(reaches(host, "192.0.2.11"));
        driven.shutdown();
        assert_eq!(ruleset(router.namespace()), "");
    });
}

#[test]
fn the_table_is_there_before_a_group_opens_and_does_not_change_when_it_does() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed4 = deny(base, 10, &["192.0.2.1"]);
        let closed6 = deny(base, 10, &["fe80::5e00:2:a"]);
        driven.program(1, Some(closed4.clone())).unwrap();
        driven.program(2, Some(closed6)).unwrap();
        let rules = ruleset(router.namespace());
        for part in [
            "type filter hook input priority filter - 10; policy accept;",
            "elements = { 192.0.2.1 }",
            "elements = { fe80::5e00:2:a }",
            "icmpv6 type nd-neighbor-solicit accept",
            "icmpv6 type nd-neighbor-advert accept",
            "ip daddr @vip4 drop",
            "ip6 daddr @vip6 drop",
        ] {
            assert!(rules.contains(part), "{part} is not in:\n{rules}");
        }
        driven.program(1, Some(open(&closed4))).unwrap();
        assert_eq!(ruleset(router.namespace()), rules);
        driven.program(1, Some(closed4)).unwrap();
        assert_eq!(ruleset(router.namespace()), rules);
        driven.program(1, None).unwrap();
        assert!(!ruleset(router.namespace()).contains("192.0.2.1"));
        driven.shutdown();
    });
}

#[test]
fn an_address_that_any_group_accepts_is_not_dropped() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(deny(base, 10, &["192.0.2.1"]))).unwrap();
        let mut wanted = open(&deny(base, 20, &["192.0.2.20"]));
        driven.program(2, Some(wanted.clone())).unwrap();
        assert!(!reaches(host, "192.0.2.20"));
        wanted.acceptance = Acceptance::Allow;
        driven.program(2, Some(wanted)).unwrap();
        assert!(reaches(host, "192.0.2.20"));
        // The router's own address, given to a group by mistake.
        driven.program(3, Some(deny(base, 30, &["192.0.2.11"]))).unwrap();
        assert!(reaches(host, "192.0.2.11"));
        driven.shutdown();
    });
}

#[test]
fn a_firewall_that_is_loaded_anew_does_not_take_it_away() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&deny(base, 10, &["192.0.2.1"])))).unwrap();
        router.namespace().query("nft", &["flush", "ruleset"]).unwrap();
        assert!(!reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        assert!(forwards(lab, virtual_mac(Family::V4, 10), Family::V4));
        driven.shutdown();
    });
}

#[test]
fn where_the_kernel_refuses_the_table_no_address_is_held() {
    let Some(world) = fhrp_lab::world!(Nft) else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let denied = deny(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(denied.clone())).unwrap();
        let tables = router.namespace().query("nft", &["list", "tables"]).unwrap();
        let table = tables.split_whitespace().last().unwrap().to_owned();
        driven.shutdown();
        // Something in the way that cannot be made into what we need.
        let mut driven = Driven::start(router);
        let base = driven.base();
        router.namespace().query("nft", &["add", "table", "inet", &table]).unwrap();
        router.namespace().query("nft", &["add", "chain", "inet", &table, "input"]).unwrap();
        for wanted in [denied.clone(), open(&denied)] {
            let fault = driven.program(1, Some(wanted)).unwrap_err();
            assert!(fault.to_string().contains("accept_mode = false needs nftables"), "{fault}");
        }
        driven.program(2, Some(open(&binding(base, 20, &["192.0.2.20"])))).unwrap();
        let held = router.namespace().query("ip", &["-4", "addr"]).unwrap();
        assert!(!held.contains("192.0.2.1/32"), "{held}");
        assert!(reaches(host, "192.0.2.20"));
        // The obstacle goes; the engine asks again.
        router.namespace().query("nft", &["delete", "table", "inet", &table]).unwrap();
        driven.program(1, Some(open(&denied))).unwrap();
        let held = router.namespace().query("ip", &["-4", "addr"]).unwrap();
        assert!(held.contains("192.0.2.1/32"), "{held}");
        driven.shutdown();
    });
}
