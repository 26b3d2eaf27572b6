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
