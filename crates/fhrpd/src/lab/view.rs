//! What happens in the laboratory, while it happens: lines for a pipe, a picture below them for a terminal.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IsTerminal as _, Write};

use fhrp_lab::{FailoverPlan, LabEvent, RouterState, Stamp, TimelineEntry};
use ratatui::backend::CrosstermBackend;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget as _};
use ratatui::{Terminal, TerminalOptions, Viewport};

/// Ticks of a probe stream that are remembered; ten a second.
const TICKS_MAX: usize = 120;

/// Columns up to the end of the longest state.
const STATE_WIDTH: usize = 24;

type Sink = Box<dyn Write>;

/// A display of the laboratory.
pub(super) struct View {
    clock: Timeline,
    picture: Picture,
    output: Output,
}

enum Output {
    Lines(Sink),
    Live(Box<Terminal<CrosstermBackend<Sink>>>),
}

impl View {
    pub(super) fn on_stdout(plan: &FailoverPlan) -> Self {
        let terminal = io::stdout().is_terminal();
        Self::new(plan, Box::new(io::stdout()), terminal.then(|| Box::new(io::stdout()) as Sink))
    }

    pub(super) fn on_stderr(plan: &FailoverPlan) -> Self {
        let terminal = io::stderr().is_terminal();
        Self::new(plan, Box::new(io::stderr()), terminal.then(|| Box::new(io::stderr()) as Sink))
    }

    fn new(plan: &FailoverPlan, lines: Sink, live: Option<Sink>) -> Self {
        let picture = Picture::new(plan);
        let viewport = Viewport::Inline(picture.height());
        // A terminal that does not say where its cursor is gets lines.
        let terminal = live.filter(|_| io::stdin().is_terminal()).and_then(|sink| {
            Terminal::with_options(CrosstermBackend::new(sink), TerminalOptions { viewport }).ok()
        });
        let output = terminal.map_or(Output::Lines(lines), |terminal| Output::Live(Box::new(terminal)));
        Self { clock: Timeline { begin: Stamp::now(), fault: None }, picture, output }
    }

    /// Shows an event.
    pub(super) fn tell(&mut self, event: &LabEvent) {
        self.picture.take(event);
        let line = match event {
            LabEvent::Timeline { at, entry } => Some(self.clock.line(*at, entry)),
            LabEvent::RouterState { .. } | LabEvent::ProbeTick { .. } | LabEvent::Share { .. } => None,
        };
        // A display that is gone takes nothing with it.
        match &mut self.output {
            Output::Lines(sink) => {
                if let Some(line) = line {
                    let _ = writeln!(sink, "{line}").and_then(|()| sink.flush());
                }
            }
            Output::Live(terminal) => {
                if let Some(line) = line {
                    let _ = terminal.insert_before(1, |buffer| Line::from(line).render(buffer.area, buffer));
                }
                draw(terminal, &self.picture);
            }
        }
    }

    /// Leaves the terminal as it was found, with the last picture on it.
    pub(super) fn finish(mut self) {
        if let Output::Live(terminal) = &mut self.output {
            draw(terminal, &self.picture);
            let _ = terminal.show_cursor();
            let _ = writeln!(terminal.backend_mut());
        }
    }
}

fn draw(terminal: &mut Terminal<CrosstermBackend<Sink>>, picture: &Picture) {
    let _ = terminal.draw(|frame| {
        let area = frame.area();
        frame.render_widget(Paragraph::new(picture.lines(usize::from(area.width))), area);
        // With a place to be, the cursor stays visible, whatever ends this program.
        frame.set_cursor_position((area.x, area.bottom().saturating_sub(1)));
    });
}

/// Seconds since the begin; from the fault on, milliseconds since the fault.
struct Timeline {
    begin: Stamp,
    fault: Option<Stamp>,
}

impl Timeline {
    fn line(&mut self, at: Stamp, entry: &TimelineEntry) -> String {
        if let TimelineEntry::Fault { .. } = entry {
            self.fault = Some(at);
        }
        match self.fault {
            Some(fault) => format!("fault {:>+9.1} ms  {entry}", fhrp_lab::millis(at.since(fault))),
            None => format!("{:>15.3} s  {entry}", at.since(self.begin).as_secs_f64()),
        }
    }
}

/// What is known now.
struct Picture {
    title: String,
    routers: BTreeMap<String, Router>,
    streams: BTreeMap<String, Stream>,
    hosts: u16,
}

/// How a router fares.
struct Router {
    daemon: &'static str,
    state: RouterState,
    /// In GLBP, what it does for hosts.
    share: Option<Share>,
}

/// What a router does in GLBP.
struct Share {
    forwarders: Vec<u8>,
    octets: u64,
}

/// How a host's probes fared.
#[derive(Default)]
struct Stream {
    sent: u64,
    received: u64,
    longest_gap_ms: f64,
    /// Probes sent and received, tick by tick.
    ticks: VecDeque<(u64, u64)>,
}

impl Picture {
    fn new(plan: &FailoverPlan) -> Self {
        let routers = (1..).zip(&plan.routers);
        let routers = routers.map(|(number, daemon)| {
            let router = Router { daemon: daemon.name(), state: RouterState::Starting, share: None };
            (format!("r{number}"), router)
        });
        let what = plan.protocol.describe(plan.family);
        Self {
            title: format!("{what}; fault: {} hits {}", plan.fault, plan.target),
            routers: routers.collect(),
            streams: BTreeMap::new(),
            hosts: u16::from(plan.hosts),
        }
    }

    fn height(&self) -> u16 {
        u16::try_from(self.routers.len()).unwrap_or(u16::MAX).saturating_add(self.hosts).saturating_add(2)
    }

    fn take(&mut self, event: &LabEvent) {
        match event {
            LabEvent::RouterState { router, state, .. } => {
                if let Some(known) = self.routers.get_mut(router) {
                    known.state = *state;
                }
            }
            LabEvent::Share { router, forwarders, octets } => {
                if let Some(known) = self.routers.get_mut(router) {
                    known.share = Some(Share { forwarders: forwarders.clone(), octets: *octets });
                }
            }
            LabEvent::ProbeTick { host, counters } => {
                let stream = self.streams.entry(host.clone()).or_default();
                let sent = counters.sent.saturating_sub(stream.sent);
                let received = counters.received.saturating_sub(stream.received);
                stream.ticks.push_back((sent, received));
                if stream.ticks.len() > TICKS_MAX {
                    stream.ticks.pop_front();
                }
                (stream.sent, stream.received) = (counters.sent, counters.received);
                stream.longest_gap_ms = fhrp_lab::millis(counters.longest_gap.max(counters.silence));
            }
            LabEvent::Timeline { .. } => {}
        }
    }

    fn lines(&self, width: usize) -> Vec<Line<'_>> {
        let mut lines = vec![Line::styled(self.title.as_str(), Style::new().add_modifier(Modifier::BOLD))];
        lines.extend(self.routers.iter().map(|(name, router)| router.line(name)));
        lines.extend(self.streams.iter().map(|(name, stream)| stream.line(name, width)));
        lines
    }
}

impl Router {
    fn line(&self, name: &str) -> Line<'static> {
        let style = match self.state {
            RouterState::Active => Style::new().fg(Color::Green).add_modifier(Modifier::BOLD),
            RouterState::Down => Style::new().fg(Color::Red),
            RouterState::Starting
            | RouterState::Backup
            | RouterState::Listen
            | RouterState::Speak
            | RouterState::Standby => Style::new(),
        };
        let mut line = Line::from(vec![
            Span::raw(format!("{name:<4} {:<10} ", self.daemon)),
            Span::styled(self.state.to_string(), style),
        ]);
        if let Some(Share { forwarders, octets }) = &self.share {
            let room = STATE_WIDTH.saturating_sub(line.width());
            let forwarders = super::numbers(forwarders);
            line.push_span(format!("{:room$} forwarders {forwarders:<8} {octets:>12} octets", ""));
        }
        line
    }
}

impl Stream {
    fn line(&self, name: &str, width: usize) -> Line<'static> {
        let lead = format!("{name:<4} longest gap {:>8.1} ms ", self.longest_gap_ms);
        let room = width.saturating_sub(lead.len() + 1).min(TICKS_MAX);
        let skipped = self.ticks.len().saturating_sub(room);
        let marks = self.ticks.iter().skip(skipped).map(|tick| mark(*tick));
        let marks = marks.map(|(mark, color)| Span::styled(mark, Style::new().fg(color)));
        Line::from_iter(std::iter::once(Span::raw(lead)).chain(marks))
    }
}

/// One tick of a probe stream. A few probes are always under way, so a small difference is none.
fn mark((sent, received): (u64, u64)) -> (&'static str, Color) {
    if received == 0 && sent > 0 {
        ("·", Color::Red)
    } else if received.saturating_mul(10) < sent.saturating_mul(9) {
        ("▄", Color::Yellow)
    } else {
        ("█", Color::Green)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fhrp_lab::{Daemon, Fault, ProbeCounters};

    use super::*;

    fn plan() -> FailoverPlan {
        FailoverPlan::new(vec![Daemon::fhrpd("/bin/fhrpd"), Daemon::keepalived()])
    }

    fn tick(sent: u64, received: u64) -> LabEvent {
        let (longest_gap, silence) = (Duration::from_millis(2), Duration::ZERO);
        LabEvent::ProbeTick {
            host: "h1".to_owned(),
            counters: ProbeCounters { sent, received, longest_gap, silence },
        }
    }

    #[test]
    fn the_picture_follows_the_events() {
        let mut picture = Picture::new(&plan());
        let (at, router) = (Stamp::from_nanos(1), "r2".to_owned());
        picture.take(&LabEvent::RouterState { at, router, state: RouterState::Active });
        for (sent, received) in [(100, 99), (200, 199), (300, 240), (400, 240)] {
            picture.take(&tick(sent, received));
        }
        let text: Vec<String> = picture.lines(60).iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            [
                "VRRP over IPv4, advertisements every 100ms; fault: kill hits active",
                "r1   fhrpd      starting",
                "r2   keepalived active",
                "h1   longest gap      2.0 ms ██▄·",
            ]
        );
        assert_eq!(picture.height(), 5);
    }

    #[test]
    fn shares_stand_behind_the_state() {
        let mut picture = Picture::new(&plan());
        let router = "r1".to_owned();
        picture.take(&LabEvent::RouterState {
            at: Stamp::from_nanos(1),
            router: router.clone(),
            state: RouterState::Standby,
        });
        picture.take(&LabEvent::Share { router, forwarders: vec![1, 3], octets: 4200 });
        let line = picture.lines(80)[1].to_string();
        assert_eq!(line, "r1   fhrpd      standby  forwarders 1 3              4200 octets");
    }

    #[test]
    fn times_count_from_the_fault() {
        let mut clock = Timeline { begin: Stamp::from_nanos(0), fault: None };
        let at = |millis: u64| Stamp::from_nanos(millis * 1_000_000);
        let settled = TimelineEntry::Settled { router: "r1".to_owned() };
        assert_eq!(clock.line(at(1500), &settled), "          1.500 s  r1 is Active, probes flow");
        let fault = TimelineEntry::Fault { fault: Fault::Kill, router: "r1".to_owned() };
        assert_eq!(clock.line(at(2000), &fault), "fault      +0.0 ms  fault kill hits r1");
        let announced = TimelineEntry::Announced { router: "r2".to_owned() };
        assert_eq!(clock.line(at(2342), &announced), "fault    +342.0 ms  r2 announces the virtual address");
    }

    #[test]
    fn a_pipe_gets_lines() {
        let mut view = View::new(&plan(), Box::new(io::sink()), None);
        view.tell(&tick(1, 1));
        assert!(matches!(view.output, Output::Lines(_)));
        view.finish();
    }
}
