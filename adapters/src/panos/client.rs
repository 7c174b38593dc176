//! The firewall as the driver uses it: one method for each command, over whatever carries requests.

use std::time::Duration;

use drawbridge_core::{
    change::{Change, Position},
    command::{Failure, JobState, Trouble},
    firewall::{CommitNote, Firewall, Pending},
    id::{AdminName, JobId, TagName},
};
use tokio::time::{Instant, timeout_at};

use super::{
    applications::Catalogue,
    cursor::Element,
    jobs, journal,
    locks::{self, Lock},
    pair,
    request::{Request, SIZE_MAX},
    response::{Answer, Document, Refusal, Rejection, message, tree},
    status::SystemInfo,
    text::clean,
    transaction::Transaction,
    xpath::{Vsys, XPath},
};

/// How many new rules of one transaction get an audit comment: each takes a request of its own.
const COMMENTS_MAX: usize = 20;

/// How long comments, the names of lock holders, or the return of locks may take in all.
const ASIDE: Duration = Duration::from_secs(10);
/// How long before a command is given up nothing else is waited for.
const TELLING: Duration = Duration::from_millis(100);

/// What carries a request to the firewall and brings its answer back: HTTPS, or the simulated firewall in memory.
pub trait Transport: Send {
    /// What is in an answer.
    type Document: Document + Send;

    /// Sends one request.
    fn send(&mut self, request: &Request) -> impl Future<Output = Result<Answer<Self::Document>, Failure>> + Send;

    /// How many units there are to choose from: two of a pair.
    fn units(&self) -> usize {
        1
    }

    /// The unit that requests go to.
    fn chosen(&self) -> usize {
        0
    }

    /// Sends requests to another unit from here on.
    fn choose(&mut self, _unit: usize) {}

    /// What the settings call the unit that requests go to.
    fn unit_name(&self) -> String {
        String::new()
    }
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
    /// The account of the API key as the firewall has told it. Another key may be another account's.
    pub(super) told_admin: Option<AdminName>,
    /// What `show system info` said last.
    pub(super) version: String,
    pub(super) catalogue: Catalogue,
    /// Whether somebody gave up waiting for the unit that was asked last.
    pub(super) waiting: bool,
    /// The unit of a pair that was asked about a job, as long as it is open whether another one is active by now.
    pub(super) asked_about_job: Option<usize>,
    /// Whether the firewall may hold a commit lock for us, which keeps everybody else from committing.
    pub(super) may_hold_lock: bool,
    /// Whether a commit of ours is under way, which ends that lock.
    pub(super) is_committing: bool,
    /// When the command under way is given up, where time passes.
    until: Option<Instant>,
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
        Self {
            transport,
            account,
            told_admin: None,
            version: "of this firewall".to_owned(),
            catalogue: Catalogue::default(),
            waiting: false,
            asked_about_job: None,
            may_hold_lock: false,
            is_committing: false,
            until: None,
        }
    }

    /// Says when the command that follows is given up.
    pub const fn give_up_at(&mut self, until: Instant) {
        self.until = Some(until);
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
        self.asked_about_job = None;
        super::observe::observe(self).await
    }

    /// Makes changes to the candidate: all that fit into one transaction, from the first, or none.
    ///
    /// # Errors
    /// If the firewall refuses; nothing has changed then. If it did not answer, they may have been made.
    pub async fn apply(&mut self, changes: &[Change]) -> Result<(), Failure> {
        let made = self.make(changes).await;
        self.written(made, Lock::Config).await
    }

    async fn make(&mut self, changes: &[Change]) -> Result<(), Failure> {
        if changes.is_empty() {
            return Ok(());
        }
        let too_large = || Trouble::Refused(format!("a single change is larger than {SIZE_MAX} bytes")).permanent();
        let transaction = Transaction::of(changes, &self.account.vsys).ok_or_else(too_large)?;
        self.may_hold_lock = true;
        let answer = self.transport.send(&transaction.request).await?;
        match tree(&answer) {
            Ok(_) => {
                if aside(self.until, self.comment(&changes[..transaction.taken])).await.is_none() {
                    tracing::debug!("audit comments take too long");
                }
                Ok(())
            }
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

    /// Notes why new rules are there where the firewall keeps what administrators say of a change. It is for people: a rule
    /// stands without it as well, and a firewall that does not take it is not asked again.
    async fn comment(&mut self, changes: &[Change]) {
        let new = changes
            .iter()
            .filter_map(|change| if let Change::Put(rule, Position::Above(_)) = change { Some(rule) } else { None });
        for rule in new.take(COMMENTS_MAX) {
            let path = XPath::rule(&self.account.vsys, &rule.name.to_string());
            let request = Request::audit_comment(&path, &rule.description);
            if let Err(failure) = self.read(&request, |_| Ok(())).await {
                tracing::debug!(reason = %failure.what, "audit comments are not taken");
                return;
            }
        }
    }

    /// Commits our own changes.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer; the commit may have been queued then.
    pub async fn commit(&mut self, note: &CommitNote) -> Result<Committed, Failure> {
        let us = self.admin().await?;
        let asked = self.ask_for_commit(Request::commit(&us, note)).await;
        self.written(asked, Lock::Commit).await
    }

    /// Commits everything that is uncommitted, once more making sure that it is all ours.
    ///
    /// # Errors
    /// As [`Self::commit`], if somebody else has uncommitted work by now, and while any job has not ended: ours would wait
    /// behind it, and what others save meanwhile would go along.
    pub async fn commit_all(&mut self, note: &CommitNote) -> Result<Committed, Failure> {
        let us = self.admin().await?;
        if let Some(job) = self.read(&Request::jobs(), |response| Ok(jobs::unfinished(response))).await? {
            return Err(Trouble::Busy(job).transient());
        }
        if let Some(other) = self.pending().await?.into_iter().find(|pending| pending.admin != us) {
            return Err(Trouble::AtWork(other.node, other.admin).transient());
        }
        let asked = self.ask_for_commit(Request::commit_all(note)).await;
        self.written(asked, Lock::Commit).await
    }

    /// What is not committed at this moment.
    pub(super) async fn pending(&mut self) -> Result<Vec<Pending>, Failure> {
        let vsys = self.account.vsys.clone();
        self.read(&Request::journal(), |response| Ok(journal::pending(response, &vsys))).await
    }

    pub(super) async fn ask_for_commit(&mut self, request: Request) -> Result<Committed, Failure> {
        let answer = self.transport.send(&request).await?;
        let said = match tree(&answer) {
            Ok(response) => match response.text_at(&["result", "job"]).map(str::parse) {
                Some(Ok(id)) => {
                    self.is_committing = true;
                    return Ok(Committed::Job(JobId(id)));
                }
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

    /// Asks how a job is getting on. With the unit of a pair that had it the job is gone.
    ///
    /// # Errors
    /// If the firewall does not answer.
    pub async fn poll(&mut self, id: JobId) -> Result<JobState, Failure> {
        if self.transport.units() == 1 {
            return self.ask_about(id).await;
        }
        // Who gave up waiting for the last answer gave up the turn to the other unit with it.
        if let Some(unit) = self.asked_about_job
            && self.has_turned_from(unit).await?
        {
            return Ok(JobState::Lost);
        }
        let unit = self.transport.chosen();
        self.asked_about_job = Some(unit);
        self.waiting = true;
        let answered = self.ask_about(id).await;
        self.waiting = false;
        match answered {
            Err(failure) => {
                if self.has_turned_from(unit).await? {
                    Ok(JobState::Lost)
                } else {
                    Err(failure)
                }
            }
            Ok(state) => {
                self.asked_about_job = None;
                Ok(state)
            }
        }
    }

    /// Looks for the active unit, and says whether it is another one than this. While that is open, so is whose job it was.
    async fn has_turned_from(&mut self, unit: usize) -> Result<bool, Failure> {
        pair::approach(self).await?;
        self.asked_about_job = None;
        Ok(self.transport.chosen() != unit)
    }

    async fn ask_about(&mut self, id: JobId) -> Result<JobState, Failure> {
        let answer = self.transport.send(&Request::job(id)).await?;
        let state = match tree(&answer) {
            Ok(response) => jobs::state(&response, id, self.known_admin()),
            Err(Rejection::Refused(Refusal { code: Some(7), .. })) => JobState::Lost,
            Err(rejection) => return Err(rejection.into()),
        };
        self.is_committing = matches!(state, JobState::Running(_));
        self.may_hold_lock &= state != JobState::Succeeded;
        Ok(state)
    }

    /// Takes our own uncommitted changes back.
    ///
    /// # Errors
    /// If the firewall refuses, or does not answer; they may have been taken back then.
    pub async fn revert(&mut self) -> Result<(), Failure> {
        let request = Request::revert(&self.admin().await?);
        let taken_back = self.read(&request, |_| Ok(())).await;
        self.written(taken_back, Lock::Config).await?;
        self.may_hold_lock = true;
        self.give_up_locks().await;
        Ok(())
    }

    /// Says that a run is over. Nothing of it may keep others from committing until the next one does; a commit that is under way
    /// ends its lock by itself.
    pub async fn leave(&mut self) {
        if !self.is_committing {
            self.give_up_locks().await;
        }
    }

    /// Gives up commit locks that the firewall may hold for us, if that does not take long.
    async fn give_up_locks(&mut self) {
        if self.may_hold_lock && aside(self.until, self.unlock()).await.is_none() {
            tracing::warn!("the firewall takes too long to give up our commit locks: remove them if there are any");
        }
    }

    /// Gives up commit locks of ours. A firewall can be set to take one for whoever writes; a commit ends it, but nothing else
    /// does, and nobody else could commit until we do again. That they are kept is no reason to fail.
    async fn unlock(&mut self) {
        let Some(us) = self.known_admin().cloned() else { return };
        let ours = |response: &Element<'_>| Ok(locks::of_ours(response, Lock::Commit, &us));
        let Ok(scopes) = self.read(&Request::locks(Lock::Commit), ours).await else { return };
        let mut is_kept = false;
        for scope in scopes {
            if let Err(failure) = self.read(&Request::unlock(Lock::Commit, &scope), |_| Ok(())).await {
                tracing::warn!(%scope, "our commit lock is not given up, remove it: {}", failure.what);
                is_kept = true;
            }
        }
        // Not before: whoever is broken off in between tries again at the end of the run.
        self.may_hold_lock = is_kept;
    }

    /// What came of a write: of a lock the holder, and of a pair the hope that the other unit has taken over. Whoever holds a
    /// commit lock may wait for ours to be given up, which helps nobody while we may not commit.
    async fn written<R>(&mut self, done: Result<R, Failure>, lock: Lock) -> Result<R, Failure> {
        match done {
            Err(Failure { lasting, what: Trouble::Locked(text) }) => {
                let holders = aside(self.until, self.holders(lock)).await.and_then(Result::ok).unwrap_or_default();
                let text = if holders.is_empty() { text } else { holders.join("; ") };
                if lock == Lock::Commit {
                    self.give_up_locks().await;
                }
                Err(Failure { lasting, what: Trouble::Locked(text) })
            }
            Err(Failure { what: Trouble::Passive(state), .. }) if self.transport.units() > 1 => {
                Err(Trouble::Passive(state).transient())
            }
            done => done,
        }
    }

    /// Who holds locks of this kind, besides us.
    async fn holders(&mut self, lock: Lock) -> Result<Vec<String>, Failure> {
        let now = self.read(&Request::system_info(), SystemInfo::of).await?.time;
        let us = self.known_admin().cloned();
        self.read(&Request::locks(lock), |response| Ok(locks::of_others(response, lock, us.as_ref(), now))).await
    }

    /// Our own name as far as it is known: from the settings, or as the firewall has told it.
    fn known_admin(&self) -> Option<&AdminName> {
        self.account.admin.as_ref().or(self.told_admin.as_ref())
    }

    /// Our own name, asked until it is known.
    pub(super) async fn own_name(&mut self) -> Result<Option<AdminName>, Failure> {
        if self.known_admin().is_none() {
            self.told_admin = self.asks_as().await?;
        }
        Ok(self.known_admin().cloned())
    }

    /// Our own name, for a write: it is forgotten with a key that was replaced in the middle of a run.
    async fn admin(&mut self) -> Result<AdminName, Failure> {
        self.own_name().await?.ok_or(Trouble::UnknownAdmin.permanent())
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

/// Waits for what a command can do without, but not for long, and so that what the command came to can still be told in time:
/// nothing if it takes longer.
async fn aside<R>(until: Option<Instant>, answer: impl Future<Output = R> + Send) -> Option<R> {
    // In memory no time passes.
    let Some(until) = until else { return Some(answer.await) };
    let now = Instant::now();
    let last = until.checked_sub(TELLING).unwrap_or(now);
    timeout_at(last.min(now + ASIDE), answer).await.ok()
}

/// The failure with the name of the change that caused it. Each is cut by itself, so that a long refusal does not hide the name.
fn blame(label: Option<&str>, failure: Failure) -> Failure {
    match (label, failure) {
        (Some(label), Failure { lasting, what: Trouble::Refused(text) }) => {
            Failure { lasting, what: Trouble::Refused(format!("{} (at `{}`)", clean(&text), clean(label))) }
        }
        (_, failure) => failure,
    }
}

/// Whether the firewall sees nothing to commit. It says so with different codes, even as an error.
fn is_nothing(text: &str) -> bool {
    text.starts_with("There are no changes to commit")
        || text.starts_with("The result of this commit would be the same")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_refusal_does_not_hide_whose_it_is() {
        let refusal = clean(&"is invalid ".repeat(100));
        let label = format!("+ sg-0f00baa1-1  {}", "10.0.1.1, ".repeat(100));
        let Trouble::Refused(text) = blame(Some(&label), Trouble::Refused(refusal.clone()).permanent()).what else {
            panic!("it is a refusal still")
        };
        assert!(text.starts_with(&refusal) && text.contains("(at `+ sg-0f00baa1-1"), "{text}");
        assert!(text.chars().count() < 700, "{text}");
    }
}
