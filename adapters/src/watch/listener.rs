//! Where news come from: a queue, or the bucket of a trail.

use std::{
    collections::BTreeSet,
    fmt,
    time::{Duration, SystemTime},
};

use drawbridge_core::{
    command::{Failure, LogRef},
    run::{Trigger, Wake},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    aws::{
        queue::{Message, Queue, WAIT_MAX},
        trail::Trail,
    },
    envelope::Envelope,
};

/// Until somebody has looked at them, messages that were handed out are hidden so long: whoever dies before leaves them to
/// come again soon.
const HIDDEN_AT_FIRST: Duration = Duration::from_secs(60);

/// Messages of a run that failed, or that never was, come again after this long.
const AGAIN: Duration = Duration::from_secs(30);

/// How many messages one run sees to at most.
const MESSAGES_MAX: usize = 500;

/// How many bytes of messages it takes in before it begins: a message that tells something has a few thousand.
const BYTES_MAX: usize = 4_000_000;

/// How often a bucket is listed, unless looks are made more often.
const LISTED_EVERY: Duration = Duration::from_secs(30);

/// Logs arrive out of order: how far before the last listing each goes back.
const OVERLAP: Duration = Duration::from_secs(30 * 60);

/// What is listened to.
#[derive(Debug)]
pub(super) enum Listener {
    /// A queue.
    Queue(Queue),
    /// The bucket of a trail.
    Bucket(Bucket),
    /// Nothing: the schedule alone.
    Nothing,
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queue(_) => "the queue",
            Self::Bucket(_) => "the trail's bucket",
            Self::Nothing => "nothing but the time",
        })
    }
}

/// The bucket of a trail, and what is known of it.
#[derive(Debug)]
pub(super) struct Bucket {
    trail: Trail,
    every: Duration,
    due: Instant,
    listed: SystemTime,
    seen: BTreeSet<LogRef>,
}

/// What came.
#[derive(Debug)]
pub(super) struct News {
    /// What a run is begun with.
    pub(super) trigger: Trigger,
    messages: Vec<Message>,
}

impl News {
    /// It is time to look.
    pub(super) const fn schedule() -> Self {
        let trigger = Trigger { logs: Vec::new(), events: Vec::new(), wake: Wake::Always };
        Self { trigger, messages: Vec::new() }
    }
}

/// What became of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// They are seen to.
    Well,
    /// They are to come again.
    Badly,
    /// The same, at once: whoever comes next shall have them.
    Stopped,
}

impl Listener {
    /// A bucket, of which nothing is known yet, where looks are made so often.
    pub(super) fn of_bucket(trail: Trail, every: Duration) -> Self {
        let every = every.min(LISTED_EVERY);
        Self::Bucket(Bucket { trail, every, due: Instant::now(), listed: SystemTime::now(), seen: BTreeSet::new() })
    }

    /// Waits for news, for at most `patience`; a run on them may take `budget`.
    ///
    /// # Errors
    /// If AWS refuses, or does not answer.
    pub(super) async fn listen(&mut self, patience: Duration, budget: Duration) -> Result<Option<News>, Failure> {
        match self {
            Self::Queue(queue) => receive(queue, patience, budget).await,
            Self::Bucket(bucket) => bucket.listen(patience).await,
            Self::Nothing => {
                tokio::time::sleep(patience).await;
                Ok(None)
            }
        }
    }

    /// Says what became of news. What cannot be said is logged: messages come again by themselves.
    pub(super) async fn done(&mut self, news: News, done: Done) {
        match self {
            Self::Queue(queue) => {
                for message in &news.messages {
                    let told = match done {
                        Done::Well => queue.delete(message).await,
                        Done::Badly => queue.release(message, AGAIN).await,
                        Done::Stopped => queue.release(message, Duration::ZERO).await,
                    };
                    if let Err(failure) = told {
                        tracing::warn!("a message comes again, although that is not needed: {}", failure.what);
                    }
                }
            }
            // What a failed run leaves, the next look finds; its logs would only have told whom to name.
            Self::Bucket(_) | Self::Nothing => {}
        }
    }
}

/// What waits in the queue, so that a burst is one run: all of it, or the ten messages that a FIFO queue hands out of one group
/// before they are deleted.
async fn receive(queue: &Queue, patience: Duration, budget: Duration) -> Result<Option<News>, Failure> {
    let mut messages = queue.receive(patience.min(WAIT_MAX), HIDDEN_AT_FIRST).await?;
    if messages.is_empty() {
        return Ok(None);
    }
    while messages.len() < MESSAGES_MAX && messages.iter().map(|message| message.body.len()).sum::<usize>() < BYTES_MAX
    {
        match queue.receive(Duration::ZERO, HIDDEN_AT_FIRST).await {
            Ok(more) if !more.is_empty() => messages.extend(more),
            // What is there already is worth a run by itself.
            Ok(_) | Err(_) => break,
        }
    }
    tracing::debug!(messages = messages.len(), "the queue has brought news");
    for message in &messages {
        queue.release(message, budget + HIDDEN_AT_FIRST).await?;
    }
    let records: Vec<_> = messages.iter().map(|m| json!({ "eventSource": "aws:sqs", "body": m.body })).collect();
    let trigger = Envelope::open(&Value::Array(records)).trigger();
    Ok(Some(News { trigger, messages }))
}

impl Bucket {
    /// Lists when it is time to, if that is within `patience`.
    async fn listen(&mut self, patience: Duration) -> Result<Option<News>, Failure> {
        let left = self.due.saturating_duration_since(Instant::now());
        tokio::time::sleep(left.min(patience)).await;
        if left > patience {
            return Ok(None);
        }
        let news = self.list().await?;
        self.due = Instant::now() + self.every;
        Ok(news)
    }

    /// Logs that have not been seen yet.
    async fn list(&mut self) -> Result<Option<News>, Failure> {
        let now = SystemTime::now();
        let arrived = self.trail.since(self.listed - OVERLAP, now).await?;
        let all: BTreeSet<LogRef> = arrived.into_iter().map(|arrived| arrived.log).collect();
        let logs: Vec<_> = all.difference(&self.seen).cloned().collect();
        tracing::debug!(new = logs.len(), known = self.seen.len(), "the bucket is listed");
        (self.listed, self.seen) = (now, all);
        let trigger = Trigger { logs, events: Vec::new(), wake: Wake::ByEvents };
        Ok((!trigger.logs.is_empty()).then_some(News { trigger, messages: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::aws::server::{Answer, Server};

    const BUDGET: Duration = Duration::from_secs(900);

    #[tokio::test]
    async fn a_bucket_is_not_listed_again_at_once_when_something_has_come() {
        let server = Server::start(|request| {
            let query = request.target.split_once('?').map_or("", |(_, query)| query);
            let asked: BTreeMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let folder = &asked["prefix"];
            let inner = if folder.ends_with("/CloudTrail/") { "eu-west-1" } else { "111122223333" };
            let listed = if asked.contains_key("delimiter") {
                format!("<CommonPrefixes><Prefix>{folder}{inner}/</Prefix></CommonPrefixes>")
            } else {
                format!("<Contents><Key>{folder}1_CloudTrail_.json.gz</Key></Contents>")
            };
            Answer::xml(200, &format!("<ListBucketResult>{listed}</ListBucketResult>"))
        })
        .await;
        let region = "eu-west-1".parse().unwrap();
        let trail = Trail::find(&server.sdk_config(), "trail", "", &region, async || None).await.unwrap();
        let mut listener = Listener::of_bucket(trail, BUDGET);
        assert!(listener.listen(WAIT_MAX, BUDGET).await.unwrap().is_some());
        let asked = server.requests().len();
        assert!(listener.listen(Duration::from_millis(100), BUDGET).await.unwrap().is_none());
        assert_eq!(server.requests().len(), asked);
    }
}
