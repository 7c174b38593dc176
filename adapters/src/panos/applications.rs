//! Standard ports of the applications that PAN-OS brings along, asked once for each.

use std::collections::{BTreeMap, BTreeSet};

use drawbridge_core::{
    firewall::{Action, Applications, Configuration, RuleFacts, Services, Status},
    id::AppName,
    service::{L4, Service},
    translate::STANDARD_PORT,
};

use super::{
    objects::standard_ports,
    request::Request,
    response::{Answer, Document, Rejection, open},
    xpath::XPath,
};

/// What has been learnt of predefined applications. A content update brings new ones.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    content: String,
    /// Applications that have been asked for; `None` where their ports are not certain, or there is no such application.
    known: BTreeMap<AppName, Option<Vec<L4>>>,
}

/// How many applications are asked for at once: paths must not grow without bounds.
const NAMES_MAX: usize = 100;

impl Catalogue {
    /// What a file tells of them.
    pub(super) fn of(known: BTreeMap<AppName, Option<Vec<L4>>>) -> Self {
        Self { content: String::new(), known }
    }

    /// Forgets everything if the firewall has other content than before.
    pub(super) fn renew(&mut self, content: &str) {
        if self.content != content {
            *self = Self { content: content.to_owned(), known: BTreeMap::new() };
        }
    }

    /// Requests for the applications whose standard ports these configurations need and nobody has asked for yet.
    pub(super) fn questions<'c>(
        &self,
        configurations: impl IntoIterator<Item = &'c Configuration>,
    ) -> Vec<(Vec<AppName>, Request)> {
        let wanted: BTreeSet<AppName> = configurations.into_iter().flat_map(needed).collect();
        let wanted: Vec<_> = wanted.into_iter().filter(|name| !self.known.contains_key(name)).collect();
        let question = |names: &[AppName]| {
            let path = XPath::predefined_applications().entries(names.iter().map(AppName::as_str));
            (names.to_vec(), Request::candidate(&path))
        };
        wanted.chunks(NAMES_MAX).map(question).collect()
    }

    /// Takes in what was answered about these applications.
    pub(super) fn learn<D: Document>(&mut self, asked: Vec<AppName>, answer: &Answer<D>) -> Result<(), Rejection> {
        let mut told = BTreeMap::new();
        let mut cursor = open(answer)?;
        cursor.children(|cursor, tag| match tag.name {
            "result" => cursor.entries(|cursor, name| {
                told.insert(name.clone().into_owned(), standard_ports(cursor)?);
                Ok(())
            }),
            _ => Ok(()),
        })?;
        self.known.extend(asked.into_iter().map(|name| {
            let ports = told.remove(name.as_str()).flatten();
            (name, ports)
        }));
        Ok(())
    }

    /// Adds what is known to a configuration; its own applications stay as they are.
    pub(super) fn complete(&self, configuration: &mut Configuration) {
        for name in needed(configuration) {
            if let Some(Some(ports)) = self.known.get(&name) {
                configuration.standard_ports.insert(name, ports.clone());
            }
        }
    }
}

/// Applications whose standard ports matter: those that rules name with `application-default`, and those that rules of ours
/// would name so.
fn needed(configuration: &Configuration) -> BTreeSet<AppName> {
    let ours = STANDARD_PORT.iter().filter_map(|(name, _)| name.parse().ok());
    let ours = ours.filter(|name| !configuration.standard_ports.contains_key(name));
    by_default(configuration, configuration.rules.iter()).cloned().chain(ours).collect()
}

/// Predefined applications that some rule allows on their standard ports, where nobody knows which ports those are: such a
/// rule counts as allowing nothing for certain.
pub fn without_ports(configuration: &Configuration) -> BTreeSet<&AppName> {
    let is_known = |name: &AppName| {
        STANDARD_PORT.iter().any(|(known, _)| *known == name.as_str())
            || Service::protocol_of(&BTreeSet::from([name.clone()])).is_some()
    };
    let allows = |rule: &&RuleFacts| rule.action == Action::Allow && rule.status == Status::Enabled;
    let names = by_default(configuration, configuration.rules.iter().filter(allows));
    names.filter(|name| !is_known(name)).collect()
}

/// Applications of rules with `application-default`, those aside whose ports the configuration tells.
fn by_default<'c>(
    configuration: &'c Configuration,
    rules: impl Iterator<Item = &'c RuleFacts>,
) -> impl Iterator<Item = &'c AppName> {
    let names =
        rules.filter(|rule| rule.service == Services::ApplicationDefault).filter_map(|rule| match &rule.applications {
            Applications::Named(names) => Some(names),
            Applications::Any | Applications::Unknown => None,
        });
    names.flatten().filter(|name| !configuration.standard_ports.contains_key(*name))
}
