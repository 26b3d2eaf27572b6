//! Settings of the whole host that defeat ours. They are read and spoken of, never changed.

use std::collections::BTreeSet;

use fhrp::{Binding, Family, Responder};

use crate::plan::{Need, Shape};
use crate::sysctl::{self, ALL};

/// What has been said already.
#[derive(Debug, Default)]
pub(crate) struct Host {
    checked: BTreeSet<Kind>,
    said: BTreeSet<&'static str>,
}

/// What makes a check worth while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A group of this family.
    Gateway(Family),
    /// The kernel answers ARP for a virtual MAC.
    Arp,
    Redirects,
}

impl Host {
    /// Looks at the host's settings when the first group of a kind is seen.
    pub(crate) fn check(&mut self, wanted: &Shape, binding: &Binding) {
        let family = binding.family();
        let kernel_answers = family == Family::V4 && binding.responder == Responder::Kernel;
        let kinds = [
            Some(Kind::Gateway(family)),
            (kernel_answers && wanted.device.is_some()).then_some(Kind::Arp),
            wanted.needs.contains(&Need::NoRedirects).then_some(Kind::Redirects),
        ];
        for kind in kinds.into_iter().flatten() {
            if !self.checked.insert(kind) {
                continue;
            }
            match kind {
                Kind::Gateway(family) => self.check_forwarding(family),
                Kind::Arp => self.check_arp(),
                Kind::Redirects => self.check_redirects(),
            }
        }
    }

    fn check_forwarding(&mut self, family: Family) {
        if sysctl::read(family, ALL, "forwarding").is_ok_and(|value| value == 0) {
            self.forwarding_is_off(family);
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
                "net.ipv4.conf.all.send_redirects is on: redirects may name real addresses of routers to hosts; remedy: \
                 sysctl -w net.ipv4.conf.all.send_redirects=0",
            );
        }
    }

    fn say(&mut self, text: &'static str) {
        if self.said.insert(text) {
            tracing::warn!("{text}");
        }
    }
}
