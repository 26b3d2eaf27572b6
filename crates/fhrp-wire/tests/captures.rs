//! Traffic of other implementations: read, and written again byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::IpAddr;

use bytes::BytesMut;
use common::captures::frames;
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::vrrp::{self, AuthData, Body, ChecksumForm, ChecksumSeen, KeyBytes, Parsed, TextKey, Version};

/// Calls `check` with the source of every VRRP packet and what it says, once it has been written again as it was
/// received; returns the number of packets.
fn every_packet(file: &str, mut check: impl FnMut(IpAddr, &Parsed<'_>)) -> Option<usize> {
    let mut packets = 0;
    for frame in frames(file)? {
        let (source, destination, payload) = match envelope::parse(&frame).unwrap().packet {
            Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
                assert_eq!(ip.ttl, vrrp::TTL);
                (IpAddr::from(ip.source), IpAddr::from(ip.destination), ip.payload)
            }
            Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
                assert_eq!(ip.hop_limit, vrrp::TTL);
                (IpAddr::from(ip.source), IpAddr::from(ip.destination), ip.payload)
            }
            Packet::Ipv4(_) | Packet::Ipv6(_) | Packet::Arp(_) | Packet::Other(_) => continue,
        };
        let parsed = vrrp::parse(source, destination, payload).unwrap();
        let mut again = BytesMut::new();
        let form = parsed.checksum.form().unwrap_or_default();
        parsed.advertisement.emit(&mut again, source, destination, form).unwrap();
        assert_eq!(again, payload, "{file}");
        check(source, &parsed);
        packets += 1;
    }
    println!("{file}: {packets} packets read and written again");
    Some(packets)
}

#[test]
fn version_2_preempting() {
    let mut priorities = [0; 256];
    let packets = every_packet("vrrpv2-preempt.cap", |_, parsed| {
        assert_eq!(parsed.advertisement.version(), Version::V2);
        assert_eq!(parsed.checksum, ChecksumSeen::OnlyForm);
        priorities[usize::from(parsed.advertisement.priority())] += 1;
    });
    if let Some(packets) = packets {
        assert_eq!(packets, 16);
        assert_eq!(priorities[100] + priorities[200], 16);
    }
}

#[test]
fn three_kinds_from_routeros() {
    let (mut text, mut plain, mut v3, mut v6) = (0, 0, 0, 0);
    let key = TextKey::new("abcdefgh").unwrap();
    let packets = every_packet("vrrp-v2-v3-ipv6-mikrotik.pcap", |source, parsed| {
        match (parsed.advertisement.body(), source) {
            (Body::V3 { .. }, IpAddr::V4(_)) => {
                assert_eq!(parsed.checksum.form(), Some(ChecksumForm::Rfc5798));
                v3 += 1;
            }
            (Body::V3 { .. }, IpAddr::V6(_)) => v6 += 1,
            (Body::V2 { auth: AuthData::Text(_), .. }, _) => {
                assert!(parsed.advertisement.verify_text(&key));
                text += 1;
            }
            (Body::V2 { auth: AuthData::None, .. }, _) => plain += 1,
            (body @ Body::V2 { .. }, _) => panic!("{body:?}"),
        }
    });
    if let Some(packets) = packets {
        assert_eq!((packets, plain, text, v3, v6), (165, 34, 34, 33, 64));
    }
}

#[test]
fn cisco_md5() {
    let (mut signed, mut plain) = (0, 0);
    let key = KeyBytes::new("123456789").unwrap();
    let packets = every_packet("vrrpv2-cisco-md5.pcap", |source, parsed| match parsed.advertisement.body() {
        Body::V2 { auth: AuthData::CiscoMd5 { .. }, .. } => {
            assert!(parsed.advertisement.verify_md5(&key, source));
            assert!(!parsed.advertisement.verify_md5(&KeyBytes::new("1234567890").unwrap(), source));
            signed += 1;
        }
        Body::V2 { auth: AuthData::None, .. } => plain += 1,
        body @ (Body::V2 { .. } | Body::V3 { .. }) => panic!("{body:?}"),
    });
    if let Some(packets) = packets {
        assert_eq!((packets, signed, plain), (92, 85, 7));
    }
}

/// Frame Relay frames made to break parsers; here they stand for octets of any kind.
#[test]
fn malformed_octets() {
    let Some(frames) = frames("vrrp-malformed-fuzz.pcap") else { return };
    assert_eq!(frames.len(), 3);
    let v4 = (common::ip("10.0.0.1"), vrrp::GROUP_V4.into());
    let v6 = (common::ip("fe80::1"), vrrp::GROUP_V6.into());
    let mut refused = 0;
    for frame in &frames {
        for start in 0..frame.len() {
            for (source, destination) in [v4, v6] {
                assert!(vrrp::parse(source, destination, &frame[start..]).is_err());
                refused += 1;
            }
            // As an Ethernet frame, and as an IPv4 packet in one.
            let ethernet = [&[0; 12][..], &[0x08, 0x00], &frame[start..]].concat();
            assert!(envelope::parse(&ethernet).is_err());
        }
    }
    println!("vrrp-malformed-fuzz.pcap: {refused} payloads refused");
}
