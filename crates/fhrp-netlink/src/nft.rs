//! What only a packet filter can do, in one nftables table, written as netlink messages: Accept_Mode false (RFC 9568
//! §6.1) by dropping packets to virtual addresses, and keeping the kernel from answering neighbour solicitations where
//! the engine answers them.
//!
//! ```text
//! table inet fhrpd_… {
//!     set silent { type iface_index; }
//!     set vip4 { type ipv4_addr; }
//!     set vip6 { type ipv6_addr; }
//!     chain input {
//!         type filter hook input priority -10; policy accept;
//!         iif @silent icmpv6 type nd-neighbor-solicit drop
//!         icmpv6 type nd-neighbor-solicit accept
//!         icmpv6 type nd-neighbor-advert accept
//!         ip daddr @vip4 drop
//!         ip6 daddr @vip6 drop
//!     }
//! }
//! ```
//!
//! ARP does not pass an `inet` table, so addresses go on being resolved; for ARP there is a setting that silences the
//! kernel, for neighbour discovery there is none. Silent is a whole macvlan, not an address: it holds nothing but the
//! virtual addresses of its group, and the same address may stand on another interface where the kernel is to answer.
//! A packet socket has seen the solicitation before it comes here.
//!
//! Addresses and macvlans are in the sets from the moment that a group is known, Active or not: taking over does not
//! touch the table. The table is owned by our socket where the kernel can do that (5.12): `nft flush ruleset` spares it,
//! and it ends with the process.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use fhrp::Family;
use netlink_packet_core::{NLA_F_NESTED, NLM_F_APPEND, NLM_F_CREATE};
use netlink_sys::protocols::NETLINK_NETFILTER;

use crate::socket::{KernelSocket, Refusal, Request};

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const DELETE_TABLE: u16 = SUBSYSTEM << 8 | 2;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
const NEW_SET: u16 = SUBSYSTEM << 8 | 9;
const NEW_ELEMENT: u16 = SUBSYSTEM << 8 | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM << 8 | 14;

/// `NFPROTO_INET`: IPv4 and IPv6 in one table.
const INET: u8 = 1;
const TABLE_OWNED: u32 = 2;
const HOOK_LOCAL_IN: u32 = 1;
/// Before the usual filters, so that none of them accepts first.
const PRIORITY: i32 = -10;
const VERDICT_DROP: u32 = 0;
const VERDICT_ACCEPT: u32 = 1;
const REGISTER_VERDICT: u32 = 0;
const REGISTER: u32 = 1;
const META_INTERFACE: u32 = 4;
const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
const HEADER_NETWORK: u32 = 1;
const HEADER_TRANSPORT: u32 = 2;
const ICMPV6: u8 = 58;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const CHAIN: &str = "input";
const SILENT: &str = "silent";
/// Elements in one message; their list must stay below 64 KiB.
const ELEMENTS: usize = 512;

/// The table, and what is in it.
#[derive(Debug)]
pub(crate) struct Filter {
    table: String,
    /// Opened with the table; with it the table ends.
    socket: Option<KernelSocket>,
    denied: BTreeSet<IpAddr>,
    silent: BTreeSet<u32>,
}

impl Filter {
    pub(crate) fn new(table: String) -> Self {
        Self { table, socket: None, denied: BTreeSet::new(), silent: BTreeSet::new() }
    }

    /// Whether no address is kept from being accepted.
    pub(crate) fn denies_nothing(&self) -> bool {
        self.denied.is_empty()
    }

    /// Makes exactly these addresses unreachable.
    pub(crate) fn deny(&mut self, wanted: BTreeSet<IpAddr>) -> Result<(), String> {
        if wanted == self.denied {
            return Ok(());
        }
        let mut requests = addresses(&self.table, NEW_ELEMENT, wanted.difference(&self.denied));
        requests.extend(addresses(&self.table, DELETE_ELEMENT, self.denied.difference(&wanted)));
        self.change(requests).map_err(|error| {
            format!("accept_mode = false needs nftables, and the kernel refuses its table: {error}")
        })?;
        self.denied = wanted;
        Ok(())
    }

    /// Keeps the kernel from answering neighbour solicitations that arrive at exactly these links.
    pub(crate) fn hush(&mut self, wanted: BTreeSet<u32>) -> Result<(), String> {
        if wanted == self.silent {
            return Ok(());
        }
        let mut requests = links(&self.table, NEW_ELEMENT, wanted.difference(&self.silent));
        requests.extend(links(&self.table, DELETE_ELEMENT, self.silent.difference(&wanted)));
        self.change(requests).map_err(|error| {
            format!(
                "answering neighbour solicitations in the kernel's stead needs nftables, and the kernel refuses its \
                 table: {error}"
            )
        })?;
        self.silent = wanted;
        Ok(())
    }

    /// The table comes with the first change.
    fn change(&mut self, requests: Vec<Request>) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => self.create()?,
        };
        Ok(transact(self.socket.insert(socket), requests)?)
    }

    /// Removes the table, if it was made.
    pub(crate) fn remove(&mut self) -> io::Result<()> {
        self.denied.clear();
        self.silent.clear();
        match self.socket.take() {
            Some(mut socket) => Ok(transact(&mut socket, vec![delete_table(&self.table)])?),
            None => Ok(()),
        }
    }

    /// Removes the table that an earlier run left; `true` if there was one.
    pub(crate) fn remove_leftover(table: &str) -> io::Result<bool> {
        let mut socket = KernelSocket::open(NETLINK_NETFILTER)?;
        match transact(&mut socket, vec![delete_table(table)]) {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.is_absence() => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    fn create(&self) -> io::Result<KernelSocket> {
        let mut socket = KernelSocket::open(NETLINK_NETFILTER)?;
        let owned = transact(&mut socket, skeleton(&self.table, TABLE_OWNED));
        match owned {
            Err(refusal) if [libc::EOPNOTSUPP, libc::EINVAL].contains(&refusal.errno) => {
                transact(&mut socket, skeleton(&self.table, 0))?;
            }
            Err(refusal) => return Err(refusal.into()),
            Ok(()) => {}
        }
        Ok(socket)
    }
}

/// All or nothing.
fn transact(socket: &mut KernelSocket, requests: Vec<Request>) -> Result<(), Refusal> {
    let acknowledged = requests.len();
    let mut batch = vec![edge(BATCH_BEGIN)];
    batch.extend(requests);
    batch.push(edge(BATCH_END));
    let outcomes = socket.exchange_datagram(&batch, acknowledged).map_err(|error| Refusal::io(&error))?;
    outcomes.into_iter().collect()
}

fn edge(kind: u16) -> Request {
    let [high, low] = SUBSYSTEM.to_be_bytes();
    Request { kind, flags: 0, body: vec![0, 0, high, low] }
}

fn request(kind: u16, flags: u16, attributes: Attributes) -> Request {
    let mut body = vec![INET, 0, 0, 0];
    body.extend(attributes.0);
    Request { kind, flags, body }
}

fn delete_table(table: &str) -> Request {
    request(DELETE_TABLE, 0, Attributes::default().text(1, table))
}

/// The table without elements.
fn skeleton(table: &str, flags: u32) -> Vec<Request> {
    let hook = Attributes::default().number(1, HOOK_LOCAL_IN).number(2, PRIORITY.cast_unsigned());
    let chain = Attributes::default()
        .text(1, table)
        .text(3, CHAIN)
        .nest(4, hook)
        .number(5, VERDICT_ACCEPT)
        .text(7, "filter");
    vec![
        request(NEW_TABLE, NLM_F_CREATE, Attributes::default().text(1, table).number(2, flags)),
        request(NEW_CHAIN, NLM_F_CREATE, chain),
        new_set(table, SILENT, INTERFACE_INDEX),
        new_set(table, set_name(Family::V4), IPV4_ADDRESS),
        new_set(table, set_name(Family::V6), IPV6_ADDRESS),
        new_rule(table, neighbor_discovery(silent(), NEIGHBOR_SOLICITATION, VERDICT_DROP)),
        new_rule(table, neighbor_discovery(anywhere(), NEIGHBOR_SOLICITATION, VERDICT_ACCEPT)),
        new_rule(table, neighbor_discovery(anywhere(), NEIGHBOR_ADVERTISEMENT, VERDICT_ACCEPT)),
        new_rule(table, destination(Family::V4)),
        new_rule(table, destination(Family::V6)),
    ]
}

fn set_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "vip4",
        Family::V6 => "vip6",
    }
}

/// The type of a set's elements. The type's number is for readers such as `nft`; the kernel looks at the length.
#[derive(Clone, Copy, Debug)]
struct ElementType {
    number: u32,
    octets: u32,
    /// Tells the sets of one transaction apart.
    id: u32,
    order: Order,
}

/// In which order the octets of an element are; only for readers, as the type's number.
#[derive(Clone, Copy, Debug)]
enum Order {
    Network,
    Host,
}

const IPV4_ADDRESS: ElementType = ElementType { number: 7, octets: 4, id: 1, order: Order::Network };
const IPV6_ADDRESS: ElementType = ElementType { number: 8, octets: 16, id: 2, order: Order::Network };
const INTERFACE_INDEX: ElementType = ElementType { number: 20, octets: 4, id: 3, order: Order::Host };

fn new_set(table: &str, name: &str, of: ElementType) -> Request {
    let set = Attributes::default()
        .text(1, table)
        .text(2, name)
        .number(3, 0)
        .number(4, of.number)
        .number(5, of.octets)
        .number(10, of.id);
    let set = match of.order {
        Order::Network => set,
        Order::Host => set.octets(13, &host_order()),
    };
    request(NEW_SET, NLM_F_CREATE, set)
}

/// The note to readers that elements are in the order of the host: kind 0, four octets, the value 1.
fn host_order() -> Vec<u8> {
    [[0, 4].as_slice(), &1u32.to_ne_bytes()].concat()
}

fn addresses<'a>(table: &str, kind: u16, list: impl Iterator<Item = &'a IpAddr>) -> Vec<Request> {
    let (ipv4, ipv6): (Vec<_>, Vec<_>) = list.partition(|address| address.is_ipv4());
    let families = [(Family::V4, ipv4), (Family::V6, ipv6)].into_iter();
    let requests = families.flat_map(|(family, list)| {
        let values: Vec<_> = list.into_iter().map(octets).collect();
        elements((table, set_name(family)), kind, &values)
    });
    requests.collect()
}

fn links<'a>(table: &str, kind: u16, list: impl Iterator<Item = &'a u32>) -> Vec<Request> {
    let values: Vec<_> = list.map(|index| index.to_ne_bytes().to_vec()).collect();
    elements((table, SILENT), kind, &values)
}

/// Adds elements to a set of a table, or deletes them.
fn elements((table, set): (&str, &str), kind: u16, values: &[Vec<u8>]) -> Vec<Request> {
    let requests = values.chunks(ELEMENTS).map(|chunk| {
        let list = chunk.iter().fold(Attributes::default(), |list, octets| {
            list.nest(1, Attributes::default().nest(1, value(octets)))
        });
        let attributes = Attributes::default().text(1, table).text(2, set).nest(3, list);
        request(kind, if kind == NEW_ELEMENT { NLM_F_CREATE } else { 0 }, attributes)
    });
    requests.collect()
}

fn octets(address: &IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn new_rule(table: &str, expressions: Attributes) -> Request {
    let rule = Attributes::default().text(1, table).text(2, CHAIN).nest(4, expressions);
    request(NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, rule)
}

fn anywhere() -> Attributes {
    Attributes::default()
}

/// `iif @silent`
fn silent() -> Attributes {
    Attributes::default()
        .expression("meta", load_meta(META_INTERFACE))
        .expression("lookup", Attributes::default().text(1, SILENT).number(2, REGISTER))
}

/// `icmpv6 type KIND VERDICT`, behind a condition on where it arrives
fn neighbor_discovery(condition: Attributes, kind: u8, then: u32) -> Attributes {
    condition
        .expression("meta", load_meta(META_PROTOCOL))
        .expression("cmp", equals(&[ICMPV6]))
        .expression("payload", load_payload(HEADER_TRANSPORT, 0, 1))
        .expression("cmp", equals(&[kind]))
        .expression("immediate", verdict(then))
}

/// `ip daddr @SET drop`
fn destination(family: Family) -> Attributes {
    let (protocol, offset, length) = match family {
        Family::V4 => (2, 16, 4),
        Family::V6 => (10, 24, 16),
    };
    Attributes::default()
        .expression("meta", load_meta(META_FAMILY))
        .expression("cmp", equals(&[protocol]))
        .expression("payload", load_payload(HEADER_NETWORK, offset, length))
        .expression("lookup", Attributes::default().text(1, set_name(family)).number(2, REGISTER))
        .expression("immediate", verdict(VERDICT_DROP))
}

fn load_meta(key: u32) -> Attributes {
    Attributes::default().number(1, REGISTER).number(2, key)
}

fn load_payload(header: u32, offset: u32, length: u32) -> Attributes {
    Attributes::default().number(1, REGISTER).number(2, header).number(3, offset).number(4, length)
}

fn equals(octets: &[u8]) -> Attributes {
    const EQUAL: u32 = 0;
    Attributes::default().number(1, REGISTER).number(2, EQUAL).nest(3, value(octets))
}

fn verdict(code: u32) -> Attributes {
    let verdict = Attributes::default().nest(2, Attributes::default().number(1, code));
    Attributes::default().number(1, REGISTER_VERDICT).nest(2, verdict)
}

fn value(octets: &[u8]) -> Attributes {
    Attributes::default().octets(1, octets)
}

/// Netlink attributes as nf_tables likes them: numbers in network order, nesting marked.
#[derive(Clone, Debug, Default)]
struct Attributes(Vec<u8>);

impl Attributes {
    fn octets(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn number(self, kind: u16, value: u32) -> Self {
        self.octets(kind, &value.to_be_bytes())
    }

    fn text(self, kind: u16, value: &str) -> Self {
        let mut octets = value.as_bytes().to_vec();
        octets.push(0);
        self.octets(kind, &octets)
    }

    fn nest(self, kind: u16, inner: Self) -> Self {
        self.octets(kind | NLA_F_NESTED, &inner.0)
    }

    fn expression(self, name: &str, data: Self) -> Self {
        self.nest(1, Self::default().text(1, name).nest(2, data))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_in_network_order() {
        let attributes = Attributes::default().text(1, "ab").number(2, 1);
        assert_eq!(attributes.0, [7, 0, 1, 0, b'a', b'b', 0, 0, 8, 0, 2, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_thousand_addresses_fit_their_messages() {
        let list: Vec<IpAddr> = (0..1000u128)
            .map(|number| IpAddr::from(std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | number)))
            .collect();
        let requests = addresses("t", NEW_ELEMENT, list.iter());
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| request.body.len() < usize::from(u16::MAX)));
    }

    #[test]
    fn families_have_sets_of_their_own() {
        let list: [IpAddr; 2] = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        assert_eq!(addresses("t", DELETE_ELEMENT, list.iter()).len(), 2);
    }
}
