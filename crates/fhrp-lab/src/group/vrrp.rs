//! One VRRP virtual router on one router.

use std::{net::IpAddr, time::Duration};

use fhrp_wire::Family;

use crate::topology::{lan_interface, virtual_address};

/// Version of VRRP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VrrpVersion {
    /// RFC 3768.
    V2,
    /// RFC 9568.
    #[default]
    V3,
}

/// One VRRP virtual router on one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrrpGroup {
    /// The interface, for instance `lan0`.
    pub interface: String,
    /// Virtual router identifier.
    pub vrid: u8,
    /// 2 or 3.
    pub version: VrrpVersion,
    /// Virtual addresses, one family.
    pub addresses: Vec<IpAddr>,
    /// 1 to 254; 255 for the addresses' owner.
    pub priority: u8,
    /// Time between advertisements.
    pub advertisement_interval: Duration,
    /// Whether a better router takes over from a worse Active one.
    pub preempt: bool,
    /// Whether the Active router accepts packets to the virtual addresses.
    pub accept: bool,
    /// Whether the virtual MAC address is used.
    pub virtual_mac: bool,
    /// Password of VRRPv2's authentication type 1.
    pub text_key: Option<String>,
    /// fhrpd's `checksum`: `auto`, `rfc9568` or `rfc5798`; left out if `None`.
    pub checksum: Option<&'static str>,
    /// Advertise to these addresses instead of the multicast group.
    pub unicast_peers: Vec<IpAddr>,
    /// Further lines for this group in the daemon's own syntax.
    pub extra: Vec<String>,
}

impl VrrpGroup {
    /// The laboratory's usual group: VRID 1, version 3, the usual virtual address of `lan0`, 100 ms.
    #[must_use]
    pub fn new(family: Family, priority: u8) -> Self {
        Self {
            interface: lan_interface(0),
            vrid: 1,
            version: VrrpVersion::V3,
            addresses: vec![virtual_address(0, family, 1)],
            priority,
            advertisement_interval: Duration::from_millis(100),
            preempt: true,
            accept: false,
            virtual_mac: true,
            text_key: None,
            checksum: None,
            unicast_peers: Vec::new(),
            extra: Vec::new(),
        }
    }

    /// The family of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        self.addresses.first().map_or(Family::V4, Family::of)
    }

    /// Why no daemon can run it; `None` if one could.
    pub(crate) fn impossible(&self) -> Option<&'static str> {
        let whole_seconds = self.advertisement_interval.subsec_nanos() == 0;
        match self.version {
            VrrpVersion::V3 => None,
            VrrpVersion::V2 if !whole_seconds => Some("VRRPv2 counts in whole seconds"),
            VrrpVersion::V2 => (self.family() == Family::V6).then_some("VRRPv2 is IPv4 only"),
        }
    }

    /// Skew_Time of a router with this priority: RFC 9568 §6.1, and RFC 3768 §6.1 for version 2.
    #[must_use]
    pub fn skew_time(&self) -> Duration {
        let base = match self.version {
            VrrpVersion::V2 => Duration::from_secs(1),
            VrrpVersion::V3 => self.advertisement_interval,
        };
        base * (256 - u32::from(self.priority)) / 256
    }

    /// How long such a router waits for a silent Active one: three intervals and its skew.
    #[must_use]
    pub fn active_down_interval(&self) -> Duration {
        self.advertisement_interval * 3 + self.skew_time()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn down_interval_of_priority_150_at_100_ms() {
        // 300 ms + 106/256 of 100 ms.
        assert_eq!(VrrpGroup::new(Family::V4, 150).active_down_interval(), Duration::from_nanos(341_406_250));
    }

    #[test]
    fn version_2_skews_by_seconds() {
        let group = VrrpGroup { version: VrrpVersion::V2, ..VrrpGroup::new(Family::V4, 128) };
        assert_eq!(group.skew_time(), Duration::from_millis(500));
    }
}
