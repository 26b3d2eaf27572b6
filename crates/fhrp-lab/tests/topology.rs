//! The topology stands, and nothing is left of it.

use std::{fs, process::Command};

use fhrp_lab::{Lab, LabOptions, ReversePathFilter, lan_port, upstream_address, world};
use fhrp_wire::Family;

#[test]
fn a_host_reaches_upstream_through_a_router_and_nothing_is_left() {
    let Some(world) = world!() else { return };
    let options =
        LabOptions { routers: 3, hosts: 2, lans: 2, rp_filter: ReversePathFilter::Loose, mtu: 1400 };
    let lab = Lab::build(world, &options).unwrap();
    let (router, host) = (lab.router(2).unwrap(), lab.host(1).unwrap());
    for family in [Family::V4, Family::V6] {
        lab.use_gateway(router.lan_address(0, family), 0).unwrap();
        let to = upstream_address(family).to_string();
        let printed = host.namespace().query("ping", &["-c1", "-W2", &to]).unwrap();
        assert!(printed.contains("1 received"), "{printed}");
    }
    assert_eq!(router.namespace().setting("ipv4/conf/all/rp_filter").unwrap(), "2");
    let port = lab.switch().query("ip", &["link", "show", &lan_port("r2", 1)]).unwrap();
    assert!(port.contains("mtu 1400") && port.contains("master lan1"), "{port}");
    drop(lab);
    let names: Vec<_> = fs::read_dir("/run/netns").unwrap().collect();
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn a_failed_command_names_its_line() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let error = lab.switch().ip(["link set lo up", "link set dev nothing up"]).unwrap_err();
    assert!(error.to_string().contains("(link set dev nothing up)"), "{error}");
}

#[test]
fn a_world_is_private() {
    let Some(_world) = world!() else { return };
    assert_eq!(std::process::id(), 1);
    let links = Command::new("ip").args(["-brief", "link"]).output().unwrap();
    assert_eq!(String::from_utf8(links.stdout).unwrap().lines().count(), 1, "the loopback interface alone");
    assert_eq!(fs::read_dir("/run/netns").unwrap().count(), 0);
}
