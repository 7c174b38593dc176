//! The candidate configuration: what administrators edit, checked at every write.

use std::collections::BTreeMap;

use super::{
    answer::Refusal,
    check::{self, Strictness, duplicate},
    journal::{Action, Change, Journal, Mark, Order},
    path::{Path, Step},
    problem::{NamedFrom, Problem, enclosing_object, lines, trail},
    references::{Names, objects},
    schema::Node,
    write::{Destination, Write},
};
use crate::xml::Element;

/// A candidate and what is uncommitted in it. Cloned, changed and swapped: that is a transaction.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    tree: Element,
    journal: Journal,
    uuids: u64,
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Changed,
    /// There was nothing to delete.
    Absent,
}

impl Candidate {
    /// A candidate without uncommitted changes.
    pub(super) fn new(tree: Element) -> Self {
        Self { tree, journal: Journal::default(), uuids: 0 }
    }

    /// The tree, with the marks of uncommitted changes.
    pub(super) fn tree(&self) -> &Element {
        &self.tree
    }

    /// What is uncommitted.
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Changes are in the running configuration now, or were taken back.
    pub(super) fn settle(&mut self, changes: &[Change]) {
        self.journal.strike(changes);
        self.journal.refresh_marks(&mut self.tree);
    }

    /// Goes on with another tree, from which these changes are gone.
    pub(super) fn replace(&mut self, tree: Element, without: &[Change]) {
        self.tree = tree;
        self.settle(without);
    }

    /// Drops all changes and goes on from the running configuration.
    pub(super) fn discard(&mut self, running: Element) {
        let changes = self.journal.changes().to_vec();
        self.replace(running, &changes);
    }

    /// Goes on with another tree; every part in which it differs from what runs counts as replaced.
    pub(super) fn exchange(&mut self, tree: Element, running: &Element, admin: &str, time: String) {
        self.discard(tree);
        let mark = self.journal.next_mark(admin, time);
        for (place, action) in differences(running, &self.tree) {
            if let Some(element) = place.find_mut(&mut self.tree) {
                mark.put_on_all(element);
            }
            mark.put_on_way(&mut self.tree, &place);
            self.journal.enter(&place, action, Order::Kept, &mark);
        }
    }

    /// Merges content into a place without anybody having changed it: as if it had always been there.
    pub(super) fn load(&mut self, place: &Path, content: &[Element]) -> Result<(), Refusal> {
        let journal = self.journal.clone();
        let mark = self.journal.next_mark("", String::new());
        self.set(place, content, &mark)?;
        self.journal = journal;
        self.journal.refresh_marks(&mut self.tree);
        Ok(())
    }

    /// Gives the rules at a place the `uuid`s that they have in another tree.
    pub(super) fn adopt_uuids(&mut self, place: &Path, other: &Element) {
        if let (Some(element), Some(other)) = (place.find_mut(&mut self.tree), place.find(other)) {
            keep_uuids(element, other);
        }
    }

    /// The same, every rule with a `uuid`.
    pub(super) fn with_uuids(mut self) -> Self {
        give_uuids(&mut self.tree, "", &mut self.uuids);
        self
    }

    /// The tree, when nothing else is wanted of this candidate.
    pub(super) fn into_tree(self) -> Element {
        self.tree
    }

    /// Makes one change, checks what has become of the candidate, and enters it into the journal.
    pub(super) fn write(&mut self, write: &Write, admin: &str, time: String) -> Result<Done, Refusal> {
        let mark = self.journal.next_mark(admin, time);
        match write {
            Write::Set { place, content } => self.set(place, content, &mark)?,
            Write::Edit { place, content } => self.edit(place, content, &mark)?,
            Write::Delete { selection } => return self.delete(&selection.places(&self.tree), &mark),
            Write::Rename { place, name } => self.rename(place, name, &mark)?,
            Write::Clone { collection, from, name } => self.copy(collection, from, name, &mark)?,
            Write::Move { place, to } => self.reorder(place, to, &mark)?,
        }
        Ok(Done::Changed)
    }

    fn set(&mut self, place: &Path, content: &[Element], mark: &Mark) -> Result<(), Refusal> {
        self.check_scope(place)?;
        let fragment = Element::new("fragment").with_all(content.iter().cloned());
        check_duplicates(&fragment, place)?;
        let target = place.find_or_create(&mut self.tree).ok_or_else(Refusal::no_such_object)?;
        merge(target, &fragment, Node::at(place), mark);
        mark.put_on_way(&mut self.tree, place);
        self.give_uuids(place);
        self.check(place)?;
        self.journal.enter(place, Action::Set, Order::Kept, mark);
        Ok(())
    }

    fn edit(&mut self, place: &Path, content: &Element, mark: &Mark) -> Result<(), Refusal> {
        self.check_scope(place)?;
        check_duplicates(content, place)?;
        let named_before = objects(&self.tree, place);
        let target = place.find_or_create(&mut self.tree).ok_or_else(Refusal::no_such_object)?;
        let before = std::mem::replace(target, content.clone());
        keep_uuids(target, &before);
        mark.put_on_all(target);
        mark.put_on_way(&mut self.tree, place);
        self.give_uuids(place);
        self.check(place)?;
        self.check_unreferenced(&named_before)?;
        self.journal.enter(place, Action::Edit, Order::Kept, mark);
        Ok(())
    }

    fn delete(&mut self, places: &[Path], mark: &Mark) -> Result<Done, Refusal> {
        let named_before: Vec<_> = places.iter().flat_map(|place| objects(&self.tree, place)).collect();
        for place in places {
            self.check_scope(place)?;
            // A place within another that is already gone needs nothing more.
            if place.remove(&mut self.tree).is_some() {
                mark.put_on_way(&mut self.tree, &place.parent().unwrap_or_default());
                self.journal.enter(place, Action::Delete, Order::Kept, mark);
            }
        }
        self.check_unreferenced(&named_before)?;
        Ok(if places.is_empty() { Done::Absent } else { Done::Changed })
    }

    fn rename(&mut self, place: &Path, name: &str, mark: &Mark) -> Result<(), Refusal> {
        let renamed = self.free_place(&place.parent().unwrap_or_default(), name)?;
        let (Some(Step::Entry(_)), Some(entry)) = (place.last(), place.find_mut(&mut self.tree)) else {
            return Err(Refusal::no_such_object());
        };
        entry.set_attribute("name", name);
        mark.put_on_all(entry);
        for used in Names::of(&self.tree).referrers(place) {
            if let Some(element) = used.place.find_mut(&mut self.tree) {
                replace_name(element, &used.name, name);
                mark.put_on_all(element);
            }
            mark.put_on_way(&mut self.tree, &used.place);
            self.journal.enter(&used.place, Action::Edit, Order::Kept, mark);
        }
        mark.put_on_way(&mut self.tree, &renamed);
        self.check(&renamed)?;
        self.journal.enter(place, Action::Delete, Order::Kept, mark);
        self.journal.enter(&renamed, Action::Rename, Order::Kept, mark);
        Ok(())
    }

    fn copy(&mut self, collection: &Path, from: &Path, name: &str, mark: &Mark) -> Result<(), Refusal> {
        self.check_scope(collection)?;
        let place = self.free_place(collection, name)?;
        let mut copy = from.find(&self.tree).cloned().ok_or_else(Refusal::no_such_object)?;
        copy.attributes.retain(|(name, _)| name != "uuid");
        copy.set_attribute("name", name);
        mark.put_on_all(&mut copy);
        collection.find_or_create(&mut self.tree).ok_or_else(Refusal::no_such_object)?.children.push(copy);
        mark.put_on_way(&mut self.tree, &place);
        self.give_uuids(&place);
        self.check(&place)?;
        self.journal.enter(&place, Action::Clone, Order::Kept, mark);
        Ok(())
    }

    fn reorder(&mut self, place: &Path, to: &Destination, mark: &Mark) -> Result<(), Refusal> {
        let (Some(step @ Step::Entry(_)), Some(parent)) = (place.last(), place.parent()) else {
            return Err(Refusal::no_such_object());
        };
        let siblings = &mut parent.find_mut(&mut self.tree).ok_or_else(Refusal::no_such_object)?.children;
        let position = |siblings: &[Element], step: &Step| {
            siblings.iter().position(|sibling| step.leads_to(sibling)).ok_or_else(Refusal::no_such_object)
        };
        let from = position(siblings, step)?;
        let to = match to {
            Destination::Top if from == 0 => return Err(Refusal::new(14, "already at the top")),
            Destination::Bottom if from + 1 == siblings.len() => {
                return Err(Refusal::new(14, "already at the bottom"));
            }
            Destination::Top => 0,
            Destination::Bottom => siblings.len(),
            Destination::Before(name) => position(siblings, &Step::Entry(name.clone()))?,
            Destination::After(name) => position(siblings, &Step::Entry(name.clone()))? + 1,
        };
        let entry = siblings.remove(from);
        siblings.insert(if to > from { to - 1 } else { to }, entry);
        mark.put_on_way(&mut self.tree, place);
        self.journal.enter(place, Action::Move, Order::Changed, mark);
        Ok(())
    }

    /// The place for a new entry of that name, unless the name is taken.
    fn free_place(&self, collection: &Path, name: &str) -> Result<Path, Refusal> {
        let place = collection.then(Step::Entry(name.to_owned()));
        match place.find(&self.tree) {
            Some(_) => Err(Refusal::new(8, format!(" '{name}' is already in use"))),
            None => Ok(place),
        }
    }

    /// Predefined and pushed configuration cannot be written, and no write brings a virtual system into being.
    fn check_scope(&self, place: &Path) -> Result<(), Refusal> {
        let is_fixed = |step: &Step| matches!(step, Step::Child(tag) if tag == "predefined" || tag == "panorama");
        match place.steps() {
            [_, step, ..] if is_fixed(step) => Err(Refusal::new(15, "Operation denied")),
            [_, _, _, Step::Child(vsys), name, ..] if vsys == "vsys" => {
                let vsys = Path::of(place.steps()[..4].iter().cloned()).then(name.clone());
                vsys.find(&self.tree).map(|_| ()).ok_or_else(Refusal::no_such_object)
            }
            [root, _, ..] if root.leads_to(&self.tree) => Ok(()),
            _ => Err(Refusal::no_such_object()),
        }
    }

    /// Checks the object that was written to, or everything below a place that holds several.
    fn check(&self, place: &Path) -> Result<(), Refusal> {
        check_tree(&self.tree, &enclosing_object(place), Strictness::Write)
    }

    fn check_unreferenced(&self, named_before: &[Path]) -> Result<(), Refusal> {
        let names = Names::of(&self.tree);
        for gone in named_before.iter().filter(|place| place.find(&self.tree).is_none()) {
            let referrers: Vec<_> = names.referrers(gone).into_iter().filter(|used| !names.resolves(used)).collect();
            if !referrers.is_empty() {
                let name = gone.last().map(Step::label).unwrap_or_default();
                let mut lines = vec![format!("  {name} cannot be deleted because of references from:")];
                lines.extend(referrers.iter().map(|used| format!(" {}", trail(&used.place, NamedFrom::Device))));
                return Err(Refusal { code: Some(10), lines });
            }
        }
        Ok(())
    }

    /// Every rule has a `uuid` of the device's making.
    fn give_uuids(&mut self, place: &Path) {
        let object = enclosing_object(place);
        let is_rule = matches!(object.parent().as_ref().and_then(Path::last), Some(Step::Child(tag)) if tag == "rules");
        if let Some(element) = object.find_mut(&mut self.tree) {
            give_uuids(element, if is_rule { "rules" } else { "" }, &mut self.uuids);
        }
    }
}

/// What is wrong at and below `place`, as a refusal.
pub(super) fn check_tree(tree: &Element, place: &Path, strictness: Strictness) -> Result<(), Refusal> {
    let Some(element) = place.find(tree) else { return Ok(()) };
    let mut problems = check::problems(element, place, strictness);
    if problems.is_empty() {
        problems = Names::of(tree).problems(place);
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Refusal { code: Some(12), lines: lines(&problems, NamedFrom::Object) })
}

/// The collections and settings in which two trees differ, and what makes one of the other.
fn differences(old: &Element, new: &Element) -> Vec<(Path, Action)> {
    let mut found = Vec::new();
    let mut ahead = vec![(Path::of([Step::to(new)]), old, new)];
    while let Some((path, old, new)) = ahead.pop() {
        for child in &new.children {
            let (step, path) = (Step::to(child), path.then(Step::to(child)));
            match old.children.iter().find(|old| step.leads_to(old)) {
                Some(same) if same == child => {}
                Some(other) if holds_collections(&path) => ahead.push((path, other, child)),
                Some(_) | None => found.push((path, Action::Edit)),
            }
        }
        let is_gone = |step: &Step| !new.children.iter().any(|new| step.leads_to(new));
        let gone = old.children.iter().map(Step::to).filter(is_gone);
        found.extend(gone.map(|step| (path.then(step), Action::Delete)));
    }
    found
}

/// The device list, a device, its virtual systems, and what is shared.
fn holds_collections(path: &Path) -> bool {
    let labels: Vec<&str> = path.steps().iter().map(Step::label).collect();
    matches!(labels.as_slice(), [_, "shared" | "devices"] | [_, "devices", _] | [_, "devices", _, "vsys", ..])
        && labels.len() <= 5
}

/// Merges as `set` does: texts are overwritten, lists united, of alternatives the new one stays.
fn merge(target: &mut Element, fragment: &Element, node: &Node, mark: &Mark) {
    if fragment.children.is_empty() {
        return;
    }
    for part in &fragment.children {
        let rivals = node.alternatives(&part.name);
        target.children.retain(|child| child.name == part.name || !rivals.contains(&child.name.as_str()));
    }
    // Rulebases are long: each rule is looked up, not searched for.
    let mut places: BTreeMap<Step, usize> = target.children.iter().map(Step::to).zip(0..).collect();
    for part in &fragment.children {
        let step = Step::to(part);
        let index = *places.entry(step.clone()).or_insert_with(|| {
            target.children.push(Element::new(&part.name));
            target.children.len() - 1
        });
        let child = &mut target.children[index];
        for (name, value) in &part.attributes {
            child.set_attribute(name, value);
        }
        if part.children.is_empty() && child.children.is_empty() {
            child.text.clone_from(&part.text);
        }
        mark.put_on(child);
        merge(child, part, node.below(&step), mark);
    }
}

fn check_duplicates(element: &Element, place: &Path) -> Result<(), Refusal> {
    if let Some(step) = duplicate(element) {
        let problem = |place: Path, words: &str| Problem { place, words: words.into() };
        let problems = [problem(place.then(step), "is a duplicate node"), problem(place.clone(), "is invalid")];
        return Err(Refusal { code: Some(12), lines: lines(&problems, NamedFrom::Object) });
    }
    element.children.iter().try_for_each(|child| check_duplicates(child, &place.then(Step::to(child))))
}

fn keep_uuids(new: &mut Element, old: &Element) {
    if let Some(uuid) = old.attribute("uuid") {
        new.set_attribute("uuid", uuid);
    }
    for (index, child) in new.children.iter_mut().enumerate() {
        let step = Step::to(child);
        // Mostly the order is the same, and there are many rules.
        let same_place = old.children.get(index).filter(|old| step.leads_to(old));
        if let Some(old) = same_place.or_else(|| old.children.iter().find(|old| step.leads_to(old))) {
            keep_uuids(child, old);
        }
    }
}

fn give_uuids(element: &mut Element, parent: &str, given: &mut u64) {
    if parent == "rules" && element.name == "entry" && element.attribute("uuid").is_none() {
        *given += 1;
        let place = if element.attribute("name").is_some() { 1 } else { 0 };
        let uuid = format!("5f1d7a90-3c42-4b8e-9d06-{given:012x}");
        element.attributes.insert(place, ("uuid".into(), uuid));
    }
    let name = element.name.clone();
    element.children.iter_mut().for_each(|child| give_uuids(child, &name, given));
}

fn replace_name(element: &mut Element, old: &str, new: &str) {
    if element.text == old {
        element.text = new.to_owned();
    }
    for member in element.children.iter_mut().filter(|member| member.text == old) {
        member.text = new.to_owned();
    }
}
