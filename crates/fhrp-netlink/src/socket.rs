//! A netlink socket for requests: batches out, outcomes back.
//!
//! The kernel carries out a request while it is being sent, so everything it answers is there when `send` returns.
//! Reading therefore never waits: a missing answer is an error, not a hang.

use std::fmt;
use std::io;

use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NetlinkSerializable, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, SocketAddr};

/// Messages in one datagram; more gains nothing, and a take-over waits behind at most one datagram.
pub(crate) const BATCH: usize = 64;

/// Octets of a netlink header.
const HEADER_OCTETS: usize = 16;
/// The kernel fills at most 32 KiB of a dump into one datagram.
const INCOMING_OCTETS: usize = 64 * 1024;
/// Times that a dump which changed under our eyes is asked for again.
const DUMP_ATTEMPTS: u32 = 5;
/// `NLMSGERR_ATTR_MSG`.
const ERROR_TEXT: u16 = 1;

/// One request, still without a sequence number.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// A request to the routing part of the kernel.
    pub(crate) fn route(flags: u16, message: &RouteNetlinkMessage) -> Self {
        let mut body = vec![0; message.buffer_len()];
        message.serialize(&mut body);
        Self { kind: message.message_type(), flags, body }
    }
}

/// The kernel's refusal of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// `errno`, positive.
    pub(crate) errno: i32,
    /// What the kernel added in words.
    detail: Option<String>,
}

impl Refusal {
    fn of(error: &ErrorMessage) -> Option<Self> {
        let errno = error.code?.get().checked_abs()?;
        Some(Self { errno, detail: error_text(&error.header) })
    }

    /// From an error of the socket itself.
    pub(crate) fn io(error: &io::Error) -> Self {
        Self { errno: error.raw_os_error().unwrap_or(libc::EIO), detail: None }
    }

    fn unanswered() -> Self {
        Self { errno: libc::EPROTO, detail: Some("the kernel did not answer".to_owned()) }
    }

    /// Whether the thing that was to go is not there.
    pub(crate) fn is_absence(&self) -> bool {
        [libc::ENODEV, libc::EADDRNOTAVAIL, libc::ENOENT, libc::ESRCH].contains(&self.errno)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        io::Error::from_raw_os_error(self.errno).fmt(f)?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        match self.errno {
            libc::EPERM | libc::EACCES => f.write_str("; the capability CAP_NET_ADMIN is needed"),
            _ => Ok(()),
        }
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        match refusal.detail {
            None => Self::from_raw_os_error(refusal.errno),
            Some(_) => Self::other(refusal.to_string()),
        }
    }
}

/// How one request went.
pub(crate) type Outcome = Result<(), Refusal>;

/// A socket of one netlink protocol.
#[derive(Debug)]
pub(crate) struct KernelSocket {
    socket: Socket,
    sequence: u32,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
}

impl KernelSocket {
    /// Opens a socket of a netlink protocol such as `NETLINK_ROUTE`, in the calling thread's namespace.
    pub(crate) fn open(protocol: isize) -> io::Result<Self> {
        let mut socket = Socket::new(protocol)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_cap_ack(true)?;
        socket.set_ext_ack(true)?;
        Ok(Self { socket, sequence: 0, outgoing: Vec::new(), incoming: Vec::with_capacity(INCOMING_OCTETS) })
    }

    /// The number of the link with this name.
    pub(crate) fn index_of(&self, name: &str) -> Option<u32> {
        rustix::net::netdevice::name_to_index(&self.socket, name).ok()
    }

    /// Carries out requests in order, [`BATCH`] to a datagram; one outcome for each. A refusal does not stop the rest.
    pub(crate) fn exchange(&mut self, requests: &[Request]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(BATCH) {
            match self.exchange_datagram(chunk, chunk.len().saturating_sub(1)) {
                Ok(answers) => outcomes.extend(answers),
                Err(error) => outcomes.extend(chunk.iter().map(|_| Err(Refusal::io(&error)))),
            }
        }
        outcomes
    }

    /// The same for a single request.
    pub(crate) fn execute(&mut self, request: Request) -> Outcome {
        self.exchange(&[request]).pop().unwrap_or_else(|| Err(Refusal::unanswered()))
    }

    /// Sends a single datagram. Only the request at `acknowledged` asks for an acknowledgement: refusals come without
    /// being asked for, and before it.
    pub(crate) fn exchange_datagram(
        &mut self,
        requests: &[Request],
        acknowledged: usize,
    ) -> io::Result<Vec<Outcome>> {
        let first = self.sequence.wrapping_add(1);
        let mut last = first;
        self.outgoing.clear();
        for (index, request) in requests.iter().enumerate() {
            let flags = if index == acknowledged { NLM_F_ACK } else { 0 };
            self.append(request, NLM_F_REQUEST | flags);
            last = if index == acknowledged { self.sequence } else { last };
        }
        self.send()?;
        let mut outcomes = vec![Ok(()); requests.len()];
        let mut complete = false;
        self.drain(|message: NetlinkMessage<Opaque>| {
            let NetlinkPayload::Error(error) = &message.payload else { return };
            let number = message.header.sequence_number;
            complete |= number == last;
            let index = usize::try_from(number.wrapping_sub(first)).unwrap_or(usize::MAX);
            if let (Some(outcome), Some(refusal)) = (outcomes.get_mut(index), Refusal::of(error)) {
                *outcome = Err(refusal);
            }
        })?;
        // A batch of nf_tables that fails as a whole is answered for its first message only.
        if !complete
            && outcomes.iter().all(Result::is_ok)
            && let Some(outcome) = outcomes.get_mut(acknowledged)
        {
            *outcome = Err(Refusal::unanswered());
        }
        Ok(outcomes)
    }

    /// Asks for all objects of a kind.
    pub(crate) fn dump(&mut self, message: &RouteNetlinkMessage) -> io::Result<Vec<RouteNetlinkMessage>> {
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(objects) = self.dump_once(message)? {
                return Ok(objects);
            }
        }
        Err(io::Error::other("the kernel's tables change too fast to be listed"))
    }

    /// Asks for one object; `None` if there is none.
    pub(crate) fn find(
        &mut self,
        message: &RouteNetlinkMessage,
    ) -> Result<Option<RouteNetlinkMessage>, Refusal> {
        self.outgoing.clear();
        self.append(&Request::route(0, message), NLM_F_REQUEST);
        self.send().map_err(|error| Refusal::io(&error))?;
        let number = self.sequence;
        let mut answer = Err(Refusal::unanswered());
        self.drain(|message: NetlinkMessage<RouteNetlinkMessage>| {
            if message.header.sequence_number != number {
                return;
            }
            if let NetlinkPayload::InnerMessage(object) = message.payload {
                answer = Ok(Some(object));
            } else if let NetlinkPayload::Error(error) = message.payload
                && let Some(refusal) = Refusal::of(&error)
            {
                answer = if refusal.is_absence() { Ok(None) } else { Err(refusal) };
            }
        })
        .map_err(|error| Refusal::io(&error))?;
        answer
    }

    /// `None` when the table changed meanwhile, so that the list may have holes.
    fn dump_once(&mut self, message: &RouteNetlinkMessage) -> io::Result<Option<Vec<RouteNetlinkMessage>>> {
        self.outgoing.clear();
        self.append(&Request::route(0, message), NLM_F_REQUEST | NLM_F_DUMP);
        self.send()?;
        let number = self.sequence;
        let mut objects = Vec::new();
        let mut whole = true;
        let mut refusal = None;
        self.drain(|message: NetlinkMessage<RouteNetlinkMessage>| {
            if message.header.sequence_number != number {
                return;
            }
            whole &= message.header.flags & NLM_F_DUMP_INTR == 0;
            if let NetlinkPayload::InnerMessage(object) = message.payload {
                objects.push(object);
            } else if let NetlinkPayload::Error(error) = message.payload {
                refusal = Refusal::of(&error);
            }
        })?;
        match refusal {
            Some(refusal) => Err(refusal.into()),
            None => Ok(whole.then_some(objects)),
        }
    }

    fn append(&mut self, request: &Request, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        append_message(&mut self.outgoing, request, flags | request.flags, self.sequence);
    }

    fn send(&self) -> io::Result<()> {
        self.socket.send(&self.outgoing, 0).map(|_| ())
    }

    /// Reads what is there. A message that cannot be understood is passed over.
    fn drain<M>(&mut self, mut each: impl FnMut(NetlinkMessage<M>)) -> io::Result<()>
    where
        M: netlink_packet_core::NetlinkDeserializable,
    {
        loop {
            self.incoming.clear();
            match self.socket.recv(&mut self.incoming, libc::MSG_DONTWAIT) {
                Ok(_) => for_each_message(&self.incoming, &mut each),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Cuts a datagram into its messages.
pub(crate) fn for_each_message<M>(datagram: &[u8], mut each: impl FnMut(NetlinkMessage<M>))
where
    M: netlink_packet_core::NetlinkDeserializable,
{
    let mut rest = datagram;
    while let Some(octets) = rest.first_chunk::<4>() {
        let length = usize::try_from(u32::from_ne_bytes(*octets)).unwrap_or(usize::MAX);
        let Some(one) = rest.get(..length).filter(|one| one.len() >= HEADER_OCTETS) else { return };
        match NetlinkMessage::deserialize(one) {
            Ok(message) => each(message),
            Err(error) => tracing::debug!(%error, "a netlink message was not understood"),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
}

/// Writes a message with its header.
pub(crate) fn append_message(buffer: &mut Vec<u8>, request: &Request, flags: u16, sequence: u32) {
    let length = HEADER_OCTETS + request.body.len();
    buffer.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    buffer.extend_from_slice(&request.kind.to_ne_bytes());
    buffer.extend_from_slice(&flags.to_ne_bytes());
    buffer.extend_from_slice(&sequence.to_ne_bytes());
    buffer.extend_from_slice(&0u32.to_ne_bytes());
    buffer.extend_from_slice(&request.body);
    buffer.resize(buffer.len().next_multiple_of(4), 0);
}

/// The kernel's own words about an error: attributes that follow the echoed header.
fn error_text(echo: &[u8]) -> Option<String> {
    let attributes = echo.get(HEADER_OCTETS..)?;
    let attributes = NlasIterator::new(attributes).map_while(Result::ok);
    let text = attributes.into_iter().find(|attribute| attribute.kind() == ERROR_TEXT)?;
    let text = String::from_utf8_lossy(text.value());
    Some(text.trim_end_matches('\0').to_owned())
}

/// A message whose content does not matter.
#[derive(Debug)]
struct Opaque;

impl netlink_packet_core::NetlinkDeserializable for Opaque {
    type Error = std::convert::Infallible;

    fn deserialize(_header: &NetlinkHeader, _payload: &[u8]) -> Result<Self, Self::Error> {
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_padded_and_found_again() {
        let mut datagram = Vec::new();
        append_message(&mut datagram, &Request { kind: 40, flags: 0, body: vec![1; 5] }, 1, 7);
        append_message(&mut datagram, &Request { kind: 41, flags: 0, body: vec![] }, 1, 8);
        let mut seen = Vec::new();
        for_each_message(&datagram, |message: NetlinkMessage<Opaque>| {
            seen.push((message.header.message_type, message.header.sequence_number));
        });
        assert_eq!(datagram.len(), 24 + 16);
        assert_eq!(seen, [(40, 7), (41, 8)]);
    }

    #[test]
    fn a_cut_datagram_ends_quietly() {
        let mut datagram = Vec::new();
        append_message(&mut datagram, &Request { kind: 40, flags: 0, body: vec![1; 8] }, 1, 7);
        for length in 0..datagram.len() {
            let mut seen = 0;
            for_each_message(&datagram[..length], |_: NetlinkMessage<Opaque>| seen += 1);
            assert_eq!(seen, 0, "{length}");
        }
    }

    #[test]
    fn a_refusal_names_the_capability() {
        let refusal = Refusal { errno: libc::EPERM, detail: None };
        assert!(refusal.to_string().contains("CAP_NET_ADMIN"), "{refusal}");
    }
}
