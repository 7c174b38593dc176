//! New interfaces as callers describe them, for CreateNetworkInterface and RunInstances.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{delegation, find};
use crate::cloud::{
    Cloud, Interface, SecurityGroup, Subnet, SubnetId, Tags, VpcId, answer::Refusal, ids::GroupId,
    parameters::Parameters,
};

/// An interface that can be made, checked against what is there.
pub(super) struct Plan {
    pub(super) subnet: Subnet,
    groups: Vec<GroupId>,
    addresses: Vec<Ipv4Addr>,
    ipv6_addresses: Vec<Ipv6Addr>,
    prefixes: Vec<IpNet>,
    description: String,
    operator: Option<String>,
    tags: Tags,
}

impl Plan {
    /// Reads a description whose members are called the same in both actions, but for single IPv6 addresses.
    pub(super) fn checked(cloud: &Cloud, place: &Parameters, ipv6_list: &str) -> Result<Self, Refusal> {
        let subnet_id: SubnetId = place.required_id("SubnetId")?;
        let subnet = find(&cloud.resources.subnets, &subnet_id)?.clone();
        let groups = groups(cloud, place, &subnet)?;
        let addresses = addresses(cloud, place, &subnet)?;
        let ipv6_addresses = ipv6_addresses(cloud, place, &subnet, ipv6_list)?;
        let prefixes = delegation::wanted(cloud, place, &subnet)?;
        let description = place.text("Description").unwrap_or_default().to_owned();
        let operator = place.member("Operator").and_then(|operator| operator.text("Principal")).map(str::to_owned);
        let tags = Tags::new();
        Ok(Self { subnet, groups, addresses, ipv6_addresses, prefixes, description, operator, tags })
    }

    pub(super) fn with_tags(self, tags: Tags) -> Self {
        Self { tags, ..self }
    }

    pub(super) fn with_operator(self, operator: Option<String>) -> Self {
        Self { operator, ..self }
    }

    /// The interface, which is not among the others yet.
    pub(super) fn made(self, cloud: &mut Cloud) -> Interface {
        let first = self.addresses.first().copied().unwrap_or(Ipv4Addr::UNSPECIFIED);
        let mut interface = Interface::new(cloud.resource_ids.id(), self.subnet.id, first, self.groups);
        interface.addresses = self.addresses;
        interface.ipv6_addresses = self.ipv6_addresses;
        interface.prefixes = self.prefixes;
        interface.description = self.description;
        interface.operator = self.operator;
        interface.tags = self.tags;
        interface
    }
}

/// The named groups, or the default one of the VPC.
fn groups(cloud: &Cloud, place: &Parameters, subnet: &Subnet) -> Result<Vec<GroupId>, Refusal> {
    let mut groups = place.ids::<GroupId>("SecurityGroupId")?;
    check_groups(cloud, &groups, &subnet.vpc, &format!("subnet {}", subnet.id))?;
    if groups.is_empty() {
        groups.extend(default_group(cloud, subnet).map(|group| group.id.clone()));
    }
    Ok(groups)
}

/// Groups must be there, and in that VPC.
pub(super) fn check_groups(cloud: &Cloud, groups: &[GroupId], vpc: &VpcId, beside: &str) -> Result<(), Refusal> {
    for id in groups {
        if !find(&cloud.resources.groups, id)?.is_usable_in(vpc) {
            let message = format!("Security group {id} and {beside} belong to different networks.");
            return Err(Refusal::new("InvalidParameter", message));
        }
    }
    Ok(())
}

/// What an interface gets whose maker names no groups.
fn default_group<'a>(cloud: &'a Cloud, subnet: &Subnet) -> Option<&'a SecurityGroup> {
    cloud.resources.groups.values().find(|group| group.vpc == subnet.vpc && group.name == "default")
}

/// The primary address first: named, marked among others, or any that is free. Then the secondary ones.
fn addresses(cloud: &Cloud, place: &Parameters, subnet: &Subnet) -> Result<Vec<Ipv4Addr>, Refusal> {
    let mut primary: Option<Ipv4Addr> = place.parsed("PrivateIpAddress")?;
    let mut named = vec![];
    for node in place.list("PrivateIpAddresses") {
        let address = node.parsed("PrivateIpAddress")?.ok_or_else(|| Refusal::missing("PrivateIpAddress"))?;
        match (node.flag("Primary")?, primary) {
            (true, Some(known)) if known != address => {
                let message = "Only one primary private IP address can be specified.";
                return Err(Refusal::combination(message));
            }
            (true, _) => primary = Some(address),
            (false, _) => named.push(address),
        }
    }
    named.retain(|address| Some(*address) != primary);
    for (n, address) in primary.iter().chain(&named).enumerate() {
        cloud.check_address(subnet, *address)?;
        if primary.iter().chain(&named).take(n).any(|earlier| earlier == address) {
            return Err(Refusal::value("privateIpAddress", &address.to_string()));
        }
    }
    let count = place.parsed::<u8>("SecondaryPrivateIpAddressCount")?.unwrap_or(0);
    if count > 0 && !named.is_empty() {
        return Err(Refusal::combination(
            "Secondary private IP addresses can be named or counted, but not both at the same time.",
        ));
    }
    let wanted = usize::from(count) + usize::from(primary.is_none());
    let free = cloud.free_addresses(subnet, wanted + named.len() + usize::from(primary.is_some()))?;
    let taken: Vec<_> = primary.iter().chain(&named).copied().collect();
    let free = free.into_iter().filter(|address| !taken.contains(address)).take(wanted);
    // A chosen primary comes before whatever was named.
    let mut free: Vec<_> = free.collect();
    let first = primary.unwrap_or_else(|| free.remove(0));
    Ok([first].into_iter().chain(named).chain(free).collect())
}

fn ipv6_addresses(cloud: &Cloud, place: &Parameters, subnet: &Subnet, list: &str) -> Result<Vec<Ipv6Addr>, Refusal> {
    let mut addresses: Vec<Ipv6Addr> = vec![];
    for node in place.list(list) {
        let address = node.parsed("Ipv6Address")?.ok_or_else(|| Refusal::missing("Ipv6Address"))?;
        cloud.check_ipv6(subnet, address)?;
        addresses.push(address);
    }
    let count: Option<u8> = place.parsed("Ipv6AddressCount")?;
    let by_itself = u8::from(subnet.gives.ipv6_address && addresses.is_empty());
    addresses.extend(cloud.free_ipv6(subnet, count.unwrap_or(by_itself).into())?);
    Ok(addresses)
}
