//! Some faults of a seed, in words that a command line takes: what is drawn can be drawn again.

use std::time::Duration;

use crate::fault::Fault;
use crate::plan::Scenario;

/// What stands for no fault.
const NONE: &str = "none";

/// The faults of `whole` that `least` has, for [`keep`]: `3,7:1250000` are its faults 3, and 7 for 1.25 s only.
#[must_use]
pub fn kept(whole: &Scenario, least: &Scenario) -> String {
    let mut left = whole.faults.iter().enumerate();
    let name = |kept: &Fault| {
        let (place, fault) = left.find(|(_, fault)| fault.at == kept.at && fault.kind == kept.kind)?;
        let lasts = kept.until.saturating_duration_since(kept.at).as_micros();
        Some(if fault.until == kept.until { place.to_string() } else { format!("{place}:{lasts}") })
    };
    let names: Vec<String> = least.faults.iter().filter_map(name).collect();
    if names.is_empty() { NONE.to_owned() } else { names.join(",") }
}

/// `whole` with the faults of a list alone.
///
/// # Errors
/// What of the list is no fault of `whole`, or no time.
pub fn keep(whole: &Scenario, list: &str) -> Result<Scenario, String> {
    let named = list.split(',').map(str::trim).filter(|name| !name.is_empty() && *name != NONE);
    let faults: Result<Vec<Fault>, String> = named.map(|name| find(whole, name)).collect();
    faults.map(|faults| whole.with_faults(faults))
}

fn find(whole: &Scenario, name: &str) -> Result<Fault, String> {
    let (place, lasts) = match name.split_once(':') {
        None => (name, None),
        Some((place, lasts)) => (place, Some(lasts)),
    };
    let number: Option<usize> = place.parse().ok();
    let fault = number.and_then(|place| whole.faults.get(place));
    let mut fault = fault.ok_or_else(|| format!("seed {} has no fault {place}", whole.seed))?.clone();
    if let Some(lasts) = lasts {
        let micros = lasts.parse().map_err(|_| format!("{lasts} is no number of microseconds"))?;
        fault.until = fault.at + Duration::from_micros(micros);
    }
    Ok(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::shrink;
    use crate::check::Watch;
    use crate::flaw::Flaw;
    use crate::plan::Protocol;
    use crate::world::{Recording, Trial, run};

    /// The whole point of what is printed.
    #[test]
    fn what_is_shrunk_is_replayed_as_it_was_drawn() {
        let trial = Trial { flaw: Some(Flaw::CarrierIgnored), watch: Watch::All };
        let fails = |whole: Scenario| {
            let violation = run(&whole, trial, Recording::Off).violation?;
            Some((whole, violation.checker))
        };
        let mut shortened = 0;
        let all = (0..50).map(|seed| Scenario::draw(Protocol::Vrrp, seed));
        for (whole, checker) in all.filter_map(fails).take(2) {
            let least = shrink(&whole, trial, checker);
            let again = keep(&whole, &kept(&whole, &least)).unwrap();
            assert_eq!((&again.faults, again.end), (&least.faults, least.end));
            let [drawn, replayed] = [&least, &again].map(|scenario| run(scenario, trial, Recording::Off));
            assert_eq!((drawn.hash, drawn.violation), (replayed.hash, replayed.violation));
            shortened += usize::from(least.faults.iter().any(|fault| !whole.faults.contains(fault)));
        }
        assert!(shortened > 0);
    }

    #[test]
    fn lists_say_which_and_how_long() {
        let whole =
            (0..).map(|seed| Scenario::draw(Protocol::Vrrp, seed)).find(|whole| whole.faults.len() > 2);
        let whole = whole.unwrap();
        assert_eq!(keep(&whole, "none").unwrap().faults, []);
        assert_eq!(kept(&whole, &whole.with_faults(Vec::new())), "none");
        let two = keep(&whole, "0, 2:1500").unwrap();
        let shorter =
            Fault { until: whole.faults[2].at + Duration::from_micros(1500), ..whole.faults[2].clone() };
        assert_eq!(two.faults, [whole.faults[0].clone(), shorter]);
        assert_eq!(kept(&whole, &two), "0,2:1500");
        assert_eq!(keep(&whole, "99").unwrap_err(), format!("seed {} has no fault 99", whole.seed));
        assert_eq!(keep(&whole, "0:1.5").unwrap_err(), "1.5 is no number of microseconds");
        assert!(keep(&whole, "first").is_err());
    }
}
