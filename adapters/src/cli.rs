//! The command line: what can be asked, and how it is answered.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use drawbridge_core::{
    config::Limits,
    explain::Explainer,
    plan::plan,
    report::Ending,
    rulebase::Rulebase,
    run::{Trigger, Wake},
};

use crate::{
    deployment,
    doctor::{self, Verdict},
    driver,
    facts::{Facts, Sources},
    live::{Live, NotReady},
    logging,
    print::{self, Detail},
    render,
    settings::{QueueUrl, Source},
    subject,
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

Exit status: 0 nothing to do, or done; 2 there is something to change (plan), or something was withheld (apply); 1 an error.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Look, and print what would change and why. Changes nothing.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials; with one of them, the other side
    /// is asked.
    Plan(PlanArguments),
    /// Look, and say why: whether an instance is exposed, what a group wants, what a rule is for, which rule decides a packet.
    ///
    /// With `--inventory` and `--firewall-config` it needs neither network nor credentials, as `plan`.
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
    /// List every setting with its meaning and default.
    Settings,
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
        Command::Doctor { common, events } => doctor(&common, events.source()).await,
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
    let seed = u64::from(std::process::id());
    let mut run = driver::begin(trigger, &deployment.settings.config, within, seed);
    let outcome = driver::drive(&mut run, &mut Live::new(&mut deployment)).await;
    if common.json {
        print::out(&json(&render::outcome(&outcome)))?;
    } else {
        let (text, problem) = print::outcome(&outcome);
        print::out(&text)?;
        problem.iter().for_each(|problem| print::error(problem));
    }
    Ok(match outcome.ending {
        Ending::InSync | Ending::Irrelevant => ExitCode::SUCCESS,
        Ending::Withheld => ExitCode::from(2),
        Ending::Failed | Ending::OutOfTime => ExitCode::FAILURE,
    })
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

fn json(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
