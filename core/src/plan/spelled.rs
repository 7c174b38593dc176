//! What rules of ours spell out.

use std::collections::BTreeMap;

use crate::{
    address::AddressRange,
    change::{Direction, Spelling},
    id::OwnedName,
    wanted::Atom,
};

/// Atoms that rules of ours spell out: by address, of which there are many, then by service, of which there are few.
pub(super) struct Spelled<'s>(BTreeMap<(Direction, AddressRange), Vec<(&'s OwnedName, &'s Spelling)>>);

impl<'s> Spelled<'s> {
    pub(super) fn of(spellings: &'s [(OwnedName, Spelling)]) -> Self {
        let mut by_local: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (name, spelling) in spellings {
            for local in &spelling.locals {
                by_local.entry((spelling.direction, *local)).or_default().push((name, spelling));
            }
        }
        Self(by_local)
    }

    pub(super) fn by(&self, atom: &Atom) -> Option<&'s OwnedName> {
        let spellings = self.0.get(&(atom.direction, atom.local))?;
        spellings.iter().find(|(_, spelling)| spelling.says(atom)).map(|(name, _)| *name)
    }
}
