//! Packets and frames out. Everything is rendered when it is sent: remaining times and nonces change all the time.

use std::net::{IpAddr, Ipv6Addr};

use bytes::{Bytes, BytesMut};
use fhrp_election::Instant;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::build::{self, Link};
use fhrp_wire::envelope::nd::NaFlags;
use fhrp_wire::glbp::{self, Body, Credentials, Destination, Nonces, PacketFrame, PeerNonce, Peers};

use super::{Group, Underlay};
use crate::group::Out;
use crate::{Action, GlbpAuthentication};

/// RFC 4861 §4.2: the all-nodes group.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

impl Group {
    /// To everyone in the group, from a virtual MAC or from the interface's own. Whether it went out.
    pub(super) fn say_to_group(
        &self,
        now: Instant,
        body: Body,
        source_mac: Option<MacAddr>,
        out: &mut Out<'_>,
    ) -> bool {
        let Some(underlay) = self.underlay else { return false };
        let source_mac = source_mac.unwrap_or(underlay.mac);
        let frame = self.frame(now, body, source_mac, Destination::Group);
        transmit(underlay, frame, out)
    }

    /// To the router with this owner id, which is the MAC of its interface, and address. Whether it went out.
    pub(super) fn say_to_peer(
        &self,
        now: Instant,
        body: Body,
        (mac, address): (MacAddr, IpAddr),
        out: &mut Out<'_>,
    ) -> bool {
        let Some(underlay) = self.underlay else { return false };
        let frame = self.frame(now, body, underlay.mac, Destination::Peer { mac, address });
        transmit(underlay, frame, out)
    }

    fn frame(
        &self,
        now: Instant,
        body: Body,
        source_mac: MacAddr,
        destination: Destination,
    ) -> Option<Bytes> {
        let underlay = self.underlay?;
        let packet = glbp::Packet::new(self.config.group(), underlay.mac, body).ok()?;
        let heard = match &self.config.settings().authentication {
            GlbpAuthentication::None | GlbpAuthentication::Text(_) => Vec::new(),
            GlbpAuthentication::Md5(_) | GlbpAuthentication::Chain(_) => self.members.nonces(),
        };
        let credentials = self.credentials(now, &heard)?;
        let frame = PacketFrame { packet, credentials, source_mac, source: underlay.source, destination };
        let mut octets = BytesMut::new();
        glbp::packet_frame(&mut octets, &frame).ok()?;
        Some(octets.freeze())
    }

    /// `None` where no key may be used now: silence then, for what is not authenticated nobody hears.
    fn credentials<'a>(&'a self, now: Instant, heard: &'a [PeerNonce]) -> Option<Credentials<'a>> {
        let (key, key_id) = match &self.config.settings().authentication {
            GlbpAuthentication::None => return Some(Credentials::None),
            GlbpAuthentication::Text(text) => return Some(Credentials::Text(text)),
            GlbpAuthentication::Md5(key) => (key, None),
            GlbpAuthentication::Chain(chain) => {
                let key = chain.sending(self.clock.at(now))?;
                (&key.key, Some(key.id))
            }
        };
        let own = &self.own_nonce;
        let nonces = Nonces { sequence: own.sequence, own: own.current, peers: Peers::new(heard).ok()? };
        Some(Credentials::Md5 { key, key_id, nonces })
    }

    /// There is a router at the virtual address.
    pub(super) fn say_neighbor_advertisement(&self, out: &mut Out<'_>) {
        let (Some(underlay), Some(IpAddr::V6(address))) = (self.underlay, self.addresses.first()) else {
            return;
        };
        let mut octets = BytesMut::new();
        build::neighbor_advertisement(&mut octets, &presentation(underlay.mac, *address));
        transmit(underlay, Some(octets.freeze()), out);
    }

    /// From the virtual link-local, without its MAC, so that hosts ask for it (captures).
    pub(super) fn say_router_advertisement(&self, out: &mut Out<'_>) {
        let (Some(underlay), Some(IpAddr::V6(source))) = (self.underlay, self.addresses.first()) else {
            return;
        };
        let Some(settings) = &self.config.settings().router_advertisement else { return };
        let prefixes: Vec<build::PrefixInfo> = settings.prefixes.iter().map(Into::into).collect();
        let advertisement = build::RouterAdvertisement {
            source_mac: underlay.mac,
            option_mac: None,
            source: *source,
            destination_mac: all_nodes_mac(),
            destination: ALL_NODES,
            lifetime: u16::try_from(settings.lifetime.as_secs()).unwrap_or(u16::MAX),
            mtu: None,
            prefixes: &prefixes,
        };
        let mut octets = BytesMut::new();
        let built = build::router_advertisement(&mut octets, &advertisement);
        transmit(underlay, built.is_ok().then(|| octets.freeze()), out);
    }
}

/// There is a router at `address`, and nothing of where: with the MAC of one forwarder in it, all hosts would go there
/// (captures: Router flag only, no option, from the interface's own MAC).
pub(crate) fn presentation(physical: MacAddr, address: Ipv6Addr) -> build::NeighborAdvertisement {
    build::NeighborAdvertisement {
        link: Link { source: physical, destination: all_nodes_mac() },
        address,
        destination: ALL_NODES,
        flags: NaFlags { router: true, solicited: false, overrides: false },
        target_mac: None,
    }
}

/// Whether there was something to send.
fn transmit(underlay: Underlay, frame: Option<Bytes>, out: &mut Out<'_>) -> bool {
    let (interface, sent) = (underlay.interface, frame.is_some());
    out.actions.extend(frame.map(|frame| Action::Transmit { interface, frame }));
    sent
}

/// RFC 2464 §7.
fn all_nodes_mac() -> MacAddr {
    MacAddr([0x33, 0x33, 0, 0, 0, 1])
}
