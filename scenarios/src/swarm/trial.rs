//! One story, told without a transcript: what counts is whether every promise was kept.

use std::{
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

use drawbridge::{driver, settings::Settings};
use drawbridge_core::{config::Config, report::Outcome};
use drawbridge_simulator::{
    script::{Deed, HaState},
    serve::SharedWorld,
    world::{Performed, World},
};

use super::{
    dice::Dice,
    events, people,
    settings::asks_for_tags,
    setup::{self, Size},
    story::{Story, Telling},
    tally::Tally,
    troubles,
};
use crate::{
    direct::Direct,
    judge::Witness,
    replay::{Medium, nowhere},
    settings,
    settled::unsettled,
    stage::{Act, BUDGET, Cause, Stage, Watch},
    wire::{ByWire, Wire},
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
struct Trial<'t, A> {
    telling: &'t Telling,
    world: SharedWorld,
    config: Config,
    /// What Drawbridge calls the units of the firewall.
    units: Vec<String>,
    actor: A,
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

/// What happens in a story.
enum Plot<'p> {
    /// It is made up as it goes on.
    Drawn(Dice, Size),
    /// What is written already.
    Written(&'p [String]),
}

/// Networks that few worlds have, each with the beginning of its line.
const NETWORKS: [(&str, &str); 3] = [
    ("vpc vpc-2 10.1.", "a second VPC"),
    ("vpc vpc-2 10.0.", "a second VPC of the same addresses"),
    ("route rtb-1 ::/0", "IPv6 addresses"),
];

/// Tells a story that is made up as it goes on.
pub(super) fn drawn(seed: u64, telling: &Telling, medium: Medium) -> Told {
    let mut dice = Dice::seeded(seed);
    let size = Size::drawn(&mut dice);
    let setup = setup::setup(&mut dice, size);
    told(&setup, Plot::Drawn(dice, size), telling, medium)
}

/// Tells a story again.
pub(super) fn again(story: &Story, telling: &Telling, medium: Medium) -> Told {
    told(story, Plot::Written(&story.deeds), telling, medium)
}

fn told(setup: &Story, plot: Plot<'_>, telling: &Telling, medium: Medium) -> Told {
    telling.begin(setup);
    let told = match medium {
        Medium::Direct => now(async { Ok(Trial::directly(setup, telling).map_err(unset)?.tell(plot).await) }),
        Medium::Wire => by_wire(async { Ok(Trial::by_wire(setup, telling).await.map_err(unset)?.tell(plot).await) }),
    };
    told.unwrap_or_else(|why: String| Told {
        story: telling.so_far().clone(),
        broken: Some(why),
        tally: Tally::default(),
    })
}

/// Why there is no world to tell a story of.
fn unset(why: impl fmt::Display) -> String {
    format!("set-up: {why}")
}

/// Everything is there at once where there are no sockets.
fn now<T>(story: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    match pin!(story).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(told) => told,
        Poll::Pending => Err("stuck: it waits for something that does not come".to_owned()),
    }
}

fn by_wire<T>(story: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(story)
}

/// Builds the world of a story, or says why there can be none.
fn world(setup: &Story) -> Result<SharedWorld, String> {
    let script = setup.setup().map_err(|mistake| mistake.to_string())?;
    Ok(SharedWorld::new(World::build(&script).map_err(|mistake| mistake.to_string())?))
}

impl<'t> Trial<'t, Direct> {
    fn directly(setup: &Story, telling: &'t Telling) -> Result<Self, String> {
        let world = world(setup)?;
        let settings = settings::of_story(&world, &nowhere(&world), None).map_err(|refusal| refusal.join("; "))?;
        let actor = Direct::new(world.clone(), &settings);
        Ok(Self::new(telling, world, settings, actor))
    }
}

impl<'t> Trial<'t, ByWire> {
    async fn by_wire(setup: &Story, telling: &'t Telling) -> Result<Self, String> {
        let world = world(setup)?;
        let wire = Wire::serve(&world).await.map_err(|error| error.to_string())?;
        let settings = settings::of_story(&world, &wire.firewall_urls, Some(&wire.aws_url));
        let settings = settings.map_err(|refusal| refusal.join("; "))?;
        let actor = wire.connect(settings.clone()).await.map_err(|error| error.to_string())?;
        Ok(Self::new(telling, world, settings, actor))
    }
}

impl<'t, A: Act + Send + Sync> Trial<'t, A> {
    fn new(telling: &'t Telling, world: SharedWorld, settings: Settings, actor: A) -> Self {
        Self {
            telling,
            actor,
            world,
            units: settings.firewall.units.names(),
            config: settings.config,
            witness: Witness::default(),
            broken: None,
            tally: Tally::default(),
        }
    }

    async fn tell(mut self, plot: Plot<'_>) -> Told {
        match plot {
            Plot::Drawn(mut dice, size) => {
                self.tags(&mut dice, size).await;
                for _ in 0..dice.between(3, 14) {
                    self.scene(&mut dice, size).await;
                }
                self.rest().await;
            }
            Plot::Written(deeds) => {
                for deed in deeds {
                    self.attempt(deed).await;
                }
            }
        }
        self.tally.judged += self.witness.judged;
        self.tally.met(&self.witness.met);
        Told { story: self.telling.so_far().clone(), broken: self.broken, tally: self.tally }
    }

    /// Where tags of instances decide, some have one from the beginning.
    async fn tags(&mut self, dice: &mut Dice, size: Size) {
        if asks_for_tags(&self.telling.so_far()) {
            for _ in 0..size.instances {
                self.attempt(&format!("call {}", events::tagging(dice, size))).await;
            }
        }
    }

    /// Some time passes: people work, calls are made, troubles are on their way, and Drawbridge hears of something.
    async fn scene(&mut self, dice: &mut Dice, size: Size) {
        // Mostly something has happened that is worth a change.
        let first = if dice.one_in(5) { 0 } else { 1 };
        for n in 0..dice.between(1, 5) {
            let line = self.happening(dice, size, if n < first { Happening::Call } else { Happening::Any });
            self.attempt(&line).await;
        }
        let news = events::news(dice, size, &self.telling.so_far(), &self.world.lock());
        self.attempt(&news).await;
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
    async fn rest(&mut self) {
        for admin in people::ADMINS {
            self.attempt(&format!("admin {admin} unlock config")).await;
            self.attempt(&format!("admin {admin} unlock commit")).await;
        }
        for line in ["calm", "wait 2m", "schedule"] {
            self.attempt(line).await;
        }
        for again in [&["schedule"][..], &["wait 31m", "schedule"]] {
            if !self.is_settled().await {
                for line in again {
                    self.attempt(line).await;
                }
            }
        }
        self.attempt("settled").await;
    }

    async fn is_settled(&mut self) -> bool {
        self.broken.is_none() && unsettled(&mut self.actor, &self.world, &self.config).await.is_empty()
    }

    /// Does a deed. One that cannot be done is not part of the story; after a broken promise nothing is.
    async fn attempt(&mut self, line: &str) {
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
        if deed == Deed::Ha(HaState::Pair) {
            self.witness.meet("the unit that died is back".to_owned());
        }
        if let Deed::Call(call) | Deed::Deliver(Some(call)) | Deed::Notify(call) = &deed {
            self.witness.meet(format!("call {}", call.request.action()));
        }
        match &performed {
            Performed::Done | Performed::Asked(_) => return,
            Performed::Applied(_) | Performed::Uninstalled => self.witness.meet(line.to_owned()),
            Performed::Heard(_) | Performed::Settled => {}
        }
        if let Some(cause) = Cause::of(&performed) {
            self.run(cause).await;
        }
        let mut broken = self.witness.violations(&self.config, &self.world);
        if matches!(performed, Performed::Settled) {
            // What is not as it should be once everything has come to rest.
            broken.extend(unsettled(&mut self.actor, &self.world, &self.config).await);
        }
        self.broken = broken.into_iter().next().map(|broken| self.world.lock().names().shorten(&broken));
    }

    /// Notes in what kind of world something was committed.
    fn committed(&mut self) {
        let story = self.telling.so_far();
        let keys = story.settings.iter().filter_map(|line| line.split(" = ").next());
        let networks = NETWORKS.iter().filter(|(line, _)| story.cloud.iter().any(|other| other.starts_with(line)));
        let kinds = keys.map(|key| format!("`{key}`")).chain(networks.map(|(_, kind)| (*kind).to_owned()));
        kinds.for_each(|kind| self.witness.meet(format!("commit with {kind}")));
    }

    /// Drawbridge hears of something, or a person has it run.
    async fn run(&mut self, cause: Cause) {
        let budget = self.world.lock().time_limit().unwrap_or(BUDGET);
        self.witness.begin(cause.look(), &self.world);
        let (mut run, config) = cause.begin(&self.config, budget);
        let outcome = {
            let watch = Watch { config: &config, settings: &self.config, witness: &mut self.witness };
            let mut stage = Stage::watched(self.world.clone(), &mut self.actor, watch);
            let killed = stage.killed.clone();
            tokio::select! {
                // Who is polled once learns of a death only after the run has come to it.
                biased;
                outcome = driver::drive(&mut run, &mut stage) => Some(outcome),
                () = killed.notified() => None,
            }
        };
        let report = outcome.as_ref().map_or_else(|| run.report(), |outcome| &outcome.report);
        self.witness.end(&report.withheld, &self.world);
        let ending = outcome.as_ref().map(|outcome: &Outcome| outcome.ending);
        self.tally.ran(ending, report);
        if !report.commits.is_empty() {
            self.committed();
        }
        if let Some(unit) = report.unit.as_ref().and_then(|unit| self.units.iter().position(|name| name == unit)) {
            self.witness.meet(format!("ha pair, {} active", ["fw-a", "fw-b"][unit]));
        }
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
        let told = again(&story, &Telling::default(), Medium::Direct);
        assert_eq!(told.broken, None);
        let met: Vec<_> = told.tally.met.keys().collect();
        assert_eq!(met, ["apply fail over", "ha pair, fw-b active"]);
    }
}
