//! API keys: what they are made of, how long they live, and what ends them.
//!
//! Without a lifetime a key is a function of the credentials; with one, every key is another one, and expires
//! (`docs.paloaltonetworks.com`, "Configure API Key Lifetime").

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{config::management, settings::EarlierKeys};
use crate::{clock::Moment, xml::Element};

/// A key that expires.
#[derive(Clone, Debug)]
struct Expiring {
    key: String,
    admin: String,
    /// The password that it was made with: with another one it is worthless.
    password: String,
    until: Moment,
}

/// The keys that were handed out, as far as credentials alone do not tell them.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// How long keys live that are made from now on.
    lifetime: Option<Duration>,
    expiring: Vec<Expiring>,
    /// Keys without an end that were ended by a later one.
    ended: BTreeSet<String>,
    /// How many keys have been made that expire: no two are the same.
    made: u64,
    /// How often all keys have been revoked.
    revocations: u32,
}

impl Keys {
    /// Takes over the lifetime, in minutes and 0 for ever, from a configuration that runs from now on.
    pub(super) fn configure(&mut self, running: &Element) {
        let minutes = management(running).and_then(|management| management.at(&["api", "key", "lifetime"]));
        let minutes = minutes.and_then(|minutes| minutes.text.parse().ok()).filter(|minutes| *minutes > 0);
        self.lifetime = minutes.map(|minutes: u64| Duration::from_secs(minutes * 60));
    }

    /// Makes every key that was handed out worthless.
    pub(super) fn revoke(&mut self) {
        self.revocations += 1;
        self.expiring.clear();
        self.ended.clear();
    }

    /// The key without an end that goes with these credentials.
    pub(super) fn lasting(&self, admin: &str, password: &str) -> String {
        encoded(&self.secret(admin, password))
    }

    /// A key for somebody who has just shown these credentials.
    pub(super) fn make(&mut self, admin: &str, password: &str, earlier: EarlierKeys, now: Moment) -> String {
        let lasting = self.lasting(admin, password);
        let Some(lifetime) = self.lifetime else {
            self.ended.remove(&lasting);
            return lasting;
        };
        self.expiring.retain(|key| key.until > now && (earlier == EarlierKeys::Kept || key.admin != admin));
        if earlier == EarlierKeys::Ended {
            self.ended.insert(lasting);
        }
        self.made += 1;
        let key = encoded(&format!("{}:{admin}:{password}:{}", self.revocations, self.made));
        let (admin, password) = (admin.to_owned(), password.to_owned());
        self.expiring.push(Expiring { key: key.clone(), admin, password, until: now + lifetime });
        key
    }

    /// Whether this is a key of an administrator with that password.
    pub(super) fn open(&self, key: &Presented<'_>, admin: &str, password: &str, now: Moment) -> bool {
        let is_it = |expiring: &Expiring| {
            let Expiring { key: made, admin: whose, password: with, until } = expiring;
            made == key.text && whose == admin && with == password && now < *until
        };
        let is_lasting = || key.secret.as_deref() == Some(self.secret(admin, password).as_bytes());
        self.expiring.iter().any(is_it) || is_lasting() && !self.ended.contains(key.text)
    }

    fn secret(&self, admin: &str, password: &str) -> String {
        format!("{}:{admin}:{password}", self.revocations)
    }
}

/// A key that somebody shows, decoded once for all whose it may be.
pub(super) struct Presented<'k> {
    text: &'k str,
    secret: Option<Vec<u8>>,
}

impl<'k> Presented<'k> {
    pub(super) fn new(text: &'k str) -> Self {
        let secret = STANDARD.decode(text).ok().and_then(|outer| STANDARD.decode(outer).ok());
        Self { text, secret }
    }
}

/// Twice encoded, as real keys are. The outer alphabet therefore holds only letters, digits and `=`, which matters because
/// pan-python sends keys without percent-encoding.
fn encoded(secret: &str) -> String {
    STANDARD.encode(STANDARD.encode(secret))
}
