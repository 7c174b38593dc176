//! Which rules take the place of rules of ours: these go together, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::{Planner, Reason};
use crate::{
    address::AddressRange,
    change::{Direction, OwnedRule, Position, Spelling},
    firewall::{Addresses, Applications, RuleFacts, Services},
    id::OwnedName,
    rulebase::Owned,
    service::{Apps, Service},
};

impl Planner<'_> {
    /// Names what takes the place of a rule: of one that says nothing that can be kept, new ones that may say some of it; of others,
    /// what says in another way what they lose, new ones and those that let nothing through until they are put right.
    pub(super) fn find_replacements(&mut self) {
        let new = self.draft.puts.iter().filter(|(_, position)| matches!(position, Position::Above(_)));
        let new: Vec<_> = new.map(|(OwnedRule { name, spelling, .. }, _)| (name.clone(), spelling.clone())).collect();
        let repaired = self.repaired();
        let names = |is_meant: &dyn Fn(&Spelling) -> bool| -> BTreeSet<_> {
            let meant = new.iter().chain(&repaired).filter(|(_, said)| is_meant(said));
            meant.map(|(name, _)| name.clone()).collect()
        };
        for rule in self.rulebase.candidate.owned() {
            match self.draft.reasons.get_mut(&rule.name) {
                Some(Reason::Unreadable { replaced_by }) => {
                    let beside = new.iter().filter(|(_, said)| may_say_some(rule.facts, said));
                    *replaced_by = beside.map(|(name, _)| name.clone()).collect();
                }
                Some(Reason::Respelled { replaced_by }) => {
                    let respells =
                        |said: &Spelling| rule.spelling.as_ref().is_some_and(|ours| ours.is_respelled_by(said));
                    *replaced_by = names(&respells);
                }
                Some(_) | None => {}
            }
        }
        for (to_be_said, rules) in self.draft.respelled.values_mut() {
            rules.extend(names(&|said| to_be_said.iter().any(|rest| rest.is_respelled_by(said))));
        }
    }

    /// Rules of ours that are put right or lifted, and let nothing through until then, with what they will say.
    pub(super) fn repaired(&self) -> Vec<(OwnedName, Spelling)> {
        let kept: BTreeMap<_, _> = self.kept.iter().map(|(name, left)| (name, left)).collect();
        // Many rules are asked about, and many may be written.
        let written: BTreeSet<_> = self.draft.puts.iter().map(|(put, _)| &put.name).collect();
        let lifted: BTreeSet<_> = self.draft.lifts.iter().collect();
        let is_repaired = |rule: &&Owned<'_>| {
            lifted.contains(&rule.name) || (written.contains(&rule.name) && !rule.state.allows_what_it_says())
        };
        let repaired = self.rulebase.candidate.owned().filter(is_repaired);
        repaired.filter_map(|rule| Some((rule.name.clone(), (*kept.get(&rule.facts.name)?).clone()))).collect()
    }
}

/// Whether some packet may match the columns of a rule, and be one that this says.
fn may_say_some(facts: &RuleFacts, said: &Spelling) -> bool {
    let (locals, peers) = match said.direction {
        Direction::Ingress => (&facts.destination, &facts.source),
        Direction::Egress => (&facts.source, &facts.destination),
    };
    may_be_of(locals, &said.locals) && may_be_of(peers, &said.peers) && may_serve(facts, &said.service)
}

/// Whether some of these may be among the addresses of a rule.
fn may_be_of(addresses: &Addresses, some: &BTreeSet<AddressRange>) -> bool {
    match addresses {
        Addresses::Known { listed, .. } => listed.iter().any(|range| some.iter().any(|one| range.meets(*one))),
        Addresses::Unknown => true,
    }
}

/// Whether a rule may be about some of this service.
fn may_serve(facts: &RuleFacts, service: &Service) -> bool {
    let has_app = match (&facts.applications, &service.apps) {
        (Applications::Named(ours), Apps::Named(theirs)) => !ours.is_disjoint(theirs),
        (Applications::Any | Applications::Unknown, _) | (_, Apps::Any) => true,
    };
    let has_port = match &facts.service {
        Services::Ports { l4, .. } => l4.iter().any(|ours| ours.meets(service.l4)),
        Services::Any | Services::ApplicationDefault | Services::Unknown => true,
    };
    has_app && has_port
}
