//! A run's report and a plan as JSON: the Lambda's result, and what `--json` prints.

use drawbridge_core::{
    address::AddressRange,
    change::{Change, Extras, OwnedRule, Position},
    firewall::Status,
    plan::Plan,
    report::{Outcome, Report},
    service::{Apps, L4},
};
use serde_json::{Value, json};

/// The version of both documents. It grows when a member changes its meaning or goes.
const VERSION: u32 = 1;

/// A run's outcome.
///
/// `batchItemFailures` is empty because a run takes its whole batch or fails as a whole: an SQS source with
/// `ReportBatchItemFailures` looks for it (Lambda guide, services-sqs-errorhandling).
pub fn outcome(outcome: &Outcome) -> Value {
    let Report { events, unreadable, applied, commits, retries, withheld, notes, foreign, steps, problem, .. } =
        &outcome.report;
    json!({
        "version": VERSION,
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
        "others_uncommitted": foreign.iter().map(|pending| json!({
            "admin": pending.admin.as_str(), "what": pending.node.to_string(),
        })).collect::<Vec<_>>(),
        "steps": steps.iter().map(|step| json!({
            "at_ms": step.at.as_millis() as u64, "command": step.command, "said": step.said,
        })).collect::<Vec<_>>(),
        "batchItemFailures": [],
    })
}

/// A plan that was only looked at.
pub fn plan(plan: &Plan) -> Value {
    let reasoned = |made: &Change| {
        let mut document = change(made);
        let reason = made.rule().and_then(|name| plan.reasons.get(name));
        document["reason"] = json!(reason.map(ToString::to_string));
        document
    };
    json!({
        "version": VERSION,
        "changes": plan.changes.iter().map(reasoned).collect::<Vec<_>>(),
        "commit": plan.commit || !plan.changes.is_empty(),
        "withheld": plan.withheld.iter().map(|held| json!({
            "change": reasoned(&held.change), "why": held.why.to_string(),
        })).collect::<Vec<_>>(),
        "notes": plan.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "left_out": plan.wanted.left_out.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "atoms_wanted": plan.wanted.atoms.len(),
        "interfaces_exposed": plan.wanted.exposed,
        "rules_owned": plan.owned,
        "rules": plan.rules,
    })
}

/// One change, with the whole rule where it writes one.
fn change(change: &Change) -> Value {
    let text = change.to_string();
    match change {
        Change::Tag(name) => json!({ "do": "create-tag", "name": name.as_str(), "text": text }),
        Change::Service(object) => json!({
            "do": "create-service", "name": object.name.as_str(), "ports": object.ports.to_string(), "text": text,
        }),
        Change::Put(written, Position::Above(bottom)) => json!({
            "do": "add-rule", "name": written.name.to_string(), "above": bottom.as_str(), "rule": rule(written), "text": text,
        }),
        Change::Put(written, Position::InPlace) => json!({
            "do": "rewrite-rule", "name": written.name.to_string(), "rule": rule(written), "text": text,
        }),
        Change::Lift(name, bottom) => json!({
            "do": "move-rule", "name": name.to_string(), "above": bottom.as_str(), "text": text,
        }),
        Change::Delete(name) => json!({ "do": "delete-rule", "name": name.to_string(), "text": text }),
    }
}

fn rule(rule: &OwnedRule) -> Value {
    let (source, destination) = rule.spelling.columns();
    let addresses =
        |ranges: &std::collections::BTreeSet<AddressRange>| ranges.iter().map(ToString::to_string).collect::<Vec<_>>();
    let applications = match &rule.spelling.service.apps {
        Apps::Any => vec!["any".to_owned()],
        Apps::Named(names) => names.iter().map(ToString::to_string).collect(),
    };
    let log_setting = match &rule.extras {
        Extras::Fresh { log_setting } => log_setting.as_ref().map(ToString::to_string),
        Extras::Kept(_) => None,
    };
    json!({
        "from": [rule.from.as_str()],
        "to": [rule.to.as_str()],
        "source": addresses(source),
        "destination": addresses(destination),
        "application": applications,
        "service": { "column": rule.service.to_string(), "traffic": traffic(rule.spelling.service.l4) },
        "action": "allow",
        "disabled": rule.status == Status::Disabled,
        "profile_group": rule.profile_group.as_ref().map(ToString::to_string),
        "log_setting": log_setting,
        "tags": rule.tags.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "description": rule.description,
    })
}

fn traffic(l4: L4) -> Value {
    match l4 {
        L4::Any => json!({ "protocol": "any" }),
        L4::Tcp(ports) => json!({ "protocol": "tcp", "first_port": ports.first(), "last_port": ports.last() }),
        L4::Udp(ports) => json!({ "protocol": "udp", "first_port": ports.first(), "last_port": ports.last() }),
        L4::Ip(number) => json!({ "protocol": number }),
    }
}
