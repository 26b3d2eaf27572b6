//! GLBP: gateway, forwarders, members and clients.

use fhrp::{Detail, GroupState};
use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, require};
use fhrp_wire::hsrp::Variant;
use fhrpd::report::Report;
use fhrpd::show::{Filter, Format, render};
use serde_json::json;

use crate::groups::{glbp, hsrp, report};
use crate::lines;
use crate::parsers::read;

#[test]
fn details() {
    let text = render(&report(&[glbp("eth0", 10)]), Format::Detail);
    assert_eq!(
        lines(&text)[7..27],
        [
            "  preempt                 yes",
            "  addresses               192.0.2.1",
            "  advertises from         192.0.2.2",
            "  name                    glbp-eth0-10",
            "  authentication          md5",
            "  hello time              3s, next in 1.2s",
            "  hold time               10s",
            "  redirect time           600s",
            "  forwarder timeout       14400s",
            "  load balancing          round-robin",
            "  weighting               100 of 100 (lower 1, upper 100)",
            "  forwarder preempt       yes, after 30s",
            "  owner id                02:00:00:00:00:02",
            "  member                  192.0.2.3, standby, priority 100, owner id 02:00:00:00:00:03, authenticated, heard 1.5s ago, expires in 8.5s",
            "  forwarder 1             active, 00:07:b4:00:0a:01, owned, since 1m00s: it was started",
            "  forwarder 2             listen, 00:07:b4:00:0a:02, of 02:00:00:00:00:03, served by 192.0.2.3 (primary, weighting 90, expires in 8.5s), handed out for 10m00s, forgotten in 4h00m, told to hosts 5 times, since 1m00s: it was started",
            "  forwarder 3             listen, 00:07:b4:00:0a:03, of 02:00:00:00:00:04, served by 192.0.2.3 (secondary, weighting 90, expires in 8.5s), no longer handed out, forgotten in 3h48m, since 1m00s: it was started",
            "  clients                 1 of at most 1000, for 1h00m",
            "  client                  192.0.2.50 on 02:00:00:00:00:50: forwarder 2, 2 answers, last 20.0s ago, first 50.0s ago",
            "  up                      1m00s",
        ]
    );
    assert!(!text.contains("geheim"), "{text}");
}

/// An AVG may be active and of no use to anybody.
#[test]
fn an_avg_without_a_forwarder_to_tell_is_in_trouble() {
    let mut group = glbp("eth0", 10);
    let quiet = render(&report(std::slice::from_ref(&group)), Format::Text);
    let Detail::Glbp(more) = &mut group.detail else { panic!("{group:?}") };
    more.unserved = true;
    let all = report(&[group]);
    let text = render(&all, Format::Text);
    let line = "glbp eth0 ipv4 10: no forwarder can be used: hosts get no answer";
    assert_eq!((text.lines().last(), quiet.contains("no forwarder")), (Some(line), false));
    assert!(render(&all, Format::Detail).contains("no forwarder can be used"));
}

#[test]
fn json_reads_back_beside_hsrp() {
    let all = report(&[glbp("eth0", 10), hsrp("eth0", Variant::V1, 1)]);
    let [hsrp, glbp] = all.groups.as_slice() else { panic!("{all:?}") };
    assert!(hsrp.glbp.is_none() && glbp.hsrp.is_none() && hsrp.hsrp.is_some());
    let more = glbp.glbp.as_ref().unwrap();
    assert_eq!((more.redirect_seconds, more.timeout_seconds), (600.0, 14_400.0));
    assert_eq!((more.members[0].authenticated, more.weighting.lower), (true, 1));
    assert_eq!((more.forwarders[1].selections, more.forwarders[2].redirect_left_seconds), (5, Some(0.0)));
    assert_eq!((more.clients[0].forwarder, more.clients[0].last_seconds_ago), (2, 20.0));
    assert_eq!(glbp.hello.as_ref().unwrap().authentication.as_deref(), Some("md5"));
    assert_eq!(serde_json::from_str::<Report>(&render(&all, Format::Json)).unwrap(), all);
}

#[test]
fn a_gateway_and_its_forwarders_in_the_words_of_others() {
    let text = render(&report(&[glbp("eth0", 10)]), Format::Cisco);
    assert_eq!(
        lines(&text)[..37],
        [
            "eth0 - Group 10",
            "  State is Active",
            "    4 state changes, last state change 00:00:05",
            "  Virtual IP address is 192.0.2.1",
            "  Hello time 3 sec, hold time 10 sec",
            "    Next hello sent in 1.250 secs",
            "  Redirect time 600 sec, forwarder timeout 14400 sec",
            "  Authentication MD5, key-string",
            "  Preemption enabled, min delay 0 sec",
            "  Active is local",
            "  Standby is 192.0.2.3, priority 100 (expires in 8.500 sec)",
            "  Priority 110 (configured)",
            "  Weighting 100 (default 100), thresholds: lower 1, upper 100",
            "  Load balancing: round-robin",
            "  Group members:",
            "    0200.0000.0002 (192.0.2.2) local",
            "    0200.0000.0003 (192.0.2.3) authenticated",
            "  There are 3 forwarders (1 active)",
            "  Forwarder 1",
            "    State is Active",
            "      1 state change, last state change 00:01:00",
            "    MAC address is 0007.b400.0a01 (default)",
            "    Owner ID is 0200.0000.0002",
            "    Redirection enabled",
            "    Preemption enabled, min delay 30 sec",
            "    Active is local, weighting 100",
            "      Client selection count: 0",
            "  Forwarder 2",
            "    State is Listen",
            "      1 state change, last state change 00:01:00",
            "    MAC address is 0007.b400.0a02 (learnt)",
            "    Owner ID is 0200.0000.0003",
            "    Redirection enabled, 600.000 sec remaining (maximum 600 sec)",
            "    Time to live: 14400.000 sec (maximum 14400 sec)",
            "    Preemption enabled, min delay 30 sec",
            "    Active is 192.0.2.3 (primary), weighting 90 (expires in 8.500 sec)",
            "      Client selection count: 5",
        ]
    );
    assert!(text.contains("    Redirection disabled\n"), "{text}");
    // What a host is told is the AVG's to know.
    let mut standby = glbp("eth0", 10);
    standby.state = GroupState::Standby;
    let text = render(&report(&[standby]), Format::Cisco);
    assert!(!text.contains("Redirection") && !text.contains("selection"), "{text}");
}

#[test]
fn genie_reads_gateways_and_forwarders() {
    if !require(test_name!(), &[Need::Parsers]) {
        return;
    }
    let only = Filter { protocol: Some("glbp".to_owned()), ..Filter::default() };
    let all = only.apply(report(&[glbp("eth0.10", 10), hsrp("eth0.10", Variant::V1, 1)]));
    let found = read(&json!({ "genie glbp_brief": render(&all, Format::CiscoBrief) }));
    let row = |pri: &str, state: &str, address: &str, active: &str, standby: &str| {
        json!({
            "grp": "10", "pri": pri, "state": state, "address": address,
            "active_router": active, "standby_router": standby,
        })
    };
    assert_eq!(
        found["genie glbp_brief"]["interfaces"],
        json!({ "eth0.10": { "forwarder": {
            "-": row("110", "Active", "192.0.2.1", "local", "192.0.2.3"),
            "1": row("-", "Active", "0007.b400.0a01", "local", "-"),
            "2": row("-", "Listen", "0007.b400.0a02", "192.0.2.3", "-"),
            "3": row("-", "Listen", "0007.b400.0a03", "192.0.2.3", "-"),
        } } })
    );
}
