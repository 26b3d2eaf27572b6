//! What groups refer to by name: tracked objects, key chains, and each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use fhrp::{
    ChainKey, Family, GroupId, HsrpConfig, InterfaceName, InvalidKeyChain, KeyChain, Lifetime, Protocol,
    TrackName, WallTime,
};
use fhrp_wire::hsrp::KeyBytes;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnose::{Problem, nearest};
use super::file::{self, Alias, Refused, Section, Value};
use super::group::each_table;

/// Everything that has a name.
#[derive(Default)]
pub(super) struct Names {
    /// `None` for one that has an error, which has been reported.
    chains: BTreeMap<String, Option<KeyChain>>,
    /// With the interface that each stands for, if any.
    pub(super) tracks: BTreeMap<TrackName, Option<InterfaceName>>,
    /// HSRP groups, right or wrong.
    groups: BTreeSet<String>,
}

/// The parts of the file that name something.
pub(super) struct Naming<'a> {
    pub(super) chains: Option<&'a Value<'a>>,
    pub(super) tracks: Option<&'a Value<'a>>,
    pub(super) hsrp: Option<&'a Value<'a>>,
}

impl Names {
    pub(super) fn read(naming: &Naming<'_>, problems: &mut Vec<Problem>) -> Self {
        Self {
            chains: read_chains(naming.chains, problems),
            tracks: read_tracks(naming.tracks, problems),
            groups: naming.hsrp.map(group_names).unwrap_or_default(),
        }
    }

    /// The key chain of that name; `Ok(None)` for one that has an error of its own.
    pub(super) fn chain(&self, value: &DeValue<'_>) -> Result<Option<KeyChain>, Refused> {
        let name = file::name(value)?;
        let known = self.chains.get(&name).cloned();
        known.ok_or_else(|| unknown("key chain", &name, self.chains.keys(), "[[key_chain]]"))
    }

    /// A tracked object.
    pub(super) fn track(&self, value: &DeValue<'_>) -> Result<TrackName, Refused> {
        let name = file::name(value)?;
        let known = self.tracks.keys().find(|known| known.as_str() == name).cloned();
        let names = || self.tracks.keys().map(|name| name.as_str());
        known.ok_or_else(|| unknown("tracked object", &name, names(), "[[track]]"))
    }

    /// The name of an HSRP group.
    pub(super) fn group(&self, value: &DeValue<'_>) -> Result<String, Refused> {
        let name = file::name(value)?;
        let known = self.groups.get(&name).cloned();
        known.ok_or_else(|| unknown("HSRP group", &name, &self.groups, "[[hsrp]]"))
    }
}

fn unknown<S: AsRef<str>>(
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = S>,
    header: &str,
) -> Refused {
    let known: Vec<S> = known.into_iter().collect();
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let remedy = match nearest(name, &known) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if known.is_empty() => format!("add a {header} table with this name"),
        None => format!("add a {header} table with this name; there are \"{}\"", known.join("\", \"")),
    };
    Refused { why: format!("there is no {what} \"{name}\""), remedy }
}

const TRACK_ALIASES: &[Alias] = &[
    ("decrement", "say it in the group: `track = [{ name = \"…\", decrement = 10 }]`"),
    ("object", "did you mean `name`?"),
    ("shutdown", "say it in the group: `track = [{ name = \"…\", shutdown = true }]`"),
];

fn read_tracks(
    list: Option<&Value<'_>>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<TrackName, Option<InterfaceName>> {
    let (mut tracks, mut places) = (BTreeMap::new(), BTreeMap::new());
    for (header, table) in each_table(list, "[[track]]", problems) {
        let mut section = Section::new("[[track]]", header, table, problems);
        let name = section.required("name", "\"uplink\"", file::name);
        let interface = section.optional("interface", file::interface);
        if let Some(name) = &name {
            refuse_second("tracked objects", name, &mut places, &mut section);
        }
        section.finish(TRACK_ALIASES);
        tracks.extend(
            name.map(|name| (TrackName::new(&name), interface.map(|name| InterfaceName::new(&name)))),
        );
    }
    tracks
}

fn refuse_second(
    what: &str,
    name: &str,
    places: &mut BTreeMap<String, Range<usize>>,
    section: &mut Section<'_, '_>,
) {
    let at = section.place("name");
    if let Some(earlier) = places.get(name) {
        let title = format!("two {what} are called \"{name}\"");
        let problem = Problem::error(title, at, "rename or remove one").labelled("here again");
        section.report(problem.with_other(earlier.clone(), "first here"));
    } else {
        places.insert(name.to_owned(), at);
    }
}

const CHAIN_ALIASES: &[Alias] = &[("key", "write `keys = [{ id = 1, key = \"…\" }]`")];
const KEY_ALIASES: &[Alias] = &[
    ("accept_lifetime", "write `accept_from` and `accept_until`"),
    ("key_string", "did you mean `key`?"),
    ("number", "did you mean `id`?"),
    ("send_lifetime", "write `send_from` and `send_until`"),
];

fn read_chains(list: Option<&Value<'_>>, problems: &mut Vec<Problem>) -> BTreeMap<String, Option<KeyChain>> {
    let (mut chains, mut places) = (BTreeMap::new(), BTreeMap::new());
    for (header, table) in each_table(list, "[[key_chain]]", problems) {
        let before = problems.len();
        let mut section = Section::new("[[key_chain]]", header, table, problems);
        let name = section.required("name", "\"lan\"", file::name);
        if let Some(name) = &name {
            refuse_second("key chains", name, &mut places, &mut section);
        }
        let example = "{ id = 1, key = \"…\" }";
        let keys = section.tables("keys", ("a key", example), read_key);
        let chain = make_chain(name.as_deref().unwrap_or_default(), keys, &mut section);
        section.finish(CHAIN_ALIASES);
        let right = problems.len() == before;
        chains.extend(name.map(|name| (name, chain.filter(|_| right))));
    }
    chains
}

fn make_chain(name: &str, keys: Vec<ChainKey>, section: &mut Section<'_, '_>) -> Option<KeyChain> {
    let ids: Vec<u32> = keys.iter().map(|key| key.id).collect();
    match KeyChain::new(name, keys) {
        Ok(chain) => Some(chain),
        // Keys with errors have been reported.
        Err(InvalidKeyChain::Empty) if section.holds_something("keys") => None,
        Err(why @ InvalidKeyChain::Empty) => {
            let at = section.place("keys");
            section.report(Problem::error(why.to_string(), at, "add `keys = [{ id = 1, key = \"…\" }]`"));
            None
        }
        Err(why @ InvalidKeyChain::Repeated(id)) => {
            let last = ids.iter().rposition(|other| *other == id);
            let at = section.element("keys", last);
            section.report(Problem::error(why.to_string(), at, "give each key a number of its own"));
            None
        }
    }
}

fn read_key(mut section: Section<'_, '_>) -> Option<ChainKey> {
    let id = section.required("id", "1", file::number("a number from 0 to 4294967295"));
    let key = section.required("key", "\"…\"", key);
    let accept = read_lifetime(&mut section, ["accept_from", "accept_until"]);
    let send = read_lifetime(&mut section, ["send_from", "send_until"]);
    section.finish(KEY_ALIASES);
    Some(ChainKey { id: id?, key: key?, accept, send })
}

fn key(value: &DeValue<'_>) -> Result<KeyBytes, Refused> {
    let text = file::text(value)?;
    KeyBytes::new(text)
        .map_err(|why| Refused { why: why.to_string(), remedy: "choose another key".to_owned() })
}

fn read_lifetime(section: &mut Section<'_, '_>, [from, until]: [&'static str; 2]) -> Lifetime {
    let lifetime =
        Lifetime { from: section.optional(from, file::moment), until: section.optional(until, file::moment) };
    let ends = |start: WallTime| lifetime.until.is_some_and(|end| end <= start);
    if lifetime.from.is_some_and(ends) {
        let title = format!("`{until}` is not after `{from}`");
        section.report(Problem::error(title, section.place(until), "a key needs a time in which it is good"));
    }
    lifetime
}

/// What the HSRP groups of the file are called, also those that have errors: whoever follows them is not to blame.
fn group_names(tables: &Value<'_>) -> BTreeSet<String> {
    let tables = tables.get_ref().as_array().into_iter().flat_map(|list| list.iter());
    tables.filter_map(|table| group_name(table.get_ref().as_table()?)).collect()
}

fn group_name(table: &DeTable<'_>) -> Option<String> {
    let value = |key: &str| table.get(key).map(Spanned::get_ref);
    if let Some(name) = value("name").and_then(DeValue::as_str) {
        return Some(name.to_owned());
    }
    let first = value("addresses").and_then(|list| list.as_array()?.iter().next()?.get_ref().as_str());
    let ipv6 = match first {
        Some(address) => address == "autoconfig" || address.contains(':'),
        None => value("family").and_then(DeValue::as_integer).is_some_and(|family| family.as_str() == "6"),
    };
    let id = GroupId {
        interface: InterfaceName::new(value("interface")?.as_str()?),
        protocol: Protocol::Hsrp,
        family: if ipv6 { Family::V6 } else { Family::V4 },
        number: value("group").map_or(Some(0), |number| number.as_integer()?.as_str().parse().ok())?,
    };
    Some(HsrpConfig::default_name(&id).to_string())
}
