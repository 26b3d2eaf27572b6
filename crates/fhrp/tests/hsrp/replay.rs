//! An engine among captured Cisco routers: it gets the packets of one of them at the times at which they were seen.

use std::net::Ipv4Addr;

use fhrp::GroupState::{Active, Listen, Speak, Standby};
use fhrp::{
    Engine, HsrpAuthentication, HsrpConfig, HsrpSettings, Instant, InterfaceName, LinkEvent, LinkState,
    MacAddr, NoticeKind,
};
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::hsrp::{self, KeyBytes, Opcode, Parsed, State, Variant};

use super::lan::{Dataplane, ETH0, Lan, Router};
use super::pcap::{Captured, frames};

/// One engine as the captured router's peer.
struct Ours {
    address: [u8; 4],
    mac: [u8; 6],
    version: u8,
    gateway: [u8; 4],
}

impl Ours {
    fn settings(&self) -> HsrpSettings {
        let mut settings = HsrpSettings::new(InterfaceName::new("eth0"), 1, vec![self.gateway.into()]);
        settings.version = self.version;
        settings
    }

    fn lan(&self, settings: HsrpSettings) -> Lan {
        let mut engine = Engine::new();
        let link = LinkState {
            name: InterfaceName::new("eth0"),
            index: ETH0,
            mac: MacAddr(self.mac),
            up: true,
            mtu: 1500,
            ipv4: vec![self.address.into()],
            ipv6: vec![],
        };
        engine.handle_link(Instant::from_micros(0), LinkEvent::Present(link));
        engine.add(Instant::from_micros(0), HsrpConfig::new(settings).unwrap()).unwrap();
        let dataplane = Dataplane::After(std::time::Duration::from_micros(100));
        let mut lan = Lan::default();
        lan.routers.push(Router { engine, number: 2, dataplane, reachable: true });
        lan
    }
}

fn source(frame: &[u8]) -> Option<Ipv4Addr> {
    match envelope::parse(frame).unwrap().packet {
        envelope::Packet::Ipv4(ip) => Some(ip.source),
        _ => None,
    }
}

/// Plays what `from` said; gives the time of the last Hello that an Active router sent.
fn play(lan: &mut Lan, frames: &[Captured], from: [u8; 4]) -> u64 {
    let mut last = 0;
    for (at, frame) in frames.iter().filter(|(_, frame)| source(frame) == Some(from.into())) {
        lan.run(Instant::from_micros(*at));
        lan.hear(frame);
        last = *at;
    }
    last
}

fn payload(frame: &[u8]) -> Vec<u8> {
    let frame = envelope::parse(frame).unwrap();
    udp::parse(&frame.packet).unwrap().unwrap().payload.to_vec()
}

/// Everything of one opcode that the engine sent.
fn sent(lan: &Lan, variant: Variant, opcode: Opcode) -> Vec<Vec<u8>> {
    let frames = lan.frames(0).into_iter().map(|(_, frame)| frame.to_vec());
    let named = |frame: &Vec<u8>| {
        let parsed = envelope::parse(frame).unwrap();
        let Ok(Some(datagram)) = udp::parse(&parsed.packet) else { return false };
        match hsrp::parse(variant, datagram.payload).unwrap() {
            Parsed::Message(received) => received.message().opcode() == opcode,
            Parsed::InterfaceState(_) => false,
        }
    };
    frames.filter(named).collect()
}

/// .20 of the captured election. Its own captured steps: Speak at 20.037 s; here nobody competes with it.
#[test]
fn an_election_is_lost_and_the_winner_replaced() {
    let Some(frames) = frames("hsrpv1-election.cap") else { return };
    let ours = Ours {
        address: [192, 168, 0, 20],
        mac: [0xc2, 2, 0x34, 0x77, 0, 0],
        version: 1,
        gateway: [192, 168, 0, 1],
    };
    let mut lan = ours.lan(ours.settings());
    let last = play(&mut lan, &frames, [192, 168, 0, 10]);
    assert_eq!(last, 55_507_570);
    assert_eq!(
        lan.moves(),
        [(0, 2, Listen), (10_000, 2, Speak), (10_004, 2, Listen), (20_004, 2, Speak), (30_004, 2, Standby)]
    );
    lan.forget().until(70_000);
    assert_eq!(lan.moves(), [(65_507, 2, Active)], "ten seconds after the last Hello");
    let first = lan.frames(0).into_iter().find(|(_, frame)| frame[6..8] == [0, 0]).unwrap();
    assert_eq!(first.0.as_micros(), 65_507_570, "from the virtual MAC");
}

/// .1 of the capture pushes .2 aside; its Coup and its first Hello as captured, octet for octet.
#[test]
fn a_coup_is_the_captured_one() {
    let Some(frames) = frames("hsrpv1-coup-resign-old-ios.pcap") else { return };
    let mac = [0x00, 0x10, 0x7b, 0x7e, 0xf4, 0xaa];
    let ours = Ours { address: [192, 168, 23, 1], mac, version: 1, gateway: [192, 168, 23, 250] };
    let mut lan = ours.lan(HsrpSettings { priority: 110, preempt: true, ..ours.settings() });
    let at = play(&mut lan, &after(frames[..23].to_vec(), 50), [192, 168, 23, 2]);
    let coup = &sent(&lan, Variant::V1, Opcode::Coup)[0];
    assert_eq!(payload(coup), payload(&frames[23].1));
    assert_eq!(coup[..12], frames[23].1[..12], "MACs");
    let hello = &sent(&lan, Variant::V1, Opcode::Hello)[0];
    assert_eq!(payload(hello), payload(&frames[24].1), "5 s and 15 s, as learned");
    assert_eq!(hello[..12], frames[24].1[..12], "MACs");
    assert_eq!(lan.moves().last(), Some(&(at / 1000, 2, Active)));
}

/// The other side: .2 of the capture is pushed aside, resigns and speaks as captured.
#[test]
fn a_resignation_is_the_captured_one() {
    let Some(frames) = frames("hsrpv1-coup-resign-old-ios.pcap") else { return };
    let mac = [0x00, 0x10, 0x7b, 0x35, 0xf5, 0xb5];
    let ours = Ours { address: [192, 168, 23, 2], mac, version: 1, gateway: [192, 168, 23, 250] };
    let mut settings = ours.settings();
    settings.timers = Some((std::time::Duration::from_secs(5), std::time::Duration::from_secs(15)));
    let mut lan = ours.lan(settings);
    lan.until(40_000);
    assert_eq!(lan.state(0), Active);
    let last = play(&mut lan, &frames, [192, 168, 23, 1]);
    let resign = &sent(&lan, Variant::V1, Opcode::Resign)[0];
    assert_eq!((payload(resign), &resign[..12]), (payload(&frames[25].1), &frames[25].1[..12]));
    let next = lan.frames(0).iter().position(|(_, frame)| frame[..] == resign[..]).unwrap() + 1;
    let hello = lan.frames(0)[next].1.clone();
    assert_eq!((payload(&hello), &hello[..12]), (payload(&frames[26].1), &frames[26].1[..12]));
    assert_eq!(lan.state(0), Standby);
    lan.forget().run(Instant::from_micros(last + 15_000_000));
    assert_eq!(lan.moves(), [((last + 15_000_000) / 1000, 2, Active)]);
}

fn keyed(ours: &Ours, key: &str) -> HsrpSettings {
    HsrpSettings { authentication: HsrpAuthentication::Md5(KeyBytes::new(key).unwrap()), ..ours.settings() }
}

/// What was seen after `seconds`, for captures that have pauses before.
fn after(frames: Vec<Captured>, seconds: u64) -> Vec<Captured> {
    let micros = seconds * 1_000_000;
    let later = frames.into_iter().filter(|(at, _)| *at >= micros);
    later.map(|(at, frame)| (at - micros, frame)).collect()
}

/// Signed captures: with the sender's key we stand by behind it, preempt it, and take over when it ends.
#[test]
fn signed_routers_are_followed_preempted_and_replaced() {
    let (a, b) = ([10, 0, 0, 10], [10, 0, 0, 20]);
    let v1 = "hsrpv1-md5-two-keys.pcap";
    for (name, version, from, key, start) in [
        (v1, 1, a, "password12345", 0),
        (v1, 1, b, "openwall12345", 0),
        ("hsrpv2-md5-two-keys.pcap", 2, a, "password", 59),
        ("hsrpv2-md5-two-keys.pcap", 2, b, "password12345", 36),
    ] {
        let Some(frames) = frames(name).map(|frames| after(frames, start)) else { return };
        let variant = if version == 1 { Variant::V1 } else { Variant::V2Ipv4 };
        let ours =
            Ours { address: [10, 0, 0, 30], mac: [2, 0, 0, 0, 0, 30], version, gateway: [10, 0, 0, 100] };
        let mut lan = ours.lan(keyed(&ours, key));
        let last = play(&mut lan, &frames, from);
        assert_eq!((lan.state(0), lan.counters(0).auth_failures), (Standby, 0), "{name}");
        lan.forget().run(Instant::from_micros(last + 10_000_000));
        assert_eq!(lan.moves(), [((last + 10_000_000) / 1000, 2, Active)]);

        let mut lan = ours.lan(HsrpSettings { priority: 250, preempt: true, ..keyed(&ours, key) });
        play(&mut lan, &frames[..frames.len().min(200)], from);
        assert_eq!(lan.state(0), Active, "{name}");
        let coup = payload(&sent(&lan, variant, Opcode::Coup)[0]);
        let Ok(Parsed::Message(coup)) = hsrp::parse(variant, &coup) else { panic!("no message") };
        assert!(coup.verify_md5(&KeyBytes::new(key).unwrap(), ours.address.map(u8::from).into()));
        assert_eq!(coup.message().address(), Some([10, 0, 0, 100].into()));
        assert!(matches!(coup.message().state(), State::Listen | State::Speak | State::Standby));
    }
}

#[test]
fn a_wrong_key_is_said_and_follows_nobody() {
    let Some(frames) = frames("hsrpv2-md5-two-keys.pcap") else { return };
    let ours =
        Ours { address: [10, 0, 0, 30], mac: [2, 0, 0, 0, 0, 30], version: 2, gateway: [10, 0, 0, 100] };
    let mut lan = ours.lan(keyed(&ours, "password"));
    play(&mut lan, &frames[..300], [10, 0, 0, 20]);
    assert_eq!(lan.moves().last(), Some(&(20_000, 2, Active)));
    let peer = [10, 0, 0, 20].into();
    let reason = "authentication failed (auth-failures)".into();
    assert!(lan.notices(0).contains(&NoticeKind::BadAuthentication { peer, reason }));
    assert_eq!(lan.counters(0).hello_rcvd, 0);
}

/// Two groups of a production router.
#[test]
fn groups_above_255_are_told_apart() {
    let Some(frames) = frames("hsrpv2-text-auth.pcap") else { return };
    for (group, known) in [(103, true), (920, false)] {
        let frame =
            &frames.iter().find(|(_, frame)| u16::from_be_bytes([frame[48], frame[49]]) == group).unwrap().1;
        let address = &frame[68..72];
        let gateway = Ipv4Addr::new(address[0], address[1], address[2], address[3]);
        let ours =
            Ours { address: [10, 0, 0, 30], mac: [2, 0, 0, 0, 0, 30], version: 2, gateway: gateway.octets() };
        let mut lan = ours.lan(HsrpSettings { group, ..ours.settings() });
        for (_, frame) in &frames {
            lan.hear(frame);
        }
        assert_eq!((lan.counters(0).hello_rcvd, lan.interface(0).hsrp_group_errors), (1, 1));
        assert_eq!(lan.status(0).active.is_some(), known, "103 is Active, 920 Standby");
    }
}
