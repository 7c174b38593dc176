//! The loop between the sequence and the world: carry out a command, hand over the answer, wait when told to.

use std::time::Duration;

use drawbridge_core::{
    command::Perform,
    config::Config,
    report::{Outcome, Step},
    run::{Input, Next, Run, Trigger},
};
use tracing::info;

/// A run, ready to be driven. Jitter is drawn from the seed.
pub fn begin(trigger: Trigger, config: &Config, budget: Duration, seed: u64) -> Run {
    for event in &trigger.events {
        info!(event = event.name, id = event.id, by = event.principal, "woken");
    }
    Run::new(config.clone(), trigger, budget, seed)
}

/// Drives a run to its end.
pub async fn drive(run: &mut Run, world: &mut impl Perform) -> Outcome {
    let mut input = Input::Begin;
    let mut told = 0;
    loop {
        match run.advance(world.elapsed(), input) {
            Next::Do(command, limit) => {
                tell(&run.report().steps[told..run.report().steps.len() - 1]);
                told = run.report().steps.len() - 1;
                input = match world.perform(&command, limit).await {
                    Ok(reply) => Input::Done(reply),
                    Err(failure) => Input::Failed(failure),
                };
            }
            Next::Sleep(how_long) => {
                world.sleep(how_long).await;
                input = Input::Woke;
            }
            Next::Finish(outcome) => {
                tell(&outcome.report.steps[told..]);
                return *outcome;
            }
        }
    }
}

/// One line for each command that has its answer.
fn tell(steps: &[Step]) {
    for step in steps {
        for said in &step.said {
            info!(at = format!("{:.1}s", step.at.as_secs_f64()), command = step.command, "{said}");
        }
    }
}
