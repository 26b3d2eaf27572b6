//! The `[[hsrp]]` tables.

use std::net::IpAddr;
use std::sync::Arc;

use fhrp::{ConfigError, HsrpAuthentication, HsrpConfig, HsrpSettings, InterfaceName, RouterAdvertisement};
use fhrp_wire::hsrp::{Group, KeyBytes, TextKey, Variant, virtual_link_local};

use super::diagnose::Problem;
use super::file::{self, Alias, Section};
use super::group::{Checked, Table};
use super::names::Names;
use super::parts::{self, Addresses, Method, Said, Sources};

const ALIASES: &[Alias] = &[
    ("address", "did you mean `addresses`?"),
    ("advertisement_interval", "write `hello_time` and `hold_time`"),
    ("authentication_text", "write `authentication = \"text\"` and `key = \"…\"`"),
    ("bia", "did you mean `use_bia`?"),
    ("decrement", "it belongs to an object: `track = [{ name = \"…\", decrement = 10 }]`"),
    ("delay", "write `startup_delay`, or `preempt_delay_minimum`"),
    ("hello", "did you mean `hello_time`?"),
    ("hellotime", "did you mean `hello_time`?"),
    ("hold", "did you mean `hold_time`?"),
    ("holdtime", "did you mean `hold_time`?"),
    ("ip", "did you mean `addresses`?"),
    ("ipv6", "did you mean `addresses`?"),
    ("mac", "did you mean `mac_address`?"),
    ("md5", "write `authentication = \"md5\"` and `key = \"…\"` or `key_chain = \"…\"`"),
    ("preempt_delay", "write `preempt_delay_minimum`, `preempt_delay_reload` or `preempt_delay_sync`"),
    ("secondary", "name further addresses in `addresses`"),
    ("shutdown", "it belongs to an object: `track = [{ name = \"…\", shutdown = true }]`"),
    ("standby", "did you mean `group`?"),
    ("state", "remove it: the election decides who is Active; `priority` says who should be"),
    ("timers", "write `hello_time` and `hold_time`"),
    ("track_interface", "write [[track]] with `name` and `interface`, and `track = [{ name = \"…\" }]` here"),
    ("virtual_ip", "did you mean `addresses`?"),
    ("virtual_ipaddress", "did you mean `addresses`?"),
    ("vrid", "did you mean `group`?"),
];

const PREEMPT_DELAYS: [&str; 3] = ["preempt_delay_minimum", "preempt_delay_reload", "preempt_delay_sync"];

impl Table for HsrpSettings {
    const HEADER: &'static str = "[[hsrp]]";
    const NUMBER: &'static str = "group";
    const ALIASES: &'static [Alias] = ALIASES;
    const SPELLINGS: &'static [(&'static str, &'static [&'static str])] = &[
        ("key", &["key", "key_chain"]),
        ("preempt_delay", &PREEMPT_DELAYS),
        ("router_advertisement", &parts::RA_KEYS),
        ("virtual_mac", &["virtual_mac", "use_bia"]),
    ];

    fn read(section: &mut Section<'_, '_>, names: &Names) -> Option<Self> {
        let identity = read_identity(section);
        let priority = section.optional("priority", file::number("a number from 1 to 255"));
        let preempt = section.optional("preempt", file::flag);
        let [minimum, reload, sync] = PREEMPT_DELAYS.map(|key| section.optional(key, file::duration));
        let timers = parts::read_timers(section);
        let authentication = read_authentication(section, names);
        let follow = section.optional("follow", |value| names.group(value)).map(Arc::from);
        let name = section.optional("name", file::name).map(Arc::from);
        let track = parts::read_tracks(section, names, "a number from 1 to 255");
        let startup_delay = section.optional("startup_delay", file::duration);

        // Real routers advertise over IPv6 while Active, always.
        let ipv6 = identity.as_ref().is_some_and(|identity| identity.addresses.are_ipv6());
        let router_advertisement =
            parts::read_router_advertisement(section, ipv6.then(RouterAdvertisement::default));
        let announce = parts::read_announcements(section);

        let default = identity?.settings();
        Some(Self {
            priority: priority.unwrap_or(default.priority),
            preempt: preempt.unwrap_or(default.preempt),
            preempt_delay_minimum: minimum.unwrap_or(default.preempt_delay_minimum),
            preempt_delay_reload: reload.unwrap_or(default.preempt_delay_reload),
            preempt_delay_sync: sync.unwrap_or(default.preempt_delay_sync),
            timers,
            authentication,
            follow,
            name,
            track,
            startup_delay: startup_delay.unwrap_or(default.startup_delay),
            router_advertisement,
            announce: announce.over(default.announce.clone()),
            ..default
        })
    }

    fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    fn check(self) -> Result<Checked, ConfigError> {
        let config = HsrpConfig::new(self)?;
        let added = config.added_link_local().map(|address| {
            ("addresses", format!("{address} is put first: HSRP carries a link-local address over IPv6"))
        });
        Ok(Checked { warnings: config.warnings(), notes: added.into_iter().collect(), config: config.into() })
    }
}

/// What makes it this group and no other, and the addresses that may follow from it.
struct Identity {
    interface: InterfaceName,
    group: u16,
    version: u8,
    addresses: Addresses,
    virtual_mac: bool,
    mac_address: Option<fhrp::MacAddr>,
}

impl Identity {
    fn settings(&self) -> HsrpSettings {
        let group = Group::new(Variant::V2Ipv6, self.group);
        let own = group.map_or(fhrp::MacAddr::ZERO, Group::virtual_mac);
        let made = virtual_link_local(self.mac_address.unwrap_or(own));
        HsrpSettings {
            version: self.version,
            family: self.addresses.family,
            virtual_mac: self.virtual_mac,
            mac_address: self.mac_address,
            ..HsrpSettings::new(self.interface.clone(), self.group, self.addresses.with(made))
        }
    }
}

fn read_identity(section: &mut Section<'_, '_>) -> Option<Identity> {
    let interface = section.required("interface", "\"eth0\"", file::interface);
    let group = section.optional("group", file::number("a number from 0 to 255, in version 2 to 4095"));
    let version = section.optional("version", file::number("1 or 2"));
    let addresses = parts::read_addresses_or_learn(section);
    let virtual_mac = section.optional("virtual_mac", file::flag);
    let use_bia = section.optional("use_bia", file::flag);
    let mac_address = section.optional("mac_address", file::mac);
    if virtual_mac.is_some() && virtual_mac == use_bia {
        let remedy = "remove one of the two: `use_bia = true` is `virtual_mac = false`";
        let title = "`use_bia` and `virtual_mac` contradict each other";
        section.report(Problem::error(title, section.place("use_bia"), remedy));
    }
    let addresses = addresses?;
    let virtual_mac = virtual_mac.or(use_bia.map(|own| !own)).unwrap_or(true);
    if let Some(at) = addresses.autoconfig().filter(|_| !virtual_mac) {
        let title = "without a virtual MAC there is no address to be made of it";
        let at = section.element("addresses", Some(at));
        section.report(Problem::error(title, at, "name a link-local address, such as \"fe80::1\""));
        return None;
    }
    Some(Identity {
        interface: InterfaceName::new(interface.as_deref().unwrap_or_default()),
        group: group.unwrap_or_default(),
        version: version.or_else(|| (!section.has("version")).then_some(1))?,
        addresses,
        virtual_mac,
        mac_address,
    })
}

const METHODS: parts::Words = &[("none", Method::None), ("text", Method::Text), ("md5", Method::Digest)];

fn read_authentication(section: &mut Section<'_, '_>, names: &Names) -> HsrpAuthentication {
    let made = match parts::read_authentication(section, METHODS, Method::Text, Sources::KeyOrChain(names)) {
        Said::Nothing => return HsrpAuthentication::default(),
        Said::None => return HsrpAuthentication::None,
        Said::Chain(chain) => return HsrpAuthentication::Chain(chain),
        Said::Text(key) => TextKey::new(key).map(HsrpAuthentication::Text),
        Said::Digest(key) => KeyBytes::new(key).map(HsrpAuthentication::Md5),
    };
    parts::made_of_key(made, HsrpAuthentication::default(), section)
}
