//! Tags that are registered beside the configuration, each with its time-out.

use std::{collections::BTreeMap, net::IpAddr};

use crate::clock::Moment;

/// An address, or several that are registered as one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::firewall) struct Range {
    first: IpAddr,
    last: IpAddr,
    text: String,
}

impl Range {
    pub(super) fn new(first: IpAddr, last: IpAddr, text: &str) -> Self {
        Self { first, last, text: text.to_owned() }
    }

    /// Whether it holds that address.
    pub(in crate::firewall) fn holds(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last && self.first.is_ipv4() == address.is_ipv4()
    }
}

/// What an owner is called in answers.
pub(in crate::firewall) trait Named {
    /// As it was registered.
    fn name(&self) -> &str;
}

impl Named for Range {
    fn name(&self) -> &str {
        &self.text
    }
}

impl Named for String {
    fn name(&self) -> &str {
        self
    }
}

/// Whether tags survive a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::firewall) enum Keeping {
    Persistent,
    Volatile,
}

/// Why nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Present,
    Absent,
    TooMany,
}

/// How many tags an address can have.
const TAGS_MAX: usize = 32;

#[derive(Clone, Debug)]
struct Tag {
    name: String,
    until: Option<Moment>,
}

/// The tags of one owner.
#[derive(Clone, Debug)]
pub(in crate::firewall) struct Tagged {
    pub(super) keeping: Keeping,
    tags: Vec<Tag>,
}

impl Tagged {
    /// Whether that tag is among them.
    pub(in crate::firewall) fn has(&self, name: &str) -> bool {
        self.tags.iter().any(|tag| tag.name == name)
    }

    /// Their names, in the order in which they came.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| tag.name.as_str())
    }
}

/// Owners and their tags, by virtual system.
#[derive(Clone, Debug)]
pub(in crate::firewall) struct TagStore<K>(BTreeMap<(String, K), Tagged>);

impl<K> Default for TagStore<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> TagStore<K> {
    /// Gives an owner a tag. One that is there already stays as it is.
    pub(super) fn register(
        &mut self,
        (vsys, owner): (&str, &K),
        keeping: Keeping,
        name: &str,
        until: Option<Moment>,
    ) -> Result<(), Refused> {
        let tagged = self.0.entry((vsys.to_owned(), owner.clone())).or_insert(Tagged { keeping, tags: Vec::new() });
        if tagged.has(name) {
            return Err(Refused::Present);
        }
        if tagged.tags.len() >= TAGS_MAX {
            return Err(Refused::TooMany);
        }
        tagged.keeping = keeping;
        tagged.tags.push(Tag { name: name.to_owned(), until });
        Ok(())
    }

    /// Takes tags from an owner, or all of them, and returns those that it did not have.
    pub(super) fn unregister(&mut self, (vsys, owner): (&str, &K), names: Option<&[&str]>) -> Vec<String> {
        let key = (vsys.to_owned(), owner.clone());
        let Some(names) = names else {
            self.0.remove(&key);
            return Vec::new();
        };
        let tagged = self.0.get_mut(&key);
        let absent = |name: &&&str| tagged.as_ref().is_none_or(|tagged| !tagged.has(name));
        let missing = names.iter().filter(absent).map(|name| (*name).to_owned()).collect();
        if let Some(tagged) = tagged {
            tagged.tags.retain(|tag| !names.contains(&tag.name.as_str()));
        }
        self.0.retain(|_, tagged| !tagged.tags.is_empty());
        missing
    }

    /// Forgets what has timed out, and tells whether there was any.
    pub(super) fn expire(&mut self, now: Moment) -> bool {
        let is_over = |tag: &Tag| tag.until.is_some_and(|until| until <= now);
        let found = self.0.values().any(|tagged| tagged.tags.iter().any(is_over));
        if found {
            self.0.values_mut().for_each(|tagged| tagged.tags.retain(|tag| !is_over(tag)));
            self.0.retain(|_, tagged| !tagged.tags.is_empty());
        }
        found
    }

    /// Forgets what does not survive a restart.
    pub(super) fn forget_volatile(&mut self) {
        self.0.retain(|_, tagged| tagged.keeping == Keeping::Persistent);
    }

    /// The owners of a virtual system and their tags.
    pub(in crate::firewall) fn of<'a>(&'a self, vsys: &'a str) -> impl Iterator<Item = (&'a K, &'a Tagged)> {
        self.0.iter().filter(move |((home, _), _)| home == vsys).map(|((_, owner), tagged)| (owner, tagged))
    }
}
