//! What the account of the key may do, and who else is at work.

use std::time::Duration;

use drawbridge_simulator::firewall::CommitQueue;

use super::{check, examined, has, skipped_from};
use crate::stage::Stage;

/// Makes an account with these permissions on a firewall with this role `sync`, and gives the program its key.
async fn with_account(role: &str, permissions: &str) -> Stage {
    let stage = Stage::new().await;
    let ask = |parameters: &[(&str, &str)]| {
        let answer = stage.asked_by("admin", parameters);
        assert!(answer.contains("status=\"success\""), "{answer}");
    };
    let set = |xpath, element| ask(&[("type", "config"), ("action", "set"), ("xpath", xpath), ("element", element)]);
    let user = format!("<phash>$5$x</phash><permissions><role-based>{permissions}</role-based></permissions>");
    set("/config/shared/admin-role/entry[@name='sync']", role);
    set("/config/mgt-config/users/entry[@name='fwsync']", &user);
    ask(&[("type", "commit"), ("cmd", "<commit/>")]);
    stage.world.lock().advance(Duration::from_secs(120));
    let key = stage.world.lock().firewall().key_of("fwsync").unwrap();
    stage.set("PANOS_API_KEY", &key)
}

/// The role grants these rights of the XML API.
async fn with_rights(rights: &[&str]) -> Stage {
    let granted: String = rights.iter().map(|right| format!("<{right}>enable</{right}>")).collect();
    let role = format!("<role><device><xmlapi>{granted}</xmlapi></device></role>");
    with_account(&role, "<custom><profile>sync</profile></custom>").await
}

const LACKS: &str = "the account of the API key lacks a right";
const REMEDY: &str = "enable `config`, `op` and `commit` under the XML API of its admin role";

#[tokio::test]
async fn rights_of_the_role() {
    let op = format!("failure, right: `fw`: {LACKS}: Type [op] not authorized for user role: {REMEDY}");
    let after_op = skipped_from("PAN-OS release").replace(" right,", "");
    check(&with_rights(&["config", "commit"]).await, &[&op, &after_op]).await;
    let config = format!("failure, right: `config`: {LACKS}: Type [config] not authorized for user role: {REMEDY}");
    check(&with_rights(&["op", "commit"]).await, &[&config, &skipped_from("configuration")]).await;
    let commit = format!("failure, right: `commit`: {LACKS}: Type [commit] not authorized for user role: {REMEDY}");
    check(&with_rights(&["op", "config"]).await, &[&commit]).await;
    let enough = examined(&with_rights(&["op", "config", "commit"]).await, &[]).await;
    let rights: Vec<_> = enough.iter().filter(|line| line.contains(", right: ")).map(String::as_str).collect();
    assert_eq!(rights, ["ok, right: `op`", "ok, right: `config`", "ok, right: `commit`"], "{enough:#?}");
}

#[tokio::test]
async fn an_account_that_may_only_look() {
    let role = "<role><device><xmlapi><op>enable</op></xmlapi></device></role>";
    let stage = with_account(role, "<superreader>yes</superreader>").await;
    let lines =
        ["config", "commit"].map(|right| format!("failure, right: `{right}`: {LACKS}: Unauthorized request: {REMEDY}"));
    check(&stage, &[&lines[0], &lines[1]]).await;
}

const UNASKED: &str = "warning, right: `commit`: not asked, because it is not known whose changes that would commit";
/// What PAN-OS says whose session has ended, and whom it concerns.
const ENDED: [(&str, &str); 2] = [("line", "Session timed out"), ("code", "22")];

#[tokio::test]
async fn whose_key_it_is() {
    let stage = Stage::new().await.set("DRAWBRIDGE_FIREWALL_ADMIN", "bob");
    check(
        &stage,
        &["failure, account: the API key is `drawbridge`'s, not `bob`'s: correct or remove `firewall.admin`"],
    )
    .await;

    let nobody = "<response status='success'><result><admins/></result></response>";
    let untold = [("containing", "<admins>"), ("body", nobody), ("count", "2")];
    let stage = Stage::new().await;
    stage.control("refuse-next", &untold);
    let unknown = "failure, account: the firewall does not say whose the API key is: set `firewall.admin`";
    check(&stage, &[unknown, UNASKED]).await;
    let stage = Stage::new().await.set("DRAWBRIDGE_FIREWALL_ADMIN", "drawbridge");
    stage.control("refuse-next", &untold);
    has(&stage, &[], &["ok, account: `drawbridge`, as set", "ok, right: `commit`"]).await;

    let stage = Stage::new().await;
    stage.control("refuse-next", &[&ENDED[..], &[("containing", "<admins>")]].concat());
    check(&stage, &["failure, account: the firewall is busy: Session timed out", UNASKED]).await;
}

#[tokio::test]
async fn a_configuration_that_cannot_be_read() {
    let stage = Stage::new().await.set("DRAWBRIDGE_FIREWALL_VSYS", "vsys9");
    let missing =
        "failure, configuration: the firewall refuses: virtual system `vsys9` does not exist: set `firewall.vsys`";
    check(&stage, &[missing, &skipped_from("locks")]).await;
    // The first question for it, or one in the middle.
    for question in ["/zone", "<pending-changes>"] {
        let stage = Stage::new().await;
        stage.control("refuse-next", &[&ENDED[..], &[("containing", question)]].concat());
        check(&stage, &["failure, configuration: the firewall is busy: Session timed out", &skipped_from("locks")])
            .await;
    }
}

#[tokio::test]
async fn locks_of_others() {
    let held = |lock: &'static str| async move {
        let stage = Stage::new().await;
        stage.tell(&format!("admin admin lock {lock} \"night shift\""));
        stage.tell("wait 3h");
        stage
    };
    let told = |lock: &str| {
        format!(
            "warning, locks: {lock} lock of `admin`, held for 3 h: night shift: nothing is written or committed until it is released"
        )
    };
    let config = "warning, right: `config`: an administrator's lock keeps the question from being answered";
    check(&held("config").await, &[&told("config"), config]).await;
    let commit = "warning, right: `commit`: an administrator holds a lock: Other administrators are holding device wide commit locks; ask again later";
    check(&held("commit").await, &[&told("commit"), commit]).await;

    let stage = Stage::new().await;
    stage.control("refuse-next", &[&ENDED[..], &[("containing", "<config-locks>")]].concat());
    check(&stage, &["failure, locks: the firewall is busy: Session timed out"]).await;
}

#[tokio::test]
async fn a_firewall_that_is_busy() {
    let stage = Stage::new().await;
    let pending = [("line", "A commit is pending. Please try again later."), ("code", "13")];
    stage.control("refuse-next", &[&pending[..], &[("containing", "multi-config")]].concat());
    check(&stage, &["warning, right: `config`: the firewall is busy: A commit is pending. Please try again later; ask again later"]).await;

    let stage = Stage::new().await;
    {
        let mut world = stage.world.lock();
        let settings = world.firewall_settings();
        (settings.commit_queue, settings.commit_takes) = (CommitQueue::Refused, Duration::from_secs(60 * 60));
    }
    stage.asked_by("admin", &[("type", "commit"), ("cmd", "<commit><force></force></commit>")]);
    check(&stage, &["warning, right: `commit`: the firewall is busy: Another commit/validate is in progress. Please try again later; ask again later"]).await;
}

/// What is said about a place where an administrator is at work.
fn at_work(node: &str) -> String {
    format!(
        "warning, uncommitted work: `admin` has not committed work on {node}: it is left alone, also where it is on rules of ours, until they commit or revert it"
    )
}

#[tokio::test]
async fn people_at_work() {
    let stage = Stage::new().await;
    stage.tell("admin admin rule extra any -> any deny");
    check(&stage, &[&at_work("rule `extra`")]).await;

    let stage = Stage::new().await;
    stage.tell("admin admin edit \"Clean up\" description x");
    let held = "failure, decision: the bottom rule `Clean up` has uncommitted work of `admin`: commit or revert it";
    check(&stage, &[&at_work("rule `Clean up`"), held]).await;

    let stage = Stage::new().await;
    stage.tell("admin admin xml \"tag/entry[@name='drawbridge']\" \"<color>color1</color>\"");
    let tag = "failure, decision: the tag `drawbridge` exists only as uncommitted work of `admin`: commit or revert it";
    check(&stage, &[&at_work("tag `drawbridge`"), tag]).await;

    let stage = Stage::new().await;
    stage.tell("admin drawbridge rule stray any -> any deny");
    let own = "failure, decision: the account `drawbridge` has uncommitted changes of its own: rule `stray`: commit or revert them, and keep this account for drawbridge alone";
    check(&stage, &[own]).await;
    has(&stage, &[], &["ok, right: `commit`: not asked, because there is work of ours that is not committed yet"])
        .await;
}

#[tokio::test]
async fn more_people_at_work_than_anybody_reads() {
    let stage = Stage::new().await;
    let rules: Vec<_> = (10..22).map(|number| format!("extra-{number}")).collect();
    rules.iter().for_each(|rule| drop(stage.tell(&format!("admin admin rule {rule} any -> any deny"))));
    let shown = rules[..10].iter().map(|rule| at_work(&format!("rule `{rule}`")));
    let more = "warning, uncommitted work: and 2 more: ask for them to be committed or reverted".to_owned();
    let lines: Vec<_> = shown.chain([more]).collect();
    check(&stage, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
}
