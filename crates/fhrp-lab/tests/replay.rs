//! Routers out of capture files, and forged packets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test program")]

use std::{fs, net::Ipv4Addr, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, GlbpOpcode, HsrpForgery, HsrpOpcode, Kind, Lab, LabOptions, Replay, SpeakerState,
    test_name,
    testing::{Need, captures, require},
    world,
};
use fhrp_wire::MacAddr;

const SOON: Duration = Duration::from_secs(5);

fn lab(world: fhrp_lab::World) -> Lab {
    Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap()
}

/// A hello of HSRP version 1 with a hello time of 1 s, in Ethernet and IPv4.
fn hello(state: u8) -> Vec<u8> {
    let mut frame = vec![0x01, 0x00, 0x5e, 0, 0, 2, 0, 0, 0x0c, 0x07, 0xac, 1, 8, 0];
    frame.extend([0x45, 0xc0, 0, 48, 0, 0, 0, 0, 1, 17, 0, 0, 192, 0, 2, 66, 224, 0, 0, 2]);
    frame.extend([0x07, 0xc1, 0x07, 0xc1, 0, 28, 0, 0]);
    frame.extend([0, 0, state, 1, 3, 200, 1, 0]);
    frame.extend(*b"cisco\0\0\0");
    frame.extend([192, 0, 2, 1]);
    frame
}

/// A pcap file, in microseconds and in the machine's own byte order.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let word = |value: u32| value.to_le_bytes();
    let mut file = [word(0xa1b2_c3d4), [2, 0, 4, 0], word(0), word(0), word(0xffff), word(1)].concat();
    for frame in frames {
        let length = word(u32::try_from(frame.len()).unwrap());
        file.extend([word(1), word(0), length, length].concat());
        file.extend(frame);
    }
    file
}

#[test]
fn a_replayed_router_speaks_in_time_and_falls_silent() {
    let Some(world) = world!() else { return };
    let path = "/run/hello.pcap";
    fs::write(path, pcap(&[hello(8), hello(16)])).unwrap();
    let replay = Replay::new(path.as_ref(), Ipv4Addr::new(192, 0, 2, 66)).unwrap();
    assert_eq!((replay.packets().len(), replay.active_hellos().count()), (2, 1));
    assert!(Replay::new(path.as_ref(), Ipv4Addr::LOCALHOST).is_err());

    let lab = lab(world);
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let speaker = replay.speak(lab.router(2).unwrap(), "lan0").unwrap();
    let heard = capture.wait_for(0, SOON, |events| {
        let heard: Vec<_> = events.iter().filter(|event| event.kind.hsrp().is_some()).cloned().collect();
        (heard.len() == 3).then_some(heard)
    });
    let heard = heard.unwrap();
    let last = speaker.stop();
    for event in &heard {
        assert_eq!((&*event.node, &event.frame), ("r2", &hello(16)));
    }
    for pair in heard.windows(2) {
        let gap = pair[1].at.since(pair[0].at);
        assert!((900..1200).contains(&gap.as_millis()), "{gap:?}");
    }
    assert!(heard[2].at.since(last) < Duration::from_millis(100));
    let mark = capture.mark();
    let more = capture.wait_for(mark, Duration::from_millis(1300), |events| {
        events.iter().any(|event| event.kind.hsrp().is_some()).then_some(())
    });
    assert_eq!(more, None, "it went on");
}

#[test]
fn captured_routers_are_found_with_what_they_say() {
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let folder = captures().unwrap();
    let replay = |file: &str, who: &str| Replay::new(&folder.join(file), who.parse().unwrap()).unwrap();
    for (file, who, active) in [
        ("hsrpv1-election.cap", "192.168.0.10", 20),
        ("hsrpv1-coup-resign-old-ios.pcap", "192.168.23.1", 49),
        ("hsrpv1-md5-two-keys.pcap", "10.0.0.10", 22),
        ("hsrpv2-md5-two-keys.pcap", "10.0.0.20", 988),
        ("hsrpv2-text-auth.pcap", "10.52.253.125", 1),
    ] {
        let replay = replay(file, who);
        assert_eq!(replay.active_hellos().count(), active, "{file}");
        assert!(
            replay.find(|kind| kind.hsrp().is_some_and(|said| said.state == SpeakerState::Active)).is_some()
        );
    }
    let old = replay("hsrpv1-coup-resign-old-ios.pcap", "192.168.23.2");
    let resigned = old.find(|kind| kind.hsrp().is_some_and(|said| said.opcode == HsrpOpcode::Resign));
    assert_eq!(resigned.unwrap().kind.hsrp().unwrap().state, SpeakerState::Speak);
    let loser = replay("hsrpv1-election.cap", "192.168.0.20");
    let interface = loser.find(|kind| matches!(kind, Kind::HsrpInterface { .. }));
    assert!(interface.is_some(), "{:?}", loser.packets());
}

#[test]
fn a_captured_response_reaches_another_router() {
    let Some(world) = world!(Captures) else { return };
    let file = captures().unwrap().join("glbp-election-3routers.cap");
    let who: [Ipv4Addr; 3] = [10, 20, 30].map(|host| Ipv4Addr::new(192, 168, 0, host));
    let replays: Vec<_> = who.iter().filter_map(|who| Replay::new(&file, *who).ok()).collect();
    let answers = |kind: &Kind| kind.glbp().is_some_and(|said| said.opcode == GlbpOpcode::Response);
    let (avg, response) = replays.iter().find_map(|replay| Some((replay, replay.find(answers)?))).unwrap();
    // The frame's number in the file, from the notes on it.
    assert_eq!(response.number, 28);
    // To whom it went then, with the checksums of then.
    let mac = MacAddr(response.frame[..6].try_into().unwrap());
    let then: [u8; 4] = response.frame[30..34].try_into().unwrap();
    assert_eq!(response.addressed_to(mac, then.into()).as_ref(), Some(response));

    let lab = lab(world);
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let (router, to) = (lab.router(1).unwrap(), Ipv4Addr::new(192, 0, 2, 11));
    let again = response.addressed_to(MacAddr([2, 0, 0, 0, 0, 9]), to).unwrap();
    let speaker = avg.speak(router, "lan0").unwrap();
    speaker.say(&again).unwrap();
    let heard = capture.wait_for(0, SOON, |events| {
        let response = events.iter().find(|event| answers(&event.kind)).cloned()?;
        let hello = events.iter().find_map(|event| event.kind.glbp()?.gateway)?;
        Some((response, hello))
    });
    let (heard, hello) = heard.unwrap();
    assert_eq!(heard.destination_mac, MacAddr([2, 0, 0, 0, 0, 9]));
    assert_eq!(heard.frame.get(30..34), Some(to.octets().as_slice()));
    assert_eq!(heard.frame.get(42..), response.frame.get(42..));
    assert_eq!(hello.state, SpeakerState::Active);
}

#[test]
fn scapy_and_yersinia_forge_a_coup() {
    let Some(world) = world!(Scapy, Yersinia) else { return };
    let lab = lab(world);
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let node = lab.router(1).unwrap();
    node.scapy(
        "sendp(Ether(dst='01:00:5e:00:00:02')/IP(src='192.0.2.66',dst='224.0.0.2',ttl=1)\
         /UDP(sport=1985,dport=1985)/HSRP(opcode=1,state=16,priority=255,group=1,virtualIP='192.0.2.1'),\
         iface='lan0',verbose=0)",
    )
    .unwrap();
    let forgery = HsrpForgery {
        opcode: 1,
        state: 16,
        hello_s: 3,
        hold_s: 10,
        priority: 255,
        group: 1,
        address: Ipv4Addr::new(192, 0, 2, 1),
        source: Ipv4Addr::new(192, 0, 2, 66),
    };
    node.yersinia_hsrp("lan0", &forgery).unwrap();
    let heard = capture.wait_for(0, SOON, |events| {
        let heard: Vec<_> = events.iter().filter_map(|event| event.kind.hsrp().copied()).collect();
        (heard.len() == 2).then_some(heard)
    });
    let heard = heard.unwrap();
    assert_eq!(heard[0], heard[1]);
    let coup = heard[0];
    assert_eq!((coup.opcode, coup.state, coup.priority), (HsrpOpcode::Coup, SpeakerState::Active, 255));
    assert_eq!(coup.address, Ipv4Addr::new(192, 0, 2, 1));
    assert!(node.scapy("no_such_name()").unwrap_err().to_string().contains("NameError"));
}
