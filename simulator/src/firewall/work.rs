//! Commits and validations as work that waits, is done and ends.

use std::sync::Arc;

use super::{
    Call, CommitQueue, Effected, Firewall, Role, Snapshot, Uncommitted,
    answer::{Refusal, enqueued, message},
    commit::{CommitRequest, Force, Proposal, Purpose},
    jobs::{Due, Verdict, Work},
    scope::Scope,
};
use crate::{clock::Moment, xml::Element};

impl Firewall {
    pub(super) fn commit(&mut self, call: &Call<'_>) -> Result<Element, Refusal> {
        let CommitRequest { scope, force, purpose, description } = CommitRequest::parse(&call.command()?)?;
        if purpose == Purpose::Validate {
            return self.enqueue_validation(scope, call);
        }
        self.locks.check_commit(call.admin)?;
        self.check_queue()?;
        let everything = scope.is_everything();
        let proposal = Proposal::of(scope, &self.candidate);
        let is_under_way = |change| self.jobs.committing().any(|earlier| earlier.has(change));
        let is_unnoted = everything && self.differs_unnoted();
        if force == Force::No && proposal.changes().iter().all(is_under_way) && !is_unnoted {
            let is_superuser = self.admins.role(call.admin) == Some(&Role::Superuser);
            return Ok(if everything && is_superuser && proposal.changes().is_empty() {
                message(19, "There are no changes to commit.")
            } else {
                message(13, SAME_AS_BEFORE)
            });
        }
        self.logs.note_commit(call);
        let id = self.jobs.enqueue(call.admin, Work::Commit, Some(proposal), &description, call.now);
        self.settle(call.now);
        Ok(enqueued("Commit", id))
    }

    /// Whether the candidate differs from what runs although nobody is noted for it: somebody has taken back what was being
    /// committed meanwhile.
    pub(super) fn differs_unnoted(&self) -> bool {
        self.candidate.journal().changes().is_empty() && *self.candidate.tree() != *self.running
    }

    /// Looks whether the changes of a scope could be committed.
    pub(super) fn enqueue_validation(&mut self, scope: Scope, call: &Call<'_>) -> Result<Element, Refusal> {
        self.check_queue()?;
        let proposal = Proposal::of(scope, &self.candidate);
        let id = self.jobs.enqueue(call.admin, Work::Validate, Some(proposal), "", call.now);
        self.settle(call.now);
        Ok(enqueued("Validate", id))
    }

    fn check_queue(&self) -> Result<(), Refusal> {
        if self.jobs.unfinished().any(|job| job.work == Work::AutoCommit) {
            return Err(Refusal::without_code("Commit job was not queued since auto-commit not yet finished"));
        }
        let room = match self.settings.commit_queue {
            CommitQueue::Queued { depth } => depth + 1,
            CommitQueue::Refused => 1,
        };
        if self.jobs.unfinished().count() >= room {
            return Err(Refusal::new(13, "Another commit/validate is in progress. Please try again later"));
        }
        Ok(())
    }

    /// Lets every job end whose time has come.
    pub fn settle(&mut self, now: Moment) {
        self.generation += u64::from(self.user_id.expire(now));
        loop {
            if let Some(proposal) = self.jobs.start_next(self.settings.commit_takes)
                && self.settings.snapshot == Snapshot::AtDequeue
            {
                proposal.renew(&self.candidate);
            }
            let Some(job) = self.jobs.take_due(now) else { return };
            self.generation += 1;
            let verdict = match &job.proposal {
                Some(proposal) => self.finish(&job, proposal),
                None => Verdict::ok("Configuration committed successfully"),
            };
            self.jobs.finish(job.id, &verdict);
        }
    }

    fn finish(&mut self, job: &Due, proposal: &Proposal) -> Verdict {
        if let Some(lines) = self.failures.pop_front() {
            return Verdict::Fail(lines);
        }
        match (proposal.applied_to(&self.running), job.work) {
            (Err(problems), _) => {
                let [first, last] = ["Validation Error:", "Commit failed"].map(str::to_owned);
                Verdict::Fail([first].into_iter().chain(problems).chain([last]).collect())
            }
            (Ok(_), Work::Validate) => Verdict::ok("Configuration is valid"),
            (Ok(next), Work::Commit | Work::AutoCommit) => {
                let before = std::mem::replace(&mut self.running, next.into());
                self.hits.note(&before, &self.running, job.due);
                self.admins.configure(&self.running);
                if let Some(commits) = &mut self.commits {
                    commits.push(Effected {
                        admin: job.user.clone(),
                        asked: job.enqueued,
                        before,
                        after: Arc::clone(&self.running),
                        changes: proposal.changes().iter().map(Uncommitted::of).collect(),
                    });
                }
                self.candidate.settle(proposal.changes());
                self.locks.release_all(&job.user);
                Verdict::ok("Configuration committed successfully")
            }
        }
    }
}

/// The answer to a commit whose changes are all committed or about to be (`Netspoc-Approve go/pkg/panos`).
const SAME_AS_BEFORE: &str = "The result of this commit would be the same as the previous commit queued/processed. \
    No edits have been made between these subsequent commits. Please check the previous commit status. \
    If still needed, use commit force instead.";
