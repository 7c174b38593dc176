use super::*;
use crate::firewall::Request;

#[test]
fn get_holds_what_the_path_selects_and_counts_it() {
    let mut story = Story::new();
    let names = story.get(&format!("{}/entry/@name", rules()));
    assert_eq!(
        names,
        r#"<response status="success" code="19"><result total-count="4" count="4"><entry name="web in"/><entry name="web out"/><entry name="no clear text"/><entry name="Clean up"/></result></response>"#
    );
    assert!(story.get(&rules()).contains(r#"<result total-count="1" count="1"><rules><entry name="web in" uuid=""#));
    assert!(story.get(&rule("Clean up")).contains(r#"count="1"><entry name="Clean up""#));
}

#[test]
fn nothing_there_is_told_differently_by_get_and_show() {
    let mut story = Story::new();
    assert_eq!(story.get(&rule("nobody")), r#"<response status="success" code="7"><result/></response>"#);
    assert_eq!(
        story.show(&rule("nobody")),
        r#"<response status="error"><msg><line>No such node</line></msg></response>"#
    );
    assert_eq!(
        story.show(&format!("{}/action", rule("Clean up"))),
        r#"<response status="success"><result><action>deny</action></result></response>"#
    );
}

#[test]
fn an_empty_container_is_something() {
    let mut firewall = Firewall::new();
    let parameters = [("type", "config"), ("action", "get"), ("xpath", &rules())];
    assert_eq!(
        firewall.as_admin("admin", &parameters, Moment::default()).text(),
        r#"<response status="success" code="19"><result total-count="1" count="1"><rules/></result></response>"#
    );
}

#[test]
fn get_shows_marks_on_every_touched_element_and_show_none() {
    let mut story = Story::new();
    story.set("alice", &rule("Clean up"), "<tag/><description>mine</description>");
    let marked = r#"admin="alice" dirtyId="1" time="2026/11/02 08:00:00""#;
    let candidate = story.get(&rule("Clean up"));
    assert!(candidate.contains(&format!("<description {marked}>mine</description>")), "{candidate}");
    assert!(candidate.contains("<action>deny</action>"), "{candidate}");
    assert!(story.get(&rules()).contains(&format!("<rules {marked}>")));
    assert!(!story.show(&rules()).contains("dirtyId"));
    story.commit_own("alice");
    assert!(!story.get(&rules()).contains("dirtyId"));
    assert!(story.show(&rule("Clean up")).contains("<description>mine</description>"));
}

#[test]
fn predefined_objects_are_read_like_others_and_cannot_be_written() {
    let mut story = Story::new();
    let ssh = "/config/predefined/application/entry[@name='ssh']";
    assert!(story.get(ssh).contains("<member>tcp/22</member>"));
    assert!(story.get("/config/predefined/service/entry").contains(r#"total-count="2""#));
    assert!(story.set("fwsync", ssh, "<default/>").contains(r#"code="15""#));
}

#[test]
fn all_of_the_running_configuration_is_shown_to_whoever_names_no_part() {
    let mut story = Story::new();
    let shown = story.ask("fwsync", &[("type", "config"), ("action", "show")]);
    assert!(shown.starts_with(r#"<response status="success"><result><config version="10.2.0""#), "{shown}");
}

#[test]
fn what_stands_below_a_place_is_completed() {
    let mut story = Story::new();
    let xpath = "/config/devices/entry[@name='localhost.localdomain']/vsys";
    assert_eq!(
        story.ask("fwsync", &[("type", "config"), ("action", "complete"), ("xpath", xpath)]),
        "<response status=\"success\" code=\"19\"><completions><completion value=\"vsys1\" \
         vxpath=\"/config/devices/entry[@name=&apos;localhost.localdomain&apos;]/vsys/entry[@name=&apos;vsys1&apos;]\" \
         current=\"yes\" help-string=\"vsys1\"/></completions></response>"
    );
}

#[test]
fn bad_requests_are_refused_in_their_own_shapes() {
    let mut story = Story::new();
    assert_eq!(
        story.get("/config/entry[1]"),
        r#"<response status="error" code="6"><msg><line>Bad XPath</line></msg></response>"#
    );
    assert_eq!(
        story.ask("fwsync", &[("type", "palindrome")]),
        "<response status = 'error' code = '400'><result><msg>Illegal value for parameter \"type\" [palindrome].</msg></result></response>"
    );
    assert!(story.ask("fwsync", &[("type", "config"), ("action", "get")]).contains("code = '400'"));
    assert!(story.ask("fwsync", &[("type", "config"), ("action", "dance"), ("xpath", "/config")]).contains("[dance]"));
}

#[test]
fn keys_open_and_revoked_keys_do_not() {
    let mut story = Story::new();
    let key = story.firewall.key_of("fwsync").unwrap();
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'='), "{key}");
    let parameters = [("type", "op"), ("cmd", "<show><clock/></show>")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let request = Request { parameters: parameters.into(), key: Some(key), basic: None };
    assert_eq!(story.firewall.request(&request, story.now).status, 200);
    story.firewall.expire_keys();
    let answer = story.firewall.request(&request, story.now);
    assert_eq!(answer, Answer::invalid_credentials());
    assert_eq!(answer.status, 403);
}
