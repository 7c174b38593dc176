//! What a commit proposes: by that, one that failed is known again.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::{Owned, OwnedState, Policy, Wrong};
use crate::{
    change::{Change, OwnedRule, Spelling},
    firewall::{Digest, Naming, Profiles, RuleFacts, Status, Zones},
    id::OwnedName,
};

impl Policy<'_> {
    /// The hash of what our rules will be here once these changes are made. Names do not count: the same rules under other
    /// names would fail to commit in the same way.
    pub fn digest_after(&self, changes: &[Change]) -> Digest {
        let mut lines: Vec<_> = self.proposed_after(changes).into_values().collect();
        lines.sort_unstable();
        Digest(hash(&lines))
    }

    /// The hash of what they will be, and under which names.
    pub fn naming_after(&self, changes: &[Change]) -> Naming {
        let proposed = self.proposed_after(changes);
        let lines: Vec<_> = proposed.into_iter().map(|(name, proposed)| format!("{name} {proposed}")).collect();
        Naming(u32::try_from(hash(&lines) >> 32).unwrap_or_default())
    }

    /// What a commit proposes for each of our rules once these changes are made.
    fn proposed_after<'r>(&'r self, changes: &'r [Change]) -> BTreeMap<&'r OwnedName, String> {
        let mut rules: BTreeMap<_, _> = self.owned().map(|rule| (&rule.name, rule.proposed())).collect();
        let mut sunken = self.sunken();
        for change in changes {
            match change {
                Change::Put(rule, _) => {
                    rules.insert(&rule.name, rule.proposed());
                }
                Change::Delete(name) => {
                    rules.remove(name);
                }
                Change::Lift(name, _) => {
                    sunken.remove(name);
                }
                Change::Tag(_) | Change::Service(_) | Change::Drop(_) | Change::Adopt(_) => {}
            }
        }
        for (name, proposed) in &mut rules {
            proposed.push_str(if sunken.contains(*name) { " below\n" } else { "\n" });
        }
        rules
    }
}

/// The first bytes of the SHA-256 of these lines.
fn hash(lines: &[String]) -> u64 {
    let mut hasher = Sha256::new();
    lines.iter().for_each(|line| hasher.update(line));
    let hash = hasher.finalize();
    hash.iter().take(8).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

impl Owned<'_> {
    /// What a commit proposes for the rule as it stands.
    fn proposed(&self) -> String {
        let RuleFacts { from, to, profiles, status, .. } = self.facts;
        let mut wrong = if let OwnedState::Wrong(wrong) = &self.state { wrong.clone() } else { BTreeSet::new() };
        // These speak for themselves: a rule that we write with the profiles that it has in force is told by them alone.
        wrong.remove(&Wrong::Zones);
        wrong.remove(&Wrong::Profiles);
        proposed(self.spelling.as_ref(), *status, [from, to], profiles, &wrong)
    }
}

impl OwnedRule {
    /// What a commit proposes for the rule once it is written.
    fn proposed(&self) -> String {
        let [from, to] = [&self.from, &self.to].map(|zone| Zones::Named(BTreeSet::from([zone.clone()])));
        proposed(Some(&self.spelling), self.status, [&from, &to], &self.profiles(), &BTreeSet::new())
    }
}

/// Whatever of a rule of ours may be why its commit fails. Columns, not sides: where zones do not tell which way a rule goes, it is
/// the same rule read either way.
fn proposed(
    spelling: Option<&Spelling>,
    status: Status,
    zones: [&Zones; 2],
    profiles: &Profiles,
    wrong: &BTreeSet<Wrong>,
) -> String {
    let said = spelling.map(|spelling| format!("{:?} {:?}", spelling.columns(), spelling.service));
    format!("{status:?} {said:?} {zones:?} {profiles:?} {wrong:?}")
}
