//! The rules of the contest, as data: the only file here that knows protocols.
//!
//! Each field answers one question on which the protocols differ; a new field needs a section of a
//! specification or a capture of a real router as evidence, and a field that can go is better gone.
//!
//! | | VRRPv2 | VRRPv3 | HSRP | GLBP gateway | GLBP forwarder |
//! |---|---|---|---|---|---|
//! | succession | direct | direct | via standby | via standby | direct |
//! | voice | Active | Active | Speak | Listen | Active |
//! | silence | 3 own + skew of a second | 3 learned + skew of it | hold | hold | hold |
//! | ownership | starts active | starts active | nothing | nothing | nothing |
//! | challenge | priority | priority | rank | rank | priority |
//! | takeover | outlast | outlast | coup | claim, from Speak on | claim |
//! | rebuttal | silent | advertise | coup | advertise | advertise |
//! | concession | silent | silent | resign | silent | silent |
//! | resignation | hastens | hastens | vacates | vacates | vacates |
//! | pacing | exact | exact | jittered | jittered | exact |
//!
//! Sources: RFC 3768 §6 for VRRPv2, RFC 9568 §6 for VRRPv3, RFC 2281 §5 for HSRP. GLBP has no public
//! specification; its columns are what captures and published debug output of real routers show, and HSRP's
//! rule where they are mute.

use crate::State;

/// What distinguishes one kind of contest from another.
///
/// ```
/// use fhrp_election::{Candidacy, Effect, Election, Instant, Preempt, Rank, Rules, State};
/// use std::time::Duration;
///
/// let rank = Rank { priority: 100, address: "192.0.2.2".parse().unwrap() };
/// let second = Duration::from_secs(1);
/// let me = Candidacy { rank, owner: false, preempt: Preempt::AT_ONCE, hello: second, hold: second * 3 };
/// let mut election = Election::new(Rules::VRRP_V3, me);
/// let mut out = Vec::new();
///
/// election.start(Instant::from_millis(0), &mut out);
/// assert_eq!(election.state(), State::Listen);
/// assert_eq!(election.next_deadline(), Some(Instant::from_micros(3_609_375)));
///
/// out.clear();
/// election.handle_timeout(Instant::from_micros(3_609_375), &mut out);
/// assert!(matches!(out.as_slice(), [Effect::Moved { to: State::Active, .. }, Effect::Advertise]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Who may take over from a lost active router.
    pub succession: Succession,
    /// The lowest state in which a router sends periodic adverts. VRRP: only the active router (RFC 9568
    /// §6.4.3). HSRP: Speak and above (RFC 2281 §5). GLBP's gateways speak from Listen on (seen in captures).
    pub voice: State,
    /// How long a silent active router is waited for.
    pub silence: Silence,
    /// What owning the address changes.
    pub ownership: Ownership,
    /// What a router that is not active compares with the active one before it preempts.
    pub challenge: Challenge,
    /// How a lower-ranked active router is pushed aside.
    pub takeover: Takeover,
    /// How the active router answers a lower-ranked one that claims to be active too.
    pub rebuttal: Rebuttal,
    /// What the active router says when it gives way to a higher-ranked one.
    pub concession: Concession,
    /// What a resignation means to those who hear it.
    pub resignation: Resignation,
    /// How evenly adverts follow one another.
    pub pacing: Pacing,
}

/// Who may take over from a lost active router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Succession {
    /// Any listener. VRRP (RFC 9568 §6.4.2); GLBP forwarders (captures).
    Direct,
    /// Only the standby router, which listeners first have to become, through Speak. HSRP (RFC 2281 §5); GLBP
    /// gateways.
    ViaStandby,
}

/// How long a silent active router is waited for (RFC 9568: the Active_Down_Interval).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Silence {
    /// Three own intervals and a skew of (256 − priority) / 256 s. VRRPv2 (RFC 3768 §6.1): all intervals must
    /// be equal.
    SkewOfSecond,
    /// Three intervals as learned from the active router and a skew of (256 − priority) / 256 of one. VRRPv3
    /// (RFC 9568 §6.1).
    SkewOfInterval,
    /// The hold time in the advert heard; the own one where no advert caused the wait. HSRP (RFC 2281 §5,
    /// actions A and B); GLBP.
    Hold,
}

/// What owning the address changes: the owner flag, or priority 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// An owner starts active and preempts whatever its preemption setting. VRRP (RFC 9568 §6.1, §6.4.1).
    StartsActive,
    /// Nothing: HSRP and GLBP know no owner of the gateway address; a GLBP forwarder's owner ranks higher,
    /// but waits like anyone (captures).
    Nothing,
}

/// What a router that is not active compares with the active one before it preempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Challenge {
    /// The priority alone. VRRP: a Backup accepts an equal priority from any address (RFC 9568 §6.4.2). GLBP
    /// forwarders: two secondaries of equal priority do not take turns.
    Priority,
    /// Priority, then address. HSRP: "higher priority" includes the tie-break by address (RFC 2281 §5.1).
    /// GLBP gateways.
    Rank,
}

/// How a lower-ranked active router is pushed aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Takeover {
    /// Ignore its adverts until its time is up. VRRP (RFC 9568 §6.4.2).
    Outlast,
    /// Send a Coup and be active. HSRP (RFC 2281 §5, event h).
    Coup,
    /// Be active and say so. GLBP forwarders (captures).
    Claim,
    /// The same, but a listener only begins to speak, and claims at the next advert of the lower one.
    /// GLBP gateways: there is no Coup message, and debug output shows the preempting router in Speak first.
    SpeakThenClaim,
}

/// How the active router answers a lower-ranked one that claims to be active too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rebuttal {
    /// Not at all; the next advert is due soon. VRRPv2 (RFC 3768 §6.4.3).
    Silent,
    /// With an advert at once. VRRPv3 (RFC 9568 §6.4.3). GLBP (inferred).
    Advertise,
    /// With a Coup. HSRP (RFC 2281 §5, event h in Active).
    Coup,
}

/// What the active router says when it gives way to a higher-ranked one that claims to be active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Concession {
    /// Nothing. VRRP (RFC 9568 §6.4.3); GLBP.
    Silent,
    /// That it resigns. HSRP: RFC 2281 §5 does not ask for it (event g), real routers do it (captures).
    Resign,
}

/// How evenly adverts follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pacing {
    /// One interval apart. VRRP (RFC 9568 §6.4.3).
    Exact,
    /// Between four fifths of the interval and the whole of it. HSRP: RFC 2281 §5 asks for jitter, captures show
    /// how much; GLBP gateways.
    Jittered,
}

/// What a resignation means to those who hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resignation {
    /// Whoever sent it, a listener waits no longer than its skew from now on, and the active router
    /// advertises. VRRP priority 0 (RFC 9568 §6.4.2, §6.4.3; RFC 3768 likewise).
    Hastens,
    /// Sent by the router that is followed as active, it leaves the role empty at once; from anyone else it
    /// is nothing. HSRP (RFC 2281 §5, event i); GLBP (captures: taken over within 2 ms).
    Vacates,
}

impl Rules {
    /// VRRP version 2, RFC 3768.
    pub const VRRP_V2: Self =
        Self { silence: Silence::SkewOfSecond, rebuttal: Rebuttal::Silent, ..Self::VRRP_V3 };

    /// VRRP version 3, RFC 9568.
    pub const VRRP_V3: Self = Self {
        succession: Succession::Direct,
        voice: State::Active,
        silence: Silence::SkewOfInterval,
        ownership: Ownership::StartsActive,
        challenge: Challenge::Priority,
        takeover: Takeover::Outlast,
        rebuttal: Rebuttal::Advertise,
        concession: Concession::Silent,
        resignation: Resignation::Hastens,
        pacing: Pacing::Exact,
    };

    /// HSRP, versions 1 and 2, RFC 2281. Its Learn state is not part of the election: a group that does not
    /// know its address has not started.
    pub const HSRP: Self = Self {
        succession: Succession::ViaStandby,
        voice: State::Speak,
        silence: Silence::Hold,
        ownership: Ownership::Nothing,
        challenge: Challenge::Rank,
        takeover: Takeover::Coup,
        rebuttal: Rebuttal::Coup,
        concession: Concession::Resign,
        resignation: Resignation::Vacates,
        pacing: Pacing::Jittered,
    };

    /// The GLBP gateway (AVG): HSRP's contest without Coup and Resign messages, with listeners that speak.
    /// A Hello of an active gateway with priority 0 is a resignation.
    pub const GLBP_GATEWAY: Self = Self {
        voice: State::Listen,
        takeover: Takeover::SpeakThenClaim,
        rebuttal: Rebuttal::Advertise,
        concession: Concession::Silent,
        ..Self::HSRP
    };

    /// A GLBP forwarder (AVF): who serves one virtual MAC address. The forwarder priority 160 is a
    /// resignation.
    pub const GLBP_FORWARDER: Self = Self {
        succession: Succession::Direct,
        voice: State::Active,
        silence: Silence::Hold,
        ownership: Ownership::Nothing,
        challenge: Challenge::Priority,
        takeover: Takeover::Claim,
        rebuttal: Rebuttal::Advertise,
        concession: Concession::Silent,
        resignation: Resignation::Vacates,
        pacing: Pacing::Exact,
    };
}
