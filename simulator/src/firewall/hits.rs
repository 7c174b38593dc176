//! How often rules were met, and since when they are there (`pan-os-python panos/policies.py`, class `HitCount`).

use std::collections::BTreeMap;

use super::{
    Call, Firewall,
    answer::{Refusal, result},
    references::Names,
};
use crate::{clock::Moment, xml::Element};

/// Which rule: its virtual system, the kind of rulebase, its name.
type Rule = (String, String, String);

/// What is known of a rule's use, in seconds since 1970; 0 where there is nothing to know.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    count: u64,
    first: i64,
    last: i64,
    created: i64,
    modified: i64,
}

/// The use of every rule that runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Hits(BTreeMap<Rule, Use>);

impl Hits {
    /// Notes which rules a commit brought, changed and took away.
    pub(super) fn note(&mut self, before: &Element, after: &Element, now: Moment) {
        let (old, new) = (rules(before), rules(after));
        self.0.retain(|rule, _| new.contains_key(rule));
        let now = now.date().unix_timestamp();
        for (rule, element) in new {
            match old.get(&rule) {
                Some(earlier) if *earlier == element => {}
                Some(_) => self.0.entry(rule).or_default().modified = now,
                None => drop(self.0.insert(rule, Use { created: now, modified: now, ..Use::default() })),
            }
        }
    }
}

/// All rules of a configuration.
fn rules(config: &Element) -> BTreeMap<Rule, &Element> {
    let mut found = BTreeMap::new();
    let devices = config.child("devices").map(|devices| devices.children.as_slice()).unwrap_or_default();
    let systems = devices.iter().filter_map(|device| device.child("vsys")).flat_map(|vsys| &vsys.children);
    for vsys in systems {
        let kinds = vsys.child("rulebase").map(|rulebase| rulebase.children.as_slice()).unwrap_or_default();
        for kind in kinds {
            for rule in kind.child("rules").map(|rules| rules.children.as_slice()).unwrap_or_default() {
                let name = |element: &Element| element.attribute("name").unwrap_or_default().to_owned();
                found.insert((name(vsys), kind.name.clone(), name(rule)), rule);
            }
        }
    }
    found
}

impl Firewall {
    /// A session met a security rule.
    pub fn count_hit(&mut self, vsys: &str, rule: &str, now: Moment) {
        self.settle(now);
        let seconds = now.date().unix_timestamp();
        let rule = (vsys.to_owned(), "security".to_owned(), rule.to_owned());
        let used = self.hits.0.entry(rule).or_default();
        used.count += 1;
        used.last = seconds;
        if used.first == 0 {
            used.first = seconds;
        }
        self.generation += 1;
    }

    /// The use of the rules that run, all of a rulebase or those in a list.
    pub(super) fn show_hit_counts(&mut self, _: &Call<'_>, command: &Element) -> Result<Element, Refusal> {
        let invalid = || Refusal::new(17, " show -> rule-hit-count is invalid");
        let vsys = command.at(&["rule-hit-count", "vsys", "vsys-name", "entry"]).ok_or_else(invalid)?;
        let base = vsys.at(&["rule-base", "entry"]).ok_or_else(invalid)?;
        let wanted = base.child("rules").ok_or_else(invalid)?;
        let (Some(vsys), Some(kind)) = (vsys.attribute("name"), base.attribute("name")) else { return Err(invalid()) };
        let listed: Option<Vec<&str>> = wanted.child("list").map(|list| list.members().collect());
        let entries = self.uses(vsys, kind, listed.as_deref());
        let rules = Element::new("rules").with_all(entries);
        let base = Element::new("rule-base").with(Element::entry(kind).with(rules));
        let vsys = Element::new("vsys").with(Element::entry(vsys).with(base));
        Ok(result([Element::new("rule-hit-count").with(vsys)]))
    }

    fn uses(&self, vsys: &str, kind: &str, listed: Option<&[&str]>) -> Vec<Element> {
        let rules = Names::of(&self.running).vsys(vsys).and_then(|vsys| vsys.at(&["rulebase", kind, "rules"]));
        let names = rules.into_iter().flat_map(|rules| &rules.children).filter_map(|rule| rule.attribute("name"));
        let meant = names.filter(|name| listed.is_none_or(|listed| listed.contains(name)));
        let used = |name: &str| self.hits.0.get(&(vsys.to_owned(), kind.to_owned(), name.to_owned()));
        meant.map(|name| used(name).copied().unwrap_or_default().to_xml(name)).collect()
    }
}

impl Use {
    fn to_xml(self, name: &str) -> Element {
        Element::entry(name).with_all([
            Element::text("latest", "yes"),
            Element::text("hit-count", self.count.to_string()),
            Element::text("last-hit-timestamp", self.last.to_string()),
            Element::text("last-reset-timestamp", "0"),
            Element::text("first-hit-timestamp", self.first.to_string()),
            Element::text("rule-creation-timestamp", self.created.to_string()),
            Element::text("rule-modification-timestamp", self.modified.to_string()),
        ])
    }
}
