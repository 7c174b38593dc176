//! What lies in `deploy/` and `docs/` agrees with itself and with the program.
//!
//! Template and module are read line by line, in the form in which they are written: a line of another form fails the test
//! rather than being skipped, so that nothing can hide from it. Whether AWS would take them is for cfn-lint and Terraform to say.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod calls;
mod documents;
mod events;
mod metrics;
mod panos;
mod permissions;
mod policies;
mod properties;
mod reliability;
mod settings;
mod shell;
#[path = "../binary/stage.rs"]
#[allow(dead_code, reason = "the tests of the binary use all of it")]
mod stage;
mod text;
mod unit;
