//! Whose forwarders are, and who serves them: one engine and what its peers say.

use fhrp::{GlbpSettings, GroupState};
use fhrp_wire::glbp::{Body, Forwarder, ForwarderPriority as Rank, Seconds, VfState, VgState};

use super::gateway::{alone, hear};
use super::lan::*;
use super::packets::*;

/// A router that follows router 2 as AVG, and owns nothing.
fn member() -> Lan {
    let mut lan = alone(settings(), 1000);
    hear(&mut lan, 1000, &says(2, VgState::Active, 200).frame());
    lan
}

/// What router 1 says of a forwarder in its last packet that names it.
fn said(lan: &Lan, wanted: u8) -> Option<fhrp_wire::glbp::Forwarder> {
    let named = lan.sent_by(1).filter_map(|sent| match sent.body()? {
        Body::Announcement { forwarders, .. } => forwarders.iter().find(|said| said.number == number(wanted)),
        _ => None,
    });
    named.last()
}

/// Captured: opcode 2, number and MAC, the rest zero.
#[test]
fn the_avg_answers_a_request_with_the_lowest_free_number_byte_for_byte() {
    let mut lan = alone(settings(), 25_000);
    lan.forget_sent();
    hear(&mut lan, 25_000, &says(9, VgState::Listen, 100).unicast(Body::Request, 1));
    let [response] = lan.sent.as_slice() else { panic!("{:?}", lan.sent) };
    // The captured one, with this router's owner id.
    let mut expected = hex("010200010000c2007cb8000002140200000000000000000000000007b4000102");
    expected[6..12].copy_from_slice(&mac(1).octets());
    assert_eq!(payload(&response.octets), expected);
    assert_eq!(response.body(), Some(Body::Response(number(2))));
    assert_eq!((response.source(), &response.octets[..6]), (mac(1), &mac(9).octets()[..]));
    let known = lan.router(1).forwarder(2).unwrap();
    assert_eq!((known.owner, known.state), (Some(mac(9)), GroupState::Initial));
}

#[test]
fn who_asks_again_gets_the_same_number_and_the_fifth_gets_none() {
    let mut lan = alone(settings(), 35_000);
    lan.forget_sent();
    for (step, n) in [9, 8, 9, 7, 6, 8].into_iter().enumerate() {
        let at = 35_000 + 10 * u64::try_from(step).unwrap();
        hear(&mut lan, at, &says(n, VgState::Listen, 100).unicast(Body::Request, 1));
    }
    let given: Vec<_> = lan
        .sent
        .iter()
        .filter_map(|sent| match sent.body()? {
            Body::Response(number) => Some((sent.octets[5], number.get())),
            _ => None,
        })
        .collect();
    assert_eq!(given, [(9, 2), (8, 3), (9, 2), (7, 4), (8, 3)]);
    assert_eq!(lan.router(1).counters().refused_requests, 1);
}

#[test]
fn a_number_whose_owner_never_appears_is_free_again() {
    let mut lan = alone(settings(), 35_000);
    hear(&mut lan, 35_000, &says(9, VgState::Listen, 100).unicast(Body::Request, 1));
    lan.until(74_999);
    assert!(lan.router(1).forwarder(2).is_some());
    lan.until(75_000);
    assert!(lan.router(1).forwarder(2).is_none(), "after four hold times");
    assert!(lan.router(1).prepared() == [vmac(1)], "nobody was ever told its MAC");
}

/// Who asks lives.
#[test]
fn a_request_of_a_known_owner_starts_its_times_anew() {
    let mut lan = alone(settings(), 35_000);
    let request = says(9, VgState::Listen, 100).unicast(Body::Request, 1);
    hear(&mut lan, 35_000, &request);
    hear(&mut lan, 60_000, &request);
    lan.until(99_999);
    assert!(lan.router(1).forwarder(2).is_some(), "the four hold times");
    lan.until(100_000);
    assert!(lan.router(1).forwarder(2).is_none());

    hear(&mut lan, 100_000, &request);
    hear(&mut lan, 101_000, &says(9, VgState::Listen, 100).with(&[active(2, Rank::PRIMARY)]).alone());
    lan.until(150_000);
    assert_eq!(lan.reaches(vmac(2)), Some(1));
    hear(&mut lan, 150_000, &request);
    let known = lan.router(1).forwarder(2).unwrap();
    assert_eq!((known.redirect_ends, known.timeout_ends), (Some(ms(750_000)), Some(ms(14_550_000))));
}

#[test]
fn a_flood_of_requests_is_answered_at_a_bounded_pace() {
    let mut lan = alone(settings(), 35_000);
    lan.forget_sent();
    for n in 0..200 {
        let forged = Says { owner: mac(n), ..says(9, VgState::Listen, 100) };
        lan.act(1, |engine, now| engine.handle_frame(now, ETH0, &forged.unicast(Body::Request, 1)));
    }
    assert!(lan.sent.len() <= 8, "{}", lan.sent.len());
    let counters = lan.router(1).counters();
    assert_eq!(counters.request_rcvd + counters.looped, 200);
}

#[test]
fn only_the_avg_answers_requests_and_only_who_asked_hears_responses() {
    let mut lan = member();
    lan.forget_sent();
    hear(&mut lan, 1100, &says(9, VgState::Listen, 100).unicast(Body::Request, 1));
    assert!(lan.sent.is_empty());
    hear(&mut lan, 1200, &says(2, VgState::Active, 200).unicast(Body::Response(number(3)), 1));
    assert!(lan.router(1).forwarder(3).is_none());
    lan.until(4500);
    assert_eq!(lan.sent.iter().filter(|sent| sent.body() == Some(Body::Request)).count(), 1);
    hear(&mut lan, 4600, &says(9, VgState::Active, 200).unicast(Body::Response(number(3)), 1));
    assert!(lan.router(1).forwarder(3).is_none(), "router 9 was not asked");
    hear(&mut lan, 4700, &says(2, VgState::Active, 200).unicast(Body::Response(number(3)), 1));
    assert!(lan.router(1).forwarder(3).unwrap().primary);
    let counters = lan.router(1).counters();
    assert_eq!((counters.unexpected_requests, counters.unexpected_responses), (1, 2));
}

#[test]
fn requests_are_repeated_once_a_hello_and_once_a_hold_time_where_all_are_taken() {
    let requests = |taken: bool| {
        let mut lan = member();
        let all: Vec<_> = (1..=4).map(|n| active(n, Rank::PRIMARY)).collect();
        let avg = says(2, VgState::Active, 200).with(if taken { &all } else { &[] });
        for step in 0..60 {
            hear(&mut lan, 1000 + 1000 * step, &avg.frame());
        }
        lan.sent.iter().filter(|sent| sent.body() == Some(Body::Request)).count()
    };
    let (free, taken) = (requests(false), requests(true));
    assert!((9..=20).contains(&free), "{free} in 60 s");
    assert!((4..=6).contains(&taken), "{taken} in 60 s");
}

/// 5.2: Listen for a hold time, then active; announced alone, from the virtual MAC, once the gate is open.
#[test]
fn an_owner_is_active_after_a_hold_time_and_announced_when_its_gate_is_open() {
    let lan = alone(settings(), 31_000);
    assert!(lan.story.contains(&"30000 r1 forwarder 1 listen -> active".to_owned()));
    let alone: Vec<_> = lan.sent.iter().filter(|sent| sent.is_alone()).collect();
    let [announced] = alone.as_slice() else { panic!("{alone:?}") };
    assert_eq!((announced.at, announced.source()), (ms(30_002), vmac(1)), "the dataplane takes 2 ms");
    let said = said(&lan, 1).unwrap();
    assert_eq!((said.priority, said.weight), (Rank::PRIMARY, 100));
    assert_eq!((said.redirect_left.get(), said.timeout_left.get()), (600, 14_400));
}

#[test]
fn the_own_forwarder_is_listed_while_it_listens() {
    let mut lan = alone(settings(), 22_999);
    lan.until(23_000);
    let said = said(&lan, 1).unwrap();
    assert_eq!((said.state, said.priority), (VfState::Listen, Rank::PRIMARY));
    assert_eq!(lan.sent.last().unwrap().source(), mac(1), "it serves none yet");
}

#[test]
fn a_forwarder_is_known_from_its_owner_and_contested_once_somebody_served_it() {
    let mut lan = member();
    let listens = fhrp_wire::glbp::Forwarder { state: VfState::Listen, ..active(2, Rank::PRIMARY) };
    hear(&mut lan, 2000, &says(2, VgState::Active, 200).with(&[listens]).frame());
    let known = lan.router(1).forwarder(2).unwrap();
    assert_eq!((known.owner, known.state, known.primary), (Some(mac(2)), GroupState::Initial, false));
    assert!(lan.router(1).prepared().is_empty());
    hear(&mut lan, 3000, &says(2, VgState::Active, 200).with(&[active(2, Rank::PRIMARY)]).frame());
    assert_eq!(lan.router(1).forwarder(2).unwrap().state, GroupState::Listen);
    assert_eq!(lan.router(1).prepared(), [vmac(2)], "closed");
    lan.until(13_002);
    assert_eq!(lan.reaches(vmac(2)), Some(1), "one hold time after it was last heard");
    assert_eq!(said(&lan, 2).unwrap().priority, Rank::SECONDARY);
}

#[test]
fn what_a_secondary_says_of_the_times_is_taken_over() {
    let mut lan = member();
    let left = fhrp_wire::glbp::Forwarder {
        timeout_left: fhrp_wire::glbp::Seconds::new(13_740),
        redirect_left: fhrp_wire::glbp::Seconds::ZERO,
        ..active(4, Rank::SECONDARY)
    };
    hear(&mut lan, 2000, &says(2, VgState::Active, 200).with(&[left]).frame());
    let known = lan.router(1).forwarder(4).unwrap();
    assert_eq!(known.owner, None);
    assert_eq!((known.redirect_ends, known.timeout_ends), (Some(ms(2000)), Some(ms(2000 + 13_740_000))));
    let over = fhrp_wire::glbp::Forwarder {
        number: number(3),
        timeout_left: fhrp_wire::glbp::Seconds::ZERO,
        ..left
    };
    hear(&mut lan, 2100, &says(2, VgState::Active, 200).with(&[over]).frame());
    assert!(lan.router(1).forwarder(3).is_none(), "it is over");
}

/// 5.2 row by row, for a secondary that serves.
#[test]
fn an_active_secondary_gives_way_to_a_higher_one_and_answers_a_lower_one() {
    for (rank, n, yields) in [
        (Rank::PRIMARY, 2, true),
        (Rank::SECONDARY, 2, true),
        (Rank::SECONDARY_INELIGIBLE, 2, false),
        (Rank::PRIMARY_RESIGNING, 2, false),
    ] {
        let mut lan = member();
        hear(&mut lan, 2000, &says(3, VgState::Listen, 100).with(&[active(3, Rank::PRIMARY)]).frame());
        hear(&mut lan, 11_000, &says(2, VgState::Active, 200).frame());
        lan.until(12_010);
        assert_eq!(lan.reaches(vmac(3)), Some(1));
        lan.forget_sent();
        hear(&mut lan, 12_100, &says(n, VgState::Listen, 100).with(&[active(3, rank)]).alone());
        let state = lan.router(1).forwarder(3).unwrap().state;
        assert_eq!(state == GroupState::Listen, yields, "{rank:?}");
        assert_eq!(lan.reaches(vmac(3)).is_none(), yields);
        let answered = lan.sent.iter().any(|sent| sent.is_alone() && sent.source() == vmac(3));
        assert_eq!(answered, rank == Rank::SECONDARY_INELIGIBLE, "{rank:?}");
    }
}

/// An answer that could not be given is not the one that the next claim has to wait for.
#[test]
fn a_lower_claim_while_the_gate_opens_costs_no_later_answer() {
    let mut lan = member();
    hear(&mut lan, 2000, &says(3, VgState::Listen, 100).with(&[active(3, Rank::PRIMARY)]).frame());
    hear(&mut lan, 11_000, &says(2, VgState::Active, 200).frame());
    let lower = says(2, VgState::Listen, 100).with(&[active(3, Rank::SECONDARY_INELIGIBLE)]).alone();
    let answers = |lan: &Lan| lan.sent.iter().filter(|sent| sent.is_alone()).count();
    lan.until(12_000);
    lan.forget_sent();
    hear(&mut lan, 12_001, &lower);
    assert_eq!(answers(&lan), 0, "its gate is not open yet");
    lan.until(12_010);
    assert_eq!(answers(&lan), 1, "announced");
    lan.until(12_022);
    assert_eq!(answers(&lan), 2, "and once more, when nothing of the other is on its way any more");
    hear(&mut lan, 12_100, &lower);
    assert_eq!(answers(&lan), 3);
    hear(&mut lan, 12_200, &lower);
    assert_eq!((answers(&lan), lan.router(1).counters().announcement_sent), (4, 4));
    lan.until(12_900);
    assert_eq!(answers(&lan), 4, "one that was not answered is not answered later either");
}

#[test]
fn a_resigning_owner_is_replaced_at_once() {
    let mut lan = member();
    hear(&mut lan, 2000, &says(3, VgState::Listen, 100).with(&[active(3, Rank::PRIMARY)]).frame());
    hear(&mut lan, 3000, &says(3, VgState::Listen, 100).with(&[active(3, Rank::PRIMARY_RESIGNING)]).alone());
    lan.until(3002);
    assert_eq!(lan.reaches(vmac(3)), Some(1));
    let known = lan.router(1).forwarder(3).unwrap();
    assert_eq!(known.redirect_ends, Some(ms(603_000)), "from when it was last heard");
}

#[test]
fn an_owner_takes_its_forwarder_back_only_where_it_preempts() {
    for (preempts, delay, expected) in [(true, 30, true), (true, 0, true), (false, 30, false)] {
        let own =
            GlbpSettings { forwarder_preempt: preempts, forwarder_preempt_delay: secs(delay), ..settings() };
        let mut lan = alone(own, 22_000);
        let mut taken = None;
        for step in 0..40 {
            let at = 22_000 + 1000 * step;
            hear(&mut lan, at, &says(2, VgState::Listen, 90).with(&[active(1, Rank::SECONDARY)]).frame());
            if taken.is_none() && lan.router(1).forwarder(1).unwrap().state == GroupState::Active {
                taken = Some(step);
            }
        }
        assert_eq!(taken, expected.then_some(delay), "preempts {preempts} after {delay}");
    }
}

/// Two LANs that are joined: both AVGs own forwarder 1. The higher address keeps it.
#[test]
fn of_two_owners_the_lower_address_asks_for_another() {
    let mut lan = alone(settings(), 35_000);
    hear(&mut lan, 35_000, &says(2, VgState::Active, 200).with(&[active(1, Rank::PRIMARY)]).frame());
    let known = lan.router(1).forwarder(1).unwrap();
    assert_eq!((known.primary, known.state, known.owner), (false, GroupState::Listen, Some(mac(2))));
    lan.forget_sent();
    lan.until(39_000);
    assert!(lan.sent.iter().any(|sent| sent.body() == Some(Body::Request)));
    let mut higher = Lan::new([settings(), settings(), settings()]);
    higher.start(3);
    higher.until(35_000);
    let lower = says(2, VgState::Active, 200).with(&[active(1, Rank::PRIMARY)]).frame();
    higher.act(3, |engine, now| engine.handle_frame(now, ETH0, &lower));
    assert!(higher.router(3).forwarder(1).unwrap().primary);
}

/// The other owner goes; what it leaves is still this router's.
#[test]
fn an_owner_that_hears_another_one_resign_stays_the_owner() {
    let mut lan = alone(settings(), 35_000);
    hear(&mut lan, 35_000, &says(2, VgState::Listen, 90).with(&[active(1, Rank::PRIMARY_RESIGNING)]).alone());
    let known = lan.router(1).forwarder(1).unwrap();
    assert_eq!((known.primary, known.owner, known.state), (true, Some(mac(1)), GroupState::Active));
}

/// 5.4: after the redirect time the MAC is no longer handed out, after the timeout nobody serves it any more.
#[test]
fn redirect_and_timeout_run_out() {
    let quick = GlbpSettings { redirect: secs(60), timeout: secs(120), ..settings() };
    let mut lan = Lan::new([quick.clone(), quick.clone(), quick]);
    (1..=3).for_each(|n| lan.start(n));
    lan.until(100_000);
    let avg = lan.routers.iter().find(|router| router.status().state == GroupState::Active).unwrap().n;
    let victim = (1..=3).find(|n| *n != avg).unwrap();
    let lost = lan.router(victim).glbp().forwarders.into_iter().find(|known| known.primary).unwrap();
    let told = |lan: &mut Lan| -> Vec<_> { (1..=12).filter_map(|host| lan.resolve(host)).collect() };
    assert!(told(&mut lan).contains(&lost.mac));
    lan.kill(victim);
    lan.until(150_000);
    assert!(told(&mut lan).contains(&lost.mac), "a secondary serves it");
    assert!(lan.reaches(lost.mac).is_some());
    lan.until(165_000);
    assert!(!told(&mut lan).contains(&lost.mac), "redirect is over");
    assert!(lan.reaches(lost.mac).is_some(), "for hosts that have it still");
    lan.until(225_000);
    assert_eq!(lan.reaches(lost.mac), None);
    for router in lan.routers.iter().filter(|router| router.alive) {
        assert!(router.forwarder(lost.number).is_none());
        assert_eq!(router.counters().forwarders_expired, 1);
        assert!(!router.prepared().contains(&lost.mac));
    }
    lan.forget_sent();
    lan.reboot(victim, settings());
    lan.until(300_000);
    assert_eq!(lan.reaches(lost.mac), Some(victim), "the number is free for the next one that asks");
}

/// The shortest times there are concern those that are gone, and nobody else.
#[test]
fn without_a_redirect_time_living_owners_are_handed_out_all_the_same() {
    let none = GlbpSettings { redirect: secs(0), timeout: secs(1), ..settings() };
    let mut lan = Lan::new([none.clone(), none.clone(), none]);
    (1..=3).for_each(|n| lan.start(n));
    lan.until(100_000);
    for step in 0..20 {
        lan.until(100_000 + 500 * step);
        let told: std::collections::BTreeSet<_> = (0..3).filter_map(|host| lan.resolve(host)).collect();
        assert_eq!(told.len(), 3);
    }
    assert!(lan.routers.iter().all(|router| router.counters().forwarders_expired == 0));
}

/// No router can have been told more.
#[test]
fn what_is_left_to_a_forwarder_without_its_owner_has_bounds() {
    let mut lan = member();
    let (redirect_left, timeout_left) = (Seconds::new(u16::MAX), Seconds::new(u16::MAX));
    let forged = Forwarder { redirect_left, timeout_left, ..active(2, Rank::SECONDARY) };
    hear(&mut lan, 2000, &says(3, VgState::Listen, 100).with(&[forged]).alone());
    let known = lan.router(1).forwarder(2).unwrap();
    assert_eq!((known.redirect_ends, known.timeout_ends), (Some(ms(3_602_000)), Some(ms(64_802_000))));
}
