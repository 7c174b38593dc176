//! Foreign rules above the bottom rule that deny: the report says what they block of ours.

use crate::{
    config::Config,
    firewall::{Action, Status},
    id::RuleName,
    rulebase::Policy,
    wanted::Atom,
};

use super::possible::Possible;

/// How many rules are named for one atom.
const NAMED_MAX: usize = 8;

/// Foreign rules above the bottom rule that may block packets of ours, for the report: our rule takes effect when the
/// administrator lifts them.
pub struct Overrides<'a>(Possible<'a>);

impl<'a> Overrides<'a> {
    /// Finds them once for all atoms.
    pub fn of(policy: &Policy<'a>, config: &Config) -> Self {
        let above = policy.foreign().take_while(|(index, _)| *index < policy.bottom).map(|(_, facts)| facts);
        let denies = above.filter(|facts| {
            facts.status == Status::Enabled && facts.action == Action::Deny && facts.narrowed_by.is_empty()
        });
        Self(Possible::of(denies, config))
    }

    /// The first few of those that may block packets of this atom: a wide one can be in the way of thousands.
    pub fn of_atom(&mut self, atom: &Atom) -> Vec<&'a RuleName> {
        self.0.matching(atom, NAMED_MAX).into_iter().map(|facts| &facts.name).collect()
    }
}
