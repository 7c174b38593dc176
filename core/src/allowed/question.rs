//! Services as they are asked about, each with the rules that bear on it: worked out once for all atoms of a service.

use std::collections::BTreeMap;

use crate::{
    change::Direction,
    id::AppName,
    service::{Apps, L4},
    wanted::Atom,
};

use super::{
    columns::{Ports, StandardPorts},
    edges::Bearing,
    index::Index,
};

/// A service as one of its applications, and the rules that let it through for certain.
pub(super) struct Question {
    /// Without one: as whatever application it is.
    pub(super) app: Option<AppName>,
    /// The application's standard ports, if they are known.
    pub(super) standard: Option<Ports>,
    pub(super) rules: Bearing,
}

impl Question {
    /// One for each application that the atom names, or one for whatever application it is.
    fn all(atom: &Atom, index: &Index, standard: StandardPorts<'_>) -> Vec<Self> {
        let apps: Vec<_> = match &atom.service.apps {
            Apps::Any => vec![None],
            Apps::Named(names) => names.iter().map(Some).collect(),
        };
        let of = |app: Option<&AppName>| {
            let standard = app.and_then(|app| standard.of(app));
            let rules = index.service(atom.direction, atom.service.l4, app, standard.as_ref());
            Self { app: app.cloned(), standard, rules }
        };
        apps.into_iter().map(of).collect()
    }
}

/// Questions about services that were asked before.
#[derive(Default)]
pub(super) struct Questions(BTreeMap<(Direction, L4), Vec<Known>>);

/// Applications on one protocol and its ports. There are few: mostly one set, or any.
struct Known {
    apps: Apps,
    questions: Vec<Question>,
}

/// How many protocols with their ports are kept.
const KEPT_MAX: usize = 512;

impl Questions {
    /// The questions that an atom's service is.
    pub(super) fn of(&mut self, atom: &Atom, index: &Index, standard: StandardPorts<'_>) -> &[Question] {
        let key = (atom.direction, atom.service.l4);
        if self.0.len() == KEPT_MAX && !self.0.contains_key(&key) {
            self.0.clear();
        }
        let known = self.0.entry(key).or_default();
        let place = known.iter().position(|known| known.apps == atom.service.apps).unwrap_or_else(|| {
            let questions = Question::all(atom, index, standard);
            known.push(Known { apps: atom.service.apps.clone(), questions });
            known.len() - 1
        });
        &known[place].questions
    }
}
