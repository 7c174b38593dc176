//! The program as it is installed: the binary runs in a clean environment, against the simulated cloud and firewall.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod adopt;
mod certificates;
mod commands;
mod doctor;
mod exit;
mod explain;
mod lambda;
mod messages;
mod mishaps;
mod offline;
mod offline_json;
mod output;
mod queue;
mod report;
mod rotation;
mod schema;
mod settings;
mod sides;
mod site;
mod stage;
mod uninstall;
mod unusable;
mod watch;
