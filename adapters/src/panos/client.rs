//! The firewall as the driver uses it: one method for each command, over whatever carries requests.

use drawbridge_core::{
    change::Change,
    command::{Failure, JobState, Trouble},
    firewall::{CommitNote, Firewall},
    id::{AdminName, JobId, TagName},
};

use super::{
    applications::Catalogue,
    cursor::Element,
    jobs,
    request::{Request, SIZE_MAX},
    response::{Answer, Document, Refusal, Rejection, message, tree},
    text::clean,
    transaction::Transaction,
    xpath::Vsys,
};

/// What carries a request to the firewall and brings its answer back: HTTPS, or the simulated firewall in memory.
pub trait Transport: Send {
    /// What is in an answer.
    type Document: Document + Send;

    /// Sends one request.
    fn send(&mut self, request: &Request) -> impl Future<Output = Result<Answer<Self::Document>, Failure>> + Send;
}

/// Whose rules they are, and where they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The virtual system.
    pub vsys: Vsys,
    /// The account of the API key; when absent the firewall is asked.
    pub admin: Option<AdminName>,
    /// The deployment's tag, by which failed commits of ours are known.
    pub owner: TagName,
}

/// A firewall.
pub struct Panos<T> {
    pub(super) transport: T,
    pub(super) account: Account,
    /// What `show system info` said last.
    pub(super) version: String,
    pub(super) catalogue: Catalogue,
}

/// What a commit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It is a job.
    Job(JobId),
    /// There is nothing of ours to commit.
    Nothing,
}

impl<T: Transport> Panos<T> {
    /// The firewall at the other end of this transport.
    pub fn new(transport: T, account: Account) -> Self {
        Self { transport, account, version: "of this firewall".to_owned(), catalogue: Catalogue::default() }
    }

    /// What carries the requests; simulated ones have clocks and counters of their own.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// One look at the firewall.
    ///
    /// # Errors
    /// Whatever keeps us from knowing all of it, or from writing to it later: an old release, a passive unit.
    pub async fn observe(&mut self) -> Result<Firewall, Failure> {
        super::observe::observe(self).await
    }

    /// Makes changes to the candidate: all that fit into one transaction, from the first, or none.
    ///
    /// # Errors
    /// If the firewall refuses; nothing has changed then. If it did not answer, they may have been made.
    pub async fn apply(&mut self, changes: &[Change]) -> Result<(), Failure> {
        if changes.is_empty() {
            return Ok(());
        }
        let too_large = || Trouble::Refused(format!("a single change is larger than {SIZE_MAX} bytes")).permanent();
        let transaction = Transaction::of(changes, &self.account.vsys).ok_or_else(too_large)?;
        let answer = self.transport.send(&transaction.request).await?;
        match tree(&answer) {
            Ok(_) => Ok(()),
            Err(Rejection::Refused(Refusal { code: Some(17 | 400), culprit: None, .. })) => {
                Err(Trouble::TooOld(self.version.clone()).permanent())
            }
            Err(Rejection::Refused(refusal)) => {
                let culprit = refusal.culprit.clone();
                let label = culprit.as_deref().and_then(|id| transaction.label(id));
                Err(blame(label, Rejection::Refused(refusal).into()))
            }
            Err(malformed) => Err(malformed.into()),
        }
    }

    /// Commits our own changes.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer; the commit may have been queued then.
    pub async fn commit(&mut self, note: &CommitNote) -> Result<Committed, Failure> {
        let request = Request::commit(self.admin()?, note);
        let answer = self.transport.send(&request).await?;
        let said = match tree(&answer) {
            Ok(response) => match response.text_at(&["result", "job"]).map(str::parse) {
                Some(Ok(id)) => return Ok(Committed::Job(JobId(id))),
                Some(Err(_)) | None => message(&response),
            },
            Err(Rejection::Refused(refusal)) if is_nothing(&refusal.text) => refusal.text,
            Err(rejection) => return Err(rejection.into()),
        };
        if is_nothing(&said) {
            return Ok(Committed::Nothing);
        }
        Err(Trouble::NotPanos(clean(&format!("a commit was answered without a job: {said}"))).permanent())
    }

    /// Asks how a job is getting on.
    ///
    /// # Errors
    /// If the firewall does not answer.
    pub async fn poll(&mut self, id: JobId) -> Result<JobState, Failure> {
        let answer = self.transport.send(&Request::job(id)).await?;
        match tree(&answer) {
            Ok(response) => Ok(jobs::state(&response, id)),
            Err(Rejection::Refused(Refusal { code: Some(7), .. })) => Ok(JobState::Lost),
            Err(rejection) => Err(rejection.into()),
        }
    }

    /// Takes our own uncommitted changes back.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer; they may have been taken back then.
    pub async fn revert(&mut self) -> Result<(), Failure> {
        let request = Request::revert(self.admin()?);
        self.read(&request, |_| Ok(())).await
    }

    fn admin(&self) -> Result<&AdminName, Failure> {
        self.account.admin.as_ref().ok_or(Trouble::UnknownAdmin.permanent())
    }

    /// Sends a request and reads its answer as a tree.
    pub(super) async fn read<R>(
        &mut self,
        request: &Request,
        read: impl FnOnce(&Element<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let answer = self.transport.send(request).await?;
        read(&tree(&answer)?)
    }
}

/// The failure with the name of the change that caused it.
fn blame(label: Option<&str>, failure: Failure) -> Failure {
    match (label, failure) {
        (Some(label), Failure { lasting, what: Trouble::Refused(text) }) => {
            Failure { lasting, what: Trouble::Refused(clean(&format!("{text} (at `{label}`)"))) }
        }
        (_, failure) => failure,
    }
}

/// Whether the firewall sees nothing to commit. It says so with different codes, even as an error.
fn is_nothing(text: &str) -> bool {
    text.starts_with("There are no changes to commit")
        || text.starts_with("The result of this commit would be the same")
}
