//! Deciding what to change: when nothing has changed, when some groups have, when nothing of ours is there yet, and among
//! more and more rules of administrators.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use drawbridge_benches::{
    INSTANCES_OF_A_GROUP,
    cpu::CpuTime,
    rulebase::Kind,
    site::{Site, foreign},
    sizes,
};

/// Exposed interfaces: six atoms and half a rule of ours each.
const INTERFACES: usize = sizes(100, 10_000);

/// Rules of administrators.
const RULES: usize = sizes(200, 20_000);

/// How many rules of ours differ from what is wanted.
const DIFFERING: usize = sizes(2, 50);

/// The growth with the number of rules, everything else being the same.
const CURVE: &[usize] = sizes(&[50, 100], &[1_000, 2_000, 5_000, 10_000]);

fn deciding(criterion: &mut Criterion<CpuTime>) {
    let new = Site::new(INTERFACES);
    let settled = new.settled();
    for (name, kind) in [("plan", Kind::Mixed), ("plan, most rules any", Kind::MostlyAny)] {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        let all = foreign(RULES, kind);
        let unchanged = settled.among(&all);
        check(&unchanged);
        let differing = unchanged.with_groups_changed(DIFFERING);
        let mut sites = vec![
            ("unchanged", unchanged.clone()),
            ("one group changed", unchanged.with_groups_changed(1)),
            ("some rules differ", differing.clone()),
            ("some rules differ, uncommitted", differing.uncommitted()),
        ];
        if kind == Kind::Mixed {
            sites.push(("nothing there yet", new.among(&all)));
        }
        for (name, site) in &sites {
            group.bench_with_input(BenchmarkId::new(*name, RULES), site, |bencher, site| {
                bencher.iter(|| black_box(site).plan());
            });
        }
        group.bench_with_input(BenchmarkId::new("rules told apart", RULES), &unchanged, |bencher, site| {
            bencher.iter(|| {
                black_box(site).rulebase();
            });
        });
        for &rules in CURVE {
            let site = settled.among(&foreign(rules, kind)).with_groups_changed(DIFFERING);
            group.bench_with_input(BenchmarkId::new("some rules differ", rules), &site, |bencher, site| {
                bencher.iter(|| black_box(site).plan());
            });
        }
        group.finish();
    }
}

/// The site is what it is said to be.
fn check(unchanged: &Site) {
    let plan = unchanged.plan();
    assert_eq!((plan.changes.len(), plan.wanted.exposed, plan.wanted.atoms.len()), (0, INTERFACES, 6 * INTERFACES));
    assert_eq!((plan.owned, plan.rules), (INTERFACES / 2, INTERFACES / 2 + RULES));
    let plan = unchanged.with_groups_changed(DIFFERING).plan();
    assert_eq!(plan.reasons.len(), 2 * DIFFERING, "one rule goes and one comes for each that differs");
    const { assert!(INTERFACES / INSTANCES_OF_A_GROUP >= DIFFERING) };
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = deciding
}
criterion_main!(benches);
