//! What goes out of a router in one group of GLBP, and what its dataplane is told.

use bytes::Bytes;
use fhrp::{Action, Binding, Gate, GlbpStatus, GroupState, GroupStatus, Instant, MacAddr};
use fhrp_wire::glbp::{self, Body, VfState};

use super::contest::Times;
use super::forwarder::{Forwarder, Role, Stand};
use super::hosts::question_in;
use super::said::resigns;
use super::{Contest, FORWARDERS, Said, virtual_macs};
use crate::candidate::Candidate;
use crate::check::Checker;
use crate::contest::{Fault, Fitness};
use crate::flaw::announced;
use crate::group::GroupPlan;
use crate::monitor::{Round, Step, Wish, fitness};
use crate::subject::Input;

/// What a router was like before a call.
#[derive(Clone, Debug)]
pub(super) struct Before {
    state: GroupState,
    forwarders: [Forwarder; FORWARDERS],
    programmed: [bool; FORWARDERS],
    times: Times,
    weight: u8,
    low: bool,
}

/// What was sent about the group in a round.
struct Sent<'a> {
    said: Vec<Said>,
    frames: Vec<&'a Bytes>,
}

impl Contest {
    /// A call is about to be looked at.
    pub(crate) fn prepare(
        &mut self,
        step: &Step<'_>,
        status: &GlbpStatus,
        answered: Option<&Binding>,
        goes_on: Option<Round>,
    ) {
        let unsure = goes_on.is_some() || step.round == Round::GoesOn;
        if goes_on.is_none() {
            self.before = Some(Before {
                state: self.candidate.state,
                forwarders: self.forwarders.clone(),
                programmed: std::array::from_fn(|at| self.shows(at).is_some_and(|shown| shown.programmed)),
                times: self.times,
                weight: self.weight_shown,
                low: self.low,
            });
            self.forwarders.iter_mut().for_each(|forwarder| forwarder.resigns = false);
        }
        self.weight_shown = status.weighting.current;
        self.note(step.now, status, unsure);
        let number = |binding: &Binding| {
            virtual_macs(self.settings.group).iter().position(|mac| binding.mac == Some(*mac))
        };
        let answered = answered.and_then(|binding| Some((binding.gate, number(binding)?)));
        if let (Input::Programmed { result, .. }, Some((gate, at))) = (step.input, answered) {
            match (result, gate) {
                (Ok(()), Gate::Open) => {
                    self.forwarders[at].announced |= self.forwarders[at].stand == Stand::Active;
                }
                (Ok(()), Gate::Closed) => {}
                (Err(_), _) => self.refused(step.now, at),
            }
        }
    }

    /// Looks at what a round came to.
    pub(crate) fn inspect<'a>(
        &mut self,
        step: &Step<'_>,
        group: &GroupPlan,
        status: &GroupStatus,
        wishes: impl Iterator<Item = &'a Wish>,
    ) -> Vec<Fault> {
        let fit = fitness(step.link, group.ipv6);
        let sent = Sent::of(step, group);
        let mut faults = Vec::new();
        if !matches!(step.input, Input::Stop) {
            let wishes: Vec<&Wish> = wishes.filter(|wish| wish.binding.is_some()).collect();
            faults.extend(self.check_bindings(&wishes));
        }
        let before = self.before.clone();
        if let (Some(before), Some(fit)) = (before, fit.as_ref()) {
            let macs = virtual_macs(self.settings.group);
            faults.extend(self.check_resigned(&sent));
            faults.extend(self.check_announcements(step, &sent, &macs));
            if !self.is_unsure() {
                faults.extend(sent.said.iter().filter_map(|said| self.check_response(said, step)));
                faults.extend(self.check_hello(step.now, &sent, &before));
            }
            faults.extend(self.check_answers(step, status, &sent, fit));
        }
        self.remember(step.now, &sent);
        faults
    }

    /// The group is gone: what it served is resigned.
    pub(crate) fn check_gone(&self, step: &Step<'_>, group: &GroupPlan) -> Vec<Fault> {
        let sent = Sent::of(step, group);
        let served = |forwarder: &Forwarder| forwarder.stand == Stand::Active && forwarder.announced;
        (0..FORWARDERS)
            .filter(|at| served(&self.forwarders[*at]) && !sent.resigns(*at))
            .map(|at| (Checker::Resigns, format!("serves forwarder {} no longer and says nothing", at + 1)))
            .collect()
    }

    fn check_bindings(&self, wishes: &[&Wish]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, mac) in virtual_macs(self.settings.group).into_iter().enumerate() {
            let ours = |wish: &&&Wish| wish.binding.as_ref().is_some_and(|binding| binding.mac == Some(mac));
            let wish = wishes.iter().find(ours);
            let open = |binding: &Binding| binding.gate == Gate::Open;
            let opened = wish.and_then(|wish| wish.binding.as_ref()).is_some_and(open);
            let shown = self.shows(at);
            let state = shown.map(|shown| shown.state);
            if opened != (state == Some(GroupState::Active)) {
                let gate = if opened { "open" } else { "closed" };
                faults.push((Checker::Binding, format!("forwarder {} is {state:?}, gate {gate}", at + 1)));
            }
            let done = wish.is_some_and(|wish| wish.done);
            if shown.is_some_and(|shown| shown.programmed != done) {
                let text = format!("forwarder {} counts as programmed: {}", at + 1, !done);
                faults.push((Checker::Binding, text));
            }
        }
        faults
    }

    fn check_resigned(&self, sent: &Sent<'_>) -> Vec<Fault> {
        let silent = (0..FORWARDERS).filter(|at| self.forwarders[*at].resigns && !sent.resigns(*at));
        let checker = if self.low { Checker::Weighs } else { Checker::Resigns };
        silent.map(|at| (checker, format!("gives forwarder {} up and says nothing", at + 1))).collect()
    }

    /// What is said in the name of a forwarder is said while its gate is open.
    fn check_announcements(&self, step: &Step<'_>, sent: &Sent<'_>, macs: &[MacAddr]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for said in sent.said.iter().filter(|_| step.wired) {
            if macs.contains(&said.mac) && !step.dataplane.forwards(said.mac) {
                faults.push((
                    Checker::VirtualMac,
                    format!("speaks from {}, which it does not serve", said.mac),
                ));
            }
            let active = |one: &glbp::Forwarder| one.state == VfState::Active && !one.priority.is_resigning();
            for one in said.forwarders().iter().filter(|one| active(one)) {
                let mac = macs[usize::from(one.number.get()) - 1];
                if !step.dataplane.forwards(mac) {
                    let text = format!("says that it serves forwarder {}", one.number.get());
                    faults.push((Checker::LiveBeforeAnnounced, text));
                }
            }
        }
        if let Input::Programmed { result: Ok(()), .. } = step.input {
            for at in (0..FORWARDERS).filter(|at| self.became_live(*at)) {
                let ours = |said: &&Said| said.hello().is_none() && said.mac == macs[at];
                let lists =
                    |said: &Said| said.forwarders().iter().any(|one| usize::from(one.number.get()) == at + 1);
                if !sent.said.iter().filter(ours).any(lists) {
                    let text = format!("forwarder {} is live and not announced", at + 1);
                    faults.push((Checker::Announces, text));
                }
            }
        }
        faults
    }

    fn became_live(&self, at: usize) -> bool {
        let before = self.before.as_ref().is_some_and(|before| before.programmed[at]);
        self.serves(at) && !before
    }

    fn check_response(&self, said: &Said, step: &Step<'_>) -> Option<Fault> {
        let Body::Response(number) = said.packet.body() else { return None };
        let at = usize::from(number.get()) - 1;
        let owner = self.shows(at).and_then(|shown| shown.owner);
        let to = step.actions.iter().any(|action| match action {
            Action::Transmit { frame, .. } => owner.is_some_and(|owner| frame.starts_with(&owner.0)),
            _ => false,
        });
        (!to).then(|| (Checker::Assigns, format!("gives forwarder {} to who does not have it", at + 1)))
    }

    /// A Hello says what is, or was at the beginning of the call.
    fn check_hello(&self, now: Instant, sent: &Sent<'_>, before: &Before) -> Vec<Fault> {
        let hellos = sent.said.iter().filter(|said| said.regular());
        let Some((said, hello)) = hellos.last().and_then(|said| Some((said, said.hello()?))) else {
            let Candidate { state, .. } = self.candidate;
            let speaks = matches!(state, GroupState::Speak | GroupState::Standby | GroupState::Active);
            let silent = speaks && state != before.state;
            let text = || format!("is {state} and says nothing");
            return silent.then(|| (Checker::Advertises, text())).into_iter().collect();
        };
        let mut faults = Vec::new();
        let times = hello.timers();
        let times = Times {
            hello: times.hello().to_duration(),
            hold: times.hold().to_duration(),
            redirect: times.redirect().to_duration(),
            timeout: times.timeout().to_duration(),
        };
        if times != self.times && times != before.times {
            faults.push((Checker::Lists, format!("says {times:?}, should say {:?}", self.times)));
        }
        if hello.priority() != self.settings.priority {
            faults.push((Checker::Lists, format!("says priority {}", hello.priority())));
        }
        for at in 0..FORWARDERS {
            let listed = said.forwarders().into_iter().find(|one| usize::from(one.number.get()) == at + 1);
            if let Some(text) = self.mislists(now, at, listed, before) {
                faults.push((Checker::Lists, format!("forwarder {}: {text}", at + 1)));
            }
        }
        faults
    }

    fn mislists(
        &self,
        now: Instant,
        at: usize,
        listed: Option<glbp::Forwarder>,
        before: &Before,
    ) -> Option<String> {
        let (was, is) = (&before.forwarders[at], &self.forwarders[at]);
        let serves = |one: &Forwarder| one.stand == Stand::Active && one.announced;
        let (served, serves) = (serves(was) && before.programmed[at], serves(is) && self.serves(at));
        let (owned, owns) = (was.role == Role::Primary, is.role == Role::Primary);
        let Some(listed) = listed else {
            let due = (served && serves) || (owned && owns);
            return due.then(|| "is not listed".to_owned());
        };
        match listed.state {
            VfState::Active if !served && !serves => return Some("is listed as Active".to_owned()),
            VfState::Listen if served && serves => return Some("is listed in Listen".to_owned()),
            VfState::Listen if !owned && !owns => return Some("is listed, and is not its own".to_owned()),
            VfState::Active | VfState::Listen => {}
        }
        let priority = listed.priority.0;
        if priority != is.priority(self.low) && priority != was.priority(before.low) {
            return Some(format!("has priority {priority}"));
        }
        if ![before.weight, self.weight()].contains(&listed.weight) {
            return Some(format!("has weight {}", listed.weight));
        }
        let left = (listed.redirect_left.to_duration(), listed.timeout_left.to_duration());
        let ends = |one: &Forwarder| (one.redirect_ends, one.timeout_ends);
        let expected = if owns {
            (self.times.redirect, self.times.timeout)
        } else {
            let left = |until: Instant| {
                std::time::Duration::from_secs(until.saturating_duration_since(now).as_secs())
            };
            (left(is.redirect_ends), left(is.timeout_ends))
        };
        let steady = owned == owns && ends(was) == ends(is) && before.times == self.times;
        (steady && left != expected).then(|| format!("has {left:?} left, should have {expected:?}"))
    }

    fn check_answers(
        &mut self,
        step: &Step<'_>,
        status: &GroupStatus,
        sent: &Sent<'_>,
        fit: &Fitness,
    ) -> Vec<Fault> {
        let ours = |frame: &&&Bytes| {
            announced(frame).is_some_and(|(address, _)| status.addresses.contains(&address))
        };
        let answers: Vec<Bytes> = sent.frames.iter().filter(ours).map(|frame| (*frame).clone()).collect();
        if self.is_unsure() {
            self.forget_handed();
            return Vec::new();
        }
        let question = match step.input {
            Input::Frame { at, octets, .. } => question_in(octets).map(|question| (*at, question)),
            _ => None,
        };
        match question.filter(|(_, question)| status.addresses.contains(&question.target)) {
            Some((at, question)) => self.answered(at, &question, &answers, fit),
            None if answers.is_empty() => Vec::new(),
            None => vec![(Checker::Answers, "tells hosts where the address is, unasked".to_owned())],
        }
    }

    /// What it sent counts from now on.
    fn remember(&mut self, now: Instant, sent: &Sent<'_>) {
        for said in &sent.said {
            if matches!(said.packet.body(), Body::Request) {
                self.asked = Some((said.destination, now));
            }
            let nonce = said.echo(None).map(|echo| echo.own);
            if nonce.is_some() && self.nonces[0] != nonce {
                self.nonces = [nonce, self.nonces[0]];
            }
        }
    }
}

impl<'a> Sent<'a> {
    fn of(step: &Step<'a>, group: &GroupPlan) -> Self {
        let frames: Vec<&Bytes> = step
            .actions
            .iter()
            .filter_map(|action| match action {
                Action::Transmit { frame, .. } => Some(frame),
                _ => None,
            })
            .collect();
        let about = |said: &Said| said.number() == group.number && said.ipv6() == group.ipv6;
        let said = frames.iter().filter_map(|frame| super::message_in(frame)).filter(about).collect();
        Self { said, frames }
    }

    /// Whether the forwarder at `at` is given up.
    fn resigns(&self, at: usize) -> bool {
        self.said.iter().filter(|said| !said.hello().is_some_and(|hello| resigns(&hello))).any(|said| {
            let ours = |one: &glbp::Forwarder| usize::from(one.number.get()) == at + 1;
            said.forwarders().iter().any(|one| ours(one) && one.priority.is_resigning())
        })
    }
}
