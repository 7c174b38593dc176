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

use crate::aws::cloudtrail;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// Its logs and events say whether to look.
    #[default]
    Events,
    /// A timer: always look.
    Schedule,
    /// Something that we do not know, or cannot read: always look, and say so.
    Unknown,
}

/// How many lists and messages can lie within one another: an S3 notification by SNS and SQS takes five.
const DEPTH_MAX: u8 = 8;

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
            Wake::Schedule | Wake::Unknown => run::Wake::Always,
        };
        Trigger { logs: self.logs, events: self.events, wake }
    }

    fn add(&mut self, value: &Value, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else { return self.unknown() };
        match Shape::of(value) {
            Shape::List(items) => items.iter().for_each(|item| self.add(item, depth)),
            Shape::Message(text) => match serde_json::from_str(text) {
                Ok(inner) => self.add(&inner, depth),
                Err(_) => self.unknown(),
            },
            Shape::S3Record => self.add_s3_record(value),
            Shape::TrailTopic { bucket, keys } => {
                for key in keys {
                    self.add_log(bucket, key.as_str().unwrap_or_default(), None);
                }
            }
            Shape::EventBridge(kind) => self.add_bridged(kind, value),
            Shape::S3Test => {}
            Shape::Unknown => self.unknown(),
        }
    }

    fn unknown(&mut self) {
        self.wake = Wake::Unknown;
    }

    /// Objects that went away need no reading.
    fn add_s3_record(&mut self, record: &Value) {
        let object = &record["s3"]["object"];
        let (Some(bucket), Some(key)) = (record["s3"]["bucket"]["name"].as_str(), object["key"].as_str()) else {
            return self.unknown();
        };
        if record["eventName"].as_str().is_none_or(|name| name.starts_with("ObjectCreated")) {
            self.add_log(bucket, &decode_key(key), object["versionId"].as_str());
        }
    }

    fn add_bridged(&mut self, kind: &str, event: &Value) {
        let (detail, source) = (&event["detail"], event["source"].as_str());
        match (source, kind) {
            (Some("aws.events"), "Scheduled Event") => self.wake = self.wake.max(Wake::Schedule),
            (Some("aws.s3"), "Object Created") => {
                match (detail["bucket"]["name"].as_str(), detail["object"]["key"].as_str()) {
                    // Unlike in S3's own notifications, this key is not encoded.
                    (Some(bucket), Some(key)) => self.add_log(bucket, key, detail["object"]["version-id"].as_str()),
                    _ => self.unknown(),
                }
            }
            (Some("aws.ec2"), "EC2 Instance State-change Notification") => match state_change(event) {
                Some(event) => self.events.push(event),
                None => self.unknown(),
            },
            (_, kind) if kind.ends_with(" via CloudTrail") => self.events.extend(cloudtrail::event_of(detail)),
            _ => self.unknown(),
        }
    }

    /// Other objects of a trail's bucket are none of our business.
    fn add_log(&mut self, bucket: &str, key: &str, version: Option<&str>) {
        let log = LogRef { bucket: bucket.to_owned(), key: key.to_owned(), version: version.map(str::to_owned) };
        if cloudtrail::is_event_log(key) && !self.logs.contains(&log) {
            self.logs.push(log);
        }
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
        if let Some(items) = list("Records").or_else(|| value.as_array().map(Vec::as_slice)) {
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

/// S3 encodes keys like a form: `+` is a blank, `%XX` a byte of UTF-8.
fn decode_key(key: &str) -> String {
    // A key with `&` in it would end there; S3 encodes it, so a bare one stands for itself.
    let whole = key.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(whole.as_bytes()).next().map_or_else(String::new, |(key, _)| key.into_owned())
}

fn state_change(event: &Value) -> Option<Event> {
    let instance = event["detail"]["instance-id"].as_str()?.parse().ok()?;
    Some(Event {
        id: event["id"].as_str().unwrap_or_default().to_owned(),
        name: format!("instance {}", event["detail"]["state"].as_str()?),
        principal: None,
        instances: BTreeSet::from([instance]),
        groups: BTreeSet::new(),
        kind: EventKind::StateChange,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/02/111122223333_CloudTrail_eu-west-1_20261102T0820Z_AbCdEfGhIjKlMnOp.json.gz";
    const DIGEST: &str = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/02/111122223333_CloudTrail-Digest_eu-west-1_trail_eu-west-1_20261102T082000Z.json.gz";

    #[track_caller]
    fn check(payload: &Value, expected: &Expect) {
        let Envelope { logs, events, wake } = Envelope::open(payload);
        let logs = logs.iter().map(|log| {
            format!("{}/{} {}", log.bucket, log.key.replace(KEY, "KEY"), log.version.as_deref().unwrap_or("-"))
        });
        let lines: Vec<_> = logs.chain(events.iter().map(ToString::to_string)).chain([format!("{wake:?}")]).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    fn s3_record(name: &str, key: &str) -> Value {
        json!({"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "trail"}, "object": {"key": key, "size": 9}}})
    }

    fn notification(key: &str) -> Value {
        json!({"Records": [s3_record("ObjectCreated:Put", key)]})
    }

    fn call(name: &str, more: &Value) -> Value {
        let mut detail = json!({"eventSource": "ec2.amazonaws.com", "eventName": name, "eventID": "e-1",
            "requestParameters": {"instancesSet": {"items": [{"instanceId": "i-0aaaaaaaaaaaaaaa1"}]}}});
        detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"version": "0", "id": "b-1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "detail": detail})
    }

    fn sqs(bodies: &[Value]) -> Value {
        let message = |body: &Value| json!({"messageId": "m", "body": body.to_string(), "eventSource": "aws:sqs"});
        json!({"Records": bodies.iter().map(message).collect::<Vec<_>>()})
    }

    fn sns(message: &Value) -> Value {
        json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": message.to_string()})
    }

    #[test]
    fn notifications_of_s3() {
        let mut versioned = s3_record("ObjectCreated:CompleteMultipartUpload", &format!("a+b%2F%C3%A9%26/{KEY}"));
        versioned["s3"]["object"]["versionId"] = "v1".into();
        let plain = s3_record("ObjectCreated:Put", KEY);
        check(
            &json!({"Records": [plain, versioned, plain]}),
            &expect![[r#"
            trail/KEY -
            trail/a b/é&/KEY v1
            Events"#]],
        );
        check(&json!({"Records": [s3_record("ObjectRemoved:Delete", KEY)]}), &expect!["Events"]);
        check(&notification(DIGEST), &expect!["Events"]);
        check(&json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "trail"}), &expect!["Events"]);
    }

    #[test]
    fn wrapped_once_or_twice() {
        let direct =
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": notification(KEY).to_string()}}]});
        let found = expect![[r#"
            trail/KEY -
            Events"#]];
        check(&direct, &found);
        check(&sqs(&[notification(KEY)]), &found);
        check(&sqs(&[sns(&notification(KEY)), notification(KEY)]), &found);
        check(&sqs(&[sns(&json!({"s3Bucket": "trail", "s3ObjectKey": [KEY, DIGEST]}))]), &found);
        check(&json!([{"messageId": "m", "body": notification(KEY).to_string(), "eventSource": "aws:sqs"}]), &found);
        check(
            &sqs(&[notification(KEY), json!({"hello": 1}), call("StopInstances", &json!({}))]),
            &expect![[r#"
            trail/KEY -
            StopInstances i-0aaaaaaaaaaaaaaa1
            Unknown"#]],
        );
    }

    #[test]
    fn events_of_eventbridge() {
        check(
            &call("StartInstances", &json!({})),
            &expect![[r#"
            StartInstances i-0aaaaaaaaaaaaaaa1
            Events"#]],
        );
        for more in [
            json!({"errorCode": "Client.DryRunOperation"}),
            json!({"readOnly": true}),
            json!({"eventSource": "s3.amazonaws.com"}),
        ] {
            check(&call("StartInstances", &more), &expect!["Events"]);
        }
        let mut evicted = call("BidEvictedEvent", &json!({"eventType": "AwsServiceEvent"}));
        evicted["detail-type"] = "AWS Service Event via CloudTrail".into();
        check(
            &sqs(&[evicted]),
            &expect![[r#"
            BidEvictedEvent i-0aaaaaaaaaaaaaaa1
            Events"#]],
        );
        check(
            &json!({"id": "b-2", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
                "detail": {"instance-id": "i-0aaaaaaaaaaaaaaa1", "state": "stopping"}}),
            &expect![[r#"
                instance stopping i-0aaaaaaaaaaaaaaa1
                Events"#]],
        );
        check(
            &json!({"detail-type": "Object Created", "source": "aws.s3",
                "detail": {"bucket": {"name": "trail"}, "object": {"key": format!("a+b/{KEY}"), "version-id": "v1"}}}),
            &expect![[r#"
                trail/a+b/KEY v1
                Events"#]],
        );
        check(&json!({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}), &expect!["Schedule"]);
    }

    #[test]
    fn whatever_is_not_known_means_look() {
        let mut deep = notification(KEY);
        for _ in 0..9 {
            deep = sns(&deep);
        }
        for payload in [
            json!(null),
            json!({}),
            json!("x"),
            json!({"Records": []}),
            json!({"Records": [{"eventSource": "aws:kinesis"}]}),
            json!({"Records": [{"eventSource": "aws:sqs", "body": "not json"}]}),
            json!({"Records": [{"eventSource": "aws:s3"}]}),
            json!({"detail-type": "EC2 Spot Instance Interruption Warning", "source": "aws.ec2", "detail": {}}),
            json!({"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2"}),
            json!({"source": "drawbridge", "detail": "whatever EventBridge Scheduler was told to send"}),
            deep,
        ] {
            check(&payload, &expect!["Unknown"]);
        }
    }

    proptest! {
        #[test]
        fn keys_survive_the_form_encoding(key in "[ -~é&=+%]{0,40}") {
            let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
            prop_assert_eq!(decode_key(&encoded), key);
        }
    }
}
