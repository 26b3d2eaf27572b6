//! What failed objects do to a group.

use std::collections::BTreeMap;

use fhrp_election::Instant;

use super::{Group, Out};
use crate::{NoticeKind, Track, TrackEffect, TrackName, TrackState};

/// The sum of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    /// What is taken off the priority.
    pub(crate) decrement: u8,
    /// An object that stops the group.
    pub(crate) shut: Option<TrackName>,
    /// Those that are down.
    down: Vec<TrackName>,
}

impl Load {
    pub(crate) fn of(tracks: &[Track], states: &BTreeMap<TrackName, TrackState>) -> Self {
        let mut load = Self::default();
        for track in tracks.iter().filter(|track| states.get(&track.name) == Some(&TrackState::Down)) {
            load.down.push(track.name.clone());
            match track.effect {
                TrackEffect::Decrement(by) => load.decrement = load.decrement.saturating_add(by),
                TrackEffect::Shutdown => load.shut = Some(track.name.clone()),
            }
        }
        load
    }
}

impl Group {
    /// The tracked objects are like this now.
    pub(crate) fn handle_tracks(
        &mut self,
        now: Instant,
        states: &BTreeMap<TrackName, TrackState>,
        out: &mut Out<'_>,
    ) {
        let load = Load::of(self.speaker.tracks(), states);
        if load == self.load {
            return;
        }
        let before = std::mem::replace(&mut self.load, load);
        for (name, state) in before.changes(&self.load) {
            self.notify(now, NoticeKind::Tracked { name, state }, out);
        }
        self.reconsider(now, out);
    }
}

impl Load {
    /// The tracked objects and what they are, for display.
    pub(crate) fn list(&self, tracks: &[Track]) -> Vec<(Track, TrackState)> {
        let state = |track: &Track| match self.down.contains(&track.name) {
            true => TrackState::Down,
            false => TrackState::Up,
        };
        tracks.iter().map(|track| (track.clone(), state(track))).collect()
    }

    /// What changed from `self` to `later`.
    pub(crate) fn changes(&self, later: &Self) -> Vec<(TrackName, TrackState)> {
        let failed = later.down.iter().filter(|name| !self.down.contains(name));
        let recovered = self.down.iter().filter(|name| !later.down.contains(name));
        let failed = failed.map(|name| (name.clone(), TrackState::Down));
        failed.chain(recovered.map(|name| (name.clone(), TrackState::Up))).collect()
    }
}
