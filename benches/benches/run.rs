//! A whole run: the news of one started instance, two looks at everything, one write, one commit. Told directly, and, for what a
//! small account has, the sequence alone as well.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge_benches::{SIZES, story::Eve};

/// As where the swarm tells stories: what they are made of lives for a moment.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let eve = Eve::small();
    group.throughput(Throughput::Elements(1));
    group.bench_with_input(BenchmarkId::new("direct", "small"), &eve, |bencher, eve| {
        bencher.iter_batched_ref(|| eve.world(), |world| black_box(eve.run(world)), BatchSize::PerIteration);
    });
    let sequence = eve.sequence();
    let outcome = sequence.run();
    assert_eq!(outcome.to_string(), "in sync: 3 changes, 1 commit");
    group.bench_with_input(BenchmarkId::new("sequence", "small"), &sequence, |bencher, sequence| {
        bencher.iter(|| black_box(sequence.run()));
    });
    group.finish();
}

criterion_group!(benches, running);
criterion_main!(benches);
