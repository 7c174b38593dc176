//! The world around a run: virtual time, the costs of commands, and the moments at which the process dies.

use std::{sync::Arc, time::Duration};

use drawbridge_core::command::{Command, Failure, Perform, Reply};
use drawbridge_simulator::{
    faults::{self, Moment},
    serve::SharedWorld,
};
use tokio::sync::Notify;

use crate::judge::Witness;

/// What every command costs. Virtual: the world stands still while a command runs, so that both ways of telling a story
/// take the same time in it.
const COST: Duration = Duration::from_millis(100);

/// Whatever carries out commands without asking for the time.
pub trait Act {
    /// Carries out a command.
    fn act(&mut self, command: &Command, limit: Duration) -> impl Future<Output = Result<Reply, Failure>> + Send;
}

/// Carries out commands in a world with a clock of its own, and counts them.
pub struct Stage<'s, A> {
    world: SharedWorld,
    actor: &'s mut A,
    witness: Option<&'s mut Witness>,
    began: Duration,
    /// Told when the process dies: whoever drives the run must stop then.
    pub killed: Arc<Notify>,
}

impl<'s, A> Stage<'s, A> {
    /// A stage on which a run begins now.
    pub fn new(world: SharedWorld, actor: &'s mut A) -> Self {
        let began = world.lock().now().elapsed();
        Self { world, actor, witness: None, began, killed: Arc::new(Notify::new()) }
    }

    /// The same, with somebody watching.
    pub(crate) fn watched(world: SharedWorld, actor: &'s mut A, witness: &'s mut Witness) -> Self {
        let mut stage = Self::new(world, actor);
        stage.witness = Some(witness);
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
        self.world.lock().begin(kind(command));
        self.live_through(Moment::Before).await;
        let reply = self.actor.act(command, limit).await;
        if let Some(witness) = &mut self.witness {
            witness.see(command, reply.as_ref().ok());
        }
        self.world.lock().advance(COST);
        self.live_through(Moment::After).await;
        reply
    }

    async fn sleep(&mut self, how_long: Duration) {
        self.world.lock().advance(how_long);
    }
}

/// The simulator's name of a command.
const fn kind(command: &Command) -> faults::Command {
    match command {
        Command::FetchLog(_) => faults::Command::Fetch,
        Command::Observe(_) => faults::Command::Observe,
        Command::Apply(_) => faults::Command::Apply,
        Command::Commit(_) | Command::CommitAll(_) => faults::Command::Commit,
        Command::PollJob(_) => faults::Command::Poll,
        Command::Revert => faults::Command::Revert,
    }
}
