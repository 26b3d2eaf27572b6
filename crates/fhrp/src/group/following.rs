//! Groups that follow another one: a single contest decides for all of them.

use fhrp_election::{Cause, Instant, State};

use super::{Group, Out};
use crate::NoticeKind;
use crate::limiter::Topic;

/// What the group that is followed is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lead {
    /// There is none of that name.
    #[default]
    Missing,
    /// It stands here.
    At(State),
}

impl Lead {
    pub(super) fn state(self) -> State {
        match self {
            Self::Missing => State::Init,
            Self::At(state) => state,
        }
    }
}

impl Group {
    /// What followers of this group are to take over.
    pub(crate) fn lead(&self) -> Lead {
        Lead::At(self.state())
    }

    /// The group that this one follows is this now. Nothing to one that follows none.
    pub(crate) fn handle_lead(&mut self, now: Instant, lead: Lead, out: &mut Out<'_>) {
        if self.speaker.leader().is_some() && lead != self.lead {
            self.lead_on(now, lead, out);
            self.reconsider(now, out);
            self.watch_cut(now, out);
        }
    }

    pub(super) fn lead_on(&mut self, now: Instant, lead: Lead, out: &mut Out<'_>) {
        let before = self.state();
        self.lead = lead;
        self.follow_from(now, before, out);
    }

    /// A follower's state is a function of others' states; here is where it is seen to have changed.
    pub(super) fn follow_from(&mut self, now: Instant, before: State, out: &mut Out<'_>) {
        let after = self.state();
        if self.speaker.leader().is_some() && before != after {
            self.moved(now, (before, after), Cause::Followed, out);
            self.watch_cut(now, out);
        }
    }

    /// The one that leads is Active, and this one cannot serve: its hosts are cut off, and no other router knows.
    fn watch_cut(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(leader) = self.speaker.leader().cloned() else { return };
        if self.lead == Lead::At(State::Active) && self.underlay.is_none() {
            self.notify_limited(Topic::CutOff, now, || NoticeKind::CutOff { leader }, out);
        }
    }
}
