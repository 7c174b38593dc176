//! Objects in the trail's bucket that are no good logs.

use flate2::{Compress, Compression, FlushCompress};
use serde_json::{Value, json};
use time::macros::format_description;

use crate::{
    clock::Moment,
    cloud::{Cloud, Object},
    script::OddFile,
};

/// Puts such an object into the bucket and says under which key. Those that stand in for a log take the records that
/// have not been delivered with them.
pub(super) fn put(cloud: &mut Cloud, file: OddFile, now: Moment) -> String {
    let bucket = cloud.settings().trail_bucket.clone();
    match file {
        OddFile::Truncated => spoiled(cloud, now, |body| body[..body.len() / 2].to_vec()),
        OddFile::NotJson => spoiled(cloud, now, |_| b"<!DOCTYPE html><title>Not a log</title>".to_vec()),
        OddFile::Bomb => spoiled(cloud, now, |_| bomb()),
        OddFile::Missing => {
            let key = flushed(cloud, now);
            cloud.remove_object(&bucket, &key);
            key
        }
        OddFile::Forbidden => {
            let key = flushed(cloud, now);
            cloud.deny_object(&bucket, &key);
            key
        }
        OddFile::Digest => {
            beside(cloud, "CloudTrail-Digest", &json!({ "digestStartTime": now.iso(), "logFiles": [] }), now)
        }
        OddFile::Insight => {
            beside(cloud, "CloudTrail-Insight", &json!({ "Records": [{ "eventType": "AwsCloudTrailInsight" }] }), now)
        }
    }
}

/// A log file with something else in it.
fn spoiled(cloud: &mut Cloud, now: Moment, spoil: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let bucket = cloud.settings().trail_bucket.clone();
    let key = flushed(cloud, now);
    let body = spoil(&cloud.object(&bucket, &key).body);
    cloud.put_object(&bucket, &key, Object::new(body, "application/json", now));
    key
}

/// Writes a log file, even if there is nothing to write.
fn flushed(cloud: &mut Cloud, now: Moment) -> String {
    if cloud.buffered().is_empty() {
        cloud.keep(json!({ "eventVersion": "1.11", "eventSource": "health.amazonaws.com", "eventName": "Nothing" }));
    }
    cloud.flush_trail(now).pop().expect("a record was kept just now")
}

/// A file in a folder beside the logs.
fn beside(cloud: &mut Cloud, folder: &str, content: &Value, now: Moment) -> String {
    let (account, region, bucket) = (cloud.account(), cloud.region(), cloud.settings().trail_bucket.clone());
    let prefix = &cloud.settings().trail_prefix;
    let day = now.formatted(format_description!("[year]/[month]/[day]"));
    let second = now.formatted(format_description!("[year][month][day]T[hour][minute][second]Z"));
    let name = format!("{account}_{folder}_{region}_management_{region}_{second}.json.gz");
    let key = format!("{prefix}AWSLogs/{account}/{folder}/{region}/{day}/{name}");
    cloud.put_object(&bucket, &key, Object::new(content.to_string().into_bytes(), "application/json", now));
    key
}

/// How many blanks one block of the bomb unpacks to.
const BLOCK: usize = 1 << 20;

/// How many blocks it has: all of it is a gigabyte.
const BLOCKS: usize = 1 << 10;

/// A gzip stream of about a megabyte that unpacks to a JSON document with a gigabyte of blanks in it.
///
/// It is made of one compressed block, repeated; nobody is meant to come to its end, so it has no checksum.
fn bomb() -> Vec<u8> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut body = HEADER.to_vec();
    body.extend(deflated(b"{\"Records\":["));
    body.extend(deflated(&vec![b' '; BLOCK]).repeat(BLOCKS));
    body
}

/// A piece of a deflate stream that ends on a byte and refers to nothing before it.
fn deflated(content: &[u8]) -> Vec<u8> {
    let mut piece = Vec::with_capacity(content.len() / 100 + 1024);
    let done = Compress::new(Compression::best(), false).compress_vec(content, &mut piece, FlushCompress::Full);
    done.expect("compressing into memory that is large enough cannot fail");
    piece
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_bomb_is_small_and_unpacks_to_very_much() {
        let bomb = bomb();
        assert!(bomb.len() < 2 << 20, "{}", bomb.len());
        let mut unpacked = Vec::new();
        GzDecoder::new(&bomb[..]).take(5 << 20).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked.len(), 5 << 20);
        assert!(unpacked.starts_with(b"{\"Records\":[     "));
        assert!(unpacked[12..].iter().all(|byte| *byte == b' '));
    }

    #[test]
    fn what_stands_in_for_a_log_has_the_key_of_one() {
        for (file, status) in [(OddFile::Truncated, 200), (OddFile::Missing, 404), (OddFile::Forbidden, 403)] {
            let mut cloud = Cloud::new("111122223333", "eu-west-1");
            let key = put(&mut cloud, file, Moment::default());
            assert!(key.contains("/CloudTrail/") && key.contains("_CloudTrail_"), "{key}");
            assert_eq!(cloud.object("trail", &key).status, status);
        }
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        assert!(put(&mut cloud, OddFile::Digest, Moment::default()).contains("/CloudTrail-Digest/"));
    }
}
