//! The XPath that clients write: absolute steps, predicates on names and texts, unions, a trailing attribute.
//!
//! pan-os-python (`panos/base.py`, `panos/predefined.py`), pango and Netspoc need no more than this.

use std::{collections::BTreeSet, iter::Peekable, str::Chars};

use super::path::{Path, Step};
use crate::xml::Element;

/// A parsed expression: alternatives joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct XPath(Vec<Alternative>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Alternative {
    steps: Vec<StepTest>,
    attribute: Option<String>,
}

/// Where to look, a tag unless it is `*`, and predicates that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StepTest {
    axis: Axis,
    tag: Option<String>,
    predicates: Vec<AnyOf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Child,
    Descendant,
}

/// The terms of one predicate, joined by `or`.
type AnyOf = Vec<Term>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Attribute(String, String),
    Text(String),
    TagContains(String),
}

/// How long a path may be. Configurations are less than 40 elements deep.
const STEPS_MAX: usize = 100;

/// The text is no XPath, or one beyond what clients of PAN-OS are known to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadXPath;

impl XPath {
    /// Parses an expression.
    pub(super) fn parse(text: &str) -> Result<Self, BadXPath> {
        Parser { rest: text.chars().peekable() }.union().map(Self)
    }

    /// The one place that this expression names, whether it exists or not: what a write needs. An `entry` without a name is
    /// the only one that there is in its place in the tree.
    pub(super) fn place_in(&self, root: &Element) -> Result<Path, Unclear> {
        let [Alternative { steps, attribute: None }] = self.0.as_slice() else { return Err(Unclear::NoPlace) };
        let mut place = Path::default();
        for test in steps {
            let step = match test.step() {
                Some(step) => step,
                None if test.is_any_entry() => only_entry(&place, root)?,
                None => return Err(Unclear::NoPlace),
            };
            place.push(step);
        }
        Ok(place)
    }

    /// The places in a tree that this expression selects, each once, in document order within each alternative.
    pub(super) fn places(&self, root: &Element) -> Vec<Path> {
        self.matches(root).into_iter().map(|found| found.place).collect()
    }

    /// The elements that a read answers with: what is selected, or bare shells with the attribute that is asked for.
    pub(super) fn select(&self, root: &Element) -> Vec<Element> {
        let answer = |found: Match<'_, '_>| match found.attribute {
            None => Some(found.element.clone()),
            Some(name) => {
                let value = found.element.attribute(name)?;
                Some(Element::new(&found.element.name).with_attribute(name, value))
            }
        };
        self.matches(root).into_iter().filter_map(answer).collect()
    }

    fn matches<'t>(&self, root: &'t Element) -> Vec<Match<'_, 't>> {
        let mut found = Vec::new();
        for Alternative { steps, attribute } in &self.0 {
            if let Some((first, rest)) = steps.split_first()
                && first.admits(root)
            {
                let start = Match { place: Path::of([Step::to(root)]), element: root, attribute: attribute.as_deref() };
                descend(start, rest, &mut found);
            }
        }
        let mut seen = BTreeSet::new();
        found.retain(|found| seen.insert(found.place.clone()));
        found
    }

    /// The tag of the second step, by which predefined content is told from configuration.
    pub(super) fn second_tag(&self) -> Option<&str> {
        self.0.first()?.steps.get(1)?.tag.as_deref()
    }
}

/// Why an expression does not name one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclear {
    /// It names several.
    Several,
    /// It names none.
    NoPlace,
}

fn only_entry(place: &Path, root: &Element) -> Result<Step, Unclear> {
    let children = place.find(root).map(|element| element.children.as_slice()).unwrap_or_default();
    let mut entries = children.iter().filter(|child| child.name == "entry");
    match (entries.next(), entries.next()) {
        (Some(only), None) => Ok(Step::to(only)),
        (Some(_), Some(_)) => Err(Unclear::Several),
        (None, _) => Err(Unclear::NoPlace),
    }
}

/// An element that an expression selects, or whose attribute it selects.
struct Match<'x, 't> {
    place: Path,
    element: &'t Element,
    attribute: Option<&'x str>,
}

fn descend<'x, 't>(from: Match<'x, 't>, steps: &[StepTest], found: &mut Vec<Match<'x, 't>>) {
    let Some((test, rest)) = steps.split_first() else {
        found.push(from);
        return;
    };
    for child in &from.element.children {
        let below = || Match { place: from.place.then(Step::to(child)), element: child, ..from };
        if test.admits(child) {
            descend(below(), rest, found);
        }
        if test.axis == Axis::Descendant {
            descend(below(), steps, found);
        }
    }
}

impl StepTest {
    fn admits(&self, element: &Element) -> bool {
        let holds = |term: &Term| match term {
            Term::Attribute(name, value) => element.attribute(name) == Some(value),
            Term::Text(text) => element.text == *text,
            Term::TagContains(part) => element.name.contains(part.as_str()),
        };
        self.tag.as_ref().is_none_or(|tag| *tag == element.name)
            && self.predicates.iter().all(|any_of| any_of.iter().any(holds))
    }

    fn is_any_entry(&self) -> bool {
        self.axis == Axis::Child && self.tag.as_deref() == Some("entry") && self.predicates.is_empty()
    }

    /// The one element that this test can mean.
    fn step(&self) -> Option<Step> {
        let tag = self.tag.as_deref().filter(|_| self.axis == Axis::Child)?;
        let only_term = match self.predicates.as_slice() {
            [] => None,
            [any_of] => Some(<&[Term; 1]>::try_from(any_of.as_slice()).ok()?),
            _ => return None,
        };
        match (tag, only_term) {
            ("entry" | "member", None) => None,
            (tag, None) => Some(Step::Child(tag.to_owned())),
            ("entry", Some([Term::Attribute(name, value)])) if name == "name" => Some(Step::Entry(value.clone())),
            ("member", Some([Term::Text(text)])) => Some(Step::Member(text.clone())),
            _ => None,
        }
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
}

impl Parser<'_> {
    fn union(mut self) -> Result<Vec<Alternative>, BadXPath> {
        let mut alternatives = vec![self.alternative()?];
        while self.take('|') {
            alternatives.push(self.alternative()?);
        }
        self.skip_spaces();
        if self.rest.peek().is_none() { Ok(alternatives) } else { Err(BadXPath) }
    }

    fn alternative(&mut self) -> Result<Alternative, BadXPath> {
        let mut steps = Vec::new();
        while self.take('/') {
            if self.take('@') {
                return Ok(Alternative { steps, attribute: Some(self.name()?) });
            }
            // A trailing slash is forgiven, as it is by the device.
            if !steps.is_empty() && self.at_end_of_path() {
                break;
            }
            // From the root on, every path is absolute.
            let axis = if !steps.is_empty() && self.take('/') { Axis::Descendant } else { Axis::Child };
            let tag = if self.take('*') { None } else { Some(self.name()?) };
            let mut predicates = Vec::new();
            while self.take('[') {
                predicates.push(self.any_of()?);
                self.expect(']')?;
            }
            steps.push(StepTest { axis, tag, predicates });
            if steps.len() > STEPS_MAX {
                return Err(BadXPath);
            }
        }
        if steps.is_empty() { Err(BadXPath) } else { Ok(Alternative { steps, attribute: None }) }
    }

    fn any_of(&mut self) -> Result<AnyOf, BadXPath> {
        let mut terms = vec![self.term()?];
        while self.take('o') {
            self.expect('r')?;
            terms.push(self.term()?);
        }
        Ok(terms)
    }

    fn term(&mut self) -> Result<Term, BadXPath> {
        if self.take('@') {
            let name = self.name()?;
            self.expect('=')?;
            return Ok(Term::Attribute(name, self.literal()?));
        }
        if self.take('.') {
            self.expect('=')?;
            return Ok(Term::Text(self.literal()?));
        }
        match self.name()?.as_str() {
            "text" => {
                ['(', ')', '='].into_iter().try_for_each(|character| self.expect(character))?;
                Ok(Term::Text(self.literal()?))
            }
            "contains" => {
                self.expect('(')?;
                if self.name()? != "local-name" {
                    return Err(BadXPath);
                }
                ['(', ')', ','].into_iter().try_for_each(|character| self.expect(character))?;
                let term = Term::TagContains(self.literal()?);
                self.expect(')')?;
                Ok(term)
            }
            _ => Err(BadXPath),
        }
    }

    /// A quoted text, or `concat` of several: XPath 1.0 has no escapes.
    fn literal(&mut self) -> Result<String, BadXPath> {
        for quote in ['\'', '"'] {
            if self.take(quote) {
                let mut text = String::new();
                loop {
                    match self.rest.next() {
                        Some(character) if character == quote => return Ok(text),
                        Some(character) => text.push(character),
                        None => return Err(BadXPath),
                    }
                }
            }
        }
        if self.name()? != "concat" {
            return Err(BadXPath);
        }
        self.expect('(')?;
        let mut text = String::new();
        loop {
            // `concat` does not nest: its arguments are quoted texts.
            self.skip_spaces();
            if !matches!(self.rest.peek(), Some('\'' | '"')) {
                return Err(BadXPath);
            }
            text.push_str(&self.literal()?);
            if !self.take(',') {
                break;
            }
        }
        self.expect(')')?;
        Ok(text)
    }

    fn name(&mut self) -> Result<String, BadXPath> {
        self.skip_spaces();
        let mut name = String::new();
        while let Some(character) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            name.push(character);
        }
        if name.is_empty() { Err(BadXPath) } else { Ok(name) }
    }

    fn at_end_of_path(&mut self) -> bool {
        self.skip_spaces();
        matches!(self.rest.peek(), None | Some('|'))
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<(), BadXPath> {
        if self.take(wanted) { Ok(()) } else { Err(BadXPath) }
    }

    fn skip_spaces(&mut self) {
        while self.rest.next_if(|character| character.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(xpath: &str) -> Vec<String> {
        let root = Element::parse(
            r#"<config><rules>
                <entry name="a"><to><member>x</member><member>y</member></to></entry>
                <entry name="b c"/><entry name="it's"/><entry name="'&quot;"/>
            </rules></config>"#,
        )
        .unwrap();
        XPath::parse(xpath).unwrap().select(&root).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_form_that_clients_write_selects_what_it_names() {
        assert_eq!(selected("/config/rules/entry[@name='b c']"), [r#"<entry name="b c"/>"#]);
        assert_eq!(selected(r#"/config/rules/entry[@name="it's"]"#), [r#"<entry name="it&apos;s"/>"#]);
        assert_eq!(selected(r#"/config/rules/entry[@name=concat("'", '"')]"#), [r#"<entry name="&apos;&quot;"/>"#]);
        assert_eq!(selected("/config/rules/entry[@name='b c' or @name='nobody']"), [r#"<entry name="b c"/>"#]);
        assert_eq!(selected("/config/rules/entry/@name").len(), 4);
        assert_eq!(selected("/config/rules/entry[@name='a']/@name"), [r#"<entry name="a"/>"#]);
        assert_eq!(selected("/config/rules/entry[@name='a']/to/member[text()='y']"), ["<member>y</member>"]);
        assert_eq!(selected("/config/rules/entry[@name='a']/to|/config/rules/entry[@name='b c']").len(), 2);
        assert_eq!(
            selected("/config//*[contains(local-name(), \"ule\")]/entry[@name='b c']"),
            [r#"<entry name="b c"/>"#]
        );
        assert_eq!(selected("/config//member"), ["<member>x</member>", "<member>y</member>"]);
        assert!(selected("/config/nothing").is_empty());
        assert!(selected("/other").is_empty());
    }

    #[test]
    fn what_is_no_xpath_is_refused() {
        for text in [
            "",
            "config",
            "/",
            "//entry",
            "/config[",
            "/config/entry[@name=x]",
            "/config/entry[@name='x]",
            "/config/[1]",
        ] {
            assert_eq!(XPath::parse(text), Err(BadXPath), "{text}");
        }
        assert_eq!(XPath::parse(&"/x".repeat(STEPS_MAX + 1)), Err(BadXPath));
        for text in ["/config/entry[@name=concat('a',)]", "/config/entry[position()='1']", "/config extra"] {
            assert_eq!(XPath::parse(text), Err(BadXPath), "{text}");
        }
    }

    #[test]
    fn a_place_reads_back_from_how_it_is_written() {
        let root = Element::parse(
            "<config><one><entry name='a'/></one><two><entry name='a'/><entry name='b'/></two></config>",
        );
        let place_in = |xpath: &str| XPath::parse(xpath).unwrap().place_in(root.as_ref().unwrap());
        for name in ["plain", "it's", "\"quoted\"", "both ' and \""] {
            let place = Path::of([Step::Child("config".into()), Step::Entry(name.into()), Step::Member(name.into())]);
            assert_eq!(place_in(&place.to_string()), Ok(place));
        }
        assert_eq!(place_in("/config/one/entry/new").unwrap().to_string(), "/config/one/entry[@name='a']/new");
        assert_eq!(place_in("/config/two/entry"), Err(Unclear::Several));
        for text in ["/config/*", "/config//rules", "/config/entry", "/config/one/entry[@name='a' or @name='b']"] {
            assert_eq!(place_in(text), Err(Unclear::NoPlace), "{text}");
        }
    }
}
