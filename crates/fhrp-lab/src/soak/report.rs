//! What a soak has come to.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::Serialize;

use super::{check::Violation, growth::Life};

/// What a soak has come to. Its `Display` is the line that ends a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SoakReport {
    /// The seed.
    pub seed: u64,
    /// How long it took, in minutes.
    pub minutes: f64,
    /// Rounds of faults and a calm each.
    pub rounds: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Those of them that found nothing to break.
    pub in_vain: u64,
    /// How often another router became Active for a group or forwarder.
    pub takeovers: u64,
    /// How often something was checked.
    pub checks: u64,
    /// What did not hold.
    #[serde(serialize_with = "as_text")]
    pub violations: Vec<Violation>,
    /// The longest time from the last mended fault to a settled state, in seconds.
    pub settled_s_max: f64,
    /// Probes sent in calms, each of which arrived once if there is no violation.
    pub probes: u64,
    /// The daemons' lives.
    pub lives: Vec<Life>,
    /// Where evidence was saved.
    pub evidence: Option<PathBuf>,
}

fn as_text<S: serde::Serializer>(violations: &[Violation], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(violations.iter().map(ToString::to_string))
}

impl SoakReport {
    /// Figures that are more than a line.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let kinds: Vec<_> = self.faults.iter().map(|(kind, count)| format!("{kind}={count}")).collect();
        let mut lines = vec![
            format!("faults: {} (in vain: {})", kinds.join(" "), self.in_vain),
            format!("settled after {:.1} s at most; {} probes in calms", self.settled_s_max, self.probes),
        ];
        let long = self.lives.iter().filter(|life| life.calms > 1);
        lines.extend(long.map(|life| {
            let (first, last) = (&life.first, &life.last);
            format!(
                "r{} process {}, {} calms: PSS {} -> {} KiB, of its own {} -> {} KiB, descriptors {} -> {}, threads {} -> {}",
                life.router, life.pid, life.calms, first.pss_kib, last.pss_kib, first.own_kib, last.own_kib,
                first.descriptors, last.descriptors, first.threads, last.threads
            )
        }));
        lines
    }
}

impl fmt::Display for SoakReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults.values().sum();
        write!(
            f,
            "minutes={:.1} faults={faults} takeovers={} checks={} violations={}",
            self.minutes,
            self.takeovers,
            self.checks,
            self.violations.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soak::Checker;

    #[test]
    fn the_last_line_counts() {
        let mut report = SoakReport { minutes: 20.04, takeovers: 9, checks: 100, ..SoakReport::default() };
        report.faults = BTreeMap::from([("kill", 2), ("loss", 3)]);
        assert_eq!(report.to_string(), "minutes=20.0 faults=5 takeovers=9 checks=100 violations=0");
        report.violations.push(Violation { checker: Checker::Tables, text: "x".to_owned() });
        assert!(report.to_string().ends_with("violations=1"));
        assert!(serde_json::to_string(&report).unwrap().contains("\"violations\":[\"tables: x\"]"));
    }
}
