//! A run that can be asked to stop, and never stops half-way: what is not begun is left to the next run, what is applied is
//! committed, as long as that takes no more than a grace.

use std::time::Duration;

use drawbridge_core::{
    command::{Command, Failure, Perform, Reply},
    report::Outcome,
    run::{Input, Next, Run},
};

use tracing::Instrument as _;

use super::stop::Stop;
use crate::driver::{self, Teller, World};

/// How long a run goes on that has changed something when it is asked to stop. systemd waits 90 s by default
/// (`TimeoutStopSec`).
pub const GRACE: Duration = Duration::from_secs(75);

/// Drives a run with this budget to its end, or to where it can stop when that is asked; nothing is left half-way then, and
/// whatever woke the run has to wake another.
pub(super) async fn drive(run: &mut Run, world: &mut impl World, budget: Duration, stop: &mut Stop) -> Option<Outcome> {
    let span = driver::span(run.report().run);
    go_on(run, world, budget, stop).instrument(span).await
}

async fn go_on(run: &mut Run, world: &mut impl World, budget: Duration, stop: &mut Stop) -> Option<Outcome> {
    let mut clock = Clock { budget, skipped: Duration::ZERO, is_short: false };
    let mut teller = Teller::default();
    let mut input = Input::Begin;
    // What was written, whatever its answer, and whether or not it was taken back since, is seen to the end.
    let mut has_written = false;
    loop {
        let next = run.advance(clock.elapsed(world, stop), input);
        if stop.is_asked() && !has_written && !matches!(next, Next::Finish(_)) {
            return None;
        }
        match next {
            Next::Do(command, limit) => {
                teller.tell_before_last(run.report());
                has_written |= writes(&command);
                let done = if has_written {
                    world.perform(&command, limit).await
                } else {
                    tokio::select! {
                        biased;
                        () = stop.asked() => return None,
                        done = world.perform(&command, limit) => done,
                    }
                };
                input = answered(done);
            }
            Next::Sleep(how_long) => {
                if has_written {
                    world.sleep(how_long).await;
                } else {
                    tokio::select! {
                        biased;
                        () = stop.asked() => return None,
                        () = world.sleep(how_long) => {}
                    }
                }
                input = Input::Woke;
            }
            Next::Finish(outcome) => {
                teller.tell_all(&outcome.report);
                world.leave().await;
                return Some(*outcome);
            }
        }
    }
}

fn answered(done: Result<Reply, Failure>) -> Input {
    match done {
        Ok(reply) => Input::Done(reply),
        Err(failure) => Input::Failed(failure),
    }
}

/// A write that is broken off may have taken effect; a read leaves nothing behind.
const fn writes(command: &Command) -> bool {
    match command {
        Command::Apply(_) | Command::Commit(_) | Command::CommitAll(_) | Command::Revert => true,
        Command::FetchLog(_) | Command::Observe(_) | Command::PollJob(_) => false,
    }
}

/// The time of a run. Once it is asked to stop, no more than the grace is left of its budget.
struct Clock {
    budget: Duration,
    skipped: Duration,
    is_short: bool,
}

impl Clock {
    fn elapsed(&mut self, world: &impl Perform, stop: &Stop) -> Duration {
        let elapsed = world.elapsed();
        if stop.is_asked() && !self.is_short {
            self.is_short = true;
            self.skipped = self.budget.saturating_sub(GRACE).saturating_sub(elapsed);
        }
        elapsed + self.skipped
    }
}
