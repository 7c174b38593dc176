//! What happens in the world, whoever does it: noticed by comparing it with a moment before.

use std::collections::BTreeSet;

use drawbridge::envelope::Envelope;
use drawbridge_simulator::{
    clock::Moment,
    world::{DRAWBRIDGE, PendingRow, World},
};
use serde_json::Value;
use time::macros::format_description;

use super::{
    hub::{Entry, Kind},
    view::firewall::Lock,
};

/// Paths of security rules begin with this.
const RULES: &str = "/rulebase/security/rules/entry[@name='";

/// The time of day, as the timeline has it.
pub(super) fn clock(moment: Moment) -> String {
    moment.formatted(format_description!("[hour]:[minute]:[second].[subsecond digits:3]"))
}

/// What was there before.
#[derive(Debug, Default)]
pub(super) struct Before {
    pending: BTreeSet<(String, String, String)>,
    locks: Vec<Lock>,
}

/// Calls that EC2 has recorded since this was last asked, and states that instances have reached.
pub(super) fn of_cloud(world: &mut World) -> Vec<Entry> {
    let records = world.cloud_mut().take_records();
    let records: Vec<_> =
        records.iter().filter(|record| record["readOnly"] != true).map(|record| called(world, record)).collect();
    let states = world.cloud_mut().take_state_changes();
    let states = states.into_iter().map(|change| {
        let text = format!("{} is {}", change.instance, change.state.name());
        Entry::new(Kind::State, text)
    });
    records.into_iter().chain(states).collect()
}

/// `StartInstances i-… by operator`
fn called(world: &World, record: &Value) -> Entry {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let envelope = Envelope::open(&world.cloud().api_call_event(record, world.now()));
    let what = envelope.events.first().map_or_else(|| text(&record["eventName"]), ToString::to_string);
    let identity = &record["userIdentity"];
    let by = [&identity["userName"], &identity["invokedBy"], &identity["arn"]].map(text);
    let by = by.into_iter().find(|by| !by.is_empty()).map(|by| format!(" by {by}")).unwrap_or_default();
    let error = record["errorCode"].as_str().map(|code| format!(": refused with {code}")).unwrap_or_default();
    Entry::new(Kind::Event, format!("{what}{by}{error}"))
}

impl Before {
    /// What administrators have done since the last time.
    pub(super) fn of_firewall(&mut self, world: &mut World, pending: &[PendingRow], locks: &[Lock]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for commit in world.take_commits() {
            let changed: Vec<_> = commit.changes.iter().map(|change| place(&change.xpath)).collect();
            let number = changed.len();
            let text = format!("commit by {}: {number} {}", commit.admin, if number == 1 { "place" } else { "places" });
            entries.push(Entry::new(Kind::Commit, text).with(changed));
        }
        let key = |row: &PendingRow| (row.admin.clone(), row.action.clone(), row.xpath.clone());
        let new = pending.iter().filter(|row| row.admin != DRAWBRIDGE && !self.pending.contains(&key(row)));
        entries.extend(new.map(|row| {
            let PendingRow { admin, action, xpath } = row;
            Entry::new(Kind::Change, format!("{admin}: {} {}", action.to_lowercase(), place(xpath)))
        }));
        self.pending = pending.iter().map(key).collect();
        let has = |locks: &[Lock], lock: &Lock| locks.contains(lock);
        let taken = locks.iter().filter(|lock| !has(&self.locks, lock));
        entries.extend(taken.map(|lock| {
            let comment = if lock.comment.is_empty() { String::new() } else { format!(": {}", lock.comment) };
            Entry::new(Kind::Change, format!("{} takes the {} lock{comment}", lock.admin, lock.kind))
        }));
        let gone = self.locks.iter().filter(|lock| !has(locks, lock));
        entries.extend(
            gone.map(|lock| Entry::new(Kind::Change, format!("the {} lock of {} is gone", lock.kind, lock.admin))),
        );
        self.locks = locks.to_vec();
        entries
    }
}

/// The name of the rule that a path leads to.
pub(super) fn rule_of(xpath: &str) -> Option<&str> {
    let (_, rest) = xpath.split_once(RULES)?;
    rest.rsplit_once("']").map(|(name, _)| name.split("']").next().unwrap_or(name))
}

/// Where something was changed, without what every path begins with.
fn place(xpath: &str) -> String {
    if let Some(rule) = rule_of(xpath) {
        return format!("rule `{rule}`");
    }
    let vsys = "/vsys/entry[@name='vsys1']/";
    xpath.split_once(vsys).map_or(xpath, |(_, rest)| rest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_rule() {
        let rules =
            "/config/devices/entry[@name='localhost.localdomain']/vsys/entry[@name='vsys1']/rulebase/security/rules";
        assert_eq!(place(&format!("{rules}/entry[@name='web in']")), "rule `web in`");
        assert_eq!(place(&format!("{rules}/entry[@name='web in']/tag/member[text()='x']")), "rule `web in`");
        assert_eq!(place(rules), "rulebase/security/rules");
        assert_eq!(place("/config/shared/tag"), "/config/shared/tag");
    }
}
