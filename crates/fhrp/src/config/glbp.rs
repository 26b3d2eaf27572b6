//! GLBP groups.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use fhrp_wire::glbp::{AuthText, GroupNumber, KeyBytes, Milliseconds, Seconds, Timers, virtual_link_local};

use super::{
    ConfigError, ConfigField, KeyChain, PREEMPT_DELAY_MAX, RouterAdvertisement, Track, TrackEffect,
    check_addresses, check_router_advertisement, check_tracks, led_by_link_local, wrong,
};
use crate::{Family, GroupId, InterfaceName, Protocol};

/// The ranges of real routers.
pub(crate) const HELLO_RANGE: RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);
pub(crate) const HOLD_RANGE: RangeInclusive<Duration> = Duration::from_millis(70)..=Duration::from_secs(180);
pub(crate) const REDIRECT_MAX: Duration = Duration::from_secs(3600);
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(64_800);
const WEIGHTING_MAX: u8 = 254;
const KEY_MAX: usize = 100;
const CLIENTS_MIN: u16 = 8;
const CLIENTS_MAX: u16 = 2000;
const CLIENT_TIMEOUT_MIN: Duration = Duration::from_secs(60);
const CLIENT_TIMEOUT_MAX: Duration = Duration::from_secs(1440 * 60);

/// A GLBP group as an operator would say it; unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlbpSettings {
    /// The interface that faces the hosts.
    pub interface: InterfaceName,
    /// 0–1023. One number is one group: not both IPv4 and IPv6, whose virtual MACs would be the same.
    pub group: u16,
    /// Needed where there is no address to tell it.
    pub family: Option<Family>,
    /// The virtual address, and further ones behind it that stay local. None: it is learned from the AVG. IPv6: if no
    /// link-local leads, the one that follows from the group number is put first.
    pub addresses: Vec<IpAddr>,
    /// Of the gateway, 1–255. Default 100.
    pub priority: u8,
    /// Whether a lower-ranked AVG is pushed aside. Default false.
    pub preempt: bool,
    /// How long this router waits before it does that.
    pub preempt_delay: Duration,
    /// Whether a lower-ranked AVF is pushed aside. Default true.
    pub forwarder_preempt: bool,
    /// How long this router waits before it does that. Default 30 s.
    pub forwarder_preempt_delay: Duration,
    /// 50 ms to 60 s. Default 3 s. Counts on the AVG, from which the others learn.
    pub hello_time: Duration,
    /// 70 ms to 180 s, longer than the hello time. Default 10 s. Likewise.
    pub hold_time: Duration,
    /// How long the MAC of a forwarder whose owner is gone is handed out: up to an hour. Default 600 s. Likewise.
    pub redirect: Duration,
    /// How long such a forwarder lives: longer than `redirect`, up to 18 hours. Default 4 h. Likewise.
    pub timeout: Duration,
    /// How much this router can carry, compared with the others: 1–254. Default 100.
    pub weighting: u8,
    /// Below this it stops forwarding for others to take over. Default 1.
    pub weighting_lower: Option<u8>,
    /// From this on it forwards again. Default `weighting`.
    pub weighting_upper: Option<u8>,
    /// Which forwarder a host is told.
    pub load_balancing: LoadBalancing,
    /// How packets are authenticated.
    pub authentication: GlbpAuthentication,
    /// Whether the AVG remembers which host was told which forwarder, for display.
    pub client_cache: Option<ClientCache>,
    /// Objects on which the weighting depends; each has a decrement, 1–254.
    pub track: Vec<Track>,
    /// What others call this group; default `glbp-INTERFACE-GROUP`.
    pub name: Option<Arc<str>>,
    /// Periodic router advertisements from the virtual link-local while AVG; IPv6 only.
    pub router_advertisement: Option<RouterAdvertisement>,
    /// What nonces are made of: a number that nobody guesses, another at each start of the program. The engine has no
    /// source of chance of its own.
    pub nonce_seed: [u64; 2],
}

impl GlbpSettings {
    /// Settings with the defaults of real routers.
    #[must_use]
    pub fn new(interface: InterfaceName, group: u16, addresses: Vec<IpAddr>) -> Self {
        Self {
            interface,
            group,
            family: None,
            addresses,
            priority: 100,
            preempt: false,
            preempt_delay: Duration::ZERO,
            forwarder_preempt: true,
            forwarder_preempt_delay: Duration::from_secs(30),
            hello_time: Duration::from_secs(3),
            hold_time: Duration::from_secs(10),
            redirect: Duration::from_secs(600),
            timeout: Duration::from_secs(14_400),
            weighting: 100,
            weighting_lower: None,
            weighting_upper: None,
            load_balancing: LoadBalancing::default(),
            authentication: GlbpAuthentication::default(),
            client_cache: None,
            track: Vec::new(),
            name: None,
            router_advertisement: None,
            nonce_seed: [0; 2],
        }
    }
}

/// Which forwarder the AVG tells a host that asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum LoadBalancing {
    /// One after the other.
    #[default]
    RoundRobin,
    /// Each as often as the weighting of the router that serves it says.
    Weighted,
    /// Always the same one, as long as it can be used.
    HostDependent,
    /// The AVG's own.
    None,
}

/// How packets are authenticated. A router that expects another kind discards them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GlbpAuthentication {
    /// Not at all.
    #[default]
    None,
    /// A text in clear.
    Text(AuthText),
    /// Keyed MD5 with one key (`md5 key-string`).
    Md5(KeyBytes),
    /// Keyed MD5 with the keys of a chain (`md5 key-chain`).
    Chain(KeyChain),
}

impl GlbpAuthentication {
    /// The chain that the keys are from.
    pub(crate) fn chain(&self) -> Option<&KeyChain> {
        match self {
            Self::Chain(chain) => Some(chain),
            Self::None | Self::Text(_) | Self::Md5(_) => None,
        }
    }
}

/// The memory of the AVG.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientCache {
    /// How many hosts it holds, 8–2000; the one that asked longest ago makes room.
    pub maximum: u16,
    /// How long a host is remembered that does not ask again, 1–1440 minutes; `None`: until it has to make room.
    pub timeout: Option<Duration>,
}

/// The maximum of the weighting and both thresholds: `lower` < `maximum`, `lower` ≤ `upper` ≤ `maximum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    pub(crate) maximum: u8,
    pub(crate) lower: u8,
    pub(crate) upper: u8,
}

/// A GLBP group that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlbpConfig {
    id: GroupId,
    group: GroupNumber,
    timers: Timers,
    thresholds: Thresholds,
    addresses: Arc<[IpAddr]>,
    added_link_local: Option<IpAddr>,
    name: Arc<str>,
    settings: GlbpSettings,
}

impl GlbpConfig {
    /// Checks `settings`.
    ///
    /// # Errors
    /// The first setting that cannot be, with what would be right.
    pub fn new(settings: GlbpSettings) -> Result<Self, ConfigError> {
        let family = check_family(&settings)?;
        let Some(group) = GroupNumber::new(settings.group) else {
            let problem = format!("group {} does not exist", settings.group);
            return wrong(ConfigField::Group, problem, "choose a group from 0 to 1023");
        };
        let timers = check_timers(&settings)?;
        let thresholds = check_weighting(&settings)?;
        check_elections(&settings)?;
        check_client_cache(settings.client_cache)?;
        check_tracking(&settings.track)?;
        check_key(&settings.authentication)?;
        check_router_advertisement(settings.router_advertisement.as_ref(), family)?;
        let (addresses, added_link_local) = match (family, settings.addresses.is_empty()) {
            (Family::V4, _) | (Family::V6, true) => (settings.addresses.as_slice().into(), None),
            (Family::V6, false) => {
                led_by_link_local(&settings.addresses, IpAddr::V6(virtual_link_local(group)))
            }
        };
        let id = GroupId {
            interface: settings.interface.clone(),
            protocol: Protocol::Glbp,
            family,
            number: settings.group,
        };
        let name = settings.name.clone();
        let name = name.unwrap_or_else(|| format!("glbp-{}-{}", settings.interface, settings.group).into());
        Ok(Self { id, group, timers, thresholds, addresses, added_link_local, name, settings })
    }

    /// Which group this is.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// Its number.
    #[must_use]
    pub fn group(&self) -> GroupNumber {
        self.group
    }

    /// The times that this router brings in when it is the AVG.
    #[must_use]
    pub fn timers(&self) -> Timers {
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

    /// What others call it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &GlbpSettings {
        &self.settings
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// Things that work but should not stay so, for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let settings = &self.settings;
        let mut out = Vec::new();
        if settings.hold_time < settings.hello_time * 3 {
            out.push("hold_time should be at least three times hello_time".to_owned());
        }
        if settings.timeout < settings.redirect + Duration::from_secs(600) {
            out.push(
                "timeout should exceed redirect by 600s: hosts keep a MAC that long after it was handed out"
                    .to_owned(),
            );
        }
        if settings.client_cache.is_some_and(|cache| cache.maximum > 1000) {
            out.push("a client_cache of more than 1000 hosts is more than anyone reads".to_owned());
        }
        out
    }
}

fn check_family(settings: &GlbpSettings) -> Result<Family, ConfigError> {
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

fn check_timers(settings: &GlbpSettings) -> Result<Timers, ConfigError> {
    let GlbpSettings { hello_time, hold_time, redirect, timeout, .. } = *settings;
    if !HELLO_RANGE.contains(&hello_time) {
        let problem = format!("a hello time of {hello_time:?} is out of range");
        return wrong(ConfigField::HelloTime, problem, "use 50ms to 60s");
    }
    if !HOLD_RANGE.contains(&hold_time) {
        let problem = format!("a hold time of {hold_time:?} is out of range");
        return wrong(ConfigField::HoldTime, problem, "use 70ms to 180s");
    }
    if hold_time <= hello_time {
        let problem =
            format!("a hold time of {hold_time:?} is not longer than the hello time of {hello_time:?}");
        return wrong(ConfigField::HoldTime, problem, "use at least three times the hello time");
    }
    if redirect > REDIRECT_MAX {
        let problem = format!("a redirect time of {redirect:?} is out of range");
        return wrong(ConfigField::Redirect, problem, "use at most 3600s");
    }
    if timeout > TIMEOUT_MAX {
        let problem = format!("a timeout of {timeout:?} is out of range");
        return wrong(ConfigField::Timeout, problem, "use at most 64800s");
    }
    if timeout <= redirect {
        let problem =
            format!("a timeout of {timeout:?} is not longer than the redirect time of {redirect:?}");
        return wrong(ConfigField::Timeout, problem, "use at least 600s more");
    }
    let millis = |field, time| match Milliseconds::from_duration(time) {
        Ok(millis) => Ok(millis),
        Err(_) => wrong(field, format!("{time:?} cannot be said in a packet"), "use whole milliseconds"),
    };
    let seconds = |field, time| match Seconds::from_duration(time) {
        Ok(seconds) => Ok(seconds),
        Err(_) => wrong(field, format!("{time:?} cannot be said in a packet"), "use whole seconds"),
    };
    let hello = millis(ConfigField::HelloTime, hello_time)?;
    let hold = millis(ConfigField::HoldTime, hold_time)?;
    let redirect = seconds(ConfigField::Redirect, redirect)?;
    let timeout = seconds(ConfigField::Timeout, timeout)?;
    Timers::new(hello, hold, redirect, timeout).or_else(|error| {
        wrong(ConfigField::HoldTime, error.to_string(), "use at least three times the hello time")
    })
}

fn check_weighting(settings: &GlbpSettings) -> Result<Thresholds, ConfigError> {
    let maximum = settings.weighting;
    if maximum == 0 || maximum > WEIGHTING_MAX {
        let problem = format!("a weighting of {maximum} is out of range");
        return wrong(ConfigField::Weighting, problem, "use 1 to 254");
    }
    // The default, 1, is below any other maximum than 1.
    let lower = settings.weighting_lower.unwrap_or(maximum.saturating_sub(1).min(1));
    let upper = settings.weighting_upper.unwrap_or(maximum);
    if lower >= maximum {
        let problem = format!("the lower threshold {lower} is not below the weighting {maximum}");
        return wrong(ConfigField::WeightingLower, problem, "use a smaller one");
    }
    if upper < lower || upper > maximum {
        let problem =
            format!("the upper threshold {upper} is not between the lower one, {lower}, and {maximum}");
        return wrong(ConfigField::WeightingUpper, problem, format!("use {lower} to {maximum}"));
    }
    Ok(Thresholds { maximum, lower, upper })
}

fn check_elections(settings: &GlbpSettings) -> Result<(), ConfigError> {
    if settings.priority == 0 {
        return wrong(
            ConfigField::Priority,
            "priority 0 means that a router gives up",
            "choose a priority from 1 to 255",
        );
    }
    for (field, delay) in [
        (ConfigField::PreemptDelay, settings.preempt_delay),
        (ConfigField::ForwarderPreemptDelay, settings.forwarder_preempt_delay),
    ] {
        if delay > PREEMPT_DELAY_MAX {
            return wrong(field, "the preempt delay is over an hour", "use at most 3600s");
        }
    }
    // That of the forwarders has a default, which says nothing while they do not preempt.
    if !settings.preempt && settings.preempt_delay > Duration::ZERO {
        return wrong(
            ConfigField::PreemptDelay,
            "a preempt delay without preemption has no effect",
            "remove it or set preempt = true",
        );
    }
    Ok(())
}

fn check_client_cache(cache: Option<ClientCache>) -> Result<(), ConfigError> {
    let Some(ClientCache { maximum, timeout }) = cache else { return Ok(()) };
    if !(CLIENTS_MIN..=CLIENTS_MAX).contains(&maximum) {
        let problem = format!("a client cache for {maximum} hosts is out of range");
        return wrong(ConfigField::ClientCache, problem, "use 8 to 2000");
    }
    if timeout.is_some_and(|timeout| timeout < CLIENT_TIMEOUT_MIN || timeout > CLIENT_TIMEOUT_MAX) {
        return wrong(
            ConfigField::ClientCache,
            "the timeout of the client cache is out of range",
            "use 1 to 1440 minutes",
        );
    }
    Ok(())
}

fn check_tracking(tracks: &[Track]) -> Result<(), ConfigError> {
    for (at, track) in tracks.iter().enumerate() {
        let field = ConfigField::Track(Some(at));
        match track.effect {
            TrackEffect::Shutdown => {
                let problem = "a tracked object does not stop a GLBP group";
                return wrong(field, problem, "use a decrement of the weighting");
            }
            TrackEffect::Decrement(decrement) if decrement == 0 || decrement > WEIGHTING_MAX => {
                let problem = format!("a decrement of the weighting by {decrement} is out of range");
                return wrong(field, problem, "use 1 to 254");
            }
            TrackEffect::Decrement(_) => {}
        }
    }
    check_tracks(tracks)
}

fn check_key(authentication: &GlbpAuthentication) -> Result<(), ConfigError> {
    let long = match authentication {
        GlbpAuthentication::None | GlbpAuthentication::Text(_) => false,
        GlbpAuthentication::Md5(key) => key.len() > KEY_MAX,
        GlbpAuthentication::Chain(chain) => chain.keys().any(|key| key.key.len() > KEY_MAX),
    };
    if long {
        return wrong(ConfigField::Key, "the key is too long", format!("use at most {KEY_MAX} octets"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
