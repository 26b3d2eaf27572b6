use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_wire::Family;
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::hsrp::{
    self, Auth, Credentials, InterfaceState, KeyBytes, Parsed, Received, TextKey, TimersSeen, Variant,
    Version,
};

use crate::{SOURCE_V4, SOURCE_V6};

/// Reads `data` as a frame and as an HSRP payload. Nothing may panic, and what is accepted must be written again as
/// it was read.
///
/// # Panics
/// When it is not: that is the finding.
pub fn decode_hsrp(data: &[u8]) {
    frame(data);
    for variant in [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6] {
        payload(variant, data);
    }
}

fn frame(data: &[u8]) {
    let Ok(frame) = envelope::parse(data) else { return };
    let port = udp::peek_port(&frame.packet);
    let Ok(Some(datagram)) = udp::parse(&frame.packet) else { return };
    assert_eq!(port, Some(datagram.destination_port));
    if let Some(variant) = Variant::of_destination(datagram.destination, datagram.destination_port) {
        payload(variant, datagram.payload);
    }
}

fn payload(variant: Variant, data: &[u8]) {
    let peeked = hsrp::peek_group(variant, data);
    match hsrp::parse(variant, data) {
        Ok(Parsed::Message(received)) => {
            assert_eq!(peeked, Some(received.message().group()));
            message(variant, data, &received);
        }
        Ok(Parsed::InterfaceState(state)) => interface_state(variant, data, state),
        Err(_) => {}
    }
}

fn message(variant: Variant, data: &[u8], received: &Received<'_>) {
    let key = KeyBytes::new("geheim").expect("not empty");
    let source = match variant.family() {
        Family::V4 => SOURCE_V4,
        Family::V6 => SOURCE_V6,
    };
    let _ = received.verify_md5(&key, source);
    let text = text(received);
    let credentials = credentials(received, &key, &text, source);
    let mut again = BytesMut::new();
    received.message().emit(&mut again, &credentials);
    assert_eq!(again.len(), received.message().wire_octets(&credentials));
    let Ok(Parsed::Message(read)) = hsrp::parse(variant, &again) else {
        panic!("what is written can be read")
    };
    match (read.auth(), received.auth()) {
        (Auth::None, Auth::None) => {}
        (Auth::Text(_), Auth::Text(_)) => assert!(read.verify_text(&text)),
        (Auth::Md5 { key_id, .. }, Auth::Md5 { key_id: before, .. }) => {
            assert!(read.verify_md5(&key, source));
            assert_eq!(key_id, before);
        }
        (Auth::None | Auth::Text(_) | Auth::Md5 { .. }, _) => panic!("{received:?} became {read:?}"),
    }
    assert_eq!(kept(variant, data, received), kept(variant, &again, received));
}

/// The text received, or another where there is none.
fn text(received: &Received<'_>) -> TextKey {
    let field = match received.auth() {
        Auth::Text(field) => *field,
        Auth::None | Auth::Md5 { .. } => [0; 8],
    };
    let octets = 8 - field.iter().rev().take_while(|octet| **octet == 0).count();
    match TextKey::new(&field[..octets]) {
        Ok(text) => {
            assert!(received.verify_text(&text));
            text
        }
        Err(_) => TextKey::new("geheim").expect("short"),
    }
}

/// Of the kind received. The key is ours, for that of the sender cannot be known.
fn credentials<'a>(
    received: &Received<'_>,
    key: &'a KeyBytes,
    text: &'a TextKey,
    source: IpAddr,
) -> Credentials<'a> {
    match *received.auth() {
        Auth::None => Credentials::None,
        Auth::Text(_) => Credentials::Text(text),
        Auth::Md5 { key_id, .. } => Credentials::Md5 { key, key_id, source },
    }
}

/// The octets that a value keeps: neither reserved fields nor padding, authentication or unknown TLVs, nor what a
/// remark says has been replaced. Written apart from the code under test.
fn kept(variant: Variant, octets: &[u8], received: &Received<'_>) -> Vec<u8> {
    let remarks = received.remarks();
    let (mut kept, timers) = match variant.version() {
        Version::V1 => {
            let mut kept = octets[..20].to_vec();
            kept[7..16].fill(0);
            (kept, 3..5)
        }
        Version::V2 => {
            let mut kept = find(octets, 1);
            if variant.family() == Family::V4 {
                kept[28..40].fill(0);
            }
            if remarks.clamped_priority.is_some() {
                kept[12..16].fill(0);
            }
            (kept, 16..24)
        }
    };
    if remarks.timers != TimersSeen::AsSent {
        kept[timers].fill(0);
    }
    kept
}

/// What follows type and length of the first TLV of a kind.
fn find(mut octets: &[u8], wanted: u8) -> Vec<u8> {
    while let [kind, length, rest @ ..] = octets {
        let (value, behind) = rest.split_at(usize::from(*length));
        if *kind == wanted {
            return value.to_vec();
        }
        octets = behind;
    }
    panic!("there is one");
}

fn interface_state(variant: Variant, data: &[u8], state: InterfaceState) {
    let mut again = BytesMut::new();
    state.emit(&mut again);
    assert_eq!(hsrp::parse(variant, &again), Ok(Parsed::InterfaceState(state)));
    match variant.version() {
        Version::V1 => {
            let mut kept = data[..12].to_vec();
            kept[7] = 0;
            assert_eq!(kept, again[..12]);
        }
        Version::V2 => assert_eq!(find(data, 2), find(&again, 2)),
    }
}
