//! A run's report, a plan and an explanation as JSON: the Lambda's result, and what `--json` prints.
//!
//! `docs/plan-json.md` and `docs/plan.schema.json` describe a plan, `docs/report-json.md` a report.

mod plan;
mod rule;

use drawbridge_core::{
    explain::Told,
    report::{Outcome, Report},
};
use serde_json::{Value, json};

use crate::doctor;

pub use plan::plan;
use rule::change;

/// The version of a run's report. It grows when a member changes its meaning or goes.
const OUTCOME_VERSION: u32 = 1;

/// The version of an explanation.
const EXPLANATION_VERSION: u32 = 1;

/// The version of what a doctor has found.
const DOCTOR_VERSION: u32 = 1;

/// An explanation: what is said, and below it what that rests on.
pub fn explanation(told: &[Told]) -> Value {
    fn lines(told: &[Told]) -> Vec<Value> {
        told.iter().map(|Told { what, because }| json!({ "what": what, "because": lines(because) })).collect()
    }
    json!({ "version": EXPLANATION_VERSION, "explanation": lines(told) })
}

/// What a doctor has found.
pub fn doctor(report: &doctor::Report) -> Value {
    let finding = |finding: &doctor::Finding| json!({ "check": finding.check, "verdict": finding.verdict.to_string(), "says": finding.says });
    json!({
        "version": DOCTOR_VERSION,
        "verdict": report.verdict().to_string(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}

/// A run's outcome, as `docs/report-json.md` describes it.
pub fn outcome(outcome: &Outcome) -> Value {
    let Report {
        run,
        owned,
        events,
        unreadable,
        applied,
        commits,
        retries,
        withheld,
        notes,
        unit,
        foreign,
        steps,
        problem,
        ..
    } = &outcome.report;
    json!({
        "version": OUTCOME_VERSION,
        "run": run.to_string(),
        "ending": outcome.ending.to_string(),
        "summary": outcome.to_string(),
        "problem": problem.as_ref().map(ToString::to_string),
        "events": events.iter().map(|event| json!({
            "id": event.id, "name": event.name, "principal": event.principal, "text": event.to_string(),
        })).collect::<Vec<_>>(),
        "unreadable_logs": unreadable.iter().map(|(log, why)| json!({
            "bucket": log.bucket, "key": log.key, "why": why.to_string(),
        })).collect::<Vec<_>>(),
        "applied": applied.iter().map(change).collect::<Vec<_>>(),
        "commits": commits.iter().map(|job| job.0).collect::<Vec<_>>(),
        "retries": retries,
        "withheld": withheld.iter().map(|held| json!({
            "change": change(&held.change), "why": held.why.to_string(),
        })).collect::<Vec<_>>(),
        "notes": notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rules_owned": owned,
        "active_unit": unit,
        "others_uncommitted": foreign.iter().map(|pending| json!({
            "admin": pending.admin.as_str(), "what": pending.node.to_string(),
        })).collect::<Vec<_>>(),
        "steps": steps.iter().map(|step| json!({
            "at_ms": step.at.as_millis() as u64, "command": step.command, "said": step.said,
        })).collect::<Vec<_>>(),
    })
}
