//! The program itself, where what it writes goes nowhere.

use std::process::Command;

#[test]
fn a_reader_that_has_gone_away_is_no_fault() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_fhrp-sim"))
        .args(["--protocol", "vrrp", "--replay", "1"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(2), ""));
}
