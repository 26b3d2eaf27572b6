//! What the daemon needs of the system before it starts.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::thread::{CapabilitySet, capabilities};

/// A capability that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fhrpd needs {name} to {purpose}; run it as root, or give its service AmbientCapabilities={name}")]
pub(super) struct MissingCapability {
    name: &'static str,
    purpose: &'static str,
}

const NEEDED: [(CapabilitySet, MissingCapability); 2] = [
    (
        CapabilitySet::NET_ADMIN,
        MissingCapability { name: "CAP_NET_ADMIN", purpose: "hold virtual addresses and virtual MACs" },
    ),
    (
        CapabilitySet::NET_RAW,
        MissingCapability { name: "CAP_NET_RAW", purpose: "send and receive advertisements" },
    ),
];

/// Looks for what the daemon cannot do without.
///
/// # Errors
/// The first capability missing.
pub(super) fn check_capabilities() -> Result<(), MissingCapability> {
    // Where the kernel does not tell, the first use will.
    let Ok(have) = capabilities(None) else { return Ok(()) };
    match NEEDED.iter().find(|(capability, _)| !have.effective.contains(*capability)) {
        Some((_, missing)) => Err(*missing),
        None => Ok(()),
    }
}

/// Makes the state directory, for this user only.
///
/// # Errors
/// What the system says.
pub(super) fn make_state_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
