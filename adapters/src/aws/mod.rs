//! AWS: what it says happened (CloudTrail), and what it has (EC2).

pub mod cloudtrail;
pub mod described;
mod ec2;
mod failure;
pub mod inventory;
mod logs;
pub mod permissions;
pub mod queue;
mod sdk;
mod secrets;
#[cfg(test)]
pub(crate) mod server;
pub mod trail;
mod whole;

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

use crate::settings::AwsSettings;

pub use ec2::{Ec2, NoRegion};
pub use failure::Refusal;
pub use logs::{S3Logs, VersionRead};
pub use secrets::fetch_api_key;

/// Credentials, region and endpoint as the SDK finds them (environment, profile, container, instance), with those of the
/// settings before them. The SDK neither repeats a request nor waits for one longer than `limit`: the sequence of a run
/// decides both.
pub async fn sdk_config(settings: &AwsSettings, limit: Duration) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_timeout(limit).build());
    if let Some(region) = &settings.region {
        loader = loader.region(aws_config::Region::new(region.as_str().to_owned()));
    }
    if settings.is_in_the_clear() {
        tracing::warn!(
            "`aws.endpoint_url` is plain http to another machine: whoever stands between can read the API key and forge the \
             inventory; give it as https"
        );
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}
