//! Names of which a configuration does not tell what they stand for.
//!
//! A virtual system's own objects win over shared ones. Where those that Panorama has pushed stand between the two, no public
//! source tells for certain, nor whether it matters who wrote the rule: what a pushed object means in another way than one of
//! the firewall's own of its name can mean either. And a name can be both a region and something else.

use std::collections::HashSet;

use super::objects::{Alike, Object, Objects, Table};

/// Names by the columns in which they stand.
#[derive(Default)]
pub(super) struct Unclear<'s> {
    addresses: HashSet<&'s str>,
    services: HashSet<&'s str>,
    applications: HashSet<&'s str>,
}

impl<'s> Unclear<'s> {
    /// Looks through what Panorama has pushed, and for regions through everything.
    pub(super) fn of(own: [&'s Objects<'_>; 2], pushed: &'s Objects<'_>) -> Self {
        let mut addresses = clashes(own.map(|objects| &objects.addresses), &pushed.addresses);
        addresses.extend(own.into_iter().chain([pushed]).flat_map(|objects| &objects.regions).map(|name| &**name));
        Self {
            addresses,
            services: clashes(own.map(|objects| &objects.services), &pushed.services),
            applications: clashes(own.map(|objects| &objects.applications), &pushed.applications),
        }
    }

    /// Whether the name of an address, a group or a region is one. Two capitals are how PAN-OS names countries, and so may be
    /// a country, whatever object has that name.
    pub(super) fn has_address(&self, name: &str) -> bool {
        is_country(name) || self.addresses.contains(name)
    }

    /// Whether the name of a service or a group is one.
    pub(super) fn has_service(&self, name: &str) -> bool {
        self.services.contains(name)
    }

    /// Whether the name of an application, a group or a filter is one.
    pub(super) fn has_application(&self, name: &str) -> bool {
        self.applications.contains(name)
    }
}

fn is_country(name: &str) -> bool {
    name.len() == 2 && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Names of pushed objects under which one of the firewall's own says something else.
fn clashes<'s, T: Alike>(
    own: [&'s Table<'_, Object<'_, T>>; 2],
    pushed: &'s Table<'_, Object<'_, T>>,
) -> HashSet<&'s str> {
    let differs = |name: &str, object: &Object<'_, T>| {
        own.iter().any(|table| table.get(name).is_some_and(|own| !own.is_like(object)))
    };
    pushed.iter().filter(|(name, object)| differs(name, object)).map(|(name, _)| &**name).collect()
}
