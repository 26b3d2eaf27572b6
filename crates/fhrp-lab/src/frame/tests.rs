use super::*;

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

#[test]
fn a_version_3_advertisement() {
    let frame = octets(
        "01005e000012 00005e000107 0800 45c00020 00000000 ff700000 c000020b e0000012 31076401 000a0000 c0000201",
    );
    let expected = Advertisement {
        family: Family::V4,
        version: 3,
        vrid: 7,
        priority: 100,
        interval: Duration::from_millis(100),
        source: "192.0.2.11".parse().unwrap(),
    };
    assert_eq!(Kind::of(&frame), Kind::Advertisement(expected));
    assert_eq!(source_of(&frame).to_string(), "00:00:5e:00:01:07");
}

#[test]
fn gratuitous_arp_announces() {
    let frame = octets(
        "ffffffffffff 00005e000101 0806 0001 0800 06 04 0001 00005e000101 c0000201 000000000000 c0000201",
    );
    assert!(Kind::of(&frame).announces("192.0.2.1".parse().unwrap()));
    assert!(!Kind::of(&frame).announces("192.0.2.2".parse().unwrap()));
    let question = arp_request(
        MacAddr([2, 0, 0, 0, 0, 1]),
        "192.0.2.101".parse().unwrap(),
        "192.0.2.1".parse().unwrap(),
    );
    assert_eq!(question.len(), 60);
    assert!(!Kind::of(&question).announces("192.0.2.1".parse().unwrap()));
}

#[test]
fn announcements_of_both_families_are_read_as_such() {
    for address in ["192.0.2.1", "fe80::1"] {
        let address = address.parse().unwrap();
        assert!(Kind::of(&address_announcement(MacAddr([2, 0, 0, 0, 0, 1]), address)).announces(address));
    }
}

#[test]
fn a_solicitation_has_the_checksum_worked_out_by_hand() {
    let frame = neighbor_solicitation(
        MacAddr([2, 0, 0, 0, 0, 0x65]),
        "fe80::65".parse().unwrap(),
        "fe80::1".parse().unwrap(),
    );
    // Words of the pseudo-header: fe80 + 0065 + ff02 + 0001 + ff00 + 0001 (group ff02::1:ff00:1) + 0020 + 003a,
    // of the body: 8700 + fe80 + 0001 + 0101 + 0200 + 0000 + 0065; sum 0x4862a, folded 0x862e, complement 0x79d1.
    assert_eq!(frame.get(56..58), Some([0x79, 0xd1].as_slice()));
    assert_eq!(Kind::of(&frame), Kind::NeighborSolicitation { target: "fe80::1".parse().unwrap() });
}

#[test]
fn short_frames_are_other() {
    let frame =
        octets("01005e000012 00005e000107 0800 45c00020 00000000 ff700000 c000020b e0000012 31076401");
    for length in 0..frame.len() {
        assert_eq!(Kind::of(&frame[..length]), Kind::Other, "{length}");
    }
}

/// Ethernet, IPv4 with this source, UDP with this port on both sides, and the payload, with padding behind it.
fn datagram(source: &str, port: u16, payload: &str) -> Vec<u8> {
    let payload = octets(payload);
    let length = u16::try_from(8 + payload.len()).unwrap().to_be_bytes();
    let mut frame = octets("01005e000066 020000000001 0800 45c00000 00000000 01110000");
    frame.extend(source.parse::<Ipv4Addr>().unwrap().octets());
    frame.extend(octets("e0000066"));
    frame.extend([port.to_be_bytes(), port.to_be_bytes(), length, [0, 0]].concat());
    frame.extend(payload);
    frame.extend([0xaa; 6]);
    frame
}

#[test]
fn an_hsrp_version_1_hello() {
    // Known from a router: Active, 3 s, 10 s, priority 100, group 1, MD5 behind it.
    let payload = "000010030a64010000000000000000000a000064 041c010000000a00001400000000f02fc41b1b516e2d1261d8800d39ccea";
    let expected = HsrpMessage {
        family: Family::V4,
        version: 1,
        group: 1,
        opcode: HsrpOpcode::Hello,
        state: SpeakerState::Active,
        priority: 100,
        hello: Duration::from_secs(3),
        hold: Duration::from_secs(10),
        address: "10.0.0.100".parse().unwrap(),
        source: "10.0.0.20".parse().unwrap(),
    };
    assert_eq!(Kind::of(&datagram("10.0.0.20", 1985, payload)), Kind::Hsrp(expected));
    let advertise = "0003 0001 000e 02 00 0000 0002 6f000000";
    let expected = Kind::HsrpInterface { active: 0, passive: 2 };
    assert_eq!(Kind::of(&datagram("10.0.0.20", 1985, advertise)), expected);
}

#[test]
fn an_hsrp_version_2_hello() {
    let payload = "0128020004040001aabbcc001400000000c800000bb8000027100a000064000000000000000000000000\
                   041c010000000a000014000000003b32f622ccfeb4aca6538008e7e9cc39";
    let expected = HsrpMessage {
        family: Family::V4,
        version: 2,
        group: 1,
        opcode: HsrpOpcode::Hello,
        state: SpeakerState::Speak,
        priority: 200,
        hello: Duration::from_secs(3),
        hold: Duration::from_secs(10),
        address: "10.0.0.100".parse().unwrap(),
        source: "10.0.0.20".parse().unwrap(),
    };
    assert_eq!(Kind::of(&datagram("10.0.0.20", 1985, payload)), Kind::Hsrp(expected));
    let interface = Kind::HsrpInterface { active: 1, passive: 2 };
    assert_eq!(Kind::of(&datagram("10.0.0.20", 1985, "0204 0001 0002")), interface);
}

#[test]
fn a_glbp_hello_and_an_assignment() {
    let payload = "010000010000c2007cb80000 011c002000c8000000000bb8000027100258384000000104c0a80001\
                   0214012000a764003840025800000007b4000101";
    let kind = Kind::of(&datagram("192.168.0.10", 3222, payload));
    let packet = kind.glbp().unwrap();
    assert_eq!((packet.group, packet.opcode, packet.family), (1, GlbpOpcode::Hello, Family::V4));
    assert_eq!(packet.owner.to_string(), "c2:00:7c:b8:00:00");
    let expected = GlbpGateway {
        state: SpeakerState::Active,
        priority: 200,
        hello: Duration::from_secs(3),
        hold: Duration::from_secs(10),
        address: "192.168.0.1".parse().unwrap(),
    };
    assert_eq!(packet.gateway, Some(expected));
    let expected = GlbpForwarder {
        number: 1,
        state: SpeakerState::Active,
        priority: 167,
        weight: 100,
        timeout_s: 14400,
        redirect_s: 600,
        mac: "00:07:b4:00:01:01".parse().unwrap(),
    };
    assert_eq!(packet.forwarders, [Some(expected), None, None, None]);
    assert!(packet.serves(1) && !packet.serves(2));

    let response = "010200010000c2007cb80000 02140200000000000000000000000007b4000102";
    let kind = Kind::of(&datagram("192.168.0.10", 3222, response));
    let packet = kind.glbp().unwrap();
    assert_eq!((packet.opcode, packet.gateway), (GlbpOpcode::Response, None));
    assert_eq!(packet.of(2).map(|said| said.state), Some(SpeakerState::Other(0)));
    assert!(!packet.serves(2));
}

#[test]
fn a_forwarder_that_is_given_up_is_not_served() {
    let payload = "010000010000c2007cb80000 0214012000a064003840025800000007b4000101";
    let kind = Kind::of(&datagram("192.168.0.10", 3222, payload));
    assert!(kind.glbp().unwrap().of(1).unwrap().resigns());
    assert!(!kind.glbp().unwrap().serves(1));
}
