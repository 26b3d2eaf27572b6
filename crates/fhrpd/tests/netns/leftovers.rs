//! What the daemon leaves in the system: nothing, or nothing for long.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Output},
    thread,
};

use fhrp_lab::{
    Capture, CaptureScope, Inventory, Lab, LabOptions, Node, RouterProcess, Stamp, VrrpGroup, World,
    lan_address, virtual_address, world,
};
use fhrp_wire::Family;

use crate::{LOOK, SOON, advertised, await_state, fhrpd};

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
    let groups = [Family::V4, Family::V6].map(|family| VrrpGroup::new(family, 200));
    let process = fhrpd().start(router, &groups).unwrap();
    for group in &groups {
        assert!(advertised(&capture, 0, "r1", group, 3), "{group:?}{}", process.log_tail());
    }
    await_state(router, "active", groups.len());
    let held = changes(router, &before);
    for group in &groups {
        let address = group.addresses[0].to_string();
        assert!(held.iter().any(|line| line.starts_with("+ address") && line.contains(&address)), "{held:?}");
    }
    Stage { lab, before, process }
}

fn changes(router: &Node, before: &Inventory) -> Vec<String> {
    router.namespace().inventory().unwrap().changes_since(before)
}

/// Waits until all is as it was: nothing on the wire tells when a daemon has tidied up.
fn await_inventory(router: &Node, wanted: &Inventory) {
    let end = Stamp::now().after(SOON);
    loop {
        let left = changes(router, wanted);
        if left.is_empty() {
            return;
        }
        assert!(Stamp::now() < end, "{left:#?}");
        thread::sleep(LOOK);
    }
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
    let output = cleanup(router, ["--config".as_ref(), file.as_path()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(changes(router, &before), Vec::<String>::new(), "{output:?}");
}

/// What `fhrpd cleanup` says in the namespace of a node.
fn cleanup(node: &Node, arguments: [&Path; 2]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    node.namespace().output(command.arg("cleanup").args(arguments)).unwrap()
}

#[test]
fn cleanup_in_the_wrong_place_is_told_and_loses_nothing() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.kill();
    let (router, host) = (lab.router(1).unwrap(), lab.host(1).unwrap());
    let file = fhrpd().configuration_path(router);
    let named = ["--config".as_ref(), file.as_path()];
    let typo = router.work_dir().join("typo");
    let misspelt = ["--state-dir".as_ref(), typo.as_path()];
    for (node, arguments, told) in
        [(host, named, "is of another network namespace"), (router, misspelt, "no such state directory")]
    {
        let output = cleanup(node, arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    assert!(!typo.exists());
    let output = cleanup(router, named);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(changes(router, &before), Vec::<String>::new(), "{output:?}");
    let output = cleanup(host, named);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "nothing was left\n", "{output:?}");
}

#[test]
fn nothing_of_groups_that_were_all_removed_while_the_daemon_was_dead() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.kill();
    let router = lab.router(1).unwrap();
    let mut process = fhrpd().start::<VrrpGroup>(router, &[]).unwrap();
    await_inventory(router, &before);
    assert!(process.alive(), "{}", process.log_tail());
}

/// What others have made: nobody's business but theirs, however much it looks like ours.
fn furnish(router: &Node) {
    router
        .namespace()
        .ip([
            "link add name other0 link lan0 type macvlan mode bridge",
            "link set dev other0 address 00:00:5e:00:01:63",
            "addr add 192.0.2.99/32 dev other0",
            "link set dev other0 up",
            "addr add 192.0.2.98/32 dev lan0",
            "addr add fe80::5e00:2:63/64 dev lan0 nodad",
            "route add 198.18.99.0/24 dev lan0",
        ])
        .unwrap();
}

/// A group of its own VRID and address.
fn group(family: Family, vrid: u8) -> VrrpGroup {
    let address = match family {
        Family::V4 => lan_address(0, family, vrid),
        Family::V6 => virtual_address(0, family, vrid),
    };
    VrrpGroup { vrid, addresses: vec![address], ..VrrpGroup::new(family, 200) }
}

/// The number of each link: one made anew has another.
fn link_numbers(router: &Node) -> BTreeMap<String, String> {
    let text = router.namespace().query("ip", &["-oneline", "link"]).unwrap();
    let links = text.lines().filter_map(|line| line.split_once(": "));
    let named = links.filter_map(|(number, rest)| Some((rest.split_once(['@', ':'])?.0, number)));
    named.map(|(name, number)| (name.to_owned(), number.to_owned())).collect()
}

#[test]
fn nothing_of_one_group_that_was_removed_while_the_daemon_was_dead_and_all_of_the_other() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
    let router = lab.router(1).unwrap();
    furnish(router);
    let plain = |vrid| VrrpGroup { virtual_mac: false, ..group(Family::V4, vrid) };
    let kept = [group(Family::V4, 1), group(Family::V6, 1), plain(3)];
    let removed = [group(Family::V4, 2), group(Family::V6, 2), plain(4)];
    let all = [kept.clone(), removed].concat();

    let mut process = fhrpd().start(router, &kept).unwrap();
    await_state(router, "active", kept.len());
    let (with_kept, kept_links) = (router.namespace().inventory().unwrap(), link_numbers(router));
    fhrpd().write_configuration(router, &fhrpd().configuration(&all, &router.work_dir())).unwrap();
    process.reload();
    await_state(router, "active", all.len());
    let added = changes(router, &with_kept);
    for address in ["192.0.2.2/32", "fe80::5e00:2:2/64", "192.0.2.4/32"] {
        assert!(added.iter().any(|line| line.contains(address)), "{address}: {added:#?}");
    }

    process.kill();
    let process = fhrpd().start(router, &kept).unwrap();
    await_state(router, "active", kept.len());
    await_inventory(router, &with_kept);
    assert_eq!(link_numbers(router), kept_links, "{}", process.log_tail());
}
