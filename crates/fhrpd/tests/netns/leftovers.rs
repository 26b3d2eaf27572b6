//! What the daemon leaves in the system: nothing, or nothing for long.

use std::{process::Command, thread, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, GroupSpec, Inventory, Lab, LabOptions, Node, RouterProcess, World, world,
};
use fhrp_wire::Family;

use crate::{SOON, advertised, fhrpd};

struct Stage {
    lab: Lab,
    before: Inventory,
    process: RouterProcess,
}

/// One router that is Active for an IPv4 and an IPv6 group.
fn active(world: World) -> Stage {
    let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let router = lab.router(1).unwrap();
    let before = router.namespace().inventory().unwrap();
    let groups = [Family::V4, Family::V6].map(|family| GroupSpec::new(family, 200));
    let process = fhrpd().start(router, &groups).unwrap();
    assert!(advertised(&capture, 0, "r1", 8), "{}", process.log_tail());
    assert_ne!(changes(router, &before), Vec::<String>::new(), "an Active router holds something");
    Stage { lab, before, process }
}

fn changes(router: &Node, before: &Inventory) -> Vec<String> {
    router.namespace().inventory().unwrap().changes_since(before)
}

#[test]
fn nothing_after_stop() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.stop();
    assert!(process.wait(SOON).unwrap().success());
    assert_eq!(changes(lab.router(1).unwrap(), &before), Vec::<String>::new());
}

#[test]
fn nothing_after_a_kill_and_cleanup() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.kill();
    let router = lab.router(1).unwrap();
    assert_ne!(changes(router, &before), Vec::<String>::new());
    let file = fhrpd().configuration_path(router);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    let output = router.namespace().output(command.arg("cleanup").arg("--config").arg(file)).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(changes(router, &before), Vec::<String>::new(), "{output:?}");
}

#[test]
fn nothing_of_a_group_that_was_removed_while_the_daemon_was_dead() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.kill();
    let router = lab.router(1).unwrap();
    let mut process = fhrpd().start(router, &[]).unwrap();
    // Nothing on the wire tells when it has tidied up.
    for _ in 0..100 {
        if changes(router, &before).is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(changes(router, &before), Vec::<String>::new(), "{}", process.log_tail());
    assert!(process.alive(), "{}", process.log_tail());
}
