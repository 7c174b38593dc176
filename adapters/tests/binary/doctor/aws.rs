//! AWS: credentials, permissions, the way to it, and its clock.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use axum::{Router, routing::get};
use drawbridge_simulator::{
    cloud::{Dates, DryRuns, Rate, Settings},
    faults::Command,
};
use serde_json::json;

use super::{NOBODY, behind, check, examined, skipped};
use crate::stage::Stage;

/// Every call of a look.
const CALLS: [&str; 7] = [
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeRouteTables",
    "DescribeSecurityGroups",
    "DescribeNetworkInterfaces",
    "DescribeInstances",
    "GetManagedPrefixListEntries",
];

/// What rests on a look, and on nothing else.
const NO_LOOK: &str = "AWS inventory, gateway, decision";

/// A world whose AWS behaves in another way.
async fn with(change: impl FnOnce(&mut Settings)) -> Stage {
    let stage = Stage::new().await;
    change(stage.world.lock().cloud_mut().settings_mut());
    stage
}

/// A world whose EC2 answers everything with this error.
async fn refusing(code: &str) -> Stage {
    let stage = Stage::new().await;
    stage.tell(&format!("fault observe always ec2 {code}"));
    stage.world.lock().begin(Command::Observe);
    stage
}

/// The same about every call, and what could not be looked at.
async fn check_each(stage: &Stage, says: impl Fn(&str) -> String, unseen: &str) {
    let lines = CALLS.iter().map(|call| format!("failure, AWS permission: {}", says(call)));
    let lines: Vec<_> = lines.chain([skipped(unseen)]).collect();
    check(stage, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn without_region_or_credentials_nothing_is_asked() {
    let nothing = skipped(&format!("AWS permission, clock and AWS, {NO_LOOK}"));
    let stage = Stage::new().await.unset("AWS_REGION");
    let region = "failure, AWS credentials: the region is not known: set `aws.region` or `AWS_REGION`";
    check(&stage, &[region, &nothing]).await;
    let stage = Stage::new().await.unset("AWS_ACCESS_KEY_ID");
    let none = "failure, AWS credentials: none can be had: set them in the environment or a profile, or give the function, task or instance a role";
    check(&stage, &[none, &nothing]).await;
}

/// Credentials of a container that were not renewed (SDK reference guide, `feature-container-credentials`).
#[tokio::test]
async fn credentials_that_have_expired() {
    let held = json!({"AccessKeyId": "drawbridge", "SecretAccessKey": "secret", "Token": "token", "Expiration": "2026-01-01T00:00:00Z"});
    let router = Router::new().route("/role", get(async move || held.to_string()));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/role", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, router).into_future());
    let stage = Stage::new().await.unset("AWS_ACCESS_KEY_ID").set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
    let expired = "failure, AWS credentials: they have expired: renew them, and check the clock";
    check(&stage, &[expired, &skipped(&format!("AWS permission, clock and AWS, {NO_LOOK}"))]).await;
    server.abort();
}

#[tokio::test]
async fn credentials_that_aws_does_not_accept() {
    for code in ["AuthFailure", "RequestExpired"] {
        let says = |call: &str| {
            format!("AWS does not accept the credentials of `{call}` ({code}): renew them, and check the clock")
        };
        check_each(&refusing(code).await, says, NO_LOOK).await;
    }
}

#[tokio::test]
async fn each_permission_is_tried() {
    let stage = with(|settings| settings.denied_actions.extend(CALLS.map(str::to_owned))).await;
    check_each(&stage, |call| format!("AWS refuses `{call}`: allow it in the role's policy"), NO_LOOK).await;
    let stage = with(|settings| settings.denied_actions.extend(["DescribeSubnets".to_owned()])).await;
    let denied = "failure, AWS permission: AWS refuses `DescribeSubnets`: allow it in the role's policy";
    check(&stage, &[denied, &skipped(NO_LOOK)]).await;
}

#[tokio::test]
async fn a_dry_run_that_does_not_tell() {
    let stage = with(|settings| settings.dry_runs = DryRuns::LookingUp).await;
    check(&stage, &["warning, AWS permission: `ec2:GetManagedPrefixListEntries`: the dry run was answered with InvalidPrefixListID.NotFound, which does not tell: look at the role's policy"]).await;
}

#[tokio::test]
async fn a_limit_that_others_use_up() {
    const REMEDY: &str =
        "(RequestLimitExceeded): the limit is shared by the whole account, find out who else uses it up";
    let stage = refusing("RequestLimitExceeded").await;
    check_each(&stage, |call| format!("AWS throttles `{call}` {REMEDY}"), NO_LOOK).await;
    // Enough for trying, not for looking.
    let stage = with(|settings| settings.rate = Some(Rate { bucket: 1, refill: 0 })).await;
    let throttled = format!("failure, AWS inventory: AWS throttles `DescribeVpcs` {REMEDY}");
    check(&stage, &[&throttled, &skipped("gateway, decision")]).await;
}

#[tokio::test]
async fn out_of_reach() {
    let unseen = format!("clock and AWS, {NO_LOOK}");
    let stage = Stage::new().await.set("AWS_ENDPOINT_URL", NOBODY);
    let says = |call: &str| format!("no answer from AWS to `{call}`: check network, endpoint and credentials");
    check_each(&stage, says, &unseen).await;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stage = Stage::new().await.set("AWS_ENDPOINT_URL", &url).set("DRAWBRIDGE_TIMING_READ", "2s");
    let silent = "failure, AWS permission: no answer from AWS to dry runs: check the path to `ec2` (a VPC endpoint, a NAT gateway), `aws.endpoint_url` and `aws.region`";
    check(&stage, &[silent, &skipped(&unseen)]).await;
}

/// The lines about clocks, with `N` for a number of seconds that is about this one: time passes while the program runs.
async fn clocks(stage: &Stage, seconds: u64) -> Vec<String> {
    let found = examined(stage, &[]).await.into_iter().filter(|line| line.contains(", clock "));
    let about = seconds.saturating_sub(30)..=seconds + 30;
    let number = |line: &str| about.clone().find(|number| line.contains(&format!(" by {number} s")));
    let named = found.map(|line| match number(&line) {
        Some(number) => line.replace(&format!(" by {number} s"), " by N s"),
        None => line,
    });
    named.collect()
}

#[tokio::test]
async fn clocks_that_are_wrong() {
    const SET: &str = "set it (Device > Setup > Services > NTP)";
    let both = |ago: Duration| async move {
        let stage = with(|settings| settings.dates = Dates::World).await;
        behind(&stage, ago);
        stage
    };
    let stage = both(Duration::from_secs(120)).await;
    let expected = [
        "warning, clock and AWS: this machine's clock differs from AWS's by N s: set the clock (NTP)".to_owned(),
        format!(
            "warning, clock of firewall: the firewall's clock differs from this machine's by N s, zones apart: {SET}"
        ),
    ];
    assert_eq!(clocks(&stage, 120).await, expected);

    // The firewall's may be another quarter of an hour's. What AWS is asked so late it does not answer.
    let late = Duration::from_secs(15 * 60);
    let stage = both(late).await;
    stage.tell("fault observe always ec2 RequestExpired");
    stage.world.lock().begin(Command::Observe);
    let found = clocks(&stage, late.as_secs()).await;
    assert_eq!(
        found[0],
        "failure, clock and AWS: this machine's clock differs from AWS's by N s, and AWS refuses what is signed so: set the clock (NTP)"
    );
    assert!(found[1].starts_with("ok, clock of firewall: "), "{found:#?}");

    let stage = both(Duration::from_secs(20 * 60 * 60 + 30 * 60)).await;
    let far = format!("warning, clock of firewall: the firewall's clock differs from this machine's by 20 h: {SET}");
    assert_eq!(clocks(&stage, 0).await[1], far);

    let stage = Stage::new().await;
    let untimed =
        "<response status='success'><result><system><sw-version>10.2.9</sw-version></system></result></response>";
    stage.control("refuse-next", &[("containing", "<system><info>"), ("body", untimed)]);
    let untold = "warning, clock of firewall: `show system info` tells no time that can be read: a commit that failed is tried again at once";
    assert_eq!(clocks(&stage, 0).await[1], untold);
}
