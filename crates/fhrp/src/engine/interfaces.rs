//! All interfaces: which there are, and which are worth remembering.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhrp_election::Instant;

use super::Engine;
use super::hsrp::voice_slots;
use super::interface::Interface;
use crate::group::Announce;
use crate::{Action, InterfaceName, LinkEvent, LinkState};

/// Interfaces by name. A host with containers has ever new ones, so what is forgotten leaves its slot to others.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    slots: Vec<Option<Box<Interface>>>,
    names: BTreeMap<InterfaceName, usize>,
    vacant: Vec<usize>,
}

impl Interfaces {
    pub(super) fn get(&self, at: usize) -> Option<&Interface> {
        self.slots.get(at)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Interface> {
        self.slots.get_mut(at)?.as_deref_mut()
    }

    /// The slot of an interface that is remembered.
    pub(super) fn find(&self, name: &InterfaceName) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// All that are remembered, ordered by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&InterfaceName, &Interface)> {
        self.names.iter().filter_map(|(name, at)| Some((name, self.get(*at)?)))
    }

    /// The slot of an interface, which is remembered from now on.
    pub(super) fn slot_of(&mut self, name: &InterfaceName) -> usize {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let interface = Some(Box::new(Interface::new(name.clone())));
        let at = self.vacant.pop().unwrap_or(self.slots.len());
        match self.slots.get_mut(at) {
            Some(slot) => *slot = interface,
            None => self.slots.push(interface),
        }
        self.names.insert(name.clone(), at);
        at
    }

    /// Remembers an interface no longer.
    fn forget(&mut self, at: usize) {
        if let Some(interface) = self.slots.get_mut(at).and_then(Option::take) {
            self.names.remove(&interface.name);
            self.vacant.push(at);
        }
    }
}

impl Engine {
    /// An interface appeared, changed or went. Interfaces without groups are remembered for groups to come, for as long
    /// as they exist.
    pub fn handle_link(&mut self, now: Instant, event: LinkEvent) {
        if self.stopped {
            return;
        }
        match event {
            LinkEvent::Gone(index) => {
                if let Some(at) = self.indexes.remove(&index) {
                    self.change_link(now, at, None);
                    self.forget_if_idle(at);
                }
            }
            LinkEvent::Present(link) => {
                let at = self.interfaces.slot_of(&link.name);
                let renamed = self.indexes.insert(link.index, at).filter(|before| *before != at);
                if let Some(before) = renamed {
                    self.change_link(now, before, None);
                    self.forget_if_idle(before);
                }
                // An interface that was made anew is another one, even where nobody saw the first one go.
                let replaced = self.interfaces.get(at).and_then(|known| known.link.as_ref());
                if replaced.is_some_and(|known| known.index != link.index) {
                    self.change_link(now, at, None);
                }
                self.change_link(now, at, Some(Arc::new(link)));
            }
        }
        self.after_moves(now);
    }

    fn change_link(&mut self, now: Instant, at: usize, link: Option<Arc<LinkState>>) {
        let Some(interface) = self.interfaces.get_mut(at) else { return };
        let before = interface.link.as_ref().map(|link| link.index);
        let after = link.as_ref().map(|link| link.index);
        interface.link.clone_from(&link);
        if before != after {
            if let Some(before) = before {
                let attached = interface.attached.take();
                self.actions.extend(attached.map(|_| Action::Detach(before)));
                if self.indexes.get(&before) == Some(&at) {
                    self.indexes.remove(&before);
                }
            }
            self.actions.extend(interface.attach());
        }
        let slots: Vec<usize> = interface.slots().collect();
        for slot in slots {
            self.with_group(slot, |group, out| {
                group.handle_link(now, link.clone(), out);
                Announce::Nothing
            });
        }
        self.observe_interface(now, at);
    }

    /// Forgets an interface that does not exist, and that no group and no tracked object asks for.
    pub(super) fn forget_if_idle(&mut self, at: usize) {
        let idle = self.interfaces.get(at).is_some_and(|known| known.link.is_none() && !known.has_groups());
        if !idle || self.tracked_interfaces.values().any(|tracked| *tracked == at) {
            return;
        }
        self.interfaces.forget(at);
        self.pacer_deadlines.set(at, None);
        for voice in voice_slots(at) {
            self.voice_deadlines.set(voice, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, GroupId, HsrpConfig, HsrpSettings, IfIndex, MacAddr, Protocol, TrackName};

    const NOW: Instant = Instant::from_millis(1);

    fn link(name: &str, index: u32) -> LinkState {
        LinkState {
            name: InterfaceName::new(name),
            index: IfIndex(index),
            mac: MacAddr([2, 0, 0, 0, 0, 7]),
            up: true,
            mtu: 1500,
            ipv4: vec![[192, 0, 2, 2].into()],
            ipv6: Vec::new(),
        }
    }

    fn config(interface: &str) -> HsrpConfig {
        let addresses = vec![[192, 0, 2, 1].into()];
        HsrpConfig::new(HsrpSettings::new(InterfaceName::new(interface), 1, addresses)).unwrap()
    }

    fn id(interface: &str) -> GroupId {
        let interface = InterfaceName::new(interface);
        GroupId { interface, protocol: Protocol::Hsrp, family: Family::V4, number: 1 }
    }

    /// How many interfaces are remembered, and how many slots there are for them.
    fn kept(engine: &Engine) -> (usize, usize) {
        let Interfaces { slots, names, vacant } = &engine.interfaces;
        assert_eq!(slots.iter().flatten().count(), names.len());
        assert_eq!(names.len() + vacant.len(), slots.len());
        for (name, at) in names {
            assert_eq!(engine.interfaces.get(*at).map(|interface| &interface.name), Some(name));
        }
        assert!(engine.indexes.values().all(|at| engine.interfaces.get(*at).is_some()));
        (names.len(), slots.len())
    }

    fn drain(engine: &mut Engine) -> Vec<Action> {
        std::iter::from_fn(|| engine.poll_action()).collect()
    }

    /// Found on a host with containers: each has an interface with a name of its own, and each name stayed.
    #[test]
    fn interfaces_that_come_and_go_leave_nothing() {
        let mut engine = Engine::new();
        engine.handle_link(NOW, LinkEvent::Present(link("eth0", 2)));
        engine.add(NOW, config("eth0")).unwrap();
        drain(&mut engine);
        for number in 10..5000 {
            engine.handle_link(NOW, LinkEvent::Present(link(&format!("veth{number}"), number)));
            // Moved into a container, or renamed and then gone.
            if number % 2 == 0 {
                engine.handle_link(NOW, LinkEvent::Present(link(&format!("tmp{number}"), number)));
            }
            assert_eq!(kept(&engine).0, 2);
            engine.handle_link(NOW, LinkEvent::Gone(IfIndex(number)));
            assert_eq!(drain(&mut engine), []);
        }
        let (remembered, slots) = kept(&engine);
        assert_eq!(remembered, 1, "only that of the group");
        assert!(slots <= 3, "{slots} slots");
        assert_eq!(engine.indexes.len(), 1);
    }

    #[test]
    fn who_comes_again_under_other_indexes_is_one() {
        let mut engine = Engine::new();
        for index in 1..100 {
            engine.handle_link(NOW, LinkEvent::Present(link("eth0", index)));
            assert_eq!((kept(&engine), engine.indexes.len()), ((1, 1), 1));
        }
        engine.handle_link(NOW, LinkEvent::Gone(IfIndex(98)));
        assert_eq!(kept(&engine).0, 1, "an index of before says nothing");
        engine.handle_link(NOW, LinkEvent::Gone(IfIndex(99)));
        assert_eq!((kept(&engine).0, engine.indexes.len()), (0, 0));
    }

    #[test]
    fn groups_on_interfaces_that_never_were_leave_nothing() {
        let mut engine = Engine::new();
        for number in 0..100 {
            let name = format!("eth{number}");
            engine.add(NOW, config(&name)).unwrap();
            assert_eq!(kept(&engine), (1, 1));
            engine.remove(NOW, &id(&name)).unwrap();
            assert_eq!(kept(&engine), (0, 1));
        }
        drain(&mut engine);
    }

    #[test]
    fn a_group_keeps_its_interface_in_mind_and_the_interface_waits_for_groups() {
        let mut engine = Engine::new();
        engine.handle_link(NOW, LinkEvent::Present(link("eth0", 2)));
        engine.add(NOW, config("eth0")).unwrap();
        assert!(drain(&mut engine).iter().any(|action| matches!(action, Action::Attach { .. })));
        engine.handle_link(NOW, LinkEvent::Gone(IfIndex(2)));
        assert_eq!(kept(&engine).0, 1);
        engine.handle_link(NOW, LinkEvent::Present(link("eth0", 3)));
        engine.remove(NOW, &id("eth0")).unwrap();
        assert_eq!(kept(&engine).0, 1, "it is still there");
        drain(&mut engine);
        engine.add(NOW, config("eth0")).unwrap();
        let attached = |action: &Action| matches!(action, Action::Attach { interface: IfIndex(3), .. });
        assert!(drain(&mut engine).iter().any(attached), "a group to come starts there at once");
    }

    /// A slot that another interface takes over brings nothing of the first one's.
    #[test]
    fn what_an_interface_had_still_to_say_goes_with_it() {
        let mut engine = Engine::new();
        engine.handle_link(NOW, LinkEvent::Present(link("eth0", 2)));
        engine.add(NOW, config("eth0")).unwrap();
        while engine.status().all(|group| group.state != crate::GroupState::Active) {
            let next = engine.next_deadline().unwrap();
            engine.handle_timeout(next);
            for action in drain(&mut engine) {
                if let Action::Program { seat, revision, .. } = action {
                    engine.handle_programmed(next, seat, revision, Ok(()));
                }
            }
        }
        let later = engine.next_deadline().unwrap();
        engine.handle_link(later, LinkEvent::Gone(IfIndex(2)));
        engine.remove(later, &id("eth0")).unwrap();
        assert_eq!(kept(&engine), (0, 1));
        assert_eq!(engine.next_deadline(), None);
        engine.handle_link(later, LinkEvent::Present(link("eth1", 2)));
        assert_eq!((kept(&engine), engine.next_deadline()), ((1, 1), None));
        assert!(engine.interfaces().next().is_none());
    }

    #[test]
    fn a_tracked_interface_is_kept_until_it_is_not() {
        let mut engine = Engine::new();
        let (uplink, other) = (TrackName::new("uplink"), TrackName::new("other"));
        for (at, name) in ["ppp0", "ppp1", "ppp2"].into_iter().enumerate() {
            let index = u32::try_from(at).unwrap() + 5;
            engine.track_interface(NOW, &uplink, &InterfaceName::new(name));
            assert_eq!(kept(&engine).0, 1, "the one before is of no interest any more");
            engine.handle_link(NOW, LinkEvent::Present(link(name, index)));
            engine.handle_link(NOW, LinkEvent::Gone(IfIndex(index)));
            assert_eq!(kept(&engine).0, 1);
        }
        engine.track_interface(NOW, &other, &InterfaceName::new("ppp2"));
        engine.forget_track(NOW, &uplink);
        assert_eq!(kept(&engine).0, 1, "somebody else tracks it");
        engine.forget_track(NOW, &other);
        assert_eq!(kept(&engine).0, 0);
    }
}
