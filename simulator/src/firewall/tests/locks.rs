use super::*;
use crate::firewall::{Right, Role};

fn locked(story: &mut Story, admin: &str, lock: &str, deed: &str) -> String {
    story.op(admin, &format!("<request><{lock}-lock><{deed}/></{lock}-lock></request>"))
}

#[test]
fn a_config_lock_keeps_others_from_writing() {
    let mut story = Story::new();
    assert_eq!(
        locked(&mut story, "alice", "config", "add"),
        r#"<response status="success"><result>Successfully acquired lock. Other administrators will not be able to modify configuration until lock is released by alice.</result></response>"#
    );
    assert!(locked(&mut story, "alice", "config", "add").contains("You already own a config lock for scope shared"));
    let taken = locked(&mut story, "fwsync", "config", "add");
    assert!(taken.contains("Config for scope shared is currently locked by alice"), "{taken}");
    let refused = r#"<response status="error"><msg><line>Configuration is locked by alice</line></msg></response>"#;
    assert_eq!(story.set("fwsync", &rule("i-1"), &allow("any", "ssh")), refused);
    assert_eq!(story.set("alice", &rule("i-1"), &allow("any", "ssh")), SUCCEEDED);
    let list = story.op("fwsync", "<show><config-locks><vsys>all</vsys></config-locks></show>");
    assert!(list.contains(r#"<config-locks><entry name="alice"><type>shared</type>"#), "{list}");
    story.commit_own("alice");
    assert_eq!(story.set("fwsync", &rule("i-2"), &allow("any", "ssh")), SUCCEEDED);
    let gone = locked(&mut story, "alice", "config", "remove");
    assert!(gone.contains("Config is not currently locked for scope shared"), "{gone}");
}

#[test]
fn a_commit_lock_keeps_others_from_committing() {
    let mut story = Story::new();
    locked(&mut story, "alice", "commit", "add");
    story.set("fwsync", &rule("i-1"), &allow("any", "ssh"));
    assert_eq!(
        story.commit_own("fwsync"),
        r#"<response status="error" code="14"><msg><line>Other administrators are holding device wide commit locks.</line></msg></response>"#
    );
    let removal = "<request><commit-lock><remove><admin>alice</admin></remove></commit-lock></request>";
    // These words are what pan-os-python takes for a lock that is in the way.
    for admin in ["alice", "fwsync"] {
        let taken = locked(&mut story, admin, "commit", "add");
        assert!(taken.contains("<line>Commit lock is already held by alice</line>"), "{taken}");
    }
    assert!(story.op("fwsync", removal).contains("Commit lock released for alice"));
    let gone = locked(&mut story, "alice", "commit", "remove");
    assert!(gone.contains("<line>Commit lock is not currently held by alice</line>"), "{gone}");
    assert!(story.commit_own("fwsync").contains("enqueued"));
}

#[test]
fn roles_decide_what_a_key_opens() {
    let mut story = Story::new();
    story.firewall.set_role("fwsync", Role::Custom([Right::Config, Right::Op].into()));
    let answer = story.answer("fwsync", &[("type", "commit"), ("cmd", "<commit/>")]);
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.text(),
        "<response status = 'error' code = '403'><result><msg>Type [commit] not authorized for user role.</msg></result></response>"
    );
    assert_eq!(story.set("fwsync", &rule("i-1"), &allow("any", "ssh")), SUCCEEDED);
    locked(&mut story, "alice", "commit", "add");
    let removal = "<request><commit-lock><remove><admin>alice</admin></remove></commit-lock></request>";
    assert!(story.op("fwsync", removal).contains(r#"code="16""#));
}

#[test]
fn where_the_device_is_set_so_whoever_changes_something_holds_a_commit_lock() {
    let mut story = Story::new();
    let management = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/setting/management";
    story.set("admin", management, "<auto-acquire-commit-lock>yes</auto-acquire-commit-lock>");
    story.commit_own("admin");
    story.multi_config("alice", &format!("<set xpath=\"{}\">{}</set>", rule("i-1"), allow("any", "ssh")));
    let list = story.op("fwsync", "<show><commit-locks/></show>");
    assert!(list.contains(r#"<entry name="alice"><type>vsys</type><name>vsys1</name>"#), "{list}");
    // Both may edit, and neither can commit before the other's lock is gone.
    assert_eq!(story.set("fwsync", &rule("i-2"), &allow("any", "ssh")), SUCCEEDED);
    for admin in ["alice", "fwsync"] {
        assert!(story.commit_own(admin).contains("Other administrators are holding device wide commit locks."));
    }
    let remove = "<request><commit-lock><remove><admin>alice</admin></remove></commit-lock></request>";
    let told = story.ask("admin", &[("type", "op"), ("cmd", remove), ("vsys", "vsys1")]);
    assert!(told.contains("Commit lock released for alice"), "{told}");
    assert!(story.commit_own("fwsync").contains("enqueued"));
    assert!(story.op("fwsync", "<show><commit-locks/></show>").contains("<commit-locks/>"));
}

#[test]
fn without_that_setting_nobody_locks_anything_by_writing() {
    let mut story = Story::new();
    story.set("alice", &rule("i-1"), &allow("any", "ssh"));
    assert!(story.op("fwsync", "<show><commit-locks/></show>").contains("<commit-locks/>"));
}
