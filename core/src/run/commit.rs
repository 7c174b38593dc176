//! Committing, and taking back what cannot be committed.

use std::collections::{BTreeMap, BTreeSet};

use super::{Next, REFUSALS_MAX, Run, State, proposal::Proposal, removal::Purpose};
use crate::{
    change::{Change, Position, WrittenService},
    command::{JobState, Look},
    config::Mode,
    firewall::{CommitNote, Digest, FailedCommit, Firewall, Since},
    id::{JobId, OwnedName},
    plan::Reason,
    report::{Ending, Problem, shown},
    rulebase::Rulebase,
};

/// What follows when our uncommitted changes are taken back.
#[derive(Clone, Debug)]
pub(super) enum Afterwards {
    /// Another look: the rules that the job blamed are left out, or nobody knows why the commit failed.
    Look,
    /// The end: the job's lines are for a person to read.
    GiveUp(Problem),
}

/// How much a commit of ours takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Our own changes.
    Ours,
    /// Everything, while nothing is anybody else's: this firewall does not commit moved rules by administrator.
    Everything,
}

impl Run {
    /// Commits what a look has found to be as planned.
    pub(super) fn commit(&mut self, firewall: &Firewall, rulebase: &Rulebase<'_>) -> Next {
        let digest = rulebase.candidate.digest_after(&[]);
        self.proposal = Proposal::of(rulebase);
        if self.extent == Extent::Everything && !self.report.foreign.is_empty() {
            let then = self.without_moves();
            return self.enter(State::Reverting(then));
        }
        if self.nothing_to_commit {
            self.report.problem = Some(Problem::NothingToCommit { rules: rulebase.differing() });
            return self.finish(Ending::Withheld);
        }
        let failed = self.failed_lately(firewall, || digest);
        let failed = failed.filter(|failed| !self.may_work_now(failed, &[], rulebase));
        if let Some(failed) = failed.filter(|_| self.extent == Extent::Ours) {
            if self.has_taken_back_failed {
                let then = Afterwards::GiveUp(self.failed_before(failed));
                return self.enter(State::BeforeReverting(then));
            }
            // What a failed commit left behind, of a run that did not live to take it back.
            self.has_taken_back_failed = true;
            return self.enter(State::Reverting(Afterwards::Look));
        }
        let (owner, run) = (self.config.owner.clone(), Some(self.report.run));
        let note = CommitNote { owner, digest, run, naming: Some(rulebase.candidate.naming_after(&[])) };
        self.enter(State::Committing(note))
    }

    /// What is left to do where others are in the way of moved rules: once, what can be committed without any. What goes moves
    /// nothing, and a revoked port must not stay open for as long as somebody works.
    fn without_moves(&mut self) -> Afterwards {
        let problem = Problem::OthersInTheWay { admins: self.others() };
        if self.moves_left_out || self.purpose != Purpose::InStep || !self.proposal.removes() {
            return Afterwards::GiveUp(problem);
        }
        (self.moves_left_out, self.extent) = (true, Extent::Ours);
        self.proposal.blame_moves(&problem.to_string(), &mut self.blamed);
        self.report.problem = Some(problem);
        Afterwards::Look
    }

    /// Whether a commit that failed need not be waited for: others have succeeded since, and this one removes and does nothing else.
    pub(super) fn may_work_now(&self, failed: &FailedCommit, changes: &[Change], rulebase: &Rulebase<'_>) -> bool {
        let removes = |change: &Change| match change {
            Change::Delete(_) => true,
            // By now with the security profiles that it has in force.
            Change::Put(rule, Position::InPlace) => self.report.reasons.get(&rule.name) == Some(&Reason::Shrunk),
            Change::Put(_, Position::Above(_)) | Change::Lift(..) | Change::Adopt(_) => false,
            Change::Tag(_) | Change::Service(_) | Change::Drop(_) => true,
        };
        failed.since == Since::Committed && changes.iter().all(removes) && Proposal::of(rulebase).only_removes()
    }

    /// The last commit of the same rules that failed, if it is not to be tried again yet. One that failed because rules were
    /// moved may succeed as soon as nobody else is at work.
    pub(super) fn failed_lately<'f>(
        &self,
        firewall: &'f Firewall,
        digest: impl FnOnce() -> Digest,
    ) -> Option<&'f FailedCommit> {
        if firewall.failed_commits.is_empty() {
            return None;
        }
        let digest = digest();
        let us = self.config.admin.as_ref().or(firewall.admin.as_ref());
        let is_alone = firewall.pending.iter().all(|pending| Some(&pending.admin) == us);
        let is_over = |commit: &FailedCommit| is_alone && commit.lines.iter().any(|line| is_about_moves(line));
        let same = firewall.failed_commits.iter().filter(|commit| commit.digest == digest && !is_over(commit));
        same.min_by_key(|commit| commit.age).filter(|commit| commit.age < self.config.timing.failed_commit)
    }

    /// Who else has uncommitted work.
    fn others(&self) -> Vec<String> {
        let admins: BTreeSet<_> = self.report.foreign.iter().map(|pending| &pending.admin).collect();
        admins.into_iter().map(|admin| format!("`{admin}`")).collect()
    }

    pub(super) fn polled(&mut self, job: JobId, state: JobState) -> Next {
        match state {
            JobState::Running(percent) => {
                self.say(format!("{percent} %"));
                self.state = State::AwaitingJob(job);
                self.sleep(self.config.timing.poll)
            }
            JobState::Succeeded => {
                self.say("succeeded");
                self.report.commits.push(job);
                // What comes next may move nothing.
                self.extent = Extent::Ours;
                self.committed = self.report.applied.len();
                self.enter(State::Observing(Look::Everything))
            }
            JobState::Failed(lines) => {
                self.say(format!("failed: {}", shown(&lines)));
                self.report.failed_commits.push(job);
                if self.config.mode == Mode::Observe {
                    return self.give_up(Problem::FailedUnderObservation { job, lines });
                }
                if self.extent == Extent::Ours && lines.iter().any(|line| is_about_moves(line)) {
                    self.extent = Extent::Everything;
                    return self.enter(State::Observing(Look::Firewall));
                }
                // One more attempt without the rules that the job blames; anything else is for a person.
                self.report.applied.truncate(self.committed);
                let is_last = self.commit_failed || self.purpose != Purpose::InStep;
                let then = if !is_last && self.proposal.blame(&blamed(&lines), &shown(&lines), &mut self.blamed) {
                    self.commit_failed = true;
                    Afterwards::Look
                } else {
                    Afterwards::GiveUp(Problem::CommitFailed { job, lines })
                };
                self.enter(State::BeforeReverting(then))
            }
            JobState::Lost => {
                self.say("the firewall does not know it any more");
                self.enter(State::Observing(Look::Everything))
            }
        }
    }

    /// A revert takes along whatever others have done since on top of our changes: nothing of it may be lost. Nor may what another
    /// account has left, if the key is that one's by now: then it takes a look at what is whose.
    pub(super) fn may_revert(&mut self, then: Afterwards, firewall: &Firewall) -> Next {
        self.note_unit(firewall);
        if firewall.admin != self.account {
            self.say("the API key is another account's by now");
            return self.enter(State::Observing(Look::Firewall));
        }
        let us = self.config.admin.as_ref().or(firewall.admin.as_ref());
        let is_noted = firewall.pending.iter().any(|pending| Some(&pending.admin) == us);
        let is_over = || Rulebase::read(firewall, &self.config).is_ok_and(|rulebase| !rulebase.differs());
        if self.write_failed && !is_noted && is_over() {
            // The answer to a revert was lost, and not the revert.
            self.write_failed = false;
            return self.reverted(then);
        }
        let Some((node, admin)) = us.and_then(|us| firewall.entangled(us)) else {
            self.say("nobody has worked on top of our changes");
            return self.enter(State::Reverting(then));
        };
        let (node, admin) = (node.clone(), admin.clone());
        self.give_up(match then {
            Afterwards::GiveUp(Problem::CommitFailed { job, lines }) => {
                Problem::NotTakenBack { job, lines, node, admin }
            }
            Afterwards::GiveUp(_) | Afterwards::Look => Problem::Entangled(node, admin),
        })
    }

    /// Blames rules of a transaction that the firewall has refused.
    pub(super) fn blame(&mut self, changes: &[Change], mut names: BTreeSet<OwnedName>, guilt: Guilt, words: &str) {
        for change in changes {
            if let Change::Put(rule, Position::Above(_)) = change
                && names.remove(&rule.name)
            {
                match guilt {
                    Guilt::Named => self.blamed.single_out(rule.spelling.clone(), words),
                    Guilt::Suspected => self.blamed.add_saying(rule.spelling.clone(), words),
                }
            }
        }
        self.blamed.add(names, words);
    }

    pub(super) fn reverted(&mut self, then: Afterwards) -> Next {
        self.say("our uncommitted changes are taken back");
        self.report.applied.truncate(self.committed);
        self.just_taken_back = true;
        match then {
            Afterwards::Look => self.enter(State::Observing(Look::Firewall)),
            Afterwards::GiveUp(problem) => self.give_up(problem),
        }
    }
}

/// Whether rules are to blame for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guilt {
    /// The firewall has named them.
    Named,
    /// They are among those that may be.
    Suspected,
}

/// What is left out of a transaction that the firewall has refused, so that a rule that it does not take never keeps a revoked
/// port open: the rules that it names; where it names none, or has refused often, all new ones; at last all that are written.
///
/// New rules that say only what others lose (`regained`) are the last to be suspected: without them somebody is cut off whose
/// permissions nobody has touched.
pub(super) fn culprits(
    changes: &[Change],
    text: &str,
    refusals: usize,
    regained: &BTreeSet<OwnedName>,
) -> (BTreeSet<OwnedName>, Guilt) {
    let written = |is: fn(&Change) -> bool| -> BTreeSet<_> {
        changes.iter().filter(|change| is(change)).filter_map(Change::rule).cloned().collect()
    };
    let all = written(|change| matches!(change, Change::Put(..)));
    let mut named = named_by(&[text.to_owned()], changes);
    named.extend(changes.iter().filter(|change| names_service_of(text, change)).filter_map(Change::rule).cloned());
    if refusals < REFUSALS_MAX && !named.is_empty() {
        return (named, Guilt::Named);
    }
    let new = new_rules(changes);
    let first = &new - regained;
    match (first.is_empty(), named.is_empty(), new.is_empty()) {
        (false, _, _) => (&first | &named, Guilt::Suspected),
        (true, false, _) if refusals < 2 * REFUSALS_MAX => (named, Guilt::Named),
        (true, _, false) => (new, Guilt::Suspected),
        (true, false, true) => (named, Guilt::Named),
        (true, true, true) => (all, Guilt::Suspected),
    }
}

/// The rules that these changes write and that lines name.
pub(super) fn named_by(lines: &[String], changes: &[Change]) -> BTreeSet<OwnedName> {
    let named = blamed(lines);
    let puts = changes.iter().filter(|change| matches!(change, Change::Put(..)));
    puts.filter_map(Change::rule).filter(|name| named.contains(name)).cloned().collect()
}

/// Rules that may be why a commit fails: those that are new, or say something else. What only becomes less was fit before, and
/// what says only what others lose is the last to be suspected.
pub(super) fn suspects(
    changes: &[Change],
    reasons: &BTreeMap<OwnedName, Reason>,
    regained: &BTreeSet<OwnedName>,
) -> BTreeSet<OwnedName> {
    let may_fail = |change: &&Change| match change {
        Change::Put(_, Position::Above(_)) => true,
        Change::Put(rule, Position::InPlace) => reasons.get(&rule.name) != Some(&Reason::Shrunk),
        Change::Lift(..)
        | Change::Delete(_)
        | Change::Tag(_)
        | Change::Service(_)
        | Change::Drop(_)
        | Change::Adopt(_) => false,
    };
    let all: BTreeSet<_> = changes.iter().filter(may_fail).filter_map(Change::rule).cloned().collect();
    let first = &all - regained;
    if first.is_empty() { all } else { first }
}

/// Whether a text names the service object that a rule is written with: what the firewall does not take is the object.
fn names_service_of(text: &str, change: &Change) -> bool {
    let Change::Put(rule, _) = change else { return false };
    let WrittenService::Object(service) = &rule.service else { return false };
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
    words.any(|word| word == service.as_str())
}

/// Rules that are to be added.
pub(super) fn new_rules(changes: &[Change]) -> BTreeSet<OwnedName> {
    let is_new = |change: &&Change| matches!(change, Change::Put(_, Position::Above(_)));
    changes.iter().filter(is_new).filter_map(Change::rule).cloned().collect()
}

/// Rules of ours that the job's lines name, whichever run had written them.
fn blamed(lines: &[String]) -> BTreeSet<OwnedName> {
    let words = lines.iter().flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '-')));
    words.filter_map(OwnedName::parse).collect()
}

/// Whether the firewall refuses to commit moved rules by administrator. The vendor brought that with 11.0.1; how other releases
/// word their refusal no public source tells, so that any mention of the order, or of a full commit, counts. What stands in
/// quotes, or on the way to a place in the configuration (`rulebase -> security -> …`), is the name of something.
pub(super) fn is_about_moves(text: &str) -> bool {
    if text.contains("->") {
        return false;
    }
    let said = without_quotes(text).to_lowercase();
    said.contains("reorder") || said.contains("full commit")
}

/// A text without what stands in quotes. An apostrophe within a word is none.
fn without_quotes(text: &str) -> String {
    let (mut said, mut quote, mut before) = (String::new(), None, ' ');
    for c in text.chars() {
        match quote {
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') && !before.is_alphanumeric() => quote = Some(c),
            None => said.push(c),
        }
        before = c;
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bears_a_name_about_order_is_not_about_order() {
        for about in ["Rules were reordered: a Full Commit is needed", "can't commit a reorder of `a`"] {
            assert!(is_about_moves(about), "{about}");
        }
        for other in [
            "rulebase -> security -> rules -> reorder-queue -> source is invalid",
            "rule 'reorder' is invalid",
            "`full commit` is no zone",
            "\"reorder\" 'and full commit",
        ] {
            assert!(!is_about_moves(other), "{other}");
        }
    }
}
