//! Another program's opinion: what tshark makes of frames.

use std::path::Path;
use std::process::Command;

use bytes::BytesMut;

/// A frame, and what tshark has to say about some fields.
pub struct Case {
    pub name: &'static str,
    pub frame: BytesMut,
    pub fields: Vec<(&'static str, &'static str)>,
}

/// A frame that is not malformed, with the fields it has in common with others and its own.
pub fn case(
    name: &'static str,
    frame: BytesMut,
    common: &[(&'static str, &'static str)],
    own: &[(&'static str, &'static str)],
) -> Case {
    let healthy = [("_ws.malformed", "")];
    Case { name, frame, fields: [&healthy[..], common, own].concat() }
}

/// Asserts every field of every case, or says that the test is skipped.
pub fn agrees(cases: &[Case]) {
    if Command::new("tshark").arg("--version").output().is_err() {
        return super::skip("tshark", "there is no such program");
    }
    let mut names: Vec<&str> = cases.iter().flat_map(|case| &case.fields).map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let rows = decode(cases, &names);
    assert_eq!(rows.len(), cases.len());
    for (case, row) in cases.iter().zip(&rows) {
        for (name, value) in &case.fields {
            let index = names.iter().position(|other| other == name).unwrap();
            assert_eq!(row[index], *value, "{name} of {}", case.name);
        }
    }
    println!("tshark decoded {} frames as they were meant", cases.len());
}

/// One row for each frame, one column for each field.
fn decode(cases: &[Case], names: &[&str]) -> Vec<Vec<String>> {
    let thread = std::thread::current().name().unwrap_or("?").replace(':', "-");
    let file = std::env::temp_dir().join(format!("fhrp-wire-{}-{thread}.pcap", std::process::id()));
    std::fs::write(&file, pcap(cases)).unwrap();
    let output = tshark(&file).args(names.iter().flat_map(|name| ["-e", name])).output().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

fn tshark(file: &Path) -> Command {
    let mut command = Command::new("tshark");
    command.args(["-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"]);
    command.args(["-T", "fields", "-E", "separator=|", "-r"]).arg(file);
    command
}

/// Classic pcap, little endian, microseconds, Ethernet: a header of 24 octets, 16 before each frame.
fn pcap(cases: &[Case]) -> Vec<u8> {
    let mut file = super::hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000");
    for case in cases {
        let octets = u32::try_from(case.frame.len()).unwrap().to_le_bytes();
        file.extend([[0; 4], [0; 4], octets, octets].concat());
        file.extend_from_slice(&case.frame);
    }
    file
}
