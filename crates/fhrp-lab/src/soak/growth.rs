//! Whether anything grows: a daemon's memory, descriptors and threads, and what its kernel holds.

use std::{collections::BTreeMap, fs};

use serde::Serialize;

use super::check::{Checker, Findings};

/// What a daemon's own memory may grow by in its life, in KiB: what an allocator needs to find its size.
const MEMORY_KIB: u64 = 1024;

/// Groups that an interface joins more or less for its macvlans: those of the solicited nodes of virtual addresses.
const JOINED: usize = 6;

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Resident memory in KiB.
    pub rss_kib: u64,
    /// Its share of resident memory in KiB.
    pub pss_kib: u64,
    /// That of it which no file stands behind.
    pub own_kib: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
    /// Macvlans in its kernel, for each of which it may hold a descriptor.
    pub devices: u64,
}

impl Usage {
    /// What process `pid` uses now, beside so many devices; `None` if it is gone.
    #[must_use]
    pub fn of(pid: u32, devices: u64) -> Option<Self> {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let count = |folder: &str| {
            let entries = fs::read_dir(format!("/proc/{pid}/{folder}")).ok()?;
            u64::try_from(entries.count()).ok()
        };
        Some(Self {
            rss_kib: kib(&rollup, "Rss:")?,
            pss_kib: kib(&rollup, "Pss:")?,
            own_kib: kib(&rollup, "Pss_Anon:")?,
            descriptors: count("fd")?,
            threads: count("task")?,
            devices,
        })
    }
}

fn kib(rollup: &str, name: &str) -> Option<u64> {
    let line = rollup.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// One life of a daemon.
#[derive(Clone, Debug, Serialize)]
pub struct Life {
    /// Router `rN`.
    pub router: u8,
    /// Process id.
    pub pid: u32,
    /// Calms that it has seen.
    pub calms: u64,
    /// In the first one.
    pub first: Usage,
    /// In the last one.
    pub last: Usage,
}

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth {
    lives: Vec<Life>,
    /// The most of each kind of thing in each router's kernel, in the first calm.
    objects: BTreeMap<u8, BTreeMap<String, usize>>,
}

impl Growth {
    /// Takes in what the daemon of a router uses in a calm.
    pub(super) fn used(&mut self, router: u8, pid: u32, now: Usage) -> Findings {
        let mut findings = Findings::default();
        let known = self.lives.iter_mut().find(|life| (life.router, life.pid) == (router, pid));
        let Some(life) = known else {
            self.lives.push(Life { router, pid, calms: 1, first: now, last: now });
            return findings;
        };
        life.calms += 1;
        life.last = now;
        let first = life.first;
        let grown = |what: &str, from: u64, to: u64, allowed: u64| {
            (to > from + allowed)
                .then(|| format!("r{router}, process {pid}: {what} grew from {from} to {to} in its life"))
        };
        findings.look(Checker::Bounded, grown("KiB of its own", first.own_kib, now.own_kib, MEMORY_KIB));
        let more = now.devices.saturating_sub(first.devices);
        findings.look(Checker::Bounded, grown("descriptors", first.descriptors, now.descriptors, more));
        findings.look(Checker::Bounded, grown("threads", first.threads, now.threads, 0));
        findings
    }

    /// Takes in how many things of each kind the kernel of a router holds in a calm.
    pub(super) fn held(&mut self, router: u8, now: &BTreeMap<String, usize>) -> Findings {
        let mut findings = Findings::default();
        let Some(first) = self.objects.get(&router) else {
            self.objects.insert(router, now.clone());
            return findings;
        };
        for (kind, count) in now {
            let before = first.get(kind).copied().unwrap_or(0);
            let allowed = if kind == "joined" { JOINED } else { 0 };
            let wrong = (*count > before + allowed)
                .then(|| format!("r{router}: {count} things of kind \"{kind}\", {before} in the first calm"));
            findings.look(Checker::Bounded, wrong);
        }
        findings
    }

    /// All lives that saw a calm.
    pub(super) fn lives(&self) -> &[Life] {
        &self.lives
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(own_kib: u64, descriptors: u64, threads: u64) -> Usage {
        Usage { rss_kib: 9000, pss_kib: 5000, own_kib, descriptors, threads, devices: 9 }
    }

    fn life(first: Usage) -> Life {
        Life { router: 1, pid: 7, calms: 1, first, last: first }
    }

    #[test]
    fn growth_of_memory_descriptors_and_threads_is_seen() {
        let first = usage(2000, 20, 5);
        for (next, wrong) in [
            (usage(3024, 20, 5), 0),
            (usage(3025, 20, 5), 1),
            (usage(2000, 21, 5), 1),
            (usage(2000, 20, 6), 1),
            (usage(1000, 10, 4), 0),
        ] {
            let mut growth = Growth::default();
            assert_eq!(growth.used(1, 7, first).violations, []);
            assert_eq!(growth.used(1, 7, next).violations.len(), wrong, "{next:?}");
            // For each device more it may have a descriptor more.
            let beside = Usage { devices: 10, ..next };
            let wrong = wrong - usize::from(next.descriptors == 21);
            assert_eq!(
                Growth { lives: vec![life(first)], ..growth.clone() }.used(1, 7, beside).violations.len(),
                wrong
            );
            // Another life begins anew.
            assert_eq!(growth.used(1, 8, next).violations, []);
        }
    }

    #[test]
    fn growth_of_a_kernel_is_seen() {
        let counts = |link| BTreeMap::from([("link".to_owned(), link)]);
        let mut growth = Growth::default();
        assert_eq!(growth.held(1, &counts(9)).violations, []);
        assert_eq!(growth.held(1, &counts(9)).violations, []);
        assert_eq!(growth.held(1, &counts(10)).violations.len(), 1);
        assert_eq!(growth.held(1, &BTreeMap::from([("rule".to_owned(), 1)])).violations.len(), 1);
        assert_eq!(growth.held(2, &counts(10)).violations, []);
        let joined = |count| BTreeMap::from([("joined".to_owned(), count)]);
        growth.held(3, &joined(30));
        assert_eq!(growth.held(3, &joined(30 + JOINED)).violations, []);
        assert_eq!(growth.held(3, &joined(31 + JOINED)).violations.len(), 1);
    }

    #[test]
    fn this_process_uses_something() {
        let usage = Usage::of(std::process::id(), 0).unwrap();
        assert!(usage.rss_kib >= usage.own_kib && usage.descriptors > 2 && usage.threads >= 1, "{usage:?}");
    }
}
