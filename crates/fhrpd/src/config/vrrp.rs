//! The `[[vrrp]]` tables.

use std::net::IpAddr;

use fhrp::{
    AnnounceSchedule, Authentication, ChecksumPolicy, ConfigError, InterfaceName, VrrpConfig, VrrpSettings,
};
use fhrp_wire::vrrp::{KeyBytes, TextKey};

use super::file::{self, Alias, Section};
use super::group::{Checked, Table};
use super::names::Names;
use super::parts::{self, Method, Said, Sources};

const ALIASES: &[Alias] = &[
    ("accept", "write `accept_mode = true`"),
    ("address", "did you mean `addresses`?"),
    ("advert_int", "did you mean `advertisement_interval`?"),
    ("advertise_interval", "did you mean `advertisement_interval`?"),
    ("auth_pass", "write `authentication = \"text\"` and `key = \"…\"`; version 2 only"),
    ("auth_type", "write `authentication = \"text\"` and `key = \"…\"`; version 2 only"),
    ("group", "did you mean `vrid`?"),
    ("interval", "did you mean `advertisement_interval`?"),
    ("native_ipv6", "not needed: the addresses say which family the group is of"),
    ("nopreempt", "write `preempt = false`"),
    ("standby", "write [[hsrp]] for HSRP; its number is `group`"),
    ("state", "remove it: the election decides who is Active; `priority` says who should be"),
    ("track_interface", "write [[track]] with `name` and `interface`, and `track = [{ name = \"…\" }]` here"),
    ("unicast_peer", "did you mean `unicast_peers`?"),
    ("use_vmac", "write `virtual_mac = true`, which is the default"),
    ("virtual_ipaddress", "did you mean `addresses`?"),
    ("virtual_router_id", "did you mean `vrid`?"),
];

impl Table for VrrpSettings {
    const HEADER: &'static str = "[[vrrp]]";
    const NUMBER: &'static str = "vrid";
    const ALIASES: &'static [Alias] = ALIASES;
    const SPELLINGS: &'static [(&'static str, &'static [&'static str])] =
        &[("router_advertisement", &parts::RA_KEYS)];

    fn read(section: &mut Section<'_, '_>, names: &Names) -> Option<Self> {
        let interface = section.required("interface", "\"eth0\"", file::interface);
        let vrid = section.required("vrid", "10", file::number("a number from 1 to 255"));
        let version = section.optional("version", file::number("2 or 3"));
        let absent = "add `addresses = [\"192.0.2.1\"]`";
        let addresses = parts::read_addresses(section, absent, file::address);
        let priority = section.optional("priority", file::number("a number from 1 to 254"));
        let interval = section.optional("advertisement_interval", file::duration);
        let preempt = section.optional("preempt", file::flag);
        let preempt_delay = section.optional("preempt_delay", file::duration);
        let accept_mode = section.optional("accept_mode", file::flag);
        let virtual_mac = section.optional("virtual_mac", file::flag);
        let checksum = section.optional("checksum", file::word(CHECKSUMS));
        let authentication = read_authentication(section);
        let unicast_peers = parts::read_peers(section);
        let coexist = section.optional("coexist_with_v2", file::flag);
        let router_advertisement = parts::read_router_advertisement(section, None);
        let announce = parts::read_announcements(section).over(AnnounceSchedule::default());
        let track = parts::read_tracks(section, names, "a number from 1 to 255");

        // What could not be read has been reported; the rest is checked all the same.
        let interface = InterfaceName::new(interface.as_deref().unwrap_or_default());
        let default = Self::new(interface, vrid.unwrap_or(1), addresses?);
        Some(Self {
            version: version.or_else(|| (!section.has("version")).then_some(default.version))?,
            priority: priority.unwrap_or(default.priority),
            advertisement_interval: interval.unwrap_or(default.advertisement_interval),
            preempt: preempt.unwrap_or(default.preempt),
            preempt_delay: preempt_delay.unwrap_or(default.preempt_delay),
            accept_mode: accept_mode.unwrap_or(default.accept_mode),
            virtual_mac: virtual_mac.unwrap_or(default.virtual_mac),
            checksum: checksum.unwrap_or_default(),
            authentication,
            unicast_peers,
            coexist_with_v2: coexist.unwrap_or(default.coexist_with_v2),
            router_advertisement,
            announce,
            track,
            ..default
        })
    }

    fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    fn check(self) -> Result<Checked, ConfigError> {
        let config = VrrpConfig::new(self)?;
        let added = config.added_link_local().map(|address| {
            let text = format!(
                "{address} is put first: the first IPv6 address must be link-local (RFC 9568 §5.2.9)"
            );
            ("addresses", text)
        });
        Ok(Checked { warnings: config.warnings(), notes: added.into_iter().collect(), config: config.into() })
    }
}

const CHECKSUMS: &[(&str, ChecksumPolicy)] = &[
    ("auto", ChecksumPolicy::Auto),
    ("rfc9568", ChecksumPolicy::Rfc9568),
    ("rfc5798", ChecksumPolicy::Rfc5798),
];

const METHODS: parts::Words =
    &[("none", Method::None), ("text", Method::Text), ("cisco-md5", Method::Digest)];

fn read_authentication(section: &mut Section<'_, '_>) -> Authentication {
    let made = match parts::read_authentication(section, METHODS, Method::None, Sources::Key) {
        // Key chains are not asked for here.
        Said::Nothing | Said::None | Said::Chain(_) => return Authentication::None,
        Said::Text(key) => TextKey::new(key).map(Authentication::Text),
        Said::Digest(key) => KeyBytes::new(key).map(Authentication::CiscoMd5),
    };
    parts::made_of_key(made, Authentication::None, section)
}
