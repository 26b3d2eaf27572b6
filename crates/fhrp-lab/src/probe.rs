//! Probes: one UDP packet each millisecond from a host through the gateway to the upstream host.

use std::{
    collections::BTreeMap,
    io::{self, IoSliceMut, PipeReader, PipeWriter},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::{AsFd, AsRawFd},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fhrp_wire::Family;
use nix::{
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
    unistd::gettid,
};

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    frame::{PROBE_PORT, probe_payload, read_probe_payload},
    journal::Journal,
    packet_socket::{Woken, stamp, wait},
    topology::{Lab, Node, upstream_address},
};

/// Packets that wait for an unanswered ARP fill the sender's buffer; it must not stop the sender.
const SEND_BUFFER: usize = 8 << 20;
const RECEIVE_BUFFER: usize = 16 << 20;
/// A sender that is later than this does not catch up in a burst.
const HOPELESSLY_LATE: Duration = Duration::from_millis(50);

/// A probe that reached the upstream host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrived (the kernel's time stamp).
    pub at: Stamp,
    /// Its number, from 0.
    pub sequence: u64,
}

/// Counters of a running probe, for a live display.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeCounters {
    /// Packets sent.
    pub sent: u64,
    /// Packets received, duplicates included.
    pub received: u64,
    /// The longest silence between two arrivals so far.
    pub longest_gap: Duration,
    /// Time since the last arrival; zero before the first.
    pub silence: Duration,
}

/// A running probe. Dropping it ends it.
#[derive(Debug)]
pub struct Probe {
    host: String,
    shared: Arc<Shared>,
    stop: Option<[PipeWriter; 2]>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// When each packet was sent, by its number.
    sent: Journal<Stamp>,
    arrivals: Journal<Arrival>,
    last_arrival: AtomicU64,
    longest_gap: AtomicU64,
}

impl Probe {
    /// Starts to send from `host`, a packet each `period`.
    ///
    /// # Errors
    /// [`LabError::Io`] if a socket or thread cannot be had.
    pub fn start(lab: &Lab, host: &Node, family: Family, period: Duration) -> Result<Self> {
        let port = PROBE_PORT + u16::from(host.number());
        let any: IpAddr = match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        let receiver = lab.upstream().namespace().run(|| receiving_socket(SocketAddr::new(any, port)))?;
        let receiver = receiver.map_err(LabError::io("opening the probe's receiver"))?;
        let sender = host.namespace().run(|| sending_socket(SocketAddr::new(any, 0)))?;
        let sender = sender.map_err(LabError::io("opening the probe's sender"))?;
        let shared = Arc::new(Shared::default());
        let pipe = || io::pipe().map_err(LabError::io("making a pipe"));
        let ((stop_receiver, first), (stop_sender, second)) = (pipe()?, pipe()?);
        let to = SocketAddr::new(upstream_address(family), port);
        let source = Source { socket: sender, to, period, stop: stop_sender, shared: Arc::clone(&shared) };
        let sink = Sink { socket: receiver, stop: stop_receiver, shared: Arc::clone(&shared) };
        let start = |name: &str, body: Box<dyn FnOnce() + Send>| {
            thread::Builder::new()
                .name(name.to_owned())
                .spawn(body)
                .map_err(LabError::io("starting the probe"))
        };
        let threads = vec![
            start("probe-in", Box::new(move || sink.run()))?,
            start("probe-out", Box::new(move || source.run()))?,
        ];
        Ok(Self { host: host.name().to_owned(), shared, stop: Some([first, second]), threads })
    }

    /// The sending host's name.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The counters now.
    #[must_use]
    pub fn counters(&self) -> ProbeCounters {
        let last = self.shared.last_arrival.load(Ordering::Relaxed);
        let silence = if last == 0 { Duration::ZERO } else { Stamp::now().since(Stamp::from_nanos(last)) };
        ProbeCounters {
            sent: count(self.shared.sent.len()),
            received: count(self.shared.arrivals.len()),
            longest_gap: Duration::from_nanos(self.shared.longest_gap.load(Ordering::Relaxed)),
            silence,
        }
    }

    /// Waits until `packets` probes sent after `since` have arrived. Whether they did.
    #[must_use]
    pub fn wait_flowing(&self, since: Stamp, packets: usize, timeout: Duration) -> bool {
        let enough = |arrivals: &[Arrival]| {
            let fresh = arrivals.iter().rev().take_while(|arrival| arrival.at > since);
            (fresh.take(packets).count() == packets).then_some(())
        };
        self.shared.arrivals.wait_for(0, timeout, enough).is_some()
    }

    /// Stops sending, waits for what is on its way, and gives everything.
    #[must_use]
    pub fn finish(mut self) -> ProbeRecord {
        let Some([receiver, sender]) = self.stop.take() else { return ProbeRecord::default() };
        drop(sender);
        let sent = self.threads.pop().map(JoinHandle::join);
        debug_assert!(sent.is_some_and(|joined| joined.is_ok()), "the sender ends without a panic");
        let all = self.shared.sent.len();
        // Everything still on its way arrives at once; a lost packet costs this much time.
        let _complete = self
            .shared
            .arrivals
            .wait_for(0, Duration::from_millis(50), |got| (got.len() >= all).then_some(()));
        drop(receiver);
        ProbeRecord {
            host: self.host.clone(),
            sent: self.shared.sent.look(0, <[Stamp]>::to_vec),
            arrivals: self.shared.arrivals.look(0, <[Arrival]>::to_vec),
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            // Its message has been printed if it panicked.
            let _ = thread.join();
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn receiving_socket(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(at)?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    // Beyond the ordinary limit only with privilege; the limit is what there is then.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER);
    Ok(socket)
}

fn sending_socket(at: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(at)?;
    socket.set_nonblocking(true)?;
    let _ = setsockopt(&socket, sockopt::SndBufForce, &SEND_BUFFER);
    Ok(socket)
}

struct Source {
    socket: UdpSocket,
    to: SocketAddr,
    period: Duration,
    stop: PipeReader,
    shared: Arc<Shared>,
}

impl Source {
    fn run(&self) {
        ask_for_real_time();
        let mut due = Stamp::now();
        for sequence in 0.. {
            let now = Stamp::now();
            // A refused packet is a lost packet: it counts as sent.
            let _ = self.socket.send_to(&probe_payload(sequence, now), self.to);
            self.shared.sent.append([now]);
            due = due.after(self.period);
            let now = Stamp::now();
            if now.since(due) > HOPELESSLY_LATE {
                due = now;
            }
            thread::sleep(due.since(now));
            // The pipe's reader sees its end at once: a poll that does not wait.
            if wait(self.stop.as_fd(), self.stop.as_fd(), Some(Duration::ZERO)) == Woken::Stopped {
                return;
            }
        }
    }
}

/// Gives the calling thread a real-time priority where that is permitted; elsewhere pacing is as good as it gets.
fn ask_for_real_time() {
    let thread = gettid().to_string();
    let mut command = Command::new("chrt");
    let _ = command.args(["-f", "-p", "10", &thread]).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

struct Sink {
    socket: UdpSocket,
    stop: PipeReader,
    shared: Arc<Shared>,
}

impl Sink {
    fn run(&self) {
        while wait(self.socket.as_fd(), self.stop.as_fd(), None) != Woken::Stopped {
            while let Some(arrival) = self.receive() {
                let last = self.shared.last_arrival.swap(arrival.at.as_nanos(), Ordering::Relaxed);
                if last != 0 {
                    let gap = arrival.at.as_nanos().saturating_sub(last);
                    self.shared.longest_gap.fetch_max(gap, Ordering::Relaxed);
                }
                self.shared.arrivals.append([arrival]);
            }
        }
    }

    fn receive(&self) -> Option<Arrival> {
        let mut payload = [0; 64];
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut payload)];
        let message =
            recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty()).ok()?;
        let at = message.cmsgs().ok()?.find_map(|control| {
            if let ControlMessageOwned::ScmTimestampns(time) = control { Some(stamp(time)) } else { None }
        });
        let (sequence, _) = read_probe_payload(&payload)?;
        Some(Arrival { at: at.unwrap_or_else(Stamp::now), sequence })
    }
}

/// All that a probe sent and what became of it.
#[derive(Clone, Debug, Default)]
pub struct ProbeRecord {
    /// The sending host.
    pub host: String,
    /// When each packet was sent, by its number.
    pub sent: Vec<Stamp>,
    /// What arrived, in the order of arrival.
    pub arrivals: Vec<Arrival>,
}

impl ProbeRecord {
    /// The longest silence at the upstream host within a span, and when it began. The span's ends count as arrivals.
    #[must_use]
    pub fn longest_gap(&self, from: Stamp, to: Stamp) -> (Duration, Stamp) {
        let inside = self.arrivals.iter().map(|arrival| arrival.at).filter(|at| (from..=to).contains(at));
        let mut longest = (Duration::ZERO, from);
        let mut last = from;
        for at in inside.chain([to]) {
            if at.since(last) > longest.0 {
                longest = (at.since(last), last);
            }
            last = at;
        }
        longest
    }

    /// How many of the packets sent within a span never arrived.
    #[must_use]
    pub fn lost(&self, from: Stamp, to: Stamp) -> u64 {
        let arrived = self.copies();
        let lost = self.sent_within(from, to).filter(|sequence| !arrived.contains_key(sequence)).count();
        count(lost)
    }

    /// How many of the packets sent within a span arrived more than once.
    #[must_use]
    pub fn duplicated(&self, from: Stamp, to: Stamp) -> u64 {
        let arrived = self.copies();
        count(
            self.sent_within(from, to)
                .filter(|sequence| arrived.get(sequence).is_some_and(|n| *n > 1))
                .count(),
        )
    }

    /// The longest time within a span in which the host itself sent nothing: an outage no longer says nothing.
    #[must_use]
    pub fn sender_gap(&self, from: Stamp, to: Stamp) -> Duration {
        let inside: Vec<_> = self.sent.iter().filter(|at| (from..=to).contains(at)).collect();
        let gaps = inside.iter().zip(inside.iter().skip(1)).map(|(earlier, later)| later.since(**earlier));
        gaps.max().unwrap_or_default()
    }

    fn sent_within(&self, from: Stamp, to: Stamp) -> impl Iterator<Item = u64> {
        (0_u64..)
            .zip(&self.sent)
            .filter(move |(_, at)| (from..=to).contains(at))
            .map(|(sequence, _)| sequence)
    }

    fn copies(&self) -> BTreeMap<u64, u32> {
        let mut copies = BTreeMap::new();
        for arrival in &self.arrivals {
            *copies.entry(arrival.sequence).or_insert(0) += 1;
        }
        copies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Stamp {
        Stamp::from_nanos(millis * 1_000_000)
    }

    fn record() -> ProbeRecord {
        let arrived = [(11, 1), (12, 2), (17, 7), (17, 7), (19, 9)];
        ProbeRecord {
            host: "h1".to_owned(),
            sent: (0..10).map(|sequence| at(10 + sequence)).collect(),
            arrivals: arrived.map(|(millis, sequence)| Arrival { at: at(millis), sequence }).to_vec(),
        }
    }

    #[test]
    fn the_longest_gap_is_found_with_its_start() {
        assert_eq!(record().longest_gap(at(11), at(19)), (Duration::from_millis(5), at(12)));
    }

    #[test]
    fn silence_at_the_end_counts() {
        assert_eq!(record().longest_gap(at(17), at(30)), (Duration::from_millis(11), at(19)));
    }

    #[test]
    fn losses_and_duplicates_are_of_the_span() {
        let record = record();
        assert_eq!(record.lost(at(11), at(19)), 5);
        assert_eq!(record.lost(at(10), at(12)), 1);
        assert_eq!(record.duplicated(at(10), at(19)), 1);
        assert_eq!(record.duplicated(at(18), at(19)), 0);
        assert_eq!(record.sender_gap(at(10), at(19)), Duration::from_millis(1));
    }
}
