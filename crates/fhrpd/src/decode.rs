//! `fhrpd decode`: what the daemon's codec makes of a capture file, or of octets typed in.

mod frame;
mod glbp;
mod hex;
mod hsrp;
mod text;
mod vrrp;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use fhrp_lab::capture_file::{self as capture, Link};
use fhrp_wire::hsrp::{InvalidKey, KeyBytes, TextKey};
use serde::Serialize;

pub use frame::{Fields, Malformed, Said};
pub use glbp::{ForwarderFields, GatewayFields, GlbpFields, NonceFields, PeerNonceFields};
pub use hsrp::{HsrpFields, InterfaceStateFields};
pub use vrrp::VrrpFields;

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A line a frame.
    Text,
    /// A JSON object a frame.
    Json,
}

/// A key to check authentication with.
pub struct Key {
    typed: String,
    octets: KeyBytes,
    id: Option<u32>,
}

impl Key {
    /// With an `id`, only digests that name it are checked; without one all are.
    ///
    /// # Errors
    /// It is empty.
    pub fn new(key: &str, id: Option<u32>) -> Result<Self, InvalidKey> {
        Ok(Self { typed: key.to_owned(), octets: KeyBytes::new(key)?, id })
    }

    /// For a digest that names this key of its sender's chain.
    fn for_id(&self, id: u32) -> Option<&KeyBytes> {
        self.id.is_none_or(|wanted| wanted == id).then_some(&self.octets)
    }

    /// For a text; a number speaks of digests only.
    fn text(&self) -> Option<&str> {
        self.id.is_none().then_some(self.typed.as_str())
    }

    /// For a text of eight octets; too long a key is none.
    fn text_of_eight(&self) -> Option<TextKey> {
        TextKey::new(self.text()?).ok()
    }
}

/// What was found in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Frames in the file, foreign ones included.
    pub frames: u64,
    /// Protocol frames that follow every rule.
    pub decoded: u64,
    /// Protocol frames that break one.
    pub malformed: u64,
}

/// What came of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// What was found in all.
    pub totals: Totals,
    /// What was not looked into.
    pub skipped: Skipped,
}

/// Frames of which nothing was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many have a link type, by its number, that cannot be read.
    pub unread: BTreeMap<i32, u64>,
    /// How many are of other protocols.
    pub foreign: u64,
}

impl Decoded {
    /// What a reader of the output would wonder about: frames that could not be read, and an input without any that is of
    /// a protocol of ours.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let Totals { decoded, malformed, .. } = self.totals;
        let Skipped { unread, foreign } = &self.skipped;
        let frames = |count: u64| if count == 1 { "1 frame".to_owned() } else { format!("{count} frames") };
        let unread = unread.iter().map(|(link, count)| {
            format!(
                "{}: link type {link} is not read; Ethernet, Linux cooked and bare IP are",
                frames(*count)
            )
        });
        let nothing = (*foreign > 0 && decoded + malformed == 0)
            .then(|| format!("{}: neither VRRP, HSRP nor GLBP", frames(*foreign)));
        unread.chain(nothing).collect()
    }
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum DecodeFailure {
    /// The input cannot be read.
    #[error("{0}")]
    Input(String),
    /// The output cannot be written; it may be that nobody reads it any more.
    #[error("{0}")]
    Output(io::Error),
}

/// Decodes `input`, the name of a capture file or hexadecimal octets, to `out`, and checks authentication with `key`.
///
/// # Errors
/// The input cannot be read, or not to its end; what came before has been written, without totals. Or `out` cannot be
/// written.
pub fn decode(
    input: &str,
    key: Option<&Key>,
    format: Format,
    out: impl Write,
) -> Result<Decoded, DecodeFailure> {
    print(format, out, |printer| feed(input, key, printer)).map_err(|failure| match failure {
        DecodeFailure::Input(why) => DecodeFailure::Input(format!("{input}: {why}")),
        DecodeFailure::Output(why) => DecodeFailure::Output(why),
    })
}

/// Decodes the capture file that `file` reads, to `out`, and checks authentication with `key`.
///
/// # Errors
/// It is none, or cannot be read to its end; what came before has been written, without totals. Or `out` cannot be written.
pub fn decode_capture(
    file: impl Read + Send,
    key: Option<&Key>,
    format: Format,
    out: impl Write,
) -> Result<Decoded, DecodeFailure> {
    print(format, out, |printer| feed_capture(file, key, printer))
}

/// Decodes hexadecimal octets to `out`, and checks authentication with `key`.
///
/// # Errors
/// They are none, or `out` cannot be written.
pub fn decode_typed(
    text: &str,
    key: Option<&Key>,
    format: Format,
    out: impl Write,
) -> Result<Decoded, DecodeFailure> {
    print(format, out, |printer| {
        printer.frame(None, hex::decode(&hex::octets(text)?, key));
        Ok(())
    })
}

fn print<W: Write>(
    format: Format,
    out: W,
    feed: impl FnOnce(&mut Printer<W>) -> Result<(), String>,
) -> Result<Decoded, DecodeFailure> {
    let out = BufWriter::new(out);
    let mut printer = Printer { out, format, decoded: Decoded::default(), written: Ok(()) };
    let fed = feed(&mut printer);
    let (decoded, written) = printer.finish(&fed);
    fed.map_err(DecodeFailure::Input)?;
    written.map_err(DecodeFailure::Output)?;
    Ok(decoded)
}

fn feed<W: Write>(input: &str, key: Option<&Key>, printer: &mut Printer<W>) -> Result<(), String> {
    let open = if input == "-" { File::open("/dev/stdin") } else { File::open(Path::new(input)) };
    let file = match open {
        Ok(file) => file,
        Err(error) => {
            let reason = crate::config::reason(&error);
            let octets = match hex::octets(input) {
                Ok(octets) => octets,
                // Whoever typed digits only meant digits.
                Err(why) if input.chars().all(|c| c.is_ascii_hexdigit()) => return Err(why),
                Err(_) => return Err(format!("{reason}, and not hexadecimal either")),
            };
            printer.frame(None, hex::decode(&octets, key));
            return Ok(());
        }
    };
    feed_capture(file, key, printer)
}

fn feed_capture<W: Write>(
    file: impl Read + Send,
    key: Option<&Key>,
    printer: &mut Printer<W>,
) -> Result<(), String> {
    let read = capture::packets(file, |captured| match captured.link {
        Link::Other(link) => printer.skip(link),
        Link::Ethernet | Link::Cooked | Link::Cooked2 | Link::Ip => {
            printer.frame(captured.time, frame::decode(&captured, key));
        }
    });
    read.map_err(|error| error.to_string())
}

struct Printer<W: Write> {
    out: BufWriter<W>,
    format: Format,
    decoded: Decoded,
    /// After the first failure nothing more is written.
    written: io::Result<()>,
}

/// A protocol frame as a JSON object.
#[derive(Serialize)]
struct Line<'a> {
    frame: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<std::net::IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<std::net::IpAddr>,
}

impl<W: Write> Printer<W> {
    fn frame(&mut self, time: Option<f64>, decoded: frame::Decoded) {
        let totals = &mut self.decoded.totals;
        totals.frames += 1;
        let Some(result) = decoded else {
            self.decoded.skipped.foreign += 1;
            return;
        };
        match &result {
            Ok(_) => totals.decoded += 1,
            Err(_) => totals.malformed += 1,
        }
        let frame = totals.frames;
        let line = match self.format {
            Format::Text => text::line(frame, time, &result),
            Format::Json => {
                let (fields, bad) = (result.as_ref().ok(), result.as_ref().err());
                let error = bad.map(|bad| bad.error.as_str());
                let (source, destination) = bad.map_or((None, None), |bad| (bad.source, bad.destination));
                let protocol = text::protocol(&result).to_string();
                json(&Line { frame, time, protocol, fields, error, source, destination })
            }
        };
        self.line(&line);
    }

    /// A frame of a link type that is not read.
    fn skip(&mut self, link: i32) {
        self.decoded.totals.frames += 1;
        *self.decoded.skipped.unread.entry(link).or_default() += 1;
    }

    /// With the totals where the input has been read to its end.
    fn finish(mut self, fed: &Result<(), String>) -> (Decoded, io::Result<()>) {
        if fed.is_ok() {
            let line = match self.format {
                Format::Text => {
                    let Totals { frames, decoded, malformed } = self.decoded.totals;
                    format!("{frames} frames, {decoded} decoded, {malformed} malformed")
                }
                Format::Json => json(&self.decoded.totals),
            };
            self.line(&line);
        }
        let written = self.written.and_then(|()| self.out.flush());
        (self.decoded, written)
    }

    fn line(&mut self, line: &str) {
        if self.written.is_ok() {
            self.written = writeln!(self.out, "{line}");
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
