//! What somebody else takes away or changes is put back.

use fhrp::Family;

use crate::support::{BASE, Driven, binding, forwards, in_router, open, reaches, virtual_mac};

#[test]
fn a_deleted_address_is_put_back() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        driven.program(2, Some(open(&binding(base, 10, &["fe80::5e00:2:a", "2001:db8:1::1"])))).unwrap();
        router.namespace().ip([format!("addr del 192.0.2.1/32 dev vr4-{:x}-10", base.0)]).unwrap();
        assert_eq!(driven.mended(1), "192.0.2.1 had been removed");
        assert!(reaches(host, "192.0.2.1"));
        router.namespace().ip([format!("addr del 2001:db8:1::1/128 dev vr6-{:x}-10", base.0)]).unwrap();
        let what = driven.mended(2);
        assert!(what.contains("2001:db8:1::1"), "{what}");
        assert!(reaches(host, "2001:db8:1::1"));
        driven.shutdown();
    });
}

#[test]
fn a_deleted_macvlan_is_made_again() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = binding(base, 20, &["192.0.2.20"]);
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        driven.program(2, Some(closed.clone())).unwrap();
        for (seat, vrid) in [(1, 10), (2, 20)] {
            let name = format!("vr4-{:x}-{vrid}", base.0);
            router.namespace().ip([format!("link del {name}")]).unwrap();
            assert_eq!(driven.mended(seat), format!("{name} had been deleted"));
        }
        assert!(reaches(host, "192.0.2.1"));
        assert!(!reaches(host, "192.0.2.20"));
        driven.program(2, Some(open(&closed))).unwrap();
        assert!(reaches(host, "192.0.2.20"));
        driven.shutdown();
    });
}

#[test]
fn a_macvlan_that_was_set_down_is_set_up() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        driven.program(2, Some(open(&binding(base, 10, &["fe80::5e00:2:a", "2001:db8:1::1"])))).unwrap();
        for (seat, name) in [(1, format!("vr4-{:x}-10", base.0)), (2, format!("vr6-{:x}-10", base.0))] {
            router.namespace().ip([format!("link set {name} down")]).unwrap();
            assert_eq!(driven.mended(seat), format!("{name} had been set down"));
        }
        for address in ["192.0.2.1", "fe80::5e00:2:a", "2001:db8:1::1"] {
            assert!(reaches(host, address), "{address}");
        }
        driven.shutdown();
    });
}

#[test]
fn a_renamed_macvlan_goes_on_working() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = binding(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        router.namespace().ip([format!("link set vr4-{:x}-10 name other", base.0)]).unwrap();
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(forwards(lab, virtual_mac(Family::V4, 10), Family::V4));
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
        assert!(!router.namespace().query("ip", &["link"]).unwrap().contains("other"));
    });
}

#[test]
fn forwarding_written_for_all_devices_opens_no_gate() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mac = virtual_mac(Family::V4, 10);
        router.namespace().set("ipv4/conf/all/forwarding", "0").unwrap();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = binding(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        router.namespace().set("ipv4/conf/all/forwarding", "1").unwrap();
        let name = format!("vr4-{:x}-10", base.0);
        assert_eq!(driven.mended(1), format!("{name} had been opened"));
        assert!(!forwards(lab, mac, Family::V4));
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(forwards(lab, mac, Family::V4));
        router.namespace().set("ipv4/conf/all/forwarding", "0").unwrap();
        assert_eq!(driven.mended(1), format!("{name} had been closed"));
        driven.shutdown();
    });
}

#[test]
fn ipv6_switched_on_for_all_devices_opens_no_gate() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mac = virtual_mac(Family::V6, 10);
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = binding(base, 10, &["fe80::5e00:2:a"]);
        driven.program(1, Some(closed.clone())).unwrap();
        // Writing the value that is there already reaches all devices, too.
        router.namespace().set("ipv6/conf/all/disable_ipv6", "0").unwrap();
        let name = format!("vr6-{:x}-10", base.0);
        assert_eq!(driven.mended(1), format!("{name} had been opened"));
        assert!(!forwards(lab, mac, Family::V6));
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(forwards(lab, mac, Family::V6));
        driven.shutdown();
    });
}

#[test]
fn the_mtu_follows_the_interface_up() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(binding(base, 10, &["192.0.2.1"]))).unwrap();
        router.namespace().ip([format!("link set {BASE} mtu 1400")]).unwrap();
        driven.link(BASE, |state| state.mtu == 1400);
        router.namespace().ip([format!("link set {BASE} mtu 1500")]).unwrap();
        assert_eq!(driven.mended(1), "MTU raised to 1500");
        let name = format!("vr4-{:x}-10", base.0);
        let link = router.namespace().query("ip", &["link", "show", &name]).unwrap();
        assert!(link.contains("mtu 1500"), "{link}");
        driven.shutdown();
    });
}

#[test]
fn opening_and_closing_fast_is_not_taken_for_interference() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        for (seat, addresses) in [(1, ["192.0.2.1"].as_slice()), (2, &["fe80::5e00:2:a", "2001:db8:1::1"])] {
            let closed = binding(base, 10, addresses);
            for _ in 0..50 {
                driven.program(seat, Some(open(&closed))).unwrap();
                driven.program(seat, Some(closed.clone())).unwrap();
            }
            driven.program(seat, Some(open(&closed))).unwrap();
        }
        // What the kernel said until here has been looked at when this is reported.
        router.namespace().ip([format!("link set {BASE} mtu 1400")]).unwrap();
        driven.link(BASE, |state| state.mtu == 1400);
        assert_eq!(driven.mendings(), Vec::<String>::new());
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
    });
}
