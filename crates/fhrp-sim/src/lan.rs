//! The wires: two switches that learn from what is sent, and what travels between them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bytes::Bytes;
use fhrp::MacAddr;

/// Where a switch sends frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// To the router or host of this place.
    Place(usize),
    /// To the other switch.
    Trunk,
}

/// What travels.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) source: MacAddr,
    pub(crate) destination: MacAddr,
    pub(crate) body: Body,
}

/// What is in it.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// A whole frame of the protocol.
    Protocol(Bytes),
    /// Gratuitous ARP, unsolicited NA, or an answer to [`Body::Solicit`].
    Here { address: IpAddr, mac: MacAddr },
    /// A host asks who has an address.
    Solicit { address: IpAddr },
    /// A host sends something to the upstream.
    Probe { host: usize, number: usize },
    /// The upstream answers.
    Reply { host: usize, number: usize },
}

/// Two switches with a cable between them, and everybody's place.
#[derive(Debug)]
pub(crate) struct Switches {
    /// The switch of each place.
    at: Vec<usize>,
    tables: [BTreeMap<MacAddr, Port>; 2],
    pub(crate) split: bool,
}

impl Switches {
    pub(crate) fn new(at: Vec<usize>) -> Self {
        Self { at, tables: [BTreeMap::new(), BTreeMap::new()], split: false }
    }

    /// The places that a frame of `from` goes to.
    pub(crate) fn forward(&mut self, from: usize, frame: &Frame) -> Vec<usize> {
        let mut reached = Vec::new();
        self.enter(self.at[from], Port::Place(from), frame, &mut reached);
        reached
    }

    fn enter(&mut self, switch: usize, ingress: Port, frame: &Frame, reached: &mut Vec<usize>) {
        self.tables[switch].insert(frame.source, ingress);
        let known = self.tables[switch].get(&frame.destination).filter(|_| !frame.destination.is_multicast());
        match known.copied() {
            Some(port) if port == ingress => {}
            Some(Port::Place(place)) => reached.push(place),
            Some(Port::Trunk) => self.cross(switch, frame, reached),
            None => {
                let here = (0..self.at.len()).filter(|place| self.at[*place] == switch);
                reached.extend(here.filter(|place| Port::Place(*place) != ingress));
                if ingress != Port::Trunk {
                    self.cross(switch, frame, reached);
                }
            }
        }
    }

    fn cross(&mut self, switch: usize, frame: &Frame, reached: &mut Vec<usize>) {
        if !self.split {
            self.enter(1 - switch, Port::Trunk, frame, reached);
        }
    }

    /// A port lost its carrier: what was learned there is forgotten.
    pub(crate) fn flush(&mut self, port: Port, place_of: usize) {
        let switch = match port {
            Port::Place(place) => self.at[place],
            Port::Trunk => place_of,
        };
        self.tables[switch].retain(|_, learned| *learned != port);
    }

    /// The first place that a frame to `mac` would go to from each switch.
    pub(crate) fn leads_to(&self, switch: usize, mac: MacAddr) -> Option<usize> {
        match self.tables[switch].get(&mac)? {
            Port::Place(place) => Some(*place),
            Port::Trunk => match self.tables[1 - switch].get(&mac)? {
                Port::Place(place) => Some(*place),
                Port::Trunk => None,
            },
        }
    }

    /// Whether anybody is connected to `switch`.
    pub(crate) fn used(&self, switch: usize) -> bool {
        self.at.contains(&switch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
    const B: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

    fn frame(source: MacAddr, destination: MacAddr) -> Frame {
        Frame { source, destination, body: Body::Probe { host: 0, number: 0 } }
    }

    #[test]
    fn unknown_is_flooded_and_known_is_not() {
        let mut switches = Switches::new(vec![0, 1, 0]);
        assert_eq!(switches.forward(0, &frame(A, B)), [2, 1]);
        assert_eq!(switches.forward(1, &frame(B, A)), [0]);
        assert_eq!(switches.forward(0, &frame(A, B)), [1]);
        assert_eq!(switches.forward(2, &frame(MacAddr::ZERO, MacAddr::BROADCAST)), [0, 1]);
    }

    #[test]
    fn a_mac_moves_with_its_frames_and_is_forgotten_with_its_port() {
        let mut switches = Switches::new(vec![0, 1, 0]);
        switches.forward(0, &frame(A, B));
        switches.forward(1, &frame(A, B));
        assert_eq!((switches.leads_to(0, A), switches.leads_to(1, A)), (Some(1), Some(1)));
        switches.flush(Port::Place(1), 1);
        assert_eq!(switches.leads_to(1, A), None);
    }
}
