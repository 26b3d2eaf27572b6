//! What remains of a backend that ended without saying good-bye, and what becomes of it.

use fhrp::{Binding, Family};
use fhrp_lab::Node;
use fhrp_netlink::{NetlinkBackend, NetlinkError, NetlinkOptions, cleanup};

use crate::support::{
    BASE, Driven, binding, forwarder, forwarder_mac, forwards, hsrp, in_router, inventory, open, reaches,
    reaches_by, state_dir,
};

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
    let chosen = hsrp(base, 5, CHOSEN_MAC, &["192.0.2.5"]);
    driven.program(5, Some(open(&chosen))).unwrap();
    let addresses = ["fe80::5:73ff:fea0:10", "2001:db8:1::5"];
    driven.program(6, Some(open(&hsrp(base, 16, "00:05:73:a0:00:10", &addresses)))).unwrap();
    for number in [1, 2] {
        driven.program(6 + u32::from(number), Some(open(&forwarder(base, number, &["192.0.2.6"])))).unwrap();
    }
}

const CHOSEN_MAC: &str = "02:00:00:00:be:ef";

#[test]
fn leftovers_answer_until_the_next_start_and_then_no_more() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let host = lab.host(1).unwrap().namespace();
        crash(router);
        let held = [
            "192.0.2.1",
            "fe80::5e00:2:a",
            "2001:db8:1::1",
            "192.0.2.2",
            "192.0.2.5",
            "fe80::5:73ff:fea0:10",
            "2001:db8:1::5",
        ];
        let forwarders = [1, 2].map(forwarder_mac);
        for address in held {
            assert!(reaches(host, address), "{address}");
        }
        for mac in forwarders {
            assert!(reaches_by(host, "192.0.2.6", mac), "{mac}");
        }
        let mut driven = Driven::start(router);
        for address in held {
            assert!(!reaches(host, address), "{address}");
        }
        for mac in forwarders.into_iter().chain([CHOSEN_MAC.parse().unwrap()]) {
            assert!(!reaches_by(host, "192.0.2.6", mac), "{mac}");
            assert!(!forwards(lab, mac, Family::V4), "{mac}");
        }
        driven.base();
        let told = driven.names_told();
        assert!(!told.iter().any(|name| name.contains('-')), "{told:?}");
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
        let index = |name: &str| {
            let shown = router.namespace().query("ip", &["-o", "link", "show", name]).unwrap();
            shown.split(':').next().unwrap().to_owned()
        };
        let again = [
            ("vr4", "10", binding(base, 10, &["192.0.2.1"])),
            ("hs4", "5", hsrp(base, 5, CHOSEN_MAC, &["192.0.2.5"])),
            ("gl4", "10-1", forwarder(base, 1, &["192.0.2.6"])),
        ];
        let again = again.map(|(kind, number, wanted)| (format!("{kind}-{:x}-{number}", base.0), wanted));
        let old = again.each_ref().map(|(name, _)| index(name));
        for (seat, (name, wanted)) in (1..).zip(&again) {
            driven.program(seat, Some(open(wanted))).unwrap();
            let host = lab.host(1).unwrap().namespace();
            assert!(reaches_by(host, &wanted.addresses[0].to_string(), wanted.mac.unwrap()), "{name}");
        }
        assert_eq!(again.each_ref().map(|(name, _)| index(name)), old);
        let superfluous = ["vr6-", "-30@", "hs6-", "-10-2@"];
        while superfluous.iter().any(|name| links().contains(name)) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        driven.shutdown();
        assert_eq!(inventory(router), before);
    });
}

#[test]
fn a_macvlan_from_between_making_and_marking_is_recognised_by_its_name() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let base = Driven::start(router).base();
        let [ours, set_up, other] =
            ["hs4-{}-77", "hs4-{}-78", "hs4-9{}-79"].map(|name| name.replace("{}", &format!("{:x}", base.0)));
        for (name, mac) in
            [(&ours, "02:00:00:00:00:77"), (&set_up, "02:00:00:00:00:78"), (&other, "02:00:00:00:00:79")]
        {
            router
                .namespace()
                .ip([format!("link add {name} link {BASE} address {mac} type macvlan mode bridge")])
                .unwrap();
        }
        router.namespace().ip([format!("link set {set_up} up")]).unwrap();
        let mut driven = Driven::start(router);
        driven.link(&set_up, |_| true);
        driven.link(&other, |_| true);
        assert!(!driven.names_told().contains(&ours));
        let links = || router.namespace().query("ip", &["-brief", "link"]).unwrap();
        while links().contains(&ours) {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(links().contains(&set_up) && links().contains(&other), "{}", links());
        driven.shutdown();
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
fn what_was_left_in_one_namespace_is_not_forgotten_in_another() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |lab, router| {
        let (before, host) = (inventory(router), lab.host(1).unwrap().namespace());
        crash(router);
        let left = inventory(router);
        let elsewhere = || host.run(|| cleanup(&state_dir(router))).unwrap();
        assert!(matches!(elsewhere(), Err(NetlinkError::OtherNamespace { .. })));
        host.run(|| {
            let mut misplaced = Driven::start(router);
            let base = misplaced.base();
            misplaced.program(1, Some(open(&binding(base, 10, &["192.0.2.1"])))).unwrap();
            assert_eq!(host.setting(&format!("ipv4/conf/{BASE}/arp_announce")).unwrap(), "2");
            misplaced.shutdown();
            assert_eq!(host.setting(&format!("ipv4/conf/{BASE}/arp_announce")).unwrap(), "0");
        })
        .unwrap();
        assert!(matches!(elsewhere(), Err(NetlinkError::OtherNamespace { .. })));
        assert_eq!(inventory(router), left);
        cleanup(&state_dir(router)).unwrap();
        assert_eq!(inventory(router), before);
        assert_eq!(elsewhere().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn cleanup_makes_no_state_directory() {
    let Some(world) = fhrp_lab::world!() else { return };
    in_router(world, |_, router| {
        let path = router.work_dir().join("typo");
        assert!(matches!(cleanup(&path), Err(NetlinkError::NoStateDir { .. })));
        assert!(!path.exists());
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
