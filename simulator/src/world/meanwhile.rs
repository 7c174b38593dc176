//! What happens while Drawbridge runs, and who watches it.

use std::time::Duration;

use super::World;
use crate::{
    faults::{Command, Faults, Moment, Trouble},
    firewall::Effected,
    script::{Amid, Deed},
};

/// What is still to happen, and what happens at the command under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Meanwhile {
    /// Each with how many commands of its kind have come since.
    to_come: Vec<(Amid, u32)>,
    now: Vec<(Moment, Deed)>,
}

impl Meanwhile {
    pub(super) fn add(&mut self, amid: &Amid) {
        self.to_come.push((amid.clone(), 0));
    }

    pub(super) fn begin(&mut self, command: Command) {
        self.now.clear();
        let now = &mut self.now;
        self.to_come.retain_mut(|(amid, seen)| {
            *seen += u32::from(amid.on == command);
            let is_due = amid.on == command && *seen == amid.nth;
            if is_due {
                now.push((amid.moment, amid.deed.clone()));
            }
            !is_due
        });
    }

    pub(super) fn take(&mut self, moment: Moment) -> Vec<Deed> {
        let due = self.now.extract_if(.., |(at, _)| *at == moment);
        due.map(|(_, deed)| deed).collect()
    }
}

impl World {
    /// Says that Drawbridge begins a command, and so which faults are met until the next one.
    pub fn begin(&mut self, command: Command) {
        self.faults.begin(command);
        self.meanwhile.begin(command);
    }

    /// What other people do at this moment of the command under way. It is told once.
    pub fn meanwhile(&mut self, moment: Moment) -> Vec<Deed> {
        self.meanwhile.take(moment)
    }

    /// Says that another run goes on inside of a command, and is not met by what is armed.
    pub fn step_aside(&mut self) -> Faults {
        std::mem::take(&mut self.faults)
    }

    /// Says that it is over.
    pub fn step_back(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// How long a run may take, if the story says so.
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// Watches from here on what commits do.
    pub fn watch_commits(&mut self) {
        self.firewall.watch_commits();
    }

    /// The commits that took effect since this was asked last.
    pub fn take_commits(&mut self) -> Vec<Effected> {
        self.firewall.take_commits()
    }

    /// What goes wrong with the command under way.
    pub fn troubles(&self) -> &[Trouble] {
        self.faults.now()
    }

    /// What single requests have met since this was asked last.
    pub fn take_met(&mut self) -> Vec<Trouble> {
        self.faults.take_met()
    }

    /// Nothing is armed or broken any more.
    pub(super) fn calm(&mut self) {
        self.faults.clear();
        self.failing_jobs.clear();
        self.meanwhile = Meanwhile::default();
        self.earlier = None;
        self.time_limit = None;
        self.firewall.forgive();
    }
}
