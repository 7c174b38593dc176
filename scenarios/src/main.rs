//! `scenarios`: replays stories and says whether they still end as they should.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anstream::{eprintln, print, println};
use anstyle::{AnsiColor, Style};
use clap::{Parser, Subcommand};
use drawbridge_scenarios::{
    expect,
    lab::{FIRST_WORLD, Lab, Options, Waits},
    replay::{Medium, Transcript, tell},
    swarm::{Campaign, Then, swarm},
};
use drawbridge_simulator::script::{self, Script};

/// Stories are made of many small trees that live for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Stories of an embedded cloud and an embedded firewall, with Drawbridge between them.
#[derive(Debug, Parser)]
#[command(name = "scenarios", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell stories: files, or folders of `*.scenario` files.
    ///
    /// The fake AWS and the fake firewall listen on loopback; CloudTrail files land in the fake S3; the real AWS SDK and the
    /// real PAN-OS client do the rest. One file is shown with its transcript and the rulebase around every run, rules of ours
    /// marked; several are listed. UPDATE_EXPECT=1 writes what happened into the files. Exit status: 0 every story went as its
    /// file says, 1 otherwise.
    Replay {
        /// What to replay.
        #[arg(required = true, value_name = "FILE|FOLDER")]
        paths: Vec<PathBuf>,
        /// Without sockets: the same, and several times faster.
        #[arg(long)]
        direct: bool,
    },
    /// Look for stories in which Drawbridge breaks a promise.
    ///
    /// Draws worlds at random: accounts, rulebases, administrators at work, lost and late news, faults on every command,
    /// processes that die, runs that overlap. Every commit is judged; when faults and people stop, everything must be as
    /// wanted within three runs. The first story that breaks a promise is shrunk and printed as a scenario file, which
    /// `replay --direct` tells again (`replay` what `--wire` has found). Exit status: 0 every promise was kept, 1 otherwise.
    Swarm {
        /// The seed of the first story; the following ones are told after it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many runs of Drawbridge there are to be at least.
        #[arg(long, default_value_t = 10_000)]
        runs: usize,
        /// How many stories are told side by side.
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Go on after a failure, and tell of each kind once.
        #[arg(long)]
        keep_going: bool,
        /// With the real adapters over loopback HTTP, which is many times slower.
        #[arg(long)]
        wire: bool,
    },
    /// Watch the loop on one page.
    ///
    /// Runs a world in real time, and Drawbridge in it: a fake AWS, a fake firewall, the real adapters between, and a page on
    /// loopback that follows live. The AWS CLI and PAN-OS clients can take part; how is printed. Ctrl-C ends it.
    Lab(LabArguments),
}

#[derive(Debug, clap::Args)]
struct LabArguments {
    /// What is there at first: the set-up of a scenario file.
    #[arg(long, value_name = "FILE.scenario")]
    world: Option<PathBuf>,
    /// Where the stories are that the page tells step by step.
    #[arg(long, value_name = "FOLDER", default_value = "scenarios")]
    stories: PathBuf,
    /// The port of the page, on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 8640)]
    port: u16,
    /// How often CloudTrail writes what happened into a log file. Real ones come about every five minutes.
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = humantime::parse_duration)]
    deliver: Duration,
    /// How often Drawbridge looks without having heard of anything.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = humantime::parse_duration)]
    schedule: Duration,
    /// Wait as long as the settings say before looks and between questions about a commit, and not just so long that one can
    /// watch.
    #[arg(long)]
    real_waits: bool,
}

const GOOD: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const BAD: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const BOLD: Style = Style::new().bold();

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Replay { paths, direct } => waited_for(replay_all(&paths, medium(direct))),
        // It has threads of its own.
        Command::Swarm { seed, runs, threads, keep_going, wire } => {
            let then = if keep_going { Then::GoOn } else { Then::Stop };
            campaign(Campaign { seed, runs, threads, then, medium: medium(!wire) })
        }
        Command::Lab(arguments) => match waited_for(lab(arguments)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{BAD}error{BAD:#}: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

#[tokio::main(flavor = "current_thread")]
async fn waited_for<T>(work: impl Future<Output = T>) -> T {
    work.await
}

const fn medium(direct: bool) -> Medium {
    if direct { Medium::Direct } else { Medium::Wire }
}

/// Opens the lab and keeps it open.
async fn lab(arguments: LabArguments) -> Result<(), String> {
    let LabArguments { world, stories, port, deliver, schedule, real_waits } = arguments;
    let (file, text) = match &world {
        Some(path) => {
            let file = path.display().to_string();
            let text = fs::read_to_string(path).map_err(|error| format!("`{file}` cannot be read: {error}"))?;
            (file, text)
        }
        None => ("the first world".to_owned(), FIRST_WORLD.to_owned()),
    };
    let script = Script::parse(&file, &text).map_err(|mistake| mistake.to_string())?;
    let waits = if real_waits { Waits::AsSet } else { Waits::Short };
    let options = Options { port, deliver, schedule, waits, stories };
    let mut lab = Lab::open(&script, options).await.map_err(|error| error.to_string())?;
    println!("{}", lab.introduction());
    lab.closed().await;
    Ok(())
}

/// Tells stories at random until there were enough, or one of them fails.
fn campaign(campaign: Campaign) -> ExitCode {
    // A panic is a finding, told with the others.
    std::panic::set_hook(Box::new(|_| {}));
    let findings = swarm(campaign, &|line| eprintln!("{line}"));
    println!("{}", findings.tally.progress(findings.spent));
    print!("{}", findings.tally);
    for (failure, met) in findings.failures.values() {
        println!("\n{BAD}broken{BAD:#} (met {met} times) {failure}");
    }
    if findings.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn replay_all(paths: &[PathBuf], medium: Medium) -> ExitCode {
    let files = match files(paths) {
        Ok(files) => files,
        Err(error) => {
            eprintln!("{BAD}error{BAD:#}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut failed = 0;
    for file in &files {
        match replay(file, medium, files.len() == 1).await {
            Ok(true) => {}
            Ok(false) => failed += 1,
            Err(error) => {
                eprintln!("{BAD}error{BAD:#}: {error}");
                failed += 1;
            }
        }
    }
    if files.len() > 1 {
        println!("{} stories, {failed} not as expected", files.len());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells one story; whether it went as its file says.
async fn replay(path: &Path, medium: Medium, watched: bool) -> Result<bool, String> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("`{name}` cannot be read: {error}"))?;
    let script = Script::parse(&name.to_string(), &text).map_err(|mistake| mistake.to_string())?;
    if script.medium == script::Medium::Wire && medium == Medium::Direct {
        println!("{BOLD}skip{BOLD:#}  {name}  (only by wire)");
        return Ok(true);
    }
    let transcript = tell(&script, medium).await.map_err(|error| error.to_string())?;
    if watched {
        show(&script, &transcript);
    }
    let told = expect::told(&text, &script, &transcript.blocks);
    match expect::difference(&text, &told) {
        None => println!("{GOOD}ok{GOOD:#}    {name}"),
        Some(_) if expect::rewrites() => {
            expect::rewrite(path, &told).map_err(|error| format!("`{name}` cannot be written: {error}"))?;
            println!("{BOLD}wrote{BOLD:#} {name}");
        }
        Some(difference) => {
            println!("{BAD}differs{BAD:#} {name}: - expected, + happened");
            print!("{difference}");
            return Ok(false);
        }
    }
    Ok(true)
}

/// The whole story, for whoever watches.
fn show(script: &Script, transcript: &Transcript) {
    for line in &script.about {
        println!("{BOLD}{line}{BOLD:#}");
    }
    for (index, run) in transcript.runs.iter().enumerate() {
        if index == 0 {
            println!("\nThe rulebase at first (`*` marks rules of ours):\n");
            run.before.iter().for_each(|line| println!("  {line}"));
        } else if transcript.runs[index - 1].after != run.before {
            println!("\nThe rulebase before, changed by somebody else:\n");
            run.before.iter().for_each(|line| println!("  {line}"));
        }
        println!("\n{BOLD}> {}{BOLD:#}\n", run.deed);
        run.lines.iter().for_each(|line| println!("  {line}"));
        if run.before == run.after {
            println!("\nThe rulebase stays as it was.");
        } else {
            println!("\nThe rulebase after:\n");
            run.after.iter().for_each(|line| println!("  {line}"));
        }
    }
    println!();
}

/// Every story that the paths name, in order.
fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).map_err(|error| format!("`{}` cannot be listed: {error}", path.display()))?;
        let mut found: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        found.retain(|path| path.extension().is_some_and(|extension| extension == "scenario"));
        found.sort();
        if found.is_empty() {
            return Err(format!("`{}` holds no `.scenario` file", path.display()));
        }
        files.extend(found);
    }
    Ok(files)
}
