use super::*;

fn asked(story: &mut Story, parameters: &[(&str, &str)]) -> String {
    let parameters = [&[("type", "log"), ("log-type", "config")], parameters].concat();
    let told = story.ask("fwsync", &parameters);
    let (_, rest) = told.split_once("<line>query job enqueued with jobid ").unwrap_or_else(|| panic!("{told}"));
    let id = rest.split_once("</line></msg><job>").unwrap().0.to_owned();
    assert!(told.starts_with(r#"<response status="success" code="19"><result><msg>"#), "{told}");
    id
}

fn fetch(story: &mut Story, id: &str) -> String {
    story.ask("fwsync", &[("type", "log"), ("action", "get"), ("job-id", id)])
}

/// What the log says of each line that is found, the field's texts joined.
fn found(story: &mut Story, field: &str, parameters: &[(&str, &str)]) -> String {
    let id = asked(story, parameters);
    let answer = fetch(story, &id);
    let (open, close) = (format!("<{field}>"), format!("</{field}>"));
    let texts = answer.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap());
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_log_is_asked_for_and_fetched_once() {
    let mut story = Story::new();
    story.delete("alice", &rule("web out"));
    let id = asked(&mut story, &[]);
    assert_eq!(
        fetch(&mut story, &id),
        format!(
            "<response status=\"success\" code=\"19\"><result><job><tenq>08:00:00</tenq><tdeq>08:00:00</tdeq><tlast>08:00:00</tlast>\
             <status>FIN</status><id>{id}</id></job><log><logs count=\"1\" progress=\"100\"><entry logid=\"1\"><domain>1</domain>\
             <receive_time>2026/11/02 08:00:00</receive_time><serial>007000000000001</serial><seqno>1</seqno>\
             <actionflags>0x0</actionflags><type>CONFIG</type><subtype>0</subtype><config_ver>1</config_ver>\
             <time_generated>2026/11/02 08:00:00</time_generated><cmd>delete</cmd><admin>alice</admin><result>Succeeded</result>\
             <path>{}</path></entry></logs></log></result></response>",
            rule("web out")
        )
    );
    assert!(fetch(&mut story, &id).contains(&format!("job {id} not found")));
}

#[test]
fn writes_commits_and_comments_are_in_it() {
    let mut story = Story::new();
    story.set("alice", &rule("i-1"), &allow("any", "ssh"));
    story.set("alice", &rule("i-1"), "<action>nonsense</action>");
    story.multi_config("fwsync", &format!("<set xpath=\"{}\"/><delete xpath=\"{}\"/>", rule("i-2"), rule("i-3")));
    story.op(
        "fwsync",
        &format!("<set><audit-comment><xpath>{}</xpath><comment>why</comment></audit-comment></set>", rule("i-1")),
    );
    story.commit_own("alice");
    assert_eq!(found(&mut story, "cmd", &[("dir", "forward")]), "set set audit-comment commit");
    assert_eq!(found(&mut story, "cmd", &[("nlogs", "2")]), "commit audit-comment");
    assert_eq!(found(&mut story, "cmd", &[("skip", "2"), ("nlogs", "1")]), "set");
    let query = r"(subtype eq audit-comment) and (path contains '\'i-1\'') and (path contains 'security')";
    assert_eq!(found(&mut story, "comment", &[("query", query)]), "why");
    assert_eq!(found(&mut story, "admin", &[("query", "(cmd eq set) and (admin neq alice)")]), "fwsync");
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let mut story = Story::new();
    for (name, value) in
        [("log-type", "traffic"), ("query", "nonsense"), ("dir", "sideways"), ("nlogs", "all"), ("action", "x")]
    {
        let parameters = [("type", "log"), (name, value), ("log-type", "config")];
        let refused = story.ask("fwsync", &parameters);
        assert!(refused.contains(&format!("Illegal value for parameter \"{name}\" [{value}].")), "{refused}");
    }
    let id = asked(&mut story, &[]);
    let gone = story.ask("fwsync", &[("type", "log"), ("action", "finish"), ("job-id", &id)]);
    assert_eq!(gone, format!("<response status=\"success\"><msg>Job {id} removed.</msg></response>"));
    assert!(fetch(&mut story, &id).contains("not found"));
    assert!(story.ask("fwsync", &[("type", "log")]).contains("Missing value for parameter \"log-type\"."));
}
