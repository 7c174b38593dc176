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
    story::{Story, Telling},
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
struct Trial<'t> {
    telling: &'t Telling,
    world: SharedWorld,
    config: Config,
    /// What Drawbridge calls the units of the firewall.
    units: Vec<String>,
    actor: Direct,
    witness: Witness,
    broken: Option<String>,
    tally: Tally,
}

/// What is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    /// A call, which is mostly worth a change.
    Call,
    /// Whatever there is.
    Any,
}

/// Tells a story that is made up as it goes on.
pub(super) fn drawn(seed: u64, telling: &Telling) -> Told {
    let mut dice = Dice::seeded(seed);
    let size = Size::drawn(&mut dice);
    let mut trial = match Trial::begin(&setup::setup(&mut dice, size), telling) {
        Ok(trial) => trial,
        Err(why) => return untold(telling, &why),
    };
    for _ in 0..dice.between(3, 14) {
        trial.scene(&mut dice, size);
    }
    trial.rest();
    trial.told()
}

/// Tells a story again.
pub(super) fn again(story: &Story, telling: &Telling) -> Told {
    let mut trial = match Trial::begin(story, telling) {
        Ok(trial) => trial,
        Err(why) => return untold(telling, &why),
    };
    story.deeds.iter().for_each(|deed| trial.attempt(deed));
    trial.told()
}

/// A story that cannot even begin.
fn untold(telling: &Telling, why: &str) -> Told {
    Told { story: telling.so_far().clone(), broken: Some(format!("set-up: {why}")), tally: Tally::default() }
}

impl<'t> Trial<'t> {
    /// Builds the world, or says why there can be none.
    fn begin(story: &Story, telling: &'t Telling) -> Result<Self, String> {
        telling.begin(story);
        let script = story.setup().map_err(|mistake| mistake.to_string())?;
        let world = SharedWorld::new(World::build(&script).map_err(|mistake| mistake.to_string())?);
        let settings = settings::of_story(&world, &nowhere(&world), None).map_err(|refusal| refusal.join("; "))?;
        Ok(Self {
            telling,
            actor: Direct::new(world.clone(), &settings),
            world,
            units: settings.firewall.units.names(),
            config: settings.config,
            witness: Witness::default(),
            broken: None,
            tally: Tally::default(),
        })
    }

    /// Some time passes: people work, calls are made, troubles are on their way, and Drawbridge hears of something.
    fn scene(&mut self, dice: &mut Dice, size: Size) {
        // Mostly something has happened that is worth a change.
        let first = if dice.one_in(5) { 0 } else { 1 };
        for n in 0..dice.between(1, 5) {
            let line = self.happening(dice, size, if n < first { Happening::Call } else { Happening::Any });
            self.attempt(&line);
        }
        let news = events::news(dice, size, &self.telling.so_far(), &self.world.lock());
        self.attempt(&news);
    }

    /// One thing that happens before Drawbridge hears of anything.
    fn happening(&self, dice: &mut Dice, size: Size, what: Happening) -> String {
        let (story, world) = (self.telling.so_far(), self.world.lock());
        match dice.below(12) {
            _ if what == Happening::Call => format!("call {}", events::call(dice, size, &story, &world)),
            0..=3 => troubles::trouble(dice, size, &story, &world),
            4..=8 => format!("call {}", events::call(dice, size, &story, &world)),
            9 | 10 => people::deed(dice, size, &world),
            _ => format!("wait {}", dice.pick(&["5s", "2m", "31m"])),
        }
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
        self.broken.is_none()
            && now(unsettled(&mut self.actor, &self.world, &self.config)).is_some_and(|left| left.is_empty())
    }

    /// Does a deed. One that cannot be done is not part of the story; after a broken promise nothing is.
    fn attempt(&mut self, line: &str) {
        if self.broken.is_some() {
            return;
        }
        let Ok(deed) = Deed::parse(line) else {
            self.broken = Some(format!("set-up: `{line}` is no deed"));
            return;
        };
        self.telling.write(line);
        let performed = self.world.lock().perform(&deed);
        let Ok(performed) = performed else { return self.telling.strike() };
        let broken = match performed {
            // Nobody calls the command line in these worlds.
            Performed::Done | Performed::Asked(_) | Performed::Applied(_) => return,
            Performed::Heard(event) => self.run(&event),
            Performed::Settled => self.settled(),
        };
        self.broken = broken.into_iter().next().map(|broken| self.world.lock().names().shorten(&broken));
    }

    /// What is not as it should be once everything has come to rest.
    fn settled(&mut self) -> Vec<String> {
        let mut broken = now(unsettled(&mut self.actor, &self.world, &self.config)).unwrap_or_default();
        broken.extend(self.witness.violations(&self.config, &self.world));
        broken
    }

    /// Drawbridge hears of something; what it breaks.
    fn run(&mut self, event: &Value) -> Vec<String> {
        self.drive(event);
        self.witness.violations(&self.config, &self.world)
    }

    fn drive(&mut self, event: &Value) {
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
        let ending = outcome.as_ref().map(|outcome: &Outcome| outcome.ending);
        self.tally.ran(ending, report);
        if let Some(unit) = report.unit.as_ref().and_then(|unit| self.units.iter().position(|name| name == unit)) {
            self.witness.meet(format!("ha pair, {} active", ["fw-a", "fw-b"][unit]));
        }
    }

    fn told(mut self) -> Told {
        self.tally.judged += self.witness.judged;
        self.tally.met(&self.witness.met);
        Told { story: self.telling.so_far().clone(), broken: self.broken, tally: self.tally }
    }
}

/// Everything is there at once; what waits for ever has been killed.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_unit_takes_along_when_it_dies_is_held_against_nobody() {
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let story = Story {
            cloud: lines(&["sg sg-web allow tcp/443 from 0.0.0.0/0", "instance i-web 10.0.1.10 sg-web running"]),
            firewall: lines(&[
                "admin alice",
                "ha pair",
                "rule r-1 any -> any app ftp deny",
                "rule clean-up any -> any deny",
            ]),
            deeds: lines(&["admin alice edit r-1 app any", "fault apply 1 fail over", "schedule", "settled"]),
            ..Story::default()
        };
        let told = again(&story, &Telling::default());
        assert_eq!(told.broken, None);
        let met: Vec<_> = told.tally.met.keys().collect();
        assert_eq!(met, ["apply fail over", "ha pair, fw-b active"]);
    }
}
