//! Log lines that nobody has to wait for: a bounded queue, a thread that writes, and a count of what did not fit.
//!
//! A full pipe or a stopped console blocks that thread and nothing else.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry, fmt};

use crate::config::LogFormat;

/// Lines that wait to be written; with 200 octets a line, 200 kB.
const QUEUE_LINES: usize = 1024;
/// How long an exit waits for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(50);
/// The variable that says what is logged, such as `debug` or `fhrp=trace`.
const FILTER_VARIABLE: &str = "FHRPD_LOG";

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it has been written.
    Flush(Sender<()>),
}

/// The log of the process.
#[derive(Clone, Debug)]
pub struct Log {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

impl Log {
    /// A log that writes to `sink`, on a thread of its own.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn new(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        thread::Builder::new()
            .name("log".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || write_lines(&lines, &counter, sink))?;
        Ok(Self { queue, lost })
    }

    /// Makes it the log of the process. `FHRPD_LOG` says what is logged; without it, everything from `info` up.
    ///
    /// # Errors
    /// There is one already.
    pub fn install(&self, format: LogFormat) -> Result<(), TryInitError> {
        let wanted = std::env::var(FILTER_VARIABLE).ok();
        let filter = wanted.as_deref().and_then(|text| text.parse::<Targets>().ok());
        let filter = filter.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
        let layer = fmt::layer().with_writer(self.clone()).with_ansi(false).with_target(false);
        let layer = match format {
            LogFormat::Text => layer.with_filter(filter).boxed(),
            LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
        };
        Registry::default().with(layer).try_init()?;
        if let Some(text) = wanted.filter(|text| text.parse::<Targets>().is_err()) {
            tracing::warn!(
                "{FILTER_VARIABLE}={text} is not understood; write a level such as debug, or fhrp=trace"
            );
        }
        Ok(())
    }

    /// Waits until everything has been written, but not long.
    pub fn flush(&self) {
        let (done, written) = channel();
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

fn write_lines(lines: &Receiver<Message>, lost: &AtomicU64, mut sink: impl Write) {
    while let Ok(message) = lines.recv() {
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(sink, "fhrpd: {missing} log lines were lost, as the log was read too slowly");
        }
        match message {
            Message::Line(line) => drop(sink.write_all(&line)),
            Message::Flush(done) => {
                let _ = sink.flush();
                let _ = done.send(());
            }
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { log: self, text: Vec::new() }
    }
}

/// One line on its way into the queue; sent when dropped.
#[derive(Debug)]
pub struct Line<'a> {
    log: &'a Log,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let line = Message::Line(std::mem::take(&mut self.text));
        if self.log.queue.try_send(line).is_err() {
            self.log.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// A sink that takes nothing until it is opened.
    #[derive(Clone, Default)]
    struct Gated(Arc<Gate>);

    #[derive(Default)]
    struct Gate {
        /// Whether it is open, and what has come through.
        inside: Mutex<(bool, Vec<u8>)>,
        opened: Condvar,
    }

    impl Gated {
        fn open(&self) {
            self.0.inside.lock().unwrap().0 = true;
            self.0.opened.notify_all();
        }

        fn text(&self) -> String {
            String::from_utf8(self.0.inside.lock().unwrap().1.clone()).unwrap()
        }
    }

    impl Write for Gated {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            let inside = self.0.inside.lock().unwrap();
            self.0.opened.wait_while(inside, |inside| !inside.0).unwrap().1.extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn say(log: &Log, text: &str) {
        log.make_writer().write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn a_blocked_sink_costs_lines_and_not_time() {
        let sink = Gated::default();
        let log = Log::new(sink.clone()).unwrap();
        for number in 0..5000 {
            say(&log, &format!("line {number}\n"));
        }
        log.flush();
        sink.open();
        while !sink.text().contains("line 1023\n") {
            thread::yield_now();
        }
        say(&log, "last\n");
        while !sink.text().ends_with("last\n") {
            thread::yield_now();
        }
        let text = sink.text();
        assert!(text.contains("line 0\n") && text.contains("log lines were lost"), "{text}");
    }

    #[test]
    fn lines_come_out_in_order() {
        let sink = Gated::default();
        sink.open();
        let log = Log::new(sink.clone()).unwrap();
        say(&log, "one\n");
        say(&log, "two\n");
        while !sink.text().ends_with("two\n") {
            thread::yield_now();
        }
        assert_eq!(sink.text(), "one\ntwo\n");
    }
}
