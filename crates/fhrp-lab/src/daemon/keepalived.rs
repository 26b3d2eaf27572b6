//! keepalived: its configuration, and how to run it without touching the system.

use std::{fmt::Write, path::Path, process::Command};

use super::prefix_length;
use crate::{
    error::Result,
    group::{VrrpGroup, VrrpVersion},
    process::RouterProcess,
    topology::Node,
};

pub(super) fn configuration(groups: &[&VrrpGroup]) -> String {
    let mut text = "global_defs {\n  router_id lab\n}\n".to_owned();
    for group in groups {
        // Writing to a string does not fail.
        let _ = write_group(&mut text, group);
    }
    text
}

fn write_group(text: &mut String, group: &VrrpGroup) -> std::fmt::Result {
    let family = if group.addresses.first().is_some_and(std::net::IpAddr::is_ipv6) { 6 } else { 4 };
    let version = match group.version {
        VrrpVersion::V2 => 2,
        VrrpVersion::V3 => 3,
    };
    writeln!(text, "vrrp_instance {}_{}_{family} {{", group.interface, group.vrid)?;
    writeln!(text, "  version {version}\n  interface {}", group.interface)?;
    writeln!(text, "  virtual_router_id {}\n  priority {}", group.vrid, group.priority)?;
    writeln!(text, "  advert_int {}", group.advertisement_interval.as_secs_f64())?;
    if group.virtual_mac {
        writeln!(text, "  use_vmac ka{family}-{}-{}", group.interface, group.vrid)?;
    }
    if !group.preempt {
        writeln!(text, "  nopreempt")?;
    }
    if group.accept {
        writeln!(text, "  accept")?;
    }
    if let Some(key) = &group.text_key {
        writeln!(text, "  authentication {{\n    auth_type PASS\n    auth_pass {key}\n  }}")?;
    }
    if !group.unicast_peers.is_empty() {
        writeln!(text, "  unicast_peer {{")?;
        group.unicast_peers.iter().try_for_each(|peer| writeln!(text, "    {peer}"))?;
        writeln!(text, "  }}")?;
    }
    group.extra.iter().try_for_each(|line| writeln!(text, "  {line}"))?;
    writeln!(text, "  virtual_ipaddress {{")?;
    let length = prefix_length(group.family());
    group.addresses.iter().try_for_each(|address| writeln!(text, "    {address}/{length}"))?;
    writeln!(text, "  }}\n}}")
}

/// In the foreground, VRRP only, logging to its standard output alone (without `-G`, and with no syslog daemon,
/// each message goes to the console, which costs more than the work itself).
pub(super) fn start(binary: &Path, router: &Node, file: &Path) -> Result<RouterProcess> {
    let folder = router.work_dir();
    let mut command = Command::new(binary);
    command.args(["-n", "-P", "-G", "-l", "-D", "-f"]).arg(file);
    command.arg("-p").arg(folder.join("keepalived.pid")).arg("-r").arg(folder.join("keepalived-vrrp.pid"));
    RouterProcess::start("keepalived", router, &mut command)
}
