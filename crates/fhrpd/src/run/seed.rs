//! What nonces are made of: the engine has no source of chance of its own.

use std::io;

use fhrp::{GlbpConfig, GlbpSettings, GroupConfig};
use rustix::rand::{GetRandomFlags, getrandom};

/// `config` with a seed that nobody guesses, where it is of a protocol that has nonces.
pub(super) fn sow(config: GroupConfig) -> GroupConfig {
    let Some(glbp) = config.glbp() else { return config };
    match draw() {
        Ok(nonce_seed) => {
            let settings = GlbpSettings { nonce_seed, ..glbp.settings().clone() };
            GlbpConfig::new(settings).map_or(config, GroupConfig::from)
        }
        Err(error) => {
            tracing::error!("{}: no random numbers: nonces can be guessed: {error}", config.id());
            config
        }
    }
}

fn draw() -> io::Result<[u64; 2]> {
    let mut seed = [0_u64; 2];
    for number in &mut seed {
        let mut octets = [0_u8; 8];
        // The kernel never gives less than asked for where it is so little (getrandom(2)).
        getrandom(&mut octets, GetRandomFlags::empty())?;
        *number = u64::from_ne_bytes(octets);
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use fhrp::{InterfaceName, VrrpConfig, VrrpSettings};

    use super::*;

    #[test]
    fn every_start_has_seeds_of_its_own() {
        let settings = GlbpSettings::new(InterfaceName::new("eth0"), 1, vec![[192, 0, 2, 1].into()]);
        let config = GroupConfig::from(GlbpConfig::new(settings).unwrap());
        let seed = |config: &GroupConfig| config.glbp().unwrap().settings().nonce_seed;
        let (first, second) = (sow(config.clone()), sow(config.clone()));
        assert_ne!(seed(&first), seed(&config));
        assert_ne!(seed(&first), seed(&second));
    }

    #[test]
    fn vrrp_has_no_nonces() {
        let settings = VrrpSettings::new(InterfaceName::new("eth0"), 1, vec![[192, 0, 2, 1].into()]);
        let config = GroupConfig::from(VrrpConfig::new(settings).unwrap());
        assert_eq!(sow(config.clone()), config);
    }
}
