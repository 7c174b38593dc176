//! The command line: what can be asked, and how it is answered.

use std::{
    fmt,
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use clap::{Args, Parser, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use drawbridge_core::{
    command::{Command as Order, Look, Reply},
    plan::{Plan, plan},
    report::{Ending, Outcome},
    rulebase::Rulebase,
    run::{Trigger, Wake},
};

use crate::{
    deployment, driver,
    live::{Deployment, Live, NotReady},
    logging, render,
    settings::KEYS,
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
    Plan(Common),
    /// Look once and make it so: change, commit, and look again until nothing is left to do.
    Apply {
        #[command(flatten)]
        common: Common,
        /// Give up after this long (`90s`, `15m`). A commit on its way is then left to the next run.
        #[arg(long, default_value = "15m", value_parser = humantime::parse_duration)]
        within: Duration,
    },
    /// List every setting with its meaning and default.
    Settings,
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
        Command::Plan(common) => plan_only(&common).await,
        Command::Apply { common, within } => apply(&common, within).await,
        Command::Settings => {
            println!("{}", settings_table());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        print_error(&error);
        ExitCode::FAILURE
    })
}

async fn plan_only(common: &Common) -> Result<ExitCode, NotReady> {
    let mut deployment = deployment(common).await?;
    let facts = deployment.perform(&Order::Observe(Look::Everything), deployment.settings.config.timing.read).await;
    let (inventory, firewall) = match facts {
        Ok(Reply::Facts(Some(inventory), firewall)) => (inventory, firewall),
        Ok(_) => return Err(NotReady("the look brought no inventory".to_owned())),
        Err(failure) => return Err(NotReady(failure.what.to_string())),
    };
    let config = &deployment.settings.config;
    let rulebase = Rulebase::read(&firewall, config)
        .and_then(|read| read.of_this_account(&inventory, config))
        .map_err(|unfit| NotReady(unfit.to_string()))?;
    let plan = plan(&inventory, &rulebase, config, &[]);
    if common.json {
        print_json(&render::plan(&plan, &rulebase, config));
    } else {
        print_plan(&plan);
    }
    let nothing = plan.changes.is_empty() && plan.withheld.is_empty() && !plan.commit;
    Ok(if nothing { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn apply(common: &Common, within: Duration) -> Result<ExitCode, NotReady> {
    let mut deployment = deployment(common).await?;
    let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
    let seed = u64::from(std::process::id());
    let mut run = driver::begin(trigger, &deployment.settings.config, within, seed);
    let outcome = driver::drive(&mut run, &mut Live::new(&mut deployment)).await;
    if common.json {
        print_json(&render::outcome(&outcome));
    } else {
        print_outcome(&outcome);
    }
    Ok(match outcome.ending {
        Ending::InSync | Ending::Irrelevant => ExitCode::SUCCESS,
        Ending::Withheld => ExitCode::from(2),
        Ending::Failed | Ending::OutOfTime => ExitCode::FAILURE,
    })
}

async fn deployment(common: &Common) -> Result<Deployment, NotReady> {
    // Long work shows that it goes on to whoever watches.
    logging::to_stderr(common.verbose || io::stderr().is_terminal())?;
    deployment::from_environment(common.config.as_deref()).await
}

fn print_error(error: &dyn fmt::Display) {
    let style = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    eprintln!("{style}error{style:#}: {error}");
}

fn print_json(document: &serde_json::Value) {
    println!("{document:#}");
}

fn print_plan(plan: &Plan) {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    println!(
        "{bold}{} wanted{bold:#}, {} exposed, {} of {} rules are ours",
        number(plan.wanted.atoms.len(), "atom"),
        number(plan.wanted.exposed, "interface"),
        plan.owned,
        plan.rules
    );
    for change in &plan.changes {
        println!("{change}");
        if let Some(reason) = change.rule().and_then(|name| plan.reasons.get(name)) {
            println!("    {dim}{reason}{dim:#}");
        }
    }
    for withheld in &plan.withheld {
        println!("withheld: {}\n    {dim}{}{dim:#}", withheld.change, withheld.why);
    }
    for note in &plan.notes {
        println!("note: {note}");
    }
    if plan.changes.is_empty() && plan.commit {
        println!("the candidate is as wanted; the running configuration is not: `drawbridge apply` commits");
    } else if plan.changes.is_empty() && plan.withheld.is_empty() {
        println!("nothing to change");
    }
    if !plan.wanted.left_out.is_empty() {
        println!("{dim}left out:{dim:#}");
        for left_out in &plan.wanted.left_out {
            println!("    {dim}{left_out}{dim:#}");
        }
    }
}

fn print_outcome(outcome: &Outcome) {
    for change in &outcome.report.applied {
        println!("{change}");
    }
    for withheld in &outcome.report.withheld {
        println!("withheld: {}: {}", withheld.change, withheld.why);
    }
    for note in &outcome.report.notes {
        println!("note: {note}");
    }
    for pending in &outcome.report.foreign {
        println!("note: uncommitted work of `{}`: {}", pending.admin, pending.node);
    }
    match outcome.ending {
        Ending::OutOfTime if outcome.report.problem.is_none() => print_error(&format_args!(
            "{outcome}; allow more with `--within`, or let the next run go on from what it finds"
        )),
        Ending::Failed | Ending::OutOfTime => print_error(outcome),
        Ending::InSync | Ending::Irrelevant | Ending::Withheld => println!("{outcome}"),
    }
}

/// Every setting, its variable, what it means and what holds without it.
fn settings_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["setting", "variable", "meaning"]);
    for key in KEYS {
        table.add_row([key.name.to_owned(), key.variable(), format!("{}; {}", key.meaning, key.otherwise)]);
    }
    table
}

fn number(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
