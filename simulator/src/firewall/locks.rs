//! Config locks and commit locks, and the sentences in which the device speaks of them (`pan-os-python panos/base.py`
//! tells them apart by these words).

use super::{answer::Refusal, answer::result_text};
use crate::{clock::Moment, xml::Element};

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Config,
    Commit,
}

impl Kind {
    fn label(self) -> &'static str {
        match self {
            Self::Config => "Config",
            Self::Commit => "Commit",
        }
    }
}

/// A lock that somebody holds.
#[derive(Clone, Debug)]
struct Lock {
    kind: Kind,
    scope: String,
    admin: String,
    comment: String,
    created: Moment,
}

/// All locks that are held.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks(Vec<Lock>);

impl Locks {
    /// Takes a lock. A config lock has one holder per scope; commit locks of several administrators stand side by side.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        scope: &str,
        admin: &str,
        comment: &str,
        now: Moment,
    ) -> Result<Element, Refusal> {
        let held = self.0.iter().find(|lock| lock.kind == kind && lock.scope == scope);
        match held {
            Some(lock) if kind == Kind::Config && lock.admin == admin => {
                return Err(Refusal::without_code(format!("You already own a config lock for scope {scope}")));
            }
            Some(lock) if kind == Kind::Config => {
                let words = format!("Config for scope {scope} is currently locked by {}", lock.admin);
                return Err(Refusal::without_code(words));
            }
            Some(lock) => {
                return Err(Refusal::without_code(format!("Commit lock is already held by {}", lock.admin)));
            }
            None => {}
        }
        let (scope, admin, comment) = (scope.to_owned(), admin.to_owned(), comment.to_owned());
        let what = match kind {
            Kind::Config => "modify configuration",
            Kind::Commit => "commit configuration",
        };
        let words = format!(
            "Successfully acquired lock. Other administrators will not be able to {what} until lock is released by {admin}."
        );
        self.0.push(Lock { kind, scope, admin, comment, created: now });
        Ok(result_text(words))
    }

    /// Takes a commit lock for somebody who has changed something, beside those of others.
    pub(super) fn acquire_commit_lock(&mut self, scope: &str, admin: &str, now: Moment) {
        let is_it = |lock: &Lock| lock.kind == Kind::Commit && lock.scope == scope && lock.admin == admin;
        if !self.0.iter().any(is_it) {
            let (scope, admin, comment) = (scope.to_owned(), admin.to_owned(), String::new());
            self.0.push(Lock { kind: Kind::Commit, scope, admin, comment, created: now });
        }
    }

    /// Releases a lock of that holder.
    pub(super) fn remove(&mut self, kind: Kind, scope: &str, holder: &str) -> Result<Element, Refusal> {
        let is_meant = |lock: &Lock| lock.kind == kind && lock.scope == scope && lock.admin == holder;
        let label = kind.label();
        match self.0.iter().position(is_meant) {
            Some(index) => {
                self.0.remove(index);
                Ok(result_text(format!("{label} lock released for {holder}")))
            }
            None => match self.holder(kind, scope) {
                Some(other) => Err(Refusal::without_code(format!("{label} lock is already held by {other}"))),
                None if kind == Kind::Commit => {
                    Err(Refusal::without_code(format!("Commit lock is not currently held by {holder}")))
                }
                None => Err(Refusal::without_code(format!("{label} is not currently locked for scope {scope}"))),
            },
        }
    }

    fn holder(&self, kind: Kind, scope: &str) -> Option<&str> {
        let mut locks = self.0.iter().filter(|lock| lock.kind == kind && lock.scope == scope);
        locks.next().map(|lock| lock.admin.as_str())
    }

    /// Refuses a write to a virtual system (or to what is shared) while somebody else holds a config lock there.
    pub(super) fn check_write(&self, admin: &str, vsys: Option<&str>) -> Result<(), Refusal> {
        let blocks = |lock: &&Lock| {
            let covers = lock.scope == "shared" || vsys.is_none_or(|vsys| lock.scope == vsys);
            lock.kind == Kind::Config && lock.admin != admin && covers
        };
        match self.0.iter().find(blocks) {
            Some(lock) => Err(Refusal::without_code(format!("Configuration is locked by {}", lock.admin))),
            None => Ok(()),
        }
    }

    /// Refuses a commit while somebody else holds a commit lock.
    pub(super) fn check_commit(&self, admin: &str) -> Result<(), Refusal> {
        if self.0.iter().any(|lock| lock.kind == Kind::Commit && lock.admin != admin) {
            return Err(Refusal::new(14, "Other administrators are holding device wide commit locks."));
        }
        Ok(())
    }

    /// An administrator's locks end with their successful commit.
    pub(super) fn release_all(&mut self, admin: &str) {
        self.0.retain(|lock| lock.admin != admin);
    }

    /// The answer's element for all locks of a kind, in one scope or in `all`.
    pub(super) fn to_xml(&self, kind: Kind, scope: &str) -> Element {
        let name = format!("{}-locks", kind.label().to_lowercase());
        let shown = self.0.iter().filter(|lock| lock.kind == kind && (scope == "all" || lock.scope == scope));
        Element::new(name).with_all(shown.map(Lock::to_xml))
    }
}

impl Lock {
    fn to_xml(&self) -> Element {
        let kind = if self.scope == "shared" { "shared" } else { "vsys" };
        Element::entry(&self.admin).with_all([
            Element::text("type", kind),
            Element::text("name", &self.scope),
            Element::text("created", self.created.panos()),
            Element::text("last-activity", self.created.panos()),
            Element::text("loggedin", "yes"),
            Element::text("comment", &self.comment),
        ])
    }
}
