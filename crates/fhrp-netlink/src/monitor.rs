//! The thread that listens to the kernel and hands on what it says.
//!
//! Subscribed first, listed then, all on one socket: nothing is lost between, and what arrives is in the order in
//! which it happened. When the kernel had to drop messages (`ENOBUFS`), everything is listed again.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::Sender;

use fhrp::Family;
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rtnetlink::MulticastGroup;
use rustix::event::{PollFd, PollFlags, poll};

use crate::facts::{AddressFacts, LinkFacts};
use crate::requests::{list_addresses, list_links};
use crate::socket::{Request, append_message, for_each_message};
use crate::worker::Job;

const GROUPS: [MulticastGroup; 6] = [
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Ipv4Netconf,
    MulticastGroup::Ipv6Netconf,
    // The kernel does not report `disable_ipv6`, but it does report a device whose IPv6 comes to life.
    MulticastGroup::Ipv6Ifinfo,
];
/// Room for the reports of some thousand changes at once; more leads to a new listing, not to an error.
const RECEIVE_BUFFER_OCTETS: libc::c_int = 4 * 1024 * 1024;
const INCOMING_OCTETS: usize = 64 * 1024;

/// One thing that the kernel said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// A link exists and looks like this.
    Link(LinkFacts),
    /// A link is gone.
    LinkGone(u32),
    /// An address exists.
    Address(AddressFacts),
    /// An address is gone.
    AddressGone(AddressFacts),
    /// A link's forwarding setting was written, or its IPv6 was switched on.
    GateMoved(u32),
    /// The forwarding setting of the whole host was written.
    HostForwarding(Family, bool),
    /// A complete listing begins.
    ListingBegins,
    /// It has ended.
    ListingEnds,
}

/// Which part of a listing is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listing {
    Idle,
    Links,
    Addresses,
}

/// The listening end.
#[derive(Debug)]
pub(crate) struct Monitor {
    socket: Socket,
    /// Closed at its other end when it is time to stop.
    stop: OwnedFd,
    jobs: Sender<Job>,
    listing: Listing,
    /// The tables changed or messages were lost: list once more.
    again: bool,
    sequence: u32,
}

impl Monitor {
    /// Subscribes, in the calling thread's network namespace.
    pub(crate) fn new(stop: OwnedFd, jobs: Sender<Job>) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        // Not fatal: a smaller buffer only makes a new listing likelier.
        if let Err(error) = socket.set_rx_buf_sz(RECEIVE_BUFFER_OCTETS) {
            tracing::debug!(%error, "the receive buffer of the netlink monitor keeps its size");
        }
        socket.bind_auto()?;
        for group in GROUPS {
            socket.add_membership(group as u32)?;
        }
        Ok(Self { socket, stop, jobs, listing: Listing::Idle, again: false, sequence: 0 })
    }

    /// Listens until told to stop or nobody wants to hear.
    pub(crate) fn run(mut self) {
        let mut incoming = Vec::with_capacity(INCOMING_OCTETS);
        if let Err(error) = self.begin_listing() {
            return tracing::error!(%error, "links and addresses cannot be listed");
        }
        while self.wait() {
            incoming.clear();
            let news = match self.socket.recv(&mut incoming, libc::MSG_DONTWAIT) {
                Ok(_) => self.read(&incoming),
                Err(error) => self.recover(&error),
            };
            let mut news = news.unwrap_or_else(|error| {
                tracing::error!(%error, "links and addresses cannot be listed");
                Vec::new()
            });
            // Thousands may wait while the worker makes macvlans.
            news.shrink_to_fit();
            if !news.is_empty() && self.jobs.send(Job::News(news)).is_err() {
                return;
            }
        }
    }

    /// `false` when it is time to stop.
    fn wait(&self) -> bool {
        let mut waiting = [
            PollFd::new(&self.socket, PollFlags::IN),
            PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN),
        ];
        loop {
            match poll(&mut waiting, None) {
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "the netlink monitor cannot wait");
                    return false;
                }
            }
        }
        let [_, stop] = &waiting;
        stop.revents().is_empty()
    }

    fn recover(&mut self, error: &io::Error) -> io::Result<Vec<News>> {
        if error.raw_os_error() == Some(libc::ENOBUFS) {
            tracing::debug!("the kernel dropped netlink messages; listing anew");
            self.again = true;
            if self.listing == Listing::Idle {
                self.begin_listing()?;
                return Ok(vec![News::ListingBegins]);
            }
        }
        Ok(Vec::new())
    }

    fn read(&mut self, datagram: &[u8]) -> io::Result<Vec<News>> {
        let mut news = Vec::new();
        let mut listed = false;
        let mut interrupted = false;
        for_each_message(datagram, |message: NetlinkMessage<Report>| {
            interrupted |= message.header.flags & NLM_F_DUMP_INTR != 0;
            if let NetlinkPayload::InnerMessage(report) = message.payload {
                news.extend(report.0);
            } else if matches!(message.payload, NetlinkPayload::Done(_) | NetlinkPayload::Error(_)) {
                listed = true;
            }
        });
        self.again |= interrupted;
        if listed {
            news.extend(self.next_listing()?);
        }
        Ok(news)
    }

    /// One part of a listing has ended: on to the next.
    fn next_listing(&mut self) -> io::Result<Option<News>> {
        match self.listing {
            Listing::Idle => Ok(None),
            Listing::Links => {
                self.listing = Listing::Addresses;
                self.request(&list_addresses())?;
                Ok(None)
            }
            Listing::Addresses if self.again => {
                self.begin_listing()?;
                Ok(Some(News::ListingBegins))
            }
            Listing::Addresses => {
                self.listing = Listing::Idle;
                Ok(Some(News::ListingEnds))
            }
        }
    }

    fn begin_listing(&mut self) -> io::Result<()> {
        self.again = false;
        self.listing = Listing::Links;
        self.request(&list_links())
    }

    fn request(&mut self, message: &RouteNetlinkMessage) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut datagram = Vec::new();
        append_message(&mut datagram, &Request::route(0, message), NLM_F_REQUEST | NLM_F_DUMP, self.sequence);
        self.socket.send_to(&datagram, &SocketAddr::new(0, 0), 0).map(|_| ())
    }
}

/// A message of the kernel, already cut down. Its own type because the ready-made one knows no `RTM_NEWNETCONF`.
#[derive(Debug)]
struct Report(Option<News>);

/// `RTM_NEWNETCONF`.
const NEW_NETCONF: u16 = 80;

impl NetlinkDeserializable for Report {
    type Error = netlink_packet_core::DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Self::Error> {
        if header.message_type == NEW_NETCONF {
            return Ok(Self(read_netconf(payload)));
        }
        RouteNetlinkMessage::deserialize(header, payload).map(|message| Self(read_route(&message)))
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kernel has dozens of messages, these are subscribed to"
)]
fn read_route(message: &RouteNetlinkMessage) -> Option<News> {
    match message {
        RouteNetlinkMessage::NewLink(link) if link.header.interface_family == AddressFamily::Inet6 => {
            Some(News::GateMoved(link.header.index))
        }
        RouteNetlinkMessage::NewLink(link) => LinkFacts::read(link).map(News::Link),
        RouteNetlinkMessage::DelLink(link) => LinkFacts::read(link).map(|facts| News::LinkGone(facts.index)),
        RouteNetlinkMessage::NewAddress(address) => AddressFacts::read(address).map(News::Address),
        RouteNetlinkMessage::DelAddress(address) => AddressFacts::read(address).map(News::AddressGone),
        _ => None,
    }
}

/// `struct netconfmsg` (the family, padded to 4 octets), then attributes.
fn read_netconf(payload: &[u8]) -> Option<News> {
    const INTERFACE: u16 = 1;
    const FORWARDING: u16 = 2;
    const ALL_DEVICES: i32 = -1;
    let (family, attributes) = payload.split_at_checked(4)?;
    let family = match i32::from(*family.first()?) {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return None,
    };
    let mut index = None;
    let mut forwarding = None;
    for attribute in NlasIterator::new(attributes).map_while(Result::ok) {
        let value = attribute.value().try_into().ok().map(i32::from_ne_bytes);
        match attribute.kind() {
            INTERFACE => index = value,
            FORWARDING => forwarding = value,
            _ => {}
        }
    }
    match (index?, forwarding?) {
        (ALL_DEVICES, forwarding) => Some(News::HostForwarding(family, forwarding != 0)),
        (index, _) => u32::try_from(index).ok().map(News::GateMoved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn netconf(family: u8, index: i32, forwarding: i32) -> Vec<u8> {
        let mut payload = vec![family, 0, 0, 0, 8, 0, 1, 0];
        payload.extend_from_slice(&index.to_ne_bytes());
        payload.extend_from_slice(&[8, 0, 2, 0]);
        payload.extend_from_slice(&forwarding.to_ne_bytes());
        payload
    }

    #[test]
    fn lost_messages_lead_to_a_new_listing() {
        let (stopped, _stop) = rustix::pipe::pipe().unwrap();
        let (jobs, _inbox) = std::sync::mpsc::channel();
        let mut monitor = Monitor::new(stopped, jobs).unwrap();
        let mut news = monitor.recover(&io::Error::from_raw_os_error(libc::ENOBUFS)).unwrap();
        assert_eq!(news, [News::ListingBegins]);
        // The kernel reports a second loss while the listing is under way: once more from the start.
        assert_eq!(monitor.recover(&io::Error::from_raw_os_error(libc::ENOBUFS)).unwrap(), []);
        let mut incoming = Vec::with_capacity(INCOMING_OCTETS);
        while news.last() != Some(&News::ListingEnds) {
            assert!(monitor.wait());
            incoming.clear();
            monitor.socket.recv(&mut incoming, libc::MSG_DONTWAIT).unwrap();
            news.extend(monitor.read(&incoming).unwrap());
        }
        assert_eq!(news.iter().filter(|item| **item == News::ListingBegins).count(), 2);
        assert!(news.iter().any(|item| matches!(item, News::Link(facts) if facts.name == "lo")), "{news:?}");
    }

    #[test]
    fn netconf_of_a_device_and_of_the_host() {
        assert_eq!(read_netconf(&netconf(2, 7, 1)), Some(News::GateMoved(7)));
        assert_eq!(read_netconf(&netconf(10, -1, 0)), Some(News::HostForwarding(Family::V6, false)));
        // The pseudo device "default".
        assert_eq!(read_netconf(&netconf(2, -2, 1)), None);
    }

    #[test]
    fn cut_netconf_says_nothing() {
        let whole = netconf(2, 7, 1);
        for length in 0..whole.len() {
            assert_eq!(read_netconf(&whole[..length]), None, "{length}");
        }
    }
}
