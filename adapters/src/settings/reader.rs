//! Asks for one setting after another and notes what is wrong. Each question answers `None` where a problem was noted, so
//! that the next one can be asked all the same.

use std::collections::BTreeMap;

use super::{
    Invalid, Problem, SettingsFile,
    given::{Given, Origin, Sources, Value},
    keys::{Key, Otherwise},
};

pub(super) struct Reader(Sources);

impl Reader {
    pub(super) fn new(file: Option<SettingsFile<'_>>, environment: &BTreeMap<String, String>) -> Result<Self, Invalid> {
        Sources::read(file, environment).map(Self)
    }

    pub(super) fn problems(self) -> Vec<Problem> {
        self.0.problems
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.0.problems.push(Problem(what.into()));
    }

    /// Whether the setting is given at all.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.given.contains_key(key)
    }

    /// A setting of one value, which must be given unless it has a default.
    pub(super) fn one<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given(key).or_else(|| self.missing(key))?;
        self.text(key, given, parse)
    }

    /// A setting of one value that can be left out.
    pub(super) fn maybe<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Option<T>> {
        self.given(key).map_or(Some(None), |given| self.text(key, given, parse).map(Some))
    }

    /// A setting of several values, in a variable separated by commas.
    pub(super) fn list<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let given = match self.given(key) {
            Some(given) => given,
            None if Key::find(key).is_some_and(|key| key.otherwise == Otherwise::Required) => self.missing(key)?,
            None => return Some(Vec::new()),
        };
        let items = match given.value {
            Value::List(items) => items,
            Value::Text(text) => split(&text),
            Value::Pairs(_) => return self.problem(key, &given.origin, "a table is no list"),
        };
        let items: Vec<_> = items.iter().map(|item| self.noted(key, &given.origin, parse(item.trim()))).collect();
        items.into_iter().collect()
    }

    /// A setting of several pairs, in a variable as `left=right,left=right`.
    pub(super) fn pairs<L, R>(
        &mut self,
        key: &'static str,
        left: impl Fn(&str) -> Result<L, String>,
        right: impl Fn(&str) -> Result<R, String>,
    ) -> Option<Vec<(L, R)>> {
        let Some(given) = self.given(key) else { return Some(Vec::new()) };
        let pair = |item: &str| item.split_once('=').map(|(left, right)| (left.trim().into(), right.trim().into()));
        let pairs = match given.value {
            Value::Pairs(pairs) => Some(pairs),
            Value::Text(text) => split(&text).iter().map(|item| pair(item)).collect(),
            Value::List(_) => None,
        };
        let Some(pairs) = pairs else {
            return self.problem(key, &given.origin, "this is not made of pairs (`tcp/8443=ssl`)");
        };
        let parsed: Vec<_> = pairs.iter().map(|(l, r)| (left(l), right(r))).collect();
        let noted = parsed.into_iter().map(|(l, r)| {
            let (l, r) = (self.noted(key, &given.origin, l), self.noted(key, &given.origin, r));
            l.zip(r)
        });
        noted.collect::<Vec<_>>().into_iter().collect()
    }

    /// Settings that answer the same question in different ways.
    pub(super) fn at_most_one(&mut self, keys: &[&str]) -> Option<()> {
        let given = |key: &&str| Some(format!("`{key}` ({})", self.0.given.get(*key)?.origin));
        let given: Vec<_> = keys.iter().filter_map(given).collect();
        if given.len() > 1 {
            self.note(format!("{} cannot be meant together: keep one of them", given.join(" and ")));
            return None;
        }
        Some(())
    }

    fn given(&self, key: &str) -> Option<Given> {
        let default = || match Key::find(key)?.otherwise {
            Otherwise::Default(value) => Some(Given { value: Value::Text(value.to_owned()), origin: Origin::Default }),
            Otherwise::Required | Otherwise::Unset(_) => None,
        };
        self.0.given.get(key).cloned().or_else(default)
    }

    fn text<T>(&mut self, key: &str, given: Given, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match given.value {
            Value::Text(text) => self.noted(key, &given.origin, parse(text.trim())),
            Value::List(_) | Value::Pairs(_) => self.problem(key, &given.origin, "it takes one value, not several"),
        }
    }

    fn noted<T>(&mut self, key: &str, origin: &Origin, result: Result<T, String>) -> Option<T> {
        result.map_err(|what| self.0.problem(key, origin, &what)).ok()
    }

    fn problem<T>(&mut self, key: &str, origin: &Origin, what: &str) -> Option<T> {
        self.0.problem(key, origin, what);
        None
    }

    fn missing<T>(&mut self, name: &str) -> Option<T> {
        let key = Key::find(name)?;
        self.note(format!("`{name}` is missing: set it or `{}` ({})", key.variable(), key.meaning));
        None
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
