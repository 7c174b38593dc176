use super::*;
use crate::firewall::{AfterRestart, CommitQueue, Snapshot};

const OWN: &str =
    "<commit><description>aws sync</description><partial><admin><member>fwsync</member></admin></partial></commit>";

fn job(story: &mut Story, id: u64) -> String {
    story.op("fwsync", &format!("<show><jobs><id>{id}</id></jobs></show>"))
}

#[test]
fn a_job_waits_works_and_ends() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    assert_eq!(
        story.commit("fwsync", OWN),
        r#"<response status="success" code="19"><result><msg><line>Commit job enqueued with jobid 1</line></msg><job>1</job></result></response>"#
    );
    story.pass(12);
    assert_eq!(
        job(&mut story, 1),
        "<response status=\"success\"><result><job><tenq>2026/11/02 08:00:00</tenq><tdeq>08:00:00</tdeq><id>1</id><user>fwsync</user>\
         <type>Commit</type><status>ACT</status><queued>NO</queued><stoppable>no</stoppable><result>PEND</result>\
         <tfin>Still Active</tfin><description>aws sync</description><positionInQ>0</positionInQ><progress>40</progress>\
         <details/><warnings/></job></result></response>"
    );
    assert_eq!(story.running_rules().len(), 4);
    story.pass(18);
    let done = job(&mut story, 1);
    assert!(done.contains("<status>FIN</status>") && done.contains("<result>OK</result>"), "{done}");
    assert!(done.contains("<tfin>2026/11/02 08:00:30</tfin>") && done.contains("<progress>100</progress>"), "{done}");
    assert!(done.contains("<details><line>Configuration committed successfully</line></details>"), "{done}");
    assert_eq!(story.running_rules().last().unwrap(), "i-1");
    assert_eq!(
        job(&mut story, 19),
        r#"<response status="error" code="7"><msg><line>job 19 not found</line></msg></response>"#
    );
}

#[test]
fn nothing_to_commit_is_told_in_two_ways() {
    let mut story = Story::new();
    assert_eq!(
        story.commit("fwsync", "<commit></commit>"),
        r#"<response status="success" code="19"><msg>There are no changes to commit.</msg></response>"#
    );
    story.set("alice", &rule("half done"), &allow("10.0.0.9", "ssh"));
    assert!(story.commit("fwsync", OWN).starts_with(
        r#"<response status="success" code="13"><msg>The result of this commit would be the same as the previous commit"#
    ));
    assert!(story.commit("fwsync", "<commit><force/></commit>").contains("enqueued with jobid 1"));
    let again = story.commit("alice", "<commit/>");
    assert!(again.contains("would be the same"), "{again}");
}

#[test]
fn a_partial_commit_leaves_what_others_have_begun() {
    let mut story = Story::new();
    story.set("alice", &rule("half done"), &allow("10.0.0.9", "ssh"));
    story.move_before("alice", &rule("half done"), "web in");
    story.set("alice", &rule("web out"), "<description>checking</description>");
    for name in ["i-1", "i-2"] {
        story.set("fwsync", &rule(name), &allow("10.0.0.5", "ssh"));
        story.move_before("fwsync", &rule(name), "Clean up");
    }
    story.commit_own("fwsync");
    assert_eq!(story.running_rules(), ["web in", "web out", "no clear text", "i-1", "i-2", "Clean up"]);
    assert!(!story.show(&rule("web out")).contains("checking"));
    assert_eq!(story.candidate_rules()[0], "half done");
    assert!(!story.get(&rule("i-1")).contains("dirtyId"));
    assert!(story.get(&rule("half done")).contains(r#"admin="alice""#));
    let changes = story.op("fwsync", "<show><config><list><changes/></list></config></show>");
    assert_eq!(changes.matches("<owner>alice</owner>").count(), 2);
    assert!(!changes.contains("fwsync"));
    story.commit("alice", "<commit/>");
    story.pass(60);
    assert_eq!(story.running_rules()[0], "half done");
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
}

#[test]
fn a_rule_that_was_deleted_and_set_again_stands_where_it_stands_in_the_candidate() {
    let mut story = Story::new();
    story.delete("fwsync", &rule("web in"));
    story.set("fwsync", &rule("web in"), &allow("10.0.0.5", "ssh"));
    story.commit_own("fwsync");
    assert_eq!(story.running_rules(), ["web out", "no clear text", "Clean up", "web in"]);
}

#[test]
fn a_commit_that_needs_what_others_have_begun_fails_and_leaves_the_candidate() {
    let mut story = Story::new();
    story.set("alice", &format!("{VSYS}/tag/entry[@name='theirs']"), "<color>color5</color>");
    story.set("fwsync", &rule("i-1"), &(allow("10.0.0.5", "ssh") + "<tag><member>theirs</member></tag>"));
    story.commit_own("fwsync");
    let failed = job(&mut story, 1);
    assert!(failed.contains("<result>FAIL</result>") && failed.contains("<progress>100</progress>"), "{failed}");
    assert!(
        failed.contains(
            "<details><line>Validation Error:</line><line> rulebase -&gt; security -&gt; rules -&gt; i-1 -&gt; tag 'theirs' is not a valid reference</line>\
             <line> rulebase -&gt; security -&gt; rules -&gt; i-1 -&gt; tag is invalid</line><line>Commit failed</line></details>"
        ),
        "{failed}"
    );
    assert_eq!(story.running_rules().len(), 4);
    assert!(story.get(&rule("i-1")).contains(r#"admin="fwsync""#));
}

#[test]
fn an_incomplete_rule_fails_at_the_commit() {
    let mut story = Story::new();
    assert_eq!(story.set("fwsync", &rule("i-1"), "<action>allow</action>"), SUCCEEDED);
    story.commit_own("fwsync");
    assert!(job(&mut story, 1).contains("rules -&gt; i-1 is missing 'application'"));
}

#[test]
fn a_commit_that_only_validates_changes_nothing() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    let validate = "<commit><validate><partial><vsys><member>vsys1</member></vsys></partial></validate></commit>";
    assert!(story.commit("fwsync", validate).contains("Validate job enqueued with jobid 1"));
    story.pass(30);
    let done = job(&mut story, 1);
    assert!(done.contains("<type>Validate</type>") && done.contains("Configuration is valid"), "{done}");
    assert_eq!(story.running_rules().len(), 4);
    assert!(story.get(&rule("i-1")).contains("dirtyId"));
}

#[test]
fn a_failure_can_be_arranged() {
    let mut story = Story::new();
    story.firewall.fail_next_job(["phase 1 failed"]);
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.commit_own("fwsync");
    assert!(job(&mut story, 1).contains("<details><line>phase 1 failed</line></details>"));
    assert!(story.commit_own("fwsync").contains("jobid 2"));
    assert!(job(&mut story, 2).contains("<result>OK</result>"));
}

#[test]
fn commits_queue_and_each_takes_the_candidate_as_it_was_asked_for() {
    for (snapshot, rules_of_second) in [(Snapshot::AtEnqueue, 5), (Snapshot::AtDequeue, 6)] {
        let mut story = Story::new();
        story.firewall.settings.snapshot = snapshot;
        story.set("alice", &rule("web out"), "<description>theirs</description>");
        story.commit("alice", "<commit/>");
        story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
        story.commit("fwsync", OWN);
        story.set("fwsync", &rule("i-2"), &allow("10.0.0.5", "ssh"));
        let queued = job(&mut story, 2);
        assert!(queued.contains("<status>PEND</status><queued>YES</queued>"), "{queued}");
        assert!(queued.contains("<positionInQ>1</positionInQ>"), "{queued}");
        story.pass(30);
        assert!(job(&mut story, 2).contains("<status>ACT</status>"));
        story.pass(30);
        assert!(job(&mut story, 2).contains("<tfin>2026/11/02 08:01:00</tfin>"));
        assert_eq!(story.running_rules().len(), rules_of_second);
        let is_pending = story.op("fwsync", "<check><pending-changes/></check>").contains("yes");
        assert_eq!(is_pending, snapshot == Snapshot::AtEnqueue);
        assert_eq!(story.get(&rule("i-2")).contains("dirtyId"), is_pending);
    }
}

#[test]
fn a_change_made_while_its_commit_runs_stays_uncommitted() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.commit("fwsync", OWN);
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.6", "ssh"));
    story.pass(60);
    assert!(!story.show(&rule("i-1")).contains("10.0.0.6"));
    assert!(story.get(&rule("i-1")).contains("10.0.0.6"));
    assert!(story.commit_own("fwsync").contains("jobid 2"));
    assert!(story.show(&rule("i-1")).contains("10.0.0.6"));
}

#[test]
fn what_is_taken_back_while_it_is_committed_waits_for_a_commit_of_everything() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.commit("fwsync", "<commit/>");
    // In force is still what was before.
    story.op("fwsync", "<revert><config></config></revert>");
    story.pass(60);
    assert!(story.running_rules().contains(&"i-1".to_owned()));
    assert!(!story.candidate_rules().contains(&"i-1".to_owned()));
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("yes"));
    assert!(story.commit_own("fwsync").contains(r#"code="13""#));
    story.commit("fwsync", "<commit/>");
    story.pass(60);
    assert!(!story.running_rules().contains(&"i-1".to_owned()));
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
}

#[test]
fn where_commits_do_not_queue_a_second_one_is_refused() {
    let mut story = Story::new();
    story.firewall.settings.commit_queue = CommitQueue::Refused;
    story.commit("alice", "<commit><force/></commit>");
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    assert_eq!(
        story.commit("fwsync", OWN),
        r#"<response status="error" code="13"><msg><line>Another commit/validate is in progress. Please try again later</line></msg></response>"#
    );
}

#[test]
fn own_changes_are_reverted_and_others_stay() {
    let mut story = Story::new();
    story.set("alice", &rule("web out"), "<description>checking</description>");
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.delete("fwsync", &rule("web in"));
    story.move_before("fwsync", &rule("Clean up"), "no clear text");
    let answer = story
        .op("fwsync", "<revert><config><partial><admin><member>fwsync</member></admin></partial></config></revert>");
    assert_eq!(
        answer,
        r#"<response status="success"><result><msg><line>All changes were reverted from configuration</line></msg></result></response>"#
    );
    assert_eq!(story.candidate_rules(), ["web in", "web out", "no clear text", "Clean up"]);
    assert!(story.get(&rule("web out")).contains("checking"));
    assert!(!story.get(&rule("web in")).contains("dirtyId"));
    story.op("fwsync", "<revert><config></config></revert>");
    assert!(story.firewall.candidate() == story.firewall.running());
}

#[test]
fn what_was_reverted_within_anothers_uncommitted_rule_leaves_no_mark() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
    story.edit("alice", &format!("{}/action", rule("i-1")), "<action>deny</action>");
    assert!(story.get(&rule("i-1")).contains("alice"));
    story.op("alice", "<revert><config><partial><admin><member>alice</member></admin></partial></config></revert>");
    let left = story.get(&rule("i-1"));
    assert!(left.contains("fwsync") && !left.contains("alice"), "{left}");
}

#[test]
fn a_revert_that_would_break_references_fails() {
    let mut story = Story::new();
    story.set("fwsync", &format!("{VSYS}/tag/entry[@name='mine']"), "<color>color5</color>");
    story.set("alice", &rule("web out"), "<tag><member>mine</member></tag>");
    let answer = story
        .op("fwsync", "<revert><config><partial><admin><member>fwsync</member></admin></partial></config></revert>");
    assert_eq!(
        answer,
        r#"<response status="error"><msg><line>Failed to revert configuration.</line></msg></response>"#
    );
}

#[test]
fn a_restart_forgets_jobs_and_commits_nothing() {
    for (after, rules_left) in [(AfterRestart::CandidateKept, 5), (AfterRestart::CandidateLost, 4)] {
        let mut story = Story::new();
        story.set("fwsync", &rule("i-1"), &allow("10.0.0.5", "ssh"));
        story.commit("fwsync", OWN);
        story.firewall.restart(after, story.now);
        assert!(story.op("fwsync", "<show><chassis-ready/></show>").contains("no"));
        assert!(job(&mut story, 1).contains("<type>AutoCom</type>"));
        assert!(story.commit("fwsync", OWN).contains("auto-commit not yet finished"));
        story.pass(60);
        assert!(story.op("fwsync", "<show><chassis-ready/></show>").contains("yes"));
        assert_eq!(story.running_rules().len(), 4);
        assert_eq!(story.candidate_rules().len(), rules_left);
    }
}

#[test]
fn a_validation_is_a_job_that_changes_nothing() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), "<action>allow</action>");
    assert!(story.op("fwsync", "<validate><full/></validate>").contains("Validate job enqueued with jobid 1"));
    story.pass(60);
    let all = story.op("fwsync", "<show><jobs><all/></jobs></show>");
    assert!(all.contains("<type>Validate</type>") && all.contains("<result>FAIL</result>"), "{all}");
    assert_eq!(story.running_rules().len(), 4);
}
