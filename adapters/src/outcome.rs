//! What became of a run, for the log: nobody may ever look at the result.

use drawbridge_core::{change::Change, report::Outcome};
use tracing::{info, warn};

/// A line for everything that somebody may ask about later: each change with its reason, what was withheld, what was left to
/// others, and how it ended. Each bears the run's id.
pub fn log(outcome: &Outcome) {
    let report = &outcome.report;
    let run = report.run;
    for event in &report.events {
        info!(%run, event = event.name, id = event.id, by = event.principal, "caused by {event}");
    }
    for change in &report.applied {
        let why = reason(outcome, change);
        info!(%run, rule = change.rule().map(ToString::to_string), reason = why, "changed: {change}");
    }
    for job in &report.commits {
        info!(%run, job = job.0, "committed");
    }
    for (log, why) in &report.unreadable {
        warn!(%run, bucket = log.bucket, key = log.key, "unreadable log: {why}");
    }
    for note in &report.notes {
        warn!(%run, "{note}");
    }
    for withheld in &report.withheld {
        let why = reason(outcome, &withheld.change);
        warn!(%run, rule = withheld.change.rule().map(ToString::to_string), reason = why, "withheld: {}: {}", withheld.change, withheld.why);
    }
    match report.problem {
        Some(_) => warn!(%run, "{outcome}"),
        None => info!(%run, "{outcome}"),
    }
}

fn reason(outcome: &Outcome, change: &Change) -> Option<String> {
    change.rule().and_then(|name| outcome.report.reasons.get(name)).map(ToString::to_string)
}
