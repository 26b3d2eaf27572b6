//! What an operator should hear of.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Cause, Instant};
use fhrp_wire::MacAddr;
use fhrp_wire::vrrp::ChecksumForm;

use crate::{GroupId, GroupState, TrackName, TrackState, Waiting};

/// Something that happened to a group. Repeated ones are held back by the engine, so a hostile sender cannot make many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it happened.
    pub at: Instant,
    /// To whom.
    pub group: GroupId,
    /// What.
    pub kind: NoticeKind,
}

/// The kinds of notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The group changed state.
    Moved {
        /// From.
        from: GroupState,
        /// To.
        to: GroupState,
        /// Why.
        cause: Cause,
    },
    /// A forwarder of a GLBP group changed state here.
    ForwarderMoved {
        /// Which one, 1–4.
        forwarder: u8,
        /// From.
        from: GroupState,
        /// To.
        to: GroupState,
        /// Why, where there was a contest.
        cause: Option<Cause>,
    },
    /// The group cannot run now.
    Waits(Waiting),
    /// This router has a virtual address of its own: it is the owner and runs at priority 255 (RFC 9568 §5.2.4).
    Owns(IpAddr),
    /// Priority 255 is configured although no virtual address is the interface's own.
    NotOwner,
    /// The virtual link-local that was put in front of the addresses (RFC 9568 §5.2.9).
    LinkLocalAdded(IpAddr),
    /// A peer sends the other IPv4 checksum form, which is used from now on.
    ChecksumForm {
        /// The peer.
        peer: IpAddr,
        /// Its form.
        form: ChecksumForm,
    },
    /// A peer advertises another interval than ours (version 3: followed; version 2: discarded).
    IntervalMismatch {
        /// The peer.
        peer: IpAddr,
        /// Its interval.
        theirs: Duration,
        /// Ours.
        ours: Duration,
    },
    /// A peer advertises another list of addresses than ours.
    AddressListMismatch {
        /// The peer.
        peer: IpAddr,
        /// Its list.
        theirs: Arc<[IpAddr]>,
    },
    /// Somebody else sends priority 255 although we own the address (RFC 9568 §8.3.2).
    OwnerConflict {
        /// The peer.
        peer: IpAddr,
    },
    /// A frame was discarded.
    Discarded {
        /// The sender.
        peer: IpAddr,
        /// The counter that it went to, with why.
        reason: Arc<str>,
    },
    /// Somebody else uses the address that we send from.
    DuplicateAddress {
        /// The address.
        address: IpAddr,
        /// The other's MAC.
        mac: MacAddr,
    },
    /// The dataplane could not be programmed.
    ProgramFault(Arc<str>),
    /// The dataplane works again.
    Programmed,
    /// Something of ours was removed or changed by somebody else and has been put back.
    Mended(Arc<str>),
    /// Many transitions within a minute (RFC 9568 §2.5).
    Flapping {
        /// How many within the last minute.
        transitions: u32,
    },
    /// The same of a forwarder of a GLBP group.
    ForwarderFlapping {
        /// Its number.
        forwarder: u8,
        /// How many within the last minute.
        transitions: u32,
    },
    /// A message was discarded because it is not authenticated as ours are.
    BadAuthentication {
        /// The sender.
        peer: IpAddr,
        /// The counter that it went to, with why.
        reason: Arc<str>,
    },
    /// A router speaks another version than the groups of this interface do: neither hears the other.
    OtherVersion {
        /// The router.
        peer: IpAddr,
        /// Its version.
        version: u8,
    },
    /// It is the time of no key of the chain: the one that was good last goes on, sent and accepted.
    KeysExpired {
        /// The chain's name.
        chain: Arc<str>,
        /// The number of the key that goes on.
        key: u32,
    },
    /// The Active router said the virtual address.
    AddressLearned {
        /// The Active router.
        peer: IpAddr,
        /// The address.
        address: IpAddr,
    },
    /// A peer names another virtual address than ours.
    AddressMismatch {
        /// The peer.
        peer: IpAddr,
        /// Its virtual address.
        theirs: IpAddr,
    },
    /// The group that this one follows became Active, which this one cannot be now.
    CutOff {
        /// The group that it follows.
        leader: Arc<str>,
    },
    /// A tracked object changed.
    Tracked {
        /// Which.
        name: TrackName,
        /// What it is now.
        state: TrackState,
    },
    /// GLBP: the weighting fell below its lower threshold, and others are to forward.
    WeightingLow {
        /// What it is now.
        weight: u8,
        /// The threshold.
        lower: u8,
    },
    /// GLBP: the weighting is at its upper threshold again.
    WeightingEnough {
        /// What it is now.
        weight: u8,
        /// The threshold.
        upper: u8,
    },
    /// GLBP: the AVG has no forwarder to tell hosts of, and its own weighting is too low to serve one.
    Unserved,
    /// A peer of equal priority was heard; priorities should be apart (RFC 9568 §8.3.2).
    EqualPriority {
        /// The peer.
        peer: IpAddr,
    },
}
