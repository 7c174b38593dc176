//! Prometheus's text format (its documentation, `exposition_formats`).

use std::fmt::Write as _;

use super::{
    Totals,
    sample::{COUNTS, GAUGES},
};

/// What a scrape is answered with.
pub(super) fn text(totals: &Totals, behind: f64) -> String {
    let owner = label(totals.owner.as_str());
    let mut text = String::new();
    for (name, metric, _, help) in COUNTS {
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} counter");
        if name == "Errors" {
            for (kind, number) in &totals.errors {
                let _ = writeln!(text, "{metric}{{owner=\"{owner}\",kind=\"{kind}\"}} {number}");
            }
        } else {
            let number = totals.counts.get(name).copied().unwrap_or_default();
            let _ = writeln!(text, "{metric}{{owner=\"{owner}\"}} {number}");
        }
    }
    for (name, metric, _, help) in GAUGES {
        let number = if name == "OldestUnappliedChangeSeconds" { Some(&behind) } else { totals.gauges.get(name) };
        let Some(number) = number else { continue };
        let _ = writeln!(text, "# HELP {metric} {help}\n# TYPE {metric} gauge\n{metric}{{owner=\"{owner}\"}} {number}");
    }
    text
}

/// A value of a label, with what would end it escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
