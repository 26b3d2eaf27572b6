//! Neighbour discovery as received: literal messages (checksums worked out by an independent program), every rule.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::Ipv6Addr;

use common::hex;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::nd::{self, NaFlags, Nd, NdError};
use fhrp_wire::envelope::{self, Ipv6, Packet};

const SOLICITATION: &str = "3333ff00025402000000000786dd6c00000000203aff
    fd00000a000000000000000000000007ff0200000000000000000001ff000254
    870078d300000000fd00000a0000000000000000000002540101020000000007";
const DUPLICATE_CHECK: &str = "3333ff00025402000000000786dd6c00000000183aff
    00000000000000000000000000000000ff0200000000000000000001ff000254
    870078f500000000fd00000a000000000000000000000254";
const ADVERTISEMENT: &str = "02000000000700005e00020a86dd6c00000000203aff
    fd00000a000000000000000000000254fd00000a000000000000000000000007
    880039c9e0000000fd00000a000000000000000000000254020100005e00020a";
const ROUTER_SOLICITATION: &str = "33330000000202000000000786dd6c00000000103aff
    fe800000000000000000000000000007ff020000000000000000000000000002
    85007a20000000000101020000000007";
const ROUTER_ADVERTISEMENT: &str = "33330000000100005e00020a86dd6c00000000403aff
    fe80000000000000000000005e00020aff020000000000000000000000000001
    86009e744000070800000000000000000101 00005e00020a 0501000000 0005dc
    030440c0000151800000384000000000fd00000a000000000000000000000000";

const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 7]);

fn ipv6(frame: &[u8]) -> Ipv6<'_> {
    let Packet::Ipv6(packet) = envelope::parse(frame).unwrap().packet else { panic!("IPv6") };
    packet
}

fn target() -> Ipv6Addr {
    "fd00:a::254".parse().unwrap()
}

/// Replaces octets of the payload and mends the checksum by the difference, without the code under test.
fn changed(frame: &str, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = hex(frame);
    let before = words(&octets[54..]);
    for (index, octet) in changes {
        octets[54 + index] = *octet;
    }
    let checksum = u64::from(!u16::from_be_bytes([octets[56], octets[57]]));
    let mut sum = checksum + 0xffff * 1000 - before + words(&octets[54..]);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    octets[56..58].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    octets
}

fn words(octets: &[u8]) -> u64 {
    octets.chunks(2).map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum()
}

#[test]
fn the_four_messages() {
    let octets = hex(SOLICITATION);
    let expected = Nd::NeighborSolicitation { target: target(), source_mac: Some(HOST) };
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(Some(expected)));
    let octets = hex(DUPLICATE_CHECK);
    let expected = Nd::NeighborSolicitation { target: target(), source_mac: None };
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(Some(expected)));
    let octets = hex(ADVERTISEMENT);
    let expected = Nd::NeighborAdvertisement {
        target: target(),
        flags: NaFlags { router: true, solicited: true, overrides: true },
        target_mac: Some(MacAddr([0, 0, 0x5e, 0, 2, 0x0a])),
    };
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(Some(expected)));
    let octets = hex(ROUTER_SOLICITATION);
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(Some(Nd::RouterSolicitation { source_mac: Some(HOST) })));
}

/// RFC 4861 §4.4: R, S and O are the three highest bits of the fifth octet; what is reserved is ignored.
#[test]
fn flags_of_an_advertisement() {
    for (bits, router, solicited, overrides) in [
        (0x80, true, false, false),
        (0x40, false, true, false),
        (0x20, false, false, true),
        (0xc0, true, true, false),
        (0x00, false, false, false),
        (0x1f, false, false, false),
    ] {
        let octets = changed(ADVERTISEMENT, &[(4, bits)]);
        let Ok(Some(Nd::NeighborAdvertisement { flags, .. })) = nd::parse(&ipv6(&octets)) else {
            panic!("{bits:#x}")
        };
        assert_eq!(flags, NaFlags { router, solicited, overrides }, "{bits:#x}");
    }
}

#[test]
fn router_advertisements_keep_their_options() {
    let octets = hex(ROUTER_ADVERTISEMENT);
    let Ok(Some(Nd::RouterAdvertisement { lifetime, source_mac, options })) = nd::parse(&ipv6(&octets))
    else {
        panic!("router advertisement");
    };
    assert_eq!((lifetime, source_mac), (1800, Some(MacAddr([0, 0, 0x5e, 0, 2, 0x0a]))));
    let lengths: Vec<_> = options.into_iter().map(|(kind, body)| (kind, body.len())).collect();
    assert_eq!(lengths, [(1, 6), (5, 6), (3, 30)]);
}

#[test]
fn other_packets_are_not_neighbour_discovery() {
    for (index, value) in [(0, 128), (0, 132), (0, 137)] {
        let octets = changed(SOLICITATION, &[(index, value)]);
        assert_eq!(nd::parse(&ipv6(&octets)), Ok(None));
    }
    let mut octets = hex(SOLICITATION);
    octets[20] = 17;
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(None));
}

#[test]
fn hop_limit_checksum_and_code() {
    for frame in [SOLICITATION, DUPLICATE_CHECK, ADVERTISEMENT, ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT] {
        let mut octets = hex(frame);
        octets[21] = 254;
        assert_eq!(nd::parse(&ipv6(&octets)), Err(NdError::HopLimit(254)));
        for bit in 8..(octets.len() - 54) * 8 {
            let mut octets = hex(frame);
            octets[54 + bit / 8] ^= 0x80 >> (bit % 8);
            assert_eq!(nd::parse(&ipv6(&octets)), Err(NdError::Checksum), "bit {bit}");
        }
        assert_eq!(nd::parse(&ipv6(&changed(frame, &[(1, 1)]))), Err(NdError::Code(1)));
    }
}

#[test]
fn every_truncation() {
    for frame in [SOLICITATION, DUPLICATE_CHECK, ADVERTISEMENT, ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT] {
        let octets = hex(frame);
        let whole = ipv6(&octets);
        for length in 0..whole.payload.len() {
            let packet = Ipv6 { payload: &whole.payload[..length], ..whole };
            let expected = if length < 4 { NdError::TooShort } else { NdError::Checksum };
            assert_eq!(nd::parse(&packet), Err(expected), "{length}");
        }
    }
}

/// Messages cut short by a sender who knows how to sum.
#[test]
fn short_messages_with_a_right_checksum() {
    for (frame, fixed) in
        [(SOLICITATION, 24), (ADVERTISEMENT, 24), (ROUTER_SOLICITATION, 8), (ROUTER_ADVERTISEMENT, 16)]
    {
        let octets = hex(frame);
        let whole = ipv6(&octets);
        for length in (4..whole.payload.len()).step_by(2) {
            // What was cut, and the difference in length, leave the sum; the checksum takes them up.
            let cut = words(&whole.payload[length..]) + u64::try_from(whole.payload.len() - length).unwrap();
            let mut payload = whole.payload[..length].to_vec();
            let mut sum = u64::from(u16::from_be_bytes([payload[2], payload[3]])) + cut;
            while sum > 0xffff {
                sum = (sum & 0xffff) + (sum >> 16);
            }
            payload[2..4].copy_from_slice(&u16::try_from(sum).unwrap().to_be_bytes());
            let result = nd::parse(&Ipv6 { payload: &payload, ..whole });
            if length < fixed {
                assert_eq!(result, Err(NdError::TooShort), "{length}");
            } else if (length - fixed) % 8 != 0 {
                assert_eq!(result, Err(NdError::OptionTooShort), "{length}");
            }
        }
    }
}

#[test]
fn options_must_advance() {
    assert_eq!(nd::parse(&ipv6(&changed(SOLICITATION, &[(25, 0)]))), Err(NdError::OptionLengthZero));
    assert_eq!(nd::parse(&ipv6(&changed(SOLICITATION, &[(25, 2)]))), Err(NdError::OptionTooShort));
    // An unknown option is skipped.
    let octets = changed(SOLICITATION, &[(24, 14)]);
    let expected = Nd::NeighborSolicitation { target: target(), source_mac: None };
    assert_eq!(nd::parse(&ipv6(&octets)), Ok(Some(expected)));
    // The MAC option of the router advertisement swallows the next one.
    assert_eq!(
        nd::parse(&ipv6(&changed(ROUTER_ADVERTISEMENT, &[(17, 2)]))),
        Err(NdError::MacOptionLength(16))
    );
}

#[test]
fn addresses_must_make_sense() {
    for frame in [SOLICITATION, ADVERTISEMENT] {
        assert_eq!(nd::parse(&ipv6(&changed(frame, &[(8, 0xff)]))), Err(NdError::TargetMulticast));
    }
    // Changing addresses of the header, the checksum takes up the difference.
    let octets = changed(ADVERTISEMENT, &[]);
    let whole = ipv6(&octets);
    let mut payload = whole.payload.to_vec();
    // fd00:a::7 to ff02::1: the sum falls by fd00 + 000a + 0007 and grows by ff02 + 0001: 01f2 more; 39c9 - 01f2.
    payload[2..4].copy_from_slice(&[0x37, 0xd7]);
    let whole = Ipv6 { destination: "ff02::1".parse().unwrap(), ..whole };
    assert_eq!(nd::parse(&Ipv6 { payload: &payload, ..whole }), Err(NdError::SolicitedMulticast));
    // Unsolicited it goes to all (RFC 4861 §7.2.6): 4000 less in the flags.
    payload[2..5].copy_from_slice(&[0x77, 0xd7, 0xa0]);
    let Ok(Some(Nd::NeighborAdvertisement { flags, .. })) = nd::parse(&Ipv6 { payload: &payload, ..whole })
    else {
        panic!("an unsolicited advertisement");
    };
    assert_eq!(flags, NaFlags { router: true, solicited: false, overrides: true });

    let octets = hex(SOLICITATION);
    let whole = ipv6(&octets);
    let mut payload = whole.payload.to_vec();
    // fd00:a::7 to ::, fd11 less: 78d3 + fd11 = 175e4, folded 75e5.
    payload[2..4].copy_from_slice(&[0x75, 0xe5]);
    let packet = Ipv6 { source: Ipv6Addr::UNSPECIFIED, payload: &payload, ..whole };
    assert_eq!(nd::parse(&packet), Err(NdError::UnspecifiedSourceWithMac));

    let octets = hex(ROUTER_ADVERTISEMENT);
    let whole = ipv6(&octets);
    let mut payload = whole.payload.to_vec();
    // fe80:: to fd80::, 0100 less: 9e74 + 0100.
    payload[2..4].copy_from_slice(&[0x9f, 0x74]);
    let packet = Ipv6 { source: "fd80::5e00:20a".parse().unwrap(), payload: &payload, ..whole };
    assert_eq!(nd::parse(&packet), Err(NdError::SourceNotLinkLocal));
}
