//! From the bottom rule down: allows count only until the first rule that might deny any packet of the atom.

use crate::{
    config::Config,
    firewall::{Action, RuleFacts, Status},
    wanted::Atom,
};

use super::{
    columns::{Allows, Columns, directions},
    index::Index,
};

/// Rules from the bottom rule down that might deny.
pub(super) struct Below {
    denies: Index,
    /// How many allows stand above each of them.
    above: Vec<usize>,
    /// How many allows there are.
    all: usize,
}

impl Below {
    /// Adds what these rules allow for certain, and notes what ends it. Below a rule that denies everything nothing counts.
    pub(super) fn of<'a>(rules: impl Iterator<Item = &'a RuleFacts>, allows: &mut Allows<'a>, config: &Config) -> Self {
        let (mut denies, mut above) = (Vec::new(), Vec::new());
        let mut open = [true; 2];
        for facts in rules.filter(|facts| facts.status == Status::Enabled) {
            let spoken = directions(facts, config);
            let counting = [spoken[0] && open[0], spoken[1] && open[1]];
            if counting == [false; 2] {
                continue;
            }
            if facts.action == Action::Allow {
                allows.add(facts, counting);
                continue;
            }
            let columns = Columns::at_most(facts, counting);
            if columns.say_everything() {
                open = [open[0] && !spoken[0], open[1] && !spoken[1]];
            } else {
                denies.push(columns);
                above.push(allows.len());
            }
        }
        Self { denies: Index::of(&denies), above, all: allows.len() }
    }

    /// How many of the allows count for an atom.
    pub(super) fn counting(&mut self, atom: &Atom) -> usize {
        if self.above.is_empty() {
            return self.all;
        }
        self.denies.possible(atom, 1).first().map_or(self.all, |number| self.above[*number])
    }
}
