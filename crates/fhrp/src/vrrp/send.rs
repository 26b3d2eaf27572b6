//! What a router says: RFC 9568 §7.2. An advertisement is rendered once and sent until something in it changes.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, AuthData, Body, ChecksumForm, Destination, Seconds,
    Version,
};

use super::Router;
use crate::Authentication;
use crate::config::AdvertisementInterval;
use crate::speaker::{Frames, Saying, Underlay};

impl Router {
    /// Renders what is sent from `underlay`. VRRP knows no Coup: the nearest that it has is to advertise.
    pub(crate) fn render(&self, underlay: &Underlay, saying: Saying) -> Frames {
        let priority = match saying {
            Saying::Advert | Saying::Coup => underlay.priority,
            Saying::Resign => 0,
        };
        let mut frames = Frames::default();
        for version in self.versions() {
            let Some(advertisement) = self.advertisement(version, priority, underlay) else { continue };
            if self.config.settings().unicast_peers.is_empty() {
                frames.multicast.reserve_exact(1);
                frames.multicast.extend(whole_frame(&advertisement, underlay, self.checksum_form()));
            }
            for peer in &self.config.settings().unicast_peers {
                let mut payload = BytesMut::new();
                if advertisement.emit(&mut payload, underlay.source, *peer, self.checksum_form()).is_ok() {
                    frames.unicast.push((*peer, payload.freeze()));
                }
            }
        }
        frames
    }

    /// RFC 9568 §8.4.2: while versions coexist, the Active router sends both.
    fn versions(&self) -> impl Iterator<Item = Version> {
        let besides = self.config.settings().coexist_with_v2.then_some(Version::V2);
        std::iter::once(self.config.version()).chain(besides)
    }

    fn advertisement(
        &self,
        version: Version,
        priority: u8,
        underlay: &Underlay,
    ) -> Option<Advertisement<'_>> {
        let addresses = Addresses::new(self.config.addresses()).ok()?;
        let (body, key) = match (version, self.config.interval()) {
            (Version::V3, AdvertisementInterval::V3(interval)) => (Body::V3 { interval }, None),
            (Version::V2, AdvertisementInterval::V2(interval)) => self.version_2_body(interval),
            (Version::V2, AdvertisementInterval::V3(interval)) => {
                (Body::V2 { interval: whole_seconds(interval.to_duration())?, auth: AuthData::None }, None)
            }
            (Version::V3, AdvertisementInterval::V2(_)) => return None,
        };
        let advertisement = Advertisement::new(self.config.vrid(), priority, addresses, body).ok()?;
        Some(match (key, underlay.source) {
            (Some(key), IpAddr::V4(source)) => advertisement.sign_md5(key, 0, source),
            (Some(_) | None, IpAddr::V4(_) | IpAddr::V6(_)) => advertisement,
        })
    }

    fn version_2_body(&self, interval: Seconds) -> (Body, Option<&vrrp::KeyBytes>) {
        let (auth, key) = match &self.config.settings().authentication {
            Authentication::None => (AuthData::None, None),
            Authentication::Text(key) => (AuthData::Text(key.octets()), None),
            Authentication::CiscoMd5(key) => (AuthData::None, Some(key)),
        };
        (Body::V2 { interval, auth }, key)
    }
}

/// RFC 9568 §8.4: a version 2 packet says whole seconds, at least one.
fn whole_seconds(interval: Duration) -> Option<Seconds> {
    Seconds::from_duration(Duration::from_secs(interval.as_secs().max(1))).ok()
}

fn whole_frame(
    advertisement: &Advertisement<'_>,
    underlay: &Underlay,
    checksum: ChecksumForm,
) -> Option<Bytes> {
    let mut octets = BytesMut::new();
    let frame = AdvertisementFrame {
        advertisement: *advertisement,
        source_mac: underlay.mac,
        source: underlay.source,
        destination: Destination::Group,
        checksum,
    };
    vrrp::advertisement_frame(&mut octets, &frame).ok()?;
    // As long as it is, and no longer: thousands of these are kept.
    Some(Bytes::copy_from_slice(&octets))
}
