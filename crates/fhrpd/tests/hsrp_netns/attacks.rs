//! Forged messages, made with Scapy and yersinia: with MD5 they move nobody, with the text that everybody knows they do.

use std::collections::BTreeMap;

use fhrp_lab::{
    Authentication, Capture, CaptureScope, HsrpForgery, HsrpGroup, HsrpOpcode, HsrpVersion, Lab, LabOptions,
    Node, RouterProcess, SpeakerState, World, world,
};
use fhrp_wire::Family;
use serde_json::{Value, json};

use crate::{SOON, VARIANTS, await_hello, await_state, fhrpd, groups_of, start_pair, wait_for, words};

/// Where a forgery claims to come from.
const STRANGER: &str = "192.0.2.66";
const STRANGER_V6: &str = "fe80::66";
/// Where it comes from: Scapy would look for a route.
const ATTACKER: &str = "02:00:00:00:00:66";
/// How often each is repeated.
const TIMES: u64 = 20;

/// `r1` is Active, `r2` is Standby, and `h1` attacks.
struct Stage {
    processes: [RouterProcess; 2],
    capture: Capture,
    lab: Lab,
    group: HsrpGroup,
}

impl Stage {
    fn set(world: World, group: HsrpGroup) -> Self {
        let lab = Lab::build(world, &LabOptions::default()).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let processes = start_pair(&lab, std::slice::from_ref(&group));
        Self { processes, capture, lab, group }
    }

    fn attacker(&self) -> &Node {
        self.lab.host(1).unwrap()
    }

    /// The address that the Active router speaks from.
    fn victim(&self) -> String {
        let router = self.lab.router(1).unwrap();
        match self.group.family() {
            Family::V4 => router.lan_address(0, Family::V4).to_string(),
            Family::V6 => router.link_local().to_string(),
        }
    }

    fn stranger(&self) -> &'static str {
        match self.group.family() {
            Family::V4 => STRANGER,
            Family::V6 => STRANGER_V6,
        }
    }

    /// Lets the host send forgeries, each so many times.
    fn attack(&self, forgeries: &[Forgery<'_>], times: u64) {
        let lines: Vec<_> = forgeries.iter().map(|forgery| forgery.python(&self.group)).collect();
        let program = format!("sendp([{}]*{times},iface='lan0',verbose=0)", lines.join(",\n"));
        self.attacker().scapy(&program).unwrap();
    }

    /// How often the routers have changed their state.
    fn changes(&self) -> Vec<(Value, Value)> {
        let routers = self.lab.routers().iter();
        let reports = routers.map(|router| groups_of(router).remove(0));
        reports.map(|report| (report["state"].clone(), report["state_changes"].clone())).collect()
    }
}

/// How a forgery tries to pass.
#[derive(Clone, Copy, Debug)]
enum Pass {
    /// With the text of routers on which nothing is configured.
    Text,
    /// With an MD5 block made without the key.
    Digest,
}

/// Opcodes.
const HELLO: u8 = 0;
const COUP: u8 = 1;
const RESIGN: u8 = 2;
/// States, in version 1 and in version 2.
const ACTIVE: [u8; 2] = [16, 6];
const STANDBY: [u8; 2] = [8, 5];
const SPEAK: [u8; 2] = [4, 4];

#[derive(Clone, Copy, Debug)]
struct Forgery<'a> {
    opcode: u8,
    state: [u8; 2],
    pass: Pass,
    source: &'a str,
}

impl Forgery<'_> {
    /// With priority 255, as Scapy is told.
    fn python(&self, group: &HsrpGroup) -> String {
        let source = self.source;
        let (ethernet, ip, port) = match (group.version, group.family()) {
            (HsrpVersion::V1, _) => {
                ("01:00:5e:00:00:02", format!("IP(src='{source}',dst='224.0.0.2',ttl=1)"), 1985)
            }
            (HsrpVersion::V2, Family::V4) => {
                ("01:00:5e:00:00:66", format!("IP(src='{source}',dst='224.0.0.102',ttl=255)"), 1985)
            }
            (HsrpVersion::V2, Family::V6) => {
                ("33:33:00:00:00:66", format!("IPv6(src='{source}',dst='ff02::66',hlim=255)"), 2029)
            }
        };
        let message = match group.version {
            HsrpVersion::V1 => self.version_1(group),
            HsrpVersion::V2 => format!("Raw(bytes.fromhex('{}'))", self.version_2(group)),
        };
        format!("Ether(src='{ATTACKER}',dst='{ethernet}')/{ip}/UDP(sport={port},dport={port})/{message}")
    }

    /// With Scapy's own layers.
    fn version_1(&self, group: &HsrpGroup) -> String {
        let (text, rest) = match self.pass {
            Pass::Text => ("cisco", String::new()),
            Pass::Digest => {
                ("", format!("/HSRPmd5(len=28,algo=1,sourceip='{}',authdigest=b'A'*16)", self.source))
            }
        };
        format!(
            "HSRP(opcode={},state={},priority=255,group={},virtualIP='{}',auth=b'{text}'){rest}",
            self.opcode, self.state[0], group.group, group.addresses[0]
        )
    }

    /// Scapy does not know it: octets, in hexadecimal.
    fn version_2(&self, group: &HsrpGroup) -> String {
        let (ip_version, address, source) = match (group.addresses[0], self.source.parse().unwrap()) {
            (std::net::IpAddr::V4(address), std::net::IpAddr::V4(source)) => {
                (4, format!("{:08x}{:024x}", address.to_bits(), 0), source.to_bits())
            }
            (std::net::IpAddr::V6(address), std::net::IpAddr::V6(source)) => (
                6,
                format!("{:032x}", address.to_bits()),
                u32::try_from(source.to_bits() & 0xffff_ffff).unwrap(),
            ),
            (address, source) => unreachable!("{address} and {source} are of two families"),
        };
        let pass = match self.pass {
            Pass::Text => "0308636973636f000000".to_owned(),
            Pass::Digest => format!("041c01000000{source:08x}00000000{}", "41".repeat(16)),
        };
        // Type and length, version, opcode, state, IP version, group, identifier, priority, 3,000 ms, 10,000 ms.
        format!(
            "012802{:02x}{:02x}{ip_version:02x}{:04x}020000000042000000ff00000bb800002710{address}{pass}",
            self.opcode, self.state[1], group.group
        )
    }
}

/// Everything with which an attacker could make himself Active, or end the role of who is.
fn forgeries<'a>(stranger: &'a str, victim: &'a str) -> Vec<Forgery<'a>> {
    let kinds = [
        (COUP, STANDBY, stranger),
        (HELLO, ACTIVE, stranger),
        (HELLO, STANDBY, stranger),
        (HELLO, SPEAK, stranger),
        (RESIGN, SPEAK, stranger),
        (RESIGN, SPEAK, victim),
    ];
    let of = |pass| kinds.map(|(opcode, state, source)| Forgery { opcode, state, pass, source });
    [of(Pass::Text), of(Pass::Digest)].concat()
}

fn counters(router: &Node) -> BTreeMap<String, u64> {
    serde_json::from_value(groups_of(router).remove(0)["counters"].clone()).unwrap()
}

/// By how much a counter has grown.
fn grown(router: &Node, before: &BTreeMap<String, u64>, counter: &str) -> u64 {
    counters(router)[counter] - before[counter]
}

#[test]
fn with_md5_no_forgery_moves_anybody() {
    let Some(world) = world!(Scapy) else { return };
    for (version, family) in VARIANTS {
        let authentication = Authentication::Md5("geheim".to_owned());
        let stage = Stage::set(world, HsrpGroup { authentication, ..HsrpGroup::new(version, family, 100) });
        let (changes, mark) = (stage.changes(), stage.capture.mark());
        let before: Vec<_> = stage.lab.routers().iter().map(counters).collect();
        let victim = stage.victim();
        let forgeries = forgeries(stage.stranger(), &victim);
        stage.attack(&forgeries, TIMES);

        // Six kinds, of which one has the Active router's own address.
        for (router, (before, heard)) in stage.lab.routers().iter().zip(before.iter().zip([5, 6])) {
            wait_for("the counters", || {
                let counted = ["auth-type-mismatch", "auth-failures"].map(|name| grown(router, before, name));
                (counted == [heard * TIMES, heard * TIMES]).then_some(())
            });
            let heard = ["coup-rcvd", "resign-rcvd"].map(|name| grown(router, before, name));
            assert_eq!(heard, [0, 0], "{}", router.name());
        }
        assert_eq!(grown(stage.lab.router(1).unwrap(), &before[0], "looped"), 2 * TIMES);
        let after = stage.capture.mark();
        await_hello(&stage.capture, after, "r1", &stage.group, SpeakerState::Active);
        await_hello(&stage.capture, after, "r2", &stage.group, SpeakerState::Standby);
        assert_eq!(stage.changes(), changes, "{version:?} over {family}");
        for (router, state) in [("r1", SpeakerState::Active), ("r2", SpeakerState::Standby)] {
            stage.capture.look(mark, |events| {
                for (event, said) in words(events, router, &stage.group) {
                    assert_eq!((said.opcode, said.state), (HsrpOpcode::Hello, state), "{event:?}");
                }
            });
        }
        for process in &stage.processes {
            // Once, and once more where the attack took longer than the half minute of silence.
            let log = process.log();
            let alarms = log.lines().filter(|line| line.contains("bad authentication from ")).count();
            assert!((1..=2).contains(&alarms), "{alarms} alarms:\n{log}");
            let line = format!("bad authentication from {}: ", stage.stranger());
            assert!(log.contains(&line), "{log}");
        }
    }
}

#[test]
fn with_md5_yersinia_moves_nobody() {
    let Some(world) = world!(Yersinia) else { return };
    let authentication = Authentication::Md5("geheim".to_owned());
    let stage =
        Stage::set(world, HsrpGroup { authentication, ..HsrpGroup::new(HsrpVersion::V1, Family::V4, 100) });
    let (changes, router) = (stage.changes(), stage.lab.router(2).unwrap());
    let before = counters(router);
    for forgery in
        [coup_of_yersinia(), HsrpForgery { opcode: 2, state: 4, source: VICTIM, ..coup_of_yersinia() }]
    {
        stage.attacker().yersinia_hsrp("lan0", &forgery).unwrap();
    }
    wait_for("the counter", || (grown(router, &before, "auth-type-mismatch") == 2).then_some(()));
    await_hello(&stage.capture, stage.capture.mark(), "r1", &stage.group, SpeakerState::Active);
    assert_eq!(stage.changes(), changes);
    let log = stage.processes[0].log();
    assert!(log.contains(&format!("bad authentication from {STRANGER}: ")), "{log}");
}

const VICTIM: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 11);

fn coup_of_yersinia() -> HsrpForgery {
    HsrpForgery {
        opcode: 1,
        state: 8,
        hello_s: 3,
        hold_s: 10,
        priority: 255,
        group: 1,
        address: std::net::Ipv4Addr::new(192, 0, 2, 1),
        source: STRANGER.parse().unwrap(),
    }
}

/// What the tests above would see if forgeries were obeyed.
#[test]
fn with_the_text_that_everybody_knows_a_better_coup_is_obeyed() {
    let Some(world) = world!(Scapy) else { return };
    for (version, family) in VARIANTS {
        let stage = Stage::set(world, HsrpGroup::new(version, family, 100));
        let mark = stage.capture.mark();
        let source = stage.stranger();
        stage.attack(&[Forgery { opcode: COUP, state: STANDBY, pass: Pass::Text, source }], 1);
        await_hello(&stage.capture, mark, "r1", &stage.group, SpeakerState::Speak);
        let resigns = |events: &[_]| {
            let mut words = words(events, "r1", &stage.group);
            words
                .any(|(_, said)| (said.opcode, said.state) == (HsrpOpcode::Resign, SpeakerState::Speak))
                .then_some(())
        };
        assert_eq!(stage.capture.wait_for(mark, SOON, resigns), Some(()));
        let log = stage.processes[0].log();
        assert!(!log.contains("bad authentication"), "{log}");
    }
}

#[test]
fn with_the_text_that_everybody_knows_yersinia_takes_the_role() {
    let Some(world) = world!(Yersinia) else { return };
    let stage = Stage::set(world, HsrpGroup::new(HsrpVersion::V1, Family::V4, 100));
    // A resignation of who is Active, said by another: the Standby router takes over.
    let mark = stage.capture.mark();
    let resignation = HsrpForgery { opcode: 2, state: 4, source: VICTIM, ..coup_of_yersinia() };
    stage.attacker().yersinia_hsrp("lan0", &resignation).unwrap();
    await_hello(&stage.capture, mark, "r2", &stage.group, SpeakerState::Active);
    // The better router, which did not resign, takes the role back.
    await_state(stage.lab.router(1).unwrap(), "active", 1);
    await_state(stage.lab.router(2).unwrap(), "standby", 1);
    let mark = stage.capture.mark();
    stage.attacker().yersinia_hsrp("lan0", &coup_of_yersinia()).unwrap();
    await_hello(&stage.capture, mark, "r1", &stage.group, SpeakerState::Speak);
}

#[test]
fn a_speaker_of_the_other_version_is_alarmed_once_by_each() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
    let groups = [HsrpVersion::V1, HsrpVersion::V2].map(|version| {
        let address = match version {
            HsrpVersion::V1 => [192, 0, 2, 1],
            HsrpVersion::V2 => [192, 0, 2, 2],
        };
        HsrpGroup { addresses: vec![address.into()], ..HsrpGroup::new(version, Family::V4, 100) }
    });
    let processes: Vec<_> = lab
        .routers()
        .iter()
        .zip(&groups)
        .map(|(router, group)| fhrpd().start(router, std::slice::from_ref(group)).unwrap())
        .collect();
    for router in lab.routers() {
        await_state(router, "active", 1);
        wait_for("ten of the other version", || (counters(router)["version-errors"] >= 10).then_some(()));
        assert_eq!(groups_of(router)[0]["peers"], json!([]));
    }
    for (process, (address, version)) in processes.iter().zip([("192.0.2.12", 2), ("192.0.2.11", 1)]) {
        let log = process.log();
        let wanted =
            format!("{address} speaks version {version}, this group another: neither hears the other");
        assert_eq!(log.lines().filter(|line| line.contains(&wanted)).count(), 1, "{log}");
    }
}
