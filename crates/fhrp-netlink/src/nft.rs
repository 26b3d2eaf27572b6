//! Accept_Mode false (RFC 9568 §6.1): one nftables table that drops packets to virtual addresses, written as netlink
//! messages.
//!
//! ```text
//! table inet fhrpd_… {
//!     set vip4 { type ipv4_addr; }
//!     set vip6 { type ipv6_addr; }
//!     chain input {
//!         type filter hook input priority -10; policy accept;
//!         icmpv6 type nd-neighbor-solicit accept
//!         icmpv6 type nd-neighbor-advert accept
//!         ip daddr @vip4 drop
//!         ip6 daddr @vip6 drop
//!     }
//! }
//! ```
//!
//! ARP does not pass an `inet` table, so the addresses go on being resolved. Addresses are in the sets from the moment
//! that a group is known, Active or not: taking over does not touch the table. The table is owned by our socket where
//! the kernel can do that (5.12): `nft flush ruleset` spares it, and it ends with the process.

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
const META_FAMILY: u32 = 15;
const META_PROTOCOL: u32 = 16;
const HEADER_NETWORK: u32 = 1;
const HEADER_TRANSPORT: u32 = 2;
const ICMPV6: u8 = 58;
const NEIGHBOR_SOLICITATION: u8 = 135;
const NEIGHBOR_ADVERTISEMENT: u8 = 136;
const CHAIN: &str = "input";
/// Elements in one message; their list must stay below 64 KiB.
const ELEMENTS: usize = 512;

/// The table, and what is in it.
#[derive(Debug)]
pub(crate) struct Filter {
    table: String,
    /// Opened with the table; with it the table ends.
    socket: Option<KernelSocket>,
    denied: BTreeSet<IpAddr>,
}

impl Filter {
    pub(crate) fn new(table: String) -> Self {
        Self { table, socket: None, denied: BTreeSet::new() }
    }

    /// Whether there are addresses that must not be accepted.
    pub(crate) fn is_empty(&self) -> bool {
        self.denied.is_empty()
    }

    /// Makes exactly these addresses unreachable. The table comes with the first of them.
    pub(crate) fn deny(&mut self, wanted: BTreeSet<IpAddr>) -> Result<(), String> {
        if wanted == self.denied {
            return Ok(());
        }
        let trouble = |what: &dyn std::fmt::Display| {
            format!("accept_mode = false needs nftables, and the kernel refuses its table: {what}")
        };
        if self.socket.is_none() {
            self.socket = Some(self.create().map_err(|error| trouble(&error))?);
        }
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let added: Vec<_> = wanted.difference(&self.denied).copied().collect();
        let removed: Vec<_> = self.denied.difference(&wanted).copied().collect();
        let mut requests = elements(&self.table, NEW_ELEMENT, &added);
        requests.extend(elements(&self.table, DELETE_ELEMENT, &removed));
        transact(socket, requests).map_err(|refusal| trouble(&refusal))?;
        self.denied = wanted;
        Ok(())
    }

    /// Removes the table, if it was made.
    pub(crate) fn remove(&mut self) -> io::Result<()> {
        self.denied.clear();
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
        new_set(table, Family::V4),
        new_set(table, Family::V6),
        new_rule(table, neighbor_discovery(NEIGHBOR_SOLICITATION)),
        new_rule(table, neighbor_discovery(NEIGHBOR_ADVERTISEMENT)),
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

fn new_set(table: &str, family: Family) -> Request {
    // The type's number is for readers such as `nft`; the kernel looks at the length.
    let (number, octets, id) = match family {
        Family::V4 => (7, 4, 1),
        Family::V6 => (8, 16, 2),
    };
    let set = Attributes::default()
        .text(1, table)
        .text(2, set_name(family))
        .number(3, 0)
        .number(4, number)
        .number(5, octets)
        .number(10, id);
    request(NEW_SET, NLM_F_CREATE, set)
}

fn elements(table: &str, kind: u16, addresses: &[IpAddr]) -> Vec<Request> {
    let mut requests = Vec::new();
    for family in [Family::V4, Family::V6] {
        let of_family: Vec<_> = addresses.iter().filter(|address| Family::of(address) == family).collect();
        for chunk in of_family.chunks(ELEMENTS) {
            let list = chunk.iter().fold(Attributes::default(), |list, address| {
                list.nest(1, Attributes::default().nest(1, value(&octets(address))))
            });
            let attributes = Attributes::default().text(1, table).text(2, set_name(family)).nest(3, list);
            requests.push(request(kind, if kind == NEW_ELEMENT { NLM_F_CREATE } else { 0 }, attributes));
        }
    }
    requests
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

/// `icmpv6 type KIND accept`
fn neighbor_discovery(kind: u8) -> Attributes {
    Attributes::default()
        .expression("meta", load_meta(META_PROTOCOL))
        .expression("cmp", equals(&[ICMPV6]))
        .expression("payload", load_payload(HEADER_TRANSPORT, 0, 1))
        .expression("cmp", equals(&[kind]))
        .expression("immediate", verdict(VERDICT_ACCEPT))
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
        let addresses: Vec<IpAddr> = (0..1000u128)
            .map(|number| IpAddr::from(std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | number)))
            .collect();
        let requests = elements("t", NEW_ELEMENT, &addresses);
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| request.body.len() < usize::from(u16::MAX)));
    }

    #[test]
    fn families_have_sets_of_their_own() {
        let addresses = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
        assert_eq!(elements("t", DELETE_ELEMENT, &addresses).len(), 2);
    }
}
