//! The sequence: one request in flight, all waiting and retrying. A run always looks, then does one thing, then looks
//! again, so that nothing is committed that was not just seen in the candidate.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use crate::{
    change::{Change, OwnedRule, Spelling},
    command::{Command, Failure, JobState, Lasting, LogRef, LogTrouble, Look, Reply, Trouble},
    config::{Config, Mode},
    event::{Cause, Event},
    firewall::{CommitNote, Digest, Firewall},
    id::{AdminName, JobId, OwnedName},
    inventory::Inventory,
    limits::{self, Blamed, Hindrance},
    plan::{Note, Plan, plan},
    report::{Ending, Outcome, Problem, Report, Step, counted},
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
    config: Arc<Config>,
    trigger: Trigger,
    budget: Duration,
    elapsed: Duration,
    state: State,
    backoff: Backoff,
    inventory: Option<Box<Inventory>>,
    causes: Vec<Cause>,
    looks: usize,
    confirmed_empty: bool,
    /// The last write did not succeed, and is being tried again.
    write_failed: bool,
    /// What the run is waiting out.
    waited_for: Option<Trouble>,
    /// What is committed.
    extent: Extent,
    /// Rules that a failed commit blamed: left out for the rest of the run.
    blamed: Option<Blamed>,
    /// Rules that this run has written since it last looked at everything.
    written: Vec<OwnedRule>,
    /// What the limits kept from being removed in this run.
    removals_withheld: Option<Hindrance>,
    /// What the firewall reads in another way than this run wrote it.
    misread: Vec<Spelling>,
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
    Reverting(Afterwards),
    Finished,
}

/// What follows when our uncommitted changes are taken back.
#[derive(Clone, Debug)]
enum Afterwards {
    /// Another look: the rules that the job blamed are left out, or nobody knows why the commit failed.
    Look,
    /// The end: the job's lines are for a person to read.
    GiveUp(Problem),
}

/// How much a commit of ours takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Our own changes.
    Ours,
    /// Everything, while nothing is anybody else's: this firewall does not commit moved rules by administrator.
    Everything,
}

/// How many looks a run takes before it gives up: enough for thousands of rules at 250 changes each.
const LOOKS_MAX: usize = 60;
/// How many failures in a row are waited out, unless the firewall is merely busy or locked.
const FAILURES_MAX: u32 = 6;
/// The same for a log file: what cannot be read must not hold up the rest.
const LOG_FAILURES_MAX: u32 = 2;
/// Changes of one transaction.
pub const CHANGES_MAX: usize = 250;
/// Bytes of one transaction, well below the 5 MB that PAN-OS takes.
const BYTES_MAX: usize = 4_000_000;
/// How many changes a step prints.
const SHOWN: usize = 12;

impl Run {
    /// A run that may take `budget`. Jitter is drawn from `seed`.
    pub fn new(config: Config, trigger: Trigger, budget: Duration, seed: u64) -> Self {
        Self {
            config: Arc::new(config),
            trigger,
            budget,
            elapsed: Duration::ZERO,
            state: State::Starting,
            backoff: Backoff::new(seed),
            inventory: None,
            causes: Vec::new(),
            looks: 0,
            confirmed_empty: false,
            write_failed: false,
            waited_for: None,
            extent: Extent::Ours,
            blamed: None,
            written: Vec::new(),
            removals_withheld: None,
            misread: Vec::new(),
            report: Report::default(),
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

            (State::Applying(changes), Input::Done(Reply::Applied)) => self.applied(changes),

            (State::Committing(_), Input::Done(Reply::Job(job))) => {
                self.say(job.to_string());
                self.enter(State::AwaitingJob(job))
            }
            (State::Committing(_), Input::Done(Reply::NothingToCommit)) => {
                self.say("nothing to commit");
                self.report.problem = Some(Problem::NothingToCommit);
                self.finish(Ending::InSync)
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

    fn begin(&mut self) -> Next {
        for event in std::mem::take(&mut self.trigger.events) {
            self.note_event(event);
        }
        let logs = std::mem::take(&mut self.trigger.logs);
        self.next_log(logs.into())
    }

    /// Every log of the trigger is read for its causes before anything is looked at.
    fn next_log(&mut self, logs: VecDeque<LogRef>) -> Next {
        let worth_it = !self.report.events.is_empty() || !self.report.unreadable.is_empty();
        if !logs.is_empty() {
            self.enter(State::FetchingLog(logs))
        } else if worth_it {
            self.state = State::Settling;
            self.sleep(self.config.timing.settle)
        } else if self.trigger.wake == Wake::Always {
            self.enter(State::Observing(Look::Everything))
        } else {
            self.finish(Ending::Irrelevant)
        }
    }

    fn note_event(&mut self, event: Event) {
        if event.is_worth_a_look(&self.config.scope) {
            self.causes.extend(event.causes());
            self.report.events.push(event);
        }
    }

    fn log_read(&mut self, mut logs: VecDeque<LogRef>, events: Vec<Event>) -> Next {
        let read = events.len();
        let before = self.report.events.len();
        events.into_iter().for_each(|event| self.note_event(event));
        self.say(match &self.report.events[before..] {
            [] => format!("{}, none relevant", counted(read, "event")),
            [first, rest @ ..] => {
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                format!("{}, relevant: {first}{more}", counted(read, "event"))
            }
        });
        logs.pop_front();
        self.next_log(logs)
    }

    /// One bad file must never block what comes after it: it counts as worth a look.
    fn log_failed(&mut self, mut logs: VecDeque<LogRef>, failure: Failure) -> Next {
        if failure.lasting == Lasting::Transient && self.backoff.failures() < LOG_FAILURES_MAX {
            return self.wait_and(State::FetchingLog(logs), &failure.what);
        }
        let why = if let Trouble::Log(why) = failure.what { why } else { LogTrouble::S3(failure.what.to_string()) };
        self.say(format!("unreadable: {why}; looking all the same"));
        self.report.unreadable.extend(logs.pop_front().map(|log| (log, why)));
        self.backoff.reset();
        self.waited_for = None;
        self.next_log(logs)
    }

    fn seen(&mut self, inventory: Option<Box<Inventory>>, firewall: &Firewall) -> Next {
        if let Some(unit) = firewall.unit.as_ref().filter(|unit| self.report.unit.as_ref() != Some(unit)) {
            self.say(format!("`{unit}` is the active unit"));
            self.report.unit = Some(unit.clone());
        }
        if let Some(fresh) = inventory {
            self.inventory = Some(fresh);
            self.written.clear();
        }
        if let Some(job) = firewall.unfinished_commit {
            self.say(format!("{job} of ours is not finished"));
            return self.enter(State::AwaitingJob(job));
        }
        let inventory = self.inventory.take().expect("the first look takes in the inventory as well");
        let decided = self.decide(&inventory, firewall);
        self.inventory = Some(inventory);
        decided
    }

    fn decide(&mut self, inventory: &Inventory, firewall: &Firewall) -> Next {
        let config = Arc::clone(&self.config);
        let rulebase = match Rulebase::read(firewall, &config).and_then(|read| read.of_this_account(inventory, &config))
        {
            Ok(rulebase) => rulebase,
            Err(unfit) => return self.give_up(Problem::Unfit(unfit)),
        };
        let mut plan = plan(inventory, &rulebase, &config, &self.causes);
        if let Some(admin) = self.another_name(&plan) {
            return self.give_up(Problem::AnotherName(admin));
        }
        self.hold_back(&mut plan);
        if self.is_suddenly_empty(&plan) {
            self.confirmed_empty = true;
            self.say("nothing is exposed any more: looking again before believing it");
            self.state = State::Observing(Look::Everything);
            return self.sleep(self.config.timing.confirm_empty);
        }
        self.say(summary(&plan));
        self.record(&plan, firewall);
        self.act(plan, firewall, &rulebase)
    }

    /// The name under which the firewall notes what this run has just changed, if it is not ours.
    fn another_name(&self, plan: &Plan) -> Option<AdminName> {
        let changed = |name: &OwnedName| self.report.applied.iter().any(|change| change.rule() == Some(name));
        plan.notes.iter().find_map(|note| match note {
            Note::Held(name, admin) | Note::DeletedBy(name, admin) if changed(name) => Some(admin.clone()),
            Note::Held(..)
            | Note::DeletedBy(..)
            | Note::Disabled(_)
            | Note::NatUnheeded(..)
            | Note::NatMissing
            | Note::Doubtful(..)
            | Note::NeverOpen(..) => None,
        })
    }

    /// Takes out of a plan what this run has learned not to do.
    fn hold_back(&mut self, plan: &mut Plan) {
        let mut removals = plan.withheld.iter().map(|withheld| &withheld.why);
        let removals = removals.find(|why| matches!(why, Hindrance::Removals { .. })).cloned();
        self.removals_withheld = self.removals_withheld.take().or(removals);
        for change in &plan.changes {
            // A rule that this run wrote against the same inventory, and that is to go again, was not read as it was written.
            if let Change::Delete(name) = change
                && let Some(written) = self.written.iter().find(|rule| rule.name == *name)
            {
                self.misread.push(written.spelling.clone());
            }
        }
        let made = std::mem::take(&mut plan.changes);
        let (made, withheld) = match &self.removals_withheld {
            Some(why) => limits::withhold_removals(made, &plan.reasons, why),
            None => (made, Vec::new()),
        };
        plan.withheld.extend(withheld);
        let (made, withheld) = limits::withhold_misread(made, &self.misread);
        plan.withheld.extend(withheld);
        let (made, withheld) = match &mut self.blamed {
            Some(blamed) => blamed.withhold(made),
            None => (made, Vec::new()),
        };
        plan.withheld.extend(withheld);
        plan.changes = made;
    }

    /// Nothing exposed at all is more often a failed look or a fail-over than the truth.
    fn is_suddenly_empty(&self, plan: &Plan) -> bool {
        let removes = plan.changes.iter().any(|change| matches!(change, Change::Delete(_)));
        plan.wanted.exposed == 0 && removes && !self.confirmed_empty
    }

    fn record(&mut self, plan: &Plan, firewall: &Firewall) {
        let us = self.config.admin.as_ref().or(firewall.admin.as_ref());
        let report = &mut self.report;
        report.foreign = firewall.pending.iter().filter(|pending| Some(&pending.admin) != us).cloned().collect();
        report.reasons.extend(plan.reasons.clone());
        report.withheld.clone_from(&plan.withheld);
        report.notes.clone_from(&plan.notes);
    }

    fn act(&mut self, plan: Plan, firewall: &Firewall, rulebase: &Rulebase<'_>) -> Next {
        let failed = |digest: Digest| {
            let ages = firewall.failed_commits.iter().filter(|commit| commit.digest == digest).map(|commit| commit.age);
            ages.min().filter(|age| *age < self.config.timing.failed_commit)
        };
        let wait = |age| Problem::FailedBefore { age, wait: self.config.timing.failed_commit - age };
        if !plan.changes.is_empty() {
            if let Some(age) = failed(rulebase.candidate.digest_after(&plan.changes)) {
                self.report.problem = Some(wait(age));
                return self.finish(Ending::Withheld);
            }
            return self.enter(State::Applying(transaction(plan.changes)));
        }
        if plan.commit {
            if let Some((node, admin)) = firewall.entangled(rulebase.admin) {
                return self.give_up(Problem::Entangled(node.clone(), admin.clone()));
            }
            let digest = rulebase.candidate.digest_after(&[]);
            if self.extent == Extent::Everything && !self.report.foreign.is_empty() {
                let problem = Problem::OthersInTheWay { admins: self.others() };
                return self.enter(State::Reverting(Afterwards::GiveUp(problem)));
            }
            if failed(digest).is_some() && self.extent == Extent::Ours {
                // What a failed commit left behind, of a run that did not live to take it back.
                return self.enter(State::Reverting(Afterwards::Look));
            }
            let note = CommitNote { owner: self.config.owner.clone(), digest };
            return self.enter(State::Committing(note));
        }
        let ending = if plan.withheld.is_empty() { Ending::InSync } else { Ending::Withheld };
        self.finish(ending)
    }

    /// Who else has uncommitted work.
    fn others(&self) -> Vec<String> {
        let admins: BTreeSet<_> = self.report.foreign.iter().map(|pending| &pending.admin).collect();
        admins.into_iter().map(|admin| format!("`{admin}`")).collect()
    }

    fn applied(&mut self, changes: Vec<Change>) -> Next {
        for change in changes.iter().take(SHOWN) {
            self.say(change.to_string());
        }
        if let Some(more) = changes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            self.say(format!("and {more} more"));
        }
        let rules = changes.iter().filter_map(|change| match change {
            Change::Put(rule, _) => Some((**rule).clone()),
            Change::Tag(_) | Change::Service(_) | Change::Lift(..) | Change::Delete(_) => None,
        });
        self.written.extend(rules);
        self.report.applied.extend(changes);
        self.enter(State::Observing(Look::Firewall))
    }

    fn polled(&mut self, job: JobId, state: JobState) -> Next {
        match state {
            JobState::Running(percent) => {
                self.say(format!("{percent} %"));
                self.state = State::AwaitingJob(job);
                self.sleep(self.config.timing.poll)
            }
            JobState::Succeeded => {
                self.say("succeeded");
                self.report.commits.push(job);
                self.enter(State::Observing(Look::Everything))
            }
            JobState::Failed(lines) => {
                self.say(format!("failed: {}", lines.join(" / ")));
                if self.config.mode == Mode::Observe {
                    return self.give_up(Problem::CommitFailed { job, lines });
                }
                if self.extent == Extent::Ours && lines.iter().any(|line| is_about_moves(line)) {
                    self.extent = Extent::Everything;
                    return self.enter(State::Observing(Look::Firewall));
                }
                self.report.applied.clear();
                // One more attempt without the rules that the job blames; anything else is for a person.
                let blamed = blamed(&lines);
                let then = if self.blamed.is_some() || blamed.is_empty() {
                    Afterwards::GiveUp(Problem::CommitFailed { job, lines })
                } else {
                    self.blamed = Some(Blamed::new(blamed));
                    Afterwards::Look
                };
                self.enter(State::Reverting(then))
            }
            JobState::Lost => {
                self.say("the firewall does not know it any more");
                self.enter(State::Observing(Look::Everything))
            }
        }
    }

    fn reverted(&mut self, then: Afterwards) -> Next {
        self.say("our uncommitted changes are taken back");
        self.report.applied.clear();
        match then {
            Afterwards::Look => self.enter(State::Observing(Look::Firewall)),
            Afterwards::GiveUp(problem) => self.give_up(problem),
        }
    }

    /// A read is sent again; after a write nobody knows what happened, so the firewall is looked at first.
    fn failed(&mut self, state: State, failure: Failure) -> Next {
        if let (State::Applying(changes), Trouble::Refused(text), None) = (&state, &failure.what, &self.blamed) {
            // One rule that the firewall refuses must not keep a revoked port open: the rest goes in without it, or
            // without any new rule where the firewall does not say which.
            let puts = changes.iter().filter(|change| matches!(change, Change::Put(..))).filter_map(Change::rule);
            let puts: BTreeSet<_> = puts.cloned().collect();
            let named: BTreeSet<_> = blamed(std::slice::from_ref(text)).intersection(&puts).cloned().collect();
            if !puts.is_empty() {
                self.say(format!("failed: {}", failure.what));
                self.blamed = Some(Blamed::new(if named.is_empty() { puts } else { named }));
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
        let patient = matches!(failure.what, Trouble::Busy(_) | Trouble::Locked(_));
        if failure.lasting == Lasting::Permanent || (!patient && self.backoff.failures() >= FAILURES_MAX) {
            self.say(format!("failed: {}", failure.what));
            return self.give_up(Problem::Trouble(failure.what));
        }
        let wrote = matches!(state, State::Applying(_) | State::Committing(_) | State::Reverting(..));
        self.write_failed |= wrote;
        let again = if wrote { State::Observing(Look::Firewall) } else { state };
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

/// As many changes as one transaction takes; the rest is left to the next look.
fn transaction(mut changes: Vec<Change>) -> Vec<Change> {
    let mut bytes = 0;
    let fits = |change: &Change| {
        bytes += change.weight();
        bytes <= BYTES_MAX
    };
    let number = changes
        .iter()
        .take(CHANGES_MAX)
        .take_while({
            let mut fits = fits;
            move |change| fits(change)
        })
        .count();
    changes.truncate(number.max(1));
    changes
}

/// Rules of ours that the job's lines name, whichever run had written them.
fn blamed(lines: &[String]) -> BTreeSet<OwnedName> {
    let words = lines.iter().flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '-')));
    words.filter_map(OwnedName::parse).collect()
}

/// Whether the firewall refuses to commit moved rules by administrator. The vendor brought that with 11.0.1; how other releases
/// word their refusal no public source tells, so that any mention of the order, or of a full commit, counts.
fn is_about_moves(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("reorder") || text.contains("full commit")
}

/// What a look found, in a line.
fn summary(plan: &Plan) -> String {
    let facts = format!(
        "{} wanted, {} ours of {}",
        counted(plan.wanted.atoms.len(), "atom"),
        plan.owned,
        counted(plan.rules, "rule")
    );
    let withheld = match plan.withheld.len() {
        0 => String::new(),
        number => format!(", {number} withheld"),
    };
    match (plan.changes.len(), plan.commit) {
        (0, true) => format!("as planned, running differs{withheld}"),
        (0, false) if plan.withheld.is_empty() => format!("{facts}: in sync"),
        (0, false) => format!("{facts}: nothing that may be changed{withheld}"),
        (number, _) => format!("{facts}: {}{withheld}", counted(number, "change")),
    }
}
