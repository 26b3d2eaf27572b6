//! Traffic of other implementations. The captures are not part of this repository: they are looked for beside the
//! workspace, or where `FHRP_CAPTURES` says.

use std::path::{Path, PathBuf};

use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};

/// Every frame of the file of this name, or `None` after saying that the test is skipped.
pub fn frames(name: &str) -> Option<Vec<Vec<u8>>> {
    let file = directory()?.join(name);
    let mut reader = LegacyPcapReader::new(1 << 16, std::fs::File::open(&file).unwrap()).unwrap();
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok((octets, block)) => {
                if let PcapBlockOwned::Legacy(block) = block {
                    frames.push(block.data.to_vec());
                }
                reader.consume(octets);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(PcapError::Eof) => return Some(frames),
            Err(error) => panic!("{}: {error:?}", file.display()),
        }
    }
}

fn directory() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let directory = std::env::var_os("FHRP_CAPTURES").map_or(beside, PathBuf::from);
    if directory.is_dir() {
        return Some(directory);
    }
    super::skip("captures", &format!("there is no directory {}", directory.display()));
    None
}
