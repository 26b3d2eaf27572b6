//! Real routers out of capture files: the daemon joins their group, and they join the daemon's.

use std::{net::Ipv4Addr, time::Duration};

use fhrp_lab::{
    Authentication, Capture, CaptureScope, Event, GlbpGroup, GlbpOpcode, Kind, Lab, LabOptions, Node,
    Recorded, Replay, Timers, World, testing::captures, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, fhrpd, group_of, own_forwarder, virtual_mac, wait_for};

/// Those of the captured routers: with shorter ones, the daemon would not wait for them.
const TIMERS: Timers = Timers { hello: Duration::from_secs(3), hold: Duration::from_secs(10) };
const ETHERNET: usize = 14;
const IPV4: usize = 20;
const UDP: usize = 8;

fn replay(file: &str, who: [u8; 4]) -> Replay {
    Replay::new(&captures().unwrap().join(file), who.into()).unwrap()
}

/// Two routers in the captured network: the second has this address there.
fn in_network(world: World, router: u8, address: Ipv4Addr) -> (Lab, Capture) {
    let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
    let node = lab.router(router).unwrap();
    let lines = [
        format!("addr del {}/24 dev lan0", node.lan_address(0, Family::V4)),
        format!("addr add {address}/24 dev lan0"),
    ];
    node.namespace().ip(lines).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    (lab, capture)
}

fn group(address: [u8; 4]) -> GlbpGroup {
    let usual = GlbpGroup::new(Family::V4, 90);
    GlbpGroup { addresses: vec![address.into()], preempt: false, timers: TIMERS, ..usual }
}

fn is(kind: &Kind, opcode: GlbpOpcode) -> bool {
    kind.glbp().is_some_and(|said| said.opcode == opcode)
}

/// Waits until a router sends a packet of a kind.
fn await_packet(capture: &Capture, router: &str, opcode: GlbpOpcode) -> Event {
    let found = capture.wait_for(0, SOON, |events| {
        events.iter().find(|event| &*event.node == router && is(&event.kind, opcode)).cloned()
    });
    found.unwrap_or_else(|| panic!("{router} sends no {opcode:?}"))
}

/// What follows the headers of Ethernet, IPv4 and UDP, and nothing of Ethernet's padding.
fn payload(frame: &[u8]) -> &[u8] {
    let total = usize::from(u16::from_be_bytes([frame[ETHERNET + 2], frame[ETHERNET + 3]]));
    &frame[ETHERNET + IPV4 + UDP..ETHERNET + total]
}

/// The captured packet that `wanted` accepts.
fn captured(replay: &Replay, opcode: GlbpOpcode) -> &Recorded {
    replay.find(|kind| is(kind, opcode)).unwrap()
}

#[test]
fn a_captured_avg_gives_a_forwarder_which_is_served_after_its_hold_time() {
    let Some(world) = world!(Captures) else { return };
    let avg = replay("glbp-election-3routers.cap", [192, 168, 0, 10]);
    let asker = replay("glbp-election-3routers.cap", [192, 168, 0, 30]);
    let own = Ipv4Addr::new(192, 168, 0, 77);
    let (lab, capture) = in_network(world, 2, own);
    let router = lab.router(2).unwrap();
    let process = fhrpd().start(router, &[group([192, 168, 0, 1])]).unwrap();
    let speaker = avg.speak(lab.router(1).unwrap(), "lan0").unwrap();

    let request = await_packet(&capture, "r2", GlbpOpcode::Request);
    let (there, said) = (captured(&asker, GlbpOpcode::Request), request.kind.glbp().unwrap());
    // As the captured router asked, but for the owner id.
    let with_owner = |frame: &[u8]| [&payload(frame)[..6], &payload(frame)[12..]].concat();
    assert_eq!(with_owner(&request.frame), with_owner(&there.frame));
    assert_eq!((said.owner, request.source_mac), (router.lan_mac(0), router.lan_mac(0)));
    assert_eq!((&request.frame[..6], &request.frame[30..34]), (&there.frame[..6], &there.frame[30..34]));

    let response = captured(&avg, GlbpOpcode::Response).addressed_to(router.lan_mac(0), own).unwrap();
    speaker.say(&response).unwrap();
    let given = capture.wait_for(0, SOON, |events| {
        events.iter().find(|event| is(&event.kind, GlbpOpcode::Response)).map(|event| event.at)
    });
    let served = capture.wait_for(0, SOON, |events| {
        let mut own = events.iter().filter(|event| &*event.node == "r2");
        own.find(|event| event.kind.glbp().is_some_and(|said| said.serves(2))).cloned()
    });
    let served = served.unwrap_or_else(|| panic!("forwarder 2 is not served{}", process.log_tail()));
    let waited = served.at.since(given.unwrap());
    println!("served {waited:?} after the response");
    assert!((TIMERS.hold..TIMERS.hold + Duration::from_secs(2)).contains(&waited), "{waited:?}");
    // An announcement of its own, from the virtual MAC (#40 of the file).
    assert_eq!((served.source_mac, served.kind.glbp().unwrap().gateway), (virtual_mac(2), None));
    let report = group_of(router).unwrap();
    assert_eq!((own_forwarder(&report), report.active), (Some(2), Some([192, 168, 0, 10].into())));
}

#[test]
fn a_captured_avg_with_a_key_chain_is_believed_and_asked() {
    let Some(world) = world!(Captures) else { return };
    let avg = replay("glbp-md5-keychain.pcap", [10, 1, 2, 2]);
    let (lab, capture) = in_network(world, 2, Ipv4Addr::new(10, 1, 2, 77));
    let router = lab.router(2).unwrap();
    let keys = vec![(1, "password12345".to_owned())];
    let authentication = Authentication::KeyChain { name: "cisco".to_owned(), keys };
    let group = GlbpGroup { authentication, ..group([10, 1, 2, 1]) };
    let _process = fhrpd().start(router, &[group]).unwrap();
    let _speaker = avg.speak(lab.router(1).unwrap(), "lan0").unwrap();

    let request = await_packet(&capture, "r2", GlbpOpcode::Request);
    // Type 3: a key id and a digest; then type 4: our nonce, and that of the one peer that we believe.
    let payload = payload(&request.frame);
    let nonces = &payload[12 + 24..];
    assert_eq!((&payload[12..20], &nonces[..3]), (&[3, 24, 3, 20, 0, 0, 0, 1][..], &[4, 20, 1][..]));
    let said = captured(&avg, GlbpOpcode::Hello).kind.glbp().copied().unwrap();
    assert_eq!(nonces[8..14], said.owner.octets());
    let (report, counter) =
        (group_of(router).unwrap(), |report: &fhrpd::report::GroupReport, name: &str| report.counters[name]);
    assert_eq!((report.active, report.active_priority), (Some([10, 1, 2, 2].into()), Some(130)));
    assert_eq!((counter(&report, "auth-failures"), counter(&report, "auth-key-errors")), (0, 0));
    let known: Vec<_> =
        report.glbp.unwrap().forwarders.into_iter().map(|known| (known.number, known.primary)).collect();
    assert_eq!(known[0], (1, false));
}

/// What a router has whose frames are to be those of a captured one.
fn disguise(router: &Node, mac: MacAddr) {
    router.namespace().ip([format!("link set dev lan0 address {mac}")]).unwrap();
}

#[test]
fn a_captured_request_is_answered_as_the_captured_avg_did() {
    let Some(world) = world!(Captures) else { return };
    let avg = replay("glbp-election-3routers.cap", [192, 168, 0, 10]);
    let asker = replay("glbp-election-3routers.cap", [192, 168, 0, 30]);
    let there = captured(&avg, GlbpOpcode::Response);
    let (lab, capture) = in_network(world, 1, Ipv4Addr::new(192, 168, 0, 10));
    let router = lab.router(1).unwrap();
    disguise(router, there.kind.glbp().unwrap().owner);
    let group = GlbpGroup { timers: Timers::QUICK, ..group([192, 168, 0, 1]) };
    let process = fhrpd().start(router, &[group]).unwrap();
    wait_for("an AVG with forwarder 1", || (own_forwarder(&group_of(router)?)? == 1).then_some(()));

    let request = captured(&asker, GlbpOpcode::Request);
    lab.router(2).unwrap().injector("lan0").unwrap().send(&request.frame).unwrap();
    let response = await_packet(&capture, "r1", GlbpOpcode::Response);
    assert_eq!(payload(&response.frame), payload(&there.frame), "{}", process.log_tail());
    // Ethernet; TOS; TTL and protocol; the addresses; the ports and the length.
    for part in [0..ETHERNET, 15..16, 22..24, 26..34, 34..40] {
        assert_eq!(response.frame[part.clone()], there.frame[part.clone()], "octets {part:?}");
    }
}
