//! Whether events arrive, where they come by way of a queue or a bucket that `watch` asks itself.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use drawbridge_core::{
    command::{Command, Failure, LogRef},
    id::Region,
};
use tokio::time::Instant;

use super::Report;
use crate::{
    aws::{
        S3Logs,
        queue::{Depth, Queue},
        trail::{Arrived, Trail},
    },
    live::of_aws,
    settings::{QueueUrl, Settings, Source},
};

const EVENTS: &str = "events";

/// A trail delivers about every five minutes when something happens (CloudTrail user guide,
/// `get-and-view-cloudtrail-log-files`): an account that is in use is never silent for so long.
const SILENCE: Duration = Duration::from_secs(60 * 60);

/// How far back the last log is looked for.
const BACK: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn check(settings: &Settings, sdk: &SdkConfig, report: &mut Report) {
    match &settings.watch.source {
        None => report.ok(EVENTS, "neither `watch.queue_url` nor `watch.bucket` is set: not looked at"),
        Some(Source::Queue(url)) => queue(settings, sdk, url, report).await,
        Some(Source::Bucket { name, prefix }) => match last(settings, sdk, name, prefix).await {
            Ok(last) => arrived(last.as_ref(), name, SystemTime::now(), report),
            Err(failure) => report.fail(EVENTS, failure.what),
        },
    }
}

async fn queue(settings: &Settings, sdk: &SdkConfig, url: &QueueUrl, report: &mut Report) {
    let queue = match Queue::new(sdk, url) {
        Ok(queue) => queue,
        Err(why) => return report.fail(EVENTS, why),
    };
    let until = Instant::now() + settings.config.timing.read;
    match of_aws("GetQueueAttributes", until, queue.depth()).await {
        Ok(Depth { waiting: 0, in_flight }) => {
            report.ok(EVENTS, format!("nothing waits in the queue, {in_flight} messages are being worked on"));
        }
        Ok(Depth { waiting, in_flight }) => {
            let waiting = if waiting == 1 { "1 message waits".to_owned() } else { format!("{waiting} messages wait") };
            report.warn(
                EVENTS,
                format!("{waiting} in the queue, {in_flight} are being worked on: does `drawbridge watch` or the function run?"),
            );
        }
        Err(failure) => report.fail(EVENTS, failure.what),
    }
}

/// The last log of a day; read, to see whether that is allowed.
async fn last(settings: &Settings, sdk: &SdkConfig, bucket: &str, prefix: &str) -> Result<Option<Arrived>, Failure> {
    let until = Instant::now() + settings.config.timing.read;
    let Some(region) = sdk.region().and_then(|region| region.as_ref().parse::<Region>().ok()) else { return Ok(None) };
    let trail = of_aws("ListObjectsV2", until, Trail::find(sdk, bucket, prefix, &region)).await?;
    let now = SystemTime::now();
    let logs = of_aws("ListObjectsV2", until, trail.since(now - BACK, now)).await?;
    let last = logs.into_iter().max_by_key(|arrived| arrived.at);
    if let Some(Arrived { log, .. }) = &last {
        read(settings, sdk, log, until).await?;
    }
    Ok(last)
}

async fn read(settings: &Settings, sdk: &SdkConfig, log: &LogRef, until: Instant) -> Result<(), Failure> {
    let logs = S3Logs::new(sdk, settings.aws.log_size_max);
    of_aws(&Command::FetchLog(log.clone()).to_string(), until, logs.fetch(log)).await.map(drop)
}

fn arrived(last: Option<&Arrived>, bucket: &str, now: SystemTime, report: &mut Report) {
    const REMEDY: &str = "is the trail on, and does it record this region's management events?";
    let Some(last) = last else {
        return report.warn(EVENTS, format!("no log has arrived in `{bucket}` for a day: {REMEDY}"));
    };
    let age = last.at.and_then(|at| now.duration_since(at).ok()).unwrap_or_default();
    let minutes = age.as_secs() / 60;
    let says = format!("the last log arrived in `{bucket}` {minutes} min ago");
    if age > SILENCE { report.warn(EVENTS, format!("{says}: {REMEDY}")) } else { report.ok(EVENTS, says) }
}
