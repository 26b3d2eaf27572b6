//! From TOML to a configuration: the file as a whole, and the `[daemon]` table.

use std::ops::Range;
use std::time::Duration;

use fhrp::{GlbpSettings, HsrpSettings, VrrpSettings};
use toml::de::{DeTable, DeValue};

use super::diagnose::Problem;
use super::file::{self, Alias, Refused, Section, Value};
use super::group::read_groups;
use super::names::{Names, Naming};
use super::unite::unite;
use super::{Config, DaemonConfig, LogFormat, Scheduling};

const ALIASES: &[Alias] = &[
    ("global", "did you mean `daemon`?"),
    ("global_defs", "did you mean `daemon`?"),
    ("key-chain", "did you mean `key_chain`?"),
    ("keychain", "did you mean `key_chain`?"),
    ("standby", "did you mean `hsrp`?"),
    ("track_interface", "did you mean `track`?"),
    ("vrrp_instance", "did you mean `vrrp`?"),
];

/// Service managers kill what has not ended after a while.
const STOP_LINGER_MAX: Duration = Duration::from_secs(10);

/// Reads the whole file. The result counts only where no problem is an error.
pub(super) fn convert(source: &str) -> (Config, Vec<Problem>) {
    let mut problems = Vec::new();
    let (document, mistakes) = DeTable::parse_recoverable(source);
    if !mistakes.is_empty() {
        // What follows a broken line would only be guessed at.
        problems.extend(mistakes.iter().map(syntax));
        return (Config::default(), problems);
    }
    let mut top = Section::new("the file", 0..0, document.get_ref(), &mut problems);
    let daemon = top.raw("daemon");
    let naming = Naming { chains: top.raw("key_chain"), tracks: top.raw("track"), hsrp: top.raw("hsrp") };
    let (vrrp, glbp) = (top.raw("vrrp"), top.raw("glbp"));
    top.finish(ALIASES);

    let daemon = daemon.map(|table| read_daemon(table, &mut problems)).unwrap_or_default();
    let names = Names::read(&naming, &mut problems);
    let mut drafts = read_groups::<VrrpSettings>(vrrp, &names, &mut problems);
    drafts.extend(read_groups::<HsrpSettings>(naming.hsrp, &names, &mut problems));
    drafts.extend(read_groups::<GlbpSettings>(glbp, &names, &mut problems));
    let nothing = drafts.is_empty() && problems.is_empty();
    let groups = unite(drafts, &mut problems);
    if nothing {
        problems.push(Problem {
            at: None,
            remedy: "add a [[vrrp]], [[hsrp]] or [[glbp]] table".to_owned(),
            ..Problem::warning("the file has no group: fhrpd would do nothing", 0..0)
        });
    }
    (Config { daemon, groups, tracks: names.tracks, remarks: Vec::new() }, problems)
}

/// Reads the `[daemon]` table of a file, whatever else is in it. The result counts only where there is no problem.
pub(super) fn convert_daemon(source: &str) -> (DaemonConfig, Vec<Problem>) {
    let (document, mistakes) = DeTable::parse_recoverable(source);
    let mut problems: Vec<Problem> = mistakes.iter().map(syntax).collect();
    let table = document.get_ref().get("daemon").filter(|_| problems.is_empty());
    let daemon = table.map(|table| read_daemon(table, &mut problems)).unwrap_or_default();
    (daemon, problems)
}

fn syntax(mistake: &toml::de::Error) -> Problem {
    let said = mistake.message();
    let remedy = if said.contains("duplicate key") {
        "remove one of the two"
    } else if said.contains("string") {
        "put text between two quotes on one line"
    } else {
        "write `key = value`, `[daemon]` or `[[vrrp]]` on a line of its own"
    };
    Problem::error(said.replace('\n', ": "), mistake.span().unwrap_or(0..0), remedy)
}

fn read_daemon(table: &Value<'_>, problems: &mut Vec<Problem>) -> DaemonConfig {
    let defaults = DaemonConfig::default();
    let Some(entries) = table.get_ref().as_table() else {
        problems.push(Problem::error(
            "`daemon` must be a table",
            table.span(),
            "write [daemon] on a line of its own",
        ));
        return defaults;
    };
    let mut section = Section::new("[daemon]", table.span(), entries, problems);
    let formats = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
    let config = DaemonConfig {
        control_socket: section.optional("control_socket", file::socket).unwrap_or(defaults.control_socket),
        control_group: section.optional("control_group", group_of_users),
        state_dir: section.optional("state_dir", file::path).unwrap_or(defaults.state_dir),
        log: section.optional("log", file::word(formats)).unwrap_or_default(),
        scheduling: match section.optional("realtime", file::flag) {
            Some(true) | None => Scheduling::Realtime,
            Some(false) => Scheduling::Ordinary,
        },
        stop_linger: section.optional("stop_linger", stop_linger).unwrap_or(defaults.stop_linger),
    };
    section.finish(&[("socket", "did you mean `control_socket`?")]);
    config
}

/// Where the value of a key of `[daemon]` stands, if it does.
pub(super) fn place_in_daemon(source: &str, key: &str) -> Option<Range<usize>> {
    let (document, _) = DeTable::parse_recoverable(source);
    let daemon = document.get_ref().get("daemon")?.get_ref().as_table()?;
    Some(daemon.get(key)?.span())
}

/// Whether there is such a group is another machine's business where the file is only checked.
fn group_of_users(value: &DeValue<'_>) -> Result<String, Refused> {
    let name = file::text(value)?;
    if name.trim().is_empty() || name.contains(|c: char| c == ':' || c.is_control()) {
        let remedy = "name one that /etc/group has, or remove the key".to_owned();
        return Err(Refused { why: format!("{name:?} is no group of users"), remedy });
    }
    Ok(name)
}

fn stop_linger(value: &DeValue<'_>) -> Result<Duration, Refused> {
    let linger = file::duration(value)?;
    if linger > STOP_LINGER_MAX {
        let why = format!("{linger:?} is longer than anyone waits for a daemon to end");
        return Err(Refused { why, remedy: "use at most 10s; 0s ends at once".to_owned() });
    }
    Ok(linger)
}
