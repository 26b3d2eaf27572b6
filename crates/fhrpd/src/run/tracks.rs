//! Tracked objects: what a new configuration changes, what may be set by hand, what has not been seen.

use std::collections::BTreeMap;

use fhrp::driver::Change;
use fhrp::{InterfaceName, TrackName, TrackState};

/// The objects of a configuration, with the interface that each stands for.
pub(super) type Tracks = BTreeMap<TrackName, Option<InterfaceName>>;

/// From `old` to `new`. An object that is set by hand in both keeps its state.
pub(super) fn changes(old: &Tracks, new: &Tracks) -> Vec<Change> {
    let gone = old.keys().filter(|name| !new.contains_key(*name)).cloned().map(Change::ForgetTrack);
    let rest = new.iter().filter_map(|(name, interface)| match (old.get(name), interface) {
        (Some(before), now) if before == now => None,
        (_, Some(interface)) => Some(Change::TrackInterface(name.clone(), interface.clone())),
        (Some(_), None) => Some(Change::ForgetTrack(name.clone())),
        (None, None) => None,
    });
    gone.chain(rest).collect()
}

/// What follows the groups in what a reload says; nothing where no object changed.
pub(super) fn summary(changes: &[Change]) -> String {
    match changes.len() {
        0 => String::new(),
        1 => "; 1 tracked object changed".to_owned(),
        count => format!("; {count} tracked objects changed"),
    }
}

/// Whether the object may be set by hand.
///
/// # Errors
/// Why not, for the operator.
pub(super) fn settable(tracks: &Tracks, name: &TrackName) -> Result<(), String> {
    match tracks.get(name) {
        Some(None) => Ok(()),
        Some(Some(interface)) => {
            Err(format!("\"{name}\" is the state of interface {interface}; it cannot be set by hand"))
        }
        None => {
            let known: Vec<String> = tracks.keys().map(|name| format!("\"{name}\"")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(format!("there is no tracked object \"{name}\" in the configuration; there are: {known}"))
        }
    }
}

/// Objects whose interface nothing has been heard of.
pub(super) fn unseen(
    tracks: &Tracks,
    known: &BTreeMap<TrackName, TrackState>,
) -> Vec<(TrackName, InterfaceName)> {
    let unseen = tracks.iter().filter(|(name, _)| !known.contains_key(*name));
    unseen.filter_map(|(name, interface)| Some((name.clone(), interface.clone()?))).collect()
}

/// As operators write it.
pub(super) fn word(state: TrackState) -> &'static str {
    match state {
        TrackState::Up => "up",
        TrackState::Down => "down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(list: &[(&str, Option<&str>)]) -> Tracks {
        let interface = |name: &Option<&str>| name.map(InterfaceName::new);
        list.iter().map(|(name, at)| (TrackName::new(name), interface(at))).collect()
    }

    #[test]
    fn only_what_differs_changes() {
        let old = tracks(&[
            ("a", Some("eth0")),
            ("b", Some("eth1")),
            ("c", None),
            ("d", Some("eth3")),
            ("e", None),
        ]);
        let new = tracks(&[("b", Some("eth1")), ("c", None), ("d", None), ("e", Some("eth4")), ("f", None)]);
        let name = TrackName::new;
        let expected = vec![
            Change::ForgetTrack(name("a")),
            Change::ForgetTrack(name("d")),
            Change::TrackInterface(name("e"), InterfaceName::new("eth4")),
        ];
        assert_eq!(changes(&old, &new), expected);
        assert_eq!(summary(&expected), "; 3 tracked objects changed");
        assert_eq!(summary(&changes(&new, &new)), "");
    }

    #[test]
    fn interfaces_are_not_set_by_hand() {
        let known = tracks(&[("exit", None), ("uplink", Some("eth1"))]);
        let asked = |name: &str| settable(&known, &TrackName::new(name));
        assert_eq!(asked("exit"), Ok(()));
        assert_eq!(
            asked("uplink"),
            Err("\"uplink\" is the state of interface eth1; it cannot be set by hand".to_owned())
        );
        assert_eq!(
            asked("exi"),
            Err("there is no tracked object \"exi\" in the configuration; there are: \"exit\", \"uplink\""
                .to_owned())
        );
    }

    #[test]
    fn only_interfaces_are_missed() {
        let known = tracks(&[("exit", None), ("uplink", Some("eth1")), ("other", Some("eth2"))]);
        let seen = BTreeMap::from([(TrackName::new("other"), TrackState::Down)]);
        assert_eq!(unseen(&known, &seen), [(TrackName::new("uplink"), InterfaceName::new("eth1"))]);
    }
}
