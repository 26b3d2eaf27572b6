//! A router out of a capture file: it says what a real router once said, in time, and answers nothing.
//!
//! Its packets leave as they were captured, from the Ethernet source on: with the router's MAC address, or the virtual
//! one, and with the router's IP address. Whoever is to hear them needs an address in the same network.

use std::{
    fs::File,
    io::{self, PipeReader, PipeWriter},
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd,
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use fhrp_wire::MacAddr;

use crate::{
    capture_file::{Captured, Link, packets},
    clock::Stamp,
    error::{LabError, Result},
    frame::{GlbpOpcode, HsrpOpcode, Kind, SpeakerState, redirected},
    journal::Journal,
    packet_socket::{Woken, wait},
    reach::Injector,
    topology::Node,
};

/// A captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number in the file, from 1.
    pub number: u64,
    /// What it says.
    pub kind: Kind,
    /// Every octet of it.
    pub frame: Vec<u8>,
}

impl Recorded {
    /// The same packet, but to this MAC and IP address: for the unicast packets of GLBP. `None` if it is not UDP over
    /// IPv4.
    #[must_use]
    pub fn addressed_to(&self, mac: MacAddr, to: Ipv4Addr) -> Option<Self> {
        let frame = redirected(&self.frame, mac, to)?;
        Some(Self { frame, ..*self })
    }

    /// Time between two hellos, if it says that its sender is Active.
    fn hello_time_of_active(&self) -> Option<Duration> {
        if let Some(said) = self.kind.hsrp() {
            let active = said.opcode == HsrpOpcode::Hello && said.state == SpeakerState::Active;
            return active.then_some(said.hello);
        }
        let said = self.kind.glbp().filter(|said| said.opcode == GlbpOpcode::Hello)?;
        let gateway = said.gateway.filter(|gateway| gateway.priority > 0)?;
        (gateway.state == SpeakerState::Active).then_some(gateway.hello)
    }
}

/// What one router says of HSRP and GLBP in a capture file.
#[derive(Clone, Debug)]
pub struct Replay {
    packets: Vec<Recorded>,
}

impl Replay {
    /// Reads the file (pcap or pcapng) and keeps what `who` sent.
    ///
    /// # Errors
    /// [`LabError::Io`] if the file cannot be read; [`LabError::NoSuch`] if `who` says nothing in it.
    pub fn new(capture: &Path, who: Ipv4Addr) -> Result<Self> {
        let name = capture.display();
        let file = File::open(capture).map_err(LabError::io(format!("opening {name}")))?;
        let mut kept = Vec::new();
        let mut number = 0;
        let read = packets(file, |captured| {
            number += 1;
            kept.extend(of_sender(&captured, number, who));
        });
        read.map_err(|error| LabError::io(format!("reading {name}"))(io::Error::other(error)))?;
        if kept.is_empty() {
            return Err(LabError::NoSuch(format!("packet of {who} in {name}")));
        }
        Ok(Self { packets: kept })
    }

    /// Everything that it says, in the order of the file.
    #[must_use]
    pub fn packets(&self) -> &[Recorded] {
        &self.packets
    }

    /// The first of them that `wanted` accepts.
    #[must_use]
    pub fn find(&self, wanted: impl Fn(&Kind) -> bool) -> Option<&Recorded> {
        self.packets.iter().find(|recorded| wanted(&recorded.kind))
    }

    /// Its hellos as Active.
    pub fn active_hellos(&self) -> impl Iterator<Item = &Recorded> {
        self.packets.iter().filter(|recorded| recorded.hello_time_of_active().is_some())
    }

    /// Lets it speak from an interface of `node`: its hellos as Active in their order, the last again and again, one
    /// each hello time of its own, the first at once.
    ///
    /// # Errors
    /// [`LabError::NoSuch`] if it is never Active; those of [`Node::injector`].
    pub fn speak(&self, node: &Node, interface: &str) -> Result<Speaker> {
        let period = self.packets.iter().find_map(Recorded::hello_time_of_active);
        let period = period.ok_or_else(|| LabError::NoSuch("hello of an Active router".to_owned()))?;
        let frames: Vec<_> = self.active_hellos().map(|recorded| recorded.frame.clone()).collect();
        let injector = Arc::new(node.injector(interface)?);
        let sent = Arc::new(Journal::default());
        let (watched, stop) = io::pipe().map_err(LabError::io("making a pipe"))?;
        let voice =
            Voice { frames, period, stop: watched, injector: Arc::clone(&injector), sent: Arc::clone(&sent) };
        let thread = thread::Builder::new().name("replay".to_owned()).spawn(move || voice.run());
        let thread = thread.map_err(LabError::io("starting the replayed router"))?;
        Ok(Speaker { injector, sent, stop: Some(stop), thread: Some(thread) })
    }
}

fn of_sender(captured: &Captured<'_>, number: u64, who: Ipv4Addr) -> Option<Recorded> {
    let kind = Kind::of(captured.octets);
    let source = match (kind.hsrp(), kind.glbp()) {
        (Some(said), _) => said.source,
        (None, Some(said)) => said.source,
        (None, None) => {
            let interface = matches!(kind, Kind::HsrpInterface { .. });
            interface.then(|| source_of_ipv4(captured.octets)).flatten()?
        }
    };
    let ours = captured.link == Link::Ethernet && source == IpAddr::V4(who);
    ours.then(|| Recorded { number, kind, frame: captured.octets.to_vec() })
}

fn source_of_ipv4(frame: &[u8]) -> Option<IpAddr> {
    let source: [u8; 4] = frame.get(26..)?.first_chunk().copied()?;
    Some(IpAddr::from(source))
}

/// A replayed router that speaks. Dropping it silences it.
#[derive(Debug)]
pub struct Speaker {
    injector: Arc<Injector>,
    sent: Arc<Journal<Stamp>>,
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Says something out of turn: a resignation, an answer.
    ///
    /// # Errors
    /// [`LabError::Io`].
    pub fn say(&self, recorded: &Recorded) -> Result<()> {
        self.injector.send(&recorded.frame)
    }

    /// When its hellos were sent so far.
    #[must_use]
    pub fn hellos(&self) -> Vec<Stamp> {
        self.sent.look(0, <[Stamp]>::to_vec)
    }

    /// Falls silent, and gives when its last hello was sent.
    #[must_use]
    pub fn stop(mut self) -> Stamp {
        self.silence();
        self.sent.look(0, |sent| sent.last().copied().unwrap_or_default())
    }

    fn silence(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // Its message has been printed if it panicked.
            let _ = thread.join();
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        self.silence();
    }
}

struct Voice {
    frames: Vec<Vec<u8>>,
    period: Duration,
    stop: PipeReader,
    injector: Arc<Injector>,
    sent: Arc<Journal<Stamp>>,
}

impl Voice {
    fn run(&self) {
        let mut due = Stamp::now();
        for turn in 0_usize.. {
            let Some(frame) = self.frames.get(turn).or(self.frames.last()) else { return };
            // A port that is down swallows what a router says; it goes on.
            if self.injector.send(frame).is_ok() {
                self.sent.append([Stamp::now()]);
            }
            due = due.after(self.period);
            if self.stopped_before(due) {
                return;
            }
        }
    }

    fn stopped_before(&self, due: Stamp) -> bool {
        loop {
            let left = due.since(Stamp::now());
            if wait(self.stop.as_fd(), self.stop.as_fd(), Some(left)) == Woken::Stopped {
                return true;
            }
            if left < Duration::from_millis(1) {
                return false;
            }
        }
    }
}
