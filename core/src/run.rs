//! The sequence: one request in flight, all waiting and retrying. A run always looks, then does one thing, then looks
//! again, so that nothing is committed that was not just seen in the candidate.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

mod commit;
mod decide;
mod logs;
mod proposal;
mod removal;

use self::commit::{Afterwards, Extent, culprits, is_about_moves};
pub use self::decide::CHANGES_MAX;
use self::{proposal::Proposal, removal::Purpose};
use crate::{
    change::{Change, OwnedRule, Spelling},
    command::{Command, Failure, Lasting, LogRef, Look, Reply, Trouble},
    config::Config,
    event::{Cause, Event},
    firewall::{CommitNote, Firewall},
    id::{AdminName, JobId, OwnedName, RunId},
    inventory::Inventory,
    limits::{Blamed, Hindrance},
    report::{Ending, Outcome, Problem, Report, Step},
    retry::Backoff,
    rulebase::Rulebase,
};

/// Why a run is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Log files to read.
    pub logs: Vec<LogRef>,
    /// Events that came by themselves.
    pub events: Vec<Event>,
    /// What else there is to say.
    pub wake: Wake,
}

/// Whether to look although nothing relevant happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Look only if an event is worth it.
    ByEvents,
    /// Look in any case: a schedule, a person, or a message that we do not understand.
    Always,
}

/// What has happened since the last [`Next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The run begins.
    Begin,
    /// The sleep is over.
    Woke,
    /// The command succeeded.
    Done(Reply),
    /// It did not.
    Failed(Failure),
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Carry out this command; give up after this long.
    Do(Command, Duration),
    /// Wait this long.
    Sleep(Duration),
    /// It is over.
    Finish(Box<Outcome>),
}

/// One run, from what woke it to its outcome.
#[derive(Debug)]
pub struct Run {
    purpose: Purpose,
    config: Arc<Config>,
    trigger: Trigger,
    budget: Duration,
    elapsed: Duration,
    state: State,
    backoff: Backoff,
    inventory: Option<Box<Inventory>>,
    /// When it was taken in.
    inventory_at: Duration,
    causes: Vec<Cause>,
    looks: usize,
    confirmed_empty: bool,
    /// The last write did not succeed, and is being tried again.
    write_failed: bool,
    /// What the run is waiting out.
    waited_for: Option<Trouble>,
    /// What is committed.
    extent: Extent,
    /// Rules that the firewall refused or a failed commit blamed: left out for the rest of the run.
    blamed: Blamed,
    /// How many transactions the firewall has refused because of rules in them.
    refusals: usize,
    /// A commit has failed, and is tried once more without what it blamed.
    commit_failed: bool,
    /// What the commit under way is about.
    proposal: Proposal,
    /// Others are in the way of moved rules, which are left out so that the rest can be committed.
    moves_left_out: bool,
    /// How many of the changes that are reported as made are committed.
    committed: usize,
    /// Rules that this run has written since AWS was last seen to be another.
    written: Vec<OwnedRule>,
    /// Rules of the last transaction that say only what others lose.
    regained: BTreeSet<OwnedName>,
    /// What the limits kept from being removed in this run.
    removals_withheld: Option<Hindrance>,
    /// Our uncommitted changes have been taken back, and nothing was written since.
    just_taken_back: bool,
    /// What a commit that had failed before this run had left has been taken back.
    has_taken_back_failed: bool,
    /// Rules that were the same after that.
    not_taken_back: BTreeSet<OwnedName>,
    /// What the firewall reads in another way than this run wrote it.
    misread: Vec<Spelling>,
    /// Whose the key was at the last look that decided anything.
    account: Option<AdminName>,
    /// The firewall has said that there is nothing to commit.
    nothing_to_commit: bool,
    report: Report,
}

/// The request in flight. Waking up sends it again.
#[derive(Clone, Debug)]
enum State {
    Starting,
    FetchingLog(VecDeque<LogRef>),
    Settling,
    Observing(Look),
    Applying(Vec<Change>),
    Committing(CommitNote),
    AwaitingJob(JobId),
    /// Our uncommitted changes are to be taken back: first a look at what others have done since.
    BeforeReverting(Afterwards),
    Reverting(Afterwards),
    Finished,
}

/// How many looks a run takes before it gives up: enough for thousands of rules at 250 changes each.
const LOOKS_MAX: usize = 60;
/// How many refusals are answered by leaving out the rules that they name; then all new ones are left out.
const REFUSALS_MAX: usize = 8;
/// How old an inventory may be by which a run goes on.
const INVENTORY_KEPT: Duration = Duration::from_secs(30);
/// How many failures in a row are waited out, unless the firewall is merely busy or locked.
const FAILURES_MAX: u32 = 6;

impl Run {
    /// A run that may take `budget`. Jitter is drawn from `seed`.
    pub fn new(config: Config, trigger: Trigger, budget: Duration, seed: u64) -> Self {
        Self {
            purpose: Purpose::InStep,
            config: Arc::new(config),
            trigger,
            budget,
            elapsed: Duration::ZERO,
            state: State::Starting,
            backoff: Backoff::new(seed),
            inventory: None,
            inventory_at: Duration::ZERO,
            causes: Vec::new(),
            looks: 0,
            confirmed_empty: false,
            write_failed: false,
            waited_for: None,
            extent: Extent::Ours,
            blamed: Blamed::default(),
            refusals: 0,
            commit_failed: false,
            proposal: Proposal::default(),
            moves_left_out: false,
            committed: 0,
            written: Vec::new(),
            regained: BTreeSet::new(),
            removals_withheld: None,
            just_taken_back: false,
            has_taken_back_failed: false,
            not_taken_back: BTreeSet::new(),
            misread: Vec::new(),
            account: None,
            nothing_to_commit: false,
            report: Report { run: RunId::of_seed(seed), ..Report::default() },
        }
    }

    /// What has been done so far.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Takes what happened and says what to do now. `elapsed` is the time since the run began.
    ///
    /// # Panics
    /// When the reply does not answer the command: a bug in the driver.
    pub fn advance(&mut self, elapsed: Duration, input: Input) -> Next {
        self.elapsed = elapsed;
        if let Input::Done(reply) = &input {
            self.note_success(reply);
        }
        match (std::mem::replace(&mut self.state, State::Finished), input) {
            (State::Starting, Input::Begin) => self.begin(),
            (State::Settling, Input::Woke) => self.enter(State::Observing(Look::Everything)),
            (state, Input::Woke) => self.enter(state),

            (State::FetchingLog(logs), Input::Done(Reply::Log(events))) => self.log_read(logs, events),
            (State::FetchingLog(logs), Input::Failed(failure)) => self.log_failed(logs, failure),

            (State::Observing(_), Input::Done(Reply::Facts(inventory, firewall))) => self.seen(inventory, &firewall),

            (State::BeforeReverting(then), Input::Done(Reply::Facts(_, firewall))) => self.may_revert(then, &firewall),

            (State::Applying(changes), Input::Done(Reply::Applied)) => self.applied(changes),

            (State::Committing(_), Input::Done(Reply::Job(job))) => {
                self.say(job.to_string());
                self.enter(State::AwaitingJob(job))
            }
            (State::Committing(_), Input::Done(Reply::NothingToCommit)) => {
                self.say("nothing to commit");
                self.nothing_to_commit = true;
                self.enter(State::Observing(Look::Everything))
            }

            (State::AwaitingJob(job), Input::Done(Reply::Polled(state))) => self.polled(job, state),

            (State::Reverting(then), Input::Done(Reply::Reverted)) => self.reverted(then),

            (state, Input::Failed(failure)) => self.failed(state, failure),
            (state, input) => panic!("{input:?} does not answer {state:?}: a bug in the driver"),
        }
    }

    /// A look that succeeds between two attempts at a write is no progress: waits go on growing.
    fn note_success(&mut self, reply: &Reply) {
        match reply {
            Reply::Facts(..) if self.write_failed => return,
            Reply::Facts(..) | Reply::Log(_) | Reply::Polled(_) => {}
            Reply::Applied | Reply::Job(_) | Reply::NothingToCommit | Reply::Reverted => self.write_failed = false,
        }
        self.backoff.reset();
        self.waited_for = None;
    }

    fn seen(&mut self, inventory: Option<Box<Inventory>>, firewall: &Firewall) -> Next {
        self.note_unit(firewall);
        self.account.clone_from(&firewall.admin);
        if let Some(fresh) = inventory {
            if self.inventory.as_ref() != Some(&fresh) {
                self.written.clear();
            }
            self.inventory = Some(fresh);
            self.inventory_at = self.elapsed;
        }
        if let Some(job) = firewall.unfinished_commit {
            self.say(format!("{job} of ours is not finished"));
            let read = Rulebase::read(firewall, &self.config);
            self.proposal = read.map(|rulebase| Proposal::of(&rulebase)).unwrap_or_default();
            return self.enter(State::AwaitingJob(job));
        }
        if self.purpose != Purpose::InStep {
            return self.decide_for_once(firewall);
        }
        let inventory = self.inventory.take().expect("the first look takes in the inventory as well");
        let decided = self.decide(&inventory, firewall);
        self.inventory = Some(inventory);
        decided
    }

    fn note_unit(&mut self, firewall: &Firewall) {
        if let Some(unit) = firewall.unit.as_ref().filter(|unit| self.report.unit.as_ref() != Some(unit)) {
            self.say(format!("`{unit}` is the active unit"));
            self.report.unit = Some(unit.clone());
        }
    }

    /// A read is sent again; after a write nobody knows what happened, so the firewall is looked at first.
    fn failed(&mut self, state: State, failure: Failure) -> Next {
        if let (State::Applying(changes), Trouble::Refused(text)) = (&state, &failure.what)
            && self.leaves_objects(changes, text)
        {
            self.say(format!("failed: {}", failure.what));
            return self.enter(State::Observing(Look::Firewall));
        }
        if let (State::Applying(changes), Trouble::Refused(text)) = (&state, &failure.what) {
            let (names, guilt) = culprits(changes, text, self.refusals, &self.regained);
            if !names.is_empty() {
                self.say(format!("failed: {}", failure.what));
                self.refusals += 1;
                self.blame(changes, names, guilt, text);
                return self.enter(State::Observing(Look::Firewall));
            }
        }
        if let (State::Committing(_), Trouble::Refused(text), Extent::Ours) = (&state, &failure.what, self.extent)
            && is_about_moves(text)
        {
            self.say(format!("failed: {}", failure.what));
            self.extent = Extent::Everything;
            return self.enter(State::Observing(Look::Firewall));
        }
        let patient = matches!(failure.what, Trouble::Busy(_) | Trouble::Locked(_) | Trouble::AtWork(..));
        if failure.lasting == Lasting::Permanent || (!patient && self.backoff.failures() >= FAILURES_MAX) {
            self.say(format!("failed: {}", failure.what));
            return self.give_up(Problem::Trouble(failure.what));
        }
        let wrote = matches!(state, State::Applying(_) | State::Committing(_) | State::Reverting(..));
        self.write_failed |= wrote;
        let again = if let State::Reverting(then) = state {
            // Whatever comes after it still has to.
            State::BeforeReverting(then)
        } else if wrote {
            State::Observing(Look::Firewall)
        } else {
            state
        };
        self.wait_and(again, &failure.what)
    }

    fn wait_and(&mut self, state: State, trouble: &Trouble) -> Next {
        let wait = self.backoff.wait();
        self.report.retries += 1;
        self.say(format!("failed: {trouble}; waiting {:.1}s", wait.as_secs_f64()));
        self.state = state;
        self.waited_for = Some(trouble.clone());
        self.sleep(wait)
    }

    /// Sends the request of a state, unless the time does not allow it.
    fn enter(&mut self, state: State) -> Next {
        let left = self.budget.saturating_sub(self.elapsed);
        let timing = self.config.timing;
        let state = if let State::Observing(look) = state { State::Observing(self.look(look)) } else { state };
        let (command, needs, limit) = match &state {
            State::FetchingLog(logs) => (logs.front().cloned().map(Command::FetchLog), Duration::ZERO, timing.read),
            State::Observing(look) => (Some(Command::Observe(*look)), Duration::ZERO, timing.read),
            State::Applying(changes) => (Some(Command::Apply(changes.clone())), timing.reserve, timing.write),
            State::Committing(note) => {
                let command = match self.extent {
                    Extent::Ours => Command::Commit(note.clone()),
                    Extent::Everything => Command::CommitAll(note.clone()),
                };
                (Some(command), timing.reserve, timing.write)
            }
            State::AwaitingJob(job) => (Some(Command::PollJob(*job)), Duration::ZERO, timing.read),
            State::BeforeReverting(_) => (Some(Command::Observe(Look::Firewall)), Duration::ZERO, timing.read),
            State::Reverting(..) => (Some(Command::Revert), timing.reserve, timing.write),
            State::Starting | State::Settling | State::Finished => (None, Duration::ZERO, timing.read),
        };
        let command = command.expect("states that only wait are not entered but slept in");
        if left <= needs {
            return self.finish(Ending::OutOfTime);
        }
        if let Command::Observe(_) = command {
            self.looks += 1;
            if self.looks > LOOKS_MAX {
                let problem = self.waited_for.take().map_or(Problem::Restless(LOOKS_MAX), Problem::Trouble);
                return self.give_up(problem);
            }
        }
        self.report.steps.push(Step { at: self.elapsed, command: command.to_string(), said: Vec::new() });
        self.state = state;
        Next::Do(command, limit.min(left))
    }

    /// How much a look has to take in.
    fn look(&self, look: Look) -> Look {
        if self.purpose != Purpose::InStep {
            // What AWS has does not matter.
            Look::Firewall
        } else if self.elapsed >= self.inventory_at + INVENTORY_KEPT {
            // Nothing is done by what AWS was a while ago: what was revoked meanwhile would be opened.
            Look::Everything
        } else {
            look
        }
    }

    fn sleep(&mut self, how_long: Duration) -> Next {
        if self.elapsed + how_long >= self.budget {
            return self.finish(Ending::OutOfTime);
        }
        Next::Sleep(how_long)
    }

    fn say(&mut self, what: impl Into<String>) {
        if let Some(step) = self.report.steps.last_mut() {
            step.said.push(what.into());
        }
    }

    fn give_up(&mut self, problem: Problem) -> Next {
        if let Some(step) = self.report.steps.last_mut().filter(|step| step.said.is_empty()) {
            step.said.push(format!("failed: {problem}"));
        }
        self.report.problem = Some(problem);
        self.finish(Ending::Failed)
    }

    fn finish(&mut self, ending: Ending) -> Next {
        self.state = State::Finished;
        if ending == Ending::OutOfTime {
            self.report.problem = self.waited_for.take().map(Problem::Trouble);
        }
        Next::Finish(Box::new(Outcome { ending, report: std::mem::take(&mut self.report) }))
    }
}
