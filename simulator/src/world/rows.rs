//! The rulebase and what is pending, as rows for people.

use crate::{firewall::Firewall, script::RuleState, xml::Element};

/// Which of a firewall's two configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// What carries traffic.
    Running,
    /// What the next commit would make of it.
    Candidate,
}

/// A security rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// From which zones.
    pub from: Vec<String>,
    /// To which zones.
    pub to: Vec<String>,
    /// From which addresses.
    pub source: Vec<String>,
    /// To which addresses.
    pub destination: Vec<String>,
    /// Which applications.
    pub applications: Vec<String>,
    /// Which services.
    pub services: Vec<String>,
    /// What happens.
    pub action: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it takes part.
    pub state: RuleState,
}

/// An uncommitted change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// Who made it.
    pub admin: String,
    /// Where.
    pub xpath: String,
    /// What was done there.
    pub action: String,
}

/// The security rules of a configuration, in order.
pub(super) fn rules(config: &Element) -> Vec<RuleRow> {
    entries(config).map(row).collect()
}

/// Their entries.
pub(super) fn entries(config: &Element) -> impl Iterator<Item = &Element> {
    let vsys = config.child("devices").and_then(|devices| devices.entry_named("localhost.localdomain"));
    let vsys = vsys.and_then(|device| device.child("vsys")).and_then(|vsys| vsys.entry_named("vsys1"));
    let rules = vsys.and_then(|vsys| vsys.at(&["rulebase", "security", "rules"]));
    rules.into_iter().flat_map(|rules| &rules.children)
}

impl Firewall {
    /// A rule of the candidate.
    pub(super) fn rule(&self, name: &str) -> Option<&Element> {
        entries(self.candidate()).find(|rule| rule.attribute("name") == Some(name))
    }
}

/// One of them.
pub(super) fn row(entry: &Element) -> RuleRow {
    let list =
        |name: &str| entry.child(name).map(|list| list.members().map(str::to_owned).collect()).unwrap_or_default();
    RuleRow {
        name: entry.attribute("name").unwrap_or_default().to_owned(),
        from: list("from"),
        to: list("to"),
        source: list("source"),
        destination: list("destination"),
        applications: list("application"),
        services: list("service"),
        action: entry.child_text("action").unwrap_or_default().to_owned(),
        tags: list("tag"),
        state: if entry.child_text("disabled") == Some("yes") { RuleState::Disabled } else { RuleState::Enabled },
    }
}

/// The changes of a journal, as `show config list changes` answers.
pub(super) fn pending(answer: &Element) -> Vec<PendingRow> {
    let journal = answer.at(&["result", "journal"]);
    let row = |entry: &Element| {
        let text = |name: &str| entry.child_text(name).unwrap_or_default().trim().to_owned();
        PendingRow { admin: text("owner"), xpath: text("xpath"), action: text("action") }
    };
    journal.map(|journal| journal.children.iter().map(row).collect()).unwrap_or_default()
}
