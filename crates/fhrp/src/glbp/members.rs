//! Routers heard in a group.

use std::net::IpAddr;
use std::time::Duration;

use fhrp_election::Instant;
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{Hello, Nonce, PeerNonce, Peers, VgState};

/// More than a LAN has routers; a sender of forged owner ids fills no more than this.
const MEMBERS_REMEMBERED: usize = 32;

/// What is known of another router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The MAC of its interface, which identifies it.
    pub(crate) owner: MacAddr,
    pub(crate) address: IpAddr,
    /// Of its last Hello.
    pub(crate) gateway: Option<(VgState, u8)>,
    /// The last nonce of an authenticated packet.
    pub(crate) nonce: Option<Nonce>,
    /// Whether its last list of nonces had a recent one of ours.
    pub(crate) fresh: bool,
    pub(crate) heard: Instant,
    /// The hello time that it says.
    pub(crate) hello: Duration,
    /// How long it is believed to be there.
    pub(crate) hold: Duration,
}

impl Member {
    pub(crate) fn is_gone(&self, now: Instant) -> bool {
        now >= self.heard + self.hold
    }
}

/// A bounded memory, ordered by owner id.
#[derive(Debug, Default)]
pub(crate) struct Members(Vec<Member>);

impl Members {
    /// An accepted packet of `owner`; its entry, to be filled. `hold` is used as long as it has not said its own.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        owner: MacAddr,
        address: IpAddr,
        hold: Duration,
    ) -> Option<&mut Member> {
        let fresh = Member {
            owner,
            address,
            gateway: None,
            nonce: None,
            fresh: false,
            heard: now,
            hello: hold,
            hold,
        };
        let at = match self.0.binary_search_by_key(&owner, |member| member.owner) {
            Ok(at) => at,
            Err(at) if self.0.len() < MEMBERS_REMEMBERED => {
                self.0.insert(at, fresh);
                at
            }
            Err(_) => {
                let oldest = self.0.iter_mut().min_by_key(|member| member.heard)?;
                *oldest = fresh;
                self.0.sort_by_key(|member| member.owner);
                self.0.binary_search_by_key(&owner, |member| member.owner).ok()?
            }
        };
        let member = self.0.get_mut(at)?;
        (member.address, member.heard) = (address, now);
        Some(member)
    }

    /// Forgets those that have been silent for their hold time.
    pub(crate) fn forget_gone(&mut self, now: Instant) {
        self.0.retain(|member| !member.is_gone(now));
    }

    /// What is echoed: the latest nonce of each that has one, as many as a packet holds.
    pub(crate) fn nonces(&self) -> Vec<PeerNonce> {
        let known = self
            .0
            .iter()
            .filter_map(|member| member.nonce.map(|nonce| PeerNonce { owner: member.owner, nonce }));
        known.take(Peers::MAX).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter()
    }
}

impl Member {
    /// Takes over what its Hello says.
    pub(crate) fn note_hello(&mut self, hello: &Hello, (pace, hold): (Duration, Duration)) {
        self.gateway = Some((hello.state(), hello.priority()));
        (self.hello, self.hold) = (pace, hold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(number: u8) -> MacAddr {
        MacAddr([2, 0, 0, 0, 0, number])
    }

    #[test]
    fn forged_members_push_out_the_oldest_only() {
        let (mut members, hold) = (Members::default(), Duration::from_secs(10));
        let address = IpAddr::from([192, 0, 2, 9]);
        for number in 0..=255 {
            let now = Instant::from_millis(number.into());
            members.hear(now, owner(number), address, hold).unwrap();
        }
        let kept: Vec<_> = members.iter().map(|member| member.owner).collect();
        assert_eq!(kept, (224..=255).map(owner).collect::<Vec<_>>());
        members.forget_gone(Instant::from_millis(10_254));
        assert_eq!(members.iter().map(|member| member.owner).collect::<Vec<_>>(), [owner(255)]);
    }
}
