//! The sequence against a toy world: a cloud and a firewall held in memory, and dice that decide which calls fail and
//! whether they took effect first, which jobs fail or are forgotten, and when the process dies.
//!
//! Safety: in sync means running as wanted; nothing is committed that was not just seen in the candidate; every commit
//! keeps the invariants. Liveness: when faults and people stop, three runs are enough.

use std::{sync::Arc, time::Duration};

use drawbridge_core::{
    change::Change,
    command::{Command, Failure, JobState, Look, Reply, Trouble},
    firewall::{CommitNote, FailedCommit, Firewall},
    id::JobId,
    invariants::{self, Commit},
    inventory::Inventory,
    limits::Withheld,
    plan::plan,
    report::{Ending, Outcome},
    rulebase::Rulebase,
    run::{Input, Next, Run, Trigger, Wake},
};
use proptest::{
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config as Settings, RngSeed, TestRunner},
};

use crate::generate::{Deed, Hand, World, act, deed, inventory, world};

/// How many worlds are drawn, and how often the dice are thrown for each.
const WORLDS: usize = 125;
const THROWS: u64 = 16;

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
    /// The inventory of the last look.
    looked: Inventory,
    /// What that look showed, until something is written.
    seen: Option<Seen>,
}

impl Toy {
    fn new(world: World, seed: u64) -> Self {
        let looked = world.inventory.clone();
        let (job, ended, failed) = (None, Vec::new(), Vec::new());
        let (clock, jobs) = (Duration::ZERO, 0);
        Self { world, dice: Dice(seed), faulty: true, clock, job, ended, jobs, failed, looked, seen: None }
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
            return Err(Trouble::Unreachable.transient());
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

    fn observe(&mut self, look: Look) -> Reply {
        let inventory = (look == Look::Everything).then(|| {
            self.looked = self.world.inventory.clone();
            Box::new(self.looked.clone())
        });
        self.seen = Some(if self.job.is_some() { Seen::Committing } else { Seen::Idle });
        Reply::Facts(inventory, Box::new(self.firewall()))
    }

    fn firewall(&self) -> Firewall {
        let failed = self.failed.iter().map(|(note, at)| FailedCommit {
            digest: note.digest,
            age: self.clock - *at,
            lines: Vec::new(),
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
        let again = self.failed.iter().any(|(failed, at)| failed == note && *at > lately);
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

fn drawn<T>(strategy: &impl Strategy<Value = T>, runner: &mut TestRunner) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// What happens in a story besides runs: AWS changes, and people do something to our rules.
type Happening = (Inventory, Vec<(Index, Deed, Hand)>);

fn tell(world: World, happenings: &[Happening], seed: u64) {
    let mut toy = Toy::new(world, seed);
    for (inventory, deeds) in happenings {
        toy.run().inspect(|outcome| toy.check(outcome));
        toy.world.inventory = inventory.clone();
        toy.run().inspect(|outcome| toy.check(outcome));
        for (index, deed, hand) in deeds.iter().filter(|_| toy.job.is_none()) {
            act(&mut toy.world.firewall, &toy.world.config, *index, *deed, *hand);
        }
    }
    toy.run().inspect(|outcome| toy.check(outcome));
    toy.faulty = false;
    toy.clock += Duration::from_secs(60);
    toy.end_job();
    toy.people_go_home();
    let outcomes: Vec<_> = (0..3)
        .map(|_| {
            toy.clock += Duration::from_secs(31 * 60);
            toy.run().unwrap()
        })
        .collect();
    outcomes.iter().for_each(|outcome| toy.check(outcome));
    let last = outcomes.last().unwrap();
    assert_eq!(last.ending, Ending::InSync, "{last}\n{:#?}", last.report.steps);
}

#[test]
fn whatever_fails_a_run_is_safe_and_three_are_enough() {
    let mut runner = TestRunner::new(Settings { rng_seed: RngSeed::Fixed(7), ..Settings::default() });
    let happenings = proptest::collection::vec((inventory(), proptest::collection::vec(deed(), 0..3)), 2);
    for number in 0..WORLDS {
        let (world, happenings) = (drawn(&world(), &mut runner), drawn(&happenings, &mut runner));
        for throw in 0..THROWS {
            let seed = number as u64 * THROWS + throw;
            let told = std::panic::catch_unwind(|| tell(world.clone(), &happenings, seed));
            assert!(told.is_ok(), "seed {seed} (world {number}, throw {throw}):\n{world:?}");
        }
    }
}
