//! From TOML to a configuration, and the rules that concern more than one group.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;

use fhrp::{GroupConfig, GroupId, InterfaceName};
use toml::de::DeTable;

use super::diagnose::Problem;
use super::file::{self, Section, Value};
use super::vrrp::{Draft, read_group};
use super::{Config, DaemonConfig, LogFormat, Scheduling};

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
    let vrrp = top.raw("vrrp");
    let (hsrp, glbp) = (top.raw("hsrp"), top.raw("glbp"));
    top.finish(&[("global", "did you mean `daemon`?"), ("global_defs", "did you mean `daemon`?")]);

    for (protocol, table) in [("HSRP", hsrp), ("GLBP", glbp)] {
        if let Some(table) = table {
            let title = format!("this version of fhrpd does not have {protocol}");
            problems.push(Problem::error(title, table.span(), "remove the table, or use [[vrrp]]"));
        }
    }
    let daemon = daemon.map(|table| read_daemon(table, &mut problems)).unwrap_or_default();
    let drafts = vrrp.map(|tables| read_groups(tables, &mut problems)).unwrap_or_default();
    let nothing = drafts.is_empty() && problems.is_empty();
    let groups = unite(drafts, &mut problems);
    if nothing {
        problems.push(Problem {
            at: None,
            remedy: "add a [[vrrp]] table".to_owned(),
            ..Problem::warning("the file has no group: fhrpd would do nothing", 0..0)
        });
    }
    (Config { daemon, groups, remarks: Vec::new() }, problems)
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
        control_socket: section.optional("control_socket", file::path).unwrap_or(defaults.control_socket),
        control_group: section.optional("control_group", file::text),
        state_dir: section.optional("state_dir", file::path).unwrap_or(defaults.state_dir),
        log: section.optional("log", file::word(formats)).unwrap_or_default(),
        scheduling: match section.optional("realtime", file::flag) {
            Some(true) | None => Scheduling::Realtime,
            Some(false) => Scheduling::Ordinary,
        },
    };
    section.finish(&[("socket", "did you mean `control_socket`?")]);
    config
}

fn read_groups(tables: &Value<'_>, problems: &mut Vec<Problem>) -> Vec<Draft> {
    let Some(list) = tables.get_ref().as_array() else {
        problems.push(Problem::error("`vrrp` must be a list of tables", tables.span(), "write [[vrrp]]"));
        return Vec::new();
    };
    list.iter().filter_map(|table| read_group(table, problems)).collect()
}

/// Brings the groups together; two that cannot live side by side are an error that points at both.
fn unite(drafts: Vec<Draft>, problems: &mut Vec<Problem>) -> BTreeMap<GroupId, GroupConfig> {
    let mut groups: BTreeMap<GroupId, (GroupConfig, Range<usize>)> = BTreeMap::new();
    let mut holders: BTreeMap<(InterfaceName, IpAddr), (GroupId, Range<usize>)> = BTreeMap::new();
    for draft in drafts {
        let id = draft.config.id().clone();
        if let Some((_, earlier)) = groups.get(&id) {
            let title = format!("two groups {id}");
            let remedy = "give one of them another vrid, or put all addresses into one group";
            let problem = Problem::error(title, draft.vrid, remedy).labelled("here again");
            problems.push(problem.with_other(earlier.clone(), "first here"));
            continue;
        }
        for address in draft.config.addresses().iter() {
            let at = draft.place_of(*address);
            let place = (id.interface.clone(), *address);
            match holders.get(&place) {
                Some((holder, earlier)) => {
                    let title = format!("{address} is in two groups of {}", id.interface);
                    let problem =
                        Problem::error(title, at, "leave it in one of them").labelled(format!("in {id}"));
                    problems.push(problem.with_other(earlier.clone(), format!("in {holder}")));
                }
                None => drop(holders.insert(place, (id.clone(), at))),
            }
        }
        groups.insert(id, (draft.config, draft.vrid));
    }
    groups.into_iter().map(|(id, (config, _))| (id, config)).collect()
}
