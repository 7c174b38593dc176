//! The real world: S3, EC2 and the firewall, in real time.

use std::time::{Duration, Instant};

use drawbridge_core::command::{Command, Failure, Look, Perform, Reply, Trouble};

use crate::{
    aws::{Ec2, S3Logs},
    panos::{
        client::{Committed, Panos},
        https::Https,
    },
    settings::Settings,
};

/// Everything that a deployment talks to.
pub struct Deployment {
    /// What its owner has decided.
    pub settings: Settings,
    ec2: Ec2,
    logs: S3Logs,
    firewall: Panos<Https>,
}

/// Something without which nothing can begin.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

impl Deployment {
    /// Puts the parts together.
    pub const fn new(settings: Settings, ec2: Ec2, logs: S3Logs, firewall: Panos<Https>) -> Self {
        Self { settings, ec2, logs, firewall }
    }

    /// Carries out one command, for at most `limit`.
    ///
    /// # Errors
    /// What went wrong, and whether trying again can help.
    pub async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        let too_late = match command {
            Command::FetchLog(_) => Trouble::AwsUnreachable { call: "GetObject".to_owned() },
            Command::Observe(_) | Command::Apply(_) | Command::Commit(_) | Command::PollJob(_) | Command::Revert => {
                Trouble::NoAnswer
            }
        };
        match tokio::time::timeout(limit, self.carry_out(command)).await {
            Ok(reply) => reply,
            Err(_) => Err(too_late.transient()),
        }
    }

    async fn carry_out(&mut self, command: &Command) -> Result<Reply, Failure> {
        match command {
            Command::FetchLog(log) => self.logs.fetch(log).await.map(|log| Reply::Log(log.events)),
            Command::Observe(look) => self.observe(*look).await,
            Command::Apply(changes) => self.firewall.apply(changes).await.map(|()| Reply::Applied),
            Command::Commit(note) => Ok(match self.firewall.commit(note).await? {
                Committed::Job(job) => Reply::Job(job),
                Committed::Nothing => Reply::NothingToCommit,
            }),
            Command::PollJob(job) => self.firewall.poll(*job).await.map(Reply::Polled),
            Command::Revert => self.firewall.revert().await.map(|()| Reply::Reverted),
        }
    }

    async fn observe(&mut self, look: Look) -> Result<Reply, Failure> {
        let inventory = match look {
            Look::Everything => Some(Box::new(self.ec2.inventory().await?)),
            Look::Firewall => None,
        };
        let firewall = self.firewall.observe().await?;
        Ok(Reply::Facts(inventory, Box::new(firewall)))
    }
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
