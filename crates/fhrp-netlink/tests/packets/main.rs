//! Packet sockets against the real kernel: two ends of a cable in a private network namespace.
//!
//! No test waits for a frame *not* to come: a frame that must come is sent after it, and what arrived before is
//! compared with what should have.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

mod reception;

use std::fs;
use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use fhrp::driver::{Clock, PacketIo};
use fhrp::{IfIndex, Instant, Protocol, Protocols, Reception};
use fhrp_netlink::{EventLoop, PacketSockets, TimerFd};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const VRRP: u8 = 112;

fn wanted() -> Reception {
    Reception { protocols: Protocols::default().with(Protocol::Vrrp), ..Reception::default() }
}

/// Two packet sockets at the ends of a veth pair; the names are those of the interfaces.
struct Cable {
    near: PacketSockets,
    far: PacketSockets,
    near_index: IfIndex,
    far_index: IfIndex,
}

impl Cable {
    fn attached(events: &EventLoop) -> Self {
        let (near_index, far_index) = lay_cable("near", "far");
        let mut near = PacketSockets::new(events);
        let mut far = PacketSockets::new(events);
        near.attach(near_index, &wanted()).unwrap();
        far.attach(far_index, &wanted()).unwrap();
        Self { near, far, near_index, far_index }
    }

    fn send_from_far(&mut self, frames: impl IntoIterator<Item = Bytes>) {
        for frame in frames {
            self.far.transmit(self.far_index, frame);
        }
        self.far.flush();
    }

    fn send_from_near(&mut self, frame: Bytes) {
        self.near.transmit(self.near_index, frame);
        self.near.flush();
    }
}

/// Makes a veth pair without any traffic of the kernel's own.
fn lay_cable(one: &str, other: &str) -> (IfIndex, IfIndex) {
    fs::write("/proc/sys/net/ipv6/conf/default/router_solicitations", "0").unwrap();
    ip(&format!("link add {one} type veth peer name {other}"));
    ip(&format!("link set {one} up"));
    ip(&format!("link set {other} up"));
    (index_of(one), index_of(other))
}

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn index_of(interface: &str) -> IfIndex {
    // Not from /sys, which shows the namespace that it was mounted in.
    let line = ip(&format!("-o link show dev {interface}"));
    IfIndex(line.split(':').next().unwrap().parse().unwrap())
}

fn mac_of(interface: &str) -> String {
    let line = ip(&format!("-o link show dev {interface}"));
    line.split_once("link/ether ").unwrap().1.split(' ').next().unwrap().to_owned()
}

/// A broadcast frame of 64 octets: type, octets at their offsets, a number at the end to know it by.
fn frame(ethertype: [u8; 2], patches: &[(usize, u8)], number: u16) -> Bytes {
    let mut octets = [0; 64];
    octets[..6].fill(0xff);
    octets[6..12].copy_from_slice(&[0, 0, 0x5e, 0, 1, 1]);
    octets[12..14].copy_from_slice(&ethertype);
    for (offset, octet) in patches {
        octets[*offset] = *octet;
    }
    octets[62..].copy_from_slice(&number.to_be_bytes());
    Bytes::copy_from_slice(&octets)
}

fn vrrp(number: u16) -> Bytes {
    frame(IPV4, &[(23, VRRP)], number)
}

fn number_of(frame: &[u8]) -> u16 {
    u16::from_be_bytes([frame[62], frame[63]])
}

/// A frame as it came in.
struct Seen {
    at: Instant,
    interface: IfIndex,
    frame: Vec<u8>,
}

/// Waits for frames until `count` are there.
async fn collect(sockets: &mut PacketSockets, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    while seen.len() < count {
        sockets.readable().await;
        sockets.receive(&mut |received| {
            let frame = received.frame.to_vec();
            seen.push(Seen { at: received.at, interface: received.interface, frame });
        });
    }
    seen
}

/// Waits for frames until the one with this number came; the numbers of all.
async fn numbers_until(sockets: &mut PacketSockets, last: u16) -> Vec<u16> {
    let mut numbers = Vec::new();
    while numbers.last() != Some(&last) {
        numbers.extend(collect(sockets, 1).await.iter().map(|seen| number_of(&seen.frame)));
    }
    numbers
}

/// Makes a failure of a test that would wait for ever; none comes anywhere near it.
const FOR_EVER: Duration = Duration::from_secs(120);

fn run(body: impl AsyncFnOnce(&EventLoop)) {
    let events = EventLoop::new().unwrap();
    let waited = events.run(async {
        tokio::select! {
            () = body(&events) => {}
            () = pause(&events, FOR_EVER) => panic!("what the test waits for never comes"),
        }
    });
    waited.unwrap();
}

async fn pause(events: &EventLoop, time: Duration) {
    let mut clock = TimerFd::new(events).unwrap();
    let until = clock.now() + time;
    clock.sleep_until(Some(until)).await;
}

#[test]
fn frames_arrive_in_order_whole_and_with_their_time() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let clock = TimerFd::new(events).unwrap();
        let before = clock.now();
        // More than one system call takes.
        cable.send_from_far((0..100).map(vrrp));
        let seen = collect(&mut cable.near, 100).await;
        let after = clock.now();
        for (number, seen) in (0..).zip(&seen) {
            assert_eq!(seen.frame, vrrp(number), "frame {number}");
            assert_eq!(seen.interface, cable.near_index);
            assert!(before <= seen.at && seen.at <= after, "{before} <= {} <= {after}", seen.at);
        }
        assert_eq!(cable.near.counters().received, 100);
        assert_eq!(cable.far.counters().sent, 100);
    });
}

#[test]
fn a_frame_that_had_to_wait_keeps_the_time_of_its_arrival() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let clock = TimerFd::new(events).unwrap();
        // The kernel begins to stamp a moment after the first socket has asked for it; until then the time is that of
        // the reading.
        loop {
            cable.send_from_far([vrrp(1)]);
            cable.near.readable().await;
            let arrived_before = clock.now();
            std::thread::sleep(Duration::from_millis(3));
            if collect(&mut cable.near, 1).await[0].at <= arrived_before {
                break;
            }
        }
    });
}

#[test]
fn only_what_the_protocols_speak_is_received() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let wanted = [
            vrrp(1),
            frame(IPV4, &[(23, 51)], 2),
            frame(IPV6, &[(20, VRRP)], 3),
            frame(IPV6, &[(20, 58), (54, 133)], 4),
        ];
        let unwanted = [
            frame(IPV4, &[(23, 17), (36, 0x07), (37, 0xc1)], 101),
            frame(IPV4, &[(23, 1)], 102),
            frame(IPV6, &[(20, 58), (54, 134)], 103),
            frame(IPV6, &[(20, 58), (54, 135)], 104),
            frame(IPV6, &[(20, 0), (54, VRRP)], 105),
            frame([0x08, 0x06], &[(23, VRRP)], 106),
            frame([0x88, 0xcc], &[(23, VRRP), (20, VRRP)], 107),
        ];
        cable.send_from_far(unwanted.iter().cloned().chain(wanted).chain(unwanted.clone()).chain([vrrp(9)]));
        assert_eq!(numbers_until(&mut cable.near, 9).await, [1, 2, 3, 4, 9]);
        assert_eq!(cable.near.counters().received, 5);
    });
}

#[test]
fn frames_of_a_vlan_are_left_to_its_interface() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let tagged = |tag: [u8; 2], number| {
            let inner = vrrp(number);
            Bytes::from([&inner[..12], &[0x81, 0x00], &tag, &inner[12..]].concat())
        };
        // VLAN 7; then VLAN 0 with priority 7, which is no VLAN but only the priority.
        cable.send_from_far([tagged([0x00, 0x07], 1), tagged([0xe0, 0x00], 2), vrrp(9)]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [2, 9]);
        assert_eq!(cable.near.counters().received, 2);
    });
}

#[test]
fn a_frame_beyond_the_buffer_is_skipped_and_counted() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("link set near mtu 9000");
        ip("link set far mtu 9000");
        let mut long = vrrp(1).to_vec();
        long.resize(2049, 0);
        let mut longest = vrrp(2).to_vec();
        longest.resize(2048, 0);
        cable.send_from_far([Bytes::from(long), Bytes::from(longest), vrrp(9)]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [2, 9]);
        assert_eq!(cable.near.counters().truncated, 1);
    });
}

#[test]
fn what_was_sent_here_is_not_received_here() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let mut another = PacketSockets::new(events);
        another.attach(cable.near_index, &wanted()).unwrap();
        another.transmit(cable.near_index, vrrp(1));
        another.flush();
        cable.send_from_near(vrrp(2));
        assert_eq!(numbers_until(&mut cable.far, 2).await, [1, 2]);
        cable.send_from_far([vrrp(9)]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [9]);
        assert_eq!(cable.near.counters().received, 1);
    });
}

#[test]
fn any_of_several_interfaces_wakes_the_reader() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let (second, second_far) = lay_cable("second", "second-far");
        cable.near.attach(second, &wanted()).unwrap();
        cable.far.attach(second_far, &wanted()).unwrap();
        for (number, from, to) in [
            (1, cable.far_index, cable.near_index),
            (2, second_far, second),
            (3, cable.far_index, cable.near_index),
        ] {
            cable.far.transmit(from, vrrp(number));
            cable.far.flush();
            let seen = collect(&mut cable.near, 1).await;
            assert_eq!((seen[0].interface, number_of(&seen[0].frame)), (to, number));
        }
        cable.near.detach(second);
        cable.far.transmit(second_far, vrrp(4));
        cable.send_from_far([vrrp(5)]);
        assert_eq!(numbers_until(&mut cable.near, 5).await, [5]);
    });
}

#[test]
fn one_call_hands_over_a_bounded_number_and_says_that_there_is_more() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        cable.send_from_far((0..1000).map(vrrp));
        let mut numbers = Vec::new();
        while numbers.len() < 1000 {
            cable.near.readable().await;
            let before = numbers.len();
            let more = cable.near.receive(&mut |received| numbers.push(number_of(received.frame)));
            let handed = numbers.len() - before;
            assert!(handed <= 256, "{handed}");
            assert_eq!(more, handed == 256, "{handed}");
        }
        assert!(numbers.iter().copied().eq(0..1000));
    });
}

#[test]
fn a_reader_given_up_half_way_loses_nothing() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        for number in 0..50 {
            cable.send_from_far([vrrp(number)]);
            for _ in 0..3 {
                tokio::select! {
                    biased;
                    () = cable.near.readable() => {}
                    () = tokio::task::yield_now() => {}
                }
            }
            assert_eq!(numbers_until(&mut cable.near, number).await, [number]);
        }
    });
}

#[test]
fn the_queue_that_overflows_is_counted() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        for _ in 0..200 {
            cable.send_from_far((0..200).map(vrrp));
        }
        assert!(cable.near.counters().dropped > 0);
        let dropped = cable.near.counters().dropped;
        assert_eq!(cable.near.counters().dropped, dropped, "counted once");
        assert_eq!(number_of(&collect(&mut cable.near, 1).await[0].frame), 0);
    });
}

#[test]
fn the_interface_may_go_down_and_come_back() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("link set near down");
        cable.send_from_near(vrrp(1));
        cable.send_from_near(vrrp(2));
        assert_eq!(cable.near.counters().send_errors, 2);
        ip("link set near up");
        let sent_before = cable.near.counters().sent;
        cable.send_from_near(vrrp(3));
        assert_eq!(cable.near.counters().sent, sent_before + 1);
        // The far end learns of the carrier with a delay of its own; until then it sends into the void.
        let seen = loop {
            cable.send_from_far([vrrp(4)]);
            tokio::select! {
                seen = collect(&mut cable.near, 1) => break seen,
                () = pause(events, Duration::from_millis(10)) => {}
            }
        };
        assert_eq!(number_of(&seen[0].frame), 4);
    });
}

#[test]
fn news_of_a_past_failure_costs_no_frame() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        // The socket keeps "network is down" for the next call, which is a send when the link is up again.
        ip("link set near down");
        ip("link set near up");
        cable.send_from_near(vrrp(1));
        let counters = cable.near.counters();
        assert_eq!((counters.sent, counters.send_errors), (1, 0));
    });
}

#[test]
fn what_came_before_the_interface_went_down_is_received() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        cable.send_from_far([vrrp(1)]);
        cable.near.readable().await;
        ip("link set near down");
        assert_eq!(number_of(&collect(&mut cable.near, 1).await[0].frame), 1);
        assert_eq!(cable.near.counters().receive_errors, 1);
    });
}

#[test]
fn an_interface_that_vanishes_is_survived() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let (second, second_far) = lay_cable("second", "second-far");
        cable.near.attach(second, &wanted()).unwrap();
        cable.far.attach(second_far, &wanted()).unwrap();
        ip("link del near");
        cable.send_from_near(vrrp(1));
        assert_eq!(cable.near.counters().send_errors, 1);
        cable.far.transmit(second_far, vrrp(2));
        cable.far.flush();
        assert_eq!(numbers_until(&mut cable.near, 2).await, [2]);
        cable.near.detach(cable.near_index);
    });
}

#[test]
fn what_is_queued_goes_out_before_the_socket_closes() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        cable.near.transmit(cable.near_index, vrrp(1));
        cable.near.detach(cable.near_index);
        assert_eq!(numbers_until(&mut cable.far, 1).await, [1]);
        cable.send_from_near(vrrp(2));
        assert_eq!(cable.near.counters().send_errors, 1, "nothing is attached any more");
    });
}

#[test]
fn groups_are_joined_and_left_with_the_interface() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        const GROUPS: [&str; 4] = ["01:00:5e:00:00:12", "33:33:00:00:00:12", "224.0.0.18", "ff02::12"];
        let joined = || ip("maddress show dev near");
        let mut cable = Cable::attached(events);
        assert!(GROUPS.iter().all(|group| joined().contains(group)), "{}", joined());
        assert_eq!(cable.near.counters().join_failures, 0);
        cable.near.detach(cable.near_index);
        assert!(!GROUPS.iter().any(|group| joined().contains(group)), "{}", joined());
    });
}

#[test]
fn a_join_that_failed_can_be_repeated() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        cable.near.detach(cable.near_index);
        // Too small for IPv6, which the kernel then takes off the interface.
        ip("link set near mtu 1000");
        cable.near.attach(cable.near_index, &wanted()).unwrap();
        assert_eq!(cable.near.counters().join_failures, 1);
        cable.near.rejoin(cable.near_index);
        assert_eq!(cable.near.counters().join_failures, 2);
        ip("link set near mtu 1500");
        cable.near.rejoin(cable.near_index);
        cable.near.rejoin(cable.near_index);
        assert_eq!(cable.near.counters().join_failures, 2);
        assert!(ip("maddress show dev near").contains("ff02::12"));
    });
}

#[test]
fn ipv4_unicast_gets_its_header_from_the_kernel() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("address add 192.0.2.1/24 dev near");
        ip(&format!("neighbour add 192.0.2.2 lladdr {} dev near nud permanent", mac_of("far")));
        let [source, peer] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        for payload in [&b"one"[..], b"another"] {
            cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(payload));
            cable.near.flush();
            let frame = collect(&mut cable.far, 1).await.remove(0).frame;
            assert_eq!(frame[12..14], IPV4);
            assert_eq!((frame[15], frame[22], frame[23]), (0xc0, 255, VRRP), "class, TTL, protocol");
            assert_eq!(frame[26..34], [192, 0, 2, 1, 192, 0, 2, 2]);
            assert_eq!(&frame[34..34 + payload.len()], payload);
        }
        assert_eq!(cable.near.counters().sent, 2);
    });
}

#[test]
fn ipv6_unicast_gets_its_header_from_the_kernel() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("address add fe80::1/64 dev near nodad");
        ip(&format!("neighbour add fe80::2 lladdr {} dev near nud permanent", mac_of("far")));
        let [source, peer] = ["fe80::1", "fe80::2"].map(|text| text.parse::<IpAddr>().unwrap());
        cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(b"payload"));
        cable.near.flush();
        let frame = collect(&mut cable.far, 1).await.remove(0).frame;
        assert_eq!(frame[12..14], IPV6);
        assert_eq!((frame[14], frame[15] & 0xf0), (0x6c, 0x00), "version 6, traffic class 0xc0");
        assert_eq!((frame[20], frame[21]), (VRRP, 255), "next header, hop limit");
        assert_eq!((frame[22], frame[37], frame[38], frame[53]), (0xfe, 1, 0xfe, 2));
        assert_eq!(&frame[54..61], b"payload");
    });
}

#[test]
fn unicast_works_whenever_its_address_is_there() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        // A host without any address and route lets everybody bind to anything.
        ip("address add 198.51.100.1/24 dev near");
        ip(&format!("neighbour add 192.0.2.2 lladdr {} dev near nud permanent", mac_of("far")));
        let [source, peer] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(b"early"));
        cable.near.flush();
        assert_eq!(cable.near.counters().send_errors, 1);
        ip("address add 192.0.2.1/24 dev near");
        cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(b"in time"));
        cable.near.flush();
        let frame = collect(&mut cable.far, 1).await.remove(0).frame;
        assert_eq!(&frame[34..41], b"in time");
        ip("address del 192.0.2.1/24 dev near");
        cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(b"without"));
        cable.near.flush();
        assert_eq!(cable.near.counters().send_errors, 2);
        ip("address add 192.0.2.1/24 dev near");
        cable.near.unicast(cable.near_index, source, peer, Bytes::from_static(b"back"));
        cable.near.flush();
        let frame = collect(&mut cable.far, 1).await.remove(0).frame;
        assert_eq!(&frame[34..38], b"back");
    });
}

#[test]
fn errors_name_the_interface_and_the_missing_capability() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let (near, _) = lay_cable("near", "far");
        let mut sockets = PacketSockets::new(events);
        let missing = sockets.attach(IfIndex(4711), &wanted()).unwrap_err().to_string();
        assert!(missing.contains("interface 4711") && missing.contains("No such device"), "{missing}");
        let sets = capabilities(None).unwrap();
        let effective = sets.effective.difference(CapabilitySet::NET_RAW);
        set_capabilities(None, CapabilitySets { effective, ..sets }).unwrap();
        let refused = sockets.attach(near, &wanted()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(refused.to_string().contains("CAP_NET_RAW"), "{refused}");
        set_capabilities(None, sets).unwrap();
        sockets.attach(near, &wanted()).unwrap();
    });
}

/// Polls a wait a few times, then gives it up.
async fn give_up(clock: &mut TimerFd, deadline: Instant) {
    tokio::select! {
        biased;
        () = clock.sleep_until(Some(deadline)) => panic!("the deadline is far away"),
        () = tokio::task::yield_now() => {}
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_timer_wakes_not_before_the_deadline() {
    run(async |events| {
        let mut clock = TimerFd::new(events).unwrap();
        for micros in [1, 50, 999, 1_000, 3_333] {
            let deadline = clock.now() + Duration::from_micros(micros);
            clock.sleep_until(Some(deadline)).await;
            assert!(clock.now() >= deadline, "{micros} µs");
        }
    });
}

#[test]
fn a_shorter_deadline_set_later_wins() {
    run(async |events| {
        let mut clock = TimerFd::new(events).unwrap();
        let far = clock.now() + HOUR;
        give_up(&mut clock, far).await;
        let near = clock.now() + Duration::from_millis(2);
        clock.sleep_until(Some(near)).await;
        assert!((near..far).contains(&clock.now()));
    });
}

#[test]
fn a_deadline_given_up_wakes_nobody_later() {
    run(async |events| {
        let mut clock = TimerFd::new(events).unwrap();
        let given_up = clock.now() + Duration::from_millis(5);
        tokio::select! {
            biased;
            () = clock.sleep_until(Some(given_up)) => {}
            () = tokio::task::yield_now() => {}
        }
        // Long enough for it to fire, and for the runtime to note that.
        pause(events, Duration::from_millis(10)).await;
        let deadline = clock.now() + Duration::from_millis(20);
        clock.sleep_until(Some(deadline)).await;
        assert!(clock.now() >= deadline);
    });
}

#[test]
fn a_deadline_in_the_past_returns_at_once_and_none_never() {
    run(async |events| {
        let mut clock = TimerFd::new(events).unwrap();
        let past = clock.now();
        tokio::select! {
            biased;
            () = clock.sleep_until(Some(past)) => {}
            () = async {} => panic!("it waited"),
        }
        tokio::select! {
            biased;
            () = clock.sleep_until(None) => panic!("there was nothing to wait for"),
            () = pause(events, Duration::from_millis(5)) => {}
        }
        give_up(&mut clock, Instant::from_micros(u64::MAX)).await;
    });
}
