//! Reading a CloudTrail log, beside the floor: unpacking it and dropping what is in it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge::aws::cloudtrail;
use drawbridge_benches::{
    SIZES,
    log::{log_file, unpack},
};

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cloudtrail");
    group.sample_size(20);
    for &instances in SIZES {
        let file = log_file(instances);
        let read = cloudtrail::read(&file.packed, u64::MAX).expect("the log is whole");
        assert_eq!(read.events.len(), file.events);
        group.throughput(Throughput::Bytes(file.unpacked));
        group.bench_with_input(BenchmarkId::new("read", instances), &file, |bencher, file| {
            bencher.iter(|| cloudtrail::read(black_box(&file.packed), u64::MAX));
        });
        group.bench_with_input(BenchmarkId::new("floor", instances), &file, |bencher, file| {
            bencher.iter(|| unpack(black_box(&file.packed)));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
