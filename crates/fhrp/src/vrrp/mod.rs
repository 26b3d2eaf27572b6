//! VRRP's part of a group: what is checked in a packet, what is sent, whom we hear. The contest itself is in
//! `fhrp-election`, the life of a group in `group.rs`.

mod receive;
mod send;

use std::net::IpAddr;
use std::sync::Arc;

use fhrp_election::{Candidacy, Election, Preempt, Rank, Rules, State};
use fhrp_wire::Family;
use fhrp_wire::vrrp::{ChecksumForm, Version};

use crate::config::AdvertisementInterval;
use crate::peers::Peers;
use crate::speaker::{Saying, Standing};
use crate::{ChecksumPolicy, GroupState, VrrpConfig, VrrpStats, VrrpStatus};

pub(crate) use receive::{Accepted, Packet, Reason, Remark, screen};

/// Of how many peers of equal priority it is remembered that they were said.
const EQUALS_REMEMBERED: usize = 16;

/// The speaker of one Virtual Router: its configuration, and what it learned from its peers.
#[derive(Debug)]
pub(crate) struct Router {
    config: Arc<VrrpConfig>,
    learned_checksum: Option<ChecksumForm>,
    pub(crate) peers: Peers,
    /// The peers of equal priority of which the operator was told.
    equals: Vec<IpAddr>,
    pub(crate) stats: VrrpStats,
}

impl Router {
    pub(crate) fn new(config: Arc<VrrpConfig>) -> Self {
        let learned_checksum = config.settings().learned_checksum;
        let (peers, stats) = (Peers::default(), VrrpStats::default());
        Self { config, learned_checksum, peers, equals: Vec::new(), stats }
    }

    pub(crate) fn config(&self) -> &Arc<VrrpConfig> {
        &self.config
    }

    /// Takes a new configuration; what was learned stays.
    pub(crate) fn reconfigure(&mut self, config: Arc<VrrpConfig>) {
        self.config = config;
    }

    /// A configuration that starts the group anew keeps what was learned.
    pub(crate) fn pass_on(&self, config: Arc<VrrpConfig>) -> Arc<VrrpConfig> {
        Arc::new(Arc::unwrap_or_clone(config).with_learned_checksum(self.learned_checksum))
    }

    pub(crate) fn rules(&self) -> Rules {
        match self.config.version() {
            Version::V2 => Rules::VRRP_V2,
            Version::V3 => Rules::VRRP_V3,
        }
    }

    /// What the election is told of this router.
    pub(crate) fn candidacy(&self, standing: &Standing) -> Candidacy {
        let settings = self.config.settings();
        let owner = standing.owner || settings.priority == 255;
        let preempt = if settings.preempt { Preempt::After(settings.preempt_delay) } else { Preempt::Never };
        // RFC 9568 §5.2.4: the owner of an address runs at 255. Priority 0 would resign, so tracking ends above it.
        let priority = if owner { 255 } else { settings.priority.saturating_sub(standing.decrement).max(1) };
        Candidacy {
            rank: Rank { priority, address: standing.source },
            owner,
            preempt,
            hello: settings.advertisement_interval,
            hold: std::time::Duration::ZERO,
        }
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
        let learns = self.has_checksum_forms()
            && self.config.settings().checksum == ChecksumPolicy::Auto
            && seen == ChecksumForm::Rfc5798
            && self.learned_checksum != Some(seen);
        if learns {
            self.learned_checksum = Some(seen);
        }
        learns
    }

    /// Whether the operator was told that the priority of `peer` is equal.
    pub(crate) fn is_told_equal(&self, peer: IpAddr) -> bool {
        self.equals.contains(&peer)
    }

    /// The operator is told of `peer`; who was told of first is forgotten.
    pub(crate) fn note_equal(&mut self, peer: IpAddr) {
        if self.equals.len() == EQUALS_REMEMBERED {
            self.equals.remove(0);
        }
        self.equals.push(peer);
    }

    /// The priority of `peer` is another one.
    pub(crate) fn forget_equal(&mut self, peer: IpAddr) {
        self.equals.retain(|known| *known != peer);
    }

    /// Version 3 over IPv4 is the only packet whose checksum has two forms.
    pub(crate) fn has_checksum_forms(&self) -> bool {
        self.config.version() == Version::V3 && self.config.id().family == Family::V4
    }

    pub(crate) fn count_sent(&mut self, saying: Saying) {
        self.stats.advertisement_sent += 1;
        if saying == Saying::Resign {
            self.stats.priority_zero_pkts_sent += 1;
        }
    }

    /// What only VRRP has to show.
    pub(crate) fn status(&self, election: &Election, owner: bool) -> VrrpStatus {
        let settings = self.config.settings();
        VrrpStatus {
            owner,
            accept_mode: settings.accept_mode,
            advertisement_interval: settings.advertisement_interval,
            active_adver_interval: election.learned_interval(),
            skew_time: election.skew(),
            active_down_interval: election.active_down_interval(),
            checksum: self.has_checksum_forms().then(|| self.checksum_form()),
            counters: self.stats.clone(),
        }
    }

    fn accepts(&self, version: Version) -> bool {
        version == self.config.version() || (version == Version::V2 && self.config.settings().coexist_with_v2)
    }

    fn interval(&self) -> AdvertisementInterval {
        self.config.interval()
    }
}

/// RFC 9568's word for a state of the election.
pub(crate) fn word(state: State) -> GroupState {
    match state {
        State::Init => GroupState::Initialize,
        State::Listen | State::Speak | State::Standby => GroupState::Backup,
        State::Active => GroupState::Active,
    }
}
