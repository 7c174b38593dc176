//! What a report names beside a new rule.

use std::collections::BTreeSet;

use super::adding::Missing;
use crate::{
    allowed::{Doubtful, Overrides, Packet, Why},
    config::Config,
    id::RuleName,
    rulebase::Policy,
};

/// Foreign rules above ours that a report names beside a new one.
pub(super) struct Beside<'a> {
    overrides: Overrides<'a>,
    doubtful: Doubtful<'a>,
}

impl<'a> Beside<'a> {
    pub(super) fn of(policy: &Policy<'a>, config: &Config) -> Self {
        Self { overrides: Overrides::of(policy, config), doubtful: Doubtful::of(policy, config) }
    }

    pub(super) fn overriding(&mut self, atoms: &[&Missing<'_>]) -> BTreeSet<RuleName> {
        atoms.iter().flat_map(|missing| self.overrides.of_atom(missing.atom)).cloned().collect()
    }

    pub(super) fn narrowed(&mut self, gap: &Packet) -> Vec<(RuleName, Vec<Why>)> {
        self.doubtful.about(gap).into_iter().map(|may| (may.rule.name.clone(), may.depends_on)).collect()
    }
}
