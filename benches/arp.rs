//! What an AVG needs for one answer to a host that resolves the virtual address: from the frame of the question to
//! that of the answer, with four forwarders to choose from.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot be set up should stop"
)]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fhrp::{
    Action, ClientCache, Engine, GlbpConfig, GlbpSettings, IfIndex, Instant, InterfaceName, LinkEvent,
    LinkState, LoadBalancing, MacAddr,
};

const ROUTERS: u8 = 4;
const HOSTS: u16 = 1000;
const VIRTUAL: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const LAN: IfIndex = IfIndex(1);
/// By then everybody serves a forwarder.
const SETTLED: Instant = Instant::from_micros(100_000_000);

fn router(number: u8, settings: GlbpSettings) -> Engine {
    let mut engine = Engine::new();
    let start = Instant::from_micros(0);
    let state = LinkState {
        name: InterfaceName::new("eth0"),
        index: LAN,
        mac: MacAddr([2, 0, 0, 0, 0, number]),
        up: true,
        mtu: 1500,
        ipv4: vec![Ipv4Addr::new(192, 0, 2, 10 + number)],
        ipv6: Vec::new(),
    };
    engine.handle_link(start, LinkEvent::Present(state));
    let priority = 200 - number;
    engine.add(start, GlbpConfig::new(GlbpSettings { priority, ..settings }).unwrap()).unwrap();
    engine
}

/// The frames that an engine wants sent; its dataplane does at once what it is told.
fn carry_out(now: Instant, engine: &mut Engine) -> Vec<Bytes> {
    let mut sent = Vec::new();
    while let Some(action) = engine.poll_action() {
        if let Action::Transmit { frame, .. } = action {
            sent.push(frame);
        } else if let Action::Program { seat, revision, .. } = action {
            engine.handle_programmed(now, seat, revision, Ok(()));
        }
    }
    sent
}

/// The AVG among four routers, each of which serves a forwarder.
fn avg(settings: &GlbpSettings) -> Engine {
    let mut routers: Vec<_> = (1..=ROUTERS).map(|number| router(number, settings.clone())).collect();
    let mut now = Instant::from_micros(0);
    while now < SETTLED {
        for from in 0..routers.len() {
            for frame in carry_out(now, &mut routers[from]) {
                let others = routers.iter_mut().enumerate().filter(|(to, _)| *to != from);
                others.for_each(|(_, router)| router.handle_frame(now, LAN, &frame));
            }
        }
        now = now + Duration::from_millis(1);
        routers
            .iter_mut()
            .filter(|router| router.next_deadline().is_some_and(|due| due <= now))
            .for_each(|router| router.handle_timeout(now));
    }
    routers.remove(0)
}

fn question(host: u16) -> Vec<u8> {
    let [high, low] = host.to_be_bytes();
    let mac = [2, 0, 0, 1, high, low];
    let mut frame = [[0xff; 6], mac].concat();
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac);
    frame.extend([10, 0, high, low]);
    frame.extend([0; 6]);
    frame.extend(VIRTUAL.octets());
    frame
}

fn answers(criterion: &mut Criterion) {
    let usual = GlbpSettings::new(InterfaceName::new("eth0"), 1, vec![IpAddr::V4(VIRTUAL)]);
    let with = |load_balancing| GlbpSettings { load_balancing, ..usual.clone() };
    let cached =
        GlbpSettings { client_cache: Some(ClientCache { maximum: 2000, timeout: None }), ..usual.clone() };
    let kinds = [
        ("round-robin", with(LoadBalancing::RoundRobin)),
        ("weighted", with(LoadBalancing::Weighted)),
        ("host-dependent", with(LoadBalancing::HostDependent)),
        ("round-robin with a client cache", cached),
    ];
    let questions: Vec<_> = (0..HOSTS).map(question).collect();
    let mut group = criterion.benchmark_group("an answer to a host");
    group.throughput(Throughput::Elements(1));
    for (kind, settings) in kinds {
        let mut engine = avg(&settings);
        let mut hosts = questions.iter().cycle();
        group.bench_function(kind, |bencher| {
            bencher.iter(|| {
                engine.handle_frame(SETTLED, LAN, black_box(hosts.next().unwrap()));
                let answer = engine.poll_action();
                assert!(matches!(answer, Some(Action::Transmit { .. })), "{answer:?}");
                answer
            });
        });
    }
    group.finish();
}

criterion_group!(benches, answers);
criterion_main!(benches);
