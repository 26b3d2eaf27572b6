//! Linux backend: virtual MACs and addresses through netlink, frames through packet sockets
#![deny(unsafe_code)]

mod backend;
mod bases;
mod bpf;
mod calendar;
mod clock;
mod device;
mod error;
mod event_loop;
mod execute;
mod facts;
mod host;
mod leftovers;
mod links;
mod mend;
mod monitor;
mod names;
mod nft;
mod packets;
mod plan;
mod realtime;
mod requests;
mod socket;
mod state_file;
#[expect(unsafe_code, reason = "system calls that no safe crate offers")]
mod sys;
mod sysctl;
mod worker;

pub use backend::{NetlinkBackend, NetlinkOptions, cleanup};
pub use calendar::Calendar;
pub use clock::TimerFd;
pub use error::NetlinkError;
pub use event_loop::EventLoop;
pub use packets::{PacketCounters, PacketSockets};
pub use realtime::{RealTime, Refusal, Wish, share_heap, trim_heap};
