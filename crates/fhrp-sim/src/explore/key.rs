//! What a small world looks like: states of one look are one state.

use std::net::IpAddr;

use fhrp::{GlbpStatus, GroupState, GroupStatus, HsrpStatus, Instant, MacAddr};

use crate::contest::Contest;
use crate::hash::Hash;
use crate::{glbp, hsrp};

use super::lan::Lan;

/// Takes in what tells states apart, with times relative to now.
struct Key {
    hash: Hash,
    now: Instant,
}

impl Key {
    fn number(&mut self, number: impl Into<u128>) {
        self.hash.octets(&number.into().to_le_bytes());
    }

    fn maybe(&mut self, number: Option<impl Into<u128>>) {
        self.number(u8::from(number.is_some()));
        if let Some(number) = number {
            self.number(number);
        }
    }

    fn ahead(&mut self, at: Option<Instant>) {
        let now = self.now;
        self.maybe(at.map(|at| at.saturating_duration_since(now).as_micros()));
    }

    fn since(&mut self, at: Option<Instant>) {
        let now = self.now;
        self.maybe(at.map(|at| now.saturating_duration_since(at).as_micros()));
    }

    fn address(&mut self, address: Option<IpAddr>) {
        self.maybe(address.map(|address| match address {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        }));
    }

    fn mac(&mut self, mac: Option<MacAddr>) {
        self.maybe(mac.map(|mac| mac.0.iter().fold(0_u64, |sum, octet| (sum << 8) | u64::from(*octet))));
    }
}

impl Lan<'_> {
    /// What this state looks like, with times relative to now.
    pub(super) fn key(&self) -> u64 {
        let mut key = Key { hash: Hash::default(), now: self.now };
        for counted in [self.lost, self.crashed, self.stopped] {
            key.number(counted);
        }
        for router in 0..self.nodes.len() {
            let status = self.status(router);
            key.number(u8::from(status.is_some()));
            if let Some(status) = status {
                self.router_key(router, &status, &mut key);
            }
        }
        let mut flights: Vec<(usize, Instant, &[u8])> =
            self.flights.iter().map(|flight| (flight.to, flight.sent, &*flight.octets)).collect();
        flights.sort_unstable();
        for (to, sent, octets) in flights {
            key.number(u64::try_from(to).unwrap_or(0));
            key.since(Some(sent));
            key.hash.octets(octets);
        }
        key.hash.value()
    }

    fn router_key(&self, router: usize, status: &GroupStatus, key: &mut Key) {
        key.number(state_number(status.state));
        let due = self.deadline(router);
        key.ahead(due);
        key.since(due);
        let half = self.small.members[router].interval / 2;
        let answered = self.nodes[router].answered;
        key.maybe(answered.map(|at| self.now.saturating_duration_since(at).min(half).as_micros()));
        key.address(status.active);
        key.maybe(status.active_priority);
        key.number(u8::from(status.programmed));
        if let Some(vrrp) = status.vrrp() {
            key.number(vrrp.active_adver_interval.as_micros());
        }
        match self.monitor.contest(router, 0) {
            Some(Contest::Hsrp(contest)) => key.hsrp(status.hsrp(), contest),
            Some(Contest::Glbp(contest)) => key.glbp(status.glbp(), contest),
            Some(Contest::Vrrp(_)) | None => {}
        }
    }
}

impl Key {
    fn hsrp(&mut self, shown: Option<&HsrpStatus>, contest: &hsrp::Contest) {
        let Some(shown) = shown else { return };
        for at in [shown.next_hello, shown.active_expires, shown.standby_expires] {
            self.ahead(at);
        }
        self.address(shown.standby);
        self.maybe(shown.standby_priority);
        // An Active router goes by its own timers, and by these when it gives way.
        self.maybe(contest.learned.map(|(hello, _)| hello.as_micros()));
        self.maybe(contest.learned.map(|(_, hold)| hold.as_micros()));
    }

    fn glbp(&mut self, shown: Option<&GlbpStatus>, contest: &glbp::Contest) {
        let Some(shown) = shown else { return };
        for at in [shown.next_hello, shown.active_expires, shown.standby_expires] {
            self.ahead(at);
        }
        self.address(shown.standby);
        self.maybe(shown.standby_priority);
        for time in [shown.hello_time, shown.hold_time, shown.redirect, shown.timeout] {
            self.number(time.as_micros());
        }
        for one in &shown.forwarders {
            self.number(one.number);
            self.number(state_number(one.state));
            self.number(u8::from(one.programmed));
            self.mac(one.owner);
            self.ahead(one.redirect_ends);
            self.ahead(one.timeout_ends);
            self.address(one.server.map(|server| server.address));
            self.maybe(one.server.map(|server| u8::from(server.primary)));
            self.ahead(one.server.map(|server| server.expires));
        }
        contest.forwarder_timers().into_iter().for_each(|at| self.ahead(at));
        self.number(u8::from(contest.candidate.challenging));
        self.address(contest.asked.map(|(avg, _)| avg));
        // An answer is believed so long.
        self.ahead(contest.asked.map(|(_, at)| at + shown.hold_time));
        for nonce in contest.nonces {
            self.maybe(nonce);
        }
    }
}

fn state_number(state: GroupState) -> u8 {
    match state {
        GroupState::Initialize | GroupState::Initial | GroupState::Disabled => 0,
        GroupState::Learn => 1,
        GroupState::Listen => 2,
        GroupState::Speak => 3,
        GroupState::Standby | GroupState::Backup => 4,
        GroupState::Active => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::small::Small;
    use super::*;
    use crate::plan::Protocol;

    fn world(protocol: Protocol) -> Small {
        Small::all(protocol).remove(0)
    }

    #[test]
    fn what_a_gateway_has_begun_tells_states_apart() {
        let small = world(Protocol::Glbp);
        let lan = Lan::at(&small, &[]).unwrap();
        let status = lan.status(0).unwrap();
        let Some(Contest::Glbp(contest)) = lan.monitor.contest(0, 0) else { panic!("another protocol") };
        let key = |change: fn(&mut glbp::Contest)| {
            let (mut contest, mut key) = (contest.clone(), Key { hash: Hash::default(), now: lan.now });
            change(&mut contest);
            key.glbp(status.glbp(), &contest);
            key.hash.value()
        };
        let keys = [
            key(|_| {}),
            key(|contest| contest.candidate.challenging = !contest.candidate.challenging),
            key(|contest| contest.asked = Some((IpAddr::from([192, 0, 2, 3]), Instant::from_millis(11_000)))),
            key(|contest| contest.asked = Some((IpAddr::from([192, 0, 2, 3]), Instant::from_millis(12_000)))),
            key(|contest| contest.nonces[1] = Some(7)),
        ];
        let different: std::collections::BTreeSet<u64> = keys.into_iter().collect();
        assert_eq!(different.len(), keys.len());
    }

    #[test]
    fn timers_that_are_learned_and_not_in_use_tell_states_apart() {
        let small = world(Protocol::Hsrp);
        let lan = Lan::at(&small, &[]).unwrap();
        let status = lan.status(0).unwrap();
        let Some(Contest::Hsrp(contest)) = lan.monitor.contest(0, 0) else { panic!("another protocol") };
        let key = |learned| {
            let (mut contest, mut key) = (contest.clone(), Key { hash: Hash::default(), now: lan.now });
            contest.learned = learned;
            key.hsrp(status.hsrp(), &contest);
            key.hash.value()
        };
        let second = Duration::from_secs(1);
        assert_ne!(key(None), key(Some((second, second * 3))));
        assert_ne!(key(Some((second, second * 4))), key(Some((second, second * 3))));
    }

    /// Large numbers and missing ones count too.
    #[test]
    fn no_two_numbers_are_one() {
        let key = |number: Option<u128>| {
            let mut key = Key { hash: Hash::default(), now: Instant::default() };
            key.maybe(number);
            key.hash.value()
        };
        let numbers = [None, Some(0), Some(u128::from(u64::MAX)), Some(1 << 64), Some((1 << 64) + 1)];
        let different: std::collections::BTreeSet<u64> = numbers.into_iter().map(key).collect();
        assert_eq!(different.len(), numbers.len());
    }
}
