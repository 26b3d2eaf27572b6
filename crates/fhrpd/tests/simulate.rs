//! `fhrpd simulate`: what an operator reads. Each text is a reviewed snapshot; nothing in it depends on the machine.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;

const R1: &str = "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.1\"]\npriority = 150\n";
const R2: &str = "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.1\"]\n";
const H1: &str = "[[hsrp]]\ninterface = \"eth0\"\nversion = 2\ngroup = 10\naddresses = [\"192.0.2.1\"]\n\
                  priority = 110\npreempt = true\nhello_time = \"1s\"\nhold_time = \"3s\"\n\
                  track = [{ name = \"uplink\", decrement = 20 }]\n\
                  [[track]]\nname = \"uplink\"\ninterface = \"eth1\"\n";
const H2: &str = "[[hsrp]]\ninterface = \"ens3\"\nversion = 2\ngroup = 10\naddresses = [\"192.0.2.1\"]\n\
                  preempt = true\nhello_time = \"1s\"\nhold_time = \"3s\"\n";
const GLBP: &str = "[[glbp]]\ninterface = \"eth0\"\ngroup = 1\naddresses = [\"192.0.2.1\"]\n\
                    hello_time = \"1s\"\nhold_time = \"3s\"\n";

/// Runs it in a folder that has `files`.
fn simulate(files: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_fhrpd"))
        .arg("simulate")
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(files: &[(&str, &str)], arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
    serde_json::from_str(&text(&simulate(files, &arguments))).unwrap()
}

const PAIR: [(&str, &str); 2] = [("r1.toml", R1), ("r2.toml", R2)];

macro_rules! read {
    ($($name:ident: $files:expr, $arguments:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), text(&simulate(&$files, &$arguments)));
        }
    )*};
}

read! {
    nothing_goes_wrong: PAIR, ["r1.toml", "r2.toml"];
    power_is_lost_and_back: PAIR, ["r1.toml", "r2.toml", "--faults", "at 6s kill r1; at 15s start r1"];
    an_order_to_stop: PAIR, ["r1.toml", "r2.toml", "--faults", "at 6s stop r1 for 5s"];
    the_lan_falls_apart: PAIR, ["r1.toml", "r2.toml", "--faults", "at 6s split r1; at 12s heal"];
    much_is_lost: PAIR, ["r1.toml", "r2.toml", "--faults", "at 6s loss 40% from r1 to r2 for 40s", "--seed", "3"];
    frames: PAIR, ["r1.toml", "r2.toml", "--frames", "--duration", "4s"];
    an_uplink_is_tracked: [("h1.toml", H1), ("h2.toml", H2)],
        ["h1.toml", "h2.toml", "--faults", "at 10s cut h1 eth1; at 20s restore h1 eth1"];
    a_forwarder_is_lost: [("a.toml", GLBP), ("b.toml", GLBP), ("c.toml", &GLBP.replace("= 1\n", "= 1\npriority = 120\n"))],
        ["a.toml", "b.toml", "c.toml", "--faults", "at 30s kill a", "--duration", "40s"];
    a_group_that_follows_one_of_another_lan: [("r1.toml",
        "[[hsrp]]\ninterface = \"eth0.1\"\naddresses = [\"192.0.2.1\"]\nname = \"lead\"\n\
         [[hsrp]]\ninterface = \"eth0.2\"\ngroup = 2\naddresses = [\"198.51.100.1\"]\nfollow = \"lead\"\n")], ["r1.toml"];
    groups_that_differ: [("r1.toml", R1), ("r2.toml", &R2.replace("vrid = 10", "vrid = 11"))],
        ["r1.toml", "r2.toml"];
    intervals_and_addresses_that_differ: [("r1.toml", R1), ("r2.toml",
        "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.7\"]\nadvertisement_interval = \"2s\"\n")],
        ["r1.toml", "r2.toml"];
    two_lans: [
        ("r1.toml", &format!("{R1}{}", R1.replace("eth0", "eth1").replace("192.0.2.1", "198.51.100.1"))),
        ("r2.toml", &format!("{}{}", R2.replace("eth0", "ens4").replace("192.0.2.1", "198.51.100.1"), R2)),
    ], ["r1.toml", "r2.toml", "--faults", "at 6s cut r1 eth1 for 6s"];
}

macro_rules! refused {
    ($($name:ident: $files:expr, $arguments:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), refusal(&simulate(&$files, &$arguments)));
        }
    )*};
}

refused! {
    mistakes_in_the_grammar: PAIR, ["r1.toml", "r2.toml", "--faults", "at 3 kill r1; kil r2; loss 200%; stall r1"];
    names_that_nobody_has: PAIR, ["r1.toml", "r2.toml", "--faults",
        "cut r9; cut r1 eth9\nloss 1% on elsewhere; track r1 uplink down; priority r1 11 50; split r1 r2"];
    nothing_to_end: PAIR, ["r1.toml", "r2.toml", "--faults", "at 3s heal; at 4s start r1; at 5s restore r1"];
    after_the_end: PAIR, ["r1.toml", "r2.toml", "--duration", "5s", "--faults", "at 6s kill r1"];
    a_faulty_configuration: [("r1.toml", "[[vrrp]]\ninterface = \"eth0\"\nvrid = 0\naddresses = []\n")], ["r1.toml"];
    the_same_name_twice: PAIR, ["r1.toml", "r1=r2.toml"];
    an_interface_without_groups: PAIR, ["r1.toml", "r2.toml", "--address", "r1:eth7=192.0.2.9"];
}

#[test]
fn the_same_inputs_give_the_same_octets() {
    let lossy = ["r1.toml", "r2.toml", "--faults", "loss 30%", "--duration", "60s", "--json"];
    let [one, two] = [(); 2].map(|()| text(&simulate(&PAIR, &lossy)));
    assert_eq!(one, two);
    let other = text(&simulate(&PAIR, &[lossy.as_slice(), &["--seed", "2"]].concat()));
    assert_ne!(one, other);
}

/// RFC 9568 §6.1: Active_Down_Interval is 3.414 s with priority 150, and 3.609 s with 100.
#[test]
fn the_object_has_states_windows_and_outages() {
    let story = json(&PAIR, &["r1.toml", "r2.toml", "--faults", "at 6s kill r1", "--duration", "20s"]);
    assert_eq!((&story["seed"], &story["end_seconds"]), (&1.into(), &20.0.into()));
    let group = &story["groups"][0];
    assert_eq!(
        (&group["protocol"], &group["group"], &group["family"]),
        (&"vrrp".into(), &10.into(), &4.into())
    );
    let states = |router: usize| -> Vec<&str> {
        let states = group["routers"][router]["states"].as_array().unwrap();
        states.iter().map(|state| state["state"].as_str().unwrap()).collect()
    };
    assert_eq!((states(0), states(1)), (vec!["backup", "active", "down"], vec!["backup", "active"]));
    let window = &group["windows"][1];
    assert_eq!((&window["kind"], &window["within_bound"]), (&"none-active".into(), &true.into()));
    assert_eq!(window["bound_seconds"], 3.609_375);
    assert!((2.9..3.1).contains(&window["seconds"].as_f64().unwrap()), "{window}");
    let host = &story["hosts"][0];
    assert_eq!((&host["address"], &host["duplicates"]), (&"192.0.2.1".into(), &0.into()));
    assert_eq!(host["outages"].as_array().unwrap().len(), 1);
    assert_eq!(host["outages"][0]["lost"], host["lost"]);
    assert_eq!(story["faults"][0]["until_seconds"], Value::Null);
}

/// RFC 5798's tie-break: the higher address; addresses follow the order of the files unless they are given.
#[test]
fn of_equals_the_higher_address_wins() {
    let equals = [("a.toml", R2), ("b.toml", R2)];
    let winner = |arguments: &[&str]| {
        let story = json(&equals, arguments);
        let members = story["groups"][0]["routers"].as_array().unwrap().clone();
        let active =
            |member: &&Value| member["states"].as_array().unwrap().last().unwrap()["state"] == "active";
        members
            .iter()
            .filter(active)
            .map(|member| member["router"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(winner(&["a.toml", "b.toml"]), ["b"]);
    assert_eq!(winner(&["a.toml", "b.toml", "--address", "a:eth0=192.0.2.99"]), ["a"]);
}

#[test]
fn peers_say_what_the_others_are_called() {
    let [one, two] = [("192.0.2.12", R1), ("192.0.2.11", R2)]
        .map(|(peer, config)| format!("{config}unicast_peers = [\"{peer}\"]\n"));
    let story = json(&[("r1.toml", &one), ("r2.toml", &two)], &["r1.toml", "r2.toml"]);
    let address = |router: usize| story["lans"][0]["routers"][router]["ipv4"].as_str().unwrap();
    assert_eq!((address(0), address(1)), ("192.0.2.11", "192.0.2.12"));
    assert_eq!(story["groups"][0]["windows"].as_array().unwrap().len(), 1, "{story}");
}

#[test]
fn the_operator_says_what_is_wired_to_what() {
    let apart = ["r1.toml", "r2.toml", "--lan", "left=r1:eth0", "--lan", "right=r2:eth0"];
    let story = json(&PAIR, &apart);
    let names: Vec<&str> =
        story["lans"].as_array().unwrap().iter().map(|lan| lan["lan"].as_str().unwrap()).collect();
    assert_eq!(names, ["left", "right"]);
}

#[test]
fn a_script_may_be_a_file() {
    let files = [PAIR[0], PAIR[1], ("faults", "# the cleaner\nat 6s kill r1\n\nend at 12s\n")];
    let story = json(&files, &["r1.toml", "other=r2.toml", "--script", "faults"]);
    assert_eq!(story["end_seconds"], 12.0);
    assert_eq!(story["faults"][0]["text"], "kill r1");
    assert_eq!(story["lans"][0]["routers"][1]["router"], "other");
    let missing = refusal(&simulate(&PAIR, &["r1.toml", "--script", "nowhere"]));
    assert!(missing.contains("cannot read nowhere"), "{missing}");
}

/// One router goes on to the new key at a moment when the other does not accept it yet.
#[test]
fn keys_are_good_for_their_time() {
    let moment = "2030-01-01T00:00:10Z";
    let chain = |keys: &str| {
        format!("authentication = \"md5\"\nkey_chain = \"k\"\n[[key_chain]]\nname = \"k\"\nkeys = [{keys}]\n")
    };
    let plain = H2.replace("ens3", "eth0");
    let early =
        chain(&format!("{{ id = 1, key = \"b\", send_from = \"{moment}\" }}, {{ id = 2, key = \"a\" }}"));
    let late = chain(
        "{ id = 1, key = \"b\", accept_from = \"2031-01-01T00:00:00Z\", \
         send_from = \"2031-01-01T00:00:00Z\" }, { id = 2, key = \"a\" }",
    );
    let (one, two) = (format!("{plain}priority = 150\n{early}"), format!("{plain}{late}"));
    let files = [("one.toml", one.as_str()), ("two.toml", two.as_str())];
    let two_active = |arguments: &[&str]| {
        let all = [&["one.toml", "two.toml", "--duration", "30s"], arguments].concat();
        let story = json(&files, &all);
        let windows = story["groups"][0]["windows"].as_array().unwrap().clone();
        windows.iter().any(|window| window["kind"] == "two-active")
    };
    assert!(!two_active(&[]), "without a date all keys are good");
    assert!(two_active(&["--date", "2030-01-01T00:00:00Z"]));
    assert!(!two_active(&["--date", "2029-01-01T00:00:00Z"]));
    let wrong = refusal(&simulate(&PAIR, &["r1.toml", "--date", "tomorrow"]));
    assert!(wrong.contains("\"tomorrow\" is no date"), "{wrong}");
}

/// A daemon that waits for its successor costs hosts at most the probe that meets a gate still closed; one that does not,
/// those of the successor's Skew_Time, which is (256 - 60) / 256 of 100 ms.
#[test]
fn how_long_a_router_lingers_is_read_from_its_file() {
    let config = |priority: u8, daemon: &str| {
        format!(
            "{daemon}[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"192.0.2.1\"]\n\
             advertisement_interval = \"100ms\"\npriority = {priority}\n"
        )
    };
    let lost = |daemon| {
        let files = [("r1.toml", config(250, daemon)), ("r2.toml", config(60, ""))];
        let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
        let seen = json(&files, &["r1.toml", "r2.toml", "--faults", "at 5s stop r1"]);
        seen["hosts"][0]["lost"].as_u64().unwrap()
    };
    let (lingers, leaves) = (lost(""), lost("[daemon]\nstop_linger = \"0s\"\n"));
    assert!(lingers <= 1, "{lingers} probes");
    assert!((3..=5).contains(&leaves), "{leaves} probes");
}

/// Whoever changes what is shown runs the example again: `docs/simulate.md` says how.
#[test]
fn the_documentation_shows_what_is_seen() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("evening.svg");
    let output = Command::new(env!("CARGO_BIN_EXE_fhrpd"))
        .args(["simulate", "r1.toml", "r2.toml", "--script", "faults", "--svg"])
        .arg(&picture)
        .current_dir(root.join("examples/simulate"))
        .output()
        .unwrap();
    let document = std::fs::read_to_string(root.join("docs/simulate.md")).unwrap();
    let script = std::fs::read_to_string(root.join("examples/simulate/faults")).unwrap();
    assert!(document.contains(&script), "docs/simulate.md does not show {script}");
    let text = text(&output);
    assert!(document.contains(&text), "docs/simulate.md does not show:\n{text}");
    let [drawn, shown] =
        [picture, root.join("docs/simulate.svg")].map(|path| std::fs::read_to_string(path).unwrap());
    assert_eq!(drawn, shown, "docs/simulate.svg is another picture");
}

/// Text and settings are in the snapshots.
#[test]
fn a_host_that_is_never_served_is_without_gateway_all_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.svg");
    let files = [("r1.toml", R1), ("r2.toml", &R2.replace("192.0.2.1", "192.0.2.7"))];
    let story = json(&files, &["r1.toml", "r2.toml", "--svg", path.to_str().unwrap()]);
    let host = &story["hosts"][1];
    assert!(host["served_from_seconds"].is_null(), "{host}");
    assert_eq!((&host["lost"], &host["outages"][0]["until_seconds"]), (&host["sent"], &Value::Null));
    let (outage, end) = (host["outage_seconds"].as_f64().unwrap(), story["end_seconds"].as_f64().unwrap());
    assert!(outage > end - 1.0, "{outage} of {end}");
    assert!(std::fs::read_to_string(path).unwrap().contains(">never served<"));
}

/// Every state is a bar of its colour with a text to read, nothing comes from elsewhere, and every element is closed.
#[test]
fn a_picture_has_a_bar_for_each_state() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.svg");
    let arguments = [
        "r1.toml",
        "r2.toml",
        "--faults",
        "at 6s kill r1",
        "--duration",
        "20s",
        "--svg",
        path.to_str().unwrap(),
    ];
    let story = json(&PAIR, &arguments);
    let picture = std::fs::read_to_string(&path).unwrap();
    let bars = |class: &str| picture.matches(&format!("<rect class=\"{class}\"")).count();
    let members = story["groups"][0]["routers"].as_array().unwrap();
    let states: Vec<&Value> =
        members.iter().flat_map(|member| member["states"].as_array().unwrap()).collect();
    let lived = |name: &str| states.iter().filter(|state| state["state"] == name).count();
    // One more of each is in the legend.
    assert_eq!((bars("active"), lived("active")), (3, 2));
    assert_eq!((bars("standby"), lived("backup")), (3, 2));
    assert_eq!((bars("down"), lived("down")), (2, 1));
    assert_eq!((bars("none"), bars("two"), bars("outage")), (3, 1, 2));
    assert!(picture.contains("<title>r1 active: 3.414 s to 6.000 s</title>"), "{picture}");
    assert!(picture.contains(">kill r1</text>"), "{picture}");
    assert_eq!(picture.matches("http").count(), 1, "only the name of the language");
    for element in ["text", "rect", "path", "title"] {
        let closed = picture.matches(&format!("</{element}>")).count();
        let alone =
            picture.split('<').filter(|tag| tag.starts_with(element) && tag.trim_end().ends_with("/>"));
        let opened = picture
            .split('<')
            .filter(|tag| tag.strip_prefix(element).is_some_and(|rest| rest.starts_with([' ', '>'])));
        assert_eq!(opened.count(), closed + alone.count(), "{element}");
    }
    let nowhere = simulate(&PAIR, &["r1.toml", "--svg", "/nonexistent/out.svg"]);
    assert!(refusal(&nowhere).contains("cannot write /nonexistent/out.svg: "), "{nowhere:?}");
}

#[test]
fn an_address_in_two_groups_has_windows_of_its_own() {
    let other = R2.replace("vrid = 10", "vrid = 11");
    let story = json(&[("r1.toml", R1), ("r2.toml", &other)], &["r1.toml", "r2.toml"]);
    let [address] = story["disputed"].as_array().unwrap().as_slice() else { panic!("{story}") };
    assert_eq!(address["address"], "192.0.2.1");
    assert_eq!(address["groups"], serde_json::json!(["vrrp eth0 ipv4 10", "vrrp eth0 ipv4 11"]));
    let window = address["windows"].as_array().unwrap().last().unwrap();
    assert_eq!((&window["kind"], &window["until_seconds"]), (&"two-active".into(), &Value::Null));
    assert_eq!(window["routers"], serde_json::json!(["r1", "r2"]));
    assert_eq!(json(&PAIR, &["r1.toml", "r2.toml"])["disputed"], serde_json::json!([]));
}
