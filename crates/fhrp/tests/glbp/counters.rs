//! On a LAN that loses nothing, what one router counts as sent is what was on the wire and what the other counts as
//! received.

use fhrp::{GlbpSettings, GlbpStats, NoticeKind};
use fhrp_wire::glbp::{Body, ForwarderPriority};

use super::lan::*;

/// Packets of router `n` on the wire, by kind, as their senders have to count them.
fn on_the_wire(lan: &Lan, n: u8) -> GlbpStats {
    let mut stats = GlbpStats::default();
    for body in lan.sent_by(n).filter_map(Sent::body) {
        let counter = match body {
            Body::Announcement { hello: Some(hello), .. } if hello.priority() == 0 => &mut stats.resign_sent,
            Body::Announcement { hello: Some(_), .. } => &mut stats.hello_sent,
            Body::Announcement { hello: None, forwarders } => {
                let resigns =
                    forwarders.iter().all(|said| said.priority == ForwarderPriority::PRIMARY_RESIGNING);
                if resigns { &mut stats.forwarder_resign_sent } else { &mut stats.announcement_sent }
            }
            Body::Request => &mut stats.request_sent,
            Body::Response(_) => &mut stats.response_sent,
        };
        *counter += 1;
    }
    stats
}

/// The other's half of it.
fn received(sent: &GlbpStats) -> GlbpStats {
    GlbpStats {
        hello_rcvd: sent.hello_sent,
        resign_rcvd: sent.resign_sent,
        announcement_rcvd: sent.announcement_sent + sent.forwarder_resign_sent,
        request_rcvd: sent.request_sent,
        response_rcvd: sent.response_sent,
        ..GlbpStats::default()
    }
}

/// The counters of one half that are not zero.
fn half(stats: &GlbpStats, suffix: &str) -> Vec<(&'static str, u64)> {
    let told = stats.iter().filter(|(name, count)| name.ends_with(suffix) && *count > 0);
    told.filter(|(name, _)| !name.starts_with("resolve")).collect()
}

#[track_caller]
fn assert_counted(lan: &mut Lan, sender: u8, receiver: u8) {
    let sent = on_the_wire(lan, sender);
    assert_eq!(half(&lan.router(sender).counters(), "_sent"), half(&sent, "_sent"));
    assert_eq!(half(&lan.router(receiver).counters(), "_rcvd"), half(&received(&sent), "_rcvd"));
}

/// Each move is told, and each that is told is counted.
#[track_caller]
fn assert_moves_are_counted(router: &Router) {
    let told = |is: &dyn Fn(&NoticeKind) -> bool| router.notices.iter().filter(|(_, kind)| is(kind)).count();
    let moved = told(&|kind| matches!(kind, NoticeKind::Moved { .. }));
    assert!(moved >= 4);
    assert_eq!(router.status().state_changes, u64::try_from(moved).unwrap());
    for known in router.glbp().forwarders {
        let of = known.number;
        let moved =
            told(&|kind| matches!(kind, NoticeKind::ForwarderMoved { forwarder, .. } if *forwarder == of));
        assert_eq!(known.state_changes, u64::try_from(moved).unwrap(), "forwarder {of}");
    }
}

#[test]
fn what_is_sent_is_counted_on_both_sides() {
    let mut lan = Lan::new([GlbpSettings { priority: 200, ..settings() }, settings()]);
    (1..=2).for_each(|n| lan.start(n));
    lan.until(100_000);
    assert_counted(&mut lan, 1, 2);
    assert_counted(&mut lan, 2, 1);
    assert_eq!((on_the_wire(&lan, 2).request_sent, on_the_wire(&lan, 1).response_sent), (1, 1));
    lan.stop(1);
    lan.until(130_000);
    assert_counted(&mut lan, 1, 2);
    (1..=2).for_each(|n| assert_moves_are_counted(lan.router(n)));
    let sent = on_the_wire(&lan, 1);
    assert_eq!((sent.resign_sent, sent.forwarder_resign_sent), (1, 1));
    assert_eq!([1, 2].map(|n| lan.router(n).status().counters.active_transitions), [1, 1]);
}
