//! What is received follows what is wanted.

use std::net::Ipv6Addr;

use bytes::Bytes;
use fhrp::driver::PacketIo;
use fhrp::{Protocol, Reception};

use crate::{
    Cable, IPV4, IPV6, collect, frame, index_of, ip, lay_cable, number_of, numbers_until, run, vrrp,
};

fn reception(protocols: &[Protocol], resolves: &[&str]) -> Reception {
    Reception {
        protocols: protocols.iter().copied().collect(),
        resolves: resolves.iter().map(|address| address.parse().unwrap()).collect(),
    }
}

/// A frame that a reception of this protocol alone lets in.
fn of(protocol: Protocol, number: u16) -> Bytes {
    match protocol {
        Protocol::Vrrp => vrrp(number),
        // UDP to 224.0.0.102, port 1985.
        Protocol::Hsrp => {
            frame(IPV4, &[(14, 0x45), (23, 17), (30, 224), (33, 102), (36, 0x07), (37, 0xc1)], number)
        }
        // UDP to 192.0.2.1, port 3222.
        Protocol::Glbp => {
            frame(IPV4, &[(14, 0x45), (23, 17), (30, 192), (32, 2), (33, 1), (36, 0x0c), (37, 0x96)], number)
        }
    }
}

fn arp_request(target: [u8; 4], number: u16) -> Bytes {
    let target: Vec<_> = (38..).zip(target).collect();
    frame([0x08, 0x06], &[[(21, 1)].as_slice(), &target].concat(), number)
}

/// A frame of 80 octets: the target ends where [`number_of`] looks, so the number is that of the target.
fn solicitation(target: &str) -> Bytes {
    let target: Ipv6Addr = target.parse().unwrap();
    let mut octets = frame(IPV6, &[(20, 58), (54, 135)], 0).to_vec();
    octets.truncate(62);
    octets.extend(target.octets());
    octets.extend([0, 0]);
    Bytes::from(octets)
}

#[test]
fn a_changed_reception_changes_what_comes_in() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let all = [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp];
        let steps: [(&[Protocol], &[u16]); 5] = [
            (&[Protocol::Hsrp], &[1]),
            (&[Protocol::Hsrp, Protocol::Glbp], &[1, 2]),
            (&[Protocol::Glbp], &[2]),
            (&all, &[0, 1, 2]),
            (&[Protocol::Vrrp], &[0]),
        ];
        for (protocols, expected) in steps {
            cable.near.attach(cable.near_index, &reception(protocols, &[])).unwrap();
            cable.send_from_far((0..).zip(all).map(|(number, protocol)| of(protocol, number)));
            let last = of(protocols[0], 9);
            cable.send_from_far([last]);
            let mut numbers = numbers_until(&mut cable.near, 9).await;
            numbers.pop();
            assert_eq!(numbers, expected, "{protocols:?}");
        }
    });
}

#[test]
fn a_changed_reception_loses_no_frame() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let receptions = [
            reception(&[Protocol::Vrrp, Protocol::Glbp], &["192.0.2.1", "fe80::1"]),
            reception(&[Protocol::Vrrp], &[]),
            reception(&[Protocol::Vrrp, Protocol::Hsrp], &[]),
        ];
        for (number, wanted) in (0..600).zip(receptions.iter().cycle()) {
            cable.send_from_far([vrrp(number)]);
            cable.near.attach(cable.near_index, wanted).unwrap();
        }
        let seen = collect(&mut cable.near, 600).await;
        assert!(seen.iter().map(|seen| number_of(&seen.frame)).eq(0..600));
    });
}

#[test]
fn of_arp_and_neighbour_discovery_only_what_is_about_resolved_addresses_comes_in() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let wanted = reception(&[Protocol::Glbp], &["192.0.2.1", "fe80::7:b4ff:fe00:100"]);
        cable.near.attach(cable.near_index, &wanted).unwrap();
        cable.send_from_far([
            arp_request([192, 0, 2, 2], 1),
            arp_request([192, 0, 2, 1], 2),
            frame([0x08, 0x06], &[(21, 2), (38, 192), (40, 2), (41, 1)], 3),
            // Its sender says that it has the address.
            frame([0x08, 0x06], &[(21, 2), (28, 192), (30, 2), (31, 1)], 4),
            solicitation("fe80::1"),
            of(Protocol::Glbp, 9),
        ]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [2, 4, 9]);
        let solicited = solicitation("fe80::7:b4ff:fe00:100");
        cable.send_from_far([solicitation("fe80::7:b4ff:fe00:101"), solicited.clone()]);
        assert_eq!(collect(&mut cable.near, 1).await[0].frame, solicited);
        // More addresses than a filter can name.
        let many: Vec<_> = (0..1000).map(|number| format!("2001:db8:{number:x}::1")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        cable.near.attach(cable.near_index, &reception(&[Protocol::Glbp], &many)).unwrap();
        let last = solicitation("2001:db8:3e7::1");
        cable.send_from_far([last.clone()]);
        assert_eq!(collect(&mut cable.near, 1).await[0].frame, last);
    });
}

#[test]
fn what_is_for_another_mac_comes_in_all_the_same() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("link add vf1 link near address 00:07:b4:00:01:01 type macvlan mode bridge");
        ip("link set vf1 up");
        cable.near.attach(cable.near_index, &reception(&[Protocol::Glbp], &["192.0.2.1"])).unwrap();
        // A host that refreshes its entry asks the forwarder itself.
        let mut refresh = arp_request([192, 0, 2, 1], 1).to_vec();
        refresh[..6].copy_from_slice(&[0, 0x07, 0xb4, 0, 1, 1]);
        cable.send_from_far([Bytes::from(refresh), of(Protocol::Glbp, 9)]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [1, 9]);
    });
}

#[test]
fn memberships_follow_the_reception() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        let all_routers = ["224.0.0.2", "01:00:5e:00:00:02"];
        let vrrp = ["224.0.0.18", "ff02::12", "01:00:5e:00:00:12", "33:33:00:00:00:12"];
        let shared = ["224.0.0.102", "ff02::66", "01:00:5e:00:00:66", "33:33:00:00:00:66"];
        let asked = ["ff02::1:ff00:100", "33:33:ff:00:01:00"];
        let steps: [(Reception, &[&[&str]]); 4] = [
            (reception(&[Protocol::Hsrp], &[]), &[&all_routers, &shared]),
            (reception(&[Protocol::Glbp], &["192.0.2.1", "fe80::7:b4ff:fe00:100"]), &[&shared, &asked]),
            (reception(&[Protocol::Glbp, Protocol::Vrrp], &[]), &[&shared, &vrrp]),
            (reception(&[Protocol::Vrrp], &["2001:db8::100"]), &[&vrrp, &asked]),
        ];
        for (wanted, joined) in steps {
            cable.near.attach(cable.near_index, &wanted).unwrap();
            let held = ip("maddress show dev near");
            let held: Vec<_> = held.split_whitespace().collect();
            for group in all_routers.iter().chain(&vrrp).chain(&shared).chain(&asked) {
                let expected = joined.iter().any(|groups| groups.contains(group));
                assert_eq!(held.contains(group), expected, "{group} with {wanted:?}: {held:?}");
            }
        }
        assert_eq!(cable.near.counters().join_failures, 0);
    });
}

#[test]
fn an_interface_made_anew_under_its_old_number_is_heard() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let mut cable = Cable::attached(events);
        ip("link del near");
        let (near, far) = (cable.near_index.0, cable.far_index.0);
        ip(&format!("link add near index {near} type veth peer name far index {far}"));
        ip("link set near up");
        ip("link set far up");
        assert_eq!(index_of("near"), cable.near_index);
        cable.near.attach(cable.near_index, &reception(&[Protocol::Vrrp], &[])).unwrap();
        cable.far.attach(cable.far_index, &reception(&[Protocol::Vrrp], &[])).unwrap();
        cable.send_from_far([vrrp(9)]);
        assert_eq!(numbers_until(&mut cable.near, 9).await, [9]);
    });
}

#[test]
fn the_groups_of_resolved_addresses_are_joined_when_ipv6_comes_to_life() {
    let Some(_) = fhrp_lab::world!() else { return };
    run(async |events| {
        let (near, _) = lay_cable("near", "far");
        let mut sockets = fhrp_netlink::PacketSockets::new(events);
        ip("link set near mtu 1000");
        sockets.attach(near, &reception(&[Protocol::Glbp], &["fe80::7:b4ff:fe00:100"])).unwrap();
        assert_eq!(sockets.counters().join_failures, 2);
        ip("link set near mtu 1500");
        sockets.refresh(near);
        let held = ip("maddress show dev near");
        assert!(held.contains("ff02::66") && held.contains("ff02::1:ff00:100"), "{held}");
    });
}
