//! Which missing atoms become one rule.

use std::collections::{BTreeMap, BTreeSet};

use super::adding::{Missing, Novelty};
use crate::{
    address::{AddressRange, Family},
    change::Direction,
    event::Cause,
    id::{GroupId, InstanceId, Subject},
    service::{Apps, L4, Service},
    wanted::{Atom, Origin},
};

/// How much an atom lets through: wide ones are tested first, because they may make narrow ones needless.
pub(super) fn width(atom: &Atom) -> (u32, u16, u32, Family) {
    let (protocols, ports) = match atom.service.l4 {
        L4::Any => (3, u16::MAX),
        L4::Tcp(ports) | L4::Udp(ports) => (1, ports.last() - ports.first()),
        L4::Ip(_) => (1, 0),
    };
    let apps = u32::from(atom.service.apps == Apps::Any);
    (protocols + apps, ports, atom.peer.bits(), atom.peer.family())
}

/// What missing atoms share that become one rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleKey {
    pub(super) subject: Subject,
    pub(super) direction: Direction,
    pub(super) service: Service,
    pub(super) family: Family,
    pub(super) group: GroupId,
    /// What the firewall does not take stays what it does not take: nothing is added to it.
    refused: Option<usize>,
    /// What others of ours lose is judged by what they lose, and not by what is new.
    pub(super) novelty: Novelty,
}

/// Missing atoms by the rule that they become part of.
pub(super) fn grouped<'m>(missing: &'m [Missing<'m>], causes: &[Cause]) -> BTreeMap<RuleKey, Vec<&'m Missing<'m>>> {
    let causing: BTreeSet<&Subject> = causes.iter().map(|cause| &cause.subject).collect();
    let mut rules: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for missing in missing {
        let is_cause = |origin: &&Origin| causing.contains(&Subject::Group(origin.group.clone()));
        let Some(group) = missing.origins.iter().find(is_cause).or_else(|| missing.origins.first()).map(|o| &o.group)
        else {
            continue;
        };
        let by_instance = |id: &InstanceId| Subject::Instance(id.clone());
        let instance = || {
            let instances = missing.origins.iter().filter_map(|origin| origin.instance.as_ref());
            instances.map(by_instance).find(|subject| causing.contains(subject))
        };
        let by_group = Subject::Group(group.clone());
        let subject = if causing.contains(&by_group) { by_group } else { instance().unwrap_or(by_group) };
        let Atom { direction, peer, service, .. } = missing.atom;
        let key = RuleKey {
            subject,
            direction: *direction,
            service: service.clone(),
            family: peer.family(),
            group: group.clone(),
            refused: missing.refused,
            novelty: missing.novelty,
        };
        rules.entry(key).or_default().push(missing);
    }
    rules
}

/// Only addresses with the same set of missing peers share a rule.
pub(super) fn by_peers(atoms: &[&Missing<'_>]) -> Vec<(BTreeSet<AddressRange>, BTreeSet<AddressRange>)> {
    let mut peers_of: BTreeMap<AddressRange, BTreeSet<AddressRange>> = BTreeMap::new();
    for missing in atoms {
        peers_of.entry(missing.atom.local).or_default().insert(missing.atom.peer);
    }
    let mut rules: BTreeMap<BTreeSet<AddressRange>, BTreeSet<AddressRange>> = BTreeMap::new();
    for (local, peers) in peers_of {
        rules.entry(peers).or_default().insert(local);
    }
    rules.into_iter().collect()
}
