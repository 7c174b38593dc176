//! Addresses that exposed interfaces of several VPCs have: they get only what all of these VPCs want.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Excluded, Included},
};

use super::{Atom, LeftOut, Origins};
use crate::{
    address::{Address, AddressRange},
    id::VpcId,
    range::{Countable as _, Range, Set},
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
        let pieces = pieces_of(&shared, by_vpc.values().flatten().copied());
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
        let mut here = vec![Atoms::new(); self.pieces.len()];
        for (atom, origins) in &clashing {
            for number in self.within(atom.local) {
                let part = Atom { local: self.pieces[number].0, ..atom.clone() };
                here[number].entry(part).or_default().extend(origins.iter().cloned());
            }
        }
        for ((_, vpcs), here) in self.pieces.iter().zip(&here) {
            settle(vpcs, here, atoms, left_out);
        }
    }

    /// The numbers of the pieces within a range of somebody's own addresses, at whose edges all pieces are cut.
    fn within(&self, local: AddressRange) -> std::ops::Range<usize> {
        let before = self.pieces.partition_point(|(piece, _)| piece.last() < local.first());
        before..self.pieces.partition_point(|(piece, _)| piece.first() <= local.last())
    }
}

/// What one piece gets, of what anybody wants there.
fn settle(vpcs: &BTreeSet<&VpcId>, here: &Atoms, atoms: &mut Atoms, left_out: &mut BTreeSet<LeftOut>) {
    let wanted_by = |vpc: &VpcId| -> Atoms {
        let by = |origins: &Origins| origins.iter().filter(|o| o.vpc == *vpc).cloned().collect::<Origins>();
        let own = here.iter().map(|(atom, origins)| (atom.clone(), by(origins)));
        own.filter(|(_, origins)| !origins.is_empty()).collect()
    };
    let mut lists = vpcs.iter().map(|vpc| wanted_by(vpc));
    let Some(first) = lists.next() else { return };
    let common = widest(lists.fold(first, |held, other| in_both(&held, &other)));
    for atom in here.keys() {
        if !common.keys().any(|held| held.holds(atom)) {
            let unwanted = |vpc: &&&VpcId| !wanted_by(vpc).keys().any(|held| held.holds(atom));
            left_out.extend(vpcs.iter().find(unwanted).map(|vpc| LeftOut::TwoVpcs(atom.clone(), (**vpc).clone())));
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

/// The addresses of a set, cut wherever one of these ranges begins or ends.
fn pieces_of(set: &Set<Address>, ranges: impl Iterator<Item = AddressRange>) -> Vec<AddressRange> {
    let starts = |range: AddressRange| [Some(range.first()), range.last().next()].into_iter().flatten();
    let starts: BTreeSet<Address> = ranges.flat_map(starts).collect();
    let mut pieces = Vec::new();
    for held in set.ranges() {
        let mut first = held.first();
        for start in starts.range((Excluded(held.first()), Included(held.last()))) {
            pieces.extend(start.previous().and_then(|last| Range::new(first, last)));
            first = *start;
        }
        pieces.extend(Range::new(first, held.last()));
    }
    pieces
}
