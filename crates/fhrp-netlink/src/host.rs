//! Settings of the whole host that defeat ours. They are read and spoken of, never changed.

use std::collections::BTreeSet;

use fhrp::{Binding, Family};

use crate::plan::Shape;
use crate::sysctl::{self, ALL};

/// What has been said already.
#[derive(Debug, Default)]
pub(crate) struct Host {
    checked: BTreeSet<Kind>,
    said: BTreeSet<&'static str>,
}

/// What kind of group makes a check worth while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    VirtualMac4,
    VirtualMac6,
    Plain4,
    Plain6,
}

impl Host {
    /// Looks at the host's settings when the first group of a kind is seen.
    pub(crate) fn check(&mut self, wanted: &Shape, binding: &Binding) {
        let kind = match (binding.family(), wanted.device) {
            (Family::V4, Some(_)) => Kind::VirtualMac4,
            (Family::V6, Some(_)) => Kind::VirtualMac6,
            (Family::V4, None) => Kind::Plain4,
            (Family::V6, None) => Kind::Plain6,
        };
        if !self.checked.insert(kind) {
            return;
        }
        if sysctl::read(binding.family(), ALL, "forwarding").is_ok_and(|value| value == 0) {
            self.forwarding_is_off(binding.family());
        }
        match kind {
            Kind::VirtualMac4 => self.check_arp(),
            Kind::Plain4 => self.check_redirects(),
            Kind::VirtualMac6 | Kind::Plain6 => {}
        }
    }

    /// A gateway that does not forward is none.
    pub(crate) fn forwarding_is_off(&mut self, family: Family) {
        match family {
            Family::V4 => self.say(
                "net.ipv4.ip_forward is 0: hosts that use the virtual gateway will not reach other networks; \
                 remedy: sysctl -w net.ipv4.ip_forward=1",
            ),
            Family::V6 => self.say(
                "net.ipv6.conf.all.forwarding is 0: hosts that use the virtual gateway will not reach other \
                 networks; remedy: sysctl -w net.ipv6.conf.all.forwarding=1",
            ),
        }
    }

    fn check_arp(&mut self) {
        let value = |name| sysctl::read(Family::V4, ALL, name).unwrap_or(0);
        if value("arp_ignore") > 1 {
            self.say(
                "net.ipv4.conf.all.arp_ignore is above 1, so the kernel does not answer ARP for virtual addresses; \
                 remedy: sysctl -w net.ipv4.conf.all.arp_ignore=1",
            );
        }
        if value("arp_filter") != 0 {
            self.say(
                "net.ipv4.conf.all.arp_filter is on, so the kernel may not answer ARP for virtual addresses; \
                 remedy: sysctl -w net.ipv4.conf.all.arp_filter=0",
            );
        }
    }

    fn check_redirects(&mut self) {
        if sysctl::read(Family::V4, ALL, "send_redirects").is_ok_and(|value| value != 0) {
            self.say(
                "net.ipv4.conf.all.send_redirects is on: without a virtual MAC, redirects name this router's real \
                 address to hosts; remedy: sysctl -w net.ipv4.conf.all.send_redirects=0",
            );
        }
    }

    fn say(&mut self, text: &'static str) {
        if self.said.insert(text) {
            tracing::warn!("{text}");
        }
    }
}
