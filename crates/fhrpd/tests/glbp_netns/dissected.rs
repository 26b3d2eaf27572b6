//! Another program's opinion of all that is sent: tshark finds nothing to remark on.

use std::{collections::BTreeSet, path::Path, process::Command};

use fhrp_lab::{Authentication, GlbpGroup, GlbpOpcode, LabOptions, World, world};
use fhrp_wire::Family;

use crate::{SOON, Stage};

/// What tshark says of several MACs for one address: the point of GLBP.
const SEVERAL_MACS: &str = "Duplicate IP address configured";

/// One life of a group: two routers, questions of hosts, a takeover with resignations.
fn live(world: World, group: &GlbpGroup) {
    let options = LabOptions { hosts: 3, ..LabOptions::default() };
    let mut stage = Stage::build(world, &options, group);
    stage.resolve_all(stage.lab.hosts().iter());
    stage.processes[0].stop();
    assert!(stage.processes[0].wait(SOON).unwrap().success());
    stage.resolve_all(stage.lab.hosts().iter());
    let kinds = stage.capture.look(0, |events| {
        let said = events.iter().filter_map(|event| event.kind.glbp());
        said.map(|said| (format!("{:?}", said.opcode), said.gateway.is_some())).collect::<BTreeSet<_>>()
    });
    let all = [GlbpOpcode::Request, GlbpOpcode::Response, GlbpOpcode::Hello].map(|kind| format!("{kind:?}"));
    assert!(all.iter().all(|kind| kinds.iter().any(|(said, _)| said == kind)), "{kinds:?}");
    let file = Path::new("/run/life.pcap");
    stage.capture.save(file).unwrap();
    let frames = stage.capture.mark();
    let remarks = remarks(file);
    println!("{} remarks on {frames} frames", remarks.len());
    assert_eq!(remarks, Vec::<String>::new());
}

/// Lines for frames that are malformed or about which there is anything else to say.
fn remarks(file: &Path) -> Vec<String> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-r"]).arg(file);
    tshark.args(["-T", "fields", "-E", "separator=|", "-E", "aggregator=;"]);
    let fields = ["frame.number", "eth.src", "frame.protocols", "_ws.malformed", "_ws.expert.message"];
    let output = tshark.args(fields.iter().flat_map(|field| ["-e", field])).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|line| line.contains("glbp")), "{text}");
    let remarkable = |line: &&str| {
        let [malformed, notes] = [3, 4].map(|at| line.split('|').nth(at).unwrap());
        let mut notes = notes.split(';').filter(|note| !note.is_empty() && !note.starts_with(SEVERAL_MACS));
        !malformed.is_empty() || notes.next().is_some()
    };
    text.lines().filter(remarkable).map(str::to_owned).collect()
}

#[test]
fn nothing_to_remark_on() {
    let Some(world) = world!(Tshark) else { return };
    live(world, &GlbpGroup::new(Family::V4, 100));
    live(world, &GlbpGroup::new(Family::V6, 100));
}

#[test]
fn nothing_to_remark_on_with_digests() {
    let Some(world) = world!(Tshark) else { return };
    for family in [Family::V4, Family::V6] {
        let authentication = Authentication::Md5("s3cret".to_owned());
        live(world, &GlbpGroup { authentication, ..GlbpGroup::new(family, 100) });
    }
}
