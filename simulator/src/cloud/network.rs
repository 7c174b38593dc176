//! VPCs, subnets, route tables and what routes lead to.

use std::{collections::BTreeMap, fmt};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    Resources,
    ids::{
        AssociationId, CidrAssociationId, EndpointId, InterfaceId, InternetGatewayId, NatGatewayId, PeeringId,
        PrefixListId, RouteTableId, SubnetId, TransitGatewayId, VpcId, fingerprint,
    },
    instance::InstanceState,
    shape::{Record, Shape},
};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A virtual private cloud.
#[derive(Clone, Debug)]
pub struct Vpc {
    /// Its id.
    pub id: VpcId,
    /// Its IPv4 networks, the primary one first.
    pub cidrs: Vec<CidrAssociation<Ipv4Net>>,
    /// Its IPv6 networks.
    pub ipv6_cidrs: Vec<CidrAssociation<Ipv6Net>>,
    /// Whether it is the default VPC, in which groups may be called by name.
    pub is_default: bool,
    /// Its tags.
    pub tags: Tags,
}

/// A network of a VPC, and how far EC2 is with it.
#[derive(Clone, Debug)]
pub struct CidrAssociation<N> {
    /// The id of this association.
    pub id: CidrAssociationId,
    /// The network.
    pub cidr: N,
    /// Only an associated network counts.
    pub state: CidrState,
}

/// How far EC2 is with a network of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CidrState {
    /// Being added.
    Associating,
    /// In force.
    Associated,
    /// Being removed.
    Disassociating,
    /// Removed, still shown for a while.
    Disassociated,
    /// Could not be added.
    Failed,
}

impl CidrState {
    fn name(self) -> &'static str {
        match self {
            Self::Associating => "associating",
            Self::Associated => "associated",
            Self::Disassociating => "disassociating",
            Self::Disassociated => "disassociated",
            Self::Failed => "failed",
        }
    }
}

impl<N: Copy + Into<IpNet>> CidrAssociation<N> {
    /// `cidrBlock` or `ipv6CidrBlock` with its id and state.
    pub(super) fn shape(&self) -> Record {
        let state = Record::new().with("state", self.state.name());
        let record = Record::new().with("associationId", &self.id);
        match self.cidr.into() {
            IpNet::V4(cidr) => record.with("cidrBlock", cidr).with("cidrBlockState", state),
            IpNet::V6(cidr) => record.with("ipv6CidrBlock", cidr).with("ipv6CidrBlockState", state),
        }
    }
}

impl Vpc {
    pub(super) fn shape(&self, owner: &str) -> Record {
        let record = Record::new().with("vpcId", &self.id).with("state", "available").with("ownerId", owner);
        record
            .maybe("cidrBlock", self.cidrs.first().map(|first| first.cidr))
            .with("isDefault", self.is_default)
            .with("instanceTenancy", "default")
            .with("cidrBlockAssociationSet", Shape::from_iter(self.cidrs.iter().map(CidrAssociation::shape)))
            .with("ipv6CidrBlockAssociationSet", Shape::from_iter(self.ipv6_cidrs.iter().map(CidrAssociation::shape)))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// A part of a VPC in one availability zone.
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its id.
    pub id: SubnetId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its IPv4 network.
    pub cidr: Ipv4Net,
    /// Its IPv6 networks.
    pub ipv6_cidrs: Vec<Ipv6Net>,
    /// Its tags.
    pub tags: Tags,
}

impl Subnet {
    fn ipv6_association(&self, cidr: Ipv6Net) -> Record {
        let id = format!("subnet-cidr-assoc-0{:016x}", fingerprint(format!("{} {cidr}", self.id).as_bytes()));
        let state = Record::new().with("state", CidrState::Associated.name());
        Record::new().with("associationId", id).with("ipv6CidrBlock", cidr).with("ipv6CidrBlockState", state)
    }

    pub(super) fn shape(&self, owner: &str, region: &str) -> Record {
        let associations = self.ipv6_cidrs.iter().map(|cidr| self.ipv6_association(*cidr));
        Record::new()
            .with("subnetId", &self.id)
            .with("subnetArn", format!("arn:aws:ec2:{region}:{owner}:subnet/{}", self.id))
            .with("vpcId", &self.vpc)
            .with("cidrBlock", self.cidr)
            .with("state", "available")
            .with("ownerId", owner)
            .with("availabilityZone", zone(region))
            .with("defaultForAz", false)
            .with("mapPublicIpOnLaunch", false)
            .with("ipv6CidrBlockAssociationSet", Shape::from_iter(associations))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

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
    let v4 = vpc.cidrs.iter().filter(|cidr| cidr.state == CidrState::Associated).map(|cidr| IpNet::V4(cidr.cidr));
    let v6 = vpc.ipv6_cidrs.iter().filter(|cidr| cidr.state == CidrState::Associated).map(|cidr| IpNet::V6(cidr.cidr));
    v4.chain(v6).map(|cidr| {
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
            Self::Nat(_) | Self::Transit(_) | Self::Peering(_) => RouteState::Active,
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

/// An internet gateway.
#[derive(Clone, Debug)]
pub struct InternetGateway {
    /// Its id.
    pub id: InternetGatewayId,
    /// The VPC to which it is attached.
    pub vpc: Option<VpcId>,
}

/// A VPC endpoint.
#[derive(Clone, Debug)]
pub struct VpcEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// Its VPC.
    pub vpc: VpcId,
    /// What kind it is.
    pub kind: EndpointKind,
    /// What it leads to, such as `com.amazonaws.vpce.eu-west-1.vpce-svc-…`.
    pub service: String,
    /// The subnets in which it stands.
    pub subnets: Vec<SubnetId>,
    /// Its tags.
    pub tags: Tags,
}

/// The kinds of VPC endpoints that matter to routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointKind {
    /// In front of a gateway load balancer: the one kind behind which firewalls stand.
    GatewayLoadBalancer,
    /// In front of a service, with an interface.
    Interface,
    /// S3 or DynamoDB, by routes.
    Gateway,
}

impl VpcEndpoint {
    pub(super) fn shape(&self, owner: &str) -> Record {
        let kind = match self.kind {
            EndpointKind::GatewayLoadBalancer => "GatewayLoadBalancer",
            EndpointKind::Interface => "Interface",
            EndpointKind::Gateway => "Gateway",
        };
        Record::new()
            .with("vpcEndpointId", &self.id)
            .with("vpcEndpointType", kind)
            .with("vpcId", &self.vpc)
            .with("serviceName", &self.service)
            .with("state", "available")
            .renamed("subnetIdSet", "SubnetIds", Shape::from_iter(&self.subnets))
            .renamed("networkInterfaceIdSet", "NetworkInterfaceIds", Shape::List(vec![]))
            .renamed("routeTableIdSet", "RouteTableIds", Shape::List(vec![]))
            .with("ownerId", owner)
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// The one availability zone of this world.
pub(super) fn zone(region: &str) -> String {
    format!("{region}a")
}

pub(super) fn tags(tags: &Tags) -> Shape {
    tags.iter().map(|(key, value)| Record::new().with("key", key).with("value", value)).collect()
}
