//! Advertisements as octets, sound or spoilt in one respect.
//!
//! Built apart from the codec of `fhrp-wire`, so that a fault of that codec cannot hide in both.

use std::net::{IpAddr, Ipv6Addr};

use fhrp_wire::{Family, MacAddr};

const ETHERNET: usize = 14;
const VRRP: u8 = 112;
const AUTHENTICATION_HEADER: u8 = 51;
const ICMPV6: u8 = 58;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// An advertisement taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) family: Family,
    ethernet: Vec<u8>,
    ip: Vec<u8>,
    /// RFC 9568 §5.1: version and type, VRID, priority, count, interval (2), checksum (2), addresses.
    message: Vec<u8>,
}

/// A frame with one fault, and the counters that it must move.
#[derive(Clone, Debug)]
pub(crate) struct Spoilt {
    pub(crate) counters: Vec<String>,
    pub(crate) frame: Vec<u8>,
}

impl Sample {
    /// Takes a captured advertisement apart.
    pub(crate) fn of(frame: &[u8]) -> Self {
        let (family, header) = match frame[12..ETHERNET] {
            [8, 0] => (Family::V4, 20),
            _ => (Family::V6, 40),
        };
        let (ethernet, packet) = frame.split_at(ETHERNET);
        let (ip, message) = packet.split_at(header);
        Self { family, ethernet: ethernet.to_vec(), ip: ip.to_vec(), message: message.to_vec() }
    }

    /// The same, said by another router.
    pub(crate) fn said_by(mut self, source: IpAddr, priority: u8) -> Self {
        match source {
            IpAddr::V4(source) => self.ip[12..16].copy_from_slice(&source.octets()),
            IpAddr::V6(source) => self.ip[8..24].copy_from_slice(&source.octets()),
        }
        self.message[2] = priority;
        self
    }

    /// The same with another Max_Advertise_Interval, in centiseconds.
    pub(crate) fn every(mut self, centiseconds: u16) -> Self {
        self.message[4..6].copy_from_slice(&centiseconds.to_be_bytes());
        self
    }

    /// The frame, with lengths and checksums put right.
    pub(crate) fn sealed(&self) -> Vec<u8> {
        let (mut ip, mut message) = (self.ip.clone(), self.message.clone());
        let length = u16::try_from(message.len()).unwrap();
        message[6..8].fill(0);
        let pseudo_header = match self.family {
            Family::V4 => {
                ip[2..4].copy_from_slice(&(length + 20).to_be_bytes());
                seal_ipv4(&mut ip);
                0
            }
            Family::V6 => {
                ip[4..6].copy_from_slice(&length.to_be_bytes());
                sum(&ip[8..40]) + u32::from(length) + u32::from(VRRP)
            }
        };
        let checksum = !fold(sum(&message) + pseudo_header);
        message[6..8].copy_from_slice(&checksum.to_be_bytes());
        [self.ethernet.as_slice(), &ip, &message].concat()
    }

    /// How long its message is.
    pub(crate) fn message_octets(&self) -> usize {
        self.message.len()
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.sealed()
    }

    fn sealed_then(&self, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut frame = self.sealed();
        change(&mut frame);
        frame
    }

    /// One frame for each rule of RFC 9568 §7.1 and each way in which a packet is none for this router, whose address
    /// is `own`.
    pub(crate) fn spoilt(&self, own: IpAddr) -> Vec<Spoilt> {
        let mut all = self.spoilt_messages(own);
        all.extend(match self.family {
            Family::V4 => self.spoilt_in_ipv4(),
            Family::V6 => self.spoilt_in_ipv6(),
        });
        all
    }

    fn spoilt_messages(&self, own: IpAddr) -> Vec<Spoilt> {
        let checksum_at = ETHERNET + self.ip.len() + 6;
        vec![
            self.both("version-errors", self.changed(|it| it.message[0] = 0x11)),
            self.both("version-errors", self.changed(|it| it.message[0] = 0x41)),
            self.both("version-errors", self.changed(Self::speak_version_2)),
            self.both("invalid-type-pkts-rcvd", self.changed(|it| it.message[0] = 0x32)),
            self.both("packet-length-errors", self.changed(|it| it.message[3] += 1)),
            self.both("packet-length-errors", self.changed(|it| it.message.extend([0; 4]))),
            self.both("packet-length-errors", self.changed(|it| it.message.truncate(10))),
            self.both("checksum-errors", self.sealed_then(|frame| frame[checksum_at] ^= 0xff)),
            self.interface("vrid-errors", self.changed(|it| it.message[1] = 99)),
            self.interface("carp-pkts-rcvd", self.changed(Self::speak_carp)),
            self.group("count-zero-errors", self.changed(Self::name_nothing)),
            self.group("interval-zero-errors", self.changed(|it| it.message[4..6].fill(0))),
            self.group("looped", self.clone().said_by(own, self.message[2]).sealed()),
        ]
    }

    fn spoilt_in_ipv4(&self) -> Vec<Spoilt> {
        vec![
            self.both("ip-ttl-errors", self.changed(|it| it.ip[8] = 254)),
            self.both("destination-errors", self.changed(|it| it.ip[19] = 1)),
            self.interface("fragments", self.changed(|it| it.ip[6] = 0x20)),
            self.interface("ip-checksum-errors", self.sealed_then(|frame| frame[ETHERNET + 10] ^= 0xff)),
            self.interface("packet-length-errors", self.sealed_then(claim_one_more_octet)),
            self.interface("auth-header-pkts-rcvd", self.changed(Self::wrap_in_authentication)),
        ]
    }

    fn spoilt_in_ipv6(&self) -> Vec<Spoilt> {
        // 2001:db8::1 in front, where the virtual link-local belongs.
        let global = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        vec![
            self.both("ip-ttl-errors", self.changed(|it| it.ip[7] = 254)),
            self.both("destination-errors", self.changed(|it| it.ip[39] = 1)),
            self.interface("packet-length-errors", self.sealed_then(|frame| frame[ETHERNET + 5] += 1)),
            self.group("address-list-errors", self.changed(|it| it.message[8..24].copy_from_slice(&global))),
        ]
    }

    /// RFC 3768 §5.1, where that is possible: no authentication, one second, and the authentication data.
    fn speak_version_2(&mut self) {
        self.message[0] = 0x21;
        self.message[4..6].copy_from_slice(&[0, 1]);
        self.message.extend([0; 8]);
    }

    /// CARP: version 2, type 1, 7 words of digest and counter, 36 octets.
    fn speak_carp(&mut self) {
        self.message[0] = 0x21;
        self.message[3] = 7;
        self.message.resize(36, 0);
    }

    /// No address.
    fn name_nothing(&mut self) {
        self.message[3] = 0;
        self.message.truncate(8);
    }

    /// RFC 2338 §5.3.6: the authentication header begins with what it is in front of.
    fn wrap_in_authentication(&mut self) {
        self.ip[9] = AUTHENTICATION_HEADER;
        self.message.insert(0, VRRP);
    }

    fn family_number(&self) -> u8 {
        match self.family {
            Family::V4 => 4,
            Family::V6 => 6,
        }
    }

    fn interface(&self, counter: &str, frame: Vec<u8>) -> Spoilt {
        Spoilt { counters: vec![format!("lan0 {counter}")], frame }
    }

    fn group(&self, counter: &str, frame: Vec<u8>) -> Spoilt {
        let name = format!("group {}/{} {counter}", self.family_number(), self.message[1]);
        Spoilt { counters: vec![name], frame }
    }

    /// Counted on the interface and in the group.
    fn both(&self, counter: &str, frame: Vec<u8>) -> Spoilt {
        let Spoilt { mut counters, frame } = self.group(counter, frame);
        counters.push(format!("lan0 {counter}"));
        Spoilt { counters, frame }
    }

    /// The sound frame cut after each octet, and with each bit turned that anything protects: the Ethernet addresses,
    /// and IPv6's traffic class and flow label, say nothing about an advertisement.
    pub(crate) fn mutilated(&self) -> Vec<Vec<u8>> {
        let frame = self.sealed();
        let unprotected = match self.family {
            Family::V4 => 0..0,
            Family::V6 => ETHERNET * 8 + 4..ETHERNET * 8 + 32,
        };
        let cut = (ETHERNET..frame.len()).map(|length| frame[..length].to_vec());
        let bits = (12 * 8..frame.len() * 8).filter(|bit| !unprotected.contains(bit));
        let turned = bits.map(|bit| {
            let mut frame = frame.clone();
            frame[bit / 8] ^= 0x80 >> (bit % 8);
            frame
        });
        cut.chain(turned).collect()
    }

    /// Whether a mutilated frame still is one of protocol 112, so that the daemon hears of it.
    pub(crate) fn is_heard(&self, frame: &[u8]) -> bool {
        let protocol_at = match self.family {
            Family::V4 => ETHERNET + 9,
            Family::V6 => ETHERNET + 6,
        };
        frame[12..ETHERNET] == self.ethernet[12..] && frame.get(protocol_at) == Some(&VRRP)
    }
}

/// IPv4's total length, and its checksum with it.
fn claim_one_more_octet(frame: &mut [u8]) {
    frame[ETHERNET + 3] += 1;
    seal_ipv4(&mut frame[ETHERNET..ETHERNET + 20]);
}

fn seal_ipv4(header: &mut [u8]) {
    header[10..12].fill(0);
    let checksum = !fold(sum(header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// An ICMPv6 message to all nodes of the link; its checksum is put in.
pub(crate) fn icmpv6_to_all((mac, source): (MacAddr, Ipv6Addr), mut message: Vec<u8>) -> Vec<u8> {
    let ends = [source.octets(), ALL_NODES.octets()].concat();
    let length = u16::try_from(message.len()).unwrap();
    message[2..4].fill(0);
    let checksum = !fold(sum(&message) + sum(&ends) + u32::from(length) + u32::from(ICMPV6));
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = fhrp_lab::ethernet(MacAddr([0x33, 0x33, 0, 0, 0, 1]), mac, 0x86dd);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend(length.to_be_bytes());
    frame.extend([ICMPV6, 255]);
    [frame, ends, message].concat()
}

fn sum(octets: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low));
    octets.chunks(2).map(word).sum()
}

/// RFC 1071 §1: carries are added at the other end.
fn fold(mut sum: u32) -> u16 {
    while let Some(carry) = Some(sum >> 16).filter(|carry| *carry > 0) {
        sum = (sum & 0xffff) + carry;
    }
    u16::try_from(sum).unwrap()
}
