use proptest::prelude::*;

use super::*;

/// Texts made of what requests are made of, in any order.
fn anything() -> impl Strategy<Value = String> {
    let rule = rule("Clean up");
    let pieces = [
        VSYS,
        &*rule,
        "/config",
        "/shared",
        "/devices",
        "/entry",
        "[@name='x']",
        "[@name=\"",
        " or ",
        "//*",
        "|",
        "/@name",
        "/member[text()='any']",
        "concat(",
        "<entry name='x'>",
        "</entry>",
        "<rules>",
        "</rules>",
        "<source>",
        "</source>",
        "<member>any</member>",
        "<set xpath='/config/shared'>",
        "</set>",
        "<move xpath='/config'/>",
        "&#0;",
        "&amp;",
        "<![CDATA[",
        "]]>",
        "<!--",
        "<show>",
        "</show>",
        "<commit>",
        "</commit>",
        "<jobs/>",
        "'",
        "ü",
        "\u{0}",
    ];
    let pieces: Vec<String> = pieces.map(str::to_owned).into();
    prop::collection::vec(prop::sample::select(pieces), 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_request_is_answered(
        request_type in prop::sample::select(vec!["config", "config", "config", "op", "commit", "keygen", "x"]),
        action in prop::sample::select(vec!["get", "show", "set", "edit", "delete", "rename", "clone", "move", "multi-config"]),
        place in prop::sample::select(vec!["top", "before", "nowhere"]),
        [xpath, element, text] in [anything(), anything(), anything()],
    ) {
        let mut story = Story::new();
        let parameters = [
            ("type", request_type), ("action", action), ("xpath", &*xpath), ("element", &*element), ("cmd", &*element),
            ("newname", &*text), ("from", &*text), ("dst", &*text), ("where", place),
        ];
        let answer = story.ask("fwsync", &parameters);
        prop_assert!(answer.starts_with("<response "), "{answer}");
        prop_assert!(story.get(VSYS).starts_with("<response "));
    }

    #[test]
    fn one_administrators_partial_commit_makes_running_what_the_candidate_is(writes in writes()) {
        let mut story = Story::new();
        writes.iter().for_each(|write| write.make(&mut story, "fwsync"));
        story.commit_own("fwsync");
        prop_assert_eq!(story.running_rules(), story.candidate_rules());
        prop_assert!(story.firewall.running() == story.firewall.candidate());
    }

    #[test]
    fn one_administrators_revert_makes_the_candidate_what_runs(writes in writes()) {
        let mut story = Story::new();
        writes.iter().for_each(|write| write.make(&mut story, "fwsync"));
        story.op("fwsync", "<revert><config><partial><admin><member>fwsync</member></admin></partial></config></revert>");
        prop_assert_eq!(story.running_rules(), story.candidate_rules());
        prop_assert!(story.firewall.running() == story.firewall.candidate());
    }

    #[test]
    fn of_two_administrators_each_commits_what_is_theirs(writes in prop::collection::vec((any::<bool>(), write()), 0..12)) {
        let mut story = Story::new();
        for (is_ours, write) in &writes {
            // Each keeps to rules of their own.
            let (admin, rule) = if *is_ours { ("fwsync", OURS[write.rule % 3]) } else { ("alice", THEIRS[write.rule % 3]) };
            write.make_on(&mut story, admin, rule);
        }
        let theirs = |story: &mut Story| THEIRS.map(|name| story.show(&rule(name)));
        let before = theirs(&mut story);
        story.commit_own("fwsync");
        prop_assert_eq!(theirs(&mut story), before);
        let changes = story.op("fwsync", "<show><config><list><changes/></list></config></show>");
        prop_assert!(!changes.contains("fwsync"), "{changes}");
        story.commit_own("alice");
        let [mut running, mut candidate] = [story.running_rules(), story.candidate_rules()];
        running.sort();
        candidate.sort();
        prop_assert_eq!(running, candidate);
        prop_assert!(story.op("fwsync", "<check><pending-changes/></check>").contains("no"));
    }
}

const OURS: [&str; 3] = ["i-1", "i-2", "web out"];
const THEIRS: [&str; 3] = ["web in", "half done", "no clear text"];

/// A write to one rule.
#[derive(Clone, Debug)]
struct Write {
    rule: usize,
    deed: Deed,
}

#[derive(Clone, Debug)]
enum Deed {
    Set,
    Edit,
    Describe,
    Delete,
    MoveBefore(usize),
    MoveAfter(usize),
}

impl Write {
    fn make(&self, story: &mut Story, admin: &str) {
        self.make_on(story, admin, [OURS, THEIRS].concat()[self.rule % 6]);
    }

    fn make_on(&self, story: &mut Story, admin: &str, name: &str) {
        let body = allow("10.0.0.5", "ssh");
        let sibling = |index: usize| [&OURS[..], &THEIRS, &["Clean up"]].concat()[index];
        let moved = |place: &'static str, index: usize| [("where", place), ("dst", sibling(index))];
        let xpath = rule(name);
        let action = |action: &'static str| [("type", "config"), ("action", action)];
        match self.deed {
            Deed::Set => story.set(admin, &xpath, &body),
            Deed::Edit => story.edit(admin, &xpath, &format!("<entry name='{name}'>{body}</entry>")),
            // Only what is there: a description alone would make a rule that cannot be committed.
            Deed::Describe if story.get(&xpath).contains("<entry") => {
                story.edit(admin, &format!("{xpath}/description"), "<description>why</description>")
            }
            Deed::Describe => return,
            Deed::Delete => story.delete(admin, &xpath),
            Deed::MoveBefore(index) => {
                story.ask(admin, &[&action("move"), &[("xpath", &*xpath)][..], &moved("before", index)].concat())
            }
            Deed::MoveAfter(index) => {
                story.ask(admin, &[&action("move"), &[("xpath", &*xpath)][..], &moved("after", index)].concat())
            }
        };
    }
}

fn write() -> impl Strategy<Value = Write> {
    let deed = prop_oneof![
        Just(Deed::Set),
        Just(Deed::Edit),
        Just(Deed::Describe),
        Just(Deed::Delete),
        (0..7_usize).prop_map(Deed::MoveBefore),
        (0..7_usize).prop_map(Deed::MoveAfter),
    ];
    (0..6_usize, deed).prop_map(|(rule, deed)| Write { rule, deed })
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    prop::collection::vec(write(), 0..12)
}
