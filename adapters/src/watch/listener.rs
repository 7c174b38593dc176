//! Where news come from: a queue, or the bucket of a trail.

use std::{
    collections::BTreeSet,
    fmt, mem,
    time::{Duration, SystemTime},
};

use drawbridge_core::{
    command::{Failure, LogRef, Trouble},
    run::{Trigger, Wake},
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

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

/// How long a queue is told what became of the messages of one run.
const TELLING: Duration = Duration::from_secs(10);
const TELLING_ONE: Duration = Duration::from_millis(80);

/// How long more and more messages are taken in for one run.
const COLLECTING: Duration = Duration::from_secs(10);

/// Whoever answers at once that there is nothing, although it was asked to wait, is not asked again before this is over.
const PAUSE: Duration = Duration::from_secs(1);

/// How long messages that were handed out are given back, when nobody is going to see to them.
const GIVING_BACK: Duration = Duration::from_secs(5);

/// What SQS says of a message that has come loose by now, or was deleted (SQS API reference, `ChangeMessageVisibility`).
const LOOSE: &[&str] = &["MessageNotInflight", "ReceiptHandleIsInvalid", "InvalidParameterValue"];

/// What is listened to.
#[derive(Debug)]
pub(super) enum Listener {
    /// A queue.
    Queue(Inbox),
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

/// A queue, and the messages that it has handed out for a run that has not begun.
#[derive(Debug)]
pub(super) struct Inbox {
    queue: Queue,
    held: Vec<Message>,
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
    /// A queue, of which nobody has been given anything yet.
    pub(super) const fn of_queue(queue: Queue) -> Self {
        Self::Queue(Inbox { queue, held: Vec::new() })
    }

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
            Self::Queue(inbox) => inbox.receive(patience, budget).await,
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
            Self::Queue(inbox) if done == Done::Stopped => {
                inbox.held = news.messages;
                inbox.give_back().await;
            }
            Self::Queue(Inbox { queue, .. }) => {
                let patience = TELLING + TELLING_ONE * u32::try_from(news.messages.len()).unwrap_or(u32::MAX);
                if timeout(patience, tell(queue, &news.messages, done)).await.is_err() {
                    tracing::warn!("the queue takes too long to hear of all messages: {}", comes_again(done));
                }
            }
            // What a failed run leaves, the next look finds; its logs would only have told whom to name.
            Self::Bucket(_) | Self::Nothing => {}
        }
    }

    /// Gives back what was handed out for a run that has not begun, so that whoever comes next has it at once.
    pub(super) async fn give_back(&mut self) {
        if let Self::Queue(inbox) = self {
            inbox.give_back().await;
        }
    }
}

/// Whether SQS says that a message is not ours any more.
fn is_loose(code: &str) -> bool {
    LOOSE.iter().any(|loose| code.starts_with(loose))
}

/// What becomes of a message of which the queue does not hear.
const fn comes_again(done: Done) -> &'static str {
    match done {
        Done::Well => "a message comes again, although that is not needed",
        Done::Badly | Done::Stopped => "a message comes again later than it could",
    }
}

/// Tells a queue what became of messages. Where it does not answer once, it is not asked about the others.
async fn tell(queue: &Queue, messages: &[Message], done: Done) {
    for message in messages {
        let told = match done {
            Done::Well => queue.delete(message).await,
            Done::Badly | Done::Stopped => queue.release(message, AGAIN).await,
        };
        if let Err(failure) = told {
            tracing::warn!("{}: {}", comes_again(done), failure.what);
            if matches!(failure.what, Trouble::AwsUnreachable { .. }) {
                return;
            }
        }
    }
}

impl Inbox {
    /// What waits in the queue, so that a burst is one run: all of it, or the ten messages that a FIFO queue hands out of one
    /// group before they are deleted. Whoever gives up waiting leaves what was handed out to be given back.
    async fn receive(&mut self, patience: Duration, budget: Duration) -> Result<Option<News>, Failure> {
        let begun = Instant::now();
        self.held = self.queue.receive(patience.min(WAIT_MAX), HIDDEN_AT_FIRST).await?;
        if self.held.is_empty() {
            sleep_until(begun + PAUSE.min(patience)).await;
            return Ok(None);
        }
        let mut hidden = 0;
        let begun = Instant::now();
        loop {
            // At once: taking in a large backlog may last longer than they are hidden at first.
            if let Err(failure) = self.hide(hidden, budget + HIDDEN_AT_FIRST).await {
                self.give_back().await;
                return Err(failure);
            }
            hidden = self.held.len();
            if hidden >= MESSAGES_MAX || self.size() >= BYTES_MAX || begun.elapsed() >= COLLECTING {
                break;
            }
            match self.queue.receive(Duration::ZERO, HIDDEN_AT_FIRST).await {
                Ok(more) if !more.is_empty() => self.held.extend(more),
                // What is there already is worth a run by itself.
                Ok(_) | Err(_) => break,
            }
        }
        if self.held.is_empty() {
            return Ok(None);
        }
        tracing::debug!(messages = self.held.len(), "the queue has brought news");
        let messages = mem::take(&mut self.held);
        let records: Vec<_> = messages.iter().map(|m| json!({ "eventSource": "aws:sqs", "body": m.body })).collect();
        let trigger = Envelope::open(&Value::Array(records)).trigger();
        Ok(Some(News { trigger, messages }))
    }

    fn size(&self) -> usize {
        self.held.iter().map(|message| message.body.len()).sum()
    }

    /// Hides messages from this one on. One that is not ours any more goes to somebody else.
    async fn hide(&mut self, first: usize, how_long: Duration) -> Result<(), Failure> {
        let mut at = first;
        while let Some(message) = self.held.get(at) {
            match self.queue.release(message, how_long).await {
                Ok(()) => at += 1,
                Err(Failure { what: Trouble::Aws { code, .. }, .. }) if is_loose(&code) => {
                    self.held.remove(at);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Gives back as much as a short time allows. The rest comes again by itself, later.
    async fn give_back(&mut self) {
        let held = mem::take(&mut self.held);
        let given_back = async {
            for message in &held {
                if let Err(failure) = self.queue.release(message, Duration::ZERO).await {
                    tracing::warn!("a message comes again later than it could: {}", failure.what);
                }
            }
        };
        if timeout(GIVING_BACK, given_back).await.is_err() {
            tracing::warn!("the queue takes too long to take messages back: they come again later");
        }
    }
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
    use std::{collections::BTreeMap, sync::Arc};

    use tokio::sync::Notify;

    use super::*;
    use crate::aws::server::{Answer, Request, Server};

    const BUDGET: Duration = Duration::from_secs(900);

    /// A queue of two messages, where this is answered to whoever hides or gives back one.
    async fn inbox(answer: impl Fn(u64) -> Answer + Send + 'static) -> (Listener, Server) {
        let server = Server::start(move |request| match request.json() {
            asked if asked.get("ReceiptHandle").is_some() => answer(asked["VisibilityTimeout"].as_u64().unwrap()),
            asked if asked["WaitTimeSeconds"] == 0 => Answer::json(200, "{}"),
            _ => Answer::json(
                200,
                r#"{"Messages":[{"ReceiptHandle":"a","Body":"{}"},{"ReceiptHandle":"b","Body":"{}"}]}"#,
            ),
        })
        .await;
        let config = server.sdk_config();
        let url = format!("{}/111122223333/wake.fifo", config.endpoint_url().unwrap());
        (Listener::of_queue(Queue::new(&config, &url.parse().unwrap()).unwrap()), server)
    }

    /// Which message was hidden for how long, in order.
    fn hidden(server: &Server) -> Vec<String> {
        let asked: Vec<_> = server.requests().iter().map(Request::json).collect();
        let hidden =
            asked.iter().filter_map(|asked| Some((asked["ReceiptHandle"].as_str()?, &asked["VisibilityTimeout"])));
        hidden.map(|(message, seconds)| format!("{message} {seconds}")).collect()
    }

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

    #[tokio::test]
    async fn what_cannot_be_kept_from_others_is_given_back() {
        let (mut listener, server) = inbox(|seconds| Answer::json(if seconds == 0 { 200 } else { 500 }, "{}")).await;
        assert!(listener.listen(WAIT_MAX, BUDGET).await.is_err());
        assert_eq!(hidden(&server), ["a 960", "a 0", "b 0"]);
    }

    #[tokio::test]
    async fn a_message_that_has_come_loose_keeps_none_of_the_others_from_a_run() {
        let body = r#"{"__type":"com.amazonaws.sqs#MessageNotInflight"}"#;
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let is_first = move || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        let (mut listener, server) =
            inbox(move |_| if is_first() { Answer::json(400, body) } else { Answer::json(200, "{}") }).await;
        let news = listener.listen(WAIT_MAX, BUDGET).await.unwrap().unwrap();
        assert_eq!(news.messages.iter().map(|message| message.receipt.as_str()).collect::<String>(), "b");
        assert_eq!(hidden(&server), ["a 960", "b 960"]);
    }

    #[tokio::test]
    async fn a_queue_that_does_not_answer_is_not_told_of_every_message() {
        let (mut listener, server) = inbox(|_| Answer::json(200, "{}")).await;
        let news = listener.listen(WAIT_MAX, BUDGET).await.unwrap().unwrap();
        assert_eq!(news.messages.len(), 2);
        let asked = server.requests().len();
        drop(server);
        let begun = Instant::now();
        listener.done(news, Done::Well).await;
        assert!(begun.elapsed() < TELLING && asked > 0);
    }

    #[tokio::test]
    async fn whoever_stops_while_messages_are_hidden_gives_them_back() {
        let is_hiding = Arc::new(Notify::new());
        let hides = Arc::clone(&is_hiding);
        let (mut listener, server) = inbox(move |seconds| {
            if seconds > 0 {
                hides.notify_one();
            }
            Answer::json(200, "{}")
        })
        .await;
        tokio::select! {
            biased;
            () = is_hiding.notified() => {}
            news = listener.listen(WAIT_MAX, BUDGET) => panic!("nobody has stopped it: {}", news.is_ok()),
        }
        listener.give_back().await;
        assert_eq!(hidden(&server), ["a 960", "a 0", "b 0"]);
        // Once is enough.
        listener.give_back().await;
        assert_eq!(hidden(&server).len(), 3);
    }
}
