//! How a run ended.

use std::fmt::Write as _;

use drawbridge_core::report::{Ending, Outcome};

/// What goes to standard output, and what to standard error if the run failed.
pub fn outcome(outcome: &Outcome) -> (String, Option<String>) {
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
    let error = match outcome.ending {
        Ending::OutOfTime if report.problem.is_none() => {
            Some(format!("{outcome}; allow more with `--within`, or let the next run go on from what it finds"))
        }
        Ending::Failed | Ending::OutOfTime => Some(outcome.to_string()),
        Ending::InSync | Ending::Irrelevant | Ending::Withheld => {
            let _ = writeln!(text, "{outcome}");
            None
        }
    };
    (text, error)
}
