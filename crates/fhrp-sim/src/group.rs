//! Groups of any protocol: one match each, and nothing else here.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{
    Family, GlbpConfig, GlbpSettings, GroupConfig, HsrpConfig, HsrpSettings, LoadBalancing, MacAddr,
    Protocol, Track, TrackEffect, VrrpConfig, VrrpSettings,
};

use crate::{glbp, hsrp, vrrp};

/// One group.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    /// Its number; the VRID.
    pub number: u16,
    /// Its family.
    pub ipv6: bool,
    /// The virtual address that hosts use.
    pub gateway: IpAddr,
    /// What each router is told of it; `None` for one that is not in it.
    pub members: Vec<Option<Settings>>,
}

/// What a router is told of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// Of VRRP.
    Vrrp(VrrpSettings),
    /// Of HSRP.
    Hsrp(HsrpSettings),
    /// Of GLBP.
    Glbp(GlbpSettings),
}

/// Whether a lower-ranked Active router is pushed aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preemption {
    Off,
    AtOnce,
    /// After the delay that is configured.
    Delayed,
}

/// A setting that is another for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The priority.
    Priority(u8),
    /// Preemption and its delay.
    Preempt(Option<Duration>),
    /// Whether there is a virtual MAC: the group starts anew.
    VirtualMac(bool),
    /// VRRP: the interval.
    Interval(Duration),
    /// VRRP: Accept_Mode.
    AcceptMode(bool),
    /// VRRP: the version: the group starts anew.
    Version(u8),
    /// HSRP and GLBP: hello and hold time; HSRP: `None` to learn them.
    Timers(Option<(Duration, Duration)>),
    /// GLBP: preemption of forwarders and its delay.
    ForwarderPreempt(Option<Duration>),
    /// GLBP: the weighting, and its lower threshold.
    Weighting {
        /// All that the router can carry.
        maximum: u8,
        /// Below this it does not forward.
        lower: u8,
    },
    /// GLBP: which forwarder hosts are told.
    Balancing(LoadBalancing),
}

impl GroupPlan {
    /// What `router` is told of it, if it is in it.
    pub(crate) fn member(&self, router: usize) -> Option<&Settings> {
        self.members.get(router)?.as_ref()
    }

    /// What the routers that are in it are told.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &Settings> {
        self.members.iter().flatten()
    }

    /// Whether several routers forward for it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.any(), Some(Settings::Glbp(_)))
    }

    /// What one of them is told: enough for all that they have in common.
    pub(crate) fn any(&self) -> Option<&Settings> {
        self.settings().next()
    }

    pub(crate) fn family(&self) -> Family {
        if self.ipv6 { Family::V6 } else { Family::V4 }
    }

    /// The virtual MAC that belongs to its number, where that is one.
    pub(crate) fn virtual_mac(&self) -> Option<MacAddr> {
        match self.any()? {
            Settings::Vrrp(settings) => vrrp::virtual_mac(settings, self.family()),
            Settings::Hsrp(settings) => hsrp::variant(settings, self.family())
                .and_then(|variant| fhrp_wire::hsrp::Group::new(variant, self.number))
                .map(fhrp_wire::hsrp::Group::virtual_mac),
            Settings::Glbp(_) => None,
        }
    }
}

impl Settings {
    pub(crate) fn protocol(&self) -> Protocol {
        match self {
            Self::Vrrp(_) => Protocol::Vrrp,
            Self::Hsrp(_) => Protocol::Hsrp,
            Self::Glbp(_) => Protocol::Glbp,
        }
    }

    /// The settings of a configuration, if it is of a protocol that is simulated.
    #[must_use]
    pub fn of(config: &GroupConfig) -> Option<Self> {
        match config {
            GroupConfig::Vrrp(config) => Some(Self::Vrrp(config.settings().clone())),
            GroupConfig::Hsrp(config) => Some(Self::Hsrp(config.settings().clone())),
            GroupConfig::Glbp(config) => Some(Self::Glbp(config.settings().clone())),
        }
    }

    /// The configuration, if it is a sound one.
    pub(crate) fn config(&self) -> Option<GroupConfig> {
        match self {
            Self::Vrrp(settings) => VrrpConfig::new(settings.clone()).ok().map(GroupConfig::from),
            Self::Hsrp(settings) => HsrpConfig::new(settings.clone()).ok().map(GroupConfig::from),
            Self::Glbp(settings) => GlbpConfig::new(settings.clone()).ok().map(GroupConfig::from),
        }
    }

    /// With a change; as they were if the two do not go together.
    pub(crate) fn with(&self, change: &Change) -> Self {
        let changed = match self {
            Self::Vrrp(settings) => Self::Vrrp(vrrp::changed(settings, change)),
            Self::Hsrp(settings) => Self::Hsrp(hsrp::changed(settings, change)),
            Self::Glbp(settings) => Self::Glbp(glbp::changed(settings, change)),
        };
        if changed.config().is_some() { changed } else { self.clone() }
    }

    /// Whether a group with these settings starts anew when it gets `after`.
    pub(crate) fn starts_anew(&self, after: &Self) -> bool {
        match (self, after) {
            (Self::Vrrp(before), Self::Vrrp(after)) => {
                before.version != after.version || before.virtual_mac != after.virtual_mac
            }
            (Self::Hsrp(before), Self::Hsrp(after)) => before.virtual_mac != after.virtual_mac,
            (Self::Glbp(_), Self::Glbp(_)) => false,
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => true,
        }
    }

    pub(crate) fn virtual_mac(&self) -> bool {
        match self {
            Self::Vrrp(settings) => settings.virtual_mac,
            Self::Hsrp(settings) => settings.virtual_mac,
            Self::Glbp(_) => true,
        }
    }

    /// Whether switches learn the virtual MAC from every advertisement.
    pub(crate) fn multicast(&self) -> bool {
        match self {
            Self::Vrrp(settings) => settings.unicast_peers.is_empty(),
            Self::Hsrp(settings) => settings.follow.is_none(),
            Self::Glbp(_) => true,
        }
    }

    /// How often addresses are announced again.
    pub(crate) fn refresh(&self) -> Option<Duration> {
        match self {
            Self::Vrrp(settings) => settings.announce.refresh,
            Self::Hsrp(settings) => settings.announce.refresh,
            Self::Glbp(_) => None,
        }
    }

    /// The same, where switches learn from nothing else where the virtual MAC is.
    pub(crate) fn refresh_needed(&self) -> Option<Duration> {
        let refresh = || self.config().as_ref().and_then(Self::of).and_then(|settings| settings.refresh());
        if self.virtual_mac() && !self.multicast() { refresh() } else { None }
    }

    pub(crate) fn tracks(&self) -> &[Track] {
        match self {
            Self::Vrrp(settings) => &settings.track,
            Self::Hsrp(settings) => &settings.track,
            Self::Glbp(settings) => &settings.track,
        }
    }

    pub(crate) fn preempts(&self) -> bool {
        match self {
            Self::Vrrp(settings) => settings.preempt,
            Self::Hsrp(settings) => settings.preempt,
            Self::Glbp(settings) => settings.preempt,
        }
    }

    pub(crate) fn set_preemption(&mut self, preempt: Preemption) {
        match self {
            Self::Vrrp(settings) => {
                settings.preempt = preempt != Preemption::Off;
                if preempt != Preemption::Delayed {
                    settings.preempt_delay = Duration::ZERO;
                }
            }
            Self::Hsrp(settings) => {
                settings.preempt = preempt != Preemption::Off;
                if preempt != Preemption::Delayed {
                    settings.preempt_delay_minimum = Duration::ZERO;
                    settings.preempt_delay_reload = Duration::ZERO;
                }
            }
            Self::Glbp(settings) => {
                settings.preempt = preempt != Preemption::Off;
                if preempt != Preemption::Delayed {
                    settings.preempt_delay = Duration::ZERO;
                }
            }
        }
    }

    /// How long the traces of who is gone may last, where they end within a run.
    pub(crate) fn lifetime(&self) -> Option<Duration> {
        match self {
            Self::Vrrp(_) | Self::Hsrp(_) => None,
            Self::Glbp(settings) => glbp::lifetime(settings),
        }
    }

    /// The longest preempt delay.
    #[must_use]
    pub fn preempt_delay(&self) -> Duration {
        match self {
            Self::Vrrp(settings) => settings.preempt_delay,
            Self::Hsrp(settings) => settings.preempt_delay_minimum.max(settings.preempt_delay_reload),
            Self::Glbp(settings) => settings.preempt_delay.max(settings.forwarder_preempt_delay),
        }
    }

    /// What others wait by: VRRP's interval, the hold time of HSRP and GLBP.
    #[must_use]
    pub fn pace(&self) -> Duration {
        match self {
            Self::Vrrp(settings) => settings.advertisement_interval,
            Self::Hsrp(settings) => hsrp::timers_of(settings).1,
            Self::Glbp(settings) => settings.hold_time,
        }
    }

    /// How often a router that is Active says so: VRRP's interval, HSRP's hello time.
    #[must_use]
    pub fn speaks_every(&self) -> Duration {
        match self {
            Self::Vrrp(settings) => settings.advertisement_interval,
            Self::Hsrp(settings) => hsrp::timers_of(settings).0,
            Self::Glbp(settings) => settings.hello_time,
        }
    }

    /// How long this router waits for an Active router of the pace `pace` that falls silent: its Active_Down_Interval; for
    /// a Standby router the hold time.
    #[must_use]
    pub fn takes_over_in(&self, pace: Duration) -> Duration {
        match self {
            Self::Vrrp(settings) => vrrp::active_down(settings.version, settings.priority, pace),
            Self::Hsrp(_) | Self::Glbp(_) => pace,
        }
    }

    /// The longest time until there is another when the Active router falls silent, where the slowest has the pace
    /// `slowest`: the Active_Down_Interval; a hold time in Listen and one in Speak, and two more for a forwarder to be
    /// asked for and served.
    #[must_use]
    pub fn silence(&self, slowest: Duration) -> Duration {
        match self {
            Self::Vrrp(settings) => vrrp::active_down(settings.version, 1, slowest),
            Self::Hsrp(_) => slowest * 2,
            Self::Glbp(_) => slowest * 4,
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vrrp(settings) => vrrp::describe(settings, f)?,
            Self::Hsrp(settings) => hsrp::describe(settings, f)?,
            Self::Glbp(settings) => glbp::describe(settings, f)?,
        }
        if !self.virtual_mac() {
            f.write_str(", without virtual MAC")?;
        }
        for track in self.tracks() {
            match track.effect {
                TrackEffect::Decrement(by) => write!(f, ", without {}: {by} less", track.name)?,
                TrackEffect::Shutdown => write!(f, ", stops without {}", track.name)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority(priority) => write!(f, "priority {priority}"),
            Self::Preempt(Some(delay)) => write!(f, "preemption after {delay:?}"),
            Self::Preempt(None) => f.write_str("no preemption"),
            Self::VirtualMac(on) => write!(f, "virtual MAC {on}"),
            Self::Interval(interval) => write!(f, "interval {interval:?}"),
            Self::AcceptMode(on) => write!(f, "accept mode {on}"),
            Self::Version(version) => write!(f, "version {version}"),
            Self::Timers(Some((hello, hold))) => write!(f, "hello {hello:?} and hold {hold:?}"),
            Self::Timers(None) => f.write_str("learned timers"),
            Self::ForwarderPreempt(Some(delay)) => write!(f, "forwarders that preempt after {delay:?}"),
            Self::ForwarderPreempt(None) => f.write_str("forwarders that do not preempt"),
            Self::Weighting { maximum, lower } => write!(f, "weighting {maximum} not below {lower}"),
            Self::Balancing(balancing) => write!(f, "load balancing {balancing:?}"),
        }
    }
}
