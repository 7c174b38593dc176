//! The world around a run: virtual time, the costs of commands, and the moments at which the process dies.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use drawbridge_core::command::{Command, Failure, Perform, Reply};
use drawbridge_simulator::{
    faults::{self, Moment},
    world::World,
};
use tokio::sync::Notify;

/// A world that a server and a run share.
pub type Shared = Arc<Mutex<World>>;

/// What every command costs. Virtual: the world stands still while a command runs, so that both ways of telling a story
/// take the same time in it.
const COST: Duration = Duration::from_millis(100);

/// Whatever carries out commands without asking for the time.
pub trait Act {
    /// Carries out a command.
    fn act(&mut self, command: &Command, limit: Duration) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// Carries out commands in a world with a clock of its own, and counts them.
pub struct Stage<A> {
    world: Shared,
    actor: A,
    began: Duration,
    /// Told when the process dies: whoever drives the run must stop then.
    pub killed: Arc<Notify>,
}

impl<A> Stage<A> {
    /// A stage on which a run begins now.
    pub fn new(world: Shared, actor: A) -> Self {
        let began = lock(&world).now().elapsed();
        Self { world, actor, began, killed: Arc::new(Notify::new()) }
    }

    /// Ends the run's faults and gives back who acted.
    pub fn leave(self) -> A {
        lock(&self.world).end();
        self.actor
    }

    /// Never returns if the process dies at this moment.
    async fn live_through(&self, moment: Moment) {
        if lock(&self.world).kills(moment) {
            self.killed.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

impl<A: Act + Send + Sync> Perform for Stage<A> {
    fn elapsed(&self) -> Duration {
        lock(&self.world).now().elapsed() - self.began
    }

    async fn perform(&mut self, command: &Command, limit: Duration) -> Result<Reply, Failure> {
        lock(&self.world).begin(kind(command));
        self.live_through(Moment::Before).await;
        let reply = self.actor.act(command, limit).await;
        lock(&self.world).advance(COST);
        self.live_through(Moment::After).await;
        reply
    }

    async fn sleep(&mut self, how_long: Duration) {
        lock(&self.world).advance(how_long);
    }
}

/// The world, whoever died holding it: a story that went wrong is told to its end.
pub fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The simulator's name of a command.
const fn kind(command: &Command) -> faults::Command {
    match command {
        Command::FetchLog(_) => faults::Command::Fetch,
        Command::Observe(_) => faults::Command::Observe,
        Command::Apply(_) => faults::Command::Apply,
        Command::Commit(_) => faults::Command::Commit,
        Command::PollJob(_) => faults::Command::Poll,
        Command::Revert => faults::Command::Revert,
    }
}
