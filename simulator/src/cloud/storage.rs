//! S3: buckets, objects and their answers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Cloud, ids::fingerprint};
use crate::clock::Moment;

/// All buckets of the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    pub(super) buckets: BTreeMap<String, Bucket>,
}

/// Keys sort by their UTF-8 bytes, which is the order in which S3 lists them.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    pub(super) objects: BTreeMap<String, Object>,
    pub(super) denied: BTreeSet<String>,
    pub(super) created: Moment,
}

/// An object in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes as they were put.
    pub body: Vec<u8>,
    /// Its media type.
    pub content_type: String,
    /// What its bytes are compressed with.
    pub content_encoding: Option<String>,
    /// When it was put.
    pub modified: Moment,
}

impl Object {
    /// An object that is not compressed.
    pub fn new(body: Vec<u8>, content_type: &str, modified: Moment) -> Self {
        Self { body, content_type: content_type.to_owned(), content_encoding: None, modified }
    }

    /// Looks like an MD5 sum and depends on every byte. For encrypted objects, as log files are, S3 promises no more.
    pub(super) fn etag(&self) -> String {
        let half = fingerprint(&self.body);
        format!("{half:016x}{:016x}", fingerprint(&half.to_be_bytes()))
    }
}

impl Storage {
    fn bucket(&mut self, name: &str) -> &mut Bucket {
        self.buckets.entry(name.to_owned()).or_default()
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<&Object> {
        self.buckets.get(bucket)?.objects.get(key)
    }
}

impl Cloud {
    /// Adds an empty bucket, unless it is there already.
    pub fn add_bucket(&mut self, name: &str) {
        self.storage.bucket(name);
    }

    /// Puts an object into a bucket, which is made if need be.
    pub fn put_object(&mut self, bucket: &str, key: &str, object: Object) {
        self.storage.bucket(bucket).objects.insert(key.to_owned(), object);
    }

    /// Takes an object away, and says whether it was there.
    pub fn remove_object(&mut self, bucket: &str, key: &str) -> bool {
        self.storage.buckets.get_mut(bucket).is_some_and(|bucket| bucket.objects.remove(key).is_some())
    }

    /// Refuses a key from now on, whether or not there is such an object.
    pub fn deny_object(&mut self, bucket: &str, key: &str) {
        self.storage.bucket(bucket).denied.insert(key.to_owned());
    }

    /// Answers GetObject.
    pub fn object(&mut self, bucket: &str, key: &str) -> Answer {
        let request_id = self.s3_request_id();
        let Some(content) = self.storage.buckets.get(bucket) else { return no_bucket(bucket, &request_id) };
        if content.denied.contains(key) {
            return Answer::s3_error(403, "AccessDenied", "Access Denied", &request_id);
        }
        let Some(object) = content.objects.get(key) else {
            let error = [("Code", "NoSuchKey"), ("Message", "The specified key does not exist.")];
            return Answer::s3_error_about(404, error, Some(("Key", key)), &request_id);
        };
        let mut headers = vec![
            ("content-type", object.content_type.clone()),
            ("etag", format!("\"{}\"", object.etag())),
            ("last-modified", http_date(object.modified)),
            ("accept-ranges", "bytes".into()),
            ("x-amz-request-id", request_id),
        ];
        headers.extend(object.content_encoding.iter().map(|encoding| ("content-encoding", encoding.clone())));
        Answer { status: 200, headers, body: object.body.clone() }
    }

    /// Sixteen letters and digits in capitals.
    pub(super) fn s3_request_id(&mut self) -> String {
        self.request_ids.suffix().to_ascii_uppercase()
    }
}

pub(super) fn no_bucket(bucket: &str, request_id: &str) -> Answer {
    let error = [("Code", "NoSuchBucket"), ("Message", "The specified bucket does not exist")];
    Answer::s3_error_about(404, error, Some(("BucketName", bucket)), request_id)
}

/// `Mon, 02 Nov 2026 08:05:00 GMT`
fn http_date(moment: Moment) -> String {
    moment.formatted(time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Element;

    fn cloud() -> Cloud {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        for key in ["a/1", "a/2", "a/3", "b/1"] {
            cloud.put_object("trail", key, Object::new(key.into(), "text/plain", Moment::default()));
        }
        cloud
    }

    #[test]
    fn an_object_comes_back_with_its_headers() {
        let mut cloud = cloud();
        let answer = cloud.object("trail", "a/1");
        assert_eq!((answer.status, answer.text().as_str()), (200, "a/1"));
        assert_eq!(answer.header("last-modified"), Some("Mon, 02 Nov 2026 08:00:00 GMT"));
        assert_eq!(answer.header("etag").map(str::len), Some(34));
    }

    #[test]
    fn what_is_not_there_or_denied_is_refused_in_the_form_of_s3() {
        let mut cloud = cloud();
        cloud.deny_object("trail", "a/2");
        let code = |answer: &Answer| Element::parse(&answer.text()).unwrap().child_text("Code").unwrap().to_owned();
        for (bucket, key, status, expected) in [
            ("trail", "nope", 404, "NoSuchKey"),
            ("trail", "a/2", 403, "AccessDenied"),
            ("nope", "a/1", 404, "NoSuchBucket"),
        ] {
            let answer = cloud.object(bucket, key);
            assert_eq!((answer.status, code(&answer).as_str()), (status, expected));
        }
    }
}
