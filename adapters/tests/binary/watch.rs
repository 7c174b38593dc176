//! The program on a host: woken by a queue, by the bucket of a trail or by the time, and stopped by a signal.

use std::{
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use drawbridge_simulator::{cloud::Object, faults::Command as Met};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    queue::FakeQueue,
    stage::{Ended, Running, Stage, in_real_time},
};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so.
pub(crate) async fn until(stage: &Stage, program: &Running, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "not {what}: {:#?}", program.said(stage, None));
        stage.idle().await;
    }
}

fn has_rule(stage: &Stage) -> bool {
    stage.running_rules().iter().any(|name| name == "i-web-2-1")
}

/// Asks the program to stop, as systemd does, and waits until it has.
pub(crate) async fn stopped(stage: &Stage, program: Running, signal: &str) -> Ended {
    let asked = Command::new("kill").args([&format!("-{signal}"), &program.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let ended = program.end(stage).await;
    assert_eq!(ended.status, Some(0), "{ended:#?}");
    ended
}

#[tokio::test]
async fn a_message_becomes_a_rule_and_is_deleted_then() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    queue.send(&stage.event("notify StartInstances i-web-2"));
    until(&stage, &program, "deleted", || queue.left() == 0).await;
    assert!(has_rule(&stage), "deleted before the rule was in force");
    let calls = queue.calls();
    assert_eq!(calls, ["receive 1 for 60", "hide 1 for 960", "delete 1"], "{calls:?}");

    // What is no news is deleted as well.
    queue.send(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}));
    until(&stage, &program, "deleted", || queue.left() == 0).await;
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn a_message_whose_run_fails_comes_again() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    stage.tell("fault observe always panos error 403 \"Invalid Credential\"");
    stage.world.lock().begin(Met::Observe);
    queue.send(&stage.event("notify StartInstances i-web-2"));
    until(&stage, &program, "given back", || queue.calls().contains(&"hide 1 for 30".to_owned())).await;
    assert_eq!((queue.left(), has_rule(&stage)), (1, false));
    stage.world.lock().end();
    queue.show_hidden();
    until(&stage, &program, "deleted", || queue.left() == 0).await;
    assert!(has_rule(&stage));
    let said = stopped(&stage, program, "INT").await;
    assert!(said.stderr.contains("the firewall refuses the API key"), "{said:#?}");
}

/// What tells nothing, and is so long.
fn padded(length: usize) -> serde_json::Value {
    json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "x".repeat(length)})
}

/// How many messages were received for each run, ten at most at a time.
fn received(queue: &FakeQueue) -> Vec<usize> {
    let calls = queue.calls();
    let runs = calls.split(|call| call.starts_with("delete "));
    let number = |call: &String| Some(call.strip_prefix("receive ")?.split(' ').next()?.parse::<usize>().unwrap());
    runs.map(|run| run.iter().filter_map(number).sum()).filter(|number| *number > 0).collect()
}

#[tokio::test]
async fn what_waits_is_one_run_as_far_as_it_can_be() {
    for (number, length, expected) in [(25, 10, vec![25]), (520, 10, vec![500, 20]), (21, 450_000, vec![10, 10, 1])] {
        let queue = FakeQueue::serve_standard().await;
        let stage = Stage::new().await;
        (0..number).for_each(|_| queue.send(&padded(length)));
        let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h"]);
        until(&stage, &program, "deleted", || queue.left() == 0).await;
        assert_eq!(received(&queue), expected);
        stopped(&stage, program, "TERM").await;
    }
}

#[tokio::test]
async fn what_is_there_is_seen_to_although_nobody_can_ask_for_more() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await;
    queue.refuse("ReceiveMessage at once", "InternalError");
    queue.send(&stage.event("notify StartInstances i-web-2"));
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h"]);
    until(&stage, &program, "deleted", || queue.left() == 0).await;
    assert_eq!(stage.running_rules().len(), 5);
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn a_message_that_cannot_be_deleted_is_no_reason_to_end() {
    let queue = FakeQueue::serve().await;
    queue.deny(&["DeleteMessage"]);
    let stage = Stage::new().await;
    queue.send(&stage.event("notify StartInstances i-web-2"));
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h"]);
    let refused = "a message comes again, although that is not needed: AWS refuses `DeleteMessage`";
    until(&stage, &program, "refused", || program.said(&stage, None).stderr.contains(refused)).await;
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn the_bucket_of_a_trail_is_listed() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    stage.world.lock().firewall_settings().commit_takes = Duration::from_millis(100);
    // There is a folder of the trail as soon as anything was delivered.
    stage.tell("deliver StopInstances i-web-2");
    let bucket = stage.world.lock().cloud_mut().settings_mut().trail_bucket.clone();
    let program = stage.start(&["watch", "--bucket", &bucket, "--every", "1s", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    stage.tell("deliver StartInstances i-web-2");
    until(&stage, &program, "a rule", || stage.running_rules().len() == 5).await;
    // Each is news once.
    until(&stage, &program, "all known", || program.said(&stage, None).stderr.contains("new=0 known=2")).await;
    stopped(&stage, program, "TERM").await;
}

/// CloudTrail does not deliver in the order of the minutes that are in the keys.
#[tokio::test]
async fn a_log_of_an_earlier_minute_that_comes_late_is_heard_of() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    stage.tell("deliver StopInstances i-web-2");
    let bucket = stage.world.lock().cloud_mut().settings_mut().trail_bucket.clone();
    let program = stage.start(&["watch", "--bucket", &bucket, "--every", "1s", "--verbose"]);
    until(&stage, &program, "listed", || program.said(&stage, None).stderr.contains("the bucket is listed")).await;

    let earlier = humantime::format_rfc3339_seconds(SystemTime::now() - Duration::from_secs(20 * 60)).to_string();
    let (day, minute) = (earlier[..10].replace('-', "/"), earlier[..16].replace(['-', ':'], ""));
    let key = format!(
        "AWSLogs/111122223333/CloudTrail/eu-west-1/{day}/111122223333_CloudTrail_eu-west-1_{minute}Z_0123456789abcdef.json.gz"
    );
    let log = json!({"Records": [{"eventSource": "ec2.amazonaws.com", "eventName": "StopInstances",
        "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}}]});
    {
        let mut world = stage.world.lock();
        let object = Object::new(log.to_string().into_bytes(), "application/json", world.now());
        world.cloud_mut().put_object(&bucket, &key, object);
    }
    let heard = "relevant: StopInstances i-0123456789abcdef0";
    until(&stage, &program, "heard of it", || program.said(&stage, None).stderr.contains(heard)).await;
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn without_any_event_it_looks_now_and_then() {
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--every", "200ms"]);
    until(&stage, &program, "looked", || !stage.world.lock().urls().is_empty()).await;
    let stage = stage.with_work();
    until(&stage, &program, "a rule", || stage.running_rules().len() == 5).await;
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn a_look_that_fails_is_made_again_soon() {
    let stage = Stage::new().await.with_work();
    stage.tell("fault observe always panos error 403 \"Invalid Credential\"");
    stage.world.lock().begin(Met::Observe);
    let program = stage.start(&["watch", "--every", "1h"]);
    until(&stage, &program, "failed", || program.said(&stage, None).stderr.contains("refuses the API key")).await;
    stage.world.lock().end();
    until(&stage, &program, "a rule", || stage.running_rules().len() == 5).await;
    stopped(&stage, program, "TERM").await;
}

#[tokio::test]
async fn a_run_that_has_changed_something_commits_it_before_it_stops() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    queue.send(&stage.event("notify StartInstances i-web-2"));
    let candidate = || stage.world.lock().rules(drawbridge_simulator::world::Tree::Candidate).len();
    until(&stage, &program, "written", || candidate() == 5).await;
    stopped(&stage, program, "TERM").await;
    assert!(has_rule(&stage), "left half-way");
    assert_eq!(queue.left(), 0);
}

/// Whoever comes next need not wait for them.
#[tokio::test]
async fn messages_of_a_run_that_fails_while_it_is_to_stop_come_again_at_once() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().commit_takes = Duration::from_secs(3600);
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    queue.send(&stage.event("notify StartInstances i-web-2"));
    let said = |what: &str| program.said(&stage, None).stderr.contains(what);
    until(&stage, &program, "committing", || said("poll job")).await;
    let asked = Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap();
    assert!(asked.success());
    // By then it has heard it.
    let polls = stage.world.lock().urls().len();
    until(&stage, &program, "polling", || stage.world.lock().urls().len() > polls + 5).await;
    stage.tell("fault poll always panos error 403 \"Invalid Credential\"");
    stage.world.lock().begin(Met::Poll);
    let ended = program.end(&stage).await;
    assert!(ended.stderr.contains("the firewall refuses the API key"), "{ended:#?}");
    assert_eq!((queue.left(), queue.hidden_for()), (1, vec![0]), "{:?}", queue.calls());
}

#[tokio::test]
async fn a_run_that_has_changed_nothing_yet_is_left_to_the_next() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await.set("DRAWBRIDGE_TIMING_SETTLE", "10m");
    let before = stage.trees();
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h", "--verbose"]);
    until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
    queue.send(&stage.event("notify StartInstances i-web-2"));
    until(&stage, &program, "received", || queue.calls().iter().any(|call| call.starts_with("hide"))).await;
    let began = Instant::now();
    stopped(&stage, program, "TERM").await;
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!((queue.left(), queue.hidden_for()), (1, vec![0]));
    assert!(stage.trees() == before);
}

#[tokio::test]
async fn what_keeps_it_from_hearing_is_said_and_tried_again() {
    let queue = FakeQueue::serve().await;
    queue.deny(&["ReceiveMessage"]);
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--queue", &queue.url(), "--every", "1h"]);
    let refused = "AWS refuses `ReceiveMessage`: allow it in the role's policy";
    until(&stage, &program, "refused", || program.said(&stage, None).stderr.contains(refused)).await;
    stopped(&stage, program, "TERM").await;

    let said = stage.fails(&["watch", "--bucket", "nowhere"]).await;
    assert!(said.contains("`ListObjectsV2`"), "{said}");
    let said = stage.fails(&["watch", "--metrics-addr", "192.0.2.1:1"]).await;
    assert!(said.contains("change `watch.metrics_addr`"), "{said}");
}

/// Without being asked it says what it does; with `--verbose` also what it waits for, and what it asks the firewall.
#[tokio::test]
async fn who_wants_to_know_more_hears_more() {
    for (arguments, tells) in
        [(&["watch", "--every", "1h"][..], false), (&["watch", "--every", "1h", "--verbose"], true)]
    {
        let stage = Stage::new().await;
        let program = stage.start(arguments);
        until(&stage, &program, "looked", || program.said(&stage, None).stderr.contains("in sync")).await;
        let said = stopped(&stage, program, "TERM").await.stderr;
        for more in ["listening to nothing but the time", "the firewall answers request=\"config get\""] {
            assert_eq!(said.contains(more), tells, "{arguments:?}: {more}: {said}");
        }
    }
}

#[tokio::test]
async fn prometheus_is_answered() {
    let stage = Stage::new().await.with_work();
    let program = stage.start(&["watch", "--every", "1h", "--metrics-addr", "127.0.0.1:0", "--verbose"]);
    until(&stage, &program, "a rule", || stage.running_rules().len() == 5).await;
    until(&stage, &program, "done", || program.said(&stage, None).stderr.contains("in sync: 2 changes, 1 commit"))
        .await;
    let said = program.said(&stage, None).stderr;
    let address = said.split("metrics at http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let page = get(&address, "/metrics").await;
    for line in [
        "drawbridge_looks_total{owner=\"drawbridge\"} 1",
        "drawbridge_changes_total{owner=\"drawbridge\"} 2",
        "drawbridge_commits_total{owner=\"drawbridge\"} 1",
        "drawbridge_owned_rules{owner=\"drawbridge\"} 1",
        "drawbridge_oldest_unapplied_change_seconds{owner=\"drawbridge\"} 0",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}: {page}");
    }
    assert!(get(&address, "/").await.starts_with("HTTP/1.1 404 "));
    stopped(&stage, program, "TERM").await;
}

/// Where metrics are served, as the program says it.
async fn metrics_address(stage: &Stage, program: &Running) -> String {
    until(stage, program, "served", || program.said(stage, None).stderr.contains("metrics at http://")).await;
    let said = program.said(stage, None).stderr;
    said.split("metrics at http://").nth(1).unwrap().split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn who_asks_for_metrics_without_end_is_not_heard_out() {
    let stage = Stage::new().await;
    let program = stage.start(&["watch", "--every", "1h", "--metrics-addr", "127.0.0.1:0", "--verbose"]);
    let address = metrics_address(&stage, &program).await;
    let silent = TcpStream::connect(&address).await.unwrap();
    let began = Instant::now();
    let page = tokio::time::timeout(PATIENCE, get(&address, "/metrics")).await.expect("others are answered");
    assert!(page.starts_with("HTTP/1.1 200 ") && began.elapsed() > Duration::from_secs(1), "{page}");
    drop(silent);

    // As long as a request may be, and not at its end.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!("{:x<1$}", "GET /metrics HTTP/1.1\r\nx: ", 8 << 10);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stopped(&stage, program, "TERM").await;
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
