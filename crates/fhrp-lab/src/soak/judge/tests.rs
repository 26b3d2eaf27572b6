use super::*;
use crate::soak::parties::{ROUTERS, parties};

/// The place of a party of each shape.
const VRRP: usize = 1;
const GLBP: usize = 5;

fn group(party: &Party, router: u8) -> ShownGroup {
    let place = (router + ROUTERS - party.first_choice()) % ROUTERS;
    let state = match (place, party.protocol()) {
        (0, _) => "active",
        (_, "vrrp") => "backup",
        (1, _) => "standby",
        (_, _) => "listen",
    };
    let forwarder = |number: u8| super::super::show::ShownForwarder {
        number,
        state: if number == router { "active" } else { "listen" }.to_owned(),
        state_changes: 1,
        mac: party.virtual_mac(Some(number)).map(|mac| mac.to_string()).unwrap(),
        primary: number == router,
        programmed: true,
    };
    let forwarders = if party.shares() { (1..=ROUTERS).map(forwarder).collect() } else { Vec::new() };
    ShownGroup {
        protocol: party.protocol().to_owned(),
        group: party.number(),
        state: state.to_owned(),
        priority: party.priority(router),
        effective_priority: party.priority(router),
        active: None,
        programmed: true,
        state_changes: 1,
        virtual_mac: party.virtual_mac(None).map(|mac| mac.to_string()),
        forwarders,
    }
}

/// The kernel that these groups want.
fn links(groups: &[(&Party, ShownGroup)]) -> Vec<Link> {
    let mut text = Vec::new();
    for (party, group) in groups {
        let address = |holds: bool| {
            if holds { format!(r#"{{"local":"{}","prefixlen":32}}"#, party.address()) } else { String::new() }
        };
        let mut device = |mac: &str, kind: &str, holds: bool| {
            text.push(format!(
                r#"{{"ifname":"x{}","address":"{mac}","linkinfo":{{"info_kind":"{kind}"}},"addr_info":[{}]}}"#,
                party.number(),
                address(holds)
            ));
        };
        for forwarder in &group.forwarders {
            device(&forwarder.mac, "macvlan", forwarder.is_active());
        }
        match &group.virtual_mac {
            Some(mac) => device(mac, "macvlan", group.is_active()),
            None if party.shares() => {}
            None => device("02:00:00:00:01:0b", "veth", group.is_active()),
        }
    }
    serde_json::from_str(&format!("[{}]", text.join(","))).unwrap()
}

fn settled() -> Sight {
    let all = parties();
    let router = |number| {
        let groups: Vec<_> = all.iter().map(|party| (party, group(party, number))).collect();
        let links = links(&groups);
        RouterSight {
            number,
            shown: Shown { groups: groups.into_iter().map(|(_, group)| group).collect() },
            links,
        }
    };
    Sight { routers: (1..=ROUTERS).map(router).collect(), switches: BTreeMap::new() }
}

/// What is found after a change of what is as it should be.
fn found(change: impl FnOnce(&mut Sight)) -> Vec<Checker> {
    let mut sight = settled();
    change(&mut sight);
    let mut found: Vec<_> =
        sight.judge(&parties()).violations.iter().map(|violation| violation.checker).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn vrrp(sight: &mut Sight, router: usize) -> &mut ShownGroup {
    &mut sight.routers[router - 1].shown.groups[VRRP]
}

fn glbp(sight: &mut Sight, router: usize) -> &mut ShownGroup {
    &mut sight.routers[router - 1].shown.groups[GLBP]
}

#[test]
fn nothing_is_found_where_all_is_well() {
    let sight = settled();
    let findings = sight.judge(&parties());
    assert_eq!(findings.violations, []);
    assert!(findings.checks > 100, "{}", findings.checks);
    assert_eq!(sight.judge_steady(&settled()).violations, []);
}

#[test]
fn two_active_routers_none_and_an_absent_group_are_seen() {
    assert!(found(|sight| vrrp(sight, 1).state = "active".to_owned()).contains(&Checker::Converges));
    assert!(found(|sight| vrrp(sight, 2).state = "backup".to_owned()).contains(&Checker::Converges));
    assert_eq!(found(|sight| vrrp(sight, 1).state = "initialize".to_owned()), [Checker::Converges]);
    assert_eq!(found(|sight| glbp(sight, 1).state = "speak".to_owned()), [Checker::Converges]);
    assert_eq!(found(|sight| glbp(sight, 2).state = "standby".to_owned()), [Checker::Converges]);
    let gone = |sight: &mut Sight| drop(sight.routers[0].shown.groups.remove(VRRP));
    assert!(found(gone).contains(&Checker::Converges));
}

#[test]
fn another_than_preemption_says_is_seen() {
    let other = |sight: &mut Sight| {
        let [first, second] = [1, 2].map(|router| vrrp(sight, router).state.clone());
        vrrp(sight, 1).state = second;
        vrrp(sight, 2).state = first;
    };
    assert!(found(other).contains(&Checker::Preempts));
    assert_eq!(found(|sight| vrrp(sight, 1).effective_priority = 7), [Checker::Preempts]);
    assert_eq!(found(|sight| vrrp(sight, 1).priority = 7), [Checker::Preempts]);
}

#[test]
fn forwarders_that_nobody_or_two_serve_are_seen() {
    let idle = |sight: &mut Sight| glbp(sight, 1).forwarders[0].state = "listen".to_owned();
    assert_eq!(found(idle), [Checker::Converges, Checker::Preempts, Checker::Binding]);
    let twice = |sight: &mut Sight| glbp(sight, 2).forwarders[0].state = "active".to_owned();
    assert_eq!(found(twice), [Checker::Converges, Checker::Binding]);
    assert_eq!(found(|sight| glbp(sight, 2).forwarders[0].programmed = false), [Checker::Binding]);
}

#[test]
fn a_kernel_that_does_not_follow_is_seen() {
    assert_eq!(found(|sight| vrrp(sight, 1).programmed = false), [Checker::Binding]);
    // A Backup that holds the address, an Active router that does not, a device too many, a device too few.
    let address = parties()[VRRP].address();
    let holds = |link: &Link| link.holds(address).is_some();
    let stolen = |sight: &mut Sight| {
        let from = sight.routers[1].links.iter().position(holds).unwrap();
        let taken = std::mem::take(&mut sight.routers[1].links[from].addr_info);
        sight.routers[0].links[0].addr_info.extend(taken);
    };
    assert_eq!(found(stolen), [Checker::Binding]);
    let lost = |sight: &mut Sight| {
        let from = sight.routers[1].links.iter().position(holds).unwrap();
        sight.routers[1].links[from].addr_info.clear();
    };
    assert_eq!(found(lost), [Checker::Binding]);
    let doubled = |sight: &mut Sight| {
        let link = sight.routers[0].links[0].clone();
        sight.routers[0].links.push(link);
    };
    assert_eq!(found(doubled), [Checker::Binding]);
    let stray = |sight: &mut Sight| {
        let mut link = sight.routers[0].links[0].clone();
        link.address = "00:00:5e:00:01:63".to_owned();
        sight.routers[0].links.push(link);
    };
    assert_eq!(found(stray), [Checker::Binding]);
    assert_eq!(found(|sight| drop(sight.routers[0].links.remove(0))), [Checker::Binding]);
    let narrow = |sight: &mut Sight| {
        let links = &mut sight.routers[0].links;
        links.push(serde_json::from_str(r#"{"ifname":"lan0","mtu":1500}"#).unwrap());
        links[0].link = Some("lan0".to_owned());
        links[0].mtu = 1400;
    };
    assert_eq!(found(narrow), [Checker::Binding]);
}

#[test]
fn a_switch_that_leads_to_a_backup_is_seen() {
    let mac = parties()[VRRP].virtual_mac(None).unwrap();
    let leads = |to: &'static str| found(move |sight| drop(sight.switches.insert((0, mac), to.to_owned())));
    assert_eq!(leads("r2"), []);
    assert_eq!(leads("r1"), [Checker::Tables]);
}

#[test]
fn a_change_of_state_in_a_calm_is_seen() {
    let mut later = settled();
    vrrp(&mut later, 3).state_changes += 1;
    assert_eq!(later.judge_steady(&settled()).violations.len(), 1);
    let mut later = settled();
    glbp(&mut later, 3).forwarders[1].state_changes += 2;
    assert_eq!(later.judge_steady(&settled()).violations.len(), 1);
}
