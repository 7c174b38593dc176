//! What one run was, in numbers.

use std::collections::BTreeMap;

use drawbridge_core::{
    command::Trouble,
    limits::Hindrance,
    report::{Ending, Outcome, Problem, Report},
};

/// Counts: CloudWatch's name, Prometheus's name, unit of CloudWatch, meaning.
pub(super) const COUNTS: [(&str, &str, &str, &str); 9] = [
    ("Looks", "drawbridge_looks_total", "Count", "Runs that could look at AWS and the firewall, and decide."),
    (
        "LooksWithoutChange",
        "drawbridge_looks_without_change_total",
        "Count",
        "Looks that found nothing to change or commit.",
    ),
    ("Changes", "drawbridge_changes_total", "Count", "Changes that the firewall took."),
    ("Commits", "drawbridge_commits_total", "Count", "Commits that ended well."),
    ("CommitSeconds", "drawbridge_commit_seconds_total", "Seconds", "How long commits took."),
    ("CommitsFailed", "drawbridge_commits_failed_total", "Count", "Commits that ended badly."),
    (
        "Refusals",
        "drawbridge_refusals_total",
        "Count",
        "Runs that withheld something (other than by mode), or would not decide.",
    ),
    ("Retries", "drawbridge_retries_total", "Count", "Failures that were waited out."),
    ("Errors", "drawbridge_errors_total", "Count", "Runs that failed or ran out of time."),
];

/// Gauges, likewise.
pub(super) const GAUGES: [(&str, &str, &str, &str); 4] = [
    ("OwnedRules", "drawbridge_owned_rules", "Count", "Rules of ours in the candidate at the last look."),
    (
        "OldestUnappliedChangeSeconds",
        "drawbridge_oldest_unapplied_change_seconds",
        "Seconds",
        "How long something has been left to do, since the event that told of it.",
    ),
    (
        "ForeignPendingChanges",
        "drawbridge_foreign_pending_changes",
        "Count",
        "Uncommitted changes of other administrators at the last look.",
    ),
    (
        "EventToLiveSeconds",
        "drawbridge_event_to_live_seconds",
        "Seconds",
        "From the oldest event of the last run that committed to the end of its commit.",
    ),
];

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    pub(super) counts: BTreeMap<&'static str, f64>,
    pub(super) gauges: BTreeMap<&'static str, f64>,
    /// What kind of error it ended with.
    pub(super) error: Option<&'static str>,
    /// Whether something is left to do, if the run could tell.
    pub(super) is_behind: Option<bool>,
}

impl Sample {
    /// The numbers of a run.
    pub fn of(outcome: &Outcome) -> Self {
        let report = &outcome.report;
        let looked = report.owned.is_some();
        let has_changed = !report.applied.is_empty() || !report.commits.is_empty();
        let has_failed = matches!(outcome.ending, Ending::Failed | Ending::OutOfTime);
        let flag = |is: bool| f64::from(u8::from(is));
        let mut counts = BTreeMap::from([
            ("Looks", flag(looked)),
            ("LooksWithoutChange", flag(outcome.ending == Ending::InSync && !has_changed)),
            ("Changes", report.applied.len() as f64),
            ("Commits", report.commits.len() as f64),
            ("CommitsFailed", report.failed_commits.len() as f64),
            ("Refusals", flag(refuses(report))),
            ("Retries", report.retries as f64),
            ("Errors", flag(has_failed)),
        ]);
        if !report.commits.is_empty() {
            counts.insert("CommitSeconds", commit_seconds(report));
        }
        let mut gauges = BTreeMap::new();
        if let Some(owned) = report.owned {
            gauges.insert("OwnedRules", owned as f64);
            gauges.insert("ForeignPendingChanges", report.foreign.len() as f64);
        }
        let is_behind = match outcome.ending {
            Ending::InSync => Some(false),
            Ending::Withheld | Ending::Failed | Ending::OutOfTime => Some(true),
            Ending::Irrelevant => None,
        };
        Self { counts, gauges, error: has_failed.then(|| kind(report.problem.as_ref())), is_behind }
    }

    /// Adds how long it took from the oldest event to a rule in force, in seconds.
    pub(crate) fn event_to_live(&mut self, seconds: f64) {
        self.gauges.insert("EventToLiveSeconds", seconds);
    }
}

/// From the first commit to the end of the last job.
fn commit_seconds(report: &Report) -> f64 {
    let is_commit = |command: &str| matches!(command, "commit" | "commit all");
    let first = report.steps.iter().find(|step| is_commit(&step.command) || step.command == "poll job");
    let ends = |step: &&drawbridge_core::report::Step| step.said.iter().any(|said| said == "succeeded");
    let last = report.steps.iter().rev().find(|step| step.command == "poll job").filter(ends);
    first.zip(last).map_or(0.0, |(first, last)| last.at.saturating_sub(first.at).as_secs_f64())
}

fn refuses(report: &Report) -> bool {
    let by_mode = |why: &Hindrance| matches!(why, Hindrance::Mode(_));
    let withheld = report.withheld.iter().any(|withheld| !by_mode(&withheld.why));
    let undecided =
        matches!(report.problem, Some(Problem::Unfit(_) | Problem::FailedBefore { .. } | Problem::Entangled(..)));
    withheld || undecided
}

/// What kind of error a problem is.
fn kind(problem: Option<&Problem>) -> &'static str {
    match problem {
        None => "time",
        Some(Problem::Trouble(trouble)) => trouble_kind(trouble),
        Some(Problem::Unfit(_) | Problem::AnotherName(_)) => "settings",
        Some(
            Problem::CommitFailed { .. }
            | Problem::FailedUnderObservation { .. }
            | Problem::NotTakenBack { .. }
            | Problem::FailedBefore { .. },
        ) => "commit",
        Some(Problem::OthersInTheWay { .. } | Problem::Entangled(..) | Problem::LeftUncommitted { .. }) => "others",
        Some(Problem::Restless(_) | Problem::NothingToCommit { .. }) => "restless",
    }
}

fn trouble_kind(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Log(_) => "log",
        Trouble::AwsDenied { .. } | Trouble::AwsCredentials { .. } => "aws-denied",
        Trouble::AwsThrottled { .. } => "aws-throttled",
        Trouble::Aws { .. } | Trouble::AwsUnreachable { .. } | Trouble::Inventory(_) => "aws",
        Trouble::Unreachable | Trouble::NoAnswer | Trouble::NotPanos(_) | Trouble::Certificate => {
            "firewall-unreachable"
        }
        Trouble::KeyRefused | Trouble::RoleLacks(_) | Trouble::UnknownAdmin => "firewall-denied",
        Trouble::Refused(_) | Trouble::TooOld(_) => "firewall-refused",
        Trouble::Busy(_) => "firewall-busy",
        Trouble::Locked(_) | Trouble::AtWork(..) => "firewall-locked",
        Trouble::Passive(_) | Trouble::NoneActive(_) => "firewall-passive",
    }
}
