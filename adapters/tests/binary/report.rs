//! The report of a run as JSON is what `docs/report-json.md` says.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use drawbridge::render;
use drawbridge_core::{
    change::{Adopted, Change, OwnObject},
    command::{LogRef, LogTrouble, Trouble},
    config::Mode,
    event::{Event, EventKind},
    firewall::{Effect, Node, Pending},
    id::{FormerName, JobId, OwnedName},
    limits::{Hindrance, Withheld},
    plan::Note,
    report::{Ending, Outcome, Report, Step},
};
use serde_json::Value;

use crate::stage::Stage;

const ENDINGS: [Ending; 5] = [Ending::InSync, Ending::Irrelevant, Ending::Withheld, Ending::Failed, Ending::OutOfTime];

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report-json.md");
    fs::read_to_string(path).unwrap()
}

/// An outcome in which nothing is empty.
fn full() -> Outcome {
    let name = OwnedName::parse("i-0aaaaaaaaaaaaaaa1-1").unwrap();
    let event = Event {
        id: "e-1".to_owned(),
        name: "StartInstances".to_owned(),
        kind: EventKind::Call,
        principal: Some("arn:aws:iam::111122223333:user/operator".to_owned()),
        instances: BTreeSet::new(),
        groups: BTreeSet::new(),
        at: None,
    };
    let report = Report {
        owned: Some(3),
        events: vec![event],
        unreadable: vec![(
            LogRef { bucket: "trail".to_owned(), key: "a.gz".to_owned(), version: None },
            LogTrouble::Gzip,
        )],
        applied: vec![Change::Delete(name.clone())],
        commits: vec![JobId(7)],
        retries: 2,
        withheld: vec![Withheld { change: Change::Delete(name.clone()), why: Hindrance::Mode(Mode::AddOnly) }],
        notes: vec![Note::Disabled(name)],
        unit: Some("fw-a".to_owned()),
        foreign: vec![Pending {
            node: Node::Other("zone".to_owned()),
            admin: "alice".parse().unwrap(),
            effect: Effect::Changed,
        }],
        steps: vec![Step {
            at: Duration::from_millis(5),
            command: "observe".to_owned(),
            said: vec!["in sync".to_owned()],
        }],
        problem: Some(Trouble::KeyRefused.into()),
        ..Report::default()
    };
    Outcome { ending: Ending::Failed, report }
}

/// Every member by its path, but for what is in a change: `events[].id`.
fn members(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                self::members(member, &path, found);
            }
        }
        Value::Array(items) => {
            assert!(!items.is_empty(), "`{path}` is empty");
            found.insert(format!("{path}[]"));
            let within = items.iter().filter(|item| item.is_object() && path != "applied");
            within.for_each(|item| members(item, &format!("{path}[]"), found));
        }
        Value::Null => panic!("`{path}` is null"),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_member_is_described_and_no_other() {
    let mut emitted = BTreeSet::new();
    members(&render::outcome(&full()), "", &mut emitted);
    let of_change = |path: &String| path.starts_with("withheld[].change.");
    let (changes, mut emitted): (BTreeSet<_>, BTreeSet<_>) = emitted.into_iter().partition(of_change);
    assert!(!changes.is_empty());
    emitted.insert("withheld[].change".to_owned());
    let text = document();
    let (table, _) = text.split_once("## How it ended").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let described: BTreeSet<_> = rows.map(|(member, _)| member.to_owned()).collect();
    assert_eq!(described, emitted);
}

#[test]
fn every_ending_is_described_and_no_other() {
    let text = document();
    let (_, after) = text.split_once("## How it ended").unwrap();
    let (table, _) = after.split_once("## Changes").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let described: BTreeSet<_> =
        rows.filter(|(ending, _)| *ending != "ending").map(|(ending, _)| ending.to_owned()).collect();
    assert_eq!(described, ENDINGS.iter().map(ToString::to_string).collect());
}

/// What else than in a plan may have been done.
#[test]
fn changes_have_the_members_that_are_described() {
    let (former, to) = ("i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa1-1");
    let owner = "aws-sync";
    let adopted = Adopted {
        from: FormerName::parse(former).unwrap(),
        to: OwnedName::parse(to).unwrap(),
        owner: owner.parse().unwrap(),
    };
    let applied = vec![
        Change::Adopt(adopted),
        Change::Drop(OwnObject::Service("tcp_8443".parse().unwrap())),
        Change::Drop(OwnObject::Tag(owner.parse().unwrap())),
    ];
    let outcome = Outcome { ending: Ending::InSync, report: Report { applied, ..Report::default() } };
    let rendered = render::outcome(&outcome);
    let text = document();
    let (_, text) = text.split_once("## Changes").unwrap();
    for change in rendered["applied"].as_array().unwrap() {
        assert!(text.contains(&format!("`{}`", change["do"].as_str().unwrap())), "{change}");
        for member in change.as_object().unwrap().keys() {
            assert!(text.contains(&format!("`{member}`")), "`{member}` of {change}");
        }
    }
}

/// Only a source of messages looks for `batchItemFailures`, which is for the function to say.
#[tokio::test]
async fn what_apply_prints_is_the_report_and_nothing_else() {
    let stage = Stage::new().await.with_work();
    let applied = stage.run(&["apply", "--json"]).await;
    let printed: Value = serde_json::from_str(&applied.stdout).unwrap();
    let text = document();
    assert_eq!((applied.status, &printed["batchItemFailures"]), (Some(0), &Value::Null));
    for member in printed.as_object().unwrap().keys() {
        assert!(text.contains(&format!("| `{member}` |")) || text.contains(&format!("| `{member}[]` |")), "`{member}`");
    }
}
