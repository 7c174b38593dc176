//! What became of a run, for the log: nobody may ever look at the result.

use drawbridge_core::{
    change::Change,
    report::{Ending, Outcome},
};
use tracing::{error, info, warn};

use crate::driver;

/// A line for everything that somebody may ask about later: each change with its reason, what was withheld, what was left to
/// others, and how it ended. Each bears the run's id.
pub fn log(outcome: &Outcome) {
    driver::span(outcome.report.run).in_scope(|| lines(outcome));
}

fn lines(outcome: &Outcome) {
    let report = &outcome.report;
    for event in &report.events {
        info!(event = event.name, id = event.id, by = event.principal, "caused by {event}");
    }
    for change in &report.applied {
        let why = reason(outcome, change);
        info!(rule = change.rule().map(ToString::to_string), reason = why, "changed: {change}");
    }
    for job in &report.commits {
        info!(job = job.0, "committed");
    }
    for (log, why) in &report.unreadable {
        warn!(bucket = log.bucket, key = log.key, "unreadable log: {why}");
    }
    for note in &report.notes {
        warn!("{note}");
    }
    for withheld in &report.withheld {
        let why = reason(outcome, &withheld.change);
        warn!(
            rule = withheld.change.rule().map(ToString::to_string),
            reason = why,
            "withheld: {}: {}",
            withheld.change,
            withheld.why
        );
    }
    match outcome.ending {
        Ending::Failed | Ending::OutOfTime => error!("{outcome}"),
        Ending::Withheld if report.problem.is_some() => warn!("{outcome}"),
        Ending::Irrelevant | Ending::InSync | Ending::Withheld => info!("{outcome}"),
    }
}

fn reason(outcome: &Outcome, change: &Change) -> Option<String> {
    change.rule().and_then(|name| outcome.report.reasons.get(name)).map(ToString::to_string)
}
