//! Answering clients.

use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::codec::{Framed, LinesCodec, LinesCodecError};

use super::Asked;
use super::request::{self, Asks, RequestId};

/// The longest request.
const LINE_OCTETS_MAX: usize = 64 * 1024;
/// How many may be connected at once; the next one is told so.
const CLIENTS_MAX: usize = 16;
/// How long a client may say nothing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may take to fetch an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// After a failed accept, such as with no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers clients for ever; must run in a `LocalSet` or any runtime. Questions that only the daemon's main loop can
/// answer go to `questions`.
///
/// # Errors
/// The listener cannot be used under tokio.
pub async fn serve(listener: StdListener, questions: mpsc::Sender<Asked>) -> io::Result<()> {
    let listener = UnixListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let questions = questions.clone();
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            refuse(&stream);
            continue;
        };
        tokio::spawn(async move {
            let _place = place;
            talk(stream, questions).await;
        });
    }
}

/// Tells a client too many, without waiting for it.
fn refuse(stream: &UnixStream) {
    let _ = stream.try_write(b"{\"id\":null,\"error\":\"too many clients\"}\n");
}

async fn talk(stream: UnixStream, questions: mpsc::Sender<Asked>) {
    let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(LINE_OCTETS_MAX));
    while let Ok(Some(line)) = timeout(IDLE_TIMEOUT, lines.next()).await {
        let (response, last) = match line {
            Ok(line) => (answer(&line, &questions).await, false),
            Err(LinesCodecError::MaxLineLengthExceeded) => {
                (request::reply(&RequestId::none(), Err("the line is too long")), true)
            }
            Err(LinesCodecError::Io(_)) => return,
        };
        let sent = timeout(WRITE_TIMEOUT, lines.send(response)).await;
        if last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

/// The line to send back.
async fn answer(line: &str, questions: &mpsc::Sender<Asked>) -> String {
    let (id, question) = match request::read(line) {
        Asks::Nothing(response) => return response,
        Asks::This { id, question } => (id, question),
    };
    let (answer, back) = oneshot::channel();
    let stopping = Err("the daemon is stopping".to_owned());
    let outcome = match questions.send(Asked { question, answer }).await {
        Ok(()) => back.await.unwrap_or(stopping),
        Err(_) => stopping,
    };
    request::reply(&id, outcome.as_deref().map_err(String::as_str))
}
