//! Configurations as they stand, compared element by element: nothing but what is ours may differ. No code of the core's
//! takes part, apart from the form of a name of ours.

use std::collections::BTreeSet;

use drawbridge_core::id::OwnedName;
use drawbridge_simulator::{firewall::Uncommitted, xml::Element};

/// Marks of uncommitted work: they come and go.
const MARKS: [&str; 3] = ["admin", "dirtyId", "time"];

/// Containers that come into being with the first thing in them.
const CONTAINERS: [&str; 5] = ["rulebase", "security", "rules", "service", "tag"];

/// How to tell what is ours.
pub(super) struct Ours<'a> {
    /// Our tag.
    pub(super) owner: &'a str,
    /// Rules that others have worked on since a run looked: whoever takes our tag off one does not make it theirs for that run.
    pub(super) news: &'a BTreeSet<String>,
    /// Rules that are left out, whosever they are.
    pub(super) apart: &'a BTreeSet<String>,
}

/// The first place at which two configurations differ in something that does not carry our tag.
pub(super) fn difference(before: &Element, after: &Element, ours: &Ours<'_>) -> Option<String> {
    let is_same = before.name == after.name && before.text == after.text && attributes(before).eq(attributes(after));
    if is_same && before.children.is_shared_with(&after.children) {
        return None;
    }
    let [theirs_before, theirs_after] = [before, after].map(|parent| theirs(parent, ours));
    if !is_same || theirs_before.len() != theirs_after.len() {
        return Some(place(before));
    }
    let pairs = theirs_before.into_iter().zip(theirs_after);
    let found = pairs.into_iter().find_map(|(before, after)| difference(before, after, ours))?;
    Some(format!("{}/{found}", place(before)))
}

/// The name of the rule at a place, if it is the place of a rule.
pub(super) fn rule_name(xpath: &str) -> Option<&str> {
    xpath.split_once("/security/rules/entry[@name='")?.1.strip_suffix("']")
}

/// The name of the rule that a place is in, or is the place of.
pub(super) fn rule_above(xpath: &str) -> Option<&str> {
    Some(xpath.split_once("/security/rules/entry[@name='")?.1.split_once('\'')?.0)
}

/// The rules that changes are in; nothing if one of them is in something else, which may bear upon any rule.
pub(super) fn rules_of<'a>(changes: impl IntoIterator<Item = &'a Uncommitted>) -> Option<BTreeSet<String>> {
    changes.into_iter().map(|change| rule_above(&change.xpath).map(str::to_owned)).collect()
}

/// A rule of the first virtual system.
pub(super) fn rule<'a>(config: &'a Element, name: &str) -> Option<&'a Element> {
    rules(config)?.entry_named(name)
}

fn rules(config: &Element) -> Option<&Element> {
    let vsys = config.child("devices")?.children.first()?.child("vsys")?.children.first()?;
    vsys.at(&["rulebase", "security", "rules"])
}

/// A rule of ours that was not there, or said something else.
pub(super) fn more(before: &Element, after: &Element, ours: &Ours<'_>) -> Option<String> {
    let standing = rules(after)?;
    let judged = standing.children.iter().filter(|rule| is_ours(standing, rule, ours));
    let mut judged = judged.filter_map(|rule| Some((rule.attribute("name")?, rule)));
    let (more, _) = judged.find(|(name, now)| {
        let is_excused = ours.apart.contains(*name) || ours.news.contains(*name);
        !is_excused && rule(before, name).is_none_or(|then| difference(then, now, ours).is_some())
    })?;
    Some(more.to_owned())
}

fn place(element: &Element) -> String {
    match element.attribute("name") {
        Some(name) => format!("{} `{name}`", element.name),
        None => element.name.clone(),
    }
}

fn attributes(element: &Element) -> impl Iterator<Item = &(String, String)> {
    element.attributes.iter().filter(|(name, _)| !MARKS.contains(&name.as_str()))
}

/// What is in an element and not ours.
fn theirs<'a>(parent: &'a Element, ours: &Ours<'_>) -> Vec<&'a Element> {
    parent.children.iter().filter(|child| !is_ours(parent, child, ours)).collect()
}

fn is_ours(parent: &Element, child: &Element, ours: &Ours<'_>) -> bool {
    if child.name != "entry" {
        return CONTAINERS.contains(&child.name.as_str())
            && child.text.is_empty()
            && child.children.iter().all(|below| is_ours(child, below, ours));
    }
    let name = child.attribute("name").unwrap_or_default();
    let is_tagged = || child.child("tag").is_some_and(|tags| tags.members().any(|tag| tag == ours.owner));
    match parent.name.as_str() {
        "tag" => name == ours.owner,
        "service" => is_tagged(),
        "rules" if ours.apart.contains(name) => true,
        "rules" => OwnedName::parse(name).is_some() && (is_tagged() || ours.news.contains(name)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: &str, after: &str, expected: Option<&str>) {
        let [before, after] =
            [before, after].map(|rules| Element::parse(&format!("<vsys><rules>{rules}</rules></vsys>")).unwrap());
        let apart = BTreeSet::from(["late".to_owned()]);
        let ours = Ours { owner: "drawbridge", news: &BTreeSet::new(), apart: &apart };
        assert_eq!(difference(&before, &after, &ours).as_deref(), expected);
    }

    const OURS: &str = r#"<entry name="sg-1-1"><tag><member>drawbridge</member></tag></entry>"#;

    #[test]
    fn only_what_carries_our_tag_and_a_name_of_ours_may_differ() {
        check(r#"<entry name="a"/>"#, &format!(r#"{OURS}<entry name="a" dirtyId="3"/>"#), None);
        check(r#"<entry name="a"/>"#, r#"<entry name="a"><to/></entry>"#, Some("vsys/rules/entry `a`"));
        check(
            r#"<entry name="a"/><entry name="b"/>"#,
            r#"<entry name="b"/><entry name="a"/>"#,
            Some("vsys/rules/entry `a`"),
        );
        check(r#"<entry name="late"/><entry name="a"/>"#, r#"<entry name="a"/><entry name="late"><to/></entry>"#, None);
        let renamed = OURS.replace("sg-1-1", "theirs");
        check(&renamed, OURS, Some("vsys"));
    }
}
