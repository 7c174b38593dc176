//! The envelopes in which news of the cloud reaches a listener: S3's notifications and EventBridge's events.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use time::macros::format_description;

use super::{
    Cloud, InstanceId, InstanceState,
    ids::{fingerprint, guid},
};
use crate::clock::Moment;

/// What S3 leaves alone in the keys of its notifications; a blank becomes `+`.
const KEPT_IN_KEYS: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

impl Cloud {
    /// S3 says that objects have been put into the trail's bucket.
    pub fn s3_notification(&self, keys: &[String], now: Moment) -> Value {
        let records: Vec<_> = keys.iter().map(|key| self.object_created(key, now)).collect();
        json!({ "Records": records })
    }

    fn object_created(&self, key: &str, now: Moment) -> Value {
        let bucket = &self.settings.trail_bucket;
        let object = self.storage.object(bucket, key);
        let encoded = utf8_percent_encode(key, KEPT_IN_KEYS).to_string().replace(' ', "+");
        let number = fingerprint(key.as_bytes());
        json!({
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": self.region,
            "eventTime": now.formatted(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z")),
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "AWS:AROAEXAMPLE:regionalDeliverySession" },
            "requestParameters": { "sourceIPAddress": "198.51.100.9" },
            "responseElements": { "x-amz-request-id": format!("{number:016X}"), "x-amz-id-2": "EXAMPLE123/5678abcdefghijklambdaisawesome" },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "trail",
                "bucket": {
                    "name": bucket,
                    "ownerIdentity": { "principalId": "A1EXAMPLE" },
                    "arn": format!("arn:aws:s3:::{bucket}"),
                },
                "object": {
                    "key": encoded,
                    "size": object.map_or(0, |object| object.body.len()),
                    "eTag": object.map(|object| object.etag()).unwrap_or_default(),
                    "sequencer": format!("{:018X}", now.elapsed().as_micros()),
                },
            },
        })
    }

    /// EventBridge says the same of one object, without encoding its key.
    pub(super) fn object_created_event(&self, key: &str, now: Moment) -> Value {
        let bucket = &self.settings.trail_bucket;
        let object = self.storage.object(bucket, key);
        let detail = json!({
            "version": "0",
            "bucket": { "name": bucket },
            "object": {
                "key": key,
                "size": object.map_or(0, |object| object.body.len()),
                "etag": object.map(|object| object.etag()).unwrap_or_default(),
                "sequencer": format!("{:018X}", now.elapsed().as_micros()),
            },
            "request-id": format!("{:016X}", fingerprint(key.as_bytes())),
            "requester": "cloudtrail.amazonaws.com",
            "source-ip-address": "198.51.100.9",
            "reason": "PutObject",
        });
        self.event("Object Created", "aws.s3", &[format!("arn:aws:s3:::{bucket}")], &detail, now)
    }

    /// EventBridge passes on a CloudTrail record.
    pub fn api_call_event(&self, record: &Value, now: Moment) -> Value {
        let kind = match record["eventType"].as_str() {
            Some("AwsServiceEvent") => "AWS Service Event via CloudTrail",
            _ => "AWS API Call via CloudTrail",
        };
        let service = record["eventSource"].as_str().and_then(|source| source.split('.').next()).unwrap_or("ec2");
        self.event(kind, &format!("aws.{service}"), &[], record, now)
    }

    /// EventBridge says that an instance has reached a state.
    pub fn state_change_event(&self, instance: &InstanceId, state: InstanceState, now: Moment) -> Value {
        let resource = format!("arn:aws:ec2:{}:{}:instance/{instance}", self.region, self.account);
        let detail = json!({ "instance-id": instance.to_string(), "state": state.name() });
        self.event("EC2 Instance State-change Notification", "aws.ec2", &[resource], &detail, now)
    }

    /// EventBridge says that it is time.
    pub fn scheduled_event(&self, now: Moment) -> Value {
        let rule = format!("arn:aws:events:{}:{}:rule/schedule", self.region, self.account);
        self.event("Scheduled Event", "aws.events", &[rule], &json!({}), now)
    }

    fn event(&self, kind: &str, source: &str, resources: &[String], detail: &Value, now: Moment) -> Value {
        let number = fingerprint(format!("{kind}{resources:?}{detail}{}", now.elapsed().as_nanos()).as_bytes());
        json!({
            "version": "0",
            "id": guid(number, fingerprint(&number.to_be_bytes())),
            "detail-type": kind,
            "source": source,
            "account": self.account,
            "time": now.iso(),
            "region": self.region,
            "resources": resources,
            "detail": detail,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_encodes_its_key() {
        let cloud = Cloud::new("111122223333", "eu-west-1");
        let event = cloud.s3_notification(&["logs of é/AWSLogs/x_1-2.json.gz".into()], Moment::default());
        let record = &event["Records"][0];
        assert_eq!(record["s3"]["object"]["key"], "logs+of+%C3%A9/AWSLogs/x_1-2.json.gz");
        assert_eq!(record["eventTime"], "2026-11-02T08:00:00.000Z");
        assert_eq!(record["eventSource"], "aws:s3");
    }

    #[test]
    fn events_name_their_kind() {
        let cloud = Cloud::new("111122223333", "eu-west-1");
        let now = Moment::default();
        let record = json!({ "eventSource": "ec2.amazonaws.com", "eventType": "AwsApiCall" });
        let call = cloud.api_call_event(&record, now);
        assert_eq!((&call["detail-type"], &call["source"]), (&json!("AWS API Call via CloudTrail"), &json!("aws.ec2")));
        assert_eq!(call["detail"], record);
        let id = "i-0123456789abcdef0".parse().unwrap();
        let change = cloud.state_change_event(&id, InstanceState::ShuttingDown, now);
        assert_eq!(change["detail"], json!({ "instance-id": "i-0123456789abcdef0", "state": "shutting-down" }));
        assert_eq!(cloud.scheduled_event(now)["detail-type"], "Scheduled Event");
        assert_ne!(call["id"], change["id"]);
    }
}
