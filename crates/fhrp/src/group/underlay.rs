//! What a group stands on, and what it does when that comes, changes or goes.

use std::net::IpAddr;

use fhrp_election::Instant;

use super::{Group, Lead, Out};
use crate::limiter::Topic;
use crate::speaker::Underlay;
use crate::{LinkState, NoticeKind, Waiting};

impl Group {
    /// Compares what the group stands on with what it stood on, and starts, stops or goes on accordingly.
    pub(super) fn reconsider(&mut self, now: Instant, out: &mut Out<'_>) {
        let (underlay, waiting) = match self.find_underlay(now) {
            Ok(underlay) => (Some(underlay), None),
            Err(waiting) => (None, Some(waiting)),
        };
        if waiting != self.waiting {
            self.waiting.clone_from(&waiting);
            // A dataplane fault has had its own notice.
            if let Some(why) = waiting.filter(|why| !matches!(why, Waiting::ProgramFault(_))) {
                self.notify(now, NoticeKind::Waits(why), out);
            }
        }
        if underlay != self.underlay {
            self.change_underlay(now, underlay, out);
        }
        self.warn_of_own_address(now, out);
        self.refresh_wish(out);
    }

    fn change_underlay(&mut self, now: Instant, underlay: Option<Underlay>, out: &mut Out<'_>) {
        self.frames = None;
        let before = self.state();
        match (&self.underlay, &underlay) {
            (_, None) => {
                if !self.can_still_speak() {
                    self.underlay = None;
                }
                self.halt(now, out);
                self.underlay = None;
                self.up_since = None;
            }
            (None, Some(new)) => {
                self.tell_ownership(now, new.owner, out);
                let candidacy = self.speaker.candidacy(&self.standing(new.source, new.owner));
                self.election.retune(now, candidacy, out.effects);
                self.underlay = underlay;
                self.up_since = Some(now);
                if self.speaker.leader().is_none() {
                    self.election.start(now, out.effects);
                }
                self.carry_out(now, out);
            }
            (Some(old), Some(new)) => {
                if old.owner != new.owner {
                    self.tell_ownership(now, new.owner, out);
                }
                let candidacy = self.speaker.candidacy(&self.standing(new.source, new.owner));
                self.election.retune(now, candidacy, out.effects);
                self.underlay = underlay;
                self.carry_out(now, out);
            }
        }
        self.follow_from(now, before, out);
    }

    /// The same for a group that may go on; one that follows another keeps that one in view.
    pub(super) fn halt(&mut self, now: Instant, out: &mut Out<'_>) {
        self.election.stop(now, out.effects);
        self.carry_out(now, out);
        self.seat.stop_announcing();
        self.beacon.stop();
    }

    /// With a dataplane fault, say, the way out is still there: resign through it. Without an interface or an address
    /// there is none.
    fn can_still_speak(&self) -> bool {
        match &self.waiting {
            Some(
                Waiting::InterfaceMissing
                | Waiting::InterfaceDown
                | Waiting::NotEthernet
                | Waiting::NoPrimaryAddress,
            )
            | None => false,
            Some(
                Waiting::ProgramFault(_)
                | Waiting::StartupDelay
                | Waiting::Tracked(_)
                | Waiting::LeaderMissing(_)
                | Waiting::AddressUnknown
                | Waiting::NoSendingKey
                | Waiting::OwnAddress(_),
            ) => true,
        }
    }

    pub(super) fn tell_ownership(&mut self, now: Instant, owner: bool, out: &mut Out<'_>) {
        let owned = self.link.as_deref().and_then(|link| self.owned(link).next());
        match (owner, owned) {
            (true, Some(address)) => self.notify(now, NoticeKind::Owns(address), out),
            (true | false, _) if self.speaker.poses_as_owner() => self.notify(now, NoticeKind::NotOwner, out),
            (true | false, _) => {}
        }
    }

    /// Somebody gave the interface the virtual address while the group runs, and the protocol knows no owner: its kernel
    /// answers for it, too.
    fn warn_of_own_address(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(underlay) = &self.underlay else { return };
        let mac = underlay.physical;
        if let Some(address) = self.out_of_place() {
            let kind = || NoticeKind::DuplicateAddress { address, mac };
            self.notify_limited(Topic::DuplicateAddress, now, kind, out);
        }
    }

    /// A virtual address that the interface has of its own although the protocol knows no owner.
    fn out_of_place(&self) -> Option<IpAddr> {
        let link = self.link.as_deref().filter(|_| !self.speaker.knows_owner())?;
        self.owned(link).next()
    }

    fn find_underlay(&self, now: Instant) -> Result<Underlay, Waiting> {
        let link = self.link.as_deref().ok_or(Waiting::InterfaceMissing)?;
        if let Some(fault) = self.seat.pause() {
            return Err(Waiting::ProgramFault(fault.clone()));
        }
        let source = link.sender(self.id().family)?;
        if let Some(name) = &self.load.shut {
            return Err(Waiting::Tracked(name.clone()));
        }
        if self.startup().is_some_and(|at| now < at) {
            return Err(Waiting::StartupDelay);
        }
        if self.speaker.addresses().is_empty() {
            return Err(Waiting::AddressUnknown);
        }
        if let (Some(leader), Lead::Missing) = (self.speaker.leader(), &self.lead) {
            return Err(Waiting::LeaderMissing(leader.clone()));
        }
        if self.speaker.lacks_key(now) {
            return Err(Waiting::NoSendingKey);
        }
        match self.out_of_place() {
            // One that runs goes on: hosts have its MAC.
            Some(address) if self.underlay.is_none() => return Err(Waiting::OwnAddress(address)),
            Some(_) | None => {}
        }
        let owner = self.speaker.knows_owner() && self.owned(link).next().is_some();
        Ok(Underlay {
            interface: link.index,
            physical: link.mac,
            mac: self.speaker.virtual_mac().unwrap_or(link.mac),
            source,
            owner,
            priority: self.speaker.candidacy(&self.standing(source, owner)).rank.priority,
        })
    }

    /// The virtual addresses that the interface has of its own.
    pub(super) fn owned<'a>(&'a self, link: &'a LinkState) -> impl Iterator<Item = IpAddr> + 'a {
        self.speaker.addresses().iter().copied().filter(|address| link.has(*address))
    }

    /// When the group can go on, where time is all that it waits for.
    pub(super) fn wait_ends(&self) -> Option<Instant> {
        match self.waiting.as_ref()? {
            Waiting::StartupDelay => self.startup(),
            Waiting::NoSendingKey => self.speaker.key_begins(),
            Waiting::InterfaceMissing
            | Waiting::InterfaceDown
            | Waiting::NoPrimaryAddress
            | Waiting::NotEthernet
            | Waiting::ProgramFault(_)
            | Waiting::Tracked(_)
            | Waiting::LeaderMissing(_)
            | Waiting::AddressUnknown
            | Waiting::OwnAddress(_) => None,
        }
    }

    /// When the start-up delay is over.
    fn startup(&self) -> Option<Instant> {
        Some(self.link_up_since? + self.speaker.startup_delay())
    }
}
