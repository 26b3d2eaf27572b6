//! What a new configuration changes. Groups that are the same in both are left alone.

use std::collections::BTreeMap;
use std::path::Path;

use fhrp::{GroupConfig, GroupId};

use crate::config;

/// Reads the file again. One without any group is refused: it is more likely cut off than meant, and who wants no group
/// stops the daemon.
///
/// # Errors
/// What is wrong with it, a line each; the log has been told.
pub(super) fn load(path: &Path) -> Result<config::Loaded, String> {
    let loaded = config::load(path).map_err(|error| {
        let lines = error.lines();
        for line in &lines {
            tracing::error!("{line}");
        }
        tracing::error!("not reloaded: everything goes on as before");
        lines.join("\n")
    })?;
    if loaded.config.groups.is_empty() {
        let why = format!("not reloaded: {} has no groups; everything goes on as before", path.display());
        tracing::error!("{why}");
        return Err(why);
    }
    Ok(loaded)
}

/// One step from the old groups to the new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Add(GroupConfig),
    Update(GroupConfig),
    Remove(GroupId),
}

/// The steps from `old` to `new`. Removals come first, so that an address can move from one group to another; groups that
/// follow others come last, so that they find whom they follow.
pub(super) fn steps(old: &BTreeMap<GroupId, GroupConfig>, new: &BTreeMap<GroupId, GroupConfig>) -> Vec<Step> {
    let follows = |config: &GroupConfig| config.hsrp().is_some_and(|hsrp| hsrp.settings().follow.is_some());
    let gone = old.keys().filter(|id| !new.contains_key(*id)).cloned().map(Step::Remove);
    let (followers, others): (Vec<_>, Vec<_>) = new.iter().partition(|(_, config)| follows(config));
    let rest = others.into_iter().chain(followers).filter_map(|(id, config)| match old.get(id) {
        None => Some(Step::Add(config.clone())),
        Some(before) if before != config => Some(Step::Update(config.clone())),
        Some(_) => None,
    });
    gone.chain(rest).collect()
}

/// `2 added, 1 changed, 0 removed`.
pub(super) fn summary(steps: &[Step]) -> String {
    let count = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count();
    let added = count(|step| matches!(step, Step::Add(_)));
    let changed = count(|step| matches!(step, Step::Update(_)));
    let removed = count(|step| matches!(step, Step::Remove(_)));
    format!("{added} added, {changed} changed, {removed} removed")
}

#[cfg(test)]
mod tests {
    use fhrp::{HsrpConfig, HsrpSettings, InterfaceName, VrrpConfig, VrrpSettings};

    use super::*;

    fn groups(list: &[(u8, u8)]) -> BTreeMap<GroupId, GroupConfig> {
        let config = |(vrid, priority): &(u8, u8)| {
            let mut settings =
                VrrpSettings::new(InterfaceName::new("eth0"), *vrid, vec![[192, 0, 2, *vrid].into()]);
            settings.priority = *priority;
            VrrpConfig::new(settings).unwrap().into()
        };
        list.iter().map(config).map(|config: GroupConfig| (config.id().clone(), config)).collect()
    }

    #[test]
    fn only_what_differs_is_touched() {
        let (old, new) = (groups(&[(1, 100), (2, 100), (3, 100)]), groups(&[(2, 100), (3, 150), (4, 100)]));
        let found = steps(&old, &new);
        assert_eq!(summary(&found), "1 added, 1 changed, 1 removed");
        assert!(matches!(found.first(), Some(Step::Remove(id)) if id.number == 1));
        assert!(steps(&new, &new).is_empty());
    }

    #[test]
    fn who_follows_comes_after_whom_it_follows() {
        let group = |number: u16, follow: Option<&str>| {
            let address = [192, 0, 2, u8::try_from(number).unwrap()].into();
            let settings = HsrpSettings {
                name: Some(format!("g{number}").into()),
                follow: follow.map(Into::into),
                ..HsrpSettings::new(InterfaceName::new("eth0"), number, vec![address])
            };
            let config = GroupConfig::from(HsrpConfig::new(settings).unwrap());
            (config.id().clone(), config)
        };
        let new = BTreeMap::from([group(1, Some("g3")), group(2, None), group(3, None)]);
        let order: Vec<u16> = steps(&BTreeMap::new(), &new)
            .iter()
            .filter_map(|step| if let Step::Add(config) = step { Some(config.id().number) } else { None })
            .collect();
        assert_eq!(order, [2, 3, 1]);
    }
}
