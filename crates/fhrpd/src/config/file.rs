//! Reading TOML values one by one, so that every error of a file is found and not only the first.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use fhrp::{MacAddr, WallTime};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::{Datetime, Offset};

use super::diagnose::{Problem, nearest};

/// A value as it stands in the file.
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

/// Why a value is refused, and what would be right.
pub(crate) struct Refused {
    pub(crate) why: String,
    pub(crate) remedy: String,
}

fn refused<T>(why: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { why: why.into(), remedy: remedy.into() })
}

/// A key of other software, or of an older habit, with what to do instead.
pub(super) type Alias = (&'static str, &'static str);

/// Where the parts of a table stand.
#[derive(Debug)]
pub(super) struct Places {
    header: Range<usize>,
    found: BTreeMap<&'static str, Range<usize>>,
    /// The elements of lists that were accepted, in the order of the list.
    elements: BTreeMap<&'static str, Vec<Range<usize>>>,
}

impl Places {
    /// Where the value of `key` stands; the table's header when it does not.
    pub(super) fn of(&self, key: &str) -> Range<usize> {
        self.find(key).unwrap_or_else(|| self.header.clone())
    }

    /// Where the value of `key` stands, right or wrong.
    pub(super) fn find(&self, key: &str) -> Option<Range<usize>> {
        self.found.get(key).cloned()
    }

    /// Where the elements of a list stand, without those that were refused.
    pub(super) fn elements(&self, key: &str) -> &[Range<usize>] {
        self.elements.get(key).map_or(&[], Vec::as_slice)
    }

    /// The keys that the file has.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.found.keys().copied()
    }
}

/// One table of the file while it is read.
pub(super) struct Section<'a, 'p> {
    name: &'static str,
    table: &'a DeTable<'a>,
    places: Places,
    asked: Vec<&'static str>,
    /// Values known to be faulty: taken for unreadable, and not reported again.
    refused: &'p [Range<usize>],
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
        let places = Places { header, found: BTreeMap::new(), elements: BTreeMap::new() };
        Self { name, table, places, asked: Vec::new(), refused: &[], problems }
    }

    /// As if the values at these places could not be read.
    #[must_use]
    pub(super) fn without(self, refused: &'p [Range<usize>]) -> Self {
        Self { refused, ..self }
    }

    /// Where the value of `key` stands; the table's header when it does not.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.places.of(key)
    }

    /// Where an element of a list stands; the list where there is no such element.
    pub(super) fn element(&self, key: &str, at: Option<usize>) -> Range<usize> {
        let element = at.and_then(|at| self.places.elements(key).get(at));
        element.cloned().unwrap_or_else(|| self.place(key))
    }

    /// How the operator writes its header.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the list `key` has an element in the file, right or wrong.
    pub(super) fn holds_something(&self, key: &str) -> bool {
        let list = self.table.get(key).and_then(|value| value.get_ref().as_array());
        list.is_some_and(|list| !list.is_empty())
    }

    /// Whether `key` stands in the file, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.places.find(key).is_some()
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
        let value = self.readable(key)?;
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
            self.report(Problem::error(title, self.place(""), format!("add `{key} = {example}`")));
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
        let mut out = Vec::new();
        for element in self.array(key, example)? {
            match read(element.get_ref()) {
                Ok(read) => out.push((read, element.span())),
                Err(Refused { why, remedy }) => {
                    self.report(Problem::error(format!("`{key}`: {why}"), element.span(), remedy));
                }
            }
        }
        self.places.elements.insert(key, out.iter().map(|(_, at)| at.clone()).collect());
        Some(out)
    }

    /// A table, called `name` in errors; one that `read` gives nothing for has been reported.
    pub(super) fn table<T>(
        &mut self,
        key: &'static str,
        (name, example): (&'static str, &str),
        read: impl Fn(Section<'a, '_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.readable(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.report(not_a_table(key, value, format!("{key} = {example}")));
            return None;
        };
        read(Section::new(name, value.span(), table, self.problems).without(self.refused))
    }

    /// A list of tables, each called `name` in errors; those that `read` gives nothing for have been reported.
    pub(super) fn tables<T>(
        &mut self,
        key: &'static str,
        (name, example): (&'static str, &str),
        read: impl Fn(Section<'a, '_>) -> Option<T>,
    ) -> Vec<T> {
        let (mut out, mut places) = (Vec::new(), Vec::new());
        for element in self.array(key, example).unwrap_or_default() {
            let Some(table) = element.get_ref().as_table() else {
                self.report(not_a_table(key, element, format!("{key} = [{example}]")));
                continue;
            };
            let section = Section::new(name, element.span(), table, self.problems).without(self.refused);
            if let Some(read) = read(section) {
                out.push(read);
                places.push(element.span());
            }
        }
        self.places.elements.insert(key, places);
        out
    }

    /// The elements of a list, but those known to be faulty; `None` where there is no list.
    fn array(&mut self, key: &'static str, example: &str) -> Option<Vec<&'a Value<'a>>> {
        let value = self.readable(key)?;
        let Some(elements) = value.get_ref().as_array() else {
            let title = format!("`{key}`: expected a list, found {}", kind(value.get_ref()));
            self.report(Problem::error(title, value.span(), format!("write it as in `{key} = [{example}]`")));
            return None;
        };
        Some(elements.iter().filter(|element| !self.refused.contains(&element.span())).collect())
    }

    fn readable(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.raw(key).filter(|value| !self.refused.contains(&value.span()))
    }

    /// The value of `key` as it stands there; from now on the key counts as known.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Value<'a>> {
        self.asked.push(key);
        let value = self.table.get(key)?;
        self.places.found.insert(key, value.span());
        Some(value)
    }

    /// Reports every key that was never asked for; tells where the others stand.
    pub(super) fn finish(self, aliases: &[Alias]) -> Places {
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
        self.places
    }
}

fn not_a_table(key: &str, value: &Value<'_>, example: String) -> Problem {
    let title = format!("`{key}`: expected a table, found {}", kind(value.get_ref()));
    Problem::error(title, value.span(), format!("write it as in `{example}`"))
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

/// Text that is there for a name.
pub(super) fn name(value: &DeValue<'_>) -> Result<String, Refused> {
    let name = text(value)?;
    if name.trim().is_empty() || name.contains(char::is_control) {
        return refused(format!("{name:?} is no name"), "write a word of your own, such as \"uplink\"");
    }
    Ok(name)
}

/// A whole number of the type's size; what is possible within that, `range` says.
pub(super) fn number<T: TryFrom<u64>>(
    range: &'static str,
) -> impl FnOnce(&DeValue<'_>) -> Result<T, Refused> {
    move |value| {
        let Some(number) = value.as_integer() else {
            let found = format!("expected a whole number, found {}", kind(value));
            return refused(found, format!("write {range}, without quotes"));
        };
        let small = u64::from_str_radix(number.as_str(), number.radix()).ok();
        small
            .and_then(|small| T::try_from(small).ok())
            .map_or_else(|| refused(format!("{number} is out of range"), format!("choose {range}")), Ok)
    }
}

/// Text with a unit, such as `"100ms"`.
pub(super) fn duration(value: &DeValue<'_>) -> Result<Duration, Refused> {
    match value.as_str() {
        Some(text) => duration_of(text),
        None => refused(format!("expected a duration, found {}", kind(value)), DURATION_EXAMPLE),
    }
}

const DURATION_EXAMPLE: &str = "write a number with a unit in quotes, such as \"1s\" or \"100ms\"";

/// A number with a unit.
pub(crate) fn duration_of(text: &str) -> Result<Duration, Refused> {
    if !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit()) {
        return refused(format!("\"{text}\" has no unit"), format!("write \"{text}s\" or \"{text}ms\""));
    }
    humantime::parse_duration(text)
        .or_else(|why| refused(format!("\"{text}\" is no duration ({why})"), DURATION_EXAMPLE))
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

/// A path that begins at the root, and so means the same to the daemon and to who asks it.
pub(super) fn path(value: &DeValue<'_>) -> Result<PathBuf, Refused> {
    let text = text(value)?;
    if text.is_empty() {
        return refused("the path is empty", "name a file or folder");
    }
    let path = PathBuf::from(&text);
    if path.is_absolute() {
        return Ok(path);
    }
    let why = format!("\"{text}\" means another place in every working directory");
    refused(why, "write a path that begins with /")
}

/// The longest path that a Unix socket can have: one octet ends it.
const SOCKET_PATH_MAX: usize = 107;

/// The path of a Unix socket.
pub(super) fn socket(value: &DeValue<'_>) -> Result<PathBuf, Refused> {
    let path = path(value)?;
    let octets = path.as_os_str().len();
    if octets > SOCKET_PATH_MAX {
        let why = format!("a path of {octets} octets, and a socket can have {SOCKET_PATH_MAX}");
        return refused(why, "choose a shorter one, such as \"/run/fhrpd/fhrpd.sock\"");
    }
    Ok(path)
}

/// An Ethernet address, `02:00:00:00:00:01` or `0200.0000.0001`.
pub(super) fn mac(value: &DeValue<'_>) -> Result<MacAddr, Refused> {
    let text = text(value)?;
    let grouped = text.len() == 14 && text.split('.').map(str::len).eq([4, 4, 4]);
    let digits: Vec<char> = text.chars().filter(|c| *c != '.').collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    let parsed = if grouped { pairs.join(":").parse() } else { text.parse() };
    parsed.or_else(|_| {
        refused(format!("\"{text}\" is no MAC address"), "write one such as \"02:00:00:00:00:01\"")
    })
}

/// A moment of the calendar (RFC 3339), with or without quotes.
pub(super) fn moment(value: &DeValue<'_>) -> Result<WallTime, Refused> {
    let example = "write one such as 2030-01-31T00:00:00Z or 2030-01-31T01:00:00+01:00";
    let written: Option<Datetime> = match value.as_datetime() {
        Some(written) => Some(*written),
        None => value.as_str().and_then(|text| text.parse().ok()),
    };
    let Some(written) = written else {
        return refused(format!("expected a date with time, found {}", kind(value)), example);
    };
    let Datetime { date: Some(date), time: Some(time), offset: Some(offset) } = written else {
        return refused(format!("{written} has no time of day or no time zone"), example);
    };
    let east = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes) * 60,
    };
    let as_utc = humantime::parse_rfc3339(&format!("{date}T{time}Z")).ok();
    let since_1970 = as_utc.and_then(|moment| moment.duration_since(SystemTime::UNIX_EPOCH).ok());
    match since_1970.and_then(|since| since.as_secs().checked_add_signed(-east)) {
        Some(seconds) => Ok(WallTime(seconds)),
        None => refused(format!("{written} is before 1970"), example),
    }
}
