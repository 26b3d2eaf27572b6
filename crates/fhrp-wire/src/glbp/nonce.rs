use std::fmt;
use std::slice;

use bytes::{BufMut, BytesMut};

use super::tlv::{self, NONCES};
use super::{DecodeError, InvalidPacket};
use crate::MacAddr;
use crate::reader::Reader;

/// Octets of the TLV in front of the peers.
const FIXED: usize = 8;
/// Octets of one peer: owner id, nonce, two reserved.
const PEER: usize = 12;

/// A number that a router renews about once in a hold time. Who echoes the current one has heard us lately, so
/// its packet is not an old one sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(pub u32);

/// Counts the renewals of a router's own nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NonceSequence(pub u8);

impl NonceSequence {
    /// The one after this; 0 follows 255.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// The nonce that was last received from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerNonce {
    /// Owner id of the peer.
    pub owner: MacAddr,
    /// Its nonce.
    pub nonce: Nonce,
}

/// What protects packets with a digest against being sent again by others.
///
/// ```text
/// |    type 4     |    length     |  peers, 0-20  |   sequence    |
/// |                           own nonce                           |
/// | for each peer: owner id, 6; its nonce, 4; reserved, 2         |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonces<'a> {
    /// How often the sender has renewed its nonce.
    pub sequence: NonceSequence,
    /// The sender's nonce.
    pub own: Nonce,
    /// The nonces of those whom the sender has heard, authenticated.
    pub peers: Peers<'a>,
}

impl<'a> Nonces<'a> {
    pub(super) const fn wire_octets(&self) -> usize {
        FIXED + PEER * self.peers.len()
    }

    /// Reads a whole TLV.
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, DecodeError> {
        let too_short = DecodeError::NonceLength { count: 0, actual: octets.len() };
        let mut reader = Reader::new(octets);
        let [_, _, count, sequence] = reader.array::<4>().ok_or(too_short)?;
        let own = reader.u32().map(Nonce).ok_or(too_short)?;
        if reader.rest().len() != PEER * usize::from(count) {
            return Err(DecodeError::NonceLength { count, actual: octets.len() });
        }
        let peers = Peers(Repr::Wire(reader.rest().as_chunks().0));
        Ok(Self { sequence: NonceSequence(sequence), own, peers })
    }

    pub(super) fn write(&self, out: &mut BytesMut) {
        tlv::write_head(out, NONCES, self.wire_octets());
        // At most 20.
        out.put_u8(u8::try_from(self.peers.len()).unwrap_or(u8::MAX));
        out.put_u8(self.sequence.0);
        out.put_u32(self.own.0);
        for peer in self.peers.iter() {
            out.put_slice(&peer.owner.octets());
            out.put_u32(peer.nonce.0);
            out.put_u16(0);
        }
    }
}

/// The peers in a list of nonces: at most 20, as the length of a TLV has one octet.
///
/// A view: either of a list of ours or of the octets of a received packet.
#[derive(Clone, Copy)]
pub struct Peers<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    List(&'a [PeerNonce]),
    Wire(&'a [[u8; PEER]]),
}

impl<'a> Peers<'a> {
    /// The most that a packet can name.
    pub const MAX: usize = 20;

    /// A view of `list`, in the order it will be sent.
    ///
    /// # Errors
    /// [`InvalidPacket::TooManyPeers`].
    pub const fn new(list: &'a [PeerNonce]) -> Result<Self, InvalidPacket> {
        if list.len() > Self::MAX {
            return Err(InvalidPacket::TooManyPeers { count: list.len() });
        }
        Ok(Self(Repr::List(list)))
    }

    /// 0 to 20.
    #[must_use]
    pub const fn len(self) -> usize {
        match self.0 {
            Repr::List(list) => list.len(),
            Repr::Wire(list) => list.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// In the order of the packet.
    #[must_use]
    pub fn iter(self) -> PeerIter<'a> {
        PeerIter(match self.0 {
            Repr::List(list) => Iter::List(list.iter()),
            Repr::Wire(list) => Iter::Wire(list.iter()),
        })
    }

    /// The nonce that is listed for the router with this owner id.
    #[must_use]
    pub fn nonce_of(self, owner: MacAddr) -> Option<Nonce> {
        self.iter().find(|peer| peer.owner == owner).map(|peer| peer.nonce)
    }
}

impl PartialEq for Peers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Peers<'_> {}

impl fmt::Debug for Peers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for Peers<'a> {
    type Item = PeerNonce;
    type IntoIter = PeerIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The peers one by one.
#[derive(Clone, Debug)]
pub struct PeerIter<'a>(Iter<'a>);

#[derive(Clone, Debug)]
enum Iter<'a> {
    List(slice::Iter<'a, PeerNonce>),
    Wire(slice::Iter<'a, [u8; PEER]>),
}

impl Iterator for PeerIter<'_> {
    type Item = PeerNonce;

    fn next(&mut self) -> Option<PeerNonce> {
        match &mut self.0 {
            Iter::List(list) => list.next().copied(),
            Iter::Wire(list) => list.next().map(|[a, b, c, d, e, f, g, h, i, j, _, _]| PeerNonce {
                owner: MacAddr([*a, *b, *c, *d, *e, *f]),
                nonce: Nonce(u32::from_be_bytes([*g, *h, *i, *j])),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_wraps() {
        assert_eq!(NonceSequence(254).next(), NonceSequence(255));
        assert_eq!(NonceSequence(255).next(), NonceSequence(0));
    }

    #[test]
    fn at_most_twenty_peers() {
        let list = [PeerNonce { owner: MacAddr::ZERO, nonce: Nonce(1) }; 21];
        assert_eq!(Peers::new(&list), Err(InvalidPacket::TooManyPeers { count: 21 }));
        assert_eq!(Peers::new(&list[..20]).map(Peers::len), Ok(20));
    }

    #[test]
    fn both_views_are_equal() {
        let list = [
            PeerNonce { owner: MacAddr([2, 0, 0, 0, 0, 1]), nonce: Nonce(0x0102_0304) },
            PeerNonce { owner: MacAddr([2, 0, 0, 0, 0, 2]), nonce: Nonce(5) },
        ];
        let ours = Peers::new(&list).unwrap();
        // The reserved octets are set and do not count.
        let wire = [[2, 0, 0, 0, 0, 1, 1, 2, 3, 4, 9, 9], [2, 0, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0]];
        let theirs = Peers(Repr::Wire(&wire));
        assert_eq!(ours, theirs);
        assert_eq!(theirs.nonce_of(MacAddr([2, 0, 0, 0, 0, 2])), Some(Nonce(5)));
        assert_eq!(theirs.nonce_of(MacAddr([2, 0, 0, 0, 0, 3])), None);
    }
}
