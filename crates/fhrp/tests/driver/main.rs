//! The loop around an engine: what it does with what it is told, in which order, and when. Times are microseconds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected should fail loudly"
)]

mod world;

use std::time::Duration;

use bytes::BytesMut;
use fhrp::driver::{ApplyError, BackendEvent, Change, Handle, Stopped};
use fhrp::{
    GroupId, GroupState, InterfaceName, LinkEvent, MacAddr, NoticeKind, TrackName, TrackState, VrrpConfig,
    VrrpSettings, Waiting,
};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, Body, Centiseconds, ChecksumForm, Destination, Vrid,
};

use world::{ETH0, World, config, link, play, settings};

/// From 192.0.2.3, which is above ours.
fn advert(priority: u8) -> BytesMut {
    let virtual_address = ["192.0.2.1".parse().unwrap()];
    let addresses = Addresses::new(&virtual_address).unwrap();
    let interval = Centiseconds::new(100).unwrap();
    let frame = AdvertisementFrame {
        advertisement: Advertisement::new(Vrid::new(10).unwrap(), priority, addresses, Body::V3 { interval })
            .unwrap(),
        source_mac: MacAddr([2, 0, 0, 0, 0, 3]),
        source: "192.0.2.3".parse().unwrap(),
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    let mut octets = BytesMut::new();
    vrrp::advertisement_frame(&mut octets, &frame).unwrap();
    octets
}

/// A group of these settings on an interface that is there, at 0.
async fn begin(world: &World, handle: &Handle, settings: VrrpSettings) {
    world.tell(link());
    handle.apply(vec![Change::Add(VrrpConfig::new(settings).unwrap().into())]).await.unwrap();
    world.until(handle, 0).await;
}

async fn state(handle: &Handle) -> GroupState {
    handle.snapshot().await.unwrap().groups[0].state
}

/// What was done, without the flushes that did nothing.
fn deeds(world: &World) -> Vec<(u64, String)> {
    let mut log = world.log();
    log.dedup_by(|later, earlier| later.1 == "flush" && earlier.1 == "flush");
    log.retain(|(_, deed)| deed != "flush");
    log
}

fn at(deeds: &[(u64, &str)]) -> Vec<(u64, String)> {
    deeds.iter().map(|(at, deed)| (*at, (*deed).to_owned())).collect()
}

/// RFC 9568 §6.4.1 to §6.4.3: Backup for 3 x 1 s + 156/256 s, then an advertisement each second, then priority 0.
#[test]
fn what_is_due_is_done_on_time() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        assert_eq!(deeds(&world), at(&[(0, "refresh"), (0, "attach"), (0, "close")]));
        world.until(&handle, 3_609_374).await;
        assert_eq!(deeds(&world), []);
        world.until(&handle, 5_609_374).await;
        let expected = [
            (3_609_375, "priority 100"),
            (3_609_375, "open"),
            (3_609_375, "ARP"),
            (4_609_375, "priority 100"),
        ];
        assert_eq!(deeds(&world), at(&[&expected[..], &[(4_609_375, "ARP")]].concat()));
        handle.shutdown();
        handle.snapshot().await.unwrap_err();
        assert_eq!(deeds(&world), at(&[(5_609_374, "priority 0"), (5_609_374, "shutdown")]));
    });
}

/// The advertisement is on the wire before the dataplane is asked for anything slow.
#[test]
fn frames_leave_before_the_dataplane_is_programmed() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        world.log();
        world.until(&handle, 3_609_375).await;
        let log = world.log();
        let place = |deed: &str| log.iter().position(|(_, done)| done == deed);
        let order = [place("priority 100"), place("flush"), place("open")];
        assert!(order.is_sorted() && order.iter().all(Option::is_some), "{log:?}");
        handle.shutdown();
    });
}

#[test]
fn a_frame_is_heard_when_it_arrives() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        world.arrives(3_609_374, &advert(200));
        world.until(&handle, 7_000_000).await;
        assert_eq!(state(&handle).await, GroupState::Backup);
        assert_eq!(handle.snapshot().await.unwrap().groups[0].active, Some([192, 0, 2, 3].into()));
        world.until(&handle, 3_609_374 + 3_609_375).await;
        assert_eq!(state(&handle).await, GroupState::Active);
        handle.shutdown();
    });
}

/// Under a flood frames are read a few times each millisecond, and yet one that came before a deadline is heard before
/// it: 10 ms with a frame each 10 us, and then the advertisement.
#[test]
fn a_flood_costs_few_reads_and_no_advertisement() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        (0..1_000).for_each(|n| world.arrives(3_599_000 + n * 10, &[0; 60]));
        world.arrives(3_609_010, &advert(200));
        let before = world.reads();
        world.until(&handle, 3_609_400).await;
        assert_eq!(state(&handle).await, GroupState::Backup, "the advertisement was heard in time");
        assert_eq!(handle.snapshot().await.unwrap().stats.frames_rcvd, 1_001);
        let reads = world.reads() - before;
        assert!((10..=60).contains(&reads), "{reads} reads");
        handle.shutdown();
    });
}

#[test]
fn the_interface_s_news_reach_the_engine() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        world.until(&handle, 4_000_000).await;
        deeds(&world);
        world.tell(BackendEvent::Link(LinkEvent::Gone(ETH0)));
        world.until(&handle, 4_000_000).await;
        let snapshot = handle.snapshot().await.unwrap();
        assert_eq!(snapshot.groups[0].waiting, Some(Waiting::InterfaceMissing));
        assert!(deeds(&world).iter().all(|(_, deed)| deed != "refresh"), "there is nothing to refresh");
        handle.shutdown();
    });
}

#[test]
fn what_was_mended_is_announced_and_told() {
    play(|world, handle, mut notices| async move {
        begin(&world, &handle, settings()).await;
        world.until(&handle, 60_000_000).await;
        deeds(&world);
        while notices.try_recv().is_ok() {}
        let seat = fhrp::SeatId::from_raw(1);
        world.tell(BackendEvent::Mended { seat, what: "address deleted".into() });
        world.until(&handle, 60_000_000).await;
        assert_eq!(deeds(&world), at(&[(60_000_000, "ARP")]));
        assert_eq!(notices.try_recv().unwrap().kind, NoticeKind::Mended("address deleted".into()));
        handle.shutdown();
    });
}

#[test]
fn an_interface_that_cannot_be_listened_to_is_waited_for() {
    play(|world, handle, _| async move {
        world.deafen();
        begin(&world, &handle, settings()).await;
        let waiting = handle.snapshot().await.unwrap().groups[0].waiting.clone();
        assert_eq!(waiting, Some(Waiting::ProgramFault("cannot receive frames: no such device".into())));
        handle.shutdown();
    });
}

#[test]
fn changes_are_made_in_order_up_to_the_first_that_fails() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        let id = config().id().clone();
        let twice = handle.apply(vec![Change::Add(config().into())]).await;
        assert!(matches!(twice, Err(ApplyError::Duplicate(_))), "{twice:?}");
        let slower = VrrpSettings { advertisement_interval: Duration::from_secs(2), ..settings() };
        let slower = VrrpConfig::new(slower).unwrap();
        handle.apply(vec![Change::Update(slower.into())]).await.unwrap();
        let interval = handle.snapshot().await.unwrap().groups[0].vrrp().unwrap().advertisement_interval;
        assert_eq!(interval, Duration::from_secs(2));
        let unknown = GroupId { number: 11, ..id.clone() };
        let removed = handle.apply(vec![Change::Remove(id), Change::Remove(unknown)]).await;
        assert!(matches!(removed, Err(ApplyError::Unknown(_))), "{removed:?}");
        assert_eq!(handle.snapshot().await.unwrap().groups, []);
        assert!(deeds(&world).contains(&(0, "detach".to_owned())));
        handle.shutdown();
    });
}

#[test]
fn tracked_objects_are_made_told_and_forgotten() {
    play(|world, handle, _| async move {
        begin(&world, &handle, settings()).await;
        let (uplink, script) = (TrackName::new("uplink"), TrackName::new("script"));
        let eth0 = InterfaceName::new("eth0");
        handle.apply(vec![Change::TrackInterface(uplink.clone(), eth0)]).await.unwrap();
        handle.set_track(script.clone(), TrackState::Down).await.unwrap();
        let tracks = handle.snapshot().await.unwrap().tracks;
        assert_eq!(
            tracks.into_iter().collect::<Vec<_>>(),
            [(script.clone(), TrackState::Down), (uplink.clone(), TrackState::Up)]
        );
        handle.apply(vec![Change::ForgetTrack(uplink)]).await.unwrap();
        handle.set_track(script.clone(), TrackState::Up).await.unwrap();
        let tracks = handle.snapshot().await.unwrap().tracks;
        assert_eq!(tracks.into_iter().collect::<Vec<_>>(), [(script, TrackState::Up)]);
        handle.shutdown();
    });
}

#[test]
fn peers_are_written_to_one_by_one() {
    play(|world, handle, _| async move {
        let peers = vec!["192.0.2.3".parse().unwrap()];
        begin(&world, &handle, VrrpSettings { unicast_peers: peers, ..settings() }).await;
        deeds(&world);
        world.until(&handle, 3_609_375).await;
        assert_eq!(deeds(&world)[0].1, "priority 100 from 192.0.2.2 to 192.0.2.3");
        handle.shutdown();
    });
}

/// A router with an interval of 10 ms lingers 80 ms for its successor.
async fn lingers(world: &World, handle: &Handle) {
    begin(world, handle, VrrpSettings { advertisement_interval: Duration::from_millis(10), ..settings() })
        .await;
    world.until(handle, 1_000_000).await;
    deeds(world);
}

#[test]
fn a_stopped_driver_forwards_until_its_successor_speaks() {
    play(|world, handle, _| async move {
        lingers(&world, &handle).await;
        world.arrives(1_020_000, &advert(50));
        world.stop(&handle, 2_000_000).await;
        handle.snapshot().await.unwrap_err();
        let ended = deeds(&world);
        assert_eq!(ended.first(), Some(&(1_000_000, "priority 0".to_owned())));
        let (when, last) = ended.last().unwrap();
        assert_eq!(last, "shutdown");
        assert!((1_020_000..1_080_000).contains(when), "{ended:?}");
    });
}

#[test]
fn a_stopped_driver_does_not_wait_for_ever() {
    play(|world, handle, _| async move {
        lingers(&world, &handle).await;
        world.stop(&handle, 2_000_000).await;
        handle.snapshot().await.unwrap_err();
        assert_eq!(deeds(&world).last(), Some(&(1_080_000, "shutdown".to_owned())));
    });
}

#[test]
fn who_asks_a_driver_that_has_ended_is_told() {
    play(|_, handle, _| async move {
        handle.shutdown();
        assert_eq!(handle.snapshot().await, Err(Stopped));
        assert_eq!(handle.set_track(TrackName::new("a"), TrackState::Up).await, Err(Stopped));
        assert_eq!(handle.set_wall_clock(Duration::ZERO).await, Err(Stopped));
        assert_eq!(handle.apply(vec![]).await, Err(ApplyError::Stopped(Stopped)));
        handle.shutdown();
    });
}

/// Nobody fetches notices: that is not the protocol's loss.
#[test]
fn notices_that_nobody_fetches_hold_nothing_up() {
    play(|world, handle, notices| async move {
        drop(notices);
        begin(&world, &handle, settings()).await;
        world.until(&handle, 4_000_000).await;
        assert_eq!(state(&handle).await, GroupState::Active);
        handle.shutdown();
    });
}
