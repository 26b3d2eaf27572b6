//! Which messages count, by rules in a fixed order; the first one broken decides.

use std::net::IpAddr;

use fhrp_election::{Advert, Claim, Instant, Rank};
use fhrp_wire::MacAddr;
use fhrp_wire::hsrp::{
    self, Auth, DecodeError, Message, Opcode, Parsed, Received, State, TimersSeen, Variant,
};

use super::Router;
use crate::speaker::Underlay;
use crate::{HsrpAuthentication, HsrpStats, InterfaceStats};

/// A datagram to one of HSRP's groups and ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) at: Instant,
    pub(crate) ethernet_source: MacAddr,
    pub(crate) source: IpAddr,
    pub(crate) variant: Variant,
    pub(crate) payload: &'a [u8],
}

/// Why a message is discarded: one reason, one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Malformed(DecodeError),
    Group,
    Version,
    Looped,
    AuthType,
    AuthKey,
    AuthFailure,
}

impl Reason {
    /// What an operator reads.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Malformed(error) => malformed(error),
            Self::Group => "group not configured here (hsrp-group-errors)",
            Self::Version => "another HSRP version (version-errors)",
            Self::Looped => "our own frame came back (looped)",
            Self::AuthType => "another kind of authentication (auth-type-mismatch)",
            Self::AuthKey => "a key that is not accepted now (auth-key-errors)",
            Self::AuthFailure => "authentication failed (auth-failures)",
        }
    }

    /// Whether it is about authentication, which operators look for by another word.
    pub(crate) fn is_authentication(self) -> bool {
        match self {
            Self::AuthType | Self::AuthKey | Self::AuthFailure => true,
            Self::Malformed(_) | Self::Group | Self::Version | Self::Looped => false,
        }
    }

    /// Counts what cannot be laid at a group's door.
    pub(crate) fn count_interface(self, stats: &mut InterfaceStats) {
        match self {
            Self::Malformed(_) => stats.hsrp_malformed += 1,
            Self::Group => stats.hsrp_group_errors += 1,
            Self::Version => stats.hsrp_version_errors += 1,
            Self::Looped | Self::AuthType | Self::AuthKey | Self::AuthFailure => {}
        }
    }

    /// Counts in the group that the message names.
    pub(crate) fn count_group(self, stats: &mut HsrpStats) {
        let counter = match self {
            Self::Malformed(error) => counter_of(error, stats),
            Self::Group => return,
            Self::Version => &mut stats.version_errors,
            Self::Looped => &mut stats.looped,
            Self::AuthType => &mut stats.auth_type_mismatch,
            Self::AuthKey => &mut stats.auth_key_errors,
            Self::AuthFailure => &mut stats.auth_failures,
        };
        *counter += 1;
    }
}

fn malformed(error: DecodeError) -> &'static str {
    match error {
        DecodeError::TooShort { .. } => "too short (too-short)",
        DecodeError::Version(_) => "another version in it than its group's (version-field-errors)",
        DecodeError::Opcode(_) => "unknown opcode (opcode-errors)",
        DecodeError::State(_) => "unknown state (state-errors)",
        DecodeError::AdvertiseType(_) => "unknown advertisement (advertise-type-errors)",
        DecodeError::AdvertiseLength(_) => "wrong advertisement length (advertise-length-errors)",
        DecodeError::InterfaceState(_) => "unknown interface state (interface-state-errors)",
        DecodeError::TlvTooShort => "ends inside a TLV (tlv-too-short)",
        DecodeError::TlvLength { .. } => "wrong TLV length (tlv-length-errors)",
        DecodeError::TlvRepeated(_) => "TLV twice (tlv-repeated)",
        DecodeError::TwoAuthentications => "two kinds of authentication (auth-repeated)",
        DecodeError::Md5Block => "malformed MD5 block (md5-block-errors)",
        DecodeError::NoState => "no state in it (no-state-errors)",
        DecodeError::IpVersion(_) => "another IP version in it (ip-version-errors)",
        DecodeError::Group(_) => "group above 4095 (group-range-errors)",
    }
}

fn counter_of(error: DecodeError, stats: &mut HsrpStats) -> &mut u64 {
    match error {
        DecodeError::TooShort { .. } => &mut stats.too_short,
        DecodeError::Version(_) => &mut stats.version_field_errors,
        DecodeError::Opcode(_) => &mut stats.opcode_errors,
        DecodeError::State(_) => &mut stats.state_errors,
        DecodeError::AdvertiseType(_) => &mut stats.advertise_type_errors,
        DecodeError::AdvertiseLength(_) => &mut stats.advertise_length_errors,
        DecodeError::InterfaceState(_) => &mut stats.interface_state_errors,
        DecodeError::TlvTooShort => &mut stats.tlv_too_short,
        DecodeError::TlvLength { .. } => &mut stats.tlv_length_errors,
        DecodeError::TlvRepeated(_) => &mut stats.tlv_repeated,
        DecodeError::TwoAuthentications => &mut stats.auth_repeated,
        DecodeError::Md5Block => &mut stats.md5_block_errors,
        DecodeError::NoState => &mut stats.no_state_errors,
        DecodeError::IpVersion(_) => &mut stats.ip_version_errors,
        DecodeError::Group(_) => &mut stats.group_range_errors,
    }
}

/// Something worth a word about a message that counts all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// It names another virtual address than ours, which may be learned from it.
    Address(IpAddr),
    /// Its timers are not usable as sent.
    Timers(TimersSeen),
    /// Its priority is above 255.
    Priority,
}

/// A message that counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// About a group.
    Group { advert: Advert, message: Message, remarks: [Option<Remark>; 3] },
    /// About its sender's interface; informational.
    Interface,
}

/// Applies the rules. `router` is the one that the message's group names on its interface.
pub(crate) fn screen(
    packet: &Packet<'_>,
    router: Option<(&Router, Option<&Underlay>)>,
) -> Result<Heard, Reason> {
    if router.is_some_and(|(router, _)| router.config.group().variant() != packet.variant) {
        return Err(Reason::Version);
    }
    let received = match hsrp::parse(packet.variant, packet.payload).map_err(Reason::Malformed)? {
        Parsed::InterfaceState(_) => return Ok(Heard::Interface),
        Parsed::Message(received) => received,
    };
    let (router, underlay) = router.ok_or(Reason::Group)?;
    if underlay.is_some_and(|underlay| underlay.source == packet.source) {
        return Err(Reason::Looped);
    }
    authenticate(packet, &received, router)?;
    Ok(judge(packet, &received, router))
}

/// RFC 2281 §5.1: a message whose authentication does not match says nothing.
fn authenticate(packet: &Packet<'_>, received: &Received<'_>, router: &Router) -> Result<(), Reason> {
    let source = packet.source;
    let matches = match (&router.config.settings().authentication, received.auth()) {
        (HsrpAuthentication::None, Auth::None) => true,
        (HsrpAuthentication::Text(key), Auth::Text(_)) => received.verify_text(key),
        (HsrpAuthentication::Md5(key), Auth::Md5 { .. }) => received.verify_md5(key, source),
        (HsrpAuthentication::Chain(chain), Auth::Md5 { key_id, .. }) => {
            let known = chain.accepting(*key_id, router.clock.at(packet.at));
            received.verify_md5(&known.ok_or(Reason::AuthKey)?.key, source)
        }
        (
            HsrpAuthentication::None
            | HsrpAuthentication::Text(_)
            | HsrpAuthentication::Md5(_)
            | HsrpAuthentication::Chain(_),
            Auth::None | Auth::Text(_) | Auth::Md5 { .. },
        ) => return Err(Reason::AuthType),
    };
    if matches { Ok(()) } else { Err(Reason::AuthFailure) }
}

/// What the message comes to.
fn judge(packet: &Packet<'_>, received: &Received<'_>, router: &Router) -> Heard {
    let message = *received.message();
    let claim = match (message.opcode(), message.state()) {
        (Opcode::Coup, _) => Claim::Coup,
        (Opcode::Resign, _) => Claim::Resign,
        (Opcode::Hello, State::Active) => Claim::Active,
        (Opcode::Hello, State::Standby) => Claim::Standby,
        (Opcode::Hello, State::Speak) => Claim::Speak,
        (Opcode::Hello, State::Disabled | State::Initial | State::Learn | State::Listen) => Claim::Listen,
    };
    // Version 1 cannot say less than a second and says 0: then the own ones hold (RFC 2281 §5, action A).
    let timers = message.timers().unwrap_or_else(|| router.timers(fhrp_election::State::Listen));
    let from = Rank { priority: message.priority(), address: packet.source };
    let other = message.address().filter(|theirs| router.addresses.first() != Some(theirs));
    let odd = received.remarks();
    let timers_odd = (odd.timers != TimersSeen::AsSent).then_some(Remark::Timers(odd.timers));
    Heard::Group {
        advert: Advert { from, claim, hello: timers.hello(), hold: timers.hold() },
        message,
        remarks: [other.map(Remark::Address), timers_odd, odd.clamped_priority.map(|_| Remark::Priority)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{counted, named};

    /// Every reason, with the counter of the interface; that of the group is named in its text.
    #[test]
    fn a_discarded_message_is_counted_where_its_reason_says() {
        use DecodeError::*;
        let malformed = [
            TooShort { actual: 1 },
            Version(1),
            Opcode(9),
            State(9),
            AdvertiseType(9),
            AdvertiseLength(9),
            InterfaceState(9),
            TlvTooShort,
            TlvLength { kind: 1, length: 1 },
            TlvRepeated(1),
            TwoAuthentications,
            Md5Block,
            NoState,
            IpVersion(9),
            Group(4096),
        ];
        let malformed = malformed.map(|error| (Reason::Malformed(error), Some("hsrp_malformed")));
        let others = [
            (Reason::Version, Some("hsrp_version_errors")),
            (Reason::Looped, None),
            (Reason::AuthType, None),
            (Reason::AuthKey, None),
            (Reason::AuthFailure, None),
        ];
        for (reason, on_interface) in malformed.into_iter().chain(others) {
            let (mut stats, mut of_interface) = (HsrpStats::default(), InterfaceStats::default());
            reason.count_group(&mut stats);
            reason.count_interface(&mut of_interface);
            assert_eq!(counted(stats.iter()), [named(reason.text())], "{reason:?}");
            assert_eq!(counted(of_interface.iter()), on_interface.as_slice(), "{reason:?}");
        }
        let mut of_interface = InterfaceStats::default();
        Reason::Group.count_interface(&mut of_interface);
        assert_eq!(counted(of_interface.iter()), [named(Reason::Group.text())]);
    }

    #[test]
    fn only_keys_and_texts_are_about_authentication() {
        for reason in [Reason::AuthType, Reason::AuthKey, Reason::AuthFailure] {
            assert!(reason.is_authentication(), "{reason:?}");
        }
        for reason in
            [Reason::Malformed(DecodeError::NoState), Reason::Group, Reason::Version, Reason::Looped]
        {
            assert!(!reason.is_authentication(), "{reason:?}");
        }
    }
}
