//! What a commit of ours is about: its job may blame some of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    change::Spelling,
    firewall::Profiles,
    id::OwnedName,
    limits::Blamed,
    plan::Lost,
    rulebase::{Owned, OwnedState, Rulebase},
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
    /// Those of them that get another security profile group as well.
    reprofiled: BTreeSet<OwnedName>,
    /// Disabled ones that say less than in force: that closes nothing, and they go with the rules that say the rest.
    disabled: BTreeSet<OwnedName>,
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
                (Some(rule), Some(held)) if is_less(rule, held) && rule.state == OwnedState::Disabled => {
                    proposal.disabled.insert(name);
                }
                (Some(rule), Some(held)) if is_less(rule, held) => {
                    // Single profiles no rule of ours is written with: they cannot be kept.
                    if rule.facts.profiles != held.facts.profiles && held.facts.profiles != Profiles::Single {
                        proposal.reprofiled.insert(name.clone());
                    }
                    proposal.less.insert(name);
                }
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

    /// Whether nothing but that is in it.
    pub(super) fn only_removes(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.reprofiled.is_empty()
    }

    /// Blames what is to be left out of another attempt, and says whether there is anything: the new rules that are named, or
    /// else the others; where neither is, as for want of room, all that are new or changed, if that lets a removal go in, but for
    /// those that say what others lose. What goes is never left out: no configuration is unfit for want of it; and what becomes less
    /// keeps the security profiles that it has in force, if it was to get others.
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
        let is_named = |name: &&OwnedName| named.contains(name);
        let reprofiled: BTreeSet<_> = self.reprofiled.iter().filter(is_named).cloned().collect();
        let others = self.less.iter().chain(&self.changed).chain(&self.disabled).filter(is_named);
        let others: BTreeSet<_> = others.filter(|name| !reprofiled.contains(name)).cloned().collect();
        if !others.is_empty() || !reprofiled.is_empty() {
            blamed.add_profiles(reprofiled, words);
            blamed.add(others, words);
            return true;
        }
        if !self.removes() || self.only_removes() {
            return false;
        }
        blamed.add_profiles(self.reprofiled.clone(), words);
        // What others lose is not cut off for want of what has nothing to do with it; if it is to blame, the next run knows.
        let others_are_meant = !self.changed.is_empty() || !self.reprofiled.is_empty();
        let is_all = !others_are_meant && self.new.len() == self.regained.len();
        let meant = self.new.iter().filter(|(name, _)| is_all || !self.regained.contains(name));
        meant.for_each(|(_, spelling)| blamed.add_saying(spelling.clone(), words));
        blamed.add(&self.changed | &self.disabled, words);
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
