//! The loop between the sequence and the world: carry out a command, hand over the answer, wait when told to.

use std::time::{Duration, SystemTime};

use drawbridge_core::{
    command::Perform,
    config::Config,
    id::RunId,
    report::{Outcome, Report, Step},
    run::{Input, Next, Run, Trigger},
};
use tracing::{Instrument as _, Span, error_span, info};

/// A run, ready to be driven. Jitter is drawn from the seed.
pub fn begin(trigger: Trigger, config: &Config, budget: Duration, seed: u64) -> Run {
    span(RunId::of_seed(seed)).in_scope(|| {
        for event in &trigger.events {
            info!(event = event.name, id = event.id, by = event.principal, "woken");
        }
    });
    Run::new(config.clone(), trigger, budget, seed)
}

/// What everything is logged under that belongs to a run, whoever logs it: its id. It is there at every level of detail.
pub(crate) fn span(run: RunId) -> Span {
    error_span!("run", id = %run)
}

/// Another number for each run of every process: what jitter is drawn from, and what gives a run its id.
pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (now.as_micros() as u64).rotate_left(16) ^ u64::from(std::process::id())
}

/// A world that a run leaves when it is over.
pub trait World: Perform {
    /// Gives back what the run holds there without needing it any more.
    fn leave(&mut self) -> impl Future<Output = ()> + Send;
}

/// Drives a run to its end.
pub async fn drive(run: &mut Run, world: &mut impl World) -> Outcome {
    let span = span(run.report().run);
    go_on(run, world).instrument(span).await
}

async fn go_on(run: &mut Run, world: &mut impl World) -> Outcome {
    let mut input = Input::Begin;
    let mut teller = Teller::default();
    loop {
        match run.advance(world.elapsed(), input) {
            Next::Do(command, limit) => {
                teller.tell_before_last(run.report());
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
                teller.tell_all(&outcome.report);
                world.leave().await;
                return *outcome;
            }
        }
    }
}

/// One line for each command that has its answer.
#[derive(Debug, Default)]
pub(crate) struct Teller(usize);

impl Teller {
    /// Tells what is new, but for the command that is under way.
    pub(crate) fn tell_before_last(&mut self, report: &Report) {
        let last = report.steps.len().saturating_sub(1);
        self.tell(report, last);
    }

    /// Tells what is left to tell.
    pub(crate) fn tell_all(&mut self, report: &Report) {
        self.tell(report, report.steps.len());
    }

    fn tell(&mut self, report: &Report, end: usize) {
        for Step { at, command, said } in &report.steps[self.0..end] {
            for said in said {
                info!(at = format!("{:.1}s", at.as_secs_f64()), command, "{said}");
            }
        }
        self.0 = end;
    }
}
