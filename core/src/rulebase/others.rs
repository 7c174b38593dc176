//! What other administrators have not committed.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    firewall::{Effect, Firewall, Node, Pending, RuleFacts, ServiceFacts, Services},
    id::{AdminName, RuleName, ServiceName},
};

/// Service objects that other administrators have changed and not committed, as they are in force. What they have made of them is
/// theirs to commit, and no reason to change the rules of ours that use them.
pub(super) struct InForce<'a>(BTreeMap<&'a ServiceName, &'a ServiceFacts>);

impl<'a> InForce<'a> {
    pub(super) fn of(firewall: &'a Firewall, admin: &AdminName) -> Self {
        let noted = |name: &ServiceName| {
            let others = firewall.pending.iter().filter(|pending| pending.admin != *admin);
            others.map(|pending| &pending.node).any(|node| matches!(node, Node::Service(noted) if noted == name))
        };
        let is_theirs =
            |name: &ServiceName, now: &ServiceFacts| now.touched_by.iter().any(|by| by != admin) || noted(name);
        let running = firewall.running.services.iter();
        let changed = running.filter(|(name, held)| {
            firewall.candidate.services.get(*name).is_some_and(|now| now.l4 != held.l4 && is_theirs(name, now))
        });
        Self(changed.collect())
    }

    /// The rule with the ports that its objects have in force.
    pub(super) fn seen_by<'f>(&self, facts: &'f RuleFacts) -> Cow<'f, RuleFacts> {
        let Services::Ports { objects, .. } = &facts.service else { return Cow::Borrowed(facts) };
        let [object] = objects.iter().collect::<Vec<_>>()[..] else { return Cow::Borrowed(facts) };
        let Some(held) = self.0.get(object) else { return Cow::Borrowed(facts) };
        let service = Services::Ports { l4: held.l4.clone(), objects: objects.clone() };
        Cow::Owned(RuleFacts { service, ..facts.clone() })
    }
}

/// What other administrators have not committed yet.
pub(crate) struct Others<'f> {
    deleted: BTreeMap<&'f RuleName, &'f AdminName>,
    changed: BTreeMap<&'f RuleName, &'f AdminName>,
}

impl<'f> Others<'f> {
    /// By dirty marks, which only the candidate bears, and by the list of changes, which alone tells of deletions.
    pub(crate) fn of(firewall: &'f Firewall, us: Option<&AdminName>) -> Self {
        let others = |admin: &&AdminName| Some(*admin) != us;
        let mut found = Self { deleted: BTreeMap::new(), changed: BTreeMap::new() };
        for rule in &firewall.candidate.rules {
            found.changed.extend(rule.touched_by.iter().find(others).map(|admin| (&rule.name, admin)));
        }
        for Pending { node, admin, effect } in firewall.pending.iter().filter(|pending| others(&&pending.admin)) {
            if let Node::Rule(name) = node {
                match effect {
                    Effect::Deleted => found.deleted.insert(name, admin),
                    Effect::Changed => found.changed.insert(name, admin),
                };
            }
        }
        found
    }

    /// Who else has uncommitted work on this rule.
    pub(crate) fn holder(&self, rule: &RuleName) -> Option<&'f AdminName> {
        self.changed.get(rule).or_else(|| self.deleted.get(rule)).copied()
    }
}
