//! Log files out of S3.

use aws_config::SdkConfig;
use aws_sdk_s3::{Client, config::Builder};

use drawbridge_core::command::{Failure, LogRef, LogTrouble, Trouble};

use super::{
    cloudtrail::{Log, LogReader},
    failure::{Refusal, failure},
};

const CALL: &str = "GetObject";

/// The first byte of a file.
const BEGINNING: &str = "bytes=0-0";

/// Reads log files.
#[derive(Clone, Debug)]
pub struct S3Logs {
    client: Client,
    size_max: u64,
}

/// Whether a version of a file may be read, as the notifications of a bucket that keeps versions name it: that is another
/// right than to read the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRead {
    /// It may.
    Allowed,
    /// S3 refuses.
    Denied,
    /// The bucket keeps no versions, so that nobody names one.
    NoVersions,
}

impl S3Logs {
    /// A client that reads no more than `size_max` bytes of a file, packed or unpacked.
    pub fn new(config: &SdkConfig, size_max: u64) -> Self {
        // An endpoint of one's own knows no host name per bucket.
        let config = Builder::from(config).force_path_style(config.endpoint_url().is_some()).build();
        Self { client: Client::from_conf(config), size_max }
    }

    /// Reads one file while it arrives.
    ///
    /// # Errors
    /// [`Trouble::Log`] where the file is to blame; everything else is the way to it.
    pub async fn fetch(&self, log: &LogRef) -> Result<Log, Failure> {
        let call = self.client.get_object().bucket(&log.bucket).key(&log.key).set_version_id(log.version.clone());
        let mut body = match call.send().await {
            Ok(object) => object.body,
            Err(error) => {
                let otherwise = failure(CALL, &error);
                return Err(Refusal::of(&error).map_or(otherwise, |refusal| refusal.of_log()));
            }
        };
        let mut reader = LogReader::new(self.size_max);
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| Trouble::AwsUnreachable { call: CALL.to_owned() }.transient())?;
            reader.feed(&chunk).map_err(unusable)?;
        }
        reader.finish().map_err(unusable)
    }

    /// Tries whether the present version of a file may be read. Of its content next to nothing is asked for.
    ///
    /// # Errors
    /// If S3 does not answer, or not even gives the file.
    pub async fn may_read_version(&self, log: &LogRef) -> Result<VersionRead, Failure> {
        let call = self.client.get_object().bucket(&log.bucket).key(&log.key).range(BEGINNING);
        let present = call.send().await.map_err(|error| failure(CALL, &error))?;
        let Some(version) = present.version_id else { return Ok(VersionRead::NoVersions) };
        let call = self.client.get_object().bucket(&log.bucket).key(&log.key).range(BEGINNING).version_id(version);
        match call.send().await {
            Ok(_) => Ok(VersionRead::Allowed),
            Err(error) if Refusal::of(&error).is_some_and(|refusal| refusal.status == 403) => Ok(VersionRead::Denied),
            Err(error) => Err(failure(CALL, &error)),
        }
    }
}

fn unusable(trouble: LogTrouble) -> Failure {
    Trouble::Log(trouble).permanent()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use expect_test::{Expect, expect};
    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::aws::server::{Answer, Server};

    const FILE: &str = r#"{"Records":[{"eventSource":"ec2.amazonaws.com","eventName":"StopInstances"},{"eventSource":"kms.amazonaws.com"}]}"#;

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn error(status: u16, code: &str) -> Answer {
        Answer::xml(status, &format!("<Error><Code>{code}</Code><Message>m</Message></Error>"))
    }

    #[track_caller]
    fn check(answer: impl Fn() -> Answer + Send + 'static, expected: &Expect) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let server = Server::start(move |_| answer()).await;
            let log = LogRef { bucket: "trail".into(), key: "a b/é.json.gz".into(), version: Some("v1".into()) };
            let fetched = S3Logs::new(&server.sdk_config(), 1 << 20).fetch(&log).await;
            let asked: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
            assert_eq!(asked, ["/trail/a%20b/%C3%A9.json.gz?x-id=GetObject&versionId=v1"]);
            match fetched {
                Ok(log) => format!("{} of {}", log.events[0], log.events.len() + log.dropped),
                Err(failure) => format!("{:?}: {}", failure.lasting, failure.what),
            }
        });
        expected.assert_eq(&said);
    }

    #[test]
    fn files_are_read_packed_or_unpacked() {
        check(|| Answer::bytes(gzip(FILE)), &expect!["StopInstances of 2"]);
        check(|| Answer::bytes(FILE.into()), &expect!["StopInstances of 2"]);
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        check(
            || error(403, "AccessDenied"),
            &expect![
                "Permanent: log unreadable: S3 answered 403: allow `s3:GetObject` on it, and `kms:Decrypt` on its key"
            ],
        );
        check(
            || error(404, "NoSuchKey"),
            &expect!["Permanent: log unreadable: S3 answered 404: it does not exist any more"],
        );
        check(
            || error(301, "PermanentRedirect"),
            &expect!["Permanent: log unreadable: S3 answered 301: the bucket is in another region"],
        );
        check(|| error(503, "SlowDown"), &expect!["Transient: log unreadable: S3 answered 503 SlowDown"]);
        check(
            || Answer::Hangup,
            &expect!["Transient: no answer from AWS to `GetObject`: check network, endpoint and credentials"],
        );
        check(
            || Answer::Cut(gzip(FILE)),
            &expect!["Transient: no answer from AWS to `GetObject`: check network, endpoint and credentials"],
        );
        check(
            || Answer::bytes(gzip(FILE)[..40].into()),
            &expect!["Permanent: log unreadable: gzip is truncated or damaged"],
        );
        check(|| Answer::bytes("<html>".into()), &expect!["Permanent: log unreadable: not a CloudTrail log"]);
        check(
            || Answer::bytes(gzip(&" ".repeat(1 << 21))),
            &expect!["Permanent: log unreadable: larger than `aws.log_size_max` when unpacked"],
        );
    }
}
