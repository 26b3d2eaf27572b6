//! Open and closed, seen from a host.

use crate::support::{BASE, Driven, binding, in_router, neighbor, open, reaches};

#[test]
fn ipv4_is_held_with_the_virtual_mac_while_open() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let before = router.namespace().inventory().unwrap();
        let mut driven = Driven::start("v4");
        let closed = binding(driven.base(), 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        assert!(!reaches(host, "192.0.2.1"));
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(reaches(host, "192.0.2.1"));
        assert!(neighbor(host, "192.0.2.1").contains("00:00:5e:00:01:0a"), "{}", neighbor(host, "192.0.2.1"));
        driven.program(1, Some(closed)).unwrap();
        assert!(!reaches(host, "192.0.2.1"));
        driven.shutdown();
        assert_eq!(router.namespace().inventory().unwrap(), before);
    });
}

#[test]
fn ipv6_is_held_with_the_virtual_mac_while_open() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        let before = router.namespace().inventory().unwrap();
        let mut driven = Driven::start("v6");
        let closed = binding(driven.base(), 10, &["fe80::5e00:2:a", "2001:db8:1::1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        assert!(!reaches(host, "2001:db8:1::1"));
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(reaches(host, "2001:db8:1::1"));
        assert!(neighbor(host, "2001:db8:1::1").contains("00:00:5e:00:02:0a"));
        assert!(reaches(host, &format!("fe80::5e00:2:a%{BASE}")));
        driven.program(1, Some(closed)).unwrap();
        assert!(!reaches(host, "2001:db8:1::1"));
        driven.shutdown();
        assert_eq!(router.namespace().inventory().unwrap(), before);
    });
}
