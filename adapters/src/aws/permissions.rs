//! Whether the role may make each of the calls that a look at EC2 takes: dry runs, which do nothing.

use std::time::SystemTime;

use aws_sdk_ec2::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::{DateTime, DateTimeFormat},
};
use drawbridge_core::command::Failure;

use super::{
    ec2::Ec2,
    failure::{Refusal, failure},
};

/// What a dry run has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The API action.
    pub call: &'static str,
    /// Whether the role may make it.
    pub may: Permission,
    /// What time it was at AWS, as far as the answer told.
    pub time: Option<SystemTime>,
}

/// Whether the role may make a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It would have succeeded.
    Allowed,
    /// The dry run was answered with something else, which does not tell.
    Untold(String),
    /// It was refused, or not answered.
    Failed(Failure),
}

impl Tried {
    fn of<Page, E>(call: &'static str, answer: &Result<Page, SdkError<E, HttpResponse>>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        // A dry run that is answered like a real call was let through all the same.
        let Err(error) = answer else { return Self { call, may: Permission::Allowed, time: None } };
        let time = error.raw_response().and_then(|answer| answer.headers().get("date")).and_then(moment);
        let may = match Refusal::of(error) {
            Some(refusal) if refusal.code == "DryRunOperation" => Permission::Allowed,
            Some(refusal) if refusal.code.starts_with("InvalidPrefixListI") => Permission::Untold(refusal.code),
            Some(_) | None => Permission::Failed(failure(call, error)),
        };
        Self { call, may, time }
    }
}

/// `Tue, 03 Feb 2026 10:11:12 GMT`, the date of an answer of HTTP.
fn moment(text: &str) -> Option<SystemTime> {
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok()?.try_into().ok()
}

/// A prefix list that nobody has.
const NO_LIST: &str = "pl-00000000000000000";

impl Ec2 {
    /// Tries every call of a look, one after the other.
    pub async fn try_calls(&self) -> Vec<Tried> {
        let ec2 = self.client();
        vec![
            Tried::of("DescribeVpcs", &ec2.describe_vpcs().dry_run(true).send().await),
            Tried::of("DescribeSubnets", &ec2.describe_subnets().dry_run(true).send().await),
            Tried::of("DescribeRouteTables", &ec2.describe_route_tables().dry_run(true).send().await),
            Tried::of("DescribeSecurityGroups", &ec2.describe_security_groups().dry_run(true).send().await),
            Tried::of("DescribeNetworkInterfaces", &ec2.describe_network_interfaces().dry_run(true).send().await),
            Tried::of("DescribeInstances", &ec2.describe_instances().dry_run(true).send().await),
            Tried::of(
                "GetManagedPrefixListEntries",
                &ec2.get_managed_prefix_list_entries().prefix_list_id(NO_LIST).dry_run(true).send().await,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::server::{Answer, Server};

    #[test]
    fn a_dry_run_tells_whether_a_call_is_allowed() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tried = runtime.block_on(async {
            let server = Server::start(|request| {
                let (status, code) = match request.field("Action").as_deref() {
                    Some("DescribeSubnets") => (403, "UnauthorizedOperation"),
                    Some("GetManagedPrefixListEntries") => (400, "InvalidPrefixListID.NotFound"),
                    Some(_) | None => (412, "DryRunOperation"),
                };
                assert_eq!(request.field("DryRun").as_deref(), Some("true"));
                let error = format!("<Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors>");
                Answer::xml(status, &format!("<Response>{error}<RequestID>r</RequestID></Response>"))
            })
            .await;
            Ec2::new(&server.sdk_config()).unwrap().try_calls().await
        });
        let told = |call: &str| tried.iter().find(|tried| tried.call == call).map(|tried| tried.may.clone()).unwrap();
        assert_eq!((tried.len(), told("DescribeVpcs")), (7, Permission::Allowed));
        assert!(matches!(told("DescribeSubnets"), Permission::Failed(_)));
        assert!(matches!(told("GetManagedPrefixListEntries"), Permission::Untold(_)));
    }

    #[test]
    fn the_date_of_an_answer_is_read() {
        let read = moment("Tue, 03 Feb 2026 10:11:12 GMT").unwrap();
        assert_eq!(read.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(), 1_770_113_472);
        assert_eq!(moment("soon"), None);
    }
}
