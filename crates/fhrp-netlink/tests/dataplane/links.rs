//! What the engine is told of interfaces.

use std::net::Ipv4Addr;

use fhrp::driver::BackendEvent;
use fhrp::{IfIndex, LinkEvent};

use crate::support::{BASE, Driven, binding, in_router, inventory, open, reaches};

fn gone(driven: &mut Driven, index: IfIndex) {
    driven.wait_for("report that a link is gone", |event| match event {
        BackendEvent::Link(LinkEvent::Gone(which)) => (*which == index).then_some(()),
        BackendEvent::Link(LinkEvent::Present(_))
        | BackendEvent::Programmed { .. }
        | BackendEvent::Mended { .. } => None,
    });
}

#[test]
fn an_interface_is_told_whole_and_each_change_of_it() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let mut driven = Driven::start(router);
        let state = driven.link(BASE, |_| true);
        assert_eq!(state.mac, lab.router(1).unwrap().lan_mac(0));
        assert_eq!(state.ipv4, [Ipv4Addr::new(192, 0, 2, 11)]);
        assert_eq!(state.link_local(), Some(router.link_local()));
        assert!(state.up);
        router.namespace().ip([format!("link set {BASE} down")]).unwrap();
        driven.link(BASE, |state| !state.up);
        router.namespace().ip([format!("link set {BASE} up")]).unwrap();
        driven.link(BASE, |state| state.up);
        lab.switch().ip(["link set r1-lan0 down"]).unwrap();
        driven.link(BASE, |state| !state.up);
        lab.switch().ip(["link set r1-lan0 up"]).unwrap();
        driven.link(BASE, |state| state.up);
        router.namespace().ip([format!("addr add 192.0.2.77/24 dev {BASE}")]).unwrap();
        driven.link(BASE, |state| state.ipv4 == [Ipv4Addr::new(192, 0, 2, 11), Ipv4Addr::new(192, 0, 2, 77)]);
        router.namespace().ip([format!("addr del 192.0.2.11/24 dev {BASE}")]).unwrap();
        driven.link(BASE, |state| !state.ipv4.contains(&Ipv4Addr::new(192, 0, 2, 11)));
        driven.shutdown();
    });
}

#[test]
fn a_tentative_address_is_told_when_it_is_usable() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let wanted = "2001:db8:1::77".parse().unwrap();
        router.namespace().set(&format!("ipv6/conf/{BASE}/accept_dad"), "1").unwrap();
        router.namespace().set("ipv6/conf/all/accept_dad", "1").unwrap();
        let mut driven = Driven::start(router);
        driven.base();
        router.namespace().ip([format!("addr add 2001:db8:1::77/64 dev {BASE}")]).unwrap();
        driven.link(BASE, |state| state.ipv6.contains(&wanted));
        let flags =
            router.namespace().query("ip", &["-6", "addr", "show", "dev", BASE, "tentative"]).unwrap();
        assert!(!flags.contains("2001:db8:1::77"), "{flags}");
        driven.shutdown();
    });
}

#[test]
fn an_interface_made_anew_is_another_one() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        driven.base();
        router.namespace().ip(["link add x1 type veth peer name x2"]).unwrap();
        let first = driven.link("x1", |_| true).index;
        let mut wanted = open(&binding(first, 10, &["203.0.113.1"]));
        driven.program(1, Some(wanted.clone())).unwrap();
        router.namespace().ip(["link del x1"]).unwrap();
        gone(&mut driven, first);
        router.namespace().ip(["link add x1 type veth peer name x2"]).unwrap();
        let second = driven.link("x1", |state| state.index != first).index;
        wanted.interface = second;
        driven.program(1, Some(wanted)).unwrap();
        let held = router
            .namespace()
            .query("ip", &["addr", "show", "dev", &format!("vr4-{:x}-10", second.0)])
            .unwrap();
        assert!(held.contains("203.0.113.1/32"), "{held}");
        assert_eq!(driven.mendings(), Vec::<String>::new());
        driven.shutdown();
    });
}

#[test]
fn a_renamed_interface_keeps_its_groups() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let before = inventory(router);
        let mut driven = Driven::start(router);
        let base = driven.base();
        let closed = binding(base, 10, &["192.0.2.1"]);
        driven.program(1, Some(closed.clone())).unwrap();
        router.namespace().ip([format!("link set {BASE} name lan9")]).unwrap();
        assert_eq!(driven.link("lan9", |_| true).index, base);
        driven.program(1, Some(open(&closed))).unwrap();
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        driven.shutdown();
        router.namespace().ip([format!("link set lan9 name {BASE}")]).unwrap();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn our_own_addresses_and_macvlans_are_not_told() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        let mut plain = open(&binding(base, 20, &["192.0.2.2"]));
        plain.mac = None;
        driven.program(2, Some(plain)).unwrap();
        router.namespace().ip([format!("addr add 192.0.2.77/24 dev {BASE}")]).unwrap();
        let state = driven.link(BASE, |state| state.ipv4.len() > 1);
        assert_eq!(state.ipv4, [Ipv4Addr::new(192, 0, 2, 11), Ipv4Addr::new(192, 0, 2, 77)]);
        let told = driven.names_told();
        assert!(!told.iter().any(|name| name.starts_with("vr")), "{told:?}");
        driven.shutdown();
    });
}

#[test]
fn a_flood_of_reports_is_survived() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        // Faster than they can be read: the monitor's buffer runs over.
        let lines: Vec<_> =
            (0..20_000).map(|number| format!("link set {BASE} alias number{number}")).collect();
        router.namespace().ip(&lines).unwrap();
        router.namespace().ip([format!("addr del 192.0.2.1/32 dev vr4-{:x}-10", base.0)]).unwrap();
        assert_eq!(driven.mended(1), "192.0.2.1 had been removed");
        driven.shutdown();
    });
}
