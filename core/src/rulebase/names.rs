//! What names mean on this firewall that they do not mean elsewhere.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    firewall::Firewall,
    id::AppName,
    range::Range,
    service::{Apps, L4, Service},
    translate::{STANDARD_PORT, ServiceColumn, ServicePorts},
};

/// Names of objects that read like what a rule of ours says, in either configuration: what somebody has deleted or renamed without
/// committing it is what our commit meets.
#[derive(Debug)]
pub(crate) struct ObjectNames<'a> {
    /// Of address objects, groups and lists, which read like addresses.
    pub(crate) addresses: Cow<'a, BTreeSet<String>>,
    /// Of application groups and filters.
    pub(crate) application_sets: Cow<'a, BTreeSet<AppName>>,
    /// Of applications whose `application-default` is not the one port here that it is elsewhere: a content update may give them
    /// more.
    elsewhere: BTreeSet<AppName>,
}

impl<'a> ObjectNames<'a> {
    pub(super) fn of(firewall: &'a Firewall) -> Self {
        let (candidate, running) = (&firewall.candidate, &firewall.running);
        let application_sets = united(&candidate.application_sets, &running.application_sets);
        let standard = STANDARD_PORT.iter().map(|(name, port)| (*name, [L4::Tcp(Range::single(*port))]));
        let told = [candidate, running].into_iter().flat_map(|read| &read.standard_ports);
        let elsewhere = told.filter(|(app, _)| !application_sets.contains(*app)).filter(|(app, l4)| {
            standard.clone().any(|(name, usual)| name == app.as_str() && l4.as_slice() != usual.as_slice())
        });
        Self {
            addresses: united(&candidate.address_names, &running.address_names),
            elsewhere: elsewhere.map(|(app, _)| app.clone()).collect(),
            application_sets,
        }
    }
}

impl ObjectNames<'_> {
    /// Whether an application of the service would be taken for a group or filter that bears its name.
    pub(crate) fn misread(&self, service: &Service) -> bool {
        match &service.apps {
            Apps::Any => false,
            Apps::Named(apps) => apps.iter().any(|name| self.application_sets.contains(name)),
        }
    }

    /// The service column of a rule that lets through exactly this on this firewall.
    pub(crate) fn column(&self, service: &Service) -> ServiceColumn {
        match (service.column(), service.l4, &service.apps) {
            (ServiceColumn::ApplicationDefault, L4::Tcp(ports), Apps::Named(apps))
                if !apps.is_disjoint(&self.elsewhere) =>
            {
                ServiceColumn::Object(ServicePorts::Tcp(ports))
            }
            (column, ..) => column,
        }
    }
}

/// What is in either; mostly both are the same.
fn united<'a, T: Ord + Clone>(one: &'a BTreeSet<T>, other: &'a BTreeSet<T>) -> Cow<'a, BTreeSet<T>> {
    if other.is_subset(one) { Cow::Borrowed(one) } else { Cow::Owned(one | other) }
}
