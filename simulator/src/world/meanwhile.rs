//! What happens while Drawbridge runs.

use crate::{
    faults::{Command, Moment},
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
