//! The metrics that alarms and graphs show.

use std::collections::BTreeSet;

use crate::{
    calls,
    text::{below, file, quoted, sam, terraform},
};

/// The metrics of the table in `deploy/README.md`.
fn listed() -> BTreeSet<String> {
    let readme = file("deploy/README.md");
    let table = readme.lines().skip_while(|line| !line.starts_with("| metric |")).skip(2);
    let name = |line: &str| line.split('`').nth(1).unwrap_or_else(|| panic!("no metric: `{line}`")).to_owned();
    table.take_while(|line| line.starts_with('|')).map(name).collect()
}

/// The metrics of a dashboard's graphs: what follows the namespace, or a dot in its place.
fn shown(text: &str) -> BTreeSet<String> {
    let mut shown = BTreeSet::new();
    for line in text.lines() {
        let words = quoted(line);
        for pair in words.windows(2) {
            if ["Drawbridge", "."].contains(&pair[0]) && pair[1].starts_with(|c: char| c.is_ascii_uppercase()) {
                shown.insert(pair[1].to_owned());
            }
        }
    }
    // The dead letters stand behind the queue's age, with its namespace.
    shown.remove("ApproximateNumberOfMessagesVisible");
    shown
}

/// The metrics of ours that alarms are about.
fn alarms_of_sam() -> BTreeSet<String> {
    let text = sam();
    let alarms = ["NoLook", "Refusals", "CommitsFailed"].map(|name| {
        let alarm = below(&text, &format!("  {name}Alarm:"));
        assert!(alarm.contains(&"      Namespace: Drawbridge"), "{name}");
        assert!(alarm.contains(&"      Dimensions: [{Name: Owner, Value: !Ref PolicyOwner}]"), "{name}");
        alarm.into_iter().find_map(|line| line.trim().strip_prefix("MetricName: ").map(str::to_owned)).unwrap()
    });
    assert_eq!(text.matches("Type: AWS::CloudWatch::Alarm").count(), alarms.len() + 1, "and the dead letters");
    alarms.into()
}

fn alarms_of_terraform() -> BTreeSet<String> {
    let text = terraform("alarms");
    let metrics = text.lines().filter(|line| line.trim().starts_with("metric ")).flat_map(quoted).map(str::to_owned);
    metrics.collect()
}

#[test]
fn graphs_show_every_metric_that_is_listed_and_alarms_no_other() {
    let listed = listed();
    assert_eq!(listed.len(), 13);
    assert_eq!(shown(&sam()), listed);
    assert_eq!(shown(&terraform("alarms")), listed);
    assert!(alarms_of_sam().is_subset(&listed));
    assert_eq!(alarms_of_sam(), alarms_of_terraform());
}

/// A metric under another name would leave its graph empty, and its alarm silent for ever.
#[test]
fn the_program_writes_every_metric_that_is_listed() {
    let source = calls::source();
    if source.contains("CloudWatchMetrics") {
        for metric in listed() {
            assert!(source.contains(&format!("\"{metric}\"")), "nobody writes `{metric}`");
        }
    }
}
