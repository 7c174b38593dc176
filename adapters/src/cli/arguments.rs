//! What can be typed: commands, arguments, and the help that goes with them.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    exit,
    facts::Sources,
    settings::{QueueUrl, Source, address, positive_duration, within},
};

/// Keeps a Palo Alto firewall's security rules in step with AWS.
///
/// Looks at EC2 and at the firewall, works out which instances reach the internet through it, and allows exactly what their
/// security groups call for: rules named after the instance or the group, above the administrator's clean-up rule. Touches
/// no rule that it did not make.
#[derive(Debug, Parser)]
#[command(name = "drawbridge", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

const AFTER_HELP: &str = "\
Settings come from a TOML file (--config) and from the environment, which wins: DRAWBRIDGE_POLICY_BOTTOM_RULE is
`policy.bottom_rule`, and so on; PANOS_HOSTNAME, PANOS_API_KEY and PANOS_API_KEY_SECRET_ARN are known too. Credentials and
region of AWS come from where the AWS CLI finds them. `drawbridge settings` lists every setting. DRAWBRIDGE_LOG
chooses how much is logged (`warn`, `info`, `debug`).

As a Lambda function (AWS_LAMBDA_RUNTIME_API is set) the same program takes S3 notifications, EventBridge events and
schedules, and needs no arguments.

Exit status: 0 nothing to do, or done; 2 there is something to change (plan, or --dry-run), something was withheld or left
(apply, uninstall, adopt), or there are warnings (doctor); 1 an error, or failures (doctor).";

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Look, and print what would change and why. Changes nothing.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials; with one of them, the other side
    /// is asked.
    #[command(after_long_help = exit::help("plan"))]
    Plan(PlanArguments),
    /// Look, and say why: whether an instance is exposed, what a group wants, what a rule is for, which rule decides a packet.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials, as `plan`.
    #[command(after_long_help = exit::help("explain"))]
    Explain {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        files: Files,
        /// An instance (`i-…`), a security group (`sg-…`), the name of a rule, or a packet: source, destination,
        /// `tcp/443`, and its application if it is known.
        #[arg(required = true, value_name = "SUBJECT")]
        subject: Vec<String>,
    },
    /// Look once and make it so: change, commit, and look again until nothing is left to do.
    #[command(after_long_help = exit::help("apply"))]
    Apply {
        #[command(flatten)]
        common: Common,
        /// Give up after this long (`90s`, `15m`). A commit on its way is then left to the next run.
        #[arg(long, value_name = "TIME", default_value = "15m", value_parser = within)]
        within: Duration,
        /// Let what `limits` would withhold happen, this once. Look at `drawbridge plan` first.
        #[arg(long)]
        accept_limits: bool,
    },
    /// Stay, and make it so whenever something happens: on a host, what the function is in Lambda.
    ///
    /// Hears of events by an SQS queue (`--queue`) that gets what the function's would, or from the bucket of a CloudTrail
    /// trail (`--bucket`), which it lists; and looks every now and then without any (`--every`). A message is deleted when its
    /// run is done. Settings of the section `watch` say the same as the options.
    ///
    /// Every command, every change with its reason and every outcome is a line on standard error; `DRAWBRIDGE_LOG=warn`
    /// keeps it to what is wrong.
    ///
    /// On SIGTERM or SIGINT it stops: at once, if the run under way has changed nothing yet, and otherwise when that is
    /// committed, or after 75 seconds; the next run goes on from what it finds. Give it 90 seconds before it is killed.
    #[command(after_long_help = exit::help("watch"))]
    Watch {
        #[command(flatten)]
        common: Settled,
        #[command(flatten)]
        events: Events,
        /// Look this often although nothing has happened (`watch.every`, 5 minutes unless set).
        #[arg(long, value_name = "TIME", value_parser = positive_duration)]
        every: Option<Duration>,
        /// A run may take this long (`90s`, `15m`).
        #[arg(long, value_name = "TIME", default_value = "15m", value_parser = within)]
        within: Duration,
        /// Serve metrics for Prometheus here, as `127.0.0.1:9464` (`watch.metrics_addr`).
        #[arg(long, value_name = "ADDRESS", value_parser = address)]
        metrics_addr: Option<SocketAddr>,
    },
    /// Look whether Drawbridge can do its work here, and say what to do where it cannot. Changes nothing.
    ///
    /// Looks at the settings; at AWS's credentials and each permission, with dry runs; at the way to the firewall, its
    /// certificate, key, release and the rights of the key's account; at bottom rule, zones and profiles; at gateways and
    /// the routes to them; at clocks; at locks and uncommitted work of others; and, where `watch` asks a queue or a bucket, at
    /// the events in it. The rights to write and to commit are asked for with a transaction that deletes a rule that is not
    /// there, and with a commit of our own changes while there are none; those to delete and release messages with a receipt
    /// that no message has.
    #[command(after_long_help = exit::help("doctor"))]
    Doctor {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        events: Events,
    },
    /// Remove every rule and object of ours, and commit that: nothing of Drawbridge is left on the firewall.
    ///
    /// Ours are the rules with a name of our form that carry our tag, disabled ones too, the service objects that carry it, and
    /// the tag. `mode` and `limits` do not matter; locks, and uncommitted work of others, do as always: what somebody else
    /// works on stays, and is named. AWS is not asked. Stop whatever runs Drawbridge first, or it makes everything again.
    #[command(after_long_help = exit::help("uninstall"))]
    Uninstall(Once),
    /// Make the rules ours that the Lambda function of 2016 made, and commit that: from then on Drawbridge keeps them.
    ///
    /// They are recognised by their names: the id of an instance or of a security group, alone or with a number. They get our
    /// tag; one without a number gets one, because ours have. Nothing else about them changes now. The next run shrinks,
    /// rewrites or deletes what AWS does not call for: look at `drawbridge plan` before that. AWS is not asked here.
    #[command(after_long_help = exit::help("adopt"))]
    Adopt {
        #[command(flatten)]
        options: Once,
        /// Only these rules.
        #[arg(value_name = "RULE")]
        rules: Vec<String>,
    },
    /// List every setting with its meaning and default.
    #[command(after_long_help = exit::help("settings"))]
    Settings,
    /// Print what makes a shell complete commands and options.
    ///
    /// For example: `drawbridge completions bash > /etc/bash_completion.d/drawbridge`.
    #[command(after_long_help = exit::help("completions"))]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// What a plan takes.
#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) files: Files,
    /// Print long lists whole.
    #[arg(long)]
    pub(super) all: bool,
}

/// Facts from files instead of a look.
#[derive(Debug, Args)]
pub(super) struct Files {
    /// Read what AWS has from the AWS CLI's answers in this directory (`describe-instances.json` and so on).
    #[arg(long, value_name = "DIR")]
    pub(super) inventory: Option<PathBuf>,
    /// Read what the firewall has from this file: an exported configuration, or the XML API's answer about `/config`.
    #[arg(long, value_name = "FILE")]
    pub(super) firewall_config: Option<PathBuf>,
}

impl Files {
    pub(super) fn sources(&self) -> Sources<'_> {
        Sources { inventory: self.inventory.as_deref(), firewall: self.firewall_config.as_deref() }
    }
}

/// Where events come from, instead of what the settings say.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Take messages from this queue of SQS (`watch.queue_url`).
    #[arg(long, value_name = "URL", conflicts_with = "bucket")]
    pub(super) queue: Option<QueueUrl>,
    /// List this bucket of a trail instead (`watch.bucket`).
    #[arg(long, value_name = "NAME")]
    pub(super) bucket: Option<String>,
    /// What stands before `AWSLogs/` in the keys of that trail (`watch.prefix`).
    #[arg(long, value_name = "PREFIX", requires = "bucket", default_value = "", hide_default_value = true)]
    pub(super) prefix: String,
}

impl Events {
    pub(super) fn source(&self) -> Option<Source> {
        let prefix = self.prefix.trim_matches('/').to_owned();
        let bucket = self.bucket.clone().map(|name| Source::Bucket { name, prefix });
        self.queue.clone().map(Source::Queue).or(bucket)
    }
}

/// What somebody does once, and confirms.
#[derive(Debug, Args)]
pub(super) struct Once {
    #[command(flatten)]
    pub(super) common: Common,
    /// Print what would be done, and do nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(super) dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    pub(super) yes: bool,
    /// Give up after this long (`90s`, `15m`).
    #[arg(long, value_name = "TIME", default_value = "15m", value_parser = within)]
    pub(super) within: Duration,
}

/// What a command takes that prints no document, and says by itself what it does.
#[derive(Debug, Args)]
pub(super) struct Settled {
    /// The settings file.
    #[arg(long, short, value_name = "FILE", env = "DRAWBRIDGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Print to standard error, besides, what it listens to, and each request to the firewall with its answer's status.
    #[arg(long, short)]
    pub(super) verbose: bool,
}

/// What every command that prints a document takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The settings file.
    #[arg(long, short, value_name = "FILE", env = "DRAWBRIDGE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(super) json: bool,
    /// Print every command and its answer to standard error while it runs.
    #[arg(long, short)]
    pub(super) verbose: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::exit::{MEANINGS, meanings};

    #[test]
    fn every_command_says_what_its_exit_statuses_mean() {
        let mut program = Cli::command();
        let told: BTreeSet<_> = MEANINGS.iter().map(|(command, _)| (*command).to_owned()).collect();
        let known: BTreeSet<_> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert_eq!(told, known);
        for command in program.get_subcommands_mut() {
            let help = command.render_long_help().to_string();
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let status = format!("Exit status: {}.", meanings(command.get_name()));
            assert!(words(&help).ends_with(&words(&status)), "{help}");
        }
    }
}
