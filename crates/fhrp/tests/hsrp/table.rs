//! Cells of RFC 2281's table that the election's own page of cells does not show: the Learn state, from which hello the
//! timers A and B run, and action I, the announcement.

use fhrp::GroupState::{Active, Initial, Learn, Listen, Standby};
use fhrp::{GroupState, HsrpSettings};
use fhrp_wire::hsrp::{State, Variant};

use super::lan::*;
use super::peer::{Says, coup, hello, resign};

fn learner(variant: Variant) -> Lan {
    let mut lan =
        Lan::with(2, HsrpSettings { addresses: vec![], family: Some(variant.family()), ..settings(variant) });
    lan.until(1_000);
    lan.forget();
    lan
}

fn expiries(lan: &Lan) -> (Option<u64>, Option<u64>) {
    let millis = |at: Option<fhrp::Instant>| at.map(|at| at.as_micros() / 1000);
    (millis(lan.hsrp(0).active_expires), millis(lan.hsrp(0).standby_expires))
}

/// Column Learn: a leads there, b leads out, g and h to Listen with E, A and B; everything else is nothing.
#[test]
fn the_learn_column() {
    for variant in VARIANTS {
        for says in [
            hello(variant, State::Speak, 200),
            hello(variant, State::Standby, 200),
            hello(variant, State::Standby, 50),
            hello(variant, State::Listen, 50),
            coup(variant, 200),
            resign(variant, State::Speak),
        ] {
            let mut lan = learner(variant);
            lan.hear(&says.frame());
            assert_eq!((lan.state(0), expiries(&lan)), (Learn, (None, None)), "{says:?}");
            assert!(lan.log.is_empty(), "{says:?}");
        }
        for priority in [200, 50] {
            let mut lan = learner(variant);
            lan.hear(
                &Says { hello: secs(4), hold: secs(12), ..hello(variant, State::Active, priority) }.frame(),
            );
            assert_eq!(
                (lan.state(0), expiries(&lan)),
                (Listen, (Some(13_000), Some(13_000))),
                "g and h: EAB"
            );
        }
        let mut lan = learner(variant);
        lan.link(0, |link| link.up = false);
        assert_eq!(lan.state(0), Initial);
        lan.link(0, |_| {});
        assert_eq!(lan.state(0), Learn);
    }
}

/// A learner that preempts pushes a lower Active router aside as soon as it knows the address.
#[test]
fn a_preempting_learner_learns_first() {
    for variant in VARIANTS {
        let learning =
            HsrpSettings { addresses: vec![], family: Some(variant.family()), ..settings(variant) };
        let mut lan = Lan::with(2, HsrpSettings { preempt: true, ..learning });
        lan.hear(&hello(variant, State::Active, 50).frame());
        assert_eq!(lan.state(0), Active);
        assert_eq!(lan.status(0).addresses.to_vec(), [gateway(variant)]);
    }
}

/// One that is in `state` since 30 s or less, behind .4 as Active with 250 and, in Listen, .5 as Standby with 240.
fn placed(variant: Variant, state: GroupState) -> Lan {
    let mut lan = Lan::with(2, HsrpSettings { preempt: true, ..settings(variant) });
    let active = Says { source: address(variant, 4), mac: mac(4), ..hello(variant, State::Active, 250) };
    let standby = Says { source: address(variant, 5), mac: mac(5), ..hello(variant, State::Standby, 240) };
    let end = match state {
        GroupState::Listen => 3,
        GroupState::Speak => 15,
        _ => 30,
    };
    for second in 0..=end {
        lan.until(second * 1_000);
        if state != GroupState::Active {
            lan.hear(&active.frame());
        }
        if state == GroupState::Listen {
            lan.hear(&standby.frame());
        }
    }
    assert_eq!(lan.state(0), state);
    lan.forget();
    lan
}

/// Actions A and B: for as long as the message says that caused them, else for the own hold time.
#[test]
fn timers_run_for_the_hold_time_heard() {
    for variant in VARIANTS {
        let heard =
            |state, priority| Says { hello: secs(5), hold: secs(20), ..hello(variant, state, priority) };
        for state in [GroupState::Listen, GroupState::Speak, GroupState::Standby] {
            let mut lan = placed(variant, state);
            let now = lan.now / 1000;
            lan.hear(&heard(State::Active, 251).frame());
            assert_eq!(expiries(&lan).0, Some(now + 20_000), "g in {state}");
            lan.hear(&heard(State::Standby, 241).frame());
            assert_eq!((lan.state(0), expiries(&lan).1), (Listen, Some(now + 20_000)), "k in {state}");
        }
        let mut lan = placed(variant, Active);
        let now = lan.now / 1000;
        for priority in [241, 41] {
            lan.hear(&heard(State::Standby, priority).frame());
            assert_eq!(expiries(&lan), (None, Some(now + 20_000)), "k and l in Active");
        }
        lan.hear(&heard(State::Active, 251).frame());
        assert_eq!(expiries(&lan), (Some(now + 20_000), Some(now + 10_000)), "g in Active: B is the own one");
        let mut lan = placed(variant, Active);
        lan.hear(&Says { hold: secs(20), ..coup(variant, 251) }.frame());
        assert_eq!(expiries(&lan), (Some(now + 10_000), Some(now + 10_000)), "j in Active");
    }
}

/// Action I: on every way into Active, when the dataplane is ready.
#[test]
fn every_new_active_router_announces_itself() {
    for variant in VARIANTS {
        let announced = |lan: &Lan| {
            let is = |line: &String| line.starts_with("garp broadcast") || line.starts_with("na ");
            lan.said(0).iter().filter(|line| is(line)).count()
        };
        let mut lan = placed(variant, Standby);
        lan.until(39_000);
        assert_eq!(announced(&lan), 0);
        lan.until(40_100);
        assert_eq!((lan.state(0), announced(&lan)), (Active, 1), "c in Standby");
        let mut lan = placed(variant, Standby);
        lan.hear(&Says { source: address(variant, 4), ..resign(variant, State::Speak) }.frame());
        lan.until(30_100);
        assert_eq!((lan.state(0), announced(&lan)), (Active, 1), "i in Standby");
        for state in [GroupState::Listen, GroupState::Speak, GroupState::Standby] {
            let mut lan = placed(variant, state);
            lan.hear(&hello(variant, State::Active, 50).frame());
            lan.run(lan.time() + secs(1));
            assert_eq!(
                (lan.state(0), announced(&lan)),
                (Active, 2),
                "h in {state}: again after the other's last"
            );
        }
    }
}

/// Events that are nothing in Active, and those of priority alone in a state that does not care.
#[test]
fn what_an_active_router_does_not_mind() {
    for variant in VARIANTS {
        for says in [
            hello(variant, State::Speak, 200),
            hello(variant, State::Listen, 200),
            hello(variant, State::Learn, 200),
            hello(variant, State::Initial, 200),
            coup(variant, 50),
            resign(variant, State::Speak),
        ] {
            let mut lan = placed(variant, Active);
            lan.hear(&says.frame());
            assert_eq!(lan.state(0), Active, "{says:?}");
            assert!(lan.log.is_empty(), "{says:?}");
        }
    }
}
