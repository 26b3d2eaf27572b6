//! What a broken engine would do of GLBP.

use bytes::{Bytes, BytesMut};
use fhrp::{GlbpForwarder, GlbpSettings, GroupState, GroupStatus, Instant, MacAddr};
use fhrp_wire::envelope::build::{self, ArpReply, Link, NeighborAdvertisement};
use fhrp_wire::envelope::{self, Packet, nd};
use fhrp_wire::glbp::{self, Body, ForwarderNumber, ForwarderPriority, Hello};

use super::hosts::question_in;
use super::said::{respond, timers};
use super::{FORWARDERS, Said, render, virtual_macs};
use crate::flaw::Flaw;

/// What the engine is told of its group; `None` if that is what it is.
pub(crate) fn config(flaw: Flaw, settings: &GlbpSettings) -> Option<GlbpSettings> {
    let mut told = settings.clone();
    match flaw {
        Flaw::TimeoutEndless => told.timeout = std::time::Duration::from_secs(64_000),
        Flaw::ThresholdsIgnored => (told.weighting_lower, told.weighting_upper) = (None, None),
        Flaw::ForwarderDelayIgnored => told.forwarder_preempt_delay = std::time::Duration::ZERO,
        Flaw::ForwarderPreemptIgnored => told.forwarder_preempt = !told.forwarder_preempt,
        _ => return None,
    }
    Some(told)
}

/// Whether it does not hear a packet at all.
pub(crate) fn is_deaf(flaw: Flaw, said: &Said) -> bool {
    match (flaw, said.packet.body()) {
        (Flaw::RequestsIgnored, Body::Request) => true,
        (Flaw::SpeakersIgnored, Body::Announcement { hello: Some(hello), .. }) => {
            matches!(hello.state(), glbp::VgState::Speak | glbp::VgState::Standby)
        }
        (Flaw::ResignIgnored, Body::Announcement { .. }) => {
            said.resigns() || said.forwarders().iter().any(|one| one.priority.is_resigning())
        }
        _ => false,
    }
}

/// What it hears of a packet; `None` if that is what was said.
pub(crate) fn heard(flaw: Flaw, group: &GroupStatus, said: &Said) -> Option<Bytes> {
    let status = group.glbp()?;
    let own = group.primary_address.unwrap_or(said.source);
    let (mut source, mut hello, mut forwarders) = (said.source, said.hello(), said.forwarders());
    let regular = hello.filter(|_| said.regular());
    match flaw {
        Flaw::YieldsToLower if group.state == GroupState::Active && said.claims() => {
            hello = regular.and_then(|hello| another(&hello, 255, hello.timers()));
        }
        Flaw::IntervalNotLearned => {
            let times = timers(status.configured_timers, regular?.timers())?;
            hello = regular.and_then(|hello| another(&hello, hello.priority(), times));
        }
        Flaw::TieBreakReversed if regular?.priority() == group.effective_priority => {
            source = crate::flaw::beside(own, said.source > own);
        }
        Flaw::OwnerIgnored => {
            forwarders.iter_mut().for_each(|one| one.priority = ForwarderPriority(one.priority.0 & !0x20));
        }
        Flaw::NumbersMistaken => {
            forwarders.iter_mut().for_each(|one| one.number = beside(one.number));
            forwarders.sort_by_key(|one| one.number);
        }
        Flaw::ForwarderNeverYields => {
            let active = |one: &GlbpForwarder| one.state == GroupState::Active;
            let ours = |number: u8| status.forwarders.iter().any(|one| one.number == number && active(one));
            forwarders.retain(|one| !ours(one.number.get()));
            if hello.is_none() && forwarders.is_empty() {
                return Some(Bytes::new());
            }
        }
        _ => return None,
    }
    render(said, source, (hello, forwarders), &status.authentication)
}

fn another(hello: &Hello, priority: u8, times: glbp::Timers) -> Option<Hello> {
    Hello::new(hello.state(), priority, times, hello.address()).ok()
}

/// 2 for 1, and the other way round.
fn beside(number: ForwarderNumber) -> ForwarderNumber {
    match number.get() {
        1 => ForwarderNumber::ALL[1],
        2 => ForwarderNumber::ALL[0],
        _ => number,
    }
}

/// What it says instead of a frame; `None` if it says it, nothing in it if it says nothing.
pub(crate) fn sent(flaw: Flaw, now: Instant, frame: &[u8], groups: &[GroupStatus]) -> Option<Bytes> {
    if let Some((address, mac)) = crate::flaw::announced(frame) {
        let group = groups.iter().find(|group| group.addresses.contains(&address))?;
        return told(flaw, now, mac, group).and_then(|mac| retell(frame, mac));
    }
    let said = super::message_in(frame)?;
    let group = groups.iter().find(|group| group.id.number == said.number())?;
    let status = group.glbp()?;
    match (flaw, said.packet.body()) {
        (Flaw::AssignsTaken, Body::Response(_)) => respond(&said, frame, &status.authentication),
        (Flaw::ForwarderResignMissing, Body::Announcement { hello: None, forwarders }) => {
            forwarders.iter().any(|one| one.priority.is_resigning()).then(Bytes::new)
        }
        (Flaw::OwnNotListed, Body::Announcement { hello: Some(_), forwarders }) => {
            let listed = forwarders.iter().filter(|one| one.state == glbp::VfState::Active).collect();
            render(&said, said.source, (said.hello(), listed), &status.authentication)
        }
        (Flaw::SpeaksAsAnother, Body::Announcement { hello: Some(_), .. }) => {
            let macs = virtual_macs(said.number());
            let serves = |at: usize| {
                status
                    .forwarders
                    .iter()
                    .any(|one| usize::from(one.number) == at + 1 && one.state == GroupState::Active)
            };
            let foreign = (0..FORWARDERS).find(|at| !serves(*at))?;
            let mut octets = frame.to_vec();
            octets[6..12].copy_from_slice(&macs[foreign].0);
            Some(octets.into())
        }
        _ => None,
    }
}

/// The MAC that it tells instead of `mac`.
fn told(flaw: Flaw, now: Instant, mac: MacAddr, group: &GroupStatus) -> Option<MacAddr> {
    let status = group.glbp()?;
    let macs = virtual_macs(group.id.number);
    let served = |one: &GlbpForwarder| {
        let other = one.server.is_some_and(|server| now < server.expires);
        other || (one.state == GroupState::Active && one.programmed)
    };
    let known = status.forwarders.iter();
    match flaw {
        Flaw::RedirectEndless => {
            let over = |one: &&GlbpForwarder| {
                let lives = one.server.is_some_and(|server| server.primary && now < server.expires);
                !lives && one.redirect_ends.is_some_and(|ends| ends <= now) && served(one)
            };
            known.into_iter().find(over).map(|one| one.mac)
        }
        Flaw::TellsUnserved => {
            let serves = |mac: &MacAddr| status.forwarders.iter().any(|one| one.mac == *mac && served(one));
            macs.into_iter().find(|mac| !serves(mac))
        }
        Flaw::TellsOwnMac => status.owner,
        Flaw::Unfair => {
            let usable: Vec<MacAddr> = known.filter(|one| served(one)).map(|one| one.mac).collect();
            let turn = usize::try_from(now.as_micros() / 4_000_000).unwrap_or(0);
            usable.get(turn.checked_rem(usable.len())?).copied().filter(|other| *other != mac)
        }
        _ => None,
    }
}

/// An answer to a host with another MAC in it.
fn retell(frame: &[u8], mac: MacAddr) -> Option<Bytes> {
    let parsed = envelope::parse(frame).ok()?;
    let link = Link { source: parsed.source, destination: parsed.destination };
    let mut out = BytesMut::new();
    match parsed.packet {
        Packet::Arp(arp) => {
            let (address, destination) = (arp.sender_address, arp.target_address);
            build::arp_reply(&mut out, ArpReply { link, mac, address, destination });
        }
        Packet::Ipv6(ip) => {
            let nd::Nd::NeighborAdvertisement { target, flags, .. } = nd::parse(&ip).ok()?? else {
                return None;
            };
            let advertisement = NeighborAdvertisement {
                link,
                address: target,
                destination: ip.destination,
                flags,
                target_mac: Some(mac),
            };
            build::neighbor_advertisement(&mut out, &advertisement);
        }
        Packet::Ipv4(_) | Packet::Other(_) => return None,
    }
    Some(out.freeze())
}

/// What a Standby router answers a host, whom it has nothing to say.
pub(crate) fn volunteered(group: &GroupStatus, octets: &[u8]) -> Option<Bytes> {
    let question = question_in(octets).filter(|question| group.addresses.contains(&question.target))?;
    let (physical, mac) = (group.glbp()?.owner?, virtual_macs(group.id.number).first().copied()?);
    if group.state != GroupState::Standby || !question.destination.is_multicast() {
        return None;
    }
    let link = Link { source: physical, destination: question.host };
    let mut out = BytesMut::new();
    match envelope::parse(octets).ok()?.packet {
        Packet::Arp(arp) => {
            let (address, destination) = (arp.target_address, arp.sender_address);
            build::arp_reply(&mut out, ArpReply { link, mac, address, destination });
        }
        Packet::Ipv6(_) | Packet::Ipv4(_) | Packet::Other(_) => return None,
    }
    Some(out.freeze())
}
