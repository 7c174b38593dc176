use super::*;

#[test]
fn addresses_have_the_form_of_their_kind() {
    let mut story = Story::new();
    let mut set = |kind: &str, text: &str| {
        story.set("fwsync", &format!("{VSYS}/address/entry[@name='a']"), &format!("<{kind}>{text}</{kind}>"))
    };
    for (kind, text) in [("ip-netmask", "10.0.0.0/8"), ("ip-netmask", "2001:db8::1"), ("ip-range", "10.0.0.1-10.0.0.9")]
    {
        assert_eq!(set(kind, text), SUCCEEDED, "{kind} {text}");
    }
    for (kind, text) in [("ip-netmask", "10.0.0.256"), ("ip-netmask", "10.0.0.1-10.0.0.2"), ("ip-range", "10.0.0.1")] {
        let refused = set(kind, text);
        assert!(refused.contains(&format!("a -&gt; {kind} '{text}' is not a valid address")), "{refused}");
    }
}

#[test]
fn profiles_are_looked_up_in_rules_and_groups() {
    let mut story = Story::new();
    let profiles =
        |name: &str| format!("<virus><member>{name}</member></virus><spyware><member>strict</member></spyware>");
    let group = format!("{VSYS}/profile-group/entry[@name='g']");
    assert_eq!(story.set("fwsync", &group, &profiles("default")), SUCCEEDED);
    let refused = story.set("fwsync", &group, &profiles("mine"));
    assert!(refused.contains("g -&gt; virus 'mine' is not a valid reference"), "{refused}");
    story.set("fwsync", "/config/shared/profiles/virus/entry[@name='mine']", "<description>d</description>");
    assert_eq!(story.edit("fwsync", &group, &format!("<entry name='g'>{}</entry>", profiles("mine"))), SUCCEEDED);
    let setting = format!("<profile-setting><profiles>{}</profiles></profile-setting>", profiles("mine"));
    assert_eq!(story.set("fwsync", &rule("web in"), &setting), SUCCEEDED);
    let used = story.delete("fwsync", "/config/shared/profiles/virus/entry[@name='mine']");
    assert!(used.contains(r#"code="10""#) && used.contains("profile-group -&gt; g -&gt; virus"), "{used}");
}

#[test]
fn a_zone_is_of_one_kind() {
    let mut story = Story::new();
    let zone = format!("{VSYS}/zone/entry[@name='trust']");
    assert_eq!(story.set("fwsync", &zone, "<network><tap><member>ethernet1/9</member></tap></network>"), SUCCEEDED);
    let shown = story.get(&zone);
    assert!(shown.contains("ethernet1/9") && !shown.contains("layer3"), "{shown}");
}

#[test]
fn only_default_rules_can_be_overridden() {
    let mut story = Story::new();
    let mut override_at = |xpath: &str| {
        let element = ("element", "<log-end>yes</log-end>");
        story.ask("fwsync", &[("type", "config"), ("action", "override"), ("xpath", xpath), element])
    };
    let default = format!("{VSYS}/rulebase/default-security-rules/rules/entry[@name='interzone-default']");
    assert_eq!(override_at(&default), SUCCEEDED);
    let refused = override_at(&rule("web in"));
    assert!(refused.contains(r#"status="error" code="14""#), "{refused}");
    assert!(story.get(&default).contains("log-end"));
}

#[test]
fn a_comment_comes_with_a_write_or_keeps_it_from_happening() {
    let mut story = Story::new();
    let mut set = |name: &str, comment: &str| {
        let (xpath, element) = (rule(name), allow("any", "ssh"));
        let write = [("type", "config"), ("action", "set"), ("xpath", &*xpath), ("element", &*element)];
        story.ask("fwsync", &[&write[..], &[("audit-comment", comment)]].concat())
    };
    assert_eq!(set("i-1", "because"), SUCCEEDED);
    assert!(set("i-2", &"x".repeat(257)).contains("can be at most 256 characters"));
    assert_eq!(story.candidate_rules().last().unwrap(), "i-1");
    let xpath = rule("i-1");
    let list =
        format!("<show><config><list><audit-comments><xpath>{xpath}</xpath></audit-comments></list></config></show>");
    assert!(story.op("fwsync", &list).contains("<comment>because</comment>"));
}
