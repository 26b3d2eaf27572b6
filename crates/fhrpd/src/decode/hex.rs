//! Hexadecimal on the command line: an Ethernet frame, an IP packet, or a message by itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fhrp::Protocol;
use fhrp_wire::Family;
use fhrp_wire::hsrp::Variant;
use fhrp_wire::vrrp::{self, DecodeError};

use super::frame::{self, Decoded, Fields, Malformed, Said};
use super::{Key, VrrpFields};

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
pub(super) fn decode(octets: &[u8], key: Option<&Key>) -> Decoded {
    if is_ethernet(octets) {
        return frame::decode_ethernet(octets, octets.len(), key);
    }
    match (bare(octets), frame::ethertype_of(octets)) {
        (Some(Bare::Vrrp), _) => Some(decode_vrrp(octets, key)),
        (Some(Bare::Hsrp(variant)), _) => Some(
            super::hsrp::decode(variant, None, octets, key)
                .map(|decoded| Said::from(decoded).alone())
                .map_err(|error| malformed(Protocol::Hsrp, error)),
        ),
        (Some(Bare::Glbp(family)), _) => Some(
            super::glbp::decode(family, None, octets, key)
                .map(|fields| Said::Glbp(fields).alone())
                .map_err(|error| malformed(Protocol::Glbp, error)),
        ),
        (None, Some(ethertype)) => frame::decode_rebuilt(ethertype, octets, octets.len(), key),
        (None, None) => frame::decode_ethernet(octets, octets.len(), key),
    }
}

/// A message by itself.
enum Bare {
    Vrrp,
    Hsrp(Variant),
    Glbp(Family),
}

/// By what each protocol begins with. In version 1 of HSRP that says little, so its lengths have to be right as well.
fn bare(octets: &[u8]) -> Option<Bare> {
    match octets {
        // Type 1 is the only one there is, so these two octets say "VRRP" well enough.
        [0x21 | 0x31, ..] => Some(Bare::Vrrp),
        [0x00, 0x00..=0x03, ..] if matches!(octets.len(), 16 | 20 | 50) => Some(Bare::Hsrp(Variant::V1)),
        [0x01, 0x28, 0x02, _, _, 6, ..] => Some(Bare::Hsrp(Variant::V2Ipv6)),
        [0x01, 0x28, 0x02, ..] | [0x02, 0x04, _, _, _, _] => Some(Bare::Hsrp(Variant::V2Ipv4)),
        [0x01, 0x00..=0x02, 0x00..=0x03, _, rest @ ..] => Some(Bare::Glbp(glbp_family(rest))),
        _ => None,
    }
}

/// A hello with an IPv6 address has 40 octets.
fn glbp_family(rest: &[u8]) -> Family {
    let mut tlvs = rest.get(8..).unwrap_or_default();
    while let [kind, length, ..] = tlvs {
        if *kind == 1 {
            return if *length == 40 { Family::V6 } else { Family::V4 };
        }
        tlvs = tlvs.get(usize::from((*length).max(2))..).unwrap_or_default();
    }
    Family::V4
}

fn malformed(protocol: Protocol, error: String) -> Malformed {
    Malformed { protocol, error, source: None, destination: None }
}

fn is_ethernet(octets: &[u8]) -> bool {
    matches!(
        octets.get(12..14),
        Some([0x08, 0x00] | [0x86, 0xdd] | [0x81, 0x00] | [0x88, 0xa8] | [0x08, 0x06])
    )
}

/// The checksum of version 3 may cover addresses that are not there, so it only counts where it is right without.
fn decode_vrrp(message: &[u8], key: Option<&Key>) -> Result<Fields, Malformed> {
    let malformed = |error: DecodeError| malformed(Protocol::Vrrp, error.to_string());
    let (source, destination) = context(message);
    let fields = match vrrp::parse(source, destination, message) {
        Ok(parsed) => super::vrrp::fields(&parsed, None, key),
        Err(DecodeError::Checksum) if message.first() == Some(&0x31) => {
            let mended = with_checksum(message, source, destination);
            let parsed = vrrp::parse(source, destination, &mended).map_err(malformed)?;
            VrrpFields { checksum: BARE_NOTE, ..super::vrrp::fields(&parsed, None, key) }
        }
        Err(error) => return Err(malformed(error)),
    };
    Ok(Said::Vrrp(fields).alone())
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

    fn vrrp(text: &str) -> Result<VrrpFields, String> {
        match decode(&octets(text).unwrap(), None).unwrap() {
            Ok(Fields { said: Said::Vrrp(fields), .. }) => Ok(fields),
            Ok(other) => panic!("{other:?}"),
            Err(bad) => Err(bad.error),
        }
    }

    /// VRID 10, priority 100, 1 s, 192.0.2.1; the sum of the words is 310a+6401+0064+c000+0201 = 15770, the checksum
    /// therefore !5771 = a88e.
    #[test]
    fn bare_message_of_version_3() {
        let good = vrrp("310a6401 0064a88e c0000201").unwrap();
        assert_eq!((good.vrid, good.priority, good.checksum), (10, 100, "rfc9568"));
        let unsure = vrrp("310a6401 00641234 c0000201").unwrap();
        assert_eq!((unsure.vrid, unsure.checksum), (10, BARE_NOTE));
        let v6 = vrrp("310a6401 00641234 fe80000000000000 0000000000000001").unwrap();
        assert_eq!((v6.addresses, v6.checksum), (vec!["fe80::1".parse().unwrap()], BARE_NOTE));
    }

    #[test]
    fn bare_message_of_version_2_is_checked_in_full() {
        let wrong = vrrp("210a6401 00011234 c0000201 0000000000000000");
        assert_eq!(wrong.unwrap_err(), "wrong checksum");
    }
}
