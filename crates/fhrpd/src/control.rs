//! The control socket: JSON lines over a Unix stream, `{id, method, params}` in, `{id, result}` or `{id, error}` out.
//!
//! Methods: `show` (a [`crate::report::Report`]), `version`, `reload`, `track` (with `{"name": …, "state": "up"}` or
//! `"down"`). Whoever may open the socket may ask: mode 0600,
//! or 0660 with a group of users. A line, a client's patience and the number of clients are bounded.

mod client;
mod listen;
pub mod request;
mod serve;

use fhrp::{TrackName, TrackState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

pub use client::{AskError, ask, ask_with};
pub(crate) use listen::knows_group;
pub use listen::{BindError, Socket, bind};
pub use serve::serve;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back with the answer.
    #[serde(default)]
    pub id: Value,
    /// `show`, `version`, `reload` or `track`.
    pub method: String,
    /// What the method needs to know.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub params: Value,
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// The request's.
    #[serde(default)]
    pub id: Value,
    /// What the method gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it gives nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A question for the daemon's main loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The whole report.
    Show,
    /// Read the configuration file again.
    Reload,
    /// A tracked object is like this now.
    Track {
        /// Which.
        name: TrackName,
        /// What it is.
        state: TrackState,
    },
}

/// A question with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What.
    pub question: Question,
    /// Where the answer goes, a JSON text, or why there is none.
    pub answer: oneshot::Sender<Result<String, String>>,
}
