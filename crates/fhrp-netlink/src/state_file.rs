//! What must outlive a crash: the settings of interfaces as they were before we changed them. Everything else is
//! recognised in the kernel by its marks.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::NetlinkError;

const STATE: &str = "dataplane.json";
const DRAFT: &str = "dataplane.json.new";
const LOCK: &str = "dataplane.lock";
const VERSION: u32 = 1;

/// The settings of one interface before they were changed, by their names below `/proc/sys/net/ipv4/conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Originals {
    /// For human readers; the number counts.
    pub(crate) name: String,
    pub(crate) settings: BTreeMap<String, u32>,
}

/// The content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// By interface number.
    pub(crate) originals: BTreeMap<u32, Originals>,
}

/// The content with the world in which it is true.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: u32,
    boot: String,
    namespace: u64,
    saved: Saved,
}

/// The directory, held against a second daemon.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    world: World,
    /// The lock ends with the file.
    _lock: File,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct World {
    boot: String,
    namespace: u64,
}

impl StateDir {
    /// Makes the directory if need be and takes it for this process.
    pub(crate) fn take(path: &Path) -> Result<Self, NetlinkError> {
        let trouble = |source| NetlinkError::StateDir { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(trouble)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK));
        let lock = lock.map_err(trouble)?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => NetlinkError::InUse { path: path.to_owned() },
            fs::TryLockError::Error(source) => trouble(source),
        })?;
        let world = World::here().map_err(trouble)?;
        Ok(Self { path: path.to_owned(), world, _lock: lock })
    }

    /// What an earlier run left; `None` if there is nothing, or it is from before a boot or of another namespace.
    pub(crate) fn load(&self) -> Option<Saved> {
        let text = fs::read_to_string(self.path.join(STATE)).ok()?;
        match serde_json::from_str::<Document>(&text) {
            Ok(document) if document.version == VERSION && document.world() == self.world => {
                Some(document.saved)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::warn!(path = %self.path.join(STATE).display(), %error, "the state file is not readable");
                None
            }
        }
    }

    /// Replaces the content as a whole.
    pub(crate) fn save(&self, saved: &Saved) -> io::Result<()> {
        let document = Document {
            version: VERSION,
            boot: self.world.boot.clone(),
            namespace: self.world.namespace,
            saved: saved.clone(),
        };
        let text = serde_json::to_vec(&document)?;
        let draft = self.path.join(DRAFT);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        fs::rename(&draft, self.path.join(STATE))
    }

    /// Nothing of ours is left in the kernel.
    pub(crate) fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(STATE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Document {
    fn world(&self) -> World {
        World { boot: self.boot.clone(), namespace: self.namespace }
    }
}

impl World {
    fn here() -> io::Result<Self> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        let namespace = fs::metadata("/proc/thread-self/ns/net")?.ino();
        Ok(Self { boot: boot.trim().to_owned(), namespace })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("fhrp-netlink-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        path
    }

    fn saved() -> Saved {
        let settings = BTreeMap::from([("arp_ignore".to_owned(), 0)]);
        Saved { originals: BTreeMap::from([(3, Originals { name: "eth0".to_owned(), settings })]) }
    }

    #[test]
    fn what_is_saved_is_loaded_until_cleared() {
        let path = folder("kept");
        let state = StateDir::take(&path).unwrap();
        assert_eq!(state.load(), None);
        state.save(&saved()).unwrap();
        assert_eq!(state.load(), Some(saved()));
        assert_eq!(fs::metadata(path.join(STATE)).unwrap().mode() & 0o777, 0o600);
        state.clear().unwrap();
        state.clear().unwrap();
        assert_eq!(state.load(), None);
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn another_boot_or_rubbish_counts_as_nothing() {
        let path = folder("stale");
        let mut state = StateDir::take(&path).unwrap();
        state.save(&saved()).unwrap();
        state.world.boot.push('x');
        assert_eq!(state.load(), None);
        fs::write(path.join(STATE), "{").unwrap();
        assert_eq!(state.load(), None);
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_second_taker_is_refused() {
        let path = folder("locked");
        let first = StateDir::take(&path).unwrap();
        assert!(matches!(StateDir::take(&path), Err(NetlinkError::InUse { .. })));
        drop(first);
        StateDir::take(&path).unwrap();
        fs::remove_dir_all(&path).unwrap();
    }
}
