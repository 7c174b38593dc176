//! The real world: S3, EC2 and the firewall, in real time.

use std::time::{Duration, SystemTime};

use drawbridge_core::{
    command::{Command, Failure, Look, Perform, Reply, Trouble},
    report::Outcome,
};
use tokio::time::{Instant, timeout_at};

use crate::{
    aws::{Ec2, S3Logs},
    deployment::KeyStore,
    metrics::Metrics,
    panos::{
        client::{Committed, Panos},
        https::Https,
    },
    print,
    settings::Settings,
};

/// Everything that a deployment talks to.
pub struct Deployment {
    /// What its owner has decided.
    pub settings: Settings,
    ec2: Ec2,
    logs: S3Logs,
    firewall: Panos<Https>,
    keys: KeyStore,
    metrics: Metrics,
}

/// Something without which nothing can begin.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

impl Deployment {
    /// Puts the parts together.
    pub fn new(settings: Settings, ec2: Ec2, logs: S3Logs, firewall: Panos<Https>, keys: KeyStore) -> Self {
        let metrics = Metrics::new(settings.config.owner.clone());
        Self { settings, ec2, logs, firewall, keys, metrics }
    }

    /// What has happened so far, in numbers.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Counts a run, and writes its numbers to standard output as CloudWatch takes them from a function's log.
    pub fn count(&self, outcome: &Outcome) {
        let sample = self.metrics.note(outcome);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        for document in self.metrics.emf(&sample, now.as_millis() as u64) {
            if let Err(error) = print::out(&format!("{document}\n")) {
                tracing::warn!("metrics: {error}");
            }
        }
    }

    /// Carries out one command, for at most `limit`.
    ///
    /// # Errors
    /// What went wrong, and whether trying again can help.
    pub async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        let until = Instant::now() + limit;
        match self.attempt(command, until).await {
            // Nothing has happened yet, so that also a write may be sent again.
            Err(refused) if refused.what == Trouble::KeyRefused && self.renew_key(until).await => {
                self.attempt(command, until).await
            }
            done => done,
        }
    }

    /// Looks whether another key is kept by now than the one that was refused.
    async fn renew_key(&mut self, until: Instant) -> bool {
        match timeout_at(until, self.keys.key()).await {
            Ok(Ok(key)) => {
                let is_new = self.firewall.use_key(&key);
                if is_new {
                    tracing::info!("the firewall refused the API key; another one is kept by now, trying that");
                }
                is_new
            }
            Ok(Err(why)) => {
                tracing::warn!("the API key was refused, and cannot be read again: {why}");
                false
            }
            Err(_) => false,
        }
    }

    async fn attempt(&mut self, command: &Command, until: Instant) -> Result<Reply, Failure> {
        let firewall = &mut self.firewall;
        match command {
            Command::FetchLog(log) => {
                of_aws("GetObject", until, self.logs.fetch(log)).await.map(|log| Reply::Log(log.events))
            }
            Command::Observe(look) => {
                let inventory = match look {
                    Look::Everything => Some(Box::new(of_aws("Describe*", until, self.ec2.inventory()).await?)),
                    Look::Firewall => None,
                };
                let seen = of_firewall(until, firewall.observe()).await?;
                Ok(Reply::Facts(inventory, Box::new(seen)))
            }
            Command::Apply(changes) => of_firewall(until, firewall.apply(changes)).await.map(|()| Reply::Applied),
            Command::Commit(note) => Ok(match of_firewall(until, firewall.commit(note)).await? {
                Committed::Job(job) => Reply::Job(job),
                Committed::Nothing => Reply::NothingToCommit,
            }),
            Command::CommitAll(note) => Ok(match of_firewall(until, firewall.commit_all(note)).await? {
                Committed::Job(job) => Reply::Job(job),
                Committed::Nothing => Reply::NothingToCommit,
            }),
            Command::PollJob(job) => of_firewall(until, firewall.poll(*job)).await.map(Reply::Polled),
            Command::Revert => of_firewall(until, firewall.revert()).await.map(|()| Reply::Reverted),
        }
    }
}

/// Waits for an answer of AWS, but not for ever.
pub(crate) async fn of_aws<T>(
    call: &str,
    until: Instant,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| Err(Trouble::AwsUnreachable { call: call.to_owned() }.transient());
    timeout_at(until, answer).await.unwrap_or_else(late)
}

/// Waits for an answer of the firewall, but not for ever.
pub(crate) async fn of_firewall<T>(
    until: Instant,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout_at(until, answer).await.unwrap_or_else(|_| Err(Trouble::NoAnswer.transient()))
}

/// A deployment and the moment at which its run began.
pub struct Live<'d> {
    deployment: &'d mut Deployment,
    began: Instant,
}

impl<'d> Live<'d> {
    /// A run begins now.
    pub fn new(deployment: &'d mut Deployment) -> Self {
        Self { deployment, began: Instant::now() }
    }
}

impl Perform for Live<'_> {
    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        self.deployment.perform(command, limit).await
    }

    async fn sleep(&mut self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
}
