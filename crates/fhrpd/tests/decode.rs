//! Capture files, written by hand here and taken from the field.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::io::Write as _;

use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, captures, require};
use fhrpd::decode::{Format, Totals, decode};
use serde_json::Value;

/// VRRPv3, VRID 10, priority 100, 1 s, 192.0.2.1, from 192.0.2.3; the checksum is over the message alone.
const MESSAGE: [u8; 12] = [0x31, 10, 100, 1, 0x00, 0x64, 0xa8, 0x8e, 192, 0, 2, 1];
/// Length 32, protocol 112, to 224.0.0.18; words 45c0+0020+0000+0000+ff70+c000+0203+e000+0012 give 2e765, folded
/// e767, complement 1898.
const IPV4: [u8; 20] = [0x45, 0xc0, 0, 32, 0, 0, 0, 0, 255, 112, 0x18, 0x98, 192, 0, 2, 3, 224, 0, 0, 18];
const MACS: [u8; 12] = [0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x00, 0x00, 0x5e, 0x00, 0x01, 0x0a];

fn packet() -> Vec<u8> {
    [&IPV4[..], &MESSAGE].concat()
}

fn frame() -> Vec<u8> {
    [&MACS[..], &[0x08, 0x00], &packet()].concat()
}

fn tagged(vlan: u8) -> Vec<u8> {
    [&MACS[..], &[0x81, 0x00, 0x00, vlan, 0x08, 0x00], &packet()].concat()
}

/// Somebody else's: an ARP request without a meaning.
fn foreign() -> Vec<u8> {
    [&MACS[..], &[0x08, 0x06], &[0; 28]].concat()
}

/// The frame with a TTL of 254 and the header checksum for it.
fn ttl_254() -> Vec<u8> {
    let mut frame = frame();
    frame[22] = 254;
    (frame[24], frame[25]) = (0x19, 0x98);
    frame
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn word(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn half(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

fn length(octets: &[u8]) -> u32 {
    u32::try_from(octets.len()).unwrap()
}

/// A pcap file of packets at 1700000000.25 s.
fn pcap(order: Order, magic: u32, link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let fraction = if magic == 0xa1b2_3c4d { 250_000_000 } else { 250_000 };
    let mut file = order.word(magic).to_vec();
    file.extend(order.half(2));
    file.extend(order.half(4));
    for word in [0, 0, 65_535, link] {
        file.extend(order.word(word));
    }
    for packet in packets {
        for word in [1_700_000_000, fraction, length(packet), length(packet)] {
            file.extend(order.word(word));
        }
        file.extend(packet);
    }
    file
}

/// A pcapng block: type, length, body padded to words, length.
fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let total = u32::try_from(padded).unwrap() + 12;
    let mut block = [order.word(kind), order.word(total)].concat();
    block.extend(body);
    block.resize(padded + 8, 0);
    block.extend(order.word(total));
    block
}

/// A pcapng file: a section, an interface of the link type, and one block for each packet, 1700000000.25 s in
/// microseconds.
fn pcapng(order: Order, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let section = [&order.word(0x1a2b_3c4d)[..], &order.half(1), &order.half(0), &[0xff; 8]].concat();
    let interface = [&order.half(link)[..], &order.half(0), &order.word(0)].concat();
    let mut file = [block(order, 0x0a0d_0d0a, &section), block(order, 1, &interface)].concat();
    let micros = 1_700_000_000_250_000_u64;
    let (high, low) = (u32::try_from(micros >> 32).unwrap(), u32::try_from(micros & 0xffff_ffff).unwrap());
    for packet in packets {
        let mut body: Vec<u8> = [0, high, low, length(packet), length(packet)]
            .into_iter()
            .flat_map(|word| order.word(word))
            .collect();
        body.extend(packet);
        file.extend(block(order, 6, &body));
    }
    file
}

/// What `decode --json` prints for a file of these octets, line by line; and whether it could be read to its end.
fn decoded(octets: &[u8]) -> (Vec<Value>, Result<Totals, String>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(octets).unwrap();
    let mut out = Vec::new();
    let outcome = decode(file.path().to_str().unwrap(), None, Format::Json, &mut out);
    let lines =
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, outcome.map_err(|error| error.to_string()))
}

#[test]
fn every_kind_of_file_gives_the_same() {
    let packets = [frame(), foreign()];
    for (name, file) in [
        ("little, µs", pcap(Order::Little, 0xa1b2_c3d4, 1, &packets)),
        ("big, µs", pcap(Order::Big, 0xa1b2_c3d4, 1, &packets)),
        ("little, ns", pcap(Order::Little, 0xa1b2_3c4d, 1, &packets)),
        ("big, ns", pcap(Order::Big, 0xa1b2_3c4d, 1, &packets)),
        ("ng, little", pcapng(Order::Little, 1, &packets)),
        ("ng, big", pcapng(Order::Big, 1, &packets)),
    ] {
        let (lines, outcome) = decoded(&file);
        assert_eq!(outcome, Ok(Totals { frames: 2, decoded: 1, malformed: 0 }), "{name}");
        assert_eq!(lines.len(), 2, "{name}");
        let expected = serde_json::json!({
            "frame": 1,
            "time": 1_700_000_000.25,
            "protocol": "vrrp",
            "fields": {
                "source": "192.0.2.3",
                "destination": "224.0.0.18",
                "source_mac": "00:00:5e:00:01:0a",
                "version": 3,
                "vrid": 10,
                "priority": 100,
                "advertisement_interval_ms": 1000.0,
                "addresses": ["192.0.2.1"],
                "checksum": "rfc9568",
            },
        });
        assert_eq!(lines[0], expected, "{name}");
        assert_eq!(lines[1], serde_json::json!({ "frames": 2, "decoded": 1, "malformed": 0 }), "{name}");
    }
}

#[test]
fn other_link_types() {
    let cooked = [&[0, 1, 0, 1, 0, 6, 0, 0, 0x5e, 0, 1, 10, 0, 0][..], &[0x08, 0x00], &packet()].concat();
    let cooked2 = [&[0x08, 0x00][..], &[0; 18], &packet()].concat();
    for (link, packet) in [(113, cooked), (276, cooked2), (101, packet()), (228, packet())] {
        let (lines, outcome) = decoded(&pcap(Order::Little, 0xa1b2_c3d4, link, &[packet]));
        assert_eq!(outcome, Ok(Totals { frames: 1, decoded: 1, malformed: 0 }), "{link}");
        assert_eq!(lines[0]["fields"]["vrid"], 10, "{link}");
    }
    let (_, outcome) = decoded(&pcap(Order::Little, 0xa1b2_c3d4, 147, &[frame()]));
    assert_eq!(outcome, Ok(Totals { frames: 1, decoded: 0, malformed: 0 }));
}

#[test]
fn vlan_tags_are_followed() {
    let (lines, _) = decoded(&pcap(Order::Little, 0xa1b2_c3d4, 1, &[tagged(7)]));
    assert_eq!(
        (&lines[0]["fields"]["vlan"], &lines[0]["fields"]["vrid"]),
        (&Value::from(7), &Value::from(10))
    );
}

#[test]
fn malformed_frames_name_the_rule() {
    let mut wrong_sum = frame();
    wrong_sum[36] ^= 1;
    let mut cut = frame();
    cut.truncate(40);
    let (lines, outcome) = decoded(&pcap(Order::Little, 0xa1b2_c3d4, 1, &[wrong_sum, ttl_254(), cut]));
    assert_eq!(outcome, Ok(Totals { frames: 3, decoded: 0, malformed: 3 }));
    let errors: Vec<&str> = lines[..3].iter().map(|line| line["error"].as_str().unwrap()).collect();
    assert_eq!(
        errors,
        [
            "wrong checksum",
            "TTL or hop limit 254 instead of 255",
            "IPv4 total length 32 with 26 octets received"
        ]
    );
    assert_eq!((&lines[0]["source"], lines[0].get("fields")), (&Value::from("192.0.2.3"), None));
}

#[test]
fn what_is_no_capture_is_said() {
    assert!(decoded(b"hello, this is no capture at all").1.unwrap_err().ends_with("neither pcap nor pcapng"));
    assert!(decoded(b"").1.unwrap_err().ends_with("neither pcap nor pcapng"));
}

/// Every truncation of a file is reported, or ends at a packet's end; none panics, none hangs.
#[test]
fn truncated_files_are_reported() {
    let files = [
        pcap(Order::Little, 0xa1b2_c3d4, 1, &[frame(), frame()]),
        pcapng(Order::Big, 1, &[frame(), frame()]),
    ];
    for file in files {
        let (lines, outcome) = decoded(&file[..file.len() - 3]);
        assert!(outcome.unwrap_err().ends_with("the file ends inside a packet"));
        assert_eq!(lines.last().unwrap()["decoded"], 1);
        let whole = (0..file.len()).filter(|end| decoded(&file[..*end]).1.is_ok()).count();
        assert!(whole <= 3, "{whole}");
    }
}

/// Every flipped bit of a file: the reader ends, one way or another.
#[test]
fn damaged_files_end() {
    for file in [pcap(Order::Big, 0xa1b2_c3d4, 1, &[frame()]), pcapng(Order::Little, 1, &[frame()])] {
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let (lines, _) = decoded(&damaged);
            assert!(lines.last().unwrap()["frames"].as_u64().unwrap() <= 2, "bit {bit}");
        }
    }
}

#[test]
fn hexadecimal_on_the_command_line() {
    let text = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>();
    for input in [
        text(&frame()).concat(),
        text(&frame()).join(":"),
        text(&packet()).join(" "),
        text(&MESSAGE).concat(),
    ] {
        let mut out = Vec::new();
        assert_eq!(decode(&input, None, Format::Text, &mut out).unwrap().decoded, 1, "{input}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("vrrp v3 vrid 10 priority 100 interval 1s addresses 192.0.2.1"), "{out}");
    }
    let odd = decode("310", None, Format::Text, &mut Vec::new()).unwrap_err();
    assert_eq!(odd.to_string(), "310: 3 hexadecimal digits are no whole number of octets");
    let nothing = decode("no-such-file.pcap", None, Format::Text, &mut Vec::new()).unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "no-such-file.pcap: No such file or directory, and not hexadecimal either"
    );
}

/// Counts worked out from the notes that come with the captures.
#[test]
fn captures_of_the_field() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let folder = captures().unwrap();
    for (name, frames, decoded, malformed) in [
        ("vrrpv2-preempt.cap", 16, 16, 0),
        ("vrrp-v2-v3-ipv6-mikrotik.pcap", 165, 165, 0),
        ("vrrpv2-cisco-md5.pcap", 153, 92, 0),
        // Frame relay, which no gateway protocol runs on.
        ("vrrp-malformed-fuzz.pcap", 3, 0, 0),
        ("hsrpv1-gratuitous-arp.cap", 6, 0, 0),
    ] {
        let path = folder.join(name);
        let totals = decode(path.to_str().unwrap(), None, Format::Json, &mut Vec::new()).unwrap();
        assert_eq!(totals, Totals { frames, decoded, malformed }, "{name}");
    }
}
