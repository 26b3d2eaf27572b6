//! One router whose peers and clock the test plays.

use std::time::Duration;

use fhrp_election::{Advert, Candidacy, Claim, Effect, Election, Instant, Preempt, Rank, Rules};

/// An election that answers with the effects of each call.
pub(crate) struct Router {
    pub(crate) election: Election,
}

impl Router {
    pub(crate) fn new(rules: Rules, me: Candidacy) -> Self {
        Self { election: Election::new(rules, me) }
    }

    /// Version 3 with the field's defaults: 1 s, preemption at once, at 10.0.0.2.
    pub(crate) fn v3(priority: u8) -> Self {
        Self::new(Rules::VRRP_V3, candidate(priority, 2))
    }

    /// The same, started at zero and active since 3.6 s plus or minus its skew.
    pub(crate) fn v3_active(priority: u8) -> Self {
        let mut router = Self::v3(priority);
        router.start(0);
        router.timeout(4_000_000);
        router
    }

    pub(crate) fn start(&mut self, at: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        self.election.start(Instant::from_micros(at), &mut out);
        out
    }

    pub(crate) fn stop(&mut self, at: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        self.election.stop(Instant::from_micros(at), &mut out);
        out
    }

    pub(crate) fn timeout(&mut self, at: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        self.election.handle_timeout(Instant::from_micros(at), &mut out);
        out
    }

    pub(crate) fn hear(&mut self, at: u64, advert: Advert) -> Vec<Effect> {
        let mut out = Vec::new();
        self.election.handle_advert(Instant::from_micros(at), &advert, &mut out);
        out
    }

    pub(crate) fn retune(&mut self, at: u64, me: Candidacy) -> Vec<Effect> {
        let mut out = Vec::new();
        self.election.retune(Instant::from_micros(at), me, &mut out);
        out
    }

    /// When the next timer runs out, in microseconds.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.election.next_deadline().map(Instant::as_micros)
    }
}

pub(crate) fn rank(priority: u8, last_octet: u8) -> Rank {
    Rank { priority, address: [10, 0, 0, last_octet].into() }
}

/// 1 s adverts, 10 s hold, preemption at once.
pub(crate) fn candidate(priority: u8, last_octet: u8) -> Candidacy {
    Candidacy {
        rank: rank(priority, last_octet),
        owner: false,
        preempt: Preempt::AT_ONCE,
        hello: Duration::from_secs(1),
        hold: Duration::from_secs(10),
    }
}

/// An advert that announces 1 s and 10 s.
pub(crate) fn advert(claim: Claim, priority: u8, last_octet: u8) -> Advert {
    Advert {
        from: rank(priority, last_octet),
        claim,
        hello: Duration::from_secs(1),
        hold: Duration::from_secs(10),
    }
}

pub(crate) fn active(priority: u8, last_octet: u8) -> Advert {
    advert(Claim::Active, priority, last_octet)
}
