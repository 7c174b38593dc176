use super::*;

fn op(story: &mut Story, deed: &str, word: &str, name: &str) -> String {
    story.op("fwsync", &format!("<{deed}><config><{word}>{name}</{word}></config></{deed}>"))
}

#[test]
fn a_saved_configuration_comes_back_as_changes() {
    let mut story = Story::new();
    assert!(op(&mut story, "save", "to", "before.xml").contains("<result>Config saved to before.xml</result>"));
    story.set("fwsync", &rule("i-1"), &allow("any", "ssh"));
    story.set("fwsync", "/config/shared/tag", "<entry name='t'/>");
    story.commit_own("fwsync");
    assert_eq!(
        op(&mut story, "load", "from", "before.xml"),
        "<response status=\"success\"><result><msg><line><msg><line>Config loaded from before.xml</line></msg></line></msg></result></response>"
    );
    assert_eq!(story.candidate_rules().len(), 4);
    let changes = story.op("fwsync", "<show><config><list><changes/></list></config></show>");
    let [rulebase, tags] = [format!("<xpath>{VSYS}/rulebase</xpath>"), "<xpath>/config/shared/tag</xpath>".to_owned()];
    assert!(changes.contains(&rulebase) && changes.contains(&tags), "{changes}");
    assert_eq!(changes.matches("<entry>").count(), 2, "{changes}");
    story.commit_own("fwsync");
    assert_eq!(story.running_rules().len(), 4);
    assert!(!story.firewall.running().to_string().contains("name=\"t\""));
    assert!(!story.get(&rules()).contains("dirtyId"));
}

#[test]
fn the_running_configuration_is_always_there_to_load() {
    let mut story = Story::new();
    story.set("fwsync", &rule("i-1"), &allow("any", "ssh"));
    assert!(op(&mut story, "load", "from", "running-config.xml").contains("Config loaded from running-config.xml"));
    assert_eq!(story.candidate_rules().len(), 4);
    assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
    assert!(op(&mut story, "save", "to", "running-config.xml").contains(r#"code="17""#));
    assert!(op(&mut story, "show", "saved", "running-config.xml").contains("web in"));
}

#[test]
fn what_was_never_saved_or_was_deleted_is_not_there() {
    let mut story = Story::new();
    assert!(op(&mut story, "load", "from", "x.xml").contains("<line>x.xml does not exist</line>"));
    op(&mut story, "save", "to", "x.xml");
    assert!(op(&mut story, "delete", "saved", "x.xml").contains("success"));
    assert!(op(&mut story, "delete", "saved", "x.xml").contains("x.xml does not exist"));
    assert!(op(&mut story, "save", "to", "../x").contains("save -&gt; config -&gt; to is invalid"));
    story.op("alice", "<request><config-lock><add/></config-lock></request>");
    assert!(op(&mut story, "load", "from", "running-config.xml").contains("Configuration is locked by alice"));
}

#[test]
fn a_configuration_that_comes_in_as_a_file_can_be_loaded() {
    let mut story = Story::new();
    let exported = story.answer("alice", &[("type", "export"), ("category", "configuration")]).text();
    story.delete("alice", &rule("web in"));
    story.commit_own("alice");
    let import =
        |category, name, text| [("type", "import"), ("category", category), ("file.name", name), ("file", text)];
    let saved = story.ask("alice", &import("configuration", "old.xml", exported.as_str()));
    assert_eq!(saved, "<response status=\"success\"><msg><line>old.xml saved</line></msg></response>");
    assert!(
        story.op("alice", "<load><config><from>old.xml</from></config></load>").contains("Config loaded from old.xml")
    );
    assert!(story.candidate_rules().contains(&"web in".to_owned()));
    for (category, name, text, words) in [
        ("software", "x.tgz", "", "Illegal value for parameter \"category\" [software]."),
        ("configuration", "../x", exported.as_str(), "Illegal value for parameter \"file\" [../x]."),
        ("configuration", "running-config.xml", exported.as_str(), "[running-config.xml]"),
        ("configuration", "x.xml", "<config>", "code=\"18\""),
        ("configuration", "x.xml", "<rules/>", "rules unexpected here"),
    ] {
        let refused = story.ask("alice", &import(category, name, text));
        assert!(refused.contains(words), "{refused}");
    }
    assert!(story.ask("alice", &[("type", "import")]).contains("Missing value for parameter \"category\"."));
}
