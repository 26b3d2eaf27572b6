//! What the capture shows: who claimed to be Active for what and from when to when, and what was said in between.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use fhrp_wire::MacAddr;

use crate::{
    capture::{Event, Port},
    clock::Stamp,
    frame::Kind,
    scenario::{
        RouterState,
        contest::{Claim, Contest},
    },
};

use super::{
    check::{Checker, Findings},
    fault::{Class, Fault},
    parties::Party,
};

/// What scheduling and transport may add to a protocol's time.
const SLACK: Duration = Duration::from_secs(2);
/// How long a router that has given up may still hand on frames for its successor.
const HANDOVER: Duration = Duration::from_secs(2);
/// How soon a daemon that is asked to stop says so: sooner than anybody takes over from a silent router.
const AT_ONCE: Duration = Duration::from_millis(200);
/// Who became Active has announced its address by then: once, and again after 1 s and 5 s.
const ANNOUNCED: Duration = Duration::from_secs(10);

/// A time during which a router may neither hear nor be heard in a LAN, or its daemon not act.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deaf {
    pub(super) router: u8,
    pub(super) lan: u8,
    pub(super) from: Stamp,
    pub(super) to: Stamp,
    pub(super) by: Class,
}

impl Deaf {
    /// Whether the kernel of this router was without its daemon then: it goes on as it was, and speaks from virtual MACs.
    fn orphans(&self, router: u8, at: Stamp) -> bool {
        self.by == Class::Process && self.router == router && (self.from..=self.to).contains(&at)
    }
}

/// A daemon that was asked to stop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped {
    pub(super) router: u8,
    /// When it was asked.
    pub(super) at: Stamp,
}

/// A fault, and when it was felt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    pub(super) fault: Fault,
    pub(super) from: Stamp,
    pub(super) to: Stamp,
}

/// A router's claims to be Active, none long after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    router: u8,
    first: Stamp,
    last: Stamp,
    /// When it said otherwise, and what.
    ended: Option<(Stamp, End)>,
    /// Whether it has announced the virtual address meanwhile.
    announced: bool,
}

/// A time in which a router claimed nothing.
#[derive(Clone, Copy, Debug)]
struct Pause {
    router: u8,
    from: Stamp,
    to: Stamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Resigned,
    Otherwise,
}

/// Something that routers contend for.
#[derive(Debug)]
struct Watched {
    name: String,
    contest: Contest,
    lan: u8,
    /// Longer silence ends a span.
    silence: Duration,
    spans: Vec<Span>,
    /// What no Active router would leave between two claims of a span: it may have given way and come back.
    pauses: Vec<Pause>,
    /// Up to here it has been judged: what hindered whom before is forgotten.
    judged: Stamp,
    holder: Option<u8>,
}

/// Follows all contests over a whole run.
#[derive(Debug)]
pub(super) struct Wire {
    watched: Vec<Watched>,
    /// The contest that is told about by announcements of an address.
    addresses: BTreeMap<(u8, IpAddr), usize>,
    /// The contest that a virtual MAC belongs to.
    macs: BTreeMap<MacAddr, usize>,
    /// How often another router became Active for something.
    pub(super) takeovers: u64,
}

/// Number of the router `rN`; hosts have none.
fn router_of(event: &Event) -> Option<u8> {
    event.node.strip_prefix('r')?.parse().ok()
}

impl Wire {
    pub(super) fn new(parties: &[Party]) -> Self {
        let mut wire =
            Self { watched: Vec::new(), addresses: BTreeMap::new(), macs: BTreeMap::new(), takeovers: 0 };
        for party in parties {
            for contest in party.contests() {
                let place = wire.watched.len();
                let forwarder = match contest {
                    Contest::Forwarder { number, .. } => Some(number),
                    Contest::Vrrp { .. } | Contest::Hsrp { .. } | Contest::Gateway { .. } => None,
                };
                let name = forwarder.map_or_else(
                    || party.name.to_owned(),
                    |number| format!("{} forwarder {number}", party.name),
                );
                let silence = party.patience() + SLACK;
                let spans = Vec::new();
                wire.watched.push(Watched {
                    name,
                    contest,
                    lan: party.lan,
                    silence,
                    spans,
                    pauses: Vec::new(),
                    judged: Stamp::default(),
                    holder: None,
                });
                if party.announces() {
                    wire.addresses.insert((party.lan, party.address()), place);
                }
                if let Some(mac) = party.virtual_mac(forwarder) {
                    wire.macs.insert(mac, place);
                }
            }
        }
        wire
    }

    /// Takes in what was captured since the last call, `deaf` being all of the round.
    pub(super) fn read(&mut self, events: &[Event], deaf: &[Deaf]) -> Findings {
        let mut findings = Findings::default();
        for event in events {
            if let (Some(router), Port::Lan(lan)) = (router_of(event), event.port) {
                self.read_claims(event, (router, lan));
                self.read_announcement(event, (router, lan), &mut findings);
                if !deaf.iter().any(|deaf| deaf.orphans(router, event.at)) {
                    self.judge_source(event, router, &mut findings);
                }
            }
        }
        findings
    }

    fn read_claims(&mut self, event: &Event, (router, lan): (u8, u8)) {
        for watched in self.watched.iter_mut().filter(|watched| watched.lan == lan) {
            if let Some(claim) = watched.claim(&event.kind) {
                self.takeovers += watched.claimed(router, event.at, claim);
            }
        }
    }

    fn read_announcement(&mut self, event: &Event, (router, lan): (u8, u8), findings: &mut Findings) {
        let announced = self.addresses.iter().find(|((of, address), _)| {
            *of == lan && event.destination_mac.is_multicast() && event.kind.announces(*address)
        });
        if let Some(((_, address), watched)) =
            announced.and_then(|(key, at)| Some((key, self.watched.get_mut(*at)?)))
        {
            let wrong = (!watched.announced(router, event.at)).then(|| {
                format!("{}: r{router} announces {address} at {}, and is not Active", watched.name, event.at)
            });
            findings.look(Checker::Announces, wrong);
        }
    }

    fn judge_source(&self, event: &Event, router: u8, findings: &mut Findings) {
        let spoken = self.macs.get(&event.source_mac).and_then(|place| self.watched.get(*place));
        if let Some(watched) = spoken {
            let wrong = (!watched.was_active(router, event.at)).then(|| {
                let (name, mac, at) = (&watched.name, event.source_mac, event.at);
                format!("{name}: r{router} sends from {mac} at {at}, and is not Active: {:?}", event.kind)
            });
            findings.look(Checker::VirtualMac, wrong);
        }
    }

    /// Judges who took over from whom, `troubles` being all of the round. Before [`Self::judge`], which forgets.
    pub(super) fn judge_successions(&self, troubles: &[Trouble]) -> Findings {
        let mut findings = Findings::default();
        for watched in &self.watched {
            for trouble in troubles.iter().filter(|trouble| trouble.fault.silences(watched.lan)) {
                watched.judge_succession(trouble, troubles, &mut findings);
            }
        }
        findings
    }

    /// Judges what is known by now, `deaf` and `stopped` being all of the round. What has ended is then forgotten.
    pub(super) fn judge(&mut self, deaf: &[Deaf], stopped: &[Stopped]) -> Findings {
        let mut findings = Findings::default();
        for place in self.addresses.values() {
            if let Some(watched) = self.watched.get(*place) {
                watched.judge_silence(deaf, &mut findings);
            }
        }
        for watched in &mut self.watched {
            watched.judge_overlaps(deaf, &mut findings);
            for stop in stopped {
                watched.judge_resignation(*stop, deaf, &mut findings);
            }
            watched.forget();
        }
        findings
    }

    /// Claims in words, for evidence: the spans that are remembered.
    pub(super) fn history(&self) -> Vec<String> {
        let lines = self.watched.iter().flat_map(|watched| {
            watched.spans.iter().map(|span| {
                let ended = match span.ended {
                    Some((at, End::Resigned)) => format!(", resigned at {at}"),
                    Some((at, End::Otherwise)) => format!(", said otherwise at {at}"),
                    None => String::new(),
                };
                format!(
                    "{}: r{} Active from {} to {}{ended}",
                    watched.name, span.router, span.first, span.last
                )
            })
        });
        lines.collect()
    }
}

impl Watched {
    /// What a frame says. A hello that tells what its sender is as a gateway tells all forwarders that it serves: who
    /// gives way to another one leaves them out from then on.
    fn claim(&self, kind: &Kind) -> Option<Claim> {
        let said = self.contest.claim(kind);
        let left_out = match self.contest {
            Contest::Forwarder { group, .. } => kind.glbp().is_some_and(|hello| {
                hello.group == group && hello.gateway.is_some_and(|gateway| gateway.priority > 0)
            }),
            Contest::Vrrp { .. } | Contest::Hsrp { .. } | Contest::Gateway { .. } => false,
        };
        said.or(left_out.then_some(Claim::Is(RouterState::Listen)))
    }

    /// Gives 1 if somebody took over from another one.
    fn claimed(&mut self, router: u8, at: Stamp, claim: Claim) -> u64 {
        let (silence, pace) = (self.silence, self.pace());
        let open = self
            .spans
            .iter_mut()
            .rev()
            .find(|span| span.router == router)
            .filter(|span| span.ended.is_none() && at.since(span.last) <= silence);
        match (claim, open) {
            // Who takes over by a Coup, or defends itself by one, is Active from then on.
            (Claim::Active { .. } | Claim::Coup, Some(span)) => {
                if at.since(span.last) > pace {
                    self.pauses.push(Pause { router, from: span.last, to: at });
                }
                span.last = span.last.max(at);
            }
            (Claim::Active { .. } | Claim::Coup, None) => {
                self.spans.push(Span { router, first: at, last: at, ended: None, announced: false });
                let before = self.holder.replace(router);
                return u64::from(before.is_some_and(|before| before != router));
            }
            (Claim::Resigns, Some(span)) => span.ended = Some((at, End::Resigned)),
            (Claim::Is(_), Some(span)) => span.ended = Some((at, End::Otherwise)),
            (Claim::Resigns | Claim::Is(_), None) => {}
        }
        0
    }

    /// The address was announced. Whether by one that is Active.
    fn announced(&mut self, router: u8, at: Stamp) -> bool {
        let silence = self.silence;
        let span = self.spans.iter_mut().rev().find(|span| span.router == router);
        let active = span.filter(|span| span.ended.is_none() && at.since(span.last) <= silence);
        active.is_some_and(|span| {
            span.announced = true;
            true
        })
    }

    fn last_span(&self, router: u8) -> Option<&Span> {
        self.spans.iter().rev().find(|span| span.router == router)
    }

    /// Whether it is Active, or was until just now.
    fn was_active(&self, router: u8, at: Stamp) -> bool {
        self.last_span(router).is_some_and(|span| match span.ended {
            Some((ended, _)) => at.since(ended) <= HANDOVER,
            None => at.since(span.last) <= self.silence,
        })
    }

    fn judge_overlaps(&self, deaf: &[Deaf], findings: &mut Findings) {
        for (place, one) in self.spans.iter().enumerate() {
            for other in self.spans.iter().skip(place + 1).filter(|other| other.router != one.router) {
                let from = one.first.max(other.first).max(self.judged);
                let to = one.last.min(other.last);
                if from >= to {
                    continue;
                }
                let either = |router: u8| router == one.router || router == other.router;
                let hindered = deaf.iter().filter(|deaf| deaf.lan == self.lan && either(deaf.router));
                let paused = self.pauses.iter().filter(|pause| either(pause.router));
                let without = hindered.map(|deaf| (deaf.from, deaf.to));
                let longest =
                    longest_outside(from, to, without.chain(paused.map(|pause| (pause.from, pause.to))));
                let wrong = (longest > self.silence).then(|| {
                    let (name, one, other) = (&self.name, one.router, other.router);
                    format!("{name}: r{one} and r{other} both claim to be Active for {longest:?} between {from} and {to}")
                });
                findings.look(Checker::OneActive, wrong);
            }
        }
    }

    /// Of those that became Active since the last time and still are: hosts have to be told.
    fn judge_silence(&self, deaf: &[Deaf], findings: &mut Findings) {
        let lasts = |span: &&Span| span.ended.is_none() && span.last.since(span.first) >= ANNOUNCED;
        for span in self.spans.iter().filter(lasts).filter(|span| span.first > self.judged) {
            let hindered = |deaf: &Deaf| {
                let own = deaf.lan == self.lan && deaf.router == span.router;
                own && deaf.from <= span.last && span.first <= deaf.to
            };
            if !deaf.iter().any(hindered) {
                let (name, router, first) = (&self.name, span.router, span.first);
                let wrong = (!span.announced)
                    .then(|| format!("{name}: r{router} is Active since {first}, and has not announced it"));
                findings.look(Checker::Announces, wrong);
            }
        }
    }

    /// Of those that were surely Active when they were asked to stop.
    fn judge_resignation(&self, stop: Stopped, deaf: &[Deaf], findings: &mut Findings) {
        let unheard = |deaf: &&Deaf| {
            let own = deaf.lan == self.lan && deaf.router == stop.router;
            own && deaf.by != Class::Process && deaf.from < stop.at.after(HANDOVER) && stop.at < deaf.to
        };
        if deaf.iter().any(|deaf| unheard(&deaf)) {
            return;
        }
        let Some(span) = self.sole_active(stop.router, stop.at) else { return };
        let resigned = span.ended.is_some_and(|(_, end)| end == End::Resigned);
        let wrong = (!resigned).then(|| {
            format!(
                "{}: r{} was stopped at {} and has not resigned: {span:?}",
                self.name, stop.router, stop.at
            )
        });
        findings.look(Checker::Resigns, wrong);
    }

    /// The claims of a router that was surely Active at a time, and had not just been outranked.
    fn sole_active(&self, router: u8, at: Stamp) -> Option<&Span> {
        let before = |span: &&Span| span.router == router && span.first < at;
        let span = self.spans.iter().rev().find(before)?;
        let gave_up_before = span.ended.is_some_and(|(ended, _)| ended < at);
        if gave_up_before || at.since(span.last) > self.pace() {
            return None;
        }
        // Who has just been outranked gives way in silence.
        let outranked = self.spans.iter().any(|other| {
            other.router != router && other.last >= span.last && other.first <= at.after(AT_ONCE)
        });
        (!outranked).then_some(span)
    }

    /// How long a silent Active router is waited for.
    fn patience(&self) -> Duration {
        self.silence - SLACK
    }

    /// How old the last packet of an Active router is at most: an interval, which is a third of the protocol's time,
    /// and what scheduling adds.
    fn pace(&self) -> Duration {
        self.patience() / 2 + Duration::from_millis(200)
    }

    /// Of those that were surely Active when they fell silent for long, and nothing else was wrong: another one takes
    /// over.
    fn judge_succession(&self, silent: &Trouble, all: &[Trouble], findings: &mut Findings) {
        let (router, at) = (silent.fault.router(), silent.from);
        let until = at.after(self.silence);
        let disturbs = |other: &&Trouble| {
            let begun = other.from <= until && at < other.to.after(self.patience() * 2);
            other.fault != silent.fault && other.fault.touches(self.lan) && begun
        };
        if silent.to < until || all.iter().any(|other| disturbs(&other)) {
            return;
        }
        let Some(span) = self.sole_active(router, at) else { return };
        let follows = |other: &Span| other.router != router && other.last > at && other.first <= until;
        let wrong = (!self.spans.iter().any(follows)).then(|| {
            let (name, silence) = (&self.name, self.silence);
            format!(
                "{name}: r{router} fell silent at {at} ({}), and nobody took over in {silence:?}: {span:?}",
                silent.fault
            )
        });
        findings.look(Checker::TakesOver, wrong);
    }

    /// Keeps what goes on, and each router's latest.
    fn forget(&mut self) {
        let mut kept: Vec<Span> = Vec::new();
        for span in self.spans.drain(..).rev() {
            if kept.iter().all(|later| later.router != span.router) {
                kept.push(span);
            }
        }
        kept.reverse();
        self.judged = kept.iter().map(|span| span.last).max().unwrap_or(self.judged);
        self.spans = kept;
        self.pauses.clear();
    }
}

/// The longest part of a time that none of `without` touches.
fn longest_outside(from: Stamp, to: Stamp, without: impl Iterator<Item = (Stamp, Stamp)>) -> Duration {
    let mut cuts: Vec<_> = without.collect();
    cuts.sort_unstable();
    let mut longest = Duration::ZERO;
    let mut begin = from;
    for (cut, mended) in cuts {
        longest = longest.max(cut.min(to).since(begin));
        begin = begin.max(mended);
    }
    longest.max(to.since(begin))
}

#[cfg(test)]
mod tests;
