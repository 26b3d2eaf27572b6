//! The fault script: `at 3s cut r1 lan; at 5s kill r2; loss 40%`. Here is its grammar; what its names mean is found out
//! in [`plan`](super::plan).

use std::ops::Range;
use std::time::Duration;

use fhrp::TrackState;

use crate::config::{Problem, duration_of, nearest};

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// When, from the start of all daemons.
    pub(super) at: Duration,
    /// What.
    pub(super) action: Action,
    /// For how long; without it until another statement ends it.
    pub(super) lasts: Option<Duration>,
    /// What to show: the statement without its time.
    pub(super) text: String,
    /// Where it stands.
    pub(super) place: Range<usize>,
}

/// A name in the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) at: Range<usize>,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Carrier is lost, on one interface or on all.
    Cut { router: Word, port: Option<Word> },
    /// Carrier is back.
    Restore { router: Word, port: Option<Word> },
    /// The router loses its power.
    Kill(Word),
    /// The daemon dies and leaves the dataplane as it is.
    Crash(Word),
    /// The daemon is stopped in good order.
    Stop(Word),
    /// Router and daemon run again.
    Start(Word),
    /// The daemon gets no processor time.
    Stall(Word),
    /// So many of 100 frames are lost.
    Loss(u8, Scope),
    /// Frames take up to so much longer.
    Delay(Duration, Scope),
    /// The LAN falls apart; who is not named is on the other side.
    Split { side: Vec<Word>, other: Vec<Word>, lan: Option<Word> },
    /// The LAN is whole again.
    Heal { lan: Option<Word> },
    /// A group's priority is changed.
    Priority { router: Word, group: Word, priority: u8 },
    /// A tracked object.
    Track { router: Word, object: Word, state: TrackState },
    /// Nothing is looked at any more.
    End,
}

/// Which frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) lan: Option<Word>,
    pub(super) from: Option<Word>,
    pub(super) to: Option<Word>,
}

/// No time in a script is longer.
pub(super) const TIME_MAX: Duration = Duration::from_secs(3600);

/// The actions, with how each is written.
const FORMS: [(&str, &str); 15] = [
    ("crash", "crash ROUTER [for TIME]"),
    ("cut", "cut ROUTER [INTERFACE] [for TIME]"),
    ("delay", "delay TIME [on LAN] [from ROUTER] [to ROUTER] [for TIME]"),
    ("end", "end at TIME"),
    ("heal", "heal [on LAN]"),
    ("kill", "kill ROUTER [for TIME]"),
    ("loss", "loss PERCENT% [on LAN] [from ROUTER] [to ROUTER] [for TIME]"),
    ("power", "power ROUTER off|on"),
    ("priority", "priority ROUTER GROUP NUMBER [for TIME]"),
    ("restore", "restore ROUTER [INTERFACE]"),
    ("split", "split ROUTER… [| ROUTER…] [on LAN] [for TIME]"),
    ("stall", "stall ROUTER for TIME"),
    ("start", "start ROUTER"),
    ("stop", "stop ROUTER [for TIME]"),
    ("track", "track ROUTER NAME down|up [for TIME]"),
];

type Read<T> = Result<T, Box<Problem>>;

/// Reads a script.
///
/// # Errors
/// Everything that is wrong with it, in its order.
pub(super) fn parse(source: &str) -> Result<Vec<Statement>, Vec<Problem>> {
    let mut statements = Vec::new();
    let mut problems = Vec::new();
    for words in split(source) {
        match read(source, words) {
            Ok(statement) => statements.push(statement),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(statements) } else { Err(problems) }
}

/// The words of each statement that has any.
fn split(source: &str) -> Vec<Vec<Word>> {
    let mut statements = Vec::new();
    let mut line_start = 0;
    for line in source.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        let mut start = line_start;
        for part in code.split(';') {
            let words = words(part, start);
            if !words.is_empty() {
                statements.push(words);
            }
            start += part.len() + 1;
        }
        line_start += line.len();
    }
    statements
}

/// Words stand apart by spaces or commas; `|` is one by itself.
fn words(part: &str, start: usize) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for (at, letter) in part.char_indices() {
        let at = start + at..start + at + letter.len_utf8();
        if letter.is_whitespace() || letter == ',' {
            continue;
        }
        match words.last_mut().filter(|word| word.at.end == at.start && letter != '|' && word.text != "|") {
            Some(word) => {
                word.text.push(letter);
                word.at.end = at.end;
            }
            None => words.push(Word { text: letter.into(), at }),
        }
    }
    words
}

/// The rest of a statement.
struct Rest {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
    /// Where it ends.
    end: Range<usize>,
    /// How it is written.
    form: &'static str,
}

fn read(source: &str, words: Vec<Word>) -> Read<Statement> {
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return Err(problem("nothing is said", 0..0, "write an action"));
    };
    let place = first.at.start..last.at.end;
    let end = last.at.clone();
    let mut rest = Rest { words: words.into_iter().peekable(), end, form: "at TIME ACTION" };
    let mut at = rest.clause("at", time)?;
    let Some(verb) = rest.words.next() else {
        let problem = problem("no action", place, "write `at TIME ACTION`, such as `at 5s kill r1`");
        return Err(problem);
    };
    let action = action(&verb, &mut rest)?;
    // Whoever says what first says when behind it.
    at = at.or(rest.clause("at", time)?);
    let lasts = rest.clause("for", time)?;
    rest.finish()?;
    let text = source.get(verb.at.start..place.end).unwrap_or_default();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let statement = Statement { at: at.unwrap_or_default(), action, lasts, text, place };
    check(&statement, at)?;
    Ok(statement)
}

/// What goes together.
fn check(statement: &Statement, at: Option<Duration>) -> Read<()> {
    let place = || statement.place.clone();
    match (&statement.action, statement.lasts) {
        (Action::Stall(_), None) => {
            Err(problem("a stall without end", place(), "add `for TIME`, such as `for 2s`"))
        }
        (Action::End, _) if at.is_none() => {
            Err(problem("no time to end at", place(), "write `end at TIME`, such as `end at 30s`"))
        }
        (Action::Restore { .. } | Action::Start(_) | Action::Heal { .. } | Action::End, Some(_)) => {
            Err(problem("this does not last", place(), "leave out `for TIME`"))
        }
        (_, Some(Duration::ZERO)) => {
            Err(problem("a fault that takes no time", place(), "give it a longer time"))
        }
        _ => Ok(()),
    }
}

fn action(verb: &Word, rest: &mut Rest) -> Read<Action> {
    let verbs: Vec<&str> = FORMS.iter().map(|(verb, _)| *verb).collect();
    rest.form = FORMS.iter().find(|(known, _)| *known == verb.text).map_or("", |(_, form)| form);
    Ok(match verb.text.as_str() {
        "cut" => Action::Cut { router: rest.router()?, port: rest.port()? },
        "restore" => Action::Restore { router: rest.router()?, port: rest.port()? },
        "kill" => Action::Kill(rest.router()?),
        "crash" => Action::Crash(rest.router()?),
        "stop" => Action::Stop(rest.router()?),
        "start" => Action::Start(rest.router()?),
        "stall" => Action::Stall(rest.router()?),
        "power" => {
            let router = rest.router()?;
            rest.one_of(&[("off", Action::Kill(router.clone())), ("on", Action::Start(router))])?
        }
        "loss" => {
            let percent = rest.word("how many of 100 frames", percent)?;
            Action::Loss(percent, rest.scope()?)
        }
        "delay" => {
            let most = rest.word("a time", time)?;
            Action::Delay(most, rest.scope()?)
        }
        "split" => rest.sides()?,
        "heal" => Action::Heal { lan: rest.lan()? },
        "priority" => {
            let (router, group) = (rest.router()?, rest.name("a group's number")?);
            Action::Priority { router, group, priority: rest.word("a priority", priority)? }
        }
        "track" => {
            let (router, object) = (rest.router()?, rest.name("a tracked object")?);
            let state = rest.one_of(&[("down", TrackState::Down), ("up", TrackState::Up)])?;
            Action::Track { router, object, state }
        }
        "end" => Action::End,
        other => {
            let remedy = match nearest(other, &verbs) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", verbs.join(", ")),
            };
            return Err(problem(format!("there is no action `{other}`"), verb.at.clone(), remedy));
        }
    })
}

impl Rest {
    fn missing(&self, what: &str) -> Box<Problem> {
        let at = self.end.clone();
        let problem = Problem::error(format!("{what} is missing"), at, format!("write `{}`", self.form));
        Box::new(problem.labelled("after this"))
    }

    fn name(&mut self, what: &str) -> Read<Word> {
        self.words.next().ok_or_else(|| self.missing(what))
    }

    fn router(&mut self) -> Read<Word> {
        self.name("a router")
    }

    fn word<T>(&mut self, what: &str, read: impl Fn(&Word) -> Read<T>) -> Read<T> {
        self.name(what).and_then(|word| read(&word))
    }

    /// A clause with the preposition `before`, if it comes now.
    fn clause<T>(&mut self, before: &str, read: impl Fn(&Word) -> Read<T>) -> Read<Option<T>> {
        if self.words.next_if(|word| word.text == before).is_none() {
            return Ok(None);
        }
        self.word(&format!("what follows `{before}`"), read).map(Some)
    }

    /// An interface or a LAN, with or without `on`, if one comes now.
    fn port(&mut self) -> Read<Option<Word>> {
        let named = self.lan()?;
        Ok(named.or_else(|| self.words.next_if(|word| !["for", "at"].contains(&word.text.as_str()))))
    }

    fn lan(&mut self) -> Read<Option<Word>> {
        self.clause("on", |word| Ok(word.clone()))
    }

    fn scope(&mut self) -> Read<Scope> {
        let mut scope = Scope::default();
        loop {
            let known = |word: &Word| Ok(word.clone());
            let (lan, from, to) = (self.lan()?, self.clause("from", known)?, self.clause("to", known)?);
            if lan.is_none() && from.is_none() && to.is_none() {
                return Ok(scope);
            }
            scope.lan = lan.or(scope.lan);
            scope.from = from.or(scope.from);
            scope.to = to.or(scope.to);
        }
    }

    fn sides(&mut self) -> Read<Action> {
        let name = |word: &Word| !["|", "on", "for", "at"].contains(&word.text.as_str());
        let mut side = vec![self.router()?];
        side.extend(std::iter::from_fn(|| self.words.next_if(name)));
        let mut other = Vec::new();
        if self.words.next_if(|word| word.text == "|").is_some() {
            other.push(self.router()?);
            other.extend(std::iter::from_fn(|| self.words.next_if(name)));
        }
        Ok(Action::Split { side, other, lan: self.lan()? })
    }

    fn one_of<T: Clone>(&mut self, words: &[(&str, T)]) -> Read<T> {
        let shown = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join("` or `");
        let given = self.name(&format!("`{shown}`"))?;
        let found = words.iter().find(|(word, _)| *word == given.text).map(|(_, found)| found.clone());
        let wrong = || format!("`{}` is neither `{}`", given.text, shown.replace("` or `", "` nor `"));
        found.ok_or_else(|| problem(wrong(), given.at.clone(), format!("write `{shown}`")))
    }

    fn finish(mut self) -> Read<()> {
        match self.words.next() {
            None => Ok(()),
            Some(word) => {
                let remedy = format!("write `{}`; `;` or a new line begins the next statement", self.form);
                Err(problem(format!("`{}` does not belong here", word.text), word.at, remedy))
            }
        }
    }
}

pub(super) fn problem(title: impl Into<String>, at: Range<usize>, remedy: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::error(title, at, remedy))
}

fn time(word: &Word) -> Read<Duration> {
    let remedy = "write a number with a unit, such as 3s or 500ms";
    let time = duration_of(&word.text).map_err(|refused| problem(refused.why, word.at.clone(), remedy))?;
    if time > TIME_MAX {
        let title = format!("{} is longer than an hour", word.text);
        return Err(problem(title, word.at.clone(), "choose at most 1h: nobody looks at more"));
    }
    Ok(time)
}

fn percent(word: &Word) -> Read<u8> {
    let number = word.text.strip_suffix('%').and_then(|number| number.parse().ok());
    let remedy = "write 0% to 100%, such as 40%";
    let wrong = || problem(format!("`{}` is no part of 100", word.text), word.at.clone(), remedy);
    number.filter(|percent| *percent <= 100).ok_or_else(wrong)
}

fn priority(word: &Word) -> Read<u8> {
    let wrong = || problem(format!("`{}` is no priority", word.text), word.at.clone(), "choose 1 to 254");
    word.text.parse().ok().filter(|priority| (1..=254).contains(priority)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(source: &str, text: &str) -> Word {
        let start = source.find(text).unwrap();
        Word { text: text.to_owned(), at: start..start + text.len() }
    }

    fn only(source: &str) -> Statement {
        let statements = parse(source).unwrap();
        assert_eq!(statements.len(), 1, "{statements:?}");
        statements[0].clone()
    }

    #[test]
    fn every_form_is_read() {
        type Expected = fn(&str) -> Action;
        let table: [(&str, Expected); 18] = [
            ("cut a", |s| Action::Cut { router: word(s, "a"), port: None }),
            ("cut a eth0", |s| Action::Cut { router: word(s, "a"), port: Some(word(s, "eth0")) }),
            ("cut a on eth0", |s| Action::Cut { router: word(s, "a"), port: Some(word(s, "eth0")) }),
            ("restore b eth1", |s| Action::Restore { router: word(s, "b"), port: Some(word(s, "eth1")) }),
            ("kill a", |s| Action::Kill(word(s, "a"))),
            ("power b off", |s| Action::Kill(word(s, "b"))),
            ("power b on", |s| Action::Start(word(s, "b"))),
            ("crash b", |s| Action::Crash(word(s, "b"))),
            ("stop b", |s| Action::Stop(word(s, "b"))),
            ("start b", |s| Action::Start(word(s, "b"))),
            ("loss 40%", |_| Action::Loss(40, Scope::default())),
            ("loss 7% to b on lan from c", |s| {
                let scope = ["lan", "c", "b"].map(|text| Some(word(s, text)));
                let [lan, from, to] = scope;
                Action::Loss(7, Scope { lan, from, to })
            }),
            ("delay 20ms from b", |s| {
                let scope = Scope { from: Some(word(s, "b")), ..Scope::default() };
                Action::Delay(Duration::from_millis(20), scope)
            }),
            ("split x, y | z on lan", |s| Action::Split {
                side: vec![word(s, "x"), word(s, "y")],
                other: vec![word(s, "z")],
                lan: Some(word(s, "lan")),
            }),
            ("split x|z", |s| Action::Split {
                side: vec![word(s, "x")],
                other: vec![word(s, "z")],
                lan: None,
            }),
            ("heal", |_| Action::Heal { lan: None }),
            ("priority b vrrp:10 50", |s| Action::Priority {
                router: word(s, "b"),
                group: word(s, "vrrp:10"),
                priority: 50,
            }),
            ("track b uplink down", |s| Action::Track {
                router: word(s, "b"),
                object: word(s, "uplink"),
                state: TrackState::Down,
            }),
        ];
        for (source, expected) in table {
            let statement = only(source);
            assert_eq!(statement.action, expected(source), "{source}");
            assert_eq!(
                (statement.at, statement.lasts, statement.text.as_str()),
                (Duration::ZERO, None, source)
            );
        }
    }

    #[test]
    fn times_stand_before_and_durations_behind() {
        let statement = only("  at 3s   stall r1 for 500ms # a comment; kill r2");
        assert_eq!(statement.at, Duration::from_secs(3));
        assert_eq!(statement.lasts, Some(Duration::from_millis(500)));
        assert_eq!((statement.text.as_str(), statement.place), ("stall r1 for 500ms", 2..28));
        assert_eq!(only("end at 1m").at, Duration::from_secs(60));
    }

    #[test]
    fn semicolons_and_lines_end_statements() {
        let texts: Vec<String> = parse("kill a;; heal\n\n# nothing\nat 1s start a;")
            .unwrap()
            .into_iter()
            .map(|statement| statement.text)
            .collect();
        assert_eq!(texts, ["kill a", "heal", "start a"]);
    }

    #[test]
    fn every_mistake_is_found_with_its_place() {
        let table = [
            ("at 3 kill a", "\"3\" has no unit", 3..4),
            ("kil a", "there is no action `kil`", 0..3),
            ("at 3s", "no action", 0..5),
            ("kill", "a router is missing", 0..4),
            ("loss 101%", "`101%` is no part of 100", 5..9),
            ("loss 40", "`40` is no part of 100", 5..7),
            ("stall a", "a stall without end", 0..7),
            ("start a for 3s", "this does not last", 0..14),
            ("kill a for 0s", "a fault that takes no time", 0..13),
            ("power a of", "`of` is neither `off` nor `on`", 8..10),
            ("priority a 10 255", "`255` is no priority", 14..17),
            ("cut a b c", "`c` does not belong here", 8..9),
            ("at", "what follows `at` is missing", 0..2),
            ("end", "no time to end at", 0..3),
            ("at 61m heal", "61m is longer than an hour", 3..6),
        ];
        for (source, title, at) in table {
            let problems = parse(source).unwrap_err();
            let [problem] = problems.as_slice() else { panic!("{source}: {problems:?}") };
            assert_eq!((problem.title.as_str(), problem.at.clone()), (title, Some(at)), "{source}");
            assert!(!problem.remedy.is_empty(), "{source}");
        }
        assert_eq!(parse("kil a; los 3%\nheel").unwrap_err().len(), 3);
    }
}
