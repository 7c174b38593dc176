//! Decides which security rules a firewall should have for what AWS runs, and in which order to change them.

pub mod address;
pub mod allowed;
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
