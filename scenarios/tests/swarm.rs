//! A fixed set of seeds: stories in which everything goes wrong, and every promise is kept.

use std::{env, thread};

use drawbridge_scenarios::{
    replay::Medium,
    swarm::{self, Campaign, Tally, Then, swarm},
};

/// How many runs there are to be. The environment variable `SWARM_SCALE` multiplies them.
const RUNS: usize = 5_000;

/// The first seed.
const SEED: u64 = 1;

/// How many of them by wire.
const RUNS_BY_WIRE: usize = 100;

/// Tells stories, in none of which a promise may be broken.
#[track_caller]
fn check(runs: usize, medium: Medium) -> Tally {
    let scale = env::var("SWARM_SCALE").map_or(1, |scale| scale.parse().expect("`SWARM_SCALE` is a number"));
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let findings = swarm(Campaign { seed: SEED, runs: runs * scale, threads, then: Then::Stop, medium }, &|_| {});
    let failures: Vec<_> = findings.failures.values().map(|(failure, _)| failure.to_string()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // A swarm that meets nothing shows nothing.
    let tally = findings.tally;
    assert!(tally.runs >= runs * scale && tally.changed > tally.runs / 10 && tally.judged >= tally.changed, "{tally}");
    tally
}

/// The real SDK and client, against everything that can go wrong with HTTP.
#[test]
fn every_seed_keeps_the_promises_by_wire() {
    check(RUNS_BY_WIRE, Medium::Wire);
}

/// Every command meets some trouble, every trouble some command, and whatever can happen meanwhile does.
#[track_caller]
fn check_that_what_is_drawn_is_met(tally: &Tally) {
    let (commands, kinds) = (swarm::commands(), swarm::kinds());
    let meets = |command: &str, kind: &str| tally.met.contains_key(&format!("{command} {kind}"));
    for command in &commands {
        assert!(kinds.iter().any(|kind| meets(command, kind)), "nothing ever went wrong with `{command}`:\n{tally}");
    }
    for kind in &kinds {
        assert!(commands.iter().any(|command| meets(command, kind)), "`{kind}` was never met:\n{tally}");
    }
    for what in swarm::meanwhile() {
        assert!(meets("meanwhile", what), "`{what}` never happened during a run:\n{tally}");
    }
}

#[test]
fn every_seed_keeps_the_promises() {
    let tally = check(RUNS, Medium::Direct);
    check_that_what_is_drawn_is_met(&tally);
    for ending in ["in sync", "nothing relevant", "withheld", "failed", "out of time", "killed"] {
        assert!(tally.endings.contains_key(ending), "no run ended `{ending}`:\n{tally}");
    }
    let kinds = ["observe aws same page", "observe stale", "commit lost answer", "apply kill after"];
    let of_pairs = ["ha pair, fw-a active", "ha pair, fw-b active", "apply fail over", "poll fail over"];
    let seldom = [
        "apply --accept-limits",
        "call ModifyManagedPrefixList",
        "commit of everything",
        "commit with IPv6 addresses",
        "commit with `destination`",
        "commit with `scope.instance_tags`",
        "commit with `services`",
        "commit with a second VPC of the same addresses",
        "the unit that died is back",
        "uninstall",
    ];
    for kind in kinds.into_iter().chain(of_pairs).chain(seldom) {
        assert!(tally.met.contains_key(kind), "`{kind}` was never met:\n{tally}");
    }
}
