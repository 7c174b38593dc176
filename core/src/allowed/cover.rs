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
    service::L4,
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
    added: BTreeMap<(Direction, AddressRange), Vec<Added<'a>>>,
    evidence: BTreeMap<Vec<u32>, Arc<[RuleName]>>,
    doubtful: Doubtful<'a>,
    /// Whether zones do not tell which way a rule of ours goes.
    either_way: bool,
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
        let either_way = config.goes_either_way();
        kept.iter().for_each(|(name, spelling)| allows.add_spelled(name, spelling, either_way));
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
            either_way,
        }
    }

    /// From now on this atom counts as allowed, by a rule of ours that is not written yet.
    pub fn add(&mut self, atom: &'a Atom) {
        let mut add = |direction, local, peer| {
            let columns = Columns::wanted(atom, self.either_way);
            self.added.entry((direction, local)).or_default().push(Added { peer, l4: atom.service.l4, columns });
        };
        add(atom.direction, atom.local, atom.peer);
        if self.either_way {
            add(atom.direction.opposite(), atom.peer, atom.local);
        }
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
        let numbers: Vec<_> = by.into_iter().filter_map(By::number).collect();
        let names = &self.allows.names;
        let rules = self
            .evidence
            .entry(numbers)
            .or_insert_with_key(|numbers| numbers.iter().map(|number| names[*number as usize].clone()).collect());
        Evidence { rules: Arc::clone(rules), needs_new: adds }
    }
}

/// An atom that gets a rule of ours, read one way, and what that rule says.
struct Added<'a> {
    peer: AddressRange,
    l4: L4,
    columns: Columns<'a>,
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
    added: &'s [Added<'a>],
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
        let (Atom { peer, service, .. }, app) = (self.atom, self.question.app.as_ref());
        // There may be thousands: what is told fastest comes first.
        let bearing = self.added.iter().filter(move |added| {
            added.peer.meets(*peer) && added.l4.meets(service.l4) && added.columns.apps.admits(app)
        });
        bearing.map(|added| self.candidate(&added.columns, By::Added))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rulebase::Rulebase, sample};

    impl Packets {
        fn hold(&self, packet: &Packet) -> bool {
            let [local, peer] = [packet.local, packet.peer].map(Range::single);
            let sides = self.local.contains(local) && self.peer.contains(peer);
            sides && self.l4.contains(packet.l4) && self.app == packet.app
        }
    }

    /// Everything that a configuration says about an atom, when these rules of ours are kept and these atoms added.
    #[track_caller]
    fn check(rules: &str, kept: &[&str], added: &[&str], atom: &str, expected: &[&str]) {
        let (config, firewall) = (sample::config(), sample::quiet(sample::configuration(rules)));
        let rulebase = Rulebase::read(&firewall, &config).unwrap();
        let kept: Vec<_> = (1..)
            .zip(kept)
            .map(|(number, text)| (format!("sg-a-{number}").parse().unwrap(), sample::spelling(text)))
            .collect();
        let added: Vec<_> = added.iter().map(|text| sample::atom(text)).collect();
        let mut cover = Cover::of(&rulebase.candidate, &kept, &config);
        added.iter().for_each(|atom| cover.add(atom));
        let atom = sample::atom(atom);
        let mut said: Vec<_> = cover.rest(&atom).iter().map(Packets::to_string).collect();
        match cover.verdict(&atom) {
            Verdict::Allowed(by) => said.push(format!("allowed by {by}")),
            Verdict::Gap(packet) => {
                let rest = cover.rest(&atom);
                assert!(rest.iter().any(|packets| packets.hold(&packet)), "{packet} is in no box");
                said.extend(cover.narrowed(&packet).iter().map(May::to_string));
            }
        }
        assert_eq!(said, expected, "{rules}");
    }

    const SSH: &str = "8.8.8.0/24 -> 10.0.1.10 ssh@tcp/22";

    #[test]
    fn the_rest_is_all_that_nothing_allows() {
        check("web any -> any", &[], &[], SSH, &["allowed by `web`"]);
        check("", &[], &[], SSH, &["8.8.8.0/24 -> 10.0.1.10 tcp 22 (ssh)"]);
        check(
            "a 8.8.8.16/28 -> any tcp/8000-8083\n b any -> any tcp/8088",
            &[],
            &[],
            "8.8.8.0/24 -> 10.0.1.10 tcp/8080-8090",
            &[
                "8.8.8.0/28 -> 10.0.1.10 tcp 8080-8087",
                "8.8.8.32-8.8.8.255 -> 10.0.1.10 tcp 8080-8087",
                "8.8.8.16/28 -> 10.0.1.10 tcp 8084-8087",
                "8.8.8.0/24 -> 10.0.1.10 tcp 8089-8090",
            ],
        );
        check(
            "a any -> any app:ping app-default",
            &[],
            &[],
            "8.8.8.8 -> 10.0.1.10 icmp,ping@ip/1",
            &["8.8.8.8 -> 10.0.1.10 protocol 1 (icmp)"],
        );
    }

    #[test]
    fn kept_rules_and_added_atoms_allow_as_well() {
        let halves = ["8.8.8.0/25 -> 10.0.1.10,10.0.1.11 ssh@tcp/22"];
        check("web 8.8.8.128/25 -> any", &halves, &[], SSH, &["allowed by `web` and `sg-a-1`"]);
        check(
            "web any -> 10.0.1.11",
            &halves,
            &["8.8.8.128/25 -> 10.0.1.10 tcp/20-30"],
            SSH,
            &["allowed by `sg-a-1` and a new rule"],
        );
        check("", &[], &["0.0.0.0/0 -> 10.0.1.10 tcp/20-30"], SSH, &["allowed by a new rule"]);
        // Another address, another application, another protocol.
        for other in
            ["8.8.8.0/24 -> 10.0.1.11 tcp/22", "8.8.8.0/24 -> 10.0.1.10 ssl@tcp/22", "8.8.8.0/24 -> 10.0.1.10 udp/22"]
        {
            check("", &[], &[other], SSH, &["8.8.8.0/24 -> 10.0.1.10 tcp 22 (ssh)"]);
        }
    }

    #[test]
    fn allows_that_do_not_count_are_named_with_what_it_depends_on() {
        let rules = "off any -> any disabled\n no any -> any deny\n other any -> any tcp/23\n part 8.8.8.128/25 -> any\n \
                     staff any -> any user\n host any -> any fqdn\n foo any -> any app:ssh,foo app-default user\n \
                     clean-up any -> any deny\n below any -> any user";
        check(
            rules,
            &[],
            &[],
            SSH,
            &[
                "8.8.8.0/25 -> 10.0.1.10 tcp 22 (ssh)",
                "`staff` depends on users",
                "`host` depends on address `host`",
                "`foo` depends on users",
            ],
        );
        let rules = "ssl any -> any app:ssl\n default any -> any app-default\n ssh any -> any app:ssh app-default";
        check(
            rules,
            &[],
            &[],
            "8.8.8.8 -> 10.0.1.10 tcp/22",
            &[
                "8.8.8.8 -> 10.0.1.10 tcp 22",
                "`ssl` depends on the application",
                "`default` depends on the application",
                "`ssh` depends on the application",
            ],
        );
        check(
            "foo any -> any app:foo app-default",
            &[],
            &[],
            "8.8.8.8 -> 10.0.1.10 foo@tcp/22",
            &["8.8.8.8 -> 10.0.1.10 tcp 22 (foo)", "`foo` depends on the standard ports of `foo`"],
        );
    }

    #[test]
    fn no_more_than_a_few_are_named() {
        let rules: String = (0..20).map(|n| format!("r{n} any -> any user\n")).collect();
        let named: Vec<_> = (0..8).map(|n| format!("`r{n}` depends on users")).collect();
        let expected = ["8.8.8.0/24 -> 10.0.1.10 tcp 22 (ssh)"].into_iter().chain(named.iter().map(String::as_str));
        check(&rules, &[], &[], SSH, &expected.collect::<Vec<_>>());
    }
}
