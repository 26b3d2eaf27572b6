//! VRRP groups.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use fhrp_wire::vrrp::{Centiseconds, ChecksumForm, Seconds, Version, Vrid, virtual_mac};
use fhrp_wire::{Family, MacAddr};

use super::{
    AnnounceSchedule, ConfigError, ConfigField, PREEMPT_DELAY_MAX, RouterAdvertisement, Track,
    check_addresses, check_announcements, check_router_advertisement, check_tracks, led_by_link_local, wrong,
};
use crate::{GroupId, InterfaceName, Protocol};

/// The most unicast peers of one group.
const PEERS_MAX: usize = 64;

/// A VRRP group as an operator would say it; unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpSettings {
    /// The interface that faces the hosts.
    pub interface: InterfaceName,
    /// 1–255.
    pub vrid: u8,
    /// 2 or 3.
    pub version: u8,
    /// The virtual addresses, of one family. IPv6: if no link-local leads, one is made from the VRID.
    pub addresses: Vec<IpAddr>,
    /// 1–255; 255 is for the owner of the address. Default 100.
    pub priority: u8,
    /// Advertisement_Interval: version 3 from 10 ms to 40.95 s in steps of 10 ms, version 2 whole seconds.
    pub advertisement_interval: Duration,
    /// Preempt_Mode.
    pub preempt: bool,
    /// How long a preferable router waits before it preempts.
    pub preempt_delay: Duration,
    /// Accept_Mode.
    pub accept_mode: bool,
    /// Whether a virtual MAC is used; without one the addresses go onto the interface itself.
    pub virtual_mac: bool,
    /// Which IPv4 checksum form is sent; version 3 only.
    pub checksum: ChecksumPolicy,
    /// The form that `ChecksumPolicy::Auto` had learned in an earlier run.
    pub learned_checksum: Option<ChecksumForm>,
    /// VRRPv2 authentication.
    pub authentication: Authentication,
    /// Peers to send to instead of the multicast group; empty for multicast.
    pub unicast_peers: Vec<IpAddr>,
    /// Version 3: also send and accept version 2, while a network moves from one to the other (RFC 9568 §8.4).
    pub coexist_with_v2: bool,
    /// Router advertisements from the virtual link-local while Active; IPv6 only.
    pub router_advertisement: Option<RouterAdvertisement>,
    /// When gratuitous ARP or unsolicited NA is repeated. With unicast peers and a virtual MAC there is a `refresh` of 10 s
    /// unless another one is given.
    pub announce: AnnounceSchedule,
    /// Objects on which the priority depends. The owner's priority does not.
    pub track: Vec<Track>,
}

impl VrrpSettings {
    /// Settings with every default of RFC 9568 §6.1.
    #[must_use]
    pub fn new(interface: InterfaceName, vrid: u8, addresses: Vec<IpAddr>) -> Self {
        Self {
            interface,
            vrid,
            version: 3,
            addresses,
            priority: 100,
            advertisement_interval: Duration::from_secs(1),
            preempt: true,
            preempt_delay: Duration::ZERO,
            accept_mode: false,
            virtual_mac: true,
            checksum: ChecksumPolicy::Auto,
            learned_checksum: None,
            authentication: Authentication::None,
            unicast_peers: Vec::new(),
            coexist_with_v2: false,
            router_advertisement: None,
            announce: AnnounceSchedule::default(),
            track: Vec::new(),
        }
    }
}

/// Which IPv4 checksum form a version 3 group sends. Either is accepted, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChecksumPolicy {
    /// The message only (RFC 9568 §5.2.8).
    Rfc9568,
    /// With an IPv4 pseudo-header, as RFC 5798 was mostly read.
    Rfc5798,
    /// RFC 9568 until a valid advertisement of the other form is accepted, then that form.
    #[default]
    Auto,
}

/// Advertisements to peers leave from the interface's own MAC: switches do not learn from them where the virtual MAC is,
/// and one that learned it from a router that gave way meanwhile would lead hosts astray. So the addresses are announced
/// this often.
const MAC_REFRESH: Duration = Duration::from_secs(10);

/// VRRPv2 authentication (RFC 2338 §10; removed by RFC 3768, still in the field).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0.
    #[default]
    None,
    /// Type 1: up to 8 octets in clear.
    Text(fhrp_wire::vrrp::TextKey),
    /// Type 254: Cisco's keyed MD5; verified on receipt and sent.
    CiscoMd5(fhrp_wire::vrrp::KeyBytes),
}

/// The interval in its version's own unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvertisementInterval {
    /// Version 3.
    V3(Centiseconds),
    /// Version 2.
    V2(Seconds),
}

/// A VRRP group that can run: every rule of RFC 9568 §5.2 and §6.1 that can be checked beforehand holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpConfig {
    id: GroupId,
    vrid: Vrid,
    version: Version,
    interval: AdvertisementInterval,
    addresses: Arc<[IpAddr]>,
    added_link_local: Option<IpAddr>,
    settings: VrrpSettings,
}

impl VrrpConfig {
    /// Checks `settings`.
    ///
    /// # Errors
    /// The first setting that cannot be, with what would be right.
    pub fn new(mut settings: VrrpSettings) -> Result<Self, ConfigError> {
        let Some(vrid) = Vrid::new(settings.vrid) else {
            return wrong(ConfigField::Vrid, "VRID 0 does not exist", "choose a VRID from 1 to 255");
        };
        let version = match settings.version {
            2 => Version::V2,
            3 => Version::V3,
            other => {
                return wrong(
                    ConfigField::Version,
                    format!("VRRP version {other} does not exist"),
                    "use 2 or 3",
                );
            }
        };
        let family = check_family(&settings, version)?;
        let interval = check_interval(&settings, version)?;
        check_election(&settings)?;
        check_version_2_only(&settings, version, family)?;
        check_peers(&settings, family)?;
        check_tracks(&settings.track)?;
        check_announcements(&settings.announce)?;
        check_router_advertisement(settings.router_advertisement.as_ref(), family)?;
        if settings.virtual_mac && !settings.unicast_peers.is_empty() {
            settings.announce.refresh = settings.announce.refresh.or(Some(MAC_REFRESH));
        }
        let (addresses, added_link_local) = with_link_local(&settings.addresses, family, vrid);
        let id = GroupId {
            interface: settings.interface.clone(),
            protocol: Protocol::Vrrp,
            family,
            number: u16::from(vrid.get()),
        };
        Ok(Self { id, vrid, version, interval, addresses, added_link_local, settings })
    }

    /// Which group this is.
    #[must_use]
    pub fn id(&self) -> &GroupId {
        &self.id
    }

    /// The VRID.
    #[must_use]
    pub fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The interval in the version's unit.
    #[must_use]
    pub fn interval(&self) -> AdvertisementInterval {
        self.interval
    }

    /// The virtual addresses; an IPv6 list begins with a link-local.
    #[must_use]
    pub fn addresses(&self) -> &Arc<[IpAddr]> {
        &self.addresses
    }

    /// The link-local that was put in front because none led (RFC 9568 §5.2.9).
    #[must_use]
    pub fn added_link_local(&self) -> Option<IpAddr> {
        self.added_link_local
    }

    /// The virtual MAC, where one is used (RFC 9568 §7.3).
    #[must_use]
    pub fn virtual_mac(&self) -> Option<MacAddr> {
        self.settings.virtual_mac.then(|| virtual_mac(self.id.family, self.vrid))
    }

    /// The settings it was made from.
    #[must_use]
    pub fn settings(&self) -> &VrrpSettings {
        &self.settings
    }

    /// The same, with the checksum form that was learned before it was given.
    #[must_use]
    pub fn with_learned_checksum(mut self, form: Option<ChecksumForm>) -> Self {
        self.settings.learned_checksum = form.or(self.settings.learned_checksum);
        self
    }

    /// Things that work but should not stay so, for the operator.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        if self.settings.coexist_with_v2 {
            out.push("coexist_with_v2 is for migration and not for good (RFC 9568 §8.4)".to_owned());
        }
        if self.settings.priority == 255 {
            out.push(
                "priority 255 belongs to the router that owns a virtual address (RFC 9568 §5.2.4)".to_owned(),
            );
        }
        out
    }
}

/// The family that all addresses share.
fn check_family(settings: &VrrpSettings, version: Version) -> Result<Family, ConfigError> {
    let Some(first) = settings.addresses.first() else {
        return wrong(ConfigField::Addresses(None), "no virtual address", "name at least one");
    };
    let family = Family::of(first);
    check_addresses(&settings.addresses, family)?;
    match (version, family) {
        (Version::V2, Family::V6) => {
            wrong(ConfigField::Version, "version 2 is for IPv4 only", "use version 3 for IPv6")
        }
        (Version::V2 | Version::V3, Family::V4) | (Version::V3, Family::V6) => Ok(family),
    }
}

fn check_interval(settings: &VrrpSettings, version: Version) -> Result<AdvertisementInterval, ConfigError> {
    let interval = settings.advertisement_interval;
    match version {
        Version::V3 => Centiseconds::from_duration(interval).map(AdvertisementInterval::V3).or_else(|_| {
            wrong(
                ConfigField::AdvertisementInterval,
                format!("{interval:?} cannot be said in version 3"),
                "use 10ms to 40950ms in steps of 10ms",
            )
        }),
        Version::V2 => Seconds::from_duration(interval).map(AdvertisementInterval::V2).or_else(|_| {
            wrong(
                ConfigField::AdvertisementInterval,
                format!("{interval:?} cannot be said in version 2"),
                "use 1s to 255s in whole seconds, or version 3",
            )
        }),
    }
}

fn check_election(settings: &VrrpSettings) -> Result<(), ConfigError> {
    if settings.priority == 0 {
        return wrong(
            ConfigField::Priority,
            "priority 0 means that a router gives up",
            "choose a priority from 1 to 254",
        );
    }
    if settings.preempt_delay > PREEMPT_DELAY_MAX {
        return wrong(ConfigField::PreemptDelay, "the preempt delay is over an hour", "use at most 3600s");
    }
    if !settings.preempt && settings.preempt_delay > Duration::ZERO {
        return wrong(
            ConfigField::PreemptDelay,
            "a preempt delay without preemption has no effect",
            "remove preempt_delay or set preempt = true",
        );
    }
    Ok(())
}

fn check_version_2_only(
    settings: &VrrpSettings,
    version: Version,
    family: Family,
) -> Result<(), ConfigError> {
    let v3_over_ipv4 = version == Version::V3 && family == Family::V4;
    if settings.authentication != Authentication::None && version != Version::V2 {
        return wrong(
            ConfigField::Authentication,
            "version 3 has no authentication (RFC 9568 §9)",
            "remove it, or use version 2",
        );
    }
    if settings.checksum != ChecksumPolicy::Auto && !v3_over_ipv4 {
        return wrong(
            ConfigField::Checksum,
            "the checksum has two forms in version 3 over IPv4 only",
            "remove the setting",
        );
    }
    if settings.coexist_with_v2 && !v3_over_ipv4 {
        return wrong(
            ConfigField::CoexistWithV2,
            "only a version 3 group over IPv4 can coexist with version 2",
            "remove the setting",
        );
    }
    if settings.accept_mode && version == Version::V2 {
        return wrong(
            ConfigField::AcceptMode,
            "version 2 has no Accept_Mode (RFC 3768 §6.4.3)",
            "remove accept_mode, or use version 3",
        );
    }
    Ok(())
}

fn check_peers(settings: &VrrpSettings, family: Family) -> Result<(), ConfigError> {
    if settings.unicast_peers.len() > PEERS_MAX {
        return wrong(ConfigField::UnicastPeers(None), "too many unicast peers", "a group has room for 64");
    }
    for (at, peer) in settings.unicast_peers.iter().enumerate() {
        let field = ConfigField::UnicastPeers(Some(at));
        if Family::of(peer) != family {
            return wrong(
                field,
                format!("{peer} is not of the group's family"),
                "name peers of the same family",
            );
        }
        if peer.is_multicast() || peer.is_unspecified() {
            return wrong(field, format!("{peer} is no unicast address"), "name the peer's own address");
        }
        if settings.unicast_peers.iter().take(at).any(|earlier| earlier == peer) {
            return wrong(field, format!("{peer} is named twice"), "remove one");
        }
    }
    Ok(())
}

/// RFC 9568 §5.2.9: the first IPv6 address is the virtual router's link-local.
fn with_link_local(addresses: &[IpAddr], family: Family, vrid: Vrid) -> (Arc<[IpAddr]>, Option<IpAddr>) {
    match family {
        Family::V4 => (addresses.into(), None),
        Family::V6 => {
            let made = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5e00, 2, u16::from(vrid.get()));
            led_by_link_local(addresses, IpAddr::V6(made))
        }
    }
}

#[cfg(test)]
mod tests;
