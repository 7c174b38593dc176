//! Which of many rules may match an atom: those that a report names beside a new rule of ours.

use crate::{
    address::AddressRange,
    change::Direction,
    config::Config,
    firewall::{Addresses, Applications, RuleFacts, Services},
    service::{Apps, L4},
    wanted::Atom,
};

use super::{
    columns::{Columns, directions},
    index::Index,
};

/// Rules that are asked which of them may match an atom. The first few questions are answered rule by rule: an index of all
/// of them is worth its making only when there are more.
pub(super) struct Possible<'a> {
    rules: Vec<(&'a RuleFacts, [bool; 2])>,
    asked: usize,
    index: Option<Index>,
}

/// Questions that are answered without an index. Making one takes about as long as these do.
const SCANNED_MAX: usize = 16;

impl<'a> Possible<'a> {
    /// Of these rules, in the order of evaluation.
    pub(super) fn of(rules: impl Iterator<Item = &'a RuleFacts>, config: &Config) -> Self {
        Self::among(rules.map(|facts| (facts, directions(facts, config))).collect())
    }

    /// The same of rules with the directions that each speaks of.
    pub(super) fn among(rules: Vec<(&'a RuleFacts, [bool; 2])>) -> Self {
        Self { rules, asked: 0, index: None }
    }

    /// The rules that may match some packet of an atom, in the order of evaluation, and no more than so many.
    pub(super) fn matching(&mut self, atom: &Atom, most: usize) -> Vec<&'a RuleFacts> {
        let Self { rules, asked, index } = self;
        *asked += 1;
        if *asked <= SCANNED_MAX {
            let matching = rules.iter().filter(|(facts, directions)| may_match(facts, *directions, atom));
            return matching.map(|(facts, _)| *facts).take(most).collect();
        }
        let index = index.get_or_insert_with(|| {
            let columns = rules.iter().map(|(facts, directions)| Columns::at_most(facts, *directions));
            Index::of(&columns.collect::<Vec<_>>())
        });
        index.possible(atom, most).into_iter().map(|number| rules[number].0).collect()
    }
}

/// Whether a rule may match some packet of an atom, for all that configuration alone can tell.
fn may_match(facts: &RuleFacts, directions: [bool; 2], atom: &Atom) -> bool {
    let (local, peer) = match atom.direction {
        Direction::Ingress => (&facts.destination, &facts.source),
        Direction::Egress => (&facts.source, &facts.destination),
    };
    directions[atom.direction as usize]
        && may_meet(local, atom.local)
        && may_meet(peer, atom.peer)
        && may_carry(&facts.service, atom.service.l4)
        && may_be(&facts.applications, &atom.service.apps)
}

fn may_meet(addresses: &Addresses, range: AddressRange) -> bool {
    match addresses {
        Addresses::Known { set, .. } => set.meets(range),
        Addresses::Unknown => true,
    }
}

fn may_carry(service: &Services, wanted: L4) -> bool {
    match service {
        Services::Ports { l4, .. } => wanted == L4::Any || l4.iter().any(|held| held.intersection(wanted).is_some()),
        Services::Any | Services::ApplicationDefault | Services::Unknown => true,
    }
}

fn may_be(applications: &Applications, wanted: &Apps) -> bool {
    match (applications, wanted) {
        (Applications::Named(names), Apps::Named(wanted)) => !names.is_disjoint(wanted),
        (Applications::Any | Applications::Unknown, _) | (Applications::Named(_), Apps::Any) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    /// What is found does not depend on how many have asked before.
    #[test]
    fn an_index_finds_what_a_look_at_every_rule_finds() {
        let rules: Vec<_> = [
            "all any -> any",
            "peer 8.8.8.0/25 -> any",
            "local any -> 10.0.1.10",
            "both 8.8.8.8 -> 10.0.1.10 tcp/20-25",
            "host any -> any fqdn tcp/22",
            "ssh any -> any app:ssh",
            "default any -> any app:ssh,ssl app-default",
            "web any -> any app:ssl tcp/443",
            "udp any -> any udp/53",
            "ping any -> any app:ping app-default",
            "out any -> any from:trust to:untrust",
            "zones any -> any from:any to:any",
            "staff any -> any user",
        ]
        .map(sample::rule)
        .into();
        let atoms = [
            "8.8.8.8 -> 10.0.1.10 ssh@tcp/22",
            "8.8.0.0/16 -> 10.0.1.0/24 tcp/22-23",
            "9.9.9.9 -> 10.0.1.11 ssl@tcp/443",
            "0.0.0.0/0 -> 10.0.1.10 udp/53",
            "0.0.0.0/0 -> 10.0.1.10 all",
            "8.8.8.200 -> 10.0.1.10 ping@ip/1",
        ];
        let config = sample::config();
        let mut asked_often = Possible { asked: SCANNED_MAX, ..Possible::of(rules.iter(), &config) };
        let mut most_found = 0;
        for direction in [Direction::Ingress, Direction::Egress] {
            for atom in atoms.map(|text| Atom { direction, ..sample::atom(text) }) {
                for most in [1, 4, rules.len()] {
                    let scanned = Possible::of(rules.iter(), &config).matching(&atom, most);
                    assert_eq!(scanned, asked_often.matching(&atom, most), "{atom}");
                    most_found = most_found.max(scanned.len());
                }
            }
        }
        assert!(asked_often.index.is_some());
        assert_eq!(most_found, 12, "all but the one that goes the other way");
    }
}
