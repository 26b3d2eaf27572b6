//! What remains of a backend that ended without saying good-bye, and what becomes of it.

use fhrp::Binding;
use fhrp_lab::Node;
use fhrp_netlink::{NetlinkBackend, NetlinkError, NetlinkOptions, cleanup};

use crate::support::{BASE, Driven, binding, in_router, inventory, open, reaches, state_dir};

/// Groups of every kind, open; then the backend is gone without a word.
fn crash(router: &Node) {
    let mut driven = Driven::start(router);
    let base = driven.base();
    driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
    driven.program(2, Some(open(&binding(base, 10, &["fe80::5e00:2:a", "2001:db8:1::1"])))).unwrap();
    let plain = Binding { mac: None, ..binding(base, 20, &["192.0.2.2"]) };
    driven.program(3, Some(open(&plain))).unwrap();
    let mut deny = binding(base, 30, &["192.0.2.3"]);
    deny.acceptance = fhrp::Acceptance::Deny;
    driven.program(4, Some(open(&deny))).unwrap();
}

#[test]
fn leftovers_answer_until_the_next_start_and_then_no_more() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        crash(router);
        let held = ["192.0.2.1", "fe80::5e00:2:a", "2001:db8:1::1", "192.0.2.2"];
        for address in held {
            assert!(reaches(host, address), "{address}");
        }
        let driven = Driven::start(router);
        for address in held {
            assert!(!reaches(host, address), "{address}");
        }
        driven.shutdown();
    });
}

#[test]
fn what_is_wanted_again_is_adopted_and_the_rest_goes() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let before = inventory(router);
        crash(router);
        let links = || router.namespace().query("ip", &["-brief", "link"]).unwrap();
        let mut driven = Driven::start(router);
        let base = driven.base();
        let name = format!("vr4-{:x}-10", base.0);
        let index = || router.namespace().query("ip", &["-o", "link", "show", &name]).unwrap();
        let index = || index().split(':').next().unwrap().to_owned();
        let old = index();
        driven.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
        assert_eq!(index(), old);
        assert!(reaches(lab.host(1).unwrap().namespace(), "192.0.2.1"));
        while links().contains("vr6-") || links().contains("-30@") {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn settings_are_restored_to_what_they_were_before_the_crash() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let setting = |name: &str| router.namespace().setting(&format!("ipv4/conf/{BASE}/{name}")).unwrap();
        router.namespace().set(&format!("ipv4/conf/{BASE}/arp_announce"), "1").unwrap();
        crash(router);
        assert_eq!((setting("arp_ignore"), setting("arp_announce")), ("1".to_owned(), "2".to_owned()));
        let mut driven = Driven::start(router);
        let base = driven.base();
        driven.program(1, Some(binding(base, 10, &["192.0.2.1"]))).unwrap();
        assert_eq!((setting("arp_ignore"), setting("arp_announce")), ("1".to_owned(), "2".to_owned()));
        driven.shutdown();
        assert_eq!((setting("arp_ignore"), setting("arp_announce")), ("0".to_owned(), "1".to_owned()));
    });
}

#[test]
fn cleanup_removes_exactly_what_is_ours() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let other = NetlinkOptions { state_dir: router.work_dir().join("other"), realtime_priority: None };
        let mut neighbour = Driven::with_options(&other);
        let base = neighbour.base();
        neighbour.program(1, Some(open(&binding(base, 40, &["192.0.2.4"])))).unwrap();
        let plain = Binding { mac: None, ..binding(base, 50, &["192.0.2.5"]) };
        neighbour.program(2, Some(open(&plain))).unwrap();
        router.namespace().ip([format!("link add mv0 link {BASE} type macvlan mode bridge")]).unwrap();
        let before = inventory(router);
        crash(router);
        let removed = cleanup(&state_dir(router)).unwrap();
        assert_eq!(inventory(router), before, "{removed:#?}");
        assert!(removed.iter().any(|what| what.contains("192.0.2.2/32")), "{removed:#?}");
        assert!(removed.iter().any(|what| what.starts_with("macvlan vr6-")), "{removed:#?}");
        assert_eq!(cleanup(&state_dir(router)).unwrap(), Vec::<String>::new());
        assert_eq!(neighbour.mendings(), Vec::<String>::new());
        neighbour.shutdown();
    });
}

#[test]
fn a_state_directory_serves_one_backend_at_a_time() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let driven = Driven::start(router);
        let options = NetlinkOptions { state_dir: state_dir(router), realtime_priority: None };
        assert!(matches!(NetlinkBackend::new(&options), Err(NetlinkError::InUse { .. })));
        assert!(matches!(cleanup(&options.state_dir), Err(NetlinkError::InUse { .. })));
        driven.shutdown();
        cleanup(&options.state_dir).unwrap();
    });
}
