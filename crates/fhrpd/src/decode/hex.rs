//! Hexadecimal on the command line: an Ethernet frame, an IP packet, or a VRRP message by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fhrp_wire::vrrp::{self, DecodeError};

use super::frame::{self, Decoded, Fields, Malformed};

/// What can be checked of a message without its IP header.
pub(super) const BARE_NOTE: &str = "not checked without the IP header";

/// The octets of `text`: pairs of digits, with spaces, colons, dots or dashes between them, or an offset-free dump.
///
/// # Errors
/// What is odd about it.
pub(super) fn octets(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Vec<char> =
        text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-' | '.')).collect();
    if let Some(odd) = digits.iter().find(|c| !c.is_ascii_hexdigit()) {
        return Err(format!("{odd:?} is no hexadecimal digit"));
    }
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(format!("{} hexadecimal digits are no whole number of octets", digits.len()));
    }
    let value =
        |digit: &char| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |octet: u8, digit| octet << 4 | value(digit)))
        .collect())
}

/// Decodes octets of which nobody said what they begin with.
pub(super) fn decode(octets: &[u8]) -> Decoded {
    // Type 1 is the only one there is, so these two octets say "VRRP" well enough.
    let bare = matches!(octets.first(), Some(0x21 | 0x31)) && !is_ethernet(octets);
    if bare {
        return Some(decode_bare(octets));
    }
    match frame::ethertype_of(octets).filter(|_| !is_ethernet(octets)) {
        Some(ethertype) => {
            let mut rebuilt = vec![0; 12];
            rebuilt.extend_from_slice(ethertype);
            rebuilt.extend_from_slice(octets);
            let decoded = frame::decode_ethernet(&rebuilt, rebuilt.len());
            decoded.map(|result| result.map(|fields| Fields { source_mac: None, ..fields }))
        }
        None => frame::decode_ethernet(octets, octets.len()),
    }
}

fn is_ethernet(octets: &[u8]) -> bool {
    matches!(
        octets.get(12..14),
        Some([0x08, 0x00] | [0x86, 0xdd] | [0x81, 0x00] | [0x88, 0xa8] | [0x08, 0x06])
    )
}

/// The checksum of version 3 may cover addresses that are not there, so it only counts where it is right without.
fn decode_bare(message: &[u8]) -> Result<Fields, Malformed> {
    let malformed =
        |error: DecodeError| Malformed { error: error.to_string(), source: None, destination: None };
    let (source, destination) = context(message);
    match vrrp::parse(source, destination, message) {
        Ok(parsed) => Ok(frame::fields(&parsed)),
        Err(DecodeError::Checksum) if message.first() == Some(&0x31) => {
            let mended = with_checksum(message, source, destination);
            let parsed = vrrp::parse(source, destination, &mended).map_err(malformed)?;
            Ok(Fields { checksum: BARE_NOTE, ..frame::fields(&parsed) })
        }
        Err(error) => Err(malformed(error)),
    }
}

/// Addresses of the family that the length of the message speaks for.
fn context(message: &[u8]) -> (IpAddr, IpAddr) {
    let count = message.get(3).copied().map_or(0, usize::from);
    if message.len() == 8 + 16 * count && count > 0 {
        (Ipv6Addr::UNSPECIFIED.into(), vrrp::GROUP_V6.into())
    } else {
        (Ipv4Addr::UNSPECIFIED.into(), vrrp::GROUP_V4.into())
    }
}

/// The message with the checksum that it would have between these addresses.
fn with_checksum(message: &[u8], source: IpAddr, destination: IpAddr) -> Vec<u8> {
    let mut pseudo = match (source, destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => [source.octets(), destination.octets()].concat(),
        (IpAddr::V4(_) | IpAddr::V6(_), _) => Vec::new(),
    };
    if !pseudo.is_empty() {
        pseudo.extend_from_slice(&u32::try_from(message.len()).unwrap_or_default().to_be_bytes());
        pseudo.extend_from_slice(&u32::from(vrrp::PROTOCOL).to_be_bytes());
    }
    let mut mended = message.to_vec();
    if let Some(field) = mended.get_mut(6..8) {
        field.fill(0);
    }
    let words = pseudo.chunks(2).chain(mended.chunks(2));
    let sum = words.fold(0_u64, |sum, word| {
        sum + word.iter().zip([8, 0]).fold(0, |word, (octet, shift)| word + (u64::from(*octet) << shift))
    });
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    let checksum = !u16::try_from(folded).unwrap_or_default();
    if let Some(field) = mended.get_mut(6..8) {
        field.copy_from_slice(&checksum.to_be_bytes());
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_with_and_without_separators() {
        assert_eq!(octets("310a 64:01\n00-64"), Ok(vec![0x31, 0x0a, 0x64, 0x01, 0x00, 0x64]));
        assert_eq!(octets("0x3f"), Ok(vec![0x3f]));
        assert!(octets("310").is_err() && octets("").is_err() && octets("3g").is_err());
    }

    /// VRID 10, priority 100, 1 s, 192.0.2.1; the sum of the words is 310a+6401+0064+c000+0201 = 15770, the checksum
    /// therefore !5771 = a88e.
    #[test]
    fn bare_message_of_version_3() {
        let good = decode(&octets("310a6401 0064a88e c0000201").unwrap()).unwrap().unwrap();
        assert_eq!((good.vrid, good.priority, good.checksum), (10, 100, "rfc9568"));
        let unsure = decode(&octets("310a6401 00641234 c0000201").unwrap()).unwrap().unwrap();
        assert_eq!((unsure.vrid, unsure.checksum), (10, BARE_NOTE));
        let v6 =
            decode(&octets("310a6401 00641234 fe80000000000000 0000000000000001").unwrap()).unwrap().unwrap();
        assert_eq!((v6.addresses, v6.checksum), (vec!["fe80::1".parse().unwrap()], BARE_NOTE));
    }

    #[test]
    fn bare_message_of_version_2_is_checked_in_full() {
        let wrong = decode(&octets("210a6401 00011234 c0000201 0000000000000000").unwrap()).unwrap();
        assert_eq!(wrong.unwrap_err().error, "wrong checksum");
    }
}
