//! What is wanted and nothing allows, and the rules that say it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    DESCRIPTION_MAX, Lost, News, Planner, Reason, Repairs, Stamp, Standing,
    beside::Beside,
    grouping::{RuleKey, by_peers, grouped, width},
    spelled::Spelled,
};
use crate::{
    allowed::{Cover, Packet, Verdict},
    change::{OwnedRule, Position, Spelling},
    event::Cause,
    firewall::Status,
    id::{GroupId, InterfaceId, OwnedName, RuleName, Subject},
    rulebase::{OwnedState, Rulebase},
    wanted::{Atom, Origins, Wanted},
};

/// An atom that nothing allows, with the evidence.
pub(super) struct Missing<'w> {
    /// Its place among all wanted atoms.
    pub(super) index: usize,
    pub(super) atom: &'w Atom,
    pub(super) origins: &'w Origins,
    pub(super) gap: Packet,
    /// Which of the rules that the firewall does not take says it.
    pub(super) refused: Option<usize>,
    pub(super) novelty: Novelty,
}

/// Whether a rule of ours says it in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Novelty {
    /// One does that goes, or becomes less.
    Regained,
    /// One did until an administrator disabled it, and it becomes less now: their override holds for the new rule as well.
    SwitchedOff,
    /// None does.
    New,
}

impl Planner<'_> {
    /// Step 2: what no rule of ours spells out is tested, widest first, against both configurations. The standings of what
    /// is missing are filled in when it has a rule.
    pub(super) fn missing<'w>(&self, wanted: &'w Wanted) -> (Vec<Missing<'w>>, Vec<Option<Standing>>) {
        let spelled = Spelled::of(&self.spelled);
        let ours = |atom: &Atom| spelled.by(atom).map(|name| Standing::Ours(name.clone()));
        let mut standings: Vec<_> = wanted.atoms.keys().map(ours).collect();
        let lost = self.lost();
        let switched_off = self.switched_off();
        let switched_off = Spelled::of(&switched_off);
        let all = wanted.atoms.iter().enumerate();
        let mut open: Vec<_> = all.filter(|(index, _)| standings[*index].is_none()).collect();
        // By address, which is fastest to ask: only atoms of the same address make each other needless.
        open.sort_by_cached_key(|(_, (atom, _))| {
            let is_first = self.learned.news == News::LeftOut && lost.says(atom);
            (!is_first, atom.direction, atom.local, Reverse(width(atom)))
        });
        let mut covers = self.covers(&self.kept);
        let standing = self.kept_but_for_left_out();
        let mut of_standing = standing.as_deref().map(|kept| self.covers(kept));
        let mut missing: Vec<Missing<'_>> = Vec::new();
        for (index, (atom, origins)) in open {
            let asked = match &mut of_standing {
                Some(of_standing) if lost.says(atom) => of_standing,
                Some(_) | None => &mut covers,
            };
            match verdict(asked, atom) {
                Verdict::Allowed(by) => standings[index] = Some(Standing::Allowed(by)),
                Verdict::Gap(gap) => {
                    let refused = self.learned.refused.iter().position(|spelling| spelling.says(atom));
                    let novelty = match (lost.says(atom), switched_off.by(atom)) {
                        (true, _) => Novelty::Regained,
                        (false, Some(_)) => Novelty::SwitchedOff,
                        (false, None) => Novelty::New,
                    };
                    // What the firewall would misread, or has refused, is not written, and what is disabled allows nothing.
                    let is_misread = self.rulebase.names.misread(&atom.service);
                    if refused.is_none() && !is_misread && novelty != Novelty::SwitchedOff {
                        covers.iter_mut().chain(of_standing.iter_mut().flatten()).for_each(|cover| cover.add(atom));
                    }
                    missing.push(Missing { index, atom, origins, gap, refused, novelty });
                }
            }
        }
        // The widest is the one that the report shows.
        missing.sort_by_cached_key(|missing| Reverse(width(missing.atom)));
        (missing, standings)
    }

    /// Rules of ours that will allow something, but for those whose repair is left out: what others lose does not count as allowed by
    /// them. Nothing, if that is all of them.
    fn kept_but_for_left_out(&self) -> Option<Vec<(RuleName, Spelling)>> {
        let is_left_out = |name: &OwnedName| match self.learned.repairs {
            Repairs::Made => false,
            Repairs::Without(names) => names.contains(name),
            Repairs::LeftOut => true,
        };
        if self.learned.repairs == Repairs::Made {
            return None;
        }
        let left_out = self.repaired().into_iter().filter(|(name, _)| is_left_out(name));
        let left_out: BTreeSet<_> = left_out.map(|(name, _)| name.rule_name()).collect();
        let standing = self.kept.iter().filter(|(name, _)| !left_out.contains(name)).cloned();
        (!left_out.is_empty()).then(|| standing.collect())
    }

    /// What rules of ours say in force that go, or become less.
    fn lost(&self) -> Lost<'_> {
        let kept: BTreeMap<_, _> = self.kept.iter().map(|(name, left)| (name, left)).collect();
        self.lost_unless(|name, said| kept.get(&name.rule_name()).is_some_and(|left| left.holds(said)))
    }

    /// The same, of what the candidate does not let through any more.
    fn lost_already(&self) -> Lost<'_> {
        let candidate = &self.rulebase.candidate;
        let sunken = candidate.sunken();
        let standing =
            candidate.owned().filter(|rule| rule.state.allows_what_it_says() && !sunken.contains(&rule.name));
        let standing: BTreeMap<_, _> = standing.map(|rule| (&rule.name, rule)).collect();
        self.lost_unless(|name, said| {
            standing.get(name).is_some_and(|rule| rule.spellings().any(|now| Lost::of(now).holds(said)))
        })
    }

    /// Which of what is missing is lost in the candidate already.
    fn restored(&self, missing: &[Missing<'_>]) -> BTreeSet<usize> {
        let lost = self.lost_already();
        let disabled = self.rulebase.candidate.owned().filter(|rule| rule.state == OwnedState::Disabled);
        let switched_off: Vec<_> = disabled.flat_map(|rule| rule.spellings().cloned()).collect();
        let is_restored = |missing: &&Missing<'_>| match missing.novelty {
            Novelty::Regained => lost.says(missing.atom),
            Novelty::SwitchedOff => !switched_off.iter().any(|said| said.says(missing.atom)),
            Novelty::New => false,
        };
        missing.iter().filter(is_restored).map(|missing| missing.index).collect()
    }

    fn lost_unless(&self, is_kept: impl Fn(&OwnedName, &Spelling) -> bool) -> Lost<'_> {
        let running = &self.rulebase.running;
        let sunken = running.sunken();
        let mut lost = Lost::default();
        for rule in running.owned().filter(|rule| rule.state.allows_what_it_says() && !sunken.contains(&rule.name)) {
            rule.spellings().filter(|said| !is_kept(&rule.name, said)).for_each(|said| lost.add(said));
        }
        lost
    }

    /// What rules of ours spell out that an administrator has disabled, as they stand and as they are in force: what one of them
    /// loses is theirs to switch on again.
    fn switched_off(&self) -> Vec<(OwnedName, Spelling)> {
        let Rulebase { candidate, running, .. } = self.rulebase;
        let disabled = candidate.owned().chain(running.owned()).filter(|rule| rule.state == OwnedState::Disabled);
        disabled.flat_map(|rule| rule.spellings().map(|said| (rule.name.clone(), said.clone()))).collect()
    }

    /// One proof for each configuration; one for both where they are the same.
    fn covers<'c>(&'c self, kept: &'c [(RuleName, Spelling)]) -> Vec<Cover<'c>> {
        let Rulebase { candidate, running, .. } = self.rulebase;
        let mut policies = vec![candidate];
        if !std::ptr::eq(candidate.configuration, running.configuration) {
            policies.push(running);
        }
        policies.into_iter().map(|policy| Cover::of(policy, kept, self.config)).collect()
    }

    /// Step 3: missing atoms of one group and one service become one rule, named after its cause.
    pub(super) fn add(&mut self, missing: &[Missing<'_>], causes: &[Cause], standings: &mut [Option<Standing>]) {
        if missing.is_empty() {
            return;
        }
        let restored = self.restored(missing);
        let mut numbers = self.rulebase.numbers();
        let mut beside = Beside::of(&self.rulebase.candidate, self.config);
        for (key, atoms) in grouped(missing, causes) {
            for (peers, locals) in by_peers(&atoms) {
                let name = numbers.next(&key.subject);
                let atoms: Vec<_> =
                    atoms.iter().filter(|missing| locals.contains(&missing.atom.local)).copied().collect();
                let spelling = Spelling { direction: key.direction, locals, peers, service: key.service.clone() };
                for missing in &atoms {
                    standings[missing.index] = Some(Standing::Added(name.clone()));
                }
                match key.novelty {
                    Novelty::Regained => {
                        if atoms.iter().any(|missing| restored.contains(&missing.index)) {
                            self.draft.restored.insert(name.clone());
                        }
                        self.draft.regained.insert(name.clone());
                    }
                    Novelty::SwitchedOff => {
                        if atoms.iter().any(|missing| restored.contains(&missing.index)) {
                            self.draft.restored.insert(name.clone());
                        }
                        self.ties(&name, &atoms);
                    }
                    Novelty::New => {}
                }
                self.put_new(name, &spelling, &atoms, &mut beside, &key, causes);
            }
        }
    }

    /// Ties disabled rules that lose something to the new one that says it.
    fn ties(&mut self, new: &OwnedName, atoms: &[&Missing<'_>]) {
        let switched_off = self.switched_off();
        let spelled = Spelled::of(&switched_off);
        for name in atoms.iter().filter_map(|missing| spelled.by(missing.atom)) {
            self.draft.switched_off.entry(name.clone()).or_default().insert(new.clone());
        }
    }

    fn put_new(
        &mut self,
        name: OwnedName,
        spelling: &Spelling,
        atoms: &[&Missing<'_>],
        beside: &mut Beside<'_>,
        RuleKey { group, novelty, .. }: &RuleKey,
        causes: &[Cause],
    ) {
        let origins: Origins =
            atoms.iter().flat_map(|missing| missing.origins).filter(|origin| origin.group == *group).cloned().collect();
        let rule = OwnedRule {
            service: self.service_column(&spelling.service),
            status: if *novelty == Novelty::SwitchedOff { Status::Disabled } else { Status::Enabled },
            description: self.description(group, &origins, causes),
            ..self.blank(name.clone(), spelling)
        };
        self.draft.puts.push((rule, Position::Above(self.config.bottom_rule.clone())));
        if let Some(first) = atoms.first() {
            let reason = Reason::Wanted {
                gap: first.gap.clone(),
                origins,
                overridden_by: beside.overriding(atoms),
                narrowed: beside.narrowed(&first.gap),
            };
            self.draft.reasons.insert(name, reason);
        }
    }

    /// Whose the rule is and why it is there, for whoever meets it on the firewall.
    fn description(&self, group: &GroupId, origins: &Origins, causes: &[Cause]) -> String {
        let cause = causes
            .iter()
            .find(|cause| match &cause.subject {
                Subject::Group(id) => id == group,
                Subject::Instance(id) => origins.iter().any(|origin| origin.instance.as_ref() == Some(id)),
            })
            .map_or_else(|| "found missing".to_owned(), ToString::to_string);
        let interfaces: BTreeSet<&InterfaceId> = origins.iter().map(|origin| &origin.interface).collect();
        let shown: Vec<_> = interfaces.iter().take(8).map(|id| id.as_str()).collect();
        let more = match interfaces.len() - shown.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let stamp = Stamp { account: self.inventory.account.clone(), region: self.inventory.region.clone() };
        let said = format!("{stamp}; {group} on {}{more}; {cause}", shown.join(", "));
        // The event's name is whatever a log said.
        said.chars().filter(|c| !c.is_control()).take(DESCRIPTION_MAX).collect()
    }
}

/// Allowed means allowed in both configurations; the evidence is the candidate's.
fn verdict(covers: &mut [Cover<'_>], atom: &Atom) -> Verdict {
    let mut verdicts = covers.iter_mut().map(|cover| cover.verdict(atom));
    let first = verdicts.next().expect("there is always a candidate");
    match first {
        Verdict::Gap(_) => first,
        Verdict::Allowed(_) => verdicts.find(|other| matches!(other, Verdict::Gap(_))).unwrap_or(first),
    }
}
