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

/// A failing seed is drawn as it was shrunk; the command below it draws the same.
#[test]
fn the_command_that_is_printed_replays_what_is_drawn() {
    let simulate = |arguments: &[&str]| {
        let ended = Command::new(env!("CARGO_BIN_EXE_fhrp-sim")).args(arguments).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let found = simulate(&["--protocol", "vrrp", "--seeds", "12", "--flaw", "carrier-ignored"]);
    let shown = found.split("== seed ").filter_map(|one| one.split_once("replay: "));
    let (drawn, command) = shown.last().expect("a seed that fails");
    let (command, _) = command.split_once('\n').unwrap();
    assert!(command.contains(':'), "nothing was shortened: {command}");
    let (_, arguments) = command.split_once(" -- ").unwrap();
    let again = simulate(&arguments.split(' ').collect::<Vec<_>>());
    let (_, drawn) = drawn.split_once('\n').unwrap();
    assert_eq!(again, drawn);
}
