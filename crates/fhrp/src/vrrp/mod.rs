//! VRRP's part of a group: what is checked in a packet, what is sent, whom we hear. The contest itself is in
//! `fhrp-election`, the life of a group in `group.rs`.

mod peers;
mod receive;
mod send;

use std::net::IpAddr;

use fhrp_election::{Candidacy, Preempt, Rank, Rules};
use fhrp_wire::vrrp::{ChecksumForm, Version};
use fhrp_wire::{Family, MacAddr};

use crate::config::AdvertisementInterval;
use crate::{ChecksumPolicy, IfIndex, VrrpConfig};

pub(crate) use peers::Peers;
pub(crate) use receive::{Accepted, Packet, Reason, Remark, screen};
pub(crate) use send::Frames;

/// What a group stands on while it can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Underlay {
    pub(crate) interface: IfIndex,
    /// The source MAC of what is sent: the virtual one, or the interface's own without.
    pub(crate) mac: MacAddr,
    /// The primary address.
    pub(crate) source: IpAddr,
    /// Whether a virtual address is the interface's own.
    pub(crate) owner: bool,
}

/// The speaker of one Virtual Router: its configuration, and what it learned from its peers.
#[derive(Debug)]
pub(crate) struct Router {
    config: VrrpConfig,
    learned_checksum: Option<ChecksumForm>,
    pub(crate) peers: Peers,
}

impl Router {
    pub(crate) fn new(config: VrrpConfig) -> Self {
        let learned_checksum = config.settings().learned_checksum;
        Self { config, learned_checksum, peers: Peers::default() }
    }

    pub(crate) fn config(&self) -> &VrrpConfig {
        &self.config
    }

    /// Takes a new configuration; what was learned stays.
    pub(crate) fn reconfigure(&mut self, config: VrrpConfig) {
        self.config = config;
    }

    pub(crate) fn rules(&self) -> Rules {
        match self.config.version() {
            Version::V2 => Rules::VRRP_V2,
            Version::V3 => Rules::VRRP_V3,
        }
    }

    /// What the election is told of this router.
    pub(crate) fn candidacy(&self, source: IpAddr, owner: bool) -> Candidacy {
        let settings = self.config.settings();
        let owner = owner || settings.priority == 255;
        let preempt = if settings.preempt { Preempt::After(settings.preempt_delay) } else { Preempt::Never };
        Candidacy {
            rank: Rank { priority: self.effective_priority(owner), address: source },
            owner,
            preempt,
            hello: settings.advertisement_interval,
            hold: std::time::Duration::ZERO,
        }
    }

    /// RFC 9568 §5.2.4: the owner of an address runs at 255.
    pub(crate) fn effective_priority(&self, owner: bool) -> u8 {
        if owner { 255 } else { self.config.settings().priority }
    }

    /// The IPv4 checksum form that is sent now.
    pub(crate) fn checksum_form(&self) -> ChecksumForm {
        match self.config.settings().checksum {
            ChecksumPolicy::Rfc9568 => ChecksumForm::Rfc9568,
            ChecksumPolicy::Rfc5798 => ChecksumForm::Rfc5798,
            ChecksumPolicy::Auto => self.learned_checksum.unwrap_or(ChecksumForm::Rfc9568),
        }
    }

    /// Under `auto`, a peer's RFC 5798 form is followed from then on. Whether that is new.
    pub(crate) fn learn_checksum(&mut self, seen: ChecksumForm) -> bool {
        let learns = self.config.settings().checksum == ChecksumPolicy::Auto
            && seen == ChecksumForm::Rfc5798
            && self.learned_checksum != Some(seen);
        if learns {
            self.learned_checksum = Some(seen);
        }
        learns
    }

    /// Version 3 over IPv4 is the only packet whose checksum has two forms.
    pub(crate) fn has_checksum_forms(&self) -> bool {
        self.config.version() == Version::V3 && self.config.id().family == Family::V4
    }

    fn accepts(&self, version: Version) -> bool {
        version == self.config.version() || (version == Version::V2 && self.config.settings().coexist_with_v2)
    }

    fn interval(&self) -> AdvertisementInterval {
        self.config.interval()
    }
}
