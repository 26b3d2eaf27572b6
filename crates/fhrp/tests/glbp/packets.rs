//! Packets made for tests, as a peer at 10.0.0.n would send them.

use std::net::IpAddr;

use bytes::BytesMut;
use fhrp::MacAddr;
use fhrp_wire::glbp::{
    self, Body, Credentials, Destination, Forwarder, ForwarderNumber, ForwarderPriority, Forwarders,
    GroupNumber, Hello, Milliseconds, PacketFrame, Seconds, Timers, VfState, VgState,
};

use super::lan::*;

/// What a peer says; change what the test is about.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) n: u8,
    pub(crate) owner: MacAddr,
    pub(crate) state: VgState,
    pub(crate) priority: u8,
    pub(crate) timers: (u32, u32, u16, u16),
    pub(crate) address: IpAddr,
    pub(crate) forwarders: Vec<Forwarder>,
}

/// A Hello of router `n` of the given state and priority.
pub(crate) fn says(n: u8, state: VgState, priority: u8) -> Says {
    let timers = (3000, 10_000, 600, 14_400);
    Says { n, owner: mac(n), state, priority, timers, address: ip(VIP), forwarders: Vec::new() }
}

pub(crate) fn number(number: u8) -> ForwarderNumber {
    ForwarderNumber::new(number).unwrap()
}

/// What a router that serves forwarder `n` says of it.
pub(crate) fn active(n: u8, priority: ForwarderPriority) -> Forwarder {
    Forwarder {
        number: number(n),
        state: VfState::Active,
        priority,
        weight: 100,
        timeout_left: Seconds::new(14_400),
        redirect_left: Seconds::new(600),
    }
}

impl Says {
    pub(crate) fn with(self, forwarders: &[Forwarder]) -> Self {
        Self { forwarders: forwarders.to_vec(), ..self }
    }

    fn hello(&self) -> Hello {
        let (hello, hold, redirect, timeout) = self.timers;
        let millis = |number| Milliseconds::new(number).unwrap();
        let timers = Timers::new(millis(hello), millis(hold), Seconds::new(redirect), Seconds::new(timeout));
        Hello::new(self.state, self.priority, timers.unwrap(), self.address).unwrap()
    }

    pub(crate) fn body(&self) -> Body {
        let forwarders = Forwarders::new(&self.forwarders).unwrap();
        Body::Announcement { hello: Some(self.hello()), forwarders }
    }

    /// Without authentication.
    pub(crate) fn frame(&self) -> Vec<u8> {
        self.frame_with(self.body(), Credentials::None, Destination::Group)
    }

    /// The forwarders without the Hello.
    pub(crate) fn alone(&self) -> Vec<u8> {
        let forwarders = Forwarders::new(&self.forwarders).unwrap();
        let body = Body::Announcement { hello: None, forwarders };
        self.frame_with(body, Credentials::None, Destination::Group)
    }

    pub(crate) fn frame_with(
        &self,
        body: Body,
        credentials: Credentials<'_>,
        destination: Destination,
    ) -> Vec<u8> {
        let source = match self.address {
            IpAddr::V4(_) => IpAddr::from([10, 0, 0, self.n]),
            IpAddr::V6(_) => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, u16::from(self.n)]),
        };
        let packet = glbp::Packet::new(GroupNumber::new(1).unwrap(), self.owner, body).unwrap();
        let frame = PacketFrame { packet, credentials, source_mac: self.owner, source, destination };
        let mut octets = BytesMut::new();
        glbp::packet_frame(&mut octets, &frame).unwrap();
        octets.to_vec()
    }

    /// To router `to`.
    pub(crate) fn unicast(&self, body: Body, to: u8) -> Vec<u8> {
        let address = IpAddr::from([10, 0, 0, to]);
        self.frame_with(body, Credentials::None, Destination::Peer { mac: mac(to), address })
    }
}

/// The UDP payload of a frame.
pub(crate) fn payload(frame: &[u8]) -> Vec<u8> {
    let frame = fhrp_wire::envelope::parse(frame).unwrap();
    let datagram = fhrp_wire::envelope::udp::parse(&frame.packet).unwrap().unwrap();
    datagram.payload.to_vec()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}
