//! The public parsers of router output read what fhrpd prints.

use std::io::Write as _;
use std::process::{Command, Stdio};

use fhrp::{GroupState, GroupStatus, HsrpAuthentication, Track, TrackEffect, TrackName, TrackState, Waiting};
use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, parsers, require};
use fhrp_wire::hsrp::{KeyBytes, TextKey, Variant};
use fhrpd::show::{Filter, Format, render};
use serde_json::{Value, json};

use crate::groups::{detail, hsrp, in_state, ip, report, seconds, stopped, vrrp};

/// What the parsers make of `texts`, each named by parser and command.
pub(crate) fn read(texts: &Value) -> Value {
    let mut python = Command::new(parsers().unwrap())
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/show/parsers.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(texts.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "the parsers gave up on {texts:#}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Both formats of those groups that are of `family`, or of any.
fn printed(groups: &[GroupStatus], family: Option<u8>) -> [String; 2] {
    let filter = Filter { family, ..Filter::default() };
    [Format::Cisco, Format::CiscoBrief].map(|format| render(&filter.apply(report(groups)), format))
}

/// A group of each state, with whatever there can be to say.
fn groups() -> Vec<GroupStatus> {
    let mut busy = in_state(hsrp("eth0", Variant::V2Ipv4, 300), GroupState::Standby);
    (busy.preempt_delay, busy.effective_priority) = (seconds(5), 80);
    busy.addresses = [ip("192.0.2.1"), ip("192.0.2.9")].into();
    let uplink = Track { name: TrackName::new("uplink"), effect: TrackEffect::Decrement(30) };
    busy.tracks = vec![(uplink, TrackState::Down)];
    let more = detail(&mut busy);
    more.configured_timers = Some((seconds(1), seconds(4)));
    more.authentication = HsrpAuthentication::Md5(KeyBytes::new("geheim").unwrap());
    more.preempt_delay_reload = seconds(60);
    more.name = "uplinks".into();

    let mut quick = in_state(hsrp("eth2", Variant::V2Ipv4, 7), GroupState::Speak);
    (quick.preempt, quick.priority, quick.effective_priority) = (false, 100, 100);
    let more = detail(&mut quick);
    (more.hello_time, more.hold_time) = (seconds(1) / 4, seconds(3) / 4);
    more.learned_address = true;
    let mut following = in_state(hsrp("eth3", Variant::V1, 8), GroupState::Listen);
    let more = detail(&mut following);
    more.follow = Some("uplinks".into());
    more.authentication = HsrpAuthentication::Text(TextKey::new("geheim").unwrap());

    let mut learning = stopped(hsrp("eth5", Variant::V2Ipv4, 6), GroupState::Learn, Waiting::AddressUnknown);
    learning.addresses = [].into();
    vec![
        vrrp("eth0", 1),
        busy,
        hsrp("eth1", Variant::V1, 1),
        quick,
        following,
        stopped(hsrp("eth4", Variant::V2Ipv4, 5), GroupState::Initial, Waiting::InterfaceDown),
        learning,
    ]
}

/// Active, Standby with and without preemption, and one that stands alone.
fn groups_v6() -> Vec<GroupStatus> {
    let mut meek = in_state(hsrp("eth6", Variant::V2Ipv6, 16), GroupState::Standby);
    meek.preempt = false;
    let mut alone = hsrp("eth9", Variant::V2Ipv6, 16);
    alone.preempt = false;
    alone.addresses = [ip("fe80::1"), ip("2001:db8::1")].into();
    (detail(&mut alone).standby, detail(&mut alone).standby_expires) = (None, None);
    vec![
        meek,
        hsrp("eth7", Variant::V2Ipv6, 16),
        in_state(hsrp("eth8", Variant::V2Ipv6, 16), GroupState::Standby),
        alone,
    ]
}

#[test]
fn ntc_templates_reads_every_ipv4_group() {
    if !require(test_name!(), &[Need::Parsers]) {
        return;
    }
    let all = [groups(), groups_v6()].concat();
    let [full, brief] = printed(&all, Some(4));
    let found = read(&json!({ "ntc standby": full, "ntc standby_brief": brief }));
    let fields = |row: &Value, names: &[&str]| {
        names.iter().map(|name| row[*name].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let rows = found["ntc standby"].as_array().unwrap();
    let who = ["interface", "group", "version", "state", "virtual_ip", "active_router", "standby_router"];
    let read: Vec<String> = rows.iter().map(|row| fields(row, &who)).collect();
    assert_eq!(
        read,
        [
            "eth0 300 2 Standby 192.0.2.1 192.0.2.3 local",
            "eth1 1  Active 192.0.2.1 local 192.0.2.3",
            "eth2 7 2 Speak 192.0.2.1 192.0.2.3 unknown",
            "eth3 8  Listen 192.0.2.1 192.0.2.3 unknown",
            "eth4 5 2 Init 192.0.2.1 unknown unknown",
            "eth5 6 2 Learn unknown unknown unknown",
        ]
    );
    let rest = [
        "state_changes",
        "state_last_change",
        "active_virtual_mac",
        "local_virtual_mac",
        "hello_time",
        "hold_time",
        "authentication",
        "preemption",
        "active_router_priority",
        "active_router_mac",
        "priority",
        "group_name",
        "track_item",
        "track_state",
        "track_decrement_time",
    ];
    assert_eq!(
        fields(&rows[0], &rest),
        "4 00:00:05 0000.0c9f.f12c 0000.0c9f.f12c 3 10 MD5 enabled 120 0200.0000.0003 80 uplinks uplink Down 30"
    );
    assert_eq!(rows[0]["secondary_ips"], json!(["192.0.2.9"]));
    assert_eq!((&rows[2]["preemption"], &rows[2]["hello_time"]), (&json!("disabled"), &json!("250")));
    let rows = found["ntc standby_brief"].as_array().unwrap();
    let columns =
        ["interface", "group", "priority", "preempt", "state", "active", "standby", "virtual_ip_address"];
    let read: Vec<String> = rows.iter().map(|row| fields(row, &columns)).collect();
    assert_eq!(
        read,
        [
            "eth0 300 80 P Standby 192.0.2.3 local 192.0.2.1",
            "eth1 1 110 P Active local 192.0.2.3 192.0.2.1",
            "eth2 7 100   Speak 192.0.2.3 unknown 192.0.2.1",
            "eth3 8 110 P Listen 192.0.2.3 unknown 192.0.2.1",
            "eth4 5 110 P Init unknown unknown 192.0.2.1",
            "eth5 6 110 P Learn unknown unknown unknown",
        ]
    );
}

#[test]
fn genie_reads_groups_of_both_families() {
    if !require(test_name!(), &[Need::Parsers]) {
        return;
    }
    let [full, brief] = printed(&[groups(), groups_v6()].concat(), None);
    let found = read(&json!({ "genie standby": full, "genie standby_brief": brief }));
    let group = |interface: &str, family: &str, version: &str, number: &str| {
        found["genie standby"][interface]["address_family"][family]["version"][version]["groups"][number]
            .clone()
    };
    let busy = group("eth0", "ipv4", "2", "300");
    let expected = json!({
        "group_number": 300,
        "hsrp_router_state": "standby",
        "statistics": { "num_state_changes": 4 },
        "last_state_change": "00:00:05",
        "primary_ipv4_address": { "address": "192.0.2.1" },
        "secondary_ipv4_addresses": { "192.0.2.9": { "address": "192.0.2.9" } },
        "virtual_mac_address": "0000.0c9f.f12c",
        "virtual_mac_address_mac_in_use": false,
        "local_virtual_mac_address": "0000.0c9f.f12c",
        "local_virtual_mac_address_conf": "v2 default",
        "timers": {
            "hello_msec_flag": false, "hello_sec": 3, "hold_msec_flag": false, "hold_sec": 10,
            // Of a configured hello time it keeps the last digit.
            "cfgd_hello_msec": 0, "cfgd_hold_msec": 4000, "next_hello_sent": 1.25,
        },
        "authentication_type": "MD5",
        "preempt": true,
        "preempt_min_delay": 5, "preempt_reload_delay": 60, "preempt_sync_delay": 0,
        "active_router": "192.0.2.3", "active_ip_address": "192.0.2.3",
        "active_router_priority": 120, "active_expires_in": 9.125,
        "standby_router": "local",
        "priority": 80, "configured_priority": 110,
        "session_name": "uplinks",
    });
    assert_eq!(busy, expected);
    let active = group("eth1", "ipv4", "1", "1");
    assert_eq!(
        [&active["hsrp_router_state"], &active["active_router"], &active["standby_ip_address"]],
        ["active", "local", "192.0.2.3"]
    );
    assert_eq!((&active["standby_expires_in"], &active["standby_priority"]), (&json!(8.5), &json!(100)));
    assert_eq!(active["virtual_mac_address_mac_in_use"], true);
    let quick = group("eth2", "ipv4", "2", "7");
    assert_eq!((&quick["timers"]["hello_msec"], &quick["timers"]["hold_msec"]), (&json!(250), &json!(750)));
    assert_eq!(quick["default_priority"], 100);
    assert_eq!(group("eth3", "ipv4", "1", "8")["hsrp_router_state_reason"], "following \"uplinks\"");
    let down = group("eth4", "ipv4", "2", "5");
    assert_eq!(
        [&down["hsrp_router_state"], &down["hsrp_router_state_reason"]],
        ["init", "interface is down"]
    );
    assert_eq!(group("eth5", "ipv4", "2", "6")["primary_ipv4_address"]["address"], "unknown");
    let v6 = group("eth8", "ipv6", "2", "16");
    assert_eq!([&v6["active_ipv6_address"], &v6["virtual_mac_address"]], ["FE80::3", "0005.73a0.0010"]);
    let link_local = json!({ "address": "fe80::5:73ff:fea0:10", "auto_configure": "auto" });
    assert_eq!(v6["link_local_ipv6_address"], link_local);
    let alone = group("eth9", "ipv6", "2", "16");
    assert_eq!(alone["link_local_ipv6_address"], json!({ "address": "fe80::1" }));
    assert_eq!(alone["global_ipv6_addresses"]["2001:db8::1"]["address"], "2001:db8::1");
    brief_of_genie(&found["genie standby_brief"]);
}

fn brief_of_genie(found: &Value) {
    let standby = json!({
        "grp": 300, "priority": 80, "is_preempt_enabled": true, "state": "Standby",
        "active": "192.0.2.3", "standby": "local", "virtual_ip": "192.0.2.1",
    });
    assert_eq!(found["interface"]["eth0"], standby);
    assert_eq!(found["interface"].as_object().unwrap().len(), 6);
    let active = json!({
        "grp": 16, "priority": 110, "is_preempt_enabled": true, "state": "Active",
        "active": "local", "standby": "FE80::3", "virtual_ip": "FE80::5:73FF:FEA0:10",
    });
    let standby = json!({
        "grp": 16, "priority": 110, "state": "Standby",
        "active": "FE80::3", "standby": "local", "virtual_ip": "FE80::5:73FF:FEA0:10",
    });
    // It has no form for those of eth8 and eth9, and must not take them for something else.
    assert_eq!(found["ipv6_interface"], json!({ "eth6": standby, "eth7": active }));
}
