//! What a user reads: tables that are made from the program, settings that it knows, links that lead somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use drawbridge::{
    exit::{MEANINGS, meanings},
    settings::{ALIASES, FILE_VARIABLE, KEYS, Key, LOG_VARIABLE, Otherwise, Settings, SettingsFile},
};
use expect_test::expect_file;

use crate::text::{blocks, documents, file, repository};

#[test]
fn whole_settings_files_can_be_used() {
    let mut found = 0;
    for (path, text) in documents() {
        for block in blocks(&text).iter().filter(|block| block.trim_start().starts_with("mode = ")) {
            let name = path.display().to_string();
            // On a host the unit says where the key is.
            let of_unit = ("DRAWBRIDGE_FIREWALL_API_KEY_FILE".to_owned(), "/run/credentials/key".to_owned());
            let environment = if block.contains("api_key") { None } else { Some(of_unit) };
            let file = SettingsFile { name: &name, text: block };
            Settings::read(Some(file), &environment.into_iter().collect()).unwrap();
            found += 1;
        }
    }
    assert!(found >= 3, "only {found} files were tried");
}

/// Whether a variable is one of the program's own.
pub(crate) fn is_known(variable: &str) -> bool {
    KEYS.iter().any(|key| key.variable() == variable)
        || ALIASES.iter().any(|(alias, _)| *alias == variable)
        || [FILE_VARIABLE, LOG_VARIABLE].contains(&variable)
}

#[test]
fn variables_are_those_of_the_program() {
    let mut found = BTreeSet::new();
    for (path, text) in documents() {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        for word in words.filter(|word| word.starts_with("DRAWBRIDGE_") || word.starts_with("PANOS_")) {
            assert!(is_known(word), "{path:?}: there is no variable `{word}`");
            found.insert(word.to_owned());
        }
    }
    assert!(found.len() > KEYS.len(), "only {found:?} were tried");
}

/// What stands in single backquotes, on one line and outside of blocks.
fn spans(text: &str) -> Vec<String> {
    let prose = text.lines().filter(|line| !line.starts_with("    "));
    let spans = prose.flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    spans.filter(|span| !span.is_empty()).collect()
}

/// `policy.owner`, `limits.*`; not `watch.rs`.
fn is_name_of_setting(span: &str) -> bool {
    let sections: BTreeSet<_> =
        KEYS.iter().filter_map(|key| key.name.split_once('.')).map(|(section, _)| section).collect();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    span.split_once('.').is_some_and(|(section, name)| sections.contains(section) && is_name(name) && name != "rs")
}

#[test]
fn settings_that_are_named_are_those_of_the_program() {
    let mut found = BTreeSet::new();
    for (path, text) in documents() {
        for span in spans(&text).into_iter().filter(|span| is_name_of_setting(span)) {
            assert!(Key::find(&span).is_some(), "{path:?}: there is no setting `{span}`");
            found.insert(span);
        }
    }
    assert!(found.len() > KEYS.len() / 2, "only {found:?} were tried");
}

/// `mode = "observe"` in the middle of a text is what the file would take.
#[test]
fn settings_that_are_shown_with_a_value_can_have_it() {
    let mut found = 0;
    for (path, text) in documents() {
        for span in spans(&text) {
            let Some(key) = span.split_once(" = ").and_then(|(name, _)| Key::find(name)) else { continue };
            let problems =
                Settings::read(Some(SettingsFile { name: "here", text: &span }), &BTreeMap::new()).unwrap_err();
            let wrong = problems.0.iter().map(ToString::to_string).find(|problem| problem.contains("here"));
            assert_eq!(wrong, None, "{path:?}: `{span}` gives {}", key.name);
            found += 1;
        }
    }
    assert!(found > 10, "only {found} were tried");
}

/// What the README says of exit statuses, before any remark of its own.
#[test]
fn the_table_of_exit_statuses_is_up_to_date() {
    let text = file("README.md");
    let (_, table) = text.split_once("| command | what it does | exit status |\n").unwrap();
    let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
    let told: BTreeMap<_, _> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let [command, _, status] = cells[..] else { panic!("{row}") };
            let command = command.trim_matches('`').split(' ').nth(1).unwrap();
            (command.to_owned(), status.split("; ").next().unwrap().to_owned())
        })
        .collect();
    let known = MEANINGS.iter().map(|(command, _)| ((*command).to_owned(), meanings(command)));
    assert_eq!(told, known.collect());
}

#[test]
fn links_lead_somewhere() {
    for (path, text) in documents() {
        for link in text.split("](").skip(1).map(|rest| rest.split([')', '#']).next().unwrap()) {
            let is_local = !link.is_empty() && !link.starts_with("http");
            let target = path.parent().unwrap().join(link);
            assert!(!is_local || target.exists(), "{path:?}: `{link}`");
        }
    }
}

/// The table of all settings. `UPDATE_EXPECT=1` writes it anew; what stands around it is written by hand.
#[test]
fn the_table_of_settings_is_up_to_date() {
    let path = repository("docs/settings.md");
    let text = fs::read_to_string(&path).unwrap();
    let is_row = |line: &&str| line.starts_with('|');
    let before: Vec<_> = text.lines().take_while(|line| !is_row(line)).collect();
    let after: Vec<_> = text.lines().skip_while(|line| !is_row(line)).skip_while(is_row).collect();
    assert!(!after.iter().any(is_row), "there is another table");
    let whole = format!("{}\n{}{}\n", before.join("\n"), table(), after.join("\n"));
    expect_file![Path::new(&path)].assert_eq(&whole);
}

fn table() -> String {
    let mut table = "| setting | variable | what it decides | without it |\n| --- | --- | --- | --- |\n".to_owned();
    for key in KEYS {
        let otherwise = match key.otherwise {
            Otherwise::Required => "must be given".to_owned(),
            Otherwise::Unset(meaning) => meaning.to_owned(),
            Otherwise::Default(value) => format!("`{value}`"),
        };
        let cells = [key.meaning, &otherwise].map(|cell| cell.replace('|', "\\|"));
        writeln!(table, "| `{}` | `{}` | {} | {} |", key.name, key.variable(), cells[0], cells[1]).unwrap();
    }
    table
}
