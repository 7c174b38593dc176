//! What a deployment does, in numbers: for Prometheus on a host, for CloudWatch (its embedded metric format) in Lambda.

mod emf;
mod prometheus;
mod sample;
mod serve;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use drawbridge_core::{
    id::TagName,
    report::{Ending, Outcome},
};
use serde_json::Value;

pub use self::{sample::Sample, serve::serve};

/// The numbers of one deployment, as long as its process lives. Copies are of the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Totals>>);

#[derive(Debug)]
struct Totals {
    owner: TagName,
    counts: BTreeMap<&'static str, f64>,
    errors: BTreeMap<&'static str, u64>,
    gauges: BTreeMap<&'static str, f64>,
    /// Since when something has been left to do: since the event that was the first to tell, as far as one did.
    behind_since: Option<SystemTime>,
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new(owner: TagName) -> Self {
        let counts = sample::COUNTS.iter().map(|(name, ..)| (*name, 0.0)).collect();
        Self(Arc::new(Mutex::new(Totals {
            owner,
            counts,
            errors: BTreeMap::new(),
            gauges: BTreeMap::new(),
            behind_since: None,
        })))
    }

    /// Adds a run, and says what it was in numbers.
    pub fn note(&self, outcome: &Outcome) -> Sample {
        let mut totals = self.lock();
        let mut sample = Sample::of(outcome);
        if let Some(seconds) = event_to_live(outcome, SystemTime::now()) {
            sample.event_to_live(seconds);
        }
        for (name, number) in &sample.counts {
            *totals.counts.entry(name).or_default() += number;
        }
        if let Some(kind) = sample.error {
            *totals.errors.entry(kind).or_default() += 1;
        }
        totals.gauges.extend(sample.gauges.clone());
        let events = outcome.report.events.iter().filter_map(|event| event.at);
        match sample.is_behind {
            Some(true) => totals.behind_since = events.chain(totals.behind_since).min().or(Some(SystemTime::now())),
            Some(false) => totals.behind_since = None,
            None => {}
        }
        sample
    }

    /// Adds an error of no run.
    pub fn error(&self, kind: &'static str) {
        *self.lock().errors.entry(kind).or_default() += 1;
    }

    /// How long something has been left to do.
    fn behind(totals: &Totals) -> f64 {
        totals.behind_since.map_or(0.0, |since| since.elapsed().unwrap_or_default().as_secs_f64())
    }

    /// As Prometheus takes it.
    pub fn prometheus(&self) -> String {
        let totals = self.lock();
        prometheus::text(&totals, Self::behind(&totals))
    }

    /// A run as CloudWatch takes it; `now` is in milliseconds since 1970.
    pub fn emf(&self, sample: &Sample, now: u64) -> Vec<Value> {
        let totals = self.lock();
        emf::documents(sample, totals.owner.as_str(), Self::behind(&totals), now)
    }

    fn lock(&self) -> MutexGuard<'_, Totals> {
        // Numbers are whole whenever nobody is at them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From the oldest event of a run that committed to now, in seconds.
fn event_to_live(outcome: &Outcome, now: SystemTime) -> Option<f64> {
    let is_live = outcome.ending == Ending::InSync && !outcome.report.commits.is_empty();
    let oldest = outcome.report.events.iter().filter_map(|event| event.at).min().filter(|_| is_live)?;
    now.duration_since(oldest).ok().map(|age| age.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use drawbridge_core::{
        change::Change,
        command::Trouble,
        event::{Event, EventKind},
        firewall::{Effect, Node, Pending},
        id::{JobId, OwnedName},
        limits::{Hindrance, Withheld},
        report::{Problem, Report, Step},
    };
    use expect_test::expect;
    use serde_json::json;
    use std::time::Duration;

    use super::*;

    fn outcome(ending: Ending, commands: &[(u64, &str, &str)], problem: Option<Problem>) -> Outcome {
        let step = |(at, command, said): &(u64, &str, &str)| Step {
            at: Duration::from_secs(*at),
            command: (*command).to_owned(),
            said: vec![(*said).to_owned()],
        };
        let steps = commands.iter().map(step).collect();
        let commits = if problem.is_none() && commands.len() > 2 { vec![JobId(1)] } else { Vec::new() };
        // A look that fails tells of no rules.
        let owned = problem.is_none().then_some(3);
        Outcome { ending, report: Report { steps, problem, commits, owned, ..Report::default() } }
    }

    /// A run that has a failed commit, a retry, something withheld, foreign work, and an event of a minute and a half ago.
    fn troubled() -> Outcome {
        let event = Event {
            id: "e".to_owned(),
            name: "StartInstances".to_owned(),
            principal: None,
            instances: BTreeSet::new(),
            groups: BTreeSet::new(),
            kind: EventKind::Call,
            at: Some(SystemTime::now() - Duration::from_secs(90)),
        };
        let pending = Pending {
            node: Node::Rule("theirs".parse().unwrap()),
            admin: "alice".parse().unwrap(),
            effect: Effect::Changed,
        };
        let withheld = Withheld {
            change: Change::Delete(OwnedName::parse("sg-0123-1").unwrap()),
            why: Hindrance::Removals { number: 20, allowed: 10 },
        };
        let report = Report {
            owned: Some(4),
            failed_commits: vec![JobId(2)],
            retries: 3,
            withheld: vec![withheld],
            foreign: vec![pending],
            events: vec![event],
            ..Report::default()
        };
        Outcome { ending: Ending::Withheld, report }
    }

    #[test]
    fn each_number_has_its_reason() {
        let metrics = Metrics::new("aws".parse().unwrap());
        let sample = metrics.note(&troubled());
        let counts: Vec<_> = sample.counts.iter().filter(|(_, number)| **number != 0.0).collect();
        assert_eq!(
            counts,
            [(&"CommitsFailed", &1.0), (&"Looks", &1.0), (&"Refusals", &1.0), (&"Retries", &3.0)],
            "work that is withheld is not nothing to change"
        );
        assert_eq!((sample.gauges["OwnedRules"], sample.gauges["ForeignPendingChanges"]), (4.0, 1.0));
        let oldest = |metrics: &Metrics| metrics.emf(&sample, 0)[0]["OldestUnappliedChangeSeconds"].as_f64().unwrap();
        assert!((90.0..120.0).contains(&oldest(&metrics)), "{}", oldest(&metrics));
        // A later run that is behind as well makes it no younger; one that is in step ends it.
        metrics.note(&Outcome { ending: Ending::OutOfTime, report: Report::default() });
        assert!(oldest(&metrics) >= 90.0);
        let live = Report { commits: vec![JobId(3)], ..troubled().report };
        let sample = metrics.note(&Outcome { ending: Ending::InSync, report: live });
        assert!((90.0..120.0).contains(&sample.gauges["EventToLiveSeconds"]));
        assert!(oldest(&metrics).abs() < f64::EPSILON);
    }

    #[test]
    fn runs_add_up() {
        let metrics = Metrics::new("aws \"sync\"".parse().unwrap());
        metrics.note(&outcome(Ending::InSync, &[(0, "observe", "in sync")], None));
        let committed = [
            (0, "observe", ""),
            (5, "commit", "job 1"),
            (8, "poll job", "3 %"),
            (35, "poll job", "succeeded"),
            (36, "observe", ""),
        ];
        let sample = metrics.note(&outcome(Ending::InSync, &committed, None));
        metrics.note(&outcome(Ending::Failed, &[(0, "observe", "failed")], Some(Trouble::KeyRefused.into())));
        let documents = metrics.emf(&sample, 1_770_113_472_000);
        let directive = &documents[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!((&directive["Namespace"], &directive["Dimensions"]), (&json!("Drawbridge"), &json!([["Owner"]])));
        let [looks, commits, seconds] = ["Looks", "Commits", "CommitSeconds"].map(|name| &documents[0][name]);
        assert_eq!((looks, commits, seconds), (&json!(1.0), &json!(1.0), &json!(30.0)));
        let text = metrics.prometheus();
        let shown: Vec<_> = text.lines().filter(|line| !line.starts_with('#') && !line.contains("oldest")).collect();
        expect![[r#"
            drawbridge_looks_total{owner="aws \"sync\""} 2
            drawbridge_looks_without_change_total{owner="aws \"sync\""} 1
            drawbridge_changes_total{owner="aws \"sync\""} 0
            drawbridge_commits_total{owner="aws \"sync\""} 1
            drawbridge_commit_seconds_total{owner="aws \"sync\""} 30
            drawbridge_commits_failed_total{owner="aws \"sync\""} 0
            drawbridge_refusals_total{owner="aws \"sync\""} 0
            drawbridge_retries_total{owner="aws \"sync\""} 0
            drawbridge_errors_total{owner="aws \"sync\"",kind="firewall-denied"} 1
            drawbridge_owned_rules{owner="aws \"sync\""} 3
            drawbridge_foreign_pending_changes{owner="aws \"sync\""} 0"#]]
        .assert_eq(&shown.join("\n"));
    }
}
