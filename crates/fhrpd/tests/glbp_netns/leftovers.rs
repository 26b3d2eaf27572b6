//! What the daemon leaves in the system: nothing.

use std::process::Command;

use fhrp_lab::{GlbpGroup, Inventory, Lab, LabOptions, Node, World, world};
use fhrp_wire::Family;

use crate::{SOON, Stage, fhrpd, own_forwarder, show, wait_for};

/// One of each family.
fn groups() -> [GlbpGroup; 2] {
    let other = |family| GlbpGroup {
        group: 2,
        addresses: vec![GlbpGroup::usual_address(family, 2)],
        ..GlbpGroup::new(family, 100)
    };
    [GlbpGroup::new(Family::V4, 100), other(Family::V6)]
}

/// A router that serves both groups alone, and what was there before.
fn serving(world: World) -> (Stage, Inventory) {
    let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
    let mut stage = Stage::idle(lab, &groups()[0]);
    let router = stage.lab.router(1).unwrap();
    let before = router.namespace().inventory().unwrap();
    stage.processes.push(fhrpd().start(router, &groups()).unwrap());
    wait_for("forwarders of both groups", || {
        let groups = show(router)?.groups;
        (groups.iter().filter_map(own_forwarder).count() == 2).then_some(())
    });
    for address in groups().map(|group| group.addresses[0]) {
        assert!(stage.lab.host(1).unwrap().pings(address).unwrap(), "{address}");
    }
    assert_ne!(changes(router, &before), Vec::<String>::new());
    (stage, before)
}

fn changes(router: &Node, before: &Inventory) -> Vec<String> {
    router.namespace().inventory().unwrap().changes_since(before)
}

#[test]
fn nothing_after_stop() {
    let Some(world) = world!() else { return };
    let (mut stage, before) = serving(world);
    stage.processes[0].stop();
    assert!(stage.processes[0].wait(SOON).unwrap().success());
    assert_eq!(changes(stage.lab.router(1).unwrap(), &before), Vec::<String>::new());
}

#[test]
fn nothing_after_a_kill_and_cleanup() {
    let Some(world) = world!() else { return };
    let (mut stage, before) = serving(world);
    stage.processes[0].kill();
    let router = stage.lab.router(1).unwrap();
    assert_ne!(changes(router, &before), Vec::<String>::new());
    let file = fhrpd().configuration_path(router);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    let output = router.namespace().output(command.arg("cleanup").arg("--config").arg(file)).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(changes(router, &before), Vec::<String>::new(), "{output:?}");
}

#[test]
fn nothing_of_groups_that_were_removed_while_the_daemon_was_dead() {
    let Some(world) = world!() else { return };
    let (mut stage, before) = serving(world);
    stage.processes[0].kill();
    let router = stage.lab.router(1).unwrap();
    stage.processes[0] = fhrpd().start::<GlbpGroup>(router, &[]).unwrap();
    wait_for("the system as it was", || changes(router, &before).is_empty().then_some(()));
    assert!(stage.processes[0].alive(), "{}", stage.log_tails());
}
