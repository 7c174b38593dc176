//! What is wrong is said in one line: the thing, the cause, and what to do.

use expect_test::{Expect, expect};

use crate::stage::Stage;

async fn check(stage: &Stage, arguments: &[&str], expected: &Expect) {
    expected.assert_eq(&stage.short(&stage.fails(arguments).await));
}

#[tokio::test]
async fn a_mistake_of_usage_is_one_line() {
    let stage = Stage::new().await;
    check(&stage, &["apply", "--within", "abc"], &expect!["invalid value 'abc' for '--within <TIME>': `abc` is not a length of time (`5s`, `1m 30s`); `--help` tells more"]).await;
    check(
        &stage,
        &["watch", "--within", "0s"],
        &expect!["invalid value '0s' for '--within <TIME>': `0s` is no time at all: give it some; `--help` tells more"],
    )
    .await;
    check(
        &stage,
        &["watch", "--within", "580000000000y"],
        &expect!["invalid value '580000000000y' for '--within <TIME>': `580000000000y` is longer than a year: give a shorter time; `--help` tells more"],
    )
    .await;
    check(&stage, &["watch", "--metrics-addr", "banana"], &expect!["invalid value 'banana' for '--metrics-addr <ADDRESS>': `banana` is not an address with a port: give it as `127.0.0.1:9464`; `--help` tells more"]).await;
    check(
        &stage,
        &["plan", "--jsn"],
        &expect!["unexpected argument '--jsn' found; a similar argument exists: '--json'; `--help` tells more"],
    )
    .await;
}

#[tokio::test]
async fn a_value_that_a_setting_cannot_have_is_told_with_one_that_it_can() {
    for (variable, value, expected) in [
        (
            "DRAWBRIDGE_LIMITS_ADDITIONS",
            "-4",
            expect![
                "`limits.additions` (DRAWBRIDGE_LIMITS_ADDITIONS): `-4` is not a number: give a whole one, 0 or more"
            ],
        ),
        (
            "DRAWBRIDGE_LIMITS_REMOVALS_PERCENT",
            "half",
            expect![
                "`limits.removals_percent` (DRAWBRIDGE_LIMITS_REMOVALS_PERCENT): `half` is not a number: give a whole one, 0 or more"
            ],
        ),
        (
            "DRAWBRIDGE_WATCH_METRICS_ADDR",
            "banana",
            expect![
                "`watch.metrics_addr` (DRAWBRIDGE_WATCH_METRICS_ADDR): `banana` is not an address with a port: give it as `127.0.0.1:9464`"
            ],
        ),
    ] {
        let stage = Stage::new().await.set(variable, value);
        let ended = stage.run(&["apply"]).await;
        assert_eq!(ended.status, Some(1));
        let lines: Vec<_> = ended.stderr.lines().collect();
        assert_eq!(lines[..lines.len() - 1], ["error: the settings cannot be used:"]);
        expected.assert_eq(lines[1].trim());
    }
}

/// Of how long the lock has been held, and how often it was waited for, nobody knows how busy the machine is.
#[tokio::test]
async fn who_is_kept_waiting_hears_for_whom_and_what_to_do() {
    // Time enough for the look, also on a machine that is busy.
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_TIMING_RESERVE", "100ms");
    stage.tell("admin admin lock config \"moving house\"");
    let said = stage.fails(&["apply", "--within", "5s"]).await;
    let (holder, comment) = said.split_once(", held for ").unwrap();
    assert!(holder.ends_with("; an administrator holds a lock: config lock of `admin`"), "{said}");
    expect!["moving house; ask for it to be released, the next run goes on from there"]
        .assert_eq(comment.split_once(": ").unwrap().1);
}

/// Nothing is begun that could not be ended: what is kept back for that is told, and where it is set.
#[tokio::test]
async fn who_gives_too_little_time_hears_how_much_is_kept_back() {
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_TIMING_RESERVE", "20s");
    stage.tell("admin admin lock config \"moving house\"");
    check(&stage, &["apply", "--within", "10s"], &expect!["out of time; with less than 20s left nothing is begun (`timing.reserve`): allow more with `--within`, or let the next run go on from what it finds"]).await;
}
