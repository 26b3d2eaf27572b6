use std::net::IpAddr;

use bytes::{BufMut, BytesMut};

use super::auth::{self, Credentials, MD5_BLOCK, TEXT};
use super::{InterfaceState, Message, Version};
use crate::{Family, MacAddr};

/// First octet of version 1 (RFC 2281 §5.1).
pub(super) const VERSION_1: u8 = 0;
/// Version octet of the Group State TLV.
pub(super) const VERSION_2: u8 = 2;
/// The opcode that only version 1 has.
pub(super) const OPCODE_ADVERTISE: u8 = 3;

/// Octets of a version 1 message without MD5.
pub(super) const V1: usize = 20;
/// Version 1, Advertise: the type, and the length that counts from the type to the end.
pub(super) const ADVERTISE_TYPE: u16 = 1;
pub(super) const ADVERTISE_LENGTH: u16 = 14;

pub(super) const TYPE_GROUP_STATE: u8 = 1;
pub(super) const TYPE_INTERFACE_STATE: u8 = 2;
pub(super) const TYPE_TEXT: u8 = 3;
/// Octets behind type and length.
pub(super) const GROUP_STATE: u8 = 40;
pub(super) const INTERFACE_STATE: u8 = 4;
pub(super) const TEXT_VALUE: u8 = 8;
/// Of the 16 octets for a virtual address, those that an IPv4 address leaves over.
const ADDRESS_PADDING: usize = 12;

impl Message {
    /// Octets that [`Message::emit`] writes.
    #[must_use]
    pub const fn wire_octets(&self, credentials: &Credentials<'_>) -> usize {
        match (self.group().variant().version(), credentials) {
            (Version::V1, Credentials::None | Credentials::Text(_)) => V1,
            (Version::V1, Credentials::Md5 { .. }) => V1 + MD5_BLOCK,
            (Version::V2, Credentials::None) => 42,
            (Version::V2, Credentials::Text(_)) => 42 + 2 + TEXT,
            (Version::V2, Credentials::Md5 { .. }) => 42 + MD5_BLOCK,
        }
    }

    /// Appends the UDP payload to `out`, authenticated. Padding and reserved fields are zero.
    pub fn emit(&self, out: &mut BytesMut, credentials: &Credentials<'_>) {
        let start = out.len();
        out.reserve(self.wire_octets(credentials));
        match self.group().variant().version() {
            Version::V1 => self.write_v1(out, credentials),
            Version::V2 => {
                self.write_group_state(out);
                if let Credentials::Text(key) = credentials {
                    out.put_slice(&[TYPE_TEXT, TEXT_VALUE]);
                    out.put_slice(&key.octets());
                }
            }
        }
        if let Credentials::Md5 { key, key_id, source } = *credentials {
            auth::sign(out, start, key, (key_id, source));
        }
    }

    fn write_v1(&self, out: &mut BytesMut, credentials: &Credentials<'_>) {
        let [hello, hold] = self.wire_timers().map(|timer| u8::try_from(timer).unwrap_or(u8::MAX));
        let [_, group] = self.group().number().to_be_bytes();
        let state = self.state().to_wire(Version::V1);
        out.put_slice(&[VERSION_1, self.opcode().get(), state, hello, hold, self.priority(), group, 0]);
        match credentials {
            Credentials::Text(key) => out.put_slice(&key.octets()),
            Credentials::None | Credentials::Md5 { .. } => out.put_bytes(0, TEXT),
        }
        match self.address() {
            Some(IpAddr::V4(address)) => out.put_slice(&address.octets()),
            Some(IpAddr::V6(_)) | None => out.put_bytes(0, 4),
        }
    }

    fn write_group_state(&self, out: &mut BytesMut) {
        let family = self.group().variant().family();
        let state = self.state().to_wire(Version::V2);
        out.put_slice(&[TYPE_GROUP_STATE, GROUP_STATE, VERSION_2, self.opcode().get(), state]);
        out.put_u8(ip_version(family));
        out.put_u16(self.group().number());
        out.put_slice(&self.identifier().unwrap_or(MacAddr::ZERO).octets());
        out.put_u32(u32::from(self.priority()));
        for timer in self.wire_timers() {
            out.put_u32(timer);
        }
        match self.address() {
            Some(IpAddr::V4(address)) => {
                out.put_slice(&address.octets());
                out.put_bytes(0, ADDRESS_PADDING);
            }
            Some(IpAddr::V6(address)) => out.put_slice(&address.octets()),
            None => out.put_bytes(0, 16),
        }
    }

    const fn wire_timers(&self) -> [u32; 2] {
        match self.timers() {
            Some(timers) => timers.wire(),
            None => [0, 0],
        }
    }
}

/// Version 2: what the IP version field holds.
pub(super) const fn ip_version(family: Family) -> u8 {
    match family {
        Family::V4 => 4,
        Family::V6 => 6,
    }
}

impl InterfaceState {
    /// Appends the UDP payload to `out`. Reserved fields are zero.
    pub fn emit(&self, out: &mut BytesMut) {
        match *self {
            Self::V1 { activity, active, passive } => {
                out.put_slice(&[VERSION_1, OPCODE_ADVERTISE]);
                out.put_u16(ADVERTISE_TYPE);
                out.put_u16(ADVERTISE_LENGTH);
                out.put_slice(&[activity.get(), 0]);
                out.put_u16(active);
                out.put_u16(passive);
                out.put_u32(0);
            }
            Self::V2 { active, passive } => {
                out.put_slice(&[TYPE_INTERFACE_STATE, INTERFACE_STATE]);
                out.put_u16(active);
                out.put_u16(passive);
            }
        }
    }
}
