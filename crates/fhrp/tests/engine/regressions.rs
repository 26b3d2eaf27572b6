//! Faults that were found once, each with the test that would have caught it.
use super::router::*;
use fhrp::*;
use fhrp_wire::vrrp::{AuthData, Body, ChecksumForm, Seconds};
use std::time::Duration;

fn v2() -> Body {
    Body::V2 { interval: Seconds::new(1).unwrap(), auth: AuthData::None }
}

#[test]
fn version_2_with_five_addresses_is_not_taken_for_carp() {
    let mut router = Router::active();
    let five = (1..=5).map(|n| IpAddr::from([192, 0, 2, n])).collect();
    let seen = router.hear(ms(4000), &Says { addresses: five, ..says(200) }.frame_with(v2()));
    assert_eq!((router.state(), router.vrrp().counters.version_errors), (GroupState::Active, 1), "{seen:?}");
}
use std::net::IpAddr;

fn ra() -> VrrpSettings {
    VrrpSettings {
        addresses: vec![ip("fe80::1")],
        router_advertisement: Some(RouterAdvertisement::default()),
        ..settings()
    }
}

#[test]
fn router_advertisements_can_be_switched_off() {
    let mut router = Router::new(ra()).0;
    let seen = router.until(us(3_609_375));
    router.acknowledge(ms(3610), &seen);
    router.until(ms(3700));
    router
        .0
        .update(ms(3800), VrrpConfig::new(VrrpSettings { router_advertisement: None, ..ra() }).unwrap())
        .unwrap();
    let (tx, rx) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        router.0.handle_timeout(ms(300_000));
        tx.send(()).unwrap();
    });
    assert!(rx.recv_timeout(Duration::from_secs(5)).is_ok(), "handle_timeout never returns");
}

#[test]
fn router_advertisements_can_be_switched_on() {
    let mut router = Router::new(VrrpSettings { router_advertisement: None, ..ra() }).0;
    let seen = router.until(us(3_609_375));
    router.acknowledge(ms(3610), &seen);
    router.until(ms(20_000));
    router.0.update(ms(20_000), VrrpConfig::new(ra()).unwrap()).unwrap();
    let seen = router.see();
    assert!(seen.programs.is_empty());
    let ras = router.until(ms(1_000_000)).frames.iter().filter(|f| f[20] == 58 && f[54] == 134).count();
    assert!(ras > 0, "no router advertisement in 980 s");
}

#[test]
fn two_posing_owners_are_told() {
    let mut router = Router::new(VrrpSettings { priority: 255, ..settings() }).0;
    let seen = router.hear(ms(1), &says(255).frame());
    assert!(seen.notices.iter().any(|k| matches!(k, NoticeKind::OwnerConflict { .. })), "{:?}", seen.notices);
}

#[test]
fn duplicate_address_with_the_virtual_mac_in_backup() {
    let mut router = Router::new(settings()).0;
    let mut frame = Says { source: ip(OURS), ..says(200) }.frame().to_vec();
    frame[6..12].copy_from_slice(&[0, 0, 0x5e, 0, 1, 10]);
    let seen = router.hear(ms(1), &frame);
    assert!(matches!(seen.notices.as_slice(), [NoticeKind::DuplicateAddress { .. }]), "{:?}", seen.notices);
}

#[test]
fn update_to_255_is_said() {
    let mut router = Router::active();
    router
        .0
        .update(ms(4000), VrrpConfig::new(VrrpSettings { priority: 255, ..settings() }).unwrap())
        .unwrap();
    let seen = router.see();
    assert!(seen.notices.contains(&NoticeKind::NotOwner), "{:?}", seen.notices);
}

#[test]
fn a_frame_of_a_vlan_is_not_for_its_base() {
    let mut router = Router::active();
    let mut frame = says(200).frame().to_vec();
    frame.splice(12..12, [0x81, 0, 0, 5]);
    router.hear(ms(4000), &frame);
    assert_eq!(router.state(), GroupState::Active);
}

#[test]
fn a_refresh_without_a_pause_is_refused() {
    let announce = AnnounceSchedule { repeats: [].into(), refresh: Some(Duration::ZERO) };
    let error = VrrpConfig::new(VrrpSettings { announce, ..settings() }).unwrap_err();
    assert_eq!(error.field, ConfigField::Announce);
}

#[test]
fn after_stop_nothing_is_programmed() {
    let mut router = Router::active();
    router.0.stop(ms(4000));
    router.see();
    let seen = router.hear(ms(4001), &says(200).frame());
    assert!(seen.programs.is_empty(), "{:?}", seen.programs);
}

#[test]
fn after_stop_nothing_is_wished_for() {
    let mut router = Router::active();
    router.0.stop(ms(4000));
    router.see();
    let config = |vrid| VrrpConfig::new(VrrpSettings { vrid, priority: 50, ..settings() }).unwrap();
    let id = config(10).id().clone();
    router.0.add(ms(4001), config(11)).unwrap();
    router.0.update(ms(4002), config(10)).unwrap();
    router.0.remove(ms(4003), &id).unwrap();
    router.0.handle_attach_fault(ms(4004), ETH0, &ProgramFault("no socket".into()));
    assert_eq!(router.0.poll_action(), None);
    assert_eq!(router.0.next_deadline(), None);
}

/// While others are given time to take over, frames are still looked at.
#[test]
fn after_stop_a_bad_frame_does_not_have_refused_wishes_tried_again() {
    let fast = VrrpSettings { advertisement_interval: Duration::from_millis(100), ..settings() };
    let mut router = Router::new(fast.clone()).0;
    let seen = router.until(ms(500));
    router.acknowledge(ms(500), &seen);
    let refused = VrrpSettings { vrid: 11, addresses: vec![ip("192.0.2.11")], ..fast };
    router.0.add(ms(501), VrrpConfig::new(refused).unwrap()).unwrap();
    let seen = router.see();
    router.refuse(ms(502), &seen);
    router.0.stop(ms(503));
    router.see();
    assert!(router.0.handover_deadline().is_some());
    let mut bad = Says { vrid: 11, ..says(100) }.frame();
    *bad.last_mut().unwrap() ^= 1;
    router.hear(ms(504), &bad);
    assert_eq!(router.0.next_deadline(), None);
    router.0.handle_timeout(ms(100_000));
    assert_eq!(router.0.poll_action(), None);
}

#[test]
fn after_stop_a_flap_starts_nothing() {
    let mut router = Router::active();
    router.0.stop(ms(4000));
    router.0.handle_link(ms(4001), LinkEvent::Present(LinkState { up: false, ..link() }));
    router.0.handle_link(ms(4002), LinkEvent::Present(link()));
    assert_eq!(router.state(), GroupState::Initialize);
}

#[test]
fn mending_again_and_again_makes_no_storm_of_router_advertisements() {
    let mut router = Router::new(ra()).0;
    let seen = router.until(us(3_609_375));
    router.acknowledge(ms(3610), &seen);
    let seat = seen.programs[0].0;
    let mut ras = 0;
    for n in 0..100 {
        router.0.handle_mended(ms(4000 + n * 10), seat, "x".into());
        let mut frames = router.see().frames;
        frames.extend(router.until(ms(4005 + n * 10)).frames);
        ras += frames.iter().filter(|f| f[20] == 58 && f[54] == 134).count();
    }
    assert!(ras <= 1, "{ras} router advertisements in a second");
}

#[test]
fn new_index_while_active_starts_anew() {
    let mut router = Router::active();
    router.0.handle_link(ms(4000), LinkEvent::Present(LinkState { index: IfIndex(9), ..link() }));
    assert_eq!(router.state(), GroupState::Backup, "an interface made anew has not been listened to");
}

#[test]
fn an_echo_of_the_old_address_is_survived() {
    // after the primary address changed our own late frame from the old address, equal priority, higher address
    let mut router = Router::active();
    let own = router.until(us(4_609_375)).frames.remove(0);
    router.0.handle_link(
        ms(4700),
        LinkEvent::Present(LinkState { ipv4: vec!["192.0.2.1".parse().unwrap()], ..link() }),
    );
    router.see();
    router.hear(us(4_700_100), &own);
    assert_eq!(router.state(), GroupState::Active);
}

#[test]
fn link_lost_with_unanswered_retry_sends_nothing_into_the_void() {
    let mut router = Router::new(settings()).0;
    let seen = router.until(us(3_609_375));
    let refused = router.refuse(ms(3700), &seen);
    router.acknowledge(ms(3701), &refused);
    router.until(ms(30_000));
    assert_eq!(router.state(), GroupState::Active);
    router.0.handle_link(ms(30_001), LinkEvent::Gone(ETH0));
    let seen = router.see();
    assert!(seen.frames.is_empty(), "{:?}", seen.order);
}

#[test]
fn auto_form_survives_version_roundtrip() {
    let mut router = Router::active();
    router.hear(ms(4000), &Says { form: ChecksumForm::Rfc5798, ..says(50) }.frame());
    router
        .0
        .update(ms(4001), VrrpConfig::new(VrrpSettings { virtual_mac: false, ..settings() }).unwrap())
        .unwrap();
    assert_eq!(router.vrrp().checksum, Some(ChecksumForm::Rfc5798));
}

#[test]
fn becoming_owner_in_backup_is_active_by_down_interval() {
    let mut router = Router::new(settings()).0;
    router.hear(ms(100), &says(200).frame());
    let mut with = link();
    with.ipv4.push("192.0.2.1".parse().unwrap());
    router.0.handle_link(ms(200), LinkEvent::Present(with));
    router.see();
    for n in 1..10 {
        router.hear(ms(100 + n * 1000), &says(200).frame());
        router.until(ms(150 + n * 1000));
    }
    assert_eq!(router.state(), GroupState::Active);
}

#[test]
fn no_router_advertisement_follows_the_loss_of_the_role() {
    let mut router = Router::new(ra()).0;
    let seen = router.until(us(3_609_375));
    router.acknowledge(ms(3610), &seen);
    router.until(ms(3700));
    let higher = Says { source: ip("fe80::3"), addresses: vec![ip("fe80::1")], ..says(200) };
    router.hear(ms(3800), &higher.frame());
    let n = router.until(ms(10_000)).frames.iter().filter(|f| f[20] == 58 && f[54] == 134).count();
    assert_eq!(n, 0);
}

/// A switch and hosts that believed a rival for a moment have to be told again, once it is silent.
#[test]
fn a_rival_that_gave_up_is_followed_by_announcements() {
    let mut router = Router::active();
    router.until(ms(20_000));
    let seen = router.hear(ms(20_100), &says(50).frame());
    assert_eq!((seen.announced(), router.state()), (1, GroupState::Active));
    assert_eq!(router.hear(ms(20_200), &says(50).frame()).announced(), 0, "not more than one an interval");
    assert_eq!(router.until(ms(21_000)).announced(), 1, "once more, after frames that were on their way");
    assert_eq!(router.until(ms(30_000)).announced(), 2, "1 s and 5 s after it was heard last");
}

/// Of two routers that take over at once, the one that gives way may be the last that switches heard, until the next
/// advertisement of the other.
#[test]
fn a_rival_of_the_first_moment_is_answered_when_the_dataplane_has_followed() {
    let (mut router, _) = Router::new(settings());
    let seen = router.until(us(3_609_375));
    assert_eq!(router.state(), GroupState::Active);
    router.hear(us(3_609_500), &says(50).frame());
    assert_eq!(router.acknowledge(us(3_609_900), &seen).announced(), 1);
    assert_eq!(router.until(us(3_640_000)).announced(), 1, "what the rival sent meanwhile is undone");
}

#[test]
fn hosts_are_told_again_once_an_interval_at_most() {
    let mut router = Router::active();
    router.until(ms(20_000));
    let mut announced = |at| router.hear(us(at), &says(50).frame()).announced();
    assert_eq!([20_100_000, 21_099_999, 21_100_000, 22_099_999].map(&mut announced), [1, 0, 1, 0]);
}

/// A router that was held up hears many claims at once; one answer is enough.
#[test]
fn a_backlog_of_claims_gets_one_answer() {
    let mut router = Router::active();
    router.until(ms(20_000));
    for at in [20_100, 20_700, 21_300, 21_900] {
        router.0.handle_frame(ms(at), ETH0, &says(50).frame());
    }
    let seen = router.see();
    assert_eq!(seen.frames.iter().filter(|frame| frame[23] == 112).count(), 1);
    assert_eq!(seen.announced(), 1, "hosts need to be told once too");
}
