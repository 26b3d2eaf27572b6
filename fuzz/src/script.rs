//! Fault scripts of `fhrpd simulate`.

use fhrpd::config::Config;
use fhrpd::simulate;

use crate::config::judge;
use crate::seeds::CONFIG;

/// Reads `data` as a script about two routers; its first octet says which protocol they speak. What is wrong with it is
/// said with its place and a remedy.
///
/// # Panics
/// When it is not: that is the finding.
pub fn script(data: &[u8]) {
    let Some((choice, script)) = data.split_first() else { return };
    let Ok(script) = std::str::from_utf8(script) else { return };
    let source = CONFIG[usize::from(*choice) % CONFIG.len()];
    let routers = ["r1", "r2"].map(|name| (name.to_owned(), Config::parse(source).expect("a right file")));
    let problems = simulate::check(routers.into(), script).expect("a network");
    judge(script, &problems);
}
