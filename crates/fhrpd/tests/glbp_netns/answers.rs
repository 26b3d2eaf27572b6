//! What is said of the virtual address on the wire: one answer to each question, from the router that is to give it,
//! and nothing else.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    thread,
    time::Duration,
};

use fhrp_lab::{
    Event, GlbpGroup, Kind, LabOptions, Node, ReversePathFilter, World, address_announcement, arp_request,
    world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, Stage, group_of, virtual_mac, wait_for};

const LISTEN: Duration = Duration::from_millis(200);
const ROUTERS: u8 = 3;

fn stage(world: World, family: Family, rp_filter: ReversePathFilter) -> Stage {
    let options = LabOptions { routers: ROUTERS, hosts: 3, rp_filter, ..LabOptions::default() };
    Stage::build(world, &options, &GlbpGroup::new(family, 100))
}

/// Something that a router said of the virtual address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    router: String,
    ethernet_source: MacAddr,
    destination: MacAddr,
    /// The MAC that it tells.
    told: Option<MacAddr>,
    answers: bool,
}

/// What an event says, where it is a router that says anything of the virtual address: who listens may believe it.
fn said(event: &Event, address: IpAddr) -> Option<Said> {
    let (told, answers) = told(&event.kind, address)?;
    event.node.starts_with('r').then(|| Said {
        router: event.node.to_string(),
        ethernet_source: event.source_mac,
        destination: event.destination_mac,
        told,
        answers,
    })
}

/// The MAC that somebody tells for an address, if any, and whether it was asked.
fn told(kind: &Kind, address: IpAddr) -> Option<(Option<MacAddr>, bool)> {
    if let Kind::Arp { operation, sender, sender_mac, target } = *kind {
        let asked = operation == 2 && IpAddr::V4(target) != address;
        return (IpAddr::V4(sender) == address).then_some((Some(sender_mac), asked));
    }
    let Kind::NeighborAdvertisement { target, flags, target_mac } = *kind else { return None };
    (IpAddr::V6(target) == address).then_some((target_mac, flags & 0x40 != 0))
}

fn source_of_ipv6(frame: &[u8]) -> Ipv6Addr {
    <[u8; 16]>::try_from(&frame[22..38]).unwrap().into()
}

/// Whether a host asks for the virtual address, other than to check for a duplicate.
fn asked(event: &Event, address: IpAddr) -> bool {
    let target = if let Kind::Arp { operation: 1, target, sender, .. } = event.kind {
        (!sender.is_unspecified()).then_some(IpAddr::V4(target))
    } else if let Kind::NeighborSolicitation { target } = event.kind {
        (!source_of_ipv6(&event.frame).is_unspecified()).then_some(IpAddr::V6(target))
    } else {
        None
    };
    event.node.starts_with('h') && target == Some(address)
}

/// Each question has one answer, with a router's own MAC as the frame's source and a virtual one in it; the AVG
/// answers what was asked of all, and the router that serves a virtual MAC what was asked of that. Besides, nobody
/// says where the address is.
fn assert_answered(stage: &Stage) {
    let (address, owners) = (stage.address(), stage.owners());
    let all_answered = |events: &[Event]| {
        let questions: Vec<_> = events.iter().filter(|event| asked(event, address)).collect();
        let said: Vec<_> = events.iter().filter_map(|event| said(event, address)).collect();
        let answers = said.iter().filter(|said| said.answers).count();
        (answers >= questions.len()).then(|| (questions.into_iter().cloned().collect::<Vec<_>>(), said))
    };
    let found = stage.capture.wait_for(0, SOON, all_answered);
    let (questions, said) = found.expect("as many answers as questions");
    // An answer too many may come late.
    thread::sleep(LISTEN);
    let now =
        stage.capture.look(0, |events| events.iter().filter_map(|event| self::said(event, address)).count());
    assert_eq!(now, said.len(), "somebody said more");
    let (answers, others): (Vec<_>, Vec<_>) = said.into_iter().partition(|said| said.answers);
    assert_eq!(answers.len(), questions.len(), "{answers:#?}");
    assert_eq!(others.iter().filter(|said| said.told.is_some()).count(), 0, "{others:#?}");
    stage
        .capture
        .look(0, |events| events.iter().for_each(|event| assert_solicits_its_own(event, address, &owners)));
    let router = |name: &str| stage.lab.routers().iter().find(|router| router.name() == name).unwrap();
    for answer in &answers {
        assert_eq!(answer.ethernet_source, router(&answer.router).lan_mac(0), "{answer:?}");
        assert!(!answer.destination.is_multicast(), "{answer:?}");
        assert!(answer.told.is_some_and(|told| owners.contains_key(&told)), "{answer:?}");
    }
    for host in stage.lab.hosts() {
        let asked = questions.iter().filter(|question| &*question.node == host.name());
        let answered = answers.iter().filter(|answer| answer.destination == host.lan_mac(0));
        for (question, answer) in asked.zip(answered) {
            match owners.get(&question.destination_mac) {
                None => assert_eq!(answer.router, "r1", "{question:?} {answer:?}"),
                Some(owner) => {
                    let own = (owner.as_str(), Some(question.destination_mac));
                    assert_eq!((answer.router.as_str(), answer.told), own);
                }
            }
        }
    }
}

/// A router that looks for a host which has pinged the virtual address tells it a MAC, too: that by which the ping came,
/// so one that the router serves (RFC 4861 §7.2.2).
fn assert_solicits_its_own(event: &Event, address: IpAddr, owners: &BTreeMap<MacAddr, String>) {
    let Kind::NeighborSolicitation { .. } = event.kind else { return };
    if IpAddr::V6(source_of_ipv6(&event.frame)) == address {
        // An option behind the target (RFC 4861 §4.3).
        let mac = MacAddr(event.frame[80..86].try_into().unwrap());
        assert_eq!(owners.get(&mac).map(String::as_str), Some(&*event.node), "{event:?}");
        assert_eq!(event.source_mac, mac, "{event:?}");
    }
}

/// Whichever MAC a host uses, the address answers, though the router must look for the host first.
fn pings_by_every_mac(stage: &Stage, host: &Node) {
    for forwarder in 1..=ROUTERS {
        for router in stage.lab.routers() {
            router.flush_neighbors().unwrap();
        }
        let entry = format!(
            "neigh replace {} lladdr {} dev lan0 nud reachable",
            stage.address(),
            virtual_mac(forwarder)
        );
        host.namespace().ip([entry]).unwrap();
        assert!(host.pings(stage.address()).unwrap(), "by forwarder {forwarder}");
        // Nobody told the host anything else.
        assert_eq!(stage.believed(host), Some(virtual_mac(forwarder)));
    }
    host.namespace().ip([format!("neigh del {} dev lan0", stage.address())]).unwrap();
}

fn one_answer(world: World, family: Family, rp_filter: ReversePathFilter) {
    let stage = stage(world, family, rp_filter);
    let router = stage.lab.router(1).unwrap();
    for host in stage.lab.hosts() {
        let answers = host.ask(0, stage.address(), LISTEN).unwrap();
        assert_eq!(answers.len(), 1, "{rp_filter:?}: {answers:?}");
        assert_eq!(answers[0].ethernet_source, router.lan_mac(0), "{rp_filter:?}");
    }
    stage.resolve_all(stage.lab.hosts().iter());
    pings_by_every_mac(&stage, stage.lab.host(1).unwrap());
    assert_answered(&stage);
}

#[test]
fn one_under_every_reverse_path_filter() {
    let Some(world) = world!() else { return };
    for rp_filter in [ReversePathFilter::Off, ReversePathFilter::Strict, ReversePathFilter::Loose] {
        one_answer(world, Family::V4, rp_filter);
    }
}

#[test]
fn one_over_ipv6() {
    let Some(world) = world!() else { return };
    one_answer(world, Family::V6, ReversePathFilter::Off);
}

/// Hosts that doubt what they know ask the router which they use, by unicast, and stay with it.
fn refreshes(world: World, family: Family) {
    let stage = stage(world, family, ReversePathFilter::Off);
    let version = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    for host in stage.lab.hosts() {
        for (setting, value) in [("base_reachable_time_ms", "100"), ("delay_first_probe_time", "0")] {
            host.namespace().set(&format!("{version}/neigh/lan0/{setting}"), value).unwrap();
        }
    }
    let told = stage.resolve_all(stage.lab.hosts().iter());
    let (mark, address) = (stage.capture.mark(), stage.address());
    let enough = || {
        stage.capture.look(mark, |events| {
            let to_all = |mac: MacAddr| told.iter().all(|told| *told != mac);
            let asked = events.iter().filter(|event| asked(event, address));
            asked.filter(|event| !to_all(event.destination_mac)).count() >= 12
        })
    };
    wait_for("questions by unicast", || {
        for host in stage.lab.hosts() {
            assert!(host.pings(address).unwrap(), "{}", host.name());
        }
        enough().then_some(())
    });
    assert_eq!(stage.beliefs(), told);
    assert_answered(&stage);
}

#[test]
fn one_from_the_router_in_use_to_a_host_that_asks_again() {
    let Some(world) = world!() else { return };
    refreshes(world, Family::V4);
}

#[test]
fn one_from_the_router_in_use_to_a_host_that_asks_again_over_ipv6() {
    let Some(world) = world!() else { return };
    refreshes(world, Family::V6);
}

/// The only thing that is said of the virtual address from `mark` on.
fn only_said(stage: &Stage, mark: usize) -> Said {
    let first = |events: &[Event]| events.iter().find_map(|event| said(event, stage.address()));
    let first = stage.capture.wait_for(mark, SOON, first).expect("an answer");
    thread::sleep(LISTEN);
    let all = |events: &[Event]| events.iter().filter(|event| said(event, stage.address()).is_some()).count();
    assert_eq!(stage.capture.look(mark, all), 1);
    first
}

/// RFC 5227 §2.1.1: the address is in use, and that is nobody's turn.
#[test]
fn one_to_a_probe_from_no_address() {
    let Some(world) = world!() else { return };
    let stage = stage(world, Family::V4, ReversePathFilter::Off);
    let told = stage.resolve_all(stage.lab.hosts().iter());
    let (host, IpAddr::V4(address)) = (stage.lab.host(1).unwrap(), stage.address()) else { unreachable!() };
    let mark = stage.capture.mark();
    let probe = arp_request(host.lan_mac(0), Ipv4Addr::UNSPECIFIED, address);
    host.injector("lan0").unwrap().send(&probe).unwrap();
    let Said { router: who, ethernet_source, destination, .. } = only_said(&stage, mark);
    let router = stage.lab.router(1).unwrap();
    assert_eq!((who.as_str(), ethernet_source, destination), ("r1", router.lan_mac(0), host.lan_mac(0)));
    assert_eq!(stage.beliefs(), told);
}

/// RFC 4862 §5.4: a host that wants the address itself learns that it is taken, and nobody else learns anything.
#[test]
fn a_host_that_wants_the_address_itself_finds_a_duplicate() {
    let Some(world) = world!() else { return };
    let stage = stage(world, Family::V6, ReversePathFilter::Off);
    let (address, host) = (stage.address(), stage.lab.host(1).unwrap());
    let others = || stage.lab.hosts().iter().skip(1);
    for host in others() {
        assert!(host.pings(address).unwrap());
    }
    let believed = || others().map(|host| stage.believed(host)).collect::<Vec<_>>();
    let told = believed();
    host.namespace().set("ipv6/conf/lan0/accept_dad", "1").unwrap();
    let mark = stage.capture.mark();
    host.namespace().ip([format!("address add {address}/64 dev lan0")]).unwrap();
    wait_for("a duplicate", || {
        let text = host.namespace().query("ip", &["-6", "address", "show", "dev", "lan0"]).unwrap();
        text.lines()
            .any(|line| line.contains(&address.to_string()) && line.contains("dadfailed"))
            .then_some(())
    });
    let Said { router, told: nothing, .. } = only_said(&stage, mark);
    assert_eq!((router.as_str(), nothing), ("r1", None));
    for host in others() {
        assert!(host.pings(address).unwrap());
    }
    assert_eq!(believed(), told);
}

/// A host says unasked that it has the address (RFC 5227 §3, RFC 4861 §7.2.6): every router tells its operator, once, and
/// a host that says so of itself wakes none.
fn claims(world: World, family: Family) {
    let stage = stage(world, family, ReversePathFilter::Off);
    let host = stage.lab.host(1).unwrap();
    let injector = host.injector("lan0").unwrap();
    let mac = host.lan_mac(0);
    injector.send(&address_announcement(mac, host.lan_address(0, family))).unwrap();
    for _ in 0..3 {
        injector.send(&address_announcement(mac, stage.address())).unwrap();
    }
    for (router, process) in stage.lab.routers().iter().zip(&stage.processes) {
        wait_for("the announcements to be counted", || {
            (group_of(router)?.counters["resolve-gratuitous"] == 3).then_some(())
        });
        let said = format!("{mac} uses {}", stage.address());
        wait_for("a line in the log", || process.log().contains(&said).then_some(()));
        assert_eq!(process.log().matches(&said).count(), 1, "{}", process.log());
    }
}

#[test]
fn a_host_that_announces_the_address_as_its_own_is_told_of() {
    let Some(world) = world!() else { return };
    claims(world, Family::V4);
}

#[test]
fn a_host_that_announces_the_address_as_its_own_is_told_of_over_ipv6() {
    let Some(world) = world!() else { return };
    claims(world, Family::V6);
}
