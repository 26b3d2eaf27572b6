//! Requests as text: read, and answered as text. No socket here.

use std::fmt;

use fhrp::{TrackName, TrackState};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Question;

/// What a client calls its request: the JSON text itself, so that it comes back as it was, numbers to the last digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Of a request that has none, or could not be read.
    #[must_use]
    pub fn none() -> Self {
        Self("null".to_owned())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A [`super::Request`] as it is read.
#[derive(Deserialize)]
struct Received {
    #[serde(default)]
    id: Option<Box<RawValue>>,
    method: String,
    #[serde(default)]
    params: Value,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// Nothing that the daemon's main loop is needed for: this is the line to send back.
    Nothing(String),
    /// The answer to this question, with [`reply`].
    This {
        /// Comes back with the answer.
        id: RequestId,
        /// For the daemon's main loop.
        question: Question,
    },
}

/// Reads a line that a client sent.
#[must_use]
pub fn read(line: &str) -> Asks {
    let request: Received = match serde_json::from_str(line) {
        Ok(request) => request,
        Err(why) => return Asks::Nothing(failed(&RequestId::none(), &format!("not a request: {why}"))),
    };
    let id = request.id.map_or_else(RequestId::none, |id| RequestId(id.get().to_owned()));
    let question = match request.method.as_str() {
        "version" => {
            let version = json!({ "name": "fhrpd", "version": env!("CARGO_PKG_VERSION") });
            return Asks::Nothing(done(&id, &version.to_string()));
        }
        "show" => Question::Show,
        "reload" => Question::Reload,
        "track" => match about_track(&request.params) {
            Some(question) => question,
            None => {
                return Asks::Nothing(failed(
                    &id,
                    "track needs {\"name\": …, \"state\": \"up\" or \"down\"}",
                ));
            }
        },
        other => {
            let why = format!("no method {other:?}; there are show, version, reload and track");
            return Asks::Nothing(failed(&id, &why));
        }
    };
    Asks::This { id, question }
}

/// The line to send back: with what the main loop said, a JSON text or why there is none.
#[must_use]
pub fn reply(id: &RequestId, outcome: Result<&str, &str>) -> String {
    match outcome {
        Ok(result) => done(id, result),
        Err(why) => failed(id, why),
    }
}

fn about_track(params: &Value) -> Option<Question> {
    let name = TrackName::new(params.get("name")?.as_str()?);
    let state = match params.get("state")?.as_str()? {
        "up" => TrackState::Up,
        "down" => TrackState::Down,
        _ => return None,
    };
    Some(Question::Track { name, state })
}

/// Put together as text: a report of thousands of groups is not parsed again only to be sent.
fn done(id: &RequestId, result: &str) -> String {
    format!("{{\"id\":{id},\"result\":{result}}}")
}

fn failed(id: &RequestId, why: &str) -> String {
    format!("{{\"id\":{id},\"error\":{}}}", json!(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_to_the_last_digit() {
        for id in
            ["184467440737309551561509551615", "0.1000000000000000055511151231257827", "[1, {\"a\": 1e2}]"]
        {
            let line = format!("{{\"id\":{id},\"method\":\"version\"}}");
            let Asks::Nothing(answer) = read(&line) else { panic!("it needs no main loop") };
            assert!(answer.starts_with(&format!("{{\"id\":{id},\"result\":")), "{answer}");
            let line = format!("{{\"id\":{id},\"method\":\"show\"}}");
            let Asks::This { id: kept, question: Question::Show } = read(&line) else { panic!("it asks") };
            assert_eq!(reply(&kept, Err("no")), format!("{{\"id\":{id},\"error\":\"no\"}}"));
        }
    }
}
