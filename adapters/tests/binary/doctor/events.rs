//! Whether events arrive, by bucket or by queue, and whether they may be fetched.

use std::time::Duration;

use serde_json::Value;

use super::{NOBODY, behind, check, check_with, has, in_real_time, skipped};
use crate::{queue::FakeQueue, stage::Stage};

const BUCKET: &[&str] = &["--bucket", "trail"];

/// A world in which a log has just arrived.
async fn with_log() -> Stage {
    let stage = Stage::new().await;
    in_real_time(&stage);
    stage.tell("deliver StartInstances i-web-2");
    stage
}

fn deny(stage: &Stage, action: &str) {
    stage.world.lock().cloud_mut().settings_mut().denied_actions.insert(action.to_owned());
}

#[tokio::test]
async fn logs_in_a_bucket() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    const NO_FOLDER: &str = "failure, events: AWS answered `ListObjectsV2` with no folder of a trail for eu-west-1 in `trail` (check `watch.bucket` and `watch.prefix`, and that the trail records this region)";
    check_with(&stage, BUCKET, &[NO_FOLDER]).await;
    let nowhere =
        "failure, events: AWS answered `ListObjectsV2` with NoSuchBucket: check `watch.bucket` and `aws.region`";
    check_with(&stage, &["--bucket", "nowhere"], &[nowhere]).await;

    let stage = with_log().await;
    check_with(&stage, &["--bucket", "trail", "--prefix", "elsewhere"], &[NO_FOLDER]).await;
    check_with(&stage, BUCKET, &[]).await;
    let unversioned = "ok, AWS permission: `s3:GetObjectVersion`: not asked, because `trail` keeps no versions";
    let arrived = "ok, events: the last log arrived in `trail` 0 min ago";
    has(
        &stage,
        BUCKET,
        &[arrived, "ok, AWS permission: `s3:ListBucket`", "ok, AWS permission: `s3:GetObject`", unversioned],
    )
    .await;
    stage.world.lock().cloud_mut().keep_versions("trail");
    has(&stage, BUCKET, &["ok, AWS permission: `s3:GetObjectVersion`"]).await;
}

#[tokio::test]
async fn rights_to_the_bucket() {
    let stage = with_log().await;
    deny(&stage, "ListBucket");
    check_with(&stage, BUCKET, &["failure, events: AWS refuses `s3:ListBucket`: allow it in the role's policy"]).await;
    let stage = with_log().await;
    deny(&stage, "GetObject");
    let unread =
        "failure, events: log unreadable: S3 answered 403: allow `s3:GetObject` on it, and `kms:Decrypt` on its key";
    check_with(&stage, BUCKET, &[unread]).await;
    let stage = with_log().await;
    stage.world.lock().cloud_mut().keep_versions("trail");
    deny(&stage, "GetObjectVersion");
    check_with(&stage, BUCKET, &["warning, AWS permission: AWS refuses `s3:GetObjectVersion`: allow it in the role's policy, because notifications of `trail` name versions to the function"]).await;
}

#[tokio::test]
async fn logs_that_cannot_be_had() {
    for (file, says) in [("truncated", "gzip is truncated or damaged"), ("not-json", "not a CloudTrail log")] {
        let stage = Stage::new().await;
        in_real_time(&stage);
        stage.tell(&format!("deliver file {file}"));
        check_with(&stage, BUCKET, &[&format!("failure, events: log unreadable: {says}")]).await;
    }
    let stage = with_log().await.set("AWS_ENDPOINT_URL_S3", NOBODY);
    let unreachable = "failure, events: no answer from AWS to `ListObjectsV2`: check network, endpoint and credentials";
    check_with(&stage, BUCKET, &[unreachable]).await;
    let stage = stage.unset("AWS_REGION");
    check_with(
        &stage,
        BUCKET,
        &[
            "failure, AWS credentials: the region is not known: set `aws.region` or `AWS_REGION`",
            "failure, events: the region is not known: set `aws.region` or `AWS_REGION`",
            &skipped("AWS permission, clock and AWS, AWS inventory, gateway, decision"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_trail_that_has_fallen_silent() {
    const REMEDY: &str = "is the trail on, and does it record this region's management events?";
    for (hours, says) in
        [(3, "the last log arrived in `trail` 180 min ago"), (30, "no log has arrived in `trail` for a day")]
    {
        let stage = Stage::new().await;
        behind(&stage, Duration::from_secs(hours * 60 * 60));
        stage.tell("deliver StartInstances i-web-2");
        check_with(&stage, BUCKET, &[&format!("warning, events: {says}: {REMEDY}")]).await;
    }
}

#[tokio::test]
async fn messages_in_a_queue() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await.set("DRAWBRIDGE_WATCH_QUEUE_URL", &queue.url());
    check(&stage, &[]).await;
    has(
        &stage,
        &[],
        &[
            "ok, AWS permission: `sqs:GetQueueAttributes`",
            "ok, events: nothing waits in the queue, 0 messages are being worked on",
            "ok, AWS permission: `sqs:DeleteMessage`, asked about a message that is not there",
            "ok, AWS permission: `sqs:ChangeMessageVisibility`, asked about a message that is not there",
            "ok, AWS permission: `sqs:ReceiveMessage`: not asked, because who receives a message hides it from others and is counted towards the dead letters: `drawbridge watch` says at once if it is refused",
        ],
    )
    .await;
    const RUNS: &str = "in the queue, 0 are being worked on: does `drawbridge watch` or the function run?";
    queue.send(&Value::Null);
    check(&stage, &[&format!("warning, events: 1 message waits {RUNS}")]).await;
    queue.send(&Value::Null);
    check(&stage, &[&format!("warning, events: 2 messages wait {RUNS}")]).await;
    // Nobody has been given one, and none is gone.
    assert_eq!((queue.left(), queue.calls(), queue.hidden_for()), (2, Vec::new(), vec![0, 0]));

    let stage = stage.set("DRAWBRIDGE_WATCH_BUCKET", "trail");
    check(
        &stage,
        &["failure, settings: `watch.queue_url` (DRAWBRIDGE_WATCH_QUEUE_URL) and `watch.bucket` (DRAWBRIDGE_WATCH_BUCKET) cannot be meant together: keep one of them"],
    )
    .await;
}

#[tokio::test]
async fn rights_to_the_queue() {
    let refused =
        |check: &str, call: &str| format!("failure, {check}: AWS refuses `{call}`: allow it in the role's policy");
    let of_message = ["DeleteMessage", "ChangeMessageVisibility"];
    for call in of_message {
        let queue = FakeQueue::serve().await;
        let stage = Stage::new().await.set("DRAWBRIDGE_WATCH_QUEUE_URL", &queue.url());
        queue.deny(&[call]);
        check(&stage, &[&refused("AWS permission", call)]).await;
    }
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await.set("DRAWBRIDGE_WATCH_QUEUE_URL", &queue.url());
    queue.deny(&["GetQueueAttributes"]);
    check(&stage, &[&refused("events", "GetQueueAttributes")]).await;
    queue.deny(&of_message);
    let [delete, release] = of_message.map(|call| refused("AWS permission", call));
    check(&stage, &[&refused("events", "GetQueueAttributes"), &delete, &release]).await;
}

#[tokio::test]
async fn a_queue_that_cannot_be_asked() {
    let queue = FakeQueue::serve().await;
    queue.refuse("GetQueueAttributes", "QueueDoesNotExist");
    let stage = Stage::new().await.set("DRAWBRIDGE_WATCH_QUEUE_URL", &queue.url());
    check(&stage, &["failure, events: AWS answered `GetQueueAttributes` with QueueDoesNotExist (check `watch.queue_url`): look it up in the service's list of error codes"]).await;
    let stage = stage.set("DRAWBRIDGE_WATCH_QUEUE_URL", &format!("{NOBODY}/111122223333/wake.fifo"));
    check(
        &stage,
        &["failure, events: no answer from AWS to `GetQueueAttributes`: check network, endpoint and credentials"],
    )
    .await;
    let stage = stage.unset("AWS_REGION");
    check(
        &stage,
        &[
            "failure, AWS credentials: the region is not known: set `aws.region` or `AWS_REGION`",
            "failure, events: the region of the queue is not known: set `aws.region` or `AWS_REGION`",
            &skipped("AWS permission, clock and AWS, AWS inventory, gateway, decision"),
        ],
    )
    .await;
}
