//! S3: buckets, objects and their answers.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Answer, Cloud, ids::fingerprint};
use crate::{clock::Moment, xml::Element};

/// All buckets of the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Storage {
    buckets: BTreeMap<String, Bucket>,
}

/// Keys sort by their UTF-8 bytes, which is the order in which S3 lists them.
#[derive(Clone, Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Object>,
    denied: BTreeSet<String>,
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

/// No page of a listing is longer.
const KEYS_MAX: usize = 1000;

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

    /// Answers ListObjectsV2; `query` holds the fields of the query string.
    pub fn list_objects(&mut self, bucket: &str, query: &[(String, String)]) -> Answer {
        let request_id = self.s3_request_id();
        let Some(content) = self.storage.buckets.get(bucket) else { return no_bucket(bucket, &request_id) };
        let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let prefix = field("prefix").unwrap_or_default();
        let size = field("max-keys").map_or(Ok(KEYS_MAX), str::parse);
        let after =
            field("continuation-token").map(seen_last).unwrap_or(Some(field("start-after").unwrap_or_default().into()));
        let (Ok(size), Some(after)) = (size, after) else {
            let message = "max-keys or continuation-token is not valid";
            return Answer::s3_error(400, "InvalidArgument", message, &request_id);
        };
        let size = size.min(KEYS_MAX);
        let mut keys = content.objects.iter().filter(|(key, _)| key.starts_with(prefix) && **key > after);
        let page: Vec<_> = keys.by_ref().take(size).collect();
        let token = page.last().filter(|_| keys.next().is_some()).map(|(key, _)| STANDARD.encode(key));
        let root = Element::new("ListBucketResult")
            .with_attribute("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/")
            .with(Element::text("Name", bucket))
            .with(Element::text("Prefix", prefix))
            .with(Element::text("KeyCount", page.len().to_string()))
            .with(Element::text("MaxKeys", size.to_string()))
            .with(Element::text("IsTruncated", token.is_some().to_string()))
            .with_all(token.map(|token| Element::text("NextContinuationToken", token)))
            .with_all(page.into_iter().map(|(key, object)| listed(key, object)));
        Answer::xml(200, "application/xml", &root).and("x-amz-request-id", request_id)
    }

    /// Sixteen letters and digits in capitals.
    fn s3_request_id(&mut self) -> String {
        self.request_ids.suffix().to_ascii_uppercase()
    }
}

fn listed(key: &str, object: &Object) -> Element {
    Element::new("Contents")
        .with(Element::text("Key", key))
        .with(Element::text("LastModified", object.modified.iso().replace('Z', ".000Z")))
        .with(Element::text("ETag", format!("\"{}\"", object.etag())))
        .with(Element::text("Size", object.body.len().to_string()))
        .with(Element::text("StorageClass", "STANDARD"))
}

fn seen_last(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
}

fn no_bucket(bucket: &str, request_id: &str) -> Answer {
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

    fn cloud() -> Cloud {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        for key in ["a/1", "a/2", "a/3", "b/1"] {
            cloud.put_object("trail", key, Object::new(key.into(), "text/plain", Moment::default()));
        }
        cloud
    }

    fn fields(texts: &[(&str, &str)]) -> Vec<(String, String)> {
        texts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
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

    #[test]
    fn a_listing_goes_on_where_its_page_ended() {
        let mut cloud = cloud();
        let mut seen = vec![];
        let mut token: Option<String> = None;
        loop {
            let mut query = fields(&[("list-type", "2"), ("prefix", "a/"), ("max-keys", "2")]);
            query.extend(token.take().map(|token| ("continuation-token".into(), token)));
            let root = Element::parse(&cloud.list_objects("trail", &query).text()).unwrap();
            let contents = root.children.iter().filter(|child| child.name == "Contents");
            seen.extend(contents.filter_map(|object| object.child_text("Key")).map(str::to_owned));
            token = root.child_text("NextContinuationToken").map(str::to_owned);
            assert_eq!(root.child_text("IsTruncated"), Some(if token.is_some() { "true" } else { "false" }));
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, ["a/1", "a/2", "a/3"]);
        let after = cloud.list_objects("trail", &fields(&[("start-after", "a/3")])).text();
        assert!(after.contains("<Key>b/1</Key>") && !after.contains("<Key>a/3</Key>"));
    }
}
