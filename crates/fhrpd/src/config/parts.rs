//! Keys that the tables of several protocols have.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use fhrp::{AnnounceSchedule, Family, KeyChain, Prefix, RouterAdvertisement, Track, TrackEffect};
use toml::de::DeValue;

use super::diagnose::Problem;
use super::file::{self, Refused, Section};
use super::names::Names;

/// The list `addresses`; `None` where there is nothing to go on with, which has been reported.
pub(super) fn read_addresses<T>(
    section: &mut Section<'_, '_>,
    absent: &str,
    read: impl Fn(&DeValue<'_>) -> Result<T, Refused>,
) -> Option<Vec<T>> {
    let addresses = section.list("addresses", "\"192.0.2.1\"", read);
    if addresses.is_none() && !section.has("addresses") {
        let title = format!("{} has no `addresses`", section.name());
        section.report(Problem::error(title, section.place(""), absent));
    }
    let addresses: Vec<T> = addresses?.into_iter().map(|(address, _)| address).collect();
    // Without those that have been refused it would be another kind of group.
    if addresses.is_empty() && section.holds_something("addresses") { None } else { Some(addresses) }
}

/// Where a protocol carries its address: the list may be empty, and then the address is learned.
#[derive(Debug)]
pub(super) struct Addresses {
    pub(super) family: Option<Family>,
    list: Vec<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Address {
    Named(IpAddr),
    /// The link-local address that the virtual MAC gives.
    Autoconfig,
}

impl Addresses {
    /// Whether it is a group of IPv6.
    pub(super) fn are_ipv6(&self) -> bool {
        let first = self.list.first().map(|first| match first {
            Address::Named(address) => Family::of(address),
            Address::Autoconfig => Family::V6,
        });
        first.or(self.family) == Some(Family::V6)
    }

    /// Which element is `"autoconfig"`.
    pub(super) fn autoconfig(&self) -> Option<usize> {
        self.list.iter().position(|address| *address == Address::Autoconfig)
    }

    /// The addresses, given what `"autoconfig"` is.
    pub(super) fn with(&self, autoconfig: Ipv6Addr) -> Vec<IpAddr> {
        let address = |address: &Address| match address {
            Address::Named(address) => *address,
            Address::Autoconfig => IpAddr::V6(autoconfig),
        };
        self.list.iter().map(address).collect()
    }
}

/// `addresses` and `family`; `None` where there is nothing to go on with, which has been reported.
pub(super) fn read_addresses_or_learn(section: &mut Section<'_, '_>) -> Option<Addresses> {
    let family = section.optional("family", family);
    let absent =
        "add `addresses = [\"192.0.2.1\"]`, or `addresses = []` and `family = 4` to learn the address";
    let list = read_addresses(section, absent, address_or_word);
    if family.is_none() && section.has("family") {
        return None;
    }
    Some(Addresses { family, list: list? })
}

fn family(value: &DeValue<'_>) -> Result<Family, Refused> {
    match file::number::<u8>("4 or 6")(value)? {
        4 => Ok(Family::V4),
        6 => Ok(Family::V6),
        other => {
            Err(Refused { why: format!("{other} is no IP version"), remedy: "choose 4 or 6".to_owned() })
        }
    }
}

fn address_or_word(value: &DeValue<'_>) -> Result<Address, Refused> {
    match value.as_str() {
        Some("autoconfig") => Ok(Address::Autoconfig),
        Some(_) | None => file::address(value).map(Address::Named),
    }
}

/// `hello_time` and `hold_time`: both, or neither and then they are learned.
pub(super) fn read_timers(section: &mut Section<'_, '_>) -> Option<(Duration, Duration)> {
    let hello = section.optional("hello_time", file::duration);
    let hold = section.optional("hold_time", file::duration);
    for (key, other) in [("hello_time", "hold_time"), ("hold_time", "hello_time")] {
        if section.has(key) && !section.has(other) {
            let remedy = "give both, hold_time at least three times hello_time, or neither: then they are learned \
                          from the active router";
            let title = format!("`{key}` without `{other}`");
            section.report(Problem::error(title, section.place(key), remedy));
        }
    }
    hello.zip(hold)
}

/// The list `unicast_peers`.
pub(super) fn read_peers(section: &mut Section<'_, '_>) -> Vec<IpAddr> {
    let peers = section.list("unicast_peers", "\"192.0.2.3\"", file::address).unwrap_or_default();
    peers.into_iter().map(|(peer, _)| peer).collect()
}

/// The decrement where none is named.
const DECREMENT: u8 = 10;

/// The list `track`; `range` is what a decrement may be, for the operator.
pub(super) fn read_tracks(section: &mut Section<'_, '_>, names: &Names, range: &'static str) -> Vec<Track> {
    let example = "{ name = \"uplink\", decrement = 10 }";
    section.tables("track", ("a tracked object", example), |inner| read_track(inner, names, range))
}

fn read_track(mut section: Section<'_, '_>, names: &Names, range: &'static str) -> Option<Track> {
    let name = section.required("name", "\"uplink\"", |value| names.track(value));
    let decrement = section.optional("decrement", file::number(range));
    let shutdown = section.optional("shutdown", file::flag) == Some(true);
    if shutdown && section.has("decrement") {
        let title = "`decrement` has no effect with `shutdown = true`";
        section.report(Problem::error(title, section.place("decrement"), "remove one of the two"));
    }
    section.finish(&[("interface", "say it in a table of its own: [[track]] with `name` and `interface`")]);
    let effect =
        if shutdown { TrackEffect::Shutdown } else { TrackEffect::Decrement(decrement.unwrap_or(DECREMENT)) };
    Some(Track { name: name?, effect })
}

/// What `authentication` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Nothing is authenticated.
    None,
    /// A text in clear.
    Text,
    /// A keyed digest.
    Digest,
}

/// Where the key of a digest may come from.
#[derive(Clone, Copy)]
pub(super) enum Sources<'a> {
    /// `key`
    Key,
    /// `key` or `key_chain`
    KeyOrChain(&'a Names),
}

/// What the keys about authentication say together.
pub(super) enum Said {
    /// Nothing, or nothing right, which has been reported.
    Nothing,
    /// `none`
    None,
    /// A text in clear.
    Text(String),
    /// A digest with this key.
    Digest(String),
    /// A digest with the keys of a chain.
    Chain(KeyChain),
}

/// The words of `authentication` in one protocol.
pub(super) type Words = &'static [(&'static str, Method)];

/// `authentication`, `key`, `key_chain`; `usual` is what the protocol does where nothing is said.
pub(super) fn read_authentication(
    section: &mut Section<'_, '_>,
    words: Words,
    usual: Method,
    sources: Sources<'_>,
) -> Said {
    let method = section.optional("authentication", file::word(words));
    let key = section.optional("key", file::text);
    let chain = match sources {
        Sources::Key => None,
        Sources::KeyOrChain(names) => section.optional("key_chain", |value| names.chain(value)),
    };
    let keys = (section.has("key"), section.has("key_chain"));
    match method {
        None if section.has("authentication") => Said::Nothing,
        None if usual == Method::Text && keys == (true, false) => key.map_or(Said::Nothing, Said::Text),
        None => without_method(section, words, keys),
        Some(method) => match (misfit(method, keys), method) {
            (Some((title, at, remedy)), _) => {
                section.report(Problem::error(title, section.place(at), remedy));
                Said::Nothing
            }
            (None, Method::None) => Said::None,
            (None, Method::Text) => key.map_or(Said::Nothing, Said::Text),
            (None, Method::Digest) => {
                let chain = chain.flatten().map(Said::Chain);
                chain.or_else(|| key.map(Said::Digest)).unwrap_or(Said::Nothing)
            }
        },
    }
}

/// Keys without a word about what they are for.
fn without_method(section: &mut Section<'_, '_>, words: Words, (key, chain): (bool, bool)) -> Said {
    let fits = |method: Method| method == Method::Digest || (method == Method::Text && key);
    let fitting: Vec<&str> =
        words.iter().filter(|(_, method)| fits(*method)).map(|(word, _)| *word).collect();
    let named = if key { "key" } else { "key_chain" };
    if key || chain {
        let title = format!("`{named}` without `authentication`");
        let remedy = format!("add `authentication = \"{}\"`, or remove the key", fitting.join("\"` or `\""));
        section.report(Problem::error(title, section.place(named), remedy));
    }
    Said::Nothing
}

/// What does not go together: what to say, about which key, and what would be right.
fn misfit(method: Method, keys: (bool, bool)) -> Option<(&'static str, &'static str, &'static str)> {
    match (method, keys) {
        (Method::None, (true, _)) => {
            Some(("`key` is not used with `authentication = \"none\"`", "key", "remove it"))
        }
        (Method::None, (false, true)) => {
            Some(("`key_chain` is not used with `authentication = \"none\"`", "key_chain", "remove it"))
        }
        (Method::Text | Method::Digest, (false, false)) => {
            Some(("authentication without a `key`", "authentication", "add `key = \"…\"`"))
        }
        (Method::Text, (_, true)) => Some((
            "a text in clear has no `key_chain`",
            "key_chain",
            "use `key`, or another kind of authentication",
        )),
        (Method::Digest, (true, true)) => {
            Some(("both `key` and `key_chain` are given", "key_chain", "remove one of the two"))
        }
        (Method::None, (false, false))
        | (Method::Text, (true, false))
        | (Method::Digest, (true, false) | (false, true)) => None,
    }
}

/// A key that was made of `key`, or `otherwise` and a report.
pub(super) fn made_of_key<T>(
    made: Result<T, impl fmt::Display>,
    otherwise: T,
    section: &mut Section<'_, '_>,
) -> T {
    made.unwrap_or_else(|why| {
        let remedy = "choose another key; the routers of a group share it";
        section.report(Problem::error(format!("`key`: {why}"), section.place("key"), remedy));
        otherwise
    })
}

/// What makes up the setting `router_advertisement`.
pub(super) const RA_KEYS: [&str; 4] =
    ["router_advertisement_interval", "router_lifetime", "prefixes", "router_advertisement"];

/// `router_advertisement` and its companions; `default` where the file does not say whether there are any.
pub(super) fn read_router_advertisement(
    section: &mut Section<'_, '_>,
    default: Option<RouterAdvertisement>,
) -> Option<RouterAdvertisement> {
    let wanted = section.optional("router_advertisement", file::flag);
    let interval = section.optional("router_advertisement_interval", file::duration);
    let lifetime = section.optional("router_lifetime", file::duration);
    let example = "{ prefix = \"2001:db8:1::/64\" }";
    let prefixes = section.tables("prefixes", ("a prefix", example), read_prefix);
    let unreadable = wanted.is_none() && section.has("router_advertisement");
    if wanted.unwrap_or(default.is_some()) && !unreadable {
        let default = default.unwrap_or_default();
        return Some(RouterAdvertisement {
            lifetime: lifetime.unwrap_or(default.lifetime),
            interval: interval.unwrap_or(default.interval),
            prefixes,
        });
    }
    if !unreadable {
        let companions = RA_KEYS.into_iter().filter(|key| *key != "router_advertisement");
        for key in companions.filter(|key| section.has(key)).collect::<Vec<_>>() {
            let title = format!("`{key}` has no effect without router advertisements");
            section.report(Problem::error(title, section.place(key), "add `router_advertisement = true`"));
        }
    }
    None
}

fn read_prefix(mut section: Section<'_, '_>) -> Option<Prefix> {
    let prefix = section.required("prefix", "\"2001:db8:1::/64\"", prefix);
    let on_link = section.optional("on_link", file::flag).unwrap_or(true);
    let autonomous = section.optional("autonomous", file::flag).unwrap_or(true);
    // RFC 4861 §6.2.1: AdvValidLifetime 30 days, AdvPreferredLifetime 7 days.
    let valid = section.optional("valid", file::duration).unwrap_or(Duration::from_secs(30 * 86_400));
    let preferred =
        section.optional("preferred", file::duration).unwrap_or(Duration::from_secs(7 * 86_400).min(valid));
    if preferred > valid {
        let title = "`preferred` is longer than `valid`";
        section.report(Problem::error(
            title,
            section.place("preferred"),
            "make it at most as long as `valid`",
        ));
    }
    section.finish(&[]);
    let (prefix, length) = prefix?;
    Some(Prefix { prefix, length, on_link, autonomous, valid, preferred })
}

fn prefix(value: &DeValue<'_>) -> Result<(Ipv6Addr, u8), Refused> {
    let text = file::text(value)?;
    let parts = text
        .split_once('/')
        .and_then(|(address, length)| Some((address.parse().ok()?, length.parse().ok()?)));
    match parts {
        Some((address, length)) if length <= 128 => Ok((address, length)),
        Some(_) | None => Err(Refused {
            why: format!("\"{text}\" is no IPv6 prefix"),
            remedy: "write one such as \"2001:db8:1::/64\"".to_owned(),
        }),
    }
}

/// What the file says of announcements.
pub(super) struct Announcements {
    repeats: Option<Arc<[Duration]>>,
    refresh: Option<Duration>,
}

impl Announcements {
    /// The schedule, given that of a file that says nothing.
    pub(super) fn over(self, default: AnnounceSchedule) -> AnnounceSchedule {
        AnnounceSchedule { repeats: self.repeats.unwrap_or(default.repeats), refresh: self.refresh }
    }
}

/// `announce_repeats` and `announce_refresh`.
pub(super) fn read_announcements(section: &mut Section<'_, '_>) -> Announcements {
    let repeats = section.list("announce_repeats", "\"1s\", \"5s\"", file::duration);
    let refresh = section.optional("announce_refresh", file::duration).filter(|refresh| !refresh.is_zero());
    let Some(repeats) = repeats else { return Announcements { repeats: None, refresh } };
    let falls =
        repeats.iter().zip(repeats.iter().skip(1)).find(|((earlier, _), (later, _))| later <= earlier);
    if let Some((_, (_, at))) = falls {
        let title = "`announce_repeats`: the delays must grow";
        section.report(Problem::error(
            title,
            at.clone(),
            "they count from the first announcement: [\"1s\", \"5s\"]",
        ));
    }
    if let Some((_, at)) = repeats.get(ANNOUNCE_REPEATS_MAX) {
        let title = format!("`announce_repeats`: more than {ANNOUNCE_REPEATS_MAX}");
        section.report(Problem::error(title, at.clone(), "use `announce_refresh` to repeat for ever"));
    }
    Announcements { repeats: Some(repeats.into_iter().map(|(delay, _)| delay).collect()), refresh }
}

/// More repetitions than this are a refresh.
const ANNOUNCE_REPEATS_MAX: usize = 16;
