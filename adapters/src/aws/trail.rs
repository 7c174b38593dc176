//! The bucket of a trail, listed: for whoever gets no notifications. Keys are
//! `[prefix/]AWSLogs/[o-…/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/…` (CloudTrail user guide, `cloudtrail-find-log-files`).

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::{Builder, http::HttpResponse},
    error::SdkError,
    operation::list_objects_v2::ListObjectsV2Error,
};
use drawbridge_core::{
    command::{Failure, LogRef, Trouble},
    id::Region,
};

use super::{cloudtrail::is_event_log, failure::failure};

const CALL: &str = "ListObjectsV2";

/// How many folders of accounts are looked at.
const FOLDERS_MAX: usize = 200;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The bucket of a trail.
#[derive(Clone, Debug)]
pub struct Trail {
    client: Client,
    bucket: String,
    /// What the keys of this region's logs begin with: of one account, or of each in an organization.
    roots: Vec<String>,
}

/// A log file, and when it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The file.
    pub log: LogRef,
    /// When S3 got it.
    pub at: Option<SystemTime>,
}

impl Trail {
    /// Finds the folders of this region's logs in the bucket.
    ///
    /// # Errors
    /// If S3 refuses or does not answer, or there is no such folder.
    pub async fn find(config: &SdkConfig, bucket: &str, prefix: &str, region: &Region) -> Result<Self, Failure> {
        let client = Builder::from(config).force_path_style(config.endpoint_url().is_some()).build();
        let mut trail = Self { client: Client::from_conf(client), bucket: bucket.to_owned(), roots: Vec::new() };
        let first = if prefix.is_empty() { "AWSLogs/".to_owned() } else { format!("{prefix}/AWSLogs/") };
        let mut folders = vec![first];
        let mut seen = 0;
        while let Some(folder) = folders.pop().filter(|_| seen < FOLDERS_MAX) {
            seen += 1;
            for inner in trail.folders(&folder).await? {
                let name = inner[folder.len()..].trim_end_matches('/');
                let is_account = name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
                match name {
                    _ if folder.ends_with("/CloudTrail/") && name == region.as_str() => trail.roots.push(inner),
                    "CloudTrail" => folders.push(inner),
                    _ if is_account || name.starts_with("o-") => folders.push(inner),
                    _ => {}
                }
            }
        }
        if trail.roots.is_empty() {
            let code = format!(
                "no folder of a trail for {region} in `{bucket}` (check `watch.bucket` and `watch.prefix`, and that the trail records this region)"
            );
            return Err(Trouble::Aws { call: CALL.to_owned(), code }.permanent());
        }
        Ok(trail)
    }

    async fn folders(&self, folder: &str) -> Result<Vec<String>, Failure> {
        let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(folder).delimiter("/");
        let page = call.send().await.map_err(|error| refused(&error))?;
        Ok(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|common| common.prefix).collect())
    }

    /// The logs that have arrived since `since`, in the order of their keys.
    ///
    /// # Errors
    /// If S3 refuses, or does not answer.
    pub async fn since(&self, since: SystemTime, now: SystemTime) -> Result<Vec<Arrived>, Failure> {
        let mut arrived = Vec::new();
        for day in days(since, now) {
            for root in &self.roots {
                // Keys hold the minute of delivery: what lies before the first of interest need not be listed.
                self.list(&format!("{root}{day}/"), &after(root, &day, since), &mut arrived).await?;
            }
        }
        Ok(arrived)
    }

    async fn list(&self, folder: &str, after: &str, arrived: &mut Vec<Arrived>) -> Result<(), Failure> {
        let mut token: Option<String> = None;
        let mut seen = BTreeSet::new();
        loop {
            let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(folder).start_after(after);
            let page = call.set_continuation_token(token).send().await.map_err(|error| refused(&error))?;
            for object in page.contents.unwrap_or_default() {
                let at = object.last_modified.and_then(|at| SystemTime::try_from(at).ok());
                let Some(key) = object.key.filter(|key| is_event_log(key)) else { continue };
                arrived.push(Arrived { log: LogRef { bucket: self.bucket.clone(), key, version: None }, at });
            }
            match page.next_continuation_token {
                Some(next) if seen.insert(next.clone()) => token = Some(next),
                Some(_) | None => return Ok(()),
            }
        }
    }
}

/// What went wrong with a listing. Who is denied one is told the right by its name, which is not the call's (Service
/// Authorization Reference, Amazon S3).
fn refused(error: &SdkError<ListObjectsV2Error, HttpResponse>) -> Failure {
    let failure = failure(CALL, error);
    if matches!(failure.what, Trouble::AwsDenied { .. }) {
        return Trouble::AwsDenied { call: "s3:ListBucket".to_owned() }.permanent();
    }
    failure
}

/// The days from then to now, as folders are named: `2026/02/03`.
fn days(since: SystemTime, now: SystemTime) -> Vec<String> {
    let mut days = Vec::new();
    let mut moment = since;
    while moment < now + DAY && days.len() < 3 {
        let day = date(moment);
        if moment > now && day != date(now) {
            break;
        }
        days.push(day);
        moment += DAY;
    }
    days.dedup();
    days
}

fn date(moment: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(moment).to_string();
    text[..10].replace('-', "/")
}

/// A key before every one that was delivered at that minute or later: `…/ACCOUNT_CloudTrail_REGION_20260203T1011`.
fn after(root: &str, day: &str, since: SystemTime) -> String {
    let folder = format!("{root}{day}/");
    if date(since) != day {
        return folder;
    }
    let mut names = root.trim_end_matches('/').rsplit('/');
    let (Some(region), Some(_), Some(account)) = (names.next(), names.next(), names.next()) else { return folder };
    let text = humantime::format_rfc3339_seconds(since).to_string();
    let minute: String = text[..16].chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{folder}{account}_CloudTrail_{region}_{minute}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::server::{Answer, Request, Server};

    fn at(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn days_are_folders() {
        let noon = at("2026-02-03T12:00:00Z");
        assert_eq!(days(at("2026-02-03T11:45:00Z"), noon), ["2026/02/03"]);
        assert_eq!(days(at("2026-02-02T23:50:00Z"), at("2026-02-03T00:05:00Z")), ["2026/02/02", "2026/02/03"]);
        assert_eq!(days(at("2026-02-02T00:05:00Z"), at("2026-02-03T23:50:00Z")), ["2026/02/02", "2026/02/03"]);
        // A clock that was far behind, or a host that has slept.
        assert_eq!(days(at("1970-01-01T00:00:00Z"), noon), ["1970/01/01", "1970/01/02", "1970/01/03"]);
    }

    #[test]
    fn what_lies_before_the_first_minute_is_not_listed() {
        let root = "p/AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/";
        let since = at("2026-02-03T10:11:12Z");
        let first = after(root, "2026/02/03", since);
        assert_eq!(first, format!("{root}2026/02/03/111122223333_CloudTrail_eu-west-1_20260203T1011"));
        let key = format!("{root}2026/02/03/111122223333_CloudTrail_eu-west-1_20260203T1011Z_0123456789abcdef.json.gz");
        assert!(first < key);
        assert_eq!(after(root, "2026/02/04", since), format!("{root}2026/02/04/"));
    }

    /// A field of the query.
    fn asked(request: &Request, name: &str) -> Option<String> {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).find(|(label, _)| label == name).map(|(_, value)| value.into_owned())
    }

    fn page(content: &str) -> Answer {
        Answer::xml(200, &format!("<ListBucketResult>{content}</ListBucketResult>"))
    }

    /// The folders that lie in the one that is asked for.
    fn folders(request: &Request, names: impl IntoIterator<Item = String>) -> Answer {
        let folder = asked(request, "prefix").unwrap();
        let line = |name: String| format!("<CommonPrefixes><Prefix>{folder}{name}/</Prefix></CommonPrefixes>");
        page(&names.into_iter().map(line).collect::<String>())
    }

    async fn find(server: &Server) -> Result<Trail, Failure> {
        Trail::find(&server.sdk_config(), "trail", "", &"eu-west-1".parse().unwrap()).await
    }

    /// What lies in a folder of a trail that records two regions, beside other folders.
    fn of_one_account(request: &Request) -> Answer {
        let folder = asked(request, "prefix").unwrap();
        let names: &[&str] = match folder.as_str() {
            "AWSLogs/" => &["111122223333", "elb"],
            "AWSLogs/111122223333/" => &["CloudTrail", "CloudTrail-Digest", "Config"],
            "AWSLogs/111122223333/CloudTrail/" => &["eu-west-1", "us-east-1"],
            other => panic!("{other} is nobody's"),
        };
        folders(request, names.iter().map(|name| (*name).to_owned()))
    }

    #[tokio::test]
    async fn logs_of_this_region_are_found() {
        let server = Server::start(of_one_account).await;
        assert_eq!(find(&server).await.unwrap().roots, ["AWSLogs/111122223333/CloudTrail/eu-west-1/"]);
        let server = Server::start(|request| folders(request, [])).await;
        let said = find(&server).await.unwrap_err().what.to_string();
        assert!(said.contains("no folder of a trail for eu-west-1 in `trail`"), "{said}");
    }

    #[tokio::test]
    async fn accounts_without_end_are_not_all_looked_at() {
        let server = Server::start(|request| {
            let accounts = (0..2 * FOLDERS_MAX).map(|number| format!("{number:012}"));
            folders(request, accounts.filter(|_| asked(request, "prefix").is_some_and(|asked| asked == "AWSLogs/")))
        })
        .await;
        assert!(find(&server).await.is_err());
        assert_eq!(server.requests().len(), FOLDERS_MAX);
    }

    #[tokio::test]
    async fn pages_are_read_up_to_one_that_was_read_already() {
        let server = Server::start(|request| match asked(request, "delimiter") {
            Some(_) => of_one_account(request),
            None => {
                let token = asked(request, "continuation-token");
                let number = match token.as_deref() {
                    None => 1,
                    Some("again") => 2,
                    Some(other) => panic!("token {other}"),
                };
                let folder = asked(request, "prefix").unwrap();
                let keys = [format!("{number}_CloudTrail_.json.gz"), "readme.txt".to_owned()];
                let lines = keys.map(|key| format!("<Contents><Key>{folder}{key}</Key></Contents>")).concat();
                page(&format!("{lines}<NextContinuationToken>again</NextContinuationToken>"))
            }
        })
        .await;
        let trail = find(&server).await.unwrap();
        let noon = at("2026-02-03T12:00:00Z");
        let listing = trail.since(noon - Duration::from_secs(60), noon);
        let arrived = tokio::time::timeout(Duration::from_secs(10), listing).await.unwrap().unwrap();
        let root = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/03/";
        let keys: Vec<_> = arrived.iter().map(|arrived| arrived.log.key.strip_prefix(root).unwrap()).collect();
        assert_eq!(keys, ["1_CloudTrail_.json.gz", "2_CloudTrail_.json.gz"]);
    }
}
