//! Reading a configuration's XML, beside the floor: walking through it and dropping what is in it.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge::panos::{read, xpath::Vsys};
use drawbridge_benches::{
    cpu::CpuTime,
    rulebase::{Kind, exported, walk},
    sizes,
};

const RULES: &[usize] = sizes(&[100], &[1_000, 20_000]);

fn reading(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("rulebase");
    group.sample_size(20);
    let vsys = Vsys::default();
    for &rules in RULES {
        let text = exported(rules, Kind::Mixed);
        let configuration = read::exported(&text, &vsys).expect("what is written here can be read");
        assert_eq!(configuration.rules.len(), rules);
        drop(configuration);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("floor", rules), &text, |bencher, text| {
            bencher.iter(|| walk(black_box(text)));
        });
        // What was read is dropped off the clock: that is its user's affair.
        group.bench_with_input(BenchmarkId::new("read", rules), &text, |bencher, text| {
            bencher.iter_batched(|| (), |()| read::exported(black_box(text), &vsys), BatchSize::PerIteration);
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
