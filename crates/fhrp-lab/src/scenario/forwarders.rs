//! Who serves which forwarder of a GLBP group, judged from the wire alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{capture::Event, group::Group};

use super::{
    LabEvent,
    contest::{Claim, Contest},
    observer::line,
};

/// Numbers of forwarders.
const NUMBERS: std::ops::RangeInclusive<u8> = 1..=4;

/// Follows the forwarders of a group; those of another protocol's group are none.
#[derive(Debug)]
pub(super) struct Forwarders {
    group: Option<u16>,
    served: BTreeMap<u8, String>,
    /// Routers that speak to nobody.
    unheard: BTreeSet<String>,
}

impl Forwarders {
    pub(super) const fn of(group: &Group) -> Self {
        let group = match group {
            Group::Vrrp(_) | Group::Hsrp(_) => None,
            Group::Glbp(group) => Some(group.group),
        };
        Self { group, served: BTreeMap::new(), unheard: BTreeSet::new() }
    }

    /// Takes in a captured frame, and gives what is worth telling.
    pub(super) fn observe(&mut self, event: &Event) -> Vec<LabEvent> {
        let mut told = Vec::new();
        let Some(group) = self.group else { return told };
        if self.unheard.contains(&*event.node) {
            return told;
        }
        for number in NUMBERS {
            let contest = Contest::Forwarder { group, number };
            let router = &*event.node;
            let holds = self.served.get(&number).is_some_and(|holder| holder == router);
            match contest.claim(&event.kind) {
                Some(Claim::Active { priority }) if !holds => {
                    self.served.insert(number, router.to_owned());
                    told.push(line(event.at, contest.first_claim(router, priority)));
                }
                Some(Claim::Resigns | Claim::Is(_)) if holds => {
                    self.served.remove(&number);
                }
                Some(Claim::Active { .. } | Claim::Resigns | Claim::Is(_) | Claim::Coup) | None => {}
            }
        }
        told
    }

    /// From now on nobody hears this router: what it claims counts no more, and what it served is served until somebody
    /// else claims it.
    pub(super) fn cut_off(&mut self, router: &str) {
        self.unheard.insert(router.to_owned());
    }

    /// The numbers that a router serves.
    pub(super) fn of_router(&self, router: &str) -> Vec<u8> {
        self.served.iter().filter(|(_, holder)| *holder == router).map(|(number, _)| *number).collect()
    }

    /// The routers that serve any.
    pub(super) fn routers(&self) -> BTreeSet<&str> {
        self.served.values().map(String::as_str).collect()
    }

    /// The contest for one of them, and who is Active in it.
    pub(super) fn contests(&self) -> impl Iterator<Item = (Contest, &str)> {
        let group = self.group.unwrap_or_default();
        self.served
            .iter()
            .map(move |(number, holder)| (Contest::Forwarder { group, number: *number }, &**holder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frame::{GlbpForwarder, GlbpOpcode, GlbpPacket, Kind, SpeakerState},
        group::GlbpGroup,
        scenario::testing::event,
    };
    use fhrp_wire::{Family, MacAddr};

    fn serves(router: &str, millis: u64, number: u8, priority: u8) -> Event {
        let forwarder = GlbpForwarder {
            number,
            state: SpeakerState::Active,
            priority,
            weight: 100,
            timeout_s: 14400,
            redirect_s: 600,
            mac: MacAddr::ZERO,
        };
        let packet = GlbpPacket {
            family: Family::V4,
            group: 1,
            opcode: GlbpOpcode::Hello,
            owner: MacAddr::ZERO,
            source: "192.0.2.11".parse().unwrap(),
            gateway: None,
            forwarders: [Some(forwarder), None, None, None],
        };
        event(router, millis, Kind::Glbp(packet))
    }

    #[test]
    fn a_dead_routers_forwarder_passes_to_who_claims_it() {
        let mut forwarders = Forwarders::of(&GlbpGroup::new(Family::V4, 100).into());
        for told in [serves("r1", 0, 1, 167), serves("r2", 5, 2, 167)] {
            assert_eq!(forwarders.observe(&told).len(), 1);
            assert_eq!(forwarders.observe(&told).len(), 0);
        }
        assert_eq!(forwarders.routers().len(), 2);
        let told = forwarders.observe(&serves("r1", 800, 2, 135));
        let lines: Vec<_> = told
            .iter()
            .filter_map(|event| {
                if let LabEvent::Timeline { entry, .. } = event { Some(entry.to_string()) } else { None }
            })
            .collect();
        assert_eq!(lines, ["r1 serves forwarder 2"]);
        assert_eq!((forwarders.of_router("r1"), forwarders.of_router("r2")), (vec![1, 2], vec![]));
    }

    #[test]
    fn who_is_cut_off_claims_in_vain() {
        let mut forwarders = Forwarders::of(&GlbpGroup::new(Family::V4, 100).into());
        forwarders.observe(&serves("r1", 0, 1, 167));
        forwarders.cut_off("r1");
        assert_eq!(forwarders.of_router("r1"), [1]);
        forwarders.observe(&serves("r2", 800, 1, 135));
        forwarders.observe(&serves("r1", 900, 1, 167));
        assert_eq!((forwarders.of_router("r1"), forwarders.of_router("r2")), (vec![], vec![1]));
    }

    #[test]
    fn a_resigned_forwarder_is_nobodys() {
        let mut forwarders = Forwarders::of(&GlbpGroup::new(Family::V4, 100).into());
        forwarders.observe(&serves("r1", 0, 1, 167));
        forwarders.observe(&serves("r1", 10, 1, 160));
        assert_eq!(forwarders.contests().count(), 0);
    }
}
