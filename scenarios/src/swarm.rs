//! The swarm: worlds drawn at random, in which everything goes wrong that can, and Drawbridge in the middle of it.
//!
//! A seed is a story in the language of scenario files: an account, a rulebase, administrators who work at any moment,
//! calls, news that come late, twice or never, and faults on every command. Each commit is judged by I1 to I3 and I7 to
//! I9; then faults and people stop, and three runs later I4, I5 and I10 must hold. A story that breaks a promise is shrunk
//! and printed; `replay --direct` tells it again, or `replay` where it was told by wire.

mod dice;
mod events;
mod networks;
mod panics;
mod people;
mod settings;
mod setup;
mod shrink;
mod story;
mod tally;
mod translations;
mod trial;
mod troubles;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use self::{
    story::{Story, Telling},
    trial::Told,
};
use crate::replay::Medium;
pub use tally::Tally;
pub use troubles::{commands, kinds, meanwhile};

/// Which stories are told.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// The seed of the first; the others follow.
    pub seed: u64,
    /// How many runs there are to be at least.
    pub runs: usize,
    /// How many stories are told side by side.
    pub threads: usize,
    /// What to do when a promise is broken.
    pub then: Then,
    /// How the stories are told.
    pub medium: Medium,
}

/// What to do when a promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Begin nothing more.
    Stop,
    /// Go on, and tell of each kind of failure once.
    GoOn,
}

/// A story that breaks a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// The promise, and how it was broken.
    pub broken: String,
    /// A scenario file that tells it, as short as it can be.
    pub scenario: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}\n\n{}", self.seed, self.broken, self.scenario)
    }
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What was seen.
    pub tally: Tally,
    /// How long it took.
    pub spent: Duration,
    /// One failure of each kind, with how often it was met.
    pub failures: BTreeMap<String, (Failure, usize)>,
}

/// Who tells stories. Tests have somebody else do it.
#[derive(Clone, Copy)]
struct Teller {
    /// Makes a story up as it goes on.
    drawn: fn(u64, &Telling, Medium) -> Told,
    /// Tells one again.
    again: fn(&Story, &Telling, Medium) -> Told,
}

/// What threads have in common.
struct Shared<'p> {
    teller: Teller,
    campaign: Campaign,
    began: Instant,
    next: AtomicU64,
    stop: AtomicBool,
    findings: Mutex<Findings>,
    told: Mutex<Instant>,
    progress: &'p (dyn Fn(&str) + Sync),
}

/// Tells stories until there were enough runs, or one of them fails; says how far it has come about once a second.
pub fn swarm(campaign: Campaign, progress: &(dyn Fn(&str) + Sync)) -> Findings {
    told_by(Teller { drawn: trial::drawn, again: trial::again }, campaign, progress)
}

fn told_by(teller: Teller, campaign: Campaign, progress: &(dyn Fn(&str) + Sync)) -> Findings {
    let began = Instant::now();
    let shared = Shared {
        teller,
        campaign,
        began,
        next: AtomicU64::new(campaign.seed),
        stop: AtomicBool::new(false),
        findings: Mutex::default(),
        told: Mutex::new(began),
        progress,
    };
    std::thread::scope(|scope| {
        for _ in 1..campaign.threads.max(1) {
            scope.spawn(|| shared.work());
        }
        shared.work();
    });
    let mut findings = shared.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    findings.spent = began.elapsed();
    findings
}

impl Shared<'_> {
    fn work(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            let mut told = caught(|telling| (self.teller.drawn)(seed, telling, self.campaign.medium));
            told.tally.stories = 1;
            if let Some(broken) = &told.broken
                && !self.is_known(broken)
            {
                let failure = self.failure(seed, &told.story, broken);
                self.findings().failures.insert(kind(broken), (failure, 1));
                if self.campaign.then == Then::Stop {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
            self.note(&told.tally);
        }
    }

    /// The shrunk story; as it was drawn if it does not fail when it is told again.
    fn failure(&self, seed: u64, story: &Story, broken: &str) -> Failure {
        let again = |story: &Story| caught(|telling| (self.teller.again)(story, telling, self.campaign.medium));
        let (about, story, broken) = if again(story).broken.is_some() {
            let (story, broken) = shrink::shrunk(story, broken, self.campaign.medium, &again);
            (format!("Found by the swarm, seed {seed}: {broken}"), story, broken)
        } else {
            let about = format!("Seed {seed} of the swarm; told again it does not break: {broken}");
            (about, story.clone(), broken.to_owned())
        };
        let medium = if self.campaign.medium == Medium::Wire { "wire\n" } else { "" };
        Failure { seed, scenario: format!("{}\n{medium}\n{story}", head(&about)), broken }
    }

    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a failure of that kind was met before; it is counted.
    fn is_known(&self, broken: &str) -> bool {
        self.findings().failures.get_mut(&kind(broken)).map(|(_, met)| *met += 1).is_some()
    }

    fn note(&self, tally: &Tally) {
        let mut findings = self.findings();
        findings.tally.add(tally);
        if findings.tally.runs >= self.campaign.runs {
            self.stop.store(true, Ordering::Relaxed);
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= Duration::from_secs(1) {
            *told = Instant::now();
            (self.progress)(&findings.tally.progress(self.began.elapsed()));
        }
    }
}

/// A complaint without what differs from story to story: names in backticks, and numbers.
fn kind(broken: &str) -> String {
    let words = broken.split('`').step_by(2).collect::<Vec<_>>().join("`");
    words.chars().filter(|character| !character.is_ascii_digit()).take(60).collect()
}

/// The head of a scenario: why it exists, on one line, whatever a promise is broken with.
fn head(about: &str) -> String {
    format!("# {}", about.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A panic is a broken promise too, and the deed at which it happens is the last of its story.
fn caught(tell: impl FnOnce(&Telling) -> Told) -> Told {
    let telling = Telling::default();
    panics::noted(|| tell(&telling)).unwrap_or_else(|panic| {
        let story = telling.so_far().clone();
        Told { story, broken: Some(panic), tally: Tally::default() }
    })
}

#[cfg(test)]
mod tests {
    use drawbridge_simulator::script::{Deed, Script};

    use super::*;

    /// Panics at every schedule.
    fn again(story: &Story, telling: &Telling, _medium: Medium) -> Told {
        telling.begin(story);
        for deed in &story.deeds {
            telling.write(deed);
            assert_ne!(deed, "schedule", "nobody\nlooks");
        }
        Told { story: story.clone(), broken: None, tally: Tally::default() }
    }

    fn drawn(_seed: u64, telling: &Telling, medium: Medium) -> Told {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let (firewall, deeds) = (lines(&["ha pair"]), lines(&["wait 5s", "deliver", "schedule", "calm"]));
        again(&Story { firewall, deeds, ..Story::default() }, telling, medium)
    }

    #[test]
    fn a_panic_is_told_with_its_place_and_the_deed_at_which_it_happens() {
        let campaign = Campaign { seed: 7, runs: 1, threads: 1, then: Then::Stop, medium: Medium::Direct };
        let findings = told_by(Teller { drawn, again }, campaign, &|_| {});
        let (failure, _) = findings.failures.into_values().next().unwrap();
        assert!(failure.broken.starts_with(&format!("panic at {}:", file!())), "{failure}");
        assert!(failure.broken.contains("nobody looks"), "{failure}");
        let script = Script::parse("found", &failure.scenario).unwrap();
        assert_eq!(script.about, [format!("Found by the swarm, seed 7: {}", failure.broken)]);
        let deeds = script.blocks.iter().flat_map(|block| &block.deeds).map(|deed| &deed.what);
        assert_eq!(deeds.collect::<Vec<_>>(), [&Deed::Schedule]);
    }

    #[test]
    fn what_breaks_no_promise_again_says_so() {
        fn kept(story: &Story, _telling: &Telling, _medium: Medium) -> Told {
            Told { story: story.clone(), broken: None, tally: Tally::default() }
        }
        let campaign = Campaign { seed: 7, runs: 1, threads: 1, then: Then::Stop, medium: Medium::Direct };
        let findings = told_by(Teller { drawn, again: kept }, campaign, &|_| {});
        let (failure, _) = findings.failures.into_values().next().unwrap();
        assert!(
            failure.scenario.starts_with("# Seed 7 of the swarm; told again it does not break: panic at"),
            "{failure}"
        );
        assert!(failure.scenario.contains("\n\nwait 5s\ndeliver\nschedule\n----\n"), "{failure}");
    }
}
