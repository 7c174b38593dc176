use super::*;

fn counts(story: &mut Story, rules: &str) -> String {
    story.op(
        "fwsync",
        &format!(
            "<show><rule-hit-count><vsys><vsys-name><entry name='vsys1'><rule-base><entry name='security'><rules>{rules}</rules>\
             </entry></rule-base></entry></vsys-name></vsys></rule-hit-count></show>"
        ),
    )
}

#[test]
fn rules_are_counted_from_the_commit_that_brought_them() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("any", "ssh"));
    assert!(!counts(&mut story, "<all/>").contains("i-1"));
    story.commit_own("fwsync");
    story.firewall.count_hit("vsys1", "i-1", story.now);
    story.pass(10);
    story.firewall.count_hit("vsys1", "i-1", story.now);
    let began = Moment::default().date().unix_timestamp();
    let [created, first, last] = [30, 60, 70].map(|seconds| began + seconds);
    assert_eq!(
        counts(&mut story, "<list><member>i-1</member></list>"),
        format!(
            "<response status=\"success\"><result><rule-hit-count><vsys><entry name=\"vsys1\"><rule-base><entry name=\"security\"><rules>\
             <entry name=\"i-1\"><latest>yes</latest><hit-count>2</hit-count><last-hit-timestamp>{last}</last-hit-timestamp>\
             <last-reset-timestamp>0</last-reset-timestamp><first-hit-timestamp>{first}</first-hit-timestamp>\
             <rule-creation-timestamp>{created}</rule-creation-timestamp><rule-modification-timestamp>{created}</rule-modification-timestamp>\
             </entry></rules></entry></rule-base></entry></vsys></rule-hit-count></result></response>"
        )
    );
    assert_eq!(counts(&mut story, "<all/>").matches("<hit-count>").count(), 5);
    let nowhere = story.op("fwsync", "<show><rule-hit-count><vsys/></rule-hit-count></show>");
    assert!(nowhere.contains(r#"code="17""#), "{nowhere}");
}

#[test]
fn a_rule_that_changes_keeps_its_count_and_one_that_goes_loses_it() {
    let mut story = Story::new();
    story.firewall.count_hit("vsys1", "web in", story.now);
    story.set("fwsync", &rule("web in"), "<description>x</description>");
    story.commit_own("fwsync");
    let changed = counts(&mut story, "<list><member>web in</member></list>");
    assert!(changed.contains("<hit-count>1</hit-count>"), "{changed}");
    assert!(changed.contains("<rule-creation-timestamp>0</rule-creation-timestamp>"), "{changed}");
    assert!(!changed.contains("<rule-modification-timestamp>0</rule-modification-timestamp>"), "{changed}");
    story.delete("fwsync", &rule("web in"));
    story.commit_own("fwsync");
    story.set("fwsync", &rule("web in"), &allow("any", "ssh"));
    story.commit_own("fwsync");
    assert!(counts(&mut story, "<list><member>web in</member></list>").contains("<hit-count>0</hit-count>"));
}
