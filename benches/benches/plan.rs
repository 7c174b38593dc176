//! Deciding what to change: on what is as it should be, on an account of which some groups have changed, and on a firewall
//! that has nothing of ours yet.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge_benches::{INSTANCES_OF_A_GROUP, SIZES, site::Site};

fn deciding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    for &instances in SIZES {
        let new = Site::new(instances);
        let first = new.plan();
        let unchanged = new.after(&first);
        assert_eq!((unchanged.plan().changes.len(), unchanged.plan().owned), (0, instances / 2));
        let groups = instances / INSTANCES_OF_A_GROUP;
        let sites = [
            ("unchanged", unchanged.clone()),
            ("one group changed", unchanged.with_groups_changed(1)),
            ("one group in twenty changed", unchanged.with_groups_changed(groups.div_ceil(20))),
            ("nothing there yet", new),
        ];
        group.throughput(Throughput::Elements(instances as u64));
        for (name, site) in &sites {
            group.bench_with_input(BenchmarkId::new(*name, instances), site, |bencher, site| {
                bencher.iter(|| black_box(site).plan());
            });
        }
        group.bench_with_input(BenchmarkId::new("rules told apart", instances), &unchanged, |bencher, site| {
            bencher.iter(|| {
                black_box(site).rulebase();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, deciding);
criterion_main!(benches);
