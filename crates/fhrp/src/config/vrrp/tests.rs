use super::*;

fn settings(addresses: &[&str]) -> VrrpSettings {
    let addresses = addresses.iter().map(|a| a.parse().unwrap()).collect();
    VrrpSettings::new(InterfaceName::new("eth0"), 10, addresses)
}

fn field_at_fault(change: impl FnOnce(&mut VrrpSettings)) -> ConfigField {
    let mut settings = settings(&["192.0.2.1"]);
    change(&mut settings);
    VrrpConfig::new(settings).unwrap_err().field
}

#[test]
fn defaults_are_those_of_rfc9568_6_1() {
    let config = VrrpConfig::new(settings(&["192.0.2.1"])).unwrap();
    assert_eq!(config.settings().priority, 100);
    assert_eq!(config.settings().advertisement_interval, Duration::from_secs(1));
    assert!(config.settings().preempt && !config.settings().accept_mode);
    assert_eq!(config.virtual_mac().unwrap().to_string(), "00:00:5e:00:01:0a");
}

#[test]
fn rfc9568_5_2_9_link_local_leads() {
    let config = VrrpConfig::new(settings(&["2001:db8::1"])).unwrap();
    let made: IpAddr = "fe80::5e00:2:a".parse().unwrap();
    assert_eq!(&config.addresses()[..], [made, "2001:db8::1".parse().unwrap()]);
    assert_eq!(config.added_link_local(), Some(made));
    let led = VrrpConfig::new(settings(&["fe80::1", "2001:db8::1"])).unwrap();
    assert_eq!((led.addresses().len(), led.added_link_local()), (2, None));
}

#[test]
fn with_peers_the_virtual_mac_is_announced_again_and_again() {
    let refresh = |change: fn(&mut VrrpSettings)| {
        let mut settings = settings(&["192.0.2.1"]);
        change(&mut settings);
        VrrpConfig::new(settings).unwrap().settings().announce.refresh
    };
    let peer = |s: &mut VrrpSettings| s.unicast_peers = vec!["192.0.2.3".parse().unwrap()];
    assert_eq!(refresh(|_| ()), None);
    assert_eq!(refresh(peer), Some(Duration::from_secs(10)));
    let own_mac = |s: &mut VrrpSettings| {
        s.unicast_peers = vec!["192.0.2.3".parse().unwrap()];
        s.virtual_mac = false;
    };
    assert_eq!(refresh(own_mac), None, "switches know the interface's own");
    let chosen = |s: &mut VrrpSettings| {
        s.unicast_peers = vec!["192.0.2.3".parse().unwrap()];
        s.announce.refresh = Some(Duration::from_secs(60));
    };
    assert_eq!(refresh(chosen), Some(Duration::from_secs(60)));
}

#[test]
fn each_rule_names_its_setting() {
    assert_eq!(field_at_fault(|s| s.vrid = 0), ConfigField::Vrid);
    assert_eq!(field_at_fault(|s| s.version = 4), ConfigField::Version);
    assert_eq!(field_at_fault(|s| s.priority = 0), ConfigField::Priority);
    assert_eq!(field_at_fault(|s| s.addresses.clear()), ConfigField::Addresses(None));
    assert_eq!(field_at_fault(|s| s.addresses.push("::1".parse().unwrap())), ConfigField::Addresses(Some(1)));
    assert_eq!(field_at_fault(|s| s.addresses.push(s.addresses[0])), ConfigField::Addresses(Some(1)));
    assert_eq!(
        field_at_fault(|s| s.addresses[0] = "224.0.0.18".parse().unwrap()),
        ConfigField::Addresses(Some(0))
    );
    let interval = ConfigField::AdvertisementInterval;
    assert_eq!(field_at_fault(|s| s.advertisement_interval = Duration::from_millis(15)), interval);
    assert_eq!(field_at_fault(|s| s.advertisement_interval = Duration::from_secs(41)), interval);
    let sub_second_v2 = |s: &mut VrrpSettings| {
        s.version = 2;
        s.advertisement_interval = Duration::from_millis(500);
    };
    assert_eq!(field_at_fault(sub_second_v2), interval);
    assert_eq!(field_at_fault(|s| s.preempt_delay = Duration::from_secs(3601)), ConfigField::PreemptDelay);
    let delay_without_preemption = |s: &mut VrrpSettings| {
        s.preempt = false;
        s.preempt_delay = Duration::from_secs(1);
    };
    assert_eq!(field_at_fault(delay_without_preemption), ConfigField::PreemptDelay);
    assert_eq!(
        field_at_fault(|s| s.unicast_peers = vec!["::2".parse().unwrap()]),
        ConfigField::UnicastPeers(Some(0))
    );
    assert_eq!(
        field_at_fault(|s| s.router_advertisement = Some(RouterAdvertisement::default())),
        ConfigField::RouterAdvertisement
    );
    assert_eq!(field_at_fault(|s| (s.version, s.accept_mode) = (2, true)), ConfigField::AcceptMode);
    assert_eq!(
        field_at_fault(|s| (s.version, s.checksum) = (2, ChecksumPolicy::Rfc5798)),
        ConfigField::Checksum
    );
    assert_eq!(field_at_fault(|s| (s.version, s.coexist_with_v2) = (2, true)), ConfigField::CoexistWithV2);
}

fn accepted(change: impl FnOnce(&mut VrrpSettings)) -> VrrpConfig {
    let mut settings = settings(&["192.0.2.1"]);
    change(&mut settings);
    VrrpConfig::new(settings).unwrap()
}

fn hosts(count: u8) -> Vec<IpAddr> {
    (1..=count).map(|host| IpAddr::from([192, 0, 2, host])).collect()
}

#[test]
fn ranges_include_their_ends() {
    // RFC 9568 §5.2.4, §5.2.7: priority 1 to 255, intervals of 12 bits; RFC 3768 §5.3.7: of 8 bits.
    for priority in [1, 254, 255] {
        accepted(|s| s.priority = priority);
    }
    for millis in [10, 40_950] {
        accepted(|s| s.advertisement_interval = Duration::from_millis(millis));
    }
    for seconds in [1, 255] {
        accepted(|s| (s.version, s.advertisement_interval) = (2, Duration::from_secs(seconds)));
    }
    accepted(|s| s.preempt_delay = Duration::from_secs(3600));
    accepted(|s| s.announce.refresh = Some(Duration::from_secs(1)));
    let too_often = |s: &mut VrrpSettings| s.announce.refresh = Some(Duration::from_millis(999));
    assert_eq!(field_at_fault(too_often), ConfigField::Announce);
    accepted(|s| s.addresses = hosts(254));
    assert_eq!(field_at_fault(|s| s.addresses = hosts(255)), ConfigField::Addresses(None));
    accepted(|s| s.unicast_peers = hosts(64));
    assert_eq!(field_at_fault(|s| s.unicast_peers = hosts(65)), ConfigField::UnicastPeers(None));
}

#[test]
fn no_host_could_have_these_as_its_gateway() {
    for unfit in ["0.0.0.0", "127.0.0.1", "224.0.0.18", "255.255.255.255"] {
        let unfit: IpAddr = unfit.parse().unwrap();
        assert_eq!(field_at_fault(|s| s.addresses = vec![unfit]), ConfigField::Addresses(Some(0)), "{unfit}");
    }
    for unfit in ["0.0.0.0", "224.0.0.18"] {
        let unfit: IpAddr = unfit.parse().unwrap();
        assert_eq!(
            field_at_fault(|s| s.unicast_peers = vec![unfit]),
            ConfigField::UnicastPeers(Some(0)),
            "{unfit}"
        );
    }
    let twice = |s: &mut VrrpSettings| s.unicast_peers = [hosts(1), hosts(1)].concat();
    assert_eq!(field_at_fault(twice), ConfigField::UnicastPeers(Some(1)));
}

/// RFC 4861 §6.2.1: MaxRtrAdvInterval 4 to 1800 s, AdvDefaultLifetime zero or from that interval to 9000 s; preferred
/// lifetimes do not exceed valid ones.
#[test]
fn rfc4861_6_2_1_router_advertisements() {
    let with = |ra: RouterAdvertisement| {
        let settings = VrrpSettings { router_advertisement: Some(ra), ..settings(&["2001:db8::1"]) };
        VrrpConfig::new(settings).map(|_| ()).map_err(|error| error.field)
    };
    let times = |interval, lifetime| {
        let (interval, lifetime) = (Duration::from_secs(interval), Duration::from_secs(lifetime));
        with(RouterAdvertisement { interval, lifetime, prefixes: vec![] })
    };
    let refused = Err(ConfigField::RouterAdvertisement);
    for (interval, lifetime) in [(4, 4), (1800, 1800), (4, 9000), (200, 0)] {
        assert_eq!(times(interval, lifetime), Ok(()), "{interval} {lifetime}");
    }
    for (interval, lifetime) in [(3, 1800), (1801, 1801), (4, 9001), (200, 199), (200, 1)] {
        assert_eq!(times(interval, lifetime), refused, "{interval} {lifetime}");
    }
    let prefix = |length, valid, preferred| {
        let prefix = crate::Prefix {
            prefix: "2001:db8::".parse().unwrap(),
            length,
            on_link: true,
            autonomous: true,
            valid: Duration::from_secs(valid),
            preferred: Duration::from_secs(preferred),
        };
        with(RouterAdvertisement { prefixes: vec![prefix], ..RouterAdvertisement::default() })
    };
    assert_eq!((prefix(128, 600, 600), prefix(0, 600, 0)), (Ok(()), Ok(())));
    assert_eq!((prefix(129, 600, 600), prefix(64, 600, 601)), (refused, refused));
}

#[test]
fn an_operator_is_warned_of_what_should_not_stay_so() {
    let warnings = |change: fn(&mut VrrpSettings)| accepted(change).warnings();
    assert_eq!(warnings(|s| s.priority = 254), [""; 0]);
    for (word, found) in [
        ("coexist_with_v2", warnings(|s| s.coexist_with_v2 = true)),
        ("priority 255", warnings(|s| s.priority = 255)),
    ] {
        assert!(matches!(found.as_slice(), [one] if one.contains(word)), "{word}: {found:?}");
    }
}
