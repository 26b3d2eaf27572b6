//! Why the backend cannot start.

use std::io;
use std::path::PathBuf;

/// The backend cannot be made, or the leftovers cannot be removed.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The state directory cannot be made, written or locked.
    #[error("the state directory {}: {source}", path.display())]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no state directory of which something could be removed.
    #[error("no such state directory: {}", path.display())]
    NoStateDir {
        /// Where it should be.
        path: PathBuf,
    },
    /// The state file cannot be read, so that nobody knows how interfaces were set before.
    #[error("the state file {} cannot be read ({why}); look at it, then remove it", path.display())]
    BadState {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing was left in this network namespace, but something is in another.
    #[error(
        "nothing was left here; the state file {} is of another network namespace, net:[{namespace}]: run this there, or \
         remove the file if that namespace is gone", path.display()
    )]
    OtherNamespace {
        /// The state file, kept as it is.
        path: PathBuf,
        /// The other's number, as in `readlink /proc/self/ns/net`.
        namespace: u64,
    },
    /// Another process works with the same state directory.
    #[error("the state directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The kernel's link and address tables cannot be used.
    #[error("{doing}: {source}")]
    Kernel {
        /// What was tried.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}
