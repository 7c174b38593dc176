//! What of a rule of ours still holds: it is kept, shrunk or given up. Never widened.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    address::AddressRange,
    change::{Direction, Spelling},
    config::Config,
    service::Service,
    wanted::{Atom, Unknown, Wanted},
};

/// Which pairs of addresses and peers are wanted, for one direction and service.
#[derive(Debug)]
pub struct Pairs<'w> {
    /// Numbers for services: pairs with them take little and are quickly compared.
    services: BTreeMap<&'w Service, usize>,
    /// The services, by those numbers.
    by_number: Vec<&'w Service>,
    /// In order.
    pairs: Vec<Pair>,
    unknown: &'w Unknown,
    /// Whether a rule lets through what is wanted either way.
    either_way: bool,
}

/// Direction, address, peer, and the service's number.
type Pair = (Direction, AddressRange, AddressRange, usize);

impl<'w> Pairs<'w> {
    /// The pairs of everything wanted.
    pub fn of(wanted: &'w Wanted, config: &Config) -> Self {
        let mut services = BTreeMap::new();
        let mut pair = |Atom { direction, local, peer, service }: &'w Atom| {
            let next = services.len();
            (*direction, *local, *peer, *services.entry(service).or_insert(next))
        };
        let mut pairs: Vec<_> = wanted.atoms.keys().map(&mut pair).collect();
        // Atoms come in the same order but for the numbers.
        pairs.sort();
        let mut by_number: Vec<_> = services.iter().map(|(service, number)| (*number, *service)).collect();
        by_number.sort_unstable_by_key(|(number, _)| *number);
        let by_number = by_number.into_iter().map(|(_, service)| service).collect();
        Self { services, by_number, pairs, unknown: &wanted.unknown, either_way: config.goes_either_way() }
    }

    /// Tells which pairs of a rule are wanted. Pairs of an address whose exposure nobody can tell stay if they are in force: nothing
    /// is added for it. Where the rule goes either way, a pair is the same packets read the other way round, and one reading that
    /// wants them is enough.
    fn of_rule(&self, rule: &Spelling, in_force: Option<&Spelling>) -> impl Fn(AddressRange, AddressRange) -> Claim {
        let (way, l4, number) = (rule.direction, rule.service.l4, self.services.get(&rule.service).copied());
        let said = in_force.filter(|said| said.direction == way && said.service.contains(&rule.service)).cloned();
        let is_in_force = move |local, peer| said.as_ref().is_some_and(|said| said.says_pair(local, peer));
        let is_unknown = move |direction, local, peer| self.unknown.holds(direction, l4, local, peer);
        let is_listed = move |direction, local, peer| {
            number.is_some_and(|number| self.pairs.binary_search(&(direction, local, peer, number)).is_ok())
        };
        let either_way = self.either_way;
        move |local, peer| {
            if is_listed(way, local, peer) || either_way && is_listed(way.opposite(), peer, local) {
                return Claim::Wanted;
            }
            let is_unknown = is_unknown(way, local, peer) || either_way && is_unknown(way.opposite(), peer, local);
            if is_unknown && is_in_force(local, peer) { Claim::InDoubt } else { Claim::Unwanted }
        }
    }

    /// Whether somebody wants between the two what admits all of this.
    fn calls_for(&self, direction: Direction, local: AddressRange, peer: AddressRange, service: &Service) -> bool {
        let first = self.pairs.partition_point(|pair| (pair.0, pair.1) < (direction, local));
        let of_local = self.pairs[first..].iter().take_while(|pair| (pair.0, pair.1) == (direction, local));
        of_local.into_iter().any(|pair| pair.2.contains(peer) && self.by_number[pair.3].admits(service))
    }
}

/// What speaks for a pair of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Wanted,
    /// It is in force, and nobody can tell whether it is wanted.
    InDoubt,
    Unwanted,
}

/// What is left of a rule of ours when everything unwanted is gone; nothing, if nothing is. `in_force` is what the rule says in the
/// running configuration.
///
/// First every address and every peer goes none of whose pairs is to stay. Then those go that have an unwanted pair with one that has
/// pairs in doubt, and none themselves: what is wanted for certain is said again by another rule, and what is in doubt is said nowhere
/// else. While an unwanted pair is left, the address or peer with the largest share of unwanted pairs goes: of equals a peer before an
/// address, then the last in order. Pairs of different families say nothing and do not count.
pub fn shrunk(spelling: &Spelling, in_force: Option<&Spelling>, pairs: &Pairs<'_>) -> Option<Spelling> {
    shrunk_to(spelling, &pairs.of_rule(spelling, in_force), Doubts::First)
}

/// The same where nothing can be said again: what has pairs in doubt gives way like anything else.
pub(crate) fn shrunk_by_share(spelling: &Spelling, in_force: Option<&Spelling>, pairs: &Pairs<'_>) -> Option<Spelling> {
    shrunk_to(spelling, &pairs.of_rule(spelling, in_force), Doubts::Last)
}

/// What is left of a rule when whatever no permission admits is gone, although what is wanted is said in another way: as another
/// application, or within something wider.
pub(crate) fn admitted(spelling: &Spelling, pairs: &Pairs<'_>) -> Option<Spelling> {
    let Spelling { direction, service, .. } = spelling;
    let claim = |local, peer| match pairs.calls_for(*direction, local, peer, service) {
        true => Claim::Wanted,
        false => Claim::Unwanted,
    };
    shrunk_to(spelling, &claim, Doubts::First)
}

/// What is left of a rule when it keeps what is wanted as it says it, and what is wanted in another way.
pub(crate) fn kept_or_admitted(
    spelling: &Spelling,
    in_force: Option<&Spelling>,
    pairs: &Pairs<'_>,
    doubts: Doubts,
) -> Option<Spelling> {
    let Spelling { direction, service, .. } = spelling;
    let claim = pairs.of_rule(spelling, in_force);
    let claim = |local, peer| match claim(local, peer) {
        Claim::Unwanted if pairs.calls_for(*direction, local, peer, service) => Claim::Wanted,
        claim @ (Claim::Wanted | Claim::InDoubt | Claim::Unwanted) => claim,
    };
    shrunk_to(spelling, &claim, doubts)
}

/// What comes first: what is in doubt, or the shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubts {
    /// What is wanted for certain gives way: it is said again by another rule.
    First,
    /// As where nothing can be said again: what has pairs in doubt gives way like anything else.
    Last,
}

fn shrunk_to(
    spelling: &Spelling,
    claim: &impl Fn(AddressRange, AddressRange) -> Claim,
    doubts: Doubts,
) -> Option<Spelling> {
    let mut left = spelling.clone();
    let mut tally = Tally::of(&left, claim);
    if tally.has_idle_members() {
        left.locals.retain(|local| !tally.locals[local].is_idle());
        left.peers.retain(|peer| !tally.peers[peer].is_idle());
        tally = Tally::of(&left, claim);
    }
    if doubts == Doubts::First && tally.has_doubts() {
        give_way_to_doubts(&mut left, &tally, claim);
        tally = Tally::of(&left, claim);
    }
    while let Some(worst) = tally.worst() {
        match worst {
            Member::Peer(peer) => left.peers.remove(&peer),
            Member::Local(local) => left.locals.remove(&local),
        };
        tally = Tally::of(&left, claim);
    }
    (!left.locals.is_empty() && !left.peers.is_empty()).then_some(left)
}

/// Takes out members without a pair in doubt that have an unwanted pair with one that has some.
fn give_way_to_doubts(left: &mut Spelling, tally: &Tally, claim: &impl Fn(AddressRange, AddressRange) -> Claim) {
    let is_unwanted = |local: AddressRange, peer: AddressRange| {
        local.family() == peer.family() && claim(local, peer) == Claim::Unwanted
    };
    let doubtful = |counts: &BTreeMap<AddressRange, Count>| -> BTreeSet<_> {
        counts.iter().filter(|(_, count)| count.in_doubt > 0).map(|(member, _)| *member).collect()
    };
    let (locals, peers) = (doubtful(&tally.locals), doubtful(&tally.peers));
    left.locals.retain(|local| locals.contains(local) || !peers.iter().any(|peer| is_unwanted(*local, *peer)));
    left.peers.retain(|peer| peers.contains(peer) || !locals.iter().any(|local| is_unwanted(*local, *peer)));
}

/// An address or a peer of a rule.
#[derive(Clone, Copy)]
enum Member {
    Local(AddressRange),
    Peer(AddressRange),
}

/// How many pairs of a member are wanted, in doubt, and unwanted.
#[derive(Clone, Copy, Default)]
struct Count {
    wanted: usize,
    in_doubt: usize,
    unwanted: usize,
}

impl Count {
    fn add(&mut self, claim: Claim) {
        match claim {
            Claim::Wanted => self.wanted += 1,
            Claim::InDoubt => self.in_doubt += 1,
            Claim::Unwanted => self.unwanted += 1,
        }
    }

    /// Whether no pair is to stay.
    fn is_idle(self) -> bool {
        self.wanted + self.in_doubt == 0
    }

    fn all(self) -> usize {
        self.wanted + self.in_doubt + self.unwanted
    }

    /// The share of unwanted pairs, comparable without fractions. A member without any pair says nothing.
    fn is_worse_than(self, other: Self) -> bool {
        self.unwanted * other.all() > other.unwanted * self.all()
    }
}

struct Tally {
    locals: BTreeMap<AddressRange, Count>,
    peers: BTreeMap<AddressRange, Count>,
}

impl Tally {
    fn of(spelling: &Spelling, claim: impl Fn(AddressRange, AddressRange) -> Claim) -> Self {
        let counts =
            |members: &BTreeSet<AddressRange>| members.iter().map(|member| (*member, Count::default())).collect();
        let mut tally = Self { locals: counts(&spelling.locals), peers: counts(&spelling.peers) };
        for (local, by_local) in &mut tally.locals {
            for (peer, by_peer) in &mut tally.peers {
                if local.family() == peer.family() {
                    let claim = claim(*local, *peer);
                    by_local.add(claim);
                    by_peer.add(claim);
                }
            }
        }
        tally
    }

    /// Whether some members have no pair that is to stay.
    fn has_idle_members(&self) -> bool {
        self.locals.values().chain(self.peers.values()).any(|count| count.is_idle())
    }

    /// Whether nobody can tell about some pairs.
    fn has_doubts(&self) -> bool {
        self.locals.values().any(|count| count.in_doubt > 0)
    }

    /// Which member goes next, if one has an unwanted pair.
    fn worst(&self) -> Option<Member> {
        let mut worst: Option<(Count, Member)> = None;
        let locals = self.locals.iter().map(|(local, count)| (*count, Member::Local(*local)));
        let peers = self.peers.iter().map(|(peer, count)| (*count, Member::Peer(*peer)));
        // Later ones win among equals: addresses come first, so that a peer goes before an address.
        for (count, member) in locals.chain(peers) {
            let no_better = worst.is_none_or(|(held, _)| !held.is_worse_than(count));
            if count.unwanted > 0 && no_better {
                worst = Some((count, member));
            }
        }
        worst.map(|(_, member)| member)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        range::Range,
        service::{Apps, L4},
        wanted::Origins,
    };

    fn ranges(texts: &[&str]) -> BTreeSet<AddressRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn ssh(locals: &[&str], peers: &[&str]) -> Spelling {
        let service = Service { l4: L4::Tcp(Range::single(22)), apps: Apps::Any };
        Spelling { direction: Direction::Ingress, locals: ranges(locals), peers: ranges(peers), service }
    }

    #[track_caller]
    fn check(rule: &Spelling, wanted_pairs: &[(&str, &str)], unknown: &[&str], expected: &str) {
        let atom = |(local, peer): &(&str, &str)| Atom {
            direction: Direction::Ingress,
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
            service: rule.service.clone(),
        };
        let atoms = wanted_pairs.iter().map(|pair| (atom(pair), Origins::default())).collect();
        let mut wanted = Wanted { atoms, ..Wanted::default() };
        wanted.unknown.add(Direction::Ingress, L4::Any, ranges(unknown));
        let pairs = Pairs::of(&wanted, &crate::sample::config());
        let left = shrunk(rule, Some(rule), &pairs).map_or_else(|| "nothing".to_owned(), |left| left.to_string());
        assert_eq!(left, expected);
    }

    #[test]
    fn what_is_wanted_stays_and_what_is_not_goes() {
        let rule = ssh(&["10.0.0.1", "10.0.0.2"], &["1.0.0.0/8", "2.0.0.0/8"]);
        let all = [
            ("10.0.0.1", "1.0.0.0/8"),
            ("10.0.0.1", "2.0.0.0/8"),
            ("10.0.0.2", "1.0.0.0/8"),
            ("10.0.0.2", "2.0.0.0/8"),
        ];
        check(&rule, &all, &[], "1.0.0.0/8,2.0.0.0/8 -> 10.0.0.1,10.0.0.2  tcp 22");
        check(&rule, &all[..2], &[], "1.0.0.0/8,2.0.0.0/8 -> 10.0.0.1  tcp 22");
        check(&rule, &[all[0], all[2]], &[], "1.0.0.0/8 -> 10.0.0.1,10.0.0.2  tcp 22");
        check(&rule, &[], &[], "nothing");
    }

    #[test]
    fn of_equal_shares_the_last_peer_goes_first() {
        let rule = ssh(&["10.0.0.1", "10.0.0.2"], &["1.0.0.0/8", "2.0.0.0/8"]);
        let three = [("10.0.0.1", "1.0.0.0/8"), ("10.0.0.1", "2.0.0.0/8"), ("10.0.0.2", "1.0.0.0/8")];
        check(&rule, &three, &[], "1.0.0.0/8 -> 10.0.0.1,10.0.0.2  tcp 22");
        let crossed = [("10.0.0.1", "1.0.0.0/8"), ("10.0.0.2", "2.0.0.0/8")];
        check(&rule, &crossed, &[], "1.0.0.0/8 -> 10.0.0.1  tcp 22");
    }

    #[test]
    fn an_address_in_doubt_keeps_what_it_has() {
        let rule = ssh(&["10.0.0.1", "10.0.0.2"], &["1.0.0.0/8"]);
        check(&rule, &[], &["10.0.0.2"], "1.0.0.0/8 -> 10.0.0.2  tcp 22");
        // Another address gives up its pairs rather than the peer, which it has in common with the one in doubt.
        let rule = ssh(&["10.0.0.1", "10.0.0.2"], &["1.0.0.0/8", "2.0.0.0/8"]);
        check(&rule, &[("10.0.0.1", "1.0.0.0/8")], &["10.0.0.2"], "1.0.0.0/8,2.0.0.0/8 -> 10.0.0.2  tcp 22");
        // What has none in doubt gives way, although more speaks for it.
        let rule = ssh(&["10.0.0.1", "10.0.0.2", "10.0.0.3"], &["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8"]);
        let wanted = [
            ("10.0.0.1", "1.0.0.0/8"),
            ("10.0.0.1", "2.0.0.0/8"),
            ("10.0.0.1", "3.0.0.0/8"),
            ("10.0.0.3", "1.0.0.0/8"),
            ("10.0.0.3", "2.0.0.0/8"),
        ];
        check(&rule, &wanted, &["10.0.0.2"], "1.0.0.0/8,2.0.0.0/8,3.0.0.0/8 -> 10.0.0.1,10.0.0.2  tcp 22");
        // A range that holds more than the addresses in doubt would let through what nobody is in doubt about.
        check(&ssh(&["10.0.0.0/24"], &["1.0.0.0/8"]), &[], &["10.0.0.2"], "nothing");
    }

    #[test]
    fn pairs_of_different_families_say_nothing() {
        let rule = ssh(&["10.0.0.1", "2001:db8::1"], &["0.0.0.0/0", "::/0"]);
        check(
            &rule,
            &[("10.0.0.1", "0.0.0.0/0"), ("2001:db8::1", "::/0")],
            &[],
            "any,any -> 10.0.0.1,2001:db8::1  tcp 22",
        );
        check(&rule, &[("10.0.0.1", "0.0.0.0/0")], &[], "any -> 10.0.0.1  tcp 22");
    }
}
