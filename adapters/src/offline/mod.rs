//! The facts from files, without network and credentials: what the AWS CLI has printed, and a configuration that the
//! firewall has exported.

mod answers;
mod file;
mod firewall;

pub use answers::{OfflineError, from_answers, from_directory};
pub use file::Unreadable;
pub use firewall::{FirewallFileError, firewall};
