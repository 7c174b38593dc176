//! What PAN-OS would not take, and the lines in which it says so.

use super::path::{Path, Step};

/// Something in a configuration that PAN-OS would not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Where it is.
    pub(super) place: Path,
    /// What is said after the place.
    pub(super) words: String,
}

/// From where on a line names a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedFrom {
    /// `vsys -> vsys1 -> rulebase -> …`, for referrers.
    Device,
    /// `rulebase -> security -> …`, for commits.
    Vsys,
    /// The object's own name, for writes.
    Object,
}

/// The lines that tell of problems, each once.
pub(super) fn lines(problems: &[Problem], from: NamedFrom) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for problem in problems {
        let line = format!(" {} {}", trail(&problem.place, from), problem.words);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// A place in the words of messages.
pub(super) fn trail(place: &Path, from: NamedFrom) -> String {
    let is_outermost = |step: &Step| matches!(step, Step::Child(tag) if tag == "vsys" || tag == "shared");
    let outermost = place.steps().iter().position(is_outermost).unwrap_or(1);
    let start = match from {
        NamedFrom::Device => outermost,
        NamedFrom::Vsys if place.vsys().is_some() => outermost + 2,
        NamedFrom::Vsys => outermost,
        NamedFrom::Object => enclosing_object(place).steps().len() - 1,
    };
    place.steps().iter().skip(start).map(Step::label).collect::<Vec<_>>().join(" -> ")
}

/// The rule or object that a place belongs to, or the place itself where it holds several.
pub(super) fn enclosing_object(place: &Path) -> Path {
    let scope = if place.vsys().is_some() { 5 } else { 1 };
    let steps = place.steps();
    match steps.iter().skip(scope).position(|step| matches!(step, Step::Entry(_))) {
        Some(index) => Path::of(steps[..=scope + index].iter().cloned()),
        None => place.clone(),
    }
}
