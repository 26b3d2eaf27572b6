//! Open and closed, seen from a host.

use std::sync::Arc;

use fhrp::{Binding, Family, IfIndex, Responder};
use fhrp_lab::{LabOptions, ReversePathFilter, World};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::support::{
    BASE, Driven, Ears, answers, binding, forwards, from_mac, hsrp, in_router, in_router_of, inventory,
    neighbor, open, reaches, virtual_mac,
};

/// The whole life of a group that `make` says, as the host sees it.
fn life(world: World, rp_filter: ReversePathFilter, make: impl FnOnce(IfIndex) -> Binding + Send) {
    let options = LabOptions { routers: 1, rp_filter, ..LabOptions::default() };
    in_router_of(world, &options, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let before = inventory(router);
        let mut driven = Driven::start(router);
        let closed = make(driven.base());
        let (family, mac) = (closed.family(), closed.mac.unwrap());
        let addresses: Vec<_> = closed.addresses.iter().map(ToString::to_string).collect();
        let ears = Ears::of(host);

        driven.program(1, Some(closed.clone())).unwrap();
        for round in 0..3 {
            assert!(!forwards(lab, mac, family), "round {round}");
            ears.heard();
            for address in &addresses {
                assert!(!reaches(host, address), "round {round}: {address}");
            }
            assert_eq!(from_mac(&ears.heard(), mac), Vec::<&Vec<u8>>::new(), "round {round}");

            driven.program(1, Some(open(&closed))).unwrap();
            assert!(forwards(lab, mac, family), "round {round}");
            for address in &addresses {
                ears.heard();
                assert!(reaches(host, address), "round {round}: {address}");
                assert_eq!(answers(&ears.heard(), address), [mac], "round {round}: {address}");
            }
            driven.program(1, Some(closed.clone())).unwrap();
        }
        assert!(!driven.names_told().iter().any(|name| name.contains('-')), "{:?}", driven.names_told());
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn ipv4() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Off, |base| binding(base, 10, &["192.0.2.1", "192.0.2.2"]));
}

#[test]
fn ipv4_with_strict_reverse_path_filter() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Strict, |base| binding(base, 10, &["192.0.2.1"]));
}

#[test]
fn ipv4_with_loose_reverse_path_filter() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Loose, |base| binding(base, 10, &["192.0.2.1"]));
}

#[test]
fn ipv6() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Off, |base| binding(base, 10, &["fe80::5e00:2:a", "2001:db8:1::1"]));
}

#[test]
fn hsrp_version_1() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Strict, |base| {
        hsrp(base, 255, "00:00:0c:07:ac:ff", &["192.0.2.1", "192.0.2.2"])
    });
}

#[test]
fn hsrp_version_2() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Off, |base| hsrp(base, 4095, "00:00:0c:9f:ff:ff", &["192.0.2.1"]));
}

#[test]
fn hsrp_over_ipv6() {
    let Some(world) = fhrp_lab::world!() else { return };
    let addresses = ["fe80::5:73ff:fea0:10", "2001:db8:1::1"];
    life(world, ReversePathFilter::Off, |base| hsrp(base, 16, "00:05:73:a0:00:10", &addresses));
}

#[test]
fn any_chosen_mac() {
    let Some(world) = fhrp_lab::world!() else { return };
    life(world, ReversePathFilter::Loose, |base| hsrp(base, 7, "00:00:a2:11:22:33", &["192.0.2.1"]));
}

#[test]
fn any_chosen_mac_over_ipv6() {
    let Some(world) = fhrp_lab::world!() else { return };
    let addresses = ["fe80::1", "2001:db8:1::1"];
    life(world, ReversePathFilter::Off, |base| hsrp(base, 7, "02:00:a2:11:22:33", &addresses));
}

#[test]
fn a_group_may_change_its_mac_and_take_that_of_another() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let ears = Ears::of(host);
        let macs = ["00:00:0c:07:ac:0a", "00:00:0c:9f:f0:0a", "02:00:00:00:00:0a"];
        for mac in macs.iter().chain(&macs[..2]) {
            driven.program(1, Some(open(&hsrp(base, 10, mac, &["192.0.2.1"])))).unwrap();
            ears.heard();
            assert!(reaches(host, "192.0.2.1"), "{mac}");
            assert_eq!(answers(&ears.heard(), "192.0.2.1"), [mac.parse().unwrap()]);
        }
        for [one, other] in [[macs[0], macs[2]], [macs[2], macs[0]]] {
            driven.program(1, None).unwrap();
            driven.program(2, None).unwrap();
            driven.program(1, Some(open(&hsrp(base, 10, one, &["192.0.2.1"])))).unwrap();
            driven.program(2, Some(open(&hsrp(base, 20, other, &["192.0.2.2"])))).unwrap();
            ears.heard();
            assert!(reaches(host, "192.0.2.1") && reaches(host, "192.0.2.2"));
            let heard = ears.heard();
            assert_eq!(answers(&heard, "192.0.2.1"), [one.parse().unwrap()]);
            assert_eq!(answers(&heard, "192.0.2.2"), [other.parse().unwrap()]);
        }
        driven.shutdown();
    });
}

#[test]
fn hsrp_suppresses_redirects_while_it_runs() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let setting =
            |device: &str| router.namespace().setting(&format!("ipv4/conf/{device}/send_redirects")).unwrap();
        router.namespace().set("ipv4/conf/default/send_redirects", "1").unwrap();
        router.namespace().set(&format!("ipv4/conf/{BASE}/send_redirects"), "1").unwrap();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(binding(base, 10, &["192.0.2.1"]))).unwrap();
        assert_eq!(setting(BASE), "1", "VRRP has no need of it");
        driven.program(2, Some(hsrp(base, 20, "00:00:0c:07:ac:14", &["192.0.2.2"]))).unwrap();
        assert_eq!(setting(BASE), "0");
        assert_eq!(setting(&format!("hs4-{:x}-20", base.0)), "0");
        driven.program(2, None).unwrap();
        assert_eq!(setting(BASE), "1");
        driven.shutdown();
    });
}

#[test]
fn both_families_side_by_side_answer_once_each() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        driven.program(2, Some(open(&binding(base, 10, &["fe80::5e00:2:a"])))).unwrap();
        let ears = Ears::of(host);
        assert!(reaches(host, "192.0.2.1"));
        assert!(reaches(host, "fe80::5e00:2:a"));
        let heard = ears.heard();
        assert_eq!(answers(&heard, "192.0.2.1"), [virtual_mac(Family::V4, 10)]);
        assert_eq!(answers(&heard, "fe80::5e00:2:a"), [virtual_mac(Family::V6, 10)]);
        // The router's own address is answered for by its own MAC alone.
        assert!(reaches(host, "192.0.2.11"));
        assert_eq!(answers(&ears.heard(), "192.0.2.11"), [lab.router(1).unwrap().lan_mac(0)]);
        driven.shutdown();
    });
}

#[test]
fn a_router_that_must_ask_for_a_host_does_not_ask_in_the_name_of_the_virtual_address() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let open = open(&binding(driven.base(), 10, &["192.0.2.1"]));
        driven.program(1, Some(open)).unwrap();
        assert!(reaches(host, "192.0.2.1"));
        router.namespace().ip([format!("neigh flush dev {BASE}")]).unwrap();
        let ears = Ears::of(host);
        assert!(reaches(host, "192.0.2.1"));
        ears.heard();
        assert!(neighbor(host, "192.0.2.1").contains("00:00:5e:00:01:0a"), "{}", neighbor(host, "192.0.2.1"));
        driven.shutdown();
    });
}

#[test]
fn the_kernel_is_silent_where_the_engine_responds() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let mut wanted = open(&binding(driven.base(), 10, &["192.0.2.1"]));
        driven.program(1, Some(wanted.clone())).unwrap();
        assert!(reaches(host, "192.0.2.1"));
        wanted.responder = Responder::Engine;
        driven.program(1, Some(wanted)).unwrap();
        let ears = Ears::of(host);
        assert!(!reaches(host, "192.0.2.1"));
        assert_eq!(answers(&ears.heard(), "192.0.2.1"), []);
        driven.shutdown();
    });
}

#[test]
fn a_wish_carried_out_twice_changes_nothing() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let wanted = open(&binding(driven.base(), 10, &["192.0.2.1"]));
        driven.program(1, Some(wanted.clone())).unwrap();
        let once = inventory(router);
        driven.program(1, Some(wanted)).unwrap();
        assert_eq!(inventory(router), once);
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
    });
}

#[test]
fn addresses_are_exchanged_while_open() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1", "192.0.2.2"])))).unwrap();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.2", "192.0.2.3"])))).unwrap();
        assert!(!reaches(host, "192.0.2.1"));
        assert!(reaches(host, "192.0.2.2"));
        assert!(reaches(host, "192.0.2.3"));
        driven.shutdown();
    });
}

#[test]
fn a_removed_seat_leaves_nothing_while_others_stay() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(2, Some(open(&binding(base, 20, &["192.0.2.20"])))).unwrap();
        let before = inventory(router);
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        driven.program(1, None).unwrap();
        assert!(!reaches(host, "192.0.2.1"));
        assert!(reaches(host, "192.0.2.20"));
        let pruned = || !router.namespace().query("ip", &["link"]).unwrap().contains("-10@");
        while !pruned() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(inventory(router), before);
        driven.shutdown();
    });
}

#[test]
fn an_owner_is_found_at_the_virtual_mac_only() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let before = inventory(router);
        let mut driven = Driven::start(router);
        let mut wanted = open(&binding(driven.base(), 10, &["192.0.2.11"]));
        wanted.owned = Arc::clone(&wanted.addresses);
        let mac = wanted.mac.unwrap();
        driven.program(1, Some(wanted)).unwrap();
        router.namespace().ip([format!("neigh flush dev {BASE}")]).unwrap();
        let ears = Ears::of(host);
        assert!(reaches(host, "192.0.2.11"));
        assert_eq!(answers(&ears.heard(), "192.0.2.11"), [mac]);
        assert!(neighbor(host, "192.0.2.11").contains(&mac.to_string()), "{}", neighbor(host, "192.0.2.11"));
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn a_bridge_learns_the_virtual_mac_as_its_own_while_open() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        router
            .namespace()
            .ip([
                "link add br9 type bridge".to_owned(),
                format!("link set {BASE} master br9"),
                "addr add 192.0.2.77/24 dev br9".to_owned(),
                format!("addr flush dev {BASE} scope global"),
                "link set br9 up".to_owned(),
            ])
            .unwrap();
        let entries = || router.namespace().query("bridge", &["fdb", "show", "br", "br9"]).unwrap();
        // The macvlan itself is in the list of filtered addresses ("self"), which does not stop the flooding.
        let local = || entries().contains("00:00:5e:00:01:0a dev br9 master br9 permanent");
        let mut driven = Driven::start(router);
        let base = driven.link("br9", |state| state.up).index;
        let closed = binding(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        assert!(!local(), "{}", entries());
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(local(), "{}", entries());
        assert!(reaches(host, "192.0.2.1"));
        driven.program(1, Some(closed.clone())).unwrap();
        assert!(!local(), "{}", entries());
        driven.program(1, Some(open(&closed))).unwrap();
        driven.shutdown();
        assert!(!entries().contains("00:00:5e"), "{}", entries());
    });
}

#[test]
fn a_group_is_prepared_while_the_interface_is_down() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        router.namespace().ip([format!("link set {BASE} down")]).unwrap();
        driven.link(BASE, |state| !state.up);
        let closed = binding(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        router.namespace().ip([format!("link set {BASE} up")]).unwrap();
        driven.link(BASE, |state| state.up);
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
    });
}

#[test]
fn a_missing_capability_is_named() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        set_capabilities(
            None,
            CapabilitySets { effective: CapabilitySet::empty(), ..capabilities(None).unwrap() },
        )
        .unwrap();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let fault = driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap_err();
        assert!(fault.to_string().contains("CAP_NET_ADMIN"), "{fault}");
        assert!(fault.to_string().starts_with("vrrp lan0 ipv4 10: "), "{fault}");
    });
}

#[test]
fn what_cannot_be_done_is_said_with_name_and_reason() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        let fault = driven.program(1, Some(binding(IfIndex(4242), 10, &["192.0.2.1"]))).unwrap_err();
        assert!(fault.to_string().contains("vr4-1092-10"), "{fault}");
        // Somebody else's link of the name that we would give.
        let name = format!("vr4-{:x}-10", base.0);
        router.namespace().ip([format!("link add {name} type bridge")]).unwrap();
        let wanted = open(&binding(base, 10, &["192.0.2.1"]));
        let fault = driven.program(1, Some(wanted.clone())).unwrap_err();
        assert!(fault.to_string().contains("not ours"), "{fault}");
        // It is asked for again, as the engine does, when the obstacle is gone.
        router.namespace().ip([format!("link del {name}")]).unwrap();
        driven.program(1, Some(wanted)).unwrap();
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
    });
}
