//! Settings below `/proc/sys/net`, of the calling thread's network namespace.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use fhrp::Family;

/// The pseudo device whose values count for all.
pub(crate) const ALL: &str = "all";

/// The file of a per-device setting. A path, never the dotted form: device names may contain dots.
fn path(family: Family, device: &str, name: &str) -> String {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    format!("/proc/sys/net/{family}/conf/{device}/{name}")
}

/// A number that a device has.
pub(crate) fn read(family: Family, device: &str, name: &str) -> io::Result<i32> {
    let text = fs::read_to_string(path(family, device, name))?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Sets a number; the error says which file.
pub(crate) fn write(family: Family, device: &str, name: &str, value: i32) -> io::Result<()> {
    let path = path(family, device, name);
    fs::write(&path, value.to_string())
        .map_err(|error| io::Error::new(error.kind(), format!("writing {path}: {error}")))
}

/// The one setting that decides whether frames to a virtual MAC are routed, with its file kept open: opening and
/// closing the gate is one `pwrite` of some tens of microseconds, where setting the link down costs milliseconds.
#[derive(Debug)]
pub(crate) struct Gate {
    file: File,
    family: Family,
}

impl Gate {
    /// Of a macvlan for one family. IPv4 is gated by `forwarding`; IPv6 by `disable_ipv6`, because IPv6 goes on routing
    /// with `forwarding` off, and because it takes all addresses away in the same step.
    pub(crate) fn of(family: Family, device: &str) -> io::Result<Self> {
        let name = match family {
            Family::V4 => "forwarding",
            Family::V6 => "disable_ipv6",
        };
        let path = path(family, device, name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(|error| io::Error::new(error.kind(), format!("opening {path}: {error}")))?;
        Ok(Self { file, family })
    }

    pub(crate) fn open(&self) -> io::Result<()> {
        self.set(match self.family {
            Family::V4 => b"1",
            Family::V6 => b"0",
        })
    }

    pub(crate) fn close(&self) -> io::Result<()> {
        self.set(match self.family {
            Family::V4 => b"0",
            Family::V6 => b"1",
        })
    }

    /// What the kernel says, whoever set it.
    pub(crate) fn is_open(&self) -> io::Result<bool> {
        let mut value = [0; 1];
        self.file.read_at(&mut value, 0)?;
        Ok(match self.family {
            Family::V4 => value != *b"0",
            Family::V6 => value == *b"0",
        })
    }

    fn set(&self, value: &[u8; 1]) -> io::Result<()> {
        self.file.write_all_at(value, 0)
    }
}
