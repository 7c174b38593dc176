//! Where Drawbridge meets the two outside worlds: AWS, and the firewall.
//!
//! ```text
//!     envelope ──► Trigger ──► driver ◄──► core::Run          lambda, cli: wiring
//!                                │
//!                              live ── aws    CloudTrail, EC2, S3, Secrets Manager
//!                                   └─ panos  the XML API
//! ```
//!
//! Codecs are pure and lie beside their clients; [`offline`] reads the same facts without a network, and [`facts`] takes each
//! side of a plan from where the command line says.

pub mod aws;
pub mod cli;
pub mod confirm;
pub mod deployment;
pub mod doctor;
pub mod driver;
pub mod envelope;
pub mod exit;
pub mod facts;
pub mod lambda;
pub mod live;
pub mod logging;
pub mod metrics;
pub mod offline;
pub mod once;
pub mod outcome;
pub mod panos;
pub mod print;
pub mod render;
pub mod secret;
pub mod settings;
pub mod subject;
mod text;
pub mod watch;
