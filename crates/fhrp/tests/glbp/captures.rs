//! Traffic of Cisco routers, replayed with its times, and this router among them.

use std::net::Ipv4Addr;

use fhrp::{GlbpAuthentication, GlbpSettings, GroupState, KeyChain, Lifetime, LinkEvent, LinkState};
use fhrp_wire::glbp::{Body, ForwarderPriority, VfState};

use super::lan::*;
use super::packets::*;
use super::pcap;

/// Router 4 on the LAN of the capture, at this address.
fn join(settings: GlbpSettings, address: Ipv4Addr) -> Lan {
    let mut lan = Lan::new([settings]);
    let state = LinkState { ipv4: vec![address], ..link(1) };
    lan.act(1, |engine, now| engine.handle_link(now, LinkEvent::Present(state)));
    lan.router(1).alive = true;
    lan
}

fn replay(lan: &mut Lan, frames: &[pcap::Captured], offset: u64) {
    for (at, frame) in frames {
        lan.until((offset + at) / 1000);
        lan.act(1, |engine, now| engine.handle_frame(now, ETH0, frame));
    }
}

/// Joins the captured AVG, whose octets are real: asks it, is answered as the captured router was, and serves forwarder
/// 4 a hold time later.
#[test]
fn joins_three_captured_routers_as_the_fourth() {
    let Some(frames) = pcap::frames("glbp-election-3routers.cap") else { return };
    let cisco = GlbpSettings { addresses: vec![ip("192.168.0.1")], ..settings() };
    let mut lan = join(cisco, Ipv4Addr::new(192, 168, 0, 40));
    // The second half, with three forwarders served, and again behind it so that there is time.
    let steady: Vec<_> = frames.iter().filter(|(at, _)| *at > 33_000_000).cloned().collect();
    let (first, last) = (steady[0].0, steady.last().unwrap().0);
    let round = |from: u64| -> Vec<_> {
        steady.iter().map(|(at, frame)| (at - first + from, frame.clone())).collect()
    };
    let length = last - first + 1_000_000;
    replay(&mut lan, &round(0)[..6], 0);
    let request = lan.sent.iter().find(|sent| sent.body() == Some(Body::Request)).cloned();
    let status = lan.router(1).glbp();
    assert_eq!(lan.router(1).status().active, Some(ip("192.168.0.10")));
    let known: Vec<_> =
        status.forwarders.iter().map(|known| (known.number, known.state, known.primary)).collect();
    assert_eq!(known, [1, 2, 3].map(|number| (number, GroupState::Listen, false)));
    let request = request.unwrap_or_else(|| panic!("no request: {:?}", lan.story));
    // As the captured request, but for who sent it.
    let mut captured = payload(&frames[25].1);
    captured[6..12].copy_from_slice(&mac(1).octets());
    assert_eq!(payload(&request.octets), captured);
    assert_eq!(request.octets[..6], frames[0].1[6..12], "to the interface of the AVG");
    // The captured response with the number that is free here.
    let mut response = payload(&frames[27].1);
    response[14] = 4;
    response[31] = 4;
    let answered = lan.now;
    let response = answer(&response);
    lan.act(1, |engine, now| engine.handle_frame(now, ETH0, &response));
    assert!(lan.router(1).forwarder(4).unwrap().primary);
    replay(&mut lan, &round(0)[6..], 0);
    lan.until(length / 1000);
    assert_eq!(lan.reaches(vmac(4)), Some(1));
    let announced = lan.sent.iter().find(|sent| sent.is_alone()).unwrap();
    let waited = announced.at.as_micros() - answered.as_micros();
    assert!((10_000_000..10_005_000).contains(&waited), "{waited} us");
    // It never disturbed anyone.
    assert!((1..=3).all(|number| lan.router(1).forwarder(number).unwrap().state == GroupState::Listen));
    let counters = lan.router(1).counters();
    assert_eq!((counters.looped, counters.destination_errors, counters.auth_type_mismatch), (0, 0, 0));
}

/// From 192.168.0.10 to 192.168.0.40, as the capture has it to another one.
fn answer(payload: &[u8]) -> Vec<u8> {
    use fhrp_wire::envelope::build::{self, Link, UdpHeader};
    let mut frame = bytes::BytesMut::new();
    let header = UdpHeader {
        link: Link { source: "c2:00:7c:b8:00:00".parse().unwrap(), destination: mac(1) },
        source: ip("192.168.0.10"),
        destination: ip("192.168.0.40"),
        hop_limit: 255,
        traffic_class: 0xc0,
        port: 3222,
    };
    build::udp(&mut frame, &header, |out| out.extend_from_slice(payload)).unwrap();
    frame.to_vec()
}

/// As the AVG, answers the captured request byte for byte as the captured AVG did: as its stand-in, with its MAC.
#[test]
fn answers_a_captured_request_byte_for_byte() {
    let Some(frames) = pcap::frames("glbp-election-3routers.cap") else { return };
    let cisco = GlbpSettings { addresses: vec![ip("192.168.0.1")], priority: 200, ..settings() };
    let mut lan = Lan::new([cisco]);
    let state = LinkState {
        mac: "c2:00:7c:b8:00:00".parse().unwrap(),
        ipv4: vec![Ipv4Addr::new(192, 168, 0, 10)],
        ..link(1)
    };
    lan.act(1, |engine, now| engine.handle_link(now, LinkEvent::Present(state)));
    lan.router(1).alive = true;
    lan.until(20_552);
    assert_eq!(lan.state(1), GroupState::Active);
    lan.forget_sent();
    lan.act(1, |engine, now| engine.handle_frame(now, ETH0, &frames[25].1));
    let [response] = lan.sent.as_slice() else { panic!("{:?}", lan.sent) };
    assert_eq!(payload(&response.octets), payload(&frames[27].1));
    assert_eq!(response.octets[..12], frames[27].1[..12], "the same Ethernet addresses");
    // The router that asked lists its forwarder, and is followed as its primary.
    let theirs = frames.iter().filter(|(at, frame)| *at > 20_600_000 && *at < 41_000_000 && frame[29] == 30);
    replay(&mut lan, &theirs.cloned().collect::<Vec<_>>(), 0);
    let known = lan.router(1).forwarder(2).unwrap();
    assert_eq!(known.owner, Some("c2:02:7c:ca:00:00".parse().unwrap()));
    assert!(known.server.unwrap().primary);
    // And its last Hello is the captured one, at the same age of the group.
    lan.until(42_000);
    let ours = lan.sent.iter().filter(|sent| !sent.is_alone() && sent.source() == vmac(1)).last().unwrap();
    let theirs = frames.iter().rfind(|(_, frame)| frame[6..12] == vmac(1).octets()).unwrap();
    assert_eq!(payload(&ours.octets), payload(&theirs.1));
}

/// Authenticated routers: their nonces are echoed, and the times of a forwarder that a secondary serves are learned.
#[test]
fn hears_captured_routers_that_authenticate() {
    let Some(frames) = pcap::frames("glbp-md5-keychain.pcap") else { return };
    let key = fhrp_wire::glbp::KeyBytes::new("password12345").unwrap();
    let always = Lifetime::default();
    let keys = vec![fhrp::ChainKey { id: 1, key, accept: always, send: always }];
    let authentication = GlbpAuthentication::Chain(KeyChain::new("lab", keys).unwrap());
    let cisco =
        GlbpSettings { addresses: vec![ip("10.1.2.1")], authentication, nonce_seed: [4, 5], ..settings() };
    let mut lan = join(cisco, Ipv4Addr::new(10, 1, 2, 40));
    // Up to the last packet of the AVG, which dies then.
    replay(&mut lan, &frames[..45], 0);
    let status = lan.router(1).glbp();
    let counters = &status.counters;
    assert_eq!((counters.auth_failures, counters.auth_type_mismatch, counters.auth_key_errors), (0, 0, 0));
    assert!(counters.hello_rcvd > 25, "{counters:?}");
    assert_eq!(status.members.len(), 2);
    let last = lan.sent.last().unwrap();
    let echoed = last.glbp(|parsed| match parsed.auth {
        fhrp_wire::glbp::AuthData::Md5 { nonces: Some(nonces), .. } => nonces.peers.len(),
        _ => 0,
    });
    assert_eq!(echoed, Some(2));
    // One that knows another key hears nothing at all.
    let key = fhrp_wire::glbp::KeyBytes::new("password123456").unwrap();
    let keys = vec![fhrp::ChainKey { id: 1, key, accept: always, send: always }];
    let wrong = GlbpAuthentication::Chain(KeyChain::new("lab", keys).unwrap());
    let cisco = GlbpSettings { addresses: vec![ip("10.1.2.1")], authentication: wrong, ..settings() };
    let mut deaf = join(cisco, Ipv4Addr::new(10, 1, 2, 40));
    replay(&mut deaf, &frames, 0);
    assert_eq!(deaf.router(1).counters().auth_failures, 44);
    assert_eq!(deaf.router(1).counters().hello_rcvd, 0);
}

/// Whoever joins while a secondary serves learns how long the owner has been away.
#[test]
fn learns_running_times_from_a_captured_secondary() {
    let Some(frames) = pcap::frames("glbp-md5-keychain.pcap") else { return };
    let secondary = frames.iter().find_map(|(_, frame)| {
        let sent = Sent { at: ms(0), by: 0, octets: frame.clone().into() };
        if frame[12..14] != [8, 0] {
            return None;
        }
        let Body::Announcement { forwarders, .. } = sent.body()? else { return None };
        let said = forwarders
            .iter()
            .find(|said| said.priority == ForwarderPriority::SECONDARY && said.state == VfState::Active)?;
        Some((frame.clone(), said))
    });
    let (frame, said) = secondary.unwrap();
    let key = fhrp_wire::glbp::KeyBytes::new("password12345").unwrap();
    let always = Lifetime::default();
    let keys = vec![fhrp::ChainKey { id: 1, key, accept: always, send: always }];
    let authentication = GlbpAuthentication::Chain(KeyChain::new("lab", keys).unwrap());
    let cisco = GlbpSettings { addresses: vec![ip("10.1.2.1")], authentication, ..settings() };
    let mut lan = join(cisco, Ipv4Addr::new(10, 1, 2, 40));
    lan.act(1, |engine, now| engine.handle_frame(now, ETH0, &frame));
    let known = lan.router(1).forwarder(said.number.get()).unwrap();
    assert_eq!(known.redirect_ends, Some(ms(u64::from(said.redirect_left.get()) * 1000)));
    assert_eq!(known.timeout_ends, Some(ms(u64::from(said.timeout_left.get()) * 1000)));
    assert!(said.redirect_left.get() < 600 && said.timeout_left.get() < 14_400);
}
