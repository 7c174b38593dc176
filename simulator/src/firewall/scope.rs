//! Which of the uncommitted changes a commit, a validation or a revert is about.

use std::collections::BTreeSet;

use super::{candidate::Candidate, journal::Change, path::Step};
use crate::xml::Element;

/// Which changes are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scope {
    admins: Option<BTreeSet<String>>,
    vsys: Option<BTreeSet<String>>,
    excluded: BTreeSet<Area>,
}

/// The parts of a configuration that a scope can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Area {
    DeviceAndNetwork,
    SharedObjects,
    PolicyAndObjects,
}

impl Scope {
    /// Reads the element `partial`, or the absence of one.
    pub(super) fn parse(partial: Option<&Element>) -> Result<Self, String> {
        let mut scope = Self::default();
        for child in partial.map(|partial| partial.children.as_slice()).unwrap_or_default() {
            let members = || Some(child.members().map(str::to_owned).collect());
            let excluded = child.text == "excluded";
            match child.name.as_str() {
                "admin" => scope.admins = members(),
                "vsys" => scope.vsys = members(),
                "no-vsys" => scope.vsys = Some(BTreeSet::new()),
                "device-and-network" if excluded => drop(scope.excluded.insert(Area::DeviceAndNetwork)),
                "shared-object" if excluded => drop(scope.excluded.insert(Area::SharedObjects)),
                "policy-and-objects" if excluded => drop(scope.excluded.insert(Area::PolicyAndObjects)),
                "skip-validate" => {}
                unknown => return Err(unknown.to_owned()),
            }
        }
        Ok(scope)
    }

    /// All changes of one administrator.
    pub(super) fn of_admin(admin: &str) -> Self {
        Self { admins: Some(BTreeSet::from([admin.to_owned()])), ..Self::default() }
    }

    /// Whether nothing is left out.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this change is meant.
    pub(super) fn covers(&self, change: &Change) -> bool {
        let area = match change.path.steps().get(1) {
            Some(Step::Child(tag)) if tag == "shared" => Area::SharedObjects,
            _ if change.path.vsys().is_some() => Area::PolicyAndObjects,
            _ => Area::DeviceAndNetwork,
        };
        let is_in = |vsys: &BTreeSet<String>| change.path.vsys().is_none_or(|name| vsys.contains(name));
        self.admins.as_ref().is_none_or(|admins| change.is_of(admins))
            && self.vsys.as_ref().is_none_or(is_in)
            && !self.excluded.contains(&area)
    }

    /// The changes of a candidate that are meant.
    pub(super) fn changes(&self, candidate: &Candidate) -> Vec<Change> {
        candidate.journal().changes().iter().filter(|change| self.covers(change)).cloned().collect()
    }
}
