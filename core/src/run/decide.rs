//! What one look leads to: a transaction, a commit, or the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Next, Run, State,
    commit::{Afterwards, Guilt, named_by, new_rules, suspects},
    proposal::Proposal,
};
use crate::{
    change::{Change, OwnedRule, Position},
    command::Look,
    config::Mode,
    event::Event,
    firewall::{FailedCommit, Firewall, Node, Profiles},
    id::{AdminName, OwnedName},
    inventory::Inventory,
    limits::{self, Hindrance},
    plan::{DESCRIPTION_MAX, Learned, News, Note, Plan, Reason, Repairs, plan_beside},
    report::{Ending, Problem, counted},
    rulebase::Rulebase,
};

/// Changes of one transaction.
pub const CHANGES_MAX: usize = 250;
/// Bytes of one transaction, well below the 5 MB that PAN-OS takes.
const BYTES_MAX: usize = 4_000_000;
/// Characters of what a log says about an event in a rule's description.
const SIGNED_MAX: usize = 300;
/// How many changes a step prints.
const SHOWN: usize = 12;

impl Run {
    pub(super) fn decide(&mut self, inventory: &Inventory, firewall: &Firewall) -> Next {
        let config = Arc::clone(&self.config);
        let rulebase = match Rulebase::read(firewall, &config).and_then(|read| read.of_this_account(inventory, &config))
        {
            Ok(rulebase) => rulebase,
            Err(unfit) => return self.give_up(Problem::Unfit(unfit)),
        };
        let mut plan = self.plan(inventory, &rulebase);
        if let Some(admin) = self.another_name(&plan, firewall, &rulebase) {
            return self.give_up(Problem::AnotherName(admin));
        }
        if self.hold_back_failed(&mut plan, firewall, &rulebase) {
            // What others lose must not be left to what is left out now.
            plan = self.plan(inventory, &rulebase);
            self.hold_back_failed(&mut plan, firewall, &rulebase);
        }
        if self.is_suddenly_empty(&plan, &rulebase) {
            self.confirmed_empty = true;
            self.say("nothing is exposed any more: looking again before believing it");
            self.state = State::Observing(Look::Everything);
            return self.sleep(self.config.timing.confirm_empty);
        }
        let is_left = config.mode == Mode::Observe && rulebase.differs();
        self.say(if is_left { left_uncommitted(&plan) } else { summary(&plan) });
        self.record(&mut plan, firewall);
        self.act(plan, firewall, &rulebase)
    }

    /// Decides, without what this run has learned not to do.
    fn plan(&mut self, inventory: &Inventory, rulebase: &Rulebase<'_>) -> Plan {
        let names = self.blamed.names();
        let learned = Learned {
            refused: &self.blamed.singled_out(),
            news: if self.blamed.leaves_out_new() { News::LeftOut } else { News::Written },
            repairs: if names.is_empty() { Repairs::Made } else { Repairs::Without(&names) },
        };
        let mut plan = plan_beside(learned, inventory, rulebase, &self.config, &self.causes);
        put_off(&mut plan, rulebase);
        self.hold_back(&mut plan, rulebase);
        plan
    }

    /// The name under which the firewall notes what this run has just added, if it notes nothing under ours. Somebody may have
    /// committed a rule of ours and work on it since, or delete one that we delete as well.
    pub(super) fn another_name(&self, plan: &Plan, firewall: &Firewall, rulebase: &Rulebase<'_>) -> Option<AdminName> {
        let written = self.report.applied.get(self.committed..).unwrap_or_default();
        let is_noted = |change: &Change| {
            let node = change.rule().map(|name| Node::Rule(name.rule_name()));
            let ours = firewall.pending.iter().filter(|pending| pending.admin == *rulebase.admin);
            ours.map(|pending| &pending.node).any(|noted| Some(noted) == node.as_ref())
        };
        if written.iter().any(is_noted) {
            return None;
        }
        let new = new_rules(written);
        let is_in_force = |name: &OwnedName| rulebase.running.has(&name.rule_name());
        plan.notes.iter().find_map(|note| match note {
            Note::Held(name, admin) if new.contains(name) && !is_in_force(name) => Some(admin.clone()),
            Note::Held(..)
            | Note::DeletedBy(..)
            | Note::Disabled(_)
            | Note::NatUnheeded(..)
            | Note::NatMissing
            | Note::Doubtful(..)
            | Note::NeverOpen(..)
            | Note::StillThere(_)
            | Note::NotAdopted(..) => None,
        })
    }

    /// Takes out of a plan what this run has learned not to do.
    fn hold_back(&mut self, plan: &mut Plan, rulebase: &Rulebase<'_>) {
        let mut removals = plan.withheld.iter().map(|withheld| &withheld.why);
        let removals = removals.find(|why| matches!(why, Hindrance::Removals { .. })).cloned();
        self.removals_withheld = self.removals_withheld.take().or(removals);
        // What was once read as it was written is not misread: somebody has changed it since.
        let read: BTreeMap<_, _> = rulebase.candidate.owned().map(|rule| (&rule.name, &rule.spelling)).collect();
        self.written.retain(|rule| read.get(&rule.name).and_then(|said| said.as_ref()) != Some(&rule.spelling));
        for change in &plan.changes {
            // A rule that this run wrote against the same inventory, and that is to go again, was not read as it was written.
            if let Change::Delete(name) = change
                && let Some(written) = self.written.iter().find(|rule| rule.name == *name)
            {
                self.misread.push(written.spelling.clone());
            }
        }
        let made = std::mem::take(&mut plan.changes);
        let (made, withheld) = match &self.removals_withheld {
            Some(why) => limits::withhold_removals(made, &plan.reasons, &plan.apart, why),
            None => (made, Vec::new()),
        };
        plan.withheld.extend(withheld);
        let (made, withheld) = limits::withhold_misread(made, &self.misread);
        plan.withheld.extend(withheld);
        let (made, withheld) = self.blamed.withhold(made, &plan.reasons, &plan.apart, rulebase);
        plan.withheld.extend(withheld);
        plan.changes = made;
    }

    /// Leaves out of what has failed to commit lately what its job blamed, or else whatever may be to blame, if anything is left
    /// then: what goes, or becomes less, does not wait for it, whichever run it was that failed. Says whether it has left out anything.
    fn hold_back_failed(&mut self, plan: &mut Plan, firewall: &Firewall, rulebase: &Rulebase<'_>) -> bool {
        let mut has_left_out = false;
        // What is left may be what failed as well, when it was tried without the first.
        for guilt in [Guilt::Named, Guilt::Suspected, Guilt::Named, Guilt::Suspected] {
            let failed = self.failed_lately(firewall, || rulebase.candidate.digest_after(&plan.changes));
            let Some(failed) = failed else { break };
            let words = self.failed_before(failed).to_string();
            let suspects = match guilt {
                // Planned in another order, rules bear other names than those that the job's lines speak of.
                Guilt::Named if failed.naming == Some(rulebase.candidate.naming_after(&plan.changes)) => {
                    named_by(&failed.lines, &plan.changes)
                }
                Guilt::Named => continue,
                Guilt::Suspected => suspects(&plan.changes, &plan.reasons, plan.apart.regained()),
            };
            let reprofiled = reprofiled(plan, rulebase);
            let reprofiled: BTreeSet<_> = match guilt {
                Guilt::Named => &suspects & &reprofiled,
                Guilt::Suspected => reprofiled,
            };
            let suspects = &suspects - &reprofiled;
            let is_left = |change: &Change| {
                let is_out = change.rule().is_some_and(|name| suspects.contains(name));
                is_rule(change) && !is_out
            };
            let is_some = !suspects.is_empty() || !reprofiled.is_empty();
            if is_some && (plan.commit || plan.changes.iter().any(is_left)) {
                self.blamed.add_profiles(reprofiled, &words);
                self.blamed.add(suspects, &words);
                let made = std::mem::take(&mut plan.changes);
                let (made, withheld) = self.blamed.withhold(made, &plan.reasons, &plan.apart, rulebase);
                plan.withheld.extend(withheld);
                plan.changes = made;
                has_left_out = true;
            }
        }
        has_left_out
    }

    pub(super) fn failed_before(&self, failed: &FailedCommit) -> Problem {
        let FailedCommit { age, lines, .. } = failed.clone();
        Problem::FailedBefore { age, wait: self.config.timing.failed_commit - age, lines }
    }

    /// Nothing exposed at all is more often a failed look or a fail-over than the truth. What may be exposed does not tell.
    fn is_suddenly_empty(&self, plan: &Plan, rulebase: &Rulebase<'_>) -> bool {
        if self.confirmed_empty || !plan.wanted.via.is_empty() {
            return false;
        }
        let removes = |change: &Change| match change {
            Change::Delete(_) => true,
            Change::Put(rule, Position::InPlace) => plan.reasons.get(&rule.name) == Some(&Reason::Shrunk),
            Change::Put(_, Position::Above(_))
            | Change::Lift(..)
            | Change::Tag(_)
            | Change::Service(_)
            | Change::Drop(_)
            | Change::Adopt(_) => false,
        };
        plan.changes.iter().any(removes) || plan.commit && Proposal::of(rulebase).removes()
    }

    /// Takes what only people want to know out of the plan: in a large account it is as much as the rest.
    pub(super) fn record(&mut self, plan: &mut Plan, firewall: &Firewall) {
        let us = self.config.admin.as_ref().or(firewall.admin.as_ref());
        let report = &mut self.report;
        report.foreign = firewall.pending.iter().filter(|pending| Some(&pending.admin) != us).cloned().collect();
        report.reasons.append(&mut plan.reasons);
        report.owned = Some(plan.owned);
        report.withheld = std::mem::take(&mut plan.withheld);
        report.notes.clone_from(&plan.notes);
    }

    pub(super) fn act(&mut self, plan: Plan, firewall: &Firewall, rulebase: &Rulebase<'_>) -> Next {
        if self.config.mode != Mode::Observe
            && let Some(stuck) = self.not_to_be_committed(&plan, rulebase)
        {
            self.say(match stuck.iter().all(|name| plan.apart.is_in_doubt(name)) {
                true => "nobody can tell now whether what is uncommitted is wanted",
                false => "what is uncommitted says more than is wanted, and cannot be put right where it stands",
            });
            return self.enter(State::BeforeReverting(Afterwards::Look));
        }
        if !plan.changes.is_empty() {
            let failed = self.failed_lately(firewall, || rulebase.candidate.digest_after(&plan.changes));
            if let Some(failed) = failed.filter(|failed| !self.may_work_now(failed, &plan.changes, rulebase)) {
                self.report.problem = Some(self.failed_before(failed));
                return self.finish(Ending::Withheld);
            }
            self.regained = plan.apart.regained().clone();
            let mut changes = transaction(plan.changes);
            self.sign(&mut changes);
            return self.enter(State::Applying(changes));
        }
        if self.config.mode != Mode::Observe
            && let Some((node, admin)) = firewall.entangled(rulebase.admin)
        {
            return self.give_up(Problem::Entangled(node.clone(), admin.clone()));
        }
        if plan.commit {
            return self.commit(firewall, rulebase);
        }
        if self.config.mode == Mode::Observe && rulebase.differs() {
            self.report.problem = Some(Problem::LeftUncommitted { rules: rulebase.differing() });
            return self.finish(Ending::Withheld);
        }
        let ending = if self.report.withheld.is_empty() { Ending::InSync } else { Ending::Withheld };
        self.finish(ending)
    }

    /// Rules that would come into force and say more than is wanted, because the firewall does not take what they are to say
    /// instead: an earlier run has left them, and a permission was revoked since; or of which nobody can tell any more. What is still
    /// there after our changes were taken back is not ours to commit.
    fn not_to_be_committed(&mut self, plan: &Plan, rulebase: &Rulebase<'_>) -> Option<BTreeSet<OwnedName>> {
        let withheld = self.report.withheld.iter().filter_map(|withheld| withheld.change.rule());
        let needed = withheld.filter(|name| plan.apart.says_too_much(name) && !self.not_taken_back.contains(*name));
        let in_doubt = plan.apart.taken_back.iter().filter(|name| !self.not_taken_back.contains(*name));
        let mut stuck: BTreeSet<OwnedName> = needed.chain(in_doubt).cloned().collect();
        if !stuck.is_empty() {
            let differing = rulebase.differing();
            stuck.retain(|name| differing.binary_search(name).is_ok());
        }
        if std::mem::take(&mut self.just_taken_back) {
            self.not_taken_back.append(&mut stuck);
        }
        (!stuck.is_empty()).then_some(stuck)
    }

    /// Says in the description of each new rule which run adds it, and which event by whom it is named after.
    fn sign(&self, changes: &mut [Change]) {
        for change in changes {
            let Change::Put(rule, Position::Above(_)) = change else { continue };
            let subject = &rule.name.subject;
            let is_its = |event: &&Event| event.causes().iter().any(|cause| cause.subject == *subject);
            let mut signed = String::new();
            if let Some(event) = self.report.events.iter().find(is_its) {
                let by = event.principal.as_ref().map(|by| format!("; by {by}")).unwrap_or_default();
                let id = if event.id.is_empty() { String::new() } else { format!("; event {}", event.id) };
                signed = format!("{by}{id}");
            }
            signed = signed.chars().filter(|c| !c.is_control()).take(SIGNED_MAX).collect();
            signed += &format!("; run {}", self.report.run);
            let room = DESCRIPTION_MAX.saturating_sub(signed.chars().count());
            rule.description = rule.description.chars().take(room).chain(signed.chars()).collect();
        }
    }

    pub(super) fn applied(&mut self, changes: Vec<Change>) -> Next {
        for change in changes.iter().take(SHOWN) {
            self.say(change.to_string());
        }
        if let Some(more) = changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.say(format!("and {more} more"));
        }
        let rules = changes.iter().filter_map(|change| match change {
            Change::Put(rule, _) => Some((**rule).clone()),
            Change::Tag(_)
            | Change::Service(_)
            | Change::Lift(..)
            | Change::Delete(_)
            | Change::Drop(_)
            | Change::Adopt(_) => None,
        });
        self.written.extend(rules);
        self.report.applied.extend(changes);
        // What is written now, the firewall has not been asked to commit, nor to take back.
        (self.nothing_to_commit, self.just_taken_back) = (false, false);
        self.enter(State::Observing(Look::Firewall))
    }
}

/// Leaves rules alone that are being adopted, until that is committed: in force they are not ours yet.
fn put_off(plan: &mut Plan, rulebase: &Rulebase<'_>) {
    let adopting = rulebase.adopting();
    if !adopting.is_empty() {
        plan.changes.retain(|change| change.rule().is_none_or(|name| !adopting.contains(name)));
    }
}

fn is_rule(change: &Change) -> bool {
    matches!(change, Change::Put(..) | Change::Delete(_) | Change::Lift(..))
}

/// As many changes as one transaction takes; the rest is left to the next look.
fn transaction(mut changes: Vec<Change>) -> Vec<Change> {
    let mut bytes = 0;
    let fits = |change: &Change| {
        bytes += change.weight();
        bytes <= BYTES_MAX
    };
    let number = changes
        .iter()
        .take(CHANGES_MAX)
        .take_while({
            let mut fits = fits;
            move |change| fits(change)
        })
        .count();
    changes.truncate(number.max(1));
    changes
}

fn facts(plan: &Plan) -> String {
    let (atoms, rules) = (counted(plan.wanted.atoms.len(), "atom"), counted(plan.rules, "rule"));
    format!("{atoms} wanted, {} ours of {rules}", plan.owned)
}

/// What a look found that nothing may be done about.
fn left_uncommitted(plan: &Plan) -> String {
    format!("{}: uncommitted work of ours is left", facts(plan))
}

/// What a look found, in a line.
pub(super) fn summary(plan: &Plan) -> String {
    let facts = facts(plan);
    let withheld = match plan.withheld.len() {
        0 => String::new(),
        number => format!(", {number} withheld"),
    };
    match (plan.changes.len(), plan.commit) {
        (0, true) => format!("as planned, running differs{withheld}"),
        (0, false) if plan.withheld.is_empty() => format!("{facts}: in sync"),
        (0, false) => format!("{facts}: nothing that may be changed{withheld}"),
        (number, _) => format!("{facts}: {}{withheld}", counted(number, "change")),
    }
}

/// Rules that are to become less, and get other security profiles than in force with that.
fn reprofiled(plan: &Plan, rulebase: &Rulebase<'_>) -> BTreeSet<OwnedName> {
    let is_other = |rule: &OwnedRule| {
        let held = rulebase.running.owned().find(|held| held.name == rule.name);
        held.is_some_and(|held| held.facts.profiles != rule.profiles() && held.facts.profiles != Profiles::Single)
    };
    let shrunk = plan.changes.iter().filter_map(|change| {
        let Change::Put(rule, Position::InPlace) = change else { return None };
        (plan.reasons.get(&rule.name) == Some(&Reason::Shrunk)).then_some(rule)
    });
    shrunk.filter(|rule| is_other(rule)).map(|rule| rule.name.clone()).collect()
}
