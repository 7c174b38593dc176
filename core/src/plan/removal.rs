//! What goes when drawbridge leaves a firewall: everything of ours, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Note, Plan, Reason};
use crate::{
    change::{Change, OwnObject},
    config::Config,
    firewall::{Firewall, Node, Services},
    id::ServiceName,
    limits::Apart,
    rulebase::{OwnedState, Rulebase},
    wanted::Wanted,
};

/// A plan that leaves nothing of ours: rules first, disabled ones too, then service objects, then the tag. Mode and limits do
/// not bear on it. What another administrator works on stays, and what still needs it. `tried` are objects that a deletion
/// did not remove.
pub fn removal(firewall: &Firewall, rulebase: &Rulebase<'_>, config: &Config, tried: &BTreeSet<OwnObject>) -> Plan {
    let mut notes = Vec::new();
    let mut changes = Vec::new();
    let mut reasons = BTreeMap::new();
    for rule in rulebase.candidate.owned() {
        if let OwnedState::Held(admin) = &rule.state {
            notes.push(Note::Held(rule.name.clone(), admin.clone()));
        } else {
            changes.push(Change::Delete(rule.name.clone()));
            reasons.insert(rule.name.clone(), Reason::Leaving);
        }
    }
    for (name, (admin, _)) in rulebase.taken.iter().filter(|(name, _)| !rulebase.candidate.has(&name.rule_name())) {
        notes.push(Note::DeletedBy(name.clone(), admin.clone()));
    }
    for (object, needed) in objects(firewall, rulebase, config) {
        if needed || tried.contains(&object) {
            notes.push(Note::StillThere(object));
        } else {
            changes.push(Change::Drop(object));
        }
    }
    let uncommitted = firewall.pending.iter().any(|pending| pending.admin == *rulebase.admin);
    Plan {
        commit: uncommitted || rulebase.differs(),
        changes,
        withheld: Vec::new(),
        apart: Apart::default(),
        reasons,
        notes,
        wanted: Wanted::default(),
        standings: Vec::new(),
        owned: rulebase.candidate.owned().count(),
        rules: rulebase.candidate.rules.len(),
    }
}

/// Objects of ours, and whether something needs them that stays.
fn objects(firewall: &Firewall, rulebase: &Rulebase<'_>, config: &Config) -> Vec<(OwnObject, bool)> {
    // A mark tells of one administrator; the list of changes of all.
    let is_noted = |node: &Node| {
        let others = firewall.pending.iter().filter(|pending| pending.admin != *rulebase.admin);
        others.map(|pending| &pending.node).any(|noted| noted == node)
    };
    let candidate = &rulebase.candidate;
    let owner = &config.owner;
    let leaving: BTreeSet<_> = candidate
        .owned()
        .filter(|rule| !matches!(rule.state, OwnedState::Held(_)))
        .map(|rule| &rule.facts.name)
        .collect();
    // A deletion of ours that waits for its commit is committed with the objects; another administrator's work is not.
    let running = &rulebase.running;
    let gone: BTreeSet<_> =
        running.owned().filter(|rule| !rulebase.taken.contains_key(&rule.name)).map(|rule| &rule.facts.name).collect();
    let in_force = || running.configuration.rules.iter().filter(|rule| !gone.contains(&rule.name));
    let staying =
        || candidate.configuration.rules.iter().chain(in_force()).filter(|rule| !leaving.contains(&rule.name));
    let needed: BTreeSet<&ServiceName> = staying()
        .filter_map(|rule| match &rule.service {
            Services::Ports { objects, .. } => Some(objects),
            Services::Any | Services::ApplicationDefault | Services::Unknown => None,
        })
        .flatten()
        .collect();
    let mut objects = Vec::new();
    for (name, object) in candidate.configuration.services.iter().filter(|(_, object)| object.tags.contains(owner)) {
        let is_held = object.touched_by.iter().any(|by| by != rulebase.admin) || is_noted(&Node::Service(name.clone()));
        objects.push((OwnObject::Service(name.clone()), is_held || needed.contains(name)));
    }
    if let Some(touched) = candidate.configuration.tags.get(owner) {
        let is_held = touched.iter().any(|by| by != rulebase.admin) || is_noted(&Node::Tag(owner.clone()));
        let is_borne = staying().any(|rule| rule.tags.contains(owner)) || objects.iter().any(|(_, needed)| *needed);
        objects.push((OwnObject::Tag(owner.clone()), is_held || is_borne));
    }
    objects
}
