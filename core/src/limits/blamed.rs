//! Rules that are left out for the rest of a run.

use std::collections::{BTreeMap, BTreeSet};

use super::{Apart, Hindrance, Withheld, take_out};
use crate::{
    change::{Change, Position, Spelling},
    firewall::Profiles,
    id::OwnedName,
    plan::Reason,
    rulebase::Rulebase,
};

/// Rules that the firewall refused or its validation blamed, with its words about each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blamed {
    /// By the names that they were planned with.
    names: BTreeMap<OwnedName, String>,
    /// By what blamed rules say that do not stand any more: planned again, they bear another name as soon as their
    /// neighbours stand.
    said: BTreeMap<Spelling, String>,
    /// Those of them that are to blame for certain: others that only stand in the same transaction are left out with them.
    singled_out: BTreeSet<Spelling>,
    /// Of moves, which no rule says.
    moves: Option<String>,
    /// Rules of which only the security profiles are to blame that they are to get.
    profiles: BTreeMap<OwnedName, String>,
}

impl Blamed {
    /// Blames rules of these names, as they are planned next.
    pub(crate) fn add(&mut self, names: BTreeSet<OwnedName>, words: &str) {
        self.names.extend(names.into_iter().map(|name| (name, words.to_owned())));
    }

    /// Blames a new rule that says this, under whatever name it is planned.
    pub(crate) fn add_saying(&mut self, spelling: Spelling, words: &str) {
        self.said.insert(spelling, words.to_owned());
    }

    /// Blames a new rule that says this, and no other: what it would have allowed needs rules of its own.
    pub(crate) fn single_out(&mut self, spelling: Spelling, words: &str) {
        self.singled_out.insert(spelling.clone());
        self.add_saying(spelling, words);
    }

    /// What new rules say that are to blame for certain.
    pub(crate) fn singled_out(&self) -> Vec<&Spelling> {
        self.singled_out.iter().collect()
    }

    /// Whether new rules are left out that may be to blame.
    pub(crate) fn leaves_out_new(&self) -> bool {
        self.said.keys().any(|said| !self.singled_out.contains(said))
    }

    /// Rules that are left out by name: those that stand are not put right.
    pub(crate) fn names(&self) -> BTreeSet<OwnedName> {
        self.names.keys().cloned().collect()
    }

    /// Blames the security profiles that these rules are to get: whatever they lose goes all the same.
    pub(crate) fn add_profiles(&mut self, names: BTreeSet<OwnedName>, words: &str) {
        self.profiles.extend(names.into_iter().map(|name| (name, words.to_owned())));
    }

    /// Blames whatever is moved.
    pub(crate) fn add_moves(&mut self, words: &str) {
        self.moves = Some(words.to_owned());
    }

    /// Takes them out.
    pub(crate) fn withhold(
        &mut self,
        mut changes: Vec<Change>,
        reasons: &BTreeMap<OwnedName, Reason>,
        apart: &Apart,
        rulebase: &Rulebase<'_>,
    ) -> (Vec<Change>, Vec<Withheld>) {
        self.keep_profiles(&mut changes, reasons, rulebase);
        take_out(changes, reasons, apart, |change| self.words(change, reasons).map(Hindrance::Blamed))
    }

    /// Lets rules become less with the security profiles that they have in force.
    fn keep_profiles(&self, changes: &mut [Change], reasons: &BTreeMap<OwnedName, Reason>, rulebase: &Rulebase<'_>) {
        if self.profiles.is_empty() {
            return;
        }
        let in_force: BTreeMap<_, _> =
            rulebase.running.owned().map(|rule| (&rule.name, &rule.facts.profiles)).collect();
        for change in changes {
            if let Change::Put(rule, Position::InPlace) = change
                && self.profiles.contains_key(&rule.name)
                && reasons.get(&rule.name) == Some(&Reason::Shrunk)
                && let Some(profiles) = in_force.get(&rule.name)
            {
                match profiles {
                    Profiles::None => rule.profile_group = None,
                    Profiles::Group(group) => rule.profile_group = Some(group.clone()),
                    // Single ones no rule of ours is written with.
                    Profiles::Single => {}
                }
            }
        }
    }

    /// The firewall's words about a change, if it is one of those.
    fn words(&mut self, change: &Change, reasons: &BTreeMap<OwnedName, Reason>) -> Option<String> {
        match change {
            Change::Put(rule, Position::InPlace) if reasons.get(&rule.name) != Some(&Reason::Shrunk) => {
                self.names.get(&rule.name).or_else(|| self.profiles.get(&rule.name)).cloned()
            }
            Change::Put(rule, Position::Above(_)) => {
                if let Some(words) = self.names.remove(&rule.name) {
                    self.said.insert(rule.spelling.clone(), words);
                }
                self.said.get(&rule.spelling).cloned()
            }
            Change::Put(rule, Position::InPlace) => self.names.get(&rule.name).cloned(),
            Change::Lift(name, _) => self.moves.as_ref().or_else(|| self.names.get(name)).cloned(),
            // What goes is nowhere that it could be in the way.
            Change::Delete(_) | Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => None,
        }
    }
}
