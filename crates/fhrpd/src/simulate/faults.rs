//! What the script's names mean, and when what it begins ends again.

use std::collections::BTreeSet;
use std::time::Duration;

use fhrp::{InterfaceName, Protocol, TrackName, TrackState};
use fhrp_sim::{Change, Kind, Path};

use super::network::Network;
use super::script::{Action, Scope, Statement, Word, problem};
use crate::config::{Problem, nearest};

/// What happens on each LAN, and what was said.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) parts: Vec<Part>,
    pub(super) statements: Statements,
    /// For each LAN that is split: the ports on the far side.
    splits: Vec<Option<BTreeSet<usize>>>,
}

/// One fault on one LAN.
#[derive(Clone, Debug)]
pub(super) struct Part {
    statement: usize,
    pub(super) lan: usize,
    pub(super) kind: Kind,
    pub(super) from: Duration,
    /// When another statement, or its own time, ends it.
    pub(super) until: Option<Duration>,
    sort: Sort,
}

/// What a later statement can end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sort {
    Carrier(usize, InterfaceName),
    Daemon(usize),
    Stall,
    Loss(Path),
    Delay(Path),
    Split,
    Setting,
    Object(usize, TrackName),
}

/// What the script says, in the order of time.
pub(super) type Statements = Vec<Said>;

/// One statement, as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) from: Duration,
    /// When it was over, if it is one that lasts.
    pub(super) until: Option<Duration>,
    /// Whether it lasts at all: what ends another one does not.
    pub(super) lasts: bool,
    /// Whether it says itself when it ends.
    pub(super) timed: bool,
    pub(super) lans: BTreeSet<usize>,
}

type Resolved<T> = Result<T, Box<Problem>>;

impl Faults {
    /// # Errors
    /// What of `script` does not fit `network`.
    pub(super) fn of(network: &Network, script: &[Statement]) -> Result<Self, Vec<Problem>> {
        let mut order: Vec<&Statement> =
            script.iter().filter(|statement| statement.action != Action::End).collect();
        order.sort_by_key(|statement| statement.at);
        let mut maker = Maker { network, parts: Vec::new(), splits: vec![None; network.lans.len()] };
        let mut problems = Vec::new();
        for (place, statement) in order.iter().enumerate() {
            if let Err(problem) = maker.make(place, statement) {
                problems.push(*problem);
            }
        }
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.at.as_ref().map_or(0, |at| at.start));
            return Err(problems);
        }
        let said = |(place, statement): (usize, &&Statement)| {
            let parts = || maker.parts.iter().filter(|part| part.statement == place);
            let until: Option<Vec<Duration>> = parts().map(|part| part.until).collect();
            Said {
                text: statement.text.clone(),
                from: statement.at,
                until: until.and_then(|until| until.into_iter().max()),
                lasts: parts().next().is_some(),
                timed: statement.lasts.is_some(),
                lans: parts().map(|part| part.lan).collect(),
            }
        };
        let statements = order.iter().enumerate().map(said).collect();
        Ok(Self { parts: maker.parts, statements, splits: maker.splits })
    }

    /// The ports on the far side of a LAN that is split at any time.
    pub(super) fn sides(&self, lan: usize) -> Option<BTreeSet<usize>> {
        self.splits.get(lan).cloned().flatten()
    }
}

struct Maker<'a> {
    network: &'a Network,
    parts: Vec<Part>,
    splits: Vec<Option<BTreeSet<usize>>>,
}

impl Maker<'_> {
    fn make(&mut self, place: usize, statement: &Statement) -> Resolved<()> {
        let at = statement.at;
        let ended = match &statement.action {
            Action::Restore { router, port } => {
                let (place, ports) = (self.router(router)?, self.ports(router, port.as_ref())?);
                let here = |sort: &Sort| matches!(sort, Sort::Carrier(r, name) if *r == place && ports.contains(name));
                Some((self.close(at, here), "has its carrier", "cut"))
            }
            Action::Start(router) => {
                let router = self.router(router)?;
                Some((self.close(at, |sort| *sort == Sort::Daemon(router)), "runs", "kill"))
            }
            Action::Heal { lan } => {
                let lans = self.lans(lan.as_ref())?;
                let whole = |part: &Part| part.sort == Sort::Split && lans.contains(&part.lan);
                Some((self.close_parts(at, whole), "is whole", "split"))
            }
            Action::Track { router, object, state: TrackState::Up } => {
                let (router, object) = (self.router(router)?, self.object(router, object)?);
                Some((self.close(at, |sort| *sort == Sort::Object(router, object.clone())), "is up", "track"))
            }
            Action::Cut { .. }
            | Action::Kill(_)
            | Action::Crash(_)
            | Action::Stop(_)
            | Action::Stall(_)
            | Action::Loss(..)
            | Action::Delay(..)
            | Action::Split { .. }
            | Action::Priority { .. }
            | Action::Track { state: TrackState::Down, .. }
            | Action::End => None,
        };
        match ended {
            Some((0, is, by)) => {
                let title = format!("`{}`: at {at:?} it {is} already", statement.text);
                Err(problem(
                    title,
                    statement.place.clone(),
                    format!("put a `{by}` before it, or leave it out"),
                ))
            }
            Some(_) => Ok(()),
            None => {
                let parts = self.begin(at, &statement.action)?;
                let until = statement.lasts.map(|lasts| at + lasts);
                let part = |(lan, kind, sort)| Part { statement: place, lan, kind, from: at, until, sort };
                self.parts.extend(parts.into_iter().map(part));
                Ok(())
            }
        }
    }

    /// What an action begins, on each LAN.
    fn begin(&mut self, at: Duration, action: &Action) -> Resolved<Vec<(usize, Kind, Sort)>> {
        match action {
            Action::Cut { router, port } => {
                let (place, ports) = (self.router(router)?, self.ports(router, port.as_ref())?);
                Ok(ports.iter().flat_map(|port| self.cut(place, port)).collect())
            }
            Action::Kill(router) => self.daemon(router, Kind::PowerLoss),
            Action::Crash(router) => self.daemon(router, Kind::Crash),
            Action::Stop(router) => self.daemon(router, Kind::Shutdown),
            Action::Stall(router) => {
                let router = self.router(router)?;
                let ports = self.network.ports_of(router);
                Ok(ports.map(|(lan, port)| (lan, Kind::Stall(port), Sort::Stall)).collect())
            }
            Action::Loss(percent, scope) => {
                let paths = self.paths(scope)?;
                self.replace(at, &paths, Sort::Loss);
                let lossy = paths.into_iter().filter(|_| *percent > 0);
                let loss = |(lan, path)| (lan, Kind::Loss { path, percent: *percent }, Sort::Loss(path));
                Ok(lossy.map(loss).collect())
            }
            Action::Delay(most, scope) => {
                let paths = self.paths(scope)?;
                self.replace(at, &paths, Sort::Delay);
                let slow = paths.into_iter().filter(|_| !most.is_zero());
                let delay = |(lan, path)| (lan, Kind::Delay { path, most: *most }, Sort::Delay(path));
                Ok(slow.map(delay).collect())
            }
            Action::Split { side, other, lan } => self.split(side, other, lan.as_ref()),
            Action::Priority { router, group, priority } => self.priority(router, group, *priority),
            Action::Track { router, object, .. } => {
                let (router, object) = (self.router(router)?, self.object(router, object)?);
                let sort = Sort::Object(router, object.clone());
                let ports = self.network.ports_of(router);
                Ok(ports
                    .map(|(lan, port)| (lan, Kind::TrackDown(port, object.clone()), sort.clone()))
                    .collect())
            }
            Action::Restore { .. } | Action::Start(_) | Action::Heal { .. } | Action::End => Ok(Vec::new()),
        }
    }

    /// Carrier is lost on an interface: for the groups on it, and for those elsewhere that track it.
    fn cut(&self, router: usize, interface: &InterfaceName) -> Vec<(usize, Kind, Sort)> {
        let sort = Sort::Carrier(router, interface.clone());
        let mut parts = Vec::new();
        let tracks = self.network.routers.get(router).map(|router| &router.config.tracks);
        let objects = tracks.into_iter().flatten().filter(|(_, on)| on.as_ref() == Some(interface));
        let objects: Vec<&TrackName> = objects.map(|(name, _)| name).collect();
        for (lan, place) in self.network.ports_of(router) {
            let ports = self.network.lans.get(lan).map(|lan| lan.ports.as_slice()).unwrap_or_default();
            if ports.get(place).is_some_and(|port| port.interface == *interface) {
                parts.push((lan, Kind::LinkDown(place), sort.clone()));
            }
            let down = |object: &&TrackName| (lan, Kind::TrackDown(place, (*object).clone()), sort.clone());
            parts.extend(objects.iter().map(down));
        }
        parts
    }

    fn daemon(&self, router: &Word, kind: impl Fn(usize) -> Kind) -> Resolved<Vec<(usize, Kind, Sort)>> {
        let router = self.router(router)?;
        let ports = self.network.ports_of(router);
        Ok(ports.map(|(lan, port)| (lan, kind(port), Sort::Daemon(router))).collect())
    }

    fn split(
        &mut self,
        side: &[Word],
        other: &[Word],
        lan: Option<&Word>,
    ) -> Resolved<Vec<(usize, Kind, Sort)>> {
        let near: BTreeSet<usize> = side.iter().map(|word| self.router(word)).collect::<Resolved<_>>()?;
        for word in other {
            if near.contains(&self.router(word)?) {
                let title = format!("{} is on both sides", word.text);
                return Err(problem(title, word.at.clone(), "name each router once"));
            }
        }
        let mut parts = Vec::new();
        for place in self.lans(lan)? {
            let Some(known) = self.network.lans.get(place) else { continue };
            let (inside, far): (BTreeSet<usize>, BTreeSet<usize>) = (0..known.ports.len())
                .partition(|port| known.ports.get(*port).is_some_and(|port| near.contains(&port.router)));
            if inside.is_empty() || far.is_empty() {
                continue;
            }
            if let Some(earlier) = self.splits.get_mut(place) {
                let as_before = earlier.as_ref().is_none_or(|earlier| *earlier == far || *earlier == inside);
                if !as_before {
                    let at = side.first().map(|word| word.at.clone()).unwrap_or_default();
                    let title = format!("{} was split in another way before", known.name);
                    return Err(problem(
                        title,
                        at,
                        "split a LAN in one way only; run the other one by itself",
                    ));
                }
                earlier.get_or_insert(far);
            }
            parts.push((place, Kind::Split, Sort::Split));
        }
        if parts.is_empty() {
            let at = side.first().map(|word| word.at.clone()).unwrap_or_default();
            return Err(problem("nobody is on the other side", at, "name fewer routers"));
        }
        Ok(parts)
    }

    fn priority(&self, router: &Word, group: &Word, priority: u8) -> Resolved<Vec<(usize, Kind, Sort)>> {
        let place = self.router(router)?;
        let (protocol, number) = match group.text.split_once(':') {
            Some((protocol, number)) => (Some(protocol), number),
            None => (None, group.text.as_str()),
        };
        let fits = |protocol_of: Protocol| protocol.is_none_or(|wanted| protocol_of.to_string() == wanted);
        let mut parts = Vec::new();
        let mut known = BTreeSet::new();
        for (lan, port) in self.network.ports_of(place) {
            let groups = self.network.lans.get(lan).map(|lan| lan.groups.as_slice()).unwrap_or_default();
            for (at, found) in groups.iter().enumerate() {
                if found.configs.get(port).is_none_or(Option::is_none) {
                    continue;
                }
                known.insert(format!("{}:{}", found.protocol, found.number));
                if fits(found.protocol) && found.number.to_string() == number {
                    let change = Change::Priority(priority);
                    parts.push((lan, Kind::Reconfigure { router: port, group: at, change }, Sort::Setting));
                }
            }
        }
        if parts.is_empty() {
            let known: Vec<String> = known.into_iter().collect();
            let title = format!("{} has no group {}", router.text, group.text);
            return Err(problem(title, group.at.clone(), format!("it has: {}", known.join(", "))));
        }
        Ok(parts)
    }

    /// A new loss takes the place of an earlier one on the same frames.
    fn replace(&mut self, at: Duration, paths: &[(usize, Path)], sort: impl Fn(Path) -> Sort) {
        for (lan, path) in paths {
            let same = |part: &Part| part.lan == *lan && part.sort == sort(*path);
            self.close_parts(at, same);
        }
    }

    fn close(&mut self, at: Duration, which: impl Fn(&Sort) -> bool) -> usize {
        self.close_parts(at, |part| which(&part.sort))
    }

    /// Ends what lasts; how much that was.
    fn close_parts(&mut self, at: Duration, which: impl Fn(&Part) -> bool) -> usize {
        let lasts = |part: &&mut Part| part.until.is_none_or(|until| until > at) && which(part);
        self.parts.iter_mut().filter(lasts).map(|part| part.until = Some(at)).count()
    }

    fn router(&self, word: &Word) -> Resolved<usize> {
        let names: Vec<&str> = self.network.routers.iter().map(|router| router.name.as_str()).collect();
        self.network.router(&word.text).ok_or_else(|| unknown("router", word, &names))
    }

    /// The interfaces that are meant: all that are known of, if none is named.
    fn ports(&self, router: &Word, named: Option<&Word>) -> Resolved<Vec<InterfaceName>> {
        let place = self.router(router)?;
        let ports: Vec<(&str, &InterfaceName)> = self
            .network
            .ports_of(place)
            .filter_map(|(lan, port)| {
                let lan = self.network.lans.get(lan)?;
                Some((lan.name.as_str(), &lan.ports.get(port)?.interface))
            })
            .collect();
        let config = self.network.routers.get(place).map(|router| &router.config);
        let tracked = config.into_iter().flat_map(|config| config.tracks.values().flatten());
        let known: BTreeSet<&InterfaceName> =
            ports.iter().map(|(_, interface)| *interface).chain(tracked).collect();
        let Some(word) = named else { return Ok(known.into_iter().cloned().collect()) };
        let by_name = known.iter().find(|interface| interface.as_str() == word.text).copied();
        let by_lan = ports.iter().find(|(lan, _)| *lan == word.text).map(|(_, interface)| *interface);
        let only = match ports.as_slice() {
            [(_, only)] if word.text == "lan" => Some(*only),
            _ => None,
        };
        let names: Vec<&str> = known.iter().map(|interface| interface.as_str()).collect();
        let what = format!("interface of {}", router.text);
        let found = by_name.or(by_lan).or(only).ok_or_else(|| unknown(&what, word, &names))?;
        Ok(vec![found.clone()])
    }

    /// The LANs that are meant: all, if none is named.
    fn lans(&self, named: Option<&Word>) -> Resolved<Vec<usize>> {
        let lans = &self.network.lans;
        let Some(word) = named else { return Ok((0..lans.len()).collect()) };
        let by_name = lans.iter().position(|lan| lan.name == word.text);
        let on = |place: &usize| {
            let ports = lans.get(*place).map(|lan| lan.ports.as_slice()).unwrap_or_default();
            ports.iter().any(|port| port.interface.as_str() == word.text)
        };
        let by_port: Vec<usize> = (0..lans.len()).filter(on).collect();
        let names: Vec<&str> = lans.iter().map(|lan| lan.name.as_str()).collect();
        match (by_name, by_port.as_slice()) {
            (Some(lan), _) => Ok(vec![lan]),
            (None, [lan]) => Ok(vec![*lan]),
            (None, _) if word.text == "lan" && lans.len() == 1 => Ok(vec![0]),
            (None, _) => Err(unknown("LAN", word, &names)),
        }
    }

    fn paths(&self, scope: &Scope) -> Resolved<Vec<(usize, Path)>> {
        let mut paths = Vec::new();
        let ends = [&scope.from, &scope.to].map(|word| word.as_ref().map(|word| self.router(word)));
        let [from, to] = ends.map(Option::transpose);
        let (from, to) = (from?, to?);
        for place in self.lans(scope.lan.as_ref())? {
            let Some(lan) = self.network.lans.get(place) else { continue };
            let (a, b) = (from.map(|router| lan.port_of(router)), to.map(|router| lan.port_of(router)));
            if a != Some(None) && b != Some(None) {
                paths.push((place, Path { from: a.flatten(), to: b.flatten() }));
            }
        }
        let named = scope.from.as_ref().or(scope.to.as_ref()).or(scope.lan.as_ref());
        match (paths.is_empty(), named) {
            (true, Some(word)) => {
                Err(problem("these are not on one LAN", word.at.clone(), "name routers that are"))
            }
            _ => Ok(paths),
        }
    }

    fn object(&self, router: &Word, object: &Word) -> Resolved<TrackName> {
        let place = self.router(router)?;
        let config = self.network.routers.get(place).map(|router| &router.config);
        let names = || config.into_iter().flat_map(|config| config.tracks.keys());
        let found = names().find(|name| name.as_str() == object.text).cloned();
        let known: Vec<&str> = names().map(TrackName::as_str).collect();
        let what = format!("tracked object of {}", router.text);
        found.ok_or_else(|| unknown(&what, object, &known))
    }
}

fn unknown(what: &str, word: &Word, known: &[&str]) -> Box<Problem> {
    let remedy = match nearest(&word.text, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    };
    problem(format!("there is no {what} `{}`", word.text), word.at.clone(), remedy)
}
