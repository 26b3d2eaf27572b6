//! A second of life with 1, 255 and 4,000 groups: as Backups that hear every advertisement, and as Active routers that
//! send one each. The time for each group should not depend on how many there are: read the ratio to one group.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that cannot be set up should stop")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fhrp::{
    Action, Engine, IfIndex, Instant, InterfaceName, LinkEvent, LinkState, MacAddr, VrrpConfig, VrrpSettings,
};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, Body, Centiseconds, ChecksumForm, Destination, Vrid,
};

const GROUPS_PER_LINK: u32 = 250;
const SECOND: u64 = 1_000_000;

fn name(link: u32) -> InterfaceName {
    InterfaceName::new(&format!("eth{link}"))
}

fn place(group: u32) -> (u32, u8) {
    (group / GROUPS_PER_LINK, u8::try_from(group % GROUPS_PER_LINK + 1).unwrap())
}

fn address(group: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + group))
}

/// An engine with so many groups, spread over links, its starting actions carried out.
fn engine(groups: u32) -> Engine {
    let mut engine = Engine::new();
    let start = Instant::from_micros(0);
    for group in 0..groups {
        let (link, vrid) = place(group);
        if vrid == 1 {
            let state = LinkState {
                name: name(link),
                index: IfIndex(link + 1),
                mac: MacAddr([2, 0, 0, 0, 0, 1]),
                up: true,
                mtu: 1500,
                ipv4: vec![Ipv4Addr::new(192, 0, 2, 2)],
                ipv6: Vec::new(),
            };
            engine.handle_link(start, LinkEvent::Present(state));
        }
        let settings = VrrpSettings::new(name(link), vrid, vec![address(group)]);
        engine.add(start, VrrpConfig::new(settings).unwrap()).unwrap();
    }
    drain(&mut engine);
    engine
}

fn drain(engine: &mut Engine) -> usize {
    std::iter::from_fn(|| engine.poll_action())
        .filter(|action| matches!(action, Action::Transmit { .. }))
        .count()
}

fn storm(groups: u32) -> Vec<(IfIndex, Bytes)> {
    let frame = |group| {
        let (link, vrid) = place(group);
        let addresses = [address(group)];
        let body = Body::V3 { interval: Centiseconds::from_duration(Duration::from_secs(1)).unwrap() };
        let list = Addresses::new(&addresses).unwrap();
        let mut out = BytesMut::new();
        let frame = AdvertisementFrame {
            advertisement: Advertisement::new(Vrid::new(vrid).unwrap(), 200, list, body).unwrap(),
            source_mac: vrrp::virtual_mac(fhrp::Family::V4, Vrid::new(vrid).unwrap()),
            source: IpAddr::from([192, 0, 2, 3]),
            destination: Destination::Group,
            checksum: ChecksumForm::Rfc9568,
        };
        vrrp::advertisement_frame(&mut out, &frame).unwrap();
        (IfIndex(link + 1), out.freeze())
    };
    (0..groups).map(frame).collect()
}

fn a_second(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a second of one group among");
    for groups in [1, 255, 4000] {
        group.throughput(Throughput::Elements(u64::from(groups)));
        group.bench_with_input(BenchmarkId::new("backups that hear", groups), &groups, |bencher, groups| {
            let (mut engine, frames, mut now) = (engine(*groups), storm(*groups), 0);
            bencher.iter(|| {
                now += SECOND;
                for (interface, frame) in &frames {
                    engine.handle_frame(Instant::from_micros(now), *interface, black_box(frame));
                }
                drain(&mut engine)
            });
        });
        group.bench_with_input(
            BenchmarkId::new("active routers that send", groups),
            &groups,
            |bencher, groups| {
                let (mut engine, mut now) = (engine(*groups), 10 * SECOND);
                engine.handle_timeout(Instant::from_micros(now));
                drain(&mut engine);
                bencher.iter(|| {
                    now += SECOND;
                    engine.handle_timeout(Instant::from_micros(now));
                    drain(&mut engine)
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, a_second);
criterion_main!(benches);
