//! The rulebase as an administrator knows it.

use comfy_table::{Table, presets};
use drawbridge_simulator::{script::RuleState, world::RuleRow};

/// Marks a rule of ours.
const OURS: &str = "*";

/// A table of rules; those with the tag are marked.
pub(crate) fn rules(rows: &[RuleRow], owner: &str) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["", "#", "name", "from", "to", "source", "destination", "application", "service", "action"]);
    for (index, row) in rows.iter().enumerate() {
        let mark = if row.tags.iter().any(|tag| tag == owner) { OURS } else { "" };
        let action = match row.state {
            RuleState::Enabled => row.action.clone(),
            RuleState::Disabled => format!("{} (disabled)", row.action),
        };
        table.add_row([
            mark.to_owned(),
            (index + 1).to_string(),
            row.name.clone(),
            list(&row.from),
            list(&row.to),
            list(&row.source),
            list(&row.destination),
            list(&row.applications),
            list(&row.services),
            action,
        ]);
    }
    table.to_string().lines().map(|line| line.trim_end().to_owned()).collect()
}

/// A few of many.
fn list(members: &[String]) -> String {
    const SHOWN: usize = 3;
    match members.len().saturating_sub(SHOWN) {
        0 => members.join(","),
        more => format!("{} and {more} more", members[..SHOWN].join(",")),
    }
}
