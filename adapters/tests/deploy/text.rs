//! The files, and pieces of them.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// A path of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}

/// A file of the repository.
#[track_caller]
pub(crate) fn file(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documents for users, with their texts.
pub(crate) fn documents() -> Vec<(PathBuf, String)> {
    let directories = ["docs", "deploy", "deploy/panos", "deploy/systemd"].map(repository);
    let files = directories.iter().flat_map(|directory| fs::read_dir(directory).unwrap());
    let paths = files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|kind| kind == "md"));
    let paths = paths.chain([repository("README.md")]);
    let documents: Vec<_> = paths.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect();
    assert!(documents.len() > 10, "{documents:?}");
    documents
}

/// The indented blocks of a document, without their indentation.
pub(crate) fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(code) => writeln!(blocks.last_mut().unwrap(), "{code}").unwrap(),
            None if line.is_empty() => blocks.last_mut().unwrap().push('\n'),
            None => blocks.push(String::new()),
        }
    }
    blocks.into_iter().filter(|block| !block.trim().is_empty()).collect()
}

/// The SAM template.
pub(crate) fn sam() -> String {
    file("deploy/sam/template.yaml")
}

/// A file of the Terraform module.
pub(crate) fn terraform(name: &str) -> String {
    file(&format!("deploy/terraform/{name}.tf"))
}

/// How far a line is indented.
pub(crate) fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines below this one, which stands in the text once: as long as they are indented further. Blank lines and comments
/// are left out.
#[track_caller]
pub(crate) fn below<'t>(text: &'t str, head: &str) -> Vec<&'t str> {
    let mut lines = text.lines().skip_while(|line| *line != head);
    assert!(lines.next().is_some(), "there is no line `{head}`");
    assert_eq!(text.lines().filter(|line| *line == head).count(), 1, "`{head}` is not the only one");
    lines
        .filter(|line| !matches!(line.trim_start().chars().next(), None | Some('#')))
        .take_while(|line| indentation(line) > indentation(head))
        .collect()
}

/// A line without the remark at its end, and the remark.
pub(crate) fn remark(line: &str) -> (&str, Option<&str>) {
    match line.split_once(" #") {
        Some((line, remark)) => (line.trim_end(), Some(remark.trim())),
        None => (line, None),
    }
}

/// What stands between quotes in a line.
pub(crate) fn quoted(line: &str) -> Vec<&str> {
    line.split('"').skip(1).step_by(2).collect()
}

/// `policy.bottom_rule` and `policy_bottom_rule` as `PolicyBottomRule`.
pub(crate) fn pascal(name: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split(['.', '_']).map(capital).collect()
}
