//! A fake PAN-OS firewall: an XML API over a candidate and a running configuration.
//!
//! ```text
//!     Request ──► authentication ──► config: read, write, multi-config ──► Candidate { tree, journal }
//!                                    commit: Proposal ──► Jobs ──────────► running
//!                                    op: jobs, locks, changes, reverts, policy match …
//! ```
//!
//! It has no sockets and no clock: a request and a moment go in, an answer comes out, and jobs end when a later moment is
//! told. Shapes and words of answers are those that public clients parse (`kevinsteves/pan-python`,
//! `PaloAltoNetworks/pan-os-python`, `PaloAltoNetworks/pango`); the modules name their sources.

mod admins;
mod answer;
mod candidate;
mod carry;
mod check;
mod commit;
mod config;
mod dynamic;
mod export;
mod filter;
mod hits;
mod jobs;
mod journal;
mod keys;
mod locks;
mod logs;
mod mishaps;
mod op;
mod path;
mod policy;
mod predefined;
mod problem;
mod references;
mod request;
mod schema;
mod scope;
mod settings;
mod snapshots;
mod system;
mod user_id;
mod watch;
mod work;
mod write;
mod xpath;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, LazyLock},
};

use crate::{clock::Moment, xml::Element};
use answer::Refusal;
use candidate::{Candidate, check_tree};
use check::Strictness;
use hits::Hits;
use jobs::Jobs;
use locks::Locks;
use logs::Logs;
use request::Call;
use snapshots::Snapshots;
use user_id::UserId;

pub use admins::{Right, Role};
pub use answer::{Answer, Body};
pub use request::{FILE_NAME, Request};
pub use settings::{AfterRestart, CommitQueue, Denial, EarlierKeys, Ha, MultiConfig, Settings, Snapshot};
pub use watch::{Effected, Uncommitted};

/// The fragment that was to be loaded is nothing that a firewall could run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot load configuration at `{xpath}`: {why}")]
pub struct LoadError {
    xpath: String,
    why: String,
}

/// A firewall.
#[derive(Clone, Debug)]
pub struct Firewall {
    /// How it behaves.
    pub settings: Settings,
    candidate: Candidate,
    running: Arc<Element>,
    jobs: Jobs,
    locks: Locks,
    admins: admins::Admins,
    audit_comments: BTreeMap<String, String>,
    user_id: UserId,
    snapshots: Snapshots,
    hits: Hits,
    logs: Logs,
    failures: VecDeque<Vec<String>>,
    booted: Moment,
    /// What commits did, if somebody watches.
    commits: Option<Vec<Effected>>,
    generation: u64,
}

/// What a firewall comes with.
static FACTORY: LazyLock<Element> =
    LazyLock::new(|| Element::parse(include_str!("firewall/factory.xml")).expect("the file is part of the program"));

impl Default for Firewall {
    fn default() -> Self {
        Self::new()
    }
}

impl Firewall {
    /// A firewall with one virtual system, two zones, no rules but the default ones, and the superuser `admin`.
    pub fn new() -> Self {
        let mut firewall = Self {
            settings: Settings::default(),
            candidate: Candidate::new(FACTORY.clone()),
            running: FACTORY.clone().into(),
            jobs: Jobs::default(),
            locks: Locks::default(),
            admins: admins::Admins::default(),
            audit_comments: BTreeMap::new(),
            user_id: UserId::default(),
            snapshots: Snapshots::default(),
            hits: Hits::default(),
            logs: Logs::default(),
            failures: VecDeque::new(),
            booted: Moment::default(),
            commits: None,
            generation: 0,
        };
        firewall.add_admin("admin");
        firewall
    }

    /// A firewall that runs this configuration (`<config>`), as if an export had been loaded and committed.
    ///
    /// # Errors
    /// [`LoadError`], if no firewall would commit it.
    pub fn running_configuration(config: &str) -> Result<Self, LoadError> {
        let failed = |why: String| LoadError { xpath: "/config".to_owned(), why };
        let config = Element::parse(config).map_err(|malformed| failed(malformed.to_string()))?;
        if config.name != "config" {
            return Err(failed(format!("`{}` instead of `config`", config.name)));
        }
        let candidate = Candidate::new(config).with_uuids();
        let problems = commit::problems(candidate.tree());
        if !problems.is_empty() {
            return Err(failed(problems.join("; ")));
        }
        let mut firewall = Self { running: candidate.tree().clone().into(), candidate, ..Self::new() };
        firewall.admins.configure(&firewall.running);
        Ok(firewall)
    }

    /// Adds a superuser, whose password is `<name>-password`, and returns the API key.
    pub fn add_admin(&mut self, name: &str) -> String {
        self.admins.put(name, &format!("{name}-password"), Role::Superuser);
        self.admins.key(name).expect("the administrator was added just now")
    }

    /// Changes what an administrator may do.
    pub fn set_role(&mut self, admin: &str, role: Role) {
        self.admins.set_role(admin, role);
    }

    /// Changes an administrator's password, and thereby the key.
    pub fn set_password(&mut self, admin: &str, password: &str) {
        if let Some(role) = self.admins.role(admin).cloned() {
            self.admins.put(admin, password, role);
        }
    }

    /// An administrator's API key.
    pub fn key_of(&self, admin: &str) -> Option<String> {
        self.admins.key(admin)
    }

    /// Revokes every key that was handed out.
    pub fn expire_keys(&mut self) {
        self.admins.revoke_keys();
    }

    /// The whole candidate configuration, with the marks of uncommitted changes.
    pub fn candidate(&self) -> &Element {
        self.candidate.tree()
    }

    /// The whole running configuration.
    pub fn running(&self) -> &Element {
        &self.running
    }

    /// The next commit or validation fails with these lines, whatever it holds.
    pub fn fail_next_job(&mut self, lines: impl IntoIterator<Item = impl Into<String>>) {
        self.failures.push_back(lines.into_iter().map(Into::into).collect());
    }

    /// Adds configuration to candidate and running, as if it had always been there.
    pub fn load(&mut self, xpath: &str, fragment: &str) -> Result<(), LoadError> {
        let failed = |why: String| LoadError { xpath: xpath.to_owned(), why };
        let content = Element::parse_fragments(fragment).map_err(|malformed| failed(malformed.to_string()))?;
        let place = xpath::XPath::parse(xpath).ok().and_then(|xpath| xpath.place_in(self.candidate.tree()).ok());
        let place = place.ok_or_else(|| failed("the XPath does not name one place".into()))?;
        let refused = |refusal: Refusal| failed(refusal.lines.join(";"));
        let mut candidate = self.candidate.clone();
        candidate.load(&place, &content).map_err(refused)?;
        let running = if *self.candidate.tree() == *self.running {
            candidate.tree().clone()
        } else {
            let mut running = Candidate::new((*self.running).clone());
            running.load(&place, &content).map_err(refused)?;
            running.adopt_uuids(&place, candidate.tree());
            running.into_tree()
        };
        check_tree(&running, &place, Strictness::Commit).map_err(refused)?;
        self.candidate = candidate;
        self.running = running.into();
        self.admins.configure(&self.running);
        Ok(())
    }

    /// Answers a request, after everything that has happened until `now`.
    pub fn request(&mut self, request: &Request, now: Moment) -> Answer {
        self.settle(now);
        if request.parameter("type") == Some("keygen") {
            return self.keygen(request, now);
        }
        match self.authenticate(request, now).map(str::to_owned) {
            Some(admin) => self.perform(&Call { admin: &admin, request, now }),
            None => self.invalid_credentials(),
        }
    }

    /// Does what an administrator asks for who needs no key: the same as a request otherwise.
    pub fn as_admin(&mut self, admin: &str, parameters: &[(&str, &str)], now: Moment) -> Answer {
        self.settle(now);
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let request = Request { parameters: parameters.iter().map(owned).collect(), ..Request::default() };
        self.perform(&Call { admin, request: &request, now })
    }

    fn keygen(&mut self, request: &Request, now: Moment) -> Answer {
        let [user, password] = ["user", "password"].map(|name| request.parameter(name));
        let (Some(user), Some(password)) = (user, password) else {
            let missing = if user.is_none() { "user" } else { "password" };
            return Err(Refusal::missing_parameter(missing)).into();
        };
        let name = self.admins.by_password(user, password).map(str::to_owned);
        let key = name.and_then(|name| self.admins.make_key(&name, self.settings.earlier_keys, now));
        key.map_or_else(|| self.invalid_credentials(), |key| Answer::key(&key))
    }

    fn invalid_credentials(&self) -> Answer {
        Answer::bad_credentials(self.settings.denial)
    }

    fn authenticate(&self, request: &Request, now: Moment) -> Option<&str> {
        match (request.presented_key(), &request.basic) {
            (Some(key), _) => self.admins.by_key(key, now),
            (None, Some((user, password))) => self.admins.by_password(user, password),
            (None, None) => None,
        }
    }

    fn perform(&mut self, call: &Call<'_>) -> Answer {
        let request_type = match call.required("type") {
            Ok(request_type) => request_type,
            Err(refusal) => return Err(refusal).into(),
        };
        let Some(right) = Right::to_ask(request_type) else {
            return Err(Refusal::illegal_parameter("type", request_type)).into();
        };
        match self.admins.role(call.admin) {
            None => return self.invalid_credentials(),
            Some(role) if !role.allows(right) => return Answer::not_authorized(self.settings.denial, request_type),
            Some(Role::Superreader) if call.request.may_write() => return Answer::unauthorized(),
            Some(_) => {}
        }
        self.generation += u64::from(call.request.may_write());
        match right {
            Right::Config => self.config(call),
            Right::Commit => self.commit(call),
            Right::Op if request_type == "version" => Ok(self.version()),
            Right::Op => self.op(call),
            Right::UserId => self.user_id(call),
            Right::Export => return self.export(call),
            Right::Log => self.log(call),
            Right::Import => self.import(call),
            // Reports are not modelled.
            Right::Report => Err(Refusal::illegal_parameter("type", request_type)),
        }
        .into()
    }
}
