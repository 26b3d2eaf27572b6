//! FRR's vrrpd and zebra: configuration, the devices that they expect, and how to run them without touching the system.

use std::{
    fmt::Write,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use fhrp_wire::Family;
use nix::unistd::User;

use super::prefix_length;
use crate::{
    clock::Stamp,
    error::{LabError, Result},
    group::{VrrpGroup, VrrpVersion},
    process::{RouterProcess, spawn_logged},
    topology::Node,
};

const ZEBRA_START: Duration = Duration::from_secs(5);

pub(super) fn unsupported(group: &VrrpGroup) -> Option<&'static str> {
    if group.text_key.is_some() {
        return Some("it has no authentication");
    }
    if group.priority == 255 {
        return Some("it knows priority 255 only by owning the address");
    }
    if !group.virtual_mac {
        return Some("it always uses the virtual MAC address");
    }
    (!group.unicast_peers.is_empty()).then_some("it has no unicast peers")
}

pub(super) fn configuration(groups: &[&VrrpGroup]) -> String {
    let mut text = String::new();
    for group in groups {
        // Writing to a string does not fail.
        let _ = write_group(&mut text, group);
    }
    text
}

fn write_group(text: &mut String, group: &VrrpGroup) -> std::fmt::Result {
    let vrid = group.vrid;
    let version = match group.version {
        VrrpVersion::V2 => 2,
        VrrpVersion::V3 => 3,
    };
    writeln!(text, "interface {}", group.interface)?;
    writeln!(text, " vrrp {vrid} version {version}\n vrrp {vrid} priority {}", group.priority)?;
    writeln!(text, " vrrp {vrid} advertisement-interval {}", group.advertisement_interval.as_millis())?;
    if !group.preempt {
        writeln!(text, " no vrrp {vrid} preempt")?;
    }
    for address in &group.addresses {
        let word = if address.is_ipv6() { "ipv6" } else { "ip" };
        writeln!(text, " vrrp {vrid} {word} {address}")?;
    }
    group.extra.iter().try_for_each(|line| writeln!(text, " {line}"))?;
    writeln!(text, "exit")
}

/// Makes the macvlan devices with the virtual addresses, as FRR's manual asks, unless a crashed run has left them.
pub(super) fn prepare(router: &Node, groups: &[&VrrpGroup]) -> Result<()> {
    let namespace = router.namespace();
    // Not in its manual; without it even a Backup answers ARP requests for the virtual address.
    namespace.set("ipv4/conf/all/arp_ignore", "1")?;
    let present = namespace.query("ip", &["-brief", "link"])?;
    for group in groups {
        let (digit, family) = match group.family() {
            Family::V4 => (1, 4),
            Family::V6 => (2, 6),
        };
        let device = format!("fr{family}-{}-{}", group.interface, group.vrid);
        if present.contains(&format!("{device}@")) {
            continue;
        }
        let mut lines = vec![
            format!("link add name {device} link {} type macvlan mode bridge", group.interface),
            format!("link set dev {device} addrgenmode random"),
            format!("link set dev {device} address 00:00:5e:00:0{digit}:{:02x}", group.vrid),
        ];
        let length = prefix_length(group.family());
        lines.extend(
            group.addresses.iter().map(|address| format!("addr add {address}/{length} dev {device}")),
        );
        lines.push(format!("link set dev {device} up"));
        namespace.ip(lines)?;
    }
    Ok(())
}

pub(super) fn start(folder: &Path, router: &Node, file: &Path) -> Result<RouterProcess> {
    static STARTS: AtomicU32 = AtomicU32::new(0);
    // A zebra of a crashed run may still live: each start has a folder, and a zebra, of its own.
    let run = router.work_dir().join(format!("frr{}", STARTS.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir_all(&run).map_err(LabError::io("creating FRR's folder"))?;
    let zebra_file = router.work_dir().join("zebra.conf");
    fs::write(&zebra_file, "").map_err(LabError::io("writing zebra.conf"))?;
    give_to_frr(&[router.work_dir(), run.clone(), zebra_file.clone(), file.to_owned()])?;
    let socket = run.join("zserv.api");
    let command = |program: &str, file: &Path| {
        let mut command = Command::new(folder.join(program));
        command.arg("--vty_socket").arg(&run).args(["-P", "0", "-z"]).arg(&socket);
        command.args(["--log", "stdout", "--log-level", "warnings", "-f"]).arg(file);
        command.arg("-i").arg(run.join(format!("{program}.pid")));
        command
    };
    let log = router.work_dir().join("zebra.log");
    let zebra = spawn_logged(router, &mut command("zebra", &zebra_file), &log)?;
    let ready = await_file(&socket);
    let mut process = RouterProcess::start("vrrpd", router, &mut command("vrrpd", file))?;
    process.help_by(zebra);
    ready.map(|()| process)
}

/// Both daemons change to the user `frr`.
fn give_to_frr(paths: &[PathBuf]) -> Result<()> {
    let user = User::from_name("frr").map_err(LabError::errno("looking for the user frr"))?;
    let user = user.ok_or_else(|| LabError::NoSuch("user frr".to_owned()))?;
    for path in paths {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(LabError::io(format!(
            "giving {} to the user frr (impossible in a user namespace: run as root)",
            path.display()
        )))?;
    }
    Ok(())
}

fn await_file(path: &Path) -> Result<()> {
    let end = Stamp::now().after(ZEBRA_START);
    while !path.exists() {
        if Stamp::now() > end {
            let what = format!("zebra has not made {}", path.display());
            return Err(LabError::Timeout {
                what,
                waited_ms: ZEBRA_START.as_millis(),
                detail: String::new(),
            });
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
