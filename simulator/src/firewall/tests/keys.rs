use super::*;
use crate::firewall::{Denial, EarlierKeys, Request, Right, Role};

const API: &str = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/setting/management/api";

fn send(story: &mut Story, parameters: &[(&str, &str)]) -> Answer {
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    story.firewall.request(&Request { parameters, ..Request::default() }, story.now)
}

fn keygen(story: &mut Story, user: &str) -> String {
    let password = format!("{user}-password");
    let text = send(story, &[("type", "keygen"), ("user", user), ("password", &password)]).text();
    let (_, rest) = text.split_once("<key>").unwrap();
    rest.split_once("</key>").unwrap().0.to_owned()
}

fn opens(story: &mut Story, key: &str) -> bool {
    let answer = send(story, &[("type", "op"), ("cmd", "<show><clock/></show>"), ("key", key)]);
    answer.text().contains("status=\"success\"")
}

/// Makes keys live so many minutes from now on.
fn limit(story: &mut Story, minutes: u32) {
    assert_eq!(story.set("fwsync", API, &format!("<key><lifetime>{minutes}</lifetime></key>")), SUCCEEDED);
    story.commit_own("fwsync");
}

#[test]
fn without_a_lifetime_a_key_is_a_function_of_the_credentials() {
    let mut story = Story::new();
    let key = keygen(&mut story, "alice");
    story.pass(525_600 * 60);
    assert!(opens(&mut story, &key));
    assert_eq!(keygen(&mut story, "alice"), key);
    story.firewall.set_password("alice", "another");
    assert!(!opens(&mut story, &key));
    story.firewall.set_password("alice", "alice-password");
    assert!(opens(&mut story, &key));
}

#[test]
fn with_a_lifetime_every_key_is_another_one_and_expires() {
    let mut story = Story::new();
    limit(&mut story, 10);
    let first = keygen(&mut story, "alice");
    story.pass(599);
    assert!(opens(&mut story, &first));
    story.pass(1);
    assert!(!opens(&mut story, &first));
    let second = keygen(&mut story, "alice");
    assert_ne!(second, first);
    assert!(opens(&mut story, &second));
    story.firewall.set_password("alice", "another");
    assert!(!opens(&mut story, &second));
}

#[test]
fn a_new_key_ends_earlier_ones_where_the_device_has_it_so() {
    let mut story = Story::new();
    let lasting = keygen(&mut story, "alice");
    limit(&mut story, 10);
    let others = keygen(&mut story, "admin");
    let first = keygen(&mut story, "alice");
    let second = keygen(&mut story, "alice");
    let opened = [lasting, first.clone(), second, others].map(|key| opens(&mut story, &key));
    assert_eq!(opened, [false, false, true, true]);
    story.firewall.settings.earlier_keys = EarlierKeys::Kept;
    let third = keygen(&mut story, "alice");
    let fourth = keygen(&mut story, "alice");
    assert_eq!([first, third, fourth].map(|key| opens(&mut story, &key)), [false, true, true]);
}

#[test]
fn revocation_ends_all_keys_at_once() {
    let mut story = Story::new();
    let lasting = keygen(&mut story, "admin");
    limit(&mut story, 10);
    let expiring = keygen(&mut story, "alice");
    story.firewall.expire_keys();
    for key in [lasting, expiring] {
        assert!(!opens(&mut story, &key));
    }
    let key = keygen(&mut story, "alice");
    assert!(opens(&mut story, &key));
}

#[test]
fn a_lifetime_has_bounds() {
    let mut story = Story::new();
    let refused = story.set("fwsync", API, "<key><lifetime>525601</lifetime></key>");
    assert!(refused.contains("lifetime 525601 should be equal to or between 0 and 525600"), "{refused}");
    assert!(story.set("fwsync", API, "<key><lifetime>soon</lifetime></key>").contains("lifetime 'soon' is invalid"));
}

#[test]
fn a_missing_right_is_told_in_the_manner_of_the_release() {
    let mut story = Story::new();
    story.firewall.set_role("alice", Role::Custom([Right::Op].into()));
    let words = "Type [commit] not authorized for user role.";
    let commit = [("type", "commit"), ("cmd", "<commit/>")];
    let answer = story.answer("alice", &commit);
    assert_eq!((answer.status, answer.reason.as_deref()), (403, Some(words)));
    story.firewall.settings.denial = Denial::Told;
    let answer = story.answer("alice", &commit);
    assert_eq!((answer.status, answer.reason.as_deref()), (200, None));
    let text = format!("<response status = 'error' code = '403'><result><msg>{words}</msg></result></response>");
    assert_eq!(answer.text(), text);
}
