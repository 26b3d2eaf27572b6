use super::*;

/// What the kernel knows of a frame beside its octets.
#[derive(Clone, Copy, Default)]
struct Beside {
    direction: u32,
    vlan_tag: Option<u32>,
}

/// What the kernel does with a program of these instructions and a frame that came in without a tag.
fn run(program: &[Instruction], frame: &[u8]) -> u32 {
    run_beside(program, frame, Beside::default())
}

fn run_beside(program: &[Instruction], frame: &[u8], beside: Beside) -> u32 {
    let read = |offset: usize, octets: usize| {
        match u32::try_from(offset) {
            Ok(DIRECTION_AT) => return Some(beside.direction),
            Ok(VLAN_PRESENT_AT) => return Some(beside.vlan_tag.is_some().into()),
            // What an earlier tag has left behind must not count.
            Ok(VLAN_TAG_AT) => return Some(beside.vlan_tag.unwrap_or(7)),
            _ => {}
        }
        let field = frame.get(offset..offset + octets)?;
        Some(field.iter().fold(0, |value, octet| value << 8 | u32::from(*octet)))
    };
    let (mut accumulator, mut index) = (0, 0);
    let mut at = 0;
    loop {
        let Instruction { code, if_true, if_false, operand } = program[at];
        let offset = operand as usize;
        at += 1;
        let loaded = match code {
            LOAD_WORD => read(offset, 4),
            LOAD_HALF => read(offset, 2),
            LOAD_BYTE => read(offset, 1),
            LOAD_HALF_INDEXED => read(offset + index, 2),
            LOAD_HEADER_LENGTH => {
                let Some(octet) = read(offset, 1) else { return 0 };
                index = (octet & 0xf) as usize * 4;
                continue;
            }
            JUMP => {
                at += offset;
                continue;
            }
            TO_INDEX => {
                index = accumulator as usize;
                continue;
            }
            JUMP_EQUAL_INDEX => {
                at += usize::from(if accumulator as usize == index { if_true } else { if_false });
                continue;
            }
            JUMP_EQUAL | JUMP_AT_LEAST | JUMP_ANY_BIT => {
                let yes = match code {
                    JUMP_EQUAL => accumulator == operand,
                    JUMP_AT_LEAST => accumulator >= operand,
                    _ => accumulator & operand != 0,
                };
                at += usize::from(if yes { if_true } else { if_false });
                continue;
            }
            RETURN => return operand,
            other => panic!("unknown code {other:#x}"),
        };
        let Some(loaded) = loaded else { return 0 };
        accumulator = loaded;
    }
}

/// A frame of 90 octets with the given octets put at their offsets.
fn frame(patches: &[(usize, &[u8])]) -> [u8; 90] {
    let mut frame = [0; 90];
    for (offset, octets) in patches {
        frame[*offset..*offset + octets.len()].copy_from_slice(octets);
    }
    frame
}

const ARP: (usize, &[u8]) = (12, &[0x08, 0x06]);
const IPV4: (usize, &[u8]) = (12, &[0x08, 0x00, 0x45]);
const IPV6: (usize, &[u8]) = (12, &[0x86, 0xdd, 0x60]);
const REQUEST: (usize, &[u8]) = (20, &[0, 1]);
const REPLY: (usize, &[u8]) = (20, &[0, 2]);
const UDP4: (usize, &[u8]) = (23, &[17]);
const UDP6: (usize, &[u8]) = (20, &[17]);
const TO_ALL: (usize, &[u8]) = (30, &[224, 0, 0, 2]);
const TO_ALL6: (usize, &[u8]) = (38, &[0xff, 0x02]);
const TO_ONE: (usize, &[u8]) = (30, &[192, 0, 2, 1]);
const TO_ONE6: (usize, &[u8]) = (38, &[0xfe, 0x80]);
const PORT_1985: &[u8] = &[0x07, 0xc1];
const PORT_2029: &[u8] = &[0x07, 0xed];
const PORT_3222: &[u8] = &[0x0c, 0x96];

fn reception(protocols: &[Protocol], resolves: &[&str]) -> Reception {
    Reception {
        protocols: protocols.iter().copied().collect(),
        resolves: resolves.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

fn accepted(reception: &Reception, frame: &[u8]) -> bool {
    run(&wanted(reception.protocols, &Targets::of(&reception.resolves)).0, frame) == WHOLE_FRAME
}

fn request(target: [u8; 4]) -> [u8; 90] {
    frame(&[ARP, REQUEST, (38, &target)])
}

/// Somebody says to somebody else that it has `sender`.
fn reply(sender: [u8; 4], target: [u8; 4]) -> [u8; 90] {
    frame(&[ARP, REPLY, (28, &sender), (38, &target)])
}

fn solicitation(target: &str) -> [u8; 90] {
    let target: Ipv6Addr = target.parse().unwrap();
    frame(&[IPV6, (20, &[58]), (54, &[135]), (62, &target.octets())])
}

/// To one host, or to all.
fn advertisement(target: &str, to: &[u8]) -> [u8; 90] {
    let target: Ipv6Addr = target.parse().unwrap();
    frame(&[IPV6, (20, &[58]), (38, to), (54, &[136]), (62, &target.octets())])
}

#[test]
fn each_protocol_lets_in_what_it_speaks_and_nothing_of_the_others() {
    let vrrp = reception(&[Protocol::Vrrp], &[]);
    let hsrp = reception(&[Protocol::Hsrp], &[]);
    let glbp = reception(&[Protocol::Glbp], &[]);
    let all = reception(&[Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp], &[]);
    let cases = [
        ("VRRP over IPv4", frame(&[IPV4, (23, &[112])]), [true, false, false]),
        ("AH over IPv4", frame(&[IPV4, (23, &[51])]), [true, false, false]),
        ("VRRP over IPv6", frame(&[IPV6, (20, &[112])]), [true, false, false]),
        ("Router Solicitation", frame(&[IPV6, (20, &[58]), (54, &[133])]), [true, true, true]),
        ("HSRP", frame(&[IPV4, UDP4, TO_ALL, (36, PORT_1985)]), [false, true, false]),
        ("HSRP over IPv6", frame(&[IPV6, UDP6, TO_ALL6, (56, PORT_2029)]), [false, true, false]),
        ("GLBP", frame(&[IPV4, UDP4, TO_ALL, (36, PORT_3222)]), [false, false, true]),
        ("GLBP, unicast", frame(&[IPV4, UDP4, TO_ONE, (36, PORT_3222)]), [false, false, true]),
        ("GLBP over IPv6", frame(&[IPV6, UDP6, TO_ALL6, (56, PORT_3222)]), [false, false, true]),
        ("GLBP over IPv6, unicast", frame(&[IPV6, UDP6, TO_ONE6, (56, PORT_3222)]), [false, false, true]),
    ];
    for (what, frame, expected) in cases {
        assert_eq!([&vrrp, &hsrp, &glbp].map(|reception| accepted(reception, &frame)), expected, "{what}");
        assert!(accepted(&all, &frame), "{what}");
    }
}

#[test]
fn keeps_out_everything_else() {
    let all = reception(&[Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp], &["192.0.2.1", "fe80::1"]);
    let cases = [
        ("HSRP to one host", frame(&[IPV4, UDP4, TO_ONE, (36, PORT_1985)])),
        ("HSRP over IPv6 to one host", frame(&[IPV6, UDP6, TO_ONE6, (56, PORT_2029)])),
        ("the other family's port", frame(&[IPV4, UDP4, TO_ALL, (36, PORT_2029)])),
        ("from a port of ours", frame(&[IPV4, UDP4, TO_ALL, (34, PORT_1985), (36, &[0, 53])])),
        ("a later fragment", frame(&[IPV4, UDP4, TO_ALL, (20, &[0x00, 0xb9]), (36, PORT_1985)])),
        ("TCP", frame(&[IPV4, (23, &[6]), TO_ALL, (36, PORT_1985)])),
        ("AH over IPv6", frame(&[IPV6, (20, &[51])])),
        ("Router Advertisement", frame(&[IPV6, (20, &[58]), (54, &[134])])),
        ("hop-by-hop options", frame(&[IPV6, (20, &[0]), (54, &[112])])),
        ("a second VLAN tag", frame(&[(12, &[0x81, 0x00]), (16, &[0x08, 0x00]), (23, &[112]), (27, &[112])])),
        ("IEEE 802.3 length", frame(&[(12, &[0x00, 0x2e]), (23, &[112])])),
        ("an ARP reply to the address", reply([192, 0, 2, 9], [192, 0, 2, 1])),
        ("an unknown ARP operation", frame(&[ARP, (28, &[192, 0, 2, 1]), (38, &[192, 0, 2, 1])])),
        ("a reverse ARP reply", frame(&[ARP, (20, &[0, 4]), (28, &[192, 0, 2, 1])])),
        ("an advertisement of another address", advertisement("fe80::9", &[0xff, 0x02])),
        ("Redirect", frame(&[IPV6, (20, &[58]), (54, &[137]), (62, &solicitation("fe80::1")[62..78])])),
    ];
    for (what, frame) in cases {
        assert!(!accepted(&all, &frame), "{what}");
    }
}

#[test]
fn ports_are_found_behind_options_and_in_first_fragments() {
    let hsrp = reception(&[Protocol::Hsrp], &[]);
    let options = frame(&[(12, &[0x08, 0x00, 0x46]), UDP4, TO_ALL, (40, PORT_1985)]);
    assert!(accepted(&hsrp, &options));
    assert!(!accepted(&hsrp, &frame(&[(12, &[0x08, 0x00, 0x46]), UDP4, TO_ALL, (36, PORT_1985)])));
    let first = frame(&[IPV4, UDP4, TO_ALL, (20, &[0x20, 0x00]), (36, PORT_1985)]);
    assert!(accepted(&hsrp, &first));
    assert!(
        accepted(&hsrp, &frame(&[IPV4, UDP4, TO_ALL, (20, &[0x40, 0x00]), (36, PORT_1985)])),
        "may not be fragmented"
    );
}

#[test]
fn only_questions_for_the_resolved_addresses_get_in() {
    let both =
        reception(&[Protocol::Glbp], &["192.0.2.1", "198.51.100.1", "fe80::7:b4ff:fe00:100", "2001:db8::1"]);
    assert!(accepted(&both, &request([192, 0, 2, 1])));
    assert!(accepted(&both, &request([198, 51, 100, 1])));
    assert!(!accepted(&both, &request([192, 0, 2, 2])));
    assert!(accepted(&both, &solicitation("fe80::7:b4ff:fe00:100")));
    assert!(accepted(&both, &solicitation("2001:db8::1")));
    for other in
        ["fe80::7:b4ff:fe00:101", "fe80::1", "2001:db8::7:b4ff:fe00:100", "2001:db9::1", "2001:db8:0:0:1::1"]
    {
        assert!(!accepted(&both, &solicitation(other)), "{other}");
    }
    let none = reception(&[Protocol::Glbp], &[]);
    assert!(!accepted(&none, &request([192, 0, 2, 1])));
    assert!(!accepted(&none, &request([0, 0, 0, 0])));
    assert!(!accepted(&none, &solicitation("fe80::1")));
    assert!(!accepted(&none, &solicitation("::")));
}

/// RFC 5227 §3, RFC 4861 §7.2.6: an address can be claimed without a question.
#[test]
fn who_says_that_it_has_a_resolved_address_is_heard() {
    let both = reception(&[Protocol::Glbp], &["192.0.2.1", "198.51.100.1", "fe80::1"]);
    assert!(accepted(&both, &reply([192, 0, 2, 1], [192, 0, 2, 1])));
    assert!(accepted(&both, &reply([198, 51, 100, 1], [0, 0, 0, 0])));
    assert!(accepted(&both, &reply([192, 0, 2, 1], [192, 0, 2, 77])));
    assert!(!accepted(&both, &reply([192, 0, 2, 77], [192, 0, 2, 77])));
    assert!(!accepted(&both, &reply([192, 0, 2, 1], [192, 0, 2, 1])[..31]), "cut off");
    assert!(accepted(&both, &advertisement("fe80::1", &[0xff, 0x02])));
    assert!(accepted(&both, &advertisement("fe80::1", &[0xfe, 0x80])));
    assert!(!accepted(&both, &advertisement("fe80::2", &[0xff, 0x02])));
    let none = reception(&[Protocol::Glbp], &[]);
    assert!(!accepted(&none, &reply([192, 0, 2, 1], [192, 0, 2, 1])));
    assert!(!accepted(&none, &reply([0, 0, 0, 0], [0, 0, 0, 0])));
    assert!(!accepted(&none, &advertisement("fe80::1", &[0xff, 0x02])));
}

#[test]
fn hundreds_of_resolved_addresses_are_all_found_and_no_other() {
    let ipv4 = (0..700u32).map(|number| format!("10.1.{}.{}", number / 100, number % 100 * 2));
    let ipv6 =
        (0..700u32).map(|number| format!("fe80::7:b4ff:fe{:02x}:{:02x}00", number >> 8, number & 0xff));
    let apart = (0..50).map(|number| format!("2001:db8:{number:x}::1"));
    let addresses: Vec<_> = ipv4.chain(ipv6).chain(apart).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let many = reception(&[Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp], &addresses);
    assert!(wanted_frames(&many).unwrap().len() < 2500);
    let program = wanted(many.protocols, &Targets::of(&many.resolves)).0;
    let accepts = |frame: &[u8]| run(&program, frame) == WHOLE_FRAME;
    for address in &many.resolves[..] {
        let (frame, beside) = match address {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                assert!(accepts(&reply([a, b, c, d], [10, 0, 0, 9])), "{address}");
                assert!(!accepts(&reply([a, b, c, d + 1], [10, 0, 0, 9])), "beside {address}");
                (request([a, b, c, d]), request([a, b, c, d + 1]))
            }
            IpAddr::V6(address) => {
                let beside = Ipv6Addr::from_bits(address.to_bits() + 1);
                (solicitation(&address.to_string()), solicitation(&beside.to_string()))
            }
        };
        assert!(accepts(&frame), "{address}");
        assert!(!accepts(&beside), "beside {address}");
    }
    assert!(accepts(&frame(&[IPV6, UDP6, TO_ALL6, (56, PORT_3222)])));
    assert!(accepts(&frame(&[IPV6, (20, &[112])])));
}

#[test]
fn where_each_address_cannot_be_looked_for_every_question_gets_in() {
    let addresses: Vec<_> = (0..1000u16).map(|number| format!("2001:db8:{number:x}::1")).collect();
    let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
    let many = reception(&[Protocol::Glbp], &addresses);
    assert!(wanted_frames(&many).is_none());
    let program = wanted(many.protocols, &Targets::Every).0;
    assert_eq!(run(&program, &request([203, 0, 113, 9])), WHOLE_FRAME);
    assert_eq!(run(&program, &solicitation("2001:db8::ffff")), WHOLE_FRAME);
    assert_eq!(run(&program, &reply([203, 0, 113, 9], [203, 0, 113, 9])), WHOLE_FRAME, "a claim");
    assert_eq!(run(&program, &reply([203, 0, 113, 9], [203, 0, 113, 8])), 0, "a reply");
    assert_eq!(run(&program, &frame(&[ARP, (20, &[0, 3])])), 0, "neither");
    assert_eq!(run(&program, &advertisement("2001:db8::ffff", &[0xff, 0x02])), WHOLE_FRAME, "to all");
    assert_eq!(run(&program, &advertisement("2001:db8::ffff", &[0xfe, 0x80])), 0, "to one");
}

/// RFC 9568 §7.1: an advertisement is received on the interface of its group, and by another router.
#[test]
fn frames_of_a_vlan_and_frames_of_this_host_are_kept_out() {
    let vrrp = wanted(reception(&[Protocol::Vrrp], &[]).protocols, &Targets::Every).0;
    let advertisement = frame(&[IPV4, (23, &[112])]);
    let accepted = |direction, vlan_tag| {
        run_beside(&vrrp, &advertisement, Beside { direction, vlan_tag }) == WHOLE_FRAME
    };
    // PACKET_HOST, PACKET_BROADCAST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING.
    assert_eq!([0, 1, 2, 3, 4].map(|direction| accepted(direction, None)), [true, true, true, true, false]);
    // VLAN 7, the last, and 7 with priority 7; 0 with priority 7, which is no VLAN but only the priority.
    let tags = [0x0007, 0x0fff, 0xe007, 0xe000, 0x0000];
    assert_eq!(tags.map(|tag| accepted(2, Some(tag))), [false, false, false, true, true]);
}

#[test]
fn a_frame_that_ends_early_is_kept_out() {
    let vrrp = reception(&[Protocol::Vrrp], &[]);
    let advertisement = frame(&[IPV4, (23, &[112])]);
    assert!(!accepted(&vrrp, &advertisement[..23]));
    assert!(!accepted(&vrrp, &advertisement[..13]));
    assert!(!accepted(&vrrp, &[]));
    assert!(accepted(&vrrp, &advertisement[..24]));
    let glbp = reception(&[Protocol::Glbp], &["192.0.2.1", "fe80::1"]);
    assert!(!accepted(&glbp, &request([192, 0, 2, 1])[..41]));
    assert!(accepted(&glbp, &request([192, 0, 2, 1])[..42]));
    assert!(!accepted(&glbp, &solicitation("fe80::1")[..77]));
    assert!(!accepted(&glbp, &frame(&[IPV4, UDP4, (36, PORT_3222)])[..37]));
}

#[test]
fn no_jump_leaves_its_program() {
    let lists: Vec<Vec<u32>> = [1, 2, 254, 255, 256, 600].map(|count| (0..count).collect()).into();
    for list in lists {
        let count = list.len();
        let program = Block::default().load_word(0).when_any(list).reject().0;
        for number in 0..=count {
            let value = u32::try_from(number).unwrap();
            let expected = if number < count { WHOLE_FRAME } else { 0 };
            assert_eq!(run(&program, &value.to_be_bytes()), expected, "{number} of {count}");
        }
    }
}
