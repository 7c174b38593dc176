//! What S3 does besides getting and listing objects.

use std::ops::Range;

use super::{
    Answer, Cloud, Object,
    storage::{Bucket, no_bucket},
};
use crate::{clock::Moment, xml::Element};

/// A request to S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Request {
    /// `GET`, `HEAD`, `PUT`, `POST` or `DELETE`.
    pub method: String,
    /// The bucket; empty if the request is about all of them.
    pub bucket: String,
    /// The key, decoded; empty if the request is about the bucket.
    pub key: String,
    /// The fields of the query string.
    pub query: Vec<(String, String)>,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl S3Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the body comes in chunks with signatures between them, or something else after it.
    fn is_streaming(&self) -> bool {
        self.header("x-amz-content-sha256").is_some_and(|sum| sum.starts_with("STREAMING-"))
            || self.header("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked"))
            || self.header("x-amz-copy-source").is_some()
    }

    /// The sub-resource that is asked for, such as `location`: a field that stands for an action of its own.
    fn sub_resource(&self) -> Option<&str> {
        const NO_ACTIONS: [&str; 12] = [
            "x-id",
            "list-type",
            "prefix",
            "delimiter",
            "max-keys",
            "encoding-type",
            "continuation-token",
            "start-after",
            "marker",
            "fetch-owner",
            "max-buckets",
            "bucket-region",
        ];
        let names = self.query.iter().map(|(name, _)| name.as_str());
        names.filter(|name| !NO_ACTIONS.contains(name) && !name.starts_with("response-")).find(|name| !name.is_empty())
    }
}

impl Cloud {
    /// Answers a request to S3.
    pub fn s3(&mut self, request: &S3Request, now: Moment) -> Answer {
        let S3Request { bucket, key, query, .. } = request;
        match (request.method.as_str(), bucket.as_str(), key.as_str(), request.sub_resource()) {
            ("GET", "", _, None) => self.list_buckets(),
            ("GET", _, "", None) => self.list_objects(bucket, query),
            ("GET", _, "", Some("location")) => self.location(bucket),
            ("HEAD", _, "", None) => self.with_bucket(bucket, |_| empty(200)),
            ("PUT", name, "", None) if !name.is_empty() => self.create_bucket(name, now),
            ("DELETE", _, "", None) => self.delete_bucket(bucket),
            ("POST", _, "", Some("delete")) => self.delete_objects(bucket, &request.body),
            ("GET" | "HEAD", _, _, None) if !key.is_empty() => {
                let whole = self.object(bucket, key);
                self.part(request, whole)
            }
            ("GET" | "HEAD", _, _, Some("versionId")) if !key.is_empty() => {
                let version = query.iter().find(|(name, _)| name == "versionId").map(|(_, version)| version.as_str());
                let whole = self.version(bucket, key, version.unwrap_or_default());
                self.part(request, whole)
            }
            ("PUT", _, _, None) if !key.is_empty() && !request.is_streaming() => self.put(request, now),
            ("DELETE", _, _, None) if !key.is_empty() => self.with_bucket(bucket, |content| {
                content.objects.remove(key);
                empty(204)
            }),
            _ => {
                let request_id = self.s3_request_id();
                let message = "A header you provided implies functionality that is not implemented.";
                Answer::s3_error(501, "NotImplemented", message, &request_id)
            }
        }
    }

    fn with_bucket(&mut self, name: &str, act: impl FnOnce(&mut Bucket) -> Answer) -> Answer {
        let request_id = self.s3_request_id();
        let region = self.region.clone();
        match self.storage.buckets.get_mut(name) {
            None => no_bucket(name, &request_id),
            Some(bucket) => act(bucket).and("x-amz-request-id", request_id).and("x-amz-bucket-region", region),
        }
    }

    fn location(&mut self, bucket: &str) -> Answer {
        // The first region has no name here.
        let region = if self.region == "us-east-1" { String::new() } else { self.region.clone() };
        self.with_bucket(bucket, |_| {
            let root = Element::text("LocationConstraint", region);
            let root = root.with_attribute("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/");
            Answer::xml(200, "application/xml", &root)
        })
    }

    fn create_bucket(&mut self, name: &str, now: Moment) -> Answer {
        let request_id = self.s3_request_id();
        let error = |status, code: &str, message: &str| {
            let error = [("Code", code), ("Message", message)];
            Answer::s3_error_about(status, error, Some(("BucketName", name)), &request_id)
        };
        if !is_bucket_name(name) {
            return error(400, "InvalidBucketName", "The specified bucket is not valid.");
        }
        if self.storage.buckets.contains_key(name) {
            let message = "Your previous request to create the named bucket succeeded and you already own it.";
            return error(409, "BucketAlreadyOwnedByYou", message);
        }
        self.storage.buckets.insert(name.to_owned(), Bucket { created: now, ..Bucket::default() });
        empty(200).and("location", format!("/{name}")).and("x-amz-request-id", request_id)
    }

    fn delete_bucket(&mut self, name: &str) -> Answer {
        let request_id = self.s3_request_id();
        match self.storage.buckets.get(name) {
            None => no_bucket(name, &request_id),
            Some(bucket) if !bucket.objects.is_empty() => {
                let error = [("Code", "BucketNotEmpty"), ("Message", "The bucket you tried to delete is not empty")];
                Answer::s3_error_about(409, error, Some(("BucketName", name)), &request_id)
            }
            Some(_) => {
                self.storage.buckets.remove(name);
                empty(204).and("x-amz-request-id", request_id)
            }
        }
    }

    fn put(&mut self, request: &S3Request, now: Moment) -> Answer {
        let media = request.header("content-type").unwrap_or("binary/octet-stream");
        let mut object = Object::new(request.body.clone(), media, now);
        object.content_encoding = request.header("content-encoding").map(str::to_owned);
        let etag = format!("\"{}\"", object.etag());
        self.with_bucket(&request.bucket, |bucket| {
            bucket.objects.insert(request.key.clone(), object);
            empty(200).and("etag", etag)
        })
    }

    /// DeleteObjects: also what is not there counts as deleted.
    fn delete_objects(&mut self, bucket: &str, body: &[u8]) -> Answer {
        let parsed = Element::parse(&String::from_utf8_lossy(body));
        let Ok(wanted) = parsed else {
            let request_id = self.s3_request_id();
            let message = "The XML you provided was not well-formed or did not validate against our published schema";
            return Answer::s3_error(400, "MalformedXML", message, &request_id);
        };
        let objects = wanted.children.iter().filter(|child| child.name == "Object");
        let keys: Vec<_> = objects.filter_map(|object| object.child_text("Key")).map(str::to_owned).collect();
        let quiet = wanted.child_text("Quiet") == Some("true");
        self.with_bucket(bucket, |bucket| {
            keys.iter().for_each(|key| drop(bucket.objects.remove(key)));
            let told = keys.iter().filter(|_| !quiet);
            let deleted = told.map(|key| Element::new("Deleted").with(Element::text("Key", key)));
            let root = Element::new("DeleteResult").with_attribute("xmlns", "http://s3.amazonaws.com/doc/2006-03-01/");
            Answer::xml(200, "application/xml", &root.with_all(deleted))
        })
    }

    /// GetObject and HeadObject, of a part of the object if the request wants only that.
    fn part(&mut self, request: &S3Request, mut answer: Answer) -> Answer {
        let (Some(range), 200) = (request.header("range"), answer.status) else { return answer };
        let size = answer.body.len();
        match part(range, size) {
            None => answer,
            Some(Err(())) => {
                let request_id = self.s3_request_id();
                Answer::s3_error(416, "InvalidRange", "The requested range is not satisfiable", &request_id)
            }
            Some(Ok(part)) => {
                let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
                answer.body = answer.body[part].to_vec();
                answer.status = 206;
                answer.and("content-range", told)
            }
        }
    }
}

/// `bytes=0-99`, `bytes=100-` or `bytes=-10`; nothing if it is no range of that form, which S3 ignores.
fn part(range: &str, size: usize) -> Option<Result<Range<usize>, ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let part = match (first.parse::<usize>().ok(), last.parse::<usize>().ok()) {
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(count)) if first.is_empty() => size.saturating_sub(count)..size,
        _ => return None,
    };
    Some(if part.is_empty() { Err(()) } else { Ok(part) })
}

/// The rules for names of buckets (S3 user guide, "Bucket naming rules"), as far as letters and lengths go.
fn is_bucket_name(name: &str) -> bool {
    let sound = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9');
    let (first, last) = (name.bytes().next(), name.bytes().last());
    (3..=63).contains(&name.len())
        && [first, last].into_iter().flatten().all(sound)
        && name.bytes().all(|byte| sound(byte) || matches!(byte, b'.' | b'-'))
        && !name.contains("..")
}

fn empty(status: u16) -> Answer {
    Answer { status, headers: vec![], body: vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(cloud: &mut Cloud, method: &str, path: &str, body: &str) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let request = S3Request {
            method: method.into(),
            bucket: bucket.into(),
            key: key.into(),
            query,
            headers: vec![("range".into(), "bytes=1-2".into())],
            body: body.into(),
        };
        cloud.s3(&request, Moment::default())
    }

    #[test]
    fn a_bucket_lives_and_dies() {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        for (method, path, status, words) in [
            ("PUT", "Not_a_name", 400, "InvalidBucketName"),
            ("HEAD", "logs", 404, "NoSuchBucket"),
            ("PUT", "logs", 200, ""),
            ("PUT", "logs", 409, "BucketAlreadyOwnedByYou"),
            ("HEAD", "logs", 200, ""),
            ("GET", "logs?location", 200, ">eu-west-1<"),
            ("GET", "", 200, "<Name>logs</Name>"),
            ("PUT", "logs/a/b", 200, ""),
            ("DELETE", "logs", 409, "BucketNotEmpty"),
            ("GET", "logs?versioning", 501, "NotImplemented"),
            ("DELETE", "logs/a/b", 204, ""),
            ("DELETE", "logs/a/b", 204, ""),
            ("DELETE", "logs", 204, ""),
            ("DELETE", "logs", 404, "NoSuchBucket"),
        ] {
            let answer = ask(&mut cloud, method, path, "");
            assert_eq!(answer.status, status, "{method} {path}");
            assert!(answer.text().contains(words), "{method} {path}: {}", answer.text());
        }
    }

    #[test]
    fn a_part_of_an_object_is_told_as_one() {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        ask(&mut cloud, "PUT", "trail/key", "content");
        let answer = ask(&mut cloud, "GET", "trail/key", "");
        assert_eq!((answer.status, answer.text().as_str()), (206, "on"));
        assert_eq!(answer.header("content-range"), Some("bytes 1-2/7"));
        assert_eq!(ask(&mut cloud, "GET", "trail/key?versionId=null", "").text(), "on");
        assert_eq!(ask(&mut cloud, "DELETE", "trail/key?versionId=null", "").status, 501);
        let deleted = ask(&mut cloud, "POST", "trail?delete", "<Delete><Object><Key>key</Key></Object></Delete>");
        assert!(deleted.text().contains("<Deleted><Key>key</Key></Deleted>"), "{}", deleted.text());
        assert_eq!(ask(&mut cloud, "GET", "trail/key", "").status, 404);
    }

    #[test]
    fn a_body_in_chunks_or_of_another_object_is_refused() {
        let mut cloud = Cloud::new("111122223333", "eu-west-1");
        for (name, value) in [
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("content-encoding", "gzip,aws-chunked"),
            ("x-amz-copy-source", "trail/other"),
        ] {
            let (method, bucket, key) = ("PUT".into(), "trail".into(), "key".into());
            let (query, headers, body) = (vec![], vec![(name.into(), value.into())], b"3\r\nabc\r\n".to_vec());
            let answer = cloud.s3(&S3Request { method, bucket, key, query, headers, body }, Moment::default());
            assert!(answer.status == 501 && answer.text().contains("NotImplemented"), "{name}");
        }
    }

    #[test]
    fn ranges_are_cut_to_size_or_refused() {
        assert_eq!(part("bytes=5-", 10), Some(Ok(5..10)));
        assert_eq!(part("bytes=-3", 10), Some(Ok(7..10)));
        assert_eq!(part("bytes=5-99", 10), Some(Ok(5..10)));
        assert_eq!(part("bytes=10-", 10), Some(Err(())));
        assert_eq!(part("lines=1-2", 10), None);
    }
}
