//! Decides which security rules a firewall should have for what AWS runs, and in which order to change them.

pub mod address;
pub mod allowed;
pub mod apply;
pub mod change;
pub mod command;
pub mod config;
pub mod event;
pub mod exposure;
pub mod firewall;
pub mod fit;
pub mod id;
pub mod inventory;
pub mod limits;
pub mod plan;
pub mod range;
pub mod report;
pub mod retry;
pub mod rulebase;
pub mod run;
pub mod service;
pub mod translate;
pub mod wanted;

// The samples of the tests name the crate as its users do, so that unit tests and integration tests can share them.
#[cfg(test)]
extern crate self as drawbridge_core;
#[cfg(test)]
#[path = "../tests/it/sample.rs"]
mod sample;
