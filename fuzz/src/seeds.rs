//! What the fuzzer begins with: known packets, packets that the codec writes here and now, captures where there are any.

use std::path::PathBuf;

use fhrp_lab::capture_file::{self, Link};
use fhrp_lab::testing;
use fhrp_wire::envelope::{self, Packet, udp};

use crate::Chance;

const VRRP: [&str; 8] = [
    "2105640100016ffa0a0000fe0000000000000000",
    "2105640101010a940a0000fe3132333400000000",
    "2101c801fe0330930a00001e0000000000000000fe1c010000000a00000a0000000019b30f74c7ba6486ced3151a50514b79",
    "3105640100645f970a0000fe",
    "31056401006475070a0000fe",
    "3105640200646c31fe800000000000000000000000000254fd00000a000000000000000000000254",
    "01005e00001200005e000105080045c0002000000000ff70d09a0a000001e00000123105640100645f970a0000fe",
    "33330000000100005e00020a86dd6c00000000403afffe80000000000000000000005e00020aff020000000000000000000000000001\
     86009e74400007080000000000000000010100005e00020a05010000000005dc\
     030440c0000151800000384000000000fd00000a000000000000000000000000",
];

const GLBP: [&str; 5] = [
    "010000010000c2007cb80000011c002000c8000000000bb8000027100258384000000104c0a800010214012000a764003840025800000007b4000101",
    "010100010000c2027cca00000214000000000000000000000000000000000000",
    "010200010000c2007cb8000002140200000000000000000000000007b4000102",
    "010000010000aabbcc000a000318031400000001865e3d0c969304fa3e8e6a00b1abb0a90414013df1c8bea4aabbcc0014005e96903f0bb8\
     011c00200082000000000bb80000271002583840000001040a0102010214012000a764013840025800870007b4000101",
    "0100002e0000aabbcc000a00030a010667656865696d\
     012800200064000000000bb8000027100258384000000210fe800000000000000007b4fffe002e000214012000a764003840025800000007b4002e01",
];

const HSRP: [&str; 9] = [
    "000010030ac80100636973636f000000c0a80001",
    "000010030a64010000000000000000000a000064041c010000000a00001400000000f02fc41b1b516e2d1261d8800d39ccea",
    "00030001000e0300000100026f000000",
    "0128020005040398700f6aeff5bf0000005a00000bb8000027100a34dc7e0000000000000000000000000308636973636f000000",
    "0128020006040001aabbcc000a000000006400000bb8000027100a000064000000000000000000000000\
     041c010000000a00000a00000000642fedafe1f374bd2fdd8f1ba81d87a2",
    "01280200060600100200000000010000006400000bb800002710fe80000000000000000573fffea00010\
     041c01000000000000010000000717800776f49640e77b5d7fbae98aeca7",
    "020400010000",
    "0300020400010000",
    "01005e000066aabbcc001400080045c00022000000000111ce910a000014e000006607c107c1000e03d1020400000001",
];

pub(crate) const CONFIG: [&str; 3] = [
    include_str!("../seeds/vrrp.toml"),
    include_str!("../seeds/hsrp.toml"),
    include_str!("../seeds/glbp.toml"),
];

const CONTROL: [&str; 6] = [
    r#"{"id":1,"method":"show"}"#,
    r#"{"id":"a","method":"version","params":null}"#,
    r#"{"method":"reload","params":{}}"#,
    r#"{"id":null,"method":"track","params":{"name":"uplink","state":"up"}}"#,
    r#"{"id":[1.5e3,{"x":true}],"method":"track","params":{"state":"down","name":"é\n"}}"#,
    r#"{"id":18446744073709551615,"method":"shwo"}"#,
];

const SCRIPTS: [&str; 4] = [
    "at 3s cut r1 eth0; at 5s kill r2 for 10s; loss 40% on eth0 from r1 to r2",
    "# first\nat 100ms crash r1\nat 2s start r1\nstop r2 for 3s; stall r1 for 2s\nend at 30s",
    "at 1s split r1 | r2 for 4s; heal; delay 20ms to r2; at 6s track r1 uplink down; at 9s track r1 uplink up",
    "at 1s priority r1 10 50 for 5s; priority r2 vrrp:10 200; restore r1; power r2 off; at 7s power r2 on",
];

/// Packets of the codec for each target.
const WRITTEN: usize = 64;
const ENGINE_INPUTS: usize = 48;
const ENGINE_OCTETS: usize = 1200;
/// Frames of each capture: the next ones say the same again.
const OF_EACH_CAPTURE: usize = 40;
const CAPTURE_OCTETS_MAX: u64 = 40_000;

/// Inputs for the target of this name, the same every time; none for a name that is none.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "config" => CONFIG.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "control" => CONTROL.iter().map(|text| text.as_bytes().to_vec()).collect(),
        "decode_file" => files(),
        "decode_glbp" => with_frames(known(&GLBP)),
        "decode_hsrp" => with_frames(known(&HSRP)),
        "decode_vrrp" => with_frames(known(&VRRP)),
        "engine" => happenings(),
        "script" => scripts(),
        _ => Vec::new(),
    }
}

/// The known packets of the target: messages, and frames with everything around them.
#[must_use]
pub fn known_packets(target: &str) -> Vec<Vec<u8>> {
    match target {
        "decode_glbp" => known(&GLBP),
        "decode_hsrp" => known(&HSRP),
        "decode_vrrp" => known(&VRRP),
        _ => Vec::new(),
    }
}

/// Whole frames that the codec wrote, of every protocol; `count` of them from the numbers of `chance`.
pub fn frames(chance: &mut Chance, count: usize) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while frames.len() < count {
        let frame = crate::engine::written(&chance.octets(96));
        if !frame.is_empty() {
            frames.push(frame);
        }
    }
    frames
}

/// The first frames of each capture that is at hand, with the file's name; they are looked for beside
/// the workspace.
#[must_use]
pub fn captured() -> Vec<(String, Vec<u8>)> {
    let mut frames = Vec::new();
    for path in captures() {
        let Ok(file) = std::fs::File::open(&path) else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut kept = Vec::new();
        let _ = capture_file::packets(file, |captured| {
            let whole = captured.octets.len() == captured.length;
            if captured.link == Link::Ethernet && whole && kept.len() < OF_EACH_CAPTURE {
                kept.push((name.clone(), captured.octets.to_vec()));
            }
        });
        frames.append(&mut kept);
    }
    frames
}

fn captures() -> Vec<PathBuf> {
    let Some(Ok(entries)) = testing::captures().map(std::fs::read_dir) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_capture = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["cap", "pcap", "pcapng"].iter().any(|e| *e == extension))
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_capture).collect();
    paths.sort();
    paths
}

fn known(packets: &[&str]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| octets(packet)).collect()
}

fn octets(text: &str) -> Vec<u8> {
    let digits = |at: usize| text.get(2 * at..2 * at + 2).unwrap_or_default();
    (0..text.len() / 2).map(|at| u8::from_str_radix(digits(at), 16).unwrap_or_default()).collect()
}

/// The frames, and what they carry by itself.
fn with_frames(mut known: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let written = frames(&mut Chance::new(1), WRITTEN);
    let captured = captured().into_iter().map(|(_, frame)| frame);
    for frame in written.into_iter().chain(captured) {
        if let Some(payload) = payload(&frame) {
            known.push(payload);
            known.push(frame);
        }
    }
    known
}

fn payload(frame: &[u8]) -> Option<Vec<u8>> {
    let frame = envelope::parse(frame).ok()?;
    if let Ok(Some(datagram)) = udp::parse(&frame.packet) {
        return Some(datagram.payload.to_vec());
    }
    match frame.packet {
        Packet::Ipv4(ip) => Some(ip.payload.to_vec()),
        Packet::Ipv6(ip) => Some(ip.payload.to_vec()),
        Packet::Arp(_) | Packet::Other(_) => None,
    }
}

/// Capture files in every format, and packets as people type them.
fn files() -> Vec<Vec<u8>> {
    let frames = frames(&mut Chance::new(2), 12);
    let mut files: Vec<Vec<u8>> = [1_u16, 101, 113, 276].map(|link| pcap(link, &frames)).into();
    files.push(pcapng(&frames));
    let typed = VRRP.iter().chain(&HSRP).chain(&GLBP);
    files.extend(typed.map(|text| text.as_bytes().to_vec()));
    let small = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|file| file.len() < CAPTURE_OCTETS_MAX);
    files.extend(captures().into_iter().filter(small).filter_map(|path| std::fs::read(path).ok()));
    files
}

/// Classic pcap, little endian, microseconds: a header of 24 octets, 16 before each frame.
#[must_use]
pub fn pcap(link: u16, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = octets("d4c3b2a1020004000000000000000000ffff0000");
    file.extend(u32::from(link).to_le_bytes());
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
        file.extend([[0; 4], [0; 4], length, length].concat());
        file.extend_from_slice(frame);
    }
    file
}

/// A section, an interface with nanoseconds and an offset, a packet in an enhanced block each, one in a simple block.
fn pcapng(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = block(0x0a0d_0d0a, &octets("4d3c2b1a01000000ffffffffffffffff"));
    let options = octets("09000100090000000e000800050000000000000000000000");
    file.extend(block(1, &[&octets("0100000000000400")[..], &options].concat()));
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut body = [[0; 4], [1, 0, 0, 0], [2, 0, 0, 0], length, length].concat();
        body.extend_from_slice(frame);
        file.extend(block(6, &body));
    }
    if let Some(frame) = frames.first() {
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_le_bytes();
        file.extend(block(3, &[&length[..], frame].concat()));
    }
    file
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = u32::try_from(body.len() + padding + 12).unwrap_or(u32::MAX).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &vec![0; padding], &length].concat()
}

/// Each about routers of each protocol.
fn scripts() -> Vec<Vec<u8>> {
    let of = |choice: u8| SCRIPTS.iter().map(move |script| [&[choice], script.as_bytes()].concat());
    (0..3).flat_map(of).collect()
}

fn happenings() -> Vec<Vec<u8>> {
    let mut chance = Chance::new(3);
    let input = |_| {
        let octets = 1 + chance.below(ENGINE_OCTETS);
        chance.octets(octets)
    };
    (0..ENGINE_INPUTS).map(input).collect()
}
