//! The control socket over a real Unix socket, with the daemon's main loop played by the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fhrp::TrackState;
use fhrpd::control::{self, Asked, BindError, Question, Response};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// A served socket, with a daemon that answers `show` and refuses `reload`.
struct Served {
    path: PathBuf,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
    _socket: control::Socket,
}

fn serve() -> Served {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sub/fhrpd.sock");
    let socket = control::bind(&path, None).unwrap();
    let listener = socket.listener().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ask, asked) = mpsc::channel(1);
            tokio::spawn(control::serve(listener, ask));
            tokio::select! {
                () = answer(asked) => {}
                _ = stopped => {}
            }
        });
    });
    Served { path, _folder: folder, _stop: stop, _socket: socket }
}

async fn answer(mut asked: mpsc::Receiver<Asked>) {
    while let Some(Asked { question, answer }) = asked.recv().await {
        let _ = answer.send(match question {
            Question::Show => Ok(r#"{"groups":[],"interfaces":[]}"#.to_owned()),
            Question::Reload => Err("line 3 is wrong".to_owned()),
            Question::Track { name, state } => {
                Ok(json!({ "name": name.as_str(), "up": state == TrackState::Up }).to_string())
            }
        });
    }
}

fn connect(path: &Path) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    BufReader::new(stream)
}

fn say(client: &mut BufReader<UnixStream>, line: &str) -> Response {
    writeln!(client.get_mut(), "{line}").unwrap();
    read(client)
}

fn read(client: &mut BufReader<UnixStream>) -> Response {
    let mut answer = String::new();
    client.read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn each_method_is_answered_with_its_id() {
    let served = serve();
    let mut client = connect(&served.path);
    let version = say(&mut client, r#"{"id":7,"method":"version"}"#);
    assert_eq!((version.id, version.result.unwrap()["name"].clone()), (json!(7), json!("fhrpd")));
    let shown = say(&mut client, r#"{"id":"a","method":"show","params":{}}"#);
    assert_eq!((shown.id, shown.result.unwrap()["groups"].clone()), (json!("a"), json!([])));
    let refused = say(&mut client, r#"{"method":"reload"}"#);
    assert_eq!((refused.id, refused.error.as_deref()), (Value::Null, Some("line 3 is wrong")));
    let unknown = say(&mut client, r#"{"id":1,"method":"halt"}"#);
    assert_eq!(
        unknown.error.as_deref(),
        Some("no method \"halt\"; there are show, version, reload and track")
    );
    let nonsense = say(&mut client, "show");
    assert!(nonsense.error.unwrap().starts_with("not a request"));
}

#[test]
fn a_track_is_told_whole_or_not_at_all() {
    let served = serve();
    let asked = |params: Value| control::ask_with(&served.path, "track", params);
    assert_eq!(
        asked(json!({ "name": "uplink", "state": "down" })).unwrap(),
        json!({ "name": "uplink", "up": false })
    );
    assert_eq!(asked(json!({ "name": "uplink", "state": "up" })).unwrap()["up"], true);
    for params in [
        Value::Null,
        json!({ "name": "uplink" }),
        json!({ "state": "up" }),
        json!({ "name": 1, "state": "up" }),
        json!({ "name": "uplink", "state": true }),
        json!({ "name": "uplink", "state": "Down" }),
        json!(["uplink", "up"]),
    ] {
        let refused = asked(params.clone()).unwrap_err().to_string();
        assert_eq!(
            refused, "fhrpd says: track needs {\"name\": …, \"state\": \"up\" or \"down\"}",
            "{params}"
        );
    }
}

#[test]
fn a_group_that_is_asked_for_and_is_not_there_is_a_failure() {
    let served = serve();
    let show = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fhrpd"));
        command.arg("show").arg("--socket").arg(&served.path).args(arguments).output().unwrap()
    };
    for arguments in [&["99"][..], &["-i", "eth7"], &["--protocol", "glbp"], &["99", "--json"]] {
        let absent = show(arguments);
        assert_eq!((absent.status.code(), &absent.stdout[..]), (Some(1), &b""[..]), "{arguments:?}");
        assert_eq!(absent.stderr, b"fhrpd: no such group\n", "{arguments:?}");
    }
    let all = show(&[]);
    assert_eq!((all.status.code(), &all.stdout[..]), (Some(0), &b"no group\n"[..]));
}

#[test]
fn a_line_without_end_is_cut_off() {
    let served = serve();
    let mut client = connect(&served.path);
    // The server closes before it has read all of it.
    let _ = client.get_mut().write_all(&vec![b'x'; 70_000]);
    assert_eq!(read(&mut client).error.as_deref(), Some("the line is too long"));
    assert!(say(&mut connect(&served.path), r#"{"method":"version"}"#).result.is_some());
}

#[test]
fn one_client_too_many_is_told() {
    let served = serve();
    let mut clients: Vec<_> = (0..16).map(|_| connect(&served.path)).collect();
    for client in &mut clients {
        assert!(say(client, r#"{"method":"version"}"#).result.is_some());
    }
    assert_eq!(read(&mut connect(&served.path)).error.as_deref(), Some("too many clients"));
    drop(clients);
    let again = || read_or_none(&mut connect(&served.path));
    assert!((0..200).any(|_| again().is_some_and(|answer| answer.result.is_some())));
}

fn read_or_none(client: &mut BufReader<UnixStream>) -> Option<Response> {
    writeln!(client.get_mut(), r#"{{"method":"version"}}"#).ok()?;
    let mut answer = String::new();
    client.read_line(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}

#[test]
fn only_the_owner_may_ask_and_the_file_goes_with_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fhrpd.sock");
    let socket = control::bind(&path, None).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    drop(socket);
    assert!(!path.exists());
    let group = control::bind(&path, Some("0")).unwrap();
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o660);
    drop(group);
    assert!(matches!(control::bind(&path, Some("no such group")), Err(BindError::UnknownGroup(_))));
}

#[test]
fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fhrpd.sock");
    let living = control::bind(&path, None).unwrap();
    assert!(matches!(control::bind(&path, None), Err(BindError::InUse(_))));
    let dead = folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    control::bind(&dead, None).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "kept").unwrap();
    assert!(matches!(control::bind(&file, None), Err(BindError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
    drop(living);
}

#[test]
fn the_client_tells_why_there_is_no_answer() {
    let served = serve();
    assert_eq!(control::ask(&served.path, "show").unwrap()["groups"], json!([]));
    let refused = control::ask(&served.path, "reload").unwrap_err();
    assert_eq!(refused.to_string(), "fhrpd says: line 3 is wrong");
    let nobody = control::ask(Path::new("/nonexistent/fhrpd.sock"), "show").unwrap_err();
    assert!(
        nobody.to_string().starts_with("fhrpd is not running (nobody answers at /nonexistent/fhrpd.sock)")
    );
}
