//! Administrators, and what their roles let them do.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    keys::{Keys, Presented},
    settings::EarlierKeys,
};
use crate::{clock::Moment, xml::Element};

/// What the XML API branch of a role can allow (`pan-os-codegen specs/device/adminrole.yaml`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Reports.
    Report,
    /// Logs.
    Log,
    /// Read and write the configuration.
    Config,
    /// Operational commands.
    Op,
    /// Commits.
    Commit,
    /// Who is behind an address, and its tags.
    UserId,
    /// Files that leave the firewall.
    Export,
    /// Files that come in.
    Import,
}

impl Right {
    const ALL: [Self; 8] =
        [Self::Report, Self::Log, Self::Config, Self::Op, Self::Commit, Self::UserId, Self::Export, Self::Import];

    /// The right that a request of this type needs; none is needed for a type that there is not.
    pub(super) fn to_ask(request_type: &str) -> Option<Self> {
        match request_type {
            // Which right it needs is not documented.
            "version" => Some(Self::Op),
            name => Self::ALL.into_iter().find(|right| right.tag() == name),
        }
    }

    /// The element of a role that grants it, and the type of the requests that need it.
    fn tag(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Log => "log",
            Self::Config => "config",
            Self::Op => "op",
            Self::Commit => "commit",
            Self::UserId => "user-id",
            Self::Export => "export",
            Self::Import => "import",
        }
    }
}

/// Who somebody is on this firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// May do everything, and remove other administrators' locks.
    Superuser,
    /// May look at everything.
    Superreader,
    /// May do what is listed.
    Custom(BTreeSet<Right>),
}

impl Role {
    pub(super) fn allows(&self, right: Right) -> bool {
        match self {
            Self::Superuser | Self::Superreader => true,
            Self::Custom(rights) => rights.contains(&right),
        }
    }

    /// What an entry of `mgt-config/users` says; without permissions, nothing is allowed.
    fn of(user: &Element, shared: Option<&Element>) -> Self {
        let Some(role) = user.at(&["permissions", "role-based"]) else { return Self::Custom(BTreeSet::new()) };
        let is_yes = |name: &str| role.child_text(name) == Some("yes");
        if is_yes("superuser") {
            return Self::Superuser;
        }
        if is_yes("superreader") {
            return Self::Superreader;
        }
        let profile = role.at(&["custom", "profile"]).map(|profile| profile.text.as_str()).unwrap_or_default();
        let profile = shared.and_then(|shared| shared.child("admin-role")).and_then(|roles| roles.entry_named(profile));
        let api = |level: &str| profile.and_then(|profile| profile.at(&["role", level, "xmlapi"]));
        let api = api("device").or_else(|| api("vsys"));
        let is_enabled = |right: &Right| api.and_then(|api| api.child_text(right.tag())) == Some("enable");
        Self::Custom(Right::ALL.into_iter().filter(is_enabled).collect())
    }
}

/// The hash that `request password-hash` answers with. A real one cannot be turned back; this one only looks like it.
pub(super) fn password_hash(password: &str) -> String {
    format!("$5$simulator${}", STANDARD.encode(password))
}

#[derive(Clone, Debug)]
struct Admin {
    password: Password,
    role: Role,
}

/// How a password is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Password {
    Plain(String),
    Hash(String),
}

impl Password {
    fn is(&self, password: &str) -> bool {
        match self {
            Self::Plain(plain) => plain == password,
            Self::Hash(hash) => *hash == password_hash(password),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Hash(text) => text,
        }
    }
}

/// Everyone who may log in.
#[derive(Clone, Debug, Default)]
pub(super) struct Admins {
    /// Those that the firewall came with.
    admins: BTreeMap<String, Admin>,
    /// Those of the running configuration, who take precedence.
    configured: BTreeMap<String, Admin>,
    keys: Keys,
}

impl Admins {
    /// Adds an administrator, or changes one.
    pub(super) fn put(&mut self, name: &str, password: &str, role: Role) {
        self.admins.insert(name.to_owned(), Admin { password: Password::Plain(password.to_owned()), role });
    }

    /// Takes over the administrators and the life of keys from a configuration that runs from now on.
    pub(super) fn configure(&mut self, running: &Element) {
        let users = running.at(&["mgt-config", "users"]).map(|users| users.children.as_slice()).unwrap_or_default();
        let admin = |user: &Element| {
            let hash = user.child_text("phash").unwrap_or_default().to_owned();
            let role = Role::of(user, running.child("shared"));
            Some((user.attribute("name")?.to_owned(), Admin { password: Password::Hash(hash), role }))
        };
        self.configured = users.iter().filter_map(admin).collect();
        self.keys.configure(running);
    }

    fn admin(&self, name: &str) -> Option<&Admin> {
        self.configured.get(name).or_else(|| self.admins.get(name))
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<&str> = self.admins.keys().chain(self.configured.keys()).map(String::as_str).collect();
        names.into_iter()
    }

    /// What an administrator may do.
    pub(super) fn role(&self, name: &str) -> Option<&Role> {
        self.admin(name).map(|admin| &admin.role)
    }

    /// Changes what an administrator may do.
    pub(super) fn set_role(&mut self, name: &str, role: Role) {
        if let Some(admin) = self.admins.get_mut(name) {
            admin.role = role;
        }
    }

    /// Makes every key that was handed out worthless.
    pub(super) fn revoke_keys(&mut self) {
        self.keys.revoke();
    }

    /// An administrator's key that does not expire.
    pub(super) fn key(&self, name: &str) -> Option<String> {
        Some(self.keys.lasting(name, self.admin(name)?.password.text()))
    }

    /// The key that somebody is given who logs in now.
    pub(super) fn make_key(&mut self, name: &str, earlier: EarlierKeys, now: Moment) -> Option<String> {
        let password = self.admin(name)?.password.text().to_owned();
        Some(self.keys.make(name, &password, earlier, now))
    }

    /// Whose key this is.
    pub(super) fn by_key(&self, key: &str, now: Moment) -> Option<&str> {
        let key = Presented::new(key);
        self.names().find(|name| {
            let password = self.admin(name).map(|admin| admin.password.text());
            password.is_some_and(|password| self.keys.open(&key, name, password, now))
        })
    }

    /// Who has this password.
    pub(super) fn by_password(&self, name: &str, password: &str) -> Option<&str> {
        let name = self.names().find(|known| *known == name)?;
        self.admin(name)?.password.is(password).then_some(name)
    }
}
