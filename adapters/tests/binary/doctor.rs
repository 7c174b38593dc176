//! What a doctor finds: nothing in a deployment that is well, and each thing that it can name in one that is not.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, SystemTime},
};

use drawbridge_simulator::{
    clock::EPOCH,
    faults::Command,
    firewall::{Ha, MultiConfig, Request},
    http::tls::Identity,
};
use expect_test::{Expect, expect};
use serde_json::Value;

use crate::{queue::FakeQueue, stage::Stage};

/// Lets the world's clock show the real time.
pub(crate) fn in_real_time(stage: &Stage) {
    behind(stage, Duration::ZERO);
}

/// Lets the world's clock show what the real one showed so long ago.
fn behind(stage: &Stage, ago: Duration) {
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(EPOCH.unix_timestamp().try_into().unwrap());
    let date = match (SystemTime::now() - ago).duration_since(began) {
        Ok(since) => EPOCH + since,
        Err(before) => EPOCH - before.duration(),
    };
    stage.world.lock().run_in_real_time(date);
}

/// What is found, a line each; the exit status and the document must say the same, and nothing may have changed.
async fn examined(stage: &Stage, arguments: &[&str]) -> Vec<String> {
    let before = stage.trees();
    let ended = stage.run(&[&["doctor", "--json"], arguments].concat()).await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:#?}"));
    let status = match document["verdict"].as_str().unwrap() {
        "ok" => 0,
        "warning" => 2,
        "failure" => 1,
        other => panic!("{other}"),
    };
    assert_eq!((ended.status, &document["version"]), (Some(status), &1.into()), "{ended:#?}");
    assert!(stage.trees() == before, "a doctor has changed the firewall");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let lines = findings.map(|f| format!("{}, {}: {}", text(f, "verdict"), text(f, "check"), text(f, "says")));
    lines.map(|line| stage.short(&line)).collect()
}

/// What is wrong, apart from clocks: the world of most tests is not in our time.
async fn check(stage: &Stage, expected: &Expect) {
    let wrong = examined(stage, &[]).await;
    let wrong = wrong.into_iter().filter(|line| !line.starts_with("ok, ") && !line.contains("clock of firewall"));
    expected.assert_eq(&wrong.map(|line| line + "\n").collect::<String>());
}

#[tokio::test]
async fn all_is_well() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    let ended = stage.run(&["doctor"]).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:#?}");
    assert!(
        ended.stdout.starts_with("ok       settings") && ended.stdout.ends_with("0 warnings, 0 failures\n"),
        "{ended:#?}"
    );
    let clocks = ended.stdout.lines().filter(|line| line.contains("clock") && line.starts_with("ok "));
    assert_eq!(clocks.count(), 2, "{ended:#?}");
}

#[tokio::test]
async fn settings_and_where_keys_come_from() {
    let stage = Stage::new().await.unset("DRAWBRIDGE_POLICY_OWNER").set("DRAWBRIDGE_MODE", "on");
    check(&stage, &expect![[r#"
        failure, settings: `policy.owner` is missing: set it or `DRAWBRIDGE_POLICY_OWNER` (the tag that marks our rules, unique per deployment and firewall)
        failure, settings: `mode` (DRAWBRIDGE_MODE): `on` is none of `observe`, `add-only`, `sync`
    "#]]).await;
    let stage = Stage::new().await.unset("PANOS_API_KEY").set("DRAWBRIDGE_FIREWALL_API_KEY_FILE", "/nowhere/key");
    check(&stage, &expect![[r#"
        failure, API key: cannot read the API key from `/nowhere/key`: No such file or directory (os error 2); check `firewall.api_key_file`
        warning, the rest: what would be asked of the firewall next was not looked at
    "#]]).await;
}

#[tokio::test]
async fn aws_is_out_of_reach_or_refuses() {
    let stage = Stage::new().await.unset("AWS_REGION");
    check(
        &stage,
        &expect![[r#"
        failure, AWS credentials: the region is not known: set `aws.region` or `AWS_REGION`
    "#]],
    )
    .await;
    let stage = Stage::new().await.unset("AWS_ACCESS_KEY_ID");
    check(&stage, &expect![[r#"
        failure, AWS credentials: none can be had: set them in the environment or a profile, or give the function, task or instance a role
    "#]]).await;

    let stage = Stage::new().await;
    let denied = ["DescribeSubnets", "GetManagedPrefixListEntries"].map(str::to_owned);
    stage.world.lock().cloud_mut().settings_mut().denied_actions.extend(denied);
    check(
        &stage,
        &expect![[r#"
        failure, AWS permission: AWS refuses `DescribeSubnets`: allow it in the role's policy
        failure, AWS permission: AWS refuses `GetManagedPrefixListEntries`: allow it in the role's policy
    "#]],
    )
    .await;

    let stage = Stage::new().await;
    stage.tell("fault observe always ec2 AuthFailure");
    stage.world.lock().begin(Command::Observe);
    let found = examined(&stage, &[]).await;
    let credentials = "failure, AWS permission: AWS does not accept the credentials of `DescribeVpcs` (AuthFailure): renew them, and check the clock";
    assert!(found.iter().any(|line| line == credentials), "{found:#?}");

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stage = Stage::new().await.set("AWS_ENDPOINT_URL", &url).set("DRAWBRIDGE_TIMING_READ", "300ms");
    check(&stage, &expect![[r#"
        failure, AWS permission: no answer from AWS to dry runs: check the path to `ec2` (a VPC endpoint, a NAT gateway), `aws.endpoint_url` and `aws.region`
    "#]]).await;
}

#[tokio::test]
async fn the_firewall_is_out_of_reach() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = Stage::new().await.set("PANOS_HOSTNAME", &url).set("DRAWBRIDGE_TIMING_READ", "300ms");
    check(&silent, &expect![[r#"
        failure, firewall reached: the firewall did not answer in time, or the connection broke: check its load and the path to it
        warning, the rest: what would be asked of the firewall next was not looked at
    "#]]).await;
    drop(listener);
    let nobody = silent.set("DRAWBRIDGE_TIMING_READ", "10s");
    let found = examined(&nobody, &[]).await.join("\n").replace(url.trim_start_matches("http://"), "fw");
    let unreachable = "failure, firewall reached: `fw`: the firewall cannot be reached: check `firewall.hostname` and the path to its management interface";
    assert!(found.contains(unreachable), "{found}");

    let stage = Stage::new().await;
    stage.tell("fault observe always html");
    stage.world.lock().begin(Command::Observe);
    let found = examined(&stage, &[]).await;
    assert!(found.iter().any(|line| line.contains("is not the PAN-OS XML API")), "{found:#?}");
}

/// What one line of a stage's examination begins with, and what it must hold.
async fn has(stage: &Stage, begins: &str, holds: &str) {
    let found = examined(stage, &[]).await;
    assert!(
        found.iter().any(|line| line.starts_with(begins) && line.contains(holds)),
        "{begins} … {holds}: {found:#?}"
    );
}

#[tokio::test]
async fn certificates_and_keys() {
    let identity = Identity::self_signed(&["127.0.0.1"]).unwrap();
    let stage = Stage::with_certificate(&identity).await;
    has(&stage, "failure, certificate: ", "does not verify: set `firewall.ca_file` or `firewall.fingerprint`").await;
    let stage = stage.set("DRAWBRIDGE_FIREWALL_VERIFY", "false");
    has(&stage, "warning, certificate: ", "not verified (`firewall.verify = false`)").await;
    let stage = stage.unset("DRAWBRIDGE_FIREWALL_VERIFY").set("DRAWBRIDGE_FIREWALL_CA_FILE", "/nowhere/ca.pem");
    has(&stage, "failure, certificate: ", "`firewall.ca_file`: `/nowhere/ca.pem` cannot be read").await;
    let stage = Stage::new().await.set("PANOS_API_KEY", "bm90IHRoZSBrZXk=");
    has(&stage, "failure, API key: ", "refuses the API key: generate one for the account").await;
}

#[tokio::test]
async fn releases_and_units() {
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().version = "9.1.12".to_owned();
    has(&stage, "failure, PAN-OS release: ", "PAN-OS 9.1.12 has no multi-config transactions: upgrade to 10.1").await;
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().multi_config = MultiConfig::Off;
    has(&stage, "failure, multi-config: ", "request multi-config enabled").await;
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().ha = Ha::pair("passive");
    has(&stage, "failure, active unit: ", "this unit is passive, not active").await;
}

/// Makes an account whose role grants these rights of the XML API, and gives the program its key.
async fn with_rights(rights: &[&str]) -> Stage {
    let stage = Stage::new().await;
    let granted: String = rights.iter().map(|right| format!("<{right}>enable</{right}>")).collect();
    let role = format!("<role><device><xmlapi>{granted}</xmlapi></device></role>");
    let user = "<phash>$5$x</phash><permissions><role-based><custom><profile>sync</profile></custom></role-based></permissions>";
    let key = {
        let mut world = stage.world.lock();
        let admin = world.firewall().key_of("admin");
        let mut ask = |parameters: &[(&str, &str)]| {
            let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let answer = world.panos(&Request { parameters, key: admin.clone(), basic: None });
            assert!(answer.text().contains("status=\"success\""), "{}", answer.text());
        };
        let set = |xpath, element| [("type", "config"), ("action", "set"), ("xpath", xpath), ("element", element)];
        ask(&set("/config/shared/admin-role/entry[@name='sync']", &role));
        ask(&set("/config/mgt-config/users/entry[@name='fwsync']", user));
        ask(&[("type", "commit"), ("cmd", "<commit/>")]);
        world.advance(Duration::from_secs(120));
        world.firewall().key_of("fwsync").unwrap()
    };
    stage.set("PANOS_API_KEY", &key)
}

#[tokio::test]
async fn rights_of_the_role() {
    has(&with_rights(&["config", "commit"]).await, "failure, right: ", "Type [op] not authorized").await;
    has(&with_rights(&["op", "commit"]).await, "failure, right: ", "Type [config] not authorized").await;
    has(&with_rights(&["op", "config"]).await, "failure, right: ", "Type [commit] not authorized").await;
    let enough = examined(&with_rights(&["op", "config", "commit"]).await, &[]).await;
    let rights: Vec<_> = enough.iter().filter(|line| line.contains(", right: ")).map(String::as_str).collect();
    assert_eq!(rights, ["ok, right: `op`", "ok, right: `config`", "ok, right: `commit`"], "{enough:#?}");
    let stage = Stage::new().await.set("DRAWBRIDGE_FIREWALL_ADMIN", "bob");
    has(&stage, "failure, account: ", "the API key is `drawbridge`'s, not `bob`'s: correct or remove").await;
}

#[tokio::test]
async fn what_rules_refer_to() {
    let stage = Stage::new()
        .await
        .set("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Last")
        .set("DRAWBRIDGE_POLICY_TRUST_ZONE", "nowhere")
        .set("DRAWBRIDGE_POLICY_SECURITY_PROFILE_GROUP", "strict")
        .set("DRAWBRIDGE_POLICY_LOG_SETTING", "siem");
    check(&stage, &expect![[r#"
        failure, bottom rule: the bottom rule `Last` does not exist in the candidate configuration: create it, or name another in `policy.bottom_rule`
        failure, zone: the zone `nowhere` does not exist on the firewall: check `policy.untrust_zone` and `policy.trust_zone`
        failure, profile group: the security profile group `strict` does not exist on the firewall: create it, or change `policy.security_profile_group`
        failure, log forwarding: the log forwarding profile `siem` does not exist on the firewall: create it, or change `policy.log_setting`
    "#]]).await;
}

#[tokio::test]
async fn gateways() {
    let stage = Stage::new().await.set("DRAWBRIDGE_GATEWAYS", "i-0fffffffffffffff9");
    has(&stage, "failure, gateway: ", "does not exist in eu-west-1: check `gateways`").await;
    let real = stage.real("i-fw");
    let stage = stage.set("DRAWBRIDGE_GATEWAYS", &format!("{real},vpce-0fffffffffffffff9"));
    has(&stage, "warning, gateway: ", "vpce-0fffffffffffffff9 does not exist").await;
    has(&stage, "ok, gateway: ", "i-fw, to which rtb-web leads").await;
    let web = stage.real("i-web-2");
    let stage = stage.set("DRAWBRIDGE_GATEWAYS", &format!("{real},{web}"));
    has(&stage, "warning, gateway: ", "no default route leads to i-web-2").await;
    stage.tell("call StopInstances i-fw");
    stage.tell("wait 2m");
    has(&stage, "warning, gateway: ", "is a blackhole: start or attach the firewall").await;
}

#[tokio::test]
async fn people_at_work() {
    let stage = Stage::new().await;
    stage.tell("admin admin lock config \"night shift\"");
    has(&stage, "warning, locks: ", "config lock of `admin`, held for").await;
    let stage = Stage::new().await;
    stage.tell("admin admin rule extra any -> any deny");
    has(&stage, "warning, uncommitted work: ", "`admin` has not committed work on rule `extra`").await;
    stage.tell("admin admin edit \"Clean up\" description x");
    has(&stage, "failure, decision: ", "the bottom rule `Clean up` has uncommitted work of `admin`").await;
    let stage = Stage::new().await;
    stage.tell("admin drawbridge rule stray any -> any deny");
    has(&stage, "failure, decision: ", "the account `drawbridge` has uncommitted changes of its own").await;
    has(&stage, "ok, right: ", "`commit`: not asked").await;
}

#[tokio::test]
async fn logs_in_a_bucket() {
    let stage = Stage::new().await;
    in_real_time(&stage);
    let bucket = stage.world.lock().cloud_mut().settings_mut().trail_bucket.clone();
    let arguments = ["--bucket", bucket.as_str()];
    let found = examined(&stage, &arguments).await;
    assert!(found.iter().any(|line| line.starts_with("failure, events: ")), "{found:#?}");
    stage.tell("deliver StartInstances i-web-2");
    let found = examined(&stage, &arguments).await;
    assert!(found.iter().any(|line| line.starts_with("ok, events: the last log arrived in")), "{found:#?}");
    let found = examined(&stage, &["--bucket", &bucket, "--prefix", "elsewhere"]).await;
    assert!(found.iter().any(|line| line.contains("check `watch.bucket` and `watch.prefix`")), "{found:#?}");
}

#[tokio::test]
async fn a_trail_that_has_fallen_silent() {
    for (hours, expected) in [
        (
            3,
            "warning, events: the last log arrived in `trail` 180 min ago: is the trail on, and does it record this region's management events?",
        ),
        (
            30,
            "warning, events: no log has arrived in `trail` for a day: is the trail on, and does it record this region's management events?",
        ),
    ] {
        let stage = Stage::new().await;
        behind(&stage, Duration::from_secs(hours * 60 * 60));
        stage.world.lock().cloud_mut().settings_mut().trail_bucket = "trail".to_owned();
        stage.tell("deliver StartInstances i-web-2");
        let found = examined(&stage, &["--bucket", "trail"]).await;
        assert!(found.iter().any(|line| line == expected), "{expected}: {found:#?}");
    }
}

#[tokio::test]
async fn commits_of_ours() {
    let stage = Stage::new().await.with_work();
    in_real_time(&stage);
    has(&stage, "ok, commits: ", "none of ours is under way, none has failed").await;
    stage.tell("fault job 1 fail \"zone is missing\"");
    stage.world.lock().begin(Command::Commit);
    let ended = stage.run(&["apply"]).await;
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    has(&stage, "warning, commits: ", "a commit of ours failed 0 min ago, mend what it says: zone is missing").await;
}

#[tokio::test]
async fn messages_in_a_queue() {
    let queue = FakeQueue::serve().await;
    let stage = Stage::new().await.set("DRAWBRIDGE_WATCH_QUEUE_URL", &queue.url());
    has(&stage, "ok, events: ", "nothing waits in the queue").await;
    queue.send(&Value::Null);
    has(&stage, "warning, events: ", "1 message waits in the queue").await;
    queue.deny();
    has(&stage, "failure, events: ", "AWS refuses `GetQueueAttributes`: allow it in the role's policy").await;
    let stage = stage.set("DRAWBRIDGE_WATCH_BUCKET", "trail");
    has(&stage, "failure, settings: ", "cannot be meant together: keep one of them").await;
}
