//! Paths into a configuration: written without ever trusting a name, and read where the firewall's journal has them.

use std::{fmt, str::FromStr};

/// A virtual system, `vsys1` on a firewall that has only one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vsys(String);

/// A text that names no virtual system.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a virtual system (`vsys1`)")]
pub struct NotAVsys(String);

impl FromStr for Vsys {
    type Err = NotAVsys;

    fn from_str(text: &str) -> Result<Self, NotAVsys> {
        let digits = text.strip_prefix("vsys").unwrap_or_default();
        if (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAVsys(text.to_owned()))
        }
    }
}

impl Vsys {
    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Vsys {
    fn default() -> Self {
        Self("vsys1".to_owned())
    }
}

/// What every firewall calls its only device.
pub const DEVICE: &str = "localhost.localdomain";

/// A path into a configuration, in the dialect of XPath 1.0 that PAN-OS takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XPath(String);

impl XPath {
    /// The virtual system: its own rules and objects.
    pub fn vsys(vsys: &Vsys) -> Self {
        Self("/config/devices".to_owned()).entry(DEVICE).child("vsys").entry(vsys.as_str())
    }

    /// Objects of all virtual systems.
    pub fn shared() -> Self {
        Self("/config/shared".to_owned())
    }

    /// What Panorama has pushed to the virtual system (path as in `PaloAltoNetworks/pan-os-ansible`, `panos_match_rule`).
    pub fn pushed(vsys: &Vsys) -> Self {
        Self("/config/panorama/vsys".to_owned()).entry(vsys.as_str())
    }

    /// Applications that PAN-OS brings along.
    pub fn predefined_applications() -> Self {
        Self("/config/predefined/application".to_owned())
    }

    /// A rule of the virtual system. Always the whole way to the entry: writes further up mix the ownership of changes
    /// (`PaloAltoNetworks/pan-os-python#331`).
    pub fn rule(vsys: &Vsys, name: &str) -> Self {
        Self::vsys(vsys).child("rulebase").child("security").child("rules").entry(name)
    }

    /// The child element of that name; a constant, so that no foreign text can get in.
    #[must_use]
    pub fn child(mut self, name: &'static str) -> Self {
        self.0.push('/');
        self.0.push_str(name);
        self
    }

    /// The entry of that name.
    #[must_use]
    pub fn entry(self, name: &str) -> Self {
        self.entries([name])
    }

    /// The entries of these names.
    #[must_use]
    pub fn entries<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let tests: Vec<_> = names.into_iter().map(|name| format!("@name={}", literal(name))).collect();
        self.0.push_str("/entry[");
        self.0.push_str(&tests.join(" or "));
        self.0.push(']');
        self
    }

    /// As PAN-OS takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for XPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A string literal of XPath 1.0, which knows no escapes: a text with both kinds of quotes is put together from pieces.
fn literal(text: &str) -> String {
    if !text.contains('\'') {
        format!("'{text}'")
    } else if !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("concat('{}')", text.split('\'').collect::<Vec<_>>().join("',\"'\",'"))
    }
}

/// A step of a path that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The element.
    pub name: &'a str,
    /// The names of the entries that the predicate selects; none without a predicate.
    pub entries: Vec<&'a str>,
}

/// The steps of an absolute path of child elements, with predicates that select entries by name; `None` for any other path.
pub fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.trim();
    let mut steps = Vec::new();
    while !rest.is_empty() {
        rest = rest.strip_prefix('/')?;
        let end = rest.find(['/', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return None;
        }
        let (entries, after) = match after.strip_prefix('[') {
            Some(predicate) => names(predicate)?,
            None => (Vec::new(), after),
        };
        steps.push(Step { name, entries });
        rest = after;
    }
    Some(steps)
}

/// `@name='a' or @name="b"]…`: the names, and what follows the bracket.
fn names(predicate: &str) -> Option<(Vec<&str>, &str)> {
    let mut names = Vec::new();
    let mut rest = predicate;
    loop {
        let quoted = rest.trim_start().strip_prefix("@name")?.trim_start().strip_prefix('=')?.trim_start();
        let quote = quoted.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (name, after) = quoted.strip_prefix(quote)?.split_once(quote)?;
        names.push(name);
        let after = after.trim_start();
        if let Some(after) = after.strip_prefix(']') {
            return Some((names, after));
        }
        rest = after.strip_prefix("or ")?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_quoted_by_what_they_hold() {
        let of = |name| XPath::shared().child("tag").entry(name).to_string();
        assert_eq!(of("a b"), "/config/shared/tag/entry[@name='a b']");
        assert_eq!(of("o'hara"), "/config/shared/tag/entry[@name=\"o'hara\"]");
        assert_eq!(of("a'b\"c"), "/config/shared/tag/entry[@name=concat('a',\"'\",'b\"c')]");
        assert_eq!(
            XPath::rule(&Vsys::default(), "i-1-1").as_str(),
            "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/rulebase/security/rules/entry[@name='i-1-1']"
        );
        assert!("vsys1'] | /x".parse::<Vsys>().is_err() && "shared".parse::<Vsys>().is_err());
    }

    #[test]
    fn only_plain_paths_are_taken_apart() {
        let path = "/config/devices/entry[@name='l.l']/service/entry[@name=\"a/b[]\" or @name='c']";
        let entries: Vec<_> = steps(path).unwrap().into_iter().map(|step| (step.name, step.entries)).collect();
        assert_eq!(
            entries,
            [
                ("config", vec![]),
                ("devices", vec![]),
                ("entry", vec!["l.l"]),
                ("service", vec![]),
                ("entry", vec!["a/b[]", "c"])
            ]
        );
        for path in ["config", "//a", "/a[1]", "/a[@name='x'", "/a[@name='x']b", "/a[@name=concat('x')]", "/a | /b"] {
            assert_eq!(steps(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn a_name_never_ends_its_literal_early(name in "[a'\"\\]/@=| -]{0,20}") {
            let path = XPath::vsys(&Vsys::default()).child("tag").entry(&name);
            let quoted = path.as_str().rsplit_once("@name=").unwrap().1;
            if name.contains('\'') && name.contains('"') {
                // Put together again, the pieces are the name.
                prop_assert_eq!(concatenated(path.as_str()), Some(name));
            } else {
                let read = steps(path.as_str());
                prop_assert_eq!(read.map(|steps| steps.last().unwrap().entries[0].to_owned()), Some(name), "{}", quoted);
            }
        }

        #[test]
        fn no_path_panics(path in "[/a@name='\"\\[\\]or |é-]{0,40}") {
            let _ = steps(&path);
        }
    }

    /// What the argument list of the last `concat(` in a path makes.
    fn concatenated(path: &str) -> Option<String> {
        let mut rest = &path[path.find("concat(")? + 7..];
        let mut name = String::new();
        loop {
            let quote = rest.chars().next()?;
            let (piece, after) = rest[1..].split_once(quote)?;
            name.push_str(piece);
            match after.chars().next()? {
                ',' => rest = &after[1..],
                ')' => return (after == ")]").then_some(name),
                _ => return None,
            }
        }
    }
}
