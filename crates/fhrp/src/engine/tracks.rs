//! Tracked objects: told by the caller, or the state of an interface.

use fhrp_election::Instant;

use super::Engine;
use crate::group::Announce;
use crate::{InterfaceName, TrackName, TrackState};

impl Engine {
    /// A tracked object changed. It need not be one that any group tracks yet.
    pub fn set_track(&mut self, now: Instant, name: &TrackName, state: TrackState) {
        if self.tracks.insert(name.clone(), state) != Some(state) {
            self.tracks_changed(now);
        }
    }

    /// From now on the object is up while this interface is there, enabled and has carrier, and down otherwise. While
    /// nothing has been heard of the interface, nothing is known of the object either.
    pub fn track_interface(&mut self, now: Instant, name: &TrackName, interface: &InterfaceName) {
        let at = self.interfaces.slot_of(interface);
        if let Some(before) = self.tracked_interfaces.insert(name.clone(), at) {
            self.forget_if_idle(before);
        }
        let known = self.interfaces.get(at).and_then(|interface| interface.link.as_ref());
        match known.map(|link| link.up) {
            Some(up) => self.set_track(now, name, state_of(up)),
            None => self.know_nothing_of(now, name),
        }
    }

    /// Nothing is known of the object any more, so it counts as up.
    pub fn forget_track(&mut self, now: Instant, name: &TrackName) {
        if let Some(before) = self.tracked_interfaces.remove(name) {
            self.forget_if_idle(before);
        }
        self.know_nothing_of(now, name);
    }

    /// The objects of which something is known, ordered by name.
    pub fn tracks(&self) -> impl Iterator<Item = (&TrackName, TrackState)> {
        self.tracks.iter().map(|(name, state)| (name, *state))
    }

    /// An interface changed, appeared or went: so did the objects that stand for it.
    pub(super) fn observe_interface(&mut self, now: Instant, at: usize) {
        let link = self.interfaces.get(at).and_then(|interface| interface.link.as_ref());
        let state = state_of(link.is_some_and(|link| link.up));
        let names: Vec<TrackName> = self
            .tracked_interfaces
            .iter()
            .filter(|(_, slot)| **slot == at)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.set_track(now, &name, state);
        }
    }

    fn know_nothing_of(&mut self, now: Instant, name: &TrackName) {
        if self.tracks.remove(name).is_some() {
            self.tracks_changed(now);
        }
    }

    fn tracks_changed(&mut self, now: Instant) {
        if self.stopped {
            return;
        }
        let tracks = std::mem::take(&mut self.tracks);
        for slot in 0..self.groups.len() {
            self.with_group(slot, |group, out| {
                group.handle_tracks(now, &tracks, out);
                Announce::Nothing
            });
        }
        self.tracks = tracks;
        self.after_moves(now);
    }
}

fn state_of(up: bool) -> TrackState {
    if up { TrackState::Up } else { TrackState::Down }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{IfIndex, LinkEvent, LinkState, MacAddr};

    const NOW: Instant = Instant::from_millis(1);

    fn link(name: &str, up: bool) -> LinkEvent {
        LinkEvent::Present(LinkState {
            name: InterfaceName::new(name),
            index: IfIndex(7),
            mac: MacAddr([2, 0, 0, 0, 0, 7]),
            up,
            mtu: 1500,
            ipv4: Vec::new(),
            ipv6: Vec::new(),
        })
    }

    fn known(engine: &Engine) -> Vec<(String, TrackState)> {
        engine.tracks().map(|(name, state)| (name.to_string(), state)).collect()
    }

    fn uplink(state: TrackState) -> Vec<(String, TrackState)> {
        vec![("uplink".to_owned(), state)]
    }

    #[test]
    fn an_interface_is_an_object() {
        let mut engine = Engine::new();
        let (uplink_name, eth1) = (TrackName::new("uplink"), InterfaceName::new("eth1"));
        engine.track_interface(NOW, &uplink_name, &eth1);
        assert_eq!(known(&engine), [], "nothing is known before the interface is");
        engine.handle_link(NOW, link("eth1", true));
        assert_eq!(known(&engine), uplink(TrackState::Up));
        engine.handle_link(NOW, link("eth1", false));
        assert_eq!(known(&engine), uplink(TrackState::Down), "no carrier");
        engine.handle_link(NOW, link("eth1", true));
        engine.handle_link(NOW, LinkEvent::Gone(IfIndex(7)));
        assert_eq!(known(&engine), uplink(TrackState::Down), "gone");
        engine.forget_track(NOW, &uplink_name);
        engine.handle_link(NOW, link("eth1", false));
        assert_eq!(known(&engine), []);
    }

    #[test]
    fn a_renamed_interface_is_no_longer_the_object() {
        let mut engine = Engine::new();
        engine.handle_link(NOW, link("eth1", true));
        engine.track_interface(NOW, &TrackName::new("uplink"), &InterfaceName::new("eth1"));
        assert_eq!(known(&engine), uplink(TrackState::Up), "what is known already counts at once");
        engine.handle_link(NOW, link("eth2", true));
        assert_eq!(known(&engine), uplink(TrackState::Down));
    }

    #[test]
    fn another_interface_may_take_over() {
        let mut engine = Engine::new();
        let name = TrackName::new("uplink");
        engine.handle_link(NOW, link("eth1", false));
        engine.track_interface(NOW, &name, &InterfaceName::new("eth1"));
        engine.track_interface(NOW, &name, &InterfaceName::new("eth2"));
        assert_eq!(known(&engine), [], "the state of the one before says nothing");
        engine.handle_link(NOW, link("eth1", true));
        assert_eq!(known(&engine), []);
    }
}
