//! What the daemon leaves in the system: nothing, or nothing for long.

use std::{collections::BTreeMap, process::Command};

use fhrp_lab::{
    HsrpGroup, HsrpVersion, Inventory, Lab, LabOptions, Node, RouterProcess, World, lan_address,
    lan_interface, world,
};
use fhrp_wire::Family;

use crate::{await_state, fhrpd, wait_for};

/// A group of its own number and address.
fn group(version: HsrpVersion, family: Family, number: u8) -> HsrpGroup {
    let address = match family {
        Family::V4 => lan_address(0, family, number),
        Family::V6 => HsrpGroup::usual_address(family, number.into()),
    };
    HsrpGroup { group: number.into(), addresses: vec![address], ..HsrpGroup::new(version, family, 200) }
}

/// The same with the interface's own MAC address.
fn bia(group: HsrpGroup) -> HsrpGroup {
    HsrpGroup { virtual_mac: false, ..group }
}

/// Every kind of group; an interface has one version.
fn groups() -> [HsrpGroup; 5] {
    use Family::{V4, V6};
    let old = HsrpGroup {
        interface: lan_interface(1),
        addresses: vec![lan_address(1, V4, 1)],
        ..group(HsrpVersion::V1, V4, 1)
    };
    let chosen = HsrpGroup {
        extra: vec!["mac_address = \"02:00:a2:11:22:33\"".to_owned()],
        ..group(HsrpVersion::V2, V4, 5)
    };
    [
        old,
        group(HsrpVersion::V2, V4, 2),
        group(HsrpVersion::V2, V6, 3),
        bia(group(HsrpVersion::V2, V4, 4)),
        chosen,
    ]
}

struct Stage {
    lab: Lab,
    before: Inventory,
    process: RouterProcess,
}

/// One router that is Active for all of them.
fn active(world: World) -> Stage {
    let lab = Lab::build(world, &LabOptions { routers: 1, lans: 2, ..LabOptions::default() }).unwrap();
    let router = lab.router(1).unwrap();
    let before = settled(router);
    let process = fhrpd().start(router, &groups()).unwrap();
    await_state(router, "active", groups().len());
    let held = changes(router, &before);
    for group in groups() {
        let address = format!(" {}/", group.addresses[0]);
        assert!(held.iter().any(|line| line.starts_with("+ address") && line.contains(&address)), "{held:?}");
    }
    Stage { lab, before, process }
}

/// What a router has, once the kernel has finished with its addresses: it joins their groups a moment later.
fn settled(router: &Node) -> Inventory {
    wait_for("the solicited-node groups", || {
        let inventory = router.namespace().inventory().unwrap();
        let joined = inventory.lines().iter().filter(|line| line.contains(" link 33:33:ff:00:00:0b"));
        // lan0, lan1 and up0.
        (joined.count() == 3).then_some(inventory)
    })
}

fn changes(router: &Node, before: &Inventory) -> Vec<String> {
    router.namespace().inventory().unwrap().changes_since(before)
}

/// Waits until all is as it was: nothing on the wire tells when a daemon has tidied up.
fn await_inventory(router: &Node, wanted: &Inventory) {
    let mut left = Vec::new();
    wait_for("the system as it was", || {
        let now = changes(router, wanted);
        if now != left {
            println!("{now:#?}");
            left = now;
        }
        left.is_empty().then_some(())
    });
}

#[test]
fn nothing_after_stop() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.stop();
    assert!(process.wait(crate::SOON).unwrap().success());
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
fn nothing_of_groups_that_were_all_removed_while_the_daemon_was_dead() {
    let Some(world) = world!() else { return };
    let Stage { lab, before, mut process } = active(world);
    process.kill();
    let router = lab.router(1).unwrap();
    let mut process = fhrpd().start::<HsrpGroup>(router, &[]).unwrap();
    await_inventory(router, &before);
    assert!(process.alive(), "{}", process.log_tail());
}

/// What others have made: nobody's business but theirs, however much it looks like ours.
fn furnish(router: &Node) {
    let lines = [
        "link add name other0 link lan0 type macvlan mode bridge",
        "link set dev other0 address 00:00:0c:9f:f0:63",
        "addr add 192.0.2.99/32 dev other0",
        "link set dev other0 up",
        "addr add 192.0.2.98/32 dev lan0",
        "addr add fe80::5:73ff:fea0:63/64 dev lan0 nodad",
        "route add 198.18.99.0/24 dev lan0",
    ];
    router.namespace().ip(lines).unwrap();
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
    let v2 = |family, number| group(HsrpVersion::V2, family, number);
    let kept = [v2(Family::V4, 1), v2(Family::V6, 1), bia(v2(Family::V4, 3))];
    let removed = [v2(Family::V4, 2), v2(Family::V6, 2), bia(v2(Family::V4, 4))];
    let all = [kept.clone(), removed].concat();

    let mut process = fhrpd().start(router, &kept).unwrap();
    await_state(router, "active", kept.len());
    let (with_kept, kept_links) = (router.namespace().inventory().unwrap(), link_numbers(router));
    fhrpd().write_configuration(router, &fhrpd().configuration(&all, &router.work_dir())).unwrap();
    process.reload();
    await_state(router, "active", all.len());
    let added = changes(router, &with_kept);
    for address in [" 192.0.2.2/32", " fe80::5:73ff:fea0:2/64", " 192.0.2.4/32"] {
        assert!(added.iter().any(|line| line.contains(address)), "{address}: {added:#?}");
    }

    process.kill();
    let process = fhrpd().start(router, &kept).unwrap();
    await_state(router, "active", kept.len());
    await_inventory(router, &with_kept);
    assert_eq!(link_numbers(router), kept_links, "{}", process.log_tail());
}
