//! Instances and network interfaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;

use super::{
    Resources, Subnet, Tags,
    ids::{AttachmentId, GroupId, InstanceId, InterfaceId, ReservationId, SubnetId, fingerprint},
    network::{tags, zone},
    shape::{Record, Shape},
};
use crate::clock::Moment;

/// A virtual machine.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// The launch that it came from.
    pub reservation: ReservationId,
    /// The image that it was launched from.
    pub image: String,
    /// Such as `t3.micro`.
    pub kind: String,
    /// When it was launched or last started.
    pub launched: Moment,
    /// Where it is in its life.
    pub state: InstanceState,
    /// When it reaches the state that follows a passing one.
    pub due: Option<Moment>,
    /// The service that runs it, if it is not the customer's own.
    pub operator: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Being started; its interfaces and addresses are there.
    Pending,
    /// On.
    Running,
    /// Being stopped.
    Stopping,
    /// Off, with its interfaces and private addresses.
    Stopped,
    /// Being terminated.
    ShuttingDown,
    /// Gone, but shown for a while.
    Terminated,
}

impl InstanceState {
    /// EC2's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
        }
    }

    /// The state that a passing one leads to.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Pending => Some(Self::Running),
            Self::Stopping => Some(Self::Stopped),
            Self::ShuttingDown => Some(Self::Terminated),
            Self::Running | Self::Stopped | Self::Terminated => None,
        }
    }

    /// Code and name, as answers have it.
    pub(super) fn shape(self) -> Record {
        let code = match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        };
        Record::new().with("code", code).with("name", self.name())
    }
}

/// A network interface.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Its id.
    pub id: InterfaceId,
    /// Its subnet.
    pub subnet: SubnetId,
    /// Its IPv4 addresses, the primary one first.
    pub addresses: Vec<Ipv4Addr>,
    /// Its IPv6 addresses.
    pub ipv6_addresses: Vec<Ipv6Addr>,
    /// Prefixes delegated to it, of either family.
    pub prefixes: Vec<IpNet>,
    /// The security groups in force on it.
    pub groups: Vec<GroupId>,
    /// What it is attached to.
    pub attachment: Option<Attachment>,
    /// EC2's `interfaceType`: `interface`, `nat_gateway`, `lambda` …
    pub kind: String,
    /// What somebody wrote about it.
    pub description: String,
    /// The service that asked for it, if it is not the customer's own: `amazon-rds`.
    pub requester: Option<String>,
    /// The service that manages it and may hide it.
    pub operator: Option<String>,
    /// Whether it drops what is neither from nor for its own addresses. Off on a firewall.
    pub source_dest_check: bool,
    /// Its tags.
    pub tags: Tags,
}

/// An interface's tie to what uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// What uses the interface.
    pub holder: Holder,
    /// 0 is the instance's primary interface.
    pub device_index: u32,
    /// Since when.
    pub since: Moment,
    /// Whether the interface goes when the instance is terminated.
    pub on_termination: OnTermination,
}

/// What uses an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// An instance of this account.
    Instance(InstanceId),
    /// Something in a service's account: `amazon-elb`.
    Service(String),
}

/// What becomes of an interface when its instance is terminated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTermination {
    /// It goes too: the default of a primary interface.
    Delete,
    /// It stays, attached to nothing.
    Keep,
}

impl Interface {
    /// A customer's interface with one address, attached to nothing.
    pub fn new(id: InterfaceId, subnet: SubnetId, address: Ipv4Addr, groups: Vec<GroupId>) -> Self {
        Self {
            id,
            subnet,
            addresses: vec![address],
            ipv6_addresses: vec![],
            prefixes: vec![],
            groups,
            attachment: None,
            kind: "interface".into(),
            description: String::new(),
            requester: None,
            operator: None,
            source_dest_check: true,
            tags: Tags::new(),
        }
    }

    /// The instance to which it is attached.
    pub fn instance(&self) -> Option<&InstanceId> {
        match &self.attachment.as_ref()?.holder {
            Holder::Instance(id) => Some(id),
            Holder::Service(_) => None,
        }
    }

    fn device_index(&self) -> Option<u32> {
        self.attachment.as_ref().map(|attachment| attachment.device_index)
    }

    /// What DescribeNetworkInterfaces says of it.
    pub(super) fn shape(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        self.common(resources, owner)
            .with("availabilityZone", zone(region))
            .with("description", &self.description)
            .maybe("requesterId", self.requester.as_ref())
            .with("requesterManaged", self.requester.is_some())
            .with("tagSet", tags(&self.tags))
            .with("operator", operator(self.operator.as_deref()))
            .maybe("attachment", self.attachment.as_ref().map(|attachment| attachment.full(owner)))
    }

    /// What DescribeInstances says of it under its instance.
    pub(super) fn under_instance(&self, resources: &Resources, owner: &str, status: &str) -> Record {
        let attachment = self.attachment.as_ref().map(|attachment| attachment.common(status));
        self.common(resources, owner).maybe("attachment", attachment)
    }

    fn common(&self, resources: &Resources, owner: &str) -> Record {
        let address =
            |(n, address): (usize, &Ipv4Addr)| Record::new().with("privateIpAddress", *address).with("primary", n == 0);
        let v6_address = |address: &Ipv6Addr| Record::new().with("ipv6Address", *address);
        let v4_prefixes = self.prefixes.iter().filter(|prefix| matches!(prefix, IpNet::V4(_)));
        let v6_prefixes = self.prefixes.iter().filter(|prefix| matches!(prefix, IpNet::V6(_)));
        Record::new()
            .with("networkInterfaceId", &self.id)
            .with("subnetId", &self.subnet)
            .maybe("vpcId", resources.subnets.get(&self.subnet).map(|subnet| &subnet.vpc))
            .with("ownerId", owner)
            .with("status", if self.attachment.is_some() { "in-use" } else { "available" })
            .with("macAddress", mac_address(&self.id))
            .maybe("privateIpAddress", self.addresses.first().copied())
            .with("sourceDestCheck", self.source_dest_check)
            .with("interfaceType", &self.kind)
            .renamed("groupSet", "Groups", resources.group_names(&self.groups))
            .renamed(
                "privateIpAddressesSet",
                "PrivateIpAddresses",
                Shape::from_iter(self.addresses.iter().enumerate().map(address)),
            )
            .renamed("ipv6AddressesSet", "Ipv6Addresses", Shape::from_iter(self.ipv6_addresses.iter().map(v6_address)))
            .renamed(
                "ipv4PrefixSet",
                "Ipv4Prefixes",
                Shape::from_iter(v4_prefixes.map(|prefix| Record::new().with("ipv4Prefix", *prefix))),
            )
            .renamed(
                "ipv6PrefixSet",
                "Ipv6Prefixes",
                Shape::from_iter(v6_prefixes.map(|prefix| Record::new().with("ipv6Prefix", *prefix))),
            )
    }
}

impl Attachment {
    fn common(&self, status: &str) -> Record {
        Record::new()
            .with("attachmentId", &self.id)
            .with("deviceIndex", self.device_index)
            .with("networkCardIndex", 0)
            .with("status", status)
            .with("attachTime", self.since)
            .with("deleteOnTermination", self.on_termination == OnTermination::Delete)
    }

    fn full(&self, owner: &str) -> Record {
        let record = self.common("attached");
        match &self.holder {
            Holder::Instance(id) => record.with("instanceId", id).with("instanceOwnerId", owner),
            Holder::Service(name) => record.with("instanceOwnerId", name),
        }
    }
}

impl Instance {
    /// What DescribeInstances and RunInstances say of it and its interfaces, of which the primary one comes first.
    pub(super) fn shape(&self, interfaces: &[&Interface], resources: &Resources, owner: &str, region: &str) -> Record {
        let attachment = if self.state == InstanceState::Pending { "attaching" } else { "attached" };
        let primary = interfaces.first();
        let record = Record::new()
            .with("instanceId", &self.id)
            .with("imageId", &self.image)
            .renamed("instanceState", "State", self.state.shape())
            .with("instanceType", &self.kind)
            .with("launchTime", self.launched)
            .with("placement", Record::new().with("availabilityZone", zone(region)).with("tenancy", "default"))
            .with("monitoring", Record::new().with("state", "disabled"));
        let record = record
            .maybe("subnetId", primary.map(|interface| &interface.subnet))
            .maybe("vpcId", primary.and_then(|first| resources.subnets.get(&first.subnet)).map(|subnet| &subnet.vpc))
            .maybe("privateIpAddress", primary.and_then(|interface| interface.addresses.first().copied()))
            .maybe("sourceDestCheck", primary.map(|interface| interface.source_dest_check));
        let under_instance = |interface: &&Interface| interface.under_instance(resources, owner, attachment);
        let groups = primary.map_or(Shape::List(vec![]), |interface| resources.group_names(&interface.groups));
        record
            .renamed("groupSet", "SecurityGroups", groups)
            .renamed(
                "networkInterfaceSet",
                "NetworkInterfaces",
                Shape::from_iter(interfaces.iter().map(under_instance)),
            )
            .renamed("tagSet", "Tags", tags(&self.tags))
            .with("operator", operator(self.operator.as_deref()))
    }
}

impl Resources {
    /// The instance's interfaces, the primary one first.
    pub(super) fn interfaces_of(&self, instance: &InstanceId) -> Vec<&Interface> {
        let mut interfaces: Vec<_> =
            self.interfaces.values().filter(|interface| interface.instance() == Some(instance)).collect();
        interfaces.sort_by_key(|interface| interface.device_index());
        interfaces
    }

    /// The same for all instances at once.
    pub(super) fn interfaces_by_instance(&self) -> BTreeMap<&InstanceId, Vec<&Interface>> {
        let mut by_instance: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for interface in self.interfaces.values() {
            if let Some(instance) = interface.instance() {
                by_instance.entry(instance).or_default().push(interface);
            }
        }
        for interfaces in by_instance.values_mut() {
            interfaces.sort_by_key(|interface| interface.device_index());
        }
        by_instance
    }

    /// The instance to which an interface is attached.
    pub(super) fn instance_behind(&self, interface: &InterfaceId) -> Option<&Instance> {
        self.instances.get(self.interfaces.get(interface)?.instance()?)
    }

    /// The addresses of a subnet that nobody has. EC2 keeps the first four for itself, and the last.
    pub(super) fn free_addresses(&self, subnet: &Subnet) -> impl Iterator<Item = Ipv4Addr> {
        let of_subnet = self.interfaces.values().filter(|interface| interface.subnet == subnet.id);
        let taken: BTreeSet<_> = of_subnet.flat_map(|interface| interface.addresses.iter().copied()).collect();
        subnet.cidr.hosts().skip(3).filter(move |address| !taken.contains(address))
    }

    /// Groups with their names, as interfaces and instances list them.
    pub(super) fn group_names(&self, groups: &[GroupId]) -> Shape {
        let name = |id: &GroupId| self.groups.get(id).map(|group| group.name.clone());
        groups.iter().map(|id| Record::new().with("groupId", id).maybe("groupName", name(id))).collect()
    }
}

fn operator(name: Option<&str>) -> Record {
    Record::new().with("managed", name.is_some()).maybe("principal", name)
}

/// Locally administered, and the same for the same interface.
fn mac_address(id: &InterfaceId) -> String {
    let [.., a, b, c, d, e] = fingerprint(id.to_string().as_bytes()).to_be_bytes();
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}
