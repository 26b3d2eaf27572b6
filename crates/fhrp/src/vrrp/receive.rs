//! Which packets count: the rules of RFC 9568 §7.1 (and RFC 3768 §7.1) in a fixed order; the first one broken decides.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Advert, Claim, Instant, Rank};
use fhrp_wire::MacAddr;
use fhrp_wire::vrrp::{
    self, Advertisement, AuthData, Body, ChecksumForm, DecodeError, GROUP_V4, GROUP_V6, Version,
};

use super::Router;
use crate::config::AdvertisementInterval;
use crate::speaker::Underlay;
use crate::{Authentication, InterfaceStats, VrrpConfig, VrrpStats};

/// A packet of protocol 112, out of its envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) at: Instant,
    pub(crate) ethernet_source: MacAddr,
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) payload: &'a [u8],
}

impl Packet<'_> {
    /// The virtual addresses that it advertises; none if they cannot be read.
    pub(crate) fn addresses(&self) -> Arc<[IpAddr]> {
        let parsed = vrrp::parse(self.source, self.destination, self.payload);
        parsed.map_or_else(|_| Arc::from([]), |parsed| parsed.advertisement.addresses().iter().collect())
    }
}

/// Why a packet is discarded: one reason, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Destination,
    Ttl,
    Length,
    Version,
    Type,
    Carp,
    Checksum,
    Vrid,
    CountZero,
    IntervalZero,
    AuthType,
    AuthFailure,
    Interval,
    AddressList,
    Owner,
    Looped,
    V2Shadowed,
}

impl Reason {
    /// What an operator reads.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Destination => "not sent to the group, or not by a configured peer (destination-errors)",
            Self::Ttl => "TTL or hop limit is not 255 (ip-ttl-errors)",
            Self::Length => "length does not match its own count (packet-length-errors)",
            Self::Version => "another VRRP version (version-errors)",
            Self::Type => "not an advertisement (invalid-type-pkts-rcvd)",
            Self::Carp => "CARP (carp-pkts-rcvd)",
            Self::Checksum => "wrong checksum (checksum-errors)",
            Self::Vrid => "VRID not configured here (vrid-errors)",
            Self::CountZero => "no address in it (count-zero-errors)",
            Self::IntervalZero => "interval 0 (interval-zero-errors)",
            Self::AuthType => "another authentication type (auth-type-mismatch)",
            Self::AuthFailure => "authentication failed (auth-failures)",
            Self::Interval => "another advertisement interval (interval-errors)",
            Self::AddressList => "another address list (address-list-errors)",
            Self::Owner => "this router owns the address (owner-conflicts)",
            Self::Looped => "our own frame came back (looped)",
            Self::V2Shadowed => "its sender also speaks version 3 (v2-shadowed)",
        }
    }

    /// The same of `packet`, with what was heard and what is configured, where that can be compared.
    pub(crate) fn explain(self, packet: &Packet<'_>, config: &VrrpConfig) -> String {
        let (text, ours) = (self.text(), config.version().get());
        match (self, packet.payload.first()) {
            (Self::Version, Some(first)) => format!("{text}: it speaks {}, this group {ours}", first >> 4),
            (Self::AddressList, _) => {
                let (theirs, ours) = (list(&packet.addresses()), list(config.addresses()));
                format!("{text}: it advertises {theirs}, this group {ours}")
            }
            (
                Self::Version
                | Self::Destination
                | Self::Ttl
                | Self::Length
                | Self::Type
                | Self::Carp
                | Self::Checksum
                | Self::Vrid
                | Self::CountZero
                | Self::IntervalZero
                | Self::AuthType
                | Self::AuthFailure
                | Self::Interval
                | Self::Owner
                | Self::Looped
                | Self::V2Shadowed,
                _,
            ) => text.to_owned(),
        }
    }

    /// Counts what cannot be laid at a group's door.
    pub(crate) fn count_interface(self, stats: &mut InterfaceStats) {
        match self {
            Self::Destination => stats.destination_errors += 1,
            Self::Ttl => stats.ip_ttl_errors += 1,
            Self::Length => stats.packet_length_errors += 1,
            Self::Version => stats.version_errors += 1,
            Self::Type => stats.invalid_type_pkts_rcvd += 1,
            Self::Carp => stats.carp_pkts_rcvd += 1,
            Self::Checksum => stats.checksum_errors += 1,
            Self::Vrid => stats.vrid_errors += 1,
            Self::CountZero
            | Self::IntervalZero
            | Self::AuthType
            | Self::AuthFailure
            | Self::Interval
            | Self::AddressList
            | Self::Owner
            | Self::Looped
            | Self::V2Shadowed => {}
        }
    }

    /// Counts in the group that the packet's VRID names.
    pub(crate) fn count_group(self, stats: &mut VrrpStats) {
        let counter = match self {
            Self::Destination => &mut stats.destination_errors,
            Self::Ttl => &mut stats.ip_ttl_errors,
            Self::Length => &mut stats.packet_length_errors,
            Self::Version => &mut stats.version_errors,
            Self::Type => &mut stats.invalid_type_pkts_rcvd,
            Self::Checksum => &mut stats.checksum_errors,
            Self::CountZero => &mut stats.count_zero_errors,
            Self::IntervalZero => &mut stats.interval_zero_errors,
            Self::AuthType => &mut stats.auth_type_mismatch,
            Self::AuthFailure => &mut stats.auth_failures,
            Self::Interval => &mut stats.interval_errors,
            Self::AddressList => &mut stats.address_list_errors,
            Self::Owner => &mut stats.owner_conflicts,
            Self::Looped => &mut stats.looped,
            Self::V2Shadowed => &mut stats.v2_shadowed,
            Self::Carp | Self::Vrid => return,
        };
        *counter += 1;
    }
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Something worth a word about a packet that counts all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    Interval(Duration),
    AddressList,
    OwnerConflict,
    EqualPriority,
}

/// A packet that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) advert: Advert,
    pub(crate) version: Version,
    /// Version 3 over IPv4: the form that it came in, where that can be told.
    pub(crate) checksum: Option<ChecksumForm>,
    pub(crate) remarks: [Option<Remark>; 4],
}

/// Applies the rules of RFC 9568 §7.1. `router` is the one that the packet's VRID names on its interface; `to_us` says
/// that the destination is an address of that interface.
pub(crate) fn screen(
    packet: &Packet<'_>,
    router: Option<(&Router, Option<&Underlay>)>,
    to_us: bool,
) -> Result<Accepted, Reason> {
    let unicast = router.is_some_and(|(router, _)| !router.config.settings().unicast_peers.is_empty());
    match router {
        Some((router, _)) if unicast => check_unicast(packet, router, to_us)?,
        Some(_) | None => check_multicast(packet)?,
    }
    if let Some((router, _)) = router {
        check_version_spoken(packet, router)?;
    }
    let parsed = vrrp::parse(packet.source, packet.destination, packet.payload);
    match (parsed, router) {
        (Err(error), None) if past_the_vrid(error) => Err(Reason::Vrid),
        (Err(error), _) => Err(reason_of(error)),
        (Ok(_), None) => Err(Reason::Vrid),
        (Ok(parsed), Some((router, underlay))) => judge(packet, &parsed, router, underlay),
    }
}

/// RFC 9568 §5.1.1.2, §5.1.1.3, §5.1.2.2, §5.1.2.3: to the group, with TTL or hop limit 255.
fn check_multicast(packet: &Packet<'_>) -> Result<(), Reason> {
    let group = match packet.source {
        IpAddr::V4(_) => IpAddr::V4(GROUP_V4),
        IpAddr::V6(_) => IpAddr::V6(GROUP_V6),
    };
    match (packet.destination == group, packet.ttl) {
        (false, _) => Err(Reason::Destination),
        (true, vrrp::TTL) => Ok(()),
        (true, _) => Err(Reason::Ttl),
    }
}

/// To an address of ours, from a configured peer. A TTL says nothing across routers, so it is not looked at.
fn check_unicast(packet: &Packet<'_>, router: &Router, to_us: bool) -> Result<(), Reason> {
    let known = router.config.settings().unicast_peers.contains(&packet.source);
    if known && to_us { Ok(()) } else { Err(Reason::Destination) }
}

/// RFC 9568 §7.1: the version that this group speaks. Before the rest, which is read by that version's rules.
fn check_version_spoken(packet: &Packet<'_>, router: &Router) -> Result<(), Reason> {
    let version = match packet.payload.first().map(|octet| octet >> 4) {
        Some(2) => Version::V2,
        Some(3) => Version::V3,
        Some(_) | None => return Ok(()),
    };
    let carp_or_short = packet.payload.len() < 20 || packet.payload.len() == 36;
    if router.accepts(version) || (version == Version::V2 && carp_or_short) {
        Ok(())
    } else {
        Err(Reason::Version)
    }
}

/// Rules that RFC 9568 §7.1 puts behind the one on the VRID.
fn past_the_vrid(error: DecodeError) -> bool {
    matches!(
        error,
        DecodeError::CountZero
            | DecodeError::IntervalZero
            | DecodeError::Md5Block
            | DecodeError::FirstAddressNotLinkLocal
    )
}

fn reason_of(error: DecodeError) -> Reason {
    match error {
        DecodeError::MixedFamilies => Reason::Destination,
        DecodeError::TooShort { .. } | DecodeError::Length { .. } => Reason::Length,
        DecodeError::Carp => Reason::Carp,
        DecodeError::Version(_) | DecodeError::VersionNotForFamily(..) => Reason::Version,
        DecodeError::Type(_) => Reason::Type,
        DecodeError::Checksum => Reason::Checksum,
        DecodeError::VridZero => Reason::Vrid,
        DecodeError::CountZero => Reason::CountZero,
        DecodeError::IntervalZero => Reason::IntervalZero,
        DecodeError::Md5Block => Reason::AuthFailure,
        DecodeError::FirstAddressNotLinkLocal => Reason::AddressList,
    }
}

/// The rules that need the configuration.
fn judge(
    packet: &Packet<'_>,
    parsed: &vrrp::Parsed<'_>,
    router: &Router,
    underlay: Option<&Underlay>,
) -> Result<Accepted, Reason> {
    let said = &parsed.advertisement;
    // A packet that only looked like CARP comes this far without having been asked for its version.
    if !router.accepts(said.version()) {
        return Err(Reason::Version);
    }
    let native = said.version() == router.config.version();
    if let Body::V2 { auth, .. } = said.body() {
        check_authentication(packet, said, auth, router)?;
    }
    let interval = check_interval(said, router)?;
    let list = check_list(said, router)?;
    let owner = underlay.is_some_and(|underlay| underlay.owner);
    if owner && said.version() == Version::V2 && native {
        return Err(Reason::Owner);
    }
    if underlay.is_some_and(|underlay| underlay.source == packet.source) {
        return Err(Reason::Looped);
    }
    if !native && router.peers.speaks_v3(packet.source, packet.at) {
        return Err(Reason::V2Shadowed);
    }
    let claim = if said.priority() == 0 { Claim::Resign } else { Claim::Active };
    let from = Rank { priority: said.priority(), address: packet.source };
    let claims = owner || router.config.settings().priority == 255;
    let equal = underlay.is_some_and(|underlay| underlay.priority == said.priority());
    Ok(Accepted {
        advert: Advert { from, claim, hello: said.interval(), hold: Duration::ZERO },
        version: said.version(),
        checksum: parsed.checksum.form(),
        remarks: [
            interval,
            list,
            (claims && said.priority() == 255).then_some(Remark::OwnerConflict),
            (equal && !claims).then_some(Remark::EqualPriority),
        ],
    })
}

/// RFC 3768 §5.3.6 and §7.1: the type is the configured one, and the password or digest matches.
fn check_authentication(
    packet: &Packet<'_>,
    said: &Advertisement<'_>,
    auth: &AuthData,
    router: &Router,
) -> Result<(), Reason> {
    let matches = match (&router.config.settings().authentication, auth) {
        (Authentication::None, AuthData::None) => return Ok(()),
        (Authentication::Text(key), AuthData::Text(_)) => said.verify_text(key),
        (Authentication::CiscoMd5(key), AuthData::CiscoMd5 { .. }) => said.verify_md5(key, packet.source),
        (
            Authentication::None | Authentication::Text(_) | Authentication::CiscoMd5(_),
            AuthData::None | AuthData::Text(_) | AuthData::CiscoMd5 { .. } | AuthData::Unknown(_),
        ) => return Err(Reason::AuthType),
    };
    if matches { Ok(()) } else { Err(Reason::AuthFailure) }
}

/// RFC 9568 §7.1: another interval is no reason to discard; RFC 3768 §7.1: it is. A version 2 advertisement heard by a
/// version 3 group that coexists says whole seconds and is followed (RFC 9568 §8.4.2).
fn check_interval(said: &Advertisement<'_>, router: &Router) -> Result<Option<Remark>, Reason> {
    let ours = match router.interval() {
        AdvertisementInterval::V3(interval) => interval.to_duration(),
        AdvertisementInterval::V2(interval) => interval.to_duration(),
    };
    match (said.interval() == ours, router.config.version()) {
        (true, _) => Ok(None),
        (false, Version::V3) => Ok(Some(Remark::Interval(said.interval()))),
        (false, Version::V2) => Err(Reason::Interval),
    }
}

/// RFC 9568 §7.1: another list is worth a word. RFC 3768 §7.1: it is discarded unless the owner of the addresses sent it.
fn check_list(said: &Advertisement<'_>, router: &Router) -> Result<Option<Remark>, Reason> {
    let same = said.addresses().matches(router.config.addresses());
    match (same, router.config.version(), said.priority()) {
        (true, _, _) => Ok(None),
        (false, Version::V3, _) | (false, Version::V2, 255) => Ok(Some(Remark::AddressList)),
        (false, Version::V2, _) => Err(Reason::AddressList),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{counted, named};

    /// RFC 8347: what no group can be blamed for is counted on the interface, the rest in the group.
    #[test]
    fn a_discarded_packet_is_counted_where_its_reason_says() {
        use Reason::*;
        let of_both = [Destination, Ttl, Length, Version, Type, Checksum];
        let of_interface = [Carp, Vrid];
        let of_group = [
            CountZero,
            IntervalZero,
            AuthType,
            AuthFailure,
            Interval,
            AddressList,
            Owner,
            Looped,
            V2Shadowed,
        ];
        let both = of_both.map(|reason| (reason, 1, 1));
        let interface = of_interface.map(|reason| (reason, 1, 0));
        let group = of_group.map(|reason| (reason, 0, 1));
        for (reason, on_interface, in_group) in both.into_iter().chain(interface).chain(group) {
            let (mut stats, mut of_interface) = (VrrpStats::default(), InterfaceStats::default());
            reason.count_group(&mut stats);
            reason.count_interface(&mut of_interface);
            let name = named(reason.text());
            assert_eq!(counted(of_interface.iter()), vec![name.as_str(); on_interface], "{reason:?}");
            assert_eq!(counted(stats.iter()), vec![name.as_str(); in_group], "{reason:?}");
        }
    }
}
