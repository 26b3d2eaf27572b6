//! Settings of the interfaces that face the hosts: changed while a group needs it, put back afterwards, also after a
//! crash.

use std::collections::{BTreeMap, BTreeSet};

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{AfSpecInet, AfSpecUnspec, InetDevConf, LinkAttribute, LinkMessage};

use crate::facts::LinkFacts;
use crate::plan::Need;
use crate::requests::{Inet, get_link, set_inet};
use crate::socket::{KernelSocket, Refusal};
use crate::state_file::{Originals, Saved, StateDir};

/// The settings that are touched.
const SETTINGS: [Inet; 3] = [Inet::ArpIgnore, Inet::ArpAnnounce, Inet::SendRedirects];

/// All bases, with what was saved of them.
#[derive(Debug)]
pub(crate) struct Bases {
    uses: BTreeMap<u32, BTreeMap<Need, usize>>,
    state: StateDir,
    saved: Saved,
    /// One complaint is enough.
    save_failed: bool,
}

impl Bases {
    /// Goes on from what an earlier run saved: what it found first is the original.
    pub(crate) fn new(state: StateDir, saved: Saved) -> Self {
        Self { uses: BTreeMap::new(), state, saved, save_failed: false }
    }

    /// Counts a seat in.
    pub(crate) fn enter(&mut self, base: u32, needs: &[Need]) {
        let uses = self.uses.entry(base).or_default();
        for need in needs {
            *uses.entry(*need).or_default() += 1;
        }
    }

    /// Counts a seat out.
    pub(crate) fn leave(&mut self, base: u32, needs: &[Need]) {
        let Some(uses) = self.uses.get_mut(&base) else { return };
        for need in needs {
            if let Some(count) = uses.get_mut(need) {
                *count = count.saturating_sub(1);
            }
        }
        uses.retain(|_, count| *count > 0);
        if uses.is_empty() {
            self.uses.remove(&base);
        }
    }

    /// The interface is gone, and its settings with it.
    pub(crate) fn forget(&mut self, base: u32) {
        self.uses.remove(&base);
        if self.saved.originals.remove(&base).is_some() {
            self.save();
        }
    }

    /// Bases whose settings are not as found.
    pub(crate) fn touched(&self) -> Vec<u32> {
        self.saved.originals.keys().copied().collect()
    }

    /// Makes a base look as its seats need it; with no seat left, as it was found.
    pub(crate) fn settle(&mut self, base: u32, route: &mut KernelSocket) -> Result<(), Refusal> {
        let needs: BTreeSet<Need> =
            self.uses.get(&base).into_iter().flatten().map(|(need, _)| *need).collect();
        if needs.is_empty() && !self.saved.originals.contains_key(&base) {
            return Ok(());
        }
        let Some(RouteNetlinkMessage::NewLink(link)) = route.find(&get_link(base))? else {
            self.forget(base);
            return Ok(());
        };
        let current = settings_of(&link);
        let originals = self.originals(base, &link, &current);
        let mut changes = Vec::new();
        for setting in SETTINGS {
            let original = originals.settings.get(key(setting)).copied();
            let target = original.map(|original| target(setting, original, &needs));
            changes.extend(
                target.filter(|target| current.get(&setting) != Some(target)).map(|to| (setting, to)),
            );
        }
        if !changes.is_empty() {
            route.execute(set_inet(base, &changes))?;
        }
        if needs.is_empty() {
            self.saved.originals.remove(&base);
            self.save();
        }
        Ok(())
    }

    /// Puts everything back; the state file has done its duty then. What could not be put back stays in it.
    pub(crate) fn restore(&mut self, route: &mut KernelSocket) {
        self.uses.clear();
        for base in self.touched() {
            if let Err(refusal) = self.settle(base, route) {
                tracing::warn!(base, %refusal, "the settings of an interface could not be restored");
            }
        }
        self.save();
    }

    /// Saves the settings as found, before the first change.
    fn originals(&mut self, base: u32, link: &LinkMessage, current: &BTreeMap<Inet, u32>) -> Originals {
        if let Some(known) = self.saved.originals.get(&base) {
            return known.clone();
        }
        let name = LinkFacts::read(link).map(|facts| facts.name).unwrap_or_default();
        let settings = current.iter().map(|(setting, value)| (key(*setting).to_owned(), *value)).collect();
        let originals = Originals { name, settings };
        self.saved.originals.insert(base, originals.clone());
        self.save();
        originals
    }

    fn save(&mut self) {
        if let Err(error) = self.state.save(&self.saved)
            && !self.save_failed
        {
            self.save_failed = true;
            tracing::warn!(%error, "the state file cannot be written; a crash would leave interface settings changed");
        }
    }
}

fn target(setting: Inet, original: u32, needs: &BTreeSet<Need>) -> u32 {
    let virtual_mac = needs.contains(&Need::VirtualMac);
    match setting {
        Inet::ArpIgnore if needs.contains(&Need::Owner) => 8,
        Inet::ArpIgnore if virtual_mac => original.max(1),
        Inet::ArpAnnounce if virtual_mac => 2,
        Inet::SendRedirects if needs.contains(&Need::NoRedirects) => 0,
        Inet::ArpIgnore
        | Inet::ArpAnnounce
        | Inet::SendRedirects
        | Inet::Forwarding
        | Inet::ProxyArp
        | Inet::AcceptRedirects
        | Inet::RpFilter
        | Inet::ArpFilter
        | Inet::PromoteSecondaries
        | Inet::AcceptLocal => original,
    }
}

fn key(setting: Inet) -> &'static str {
    match setting {
        Inet::Forwarding => "forwarding",
        Inet::ProxyArp => "proxy_arp",
        Inet::AcceptRedirects => "accept_redirects",
        Inet::SendRedirects => "send_redirects",
        Inet::RpFilter => "rp_filter",
        Inet::ArpFilter => "arp_filter",
        Inet::ArpAnnounce => "arp_announce",
        Inet::ArpIgnore => "arp_ignore",
        Inet::PromoteSecondaries => "promote_secondaries",
        Inet::AcceptLocal => "accept_local",
    }
}

/// The settings that a link message carries.
fn settings_of(link: &LinkMessage) -> BTreeMap<Inet, u32> {
    let conf = link.attributes.iter().find_map(inet_conf);
    let Some(conf) = conf else { return BTreeMap::new() };
    [
        (Inet::ArpIgnore, conf.arp_ignore),
        (Inet::ArpAnnounce, conf.arp_announce),
        (Inet::SendRedirects, conf.send_redirects),
    ]
    .into_iter()
    .filter_map(|(setting, value)| u32::try_from(value).ok().map(|value| (setting, value)))
    .collect()
}

fn inet_conf(attribute: &LinkAttribute) -> Option<&InetDevConf> {
    let LinkAttribute::AfSpecUnspec(families) = attribute else { return None };
    families.iter().find_map(|family| {
        let AfSpecUnspec::Inet(inet) = family else { return None };
        inet.iter().find_map(|part| if let AfSpecInet::DevConf(conf) = part { Some(conf) } else { None })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_value_stays() {
        let needs = BTreeSet::from([Need::VirtualMac]);
        assert_eq!(target(Inet::ArpIgnore, 0, &needs), 1);
        assert_eq!(target(Inet::ArpIgnore, 2, &needs), 2);
        assert_eq!(target(Inet::ArpAnnounce, 0, &needs), 2);
        assert_eq!(target(Inet::SendRedirects, 1, &needs), 1);
        let owner = BTreeSet::from([Need::VirtualMac, Need::Owner]);
        assert_eq!(target(Inet::ArpIgnore, 0, &owner), 8);
        assert_eq!(target(Inet::ArpIgnore, 3, &BTreeSet::new()), 3);
        let hsrp = BTreeSet::from([Need::VirtualMac, Need::NoRedirects]);
        assert_eq!(target(Inet::SendRedirects, 1, &hsrp), 0);
    }
}
