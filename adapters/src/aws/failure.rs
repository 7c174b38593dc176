//! Errors of the AWS SDK, sorted: what they are in our words, and whether trying again can help.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use std::{error::Error, iter::successors};

use drawbridge_core::command::{Failure, Lasting, LogTrouble, Trouble};

/// Codes that ask to slow down (EC2 developer guide, `ec2-api-error-codes`; the list that the SDK itself retries).
const THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes that mean that the role's policies do not allow the call.
const DENIED: &[&str] = &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];

/// Codes that mean that the credentials are not (or no longer) valid (EC2 developer guide, `errors-overview`; IAM user guide,
/// `troubleshoot`).
const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// An error that AWS sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    /// The error code; answers without a readable one have their status instead.
    pub code: String,
}

impl Refusal {
    /// The error that AWS sent, if it came that far.
    pub(super) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<Self> {
        let status = error.raw_response()?.status().as_u16();
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).map(str::to_owned);
        let unread =
            || if status < 300 { "an answer that cannot be read".to_owned() } else { format!("HTTP {status}") };
        Some(Self { status, code: code.unwrap_or_else(unread) })
    }

    fn throttles(&self) -> bool {
        self.status == 429 || THROTTLING.contains(&self.code.as_str())
    }

    /// Half an answer, overload and errors of servers pass; what the request or the caller lacks does not.
    pub(super) fn lasting(&self) -> Lasting {
        if self.throttles() || self.status >= 500 || self.status < 300 {
            Lasting::Transient
        } else {
            Lasting::Permanent
        }
    }
}

/// What is most likely wrong with what was asked for.
fn remedy(code: &str) -> &'static str {
    match code {
        "NoSuchBucket" => "check `watch.bucket` and `aws.region`",
        "ResourceNotFoundException" => {
            "check `firewall.api_key_secret_arn`, with the six characters at its end, and the region"
        }
        _ => "look it up in the service's list of error codes",
    }
}

impl Refusal {
    /// What it means for a run, when this call met it.
    pub fn of_call(self, call: &str) -> Failure {
        let lasting = self.lasting();
        let call = call.to_owned();
        let what = if self.throttles() {
            Trouble::AwsThrottled { call, code: self.code }
        } else if DENIED.contains(&self.code.as_str()) {
            Trouble::AwsDenied { call }
        } else if CREDENTIALS.contains(&self.code.as_str()) {
            Trouble::AwsCredentials { call, code: self.code }
        } else if lasting == Lasting::Permanent {
            Trouble::Aws { call, code: format!("{}: {}", self.code, remedy(&self.code)) }
        } else {
            Trouble::Aws { call, code: self.code }
        };
        Failure { lasting, what }
    }

    /// What it means for a run, when a log file was to be read.
    pub fn of_log(&self) -> Failure {
        match self.status {
            403 => Trouble::Log(LogTrouble::Denied).permanent(),
            404 => Trouble::Log(LogTrouble::Missing).permanent(),
            301 | 307 | 400 if self.code == "PermanentRedirect" || self.code == "AuthorizationHeaderMalformed" => {
                Trouble::Log(LogTrouble::S3(format!("{}: the bucket is in another region", self.status))).permanent()
            }
            status => {
                let what = Trouble::Log(LogTrouble::S3(format!("{status} {}", self.code)));
                Failure { lasting: self.lasting(), what }
            }
        }
    }
}

/// Whether nothing was sent because there is nothing to sign it with.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    successors(Some(error), |&error| error.source()).any(|error| error.is::<CredentialsError>())
}

/// What an error and its sources say of themselves. Never their `Debug` form: it holds the answer, which may be the API key.
fn chain(error: &(dyn Error + 'static)) -> String {
    let said = successors(Some(error), |&error| error.source()).map(ToString::to_string);
    said.collect::<Vec<_>>().join(": ")
}

/// Sorts an error of a call.
pub(super) fn failure<E>(call: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    tracing::debug!(call, error = chain(error), "AWS call failed");
    let call = call.to_owned();
    match (Refusal::of(error), error) {
        (Some(refusal), _) => refusal.of_call(&call),
        (None, SdkError::ConstructionFailure(_)) => {
            Trouble::Aws { call, code: "nothing: the request could not be built".to_owned() }.permanent()
        }
        (None, _) if lacks_credentials(error) => {
            Trouble::AwsCredentials { call, code: "none can be had".to_owned() }.transient()
        }
        (None, _) => Trouble::AwsUnreachable { call }.transient(),
    }
}
