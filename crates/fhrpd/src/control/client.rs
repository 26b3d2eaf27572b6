//! Asking a running daemon.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::{Request, Response};
use crate::config::reason;

const PATIENCE: Duration = Duration::from_secs(10);

/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens.
    #[error("fhrpd is not running (nobody answers at {}); start it with `fhrpd run`, or name its socket with --socket or --config", .0.display())]
    NotRunning(PathBuf),
    /// Not for this user.
    #[error("not allowed to ask at {}; run as root, or set `control_group` and join that group", .0.display())]
    Forbidden(PathBuf),
    /// The daemon said no.
    #[error("fhrpd says: {0}")]
    Refused(String),
    /// Something else.
    #[error("asking at {}: {}", path.display(), reason(error))]
    System {
        /// Where.
        path: PathBuf,
        /// What went wrong.
        error: io::Error,
    },
}

/// Asks the daemon at `socket` and waits for the answer, at most ten seconds.
///
/// # Errors
/// See [`AskError`].
pub fn ask(socket: &Path, method: &str) -> Result<Value, AskError> {
    ask_with(socket, method, Value::Null)
}

/// As [`ask`], with what the method needs to know.
///
/// # Errors
/// See [`AskError`].
pub fn ask_with(socket: &Path, method: &str, params: Value) -> Result<Value, AskError> {
    let system = |error: io::Error| AskError::System { path: socket.to_owned(), error };
    let stream = UnixStream::connect(socket).map_err(|error| refusal(socket, error))?;
    let request = Request { id: Value::from(1), method: method.to_owned(), params };
    let response = exchange(&stream, &request).map_err(system)?;
    match response {
        Response { error: Some(why), .. } => Err(AskError::Refused(why)),
        Response { result, .. } => Ok(result.unwrap_or_default()),
    }
}

fn refusal(socket: &Path, error: io::Error) -> AskError {
    let path = socket.to_owned();
    let kind = error.kind();
    if kind == ErrorKind::NotFound || kind == ErrorKind::ConnectionRefused {
        AskError::NotRunning(path)
    } else if kind == ErrorKind::PermissionDenied {
        AskError::Forbidden(path)
    } else {
        AskError::System { path, error }
    }
}

fn exchange(stream: &UnixStream, request: &Request) -> io::Result<Response> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    let mut to = stream;
    to.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "no answer"));
    }
    Ok(serde_json::from_str(&answer)?)
}
