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
