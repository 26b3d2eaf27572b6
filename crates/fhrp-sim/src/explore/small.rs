//! Small worlds: their routers, and how much may go wrong.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use fhrp::{GlbpSettings, HsrpSettings, InterfaceName, VrrpSettings};

use crate::flaw::Flaw;
use crate::group::{GroupPlan, Settings};
use crate::plan::{INTERFACE, Protocol};

const VRID: u8 = 10;
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 101);

/// One router of a small world.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its priority; over VRRP 255 makes it the owner.
    pub priority: u8,
    /// Whether it preempts, at once.
    pub preempt: bool,
    /// Its interval; over HSRP its hello time, and a third of its hold time.
    pub interval: Duration,
}

/// A small world.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its name.
    pub name: &'static str,
    /// What is spoken.
    pub protocol: Protocol,
    /// The version of it.
    pub version: u8,
    /// Its routers; a later one has a higher address.
    pub members: Vec<Member>,
    /// How many frames may be lost.
    pub losses: u8,
    /// How often a router may lose its power; it starts again at any time.
    pub crashes: u8,
    /// How often a router may be shut down; it starts again at any time.
    pub stops: u8,
    /// So long all goes well before the first choice.
    pub calm: Duration,
    /// GLBP: redirect time and timeout.
    pub lifetimes: (Duration, Duration),
    /// What is wrong with the engines, if anything.
    pub flaw: Option<Flaw>,
}

impl Small {
    /// The worlds of a protocol that are searched.
    #[must_use]
    pub fn all(protocol: Protocol) -> Vec<Self> {
        let second = Duration::from_secs(1);
        let member = |priority, preempt| Member { priority, preempt, interval: second };
        let world = |name, version, members| Self {
            name,
            protocol,
            version,
            members,
            losses: 2,
            crashes: 1,
            stops: 1,
            calm: Duration::ZERO,
            lifetimes: (second * 600, second * 14_400),
            flaw: None,
        };
        let slow = Member { priority: 200, preempt: true, interval: second * 2 };
        let mut worlds = vec![
            world("two, preempting", 2, vec![member(100, true), member(200, true)]),
            world("two, not preempting", 2, vec![member(100, false), member(200, false)]),
            world("three alike", 2, vec![member(100, true), member(100, true), member(100, true)]),
            world(
                "three apart, not preempting",
                2,
                vec![member(200, false), member(150, false), member(100, false)],
            ),
            world("three with two intervals", 2, vec![slow, member(150, true), member(100, false)]),
        ];
        match protocol {
            Protocol::Vrrp => {
                worlds.iter_mut().for_each(|world| world.version = 3);
                worlds.push(world("two of version 2", 2, vec![member(100, true), member(200, true)]));
                let owned = vec![member(255, true), member(100, true), member(254, false)];
                worlds.push(world("an owner and two", 3, owned));
            }
            Protocol::Hsrp => {
                worlds.push(world("two of version 1", 1, vec![member(100, true), member(200, true)]));
            }
            Protocol::Glbp => {
                // Until everybody has a forwarder.
                worlds.iter_mut().for_each(|world| world.calm = second * 12);
                worlds.push(Self { calm: Duration::ZERO, name: "two, from the start", ..worlds[0].clone() });
                let fleeting = (second, second * 4);
                worlds.push(Self { lifetimes: fleeting, name: "two, soon forgotten", ..worlds[0].clone() });
                worlds.push(Self { lifetimes: fleeting, name: "three, soon forgotten", ..worlds[2].clone() });
            }
        }
        worlds
    }

    pub(super) fn group(&self) -> GroupPlan {
        let members = self.members.iter().map(|member| Some(self.settings(member))).collect();
        GroupPlan { number: VRID.into(), ipv6: false, gateway: ADDRESS.into(), members }
    }

    /// Repeated announcements would be timers of no interest here.
    fn settings(&self, member: &Member) -> Settings {
        let (name, addresses) = (InterfaceName::new(INTERFACE), vec![IpAddr::V4(ADDRESS)]);
        match self.protocol {
            Protocol::Vrrp => {
                let mut settings = VrrpSettings::new(name, VRID, addresses);
                settings.version = self.version;
                settings.priority = member.priority;
                settings.preempt = member.preempt;
                settings.advertisement_interval = member.interval;
                settings.announce.repeats = [].into();
                Settings::Vrrp(settings)
            }
            Protocol::Hsrp => {
                let mut settings = HsrpSettings::new(name, VRID.into(), addresses);
                settings.version = self.version;
                settings.priority = member.priority;
                settings.preempt = member.preempt;
                settings.timers = Some((member.interval, member.interval * 3));
                settings.announce.repeats = [].into();
                Settings::Hsrp(settings)
            }
            Protocol::Glbp => {
                let mut settings = GlbpSettings::new(name, VRID.into(), addresses);
                settings.priority = member.priority;
                (settings.preempt, settings.forwarder_preempt) = (member.preempt, member.preempt);
                settings.forwarder_preempt_delay = Duration::ZERO;
                (settings.hello_time, settings.hold_time) = (member.interval, member.interval * 3);
                (settings.redirect, settings.timeout) = self.lifetimes;
                Settings::Glbp(settings)
            }
        }
    }

    /// How long it takes at most until there is an Active router.
    pub(super) fn silence(&self) -> Duration {
        let settings = || self.members.iter().map(|member| self.settings(member));
        let slowest = settings().map(|settings| settings.pace()).max().unwrap_or_default();
        settings().map(|settings| settings.silence(slowest)).max().unwrap_or_default()
    }
}
