//! Known octets, both ways. None of them were made by this crate.

use bytes::BytesMut;
use fhrp_wire::MacAddr;
use fhrp_wire::hsrp::{
    Auth, Credentials, InterfaceActivity, InterfaceState, InvalidMessage, Message, Opcode, Parsed, Parts,
    Remarks, State, TextKey, TimersSeen, Variant, Version, default_text, parse,
};

use crate::common::{hex, ip};
use crate::{
    V1_ADVERTISE, V1_COUP, V1_MD5, V1_MD5_OTHER_KEY, V1_RESIGN, V1_TEXT, V2_INTERFACE_STATE, V2_MD5,
    V2_MD5_OTHER_KEY, V2_MD5_PADDING, V2_TEXT, V6_MD5, build, hello, key, message, timers,
};

const AS_SENT: Remarks = Remarks { timers: TimersSeen::AsSent, clamped_priority: None };

/// `octets` read as `value`, and `value` is written as `octets`.
#[track_caller]
fn both_ways(octets: &str, parts: Parts, credentials: &Credentials<'_>) {
    let octets = hex(octets);
    let value = build(parts);
    let received = message(parts.group.variant(), &octets).unwrap();
    assert_eq!(received.message(), &value);
    assert_eq!(received.remarks(), AS_SENT);
    match *credentials {
        Credentials::None => assert_eq!(received.auth(), &Auth::None),
        Credentials::Text(key) => assert!(received.verify_text(key)),
        Credentials::Md5 { key, source, .. } => assert!(received.verify_md5(key, source)),
    }
    let mut out = BytesMut::from(&b"before"[..]);
    value.emit(&mut out, credentials);
    assert_eq!(out[6..], octets);
    assert_eq!(value.wire_octets(credentials), octets.len());
}

#[test]
fn version_1_with_the_default_text() {
    let parts = Parts { priority: 200, ..hello(Variant::V1, 1, "192.168.0.1") };
    both_ways(V1_TEXT, parts, &Credentials::Text(&default_text()));
    let octets = hex(V1_TEXT);
    let received = message(Variant::V1, &octets).unwrap();
    assert_eq!(received.message().identifier(), None);
    for wrong in ["cisc", "ciscp", "cisco1"] {
        assert!(!received.verify_text(&TextKey::new(wrong).unwrap()), "{wrong}");
    }
    assert!(!received.verify_md5(&key("cisco"), ip("192.168.0.10")));
}

#[test]
fn version_1_coup_and_resign() {
    let coup = Parts {
        opcode: Opcode::Coup,
        state: State::Listen,
        priority: 110,
        timers: timers(Variant::V1, 5000, 15_000),
        ..hello(Variant::V1, 1, "192.168.23.250")
    };
    both_ways(V1_COUP, coup, &Credentials::Text(&default_text()));
    let resign = Parts { opcode: Opcode::Resign, state: State::Speak, priority: 100, ..coup };
    both_ways(V1_RESIGN, resign, &Credentials::Text(&default_text()));
}

#[test]
fn version_1_signed() {
    let parts = hello(Variant::V1, 1, "10.0.0.100");
    let credentials = Credentials::Md5 { key: &key("openwall12345"), key_id: 0, source: ip("10.0.0.20") };
    both_ways(V1_MD5, parts, &credentials);
    let credentials = Credentials::Md5 { key: &key("password12345"), key_id: 0, source: ip("10.0.0.10") };
    both_ways(V1_MD5_OTHER_KEY, Parts { priority: 110, ..parts }, &credentials);
}

#[test]
fn version_2_with_the_default_text() {
    let parts = Parts {
        state: State::Standby,
        priority: 90,
        identifier: MacAddr([0x70, 0x0f, 0x6a, 0xef, 0xf5, 0xbf]),
        ..hello(Variant::V2Ipv4, 920, "10.52.220.126")
    };
    both_ways(V2_TEXT, parts, &Credentials::Text(&default_text()));
}

#[test]
fn version_2_signed() {
    let parts = Parts {
        identifier: MacAddr([0xaa, 0xbb, 0xcc, 0x00, 0x0a, 0x00]),
        ..hello(Variant::V2Ipv4, 1, "10.0.0.100")
    };
    let credentials = Credentials::Md5 { key: &key("password"), key_id: 0, source: ip("10.0.0.10") };
    both_ways(V2_MD5, parts, &credentials);
    let parts = Parts {
        state: State::Speak,
        priority: 200,
        identifier: MacAddr([0xaa, 0xbb, 0xcc, 0x00, 0x14, 0x00]),
        ..parts
    };
    let credentials = Credentials::Md5 { key: &key("password12345"), key_id: 0, source: ip("10.0.0.20") };
    both_ways(V2_MD5_OTHER_KEY, parts, &credentials);
}

#[test]
fn version_2_over_ipv6() {
    let parts = hello(Variant::V2Ipv6, 16, "fe80::5:73ff:fea0:10");
    let credentials = Credentials::Md5 { key: &key("geheim"), key_id: 7, source: ip("fe80::1") };
    both_ways(V6_MD5, parts, &credentials);
}

/// Padding is ignored, but the digest covers it as it came.
#[test]
fn uninitialised_padding() {
    let octets = hex(V2_MD5_PADDING);
    let received = message(Variant::V2Ipv4, &octets).unwrap();
    let plain = hex(V2_MD5);
    assert_eq!(received.message(), message(Variant::V2Ipv4, &plain).unwrap().message());
    assert!(received.verify_md5(&key("password"), ip("10.0.0.10")));
}

/// A TLV behind the digest is skipped, and covered by it. The digest was made apart from this crate.
#[test]
fn unknown_tlvs_are_skipped() {
    let mut octets = hex("000010030a64010000000000000000000a000064\
        041c010000000a0000140000000030d89ccbcd4fa534e37e8e31840db38d 7f03aabbcc");
    let (key, source) = (key("openwall12345"), ip("10.0.0.20"));
    let received = message(Variant::V1, &octets).unwrap();
    assert!(received.verify_md5(&key, source));
    let last = octets.len() - 1;
    octets[last] ^= 1;
    assert!(!message(Variant::V1, &octets).unwrap().verify_md5(&key, source));

    let octets = [&hex("7f03aabbcc 0500")[..], &hex(V2_TEXT), &hex("ff00")].concat();
    let received = message(Variant::V2Ipv4, &octets).unwrap();
    assert_eq!(received.message(), message(Variant::V2Ipv4, &hex(V2_TEXT)).unwrap().message());
    assert!(received.verify_text(&default_text()));
}

#[test]
fn a_digest_holds_for_its_sender_and_key() {
    for (variant, octets, signed) in crate::packets() {
        let Some((source, key)) = signed else { continue };
        let received = message(variant, &octets).unwrap();
        assert!(received.verify_md5(&key, source));
        assert!(!received.verify_md5(&key, ip("10.0.0.11")), "somebody else's");
        assert!(!received.verify_md5(&key, ip("fe80::2")), "somebody else's");
        assert!(!received.verify_md5(&crate::key("passwort"), source));
        assert!(!received.verify_text(&default_text()));
    }
}

#[test]
fn what_identifies_the_key() {
    let octets = hex(V6_MD5);
    let auth = *message(Variant::V2Ipv6, &octets).unwrap().auth();
    let expected = Auth::Md5 {
        key_id: 7,
        address: [0, 0, 0, 1].into(),
        digest: hex("17800776f49640e77b5d7fbae98aeca7").try_into().unwrap(),
    };
    assert_eq!(auth, expected);
}

#[test]
fn interface_states() {
    for (variant, octets, state) in [
        (
            Variant::V1,
            // The last four octets are sent as zeros.
            V1_ADVERTISE.replace("6f000000", "00000000"),
            InterfaceState::V1 { activity: InterfaceActivity::Active, active: 1, passive: 2 },
        ),
        (Variant::V2Ipv4, V2_INTERFACE_STATE.to_owned(), InterfaceState::V2 { active: 1, passive: 0 }),
        (Variant::V2Ipv6, "020400020fff".to_owned(), InterfaceState::V2 { active: 2, passive: 4095 }),
    ] {
        assert_eq!(parse(variant, &hex(&octets)), Ok(Parsed::InterfaceState(state)));
        let mut out = BytesMut::new();
        state.emit(&mut out);
        assert_eq!(out, hex(&octets));
    }
    assert!(parse(Variant::V1, &hex(V1_ADVERTISE)).is_ok());
}

/// RFC 2281 §5.1, and the numbers of the MIB for version 2.
#[test]
fn states_of_both_versions() {
    let of = |variant, packet: &str, index: usize, number| {
        let mut octets = hex(packet);
        octets[index] = number;
        message(variant, &octets).unwrap().message().state()
    };
    for (state, v1, v2) in [
        (State::Initial, 0, 1),
        (State::Learn, 1, 2),
        (State::Listen, 2, 3),
        (State::Speak, 4, 4),
        (State::Standby, 8, 5),
        (State::Active, 16, 6),
    ] {
        assert_eq!(of(Variant::V1, V1_TEXT, 2, v1), state);
        assert_eq!(of(Variant::V2Ipv4, V2_TEXT, 4, v2), state);
        for (variant, index, number) in [(Variant::V1, 2, v1), (Variant::V2Ipv4, 4, v2)] {
            let mut out = BytesMut::new();
            build(Parts { state, ..hello(variant, 1, "10.0.0.1") }).emit(&mut out, &Credentials::None);
            assert_eq!(out[index], number);
        }
    }
    assert_eq!(of(Variant::V2Ipv4, V2_TEXT, 4, 0), State::Disabled);
}

#[test]
fn version_1_cannot_say_disabled() {
    let message = build(Parts { state: State::Disabled, ..hello(Variant::V1, 1, "10.0.0.1") });
    assert_eq!(message.state(), State::Initial);
    let message = build(Parts { state: State::Disabled, ..hello(Variant::V2Ipv4, 1, "10.0.0.1") });
    assert_eq!(message.state(), State::Disabled);
}

#[test]
fn an_unknown_address_is_zero() {
    for (variant, unspecified, octets) in [
        (Variant::V1, "0.0.0.0", "000010030a6401000000000000000000 00000000"),
        (
            Variant::V2Ipv4,
            "0.0.0.0",
            "0128020006040001 020000000001 00000064 00000bb8 00002710 00000000000000000000000000000000",
        ),
        (
            Variant::V2Ipv6,
            "::",
            "0128020006060001 020000000001 00000064 00000bb8 00002710 00000000000000000000000000000000",
        ),
    ] {
        both_ways(octets, Parts { address: None, ..hello(variant, 1, unspecified) }, &Credentials::None);
        assert_eq!(build(hello(variant, 1, unspecified)).address(), None);
    }
}

#[test]
fn parts_that_do_not_fit_together() {
    let v4 = hello(Variant::V1, 1, "10.0.0.1");
    let v6 = hello(Variant::V2Ipv6, 1, "10.0.0.1");
    assert_eq!(Message::new(v6), Err(InvalidMessage::AddressFamily(fhrp_wire::Family::V6)));
    let timers = timers(Variant::V2Ipv4, 3000, 10_000);
    assert_eq!(Message::new(Parts { timers, ..v4 }), Err(InvalidMessage::TimersVersion(Version::V1)));
}

#[test]
fn secrets_are_not_printed() {
    let octets = hex(V1_TEXT);
    let received = parse(Variant::V1, &octets).unwrap();
    let text = format!("{received:?} {:?}", Credentials::Text(&default_text()));
    assert!(text.contains("Text(..)") && text.contains("TextKey(..)"), "{text}");
    for secret in ["cisco", "99, 105", "63, 69", "0x63"] {
        assert!(!text.contains(secret), "{text}");
    }
}
