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

/// A sender that is later than this wants processor time.
const SENDER_STALL: Duration = Duration::from_millis(5);

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
    period: Duration,
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
        Ok(Self { host: host.name().to_owned(), period, shared, stop: Some([first, second]), threads })
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
            period: self.period,
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

/// A time in which nothing arrived although it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The last arrival before it.
    pub begin: Stamp,
    /// The first arrival after it.
    pub end: Stamp,
    /// The time between, without what the host itself sent nothing in at either end.
    pub lasted: Duration,
}

/// All that a probe sent and what became of it.
#[derive(Clone, Debug, Default)]
pub struct ProbeRecord {
    /// The sending host.
    pub host: String,
    /// How often it was to send.
    pub period: Duration,
    /// When each packet was sent, by its number.
    pub sent: Vec<Stamp>,
    /// What arrived, in the order of arrival.
    pub arrivals: Vec<Arrival>,
}

impl ProbeRecord {
    /// The longest outage within a span, whose ends count as arrivals.
    #[must_use]
    pub fn outage(&self, from: Stamp, to: Stamp) -> Outage {
        let inside = self.arrivals.iter().map(|arrival| arrival.at).filter(|at| (from..=to).contains(at));
        let mut longest = Outage { begin: from, end: from, lasted: Duration::ZERO };
        let mut last = from;
        for at in inside.chain([to]) {
            // What the sender did in it can only make it shorter.
            if at.since(last) > longest.lasted {
                let lasted = at.since(last).saturating_sub(self.unsaid(last, at));
                if lasted > longest.lasted {
                    longest = Outage { begin: last, end: at, lasted };
                }
            }
            last = at;
        }
        longest
    }

    /// Of a silence at the upstream host: for how long the host did not send either, at its begin and before the packet
    /// that ended it. In between, packets before and after were lost, and that nothing was sent makes no difference.
    fn unsaid(&self, begin: Stamp, end: Stamp) -> Duration {
        let after_begin = self.sent.partition_point(|at| *at <= begin);
        let after_end = self.sent.partition_point(|at| *at <= end);
        // Each is a pair of packets that were sent one after the other.
        let mut places = [after_begin, after_end.saturating_sub(1).max(after_begin)].to_vec();
        places.dedup();
        let stalls = places.into_iter().filter_map(|place| {
            let (earlier, later) = (self.sent.get(place.checked_sub(1)?)?, self.sent.get(place)?);
            let stalled = later.since(*earlier) > self.period + SENDER_STALL;
            stalled.then(|| (*later).min(end).since((*earlier).max(begin)))
        });
        stalls.sum()
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

    /// The longest time within a span in which the host itself sent nothing, for want of a processor.
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
            period: millis(1),
            sent: (0..10).map(|sequence| at(10 + sequence)).collect(),
            arrivals: arrived.map(|(millis, sequence)| Arrival { at: at(millis), sequence }).to_vec(),
        }
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_longest_outage_is_found_with_its_ends() {
        let expected = Outage { begin: at(12), end: at(17), lasted: millis(5) };
        assert_eq!(record().outage(at(11), at(19)), expected);
    }

    #[test]
    fn silence_at_the_end_counts() {
        let mut record = record();
        record.sent.extend((20..30).map(at));
        let expected = Outage { begin: at(19), end: at(30), lasted: millis(11) };
        assert_eq!(record.outage(at(17), at(30)), expected);
    }

    /// What is sent at the given times, one in ten of a millisecond later there unless it is lost.
    fn sent(times: &[u64], lost: impl Fn(u64) -> bool) -> ProbeRecord {
        let arrivals = (0..).zip(times).filter(|(_, time)| !lost(**time));
        ProbeRecord {
            host: "h1".to_owned(),
            period: millis(1),
            sent: times.iter().map(|time| at(*time)).collect(),
            arrivals: arrivals
                .map(|(sequence, time)| Arrival { at: at(*time).after(Duration::from_micros(100)), sequence })
                .collect(),
        }
    }

    #[test]
    fn a_sender_without_time_is_no_outage() {
        let stalled = sent(&[0, 1, 2, 300, 301, 302], |_| false);
        assert_eq!(stalled.outage(at(0), at(302)).lasted, millis(1));
        assert_eq!(stalled.sender_gap(at(0), at(302)), millis(298));
    }

    #[test]
    fn an_outage_ends_with_what_is_known_of_it() {
        let times: Vec<u64> = (0..100).chain(400..500).collect();
        // The gateway was away from 50 on; when it came back while the host slept, nobody knows.
        let slept_at_its_end = sent(&times, |time| (50..100).contains(&time));
        assert_eq!(slept_at_its_end.outage(at(0), at(499)).lasted, millis(50));
        // It went while the host slept.
        let slept_at_its_begin = sent(&times, |time| (400..450).contains(&time));
        assert_eq!(slept_at_its_begin.outage(at(0), at(499)).lasted, Duration::from_micros(50_100));
        // What was lost before and after shows that it was away all the time.
        let slept_meanwhile = sent(&times, |time| (50..450).contains(&time));
        assert_eq!(slept_meanwhile.outage(at(0), at(499)).lasted, millis(401));
    }

    #[test]
    fn packets_that_arrive_late_are_an_outage() {
        let mut queued = sent(&(0..200).collect::<Vec<_>>(), |_| false);
        for arrival in &mut queued.arrivals {
            if (50..100).contains(&arrival.sequence) {
                arrival.at = at(100);
            }
        }
        assert_eq!(queued.outage(at(0), at(199)).lasted, Duration::from_micros(50_900));
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
