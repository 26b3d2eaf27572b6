//! A flood of frames that are no good: made of real ones, each breaking a rule, sent by a host.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use fhrp_sim::Rng;
use fhrp_wire::MacAddr;

use crate::{
    error::{LabError, Result},
    frame::reheadered,
    reach::Injector,
};

/// Octets in front of the IP header.
const ETHERNET: usize = 14;

/// A running flood. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Flood {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Flood {
    /// Repeats `frames`, `rate` a second.
    ///
    /// # Errors
    /// [`LabError::Io`] if no thread can be had.
    pub(super) fn start(injector: Injector, frames: Vec<Vec<u8>>, rate: u16) -> Result<Self> {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let pace = Duration::from_secs(1) / u32::from(rate.max(1));
        let body = move || {
            for frame in frames.iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // A frame that the queue has no room for is one less of the flood.
                if injector.send(frame).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(pace);
            }
        };
        let thread = thread::Builder::new().name("flood".to_owned()).spawn(body);
        let thread = thread.map_err(LabError::io("starting a flood"))?;
        Ok(Self { stop, sent, thread: Some(thread) })
    }

    /// How many frames were sent.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Its message has been printed if it panicked.
            let _ = thread.join();
        }
    }
}

/// What breaks a rule each, made of a frame that a router sent. They come from the MAC address of their sender: they are
/// not to lead switches astray.
pub(super) fn spoilt(frame: &[u8], sender: MacAddr, rng: &mut Rng) -> Vec<Vec<u8>> {
    let Some(payload) = payload_at(frame) else { return Vec::new() };
    let mut own = frame.to_vec();
    if let Some(source) = own.get_mut(6..12) {
        source.copy_from_slice(&sender.octets());
    }
    let changed = |at: usize, octet: u8| {
        let mut changed = own.clone();
        changed.get_mut(at).map(|place| std::mem::replace(place, octet))?;
        Some(changed)
    };
    // A version that no protocol has; for version 2 of HSRP, a type of message.
    let mut frames = vec![changed(payload, 0xf7)];
    frames.push(own.get(..payload + 3).map(<[u8]>::to_vec));
    let mut nonsense = own.clone();
    for octet in nonsense.iter_mut().skip(payload) {
        *octet = u8::try_from(rng.below(256)).unwrap_or(0);
    }
    // Chance might hit a version that exists.
    if let Some(first) = nonsense.get_mut(payload) {
        *first |= 0xf0;
    }
    frames.push(Some(nonsense));
    frames.into_iter().flatten().filter_map(|frame| reheadered(&frame)).collect()
}

/// Where the protocol's own octets begin.
fn payload_at(frame: &[u8]) -> Option<usize> {
    const UDP: u8 = 17;
    let (protocol, behind) = match frame.get(12..14)? {
        [0x08, 0x00] => (*frame.get(23)?, ETHERNET + usize::from(frame.get(ETHERNET)? & 0xf) * 4),
        [0x86, 0xdd] => (*frame.get(20)?, ETHERNET + 40),
        _ => return None,
    };
    Some(if protocol == UDP { behind + 8 } else { behind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Kind;

    /// A VRRPv3 advertisement over IPv4.
    fn advertisement() -> Vec<u8> {
        let mut frame = vec![1, 0, 0x5e, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 3, 8, 0];
        frame.extend([0x45, 0xc0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0, 192, 0, 2, 11, 224, 0, 0, 18]);
        frame.extend([0x31, 3, 200, 1, 0, 20, 0, 0, 192, 0, 2, 3]);
        frame
    }

    #[test]
    fn spoilt_frames_say_nothing_and_come_from_their_sender() {
        assert!(Kind::of(&advertisement()).advertisement().is_some());
        let sender = MacAddr([2, 0, 0, 0, 0, 112]);
        let frames = spoilt(&advertisement(), sender, &mut Rng::new(1));
        assert_eq!(frames.len(), 3);
        for frame in frames {
            assert_eq!(frame[6..12], sender.octets());
            assert!(Kind::of(&frame).advertisement().is_none(), "{frame:02x?}");
        }
        assert!(spoilt(&[0; 60], sender, &mut Rng::new(1)).is_empty());
    }
}
