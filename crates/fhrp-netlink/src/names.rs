//! By what our things in the kernel are known as ours.
//!
//! A state directory is an identity: several daemons may run on one host, each with its own, and none touches what
//! another made.

use std::fs;
use std::path::{Path, absolute};

use fhrp::{Family, GroupId, MacAddr};

use crate::facts::{LinkFacts, LinkKind, is_virtual_mac};

/// The identity of one backend, made from its state directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    /// Never 0, which is what things of others have.
    mark: u32,
}

impl Instance {
    pub(crate) fn of(state_dir: &Path) -> Self {
        let path = fs::canonicalize(state_dir).or_else(|_| absolute(state_dir));
        let path = path.unwrap_or_else(|_| state_dir.to_owned());
        Self { mark: digest(path.as_os_str().as_encoded_bytes()).max(1) }
    }

    /// The mark of addresses that are held on an interface itself.
    pub(crate) fn mark(&self) -> u32 {
        self.mark
    }

    /// The alias of a group's macvlan: what an operator and this program recognise it by.
    pub(crate) fn alias(&self, group: &GroupId) -> String {
        format!("{} {group}", self.alias_prefix())
    }

    /// The nftables table.
    pub(crate) fn table(&self) -> String {
        format!("fhrpd_{:08x}", self.mark)
    }

    /// Whether a link was made by this instance. A macvlan with a virtual MAC it must be in any case; one that has our
    /// name but no alias is from a run that ended between making and marking it.
    pub(crate) fn owns(&self, link: &LinkFacts) -> bool {
        if link.kind != LinkKind::Macvlan || !link.mac.is_some_and(is_virtual_mac) {
            return false;
        }
        match &link.alias {
            Some(alias) => alias.split(' ').next() == Some(&self.alias_prefix()),
            None => is_unmarked(link),
        }
    }

    fn alias_prefix(&self) -> String {
        format!("fhrpd:{:08x}", self.mark)
    }
}

fn is_unmarked(link: &LinkFacts) -> bool {
    let (Some(mac), Some(parent)) = (link.mac, link.parent) else { return false };
    let [.., family, number] = mac.octets();
    let family = if family == 1 { Family::V4 } else { Family::V6 };
    link.name == device_name(family, parent, number.into())
}

/// The family that a virtual MAC serves (RFC 9568 §7.3).
pub(crate) fn family_of(mac: MacAddr) -> Family {
    match mac.octets() {
        [_, _, _, _, 0x02, _] => Family::V6,
        _ => Family::V4,
    }
}

/// The name of a macvlan: at most the 15 characters that the kernel allows, different for each virtual MAC of a host.
pub(crate) fn device_name(family: Family, parent: u32, number: u16) -> String {
    let family = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let name = format!("vr{family}-{parent:x}-{number}");
    if name.len() <= 15 { name } else { format!("vr{family}{parent:x}-{number:x}") }
}

/// FNV-1a: the same in every run and every version, unlike the standard library's hashes.
fn digest(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use fhrp::{InterfaceName, Protocol};

    use super::*;

    fn group() -> GroupId {
        GroupId {
            interface: InterfaceName::new("eth0"),
            protocol: Protocol::Vrrp,
            family: Family::V4,
            number: 10,
        }
    }

    fn macvlan(alias: Option<String>) -> LinkFacts {
        LinkFacts {
            index: 9,
            name: "vr4-3-10".to_owned(),
            mac: Some(MacAddr([0, 0, 0x5e, 0, 1, 10])),
            enabled: true,
            up: true,
            mtu: 1500,
            kind: LinkKind::Macvlan,
            parent: Some(3),
            vrf: None,
            alias,
            group: 0,
        }
    }

    #[test]
    fn names_fit() {
        assert_eq!(device_name(Family::V4, 3, 10), "vr4-3-10");
        assert_eq!(device_name(Family::V6, u32::MAX, 255), "vr6ffffffff-ff");
        assert!(device_name(Family::V6, 0x0fff_ffff, 4095).len() <= 15);
    }

    #[test]
    fn only_what_this_instance_made_is_ours() {
        let mine = Instance::of(Path::new("/one"));
        let other = Instance::of(Path::new("/two"));
        assert!(mine.owns(&macvlan(Some(mine.alias(&group())))));
        assert!(!mine.owns(&macvlan(Some(other.alias(&group())))));
        assert!(!mine.owns(&LinkFacts { kind: LinkKind::Other, ..macvlan(Some(mine.alias(&group()))) }));
        let physical = Some(MacAddr([2, 0, 0, 0, 0, 1]));
        assert!(!mine.owns(&LinkFacts { mac: physical, ..macvlan(Some(mine.alias(&group()))) }));
        assert!(mine.owns(&macvlan(None)));
        assert!(!mine.owns(&LinkFacts { name: "mv0".to_owned(), ..macvlan(None) }));
    }
}
