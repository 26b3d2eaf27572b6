//! Reading TOML values one by one, so that every error of a file is found and not only the first.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnose::{Problem, nearest};

/// A value as it stands in the file.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Why a value is refused, and what would be right.
pub(super) struct Refused {
    pub(super) why: String,
    pub(super) remedy: String,
}

fn refused<T>(why: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { why: why.into(), remedy: remedy.into() })
}

/// A key of other software, or of an older habit, with what to do instead.
pub(super) type Alias = (&'static str, &'static str);

/// One table of the file while it is read.
pub(super) struct Section<'a, 'p> {
    name: &'static str,
    table: &'a DeTable<'a>,
    header: Range<usize>,
    asked: Vec<&'static str>,
    found: BTreeMap<&'static str, Range<usize>>,
    problems: &'p mut Vec<Problem>,
}

impl<'a, 'p> Section<'a, 'p> {
    /// `name` is how the operator writes its header.
    pub(super) fn new(
        name: &'static str,
        header: Range<usize>,
        table: &'a DeTable<'a>,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Self { name, table, header, asked: Vec::new(), found: BTreeMap::new(), problems }
    }

    /// Where the value of `key` stands; the table's header when it does not.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.found.get(key).cloned().unwrap_or_else(|| self.header.clone())
    }

    /// Whether `key` stands in the file, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.found.contains_key(key)
    }

    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// The value of `key`, if it is there and `read` accepts it.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, Refused>,
    ) -> Option<T> {
        let value = self.raw(key)?;
        match read(value.get_ref()) {
            Ok(read) => Some(read),
            Err(Refused { why, remedy }) => {
                self.report(Problem::error(format!("`{key}`: {why}"), value.span(), remedy));
                None
            }
        }
    }

    /// As [`Self::optional`], and an error when it is not there.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl FnOnce(&DeValue<'_>) -> Result<T, Refused>,
    ) -> Option<T> {
        let value = self.optional(key, read);
        if value.is_none() && !self.has(key) {
            let title = format!("{} has no `{key}`", self.name);
            self.report(Problem::error(title, self.header.clone(), format!("add `{key} = {example}`")));
        }
        value
    }

    /// A list; elements that `read` refuses are reported and left out. Each comes with its place.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        example: &str,
        read: impl Fn(&DeValue<'_>) -> Result<T, Refused>,
    ) -> Option<Vec<(T, Range<usize>)>> {
        let value = self.raw(key)?;
        let Some(elements) = value.get_ref().as_array() else {
            let title = format!("`{key}`: expected a list, found {}", kind(value.get_ref()));
            self.report(Problem::error(title, value.span(), format!("write it as in `{key} = [{example}]`")));
            return None;
        };
        let mut out = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            match read(element.get_ref()) {
                Ok(read) => out.push((read, element.span())),
                Err(Refused { why, remedy }) => {
                    self.report(Problem::error(format!("`{key}`: {why}"), element.span(), remedy));
                }
            }
        }
        Some(out)
    }

    /// A list of tables, each with its place.
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Vec<(Range<usize>, &'a DeTable<'a>)> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let remedy = format!("write it as in `{key} = [{example}]`");
        let Some(elements) = value.get_ref().as_array() else {
            let title = format!("`{key}`: expected a list, found {}", kind(value.get_ref()));
            self.report(Problem::error(title, value.span(), remedy));
            return Vec::new();
        };
        let mut out = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            match element.get_ref().as_table() {
                Some(table) => out.push((element.span(), table)),
                None => {
                    let title = format!("`{key}`: expected a table, found {}", kind(element.get_ref()));
                    self.report(Problem::error(title, element.span(), remedy.clone()));
                }
            }
        }
        out
    }

    /// A table inside this one.
    pub(super) fn inner(
        &mut self,
        name: &'static str,
        header: Range<usize>,
        table: &'a DeTable<'a>,
    ) -> Section<'a, '_> {
        Section::new(name, header, table, self.problems)
    }

    /// The value of `key` as it stands there; from now on the key counts as known.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        self.found.insert(key, value.span());
        Some(value)
    }

    /// Reports every key that was never asked for.
    pub(super) fn finish(self, aliases: &[Alias]) {
        for (key, _) in self.table.iter().filter(|(key, _)| !self.asked.contains(&key.get_ref().as_ref())) {
            let name = key.get_ref().as_ref();
            let alias =
                aliases.iter().find(|(alias, _)| *alias == name).map(|(_, advice)| (*advice).to_owned());
            let remedy = alias
                .or_else(|| nearest(name, &self.asked).map(|known| format!("did you mean `{known}`?")))
                .unwrap_or_else(|| format!("known here: {}", self.asked.join(", ")));
            self.problems.push(Problem::error(
                format!("unknown key `{name}` in {}", self.name),
                key.span(),
                remedy,
            ));
        }
    }
}

/// What a value is, in the operator's words.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, Refused> {
    match value.as_str() {
        Some(text) if text.contains('\0') => refused("contains a zero octet", "remove it"),
        Some(text) => Ok(text.to_owned()),
        None => refused(format!("expected text, found {}", kind(value)), "put it in quotes"),
    }
}

pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, Refused> {
    let found = || format!("expected true or false, found {}", kind(value));
    value.as_bool().map_or_else(|| refused(found(), "write true or false, without quotes"), Ok)
}

/// A whole number from 0 to 255; what is possible within that, `range` says.
pub(super) fn octet(range: &'static str) -> impl FnOnce(&DeValue<'_>) -> Result<u8, Refused> {
    move |value| {
        let Some(number) = value.as_integer() else {
            let found = format!("expected a whole number, found {}", kind(value));
            return refused(found, format!("write a number from {range}, without quotes"));
        };
        u8::from_str_radix(number.as_str(), number.radix()).or_else(|_| {
            refused(format!("{number} is out of range"), format!("choose a number from {range}"))
        })
    }
}

/// Text with a unit, such as `"100ms"`.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Refused> {
    let example = "write a number with a unit in quotes, such as \"1s\" or \"100ms\"";
    let Some(text) = value.as_str() else {
        return refused(format!("expected a duration, found {}", kind(value)), example);
    };
    if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        return refused(format!("\"{text}\" has no unit"), format!("write \"{text}s\" or \"{text}ms\""));
    }
    humantime::parse_duration(text)
        .or_else(|why| refused(format!("\"{text}\" is no duration ({why})"), example))
}

/// An address without a prefix length.
pub(super) fn address(value: &DeValue<'_>) -> Result<IpAddr, Refused> {
    let text = text(value)?;
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    match text.split_once('/') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => {
            refused(format!("\"{text}\" has a prefix length"), format!("write \"{address}\""))
        }
        Some(_) | None => refused(
            format!("\"{text}\" is no IP address"),
            "write an address such as \"192.0.2.1\" or \"2001:db8::1\"",
        ),
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    words: &'static [(&'static str, T)],
) -> impl FnOnce(&DeValue<'_>) -> Result<T, Refused> {
    move |value| {
        let text = text(value)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*meaning);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let remedy = match nearest(&text, &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("choose one of \"{}\"", names.join("\", \"")),
        };
        refused(format!("\"{text}\" is not known"), remedy)
    }
}

/// The name of an interface as the kernel allows it (1 to 15 octets, no slash, no space).
pub(super) fn interface(value: &DeValue<'_>) -> Result<String, Refused> {
    let name = text(value)?;
    let odd = name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control());
    if name.is_empty() || name.len() > 15 || odd || name == "." || name == ".." {
        return refused(
            format!("\"{name}\" cannot be the name of an interface"),
            "use the name that `ip link` shows, such as \"eth0\"",
        );
    }
    Ok(name)
}

/// A path that begins at the root.
pub(super) fn path(value: &DeValue<'_>) -> Result<std::path::PathBuf, Refused> {
    let text = text(value)?;
    if text.is_empty() {
        return refused("the path is empty", "name a file or folder");
    }
    std::path::absolute(&text)
        .or_else(|why| refused(format!("\"{text}\": {why}"), "write a path that begins with /"))
}
