use super::*;
use crate::firewall::{Denial, Request, Right, Role, admins::password_hash};

/// What becomes of a log-in.
fn keygen(story: &mut Story, user: &str, password: &str) -> Answer {
    let parameters = [("type", "keygen"), ("user", user), ("password", password)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    story.firewall.request(&Request { parameters, ..Request::default() }, story.now)
}

#[test]
fn administrators_of_the_configuration_log_in_once_it_is_committed() {
    let mut story = Story::new();
    let hash = password_hash("secret");
    let told = story.op("fwsync", "<request><password-hash><password>secret</password></password-hash></request>");
    assert!(told.contains(&format!("<phash>{hash}</phash>")), "{told}");
    let permissions = "<permissions><role-based><superreader>yes</superreader></role-based></permissions>";
    let users = "/config/mgt-config/users";
    story.set("fwsync", users, &format!("<entry name='bob'><phash>{hash}</phash>{permissions}</entry>"));
    assert_eq!(keygen(&mut story, "bob", "secret").status, 403);
    story.commit_own("fwsync");
    assert!(keygen(&mut story, "bob", "secret").text().contains("<key>"));
    assert_eq!(keygen(&mut story, "bob", "other").status, 403);
    story.delete("fwsync", &format!("{users}/entry[@name='bob']"));
    story.commit_own("fwsync");
    assert_eq!(keygen(&mut story, "bob", "secret").status, 403);
}

#[test]
fn a_role_of_the_configuration_opens_what_it_enables() {
    let mut story = Story::new();
    let role = "<entry name='sync'><role><device><xmlapi><config>enable</config><op>disable</op></xmlapi></device></role></entry>";
    story.set("fwsync", "/config/shared/admin-role", role);
    let permissions = "<permissions><role-based><custom><profile>sync</profile></custom></role-based></permissions>";
    story.set("fwsync", "/config/mgt-config/users", &format!("<entry name='bob'>{permissions}</entry>"));
    story.commit_own("fwsync");
    assert_eq!(story.set("bob", &rule("i-1"), &allow("any", "ssh")), SUCCEEDED);
    for request in [[("type", "op"), ("cmd", "<show><clock/></show>")], [("type", "commit"), ("cmd", "<commit/>")]] {
        assert_eq!(story.answer("bob", &request).status, 403);
    }
}

#[test]
fn the_least_role_opens_config_op_and_commit_and_nothing_else() {
    let mut story = Story::new();
    let rights: String = ["config", "op", "commit"].map(|right| format!("<{right}>enable</{right}>")).concat();
    let denied: String = ["report", "log", "user-id", "iot", "export", "import"]
        .map(|right| format!("<{right}>disable</{right}>"))
        .concat();
    let role = format!("<role><device><xmlapi>{rights}{denied}</xmlapi></device></role>");
    let hash = password_hash("secret");
    let permissions = "<permissions><role-based><custom><profile>fwsync</profile></custom></role-based></permissions>";
    let user = format!("<phash>{hash}</phash>{permissions}");
    assert_eq!(story.set("admin", "/config/shared/admin-role/entry[@name='fwsync']", &role), SUCCEEDED);
    assert_eq!(story.set("admin", "/config/mgt-config/users/entry[@name='sync']", &user), SUCCEEDED);
    story.commit_own("admin");
    assert!(keygen(&mut story, "sync", "secret").text().contains("<key>"));

    assert_eq!(story.set("sync", &rule("i-1"), &allow("any", "ssh")), SUCCEEDED);
    assert!(story.op("sync", "<show><config><list><changes/></list></config></show>").contains("<owner>sync</owner>"));
    assert!(story.commit_own("sync").contains("<line>Commit job enqueued with jobid "));
    assert!(story.op("sync", "<show><jobs><all/></jobs></show>").contains("<user>sync</user>"));
    assert!(story.running_rules().contains(&"i-1".to_owned()));
    for request_type in ["report", "log", "user-id", "export", "import"] {
        let answer = story.answer("sync", &[("type", request_type)]);
        let words = format!("Type [{request_type}] not authorized for user role.");
        assert_eq!((answer.status, answer.reason.as_deref()), (403, Some(words.as_str())));
        let text = format!("<response status = 'error' code = '403'><result><msg>{words}</msg></result></response>");
        assert_eq!(answer.text(), text);
    }
    // A superuser may ask for everything, but reports are not modelled.
    assert!(story.ask("admin", &[("type", "report")]).contains("Illegal value for parameter \"type\" [report]."));
}

#[test]
fn a_superreader_looks_and_does_not_touch() {
    let mut story = Story::new();
    story.firewall.set_role("alice", Role::Superreader);
    let unauthorized = r#"<response status="unauth" code="16"><msg><line>Unauthorized request</line></msg></response>"#;
    assert_eq!(story.set("alice", &rule("i-1"), &allow("any", "ssh")), unauthorized);
    assert_eq!(story.commit("alice", "<commit/>"), unauthorized);
    assert_eq!(story.op("alice", "<revert><config/></revert>"), unauthorized);
    assert_eq!(story.ask("alice", &[("type", "user-id"), ("cmd", "<uid-message/>")]), unauthorized);
    assert!(story.op("alice", "<show><clock/></show>").contains("success"));
    assert!(story.op("alice", "<check><pending-changes/></check>").contains("<result>no</result>"));
    assert!(story.ask("alice", &[("type", "config"), ("action", "get"), ("xpath", &rules())]).contains("web in"));
}

#[test]
fn every_request_type_is_a_right_of_its_own() {
    let mut story = Story::new();
    story.firewall.set_role("alice", Role::Custom([Right::Export].into()));
    let export = story.answer("alice", &[("type", "export"), ("category", "configuration")]);
    assert_eq!(export.attachment.as_deref(), Some("running-config.xml"));
    assert!(export.text().starts_with("<?xml version=\"1.0\"?>\n<config "));
    assert_eq!(story.answer("alice", &[("type", "user-id"), ("cmd", "<uid-message/>")]).status, 403);
    let unknown = story.ask("alice", &[("type", "export"), ("category", "core-file")]);
    assert!(unknown.contains("Illegal value for parameter \"category\" [core-file]."), "{unknown}");
    let missing = story.ask("alice", &[("type", "export")]);
    assert!(missing.contains("Missing value for parameter \"category\"."), "{missing}");
}

#[test]
fn old_releases_deny_in_other_words_and_without_http() {
    let mut story = Story::new();
    story.firewall.settings.denial = Denial::Told;
    let denied = keygen(&mut story, "alice", "wrong");
    assert_eq!(denied.status, 200);
    assert_eq!(
        denied.text(),
        "<response status = 'error' code = '403'><result><msg>Invalid credentials.</msg></result></response>"
    );
}
