//! The unit for systemd, and the files around it that the documents show, against the program.

use std::{
    collections::BTreeSet,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use clap::Parser as _;
use drawbridge::{cli::Cli, watch::GRACE};

use crate::{
    documents::is_known,
    stage::Stage,
    text::{blocks, documents, file},
};

/// Variables of the AWS SDK that an environment file may set.
const OF_THE_SDK: &[&str] = &["AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_REGION"];

/// The values of a setting of the unit, in their order.
fn values(name: &str) -> Vec<String> {
    let unit = file("deploy/systemd/drawbridge.service");
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).collect()
}

/// The one value of a setting.
#[track_caller]
fn value(name: &str) -> String {
    let [value] = &values(name)[..] else { panic!("`{name}` is not there once: {:?}", values(name)) };
    value.clone()
}

/// Environment files that the documents show: names with values.
fn environment_files() -> Vec<Vec<(String, String)>> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    let read = |block: &String| -> Option<Vec<(String, String)>> {
        let lines = block.lines().map(str::trim).filter(|line| !line.is_empty());
        let pairs = lines.map(|line| line.split_once('=').filter(|(name, _)| is_name(name)));
        pairs.map(|pair| pair.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    };
    documents().iter().flat_map(|(_, text)| blocks(text)).filter_map(|block| read(&block)).collect()
}

/// What the unit starts, word by word, with these options.
fn started(options: &str) -> Vec<String> {
    let line = value("ExecStart");
    assert!(line.contains(" $WATCH_OPTIONS"), "{line}");
    line.replace("$WATCH_OPTIONS", options).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_the_unit_starts_is_taken_with_every_environment_file_of_the_documents() {
    let files = environment_files();
    let options = files.iter().flatten().filter(|(name, _)| name == "WATCH_OPTIONS").map(|(_, value)| value.as_str());
    let options: Vec<_> = options.chain([""]).collect();
    assert!(options.len() > 3, "only {options:?} were tried");
    for options in options {
        Cli::try_parse_from(started(options)).unwrap_or_else(|error| panic!("{options}: {error}"));
    }
}

#[test]
fn every_variable_is_one_that_somebody_reads() {
    let unit = file("deploy/systemd/drawbridge.service");
    let used_by_unit = |name: &str| unit.contains(&format!(" ${name}\n"));
    let of_unit = values("Environment").into_iter().map(|pair| pair.split_once('=').unwrap().0.to_owned());
    let names: BTreeSet<_> = of_unit.chain(environment_files().into_iter().flatten().map(|(name, _)| name)).collect();
    assert!(names.len() > 3, "only {names:?} were tried");
    for name in names {
        assert!(is_known(&name) || OF_THE_SDK.contains(&&*name) || used_by_unit(&name), "nobody reads `{name}`");
    }
}

/// What the documents say of files on the host is what the unit reads.
#[test]
fn files_are_where_the_documents_put_them() {
    let host = file("docs/host.md");
    let key = value("LoadCredential");
    let (name, path) = key.split_once(':').unwrap();
    assert!(host.contains(&format!(" {path}\n")), "{path}");
    assert_eq!(values("Environment"), [format!("DRAWBRIDGE_FIREWALL_API_KEY_FILE=%d/{name}")]);
    let started = started("");
    assert!(host.contains(&format!(" {}\n", started[0])), "{}", started[0]);
    let config = started.iter().position(|word| word == "--config").unwrap();
    assert!(host.contains(&format!(" {}\n", started[config + 1])), "{}", started[config + 1]);
    let environment = value("EnvironmentFile");
    assert!(host.contains(&format!("`{}`", environment.trim_start_matches('-'))), "{environment}");
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs(text.strip_suffix('s').unwrap().parse().unwrap())
}

/// A run that has changed something has its time to come to an end before it is killed.
#[test]
fn the_unit_waits_longer_than_a_run_takes_to_stop() {
    let patience = seconds(&value("TimeoutStopSec"));
    assert!(patience >= GRACE + Duration::from_secs(10), "{patience:?}");
    let help = Command::new(env!("CARGO_BIN_EXE_drawbridge")).args(["watch", "--help"]).env_clear().output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    for told in [format!("after {} seconds;", GRACE.as_secs()), format!("Give it {} seconds", patience.as_secs())] {
        assert!(help.contains(&told), "`{told}` is not in {help}");
    }
    let readme = file("deploy/systemd/README.md");
    assert!(readme.contains(&format!("for {} seconds at most", GRACE.as_secs())));
}

/// The unit's command, started and stopped as systemd would.
#[tokio::test]
async fn the_unit_starts_and_stops_the_program() {
    let stage = Stage::new().await;
    let settings = tempfile::NamedTempFile::new().unwrap();
    fs::write(&settings, "timing.poll = \"20ms\"\n").unwrap();
    let words = started("--every 1h");
    let words =
        words.iter().skip(1).map(|word| if word.ends_with(".toml") { settings.path().to_str().unwrap() } else { word });
    let program = stage.start(&words.collect::<Vec<_>>());
    let began = Instant::now();
    while !program.said(&stage, None).stderr.contains("in sync") {
        assert!(began.elapsed() < Duration::from_secs(30), "{:#?}", program.said(&stage, None));
        stage.idle().await;
    }
    let signal = value("KillSignal");
    let asked =
        Command::new("kill").args(["-s", signal.strip_prefix("SIG").unwrap(), &program.id().to_string()]).status();
    assert!(asked.unwrap().success());
    let ended = program.end(&stage).await;
    assert_eq!(ended.status, Some(0), "{ended:#?}");
}
