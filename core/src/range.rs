//! Inclusive ranges and exact sets of them: what the proof is made of.

use std::fmt;

/// A type whose values can be counted through, so that neighbouring ranges merge.
pub trait Countable: Copy + Ord {
    /// The next value, unless this is the largest.
    fn next(self) -> Option<Self>;
    /// The previous value, unless this is the smallest.
    fn previous(self) -> Option<Self>;
}

macro_rules! countable {
    ($($number:ty)+) => {$(
        impl Countable for $number {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )+};
}

countable! { u16 u32 }

/// All values from `first` to `last`, both included. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range<T> {
    first: T,
    last: T,
}

impl<T: Countable> Range<T> {
    /// The range, unless it would be empty.
    pub fn new(first: T, last: T) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// For constants, where the order of the edges is in plain sight.
    pub(crate) const fn unchecked(first: T, last: T) -> Self {
        Self { first, last }
    }

    /// The range of one value.
    pub const fn single(value: T) -> Self {
        Self { first: value, last: value }
    }

    /// The smallest value.
    pub const fn first(self) -> T {
        self.first
    }

    /// The largest value.
    pub const fn last(self) -> T {
        self.last
    }

    /// Whether the range has exactly one value.
    pub fn is_single(self) -> bool {
        self.first == self.last
    }

    /// Whether every value of `other` is in this range.
    pub fn contains(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The values in both.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last))
    }

    /// Whether the two have a value in common.
    pub fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// The values of this range below `other` and above it.
    pub fn minus(self, other: Self) -> [Option<Self>; 2] {
        if !self.meets(other) {
            return [Some(self), None];
        }
        [
            other.first.previous().and_then(|last| Self::new(self.first, last)),
            other.last.next().and_then(|first| Self::new(first, self.last)),
        ]
    }
}

impl fmt::Display for Range<u16> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() { write!(f, "{}", self.first) } else { write!(f, "{}-{}", self.first, self.last) }
    }
}

/// A set of values, as sorted ranges that neither overlap nor touch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set<T>(Vec<Range<T>>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Countable> Set<T> {
    /// The ranges, in order.
    pub fn ranges(&self) -> &[Range<T>] {
        &self.0
    }

    /// Whether there is no value in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every value of the range is in the set.
    pub fn contains(&self, range: Range<T>) -> bool {
        self.reaching(range.first).next().is_some_and(|held| held.contains(range))
    }

    /// Whether some value of the range is in the set.
    pub fn meets(&self, range: Range<T>) -> bool {
        self.reaching(range.first).next().is_some_and(|held| held.meets(range))
    }

    /// The ranges of the set that have a value in common with `range`, in order.
    pub fn meeting(&self, range: Range<T>) -> impl Iterator<Item = Range<T>> + '_ {
        self.reaching(range.first).take_while(move |held| held.first <= range.last)
    }

    /// The values that are in this set and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for range in &self.0 {
            let mut rest = Some(*range);
            for taken in other.meeting(*range) {
                let Some(open) = rest else { break };
                let [below, above] = open.minus(taken);
                left.extend(below);
                rest = above;
            }
            left.extend(rest);
        }
        Self(left)
    }

    /// The ranges that do not end before `value`.
    fn reaching(&self, value: T) -> impl Iterator<Item = Range<T>> + '_ {
        self.0[self.0.partition_point(|held| held.last < value)..].iter().copied()
    }
}

impl<T: Countable> FromIterator<Range<T>> for Set<T> {
    fn from_iter<I: IntoIterator<Item = Range<T>>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable();
        let mut merged: Vec<Range<T>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(held) if held.last.next().is_none_or(|after| range.first <= after) => {
                    held.last = held.last.max(range.last);
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl<T: Countable> Extend<Range<T>> for Set<T> {
    fn extend<I: IntoIterator<Item = Range<T>>>(&mut self, ranges: I) {
        *self = self.0.drain(..).chain(ranges).collect();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ranges() -> impl Strategy<Value = Vec<Range<u16>>> {
        let edge = prop_oneof![0..40u16, (u16::MAX - 5)..=u16::MAX];
        proptest::collection::vec((edge.clone(), edge), 0..8)
            .prop_map(|pairs| pairs.into_iter().map(|(a, b)| Range { first: a.min(b), last: a.max(b) }).collect())
    }

    fn small(ranges: &[Range<u16>]) -> BTreeSet<u16> {
        ranges.iter().flat_map(|range| (range.first..=range.last).filter(|v| *v < 50 || *v > u16::MAX - 10)).collect()
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_ranges_hold(a in ranges(), b in ranges()) {
            let (set, other) = (a.iter().copied().collect::<Set<_>>(), b.iter().copied().collect::<Set<_>>());
            prop_assert_eq!(small(set.ranges()), small(&a));
            prop_assert!(set.ranges().windows(2).all(|pair| pair[0].last < pair[1].first - 1));
            let difference: BTreeSet<_> = small(&a).difference(&small(&b)).copied().collect();
            prop_assert_eq!(small(set.minus(&other).ranges()), difference);
            for range in b {
                prop_assert_eq!(set.contains(range), a.iter().copied().chain([]).collect::<Set<_>>().0.iter().any(|r| r.contains(range)));
                prop_assert_eq!(set.meets(range), a.iter().any(|r| r.meets(range)));
            }
        }
    }
}
