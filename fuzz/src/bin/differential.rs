//! Compares our verdict with tshark's on a corpus: `differential [--packets N] [--seed S] [--show N]`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use fhrp_fuzz::differential::{Comparison, KNOWN, compare, corpus};

struct Options {
    packets: usize,
    seed: u64,
    /// Differences that are shown.
    show: usize,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = read(&words).and_then(|options| {
        let packets = corpus(options.packets, options.seed);
        Ok((compare(&packets, &std::env::temp_dir())?, options.show))
    });
    match outcome {
        Ok((comparison, most)) => {
            show(&comparison, most);
            if comparison.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn read(words: &[String]) -> Result<Options, String> {
    let mut options = Options { packets: 100_000, seed: 1, show: 20 };
    for pair in words.chunks(2) {
        let [name, value] = pair else { return Err(format!("{} needs a number", pair.concat())) };
        let wrong = |_| format!("{name} needs a number");
        match name.as_str() {
            "--packets" => options.packets = value.parse().map_err(wrong)?,
            "--seed" => options.seed = value.parse().map_err(wrong)?,
            "--show" => options.show = value.parse().map_err(wrong)?,
            _ => return Err(format!("there is no {name}; there are --packets, --seed and --show")),
        }
    }
    Ok(options)
}

fn show(comparison: &Comparison, most: usize) {
    let Comparison { packets, sound, broken, foreign, known, differences } = comparison;
    for difference in differences.iter().take(most) {
        println!("{difference}");
    }
    for (place, count) in known {
        println!("{count} known: {} ({})", KNOWN[*place].reason, KNOWN[*place].source);
    }
    println!(
        "{packets} packets: {sound} sound and alike, {broken} broken for both, {foreign} foreign, {} differences",
        differences.len()
    );
}
