//! S3's listings: of objects in both versions, and of buckets.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Answer, Cloud, Object,
    storage::{Bucket, no_bucket},
};
use crate::xml::Element;

/// No page of a listing is longer.
const KEYS_MAX: usize = 1000;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// What S3 leaves alone in keys that it encodes.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// What a caller wants listed.
struct Wanted<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    size: usize,
    after: String,
    encoded: bool,
}

/// A line of a listing.
enum Line<'a> {
    Key(&'a str, &'a Object),
    /// All keys with the same beginning up to the delimiter.
    Common(String),
}

impl Wanted<'_> {
    /// Reads the fields of the query string; `after` is where the version of the action has it.
    fn parse<'a>(query: &'a [(String, String)], after: String) -> Option<Wanted<'a>> {
        let size = field(query, "max-keys").map_or(Ok(KEYS_MAX), str::parse).ok()?;
        Some(Wanted {
            prefix: field(query, "prefix").unwrap_or_default(),
            delimiter: field(query, "delimiter").filter(|delimiter| !delimiter.is_empty()),
            size: size.min(KEYS_MAX),
            after,
            encoded: field(query, "encoding-type") == Some("url"),
        })
    }

    /// The lines of one page, and whether more would follow.
    fn page<'a>(&self, bucket: &'a Bucket) -> (Vec<Line<'a>>, bool) {
        let mut lines: Vec<Line<'a>> = vec![];
        for (key, object) in &bucket.objects {
            let Some(rest) = key.strip_prefix(self.prefix) else { continue };
            let common = self.delimiter.and_then(|delimiter| {
                rest.find(delimiter).map(|place| &key[..self.prefix.len() + place + delimiter.len()])
            });
            let text = common.unwrap_or(key);
            let repeated = matches!(lines.last(), Some(Line::Common(last)) if Some(last.as_str()) == common);
            if text <= self.after.as_str() || repeated {
                continue;
            }
            if lines.len() == self.size {
                return (lines, true);
            }
            lines.push(match common {
                Some(common) => Line::Common(common.to_owned()),
                None => Line::Key(key, object),
            });
        }
        (lines, false)
    }

    fn text(&self, text: &str) -> String {
        if self.encoded { utf8_percent_encode(text, KEPT).to_string() } else { text.to_owned() }
    }

    /// What both versions of the action begin with.
    fn head(&self, bucket: &str) -> Element {
        let delimiter = self.delimiter.map(|delimiter| Element::text("Delimiter", self.text(delimiter)));
        Element::new("ListBucketResult")
            .with_attribute("xmlns", NAMESPACE)
            .with(Element::text("Name", bucket))
            .with(Element::text("Prefix", self.text(self.prefix)))
            .with_all(delimiter)
            .with(Element::text("MaxKeys", self.size.to_string()))
            .with_all(self.encoded.then(|| Element::text("EncodingType", "url")))
    }

    fn line(&self, line: &Line<'_>) -> Element {
        match line {
            Line::Common(prefix) => Element::new("CommonPrefixes").with(Element::text("Prefix", self.text(prefix))),
            Line::Key(key, object) => Element::new("Contents")
                .with(Element::text("Key", self.text(key)))
                .with(Element::text("LastModified", object.modified.iso().replace('Z', ".000Z")))
                .with(Element::text("ETag", format!("\"{}\"", object.etag())))
                .with(Element::text("Size", object.body.len().to_string()))
                .with(Element::text("StorageClass", "STANDARD")),
        }
    }
}

impl Line<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Key(key, _) => key,
            Self::Common(prefix) => prefix,
        }
    }
}

impl Cloud {
    /// Answers ListObjectsV2, or the first version of it; `query` holds the fields of the query string.
    pub fn list_objects(&mut self, bucket: &str, query: &[(String, String)]) -> Answer {
        if let Some(denied) = self.denied("ListBucket") {
            return denied;
        }
        let request_id = self.s3_request_id();
        let Some(content) = self.storage.buckets.get(bucket) else { return no_bucket(bucket, &request_id) };
        let second = field(query, "list-type").is_none_or(|version| version == "2");
        let token = field(query, "continuation-token").filter(|_| second);
        let start = field(query, if second { "start-after" } else { "marker" }).unwrap_or_default();
        let after = token.map(seen_last).unwrap_or(Some(start.into()));
        let Some(wanted) = after.and_then(|after| Wanted::parse(query, after)) else {
            let message = "max-keys or continuation-token is not valid";
            return Answer::s3_error(400, "InvalidArgument", message, &request_id);
        };
        let (lines, more) = wanted.page(content);
        let last = lines.last().filter(|_| more).map(Line::name);
        let root = wanted.head(bucket).with(Element::text("IsTruncated", more.to_string()));
        let root = if second {
            root.with(Element::text("KeyCount", lines.len().to_string()))
                .with_all(token.map(|token| Element::text("ContinuationToken", token)))
                .with_all(last.map(|last| Element::text("NextContinuationToken", STANDARD.encode(last))))
        } else {
            // Without a delimiter the last key says where to go on.
            let next = last.filter(|_| wanted.delimiter.is_some());
            root.with(Element::text("Marker", wanted.text(start)))
                .with_all(next.map(|last| Element::text("NextMarker", wanted.text(last))))
        };
        let root = root.with_all(lines.iter().map(|line| wanted.line(line)));
        Answer::xml(200, "application/xml", &root).and("x-amz-request-id", request_id)
    }

    /// Answers ListBuckets.
    pub(super) fn list_buckets(&mut self) -> Answer {
        let request_id = self.s3_request_id();
        let bucket = |(name, bucket): (&String, &Bucket)| {
            Element::new("Bucket")
                .with(Element::text("Name", name))
                .with(Element::text("CreationDate", bucket.created.iso().replace('Z', ".000Z")))
        };
        let owner = Element::new("Owner").with(Element::text("ID", "a1example"));
        let root = Element::new("ListAllMyBucketsResult")
            .with_attribute("xmlns", NAMESPACE)
            .with(owner)
            .with(Element::new("Buckets").with_all(self.storage.buckets.iter().map(bucket)));
        Answer::xml(200, "application/xml", &root).and("x-amz-request-id", request_id)
    }
}

fn field<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn seen_last(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;

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

    #[test]
    fn keys_with_the_same_beginning_fold_and_are_encoded() {
        let mut cloud = cloud();
        cloud.put_object("trail", "b c/é", Object::new(vec![], "text/plain", Moment::default()));
        let query = fields(&[("list-type", "1"), ("delimiter", "/"), ("encoding-type", "url"), ("max-keys", "2")]);
        let root = Element::parse(&cloud.list_objects("trail", &query).text()).unwrap();
        let prefixes = root.children.iter().filter(|child| child.name == "CommonPrefixes");
        let prefixes: Vec<_> = prefixes.filter_map(|prefix| prefix.child_text("Prefix")).collect();
        assert_eq!((prefixes, root.child_text("NextMarker")), (vec!["a/", "b%20c/"], Some("b%20c/")));
        let query = fields(&[("list-type", "1"), ("delimiter", "/"), ("marker", "b c/")]);
        let root = Element::parse(&cloud.list_objects("trail", &query).text()).unwrap();
        assert_eq!(root.at(&["CommonPrefixes", "Prefix"]).unwrap().text, "b/");
        assert_eq!(root.child_text("IsTruncated"), Some("false"));
    }
}
