//! Which frames the kernel hands over: a classic BPF program, and the assembler that writes it.
//!
//! The filter runs in the kernel for every frame of the interface, so that foreign traffic costs no wake-up. It looks
//! at who sent the frame (this host's own frames pass by it, too) and to which VLAN, at protocol numbers, ports, and the
//! addresses that are resolved or claimed; whether a frame is sound is decided later, where there is a counter for each
//! fault. Where a protocol speaks to a group only, what is sent to one host is foreign: routers pass on much of that,
//! and any of it may have a port of ours. IPv6 extension headers are not followed: no speaker sends them, and the filter
//! could not follow a chain.
//!
//! Frames come without their 802.1Q tag (the kernel takes it off first and keeps it beside), so that the offsets hold
//! for tagged frames too: they belong to the VLAN's own interface and are rejected here, save those whose tag names no
//! VLAN but only a priority.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};

use fhrp::{Protocol, Protocols, Reception};
use fhrp_wire::{glbp, hsrp, vrrp};
use socket2::SockFilter;

/// A classic BPF instruction, as `struct sock_filter` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_INDEXED: u16 = 0x48;
/// Four times the low half of an octet, into the index: the length of an IPv4 header.
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const JUMP_EQUAL_INDEX: u16 = 0x1d;
const TO_INDEX: u16 = 0x07;
const RETURN: u16 = 0x06;

/// `BPF_MAXINSNS`.
const MAX_INSTRUCTIONS: usize = 4096;
const WHOLE_FRAME: u32 = 0x0004_0000;

/// What the kernel knows of a frame beside its octets: `SKF_AD_OFF` and the like.
const BESIDES: u32 = 0xffff_f000;
const DIRECTION_AT: u32 = BESIDES + 4;
const VLAN_TAG_AT: u32 = BESIDES + 44;
const VLAN_PRESENT_AT: u32 = BESIDES + 48;
/// `PACKET_OUTGOING`.
const OUTGOING: u32 = 4;
/// IEEE 802.1Q: the identifier is the low 12 bits of the tag.
const VLAN_ID: u32 = 0x0fff;

const ETHERTYPE_AT: u32 = 12;
const PAYLOAD_AT: u32 = 14;
const ARP_OPERATION_AT: u32 = PAYLOAD_AT + 6;
const ARP_SENDER_AT: u32 = PAYLOAD_AT + 14;
const ARP_TARGET_AT: u32 = PAYLOAD_AT + 24;
const IPV4_FRAGMENT_AT: u32 = PAYLOAD_AT + 6;
const IPV4_PROTOCOL_AT: u32 = PAYLOAD_AT + 9;
const IPV4_DESTINATION_AT: u32 = PAYLOAD_AT + 16;
const IPV6_NEXT_HEADER_AT: u32 = PAYLOAD_AT + 6;
const IPV6_DESTINATION_AT: u32 = PAYLOAD_AT + 24;
const IPV6_PAYLOAD_AT: u32 = PAYLOAD_AT + 40;
const ND_TARGET_AT: u32 = IPV6_PAYLOAD_AT + 8;
/// From the start of a UDP header.
const UDP_DESTINATION_AT: u32 = 2;

const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_ARP: u32 = 0x0806;
const ETHERTYPE_IPV6: u32 = 0x86dd;
const ARP_REQUEST: u32 = 1;
const ARP_REPLY: u32 = 2;
/// The offset of a fragment; where it is not 0, there is no UDP header.
const FRAGMENT_OFFSET: u32 = 0x1fff;
const PROTOCOL_UDP: u32 = 17;
/// Authentication Header: VRRPv2 authentication type 2 (RFC 2338 §5.3.6), seen to be counted.
const PROTOCOL_AH: u32 = 51;
const PROTOCOL_ICMPV6: u32 = 58;
/// RFC 4861 §4.1: routers that are Active answer it.
const ROUTER_SOLICITATION: u32 = 133;
const NEIGHBOR_SOLICITATION: u32 = 135;
const NEIGHBOR_ADVERTISEMENT: u32 = 136;
/// The first octet of a multicast address, at least (IPv4) or exactly (IPv6).
const IPV4_MULTICAST: u32 = 224;
const IPV6_MULTICAST: u32 = 0xff;

/// The filter for what is wanted of an interface. `None` if it would be longer than the kernel takes.
pub(crate) fn wanted_frames(reception: &Reception) -> Option<Vec<SockFilter>> {
    let program = wanted(reception.protocols, &Targets::of(&reception.resolves)).0;
    (program.len() <= MAX_INSTRUCTIONS).then(|| program.into_iter().map(SockFilter::from).collect())
}

/// The filter for an interface where so many addresses are resolved that the kernel cannot look for each: every
/// question of a host is handed over, and every address that is announced to all.
pub(crate) fn every_question(protocols: Protocols) -> Vec<SockFilter> {
    wanted(protocols, &Targets::Every).0.into_iter().map(SockFilter::from).collect()
}

/// The filter for sockets that only send: keeps the kernel from queueing what nobody reads.
pub(crate) fn nothing() -> [SockFilter; 1] {
    [SockFilter::new(RETURN, 0, 0, 0)]
}

/// The addresses whose resolution is answered here.
#[derive(Clone, Debug)]
enum Targets {
    These { ipv4: BTreeSet<u32>, ipv6: BTreeSet<Ipv6Addr> },
    Every,
}

impl Targets {
    fn of(addresses: &[IpAddr]) -> Self {
        let (mut ipv4, mut ipv6) = (BTreeSet::new(), BTreeSet::new());
        for address in addresses {
            match address {
                IpAddr::V4(address) => ipv4.insert(address.to_bits()),
                IpAddr::V6(address) => ipv6.insert(*address),
            };
        }
        Self::These { ipv4, ipv6 }
    }

    /// Accepts an ARP request for one of them, and a reply whose sender says that it has one: a reply to somebody
    /// else's question costs no wake-up.
    fn requested(&self) -> Block {
        let question = Block::default().load_word(ARP_TARGET_AT);
        let claim = Block::default().load_word(ARP_SENDER_AT);
        match self {
            Self::These { ipv4, .. } if ipv4.is_empty() => Block::default().reject(),
            Self::These { ipv4, .. } => {
                by_arp_operation(question, claim).when_any(ipv4.iter().copied()).reject()
            }
            Self::Every => {
                // RFC 5227 §3: in an announcement both addresses are the same.
                let announcement = claim.keep().load_word(ARP_TARGET_AT).accept_index().reject();
                by_arp_operation(question.accept(), announcement)
            }
        }
    }

    /// Accepts a neighbour solicitation for one of them, and an advertisement of one. Addresses that differ in their last 32 bits only, as most
    /// of a host's do, cost one instruction each.
    fn solicited(&self) -> Block {
        let ipv6 = match self {
            Self::These { ipv6, .. } => ipv6,
            // RFC 4861 §7.2.6: who advertises without having been asked tells all.
            Self::Every => {
                let to_all = Block::default().load_byte(IPV6_DESTINATION_AT);
                let to_all = to_all.when(Test::Equal(IPV6_MULTICAST), Block::default().accept()).reject();
                return Block::default().when(Test::Equal(NEIGHBOR_ADVERTISEMENT), to_all).accept();
            }
        };
        let mut by_start: BTreeMap<[u32; 3], Vec<u32>> = BTreeMap::new();
        for address in ipv6 {
            let [first, second, third, last] = words(*address);
            by_start.entry([first, second, third]).or_default().push(last);
        }
        let program = by_start.into_iter().fold(Block::default(), |program, (start, ends)| {
            let mut found = Block::default().load_word(ND_TARGET_AT + 12).when_any(ends);
            for (offset, word) in [8, 4].into_iter().zip(start.iter().rev()) {
                found = Block::default().load_word(ND_TARGET_AT + offset).when(Test::Equal(*word), found);
            }
            let [first, ..] = start;
            program.load_word(ND_TARGET_AT).when(Test::Equal(first), found)
        });
        program.reject()
    }
}

fn by_arp_operation(request: Block, reply: Block) -> Block {
    let otherwise = Block::default().either(Test::Equal(ARP_REPLY), reply, Block::default().reject());
    Block::default().load_half(ARP_OPERATION_AT).either(Test::Equal(ARP_REQUEST), request, otherwise)
}

fn words(address: Ipv6Addr) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h] = address.segments();
    [(a, b), (c, d), (e, f), (g, h)].map(|(high, low)| u32::from(high) << 16 | u32::from(low))
}

fn wanted(protocols: Protocols, targets: &Targets) -> Block {
    let of_a_vlan =
        Block::default().load_word(VLAN_TAG_AT).when(Test::AnyBit(VLAN_ID), Block::default().reject());
    Block::default()
        .load_word(DIRECTION_AT)
        .when(Test::Equal(OUTGOING), Block::default().reject())
        .load_word(VLAN_PRESENT_AT)
        .when(Test::AtLeast(1), of_a_vlan)
        .load_half(ETHERTYPE_AT)
        .when(Test::Equal(ETHERTYPE_IPV4), over_ipv4(protocols))
        .when(Test::Equal(ETHERTYPE_ARP), targets.requested())
        .when(Test::Equal(ETHERTYPE_IPV6), over_ipv6(protocols, targets))
        .reject()
}

fn over_ipv4(protocols: Protocols) -> Block {
    let mut program = Block::default().load_byte(IPV4_PROTOCOL_AT);
    if protocols.contains(Protocol::Vrrp) {
        for protocol in [u32::from(vrrp::PROTOCOL), PROTOCOL_AH] {
            program = program.when(Test::Equal(protocol), Block::default().accept());
        }
    }
    let mut udp = Block::default()
        .load_half(IPV4_FRAGMENT_AT)
        .when(Test::AnyBit(FRAGMENT_OFFSET), Block::default().reject())
        .load_behind_ipv4_header(UDP_DESTINATION_AT);
    if protocols.contains(Protocol::Glbp) {
        udp = udp.when(Test::Equal(glbp::PORT.into()), Block::default().accept());
    }
    if protocols.contains(Protocol::Hsrp) {
        let multicast = Block::default()
            .load_byte(IPV4_DESTINATION_AT)
            .when(Test::AtLeast(IPV4_MULTICAST), Block::default().accept())
            .reject();
        udp = udp.when(Test::Equal(hsrp::PORT_V4.into()), multicast);
    }
    program.when(Test::Equal(PROTOCOL_UDP), udp.reject()).reject()
}

fn over_ipv6(protocols: Protocols, targets: &Targets) -> Block {
    let mut program = Block::default().load_byte(IPV6_NEXT_HEADER_AT);
    if protocols.contains(Protocol::Vrrp) {
        program = program.when(Test::Equal(vrrp::PROTOCOL.into()), Block::default().accept());
    }
    let icmpv6 = Block::default()
        .load_byte(IPV6_PAYLOAD_AT)
        .when(Test::Equal(ROUTER_SOLICITATION), Block::default().accept())
        .when(Test::AtLeast(NEIGHBOR_ADVERTISEMENT + 1), Block::default().reject())
        .when(Test::AtLeast(NEIGHBOR_SOLICITATION), targets.solicited())
        .reject();
    let mut udp = Block::default().load_half(IPV6_PAYLOAD_AT + UDP_DESTINATION_AT);
    if protocols.contains(Protocol::Glbp) {
        udp = udp.when(Test::Equal(glbp::PORT.into()), Block::default().accept());
    }
    if protocols.contains(Protocol::Hsrp) {
        let multicast = Block::default()
            .load_byte(IPV6_DESTINATION_AT)
            .when(Test::Equal(IPV6_MULTICAST), Block::default().accept())
            .reject();
        udp = udp.when(Test::Equal(hsrp::PORT_V6.into()), multicast);
    }
    program.when(Test::Equal(PROTOCOL_ICMPV6), icmpv6).when(Test::Equal(PROTOCOL_UDP), udp.reject()).reject()
}

/// A question about what was loaded last.
#[derive(Clone, Copy, Debug)]
enum Test {
    Equal(u32),
    AtLeast(u32),
    AnyBit(u32),
}

/// Instructions that are entered at the first and either return or run off their end. Classic BPF only jumps ahead,
/// and so do blocks within blocks.
#[derive(Clone, Debug, Default)]
struct Block(Vec<Instruction>);

impl Block {
    /// Loads two octets, big-endian, at this offset of the frame. Reading past its end rejects the frame.
    fn load_half(self, offset: u32) -> Self {
        self.plain(LOAD_HALF, offset)
    }

    fn load_byte(self, offset: u32) -> Self {
        self.plain(LOAD_BYTE, offset)
    }

    fn load_word(self, offset: u32) -> Self {
        self.plain(LOAD_WORD, offset)
    }

    /// Two octets at an offset from the end of the IPv4 header, whatever its options.
    fn load_behind_ipv4_header(self, offset: u32) -> Self {
        self.plain(LOAD_HEADER_LENGTH, PAYLOAD_AT).plain(LOAD_HALF_INDEXED, PAYLOAD_AT + offset)
    }

    fn accept(self) -> Self {
        self.plain(RETURN, WHOLE_FRAME)
    }

    fn reject(self) -> Self {
        self.plain(RETURN, 0)
    }

    /// Goes through `then` if the answer is yes.
    fn when(mut self, test: Test, then: Self) -> Self {
        let (code, operand) = match test {
            Test::Equal(value) => (JUMP_EQUAL, value),
            Test::AtLeast(value) => (JUMP_AT_LEAST, value),
            Test::AnyBit(bits) => (JUMP_ANY_BIT, bits),
        };
        match u8::try_from(then.0.len()) {
            Ok(if_false) => self.0.push(Instruction { code, if_true: 0, if_false, operand }),
            Err(_) => {
                // Only the unconditional jump reaches that far.
                self.0.push(Instruction { code, if_true: 1, if_false: 0, operand });
                self = self.plain(JUMP, u32::try_from(then.0.len()).unwrap_or(u32::MAX));
            }
        }
        self.0.extend(then.0);
        self
    }

    /// Goes through `then` or `otherwise`, and on from there.
    fn either(mut self, test: Test, then: Self, otherwise: Self) -> Self {
        self = self.when(test, then.plain(JUMP, otherwise.0.len().try_into().unwrap_or(u32::MAX)));
        self.0.extend(otherwise.0);
        self
    }

    /// Keeps what was loaded to compare with it.
    fn keep(self) -> Self {
        self.plain(TO_INDEX, 0)
    }

    /// Accepts if what was loaded is the same as what was kept.
    fn accept_index(mut self) -> Self {
        self.0.push(Instruction { code: JUMP_EQUAL_INDEX, if_true: 0, if_false: 1, operand: 0 });
        self.accept()
    }

    /// Accepts if what was loaded is one of these.
    fn when_any(mut self, values: impl IntoIterator<Item = u32>) -> Self {
        let values: Vec<_> = values.into_iter().collect();
        // As many as can jump to the same end.
        for chunk in values.chunks(usize::from(u8::MAX)) {
            // From each to the accepting end, over those after it and one jump.
            for (value, if_true) in
                chunk.iter().zip((1..=u8::MAX).rev().skip(usize::from(u8::MAX) - chunk.len()))
            {
                self.0.push(Instruction { code: JUMP_EQUAL, if_true, if_false: 0, operand: *value });
            }
            self = self.plain(JUMP, 1).accept();
        }
        self
    }

    fn plain(mut self, code: u16, operand: u32) -> Self {
        self.0.push(Instruction { code, if_true: 0, if_false: 0, operand });
        self
    }
}

impl From<Instruction> for SockFilter {
    fn from(instruction: Instruction) -> Self {
        Self::new(instruction.code, instruction.if_true, instruction.if_false, instruction.operand)
    }
}

#[cfg(test)]
mod tests;
