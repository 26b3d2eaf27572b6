//! The daemons that can run in a router, each told of its groups in its own syntax.

mod fhrpd;
mod frr;
mod keepalived;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use fhrp_wire::Family;

use crate::{
    error::{LabError, Result},
    group::{Group, VrrpGroup},
    process::RouterProcess,
    topology::Node,
};

/// A daemon and where its programs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Daemon {
    /// This project's.
    Fhrpd {
        /// The program.
        binary: PathBuf,
    },
    /// keepalived.
    Keepalived {
        /// The program.
        binary: PathBuf,
    },
    /// FRR's vrrpd, with zebra as its helper.
    Frr {
        /// The folder of both programs.
        folder: PathBuf,
    },
}

impl Daemon {
    /// This project's daemon.
    #[must_use]
    pub fn fhrpd(binary: impl Into<PathBuf>) -> Self {
        Self::Fhrpd { binary: binary.into() }
    }

    /// Debian's keepalived.
    #[must_use]
    pub fn keepalived() -> Self {
        Self::Keepalived { binary: "/usr/sbin/keepalived".into() }
    }

    /// Debian's FRR.
    #[must_use]
    pub fn frr() -> Self {
        Self::Frr { folder: "/usr/lib/frr".into() }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Fhrpd { .. } => "fhrpd",
            Self::Keepalived { .. } => "keepalived",
            Self::Frr { .. } => "frr",
        }
    }

    /// Why it cannot run this group; `None` if it can.
    #[must_use]
    pub fn unsupported(&self, group: &Group) -> Option<&'static str> {
        let impossible = match group {
            Group::Vrrp(group) => group.impossible(),
            Group::Hsrp(group) => group.impossible(),
            Group::Glbp(_) => None,
        };
        impossible.or_else(|| match (self, group) {
            (Self::Fhrpd { .. }, _) | (Self::Keepalived { .. }, Group::Vrrp(_)) => None,
            (Self::Frr { .. }, Group::Vrrp(group)) => frr::unsupported(group),
            (Self::Keepalived { .. } | Self::Frr { .. }, Group::Hsrp(_) | Group::Glbp(_)) => {
                Some("it speaks VRRP only")
            }
        })
    }

    /// Its configuration file for these groups, with sockets and state in `folder`. A peer is told of the groups
    /// that it can run.
    #[must_use]
    pub fn configuration<G: Clone + Into<Group>>(&self, groups: &[G], folder: &Path) -> String {
        let groups: Vec<Group> = groups.iter().cloned().map(Into::into).collect();
        match self {
            Self::Fhrpd { .. } => fhrpd::configuration(&groups, folder),
            Self::Keepalived { .. } => keepalived::configuration(&vrrp_groups(&groups)),
            Self::Frr { .. } => frr::configuration(&vrrp_groups(&groups)),
        }
    }

    /// Where its configuration file is, in a router's work folder.
    #[must_use]
    pub fn configuration_path(&self, router: &Node) -> PathBuf {
        router.work_dir().join(match self {
            Self::Fhrpd { .. } => "fhrpd.toml",
            Self::Keepalived { .. } => "keepalived.conf",
            Self::Frr { .. } => "vrrpd.conf",
        })
    }

    /// Writes the configuration and starts the daemon in a router. Does not wait for it to be ready.
    ///
    /// # Errors
    /// [`LabError::Unsupported`], [`LabError::MissingProgram`], or what went wrong in starting it.
    pub fn start<G: Clone + Into<Group>>(&self, router: &Node, groups: &[G]) -> Result<RouterProcess> {
        let groups: Vec<Group> = groups.iter().cloned().map(Into::into).collect();
        for group in &groups {
            if let Some(reason) = self.unsupported(group) {
                return Err(LabError::Unsupported { daemon: self.name(), reason: reason.to_owned() });
            }
        }
        if let Self::Frr { .. } = self {
            frr::prepare(router, &vrrp_groups(&groups))?;
        }
        self.start_with(router, &self.configuration(&groups, &router.work_dir()))
    }

    /// Writes a new configuration without starting anything, for a reload.
    ///
    /// # Errors
    /// [`LabError::Io`].
    pub fn write_configuration(&self, router: &Node, text: &str) -> Result<()> {
        let path = self.configuration_path(router);
        fs::write(&path, text).map_err(LabError::io(format!("writing {}", path.display())))
    }

    /// Starts the daemon in a router with a configuration in its own syntax.
    ///
    /// # Errors
    /// [`LabError::MissingProgram`], or what went wrong in starting it.
    pub fn start_with(&self, router: &Node, configuration: &str) -> Result<RouterProcess> {
        self.write_configuration(router, configuration)?;
        let file = self.configuration_path(router);
        match self {
            Self::Fhrpd { binary } => {
                present(binary, "fhrpd")?;
                RouterProcess::start(
                    "fhrpd",
                    router,
                    Command::new(binary).arg("run").arg("--config").arg(file),
                )
            }
            Self::Keepalived { binary } => {
                present(binary, "keepalived")?;
                keepalived::start(binary, router, &file)
            }
            Self::Frr { folder } => {
                present(&folder.join("vrrpd"), "frr")?;
                frr::start(folder, router, &file)
            }
        }
    }
}

fn vrrp_groups(groups: &[Group]) -> Vec<&VrrpGroup> {
    let mut found = Vec::new();
    for group in groups {
        match group {
            Group::Vrrp(group) => found.push(group),
            Group::Hsrp(_) | Group::Glbp(_) => {}
        }
    }
    found
}

fn present(program: &Path, package: &'static str) -> Result<()> {
    if program.is_file() {
        return Ok(());
    }
    Err(LabError::MissingProgram { program: program.display().to_string(), package })
}

/// The prefix length with which peers carry virtual addresses: that of the LAN.
const fn prefix_length(family: Family) -> u8 {
    match family {
        Family::V4 => 24,
        Family::V6 => 64,
    }
}

#[cfg(test)]
mod tests;
