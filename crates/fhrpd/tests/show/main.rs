//! What operators read, and what programs read that were made for routers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod glbp;
mod groups;
mod parsers;

use fhrp::{
    GroupState, HsrpAuthentication, KeyChain, Lifetime, Track, TrackEffect, TrackName, TrackState, Waiting,
};
use fhrp_wire::hsrp::{KeyBytes, TextKey, Variant};
use fhrpd::report::Report;
use fhrpd::show::{Filter, Format, render};
use groups::{detail, hsrp, in_state, report, seconds, stopped, vrrp};

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn the_table_has_a_standby_column_for_protocols_that_know_one() {
    let mut tracked = in_state(hsrp("eth0", Variant::V1, 2), GroupState::Standby);
    tracked.effective_priority = 80;
    let learning = stopped(hsrp("eth1", Variant::V2Ipv6, 16), GroupState::Learn, Waiting::AddressUnknown);
    let all = report(&[vrrp("eth2", 7), learning, tracked, hsrp("eth0", Variant::V1, 1)]);
    assert_eq!(
        lines(&render(&all, Format::Text)),
        [
            "PROTOCOL  INTERFACE  FAMILY  GROUP  STATE    PRIORITY  ACTIVE ROUTER  STANDBY ROUTER  SINCE  ADDRESSES",
            "hsrp      eth0       ipv4    1      active   110       this router    192.0.2.3       5.0s   192.0.2.1",
            "hsrp      eth0       ipv4    2      standby  110/80    192.0.2.3      this router     5.0s   192.0.2.1",
            "hsrp      eth1       ipv6    16     learn    110       -              -               5.0s   fe80::5:73ff:fea0:10",
            "vrrp      eth2       ipv4    7      backup   110       192.0.2.3      -               5.0s   192.0.2.1",
            "hsrp eth1 ipv6 16: waits: no Active router has said the virtual address yet",
        ]
    );
    let without = render(&report(&[vrrp("eth2", 7)]), Format::Text);
    assert!(!without.contains("STANDBY"), "{without}");
    assert_eq!(render(&Report::default(), Format::Text), "no group\n");
}

#[test]
fn details_of_hsrp() {
    let mut group = in_state(hsrp("eth0", Variant::V2Ipv4, 300), GroupState::Standby);
    (group.preempt_delay, group.effective_priority) = (seconds(5), 80);
    group.tracks = vec![
        (Track { name: TrackName::new("uplink"), effect: TrackEffect::Decrement(30) }, TrackState::Down),
        (Track { name: TrackName::new("power"), effect: TrackEffect::Shutdown }, TrackState::Up),
    ];
    let key = fhrp::ChainKey {
        id: 1,
        key: KeyBytes::new("geheim").unwrap(),
        accept: Lifetime::default(),
        send: Lifetime::default(),
    };
    let more = detail(&mut group);
    more.configured_timers = Some((seconds(1), seconds(10)));
    more.authentication = HsrpAuthentication::Chain(KeyChain::new("ring", vec![key]).unwrap());
    more.preempt_delay_reload = seconds(60);
    more.learned_address = true;
    more.follow = Some("uplinks".into());
    assert_eq!(
        lines(&render(&report(&[group]), Format::Detail)),
        [
            "hsrp eth0 ipv4 300",
            "  state                   standby, since 5.0s: no active router was heard",
            "  state changes           4",
            "  version                 2",
            "  active router           192.0.2.3, priority 120, expires in 9.1s",
            "  standby router          this router",
            "  priority                110 (effective 80)",
            "  track                   uplink is down, decrement 30",
            "  track                   power is up, stops the group when down",
            "  preempt                 yes, after 5s, after a reload 60s",
            "  addresses               192.0.2.1 (learned)",
            "  virtual mac             00:00:0c:9f:f1:2c",
            "  advertises from         192.0.2.2",
            "  name                    hsrp-eth0-300",
            "  authentication          md5, key chain ring",
            "  hello time              3s (configured 1s), next in 1.2s",
            "  hold time               10s",
            "  follows                 uplinks",
            "  up                      1m00s",
            "  peer                    192.0.2.3, active, priority 120, version 2, every 3s, good for 10s, on 02:00:00:00:00:03, heard 1.5s ago",
            "  counters                active-transitions 1",
            "                          hello-rcvd 7",
            "",
        ]
    );
}

#[test]
fn json_has_what_each_protocol_has() {
    let both = report(&[vrrp("eth1", 7), hsrp("eth0", Variant::V2Ipv6, 16)]);
    let [six, seven] = both.groups.as_slice() else { panic!("{both:?}") };
    assert!(six.vrrp.is_none() && seven.hello.is_none() && seven.vrrp.is_some());
    let more = six.hello.as_ref().unwrap();
    assert_eq!((six.standby, more.standby_priority), (Some(groups::ip("fe80::3")), Some(100)));
    assert_eq!(
        (more.hello_time_ms, more.hold_time_ms, more.configured_hello_time_ms),
        (3000.0, 10_000.0, None)
    );
    assert_eq!((more.next_hello_seconds, more.standby_expires_seconds), (Some(1.25), Some(8.5)));
    assert_eq!((more.active_expires_seconds, more.authentication.as_deref()), (None, None));
    assert_eq!(six.peers[0].mac.as_deref(), Some("02:00:00:00:00:03"));
    let text = render(&both, Format::Json);
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), both);
}

#[test]
fn keys_are_not_told() {
    let kinds = [
        (HsrpAuthentication::None, Some("none"), "  Authentication none"),
        (HsrpAuthentication::Text(TextKey::new("geheim").unwrap()), Some("text"), "  Authentication text"),
        (
            HsrpAuthentication::Md5(KeyBytes::new("geheim").unwrap()),
            Some("md5"),
            "  Authentication MD5, key-string",
        ),
    ];
    for (kind, told, line) in kinds {
        let mut group = hsrp("eth0", Variant::V1, 1);
        detail(&mut group).authentication = kind;
        let report = report(&[group]);
        assert_eq!(report.groups[0].hello.as_ref().unwrap().authentication.as_deref(), told);
        let cisco = render(&report, Format::Cisco);
        assert!(lines(&cisco).contains(&line), "{cisco}");
        for format in [Format::Json, Format::Detail, Format::Cisco] {
            assert!(!render(&report, format).contains("geheim"), "{format:?}");
        }
    }
}

#[test]
fn a_group_in_the_words_of_others() {
    let all = report(&[hsrp("eth0", Variant::V1, 1), vrrp("eth1", 7)]);
    assert_eq!(
        lines(&render(&all, Format::Cisco)),
        [
            "eth0 - Group 1",
            "  State is Active",
            "    4 state changes, last state change 00:00:05",
            "  Virtual IP address is 192.0.2.1",
            "  Active virtual MAC address is 0000.0c07.ac01 (MAC In Use)",
            "    Local virtual MAC address is 0000.0c07.ac01 (v1 default)",
            "  Hello time 3 sec, hold time 10 sec",
            "    Next hello sent in 1.250 secs",
            "  Preemption enabled",
            "  Active router is local",
            "  Standby router is 192.0.2.3, priority 100 (expires in 8.500 sec)",
            "  Priority 110 (configured 110)",
            "  Group name is \"hsrp-eth0-1\" (default)",
        ]
    );
    assert_eq!(
        lines(&render(&all, Format::CiscoBrief)),
        [
            "Interface  Grp  Pri  P  State   Active  Standby    Virtual IP",
            "eth0       1    110  P  Active  local   192.0.2.3  192.0.2.1",
        ]
    );
    let foreign = report(&[vrrp("eth1", 7)]);
    assert_eq!([Format::Cisco, Format::CiscoBrief].map(|format| render(&foreign, format)), ["", ""]);
}

#[test]
fn nobody_does_not_expire() {
    let mut alone = in_state(hsrp("eth0", Variant::V2Ipv6, 16), GroupState::Speak);
    detail(&mut alone).standby_expires = Some(groups::at(2_000));
    let alone = report(&[alone]);
    let text = render(&alone, Format::Detail);
    assert!(lines(&text).contains(&"  standby router          -"), "{text}");
    let text = render(&alone, Format::Cisco);
    assert!(lines(&text).contains(&"  Standby router is unknown"), "{text}");
    assert!(text.ends_with("  Group name is \"hsrp-eth0-16-V6\" (default)\n"), "{text}");
}

#[test]
fn the_virtual_mac_says_where_it_is_from() {
    let mac = |change: &dyn Fn(&mut fhrp::GroupStatus)| {
        let mut group = in_state(hsrp("eth0", Variant::V2Ipv4, 1), GroupState::Listen);
        change(&mut group);
        let text = render(&report(&[group]), Format::Cisco);
        lines(&text)[4..6].join("")
    };
    let own = mac(&|group| group.virtual_mac = Some(fhrp::MacAddr([2, 0, 0, 0, 0, 9])));
    assert!(own.ends_with("is 0200.0000.0009 (cfgd)"), "{own}");
    // Of an Active router whose hellos name its interface that is what hosts use.
    let bia = mac(&|group| group.virtual_mac = None);
    assert!(bia.contains("is 0200.0000.0003 (MAC Not In Use)"), "{bia}");
    assert!(bia.ends_with("is 0200.0000.0002 (bia)"), "{bia}");
    let active = mac(&|group| (group.virtual_mac, group.state) = (None, GroupState::Active));
    assert!(active.contains("is 0200.0000.0002 (MAC In Use)"), "{active}");
}

#[test]
fn a_filter_keeps_what_fits_all_of_it() {
    let all =
        [hsrp("eth0", Variant::V1, 1), hsrp("eth0", Variant::V2Ipv6, 1), vrrp("eth0", 1), vrrp("eth1", 1)];
    let kept = |filter: Filter| filter.apply(report(&all)).groups.len();
    assert_eq!(kept(Filter::default()), 4);
    assert_eq!(kept(Filter { protocol: Some("hsrp".to_owned()), ..Filter::default() }), 2);
    assert_eq!(kept(Filter { family: Some(6), ..Filter::default() }), 1);
    let one =
        Filter { interface: Some("eth0".to_owned()), protocol: Some("vrrp".to_owned()), ..Filter::default() };
    assert_eq!(kept(Filter { group: Some(1), ..one.clone() }), 1);
    assert_eq!(kept(Filter { group: Some(2), ..one }), 0);
}
