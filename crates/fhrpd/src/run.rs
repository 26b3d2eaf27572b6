//! `fhrpd run`: the daemon.
//!
//! ```text
//!   thread "protocol" (SCHED_FIFO)            main thread                          thread "log"
//!   Driver: engine, packets, timerfd  ──►  notices ──► log lines ──► queue ──►  stderr
//!                                     ◄──  Handle ◄── control socket, SIGHUP, SIGTERM, SIGINT
//! ```
//!
//! Nothing that the protocol thread does waits for the others.

mod learned;
pub(crate) mod notices;
mod protocol;
mod reload;
mod seed;
mod system;
mod tracks;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use fhrp::{GroupStatus, InterfaceName, Notice, NoticeKind, TrackName, TrackState, Waiting};
use fhrp_netlink::Calendar;
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::{self, Config, Severity};
use crate::control::{self, Asked, Question};
use crate::logging::Log;
use crate::{output, report};
use learned::Learned;
use protocol::Protocol;
use reload::Step;

/// By then the kernel's interfaces have been listed.
const SETTLING: Duration = Duration::from_secs(1);
/// By then groups with the usual times have taken over.
const TIDYING: Duration = Duration::from_secs(5);

/// Why the daemon cannot run, or did not end well; for the log.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error("{0}")]
    Capability(#[from] system::MissingCapability),
    #[error(transparent)]
    Control(#[from] control::BindError),
    #[error(transparent)]
    Protocol(#[from] protocol::ProtocolError),
    #[error("{doing}: {}", config::reason(error))]
    System { doing: String, error: io::Error },
}

/// Runs the daemon with the configuration file `path` until SIGTERM or SIGINT.
#[must_use]
pub fn run(path: &Path) -> ExitCode {
    fhrp_netlink::share_heap();
    let loaded = match config::load(path) {
        Ok(loaded) => loaded,
        Err(error) => {
            output::complain(&error.render(crate::stderr_style()));
            return ExitCode::from(2);
        }
    };
    let log = match Log::new(io::stderr()) {
        Ok(log) => log,
        Err(error) => return output::fail(&format!("no thread for the log: {error}"), 1),
    };
    // Only a second call in one process could be refused, and then there is a log already.
    let _ = log.install(loaded.config.daemon.log);
    log_panics();
    log_warnings(path, &loaded);
    let config = loaded.config;
    drop(loaded.source);
    // Memory is locked next, and can then be given back no more.
    fhrp_netlink::trim_heap();
    let outcome = serve(path, config);
    if let Err(error) = &outcome {
        tracing::error!("{error}");
    }
    log.flush();
    if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Notes are not repeated here: the engine says what it does.
fn log_warnings(path: &Path, loaded: &config::Loaded) {
    let warnings = loaded.config.remarks.iter().filter(|remark| remark.severity == Severity::Warning);
    for warning in warnings {
        tracing::warn!("{}", config::in_one_line(&path.display().to_string(), &loaded.source, warning));
    }
}

/// A panic writes to stderr otherwise, and would wait there for whoever reads it.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| tracing::error!("internal error, please report it: {panic}")));
}

fn serve(path: &Path, config: Config) -> Result<(), RunError> {
    system::check_capabilities()?;
    let daemon = config.daemon.clone();
    system::make_state_dir(&daemon.state_dir).map_err(|error| {
        let doing = format!("state directory {}", daemon.state_dir.display());
        RunError::System { doing, error }
    })?;
    let learned = Learned::load(&daemon.state_dir);
    let socket = control::bind(&daemon.control_socket, daemon.control_group.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(starting)?;
    let outcome = runtime.block_on(async {
        // Before anything can be asked of us: unhandled, this signal kills.
        let hangup = signal(SignalKind::hangup()).map_err(starting)?;
        let protocol = Protocol::start(&daemon, config.groups.len())?;
        let (ask, questions) = mpsc::channel(16);
        tokio::spawn(control::serve(socket.listener().map_err(starting)?, ask));
        let supervisor = Supervisor {
            path: path.to_owned(),
            config: Config::default(),
            learned,
            protocol,
            calendar: Calendar::new().map_err(starting)?,
            settles_at: None,
        };
        supervisor.supervise(config, hangup, questions).await
    });
    notify(&[sd_notify::NotifyState::Stopping]);
    outcome
}

/// What a change needed, such as the text of the file and wishes for the kernel, is needed no more.
async fn tidy() {
    tokio::time::sleep(TIDYING).await;
    fhrp_netlink::trim_heap();
}

fn starting(error: io::Error) -> RunError {
    RunError::System { doing: "starting".to_owned(), error }
}

/// A service manager that does not listen is none of our business.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    let _ = sd_notify::notify(states);
}

/// The main thread's part while the protocol runs.
struct Supervisor {
    path: PathBuf,
    /// What runs now.
    config: Config,
    learned: Learned,
    protocol: Protocol,
    calendar: Calendar,
    /// When interfaces that do not exist are worth a line.
    settles_at: Option<tokio::time::Instant>,
}

impl Supervisor {
    async fn supervise(
        mut self,
        config: Config,
        mut hangup: Signal,
        mut questions: mpsc::Receiver<Asked>,
    ) -> Result<(), RunError> {
        let groups = config.groups.len();
        self.tell_the_time().await;
        self.change(config).await;
        tracing::info!("fhrpd {} runs with {groups} group{}", env!("CARGO_PKG_VERSION"), plural(groups));
        notify(&[sd_notify::NotifyState::Ready]);
        while let Some(event) = self.next_event(&mut hangup, &mut questions).await {
            match event {
                Event::Notice(notice) => self.take(&notice),
                Event::Hangup => drop(self.reload().await),
                Event::ClockSet => self.tell_the_time().await,
                Event::Settled => self.settle().await,
                Event::Asked(Asked { question, answer }) => {
                    let result = match question {
                        Question::Show => self.show().await,
                        Question::Reload => self.reload().await,
                        Question::Track { name, state } => self.set_track(name, state).await,
                    };
                    // The client may have gone away.
                    let _ = answer.send(result);
                }
            }
        }
        let outcome = self.protocol.join();
        tracing::info!("stopped");
        Ok(outcome?)
    }

    /// `None` when the protocol has ended.
    async fn next_event(
        &mut self,
        hangup: &mut Signal,
        questions: &mut mpsc::Receiver<Asked>,
    ) -> Option<Event> {
        let settled = self.settles_at;
        let settle = async move {
            match settled {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            notice = self.protocol.notices.recv() => notice.map(Event::Notice),
            () = settle => Some(Event::Settled),
            () = self.calendar.was_set() => Some(Event::ClockSet),
            Some(()) = hangup.recv() => Some(Event::Hangup),
            Some(asked) = questions.recv() => Some(Event::Asked(asked)),
        }
    }

    fn take(&mut self, notice: &Notice) {
        notices::log(notice);
        if let NoticeKind::ChecksumForm { form, .. } = notice.kind {
            self.learned.learn(&notice.group, form);
        }
    }

    async fn show(&self) -> Result<String, String> {
        let snapshot = self.protocol.handle.snapshot().await.map_err(|error| error.to_string())?;
        report::json(snapshot.now, &snapshot.groups, &snapshot.interfaces).map_err(|error| error.to_string())
    }

    async fn tell_the_time(&self) {
        // A protocol that has ended needs no calendar.
        let _ = self.protocol.handle.set_wall_clock(self.calendar.now()).await;
    }

    /// By hand; see `fhrpd track`.
    async fn set_track(&self, name: TrackName, state: TrackState) -> Result<String, String> {
        tracks::settable(&self.config.tracks, &name)?;
        let word = tracks::word(state);
        tracing::info!("tracked object {name} is set {word}");
        let answer = json!({ "name": name.as_str(), "state": word }).to_string();
        self.protocol.handle.set_track(name, state).await.map_err(|error| error.to_string())?;
        Ok(answer)
    }

    async fn reload(&mut self) -> Result<String, String> {
        let now = sd_notify::NotifyState::monotonic_usec_now();
        notify(&[sd_notify::NotifyState::Reloading, now.unwrap_or(sd_notify::NotifyState::MonotonicUsec(0))]);
        let result = match reload::load(&self.path) {
            Ok(loaded) => {
                log_warnings(&self.path, &loaded);
                let done = self.change(loaded.config).await;
                tracing::info!("reloaded {}: {done}", self.path.display());
                Ok(json!({ "changes": done }).to_string())
            }
            Err(why) => Err(why),
        };
        notify(&[sd_notify::NotifyState::Ready]);
        result
    }

    /// Makes the groups those of `config`; says what that changed.
    async fn change(&mut self, config: Config) -> String {
        if self.config.daemon != config.daemon && !self.config.groups.is_empty() {
            tracing::warn!("changes in [daemon] need a restart");
        }
        let steps = reload::steps(&self.config.groups, &config.groups);
        let mut changes = tracks::changes(&self.config.tracks, &config.tracks);
        let done = reload::summary(&steps) + &tracks::summary(&changes);
        changes.extend(self.changes(steps));
        self.config = config;
        if let Err(error) = self.protocol.handle.apply(changes).await {
            tracing::error!("the groups could not be changed: {error}");
        }
        self.settles_at = Some(tokio::time::Instant::now() + SETTLING);
        tokio::spawn(tidy());
        done
    }

    /// At first nobody knows which interfaces there are, so those that are missing are not reported; after a while it
    /// is news.
    async fn settle(&mut self) {
        self.settles_at = None;
        let Ok(snapshot) = self.protocol.handle.snapshot().await else { return };
        warn_of_missing_interfaces(&snapshot.groups);
        for (name, interface) in tracks::unseen(&self.config.tracks, &snapshot.tracks) {
            tracing::warn!(
                "interface {interface} does not exist: tracked object {name} is down until it appears"
            );
            // A protocol that has ended tracks nothing.
            let _ = self.protocol.handle.set_track(name, TrackState::Down).await;
        }
    }

    fn changes(&self, steps: Vec<Step>) -> Vec<fhrp::driver::Change> {
        use fhrp::driver::Change;
        let change = |step| match step {
            Step::Add(config) => Change::Add(seed::sow(self.learned.apply(&config))),
            Step::Update(config) => Change::Update(seed::sow(self.learned.apply(&config))),
            Step::Remove(id) => Change::Remove(id),
        };
        steps.into_iter().map(change).collect()
    }
}

fn warn_of_missing_interfaces(groups: &[GroupStatus]) {
    let missing = |group: &&GroupStatus| group.waiting == Some(Waiting::InterfaceMissing);
    let mut waiting: BTreeMap<&InterfaceName, usize> = BTreeMap::new();
    for group in groups.iter().filter(missing) {
        *waiting.entry(&group.id.interface).or_default() += 1;
    }
    for (interface, groups) in waiting {
        let plural = plural(groups);
        tracing::warn!(
            "interface {interface} does not exist: {groups} group{plural} will start when it appears"
        );
    }
}

enum Event {
    Notice(Notice),
    /// Somebody set the system's clock.
    ClockSet,
    /// Some time has passed since the groups were changed.
    Settled,
    Hangup,
    Asked(Asked),
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
