//! Virtual addresses: learned, refused, and the interface's own.

use std::net::Ipv4Addr;

use fhrp::{Family, GlbpConfig, GlbpSettings, GroupState, LinkEvent, LinkState, NoticeKind, Waiting};
use fhrp_wire::glbp::VgState;

use super::gateway::{alone, hear};
use super::lan::*;
use super::packets::*;

const OTHER: &str = "10.0.0.253";

fn learns() -> GlbpSettings {
    GlbpSettings { addresses: vec![], family: Some(Family::V4), ..settings() }
}

fn names(n: u8, priority: u8, address: &str) -> Vec<u8> {
    Says { address: ip(address), ..says(n, VgState::Active, priority) }.frame()
}

fn known(lan: &mut Lan) -> Vec<std::net::IpAddr> {
    lan.router(1).status().addresses.to_vec()
}

#[test]
fn a_learned_address_is_learned_again_when_the_avg_names_another() {
    let mut lan = alone(learns(), 100);
    hear(&mut lan, 200, &names(2, 200, VIP));
    hear(&mut lan, 3000, &names(2, 200, OTHER));
    assert_eq!((known(&mut lan), lan.router(1).counters().address_errors), (vec![ip(OTHER)], 0));
    assert_eq!(&*lan.router(1).reception.as_ref().unwrap().resolves, [ip(OTHER)]);
    let learned = NoticeKind::AddressLearned { peer: ip("10.0.0.2"), address: ip(OTHER) };
    assert!(lan.router(1).notices.iter().any(|(_, kind)| *kind == learned));
    assert_eq!(lan.state(1), GroupState::Listen, "the contest goes on");
}

/// Only the AVG that is followed is learned from.
#[test]
fn an_avg_that_learned_its_address_keeps_it_from_a_lower_one() {
    let mut lan = alone(learns(), 100);
    hear(&mut lan, 200, &names(2, 200, VIP));
    lan.until(60_000);
    assert_eq!(lan.state(1), GroupState::Active);
    hear(&mut lan, 60_000, &names(2, 50, OTHER));
    assert_eq!((known(&mut lan), lan.router(1).counters().address_errors), (vec![ip(VIP)], 1));
}

#[test]
fn a_learned_address_is_forgotten_with_the_link() {
    let mut lan = alone(learns(), 100);
    hear(&mut lan, 200, &names(2, 200, VIP));
    let down = LinkState { up: false, ..link(1) };
    lan.act(1, |engine, now| engine.handle_link(now, LinkEvent::Present(down)));
    assert!(known(&mut lan).is_empty());
    lan.start(1);
    let status = lan.router(1).status();
    assert_eq!((status.state, status.waiting), (GroupState::Disabled, Some(Waiting::AddressUnknown)));
    assert!(lan.router(1).reception.as_ref().unwrap().resolves.is_empty());
    hear(&mut lan, 300, &names(2, 200, OTHER));
    assert_eq!((known(&mut lan), lan.state(1)), (vec![ip(OTHER)], GroupState::Listen));
}

#[test]
fn addresses_that_no_gateway_can_have_are_not_learned() {
    for text in ["0.0.0.1", "240.0.0.1", "10.0.0.1"] {
        let mut lan = alone(learns(), 100);
        hear(&mut lan, 200, &names(2, 200, text));
        let counters = lan.router(1).counters();
        assert_eq!((lan.state(1), counters.address_errors), (GroupState::Disabled, 1), "{text}");
        let mismatch = NoticeKind::AddressMismatch { peer: ip("10.0.0.2"), theirs: ip(text) };
        assert!(lan.router(1).notices.iter().any(|(_, kind)| *kind == mismatch), "{text}");
        hear(&mut lan, 300, &names(2, 200, VIP));
        hear(&mut lan, 400, &names(2, 200, text));
        assert_eq!(known(&mut lan), [ip(VIP)], "nor in place of another");
    }
}

/// Its kernel would answer hosts with the MAC of the interface, which nobody takes over.
#[test]
fn a_group_whose_address_is_the_interfaces_own_waits() {
    let own = GlbpSettings { addresses: vec![ip("10.0.0.1")], ..settings() };
    let mut lan = alone(own, 60_000);
    let status = lan.router(1).status();
    assert_eq!(
        (status.state, status.waiting.clone()),
        (GroupState::Initial, Some(Waiting::OwnAddress(ip("10.0.0.1"))))
    );
    assert_eq!(status.waiting.unwrap().to_string(), "the virtual address 10.0.0.1 is the interface's own");
    assert!(lan.sent.is_empty() && lan.router(1).prepared().is_empty());
    let config = GlbpConfig::new(settings()).unwrap();
    lan.act(1, |engine, now| engine.update(now, config).unwrap());
    assert_eq!(lan.state(1), GroupState::Listen);
}

/// Hosts have its MACs; to close them would cut them off.
#[test]
fn a_group_that_runs_goes_on_when_its_address_appears_on_the_interface_and_says_so() {
    let mut lan = alone(settings(), 40_000);
    let both = LinkState { ipv4: vec![Ipv4Addr::new(10, 0, 0, 1), VIP.parse().unwrap()], ..link(1) };
    lan.forget_sent();
    for _ in 0..3 {
        lan.act(1, |engine, now| engine.handle_link(now, LinkEvent::Present(both.clone())));
    }
    assert_eq!((lan.state(1), lan.reaches(vmac(1))), (GroupState::Active, Some(1)));
    let said = NoticeKind::DuplicateAddress { address: ip(VIP), mac: mac(1) };
    assert_eq!(lan.router(1).notices.iter().filter(|(_, kind)| *kind == said).count(), 1);
}
