//! How a run ended.

use std::{fmt::Write as _, time::Duration};

use drawbridge_core::report::{Ending, Outcome};

/// What was asked for: the last line answers that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The firewall is to follow AWS.
    InStep,
    /// Everything of ours is to go.
    Uninstall,
    /// Rules of the function of 2016 are to be ours.
    Adopt,
}

/// What goes to standard output, and what to standard error if the run failed. With less time left than `reserve` it begins
/// nothing.
pub fn outcome(outcome: &Outcome, purpose: Purpose, reserve: Duration) -> (String, Option<String>) {
    let mut text = told(outcome);
    let error = match outcome.ending {
        Ending::OutOfTime if outcome.report.problem.is_none() => Some(format!(
            "{outcome}; with less than {} left nothing is begun (`timing.reserve`): allow more with `--within`, or let the next \
             run go on from what it finds",
            humantime::format_duration(reserve)
        )),
        Ending::Failed | Ending::OutOfTime => Some(outcome.to_string()),
        Ending::InSync | Ending::Irrelevant | Ending::Withheld => {
            let _ = writeln!(text, "{}", answer(outcome, purpose));
            None
        }
    };
    (text, error)
}

/// What was done, what was not, and what somebody should know, a line each.
fn told(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let mut text = String::new();
    for change in &report.applied {
        let _ = writeln!(text, "{change}");
    }
    for withheld in &report.withheld {
        let _ = writeln!(text, "withheld: {}: {}", withheld.change, withheld.why);
    }
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    if let Some(unit) = &report.unit {
        let _ = writeln!(text, "note: `{unit}` is the active unit");
    }
    for line in report.others() {
        let _ = writeln!(text, "note: {line}");
    }
    text
}

/// The outcome in the words of what was asked for: nobody who removes everything thinks of being in sync.
fn answer(outcome: &Outcome, purpose: Purpose) -> String {
    let said = outcome.to_string();
    let words = match (purpose, outcome.ending) {
        (Purpose::Uninstall, Ending::InSync) => "nothing of ours is left",
        (Purpose::Uninstall, Ending::Withheld) => "something of ours stays, the notes say why",
        (Purpose::Adopt, Ending::InSync) => "done, the rules are ours",
        (Purpose::Adopt, Ending::Withheld) => "not all of these rules are ours now, the notes say why",
        (Purpose::InStep, _) | (_, Ending::Irrelevant | Ending::Failed | Ending::OutOfTime) => return said,
    };
    // What was done is counted behind the ending, in the same words.
    let rest = said.strip_prefix(&outcome.ending.to_string()).unwrap_or_default();
    format!("{words}{rest}")
}
