//! A fixed set of seeds: stories in which everything goes wrong, and every promise is kept.

use std::{env, thread};

use drawbridge_scenarios::swarm::{Campaign, Then, swarm};

/// How many runs there are to be. The environment variable `SWARM_SCALE` multiplies them.
const RUNS: usize = 5_000;

/// The first seed.
const SEED: u64 = 1;

#[test]
fn every_seed_keeps_the_promises() {
    let scale = env::var("SWARM_SCALE").map_or(1, |scale| scale.parse().expect("`SWARM_SCALE` is a number"));
    let threads = thread::available_parallelism().map_or(1, Into::into);
    let campaign = Campaign { seed: SEED, runs: RUNS * scale, threads, then: Then::Stop };
    let findings = swarm(campaign, &|_| {});
    let failures: Vec<_> = findings.failures.values().map(|(failure, _)| failure.to_string()).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // A swarm that meets nothing shows nothing.
    let tally = findings.tally;
    assert!(tally.runs >= RUNS * scale && tally.changed > tally.runs / 10 && tally.judged >= tally.changed, "{tally}");
    let kinds = ["observe stale", "commit lost answer", "apply kill after", "meanwhile schedule", "meanwhile restart"];
    let of_pairs = ["ha pair, fw-a active", "ha pair, fw-b active", "apply fail over", "poll fail over"];
    for kind in kinds.into_iter().chain(of_pairs) {
        assert!(tally.met.contains_key(kind), "`{kind}` was never met:\n{tally}");
    }
}
