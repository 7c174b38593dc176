//! Reading a CloudTrail log, beside the floor: unpacking it and dropping what is in it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge::aws::cloudtrail;
use drawbridge_benches::{
    cpu::CpuTime,
    log::{log_file, unpack},
    sizes,
};

/// Millions of bytes, unpacked.
const MEGABYTES: &[u64] = sizes(&[1], &[10, 100]);

fn reading(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("cloudtrail");
    group.sample_size(20);
    for &megabytes in MEGABYTES {
        let file = log_file(megabytes * 1_000_000);
        let read = cloudtrail::read(&file.packed, u64::MAX).expect("the log is whole");
        assert_eq!(read.events.len(), file.events);
        let name = format!("{megabytes} MB");
        group.throughput(Throughput::Bytes(file.unpacked));
        group.bench_with_input(BenchmarkId::new("floor", &name), &file, |bencher, file| {
            bencher.iter(|| unpack(black_box(&file.packed)));
        });
        group.bench_with_input(BenchmarkId::new("read", &name), &file, |bencher, file| {
            bencher.iter(|| cloudtrail::read(black_box(&file.packed), u64::MAX));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = reading
}
criterion_main!(benches);
