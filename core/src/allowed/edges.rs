//! Where the sets of many rules begin and end along one dimension: tells which rules hold a value without asking each.
//!
//! Walking up the dimension, a rule's bit turns at every edge of its set. The bits are noted down every so many edges, so
//! that those of any value are a few turns away from a note.

use std::collections::BTreeMap;

use crate::range::{Countable, Range, Set};

use super::bits::Bits;

/// Which of many rules hold which values.
pub(super) struct Edges<T> {
    /// Values at which bits turn, in order.
    at: Vec<T>,
    /// How many bits have turned at each of them or before.
    turned: Vec<usize>,
    /// The rules whose bits turn, in the same order.
    turns: Vec<u32>,
    /// The bits before the first of each `stride` turns.
    notes: Vec<Bits>,
    stride: usize,
    known: BTreeMap<Range<T>, usize>,
    kept: Vec<Bearing>,
    last: Option<(Range<T>, usize)>,
}

/// How many rules bear on a range: they hold its first value, some of it, all of it.
#[derive(Clone)]
pub(super) struct Bearing {
    first: Bits,
    /// Nothing where it is the same: for single values.
    wide: Option<[Bits; 2]>,
}

/// Answers that are kept. Making one anew costs little; keeping one for each of thousands of ranges would cost memory.
const KEPT_MAX: usize = 512;

impl<T: Countable> Edges<T> {
    /// The edges of these sets, of which there are so many.
    pub(super) fn of<'s>(rules: usize, sets: impl Iterator<Item = &'s Set<T>> + Clone) -> Self
    where
        T: 's,
    {
        let mut bits = Bits::none(rules);
        let mut turns = Vec::with_capacity(sets.clone().map(|set| set.ranges().len() * 2).sum());
        for (rule, set) in (0..).zip(sets) {
            for range in set.ranges() {
                match range.first().previous() {
                    None => bits.insert(rule as usize),
                    Some(_) => turns.push((range.first(), rule)),
                }
                turns.extend(range.last().next().map(|after| (after, rule)));
            }
        }
        turns.sort_unstable_by_key(|(at, _)| *at);
        let by_value = || turns.chunk_by(|(a, _), (b, _)| a == b);
        let distinct = by_value().count();
        let (mut at, mut turned) = (Vec::with_capacity(distinct), Vec::with_capacity(distinct));
        for part in by_value() {
            at.push(part[0].0);
            turned.push(turned.last().copied().unwrap_or_default() + part.len());
        }
        let turns: Vec<_> = turns.iter().map(|(_, rule)| *rule).collect();
        // Notes take no more memory than the rest.
        let stride = (bits.weight() / size_of::<u32>()).max(64);
        let mut notes = Vec::with_capacity(turns.len() / stride + 1);
        for part in turns.chunks(stride) {
            notes.push(bits.clone());
            part.iter().for_each(|rule| bits.toggle(*rule as usize));
        }
        if turns.len() % stride == 0 {
            notes.push(bits);
        }
        Self { at, turned, turns, notes, stride, known: BTreeMap::new(), kept: Vec::new(), last: None }
    }

    /// The rules that bear on a range.
    pub(super) fn bearing(&mut self, range: Range<T>) -> &Bearing {
        let index = match self.last {
            Some((last, index)) if last == range => index,
            _ => self.kept(range),
        };
        self.last = Some((range, index));
        &self.kept[index]
    }

    fn kept(&mut self, range: Range<T>) -> usize {
        if let Some(index) = self.known.get(&range) {
            return *index;
        }
        if self.kept.len() == KEPT_MAX {
            self.known.clear();
            self.kept.clear();
        }
        self.known.insert(range, self.kept.len());
        self.kept.push(self.find(range));
        self.kept.len() - 1
    }

    /// The rules that bear on a range, not kept for another time.
    pub(super) fn find(&self, range: Range<T>) -> Bearing {
        let before = self.turned_by(range.first());
        let first = self.after(before);
        let wide = (!range.is_single()).then(|| {
            let [mut meets, mut holds] = [first.clone(), first.clone()];
            for rule in &self.turns[before..self.turned_by(range.last())] {
                // Whoever turns within the range holds some of it and not all, whichever way it turns.
                meets.insert(*rule as usize);
                holds.remove(*rule as usize);
            }
            [meets, holds]
        });
        Bearing { first, wide }
    }

    /// How many bits have turned at a value or before.
    fn turned_by(&self, value: T) -> usize {
        let passed = self.at.partition_point(|at| *at <= value);
        passed.checked_sub(1).map_or(0, |last| self.turned[last])
    }

    /// The bits after so many turns.
    fn after(&self, turns: usize) -> Bits {
        let note = turns / self.stride;
        let mut bits = self.notes[note].clone();
        self.turns[note * self.stride..turns].iter().for_each(|rule| bits.toggle(*rule as usize));
        bits
    }
}

impl Bearing {
    /// The same rules hold the first value, some and all.
    pub(super) fn even(rules: Bits) -> Self {
        Self { first: rules, wide: None }
    }

    /// Rules that hold the first value.
    pub(super) fn first(&self) -> &Bits {
        &self.first
    }

    /// Rules that hold some value.
    pub(super) fn meets(&self) -> &Bits {
        self.wide.as_ref().map_or(&self.first, |[meets, _]| meets)
    }

    /// Rules that hold every value.
    pub(super) fn holds(&self) -> &Bits {
        self.wide.as_ref().map_or(&self.first, |[_, holds]| holds)
    }

    /// Adds rules to those that hold the first value, some and all, where the flags say so. Single values have equal flags.
    pub(super) fn add(&mut self, rules: &Bits, flags: [bool; 3]) {
        let all = std::iter::once(&mut self.first).chain(self.wide.iter_mut().flatten());
        all.zip(flags).filter(|(_, flag)| *flag).for_each(|(bits, _)| bits.add(rules));
    }

    /// The same change made to all three.
    pub(super) fn each(&mut self, change: impl Fn(&mut Bits)) {
        change(&mut self.first);
        self.wide.iter_mut().flatten().for_each(change);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn range() -> impl Strategy<Value = Range<u16>> {
        let edge = prop_oneof![0..30_u16, (u16::MAX - 10)..=u16::MAX];
        (edge.clone(), edge).prop_map(|(a, b)| Range::unchecked(a.min(b), a.max(b)))
    }

    proptest! {
        #[test]
        fn a_bearing_is_what_each_set_says(
            sets in vec(vec(range(), 0..4), 0..200),
            ranges in vec(range(), 1..20),
        ) {
            let sets: Vec<Set<u16>> = sets.into_iter().map(|ranges| ranges.into_iter().collect()).collect();
            let mut edges = Edges::of(sets.len(), sets.iter());
            for range in ranges {
                let which = |test: &dyn Fn(&Set<u16>) -> bool| {
                    Bits::of(sets.len(), (0..sets.len()).filter(|index| test(&sets[*index])))
                };
                let bearing = edges.bearing(range);
                prop_assert_eq!(bearing.first(), &which(&|set| set.contains(Range::single(range.first()))));
                prop_assert_eq!(bearing.meets(), &which(&|set| set.meets(range)));
                prop_assert_eq!(bearing.holds(), &which(&|set| set.contains(range)));
            }
        }
    }

    #[test]
    fn more_ranges_than_are_kept_are_answered_all_the_same() {
        let set: Set<u16> = [Range::unchecked(1000, 2000)].into_iter().collect();
        let mut edges = Edges::of(1, std::iter::once(&set));
        for value in (0..3000).chain(0..3000) {
            let holds = edges.bearing(Range::single(value)).holds() == &Bits::of(1, [0]);
            assert_eq!(holds, (1000..=2000).contains(&value));
        }
    }
}
