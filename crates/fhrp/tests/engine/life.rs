//! Groups come, start, take over, wait and go.

use std::time::Duration;

use fhrp::{Engine, Gate, GroupState, LinkEvent, NoticeKind, VrrpConfig, Waiting};

use super::router::*;

#[test]
fn rfc9568_6_4_1_a_backup_waits_for_the_active_down_interval() {
    let (mut router, seen) = Router::new(settings());
    assert_eq!((seen.attached.as_slice(), seen.gate()), (&[ETH0][..], Some(Gate::Closed)));
    assert!(seen.frames.is_empty());
    assert_eq!(router.state(), GroupState::Backup);
    // 3 x 1 s + (256 - 100) / 256 x 1 s
    assert_eq!(router.0.next_deadline(), Some(us(3_609_375)));
    assert!(router.until(us(3_609_374)).frames.is_empty());
}

#[test]
fn rfc9568_6_4_2_takes_over_advertises_then_programs_then_announces() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    assert_eq!(seen.priorities(), [100]);
    assert_eq!(seen.order, ["frame", "program"]);
    assert_eq!((seen.gate(), seen.announced()), (Some(Gate::Open), 0));
    assert_eq!(router.acknowledge(us(3_609_500), &seen).announced(), 1);
    let frame = &seen.frames[0];
    // RFC 9568 §7.2: to 224.0.0.18 from the virtual MAC and the primary address, TTL 255, checksum over the message.
    assert_eq!(&frame[..14], [1, 0, 0x5e, 0, 0, 0x12, 0, 0, 0x5e, 0, 1, 10, 8, 0]);
    assert_eq!((frame[22], &frame[26..34]), (255, &[192, 0, 2, 2, 224, 0, 0, 18][..]));
    assert_eq!(frame[34..], [0x31, 10, 100, 1, 0, 100, 0xa8, 0x8e, 192, 0, 2, 1][..]);
}

#[test]
fn rfc9568_6_4_3_an_active_router_advertises_without_drift() {
    let mut router = Router::active();
    for n in 1..=100_u64 {
        let at = us(3_609_375 + n * 1_000_000);
        assert_eq!(router.until(us(at.as_micros() - 1)).priorities(), []);
        assert_eq!(router.until(at).priorities(), [100]);
    }
}

#[test]
fn rfc9568_6_4_3_a_higher_one_is_yielded_to_and_the_gate_closes() {
    let mut router = Router::active();
    let seen = router.hear(ms(4000), &says(200).frame());
    assert_eq!((seen.moved_to(), seen.gate()), (vec![GroupState::Backup], Some(Gate::Closed)));
    assert!(seen.frames.is_empty());
}

#[test]
fn shutdown_resigns_with_priority_0_and_programs_nothing_more() {
    let mut router = Router::active();
    router.0.stop(ms(5000));
    let seen = router.see();
    assert_eq!((seen.priorities(), seen.programs.len()), (vec![0], 0));
    assert_eq!(router.0.next_deadline(), None);
}

#[test]
fn removal_resigns_withdraws_and_detaches() {
    let mut router = Router::active();
    let id = router.status().id;
    router.0.remove(ms(5000), &id).unwrap();
    let seen = router.see();
    assert_eq!((seen.priorities(), seen.detached.as_slice()), (vec![0], &[ETH0][..]));
    assert!(matches!(seen.programs.as_slice(), [(_, _, None)]));
    assert_eq!((router.0.status().count(), router.0.next_deadline()), (0, None));
    assert!(router.0.remove(ms(5000), &id).is_err());
}

#[test]
fn a_missing_interface_is_waited_for() {
    let mut router = Router(Engine::new());
    router.0.add(ms(0), VrrpConfig::new(settings()).unwrap()).unwrap();
    assert_eq!(router.status().waiting, Some(Waiting::InterfaceMissing));
    assert_eq!(router.0.next_deadline(), None);
    router.see();
    router.0.handle_link(ms(10), LinkEvent::Present(link()));
    assert_eq!(router.see().attached, [ETH0]);
    assert_eq!(router.state(), GroupState::Backup);
}

#[test]
fn a_link_that_goes_down_or_loses_its_address_ends_the_claim() {
    for change in [|l: &mut fhrp::LinkState| l.up = false, |l: &mut fhrp::LinkState| l.ipv4.clear()] {
        let mut router = Router::active();
        let mut state = link();
        change(&mut state);
        router.0.handle_link(ms(4000), LinkEvent::Present(state));
        let seen = router.see();
        assert_eq!((router.state(), seen.gate()), (GroupState::Initialize, Some(Gate::Closed)));
        router.0.handle_link(ms(5000), LinkEvent::Present(link()));
        assert_eq!(router.state(), GroupState::Backup);
    }
}

#[test]
fn an_interface_made_anew_is_attached_and_programmed_anew() {
    let mut router = Router::active();
    router.0.handle_link(ms(4000), LinkEvent::Gone(ETH0));
    let gone = router.see();
    assert_eq!(gone.detached, [ETH0]);
    assert!(matches!(gone.programs.as_slice(), [(_, _, None)]));
    let mut fresh = link();
    fresh.index = fhrp::IfIndex(9);
    router.0.handle_link(ms(5000), LinkEvent::Present(fresh));
    let back = router.see();
    assert_eq!(back.attached, [fhrp::IfIndex(9)]);
    assert_eq!(back.programs[0].2.as_ref().unwrap().interface, fhrp::IfIndex(9));
}

#[test]
fn a_router_that_cannot_forward_resigns_and_tries_again() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    let refused = router.refuse(ms(3700), &seen);
    assert_eq!((refused.priorities(), refused.gate()), (vec![0], Some(Gate::Closed)));
    assert_eq!(router.state(), GroupState::Initialize);
    assert!(matches!(router.status().waiting, Some(Waiting::ProgramFault(_))));
    router.acknowledge(ms(3701), &refused);
    assert_eq!(router.0.next_deadline(), Some(ms(4700)), "a second later");
    let again = router.until(ms(4700));
    assert_eq!(router.state(), GroupState::Backup);
    let settled = router.acknowledge(ms(4701), &again);
    assert!(settled.notices.contains(&NoticeKind::Programmed));
}

#[test]
fn a_late_answer_to_an_older_wish_says_nothing() {
    let mut router = Router::new(settings()).0;
    let first = router.until(us(3_609_375));
    router.hear(ms(3650), &says(200).frame());
    let late = router.acknowledge(ms(3660), &first);
    assert_eq!(late.announced(), 0);
    let late = router.refuse(ms(3660), &first);
    assert_eq!((late.notices.len(), router.state()), (0, GroupState::Backup));
}

#[test]
fn an_update_keeps_the_state_and_an_equal_one_does_nothing() {
    let mut router = Router::active();
    router.0.update(ms(4000), VrrpConfig::new(settings()).unwrap()).unwrap();
    let nothing = router.see();
    assert!(nothing.order.is_empty() && nothing.notices.is_empty());
    let mut higher = settings();
    higher.priority = 150;
    router.0.update(ms(4000), VrrpConfig::new(higher).unwrap()).unwrap();
    assert!(router.see().programs.is_empty());
    assert_eq!(router.until(us(4_609_375)).priorities(), [150]);
}

#[test]
fn another_version_starts_anew() {
    let mut router = Router::active();
    let mut old = settings();
    old.version = 2;
    router.0.update(ms(4000), VrrpConfig::new(old).unwrap()).unwrap();
    assert_eq!(router.see().priorities(), [0]);
    assert_eq!((router.state(), router.status().version), (GroupState::Backup, 2));
}

#[test]
fn rfc9568_5_2_4_the_owner_starts_active_at_255() {
    let mut settings = settings();
    settings.addresses = vec![ip(OURS)];
    let (router, seen) = Router::new(settings);
    assert_eq!((seen.priorities(), router.state()), (vec![255], GroupState::Active));
    assert!(router.vrrp().owner);
}

#[test]
fn groups_do_not_touch_one_another() {
    let mut router = Router::active();
    let mut other = settings();
    (other.vrid, other.addresses) = (11, vec![ip("192.0.2.111")]);
    let before = router.status();
    router.0.add(ms(4000), VrrpConfig::new(other.clone()).unwrap()).unwrap();
    assert!(router.0.add(ms(4000), VrrpConfig::new(other).unwrap()).is_err(), "twice");
    let seen = router.see();
    assert_eq!((seen.attached.len(), seen.programs.len()), (0, 1));
    let second = router.0.status().nth(1).unwrap().id;
    router.0.remove(ms(4001), &second).unwrap();
    assert_eq!(router.status(), before);
}

#[test]
fn the_same_inputs_give_the_same_outputs() {
    let run = || {
        let mut router = Router::active();
        let mut trace = format!("{:?}", router.hear(ms(3700), &says(200).frame()));
        trace += &format!("{:?}", router.until(ms(20_000)));
        trace
    };
    assert_eq!(run(), run());
}

#[test]
fn rfc9568_2_5_flapping_is_said_once() {
    let mut router = Router::active();
    let mut said = 0;
    for n in 0..10_u64 {
        let t = 5000 + n * 4000;
        let notices =
            [router.hear(ms(t), &says(200).frame()).notices, router.until(ms(t + 3999)).notices].concat();
        said += notices.iter().filter(|kind| matches!(kind, NoticeKind::Flapping { .. })).count();
    }
    assert_eq!(said, 2, "twenty transitions in 40 s, and a silence of 30 s");
}

#[test]
fn a_stalled_router_that_listens_first_does_not_claim() {
    let mut router = Router::new(settings()).0;
    // The advertisement came in time but is read late, just before the timer that it makes void.
    router.hear(us(3_600_000), &says(200).frame());
    router.0.handle_timeout(ms(4000));
    assert!(router.see().order.is_empty());
    assert_eq!(router.0.next_deadline(), Some(us(3_600_000 + 3_609_375)));
    assert_eq!(router.vrrp().active_down_interval, Duration::from_micros(3_609_375));
}

#[test]
fn rfc9568_1_7_a_vrid_is_a_virtual_router_in_each_family() {
    let mut router = Router::new(settings()).0;
    let ipv6 = fhrp::VrrpSettings { addresses: vec![ip("fe80::1")], ..settings() };
    router.0.add(ms(0), VrrpConfig::new(ipv6.clone()).unwrap()).unwrap();
    assert_eq!(router.0.status().count(), 2);
    let again = VrrpConfig::new(ipv6).unwrap();
    let id = again.id().clone();
    assert_eq!(router.0.add(ms(0), again).unwrap_err(), fhrp::DuplicateGroup(id));
}

/// RFC 9568 §6.1: the skew follows from the priority, which failed objects lower.
#[test]
fn failed_objects_lower_the_priority_and_lengthen_the_skew() {
    let track = |name: &str, effect| fhrp::Track { name: fhrp::TrackName::new(name), effect };
    let by = fhrp::TrackEffect::Decrement;
    let tracks = vec![track("uplink", by(30)), track("script", by(20))];
    let mut router = Router::new(fhrp::VrrpSettings { track: tracks, ..settings() }).0;
    let mut set = |name: &str, state| {
        router.0.set_track(ms(0), &fhrp::TrackName::new(name), state);
        (router.status().effective_priority, router.vrrp().skew_time.as_micros(), router.see().notices.len())
    };
    let (up, down) = (fhrp::TrackState::Up, fhrp::TrackState::Down);
    // (256 - priority) / 256 s
    assert_eq!(set("uplink", down), (70, 726_562, 1));
    assert_eq!(set("script", down), (50, 804_687, 1));
    assert_eq!(set("uplink", up), (80, 687_500, 1));
    assert_eq!(set("script", up), (100, 609_375, 1));
    assert_eq!(set("other", down), (100, 609_375, 0));
}
