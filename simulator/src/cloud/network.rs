//! VPCs, their networks and subnets.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    Resources,
    ids::{CidrAssociationId, SubnetCidrAssociationId, SubnetId, VpcId, fingerprint},
    shape::{Record, Shape},
    zone::Zone,
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
    /// What is switched on in it.
    pub attributes: VpcAttributes,
    /// Its tags.
    pub tags: Tags,
}

/// What ModifyVpcAttribute changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VpcAttributes {
    /// `enableDnsSupport`, on at first.
    pub dns_support: bool,
    /// `enableDnsHostnames`, off at first but in a default VPC.
    pub dns_hostnames: bool,
    /// `enableNetworkAddressUsageMetrics`, off at first.
    pub usage_metrics: bool,
}

impl Default for VpcAttributes {
    fn default() -> Self {
        Self { dns_support: true, dns_hostnames: false, usage_metrics: false }
    }
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
    pub(super) fn shape(&self, region: &str) -> Record {
        let state = Record::new().with("state", self.state.name());
        let record = Record::new().with("associationId", &self.id);
        match self.cidr.into() {
            IpNet::V4(cidr) => record.with("cidrBlock", cidr).with("cidrBlockState", state),
            IpNet::V6(cidr) => record
                .with("ipv6CidrBlock", cidr)
                .with("ipv6CidrBlockState", state)
                .with("networkBorderGroup", region)
                .with("ipv6Pool", "Amazon"),
        }
    }
}

impl Vpc {
    /// All its networks that are in force.
    pub(super) fn networks(&self) -> impl Iterator<Item = IpNet> {
        let v4 = self.cidrs.iter().filter(|cidr| cidr.state == CidrState::Associated).map(|cidr| IpNet::V4(cidr.cidr));
        let v6 = self.ipv6_cidrs.iter().filter(|cidr| cidr.state == CidrState::Associated);
        v4.chain(v6.map(|cidr| IpNet::V6(cidr.cidr)))
    }

    pub(super) fn shape(&self, owner: &str, region: &str) -> Record {
        let shape = |cidr: &CidrAssociation<Ipv4Net>| cidr.shape(region);
        let ipv6_shape = |cidr: &CidrAssociation<Ipv6Net>| cidr.shape(region);
        let record = Record::new().with("vpcId", &self.id).with("state", "available").with("ownerId", owner);
        record
            .maybe("cidrBlock", self.cidrs.first().map(|first| first.cidr))
            .with("isDefault", self.is_default)
            .with("instanceTenancy", "default")
            .with("dhcpOptionsId", dhcp_options(region))
            .with("cidrBlockAssociationSet", Shape::from_iter(self.cidrs.iter().map(shape)))
            .with("ipv6CidrBlockAssociationSet", Shape::from_iter(self.ipv6_cidrs.iter().map(ipv6_shape)))
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
    /// Where it is.
    pub zone: Zone,
    /// What its new interfaces get by themselves.
    pub gives: Gifts,
    /// Its tags.
    pub tags: Tags,
}

/// What new interfaces of a subnet get without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gifts {
    /// `mapPublicIpOnLaunch`: the primary interface of a new instance gets a public IPv4 address.
    pub public_address: bool,
    /// `assignIpv6AddressOnCreation`: every new interface gets an IPv6 address.
    pub ipv6_address: bool,
}

impl Subnet {
    /// The id of the association of one of its IPv6 networks.
    pub(super) fn association(&self, cidr: Ipv6Net) -> SubnetCidrAssociationId {
        let digits = fingerprint(format!("{} {cidr}", self.id).as_bytes());
        format!("subnet-cidr-assoc-0{digits:016x}").parse().expect("17 hex digits make an id")
    }

    pub(super) fn ipv6_association(&self, cidr: Ipv6Net, state: CidrState) -> Record {
        Record::new()
            .with("associationId", &self.association(cidr))
            .with("ipv6CidrBlock", cidr)
            .with("ipv6CidrBlockState", Record::new().with("state", state.name()))
    }

    pub(super) fn shape(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        let associations = self.ipv6_cidrs.iter().map(|cidr| self.ipv6_association(*cidr, CidrState::Associated));
        let names = Record::new()
            .with("hostnameType", "ip-name")
            .with("enableResourceNameDnsARecord", false)
            .with("enableResourceNameDnsAAAARecord", false);
        Record::new()
            .with("subnetId", &self.id)
            .with("subnetArn", format!("arn:aws:ec2:{region}:{owner}:subnet/{}", self.id))
            .with("vpcId", &self.vpc)
            .with("cidrBlock", self.cidr)
            .with("state", "available")
            .with("ownerId", owner)
            .with("availabilityZone", self.zone.name(region))
            .with("availabilityZoneId", self.zone.id(region))
            .with("availableIpAddressCount", resources.free_count(self))
            .with("defaultForAz", false)
            .with("mapPublicIpOnLaunch", self.gives.public_address)
            .with("assignIpv6AddressOnCreation", self.gives.ipv6_address)
            .with("enableDns64", false)
            .with("ipv6Native", false)
            .with("mapCustomerOwnedIpOnLaunch", false)
            .with("privateDnsNameOptionsOnLaunch", names)
            .with("ipv6CidrBlockAssociationSet", Shape::from_iter(associations))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// The options of the region that every VPC begins with.
fn dhcp_options(region: &str) -> String {
    format!("dopt-0{:016x}", fingerprint(region.as_bytes()))
}

pub(super) fn tags(tags: &Tags) -> Shape {
    tags.iter().map(|(key, value)| Record::new().with("key", key).with("value", value)).collect()
}
