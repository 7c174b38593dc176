//! The world around a run: virtual time, the costs of commands, what other people do meanwhile, and the moments at which
//! the process dies.

use std::{borrow::Cow, sync::Arc, time::Duration};

use drawbridge::{
    driver::{self, World},
    envelope::Envelope,
};
use drawbridge_core::{
    command::{Command, Failure, Look, Perform, Reply},
    config::{self, Config},
    run::{Run, Trigger, Wake},
};
use drawbridge_simulator::{
    faults::{self, Moment, Trouble},
    script::Limits,
    serve::SharedWorld,
    world::Performed,
};
use tokio::sync::Notify;

use crate::judge::Witness;

/// What every command costs. Virtual: the world stands still while a command runs, so that both ways of telling a story
/// take the same time in it.
const COST: Duration = Duration::from_millis(100);

/// How long a run may take: enough for a commit, and not so long that a story about waiting becomes one about patience.
pub(crate) const BUDGET: Duration = Duration::from_secs(5 * 60);

/// Jitter is the same in every telling.
pub(crate) const SEED: u64 = 2016;

/// Whatever carries out commands without asking for the time.
pub trait Act {
    /// Carries out a command.
    fn act(&mut self, command: &Command, limit: Duration) -> impl Future<Output = Result<Reply, Failure>> + Send;

    /// Leaves when a run is over.
    fn leave(&mut self) -> impl Future<Output = ()> + Send;
}

/// Carries out commands in a world with a clock of its own, and counts them.
pub struct Stage<'s, A> {
    world: SharedWorld,
    actor: &'s mut A,
    watch: Option<Watch<'s>>,
    began: Duration,
    /// Told when the process dies: whoever drives the run must stop then.
    pub killed: Arc<Notify>,
}

/// Somebody who watches what runs do.
pub(crate) struct Watch<'s> {
    /// What the run goes by.
    pub(crate) config: &'s Config,
    /// What runs go by that begin meanwhile: the limits that a person accepts are those of their own run.
    pub(crate) settings: &'s Config,
    pub(crate) witness: &'s mut Witness,
}

/// Why a run begins.
pub(crate) enum Cause {
    /// Drawbridge hears of something.
    Heard(Trigger),
    /// A person wants it: nothing has happened, and it looks all the same.
    Applied(Limits),
    /// A person wants nothing of ours to be left.
    Uninstalled,
}

impl Cause {
    /// Why a run begins after a deed, if one does.
    pub(crate) fn of(performed: &Performed) -> Option<Self> {
        match performed {
            Performed::Heard(event) => Some(Self::Heard(Envelope::open(event).trigger())),
            Performed::Applied(limits) => Some(Self::Applied(*limits)),
            Performed::Uninstalled => Some(Self::Uninstalled),
            Performed::Done | Performed::Asked(_) | Performed::Settled => None,
        }
    }

    /// The run, and what it goes by: a person may accept its limits.
    pub(crate) fn begin(self, settings: &Config, budget: Duration) -> (Run, Cow<'_, Config>) {
        let always = || Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        let config = match &self {
            Self::Applied(Limits::Accepted) => {
                Cow::Owned(Config { limits: config::Limits::ACCEPTED, ..settings.clone() })
            }
            Self::Applied(Limits::Kept) | Self::Heard(_) | Self::Uninstalled => Cow::Borrowed(settings),
        };
        let run = match self {
            Self::Heard(trigger) => driver::begin(trigger, &config, budget, SEED),
            Self::Applied(_) => driver::begin(always(), &config, budget, SEED),
            Self::Uninstalled => Run::removal(config.clone().into_owned(), budget, SEED),
        };
        (run, config)
    }

    /// How much it looks at.
    pub(crate) fn look(&self) -> Look {
        match self {
            Self::Heard(_) | Self::Applied(_) => Look::Everything,
            Self::Uninstalled => Look::Firewall,
        }
    }
}

impl<'s, A> Stage<'s, A> {
    /// A stage on which a run begins now.
    pub fn new(world: SharedWorld, actor: &'s mut A) -> Self {
        let began = world.lock().now().elapsed();
        Self { world, actor, watch: None, began, killed: Arc::new(Notify::new()) }
    }

    /// The same, with somebody watching.
    pub(crate) fn watched(world: SharedWorld, actor: &'s mut A, watch: Watch<'s>) -> Self {
        let mut stage = Self::new(world, actor);
        stage.watch = Some(watch);
        stage
    }

    /// Never returns if the process dies at this moment.
    async fn live_through(&self, moment: Moment) {
        if self.world.lock().kills(moment) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl<A: Act + Send + Sync> Stage<'_, A> {
    /// Says that a command begins, and notes what goes wrong with it.
    fn begin(&mut self, command: faults::Command) {
        let mut world = self.world.lock();
        world.begin(command);
        if let Some(watch) = &mut self.watch {
            for trouble in world.troubles() {
                watch.witness.meet(format!("{} {}", command.name(), in_a_word(trouble)));
            }
        }
    }

    /// Notes what single requests of a command have met.
    fn end(&mut self) {
        let met = self.world.lock().take_met();
        if let Some(watch) = &mut self.watch {
            met.iter().for_each(|trouble| watch.witness.meet(format!("request {}", in_a_word(trouble))));
        }
    }

    /// Lets other people do what they do at this moment. What cannot be done by now is not done.
    async fn meanwhile(&mut self, moment: Moment) {
        let deeds = self.world.lock().meanwhile(moment);
        for deed in deeds {
            let performed = self.world.lock().perform(&deed);
            if let (Some(watch), Ok(_)) = (&mut self.watch, &performed) {
                let words = deed.to_string();
                let words: Vec<_> = words.split(' ').take(if words.starts_with("admin") { 3 } else { 2 }).collect();
                let words = if words[0] == "admin" { format!("administrator: {}", words[2]) } else { words.join(" ") };
                watch.witness.meet(format!("meanwhile {words}"));
            }
            if let Some(cause) = performed.ok().as_ref().and_then(Cause::of) {
                self.overlap(cause).await;
            }
        }
    }

    /// Another run goes on from beginning to end, by mistake: one at a time is the rule.
    async fn overlap(&mut self, cause: Cause) {
        let Some(watch) = &mut self.watch else { return };
        let faults = self.world.lock().step_aside();
        let settings = watch.settings;
        watch.witness.begin(cause.look(), &self.world);
        let (mut run, config) = cause.begin(settings, BUDGET);
        let watch = Watch { config: &config, settings, witness: watch.witness };
        let mut inner = Inner::new(&self.world, self.actor, Some(watch));
        let outcome = driver::drive(&mut run, &mut inner).await;
        if let Some(watch) = inner.watch {
            watch.witness.end(&outcome.report.withheld, &self.world);
        }
        self.world.lock().step_back(faults);
    }
}

/// With the run its faults are over.
impl<A> Drop for Stage<'_, A> {
    fn drop(&mut self) {
        self.world.lock().end();
    }
}

impl<A: Act + Send + Sync> Perform for Stage<'_, A> {
    fn elapsed(&self) -> Duration {
        self.world.lock().now().elapsed() - self.began
    }

    async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        self.begin(kind(command));
        self.meanwhile(Moment::Before).await;
        self.live_through(Moment::Before).await;
        let watch = self.watch.as_mut();
        let watch = watch.map(|Watch { config, settings, witness }| Watch { config, settings, witness });
        let reply = Inner::new(&self.world, self.actor, watch).perform(command, limit).await;
        self.end();
        self.meanwhile(Moment::After).await;
        self.live_through(Moment::After).await;
        reply
    }

    async fn sleep(&mut self, how_long: Duration) {
        self.world.lock().advance(how_long);
    }
}

impl<A: Act + Send + Sync> World for Stage<'_, A> {
    async fn leave(&mut self) {
        self.actor.leave().await;
    }
}

/// The stage without anybody else on it.
struct Inner<'s, A> {
    world: &'s SharedWorld,
    actor: &'s mut A,
    watch: Option<Watch<'s>>,
    began: Duration,
}

impl<'s, A> Inner<'s, A> {
    fn new(world: &'s SharedWorld, actor: &'s mut A, watch: Option<Watch<'s>>) -> Self {
        Self { world, actor, watch, began: world.lock().now().elapsed() }
    }
}

impl<A: Act + Send + Sync> Perform for Inner<'_, A> {
    fn elapsed(&self) -> Duration {
        self.world.lock().now().elapsed() - self.began
    }

    async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        if let Some(watch) = &mut self.watch {
            watch.witness.before(command, watch.config, self.world);
        }
        let reply = self.actor.act(command, limit).await;
        if let Some(watch) = &mut self.watch {
            watch.witness.after(reply.as_ref().ok(), watch.config, self.world);
        }
        self.world.lock().advance(COST);
        reply
    }

    async fn sleep(&mut self, how_long: Duration) {
        self.world.lock().advance(how_long);
    }
}

impl<A: Act + Send + Sync> World for Inner<'_, A> {
    async fn leave(&mut self) {
        self.actor.leave().await;
    }
}

/// What goes wrong, without the words of an error.
fn in_a_word(trouble: &Trouble) -> String {
    if let Trouble::Panos { code, .. } = trouble { format!("panos error {code}") } else { trouble.to_string() }
}

/// The simulator's name of a command.
pub(crate) const fn kind(command: &Command) -> faults::Command {
    match command {
        Command::FetchLog(_) => faults::Command::Fetch,
        Command::Observe(_) => faults::Command::Observe,
        Command::Apply(_) => faults::Command::Apply,
        Command::Commit(_) | Command::CommitAll(_) => faults::Command::Commit,
        Command::PollJob(_) => faults::Command::Poll,
        Command::Revert => faults::Command::Revert,
    }
}
