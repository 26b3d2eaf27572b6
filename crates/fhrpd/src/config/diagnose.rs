//! What is wrong with a configuration file, and how it is shown: file, line, the text at fault, a remedy.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::secrets::without_keys;

/// Whether the file can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but somebody should look.
    Warning,
    /// Something that the file does not say but that will happen.
    Note,
}

/// One thing about a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub title: String,
    /// The octets at fault; `None` for the file as a whole.
    pub at: Option<Range<usize>>,
    /// What to say below them.
    pub label: String,
    /// Another place that belongs to it, with what to say there.
    pub also: Option<(Range<usize>, String)>,
    /// What would be right.
    pub remedy: String,
}

impl Problem {
    /// An error at `at`.
    pub(crate) fn error(title: impl Into<String>, at: Range<usize>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            title: title.into(),
            at: Some(at),
            label: String::new(),
            also: None,
            remedy: remedy.into(),
        }
    }

    /// A warning at `at`.
    pub(super) fn warning(title: impl Into<String>, at: Range<usize>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title, at, "") }
    }

    /// A note at `at`.
    pub(super) fn note(title: impl Into<String>, at: Range<usize>) -> Self {
        Self { severity: Severity::Note, ..Self::error(title, at, "") }
    }

    #[must_use]
    pub(crate) fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    #[must_use]
    pub(super) fn with_other(self, at: Range<usize>, label: impl Into<String>) -> Self {
        Self { also: Some((at, label.into())), ..self }
    }
}

/// Colours or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For files and pipes.
    Plain,
    /// For terminals.
    Coloured,
}

/// Shows `problems` of the file `path` with content `source`, in the order of the file.
#[must_use]
pub fn render(path: &str, source: &str, problems: &[Problem], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let shown = without_keys(source);
    let mut out = String::new();
    for problem in problems {
        let _ = writeln!(out, "{}\n", render_one(&renderer, path, &shown, problem));
    }
    out
}

fn render_one(renderer: &Renderer, path: &str, source: &str, problem: &Problem) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let (words, label, remedy) =
        (printable(&problem.title), printable(&problem.label), printable(&problem.remedy));
    let other = problem.also.as_ref().map(|(at, label)| (at, printable(label)));
    let title = level.primary_title(words.as_str());
    let mut group = match &problem.at {
        None => title.element(annotate_snippets::Origin::path(path)),
        Some(at) => {
            let mut main = AnnotationKind::Primary.span(within(source, at));
            if !label.is_empty() {
                main = main.label(label.as_str());
            }
            let mut snippet = Snippet::source(source).path(path).annotation(main);
            if let Some((other, label)) = &other {
                snippet = snippet
                    .annotation(AnnotationKind::Context.span(within(source, other)).label(label.as_str()));
            }
            title.element(snippet)
        }
    };
    if !remedy.is_empty() {
        group = group.element(Level::HELP.message(remedy.as_str()));
    }
    renderer.render(&[group])
}

/// `FILE:LINE:COLUMN: what; remedy`, for log lines.
#[must_use]
pub fn in_one_line(path: &str, source: &str, problem: &Problem) -> String {
    let place = problem.at.as_ref().map_or_else(String::new, |at| {
        let before = source.get(..at.start).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        format!(":{line}:{column}")
    });
    let remedy = if problem.remedy.is_empty() { String::new() } else { format!("; {}", problem.remedy) };
    printable(&format!("{path}{place}: {}{remedy}", problem.title))
}

/// What quotes the file cannot end a line of a log, nor tell a terminal what to do.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { out.extend(letter.escape_default()) } else { out.push(letter) }
    }
    out
}

/// A span that the renderer can cut at, whatever it is given.
fn within(source: &str, span: &Range<usize>) -> Range<usize> {
    let start = source.floor_char_boundary(span.start.min(source.len()));
    let end = source.ceil_char_boundary(span.end.clamp(start, source.len()));
    start..end
}

/// The one of `known` that was probably meant by `given`.
#[must_use]
pub(crate) fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let farthest = (given.chars().count() / 3).max(1);
    known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(&given.to_lowercase(), word), *word))
        .filter(|(distance, _)| *distance <= farthest)
        .min()
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_word_is_suggested() {
        assert_eq!(nearest("adresses", &["addresses", "interface"]), Some("addresses"));
        assert_eq!(nearest("preepmt", &["preempt"]), Some("preempt"));
        assert_eq!(nearest("Vrid", &["vrid"]), Some("vrid"));
        assert_eq!(nearest("colour", &["vrid", "interface"]), None);
    }

    #[test]
    fn what_is_quoted_stays_on_its_line() {
        let problem = Problem::error("no key `a\n\u{1b}[2J`", 0..1, "remove \u{7}");
        assert_eq!(in_one_line("f", "a", &problem), "f:1:1: no key `a\\n\\u{1b}[2J`; remove \\u{7}");
        let shown = render("f", "a", &[problem], Style::Plain);
        assert!(!shown.contains(|letter: char| letter.is_control() && letter != '\n'), "{shown:?}");
    }

    #[test]
    fn spans_outside_the_file_are_cut() {
        assert_eq!(within("äb", &(1..9)), 0..3);
        assert_eq!(within("", &(4..4)), 0..0);
    }
}
