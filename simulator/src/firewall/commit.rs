//! Commits: what is asked for, what is proposed, and what becomes of it.

use std::collections::BTreeSet;

use super::{
    answer::Refusal,
    candidate::Candidate,
    carry::carry,
    check::{self, Strictness},
    journal::{Change, Order, without_marks},
    path::{Path, Step},
    problem::{NamedFrom, lines},
    references::Names,
    scope::Scope,
};
use crate::xml::Element;

/// A commit as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommitRequest {
    pub(super) scope: Scope,
    pub(super) force: Force,
    pub(super) purpose: Purpose,
    pub(super) description: String,
}

/// Whether changes take effect, or are only looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Commit,
    Validate,
}

/// Whether to commit although nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Force {
    No,
    Yes,
}

impl CommitRequest {
    /// Reads the element `commit`. pango and pan-python put `partial` inside of `force` when both are asked for, and
    /// pan-python puts both inside of `validate`.
    pub(super) fn parse(commit: &Element) -> Result<Self, Refusal> {
        let invalid = |words: &str| Refusal::new(17, format!(" commit -> {words} is invalid"));
        if commit.name != "commit" {
            return Err(Refusal::new(17, format!(" {} is invalid", commit.name)));
        }
        let validate = commit.child("validate");
        let inner = validate.unwrap_or(commit);
        let known = ["force", "partial", "description", "validate"];
        if let Some(unknown) = commit.children.iter().find(|child| !known.contains(&child.name.as_str())) {
            return Err(invalid(&unknown.name));
        }
        let force = inner.child("force");
        let partial = inner.child("partial").or_else(|| force?.child("partial"));
        let description = commit.child_text("description").unwrap_or_default();
        if description.chars().count() > 512 {
            return Err(invalid("description"));
        }
        Ok(Self {
            scope: Scope::parse(partial).map_err(|unknown| invalid(&format!("partial -> {unknown}")))?,
            purpose: if validate.is_some() { Purpose::Validate } else { Purpose::Commit },
            force: if force.is_some() { Force::Yes } else { Force::No },
            description: description.to_owned(),
        })
    }
}

/// The changes that a commit is going to make, as they stood at one moment.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    scope: Scope,
    snapshot: Element,
    changes: Vec<Change>,
    unsettled: BTreeSet<Path>,
}

impl Proposal {
    /// What the scope means of the candidate as it is now.
    pub(super) fn of(scope: Scope, candidate: &Candidate) -> Self {
        let (changes, unsettled) = (scope.changes(candidate), unsettled(&scope, candidate));
        Self { scope, snapshot: candidate.tree().clone(), changes, unsettled }
    }

    /// Looks at the candidate again.
    pub(super) fn renew(&mut self, candidate: &Candidate) {
        *self = Self::of(std::mem::take(&mut self.scope), candidate);
    }

    /// The changes that it is about.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Whether the proposal has that change, in the state that it is in now.
    pub(super) fn has(&self, change: &Change) -> bool {
        self.changes.iter().any(|mine| mine.path == change.path && mine.mark.id >= change.mark.id)
    }

    /// The running configuration as it would be, or the lines that tell why that would be none.
    pub(super) fn applied_to(&self, running: &Element) -> Result<Element, Vec<String>> {
        let next = if self.scope.is_everything() {
            without_marks(&self.snapshot)
        } else {
            let mut next = running.clone();
            carry(&self.snapshot, &mut next, &self.changes, &self.unsettled);
            next
        };
        match problems(&next) {
            problems if problems.is_empty() => Ok(next),
            problems => Err(problems),
        }
    }
}

/// What makes a configuration unfit to run.
pub(super) fn problems(config: &Element) -> Vec<String> {
    let root = Path::of([Step::to(config)]);
    let mut problems = check::problems(config, &root, Strictness::Commit);
    problems.extend(Names::of(config).problems(&root));
    lines(&problems, NamedFrom::Vsys)
}

/// Takes back the changes of a scope. Fails when what is left would refer to something that is gone.
pub(super) fn revert(candidate: &mut Candidate, running: &Element, scope: &Scope) -> Result<(), Refusal> {
    if scope.is_everything() {
        candidate.discard(running.clone());
        return Ok(());
    }
    let changes = scope.changes(candidate);
    let mut tree = candidate.tree().clone();
    carry(running, &mut tree, &changes, &unsettled(scope, candidate));
    if !Names::of(&tree).problems(&Path::of([Step::to(&tree)])).is_empty() {
        return Err(Refusal::without_code("Failed to revert configuration."));
    }
    candidate.replace(tree, &changes);
    Ok(())
}

/// What was moved outside of the scope.
fn unsettled(scope: &Scope, candidate: &Candidate) -> BTreeSet<Path> {
    let moved = |change: &&Change| change.order == Order::Changed && !scope.covers(change);
    candidate.journal().changes().iter().filter(moved).map(|change| change.path.clone()).collect()
}
