//! Another program's opinion: what tshark makes of packets that are right, nearly right, and wrong.
//!
//! Three answers are compared for every packet: whose it is, whether it keeps the rules, and what it says. Where the two
//! differ, one of [`KNOWN`] has to say why.

mod corpus;
mod known;
mod ours;
mod tshark;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

pub use corpus::corpus;
pub use known::{KNOWN, Known};

/// What one of the two programs makes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Of no protocol of ours.
    Foreign,
    /// It breaks a rule; in words.
    Broken(String),
    /// It keeps the rules, and says this.
    Sound(Said),
}

/// The values of a packet that both programs show, by the names of their fields in tshark.
pub type Said = BTreeMap<&'static str, String>;

/// Says that the times of HSRP are not those that were sent, which are of no use; tshark shows them.
const REPLACED: &str = "timers";
const TIMES: [&str; 4] = ["hsrp.hellotime", "hsrp.holdtime", "hsrp2.hellotime", "hsrp2.holdtime"];

/// What came of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Packets.
    pub packets: usize,
    /// Sound for both, and with the same values.
    pub sound: usize,
    /// Broken for both.
    pub broken: usize,
    /// Of no protocol for both, or for one while the other finds it broken.
    pub foreign: usize,
    /// By the place in [`KNOWN`]: how often.
    pub known: BTreeMap<usize, usize>,
    /// All other differences, with the packet.
    pub differences: Vec<String>,
}

/// Compares both verdicts on every packet; the capture file for it is made in `folder`.
///
/// # Errors
/// tshark cannot be run, or does not do what it is asked.
pub fn compare(packets: &[Vec<u8>], folder: &Path) -> Result<Comparison, String> {
    let file = folder.join(format!("differential-{}.pcap", std::process::id()));
    std::fs::write(&file, crate::seeds::pcap(1, packets)).map_err(|why| why.to_string())?;
    let theirs = tshark::verdicts(&file);
    std::fs::remove_file(&file).map_err(|why| why.to_string())?;
    let theirs = theirs?;
    if theirs.len() != packets.len() {
        return Err(format!("tshark speaks of {} packets, not {}", theirs.len(), packets.len()));
    }
    let mut comparison = Comparison { packets: packets.len(), ..Comparison::default() };
    for ((packet, ours), theirs) in packets.iter().zip(ours::verdicts(packets)).zip(theirs) {
        comparison.take(packet, &ours, &theirs);
    }
    Ok(comparison)
}

impl Comparison {
    fn take(&mut self, packet: &[u8], ours: &Verdict, theirs: &Verdict) {
        match (ours, theirs) {
            (Verdict::Sound(ours), Verdict::Sound(theirs)) if ours == theirs => self.sound += 1,
            (Verdict::Broken(_), Verdict::Broken(_)) => self.broken += 1,
            (Verdict::Broken(_), Verdict::Sound(said)) if has_bad_checksum(said) => self.broken += 1,
            // A packet too broken to tell whose it is.
            (Verdict::Foreign, Verdict::Foreign | Verdict::Broken(_))
            | (Verdict::Broken(_), Verdict::Foreign) => self.foreign += 1,
            (
                Verdict::Sound(_) | Verdict::Foreign | Verdict::Broken(_),
                Verdict::Sound(_) | Verdict::Foreign | Verdict::Broken(_),
            ) => self.differ(packet, &differences(ours, theirs)),
        }
    }

    fn differ(&mut self, packet: &[u8], differences: &[(String, String)]) {
        if differences.is_empty() {
            self.sound += 1;
            return;
        }
        let explained = |(ours, theirs): &(String, String)| {
            KNOWN.iter().position(|known| ours.contains(known.ours) && theirs.contains(known.theirs))
        };
        let known: Option<Vec<usize>> = differences.iter().map(explained).collect();
        match known {
            Some(places) => places.into_iter().for_each(|place| *self.known.entry(place).or_default() += 1),
            None => {
                let hex: String = packet.iter().map(|octet| format!("{octet:02x}")).collect();
                let unknown = differences.iter().filter(|difference| explained(difference).is_none());
                let shown: Vec<String> =
                    unknown.map(|(ours, theirs)| format!("{ours} here, {theirs} there")).collect();
                self.differences.push(format!("{}\n  {hex}", shown.join("; ")));
            }
        }
    }
}

/// tshark tells of a bad checksum in VRRP beside everything else.
fn has_bad_checksum(said: &Said) -> bool {
    said.get("vrrp.checksum.status").is_some_and(|status| status == "0")
}

/// Each with both sides: a value of a field, or the verdicts as a whole.
fn differences(ours: &Verdict, theirs: &Verdict) -> Vec<(String, String)> {
    let (Verdict::Sound(ours), Verdict::Sound(theirs)) = (ours, theirs) else {
        return vec![(ours.to_string(), theirs.to_string())];
    };
    let replaced = ours.contains_key(REPLACED);
    let compared = |name: &&str| *name != REPLACED && !(replaced && TIMES.contains(name));
    let names: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    let names = names.into_iter().filter(compared);
    let differ = names.filter(|name| ours.get(name) != theirs.get(name));
    let shown = |name, said: &Said| match said.get(name) {
        Some(value) => format!("{name}={value}"),
        None => format!("{name} absent"),
    };
    differ.map(|name| (shown(name, ours), shown(name, theirs))).collect()
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("foreign"),
            Self::Broken(why) => write!(f, "broken: {why}"),
            Self::Sound(_) => f.write_str("sound"),
        }
    }
}
