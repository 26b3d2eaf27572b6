use clap::Parser as _;
use fhrp_lab::RouterReport;

use super::*;

/// Like the program itself, whose version every command tells.
#[derive(clap::Parser)]
#[command(version = "1", propagate_version = true)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Lab(LabArgs),
}

fn all_planned(line: &str) -> Result<Vec<FailoverPlan>, String> {
    let words = ["fhrpd", "lab"].into_iter().chain(line.split_whitespace());
    let Command::Lab(args) = Program::try_parse_from(words).map_err(|error| error.to_string())?.command;
    plans(&args)
}

fn planned(line: &str) -> Result<FailoverPlan, String> {
    all_planned(line).map(|plans| plans[0].clone())
}

#[test]
fn the_command_line_becomes_a_plan() {
    let usual = planned("").unwrap();
    assert_eq!((usual.routers.len(), usual.hosts, usual.fault), (2, 1, Fault::Kill));
    assert_eq!((usual.protocol, usual.target), (Protocol::VRRP, Target::Active));
    let line =
        "--peer keepalived --peer-active --family 6 --advert 10ms --fault silent --target r1 --routers 3";
    let other = planned(line).unwrap();
    let names: Vec<&str> = other.routers.iter().map(Daemon::name).collect();
    assert_eq!(names, ["keepalived", "fhrpd", "fhrpd"]);
    assert_eq!((other.family, other.fault, other.target), (Family::V6, Fault::Silent, Target::Router(1)));
    assert_eq!(other.protocol.interval(), Duration::from_millis(10));
}

#[test]
fn version_2_counts_in_whole_seconds() {
    let second = Duration::from_secs(1);
    for (line, expected) in [("--version 2", second), ("--version 2 --advert 3s", second * 3)] {
        assert_eq!(planned(line).unwrap().protocol.interval(), expected, "{line}");
    }
}

#[test]
fn hsrp_has_its_own_times() {
    let protocol = |line: &str| planned(line).unwrap().protocol;
    let timers = Timers { hello: Duration::from_millis(250), hold: Duration::from_millis(750) };
    assert_eq!(protocol("hsrp"), Protocol::Hsrp { version: HsrpVersion::V2, timers });
    let timers = Timers { hello: Duration::from_secs(1), hold: Duration::from_secs(3) };
    assert_eq!(protocol("hsrp --version 1"), Protocol::Hsrp { version: HsrpVersion::V1, timers });
    let timers = Timers { hello: Duration::from_millis(50), hold: Duration::from_millis(150) };
    assert_eq!(protocol("hsrp --hello 50ms"), Protocol::Hsrp { version: HsrpVersion::V2, timers });
    let timers = Timers { hello: Duration::from_millis(50), hold: Duration::from_millis(400) };
    let of_line = protocol("hsrp --hello 50ms --hold 400ms --family 6 --target standby");
    assert_eq!(of_line, Protocol::Hsrp { version: HsrpVersion::V2, timers });
}

#[test]
fn glbp_has_three_acts_unless_told_whom_to_hit() {
    let plans = all_planned("glbp").unwrap();
    let targets: Vec<Target> = plans.iter().map(|plan| plan.target).collect();
    assert_eq!(targets, [Target::Avg, Target::Avf, Target::Both]);
    assert_eq!((plans[0].routers.len(), plans[0].hosts), (4, 8));
    let one = all_planned("glbp --routers 2 --hosts 3 --target avf --load-balancing host-dependent").unwrap();
    assert_eq!((one.len(), one[0].routers.len(), one[0].hosts), (1, 2, 3));
    let load_balancing = LoadBalancing::HostDependent;
    assert_eq!(one[0].protocol, Protocol::Glbp { timers: Timers::QUICK, load_balancing });
}

#[test]
fn what_cannot_be_is_said_before_anything_is_built() {
    let refused = |line: &str| planned(line).unwrap_err();
    assert!(refused("--target r3").contains("only 2 routers"));
    assert!(refused("--family 5").contains("no IP version 5"));
    assert!(refused("--version 2 --advert 100ms").contains("whole seconds"));
    assert_eq!(
        refused("--version 2 --family 6"),
        "VRRP version 2 is IPv4 only; use --family 4 or --version 3"
    );
    for advert in ["5ms", "1us", "105ms", "10500us", "41s"] {
        assert!(refused(&format!("--advert {advert}")).contains("use 10ms to 40950ms"), "{advert}");
    }
    assert!(refused("hsrp --hello 10ms").contains("a hello time of 15ms"));
    assert!(refused("glbp --hello 10ms").contains("`hello_time`"));
    assert!(refused("--version 1").contains("use 2 or 3"));
    assert!(refused("--hello 1s").contains("VRRP has no --hello"));
    assert!(refused("--target avg").contains("avg in vrrp"));
    assert!(refused("hsrp --version 3").contains("use 1 or 2"));
    assert!(refused("hsrp --version 1 --hello 250ms").contains("whole seconds"));
    assert!(refused("hsrp --version 1 --family 6").contains("IPv4 only"));
    assert!(refused("hsrp --advert 1s").contains("HSRP has no --advert"));
    assert!(refused("hsrp --peer frr").contains("VRRP only"));
    assert!(refused("glbp --version 1").contains("GLBP has no --version"));
    assert!(refused("glbp --routers 1 --target avf").contains("only 1 router"));
    assert!(refused("carp").contains("possible values: vrrp, hsrp, glbp"));
    assert!(planned("--peer-active").is_err());
}

fn report() -> FailoverReport {
    let host = HostReport {
        name: "h1".to_owned(),
        router_before: Some("r1".to_owned()),
        router: Some("r2".to_owned()),
        mac_before: Some("00:00:5e:00:01:01".to_owned()),
        mac: Some("00:00:5e:00:01:01".to_owned()),
        lost: 345,
        outage_ms: 345.2,
        sender_gap_ms: 1.2,
    };
    FailoverReport {
        protocol: "vrrp",
        version: 3,
        family: 4,
        fault: "kill".to_owned(),
        target: "active".to_owned(),
        hit: vec!["r1".to_owned()],
        outage_ms: 345.2,
        bound_ms: 341.406,
        takeover_ms: Some(341.6),
        hosts: vec![host],
        routers: Vec::new(),
    }
}

#[test]
fn the_summary_names_bound_and_hosts() {
    assert_eq!(
        summary(&planned("").unwrap(), &report()),
        "\nkill hit active (r1): VRRP over IPv4, advertisements every 100ms\n\
         \u{20} takeover    341.600 ms   (the protocol's bound: 341.406 ms)\n\
         \u{20} outage      345.200 ms\n\
         \u{20} h1          345.200 ms   345 probes lost, first through r1, now through r2\n"
    );
}

#[test]
fn a_host_that_could_not_send_stands_out() {
    let mut report = report();
    report.hosts[0].sender_gap_ms = 212.4;
    let text = summary(&planned("").unwrap(), &report);
    assert!(text.ends_with("now through r2; it sent nothing for 212 ms itself\n"), "{text}");
}

#[test]
fn a_host_that_learned_another_mac_address_stands_out() {
    let before = report().hosts[0].clone();
    let after = HostReport { mac: Some("02:00:00:00:00:0c".to_owned()), ..before };
    assert_eq!(way(&after), "first through r1, now through r2 by another MAC address");
}

#[test]
fn the_summary_shows_the_shares_of_glbp() {
    let router = RouterReport {
        name: "r2".to_owned(),
        forwarders_before: vec![2],
        forwarders: vec![1, 2],
        octets_before: 29_000,
        octets: 91_000,
    };
    let report = FailoverReport { routers: vec![router], ..report() };
    let text = summary(&planned("glbp --target avg").unwrap(), &report);
    assert!(text.contains("GLBP over IPv4, hello 250ms, hold 750ms"), "{text}");
    let row = "  r2        forwarders 2                 29000 octets, then forwarders 1 2               91000 octets\n";
    assert!(text.ends_with(row), "{text}");
}

#[test]
fn one_act_is_one_object_and_several_are_one_too() {
    let value = |reports: &[FailoverReport]| -> serde_json::Value {
        serde_json::from_str(&in_json(reports)).unwrap()
    };
    let one = value(&[report()]);
    assert_eq!(one["hosts"][0]["router_before"], "r1");
    assert!(one.get("acts").is_none() && one.get("routers").is_none());
    let worse = FailoverReport { outage_ms: 900.0, target: "both".to_owned(), ..report() };
    let two = value(&[report(), worse]);
    assert_eq!((&two["outage_ms"], &two["acts"][1]["target"]), (&900.0.into(), &"both".into()));
}
