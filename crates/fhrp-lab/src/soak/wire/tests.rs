use super::*;
use crate::{
    frame::{
        Advertisement, GlbpForwarder, GlbpGateway, GlbpOpcode, GlbpPacket, HsrpMessage, HsrpOpcode, Kind,
        SpeakerState,
    },
    soak::{fault::PortFault, parties::parties},
};
use fhrp_wire::Family;

const VRID: u8 = 3;

fn at(millis: u64) -> Stamp {
    Stamp::from_nanos(1_000_000_000_000 + millis * 1_000_000)
}

fn event(router: u8, millis: u64, kind: Kind) -> Event {
    Event {
        at: at(millis),
        node: format!("r{router}").into(),
        port: Port::Lan(0),
        source_mac: MacAddr([2, 0, 0, 0, 0, 10 + router]),
        destination_mac: MacAddr::BROADCAST,
        kind,
        frame: Vec::new(),
    }
}

fn advertises(router: u8, millis: u64, priority: u8) -> Event {
    let said = Advertisement {
        family: Family::V4,
        version: 3,
        vrid: VRID,
        priority,
        interval: Duration::from_millis(200),
        source: "192.0.2.11".parse().unwrap(),
    };
    event(router, millis, Kind::Advertisement(said))
}

fn announces(router: u8, millis: u64) -> Event {
    let address = "192.0.2.3".parse().unwrap();
    let sender_mac = MacAddr([0, 0, 0x5e, 0, 1, VRID]);
    event(router, millis, Kind::Arp { operation: 1, sender_mac, sender: address, target: address })
}

/// What a router says every 200 ms.
fn claims(router: u8, from: u64, to: u64) -> impl Iterator<Item = Event> {
    (from..=to).step_by(200).map(move |millis| advertises(router, millis, 200))
}

fn deaf(router: u8, from: u64, to: u64) -> Deaf {
    Deaf { router, lan: 0, from: at(from), to: at(to), by: Class::Process }
}

/// What is found in these events, and who took over how often.
fn found(mut events: Vec<Event>, deaf: &[Deaf], stopped: &[Stopped]) -> (Vec<Checker>, u64) {
    events.sort_by_key(|event| event.at);
    let mut wire = Wire::new(&parties());
    let mut findings = wire.read(&events, deaf);
    findings.add(wire.judge(deaf, stopped));
    (findings.violations.iter().map(|violation| violation.checker).collect(), wire.takeovers)
}

#[test]
fn two_that_claim_for_long_and_hear_each_other_are_seen() {
    let both =
        |seconds: u64| claims(1, 0, seconds * 1000).chain(claims(2, 50, seconds * 1000)).collect::<Vec<_>>();
    assert_eq!(found(both(2), &[], &[]).0, []);
    assert_eq!(found(both(6), &[], &[]).0, [Checker::OneActive]);
    // While one is cut off, and shortly after, both may.
    assert_eq!(found(both(6), &[deaf(2, 0, 4000)], &[]).0, []);
    assert_eq!(found(both(9), &[deaf(2, 0, 4000)], &[]).0, [Checker::OneActive]);
    assert_eq!(found(both(9), &[deaf(3, 0, 9000)], &[]).0, [Checker::OneActive]);
}

#[test]
fn two_that_claim_by_turns_are_not_seen() {
    let overlap = |events: Vec<Event>| found(events, &[], &[]).0.contains(&Checker::OneActive);
    // A VRRP router gives way without a word, and its priority may sink and rise again within a second.
    let by_turns = |router, first| {
        (first..16_000).step_by(4_000).flat_map(move |from| claims(router, from, from + 1_800))
    };
    assert!(!overlap(by_turns(1, 0).chain(by_turns(2, 2_000)).collect()));
    // One of them gives way now and then, but for too long neither does.
    let now_and_then = claims(2, 50, 7_000).chain(claims(2, 9_000, 16_000));
    assert!(overlap(claims(1, 0, 16_000).chain(now_and_then).collect()));
}

#[test]
fn what_was_judged_is_not_judged_again() {
    let both = |from: u64, to: u64| claims(1, from, to).chain(claims(2, from, to)).collect::<Vec<_>>();
    let mut wire = Wire::new(&parties());
    wire.read(&both(0, 6000), &[]);
    assert_eq!(wire.judge(&[deaf(1, 0, 7000)], &[]).violations, []);
    wire.read(&both(6000, 8000), &[]);
    assert_eq!(wire.judge(&[], &[]).violations, []);
    wire.read(&both(8000, 13_000), &[]);
    assert_eq!(wire.judge(&[], &[]).violations.len(), 1);
}

#[test]
fn a_succession_is_a_takeover_and_nothing_else() {
    let events = claims(1, 0, 3000).chain([advertises(1, 3010, 0)]).chain(claims(2, 3050, 9000)).collect();
    assert_eq!(found(events, &[], &[]), (vec![], 1));
}

#[test]
fn an_announcement_by_who_is_not_active_is_seen() {
    let of = |events: Vec<Event>| found(events, &[], &[]).0;
    assert_eq!(of(vec![advertises(1, 0, 200), announces(1, 1)]), []);
    assert_eq!(of(vec![announces(1, 0), advertises(1, 1, 200)]), [Checker::Announces]);
    assert_eq!(of(vec![advertises(1, 0, 200), announces(2, 1)]), [Checker::Announces]);
    assert_eq!(of(vec![advertises(1, 0, 200), advertises(1, 1, 0), announces(1, 2)]), [Checker::Announces]);
}

#[test]
fn an_active_router_that_announces_nothing_is_seen() {
    let of = |events: Vec<Event>, deaf: &[Deaf]| found(events, deaf, &[]).0;
    let active = |to: u64| claims(1, 0, to).collect::<Vec<_>>();
    assert_eq!(of(active(9_000), &[]), [], "it still may");
    assert_eq!(of(active(11_000), &[]), [Checker::Announces]);
    assert_eq!(of([active(11_000), vec![announces(1, 6_000)]].concat(), &[]), []);
    assert_eq!(of(active(11_000), &[deaf(1, 500, 7_000)]), [], "nobody could hear it");
    assert_eq!(of(active(11_000), &[deaf(2, 500, 7_000)]), [Checker::Announces]);
}

#[test]
fn a_backup_that_speaks_from_the_virtual_mac_is_seen() {
    let mac = MacAddr([0, 0, 0x5e, 0, 1, VRID]);
    let speaks = |router, millis| Event { source_mac: mac, ..event(router, millis, Kind::Other) };
    let of = |events: Vec<Event>| found(events, &[], &[]).0;
    assert_eq!(of(vec![advertises(1, 0, 200), speaks(1, 5)]), []);
    assert_eq!(of(vec![advertises(1, 0, 200), speaks(2, 5)]), [Checker::VirtualMac]);
    let given_up = |later| vec![advertises(1, 0, 200), advertises(1, 10, 0), speaks(1, later)];
    assert_eq!(of(given_up(1000)), []);
    assert_eq!(of(given_up(3000)), [Checker::VirtualMac]);
    // The kernel of a router whose daemon is dead goes on as it was.
    assert_eq!(found(given_up(3000), &[deaf(1, 2000, 4000)], &[]).0, []);
    let port = Deaf { by: Class::Port(0), ..deaf(1, 2000, 4000) };
    assert_eq!(found(given_up(3000), &[port], &[]).0, [Checker::VirtualMac]);
}

#[test]
fn who_is_stopped_without_a_word_is_seen() {
    let stop = [Stopped { router: 1, at: at(2000) }];
    let silent: Vec<_> = claims(1, 0, 2000).collect();
    assert_eq!(found(silent.clone(), &[], &stop).0, [Checker::Resigns]);
    let port = |from: u64| Deaf { by: Class::Port(0), ..deaf(1, from, 5000) };
    assert_eq!(found(silent.clone(), &[port(1000)], &stop).0, []);
    assert_eq!(found(silent.clone(), &[port(2500)], &stop).0, []);
    assert_eq!(found(silent.clone(), &[port(4500)], &stop).0, [Checker::Resigns]);
    let resigned: Vec<_> = silent.into_iter().chain([advertises(1, 2100, 0)]).collect();
    assert_eq!(found(resigned, &[], &stop).0, []);
    // Who takes over from the silent one is no excuse; who has outranked it before is one.
    let followed = |from: u64| claims(1, 0, 2000).chain(claims(2, from, 4000)).collect();
    assert_eq!(found(followed(2700), &[], &stop).0, [Checker::Resigns]);
    assert_eq!(found(followed(2001), &[], &stop).0, []);
    // A Backup has nothing to say.
    assert_eq!(found(claims(2, 0, 4000).collect(), &[], &stop).0, []);
}

#[test]
fn a_silent_active_router_that_nobody_succeeds_is_seen() {
    // Of these parties others wait 0.7 s and a little, and 2 s are granted besides.
    let kill = Trouble { fault: Fault::Kill { router: 1 }, from: at(2000), to: at(7000) };
    let of = |heir: &[Event], troubles: &[Trouble]| {
        let mut wire = Wire::new(&parties());
        let events: Vec<Event> = claims(1, 0, 2000).chain(heir.iter().cloned()).collect();
        wire.read(&events, &[]);
        let findings = wire.judge_successions(troubles);
        findings.violations.iter().map(|violation| violation.checker).collect::<Vec<_>>()
    };
    let heir = |from: u64| claims(2, from, 8000).collect::<Vec<_>>();
    assert_eq!(of(&[], &[kill]), [Checker::TakesOver]);
    assert_eq!(of(&heir(2700), &[kill]), []);
    assert_eq!(of(&heir(6000), &[kill]), [Checker::TakesOver], "too late");
    assert_eq!(of(&claims(1, 6000, 8000).collect::<Vec<_>>(), &[kill]), [Checker::TakesOver], "it is back");
    assert_eq!(of(&[], &[Trouble { to: at(3500), ..kill }]), [], "it was not silent for long");
    let with = |fault| Trouble { fault, ..kill };
    let port = |lan, what| Fault::Port { router: 1, lan, what };
    assert_eq!(of(&[], &[with(port(0, PortFault::Carrier))]), [Checker::TakesOver]);
    assert_eq!(of(&[], &[with(port(1, PortFault::Carrier))]), [], "the other LAN's");
    assert_eq!(of(&[], &[with(port(0, PortFault::Silent))]), [], "it goes on, unheard");
    // A Backup is not missed.
    assert_eq!(of(&[], &[with(Fault::Kill { router: 2 })]), []);
}

#[test]
fn an_heir_that_is_hindered_too_is_excused() {
    let kill = Trouble { fault: Fault::Kill { router: 1 }, from: at(12_000), to: at(20_000) };
    let of = |fault: Fault, from: u64, to: u64| {
        let mut wire = Wire::new(&parties());
        wire.read(&claims(1, 0, 12_000).collect::<Vec<_>>(), &[]);
        wire.judge_successions(&[Trouble { fault, from: at(from), to: at(to) }, kill]).violations.len()
    };
    let stall = Fault::Stall { router: 2 };
    assert_eq!(of(stall, 13_000, 14_000), 0);
    assert_eq!(of(stall, 9_000, 11_000), 0, "it has just come back");
    assert_eq!(of(stall, 1_000, 2_000), 1, "that is long over");
    assert_eq!(of(stall, 19_000, 19_500), 1, "that is later");
    let port = |lan| Fault::Port { router: 2, lan, what: PortFault::Silent };
    assert_eq!((of(port(0), 13_000, 14_000), of(port(1), 13_000, 14_000)), (0, 1));
}

/// A router that was held up is still Active in its own eyes, and defends that.
#[test]
fn a_coup_is_a_claim() {
    let said = HsrpMessage {
        family: Family::V4,
        version: 2,
        group: 5,
        opcode: HsrpOpcode::Coup,
        state: SpeakerState::Active,
        priority: 200,
        hello: Duration::from_millis(250),
        hold: Duration::from_millis(750),
        address: "192.0.2.5".parse().unwrap(),
        source: "192.0.2.11".parse().unwrap(),
    };
    let address = "192.0.2.5".parse().unwrap();
    let sender_mac = MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 5]);
    let announcement = Kind::Arp { operation: 2, sender_mac, sender: address, target: address };
    let coup = event(1, 10, Kind::Hsrp(said));
    assert_eq!(found(vec![coup, event(1, 11, announcement)], &[], &[]).0, []);
    assert_eq!(found(vec![event(1, 11, announcement)], &[], &[]).0, [Checker::Announces]);
}

fn hello(router: u8, millis: u64, served: &[u8]) -> Event {
    let one = |number: u8| GlbpForwarder {
        number,
        state: SpeakerState::Active,
        priority: 135,
        weight: 100,
        timeout_s: 14400,
        redirect_s: 600,
        mac: MacAddr([0, 7, 0xb4, 0, 7, number]),
    };
    let mut forwarders = [None; 4];
    for (place, number) in forwarders.iter_mut().zip(served) {
        *place = Some(one(*number));
    }
    let packet = GlbpPacket {
        family: Family::V4,
        group: 7,
        opcode: GlbpOpcode::Hello,
        owner: MacAddr::ZERO,
        source: "192.0.2.11".parse().unwrap(),
        gateway: Some(GlbpGateway {
            state: SpeakerState::Listen,
            priority: 100,
            hello: Duration::from_millis(250),
            hold: Duration::from_millis(750),
            address: "192.0.2.7".parse().unwrap(),
        }),
        forwarders,
    };
    event(router, millis, Kind::Glbp(packet))
}

#[test]
fn a_forwarder_that_a_hello_leaves_out_is_given_up() {
    let stop = [Stopped { router: 1, at: at(700) }];
    assert_eq!(found(vec![hello(1, 0, &[2]), hello(1, 250, &[])], &[], &stop).0, []);
    assert_eq!(found(vec![hello(1, 0, &[]), hello(1, 250, &[2])], &[], &stop).0, [Checker::Resigns]);
    let both = |served: &[u8]| {
        let hellos = (0..40).flat_map(|turn| [hello(1, turn * 250, &[2]), hello(2, turn * 250, served)]);
        found(hellos.collect(), &[], &[]).0
    };
    assert_eq!(both(&[3]), []);
    assert_eq!(both(&[2]), [Checker::OneActive]);
}

#[test]
fn what_was_claimed_is_remembered_from_round_to_round() {
    let mut wire = Wire::new(&parties());
    wire.read(&claims(1, 0, 1000).collect::<Vec<_>>(), &[]);
    wire.judge(&[], &[]);
    assert_eq!(wire.read(&[announces(1, 1100)], &[]).violations, []);
    assert_eq!(wire.read(&[announces(2, 1200)], &[]).violations.len(), 1);
    assert!(wire.history().iter().any(|line| line.starts_with("vrrp3-v4: r1 Active from")));
}
