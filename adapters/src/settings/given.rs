//! What file and environment give, by key, before anybody asks what it means.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use toml::{Table, Value as Toml};

use super::{
    Invalid, Problem,
    keys::{ALIASES, FILE_VARIABLE, KEYS, Key, LOG_VARIABLE, PREFIX, meant},
};

/// The text of a settings file.
#[derive(Clone, Copy, Debug)]
pub struct SettingsFile<'a> {
    /// What to call it in messages.
    pub name: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// A value and where it came from.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// A value as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    List(Vec<String>),
    Pairs(Vec<(String, String)>),
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    File(String),
    Variable(String),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) | Self::Variable(name) => f.write_str(name),
            Self::Default => f.write_str("by default"),
        }
    }
}

/// All that is given, and all that cannot be a setting.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) given: BTreeMap<&'static str, Given>,
    pub(super) problems: Vec<Problem>,
}

impl Sources {
    /// The environment wins over the file. A variable that is set to nothing is not set. A file that cannot be read at all
    /// ends the reading: everything else would seem to be missing.
    pub(super) fn read(
        file: Option<SettingsFile<'_>>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, Invalid> {
        let mut sources = Self::default();
        if let Some(file) = file {
            let table = file.text.parse().map_err(|error| Invalid(vec![not_toml(file, &error)]))?;
            sources.add_table(file.name, "", table);
        }
        let mut from_environment = BTreeMap::new();
        for (variable, value) in environment.iter().filter(|(_, value)| !value.trim().is_empty()) {
            sources.add_variable(&mut from_environment, variable, value);
        }
        sources.given.extend(from_environment);
        Ok(sources)
    }

    fn add_table(&mut self, file: &str, section: &str, table: Table) {
        let origin = || Origin::File(file.to_owned());
        for (label, value) in table {
            let name = if section.is_empty() { label } else { format!("{section}.{label}") };
            let is_section =
                KEYS.iter().any(|key| key.name.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.')));
            match (Key::find(&name), value) {
                (Some(key), value) => match plain(value) {
                    Some(value) => drop(self.given.insert(key.name, Given { value, origin: origin() })),
                    None => self.problem(&name, &origin(), "no setting is made of this"),
                },
                (None, Toml::Table(inner)) if is_section => self.add_table(file, &name, inner),
                (None, _) if is_section => {
                    self.problem(&name, &origin(), &format!("this is a section: write `[{name}]`"))
                }
                (None, _) => {
                    let hint = suggestion(&name, KEYS.iter().map(|key| key.name));
                    self.problem(&name, &origin(), &format!("there is no such setting{hint}"));
                }
            }
        }
    }

    fn add_variable(&mut self, given: &mut BTreeMap<&'static str, Given>, variable: &str, value: &str) {
        let alias = ALIASES.iter().find(|(name, _)| *name == variable).and_then(|(_, name)| Key::find(name));
        let Some(key) = alias.or_else(|| KEYS.iter().find(|key| key.variable() == variable)) else {
            if variable.starts_with(PREFIX) && ![FILE_VARIABLE, LOG_VARIABLE].contains(&variable) {
                let names: Vec<_> = KEYS.iter().map(Key::variable).collect();
                let hint = suggestion(variable, names.iter().map(String::as_str));
                self.problems.push(Problem(format!("`{variable}`: there is no such setting{hint}")));
            }
            return;
        };
        let new = Given { value: Value::Text(value.to_owned()), origin: Origin::Variable(variable.to_owned()) };
        match given.entry(key.name) {
            Entry::Vacant(free) => drop(free.insert(new)),
            Entry::Occupied(taken) if taken.get().value == new.value => {}
            Entry::Occupied(taken) => {
                let what = format!("`{}` and `{variable}` both give `{}`: unset one", taken.get().origin, key.name);
                self.problems.push(Problem(what));
            }
        }
    }

    /// Notes what is wrong with a key's value.
    pub(super) fn problem(&mut self, key: &str, origin: &Origin, what: &str) {
        self.problems.push(Problem(format!("`{key}` ({origin}): {what}")));
    }
}

fn not_toml(file: SettingsFile<'_>, error: &toml::de::Error) -> Problem {
    let before = file.text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
    let line = 1 + before.matches('\n').count();
    Problem(format!("{} is not TOML, at line {line}: {}", file.name, error.message().replace('\n', ", ")))
}

fn suggestion<'c>(name: &str, candidates: impl Iterator<Item = &'c str> + Clone) -> String {
    meant(name, candidates).map_or_else(|| ", remove it".to_owned(), |near| format!(", did you mean `{near}`?"))
}

/// Numbers and booleans are read as they look: whoever asks for the key knows what it must be.
fn plain(value: Toml) -> Option<Value> {
    Some(match value {
        Toml::String(text) => Value::Text(text),
        Toml::Integer(number) => Value::Text(number.to_string()),
        Toml::Boolean(value) => Value::Text(value.to_string()),
        Toml::Array(items) => Value::List(items.into_iter().map(scalar).collect::<Option<_>>()?),
        Toml::Table(table) => {
            let pairs = table.into_iter().map(|(label, value)| Some((label, scalar(value)?)));
            Value::Pairs(pairs.collect::<Option<_>>()?)
        }
        Toml::Float(_) | Toml::Datetime(_) => return None,
    })
}

fn scalar(value: Toml) -> Option<String> {
    match plain(value)? {
        Value::Text(text) => Some(text),
        Value::List(_) | Value::Pairs(_) => None,
    }
}
