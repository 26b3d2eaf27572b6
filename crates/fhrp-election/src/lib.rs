//! Who is active: one contest among the routers of a link, as a pure state machine with rules as data.
//!
//! An [`Election`] is one router's view of one contest: it is told what was heard, what was asked and what
//! time it is, and it answers with [`Effect`]s. It reads no clock, holds no bytes, allocates nothing and
//! knows no protocol: what distinguishes the protocols is a [`Rules`] value, and the constants in `rules.rs`
//! are all there are.
//!
//! ```text
//!   Advert ──► handle_advert ─┐                      ┌─► Effect::Moved { from, to, cause }
//!   time   ──► handle_timeout ┼─► Election ── out ───┼─► Effect::Advertise
//!   wishes ──► start / stop / │      │               ├─► Effect::Coup
//!              retune         ┘      ▼               └─► Effect::Resign
//!                               next_deadline
//! ```
//!
//! How to drive it: call one of the methods that take `now`, act on `out` in order, ask
//! [`Election::next_deadline`] and call [`Election::handle_timeout`] not before then. Early and repeated
//! calls are harmless.

#![forbid(unsafe_code)]

mod contest;
mod machine;
mod rank;
mod rules;
mod time;

pub use contest::{Advert, Cause, Claim, Effect, Heard, State};
pub use machine::{Election, Timers};
pub use rank::{Candidacy, Preempt, Rank};
pub use rules::{
    Challenge, Concession, Ownership, Pacing, Rebuttal, Resignation, Rules, Silence, Succession, Takeover,
};
pub use time::Instant;
