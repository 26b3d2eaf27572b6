//! When a topology can be used. The kernel finishes some of what it was told in its own time: that a cable has a
//! carrier at both ends, and which multicast groups belong to an address.

use std::{collections::BTreeSet, fs, thread, time::Duration};

use nix::{ifaddrs::getifaddrs, net::if_::InterfaceFlags};

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    namespace::Namespace,
};

const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until every interface in there that is up runs, and has joined the groups of its IPv6 addresses.
pub(crate) fn await_ready(namespace: &Namespace) -> Result<()> {
    let begin = Stamp::now();
    loop {
        let missing = namespace.run(missing)?;
        if missing.is_empty() {
            return Ok(());
        }
        let waited = Stamp::now().since(begin);
        if waited > PATIENCE {
            return Err(LabError::Timeout {
                what: format!("the interfaces of {} are not ready", namespace.name()),
                waited_ms: waited.as_millis(),
                detail: missing.join("\n"),
            });
        }
        thread::sleep(LOOK);
    }
}

/// What is missing in the calling thread's namespace, for a person.
fn missing() -> Vec<String> {
    let read = |name| fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default();
    let interfaces = getifaddrs().into_iter().flatten();
    let up_only = |flags: InterfaceFlags| {
        flags.contains(InterfaceFlags::IFF_UP) && !flags.contains(InterfaceFlags::IFF_RUNNING)
    };
    let cut_off: BTreeSet<_> = interfaces
        .filter(|one| up_only(one.flags))
        .map(|one| format!("{} has no carrier", one.interface_name))
        .collect();
    cut_off.into_iter().chain(groups_missing(&read("if_inet6"), &read("igmp6"))).collect()
}

/// Groups that go with addresses and have not been joined (RFC 4291 §2.7.1), from the kernel's lists of both.
fn groups_missing(addresses: &str, joined: &str) -> Vec<String> {
    let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let joined: BTreeSet<(String, String)> = joined
        .lines()
        .filter_map(|line| match columns(line).as_slice() {
            [_, interface, group, ..] => Some((interface.clone(), group.clone())),
            _ => None,
        })
        .collect();
    let wanted = addresses.lines().filter_map(|line| {
        let columns = columns(line);
        let (address, interface) = (columns.first()?, columns.get(5).filter(|name| *name != "lo")?);
        Some((interface.clone(), format!("ff0200000000000000000001ff{}", address.get(26..)?)))
    });
    let missing = wanted.filter(|pair| !joined.contains(pair));
    missing.map(|(interface, group)| format!("{interface} has not joined {group}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Linux 6 prints them.
    #[test]
    fn an_address_without_its_group_is_found() {
        let addresses = "\
00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000000000000000000b 02 40 20 80     lan0
20010db800010000000000000000000b 02 40 00 80     lan0
";
        let all_nodes = "2    lan0            ff020000000000000000000000000001     1 0000000C 0\n";
        let solicited = "2    lan0            ff0200000000000000000001ff00000b     2 00000004 0\n";
        assert_eq!(groups_missing(addresses, &format!("{all_nodes}{solicited}")), [""; 0]);
        let elsewhere = solicited.replace("lan0", "lan1");
        assert_eq!(
            groups_missing(addresses, &format!("{all_nodes}{elsewhere}")),
            ["lan0 has not joined ff0200000000000000000001ff00000b"; 2]
        );
    }
}
