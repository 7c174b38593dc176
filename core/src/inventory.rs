//! What AWS has: built once per look by the adapter, then only read.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{
    address::{Address, AddressRange},
    config::Gateway,
    id::{
        AccountId, EndpointId, GroupId, InstanceId, InterfaceId, PrefixListId, Region, RouteTableId, SubnetId,
        TransitGatewayId, VpcId,
    },
    range::{Range, Set},
};

/// Everything of one account and region that bears on the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The account that owns what is listed, as far as the answers name one.
    pub account: Option<AccountId>,
    /// The region that was asked.
    pub region: Region,
    /// Networks with all their addresses.
    pub vpcs: BTreeMap<VpcId, Vpc>,
    /// Subnets.
    pub subnets: BTreeMap<SubnetId, Subnet>,
    /// Route tables with their routes and associations.
    pub route_tables: BTreeMap<RouteTableId, RouteTable>,
    /// Network interfaces, attached or not.
    pub interfaces: BTreeMap<InterfaceId, Interface>,
    /// Instances that still exist, in any state.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// Security groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// Prefix lists whose entries could be read. One that is referred to and not listed here is unknown.
    pub prefix_lists: BTreeMap<PrefixListId, Vec<AddressRange>>,
    /// VPC endpoints that are known to exist beside those that routes name.
    pub endpoints: BTreeSet<EndpointId>,
}

impl Inventory {
    /// Whether a gateway is listed, or a route names it.
    pub fn knows(&self, gateway: &Gateway) -> bool {
        let listed = match gateway {
            Gateway::Instance(id) => self.instances.contains_key(id),
            Gateway::Interface(id) => self.interfaces.contains_key(id),
            Gateway::Endpoint(id) => self.endpoints.contains(id),
            Gateway::TransitGateway(_) => false,
        };
        let mut targets = self.route_tables.values().flat_map(|table| &table.routes).map(|route| &route.target);
        listed
            || targets.any(|target| match (target, gateway) {
                (Target::Interface { interface, .. }, Gateway::Interface(id)) => interface.as_ref() == Some(id),
                (Target::Interface { instance, .. }, Gateway::Instance(id)) => instance.as_ref() == Some(id),
                (Target::Endpoint(named), Gateway::Endpoint(id)) => named == id,
                (Target::TransitGateway(named), Gateway::TransitGateway(id)) => named == id,
                _ => false,
            })
    }
}

/// A VPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vpc {
    /// All associated CIDRs of both families, secondary ones too.
    pub cidrs: Set<Address>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The VPC it is part of.
    pub vpc: VpcId,
}

/// A route table. One table can be its VPC's main table and explicitly associated as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// The VPC it belongs to.
    pub vpc: VpcId,
    /// Whether subnets without a table of their own use it.
    pub role: TableRole,
    /// Subnets explicitly associated.
    pub subnets: BTreeSet<SubnetId>,
    /// Its routes, in no order that means anything.
    pub routes: Vec<Route>,
}

/// Whether a route table is its VPC's main one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableRole {
    /// Subnets without an association of their own use it.
    Main,
    /// Only subnets associated with it use it.
    Plain,
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which traffic it takes.
    pub destination: Destination,
    /// Where it goes.
    pub target: Target,
    /// Whether it works.
    pub state: RouteState,
}

/// Which traffic a route takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A CIDR of either family.
    Addresses(AddressRange),
    /// The entries of a prefix list.
    PrefixList(PrefixListId),
}

/// Where a route goes, as far as it can be a firewall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Within the VPC.
    Local,
    /// A network interface, with the instance that AWS says it is attached to.
    Interface {
        /// The interface; AWS leaves it out of some routes that name an instance.
        interface: Option<InterfaceId>,
        /// The instance; missing while the interface is attached to nothing.
        instance: Option<InstanceId>,
    },
    /// A VPC endpoint; AWS shows it in the place of a gateway id.
    Endpoint(EndpointId),
    /// A transit gateway.
    TransitGateway(TransitGatewayId),
    /// Anything else (internet gateway, NAT gateway, peering ...), by its id, for people.
    Other(String),
}

/// Whether a route works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteState {
    /// It carries traffic.
    Active,
    /// Its target is gone, detached or stopped.
    Blackhole,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its VPC.
    pub vpc: VpcId,
    /// Its groups; the permissions of all of them add up.
    pub groups: BTreeSet<GroupId>,
    /// All private addresses of both families: primary, secondary, and delegated prefixes.
    pub addresses: Vec<AddressRange>,
    /// The instance it is attached to.
    pub instance: Option<InstanceId>,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its state.
    pub state: InstanceState,
    /// Its tags, for scopes chosen by tag.
    pub tags: BTreeMap<String, String>,
}

/// EC2's instance states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Starting; it has its addresses already.
    Pending,
    /// On.
    Running,
    /// Being terminated.
    ShuttingDown,
    /// Gone, shown for a while.
    Terminated,
    /// Going to stop or hibernate.
    Stopping,
    /// Off; it keeps its interfaces and addresses.
    Stopped,
}

impl InstanceState {
    /// Whether the instance counts as on: from the moment it starts, because its address is known then.
    pub const fn is_on(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// A security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name, for people.
    pub name: String,
    /// What may come in, one source each.
    pub ingress: Vec<Permission>,
    /// What may go out, one destination each.
    pub egress: Vec<Permission>,
}

/// A permission of a security group, for one peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// Protocol, and ports or types.
    pub traffic: Traffic,
    /// The other side.
    pub peer: Peer,
}

/// Protocol and ports of a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Traffic {
    /// `-1`: everything.
    All,
    /// TCP to these ports.
    Tcp(Range<u16>),
    /// UDP to these ports.
    Udp(Range<u16>),
    /// ICMP of a type, or of every type. EC2 writes `-1` for every; 0 is echo reply.
    Icmp(IcmpTypes),
    /// ICMPv6, likewise.
    Icmpv6(IcmpTypes),
    /// Another protocol, by its IANA number.
    Protocol(u8),
    /// A protocol that we cannot name: the text that EC2 gave.
    Unknown(String),
}

/// Which messages of ICMP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IcmpTypes {
    /// Every type.
    All,
    /// One type with every code.
    Type(u8),
    /// One type and one code.
    TypeAndCode(u8, u8),
}

/// The other side of a permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A CIDR of either family.
    Addresses(AddressRange),
    /// A prefix list of the customer or of AWS.
    PrefixList(PrefixListId),
    /// The members of a group: traffic that stays inside.
    Group(GroupId),
}

/// `tcp 443`, `icmp`, `icmp type 3 code 1`, `all`, `protocol 47`.
impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tcp(ports) => write!(f, "tcp {ports}"),
            Self::Udp(ports) => write!(f, "udp {ports}"),
            Self::Icmp(types) => write!(f, "icmp{types}"),
            Self::Icmpv6(types) => write!(f, "icmpv6{types}"),
            Self::Protocol(number) => write!(f, "protocol {number}"),
            Self::Unknown(text) => write!(f, "protocol `{text}`"),
        }
    }
}

impl fmt::Display for IcmpTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Type(kind) => write!(f, " type {kind}"),
            Self::TypeAndCode(kind, code) => write!(f, " type {kind} code {code}"),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(range) => range.fmt(f),
            Self::PrefixList(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}

/// `tcp 443 with 203.0.113.0/24`, whichever way it goes.
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {}", self.traffic, self.peer)
    }
}
