//! What only somebody who stands beside the firewall can see: which commits took effect, and what each did.

use std::sync::Arc;

use super::{Firewall, journal::Change};
use crate::{clock::Moment, xml::Element};

/// A commit that took effect.
#[derive(Clone, Debug)]
pub struct Effected {
    /// Whose commit it was.
    pub admin: String,
    /// When it was asked for.
    pub asked: Moment,
    /// The running configuration before.
    pub before: Arc<Element>,
    /// The running configuration after.
    pub after: Arc<Element>,
    /// What became effective with it.
    pub changes: Vec<Uncommitted>,
}

/// An uncommitted change of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncommitted {
    /// The place.
    pub xpath: String,
    /// Everyone who had a hand in it.
    pub admins: Vec<String>,
    /// The number of the latest write to it.
    pub write: u64,
}

impl Uncommitted {
    pub(super) fn of(change: &Change) -> Self {
        Self { xpath: change.path.to_string(), admins: change.history.clone(), write: change.mark.id }
    }

    /// Whether anybody else had a hand in it.
    pub fn is_of_others(&self, admin: &str) -> bool {
        self.admins.iter().any(|other| other != admin)
    }
}

impl Firewall {
    /// The running configuration, to be kept beside later ones: the same `Arc` as long as nothing is committed.
    pub fn kept_running(&self) -> &Arc<Element> {
        &self.running
    }

    /// Keeps what commits do from here on, for [`Firewall::take_commits`].
    pub fn watch_commits(&mut self) {
        self.commits.get_or_insert_default();
    }

    /// The commits that took effect since this was asked last, the earliest first.
    pub fn take_commits(&mut self) -> Vec<Effected> {
        self.commits.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Everything that is not committed.
    pub fn uncommitted(&self) -> impl Iterator<Item = Uncommitted> + '_ {
        self.candidate.journal().changes().iter().map(Uncommitted::of)
    }

    /// A number that is another one whenever a look may find something else than before; nothing while jobs are under way
    /// or have failed, because what is said of them depends on the time.
    pub fn generation(&mut self, now: Moment) -> Option<u64> {
        self.settle(now);
        self.jobs.are_quiet().then_some(self.generation)
    }

    /// The number of the latest write to the candidate.
    pub fn latest_write(&self) -> u64 {
        self.candidate.journal().latest()
    }
}
