//! Where log lines go: one JSON object each in Lambda, readable lines to standard error on a host.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

/// Readable lines to standard error: warnings, or everything.
pub fn to_stderr(verbose: bool) {
    let level = if verbose { LevelFilter::INFO } else { LevelFilter::WARN };
    let _ = fmt().with_max_level(level).with_target(false).without_time().with_writer(std::io::stderr).try_init();
}

/// One JSON object for each line on standard output, where the platform collects it.
pub fn as_json() {
    let _ = fmt().json().with_max_level(LevelFilter::INFO).with_current_span(false).try_init();
}
