//! Reading the answers of the AWS CLI from a directory, beside the floor: walking through the same JSON and dropping it.

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use drawbridge::offline;
use drawbridge_benches::{cpu::CpuTime, sizes, story::Eve};
use serde::de::IgnoredAny;

const INSTANCES: &[usize] = sizes(&[100], &[1_000, 10_000]);

fn reading(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("offline");
    group.sample_size(10);
    for &instances in INSTANCES {
        let (directory, bytes) = written(instances);
        let read = offline::from_directory(&directory, None).expect("the simulator writes what the AWS CLI writes");
        // One more is about to start, and one is the firewall.
        assert_eq!(read.instances.len(), instances + 2);
        group.throughput(Throughput::Bytes(bytes));
        group.bench_with_input(BenchmarkId::new("floor", instances), &directory, |bencher, directory| {
            bencher.iter(|| walk(black_box(directory)));
        });
        group.bench_with_input(BenchmarkId::new("read", instances), &directory, |bencher, directory| {
            let read = |()| offline::from_directory(black_box(directory), None);
            bencher.iter_batched(|| (), read, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A directory of answers, and how many bytes they have.
fn written(instances: usize) -> (PathBuf, u64) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("answers-{instances}"));
    fs::create_dir_all(&directory).expect("the directory of temporary files takes more");
    let dump = Eve::of(instances).dump();
    let answers = [
        ("describe-instances", dump.instances),
        ("describe-network-interfaces", dump.network_interfaces),
        ("describe-subnets", dump.subnets),
        ("describe-vpcs", dump.vpcs),
        ("describe-route-tables", dump.route_tables),
        ("describe-security-groups", dump.security_groups),
    ];
    let sizes = answers.map(|(name, answer)| {
        let text = answer.to_string();
        fs::write(directory.join(format!("{name}.json")), &text).expect("so it does");
        text.len() as u64
    });
    (directory, sizes.iter().sum())
}

fn walk(directory: &Path) {
    for file in fs::read_dir(directory).expect("it was written") {
        let text = fs::read(file.expect("it was written").path()).expect("it can be read");
        let _: IgnoredAny = serde_json::from_slice(&text).expect("it is JSON");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = reading
}
criterion_main!(benches);
