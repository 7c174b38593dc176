//! S3: buckets, objects and their answers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Cloud, Dates, ids::fingerprint};
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
    pub(super) versions: Versions,
}

/// Whether a bucket gives its objects version ids. Only the present version of each is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Versions {
    #[default]
    None,
    Kept,
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

    /// The id of its version in a bucket that keeps versions.
    fn version(&self) -> String {
        format!("v{}", self.etag())
    }
}

impl Bucket {
    /// What a version of an object is called here: all are called `null` in a bucket that keeps none.
    fn version_of(&self, object: &Object) -> String {
        match self.versions {
            Versions::None => "null".to_owned(),
            Versions::Kept => object.version(),
        }
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

    /// From now on the objects of a bucket have version ids.
    pub fn keep_versions(&mut self, bucket: &str) {
        self.storage.bucket(bucket).versions = Versions::Kept;
    }

    /// Answers GetObject.
    pub fn object(&mut self, bucket: &str, key: &str) -> Answer {
        self.denied("GetObject").unwrap_or_else(|| self.content(bucket, key))
    }

    /// Answers GetObject for one version, which takes another right.
    pub(super) fn version(&mut self, bucket: &str, key: &str, version: &str) -> Answer {
        if let Some(denied) = self.denied("GetObjectVersion") {
            return denied;
        }
        let request_id = self.s3_request_id();
        let present = self.storage.buckets.get(bucket).and_then(|content| {
            let object = content.objects.get(key)?;
            Some(content.version_of(object))
        });
        match present {
            Some(present) if present != version => {
                let error = [("Code", "NoSuchVersion"), ("Message", "The specified version does not exist.")];
                Answer::s3_error_about(404, error, Some(("VersionId", version)), &request_id)
            }
            Some(_) | None => self.content(bucket, key),
        }
    }

    /// S3's refusal, if nobody may perform this action.
    pub(super) fn denied(&mut self, action: &str) -> Option<Answer> {
        let request_id = self.settings.denied_actions.contains(action).then(|| self.s3_request_id())?;
        Some(Answer::s3_error(403, "AccessDenied", "Access Denied", &request_id))
    }

    fn content(&mut self, bucket: &str, key: &str) -> Answer {
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
        headers.extend((content.versions == Versions::Kept).then(|| ("x-amz-version-id", object.version())));
        Answer { status: 200, headers, body: object.body.clone() }
    }

    /// The answer, with the date that it bears if that is not the machine's.
    pub fn dated(&self, answer: Answer, now: Moment) -> Answer {
        match self.settings.dates {
            Dates::Machine => answer,
            Dates::World => answer.and("date", http_date(now)),
        }
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

    #[test]
    fn a_version_is_another_right_than_an_object() {
        let mut cloud = cloud();
        assert_eq!(cloud.object("trail", "a/1").header("x-amz-version-id"), None);
        assert_eq!(cloud.version("trail", "a/1", "null").status, 200);
        cloud.keep_versions("trail");
        let version = cloud.object("trail", "a/1").header("x-amz-version-id").unwrap().to_owned();
        assert_eq!(cloud.version("trail", "a/1", &version).text(), "a/1");
        assert_eq!(cloud.version("trail", "a/2", &version).status, 404);
        for (denied, statuses) in [("GetObject", [403, 200]), ("GetObjectVersion", [200, 403])] {
            cloud.settings.denied_actions = [denied.to_owned()].into();
            let answers = [cloud.object("trail", "a/1"), cloud.version("trail", "a/1", &version)];
            assert_eq!(answers.map(|answer| answer.status), statuses, "without {denied}");
        }
        cloud.settings.denied_actions = ["ListBucket".to_owned()].into();
        assert_eq!(cloud.list_objects("trail", &[]).status, 403);
    }

    #[test]
    fn a_date_is_the_worlds_where_that_is_told() {
        let mut cloud = cloud();
        let answer = cloud.object("trail", "a/1");
        assert_eq!(cloud.dated(answer.clone(), Moment::default()).header("date"), None);
        cloud.settings.dates = Dates::World;
        let dated = cloud.dated(answer, Moment::default());
        assert_eq!(dated.header("date"), Some("Mon, 02 Nov 2026 08:00:00 GMT"));
    }
}
