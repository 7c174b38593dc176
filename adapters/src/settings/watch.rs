//! How `watch` hears of events.

use std::{fmt, net::SocketAddr, str::FromStr, time::Duration};

use reqwest::Url;

use super::{
    reader::Reader,
    value::{address, parsed, positive_duration},
};
use crate::panos::https::is_in_the_clear;

/// How `watch` hears of events, and how often it looks without any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Where events come from; the schedule alone where there is no such place.
    pub source: Option<Source>,
    /// The longest time between two looks.
    pub every: Duration,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A queue of SQS.
    Queue(QueueUrl),
    /// The bucket of a trail, which is listed.
    Bucket {
        /// Its name.
        name: String,
        /// What stands before `AWSLogs/`, without the slash between; empty if nothing does.
        prefix: String,
    },
}

/// The URL of a queue, as SQS gives it: `https://sqs.eu-west-1.amazonaws.com/111122223333/wake.fifo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueUrl(Url);

/// A text that is no URL of a queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no URL of a queue: give it as `https://sqs.<region>.amazonaws.com/<account>/<name>`")]
pub struct NotAQueue(String);

impl FromStr for QueueUrl {
    type Err = NotAQueue;

    fn from_str(text: &str) -> Result<Self, NotAQueue> {
        let no = || NotAQueue(text.chars().filter(|c| !c.is_control()).take(200).collect());
        let url: Url = text.trim().parse().map_err(|_| no())?;
        let names = url.path().split('/').filter(|name| !name.is_empty()).count();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && names >= 2 { Ok(Self(url)) } else { Err(no()) }
    }
}

impl fmt::Display for QueueUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl QueueUrl {
    /// Where its service answers: scheme, host and port.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether whoever stands between can read and change what is asked and answered.
    pub fn is_in_the_clear(&self) -> bool {
        is_in_the_clear(&self.0)
    }

    /// The region in its host name, if that is one of AWS's own.
    pub fn region(&self) -> Option<&str> {
        self.0.host_str()?.strip_prefix("sqs.")?.split_once(".amazonaws.com").map(|(region, _)| region)
    }
}

impl Reader {
    pub(super) fn watch(&mut self) -> Option<WatchSettings> {
        let queue: Option<Option<QueueUrl>> = self.maybe("watch.queue_url", parsed);
        let bucket = self.maybe("watch.bucket", bucket);
        let prefix = self.maybe("watch.prefix", prefix);
        let every = self.one("watch.every", positive_duration);
        let metrics = self.maybe("watch.metrics_addr", address);
        self.at_most_one(&["watch.queue_url", "watch.bucket"])?;
        let prefix = prefix?.unwrap_or_default();
        let bucket = bucket?.map(|name| Source::Bucket { name, prefix });
        Some(WatchSettings { source: queue?.map(Source::Queue).or(bucket), every: every?, metrics: metrics? })
    }
}

/// The name of a bucket (S3 user guide, `bucketnamingrules`).
fn bucket(text: &str) -> Result<String, String> {
    let fits = (3..=63).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'));
    if fits { Ok(text.to_owned()) } else { Err(format!("`{text}` is no name of a bucket")) }
}

fn prefix(text: &str) -> Result<String, String> {
    let fits = !text.contains(char::is_control);
    if fits { Ok(text.trim_matches('/').to_owned()) } else { Err("a key holds no control characters".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_a_region_and_an_origin() {
        let queue: QueueUrl = "https://sqs.eu-west-1.amazonaws.com/111122223333/wake.fifo".parse().unwrap();
        assert_eq!((queue.region(), &*queue.origin()), (Some("eu-west-1"), "https://sqs.eu-west-1.amazonaws.com"));
        let local: QueueUrl = "http://127.0.0.1:9324/000000000000/wake".parse().unwrap();
        assert_eq!((local.region(), &*local.origin()), (None, "http://127.0.0.1:9324"));
        let elsewhere: QueueUrl = "http://10.0.0.7:9324/000000000000/wake".parse().unwrap();
        assert_eq!([queue, local, elsewhere].map(|url| url.is_in_the_clear()), [false, false, true]);
        for text in
            ["", "wake.fifo", "arn:aws:sqs:eu-west-1:111122223333:wake", "https://sqs.eu-west-1.amazonaws.com/x"]
        {
            assert!(text.parse::<QueueUrl>().is_err(), "{text}");
        }
    }
}
