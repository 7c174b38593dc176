//! Assigning addresses and prefixes to interfaces, and taking them away.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{delegation, done, find_mut, interfaces::outside};
use crate::{
    clock::Moment,
    cloud::{
        Cloud, Interface, InterfaceId,
        answer::Refusal,
        parameters::Parameters,
        shape::{Record, Shape},
    },
};

/// AssignPrivateIpAddresses: named ones or as many as asked for. With `AllowReassignment` they leave their old interface:
/// how addresses move when a firewall fails over.
pub(super) fn assign_addresses(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let subnet = cloud.subnet_of(&id)?;
    let mut addresses = addresses(parameters)?;
    let moving = parameters.flag("AllowReassignment")?;
    for address in &addresses {
        if !moving {
            cloud.check_address(&subnet, *address)?;
        } else if !subnet.cidr.contains(address) {
            return Err(outside(&subnet, *address));
        }
        let primary =
            |interface: &Interface| interface.subnet == subnet.id && interface.addresses.first() == Some(address);
        if cloud.resources.interfaces.values().any(primary) {
            return Err(Refusal::value("privateIpAddress", &format!("{address} is a primary address")));
        }
    }
    let prefixes =
        delegation::v4(cloud, &subnet, &parameters.texts("Ipv4Prefix"), parameters.parsed("Ipv4PrefixCount")?)?;
    if let Some(count) = parameters.parsed::<u8>("SecondaryPrivateIpAddressCount")? {
        addresses.extend(cloud.free_addresses(&subnet, count.into())?);
    }
    for interface in cloud.resources.interfaces.values_mut().filter(|interface| interface.subnet == subnet.id) {
        interface.addresses.retain(|address| !addresses.contains(address));
    }
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    interface.addresses.extend(&addresses);
    interface.prefixes.extend(prefixes.iter().copied().map(IpNet::V4));
    let assigned =
        addresses.iter().map(|address| Record::new().with("privateIpAddress", *address).with("primary", false));
    Ok(done()
        .with("networkInterfaceId", &id)
        .with("assignedPrivateIpAddressesSet", Shape::from_iter(assigned))
        .with("assignedIpv4PrefixSet", prefix_list("ipv4Prefix", prefixes.into_iter().map(IpNet::V4))))
}

pub(super) fn unassign_addresses(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let addresses = addresses(parameters)?;
    let prefixes = prefixes(parameters, "Ipv4Prefix")?;
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    let secondary = interface.addresses.get(1..).unwrap_or_default();
    if let Some(stranger) = addresses.iter().find(|address| !secondary.contains(address)) {
        return Err(Refusal::value("privateIpAddress", &stranger.to_string()));
    }
    check_delegated(interface, &prefixes)?;
    interface.addresses.retain(|address| !addresses.contains(address));
    interface.prefixes.retain(|prefix| !prefixes.contains(prefix));
    cloud.forget_public(&id);
    Ok(done())
}

/// AssignIpv6Addresses: named ones, or as many as asked for.
pub(super) fn assign_ipv6(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let subnet = cloud.subnet_of(&id)?;
    let mut addresses = ipv6_addresses(parameters)?;
    addresses.iter().try_for_each(|address| cloud.check_ipv6(&subnet, *address))?;
    let count: Option<u8> = parameters.parsed("Ipv6AddressCount")?;
    addresses.extend(cloud.free_ipv6(&subnet, count.unwrap_or(0).into())?);
    let named = parameters.texts("Ipv6Prefix");
    let prefixes = delegation::v6(cloud, &subnet, &named, parameters.parsed("Ipv6PrefixCount")?)?;
    if addresses.is_empty() && prefixes.is_empty() {
        return Err(Refusal::missing("Ipv6Addresses"));
    }
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    interface.ipv6_addresses.extend(&addresses);
    interface.prefixes.extend(prefixes.iter().copied().map(IpNet::V6));
    let answer = Record::new().with("networkInterfaceId", &id);
    Ok(answer
        .with("assignedIpv6Addresses", Shape::from_iter(addresses))
        .with("assignedIpv6PrefixSet", Shape::from_iter(prefixes)))
}

pub(super) fn unassign_ipv6(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: InterfaceId = parameters.required_id("NetworkInterfaceId")?;
    let (addresses, prefixes) = (ipv6_addresses(parameters)?, prefixes(parameters, "Ipv6Prefix")?);
    if addresses.is_empty() && prefixes.is_empty() {
        return Err(Refusal::missing("Ipv6Addresses"));
    }
    let interface = find_mut(&mut cloud.resources.interfaces, &id)?;
    if let Some(stranger) = addresses.iter().find(|address| !interface.ipv6_addresses.contains(address)) {
        return Err(Refusal::value("ipv6Addresses", &stranger.to_string()));
    }
    check_delegated(interface, &prefixes)?;
    interface.ipv6_addresses.retain(|address| !addresses.contains(address));
    interface.prefixes.retain(|prefix| !prefixes.contains(prefix));
    let answer = Record::new().with("networkInterfaceId", &id);
    Ok(answer
        .with("unassignedIpv6Addresses", Shape::from_iter(addresses))
        .with("unassignedIpv6PrefixSet", Shape::from_iter(prefixes)))
}

fn prefix_list(member: &'static str, prefixes: impl Iterator<Item = IpNet>) -> Shape {
    prefixes.map(|prefix| Record::new().with(member, prefix)).collect()
}

fn prefixes(parameters: &Parameters, list: &str) -> Result<Vec<IpNet>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::value(list, text));
    parameters.texts(list).into_iter().map(parse).collect()
}

fn check_delegated(interface: &Interface, prefixes: &[IpNet]) -> Result<(), Refusal> {
    match prefixes.iter().find(|prefix| !interface.prefixes.contains(prefix)) {
        Some(stranger) => Err(Refusal::value("prefix", &stranger.to_string())),
        None => Ok(()),
    }
}

fn ipv6_addresses(parameters: &Parameters) -> Result<Vec<Ipv6Addr>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::value("ipv6Addresses", text));
    parameters.texts("Ipv6Addresses").into_iter().map(parse).collect()
}

fn addresses(parameters: &Parameters) -> Result<Vec<Ipv4Addr>, Refusal> {
    let parse = |text: &str| text.parse().map_err(|_| Refusal::value("privateIpAddress", text));
    parameters.texts("PrivateIpAddress").into_iter().map(parse).collect()
}

impl Cloud {
    /// An elastic address stands for a private one only as long as an interface has that.
    pub(super) fn forget_public(&mut self, id: &InterfaceId) {
        let kept = self.resources.interfaces.get(id).map(|interface| interface.addresses.clone()).unwrap_or_default();
        for address in self.resources.addresses.values_mut() {
            if address.association.as_ref().is_some_and(|used| used.interface == *id && !kept.contains(&used.private)) {
                address.association = None;
            }
        }
    }
}
