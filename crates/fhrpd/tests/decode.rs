//! Capture files, written by hand here and taken from the field.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::io::Write as _;

use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, captures, require};
use fhrpd::decode::{Format, Key, Totals, decode};
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
    (lines, outcome.map(|decoded| decoded.totals).map_err(|error| error.to_string()))
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
        let [Value::Object(only)] = &lines[..] else { panic!("totals after an error: {lines:?}") };
        assert_eq!(only["frame"], 1);
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
            let (lines, outcome) = decoded(&damaged);
            let few = outcome.is_ok_and(|totals| totals.frames <= 2);
            assert!(
                few == (lines.last().is_some_and(|line| line.get("frames").is_some())),
                "bit {bit}: {lines:?}"
            );
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
        assert_eq!(decode(&input, None, Format::Text, &mut out).unwrap().totals.decoded, 1, "{input}");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("vrrp v3 vrid 10 priority 100 interval 1s addresses 192.0.2.1"), "{out}");
    }
    for (input, remark) in
        [("00", "1 frame: neither VRRP, HSRP nor GLBP"), ("41056401", "1 frame: neither VRRP, HSRP nor GLBP")]
    {
        let nothing = decode(input, None, Format::Text, &mut Vec::new()).unwrap();
        assert_eq!(nothing.remarks(), [remark], "{input}");
    }
    let odd = decode("310", None, Format::Text, &mut Vec::new()).unwrap_err();
    assert_eq!(odd.to_string(), "310: 3 hexadecimal digits are no whole number of octets");
    let nothing = decode("no-such-file.pcap", None, Format::Text, &mut Vec::new()).unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "no-such-file.pcap: No such file or directory, and not hexadecimal either"
    );
}

/// The line of text for a message by itself.
fn explained(message: &str, key: Option<&Key>) -> String {
    let mut out = Vec::new();
    decode(message, key, Format::Text, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().next().unwrap().trim_start().to_owned()
}

/// Taken from routers.
const HSRP_V1_MD5: &str = "000010030a64010000000000000000000a000064041c010000000a00001400000000\
                           f02fc41b1b516e2d1261d8800d39ccea";
const HSRP_V2_MD5: &str = "0128020006040001aabbcc000a000000006400000bb8000027100a000064000000000000000000000000\
                           041c010000000a00000a00000000642fedafe1f374bd2fdd8f1ba81d87a2";

#[test]
fn hsrp_by_itself() {
    let v1 = "1  hsrp v1 group 1 hello state active priority 100 hello 3s hold 10s address 10.0.0.100 authentication md5 key 0";
    assert_eq!(explained(HSRP_V1_MD5, None), v1);
    let v2 = "1  hsrp v2 group 1 hello state active priority 100 hello 3s hold 10s address 10.0.0.100 identifier aa:bb:cc:00:0a:00";
    assert_eq!(explained(HSRP_V2_MD5, None), format!("{v2} authentication md5 key 0"));
    let v6 = "012802010306000a 020000000009 00000078 000000fa 000002ee fe80000000000000000573fffea0000a";
    assert_eq!(
        explained(v6, None),
        "1  hsrp v2 group 10 coup state listen priority 120 hello 250ms hold 750ms address fe80::5:73ff:fea0:a \
         identifier 02:00:00:00:00:09"
    );
    let resign = "0002040005640300 7075626c69630000 00000000";
    assert_eq!(
        explained(resign, None),
        "1  hsrp v1 group 3 resign state speak priority 100 (the hello time was 0) address unknown authentication text"
    );
    let above = "0128020006040001aabbcc000a000000012c00000bb800000bb80a000064000000000000000000000000";
    assert!(explained(above, None).contains(
        "priority 255 (sent as 300) hello 3s hold 9s (the hold time was not longer than the hello time)"
    ));
    assert_eq!(
        explained("0003 0001 000e 03 00 0001 0002 00000000", None),
        "1  hsrp v1 advertise active groups: active 1 passive 2"
    );
    assert_eq!(explained("0204 0000 0001", None), "1  hsrp v2 interface state groups: active 0 passive 1");
    assert_eq!(
        explained("0001ff03 0a640100 0000000000000000 0a000064", None),
        "1  hsrp MALFORMED: unknown HSRP state 255"
    );
}

#[test]
fn keys_check_digests_and_texts() {
    let verdict = |message: &str, key: &str, id: Option<u32>| {
        let line = explained(message, Some(&Key::new(key, id).unwrap()));
        line.split_once(" authentication ").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    };
    assert_eq!(verdict(HSRP_V1_MD5, "openwall12345", None), "md5 key 0, by the key");
    assert_eq!(verdict(HSRP_V1_MD5, "password", None), "md5 key 0, NOT by the key");
    assert_eq!(verdict(HSRP_V2_MD5, "password", Some(0)), "md5 key 0, by the key");
    assert_eq!(verdict(HSRP_V2_MD5, "password", Some(7)), "md5 key 0");
    let text = "0000040305640300 7075626c69630000 0a000064";
    assert_eq!(verdict(text, "public", None), "text, by the key");
    assert_eq!(verdict(text, "public", Some(1)), "text");
    assert_eq!(verdict(text, "nine-octets", None), "text");
    let vrrp = "2101c801fe0330930a00001e0000000000000000fe1c010000000a00000a0000000019b30f74c7ba6486ced3151a50514b79";
    assert_eq!(verdict(vrrp, "123456789", None), "cisco-md5 key 0, by the key");
    assert!(Key::new("", None).is_err());
}

/// A request, a response and an announcement with everything that one can have.
#[test]
fn glbp_by_itself() {
    let header = |opcode: &str| format!("01{opcode}0001 0000 020000000003");
    let request = format!("{} 0214{}", header("01"), "00".repeat(18));
    assert_eq!(explained(&request, None), "1  glbp group 1 request of 02:00:00:00:00:03");
    let response = format!("{} 0214 02{} 0007b4000102", header("02"), "00".repeat(11));
    assert_eq!(
        explained(&response, None),
        "1  glbp group 1 response of 02:00:00:00:00:03 assigns forwarder 2"
    );
    let hello = "011c 0020 0064 0000 00000bb8 00002710 0258 3840 0000 0104 c0000201";
    let forwarder = "0214 01 20 00 87 5a 00 37e8 0200 0000 0007b4000101";
    assert_eq!(
        explained(&format!("{} {hello} {forwarder}", header("00")), None),
        "1  glbp group 1 announcement of 02:00:00:00:00:03; gateway active priority 100 hello 3s hold 10s \
         redirect 600s timeout 14400s address 192.0.2.1; forwarder 1 active priority 135 (secondary) weight 90 \
         redirect 512s timeout 14312s"
    );
    let resigning = "011c 0008 0000 0000 00000bb8 00002710 0258 3840 0000 0104 c0000201";
    assert!(
        explained(&format!("{} {resigning}", header("00")), None)
            .contains("gateway speak priority 0 (resigns)")
    );
    let v6 = "0128 0010 0064 0000 00000bb8 00002710 0258 3840 0000 0210 fe80000000000000000000000000000a";
    assert!(explained(&format!("{} {v6}", header("00")), None).ends_with("timeout 14400s address fe80::a"));
    let empty = header("00");
    assert_eq!(explained(&empty, None), "1  glbp MALFORMED: an announcement that says nothing");
}

/// UDP whose header is wrong is laid at the door of whose port it names, other people's is passed over.
#[test]
fn udp_is_attributed_by_its_port() {
    // 192.0.2.3 to 224.0.0.2, TTL 1, length 20 + 8 + 20; the words of the header but the checksum
    // add up to 1e906, folded e907, complement 16f8.
    let ip = "45c0 0030 0000 0000 0111 16f8 c0000203 e0000002";
    let hsrp = "0000 1003 0a64 0100 6369 7363 6f00 0000 c000 0201";
    let line = |udp: &str, hsrp: &str| {
        let mut out = Vec::new();
        decode(&format!("{ip} {udp} {hsrp}"), None, Format::Text, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    // Without a checksum, which IPv4 allows.
    let good = line("07c1 07c1 001c 0000", hsrp);
    assert!(good.contains("192.0.2.3 > 224.0.0.2  hsrp v1 group 1 hello state active"), "{good}");
    let sum = line("07c1 07c1 001c 1234", hsrp);
    assert!(sum.contains("192.0.2.3 > 224.0.0.2  hsrp MALFORMED: wrong UDP checksum"), "{sum}");
    let cut = line("07c1 07c1 001c 0000", "0000");
    assert!(cut.contains("hsrp MALFORMED: IPv4 total length 48 with 30 octets received"), "{cut}");
    let others = line("07c1 0035 001c 0000", hsrp);
    assert_eq!(others, "1 frames, 0 decoded, 0 malformed\n");
}

/// Counts worked out from the notes that come with the captures.
#[test]
fn captures_of_the_field() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let folder = captures().unwrap();
    for (name, frames, decoded, malformed) in [
        ("hsrpv1-election.cap", 49, 49, 0),
        ("hsrpv1-coup-resign-old-ios.pcap", 198, 117, 0),
        ("hsrpv1-md5-two-keys.pcap", 57, 43, 0),
        ("hsrpv2-text-auth.pcap", 2, 2, 0),
        ("hsrpv2-md5-two-keys.pcap", 2668, 1997, 0),
        ("glbp-election-3routers.cap", 80, 80, 0),
        ("glbp-md5-keychain.pcap", 56, 44, 0),
        ("vrrpv2-preempt.cap", 16, 16, 0),
        ("vrrp-v2-v3-ipv6-mikrotik.pcap", 165, 165, 0),
        ("vrrpv2-cisco-md5.pcap", 153, 92, 0),
        // Frame relay, which no gateway protocol runs on.
        ("vrrp-malformed-fuzz.pcap", 3, 0, 0),
        ("hsrpv1-gratuitous-arp.cap", 6, 0, 0),
    ] {
        let path = folder.join(name);
        let found = decode(path.to_str().unwrap(), None, Format::Json, &mut Vec::new()).unwrap();
        assert_eq!(found.totals, Totals { frames, decoded, malformed }, "{name}");
    }
}

/// Of each capture with digests: those that the key fits, and those that it does not. Two routers of each HSRP capture
/// have a key each; messages about interfaces have none.
#[test]
fn digests_of_the_field() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let count = |name: &str, key: &str| {
        let path = captures().unwrap().join(name);
        let mut out = Vec::new();
        decode(path.to_str().unwrap(), Some(&Key::new(key, None).unwrap()), Format::Json, &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        [out.matches("\"verified\":true").count(), out.matches("\"verified\":false").count()]
    };
    let both = |name: &str, keys: [&str; 2]| {
        let [[one, others], [two, rest]] = keys.map(|key| count(name, key));
        assert_eq!((one, two), (rest, others), "{name}");
        one + two
    };
    assert_eq!(both("hsrpv1-md5-two-keys.pcap", ["openwall12345", "password12345"]), 43);
    assert_eq!(both("hsrpv2-md5-two-keys.pcap", ["password", "password12345"]), 1995);
    assert_eq!(count("glbp-md5-keychain.pcap", "password12345"), [44, 0]);
    assert_eq!(count("vrrpv2-cisco-md5.pcap", "123456789")[1], 0);
}
