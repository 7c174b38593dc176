//! Carries changes from one tree to the other: a partial commit from candidate to running, a partial revert back.

use std::collections::BTreeSet;

use super::{
    journal::{Change, Order, without_marks},
    path::{Path, Step},
};
use crate::xml::Element;

/// Makes the places of `changes` in `into` what they are in `from`, and leaves all others alone.
///
/// What is new or was moved goes next to the neighbours that both trees have. `unsettled` are places that somebody else
/// moved without having committed it: they are no neighbours to rely on.
pub(super) fn carry(from: &Element, into: &mut Element, changes: &[Change], unsettled: &BTreeSet<Path>) {
    for change in changes {
        if change.order == Order::Changed || change.path.find(from).is_none() {
            change.path.remove(into);
        }
    }
    let mut outermost_first: Vec<&Change> = changes.iter().collect();
    outermost_first.sort_by_key(|change| change.path.steps().len());
    for Change { path, .. } in outermost_first {
        if let (Some(element), Some(parent)) = (path.find(from), path.parent()) {
            place(without_marks(element), &parent, from, into, unsettled);
        }
    }
}

fn place(element: Element, parent: &Path, from: &Element, into: &mut Element, unsettled: &BTreeSet<Path>) {
    let step = Step::to(&element);
    let (Some(model), Some(parent_into)) = (parent.find(from), parent.find_or_create(into)) else { return };
    let siblings = &mut parent_into.children;
    if let Some(present) = siblings.iter_mut().find(|sibling| step.leads_to(sibling)) {
        *present = element;
        return;
    }
    let index = model.children.iter().position(|child| step.leads_to(child)).unwrap_or(model.children.len());
    let (before, after) = model.children.split_at(index);
    let position = |neighbour: &Element| {
        let step = Step::to(neighbour);
        let is_settled = !unsettled.contains(&parent.then(step.clone()));
        is_settled.then(|| siblings.iter().position(|sibling| step.leads_to(sibling)))?
    };
    let below_it = after.iter().skip(1).find_map(position);
    let above_it = || before.iter().rev().find_map(position).map(|index| index + 1);
    let index = below_it.or_else(above_it).unwrap_or(siblings.len());
    siblings.insert(index, element);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firewall::journal::{Action, Journal};

    /// Carries the changes at these names, by `m` of moved ones and others, and prints the resulting order.
    fn carried(from: &str, into: &str, changed: &[(&str, Order)], unsettled: &[&str]) -> String {
        let tree = |names: &str| Element::new("config").with_all(names.split_whitespace().map(Element::entry));
        let place = |name: &str| Path::of([Step::Child("config".into()), Step::Entry(name.into())]);
        let mut journal = Journal::default();
        for (name, order) in changed {
            let mark = journal.next_mark("admin", String::new());
            journal.enter(&place(name), Action::Set, *order, &mark);
        }
        let mut into = tree(into);
        let unsettled = unsettled.iter().map(|name| place(name)).collect();
        carry(&tree(from), &mut into, journal.changes(), &unsettled);
        into.children.iter().filter_map(|entry| entry.attribute("name")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn new_entries_stand_next_to_the_neighbours_that_both_trees_have() {
        let new = |name| (name, Order::Changed);
        assert_eq!(carried("a i1 i2 z", "a z", &[new("i1"), new("i2")], &[]), "a i1 i2 z");
        assert_eq!(carried("a i1 i2 z", "a z", &[new("i2"), new("i1")], &[]), "a i1 i2 z");
        assert_eq!(carried("a theirs i1 z", "a z", &[new("i1")], &[]), "a i1 z");
        assert_eq!(carried("a z last", "a z", &[("last", Order::Kept)], &[]), "a z last");
    }

    #[test]
    fn moved_entries_move_and_deleted_ones_go() {
        assert_eq!(carried("b a z", "a b z", &[("b", Order::Changed)], &[]), "b a z");
        assert_eq!(carried("a z", "a gone z", &[("gone", Order::Kept)], &[]), "a z");
    }

    #[test]
    fn what_somebody_else_moved_is_no_neighbour_to_rely_on() {
        assert_eq!(carried("i1 z a b", "a b z", &[("i1", Order::Changed)], &["z"]), "i1 a b z");
        assert_eq!(carried("i1 z a b", "a b z", &[("i1", Order::Changed)], &[]), "a b i1 z");
    }
}
