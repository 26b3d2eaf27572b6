//! Packets out of capture files: pcap and pcapng, either byte order, any time resolution.

use std::io::Read;

use pcap_parser::traits::PcapNGPacketBlock as _;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

/// What the buffer begins with; it grows for a file with larger blocks.
const BUFFER_OCTETS: usize = 1 << 16;
/// No block of a sane capture is larger.
const BUFFER_OCTETS_MAX: usize = 1 << 26;

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Captured<'a> {
    /// What the octets begin with.
    pub link: Link,
    /// Seconds since 1970, where the file has it.
    pub time: Option<f64>,
    /// The octets, as far as captured.
    pub octets: &'a [u8],
    /// How many there were.
    pub length: usize,
}

/// Link types that first-hop redundancy protocols are captured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet.
    Ethernet,
    /// Linux "any" device, version 1: 16 octets.
    Cooked,
    /// Linux "any" device, version 2: 20 octets.
    Cooked2,
    /// No link header.
    Ip,
    /// Something else.
    Other(i32),
}

impl Link {
    fn of(link: Linktype) -> Self {
        match link.0 {
            1 => Self::Ethernet,
            113 => Self::Cooked,
            276 => Self::Cooked2,
            // DLT_RAW as some systems number it, LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6.
            12 | 14 | 101 | 228 | 229 => Self::Ip,
            other => Self::Other(other),
        }
    }
}

/// The file is no capture file, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Neither format.
    #[error("neither pcap nor pcapng")]
    NotACapture,
    /// It ends inside a packet.
    #[error("the file ends inside a packet")]
    Truncated,
    /// A block that cannot be read.
    #[error("the file is damaged at octet {at}")]
    Damaged {
        /// Where the block begins.
        at: usize,
    },
    /// The system.
    #[error("the file cannot be read")]
    Unreadable,
}

/// Hands every packet of `file` to `sink`, in order.
///
/// # Errors
/// What kept it from reading on; the packets before have been handed over.
pub fn packets(file: impl Read + Send, mut sink: impl FnMut(Captured<'_>)) -> Result<(), CaptureError> {
    let mut reader = match create_reader(BUFFER_OCTETS, Whole(file)) {
        Ok(reader) => reader,
        Err(PcapError::ReadError) => return Err(CaptureError::Unreadable),
        Err(_) => return Err(CaptureError::NotACapture),
    };
    let mut file_facts = Facts::default();
    let mut capacity = BUFFER_OCTETS;
    loop {
        let wanted = match reader.next() {
            Ok((octets, block)) => {
                file_facts.take(&block, &mut sink);
                reader.consume(octets);
                continue;
            }
            Err(PcapError::Eof) => return Ok(()),
            Err(PcapError::UnexpectedEof) => return Err(CaptureError::Truncated),
            Err(PcapError::ReadError) => return Err(CaptureError::Unreadable),
            Err(PcapError::Incomplete(_)) => Wanted::Octets,
            Err(PcapError::BufferTooSmall) => Wanted::Room,
            Err(PcapError::HeaderNotRecognized | PcapError::NomError(..) | PcapError::OwnedNomError(..)) => {
                return Err(CaptureError::Damaged { at: reader.consumed() });
            }
        };
        if reader.reader_exhausted() {
            return Err(CaptureError::Truncated);
        }
        if matches!(wanted, Wanted::Room) {
            capacity *= 2;
            if capacity > BUFFER_OCTETS_MAX {
                return Err(CaptureError::Damaged { at: reader.consumed() });
            }
            reader.grow(capacity);
        }
        if reader.refill().is_err() {
            return Err(CaptureError::Unreadable);
        }
    }
}

enum Wanted {
    Octets,
    Room,
}

/// Reads as much as asked for, so that a pipe that delivers little at a time looks like a file.
struct Whole<R>(R);

impl<R: Read> Read for Whole<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            match self.0.read(room) {
                Ok(0) => break,
                Ok(octets) => filled += octets,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

/// What earlier blocks said about the packets to come.
#[derive(Default)]
struct Facts {
    /// pcap: the one link type, and ticks a second.
    legacy: Option<Interface>,
    /// pcapng: the interfaces of the section.
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy)]
struct Interface {
    link: Link,
    ticks_per_second: u64,
    offset_seconds: i64,
}

impl Facts {
    fn take(&mut self, block: &PcapBlockOwned<'_>, sink: &mut impl FnMut(Captured<'_>)) {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let ticks_per_second =
                    if header.is_nanosecond_precision() { 1_000_000_000 } else { 1_000_000 };
                self.legacy =
                    Some(Interface { link: Link::of(header.network), ticks_per_second, offset_seconds: 0 });
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(Interface { link, ticks_per_second, .. }) = self.legacy else { return };
                let ticks = u64::from(packet.ts_sec) * ticks_per_second + u64::from(packet.ts_usec);
                let octets = usize::try_from(packet.caplen).ok().and_then(|length| packet.data.get(..length));
                let octets = octets.unwrap_or(packet.data);
                let time = Some(seconds(ticks, ticks_per_second, 0));
                sink(Captured { link, time, octets, length: size(packet.origlen) });
            }
            PcapBlockOwned::NG(block) => self.take_ng(block, sink),
        }
    }

    fn take_ng(&mut self, block: &Block<'_>, sink: &mut impl FnMut(Captured<'_>)) {
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(description) => self.interfaces.push(Interface {
                link: Link::of(description.linktype),
                ticks_per_second: description.ts_resolution().unwrap_or(1_000_000),
                offset_seconds: description.ts_offset(),
            }),
            Block::EnhancedPacket(packet) => {
                let Some(interface) = self.interfaces.get(size(packet.if_id)) else { return };
                let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                let time = Some(seconds(ticks, interface.ticks_per_second, interface.offset_seconds));
                let (octets, length) = (packet.packet_data(), size(packet.origlen));
                sink(Captured { link: interface.link, time, octets, length });
            }
            Block::SimplePacket(packet) => {
                let Some(interface) = self.interfaces.first() else { return };
                let length = size(packet.origlen);
                let octets = packet.data.get(..length).unwrap_or(packet.data);
                sink(Captured { link: interface.link, time: None, octets, length });
            }
            Block::NameResolution(_)
            | Block::InterfaceStatistics(_)
            | Block::SystemdJournalExport(_)
            | Block::DecryptionSecrets(_)
            | Block::ProcessInformation(_)
            | Block::Custom(_)
            | Block::Unknown(_) => {}
        }
    }
}

fn size(octets: u32) -> usize {
    usize::try_from(octets).unwrap_or(usize::MAX)
}

/// Exact to the microsecond for times of this century.
fn seconds(ticks: u64, ticks_per_second: u64, offset_seconds: i64) -> f64 {
    let per_second = u128::from(ticks_per_second.max(1));
    let micros = u128::from(ticks).saturating_mul(1_000_000).checked_div(per_second).unwrap_or_default();
    let whole = std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)).as_secs_f64();
    let offset = std::time::Duration::from_secs(offset_seconds.unsigned_abs()).as_secs_f64();
    if offset_seconds < 0 { whole - offset } else { whole + offset }
}
