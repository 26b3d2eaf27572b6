//! What is sent and received is counted by its kind.

use fhrp::GroupState::{Active, Listen, Speak, Standby};
use fhrp::HsrpSettings;
use fhrp_wire::hsrp::State;

use super::lan::*;
use super::peer::{coup, hello, resign};

/// How many of the frames that the first router sent begin with `word`.
fn sent(lan: &Lan, word: &str) -> u64 {
    lan.said(0).iter().filter(|said| said.starts_with(word)).count().try_into().unwrap()
}

#[test]
fn messages_are_counted_by_opcode() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, HsrpSettings { preempt: true, ..settings(variant) });
        lan.until(21_000);
        assert_eq!(lan.state(0), Active);
        lan.hear(&hello(variant, State::Active, 90).frame());
        lan.hear(&coup(variant, 200).frame());
        assert_eq!(lan.state(0), Speak);
        lan.hear(&hello(variant, State::Active, 200).frame());
        lan.hear(&resign(variant, State::Active).frame());
        lan.until(60_000);
        let counted = lan.counters(0);
        assert_eq!((counted.hello_rcvd, counted.coup_rcvd, counted.resign_rcvd), (2, 1, 1), "{variant:?}");
        assert_eq!((counted.coup_sent, counted.resign_sent), (1, 1), "{variant:?}");
        assert_eq!((sent(&lan, "Coup"), sent(&lan, "Resign")), (1, 1), "{variant:?}");
        assert_eq!(counted.hello_sent, sent(&lan, "Hello"), "{variant:?}");
        let moves: Vec<_> = lan.moves().into_iter().map(|(_, _, state)| state).collect();
        let up = [Listen, Speak, Standby, Active];
        assert_eq!(moves, [&up[..], &up[1..]].concat(), "{variant:?}");
        assert_eq!(lan.status(0).state_changes, 7, "{variant:?}");
        assert_eq!(lan.status(0).counters.active_transitions, 2, "{variant:?}");
        let interface = lan.interface(0);
        assert_eq!(interface.hsrp_interface_states_sent, sent(&lan, "Interface"), "{variant:?}");
        assert_eq!((interface.frames_rcvd, interface.hsrp_interface_states_rcvd), (4, 0), "{variant:?}");
    }
}

#[test]
fn messages_about_an_interface_are_counted_there() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.join(3, settings(variant));
        lan.until(200_000);
        let said = sent(&lan, "Interface");
        let counted = [0, 1].map(|router| lan.interface(router));
        assert!(said > 0);
        assert_eq!(counted[0].hsrp_interface_states_sent, said, "{variant:?}");
        assert_eq!(counted[1].hsrp_interface_states_rcvd, said, "{variant:?}");
    }
}
