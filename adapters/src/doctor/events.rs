//! Whether events arrive, where they come by way of a queue or a bucket that `watch` asks itself; and whether the role may
//! fetch them.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use drawbridge_core::{
    command::{Failure, LogRef, Trouble},
    id::{AccountId, Region},
};
use tokio::time::Instant;

use super::{Report, cloud::PERMISSION};
use crate::{
    aws::{
        NoRegion, S3Logs, VersionRead,
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

/// `account` is our own, if it is known.
pub(super) async fn check(settings: &Settings, sdk: &SdkConfig, account: Option<AccountId>, report: &mut Report) {
    match &settings.watch.source {
        None => report.ok(EVENTS, "neither `watch.queue_url` nor `watch.bucket` is set: not looked at"),
        Some(Source::Queue(url)) => queue(settings, sdk, url, report).await,
        Some(Source::Bucket { name, prefix }) => {
            let Some(region) = sdk.region().and_then(|region| region.as_ref().parse::<Region>().ok()) else {
                return report.fail(EVENTS, NoRegion);
            };
            let trail = Trail::find(sdk, name, prefix, &region, async || account);
            bucket(settings, sdk, name, trail, report).await;
        }
    }
}

async fn queue(settings: &Settings, sdk: &SdkConfig, url: &QueueUrl, report: &mut Report) {
    let queue = match Queue::new(sdk, url) {
        Ok(queue) => queue,
        Err(why) => return report.fail(EVENTS, why),
    };
    let until = Instant::now() + settings.config.timing.read;
    match of_aws("GetQueueAttributes", until, queue.depth()).await {
        Ok(depth) => {
            report.ok(PERMISSION, "`sqs:GetQueueAttributes`");
            waiting(depth, report);
        }
        Err(failure) => {
            report.fail(EVENTS, &failure.what);
            // Whoever cannot be asked this cannot be asked more.
            if !matches!(failure.what, Trouble::AwsDenied { .. }) {
                return;
            }
        }
    }
    tried("DeleteMessage", of_aws("DeleteMessage", until, queue.may_delete()).await, report);
    let released = of_aws("ChangeMessageVisibility", until, queue.may_release()).await;
    tried("ChangeMessageVisibility", released, report);
    report.ok(PERMISSION, "`sqs:ReceiveMessage`: not asked, because who receives a message hides it from others and is counted towards the dead letters: `drawbridge watch` says at once if it is refused");
}

fn tried(call: &str, may: Result<(), Failure>, report: &mut Report) {
    match may {
        Ok(()) => report.ok(PERMISSION, format!("`sqs:{call}`, asked about a message that is not there")),
        Err(failure) => report.fail(PERMISSION, failure.what),
    }
}

fn waiting(Depth { waiting, in_flight }: Depth, report: &mut Report) {
    let waiting = match waiting {
        0 => {
            return report.ok(EVENTS, format!("nothing waits in the queue, {in_flight} messages are being worked on"));
        }
        1 => "1 message waits".to_owned(),
        more => format!("{more} messages wait"),
    };
    report.warn(
        EVENTS,
        format!(
            "{waiting} in the queue, {in_flight} are being worked on: does `drawbridge watch` or the function run?"
        ),
    );
}

async fn bucket(
    settings: &Settings,
    sdk: &SdkConfig,
    name: &str,
    trail: impl Future<Output = Result<Trail, Failure>>,
    report: &mut Report,
) {
    let until = Instant::now() + settings.config.timing.read;
    let (last, left_out) = match of_aws("ListObjectsV2", until, last(trail)).await {
        Ok(found) => found,
        Err(failure) => return report.fail(EVENTS, failure.what),
    };
    report.ok(PERMISSION, "`s3:ListBucket`");
    if let Some(left_out) = left_out {
        report.warn(EVENTS, left_out);
    }
    arrived(last.as_ref(), name, SystemTime::now(), report);
    if let Some(Arrived { log, .. }) = &last {
        may_read(settings, sdk, log, until, report).await;
    }
}

/// The last log of a day, and what is to be said of accounts that are not listed.
async fn last(
    trail: impl Future<Output = Result<Trail, Failure>>,
) -> Result<(Option<Arrived>, Option<String>), Failure> {
    let trail = trail.await?;
    let now = SystemTime::now();
    let logs = trail.since(now - BACK, now).await?;
    Ok((logs.into_iter().max_by_key(|arrived| arrived.at), trail.left_out()))
}

/// Reads a log, as whoever lists the bucket does, and its version, as whoever is notified of it does.
async fn may_read(settings: &Settings, sdk: &SdkConfig, log: &LogRef, until: Instant, report: &mut Report) {
    let logs = S3Logs::new(sdk, settings.aws.log_size_max);
    match of_aws("GetObject", until, logs.fetch(log)).await {
        Ok(_) => report.ok(PERMISSION, "`s3:GetObject`"),
        Err(failure) => return report.fail(EVENTS, failure.what),
    }
    match of_aws("GetObject", until, logs.may_read_version(log)).await {
        Ok(VersionRead::Allowed) => report.ok(PERMISSION, "`s3:GetObjectVersion`"),
        Ok(VersionRead::NoVersions) => {
            report.ok(PERMISSION, format!("`s3:GetObjectVersion`: not asked, because `{}` keeps no versions", log.bucket));
        }
        Ok(VersionRead::Denied) => report.warn(
            PERMISSION,
            format!(
                "AWS refuses `s3:GetObjectVersion`: allow it in the role's policy, because notifications of `{}` name versions to the function",
                log.bucket
            ),
        ),
        Err(failure) => report.fail(EVENTS, failure.what),
    }
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
