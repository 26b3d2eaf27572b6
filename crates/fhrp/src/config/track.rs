//! Tracked objects: something outside the protocol on which a priority, or the whole group, depends.

use std::fmt;
use std::sync::Arc;

use super::{ConfigError, ConfigField, wrong};

/// The name of a tracked object. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackName(Arc<str>);

impl TrackName {
    /// Takes any text.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TrackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TrackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// What is known of a tracked object. One of which nothing is known counts as up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackState {
    /// All is well.
    Up,
    /// It failed.
    Down,
}

/// What a failed object does to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackEffect {
    /// Takes this much off the priority, 1–255, besides what others take off; never below 0 (HSRP) or 1 (VRRP).
    Decrement(u8),
    /// The group stops until it is up again.
    Shutdown,
}

/// One tracked object of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Which.
    pub name: TrackName,
    /// What its failure does.
    pub effect: TrackEffect,
}

/// No object twice, and no decrement of nothing.
pub(crate) fn check_tracks(tracks: &[Track]) -> Result<(), ConfigError> {
    for (at, track) in tracks.iter().enumerate() {
        let field = ConfigField::Track(Some(at));
        if tracks.iter().take(at).any(|earlier| earlier.name == track.name) {
            return wrong(field, format!("object {} is tracked twice", track.name), "remove one");
        }
        if track.effect == TrackEffect::Decrement(0) {
            return wrong(field, "a decrement of 0 has no effect", "use 1 to 255, or remove it");
        }
    }
    Ok(())
}
