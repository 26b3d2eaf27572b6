//! By what our things in the kernel are known as ours.
//!
//! A state directory is an identity: several daemons may run on one host, each with its own, and none touches what
//! another made.

use std::fs;
use std::path::{Path, absolute};

use fhrp::{Family, GroupId, MacAddr, Protocol};
use fhrp_wire::{glbp, hsrp};

use crate::facts::{LinkFacts, LinkKind};

/// What every alias begins with, whichever instance gave it.
const ALIAS: &str = "fhrpd:";

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

    /// The alias of a macvlan: what an operator and this program recognise it by. A group with several macvlans has
    /// one for each forwarder.
    pub(crate) fn alias(&self, group: &GroupId, mac: MacAddr) -> String {
        let prefix = self.alias_prefix();
        match forwarder(group, mac) {
            Some(forwarder) => format!("{prefix} {group} forwarder {forwarder}"),
            None => format!("{prefix} {group}"),
        }
    }

    /// The nftables table.
    pub(crate) fn table(&self) -> String {
        format!("fhrpd_{:08x}", self.mark)
    }

    /// Whether a link was made by this instance. A macvlan it must be in any case; one that has our kind of name but no
    /// alias is from a run that ended between making and marking it.
    pub(crate) fn owns(&self, link: &LinkFacts) -> bool {
        match &link.alias {
            _ if link.kind != LinkKind::Macvlan => false,
            Some(alias) => alias.split(' ').next() == Some(&self.alias_prefix()),
            None => is_unmarked(link),
        }
    }

    fn alias_prefix(&self) -> String {
        format!("{ALIAS}{:08x}", self.mark)
    }
}

/// Whether a link is a macvlan for a virtual router, made by whatever program: not an interface of the router's own.
pub(crate) fn is_virtual(link: &LinkFacts) -> bool {
    let marked = || link.alias.as_ref().is_some_and(|alias| alias.starts_with(ALIAS));
    link.kind == LinkKind::Macvlan && (link.mac.is_some_and(is_virtual_mac) || marked() || is_unmarked(link))
}

/// Whether a MAC is one that a protocol gives to a virtual router. One that an operator has chosen can be any.
fn is_virtual_mac(mac: MacAddr) -> bool {
    // RFC 9568 §7.3.
    let vrrp = matches!(mac.octets(), [0x00, 0x00, 0x5e, 0x00, 0x01 | 0x02, _]);
    vrrp || hsrp::is_virtual_mac(mac) || glbp::is_virtual_mac(mac)
}

/// A macvlan with the name that we would give, and still down as we make it unless its MAC, too, tells what it is.
fn is_unmarked(link: &LinkFacts) -> bool {
    let ours = link.parent.is_some() && parent_in(&link.name) == link.parent;
    ours && link.alias.is_none() && (!link.enabled || link.mac.is_some_and(is_virtual_mac))
}

/// The name of a macvlan: at most the 15 characters that the kernel allows, different for each that a host can have.
pub(crate) fn device_name(group: &GroupId, parent: u32, mac: MacAddr) -> String {
    let protocol = prefix(group.protocol);
    let family = match group.family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    let number = group.number;
    let forwarder = forwarder(group, mac);
    let name = match forwarder {
        Some(forwarder) => format!("{protocol}{family}-{parent:x}-{number}-{forwarder}"),
        None => format!("{protocol}{family}-{parent:x}-{number}"),
    };
    if name.len() <= 15 {
        return name;
    }
    // A forwarder is one of four, a group with forwarders one of 1024: 12 bits, as those of the other protocols.
    let number = forwarder.map_or(number, |forwarder| number << 2 | u16::from(forwarder.saturating_sub(1)));
    format!("{protocol}{family}{parent:x}-{number:x}")
}

/// The forwarder that a MAC belongs to, where the group has several.
fn forwarder(group: &GroupId, mac: MacAddr) -> Option<u8> {
    match group.protocol {
        Protocol::Vrrp | Protocol::Hsrp => None,
        Protocol::Glbp => glbp::forwarder_of(mac).map(|(_, forwarder)| forwarder.get()),
    }
}

fn prefix(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Vrrp => "vr",
        Protocol::Hsrp => "hs",
        Protocol::Glbp => "gl",
    }
}

/// The number of the interface that a name of ours says it is for.
fn parent_in(name: &str) -> Option<u32> {
    let protocols = [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp];
    let rest = protocols.into_iter().find_map(|protocol| name.strip_prefix(prefix(protocol)))?;
    let rest = rest.strip_prefix('4').or_else(|| rest.strip_prefix('6'))?;
    let (parent, numbers) = rest.strip_prefix('-').unwrap_or(rest).split_once('-')?;
    let numeric = numbers.split('-').all(|number| u16::from_str_radix(number, 16).is_ok());
    u32::from_str_radix(parent, 16).ok().filter(|_| numeric)
}

/// FNV-1a: the same in every run and every version, unlike the standard library's hashes.
fn digest(octets: &[u8]) -> u32 {
    octets.iter().fold(0x811c_9dc5, |hash, octet| (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use fhrp::InterfaceName;

    use super::*;

    fn group(protocol: Protocol, family: Family, number: u16) -> GroupId {
        GroupId { interface: InterfaceName::new("eth0"), protocol, family, number }
    }

    fn vrrp10() -> GroupId {
        group(Protocol::Vrrp, Family::V4, 10)
    }

    const VRRP_MAC: MacAddr = MacAddr([0, 0, 0x5e, 0, 1, 10]);
    const CHOSEN_MAC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 1]);

    fn glbp_mac(group: u16, forwarder: u8) -> MacAddr {
        let [high, low] = group.to_be_bytes();
        MacAddr([0, 0x07, 0xb4, high, low, forwarder])
    }

    fn macvlan(alias: Option<String>) -> LinkFacts {
        LinkFacts {
            index: 9,
            name: "vr4-3-10".to_owned(),
            mac: Some(VRRP_MAC),
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
        assert_eq!(device_name(&vrrp10(), 3, VRRP_MAC), "vr4-3-10");
        assert_eq!(
            device_name(&group(Protocol::Vrrp, Family::V6, 255), u32::MAX, VRRP_MAC),
            "vr6ffffffff-ff"
        );
        assert_eq!(device_name(&group(Protocol::Hsrp, Family::V4, 4095), 0x1f, CHOSEN_MAC), "hs4-1f-4095");
        assert_eq!(
            device_name(&group(Protocol::Hsrp, Family::V6, 4095), u32::MAX, CHOSEN_MAC),
            "hs6ffffffff-fff"
        );
        let glbp = group(Protocol::Glbp, Family::V4, 1023);
        assert_eq!(device_name(&glbp, 0x1f, glbp_mac(1023, 4)), "gl4-1f-1023-4");
        assert_eq!(device_name(&glbp, u32::MAX, glbp_mac(1023, 4)), "gl4ffffffff-fff");
    }

    #[test]
    fn every_macvlan_of_a_host_has_a_name_of_its_own() {
        let mut names = std::collections::BTreeSet::new();
        let mut made = 0;
        for parent in [3, 0x3a, 0x0fff_ffff] {
            for family in [Family::V4, Family::V6] {
                for number in 0..=1023 {
                    let vrrp = group(Protocol::Vrrp, family, number);
                    names.insert(device_name(&vrrp, parent, VRRP_MAC));
                    names.insert(device_name(&group(Protocol::Hsrp, family, number * 4), parent, CHOSEN_MAC));
                    let glbp = group(Protocol::Glbp, family, number);
                    names.extend((1..=4).map(|vf| device_name(&glbp, parent, glbp_mac(number, vf))));
                    made += 6;
                }
            }
        }
        assert_eq!(names.len(), made);
        assert!(names.iter().all(|name| name.len() <= 15));
    }

    #[test]
    fn a_name_tells_its_interface() {
        for name in ["vr4-3a-10", "vr63a-ff", "hs4-3a-4095", "gl4-3a-1023-4", "gl63a-fff"] {
            assert_eq!(parent_in(name), Some(0x3a), "{name}");
        }
        for name in ["mv0", "vr5-3a-10", "vr4-3a", "vrrp4-3-10", "gl4-3a-x", "hs4--1", ""] {
            assert_eq!(parent_in(name), None, "{name}");
        }
    }

    #[test]
    fn an_alias_names_group_and_forwarder() {
        let mine = Instance { mark: 0xabc };
        assert_eq!(mine.alias(&vrrp10(), VRRP_MAC), "fhrpd:00000abc vrrp eth0 ipv4 10");
        let glbp = group(Protocol::Glbp, Family::V6, 7);
        assert_eq!(mine.alias(&glbp, glbp_mac(7, 2)), "fhrpd:00000abc glbp eth0 ipv6 7 forwarder 2");
    }

    #[test]
    fn only_what_this_instance_made_is_ours() {
        let mine = Instance::of(Path::new("/one"));
        let other = Instance::of(Path::new("/two"));
        let marked = |by: &Instance| Some(by.alias(&vrrp10(), VRRP_MAC));
        assert!(mine.owns(&macvlan(marked(&mine))));
        assert!(!mine.owns(&macvlan(marked(&other))));
        assert!(!mine.owns(&LinkFacts { kind: LinkKind::Other, ..macvlan(marked(&mine)) }));
        assert!(mine.owns(&LinkFacts { mac: Some(CHOSEN_MAC), ..macvlan(marked(&mine)) }));
        assert!(mine.owns(&macvlan(None)));
        assert!(!mine.owns(&LinkFacts { name: "mv0".to_owned(), ..macvlan(None) }));
        assert!(!mine.owns(&LinkFacts { parent: Some(4), ..macvlan(None) }));
        let chosen = LinkFacts { mac: Some(CHOSEN_MAC), ..macvlan(None) };
        assert!(!mine.owns(&chosen), "somebody has set it up");
        assert!(mine.owns(&LinkFacts { enabled: false, ..chosen }));
    }

    #[test]
    fn macvlans_of_virtual_routers_are_known_by_mac_or_mark() {
        let plain = LinkFacts { mac: Some(CHOSEN_MAC), name: "mv0".to_owned(), ..macvlan(None) };
        assert!(!is_virtual(&plain));
        for mac in ["00:00:0c:07:ac:01", "00:00:0c:9f:f0:67", "00:05:73:a0:00:10", "00:07:b4:00:01:02"] {
            let mac = Some(mac.parse().unwrap());
            assert!(is_virtual(&LinkFacts { mac, ..plain.clone() }));
            assert!(!is_virtual(&LinkFacts { mac, kind: LinkKind::Other, ..plain.clone() }));
        }
        let other = Instance::of(Path::new("/two")).alias(&vrrp10(), CHOSEN_MAC);
        assert!(is_virtual(&LinkFacts { alias: Some(other), ..plain.clone() }));
        let unmarked = LinkFacts { name: "hs4-3-10".to_owned(), enabled: false, ..plain };
        assert!(is_virtual(&unmarked));
    }
}
