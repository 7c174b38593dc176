//! What the permissions of one account mean.

use std::collections::{BTreeMap, BTreeSet};

use super::WhyNot;
use crate::{
    address::{Address, AddressRange},
    change::Direction,
    config::{AllowAllEgress, Config},
    exposure::Doubt,
    id::{GroupId, VpcId},
    inventory::{Group, Interface, Inventory, Peer, Permission, Traffic},
    never::Never,
    range::Set,
    service::Service,
};

/// What a permission lets through: every peer by every service.
pub(super) struct Meaning {
    pub(super) peers: Vec<AddressRange>,
    pub(super) services: Vec<Service>,
    /// What took a part of it.
    pub(super) never_open: Vec<Never>,
}

/// Reads permissions, for the directions that become rules.
pub(super) struct Permissions<'a> {
    inventory: &'a Inventory,
    config: &'a Config,
    inside: BTreeMap<&'a VpcId, Set<Address>>,
}

impl<'a> Permissions<'a> {
    pub(super) fn of(inventory: &'a Inventory, config: &'a Config) -> Self {
        Self { inventory, config, inside: BTreeMap::new() }
    }

    /// A group, or a prefix list of it, that is referred to but cannot be read.
    pub(super) fn doubt(&self, interface: &Interface) -> Option<Doubt> {
        interface.groups.iter().find_map(|id| {
            let Some(group) = self.inventory.groups.get(id) else { return Some(Doubt::Group(id.clone())) };
            self.counting(group).find_map(|(_, permission)| match &permission.peer {
                Peer::PrefixList(list) if !self.inventory.prefix_lists.contains_key(list) => {
                    Some(Doubt::PrefixList(id.clone(), list.clone()))
                }
                Peer::PrefixList(_) | Peer::Addresses(_) | Peer::Group(_) => None,
            })
        })
    }

    /// The permissions of a group that count.
    pub(super) fn of_group(&self, id: &GroupId) -> impl Iterator<Item = (Direction, &'a Permission)> + use<'a> {
        let directions = &self.config.directions;
        self.inventory.groups.get(id).into_iter().flat_map(|group| counting(group, directions))
    }

    fn counting(&self, group: &'a Group) -> impl Iterator<Item = (Direction, &'a Permission)> {
        counting(group, &self.config.directions)
    }

    /// The networks whose traffic does not pass the firewall, seen from one VPC.
    fn inside(&mut self, vpc: &'a VpcId) -> &Set<Address> {
        self.inside.entry(vpc).or_insert_with(|| {
            let own = self.inventory.vpcs.get(vpc).map(|vpc| vpc.cidrs.ranges()).unwrap_or_default();
            own.iter().chain(self.config.internal.ranges()).copied().collect()
        })
    }

    /// What a permission lets through, or why nothing.
    pub(super) fn means(
        &mut self,
        vpc: &'a VpcId,
        direction: Direction,
        permission: &Permission,
    ) -> Result<Meaning, WhyNot> {
        let service = self.config.translation.service(&permission.traffic).map_err(WhyNot::Inexpressible)?;
        let peers = match &permission.peer {
            Peer::Addresses(range) => std::slice::from_ref(range),
            Peer::PrefixList(list) => self.inventory.prefix_lists.get(list).map(Vec::as_slice).unwrap_or_default(),
            Peer::Group(_) => return Err(WhyNot::Reference),
        };
        if peers.is_empty() {
            return Err(WhyNot::NoPeers);
        }
        let mut counting = peers.to_vec();
        if self.leaves_out_everything(direction, permission) {
            counting.retain(|peer| *peer != peer.family().whole());
            if counting.is_empty() {
                return Err(WhyNot::AllowsAll);
            }
        }
        let inside = self.inside(vpc);
        let outside: Vec<_> = counting.into_iter().filter(|peer| !inside.contains(*peer)).collect();
        if outside.is_empty() { Err(WhyNot::Inside) } else { self.what_may_be_opened(outside, service) }
    }

    /// The same without what is never opened. The application stays the one of the whole: it is never wider.
    fn what_may_be_opened(&self, peers: Vec<AddressRange>, service: Service) -> Result<Meaning, WhyNot> {
        let never = &self.config.never_open;
        if !peers.iter().any(|peer| never.meets(*peer, service.l4)) {
            return Ok(Meaning { peers, services: vec![service], never_open: Vec::new() });
        }
        let entries: BTreeSet<_> = peers.iter().flat_map(|peer| never.about(*peer, service.l4)).collect();
        let never_open = entries.into_iter().collect();
        let peers: Vec<_> = peers.into_iter().flat_map(|peer| never.peers_left(peer)).collect();
        let left = never.traffic_left(service.l4).into_iter();
        let services: Vec<_> = left.map(|l4| Service { l4, apps: service.apps.clone() }).collect();
        if peers.is_empty() || services.is_empty() {
            return Err(WhyNot::NeverOpen(never_open));
        }
        Ok(Meaning { peers, services, never_open })
    }

    /// Whether the permission does not count for all addresses of a family, be they written or listed.
    fn leaves_out_everything(&self, direction: Direction, permission: &Permission) -> bool {
        direction == Direction::Egress
            && permission.traffic == Traffic::All
            && self.config.allow_all_egress == AllowAllEgress::LeftOut
    }
}

fn counting<'a>(
    group: &'a Group,
    directions: &'a BTreeSet<Direction>,
) -> impl Iterator<Item = (Direction, &'a Permission)> + use<'a> {
    directions.iter().flat_map(|direction| {
        let permissions = match direction {
            Direction::Ingress => &group.ingress,
            Direction::Egress => &group.egress,
        };
        permissions.iter().map(|permission| (*direction, permission))
    })
}
