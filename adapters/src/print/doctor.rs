//! What a doctor has found.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{counted, wrapped};
use crate::doctor::{Report, Verdict};

/// A line for each thing that was looked at, and a summary.
pub fn doctor(report: &Report) -> String {
    let mut text = String::new();
    let width = report.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    for finding in &report.findings {
        let colour = match finding.verdict {
            Verdict::Ok => AnsiColor::Green,
            Verdict::Warning => AnsiColor::Yellow,
            Verdict::Failure => AnsiColor::Red,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        let indent = 9 + width + 2;
        let says = wrapped(&finding.says, indent, indent);
        let _ =
            writeln!(text, "{style}{:<9}{style:#}{:<width$}  {}", finding.verdict, finding.check, says.trim_start());
    }
    let count = |verdict| report.findings.iter().filter(|finding| finding.verdict == verdict).count();
    let (warnings, failures) = (count(Verdict::Warning), count(Verdict::Failure));
    let _ = writeln!(
        text,
        "\n{} ok, {}, {}",
        count(Verdict::Ok),
        counted(warnings, "warning"),
        counted(failures, "failure")
    );
    text
}
