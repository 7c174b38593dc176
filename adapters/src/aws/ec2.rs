//! The calls that read EC2.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use aws_sdk_ec2::{
    Client,
    config::{Builder, http::HttpResponse},
    error::{ProvideErrorMetadata, SdkError},
};

use drawbridge_core::{
    command::{Failure, Lasting, Trouble},
    id::Region,
    inventory::Inventory,
};

use super::{
    described::{Described, PrefixListEntry},
    failure::failure,
    inventory::inventory,
    whole::WholeAnswers,
};

/// The largest page of most calls. Asking for pages at all keeps us in EC2's cheaper class of requests (EC2 developer guide,
/// `ec2-api-throttling`).
const PAGE: i32 = 1000;

/// The largest page of `DescribeRouteTables` and `GetManagedPrefixListEntries`.
const SMALL_PAGE: i32 = 100;

/// More pages than any account has: an endless list must end.
const PAGES_MAX: usize = 1000;

/// Reads what EC2 has in one account and region.
#[derive(Clone, Debug)]
pub struct Ec2 {
    client: Client,
    region: Region,
}

/// The SDK found no region, or an odd one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the region is not known: set `aws.region` or `AWS_REGION`")]
pub struct NoRegion;

impl Ec2 {
    /// A client for the account and region of `config`.
    ///
    /// # Errors
    /// [`NoRegion`], without which nothing can be asked.
    pub fn new(config: &SdkConfig) -> Result<Self, NoRegion> {
        let region = config.region().and_then(|region| region.as_ref().parse().ok()).ok_or(NoRegion)?;
        let config = Builder::from(config).interceptor(WholeAnswers).build();
        Ok(Self { client: Client::from_conf(config), region })
    }

    /// What asks EC2.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The region that is asked.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// One look at everything.
    ///
    /// # Errors
    /// Any call that fails fails the look; so do answers that contradict each other, which the next look may find settled.
    pub async fn inventory(&self) -> Result<Inventory, Failure> {
        inventory(self.describe().await?, self.region.clone()).map_err(Trouble::transient)
    }

    /// The calls are no snapshot, so what is referred to is read before what refers to it: an interface that appears in
    /// between may name a group that is not seen yet, which counts as unknown, but nothing seems to be gone.
    async fn describe(&self) -> Result<Described, Failure> {
        let mut described = self.networks().await?;
        for id in described.prefix_lists_referred_to() {
            if let Some(entries) = self.prefix_list(&id).await? {
                described.prefix_lists.insert(id, entries);
            }
        }
        described.extend(self.machines().await?);
        Ok(described)
    }

    async fn networks(&self) -> Result<Described, Failure> {
        let ec2 = &self.client;
        let vpcs = pages(
            "DescribeVpcs",
            |token| ec2.describe_vpcs().max_results(PAGE).set_next_token(token).send(),
            |page| (page.vpcs, page.next_token),
        );
        let subnets = pages(
            "DescribeSubnets",
            |token| ec2.describe_subnets().max_results(PAGE).set_next_token(token).send(),
            |page| (page.subnets, page.next_token),
        );
        let route_tables = pages(
            "DescribeRouteTables",
            |token| ec2.describe_route_tables().max_results(SMALL_PAGE).set_next_token(token).send(),
            |page| (page.route_tables, page.next_token),
        );
        let security_groups = pages(
            "DescribeSecurityGroups",
            |token| ec2.describe_security_groups().max_results(PAGE).set_next_token(token).send(),
            |page| (page.security_groups, page.next_token),
        );
        Ok(Described {
            vpcs: vpcs.await?,
            subnets: subnets.await?,
            route_tables: route_tables.await?,
            security_groups: security_groups.await?,
            ..Described::default()
        })
    }

    /// Accounts can hide what services manage for them; hidden instances would look as if they were gone.
    async fn machines(&self) -> Result<Described, Failure> {
        let ec2 = &self.client;
        let interfaces = pages(
            "DescribeNetworkInterfaces",
            |token| {
                let call = ec2.describe_network_interfaces().include_managed_resources(true);
                call.max_results(PAGE).set_next_token(token).send()
            },
            |page| (page.network_interfaces, page.next_token),
        );
        let reservations = pages(
            "DescribeInstances",
            |token| {
                let call = ec2.describe_instances().include_managed_resources(true);
                call.max_results(PAGE).set_next_token(token).send()
            },
            |page| (page.reservations, page.next_token),
        );
        Ok(Described {
            network_interfaces: interfaces.await?,
            reservations: reservations.await?,
            ..Described::default()
        })
    }

    /// The entries of a prefix list; none where it is gone, or another account's and not ours to read.
    async fn prefix_list(&self, id: &str) -> Result<Option<Vec<PrefixListEntry>>, Failure> {
        let entries = pages(
            "GetManagedPrefixListEntries",
            |token| {
                let call = self.client.get_managed_prefix_list_entries().prefix_list_id(id);
                call.max_results(SMALL_PAGE).set_next_token(token).send()
            },
            |page| (page.entries, page.next_token),
        )
        .await;
        match entries {
            Ok(entries) => Ok(Some(entries)),
            Err(Failure { lasting: Lasting::Transient, what }) => Err(what.transient()),
            Err(Failure { lasting: Lasting::Permanent, what }) => {
                tracing::warn!("prefix list `{id}` cannot be read and counts as unknown: {what}");
                Ok(None)
            }
        }
    }
}

/// All pages of a call. An empty page with a token is no end; a token that comes again would never be one.
async fn pages<Page, Error, Asked, Sdk, Plain>(
    call: &str,
    ask: impl Fn(Option<String>) -> Asked,
    open: impl Fn(Page) -> (Option<Vec<Sdk>>, Option<String>),
) -> Result<Vec<Plain>, Failure>
where
    Asked: Future<Output = Result<Page, SdkError<Error, HttpResponse>>>,
    Error: ProvideErrorMetadata + std::error::Error + 'static,
    Plain: From<Sdk>,
{
    let (mut all, mut seen, mut token) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let page = ask(token).await.map_err(|error| failure(call, &error))?;
        let (items, next) = open(page);
        all.extend(items.unwrap_or_default().into_iter().map(Plain::from));
        match next.filter(|next| !next.is_empty()) {
            None => return Ok(all),
            Some(next) if seen.len() < PAGES_MAX && seen.insert(next.clone()) => token = Some(next),
            Some(_) => {
                let code = "pages without end".to_owned();
                return Err(Trouble::Aws { call: call.to_owned(), code }.transient());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::{
        credential_fn::provide_credentials_fn,
        provider::{SharedCredentialsProvider, error::CredentialsError},
    };
    use expect_test::{Expect, expect};

    use super::*;
    use crate::aws::server::{Answer, Server};

    /// One page of each call, with a few things in them.
    fn answer(action: &str) -> &'static str {
        match action {
            "DescribeVpcs" => {
                "<vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><ipv6CidrBlockAssociationSet><item>
                <ipv6CidrBlock>2001:db8::/56</ipv6CidrBlock><ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState></item>
                </ipv6CidrBlockAssociationSet></item></vpcSet>"
            }
            "DescribeSubnets" => "<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item></subnetSet>",
            "DescribeRouteTables" => {
                "<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet><item>
                <destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><networkInterfaceId>eni-9</networkInterfaceId>
                <instanceId>i-9</instanceId><state>active</state></item></routeSet><associationSet><item><main>true</main>
                <associationState><state>associated</state></associationState></item></associationSet></item></routeTableSet>"
            }
            "DescribeSecurityGroups" => {
                "<securityGroupInfo><item><groupId>sg-1</groupId><groupName>web</groupName><ipPermissions><item>
                <ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>443</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp>
                </item></ipRanges><prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item>
                </ipPermissions></item></securityGroupInfo>"
            }
            "GetManagedPrefixListEntries" => "<entrySet><item><cidr>192.0.2.0/24</cidr></item></entrySet>",
            "DescribeNetworkInterfaces" => {
                "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId>
                <vpcId>vpc-1</vpcId><groupSet><item><groupId>sg-1</groupId></item></groupSet><attachment><instanceId>i-1</instanceId>
                <status>attached</status></attachment><privateIpAddressesSet><item><privateIpAddress>10.0.1.10</privateIpAddress>
                </item></privateIpAddressesSet></item></networkInterfaceSet>"
            }
            "DescribeInstances" => {
                "<reservationSet><item><ownerId>111122223333</ownerId><instancesSet><item><instanceId>i-1</instanceId>
                <instanceState><code>16</code><name>running</name></instanceState><tagSet><item><key>Name</key><value>web</value>
                </item></tagSet></item></instancesSet></item></reservationSet>"
            }
            other => panic!("{other} is not one of our calls"),
        }
    }

    fn page(action: &str, content: &str, token: Option<&str>) -> Answer {
        let token = token.map_or(String::new(), |token| format!("<nextToken>{token}</nextToken>"));
        Answer::xml(200, &format!("<{action}Response><requestId>r</requestId>{content}{token}</{action}Response>"))
    }

    fn error(status: u16, code: &str) -> Answer {
        let errors = format!("<Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors>");
        Answer::xml(status, &format!("<Response>{errors}<RequestID>r</RequestID></Response>"))
    }

    async fn look(server: &Server) -> Result<Inventory, Failure> {
        Ec2::new(&server.sdk_config()).unwrap().inventory().await
    }

    #[tokio::test]
    async fn one_look_reads_everything_in_pages() {
        let server = Server::start(|request| {
            let (action, token) = (request.field("Action").unwrap(), request.field("NextToken"));
            match token.as_deref() {
                // The first page is empty: EC2 may do that, and it is no end.
                None => page(&action, "", Some("second")),
                Some("second") => page(&action, answer(&action), None),
                Some(other) => panic!("token {other}"),
            }
        })
        .await;
        let held = look(&server).await.unwrap();
        let asked = server.requests();
        let actions: Vec<_> = asked.iter().filter_map(|request| request.field("Action")).collect();
        assert_eq!(actions.len(), 14);
        assert_eq!(actions[12..], ["DescribeInstances", "DescribeInstances"]);
        for request in asked {
            let managed =
                matches!(request.field("Action").as_deref(), Some("DescribeInstances" | "DescribeNetworkInterfaces"));
            assert_eq!(request.field("IncludeManagedResources").is_some_and(|value| value == "true"), managed);
        }
        assert_eq!(held.region.as_str(), "eu-west-1");
        assert_eq!(held.account.as_ref().map(|id| id.as_str()), Some("111122223333"));
        assert_eq!((held.vpcs.len(), held.subnets.len(), held.route_tables.len()), (1, 1, 1));
        assert_eq!(held.groups.values().next().unwrap().ingress.len(), 2);
        assert_eq!(held.interfaces.values().next().unwrap().addresses, ["10.0.1.10".parse().unwrap()]);
        assert_eq!(held.instances.values().next().unwrap().tags["Name"], "web");
        assert_eq!(held.prefix_lists.values().next().unwrap(), &["192.0.2.0/24".parse().unwrap()]);
    }

    /// Whoever carries out commands must be able to move them between threads.
    #[tokio::test]
    async fn a_look_can_move_between_threads() {
        let server = Server::start(|_| Answer::Hangup).await;
        let ec2 = Ec2::new(&server.sdk_config()).unwrap();
        assert!(tokio::spawn(async move { ec2.inventory().await }).await.unwrap().is_err());
    }

    /// What a look says when `action` gets this answer and everything else is well.
    #[track_caller]
    fn check(action: &'static str, odd: impl Fn() -> Answer + Send + 'static, expected: &Expect) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let server = Server::start(move |request| match request.field("Action").unwrap() {
                asked if asked == action => odd(),
                other => page(&other, answer(&other), None),
            })
            .await;
            let looked = look(&server).await;
            let times =
                server.requests().iter().filter(|request| request.field("Action").as_deref() == Some(action)).count();
            match looked {
                Ok(held) => format!("well, with {} prefix lists", held.prefix_lists.len()),
                Err(failure) => format!("{:?}, asked {times}: {}", failure.lasting, failure.what),
            }
        });
        expected.assert_eq(&said);
    }

    #[test]
    fn errors_are_sorted_and_never_repeated_by_the_sdk() {
        let vpcs = "DescribeVpcs";
        check(
            vpcs,
            || error(403, "UnauthorizedOperation"),
            &expect!["Permanent, asked 1: AWS refuses `DescribeVpcs`: allow it in the role's policy"],
        );
        check(
            vpcs,
            || error(503, "RequestLimitExceeded"),
            &expect![
                "Transient, asked 1: AWS throttles `DescribeVpcs` (RequestLimitExceeded): the limit is shared by the whole account, find out who else uses it up"
            ],
        );
        check(
            vpcs,
            || error(400, "Throttling"),
            &expect![
                "Transient, asked 1: AWS throttles `DescribeVpcs` (Throttling): the limit is shared by the whole account, find out who else uses it up"
            ],
        );
        check(
            vpcs,
            || error(500, "InternalError"),
            &expect!["Transient, asked 1: AWS answered `DescribeVpcs` with InternalError"],
        );
        check(
            vpcs,
            || error(401, "AuthFailure"),
            &expect![
                "Permanent, asked 1: AWS does not accept the credentials of `DescribeVpcs` (AuthFailure): renew them, and check the clock"
            ],
        );
        check(vpcs, || Answer::xml(503, ""), &expect!["Transient, asked 1: AWS answered `DescribeVpcs` with HTTP 503"]);
        check(
            vpcs,
            || Answer::xml(200, "<DescribeVpcsResponse><vpcSet><item>"),
            &expect!["Transient, asked 1: AWS answered `DescribeVpcs` with an answer that cannot be read"],
        );
        check(
            vpcs,
            || Answer::Hangup,
            &expect![
                "Transient, asked 1: no answer from AWS to `DescribeVpcs`: check network, endpoint and credentials"
            ],
        );
        check(
            vpcs,
            || page(vpcs, "", Some("again")),
            &expect!["Transient, asked 2: AWS answered `DescribeVpcs` with pages without end"],
        );
        let number = AtomicUsize::new(0);
        check(
            vpcs,
            move || page(vpcs, "", Some(&number.fetch_add(1, Ordering::Relaxed).to_string())),
            &expect!["Transient, asked 1001: AWS answered `DescribeVpcs` with pages without end"],
        );
        check(
            vpcs,
            || page(vpcs, "<vpcSet><item><cidrBlock>10.0.0.0/16</cidrBlock></item></vpcSet>", None),
            &expect!["Transient, asked 1: what AWS listed cannot be used: `Vpc` is listed without `VpcId`"],
        );
    }

    #[tokio::test]
    async fn a_call_without_credentials_says_so() {
        let server = Server::start(|_| Answer::Hangup).await;
        let none = provide_credentials_fn(async || Err(CredentialsError::not_loaded("nobody has any")));
        let none = SharedCredentialsProvider::new(none);
        let config = server.sdk_config().into_builder().credentials_provider(none).build();
        let failure = Ec2::new(&config).unwrap().inventory().await.unwrap_err();
        assert!(server.requests().is_empty());
        expect![
            "AWS does not accept the credentials of `DescribeVpcs` (none can be had): renew them, and check the clock"
        ]
        .assert_eq(&failure.what.to_string());
    }

    #[test]
    fn a_prefix_list_that_is_not_ours_to_read_is_unknown() {
        let entries = "GetManagedPrefixListEntries";
        check(entries, || error(400, "InvalidPrefixListID.NotFound"), &expect!["well, with 0 prefix lists"]);
        check(entries, || error(403, "UnauthorizedOperation"), &expect!["well, with 0 prefix lists"]);
        check(
            entries,
            || error(503, "RequestLimitExceeded"),
            &expect![
                "Transient, asked 1: AWS throttles `GetManagedPrefixListEntries` (RequestLimitExceeded): the limit is shared by the whole account, find out who else uses it up"
            ],
        );
    }
}
