//! The command line: what can be asked, and how it is answered.

use std::{
    io::{self, IsTerminal as _},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use drawbridge_core::{
    config::Limits,
    explain::Explainer,
    plan::plan,
    report::{Ending, Outcome},
    rulebase::Rulebase,
    run::{Trigger, Wake},
};

use crate::{
    confirm::Asked,
    deployment,
    doctor::{self, Verdict},
    driver,
    facts::{Facts, Sources},
    live::{Live, NotReady},
    logging,
    once::{self, Deed},
    print::{self, Detail},
    render,
    settings::{QueueUrl, Source},
    subject, watch,
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
    command: Command,
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

#[derive(Debug, Subcommand)]
enum Command {
    /// Look, and print what would change and why. Changes nothing.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials; with one of them, the other side
    /// is asked.
    ///
    /// Exit status: 0 there is nothing to do, 2 there are changes, 1 an error.
    Plan(PlanArguments),
    /// Look, and say why: whether an instance is exposed, what a group wants, what a rule is for, which rule decides a packet.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials, as `plan`.
    ///
    /// Exit status: 0, or 1 after an error.
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
    ///
    /// Exit status: 0 in sync, 2 something was withheld, 1 failed or out of time.
    Apply {
        #[command(flatten)]
        common: Common,
        /// Give up after this long (`90s`, `15m`). A commit on its way is then left to the next run.
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
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
    ///
    /// Exit status: 0 when it was asked to stop, 1 if it cannot begin.
    Watch {
        #[command(flatten)]
        common: Settled,
        #[command(flatten)]
        events: Events,
        /// Look this often although nothing has happened (`watch.every`, 5 minutes unless set).
        #[arg(long, value_parser = humantime::parse_duration)]
        every: Option<Duration>,
        /// A run may take this long (`90s`, `15m`).
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
        within: Duration,
        /// Serve metrics for Prometheus here, as `127.0.0.1:9464` (`watch.metrics_addr`).
        #[arg(long, value_name = "ADDRESS")]
        metrics_addr: Option<SocketAddr>,
    },
    /// Look whether Drawbridge can do its work here, and say what to do where it cannot. Changes nothing.
    ///
    /// Looks at the settings; at AWS's credentials and each permission, with dry runs; at the way to the firewall, its
    /// certificate, key, release and the rights of the key's account; at bottom rule, zones and profiles; at gateways and
    /// the routes to them; at clocks; at locks and uncommitted work of others; and, where `watch` asks a queue or a bucket, at
    /// the events in it. The rights to write and to commit are asked for with a transaction that deletes a rule that is not
    /// there, and with a commit of our own changes while there are none.
    ///
    /// Exit status: 0 all is well, 2 there are warnings, 1 there are failures.
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
    ///
    /// Exit status: 0 nothing of ours is left, 2 something had to stay (with `--dry-run`: there is something to remove), 1 an
    /// error.
    Uninstall(Once),
    /// Make the rules ours that the Lambda function of 2016 made, and commit that: from then on Drawbridge keeps them.
    ///
    /// They are recognised by their names: the id of an instance or of a security group, alone or with a number. They get our
    /// tag; one without a number gets one, because ours have. Nothing else about them changes now. The next run shrinks,
    /// rewrites or deletes what AWS does not call for: look at `drawbridge plan` before that. AWS is not asked here.
    ///
    /// Exit status: 0 done, 2 something was left, because somebody else works on it (with `--dry-run`: there is something to
    /// adopt), 1 an error.
    Adopt {
        #[command(flatten)]
        options: Once,
        /// Only these rules.
        #[arg(value_name = "RULE")]
        rules: Vec<String>,
    },
    /// List every setting with its meaning and default.
    Settings,
    /// Print what makes a shell complete commands and options.
    ///
    /// For example: `drawbridge completions bash > /etc/bash_completion.d/drawbridge`.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Args)]
struct PlanArguments {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    files: Files,
    /// Print long lists whole.
    #[arg(long)]
    all: bool,
}

/// Facts from files instead of a look.
#[derive(Debug, Args)]
struct Files {
    /// Read what AWS has from the AWS CLI's answers in this directory (`describe-instances.json` and so on).
    #[arg(long, value_name = "DIR")]
    inventory: Option<PathBuf>,
    /// Read what the firewall has from this file: an exported configuration, or the XML API's answer about `/config`.
    #[arg(long, value_name = "FILE")]
    firewall_config: Option<PathBuf>,
}

impl Files {
    fn sources(&self) -> Sources<'_> {
        Sources { inventory: self.inventory.as_deref(), firewall: self.firewall_config.as_deref() }
    }
}

/// Where events come from, instead of what the settings say.
#[derive(Debug, Args)]
struct Events {
    /// Take messages from this queue of SQS (`watch.queue_url`).
    #[arg(long, value_name = "URL", conflicts_with = "bucket")]
    queue: Option<QueueUrl>,
    /// List this bucket of a trail instead (`watch.bucket`).
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// What stands before `AWSLogs/` in the keys of that trail (`watch.prefix`).
    #[arg(long, value_name = "PREFIX", requires = "bucket", default_value = "", hide_default_value = true)]
    prefix: String,
}

impl Events {
    fn source(&self) -> Option<Source> {
        let prefix = self.prefix.trim_matches('/').to_owned();
        let bucket = self.bucket.clone().map(|name| Source::Bucket { name, prefix });
        self.queue.clone().map(Source::Queue).or(bucket)
    }
}

/// What somebody does once, and confirms.
#[derive(Debug, Args)]
struct Once {
    #[command(flatten)]
    common: Common,
    /// Print what would be done, and do nothing.
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Do not ask for confirmation.
    #[arg(long, short)]
    yes: bool,
    /// Give up after this long (`90s`, `15m`).
    #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
    within: Duration,
}

/// What every command that prints no document takes.
#[derive(Debug, Args)]
struct Settled {
    /// The settings file.
    #[arg(long, short, value_name = "FILE", env = "DRAWBRIDGE_CONFIG")]
    config: Option<PathBuf>,
    /// Print every command and its answer to standard error, one line each.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Args)]
struct Common {
    /// The settings file.
    #[arg(long, short, value_name = "FILE", env = "DRAWBRIDGE_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Print every command and its answer to standard error while it runs.
    #[arg(long, short)]
    verbose: bool,
}

/// Reads the command line and does what it says.
pub async fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; a usage error is 1, because 2 means that there is something to change.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let done = match cli.command {
        Command::Plan(arguments) => plan_only(&arguments).await,
        Command::Explain { common, files, subject } => explain(&common, &files, &subject.join(" ")).await,
        Command::Apply { common, within, accept_limits } => {
            apply(&common, within, accept_limits.then_some(Limits::ACCEPTED)).await
        }
        Command::Watch { common, events, every, within, metrics_addr } => {
            let options = watch::Options { source: events.source(), every, metrics: metrics_addr, within };
            watch(&common, &options).await
        }
        Command::Completions { shell } => completions(shell),
        Command::Doctor { common, events } => doctor(&common, events.source()).await,
        Command::Uninstall(options) => once(Deed::Uninstall, &options).await,
        Command::Adopt { options, rules } => once(Deed::Adopt(rules.into_iter().collect()), &options).await,
        Command::Settings => print::out(&print::settings()).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        print::error(&error);
        ExitCode::FAILURE
    })
}

async fn plan_only(arguments: &PlanArguments) -> Result<ExitCode, NotReady> {
    let PlanArguments { common, files, all } = arguments;
    log(common)?;
    let Facts { config, inventory, firewall } = Facts::gather(common.config.as_deref(), files.sources()).await?;
    let rulebase = Rulebase::read(&firewall, &config)
        .and_then(|read| read.of_this_account(&inventory, &config))
        .map_err(|unfit| NotReady(unfit.to_string()))?;
    let plan = plan(&inventory, &rulebase, &config, &[]);
    let detail = if *all { Detail::Whole } else { Detail::Brief };
    print::out(&if common.json {
        json(&render::plan(&plan, &rulebase, &config))
    } else {
        print::plan(&plan, &rulebase, detail)
    })?;
    let nothing = plan.changes.is_empty() && plan.withheld.is_empty() && !plan.commit;
    Ok(if nothing { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn explain(common: &Common, files: &Files, asked: &str) -> Result<ExitCode, NotReady> {
    log(common)?;
    let subject = subject::subject(asked).map_err(|error| NotReady(error.to_string()))?;
    let Facts { config, inventory, firewall } = Facts::gather(common.config.as_deref(), files.sources()).await?;
    let rulebase = Rulebase::read(&firewall, &config)
        .and_then(|read| read.of_this_account(&inventory, &config))
        .map_err(|unfit| NotReady(unfit.to_string()))?;
    let plan = plan(&inventory, &rulebase, &config, &[]);
    let told = Explainer::of(&inventory, &rulebase, &config, &plan)
        .explain(&subject)
        .map_err(|error| NotReady(error.to_string()))?;
    print::out(&if common.json { json(&render::explanation(&told)) } else { print::explanation(&told) })?;
    Ok(ExitCode::SUCCESS)
}

async fn apply(common: &Common, within: Duration, limits: Option<Limits>) -> Result<ExitCode, NotReady> {
    log(common)?;
    let mut deployment = deployment::from_environment(common.config.as_deref()).await?;
    if let Some(limits) = limits {
        deployment.settings.config.limits = limits;
    }
    let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
    let mut run = driver::begin(trigger, &deployment.settings.config, within, driver::seed());
    let outcome = driver::drive(&mut run, &mut Live::new(&mut deployment)).await;
    finish(&outcome, common.json)
}

/// Says how a run ended.
pub(crate) fn finish(outcome: &Outcome, as_json: bool) -> Result<ExitCode, NotReady> {
    if as_json {
        print::out(&json(&render::outcome(outcome)))?;
    } else {
        let (text, problem) = print::outcome(outcome);
        print::out(&text)?;
        problem.iter().for_each(|problem| print::error(problem));
    }
    Ok(match outcome.ending {
        Ending::InSync | Ending::Irrelevant => ExitCode::SUCCESS,
        Ending::Withheld => ExitCode::from(2),
        Ending::Failed | Ending::OutOfTime => ExitCode::FAILURE,
    })
}

/// What nobody has asked for by hand is told in any case: the log is all that there is of it.
async fn watch(common: &Settled, options: &watch::Options) -> Result<ExitCode, NotReady> {
    logging::to_stderr(true)?;
    watch::watch(common.config.as_deref(), options).await.map(|()| ExitCode::SUCCESS)
}

fn completions(shell: Shell) -> Result<ExitCode, NotReady> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "drawbridge", &mut text);
    print::out(&String::from_utf8_lossy(&text)).map(|()| ExitCode::SUCCESS)
}

/// Where an option asks for nothing but a look, `--yes` for more than that.
async fn once(deed: Deed, once: &Once) -> Result<ExitCode, NotReady> {
    log(&once.common)?;
    let asked = Asked::of(once.dry_run, once.yes);
    once::perform(deed, once.common.config.as_deref(), asked, once.within, once.common.json).await
}

async fn doctor(common: &Common, source: Option<Source>) -> Result<ExitCode, NotReady> {
    logging::to_stderr(common.verbose)?;
    let report = doctor::examine(common.config.as_deref(), source).await;
    print::out(&if common.json { json(&render::doctor(&report)) } else { print::doctor(&report) })?;
    Ok(match report.verdict() {
        Verdict::Ok => ExitCode::SUCCESS,
        Verdict::Warning => ExitCode::from(2),
        Verdict::Failure => ExitCode::FAILURE,
    })
}

/// Long work shows that it goes on to whoever watches.
fn log(common: &Common) -> Result<(), NotReady> {
    logging::to_stderr(common.verbose || io::stderr().is_terminal())
}

pub(crate) fn json(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
