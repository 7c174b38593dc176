//! The command line: what is asked, and how it is answered.

mod arguments;
mod usage;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;
use drawbridge_core::{
    config::Limits,
    explain::Explainer,
    plan::plan,
    report::{Ending, Outcome},
    rulebase::Rulebase,
    run::{Trigger, Wake},
};
use tracing_subscriber::filter::LevelFilter;

pub use self::arguments::Cli;
use self::arguments::{Command, Common, Files, Once, PlanArguments, Settled};
use crate::{
    confirm::Asked,
    deployment,
    doctor::{self, Verdict},
    driver,
    exit::Exit,
    facts::Facts,
    live::{Live, NotReady},
    logging,
    once::{self, Deed},
    print::{self, Detail, Purpose},
    render,
    settings::Source,
    subject, watch,
};

/// Reads the command line and does what it says.
pub async fn run() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => obey(cli.command).await.unwrap_or_else(|error| {
            print::error(&error);
            Exit::Failed
        }),
        Err(error) => answer(&error),
    }
    .into()
}

/// Help and version are no errors. A mistake is 1, because 2 means that there is something to look at.
fn answer(error: &clap::Error) -> Exit {
    match usage::mistake(error) {
        Some(mistake) => print::error(&mistake),
        None => {
            let _ = error.print();
        }
    }
    if error.use_stderr() { Exit::Failed } else { Exit::Done }
}

async fn obey(command: Command) -> Result<Exit, NotReady> {
    match command {
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
        Command::Settings => print::out(&print::settings()).map(|()| Exit::Done),
    }
}

async fn plan_only(arguments: &PlanArguments) -> Result<Exit, NotReady> {
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
    Ok(if nothing { Exit::Done } else { Exit::Attention })
}

async fn explain(common: &Common, files: &Files, asked: &str) -> Result<Exit, NotReady> {
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
    Ok(Exit::Done)
}

async fn apply(common: &Common, within: Duration, limits: Option<Limits>) -> Result<Exit, NotReady> {
    log(common)?;
    let mut deployment = deployment::from_environment(common.config.as_deref()).await?;
    if let Some(limits) = limits {
        deployment.settings.config.limits = limits;
    }
    let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
    let mut run = driver::begin(trigger, &deployment.settings.config, within, driver::seed());
    let outcome = driver::drive(&mut run, &mut Live::new(&mut deployment, within)).await;
    finish(&outcome, Purpose::InStep, deployment.settings.config.timing.reserve, common.json)
}

/// Says how a run ended. It begins nothing with less time left than `reserve`.
pub(crate) fn finish(outcome: &Outcome, purpose: Purpose, reserve: Duration, as_json: bool) -> Result<Exit, NotReady> {
    if as_json {
        print::out(&json(&render::outcome(outcome)))?;
    } else {
        let (text, problem) = print::outcome(outcome, purpose, reserve);
        print::out(&text)?;
        problem.iter().for_each(|problem| print::error(problem));
    }
    Ok(match outcome.ending {
        Ending::InSync | Ending::Irrelevant => Exit::Done,
        Ending::Withheld => Exit::Attention,
        Ending::Failed | Ending::OutOfTime => Exit::Failed,
    })
}

/// What nobody has asked for by hand is told in any case: the log is all that there is of it.
async fn watch(common: &Settled, options: &watch::Options) -> Result<Exit, NotReady> {
    logging::to_stderr(if common.verbose { LevelFilter::DEBUG } else { LevelFilter::INFO })?;
    watch::watch(common.config.as_deref(), options).await.map(|()| Exit::Done)
}

fn completions(shell: Shell) -> Result<Exit, NotReady> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "drawbridge", &mut text);
    print::out(&String::from_utf8_lossy(&text)).map(|()| Exit::Done)
}

/// Where an option asks for nothing but a look, `--yes` for more than that.
async fn once(deed: Deed, once: &Once) -> Result<Exit, NotReady> {
    log(&once.common)?;
    let asked = Asked::of(once.dry_run, once.yes);
    once::perform(deed, once.common.config.as_deref(), asked, once.within, once.common.json).await
}

async fn doctor(common: &Common, source: Option<Source>) -> Result<Exit, NotReady> {
    logging::to_stderr(level(common.verbose))?;
    let report = doctor::examine(common.config.as_deref(), source).await;
    print::out(&if common.json { json(&render::doctor(&report)) } else { print::doctor(&report) })?;
    Ok(match report.verdict() {
        Verdict::Ok => Exit::Done,
        Verdict::Warning => Exit::Attention,
        Verdict::Failure => Exit::Failed,
    })
}

/// Long work shows that it goes on to whoever watches.
fn log(common: &Common) -> Result<(), NotReady> {
    logging::to_stderr(level(common.verbose || io::stderr().is_terminal()))
}

/// What is wrong, or every step as well.
const fn level(steps: bool) -> LevelFilter {
    if steps { LevelFilter::INFO } else { LevelFilter::WARN }
}

pub(crate) fn json(document: &serde_json::Value) -> String {
    format!("{document:#}\n")
}
