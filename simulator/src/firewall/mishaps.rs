//! What happens to a firewall without anybody having asked for it.

use super::{
    AfterRestart, Firewall, Ha,
    jobs::{Jobs, Work},
    locks::Locks,
};
use crate::clock::Moment;

impl Firewall {
    /// Gives it another part in a pair.
    pub fn set_ha(&mut self, ha: Ha) {
        self.settings.ha = ha;
        self.generation += 1;
    }

    /// Nothing is going to fail any more, and of a pair this is the active unit.
    pub fn forgive(&mut self) {
        self.failures.clear();
        if !self.settings.ha.is_writable() {
            self.set_ha(Ha::pair("active"));
        }
    }

    /// The other unit of the pair takes over: it has what was committed, and no jobs, locks or uncommitted work.
    pub fn take_over(&mut self) {
        self.generation += 1;
        self.candidate.discard((*self.running).clone());
        self.jobs = Jobs::default();
        self.locks = Locks::default();
    }

    /// Restarts the firewall: jobs and locks are gone, numbers begin anew, and an auto-commit runs.
    pub fn restart(&mut self, candidate: AfterRestart, now: Moment) {
        self.settle(now);
        self.generation += 1;
        self.jobs = Jobs::default();
        self.locks = Locks::default();
        self.user_id.restart();
        self.booted = now;
        if candidate == AfterRestart::CandidateLost {
            self.candidate.discard((*self.running).clone());
        }
        self.jobs.enqueue("", Work::AutoCommit, None, "", now);
        self.settle(now);
    }
}
