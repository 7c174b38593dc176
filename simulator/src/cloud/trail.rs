//! CloudTrail: a record of every call, and the files in which records reach the bucket.

use std::collections::VecDeque;

use flate2::Crc;
use serde_json::{Value, json};
use time::macros::format_description;

use super::{
    Answer, Cloud, Object,
    answer::Refusal,
    ids::Mint,
    parameters::Parameters,
    recorded::{self, Style},
    shape::Record,
};
use crate::{clock::Moment, xml::Element};

const EC2_NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// Records on two ways out: into the next log file, and to whoever listens to events.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    unwritten: Vec<Value>,
    untold: VecDeque<Value>,
    mint: Mint,
}

impl Default for Trail {
    fn default() -> Self {
        Self { unwritten: vec![], untold: VecDeque::new(), mint: Mint::salted(3) }
    }
}

/// How many records are kept for a listener who may never come.
const UNTOLD_MAX: usize = 10_000;

/// What is longer is left out of a record altogether (CloudTrail user guide, record contents).
const MEMBER_BYTES_MAX: usize = 100 * 1024;

/// A call as CloudTrail sees it.
pub(super) struct Call<'a> {
    pub(super) action: &'a str,
    pub(super) parameters: &'a Parameters,
    pub(super) caller: &'a str,
    pub(super) now: Moment,
    pub(super) request_id: &'a str,
    pub(super) reads: bool,
}

impl Cloud {
    /// Writes down a call and its outcome.
    pub(super) fn record(&mut self, call: &Call<'_>, outcome: &Result<Record, Refusal>) {
        let (source, agent) = match call.caller.ends_with(".amazonaws.com") {
            true => (call.caller, call.caller),
            false => ("198.51.100.23", "aws-cli/2.31.0"),
        };
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": self.identity(call.caller, call.now),
            "eventTime": call.now.iso(),
            "eventSource": "ec2.amazonaws.com",
            "eventName": call.action,
            "awsRegion": self.region,
            "sourceIPAddress": source,
            "userAgent": agent,
            "requestParameters": recorded::request(call.action, call.parameters),
            "responseElements": null,
            "requestID": call.request_id,
            "eventID": self.trail.mint.guid(),
            "readOnly": call.reads,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": format!("ec2.{}.amazonaws.com", self.region),
            },
        });
        match outcome {
            Ok(answer) if !call.reads => record["responseElements"] = response(call, answer),
            Ok(_) => {}
            Err(refusal) => {
                let throttled = refusal.code == "RequestLimitExceeded";
                let side = if refusal.status < 500 || throttled { "Client" } else { "Server" };
                record["errorCode"] = json!(format!("{side}.{}", refusal.code));
                record["errorMessage"] = json!(refusal.message);
            }
        }
        for member in ["requestParameters", "responseElements"] {
            if record[member].to_string().len() > MEMBER_BYTES_MAX {
                record.as_object_mut().and_then(|members| members.remove(member));
            }
        }
        self.keep(record);
    }

    /// Writes down something that AWS did by itself.
    pub(super) fn record_service_event(&mut self, name: &str, details: Value, now: Moment) {
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": { "accountId": self.account, "invokedBy": "ec2.amazonaws.com" },
            "eventTime": now.iso(),
            "eventSource": "ec2.amazonaws.com",
            "eventName": name,
            "awsRegion": self.region,
            "sourceIPAddress": "ec2.amazonaws.com",
            "userAgent": "ec2.amazonaws.com",
            "requestParameters": null,
            "responseElements": null,
            "eventID": self.trail.mint.guid(),
            "readOnly": false,
            "eventType": "AwsServiceEvent",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        record["serviceEventDetails"] = details;
        self.keep(record);
    }

    /// Adds a record as it is: one that no call of this world makes.
    pub fn keep(&mut self, record: Value) {
        self.post_record(&record);
        if self.trail.untold.len() == UNTOLD_MAX {
            self.trail.untold.pop_front();
        }
        self.trail.untold.push_back(record.clone());
        self.trail.unwritten.push(record);
    }

    /// The records that the next log file will hold.
    pub fn buffered(&self) -> &[Value] {
        &self.trail.unwritten
    }

    /// The records since this was last asked, for EventBridge. Log files hold them all the same.
    pub fn take_records(&mut self) -> Vec<Value> {
        self.trail.untold.drain(..).collect()
    }

    /// Writes the buffered records into one log file in the trail's bucket, and says which; none if there are none.
    pub fn flush_trail(&mut self, now: Moment) -> Vec<String> {
        if self.trail.unwritten.is_empty() {
            return vec![];
        }
        let records = std::mem::take(&mut self.trail.unwritten);
        let key = self.log_key(now);
        let text = json!({ "Records": records }).to_string();
        let mut object = Object::new(gzip(text.as_bytes()), "application/json", now);
        object.content_encoding = Some("gzip".into());
        let bucket = self.settings.trail_bucket.clone();
        self.put_object(&bucket, &key, object);
        let keys = vec![key];
        self.post_objects(&keys, now);
        keys
    }

    /// `AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/02/111122223333_CloudTrail_eu-west-1_20261102T0805Z_….json.gz`
    fn log_key(&mut self, now: Moment) -> String {
        let Self { account, region, settings, .. } = self;
        let organization = settings.organization.iter().map(|id| format!("{id}/")).collect::<String>();
        let folder = now.formatted(format_description!("[year]/[month]/[day]"));
        let minute = now.formatted(format_description!("[year][month][day]T[hour][minute]Z"));
        let prefix = &settings.trail_prefix;
        let suffix = self.trail.mint.suffix();
        format!(
            "{prefix}AWSLogs/{organization}{account}/CloudTrail/{region}/{folder}/\
             {account}_CloudTrail_{region}_{minute}_{suffix}.json.gz"
        )
    }

    /// Who a caller is: a service, a role with a session, or a user.
    fn identity(&self, caller: &str, now: Moment) -> Value {
        let account = &self.account;
        let session = json!({ "attributes": { "creationDate": now.iso(), "mfaAuthenticated": "false" } });
        let arn = self.arn_of(caller);
        if caller.ends_with(".amazonaws.com") {
            return json!({ "type": "AssumedRole", "principalId": format!("AROAEXAMPLE:{caller}"), "arn": arn,
                "accountId": account, "sessionContext": session, "invokedBy": caller });
        }
        match caller.split_once('/') {
            Some((_, name)) => json!({ "type": "AssumedRole", "principalId": format!("AROAEXAMPLE:{name}"), "arn": arn,
                "accountId": account, "accessKeyId": "ASIAEXAMPLE", "sessionContext": session }),
            None => json!({ "type": "IAMUser", "principalId": "AIDAEXAMPLE", "arn": arn, "accountId": account,
                "accessKeyId": "AKIAEXAMPLE", "userName": caller }),
        }
    }

    /// STS's GetCallerIdentity.
    pub(super) fn caller_identity(&self, caller: &str, request_id: &str) -> Answer {
        let result = Element::new("")
            .with(Element::text("Arn", self.arn_of(caller)))
            .with(Element::text("UserId", "AIDAEXAMPLE"))
            .with(Element::text("Account", &self.account));
        Answer::sts("GetCallerIdentity", result, request_id)
    }

    /// A caller's full name.
    pub(super) fn arn_of(&self, caller: &str) -> String {
        let account = &self.account;
        match (caller.strip_suffix(".amazonaws.com"), caller.contains('/')) {
            (Some(service), _) => format!("arn:aws:sts::{account}:assumed-role/AWSServiceRoleFor-{service}/{service}"),
            (None, true) => format!("arn:aws:sts::{account}:assumed-role/{caller}"),
            (None, false) => format!("arn:aws:iam::{account}:user/{caller}"),
        }
    }
}

/// The `responseElements` of a successful write.
fn response(call: &Call<'_>, answer: &Record) -> Value {
    match Style::of(call.action) {
        Style::Items => {
            let mut elements = answer.trail_items();
            elements["requestId"] = json!(call.request_id);
            elements
        }
        Style::Envelope => {
            let mut elements = answer.trail_envelope();
            elements.insert("xmlns".into(), json!(EC2_NAMESPACE));
            elements.insert("requestId".into(), json!(call.request_id));
            json!({ format!("{}Response", call.action): elements })
        }
    }
}

/// The text in gzip's form, in blocks that are stored as they are (RFC 1952, RFC 1951 section 3.2.4). Nobody pays for these
/// bytes, and to set up a compressor took longer than all else that a delivery does. A log is never empty.
fn gzip(text: &[u8]) -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    const BLOCK_MAX: usize = 0xffff;
    let mut file = Vec::with_capacity(text.len() + text.len() / BLOCK_MAX * 5 + 23);
    file.extend(HEADER);
    let mut blocks = text.chunks(BLOCK_MAX).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        file.push(u8::from(blocks.peek().is_none()));
        file.extend(length.to_le_bytes());
        file.extend((!length).to_le_bytes());
        file.extend(block);
    }
    let mut sum = Crc::new();
    sum.update(text);
    file.extend(sum.sum().to_le_bytes());
    file.extend(sum.amount().to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_log_unpacks_to_what_was_packed_however_long_it_is() {
        for length in [1, 0xffff, 0x1_0000, 200_000] {
            let text: String =
                (0_u32..).flat_map(|n| n.to_string().into_bytes()).map(char::from).take(length).collect();
            let mut read = String::new();
            GzDecoder::new(gzip(text.as_bytes()).as_slice()).read_to_string(&mut read).unwrap();
            assert!(read == text, "{length}");
        }
    }
}
