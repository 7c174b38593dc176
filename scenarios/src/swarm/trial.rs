//! One story, told without a transcript: what counts is whether every promise was kept.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use drawbridge::{driver, envelope::Envelope};
use drawbridge_core::{config::Config, report::Outcome};
use drawbridge_simulator::{
    script::Deed,
    serve::SharedWorld,
    world::{Performed, World},
};
use serde_json::Value;

use super::{
    dice::Dice,
    events, people,
    setup::{self, Size},
    story::Story,
    tally::Tally,
    troubles,
};
use crate::{
    direct::Direct,
    judge::Witness,
    replay::nowhere,
    settings,
    settled::unsettled,
    stage::{BUDGET, SEED, Stage, Watch},
};

/// A story that has been told, or as much of it as it took to break a promise.
pub(super) struct Told {
    /// With those deeds that could be done.
    pub(super) story: Story,
    /// Which promise was broken, and how.
    pub(super) broken: Option<String>,
    pub(super) tally: Tally,
}

/// A story that is being told.
struct Trial {
    world: SharedWorld,
    config: Config,
    actor: Direct,
    witness: Witness,
    told: Told,
}

/// Tells a story that is made up as it goes on.
pub(super) fn drawn(seed: u64) -> Told {
    let mut dice = Dice::seeded(seed);
    let size = Size::drawn(&mut dice);
    let story = setup::setup(&mut dice, size);
    let mut trial = match Trial::begin(story) {
        Ok(trial) => trial,
        Err(told) => return *told,
    };
    for _ in 0..dice.between(3, 14) {
        trial.scene(&mut dice, size);
    }
    trial.rest();
    trial.told()
}

/// Tells a story again.
pub(super) fn again(story: &Story) -> Told {
    let mut trial = match Trial::begin(Story { deeds: Vec::new(), ..story.clone() }) {
        Ok(trial) => trial,
        Err(told) => return *told,
    };
    story.deeds.iter().for_each(|deed| trial.attempt(deed));
    trial.told()
}

impl Trial {
    /// Builds the world, or says why there can be none.
    fn begin(story: Story) -> Result<Self, Box<Told>> {
        let failed = |story: &Story, why: String| {
            Box::new(Told { story: story.clone(), broken: Some(format!("set-up: {why}")), tally: Tally::default() })
        };
        let script = story.setup().map_err(|mistake| failed(&story, mistake.to_string()))?;
        let world = World::build(&script).map_err(|mistake| failed(&story, mistake.to_string()))?;
        let world = SharedWorld::new(world);
        let settings = settings::of_story(&world, &nowhere(&world), None);
        let settings = settings.map_err(|refusal| failed(&story, refusal.join("; ")))?;
        let actor = Direct::new(world.clone(), &settings);
        let told = Told { story, broken: None, tally: Tally::default() };
        Ok(Self { world, config: settings.config, actor, witness: Witness::default(), told })
    }

    /// Some time passes: people work, calls are made, troubles are on their way, and Drawbridge hears of something.
    fn scene(&mut self, dice: &mut Dice, size: Size) {
        // Mostly something has happened that is worth a change.
        let first = if dice.one_in(5) { 0 } else { 1 };
        for n in 0..dice.between(1, 5) {
            let (story, world) = (&self.told.story, self.world.clone());
            let line = match dice.below(12) {
                _ if n < first => format!("call {}", events::call(dice, size, story, &world.lock())),
                0..=3 => troubles::trouble(dice, size, story, &world.lock()),
                4..=8 => format!("call {}", events::call(dice, size, story, &world.lock())),
                9 | 10 => people::deed(dice, size, &world.lock()),
                _ => format!("wait {}", dice.pick(&["5s", "2m", "31m"])),
            };
            self.attempt(&line);
        }
        let news = events::news(dice, size, &self.told.story, &self.world.lock());
        self.attempt(&news);
    }

    /// Faults and people stop, and within three runs everything must be as wanted.
    fn rest(&mut self) {
        for admin in people::ADMINS {
            self.attempt(&format!("admin {admin} unlock config"));
            self.attempt(&format!("admin {admin} unlock commit"));
        }
        for line in ["calm", "wait 2m", "schedule"] {
            self.attempt(line);
        }
        for again in [&["schedule"][..], &["wait 31m", "schedule"]] {
            if !self.is_settled() {
                again.iter().for_each(|line| self.attempt(line));
            }
        }
        self.attempt("settled");
    }

    fn is_settled(&mut self) -> bool {
        self.told.broken.is_none()
            && now(unsettled(&mut self.actor, &self.world, &self.config)).is_some_and(|left| left.is_empty())
    }

    /// Does a deed. One that cannot be done is not part of the story; after a broken promise nothing is.
    fn attempt(&mut self, line: &str) {
        if self.told.broken.is_some() {
            return;
        }
        let Ok(deed) = Deed::parse(line) else {
            self.told.broken = Some(format!("set-up: `{line}` is no deed"));
            return;
        };
        let performed = self.world.lock().perform(&deed);
        let Ok(performed) = performed else { return };
        self.told.story.deeds.push(line.to_owned());
        let mut broken = match performed {
            // Nobody calls the command line in these worlds.
            Performed::Done | Performed::Asked(_) | Performed::Applied(_) => return,
            Performed::Heard(event) => self.run(&event),
            Performed::Settled => now(unsettled(&mut self.actor, &self.world, &self.config)).unwrap_or_default(),
        };
        broken.extend(self.witness.violations(&self.config, &self.world));
        self.told.broken = broken.into_iter().next().map(|broken| self.world.lock().names().shorten(&broken));
    }

    fn run(&mut self, event: &Value) -> Vec<String> {
        let budget = self.world.lock().time_limit().unwrap_or(BUDGET);
        let mut run = driver::begin(Envelope::open(event).trigger(), &self.config, budget, SEED);
        self.witness.begin(&self.world);
        let outcome = {
            let watch = Watch { config: &self.config, witness: &mut self.witness };
            let mut stage = Stage::watched(self.world.clone(), &mut self.actor, watch);
            now(driver::drive(&mut run, &mut stage))
        };
        let report = outcome.as_ref().map_or_else(|| run.report(), |outcome| &outcome.report);
        self.witness.end(&report.withheld, &self.world);
        self.told.tally.ran(outcome.as_ref().map(|outcome: &Outcome| outcome.ending), report);
        Vec::new()
    }

    fn told(mut self) -> Told {
        self.told.tally.judged += self.witness.judged;
        self.told.tally.met(&self.witness.met);
        self.told
    }
}

/// Everything is there at once; what waits for ever has been killed.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
