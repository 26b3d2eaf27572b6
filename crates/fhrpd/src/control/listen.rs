//! Making the socket, and taking it away again.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::config::reason;

/// The control socket cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// A daemon answers there.
    #[error("another fhrpd answers at {}; give this one its own `control_socket`", .0.display())]
    InUse(PathBuf),
    /// There is something there that is no socket.
    #[error("{} exists and is no socket; remove it or choose another `control_socket`", .0.display())]
    NotASocket(PathBuf),
    /// No such group of users.
    #[error("there is no group of users \"{0}\"; create it or change `control_group`")]
    UnknownGroup(String),
    /// The system.
    #[error("control socket {}: {}", path.display(), reason(error))]
    System {
        /// Which.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
}

/// The control socket while the daemon runs; dropped, its file goes too.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// For the runtime that answers. Non-blocking.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Another daemon may have put its own there by now.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the socket at `path`, for this user and for `group`. A file that a dead daemon left is replaced. Must be called
/// before other threads run, since it changes the process's umask for a moment.
///
/// # Errors
/// See [`BindError`].
pub fn bind(path: &Path, group: Option<&str>) -> Result<Socket, BindError> {
    let system = |error: io::Error| BindError::System { path: path.to_owned(), error };
    let group = group
        .map(|name| group_number(name).ok_or_else(|| BindError::UnknownGroup(name.to_owned())))
        .transpose()?;
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        DirBuilder::new().recursive(true).mode(0o755).create(folder).map_err(system)?;
    }
    remove_stale(path)?;
    // The file must not be open to others for even a moment.
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let listener = UnixListener::bind(path);
    rustix::process::umask(before);
    let listener = listener.map_err(system)?;
    listener.set_nonblocking(true).map_err(system)?;
    let inode = fs::symlink_metadata(path).map_err(system)?.ino();
    let socket = Socket { listener, path: path.to_owned(), inode };
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(system)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(system)?;
    }
    Ok(socket)
}

fn remove_stale(path: &Path) -> Result<(), BindError> {
    let system = |error: io::Error| BindError::System { path: path.to_owned(), error };
    match UnixStream::connect(path) {
        Ok(_) => Err(BindError::InUse(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            use std::os::unix::fs::FileTypeExt as _;
            let found = fs::symlink_metadata(path).map_err(system)?;
            if !found.file_type().is_socket() {
                return Err(BindError::NotASocket(path.to_owned()));
            }
            fs::remove_file(path).map_err(system)
        }
        Err(error) => Err(system(error)),
    }
}

/// Whether there is such a group of users.
pub(crate) fn knows_group(name: &str) -> bool {
    group_number(name).is_some()
}

/// The number of a group of users, by name or as a number.
fn group_number(name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.split(':');
        let found = parts.next()? == name;
        parts.nth(1).filter(|_| found)?.parse().ok()
    })
}
