//! Who changed what since the last commit: the change journal, and the marks on the elements themselves.

use std::collections::BTreeSet;

use super::path::{Path, Step};
use crate::xml::Element;

/// An administrator's write: the marks it leaves on every element that it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) admin: String,
    pub(super) id: u64,
    pub(super) time: String,
}

const MARKS: [&str; 3] = ["admin", "dirtyId", "time"];

impl Mark {
    /// Marks one element.
    pub(super) fn put_on(&self, element: &mut Element) {
        unmark(element);
        let values = [self.admin.clone(), self.id.to_string(), self.time.clone()];
        element.attributes.extend(MARKS.map(str::to_owned).into_iter().zip(values));
    }

    /// Marks an element and everything below it.
    pub(super) fn put_on_all(&self, element: &mut Element) {
        self.put_on(element);
        element.children.iter_mut().for_each(|child| self.put_on_all(child));
    }

    /// Marks the elements on the way to `path`, and the one at its end.
    pub(super) fn put_on_way(&self, root: &mut Element, path: &Path) {
        let mut element = root;
        self.put_on(element);
        for step in path.steps().iter().skip(1) {
            match element.children.iter_mut().find(|child| step.leads_to(child)) {
                Some(child) => element = child,
                None => return,
            }
            self.put_on(element);
        }
    }
}

fn unmark(element: &mut Element) {
    element.attributes.retain(|(name, _)| !MARKS.contains(&name.as_str()));
}

fn is_marked(element: &Element) -> bool {
    element.attribute("dirtyId").is_some()
}

/// The same tree without marks.
pub(super) fn without_marks(element: &Element) -> Element {
    let mut clean = element.clone();
    unmark_all(&mut clean);
    clean
}

/// Below an element without marks there are none.
fn unmark_all(element: &mut Element) {
    if is_marked(element) {
        unmark(element);
        element.children.iter_mut().for_each(unmark_all);
    }
}

/// What was done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Set,
    Edit,
    Delete,
    Move,
    Rename,
    Clone,
}

impl Action {
    fn label(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::Edit => "EDIT",
            Self::Delete => "DELETE",
            Self::Move => "MOVE",
            Self::Rename => "RENAME",
            Self::Clone => "CLONE",
        }
    }
}

/// Whether the place among its siblings is part of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Kept,
    Changed,
}

/// An uncommitted change of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: Path,
    pub(super) action: Action,
    pub(super) order: Order,
    /// The latest write.
    pub(super) mark: Mark,
    /// Everyone who had a hand in it, the latest last.
    pub(super) history: Vec<String>,
}

impl Change {
    /// Whether a commit or revert of these administrators covers this change. Where several had a hand in it, each covers it.
    pub(super) fn is_of(&self, admins: &BTreeSet<String>) -> bool {
        self.history.iter().any(|admin| admins.contains(admin))
    }

    fn to_xml(&self) -> Element {
        Element::new("entry").with_all([
            Element::text("xpath", self.path.to_string()),
            Element::text("owner", &self.mark.admin),
            // The blank in front is the device's.
            Element::text("action", format!(" {}", self.action.label())),
            Element::text("admin-history", self.history.join(",")),
            Element::text("component-type", component(&self.path)),
        ])
    }
}

fn component(path: &Path) -> &'static str {
    match path.steps().get(1) {
        Some(Step::Child(tag)) if tag == "shared" => "shared-object",
        _ if path.vsys().is_some() => "policy-and-objects",
        _ => "device-and-network",
    }
}

/// All uncommitted changes, in the order in which their places were first touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    changes: Vec<Change>,
    latest: u64,
}

impl Journal {
    /// The mark of the next write.
    pub(super) fn next_mark(&mut self, admin: &str, time: String) -> Mark {
        self.latest += 1;
        Mark { admin: admin.to_owned(), id: self.latest, time }
    }

    /// The number of the latest write.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// What is uncommitted.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Enters a write. What replaces a whole place takes over the changes below it, and with them their authors.
    pub(super) fn enter(&mut self, path: &Path, action: Action, order: Order, mark: &Mark) {
        let mut history = Vec::new();
        if matches!(action, Action::Edit | Action::Delete) {
            self.changes.retain(|change| {
                let is_replaced = change.path != *path && change.path.is_within(path);
                if is_replaced {
                    history.extend(change.history.iter().cloned());
                }
                !is_replaced
            });
        }
        let at = self.changes.iter().position(|change| change.path == *path).unwrap_or_else(|| {
            let change = Change { path: path.clone(), action, order, mark: mark.clone(), history: Vec::new() };
            self.changes.push(change);
            self.changes.len() - 1
        });
        let change = &mut self.changes[at];
        // What was deleted and set again stands at the end.
        let is_renewed = change.action == Action::Delete && action != Action::Delete;
        if is_renewed || order == Order::Changed {
            change.order = Order::Changed;
        }
        change.action = action;
        change.mark = mark.clone();
        change.history.extend(history);
        change.history.retain(|admin| *admin != mark.admin);
        change.history.push(mark.admin.clone());
        let mut seen = BTreeSet::new();
        change.history.retain(|admin| seen.insert(admin.clone()));
    }

    /// Strikes out changes that are no longer uncommitted: those at the paths of `settled`, unless touched again since.
    pub(super) fn strike(&mut self, settled: &[Change]) {
        self.changes.retain(|change| {
            !settled.iter().any(|settled| settled.path == change.path && settled.mark.id >= change.mark.id)
        });
    }

    /// Takes the marks off every element that no change accounts for any more, and leaves the others theirs.
    pub(super) fn refresh_marks(&self, root: &mut Element) {
        let changes: Vec<_> = self.changes.iter().map(|change| (change, &change.path.steps()[1..])).collect();
        refresh(root, &changes);
    }
}

/// The answer to `show config list changes`.
pub(super) fn to_xml(changes: &[Change]) -> Element {
    Element::new("journal").with_all(changes.iter().map(Change::to_xml))
}

/// `changes`: those at or below this element, with the steps that are left from here.
fn refresh(element: &mut Element, changes: &[(&Change, &[Step])]) {
    refresh_within(element, changes, None);
}

/// `around`: the latest change of a place that this element is in. Whoever wrote that wrote the element, too.
fn refresh_within(element: &mut Element, changes: &[(&Change, &[Step])], around: Option<&Change>) {
    if !is_marked(element) {
        return;
    }
    let later = |change: &&Change| change.mark.id;
    let Some(latest) = changes.iter().map(|(change, _)| *change).chain(around).max_by_key(later) else {
        return unmark_all(element);
    };
    latest.mark.put_on(element);
    let here = changes.iter().filter(|(_, rest)| rest.is_empty()).map(|(change, _)| *change);
    let around = here.chain(around).max_by_key(later);
    for child in &mut element.children {
        let below: Vec<_> = changes
            .iter()
            .filter_map(|(change, rest)| rest.split_first().map(|(first, rest)| (*change, first, rest)))
            .filter(|(_, first, _)| first.leads_to(child))
            .map(|(change, _, rest)| (change, rest))
            .collect();
        refresh_within(child, &below, around);
    }
}
