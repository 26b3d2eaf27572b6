use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

use super::parse::HEADER;
use super::{Body, Credentials, FamilyMismatch, Packet, VERSION, forwarder};
use crate::Family;

impl Packet {
    /// Octets that [`Packet::emit`] writes.
    #[must_use]
    pub fn wire_octets(&self, credentials: &Credentials<'_>) -> usize {
        let body = match self.body() {
            Body::Announcement { hello, forwarders } => {
                hello.map_or(0, |hello| hello.wire_octets()) + forwarder::OCTETS * forwarders.len()
            }
            Body::Request | Body::Response(_) => forwarder::OCTETS,
        };
        HEADER + credentials.wire_octets() + body
    }

    /// Appends the UDP payload to `out`. `source` is that of the IP header, which a digest covers.
    ///
    /// # Errors
    /// [`FamilyMismatch`]; nothing is written then.
    pub fn emit(
        &self,
        out: &mut BytesMut,
        credentials: &Credentials<'_>,
        source: IpAddr,
    ) -> Result<(), FamilyMismatch> {
        if self.family().is_some_and(|family| family != Family::of(&source)) {
            return Err(FamilyMismatch);
        }
        let start = out.len();
        out.reserve(self.wire_octets(credentials));
        self.write_header(out);
        credentials.write(out, source);
        match self.body() {
            Body::Announcement { hello, forwarders } => {
                if let Some(hello) = hello {
                    hello.write(out);
                }
                forwarders.write(out, self.group());
            }
            Body::Request => forwarder::write_request(out),
            Body::Response(number) => forwarder::write_response(out, self.group(), *number),
        }
        credentials.sign(out.get_mut(start..).unwrap_or_default(), HEADER);
        Ok(())
    }

    fn write_header(&self, out: &mut BytesMut) {
        out.put_u8(VERSION);
        out.put_u8(self.opcode().get());
        out.put_u16(self.group().get());
        out.put_u16(0);
        out.put_slice(&self.owner().octets());
    }
}
