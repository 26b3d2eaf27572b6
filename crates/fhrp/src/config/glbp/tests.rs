use super::*;
use crate::TrackName;

fn settings() -> GlbpSettings {
    GlbpSettings::new(InterfaceName::new("eth0"), 10, vec!["192.0.2.1".parse().unwrap()])
}

fn refused(change: impl FnOnce(&mut GlbpSettings)) -> (ConfigField, String) {
    let mut settings = settings();
    change(&mut settings);
    let error = GlbpConfig::new(settings).unwrap_err();
    (error.field, error.to_string())
}

fn field(change: impl FnOnce(&mut GlbpSettings)) -> ConfigField {
    refused(change).0
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn defaults_are_those_of_real_routers() {
    let config = GlbpConfig::new(settings()).unwrap();
    let timers = config.timers();
    assert_eq!((timers.hello().get(), timers.hold().get()), (3000, 10_000));
    assert_eq!((timers.redirect().get(), timers.timeout().get()), (600, 14_400));
    assert_eq!(config.thresholds(), Thresholds { maximum: 100, lower: 1, upper: 100 });
    let settings = config.settings();
    assert_eq!(
        (settings.priority, settings.preempt, settings.load_balancing),
        (100, false, LoadBalancing::RoundRobin)
    );
    assert_eq!((settings.forwarder_preempt, settings.forwarder_preempt_delay), (true, secs(30)));
    assert_eq!(config.id().to_string(), "glbp eth0 ipv4 10");
    assert_eq!((&**config.name(), config.warnings().len()), ("glbp-eth0-10", 0));
}

#[test]
fn groups_and_families() {
    let (at, text) = refused(|settings| settings.group = 1024);
    assert_eq!(
        (at, text.as_str()),
        (ConfigField::Group, "group 1024 does not exist; choose a group from 0 to 1023")
    );
    for group in [0, 1023] {
        assert!(GlbpConfig::new(GlbpSettings { group, ..settings() }).is_ok());
    }
    assert_eq!(field(|settings| settings.addresses.clear()), ConfigField::Family);
    assert_eq!(field(|settings| settings.family = Some(Family::V6)), ConfigField::Family);
    let learns = GlbpSettings { addresses: vec![], family: Some(Family::V4), ..settings() };
    assert!(GlbpConfig::new(learns).unwrap().addresses().is_empty());
}

/// Group 46: captured.
#[test]
fn an_ipv6_list_is_led_by_the_link_local_of_the_group() {
    let global = GlbpSettings { group: 46, addresses: vec!["2001:db8::1".parse().unwrap()], ..settings() };
    let config = GlbpConfig::new(global).unwrap();
    let link_local = "fe80::7:b4ff:fe00:2e00".parse().unwrap();
    assert_eq!(config.addresses().first(), Some(&link_local));
    assert_eq!(config.added_link_local(), Some(link_local));
}

#[test]
fn thresholds_have_an_order() {
    let with = |maximum, lower, upper| {
        GlbpConfig::new(GlbpSettings {
            weighting: maximum,
            weighting_lower: lower,
            weighting_upper: upper,
            ..settings()
        })
        .map(|config| config.thresholds())
        .map_err(|error| error.field)
    };
    assert_eq!(with(110, Some(95), Some(105)), Ok(Thresholds { maximum: 110, lower: 95, upper: 105 }));
    assert_eq!(with(1, None, None), Ok(Thresholds { maximum: 1, lower: 0, upper: 1 }));
    assert_eq!(with(100, Some(80), Some(80)), Ok(Thresholds { maximum: 100, lower: 80, upper: 80 }));
    assert_eq!(with(0, None, None), Err(ConfigField::Weighting));
    assert_eq!(with(255, None, None), Err(ConfigField::Weighting));
    assert_eq!(with(100, Some(100), None), Err(ConfigField::WeightingLower));
    assert_eq!(with(100, Some(80), Some(79)), Err(ConfigField::WeightingUpper));
    assert_eq!(with(100, Some(80), Some(101)), Err(ConfigField::WeightingUpper));
}

#[test]
fn times_have_ranges_and_an_order() {
    assert_eq!(field(|s| s.hello_time = Duration::from_millis(49)), ConfigField::HelloTime);
    assert_eq!(field(|s| s.hello_time = secs(61)), ConfigField::HelloTime);
    assert_eq!(field(|s| s.hello_time = Duration::from_micros(60_500)), ConfigField::HelloTime);
    assert_eq!(field(|s| s.hold_time = secs(3)), ConfigField::HoldTime);
    assert_eq!(field(|s| s.hold_time = secs(181)), ConfigField::HoldTime);
    assert_eq!(field(|s| s.redirect = secs(3601)), ConfigField::Redirect);
    assert_eq!(field(|s| s.redirect = Duration::from_millis(600_500)), ConfigField::Redirect);
    assert_eq!(field(|s| s.timeout = secs(600)), ConfigField::Timeout);
    assert_eq!(field(|s| s.timeout = secs(64_801)), ConfigField::Timeout);
    assert_eq!(field(|s| s.priority = 0), ConfigField::Priority);
    assert_eq!(field(|s| s.preempt_delay = secs(1)), ConfigField::PreemptDelay);
    assert_eq!(field(|s| s.forwarder_preempt_delay = secs(3601)), ConfigField::ForwarderPreemptDelay);
}

#[test]
fn decrements_have_a_range() {
    let track = |effect| vec![Track { name: TrackName::new("uplink"), effect }];
    for bad in [0, 255] {
        let bad = track(TrackEffect::Decrement(bad));
        assert_eq!(field(|s| s.track = bad), ConfigField::Track(Some(0)));
    }
    for good in [1, 254] {
        let good = GlbpSettings { track: track(TrackEffect::Decrement(good)), ..settings() };
        assert!(GlbpConfig::new(good).is_ok());
    }
}

#[test]
fn client_caches_have_bounds() {
    let cache = |maximum, minutes: u64| Some(ClientCache { maximum, timeout: Some(secs(minutes * 60)) });
    for bad in [cache(7, 1), cache(2001, 1), cache(8, 0), cache(8, 1441)] {
        assert_eq!(field(|s| s.client_cache = bad), ConfigField::ClientCache);
    }
    let large = GlbpSettings { client_cache: cache(2000, 1440), ..settings() };
    assert_eq!(GlbpConfig::new(large).unwrap().warnings().len(), 1);
}

/// The ends of every range of a real router's configuration are values that it takes.
#[test]
fn ranges_include_their_ends() {
    let millis = Duration::from_millis;
    let md5 = |octets| GlbpAuthentication::Md5(KeyBytes::new(vec![b'k'; octets]).unwrap());
    let cases = [
        GlbpSettings { hello_time: millis(50), ..settings() },
        GlbpSettings { hello_time: secs(60), hold_time: secs(180), ..settings() },
        GlbpSettings { hello_time: millis(50), hold_time: millis(70), ..settings() },
        GlbpSettings { hold_time: millis(3001), ..settings() },
        GlbpSettings { redirect: secs(0), timeout: secs(1), ..settings() },
        GlbpSettings { redirect: secs(3600), timeout: secs(3601), ..settings() },
        GlbpSettings { timeout: secs(64_800), ..settings() },
        GlbpSettings { priority: 1, weighting: 254, ..settings() },
        GlbpSettings { priority: 255, weighting: 1, ..settings() },
        GlbpSettings { preempt: true, preempt_delay: secs(3600), ..settings() },
        GlbpSettings { forwarder_preempt_delay: secs(3600), ..settings() },
        GlbpSettings {
            client_cache: Some(ClientCache { maximum: 8, timeout: Some(secs(60)) }),
            ..settings()
        },
        GlbpSettings { client_cache: Some(ClientCache { maximum: 2000, timeout: None }), ..settings() },
        GlbpSettings { authentication: md5(100), ..settings() },
    ];
    for case in cases {
        assert_eq!(GlbpConfig::new(case.clone()).map_err(|error| error.to_string()).err(), None, "{case:?}");
    }
    assert_eq!(field(|s| s.hold_time = millis(69)), ConfigField::HoldTime);
    assert_eq!(field(|s| s.authentication = md5(101)), ConfigField::Key);
    assert_eq!(field(|s| (s.preempt, s.preempt_delay) = (true, secs(3601))), ConfigField::PreemptDelay);
}

#[test]
fn an_operator_is_warned_of_what_works_badly() {
    let warnings = |settings| GlbpConfig::new(settings).unwrap().warnings();
    let cache = |maximum| Some(ClientCache { maximum, timeout: None });
    for fine in [
        GlbpSettings { hello_time: secs(3), hold_time: secs(9), ..settings() },
        GlbpSettings { redirect: secs(600), timeout: secs(1200), ..settings() },
        GlbpSettings { client_cache: cache(1000), ..settings() },
    ] {
        assert_eq!(warnings(fine), [""; 0]);
    }
    for (word, bad) in [
        ("hold_time", GlbpSettings { hold_time: secs(8), ..settings() }),
        ("timeout", GlbpSettings { redirect: secs(600), timeout: secs(1199), ..settings() }),
        ("client_cache", GlbpSettings { client_cache: cache(1001), ..settings() }),
    ] {
        let found = warnings(bad);
        assert!(matches!(found.as_slice(), [one] if one.contains(word)), "{word}: {found:?}");
    }
}
