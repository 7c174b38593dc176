//! What the sequence asks of the world, and what the world answers. Their `Display` is the language of logs, transcripts
//! and reports.

use std::{fmt, time::Duration};

use crate::{
    change::Change,
    event::Event,
    firewall::{CommitNote, Firewall, Node},
    id::{AdminName, JobId},
    inventory::Inventory,
};

/// Where a log file lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogRef {
    /// The bucket.
    pub bucket: String,
    /// The key, decoded.
    pub key: String,
    /// The version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// How much to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// AWS and the firewall.
    Everything,
    /// The firewall, against the inventory in hand.
    Firewall,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read a log file.
    FetchLog(LogRef),
    /// Read the facts.
    Observe(Look),
    /// Make these changes to the candidate, all or none.
    Apply(Vec<Change>),
    /// Commit our own changes.
    Commit(CommitNote),
    /// Commit all that is uncommitted, which is ours alone: some releases refuse to commit moved rules otherwise.
    CommitAll(CommitNote),
    /// Ask how a job is getting on.
    PollJob(JobId),
    /// Take our own uncommitted changes back.
    Revert,
}

/// What a command answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`Command::FetchLog`]: the events in it, reads, failures and dry runs dropped.
    Log(Vec<Event>),
    /// To [`Command::Observe`]: the inventory if [`Look::Everything`] was asked for, and the firewall.
    Facts(Option<Box<Inventory>>, Box<Firewall>),
    /// To [`Command::Apply`].
    Applied,
    /// To [`Command::Commit`] and [`Command::CommitAll`].
    Job(JobId),
    /// To the same: the firewall sees nothing of ours to commit.
    NothingToCommit,
    /// To [`Command::PollJob`].
    Polled(JobState),
    /// To [`Command::Revert`].
    Reverted,
}

/// How a job is getting on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Queued or at work; per cent done.
    Running(u8),
    /// Ended well.
    Succeeded,
    /// Ended badly, with the job's own lines.
    Failed(Vec<String>),
    /// The firewall does not know it any more.
    Lost,
}

/// A command that did not succeed. After a write it may have taken effect all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether trying again can help.
    pub lasting: Lasting,
    /// What went wrong.
    pub what: Trouble,
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// It may: overload, a lock, a connection that broke.
    Transient,
    /// It cannot: somebody has to do something first.
    Permanent,
}

/// What went wrong, in our words, so that every way of running says the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A log file that yields no events.
    #[error("log unreadable: {0}")]
    Log(LogTrouble),
    /// AWS refuses the call to this role.
    #[error("AWS refuses `{call}`: allow it in the role's policy")]
    AwsDenied {
        /// The API action.
        call: String,
    },
    /// AWS does not know whose call it is.
    #[error("AWS does not accept the credentials of `{call}` ({code}): renew them, and check the clock")]
    AwsCredentials {
        /// The API action.
        call: String,
        /// The error code.
        code: String,
    },
    /// AWS asks to slow down.
    #[error("AWS throttles `{call}` ({code}): the limit is shared by the whole account, find out who else uses it up")]
    AwsThrottled {
        /// The API action.
        call: String,
        /// The error code.
        code: String,
    },
    /// Any other error of AWS.
    #[error("AWS answered `{call}` with {code}")]
    Aws {
        /// The API action.
        call: String,
        /// The error code, or what went wrong on the way; and the remedy, if waiting is none.
        code: String,
    },
    /// No connection to AWS, or it broke.
    #[error("no answer from AWS to `{call}`: check network, endpoint and credentials")]
    AwsUnreachable {
        /// The API action.
        call: String,
    },
    /// What AWS listed contradicts itself.
    #[error("{0}")]
    Inventory(String),
    /// No connection to the firewall.
    #[error("the firewall cannot be reached: check `firewall.hostname` and the path to its management interface")]
    Unreachable,
    /// A connection to the firewall that broke, or took too long.
    #[error("the firewall did not answer in time, or the connection broke: check its load and the path to it")]
    NoAnswer,
    /// Its certificate does not verify.
    #[error("the firewall's certificate does not verify: set `firewall.ca_file` or `firewall.fingerprint`")]
    Certificate,
    /// The key is not (or no longer) valid.
    #[error("the firewall refuses the API key: generate one for the account and set `firewall.api_key`")]
    KeyRefused,
    /// The key's account may not do it.
    #[error("the account of the API key lacks a right: {0}")]
    RoleLacks(String),
    /// Something else than the XML API answered.
    #[error("what answered at `firewall.hostname` is not the PAN-OS XML API: {0}")]
    NotPanos(String),
    /// The firewall says no.
    #[error("the firewall refuses: {0}")]
    Refused(String),
    /// The firewall is busy.
    #[error("the firewall is busy: {0}")]
    Busy(String),
    /// An administrator holds a lock.
    #[error("an administrator holds a lock: {0}")]
    Locked(String),
    /// Just before everything was to be committed, somebody else has changed something.
    #[error("`{1}` has begun to work on {0}, and a commit of all changes would take that along")]
    AtWork(Node, AdminName),
    /// This unit must not be written to.
    #[error("this unit is {0}, not active: point `firewall.hostname` at the active one")]
    Passive(String),
    /// No unit of a pair may be written to.
    #[error("no unit of the pair is active and answers: {0}")]
    NoneActive(String),
    /// Too old for transactions.
    #[error(
        "PAN-OS {0} has no multi-config transactions: upgrade to 10.1 or later, or enable them there (`request multi-config enabled`)"
    )]
    TooOld(String),
    /// Who we are is unknown.
    #[error("the firewall does not say whose the API key is: set `firewall.admin`")]
    UnknownAdmin,
}

/// Why a log file yields no events.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogTrouble {
    /// The compressed data end early or are damaged.
    #[error("gzip is truncated or damaged")]
    Gzip,
    /// It is no JSON document of CloudTrail.
    #[error("not a CloudTrail log")]
    NotCloudTrail,
    /// More than the limit when unpacked.
    #[error("larger than `aws.log_size_max` when unpacked")]
    TooLarge,
    /// S3 refuses.
    #[error("S3 answered 403: allow `s3:GetObject` on it, and `kms:Decrypt` on its key")]
    Denied,
    /// There is no such object.
    #[error("S3 answered 404: it does not exist any more")]
    Missing,
    /// S3 answered something else.
    #[error("S3 answered {0}")]
    S3(String),
    /// The run has other things to do as well.
    #[error("not read: there are too many for the time of a run")]
    NoTime,
}

impl Trouble {
    /// What a person does about it, where its own words do not end with that. It belongs to the end of a run: what is waited out
    /// needs nobody.
    pub const fn remedy(&self) -> Option<&'static str> {
        Some(match self {
            Self::RoleLacks(_) => "enable `config`, `op` and `commit` under the XML API of its admin role",
            Self::NotPanos(_) => "name the management interface itself there, with no proxy or login page before it",
            Self::Refused(_) => "put right what it names, and see whether `drawbridge doctor` finds more",
            Self::Busy(_) => "look at its load and its jobs if that lasts, the next run tries again",
            Self::Locked(_) => "ask for it to be released, the next run goes on from there",
            Self::AtWork(..) => "ask for that to be committed or reverted, the next run goes on from there",
            Self::NoneActive(_) => "make one of them active",
            Self::Log(_)
            | Self::AwsDenied { .. }
            | Self::AwsCredentials { .. }
            | Self::AwsThrottled { .. }
            | Self::Aws { .. }
            | Self::AwsUnreachable { .. }
            | Self::Inventory(_)
            | Self::Unreachable
            | Self::NoAnswer
            | Self::Certificate
            | Self::KeyRefused
            | Self::Passive(_)
            | Self::TooOld(_)
            | Self::UnknownAdmin => return None,
        })
    }

    /// This trouble, which may pass.
    pub const fn transient(self) -> Failure {
        Failure { lasting: Lasting::Transient, what: self }
    }

    /// This trouble, which stays until somebody does something.
    pub const fn permanent(self) -> Failure {
        Failure { lasting: Lasting::Permanent, what: self }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FetchLog(_) => "fetch log",
            Self::Observe(Look::Everything) => "observe",
            Self::Observe(Look::Firewall) => "observe firewall",
            Self::Apply(_) => "apply",
            Self::Commit(_) => "commit",
            Self::CommitAll(_) => "commit all",
            Self::PollJob(_) => "poll job",
            Self::Revert => "revert",
        })
    }
}

/// Whatever carries out commands: the adapters in production, the simulated world in tests.
pub trait Perform {
    /// Time since the run began.
    fn elapsed(&self) -> Duration;

    /// Carries out a command, for at most `limit`.
    ///
    /// # Errors
    /// A [`Failure`] says whether trying again can help; a write that failed may have taken effect all the same.
    fn perform(&mut self, command: &Command, limit: Duration) -> impl Future<Output = Result<Reply, Failure>> + Send;

    /// Waits.
    fn sleep(&mut self, how_long: Duration) -> impl Future<Output = ()> + Send;
}
