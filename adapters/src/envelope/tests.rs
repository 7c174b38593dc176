use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/02/111122223333_CloudTrail_eu-west-1_20261102T0820Z_AbCdEfGhIjKlMnOp.json.gz";
const DIGEST: &str = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/11/02/111122223333_CloudTrail-Digest_eu-west-1_trail_eu-west-1_20261102T082000Z.json.gz";

#[track_caller]
fn check(payload: &Value, expected: &Expect) {
    check_opened(Envelope::open(payload), expected);
}

#[track_caller]
fn check_opened(Envelope { logs, events, wake }: Envelope, expected: &Expect) {
    let logs = logs
        .iter()
        .map(|log| format!("{}/{} {}", log.bucket, log.key.replace(KEY, "KEY"), log.version.as_deref().unwrap_or("-")));
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

/// A batch as it comes from a FIFO queue.
fn sqs(bodies: &[Value]) -> Value {
    let messages = bodies.iter().enumerate();
    let message = |(number, body): (usize, &Value)| {
        json!({"messageId": format!("m-{number}"), "receiptHandle": "r", "body": body.to_string(), "messageAttributes": {},
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "drawbridge", "SequenceNumber": format!("{number}")},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:wake.fifo", "awsRegion": "eu-west-1"})
    };
    json!({"Records": messages.map(message).collect::<Vec<_>>()})
}

/// A message as SNS delivers it to a queue.
fn sns(message: &Value) -> Value {
    json!({"Type": "Notification", "MessageId": "n", "TopicArn": "arn:aws:sns:eu-west-1:111122223333:t", "Message": message.to_string()})
}

/// A message as SNS delivers it to a function.
fn sns_to_lambda(message: &Value) -> Value {
    json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0",
        "Sns": {"Type": "Notification", "MessageId": "n", "Message": message.to_string()}}]})
}

/// Whatever the content is wrapped in, the same comes of it.
#[track_caller]
fn check_wrapped(content: &Value, expected: &Expect) {
    for payload in [
        content.clone(),
        sns_to_lambda(content),
        // Raw delivery of SNS looks like a message of somebody who knows no SNS.
        sqs(std::slice::from_ref(content)),
        sqs(&[sns(content)]),
        sqs(&[sns(content), content.clone()]),
    ] {
        let mut envelope = Envelope::open(&payload);
        envelope.events.dedup();
        check_opened(envelope, expected);
    }
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

fn bridged(kind: &str, source: &str, detail: &Value) -> Value {
    json!({"version": "0", "id": "b-1", "detail-type": kind, "source": source, "account": "111122223333",
        "time": "2026-11-02T08:20:31Z", "region": "eu-west-1", "resources": [], "detail": detail})
}

#[test]
fn every_content_in_every_wrapping() {
    check_wrapped(
        &notification(KEY),
        &expect![[r#"
            trail/KEY -
            Events"#]],
    );
    check_wrapped(
        &json!({"s3Bucket": "trail", "s3ObjectKey": [KEY, DIGEST, format!("a+b%20/{KEY}")]}),
        &expect![[r#"
            trail/KEY -
            trail/a+b%20/KEY -
            Events"#]],
    );
    check_wrapped(
        &bridged(
            "Object Created",
            "aws.s3",
            &json!({"bucket": {"name": "trail"}, "object": {"key": format!("a+b%20/{KEY}"), "version-id": "v1"}}),
        ),
        &expect![[r#"
            trail/a+b%20/KEY v1
            Events"#]],
    );
    check_wrapped(
        &call("StartInstances", &json!({})),
        &expect![[r#"
            StartInstances i-0aaaaaaaaaaaaaaa1
            Events"#]],
    );
    check_wrapped(
        &bridged(
            "EC2 Instance State-change Notification",
            "aws.ec2",
            &json!({"instance-id": "i-0aaaaaaaaaaaaaaa1", "state": "stopping"}),
        ),
        &expect![[r#"
            instance stopping i-0aaaaaaaaaaaaaaa1
            Events"#]],
    );
    for source in ["aws.events", "aws.scheduler"] {
        check_wrapped(&bridged("Scheduled Event", source, &json!({})), &expect!["Schedule"]);
    }
    check_wrapped(
        &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-02T08:20:31.123Z", "Bucket": "trail",
            "RequestId": "r", "HostId": "h"}),
        &expect!["Events"],
    );
    check_wrapped(&json!({"hello": 1, "you": 2}), &expect![[r#"Unknown("an object with `hello`, `you`")"#]]);
}

#[test]
fn messages_of_several_kinds_in_one_batch() {
    check(
        &sqs(&[
            notification(KEY),
            bridged("Scheduled Event", "aws.events", &json!({})),
            json!({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
            call("StopInstances", &json!({})),
            call("DescribeInstances", &json!({"readOnly": true})),
            notification(KEY),
        ]),
        &expect![[r#"
            trail/KEY -
            StopInstances i-0aaaaaaaaaaaaaaa1
            Schedule"#]],
    );
    // One that nobody can read does not hide the others, whatever comes after it.
    let cut = json!({"messageId": "m", "body": &notification(KEY).to_string()[..40], "eventSource": "aws:sqs"});
    let mut batch = sqs(&[call("StopInstances", &json!({})), bridged("Scheduled Event", "aws.events", &json!({}))]);
    batch["Records"].as_array_mut().unwrap().insert(0, cut);
    check(
        &batch,
        &expect![[r#"
            StopInstances i-0aaaaaaaaaaaaaaa1
            Unknown("a message that is not JSON")"#]],
    );
    // EventBridge Pipes hands over the bare list.
    check(
        &sqs(&[notification(KEY)])["Records"],
        &expect![[r#"
            trail/KEY -
            Events"#]],
    );
}

#[test]
fn calls_that_change_nothing_are_no_events() {
    for more in [
        json!({"errorCode": "Client.DryRunOperation"}),
        json!({"readOnly": true}),
        json!({"eventSource": "s3.amazonaws.com"}),
    ] {
        check_wrapped(&call("StartInstances", &more), &expect!["Events"]);
    }
    let mut evicted = call("BidEvictedEvent", &json!({"eventType": "AwsServiceEvent"}));
    evicted["detail-type"] = "AWS Service Event via CloudTrail".into();
    check_wrapped(
        &evicted,
        &expect![[r#"
            BidEvictedEvent i-0aaaaaaaaaaaaaaa1
            Events"#]],
    );
    let insight = json!({"eventType": "AwsCloudTrailInsight", "insightDetails": {"eventSource": "ec2.amazonaws.com"}});
    check_wrapped(&bridged("AWS Insight via CloudTrail", "aws.cloudtrail", &insight), &expect!["Events"]);
}

#[test]
fn a_topic_of_cloudtrail_is_tried_out() {
    let message = "CloudTrail validation message.";
    let in_queue = json!({"Type": "Notification", "Message": message}).to_string();
    for record in [
        json!({"EventSource": "aws:sns", "Sns": {"Message": message}}),
        json!({"eventSource": "aws:sqs", "body": in_queue}),
        json!({"eventSource": "aws:sqs", "body": message}),
    ] {
        check(&json!({"Records": [record]}), &expect!["Events"]);
    }
}

/// What somebody says who is not understood.
#[track_caller]
fn check_unknown(payload: &Value, what: &str) {
    let envelope = Envelope::open(payload);
    assert_eq!(envelope.wake, Wake::Unknown(what.to_owned()), "{payload}");
    assert_eq!(envelope.trigger().wake, run::Wake::Always);
}

#[test]
fn whatever_is_not_known_means_look() {
    let mut deep = notification(KEY);
    for _ in 0..9 {
        deep = sns(&deep);
    }
    let record = |record: Value| json!({"Records": [record]});
    for (payload, what) in [
        (json!(null), "no object"),
        (json!("x"), "no object"),
        (json!({}), "an empty object"),
        (json!([]), "an empty list"),
        (json!([[]]), "an empty list"),
        (record(json!({"eventSource": "aws:sqs", "body": "[]"})), "an empty list"),
        (json!({"Records": []}), "an object with `Records`"),
        (json!({"Records": "none"}), "an object with `Records`"),
        (record(json!({"eventSource": "aws:kinesis"})), "an object with `eventSource`"),
        (record(json!({"eventSource": "aws:sqs", "body": "not json"})), "a message that is not JSON"),
        (record(json!({"eventSource": "aws:sqs", "body": ""})), "a message that is not JSON"),
        (record(json!({"eventSource": "aws:sqs", "body": 1})), "an object with `body`, `eventSource`"),
        (record(json!({"eventSource": "aws:sqs", "body": "[".repeat(500)})), "a message that is not JSON"),
        (record(json!({"EventSource": "aws:sns", "Sns": {}})), "an object with `EventSource`, `Sns`"),
        (record(json!({"eventSource": "aws:s3"})), "an object without bucket or key"),
        (
            record(json!({"eventSource": "aws:s3", "s3": {"bucket": {"name": "trail"}, "object": {"key": 1}}})),
            "an object without bucket or key",
        ),
        (json!({"s3Bucket": "trail", "s3ObjectKey": [1]}), "an object without bucket or key"),
        (json!({"s3Bucket": "trail", "s3ObjectKey": KEY}), "an object with `s3Bucket`, `s3ObjectKey`"),
        (bridged("Object Created", "aws.s3", &json!({"bucket": {}})), "an object without bucket or key"),
        (
            bridged("EC2 Spot Instance Interruption Warning", "aws.ec2", &json!({})),
            "event `EC2 Spot Instance Interruption Warning`",
        ),
        (bridged("Scheduled Event", "mine", &json!({})), "event `Scheduled Event`"),
        (
            bridged("EC2 Instance State-change Notification", "aws.ec2", &json!({"state": "running"})),
            "a change of state without instance or state",
        ),
        (
            bridged("EC2 Instance State-change Notification", "aws.ec2", &json!({"instance-id": "i-1"})),
            "a change of state without instance or state",
        ),
        (
            json!({"source": "mine", "detail": "what EventBridge Scheduler was told to send"}),
            "an object with `detail`, `source`",
        ),
        (json!({"a\n\u{1b}": 1}), "an object with `a`"),
        (json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}), "an object with `a`, `b`, `c`, `d`, `e`"),
        (deep, "too many wrappings"),
    ] {
        check_unknown(&payload, what);
    }
    // Others choose these words, and how long they are.
    let (long, short) = ("x".repeat(1_000), "x".repeat(60));
    check_unknown(&json!({long.clone(): 1}), &format!("an object with `{short}`"));
    check_unknown(&bridged(&long, "mine", &json!({})), &format!("event `{short}`"));
    check(
        &bridged(
            "EC2 Instance State-change Notification",
            "aws.ec2",
            &json!({"instance-id": "i-0aaaaaaaaaaaaaaa1", "state": "running\n\u{1b}[31m"}),
        ),
        &expect![[r#"
            instance running [31m i-0aaaaaaaaaaaaaaa1
            Events"#]],
    );
    // A call of which nothing is left is an event that nobody can read.
    for detail in [json!({}), json!(null), json!("cut")] {
        check(
            &bridged("AWS API Call via CloudTrail", "aws.ec2", &detail),
            &expect![[r#"
                unreadable record
                Events"#]],
        );
    }
}

proptest! {
    #[test]
    fn keys_survive_the_form_encoding(key in "[ -~é&=+%]{0,40}") {
        let encoded: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
        prop_assert_eq!(decode_key(&encoded), key);
    }

    #[test]
    fn no_damage_makes_it_panic_and_what_is_cut_means_look(at in any::<prop::sample::Index>(), byte in 0x20..0x7fu8) {
        let whole = sns(&notification(KEY)).to_string();
        let at = at.index(whole.len());
        let open = |body: &str| Envelope::open(&json!({"Records": [{"eventSource": "aws:sqs", "body": body}]}));
        let mut damaged = whole.clone().into_bytes();
        damaged[at] = byte;
        open(std::str::from_utf8(&damaged).unwrap());
        prop_assert_eq!(open(&whole[..at]).wake, Wake::Unknown("a message that is not JSON".to_owned()));
    }
}

#[test]
fn more_than_anybody_sends_is_not_kept() {
    let keys: Vec<_> = (0..20_000).map(|number| format!("{number}/{KEY}")).collect();
    let envelope = Envelope::open(&json!({"s3Bucket": "trail", "s3ObjectKey": keys}));
    assert_eq!(
        (envelope.logs.len(), envelope.wake),
        (PARTS_MAX, Wake::Unknown("more logs than anybody sends at once".into()))
    );
    let change = bridged(
        "EC2 Instance State-change Notification",
        "aws.ec2",
        &json!({"instance-id": "i-0aaaaaaaaaaaaaaa1", "state": "running"}),
    );
    let envelope = Envelope::open(&json!(vec![change; PARTS_MAX + 1]));
    assert_eq!(
        (envelope.events.len(), envelope.wake),
        (PARTS_MAX, Wake::Unknown("more events than anybody sends at once".into()))
    );
}
