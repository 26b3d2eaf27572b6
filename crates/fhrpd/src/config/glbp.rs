//! The `[[glbp]]` tables.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use fhrp::{
    ClientCache, ConfigError, GlbpAuthentication, GlbpConfig, GlbpSettings, InterfaceName, LoadBalancing,
    RouterAdvertisement,
};
use fhrp_wire::glbp::{AuthText, GroupNumber, KeyBytes, virtual_link_local};

use super::diagnose::Problem;
use super::file::{self, Alias, Section};
use super::group::{Checked, Table};
use super::names::Names;
use super::parts::{self, Addresses, Method, Said, Sources};

const ALIASES: &[Alias] = &[
    ("accept_mode", "remove it: the virtual address answers on whichever router a host uses"),
    ("address", "did you mean `addresses`?"),
    ("advertisement_interval", "write `hello_time` and `hold_time`"),
    (
        "announce_refresh",
        "remove it: GLBP announces no address, for that would bring all hosts to one router",
    ),
    (
        "announce_repeats",
        "remove it: GLBP announces no address, for that would bring all hosts to one router",
    ),
    ("authentication_text", "write `authentication = \"text\"` and `key = \"…\"`"),
    ("cache", "did you mean `client_cache`?"),
    ("decrement", "it belongs to an object: `track = [{ name = \"…\", decrement = 10 }]`"),
    ("delay", "write `preempt_delay`, or `forwarder_preempt_delay`"),
    ("follow", "remove it: only HSRP groups follow one another"),
    ("forwarder_timeout", "did you mean `timeout`?"),
    ("hello", "did you mean `hello_time`?"),
    ("hellotime", "did you mean `hello_time`?"),
    ("hold", "did you mean `hold_time`?"),
    ("holdtime", "did you mean `hold_time`?"),
    ("ip", "did you mean `addresses`?"),
    ("ipv6", "did you mean `addresses`?"),
    ("lower", "did you mean `weighting_lower`?"),
    ("mac_address", "remove it: the virtual MACs follow from the group number"),
    ("md5", "write `authentication = \"md5\"` and `key = \"…\"` or `key_chain = \"…\"`"),
    ("preempt_delay_minimum", "did you mean `preempt_delay`?"),
    ("redirect_time", "did you mean `redirect`?"),
    ("secondary", "name further addresses in `addresses`"),
    ("shutdown", "GLBP tracks by weighting: `track = [{ name = \"…\", decrement = 10 }]`"),
    ("standby", "did you mean `group`?"),
    ("state", "remove it: the election decides who is Active; `priority` says who should be"),
    ("timers", "write `hello_time` and `hold_time`"),
    ("track_interface", "write [[track]] with `name` and `interface`, and `track = [{ name = \"…\" }]` here"),
    ("upper", "did you mean `weighting_upper`?"),
    ("use_bia", "remove it: GLBP needs its virtual MACs"),
    ("version", "remove it: there is one version of GLBP"),
    ("virtual_ip", "did you mean `addresses`?"),
    ("virtual_ipaddress", "did you mean `addresses`?"),
    ("virtual_mac", "remove it: GLBP needs its virtual MACs"),
    ("vrid", "did you mean `group`?"),
    ("weight", "did you mean `weighting`?"),
];

impl Table for GlbpSettings {
    const HEADER: &'static str = "[[glbp]]";
    const NUMBER: &'static str = "group";
    const ALIASES: &'static [Alias] = ALIASES;
    const SPELLINGS: &'static [(&'static str, &'static [&'static str])] =
        &[("key", &["key", "key_chain"]), ("router_advertisement", &parts::RA_KEYS)];

    fn read(section: &mut Section<'_, '_>, names: &Names) -> Option<Self> {
        let identity = read_identity(section);
        let priority = section.optional("priority", file::number("a number from 1 to 255"));
        let preempt = section.optional("preempt", file::flag);
        let preempt_delay = section.optional("preempt_delay", file::duration);
        let forwarder_preempt = section.optional("forwarder_preempt", file::flag);
        let forwarder_preempt_delay = section.optional("forwarder_preempt_delay", file::duration);
        if forwarder_preempt == Some(false) && forwarder_preempt_delay.is_some_and(|delay| !delay.is_zero()) {
            report_idle_delay(section);
        }
        let [hello, hold, redirect, timeout] = ["hello_time", "hold_time", "redirect", "timeout"]
            .map(|key| section.optional(key, file::duration));
        let weighting = section.optional("weighting", file::number("a number from 1 to 254"));
        let [lower, upper] = ["weighting_lower", "weighting_upper"]
            .map(|key| section.optional(key, file::number("a number up to the weighting")));
        let load_balancing = section.optional("load_balancing", file::word(BALANCERS));
        let authentication = read_authentication(section, names);
        let client_cache = read_client_cache(section);
        let name = section.optional("name", file::name).map(Arc::from);
        let track = parts::read_tracks(section, names, "a number from 1 to 254");
        // As with HSRP: real routers advertise over IPv6 while Active.
        let ipv6 = identity.as_ref().is_some_and(|identity| identity.addresses.are_ipv6());
        let router_advertisement =
            parts::read_router_advertisement(section, ipv6.then(RouterAdvertisement::default));

        let default = identity?.settings();
        Some(Self {
            priority: priority.unwrap_or(default.priority),
            preempt: preempt.unwrap_or(default.preempt),
            preempt_delay: preempt_delay.unwrap_or(default.preempt_delay),
            forwarder_preempt: forwarder_preempt.unwrap_or(default.forwarder_preempt),
            forwarder_preempt_delay: forwarder_preempt_delay.unwrap_or(default.forwarder_preempt_delay),
            hello_time: hello.unwrap_or(default.hello_time),
            hold_time: hold.unwrap_or(default.hold_time),
            redirect: redirect.unwrap_or(default.redirect),
            timeout: timeout.unwrap_or(default.timeout),
            weighting: weighting.unwrap_or(default.weighting),
            weighting_lower: lower,
            weighting_upper: upper,
            load_balancing: load_balancing.unwrap_or_default(),
            authentication,
            client_cache,
            track,
            name,
            router_advertisement,
            ..default
        })
    }

    fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    fn check(self) -> Result<Checked, ConfigError> {
        let config = GlbpConfig::new(self)?;
        let added = config.added_link_local().map(|address| {
            ("addresses", format!("{address} is put first: GLBP carries a link-local address over IPv6"))
        });
        Ok(Checked { warnings: config.warnings(), notes: added.into_iter().collect(), config: config.into() })
    }
}

/// What makes it this group and no other.
struct Identity {
    interface: InterfaceName,
    group: u16,
    addresses: Addresses,
}

impl Identity {
    fn settings(self) -> GlbpSettings {
        // A number that does not exist is refused later.
        let number = GroupNumber::new(self.group.min(GroupNumber::MAX));
        let addresses = self.addresses.with(number.map_or(Ipv6Addr::UNSPECIFIED, virtual_link_local));
        GlbpSettings {
            family: self.addresses.family,
            ..GlbpSettings::new(self.interface, self.group, addresses)
        }
    }
}

fn read_identity(section: &mut Section<'_, '_>) -> Option<Identity> {
    let interface = section.required("interface", "\"eth0\"", file::interface);
    let group = section.optional("group", file::number("a number from 0 to 1023"));
    let addresses = parts::read_addresses_or_learn(section);
    Some(Identity {
        interface: InterfaceName::new(interface.as_deref().unwrap_or_default()),
        group: group.unwrap_or_default(),
        addresses: addresses?,
    })
}

/// The library cannot tell it from the default.
fn report_idle_delay(section: &mut Section<'_, '_>) {
    let key = "forwarder_preempt_delay";
    let title = format!("`{key}`: a preempt delay without preemption has no effect");
    section.report(Problem::error(title, section.place(key), "remove it or set forwarder_preempt = true"));
}

const BALANCERS: &[(&str, LoadBalancing)] = &[
    ("round-robin", LoadBalancing::RoundRobin),
    ("weighted", LoadBalancing::Weighted),
    ("host-dependent", LoadBalancing::HostDependent),
    ("none", LoadBalancing::None),
];

const METHODS: parts::Words = &[("none", Method::None), ("text", Method::Text), ("md5", Method::Digest)];

fn read_authentication(section: &mut Section<'_, '_>, names: &Names) -> GlbpAuthentication {
    let otherwise = GlbpAuthentication::None;
    match parts::read_authentication(section, METHODS, Method::None, Sources::KeyOrChain(names)) {
        Said::Nothing | Said::None => otherwise,
        Said::Chain(chain) => GlbpAuthentication::Chain(chain),
        Said::Text(key) => {
            parts::made_of_key(AuthText::new(key).map(GlbpAuthentication::Text), otherwise, section)
        }
        Said::Digest(key) => {
            parts::made_of_key(KeyBytes::new(key).map(GlbpAuthentication::Md5), otherwise, section)
        }
    }
}

/// `client_cache = { maximum = 500, timeout = "30m" }`
fn read_client_cache(section: &mut Section<'_, '_>) -> Option<ClientCache> {
    let example = "{ maximum = 500, timeout = \"30m\" }";
    section.table("client_cache", ("the client cache", example), |mut inner| {
        let maximum = inner.required("maximum", "500", file::number("a number from 8 to 2000"));
        let timeout: Option<Duration> = inner.optional("timeout", file::duration);
        inner.finish(&[]);
        Some(ClientCache { maximum: maximum?, timeout })
    })
}
