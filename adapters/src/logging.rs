//! Where log lines go: one JSON object each in Lambda, readable lines to standard error on a host.

use std::{env, io};

use anstream::{AutoStream, ColorChoice};
use tracing::Metadata;
use tracing_subscriber::{
    filter::{LevelFilter, Targets, filter_fn},
    fmt::layer,
    layer::SubscriberExt as _,
    registry,
    util::SubscriberInitExt as _,
};

use crate::{live::NotReady, settings::LOG_VARIABLE};

/// Readable lines to standard error, from this level on; `DRAWBRIDGE_LOG` wins. Colours as for all other output.
///
/// # Errors
/// When the variable names no level.
pub fn to_stderr(usual: LevelFilter) -> Result<(), NotReady> {
    let levels = levels(usual)?;
    let colours = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let lines = layer().with_ansi(colours).with_target(false).without_time().with_writer(io::stderr);
    let _ = registry().with(lines).with(levels).try_init();
    Ok(())
}

/// One JSON object for each line on standard output, where the platform collects it.
///
/// # Errors
/// When `DRAWBRIDGE_LOG` names no level; lines are shown all the same.
pub fn as_json() -> Result<(), NotReady> {
    let levels = levels(LevelFilter::INFO);
    let shown = levels.as_ref().ok().cloned().unwrap_or_else(|| targets(LevelFilter::INFO));
    let lines = layer().json().with_span_list(false);
    let _ = registry().with(lines).with(shown).with(filter_fn(|line| !says_again(line))).try_init();
    levels.map(drop)
}

/// Whether it is what Lambda's runtime logs of an invocation that failed: the error once more, in the form of Rust's `Debug`.
/// The run has said it already, with its id. Of a panic the runtime logs the same with a field `error`, and nobody else does.
fn says_again(line: &Metadata<'_>) -> bool {
    line.is_event() && line.target() == "lambda_runtime::layers::panic" && line.fields().field("error").is_none()
}

/// What is shown: what the environment says, or else the usual.
fn levels(usual: LevelFilter) -> Result<Targets, NotReady> {
    match env::var(LOG_VARIABLE) {
        Ok(text) if !text.trim().is_empty() => text.trim().parse().map(targets).map_err(|_| {
            NotReady(format!("`{LOG_VARIABLE}`: `{text}` is none of `off`, `error`, `warn`, `info`, `debug`, `trace`"))
        }),
        Ok(_) | Err(_) => Ok(targets(usual)),
    }
}

/// Our own lines from this level on. What libraries would tell in detail may hold what nobody shall read; Lambda's runtime
/// adds the id of the request.
fn targets(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target("lambda_runtime", LevelFilter::INFO.min(level))
        .with_target("drawbridge", level)
}
