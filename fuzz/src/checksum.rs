//! The Internet checksum (RFC 1071), written apart from the code under test.

use std::net::IpAddr;

/// Over `message`, and for IPv6 over a pseudo-header (RFC 8200 §8.1) in front of it; the place of the checksum in
/// `message` must hold zeros.
pub(crate) fn over(source: IpAddr, destination: IpAddr, protocol: u8, message: &[u8]) -> u16 {
    let mut covered = Vec::new();
    if let (IpAddr::V6(source), IpAddr::V6(destination)) = (source, destination) {
        covered.extend(source.octets());
        covered.extend(destination.octets());
        covered.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        covered.extend([0, 0, 0, protocol]);
    }
    covered.extend_from_slice(message);
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u64 = covered.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}
