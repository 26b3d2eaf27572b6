//! Everything that a command writes goes through here, so that what cannot be written is noticed: a reader that has gone
//! away has seen what it wanted, but a full disk has cost somebody something. The daemon's log has a way of its own.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::config;

/// Something that somebody waits for could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to {stream}: {}", config::reason(.why))]
pub(crate) struct Lost {
    stream: &'static str,
    why: io::Error,
}

/// Writes what was asked for to stdout.
///
/// # Errors
/// It is lost, and somebody would have read it.
pub(crate) fn print(text: &str) -> Result<(), Lost> {
    printed(write(io::stdout().lock(), text))
}

/// Writes to stderr what belongs to a success.
///
/// # Errors
/// It is lost, and somebody would have read it.
pub(crate) fn remark(text: &str) -> Result<(), Lost> {
    missed(write(io::stderr().lock(), text)).map_err(|why| Lost { stream: "stderr", why })
}

/// What became of something that was written to stdout by other means.
///
/// # Errors
/// It is lost, and somebody would have read it.
pub(crate) fn printed(outcome: io::Result<()>) -> Result<(), Lost> {
    missed(outcome).map_err(|why| Lost { stream: "stdout", why })
}

/// Writes to stderr what belongs to a failure, as far as that is possible; the failure is its own exit status.
pub(crate) fn complain(text: &str) {
    let _ = write(io::stderr().lock(), text);
}

/// Says why a command failed.
pub(crate) fn fail(why: &dyn Display, code: u8) -> ExitCode {
    complain(&format!("fhrpd: {why}\n"));
    ExitCode::from(code)
}

/// The exit status of a command that did what it should, given what became of its output.
pub(crate) fn status(written: Result<(), Lost>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(lost) => fail(&lost, 1),
    }
}

fn write(mut to: impl Write, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes()).and_then(|()| to.flush())
}

/// A reader that has gone away misses nothing.
fn missed(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|why| if why.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_somebody_who_reads_misses_something() {
        assert!(printed(Ok(())).is_ok());
        assert!(printed(Err(ErrorKind::BrokenPipe.into())).is_ok());
        let lost = printed(Err(io::Error::from_raw_os_error(28))).unwrap_err();
        assert_eq!(lost.to_string(), "cannot write to stdout: No space left on device");
    }
}
