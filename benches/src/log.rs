//! CloudTrail logs of a busy account: most of their records are about other services than EC2.

use std::io::{self, Write};

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::scattered;

/// How many instances one call starts.
const INSTANCES_OF_A_CALL: usize = 2;

/// One record of so many starts instances.
const RECORDS_OF_A_CALL: usize = 20;

/// A log file as CloudTrail leaves it in its bucket.
#[derive(Clone, Debug)]
pub struct LogFile {
    /// The gzipped bytes.
    pub packed: Vec<u8>,
    /// How many bytes they unpack to.
    pub unpacked: u64,
    /// How many writes to EC2 it tells of.
    pub events: usize,
}

/// The log of a busy account, of about so many bytes when unpacked: one record of twenty is about EC2, and each of those
/// is a write, more than any real account has.
pub fn log_file(unpacked: u64) -> LogFile {
    let mut packed = Vec::new();
    let Written { unpacked, events } = write_log(&mut packed, unpacked).expect("memory takes everything");
    LogFile { packed, unpacked, events }
}

/// What a log came to.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// How many bytes it unpacks to.
    pub unpacked: u64,
    /// How many writes to EC2 it tells of.
    pub events: usize,
}

/// Writes the same log elsewhere.
///
/// # Errors
/// It cannot be written there.
pub fn write_log(to: impl Write, unpacked: u64) -> io::Result<Written> {
    let mut packer = GzEncoder::new(to, Compression::default());
    let mut written = Written { unpacked: 0, events: 0 };
    let mut put = |text: &str, written: &mut Written| {
        written.unpacked += text.len() as u64;
        packer.write_all(text.as_bytes())
    };
    for call in 0.. {
        if call > 0 && written.unpacked >= unpacked {
            break;
        }
        for number in call * RECORDS_OF_A_CALL..(call + 1) * RECORDS_OF_A_CALL {
            put(if number == 0 { "{\"Records\":[" } else { "," }, &mut written)?;
            put(&record(number).to_string(), &mut written)?;
        }
        written.events += 1;
    }
    put("]}", &mut written)?;
    packer.finish()?;
    Ok(written)
}

/// Unpacks a log and drops what is in it: no reader can be faster.
///
/// # Errors
/// The bytes are no gzip stream.
pub fn unpack(packed: &[u8]) -> io::Result<u64> {
    io::copy(&mut flate2::read::MultiGzDecoder::new(packed), &mut io::sink())
}

fn record(number: usize) -> Value {
    let bits = scattered(number as u64);
    match number % RECORDS_OF_A_CALL {
        7 => start_instances(number / RECORDS_OF_A_CALL * INSTANCES_OF_A_CALL, bits),
        kind if kind % 4 == 0 => assume_role(bits),
        kind if kind % 4 == 1 => decrypt(bits),
        kind if kind % 4 == 2 => create_log_stream(bits),
        _ => update_instance_information(bits),
    }
}

/// What every record has; the time moves on by a second for each minute's worth of bits, as in a real file it hardly does.
fn call(service: &str, name: &str, read_only: bool, bits: u64, request: &Value, response: &Value) -> Value {
    let second = bits % 60;
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": format!("AROAEXAMPLE000000000{}:deploy", bits % 10),
            "arn": "arn:aws:sts::111122223333:assumed-role/deploy/pipeline",
            "accountId": "111122223333",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "arn": "arn:aws:iam::111122223333:role/deploy",
                    "accountId": "111122223333",
                    "userName": "deploy",
                },
                "attributes": { "creationDate": "2026-03-02T08:00:00Z", "mfaAuthenticated": "false" },
            },
        },
        "eventTime": format!("2026-03-02T08:14:{second:02}Z"),
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": format!("198.51.100.{}", bits % 200),
        "userAgent": "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.2 md/GOOS#linux md/GOARCH#arm64",
        "requestParameters": request,
        "responseElements": response,
        "requestID": guid(bits),
        "eventID": guid(scattered(bits)),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": format!("{service}.eu-west-1.amazonaws.com"),
        },
    })
}

fn start_instances(first: usize, bits: u64) -> Value {
    let ids = (first..first + INSTANCES_OF_A_CALL).map(|number| format!("i-0{:016x}", scattered(number as u64)));
    let started = ids.clone().map(|id| {
        json!({
            "instanceId": id,
            "currentState": { "code": 0, "name": "pending" },
            "previousState": { "code": 80, "name": "stopped" },
        })
    });
    let request = json!({ "instancesSet": { "items": ids.map(|id| json!({ "instanceId": id })).collect::<Vec<_>>() } });
    let response = json!({ "requestId": guid(bits), "instancesSet": { "items": started.collect::<Vec<_>>() } });
    call("ec2", "StartInstances", false, bits, &request, &response)
}

fn assume_role(bits: u64) -> Value {
    let token: String = (0..16).map(|word| format!("{:016x}", scattered(bits ^ word))).collect();
    let request = json!({
        "roleArn": "arn:aws:iam::111122223333:role/task",
        "roleSessionName": format!("{:032x}", scattered(bits)),
        "durationSeconds": 3600,
    });
    let response = json!({
        "credentials": {
            "accessKeyId": format!("ASIAEXAMPLE{:09}", bits % 1_000_000_000),
            "sessionToken": token,
            "expiration": "Mar 2, 2026, 9:14:07 AM",
        },
        "assumedRoleUser": {
            "assumedRoleId": format!("AROAEXAMPLE000000000{}:task", bits % 10),
            "arn": "arn:aws:sts::111122223333:assumed-role/task/session",
        },
    });
    call("sts", "AssumeRole", true, bits, &request, &response)
}

fn decrypt(bits: u64) -> Value {
    let request = json!({
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": { "aws:ebs:id": format!("vol-0{bits:016x}") },
    });
    call("kms", "Decrypt", true, bits, &request, &Value::Null)
}

fn create_log_stream(bits: u64) -> Value {
    let stream = format!("2026/03/02/[$LATEST]{:016x}{:016x}", bits, scattered(bits));
    let request = json!({ "logGroupName": "/aws/lambda/resize", "logStreamName": stream });
    call("logs", "CreateLogStream", false, bits, &request, &Value::Null)
}

fn update_instance_information(bits: u64) -> Value {
    let request = json!({
        "instanceId": format!("i-0{bits:016x}"),
        "agentVersion": "3.3.1611.0",
        "agentStatus": "Active",
        "platformType": "Linux",
        "platformName": "Amazon Linux",
        "iPAddress": format!("10.64.{}.{}", bits % 250, bits / 250 % 250),
        "computerName": format!("ip-10-64-{}-{}.eu-west-1.compute.internal", bits % 250, bits / 250 % 250),
    });
    call("ssm", "UpdateInstanceInformation", false, bits, &request, &Value::Null)
}

fn guid(bits: u64) -> String {
    let more = scattered(bits);
    let (first, second, third) = (bits >> 32, bits >> 16 & 0xffff, bits & 0x0fff);
    format!("{first:08x}-{second:04x}-4{third:03x}-8{:03x}-{:012x}", more >> 52, more & 0xffff_ffff_ffff)
}
