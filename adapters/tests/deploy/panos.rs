//! The firewall's account for us: with exactly these rights, everything works.

use std::time::Duration;

use drawbridge_simulator::firewall::Request;
use serde_json::Value;

use crate::{
    stage::Stage,
    text::{file, quoted},
};

const PASSWORD: &str = "a+long&pass word";

/// What an administrator asks, or whoever has the key.
fn request(parameters: &[(&str, &str)]) -> Request {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Request { parameters, ..Request::default() }
}

fn ask(stage: &Stage, request: &Request) -> (u16, String) {
    let answer = stage.world.lock().panos(request);
    (answer.status, answer.text())
}

#[track_caller]
fn as_admin(stage: &Stage, parameters: &[(&str, &str)]) -> String {
    let basic = Some(("admin".to_owned(), "admin-password".to_owned()));
    let (status, text) = ask(stage, &Request { basic, ..request(parameters) });
    assert!(status == 200 && text.contains("status=\"success\""), "{parameters:?}: {text}");
    text
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).unwrap_or_else(|| panic!("{text}")).0
}

/// Loads role and account as `deploy/panos/README.md` says, and makes the key.
fn key_of_new_account(stage: &Stage) -> String {
    let (role, account) = (file("deploy/panos/role.xml"), file("deploy/panos/account.xml"));
    as_admin(
        stage,
        &[("type", "config"), ("action", "set"), ("xpath", "/config/shared/admin-role"), ("element", &role)],
    );
    let escaped = PASSWORD.replace('&', "&amp;");
    let command = format!("<request><password-hash><password>{escaped}</password></password-hash></request>");
    let hashed = as_admin(stage, &[("type", "op"), ("cmd", &command)]);
    assert_eq!(account.matches("PASSWORD-HASH").count(), 1);
    let account = account.replace("PASSWORD-HASH", between(&hashed, "<phash>", "</phash>"));
    as_admin(
        stage,
        &[("type", "config"), ("action", "set"), ("xpath", "/config/mgt-config/users"), ("element", &account)],
    );
    as_admin(stage, &[("type", "commit"), ("cmd", "<commit/>")]);
    stage.world.lock().advance(Duration::from_secs(120));

    let made = ask(stage, &request(&[("type", "keygen"), ("user", "drawbridge"), ("password", PASSWORD)]));
    between(&made.1, "<key>", "</key>").to_owned()
}

#[tokio::test]
async fn the_least_account_plans_and_applies() {
    let stage = Stage::new().await.with_work();
    let key = key_of_new_account(&stage);
    assert_ne!(key, stage.world.lock().key(), "this is the key of the world's own administrator");
    let stage = stage.set("PANOS_API_KEY", &key);

    let planned = stage.run(&["plan"]).await;
    assert_eq!((planned.status, planned.stderr.as_str()), (Some(2), ""), "{planned:#?}");
    let applied = stage.run(&["apply"]).await;
    assert_eq!((applied.status, applied.stderr.as_str()), (Some(0), ""), "{applied:#?}");
    assert!(stage.running_rules().contains(&"sg-webserver-1".to_owned()), "{:?}", stage.running_rules());
    assert_eq!(stage.run(&["plan"]).await.status, Some(0));
    for ended in [planned, applied] {
        assert!(!format!("{ended:?}").contains(&key), "the key is in the output");
    }
}

/// Every right that the doctor asks about is there, and it asks for no other.
#[tokio::test]
async fn the_least_account_is_enough_for_the_doctor() {
    let stage = Stage::new().await;
    let key = key_of_new_account(&stage);
    let stage = stage.set("PANOS_API_KEY", &key);
    let ended = stage.run(&["doctor", "--json"]).await;
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let findings = document["findings"].as_array().unwrap();
    let texts = |check: &str| -> Vec<_> {
        let of_check = findings.iter().filter(|finding| finding["check"] == check);
        of_check.map(|finding| format!("{} {}", finding["verdict"], finding["says"])).collect()
    };
    let rights = ["`op`", "`config`", "`commit`"].map(|right| format!("\"ok\" \"{right}\""));
    assert_eq!(texts("right"), rights, "{ended:#?}");
    // The world's time is not ours.
    let wrong = findings.iter().filter(|finding| finding["verdict"] != "ok" && finding["check"] != "clock of firewall");
    assert_eq!(wrong.count(), 0, "{ended:#?}");
    assert!(!format!("{ended:?}").contains(&key), "the key is in the output");
}

#[tokio::test]
async fn the_least_account_adopts_and_uninstalls() {
    let stage = Stage::new().await.with_work();
    let before = stage.running_rules();
    let rule = "untrust:any -> trust:172.20.200.225 app ssl service application-default allow";
    stage.tell(&format!("admin admin rule i-web-2 {rule} before \"Clean up\""));
    stage.tell("admin admin commit all");
    let key = key_of_new_account(&stage);
    let stage = stage.set("PANOS_API_KEY", &key);

    let adopted = stage.run(&["adopt", "--yes"]).await;
    assert_eq!((adopted.status, adopted.stderr.as_str()), (Some(0), ""), "{adopted:#?}");
    assert!(stage.running_rules().contains(&"i-web-2-1".to_owned()), "{:?}", stage.running_rules());
    let gone = stage.run(&["uninstall", "--yes"]).await;
    assert_eq!((gone.status, gone.stderr.as_str()), (Some(0), ""), "{gone:#?}");
    assert_eq!(stage.running_rules(), before);
    for ended in [adopted, gone] {
        assert!(!format!("{ended:?}").contains(&key), "the key is in the output");
    }
}

#[tokio::test]
async fn the_least_account_may_do_nothing_else() {
    let stage = Stage::new().await;
    let key = key_of_new_account(&stage);
    for (kind, parameter) in [("export", ("category", "configuration")), ("user-id", ("cmd", "<uid-message/>"))] {
        let (status, text) = ask(&stage, &Request { key: Some(key.clone()), ..request(&[("type", kind), parameter]) });
        assert_eq!(status, 403, "{kind}: {text}");
    }
}

/// Takes one right away from the role at a time: the program says what is wrong, and changes nothing.
#[tokio::test]
async fn none_of_its_rights_can_be_spared() {
    for right in ["config", "op", "commit"] {
        let stage = Stage::new().await.with_work();
        let key = key_of_new_account(&stage);
        let xpath = format!("/config/shared/admin-role/entry[@name='drawbridge']/role/device/xmlapi/{right}");
        let element = format!("<{right}>disable</{right}>");
        as_admin(&stage, &[("type", "config"), ("action", "edit"), ("xpath", &xpath), ("element", &element)]);
        as_admin(&stage, &[("type", "commit"), ("cmd", "<commit/>")]);
        stage.world.lock().advance(Duration::from_secs(120));
        let stage = stage.set("PANOS_API_KEY", &key);
        let [_, running] = stage.trees();
        let applied = stage.run(&["apply"]).await;
        assert_eq!(applied.status, Some(1), "without `{right}`: {applied:#?}");
        assert!(stage.trees()[1] == running, "without `{right}` the running configuration has changed");
    }
}

/// Commands and XML say the same.
#[test]
fn commands_and_xml_enable_the_same() {
    let (commands, role) = (file("deploy/panos/account.set"), file("deploy/panos/role.xml"));
    let name = quoted(role.lines().next().unwrap())[0].to_owned();
    let prefix = format!("set shared admin-role {name} role device xmlapi ");
    let rights = commands.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once(' '));
    let rights: Vec<_> = rights.map(|(right, state)| format!("<{right}>{state}</{right}>")).collect();
    let api: Vec<_> = between(&role, "<xmlapi>", "</xmlapi>").split_whitespace().map(str::to_owned).collect();
    assert_eq!(rights, api);
    assert!(commands.contains(&format!("permissions role-based custom profile {name}\n")));
    assert!(file("deploy/panos/account.xml").contains(&format!("<profile>{name}</profile>")));
}
