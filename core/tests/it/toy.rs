//! The sequence against a toy world: a cloud and a firewall held in memory, and dice that decide which calls fail and
//! whether they took effect first, which are refused or told what was, which jobs fail or are forgotten, and when the process
//! dies.
//!
//! Safety: in sync means running as wanted; nothing is committed that was not just seen in the candidate; every commit
//! keeps the invariants. Liveness: when faults and people stop, three runs are enough.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use drawbridge_core::{
    change::Change,
    command::{Command, Failure, JobState, Look, Reply, Trouble},
    config::Limits,
    firewall::{CommitNote, FailedCommit, Firewall, Since},
    id::{JobId, OwnedName},
    invariants::{self, Commit},
    inventory::Inventory,
    limits::Withheld,
    plan::plan,
    report::{Ending, Outcome},
    rulebase::{Owned, Rulebase},
    run::{Input, Next, Run, Trigger, Wake},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config as Settings, RngAlgorithm, TestRng, TestRunner},
};

use crate::generate::{Deed, Hand, Size, World, act, deed, inventory, stepped, world_of};

/// Facts are many small things that live for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many worlds are drawn, and how often the dice are thrown for each.
const WORLDS: u64 = 125;
const THROWS: u64 = 8;

/// splitmix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ value >> 31) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.below(sides) == 0
    }
}

/// A commit under way.
struct Job {
    id: JobId,
    note: CommitNote,
    ends: Duration,
    fate: Fate,
    before: Firewall,
    inventory: Inventory,
    withheld: Vec<Withheld>,
}

#[derive(Clone)]
enum Fate {
    Succeeds,
    Fails(Vec<String>),
}

/// What a look has shown of our own doings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Idle,
    Committing,
}

struct Toy {
    world: World,
    dice: Dice,
    faulty: bool,
    clock: Duration,
    job: Option<Job>,
    /// Jobs that have ended; those that are missing are forgotten.
    ended: Vec<(JobId, JobState)>,
    jobs: u64,
    failed: Vec<(CommitNote, Duration)>,
    /// When a commit succeeded last.
    succeeded: Option<Duration>,
    /// What was before the last event.
    earlier: Inventory,
    /// The inventory of the last look.
    looked: Inventory,
    /// What that look showed, until something is written.
    seen: Option<Seen>,
}

impl Toy {
    fn new(world: World, seed: u64) -> Self {
        let (earlier, looked) = (world.inventory.clone(), world.inventory.clone());
        let (job, ended, failed, succeeded) = (None, Vec::new(), Vec::new(), None);
        let (clock, jobs) = (Duration::ZERO, 0);
        let (dice, faulty, seen) = (Dice(seed), true, None);
        Self { world, dice, faulty, clock, job, ended, jobs, failed, succeeded, earlier, looked, seen }
    }

    fn fault(&mut self, sides: u64) -> bool {
        self.faulty && self.dice.one_in(sides)
    }

    /// One run; nothing, if it was killed.
    fn run(&mut self) -> Option<Outcome> {
        let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        let mut run = Run::new(self.world.config.clone(), trigger, Duration::from_secs(900), self.dice.0);
        let begun = self.clock;
        let mut next = run.advance(Duration::ZERO, Input::Begin);
        loop {
            if self.fault(40) {
                return None;
            }
            let input = match next {
                Next::Do(command, _) => match self.perform(&command, &run.report().withheld) {
                    Ok(reply) => Input::Done(reply),
                    Err(failure) => Input::Failed(failure),
                },
                Next::Sleep(how_long) => {
                    self.clock += how_long;
                    Input::Woke
                }
                Next::Finish(outcome) => return Some(*outcome),
            };
            next = run.advance(self.clock - begun, input);
        }
    }

    /// Carries out a command, unless the dice are against it: before or after it takes effect.
    fn perform(&mut self, command: &Command, withheld: &[Withheld]) -> Result<Reply, Failure> {
        self.clock += Duration::from_secs(1 + self.dice.below(3));
        self.end_job();
        let seen = match command {
            Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_) => None,
            Command::Apply(_) | Command::Commit(_) | Command::CommitAll(_) => Some(self.seen.take()),
            Command::Revert => {
                self.seen = None;
                None
            }
        };
        assert!(seen.is_none_or(|seen| seen == Some(Seen::Idle)), "{command} after {seen:?}");
        if self.fault(10) {
            return Err(self.refusal(command));
        }
        let reply = match command {
            Command::FetchLog(_) => Ok(Reply::Log(Vec::new())),
            Command::Observe(look) => Ok(self.observe(*look)),
            Command::Apply(changes) => Ok(self.apply(changes)),
            Command::Commit(note) | Command::CommitAll(note) => self.commit(note, withheld),
            Command::PollJob(id) => Ok(Reply::Polled(self.poll(*id))),
            Command::Revert => Ok(self.revert()),
        };
        if self.fault(10) { Err(Trouble::NoAnswer.transient()) } else { reply }
    }

    /// Why a command is not carried out.
    fn refusal(&mut self, command: &Command) -> Failure {
        let is_write = !matches!(command, Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_));
        match (self.dice.below(4), command) {
            (0, Command::Apply(changes)) => {
                let named: Vec<_> = changes.iter().filter_map(Change::rule).map(ToString::to_string).collect();
                Trouble::Refused(format!("rules -> {} is invalid", named.join(", "))).permanent()
            }
            (1, _) if is_write => Trouble::Locked("`bob`, for 2 minutes".to_owned()).transient(),
            (2, _) if is_write => Trouble::Busy("a commit is in progress".to_owned()).transient(),
            _ => Trouble::Unreachable.transient(),
        }
    }

    fn observe(&mut self, look: Look) -> Reply {
        let inventory = (look == Look::Everything).then(|| {
            // EC2 may tell for a while what was.
            let stale = self.fault(12);
            self.looked = if stale { self.earlier.clone() } else { self.world.inventory.clone() };
            Box::new(self.looked.clone())
        });
        self.seen = Some(if self.job.is_some() { Seen::Committing } else { Seen::Idle });
        Reply::Facts(inventory, Box::new(self.firewall()))
    }

    fn firewall(&self) -> Firewall {
        let failed = self.failed.iter().map(|(note, at)| FailedCommit {
            digest: note.digest,
            naming: note.naming,
            age: self.clock - *at,
            lines: Vec::new(),
            since: if self.succeeded > Some(*at) { Since::Committed } else { Since::NothingCommitted },
        });
        Firewall {
            unfinished_commit: self.job.as_ref().map(|job| job.id),
            failed_commits: failed.collect(),
            ..self.world.firewall.clone()
        }
    }

    fn apply(&mut self, changes: &[Change]) -> Reply {
        self.world.firewall.candidate = Arc::new(self.world.firewall.candidate.apply(changes));
        Reply::Applied
    }

    fn commit(&mut self, note: &CommitNote, withheld: &[Withheld]) -> Result<Reply, Failure> {
        let lately = self.clock.saturating_sub(self.world.config.timing.failed_commit);
        // Commits have worked again since: what only removes something need not wait.
        let is_over = |at: &Duration| self.succeeded > Some(*at) && !self.proposes_more();
        let again = self.failed.iter().any(|(failed, at)| failed.digest == note.digest && *at > lately && !is_over(at));
        assert!(!again, "a commit of what failed lately");
        if self.job.is_some() {
            return Err(Trouble::Busy("a commit is in progress".into()).transient());
        }
        if !self.world.rulebase().differs() {
            return Ok(Reply::NothingToCommit);
        }
        self.jobs += 1;
        let id = JobId(self.jobs);
        let rules = &self.world.firewall.candidate.rules;
        let blamed = rules[self.dice.below(rules.len() as u64) as usize].name.to_string();
        let fate =
            if self.fault(4) { Fate::Fails(vec![format!("rules -> {blamed} is invalid")]) } else { Fate::Succeeds };
        let ends = self.clock + Duration::from_secs(self.dice.below(20));
        let (before, inventory) = (self.world.firewall.clone(), self.looked.clone());
        self.job = Some(Job { id, note: note.clone(), ends, fate, before, inventory, withheld: withheld.to_vec() });
        Ok(Reply::Job(id))
    }

    /// Whether the candidate has a rule of ours that is not in force, or says more than there.
    fn proposes_more(&self) -> bool {
        let rulebase = self.world.rulebase();
        let in_force = |name: &OwnedName| rulebase.running.owned().find(|rule| rule.name == *name);
        let more = |rule: &Owned<'_>| {
            let (now, said) = (rule.spelling.as_ref(), in_force(&rule.name).and_then(|rule| rule.spelling.clone()));
            now.is_none_or(|now| said.is_none_or(|said| !said.holds(now)))
        };
        let differing = rulebase.differing();
        rulebase.candidate.owned().any(|rule| differing.contains(&rule.name) && more(rule))
    }

    /// A job ends by itself when its time has come, whether or not somebody asks.
    fn end_job(&mut self) {
        let Some(job) = self.job.take_if(|job| job.ends <= self.clock) else { return };
        let state = match job.fate {
            Fate::Succeeds => {
                let config = &self.world.config;
                let after = Rulebase::read(&job.before, config).unwrap().committed(config);
                let Job { before, inventory, withheld, .. } = &job;
                let found = invariants::check(&Commit { before, after: &after, inventory, config, withheld });
                assert!(found.is_empty(), "{found:#?}");
                self.world.firewall.running = Arc::new(after);
                self.succeeded = Some(self.clock);
                JobState::Succeeded
            }
            Fate::Fails(lines) => {
                self.failed.push((job.note, self.clock));
                JobState::Failed(lines)
            }
        };
        if !self.fault(5) {
            self.ended.push((job.id, state));
        }
    }

    fn poll(&self, id: JobId) -> JobState {
        if self.job.as_ref().is_some_and(|job| job.id == id) {
            return JobState::Running(50);
        }
        let ended = self.ended.iter().find(|(ended, _)| *ended == id);
        ended.map_or(JobState::Lost, |(_, state)| state.clone())
    }

    /// Our rules become what they are in the running configuration: a commit the other way round.
    fn revert(&mut self) -> Reply {
        let Firewall { candidate, running, .. } = self.world.firewall.clone();
        let turned = Firewall { candidate: running, running: candidate, ..self.world.firewall.clone() };
        let reverted = Rulebase::read(&turned, &self.world.config).unwrap().committed(&self.world.config);
        self.world.firewall.candidate = Arc::new(reverted);
        Reply::Reverted
    }

    /// Other administrators' uncommitted work is taken back.
    fn people_go_home(&mut self) {
        let committed = self.world.rulebase().committed(&self.world.config);
        self.world.firewall.candidate = Arc::new(committed);
        self.world.firewall.pending.clear();
    }

    /// In sync means: the running configuration is as wanted.
    fn check(&self, outcome: &Outcome) {
        if outcome.ending == Ending::InSync {
            assert_eq!(outcome.report.problem, None);
            let (rulebase, config) = (self.world.rulebase(), &self.world.config);
            let plan = plan(&self.looked, &rulebase, config, &[]);
            assert!(plan.changes.is_empty(), "in sync, but {:#?}", plan.changes);
            assert_eq!(
                rulebase.committed(config).rules,
                self.world.firewall.running.rules,
                "in sync, but not committed"
            );
        }
    }
}

/// What was seen in some stories.
#[derive(Debug, Default)]
struct Tally {
    runs: u32,
    /// Runs that committed something.
    changed: u32,
    killed: u32,
    failed: u32,
}

impl Tally {
    fn ran(&mut self, outcome: Option<&Outcome>) {
        self.runs += 1;
        match outcome {
            None => self.killed += 1,
            Some(outcome) => {
                self.changed += u32::from(!outcome.report.commits.is_empty());
                self.failed += u32::from(matches!(outcome.ending, Ending::Failed | Ending::OutOfTime));
            }
        }
    }

    fn add(&mut self, other: &Self) {
        let Self { runs, changed, killed, failed } = other;
        self.runs += runs;
        self.changed += changed;
        self.killed += killed;
        self.failed += failed;
    }
}

fn drawn<T>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// What happens in a story besides runs: AWS changes, and people do something to our rules.
type Happening = (Vec<Index>, Vec<(Index, Deed, Hand)>);

fn tell(world: World, second: &Inventory, happenings: &[Happening], seed: u64) -> Tally {
    let first = world.inventory.clone();
    let mut toy = Toy::new(world, seed);
    let mut tally = Tally::default();
    let mut run = |toy: &mut Toy| {
        let outcome = toy.run();
        outcome.iter().for_each(|outcome| toy.check(outcome));
        tally.ran(outcome.as_ref());
        outcome
    };
    for (steps, deeds) in happenings {
        let step = |now: Inventory, step: &Index| stepped(&now, [&first, second], *step);
        let next = steps.iter().fold(toy.world.inventory.clone(), step);
        toy.earlier = std::mem::replace(&mut toy.world.inventory, next);
        if toy.dice.one_in(4) {
            // What has failed to commit may be tried again.
            toy.clock += Duration::from_secs(31 * 60);
        }
        run(&mut toy);
        for (index, deed, hand) in deeds.iter().filter(|_| toy.job.is_none()) {
            act(&mut toy.world.firewall, &toy.world.config, *index, *deed, *hand);
        }
    }
    toy.faulty = false;
    toy.clock += Duration::from_secs(60);
    toy.end_job();
    toy.people_go_home();
    // Somebody has looked at what was too much.
    toy.world.config.limits = Limits::ACCEPTED;
    let outcomes: Vec<_> = (0..3)
        .map(|_| {
            toy.clock += Duration::from_secs(31 * 60);
            run(&mut toy).unwrap()
        })
        .collect();
    let last = outcomes.last().unwrap();
    assert_eq!(last.ending, Ending::InSync, "{last}\n{:#?}", last.report.steps);
    tally
}

/// All throws of the dice for one world.
fn tell_all(size: Size, number: u64) -> Tally {
    let seed = [number.to_le_bytes(), (!number).to_le_bytes()].concat();
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &seed);
    let mut runner = TestRunner::new_with_rng(Settings::default(), rng);
    let happenings = vec((vec(any::<Index>(), 1..5), vec(deed(), 0..2)), 12);
    let world = drawn(&world_of(size), &mut runner);
    let (other, happenings) = (drawn(&inventory(size), &mut runner), drawn(&happenings, &mut runner));
    let mut tally = Tally::default();
    for throw in 0..THROWS {
        let seed = number * THROWS + throw;
        let told = std::panic::catch_unwind(|| tell(world.clone(), &other, &happenings, seed));
        match told {
            Ok(told) => tally.add(&told),
            Err(_) => panic!("{size:?}, world {number}, throw {throw}:\n{world:?}"),
        }
    }
    tally
}

/// Tells stories in worlds of a size: some, or `SWARM_SCALE` times as many, on as many threads as there are processors.
/// `SWARM_SEED` is the first world.
#[expect(clippy::disallowed_methods, reason = "how long a campaign is, and how fast, is no part of its stories")]
fn campaign(size: Size) {
    let number = |name: &str, fallback: u64| std::env::var(name).map_or(fallback, |text| text.parse().unwrap());
    let (first, scale) = (number("SWARM_SEED", 0), number("SWARM_SCALE", 1));
    let next = AtomicU64::new(first);
    let end = first + WORLDS * scale;
    let began = Instant::now();
    let work = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= end {
                return tally;
            }
            tally.add(&tell_all(size, number));
        }
    };
    let threads = if scale > 1 { std::thread::available_parallelism().map_or(1, NonZero::get) } else { 1 };
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        tally.add(&work());
        others.into_iter().for_each(|other| tally.add(&other.join().unwrap()));
    });
    let rate = f64::from(tally.changed) / began.elapsed().as_secs_f64();
    println!("{size:?}, worlds {first} to {end}: {tally:?}; {rate:.0} changing/s on {threads} threads");
    assert!(tally.changed * 10 > tally.runs && tally.killed > 0 && tally.failed > 0, "{tally:?}");
}

#[test]
fn whatever_fails_a_run_is_safe_and_three_are_enough() {
    campaign(Size::SMALL);
}

#[test]
fn that_holds_in_worlds_of_the_usual_size_too() {
    campaign(Size::USUAL);
}
