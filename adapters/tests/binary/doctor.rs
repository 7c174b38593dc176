//! What a doctor finds: nothing in a deployment that is well, and each thing that it can name in one that is not, with its
//! remedy.

mod aws;
mod events;
mod firewall;
mod policy;
mod rights;

use serde_json::Value;

use crate::stage::{Stage, behind, in_real_time};

/// A port of loopback that nobody listens at.
const NOBODY: &str = "http://127.0.0.1:1";

/// What is found, a line each, with `fw` for the firewall's address. The exit status and the document must say the same, and
/// nothing may have changed.
async fn examined(stage: &Stage, arguments: &[&str]) -> Vec<String> {
    let before = stage.trees();
    let ended = stage.run(&[&["doctor", "--json"], arguments].concat()).await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:#?}"));
    assert!(stage.trees() == before, "a doctor has changed the firewall");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let lines: Vec<_> =
        findings.map(|f| format!("{}, {}: {}", text(f, "verdict"), text(f, "check"), text(f, "says"))).collect();
    let (verdict, status) = worst(&lines);
    assert_eq!(
        (ended.status, &document["verdict"], &document["version"]),
        (Some(status), &verdict.into(), &1.into()),
        "{ended:#?}"
    );
    lines.iter().map(|line| stage.short(&named(stage, line))).collect()
}

/// The verdict that is the worst of these lines, and its exit status.
fn worst(lines: &[String]) -> (&'static str, i32) {
    let is_there = |verdict: &str| lines.iter().any(|line| line.starts_with(verdict));
    match (is_there("failure, "), is_there("warning, ")) {
        (true, _) => ("failure", 1),
        (false, true) => ("warning", 2),
        (false, false) => ("ok", 0),
    }
}

/// The line with `fw` for the firewall's address; of a pair `fw-1` and `fw-2`.
fn named(stage: &Stage, line: &str) -> String {
    let urls: Vec<_> = stage.variable("PANOS_HOSTNAME").split(',').collect();
    let hosts = urls.iter().map(|url| url.rsplit('/').next().unwrap());
    let name = |number: usize| if urls.len() == 1 { "fw".to_owned() } else { format!("fw-{}", number + 1) };
    hosts.enumerate().fold(line.to_owned(), |line, (number, host)| line.replace(host, &name(number)))
}

/// Everything that is wrong, in whole lines: no other may be there that is not well. The time of most tests' world is not
/// ours, and what is said about that does not count.
async fn check(stage: &Stage, expected: &[&str]) {
    check_with(stage, &[], expected).await;
}

async fn check_with(stage: &Stage, arguments: &[&str], expected: &[&str]) {
    let found = examined(stage, arguments).await;
    let is_wrong = |line: &String| !line.starts_with("ok, ") && !line.contains(", clock of firewall: ");
    assert_eq!(found.into_iter().filter(is_wrong).collect::<Vec<_>>(), expected);
}

/// Lines that must be there, whole; others may be.
async fn has(stage: &Stage, arguments: &[&str], expected: &[&str]) {
    let found = examined(stage, arguments).await;
    for line in expected {
        assert!(found.iter().any(|other| other == line), "{line}: {found:#?}");
    }
}

/// The line about what was not looked at, from this check of the firewall on.
fn skipped_from(check: &str) -> String {
    const ALL: [&str; 18] = [
        "API key",
        "firewall reached",
        "certificate",
        "PAN-OS release",
        "clock of firewall",
        "active unit",
        "account",
        "right",
        "configuration",
        "locks",
        "uncommitted work",
        "multi-config",
        "bottom rule",
        "zone",
        "profile group",
        "log forwarding",
        "commits",
        "decision",
    ];
    let first = ALL.iter().position(|name| *name == check).unwrap();
    skipped(&ALL[first..].join(", "))
}

fn skipped(checks: &str) -> String {
    format!("warning, not looked at: {checks}: put right what has failed, and ask again")
}

#[tokio::test]
async fn all_is_well() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    let ended = stage.run(&["doctor"]).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    assert!(
        ended.stdout.starts_with("ok       settings") && ended.stdout.ends_with("0 warnings, 0 failures\n"),
        "{ended:#?}"
    );
    let clocks = ended.stdout.lines().filter(|line| line.contains("clock") && line.starts_with("ok "));
    assert_eq!(clocks.count(), 2, "{ended:#?}");
}

#[tokio::test]
async fn settings() {
    let stage = Stage::new().await.unset("DRAWBRIDGE_POLICY_OWNER").set("DRAWBRIDGE_MODE", "on");
    check(&stage, &[
        "failure, settings: `policy.owner` is missing: set it or `DRAWBRIDGE_POLICY_OWNER` (the tag that marks our rules, unique per deployment and firewall)",
        "failure, settings: `mode` (DRAWBRIDGE_MODE): `on` is none of `observe`, `add-only`, `sync`",
    ]).await;
    let file = "failure, settings: the settings file `/nowhere/drawbridge.toml` cannot be read: No such file or directory (os error 2)";
    check_with(&Stage::new().await, &["--config", "/nowhere/drawbridge.toml"], &[file]).await;
}

/// People read the same in columns: the verdict, what was looked at, and what was found.
#[tokio::test]
async fn what_is_wrong_is_printed() {
    let stage = Stage::new().await.set("PANOS_API_KEY", "bm90IHRoZSBrZXk=");
    in_real_time(&stage);
    let ended = stage.run(&["doctor"]).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), ""), "{ended:#?}");
    let line = |verdict: &str, check: &str| {
        let begins = |line: &&str| line.starts_with(&format!("{verdict:<9}{check}"));
        ended.stdout.lines().filter(begins).count()
    };
    assert_eq!((line("failure", "API key"), line("warning", "not looked at")), (1, 1), "{ended:#?}");
    assert!(ended.stdout.ends_with(" ok, 1 warning, 1 failure\n"), "{ended:#?}");
}
