//! A run without a fuzzer: every target, or those named, over its seeds and a fixed number of mutations of them.
//!
//! `--times N` has N times as many, `--seed S` others. It ends with a panic, and says which input it was, or well.
#![forbid(unsafe_code)]

use std::panic::catch_unwind;
use std::process::ExitCode;

use fhrp_fuzz::targets::{TARGETS, Target};
use fhrp_fuzz::{Chance, seeds};

struct Options {
    times: u32,
    seed: u64,
    targets: Vec<String>,
}

fn main() -> ExitCode {
    let options = match read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}; short [--times N] [--seed S] [TARGET…]");
            return ExitCode::FAILURE;
        }
    };
    let chosen = |target: &&Target| {
        options.targets.is_empty() || options.targets.iter().any(|name| name == target.name)
    };
    for target in TARGETS.iter().filter(chosen) {
        if let Err(input) = run(target, &options) {
            eprintln!("{} fails with {} octets:\n{}", target.name, input.len(), hex(&input));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { times: 1, seed: 1, targets: Vec::new() };
    while let Some(word) = words.next() {
        let mut number =
            || words.next().and_then(|text| text.parse().ok()).ok_or(format!("{word} needs a number"));
        match word.as_str() {
            "--times" => options.times = u32::try_from(number()?).map_err(|_| "too often")?,
            "--seed" => options.seed = number()?,
            name if TARGETS.iter().any(|target| target.name == name) => options.targets.push(word),
            _ => return Err(format!("there is no {word}")),
        }
    }
    Ok(options)
}

/// The input that fails, if any.
fn run(target: &Target, options: &Options) -> Result<(), Vec<u8>> {
    let seeds = seeds::seeds(target.name);
    let mut chance = Chance::new(options.seed);
    let mutations = target.short.saturating_mul(options.times);
    let mutated = (0..mutations).map(|_| chance.mutated(&seeds));
    for input in seeds.iter().cloned().chain(mutated) {
        catch_unwind(|| (target.body)(&input)).map_err(|_| input)?;
    }
    println!("{}: {} seeds and {mutations} mutations", target.name, seeds.len());
    Ok(())
}

fn hex(input: &[u8]) -> String {
    input.iter().map(|octet| format!("{octet:02x}")).collect()
}
