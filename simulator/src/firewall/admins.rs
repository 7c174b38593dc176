//! Administrators, their keys and what their roles let them do.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

/// What the XML API branch of a role can allow (`pan-os-codegen specs/device/adminrole.yaml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Read and write the configuration.
    Config,
    /// Operational commands.
    Op,
    /// Commits.
    Commit,
}

/// Who somebody is on this firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// May do everything, and remove other administrators' locks.
    Superuser,
    /// May do what is listed.
    Custom(BTreeSet<Right>),
}

impl Role {
    pub(super) fn allows(&self, right: Right) -> bool {
        match self {
            Self::Superuser => true,
            Self::Custom(rights) => rights.contains(&right),
        }
    }
}

#[derive(Clone, Debug)]
struct Admin {
    password: String,
    role: Role,
}

/// Everyone who may log in.
#[derive(Clone, Debug, Default)]
pub(super) struct Admins {
    admins: BTreeMap<String, Admin>,
    /// How often all keys have been revoked.
    revocations: u32,
}

impl Admins {
    /// Adds an administrator, or changes one.
    pub(super) fn put(&mut self, name: &str, password: &str, role: Role) {
        self.admins.insert(name.to_owned(), Admin { password: password.to_owned(), role });
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.admins.keys().map(String::as_str)
    }

    /// What an administrator may do.
    pub(super) fn role(&self, name: &str) -> Option<&Role> {
        self.admins.get(name).map(|admin| &admin.role)
    }

    /// Changes what an administrator may do.
    pub(super) fn set_role(&mut self, name: &str, role: Role) {
        if let Some(admin) = self.admins.get_mut(name) {
            admin.role = role;
        }
    }

    /// Makes every key that was handed out worthless.
    pub(super) fn revoke_keys(&mut self) {
        self.revocations += 1;
    }

    /// An administrator's key: a function of the credentials, as on a device without a key lifetime.
    ///
    /// Twice encoded, as real keys are. The outer alphabet therefore holds only letters, digits and `=`, which matters
    /// because pan-python sends keys without percent-encoding.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        let admin = self.admins.get(name)?;
        let secret = format!("{}:{}:{}", self.revocations, name, admin.password);
        Some(STANDARD.encode(STANDARD.encode(secret)))
    }

    /// Whose key this is.
    pub(super) fn by_key(&self, key: &str) -> Option<&str> {
        self.names().find(|name| self.key(name).as_deref() == Some(key))
    }

    /// Who has this password.
    pub(super) fn by_password(&self, name: &str, password: &str) -> Option<&str> {
        let (name, admin) = self.admins.get_key_value(name)?;
        (admin.password == password).then_some(name)
    }
}
