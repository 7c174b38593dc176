//! Gateways: what stands between a VPC and the rest of the world.

use super::{
    Resources, Tags,
    ids::{
        AllocationId, EgressGatewayId, EndpointId, GroupId, InterfaceId, InternetGatewayId, NatGatewayId, RouteTableId,
        SubnetId, VpcId,
    },
    network::tags,
    shape::{Record, Shape},
};
use crate::clock::Moment;

/// An internet gateway.
#[derive(Clone, Debug)]
pub struct InternetGateway {
    /// Its id.
    pub id: InternetGatewayId,
    /// The VPC to which it is attached.
    pub vpc: Option<VpcId>,
    /// Its tags.
    pub tags: Tags,
}

impl InternetGateway {
    pub(super) fn shape(&self, owner: &str) -> Record {
        // Not `attached`: that is what EC2 calls a gateway in a VPC.
        let attachment = |vpc: &VpcId| Record::new().with("state", "available").with("vpcId", vpc);
        Record::new()
            .with("internetGatewayId", &self.id)
            .with("ownerId", owner)
            .renamed("attachmentSet", "Attachments", Shape::from_iter(self.vpc.iter().map(attachment)))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// An egress-only internet gateway: the way out for IPv6.
#[derive(Clone, Debug)]
pub struct EgressGateway {
    /// Its id.
    pub id: EgressGatewayId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its tags.
    pub tags: Tags,
}

impl EgressGateway {
    pub(super) fn shape(&self) -> Record {
        let attachment = Record::new().with("state", "attached").with("vpcId", &self.vpc);
        Record::new()
            .with("egressOnlyInternetGatewayId", &self.id)
            .renamed("attachmentSet", "Attachments", Shape::from_iter([attachment]))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// A NAT gateway.
#[derive(Clone, Debug)]
pub struct NatGateway {
    /// Its id.
    pub id: NatGatewayId,
    /// The subnet in which it stands.
    pub subnet: SubnetId,
    /// The VPC of that.
    pub vpc: VpcId,
    /// Its interface, as long as there is one.
    pub interface: Option<InterfaceId>,
    /// Whether it leads into the internet, and with which address.
    pub reach: NatReach,
    /// Since when it is there.
    pub created: Moment,
    /// Since when it is there no more; it is shown for a while.
    pub deleted: Option<Moment>,
    /// Its tags.
    pub tags: Tags,
}

/// How far a NAT gateway reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NatReach {
    /// Into the internet, with that elastic address if it is known.
    Public(Option<AllocationId>),
    /// Only to other networks of one's own.
    Private,
}

impl NatGateway {
    pub(super) fn is_alive(&self) -> bool {
        self.deleted.is_none()
    }

    pub(super) fn shape(&self, resources: &Resources) -> Record {
        let state = if self.is_alive() { "available" } else { "deleted" };
        let record = Record::new()
            .with("natGatewayId", &self.id)
            .with("subnetId", &self.subnet)
            .with("vpcId", &self.vpc)
            .with("state", state)
            .with("connectivityType", if self.reach == NatReach::Private { "private" } else { "public" })
            .with("createTime", self.created)
            .maybe("deleteTime", self.deleted);
        let addresses = Shape::from_iter(self.address(resources));
        record.renamed("natGatewayAddressSet", "NatGatewayAddresses", addresses).renamed(
            "tagSet",
            "Tags",
            tags(&self.tags),
        )
    }

    fn address(&self, resources: &Resources) -> Option<Record> {
        let interface = resources.interfaces.get(self.interface.as_ref()?)?;
        let private = *interface.addresses.first()?;
        let record = Record::new()
            .with("networkInterfaceId", &interface.id)
            .with("privateIp", private)
            .with("isPrimary", true)
            .with("status", "succeeded");
        let NatReach::Public(Some(allocation)) = &self.reach else { return Some(record) };
        let address = resources.addresses.get(allocation);
        let association = address.and_then(|address| address.association.as_ref());
        Some(
            record
                .with("allocationId", allocation)
                .maybe("publicIp", address.map(|address| address.public))
                .maybe("associationId", association.map(|used| &used.id)),
        )
    }
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
    /// Its interfaces in them.
    pub interfaces: Vec<InterfaceId>,
    /// The route tables that lead to it by themselves: of gateway endpoints only.
    pub tables: Vec<RouteTableId>,
    /// The groups in force on its interfaces.
    pub groups: Vec<GroupId>,
    /// Since when it is there.
    pub created: Moment,
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

impl EndpointKind {
    /// EC2's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GatewayLoadBalancer => "GatewayLoadBalancer",
            Self::Interface => "Interface",
            Self::Gateway => "Gateway",
        }
    }
}

impl VpcEndpoint {
    /// An endpoint that stands nowhere yet.
    pub fn new(id: EndpointId, vpc: VpcId, kind: EndpointKind, service: &str) -> Self {
        Self {
            id,
            vpc,
            kind,
            service: service.to_owned(),
            subnets: vec![],
            interfaces: vec![],
            tables: vec![],
            groups: vec![],
            created: Moment::default(),
            tags: Tags::new(),
        }
    }

    pub(super) fn shape(&self, resources: &Resources, owner: &str) -> Record {
        Record::new()
            .with("vpcEndpointId", &self.id)
            .with("vpcEndpointType", self.kind.name())
            .with("vpcId", &self.vpc)
            .with("serviceName", &self.service)
            .with("state", "available")
            .with("privateDnsEnabled", false)
            .with("requesterManaged", false)
            .with("creationTimestamp", self.created)
            .renamed("subnetIdSet", "SubnetIds", Shape::from_iter(&self.subnets))
            .renamed("networkInterfaceIdSet", "NetworkInterfaceIds", Shape::from_iter(&self.interfaces))
            .renamed("routeTableIdSet", "RouteTableIds", Shape::from_iter(&self.tables))
            .renamed("groupSet", "Groups", resources.group_names(&self.groups))
            .with("ownerId", owner)
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}
