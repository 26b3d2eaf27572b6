//! What hosts see of a group: one answer, from the Active router, and never the MAC address behind it.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use fhrp_lab::{
    Capture, CaptureScope, Event, HsrpGroup, HsrpVersion, Kind, Lab, LabOptions, Node, Port, Probe,
    ReversePathFilter, RouterProcess, SpeakerState, Stamp, World, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, VARIANTS, await_hello, await_state, fhrpd, start, start_pair, wait_for, words};

const LISTEN: Duration = Duration::from_millis(300);
/// Cisco's switches listen for gratuitous ARP here.
const SWITCHES: MacAddr = MacAddr([0x01, 0, 0x0c, 0xcd, 0xcd, 0xcd]);

/// That of group 1.
fn virtual_mac((version, family): (HsrpVersion, Family)) -> MacAddr {
    match (version, family) {
        (HsrpVersion::V1, _) => MacAddr([0, 0, 0x0c, 0x07, 0xac, 1]),
        (HsrpVersion::V2, Family::V4) => MacAddr([0, 0, 0x0c, 0x9f, 0xf0, 1]),
        (HsrpVersion::V2, Family::V6) => MacAddr([0, 5, 0x73, 0xa0, 0, 1]),
    }
}

struct Stage<const N: usize> {
    processes: [RouterProcess; N],
    capture: Capture,
    lab: Lab,
    group: HsrpGroup,
}

impl Stage<2> {
    fn pair(world: World, rp_filter: ReversePathFilter, group: HsrpGroup) -> Self {
        let lab = Lab::build(world, &LabOptions { rp_filter, ..LabOptions::default() }).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let processes = start_pair(&lab, std::slice::from_ref(&group));
        Self { processes, capture, lab, group }
    }
}

impl Stage<1> {
    /// One router, with a configuration file that is `changed`.
    fn alone(world: World, group: HsrpGroup, changed: impl FnOnce(String) -> String) -> Self {
        let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let router = lab.router(1).unwrap();
        let text = changed(fhrpd().configuration(std::slice::from_ref(&group), &router.work_dir()));
        let process = fhrpd().start_with(router, &text).unwrap();
        await_state(router, "active", 1);
        Self { processes: [process], capture, lab, group }
    }
}

impl<const N: usize> Stage<N> {
    fn host(&self) -> &Node {
        self.lab.host(1).unwrap()
    }

    /// Asks for an address; its only answer comes from, and tells, this MAC address.
    fn answers_with(&self, address: IpAddr, mac: MacAddr) {
        let answers = self.host().ask(0, address, LISTEN).unwrap();
        let told: Vec<_> = answers.iter().map(|answer| (answer.ethernet_source, answer.told)).collect();
        assert_eq!(told, [(mac, Some(mac))], "{address}{}", self.processes[0].log_tail());
    }

    /// What `r1` announced of an address since it became Active.
    fn announcements(&self, address: IpAddr) -> Vec<Event> {
        let announces = |event: &&Event| &*event.node == "r1" && event.kind.announces(address);
        self.capture.look(0, |events| events.iter().filter(announces).cloned().collect())
    }
}

/// Whom a frame says that an address belongs to.
fn told(event: &Event) -> Option<(IpAddr, MacAddr)> {
    if let Kind::Arp { sender, sender_mac, .. } = event.kind {
        return Some((sender.into(), sender_mac));
    }
    if let Kind::NeighborAdvertisement { target, target_mac, .. } = event.kind {
        return Some((target.into(), target_mac.unwrap_or(event.source_mac)));
    }
    if let Kind::NeighborSolicitation { .. } = event.kind {
        let source: [u8; 16] = event.frame[22..38].try_into().unwrap();
        // RFC 4861 §4.3: the source link-layer address option.
        let mac = match event.frame.get(78..86) {
            Some([1, 1, mac @ ..]) => MacAddr(mac.try_into().unwrap()),
            _ => event.source_mac,
        };
        return Some((Ipv6Addr::from(source).into(), mac));
    }
    None
}

/// Whether a frame asks who has an address.
fn asks(event: &Event) -> bool {
    matches!(event.kind, Kind::Arp { operation: 1, .. } | Kind::NeighborSolicitation { .. })
}

fn answers_once_and_leaks_nothing(
    world: World,
    variant: (HsrpVersion, Family),
    rp_filter: ReversePathFilter,
) {
    let stage = Stage::pair(world, rp_filter, HsrpGroup::new(variant.0, variant.1, 100));
    let (address, mac) = (stage.group.addresses[0], virtual_mac(variant));
    let (host, router) = (stage.host(), stage.lab.router(1).unwrap());
    let mark = stage.capture.mark();
    stage.answers_with(address, mac);

    // The host knows the gateway, which must ask for the host: in whose name?
    host.namespace().ip([format!("neigh replace {address} lladdr {mac} dev lan0 nud permanent")]).unwrap();
    router.flush_neighbors().unwrap();
    assert!(host.pings(address).unwrap());
    host.namespace().ip([format!("neigh del {address} dev lan0")]).unwrap();
    assert!(host.pings(address).unwrap());
    assert_eq!(host.neighbor("lan0", address).unwrap(), Some(mac));

    let events = stage.capture.since(mark);
    assert!(
        events.iter().any(|event| &*event.node == "r1" && asks(event)),
        "the router had to ask: {events:?}"
    );
    for event in &events {
        if let Some((of, told)) = told(event).filter(|(of, _)| *of == address) {
            assert_eq!((&*event.node, told), ("r1", mac), "{of} in {event:?}");
        }
    }
}

#[test]
fn the_active_router_alone_answers_and_with_the_virtual_mac() {
    let Some(world) = world!() else { return };
    for variant in VARIANTS {
        answers_once_and_leaks_nothing(world, variant, ReversePathFilter::Off);
    }
    answers_once_and_leaks_nothing(world, VARIANTS[1], ReversePathFilter::Strict);
}

/// Packets that have arrived at an interface.
fn received(node: &Node, interface: &str) -> u64 {
    let text = node.namespace().query("ip", &["-json", "-stats", "link", "show", "dev", interface]).unwrap();
    let links: serde_json::Value = serde_json::from_str(&text).unwrap();
    links[0]["stats64"]["rx"]["packets"].as_u64().unwrap()
}

fn flooded_frames_arrive_once(world: World, (version, family): (HsrpVersion, Family)) {
    const FLOODED: usize = 200;
    let lab = Lab::build(world, &LabOptions { routers: 3, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::ControlAndProbes).unwrap();
    let group = HsrpGroup::new(version, family, 100);
    let states = [(200, "active"), (150, "standby"), (100, "listen")];
    let _processes = start(&lab, std::slice::from_ref(&group), &states);
    lab.use_gateway(group.addresses[0], 0).unwrap();
    let probe = Probe::start(&lab, lab.host(1).unwrap(), family, Duration::from_millis(1)).unwrap();
    assert!(probe.wait_flowing(Stamp::default(), 50, SOON));
    // A switch that learns nothing sends every frame to all routers.
    lab.switch().ip(["link set dev lan0 type bridge ageing_time 0"]).unwrap();
    lab.forget_port(lab.router(1).unwrap(), 0).unwrap();
    let others = [2, 3].map(|number| lab.router(number).unwrap());
    let (before, flooding) = (others.map(|router| received(router, "lan0")), Stamp::now());
    assert!(probe.wait_flowing(flooding, FLOODED, SOON));
    let after = others.map(|router| received(router, "lan0"));
    let record = probe.finish();
    assert_eq!(record.duplicated(record.sent[0], record.arrivals.last().unwrap().at), 0);
    for (before, after) in before.into_iter().zip(after) {
        // All but those that were on their way when they were counted.
        assert!(after - before >= 190, "the flood did not reach the others: {} frames", after - before);
    }
    let passed = |router: &str| {
        capture.look(0, |events| {
            let up = events.iter().filter(|event| event.port == Port::Upstream && &*event.node == router);
            up.filter(|event| matches!(event.kind, Kind::Probe { .. })).count()
        })
    };
    assert!(passed("r1") >= FLOODED);
    assert_eq!((passed("r2"), passed("r3")), (0, 0), "another than the Active router routed frames");
}

#[test]
fn routers_in_standby_and_listen_route_nothing_that_is_sent_to_the_virtual_mac() {
    let Some(world) = world!() else { return };
    for variant in [(HsrpVersion::V2, Family::V4), (HsrpVersion::V2, Family::V6)] {
        flooded_frames_arrive_once(world, variant);
    }
}

#[test]
fn with_use_bia_hosts_learn_the_mac_of_each_new_active_router() {
    let Some(world) = world!() else { return };
    let group = HsrpGroup { virtual_mac: false, ..HsrpGroup::new(HsrpVersion::V2, Family::V4, 100) };
    let stage = Stage::pair(world, ReversePathFilter::Off, group);
    let (address, [first, second]) =
        (stage.group.addresses[0], [1, 2].map(|number| stage.lab.router(number).unwrap()));
    stage.answers_with(address, first.lan_mac(0));
    assert!(stage.host().pings(address).unwrap());
    assert_eq!(stage.host().neighbor("lan0", address).unwrap(), Some(first.lan_mac(0)));
    let hello = |router: &Node| {
        let wanted = router.name().to_owned();
        stage.capture.look(0, |events| {
            let mut active =
                words(events, &wanted, &stage.group).filter(|(_, said)| said.state == SpeakerState::Active);
            active.next().map(|(event, _)| event.source_mac)
        })
    };
    assert_eq!(hello(first), Some(first.lan_mac(0)));

    stage.processes[0].stop();
    await_state(second, "active", 1);
    // Nobody asked: the gratuitous ARP told it.
    wait_for("the new MAC", || {
        (stage.host().neighbor("lan0", address).unwrap() == Some(second.lan_mac(0))).then_some(())
    });
    assert!(stage.host().pings(address).unwrap());
    assert_eq!(hello(second), Some(second.lan_mac(0)));
}

#[test]
fn a_configured_mac_is_told_and_makes_the_link_local_address() {
    let Some(world) = world!() else { return };
    let mac = MacAddr([0x02, 0, 0xa2, 0x11, 0x22, 0x33]);
    let chosen = |family| {
        let extra = vec![format!("mac_address = \"{mac}\"")];
        HsrpGroup { extra, ..HsrpGroup::new(HsrpVersion::V2, family, 100) }
    };
    let stage = Stage::alone(world, chosen(Family::V4), |text| text);
    stage.answers_with(stage.group.addresses[0], mac);
    assert!(stage.host().pings(stage.group.addresses[0]).unwrap());
    drop(stage);
    let stage = Stage::alone(world, chosen(Family::V6), autoconfigured);
    stage.answers_with("fe80::200:a2ff:fe11:2233".parse().unwrap(), mac);
}

/// The same configuration, but for the addresses.
fn autoconfigured(text: String) -> String {
    let changed = text.lines().map(|line| match line.split_once(" = ") {
        Some(("addresses", _)) => "addresses = [\"autoconfig\", \"2001:db8:1::1\"]",
        _ => line,
    });
    changed.collect::<Vec<_>>().join("\n")
}

#[test]
fn secondary_addresses_are_served_and_not_on_the_wire() {
    let Some(world) = world!() else { return };
    let addresses: Vec<IpAddr> = vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    let group = HsrpGroup { addresses, ..HsrpGroup::new(HsrpVersion::V2, Family::V4, 100) };
    let stage = Stage::pair(world, ReversePathFilter::Off, group);
    for address in &stage.group.addresses {
        stage.answers_with(*address, virtual_mac(VARIANTS[1]));
        assert!(stage.host().pings(*address).unwrap(), "{address}");
        assert_ne!(stage.announcements(*address).len(), 0, "{address}");
    }
    stage.capture.look(0, |events| {
        for (event, said) in words(events, "r1", &stage.group) {
            assert_eq!(said.address, stage.group.addresses[0], "{event:?}");
        }
    });
}

#[test]
fn the_virtual_link_local_address_comes_from_the_virtual_mac_and_hosts_find_it_by_advertisements() {
    let Some(world) = world!(Scapy) else { return };
    let group = HsrpGroup { group: 16, ..HsrpGroup::new(HsrpVersion::V2, Family::V6, 100) };
    let stage = Stage::alone(world, group, autoconfigured);
    let (made, mac) =
        (Ipv6Addr::new(0xfe80, 0, 0, 0, 5, 0x73ff, 0xfea0, 0x10), MacAddr([0, 5, 0x73, 0xa0, 0, 0x10]));
    for address in [made, "2001:db8:1::1".parse().unwrap()] {
        stage.answers_with(address.into(), mac);
        assert!(stage.host().pings(address.into()).unwrap(), "{address}");
    }
    await_hello(&stage.capture, 0, "r1", &stage.group, SpeakerState::Active);
    stage.capture.look(0, |events| {
        for (event, said) in words(events, "r1", &stage.group) {
            assert_eq!(said.address, IpAddr::V6(made), "{event:?}");
        }
    });

    let advertised = |events: &[Event]| {
        let is_ours =
            |event: &&Event| matches!(event.kind, Kind::RouterAdvertisement { source, .. } if source == made);
        events.iter().find(is_ours).cloned()
    };
    let first = stage.capture.wait_for(0, SOON, advertised).expect("a router advertisement");
    assert_eq!((first.source_mac, first.destination_mac), (mac, MacAddr([0x33, 0x33, 0, 0, 0, 1])));
    // RFC 4861 §4.2: hop limit 255; the source link-layer address option is behind 16 octets.
    assert_eq!((first.frame[21], &first.frame[70..78]), (255, &[1, 1, 0, 5, 0x73, 0xa0, 0, 0x10][..]));
    let route = stage.host().namespace().query("ip", &["-6", "route", "show", "default"]).unwrap();
    assert!(route.contains(&format!("default via {made} dev lan0 proto ra")), "{route}");

    // The next would be due after 200 s.
    let mark = stage.capture.mark();
    stage
        .host()
        .scapy(&format!(
            "sendp(Ether(src='{}',dst='33:33:00:00:00:02')/IPv6(src='{}',dst='ff02::2',hlim=255)/ICMPv6ND_RS(),\
             iface='lan0',verbose=0)",
            stage.host().lan_mac(0),
            stage.host().link_local()
        ))
        .unwrap();
    let answer = stage.capture.wait_for(mark, Duration::from_secs(10), advertised);
    assert_eq!(answer.map(|answer| answer.source_mac), Some(mac));
}

#[test]
fn gratuitous_arp_is_a_reply_to_all_and_to_switches_and_once_more_after_three_seconds() {
    let Some(world) = world!() else { return };
    for variant in [(HsrpVersion::V1, Family::V4), (HsrpVersion::V2, Family::V4)] {
        let stage = Stage::alone(world, HsrpGroup::new(variant.0, variant.1, 100), |text| text);
        let mac = virtual_mac(variant);
        let sent = wait_for("the repetition", || {
            let sent = stage.announcements([192, 0, 2, 1].into());
            (sent.len() >= 3).then_some(sent)
        });
        let reply = |to: MacAddr| {
            let address = [192, 0, 2, 1];
            [&to.0[..], &mac.0, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 2], &mac.0, &address, &to.0, &address].concat()
        };
        let wanted = [MacAddr::BROADCAST, SWITCHES, MacAddr::BROADCAST].map(reply);
        let frames: Vec<_> = sent.iter().map(|event| event.frame[..42].to_vec()).collect();
        assert_eq!(frames, wanted);
        let later: Vec<_> = sent.iter().map(|event| event.at.since(sent[0].at)).collect();
        assert!(later[1] < Duration::from_millis(50), "{later:?}");
        assert!((2990..4000).contains(&later[2].as_millis()), "{later:?}");
        // They tell of a role that has been said.
        let active = await_hello(&stage.capture, 0, "r1", &stage.group, SpeakerState::Active);
        assert!(sent[0].at >= active, "{:?}", active.since(sent[0].at));
    }
}

#[test]
fn over_ipv6_an_advertisement_of_the_neighbour_says_router_and_override() {
    let Some(world) = world!() else { return };
    let stage = Stage::alone(world, HsrpGroup::new(HsrpVersion::V2, Family::V6, 100), |text| text);
    let (address, mac) = (stage.group.addresses[0], virtual_mac(VARIANTS[2]));
    let sent = wait_for("the advertisement", || stage.announcements(address).first().cloned());
    let Kind::NeighborAdvertisement { flags, target_mac, .. } = sent.kind else {
        unreachable!("it announces")
    };
    assert_eq!((flags & 0xe0, target_mac, sent.source_mac), (0xa0, Some(mac), mac));
    assert_eq!((sent.destination_mac, sent.frame[21]), (MacAddr([0x33, 0x33, 0, 0, 0, 1]), 255));
}
