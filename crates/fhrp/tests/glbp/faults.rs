//! Dataplanes that refuse, frames that cannot be received, members that die.

use fhrp::{Cause, GlbpSettings, GroupState, NoticeKind, ProgramFault, Waiting};

use super::lan::*;
use super::stories::owner_of;

fn two() -> Lan {
    let mut lan = Lan::new([GlbpSettings { priority: 200, ..settings() }, settings()]);
    (1..=2).for_each(|n| lan.start(n));
    lan.until(100_000);
    lan
}

/// What cannot be served is left to others, and only that.
#[test]
fn a_forwarder_that_cannot_be_programmed_is_another_routers_affair() {
    let mut lan = two();
    lan.kill(2);
    lan.router(1).broken = Some(vmac(2));
    lan.until(111_000);
    assert_eq!((lan.reaches(vmac(1)), lan.reaches(vmac(2))), (Some(1), None));
    let status = lan.router(1).status();
    assert_eq!((status.state, status.waiting), (GroupState::Active, None));
    assert!(status.counters.program_faults >= 1);
    assert_eq!(lan.router(1).forwarder(2).unwrap().state, GroupState::Initial);
    let announced = lan.sent_by(1).any(|sent| sent.source() == vmac(2));
    assert!(!announced, "what was never served was never announced");
    lan.router(1).broken = None;
    lan.until(200_000);
    assert_eq!(lan.reaches(vmac(2)), Some(1), "tried again");
    assert!(lan.router(1).notices.iter().any(|(_, kind)| *kind == NoticeKind::Programmed));
}

#[test]
fn a_router_that_hears_nothing_gives_everything_up_and_tries_again() {
    let mut lan = two();
    lan.forget_sent();
    let fault = ProgramFault("no".into());
    lan.act(1, |engine, now| engine.handle_attach_fault(now, ETH0, &fault));
    assert_eq!(lan.router(1).status().waiting, Some(Waiting::ProgramFault("no".into())));
    lan.until(100_010);
    assert_eq!((lan.reaches(vmac(1)), lan.state(2)), (Some(2), GroupState::Active), "it resigned");
    lan.until(102_000);
    assert_eq!(lan.state(1), GroupState::Listen);
}

#[test]
fn the_death_of_an_avf_costs_its_hosts_a_hold_time_and_no_new_mac() {
    let mut lan = Lan::new([1, 2, 3].map(|n| GlbpSettings {
        priority: if n == 1 { 200 } else { 100 },
        hello_time: std::time::Duration::from_millis(250),
        hold_time: std::time::Duration::from_millis(750),
        ..settings()
    }));
    (1..=3).for_each(|n| lan.start(n));
    lan.until(20_000);
    let victim = owner_of(&lan, 3);
    lan.kill(victim);
    lan.until(20_760);
    let heir = lan.reaches(vmac(3)).unwrap();
    assert_ne!(heir, victim);
    let told: Vec<_> = (0..3).map(|host| lan.resolve(host).unwrap()).collect();
    assert!(told.contains(&vmac(3)), "its MAC goes on being handed out");
}

/// Router 2 owns forwarder 2 and dies; router 1 serves it until the owner is back and preempts after 30 s.
#[test]
fn why_a_forwarder_moved_and_who_serves_it_is_shown() {
    let mut lan = two();
    let seen = |lan: &mut Lan| {
        let known = lan.router(1).forwarder(2).unwrap();
        let cause = known.last_transition.map(|(_, cause)| cause);
        (known.state, cause, known.server.map(|server| server.address))
    };
    let owner = || Some(ip("10.0.0.2"));
    assert!(matches!(seen(&mut lan), (GroupState::Listen, _, server) if server == owner()));
    lan.kill(2);
    lan.until(111_000);
    let lost = seen(&mut lan);
    let was_lost = |cause: &Option<Cause>| matches!(cause, Some(Cause::ActiveLost { lost, .. }) if Some(lost.address) == owner());
    assert!(lost.0 == GroupState::Active && was_lost(&lost.1) && lost.2.is_none(), "{lost:?}");
    let told = |(_, kind): &(_, NoticeKind)| matches!(kind, NoticeKind::ForwarderMoved { forwarder: 2, to: GroupState::Active, cause, .. } if was_lost(cause));
    assert!(lan.router(1).notices.iter().any(told));
    lan.reboot(2, settings());
    lan.until(200_000);
    let back = seen(&mut lan);
    let outranked = matches!(back.1, Some(Cause::Outranked { by }) if Some(by.address) == owner());
    assert!(back.0 == GroupState::Listen && outranked && back.2 == owner(), "{back:?}");
}

#[test]
fn a_removed_group_leaves_nothing_behind() {
    let mut lan = two();
    let id = lan.router(1).status().id;
    lan.forget_sent();
    lan.act(1, |engine, now| engine.remove(now, &id).unwrap());
    assert_eq!(lan.sent.len(), 2, "its forwarder and the gateway");
    assert!(lan.router(1).prepared().is_empty() && lan.router(1).reception.is_none());
    assert_eq!(lan.router(1).engine.next_deadline(), None);
}

/// A switch that learned otherwise meanwhile has to hear from the virtual MAC again.
#[test]
fn a_forwarder_that_was_mended_is_announced_again() {
    let mut lan = two();
    let seat = lan.router(1).seat_of(vmac(1)).unwrap();
    lan.forget_sent();
    lan.act(1, |engine, now| engine.handle_mended(now, seat, "address deleted".into()));
    let router = lan.router(1);
    assert_eq!(router.status().counters.mended, 1);
    assert!(router.notices.iter().any(|(_, kind)| *kind == NoticeKind::Mended("address deleted".into())));
    assert_eq!(lan.sent_by(1).map(Sent::source).collect::<Vec<_>>(), [vmac(1)]);
}

/// A reception names what hosts may ask for, while there are groups that answer.
#[test]
fn the_reception_lists_all_addresses() {
    let both = GlbpSettings { addresses: vec![ip(VIP), ip("10.0.0.253")], ..settings() };
    let mut lan = Lan::new([both]);
    lan.start(1);
    let reception = lan.router(1).reception.clone().unwrap();
    assert_eq!(&*reception.resolves, [ip("10.0.0.253"), ip(VIP)]);
    assert!(reception.protocols.contains(fhrp::Protocol::Glbp));
    lan.until(40_000);
    let answers = lan.ask(&arp_request(1, "10.0.0.253", fhrp::MacAddr::BROADCAST));
    assert_eq!(answers.len(), 1);
}
