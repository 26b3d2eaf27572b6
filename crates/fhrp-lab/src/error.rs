//! What can go wrong in a laboratory, sorted by who can mend it.

use std::io;

/// An error of the laboratory. Each says what was tried.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The system refuses private namespaces to this process.
    #[error(
        "no private network world can be made here: {reason}\n  \
         remedy: run as root, or allow unprivileged user namespaces (sysctl user.max_user_namespaces, \
         kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
    )]
    NotPermitted {
        /// What the last attempt printed.
        reason: String,
    },
    /// A program that the laboratory needs is not installed.
    #[error("{program} is not installed (Debian package: {package})")]
    MissingProgram {
        /// The program that was looked for.
        program: String,
        /// The package that has it.
        package: &'static str,
    },
    /// A program ran and failed.
    #[error("{command}: {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// What it printed as its error, without the trailing newline.
        stderr: String,
    },
    /// A system call or file operation failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the object's name.
        doing: String,
        /// The cause.
        source: io::Error,
    },
    /// A daemon cannot do what the group asks.
    #[error("{daemon} cannot run this group: {reason}")]
    Unsupported {
        /// The daemon's name.
        daemon: &'static str,
        /// The property that it lacks.
        reason: String,
    },
    /// Something expected did not happen in time.
    #[error("{what} (waited {waited_ms} ms){detail}")]
    Timeout {
        /// What was expected.
        what: String,
        /// How long it was waited for, in milliseconds.
        waited_ms: u128,
        /// Log lines or states that help to find the cause; may be empty.
        detail: String,
    },
    /// The caller asked for something that the topology does not have.
    #[error("the laboratory has no {0}")]
    NoSuch(String),
}

impl LabError {
    /// Wraps an operating-system error with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing: doing.into(), source }
    }

    /// The same for an error number.
    pub(crate) fn errno(doing: impl Into<String>) -> impl FnOnce(nix::errno::Errno) -> Self {
        move |number| Self::Io { doing: doing.into(), source: number.into() }
    }
}

/// Result of a laboratory operation.
pub type Result<T> = std::result::Result<T, LabError>;
