//! How hosts are spread over the routers.

use std::collections::BTreeMap;

use fhrp_lab::{GlbpGroup, Lab, LabOptions, LoadBalancing, World, world};
use fhrp_wire::{Family, MacAddr};

use crate::{Stage, virtual_mac};

const HOSTS: u8 = 8;

fn options(routers: u8) -> LabOptions {
    LabOptions { routers, hosts: HOSTS, ..LabOptions::default() }
}

/// How many hosts use each virtual MAC.
fn shares(told: &[MacAddr]) -> BTreeMap<MacAddr, u8> {
    let mut shares = BTreeMap::new();
    for mac in told {
        *shares.entry(*mac).or_insert(0) += 1;
    }
    shares
}

/// Every host's frames go to the router that owns the MAC which the host was told.
fn assert_carried_by_owners(stage: &Stage, told: &[MacAddr]) {
    let owners = stage.owners();
    for (host, mac) in stage.lab.hosts().iter().zip(told) {
        let carrier = stage.lab.carrier_of(host, 0, stage.address()).unwrap();
        assert_eq!(carrier.as_deref(), Some(owners[mac].as_str()), "{} and {mac}", host.name());
    }
}

fn evenly(world: World, family: Family, routers: u8) {
    let stage = Stage::build(world, &options(routers), &GlbpGroup::new(family, 100));
    let told = stage.resolve_all(stage.lab.hosts().iter());
    let shares = shares(&told);
    println!("{family:?}, {routers} routers: {shares:?}");
    let wanted: Vec<_> = (1..=routers).map(virtual_mac).collect();
    assert_eq!(shares.keys().copied().collect::<Vec<_>>(), wanted, "{}", stage.log_tails());
    let (least, most) = (shares.values().min().unwrap(), shares.values().max().unwrap());
    assert!(most - least <= 1, "{shares:?}");
    assert_carried_by_owners(&stage, &told);
}

#[test]
fn evenly_over_two_routers() {
    let Some(world) = world!() else { return };
    evenly(world, Family::V4, 2);
}

#[test]
fn evenly_over_three_routers_and_ipv6() {
    let Some(world) = world!() else { return };
    evenly(world, Family::V6, 3);
}

#[test]
fn evenly_over_four_routers() {
    let Some(world) = world!() else { return };
    evenly(world, Family::V4, 4);
}

fn in_proportion(world: World, family: Family) {
    const WEIGHTS: [u8; 3] = [120, 60, 20];
    let usual = GlbpGroup { load_balancing: LoadBalancing::Weighted, ..GlbpGroup::new(family, 100) };
    let groups = WEIGHTS.map(|weight| GlbpGroup { weighting: Some(weight), ..usual.clone() });
    let mut stage = Stage::idle(Lab::build(world, &options(3)).unwrap(), &usual);
    stage.start(&groups);
    stage.settle();
    let told = stage.resolve_all(stage.lab.hosts().iter());
    let (shares, owners) = (shares(&told), stage.owners());
    println!("{family:?}: {shares:?} of {owners:?}");
    for (router, weight) in stage.lab.routers().iter().zip(WEIGHTS) {
        let mac = owners.iter().find(|(_, owner)| *owner == router.name()).unwrap().0;
        let (due, got) =
            (f64::from(HOSTS) * f64::from(weight) / 200.0, shares.get(mac).copied().unwrap_or(0));
        assert!((f64::from(got) - due).abs() < 1.0, "{}: {got} hosts where {due} are due", router.name());
    }
    assert_carried_by_owners(&stage, &told);
}

#[test]
fn in_proportion_to_the_weights() {
    let Some(world) = world!() else { return };
    in_proportion(world, Family::V4);
}

#[test]
fn in_proportion_to_the_weights_over_ipv6() {
    let Some(world) = world!() else { return };
    in_proportion(world, Family::V6);
}

/// In any order of asking, and when a router dies; a router that joins gets hosts from all, and nobody else does.
fn by_host(world: World, family: Family) {
    let group = GlbpGroup { load_balancing: LoadBalancing::HostDependent, ..GlbpGroup::new(family, 100) };
    let mut stage = Stage::idle(Lab::build(world, &options(4)).unwrap(), &group);
    stage.start(&vec![group; 3]);
    stage.settle();
    let told = stage.resolve_all(stage.lab.hosts().iter());
    println!("{family:?}: {:?}", shares(&told));
    assert_carried_by_owners(&stage, &told);
    assert_eq!(stage.resolve_all(stage.lab.hosts().iter().rev()), told);

    stage.start(&[stage.group.clone()]);
    stage.settle();
    let with_fourth = stage.resolve_all(stage.lab.hosts().iter());
    println!("with a fourth router: {:?}", shares(&with_fourth));
    for (before, after) in told.iter().zip(&with_fourth) {
        assert!(after == before || *after == virtual_mac(4), "{before} became {after}");
    }
    assert_carried_by_owners(&stage, &with_fourth);

    // Its forwarder goes to another router, and its hosts with it.
    let mark = stage.capture.mark();
    stage.processes[3].kill();
    stage.await_server(mark, 4, "r4");
    assert_eq!(stage.resolve_all(stage.lab.hosts().iter().rev()), with_fourth);
}

#[test]
fn by_host_whatever_else_happens() {
    let Some(world) = world!() else { return };
    by_host(world, Family::V4);
}

#[test]
fn all_to_the_avg_without_balancing() {
    let Some(world) = world!() else { return };
    let group = GlbpGroup { load_balancing: LoadBalancing::None, ..GlbpGroup::new(Family::V4, 100) };
    let stage = Stage::build(world, &options(2), &group);
    let told = stage.resolve_all(stage.lab.hosts().iter());
    let owners = stage.owners();
    assert!(told.iter().all(|mac| owners[mac] == "r1"), "{told:?} of {owners:?}");
    assert_carried_by_owners(&stage, &told);
}
