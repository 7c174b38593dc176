//! An oracle that shares no code with the decision, nor with what reads for it.
//!
//! Worlds are drawn at random, as texts: settings, the AWS CLI's answers, a firewall's exported configuration. Drawbridge
//! reads them, decides, and carries out what it decided on the simulated firewall; a deliberately naive reader takes one
//! packet at a time and walks it through the JSON of the security groups and through the XML of the rules. It knows no
//! sets of addresses and no atoms of the core's.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a test cannot go on without, it panics about")]

mod device;
mod dice;
mod draw_cloud;
mod draw_nat;
mod draw_objects;
mod draw_owned;
mod draw_rules;
mod draw_settings;
mod groups;
mod judge;
mod nat;
mod objects;
mod packets;
mod policy;
mod routes;
mod settings;
mod span;
mod trial;
mod world;

use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestError, TestRunner},
};

use crate::{
    judge::judge,
    trial::Trial,
    world::{World, world},
};

/// The same worlds every time; `PROPTEST_CASES` draws more of them, `PROPTEST_RNG_SEED` others. What fails is kept in
/// `regressions`, as the text that the failure prints.
fn settings() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let rng_seed = match usual.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_160_401),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { CASES };
    ProptestConfig { rng_seed, cases, failure_persistence: None, max_shrink_iters: 1000, ..usual }
}

/// Worlds that are drawn unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 200;

/// Everything that is wrong with what becomes of a world.
fn verdict(world: &World, seed: u64) -> (Vec<String>, usize) {
    match Trial::of(world) {
        Ok(trial) => judge(&trial, seed),
        Err(why) => (vec![format!("nothing could be decided or done: {why}")], 0),
    }
}

#[test]
fn every_promise_is_kept_in_every_world() {
    let walked = AtomicUsize::new(0);
    let outcome = TestRunner::new(settings()).run(&(world(), any::<u64>().no_shrink()), |(world, seed)| {
        let (found, packets) = verdict(&world, seed);
        walked.fetch_add(packets, Ordering::Relaxed);
        prop_assert!(found.is_empty(), "{}", found.join("\n"));
        Ok(())
    });
    writeln!(std::io::stderr(), "{} packets walked", walked.into_inner()).unwrap();
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, (world, seed))) => {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("failed.world");
            fs::write(&kept, format!("{world:?}")).unwrap();
            panic!("{why}\nthe world is in {}, the seed was {seed}", kept.display());
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

/// Worlds in which something was wrong once, each with a comment that says what.
#[test]
fn what_was_wrong_once_stays_right() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/regressions");
    let mut worlds = 0;
    for file in fs::read_dir(kept).unwrap() {
        let path = file.unwrap().path();
        let world = World::parse(&fs::read_to_string(&path).unwrap());
        for seed in 0..8 {
            let (found, _) = verdict(&world, seed);
            assert!(found.is_empty(), "{}: {}", path.display(), found.join("\n"));
        }
        worlds += 1;
    }
    assert!(worlds > 0, "no world was kept");
}

/// A judge who never finds anything wrong is worth nothing.
#[test]
fn what_is_wrong_is_seen() {
    let world = World::parse(include_str!("regressions/list-named-like-a-range.world"));
    let check = |from: &str, to: &str, expected: &str| {
        let mut trial = Trial::of(&world).unwrap();
        let outcome = trial.changed.config().to_string();
        assert!(outcome.contains(from), "{outcome}");
        trial.replace_outcome(&outcome.replacen(from, to, 1));
        let (found, _) = judge(&trial, 1);
        let labels: Vec<_> = found.iter().filter_map(|line| line.split([':', ',', ' ']).next()).collect();
        assert_eq!(labels.join(" "), expected, "{from} -> {to}: {found:#?}");
    };
    let peer = "<source><member>8.8.8.0/24</member></source>";
    check(peer, peer, "");
    check(peer, "<source><member>any</member></source>", "I3 `sg-1-1` I5");
    check(peer, "<source><member>8.8.8.0/25</member></source>", "I4 I5");
    check("<member>application-default</member>", "<member>any</member>", "I3 `sg-1-1` I5");
    check("<type><ip/></type>", "<type><url/></type>", "I1");
    let sunken = "<entry name='sg-1-2'><from><member>untrust</member></from><to><member>trust</member></to>\
        <source><member>8.8.8.0/24</member></source><destination><member>10.0.0.5</member></destination>\
        <application><member>ssl</member></application><service><member>application-default</member></service>\
        <action>allow</action><tag><member>aws sync</member></tag></entry></rules>";
    check("</rules>", sunken, "I2 I5");
    check("<entry name=\"sg-1-1\"", "<entry name=\"mine\"", "I1 the");
    let allow = "<member>8.8.8.0-8.8.8.255</member>";
    check(allow, "<member>8.8.0.0/16</member>", "I1 `sg-1-1` the");
}
