//! Notices of the engine in the operator's words.

use std::net::IpAddr;

use fhrp::{GroupState, Notice, NoticeKind, TrackState};
use tracing::Level;

/// How loud, and what.
pub(crate) fn describe(notice: &Notice) -> (Level, String) {
    (level(&notice.kind), format!("{}: {}", notice.group, words(&notice.kind)))
}

/// Writes the notice to the log.
pub(super) fn log(notice: &Notice) {
    let (level, text) = describe(notice);
    match level {
        Level::ERROR => tracing::error!("{text}"),
        Level::WARN => tracing::warn!("{text}"),
        _ => tracing::info!("{text}"),
    }
}

fn level(kind: &NoticeKind) -> Level {
    match kind {
        NoticeKind::Moved { .. }
        | NoticeKind::ForwarderMoved { .. }
        | NoticeKind::Owns(_)
        | NoticeKind::LinkLocalAdded(_)
        | NoticeKind::ChecksumForm { .. }
        | NoticeKind::Programmed
        | NoticeKind::AddressLearned { .. }
        | NoticeKind::WeightingEnough { .. }
        | NoticeKind::Tracked { state: TrackState::Up, .. } => Level::INFO,
        NoticeKind::Waits(_)
        | NoticeKind::NotOwner
        | NoticeKind::IntervalMismatch { .. }
        | NoticeKind::AddressListMismatch { .. }
        | NoticeKind::Discarded { .. }
        | NoticeKind::Mended(_)
        | NoticeKind::Flapping { .. }
        | NoticeKind::ForwarderFlapping { .. }
        | NoticeKind::BadAuthentication { .. }
        | NoticeKind::KeysExpired { .. }
        | NoticeKind::WeightingLow { .. }
        | NoticeKind::AddressMismatch { .. }
        | NoticeKind::Tracked { state: TrackState::Down, .. }
        | NoticeKind::EqualPriority { .. } => Level::WARN,
        NoticeKind::OwnerConflict { .. }
        | NoticeKind::DuplicateAddress { .. }
        | NoticeKind::ProgramFault(_)
        | NoticeKind::OtherVersion { .. }
        | NoticeKind::CutOff { .. }
        | NoticeKind::Unserved => Level::ERROR,
    }
}

fn words(kind: &NoticeKind) -> String {
    match kind {
        NoticeKind::Moved { from, to, cause } => format!("{from} -> {to}: {}", because(*to, cause)),
        NoticeKind::ForwarderMoved { forwarder, from, to, cause } => {
            forwarder_moved(*forwarder, (*from, *to), cause.as_ref())
        }
        NoticeKind::Waits(why) => format!("waits: {why}"),
        NoticeKind::Owns(address) => {
            format!("{address} is this router's own: it is the owner and runs at priority 255")
        }
        NoticeKind::NotOwner => {
            "priority 255 is configured although no virtual address is the interface's own".to_owned()
        }
        NoticeKind::LinkLocalAdded(address) => {
            format!("{address} is put first of the addresses: over IPv6 a link-local address leads")
        }
        NoticeKind::ChecksumForm { peer, form } => {
            let form = crate::report::form(*form);
            format!("{peer} sends the {form} checksum, which is used from now on")
        }
        NoticeKind::IntervalMismatch { peer, theirs, ours } => {
            format!("{peer} advertises every {theirs:?}, this router every {ours:?}")
        }
        NoticeKind::AddressListMismatch { peer, theirs } => {
            format!("{peer} advertises other addresses than are configured here: {}", list(theirs))
        }
        NoticeKind::OwnerConflict { peer } => {
            format!("{peer} sends priority 255 too, although this router owns the address")
        }
        NoticeKind::Discarded { peer, reason } => format!("discarded a packet of {peer}: {reason}"),
        NoticeKind::DuplicateAddress { address, mac } => {
            format!("{mac} uses {address}, which is this router's")
        }
        NoticeKind::ProgramFault(why) => format!("the dataplane refused: {why}"),
        NoticeKind::Programmed => "the dataplane is as wished again".to_owned(),
        NoticeKind::Mended(what) => format!("put back what somebody else removed or changed: {what}"),
        NoticeKind::Flapping { transitions } => {
            format!("{transitions} changes to or from active within a minute")
        }
        NoticeKind::ForwarderFlapping { forwarder, transitions } => {
            format!("forwarder {forwarder}: {transitions} changes to or from active within a minute")
        }
        NoticeKind::BadAuthentication { peer, reason } => format!("bad authentication from {peer}: {reason}"),
        NoticeKind::KeysExpired { chain, key } => {
            format!("key chain {chain} has no key whose time it is: key {key} goes on, sent and accepted")
        }
        NoticeKind::OtherVersion { peer, version } => {
            format!("{peer} speaks version {version}, this group another: neither hears the other")
        }
        NoticeKind::AddressLearned { peer, address } => {
            format!("{peer} says that the virtual address is {address}")
        }
        NoticeKind::AddressMismatch { peer, theirs } => {
            format!("{peer} has another virtual address, {theirs}")
        }
        NoticeKind::CutOff { leader } => {
            format!("{leader}, which this group follows, is active, and this group cannot serve")
        }
        NoticeKind::Tracked { name, state: TrackState::Up } => format!("tracked object {name} is up"),
        NoticeKind::Tracked { name, state: TrackState::Down } => format!("tracked object {name} is down"),
        NoticeKind::WeightingLow { weight, lower } => too_low(*weight, *lower),
        NoticeKind::WeightingEnough { weight, upper } => enough(*weight, *upper),
        NoticeKind::Unserved => "no forwarder can be used: hosts get no answer".to_owned(),
        NoticeKind::EqualPriority { peer } => {
            format!("{peer} has the same priority; give each router its own (RFC 9568 §8.3.2)")
        }
    }
}

fn forwarder_moved(number: u8, (from, to): (GroupState, GroupState), cause: Option<&fhrp::Cause>) -> String {
    let why = cause.map_or(String::new(), |cause| format!(": {}", because(to, cause)));
    format!("forwarder {number} {from} -> {to}{why}")
}

fn too_low(weight: u8, lower: u8) -> String {
    format!("the weighting is {weight}, below its lower threshold {lower}: others are to forward")
}

fn enough(weight: u8, upper: u8) -> String {
    format!("the weighting is {weight}, which reaches its upper threshold {upper} again")
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn because(to: GroupState, cause: &fhrp::Cause) -> String {
    match (to, cause) {
        (GroupState::Initialize | GroupState::Initial, fhrp::Cause::Shutdown) => "stopped".to_owned(),
        // Of a forwarder alone: its contest ends while the group runs.
        (GroupState::Listen, fhrp::Cause::Shutdown) => "the weighting is too low".to_owned(),
        (_, cause) => cause.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use fhrp::{Cause, Family, GroupId, Instant, InterfaceName, Protocol, Rank, Waiting};

    use super::*;

    fn line(kind: NoticeKind) -> String {
        let interface = InterfaceName::new("eth0");
        let group = GroupId { interface, protocol: Protocol::Vrrp, family: Family::V4, number: 10 };
        describe(&Notice { at: Instant::from_millis(1), group, kind }).1
    }

    #[test]
    fn a_transition_says_why() {
        let (from, to) = (GroupState::Backup, GroupState::Active);
        let silent = NoticeKind::Moved { from, to, cause: Cause::ActiveSilent };
        assert_eq!(line(silent), "vrrp eth0 ipv4 10: backup -> active: no active router was heard");
        let by = Rank { priority: 200, address: "192.0.2.3".parse().unwrap() };
        let outranked = NoticeKind::Moved { from: to, to: from, cause: Cause::Outranked { by } };
        assert_eq!(
            line(outranked),
            "vrrp eth0 ipv4 10: active -> backup: it is outranked by the active router 192.0.2.3 (priority 200)"
        );
    }

    #[test]
    fn other_addresses_are_named() {
        let theirs = ["192.0.2.7", "192.0.2.8"].map(|address| address.parse().unwrap()).into();
        let other = NoticeKind::AddressListMismatch { peer: "192.0.2.3".parse().unwrap(), theirs };
        assert_eq!(
            line(other),
            "vrrp eth0 ipv4 10: 192.0.2.3 advertises other addresses than are configured here: \
             192.0.2.7 192.0.2.8"
        );
    }

    #[test]
    fn a_forwarder_is_named_and_says_why_where_there_was_a_contest() {
        let glbp = |kind| {
            let interface = InterfaceName::new("eth0");
            let group = GroupId { interface, protocol: Protocol::Glbp, family: Family::V4, number: 1 };
            describe(&Notice { at: Instant::from_millis(1), group, kind }).1
        };
        let (from, to) = (GroupState::Listen, GroupState::Active);
        let silent = NoticeKind::ForwarderMoved { forwarder: 2, from, to, cause: Some(Cause::ActiveSilent) };
        assert_eq!(
            glbp(silent),
            "glbp eth0 ipv4 1: forwarder 2 listen -> active: no active router was heard"
        );
        let (from, to) = (GroupState::Disabled, GroupState::Listen);
        let assigned = NoticeKind::ForwarderMoved { forwarder: 2, from, to, cause: None };
        assert_eq!(glbp(assigned), "glbp eth0 ipv4 1: forwarder 2 disabled -> listen");
        let (from, to) = (GroupState::Active, GroupState::Listen);
        let low = NoticeKind::ForwarderMoved { forwarder: 1, from, to, cause: Some(Cause::Shutdown) };
        assert_eq!(glbp(low), "glbp eth0 ipv4 1: forwarder 1 active -> listen: the weighting is too low");
        assert_eq!(
            glbp(NoticeKind::WeightingLow { weight: 80, lower: 90 }),
            "glbp eth0 ipv4 1: the weighting is 80, below its lower threshold 90: others are to forward"
        );
        let flapping = NoticeKind::ForwarderFlapping { forwarder: 2, transitions: 6 };
        assert_eq!(
            glbp(flapping),
            "glbp eth0 ipv4 1: forwarder 2: 6 changes to or from active within a minute"
        );
        let added = NoticeKind::LinkLocalAdded("fe80::7:b4ff:fe00:100".parse().unwrap());
        assert_eq!(
            glbp(added),
            "glbp eth0 ipv4 1: fe80::7:b4ff:fe00:100 is put first of the addresses: over IPv6 a link-local \
             address leads"
        );
    }

    #[test]
    fn good_news_is_quiet_and_what_costs_hosts_their_gateway_is_loud() {
        let loudness = |kind| level(&kind);
        assert_eq!(loudness(NoticeKind::Programmed), Level::INFO);
        let name = fhrp::TrackName::new("uplink");
        let tracked = |state| NoticeKind::Tracked { name: name.clone(), state };
        assert_eq!(loudness(tracked(TrackState::Up)), Level::INFO);
        assert_eq!(loudness(tracked(TrackState::Down)), Level::WARN);
        assert_eq!(loudness(NoticeKind::ForwarderFlapping { forwarder: 2, transitions: 6 }), Level::WARN);
        assert_eq!(loudness(NoticeKind::ProgramFault("no".into())), Level::ERROR);
    }

    #[test]
    fn a_missing_interface_is_waited_for() {
        let waits = line(NoticeKind::Waits(Waiting::InterfaceMissing));
        assert_eq!(waits, "vrrp eth0 ipv4 10: waits: interface does not exist");
    }
}
