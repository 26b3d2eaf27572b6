//! A run before it runs: everything that the seed decides, as data.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use fhrp::{Engine, Instant, InterfaceName, MacAddr, Track, TrackEffect, TrackName};

use crate::clock::Clock;
use crate::fault::{Fault, Kind, Path, Place};
use crate::group::{Change, GroupPlan, Settings};
use crate::rng::Rng;
use crate::{glbp, hsrp, vrrp};

/// The name of the one interface that a router has on the LAN.
pub(crate) const INTERFACE: &str = "lan0";
/// The object that groups track.
pub(crate) const UPLINK: &str = "uplink";
/// The longest backoff that a dataplane which failed for [`FAULT_MOST`] leaves behind, and a little.
const BACKOFF: Duration = Duration::from_secs(40);
/// A fault takes no longer.
const FAULT_MOST: Duration = Duration::from_secs(15);
/// Faults begin in this time.
const FAULTS_BEGIN: u64 = 40_000;
/// How often addresses are announced again where that is configured.
pub(crate) const REFRESH: Duration = Duration::from_secs(5);
/// In so many of 100 runs the routers are shut down in turn.
const TURNS: u8 = 8;
/// A turn, and how often hosts send meanwhile.
const TURN: Duration = Duration::from_secs(12);
const CLOSE: Duration = Duration::from_millis(40);
/// So many unanswered probes make a host doubt.
const PATIENCE: usize = 3;
/// How long all must be well in the end.
pub(crate) const STEADY: Duration = Duration::from_secs(6);

/// The protocol of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// VRRP, both versions and families.
    Vrrp,
    /// HSRP, version 1 and, in both families, 2.
    Hsrp,
    /// GLBP, in both families.
    Glbp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Vrrp => "vrrp",
            Self::Hsrp => "hsrp",
            Self::Glbp => "glbp",
        })
    }
}

/// Everything about a run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it was made from.
    pub seed: u64,
    /// What is spoken.
    pub protocol: Protocol,
    /// The routers.
    pub routers: Vec<RouterPlan>,
    /// The groups.
    pub groups: Vec<GroupPlan>,
    /// The hosts.
    pub hosts: Vec<HostPlan>,
    /// Transit times of frames lie between these.
    pub transit: (Duration, Duration),
    /// What the calendar shows when the world begins, since 1970; without it, it is unknown.
    pub calendar: Option<Duration>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// From here on everything must have settled.
    pub settled: Instant,
    /// When the run ends.
    pub end: Instant,
}

/// One router.
#[derive(Clone, Debug)]
pub struct RouterPlan {
    /// The name of its interface on the LAN.
    pub interface: InterfaceName,
    /// Its primary address.
    pub ipv4: Ipv4Addr,
    /// Its link-local address.
    pub ipv6: Ipv6Addr,
    /// Virtual addresses that are its own.
    pub owned: Vec<IpAddr>,
    /// Its physical MAC.
    pub mac: MacAddr,
    /// The switch that it is connected to: 0 or 1.
    pub switch: usize,
    /// When its daemon starts.
    pub starts: Instant,
    /// Its clock.
    pub clock: Clock,
    /// Its timers are served at most this late.
    pub lateness: Duration,
    /// Its dataplane answers in at most this time.
    pub programming: Duration,
    /// Its dataplane carries out every wish, also one that a newer has overtaken.
    pub thorough: bool,
    /// When it stops, it waits no longer than this for its successors.
    pub stop_linger: Duration,
}

/// One host.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Its MAC.
    pub mac: MacAddr,
    /// The switch that it is connected to: 0 or 1.
    pub switch: usize,
    /// The group whose address is its gateway.
    pub group: usize,
    /// Another virtual address of the group than [`GroupPlan::gateway`].
    pub gateway: Option<IpAddr>,
    /// How often it sends.
    pub period: Duration,
    /// So many unanswered probes make it ask again who its gateway is.
    pub patience: usize,
    /// How often it asks who its gateway is, though it knows.
    pub asks: Option<Duration>,
}

impl Scenario {
    /// The run of `seed`.
    #[must_use]
    pub fn draw(protocol: Protocol, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut routers = draw_routers(&mut rng);
        let groups = match protocol {
            Protocol::Vrrp => vrrp::draw_groups(&mut rng, &mut routers),
            Protocol::Hsrp => hsrp::draw_groups(&mut rng, &routers),
            Protocol::Glbp => glbp::draw_groups(&mut rng, &routers),
        };
        let mut hosts = draw_hosts(&mut rng, groups.len());
        if protocol == Protocol::Glbp {
            hosts.iter_mut().for_each(|host| host.asks = glbp::draw_asks(&mut rng));
        }
        let most = Duration::from_micros(rng.pick(&[60, 500, 2_000]));
        let mut drawn = Self {
            seed,
            protocol,
            routers,
            groups,
            hosts,
            transit: (Duration::from_micros(40), most),
            calendar: None,
            faults: Vec::new(),
            settled: Instant::default(),
            end: Instant::default(),
        };
        if rng.chance(TURNS) {
            drawn.faults = drawn.shutdowns_in_turn();
            drawn.hosts.iter_mut().for_each(|host| host.period = CLOSE);
        } else {
            drawn.faults = drawn.draw_faults(&mut rng);
        }
        drawn.set_end();
        drawn
    }

    /// A run that nobody drew: these routers, in these groups, with these hosts. Nothing goes wrong, and it ends at once:
    /// faults and end are the caller's. With [`Watch::Nobody`](crate::Watch::Nobody) routers may be configured as badly as
    /// they are.
    #[must_use]
    pub fn new(seed: u64, routers: Vec<RouterPlan>, groups: Vec<GroupPlan>, hosts: Vec<HostPlan>) -> Self {
        let protocol = groups.first().and_then(GroupPlan::any).map_or(Protocol::Vrrp, Settings::spoken);
        Self {
            seed,
            protocol,
            routers,
            groups,
            hosts,
            transit: (Duration::from_micros(40), Duration::from_micros(60)),
            calendar: None,
            faults: Vec::new(),
            settled: Instant::default(),
            end: Instant::default(),
        }
    }

    /// The same with other faults; what time is needed to settle is worked out anew.
    #[must_use]
    pub fn with_faults(&self, faults: Vec<Fault>) -> Self {
        let mut changed = Self { faults, ..self.clone() };
        changed.set_end();
        changed
    }

    /// Every router is shut down and started again, one after the other, and nothing else goes wrong.
    fn shutdowns_in_turn(&self) -> Vec<Fault> {
        let turn = |router: usize| {
            let at = Instant::from_millis(22_000) + TURN * u32::try_from(router).unwrap_or(0);
            Fault { at, until: at + TURN / 4, kind: Kind::Shutdown(router) }
        };
        (0..self.routers.len()).map(turn).collect()
    }

    fn draw_faults(&self, rng: &mut Rng) -> Vec<Fault> {
        let count = rng.pick(&[0_u8, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8]);
        let mut faults: Vec<Fault> = (0..count)
            .map(|_| {
                let at = Instant::from_millis(rng.between(1, FAULTS_BEGIN));
                let most = u64::try_from(FAULT_MOST.as_millis()).unwrap_or(0);
                let most = if rng.chance(40) { 1_500 } else { most };
                let until = at + Duration::from_micros(rng.between(1_000, most * 1_000));
                Fault { at, until, kind: self.draw_kind(rng) }
            })
            .collect();
        faults.sort_by_key(|fault| fault.at);
        faults
    }

    fn draw_kind(&self, rng: &mut Rng) -> Kind {
        let router = rng.index(self.routers.len());
        let group = rng.index(self.groups.len());
        let percent = rng.pick(&[5_u8, 20, 50, 90, 100]);
        let path = self.draw_path(rng);
        match rng.below(21) {
            0..=2 => Kind::Loss { path, percent },
            3 => Kind::Loss { path: Path { from: Some(router), to: None }, percent: 100 },
            4 => Kind::Delay { path, most: Duration::from_millis(rng.pick(&[1, 10, 100, 700, 3000])) },
            5 => Kind::Duplicate { path, percent },
            6 => Kind::Corrupt { path, percent },
            7 => Kind::Noise,
            8 => Kind::Split,
            9 => Kind::LinkDown(router),
            10 => Kind::LinkGone(router),
            11 => Kind::PowerLoss(router),
            12 | 13 => Kind::Crash(router),
            14 => Kind::Shutdown(router),
            15 => Kind::Stall(router),
            16 => Kind::SlowDataplane(router, Duration::from_millis(rng.between(1, 4000))),
            17 => Kind::FailingDataplane(router),
            18 => Kind::Withdraw { router, group },
            19 => Kind::TrackDown(router, TrackName::new(UPLINK)),
            _ => {
                let change = match self.groups[group].member(router) {
                    Some(Settings::Vrrp(settings)) => vrrp::draw_change(rng, settings),
                    Some(Settings::Hsrp(settings)) => hsrp::draw_change(rng, settings),
                    Some(Settings::Glbp(settings)) => glbp::draw_change(rng, settings),
                    None => return Kind::Noise,
                };
                Kind::Reconfigure { router, group, change }
            }
        }
    }

    fn draw_path(&self, rng: &mut Rng) -> Path {
        let places = self.routers.len() + self.hosts.len();
        match rng.below(4) {
            0 => Path::ALL,
            1 => Path { from: None, to: Some(rng.index(places)) },
            2 => Path { from: Some(rng.index(self.routers.len())), to: Some(rng.index(self.routers.len())) },
            _ => Path { from: Some(rng.index(places)), to: None },
        }
    }

    /// Three Active_Down_Intervals of the slowest after the last fault, the longest preempt delay, what is still on its
    /// way, the repeated announcements, the traces of who is gone, the backoff of a dataplane that failed, and 6 s.
    fn set_end(&mut self) {
        let starts = self.routers.iter().map(|router| router.starts);
        let ends = self.faults.iter().map(|fault| fault.until);
        let quiet = starts.chain(ends).max().unwrap_or_default();
        let delayed = self.faults.iter().filter_map(|fault| match &fault.kind {
            Kind::Delay { most, .. } => Some(*most),
            _ => None,
        });
        let members = || self.groups.iter().flat_map(GroupPlan::settings);
        let slowest = self.slowest_pace();
        let silence = members().map(|settings| settings.silence(slowest)).max().unwrap_or_default();
        let preempt = members().map(Settings::preempt_delay).max().unwrap_or_default();
        let fails = self.faults.iter().any(|fault| matches!(fault.kind, Kind::FailingDataplane(_)));
        let changed = self.faults.iter().filter_map(|fault| match &fault.kind {
            Kind::Reconfigure {
                change: Change::Preempt(Some(delay)) | Change::ForwarderPreempt(Some(delay)),
                ..
            } => Some(*delay),
            _ => None,
        });
        let refresh = members().filter_map(Settings::refresh_needed).max().unwrap_or_default();
        let settling = silence * 3
            + preempt.max(changed.max().unwrap_or_default())
            + delayed.max().unwrap_or_default()
            + refresh
            + members().filter_map(Settings::lifetime).max().unwrap_or_default()
            + if fails { BACKOFF } else { Duration::ZERO }
            + Duration::from_secs(6);
        self.settled = quiet + settling;
        self.end = self.settled + STEADY.max(silence);
    }

    /// The slowest pace that anybody ever has.
    fn slowest_pace(&self) -> Duration {
        let planned = self.groups.iter().flat_map(GroupPlan::settings).map(Settings::pace);
        let changed = self.faults.iter().filter_map(|fault| match &fault.kind {
            Kind::Reconfigure { group, router, change } => {
                Some(self.groups[*group].member(*router)?.with(change).pace())
            }
            _ => None,
        });
        planned.chain(changed).max().unwrap_or_default()
    }
}

impl Settings {
    fn spoken(&self) -> Protocol {
        match self {
            Self::Vrrp(_) => Protocol::Vrrp,
            Self::Hsrp(_) => Protocol::Hsrp,
            Self::Glbp(_) => Protocol::Glbp,
        }
    }
}

/// Objects that a member tracks, by chance.
pub(crate) fn draw_tracks(rng: &mut Rng) -> Vec<Track> {
    let effect = match rng.below(10) {
        0..=2 => TrackEffect::Decrement(rng.pick(&[10, 60, 120])),
        3 => TrackEffect::Shutdown,
        _ => return Vec::new(),
    };
    vec![Track { name: TrackName::new(UPLINK), effect }]
}

fn draw_routers(rng: &mut Rng) -> Vec<RouterPlan> {
    let count = rng.pick(&[2_u8, 2, 3, 3, 3, 4]);
    let mut numbers: Vec<u8> = (2..2 + count).collect();
    rng.shuffle(&mut numbers);
    let together = rng.chance(50);
    let plan = |(place, number): (u8, u8)| RouterPlan {
        interface: InterfaceName::new(INTERFACE),
        ipv4: Ipv4Addr::new(192, 0, 2, number),
        ipv6: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, u16::from(number)),
        owned: Vec::new(),
        mac: MacAddr([2, 0, 0, 0, 0, place + 1]),
        switch: if together { 0 } else { rng.index(2) },
        starts: if rng.chance(60) { Instant::default() } else { Instant::from_millis(rng.below(8_000)) },
        clock: Clock {
            offset: Duration::from_micros(rng.below(1_000_000_000)),
            drift: i32::try_from(rng.below(1001)).unwrap_or(0) - 500,
        },
        lateness: Duration::from_micros(rng.pick(&[0, 50, 1000])),
        programming: Duration::from_micros(rng.pick(&[200, 2_000, 30_000])),
        thorough: rng.chance(50),
        stop_linger: Engine::STOP_LINGER,
    };
    (0..count).zip(numbers).map(plan).collect()
}

fn draw_hosts(rng: &mut Rng, groups: usize) -> Vec<HostPlan> {
    let count = rng.pick(&[1_u8, 2]);
    let plan = |place| HostPlan {
        mac: MacAddr([2, 0, 0, 0, 1, place]),
        switch: rng.index(2),
        group: rng.index(groups),
        gateway: None,
        period: Duration::from_millis(rng.pick(&[200, 500, 500])),
        patience: PATIENCE,
        asks: None,
    };
    (0..count).map(plan).collect()
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.end.as_micros() / 1_000_000;
        writeln!(f, "seed {} ({}): {} routers, {seconds} s", self.seed, self.protocol, self.routers.len())?;
        for (place, router) in self.routers.iter().enumerate() {
            writeln!(
                f,
                "  {}: {} on switch {}, starts at {}, drift {} us/s, wakes up to {:?} late",
                Place(place),
                router.ipv4,
                router.switch,
                router.starts,
                router.clock.drift,
                router.lateness
            )?;
        }
        for (place, group) in self.groups.iter().enumerate() {
            writeln!(f, "  group {place}: {}, {}", group.number, if group.ipv6 { "IPv6" } else { "IPv4" })?;
            for (router, settings) in group.members.iter().enumerate() {
                if let Some(settings) = settings {
                    writeln!(f, "    {}: {settings}", Place(router))?;
                }
            }
        }
        for (place, fault) in self.faults.iter().enumerate() {
            let told = fault.kind.told(self.routers.len());
            writeln!(f, "  fault {place} from {} to {}: {told}", fault.at, fault.until)?;
        }
        Ok(())
    }
}
