use std::{path::Path, time::Duration};

use super::*;

#[test]
fn fhrpd_is_told_in_toml() {
    let mut group = GroupSpec::new(Family::V4, 200);
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
    let mut group = GroupSpec::new(Family::V6, 100);
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
    assert_eq!(Daemon::frr().configuration(&[GroupSpec::new(Family::V4, 100)], Path::new("/")), expected);
}

#[test]
fn what_a_daemon_cannot_do_is_said() {
    let version_2 = GroupSpec { version: VrrpVersion::V2, ..GroupSpec::new(Family::V4, 100) };
    assert_eq!(Daemon::keepalived().unsupported(&version_2), Some("VRRPv2 counts in whole seconds"));
    let seconds = GroupSpec { advertisement_interval: Duration::from_secs(1), ..version_2 };
    assert_eq!(Daemon::keepalived().unsupported(&seconds), None);
    let keyed = GroupSpec { text_key: Some("secret".to_owned()), ..seconds };
    assert_eq!(Daemon::keepalived().unsupported(&keyed), None);
    assert_eq!(Daemon::frr().unsupported(&keyed), Some("it has no authentication"));
}
