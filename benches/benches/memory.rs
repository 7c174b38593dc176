//! How much memory things take: each in a process of its own, whose peak the kernel knows. No criterion here: a peak is the
//! same every time.

use std::{
    env,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
};

use drawbridge::{
    aws::cloudtrail::LogReader,
    panos::{read, xpath::Vsys},
};
use drawbridge_benches::{
    log::{Written, write_log},
    rulebase::{Kind, exported},
    site::{Site, foreign},
    sizes,
};
use drawbridge_core::firewall::Firewall;

/// Tells the child which case it is.
const CASE: &str = "DRAWBRIDGE_MEMORY_CASE";

/// Millions of bytes, unpacked.
const LOGS: &[u64] = sizes(&[1, 2], &[10, 100, 400]);

const INTERFACES: usize = sizes(100, 10_000);
const RULES: usize = sizes(200, 20_000);
const DIFFERING: usize = sizes(2, 50);

fn main() {
    match env::var(CASE) {
        Ok(case) => print(&measured(&case)),
        Err(_) => table(),
    }
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn print(line: &str) {
    println!("{line}");
}

fn table() {
    print("case                                         input MB   result MB   peak MB above the input");
    for megabytes in LOGS {
        let path = log_path(*megabytes);
        let file = File::create(&path).expect("the directory of temporary files takes a file");
        let Written { unpacked, events } = write_log(file, megabytes * 1_000_000).expect("so it does");
        child(
            &format!("CloudTrail, {} MB unpacked, {events} writes", unpacked / 1_000_000),
            &format!("log {megabytes}"),
        );
        fs::remove_file(path).expect("what was written can be removed");
    }
    child(&format!("rulebase of {RULES} rules"), "rulebase");
    child("plan, unchanged", "plan 0");
    child(&format!("plan, {DIFFERING} rules differ"), &format!("plan {DIFFERING}"));
    child(&format!("plan, {DIFFERING} rules differ, uncommitted"), &format!("uncommitted {DIFFERING}"));
}

fn child(name: &str, case: &str) {
    let program = env::current_exe().expect("a running program has a file");
    let output = Command::new(program).env(CASE, case).output().expect("it can be started again");
    assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
    print(&format!("{name:<44} {}", String::from_utf8_lossy(&output.stdout).trim_end()));
}

fn measured(case: &str) -> String {
    let (what, size) = case.split_once(' ').unwrap_or((case, "0"));
    let size: usize = size.parse().expect("cases are written in this file");
    match what {
        "log" => log(size as u64),
        "rulebase" => rulebase(),
        "plan" => plan(size, Uncommitted::Nothing),
        _ => plan(size, Uncommitted::Something),
    }
}

/// From a file, 64 KB at a time, as it comes from S3.
fn log(megabytes: u64) -> String {
    let mut file = File::open(log_path(megabytes)).expect("the parent has written it");
    let mut chunk = vec![0; 1 << 16];
    let before = begin();
    let mut reader = LogReader::new(u64::MAX);
    loop {
        let length = file.read(&mut chunk).expect("it can be read");
        if length == 0 {
            break;
        }
        reader.feed(&chunk[..length]).expect("it is a log");
    }
    let log = reader.finish().expect("it is whole");
    let peak = peak() - before;
    row(file.metadata().map_or(0, |file| file.len() / 1024), size_of_copy(|| log.events.clone()), peak)
}

fn rulebase() -> String {
    let text = elsewhere(|| exported(RULES, Kind::Mixed));
    let before = begin();
    let configuration = read::exported(&text, &Vsys::default()).expect("what is written here can be read");
    let peak = peak() - before;
    row(text.len() as u64 / 1024, size_of_copy(|| configuration.clone()), peak)
}

/// Whether the running configuration is another than the candidate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uncommitted {
    Nothing,
    Something,
}

fn plan(differing: usize, uncommitted: Uncommitted) -> String {
    let built = elsewhere(move || {
        let site = Site::new(INTERFACES).settled().among(&foreign(RULES, Kind::Mixed)).with_groups_changed(differing);
        if uncommitted == Uncommitted::Something { site.uncommitted() } else { site }
    });
    let empty = begin();
    let site = copy(&built);
    let before = begin();
    let plan = site.plan();
    let peak = peak() - before;
    row(before - empty, size_of_copy(|| plan.clone()), peak)
}

/// The facts alone, without what was left over when they were made up.
fn copy(site: &Site) -> Site {
    let mut copy = site.clone();
    let candidate = Arc::new((*site.firewall.candidate).clone());
    let running = match Arc::ptr_eq(&site.firewall.candidate, &site.firewall.running) {
        true => Arc::clone(&candidate),
        false => Arc::new((*site.firewall.running).clone()),
    };
    copy.firewall = Firewall { candidate, running, ..copy.firewall };
    copy
}

/// Runs on a thread of its own, whose memory the allocator keeps apart: none of what it leaves over is used again where the
/// measurement could miss it.
fn elsewhere<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    thread::spawn(make).join().expect("what is made up can be made")
}

/// What a value takes: how much its copy adds.
fn size_of_copy<T>(copy: impl FnOnce() -> T) -> u64 {
    let before = begin();
    let copied = copy();
    let size = status("VmRSS:") - before;
    drop(copied);
    size
}

fn row(input: u64, result: u64, peak: u64) -> String {
    let megabytes = |kilobytes: u64| format!("{}.{}", kilobytes / 1024, kilobytes % 1024 * 10 / 1024);
    format!("{:>8}   {:>9}   {:>7}", megabytes(input), megabytes(result), megabytes(peak))
}

/// Forgets the peak so far, and returns how many KB are in use.
fn begin() -> u64 {
    fs::write("/proc/self/clear_refs", "5").expect("Linux lets a process reset its own peak");
    status("VmRSS:")
}

fn peak() -> u64 {
    status("VmHWM:")
}

/// A line of the kernel's account of this process, in KB.
fn status(label: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux keeps account of processes");
    let line = status.lines().find_map(|line| line.strip_prefix(label)).expect("with such a line");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("which has a number")
}

fn log_path(megabytes: u64) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-{megabytes}.json.gz"))
}
