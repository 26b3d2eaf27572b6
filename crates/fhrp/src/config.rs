//! What a group is told to be. No file format here: an embedder fills settings, a `new` checks them once, and nothing
//! behind it checks again.

mod announce;
mod glbp;
mod hsrp;
mod key_chain;
mod track;
mod vrrp;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::{Family, GroupId, MacAddr};

pub use announce::{AnnounceSchedule, Prefix, RouterAdvertisement};
pub use glbp::{ClientCache, GlbpAuthentication, GlbpConfig, GlbpSettings, LoadBalancing};
pub(crate) use glbp::{
    HELLO_RANGE as GLBP_HELLO_RANGE, HOLD_RANGE as GLBP_HOLD_RANGE, REDIRECT_MAX as GLBP_REDIRECT_MAX,
    TIMEOUT_MAX as GLBP_TIMEOUT_MAX,
};
pub use hsrp::{HsrpAuthentication, HsrpConfig, HsrpSettings};
pub use key_chain::{ChainKey, InvalidKeyChain, KeyChain, Lifetime, WallTime};
pub use track::{Track, TrackEffect, TrackName, TrackState};
pub use vrrp::{AdvertisementInterval, Authentication, ChecksumPolicy, VrrpConfig, VrrpSettings};

pub(crate) use announce::{check_announcements, check_router_advertisement};
pub(crate) use glbp::Thresholds;
pub(crate) use hsrp::check_timers;
pub(crate) use key_chain::WallClock;
pub(crate) use track::check_tracks;

/// The most virtual addresses that one group may have.
const ADDRESSES_MAX: usize = 254;
/// The longest preempt delay.
const PREEMPT_DELAY_MAX: Duration = Duration::from_secs(3600);

/// A group that can run, of any protocol. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupConfig {
    /// VRRP.
    Vrrp(Arc<VrrpConfig>),
    /// HSRP.
    Hsrp(Arc<HsrpConfig>),
    /// GLBP.
    Glbp(Arc<GlbpConfig>),
}

impl GroupConfig {
    /// Which group this is.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        match self {
            Self::Vrrp(config) => config.id(),
            Self::Hsrp(config) => config.id(),
            Self::Glbp(config) => config.id(),
        }
    }

    /// The virtual addresses.
    #[must_use]
    pub fn addresses(&self) -> &Arc<[IpAddr]> {
        match self {
            Self::Vrrp(config) => config.addresses(),
            Self::Hsrp(config) => config.addresses(),
            Self::Glbp(config) => config.addresses(),
        }
    }

    /// The VRRP configuration, if it is one.
    #[must_use]
    pub fn vrrp(&self) -> Option<&VrrpConfig> {
        match self {
            Self::Vrrp(config) => Some(config),
            Self::Hsrp(_) | Self::Glbp(_) => None,
        }
    }

    /// The HSRP configuration, if it is one.
    #[must_use]
    pub fn hsrp(&self) -> Option<&HsrpConfig> {
        match self {
            Self::Vrrp(_) | Self::Glbp(_) => None,
            Self::Hsrp(config) => Some(config),
        }
    }

    /// The GLBP configuration, if it is one.
    #[must_use]
    pub fn glbp(&self) -> Option<&GlbpConfig> {
        match self {
            Self::Vrrp(_) | Self::Hsrp(_) => None,
            Self::Glbp(config) => Some(config),
        }
    }

    /// The virtual MAC, where one is used. GLBP has one for each forwarder, and none for the group.
    #[must_use]
    pub fn virtual_mac(&self) -> Option<MacAddr> {
        match self {
            Self::Vrrp(config) => config.virtual_mac(),
            Self::Hsrp(config) => config.virtual_mac(),
            Self::Glbp(_) => None,
        }
    }

    /// The tracked objects.
    #[must_use]
    pub fn tracks(&self) -> &[Track] {
        match self {
            Self::Vrrp(config) => &config.settings().track,
            Self::Hsrp(config) => &config.settings().track,
            Self::Glbp(config) => &config.settings().track,
        }
    }
}

impl From<GlbpConfig> for GroupConfig {
    fn from(config: GlbpConfig) -> Self {
        Self::Glbp(Arc::new(config))
    }
}

impl From<HsrpConfig> for GroupConfig {
    fn from(config: HsrpConfig) -> Self {
        Self::Hsrp(Arc::new(config))
    }
}

impl From<VrrpConfig> for GroupConfig {
    fn from(config: VrrpConfig) -> Self {
        Self::Vrrp(Arc::new(config))
    }
}

/// The setting at fault; a file format maps it to its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigField {
    /// `vrid`
    Vrid,
    /// `version`
    Version,
    /// `addresses`, and which one if one
    Addresses(Option<usize>),
    /// `priority`
    Priority,
    /// `advertisement_interval`
    AdvertisementInterval,
    /// `preempt_delay`
    PreemptDelay,
    /// `checksum`
    Checksum,
    /// `authentication`
    Authentication,
    /// `unicast_peers`, and which one if one
    UnicastPeers(Option<usize>),
    /// `coexist_with_v2`
    CoexistWithV2,
    /// `router_advertisement` and its companions
    RouterAdvertisement,
    /// `virtual_mac`
    VirtualMac,
    /// `accept_mode`
    AcceptMode,
    /// The schedule of announcements
    Announce,
    /// `group`
    Group,
    /// `family`
    Family,
    /// `hello_time`
    HelloTime,
    /// `hold_time`
    HoldTime,
    /// `key` or `key_chain`
    Key,
    /// `mac_address`
    MacAddress,
    /// `follow`
    Follow,
    /// `name`
    Name,
    /// `startup_delay`
    StartupDelay,
    /// `track`, and which one if one
    Track(Option<usize>),
    /// `forwarder_preempt_delay`
    ForwarderPreemptDelay,
    /// `redirect`
    Redirect,
    /// `timeout`
    Timeout,
    /// `weighting`
    Weighting,
    /// `weighting_lower`
    WeightingLower,
    /// `weighting_upper`
    WeightingUpper,
    /// `client_cache`
    ClientCache,
}

impl ConfigField {
    /// Its usual key in a configuration file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Vrid => "vrid",
            Self::Version => "version",
            Self::Addresses(_) => "addresses",
            Self::Priority => "priority",
            Self::AdvertisementInterval => "advertisement_interval",
            Self::PreemptDelay => "preempt_delay",
            Self::Checksum => "checksum",
            Self::Authentication => "authentication",
            Self::UnicastPeers(_) => "unicast_peers",
            Self::CoexistWithV2 => "coexist_with_v2",
            Self::RouterAdvertisement => "router_advertisement",
            Self::VirtualMac => "virtual_mac",
            Self::AcceptMode => "accept_mode",
            Self::Announce => "announce_refresh",
            Self::Group => "group",
            Self::Family => "family",
            Self::HelloTime => "hello_time",
            Self::HoldTime => "hold_time",
            Self::Key => "key",
            Self::MacAddress => "mac_address",
            Self::Follow => "follow",
            Self::Name => "name",
            Self::StartupDelay => "startup_delay",
            Self::Track(_) => "track",
            Self::ForwarderPreemptDelay => "forwarder_preempt_delay",
            Self::Redirect => "redirect",
            Self::Timeout => "timeout",
            Self::Weighting => "weighting",
            Self::WeightingLower => "weighting_lower",
            Self::WeightingUpper => "weighting_upper",
            Self::ClientCache => "client_cache",
        }
    }

    /// Which element of a list, where it is about one.
    #[must_use]
    pub fn element(self) -> Option<usize> {
        match self {
            Self::Addresses(at) | Self::UnicastPeers(at) | Self::Track(at) => at,
            Self::Vrid
            | Self::Version
            | Self::Priority
            | Self::AdvertisementInterval
            | Self::PreemptDelay
            | Self::Checksum
            | Self::Authentication
            | Self::CoexistWithV2
            | Self::RouterAdvertisement
            | Self::VirtualMac
            | Self::AcceptMode
            | Self::Announce
            | Self::Group
            | Self::Family
            | Self::HelloTime
            | Self::HoldTime
            | Self::Key
            | Self::MacAddress
            | Self::Follow
            | Self::Name
            | Self::StartupDelay
            | Self::ForwarderPreemptDelay
            | Self::Redirect
            | Self::Timeout
            | Self::Weighting
            | Self::WeightingLower
            | Self::WeightingUpper
            | Self::ClientCache => None,
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {remedy}")]
pub struct ConfigError {
    /// Which setting.
    pub field: ConfigField,
    /// What is wrong with it.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

pub(crate) fn wrong<T>(
    field: ConfigField,
    problem: impl Into<String>,
    remedy: impl Into<String>,
) -> Result<T, ConfigError> {
    Err(ConfigError { field, problem: problem.into(), remedy: remedy.into() })
}

/// One family, no doubles, none that cannot be a host's gateway.
pub(crate) fn check_addresses(addresses: &[IpAddr], family: Family) -> Result<(), ConfigError> {
    if addresses.len() > ADDRESSES_MAX {
        return wrong(ConfigField::Addresses(None), "too many virtual addresses", "a group has room for 254");
    }
    for (at, address) in addresses.iter().enumerate() {
        let field = ConfigField::Addresses(Some(at));
        if let IpAddr::V6(mapped) = address
            && let Some(meant) = mapped.to_ipv4_mapped()
        {
            return wrong(
                field,
                format!("{mapped} is not IPv6: {meant} is IPv4"),
                format!("write \"{meant}\""),
            );
        }
        if Family::of(address) != family {
            return wrong(field, format!("{address} is of another family"), "make one group for each family");
        }
        if addresses.iter().take(at).any(|earlier| earlier == address) {
            return wrong(field, format!("{address} is named twice"), "remove one");
        }
        let unfit = address.is_unspecified() || address.is_multicast() || address.is_loopback();
        if unfit || *address == IpAddr::from([255, 255, 255, 255]) {
            return wrong(
                field,
                format!("{address} cannot be a gateway"),
                "use a unicast address of the link",
            );
        }
    }
    Ok(())
}

/// Puts `link_local` in front unless one leads; the list, and the one that was added.
pub(crate) fn led_by_link_local(addresses: &[IpAddr], link_local: IpAddr) -> (Arc<[IpAddr]>, Option<IpAddr>) {
    let leads = matches!(addresses.first(), Some(IpAddr::V6(first)) if first.is_unicast_link_local());
    if leads {
        return (addresses.into(), None);
    }
    let others = addresses.iter().copied().filter(|address| *address != link_local);
    (std::iter::once(link_local).chain(others).collect(), Some(link_local))
}
