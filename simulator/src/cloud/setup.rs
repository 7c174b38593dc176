//! Furnishing a world: resources that were there before anybody looked, and of which CloudTrail knows nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    Associated, Association, AssociationId, Attachment, CidrAssociation, CidrState, Cloud, Destination, Direction,
    Family, Gifts, GroupId, GroupRule, Holder, Instance, InstanceId, InstanceState, Interface, InterfaceId,
    InternetGateway, InternetGatewayId, NatGateway, NatReach, OnTermination, Particulars, Permission, PrefixList,
    PrefixListId, Route, RouteTable, RouteTableId, RuleId, SecurityGroup, Subnet, SubnetId, Tags, Target,
    TransitGateway, Vpc, VpcAttributes, VpcEndpoint, VpcId, Zone, ids::ResourceId,
};
use crate::clock::Moment;

/// Why something cannot be part of the world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The id is in use.
    #[error("the {kind} `{id}` is there already: give the second one an id of its own")]
    Taken {
        /// What it is the id of.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// Something is referred to that is not there.
    #[error("there is no {kind} `{id}`: add it first")]
    Unknown {
        /// What it is the id of.
        kind: &'static str,
        /// The id.
        id: String,
    },
    /// Two parts of the world contradict each other.
    #[error("{0}")]
    Conflict(String),
}

impl Cloud {
    /// Adds a VPC with its primary network.
    pub fn add_vpc(&mut self, id: VpcId, cidr: Ipv4Net) -> Result<(), SetupError> {
        let cidrs = vec![self.associated(cidr.trunc())];
        let (attributes, tags) = (VpcAttributes::default(), Tags::new());
        let vpc = Vpc { id: id.clone(), cidrs, ipv6_cidrs: vec![], is_default: false, attributes, tags };
        put(&mut self.resources.vpcs, id, vpc)
    }

    /// Adds one more network to a VPC.
    pub fn add_vpc_cidr(&mut self, vpc: &VpcId, cidr: IpNet) -> Result<(), SetupError> {
        known(&self.resources.vpcs, vpc)?;
        match cidr.trunc() {
            IpNet::V4(cidr) => {
                let association = self.associated(cidr);
                known_mut(&mut self.resources.vpcs, vpc)?.cidrs.push(association);
            }
            IpNet::V6(cidr) => {
                let association = self.associated(cidr);
                known_mut(&mut self.resources.vpcs, vpc)?.ipv6_cidrs.push(association);
            }
        }
        Ok(())
    }

    fn associated<N>(&mut self, cidr: N) -> CidrAssociation<N> {
        CidrAssociation { id: self.resource_ids.id(), cidr, state: CidrState::Associated }
    }

    /// Adds a subnet.
    pub fn add_subnet(&mut self, id: SubnetId, vpc: VpcId, cidr: Ipv4Net) -> Result<(), SetupError> {
        let inside = known(&self.resources.vpcs, &vpc)?.cidrs.iter().any(|network| network.cidr.contains(&cidr));
        if !inside {
            return Err(SetupError::Conflict(format!("`{id}` is outside of its VPC: `{vpc}` does not contain {cidr}")));
        }
        let (zone, gives, tags) = (Zone::default(), Gifts::default(), Tags::new());
        let subnet = Subnet { id: id.clone(), vpc, cidr: cidr.trunc(), ipv6_cidrs: vec![], zone, gives, tags };
        put(&mut self.resources.subnets, id, subnet)
    }

    /// Adds an IPv6 network to a subnet.
    pub fn add_subnet_cidr(&mut self, subnet: &SubnetId, cidr: Ipv6Net) -> Result<(), SetupError> {
        let vpc = known(&self.resources.vpcs, &known(&self.resources.subnets, subnet)?.vpc)?;
        if !vpc.ipv6_cidrs.iter().any(|network| network.cidr.contains(&cidr)) {
            let message = format!("{cidr} is outside of its VPC: add an IPv6 network that contains it to `{}`", vpc.id);
            return Err(SetupError::Conflict(message));
        }
        known_mut(&mut self.resources.subnets, subnet)?.ipv6_cidrs.push(cidr.trunc());
        Ok(())
    }

    /// Adds a route table without associations.
    pub fn add_route_table(&mut self, id: RouteTableId, vpc: VpcId) -> Result<(), SetupError> {
        known(&self.resources.vpcs, &vpc)?;
        let table = RouteTable { id: id.clone(), vpc, routes: vec![], associations: vec![], tags: Tags::new() };
        put(&mut self.resources.route_tables, id, table)
    }

    /// Puts a route table in force: for a subnet, as its VPC's main table, or for what comes in through a gateway.
    pub fn associate(&mut self, table: &RouteTableId, with: Associated) -> Result<AssociationId, SetupError> {
        let vpc = known(&self.resources.route_tables, table)?.vpc.clone();
        match &with {
            Associated::Main => {}
            Associated::Subnet(id) => {
                known(&self.resources.subnets, id)?;
            }
            Associated::Gateway(id) => {
                known(&self.resources.internet_gateways, id)?;
            }
        }
        let mut of_vpc = self.resources.route_tables.values().filter(|other| other.vpc == vpc);
        if let Some(other) = of_vpc.find(|other| other.associations.iter().any(|association| association.with == with))
        {
            let what = match with {
                Associated::Main => format!("`{vpc}` has a main table"),
                Associated::Subnet(id) => format!("`{id}` has a table"),
                Associated::Gateway(id) => format!("`{id}` has a table"),
            };
            return Err(SetupError::Conflict(format!("{what} already, `{}`: associate only one", other.id)));
        }
        let id: AssociationId = self.resource_ids.id();
        known_mut(&mut self.resources.route_tables, table)?.associations.push(Association { id: id.clone(), with });
        Ok(id)
    }

    /// Adds a route.
    pub fn add_route(
        &mut self,
        table: &RouteTableId,
        destination: Destination,
        target: Target,
    ) -> Result<(), SetupError> {
        self.check_target(&target)?;
        self.furnish_target(table, &target)?;
        let table = known_mut(&mut self.resources.route_tables, table)?;
        if table.routes.iter().any(|route| route.destination == destination) {
            return Err(SetupError::Conflict(format!(
                "`{}` has a route to {destination} already: add only one",
                table.id
            )));
        }
        table.routes.push(Route { destination, target });
        Ok(())
    }

    /// Gateways of which a set-up says nothing else are there as soon as a route leads to them.
    fn furnish_target(&mut self, table: &RouteTableId, target: &Target) -> Result<(), SetupError> {
        if let Target::Nat(id) = target
            && !self.resources.nat_gateways.contains_key(id)
        {
            let vpc = known(&self.resources.route_tables, table)?.vpc.clone();
            let subnet =
                self.resources.subnets.values().find(|subnet| subnet.vpc == vpc).map(|subnet| subnet.id.clone());
            let message = || format!("`{id}` has no place: add a subnet to `{vpc}`");
            let subnet = subnet.ok_or_else(|| SetupError::Conflict(message()))?;
            let (created, reach) = (Moment::default(), NatReach::Public(None));
            let (interface, deleted, tags) = (None, None, Tags::new());
            let gateway = NatGateway { id: id.clone(), subnet, vpc, interface, reach, created, deleted, tags };
            self.resources.nat_gateways.insert(id.clone(), gateway);
        }
        if let Target::Transit(id) = target {
            let (description, created, tags) = (String::new(), Moment::default(), Tags::new());
            let gateway = TransitGateway { id: id.clone(), description, created, tags };
            self.resources.transit_gateways.entry(id.clone()).or_insert(gateway);
        }
        Ok(())
    }

    fn check_target(&self, target: &Target) -> Result<(), SetupError> {
        match target {
            Target::InternetGateway(id) => known(&self.resources.internet_gateways, id).map(drop),
            Target::Interface(id) => known(&self.resources.interfaces, id).map(drop),
            Target::Endpoint(id) => known(&self.resources.endpoints, id).map(drop),
            Target::EgressGateway(id) => known(&self.resources.egress_gateways, id).map(drop),
            Target::Peering(id) => known(&self.resources.peerings, id).map(drop),
            Target::Nat(_) | Target::Transit(_) => Ok(()),
        }
    }

    /// Adds an internet gateway, attached to a VPC.
    pub fn add_internet_gateway(&mut self, id: InternetGatewayId, vpc: VpcId) -> Result<(), SetupError> {
        known(&self.resources.vpcs, &vpc)?;
        let gateway = InternetGateway { id: id.clone(), vpc: Some(vpc), tags: Tags::new() };
        put(&mut self.resources.internet_gateways, id, gateway)
    }

    /// Adds a VPC endpoint.
    pub fn add_vpc_endpoint(&mut self, endpoint: VpcEndpoint) -> Result<(), SetupError> {
        known(&self.resources.vpcs, &endpoint.vpc)?;
        put(&mut self.resources.endpoints, endpoint.id.clone(), endpoint)
    }

    /// Adds a security group without any rules: also without the egress rule that a group made by a call begins with.
    pub fn add_group(&mut self, id: GroupId, vpc: VpcId, name: &str) -> Result<(), SetupError> {
        known(&self.resources.vpcs, &vpc)?;
        if self.resources.groups.values().any(|group| group.vpc == vpc && group.name == name) {
            return Err(SetupError::Conflict(format!(
                "`{vpc}` has a group named `{name}` already: choose another name"
            )));
        }
        let (name, description) = (name.to_owned(), name.to_owned());
        let group = SecurityGroup {
            id: id.clone(),
            name,
            description,
            vpc,
            shared_with: BTreeSet::new(),
            rules: vec![],
            tags: Tags::new(),
        };
        put(&mut self.resources.groups, id, group)
    }

    /// Adds a rule for each peer of a permission.
    pub fn add_permission(
        &mut self,
        group: &GroupId,
        direction: Direction,
        permission: Permission,
    ) -> Result<Vec<RuleId>, SetupError> {
        let rules = self.new_rules(direction, vec![permission]);
        let group = known_mut(&mut self.resources.groups, group)?;
        if let Some(rule) = rules.iter().find(|rule| group.rule_like(rule).is_some()) {
            return Err(SetupError::Conflict(format!(
                "`{}` has this rule for {} already: add only one",
                group.id, rule.peer
            )));
        }
        let ids = rules.iter().map(|rule| rule.id.clone()).collect();
        group.rules.extend(rules);
        Ok(ids)
    }

    /// A rule with a new id for each peer.
    pub(super) fn new_rules(&mut self, direction: Direction, permissions: Vec<Permission>) -> Vec<GroupRule> {
        let mut rules = vec![];
        for Permission { traffic, peers } in permissions {
            for (peer, description) in peers {
                let id = self.resource_ids.id();
                rules.push(GroupRule { id, direction, traffic, peer, description, tags: Tags::new() });
            }
        }
        rules
    }

    /// Adds an instance with one interface of its own, and says which.
    pub fn add_instance(
        &mut self,
        id: InstanceId,
        subnet: SubnetId,
        address: Ipv4Addr,
        groups: Vec<GroupId>,
        state: InstanceState,
    ) -> Result<InterfaceId, SetupError> {
        let interface_id: InterfaceId = self.resource_ids.id();
        let mut interface = Interface::new(interface_id.clone(), subnet, address, groups);
        interface.attachment = Some(self.attachment(Holder::Instance(id.clone()), 0, Moment::default()));
        self.check_interface(&interface)?;
        let instance = Instance {
            id: id.clone(),
            reservation: self.resource_ids.id(),
            image: "ami-0123456789abcdef0".into(),
            kind: "t3.micro".into(),
            launched: Moment::default(),
            state,
            due: None,
            operator: None,
            particulars: Particulars::default(),
            tags: Tags::new(),
        };
        put(&mut self.resources.instances, id, instance)?;
        put(&mut self.resources.interfaces, interface_id.clone(), interface)?;
        Ok(interface_id)
    }

    /// Adds an interface. Its attachment, if it has one, must name an instance that is there.
    pub fn add_interface(&mut self, interface: Interface) -> Result<(), SetupError> {
        self.check_interface(&interface)?;
        if let Some(instance) = interface.instance() {
            known(&self.resources.instances, instance)?;
        }
        put(&mut self.resources.interfaces, interface.id.clone(), interface)
    }

    /// A new attachment; only a primary interface goes with its instance.
    pub fn attachment(&mut self, holder: Holder, device_index: u32, since: Moment) -> Attachment {
        let on_termination = if device_index == 0 { OnTermination::Delete } else { OnTermination::Keep };
        Attachment { id: self.resource_ids.id(), holder, device_index, since, on_termination }
    }

    fn check_interface(&self, interface: &Interface) -> Result<(), SetupError> {
        let subnet = known(&self.resources.subnets, &interface.subnet)?;
        for group in &interface.groups {
            known(&self.resources.groups, group)?;
        }
        for address in &interface.addresses {
            if !subnet.cidr.contains(address) {
                let message = format!("{address} is outside of its subnet: `{}` is {}", subnet.id, subnet.cidr);
                return Err(SetupError::Conflict(message));
            }
            let mut of_subnet = self.resources.interfaces.values().filter(|other| other.subnet == interface.subnet);
            if let Some(other) = of_subnet.find(|other| other.addresses.contains(address)) {
                let message = format!("{address} belongs to `{}` already: choose another address", other.id);
                return Err(SetupError::Conflict(message));
            }
        }
        Ok(())
    }

    /// Adds a prefix list of this account.
    pub fn add_prefix_list(&mut self, id: PrefixListId, name: &str, entries: Vec<IpNet>) -> Result<(), SetupError> {
        let entries: Vec<_> = entries.into_iter().map(|cidr| (cidr.trunc(), None)).collect();
        let entries_max = u32::try_from(entries.len()).unwrap_or(u32::MAX).max(20);
        let family = Family::of(&entries);
        let (version, earlier, owner, tags) = (1, vec![], None, Tags::new());
        let name = name.to_owned();
        let list = PrefixList { id: id.clone(), name, family, entries, version, earlier, entries_max, owner, tags };
        put(&mut self.resources.prefix_lists, id, list)
    }
}

fn put<I: ResourceId, V>(map: &mut BTreeMap<I, V>, id: I, value: V) -> Result<(), SetupError> {
    if map.contains_key(&id) {
        return Err(SetupError::Taken { kind: I::KIND, id: id.to_string() });
    }
    map.insert(id, value);
    Ok(())
}

fn known<'a, I: ResourceId, V>(map: &'a BTreeMap<I, V>, id: &I) -> Result<&'a V, SetupError> {
    map.get(id).ok_or_else(|| unknown(id))
}

fn known_mut<'a, I: ResourceId, V>(map: &'a mut BTreeMap<I, V>, id: &I) -> Result<&'a mut V, SetupError> {
    map.get_mut(id).ok_or_else(|| unknown(id))
}

fn unknown<I: ResourceId>(id: &I) -> SetupError {
    SetupError::Unknown { kind: I::KIND, id: id.to_string() }
}
