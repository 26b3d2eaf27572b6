use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::BytesMut;

use super::auth::AuthData;
use super::{Addresses, Centiseconds, InvalidAdvertisement, Seconds, Version, Vrid, emit};
use crate::key::{KeyBytes, TextKey};
use crate::{Family, keyed_md5};

/// What one router says about one Virtual Router. Always legal: [`Advertisement::new`] and
/// [`parse`](super::parse) are the only ways to make one.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |version| type 1|     VRID      |   priority    | address count |
/// |v3: 0  |     v3: centiseconds  |           checksum            |
/// |v2: auth type  |  v2: seconds  |                               |
/// |                       addresses, 4 or 16 octets each          |
/// |        v2 only: authentication data, 8 octets (38 for 254)    |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement<'a> {
    vrid: Vrid,
    priority: u8,
    addresses: Addresses<'a>,
    body: Body,
}

/// The part that differs between the versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// RFC 9568 §5.2.
    V3 {
        /// Max Advertise Interval of the sender.
        interval: Centiseconds,
    },
    /// RFC 3768 §5.3.
    V2 {
        /// Adver Int of the sender.
        interval: Seconds,
        /// How the sender authenticates.
        auth: AuthData,
    },
}

impl<'a> Advertisement<'a> {
    /// Every priority is legal on the wire: 255 is the address owner's, 0 says that the sender gives up
    /// (RFC 9568 §5.2.4).
    ///
    /// # Errors
    /// [`InvalidAdvertisement::Version2OverIpv6`].
    pub fn new(
        vrid: Vrid,
        priority: u8,
        addresses: Addresses<'a>,
        body: Body,
    ) -> Result<Self, InvalidAdvertisement> {
        match (body, addresses.family()) {
            (Body::V2 { .. }, Family::V6) => Err(InvalidAdvertisement::Version2OverIpv6),
            (Body::V2 { .. }, Family::V4) | (Body::V3 { .. }, Family::V4 | Family::V6) => {
                Ok(Self { vrid, priority, addresses, body })
            }
        }
    }

    /// Identifier of the Virtual Router.
    #[must_use]
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Priority of the sender.
    #[must_use]
    pub const fn priority(&self) -> u8 {
        self.priority
    }

    /// The virtual addresses.
    #[must_use]
    pub const fn addresses(&self) -> Addresses<'a> {
        self.addresses
    }

    /// The part that differs between the versions.
    #[must_use]
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// Version of the protocol.
    #[must_use]
    pub const fn version(&self) -> Version {
        match self.body {
            Body::V2 { .. } => Version::V2,
            Body::V3 { .. } => Version::V3,
        }
    }

    /// Family of the addresses, and of the packet that carries them.
    #[must_use]
    pub const fn family(&self) -> Family {
        self.addresses.family()
    }

    /// The sender's advertisement interval.
    #[must_use]
    pub fn interval(&self) -> Duration {
        match self.body {
            Body::V2 { interval, .. } => interval.to_duration(),
            Body::V3 { interval } => interval.to_duration(),
        }
    }

    /// Whether this is a version 2 advertisement with `key` as its password (type 1). Takes the same time
    /// wherever the two differ.
    #[must_use]
    pub fn verify_text(&self, key: &TextKey) -> bool {
        match &self.body {
            Body::V2 { auth: AuthData::Text(field), .. } => key.matches(field),
            Body::V2 { auth: AuthData::None | AuthData::CiscoMd5 { .. } | AuthData::Unknown(_), .. }
            | Body::V3 { .. } => false,
        }
    }

    /// Whether this is a version 2 advertisement with Cisco's MD5 authentication (type 254), made with `key` by
    /// the router that the IP header names as `source`. Takes the same time wherever the digests differ.
    #[must_use]
    pub fn verify_md5(&self, key: &KeyBytes, source: IpAddr) -> bool {
        match &self.body {
            Body::V2 { auth: AuthData::CiscoMd5 { source: claimed, digest, .. }, .. } => {
                IpAddr::V4(*claimed) == source && keyed_md5::verify(key, &emit::md5_message(self), digest)
            }
            Body::V2 { auth: AuthData::None | AuthData::Text(_) | AuthData::Unknown(_), .. }
            | Body::V3 { .. } => false,
        }
    }

    /// The same version 2 advertisement with Cisco's MD5 authentication (type 254) in place of what it had;
    /// a version 3 advertisement is returned as it is, for version 3 has no authentication.
    #[must_use]
    pub fn sign_md5(self, key: &KeyBytes, key_id: u32, source: Ipv4Addr) -> Self {
        let Body::V2 { interval, .. } = self.body else {
            return self;
        };
        let signed = |digest| {
            let auth = AuthData::CiscoMd5 { source, key_id, digest };
            Self { body: Body::V2 { interval, auth }, ..self }
        };
        let message: BytesMut = emit::md5_message(&signed([0; keyed_md5::DIGEST]));
        signed(keyed_md5::digest(key, &message))
    }
}
