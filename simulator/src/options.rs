//! How the served firewall behaves, from the command line.

use std::time::Duration;

use clap::ValueEnum;
use drawbridge_simulator::firewall::{Denial, Settings};

/// What of the firewall's settings can be set from outside; the file of the world comes first.
#[derive(Debug, clap::Args)]
pub(crate) struct FirewallOptions {
    /// The PAN-OS release that the firewall shows, in three parts: 10.1.14, 10.2.9-h1, 11.1.4.
    #[arg(long, value_name = "RELEASE")]
    panos_version: Option<String>,
    /// How long a commit takes; 30s unless the world says otherwise.
    #[arg(long, value_name = "SPAN", value_parser = humantime::parse_duration)]
    commit_takes: Option<Duration>,
    /// How bad credentials are answered: with HTTP status 403, as current releases do, or with 200, as old ones did.
    #[arg(long, value_name = "STATUS", default_value = "403")]
    denied_with: DeniedWith,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DeniedWith {
    #[value(name = "403")]
    Forbidden,
    #[value(name = "200")]
    Told,
}

impl FirewallOptions {
    /// Changes what was asked for, and nothing else.
    pub(crate) fn apply_to(&self, settings: &mut Settings) {
        if let Some(version) = &self.panos_version {
            settings.version.clone_from(version);
        }
        if let Some(span) = self.commit_takes {
            settings.commit_takes = span;
        }
        settings.denial = match self.denied_with {
            DeniedWith::Forbidden => Denial::Forbidden,
            DeniedWith::Told => Denial::Told,
        };
    }
}
