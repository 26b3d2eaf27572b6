//! Writes what the fuzzer begins with to `fuzz/corpus/TARGET`, where `cargo fuzz run TARGET` looks.
#![forbid(unsafe_code)]

use std::path::Path;

use fhrp_fuzz::seeds;
use fhrp_fuzz::targets::TARGETS;

fn main() -> std::io::Result<()> {
    for target in &TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        let inputs = seeds::seeds(target.name);
        for (number, input) in inputs.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:04}")), input)?;
        }
        println!("{}: {} seeds", target.name, inputs.len());
    }
    Ok(())
}
