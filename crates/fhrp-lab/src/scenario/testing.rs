//! Events for the tests of this module's parts.

use fhrp_wire::MacAddr;

use crate::{
    capture::{Event, Port},
    clock::Stamp,
    frame::Kind,
};

pub(super) fn at(millis: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000 + millis * 1_000_000)
}

pub(super) fn event(node: &str, millis: u64, kind: Kind) -> Event {
    Event {
        at: at(millis),
        node: node.into(),
        port: Port::Lan(0),
        source_mac: MacAddr::ZERO,
        destination_mac: MacAddr([0xff; 6]),
        kind,
        frame: Vec::new(),
    }
}
