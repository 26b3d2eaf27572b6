use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_wire::Family;
use fhrp_wire::glbp::{
    self, AuthData, AuthText, Credentials, KeyBytes, Nonce, NonceSequence, Nonces, Opcode, Parsed, Peers,
};

use crate::{SOURCE_V4, SOURCE_V6};

/// Reads `data` as a GLBP payload. Nothing may panic, and what is accepted must be written again as it was read.
///
/// # Panics
/// When it is not: that is the finding.
pub fn decode_glbp(data: &[u8]) {
    let key = KeyBytes::new("geheim").expect("not empty");
    let text = AuthText::new("geheim").expect("short, and does not end in zero");
    let _ = glbp::peek_group(data);
    for source in [SOURCE_V4, SOURCE_V6] {
        let Ok(parsed) = glbp::parse(Family::of(&source), data) else { continue };
        let _ = parsed.verify_text(&text);
        let _ = parsed.verify_md5(&key, source);
        let credentials = credentials(&parsed, &key, &text);
        let mut again = BytesMut::new();
        parsed.packet.emit(&mut again, &credentials, source).expect("the families were equal on receipt");
        assert_eq!(again.len(), parsed.packet.wire_octets(&credentials));
        check(&parsed, &again, &key, &text, source);
        assert_eq!(kept(data, &parsed), kept(&again, &parsed));
    }
}

/// Of the kind received, with keys of ours: those of a sender cannot be known.
fn credentials<'a>(parsed: &Parsed<'a>, key: &'a KeyBytes, text: &'a AuthText) -> Credentials<'a> {
    match parsed.auth {
        AuthData::None => Credentials::None,
        AuthData::Text(_) => Credentials::Text(text),
        AuthData::Md5 { key_id, nonces, .. } => {
            Credentials::Md5 { key, key_id, nonces: nonces.unwrap_or_else(no_nonces) }
        }
    }
}

fn no_nonces<'a>() -> Nonces<'a> {
    let peers = Peers::new(&[]).expect("not too many");
    Nonces { sequence: NonceSequence(0), own: Nonce(0), peers }
}

/// What was written says what was read, and proves it.
fn check(parsed: &Parsed<'_>, again: &[u8], key: &KeyBytes, text: &AuthText, source: IpAddr) {
    let read = glbp::parse(Family::of(&source), again).expect("what is written can be read");
    assert_eq!(read.packet, parsed.packet);
    match (read.auth, parsed.auth) {
        (AuthData::None, AuthData::None) => {}
        (AuthData::Text(_), AuthData::Text(_)) => assert!(read.verify_text(text)),
        (AuthData::Md5 { key_id, nonces, .. }, AuthData::Md5 { key_id: id_before, nonces: before, .. }) => {
            assert!(read.verify_md5(key, source));
            assert_eq!(key_id, id_before);
            assert_eq!(nonces, Some(before.unwrap_or_else(no_nonces)));
        }
        (AuthData::None | AuthData::Text(_) | AuthData::Md5 { .. }, _) => {
            panic!("{:?} became {:?}", parsed.auth, read.auth)
        }
    }
}

/// The octets that a value keeps, sorted by TLV: neither reserved fields nor authentication nor unknown TLVs,
/// nor forwarders in a state that is none, and of requests and responses neither a hello nor what the opcode does not need of the forwarder. Written
/// apart from the code under test.
fn kept(octets: &[u8], parsed: &Parsed<'_>) -> Vec<Vec<u8>> {
    let announcement = parsed.packet.opcode() == Opcode::Announcement;
    let mut header = octets[..12].to_vec();
    header[4..6].fill(0);
    let mut kept = vec![header];
    let mut rest = &octets[12..];
    while let [kind, length, ..] = *rest {
        let (tlv, next) = rest.split_at(usize::from(length));
        rest = next;
        let mut tlv = tlv.to_vec();
        let reserved: &[usize] = match (kind, parsed.packet.opcode()) {
            (2, Opcode::Announcement) if !matches!(tlv[3], 0x04 | 0x20) => continue,
            (1, Opcode::Announcement) => &[2, 4, 6, 7, 20, 21],
            (2, Opcode::Announcement) => &[4, 7, 12, 13],
            (2, Opcode::Request) => &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19],
            (2, Opcode::Response) => &[3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13],
            (_, Opcode::Announcement | Opcode::Request | Opcode::Response) => continue,
        };
        reserved.iter().for_each(|index| tlv[*index] = 0);
        kept.push(tlv);
    }
    assert!(announcement || kept.len() == 2, "one forwarder");
    kept.sort();
    kept
}
