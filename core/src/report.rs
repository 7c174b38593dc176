//! What a run did, said and left: the same words in logs, transcripts and results.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    change::Change,
    command::{LogRef, LogTrouble, Trouble},
    event::Event,
    firewall::{Node, Pending},
    id::{AdminName, JobId, OwnedName, RunId},
    limits::Withheld,
    plan::{Note, Reason},
    rulebase::Unfit,
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nothing that happened can change the answer.
    Irrelevant,
    /// A fresh look found nothing to change.
    InSync,
    /// What is left to change is withheld.
    Withheld,
    /// Something is wrong that waiting does not mend.
    Failed,
    /// The time was used up; the next run goes on from what it finds.
    OutOfTime,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Irrelevant => "nothing relevant",
            Self::InSync => "in sync",
            Self::Withheld => "withheld",
            Self::Failed => "failed",
            Self::OutOfTime => "out of time",
        })
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// What it did.
    pub report: Report,
}

/// What a run did and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Which run it was.
    pub run: RunId,
    /// How many rules of ours the candidate had at the last look.
    pub owned: Option<usize>,
    /// Every command with its answer, in order.
    pub steps: Vec<Step>,
    /// The events that were worth a look.
    pub events: Vec<Event>,
    /// Logs that yielded no events. They count as worth a look.
    pub unreadable: Vec<(LogRef, LogTrouble)>,
    /// Changes that the firewall took, in order.
    pub applied: Vec<Change>,
    /// Why, for every rule that this run changed or would have changed.
    pub reasons: BTreeMap<OwnedName, Reason>,
    /// Commit jobs that ended well.
    pub commits: Vec<JobId>,
    /// Commit jobs that failed.
    pub failed_commits: Vec<JobId>,
    /// How often a failure was waited out.
    pub retries: usize,
    /// What the last plan withheld.
    pub withheld: Vec<Withheld>,
    /// What the last plan left to somebody else.
    pub notes: Vec<Note>,
    /// The unit of a pair that was looked at last, and so written to.
    pub unit: Option<String>,
    /// Uncommitted changes of other administrators, at the last look. They are neither committed nor reverted.
    pub foreign: Vec<Pending>,
    /// What went wrong in the end.
    pub problem: Option<Problem>,
}

/// How many places of one administrator are shown to people.
const PLACES: usize = 10;

impl Report {
    /// What others have not committed, a line each, as people read it: somebody may have hundreds of changes in progress.
    pub fn others(&self) -> Vec<String> {
        let mut by_admin: BTreeMap<&AdminName, Vec<&Node>> = BTreeMap::new();
        for pending in &self.foreign {
            by_admin.entry(&pending.admin).or_default().push(&pending.node);
        }
        let lines = by_admin.into_iter().flat_map(|(admin, nodes)| {
            let more = nodes.len().saturating_sub(PLACES);
            let places = nodes.into_iter().take(PLACES).map(ToString::to_string);
            let rest = (more > 0).then(|| counted(more, "more place"));
            places.chain(rest).map(move |place| format!("uncommitted work of `{admin}`: {place}"))
        });
        lines.collect()
    }
}

/// What went wrong in the end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A command failed for good, or too often.
    #[error("{words}", words = with_remedy(.0))]
    Trouble(#[from] Trouble),
    /// Nothing can be decided before a person has put something right.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The firewall's validation refused our changes; they are taken back.
    #[error("{job} failed, our changes are taken back: {}", told(lines))]
    CommitFailed {
        /// The commit job.
        job: JobId,
        /// Its own words.
        lines: Vec<String>,
    },
    /// The firewall's validation refused our changes, and the mode lets nobody take them back.
    #[error(
        "{job} failed: {}; our changes stay uncommitted, because `mode = \"observe\"` takes nothing back: revert them, or change the mode",
        told(lines)
    )]
    FailedUnderObservation {
        /// The commit job.
        job: JobId,
        /// Its own words.
        lines: Vec<String>,
    },
    /// The firewall's validation refused our changes, and others have worked on top of them since.
    #[error(
        "{job} failed: {}; our changes stay uncommitted, because uncommitted work of `{admin}` on {node} rests on them: revert all changes, or put them right and commit all",
        told(lines)
    )]
    NotTakenBack {
        /// The commit job.
        job: JobId,
        /// Its own words.
        lines: Vec<String>,
        /// Where.
        node: Node,
        /// Whose.
        admin: AdminName,
    },
    /// The firewall commits moved rules only with everything else, and something is not ours.
    #[error(
        "the firewall commits moved rules only with all other changes, and {} left some uncommitted: ours are taken back; ask for theirs to be committed or reverted",
        admins.join(", ")
    )]
    OthersInTheWay {
        /// Whose.
        admins: Vec<String>,
    },
    /// The same candidate failed to commit a short while ago.
    #[error("a commit of the same rules failed {} min ago, they are not tried again for {} min: {}", age.as_secs() / 60, wait.as_secs().div_ceil(60), told(lines))]
    FailedBefore {
        /// How long ago.
        age: Duration,
        /// How long it is still left alone.
        wait: Duration,
        /// The failed job's own words.
        lines: Vec<String>,
    },
    /// Something of ours is uncommitted, and the mode lets nobody commit it.
    #[error(
        "uncommitted work of ours on {} stays as it is: `mode = \"observe\"` commits nothing; revert it, or change the mode",
        quoted(rules)
    )]
    LeftUncommitted {
        /// Rules of ours that are not in force as they stand in the candidate.
        rules: Vec<OwnedName>,
    },
    /// The firewall notes our changes under another name than the settings say.
    #[error("the firewall notes the changes of this API key under `{0}`: correct or remove `firewall.admin`")]
    AnotherName(AdminName),
    /// Somebody works on what we have not committed yet: every commit or revert of ours would take their work along.
    #[error(
        "uncommitted work of `{1}` is part of uncommitted work of ours on {0}, and no commit of ours can leave it out: commit all changes, or revert them"
    )]
    Entangled(Node, AdminName),
    /// Look and change did not come to an end.
    #[error("still not in sync after {0} looks: does something else change the same rules?")]
    Restless(usize),
    /// The firewall saw nothing to commit, and another look found that our rules differ all the same.
    #[error(
        "the firewall sees nothing of ours to commit, although candidate and running configuration differ in {}: look at who has changed them, and commit all changes, or revert them",
        quoted(rules)
    )]
    NothingToCommit {
        /// Rules of ours that are not in force as they should be.
        rules: Vec<OwnedName>,
    },
}

/// One command and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it was given, since the run began.
    pub at: Duration,
    /// The command's name.
    pub command: String,
    /// What came of it, a line each.
    pub said: Vec<String>,
}

/// `5.0s  observe       1 atom wanted, 0 ours of 4 rules: 1 change`, further lines below the last column.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6}s  {:<16}", format!("{:.1}", self.at.as_secs_f64()), self.command)?;
        for (index, line) in self.said.iter().enumerate() {
            if index == 0 {
                write!(f, "  {line}")?;
            } else {
                write!(f, "\n{:27}{line}", "")?;
            }
        }
        Ok(())
    }
}

/// `in sync: 2 changes, 1 commit, 1 retry`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { applied, commits, retries, withheld, unreadable, problem, .. } = &self.report;
        let counts = [
            (applied.len(), "change", "changes"),
            (commits.len(), "commit", "commits"),
            (*retries, "retry", "retries"),
            (withheld.len(), "change withheld", "changes withheld"),
            (unreadable.len(), "unreadable log", "unreadable logs"),
        ];
        write!(f, "{}", self.ending)?;
        let mut separator = ": ";
        for (number, one, many) in counts.into_iter().filter(|(number, ..)| *number > 0) {
            write!(f, "{separator}{number} {}", if number == 1 { one } else { many })?;
            separator = ", ";
        }
        match problem {
            Some(problem) => write!(f, "; {problem}"),
            None => Ok(()),
        }
    }
}

/// What went wrong, and what a person does about it.
fn with_remedy(trouble: &Trouble) -> String {
    let said = trouble.to_string();
    // The firewall's own words are sentences.
    trouble.remedy().map_or_else(|| said.clone(), |remedy| format!("{}; {remedy}", said.trim_end_matches('.')))
}

/// The lines of a failed job, which may have none.
fn told(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        "its job gives no reason, look for it in the firewall's *Task Manager*".to_owned()
    } else {
        shown(&lines)
    }
}

/// How many lines of a job are shown: one of hundreds says the same of hundreds of rules.
const LINES: usize = 20;

/// The lines of a job, as people read them.
pub(crate) fn shown<T: AsRef<str>>(lines: &[T]) -> String {
    let more = lines.len().saturating_sub(LINES);
    let rest = (more > 0).then(|| counted(more, "more line"));
    let lines = lines.iter().take(LINES).map(|line| line.as_ref().to_owned());
    lines.chain(rest).collect::<Vec<_>>().join(" / ")
}

/// "`a`, `b`".
fn quoted(names: &[OwnedName]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// `1 atom`, `2 atoms`.
pub(crate) fn counted(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_without_lines_is_told_with_where_to_look() {
        let look = "its job gives no reason, look for it in the firewall's *Task Manager*";
        let (age, wait) = (Duration::from_secs(5 * 60), Duration::from_secs(25 * 60));
        let (node, admin) = (Node::Other("zone".to_owned()), "alice".parse::<AdminName>().unwrap());
        for nothing in [vec![], vec![" ".to_owned()]] {
            let problems = [
                Problem::CommitFailed { job: JobId(7), lines: nothing.clone() },
                Problem::FailedBefore { age, wait, lines: nothing.clone() },
            ];
            for problem in problems {
                assert!(problem.to_string().ends_with(&format!(": {look}")), "{problem}");
            }
            let (node, admin) = (node.clone(), admin.clone());
            let rests = Problem::NotTakenBack { job: JobId(7), lines: nothing, node, admin };
            assert!(rests.to_string().contains(&format!("job 7 failed: {look}; our changes stay")), "{rests}");
        }
        let lines = vec!["a is invalid".to_owned(), "Commit failed".to_owned()];
        let failed = Problem::CommitFailed { job: JobId(7), lines }.to_string();
        assert_eq!(failed, "job 7 failed, our changes are taken back: a is invalid / Commit failed");
    }
}
