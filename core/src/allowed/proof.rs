//! The proof itself: which packets of a cube are in none of many products of sets?
//!
//! Take the rules that meet a cube. If one of them holds all of it, done; if there is none, nothing covers it. If all of
//! them hold it in every dimension but one, it is a question about ranges of that one. Else cut the cube along an edge of
//! the rule that takes the largest share, and ask about the pieces.

use std::{collections::BTreeSet, rc::Rc};

use crate::{
    address::{Address, AddressRange},
    range::{Countable, Range, Set},
};

/// Packets: one range for each dimension. Applications and protocol only filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cube {
    pub(super) local: AddressRange,
    pub(super) peer: AddressRange,
    pub(super) ports: Range<u16>,
}

/// A rule that allows the product of three sets.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'p> {
    pub(super) local: &'p Set<Address>,
    pub(super) peer: &'p Set<Address>,
    pub(super) ports: &'p Set<u16>,
    pub(super) rule: By,
}

/// What covers packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// The rule of this number.
    Rule(u32),
    /// An atom that gets a rule of ours, which is not written yet.
    Added,
}

impl By {
    /// The number of a rule that is written.
    pub(super) fn number(self) -> Option<u32> {
        match self {
            Self::Rule(number) => Some(number),
            Self::Added => None,
        }
    }

    pub(super) fn rule(number: usize) -> Self {
        Self::Rule(u32::try_from(number).expect("no configuration holds four thousand million rules"))
    }
}

/// How often the proof of one atom may compare a rule with a cube. An atom that takes more, because it would be cut into
/// thousands of slivers, counts as not covered: the safe side.
const COMPARISONS_MAX: usize = 1 << 17;

/// The packets of a cube that no candidate covers: disjoint cubes, found one by one.
pub(super) struct Uncovered<'p> {
    candidates: &'p [Candidate<'p>],
    /// Pieces that are still to be asked about, each with the candidates that met what it was cut from.
    open: Vec<(Cube, Rc<[usize]>)>,
    bare: Vec<Cube>,
    comparisons: usize,
    evidence: BTreeSet<By>,
}

/// How a cube stands to the candidates.
enum Step {
    /// One holds all of it.
    Held(By),
    /// These are all that is not covered; the rules cover the rest.
    Rest(Vec<Cube>, Vec<By>),
    /// Only these candidates meet it, and it has to be cut.
    Cut(Vec<Cube>, Rc<[usize]>),
}

impl<'p> Uncovered<'p> {
    pub(super) fn of(cube: Cube, candidates: &'p [Candidate<'p>]) -> Self {
        Self {
            candidates,
            open: vec![(cube, (0..candidates.len()).collect())],
            bare: Vec::new(),
            comparisons: COMPARISONS_MAX,
            evidence: BTreeSet::new(),
        }
    }

    /// Candidates that cover what is covered of the cubes so far.
    pub(super) fn evidence(&self) -> impl Iterator<Item = By> {
        self.evidence.iter().copied()
    }

    fn step(&self, cube: Cube, known: &[usize]) -> Step {
        let mut meeting = Vec::new();
        let mut beyond = [false; 3];
        for index in known {
            let candidate = &self.candidates[*index];
            if !candidate.meets(cube) {
                continue;
            }
            let short = candidate.falls_short(cube);
            if short == [false; 3] {
                return Step::Held(candidate.rule);
            }
            beyond.iter_mut().zip(short).for_each(|(any, short)| *any |= short);
            meeting.push(*index);
        }
        let candidates = meeting.iter().map(|index| &self.candidates[*index]);
        match beyond {
            [false, false, false] => Step::Rest(vec![cube], Vec::new()),
            [true, false, false] => {
                line(cube.local, candidates.map(|c| (c.local, c.rule)), |local| Cube { local, ..cube })
            }
            [false, true, false] => line(cube.peer, candidates.map(|c| (c.peer, c.rule)), |peer| Cube { peer, ..cube }),
            [false, false, true] => {
                line(cube.ports, candidates.map(|c| (c.ports, c.rule)), |ports| Cube { ports, ..cube })
            }
            _ => {
                let largest = candidates.rev().max_by_key(|candidate| candidate.share(cube));
                Step::Cut(largest.map(|candidate| candidate.cut(cube)).unwrap_or_default(), meeting.into())
            }
        }
    }
}

impl Iterator for Uncovered<'_> {
    type Item = Cube;

    fn next(&mut self) -> Option<Cube> {
        loop {
            if let Some(cube) = self.bare.pop() {
                return Some(cube);
            }
            let (cube, known) = self.open.pop()?;
            let Some(left) = self.comparisons.checked_sub(known.len()) else { return Some(cube) };
            self.comparisons = left;
            match self.step(cube, &known) {
                Step::Held(rule) => self.evidence.extend([rule]),
                Step::Rest(cubes, rules) => {
                    self.evidence.extend(rules);
                    self.bare = cubes;
                    self.bare.reverse();
                }
                Step::Cut(pieces, meeting) => {
                    self.open.extend(pieces.into_iter().rev().map(|piece| (piece, Rc::clone(&meeting))));
                }
            }
        }
    }
}

impl Candidate<'_> {
    fn meets(&self, cube: Cube) -> bool {
        self.local.meets(cube.local) && self.peer.meets(cube.peer) && self.ports.meets(cube.ports)
    }

    /// Whether it covers all of a cube.
    pub(super) fn holds(&self, cube: Cube) -> bool {
        self.falls_short(cube) == [false; 3]
    }

    /// In which dimensions it does not hold all of the cube.
    fn falls_short(&self, cube: Cube) -> [bool; 3] {
        [!self.local.contains(cube.local), !self.peer.contains(cube.peer), !self.ports.contains(cube.ports)]
    }

    /// How much of the cube one piece of it holds at most: a measure to compare by.
    fn share(&self, cube: Cube) -> u32 {
        let addresses = |set: &Set<Address>, range| widest(set, range, AddressRange::bits).map_or(0, |(bits, _)| bits);
        let ports = widest(self.ports, cube.ports, width).map_or(0, |(width, _)| u32::from(width));
        addresses(self.local, cube.local) + addresses(self.peer, cube.peer) + (u32::BITS - ports.leading_zeros())
    }

    /// The cube in pieces, cut at the edges of the widest part of it that is held in a dimension where not all of it is.
    fn cut(&self, cube: Cube) -> Vec<Cube> {
        let [local, peer, _] = self.falls_short(cube);
        if local {
            slices(self.local, cube.local, AddressRange::bits).map(|local| Cube { local, ..cube }).collect()
        } else if peer {
            slices(self.peer, cube.peer, AddressRange::bits).map(|peer| Cube { peer, ..cube }).collect()
        } else {
            slices(self.ports, cube.ports, width).map(|ports| Cube { ports, ..cube }).collect()
        }
    }
}

fn width(ports: Range<u16>) -> u16 {
    ports.last() - ports.first()
}

/// The widest part of a range that a set holds in one piece, with its width.
fn widest<T: Countable, W: Ord>(set: &Set<T>, range: Range<T>, width: fn(Range<T>) -> W) -> Option<(W, Range<T>)> {
    let parts = set.meeting(range).filter_map(|held| held.intersection(range));
    parts.map(|part| (width(part), part)).reduce(|best, next| if next.0 > best.0 { next } else { best })
}

/// A range, cut at the edges of the widest part of it that a set holds. What lies below comes first.
fn slices<T: Countable, W: Ord>(
    set: &Set<T>,
    range: Range<T>,
    width: fn(Range<T>) -> W,
) -> impl Iterator<Item = Range<T>> {
    let part = widest(set, range, width).map(|(_, part)| part);
    let [below, above] = part.map_or([Some(range), None], |part| range.minus(part));
    [below, above, part].into_iter().flatten()
}

/// What of a range no set holds, and sets that are enough to hold the rest: for every first value that is still open, the
/// one that reaches furthest.
fn line<'p, T: Countable + 'p>(
    range: Range<T>,
    sets: impl Iterator<Item = (&'p Set<T>, By)>,
    cube: impl Fn(Range<T>) -> Cube,
) -> Step {
    let mut parts: Vec<_> = sets.flat_map(|(set, rule)| set.meeting(range).map(move |part| (part, rule))).collect();
    parts.sort_by_key(|(part, _)| part.first());
    let mut parts = parts.into_iter().peekable();
    let (mut rest, mut rules) = (Vec::new(), Vec::new());
    let mut furthest: Option<(T, By)> = None;
    let mut open = Some(range.first());
    while let Some(first) = open {
        while let Some((part, rule)) = parts.next_if(|(part, _)| part.first() <= first) {
            if furthest.is_none_or(|(last, _)| last < part.last()) {
                furthest = Some((part.last(), rule));
            }
        }
        let next = match furthest {
            Some((last, rule)) if first <= last => {
                rules.push(rule);
                last.next()
            }
            _ => {
                let next = parts.peek().map(|(part, _)| part.first());
                let last = next.and_then(Countable::previous).unwrap_or(range.last());
                rest.push(cube(Range::unchecked(first, last)));
                next
            }
        };
        open = next.filter(|next| *next <= range.last());
    }
    Step::Rest(rest, rules)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    type Point = (u16, u16, u16);
    type Sets = [Vec<(u16, u16)>; 3];

    const SIDE: u16 = 7;

    fn address(number: u16) -> Address {
        Ipv4Addr::from(u32::from(number)).into()
    }

    fn addresses((first, last): (u16, u16)) -> AddressRange {
        Range::unchecked(address(first), address(last))
    }

    fn ports((first, last): (u16, u16)) -> Range<u16> {
        Range::unchecked(first, last)
    }

    fn range() -> impl Strategy<Value = (u16, u16)> {
        (0..SIDE, 0..SIDE).prop_map(|(a, b)| (a.min(b), a.max(b)))
    }

    fn side() -> impl Strategy<Value = Vec<(u16, u16)>> {
        prop_oneof![2 => Just(vec![(0, SIDE - 1)]), 3 => vec(range(), 1..4)]
    }

    fn points(cube: Cube) -> impl Iterator<Item = Point> {
        let numbers =
            move |range: AddressRange| (0..SIDE).filter(move |number| range.contains(Range::single(address(*number))));
        let plane = move |local| numbers(cube.peer).map(move |peer| (local, peer));
        let ports = cube.ports.first()..=cube.ports.last();
        let pairs = numbers(cube.local).flat_map(plane);
        pairs.flat_map(move |(local, peer)| ports.clone().map(move |port| (local, peer, port)))
    }

    fn holds([locals, peers, ports]: &Sets, (local, peer, port): Point) -> bool {
        let within =
            |ranges: &[(u16, u16)], value| ranges.iter().any(|(first, last)| (*first..=*last).contains(&value));
        within(locals, local) && within(peers, peer) && within(ports, port)
    }

    proptest! {
        /// Unions over three dimensions, against single packets.
        #[test]
        fn what_is_left_is_exactly_what_no_rule_holds(
            rules in vec([side(), side(), side()], 0..7),
            cube in [range(), range(), range()],
        ) {
            let cube = Cube { local: addresses(cube[0]), peer: addresses(cube[1]), ports: ports(cube[2]) };
            let sets: Vec<_> = rules.iter().map(|[locals, peers, held]| {
                let sides = [locals, peers].map(|side| side.iter().copied().map(addresses).collect::<Set<_>>());
                (sides, held.iter().copied().map(ports).collect::<Set<_>>())
            }).collect();
            let candidates: Vec<_> = sets.iter().enumerate().map(|(number, ([local, peer], ports))| {
                Candidate { local, peer, ports, rule: By::rule(number) }
            }).collect();
            let mut uncovered = Uncovered::of(cube, &candidates);
            let left: Vec<_> = uncovered.by_ref().flat_map(points).collect();
            let distinct: BTreeSet<_> = left.iter().copied().collect();
            prop_assert_eq!(left.len(), distinct.len(), "a packet is in two boxes");
            let bare: BTreeSet<_> = points(cube).filter(|point| !rules.iter().any(|rule| holds(rule, *point))).collect();
            prop_assert_eq!(&distinct, &bare);
            let enough: Vec<_> = uncovered.evidence().filter_map(By::number).map(|number| &rules[number as usize]).collect();
            for point in points(cube).filter(|point| !bare.contains(point)) {
                prop_assert!(enough.iter().any(|rule| holds(rule, point)), "{point:?} is held by no evidence");
            }
        }
    }

    #[track_caller]
    fn check(cube: &str, rules: &[&str], expected: &str) {
        let parse = |text: &str| {
            let words: Vec<_> = text.split(' ').collect();
            let [local, peer, ports] = words[..] else { panic!("`{text}` is no cube") };
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            let ports = Range::unchecked(first.parse().unwrap(), last.parse().unwrap());
            Cube { local: local.parse().unwrap(), peer: peer.parse().unwrap(), ports }
        };
        let sets: Vec<_> = rules
            .iter()
            .map(|rule| {
                let Cube { local, peer, ports } = parse(rule);
                let [local, peer] = [local, peer].map(|range| Set::from_iter([range]));
                (local, peer, Set::from_iter([ports]))
            })
            .collect();
        let candidates: Vec<_> = sets
            .iter()
            .enumerate()
            .map(|(number, (local, peer, ports))| Candidate { local, peer, ports, rule: By::rule(number) })
            .collect();
        let mut uncovered = Uncovered::of(parse(cube), &candidates);
        let mut said: Vec<_> =
            uncovered.by_ref().map(|Cube { local, peer, ports }| format!("{local} {peer} {ports}")).collect();
        said.push(format!("by {:?}", uncovered.evidence().filter_map(By::number).collect::<Vec<_>>()));
        assert_eq!(said.join(", "), expected);
    }

    #[test]
    fn no_more_rules_than_are_enough_are_evidence() {
        let cube = "10.0.0.1 8.8.8.0/24 22";
        check(cube, &["10.0.0.1 8.8.8.0/25 22", "10.0.0.0/8 8.0.0.0/8 1-99", "10.0.0.1 8.8.8.0/24 22"], "by [1]");
        let halves =
            ["10.0.0.1 8.8.8.64/26 22", "10.0.0.1 8.8.8.0/25 22", "10.0.0.1 8.8.8.128/25 22", "10.0.0.1 8.8.8.200 22"];
        check(cube, &halves, "by [1, 2]");
    }

    #[test]
    fn boxes_are_few() {
        let cube = "10.0.0.1 8.8.8.0/24 20-29";
        check(cube, &["10.0.0.1 8.8.8.0/25 20-24"], "10.0.0.1 8.8.8.128/25 20-29, 10.0.0.1 8.8.8.0/25 25-29, by [0]");
        check(
            cube,
            &["10.0.0.1 8.8.8.8 1-99", "10.0.0.1 8.8.8.16 1-99"],
            "10.0.0.1 8.8.8.0/29 20-29, 10.0.0.1 8.8.8.9-8.8.8.15 20-29, 10.0.0.1 8.8.8.17-8.8.8.255 20-29, by [0, 1]",
        );
    }
}
