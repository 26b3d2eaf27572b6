//! What came of the runs, for people and programs: everything that is shown, and the object that `--json` prints.

mod build;
mod windows;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

pub(super) use build::tell;

/// Everything. Times are seconds from the start of all daemons, exact to the microsecond.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// What decided chance.
    pub(super) seed: u64,
    /// When nothing was looked at any more.
    pub(super) end_seconds: f64,
    /// What the configurations have wrong together.
    pub(super) remarks: Vec<String>,
    pub(super) lans: Vec<LanStory>,
    pub(super) faults: Vec<FaultStory>,
    pub(super) groups: Vec<GroupStory>,
    /// Addresses that are in several groups, whose routers do not hear each other.
    pub(super) disputed: Vec<AddressStory>,
    pub(super) hosts: Vec<HostStory>,
    /// Warnings and errors that routers would log, each once.
    pub(super) complaints: Vec<Complaint>,
    /// What happened, in order.
    pub(super) events: Vec<EventStory>,
}

/// A LAN, and who is on it.
#[derive(Debug, Serialize)]
pub(super) struct LanStory {
    pub(super) lan: String,
    pub(super) routers: Vec<PortStory>,
}

/// An interface.
#[derive(Debug, Serialize)]
pub(super) struct PortStory {
    pub(super) router: String,
    pub(super) file: String,
    pub(super) interface: String,
    pub(super) ipv4: IpAddr,
    pub(super) ipv6: IpAddr,
}

/// A statement of the script.
#[derive(Debug, Serialize)]
pub(super) struct FaultStory {
    /// As it was written, without its time.
    pub(super) text: String,
    pub(super) from_seconds: f64,
    /// When it was over; null where it lasted until the end, or does not last at all.
    pub(super) until_seconds: Option<f64>,
    /// Whether it lasts: what ends another one does not.
    pub(super) lasts: bool,
    pub(super) lans: Vec<String>,
}

/// A group.
#[derive(Debug, Serialize)]
pub(super) struct GroupStory {
    pub(super) protocol: String,
    pub(super) lan: String,
    /// 4 or 6.
    pub(super) family: u8,
    pub(super) group: u16,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) routers: Vec<MemberStory>,
    pub(super) windows: Vec<Window>,
    /// How others call it.
    #[serde(skip)]
    pub(super) title: String,
}

/// An address that is in several groups.
#[derive(Debug, Serialize)]
pub(super) struct AddressStory {
    pub(super) lan: String,
    pub(super) address: IpAddr,
    /// The groups, as logs call them.
    pub(super) groups: Vec<String>,
    pub(super) windows: Vec<Window>,
}

/// A router in a group.
#[derive(Debug, Serialize)]
pub(super) struct MemberStory {
    pub(super) router: String,
    /// What it is configured to do, in words.
    pub(super) settings: String,
    pub(super) priority: u8,
    /// In the end; null where the daemon does not run then.
    pub(super) effective_priority: Option<u8>,
    /// The states that it went through, in order.
    pub(super) states: Vec<StateStory>,
    /// GLBP: the same for each forwarder.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) forwarders: BTreeMap<u8, Vec<StateStory>>,
    /// Counters that are not 0 in the end, as `show` names them.
    pub(super) counters: BTreeMap<String, u64>,
}

/// A time in one state.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StateStory {
    /// As `show` names it, and `down` while the daemon does not run.
    pub(super) state: String,
    pub(super) from_seconds: f64,
    pub(super) until_seconds: f64,
}

/// A time with no Active router, or with several.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Window {
    /// `none-active` or `two-active`.
    pub(super) kind: WindowKind,
    /// GLBP: of which forwarder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) forwarder: Option<u8>,
    pub(super) from_seconds: f64,
    /// Null if it lasted until the end.
    pub(super) until_seconds: Option<f64>,
    pub(super) seconds: f64,
    /// Who was Active.
    pub(super) routers: Vec<String>,
    /// Whether all daemons had just started.
    pub(super) startup: bool,
    /// How long it may take by the protocol, if all can talk to each other.
    pub(super) bound_seconds: f64,
    pub(super) within_bound: bool,
    /// What the script had done to the LAN then.
    pub(super) faults: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WindowKind {
    NoneActive,
    TwoActive,
}

/// A host.
#[derive(Debug, Serialize)]
pub(super) struct HostStory {
    pub(super) host: String,
    pub(super) lan: String,
    /// Its gateway.
    pub(super) address: IpAddr,
    /// The gateway's group.
    pub(super) group: String,
    /// Where the LAN is split: the routers on the host's side.
    pub(super) beside: Vec<String>,
    /// When it reached its gateway first; null for never.
    pub(super) served_from_seconds: Option<f64>,
    /// Probes since then; all if it never was.
    pub(super) sent: u64,
    pub(super) lost: u64,
    /// Answers too many.
    pub(super) duplicates: u64,
    /// All outages together.
    pub(super) outage_seconds: f64,
    pub(super) outages: Vec<OutageStory>,
}

/// A time in which a host had no gateway.
#[derive(Debug, Serialize)]
pub(super) struct OutageStory {
    pub(super) from_seconds: f64,
    /// Null if it lasted until the end.
    pub(super) until_seconds: Option<f64>,
    pub(super) seconds: f64,
    pub(super) lost: u64,
}

/// What a router would log as a warning or an error.
#[derive(Debug, Serialize)]
pub(super) struct Complaint {
    pub(super) router: String,
    pub(super) level: String,
    pub(super) text: String,
    pub(super) first_seconds: f64,
    pub(super) count: u64,
}

/// Something that happened.
#[derive(Debug, Serialize)]
pub(super) struct EventStory {
    pub(super) seconds: f64,
    pub(super) kind: EventKind,
    pub(super) router: Option<String>,
    pub(super) lan: Option<String>,
    /// The line of the daemon's log, or what the script says.
    pub(super) text: String,
    /// A warning or error that was said before.
    #[serde(skip)]
    pub(super) again: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EventKind {
    /// The script.
    Fault,
    /// A daemon starts or ends.
    Daemon,
    /// A group or forwarder changed its state.
    State,
    /// Something else that the daemon would log.
    Notice,
    /// What was sent or received.
    Frame,
}
