//! What each router puts on the wire, seen at its switch port.
//!
//! A frame's sender is known by the port that it came in on, even where two routers use one virtual MAC.

use std::{
    collections::BTreeMap,
    fs, io,
    io::{PipeReader, PipeWriter, Write},
    os::fd::AsFd,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fhrp_wire::MacAddr;
use nix::net::if_::if_nametoindex;

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    frame::{Kind, destination_of, source_of},
    journal::Journal,
    packet_socket::{PacketSocket, Wanted, Woken, wait},
    topology::{Lab, UPSTREAM_INTERFACE, lan_port},
};

/// Frames read before those who wait are told.
const BATCH: usize = 64;

/// Where a frame was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Port {
    /// The node's port in LAN number N.
    Lan(u8),
    /// The router's port towards the upstream host.
    Upstream,
}

/// A frame that a node sent.
#[derive(Clone, Debug)]
pub struct Event {
    /// When the switch received it (the kernel's time stamp).
    pub at: Stamp,
    /// The node that sent it: `r1`, `h1`, …
    pub node: Arc<str>,
    /// The port that it came in on.
    pub port: Port,
    /// Ethernet source.
    pub source_mac: MacAddr,
    /// Ethernet destination.
    pub destination_mac: MacAddr,
    /// What it says.
    pub kind: Kind,
    /// Every octet of it.
    pub frame: Vec<u8>,
}

/// What a capture keeps besides the routers' and hosts' control traffic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureScope {
    /// Nothing: ARP, neighbour and router discovery, VRRP, HSRP and GLBP.
    #[default]
    Control,
    /// Probes too: as the hosts send them into the LAN and as the routers hand them on upstream.
    ControlAndProbes,
}

/// A running capture. Dropping it ends it.
#[derive(Debug)]
pub struct Capture {
    journal: Arc<Journal<Event>>,
    dropped: Arc<AtomicU32>,
    stop: Option<PipeWriter>,
    reader: Option<JoinHandle<()>>,
}

impl Capture {
    /// Starts to listen at the switch ports of all routers and hosts.
    ///
    /// # Errors
    /// [`LabError::Io`] if no packet socket can be had.
    pub fn start(lab: &Lab, scope: CaptureScope) -> Result<Self> {
        let wanted = match scope {
            CaptureScope::Control => Wanted::Control,
            CaptureScope::ControlAndProbes => Wanted::ControlAndProbes,
        };
        let ports = port_names(lab);
        let (socket, ports) = lab.switch().run(|| {
            let ports = ports.into_iter().filter_map(|(name, at)| Some((index_of(&name)?, at))).collect();
            Ok::<_, LabError>((PacketSocket::open(wanted)?, ports))
        })??;
        let (watched, stop) = io::pipe().map_err(LabError::io("making a pipe"))?;
        let journal = Arc::new(Journal::default());
        let dropped = Arc::new(AtomicU32::new(0));
        let reader = Reader {
            socket,
            stop: watched,
            ports,
            journal: Arc::clone(&journal),
            dropped: Arc::clone(&dropped),
        };
        let thread = thread::Builder::new().name("capture".to_owned()).spawn(move || reader.run());
        let thread = thread.map_err(LabError::io("starting the capture"))?;
        Ok(Self { journal, dropped, stop: Some(stop), reader: Some(thread) })
    }

    /// A mark of this moment: the number of events so far, for [`Capture::wait_for`] and [`Capture::since`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Waits until `look` finds something among the events from `mark` on (0 for all), or the time is up.
    /// It is called now and whenever events arrive.
    pub fn wait_for<R>(
        &self,
        mark: usize,
        timeout: Duration,
        look: impl FnMut(&[Event]) -> Option<R>,
    ) -> Option<R> {
        self.journal.wait_for(mark, timeout, look)
    }

    /// Runs `look` on the events from `mark` on, without copying them.
    pub fn look<R>(&self, mark: usize, look: impl FnOnce(&[Event]) -> R) -> R {
        self.journal.look(mark, look)
    }

    /// Forgets the events before `mark`; marks stay what they are.
    pub fn forget(&self, mark: usize) {
        self.journal.forget(mark);
    }

    /// A copy of the events from `mark` on.
    #[must_use]
    pub fn since(&self, mark: usize) -> Vec<Event> {
        self.journal.look(mark, <[Event]>::to_vec)
    }

    /// Frames lost because the reader was too slow. A measurement with any is void.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Saves everything as a pcap file with nanosecond time stamps, frames in the order of their time.
    ///
    /// # Errors
    /// [`LabError::Io`] with the file's name.
    pub fn save(&self, path: &Path) -> Result<()> {
        save(self.since(0), path)
    }

    /// Saves what `node` sent from one port, as [`Capture::save`] does with everything.
    ///
    /// # Errors
    /// [`LabError::Io`] with the file's name.
    pub fn save_of(&self, node: &str, port: Port, path: &Path) -> Result<()> {
        let sent = |event: &&Event| (&*event.node, event.port) == (node, port);
        save(self.look(0, |events| events.iter().filter(sent).cloned().collect()), path)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(reader) = self.reader.take() {
            // The reader cannot panic; if it did, its message has been printed.
            let _ = reader.join();
        }
    }
}

type Place = (Arc<str>, Port);

fn port_names(lab: &Lab) -> Vec<(String, Place)> {
    let mut ports = Vec::new();
    for node in lab.routers().iter().chain(lab.hosts()) {
        let name: Arc<str> = node.name().into();
        for lan in 0..lab.lans() {
            ports.push((lan_port(node.name(), lan), (Arc::clone(&name), Port::Lan(lan))));
        }
    }
    for router in lab.routers() {
        let port = format!("{}-{UPSTREAM_INTERFACE}", router.name());
        ports.push((port, (router.name().into(), Port::Upstream)));
    }
    ports
}

fn index_of(interface: &str) -> Option<usize> {
    usize::try_from(if_nametoindex(interface).ok()?).ok()
}

struct Reader {
    socket: PacketSocket,
    stop: PipeReader,
    ports: BTreeMap<usize, Place>,
    journal: Arc<Journal<Event>>,
    dropped: Arc<AtomicU32>,
}

impl Reader {
    fn run(&self) {
        let mut buffer = vec![0; 0x1_0000];
        while wait(self.socket.as_fd(), self.stop.as_fd(), None) != Woken::Stopped {
            loop {
                let mut batch = Vec::new();
                let more = self.read_batch(&mut buffer, &mut batch);
                if !batch.is_empty() {
                    self.journal.append(batch);
                }
                if !more {
                    break;
                }
            }
        }
    }

    /// Reads until the batch is full (then true) or nothing more is there.
    fn read_batch(&self, buffer: &mut [u8], batch: &mut Vec<Event>) -> bool {
        for _ in 0..BATCH {
            // An error is ENETDOWN of a port that was taken down, once; the socket goes on.
            let Ok(Some(received)) = self.socket.receive(buffer) else { return false };
            if let Some(dropped) = received.dropped {
                self.dropped.store(dropped, Ordering::Relaxed);
            }
            let Some((node, port)) = self.ports.get(&received.interface) else { continue };
            let frame = buffer.get(..received.length).unwrap_or_default();
            batch.push(Event {
                at: received.at,
                node: Arc::clone(node),
                port: *port,
                source_mac: source_of(frame),
                destination_mac: destination_of(frame),
                kind: Kind::of(frame),
                frame: frame.to_vec(),
            });
        }
        true
    }
}

fn save(mut events: Vec<Event>, path: &Path) -> Result<()> {
    events.sort_by_key(|event| event.at);
    fs::write(path, pcap(&events)).map_err(LabError::io(format!("writing {}", path.display())))
}

/// A pcap file: magic of nanosecond stamps, version 2.4, link type 1 (Ethernet), little-endian.
fn pcap(events: &[Event]) -> Vec<u8> {
    const MAGIC_NANOSECONDS: u32 = 0xa1b2_3c4d;
    const SNAPSHOT_LENGTH: u32 = 0x4_0000;
    let mut file = Vec::new();
    let mut put = |bytes: &[u8]| {
        // Writing to a vector does not fail.
        let _ = file.write_all(bytes);
    };
    put(&MAGIC_NANOSECONDS.to_le_bytes());
    put(&2_u16.to_le_bytes());
    put(&4_u16.to_le_bytes());
    for word in [0, 0, SNAPSHOT_LENGTH, 1] {
        put(&word.to_le_bytes());
    }
    for event in events {
        let (seconds, nanos) = (event.at.as_nanos() / 1_000_000_000, event.at.as_nanos() % 1_000_000_000);
        let length = u32::try_from(event.frame.len()).unwrap_or(u32::MAX);
        for word in
            [u32::try_from(seconds).unwrap_or(u32::MAX), u32::try_from(nanos).unwrap_or(0), length, length]
        {
            put(&word.to_le_bytes());
        }
        put(&event.frame);
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pcap_of_one_frame() {
        let frame = vec![0xaa; 3];
        let event = Event {
            at: Stamp::from_nanos(1_000_000_007),
            node: "r1".into(),
            port: Port::Lan(0),
            source_mac: MacAddr::ZERO,
            destination_mac: MacAddr::ZERO,
            kind: Kind::Other,
            frame,
        };
        let expected: &[&[u8]] = &[
            &[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0],
            &[1, 0, 0, 0, 7, 0, 0, 0, 3, 0, 0, 0, 3, 0, 0, 0],
            &[0xaa, 0xaa, 0xaa],
        ];
        assert_eq!(pcap(&[event]), expected.concat());
    }
}
