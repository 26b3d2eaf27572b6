//! Ranges and defaults: those of Cisco routers.

use std::time::Duration;

use fhrp::{
    ConfigField, Family, HsrpAuthentication, HsrpConfig, HsrpSettings, MacAddr, Track, TrackEffect, TrackName,
};
use fhrp_wire::hsrp::{KeyBytes, TextKey, Variant};

use super::lan::*;

/// The setting that is refused, if any.
fn refused(variant: Variant, change: impl FnOnce(&mut HsrpSettings)) -> Option<ConfigField> {
    let mut settings = settings(variant);
    change(&mut settings);
    HsrpConfig::new(settings).err().map(|error| error.field)
}

#[test]
fn defaults() {
    let settings = HsrpSettings::new(fhrp::InterfaceName::new("eth0"), 0, vec![gateway(Variant::V1)]);
    assert_eq!((settings.version, settings.priority, settings.preempt), (1, 100, false));
    assert_eq!((settings.timers, settings.virtual_mac), (None, true));
    assert_eq!(settings.authentication, HsrpAuthentication::Text(TextKey::new("cisco").unwrap()));
    assert_eq!((settings.preempt_delay_minimum, settings.startup_delay), (secs(0), secs(0)));
    let lan = Lan::with(2, settings);
    assert_eq!((lan.hsrp(0).hello_time, lan.hsrp(0).hold_time), (secs(3), secs(10)));
    assert_eq!(&*lan.hsrp(0).name, "hsrp-eth0-0");
}

#[test]
fn group_numbers() {
    for (variant, last) in [(Variant::V1, 255), (Variant::V2Ipv4, 4_095), (Variant::V2Ipv6, 4_095)] {
        for group in [0, 1, last] {
            assert_eq!(refused(variant, |settings| settings.group = group), None);
        }
        assert_eq!(refused(variant, |settings| settings.group = last + 1), Some(ConfigField::Group));
    }
}

#[test]
fn versions_and_families() {
    for version in [0, 3] {
        assert_eq!(refused(Variant::V1, |settings| settings.version = version), Some(ConfigField::Version));
    }
    assert_eq!(refused(Variant::V2Ipv6, |settings| settings.version = 1), Some(ConfigField::Version));
    assert_eq!(refused(Variant::V1, |settings| settings.addresses.clear()), Some(ConfigField::Family));
    assert_eq!(
        refused(Variant::V1, |settings| settings.family = Some(Family::V6)),
        Some(ConfigField::Family)
    );
}

#[test]
fn priorities() {
    for (priority, field) in [(0, Some(ConfigField::Priority)), (1, None), (255, None)] {
        assert_eq!(refused(Variant::V1, |settings| settings.priority = priority), field);
    }
}

#[test]
fn timers() {
    let (hello, hold) = (Some(ConfigField::HelloTime), Some(ConfigField::HoldTime));
    let timers = |variant, hello, hold| {
        let timers = Some((Duration::from_millis(hello), Duration::from_millis(hold)));
        refused(variant, |settings| settings.timers = timers)
    };
    assert_eq!(timers(Variant::V1, 1_000, 2_000), None);
    assert_eq!(timers(Variant::V1, 254_000, 255_000), None);
    assert_eq!(timers(Variant::V1, 250, 1_000), hello, "version 1 has whole seconds");
    assert_eq!(timers(Variant::V1, 1_000, 1_500), hold);
    assert_eq!(timers(Variant::V1, 3_000, 256_000), hold);
    for variant in [Variant::V2Ipv4, Variant::V2Ipv6] {
        assert_eq!(timers(variant, 15, 50), None);
        assert_eq!(timers(variant, 14, 50), hello);
        assert_eq!(timers(variant, 15, 49), hold);
        assert_eq!(timers(variant, 254_000, 255_000), None);
        assert_eq!(timers(variant, 254_001, 255_000), hello);
        assert_eq!(timers(variant, 3_000, 255_001), hold);
    }
    for variant in VARIANTS {
        assert_eq!(timers(variant, 3_000, 3_000), hold, "hold <= hello");
        assert_eq!(timers(variant, 0, 10_000), hello);
    }
    for (hold, warnings) in [(8, 1), (9, 0)] {
        let lax = HsrpSettings { timers: Some((secs(3), secs(hold))), ..settings(Variant::V1) };
        let found = HsrpConfig::new(lax).unwrap().warnings();
        assert_eq!(found.len(), warnings, "should be three hello times: {found:?}");
        assert!(found.iter().all(|text| text.contains("hold_time")), "{found:?}");
    }
}

#[test]
fn delays() {
    let delay = |seconds, preempt| {
        refused(Variant::V1, |settings| {
            settings.preempt = preempt;
            settings.preempt_delay_reload = secs(seconds);
        })
    };
    assert_eq!((delay(3_600, true), delay(3_601, true)), (None, Some(ConfigField::PreemptDelay)));
    assert_eq!(delay(1, false), Some(ConfigField::PreemptDelay), "no effect");
    let startup = |seconds| refused(Variant::V1, |settings| settings.startup_delay = secs(seconds));
    assert_eq!((startup(10_000), startup(10_001)), (None, Some(ConfigField::StartupDelay)));
}

#[test]
fn keys() {
    let md5 = |octets| {
        let key = KeyBytes::new(vec![b'k'; octets]).unwrap();
        refused(Variant::V1, |settings| settings.authentication = HsrpAuthentication::Md5(key))
    };
    assert_eq!((md5(1), md5(64), md5(65)), (None, None, Some(ConfigField::Key)));
    assert!(TextKey::new("12345678").is_ok() && TextKey::new("123456789").is_err());
}

#[test]
fn macs() {
    let mac = |text: &str, virtual_mac| {
        let mac: MacAddr = text.parse().unwrap();
        refused(Variant::V1, |settings| {
            (settings.mac_address, settings.virtual_mac) = (Some(mac), virtual_mac)
        })
    };
    assert_eq!(mac("02:00:00:00:00:77", true), None);
    assert_eq!(mac("02:00:00:00:00:77", false), Some(ConfigField::MacAddress), "one or the other");
    for no_unicast in ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"] {
        assert_eq!(mac(no_unicast, true), Some(ConfigField::MacAddress));
    }
}

#[test]
fn tracked_objects() {
    let track = |names: &[&str], effect| {
        let one = |name: &&str| Track { name: TrackName::new(name), effect };
        refused(Variant::V1, |settings| settings.track = names.iter().map(one).collect())
    };
    assert_eq!(track(&["a", "b"], TrackEffect::Decrement(255)), None);
    assert_eq!(track(&["a"], TrackEffect::Decrement(0)), Some(ConfigField::Track(Some(0))));
    assert_eq!(track(&["a", "a"], TrackEffect::Shutdown), Some(ConfigField::Track(Some(1))));
}
