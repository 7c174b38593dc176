//! Network interfaces: their addresses and what they are attached to.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net};

use super::{
    Resources, Subnet, Tags,
    address::Public,
    ids::{AttachmentId, GroupId, InstanceId, InterfaceId, SubnetId, fingerprint},
    instance::operator,
    network::tags,
    shape::{Record, Shape},
};
use crate::clock::Moment;

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
    /// Whether it has a public address of EC2's choice as long as its instance is on.
    pub public_while_on: bool,
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
            public_while_on: false,
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

    pub(super) fn device_index(&self) -> Option<u32> {
        self.attachment.as_ref().map(|attachment| attachment.device_index)
    }

    /// What DescribeNetworkInterfaces says of it.
    pub(super) fn shape(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        let zone = resources.subnets.get(&self.subnet).map(|subnet| subnet.zone);
        self.common(resources, owner, region)
            .maybe("availabilityZone", zone.map(|zone| zone.name(region)))
            .with("description", &self.description)
            .maybe("requesterId", self.requester.as_ref())
            .with("requesterManaged", self.requester.is_some())
            .with("tagSet", tags(&self.tags))
            .with("operator", operator(self.operator.as_deref()))
            .maybe("attachment", self.attachment.as_ref().map(|attachment| attachment.full(owner)))
            .maybe("association", self.public_primary(resources).map(|public| public.shape(owner, region)))
    }

    /// What DescribeInstances says of it under its instance.
    pub(super) fn under_instance(&self, resources: &Resources, owner: &str, region: &str, status: &str) -> Record {
        let attachment = self.attachment.as_ref().map(|attachment| attachment.common(status));
        self.common(resources, owner, region)
            .with("description", &self.description)
            .maybe("attachment", attachment)
            .maybe("association", self.public_primary(resources).map(|public| public.short_shape(owner, region)))
    }

    /// The public address behind which its primary address is.
    pub(super) fn public_primary(&self, resources: &Resources) -> Option<Public> {
        resources.public_of(self, *self.addresses.first()?)
    }

    fn common(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        let v6_address = |address: &Ipv6Addr| Record::new().with("ipv6Address", *address).with("isPrimaryIpv6", false);
        let prefixes = |name: &'static str, wanted: fn(&IpNet) -> bool| {
            let prefixes = self.prefixes.iter().filter(|prefix| wanted(prefix));
            Shape::from_iter(prefixes.map(|prefix| Record::new().with(name, *prefix)))
        };
        let addresses = self.addresses.iter().enumerate();
        let addresses = addresses.map(|(n, address)| self.address_shape(n, *address, resources, owner, region));
        Record::new()
            .with("networkInterfaceId", &self.id)
            .with("subnetId", &self.subnet)
            .maybe("vpcId", resources.subnets.get(&self.subnet).map(|subnet| &subnet.vpc))
            .with("ownerId", owner)
            .with("status", if self.attachment.is_some() { "in-use" } else { "available" })
            .with("macAddress", mac_address(&self.id))
            .maybe("privateIpAddress", self.addresses.first().copied())
            .maybe("privateDnsName", self.addresses.first().map(|address| private_name(*address, region)))
            .with("sourceDestCheck", self.source_dest_check)
            .with("interfaceType", &self.kind)
            .renamed("groupSet", "Groups", resources.group_names(&self.groups))
            .renamed("privateIpAddressesSet", "PrivateIpAddresses", Shape::from_iter(addresses))
            .renamed("ipv6AddressesSet", "Ipv6Addresses", Shape::from_iter(self.ipv6_addresses.iter().map(v6_address)))
            .renamed("ipv4PrefixSet", "Ipv4Prefixes", prefixes("ipv4Prefix", |prefix| matches!(prefix, IpNet::V4(_))))
            .renamed("ipv6PrefixSet", "Ipv6Prefixes", prefixes("ipv6Prefix", |prefix| matches!(prefix, IpNet::V6(_))))
    }

    fn address_shape(&self, n: usize, address: Ipv4Addr, resources: &Resources, owner: &str, region: &str) -> Record {
        let public = resources.public_of(self, address);
        Record::new()
            .with("privateIpAddress", address)
            .with("privateDnsName", private_name(address, region))
            .with("primary", n == 0)
            .maybe("association", public.map(|public| public.short_shape(owner, region)))
    }
}

impl Resources {
    /// The addresses of a subnet that nobody has. EC2 keeps the first four for itself, and the last.
    pub(super) fn free_addresses(&self, subnet: &Subnet) -> impl Iterator<Item = Ipv4Addr> {
        let (taken, delegated) = self.taken(subnet);
        let in_prefix = move |address: &Ipv4Addr| delegated.iter().any(|prefix| prefix.contains(address));
        let free = move |address: &Ipv4Addr| !taken.contains(address) && !in_prefix(address);
        subnet.cidr.hosts().skip(3).filter(free)
    }

    /// Prefixes of sixteen addresses of which nobody has any.
    pub(super) fn free_prefixes(&self, subnet: &Subnet) -> impl Iterator<Item = Ipv4Net> {
        let (taken, delegated) = self.taken(subnet);
        let (first, last) = (subnet.cidr.network(), subnet.cidr.broadcast());
        let blocks = subnet.cidr.subnets(PREFIX_BITS).into_iter().flatten();
        blocks.filter(move |block| {
            // The block with the reserved addresses is never delegated.
            !block.contains(&first)
                && !block.contains(&last)
                && !taken.iter().any(|address| block.contains(address))
                && !delegated.contains(block)
        })
    }

    /// `availableIpAddressCount`
    pub(super) fn free_count(&self, subnet: &Subnet) -> i64 {
        let (taken, delegated) = self.taken(subnet);
        let all = 1_i64 << (32 - subnet.cidr.prefix_len());
        let gone = taken.len() + delegated.len() * 16;
        (all - 5 - i64::try_from(gone).unwrap_or(i64::MAX)).max(0)
    }

    fn taken(&self, subnet: &Subnet) -> (BTreeSet<Ipv4Addr>, BTreeSet<Ipv4Net>) {
        let (mut addresses, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
        for interface in self.interfaces.values().filter(|interface| interface.subnet == subnet.id) {
            addresses.extend(interface.addresses.iter().copied());
            prefixes.extend(interface.prefixes.iter().filter_map(|prefix| match prefix {
                IpNet::V4(prefix) => Some(*prefix),
                IpNet::V6(_) => None,
            }));
        }
        (addresses, prefixes)
    }
}

/// The size of a delegated IPv4 prefix: sixteen addresses (EC2 user guide, "Prefix delegation").
pub(super) const PREFIX_BITS: u8 = 28;

/// The size of a delegated IPv6 prefix.
pub(super) const IPV6_PREFIX_BITS: u8 = 80;

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

    pub(super) fn full(&self, owner: &str) -> Record {
        let record = self.common("attached");
        match &self.holder {
            Holder::Instance(id) => record.with("instanceId", id).with("instanceOwnerId", owner),
            Holder::Service(name) => record.with("instanceOwnerId", name),
        }
    }
}

/// `ip-10-0-0-4.eu-west-1.compute.internal`
pub(super) fn private_name(address: Ipv4Addr, region: &str) -> String {
    let domain = if region == "us-east-1" { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") };
    format!("ip-{}.{domain}", address.to_string().replace('.', "-"))
}

/// Locally administered, and the same for the same interface.
fn mac_address(id: &InterfaceId) -> String {
    let [.., a, b, c, d, e] = fingerprint(id.to_string().as_bytes()).to_be_bytes();
    format!("02:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}")
}
