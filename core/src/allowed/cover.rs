//! What of a configuration allows for certain, ready to be asked about many atoms.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    address::AddressRange,
    change::{Direction, Spelling},
    config::Config,
    firewall::{Action, Status},
    id::RuleName,
    range::Range,
    rulebase::{Policy, Rule},
    wanted::Atom,
};

use super::{
    Evidence, Packet, Packets, Verdict,
    below::Below,
    bits::{Bits, common},
    columns::{Allows, Columns, Side, StandardPorts, directions, wanted_ports},
    edges::Bearing,
    first_match::{Doubtful, May},
    index::Index,
    proof::{By, Candidate, Cube, Uncovered},
    question::{Question, Questions},
};

/// What of a configuration allows for certain, ready to be asked about many atoms. Atoms that are asked about in the order
/// of their addresses are answered fastest.
pub struct Cover<'a> {
    /// In order of evaluation; kept rules of ours stand above the bottom rule.
    allows: Allows<'a>,
    index: Index,
    below: Below,
    standard: StandardPorts<'a>,
    questions: Questions,
    /// Atoms that get a rule of ours, by direction and address.
    added: BTreeMap<(Direction, AddressRange), Vec<Columns<'a>>>,
    evidence: BTreeMap<Vec<u32>, Arc<[RuleName]>>,
    doubtful: Doubtful<'a>,
}

impl<'a> Cover<'a> {
    /// Prepares a configuration. Rules of ours do not count as they stand here: those that are kept are given apart.
    pub fn of(policy: &Policy<'a>, kept: &'a [(RuleName, Spelling)], config: &Config) -> Self {
        let (above, below) = policy.rules.split_at(policy.bottom);
        let above: Vec<_> = above.iter().filter_map(Rule::as_it_stands).chain(policy.deleted.iter().copied()).collect();
        let enabled = above.iter().filter(|facts| facts.status == Status::Enabled && facts.action == Action::Allow);
        let spoken: Vec<_> = enabled.map(|facts| (*facts, directions(facts, config))).collect();
        let mut allows = Allows::default();
        spoken.iter().for_each(|(facts, directions)| allows.add(facts, *directions));
        kept.iter().for_each(|(name, spelling)| allows.add_spelled(name, spelling));
        let below = below.iter().filter_map(Rule::as_it_stands).chain(&policy.configuration.default_rules);
        let below = Below::of(below, &mut allows, config);
        let standard = StandardPorts(policy.configuration);
        Self {
            index: Index::of(&allows.columns),
            allows,
            below,
            standard,
            questions: Questions::default(),
            added: BTreeMap::new(),
            evidence: BTreeMap::new(),
            doubtful: Doubtful::among(spoken, standard),
        }
    }

    /// From now on this atom counts as allowed, by a rule of ours that is not written yet.
    pub fn add(&mut self, atom: &'a Atom) {
        self.added.entry((atom.direction, atom.local)).or_default().push(Columns::wanted(atom));
    }

    /// Is every packet of the atom allowed for certain?
    pub fn verdict(&mut self, atom: &Atom) -> Verdict {
        let mut evidence = Vec::new();
        for asked in self.ask(atom) {
            if let Some(by) = asked.held() {
                evidence.push(by);
                continue;
            }
            if asked.first_is_bare() {
                return Verdict::Gap(asked.packets(asked.cube()).first());
            }
            let candidates = asked.candidates();
            let mut uncovered = Uncovered::of(asked.cube(), &candidates);
            if let Some(cube) = uncovered.next() {
                return Verdict::Gap(asked.packets(cube).first());
            }
            evidence.extend(uncovered.evidence());
        }
        Verdict::Allowed(self.evidence(evidence))
    }

    /// All packets of the atom that are not allowed for certain, as boxes without common packets.
    pub fn rest(&mut self, atom: &Atom) -> Vec<Packets> {
        let mut rest = Vec::new();
        for asked in self.ask(atom) {
            let candidates = asked.candidates();
            rest.extend(Uncovered::of(asked.cube(), &candidates).map(|cube| asked.packets(cube)));
        }
        rest
    }

    /// Allows above the bottom rule that may match this packet, but count for nothing because that depends on something
    /// else. In order of evaluation, and no more than a few.
    pub fn narrowed(&mut self, packet: &Packet) -> Vec<May<'a>> {
        self.doubtful.about(packet)
    }

    fn ask<'s>(&'s mut self, atom: &'s Atom) -> impl Iterator<Item = Asked<'s, 'a>> {
        let counting = self.below.counting(atom);
        let questions = self.questions.of(atom, &self.index, self.standard);
        let added = self.added.get(&(atom.direction, atom.local)).map(Vec::as_slice).unwrap_or_default();
        let [local, peer] = self.index.sides(atom);
        let allows = &self.allows.columns;
        questions.iter().map(move |question| Asked { atom, question, local, peer, allows, counting, added })
    }

    fn evidence(&mut self, mut by: Vec<By>) -> Evidence {
        by.sort_unstable();
        by.dedup();
        let adds = by.pop_if(|last| *last == By::Added).is_some();
        let numbers: Vec<_> = by
            .iter()
            .filter_map(|by| match by {
                By::Rule(number) => Some(*number),
                By::Added => None,
            })
            .collect();
        let names = &self.allows.names;
        let rules = self
            .evidence
            .entry(numbers)
            .or_insert_with_key(|numbers| numbers.iter().map(|number| names[*number as usize].clone()).collect());
        Evidence { rules: Arc::clone(rules), needs_new: adds }
    }
}

/// An atom as one of its applications, and what bears on it.
#[derive(Clone, Copy)]
struct Asked<'s, 'a> {
    atom: &'s Atom,
    question: &'s Question,
    local: &'s Bearing,
    peer: &'s Bearing,
    allows: &'s [Columns<'a>],
    /// How many of them count.
    counting: usize,
    added: &'s [Columns<'a>],
}

impl<'s> Asked<'s, '_> {
    fn cube(&self) -> Cube {
        let Atom { local, peer, service, .. } = self.atom;
        Cube { local: *local, peer: *peer, ports: wanted_ports(service.l4) }
    }

    /// One rule that holds all of it.
    fn held(&self) -> Option<By> {
        let rule = self.rules(Bearing::holds).next().map(By::rule);
        rule.or_else(|| self.added().any(|added| added.holds(self.cube())).then_some(By::Added))
    }

    /// Whether the first packet is allowed by nothing: quickly told, and often so where the whole is not held.
    fn first_is_bare(&self) -> bool {
        let Cube { local, peer, ports } = self.cube();
        let first = Cube {
            local: Range::single(local.first()),
            peer: Range::single(peer.first()),
            ports: Range::single(ports.first()),
        };
        self.rules(Bearing::first).next().is_none() && !self.added().any(|added| added.holds(first))
    }

    fn candidates(&self) -> Vec<Candidate<'s>> {
        let rules = self.rules(Bearing::meets).map(|number| self.candidate(&self.allows[number], By::rule(number)));
        rules.chain(self.added()).collect()
    }

    fn rules(&self, which: fn(&Bearing) -> &Bits) -> impl Iterator<Item = usize> {
        let counting = self.counting;
        common([self.local, self.peer, &self.question.rules].map(which)).take_while(move |number| *number < counting)
    }

    fn added(&self) -> impl Iterator<Item = Candidate<'s>> {
        let app = self.question.app.as_ref();
        let admitting = self.added.iter().filter(move |added| added.apps.admits(app));
        admitting.map(|added| self.candidate(added, By::Added))
    }

    fn candidate(&self, columns: &'s Columns<'_>, rule: By) -> Candidate<'s> {
        Candidate {
            local: columns.side(self.atom.direction, Side::Local),
            peer: columns.side(self.atom.direction, Side::Peer),
            ports: columns.ports.of(self.atom.service.l4, self.question.standard.as_ref()),
            rule,
        }
    }

    fn packets(&self, cube: Cube) -> Packets {
        Packets {
            direction: self.atom.direction,
            local: cube.local,
            peer: cube.peer,
            l4: self.atom.service.l4.with_ports(cube.ports),
            app: self.question.app.clone(),
        }
    }
}
