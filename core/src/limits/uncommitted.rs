//! What stands in the candidate configuration and is not in force.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    change::{Change, Position, Spelling},
    id::OwnedName,
    rulebase::{Owned, OwnedState, Rulebase},
};

/// What stands in the candidate configuration and is not in force, by the names of our rules. Limits are about what a commit does
/// to the running configuration: what an earlier run has written counts as well, and what was never in force can be taken back
/// whatever they say. Otherwise a commit would open what nobody wants any more.
pub(super) struct Uncommitted<'r> {
    running: BTreeMap<&'r OwnedName, &'r Owned<'r>>,
    candidate: BTreeMap<&'r OwnedName, &'r Owned<'r>>,
    /// Rules in force that bear names of the form of ours, and are not ours.
    foreign: BTreeSet<OwnedName>,
    /// Rules that are in force and not ours there: they are being adopted.
    adopted: BTreeSet<OwnedName>,
    /// Rules that stand below the bottom rule in force.
    sunken: BTreeSet<&'r OwnedName>,
    /// The rules that a commit would change, in order.
    differing: &'r [OwnedName],
}

impl<'r> Uncommitted<'r> {
    pub(super) fn of(rulebase: &'r Rulebase<'r>, differing: &'r [OwnedName]) -> Self {
        let [running, candidate] = [&rulebase.running, &rulebase.candidate]
            .map(|policy| policy.owned().map(|rule| (&rule.name, rule)).collect());
        // Many names are asked about, and there may be tens of thousands of rules.
        let foreign = rulebase.running.foreign().filter_map(|(_, rule)| OwnedName::parse(rule.name.as_str())).collect();
        let (adopted, sunken) = (rulebase.adopting(), rulebase.running.sunken());
        Self { running, candidate, foreign, adopted, sunken, differing }
    }

    /// How many rules of ours are in force.
    pub(super) fn live(&self) -> usize {
        self.running.len()
    }

    /// The changed rules that a commit would let say more than in force.
    pub(super) fn more_before(&self, changes: &[Change]) -> BTreeSet<OwnedName> {
        let standing =
            changes.iter().filter(|change| matches!(change, Change::Delete(_) | Change::Put(_, Position::InPlace)));
        standing.filter_map(Change::rule).filter(|name| self.is_more(name)).cloned().collect()
    }

    /// The rules of which these changes take back what is not in force, and nothing of what is.
    pub(super) fn undone_by(&self, changes: &[Change]) -> BTreeSet<OwnedName> {
        let undoes = |change: &Change| match change {
            Change::Delete(name) => self.is_new(name),
            Change::Put(rule, Position::InPlace) => {
                let has_lost = |said| {
                    self.candidate
                        .get(&rule.name)
                        .and_then(|now| now.spelling.as_ref())
                        .is_none_or(|now| !now.holds(said))
                };
                let in_force = self.in_force(&rule.name);
                self.is_more(&rule.name) || in_force.is_some_and(|said| rule.spelling.holds(said) && has_lost(said))
            }
            Change::Put(_, Position::Above(_))
            | Change::Tag(_)
            | Change::Service(_)
            | Change::Lift(..)
            | Change::Drop(_)
            | Change::Adopt(_) => false,
        };
        changes.iter().filter(|change| undoes(change)).filter_map(|change| change.rule().cloned()).collect()
    }

    /// Whether a commit would let a rule say what it does not say in force.
    fn is_more(&self, name: &OwnedName) -> bool {
        let now = self.candidate.get(name).and_then(|rule| says(rule));
        let is_within = self.in_force(name).zip(now).is_some_and(|(said, now)| said.holds(now));
        let is_off = self.candidate.get(name).is_none_or(|rule| rule.state == OwnedState::Disabled);
        let is_changed = self.running.contains_key(name) && self.differing.binary_search(name).is_ok();
        self.is_new(name) || (is_changed && !is_within && !is_off)
    }

    /// What a rule lets through now.
    fn in_force(&self, name: &OwnedName) -> Option<&'r Spelling> {
        self.running.get(name).filter(|_| !self.sunken.contains(name)).and_then(|rule| says(rule))
    }

    /// Whether it is in force under no name. What is being adopted is, and not ours there.
    fn is_new(&self, name: &OwnedName) -> bool {
        !self.running.contains_key(name) && !self.foreign.contains(name) && !self.adopted.contains(name)
    }

    /// Additions and removals that only wait for a commit.
    pub(super) fn written(&self) -> [BTreeSet<OwnedName>; 2] {
        let is_less = |name: &OwnedName| match (self.running.get(name), self.candidate.get(name)) {
            (Some(_), None) => true,
            (Some(in_force), Some(rule)) => {
                says(in_force).zip(rule.spelling.as_ref()).is_some_and(|(said, now)| !now.holds(said))
            }
            (None, _) => false,
        };
        let is_added = |name: &OwnedName| self.candidate.contains_key(name) && self.is_new(name);
        let those =
            |which: &dyn Fn(&OwnedName) -> bool| self.differing.iter().filter(|name| which(name)).cloned().collect();
        [those(&is_added), those(&is_less)]
    }
}

/// What a rule lets through.
fn says<'r>(rule: &'r Owned<'_>) -> Option<&'r Spelling> {
    rule.spelling.as_ref().filter(|_| rule.state.allows_what_it_says())
}
