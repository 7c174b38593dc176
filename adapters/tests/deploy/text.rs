//! The files, and pieces of them.

use std::{
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

/// The SAM template.
pub(crate) fn sam() -> String {
    file("deploy/sam/template.yaml")
}

/// A file of the Terraform module.
pub(crate) fn terraform(name: &str) -> String {
    file(&format!("deploy/terraform/{name}.tf"))
}

/// How far a line is indented.
fn indentation(line: &str) -> usize {
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
