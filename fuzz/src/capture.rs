//! Capture files and hexadecimal text, as `fhrpd decode` reads them.

use fhrpd::decode::{Format, Key, Totals, decode_capture, decode_typed};
use serde_json::Value;

/// Reads `data` as a capture file and as hexadecimal text. Whatever is in it, the output is what it promises to be: a JSON
/// object or a line for each frame of a protocol of ours, then the totals.
///
/// # Panics
/// When it is not: that is the finding.
pub fn decode_file(data: &[u8]) {
    let key = Key::new("geheim", None).expect("not empty");
    for format in [Format::Text, Format::Json] {
        let mut out = Vec::new();
        let totals = decode_capture(data, Some(&key), format, &mut out).ok().map(|decoded| decoded.totals);
        check(format, totals, out);
        let Ok(text) = std::str::from_utf8(data) else { continue };
        let mut out = Vec::new();
        let totals = decode_typed(text, Some(&key), format, &mut out).ok().map(|decoded| decoded.totals);
        check(format, totals, out);
    }
}

fn check(format: Format, totals: Option<Totals>, out: Vec<u8>) {
    let out = String::from_utf8(out).expect("text");
    let lines: Vec<&str> = out.lines().collect();
    assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{out:?}");
    if let Some(Totals { frames, decoded, malformed }) = totals {
        assert!(decoded + malformed <= frames);
        let shown = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        assert_eq!(shown, decoded + malformed + 1, "{out}");
    }
    if format == Format::Json {
        for line in lines {
            let value: Value = serde_json::from_str(line).expect("JSON");
            assert!(value.is_object());
        }
    }
}
