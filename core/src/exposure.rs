//! Which network interfaces the internet reaches through this firewall.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{AddressRange, Family},
    config::{Config, Gateway, InterfaceScope, Scope},
    id::{GroupId, InstanceId, InterfaceId, PrefixListId, RouteTableId, SubnetId, VpcId},
    inventory::{Destination, InstanceState, Interface, Inventory, Route, RouteState, RouteTable, TableRole, Target},
};

/// Whether the internet reaches an interface through the firewall, for one family of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// It does, by this route.
    Yes(Via),
    /// It does not.
    No(Hidden),
    /// Nobody can tell now: what we own for it stays as it is, nothing is added.
    Unknown(Doubt),
}

/// How internet-bound traffic of a subnet gets to the firewall.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Via {
    /// The route table of the subnet.
    pub table: RouteTableId,
    /// Which of the gateways its default route leads to.
    pub gateway: Gateway,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sends internet-bound traffic to {}", self.table, self.gateway)
    }
}

/// Why an interface is not exposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hidden {
    /// It belongs to the firewall itself.
    Firewall,
    /// It is outside of the settings' scope.
    OutOfScope,
    /// Its instance is not on.
    Off(InstanceId),
    /// It is attached to no instance, and those do not count (`interfaces = "instances"`).
    Unattached,
    /// No route leads to the internet.
    NoDefaultRoute(RouteTableId),
    /// Internet-bound traffic goes elsewhere.
    Elsewhere(RouteTableId, String),
}

/// Why nobody can tell whether an interface is exposed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The instance it is attached to is not listed.
    Instance(InstanceId),
    /// No route table can be seen for its subnet.
    NoRouteTable(SubnetId),
    /// The default route leads nowhere at the moment.
    Blackhole(RouteTableId),
    /// The default route leads to an interface that is attached to nothing, as during a fail-over.
    Detached(RouteTableId, InterfaceId),
    /// The default route leads to an interface that is not listed.
    Interface(RouteTableId, InterfaceId),
    /// Several routes for the same traffic lead to different places.
    Ambiguous(RouteTableId),
    /// A prefix list that a route refers to cannot be read.
    RoutePrefixList(RouteTableId, PrefixListId),
    /// One of its groups is not listed.
    Group(GroupId),
    /// A prefix list that a permission refers to cannot be read.
    PrefixList(GroupId, PrefixListId),
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Firewall => f.write_str("it is the firewall's own"),
            Self::OutOfScope => f.write_str("it is outside of `scope`"),
            Self::Off(instance) => write!(f, "{instance} is not on"),
            Self::Unattached => f.write_str("it is attached to no instance"),
            Self::NoDefaultRoute(table) => write!(f, "{table} has no route to the internet"),
            Self::Elsewhere(table, target) => write!(f, "{table} sends internet-bound traffic to {target}"),
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instance(id) => write!(f, "{id} is not listed"),
            Self::NoRouteTable(subnet) => write!(f, "no route table can be seen for {subnet}"),
            Self::Blackhole(table) => write!(f, "the default route of {table} is a blackhole"),
            Self::Detached(table, interface) => {
                write!(f, "the default route of {table} leads to {interface}, which is attached to nothing")
            }
            Self::Interface(table, interface) => {
                write!(f, "the default route of {table} leads to {interface}, which is not listed")
            }
            Self::Ambiguous(table) => write!(f, "{table} has several default routes that differ"),
            Self::RoutePrefixList(table, list) => write!(f, "{list} in {table} cannot be read"),
            Self::Group(group) => write!(f, "{group} is not listed"),
            Self::PrefixList(group, list) => write!(f, "{list} in {group} cannot be read"),
        }
    }
}

/// Answers for every interface of one inventory; the routing of each subnet is worked out once.
pub struct Exposures<'a> {
    inventory: &'a Inventory,
    config: &'a Config,
    own_instances: BTreeSet<&'a InstanceId>,
    explicit: BTreeMap<&'a SubnetId, (&'a RouteTableId, &'a RouteTable)>,
    main: BTreeMap<&'a VpcId, (&'a RouteTableId, &'a RouteTable)>,
    routing: BTreeMap<(&'a SubnetId, Family), Exposure>,
}

impl<'a> Exposures<'a> {
    /// Prepares the look-ups.
    pub fn of(inventory: &'a Inventory, config: &'a Config) -> Self {
        let mut explicit = BTreeMap::new();
        let mut main = BTreeMap::new();
        for (id, table) in &inventory.route_tables {
            explicit.extend(table.subnets.iter().map(|subnet| (subnet, (id, table))));
            if table.role == TableRole::Main {
                main.insert(&table.vpc, (id, table));
            }
        }
        let own_instances = own_instances(inventory, config);
        Self { inventory, config, own_instances, explicit, main, routing: BTreeMap::new() }
    }

    /// Whether the interface is exposed, for addresses of that family. Groups are not asked here.
    pub fn exposure(&mut self, id: &InterfaceId, interface: &'a Interface, family: Family) -> Exposure {
        if self.is_firewall(id, interface) {
            return Exposure::No(Hidden::Firewall);
        }
        if !self.is_in_scope(interface) {
            return Exposure::No(Hidden::OutOfScope);
        }
        match &interface.instance {
            Some(instance) => match self.inventory.instances.get(instance).map(|found| found.state) {
                None => return Exposure::Unknown(Doubt::Instance(instance.clone())),
                Some(state) if !InstanceState::is_on(state) => {
                    return Exposure::No(Hidden::Off(instance.clone()));
                }
                Some(_) => {}
            },
            None if self.config.interfaces == InterfaceScope::Instances => {
                return Exposure::No(Hidden::Unattached);
            }
            None => {}
        }
        self.routing(interface, family)
    }

    /// Whether internet-bound traffic of the interface's subnet goes by the firewall, or may, whoever the interface belongs to and
    /// whether it is in use or not.
    pub fn may_be_behind(&mut self, interface: &'a Interface, family: Family) -> bool {
        !matches!(self.routing(interface, family), Exposure::No(_))
    }

    fn routing(&mut self, interface: &'a Interface, family: Family) -> Exposure {
        if let Some(known) = self.routing.get(&(&interface.subnet, family)) {
            return known.clone();
        }
        let routed = self.routed(interface, family);
        self.routing.insert((&interface.subnet, family), routed.clone());
        routed
    }

    /// Whether the interface is one of the firewall's own.
    pub fn is_firewall(&self, id: &InterfaceId, interface: &Interface) -> bool {
        self.config.gateways.contains(&Gateway::Interface(id.clone()))
            || interface.instance.as_ref().is_some_and(|instance| self.own_instances.contains(instance))
    }

    /// Of an instance that is not listed nobody can tell which tags it has.
    fn is_in_scope(&self, interface: &Interface) -> bool {
        let Scope { vpcs, subnets, instance_tags } = &self.config.scope;
        let tagged = || match &interface.instance {
            Some(id) => {
                self.inventory.instances.get(id).is_none_or(|held| instance_tags.iter().any(|tag| tag.is_on(held)))
            }
            None => false,
        };
        (vpcs.is_empty() || vpcs.contains(&interface.vpc))
            && (subnets.is_empty() || subnets.contains(&interface.subnet))
            && (instance_tags.is_empty() || tagged())
    }

    /// Where internet-bound traffic of the interface's subnet goes: by the default route, or by the two halves of the
    /// address space, each by its longest prefix.
    fn routed(&self, interface: &'a Interface, family: Family) -> Exposure {
        let subnet = &interface.subnet;
        let vpc = self.inventory.subnets.get(subnet).map_or(&interface.vpc, |found| &found.vpc);
        let Some((table_id, table)) = self.explicit.get(subnet).or_else(|| self.main.get(vpc)).copied() else {
            return Exposure::Unknown(Doubt::NoRouteTable(subnet.clone()));
        };
        let mut via = None;
        for half in halves(family) {
            let route = match self.best_route(table_id, table, half, family) {
                Ok(Some(route)) => route,
                Ok(None) => return Exposure::No(Hidden::NoDefaultRoute(table_id.clone())),
                Err(doubt) => return Exposure::Unknown(doubt),
            };
            match self.target(table_id, route) {
                Exposure::Yes(reached) => via = Some(reached),
                other @ (Exposure::No(_) | Exposure::Unknown(_)) => return other,
            }
        }
        via.map_or_else(|| Exposure::No(Hidden::NoDefaultRoute(table_id.clone())), Exposure::Yes)
    }

    /// The route that takes this half of the internet: one for exactly the half, else the default route. For equal
    /// destinations a CIDR beats a prefix list; between two lists AWS chooses at random (VPC guide, route priority).
    fn best_route(
        &self,
        table_id: &RouteTableId,
        table: &'a RouteTable,
        half: AddressRange,
        family: Family,
    ) -> Result<Option<&'a Route>, Doubt> {
        let mut best: Option<(_, &Route)> = None;
        let mut rival = None;
        for route in &table.routes {
            let (ranges, listed) = match &route.destination {
                Destination::Addresses(range) => (std::slice::from_ref(range), 0),
                Destination::PrefixList(list) => match self.inventory.prefix_lists.get(list) {
                    Some(entries) => (entries.as_slice(), 1),
                    None => return Err(Doubt::RoutePrefixList(table_id.clone(), list.clone())),
                },
            };
            for range in ranges {
                let length = if *range == half {
                    1
                } else if *range == family.whole() {
                    0
                } else {
                    continue;
                };
                let rank = (length, 1 - listed);
                match best {
                    Some((held, _)) if held > rank => {}
                    Some((held, other))
                        if held == rank && (&other.target, other.state) != (&route.target, route.state) =>
                    {
                        rival = Some(rank);
                    }
                    _ => best = Some((rank, route)),
                }
            }
        }
        match best {
            Some((rank, _)) if rival == Some(rank) => Err(Doubt::Ambiguous(table_id.clone())),
            _ => Ok(best.map(|(_, route)| route)),
        }
    }

    fn target(&self, table: &RouteTableId, route: &Route) -> Exposure {
        if route.state == RouteState::Blackhole {
            return Exposure::Unknown(Doubt::Blackhole(table.clone()));
        }
        let elsewhere = |target: String| Exposure::No(Hidden::Elsewhere(table.clone(), target));
        let listed = |gateway: Gateway| match self.config.gateways.contains(&gateway) {
            true => Exposure::Yes(Via { table: table.clone(), gateway }),
            false => elsewhere(gateway.to_string()),
        };
        match &route.target {
            Target::Local => elsewhere("the VPC itself".to_owned()),
            Target::Other(id) => elsewhere(id.clone()),
            Target::Endpoint(id) => listed(Gateway::Endpoint(id.clone())),
            Target::TransitGateway(id) => listed(Gateway::TransitGateway(id.clone())),
            Target::Interface { interface, instance } => {
                self.interface_target(table, interface.as_ref(), instance.as_ref())
            }
        }
    }

    /// A route to an interface names the interface, the instance, or both; either can be the gateway.
    fn interface_target(
        &self,
        table: &RouteTableId,
        interface: Option<&InterfaceId>,
        instance: Option<&InstanceId>,
    ) -> Exposure {
        let found = interface.map(|id| (id, self.inventory.interfaces.get(id)));
        let attached = found.and_then(|(_, facts)| facts).and_then(|facts| facts.instance.as_ref());
        if let (Some((id, Some(_))), None, None) = (found, attached, instance) {
            return Exposure::Unknown(Doubt::Detached(table.clone(), id.clone()));
        }
        let mut candidates = interface
            .map(|id| Gateway::Interface(id.clone()))
            .into_iter()
            .chain([instance, attached].into_iter().flatten().map(|id| Gateway::Instance(id.clone())));
        if let Some(gateway) = candidates.find(|gateway| self.config.gateways.contains(gateway)) {
            return Exposure::Yes(Via { table: table.clone(), gateway });
        }
        match (found, instance) {
            (Some((id, None)), None) => Exposure::Unknown(Doubt::Interface(table.clone(), id.clone())),
            (Some((id, _)), _) => Exposure::No(Hidden::Elsewhere(table.clone(), id.to_string())),
            (None, Some(id)) => Exposure::No(Hidden::Elsewhere(table.clone(), id.to_string())),
            (None, None) => Exposure::No(Hidden::Elsewhere(table.clone(), "an interface without a name".to_owned())),
        }
    }
}

/// The firewall's instances: named in the settings, or those that a gateway interface is attached to.
fn own_instances<'a>(inventory: &'a Inventory, config: &'a Config) -> BTreeSet<&'a InstanceId> {
    let by_gateway = config.gateways.iter().filter_map(|gateway| match gateway {
        Gateway::Instance(id) => Some(id),
        Gateway::Interface(id) => inventory.interfaces.get(id)?.instance.as_ref(),
        Gateway::Endpoint(_) | Gateway::TransitGateway(_) => None,
    });
    config.firewall_instances.iter().chain(by_gateway).collect()
}

/// The two halves of a family's address space, as route tables write them.
fn halves(family: Family) -> [AddressRange; 2] {
    let texts = match family {
        Family::Ipv4 => ["0.0.0.0/1", "128.0.0.0/1"],
        Family::Ipv6 => ["::/1", "8000::/1"],
    };
    texts.map(|text| text.parse().expect("both halves are written as networks"))
}

#[cfg(test)]
mod tests;
