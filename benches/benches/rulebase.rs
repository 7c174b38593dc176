//! Reading a configuration's XML, beside the floor: walking through it and dropping what is in it.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge::panos::{read, xpath::Vsys};
use drawbridge_benches::{
    SIZES,
    rulebase::{exported, walk},
};

fn reading(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rulebase");
    group.sample_size(20);
    let vsys = Vsys::default();
    for &rules in SIZES {
        let text = exported(rules);
        let configuration = read::exported(&text, &vsys).expect("what is written here can be read");
        assert_eq!(configuration.rules.len(), rules);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("read", rules), &text, |bencher, text| {
            bencher.iter(|| read::exported(black_box(text), &vsys));
        });
        group.bench_with_input(BenchmarkId::new("floor", rules), &text, |bencher, text| {
            bencher.iter(|| walk(black_box(text)));
        });
    }
    group.finish();
}

criterion_group!(benches, reading);
criterion_main!(benches);
