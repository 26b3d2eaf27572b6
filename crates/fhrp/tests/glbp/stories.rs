//! The stories of the captures.

use fhrp::GlbpSettings;
use fhrp_wire::glbp::{Body, ForwarderPriority, VfState};

use super::lan::*;

/// Three routers start: 10 s in Listen, 10 s in Speak, then Standby and Active at once; the AVG takes forwarder 1, the
/// others ask for theirs; each is active one hold time later; the next Standby is elected another 10 and 10 s later.
#[test]
fn three_routers_start() {
    let with = |priority| GlbpSettings { priority, ..settings() };
    let mut lan = Lan::new([with(200), with(100), with(150)]);
    lan.start(1);
    lan.until(500);
    lan.start(2);
    lan.until(1500);
    lan.start(3);
    lan.until(100_000);
    let expected = [
        "0 r1 initial -> listen",
        "500 r2 initial -> listen",
        "1500 r3 initial -> listen",
        "10000 r1 listen -> speak",
        "10500 r2 listen -> speak",
        "11500 r3 listen -> speak",
        "11500 r2 speak -> listen",
        "12430 r3 speak -> listen",
        "20000 r1 speak -> standby",
        "20000 r1 standby -> active",
        "20000 r1 forwarder 1 disabled -> listen",
        "20000 r2 forwarder 1 disabled -> initial",
        "20000 r3 forwarder 1 disabled -> initial",
        "21329 r1 forwarder 2 disabled -> initial",
        "21329 r2 forwarder 2 disabled -> listen",
        "22254 r1 forwarder 3 disabled -> initial",
        "22254 r3 forwarder 3 disabled -> listen",
        "24019 r3 forwarder 2 disabled -> initial",
        "24861 r2 forwarder 3 disabled -> initial",
        "30000 r1 forwarder 1 listen -> active",
        "30000 r2 listen -> speak",
        "30000 r3 listen -> speak",
        "30000 r2 speak -> listen",
        "30002 r2 forwarder 1 initial -> listen",
        "30002 r3 forwarder 1 initial -> listen",
        "31329 r2 forwarder 2 listen -> active",
        "31331 r1 forwarder 2 initial -> listen",
        "31331 r3 forwarder 2 initial -> listen",
        "32254 r3 forwarder 3 listen -> active",
        "32256 r1 forwarder 3 initial -> listen",
        "32256 r2 forwarder 3 initial -> listen",
        "40000 r3 speak -> standby",
    ];
    assert_eq!(lan.story, expected);
    // Each asks with its own Hello after one of the AVG, which answers at once.
    for n in [2, 3] {
        let request = lan.sent_by(n).find(|sent| sent.body() == Some(Body::Request)).unwrap();
        assert_eq!(request.source(), mac(n));
        let hello = lan.sent_by(n).find(|sent| sent.at >= request.at && sent.body() != Some(Body::Request));
        assert_eq!(hello.map(|sent| sent.at), Some(request.at));
        let responses = lan.sent_by(1).filter(|sent| matches!(sent.body(), Some(Body::Response(_))));
        let waited = responses.map(|sent| sent.at).find(|at| *at > request.at).unwrap().as_micros()
            - request.at.as_micros();
        assert_eq!(waited, 100);
        assert_eq!(lan.reaches(vmac(n)), Some(n));
    }
    assert_eq!(lan.reaches(vmac(1)), Some(1));
}

pub(crate) fn owner_of(lan: &Lan, number: u8) -> u8 {
    let owns = |router: &&Router| router.forwarder(number).is_some_and(|known| known.primary);
    lan.routers.iter().find(owns).unwrap().n
}

/// The owner of a forwarder dies: another router takes over its MAC within the hold time. The redirect time runs down
/// to 0 and stays there, the timeout goes on; both are on the wire.
#[test]
fn a_secondary_takes_over_and_the_times_run_down() {
    let mut lan = Lan::running(3, 100_000);
    let owner = owner_of(&lan, 2);
    let last = lan.sent_by(owner).last().unwrap().at;
    lan.kill(owner);
    lan.until(115_000);
    let server = lan.reaches(vmac(2)).unwrap();
    assert_ne!(server, owner);
    lan.forget_sent();
    lan.until(1_000_000);
    let mut seen = 0;
    for sent in lan.sent_by(server) {
        let Some(Body::Announcement { forwarders, .. }) = sent.body() else { continue };
        let Some(said) = forwarders.iter().find(|said| said.number.get() == 2) else { continue };
        let silent = (sent.at.as_micros() - last.as_micros() - 100).div_ceil(1_000_000);
        assert_eq!((said.state, said.priority), (VfState::Active, ForwarderPriority::SECONDARY));
        assert_eq!(u64::from(said.timeout_left.get()), 14_400 - silent);
        assert_eq!(u64::from(said.redirect_left.get()), 600_u64.saturating_sub(silent));
        seen += 1;
    }
    assert!(seen > 250, "{seen}");
}

/// The owner returns: it is given its number back and takes over at the first announcement of the lower one after its
/// preempt delay of 30 s.
#[test]
fn the_owner_returns_after_thirty_seconds() {
    let mut lan = Lan::running(3, 100_000);
    let owner = owner_of(&lan, 2);
    assert_ne!(lan.state(owner), fhrp::GroupState::Active, "not the AVG");
    lan.kill(owner);
    lan.until(200_000);
    lan.reboot(owner, settings());
    lan.until(300_000);
    let back = format!("r{owner} forwarder 2 listen -> active");
    let back = lan.story.iter().rev().find(|line| line.ends_with(&back)).unwrap();
    let at: u64 = back.split(' ').next().unwrap().parse().unwrap();
    // The first lower claim is heard within a hello time, the one after 30 s likewise.
    assert!((230_000..239_000).contains(&at), "{back}");
    assert_eq!(lan.reaches(vmac(2)), Some(owner));
    for router in &lan.routers {
        let known = router.forwarder(2).unwrap();
        assert_eq!(known.owner, Some(mac(owner)));
        assert_eq!(known.primary, router.n == owner);
        if let Some(redirect) = known.redirect_ends {
            assert!(redirect > ms(300_000 + 590_000), "both times are full again");
        }
    }
}

/// While the owner takes over from the secondary, the MAC reaches one or the other at every moment: the gate is open
/// before the announcement moves it.
#[test]
fn taking_back_loses_nothing() {
    let mut lan = Lan::running(3, 100_000);
    let owner = owner_of(&lan, 2);
    lan.kill(owner);
    lan.until(200_000);
    lan.reboot(owner, settings());
    let mut served = std::collections::BTreeSet::new();
    for millis in 200_001..245_000 {
        lan.until(millis);
        served.insert(lan.reaches(vmac(2)).unwrap_or_else(|| panic!("nobody at {millis}")));
    }
    assert_eq!(served.len(), 2);
    assert_eq!(lan.reaches(vmac(2)), Some(owner));
}

/// 5.1: who owns what is known to every router that becomes the AVG.
#[test]
fn ownership_outlives_the_avg() {
    let mut lan = Lan::running(3, 100_000);
    let first = lan.routers.iter().find(|r| r.status().state == fhrp::GroupState::Active).unwrap().n;
    assert_eq!(owner_of(&lan, 1), first);
    lan.kill(first);
    lan.until(150_000);
    let second =
        lan.routers.iter().find(|r| r.alive && r.status().state == fhrp::GroupState::Active).unwrap();
    assert_eq!(second.forwarder(1).unwrap().owner, Some(mac(first)));
    lan.reboot(first, settings());
    lan.until(250_000);
    assert_eq!((owner_of(&lan, 1), lan.reaches(vmac(1))), (first, Some(first)));
}

/// A router that stops goes on forwarding until others have said that they took over.
#[test]
fn a_stopping_router_waits_for_its_successors() {
    let mut lan = Lan::running(3, 100_000);
    let n = owner_of(&lan, 2);
    lan.act(n, |engine, now| engine.stop(now));
    assert_eq!(lan.router(n).engine.handover_deadline(), Some(ms(100_080)));
    lan.until(100_003);
    let until = lan.router(n).engine.handover_deadline().unwrap();
    assert!(until <= ms(100_013), "{until}: a moment for the heirs' kernels");
    assert!(lan.reaches(vmac(2)).is_some_and(|heir| heir != n));
    let mut alone = Lan::running(1, 100_000);
    alone.act(1, |engine, now| engine.stop(now));
    assert_eq!(alone.router(1).engine.handover_deadline(), None, "there is nobody to wait for");
}

/// The AVG is shut down: in one burst it gives up its forwarder, from the virtual MAC, and then the gateway, from its
/// own; both are taken over at once.
#[test]
fn a_graceful_shutdown_is_one_burst_and_nobody_waits() {
    let mut lan = Lan::running(3, 100_000);
    let avg = lan.routers.iter().find(|r| r.status().state == fhrp::GroupState::Active).unwrap().n;
    let own =
        lan.routers[usize::from(avg) - 1].glbp().forwarders.into_iter().find(|known| known.primary).unwrap();
    lan.forget_sent();
    lan.stop(avg);
    let burst: Vec<_> = lan.sent.iter().map(|sent| (sent.source(), sent.body().unwrap())).collect();
    let [(first_mac, first), (second_mac, second)] = burst.as_slice() else { panic!("{burst:?}") };
    let Body::Announcement { hello: None, forwarders } = first else { panic!("{first:?}") };
    let said: Vec<_> = forwarders.iter().collect();
    assert_eq!(
        (*first_mac, said.len(), said[0].priority.0, said[0].state),
        (own.mac, 1, 160, VfState::Active)
    );
    let Body::Announcement { hello: Some(hello), forwarders } = second else { panic!("{second:?}") };
    assert_eq!((*second_mac, hello.priority(), forwarders.len()), (mac(avg), 0, 0));
    assert_eq!(hello.state(), fhrp_wire::glbp::VgState::Active);
    lan.until(100_010);
    let new =
        lan.routers.iter().find(|router| router.alive && router.status().state == fhrp::GroupState::Active);
    assert!(new.is_some(), "the Standby took over");
    assert!(lan.reaches(own.mac).is_some_and(|n| n != avg), "and somebody its forwarder");
}

/// An AVG that restarts and preempts has asked nobody for a forwarder: the one that others serve in its place is its own.
#[test]
fn an_avg_that_restarts_and_preempts_gets_its_forwarder_back() {
    let best = || GlbpSettings { priority: 200, preempt: true, ..settings() };
    let mut lan = Lan::running(4, 150_000);
    let n = owner_of(&lan, 1);
    let others: Vec<u8> = (2..=4).map(|number| owner_of(&lan, number)).collect();
    lan.kill(n);
    lan.until(200_000);
    lan.reboot(n, best());
    lan.until(300_000);
    assert_eq!(lan.router(n).status().state, fhrp::GroupState::Active);
    assert_eq!((owner_of(&lan, 1), lan.reaches(vmac(1))), (n, Some(n)));
    assert_eq!(
        (2..=4).map(|number| owner_of(&lan, number)).collect::<Vec<u8>>(),
        others,
        "nobody else lost one"
    );
}
