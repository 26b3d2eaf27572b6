//! The control socket: JSON lines over a Unix stream, `{id, method, params}` in, `{id, result}` or `{id, error}` out.
//!
//! Methods: `show` (a [`crate::report::Report`]), `version`, `reload`. Whoever may open the socket may ask: mode 0600,
//! or 0660 with a group of users. A line, a client's patience and the number of clients are bounded.

mod client;
mod listen;
mod serve;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::oneshot;

pub use client::{AskError, ask};
pub use listen::{BindError, Socket, bind};
pub use serve::serve;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Comes back with the answer.
    #[serde(default)]
    pub id: Value,
    /// `show`, `version` or `reload`.
    pub method: String,
    /// For methods to come.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The whole report.
    Show,
    /// Read the configuration file again.
    Reload,
}

/// A question with the way back.
#[derive(Debug)]
pub struct Asked {
    /// What.
    pub question: Question,
    /// Where the answer goes, a JSON text, or why there is none.
    pub answer: oneshot::Sender<Result<String, String>>,
}
