//! Jobs: work that takes time, one after the other.

use std::time::Duration;

use time::macros::format_description;

use super::commit::Proposal;
use crate::{clock::Moment, xml::Element};

/// A piece of work with its number.
#[derive(Clone, Debug)]
pub(super) struct Job {
    id: u64,
    user: String,
    pub(super) work: Work,
    /// What a commit or validation is about, until it has ended.
    proposal: Option<Proposal>,
    description: String,
    enqueued: Moment,
    state: State,
}

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// The commit by which a firewall makes its running configuration effective after a restart.
    AutoCommit,
    /// Makes changes part of the running configuration.
    Commit,
    /// Looks whether it could.
    Validate,
}

impl Work {
    fn label(self) -> &'static str {
        match self {
            Self::AutoCommit => "AutoCom",
            Self::Commit => "Commit",
            Self::Validate => "Validate",
        }
    }
}

#[derive(Clone, Debug)]
enum State {
    Queued,
    Active { since: Moment, until: Moment },
    Finished { since: Moment, at: Moment, verdict: Verdict },
}

/// How a job ended, with the lines it has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok(Vec<String>),
    Fail(Vec<String>),
}

impl Verdict {
    /// A good end with one line.
    pub(super) fn ok(line: &str) -> Self {
        Self::Ok(vec![line.to_owned()])
    }
}

/// A job whose time has come.
#[derive(Clone, Debug)]
pub(super) struct Due {
    pub(super) id: u64,
    pub(super) user: String,
    pub(super) work: Work,
    pub(super) proposal: Option<Proposal>,
    pub(super) enqueued: Moment,
    /// When its time came.
    pub(super) due: Moment,
}

/// All jobs since the last restart, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: Vec<Job>,
    /// When the last job ended.
    idle_since: Option<Moment>,
}

impl Jobs {
    /// Enqueues work and returns its number.
    pub(super) fn enqueue(
        &mut self,
        user: &str,
        work: Work,
        proposal: Option<Proposal>,
        description: &str,
        now: Moment,
    ) -> u64 {
        let id = self.jobs.last().map_or(1, |job| job.id + 1);
        let (user, description) = (user.to_owned(), description.to_owned());
        self.jobs.push(Job { id, user, work, proposal, description, enqueued: now, state: State::Queued });
        id
    }

    /// Jobs that have not ended.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| !matches!(job.state, State::Finished { .. }))
    }

    /// Whether all have ended, and well.
    pub(super) fn are_quiet(&self) -> bool {
        self.jobs.iter().all(|job| matches!(job.state, State::Finished { verdict: Verdict::Ok(_), .. }))
    }

    /// What is being committed or waits for it.
    pub(super) fn committing(&self) -> impl Iterator<Item = &Proposal> {
        self.unfinished().filter(|job| job.work == Work::Commit).filter_map(|job| job.proposal.as_ref())
    }

    /// Starts the next job, if none is active and there is one, and returns what it is about.
    pub(super) fn start_next(&mut self, takes: Duration) -> Option<&mut Proposal> {
        if self.jobs.iter().any(|job| matches!(job.state, State::Active { .. })) {
            return None;
        }
        let job = self.jobs.iter_mut().find(|job| matches!(job.state, State::Queued))?;
        let since = self.idle_since.map_or(job.enqueued, |idle| idle.max(job.enqueued));
        job.state = State::Active { since, until: since + takes };
        job.proposal.as_mut()
    }

    /// The active job, if its time has come.
    pub(super) fn take_due(&mut self, now: Moment) -> Option<Due> {
        let due = |job: &Job| match job.state {
            State::Active { until, .. } if until <= now => Some(until),
            State::Active { .. } | State::Queued | State::Finished { .. } => None,
        };
        let (job, due) = self.jobs.iter_mut().find_map(|job| due(job).map(|due| (job, due)))?;
        let (user, proposal) = (job.user.clone(), job.proposal.take());
        Some(Due { id: job.id, user, work: job.work, proposal, enqueued: job.enqueued, due })
    }

    /// Ends the active job of that number at the moment at which it was due.
    pub(super) fn finish(&mut self, id: u64, verdict: &Verdict) {
        for job in self.jobs.iter_mut().filter(|job| job.id == id) {
            if let State::Active { since, until } = job.state {
                job.state = State::Finished { since, at: until, verdict: verdict.clone() };
                self.idle_since = Some(until);
            }
        }
    }

    /// The answer's element for one job.
    pub(super) fn to_xml(&self, id: u64, now: Moment) -> Option<Element> {
        self.jobs.iter().find(|job| job.id == id).map(|job| self.job_to_xml(job, now))
    }

    /// The answer's elements for all jobs, the newest first.
    pub(super) fn all_to_xml(&self, now: Moment) -> Vec<Element> {
        self.jobs.iter().rev().map(|job| self.job_to_xml(job, now)).collect()
    }

    fn job_to_xml(&self, job: &Job, now: Moment) -> Element {
        let queued_before = self.unfinished().filter(|other| other.id < job.id).count();
        let view = View::of(&job.state, now);
        let lines = |name: &str, lines: &[String]| {
            Element::new(name).with_all(lines.iter().map(|line| Element::text("line", line)))
        };
        let position = if view.status == "PEND" { queued_before } else { 0 };
        Element::new("job").with_all([
            Element::text("tenq", job.enqueued.panos()),
            Element::text("tdeq", view.since.map(time_of_day).unwrap_or_default()),
            Element::text("id", job.id.to_string()),
            Element::text("user", &job.user),
            Element::text("type", job.work.label()),
            Element::text("status", view.status),
            Element::text("queued", if view.status == "PEND" { "YES" } else { "NO" }),
            Element::text("stoppable", "no"),
            Element::text("result", view.result),
            Element::text("tfin", view.finished),
            Element::text("description", &job.description),
            Element::text("positionInQ", position.to_string()),
            Element::text("progress", view.progress.to_string()),
            lines("details", view.lines),
            Element::new("warnings"),
        ])
    }
}

/// How a job looks at a moment.
struct View<'a> {
    status: &'static str,
    result: &'static str,
    since: Option<Moment>,
    finished: String,
    progress: u128,
    lines: &'a [String],
}

impl<'a> View<'a> {
    fn of(state: &'a State, now: Moment) -> Self {
        let unfinished = |status, since, progress| Self {
            status,
            result: "PEND",
            since,
            finished: "Still Active".into(),
            progress,
            lines: &[],
        };
        match state {
            State::Queued => unfinished("PEND", None, 0),
            State::Active { since, until } => unfinished("ACT", Some(*since), progress(*since, *until, now)),
            State::Finished { since, at, verdict } => {
                let (result, lines) = match verdict {
                    Verdict::Ok(lines) => ("OK", lines),
                    Verdict::Fail(lines) => ("FAIL", lines),
                };
                // A failed job has progress 100 too: pango waits for nothing else.
                Self { status: "FIN", result, since: Some(*since), finished: at.panos(), progress: 100, lines }
            }
        }
    }
}

/// Percent done, never 100 before the end.
fn progress(since: Moment, until: Moment, now: Moment) -> u128 {
    let done = now.elapsed().saturating_sub(since.elapsed()).as_millis();
    let whole = until.elapsed().saturating_sub(since.elapsed()).as_millis().max(1);
    (done * 100 / whole).min(99)
}

fn time_of_day(moment: Moment) -> String {
    moment.formatted(format_description!("[hour]:[minute]:[second]"))
}
