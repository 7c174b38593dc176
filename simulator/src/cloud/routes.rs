//! Route tables, and whether what they lead to is alive.

use std::fmt;

use ipnet::IpNet;

use super::{
    Resources, Vpc,
    gateway::NatGateway,
    ids::{
        AssociationId, EgressGatewayId, EndpointId, InterfaceId, InternetGatewayId, NatGatewayId, PeeringId,
        PrefixListId, RouteTableId, SubnetId, TransitGatewayId, VpcId,
    },
    instance::InstanceState,
    network::{Tags, tags},
    peering::Peering,
    shape::{Record, Shape},
};

/// A route table with its routes and associations.
#[derive(Clone, Debug)]
pub struct RouteTable {
    /// Its id.
    pub id: RouteTableId,
    /// Its VPC.
    pub vpc: VpcId,
    /// What has been added to the `local` routes.
    pub routes: Vec<Route>,
    /// What uses it.
    pub associations: Vec<Association>,
    /// Its tags.
    pub tags: Tags,
}

/// What a route table is in force for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Association {
    /// Its id.
    pub id: AssociationId,
    /// What it is in force for.
    pub with: Associated,
}

/// Who uses a route table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Associated {
    /// Every subnet of the VPC without a table of its own.
    Main,
    /// One subnet.
    Subnet(SubnetId),
    /// What comes in from the internet (an edge association).
    Gateway(InternetGatewayId),
}

/// A route that somebody made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to.
    pub destination: Destination,
    /// By way of.
    pub target: Target,
}

/// What a route is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// A network of either family.
    Cidr(IpNet),
    /// All networks of a prefix list.
    PrefixList(PrefixListId),
}

/// What a route leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An internet gateway.
    InternetGateway(InternetGatewayId),
    /// A network interface: of a firewall, say. A route to an instance is one to its first interface.
    Interface(InterfaceId),
    /// A VPC endpoint; EC2 shows it as a `gatewayId`.
    Endpoint(EndpointId),
    /// A NAT gateway.
    Nat(NatGatewayId),
    /// A transit gateway.
    Transit(TransitGatewayId),
    /// A peering connection.
    Peering(PeeringId),
    /// An egress-only internet gateway, for IPv6.
    EgressGateway(EgressGatewayId),
}

/// Whether packets get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// They do.
    Active,
    /// The target is gone, or dead.
    Blackhole,
}

impl RouteState {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blackhole => "blackhole",
        }
    }
}

impl RouteTable {
    pub(super) fn shape(&self, resources: &Resources, owner: &str, stopped_target: RouteState) -> Record {
        let local = resources.vpcs.get(&self.vpc).into_iter().flat_map(local_routes);
        let made = self.routes.iter().map(|route| route.shape(resources, owner, stopped_target));
        let associations = self.associations.iter().map(|association| association.shape(&self.id));
        Record::new()
            .with("routeTableId", &self.id)
            .with("vpcId", &self.vpc)
            .with("ownerId", owner)
            .renamed("routeSet", "Routes", Shape::from_iter(local.chain(made)))
            .renamed("associationSet", "Associations", Shape::from_iter(associations))
            .renamed("propagatingVgwSet", "PropagatingVgws", Shape::List(vec![]))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// Every network of the VPC has a `local` route in every table.
fn local_routes(vpc: &Vpc) -> impl Iterator<Item = Record> {
    vpc.networks().map(|cidr| {
        let record = Destination::Cidr(cidr).shape().with("gatewayId", "local");
        record.with("origin", "CreateRouteTable").with("state", RouteState::Active.name())
    })
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(cidr) => cidr.fmt(f),
            Self::PrefixList(id) => id.fmt(f),
        }
    }
}

impl Destination {
    fn shape(&self) -> Record {
        match self {
            Self::Cidr(IpNet::V4(cidr)) => Record::new().with("destinationCidrBlock", *cidr),
            Self::Cidr(IpNet::V6(cidr)) => Record::new().with("destinationIpv6CidrBlock", *cidr),
            Self::PrefixList(id) => Record::new().with("destinationPrefixListId", id),
        }
    }
}

impl Route {
    fn shape(&self, resources: &Resources, owner: &str, stopped_target: RouteState) -> Record {
        let state = self.target.state(resources, stopped_target);
        let record = self.destination.shape().and(self.target.shape(resources, owner));
        record.with("origin", "CreateRoute").with("state", state.name())
    }
}

impl Target {
    /// An interface is shown with the instance that it is attached to, as long as it is.
    fn shape(&self, resources: &Resources, owner: &str) -> Record {
        let record = Record::new();
        match self {
            Self::InternetGateway(id) => record.with("gatewayId", id),
            Self::Endpoint(id) => record.with("gatewayId", id),
            Self::Nat(id) => record.with("natGatewayId", id),
            Self::Transit(id) => record.with("transitGatewayId", id),
            Self::Peering(id) => record.with("vpcPeeringConnectionId", id),
            Self::EgressGateway(id) => record.with("egressOnlyInternetGatewayId", id),
            Self::Interface(id) => match resources.interfaces.get(id).and_then(|interface| interface.instance()) {
                Some(instance) => {
                    record.with("instanceId", instance).with("instanceOwnerId", owner).with("networkInterfaceId", id)
                }
                None => record.with("networkInterfaceId", id),
            },
        }
    }

    fn state(&self, resources: &Resources, stopped_target: RouteState) -> RouteState {
        let active_if = |holds: bool| if holds { RouteState::Active } else { RouteState::Blackhole };
        match self {
            Self::InternetGateway(id) => {
                active_if(resources.internet_gateways.get(id).is_some_and(|gateway| gateway.vpc.is_some()))
            }
            Self::Endpoint(id) => active_if(resources.endpoints.contains_key(id)),
            Self::Nat(id) => active_if(resources.nat_gateways.get(id).is_some_and(NatGateway::is_alive)),
            Self::Transit(id) => active_if(resources.transit_gateways.contains_key(id)),
            Self::Peering(id) => active_if(resources.peerings.get(id).is_some_and(Peering::is_active)),
            Self::EgressGateway(id) => active_if(resources.egress_gateways.contains_key(id)),
            Self::Interface(id) => {
                match resources.interfaces.get(id).and_then(|interface| interface.attachment.as_ref()) {
                    None => RouteState::Blackhole,
                    Some(_) => match resources.instance_behind(id).map(|instance| instance.state) {
                        // Attached by a service, or on.
                        None | Some(InstanceState::Pending | InstanceState::Running) => RouteState::Active,
                        Some(InstanceState::Stopping | InstanceState::Stopped) => stopped_target,
                        Some(InstanceState::ShuttingDown | InstanceState::Terminated) => RouteState::Blackhole,
                    },
                }
            }
        }
    }
}

impl Association {
    fn shape(&self, table: &RouteTableId) -> Record {
        let record = Record::new().with("routeTableAssociationId", &self.id).with("routeTableId", table);
        let record = match &self.with {
            Associated::Main => record.with("main", true),
            Associated::Subnet(id) => record.with("subnetId", id).with("main", false),
            Associated::Gateway(id) => record.with("gatewayId", id).with("main", false),
        };
        record.with("associationState", Record::new().with("state", "associated"))
    }
}
