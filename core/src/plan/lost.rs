//! What rules of ours in force say, and are to say no more.

use std::collections::BTreeMap;

use crate::{
    address::AddressRange,
    change::{Direction, Spelling},
    wanted::Atom,
};

/// By address, of which there are many.
#[derive(Debug, Default)]
pub(crate) struct Lost<'r> {
    of_one: BTreeMap<(Direction, AddressRange), Vec<&'r Spelling>>,
    /// Of ranges that hold more than what we write.
    of_more: Vec<(AddressRange, &'r Spelling)>,
}

impl<'r> Lost<'r> {
    /// What one rule says.
    pub(crate) fn of(said: &'r Spelling) -> Self {
        let mut lost = Self::default();
        lost.add(said);
        lost
    }

    /// Adds what a rule says.
    pub(crate) fn add(&mut self, said: &'r Spelling) {
        for local in &said.locals {
            self.of_one.entry((said.direction, *local)).or_default().push(said);
            if local.bits() > 0 {
                self.of_more.push((*local, said));
            }
        }
    }

    /// Whether an atom is among it.
    pub(crate) fn says(&self, atom: &Atom) -> bool {
        let says = |said: &Spelling| {
            said.direction == atom.direction
                && said.service.contains(&atom.service)
                && said.peers.iter().any(|peer| peer.contains(atom.peer))
        };
        let of_one = self.of_one.get(&(atom.direction, atom.local));
        of_one.is_some_and(|all| all.iter().any(|said| says(said)))
            || self.of_more.iter().any(|(range, said)| range.contains(atom.local) && says(said))
    }

    /// Whether everything that a rule says is among it.
    pub(crate) fn holds(&self, said: &Spelling) -> bool {
        let Spelling { direction, locals, peers, service } = said;
        let mut pairs = locals.iter().flat_map(|local| peers.iter().map(move |peer| (*local, *peer)));
        pairs.all(|(local, peer)| {
            let atom = Atom { direction: *direction, local, peer, service: service.clone() };
            local.family() != peer.family() || self.says(&atom)
        })
    }
}
