use super::*;
use crate::firewall::{AfterRestart, Ha};

fn send(story: &mut Story, payload: &str) -> String {
    let message =
        format!("<uid-message><version>1.0</version><type>update</type><payload>{payload}</payload></uid-message>");
    story.ask("fwsync", &[("type", "user-id"), ("cmd", &message)])
}

/// Gives an address tags; `attributes` are the entry's.
fn register(story: &mut Story, ip: &str, attributes: &str, members: &str) -> String {
    send(story, &format!("<register><entry ip='{ip}' {attributes}><tag>{members}</tag></entry></register>"))
}

fn registered(story: &mut Story, query: &str) -> String {
    story.op("fwsync", &format!("<show><object><registered-ip>{query}</registered-ip></object></show>"))
}

#[test]
fn tags_are_registered_without_a_commit() {
    let mut story = Story::new();
    assert_eq!(
        register(&mut story, "10.0.1.25", "persistent='1'", "<member>web</member><member>prod</member>"),
        "<response status=\"success\"><result><uid-response><version>2.0</version><payload><register/></payload></uid-response></result></response>"
    );
    assert_eq!(
        registered(&mut story, "<all/>"),
        "<response status=\"success\"><result><entry ip=\"10.0.1.25\" from_agent=\"0\" persistent=\"1\"><tag><member>web</member>\
         <member>prod</member></tag></entry><count>1</count></result></response>"
    );
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
}

#[test]
fn one_entry_that_is_wrong_keeps_no_other_from_taking_effect() {
    let mut story = Story::new();
    register(&mut story, "10.0.1.25", "", "<member>web</member>");
    assert_eq!(
        register(&mut story, "10.0.1.25", "", "<member>web</member><member>new</member>"),
        "<response status=\"error\"><msg><line><uid-response><version>2.0</version><payload><register>\
         <entry ip=\"10.0.1.25\" message=\"tag web already exists, ignore\"/></register></payload></uid-response></line></msg></response>"
    );
    assert!(registered(&mut story, "<all/>").contains("<member>new</member>"));
    let gone =
        "<unregister><entry ip='10.0.1.25'><tag><member>none</member><member>new</member></tag></entry></unregister>";
    assert!(send(&mut story, gone).contains("message=\"tag none does not exist, ignore unreg\""));
    assert!(!registered(&mut story, "<all/>").contains("<member>new</member>"));
    assert!(!send(&mut story, "<unregister><entry ip='10.0.1.25'/></unregister>").contains("message"));
    assert!(registered(&mut story, "<all/>").contains("<count>0</count>"));
    assert!(
        register(&mut story, "moon", "", "<member>web</member>").contains("message=\"moon is an invalid IP address\"")
    );
    assert!(send(&mut story, "<dance/>").contains(r#"code="12"><msg><line> dance unexpected here"#));
}

#[test]
fn an_address_has_no_more_than_32_tags() {
    let mut story = Story::new();
    let members: String = (0..33).map(|number| format!("<member>t{number}</member>")).collect();
    let told = register(&mut story, "10.0.1.25", "", &members);
    assert_eq!(told.matches("message=").count(), 1, "{told}");
    assert!(told.contains("tag t32 exceeds"), "{told}");
}

#[test]
fn what_is_registered_is_shown_filtered_counted_and_in_pages() {
    let mut story = Story::new();
    for number in 1..=7 {
        let tag = if number == 3 { "odd" } else { "web" };
        register(&mut story, &format!("10.0.0.{number}"), "", &format!("<member>{tag}</member>"));
    }
    assert!(registered(&mut story, "<all><option>count</option></all>").contains("<result><count>7</count></result>"));
    let page = registered(&mut story, "<limit>3</limit><start-point>4</start-point>");
    assert!(page.contains("10.0.0.4") && page.contains("10.0.0.6") && page.contains("<count>3</count>"), "{page}");
    assert!(registered(&mut story, "<limit>3</limit><start-point>8</start-point>").contains("<count>0</count>"));
    let odd = registered(&mut story, "<tag><entry name='odd'/></tag>");
    assert!(odd.contains("10.0.0.3") && odd.contains("<count>1</count>"), "{odd}");
    assert!(registered(&mut story, "<ip>10.0.0.5</ip>").contains("<count>1</count>"));
}

#[test]
fn subnets_are_taken_since_11_0() {
    let mut story = Story::new();
    assert!(register(&mut story, "10.0.0.0/24", "", "<member>web</member>").contains("invalid IP address"));
    story.firewall.settings.version = "11.0.2".into();
    assert!(!register(&mut story, "10.0.0.0/24", "", "<member>web</member>").contains("message"));
    assert!(registered(&mut story, "<all/>").contains("ip=\"10.0.0.0/24\""));
}

#[test]
fn tags_time_out_and_are_lost_or_kept_with_a_restart() {
    let mut story = Story::new();
    register(&mut story, "10.0.1.1", "persistent='0'", "<member>volatile</member>");
    register(&mut story, "10.0.1.2", "", "<member timeout='60'>short</member><member timeout='0'>long</member>");
    story.pass(59);
    assert!(registered(&mut story, "<all/>").contains("short"));
    let before = story.firewall.generation(story.now);
    story.pass(1);
    assert_ne!(story.firewall.generation(story.now), before);
    let left = registered(&mut story, "<all/>");
    assert!(!left.contains("short") && left.contains("long") && left.contains("volatile"), "{left}");
    story.firewall.restart(AfterRestart::CandidateKept, story.now);
    let left = registered(&mut story, "<all/>");
    assert!(left.contains("long") && !left.contains("volatile"), "{left}");
    assert!(register(&mut story, "10.0.1.3", "", "<member timeout='2592001'>x</member>").contains("invalid timeout"));
}

#[test]
fn dynamic_groups_follow_registrations_and_tagged_objects() {
    let mut story = Story::new();
    let group = "<entry name='g'><dynamic><filter>'web' and 'prod'</filter></dynamic></entry>";
    story.firewall.load(&format!("{VSYS}/tag"), "<entry name='web'/><entry name='prod'/>").unwrap();
    let object = "<entry name='fixed'><ip-netmask>10.0.1.30</ip-netmask><tag><member>web</member><member>prod</member></tag></entry>";
    story.firewall.load(&format!("{VSYS}/address"), object).unwrap();
    story.firewall.load(&format!("{VSYS}/address-group"), group).unwrap();
    story.set("fwsync", &rule("i-1"), &allow("g", "ssh"));
    story.move_before("fwsync", &rule("i-1"), "web in");
    story.commit_own("fwsync");
    let met = |story: &mut Story, destination: &str| {
        let packet = format!(
            "<test><security-policy-match><source>198.51.100.7</source><destination>{destination}</destination><protocol>6</protocol>\
             <destination-port>22</destination-port><from>untrust</from><to>trust</to></security-policy-match></test>"
        );
        story.op("fwsync", &packet).contains("<entry name=\"i-1\">")
    };
    assert!(met(&mut story, "10.0.1.30") && !met(&mut story, "10.0.1.25"));
    register(&mut story, "10.0.1.25", "", "<member>web</member>");
    assert!(!met(&mut story, "10.0.1.25"));
    register(&mut story, "10.0.1.25", "", "<member timeout='30'>prod</member>");
    assert!(met(&mut story, "10.0.1.25"));
    assert_eq!(
        story.op("fwsync", "<show><object><dynamic-address-group><all/></dynamic-address-group></object></show>"),
        "<response status=\"success\"><result><dyn-addr-grp><entry><vsys>vsys1</vsys><group-name>g</group-name>\
         <filter>'web' and 'prod'</filter><member-list><entry name=\"10.0.1.25\" type=\"registered-ip\"/>\
         <entry name=\"fixed\" type=\"address-object\"/></member-list></entry></dyn-addr-grp></result></response>"
    );
    story.pass(30);
    assert!(!met(&mut story, "10.0.1.25"));
}

#[test]
fn users_are_behind_addresses_for_a_while() {
    let mut story = Story::new();
    let show = "<show><user><ip-user-mapping><all/></ip-user-mapping></user></show>";
    send(
        &mut story,
        "<login><entry name='corp\\bob' ip='10.0.1.25' timeout='1'/><entry name='eve' ip='10.0.1.26'/></login>",
    );
    assert!(story.op("fwsync", show).contains("<user>corp\\bob</user>"));
    story.pass(60);
    let left = story.op("fwsync", show);
    assert!(!left.contains("bob") && left.contains("eve"), "{left}");
    send(&mut story, "<logout><entry name='eve' ip='10.0.1.26'/></logout>");
    assert!(story.op("fwsync", show).contains("<count>0</count>"));
    send(&mut story, "<groups><entry name='g'><members><entry name='eve'/></members></entry></groups>");
    let member = story.op("fwsync", "<show><user><group><name>g</name></group></user></show>");
    assert!(member.contains("[1     ] eve\n"), "{member}");
    assert!(story.op("fwsync", "<show><user><group><list/></group></user></show>").contains("\nTotal: 1\n"));
    send(&mut story, "<register-user><entry user='eve'><tag><member>risky</member></tag></entry></register-user>");
    let tagged = story.op("fwsync", "<show><object><registered-user><all/></registered-user></object></show>");
    assert!(tagged.contains("<entry user=\"eve\"") && tagged.contains("<member>risky</member>"), "{tagged}");
}

#[test]
fn a_pair_is_brought_into_step() {
    let mut story = Story::new();
    let sync =
        "<request><high-availability><sync-to-remote><running-config/></sync-to-remote></high-availability></request>";
    assert!(story.op("fwsync", sync).contains("HA not enabled"));
    let pair = |state: &str| Ha::Pair { local: "active".into(), peer: "passive".into(), running_sync: state.into() };
    story.firewall.settings.ha = pair("synchronization in progress");
    assert!(story.op("fwsync", sync).contains("Another sync is in progress. Please try again later"));
    story.firewall.settings.ha = pair("not synchronized");
    assert!(story.op("fwsync", sync).contains("<msg><line>HA synchronization job has been queued on peer."));
    assert_eq!(story.firewall.settings.ha, pair("synchronized"));
}

#[test]
fn a_payload_within_the_type_is_taken_as_well() {
    let mut story = Story::new();
    let message = "<uid-message><type>update<payload><login><entry name='ann' ip='192.0.2.1'/></login></payload></type></uid-message>";
    assert!(story.ask("fwsync", &[("type", "user-id"), ("cmd", message)]).contains("success"));
    let mapping = "<show><user><ip-user-mapping-mp><ip>192.0.2.1</ip></ip-user-mapping-mp></user></show>";
    let told = story.op("fwsync", mapping);
    assert!(told.contains("<ip>192.0.2.1</ip>") && told.contains("<user>ann</user>"), "{told}");
}

#[test]
fn a_message_may_come_as_a_file() {
    let mut story = Story::new();
    let message = "<uid-message><type>update</type><payload><register><entry ip='10.0.1.25'><tag><member>web</member></tag></entry>\
                   </register></payload></uid-message>";
    assert!(story.ask("fwsync", &[("type", "user-id"), ("file", message)]).contains("success"));
    assert!(registered(&mut story, "<all/>").contains("<member>web</member>"));
}
