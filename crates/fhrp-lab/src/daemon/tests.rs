use std::{path::Path, time::Duration};

use super::*;
use crate::group::{Authentication, GlbpGroup, HsrpGroup, HsrpVersion, LoadBalancing, Timers, VrrpVersion};

#[test]
fn fhrpd_is_told_in_toml() {
    let mut group = VrrpGroup::new(Family::V4, 200);
    group.checksum = Some("rfc5798");
    let expected = r#"[daemon]
control_socket = "/run/lab/r1/fhrpd.sock"
state_dir = "/run/lab/r1/state"

[[vrrp]]
interface = "lan0"
vrid = 1
version = 3
addresses = ["192.0.2.1"]
priority = 200
advertisement_interval = "100ms"
preempt = true
accept_mode = false
virtual_mac = true
checksum = "rfc5798"
"#;
    assert_eq!(Daemon::fhrpd("fhrpd").configuration(&[group], Path::new("/run/lab/r1")), expected);
}

#[test]
fn keepalived_is_told_in_blocks() {
    let mut group = VrrpGroup::new(Family::V6, 100);
    group.preempt = false;
    let expected = "global_defs {
  router_id lab
}
vrrp_instance lan0_1_6 {
  version 3
  interface lan0
  virtual_router_id 1
  priority 100
  advert_int 0.1
  use_vmac ka6-lan0-1
  nopreempt
  virtual_ipaddress {
    fe80::5e00:2:1/64
  }
}
";
    assert_eq!(Daemon::keepalived().configuration(&[group], Path::new("/")), expected);
}

#[test]
fn frr_is_told_in_lines() {
    let expected = "interface lan0
 vrrp 1 version 3
 vrrp 1 priority 100
 vrrp 1 advertisement-interval 100
 vrrp 1 ip 192.0.2.1
exit
";
    assert_eq!(Daemon::frr().configuration(&[VrrpGroup::new(Family::V4, 100)], Path::new("/")), expected);
}

#[test]
fn what_a_daemon_cannot_do_is_said() {
    let keepalived = |group: &VrrpGroup| Daemon::keepalived().unsupported(&group.clone().into());
    let version_2 = VrrpGroup { version: VrrpVersion::V2, ..VrrpGroup::new(Family::V4, 100) };
    assert_eq!(keepalived(&version_2), Some("VRRPv2 counts in whole seconds"));
    let seconds = VrrpGroup { advertisement_interval: Duration::from_secs(1), ..version_2 };
    assert_eq!(keepalived(&seconds), None);
    let keyed = VrrpGroup { text_key: Some("secret".to_owned()), ..seconds };
    assert_eq!(keepalived(&keyed), None);
    assert_eq!(Daemon::frr().unsupported(&keyed.into()), Some("it has no authentication"));
}

#[test]
fn peers_speak_vrrp_only() {
    let hsrp: Group = HsrpGroup::new(HsrpVersion::V2, Family::V4, 100).into();
    let glbp: Group = GlbpGroup::new(Family::V4, 100).into();
    for group in [hsrp, glbp] {
        for peer in [Daemon::keepalived(), Daemon::frr()] {
            assert_eq!(peer.unsupported(&group), Some("it speaks VRRP only"));
        }
        assert_eq!(Daemon::fhrpd("fhrpd").unsupported(&group), None);
    }
    let quick = HsrpGroup { timers: Timers::QUICK, ..HsrpGroup::new(HsrpVersion::V1, Family::V4, 100) };
    let why = Daemon::fhrpd("fhrpd").unsupported(&quick.into());
    assert_eq!(why, Some("HSRP version 1 counts in whole seconds"));
}

/// What fhrpd is told behind the table `[daemon]`.
fn told(groups: &[Group]) -> String {
    let text = Daemon::fhrpd("fhrpd").configuration(groups, Path::new("/run/lab/r1"));
    let (_, groups) = text.split_once("state\"\n").unwrap();
    groups.to_owned()
}

#[test]
fn fhrpd_is_told_of_hsrp() {
    let group = HsrpGroup {
        authentication: Authentication::Md5("k3y".to_owned()),
        ..HsrpGroup::new(HsrpVersion::V2, Family::V6, 110)
    };
    let expected = r#"
[[hsrp]]
interface = "lan0"
group = 1
version = 2
addresses = ["fe80::5:73ff:fea0:1"]
priority = 110
preempt = true
hello_time = "250ms"
hold_time = "750ms"
virtual_mac = true
authentication = "md5"
key = "k3y"
"#;
    assert_eq!(told(&[group.into()]), expected);
}

#[test]
fn fhrpd_is_told_of_glbp_and_of_each_key_chain_once() {
    let chain = Authentication::KeyChain {
        name: "keys".to_owned(),
        keys: vec![(1, "one".to_owned()), (2, "two".to_owned())],
    };
    let hsrp =
        HsrpGroup { authentication: chain.clone(), ..HsrpGroup::new(HsrpVersion::V1, Family::V4, 100) };
    let glbp = GlbpGroup {
        authentication: chain,
        weighting: Some(80),
        forwarder_preempt_delay: Some(Duration::from_secs(2)),
        load_balancing: LoadBalancing::Weighted,
        extra: vec!["timeout = \"2h\"".to_owned()],
        ..GlbpGroup::new(Family::V4, 100)
    };
    let expected = r#"
[[key_chain]]
name = "keys"
keys = [{ id = 1, key = "one" }, { id = 2, key = "two" }]

[[hsrp]]
interface = "lan0"
group = 1
version = 1
addresses = ["192.0.2.1"]
priority = 100
preempt = true
hello_time = "1000ms"
hold_time = "3000ms"
virtual_mac = true
authentication = "md5"
key_chain = "keys"

[[glbp]]
interface = "lan0"
group = 1
addresses = ["192.0.2.1"]
priority = 100
preempt = true
hello_time = "250ms"
hold_time = "750ms"
forwarder_preempt_delay = "2000ms"
weighting = 80
load_balancing = "weighted"
authentication = "md5"
key_chain = "keys"
timeout = "2h"
"#;
    assert_eq!(told(&[hsrp.into(), glbp.into()]), expected);
}
