//! Deeds: what happens in a story, one per line.

use std::{fmt, time::Duration};

use super::{
    acts::Act,
    amid::Amid,
    calls::Call,
    cloud::{self, InstanceState},
    firewall::HaState,
    names::{Id, Kind},
    words::{Name, Parsed, Span, Words, write_list},
};
use crate::{
    faults::{Fault, Moment},
    firewall::AfterRestart,
};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// `call StartInstances i-1`: an API call, which writes a record.
    Call(Call),
    /// `deliver`, `deliver StartInstances i-1`: CloudTrail delivers what it has recorded in one file.
    Deliver(Option<Call>),
    /// `deliver again`: the last notification arrives once more.
    DeliverAgain,
    /// `deliver file truncated`: an object that is no good log arrives.
    DeliverFile(OddFile),
    /// `notify StartInstances i-1`: EventBridge reports the call.
    Notify(Call),
    /// `state-change i-1 stopped`: EventBridge reports a state that the instance reached by itself.
    StateChange {
        /// The instance.
        instance: Id,
        /// Its new state.
        state: InstanceState,
    },
    /// `schedule`: a run without any event.
    Schedule,
    /// `apply`, `apply --accept-limits`: a person runs it.
    Apply(Limits),
    /// `uninstall`: a person has it take away what is its own.
    Uninstall,
    /// `wait 30m`
    Wait(Duration),
    /// `admin alice delete "web in"`
    Admin {
        /// The administrator.
        name: String,
        /// What they do.
        act: Act,
    },
    /// `fault commit 1 lost answer`
    Fault(Fault),
    /// `fault job 1 fail "line"`: a commit job of Drawbridge's fails.
    FailJob {
        /// Which of the commit jobs to come.
        nth: u32,
        /// The details that it fails with.
        details: Vec<String>,
    },
    /// `before commit 1 admin alice …`, `after observe 2 call …`: what happens while Drawbridge runs.
    Amid(Box<Amid>),
    /// `restart`, `restart forgetting`: the firewall restarts.
    Restart(AfterRestart),
    /// `ha passive`: the firewall changes its part in a pair; `ha pair`: the unit that died comes back.
    Ha(HaState),
    /// `time-limit 45s`: the runs to come may take no longer.
    TimeLimit(Duration),
    /// `calm`: whatever is armed or broken is over.
    Calm,
    /// `settled`: everything must be as wanted by now, and nothing left to do.
    Settled,
    /// `show rules`
    Show(Show),
}

/// What becomes of the limits of the settings when a person runs Drawbridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// They hold.
    Kept,
    /// What exceeds them is accepted.
    Accepted,
}

/// Objects in the trail's bucket that are no good logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddFile {
    /// A gzip stream that ends too early.
    Truncated,
    /// Text that is no JSON.
    NotJson,
    /// Very few bytes that unpack to very many.
    Bomb,
    /// A key that holds no object.
    Missing,
    /// An object that may not be read.
    Forbidden,
    /// A digest file of CloudTrail's integrity validation.
    Digest,
    /// A file of CloudTrail Insights.
    Insight,
}

impl OddFile {
    const ALL: [Self; 7] =
        [Self::Truncated, Self::NotJson, Self::Bomb, Self::Missing, Self::Forbidden, Self::Digest, Self::Insight];

    /// Its name in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::NotJson => "not-json",
            Self::Bomb => "bomb",
            Self::Missing => "missing",
            Self::Forbidden => "forbidden",
            Self::Digest => "digest",
            Self::Insight => "insight",
        }
    }
}

/// What a story wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// `show rules`: the running rulebase.
    Running,
    /// `show rules candidate`: the candidate.
    Candidate,
    /// `show pending`: who has uncommitted changes, and where.
    Pending,
    /// `show calls`: what the last run asked of the outside world.
    Calls,
}

impl Deed {
    /// Whether Drawbridge runs because of it.
    pub const fn runs(&self) -> bool {
        match self {
            Self::Deliver(_) | Self::DeliverAgain | Self::DeliverFile(_) => true,
            Self::Notify(_) | Self::StateChange { .. } | Self::Schedule | Self::Apply(_) | Self::Uninstall => true,
            Self::Call(_) | Self::Wait(_) | Self::Admin { .. } => false,
            Self::Fault(_) | Self::FailJob { .. } | Self::Show(_) => false,
            Self::Amid(_) | Self::Restart(_) | Self::Ha(_) => false,
            Self::TimeLimit(_) | Self::Calm | Self::Settled => false,
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    pub fn parse(line: &str) -> Result<Self, String> {
        let mut words = Words::of(line)?;
        let deed = Self::take(&mut words)?;
        words.end().map(|()| deed)
    }

    /// The ids that it names.
    pub(crate) fn ids(&self) -> Vec<Id> {
        match self {
            Self::Call(call) | Self::Deliver(Some(call)) | Self::Notify(call) => call.request.ids(),
            Self::StateChange { instance, .. } => vec![instance.clone()],
            Self::Deliver(None) | Self::DeliverAgain | Self::DeliverFile(_) | Self::Schedule | Self::Wait(_) => {
                Vec::new()
            }
            Self::Apply(_) | Self::Uninstall | Self::Admin { .. } => Vec::new(),
            Self::Fault(_) | Self::FailJob { .. } | Self::Show(_) => Vec::new(),
            Self::Amid(amid) => amid.deed.ids(),
            Self::Restart(_) | Self::Ha(_) | Self::TimeLimit(_) | Self::Calm | Self::Settled => Vec::new(),
        }
    }

    /// Reads one line.
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let first = words.word("a deed such as `deliver`")?;
        match first.as_str() {
            "call" => Ok(Self::Call(Call::take(words)?)),
            "deliver" if words.is_empty() => Ok(Self::Deliver(None)),
            "deliver" if words.keyword("again") => Ok(Self::DeliverAgain),
            "deliver" if words.keyword("file") => Ok(Self::DeliverFile(OddFile::take(words)?)),
            "deliver" => Ok(Self::Deliver(Some(Call::take(words)?))),
            "notify" => Ok(Self::Notify(Call::take(words)?)),
            "state-change" => Ok(Self::StateChange {
                instance: cloud::id(words, Kind::Instance)?,
                state: InstanceState::take(words)?,
            }),
            "schedule" => Ok(Self::Schedule),
            "apply" if words.keyword("--accept-limits") => Ok(Self::Apply(Limits::Accepted)),
            "apply" => Ok(Self::Apply(Limits::Kept)),
            "uninstall" => Ok(Self::Uninstall),
            "wait" => Ok(Self::Wait(words.span()?)),
            "admin" => Ok(Self::Admin { name: words.word("the name of an administrator")?, act: Act::take(words)? }),
            "fault" if words.keyword("job") => Self::fail_job(words),
            "fault" => Ok(Self::Fault(Fault::take(words)?)),
            "before" => Ok(Self::Amid(Box::new(Amid::take(words, Moment::Before)?))),
            "after" => Ok(Self::Amid(Box::new(Amid::take(words, Moment::After)?))),
            "restart" if words.keyword("forgetting") => Ok(Self::Restart(AfterRestart::CandidateLost)),
            "restart" => Ok(Self::Restart(AfterRestart::CandidateKept)),
            "ha" => Ok(Self::Ha(HaState::take(words)?)),
            "time-limit" => Ok(Self::TimeLimit(words.span()?)),
            "calm" => Ok(Self::Calm),
            "settled" => Ok(Self::Settled),
            "show" => Ok(Self::Show(Show::take(words)?)),
            other => Err(format!(
                "`{other}` is no deed; known are call, deliver, notify, state-change, schedule, apply, uninstall, wait, admin, fault, \
                 before, after, restart, ha, time-limit, calm, settled and show"
            )),
        }
    }

    fn fail_job(words: &mut Words) -> Parsed<Self> {
        let nth = words.value("which commit job to come, such as `1`,")?;
        words.expect("fail")?;
        let mut details = vec![words.word("a line of details in quotes")?];
        while !words.is_empty() {
            details.push(words.word("a line of details in quotes")?);
        }
        Ok(Self::FailJob { nth, details })
    }
}

impl OddFile {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        let name = words.word("a kind of file such as `truncated`")?;
        Self::ALL.into_iter().find(|file| file.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|file| file.name()).collect();
            format!("`{name}` is no kind of file; known are {}", known.join(", "))
        })
    }
}

impl Show {
    pub(super) fn take(words: &mut Words) -> Parsed<Self> {
        match words.word("`rules`, `pending` or `calls`")?.as_str() {
            "rules" => Ok(if words.keyword("candidate") { Self::Candidate } else { Self::Running }),
            "pending" => Ok(Self::Pending),
            "calls" => Ok(Self::Calls),
            other => Err(format!("`{other}` cannot be shown; known are rules, rules candidate, pending and calls")),
        }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(call) => write!(f, "call {call}"),
            Self::Deliver(None) => f.write_str("deliver"),
            Self::Deliver(Some(call)) => write!(f, "deliver {call}"),
            Self::DeliverAgain => f.write_str("deliver again"),
            Self::DeliverFile(file) => write!(f, "deliver file {}", file.name()),
            Self::Notify(call) => write!(f, "notify {call}"),
            Self::StateChange { instance, state } => write!(f, "state-change {instance} {}", state.name()),
            Self::Schedule => f.write_str("schedule"),
            Self::Apply(Limits::Kept) => f.write_str("apply"),
            Self::Apply(Limits::Accepted) => f.write_str("apply --accept-limits"),
            Self::Uninstall => f.write_str("uninstall"),
            Self::Wait(span) => write!(f, "wait {}", Span(*span)),
            Self::Admin { name, act } => write!(f, "admin {} {act}", Name(name)),
            Self::Fault(fault) => write!(f, "fault {fault}"),
            Self::FailJob { nth, details } => {
                write!(f, "fault job {nth} fail ")?;
                write_list(f, " ", details.iter().map(|line| Name(line)))
            }
            Self::Amid(amid) => amid.fmt(f),
            Self::Restart(AfterRestart::CandidateKept) => f.write_str("restart"),
            Self::Restart(AfterRestart::CandidateLost) => f.write_str("restart forgetting"),
            Self::Ha(state) => write!(f, "ha {}", state.name()),
            Self::TimeLimit(span) => write!(f, "time-limit {}", Span(*span)),
            Self::Calm => f.write_str("calm"),
            Self::Settled => f.write_str("settled"),
            Self::Show(Show::Running) => f.write_str("show rules"),
            Self::Show(Show::Candidate) => f.write_str("show rules candidate"),
            Self::Show(Show::Pending) => f.write_str("show pending"),
            Self::Show(Show::Calls) => f.write_str("show calls"),
        }
    }
}
