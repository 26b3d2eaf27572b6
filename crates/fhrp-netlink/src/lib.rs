//! Linux backend: virtual MACs and addresses through netlink, frames through packet sockets
#![deny(unsafe_code)]

mod bpf;
mod clock;
mod packets;
mod realtime;
#[expect(unsafe_code, reason = "system calls that no safe crate offers")]
mod sys;

pub use clock::TimerFd;
pub use packets::{PacketCounters, PacketSockets};
pub use realtime::{RealTime, Refusal, Wish};
