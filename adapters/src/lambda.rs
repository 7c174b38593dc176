//! Drawbridge as a Lambda function: one invocation is one run.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use drawbridge_core::report::{Ending, Outcome};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::sync::Mutex;
use tracing::warn;

use crate::{
    driver,
    envelope::{Envelope, Wake},
    live::{Deployment, Live},
    outcome, render,
};

/// Kept back from the deadline, so that the result is still sent: at the deadline the process is killed (Lambda guide,
/// runtimes-context).
const MARGIN: Duration = Duration::from_secs(2);

/// Takes invocations until the runtime ends the process.
///
/// # Errors
/// When the runtime API cannot be spoken to.
pub async fn serve(deployment: Deployment) -> Result<(), Error> {
    let deployment = Arc::new(Mutex::new(deployment));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let deployment = Arc::clone(&deployment);
        async move {
            let budget = left_until(event.context.deadline).saturating_sub(MARGIN);
            let seed = event.context.deadline;
            result(&invoked(&mut *deployment.lock().await, &event.payload, budget, seed).await)
        }
    }))
    .await
}

/// One invocation: whatever the payload is wrapped in, one run.
pub async fn invoked(deployment: &mut Deployment, payload: &Value, budget: Duration, seed: u64) -> Outcome {
    let envelope = Envelope::open(payload);
    if let Wake::Unknown(what) = &envelope.wake {
        warn!("woken by something unknown ({what}): looking all the same");
    }
    let mut run = driver::begin(envelope.trigger(), &deployment.settings.config, budget, seed);
    let outcome = driver::drive(&mut run, &mut Live::new(deployment, budget)).await;
    // Of a large account the run holds as much as the outcome says.
    drop(run);
    outcome::log(&outcome);
    deployment.count(&outcome);
    outcome
}

/// A function fails only when it could not do its work: the platform then tries again.
///
/// This is so for a batch of messages as well. One run serves all of them, so they succeed or fail together, and what fails
/// must come again in the same order. Naming each of them in `batchItemFailures` would say the same to a source with
/// `ReportBatchItemFailures`, but one without would take it for success and delete them all, and a failure that is no
/// error of the function escapes its metrics, alarms and back-off (Lambda guide, services-sqs-errorhandling).
/// A source that looks for the list finds it empty.
fn result(outcome: &Outcome) -> Result<Value, Diagnostic> {
    let error_type = match outcome.ending {
        Ending::Irrelevant | Ending::InSync | Ending::Withheld => {
            let mut report = render::outcome(outcome);
            report["batchItemFailures"] = Value::Array(Vec::new());
            return Ok(report);
        }
        Ending::Failed => "Drawbridge.Failed",
        Ending::OutOfTime => "Drawbridge.OutOfTime",
    };
    Err(Diagnostic { error_type: error_type.to_owned(), error_message: outcome.to_string() })
}

/// Time left until a moment in milliseconds since 1970.
fn left_until(deadline_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(deadline_ms).saturating_sub(now)
}
