//! Tables of groups, whatever their protocol: reading one, and having the library check it until every error is found.

use std::net::IpAddr;
use std::ops::Range;

use fhrp::{ConfigError, GroupConfig};
use toml::de::DeTable;

use super::diagnose::{Problem, Severity};
use super::file::{Alias, Places, Section, Value};
use super::names::Names;

/// What is particular to the tables of one protocol; implemented by the settings of its groups.
pub(super) trait Table: Sized {
    /// How an operator writes it.
    const HEADER: &'static str;
    /// The key of the group's number.
    const NUMBER: &'static str;
    /// What operators of other software write, and what to write here.
    const ALIASES: &'static [Alias];
    /// Settings of the library that have another key in the file, or several.
    const SPELLINGS: &'static [(&'static str, &'static [&'static str])];

    /// Reads every key. What cannot be read is reported and takes its default; `None` where nothing could be said of
    /// the rest then.
    fn read(section: &mut Section<'_, '_>, names: &Names) -> Option<Self>;

    /// The virtual addresses, as they stand in the file.
    fn addresses(&self) -> &[IpAddr];

    /// Has the library check them.
    ///
    /// # Errors
    /// The first that cannot be.
    fn check(self) -> Result<Checked, ConfigError>;
}

/// Settings without an error.
pub(super) struct Checked {
    pub(super) config: GroupConfig,
    /// What works but should not stay so; each names the key that it is about.
    pub(super) warnings: Vec<String>,
    /// What happens besides, with the key that it is about.
    pub(super) notes: Vec<(&'static str, String)>,
}

/// A group that is right in itself, with the places that errors about two groups point at.
pub(super) struct Draft {
    pub(super) config: GroupConfig,
    pub(super) places: Places,
    /// The key of its number.
    number: &'static str,
    addresses: Vec<IpAddr>,
}

impl Draft {
    /// Where its number stands; the table's header where it is the default.
    pub(super) fn place(&self) -> Range<usize> {
        self.places.of(self.number)
    }

    /// The key of its number.
    pub(super) fn number_key(&self) -> &'static str {
        self.number
    }

    /// Where the value of `key` stands, or else the number.
    pub(super) fn place_of(&self, key: &str) -> Range<usize> {
        self.places.find(key).unwrap_or_else(|| self.place())
    }

    /// Where `address` stands; the whole list for one that was added.
    pub(super) fn place_of_address(&self, address: IpAddr) -> Range<usize> {
        let places = self.places.elements("addresses");
        let named = self.addresses.iter().zip(places).find(|(named, _)| **named == address);
        named.map_or_else(|| self.places.of("addresses"), |(_, at)| at.clone())
    }
}

/// Reads all tables of a protocol. A group that has an error is left out: it then says nothing reliable about its
/// neighbours either.
pub(super) fn read_groups<T: Table>(
    tables: Option<&Value<'_>>,
    names: &Names,
    problems: &mut Vec<Problem>,
) -> Vec<Draft> {
    let tables = each_table(tables, T::HEADER, problems);
    tables
        .into_iter()
        .filter_map(|(header, entries)| Reader { entries, header, names }.read::<T>(problems))
        .collect()
}

/// The tables of a list such as `[[vrrp]]`, with their places.
pub(super) fn each_table<'a>(
    list: Option<&'a Value<'a>>,
    header: &'static str,
    problems: &mut Vec<Problem>,
) -> Vec<(Range<usize>, &'a DeTable<'a>)> {
    let Some(list) = list else { return Vec::new() };
    let Some(elements) = list.get_ref().as_array() else {
        let name = header.trim_matches(['[', ']']);
        let title = format!("`{name}` must be a list of tables");
        problems.push(Problem::error(title, list.span(), format!("write {header}")));
        return Vec::new();
    };
    let mut out = Vec::with_capacity(elements.len());
    for element in elements.iter() {
        match element.get_ref().as_table() {
            Some(table) => out.push((element.span(), table)),
            None => problems.push(Problem::error(
                format!("{header} must be a table"),
                element.span(),
                format!("write {header} on a line of its own"),
            )),
        }
    }
    out
}

/// Further ones wait until these are mended.
const ERRORS_PER_GROUP_MAX: usize = 16;

/// Others cannot be judged without these.
const DECISIVE: [&str; 3] = ["version", "family", "addresses"];

/// One table, to be read as often as it takes.
struct Reader<'a> {
    entries: &'a DeTable<'a>,
    header: Range<usize>,
    names: &'a Names,
}

/// What one reading gave.
struct Attempt {
    outcome: Option<Result<Checked, ConfigError>>,
    addresses: Vec<IpAddr>,
    places: Places,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// The library names one error at a time: each is reported, and the table read again without the value at fault.
    fn read<T: Table>(&self, problems: &mut Vec<Problem>) -> Option<Draft> {
        let mut refused = Vec::new();
        let mut attempt = self.attempt::<T>(&refused);
        let mut own = std::mem::take(&mut attempt.problems);
        while let Some(Err(error)) = &attempt.outcome {
            let (key, element) = self.blame::<T>(error, &attempt.places, &refused);
            let value = element.clone().or_else(|| attempt.places.find(key));
            let at = value.clone().unwrap_or_else(|| self.header.clone());
            own.push(Problem::error(format!("`{key}`: {}", error.problem), at, error.remedy.as_str()));
            let mended = value.filter(|_| element.is_some() || !DECISIVE.contains(&key));
            let Some(value) = mended.filter(|_| refused.len() < ERRORS_PER_GROUP_MAX) else { break };
            refused.push(value);
            attempt = self.attempt::<T>(&refused);
        }
        let right = own.iter().all(|problem| problem.severity != Severity::Error);
        let checked = attempt.outcome.and_then(Result::ok);
        if let Some(checked) = &checked {
            own.extend(remarks(checked, &attempt.places));
        }
        problems.append(&mut own);
        let checked = checked.filter(|_| right)?;
        let (places, addresses) = (attempt.places, attempt.addresses);
        Some(Draft { config: checked.config, places, number: T::NUMBER, addresses })
    }

    fn attempt<T: Table>(&self, refused: &[Range<usize>]) -> Attempt {
        let mut problems = Vec::new();
        let mut section =
            Section::new(T::HEADER, self.header.clone(), self.entries, &mut problems).without(refused);
        let settings = T::read(&mut section, self.names);
        let places = section.finish(T::ALIASES);
        let addresses = settings.as_ref().map_or_else(Vec::new, |settings| settings.addresses().to_vec());
        Attempt { outcome: settings.map(T::check), addresses, places, problems }
    }

    /// The key at fault, and the element where the key's value is a list. Where several keys make up the setting it is
    /// the one without which the error is gone.
    fn blame<T: Table>(
        &self,
        error: &ConfigError,
        places: &Places,
        refused: &[Range<usize>],
    ) -> (&'static str, Option<Range<usize>>) {
        let setting = error.field.key();
        let element = error.field.element().and_then(|at| places.elements(setting).get(at));
        if element.is_some() {
            return (setting, element.cloned());
        }
        let Some((_, keys)) = T::SPELLINGS.iter().find(|(spelt, _)| *spelt == setting) else {
            return (setting, None);
        };
        let present: Vec<(&'static str, Range<usize>)> = keys
            .iter()
            .filter_map(|key| Some((*key, places.find(key).filter(|at| !refused.contains(at))?)))
            .collect();
        let decides = |(_, at): &&(&'static str, Range<usize>)| {
            let without: Vec<_> = refused.iter().chain([at]).cloned().collect();
            !matches!(self.attempt::<T>(&without).outcome, Some(Err(again)) if again == *error)
        };
        let found = present.iter().find(decides).or(present.first());
        (found.map_or(setting, |(key, _)| *key), None)
    }
}

fn remarks(checked: &Checked, places: &Places) -> Vec<Problem> {
    let about = |warning: &String| {
        let named = places.keys().filter_map(|key| Some((warning.find(key)?, key)));
        named.min().map_or_else(|| places.of(""), |(_, key)| places.of(key))
    };
    let warnings = checked.warnings.iter().map(|text| Problem::warning(text.as_str(), about(text)));
    let notes = checked.notes.iter().map(|(key, text)| Problem::note(text.as_str(), places.of(key)));
    warnings.chain(notes).collect()
}
