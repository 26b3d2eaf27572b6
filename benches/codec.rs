//! Parsing and building one advertisement, beside the floor: pnet's view of the same frame, and a copy of it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that cannot be set up should stop")]

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, Body, Centiseconds, ChecksumForm, Destination, Vrid,
};
use pnet_packet::Packet as _;

fn build(out: &mut BytesMut, addresses: &[IpAddr]) {
    let body = Body::V3 { interval: Centiseconds::from_duration(Duration::from_secs(1)).unwrap() };
    let list = Addresses::new(addresses).unwrap();
    let frame = AdvertisementFrame {
        advertisement: Advertisement::new(Vrid::new(10).unwrap(), 100, list, body).unwrap(),
        source_mac: MacAddr([0, 0, 0x5e, 0, 1, 10]),
        source: IpAddr::from([192, 0, 2, 2]),
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    vrrp::advertisement_frame(out, &frame).unwrap();
}

fn codec(criterion: &mut Criterion) {
    let addresses = [IpAddr::from([192, 0, 2, 1])];
    let mut frame = BytesMut::new();
    build(&mut frame, &addresses);
    let frame = frame.freeze();
    let mut group = criterion.benchmark_group("codec");
    group.bench_function("parse: envelope and advertisement, every rule", |bencher| {
        bencher.iter(|| {
            let Packet::Ipv4(ip) = envelope::parse(black_box(&frame)).unwrap().packet else { return 0 };
            vrrp::parse(ip.source.into(), ip.destination.into(), ip.payload).unwrap().advertisement.priority()
        });
    });
    group.bench_function("peer: pnet reads the two headers and their checksum", |bencher| {
        bencher.iter(|| {
            let ethernet = pnet_packet::ethernet::EthernetPacket::new(black_box(&frame)).unwrap();
            let ip = pnet_packet::ipv4::Ipv4Packet::new(ethernet.payload()).unwrap();
            pnet_packet::ipv4::checksum(&ip) == ip.get_checksum()
        });
    });
    let mut out = BytesMut::with_capacity(256);
    group.bench_function("build: whole frame", |bencher| {
        bencher.iter(|| {
            out.clear();
            build(&mut out, black_box(&addresses));
        });
    });
    group.bench_function("floor: copy of the frame", |bencher| {
        bencher.iter(|| {
            out.clear();
            out.extend_from_slice(black_box(&frame));
        });
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
