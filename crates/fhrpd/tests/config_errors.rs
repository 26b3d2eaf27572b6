//! What an operator reads when a configuration file is wrong. Each text is a reviewed snapshot.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

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
    protocols_of_later_versions: "[[glbp]]\ngroup = 1\n";
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
    daemon_table: "[daemon]\nlog = \"jsn\"\nrealtime = 1\nsocket = \"/run/x\"\nstate_dir = \"\"\n";
    remarks_of_a_right_file: "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"2001:db8::1\"]\npriority = 255\n";
}

#[test]
fn a_key_is_never_shown() {
    for line in ["key = \"a long secret\"", "key=\"a long secret", "  key = 'a long secret'"] {
        let text = shown(&with(&format!("version = 2\nauthentication = \"text\"\n{line}")));
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

#[test]
fn the_same_address_on_two_interfaces_is_right() {
    let other = GOOD.replace("eth0", "eth1");
    assert_eq!(Config::parse(&format!("{GOOD}{other}")).unwrap().groups.len(), 2);
}
