//! Which packets count: the rules in a fixed order; the first one broken decides.

use std::net::IpAddr;

use fhrp_election::Instant;
use fhrp_wire::glbp::{self, AuthData, DecodeError, Opcode, Parsed};
use fhrp_wire::{Family, MacAddr};

use super::Group;
use crate::{GlbpAuthentication, GlbpStats, InterfaceStats};

/// A packet to port 3222, out of its envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) at: Instant,
    pub(crate) ethernet_source: MacAddr,
    pub(crate) source: IpAddr,
    pub(crate) target: Target,
    pub(crate) hop_limit: u8,
    pub(crate) payload: &'a [u8],
}

/// To whom a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The multicast group of its family.
    Group,
    /// An address of the interface.
    Us,
    /// Somebody else.
    Elsewhere,
}

impl Target {
    /// `ours` says whether an address is one of the interface.
    pub(crate) fn of(destination: IpAddr, ours: impl FnOnce(IpAddr) -> bool) -> Self {
        let group = match destination {
            IpAddr::V4(address) => address == glbp::GROUP_V4,
            IpAddr::V6(address) => address == glbp::GROUP_V6,
        };
        if group {
            Self::Group
        } else if ours(destination) {
            Self::Us
        } else {
            Self::Elsewhere
        }
    }
}

/// Why a packet is discarded: one reason, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Ttl,
    Destination,
    Malformed(DecodeError),
    Group,
    Source,
    Looped,
    AuthType,
    AuthKey,
    AuthFailure,
}

impl Reason {
    /// What an operator reads.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Ttl => "TTL or hop limit is not 255 (ip-ttl-errors)".to_owned(),
            Self::Destination => "not sent to whom it is for (destination-errors)".to_owned(),
            Self::Malformed(error) => format!("{error} ({})", counter_name(error)),
            Self::Group => "group not configured here (glbp-group-errors)".to_owned(),
            Self::Source => "not from an address of a router (source-errors)".to_owned(),
            Self::Looped => "it says it is ours (looped)".to_owned(),
            Self::AuthType => "another authentication type (auth-type-mismatch)".to_owned(),
            Self::AuthKey => "a key that is not accepted now (auth-key-errors)".to_owned(),
            Self::AuthFailure => "authentication failed (auth-failures)".to_owned(),
        }
    }

    /// Whether it is about authentication, which operators look for by another word.
    pub(crate) fn is_authentication(self) -> bool {
        match self {
            Self::AuthType | Self::AuthKey | Self::AuthFailure => true,
            Self::Ttl
            | Self::Destination
            | Self::Malformed(_)
            | Self::Group
            | Self::Source
            | Self::Looped => false,
        }
    }

    /// Counts what cannot be laid at a group's door.
    pub(crate) fn count_interface(self, stats: &mut InterfaceStats) {
        match self {
            Self::Malformed(DecodeError::Group(_)) | Self::Group => stats.glbp_group_errors += 1,
            Self::Malformed(_) => stats.glbp_malformed += 1,
            Self::Ttl => stats.ip_ttl_errors += 1,
            Self::Destination => stats.destination_errors += 1,
            Self::Source | Self::Looped | Self::AuthType | Self::AuthKey | Self::AuthFailure => {}
        }
    }

    /// Counts in the group that the packet names.
    pub(crate) fn count_group(self, stats: &mut GlbpStats) {
        match self {
            Self::Ttl => stats.ip_ttl_errors += 1,
            Self::Destination => stats.destination_errors += 1,
            Self::Malformed(error) => {
                if let Some(counter) = counter(error, stats) {
                    *counter += 1;
                }
            }
            Self::Group => {}
            Self::Source => stats.source_errors += 1,
            Self::Looped => stats.looped += 1,
            Self::AuthType => stats.auth_type_mismatch += 1,
            Self::AuthKey => stats.auth_key_errors += 1,
            Self::AuthFailure => stats.auth_failures += 1,
        }
    }
}

/// The counter of each rule of the format; none for a group that does not exist.
fn counter(error: DecodeError, stats: &mut GlbpStats) -> Option<&mut u64> {
    Some(match error {
        DecodeError::TooShort { .. } => &mut stats.too_short,
        DecodeError::Version(_) => &mut stats.version_errors,
        DecodeError::Opcode(_) => &mut stats.opcode_errors,
        DecodeError::Group(_) => return None,
        DecodeError::OwnerId(_) => &mut stats.owner_id_errors,
        DecodeError::TlvLength(_) => &mut stats.tlv_length_errors,
        DecodeError::TlvPastEnd { .. } => &mut stats.tlv_past_end,
        DecodeError::DuplicateTlv(_) => &mut stats.tlv_repeated,
        DecodeError::AuthLayout { .. } => &mut stats.auth_layout_errors,
        DecodeError::AuthType(_) => &mut stats.auth_type_errors,
        DecodeError::NonceLength { .. } => &mut stats.nonce_length_errors,
        DecodeError::HelloLength { .. } => &mut stats.hello_length_errors,
        DecodeError::AddressType(_) => &mut stats.address_type_errors,
        DecodeError::AddressLength { .. } => &mut stats.address_length_errors,
        DecodeError::AddressFamily(_) => &mut stats.address_family_errors,
        DecodeError::VgState(_) => &mut stats.gateway_state_errors,
        DecodeError::HelloTimeZero => &mut stats.hello_time_errors,
        DecodeError::HoldTime { .. } => &mut stats.hold_time_errors,
        DecodeError::VirtualAddress(_) => &mut stats.virtual_address_errors,
        DecodeError::ForwarderLength { .. } => &mut stats.forwarder_length_errors,
        DecodeError::ForwarderNumber(_) => &mut stats.forwarder_number_errors,
        DecodeError::ForwarderMac { .. } => &mut stats.forwarder_mac_errors,
        DecodeError::VfState(_) => &mut stats.forwarder_state_errors,
        DecodeError::DuplicateForwarder(_) => &mut stats.forwarder_repeated,
        DecodeError::ForwarderCount { .. } => &mut stats.forwarder_count_errors,
        DecodeError::Empty => &mut stats.empty_errors,
    })
}

/// What that counter is called.
fn counter_name(error: DecodeError) -> String {
    let mut stats = GlbpStats::default();
    if let Some(counter) = counter(error, &mut stats) {
        *counter = 1;
    }
    let name = stats.iter().find(|(_, count)| *count == 1).map_or("glbp_group_errors", |(name, _)| name);
    name.replace('_', "-")
}

/// Applies the rules that need no more than the packet and the group's configuration. `group` is the one that the
/// packet names on its interface.
pub(crate) fn screen<'a>(packet: &Packet<'a>, group: Option<&Group>) -> Result<Parsed<'a>, Reason> {
    if packet.target == Target::Elsewhere {
        return Err(Reason::Destination);
    }
    if packet.hop_limit != glbp::TTL {
        return Err(Reason::Ttl);
    }
    let parsed = glbp::parse(Family::of(&packet.source), packet.payload).map_err(Reason::Malformed)?;
    match (parsed.packet.opcode(), packet.target) {
        (Opcode::Announcement, Target::Group) | (Opcode::Request | Opcode::Response, Target::Us) => {}
        (Opcode::Announcement | Opcode::Request | Opcode::Response, _) => return Err(Reason::Destination),
    }
    let group = group.ok_or(Reason::Group)?;
    if !is_router(packet.source) {
        return Err(Reason::Source);
    }
    if group.is_ours(packet.source, parsed.packet.owner()) {
        return Err(Reason::Looped);
    }
    authenticate(packet, &parsed, group)?;
    Ok(parsed)
}

/// Whether packets can come from this address: over IPv6 the link-local.
fn is_router(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(source) => {
            let nobody = source.is_unspecified() || source.is_multicast() || source.is_broadcast();
            !(nobody || source.is_loopback())
        }
        IpAddr::V6(source) => source.is_unicast_link_local(),
    }
}

/// The kind is the configured one, and the text or digest matches.
fn authenticate(packet: &Packet<'_>, parsed: &Parsed<'_>, group: &Group) -> Result<(), Reason> {
    let matches = match (&group.config().settings().authentication, &parsed.auth) {
        (GlbpAuthentication::None, AuthData::None) => return Ok(()),
        (GlbpAuthentication::Text(text), AuthData::Text(_)) => parsed.verify_text(text),
        (GlbpAuthentication::Md5(key), AuthData::Md5 { key_id: None, .. }) => {
            parsed.verify_md5(key, packet.source)
        }
        (GlbpAuthentication::Chain(chain), AuthData::Md5 { key_id: Some(id), .. }) => {
            let known = chain.accepting(*id, group.clock().at(packet.at));
            parsed.verify_md5(&known.ok_or(Reason::AuthKey)?.key, packet.source)
        }
        (
            GlbpAuthentication::None
            | GlbpAuthentication::Text(_)
            | GlbpAuthentication::Md5(_)
            | GlbpAuthentication::Chain(_),
            AuthData::None | AuthData::Text(_) | AuthData::Md5 { .. },
        ) => return Err(Reason::AuthType),
    };
    if matches { Ok(()) } else { Err(Reason::AuthFailure) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{counted, named};

    fn malformed() -> [DecodeError; 25] {
        use DecodeError::*;
        let number = glbp::ForwarderNumber::new(1).unwrap();
        [
            TooShort { actual: 1 },
            Version(2),
            Opcode(9),
            OwnerId(MacAddr::ZERO),
            TlvLength(1),
            TlvPastEnd { announced: 2, left: 1 },
            DuplicateTlv(1),
            AuthLayout { auth_type: None, actual: 1 },
            AuthType(9),
            NonceLength { count: 2, actual: 1 },
            HelloLength { actual: 1 },
            AddressType(9),
            AddressLength { family: Family::V4, actual: 1 },
            AddressFamily(Family::V6),
            VgState(1),
            HelloTimeZero,
            HoldTime { hello: 2, hold: 1 },
            VirtualAddress([0, 0, 0, 0].into()),
            ForwarderLength { actual: 1 },
            ForwarderNumber(5),
            ForwarderMac { number, mac: MacAddr::ZERO },
            VfState(1),
            DuplicateForwarder(number),
            ForwarderCount { actual: 2 },
            Empty,
        ]
    }

    /// Every reason, with the counter of the interface; that of the group is named in its text.
    #[test]
    fn a_discarded_packet_is_counted_where_its_reason_says() {
        let malformed = malformed().map(|error| (Reason::Malformed(error), Some("glbp_malformed")));
        let others = [
            (Reason::Ttl, Some("ip_ttl_errors")),
            (Reason::Destination, Some("destination_errors")),
            (Reason::Source, None),
            (Reason::Looped, None),
            (Reason::AuthType, None),
            (Reason::AuthKey, None),
            (Reason::AuthFailure, None),
        ];
        let mut names = Vec::new();
        for (reason, on_interface) in malformed.into_iter().chain(others) {
            let (mut stats, mut of_interface) = (GlbpStats::default(), InterfaceStats::default());
            reason.count_group(&mut stats);
            reason.count_interface(&mut of_interface);
            assert_eq!(counted(stats.iter()), [named(&reason.text())], "{reason:?}");
            assert_eq!(counted(of_interface.iter()), on_interface.as_slice(), "{reason:?}");
            names.push(named(&reason.text()));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 32, "one reason, one counter");
    }

    /// No group can be blamed for a group that is not here.
    #[test]
    fn groups_that_are_not_here_are_counted_on_the_interface() {
        for reason in [Reason::Group, Reason::Malformed(DecodeError::Group(1024))] {
            let (mut stats, mut of_interface) = (GlbpStats::default(), InterfaceStats::default());
            reason.count_group(&mut stats);
            reason.count_interface(&mut of_interface);
            assert_eq!(counted(stats.iter()), [""; 0]);
            assert_eq!(counted(of_interface.iter()), ["glbp_group_errors"]);
            assert_eq!(named(&reason.text()), "glbp_group_errors");
        }
    }

    #[test]
    fn only_keys_and_texts_are_about_authentication() {
        for reason in [Reason::AuthType, Reason::AuthKey, Reason::AuthFailure] {
            assert!(reason.is_authentication(), "{reason:?}");
        }
        for reason in [
            Reason::Ttl,
            Reason::Destination,
            Reason::Malformed(DecodeError::Empty),
            Reason::Group,
            Reason::Source,
            Reason::Looped,
        ] {
            assert!(!reason.is_authentication(), "{reason:?}");
        }
    }
}
