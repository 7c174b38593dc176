//! What can go wrong between the program and the two outside worlds: one clear line each, and nothing changed.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

use drawbridge_simulator::faults::Command;
use expect_test::{Expect, expect};

use crate::stage::Stage;

/// Both ways to run: a plan gives up at once, a run when its time is used up or nothing can help.
const WAYS: [&[&str]; 2] = [&["plan"], &["apply", "--within", "700ms"]];

/// Both ways say the same; a run also says how it ended.
async fn check(stage: &Stage, expected: &Expect) {
    let [planned, applied] = [stage.fails(WAYS[0]).await, stage.fails(WAYS[1]).await];
    assert!(applied.ends_with(&planned), "{planned}\n{applied}");
    expected.assert_eq(&stage.short(&applied));
}

/// A world in which every look meets this.
async fn with_fault(fault: &str) -> Stage {
    let stage = Stage::new().await.with_work();
    stage.tell(&format!("fault observe always {fault}"));
    stage.world.lock().begin(Command::Observe);
    stage
}

async fn check_fault(fault: &str, expected: &Expect) {
    check(&with_fault(fault).await, expected).await;
}

/// A port that nobody answers at: connections come about, and that is all.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn the_firewall_refuses_the_key() {
    let stage = Stage::new().await.with_work().set("PANOS_API_KEY", "bm90IHRoZSBrZXk=");
    check(
        &stage,
        &expect!["failed; the firewall refuses the API key: generate one for the account and set `firewall.api_key`"],
    )
    .await;
}

#[tokio::test]
async fn nobody_is_there() {
    let (listener, url) = silent();
    drop(listener);
    let stage = Stage::new().await.with_work().set("PANOS_HOSTNAME", &url);
    check(&stage, &expect!["out of time: 1 retry; the firewall cannot be reached: check `firewall.hostname` and the path to its management interface"]).await;
    let stage = stage.set("PANOS_HOSTNAME", "http://127.0.0.1").set("AWS_ENDPOINT_URL", &url);
    check(
        &stage,
        &expect!["out of time: 1 retry; no answer from AWS to `DescribeVpcs`: check network, endpoint and credentials"],
    )
    .await;
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let began = Instant::now();
    let (_listener, url) = silent();
    let stage = with_fault("slow").await.set("DRAWBRIDGE_TIMING_READ", "300ms");
    check(&stage, &expect!["out of time: 1 retry; the firewall did not answer in time, or the connection broke: check its load and the path to it"]).await;
    let stage = Stage::new().await.set("DRAWBRIDGE_TIMING_READ", "300ms").set("AWS_ENDPOINT_URL", &url);
    let said = stage.fails(&["plan"]).await;
    assert!(said.starts_with("no answer from AWS to `Describe"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Management traffic carries the key, and goes where the settings say; a proxy is for AWS only.
#[tokio::test]
async fn no_proxy_is_asked_for_the_firewall() {
    let (proxy, url) = silent();
    let stage = Stage::new().await;
    let firewall = stage.variable("PANOS_HOSTNAME").replace("127.0.0.1", "localhost");
    let stage = stage.set("PANOS_HOSTNAME", &firewall).set("NO_PROXY", "127.0.0.1").set("HTTP_PROXY", &url);
    let planned = stage.run(&["plan"]).await;
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(0), ""), "{planned:#?}");
    proxy.set_nonblocking(true).unwrap();
    assert!(proxy.accept().is_err(), "somebody has asked the proxy");
}

#[tokio::test]
async fn what_answers_makes_no_sense() {
    check_fault(
        "html",
        &expect![
            "failed; what answered at `firewall.hostname` is not the PAN-OS XML API: `html` instead of `response`; name the management interface itself there, with no proxy or login page before it"
        ],
    )
    .await;
    check_fault("half", &expect!["out of time: 1 retry; what answered at `firewall.hostname` is not the PAN-OS XML API: the XML document ends early; name the management interface itself there, with no proxy or login page before it"]).await;
    check_fault("http 502", &expect!["out of time: 1 retry; the firewall is busy: HTTP 502; look at its load and its jobs if that lasts, the next run tries again"]).await;
    check_fault("panos error 18 \"Malformed command\"", &expect!["failed; the firewall refuses: Malformed command; put right what it names, and see whether `drawbridge doctor` finds more"])
        .await;
}

#[tokio::test]
async fn aws_refuses() {
    check_fault(
        "ec2 UnauthorizedOperation",
        &expect!["failed; AWS refuses `DescribeVpcs`: allow it in the role's policy"],
    )
    .await;
    check_fault(
        "ec2 RequestLimitExceeded",
        &expect!["out of time: 1 retry; AWS throttles `DescribeVpcs` (RequestLimitExceeded): the limit is shared by the whole account, find out who else uses it up"],
    )
    .await;
    check_fault(
        "ec2 AuthFailure",
        &expect!["failed; AWS does not accept the credentials of `DescribeVpcs` (AuthFailure): renew them, and check the clock"],
    )
    .await;
}

#[tokio::test]
async fn the_firewall_is_not_as_the_settings_say() {
    let stage = Stage::new().await.with_work();
    let stage = stage.set("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Last");
    check(&stage, &expect!["failed; the bottom rule `Last` does not exist in the candidate configuration: create it, or name another in `policy.bottom_rule`"]).await;
    let stage = stage.set("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Clean up").set("DRAWBRIDGE_POLICY_TRUST_ZONE", "nowhere");
    check(&stage, &expect!["failed; the zone `nowhere` does not exist on the firewall: check `policy.untrust_zone` and `policy.trust_zone`"]).await;
    let stage = stage.set("DRAWBRIDGE_POLICY_TRUST_ZONE", "trust").set("DRAWBRIDGE_POLICY_SECURITY_PROFILE_GROUP", "x");
    check(&stage, &expect!["failed; the security profile group `x` does not exist on the firewall: create it, or change `policy.security_profile_group`"]).await;
}

#[tokio::test]
async fn nothing_is_begun_that_could_not_be_ended() {
    let stage = Stage::new().await.with_work().set("DRAWBRIDGE_TIMING_RESERVE", "1m");
    let said = stage.fails(&["apply", "--within", "30s"]).await;
    expect!["out of time; with less than 1m left nothing is begun (`timing.reserve`): allow more with `--within`, or let the next run go on from what it finds"].assert_eq(&said);
}
