//! What woke us: notifications of S3, messages of SNS and SQS, events of EventBridge, a schedule, in any wrapping. Pure.
//!
//! Forms per the vendor's pages: Amazon S3 user guide (`notification-content-structure`, `ev-events`), Lambda developer
//! guide (`with-sns`, `with-sqs`), EventBridge user guide (`eb-service-event-cloudtrail`), CloudTrail user guide
//! (`configure-sns-notifications-for-cloudtrail`).

use std::collections::BTreeSet;

use serde_json::Value;

use drawbridge_core::{
    command::LogRef,
    event::{Event, EventKind},
    run::{self, Trigger},
};

use crate::{aws::cloudtrail, text::clean};

/// What an invocation brought. Empty lists and [`Wake::Events`] mean that there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Log files to read, in the order they came, each once.
    pub logs: Vec<LogRef>,
    /// Events that came by themselves.
    pub events: Vec<Event>,
    /// What the invocation is, as a whole.
    pub wake: Wake,
}

/// What an invocation is. Where several kinds came in one batch, the last of these counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wake {
    /// Its logs and events say whether to look.
    #[default]
    Events,
    /// A timer: always look.
    Schedule,
    /// Something that we do not know, or cannot read: always look, and say what it was, in a few words.
    Unknown(String),
}

/// How many logs, and how many events, one invocation is read for: far more than S3, EventBridge and CloudTrail send at once.
/// What comes after them is worth a look like anything unknown.
const PARTS_MAX: usize = 1_000;

/// How many lists and messages can lie within one another: an S3 notification by SNS and SQS takes five.
const DEPTH_MAX: u8 = 8;

/// What CloudTrail sends to its topic when a trail is created or changed.
const TRAIL_TEST: &str = "CloudTrail validation message.";

impl Envelope {
    /// Opens a payload.
    pub fn open(payload: &Value) -> Self {
        let mut envelope = Self::default();
        envelope.add(payload, DEPTH_MAX);
        envelope
    }

    /// What a run is begun with.
    pub fn trigger(self) -> Trigger {
        let wake = match self.wake {
            Wake::Events => run::Wake::ByEvents,
            Wake::Schedule | Wake::Unknown(_) => run::Wake::Always,
        };
        Trigger { logs: self.logs, events: self.events, wake }
    }

    fn add(&mut self, value: &Value, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else { return self.unknown("too many wrappings") };
        match Shape::of(value) {
            Shape::List(items) => items.iter().for_each(|item| self.add(item, depth)),
            Shape::Message(TRAIL_TEST) | Shape::S3Test => {}
            Shape::Message(text) => match serde_json::from_str(text) {
                Ok(inner) => self.add(&inner, depth),
                Err(_) => self.unknown("a message that is not JSON"),
            },
            Shape::S3Record => self.add_s3_record(value),
            Shape::TrailTopic { bucket, keys } => {
                for key in keys {
                    self.add_log(Some(bucket), key.as_str(), &Value::Null);
                }
            }
            Shape::EventBridge(kind) => self.add_bridged(kind, value),
            Shape::Unknown => self.unknown(&outline(value)),
        }
    }

    /// The first unknown thing stands for all.
    fn unknown(&mut self, what: &str) {
        if !matches!(self.wake, Wake::Unknown(_)) {
            self.wake = Wake::Unknown(what.to_owned());
        }
    }

    fn schedule(&mut self) {
        if self.wake == Wake::Events {
            self.wake = Wake::Schedule;
        }
    }

    /// Objects that went away need no reading.
    fn add_s3_record(&mut self, record: &Value) {
        if record["eventName"].as_str().is_none_or(|name| name.starts_with("ObjectCreated")) {
            let (bucket, object) = (&record["s3"]["bucket"]["name"], &record["s3"]["object"]);
            let key = object["key"].as_str().map(decode_key);
            self.add_log(bucket.as_str(), key.as_deref(), &object["versionId"]);
        }
    }

    fn add_bridged(&mut self, kind: &str, event: &Value) {
        let (detail, source) = (&event["detail"], event["source"].as_str());
        match (source, kind) {
            // Rules with a schedule, and EventBridge Scheduler where nobody told it what to send.
            (Some("aws.events" | "aws.scheduler"), "Scheduled Event") => self.schedule(),
            (Some("aws.s3"), "Object Created") => {
                // Unlike in S3's own notifications, this key is not encoded.
                let (bucket, object) = (&detail["bucket"]["name"], &detail["object"]);
                self.add_log(bucket.as_str(), object["key"].as_str(), &object["version-id"]);
            }
            (Some("aws.ec2"), "EC2 Instance State-change Notification") => match state_change(event) {
                Some(event) => self.add_event(event),
                None => self.unknown("a change of state without instance or state"),
            },
            (_, kind) if kind.ends_with(" via CloudTrail") => {
                if let Some(event) = cloudtrail::event_of(detail) {
                    self.add_event(event);
                }
            }
            _ => self.unknown(&format!("event `{}`", shortened(kind))),
        }
    }

    /// Other objects of a trail's bucket are none of our business.
    fn add_log(&mut self, bucket: Option<&str>, key: Option<&str>, version: &Value) {
        let (Some(bucket), Some(key)) = (bucket, key) else { return self.unknown("an object without bucket or key") };
        if !cloudtrail::is_event_log(key) {
            return;
        }
        if self.logs.len() >= PARTS_MAX {
            return self.unknown("more logs than anybody sends at once");
        }
        let version = version.as_str().map(str::to_owned);
        let log = LogRef { bucket: bucket.to_owned(), key: key.to_owned(), version };
        if !self.logs.contains(&log) {
            self.logs.push(log);
        }
    }

    fn add_event(&mut self, event: Event) {
        if self.events.len() >= PARTS_MAX {
            return self.unknown("more events than anybody sends at once");
        }
        self.events.push(event);
    }
}

/// What a piece of JSON is, told by what it has.
enum Shape<'v> {
    /// Records of a service, or a bare list of such.
    List(&'v [Value]),
    /// A message whose text is JSON again.
    Message(&'v str),
    S3Record,
    /// What S3 sends when a notification is configured.
    S3Test,
    /// CloudTrail's own notification.
    TrailTopic {
        bucket: &'v str,
        keys: &'v [Value],
    },
    /// With its detail type.
    EventBridge(&'v str),
    Unknown,
}

impl<'v> Shape<'v> {
    fn of(value: &'v Value) -> Self {
        let text = |label: &str| value[label].as_str();
        let list = |label: &str| value[label].as_array().map(Vec::as_slice).filter(|items| !items.is_empty());
        let bare = value.as_array().map(Vec::as_slice).filter(|items| !items.is_empty());
        if let Some(items) = list("Records").or(bare) {
            Self::List(items)
        } else if let Some(kind) = text("detail-type") {
            Self::EventBridge(kind)
        } else if text("eventSource") == Some("aws:s3") {
            Self::S3Record
        } else if let (Some("aws:sqs"), Some(body)) = (text("eventSource"), text("body")) {
            Self::Message(body)
        } else if let (Some("aws:sns"), Some(message)) = (text("EventSource"), value["Sns"]["Message"].as_str()) {
            Self::Message(message)
        } else if let (Some("Notification"), Some(message)) = (text("Type"), text("Message")) {
            Self::Message(message)
        } else if let (Some(bucket), Some(keys)) = (text("s3Bucket"), list("s3ObjectKey")) {
            Self::TrailTopic { bucket, keys }
        } else if text("Event") == Some("s3:TestEvent") {
            Self::S3Test
        } else {
            Self::Unknown
        }
    }
}

/// What kind of thing somebody sent, for the log. Its content stays out: nobody knows what it is.
fn outline(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let labels: Vec<_> = members.keys().take(5).map(|label| format!("`{}`", shortened(label))).collect();
            format!("an object with {}", labels.join(", "))
        }
        Value::Object(_) => "an empty object".to_owned(),
        Value::Array(_) => "an empty list".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => "no object".to_owned(),
    }
}

/// Others choose these texts, and a line of a log holds only so much.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// S3 encodes keys like a form: `+` is a blank, `%XX` a byte of UTF-8.
fn decode_key(key: &str) -> String {
    // A key with `&` in it would end there; S3 encodes it, so a bare one stands for itself.
    let whole = key.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(whole.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

fn state_change(event: &Value) -> Option<Event> {
    let instance = event["detail"]["instance-id"].as_str()?.parse().ok()?;
    Some(Event {
        id: clean(event["id"].as_str().unwrap_or_default()),
        name: clean(&format!("instance {}", event["detail"]["state"].as_str()?)),
        principal: None,
        instances: BTreeSet::from([instance]),
        groups: BTreeSet::new(),
        kind: EventKind::StateChange,
        at: event["time"].as_str().and_then(|text| humantime::parse_rfc3339(text).ok()),
    })
}

#[cfg(test)]
mod tests;
