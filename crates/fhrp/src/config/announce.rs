//! How virtual addresses are announced to hosts.

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_wire::envelope::build::PrefixInfo;

use super::{ConfigError, ConfigField, wrong};
use crate::Family;

/// Router advertisements of the virtual router (RFC 9568 §8.2.3, RFC 4861 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterAdvertisement {
    /// Router Lifetime; zero advertises no default router.
    pub lifetime: Duration,
    /// Time between unsolicited ones, 4–1800 s.
    pub interval: Duration,
    /// Prefixes to advertise.
    pub prefixes: Vec<Prefix>,
}

impl Default for RouterAdvertisement {
    /// RFC 4861 §6.2.1: a third of MaxRtrAdvInterval 600 s, lifetime three times MaxRtrAdvInterval.
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(1800), interval: Duration::from_secs(200), prefixes: Vec::new() }
    }
}

/// A prefix in a router advertisement (RFC 4861 §4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The prefix.
    pub prefix: Ipv6Addr,
    /// Its length in bits, 0–128.
    pub length: u8,
    /// The L flag.
    pub on_link: bool,
    /// The A flag.
    pub autonomous: bool,
    /// Valid lifetime.
    pub valid: Duration,
    /// Preferred lifetime, at most the valid one.
    pub preferred: Duration,
}

impl From<&Prefix> for PrefixInfo {
    fn from(prefix: &Prefix) -> Self {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            prefix: prefix.prefix,
            length: prefix.length,
            on_link: prefix.on_link,
            autonomous: prefix.autonomous,
            valid: seconds(prefix.valid),
            preferred: seconds(prefix.preferred),
        }
    }
}

/// When every virtual address is announced after becoming Active, besides at once; and after a rival has given way, besides
/// at once and 20 ms later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnounceSchedule {
    /// Delays after the first announcement, growing.
    pub repeats: Arc<[Duration]>,
    /// Periodic repetition afterwards.
    pub refresh: Option<Duration>,
}

impl Default for AnnounceSchedule {
    fn default() -> Self {
        Self { repeats: [Duration::from_secs(1), Duration::from_secs(5)].into(), refresh: None }
    }
}

/// The shortest time between two rounds of announcements.
const REFRESH_MIN: Duration = Duration::from_secs(1);

/// Announcements without a pause would be a storm.
pub(crate) fn check_announcements(schedule: &AnnounceSchedule) -> Result<(), ConfigError> {
    if schedule.refresh.is_some_and(|period| period < REFRESH_MIN) {
        return wrong(
            ConfigField::Announce,
            "announcements would follow one another without a pause",
            "use 1s or more",
        );
    }
    Ok(())
}

/// RFC 4861 §6.2.1.
pub(crate) fn check_router_advertisement(
    ra: Option<&RouterAdvertisement>,
    family: Family,
) -> Result<(), ConfigError> {
    let Some(ra) = ra else { return Ok(()) };
    let field = ConfigField::RouterAdvertisement;
    if family != Family::V6 {
        return wrong(field, "router advertisements are for IPv6", "remove the setting from this IPv4 group");
    }
    if ra.interval < Duration::from_secs(4) || ra.interval > Duration::from_secs(1800) {
        return wrong(field, "the interval of router advertisements is out of range", "use 4s to 1800s");
    }
    if ra.lifetime > Duration::from_secs(9000) || (ra.lifetime > Duration::ZERO && ra.lifetime < ra.interval)
    {
        return wrong(
            field,
            "the router lifetime is out of range",
            "use 0s, or from the advertisement interval to 9000s (RFC 4861 §6.2.1)",
        );
    }
    match ra.prefixes.iter().find(|prefix| prefix.length > 128 || prefix.preferred > prefix.valid) {
        Some(bad) => wrong(
            field,
            format!("prefix {}/{} cannot be advertised", bad.prefix, bad.length),
            "use a length up to 128 and a preferred lifetime up to the valid one",
        ),
        None => Ok(()),
    }
}
