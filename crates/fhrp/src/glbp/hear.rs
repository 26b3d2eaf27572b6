//! What a packet that counts does, and what one that does not.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use fhrp_election::{Advert, Claim, Instant, Rank, State};
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{
    self, AuthData, Body, ForwarderNumber, Forwarders, Hello, Milliseconds, Parsed, Seconds, Timers, VgState,
};

use super::forwarder::Role;
use super::forwarders::place;
use super::{Group, Packet, Reason};
use crate::NoticeKind;
use crate::config::{
    GLBP_HELLO_RANGE as HELLO_RANGE, GLBP_HOLD_RANGE as HOLD_RANGE, GLBP_REDIRECT_MAX as REDIRECT_MAX,
    GLBP_TIMEOUT_MAX as TIMEOUT_MAX,
};
use crate::group::Out;
use crate::limiter::Topic;
use crate::link::fits_a_gateway;

/// Requests that are answered in one hello time; a member asks once.
const RESPONSES_PER_HELLO: u32 = 8;

/// How many requests were answered lately.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    since: Option<Instant>,
    given: u32,
}

impl Responses {
    /// Whether one more may be given at `now`; if so it is counted.
    fn allows(&mut self, now: Instant, hello: Duration) -> bool {
        if self.since.is_none_or(|since| now >= since + hello) {
            (self.since, self.given) = (Some(now), 0);
        }
        self.given = self.given.saturating_add(1);
        self.given <= RESPONSES_PER_HELLO
    }
}

impl Group {
    /// Whether a packet is this router's own, or pretends to be.
    pub(crate) fn is_ours(&self, source: IpAddr, owner: MacAddr) -> bool {
        let physical = self.link.as_deref().map(|link| link.mac);
        physical == Some(owner) || self.underlay.is_some_and(|underlay| underlay.source == source)
    }

    /// A packet that counts.
    pub(crate) fn hear(&mut self, packet: &Packet<'_>, parsed: &Parsed<'_>, out: &mut Out<'_>) {
        if self.link.is_none() {
            return;
        }
        let stale = self.note_member(packet, parsed);
        self.counters.forwarder_state_errors += u64::from(parsed.skipped_forwarders);
        let owner = parsed.packet.owner();
        match parsed.packet.body() {
            Body::Announcement { hello, forwarders } => {
                self.learn_forwarders(packet, owner, forwarders, out);
                let hold = match hello {
                    Some(hello) if stale && resigns(hello) => self.timers.hold().to_duration(),
                    Some(hello) => self.hear_hello(packet, owner, hello, out),
                    None => {
                        self.counters.announcement_rcvd += 1;
                        self.timers.hold().to_duration()
                    }
                };
                let runs = self.underlay.is_some();
                let counts = |said: &glbp::Forwarder| runs && !(stale && said.priority.is_resigning());
                for said in forwarders.iter().filter(counts) {
                    self.hear_forwarder(packet, (owner, hold), &said, out);
                }
            }
            Body::Request => self.hear_request(packet, owner, out),
            Body::Response(number) => self.hear_response(packet, *number, out),
        }
        self.refresh_wishes(out);
    }

    /// Which forwarders there are is learned before anything is made of the Hello: who becomes the AVG by it takes none
    /// that the sender owns, or serves for another one.
    fn learn_forwarders(
        &mut self,
        packet: &Packet<'_>,
        owner: MacAddr,
        forwarders: &Forwarders,
        out: &mut Out<'_>,
    ) {
        for said in forwarders.iter() {
            let known = self.forwarders.get(place(said.number)).is_some_and(super::Forwarder::is_known);
            if self.underlay.is_some() && !known {
                self.learn_forwarder(packet, owner, &said, out);
            }
        }
    }

    /// A packet that does not: a counter, now and then a word, and nothing else.
    pub(crate) fn discard(&mut self, packet: &Packet<'_>, reason: Reason, out: &mut Out<'_>) {
        reason.count_group(&mut self.counters);
        if reason == Reason::Looped {
            self.suspect_duplicate(packet, out);
        } else {
            let (peer, text) = (packet.source, || reason.text().into());
            let (topic, kind): (_, &dyn Fn() -> NoticeKind) = if reason.is_authentication() {
                (Topic::BadAuthentication, &|| NoticeKind::BadAuthentication { peer, reason: text() })
            } else {
                (Topic::Discarded, &|| NoticeKind::Discarded { peer, reason: text() })
            };
            self.notify_limited(topic, packet.at, kind, out);
        }
    }

    /// A packet with our address or owner id, but not both, was sent by somebody else. So was one from neither of our
    /// MACs.
    fn suspect_duplicate(&mut self, packet: &Packet<'_>, out: &mut Out<'_>) {
        let mac = packet.ethernet_source;
        let ours = self.underlay.is_some_and(|underlay| {
            let served =
                self.forwarders.iter().any(|forwarder| forwarder.is_active() && forwarder.mac == mac);
            underlay.source == packet.source && (served || underlay.mac == mac)
        });
        if !ours {
            let kind = || NoticeKind::DuplicateAddress { address: packet.source, mac };
            self.notify_limited(Topic::DuplicateAddress, packet.at, kind, out);
        }
    }

    /// Whether the packet echoes an old nonce of ours: it may be an old one that somebody sends again.
    fn note_member(&mut self, packet: &Packet<'_>, parsed: &Parsed<'_>) -> bool {
        let hold = self.timers.hold().to_duration();
        let ours = self.link.as_deref().map(|link| link.mac);
        let Some(member) = self.members.hear(packet.at, parsed.packet.owner(), packet.source, hold) else {
            return false;
        };
        let mut stale = false;
        match &parsed.auth {
            AuthData::None | AuthData::Text(_) | AuthData::Md5 { nonces: None, .. } => {
                (member.nonce, member.fresh) = (None, false);
            }
            AuthData::Md5 { nonces: Some(nonces), .. } => {
                let echo = ours.and_then(|ours| nonces.peers.nonce_of(ours));
                member.fresh = echo.is_some_and(|echo| self.own_nonce.is_fresh(echo));
                stale = echo.is_some() && !member.fresh;
                // Its own nonce is an old one then, with which ours would look old to the peer.
                member.nonce = (!stale).then_some(nonces.own);
                self.counters.stale_nonces += u64::from(stale);
            }
        }
        stale
    }

    /// How long the sender is to be believed.
    fn hear_hello(
        &mut self,
        packet: &Packet<'_>,
        owner: MacAddr,
        hello: &Hello,
        out: &mut Out<'_>,
    ) -> Duration {
        let timers = believed(hello.timers(), self.timers);
        let (pace, hold) = (timers.hello().to_duration(), timers.hold().to_duration());
        if hello.timers() != timers {
            self.counters.timer_errors += 1;
        }
        let active = hello.state() == VgState::Active;
        if resigns(hello) {
            self.counters.resign_rcvd += 1;
        } else {
            self.counters.hello_rcvd += 1;
        }
        if let Some(member) = self.members.hear(packet.at, owner, packet.source, hold) {
            member.note_hello(hello, (pace, hold));
        }
        if active && !hello.is_resigning() && self.addresses.is_empty() {
            self.learn_address(packet, hello, out);
        }
        let claim = match hello.state() {
            VgState::Active if resigns(hello) => Claim::Resign,
            VgState::Active => Claim::Active,
            VgState::Standby => Claim::Standby,
            VgState::Speak => Claim::Speak,
            VgState::Listen => Claim::Listen,
        };
        let from = Rank { priority: hello.priority(), address: packet.source };
        self.gateway.handle_advert(packet.at, &Advert { from, claim, hello: pace, hold }, out.effects);
        let followed = claim == Claim::Active && self.follows(packet.source);
        if followed {
            // Before anything is said: that tells the times, too.
            self.take_times(packet.at, timers, out);
        }
        self.carry_out(packet.at, out);
        if followed {
            // Whom a router without a forwarder will ask for one.
            self.asking.avg = Some((owner, packet.source));
            self.learn_address(packet, hello, out);
        }
        if claim == Claim::Active {
            self.compare_address(packet, hello, out);
        }
        hold
    }

    /// An AVG's address is learned where none is configured, if hosts can have it as their gateway, and this router
    /// not as its own.
    fn learn_address(&mut self, packet: &Packet<'_>, hello: &Hello, out: &mut Out<'_>) {
        let (peer, address) = (packet.source, hello.address());
        let new = self.config.addresses().is_empty() && self.addresses.first() != Some(&address);
        let own = self.link.as_deref().is_some_and(|link| link.has(address));
        if new && !own && fits_a_gateway(&address) {
            self.set_addresses([address].into());
            self.notify(packet.at, NoticeKind::AddressLearned { peer, address }, out);
            self.reconsider(packet.at, out);
        }
    }

    /// An AVG with another address than ours is worth a word.
    fn compare_address(&mut self, packet: &Packet<'_>, hello: &Hello, out: &mut Out<'_>) {
        let (peer, theirs) = (packet.source, hello.address());
        if self.addresses.first() != Some(&theirs) {
            self.counters.address_errors += 1;
            let kind = || NoticeKind::AddressMismatch { peer, theirs };
            self.notify_limited(Topic::AddressListMismatch, packet.at, kind, out);
        }
    }

    /// Whether the router with this address is the AVG to this one.
    fn follows(&self, address: IpAddr) -> bool {
        match self.gateway.state() {
            State::Init | State::Active => false,
            State::Listen | State::Speak | State::Standby => {
                self.gateway.active().is_some_and(|heard| heard.rank.address == address)
            }
        }
    }

    /// The AVG sets the times.
    fn take_times(&mut self, now: Instant, timers: Timers, out: &mut Out<'_>) {
        if self.timers != timers {
            self.timers = timers;
            self.retune(now, out);
        }
    }

    /// A member asks for a forwarder. One that had one before gets it back.
    fn hear_request(&mut self, packet: &Packet<'_>, owner: MacAddr, out: &mut Out<'_>) {
        self.counters.request_rcvd += 1;
        if !self.is_avg() {
            self.counters.unexpected_requests += 1;
            return;
        }
        let theirs = self.forwarders.iter().position(|forwarder| forwarder.owner == Some(owner));
        let Some(at) = theirs.or_else(|| self.lowest_free()) else {
            // What a real AVG says then is not known (inferred).
            self.counters.refused_requests += 1;
            return;
        };
        if !self.responses.allows(packet.at, self.timers.hello().to_duration()) {
            self.counters.limited_requests += 1;
            return;
        }
        self.assign(packet.at, at, owner, out);
        if let Some(number) = ForwarderNumber::ALL.get(at) {
            let response = Body::Response(*number);
            let sent = self.say_to_peer(packet.at, response, (owner, packet.source), out);
            self.counters.response_sent += u64::from(sent);
        }
    }

    /// The AVG that was asked lately answers.
    fn hear_response(&mut self, packet: &Packet<'_>, number: ForwarderNumber, out: &mut Out<'_>) {
        self.counters.response_rcvd += 1;
        let hold = self.timers.hold().to_duration();
        let asked = self.asking.asked.take_if(|(avg, at)| *avg == packet.source && packet.at < *at + hold);
        let at = place(number);
        let owned = self.forwarders.get(at).is_some_and(|forwarder| forwarder.role == Role::Primary);
        match (asked, owned || self.own().is_none()) {
            (Some(_), true) => self.own_from_now_on(packet.at, at, out),
            (Some(_), false) | (None, _) => self.counters.unexpected_responses += 1,
        }
    }
}

/// Whether the AVG gives up.
fn resigns(hello: &Hello) -> bool {
    hello.state() == VgState::Active && hello.is_resigning()
}

/// Times that a router can have been told; those in use where they make no sense together: a timeout that is over before
/// the redirect time would have everyone forget every forwarder. What no command sets is not believed: a forged Hello
/// must neither have this router send at any pace nor have it wait for days.
fn believed(said: Timers, in_use: Timers) -> Timers {
    let within = |time: Milliseconds, range: RangeInclusive<Duration>| {
        Milliseconds::from_duration(time.to_duration().clamp(*range.start(), *range.end())).unwrap_or(time)
    };
    let (hello, hold) = (within(said.hello(), HELLO_RANGE), within(said.hold(), HOLD_RANGE));
    let (redirect, timeout) = (at_most(said.redirect(), REDIRECT_MAX), at_most(said.timeout(), TIMEOUT_MAX));
    let (redirect, timeout) =
        if timeout > redirect { (redirect, timeout) } else { (in_use.redirect(), in_use.timeout()) };
    glbp::Timers::new(hello, hold, redirect, timeout).unwrap_or(in_use)
}

/// A time of a forwarder, or what is left of it.
pub(super) fn at_most(said: Seconds, max: Duration) -> Seconds {
    Seconds::from_duration(said.to_duration().min(max)).unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timers(hello: u32, hold: u32) -> Timers {
        let millis = |number| Milliseconds::new(number).unwrap();
        Timers::new(millis(hello), millis(hold), Seconds::new(600), Seconds::new(14_400)).unwrap()
    }

    #[test]
    fn times_that_nobody_configures_are_not_believed() {
        let ours = timers(3000, 10_000);
        for (said, expected) in [
            ((3000, 10_000), (3000, 10_000)),
            ((250, 750), (250, 750)),
            ((1, 2), (50, 70)),
            ((1000, u32::MAX), (1000, 180_000)),
            ((u32::MAX - 1, u32::MAX), (60_000, 180_000)),
        ] {
            assert_eq!(believed(timers(said.0, said.1), ours), timers(expected.0, expected.1), "{said:?}");
        }
    }

    #[test]
    fn a_timeout_within_the_redirect_time_is_not_believed() {
        let ours = timers(3000, 10_000);
        let odd = |redirect, timeout| {
            let (redirect, timeout) = (Seconds::new(redirect), Seconds::new(timeout));
            Timers::new(ours.hello(), ours.hold(), redirect, timeout).unwrap()
        };
        assert_eq!(believed(odd(600, 600), ours), ours);
        assert_eq!(believed(odd(0, 0), ours), ours);
        assert_eq!(believed(odd(0, 1), ours), odd(0, 1));
        assert_eq!(believed(odd(u16::MAX, u16::MAX - 1), ours), odd(3600, 64_800), "each for itself");
    }

    #[test]
    fn redirect_times_and_timeouts_that_nobody_configures_are_not_believed() {
        let ours = timers(3000, 10_000);
        for (said, expected) in [
            ((3600, 64_800), (3600, 64_800)),
            ((3601, 64_800), (3600, 64_800)),
            ((600, u16::MAX), (600, 64_800)),
            ((u16::MAX - 1, u16::MAX), (3600, 64_800)),
        ] {
            let lasting = |(redirect, timeout)| {
                let (redirect, timeout) = (Seconds::new(redirect), Seconds::new(timeout));
                Timers::new(ours.hello(), ours.hold(), redirect, timeout).unwrap()
            };
            assert_eq!(believed(lasting(said), ours), lasting(expected), "{said:?}");
        }
    }

    #[test]
    fn requests_are_answered_at_a_bounded_pace() {
        let (mut responses, hello) = (Responses::default(), Duration::from_secs(3));
        let given = |from: u64, responses: &mut Responses| {
            (0..1000).filter(|step| responses.allows(Instant::from_millis(from + step), hello)).count()
        };
        assert_eq!(
            (given(0, &mut responses), given(1000, &mut responses), given(3000, &mut responses)),
            (8, 0, 8)
        );
    }
}
