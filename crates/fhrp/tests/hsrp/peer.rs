//! A scripted peer.

use std::net::IpAddr;
use std::time::Duration;

use bytes::BytesMut;
use fhrp::MacAddr;
use fhrp_wire::hsrp::{
    self, Credentials, Group, KeyBytes, Message, Opcode, Origin, Parts, State, TextKey, Timers, Variant,
    default_text,
};

use super::lan::{address, gateway, mac};

/// How a peer authenticates.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    None,
    Text(TextKey),
    Md5(u32, KeyBytes),
}

/// What a peer says; change what the test is about.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    pub(crate) variant: Variant,
    pub(crate) group: u16,
    pub(crate) opcode: Opcode,
    pub(crate) state: State,
    pub(crate) priority: u8,
    pub(crate) hello: Duration,
    pub(crate) hold: Duration,
    pub(crate) address: Option<IpAddr>,
    pub(crate) source: IpAddr,
    pub(crate) mac: MacAddr,
    pub(crate) proof: Proof,
}

/// A Hello about group 1 from router 3, all defaults.
pub(crate) fn hello(variant: Variant, state: State, priority: u8) -> Says {
    Says {
        variant,
        group: 1,
        opcode: Opcode::Hello,
        state,
        priority,
        hello: Duration::from_secs(3),
        hold: Duration::from_secs(10),
        address: Some(gateway(variant)),
        source: address(variant, 3),
        mac: mac(3),
        proof: Proof::Text(default_text()),
    }
}

pub(crate) fn coup(variant: Variant, priority: u8) -> Says {
    Says { opcode: Opcode::Coup, ..hello(variant, State::Standby, priority) }
}

pub(crate) fn resign(variant: Variant, state: State) -> Says {
    Says { opcode: Opcode::Resign, ..hello(variant, state, 100) }
}

impl Says {
    pub(crate) fn payload(&self) -> BytesMut {
        let mut octets = BytesMut::new();
        self.write(&mut octets);
        octets
    }

    pub(crate) fn frame(&self) -> BytesMut {
        self.frame_with(|out| self.write(out))
    }

    /// Another payload in the same envelope.
    pub(crate) fn frame_around(&self, payload: &[u8]) -> BytesMut {
        self.frame_with(|out| out.extend_from_slice(payload))
    }

    fn frame_with(&self, write: impl FnOnce(&mut BytesMut)) -> BytesMut {
        let mut octets = BytesMut::new();
        let origin =
            Origin { source_mac: self.mac, source: self.source, hop_limit: self.variant.hop_limit() };
        hsrp::frame(&mut octets, self.variant, origin, write).unwrap();
        octets
    }

    fn write(&self, out: &mut BytesMut) {
        let message = Message::new(Parts {
            group: Group::new(self.variant, self.group).unwrap(),
            opcode: self.opcode,
            state: self.state,
            priority: self.priority,
            timers: Timers::new(self.variant.version(), self.hello, self.hold).unwrap(),
            identifier: self.mac,
            address: self.address,
        });
        let credentials = match &self.proof {
            Proof::None => Credentials::None,
            Proof::Text(key) => Credentials::Text(key),
            Proof::Md5(key_id, key) => Credentials::Md5 { key, key_id: *key_id, source: self.source },
        };
        message.unwrap().emit(out, &credentials);
    }
}
