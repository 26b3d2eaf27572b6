//! HSRP groups.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_wire::hsrp::{Group, KeyBytes, TextKey, Timers, Variant, Version, default_text, virtual_link_local};
use fhrp_wire::{Family, MacAddr};

use super::{
    AnnounceSchedule, ConfigError, ConfigField, KeyChain, PREEMPT_DELAY_MAX, RouterAdvertisement, Track,
    check_addresses, check_announcements, check_router_advertisement, check_tracks, led_by_link_local, wrong,
};
use crate::{GroupId, InterfaceName, Protocol};

/// The longest key of a digest, in octets (the ranges of real routers).
pub(super) const KEY_MAX: usize = 64;
/// The shortest hello time of version 2.
const HELLO_MIN: Duration = Duration::from_millis(15);
/// The shortest hold time of version 2.
const HOLD_MIN: Duration = Duration::from_millis(50);
/// The longest hello time.
const HELLO_MAX: Duration = Duration::from_secs(254);
/// The longest hold time.
const HOLD_MAX: Duration = Duration::from_secs(255);
/// A group that follows another sends no Hellos, from which switches would learn where its virtual MAC is: it announces
/// its addresses this often while it is Active (real routers: `mac-refresh`).
const MAC_REFRESH: Duration = Duration::from_secs(10);
/// The longest start-up delay.
const STARTUP_DELAY_MAX: Duration = Duration::from_secs(10_000);

/// An HSRP group as an operator would say it; unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HsrpSettings {
    /// The interface that faces the hosts.
    pub interface: InterfaceName,
    /// Version 1: 0–255, version 2: 0–4095.
    pub group: u16,
    /// 1 or 2. All groups of an interface should speak the same version.
    pub version: u8,
    /// Needed where there is no address to tell it.
    pub family: Option<Family>,
    /// The virtual address, and further ones behind it that stay local. None: it is learned from the Active router.
    /// IPv6: if no link-local leads, the one that the virtual MAC gives is put first.
    pub addresses: Vec<IpAddr>,
    /// 1–255. Default 100.
    pub priority: u8,
    /// Whether a lower-ranked Active router is pushed aside. Default false.
    pub preempt: bool,
    /// How long this router waits before it preempts.
    pub preempt_delay_minimum: Duration,
    /// The same, the first time after the group was added.
    pub preempt_delay_reload: Duration,
    /// How long it would wait for clients of the redundancy group. There are none here, so they are always ready.
    pub preempt_delay_sync: Duration,
    /// Hello time and hold time; where not given they are learned from the Active router, and 3 s and 10 s until then.
    pub timers: Option<(Duration, Duration)>,
    /// Default: the text `cisco`.
    pub authentication: HsrpAuthentication,
    /// Whether a virtual MAC is used; without one (`use-bia`) the addresses go onto the interface itself.
    pub virtual_mac: bool,
    /// A virtual MAC of one's own choice.
    pub mac_address: Option<MacAddr>,
    /// The name of the group whose state this one takes over instead of holding an election of its own.
    pub follow: Option<Arc<str>>,
    /// What other groups call this one; default `hsrp-INTERFACE-GROUP`, over IPv6 `hsrp-INTERFACE-GROUP-V6`.
    pub name: Option<Arc<str>>,
    /// Objects on which the priority depends.
    pub track: Vec<Track>,
    /// How long the group stays out of the contest after its interface came up.
    pub startup_delay: Duration,
    /// Router advertisements from the virtual link-local while Active; IPv6 only, where real routers always send them.
    pub router_advertisement: Option<RouterAdvertisement>,
    /// When gratuitous ARP or unsolicited NA is repeated. A group that follows another has a `refresh` of 10 s unless
    /// another one is given.
    pub announce: AnnounceSchedule,
}

impl HsrpSettings {
    /// Settings with the defaults of real routers.
    #[must_use]
    pub fn new(interface: InterfaceName, group: u16, addresses: Vec<IpAddr>) -> Self {
        let ipv6 = addresses.first().is_some_and(IpAddr::is_ipv6);
        Self {
            interface,
            group,
            version: 1,
            family: None,
            addresses,
            priority: 100,
            preempt: false,
            preempt_delay_minimum: Duration::ZERO,
            preempt_delay_reload: Duration::ZERO,
            preempt_delay_sync: Duration::ZERO,
            timers: None,
            authentication: HsrpAuthentication::default(),
            virtual_mac: true,
            mac_address: None,
            follow: None,
            name: None,
            track: Vec::new(),
            startup_delay: Duration::ZERO,
            router_advertisement: ipv6.then(RouterAdvertisement::default),
            announce: AnnounceSchedule { repeats: [Duration::from_secs(3)].into(), refresh: None },
        }
    }
}

/// How messages are authenticated. A router that expects another kind discards them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HsrpAuthentication {
    /// Not at all; only routers without authentication listen.
    None,
    /// A text in clear; `cisco` where nothing is configured (RFC 2281 §5.1).
    Text(TextKey),
    /// Keyed MD5 with one key.
    Md5(KeyBytes),
    /// Keyed MD5 with the keys of a chain.
    Chain(KeyChain),
}

impl HsrpAuthentication {
    /// The chain that the keys are from.
    pub(crate) fn chain(&self) -> Option<&KeyChain> {
        match self {
            Self::Chain(chain) => Some(chain),
            Self::None | Self::Text(_) | Self::Md5(_) => None,
        }
    }
}

impl Default for HsrpAuthentication {
    fn default() -> Self {
        Self::Text(default_text())
    }
}

/// An HSRP group that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HsrpConfig {
    id: GroupId,
    group: Group,
    timers: Option<Timers>,
    addresses: Arc<[IpAddr]>,
    added_link_local: Option<IpAddr>,
    name: Arc<str>,
    settings: HsrpSettings,
}

impl HsrpConfig {
    /// Checks `settings`.
    ///
    /// # Errors
    /// The first setting that cannot be, with what would be right.
    pub fn new(mut settings: HsrpSettings) -> Result<Self, ConfigError> {
        let family = check_family(&settings)?;
        let variant = check_version(&settings, family)?;
        let Some(group) = Group::new(variant, settings.group) else {
            let problem = format!("group {} does not exist in version {}", settings.group, settings.version);
            return wrong(
                ConfigField::Group,
                problem,
                format!("choose a group from 0 to {}", variant.max_group()),
            );
        };
        let timers = settings.timers.map(|timers| check_timers(timers, variant.version())).transpose()?;
        check_election(&settings)?;
        check_authentication(&settings.authentication)?;
        check_macs(&settings)?;
        check_following(&settings)?;
        check_tracks(&settings.track)?;
        check_announcements(&settings.announce)?;
        check_router_advertisement(settings.router_advertisement.as_ref(), family)?;
        let id = GroupId {
            interface: settings.interface.clone(),
            protocol: Protocol::Hsrp,
            family,
            number: settings.group,
        };
        let (addresses, added_link_local) = complete(&settings, group)?;
        if settings.follow.is_some() {
            settings.announce.refresh = settings.announce.refresh.or(Some(MAC_REFRESH));
        }
        let name = settings.name.clone().unwrap_or_else(|| Self::default_name(&id));
        if settings.follow.as_ref() == Some(&name) {
            return wrong(ConfigField::Follow, "a group cannot follow itself", "name another group");
        }
        Ok(Self { id, group, timers, addresses, added_link_local, name, settings })
    }

    /// Which group this is.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Its number, version and family.
    #[must_use]
    pub fn group(&self) -> Group {
        self.group
    }

    /// Hello time and hold time, where they are configured.
    #[must_use]
    pub fn timers(&self) -> Option<Timers> {
        self.timers
    }

    /// The virtual addresses; none while they have to be learned. An IPv6 list begins with a link-local.
    #[must_use]
    pub fn addresses(&self) -> &Arc<[IpAddr]> {
        &self.addresses
    }

    /// The link-local that was put in front because none led.
    #[must_use]
    pub fn added_link_local(&self) -> Option<IpAddr> {
        self.added_link_local
    }

    /// The virtual MAC, where one is used.
    #[must_use]
    pub fn virtual_mac(&self) -> Option<MacAddr> {
        let mac = self.settings.mac_address.unwrap_or_else(|| self.group.virtual_mac());
        self.settings.virtual_mac.then_some(mac)
    }

    /// What other groups call a group without a name of its own. The families of an interface may both have a group of
    /// one number.
    #[must_use]
    pub fn default_name(id: &GroupId) -> Arc<str> {
        let suffix = match id.family {
            Family::V4 => "",
            Family::V6 => "-V6",
        };
        format!("hsrp-{}-{}{suffix}", id.interface, id.number).into()
    }

    /// What other groups call it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &HsrpSettings {
        &self.settings
    }

    /// Things that work but should not stay so, for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let lax = self.timers.filter(|timers| timers.hold() < timers.hello() * 3);
        let lax =
            lax.map(|_| "hold_time should be at least three times hello_time (RFC 2281 §5.1)".to_owned());
        lax.into_iter().collect()
    }
}

fn check_family(settings: &HsrpSettings) -> Result<Family, ConfigError> {
    let told = settings.addresses.first().map(Family::of);
    let Some(family) = told.or(settings.family) else {
        let problem = "a group that learns its address has to say of which family it is";
        return wrong(
            ConfigField::Family,
            problem,
            "write `family = 4` or `family = 6`, or name the address",
        );
    };
    if settings.family.is_some_and(|named| named != family) {
        return wrong(ConfigField::Family, "the addresses are of the other family", "remove the setting");
    }
    check_addresses(&settings.addresses, family)?;
    Ok(family)
}

fn check_version(settings: &HsrpSettings, family: Family) -> Result<Variant, ConfigError> {
    let version = match settings.version {
        1 => Version::V1,
        2 => Version::V2,
        other => {
            return wrong(ConfigField::Version, format!("HSRP version {other} does not exist"), "use 1 or 2");
        }
    };
    match Variant::new(version, family) {
        Some(variant) => Ok(variant),
        None => wrong(ConfigField::Version, "version 1 is for IPv4 only", "use version 2 for IPv6"),
    }
}

pub(crate) fn check_timers(
    (hello, hold): (Duration, Duration),
    version: Version,
) -> Result<Timers, ConfigError> {
    let (field, problem) = match version {
        _ if hold <= hello => {
            return wrong(
                ConfigField::HoldTime,
                format!("a hold time of {hold:?} is not longer than the hello time of {hello:?}"),
                "use at least three times the hello time (RFC 2281 §5.1)",
            );
        }
        Version::V1 if hello.is_zero() => (ConfigField::HelloTime, hello),
        Version::V2 if hello < HELLO_MIN => (ConfigField::HelloTime, hello),
        Version::V2 if hold < HOLD_MIN => (ConfigField::HoldTime, hold),
        Version::V1 | Version::V2 if hello > HELLO_MAX => (ConfigField::HelloTime, hello),
        Version::V1 | Version::V2 if hold > HOLD_MAX => (ConfigField::HoldTime, hold),
        Version::V1 | Version::V2 => match Timers::new(version, hello, hold) {
            Ok(timers) => return Ok(timers),
            Err(_) if hello.subsec_nanos() == 0 => (ConfigField::HoldTime, hold),
            Err(_) => (ConfigField::HelloTime, hello),
        },
    };
    let remedy = match version {
        Version::V1 => {
            "use whole seconds, a hello time of 1s to 254s and a hold time up to 255s, or version 2"
        }
        Version::V2 => "use whole milliseconds, a hello time of 15ms to 254s and a hold time of 50ms to 255s",
    };
    wrong(field, format!("{problem:?} cannot be used in version {version}"), remedy)
}

fn check_election(settings: &HsrpSettings) -> Result<(), ConfigError> {
    if settings.priority == 0 {
        return wrong(ConfigField::Priority, "priority 0 does not exist", "choose a priority from 1 to 255");
    }
    let delays = [settings.preempt_delay_minimum, settings.preempt_delay_reload, settings.preempt_delay_sync];
    if delays.iter().any(|delay| *delay > PREEMPT_DELAY_MAX) {
        return wrong(ConfigField::PreemptDelay, "the preempt delay is over an hour", "use at most 3600s");
    }
    if !settings.preempt && delays.iter().any(|delay| *delay > Duration::ZERO) {
        return wrong(
            ConfigField::PreemptDelay,
            "a preempt delay without preemption has no effect",
            "remove it or set preempt = true",
        );
    }
    if settings.startup_delay > STARTUP_DELAY_MAX {
        return wrong(ConfigField::StartupDelay, "the start-up delay is too long", "use at most 10000s");
    }
    Ok(())
}

fn check_authentication(authentication: &HsrpAuthentication) -> Result<(), ConfigError> {
    let long = match authentication {
        HsrpAuthentication::None | HsrpAuthentication::Text(_) => false,
        HsrpAuthentication::Md5(key) => key.len() > KEY_MAX,
        HsrpAuthentication::Chain(chain) => chain.keys().any(|key| key.key.len() > KEY_MAX),
    };
    if long {
        return wrong(ConfigField::Key, "the key is too long", format!("use at most {KEY_MAX} octets"));
    }
    Ok(())
}

fn check_macs(settings: &HsrpSettings) -> Result<(), ConfigError> {
    let Some(mac) = settings.mac_address else { return Ok(()) };
    if !settings.virtual_mac {
        return wrong(
            ConfigField::MacAddress,
            "a MAC is given for a group that uses the interface's own",
            "remove mac_address, or virtual_mac = false (use_bia)",
        );
    }
    if mac.is_multicast() || mac == MacAddr::ZERO {
        return wrong(ConfigField::MacAddress, format!("{mac} is no unicast address"), "use a unicast MAC");
    }
    Ok(())
}

/// A group that follows another takes its state from there, and everything that would decide it.
fn check_following(settings: &HsrpSettings) -> Result<(), ConfigError> {
    if settings.follow.is_none() {
        return Ok(());
    }
    if settings.preempt {
        return wrong(ConfigField::Follow, "a group that follows another cannot preempt", "remove preempt");
    }
    if settings.addresses.is_empty() {
        return wrong(
            ConfigField::Addresses(None),
            "a group that follows another hears no address",
            "name it",
        );
    }
    Ok(())
}

/// The addresses as they are used: over IPv6 a link-local leads, which is the one on the wire.
fn complete(settings: &HsrpSettings, group: Group) -> Result<(Arc<[IpAddr]>, Option<IpAddr>), ConfigError> {
    let learns = settings.addresses.is_empty();
    if group.variant().family() == Family::V4 || learns {
        return Ok((settings.addresses.as_slice().into(), None));
    }
    let mac = settings.mac_address.unwrap_or_else(|| group.virtual_mac());
    let (addresses, added) = led_by_link_local(&settings.addresses, IpAddr::V6(virtual_link_local(mac)));
    if added.is_some() && !settings.virtual_mac {
        return wrong(
            ConfigField::Addresses(None),
            "without a virtual MAC there is no link-local address to be made of it",
            "name a virtual link-local address first",
        );
    }
    Ok((addresses, added))
}
