//! Addresses that exposed interfaces of several VPCs have: they get only what all of these VPCs want.

use std::collections::{BTreeMap, BTreeSet};

use super::{Atom, LeftOut, Origins};
use crate::{
    address::{Address, AddressRange},
    id::VpcId,
    range::Set,
    service::Service,
};

/// Who wants what.
type Atoms = BTreeMap<Atom, Origins>;

/// The addresses that several VPCs have, cut so that every address of a piece is of the same VPCs.
pub(super) struct SeveralVpcs<'a> {
    pieces: Vec<(AddressRange, BTreeSet<&'a VpcId>)>,
    shared: Set<Address>,
}

impl<'a> SeveralVpcs<'a> {
    /// Nothing, if no address is of several VPCs.
    pub(super) fn of(by_vpc: &'a BTreeMap<VpcId, Vec<AddressRange>>) -> Option<Self> {
        let sets: Vec<(&VpcId, Set<Address>)> =
            by_vpc.iter().map(|(vpc, own)| (vpc, own.iter().copied().collect())).collect();
        let mut shared = Set::default();
        for (index, (_, set)) in sets.iter().enumerate() {
            for (_, other) in &sets[index + 1..] {
                shared.extend(set.ranges().iter().flat_map(|range| common(other, *range).collect::<Vec<_>>()));
            }
        }
        if shared.is_empty() {
            return None;
        }
        let mut pieces = shared.ranges().to_vec();
        for (_, set) in &sets {
            pieces = pieces.into_iter().flat_map(|piece| cut(piece, set)).collect();
        }
        let owners = |piece: AddressRange| {
            let holding = sets.iter().filter(|(_, set)| set.contains(piece));
            holding.map(|(vpc, _)| *vpc).collect()
        };
        let pieces = pieces.into_iter().map(|piece| (piece, owners(piece))).collect();
        Some(Self { pieces, shared })
    }

    /// Replaces the atoms of such addresses by what all of their VPCs want.
    pub(super) fn keep_common(&self, atoms: &mut Atoms, left_out: &mut BTreeSet<LeftOut>) {
        let all = std::mem::take(atoms);
        let (clashing, alone): (Atoms, Atoms) = all.into_iter().partition(|(atom, _)| self.shared.meets(atom.local));
        *atoms = alone;
        for (atom, origins) in &clashing {
            let own = std::iter::once(atom.local).collect::<Set<_>>().minus(&self.shared);
            let parts = own.ranges().iter().map(|local| Atom { local: *local, ..atom.clone() });
            parts.for_each(|part| atoms.entry(part).or_default().extend(origins.iter().cloned()));
        }
        for (piece, vpcs) in &self.pieces {
            settle(*piece, vpcs, &clashing, atoms, left_out);
        }
    }
}

/// What one piece gets.
fn settle(
    piece: AddressRange,
    vpcs: &BTreeSet<&VpcId>,
    clashing: &Atoms,
    atoms: &mut Atoms,
    left_out: &mut BTreeSet<LeftOut>,
) {
    let here: Vec<_> = clashing.iter().filter(|(atom, _)| atom.local.contains(piece)).collect();
    let wanted_by = |vpc: &VpcId| -> Atoms {
        let by = |origins: &Origins| origins.iter().filter(|o| o.vpc == *vpc).cloned().collect::<Origins>();
        let own = here.iter().map(|(atom, origins)| (Atom { local: piece, ..(*atom).clone() }, by(origins)));
        own.filter(|(_, origins)| !origins.is_empty()).collect()
    };
    let mut lists = vpcs.iter().map(|vpc| wanted_by(vpc));
    let Some(first) = lists.next() else { return };
    let common = widest(lists.fold(first, |held, other| in_both(&held, &other)));
    for (atom, _) in &here {
        let own = Atom { local: piece, ..(*atom).clone() };
        if !common.keys().any(|held| held.holds(&own)) {
            let unwanted = |vpc: &&&VpcId| !wanted_by(vpc).keys().any(|held| held.holds(&own));
            left_out.extend(vpcs.iter().find(unwanted).map(|vpc| LeftOut::TwoVpcs(own.clone(), (**vpc).clone())));
        }
    }
    for (atom, origins) in common {
        atoms.entry(atom).or_default().extend(origins);
    }
}

fn in_both(one: &Atoms, other: &Atoms) -> Atoms {
    let mut both = Atoms::new();
    for (a, by_a) in one {
        for (b, by_b) in other.iter().filter(|(b, _)| a.direction == b.direction) {
            let (Some(peer), Some(service)) =
                (a.peer.intersection(b.peer), Service::intersection(&a.service, &b.service))
            else {
                continue;
            };
            let atom = Atom { direction: a.direction, local: a.local, peer, service };
            both.entry(atom).or_default().extend(by_a.iter().chain(by_b).cloned());
        }
    }
    both
}

/// Without atoms that another one holds.
fn widest(atoms: Atoms) -> Atoms {
    let held = |atom: &Atom| atoms.keys().any(|other| other != atom && other.holds(atom));
    let kept: BTreeSet<_> = atoms.keys().filter(|atom| !held(atom)).cloned().collect();
    atoms.into_iter().filter(|(atom, _)| kept.contains(atom)).collect()
}

fn common(set: &Set<Address>, range: AddressRange) -> impl Iterator<Item = AddressRange> + '_ {
    set.meeting(range).filter_map(move |held| held.intersection(range))
}

/// A range, cut at the edges of a set.
fn cut(range: AddressRange, set: &Set<Address>) -> Vec<AddressRange> {
    let inside: Vec<_> = common(set, range).collect();
    let outside = std::iter::once(range).collect::<Set<_>>().minus(set);
    inside.into_iter().chain(outside.ranges().iter().copied()).collect()
}
