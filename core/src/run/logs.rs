//! What woke the run: the events that came by themselves and those of log files.

use std::collections::VecDeque;

use super::{Next, Run, State, Wake};
use crate::{
    command::{Failure, Lasting, LogRef, LogTrouble, Look, Trouble},
    event::Event,
    report::{Ending, counted},
};

/// How often in a row a log file is tried: what cannot be read must not hold up the rest.
const LOG_FAILURES_MAX: u32 = 2;
/// Which part of its time a run spends on logs at most: they tell whom to name, and what is to be done the look tells.
const LOG_SHARE: u32 = 4;
/// How many events a run keeps. More than these would name nothing better.
const EVENTS_MAX: usize = 1_000;

impl Run {
    pub(super) fn begin(&mut self) -> Next {
        for event in std::mem::take(&mut self.trigger.events) {
            self.note_event(event);
        }
        let logs = std::mem::take(&mut self.trigger.logs);
        self.next_log(logs.into())
    }

    /// Every log of the trigger is read for its causes before anything is looked at.
    fn next_log(&mut self, mut logs: VecDeque<LogRef>) -> Next {
        if self.elapsed >= self.budget / LOG_SHARE {
            if !logs.is_empty() {
                self.say(format!("{} not read: there is no more time for them", counted(logs.len(), "log")));
            }
            self.report.unreadable.extend(logs.drain(..).map(|log| (log, LogTrouble::NoTime)));
        }
        let worth_it = !self.report.events.is_empty() || !self.report.unreadable.is_empty();
        if !logs.is_empty() {
            self.enter(State::FetchingLog(logs))
        } else if worth_it {
            self.state = State::Settling;
            self.sleep(self.config.timing.settle)
        } else if self.trigger.wake == Wake::Always {
            self.enter(State::Observing(Look::Everything))
        } else {
            self.finish(Ending::Irrelevant)
        }
    }

    fn note_event(&mut self, event: Event) {
        if self.report.events.len() < EVENTS_MAX && event.is_worth_a_look(&self.config.scope) {
            self.causes.extend(event.causes());
            self.report.events.push(event);
        }
    }

    pub(super) fn log_read(&mut self, mut logs: VecDeque<LogRef>, events: Vec<Event>) -> Next {
        let read = events.len();
        let before = self.report.events.len();
        events.into_iter().for_each(|event| self.note_event(event));
        self.say(match &self.report.events[before..] {
            [] => format!("{}, none relevant", counted(read, "event")),
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                format!("{}, relevant: {first}{more}", counted(read, "event"))
            }
        });
        logs.pop_front();
        self.next_log(logs)
    }

    /// One bad file must never block what comes after it: it counts as worth a look.
    pub(super) fn log_failed(&mut self, mut logs: VecDeque<LogRef>, failure: Failure) -> Next {
        if failure.lasting == Lasting::Transient && self.backoff.failures() < LOG_FAILURES_MAX {
            return self.wait_and(State::FetchingLog(logs), &failure.what);
        }
        let why = if let Trouble::Log(why) = failure.what { why } else { LogTrouble::S3(failure.what.to_string()) };
        self.say(format!("unreadable: {why}; looking all the same"));
        self.report.unreadable.extend(logs.pop_front().map(|log| (log, why)));
        self.backoff.reset();
        self.waited_for = None;
        self.next_log(logs)
    }
}
