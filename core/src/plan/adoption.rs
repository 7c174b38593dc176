//! Rules of the Lambda function of 2016 become ours: they get our tag, and nothing else about them changes but a name without a
//! number. The next run treats them as any rule of ours.

use std::collections::{BTreeMap, BTreeSet};

use super::{Note, Plan};
use crate::{
    change::{Adopted, Change},
    config::Config,
    firewall::Place,
    id::FormerName,
    limits::Apart,
    rulebase::Rulebase,
    wanted::Wanted,
};

/// Those of these names that no rule has which could be adopted.
pub fn not_there<'n>(rulebase: &Rulebase<'_>, only: &'n BTreeSet<String>) -> Vec<&'n str> {
    let local = || rulebase.candidate.foreign().filter(|(_, rule)| rule.place == Place::Local);
    let is_there =
        |name: &&str| FormerName::parse(name).is_some() && local().any(|(_, rule)| rule.name.as_str() == *name);
    only.iter().map(String::as_str).filter(|name| !is_there(name)).collect()
}

/// A plan that adopts every rule with a name of that function's forms, or only those of these names. What another
/// administrator works on is left.
pub fn adoption(rulebase: &Rulebase<'_>, config: &Config, only: &BTreeSet<String>) -> Plan {
    let candidate = &rulebase.candidate;
    let mut numbers = rulebase.numbers();
    let (mut changes, mut notes) = (Vec::new(), Vec::new());
    for (_, rule) in candidate.foreign().filter(|(_, rule)| rule.place == Place::Local) {
        let is_meant = only.is_empty() || only.contains(rule.name.as_str());
        let Some(from) = FormerName::parse(rule.name.as_str()).filter(|_| is_meant) else { continue };
        match rule.touched_by.iter().find(|by| *by != rulebase.admin) {
            Some(by) => notes.push(Note::NotAdopted(from, by.clone())),
            None => {
                let to = from.owned().unwrap_or_else(|| numbers.next(&from.subject));
                changes.push(Change::Adopt(Adopted { from, to, owner: config.owner.clone() }));
            }
        }
    }
    if !changes.is_empty() && !candidate.configuration.tags.contains_key(&config.owner) {
        changes.insert(0, Change::Tag(config.owner.clone()));
    }
    Plan {
        commit: rulebase.differs(),
        changes,
        withheld: Vec::new(),
        apart: Apart::default(),
        reasons: BTreeMap::new(),
        notes,
        wanted: Wanted::default(),
        standings: Vec::new(),
        owned: candidate.owned().count(),
        rules: candidate.rules.len(),
    }
}
