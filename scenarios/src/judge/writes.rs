//! Writes, which are judged as they happen: what others have not committed is still there afterwards, and a run that ended then
//! would leave nothing wrong behind.

use std::{collections::BTreeSet, sync::Arc};

use drawbridge_core::{
    change::Change,
    config::Config,
    firewall::{Configuration, Firewall},
    id::RuleName,
    invariants::{self, Commit, Invariant, Violation},
    inventory::Inventory,
    rulebase::owned_name,
};
use drawbridge_simulator::{
    firewall::{self, Uncommitted},
    world::DRAWBRIDGE,
    xml::Element,
};

use super::trees::{self, Ours, rules_of};

/// A firewall before a write.
pub(super) struct Before {
    candidate: Element,
    others: Vec<Uncommitted>,
}

impl Before {
    pub(super) fn of(firewall: &firewall::Firewall) -> Self {
        let others = firewall.uncommitted().filter(|change| change.is_of_others(DRAWBRIDGE));
        Self { candidate: firewall.candidate().clone(), others: others.collect() }
    }

    /// What a write of ours has done to what others have not committed, or to what is not ours at all.
    pub(super) fn overwritten(
        &self,
        after: &[Uncommitted],
        [candidate, running]: [&Element; 2],
        config: &Config,
        known: u64,
    ) -> Vec<String> {
        let (seen, late): (Vec<_>, Vec<_>) = self.others.iter().partition(|change| change.write <= known);
        // What was added, and then renamed or deleted, is noted under a name that is nowhere any more.
        let is_somewhere = |change: &&Uncommitted| match trees::rule_name(&change.xpath) {
            Some(name) => [&self.candidate, candidate, running].iter().any(|tree| trees::rule(tree, name).is_some()),
            None => true,
        };
        let lost = seen
            .into_iter()
            .filter(is_somewhere)
            .filter(|change| !after.iter().any(|other| other.xpath == change.xpath && other.write == change.write));
        let lost = lost.map(|change| format!("I9: uncommitted work of another is lost: {}", change.xpath));
        // What somebody did after the look may be in the way of a write.
        let changed = rules_of(late).and_then(|apart| {
            let ours = Ours { owner: config.owner.as_str(), news: &BTreeSet::new(), apart: &apart };
            trees::difference(&self.candidate, candidate, &ours)
        });
        let changed = changed.map(|place| format!("I9: what is not ours has changed in the candidate: {place}"));
        lost.chain(changed).collect()
    }
}

/// What would be broken if a run ended after this write, and somebody committed it. What it leaves as it was is judged when
/// it is committed.
pub(super) fn cut_short(
    firewall: &Firewall,
    changes: &[Change],
    inventory: &Inventory,
    config: &Config,
) -> Vec<String> {
    let sunken = sunken(&firewall.candidate, config);
    let (mut before, mut after) = ((*firewall.candidate).clone(), firewall.candidate.apply(changes));
    // What goes by NAT rules goes by those in force, not by what somebody is about to make of them.
    before.nat.clone_from(&firewall.running.nat);
    let kept: BTreeSet<_> =
        after.rules.iter().filter(|rule| before.rules.contains(rule)).map(|rule| rule.name.clone()).collect();
    for configuration in [&mut before, &mut after] {
        configuration.rules.retain(|rule| owned_name(rule, &config.owner).is_none() || !kept.contains(&rule.name));
    }
    let before = Firewall { running: Arc::new(before), ..firewall.clone() };
    let commit = Commit { before: &before, after: &after, inventory, config, withheld: &[] };
    // The place of a rule is left as it was, too, where moves have to wait.
    let is_left = |violation: &&Violation| {
        violation.invariant == Invariant::I2 && sunken.iter().any(|name| violation.what.contains(&format!("`{name}`")))
    };
    let found = invariants::check(&commit);
    found
        .iter()
        .filter(|violation| !is_left(violation))
        .map(|violation| format!("I7: after a write, {violation}"))
        .collect()
}

/// The rules of ours below the bottom rule.
fn sunken(configuration: &Configuration, config: &Config) -> Vec<RuleName> {
    let below = configuration.rules.iter().skip_while(|rule| rule.name != config.bottom_rule);
    below.filter(|rule| owned_name(rule, &config.owner).is_some()).map(|rule| rule.name.clone()).collect()
}
