//! A whole run, told directly: the news of one started instance, two looks at everything, one write, one commit.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge_benches::{SIZES, story::Eve};

fn running(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("run");
    group.sample_size(10);
    for &instances in SIZES {
        let eve = Eve::of(instances);
        let outcome = eve.run(&eve.world());
        assert_eq!(outcome.to_string(), "in sync: 3 changes, 1 commit");
        group.throughput(Throughput::Elements(instances as u64));
        group.bench_with_input(BenchmarkId::new("direct", instances), &eve, |bencher, eve| {
            bencher.iter_batched_ref(|| eve.world(), |world| black_box(eve.run(world)), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, running);
criterion_main!(benches);
