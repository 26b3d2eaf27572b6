//! Which frames the kernel hands over: a classic BPF program, and the assembler that writes it.
//!
//! The filter runs in the kernel for every frame of the interface, so that foreign traffic costs no wake-up. It looks
//! at protocol numbers only; whether a frame is sound is decided later, where there is a counter for each fault.
//! IPv6 extension headers are not followed: no VRRP speaker sends them, and the filter could not follow a chain.
//!
//! Frames come without their 802.1Q tag (the kernel takes it off first), so the offsets hold for tagged frames too;
//! the receiver sorts those out.

use socket2::SockFilter;
use thiserror::Error;

/// One line of the filter's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// Names the next instruction.
    Label(&'static str),
    /// Loads two octets, big-endian, at this offset of the frame. Reading past its end rejects the frame.
    LoadHalf(u32),
    /// Loads one octet.
    LoadByte(u32),
    /// Goes to the label, which must lie ahead, if what was loaded equals the value; else to the next line.
    Equal(u32, &'static str),
    /// Accepts this many octets of the frame; none rejects it.
    Return(u32),
}

/// Why source lines make no program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum AssembleError {
    /// No such label ahead of the jump; classic BPF cannot jump back.
    #[error("packet filter: no label {0} ahead of a jump to it")]
    NoLabelAhead(&'static str),
    /// The label is more than 255 instructions away.
    #[error("packet filter: label {0} is too far away")]
    TooFar(&'static str),
}

/// A classic BPF instruction, as `struct sock_filter` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

const ETHERTYPE_AT: u32 = 12;
const IPV4_PROTOCOL_AT: u32 = 14 + 9;
const IPV6_NEXT_HEADER_AT: u32 = 14 + 6;
const ICMPV6_TYPE_AT: u32 = 14 + 40;

const ETHERTYPE_IPV4: u32 = 0x0800;
const ETHERTYPE_IPV6: u32 = 0x86dd;
const PROTOCOL_VRRP: u32 = 112;
/// Authentication Header: VRRPv2 authentication type 2 (RFC 2338 §5.3.6), seen to be counted.
const PROTOCOL_AH: u32 = 51;
const PROTOCOL_ICMPV6: u32 = 58;
/// RFC 4861 §4.1: routers that are Active answer it.
const ROUTER_SOLICITATION: u32 = 133;
const WHOLE_FRAME: u32 = 0x0004_0000;

/// What this program lets in: VRRP and AH over IPv4, VRRP and Router Solicitations over IPv6.
const WANTED: &[Line] = &[
    Line::LoadHalf(ETHERTYPE_AT),
    Line::Equal(ETHERTYPE_IPV4, "ipv4"),
    Line::Equal(ETHERTYPE_IPV6, "ipv6"),
    Line::Return(0),
    Line::Label("ipv4"),
    Line::LoadByte(IPV4_PROTOCOL_AT),
    Line::Equal(PROTOCOL_VRRP, "accept"),
    Line::Equal(PROTOCOL_AH, "accept"),
    Line::Return(0),
    Line::Label("ipv6"),
    Line::LoadByte(IPV6_NEXT_HEADER_AT),
    Line::Equal(PROTOCOL_VRRP, "accept"),
    Line::Equal(PROTOCOL_ICMPV6, "icmpv6"),
    Line::Return(0),
    Line::Label("icmpv6"),
    Line::LoadByte(ICMPV6_TYPE_AT),
    Line::Equal(ROUTER_SOLICITATION, "accept"),
    Line::Return(0),
    Line::Label("accept"),
    Line::Return(WHOLE_FRAME),
];

/// The filter for interfaces where groups run.
///
/// # Errors
/// [`AssembleError`] for a mistake in the source of the filter.
pub(crate) fn wanted_frames() -> Result<Vec<SockFilter>, AssembleError> {
    Ok(assemble(WANTED)?.into_iter().map(SockFilter::from).collect())
}

/// The filter for sockets that only send: keeps the kernel from queueing what nobody reads.
pub(crate) fn nothing() -> [SockFilter; 1] {
    [SockFilter::new(RETURN, 0, 0, 0)]
}

/// First pass: where the labels are. Second pass: jumps become distances.
fn assemble(source: &[Line]) -> Result<Vec<Instruction>, AssembleError> {
    let labels = label_positions(source);
    let mut program = Vec::with_capacity(source.len());
    for line in source {
        let instruction = match *line {
            Line::Label(_) => continue,
            Line::LoadHalf(offset) => plain(LOAD_HALF, offset),
            Line::LoadByte(offset) => plain(LOAD_BYTE, offset),
            Line::Equal(value, label) => {
                let if_true = distance(&labels, program.len(), label)?;
                Instruction { code: JUMP_EQUAL, if_true, if_false: 0, operand: value }
            }
            Line::Return(octets) => plain(RETURN, octets),
        };
        program.push(instruction);
    }
    Ok(program)
}

fn label_positions(source: &[Line]) -> Vec<(&'static str, usize)> {
    let mut labels = Vec::new();
    let mut position = 0;
    for line in source {
        match line {
            Line::Label(name) => labels.push((*name, position)),
            Line::LoadHalf(_) | Line::LoadByte(_) | Line::Equal(..) | Line::Return(_) => position += 1,
        }
    }
    labels
}

/// Instructions between the jump at `from` and the label.
fn distance(labels: &[(&'static str, usize)], from: usize, label: &'static str) -> Result<u8, AssembleError> {
    let target = labels.iter().find(|(name, _)| *name == label).map(|(_, position)| *position);
    let ahead = target.and_then(|target| target.checked_sub(from + 1));
    let ahead = ahead.ok_or(AssembleError::NoLabelAhead(label))?;
    u8::try_from(ahead).map_err(|_| AssembleError::TooFar(label))
}

fn plain(code: u16, operand: u32) -> Instruction {
    Instruction { code, if_true: 0, if_false: 0, operand }
}

impl From<Instruction> for SockFilter {
    fn from(instruction: Instruction) -> Self {
        Self::new(instruction.code, instruction.if_true, instruction.if_false, instruction.operand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does with a program of these instructions.
    fn run(program: &[Instruction], frame: &[u8]) -> u32 {
        let mut accumulator = 0;
        let mut at = 0;
        loop {
            let instruction = program[at];
            let offset = instruction.operand as usize;
            at += 1;
            match instruction.code {
                LOAD_HALF => match frame.get(offset..offset + 2) {
                    Some(octets) => accumulator = u32::from(octets[0]) << 8 | u32::from(octets[1]),
                    None => return 0,
                },
                LOAD_BYTE => match frame.get(offset) {
                    Some(octet) => accumulator = u32::from(*octet),
                    None => return 0,
                },
                JUMP_EQUAL if accumulator == instruction.operand => at += usize::from(instruction.if_true),
                JUMP_EQUAL => at += usize::from(instruction.if_false),
                RETURN => return instruction.operand,
                other => panic!("unknown code {other:#x}"),
            }
        }
    }

    /// A frame of 60 octets with the given octets put at their offsets.
    fn frame(patches: &[(usize, u8)]) -> [u8; 60] {
        let mut frame = [0; 60];
        for (offset, octet) in patches {
            frame[*offset] = *octet;
        }
        frame
    }

    fn accepted(frame: &[u8]) -> bool {
        run(&assemble(WANTED).unwrap(), frame) == WHOLE_FRAME
    }

    #[test]
    fn lets_in_what_the_protocols_speak() {
        assert!(accepted(&frame(&[(12, 0x08), (23, 112)])), "VRRP over IPv4");
        assert!(accepted(&frame(&[(12, 0x08), (23, 51)])), "AH over IPv4");
        assert!(accepted(&frame(&[(12, 0x86), (13, 0xdd), (20, 112)])), "VRRP over IPv6");
        assert!(accepted(&frame(&[(12, 0x86), (13, 0xdd), (20, 58), (54, 133)])), "Router Solicitation");
    }

    #[test]
    fn keeps_out_everything_else() {
        assert!(!accepted(&frame(&[(12, 0x08), (23, 17), (36, 0x07), (37, 0xc1)])), "UDP");
        assert!(!accepted(&frame(&[(12, 0x08), (13, 0x06), (23, 112)])), "ARP");
        assert!(!accepted(&frame(&[(12, 0x86), (13, 0xdd), (20, 51)])), "AH over IPv6");
        assert!(!accepted(&frame(&[(12, 0x86), (13, 0xdd), (20, 58), (54, 135)])), "Neighbour Solicitation");
        assert!(!accepted(&frame(&[(12, 0x86), (13, 0xdd), (20, 0), (54, 112)])), "hop-by-hop options");
        assert!(!accepted(&frame(&[(12, 0x81), (16, 0x08), (23, 112), (27, 112)])), "a second VLAN tag");
        assert!(!accepted(&frame(&[(12, 0x00), (13, 0x2e), (23, 112)])), "IEEE 802.3 length");
    }

    #[test]
    fn a_frame_that_ends_early_is_kept_out() {
        let vrrp = frame(&[(12, 0x08), (23, 112)]);
        assert!(!accepted(&vrrp[..23]));
        assert!(!accepted(&vrrp[..13]));
        assert!(!accepted(&[]));
        assert!(accepted(&vrrp[..24]));
    }

    #[test]
    fn labels_become_distances() {
        let source =
            [Line::Equal(1, "b"), Line::Label("a"), Line::Return(0), Line::Label("b"), Line::Return(7)];
        let jump = Instruction { code: JUMP_EQUAL, if_true: 1, if_false: 0, operand: 1 };
        assert_eq!(assemble(&source).unwrap(), [jump, plain(RETURN, 0), plain(RETURN, 7)]);
    }

    #[test]
    fn a_label_must_lie_ahead_and_near() {
        assert_eq!(assemble(&[Line::Equal(1, "x")]), Err(AssembleError::NoLabelAhead("x")));
        let back = [Line::Label("x"), Line::Equal(1, "x")];
        assert_eq!(assemble(&back), Err(AssembleError::NoLabelAhead("x")));
        let mut far = vec![Line::Equal(1, "x")];
        far.extend([Line::Return(0); 256]);
        far.push(Line::Label("x"));
        assert_eq!(assemble(&far), Err(AssembleError::TooFar("x")));
    }
}
