//! Elastic IP addresses, and the public addresses that EC2 lends to instances.

use std::net::Ipv4Addr;

use super::{
    InstanceState, Resources, Tags,
    ids::{AddressAssociationId, AllocationId, InterfaceId, fingerprint},
    interface::Interface,
    network::tags,
    shape::Record,
};

/// An elastic IP address.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its id.
    pub id: AllocationId,
    /// The address.
    pub public: Ipv4Addr,
    /// What it stands for.
    pub association: Option<AddressAssociation>,
    /// Its tags.
    pub tags: Tags,
}

/// An elastic IP address in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressAssociation {
    /// Its id.
    pub id: AddressAssociationId,
    /// The interface.
    pub interface: InterfaceId,
    /// Which of its addresses.
    pub private: Ipv4Addr,
}

/// A public address in front of a private one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Public {
    pub(super) address: Ipv4Addr,
    /// None if it is only lent.
    elastic: Option<(AllocationId, AddressAssociationId)>,
}

impl Public {
    /// `ec2-203-0-113-1.eu-west-1.compute.amazonaws.com`
    pub(super) fn name(&self, region: &str) -> String {
        let place = if region == "us-east-1" { "compute-1".to_owned() } else { format!("{region}.compute") };
        format!("ec2-{}.{place}.amazonaws.com", self.address.to_string().replace('.', "-"))
    }

    /// What DescribeInstances says of it.
    pub(super) fn short_shape(&self, owner: &str, region: &str) -> Record {
        let owner = if self.elastic.is_some() { owner } else { "amazon" };
        Record::new().with("publicIp", self.address).with("publicDnsName", self.name(region)).with("ipOwnerId", owner)
    }

    /// What DescribeNetworkInterfaces says of it.
    pub(super) fn shape(&self, owner: &str, region: &str) -> Record {
        let record = self.short_shape(owner, region);
        match &self.elastic {
            Some((allocation, association)) => {
                record.with("allocationId", allocation).with("associationId", association)
            }
            None => record,
        }
    }
}

impl Address {
    /// What DescribeAddresses says of it.
    pub(super) fn shape(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        let record = Record::new()
            .with("allocationId", &self.id)
            .with("publicIp", self.public)
            .with("publicIpv4Pool", "amazon")
            .with("networkBorderGroup", region)
            .with("domain", "vpc");
        let record = match &self.association {
            Some(AddressAssociation { id, interface, private }) => record
                .with("associationId", id)
                .with("networkInterfaceId", interface)
                .with("networkInterfaceOwnerId", owner)
                .with("privateIpAddress", *private)
                .maybe("instanceId", resources.instance_behind(interface).map(|instance| &instance.id)),
            None => record,
        };
        record.renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// Where elastic addresses come from: the networks that are set aside for documentation (RFC 5737).
const POOLS: [[u8; 3]; 2] = [[203, 0, 113], [198, 51, 100]];

impl Resources {
    /// The public address in front of one of an interface's addresses.
    pub(super) fn public_of(&self, interface: &Interface, private: Ipv4Addr) -> Option<Public> {
        let mut elastic = self.addresses.values().filter_map(|address| Some((address, address.association.as_ref()?)));
        let found = elastic.find(|(_, used)| used.interface == interface.id && used.private == private);
        if let Some((address, used)) = found {
            return Some(Public { address: address.public, elastic: Some((address.id.clone(), used.id.clone())) });
        }
        let is_primary = interface.addresses.first() == Some(&private);
        if is_primary && interface.public_while_on { self.lent(interface) } else { None }
    }

    /// The public address of an instance that is on: another one after every start.
    fn lent(&self, interface: &Interface) -> Option<Public> {
        let instance = self.instance_behind(&interface.id)?;
        if !matches!(instance.state, InstanceState::Pending | InstanceState::Running) {
            return None;
        }
        let seed = format!("{} {}", interface.id, instance.launched.iso());
        // From the networks set aside for benchmarks (RFC 2544), so that nobody's real address is among them.
        let [.., a, b, c] = fingerprint(seed.as_bytes()).to_be_bytes();
        Some(Public { address: Ipv4Addr::new(198, 18 + (a & 1), b, c), elastic: None })
    }

    /// An elastic address that nobody has.
    pub(super) fn free_elastic(&self) -> Option<Ipv4Addr> {
        let all = POOLS.iter().flat_map(|[a, b, c]| (1..=254).map(move |d| Ipv4Addr::new(*a, *b, *c, d)));
        let mut free = all.filter(|address| !self.addresses.values().any(|other| other.public == *address));
        free.next()
    }
}
