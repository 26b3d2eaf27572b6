//! One HSRP group on one router.

use std::net::IpAddr;

use fhrp_wire::Family;

use super::{Authentication, Timers, usual_address};
use crate::topology::lan_interface;

/// Version of HSRP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HsrpVersion {
    /// RFC 2281.
    V1,
    /// Cisco's second version: milliseconds, 4,096 groups, IPv6.
    #[default]
    V2,
}

/// One HSRP group on one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HsrpGroup {
    /// The interface, for instance `lan0`.
    pub interface: String,
    /// Group number: 0 to 255 in version 1, to 4095 in version 2.
    pub group: u16,
    /// 1 or 2.
    pub version: HsrpVersion,
    /// Virtual addresses, one family.
    pub addresses: Vec<IpAddr>,
    /// 1 to 255.
    pub priority: u8,
    /// Whether a better router takes over from a worse Active one.
    pub preempt: bool,
    /// Hello and hold time.
    pub timers: Timers,
    /// Whether the virtual MAC address is used.
    pub virtual_mac: bool,
    /// How packets are authenticated.
    pub authentication: Authentication,
    /// Further lines for this group in the daemon's own syntax.
    pub extra: Vec<String>,
}

impl HsrpGroup {
    /// The laboratory's usual group: number 1 on `lan0`, the usual virtual address, preemption, quick timers.
    #[must_use]
    pub fn new(version: HsrpVersion, family: Family, priority: u8) -> Self {
        let timers = match version {
            HsrpVersion::V1 => Timers::WHOLE_SECONDS,
            HsrpVersion::V2 => Timers::QUICK,
        };
        Self {
            interface: lan_interface(0),
            group: 1,
            version,
            addresses: vec![Self::usual_address(family, 1)],
            priority,
            preempt: true,
            timers,
            virtual_mac: true,
            authentication: Authentication::Unsaid,
            extra: Vec::new(),
        }
    }

    /// The usual virtual address of a group: .1 of LAN 0 over IPv4; over IPv6 the one that Cisco makes from the
    /// virtual MAC address 00:05:73:a0:0g:gg.
    #[must_use]
    pub fn usual_address(family: Family, group: u16) -> IpAddr {
        let [high, low] = (group & 0x0fff).to_be_bytes();
        usual_address(family, [0x00, 0x05, 0x73, 0xa0, high, low])
    }

    /// The family of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        self.addresses.first().map_or(Family::V4, Family::of)
    }

    /// Why no daemon can run it; `None` if one could.
    pub(crate) fn impossible(&self) -> Option<&'static str> {
        if self.timers.hold <= self.timers.hello {
            return Some("the hold time is not longer than the hello time");
        }
        match self.version {
            HsrpVersion::V2 => None,
            HsrpVersion::V1 if self.family() == Family::V6 => Some("HSRP version 1 is IPv4 only"),
            HsrpVersion::V1 => {
                let whole = [self.timers.hello, self.timers.hold].iter().all(|time| time.subsec_nanos() == 0);
                (!whole).then_some("HSRP version 1 counts in whole seconds")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cisco_makes_the_ipv6_address_of_group_16_like_this() {
        let expected: IpAddr = "fe80::5:73ff:fea0:10".parse().unwrap();
        assert_eq!(HsrpGroup::usual_address(Family::V6, 16), expected);
    }

    #[test]
    fn what_no_router_can_run_is_known() {
        let old = HsrpGroup::new(HsrpVersion::V1, Family::V4, 100);
        assert_eq!(old.impossible(), None);
        let quick = HsrpGroup { timers: Timers::QUICK, ..old };
        assert_eq!(quick.impossible(), Some("HSRP version 1 counts in whole seconds"));
        let hasty = Timers { hold: Timers::QUICK.hello, ..Timers::QUICK };
        let hasty = HsrpGroup { timers: hasty, ..HsrpGroup::new(HsrpVersion::V2, Family::V4, 100) };
        assert_eq!(hasty.impossible(), Some("the hold time is not longer than the hello time"));
        let v6 = HsrpGroup::new(HsrpVersion::V1, Family::V6, 100);
        assert_eq!(v6.impossible(), Some("HSRP version 1 is IPv4 only"));
        assert_eq!(HsrpGroup::new(HsrpVersion::V2, Family::V6, 100).impossible(), None);
    }
}
