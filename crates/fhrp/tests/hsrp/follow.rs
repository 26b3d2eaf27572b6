//! Groups that follow another one.

use fhrp::GroupState::{Active, Initial, Listen, Standby};
use fhrp::{
    ConfigError, Gate, GroupStatus, HsrpConfig, HsrpSettings, IfIndex, InterfaceName, LinkEvent, NoticeKind,
    ProgramFault, Waiting,
};
use fhrp_wire::hsrp::Variant;

use super::lan::*;

fn leader(variant: Variant) -> HsrpSettings {
    HsrpSettings { name: Some("lead".into()), ..settings(variant) }
}

/// Group `group`, which follows `whom`.
fn follower(variant: Variant, group: u16, whom: &str) -> HsrpSettings {
    let number = u8::try_from(100 + group).unwrap();
    HsrpSettings {
        group,
        addresses: vec![address(variant, number)],
        follow: Some(whom.into()),
        ..settings(variant)
    }
}

fn pair(variant: Variant) -> Lan {
    let mut lan = Lan::default();
    for (number, priority) in [(2, 120), (3, 100)] {
        let router = lan.join(number, HsrpSettings { priority, ..leader(variant) });
        lan.add(router, follower(variant, 2, "lead"));
    }
    lan.until(60_000);
    lan
}

fn group(lan: &Lan, router: usize, number: u16) -> GroupStatus {
    lan.statuses(router).into_iter().find(|status| status.id.number == number).unwrap()
}

#[test]
fn followers_stand_where_their_leader_does_and_say_nothing() {
    for variant in VARIANTS {
        let mut lan = pair(variant);
        let states =
            |lan: &Lan| [0, 1].map(|router| (group(lan, router, 1).state, group(lan, router, 2).state));
        assert_eq!(states(&lan), [(Active, Active), (Standby, Standby)]);
        assert_eq!([0, 1].map(|router| group(&lan, router, 2).hsrp().unwrap().counters.hello_sent), [0, 0]);
        lan.stop(0);
        lan.forget().until(60_001);
        assert_eq!(lan.moves(), [(60_000, 3, Active), (60_000, 3, Active)]);
        assert_eq!(lan.gate(1), Some(Gate::Open));
    }
}

/// Found in a daemon's log: each follower was said to have nobody to follow, and the same moment to follow.
#[test]
fn a_follower_of_a_group_that_is_there_never_waits_for_it() {
    let mut lan = Lan::default();
    let router = lan.join(2, leader(Variant::V2Ipv4));
    lan.add(router, follower(Variant::V2Ipv4, 2, "lead"));
    lan.until(60_000);
    let waits = |kind: &NoticeKind| matches!(kind, NoticeKind::Waits(Waiting::LeaderMissing(_)));
    assert!(!lan.notices(router).iter().any(waits));
    lan.add(router, follower(Variant::V2Ipv4, 3, "nobody"));
    assert!(lan.notices(router).iter().any(waits));
}

/// Switches learn its MAC from announcements, for it sends no Hellos: at once, after 3 s, then each 10 s.
#[test]
fn an_active_follower_refreshes_its_mac() {
    for (variant, what, sender) in [
        (Variant::V1, 0x0806_u16, [0, 0, 0x0c, 0x07, 0xac, 2]),
        (Variant::V2Ipv4, 0x0806, [0, 0, 0x0c, 0x9f, 0xf0, 2]),
        (Variant::V2Ipv6, 0x86dd, [0, 5, 0x73, 0xa0, 0, 2]),
    ] {
        let lan = pair(variant);
        let frames = lan.frames(0);
        let from = frames.iter().filter(|(_, frame)| frame[6..12] == sender);
        let refreshed = from.filter(|(_, frame)| {
            frame[12..14] == what.to_be_bytes() && (frame[..6] == [0xff; 6] || frame.get(54) == Some(&136))
        });
        let times: Vec<u64> = refreshed.map(|(at, _)| at.as_micros() / 1000).collect();
        let begin = times[0];
        let since: Vec<u64> = times.iter().map(|at| at - begin).collect();
        assert!(since.starts_with(&[0, 3_000, 13_000, 23_000]), "{variant:?} {since:?}");
    }
    let settings = follower(Variant::V1, 2, "lead");
    let config = HsrpConfig::new(settings).unwrap();
    assert_eq!(config.settings().announce.refresh, Some(secs(10)));
    assert_eq!(HsrpConfig::new(leader(Variant::V1)).unwrap().settings().announce.refresh, None);
}

#[test]
fn a_follower_without_a_leader_waits_for_it() {
    let variant = Variant::V2Ipv4;
    let mut lan = Lan::with(2, follower(variant, 2, "lead"));
    lan.until(5_000);
    assert_eq!((lan.state(0), lan.status(0).waiting), (Initial, Some(Waiting::LeaderMissing("lead".into()))));
    lan.add(0, leader(variant));
    assert_eq!(group(&lan, 0, 2).state, Listen);
    lan.until(26_000);
    assert_eq!((group(&lan, 0, 2).state, group(&lan, 0, 2).waiting), (Active, None));
    let id = group(&lan, 0, 1).id;
    lan.tell(0, |engine, now| engine.remove(now, &id).unwrap());
    assert_eq!(lan.state(0), Initial);
    assert_eq!(lan.status(0).waiting, Some(Waiting::LeaderMissing("lead".into())));
    assert_eq!(lan.gate(0), Some(Gate::Closed));
}

#[test]
fn a_leader_that_is_renamed_is_missed() {
    let mut lan = Lan::with(2, leader(Variant::V1));
    lan.add(0, follower(Variant::V1, 2, "lead"));
    lan.until(21_000);
    assert_eq!(group(&lan, 0, 2).state, Active);
    lan.update(0, HsrpSettings { name: Some("other".into()), ..leader(Variant::V1) });
    assert_eq!((group(&lan, 0, 1).state, group(&lan, 0, 2).state), (Active, Initial));
    lan.update(0, leader(Variant::V1));
    assert_eq!(group(&lan, 0, 2).state, Active);
}

fn eth1(up: bool) -> LinkEvent {
    let mut link = link(22);
    (link.name, link.index, link.up) = (InterfaceName::new("eth1"), IfIndex(3), up);
    LinkEvent::Present(link)
}

/// The leader may be on another interface; a follower whose own one fails then says that its hosts are cut off, and
/// serves again as soon as it can.
#[test]
fn a_follower_that_is_cut_off_says_so_and_comes_back() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, leader(variant));
        lan.tell(0, |engine, now| engine.handle_link(now, eth1(true)));
        lan.add(0, HsrpSettings { interface: InterfaceName::new("eth1"), ..follower(variant, 2, "lead") });
        lan.until(21_000);
        assert_eq!(group(&lan, 0, 2).state, Active);
        lan.forget().tell(0, |engine, now| engine.handle_link(now, eth1(false)));
        let cut_off = NoticeKind::CutOff { leader: "lead".into() };
        assert_eq!(lan.notices(0), [NoticeKind::Waits(Waiting::InterfaceDown), cut_off]);
        assert_eq!((group(&lan, 0, 1).state, group(&lan, 0, 2).state), (Active, Initial));
        lan.until(30_000);
        lan.tell(0, |engine, now| engine.handle_link(now, eth1(true)));
        assert_eq!(group(&lan, 0, 2).state, Active, "{:?}", group(&lan, 0, 2).waiting);
    }
}

#[test]
fn a_follower_whose_interface_is_down_when_its_leader_becomes_active_says_so() {
    let mut lan = Lan::with(2, leader(Variant::V1));
    lan.tell(0, |engine, now| engine.handle_link(now, eth1(false)));
    lan.add(0, HsrpSettings { interface: InterfaceName::new("eth1"), ..follower(Variant::V1, 2, "lead") });
    lan.until(21_000);
    assert!(lan.notices(0).contains(&NoticeKind::CutOff { leader: "lead".into() }));
}

#[test]
fn followers_can_be_followed_and_circles_lead_nowhere() {
    let variant = Variant::V2Ipv4;
    let mut lan = Lan::with(2, HsrpSettings { name: Some("middle".into()), ..follower(variant, 2, "lead") });
    lan.add(0, follower(variant, 3, "middle"));
    lan.add(0, leader(variant));
    lan.until(21_000);
    assert_eq!([1, 2, 3].map(|number| group(&lan, 0, number).state), [Active, Active, Active]);
    let mut lan = Lan::with(2, HsrpSettings { name: Some("a".into()), ..follower(variant, 2, "b") });
    lan.add(0, HsrpSettings { name: Some("b".into()), ..follower(variant, 3, "a") });
    lan.until(100_000);
    assert_eq!([2, 3].map(|number| group(&lan, 0, number).state), [Initial, Initial]);
}

#[test]
fn what_a_follower_cannot_have_is_refused() {
    let refused = |settings: HsrpSettings| -> ConfigError { HsrpConfig::new(settings).unwrap_err() };
    let plain = || follower(Variant::V1, 2, "lead");
    let preempts = refused(HsrpSettings { preempt: true, ..plain() });
    let learns = refused(HsrpSettings { addresses: vec![], family: Some(fhrp::Family::V4), ..plain() });
    let itself = refused(HsrpSettings { name: Some("lead".into()), ..plain() });
    let texts = [preempts, learns, itself].map(|error| error.to_string());
    assert!(texts[0].contains("cannot preempt"), "{texts:?}");
    assert!(texts[1].contains("hears no address"), "{texts:?}");
    assert!(texts[2].contains("cannot follow itself"), "{texts:?}");
}

/// Both families may have a group of one number; what follows by the default name follows one of them.
#[test]
fn default_names_tell_the_families_apart() {
    let name = |variant| HsrpConfig::new(settings(variant)).unwrap().name().to_string();
    assert_eq!(VARIANTS.map(name), ["hsrp-eth0-1", "hsrp-eth0-1", "hsrp-eth0-1-V6"]);
}

#[test]
fn a_follower_that_cannot_be_programmed_waits_and_its_leader_goes_on() {
    let variant = Variant::V2Ipv4;
    let mut lan = Lan::with(2, leader(variant));
    lan.add(0, follower(variant, 2, "lead"));
    lan.until(19_999);
    lan.routers[0].dataplane = Dataplane::Mute;
    lan.forget().until(20_500);
    let (seat, revision) = lan
        .log
        .iter()
        .rev()
        .find_map(|event| match &event.deed {
            Deed::Programmed(seat, revision, Some(binding)) if binding.group.number == 2 => {
                Some((*seat, *revision))
            }
            _ => None,
        })
        .unwrap();
    let fault = Err(ProgramFault("no".into()));
    lan.tell(0, |engine, now| engine.handle_programmed(now, seat, revision, fault));
    assert_eq!([1, 2].map(|number| group(&lan, 0, number).state), [Active, Initial]);
    assert!(lan.notices(0).contains(&NoticeKind::CutOff { leader: "lead".into() }));
    lan.routers[0].dataplane = Dataplane::After(secs(0));
    lan.until(22_000);
    assert_eq!(
        (group(&lan, 0, 2).state, group(&lan, 0, 2).programmed),
        (Active, true),
        "tried again after a second"
    );
}
