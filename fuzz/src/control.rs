//! Requests at the control socket.

use fhrpd::control::Response;
use fhrpd::control::request::{self, Asks};
use serde_json::Value;

/// Reads `data` as a line from a client, and answers it. Whatever it is, the answer is one line of JSON with the id of
/// the request.
///
/// # Panics
/// When it is not: that is the finding.
pub fn control(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // Lines are taken apart before they get here.
    let Some(line) = text.lines().next() else { return };
    let asked: Option<Value> = serde_json::from_str(line).ok();
    let id = asked.as_ref().and_then(|asked| asked.get("id")).cloned().unwrap_or_default();
    match (request::read(line), &asked) {
        (Asks::Nothing(answer), Some(_)) => {
            let response = check(&answer);
            assert!(response.error.is_some() ^ response.result.is_some());
            assert!(response.id == id || response.id.is_null());
        }
        (Asks::Nothing(answer), None) => assert!(answer.contains("\"error\":"), "{answer}"),
        // An id with a number that no program can hold comes back as it was.
        (Asks::This { id, .. }, None) => assert!(!request::reply(&id, Err(line)).contains('\n')),
        (Asks::This { id: kept, .. }, Some(_)) => {
            let response = check(&request::reply(&kept, Ok("{\"groups\":[]}")));
            assert!(response.result.is_some() && response.id == id);
            let response = check(&request::reply(&kept, Err(line)));
            assert!(response.error.as_deref() == Some(line) && response.id == id);
        }
    }
}

fn check(answer: &str) -> Response {
    assert!(!answer.contains('\n'), "more than a line: {answer:?}");
    serde_json::from_str(answer).expect("JSON")
}
