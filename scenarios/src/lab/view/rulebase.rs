//! The rulebase as an administrator knows it: the candidate in its order, with what differs in the running configuration.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{change::OwnedRule, config::Config, id::OwnedName, service::Apps};
use drawbridge_simulator::{
    world::{PendingRow, World},
    xml::Element,
};
use serde_json::{Value, json};

use crate::lab::{eyes::Seen, timeline::rule_of};

/// The columns of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    name: String,
    from: Vec<String>,
    to: Vec<String>,
    source: Vec<String>,
    destination: Vec<String>,
    application: Vec<String>,
    service: Vec<String>,
    action: String,
    profile: String,
    log: String,
    tags: Vec<String>,
    description: String,
    disabled: bool,
    rest: Vec<Element>,
}

/// How a rule of the candidate stands to the running configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is the same in both.
    Running,
    /// Only the candidate has it.
    Added,
    /// It is another one there.
    Changed,
    /// It stands elsewhere.
    Moved,
    /// Only the running configuration has it.
    Deleted,
    /// Neither has it: Drawbridge would add it now.
    Planned,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Planned => "planned",
        }
    }
}

/// All rules: those of the candidate, each that is deleted there behind its former neighbour, and those that Drawbridge would
/// add above the bottom rule.
pub(in crate::lab) fn rows(world: &World, pending: &[PendingRow], seen: &Seen, config: &Config) -> Value {
    let page = Page { seen, config, work: work(pending) };
    let running: Vec<Row> = entries(world.firewall().running()).map(row).collect();
    let candidate: Vec<Row> = entries(world.firewall().candidate()).map(row).collect();
    let kept: BTreeSet<&str> = candidate.iter().map(|row| row.name.as_str()).collect();
    let by_name: BTreeMap<&str, &Row> = running.iter().map(|row| (row.name.as_str(), row)).collect();
    let mut deleted = Deleted::of(&running, &kept);
    let mut all = Vec::new();
    deleted.behind("", |row| all.push(page.line(row, None, State::Deleted)));
    for (index, row) in candidate.iter().enumerate() {
        if row.name == config.bottom_rule.as_str() {
            let new = seen.additions.iter().filter(|(rule, _)| !kept.contains(rule.name.to_string().as_str()));
            all.extend(new.map(|(rule, _)| page.line(&planned(rule), None, State::Planned)));
        }
        let state = match by_name.get(row.name.as_str()) {
            None => State::Added,
            Some(before) if *before != row => State::Changed,
            Some(_) if page.is_moved(&row.name) => State::Moved,
            Some(_) => State::Running,
        };
        all.push(page.line(row, Some(index + 1), state));
        deleted.behind(&row.name, |row| all.push(page.line(row, None, State::Deleted)));
    }
    Value::Array(all)
}

/// Rules that the candidate does not have any more, by the rule that each stood behind.
struct Deleted<'r>(BTreeMap<&'r str, Vec<&'r Row>>);

impl<'r> Deleted<'r> {
    fn of(running: &'r [Row], kept: &BTreeSet<&str>) -> Self {
        let mut behind: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        let mut last = "";
        for row in running {
            if kept.contains(row.name.as_str()) {
                last = &row.name;
            } else {
                behind.entry(last).or_default().push(row);
            }
        }
        Self(behind)
    }

    fn behind(&mut self, name: &str, tell: impl FnMut(&Row)) {
        self.0.remove(name).into_iter().flatten().for_each(tell);
    }
}

/// Who works on each rule, and what they did.
fn work(pending: &[PendingRow]) -> BTreeMap<&str, Vec<&PendingRow>> {
    let mut work: BTreeMap<&str, Vec<&PendingRow>> = BTreeMap::new();
    for row in pending {
        if let Some(rule) = rule_of(&row.xpath) {
            work.entry(rule).or_default().push(row);
        }
    }
    work
}

struct Page<'p> {
    seen: &'p Seen,
    config: &'p Config,
    work: BTreeMap<&'p str, Vec<&'p PendingRow>>,
}

impl Page<'_> {
    fn is_moved(&self, name: &str) -> bool {
        self.work.get(name).is_some_and(|work| work.iter().any(|row| row.action.eq_ignore_ascii_case("move")))
    }

    fn line(&self, row: &Row, position: Option<usize>, state: State) -> Value {
        let name = row.name.as_str();
        let is_tagged = row.tags.iter().any(|tag| tag == self.config.owner.as_str());
        let is_ours = is_tagged && OwnedName::parse(name).is_some();
        let by: BTreeSet<_> = self.work.get(name).into_iter().flatten().map(|row| row.admin.as_str()).collect();
        let planned = match state {
            State::Planned => {
                self.seen.additions.iter().find(|(rule, _)| rule.name.to_string() == name).map(|(_, why)| why)
            }
            State::Running | State::Added | State::Changed | State::Moved | State::Deleted => {
                self.seen.planned.get(name)
            }
        };
        json!({
            "name": name, "position": position, "state": state.name(), "ours": is_ours,
            "bottom": name == self.config.bottom_rule.as_str(), "disabled": row.disabled,
            "from": row.from, "to": row.to, "source": row.source, "destination": row.destination,
            "application": row.application, "service": row.service, "action": row.action, "profile": row.profile,
            "log": row.log, "tags": row.tags, "description": row.description,
            "by": by, "cause": if is_ours { cause(&row.description) } else { None },
            "serves": self.seen.serves.get(name), "planned": planned,
        })
    }
}

/// The event that a rule of ours was made for, as its description says: `aws ACCOUNT REGION; GROUP on INTERFACES; EVENT`, and
/// who, which event and which run.
fn cause(description: &str) -> Option<&str> {
    description.starts_with("aws ").then(|| description.split("; ").nth(2)).flatten()
}

/// A rule that Drawbridge would write.
fn planned(rule: &OwnedRule) -> Row {
    let application = match &rule.spelling.service.apps {
        Apps::Any => vec!["any".to_owned()],
        Apps::Named(names) => names.iter().map(ToString::to_string).collect(),
    };
    Row {
        name: rule.name.to_string(),
        from: vec![rule.from.to_string()],
        to: vec![rule.to.to_string()],
        source: rule.columns.source.clone(),
        destination: rule.columns.destination.clone(),
        application,
        service: vec![rule.service.to_string()],
        action: "allow".to_owned(),
        profile: rule.profile_group.as_ref().map(ToString::to_string).unwrap_or_default(),
        tags: rule.tags.iter().map(ToString::to_string).collect(),
        description: rule.description.clone(),
        ..Row::default()
    }
}

/// The entries of the security rules.
fn entries(config: &Element) -> impl Iterator<Item = &Element> {
    let vsys = config.child("devices").and_then(|devices| devices.entry_named("localhost.localdomain"));
    let vsys = vsys.and_then(|device| device.child("vsys")).and_then(|vsys| vsys.entry_named("vsys1"));
    let rules = vsys.and_then(|vsys| vsys.at(&["rulebase", "security", "rules"]));
    rules.into_iter().flat_map(|rules| &rules.children)
}

fn row(entry: &Element) -> Row {
    let mut row = Row { name: entry.attribute("name").unwrap_or_default().to_owned(), ..Row::default() };
    let list = |element: &Element| element.members().map(str::to_owned).collect::<Vec<_>>();
    for child in &entry.children {
        let text = || child.text.trim().to_owned();
        match child.name.as_str() {
            "from" => row.from = list(child),
            "to" => row.to = list(child),
            "source" => row.source = list(child),
            "destination" => row.destination = list(child),
            "application" => row.application = list(child),
            "service" => row.service = list(child),
            "tag" => row.tags = list(child),
            "action" => row.action = text(),
            "description" => row.description = child.text.clone(),
            "disabled" => row.disabled = text() == "yes",
            "log-setting" => row.log = text(),
            "profile-setting" => row.profile = profile(child),
            _ => row.rest.push(child.clone()),
        }
    }
    row
}

/// The profile group, or the single profiles.
fn profile(setting: &Element) -> String {
    if let Some(group) = setting.child("group") {
        return group.members().collect::<Vec<_>>().join(", ");
    }
    let profiles = setting.child("profiles").map(|profiles| profiles.children.as_slice()).unwrap_or_default();
    profiles.iter().flat_map(Element::members).collect::<Vec<_>>().join(", ")
}
