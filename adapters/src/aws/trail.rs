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
    id::{AccountId, Region},
};

use super::{cloudtrail::is_event_log, failure::failure};

const CALL: &str = "ListObjectsV2";

/// How many folders of accounts are looked at, and listed each time: a few hundred requests would take longer than the time
/// between two listings.
const ACCOUNTS_MAX: usize = 100;

/// How many pages of folders are read, of a thousand each.
const PAGES_MAX: usize = 20;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The bucket of a trail.
#[derive(Clone, Debug)]
pub struct Trail {
    client: Client,
    bucket: String,
    /// What the keys of this region's logs begin with: of one account, or of each in an organization.
    roots: Vec<String>,
    is_partial: bool,
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
    /// Finds the folders of this region's logs in the bucket. Where several accounts have some, `own` is asked whose are
    /// wanted; where nobody knows, it is those of all, up to a bound.
    ///
    /// # Errors
    /// If S3 refuses or does not answer, or there is no such folder.
    pub async fn find(
        config: &SdkConfig,
        bucket: &str,
        prefix: &str,
        region: &Region,
        own: impl AsyncFnOnce() -> Option<AccountId>,
    ) -> Result<Self, Failure> {
        let client = Builder::from(config).force_path_style(config.endpoint_url().is_some()).build();
        let client = Client::from_conf(client);
        let mut trail = Self { client, bucket: bucket.to_owned(), roots: Vec::new(), is_partial: false };
        let first = if prefix.is_empty() { "AWSLogs/".to_owned() } else { format!("{prefix}/AWSLogs/") };
        let mut accounts = trail.accounts(&first).await?;
        if accounts.len() > 1
            && let Some(own) = own().await
        {
            trail.narrow(&mut accounts, &own);
        }
        trail.is_partial |= accounts.len() > ACCOUNTS_MAX;
        for account in accounts.iter().take(ACCOUNTS_MAX) {
            let folder = format!("{account}CloudTrail/");
            let regions = trail.folders(&folder).await?;
            trail.roots.extend(regions.into_iter().filter(|inner| name(inner, &folder) == region.as_str()));
        }
        if trail.is_partial {
            tracing::warn!("{}", trail.partial());
        }
        if trail.roots.is_empty() {
            let code = format!(
                "no folder of a trail for {region} in `{bucket}` (check `watch.bucket` and `watch.prefix`, and that the trail records this region)"
            );
            return Err(Trouble::Aws { call: CALL.to_owned(), code }.permanent());
        }
        Ok(trail)
    }

    /// What is to be said where not all accounts are listened to, although nobody knows which is the own one.
    pub fn left_out(&self) -> Option<String> {
        self.is_partial.then(|| self.partial())
    }

    fn partial(&self) -> String {
        format!(
            "`{}` holds logs of more accounts than the {ACCOUNTS_MAX} that are listed, and which is the own one is not known: let the role look at EC2, which tells it, or use a queue (`watch.queue_url`)",
            self.bucket
        )
    }

    /// The folders of accounts, also of an organization's.
    async fn accounts(&mut self, first: &str) -> Result<Vec<String>, Failure> {
        let is_account = |name: &str| name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit());
        let mut accounts = Vec::new();
        for inner in self.folders(first).await? {
            if name(&inner, first).starts_with("o-") {
                let members = self.folders(&inner).await?;
                accounts.extend(members.into_iter().filter(|member| is_account(name(member, &inner))));
            } else if is_account(name(&inner, first)) {
                accounts.push(inner);
            }
        }
        Ok(accounts)
    }

    /// Leaves the own account's folders alone, if there are any.
    fn narrow(&mut self, accounts: &mut Vec<String>, own: &AccountId) {
        let suffix = format!("/{own}/");
        if accounts.iter().any(|folder| folder.ends_with(&suffix)) {
            accounts.retain(|folder| folder.ends_with(&suffix));
            self.is_partial = false;
        }
    }

    /// The folders in a folder.
    async fn folders(&mut self, folder: &str) -> Result<Vec<String>, Failure> {
        let (mut folders, mut token) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let call = self.client.list_objects_v2().bucket(&self.bucket).prefix(folder).delimiter("/");
            let page = call.set_continuation_token(token).send().await.map_err(|error| refused(&error))?;
            folders.extend(page.common_prefixes.unwrap_or_default().into_iter().filter_map(|common| common.prefix));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(folders);
            }
        }
        self.is_partial = true;
        Ok(folders)
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

/// What a folder is called that lies in another: nothing if it does not.
fn name<'f>(inner: &'f str, folder: &str) -> &'f str {
    inner.strip_prefix(folder).unwrap_or_default().trim_end_matches('/')
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
        find_of(server, None).await
    }

    async fn find_of(server: &Server, own: Option<&str>) -> Result<Trail, Failure> {
        let own = async || own.map(|own| own.parse().unwrap());
        Trail::find(&server.sdk_config(), "trail", "", &"eu-west-1".parse().unwrap(), own).await
    }

    /// What lies in a folder of a trail that records two regions, beside other folders.
    fn of_one_account(request: &Request) -> Answer {
        let folder = asked(request, "prefix").unwrap();
        let names: &[&str] = match folder.as_str() {
            "AWSLogs/" => &["111122223333", "elb"],
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

    /// A trail of an organization with three pages of accounts.
    fn of_an_organization(request: &Request) -> Answer {
        let folder = asked(request, "prefix").unwrap();
        match folder.as_str() {
            "AWSLogs/" => folders(request, ["o-1".to_owned(), "222233334444".to_owned()]),
            "AWSLogs/o-1/" => {
                let token = asked(request, "continuation-token");
                let number: usize = token.as_deref().unwrap_or("0").parse().unwrap();
                let names = (0..ACCOUNTS_MAX).map(|account| format!("{number}{account:011}"));
                let lines =
                    names.map(|name| format!("<CommonPrefixes><Prefix>{folder}{name}/</Prefix></CommonPrefixes>"));
                let lines = lines.collect::<String>();
                let next = format!("<NextContinuationToken>{}</NextContinuationToken>", number + 1);
                page(&if number < 2 { format!("{lines}{next}") } else { lines })
            }
            _ => folders(request, ["eu-west-1".to_owned()]),
        }
    }

    #[tokio::test]
    async fn of_an_organization_the_own_accounts_folder_is_found_on_any_page() {
        let server = Server::start(of_an_organization).await;
        let trail = find_of(&server, Some("200000000099")).await.unwrap();
        assert_eq!(trail.roots, ["AWSLogs/o-1/200000000099/CloudTrail/eu-west-1/"]);
        assert_eq!(trail.left_out(), None);
    }

    #[tokio::test]
    async fn where_nobody_knows_the_own_account_not_all_are_listed_and_that_is_said() {
        for own in [None, Some("999999999999")] {
            let server = Server::start(of_an_organization).await;
            let trail = find_of(&server, own).await.unwrap();
            assert_eq!(trail.roots.len(), ACCOUNTS_MAX);
            let said = trail.left_out().unwrap();
            assert!(said.contains("more accounts than the 100"), "{said}");
            assert_eq!(server.requests().len(), 4 + ACCOUNTS_MAX);
        }
    }

    #[tokio::test]
    async fn pages_of_folders_end() {
        let server = Server::start(|_| page("<NextContinuationToken>more</NextContinuationToken>")).await;
        assert!(find(&server).await.is_err());
        assert_eq!(server.requests().len(), PAGES_MAX);
    }

    #[tokio::test]
    async fn folders_that_lie_elsewhere_count_for_nothing() {
        let server = Server::start(|_| page("<CommonPrefixes><Prefix>x/</Prefix></CommonPrefixes>")).await;
        assert!(find(&server).await.is_err());
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
