//! AWS: credentials, each permission, the clock, and a look.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use drawbridge_core::inventory::Inventory;
use tokio::time::{Instant, timeout};

use super::{Report, clock};
use crate::{
    aws::{
        Ec2,
        permissions::{Permission, Tried},
    },
    live::of_aws,
    settings::Settings,
};

const CREDENTIALS: &str = "AWS credentials";
pub(super) const PERMISSION: &str = "AWS permission";
const INVENTORY: &str = "AWS inventory";

/// What is asked of AWS, in this order.
pub(super) const CHECKS: &[&str] = &[CREDENTIALS, PERMISSION, clock::AWS, INVENTORY];

/// What there is to see, if it can be seen.
pub(super) async fn check(settings: &Settings, sdk: &SdkConfig, report: &mut Report) -> Option<Inventory> {
    let ec2 = match Ec2::new(sdk) {
        Ok(ec2) => ec2,
        Err(error) => {
            report.fail(CREDENTIALS, error);
            return None;
        }
    };
    let limit = settings.config.timing.read;
    if !credentials(sdk, limit, report).await {
        return None;
    }
    let tried = timeout(limit, ec2.try_calls()).await;
    let Ok(tried) = tried else {
        report.fail(PERMISSION, "no answer from AWS to dry runs: check the path to `ec2` (a VPC endpoint, a NAT gateway), `aws.endpoint_url` and `aws.region`");
        return None;
    };
    permissions(&tried, report);
    if let Some(time) = tried.iter().find_map(|tried| tried.time) {
        clock::check_aws(time, SystemTime::now(), report);
    }
    match of_aws("Describe*", Instant::now() + limit, ec2.inventory()).await {
        Ok(inventory) => {
            let account = inventory.account.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
            report.ok(
                INVENTORY,
                format!(
                    "account {account}, {}: {} instances, {} interfaces, {} security groups",
                    inventory.region,
                    inventory.instances.len(),
                    inventory.interfaces.len(),
                    inventory.groups.len()
                ),
            );
            Some(inventory)
        }
        Err(failure) if report.has(&failure.what.to_string()) => None,
        Err(failure) => {
            report.fail(INVENTORY, failure.what);
            None
        }
    }
}

async fn credentials(sdk: &SdkConfig, limit: Duration, report: &mut Report) -> bool {
    const REMEDY: &str = "set them in the environment or a profile, or give the function, task or instance a role";
    let Some(provider) = sdk.credentials_provider() else {
        report.fail(CREDENTIALS, format!("there is no source of credentials: {REMEDY}"));
        return false;
    };
    match timeout(limit, provider.provide_credentials()).await {
        Ok(Ok(found)) => {
            let expired = found.expiry().is_some_and(|expiry| expiry <= SystemTime::now());
            if expired {
                report.fail(CREDENTIALS, "they have expired: renew them, and check the clock");
            } else {
                report.ok(CREDENTIALS, "found");
            }
            !expired
        }
        Ok(Err(_)) | Err(_) => {
            report.fail(CREDENTIALS, format!("none can be had: {REMEDY}"));
            false
        }
    }
}

fn permissions(tried: &[Tried], report: &mut Report) {
    for Tried { call, may, .. } in tried {
        match may {
            Permission::Allowed => report.ok(PERMISSION, format!("`ec2:{call}`")),
            Permission::Untold(code) => report.warn(
                PERMISSION,
                format!(
                    "`ec2:{call}`: the dry run was answered with {code}, which does not tell: look at the role's policy"
                ),
            ),
            Permission::Failed(failure) => report.fail(PERMISSION, &failure.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    /// The SDK always brings a chain of sources; who gives it a configuration may have left that out.
    #[test]
    fn no_source_of_credentials_is_a_failure() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut report = Report::default();
        let sdk = SdkConfig::builder().build();
        assert!(!runtime.block_on(credentials(&sdk, Duration::from_secs(1), &mut report)));
        let finding = &report.findings[0];
        assert_eq!((finding.check, finding.verdict), (CREDENTIALS, Verdict::Failure));
        assert_eq!(
            finding.says,
            "there is no source of credentials: set them in the environment or a profile, or give the function, task or instance a role"
        );
    }
}
