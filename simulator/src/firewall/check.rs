//! Checks that configuration keeps to the schema. The words are the device's where public clients or their tests quote
//! them (`pan-python tests/test_xapi_fw_tgt_multi_config.py`, `pango multiconf_test.go`), and like them elsewhere.

use std::collections::BTreeSet;

use super::{
    path::{Path, Step},
    problem::Problem,
    references::parse_range,
    schema::{Fields, Naming, Node, Object, Others},
};
use crate::xml::Element;

/// When something is checked: a write may leave gaps that a commit may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// Right after a write.
    Write,
    /// Before a commit.
    Commit,
}

/// Checks the shape of everything at and below `place`. Whether names lead anywhere is another question.
pub(super) fn problems(element: &Element, place: &Path, strictness: Strictness) -> Vec<Problem> {
    let mut check = Check { strictness, place: place.clone(), problems: Vec::new() };
    if let Some(Step::Entry(_)) = place.last()
        && let Some(Node::Entries(object)) = place.parent().as_ref().map(Node::at)
    {
        check.name(&object.name, element);
    }
    check.element(element, Node::at(place));
    check.problems
}

/// A child that occurs twice.
pub(super) fn duplicate(element: &Element) -> Option<Step> {
    if element.children.len() < 2 {
        return None;
    }
    let mut seen = BTreeSet::new();
    element.children.iter().find(|child| !seen.insert(Step::key(child))).map(Step::to)
}

struct Check {
    strictness: Strictness,
    /// The element that is being looked at.
    place: Path,
    problems: Vec<Problem>,
}

impl Check {
    fn report(&mut self, words: impl Into<String>) {
        self.problems.push(Problem { place: self.place.clone(), words: words.into() });
    }

    fn report_invalid(&mut self, words: impl Into<String>) {
        self.report(words);
        self.report("is invalid");
    }

    fn unexpected(&mut self, child: &Element) {
        self.below(child, |check| check.report("unexpected here"));
    }

    fn below(&mut self, child: &Element, look: impl FnOnce(&mut Self)) {
        self.place.push(Step::to(child));
        look(self);
        self.place.pop();
    }

    fn element(&mut self, element: &Element, node: &Node) {
        match node {
            Node::Anything => {}
            Node::Text(longest) => self.length(&element.text, *longest),
            Node::OneOf(words) => self.keyword(&element.text, words),
            Node::Number(least, most) => self.number(&element.text, *least, *most),
            Node::Port => self.port(&element.text),
            Node::Ports => self.ports(&element.text),
            Node::Netmask => self.address(&element.text, |text| !text.contains('-')),
            Node::AddressRange => self.address(&element.text, |text| text.contains('-')),
            Node::Reference(_) | Node::ReferenceOrAny(_) => {}
            Node::Members { alone, .. } => self.members(element, alone),
            Node::Fields(fields) => self.fields(element, fields),
            Node::Entries(object) => self.entries(element, object),
        }
        let may_have_children =
            matches!(node, Node::Anything | Node::Members { .. } | Node::Fields(_) | Node::Entries(_));
        if let (false, Some(child)) = (may_have_children, element.children.first()) {
            self.unexpected(child);
        }
    }

    fn length(&mut self, text: &str, longest: usize) {
        let length = text.chars().count();
        if length > longest {
            self.report(format!("can be at most {longest} characters, but current length: {length}"));
        }
    }

    fn keyword(&mut self, text: &str, words: &[&str]) {
        if !words.contains(&text) {
            self.report_invalid(format!("'{text}' is not an allowed keyword"));
        }
    }

    fn address(&mut self, text: &str, has_form: impl FnOnce(&str) -> bool) {
        if !has_form(text) || parse_range(text).is_none() {
            self.report_invalid(format!("'{text}' is not a valid address"));
        }
    }

    fn number(&mut self, text: &str, least: u64, most: u64) {
        match text.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => {}
            Ok(number) => self.report(format!("{number} should be equal to or between {least} and {most}")),
            Err(_) => self.report(format!("'{text}' is invalid")),
        }
    }

    fn port(&mut self, text: &str) {
        if text.contains([',', '-']) {
            self.report(format!("'{text}' is invalid"));
        } else {
            self.ports(text);
        }
    }

    /// The validator's text names 1 as the lowest port, though the documentation has 0.
    fn ports(&mut self, text: &str) {
        self.length(text, 1023);
        for item in text.split(',') {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            match (first.parse::<u64>(), last.parse::<u64>()) {
                (Ok(first), Ok(last)) => {
                    let is_outside = |port: &u64| !(1..=65535).contains(port);
                    if let Some(port) = [first, last].into_iter().find(is_outside) {
                        self.report(format!("{port} should be equal to or between 1 and 65535"));
                    } else if first > last {
                        self.report(format!("'{item}' is invalid"));
                    }
                }
                _ => self.report(format!("'{item}' is invalid")),
            }
        }
    }

    fn members(&mut self, element: &Element, alone: &[&str]) {
        for child in element.children.iter().filter(|child| child.name != "member") {
            self.unexpected(child);
        }
        let loner = element.members().find(|member| alone.contains(member));
        if let (Some(loner), 2..) = (loner, element.members().count()) {
            self.report_invalid(format!("'{loner}' must be the only member"));
        }
        self.unique(element);
    }

    fn fields(&mut self, element: &Element, fields: &Fields) {
        for child in &element.children {
            match fields.get(&child.name) {
                Some(node) => self.below(child, |check| check.element(child, node)),
                None if fields.others == Others::Taken => {}
                None => {
                    self.unexpected(child);
                    self.report("is invalid");
                }
            }
        }
        let mut chosen = element.children.iter().filter(|child| fields.one_of.contains(&child.name.as_str()));
        if let (Some(first), Some(second)) = (chosen.next(), chosen.next()) {
            self.report_invalid(format!("{} conflicts with {}", second.name, first.name));
        }
        if self.strictness == Strictness::Commit {
            let is_missing = |tag: &&&str| element.child(tag).is_none_or(|child| child.children.is_empty());
            for tag in fields.required.iter().filter(is_missing) {
                self.report(format!("is missing '{tag}'"));
            }
        }
        self.unique(element);
    }

    fn entries(&mut self, element: &Element, object: &Object) {
        for child in &element.children {
            if child.name != "entry" || child.attribute("name").is_none() {
                self.unexpected(child);
                continue;
            }
            self.below(child, |check| {
                check.name(&object.name, child);
                check.element(child, &object.body);
            });
        }
        self.unique(element);
    }

    fn name(&mut self, naming: &Naming, entry: &Element) {
        let name = entry.attribute("name").unwrap_or_default();
        let (Naming::Plain(longest) | Naming::Free(longest)) = *naming;
        self.length(name, longest);
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_');
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let is_plain = starts_well && name.chars().all(allowed);
        if name.is_empty() || matches!(naming, Naming::Plain(_)) && !is_plain {
            self.report("is invalid");
        }
    }

    fn unique(&mut self, element: &Element) {
        if let Some(step) = duplicate(element) {
            self.place.push(step);
            self.report("is a duplicate node");
            self.place.pop();
            self.report("is invalid");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::problem::{NamedFrom, lines};

    /// What is wrong with an entry of this collection of `shared`.
    fn wrong(collection: &str, entry: &str) -> Vec<String> {
        let element = Element::parse(entry).unwrap();
        let steps = ["config", "shared", collection].map(|tag| Step::Child(tag.into()));
        let place = Path::of(steps).then(Step::to(&element));
        lines(&problems(&element, &place, Strictness::Commit), NamedFrom::Object)
    }

    fn ports(ports: &str) -> Vec<String> {
        wrong("service", &format!("<entry name='s'><protocol><tcp><port>{ports}</port></tcp></protocol></entry>"))
    }

    #[test]
    fn ports_are_lists_of_ranges_between_1_and_65535() {
        for good in ["1", "65535", "443,8000-8010", "80,80", "5-5"] {
            assert!(ports(good).is_empty(), "{good}");
        }
        let outside =
            |port: u64| vec![format!(" s -> protocol -> tcp -> port {port} should be equal to or between 1 and 65535")];
        assert_eq!(ports("0"), outside(0));
        assert_eq!(ports("1-70000"), outside(70000));
        for bad in ["", "80, 81", "http", "80-", "9-8", "1-2-3", "99999999999999999999999"] {
            assert_eq!(ports(bad).len(), 1, "{bad}");
        }
    }

    #[test]
    fn names_keep_to_their_alphabet_and_length() {
        for good in ["a", "A b.c-d_e", "_x", "0"] {
            assert!(wrong("address", &format!("<entry name='{good}'/>")).is_empty(), "{good}");
        }
        for bad in ["", " a", "-a", "a/b", "ä", "a'"] {
            let entry = Element::entry(bad).to_string();
            assert_eq!(wrong("address", &entry), [format!(" {bad} is invalid")]);
        }
        assert!(wrong("tag", "<entry name='(any) / thing!'/>").is_empty());
        let long = "x".repeat(128);
        assert!(wrong("tag", &format!("<entry name='{long}'/>"))[0].contains("at most 127 characters"));
    }

    #[test]
    fn alternatives_exclude_each_other_and_required_parts_are_missed() {
        let both = "<entry name='a'><ip-netmask>10.0.0.1</ip-netmask><fqdn>web.example</fqdn></entry>";
        assert_eq!(wrong("address", both), [" a fqdn conflicts with ip-netmask", " a is invalid"]);
        assert_eq!(wrong("service", "<entry name='s'/>"), [" s is missing 'protocol'"]);
        assert_eq!(
            wrong("tag", "<entry name='t'><color><red/></color></entry>"),
            [" t -> color -> red unexpected here"]
        );
    }
}
