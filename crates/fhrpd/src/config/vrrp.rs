//! One `[[vrrp]]` table.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;
use std::time::Duration;

use fhrp::{
    AnnounceSchedule, Authentication, ChecksumPolicy, ConfigError, ConfigField, GroupConfig, InterfaceName,
    Prefix, RouterAdvertisement, VrrpConfig, VrrpSettings,
};
use fhrp_wire::vrrp::{KeyBytes, TextKey};
use toml::Spanned;
use toml::de::DeValue;

use super::diagnose::{Problem, Severity};
use super::file::{self, Alias, Refused, Section};

/// What operators of other software write, and what to write here.
const VRRP_ALIASES: &[Alias] = &[
    ("accept", "write `accept_mode = true`"),
    ("address", "did you mean `addresses`?"),
    ("advert_int", "did you mean `advertisement_interval`?"),
    ("advertise_interval", "did you mean `advertisement_interval`?"),
    ("auth_pass", "write `authentication = \"text\"` and `key = \"…\"`; version 2 only"),
    ("auth_type", "write `authentication = \"text\"` and `key = \"…\"`; version 2 only"),
    ("interval", "did you mean `advertisement_interval`?"),
    ("native_ipv6", "not needed: the addresses say which family the group is of"),
    ("nopreempt", "write `preempt = false`"),
    ("state", "remove it: the election decides who is Active; `priority` says who should be"),
    ("unicast_peer", "did you mean `unicast_peers`?"),
    ("use_vmac", "write `virtual_mac = true`, which is the default"),
    ("virtual_ipaddress", "did you mean `addresses`?"),
    ("virtual_router_id", "did you mean `vrid`?"),
];

/// A group that is right in itself, with the places that errors about two groups point at.
pub(super) struct Draft {
    pub(super) config: GroupConfig,
    pub(super) vrid: Range<usize>,
    list: Range<usize>,
    addresses: Vec<(IpAddr, Range<usize>)>,
}

impl Draft {
    /// Where `address` stands; the whole list for one that was added.
    pub(super) fn place_of(&self, address: IpAddr) -> Range<usize> {
        let named = self.addresses.iter().find(|(named, _)| *named == address);
        named.map_or_else(|| self.list.clone(), |(_, at)| at.clone())
    }
}

/// `None` where the group has an error: it then says nothing reliable about its neighbours either.
pub(super) fn read_group(table: &Spanned<DeValue<'_>>, problems: &mut Vec<Problem>) -> Option<Draft> {
    let Some(entries) = table.get_ref().as_table() else {
        problems.push(Problem::error(
            "a group must be a table",
            table.span(),
            "write [[vrrp]] on a line of its own",
        ));
        return None;
    };
    let problems_before = problems.len();
    let mut section = Section::new("[[vrrp]]", table.span(), entries, problems);
    let parts = read_settings(&mut section);
    let draft = parts.and_then(|parts| check(parts, &mut section));
    section.finish(VRRP_ALIASES);
    let mut own = problems.iter().skip(problems_before);
    draft.filter(|_| own.all(|problem| problem.severity != Severity::Error))
}

/// Settings with the places of the list elements, which shift when a faulty one is left out.
struct Parts {
    settings: VrrpSettings,
    addresses: Vec<(IpAddr, Range<usize>)>,
    peers: Vec<(IpAddr, Range<usize>)>,
}

fn read_settings(section: &mut Section<'_, '_>) -> Option<Parts> {
    let interface = section.required("interface", "\"eth0\"", file::interface);
    let vrid = section.required("vrid", "10", file::octet("1 to 255"));
    let version = section.optional("version", file::octet("2 or 3"));
    let addresses = section.list("addresses", "\"192.0.2.1\"", file::address);
    if addresses.is_none() && !section.has("addresses") {
        let title = "[[vrrp]] has no `addresses`";
        section.report(Problem::error(title, section.place(""), "add `addresses = [\"192.0.2.1\"]`"));
    }
    let priority = section.optional("priority", file::octet("1 to 254"));
    let interval = section.optional("advertisement_interval", file::duration);
    let preempt = section.optional("preempt", file::flag);
    let preempt_delay = section.optional("preempt_delay", file::duration);
    let accept_mode = section.optional("accept_mode", file::flag);
    let virtual_mac = section.optional("virtual_mac", file::flag);
    let checksum = section.optional("checksum", file::word(CHECKSUMS));
    let authentication = read_authentication(section);
    let peers = section.list("unicast_peers", "\"192.0.2.3\"", file::address).unwrap_or_default();
    let coexist = section.optional("coexist_with_v2", file::flag);
    let router_advertisement = read_router_advertisement(section);
    let announce = read_announcements(section);

    // What could not be read has been reported; the rest is checked all the same.
    let addresses = addresses?;
    let interface = InterfaceName::new(interface.as_deref().unwrap_or_default());
    let mut settings = VrrpSettings::new(interface, vrid.unwrap_or(1), Vec::new());
    settings.version = version.or_else(|| (!section.has("version")).then_some(settings.version))?;
    settings.priority = priority.unwrap_or(settings.priority);
    settings.advertisement_interval = interval.unwrap_or(settings.advertisement_interval);
    settings.preempt = preempt.unwrap_or(settings.preempt);
    settings.preempt_delay = preempt_delay.unwrap_or(settings.preempt_delay);
    settings.accept_mode = accept_mode.unwrap_or(settings.accept_mode);
    settings.virtual_mac = virtual_mac.unwrap_or(settings.virtual_mac);
    settings.checksum = checksum.unwrap_or_default();
    settings.authentication = authentication;
    settings.coexist_with_v2 = coexist.unwrap_or(settings.coexist_with_v2);
    settings.router_advertisement = router_advertisement;
    settings.announce = announce;
    Some(Parts { settings, addresses, peers })
}

const CHECKSUMS: &[(&str, ChecksumPolicy)] = &[
    ("auto", ChecksumPolicy::Auto),
    ("rfc9568", ChecksumPolicy::Rfc9568),
    ("rfc5798", ChecksumPolicy::Rfc5798),
];

#[derive(Clone, Copy)]
enum AuthenticationWord {
    None,
    Text,
    CiscoMd5,
}

fn read_authentication(section: &mut Section<'_, '_>) -> Authentication {
    const WORDS: &[(&str, AuthenticationWord)] = &[
        ("none", AuthenticationWord::None),
        ("text", AuthenticationWord::Text),
        ("cisco-md5", AuthenticationWord::CiscoMd5),
    ];
    let word = section.optional("authentication", file::word(WORDS));
    let key = section.optional("key", file::text);
    let (Some(word), key_there) = (word, section.has("key")) else {
        if section.has("key") && !section.has("authentication") {
            let title = "`key` without `authentication`";
            let remedy = "add `authentication = \"text\"` (version 2 only), or remove the key";
            section.report(Problem::error(title, section.place("key"), remedy));
        }
        return Authentication::None;
    };
    let made = match (word, key) {
        (AuthenticationWord::None, None) => return Authentication::None,
        (AuthenticationWord::None, Some(_)) => {
            let title = "`key` is not used with `authentication = \"none\"`";
            section.report(Problem::error(title, section.place("key"), "remove it"));
            return Authentication::None;
        }
        (AuthenticationWord::Text | AuthenticationWord::CiscoMd5, None) => {
            if !key_there {
                let remedy = "add `key = \"…\"`";
                section.report(Problem::error(
                    "authentication without a `key`",
                    section.place("authentication"),
                    remedy,
                ));
            }
            return Authentication::None;
        }
        (AuthenticationWord::Text, Some(key)) => TextKey::new(key).map(Authentication::Text),
        (AuthenticationWord::CiscoMd5, Some(key)) => KeyBytes::new(key).map(Authentication::CiscoMd5),
    };
    made.unwrap_or_else(|why| {
        let remedy = "choose another key; the routers of a group share it";
        section.report(Problem::error(format!("`key`: {why}"), section.place("key"), remedy));
        Authentication::None
    })
}

const RA_COMPANIONS: [&str; 3] = ["router_advertisement_interval", "router_lifetime", "prefixes"];

fn read_router_advertisement(section: &mut Section<'_, '_>) -> Option<RouterAdvertisement> {
    let wanted = section.optional("router_advertisement", file::flag);
    let defaults = RouterAdvertisement::default();
    let interval = section.optional("router_advertisement_interval", file::duration);
    let lifetime = section.optional("router_lifetime", file::duration);
    let prefixes = read_prefixes(section);
    if wanted == Some(true) {
        return Some(RouterAdvertisement {
            lifetime: lifetime.unwrap_or(defaults.lifetime),
            interval: interval.unwrap_or(defaults.interval),
            prefixes,
        });
    }
    if wanted.is_some() || !section.has("router_advertisement") {
        for key in RA_COMPANIONS.into_iter().filter(|key| section.has(key)).collect::<Vec<_>>() {
            let title = format!("`{key}` has no effect without router advertisements");
            section.report(Problem::error(title, section.place(key), "add `router_advertisement = true`"));
        }
    }
    None
}

fn read_prefixes(section: &mut Section<'_, '_>) -> Vec<Prefix> {
    let example = "{ prefix = \"2001:db8:1::/64\" }";
    let tables = section.tables("prefixes", example);
    tables.into_iter().filter_map(|(at, table)| read_prefix(section.inner("a prefix", at, table))).collect()
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

fn read_announcements(section: &mut Section<'_, '_>) -> AnnounceSchedule {
    let defaults = AnnounceSchedule::default();
    let repeats = section.list("announce_repeats", "\"1s\", \"5s\"", file::duration);
    let refresh = section.optional("announce_refresh", file::duration).filter(|refresh| !refresh.is_zero());
    let Some(repeats) = repeats else { return AnnounceSchedule { refresh, ..defaults } };
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
    AnnounceSchedule { repeats: repeats.into_iter().map(|(delay, _)| delay).collect(), refresh }
}

/// More repetitions than this are a refresh.
const ANNOUNCE_REPEATS_MAX: usize = 16;

/// Further ones wait until these are mended.
const ERRORS_PER_GROUP_MAX: usize = 16;

/// Lets the library check the settings; each error it finds is reported, mended, and the check done again.
fn check(mut parts: Parts, section: &mut Section<'_, '_>) -> Option<Draft> {
    for _ in 0..ERRORS_PER_GROUP_MAX {
        let mut settings = parts.settings.clone();
        settings.addresses = parts.addresses.iter().map(|(address, _)| *address).collect();
        settings.unicast_peers = parts.peers.iter().map(|(peer, _)| *peer).collect();
        let ConfigError { field, problem, remedy } = match VrrpConfig::new(settings) {
            Ok(config) => return Some(finished(config, parts, section)),
            Err(error) => error,
        };
        let key = field.key();
        let element = match field {
            ConfigField::Addresses(at) => at.and_then(|at| parts.addresses.get(at)),
            ConfigField::UnicastPeers(at) => at.and_then(|at| parts.peers.get(at)),
            ConfigField::Vrid
            | ConfigField::Version
            | ConfigField::Priority
            | ConfigField::AdvertisementInterval
            | ConfigField::PreemptDelay
            | ConfigField::Checksum
            | ConfigField::Authentication
            | ConfigField::CoexistWithV2
            | ConfigField::RouterAdvertisement
            | ConfigField::VirtualMac
            | ConfigField::AcceptMode
            | ConfigField::Announce
            | ConfigField::Group
            | ConfigField::Family
            | ConfigField::HelloTime
            | ConfigField::HoldTime
            | ConfigField::Key
            | ConfigField::MacAddress
            | ConfigField::Follow
            | ConfigField::Name
            | ConfigField::StartupDelay
            | ConfigField::ForwarderPreemptDelay
            | ConfigField::Redirect
            | ConfigField::Timeout
            | ConfigField::Weighting
            | ConfigField::WeightingLower
            | ConfigField::WeightingUpper
            | ConfigField::ClientCache
            | ConfigField::Track(_) => None,
        };
        let at = element.map_or_else(|| section.place(key), |(_, at)| at.clone());
        section.report(Problem::error(format!("`{key}`: {problem}"), at, remedy));
        mend(&mut parts, field)?;
    }
    None
}

fn finished(config: VrrpConfig, parts: Parts, section: &mut Section<'_, '_>) -> Draft {
    for warning in config.warnings() {
        let key =
            ["coexist_with_v2", "priority"].into_iter().find(|key| warning.contains(key)).unwrap_or_default();
        section.report(Problem::warning(warning, section.place(key)));
    }
    if let Some(address) = config.added_link_local() {
        let title =
            format!("{address} is put first: the first IPv6 address must be link-local (RFC 9568 §5.2.9)");
        section.report(Problem::note(title, section.place("addresses")));
    }
    Draft {
        config: config.into(),
        vrid: section.place("vrid"),
        list: section.place("addresses"),
        addresses: parts.addresses,
    }
}

/// Makes the setting harmless, so that the next error can be found; `None` where the others depend on it.
fn mend(parts: &mut Parts, field: ConfigField) -> Option<()> {
    let settings = &mut parts.settings;
    let harmless = VrrpSettings::new(settings.interface.clone(), 1, Vec::new());
    match field {
        ConfigField::Version
        | ConfigField::Addresses(None)
        | ConfigField::UnicastPeers(None)
        | ConfigField::Announce
        | ConfigField::Group
        | ConfigField::Family
        | ConfigField::HelloTime
        | ConfigField::HoldTime
        | ConfigField::Key
        | ConfigField::MacAddress
        | ConfigField::Follow
        | ConfigField::Name
        | ConfigField::StartupDelay
        | ConfigField::ForwarderPreemptDelay
        | ConfigField::Redirect
        | ConfigField::Timeout
        | ConfigField::Weighting
        | ConfigField::WeightingLower
        | ConfigField::WeightingUpper
        | ConfigField::ClientCache
        | ConfigField::Track(_) => return None,
        ConfigField::Addresses(Some(at)) => {
            return without(&mut parts.addresses, at).filter(|left| *left > 0).map(drop);
        }
        ConfigField::UnicastPeers(Some(at)) => return without(&mut parts.peers, at).map(drop),
        ConfigField::Vrid => settings.vrid = harmless.vrid,
        ConfigField::Priority => settings.priority = harmless.priority,
        ConfigField::AdvertisementInterval => {
            settings.advertisement_interval = harmless.advertisement_interval
        }
        ConfigField::PreemptDelay => settings.preempt_delay = harmless.preempt_delay,
        ConfigField::Checksum => settings.checksum = harmless.checksum,
        ConfigField::Authentication => settings.authentication = harmless.authentication,
        ConfigField::CoexistWithV2 => settings.coexist_with_v2 = harmless.coexist_with_v2,
        ConfigField::RouterAdvertisement => settings.router_advertisement = harmless.router_advertisement,
        ConfigField::VirtualMac => settings.virtual_mac = harmless.virtual_mac,
        ConfigField::AcceptMode => settings.accept_mode = harmless.accept_mode,
    }
    Some(())
}

/// Takes the element out; how many are left, `None` where there was no such element.
fn without<T>(list: &mut Vec<T>, at: usize) -> Option<usize> {
    (at < list.len()).then(|| {
        list.remove(at);
        list.len()
    })
}
