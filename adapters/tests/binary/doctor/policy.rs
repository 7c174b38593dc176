//! What the settings name, on the firewall and in AWS; whose the rules under our tag are; and what became of our commits.

use std::time::Duration;

use drawbridge_simulator::faults::Command;

use super::{check, examined, has, in_real_time};
use crate::stage::Stage;

/// What is said about a place where an administrator is at work.
const LEFT_ALONE: &str = "it is left alone, also where it is on rules of ours, until they commit or revert it";

#[tokio::test]
async fn what_rules_refer_to() {
    let stage = Stage::new()
        .await
        .set("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Last")
        .set("DRAWBRIDGE_POLICY_TRUST_ZONE", "nowhere")
        .set("DRAWBRIDGE_POLICY_SECURITY_PROFILE_GROUP", "strict")
        .set("DRAWBRIDGE_POLICY_LOG_SETTING", "siem");
    check(&stage, &[
        "failure, bottom rule: the bottom rule `Last` does not exist in the candidate configuration: create it, or name another in `policy.bottom_rule`",
        "failure, zone: the zone `nowhere` does not exist on the firewall: check `policy.untrust_zone` and `policy.trust_zone`",
        "failure, profile group: the security profile group `strict` does not exist on the firewall: create it, or change `policy.security_profile_group`",
        "failure, log forwarding: the log forwarding profile `siem` does not exist on the firewall: create it, or change `policy.log_setting`",
    ]).await;
}

#[tokio::test]
async fn what_is_there_and_not_committed() {
    let stage = Stage::new().await.set("DRAWBRIDGE_POLICY_BOTTOM_RULE", "Last");
    stage.tell("admin admin rule Last any -> any deny");
    check(&stage, &[
        &format!("warning, uncommitted work: `admin` has not committed work on rule `Last`: {LEFT_ALONE}"),
        "failure, bottom rule: the bottom rule `Last` does not exist in the running configuration: create it, or name another in `policy.bottom_rule`",
        "failure, decision: the bottom rule `Last` has uncommitted work of `admin`: commit or revert it",
    ]).await;

    let stage = Stage::new().await.set("DRAWBRIDGE_POLICY_TRUST_ZONE", "dmz");
    stage.tell("admin admin xml \"zone/entry[@name='dmz']\" \"<network><layer3/></network>\"");
    let path = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/zone/entry[@name='dmz']";
    check(&stage, &[
        &format!("warning, uncommitted work: `admin` has not committed work on `{path}`: {LEFT_ALONE}"),
        "failure, zone: the zone `dmz` is in the candidate configuration alone: commit it, or the commits of our rules fail",
    ]).await;
}

#[tokio::test]
async fn rules_of_another_account_under_our_tag() {
    for made_for in ["aws 999988887777 eu-west-1", "aws 111122223333 us-east-1"] {
        let stage = Stage::new().await;
        stage.tell("admin admin xml \"tag/entry[@name='drawbridge']\" \"<color>color1</color>\"");
        let rule = "untrust:any -> trust:172.20.200.225 app ssl service application-default allow tag drawbridge";
        stage.tell(&format!(
            "admin admin rule i-web-2-7 {rule} description \"{made_for}; i-web-2\" before \"Clean up\""
        ));
        stage.tell("admin admin commit all");
        let other = format!(
            "failure, decision: rule `i-web-2-7` carries our tag but was made for `{made_for}`: give each deployment a `policy.owner` of its own"
        );
        check(&stage, &[&other]).await;
    }
}

#[tokio::test]
async fn gateways() {
    let stage = Stage::new().await.set("DRAWBRIDGE_GATEWAYS", "i-0fffffffffffffff9");
    check(&stage, &[
        "failure, gateway: i-0fffffffffffffff9 does not exist in eu-west-1: check `gateways`, `aws.region` and the credentials",
        "failure, decision: none of `gateways` exists in eu-west-1: check `gateways`, `aws.region` and the credentials",
    ]).await;
    let real = stage.real("i-fw");
    let stage = stage.set("DRAWBRIDGE_GATEWAYS", &format!("{real},vpce-0fffffffffffffff9"));
    let one = "warning, gateway: vpce-0fffffffffffffff9 does not exist in eu-west-1: check `gateways`, `aws.region` and the credentials";
    check(&stage, &[one]).await;
    has(&stage, &[], &["ok, gateway: i-fw, to which rtb-web leads"]).await;
    let web = stage.real("i-web-2");
    let stage = stage.set("DRAWBRIDGE_GATEWAYS", &format!("{real},{web}"));
    let idle = "warning, gateway: no default route leads to i-web-2, so that nothing is exposed through it: route 0.0.0.0/0 of the instances' subnets to it";
    check(&stage, &[idle]).await;
    let stage = stage.set("DRAWBRIDGE_GATEWAYS", &real);
    stage.tell("call StopInstances i-fw");
    stage.tell("wait 2m");
    let hole = "warning, gateway: the default route of rtb-web to i-fw is a blackhole: start or attach the firewall";
    check(&stage, &[hole]).await;
}

/// Who misspells a scope loses rules; that is said before it happens.
#[tokio::test]
async fn what_a_scope_names() {
    let stage = Stage::new().await;
    let (vpc, subnet) = (stage.real("vpc-1"), stage.real("subnet-web"));
    let stage = stage.set("DRAWBRIDGE_SCOPE_VPCS", &format!("{vpc},vpc-0fffffffffffffff9"));
    let stage = stage.set("DRAWBRIDGE_SCOPE_SUBNETS", &format!("{subnet},subnet-0fffffffffffffff9"));
    let stage = stage.set("DRAWBRIDGE_SCOPE_INSTANCE_TAGS", "Name=nobody");
    check(&stage, &[
        "warning, scope: `scope.vpcs`: vpc-0fffffffffffffff9 does not exist in eu-west-1: correct or remove it, rules of ours for what it leaves out are deleted",
        "warning, scope: `scope.subnets`: subnet-0fffffffffffffff9 does not exist in eu-west-1: correct or remove it, rules of ours for what it leaves out are deleted",
        "warning, scope: `scope.instance_tags`: `Name=nobody` is on no instance: correct or remove it, rules of ours for instances without it are deleted",
    ]).await;
    has(&stage, &[], &["ok, scope: `scope.vpcs`: vpc-1", "ok, scope: `scope.subnets`: subnet-web"]).await;
}

#[tokio::test]
async fn commits_of_ours() {
    let stage = Stage::new().await.with_work();
    in_real_time(&stage);
    has(&stage, &[], &["ok, commits: none of ours is under way, none has failed"]).await;
    stage.tell("fault job 1 fail \"zone is missing\"");
    stage.world.lock().begin(Command::Commit);
    let ended = stage.run(&["apply"]).await;
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    check(&stage, &["warning, commits: a commit of ours failed 0 min ago, mend what it says: zone is missing"]).await;
}

/// There is nothing to mend by: whoever reads it is told where to look, and no sentence ends in a colon.
#[tokio::test]
async fn a_commit_that_failed_without_a_word() {
    let stage = Stage::new().await.with_work();
    in_real_time(&stage);
    stage.control("fail-next-job", &[]);
    let ended = stage.run(&["apply"]).await;
    assert_eq!(ended.status, Some(1), "{ended:#?}");
    check(&stage, &["warning, commits: a commit of ours failed 0 min ago, and its job tells no reason: look at Tasks and Monitor > Logs > System"]).await;
}

#[tokio::test]
async fn a_commit_that_is_under_way() {
    let stage = Stage::new().await;
    stage.world.lock().firewall_settings().commit_takes = Duration::from_secs(60 * 60);
    stage.asked_by("drawbridge", &[("type", "commit"), ("cmd", "<commit><force></force></commit>")]);
    let found = examined(&stage, &[]).await;
    for line in [
        "ok, commits: job 1 of ours is under way",
        "ok, right: `commit`: not asked, because there is work of ours that is not committed yet",
    ] {
        assert!(found.iter().any(|other| other == line), "{line}: {found:#?}");
    }
}
