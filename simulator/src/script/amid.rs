//! What other people do while Drawbridge runs.

use std::fmt;

use super::{
    deeds::Deed,
    words::{Parsed, Words},
};
use crate::faults::{Command, Moment};

/// A deed that is done when Drawbridge has come to a certain command. What cannot be done by then is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amid {
    /// On which side of the command.
    pub moment: Moment,
    /// At which command.
    pub on: Command,
    /// At which of them, beginning at 1 and counted from the moment at which this was said.
    pub nth: u32,
    /// What is done. If Drawbridge hears of it, or a person runs it, another run goes on from beginning to end meanwhile.
    pub deed: Deed,
}

impl Amid {
    pub(super) fn take(words: &mut Words, moment: Moment) -> Parsed<Self> {
        let on = Command::take(words)?;
        let nth = words.value("the number of a command to come, such as `1`,")?;
        let deed = Deed::take(words)?;
        match &deed {
            Deed::Amid(_) | Deed::Fault(_) | Deed::FailJob { .. } | Deed::Wait(_) => Err(()),
            Deed::TimeLimit(_) | Deed::Calm | Deed::Settled | Deed::Show(_) => Err(()),
            Deed::Call(_) | Deed::Deliver(_) | Deed::DeliverAgain | Deed::DeliverFile(_) | Deed::Notify(_) => Ok(()),
            Deed::StateChange { .. } | Deed::Schedule | Deed::Apply(_) | Deed::Uninstall | Deed::Admin { .. } => Ok(()),
            Deed::Restart(_) | Deed::Ha(_) => Ok(()),
        }
        .map_err(|()| format!("`{deed}` cannot happen during a run; write it on a line of its own"))?;
        Ok(Self { moment, on, nth, deed })
    }
}

impl fmt::Display for Amid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = match self.moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        write!(f, "{moment} {} {} {}", self.on.name(), self.nth, self.deed)
    }
}
