//! Without a virtual MAC: the addresses stand on the interface itself.

use std::sync::Arc;

use fhrp::{Binding, IfIndex};

use crate::support::{BASE, Driven, Ears, answers, binding, in_router, inventory, open, reaches};

fn plain(base: IfIndex, vrid: u8, addresses: &[&str]) -> Binding {
    Binding { mac: None, ..binding(base, vrid, addresses) }
}

#[test]
fn addresses_are_held_on_the_interface_while_open() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let physical = lab.router(1).unwrap().lan_mac(0);
        let before = inventory(router);
        let mut driven = Driven::start(router);
        let base = driven.base();
        for (seat, addresses) in [(1, ["192.0.2.1", "192.0.2.2"]), (2, ["fe80::5e00:2:a", "2001:db8:1::1"])] {
            let closed = plain(base, 10, &addresses);
            driven.program(seat, Some(closed.clone())).unwrap();
            assert!(!reaches(host, addresses[0]));
            driven.program(seat, Some(open(&closed))).unwrap();
            for address in addresses {
                let ears = Ears::of(host);
                assert!(reaches(host, address), "{address}");
                assert_eq!(answers(&ears.heard(), address), [physical], "{address}");
            }
            driven.program(seat, Some(closed.clone())).unwrap();
            assert!(!reaches(host, addresses[0]));
            driven.program(seat, Some(open(&closed))).unwrap();
        }
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn redirects_are_off_while_a_group_needs_it() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let setting = format!("ipv4/conf/{BASE}/send_redirects");
        router.namespace().set(&setting, "1").unwrap();
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(plain(base, 10, &["192.0.2.1"]))).unwrap();
        driven.program(2, Some(plain(base, 20, &["192.0.2.2"]))).unwrap();
        assert_eq!(router.namespace().setting(&setting).unwrap(), "0");
        driven.program(1, None).unwrap();
        assert_eq!(router.namespace().setting(&setting).unwrap(), "0");
        driven.program(2, None).unwrap();
        assert_eq!(router.namespace().setting(&setting).unwrap(), "1");
        driven.shutdown();
    });
}

#[test]
fn a_deleted_address_is_put_back() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = plain(base, 10, &["192.0.2.1", "192.0.2.2"]);
        driven.program(1, Some(open(&closed))).unwrap();
        router.namespace().ip([format!("addr del 192.0.2.2/32 dev {BASE}")]).unwrap();
        let what = driven.mended(1);
        assert!(what.contains("192.0.2.2"), "{what}");
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.2"));
        // The other one, which was there all the time, is still known to be ours.
        driven.program(1, Some(closed)).unwrap();
        let left = router.namespace().query("ip", &["addr", "show", "dev", BASE]).unwrap();
        assert!(!left.contains("192.0.2.1/32") && !left.contains("192.0.2.2/32"), "{left}");
        driven.shutdown();
    });
}

#[test]
fn an_owned_address_is_left_alone() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let before = router.namespace().query("ip", &["addr", "show", "dev", BASE]).unwrap();
        let mut driven = Driven::start(router);
        let mut closed = plain(driven.base(), 10, &["192.0.2.11"]);
        closed.owned = Arc::clone(&closed.addresses);
        driven.program(1, Some(open(&closed))).unwrap();
        driven.program(1, Some(closed)).unwrap();
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.11"));
        driven.shutdown();
        assert_eq!(router.namespace().query("ip", &["addr", "show", "dev", BASE]).unwrap(), before);
    });
}
