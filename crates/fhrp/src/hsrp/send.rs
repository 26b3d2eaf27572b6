//! What a router says: RFC 2281 §5, and what real routers do where it is silent.

use bytes::BytesMut;
use fhrp_election::State;
use fhrp_wire::MacAddr;
use fhrp_wire::hsrp::{
    self, Credentials, InterfaceActivity, InterfaceState, Message, Opcode, Origin, Parts, Variant, Version,
};

use super::{Router, wire_state};
use crate::speaker::{Frames, Saying, Underlay};
use crate::{Action, HsrpAuthentication, Instant};

impl Router {
    /// Renders what is sent at `now` from `underlay` by a router in `state`.
    pub(crate) fn render(&self, saying: Saying, state: State, underlay: &Underlay, now: Instant) -> Frames {
        let mut frames = Frames::default();
        let Some(credentials) = self.credentials(underlay, now) else { return frames };
        let (opcode, said) = match (saying, state) {
            (Saying::Advert, state) => (Opcode::Hello, wire_state(state)),
            (Saying::Coup, state) => (Opcode::Coup, wire_state(state)),
            // One that resigns while it is Active is being stopped.
            (Saying::Resign, State::Active) => (Opcode::Resign, hsrp::State::Initial),
            (Saying::Resign, state) => (Opcode::Resign, wire_state(state)),
        };
        let message = Message::new(Parts {
            group: self.config.group(),
            opcode,
            state: said,
            priority: underlay.priority,
            timers: self.timers(state),
            identifier: underlay.physical,
            address: self.addresses.first().copied(),
        });
        let Ok(message) = message else { return frames };
        let mut octets = BytesMut::new();
        let variant = self.config.group().variant();
        let origin = origin(variant, source_mac(said, underlay), underlay);
        if hsrp::frame(&mut octets, variant, origin, |out| message.emit(out, &credentials)).is_ok() {
            frames.multicast.push(octets.freeze());
        }
        frames
    }

    /// `None` while a chain has no key to send with.
    fn credentials(&self, underlay: &Underlay, now: Instant) -> Option<Credentials<'_>> {
        let source = underlay.source;
        Some(match &self.config.settings().authentication {
            HsrpAuthentication::None => Credentials::None,
            HsrpAuthentication::Text(key) => Credentials::Text(key),
            HsrpAuthentication::Md5(key) => Credentials::Md5 { key, key_id: 0, source },
            HsrpAuthentication::Chain(chain) => {
                let key = chain.sending(self.clock.at(now))?;
                Credentials::Md5 { key: &key.key, key_id: key.id, source }
            }
        })
    }
}

/// RFC 2281 §5.4: the Active router speaks from the virtual MAC, every other from its own.
fn source_mac(said: hsrp::State, underlay: &Underlay) -> MacAddr {
    match said {
        hsrp::State::Active => underlay.mac,
        hsrp::State::Disabled
        | hsrp::State::Initial
        | hsrp::State::Learn
        | hsrp::State::Listen
        | hsrp::State::Speak
        | hsrp::State::Standby => underlay.physical,
    }
}

fn origin(variant: Variant, source_mac: MacAddr, underlay: &Underlay) -> Origin {
    Origin { source_mac, source: underlay.source, hop_limit: variant.hop_limit() }
}

/// The message about an interface on which this router is Active in `active` groups of `variant` and runs `passive`
/// others.
pub(crate) fn interface_state(
    variant: Variant,
    (active, passive): (u16, u16),
    underlay: &Underlay,
) -> Option<Action> {
    let activity = match (active, passive) {
        (0, 0) => InterfaceActivity::Dormant,
        (0, _) => InterfaceActivity::Passive,
        (_, _) => InterfaceActivity::Active,
    };
    let message = match variant.version() {
        Version::V1 => InterfaceState::V1 { activity, active, passive },
        Version::V2 => InterfaceState::V2 { active, passive },
    };
    let mut octets = BytesMut::new();
    let origin = origin(variant, underlay.physical, underlay);
    hsrp::frame(&mut octets, variant, origin, |out| message.emit(out)).ok()?;
    Some(Action::Transmit { interface: underlay.interface, frame: octets.freeze() })
}
