//! Runs that a person asks for once, and that need no look at AWS: one leaves nothing of ours, one adopts what an older tool made.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{Next, Run, State, Trigger, Wake, commit::Afterwards, decide::summary};
use crate::{
    change::{Change, OwnObject},
    config::{Config, Limits, Mode},
    firewall::Firewall,
    plan::{Note, adoption, removal},
    report::{Ending, Problem},
    rulebase::Rulebase,
};

/// What a run is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The firewall follows AWS.
    InStep,
    /// Nothing of ours is to be left; these objects the firewall did not let go.
    Removal(BTreeSet<OwnObject>),
    /// Rules of the Lambda function of 2016 become ours: all, or those of these names.
    Adoption(BTreeSet<String>),
}

impl Run {
    /// A run that removes every rule and object of ours, whatever mode and limits say. Jitter is drawn from `seed`.
    pub fn removal(config: Config, budget: Duration, seed: u64) -> Self {
        Self::for_once(Purpose::Removal(BTreeSet::new()), config, budget, seed)
    }

    /// A run that adopts the rules of the Lambda function of 2016, or of these names, whatever mode and limits say.
    pub fn adoption(config: Config, only: BTreeSet<String>, budget: Duration, seed: u64) -> Self {
        Self::for_once(Purpose::Adoption(only), config, budget, seed)
    }

    fn for_once(purpose: Purpose, config: Config, budget: Duration, seed: u64) -> Self {
        let config = Config { mode: Mode::Sync, limits: Limits::ACCEPTED, ..config };
        let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        Self { purpose, ..Self::new(config, trigger, budget, seed) }
    }

    /// What one look leads to when a person has asked for something that needs no look at AWS.
    pub(super) fn decide_for_once(&mut self, firewall: &Firewall) -> Next {
        let config = Arc::clone(&self.config);
        let rulebase = match Rulebase::read(firewall, &config).and_then(Rulebase::of_one_account) {
            Ok(rulebase) => rulebase,
            Err(unfit) => return self.give_up(Problem::Unfit(unfit)),
        };
        let is_adoption = matches!(self.purpose, Purpose::Adoption(_));
        if is_adoption && self.report.applied.is_empty() && !self.just_taken_back && rulebase.differs() {
            // Without a look at AWS nobody can tell whether what an earlier run has left is still wanted.
            self.say("what is uncommitted is taken back first");
            return self.enter(State::BeforeReverting(Afterwards::Look));
        }
        let mut plan = match &self.purpose {
            Purpose::Adoption(only) => adoption(&rulebase, &config, only),
            Purpose::Removal(_) | Purpose::InStep => removal(firewall, &rulebase, &config, &self.objects_tried()),
        };
        if let Some(admin) = self.another_name(&plan, firewall, &rulebase) {
            return self.give_up(Problem::AnotherName(admin));
        }
        self.say(summary(&plan));
        self.record(&mut plan, firewall);
        // Objects go in a transaction of their own: what else refers to one must not keep a rule from going.
        if plan.changes.iter().any(|change| change.rule().is_some()) {
            plan.changes.retain(|change| dropped(change).is_none());
        }
        let is_left = |note: &Note| {
            matches!(note, Note::Held(..) | Note::DeletedBy(..) | Note::StillThere(_) | Note::NotAdopted(..))
        };
        if plan.changes.is_empty() && !plan.commit && plan.notes.iter().any(is_left) {
            return self.finish(Ending::Withheld);
        }
        self.act(plan, firewall, &rulebase)
    }

    /// Objects whose deletion the firewall refused, or took without deleting them.
    fn objects_tried(&self) -> BTreeSet<OwnObject> {
        let taken = self.report.applied.iter().filter_map(dropped).cloned();
        let Purpose::Removal(refused) = &self.purpose else { return taken.collect() };
        taken.chain(refused.iter().cloned()).collect()
    }

    /// What the firewall does not let go is left: the object that the refusal names, or all where it names none. Says whether
    /// that was the matter.
    pub(super) fn leaves_objects(&mut self, changes: &[Change], refusal: &str) -> bool {
        let Purpose::Removal(refused) = &mut self.purpose else { return false };
        let objects: Vec<_> = changes.iter().filter_map(dropped).collect();
        if objects.is_empty() || objects.len() < changes.len() {
            return false;
        }
        let named = |object: &&&OwnObject| refusal.contains(&format!("`- {object}`"));
        let culprits: Vec<_> = objects.iter().filter(named).copied().cloned().collect();
        refused.extend(if culprits.is_empty() { objects.into_iter().cloned().collect() } else { culprits });
        true
    }
}

fn dropped(change: &Change) -> Option<&OwnObject> {
    if let Change::Drop(object) = change { Some(object) } else { None }
}
