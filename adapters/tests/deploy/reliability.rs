//! The stories, tests and files that `docs/reliability.md` names are there.

use std::{collections::BTreeSet, fs, path::Path};

use crate::text::{file, repository};

/// Where sources lie.
const CRATES: [&str; 6] = ["core", "adapters", "simulator", "scenarios", "benches", "fuzz"];

/// The names of the functions in the sources of a directory.
fn functions_in(directory: &Path, functions: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions_in(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            let heads = source.lines().filter_map(|line| line.split_once("fn "));
            functions.extend(heads.filter_map(|(_, rest)| rest.split(['(', '<']).next()).map(str::to_owned));
        }
    }
}

/// What stands in backquotes in a cell, and whether it is said to be a test: `` `first-day`, test `days_are_folders` ``.
fn names(cell: &str) -> Vec<(&str, bool)> {
    let pieces: Vec<_> = cell.split('`').collect();
    let mut is_test = false;
    let named = pieces.chunks_exact(2).map(|piece| {
        is_test |= piece[0].contains("test");
        (piece[1], is_test)
    });
    named.collect()
}

/// The cells of the tables' rows.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Whoever renames a test or a story corrects the tables as well.
#[test]
fn what_the_tables_of_reliability_name_is_there() {
    let mut functions = BTreeSet::new();
    CRATES.iter().for_each(|directory| functions_in(&repository(directory), &mut functions));
    let text = file("docs/reliability.md");
    let (mut tests, mut stories, mut paths) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for cells in rows(&text) {
        let named = match cells[..] {
            // The promises.
            [_, _] => continue,
            // The guards.
            [_, place, named] => {
                paths.extend(names(place).into_iter().map(|(path, _)| path));
                named
            }
            // What goes wrong.
            [_, _, _, named] => named,
            _ => panic!("{cells:?}"),
        };
        for (name, is_test) in names(named) {
            let kind = if is_test { &mut tests } else { &mut stories };
            kind.insert(name);
        }
    }
    assert!(tests.len() > 100 && stories.len() > 100 && paths.len() > 30, "only {tests:?}, {stories:?}, {paths:?}");
    for test in tests {
        let function = test.rsplit("::").next().unwrap();
        assert!(functions.contains(function), "there is no test `{test}`");
    }
    for story in stories {
        assert!(repository(&format!("scenarios/{story}.scenario")).exists(), "there is no story `{story}`");
    }
    for path in paths {
        assert!(repository(path).exists(), "there is no `{path}`");
    }
}
