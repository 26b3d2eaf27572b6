use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

use super::auth::{AuthData, FIELD};
use super::{Advertisement, Body, ChecksumForm, FamilyMismatch, PROTOCOL, Version};
use crate::Family;
use crate::checksum::Sum;

/// Octets before the addresses.
pub(super) const HEADER: usize = 8;
const CHECKSUM: std::ops::Range<usize> = 6..8;
/// The only type there is (RFC 9568 §5.2.2).
pub(super) const TYPE_ADVERTISEMENT: u8 = 1;

impl Advertisement<'_> {
    /// Octets that [`Advertisement::emit`] writes.
    #[must_use]
    pub fn wire_octets(&self) -> usize {
        let auth = match &self.body() {
            Body::V2 { auth, .. } => AuthData::wire_octets(auth.auth_type()),
            Body::V3 { .. } => 0,
        };
        HEADER + self.addresses().len() * self.family().address_octets() + auth
    }

    /// Appends the VRRP payload to `out`, with its checksum. `source` and `destination` are those of the IP
    /// header; `form` matters for version 3 over IPv4 only.
    ///
    /// # Errors
    /// [`FamilyMismatch`]; nothing is written then.
    pub fn emit(
        &self,
        out: &mut BytesMut,
        source: IpAddr,
        destination: IpAddr,
        form: ChecksumForm,
    ) -> Result<(), FamilyMismatch> {
        if Family::of(&source) != self.family() || Family::of(&destination) != self.family() {
            return Err(FamilyMismatch);
        }
        let start = out.len();
        write_message(self, out);
        let message = out.get_mut(start..).unwrap_or_default();
        let pseudo_header = match (self.version(), self.family(), form) {
            (Version::V2, _, _) | (Version::V3, Family::V4, ChecksumForm::Rfc9568) => Sum::default(),
            (Version::V3, Family::V4, ChecksumForm::Rfc5798) | (Version::V3, Family::V6, _) => {
                pseudo_header(source, destination, message.len())
            }
        };
        let checksum = pseudo_header.add(message).complement();
        if let Some(field) = message.get_mut(CHECKSUM) {
            field.copy_from_slice(&checksum);
        }
        Ok(())
    }
}

/// The message that Cisco's digest covers: everything before the block, checksum zero.
pub(super) fn md5_message(advertisement: &Advertisement<'_>) -> BytesMut {
    let mut message = BytesMut::with_capacity(advertisement.wire_octets());
    write_message(advertisement, &mut message);
    let addresses = advertisement.addresses().len() * advertisement.family().address_octets();
    message.truncate(HEADER + addresses + FIELD);
    message
}

pub(super) fn pseudo_header(source: IpAddr, destination: IpAddr, length: usize) -> Sum {
    // A message has at most 8 + 255 * 16 octets.
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    Sum::of_pseudo_header(source, destination, PROTOCOL, length)
}

/// The whole message with a checksum of zero.
fn write_message(advertisement: &Advertisement<'_>, out: &mut BytesMut) {
    out.reserve(advertisement.wire_octets());
    out.put_u8(advertisement.version().get() << 4 | TYPE_ADVERTISEMENT);
    out.put_u8(advertisement.vrid().get());
    out.put_u8(advertisement.priority());
    // The list holds at most 255.
    out.put_u8(u8::try_from(advertisement.addresses().len()).unwrap_or(u8::MAX));
    match advertisement.body() {
        Body::V2 { interval, auth } => {
            out.put_u8(auth.auth_type());
            out.put_u8(interval.get());
        }
        // The four reserved bits above the interval are zero (RFC 9568 §5.2.6).
        Body::V3 { interval } => out.put_u16(interval.get()),
    }
    out.put_u16(0);
    for address in advertisement.addresses() {
        match address {
            IpAddr::V4(address) => out.put_slice(&address.octets()),
            IpAddr::V6(address) => out.put_slice(&address.octets()),
        }
    }
    if let Body::V2 { auth, .. } = advertisement.body() {
        auth.write(out);
    }
}
