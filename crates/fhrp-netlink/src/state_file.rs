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
const VERSION: u32 = 2;

/// The settings of one interface before they were changed, by their names below `/proc/sys/net/ipv4/conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Originals {
    /// For human readers; the number counts.
    pub(crate) name: String,
    pub(crate) settings: BTreeMap<String, u32>,
}

/// What is kept of one network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// By interface number.
    pub(crate) originals: BTreeMap<u32, Originals>,
}

/// The content. Settings end with the boot, and interface numbers mean something in their namespace only.
#[derive(Debug, Serialize, Deserialize)]
struct Document {
    version: u32,
    boot: String,
    /// By the number that `readlink /proc/self/ns/net` shows.
    namespaces: BTreeMap<u64, Saved>,
}

/// The directory, held against a second daemon.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    boot: String,
    namespace: u64,
    /// What was found of other namespaces: kept for who runs there.
    others: BTreeMap<u64, Saved>,
    /// The lock ends with the file.
    _lock: File,
}

impl StateDir {
    /// Makes the directory if need be and takes it for this process.
    pub(crate) fn make(path: &Path) -> Result<Self, NetlinkError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|source| NetlinkError::StateDir { path: path.to_owned(), source })?;
        Self::take(path)
    }

    /// Takes a directory that exists for this process.
    pub(crate) fn take(path: &Path) -> Result<Self, NetlinkError> {
        let trouble = |source| NetlinkError::StateDir { path: path.to_owned(), source };
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path.join(LOCK));
        let lock = lock.map_err(|error| match error {
            error if error.kind() == io::ErrorKind::NotFound => {
                NetlinkError::NoStateDir { path: path.to_owned() }
            }
            error => trouble(error),
        })?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => NetlinkError::InUse { path: path.to_owned() },
            fs::TryLockError::Error(source) => trouble(source),
        })?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").map_err(trouble)?.trim().to_owned();
        let namespace = fs::metadata("/proc/thread-self/ns/net").map_err(trouble)?.ino();
        Ok(Self { path: path.to_owned(), boot, namespace, others: BTreeMap::new(), _lock: lock })
    }

    /// What an earlier run left in this namespace; nothing if it is from before a boot.
    pub(crate) fn load(&mut self) -> Result<Saved, NetlinkError> {
        let path = self.path.join(STATE);
        let bad = |why: String| NetlinkError::BadState { path: path.clone(), why };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Saved::default()),
            Err(error) => return Err(bad(error.to_string())),
        };
        let document: Document = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
        if document.version != VERSION {
            return Err(bad(format!("version {} is not known", document.version)));
        }
        if document.boot == self.boot {
            self.others = document.namespaces;
        }
        Ok(self.others.remove(&self.namespace).unwrap_or_default())
    }

    /// A namespace other than this one of which something is kept, and the file.
    pub(crate) fn elsewhere(&self) -> Option<(u64, PathBuf)> {
        self.others.keys().next().map(|namespace| (*namespace, self.path.join(STATE)))
    }

    /// Replaces what is kept of this namespace as a whole. Without anything to keep there is no file.
    pub(crate) fn save(&self, saved: &Saved) -> io::Result<()> {
        let mut namespaces = self.others.clone();
        if !saved.originals.is_empty() {
            namespaces.insert(self.namespace, saved.clone());
        }
        if namespaces.is_empty() {
            return self.clear();
        }
        let text = serde_json::to_vec(&Document { version: VERSION, boot: self.boot.clone(), namespaces })?;
        let draft = self.path.join(DRAFT);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        file.write_all(&text)?;
        fs::rename(&draft, self.path.join(STATE))
    }

    fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.path.join(STATE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
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
    fn what_is_saved_is_loaded_until_nothing_is() {
        let path = folder("kept");
        let mut state = StateDir::make(&path).unwrap();
        assert_eq!(state.load().unwrap(), Saved::default());
        state.save(&saved()).unwrap();
        assert_eq!(state.load().unwrap(), saved());
        assert_eq!(fs::metadata(path.join(STATE)).unwrap().mode() & 0o777, 0o600);
        state.save(&Saved::default()).unwrap();
        assert!(!path.join(STATE).exists());
        state.save(&Saved::default()).unwrap();
        assert_eq!(state.load().unwrap(), Saved::default());
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_is_of_another_boot_counts_as_nothing_and_rubbish_is_told() {
        let path = folder("stale");
        let mut state = StateDir::make(&path).unwrap();
        state.save(&saved()).unwrap();
        state.boot.push('x');
        assert_eq!((state.load().unwrap(), state.elsewhere()), (Saved::default(), None));
        let text = fs::read_to_string(path.join(STATE)).unwrap();
        for rubbish in ["", "{", &text.replace("\"version\":2", "\"version\":9")] {
            fs::write(path.join(STATE), rubbish).unwrap();
            assert!(matches!(state.load(), Err(NetlinkError::BadState { .. })), "{rubbish}");
        }
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn what_is_of_another_namespace_is_kept_for_it() {
        let path = folder("elsewhere");
        let mut state = StateDir::make(&path).unwrap();
        let here = state.namespace;
        state.save(&saved()).unwrap();
        state.namespace += 1;
        assert_eq!(state.load().unwrap(), Saved::default());
        assert_eq!(state.elsewhere(), Some((here, path.join(STATE))));
        let mut second = saved();
        second.originals.insert(4, Originals::default());
        state.save(&second).unwrap();
        assert_eq!(state.load().unwrap(), second);
        state.save(&Saved::default()).unwrap();
        state.namespace = here;
        assert_eq!(state.load().unwrap(), saved());
        assert_eq!(state.elsewhere(), None);
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn only_who_runs_makes_the_directory() {
        let path = folder("missing");
        assert!(matches!(StateDir::take(&path), Err(NetlinkError::NoStateDir { .. })));
        assert!(!path.exists());
        drop(StateDir::make(&path).unwrap());
        StateDir::take(&path).unwrap();
        fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_second_taker_is_refused() {
        let path = folder("locked");
        let first = StateDir::make(&path).unwrap();
        assert!(matches!(StateDir::take(&path), Err(NetlinkError::InUse { .. })));
        drop(first);
        StateDir::take(&path).unwrap();
        fs::remove_dir_all(&path).unwrap();
    }
}
