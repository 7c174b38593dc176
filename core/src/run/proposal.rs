//! What a commit of ours is about: its job may blame some of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    change::Spelling,
    id::OwnedName,
    limits::Blamed,
    plan::Lost,
    rulebase::{Owned, Rulebase},
};

/// What differs between candidate and running configuration, and is ours.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposal {
    /// Rules that are not in force yet, by what they say: planned again, they may bear other names.
    new: BTreeMap<OwnedName, Spelling>,
    /// New rules that say only what others lose.
    regained: BTreeSet<OwnedName>,
    /// Rules that say less than in force.
    less: BTreeSet<OwnedName>,
    /// Rules that say something else than in force, are written in another way, or stand elsewhere.
    changed: BTreeSet<OwnedName>,
    /// Rules that go.
    gone: BTreeSet<OwnedName>,
}

impl Proposal {
    pub(super) fn of(rulebase: &Rulebase<'_>) -> Self {
        let standing: BTreeMap<_, _> = rulebase.candidate.owned().map(|rule| (&rule.name, rule)).collect();
        let in_force: BTreeMap<_, _> = rulebase.running.owned().map(|rule| (&rule.name, rule)).collect();
        let is_less = |one: &Owned<'_>, other: &Owned<'_>| {
            one.spelling != other.spelling
                && other.spelling.as_ref().zip(one.spelling.as_ref()).is_some_and(|(said, now)| said.holds(now))
        };
        let mut proposal = Self::default();
        for name in rulebase.differing() {
            match (standing.get(&name), in_force.get(&name)) {
                (None, _) => _ = proposal.gone.insert(name),
                (Some(rule), Some(held)) if is_less(rule, held) => _ = proposal.less.insert(name),
                (Some(_), Some(_)) => _ = proposal.changed.insert(name),
                (Some(rule), None) => proposal.new.extend(rule.spelling.clone().map(|spelling| (name, spelling))),
            }
        }
        let mut lost = Lost::default();
        let losing = proposal.gone.union(&proposal.less).filter_map(|name| in_force.get(name));
        let losing = losing.filter(|rule| rule.state.allows_what_it_says());
        losing.flat_map(|rule| rule.spellings()).for_each(|said| lost.add(said));
        let regained = proposal.new.iter().filter(|(_, spelling)| lost.holds(spelling));
        proposal.regained = regained.map(|(name, _)| name.clone()).collect();
        proposal
    }

    /// Whether something goes, or becomes less: a revoked port stays open until it is committed.
    pub(super) fn removes(&self) -> bool {
        !self.less.is_empty() || !self.gone.is_empty()
    }

    /// Blames what is to be left out of another attempt, and says whether there is anything: the new rules that are named, or
    /// else the others; where neither is, as for want of room, all that are new or changed, if that lets a removal go in, but for
    /// those that say what others lose. What goes is never left out: no configuration is unfit for want of it.
    pub(super) fn blame(&self, named: &BTreeSet<OwnedName>, words: &str, blamed: &mut Blamed) -> bool {
        if self.new.keys().any(|name| named.contains(name)) {
            let meant = self.new.iter().filter(|(name, _)| named.contains(name));
            if self.removes() {
                // There is one more attempt, in which a revoked port has to close: nothing is tried for the first time then.
                meant.for_each(|(_, spelling)| blamed.add_saying(spelling.clone(), words));
            } else {
                meant.for_each(|(_, spelling)| blamed.single_out(spelling.clone(), words));
            }
            return true;
        }
        let others: BTreeSet<_> = self.less.union(&self.changed).filter(|name| named.contains(name)).cloned().collect();
        if !others.is_empty() {
            blamed.add(others, words);
            return true;
        }
        if !self.removes() || (self.new.is_empty() && self.changed.is_empty()) {
            return false;
        }
        // What others lose is not cut off for want of what has nothing to do with it; if it is to blame, the next run knows.
        let is_all = self.changed.is_empty() && self.new.len() == self.regained.len();
        let meant = self.new.iter().filter(|(name, _)| is_all || !self.regained.contains(name));
        meant.for_each(|(_, spelling)| blamed.add_saying(spelling.clone(), words));
        blamed.add(self.changed.clone(), words);
        true
    }

    /// Blames what an order of rules comes with, new rules and moved ones.
    pub(super) fn blame_moves(&self, words: &str, blamed: &mut Blamed) {
        self.blame_new(words, blamed);
        blamed.add_moves(words);
    }

    fn blame_new(&self, words: &str, blamed: &mut Blamed) {
        self.new.values().for_each(|spelling| blamed.add_saying(spelling.clone(), words));
    }
}
