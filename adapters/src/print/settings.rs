//! The list of settings.

use comfy_table::{ContentArrangement, Table, presets};

use crate::settings::KEYS;

/// Every setting, its variable, what it means and what holds without it.
pub fn settings() -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["setting", "variable", "meaning"]);
    for key in KEYS {
        table.add_row([key.name.to_owned(), key.variable(), format!("{}; {}", key.meaning, key.otherwise)]);
    }
    format!("{table}\n")
}
