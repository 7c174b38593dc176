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
    driver::World,
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
            Err(refused) if refused.what == Trouble::KeyRefused && self.renew_key(until).await => {
                match command {
                    Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_) => {
                        self.attempt(command, until).await
                    }
                    // The other key may be another account's, and what that one has left uncommitted nobody has looked at.
                    Command::Apply(_) | Command::Commit(_) | Command::CommitAll(_) | Command::Revert => {
                        Err(refused.what.transient())
                    }
                }
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

    /// Says that a run is over, for at most `limit`.
    pub async fn leave(&mut self, limit: Duration) {
        self.firewall.give_up_at(Instant::now() + limit);
        self.firewall.leave().await;
    }

    async fn attempt(&mut self, command: &Command, until: Instant) -> Result<Reply, Failure> {
        let firewall = &mut self.firewall;
        firewall.give_up_at(until);
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
    budget: Duration,
}

/// How long leaving the firewall takes at most, and how long it may take although no time is left.
const LEAVING: Duration = Duration::from_secs(10);
const LEAVING_LATE: Duration = Duration::from_millis(1500);

impl<'d> Live<'d> {
    /// A run begins now, and may take this long.
    pub fn new(deployment: &'d mut Deployment, budget: Duration) -> Self {
        Self { deployment, began: Instant::now(), budget }
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

impl World for Live<'_> {
    async fn leave(&mut self) {
        let left = self.budget.saturating_sub(self.began.elapsed());
        self.deployment.leave(left.clamp(LEAVING_LATE, LEAVING)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        fs,
        sync::{Arc, Mutex},
    };

    use axum::{Router, extract::State, http::HeaderMap, routing::post};
    use drawbridge_core::{
        change::Change,
        command::JobState,
        firewall::{CommitNote, Digest},
        id::JobId,
    };
    use tempfile::NamedTempFile;
    use tokio::net::TcpListener;

    use super::*;
    use crate::{deployment, settings::Settings};

    /// What was asked, each with the key that came along.
    type Asked = Arc<Mutex<Vec<(String, String)>>>;

    /// A firewall that knows the new key alone, and does whatever is asked with it.
    async fn firewall(State(asked): State<Asked>, headers: HeaderMap, request: String) -> String {
        let key = headers["x-pan-key"].to_str().unwrap().to_owned();
        let is_new = key == "bmV3";
        asked.lock().unwrap().push((key, request));
        let refused = "<response status='error' code='403'><result><msg>Invalid Credential</msg></result></response>";
        let job = "<job><id>7</id><type>Commit</type><status>FIN</status><result>OK</result></job>";
        if is_new {
            format!("<response status='success'><result>{job}</result></response>")
        } else {
            refused.to_owned()
        }
    }

    async fn deployment(key: &NamedTempFile) -> (Deployment, Asked) {
        let asked = Asked::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/api/", post(firewall)).with_state(Arc::clone(&asked));
        tokio::spawn(axum::serve(listener, router).into_future());
        let environment: BTreeMap<String, String> = [
            ("PANOS_HOSTNAME", url.as_str()),
            ("DRAWBRIDGE_FIREWALL_API_KEY_FILE", key.path().to_str().unwrap()),
            ("DRAWBRIDGE_FIREWALL_ADMIN", "fwsync"),
            ("DRAWBRIDGE_AWS_REGION", "eu-west-1"),
            ("DRAWBRIDGE_MODE", "sync"),
            ("DRAWBRIDGE_GATEWAYS", "i-0aaaaaaaaaaaaaaa1"),
            ("DRAWBRIDGE_POLICY_OWNER", "drawbridge"),
            ("DRAWBRIDGE_POLICY_BOTTOM_RULE", "clean-up"),
            ("DRAWBRIDGE_POLICY_UNTRUST_ZONE", "untrust"),
            ("DRAWBRIDGE_POLICY_TRUST_ZONE", "trust"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        fs::write(key, "b2xk").unwrap();
        let settings = Settings::read(None, &environment).unwrap();
        let deployment = deployment::with_credentials(settings, "id", "secret").await.unwrap();
        fs::write(key, "bmV3").unwrap();
        (deployment, asked)
    }

    /// The new key may be another account's, whose uncommitted work would be committed or taken back unseen.
    #[tokio::test]
    async fn with_another_key_nothing_is_written_before_a_look() {
        let note = CommitNote { owner: "drawbridge".parse().unwrap(), digest: Digest(1), run: None, naming: None };
        let tag = Change::Tag("drawbridge".parse().unwrap());
        for write in
            [Command::Apply(vec![tag]), Command::Commit(note.clone()), Command::CommitAll(note), Command::Revert]
        {
            let key = NamedTempFile::new().unwrap();
            let (mut deployment, asked) = deployment(&key).await;
            let done = deployment.perform(&write, Duration::from_secs(20)).await;
            assert_eq!(done, Err(Trouble::KeyRefused.transient()), "{write}");
            let sent = asked.lock().unwrap().clone();
            assert!(sent.iter().all(|(key, _)| key == "b2xk"), "{write}: {sent:?}");
            let read = Command::PollJob(JobId(7));
            let polled = deployment.perform(&read, Duration::from_secs(20)).await;
            assert_eq!(polled, Ok(Reply::Polled(JobState::Succeeded)), "{write}");
        }
    }

    #[tokio::test]
    async fn with_another_key_a_read_is_sent_again() {
        let key = NamedTempFile::new().unwrap();
        let (mut deployment, asked) = deployment(&key).await;
        let read = Command::PollJob(JobId(7));
        let polled = deployment.perform(&read, Duration::from_secs(20)).await;
        assert_eq!(polled, Ok(Reply::Polled(JobState::Succeeded)));
        assert_eq!(asked.lock().unwrap().iter().map(|(key, _)| &**key).collect::<Vec<_>>(), ["b2xk", "bmV3"]);
    }
}
