//! Traffic of Cisco routers: read, verified, and written again.
//!
//! The captures are not part of this repository. They are looked for beside the workspace, or where
//! `FHRP_CAPTURES` says.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::glbp::{
    self, AuthData, Body, Credentials, ForwarderPriority, KeyBytes, Nonces, Opcode, Parsed, VfState, VgState,
};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, PcapBlockOwned, PcapError};

use crate::common;

/// The file of this name, or `None` after saying that the test is skipped.
fn capture(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let directory = std::env::var_os("FHRP_CAPTURES").map_or(beside, PathBuf::from);
    if directory.is_dir() {
        return Some(directory.join(name));
    }
    common::skip("captures", &format!("there is no directory {}", directory.display()));
    None
}

fn frames(file: &Path) -> Vec<Vec<u8>> {
    let mut reader = LegacyPcapReader::new(1 << 16, std::fs::File::open(file).unwrap()).unwrap();
    let mut frames = Vec::new();
    loop {
        match reader.next() {
            Ok((octets, block)) => {
                if let PcapBlockOwned::Legacy(block) = block {
                    frames.push(block.data.to_vec());
                }
                reader.consume(octets);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(PcapError::Eof) => return frames,
            Err(error) => panic!("{}: {error:?}", file.display()),
        }
    }
}

/// A packet of a capture.
struct Seen<'a> {
    source_mac: MacAddr,
    source: IpAddr,
    payload: &'a [u8],
    parsed: Parsed<'a>,
}

/// Calls `check` with every GLBP packet of a file; returns how many there are, or `None` without the file.
fn every_packet(name: &str, mut check: impl FnMut(&Seen<'_>)) -> Option<usize> {
    let mut packets = 0;
    for frame in frames(&capture(name)?) {
        let frame = envelope::parse(&frame).unwrap();
        let Some(datagram) = udp::parse(&frame.packet).unwrap() else { continue };
        assert_eq!((datagram.source_port, datagram.destination_port), (glbp::PORT, glbp::PORT));
        assert_eq!(datagram.hop_limit, glbp::TTL);
        let (source_mac, source, payload) = (frame.source, datagram.source, datagram.payload);
        let parsed = glbp::parse(fhrp_wire::Family::of(&source), payload).unwrap();
        let to_group = datagram.destination == IpAddr::V4(glbp::GROUP_V4);
        assert_eq!(to_group, parsed.packet.opcode() == Opcode::Announcement);
        check(&Seen { source_mac, source, payload, parsed });
        packets += 1;
    }
    println!("{name}: {packets} packets");
    Some(packets)
}

#[test]
fn three_routers_without_authentication() {
    let mut opcodes = [0; 3];
    let (mut states, mut forwarders, mut alone) = ([0; 4], [0; 4], 0);
    let packets = every_packet("glbp-election-3routers.cap", |seen| {
        let packet = seen.parsed.packet;
        assert_eq!(seen.parsed.auth, AuthData::None);
        opcodes[usize::from(packet.opcode().get())] += 1;
        if let Body::Announcement { hello, forwarders: announced } = packet.body() {
            match hello {
                Some(hello) => states[place(hello.state())] += 1,
                None => alone += 1,
            }
            for forwarder in announced.iter() {
                assert_eq!(forwarder.state, VfState::Active);
                assert_eq!(forwarder.priority, ForwarderPriority::PRIMARY);
                forwarders[usize::from(forwarder.number.get()) - 1] += 1;
                assert_eq!(seen.source_mac, glbp::virtual_mac(packet.group(), forwarder.number));
            }
        }
        let mut again = BytesMut::new();
        packet.emit(&mut again, &Credentials::None, seen.source).unwrap();
        assert_eq!(again, seen.payload);
    });
    if let Some(packets) = packets {
        assert_eq!(packets, 80);
        assert_eq!(opcodes, [78, 1, 1]);
        assert_eq!((states, alone), ([35, 10, 12, 18], 3), "Listen, Speak, Standby, Active");
        assert_eq!(forwarders, [15, 14, 13, 0]);
    }
}

fn place(state: VgState) -> usize {
    match state {
        VgState::Listen => 0,
        VgState::Speak => 1,
        VgState::Standby => 2,
        VgState::Active => 3,
    }
}

/// Octets that these routers do not initialise, set to zero: the digest covers them, the values do not.
fn without_rubbish(payload: &[u8]) -> Vec<u8> {
    let mut octets = payload.to_vec();
    let mut start = 12;
    while start < octets.len() {
        let (kind, length) = (octets[start], usize::from(octets[start + 1]));
        let tlv = &mut octets[start..start + length];
        match kind {
            1 => tlv[20..22].fill(0),
            2 => {
                tlv[7] = 0;
                tlv[12..14].fill(0);
            }
            4 => tlv[8..].chunks_mut(12).for_each(|peer| peer[10..].fill(0)),
            _ => {}
        }
        start += length;
    }
    octets
}

/// The digest of a key chain that comes first.
const DIGEST: std::ops::Range<usize> = 20..36;

#[test]
fn md5_key_chain() {
    let key = KeyBytes::new("password12345").unwrap();
    let wrong = KeyBytes::new("password1234").unwrap();
    let (mut verified, mut peers, mut secondaries, mut clean) = (0, [0; 2], Vec::new(), 0);
    let packets = every_packet("glbp-md5-keychain.pcap", |seen| {
        let Seen { source, payload, parsed, .. } = seen;
        let AuthData::Md5 { key_id: Some(1), nonces: Some(nonces), .. } = parsed.auth else {
            panic!("{parsed:?}");
        };
        assert!(parsed.verify_md5(&key, *source));
        assert!(!parsed.verify_md5(&wrong, *source));
        assert!(!parsed.verify_md5(&key, common::ip("10.1.2.4")));
        verified += 1;
        peers[nonces.peers.len()] += 1;
        secondaries.extend(secondary_timers(parsed));

        let mut expected = without_rubbish(payload);
        clean += usize::from(expected == *payload);
        let again = again(parsed, &key, nonces, *source);
        // The digests cover different rubbish.
        expected[DIGEST].copy_from_slice(&again[DIGEST]);
        assert_eq!(again, expected);
    });
    if let Some(packets) = packets {
        assert_eq!((packets, verified, clean), (44, 44, 0));
        assert_eq!(peers, [12, 32]);
        assert_eq!(secondaries.len(), 18);
        // Both fall by a second in a second, from 14400 and 600.
        assert_eq!(secondaries[..3], [(14_360, 560), (14_357, 557), (14_355, 555)]);
        assert!(secondaries.iter().all(|(timeout, redirect)| timeout - redirect == 13_800));
    }
}

/// Timeout and redirect time left, of the forwarders that somebody else owns.
fn secondary_timers(parsed: &Parsed<'_>) -> Vec<(u16, u16)> {
    let Body::Announcement { forwarders, .. } = parsed.packet.body() else { return Vec::new() };
    let secondary = forwarders.iter().filter(|one| one.priority == ForwarderPriority::SECONDARY);
    secondary.map(|one| (one.timeout_left.get(), one.redirect_left.get())).collect()
}

/// The packet written again, its own digest checked.
fn again(parsed: &Parsed<'_>, key: &KeyBytes, nonces: Nonces<'_>, source: IpAddr) -> Vec<u8> {
    let mut again = BytesMut::new();
    let credentials = Credentials::Md5 { key, key_id: Some(1), nonces };
    parsed.packet.emit(&mut again, &credentials, source).unwrap();
    let read = glbp::parse(fhrp_wire::Family::V4, &again).unwrap();
    assert!(read.verify_md5(key, source));
    assert_eq!(read.packet, parsed.packet);
    again.to_vec()
}
