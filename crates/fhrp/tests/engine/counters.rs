//! What is counted, and that nothing else is. Names are those of RFC 8347 where it has one.

use fhrp::{GroupState, IfIndex};

use super::receive::{altered, with_ip_checksum};
use super::router::*;

type Counted = Vec<(&'static str, u64)>;

/// The counters that are not zero.
fn told(counters: impl Iterator<Item = (&'static str, u64)>) -> Counted {
    counters.filter(|(_, count)| *count > 0).collect()
}

/// What the interface counts when an Active router with a group on it hears this one frame.
fn counted(frame: &[u8]) -> Counted {
    let mut router = Router::active();
    router.hear(ms(3800), frame);
    told(router.interface().iter())
}

#[test]
fn rfc8347_statistics_of_a_routers_life() {
    let mut router = Router::active();
    assert_eq!(router.hear(ms(4000), &says(0).frame()).priorities(), [100], "answered");
    router.hear(ms(4100), &says(200).frame());
    assert_eq!(router.state(), GroupState::Backup);
    router.hear(ms(4200), &says(0).frame());
    assert_eq!(router.until(ms(5000)).priorities(), [100], "taken over");
    router.0.stop(ms(5100));
    assert_eq!(router.see().priorities(), [0]);
    let received = [("advertisement_rcvd", 3), ("advertisement_sent", 4)];
    let resigned = [("priority_zero_pkts_rcvd", 2), ("priority_zero_pkts_sent", 1)];
    assert_eq!(told(router.vrrp().counters.iter()), [received, resigned].concat());
    assert_eq!(told(router.status().counters.iter()), [("active_transitions", 2)]);
    assert_eq!(router.status().state_changes, 5, "Backup, Active, Backup, Active, Initialize");
    assert_eq!(told(router.interface().iter()), [("frames_rcvd", 3)]);
    let stats = router.0.stats();
    // Four advertisements; the dataplane acknowledged the first time, and one gratuitous ARP followed.
    assert_eq!((stats.frames_rcvd, stats.frames_sent, stats.unknown_interface), (3, 5, 0));
}

#[test]
fn a_refused_wish_is_a_fault() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    router.refuse(us(3_609_375), &seen);
    assert_eq!(told(router.status().counters.iter()), [("active_transitions", 1), ("program_faults", 1)]);
}

#[test]
fn frames_of_an_interface_that_is_not_ours() {
    let mut router = Router::active();
    router.0.handle_frame(ms(3800), IfIndex(9), &says(200).frame());
    let stats = router.0.stats();
    assert_eq!((stats.frames_rcvd, stats.unknown_interface, router.state()), (1, 1, GroupState::Active));
    assert_eq!(told(router.interface().iter()), []);
}

/// Octets 14 to 33 of the frame are the IPv4 header (RFC 791 §3.1).
#[test]
fn envelopes_that_are_not_sane() {
    let ip = |change: fn(&mut Vec<u8>)| counted(&with_ip_checksum(altered(change)));
    let cases = [
        ("more fragments", ip(|frame| frame[20] |= 0x20), "fragments"),
        ("a fragment offset", ip(|frame| frame[21] = 1), "fragments"),
        ("header checksum", counted(&altered(|frame| frame[24] ^= 1)), "ip_checksum_errors"),
        ("longer than the frame", ip(|frame| frame[16] = 1), "packet_length_errors"),
        ("IP version 5", ip(|frame| frame[14] = 0x55), "packet_length_errors"),
        ("cut in the IP header", counted(&says(254).frame()[..30]), "packet_length_errors"),
        ("TCP", ip(|frame| frame[23] = 6), "foreign_frames"),
        // RFC 2338 §5.3.6.3: the next header of the authentication header is VRRP's 112.
        ("VRRP in AH", ip(|frame| (frame[23], frame[34]) = (51, 112)), "auth_header_pkts_rcvd"),
        ("something else in AH", ip(|frame| (frame[23], frame[34]) = (51, 6)), "foreign_frames"),
        ("an unknown EtherType", counted(&altered(|frame| frame[12] = 0x88)), "foreign_frames"),
        ("ARP cut short", counted(&altered(|frame| frame[13] = 6)[..30]), "foreign_frames"),
    ];
    for (what, counted, counter) in cases {
        assert_eq!(counted, [("frames_rcvd", 1), (counter, 1)], "{what}");
    }
}

/// IEEE 802.1Q: it belongs to the interface of the VLAN. RFC 9568 §7.1 asks for the interface of the group.
#[test]
fn a_frame_with_a_tag_is_another_interfaces() {
    let mut tagged = says(200).frame().to_vec();
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    assert_eq!(counted(&tagged), [("frames_rcvd", 1), ("foreign_frames", 1)]);
}

#[test]
fn an_interface_without_a_group_has_nothing_to_count() {
    let mut router = Router::active();
    let names = |router: &Router| router.0.interfaces().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&router), ["eth0"]);
    let id = router.status().id;
    router.0.remove(ms(4000), &id).unwrap();
    assert_eq!(names(&router), [""; 0]);
}

/// RFC 9568 §7.1: what can be checked without knowing the virtual router is checked before its VRID, the rest after.
#[test]
fn rfc9568_7_1_a_packet_for_nobody_is_counted_by_the_first_rule_it_breaks() {
    let to_99 = |change: fn(&mut Vec<u8>)| {
        counted(&altered(|frame| {
            frame[35] = 99;
            change(frame);
        }))
    };
    let ttl = with_ip_checksum(altered(|frame| (frame[22], frame[35]) = (254, 99)));
    let mut checksum = altered(|frame| frame[35] = 99);
    checksum[40] ^= 0x55;
    let cases = [
        ("nothing else", to_99(|_| ()), "vrid_errors"),
        ("TTL", counted(&ttl), "ip_ttl_errors"),
        ("version 1", to_99(|frame| frame[34] = 0x11), "version_errors"),
        ("type 2", to_99(|frame| frame[34] = 0x32), "invalid_type_pkts_rcvd"),
        ("length", to_99(|frame| frame[37] = 9), "packet_length_errors"),
        ("checksum", counted(&checksum), "checksum_errors"),
        ("interval 0", to_99(|frame| frame[38..40].fill(0)), "vrid_errors"),
    ];
    for (what, counted, counter) in cases {
        assert_eq!(counted, [("frames_rcvd", 1), (counter, 1)], "{what}");
    }
}
