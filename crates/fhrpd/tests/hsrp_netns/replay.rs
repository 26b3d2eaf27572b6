//! Behind captured routers, which speak again: what Cisco's routers once sent is on the wire, and they answer nothing.
//!
//! Each has a LAN of its own, so that one test runs all of them at once.

use std::{
    fmt::Write as _,
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use fhrp_lab::{
    Authentication, Capture, CaptureScope, Event, HsrpGroup, HsrpOpcode, HsrpVersion, Lab, LabOptions, Port,
    Replay, RouterProcess, Speaker, SpeakerState, Timers, World, lan_interface, testing::captures, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, await_state, fhrpd, groups_of, said};

/// What all of the captured routers say.
const TIMERS: Timers = Timers { hello: Duration::from_secs(3), hold: Duration::from_secs(10) };
/// UDP's payload in a frame of IPv4.
const PAYLOAD: usize = 14 + 20 + 8;

/// A captured router that is Active.
struct Cisco {
    file: &'static str,
    address: &'static str,
    /// Of its password or key.
    authentication: Authentication,
    version: HsrpVersion,
    group: u16,
    priority: u8,
    virtual_address: &'static str,
    virtual_mac: MacAddr,
    /// Ours, in the same network.
    own: Ipv4Addr,
}

/// The one of each LAN.
fn ciscos() -> [Cisco; 4] {
    let text = || Authentication::Text("cisco".to_owned());
    let md5 = |key: &str| Authentication::Md5(key.to_owned());
    [
        Cisco {
            file: "hsrpv1-md5-two-keys.pcap",
            address: "10.0.0.10",
            authentication: md5("password12345"),
            version: HsrpVersion::V1,
            group: 1,
            priority: 110,
            virtual_address: "10.0.0.100",
            virtual_mac: MacAddr([0, 0, 0x0c, 0x07, 0xac, 1]),
            own: Ipv4Addr::new(10, 0, 0, 2),
        },
        Cisco {
            file: "hsrpv2-md5-two-keys.pcap",
            address: "10.0.0.20",
            authentication: md5("password12345"),
            version: HsrpVersion::V2,
            group: 1,
            priority: 200,
            virtual_address: "10.0.0.100",
            virtual_mac: MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 1]),
            own: Ipv4Addr::new(10, 0, 0, 3),
        },
        Cisco {
            file: "hsrpv1-election.cap",
            address: "192.168.0.10",
            authentication: text(),
            version: HsrpVersion::V1,
            group: 1,
            priority: 200,
            virtual_address: "192.168.0.1",
            virtual_mac: MacAddr([0, 0, 0x0c, 0x07, 0xac, 1]),
            own: Ipv4Addr::new(192, 168, 0, 2),
        },
        Cisco {
            file: "hsrpv2-text-auth.pcap",
            address: "10.52.253.125",
            authentication: text(),
            version: HsrpVersion::V2,
            group: 103,
            priority: 110,
            virtual_address: "10.52.253.126",
            virtual_mac: MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 103]),
            own: Ipv4Addr::new(10, 52, 253, 124),
        },
    ]
}

impl Cisco {
    fn group(&self, lan: u8, priority: u8) -> HsrpGroup {
        HsrpGroup {
            interface: lan_interface(lan),
            group: self.group,
            addresses: vec![self.virtual_address.parse().unwrap()],
            timers: TIMERS,
            authentication: self.authentication.clone(),
            ..HsrpGroup::new(self.version, Family::V4, priority)
        }
    }

    fn speak(&self, lab: &Lab, lan: u8) -> Speaker {
        let path = captures().unwrap().join(self.file);
        let replay = Replay::new(&path, self.address.parse().unwrap()).unwrap();
        replay.speak(lab.router(2).unwrap(), &lan_interface(lan)).unwrap()
    }
}

/// `r1` runs a group in each LAN, and a captured router speaks from `r2`.
struct Stage {
    process: RouterProcess,
    speakers: Vec<Speaker>,
    capture: Capture,
    lab: Lab,
}

impl Stage {
    fn set(world: World, priority: u8) -> Self {
        let lab = Lab::build(world, &LabOptions { lans: 4, hosts: 0, ..LabOptions::default() }).unwrap();
        let router = lab.router(1).unwrap();
        for (lan, cisco) in (0..).zip(ciscos()) {
            let lan = lan_interface(lan);
            let lines = [
                format!("addr flush dev {lan} scope global"),
                format!("addr add {}/24 dev {lan}", cisco.own),
            ];
            router.namespace().ip(lines).unwrap();
        }
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let groups: Vec<_> = (0..).zip(ciscos()).map(|(lan, cisco)| cisco.group(lan, priority)).collect();
        let process = fhrpd().start(router, &groups).unwrap();
        await_state(router, "listen", groups.len());
        let speakers = (0..).zip(ciscos()).map(|(lan, cisco)| cisco.speak(&lab, lan)).collect();
        Self { process, speakers, capture, lab }
    }

    /// Waits for the first message of `r1` in a LAN that is of this kind.
    fn await_message(&self, lan: u8, opcode: HsrpOpcode, state: SpeakerState) -> Event {
        let group = ciscos()[usize::from(lan)].group(lan, 0);
        let found = self.capture.wait_for(0, SOON, |events| {
            let own = events.iter().filter(|event| (&*event.node, event.port) == ("r1", Port::Lan(lan)));
            let mut wanted = own.filter(|event| {
                said(event, &group).is_some_and(|said| (said.opcode, said.state) == (opcode, state))
            });
            wanted.next().cloned()
        });
        let log = self.process.log_tail();
        found.unwrap_or_else(|| panic!("no {opcode:?} in {state:?} on LAN {lan}{log}"))
    }

    /// tshark has no remark on anything that `r1` sent in a LAN, and finds as many messages as we did. Gives these
    /// fields of the packets that pass a filter.
    fn tshark(&self, lan: u8, (filter, fields): (&str, &[&str])) -> Vec<String> {
        let (path, port) = (Path::new("/run/r1.pcap"), Port::Lan(lan));
        let ours = |event: &&Event| (&*event.node, event.port) == ("r1", port) && event.kind.hsrp().is_some();
        let count = || self.capture.look(0, |events| events.iter().filter(ours).count());
        let before = count();
        self.capture.save_of("r1", port, path).unwrap();
        let after = count();
        let remarks = tshark(path, "_ws.expert || _ws.malformed", &["frame.number", "_ws.expert.message"]);
        assert_eq!(remarks, Vec::<String>::new(), "LAN {lan}");
        let found = tshark(path, "hsrp.opcode < 3 || hsrp2.opcode", &["frame.number"]).len();
        assert!((before..=after).contains(&found), "LAN {lan}: {found} of {before} to {after}");
        tshark(path, filter, fields)
    }
}

/// The fields of each packet that passes a filter, one line each.
fn tshark(path: &Path, filter: &str, fields: &[&str]) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(path).args(["-Y", filter, "-T", "fields", "-E", "separator=/s"]);
    command.args(["-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
    let output = command.args(fields.iter().flat_map(|field| ["-e", field])).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_router_stands_by_behind_captured_ones_and_takes_over_when_they_fall_silent() {
    let Some(world) = world!(Captures, Tshark) else { return };
    let mut stage = Stage::set(world, 90);
    let router = stage.lab.router(1).unwrap();
    await_state(router, "standby", 4);
    for (report, (lan, cisco)) in groups_of(router).iter().zip((0_u8..).zip(ciscos())) {
        assert_eq!(report["interface"], lan_interface(lan), "{report}");
        let active = (report["active"].as_str(), report["active_priority"].as_u64());
        assert_eq!(active, (Some(cisco.address), Some(cisco.priority.into())), "{report}");
        let refused: u64 = ["auth-failures", "auth-type-mismatch", "auth-key-errors", "looped"]
            .map(|counter| report["counters"][counter].as_u64().unwrap())
            .iter()
            .sum();
        assert_eq!(refused, 0, "{report}");
    }
    let spoken: Vec<_> = stage.speakers.drain(..).map(Speaker::stop).collect();
    for (lan, last) in (0..).zip(spoken) {
        let active = stage.await_message(lan, HsrpOpcode::Hello, SpeakerState::Active);
        let took = active.at.since(last);
        println!("LAN {lan}: {took:?}");
        assert!(took >= TIMERS.hold - Duration::from_millis(2), "LAN {lan}: {took:?}");
        assert!(took <= TIMERS.hold + Duration::from_secs(1), "LAN {lan}: {took:?}");
    }
    await_state(stage.lab.router(1).unwrap(), "active", 4);
    for lan in 0..4 {
        let announced = stage.tshark(lan, ("arp.isgratuitous", &["arp.src.proto_ipv4"]));
        assert!(announced.len() >= 2, "LAN {lan}: {announced:?}");
    }
}

#[test]
fn captured_routers_are_preempted_with_the_coup_of_the_specification() {
    let Some(world) = world!(Captures, Tshark) else { return };
    let stage = Stage::set(world, 250);
    let router = stage.lab.router(1).unwrap();
    for (lan, cisco) in (0..).zip(ciscos()) {
        let mac = router.lan_mac(lan);
        let coup = stage.await_message(lan, HsrpOpcode::Coup, SpeakerState::Listen);
        let hello = stage.await_message(lan, HsrpOpcode::Hello, SpeakerState::Active);
        assert_eq!((coup.source_mac, hello.source_mac), (mac, cisco.virtual_mac), "LAN {lan}");
        // They come together; the bound is for a busy machine.
        assert!(
            hello.at.since(coup.at) < Duration::from_millis(100),
            "LAN {lan}: {:?}",
            hello.at.since(coup.at)
        );
        assert_eq!(hex(&coup.frame[PAYLOAD..]), hex(&message(&cisco, mac, Said::CoupInListen)), "LAN {lan}");
        assert_eq!(
            hex(&hello.frame[PAYLOAD..]),
            hex(&message(&cisco, mac, Said::HelloInActive)),
            "LAN {lan}"
        );
        // It goes on as Active, because it hears nothing: the better router rebuts it.
        let rebuttal = stage.await_message(lan, HsrpOpcode::Coup, SpeakerState::Active);
        assert_eq!(rebuttal.source_mac, cisco.virtual_mac, "LAN {lan}");
        let wanted = message(&cisco, mac, Said::CoupInActive);
        assert_eq!(hex(&rebuttal.frame[PAYLOAD..]), hex(&wanted), "LAN {lan}");
    }
    await_state(router, "active", 4);
    let old = ["ip.ttl", "hsrp.state", "hsrp.priority", "hsrp.group", "hsrp.virt_ip"];
    let new = ["ip.ttl", "hsrp2.state", "hsrp2.priority", "hsrp2.group", "hsrp2.virt_ip"];
    for (lan, wanted) in [
        (0, "1 2 250 1 10.0.0.100"),
        (1, "255 3 250 1 10.0.0.100"),
        (2, "1 2 250 1 192.168.0.1"),
        (3, "255 3 250 103 10.52.253.126"),
    ] {
        let coups = match ciscos()[usize::from(lan)].version {
            HsrpVersion::V1 => ("hsrp.opcode == 1 && hsrp.state == 2", &old),
            HsrpVersion::V2 => ("hsrp2.opcode == 1 && hsrp2.state == 3", &new),
        };
        assert_eq!(stage.tshark(lan, (coups.0, coups.1)), [wanted]);
    }
}

/// A message that the router with priority 250 has to send.
#[derive(Clone, Copy)]
enum Said {
    CoupInListen,
    CoupInActive,
    HelloInActive,
}

/// Its octets by the specification.
fn message(cisco: &Cisco, mac: MacAddr, said: Said) -> Vec<u8> {
    let virtual_address = cisco.virtual_address.parse::<Ipv4Addr>().unwrap().octets();
    let [high, low] = cisco.group.to_be_bytes();
    let (opcode, state_v1, state_v2) = match said {
        Said::CoupInListen => (1, 2, 3),
        Said::CoupInActive => (1, 16, 6),
        Said::HelloInActive => (0, 16, 6),
    };
    let mut octets = match cisco.version {
        HsrpVersion::V1 => {
            let text = match &cisco.authentication {
                Authentication::Text(_) | Authentication::Unsaid => *b"cisco\0\0\0",
                Authentication::Md5(_) | Authentication::KeyChain { .. } => [0; 8],
            };
            [&[0, opcode, state_v1, 3, 10, 250, low, 0], &text[..], &virtual_address].concat()
        }
        HsrpVersion::V2 => {
            let head = [1, 40, 2, opcode, state_v2, 4, high, low];
            // Priority, 3,000 ms and 10,000 ms.
            let numbers = [0, 0, 0, 250, 0, 0, 0x0b, 0xb8, 0, 0, 0x27, 0x10];
            [&head[..], &mac.0, &numbers, &virtual_address, &[0; 12]].concat()
        }
    };
    match (&cisco.authentication, cisco.version) {
        (Authentication::Md5(key), _) => sign(&mut octets, cisco.own, key),
        (_, HsrpVersion::V1) => {}
        (_, HsrpVersion::V2) => octets.extend(*b"\x03\x08cisco\0\0\0"),
    }
    octets
}

/// Type 4, 28 octets, MD5, padding, flags, address, key id, digest: of key, its padding, everything so far with a
/// digest of zeros, key (RFC 1828).
fn sign(octets: &mut Vec<u8>, source: Ipv4Addr, key: &str) {
    octets.extend([4, 28, 1, 0, 0, 0]);
    octets.extend(source.octets());
    octets.extend([0; 4]);
    let bits = u64::try_from(key.len() * 8).unwrap().to_le_bytes();
    let padding = [vec![0x80], vec![0; 55 - key.len()], bits.to_vec()].concat();
    let text = [key.as_bytes(), &padding, octets, &[0; 16], key.as_bytes()].concat();
    octets.extend(md5(&text));
}

/// As the program `md5sum` works it out.
fn md5(text: &[u8]) -> Vec<u8> {
    let mut child =
        Command::new("md5sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("coreutils");
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    (0..16).map(|at| u8::from_str_radix(&output[2 * at..2 * at + 2], 16).unwrap()).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}

/// The specification's vector for a signed message of version 1.
#[test]
fn the_digest_is_that_of_the_specification() {
    let cisco = &ciscos()[0];
    let mut octets = vec![0, 0, 16, 3, 10, 110, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 100];
    let IpAddr::V4(source) = cisco.address.parse().unwrap() else { unreachable!("it is IPv4") };
    sign(&mut octets, source, "password12345");
    assert_eq!(hex(&octets[34..]), "54fc3be1c0c4adc5abec53109d6c6c79");
}
