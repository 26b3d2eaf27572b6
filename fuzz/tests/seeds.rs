//! The bodies of the targets, over known packets and everything one changed octet away from them.

use fhrp_fuzz::seeds::known_packets;

/// Runs `body` over every known packet of `target`, every truncation of it and everything one changed octet away from
/// it.
fn neighbours(target: &str, body: fn(&[u8])) {
    let packets = known_packets(target);
    assert!(!packets.is_empty());
    for octets in packets {
        for length in 0..=octets.len() {
            body(&octets[..length]);
        }
        for index in 0..octets.len() {
            for value in 0..=u8::MAX {
                let mut changed = octets.clone();
                changed[index] = value;
                body(&changed);
            }
        }
    }
}

#[test]
fn decode_vrrp() {
    neighbours("decode_vrrp", fhrp_fuzz::decode_vrrp);
}

#[test]
fn decode_glbp() {
    neighbours("decode_glbp", fhrp_fuzz::decode_glbp);
}

#[test]
fn decode_hsrp() {
    neighbours("decode_hsrp", fhrp_fuzz::decode_hsrp);
}
