use super::*;
use crate::firewall::Ha;

#[test]
fn the_system_tells_what_every_client_asks_first() {
    let mut story = Story::new();
    story.firewall.settings.version = "11.1.4-h7".into();
    story.pass(3661);
    let info = story.op("fwsync", "<show><system><info></info></system></show>");
    for part in [
        "<sw-version>11.1.4-h7</sw-version>",
        "<time>Mon Nov  2 09:01:01 2026</time>",
        "<uptime>0 days, 1:01:01</uptime>",
        "<multi-vsys>off</multi-vsys>",
        "<model>PA-VM</model>",
    ] {
        assert!(info.contains(part), "{info}\nlacks {part}");
    }
    assert!(story.op("fwsync", "<show><clock/></show>").contains("<result>Mon Nov  2 09:01:01 UTC 2026</result>"));
    let admins = story.op("fwsync", "<show><admins/></show>");
    let own = admins.split("<entry>").find(|entry| entry.contains("<self>")).unwrap();
    assert!(own.contains("<admin>fwsync</admin>") && admins.matches("<self>").count() == 1, "{admins}");
    assert!(story.ask("fwsync", &[("type", "version")]).contains("<sw-version>11.1.4-h7</sw-version>"));
}

#[test]
fn several_virtual_systems_are_told_and_keep_their_tags_apart() {
    let mut story = Story::new();
    let two = "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys2']";
    story.firewall.load(two.rsplit_once('/').unwrap().0, "<entry name='vsys2'/>").unwrap();
    let info = story.op("fwsync", "<show><system><info/></system></show>");
    assert!(info.contains("<multi-vsys>on</multi-vsys>"), "{info}");
    let register = "<uid-message><type>update</type><payload><register><entry ip='10.0.0.1'><tag><member>x</member></tag></entry>\
                    </register></payload></uid-message>";
    story.ask("fwsync", &[("type", "user-id"), ("cmd", register), ("vsys", "vsys2")]);
    let show = ("cmd", "<show><object><registered-ip><all/></registered-ip></object></show>");
    assert!(story.ask("fwsync", &[("type", "op"), show]).contains("<count>0</count>"));
    assert!(story.ask("fwsync", &[("type", "op"), show, ("vsys", "vsys2")]).contains("<count>1</count>"));
}

#[test]
fn a_pair_tells_its_state() {
    let mut story = Story::new();
    let state = "<show><high-availability><state></state></high-availability></show>";
    assert_eq!(
        story.op("fwsync", state),
        r#"<response status="success"><result><enabled>no</enabled></result></response>"#
    );
    story.firewall.settings.ha = Ha::pair("passive");
    assert!(story.op("fwsync", state).contains("<local-info><state>passive</state>"));
}

#[test]
fn unknown_commands_are_never_done() {
    let mut story = Story::new();
    let mut invalid = |command: &str| story.op("fwsync", command);
    assert_eq!(
        invalid("<show><sistem><info/></sistem></show>"),
        r#"<response status="error" code="17"><msg><line> show -&gt; sistem is invalid</line></msg></response>"#
    );
    assert!(invalid("<show/>").contains(" show is invalid"));
    assert!(invalid("<dance/>").contains(" dance is invalid"));
    assert!(invalid("<show><jobs").contains(r#"code="18""#));
    assert!(invalid("<show><jobs><id>x</id></jobs></show>").contains("job x not found"));
    assert!(story.commit("fwsync", "<commit><everything/></commit>").contains(" commit -&gt; everything is invalid"));
}

#[test]
fn changes_are_listed_by_place_and_owner() {
    let mut story = Story::new();
    let list = "<show><config><list><changes></changes></list></config></show>";
    assert_eq!(story.op("fwsync", list), r#"<response status="success"><result/></response>"#);
    story.set("alice", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.delete("fwsync", &rule("i-1"));
    assert_eq!(
        story.op("fwsync", list),
        format!(
            "<response status=\"success\"><result><journal><entry><xpath>{}</xpath><owner>fwsync</owner><action> DELETE</action>\
             <admin-history>alice,fwsync</admin-history><component-type>policy-and-objects</component-type></entry></journal></result></response>",
            rule("i-1")
        )
    );
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("<result>yes</result>"));
}

#[test]
fn audit_comments_are_kept_by_place() {
    let mut story = Story::new();
    let set = |comment: &str| {
        let xpath = rule("web in");
        format!("<set><audit-comment><xpath>{xpath}</xpath><comment>{comment}</comment></audit-comment></set>")
    };
    assert!(story.op("fwsync", &set("why")).contains("success"));
    let list = format!(
        "<show><config><list><audit-comments><xpath>{}</xpath></audit-comments></list></config></show>",
        rule("web in")
    );
    assert!(story.op("fwsync", &list).contains("<comment>why</comment>"));
    assert!(story.op("fwsync", &set(&"x".repeat(257))).contains("can be at most 256 characters"));
}

/// The rules that a packet from outside to `destination` meets, in the running policy.
fn met(story: &mut Story, destination: &str, protocol_port: (u8, u16), more: &str) -> Vec<String> {
    let (protocol, port) = protocol_port;
    let answer = story.op(
        "fwsync",
        &format!(
            "<test><security-policy-match><source>198.51.100.7</source><destination>{destination}</destination><protocol>{protocol}</protocol>\
             <destination-port>{port}</destination-port><from>untrust</from><to>trust</to>{more}</security-policy-match></test>"
        ),
    );
    answer.split("<entry name=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn the_policy_test_finds_the_first_match_of_what_runs() {
    let mut story = Story::new();
    let all = "<show-all>yes</show-all>";
    assert_eq!(met(&mut story, "10.0.0.5", (6, 80), ""), ["web in"]);
    assert_eq!(met(&mut story, "10.0.0.5", (6, 80), all), ["web in", "Clean up"]);
    assert_eq!(met(&mut story, "10.0.0.5", (6, 22), ""), ["Clean up"]);
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.0-10.0.0.9", "ssh"));
    story.move_before("fwsync", &rule("i-1"), "Clean up");
    assert_eq!(met(&mut story, "10.0.0.5", (6, 22), ""), ["Clean up"]);
    story.commit_own("fwsync");
    assert_eq!(met(&mut story, "10.0.0.5", (6, 22), ""), ["i-1"]);
    assert_eq!(met(&mut story, "10.0.0.5", (6, 22), "<application>ssl</application>"), ["Clean up"]);
    assert_eq!(met(&mut story, "10.0.0.5", (6, 23), ""), ["no clear text"]);
    assert_eq!(met(&mut story, "10.0.0.10", (6, 22), ""), ["Clean up"]);
}

#[test]
fn the_policy_test_resolves_groups_and_honours_negation_and_disabling() {
    let mut story = Story::new();
    let address = |name: &str, ip: &str| format!("<entry name='{name}'><ip-netmask>{ip}</ip-netmask></entry>");
    let addresses = address("web-1", "10.0.0.5/32") + &address("web-2", "10.0.1.0/24");
    story.firewall.load(&format!("{VSYS}/address"), &addresses).unwrap();
    let group = "<entry name='web'><static><member>web-1</member><member>web-2</member></static></entry>";
    story.firewall.load(&format!("{VSYS}/address-group"), group).unwrap();
    story.firewall.load(&rule("group"), &allow("web", "ms-rdp")).unwrap();
    story.move_before("fwsync", &rule("group"), "web in");
    story.commit_own("fwsync");
    assert_eq!(met(&mut story, "10.0.1.77", (6, 3389), ""), ["group"]);
    assert_eq!(met(&mut story, "10.0.2.77", (6, 3389), ""), ["Clean up"]);
    story.set("fwsync", &rule("group"), "<negate-destination>yes</negate-destination>");
    story.commit_own("fwsync");
    assert_eq!(met(&mut story, "10.0.2.77", (17, 3389), ""), ["group"]);
    assert_eq!(met(&mut story, "10.0.1.77", (6, 3389), ""), ["Clean up"]);
    story.set("fwsync", &rule("group"), "<disabled>yes</disabled>");
    story.commit_own("fwsync");
    assert_eq!(met(&mut story, "10.0.2.77", (6, 3389), ""), ["Clean up"]);
}

#[test]
fn the_policy_test_answers_in_the_structure_of_the_device() {
    let mut story = Story::new();
    let answer = story.op(
        "fwsync",
        "<test><security-policy-match><source>10.0.0.1</source><destination>198.51.100.7</destination><protocol>6</protocol>\
         <destination-port>443</destination-port><from>trust</from><to>untrust</to></security-policy-match></test>",
    );
    assert!(answer.starts_with(
        "<response status=\"success\"><result><rules><entry name=\"web out\"><index>2</index><from>trust</from>"
    ));
    assert!(answer.contains("<application_service>0:web-browsing/application-default 1:ssl/application-default</application_service><action>allow</action>"));
    let incomplete =
        story.op("fwsync", "<test><security-policy-match><source>10.0.0.1</source></security-policy-match></test>");
    assert!(incomplete.contains("security-policy-match is missing"), "{incomplete}");
}

#[test]
fn the_name_of_the_device_is_that_which_runs() {
    let mut story = Story::new();
    let system = "/config/devices/entry[@name='localhost.localdomain']/deviceconfig/system";
    story.set("fwsync", system, "<hostname>fw-two</hostname>");
    assert!(story.op("fwsync", "<show><system><info/></system></show>").contains("<hostname>fw1</hostname>"));
    story.commit_own("fwsync");
    assert!(story.op("fwsync", "<show><system><info/></system></show>").contains("<hostname>fw-two</hostname>"));
}

#[test]
fn what_a_command_is_asked_beyond_what_it_knows_is_not_answered_with_everything() {
    let mut story = Story::new();
    story.set("alice", &rule("i-1"), &allow("any", "ssh"));
    for (command, words) in [
        ("<show><system><info><x/></info></system></show>", "show -&gt; system -&gt; info -&gt; x is invalid"),
        ("<revert><config><partail/></config></revert>", "revert -&gt; config -&gt; partail is invalid"),
        ("<revert><config><partial><who/></partial></config></revert>", "config -&gt; partial -&gt; who is invalid"),
        ("<validate><full><x/></full></validate>", "validate -&gt; full -&gt; x is invalid"),
        ("<show><config><list><changes><mine/></changes></list></config></show>", "changes -&gt; mine is invalid"),
    ] {
        let refused = story.op("fwsync", command);
        assert!(refused.contains(r#"code="17""#) && refused.contains(words), "{refused}");
    }
    assert!(story.candidate_rules().contains(&"i-1".to_owned()));
}

#[test]
fn changes_are_listed_for_those_who_are_asked_about() {
    let mut story = Story::new();
    story.set("alice", &rule("i-1"), &allow("any", "ssh"));
    story.set("fwsync", &rule("i-2"), &allow("any", "ssh"));
    let list = |partial: &str| format!("<show><config><list><changes>{partial}</changes></list></config></show>");
    let all = story.op("fwsync", &list(""));
    assert_eq!(all.matches("<entry>").count(), 2, "{all}");
    let one = story.op("fwsync", &list("<partial><admin><member>alice</member></admin></partial>"));
    assert!(one.contains("<owner>alice</owner>") && one.matches("<entry>").count() == 1, "{one}");
}
