use super::*;
use crate::firewall::{Ha, MultiConfig};

fn refused(answer: &str, code: u16, line: &str) {
    assert!(answer.starts_with(&format!(r#"<response status="error" code="{code}"><msg>"#)), "{answer}");
    assert!(answer.contains(&format!("<line>{line}</line>")), "{answer}\nlacks {line}");
}

#[test]
fn set_merges_and_new_rules_stand_at_the_end_with_a_uuid() {
    let mut story = Story::new();
    assert_eq!(story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh")), SUCCEEDED);
    assert_eq!(story.candidate_rules().last().unwrap(), "i-1");
    assert!(story.get(&rule("i-1")).contains("uuid="));
    let more = "<destination><member>10.0.0.6</member><member>10.0.0.5</member></destination><action>deny</action>";
    assert_eq!(story.set("fwsync", &rule("i-1"), more), SUCCEEDED);
    let merged = story.get(&rule("i-1"));
    assert_eq!(merged.matches(">10.0.0.5<").count(), 1);
    assert!(merged.contains(">10.0.0.6<") && merged.contains(">deny<") && !merged.contains(">allow<"), "{merged}");
    assert!(story.show(&rule("i-1")).contains("No such node"));
}

#[test]
fn edit_replaces_whole_and_keeps_uuid_and_position() {
    let mut story = Story::new();
    let uuid = |text: String| text.split("uuid=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let before = uuid(story.get(&rule("web out")));
    let entry = format!("<entry name=\"web out\" uuid=\"forged\">{}</entry>", allow("10.0.0.5", "ssh"));
    assert_eq!(story.edit("fwsync", &rule("web out"), &entry), SUCCEEDED);
    assert_eq!(uuid(story.get(&rule("web out"))), before);
    assert_eq!(story.candidate_rules()[1], "web out");
    assert!(!story.get(&rule("web out")).contains("web-browsing"));

    assert_eq!(story.edit("fwsync", &rule("new"), &entry.replace("web out", "new")), SUCCEEDED);
    assert_eq!(story.candidate_rules().last().unwrap(), "new");
    assert_ne!(uuid(story.get(&rule("new"))), before);
    refused(&story.edit("fwsync", &rule("other"), &entry), 12, "Edit breaks config validity");
}

#[test]
fn every_write_is_checked_and_a_refused_one_leaves_nothing() {
    let mut story = Story::new();
    let service = |name: &str| format!("{VSYS}/service/entry[@name='{name}']");
    let port = |port: &str| format!("<protocol><tcp><port>{port}</port></tcp></protocol>");

    let rdp = story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "rdp"));
    refused(&rdp, 12, " i-1 -&gt; application 'rdp' is not a valid reference");
    refused(&rdp, 12, " i-1 -&gt; application is invalid");
    let zone = allow("10.0.0.5", "ssh").replace("untrust", "internet");
    refused(&story.set("fwsync", &rule("i-1"), &zone), 12, " i-1 -&gt; from 'internet' is not a valid reference");
    let address = story.set("fwsync", &rule("i-1"), &allow("10.0.0.300", "ssh"));
    refused(&address, 12, " i-1 -&gt; destination '10.0.0.300' is not a valid reference");
    let tag = story.set("fwsync", &rule("i-1"), "<tag><member>nobody</member></tag>");
    refused(&tag, 12, " i-1 -&gt; tag 'nobody' is not a valid reference");
    refused(&story.set("fwsync", &rule("i-1"), "<colour>red</colour>"), 12, " i-1 -&gt; colour unexpected here");
    refused(&story.set("fwsync", &rule("bad name!"), &allow("any", "ssh")), 12, " bad name! is invalid");
    let long = "x".repeat(64);
    let too_long = format!(" {long} can be at most 63 characters, but current length: 64");
    refused(&story.set("fwsync", &rule(&long), &allow("any", "ssh")), 12, &too_long);
    let mixed = story.set("fwsync", &rule("Clean up"), "<source><member>10.0.0.1</member></source>");
    refused(&mixed, 12, " Clean up -&gt; source 'any' must be the only member");
    let twice = "<source><member>10.0.0.1</member><member>10.0.0.1</member></source>";
    refused(&story.set("fwsync", &rule("i-1"), twice), 12, " i-1 -&gt; source -&gt; 10.0.0.1 is a duplicate node");
    let range = " svc-x -&gt; protocol -&gt; tcp -&gt; port 70000 should be equal to or between 1 and 65535";
    refused(&story.set("fwsync", &service("svc-x"), &port("70000")), 12, range);
    assert!(story.set("fwsync", &service("svc-x"), &port("9-8")).contains(r#"code="12""#));
    assert!(story.set("fwsync", &service("svc-x"), "<protocol/><broken").contains(r#"code="18""#));
    refused(
        &story.set("fwsync", &rule("i-1").replace("vsys1", "vsys9"), &allow("any", "ssh")),
        7,
        "Object doesn't exist",
    );

    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("<result>no</result>"));
    assert_eq!(story.candidate_rules().len(), 4);
}

#[test]
fn of_two_protocols_the_later_stays() {
    let mut story = Story::new();
    let service = format!("{VSYS}/service/entry[@name='svc']");
    story.set("fwsync", &service, "<protocol><tcp><port>8443</port></tcp></protocol>");
    assert_eq!(story.set("fwsync", &service, "<protocol><udp><port>500,5000-5010</port></udp></protocol>"), SUCCEEDED);
    let answer = story.get(&service);
    assert!(answer.contains("<udp ") && !answer.contains("<tcp "), "{answer}");
}

#[test]
fn what_is_referred_to_cannot_be_deleted() {
    let mut story = Story::new();
    let service = format!("{VSYS}/service/entry[@name='tcp_81']");
    let answer = story.delete("fwsync", &service);
    refused(&answer, 10, "  tcp_81 cannot be deleted because of references from:");
    refused(&answer, 10, " vsys -&gt; vsys1 -&gt; rulebase -&gt; security -&gt; rules -&gt; web in -&gt; service");
    assert_eq!(story.delete("fwsync", &rule("web in")), SUCCEEDED);
    assert_eq!(story.delete("fwsync", &service), SUCCEEDED);
    assert_eq!(
        story.delete("fwsync", &service),
        r#"<response status="success" code="7"><msg>Object doesn't exist</msg></response>"#
    );
}

#[test]
fn several_entries_go_by_one_predicate() {
    let mut story = Story::new();
    let both = format!("{}/entry[@name='web in' or @name='web out']", rules());
    assert_eq!(story.delete("fwsync", &both), SUCCEEDED);
    assert_eq!(story.candidate_rules(), ["no clear text", "Clean up"]);
    let member = format!("{}/application/member[text()='ftp']", rule("no clear text"));
    assert_eq!(story.delete("fwsync", &member), SUCCEEDED);
    assert!(!story.get(&rule("no clear text")).contains("ftp"));
}

#[test]
fn moves_put_a_rule_next_to_a_sibling() {
    let mut story = Story::new();
    let web_out = rule("web out");
    let mut moved = |place: &[(&str, &str)]| {
        let parameters = [&[("type", "config"), ("action", "move"), ("xpath", &web_out)], place].concat();
        (story.ask("fwsync", &parameters), story.candidate_rules().iter().position(|name| name == "web out"))
    };
    assert_eq!(moved(&[("where", "before"), ("dst", "Clean up")]), (SUCCEEDED.into(), Some(2)));
    assert_eq!(moved(&[("where", "after"), ("dst", &rule("Clean up"))]), (SUCCEEDED.into(), Some(3)));
    refused(&moved(&[("where", "bottom")]).0, 14, "already at the bottom");
    assert_eq!(moved(&[("where", "top"), ("dst", "top")]), (SUCCEEDED.into(), Some(0)));
    refused(&moved(&[("where", "top")]).0, 14, "already at the top");
    refused(&moved(&[("where", "before")]).0, 7, "no target specified in move");
    refused(&moved(&[("where", "before"), ("dst", "nobody")]).0, 7, "Object doesn't exist");
}

#[test]
fn renamed_objects_take_their_references_along() {
    let mut story = Story::new();
    let service = format!("{VSYS}/service/entry[@name='tcp_81']");
    let rename = |name| [("type", "config"), ("action", "rename"), ("xpath", &*service), ("newname", name)];
    refused(&story.ask("fwsync", &rename("tcp_80")), 8, " 'tcp_80' is already in use");
    assert_eq!(story.ask("fwsync", &rename("tcp_eighty-one")), SUCCEEDED);
    assert!(story.get(&rule("web in")).contains(">tcp_eighty-one<"));
    story.commit_own("fwsync");
    let running = story.show(VSYS);
    assert!(running.contains(">tcp_eighty-one<") && !running.contains("tcp_81"), "{running}");
}

#[test]
fn a_clone_is_a_rule_of_its_own() {
    let mut story = Story::new();
    let clone = [("type", "config"), ("action", "clone"), ("from", &rule("web in")), ("newname", "copy")];
    assert_eq!(story.ask("fwsync", &[&clone[..], &[("xpath", &rules())]].concat()), SUCCEEDED);
    let [copy, original] = [rule("copy"), rule("web in")].map(|xpath| story.get(&xpath));
    assert!(copy.contains(">tcp_8000<"));
    assert_ne!(copy.split("uuid=").nth(1).unwrap()[..38], original.split("uuid=").nth(1).unwrap()[..38]);
}

#[test]
fn a_transaction_answers_for_each_item() {
    let mut story = Story::new();
    let items = format!(
        "<set id='svc' xpath=\"{VSYS}/service/entry[@name='tcp_8443']\"><protocol><tcp><port>8443</port></tcp></protocol></set>\
         <edit id='rule' xpath=\"{}\"><entry name='i-1'>{}</entry></edit>\
         <move id='place' xpath=\"{}\" where='before' dst='Clean up'/>\
         <delete id='old' xpath=\"{}\"/>",
        rule("i-1"),
        allow("10.0.0.5", "any").replace("application-default", "tcp_8443"),
        rule("i-1"),
        rule("nobody")
    );
    let ok =
        |id: &str| format!(r#"<response status="success" code="20" id="{id}"><msg>command succeeded</msg></response>"#);
    let absent = r#"<response status="success" code="7"><msg>Object doesn't exist</msg></response>"#;
    assert_eq!(
        story.multi_config("fwsync", &items).replace("><msg>command succeeded</msg></response>", "…"),
        format!(
            r#"<response status="success" code="20">{}{}{}{absent}</response>"#,
            ok("svc"),
            ok("rule"),
            ok("place")
        )
        .replace("><msg>command succeeded</msg></response>", "…")
    );
    assert_eq!(story.candidate_rules(), ["web in", "web out", "no clear text", "i-1", "Clean up"]);
}

#[test]
fn a_transaction_that_fails_applies_nothing() {
    let mut story = Story::new();
    let items = format!(
        "<set id='1' xpath=\"{}\">{}</set><set id='2' xpath=\"{}\">{}</set><delete xpath=\"{}\"/>",
        rule("i-1"),
        allow("10.0.0.5", "ssh"),
        rule("i-2"),
        allow("10.0.0.5", "rdp"),
        rule("Clean up")
    );
    let answer = story.multi_config("fwsync", &items);
    assert!(answer.starts_with(r#"<response status="error" code="13"><response status="success" code="20" id="1">"#));
    assert!(answer.contains(r#"<response status="error" code="12" id="2"><msg><line> i-2 -&gt; application 'rdp'"#));
    assert_eq!(answer.matches("<response").count(), 3);
    assert_eq!(story.candidate_rules().len(), 4);
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
}

#[test]
fn strict_transactions_drop_the_callers_leftovers_first() {
    let mut story = Story::new();
    story.set("fwsync", &rule("left over"), &allow("10.0.0.5", "ssh"));
    story.set("alice", &rule("half done"), &allow("10.0.0.5", "ssh"));
    let element = format!("<multi-config><set xpath=\"{}\"><nonsense/></set></multi-config>", rule("i-1"));
    let strict = [("strict-transactional", "yes"), ("element", &*element)];
    let parameters = [&[("type", "config"), ("action", "multi-config")], &strict[..]].concat();
    assert!(story.ask("fwsync", &parameters).starts_with(r#"<response status="error" code="13">"#));
    assert_eq!(story.candidate_rules().last().unwrap(), "half done");
    assert_eq!(story.candidate_rules().len(), 5);
    story.commit("alice", "<commit/>");
    assert!(story.ask("fwsync", &parameters).contains("A commit is pending. Please try again later."));
}

#[test]
fn without_multi_config_the_action_is_unknown() {
    let mut story = Story::new();
    story.firewall.settings.multi_config = MultiConfig::Off;
    assert!(story.multi_config("fwsync", "").contains("Illegal value for parameter \"action\" [multi-config]."));
}

#[test]
fn a_passive_unit_is_not_written_to() {
    let mut story = Story::new();
    story.firewall.settings.ha = Ha::pair("passive");
    refused(&story.set("fwsync", &rule("i-1"), &allow("any", "ssh")), 15, "Operation denied");
    story.firewall.settings.ha = Ha::pair("active");
    assert_eq!(story.set("fwsync", &rule("i-1"), &allow("any", "ssh")), SUCCEEDED);
}

#[test]
fn set_up_that_could_not_run_is_refused() {
    let mut firewall = Firewall::new();
    let error = firewall.load(&rules(), "<entry name='x'><action>allow</action></entry>").unwrap_err().to_string();
    assert!(error.contains("is missing 'from'"), "{error}");
    assert!(firewall.load("nowhere", "<x/>").is_err());
    assert!(firewall.load(&rules(), "<x").is_err());
    assert!(firewall.load(&rule("x"), &allow("any", "rdp")).is_err());
    assert!(firewall.candidate() == firewall.running());
}

#[test]
fn the_only_entry_of_a_collection_need_not_be_named() {
    let mut story = Story::new();
    let address = "/config/devices/entry/vsys/entry[@name='vsys1']/address/entry[@name='a']";
    assert_eq!(story.set("fwsync", address, "<ip-netmask>10.0.0.1</ip-netmask>"), SUCCEEDED);
    assert!(story.get(&format!("{VSYS}/address/entry[@name='a']")).contains("10.0.0.1"));
    let several = story.set("fwsync", &format!("{}/entry/tag", rules()), "<member>x</member>");
    assert_eq!(several, r#"<response status="error" code="8"><msg><line>Object not unique</line></msg></response>"#);
}
