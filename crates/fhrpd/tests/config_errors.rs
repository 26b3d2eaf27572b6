//! What an operator reads when a configuration file is wrong. Each text is a reviewed snapshot.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::time::Duration;

use fhrp::{
    ClientCache, GlbpAuthentication, GlbpSettings, HsrpAuthentication, InterfaceName, Lifetime,
    LoadBalancing, TrackEffect, WallTime,
};
use fhrpd::config::{Config, Style, render};

/// The rendered problems of `source`; what is said about a right file, too.
fn shown(source: &str) -> String {
    let problems = match Config::parse(source) {
        Ok(config) => config.remarks,
        Err(problems) => problems,
    };
    render("fhrpd.toml", source, &problems, Style::Plain)
}

macro_rules! faulty {
    ($($name:ident: $source:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), shown($source));
        }
    )*};
}

const GOOD: &str = "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.1\"]\n";

/// A good group with more lines.
fn with(lines: &str) -> String {
    format!("{GOOD}{lines}\n")
}

faulty! {
    unknown_key: &with("priorty = 150");
    key_of_other_software: &with("virtual_router_id = 10\nstate = \"MASTER\"");
    unknown_table: "[[vrpp]]\ninterface = \"eth0\"\n";
    single_table: "[vrrp]\ninterface = \"eth0\"\n";
    missing_keys: "[[vrrp]]\npriority = 150\n";
    wrong_types: "[[vrrp]]\ninterface = 3\nvrid = \"10\"\naddresses = \"192.0.2.1\"\npreempt = \"yes\"\npriority = 1.5\n";
    bad_durations: &with("advertisement_interval = 100\npreempt_delay = \"5\"\nannounce_refresh = \"soon\"");
    interval_out_of_step: &with("advertisement_interval = \"105ms\"");
    bad_addresses: "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.1/24\", \"192.0.2\", \"224.0.0.18\", \"2001:db8::1\"]\n";
    numbers_out_of_range: "[[vrrp]]\ninterface = \"eth0\"\nvrid = 256\naddresses = [\"192.0.2.1\"]\npriority = 0\n";
    every_rule_of_a_group: "[[vrrp]]\ninterface = \"eth0\"\nvrid = 0\naddresses = [\"192.0.2.1\", \"192.0.2.1\"]\npriority = 0\nadvertisement_interval = \"50s\"\nunicast_peers = [\"192.0.2.3\", \"::1\"]\n";
    same_group_twice: &format!("{GOOD}\n{GOOD}");
    same_address_twice: &format!("{GOOD}\n{}", GOOD.replace("vrid = 10", "vrid = 11"));
    version_2_only: &with("authentication = \"text\"\nkey = \"geheim\"");
    key_too_long: &with("version = 2\nauthentication = \"text\"\nkey = \"a long secret\"");
    key_without_authentication: &with("version = 2\nkey = \"geheim\"");
    misspelt_word: &with("checksum = \"rfc5789\"");
    router_advertisement_companions: &with("router_lifetime = \"30m\"\nprefixes = [{ prefix = \"2001:db8:1::\", onlink = true }]");
    broken_toml: "[[vrrp]]\ninterface = \"eth0\nvrid = 10\n";
    key_given_twice: &with("vrid = 11");
    empty_file: "# nothing yet\n";
    stop_linger_without_end: "[daemon]\nstop_linger = \"1m\"\n";
    addresses_of_the_other_family: &format!("[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"::ffff:192.0.2.1\"]\n{}", GOOD.replace("\"]", "\", \"::ffff:192.0.2.2\"]"));
    paths_without_root: "[daemon]\ncontrol_socket = \"run/fhrpd.sock\"\ncontrol_group = \" \"\nstate_dir = \"./state\"\n";
    path_too_long_for_a_socket: &format!("[daemon]\ncontrol_socket = \"/{}\"\n{GOOD}", "s".repeat(107));
    daemon_table: "[daemon]\nlog = \"jsn\"\nrealtime = 1\nsocket = \"/run/x\"\nstate_dir = \"\"\n";
    remarks_of_a_right_file: "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"2001:db8::1\"]\npriority = 255\n";
}

const HSRP: &str = "[[hsrp]]\ninterface = \"eth0\"\ngroup = 1\naddresses = [\"192.0.2.1\"]\n";

/// A good HSRP group with more lines.
fn hsrp(lines: &str) -> String {
    format!("{HSRP}{lines}\n")
}

/// One of another number and address, with more lines.
fn second(number: u8, lines: &str) -> String {
    let group = HSRP.replace("group = 1", &format!("group = {number}"));
    format!("{}{lines}\n", group.replace("192.0.2.1", &format!("192.0.2.{number}")))
}

/// An HSRP group of which nothing is said but this.
fn bare(lines: &str) -> String {
    format!("[[hsrp]]\ninterface = \"eth0\"\n{lines}\n")
}

faulty! {
    hsrp_missing_keys: "[[hsrp]]\npriority = 150\n";
    hsrp_wrong_types: "[[hsrp]]\ninterface = 3\ngroup = \"1\"\nversion = true\naddresses = [192]\nfamily = 5\ntrack = \"uplink\"\nname = \" \"\n";
    hsrp_group_of_version_1: &bare("group = 256\naddresses = [\"192.0.2.1\"]");
    hsrp_group_of_version_2: &bare("version = 2\ngroup = 4096\naddresses = [\"192.0.2.1\"]");
    hsrp_no_such_version: &hsrp("version = 3");
    hsrp_ipv6_in_version_1: &bare("addresses = [\"2001:db8::1\"]");
    hsrp_autoconfig_in_version_1: &bare("addresses = [\"autoconfig\"]");
    hsrp_autoconfig_without_virtual_mac: &bare("version = 2\naddresses = [\"2001:db8::1\", \"autoconfig\"]\nuse_bia = true");
    hsrp_milliseconds_in_version_1: &hsrp("hello_time = \"250ms\"\nhold_time = \"750ms\"");
    hsrp_timers_out_of_range: &hsrp("version = 2\nhello_time = \"10ms\"\nhold_time = \"40ms\"");
    hsrp_hold_not_longer_than_hello: &hsrp("hello_time = \"3s\"\nhold_time = \"3s\"");
    hsrp_hello_without_hold: &hsrp("hello_time = \"3s\"");
    hsrp_hold_without_hello: &hsrp("hold_time = \"10s\"");
    hsrp_learning_without_family: &bare("addresses = []");
    hsrp_family_of_others: &hsrp("family = 6");
    hsrp_text_too_long: &hsrp("authentication = \"text\"\nkey = \"a long secret\"");
    hsrp_key_too_long: &hsrp(&format!("authentication = \"md5\"\nkey = \"{}\"", "k".repeat(65)));
    hsrp_key_of_a_chain_too_long: &hsrp(&format!("authentication = \"md5\"\nkey_chain = \"lan\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{{ id = 1, key = \"{}\" }}]", "k".repeat(65)));
    hsrp_key_alone_too_long: &hsrp("key = \"a long secret\"");
    hsrp_keys_without_authentication: &hsrp("key = \"k\"\nkey_chain = \"lan\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]");
    hsrp_key_chain_without_authentication: &hsrp("key_chain = \"lan\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]");
    hsrp_authentication_without_key: &hsrp("authentication = \"md5\"");
    hsrp_empty_key: &hsrp("authentication = \"md5\"\nkey = \"\"");
    hsrp_text_with_chain: &hsrp("authentication = \"text\"\nkey_chain = \"lan\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]");
    hsrp_key_and_chain: &hsrp("authentication = \"md5\"\nkey = \"k\"\nkey_chain = \"lan\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]");
    hsrp_key_for_nothing: &hsrp("authentication = \"none\"\nkey = \"k\"");
    hsrp_authentication_of_others: &hsrp("authentication = \"cisco-md5\"\nkey = \"k\"");
    hsrp_unknown_names: &hsrp("authentication = \"md5\"\nkey_chain = \"lam\"\ntrack = [{ name = \"downlink\" }]\nfollow = \"leadr\"\n[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]\n[[track]]\nname = \"exit\"\n[[track]]\nname = \"uplink\"\n[[hsrp]]\ninterface = \"eth1\"\naddresses = 7\nname = \"leader\"");
    hsrp_nothing_to_name: &hsrp("authentication = \"md5\"\nkey_chain = \"lan\"\ntrack = [{ name = \"uplink\" }]");
    hsrp_announcements_without_addresses: "[[hsrp]]\ninterface = \"eth0\"\naddresses = [\"192.0.2\"]\nannounce_refresh = \"1m\"\n";
    hsrp_bad_tracks: &hsrp("track = [{ name = \"a\", decrement = 0 }, { name = \"b\", decrement = 256 }, { name = \"c\", decrement = 5, shutdown = true }, { name = \"d\", interface = \"eth1\" }, { decrement = 5 }, { name = \"e\" }, { name = \"e\" }, 7]\n[[track]]\nname = \"a\"\n[[track]]\nname = \"b\"\n[[track]]\nname = \"c\"\n[[track]]\nname = \"d\"\n[[track]]\nname = \"e\"");
    hsrp_bad_macs: &format!("{}{}{}", hsrp("mac_address = \"01:00:5e:00:00:01\""), second(2, "mac_address = \"2.0.1\""), second(3, "use_bia = true\nmac_address = \"0200.0000.0001\""));
    hsrp_macs_that_contradict: &hsrp("virtual_mac = true\nuse_bia = true");
    hsrp_preempt_delays: &format!("{}{}", hsrp("preempt = true\npreempt_delay_minimum = \"1m\"\npreempt_delay_reload = \"2h\""), second(2, "preempt_delay_minimum = \"1m\"\npreempt_delay_reload = \"2m\""));
    hsrp_startup_delay: &hsrp("startup_delay = \"3h\"");
    hsrp_followers_that_cannot: &format!("{}{}{}", hsrp("name = \"lan\""), second(2, "follow = \"lan\"\npreempt = true"), "[[hsrp]]\ninterface = \"eth1\"\naddresses = []\nfamily = 4\nfollow = \"lan\"\n");
    hsrp_router_advertisements: &format!("{}{}", hsrp("router_advertisement = true"), "[[hsrp]]\ninterface = \"eth1\"\nversion = 2\naddresses = [\"fe80::1\"]\nrouter_lifetime = \"1h\"\nrouter_advertisement_interval = \"1s\"\n[[hsrp]]\ninterface = \"eth2\"\nversion = 2\naddresses = [\"fe80::1\"]\nrouter_advertisement = false\nrouter_lifetime = \"1h\"\n");
    hsrp_announcements: &hsrp("announce_refresh = \"100ms\"\nannounce_repeats = [\"5s\", \"1s\"]");
    hsrp_every_rule_of_a_group: &bare("group = 300\naddresses = [\"192.0.2.1\", \"192.0.2.1\", \"::1\"]\npriority = 0\nhello_time = \"10s\"\nhold_time = \"5s\"\nstartup_delay = \"3h\"\nmac_address = \"ff:ff:ff:ff:ff:ff\"\nannounce_refresh = \"100ms\"");
    hsrp_words_of_others: &format!("[[standby]]\ngroup = 1\n{}", hsrp("ip = \"192.0.2.1\"\ntimers = [3, 10]\nstandby = 1\nvrid = 1\npreempt_delay = \"3s\"\npriorty = 7\nmd5 = \"key-string\""));
    hsrp_same_group_twice: &format!("{HSRP}\n{HSRP}");
    hsrp_same_virtual_mac: &format!("{}{}", hsrp("mac_address = \"02:00:00:00:00:01\""), second(2, "mac_address = \"02:00:00:00:00:01\""));
    hsrp_virtual_mac_of_vrrp: &format!("{GOOD}{}", second(2, "mac_address = \"00:00:5e:00:01:0a\""));
    hsrp_address_of_vrrp: &format!("{GOOD}{HSRP}");
    hsrp_two_versions: &format!("{}{}", hsrp("version = 2"), second(2, ""));
    hsrp_same_name_twice: &format!("{}{}", hsrp("name = \"lan\""), second(2, "name = \"lan\""));
    hsrp_name_of_a_nameless_group: &format!("{HSRP}{}", second(2, "name = \"hsrp-eth0-1\""));
    hsrp_both_families_by_their_names: &format!("{}[[hsrp]]\ninterface = \"eth0\"\nversion = 2\ngroup = 1\naddresses = [\"autoconfig\"]\nfollow = \"hsrp-eth0-1\"\n{}{}", hsrp("version = 2"), second(2, "version = 2\nfollow = \"hsrp-eth0-1-V6\""), second(3, "version = 2\nfollow = \"hsrp-eth0-3-V6\""));
    hsrp_circle: &format!("{}{}{}", hsrp("name = \"a\"\nfollow = \"b\""), second(2, "name = \"b\"\nfollow = \"a\""), second(3, "follow = \"a\""));
    hsrp_its_own_follower: &hsrp("name = \"a\"\nfollow = \"a\"");
    hsrp_remarks: "[[hsrp]]\ninterface = \"eth0\"\nversion = 2\naddresses = [\"2001:db8::1\"]\nhello_time = \"3s\"\nhold_time = \"4s\"\n";
    key_chains_incomplete: &format!("{GOOD}[[key_chain]]\n[[key_chain]]\nname = \"a\"\nkeys = []\n[[key_chain]]\nname = \"b\"\nkey = \"k\"\nkeys = [{{ key = \"geheim\" }}, {{ id = 1 }}, {{ number = 4, key_string = \"x\" }}]\n");
    key_chains_that_clash: &format!("{GOOD}[[key_chain]]\nname = \"a\"\nkeys = [{{ id = 1, key = \"geheim\" }}, {{ id = 1, key = \"geheim\" }}]\n[[key_chain]]\nname = \"a\"\nkeys = [{{ id = 1, key = \"geheim\" }}]\n");
    key_chain_dates: &format!("{GOOD}[[key_chain]]\nname = \"a\"\n{}", [
        "accept_from = 2030-01-31", "accept_until = 2030-01-31T00:00:00", "send_from = 1969-12-31T23:59:59Z",
        "send_until = \"tomorrow\"", "send_until = 7", "accept_from = 2030-02-01T00:00:00Z\naccept_until = 2030-02-01T01:00:00+01:00",
    ].iter().zip(1..).map(|(line, id)| format!("[[key_chain.keys]]\nid = {id}\nkey = \"k\"\n{line}\n")).collect::<String>());
    tracks_that_are_wrong: &format!("{GOOD}[[track]]\ninterface = \"eth0/1\"\n[[track]]\nname = \"a\"\ndecrement = 5\n[[track]]\nname = \"a\"\nobject = 1\n");
    single_track_table: &format!("{GOOD}[track]\nname = \"a\"\n");
    vrrp_tracks: &with("track = [{ name = \"uplink\" }]\ntrack_interface = \"eth1\"\n[[track]]\nname = \"uplnk\"");
}

const GLBP: &str = "[[glbp]]\ninterface = \"eth0\"\ngroup = 1\naddresses = [\"192.0.2.1\"]\n";

/// A good GLBP group with more lines.
fn glbp(lines: &str) -> String {
    format!("{GLBP}{lines}\n")
}

/// A GLBP group of which nothing is said but this.
fn bare_glbp(lines: &str) -> String {
    format!("[[glbp]]\ninterface = \"eth0\"\n{lines}\n")
}

const CHAIN: &str = "[[key_chain]]\nname = \"lan\"\nkeys = [{ id = 1, key = \"k\" }]";

faulty! {
    glbp_missing_keys: "[[glbp]]\npriority = 150\n";
    glbp_single_table: "[glbp]\ninterface = \"eth0\"\n";
    glbp_wrong_types: "[[glbp]]\ninterface = 3\ngroup = \"1\"\naddresses = [192]\nfamily = 5\nweighting = \"100\"\nload_balancing = 1\nclient_cache = 100\ntrack = \"uplink\"\nredirect = 600\nforwarder_preempt = \"yes\"\nname = \" \"\n";
    glbp_no_such_group: &bare_glbp("group = 1024\naddresses = [\"192.0.2.1\"]");
    glbp_no_such_group_with_autoconfig: &bare_glbp("group = 1024\naddresses = [\"autoconfig\"]");
    glbp_learning_without_family: &bare_glbp("addresses = []");
    glbp_family_of_others: &glbp("family = 6");
    glbp_timers_out_of_range: &glbp("hello_time = \"10ms\"\nhold_time = \"4m\"");
    glbp_hold_not_longer_than_hello: &glbp("hello_time = \"10s\"");
    glbp_redirect_and_timeout_out_of_range: &glbp("redirect = \"2h\"\ntimeout = \"1d\"");
    glbp_redirect_of_a_fraction: &glbp("redirect = \"1500ms\"");
    glbp_timeout_not_longer_than_redirect: &glbp("redirect = \"10m\"\ntimeout = \"600s\"");
    glbp_weighting_out_of_range: &format!("{}{}", glbp("weighting = 0"), bare_glbp("group = 2\naddresses = [\"192.0.2.2\"]\nweighting = 255\nweighting_lower = 256"));
    glbp_thresholds_out_of_order: &format!("{}{}", glbp("weighting = 110\nweighting_lower = 95\nweighting_upper = 90"), bare_glbp("group = 2\naddresses = [\"192.0.2.2\"]\nweighting_lower = 100\nweighting_upper = 101"));
    glbp_no_such_balancing: &glbp("load_balancing = \"round_robin\"");
    glbp_client_cache: &format!("{}{}{}", glbp("client_cache = { maximum = 7 }"), bare_glbp("group = 2\naddresses = [\"192.0.2.2\"]\nclient_cache = { timeout = \"30m\" }"), bare_glbp("group = 3\naddresses = [\"192.0.2.3\"]\nclient_cache = { maximum = 100, timeout = \"30s\", age = 1 }"));
    glbp_delay_of_forwarders_that_do_not_preempt: &glbp("forwarder_preempt = false\nforwarder_preempt_delay = \"5s\"");
    glbp_preempt_delays: &glbp("preempt_delay = \"1m\"\nforwarder_preempt_delay = \"2h\"");
    glbp_priority: &glbp("priority = 0");
    glbp_empty_key: &glbp("authentication = \"text\"\nkey = \"\"");
    glbp_text_too_long: &glbp(&format!("authentication = \"text\"\nkey = \"{}\"", "k".repeat(252)));
    glbp_key_too_long: &glbp(&format!("authentication = \"md5\"\nkey = \"{}\"", "k".repeat(101)));
    glbp_key_without_authentication: &glbp("key = \"geheim\"");
    glbp_authentication_without_key: &glbp("authentication = \"md5\"");
    glbp_text_with_chain: &glbp(&format!("authentication = \"text\"\nkey_chain = \"lan\"\n{CHAIN}"));
    glbp_key_and_chain: &glbp(&format!("authentication = \"md5\"\nkey = \"k\"\nkey_chain = \"lan\"\n{CHAIN}"));
    glbp_unknown_names: &glbp(&format!("authentication = \"md5\"\nkey_chain = \"lam\"\ntrack = [{{ name = \"downlink\" }}]\n{CHAIN}"));
    glbp_tracks_that_stop: &glbp("track = [{ name = \"uplink\", shutdown = true }, { name = \"exit\", decrement = 0 }]\n[[track]]\nname = \"uplink\"\n[[track]]\nname = \"exit\"");
    glbp_decrements_out_of_range: &glbp("track = [{ name = \"uplink\", decrement = 255 }, { name = \"exit\", decrement = 256 }]\n[[track]]\nname = \"uplink\"\n[[track]]\nname = \"exit\"");
    glbp_router_advertisements: &format!("{}{}", glbp("router_advertisement = true"), bare_glbp("group = 2\naddresses = [\"autoconfig\"]\nrouter_advertisement = false\nrouter_lifetime = \"1h\""));
    glbp_every_rule_of_a_group: &bare_glbp("group = 1024\naddresses = [\"192.0.2.1\", \"::1\"]\npriority = 0\npreempt_delay = \"1m\"\nforwarder_preempt_delay = \"2h\"\nhello_time = \"2m\"\nhold_time = \"1s\"\nredirect = \"2h\"\ntimeout = \"5s\"\nweighting = 10\nweighting_lower = 50\nweighting_upper = 60\nclient_cache = { maximum = 2001 }\n");
    glbp_words_of_others: &glbp("ip = \"192.0.2.1\"\ntimers = [3, 10]\nversion = 2\nvirtual_mac = true\nlower = 5\nfollow = \"lan\"\nannounce_refresh = \"1m\"\nload_balancng = \"none\"");
    glbp_same_group_twice: &format!("{GLBP}\n{GLBP}");
    glbp_group_of_both_families: &format!("{}{}", GLBP, bare_glbp("group = 1\naddresses = [\"autoconfig\"]"));
    glbp_virtual_mac_of_hsrp: &format!("{GLBP}{}", second(2, "mac_address = \"00:07:b4:00:01:03\""));
    glbp_address_of_hsrp: &format!("{GLBP}{HSRP}");
    glbp_remarks: "[[glbp]]\ninterface = \"eth0\"\naddresses = [\"2001:db8::1\"]\nhello_time = \"4s\"\nredirect = \"10m\"\ntimeout = \"15m\"\nclient_cache = { maximum = 2000 }\n";
}

#[test]
fn a_key_is_never_shown() {
    for line in ["key = \"a long secret\"", "key=\"a long secret", "  key = 'a long secret'"] {
        let text = shown(&with(&format!("version = 2\nauthentication = \"text\"\n{line}")));
        assert!(text.contains("error") && !text.contains("secret"), "{text}");
    }
    for keys in ["keys = [{ key = \"secret\" }]", "keys = [{ id = 1, key = \"secret\", send_from = 1 }]"] {
        let text = shown(&format!("[[key_chain]]\nname = \"lan\"\n{keys}\n"));
        assert!(text.contains("error") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn every_key_is_accepted() {
    let source = r#"
        [daemon]
        control_socket = "/run/fhrpd/fhrpd.sock"
        control_group = "adm"
        state_dir = "/var/lib/fhrpd"
        log = "json"
        realtime = false
        stop_linger = "0s"

        [[vrrp]]
        interface = "eth0"
        vrid = 10
        version = 3
        addresses = ["192.0.2.1", "192.0.2.2"]
        priority = 150
        advertisement_interval = "100 ms"
        preempt = true
        preempt_delay = "1m"
        accept_mode = true
        virtual_mac = false
        checksum = "rfc5798"
        unicast_peers = ["192.0.2.3"]
        coexist_with_v2 = true
        announce_repeats = ["500ms", "2s"]
        announce_refresh = "30s"

        [[vrrp]]
        interface = "eth0"
        vrid = 10
        addresses = ["fe80::1", "2001:db8::1"]
        router_advertisement = true
        router_advertisement_interval = "10s"
        router_lifetime = "30m"
        prefixes = [{ prefix = "2001:db8:1::/64", on_link = true, autonomous = true, valid = "30d", preferred = "7d" }]

        [[vrrp]]
        interface = "eth1"
        vrid = 10
        version = 2
        addresses = ["198.51.100.1"]
        authentication = "cisco-md5"
        key = "a key of any length"
    "#;
    let config = Config::parse(source).unwrap();
    assert_eq!(config.daemon.stop_linger, Duration::ZERO);
    assert_eq!(Config::parse("").unwrap().daemon.stop_linger, Duration::from_millis(80));
    assert_eq!(config.groups.len(), 3);
    let ids: Vec<String> = config.groups.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["vrrp eth0 ipv4 10", "vrrp eth0 ipv6 10", "vrrp eth1 ipv4 10"]);
    let first = config.groups.values().next().unwrap().vrrp().unwrap().settings();
    assert_eq!((first.priority, first.advertisement_interval.as_millis()), (150, 100));
    assert_eq!(first.announce.repeats.len(), 2);
    let router_advertisement = config
        .groups
        .values()
        .nth(1)
        .unwrap()
        .vrrp()
        .unwrap()
        .settings()
        .router_advertisement
        .clone()
        .unwrap();
    assert_eq!(router_advertisement.prefixes.len(), 1);
    assert_eq!(router_advertisement.prefixes[0].valid.as_secs(), 30 * 86_400);
}

const EVERYTHING: &str = r#"
    [[key_chain]]
    name = "lan"

    [[key_chain.keys]]
    id = 1
    key = "until new year"
    accept_until = 2031-01-01T00:10:00Z
    send_until = 2031-01-01T00:00:00Z

    [[key_chain.keys]]
    id = 2
    key = "from new year on"
    accept_from = "2030-12-31T23:50:00Z"
    send_from = 2031-01-01T01:00:00+01:00

    [[track]]
    name = "uplink"
    interface = "eth1"

    [[track]]
    name = "exit"

    [[hsrp]]
    interface = "eth0"
    group = 4095
    version = 2
    family = 4
    addresses = ["192.0.2.1", "192.0.2.2"]
    priority = 150
    preempt = true
    preempt_delay_minimum = "10s"
    preempt_delay_reload = "1m"
    preempt_delay_sync = "5s"
    hello_time = "250ms"
    hold_time = "750ms"
    authentication = "md5"
    key_chain = "lan"
    virtual_mac = true
    mac_address = "02:00:00:00:00:01"
    track = [{ name = "uplink", decrement = 60 }, { name = "exit", shutdown = true }]
    name = "lan"
    startup_delay = "30s"
    announce_repeats = ["3s", "6s"]
    announce_refresh = "1m"

    [[hsrp]]
    interface = "eth0"
    group = 4095
    version = 2
    addresses = ["autoconfig", "2001:db8::1"]
    authentication = "text"
    key = "geheim"
    follow = "lan"
    router_advertisement = true
    router_advertisement_interval = "10s"
    router_lifetime = "30m"
    prefixes = [{ prefix = "2001:db8:1::/64" }]

    [[hsrp]]
    interface = "eth2"
    addresses = []
    family = 4
    use_bia = true
    authentication = "none"

    [[vrrp]]
    interface = "eth0"
    vrid = 10
    addresses = ["198.51.100.1"]
    track = [{ name = "uplink" }]
"#;

#[test]
fn every_key_of_hsrp_is_accepted() {
    let config = Config::parse(EVERYTHING).unwrap();
    assert_eq!(config.remarks, []);
    let ids: Vec<String> = config.groups.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["vrrp eth0 ipv4 10", "hsrp eth0 ipv4 4095", "hsrp eth0 ipv6 4095", "hsrp eth2 ipv4 0"]);
    let groups: Vec<_> = config.groups.values().filter_map(|group| group.hsrp()).collect();
    let settings = groups[0].settings();
    assert_eq!((settings.priority, settings.preempt), (150, true));
    let delays = [settings.preempt_delay_minimum, settings.preempt_delay_reload, settings.preempt_delay_sync];
    assert_eq!(delays.map(|delay| delay.as_secs()), [10, 60, 5]);
    assert_eq!(settings.timers.map(|(hello, hold)| (hello.as_millis(), hold.as_millis())), Some((250, 750)));
    assert_eq!(groups[0].virtual_mac().unwrap().to_string(), "02:00:00:00:00:01");
    let tracks: Vec<_> = settings.track.iter().map(|track| (track.name.as_str(), track.effect)).collect();
    assert_eq!(tracks, [("uplink", TrackEffect::Decrement(60)), ("exit", TrackEffect::Shutdown)]);
    assert_eq!((settings.startup_delay.as_secs(), settings.announce.repeats.len()), (30, 2));
    let objects: Vec<_> = config
        .tracks
        .iter()
        .map(|(name, at)| (name.as_str(), at.as_ref().map(ToString::to_string)))
        .collect();
    assert_eq!(objects, [("exit", None), ("uplink", Some("eth1".to_owned()))]);
}

#[test]
fn key_chains_keep_their_times() {
    let config = Config::parse(EVERYTHING).unwrap();
    let group = config.groups.values().find_map(|group| group.hsrp()).unwrap();
    let HsrpAuthentication::Chain(chain) = &group.settings().authentication else { panic!("no chain") };
    let times: Vec<_> = chain.keys().map(|key| (key.id, key.accept, key.send)).collect();
    // GNU date: `date -ud 2031-01-01 +%s`.
    let at = |seconds| Some(WallTime(seconds));
    let until = |seconds| Lifetime { from: None, until: at(seconds) };
    let from = |seconds| Lifetime { from: at(seconds), until: None };
    assert_eq!(
        times,
        [(1, until(1_924_992_600), until(1_924_992_000)), (2, from(1_924_991_400), from(1_924_992_000)),]
    );
}

#[test]
fn what_hsrp_leaves_out_is_learned_or_the_default() {
    let config = Config::parse(EVERYTHING).unwrap();
    let groups: Vec<_> = config.groups.values().filter_map(|group| group.hsrp()).collect();
    let autoconfigured: Vec<String> = groups[1].addresses().iter().map(ToString::to_string).collect();
    assert_eq!(autoconfigured, ["fe80::5:73ff:fea0:fff", "2001:db8::1"]);
    assert_eq!(groups[1].settings().follow.as_deref(), Some("lan"));
    assert_eq!(groups[1].settings().router_advertisement.as_ref().unwrap().interval.as_secs(), 10);
    let learning = groups[2];
    assert!(learning.addresses().is_empty() && learning.timers().is_none());
    assert_eq!(learning.settings().authentication, HsrpAuthentication::None);
    assert_eq!((learning.virtual_mac(), learning.name().as_ref()), (None, "hsrp-eth2-0"));
    let defaults = Config::parse(HSRP).unwrap();
    let defaults = defaults.groups.values().next().unwrap().hsrp().unwrap().settings();
    assert_eq!((defaults.version, defaults.priority, defaults.preempt), (1, 100, false));
    assert_eq!(defaults.authentication, HsrpAuthentication::default());
    assert_eq!(defaults.router_advertisement, None);
    let ipv6 = Config::parse(&bare("version = 2\nfamily = 6\naddresses = []")).unwrap();
    let ipv6 = ipv6.groups.values().next().unwrap().hsrp().unwrap().settings();
    assert!(ipv6.router_advertisement.is_some());
}

/// As with `standby 1 authentication WORD`.
#[test]
fn an_hsrp_key_alone_is_a_text() {
    let said = |lines: &str| {
        let config = Config::parse(&hsrp(lines)).unwrap();
        config.groups.values().next().unwrap().hsrp().unwrap().settings().authentication.clone()
    };
    assert_eq!(said("key = \"geheim\""), said("authentication = \"text\"\nkey = \"geheim\""));
    assert_ne!(said("key = \"geheim\""), HsrpAuthentication::default());
}

#[test]
fn forwarders_that_do_not_preempt_have_no_delay() {
    for lines in ["forwarder_preempt = false", "forwarder_preempt = false\nforwarder_preempt_delay = \"0s\""]
    {
        let config = Config::parse(&glbp(lines)).unwrap();
        assert!(!config.groups.values().next().unwrap().glbp().unwrap().settings().forwarder_preempt);
    }
}

#[test]
fn the_examples_of_the_readme_are_right() {
    let readme = include_str!("../../../README.md");
    let examples: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        let config = Config::parse(example).unwrap_or_else(|_| panic!("{}", shown(example)));
        assert_eq!((config.groups.len(), config.remarks), (1, Vec::new()), "{example}");
    }
}

#[test]
fn every_key_of_glbp_is_accepted() {
    let source = r#"
        [[track]]
        name = "uplink"

        [[key_chain]]
        name = "lan"
        keys = [{ id = 1, key = "geheim" }]

        [[glbp]]
        interface = "eth0"
        group = 1023
        family = 4
        addresses = ["192.0.2.1", "192.0.2.2"]
        priority = 150
        preempt = true
        preempt_delay = "5s"
        forwarder_preempt = true
        forwarder_preempt_delay = "20s"
        hello_time = "250ms"
        hold_time = "750ms"
        redirect = "5m"
        timeout = "1h"
        weighting = 110
        weighting_lower = 95
        weighting_upper = 105
        load_balancing = "host-dependent"
        authentication = "md5"
        key_chain = "lan"
        client_cache = { maximum = 100, timeout = "30m" }
        track = [{ name = "uplink", decrement = 20 }]
        name = "lan"

        [[glbp]]
        interface = "eth0"
        group = 46
        addresses = ["autoconfig", "2001:db8::1"]
        authentication = "text"
        key = "geheim"
        router_advertisement = true
        router_advertisement_interval = "10s"
        router_lifetime = "30m"
        prefixes = [{ prefix = "2001:db8:1::/64" }]
    "#;
    let config = Config::parse(source).unwrap();
    assert_eq!(config.remarks, []);
    let ids: Vec<String> = config.groups.keys().map(ToString::to_string).collect();
    assert_eq!(ids, ["glbp eth0 ipv4 1023", "glbp eth0 ipv6 46"]);
    let groups: Vec<_> = config.groups.values().filter_map(|group| group.glbp()).collect();
    let settings = groups[0].settings();
    assert_eq!((settings.priority, settings.preempt, settings.forwarder_preempt), (150, true, true));
    let delays =
        [settings.preempt_delay, settings.forwarder_preempt_delay, settings.redirect, settings.timeout];
    assert_eq!(delays.map(|delay| delay.as_secs()), [5, 20, 300, 3600]);
    assert_eq!([settings.hello_time, settings.hold_time].map(|time| time.as_millis()), [250, 750]);
    assert_eq!(
        (settings.weighting, settings.weighting_lower, settings.weighting_upper),
        (110, Some(95), Some(105))
    );
    assert_eq!(settings.load_balancing, LoadBalancing::HostDependent);
    assert!(matches!(settings.authentication, GlbpAuthentication::Chain(_)));
    let cache = ClientCache { maximum: 100, timeout: Some(Duration::from_secs(1800)) };
    assert_eq!((settings.client_cache, &**groups[0].name()), (Some(cache), "lan"));
    assert_eq!(settings.track[0].effect, TrackEffect::Decrement(20));
    // Group 46: captured.
    let made: Vec<String> = groups[1].addresses().iter().map(ToString::to_string).collect();
    assert_eq!(made, ["fe80::7:b4ff:fe00:2e00", "2001:db8::1"]);
    assert!(matches!(groups[1].settings().authentication, GlbpAuthentication::Text(_)));
    assert_eq!(groups[1].settings().router_advertisement.as_ref().unwrap().interval.as_secs(), 10);
}

#[test]
fn what_glbp_leaves_out_is_the_default_of_real_routers() {
    let config = Config::parse(GLBP).unwrap();
    let group = config.groups.values().next().unwrap().glbp().unwrap();
    let new = GlbpSettings::new(InterfaceName::new("eth0"), 1, vec!["192.0.2.1".parse().unwrap()]);
    assert_eq!(group.settings(), &new);
    let ipv6 = Config::parse(&bare_glbp("family = 6\naddresses = []")).unwrap();
    let ipv6 = ipv6.groups.values().next().unwrap().glbp().unwrap().settings();
    assert!(ipv6.router_advertisement.is_some() && ipv6.addresses.is_empty());
    let apart = Config::parse(&format!("{GLBP}{}", bare_glbp("group = 2\naddresses = [\"autoconfig\"]")));
    assert_eq!(apart.unwrap().groups.len(), 2);
}

#[test]
fn the_same_address_on_two_interfaces_is_right() {
    let other = GOOD.replace("eth0", "eth1");
    assert_eq!(Config::parse(&format!("{GOOD}{other}")).unwrap().groups.len(), 2);
}
