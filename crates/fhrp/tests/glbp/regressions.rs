//! Faults that were found once, each with the test that would have caught it.

use fhrp::{GlbpSettings, GroupState};
use fhrp_wire::glbp::{Body, ForwarderPriority as Rank, VgState};

use super::gateway::{alone, hear};
use super::lan::*;
use super::packets::*;

fn preempting() -> GlbpSettings {
    GlbpSettings { priority: 200, preempt: true, ..settings() }
}

/// Found at the return of a router whose timers are shorter than those of the AVG.
#[test]
fn who_becomes_the_avg_by_a_hello_takes_no_forwarder_that_is_named_in_it() {
    let mut lan = alone(preempting(), 12_000);
    let forwarders = [active(1, Rank::SECONDARY), active(2, Rank::PRIMARY)];
    hear(&mut lan, 12_000, &says(2, VgState::Active, 100).with(&forwarders).frame());
    let own: Vec<u8> =
        lan.router(1).glbp().forwarders.iter().filter(|one| one.primary).map(|one| one.number).collect();
    assert_eq!(own, [3]);
    assert_eq!(lan.router(1).forwarder(2).unwrap().owner, Some(mac(2)));
}

/// Found with a router that was not scheduled for seconds while another one took over.
#[test]
fn many_claims_read_at_once_are_answered_once() {
    let mut lan = alone(preempting(), 40_000);
    lan.forget_sent();
    let claim = says(2, VgState::Active, 100).with(&[active(1, Rank::SECONDARY)]).frame();
    lan.act(1, |engine, now| {
        for step in 0..20 {
            engine.handle_frame(now + secs(2 * step), ETH0, &claim);
        }
    });
    let hellos = lan.sent_by(1).filter(|sent| !sent.is_alone()).count();
    let announcements = lan.sent_by(1).filter(|sent| sent.is_alone()).count();
    assert_eq!((hellos, announcements), (1, 1));
}

/// Found with owners that got another number after a restart: where all numbers were owned, the last router to come got
/// none until the timeout.
#[test]
fn an_owner_with_another_number_has_the_first_no_longer() {
    let mut lan = alone(settings(), 40_000);
    for (at, number, n) in [(40_000, 2, 9), (40_010, 3, 8), (40_020, 4, 9)] {
        hear(&mut lan, at, &says(n, VgState::Listen, 100).with(&[active(number, Rank::PRIMARY)]).frame());
    }
    assert_eq!(lan.router(1).forwarder(2).unwrap().owner, None);
    lan.forget_sent();
    hear(&mut lan, 40_030, &says(7, VgState::Listen, 100).unicast(Body::Request, 1));
    let given: Vec<_> = lan.sent_by(1).filter_map(super::lan::Sent::body).collect();
    assert_eq!(given, [Body::Response(number(2))]);
}

/// Found with routers of different timers: the first Hello of who challenges an AVG told its own.
#[test]
fn who_challenges_an_avg_speaks_in_its_times() {
    let mut lan = alone(preempting(), 1_000);
    lan.forget_sent();
    let avg = Says { timers: (500, 1_600, 8, 20), ..says(2, VgState::Active, 100) };
    hear(&mut lan, 1_000, &avg.frame());
    assert_eq!(lan.state(1), GroupState::Speak);
    let times = |sent: &super::lan::Sent| match sent.body()? {
        Body::Announcement { hello: Some(hello), .. } => Some(hello.timers()),
        _ => None,
    };
    let told: Vec<_> = lan.sent_by(1).filter_map(times).collect();
    let Body::Announcement { hello: Some(heard), .. } = avg.body() else { unreachable!() };
    assert_eq!(told, [heard.timers()]);
}
