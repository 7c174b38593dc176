//! Decides which security rules a firewall should have for what AWS runs, and in which order to change them.

pub mod address;
pub mod change;
pub mod command;
pub mod config;
pub mod event;
pub mod firewall;
pub mod id;
pub mod inventory;
pub mod range;
pub mod service;
pub mod translate;
